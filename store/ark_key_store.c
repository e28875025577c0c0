#include "store/ark_key_store.h"

#include <inttypes.h>
#include <string.h>

#include "store/query_sets.h"
#include "store/stmt.h"

enum { Q_ACCOUNT_ADD, Q_ACCOUNT_GET, Q_ADD, Q_DERIVED, Q_KNOWN, Q_FIND, Q_GET, Q_GIVE, Q_USE, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ACCOUNT_ADD] = "INSERT INTO ark_wallet (id, xpub) VALUES (1, ?1)",
	[Q_ACCOUNT_GET] = "SELECT xpub FROM ark_wallet WHERE id = 1",
	/* No row where the index is not the next one. */
	[Q_ADD] = ("INSERT INTO ark_key (idx, pubkey, given, used) SELECT ?1, ?2, 0, 0"
		   " WHERE ?1 = (SELECT ifnull(max(idx) + 1, 0) FROM ark_key) RETURNING idx"),
	[Q_DERIVED] = "SELECT ifnull(max(idx) + 1, 0) FROM ark_key",
	[Q_KNOWN] = "SELECT ifnull(max(idx) + 1, 0) FROM ark_key INDEXED BY ark_key_known WHERE given = 1 OR used = 1",
	[Q_FIND] = "SELECT idx FROM ark_key WHERE pubkey = ?1",
	[Q_GET] = "SELECT pubkey FROM ark_key WHERE idx = ?1",
	[Q_GIVE] = "UPDATE ark_key SET given = 1 WHERE idx = ?1",
	[Q_USE] = "UPDATE ark_key SET used = 1 WHERE idx = ?1",
};
const struct query_set ark_key_queries = { "ark_key", sql, Q_COUNT };

/* --- the account --- */

int ark_account_get(struct view v, struct arena *a, const char **ret_xpub, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_KEY, Q_ACCOUNT_GET);
	int rc = stmt_step(q, err);

	if (rc == 1)
		*ret_xpub = col_text(a, q, 0);
	return rc;
}

int ark_account_add(struct unit *u, const char *xpub, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ARK_KEY, Q_ACCOUNT_ADD);
	const char *there;
	int rc = ark_account_get(unit_view(u), &a, &there, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && strcmp(there, xpub) == 0)
		return 0;
	bind_text(q, 1, xpub);
	return stmt_insert(q, ERR_EXISTS, "the Ark account", err);
}

/* --- keys --- */

int ark_key_add(struct unit *u, uint32_t index, const struct pubkey *key, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ARK_KEY, Q_ADD);
	int rc;

	bind_i64(q, 1, index);
	bind_pubkey(q, 2, key);
	rc = stmt_step(q, err);
	if (rc < 0)
		return err_context(err, "Ark key %" PRIu32, index);
	return rc == 1 ? 0 : ERR(err, ERR_INTERNAL, "Ark key %" PRIu32 " is not the next one", index);
}

static int one_number(struct view v, unsigned query, uint32_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_KEY, query);
	int rc = stmt_step(q, err);

	if (rc == 1)
		*ret = (uint32_t)col_u64(q, 0);
	return rc;
}

int ark_key_edge(struct view v, struct ark_key_edge *ret, struct err *err)
{
	struct ark_key_edge edge;

	if (one_number(v, Q_DERIVED, &edge.derived, err) < 0 || one_number(v, Q_KNOWN, &edge.known, err) < 0)
		return -1;
	*ret = edge;
	return 0;
}

int ark_key_find(struct view v, const struct pubkey *key, uint32_t *ret_index, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_KEY, Q_FIND);
	int rc;

	bind_pubkey(q, 1, key);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret_index = (uint32_t)col_u64(q, 0);
	return rc;
}

static int key_at(struct view v, uint32_t index, struct pubkey *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_KEY, Q_GET);
	int rc;

	bind_i64(q, 1, index);
	rc = stmt_step(q, err);
	if (rc == 1)
		col_pubkey(q, 0, ret);
	return rc;
}

/* Changed one row, or there is no such index. */
static int mark(struct unit *u, unsigned query, uint32_t index, enum err_code missing, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ARK_KEY, query);
	int changes;

	bind_i64(q, 1, index);
	changes = stmt_run(q, err);
	if (changes == 0)
		return ERR(err, missing, "Ark key %" PRIu32 " is not derived yet", index);
	return changes < 0 ? -1 : 0;
}

int ark_key_take(struct unit *u, uint32_t *ret_index, struct pubkey *ret, struct err *err)
{
	uint32_t index = 0;

	if (one_number(unit_view(u), Q_KNOWN, &index, err) < 0 || mark(u, Q_GIVE, index, ERR_RANGE, err) != 0 ||
	    key_at(unit_view(u), index, ret, err) < 0)
		return -1;
	*ret_index = index;
	return 0;
}

int ark_key_use(struct unit *u, uint32_t index, struct err *err)
{
	return mark(u, Q_USE, index, ERR_INTERNAL, err);
}
