#include "store/funding_store.h"

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(FUNDING_UNTYPED == 0 && FUNDING_GENERIC == 1 && FUNDING_INTERACTIVE == 2,
	       "stored in funding_payment.type");
_Static_assert(FUNDING_IN == 1 && FUNDING_OUT == 2, "stored in funding_payment.direction");
_Static_assert(FUNDING_PENDING == 1 && FUNDING_SUCCEEDED == 2 && FUNDING_FAILED == 3,
	       "stored in funding_payment.status");

enum {
	Q_PUT,
	Q_GET,
	Q_ABSORB_CANDIDATES,
	Q_ABSORB_CONFLICTS,
	Q_DROP_CONFLICTS,
	Q_DROP,
	Q_CONFLICT,
	Q_CONFLICTS,
	Q_FIND,
	Q_PENDING,
	Q_PENDING_AFTER,
	Q_OF_CHANNEL,
	Q_GRADUATED,
	Q_COUNT
};

#define COLS                                                                                                           \
	"id, type, direction, status, txid, height, hash, amount, fee, channel_id, peer, created_at_ms, updated_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "INSERT OR REPLACE INTO funding_payment (" COLS ")"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[Q_GET] = "SELECT " COLS " FROM funding_payment WHERE id = ?1",
	[Q_ABSORB_CANDIDATES] = "UPDATE funding_candidate SET payment_id = ?2 WHERE payment_id = ?1",
	[Q_ABSORB_CONFLICTS] = "INSERT OR IGNORE INTO funding_conflict (payment_id, txid)"
			       " SELECT ?2, txid FROM funding_conflict WHERE payment_id = ?1",
	[Q_DROP_CONFLICTS] = "DELETE FROM funding_conflict WHERE payment_id = ?1",
	[Q_DROP] = "DELETE FROM funding_payment WHERE id = ?1",
	[Q_CONFLICT] = "INSERT OR IGNORE INTO funding_conflict (payment_id, txid) VALUES (?1, ?2)",
	[Q_CONFLICTS] = "SELECT txid FROM funding_conflict WHERE payment_id = ?1 ORDER BY txid",
	/* The order of spec/splice.md 2.3. */
	[Q_FIND] = "SELECT 1, payment_id FROM funding_candidate WHERE txid = ?1"
		   " UNION ALL SELECT 2, id FROM funding_payment WHERE txid = ?1 AND status = 1"
		   " UNION ALL SELECT 3, c.payment_id FROM funding_conflict AS c CROSS JOIN funding_payment AS p"
		   " ON p.id = c.payment_id WHERE c.txid = ?1 AND p.status = 1"
		   " UNION ALL SELECT 4, id FROM funding_payment WHERE txid = ?1 AND status = 2"
		   " ORDER BY 1, 2 LIMIT 1",
	[Q_PENDING] = "SELECT " COLS " FROM funding_payment WHERE status = 1 ORDER BY id LIMIT ?1",
	[Q_PENDING_AFTER] = "SELECT " COLS " FROM funding_payment WHERE status = 1 AND id > ?2 ORDER BY id LIMIT ?1",
	[Q_OF_CHANNEL] = "SELECT " COLS " FROM funding_payment WHERE channel_id = ?2 ORDER BY id LIMIT ?1",
	[Q_GRADUATED] = "SELECT " COLS " FROM funding_payment WHERE status = 2 AND height >= ?2 AND id > ?3"
			" ORDER BY id LIMIT ?1",
};
const struct query_set funding_queries = { "funding", sql, Q_COUNT };

/* --- writing --- */

