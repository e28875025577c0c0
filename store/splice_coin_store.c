/* What a splice pays, and what the node has reserved for it: rows that stay when the splice has ended. */
#include <assert.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/splice_internal.h"
#include "store/stmt.h"

enum { Q_ADD_OUTPUT, Q_OUTPUTS, Q_HOLD, Q_RELEASED, Q_INPUTS, Q_OWING, Q_OWING_AFTER, Q_COUNT };

/* The index finds what is held; an ended splice has no intent, and one whose action lives gives back by itself. */
#define OWING                                                                                                          \
	"SELECT DISTINCT i.splice_id FROM splice_input AS i INDEXED BY splice_input_owed WHERE i.released = 0"         \
	" AND NOT EXISTS (SELECT 1 FROM splice_intent AS s WHERE s.id = i.splice_id)"                                  \
	" AND NOT EXISTS (SELECT 1 FROM splice_history AS h CROSS JOIN action AS a ON a.id = h.action_id"              \
	" WHERE h.id = i.splice_id)"

static const char *const sql[Q_COUNT] = {
	[Q_ADD_OUTPUT] = "INSERT INTO splice_output (splice_id, idx, script, amount) VALUES (?1, ?2, ?3, ?4)",
	[Q_OUTPUTS] = "SELECT script, amount FROM splice_output WHERE splice_id = ?1 ORDER BY idx",
	[Q_HOLD] = "INSERT INTO splice_input (splice_id, txid, vout, amount, released) VALUES (?1, ?2, ?3, ?4, 0)"
		   " ON CONFLICT (splice_id, txid, vout) DO UPDATE SET released = 0",
	[Q_RELEASED] = "UPDATE splice_input SET released = 1 WHERE splice_id = ?1 AND txid = ?2 AND vout = ?3",
	[Q_INPUTS] = "SELECT txid, vout, amount, released FROM splice_input WHERE splice_id = ?1 ORDER BY txid, vout",
	[Q_OWING] = OWING " ORDER BY i.splice_id LIMIT ?1",
	[Q_OWING_AFTER] = OWING " AND i.splice_id > ?2 ORDER BY i.splice_id LIMIT ?1",
};
const struct query_set splice_coin_queries = { "splice_coin", sql, Q_COUNT };

int splice_output_add(struct unit *u, const struct hash32 *id, const struct splice_output *out, size_t n,
		      struct err *err)
{
	assert(n <= SPLICE_OUTPUTS_MAX);
	for (size_t i = 0; i < n; i++) {
		SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE_COIN, Q_ADD_OUTPUT);

		bind_hash32(q, 1, id);
		bind_u64(q, 2, i);
		bind_blob(q, 3, out[i].script);
		bind_sat(q, 4, out[i].amount);
		if (stmt_insert(q, ERR_EXISTS, "output of a splice", err) != 0)
			return -1;
	}
	return 0;
}

int splice_store_outputs(struct view v, struct arena *a, const struct hash32 *id, struct splice_output **ret, size_t *n,
			 struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE_COIN, Q_OUTPUTS);
	struct splice_output *rows = NULL;
	size_t got = 0;
	int rc;

	bind_hash32(q, 1, id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*rows) + col_size(q, 0) + 64))
			return ERR(err, ERR_RANGE, "no room for the outputs of a splice");
		rows = rows_room(a, rows, got, sizeof(*rows));
		rows[got++] = (struct splice_output){ col_blob(a, q, 0), col_sat(q, 1) };
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int splice_store_hold(struct unit *u, const struct hash32 *id, const struct splice_input *in, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE_COIN, Q_HOLD);

		bind_hash32(q, 1, id);
		bind_txid(q, 2, &in[i].at.txid);
		bind_i64(q, 3, in[i].at.vout);
		bind_sat(q, 4, in[i].amount);
		if (stmt_insert(q, ERR_CONFLICT, "an input that another splice holds", err) != 0)
			return -1;
	}
	return 0;
}

int splice_store_released(struct unit *u, const struct hash32 *id, const struct outpoint *at, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE_COIN, Q_RELEASED);
	int n;

	bind_hash32(q, 1, id);
	bind_txid(q, 2, &at->txid);
	bind_i64(q, 3, at->vout);
	n = stmt_run(q, err);
	if (n == 0)
		return ERR(err, ERR_NOT_FOUND, "the splice has no such input");
	return n < 0 ? -1 : 0;
}

int splice_store_inputs(struct view v, struct arena *a, const struct hash32 *id, struct splice_input **ret, size_t *n,
			struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE_COIN, Q_INPUTS);
	struct splice_input *rows = NULL;
	size_t got = 0;
	int rc;

	bind_hash32(q, 1, id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*rows)))
			return ERR(err, ERR_RANGE, "no room for the inputs of a splice");
		rows = rows_room(a, rows, got, sizeof(*rows));
		rows[got] = (struct splice_input){
			.at.vout = (uint32_t)col_u64(q, 1),
			.amount = col_sat(q, 2),
			.released = col_bool(q, 3),
		};
		col_txid(q, 0, &rows[got++].at.txid);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int splice_store_owing(struct view v, const struct hash32 *after, struct hash32 *ret, unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE_COIN, after ? Q_OWING_AFTER : Q_OWING);
	int n = 0, rc;

	bind_i64(q, 1, max);
	if (after)
		bind_hash32(q, 2, after);
	while ((rc = stmt_step(q, err)) == 1)
		col_hash32(q, 0, &ret[n++]);
	return rc < 0 ? -1 : n;
}
