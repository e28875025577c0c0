#include "store/relay_store.h"

#include <inttypes.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(SLOT_PREPARED == 0 && SLOT_BROADCAST == 1 && SLOT_MINED == 2 && SLOT_CONFIRMED == 3 &&
		       SLOT_FAILED == 4 && SLOT_VACANT == 5 && SLOT_LOST == 6,
	       "stored in outbox_tx.state, and spelled out in the statements");
_Static_assert(SLOT_DIRECTIVES == 0 && SLOT_NO_OP == 1 && SLOT_REVOKE == 2, "stored in outbox_tx.purpose");

enum {
	Q_FILL_VACANT,
	Q_IN_POOLS,
	Q_TAKE_NONCE,
	Q_LANE,
	Q_ADD,
	Q_ADD_VACANT,
	Q_SAVE,
	Q_GET,
	Q_AT,
	Q_LIST_OPEN,
	Q_LIST_WATCHED,
	Q_COUNT_OPEN,
	Q_COST_SINCE,
	Q_COUNT
};

#define COLS                                                                                                           \
	"tx_id, lane, tx_nonce, purpose, state, version, fill, mined_hash, mined_block, mined_block_hash, mined_ok,"   \
	" gas_used, gas_price, cost_gwei, watch_until, next_check_at_ms, opened_at_ms"

/* The slots of a lane that are not settled.  The unary + keeps the planner from making the states of the index one. */
#define UNSETTLED " FROM outbox_tx INDEXED BY outbox_tx_open WHERE state IN (0, 1, 2, 5) AND lane = ?1"

static const char *const sql[Q_COUNT] = {
	[Q_FILL_VACANT] = "UPDATE outbox_tx SET state = 0, purpose = ?2, cost_gwei = ?3, next_check_at_ms = ?4,"
			  " opened_at_ms = ?4, fill = fill + 1, version = version + 1, watch_until = 0,"
			  " mined_hash = NULL, mined_block = NULL, mined_block_hash = NULL, mined_ok = NULL,"
			  " gas_used = NULL, gas_price = NULL WHERE tx_id = (SELECT tx_id" UNSETTLED
			  " AND +state = 5 ORDER BY tx_nonce LIMIT 1) RETURNING " COLS,
	[Q_IN_POOLS] = "SELECT count(*)" UNSETTLED " AND +state IN (0, 1)",
	[Q_TAKE_NONCE] = "UPDATE outbox_lane SET next_tx_nonce = next_tx_nonce + 1 WHERE lane = ?1 AND synced = 1"
			 " AND next_tx_nonce < 9223372036854775807 RETURNING next_tx_nonce - 1",
	[Q_LANE] = "SELECT synced FROM outbox_lane WHERE lane = ?1",
	[Q_ADD] = "INSERT INTO outbox_tx (lane, tx_nonce, purpose, cost_gwei, next_check_at_ms, opened_at_ms, state,"
		  " version, fill, watch_until) VALUES (?1, ?5, ?2, ?3, ?4, ?4, 0, 1, 0, 0) RETURNING " COLS,
	[Q_ADD_VACANT] = "INSERT INTO outbox_tx (lane, tx_nonce, purpose, cost_gwei, next_check_at_ms, opened_at_ms,"
			 " state, version, fill, watch_until) VALUES (?1, ?2, 0, 0, ?3, ?3, 5, 1, 0, 0)"
			 " ON CONFLICT (lane, tx_nonce) DO NOTHING",
	[Q_SAVE] = "UPDATE outbox_tx SET purpose = ?3, state = ?4, cost_gwei = ?5, watch_until = ?6,"
		   " next_check_at_ms = ?7, mined_hash = ?8, mined_block = ?9, mined_block_hash = ?10, mined_ok = ?11,"
		   " gas_used = ?12, gas_price = ?13, version = version + 1 WHERE tx_id = ?1 AND version = ?2",
	[Q_GET] = "SELECT " COLS " FROM outbox_tx WHERE tx_id = ?1",
	[Q_AT] = "SELECT " COLS " FROM outbox_tx WHERE lane = ?1 AND tx_nonce = ?2",
	[Q_LIST_OPEN] = "SELECT " COLS UNSETTLED " ORDER BY tx_nonce LIMIT ?2",
	[Q_LIST_WATCHED] = "SELECT " COLS " FROM outbox_tx INDEXED BY outbox_tx_watched WHERE state IN (3, 4, 6)"
			   " AND next_check_at_ms IS NOT NULL AND lane = ?1 ORDER BY next_check_at_ms DESC LIMIT ?2",
	[Q_COUNT_OPEN] = "SELECT count(*) FROM outbox_lane AS l CROSS JOIN outbox_tx AS t INDEXED BY outbox_tx_open"
			 " ON t.lane = l.lane WHERE l.chain_id = ?1 AND t.state IN (0, 1, 2, 5)"
			 " AND +t.state IN (0, 1, 2)",
	[Q_COST_SINCE] = "SELECT coalesce(sum(t.cost_gwei), 0) FROM outbox_lane AS l CROSS JOIN outbox_tx AS t"
			 " INDEXED BY outbox_tx_cost ON t.lane = l.lane WHERE l.chain_id = ?1 AND t.opened_at_ms >= ?2",
};
const struct query_set slot_queries = { "slot", sql, Q_COUNT };

