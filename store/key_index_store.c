#include "store/key_index_store.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "store/query_sets.h"
#include "store/stmt.h"

/* BIP32 has so many hardened indexes; NUT-13 of v1 keysets is made of them. */
#define BIP32_SPACE (INT64_C(1) << 31)

enum { Q_KEYSET_TAKE, Q_KEYSET_RAISE, Q_TAKE, Q_NEXT, Q_RAISE, Q_COUNT };

/* The range is what RETURNING says, never a second look at the counter.  A counter without room is left as it was, and
 * no row comes back. */
static const char *const sql[Q_COUNT] = {
	[Q_KEYSET_TAKE] = "INSERT INTO keyset_counter (keyset_id, next) VALUES (?1, ?2) ON CONFLICT (keyset_id)"
			  " DO UPDATE SET next = next + excluded.next WHERE next <= ?3 - excluded.next RETURNING next",
	[Q_KEYSET_RAISE] = "INSERT INTO keyset_counter (keyset_id, next) VALUES (?1, ?2) ON CONFLICT (keyset_id)"
			   " DO UPDATE SET next = max(next, excluded.next)",
	[Q_TAKE] = "INSERT INTO key_index (namespace, next) VALUES (?1, 1) ON CONFLICT (namespace)"
		   " DO UPDATE SET next = next + 1 WHERE next < ?2 RETURNING next",
	[Q_NEXT] = "SELECT next FROM key_index WHERE namespace = ?1",
	[Q_RAISE] = "INSERT INTO key_index (namespace, next) VALUES (?1, ?2) ON CONFLICT (namespace)"
		    " DO UPDATE SET next = max(next, excluded.next)",
};
const struct query_set key_index_queries = { "key_index", sql, Q_COUNT };

/* v2 ids derive with a 64-bit counter; v1 and older ones down a BIP32 path. */
static int64_t keyset_space(const struct keyset_id *id)
{
	return strncmp(id->s, "01", 2) == 0 && strlen(id->s) == KEYSET_ID_MAX ? INT64_MAX : BIP32_SPACE;
}

int keyset_counter_take(struct unit *u, const struct keyset_id *id, uint32_t n, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_KEY_INDEX, Q_KEYSET_TAKE);
	int64_t space = keyset_space(id);
	int rc = 0;

	assert(n > 0);
	if (n <= space) {
		bind_text(q, 1, id->s);
		bind_i64(q, 2, n);
		bind_i64(q, 3, space);
		rc = stmt_step(q, err);
	}
	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_RANGE, "keyset %s has no room for %" PRIu32 " more derived secrets", id->s, n);
	*ret = col_i64(q, 0) - n;
	return 0;
}

int keyset_counter_raise(struct unit *u, const struct keyset_id *id, int64_t at_least, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_KEY_INDEX, Q_KEYSET_RAISE);

	if (at_least < 0 || at_least > keyset_space(id))
		return ERR(err, ERR_RANGE, "keyset %s has no derived secret %" PRId64, id->s, at_least);
	bind_text(q, 1, id->s);
	bind_i64(q, 2, at_least);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int key_index_take(struct unit *u, const char *namespace, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_KEY_INDEX, Q_TAKE);
	int rc;

	bind_text(q, 1, namespace);
	bind_i64(q, 2, BIP32_SPACE);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_RANGE, "all keys of %s are used up", namespace);
	*ret = col_i64(q, 0) - 1;
	return 0;
}

int key_index_next(struct view v, const char *namespace, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_KEY_INDEX, Q_NEXT);
	int rc;

	bind_text(q, 1, namespace);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*ret = rc ? col_i64(q, 0) : 0;
	return 0;
}

int key_index_raise(struct unit *u, const char *namespace, int64_t at_least, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_KEY_INDEX, Q_RAISE);

	if (at_least < 0 || at_least > BIP32_SPACE)
		return ERR(err, ERR_RANGE, "%s has no key %" PRId64, namespace, at_least);
	bind_text(q, 1, namespace);
	bind_i64(q, 2, at_least);
	return stmt_run(q, err) < 0 ? -1 : 0;
}
