#include "store/exit_claim_store.h"

#include <assert.h>
#include <inttypes.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(CLAIM_PREPARED == 1 && CLAIM_SENT == 2 && CLAIM_CONFIRMED == 3 && CLAIM_REPLACED == 4 && CLAIM_LOST == 5,
	       "stored in exit_claim.status");

enum {
	Q_ADD,
	Q_ADD_INPUT,
	Q_TAKEN,
	Q_SET,
	Q_REPLACE,
	Q_FIND,
	Q_OF,
	Q_EXITS,
	Q_PLACE,
	Q_OPEN,
	Q_ADD_SIGNED,
	Q_FIND_SIGNED,
	Q_COUNT
};

#define COLS                                                                                                           \
	"SELECT c.id, c.txid, c.raw, c.spk, c.own, c.amount, c.fee, c.weight, c.status, c.replaces, c.height, c.hash," \
	" c.refusal, c.created_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO exit_claim (txid, raw, spk, own, amount, fee, weight, status, replaces, created_at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[Q_ADD_INPUT] = "INSERT INTO exit_claim_input (claim_id, exit_id) VALUES (?1, ?2)",
	[Q_TAKEN] = "SELECT 1 FROM exit_claim_input AS i CROSS JOIN exit_claim AS c ON c.id = i.claim_id"
		    " WHERE i.exit_id = ?1 AND c.status IN (1, 2) AND c.id IS NOT ?2 LIMIT 1",
	[Q_SET] = "UPDATE exit_claim SET status = ?2, height = ?3, hash = ?4, refusal = substr(?5, 1, 500)"
		  " WHERE id = ?1",
	[Q_REPLACE] = "UPDATE exit_claim SET status = 4 WHERE id = ?1 AND status IN (1, 2)",
	[Q_FIND] = COLS " FROM exit_claim AS c WHERE c.txid = ?1",
	[Q_OF] = COLS " FROM exit_claim_input AS i CROSS JOIN exit_claim AS c ON c.id = i.claim_id WHERE i.exit_id = ?1"
		      " ORDER BY i.claim_id DESC LIMIT 1",
	[Q_EXITS] = "SELECT exit_id FROM exit_claim_input WHERE claim_id = ?1 ORDER BY exit_id",
	[Q_PLACE] = "SELECT ifnull(sum(CASE WHEN i.exit_id < ?2 THEN v.amount END), 0),"
		    " sum(CASE WHEN i.exit_id = ?2 THEN v.amount END), ifnull(sum(v.amount), 0)"
		    " FROM exit_claim_input AS i CROSS JOIN exit AS e ON e.id = i.exit_id"
		    " CROSS JOIN vtxo AS v ON v.id = e.vtxo_id WHERE i.claim_id = ?1",
	[Q_OPEN] = COLS " FROM exit_claim AS c WHERE c.id > ?1 AND c.status IN (1, 2) ORDER BY c.id LIMIT ?2",
	[Q_ADD_SIGNED] = "INSERT INTO exit_signed (txid, exit_id, fee, created_at_ms) VALUES (?1, ?2, ?3, ?4)"
			 " ON CONFLICT DO NOTHING",
	[Q_FIND_SIGNED] = "SELECT fee FROM exit_signed WHERE txid = ?1 AND exit_id = ?2",
};
const struct query_set exit_claim_queries = { "exit_claim", sql, Q_COUNT };

static const char *const status_names[] = {
	[CLAIM_PREPARED] = "prepared", [CLAIM_SENT] = "sent", [CLAIM_CONFIRMED] = "confirmed",
	[CLAIM_REPLACED] = "replaced", [CLAIM_LOST] = "lost",
};

const char *claim_status_name(enum claim_status s)
{
	return s >= CLAIM_PREPARED && s <= CLAIM_LOST ? status_names[s] : "unknown";
}

/* --- writing --- */

static int insert(struct unit *u, const struct exit_claim_row *claim, int64_t now_ms, int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CLAIM, Q_ADD);

	bind_txid(q, 1, &claim->txid);
	bind_blob(q, 2, claim->raw);
	bind_blob(q, 3, claim->script);
	bind_bool(q, 4, claim->own);
	bind_sat(q, 5, claim->amount);
	bind_sat(q, 6, claim->fee);
	bind_weight(q, 7, claim->weight);
	bind_i64(q, 8, claim->status);
	bind_optional(q, 9, claim->replaces, 0);
	bind_i64(q, 10, now_ms);
	if (stmt_insert(q, ERR_EXISTS, "claim", err) != 0)
		return -1;
	*ret_id = stmt_last_rowid(q);
	return 0;
}

static int replace(struct unit *u, int64_t id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CLAIM, Q_REPLACE);
	int n;

	if (id == 0)
		return 0;
	bind_i64(q, 1, id);
	n = stmt_run(q, err);
	if (n == 0)
		return ERR(err, ERR_CONFLICT, "the claim that it replaces is not open any more");
	return n < 0 ? -1 : 0;
}

