#include "store/quote_store.h"

#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(QUOTE_UNPAID == 1 && QUOTE_PAID == 2 && QUOTE_ISSUED == 3 && QUOTE_PENDING == 4 && QUOTE_UNKNOWN == 5,
	       "stored in mint_quote.state");

enum { Q_ADD, Q_HOLD, Q_SET_STATE, Q_RELEASE, Q_GET, Q_BY_HOLDER, Q_COUNT };

#define COLS "mint_id, id, unit, amount, request, state, expiry_s, key_index, holder, created_at_ms, updated_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO mint_quote (" COLS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[Q_HOLD] =
		"UPDATE mint_quote SET holder = ?3 WHERE mint_id = ?1 AND id = ?2 AND (holder IS NULL OR holder = ?3)",
	[Q_SET_STATE] = "UPDATE mint_quote SET state = ?3, updated_at_ms = ?4 WHERE mint_id = ?1 AND id = ?2",
	[Q_RELEASE] = "UPDATE mint_quote SET holder = NULL WHERE holder = ?1",
	[Q_GET] = "SELECT " COLS " FROM mint_quote WHERE mint_id = ?1 AND id = ?2",
	[Q_BY_HOLDER] = "SELECT " COLS " FROM mint_quote WHERE holder = ?1 ORDER BY mint_id, id LIMIT 1",
};
const struct query_set quote_queries = { "quote", sql, Q_COUNT };

int quote_store_add(struct unit *u, const struct mint_quote_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_QUOTE, Q_ADD);

	bind_i64(q, 1, row->mint_id);
	bind_text(q, 2, row->id);
	bind_text(q, 3, row->amount.unit.s);
	bind_u64(q, 4, ecash_value(row->amount));
	bind_text(q, 5, row->request);
	bind_i64(q, 6, row->state);
	bind_i64(q, 7, row->expiry_s);
	bind_i64(q, 8, row->key_index);
	bind_action_id(q, 9, &row->holder);
	bind_i64(q, 10, row->created_at_ms);
	bind_i64(q, 11, row->updated_at_ms);
	return stmt_insert(q, ERR_EXISTS, "a quote of this id at this mint", err);
}

static int read_row(struct arena *a, struct stmt *q, struct mint_quote_row *ret, struct err *err)
{
	struct mint_quote_row row;
	struct currency unit;
	int rc = stmt_step(q, err);

	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "no such quote");
	row = (struct mint_quote_row){
		.mint_id = col_i64(q, 0),
		.id = col_text(a, q, 1),
		.request = col_text(a, q, 4),
		.state = (enum quote_state)col_i64(q, 5),
		.expiry_s = col_i64(q, 6),
		.key_index = col_i64(q, 7),
		.created_at_ms = col_i64(q, 9),
		.updated_at_ms = col_i64(q, 10),
	};
	col_action_id(q, 8, &row.holder);
	col_currency(q, 2, &unit);
	if (!ecash_make(col_u64(q, 3), unit, &row.amount))
		return ERR(err, ERR_STORAGE_CORRUPT, "the amount of a quote");
	*ret = row;
	return 0;
}

/* Nothing changed: because another action holds it, or because there is none. */
static int not_held(struct unit *u, int64_t mint_id, const char *id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_QUOTE, Q_GET);
	struct action_id holder;
	int rc;

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "no such quote");
	col_action_id(q, 8, &holder);
	return ERR(err, ERR_EXISTS, "action %s works on this quote already", holder.s);
}

int quote_store_hold(struct unit *u, int64_t mint_id, const char *id, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_QUOTE, Q_HOLD);
	int changed;

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	bind_action_id(q, 3, holder);
	changed = stmt_run(q, err);
	if (changed == 0)
		return not_held(u, mint_id, id, err);
	return changed < 0 ? -1 : 0;
}

int quote_store_set_state(struct unit *u, int64_t mint_id, const char *id, enum quote_state state, int64_t now_ms,
			  struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_QUOTE, Q_SET_STATE);
	int changed;

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	bind_i64(q, 3, state);
	bind_i64(q, 4, now_ms);
	changed = stmt_run(q, err);
	if (changed == 0)
		return ERR(err, ERR_NOT_FOUND, "no such quote");
	return changed < 0 ? -1 : 0;
}

int quote_store_release(struct unit *u, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_QUOTE, Q_RELEASE);

	bind_action_id(q, 1, holder);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int quote_store_get(struct view v, struct arena *a, int64_t mint_id, const char *id, struct mint_quote_row *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_QUOTE, Q_GET);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, id);
	return read_row(a, q, ret, err);
}

int quote_store_by_holder(struct view v, struct arena *a, const struct action_id *holder, struct mint_quote_row *ret,
			  struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_QUOTE, Q_BY_HOLDER);

	bind_action_id(q, 1, holder);
	return read_row(a, q, ret, err);
}
