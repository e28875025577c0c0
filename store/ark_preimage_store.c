#include "store/ark_preimage_store.h"

#include <string.h>

#include "base/hash.h"
#include "store/query_sets.h"
#include "store/stmt.h"

enum { Q_ADD, Q_FIND, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO ark_preimage (hash, preimage) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
	[Q_FIND] = "SELECT preimage FROM ark_preimage WHERE hash = ?1",
};
const struct query_set ark_preimage_queries = { "ark_preimage", sql, Q_COUNT };

int ark_preimage_add(struct unit *u, const uint8_t preimage[PREIMAGE_SIZE], struct hash32 *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ARK_PREIMAGE, Q_ADD);
	const struct bytes b = { preimage, PREIMAGE_SIZE };
	struct hash32 hash;

	sha256(b, &hash);
	bind_hash32(q, 1, &hash);
	bind_blob(q, 2, b);
	if (stmt_run(q, err) < 0)
		return -1;
	*ret = hash;
	return 0;
}

int ark_preimage_find(struct view v, const struct hash32 *hash, uint8_t ret[PREIMAGE_SIZE], struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_PREIMAGE, Q_FIND);
	struct hash32 found;
	int rc;

	bind_hash32(q, 1, hash);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	col_hash32(q, 0, &found);
	memcpy(ret, found.b, sizeof(found.b));
	return 1;
}