static int add_input(struct unit *u, int64_t claim_id, int64_t exit_id, struct err *err)
{
	SCOPED(stmt) struct stmt *taken = stmt_of(unit_view(u), FAMILY_EXIT_CLAIM, Q_TAKEN);
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CLAIM, Q_ADD_INPUT);
	int rc;

	bind_i64(taken, 1, exit_id);
	bind_i64(taken, 2, claim_id);
	rc = stmt_step(taken, err);
	if (rc != 0)
		return rc < 0 ? -1 : ERR(err, ERR_CONFLICT, "exit %" PRId64 " is being claimed already", exit_id);
	bind_i64(q, 1, claim_id);
	bind_i64(q, 2, exit_id);
	return stmt_insert(q, ERR_CONFLICT, "input of a claim", err);
}

int exit_claim_store_add(struct unit *u, const struct exit_claim_row *claim, const int64_t *exits, size_t n,
			 int64_t now_ms, int64_t *ret_id, struct err *err)
{
	int64_t id;

	assert(n > 0 && (claim->status == CLAIM_PREPARED || claim->status == CLAIM_SENT));
	if (replace(u, claim->replaces, err) != 0 || insert(u, claim, now_ms, &id, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_input(u, id, exits[i], err) != 0)
			return -1;
	*ret_id = id;
	return 0;
}

int exit_claim_store_set(struct unit *u, int64_t id, enum claim_status status, const struct block_ref *block,
			 const char *refusal, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CLAIM, Q_SET);
	int n;

	assert((status == CLAIM_CONFIRMED) == (block != NULL));
	bind_i64(q, 1, id);
	bind_i64(q, 2, status);
	if (block) {
		bind_i64(q, 3, block->height);
		bind_block_hash(q, 4, &block->hash);
	}
	bind_text(q, 5, refusal);
	n = stmt_run(q, err);
	if (n == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no claim %" PRId64, id);
	return n < 0 ? -1 : 0;
}

/* --- reading --- */

static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 2) + col_size(q, 3) + col_size(q, 12) + 128);
}

static void row_of(struct stmt *q, struct arena *a, struct exit_claim_row *row)
{
	*row = (struct exit_claim_row){
		.id = col_i64(q, 0),
		.raw = col_blob(a, q, 2),
		.script = col_blob(a, q, 3),
		.own = col_bool(q, 4),
		.amount = col_sat(q, 5),
		.fee = col_sat(q, 6),
		.weight = col_weight(q, 7),
		.status = (enum claim_status)col_i64(q, 8),
		.replaces = col_optional(q, 9, 0),
		.refusal = col_text(a, q, 12),
		.created_at_ms = col_i64(q, 13),
	};
	col_txid(q, 1, &row->txid);
	if (row->status == CLAIM_CONFIRMED) {
		row->block.height = (uint32_t)col_u64(q, 10);
		col_block_hash(q, 11, &row->block.hash);
	}
}

static int one(struct stmt *q, struct arena *a, struct exit_claim_row *ret, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "a claim of %zu bytes", col_size(q, 2));
	row_of(q, a, ret);
	return 1;
}

int exit_claim_store_find(struct view v, struct arena *a, const struct txid *txid, struct exit_claim_row *ret,
			  struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CLAIM, Q_FIND);

	bind_txid(q, 1, txid);
	return one(q, a, ret, err);
}

int exit_claim_store_of(struct view v, struct arena *a, int64_t exit_id, struct exit_claim_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CLAIM, Q_OF);

	bind_i64(q, 1, exit_id);
	return one(q, a, ret, err);
}

int exit_claim_store_exits(struct view v, struct arena *a, int64_t id, int64_t **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CLAIM, Q_EXITS);
	int64_t *ids = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*ids)))
			return ERR(err, ERR_RANGE, "a claim of too many exits");
		ids = rows_room(a, ids, got, sizeof(*ids));
		ids[got++] = col_i64(q, 0);
	}
	if (rc < 0)
		return -1;
	*ret = ids;
	*n = got;
	return 0;
}

int exit_claim_store_place(struct view v, int64_t id, int64_t exit_id, struct sat *ret_before, struct sat *ret_own,
			   struct sat *ret_total, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CLAIM, Q_PLACE);

	bind_i64(q, 1, id);
	bind_i64(q, 2, exit_id);
	if (stmt_step(q, err) < 0)
		return -1;
	if (col_is_null(q, 1))
		return ERR(err, ERR_NOT_FOUND, "the claim %" PRId64 " does not claim exit %" PRId64, id, exit_id);
	*ret_before = col_sat(q, 0);
	*ret_own = col_sat(q, 1);
	*ret_total = col_sat(q, 2);
	return 0;
}

int exit_claim_store_open(struct view v, struct arena *a, int64_t after, unsigned limit,
			  void (*each)(void *ctx, const struct exit_claim_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CLAIM, Q_OPEN);
	int n = 0, rc;

	bind_i64(q, 1, after);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1 && has_room(a, q)) {
		struct exit_claim_row row;

		row_of(q, a, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

/* --- signed for others --- */

int exit_signed_store_add(struct unit *u, const struct txid *txid, int64_t exit_id, struct sat fee, int64_t now_ms,
			  struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CLAIM, Q_ADD_SIGNED);

	bind_txid(q, 1, txid);
	bind_i64(q, 2, exit_id);
	bind_sat(q, 3, fee);
	bind_i64(q, 4, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int exit_signed_store_find(struct view v, const struct txid *txid, int64_t exit_id, struct sat *ret_fee,
			   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CLAIM, Q_FIND_SIGNED);
	int rc;

	bind_txid(q, 1, txid);
	bind_i64(q, 2, exit_id);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret_fee = col_sat(q, 0);
	return rc;
}
