/* What each nonce was used for, for ever: the digest that was signed under it, and the directives that had it before. */
#include "store/directive_store.h"

#include <inttypes.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum { Q_GET, Q_PUT, Q_HISTORY_ADD, Q_HISTORY, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_GET] = "SELECT outbox_seq, digest, signature FROM directive_signature WHERE space_id = ?1 AND nonce = ?2",
	[Q_PUT] = "INSERT INTO directive_signature (space_id, nonce, outbox_seq, digest, signature, signed_at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[Q_HISTORY_ADD] = "INSERT INTO directive_nonce_history (outbox_seq, generation, nonce, digest, retired_at_ms,"
			  " evidence, operator) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[Q_HISTORY] = "SELECT generation, nonce, digest, retired_at_ms, evidence, operator"
		      " FROM directive_nonce_history WHERE outbox_seq = ?1 ORDER BY generation",
};
const struct query_set signature_queries = { "signature", sql, Q_COUNT };

/* 1 found, 0 not, -1. */
static int find(struct view v, int64_t space_id, uint64_t nonce, struct signature_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SIGNATURE, Q_GET);
	int rc;

	if (nonce > INT64_MAX)
		return 0; /* a log of a contract may name any; no directive has it */
	bind_i64(q, 1, space_id);
	bind_u64(q, 2, nonce);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	ret->seq = col_i64(q, 0);
	col_hash32(q, 1, &ret->digest);
	col_copy(q, 2, ret->sig, sizeof(ret->sig));
	return 1;
}

int signature_store_get(struct view v, int64_t space_id, uint64_t nonce, struct signature_row *ret, struct err *err)
{
	struct signature_row row;
	int rc = find(v, space_id, nonce, &row, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_NOT_FOUND, "nothing was signed under nonce %" PRIu64, nonce);
	*ret = row;
	return 0;
}

int signature_store_put(struct unit *u, int64_t space_id, uint64_t nonce, const struct signature_row *row,
			int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SIGNATURE, Q_PUT);
	struct signature_row have;
	int rc;

	if (storable(nonce, "the nonce", err) != 0)
		return -1;
	bind_i64(q, 1, space_id);
	bind_u64(q, 2, nonce);
	bind_i64(q, 3, row->seq);
	bind_hash32(q, 4, &row->digest);
	bind_blob(q, 5, (struct bytes){ row->sig, sizeof(row->sig) });
	bind_i64(q, 6, now_ms);
	/* That there is one already is rare, and the key finds it as well as a question before. */
	if (stmt_insert(q, ERR_EXISTS, "a signature under this nonce", err) == 0)
		return 0;
	if (err->code != ERR_EXISTS)
		return -1;
	rc = find(unit_view(u), space_id, nonce, &have, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || !hash32_equal(&have.digest, &row->digest))
		return ERR(err, ERR_EXISTS, "something else was signed under nonce %" PRIu64, nonce);
	return 0;
}

int nonce_history_add(struct unit *u, int64_t seq, const struct nonce_history_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SIGNATURE, Q_HISTORY_ADD);

	if (storable(row->nonce, "the nonce", err) != 0)
		return -1;
	bind_i64(q, 1, seq);
	bind_i64(q, 2, row->generation);
	bind_u64(q, 3, row->nonce);
	if (row->has_digest)
		bind_hash32(q, 4, &row->digest);
	bind_i64(q, 5, row->retired_at_ms);
	bind_text(q, 6, row->evidence);
	bind_text(q, 7, row->operator);
	return stmt_insert(q, ERR_EXISTS, "a former nonce of this generation", err);
}

static void history_read(struct arena *a, struct stmt *q, struct nonce_history_row *ret)
{
	*ret = (struct nonce_history_row){
		.generation = (uint32_t)col_i64(q, 0),
		.nonce = col_u64(q, 1),
		.has_digest = !col_is_null(q, 2),
		.retired_at_ms = col_i64(q, 3),
		.evidence = col_text(a, q, 4),
		.operator= col_text(a, q, 5),
	};
	if (ret->has_digest)
		col_hash32(q, 2, &ret->digest);
}

int nonce_history_list(struct view v, struct arena *a, int64_t seq, struct nonce_history_row **ret, size_t *n,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SIGNATURE, Q_HISTORY);
	struct nonce_history_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, seq);
	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		history_read(a, q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}
