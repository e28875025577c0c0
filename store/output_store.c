#include <assert.h>
#include <inttypes.h>

#include "store/proof_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(OUTPUT_OPEN == 1 && OUTPUT_SIGNED == 2 && OUTPUT_ABANDONED == 3, "stored in output.status");
_Static_assert(OUTPUT_KEEP == 1 && OUTPUT_FOR_PARENT == 2, "stored in output.purpose");

/* An output that was given up may be signed all the same: an hour after it was made is time to ask.  (Signed ones are
 * proofs, and open ones have an action that asks.)  Those without a counter are locked, to others than this wallet. */
#define SWEEP_FIRST(status) "CASE WHEN " status " = 3 AND counter >= 0 THEN created_at_ms + 3600000 END"
#define DAY_MS              "86400000"
#define SWEPT_UNTIL         "(created_at_ms + 90 * " DAY_MS ")"
/* What may be asked for: an action that is under way has its own use for what it gave up. */
#define SWEEP_DUE(now) "sweep_at_ms <= " now " AND NOT EXISTS (SELECT 1 FROM action WHERE action.id = output.action_id)"

enum {
	Q_ADD,
	Q_LIST,
	Q_CLOSE,
	Q_NUMBER,
	Q_BATCH,
	Q_SETTLE,
	Q_FIND,
	Q_GET,
	Q_DUE,
	Q_DUE_MINT,
	Q_CLAIM,
	Q_SWEPT,
	Q_COUNT
};

static const char *const sql[Q_COUNT] = {
	[Q_ADD] =
		"INSERT INTO output (action_id, idx, b, mint_id, keyset_id, amount, secret, r, purpose, counter,"
		" status, created_at_ms) VALUES (?1,"
		" (SELECT coalesce(max(idx) + 1, 0) FROM output WHERE action_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10)",
	[Q_LIST] = ("SELECT keyset_id, amount, b, r, secret, purpose, counter FROM output"
		    " WHERE action_id = ?1 AND status = ?2 ORDER BY idx"),
	[Q_CLOSE] = "UPDATE output SET status = ?2, sweep_at_ms = " SWEEP_FIRST(
		"?2") " WHERE action_id = ?1 AND status = 1",
	[Q_NUMBER] = "SELECT count(*) FROM output WHERE action_id = ?1",
	[Q_BATCH] = ("SELECT keyset_id, amount, b, r, secret, purpose, counter FROM output"
		     " WHERE action_id = ?1 AND idx >= ?2 AND idx < ?2 + ?3 ORDER BY idx"),
	[Q_SETTLE] = "UPDATE output SET status = ?4, sweep_at_ms = " SWEEP_FIRST(
		"?4") " WHERE action_id = ?1 AND idx >= ?2 AND idx < ?2 + ?3",
	[Q_FIND] = "SELECT status FROM output WHERE b = ?1",
	[Q_GET] = "SELECT keyset_id, amount, b, r, secret, purpose, counter FROM output WHERE b = ?1",
	[Q_DUE] = "SELECT keyset_id, amount, b, r, secret, purpose, counter FROM output"
		  " WHERE mint_id = ?1 AND " SWEEP_DUE("?2") " ORDER BY sweep_at_ms, b LIMIT ?3",
	[Q_DUE_MINT] = "SELECT id FROM mint WHERE id > ?1 AND EXISTS (SELECT 1 FROM output WHERE mint_id = mint.id AND " SWEEP_DUE(
		"?2") ") AND NOT EXISTS (SELECT 1 FROM action WHERE kind = ?3 AND peer = mint.url) ORDER BY id LIMIT 1",
	[Q_CLAIM] = "UPDATE output SET sweep_at_ms = CASE WHEN ?2 < " SWEPT_UNTIL " THEN min(" SWEPT_UNTIL
		    ", ?2 + max(" DAY_MS ", ?2 - created_at_ms)) END WHERE b = ?1",
	[Q_SWEPT] = "UPDATE output SET status = ?2, sweep_at_ms = NULL WHERE b = ?1 AND status = 3",
};
const struct query_set output_queries = { "output", sql, Q_COUNT };

static int add_one(struct unit *u, const struct action_id *action, int64_t mint_id, const struct output *o,
		   int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_OUTPUT, Q_ADD);

	if (o->amount > AMOUNT_MAX)
		return ERR(err, ERR_RANGE, "an output of %" PRIu64, o->amount);
	bind_action_id(q, 1, action);
	bind_pubkey(q, 2, &o->b);
	bind_i64(q, 3, mint_id);
	bind_text(q, 4, o->keyset.s);
	bind_u64(q, 5, o->amount);
	bind_text(q, 6, o->secret);
	bind_blob(q, 7, (struct bytes){ o->r.b, sizeof(o->r.b) });
	bind_i64(q, 8, o->purpose);
	bind_i64(q, 9, o->counter);
	bind_i64(q, 10, now_ms);
	/* NUT-13: the same B_ or the same counter again would make two notes of one secret. */
	return stmt_insert(q, ERR_INTERNAL, "an output of this B_ or counter", err);
}