const char *slot_state_name(enum slot_state s)
{
	switch (s) {
	case SLOT_PREPARED:
		return "prepared";
	case SLOT_BROADCAST:
		return "broadcast";
	case SLOT_MINED:
		return "mined";
	case SLOT_CONFIRMED:
		return "confirmed";
	case SLOT_FAILED:
		return "failed";
	case SLOT_VACANT:
		return "vacant";
	case SLOT_LOST:
		return "lost";
	}
	return "unknown";
}

static void mined_read(struct stmt *q, struct slot_row *ret)
{
	ret->mined = !col_is_null(q, 7);
	if (!ret->mined)
		return;
	col_hash32(q, 7, &ret->mined_hash);
	ret->mined_block = col_u64(q, 8);
	col_hash32(q, 9, &ret->mined_block_hash);
	ret->mined_ok = col_bool(q, 10);
	ret->gas_used = col_u64(q, 11);
	col_gas_price(q, 12, &ret->gas_price);
}

static void row_read(struct stmt *q, struct slot_row *ret)
{
	*ret = (struct slot_row){
		.id = col_i64(q, 0),
		.lane = col_i64(q, 1),
		.nonce = col_u64(q, 2),
		.purpose = (enum slot_purpose)col_i64(q, 3),
		.state = (enum slot_state)col_i64(q, 4),
		.version = col_i64(q, 5),
		.fill = (uint32_t)col_i64(q, 6),
		.cost_gwei = col_u64(q, 13),
		.watch_until = col_u64(q, 14),
		.next_check_at_ms = col_optional(q, 15, -1),
		.opened_at_ms = col_i64(q, 16),
	};
	mined_read(q, ret);
}

/* --- opening --- */

/* What a slot is opened for. */
struct opening {
	struct unit *u;
	int64_t lane, now_ms;
	enum slot_purpose purpose;
	uint64_t cost_gwei;
};

/* Runs Q_FILL_VACANT or Q_ADD: 1 with *ret, 0 when there was nothing to fill, -1. */
static int open_by(const struct opening *o, unsigned query, uint64_t nonce, struct slot_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(o->u), FAMILY_SLOT, query);
	struct slot_row row;
	int rc;

	bind_i64(q, 1, o->lane);
	bind_i64(q, 2, o->purpose);
	bind_u64(q, 3, o->cost_gwei);
	bind_i64(q, 4, o->now_ms);
	if (query == Q_ADD)
		bind_u64(q, 5, nonce);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	row_read(q, &row);
	if (stmt_run(q, err) < 0)
		return -1;
	*ret = row;
	return 1;
}

static int in_pools(struct unit *u, int64_t lane, uint64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SLOT, Q_IN_POOLS);

	bind_i64(q, 1, lane);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_u64(q, 0);
	return 0;
}

/* Why the lane gave no nonce. */
static int no_nonce(struct unit *u, int64_t lane, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SLOT, Q_LANE);
	int rc;

	bind_i64(q, 1, lane);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no lane %" PRId64, lane);
	if (!col_bool(q, 0))
		return ERR(err, ERR_BUSY, "lane %" PRId64 ": its nonce has not been read from the chain yet", lane);
	return ERR(err, ERR_RANGE, "lane %" PRId64 ": its nonces are used up", lane);
}

static int take_nonce(struct unit *u, int64_t lane, uint64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SLOT, Q_TAKE_NONCE);
	uint64_t nonce;
	int rc;

	bind_i64(q, 1, lane);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : no_nonce(u, lane, err);
	nonce = col_u64(q, 0);
	if (stmt_run(q, err) < 0)
		return -1;
	*ret = nonce;
	return 0;
}

