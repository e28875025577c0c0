#include "store/credential_store.h"

#include <inttypes.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum { Q_ADD, Q_ROTATE, Q_REVOKE, Q_LIST, Q_USED, Q_SPEND_ADD, Q_SPENT_SINCE, Q_SPENT_ON, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO credential (name, scope, salt, hash, budget_hour_sat, budget_day_sat, created_at_ms,"
		  " revoked_at_ms, last_used_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[Q_ROTATE] = "UPDATE credential SET salt = ?2, hash = ?3 WHERE name = ?1 AND revoked_at_ms = 0",
	[Q_REVOKE] = "UPDATE credential SET revoked_at_ms = ?2 WHERE name = ?1 AND revoked_at_ms = 0",
	[Q_LIST] = "SELECT id, name, scope, salt, hash, budget_hour_sat, budget_day_sat, created_at_ms, revoked_at_ms,"
		   " last_used_ms FROM credential ORDER BY id",
	[Q_USED] = "UPDATE credential SET last_used_ms = ?2 WHERE id = ?1 AND last_used_ms < ?2",
	[Q_SPEND_ADD] = "INSERT INTO credential_spend (credential_id, at_ms, action_id, sat) VALUES (?1, ?2, ?3, ?4)",
	[Q_SPENT_SINCE] = "SELECT coalesce(sum(sat), 0) FROM credential_spend WHERE credential_id = ?1 AND at_ms >= ?2",
	[Q_SPENT_ON] = "SELECT 1 FROM credential_spend WHERE action_id = ?2 AND +credential_id = ?1 LIMIT 1",
};
const struct query_set credential_queries = { "credential", sql, Q_COUNT };

static void bind_key(struct stmt *q, int i, const uint8_t salt[16], const struct hash32 *hash)
{
	bind_blob(q, i, (struct bytes){ salt, 16 });
	bind_blob(q, i + 1, (struct bytes){ hash->b, sizeof(hash->b) });
}

/* Runs an update of one living key. */
static int update_named(struct stmt *q, const char *name, struct err *err)
{
	int changed = stmt_run(q, err);

	if (changed == 0)
		return ERR(err, ERR_NOT_FOUND, "no key that is in force has the name %s", name);
	return changed < 0 ? -1 : 0;
}

int credential_add(struct unit *u, const struct credential_row *row, int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CREDENTIAL, Q_ADD);

	bind_text(q, 1, row->name);
	bind_i64(q, 2, row->scope);
	bind_key(q, 3, row->salt, &row->hash);
	bind_i64(q, 5, row->budget_hour_sat);
	bind_i64(q, 6, row->budget_day_sat);
	bind_i64(q, 7, row->created_at_ms);
	bind_i64(q, 8, row->revoked_at_ms);
	bind_i64(q, 9, row->last_used_ms);
	if (stmt_insert(q, ERR_EXISTS, "a key of this name", err) != 0)
		return -1;
	*ret_id = stmt_last_rowid(q);
	return 0;
}

int credential_rotate(struct unit *u, const char *name, const uint8_t salt[16], const struct hash32 *hash,
		      struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CREDENTIAL, Q_ROTATE);

	bind_text(q, 1, name);
	bind_key(q, 2, salt, hash);
	return update_named(q, name, err);
}

int credential_revoke(struct unit *u, const char *name, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CREDENTIAL, Q_REVOKE);

	bind_text(q, 1, name);
	bind_i64(q, 2, now_ms);
	return update_named(q, name, err);
}

static void row_read(struct arena *a, struct stmt *q, struct credential_row *ret)
{
	*ret = (struct credential_row){
		.id = col_i64(q, 0),
		.name = col_text(a, q, 1),
		.scope = (int)col_i64(q, 2),
		.budget_hour_sat = col_i64(q, 5),
		.budget_day_sat = col_i64(q, 6),
		.created_at_ms = col_i64(q, 7),
		.revoked_at_ms = col_i64(q, 8),
		.last_used_ms = col_i64(q, 9),
	};
	col_copy(q, 3, ret->salt, sizeof(ret->salt));
	col_copy(q, 4, ret->hash.b, sizeof(ret->hash.b));
}

int credential_list(struct view v, struct arena *a, struct credential_row **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CREDENTIAL, Q_LIST);
	struct credential_row *rows = NULL;
	size_t got = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		row_read(a, q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int credential_used(struct unit *u, int64_t id, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CREDENTIAL, Q_USED);

	bind_i64(q, 1, id);
	bind_i64(q, 2, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int credential_spend_add(struct unit *u, int64_t id, const struct action_id *action, uint64_t sat, int64_t now_ms,
			 struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CREDENTIAL, Q_SPEND_ADD);

	if (sat > AMOUNT_MAX)
		return ERR(err, ERR_RANGE, "a spend of %" PRIu64 " sat", sat);
	bind_i64(q, 1, id);
	bind_i64(q, 2, now_ms);
	bind_action_id(q, 3, action);
	bind_u64(q, 4, sat);
	return stmt_insert(q, ERR_INTERNAL, "spend of a key", err);
}

int credential_spent_since(struct view v, int64_t id, int64_t since_ms, uint64_t *ret_sat, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CREDENTIAL, Q_SPENT_SINCE);

	bind_i64(q, 1, id);
	bind_i64(q, 2, since_ms);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret_sat = col_u64(q, 0);
	return 0;
}

int credential_spent_on(struct view v, int64_t id, const struct action_id *action, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CREDENTIAL, Q_SPENT_ON);

	bind_i64(q, 1, id);
	bind_action_id(q, 2, action);
	return stmt_step(q, err);
}