int output_store_add(struct unit *u, const struct action_id *action, int64_t mint_id, const struct output *outputs,
		     size_t n, int64_t now_ms, struct err *err)
{
	assert(!action_id_is_empty(action));
	for (size_t i = 0; i < n; i++)
		if (add_one(u, action, mint_id, &outputs[i], now_ms, err) != 0)
			return -1;
	return 0;
}

static void output_read(struct arena *a, struct stmt *q, struct output *ret)
{
	*ret = (struct output){
		.amount = col_u64(q, 1),
		.secret = col_text(a, q, 4),
		.purpose = (enum output_purpose)col_i64(q, 5),
		.counter = col_i64(q, 6),
	};
	col_keyset_id(q, 0, &ret->keyset);
	col_pubkey(q, 2, &ret->b);
	col_copy(q, 3, ret->r.b, sizeof(ret->r.b));
}

/* Reads all that q gives. */
static int outputs_read(struct arena *a, struct stmt *q, struct output **ret, size_t *n, struct err *err)
{
	struct output *rows = NULL;
	size_t got = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		output_read(a, q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int output_store_open(struct view v, struct arena *a, const struct action_id *action, enum output_status status,
		      struct output **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_LIST);

	bind_action_id(q, 1, action);
	bind_i64(q, 2, status);
	return outputs_read(a, q, ret, n, err);
}

int output_store_find(struct view v, const struct pubkey *b, enum output_status *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_FIND);
	int rc;

	bind_pubkey(q, 1, b);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = (enum output_status)col_i64(q, 0);
	return rc;
}

int output_store_number(struct view v, const struct action_id *action, uint32_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_NUMBER);

	bind_action_id(q, 1, action);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = (uint32_t)col_i64(q, 0);
	return 0;
}

static void bind_batch(struct stmt *q, const struct action_id *action, struct output_batch batch)
{
	bind_action_id(q, 1, action);
	bind_i64(q, 2, batch.first);
	bind_i64(q, 3, batch.n);
}

int output_store_batch(struct view v, struct arena *a, const struct action_id *action, struct output_batch batch,
		       struct output **ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_BATCH);
	struct output *rows;
	size_t n;

	bind_batch(q, action, batch);
	if (outputs_read(a, q, &rows, &n, err) != 0)
		return -1;
	if (n != batch.n)
		return ERR(err, ERR_INTERNAL, "an action names %u outputs and has %zu of them", batch.n, n);
	*ret = rows;
	return 0;
}

int output_store_settle(struct unit *u, const struct action_id *action, struct output_batch batch,
			enum output_status to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_OUTPUT, Q_SETTLE);

	bind_batch(q, action, batch);
	bind_i64(q, 4, to);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int output_store_close(struct unit *u, const struct action_id *action, enum output_status to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_OUTPUT, Q_CLOSE);

	bind_action_id(q, 1, action);
	bind_i64(q, 2, to);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int output_store_get(struct view v, struct arena *a, const struct pubkey *b, struct output *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_GET);
	int rc;

	bind_pubkey(q, 1, b);
	rc = stmt_step(q, err);
	if (rc == 1)
		output_read(a, q, ret);
	return rc;
}

int output_store_due_mint(struct view v, int64_t after, const char *kind, int64_t now_ms, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_DUE_MINT);
	int rc;

	bind_i64(q, 1, after);
	bind_i64(q, 2, now_ms);
	bind_text(q, 3, kind);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = col_i64(q, 0);
	return rc;
}

static int read_due(struct view v, struct arena *a, int64_t mint_id, unsigned limit, int64_t now_ms,
		    struct output **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTPUT, Q_DUE);

	bind_i64(q, 1, mint_id);
	bind_i64(q, 2, now_ms);
	bind_i64(q, 3, limit);
	return outputs_read(a, q, ret, n, err);
}

static int claim(struct unit *u, const struct pubkey *b, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_OUTPUT, Q_CLAIM);

	bind_pubkey(q, 1, b);
	bind_i64(q, 2, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int output_store_take_due(struct unit *u, struct arena *a, int64_t mint_id, unsigned limit, int64_t now_ms,
			  struct output **ret, size_t *n, struct err *err)
{
	struct output *rows;
	size_t got;

	if (read_due(unit_view(u), a, mint_id, limit, now_ms, &rows, &got, err) != 0)
		return -1;
	for (size_t i = 0; i < got; i++)
		if (claim(u, &rows[i].b, now_ms, err) != 0)
			return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int output_store_swept(struct unit *u, const struct pubkey *b, enum output_status to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_OUTPUT, Q_SWEPT);

	bind_pubkey(q, 1, b);
	bind_i64(q, 2, to);
	return stmt_run(q, err) < 0 ? -1 : 0;
}
