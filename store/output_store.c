#include <assert.h>
#include <inttypes.h>

#include "store/proof_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(OUTPUT_OPEN == 1 && OUTPUT_SIGNED == 2 && OUTPUT_ABANDONED == 3, "stored in output.status");
_Static_assert(OUTPUT_KEEP == 1 && OUTPUT_FOR_PARENT == 2, "stored in output.purpose");

/* An output that was given up may be signed all the same: an hour after it was made is time to ask.  (Signed ones are
 * proofs, and open ones have an action that asks.) */
#define SWEEP_FIRST(status) "CASE WHEN " status " = 3 THEN created_at_ms + 3600000 END"

enum { Q_ADD, Q_LIST, Q_CLOSE, Q_NUMBER, Q_BATCH, Q_SETTLE, Q_FIND, Q_COUNT };

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