int funding_store_put(struct unit *u, const struct funding_payment *p, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_FUNDING, Q_PUT);

	bind_hash32(q, 1, &p->id);
	bind_i64(q, 2, p->type);
	bind_i64(q, 3, p->direction);
	bind_i64(q, 4, p->status);
	bind_txid(q, 5, &p->txid);
	if (p->confirmed) {
		bind_i64(q, 6, p->block.height);
		bind_block_hash(q, 7, &p->block.hash);
	}
	if (p->has_amount)
		bind_sat(q, 8, p->amount);
	if (p->has_fee)
		bind_sat(q, 9, p->fee);
	bind_hash32(q, 10, &p->channel);
	bind_pubkey(q, 11, &p->peer);
	bind_i64(q, 12, p->created_at_ms);
	bind_i64(q, 13, p->updated_at_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* A change of this payment's rows, into another's where it needs one. */
static int change(struct unit *u, unsigned query, const struct hash32 *id, const struct hash32 *into, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_FUNDING, query);

	bind_hash32(q, 1, id);
	if (into)
		bind_hash32(q, 2, into);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int funding_store_absorb(struct unit *u, const struct hash32 *stray, const struct hash32 *into, struct err *err)
{
	if (change(u, Q_ABSORB_CANDIDATES, stray, into, err) != 0 ||
	    change(u, Q_ABSORB_CONFLICTS, stray, into, err) != 0 || change(u, Q_DROP_CONFLICTS, stray, NULL, err) != 0)
		return -1;
	return change(u, Q_DROP, stray, NULL, err);
}

int funding_store_conflict(struct unit *u, const struct hash32 *payment, const struct txid *txid, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_FUNDING, Q_CONFLICT);

	bind_hash32(q, 1, payment);
	bind_txid(q, 2, txid);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* --- reading --- */

int funding_store_conflicts(struct view v, struct arena *a, const struct hash32 *payment, struct txid **ret, size_t *n,
			    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_FUNDING, Q_CONFLICTS);
	struct txid *rows = NULL;
	size_t got = 0;
	int rc;

	bind_hash32(q, 1, payment);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*rows)))
			return ERR(err, ERR_RANGE, "no room for the conflicts of a payment");
		rows = rows_room(a, rows, got, sizeof(*rows));
		col_txid(q, 0, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

static void payment_of(struct stmt *q, struct funding_payment *p)
{
	*p = (struct funding_payment){
		.type = (enum funding_type)col_i64(q, 1),
		.direction = (enum funding_direction)col_i64(q, 2),
		.status = (enum funding_status)col_i64(q, 3),
		.confirmed = !col_is_null(q, 5),
		.has_amount = !col_is_null(q, 7),
		.has_fee = !col_is_null(q, 8),
		.created_at_ms = col_i64(q, 11),
		.updated_at_ms = col_i64(q, 12),
	};
	col_hash32(q, 0, &p->id);
	col_txid(q, 4, &p->txid);
	if (p->confirmed) {
		p->block.height = (uint32_t)col_u64(q, 5);
		col_block_hash(q, 6, &p->block.hash);
	}
	if (p->has_amount)
		p->amount = col_sat(q, 7);
	if (p->has_fee)
		p->fee = col_sat(q, 8);
	col_hash32(q, 9, &p->channel);
	col_pubkey(q, 10, &p->peer);
}

int funding_store_get(struct view v, const struct hash32 *id, struct funding_payment *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_FUNDING, Q_GET);
	int rc;

	bind_hash32(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		payment_of(q, ret);
	return rc;
}

int funding_store_find(struct view v, const struct txid *txid, enum funding_link *ret_link, struct hash32 *ret_payment,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_FUNDING, Q_FIND);
	int rc;

	bind_txid(q, 1, txid);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*ret_link = rc == 1 ? (enum funding_link)col_i64(q, 0) : FUNDING_LINK_NONE;
	if (rc == 1)
		col_hash32(q, 1, ret_payment);
	return 0;
}

static int list(struct stmt *q, void (*each)(void *ctx, const struct funding_payment *p), void *ctx, struct err *err)
{
	int n = 0, rc;

	while ((rc = stmt_step(q, err)) == 1) {
		struct funding_payment p;

		payment_of(q, &p);
		each(ctx, &p);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int funding_store_pending(struct view v, const struct hash32 *after, unsigned limit,
			  void (*each)(void *ctx, const struct funding_payment *p), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_FUNDING, after ? Q_PENDING_AFTER : Q_PENDING);

	bind_i64(q, 1, limit);
	if (after)
		bind_hash32(q, 2, after);
	return list(q, each, ctx, err);
}

int funding_store_graduated(struct view v, uint32_t from_height, const struct hash32 *after, unsigned limit,
			    void (*each)(void *ctx, const struct funding_payment *p), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_FUNDING, Q_GRADUATED);

	bind_i64(q, 1, limit);
	bind_i64(q, 2, from_height);
	if (after)
		bind_hash32(q, 3, after);
	else
		bind_blob(q, 3, (struct bytes){ NULL, 0 });
	return list(q, each, ctx, err);
}

int funding_store_of_channel(struct view v, const struct hash32 *channel, unsigned limit,
			     void (*each)(void *ctx, const struct funding_payment *p), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_FUNDING, Q_OF_CHANNEL);

	bind_i64(q, 1, limit);
	bind_hash32(q, 2, channel);
	return list(q, each, ctx, err);
}
