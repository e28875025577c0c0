#include "store/utxo_store.h"

#include <assert.h>
#include <inttypes.h>

#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(UTXO_STATES == UTXO_WAITING, "the last one");

enum {
	Q_LOCK,
	Q_UNLOCK_AT,
	Q_UNHOLD_AT,
	Q_UNLOCK,
	Q_UNHOLD,
	Q_REHOLD,
	Q_COUNT_STATE,
	Q_COUNT_CONFIRMED,
	Q_VALUES,
	Q_VALUES_CONFIRMED,
	Q_COUNT_HELD,
	Q_BY_HOLDER,
	Q_GET,
	Q_FIND,
	Q_LIST,
	Q_LIST_STATE,
	Q_LIST_GONE,
	Q_LIST_TX,
	Q_SUMS,
	Q_SUM_CONFIRMED,
	Q_COUNT
};

#define ROWS                                                                                                           \
	"SELECT c.id, t.txid, c.vout, c.value, s.spk, s.chain, s.idx, s.label, c.state, c.holder, t.place, t.height,"  \
	" t.hash, t.coinbase, t.own, (SELECT txid FROM onchain_tx WHERE id = c.spent_by)"                              \
	" FROM onchain_coin AS c CROSS JOIN onchain_tx AS t ON t.id = c.tx_id"                                         \
	" CROSS JOIN onchain_script AS s ON s.id = c.script_id"
#define AT                                                                                                             \
	"(SELECT c.id FROM onchain_tx AS t JOIN onchain_coin AS c ON c.tx_id = t.id"                                   \
	" WHERE t.txid = ?1 AND c.vout = ?2)"
/* As the indexes say it that leave out what is gone. */
#define OPEN      "c.state NOT IN (5, 6)"
#define SPENDABLE " FROM onchain_coin AS c WHERE c.state = 1 AND " OPEN
#define CONFIRMED                                                                                                      \
	" FROM onchain_coin AS c CROSS JOIN onchain_tx AS t ON t.id = c.tx_id WHERE c.state = 1 AND " OPEN             \
	" AND t.place = 3"

/* Spendable and locked differ by the holder alone, so that these two change into one another here; of any other state the
 * holder says nothing. */
static const char *const sql[Q_COUNT] = {
	[Q_LOCK] = "UPDATE onchain_coin SET state = 2, holder = ?3 WHERE id = " AT " AND +state = 1 RETURNING value",
	[Q_UNLOCK_AT] = "UPDATE onchain_coin SET state = 1, holder = NULL WHERE id = " AT
			" AND +holder = ?3 AND +state = 2 RETURNING value",
	[Q_UNHOLD_AT] = "UPDATE onchain_coin SET holder = NULL WHERE id = " AT " AND +holder = ?3",
	[Q_UNLOCK] = "UPDATE onchain_coin SET state = 1, holder = NULL WHERE holder = ?1 AND +state = 2"
		     " RETURNING value",
	[Q_UNHOLD] = "UPDATE onchain_coin SET holder = NULL WHERE holder = ?1",
	[Q_REHOLD] = "UPDATE onchain_coin SET holder = ?2 WHERE holder = ?1",
	[Q_COUNT_STATE] = "SELECT count(*)" SPENDABLE,
	[Q_COUNT_CONFIRMED] = "SELECT count(*)" CONFIRMED,
	[Q_VALUES] = "SELECT c.id, c.value" SPENDABLE " ORDER BY c.value DESC, c.id DESC",
	[Q_VALUES_CONFIRMED] = "SELECT c.id, c.value" CONFIRMED " ORDER BY c.value DESC, c.id DESC",
	[Q_COUNT_HELD] = "SELECT count(*) FROM onchain_coin WHERE holder = ?1",
	[Q_BY_HOLDER] = ROWS " WHERE c.holder = ?1 ORDER BY c.id",
	[Q_GET] = ROWS " WHERE c.id = ?1",
	[Q_FIND] = ROWS " WHERE c.id = " AT,
	[Q_LIST] = ROWS " WHERE c.id > ?1 AND " OPEN " ORDER BY c.id LIMIT ?2",
	[Q_LIST_STATE] = ROWS " WHERE c.id > ?1 AND +c.state = ?3 AND " OPEN " ORDER BY c.id LIMIT ?2",
	/* Of what is gone there is more than of anything else. */
	[Q_LIST_GONE] = ROWS " WHERE c.id > ?1 AND +c.state = ?3 ORDER BY c.id LIMIT ?2",
	[Q_LIST_TX] = ROWS " WHERE c.tx_id = ?4 AND +c.id > ?1 AND (?3 = 0 OR +c.state = ?3) ORDER BY c.id LIMIT ?2",
	[Q_SUMS] = "SELECT c.state, count(*), sum(c.value) FROM onchain_coin AS c WHERE " OPEN " GROUP BY c.state",
	[Q_SUM_CONFIRMED] = "SELECT ifnull(sum(c.value), 0)" CONFIRMED,
};
const struct query_set utxo_queries = { "utxo", sql, Q_COUNT };

