#include "store/melt_store.h"

#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(QUOTE_UNPAID == 1 && QUOTE_PAID == 2 && QUOTE_ISSUED == 3 && QUOTE_PENDING == 4 && QUOTE_UNKNOWN == 5,
	       "stored in melt_quote.state");

enum { Q_ADD, Q_SET_STATE, Q_SET_PAID, Q_RELEASE, Q_GET, Q_OPEN, Q_PAID, Q_COUNT };

#define COLS                                                                                                           \
	"mint_id, id, unit, amount, fee_reserve, request, payment_hash, state, expiry_s, preimage, fee_paid,"          \
	" action_id, holder, created_at_ms, updated_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO melt_quote (" COLS ")"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[Q_SET_STATE] = "UPDATE melt_quote SET state = ?3, updated_at_ms = ?4 WHERE mint_id = ?1 AND id = ?2",
	[Q_SET_PAID] = "UPDATE melt_quote SET state = 2, preimage = ?3, fee_paid = ?4, updated_at_ms = ?5"
		       " WHERE mint_id = ?1 AND id = ?2",
	[Q_RELEASE] = "UPDATE melt_quote SET holder = NULL WHERE holder = ?1",
	[Q_GET] = "SELECT " COLS " FROM melt_quote WHERE mint_id = ?1 AND id = ?2",
	[Q_OPEN] = "SELECT " COLS " FROM melt_quote WHERE payment_hash = ?1 AND holder IS NOT NULL",
	[Q_PAID] = "SELECT " COLS " FROM melt_quote WHERE payment_hash = ?1 AND state = 2",
};
const struct query_set melt_queries = { "melt", sql, Q_COUNT };

int melt_store_add(struct unit *u, const struct melt_quote_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MELT, Q_ADD);

	bind_i64(q, 1, row->mint_id);
	bind_text(q, 2, row->id);
	bind_text(q, 3, row->amount.unit.s);
	bind_u64(q, 4, ecash_value(row->amount));
	bind_u64(q, 5, ecash_value(row->fee_reserve));
	bind_text(q, 6, row->request);
	bind_hash32(q, 7, &row->payment_hash);
	bind_i64(q, 8, row->state);
	bind_i64(q, 9, row->expiry_s);
	bind_text(q, 10, row->preimage);
	bind_u64(q, 11, ecash_value(row->fee_paid));
	bind_action_id(q, 12, &row->action);
	bind_action_id(q, 13, &row->holder);
	bind_i64(q, 14, row->created_at_ms);
	bind_i64(q, 15, row->updated_at_ms);
	return stmt_insert(q, ERR_EXISTS, "a payment of this invoice, or a quote of this id,", err);
}

/* An update that must have found its row. */
static int run_one(struct stmt *q, struct err *err)
{
	int changed = stmt_run(q, err);

	if (changed == 0)
		return ERR(err, ERR_NOT_FOUND, "no such quote");
	return changed < 0 ? -1 : 0;
}

int melt_store_set_state(struct unit *u, int64_t mint_id, const char *id, enum quote_state state, int64_t now_ms,
			 struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MELT, Q_SET_STATE);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	bind_i64(q, 3, state);
	bind_i64(q, 4, now_ms);
	return run_one(q, err);
}

int melt_store_set_paid(struct unit *u, int64_t mint_id, const char *id, const char *preimage, struct ecash fee_paid,
			int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MELT, Q_SET_PAID);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	bind_text(q, 3, preimage);
	bind_u64(q, 4, ecash_value(fee_paid));
	bind_i64(q, 5, now_ms);
	return run_one(q, err);
}

int melt_store_release(struct unit *u, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MELT, Q_RELEASE);

	bind_action_id(q, 1, holder);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static int read_row(struct arena *a, struct stmt *q, struct melt_quote_row *ret, struct err *err)
{
	struct melt_quote_row row;
	struct currency unit;
	int rc = stmt_step(q, err);

	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "no such quote");
	row = (struct melt_quote_row){
		.mint_id = col_i64(q, 0),
		.id = col_text(a, q, 1),
		.request = col_text(a, q, 5),
		.state = (enum quote_state)col_i64(q, 7),
		.expiry_s = col_i64(q, 8),
		.preimage = col_text(a, q, 9),
		.created_at_ms = col_i64(q, 13),
		.updated_at_ms = col_i64(q, 14),
	};
	col_currency(q, 2, &unit);
	col_hash32(q, 6, &row.payment_hash);
	col_action_id(q, 11, &row.action);
	col_action_id(q, 12, &row.holder);
	if (!ecash_make(col_u64(q, 3), unit, &row.amount) || !ecash_make(col_u64(q, 4), unit, &row.fee_reserve) ||
	    !ecash_make(col_u64(q, 10), unit, &row.fee_paid))
		return ERR(err, ERR_STORAGE_CORRUPT, "the amounts of a quote");
	*ret = row;
	return 0;
}

int melt_store_get(struct view v, struct arena *a, int64_t mint_id, const char *id, struct melt_quote_row *ret,
		   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MELT, Q_GET);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	return read_row(a, q, ret, err);
}

int melt_store_open(struct view v, struct arena *a, const struct hash32 *payment_hash, struct melt_quote_row *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MELT, Q_OPEN);

	bind_hash32(q, 1, payment_hash);
	return read_row(a, q, ret, err);
}

int melt_store_paid(struct view v, struct arena *a, const struct hash32 *payment_hash, struct melt_quote_row *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MELT, Q_PAID);

	bind_hash32(q, 1, payment_hash);
	return read_row(a, q, ret, err);
}