int slot_store_open(struct unit *u, int64_t lane, enum slot_purpose purpose, unsigned max_open, uint64_t cost_gwei,
		    int64_t now_ms, struct slot_row *ret, struct err *err)
{
	const struct opening o = { u, lane, now_ms, purpose, cost_gwei };
	uint64_t open, nonce;
	int rc;

	if (storable(cost_gwei, "the cost", err) != 0)
		return -1;
	rc = open_by(&o, Q_FILL_VACANT, 0, ret, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (in_pools(u, lane, &open, err) != 0)
		return -1;
	if (open >= max_open)
		return ERR(err, ERR_BUSY, "lane %" PRId64 " has %" PRIu64 " open slots", lane, open);
	if (take_nonce(u, lane, &nonce, err) != 0)
		return -1;
	return open_by(&o, Q_ADD, nonce, ret, err) < 0 ? -1 : 0;
}

int slot_store_add_vacant(struct unit *u, int64_t lane, uint64_t nonce, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SLOT, Q_ADD_VACANT);
	int changed;

	if (storable(nonce, "the nonce", err) != 0)
		return -1;
	bind_i64(q, 1, lane);
	bind_u64(q, 2, nonce);
	bind_i64(q, 3, now_ms);
	changed = stmt_run(q, err);
	if (changed < 0)
		return -1;
	return changed == 1 ? 0 : ERR(err, ERR_CONFLICT, "lane %" PRId64 " has a slot at %" PRIu64, lane, nonce);
}

/* --- saving --- */

/* Numbers that came from a chain. */
static int check_numbers(const struct slot_row *row, struct err *err)
{
	if (storable(row->mined_block, "the block", err) != 0 || storable(row->gas_used, "the gas used", err) != 0 ||
	    storable(row->cost_gwei, "the cost", err) != 0)
		return -1;
	return storable(row->watch_until, "the last block to watch", err);
}

static void bind_mined(struct stmt *q, int i, const struct slot_row *row)
{
	if (!row->mined)
		return;
	bind_hash32(q, i, &row->mined_hash);
	bind_u64(q, i + 1, row->mined_block);
	bind_hash32(q, i + 2, &row->mined_block_hash);
	bind_bool(q, i + 3, row->mined_ok);
	bind_u64(q, i + 4, row->gas_used);
	bind_gas_price(q, i + 5, row->gas_price);
}

int slot_store_save(struct unit *u, struct slot_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SLOT, Q_SAVE);
	int changed;

	if (check_numbers(row, err) != 0)
		return -1;
	bind_i64(q, 1, row->id);
	bind_i64(q, 2, row->version);
	bind_i64(q, 3, row->purpose);
	bind_i64(q, 4, row->state);
	bind_u64(q, 5, row->cost_gwei);
	bind_u64(q, 6, row->watch_until);
	bind_optional(q, 7, row->next_check_at_ms, -1);
	bind_mined(q, 8, row);
	changed = stmt_run(q, err);
	if (changed < 0)
		return -1;
	if (changed == 0)
		return ERR(err, ERR_CONFLICT, "slot %" PRId64 ": somebody else advanced it", row->id);
	row->version++;
	return 0;
}

/* --- reading --- */

static int read_one(struct stmt *q, struct slot_row *ret, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "there is no such slot");
	row_read(q, ret);
	return 0;
}

int slot_store_get(struct view v, int64_t id, struct slot_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SLOT, Q_GET);

	bind_i64(q, 1, id);
	return read_one(q, ret, err);
}

int slot_store_at(struct view v, int64_t lane, uint64_t nonce, struct slot_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SLOT, Q_AT);

	if (nonce > INT64_MAX)
		return ERR(err, ERR_NOT_FOUND, "there is no such slot");
	bind_i64(q, 1, lane);
	bind_u64(q, 2, nonce);
	return read_one(q, ret, err);
}

static int list(struct view v, struct arena *a, unsigned query, int64_t lane, unsigned max, struct slot_row **ret,
		size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SLOT, query);
	struct slot_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, lane);
	bind_i64(q, 2, max);
	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		row_read(q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int slot_store_list_open(struct view v, struct arena *a, int64_t lane, unsigned max, struct slot_row **ret, size_t *n,
			 struct err *err)
{
	return list(v, a, Q_LIST_OPEN, lane, max, ret, n, err);
}

int slot_store_list_watched(struct view v, struct arena *a, int64_t lane, unsigned max, struct slot_row **ret,
			    size_t *n, struct err *err)
{
	return list(v, a, Q_LIST_WATCHED, lane, max, ret, n, err);
}

int slot_store_count_open(struct view v, uint64_t chain_id, unsigned *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SLOT, Q_COUNT_OPEN);

	if (storable(chain_id, "the chain's id", err) != 0)
		return -1;
	bind_u64(q, 1, chain_id);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = (unsigned)col_u64(q, 0);
	return 0;
}

int slot_store_cost_since(struct view v, uint64_t chain_id, int64_t since_ms, uint64_t *ret_gwei, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SLOT, Q_COST_SINCE);

	if (storable(chain_id, "the chain's id", err) != 0)
		return -1;
	bind_u64(q, 1, chain_id);
	bind_i64(q, 2, since_ms);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret_gwei = col_u64(q, 0);
	return 0;
}