/* --- holders --- */

static const struct currency unit_sat = { "sat" };

/* Runs a statement that returns the value of each coin that it moved. */
static int run_moves(struct movement *m, struct stmt *q, enum account from, enum account to, size_t *n, struct err *err)
{
	struct ecash amount;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		if (!ecash_make(col_u64(q, 0), unit_sat, &amount))
			return ERR(err, ERR_RANGE, "more sat than can be counted");
		if (movement_add(m, from, to, amount, err) != 0)
			return -1;
		++*n;
	}
	return rc;
}

/* One coin, by its outpoint. */
static int move_at(struct movement *m, unsigned query, const struct outpoint *at, const struct action_id *holder,
		   enum account from, enum account to, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_UTXO, query);

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	bind_action_id(q, 3, holder);
	return run_moves(m, q, from, to, n, err);
}

int utxo_store_lock(struct unit *u, const struct outpoint *at, size_t n, const struct action_id *holder, int64_t now_ms,
		    struct err *err)
{
	struct movement m = movement_begin(u, holder, RAIL_ONCHAIN, "lock", 0, unit_sat, now_ms);
	char text[OUTPOINT_TEXT];
	size_t locked = 0;

	assert(!action_id_is_empty(holder));
	for (size_t i = 0; i < n; i++) {
		if (move_at(&m, Q_LOCK, &at[i], holder, ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, &locked, err) != 0)
			return -1;
		if (locked == i) {
			outpoint_text(&at[i], text);
			return ERR(err, ERR_CONFLICT, "the coin %s is not spendable", text);
		}
	}
	return movement_post(&m, err);
}

int utxo_store_release_some(struct unit *u, const struct outpoint *at, size_t n, const struct action_id *holder,
			    int64_t now_ms, struct err *err)
{
	struct movement m = movement_begin(u, holder, RAIL_ONCHAIN, "release", 0, unit_sat, now_ms);
	size_t moved = 0;

	assert(!action_id_is_empty(holder));
	for (size_t i = 0; i < n; i++)
		if (move_at(&m, Q_UNLOCK_AT, &at[i], holder, ACCOUNT_LOCKED, ACCOUNT_SPENDABLE, &moved, err) != 0 ||
		    move_at(&m, Q_UNHOLD_AT, &at[i], holder, ACCOUNT_LOCKED, ACCOUNT_LOCKED, &moved, err) != 0)
			return -1;
	return movement_post(&m, err);
}

static int unlock_all(struct movement *m, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_UTXO, Q_UNLOCK);
	size_t n = 0;

	bind_action_id(q, 1, holder);
	return run_moves(m, q, ACCOUNT_LOCKED, ACCOUNT_SPENDABLE, &n, err);
}

static int unhold_all(struct unit *u, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_UTXO, Q_UNHOLD);

	bind_action_id(q, 1, holder);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int utxo_store_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err)
{
	struct movement m = movement_begin(u, holder, RAIL_ONCHAIN, "release", 0, unit_sat, now_ms);

	assert(!action_id_is_empty(holder));
	if (unlock_all(&m, holder, err) != 0 || unhold_all(u, holder, err) != 0 || movement_post(&m, err) != 0)
		return -1;
	return script_store_release(u, holder, err);
}

int utxo_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_UTXO, Q_REHOLD);

	assert(!action_id_is_empty(from) && !action_id_is_empty(to));
	bind_action_id(q, 1, from);
	bind_action_id(q, 2, to);
	if (stmt_run(q, err) < 0)
		return -1;
	return script_store_rehold(u, from, to, err);
}

/* --- readers --- */

static int count_rows(struct view v, unsigned query, const struct action_id *holder, size_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, query);
	int rc;

	if (holder)
		bind_action_id(q, 1, holder);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = (size_t)col_u64(q, 0);
	return rc < 0 ? -1 : 0;
}

/* Counted before they are read: an array that grows would need three times the memory. */
static int room_for(const struct arena *a, size_t n, size_t each, struct err *err)
{
	if (n > SIZE_MAX / each || !arena_room(a, n * each + 64))
		return ERR(err, ERR_RANGE, "%zu coins are too many to look at once", n);
	return 0;
}

