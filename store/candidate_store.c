/* Every transaction that a funding payment was or may become. */
#include "store/funding_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(CANDIDATE_OURS == 1 && CANDIDATE_FOREIGN == 2 && CANDIDATE_FOREIGN_LOCAL == 3,
	       "stored in funding_candidate.origin");
_Static_assert(CANDIDATE_NEGOTIATED == 1 && CANDIDATE_SIGNED == 2 && CANDIDATE_SEEN == 3 && CANDIDATE_CONFIRMED == 4 &&
		       CANDIDATE_LOCKED == 5 && CANDIDATE_DISCARDED == 6,
	       "stored in funding_candidate.state");

enum { Q_ADD, Q_PUT, Q_SET_STATE, Q_LIST, Q_COUNT };

#define COLS "txid, vout, round, origin, state, amount, fee, feerate, raw, first_seen_ms"

static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "UPDATE funding_candidate SET state = ?6, amount = coalesce(?7, amount), fee = coalesce(?8, fee),"
		  " feerate = coalesce(?9, feerate), raw = coalesce(?10, raw) WHERE payment_id = ?1 AND txid = ?2",
	[Q_ADD] = "INSERT INTO funding_candidate (payment_id, " COLS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		  " ?10, ?11)",
	[Q_SET_STATE] = "UPDATE funding_candidate SET state = ?2 WHERE txid = ?1",
	[Q_LIST] = "SELECT " COLS " FROM funding_candidate WHERE payment_id = ?1 ORDER BY round, first_seen_ms, txid",
};
const struct query_set candidate_queries = { "candidate", sql, Q_COUNT };

static void bind_known(struct stmt *q, const struct hash32 *payment, const struct funding_candidate *c)
{
	bind_hash32(q, 1, payment);
	bind_txid(q, 2, &c->txid);
	bind_i64(q, 6, c->state);
	if (c->has_amount)
		bind_sat(q, 7, c->amount);
	if (c->has_fee)
		bind_sat(q, 8, c->fee);
	if (c->has_rate)
		bind_feerate(q, 9, c->rate);
	if (c->raw.n > 0)
		bind_blob(q, 10, c->raw);
}

static int add(struct unit *u, const struct hash32 *payment, const struct funding_candidate *c, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CANDIDATE, Q_ADD);

	bind_known(q, payment, c);
	bind_i64(q, 3, c->vout);
	bind_i64(q, 4, c->round);
	bind_i64(q, 5, c->origin);
	bind_i64(q, 11, c->first_seen_ms);
	return stmt_insert(q, ERR_EXISTS, "candidate of another payment", err);
}

int funding_store_put_candidate(struct unit *u, const struct hash32 *payment, const struct funding_candidate *c,
				struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CANDIDATE, Q_PUT);
	int n;

	bind_known(q, payment, c);
	n = stmt_run(q, err);
	if (n != 0)
		return n < 0 ? -1 : 0;
	return add(u, payment, c, err);
}

int funding_store_set_state(struct unit *u, const struct txid *txid, enum candidate_state state, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CANDIDATE, Q_SET_STATE);
	int n;

	bind_txid(q, 1, txid);
	bind_i64(q, 2, state);
	n = stmt_run(q, err);
	if (n == 0)
		return ERR(err, ERR_NOT_FOUND, "no such candidate");
	return n < 0 ? -1 : 0;
}

static void candidate_of(struct stmt *q, struct arena *a, struct funding_candidate *c)
{
	*c = (struct funding_candidate){
		.vout = (uint32_t)col_u64(q, 1),
		.round = (uint32_t)col_u64(q, 2),
		.origin = (enum candidate_origin)col_i64(q, 3),
		.state = (enum candidate_state)col_i64(q, 4),
		.has_amount = !col_is_null(q, 5),
		.has_fee = !col_is_null(q, 6),
		.has_rate = !col_is_null(q, 7),
		.raw = col_blob(a, q, 8),
		.first_seen_ms = col_i64(q, 9),
	};
	col_txid(q, 0, &c->txid);
	if (c->has_amount)
		c->amount = col_sat(q, 5);
	if (c->has_fee)
		c->fee = col_sat(q, 6);
	if (c->has_rate)
		c->rate = col_feerate(q, 7);
}

int funding_store_candidates(struct view v, struct arena *a, const struct hash32 *payment,
			     struct funding_candidate **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CANDIDATE, Q_LIST);
	struct funding_candidate *rows = NULL;
	size_t got = 0;
	int rc;

	bind_hash32(q, 1, payment);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*rows) + col_size(q, 8) + 64))
			return ERR(err, ERR_RANGE, "no room for the candidates of a payment");
		rows = rows_room(a, rows, got, sizeof(*rows));
		candidate_of(q, a, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}
