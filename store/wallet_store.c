#include "store/wallet_store.h"

#include "store/query_sets.h"
#include "store/stmt.h"

enum { Q_META_GET, Q_META_SET, Q_META_COUNT };

static const char *const meta_sql[Q_META_COUNT] = {
	[Q_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[Q_META_SET] = "INSERT INTO meta (name, value) VALUES (?1, ?2)"
		       " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};
const struct query_set meta_queries = { "meta", meta_sql, Q_META_COUNT };

enum { Q_ADD, Q_GET, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO wallet (id, sealed, encrypted, fingerprint, restored, created_at_ms)"
		  " VALUES (1, ?1, ?2, ?3, ?4, ?5)",
	[Q_GET] = "SELECT sealed, encrypted, fingerprint, restored, created_at_ms FROM wallet WHERE id = 1",
};
const struct query_set wallet_queries = { "wallet", sql, Q_COUNT };

int wallet_store_add(struct unit *u, const struct wallet_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WALLET, Q_ADD);

	bind_blob(q, 1, row->sealed);
	bind_bool(q, 2, row->encrypted);
	bind_text(q, 3, row->fingerprint);
	bind_bool(q, 4, row->restored);
	bind_i64(q, 5, row->created_at_ms);
	return stmt_insert(q, ERR_WALLET_EXISTS, "a wallet", err);
}

int wallet_store_get(struct view v, struct arena *a, struct wallet_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_WALLET, Q_GET);
	int rc = stmt_step(q, err);

	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NO_WALLET, "there is no wallet yet");
	*ret = (struct wallet_row){
		.sealed = col_blob(a, q, 0),
		.encrypted = col_bool(q, 1),
		.fingerprint = col_text(a, q, 2),
		.restored = col_bool(q, 3),
		.created_at_ms = col_i64(q, 4),
	};
	return 0;
}

int meta_get(struct view v, struct arena *a, const char *name, const char **ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_META, Q_META_GET);
	int rc;

	bind_text(q, 1, name);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = col_text(a, q, 0);
	return rc;
}

int meta_set(struct unit *u, const char *name, const char *value, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_META, Q_META_SET);

	bind_text(q, 1, name);
	bind_text(q, 2, value);
	return stmt_run(q, err) < 0 ? -1 : 0;
}