int utxo_store_values(struct view v, struct arena *a, bool confirmed, struct utxo_value **ret, size_t *n,
		      struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, confirmed ? Q_VALUES_CONFIRMED : Q_VALUES);
	struct utxo_value *rows;
	size_t size = 0, got = 0;
	int rc;

	if (count_rows(v, confirmed ? Q_COUNT_CONFIRMED : Q_COUNT_STATE, NULL, &size, err) != 0 ||
	    room_for(a, size, sizeof(*rows), err) != 0)
		return -1;
	rows = ARENA_ARRAY(a, size, struct utxo_value);
	while ((rc = stmt_step(q, err)) == 1 && got < size)
		rows[got++] = (struct utxo_value){ .id = col_i64(q, 0), .value = col_sat(q, 1) };
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

static void row_read(struct arena *a, struct stmt *q, struct utxo_row *ret)
{
	*ret = (struct utxo_row){
		.id = col_i64(q, 0),
		.at.vout = (uint32_t)col_u64(q, 2),
		.value = col_sat(q, 3),
		.script = col_blob(a, q, 4),
		.chain = (enum script_chain)col_i64(q, 5),
		.index = (uint32_t)col_u64(q, 6),
		.label = col_text(a, q, 7),
		.state = (enum utxo_state)col_i64(q, 8),
		.confirmed = !col_is_null(q, 11),
		.block.height = (uint32_t)col_u64(q, 11),
		.coinbase = col_bool(q, 13),
		.own = col_bool(q, 14),
	};
	col_txid(q, 1, &ret->at.txid);
	col_action_id(q, 9, &ret->holder);
	if (ret->confirmed)
		col_block_hash(q, 12, &ret->block.hash);
	if (ret->state == UTXO_SPENT)
		col_txid(q, 15, &ret->spent_by);
}

int utxo_store_by_holder(struct view v, struct arena *a, const struct action_id *holder, struct utxo_row **ret,
			 size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, Q_BY_HOLDER);
	struct utxo_row *rows;
	size_t size = 0, got = 0;
	int rc;

	if (count_rows(v, Q_COUNT_HELD, holder, &size, err) != 0 ||
	    room_for(a, size, sizeof(*rows) + UTXO_ROOM, err) != 0)
		return -1;
	rows = ARENA_ARRAY(a, size, struct utxo_row);
	bind_action_id(q, 1, holder);
	while ((rc = stmt_step(q, err)) == 1 && got < size)
		row_read(a, q, &rows[got++]);
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int utxo_store_get(struct view v, struct arena *a, int64_t id, struct utxo_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, Q_GET);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int utxo_store_find(struct view v, struct arena *a, const struct outpoint *at, struct utxo_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, Q_FIND);
	int rc;

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

static unsigned query_of(const struct utxo_query *uq)
{
	if (uq->tx)
		return Q_LIST_TX;
	if (uq->state == UTXO_SPENT || uq->state == UTXO_ABSENT)
		return Q_LIST_GONE;
	return uq->state ? Q_LIST_STATE : Q_LIST;
}

int utxo_store_list(struct view v, struct arena *a, const struct utxo_query *uq,
		    void (*each)(void *ctx, const struct utxo_row *row), void *ctx, struct err *err)
{
	unsigned query = query_of(uq);
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, query);
	int n = 0, rc;

	bind_i64(q, 1, uq->after);
	bind_i64(q, 2, uq->limit);
	if (query != Q_LIST)
		bind_i64(q, 3, uq->state);
	if (query == Q_LIST_TX)
		bind_i64(q, 4, uq->tx);
	while ((rc = stmt_step(q, err)) == 1) {
		struct utxo_row row;

		if (room_for(a, 1, UTXO_ROOM, err) != 0)
			return -1;
		row_read(a, q, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

static int sum_confirmed(struct view v, struct sat *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, Q_SUM_CONFIRMED);
	int rc = stmt_step(q, err);

	if (rc == 1)
		*ret = col_sat(q, 0);
	return rc < 0 ? -1 : 0;
}

int utxo_store_sums(struct view v, struct utxo_sums *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_UTXO, Q_SUMS);
	struct utxo_sums sums = { 0 };
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		int64_t state = col_i64(q, 0);

		sums.n[state] = col_u64(q, 1);
		sums.of[state] = col_sat(q, 2);
	}
	if (rc < 0 || sum_confirmed(v, &sums.confirmed, err) != 0)
		return -1;
	*ret = sums;
	return 0;
}
