#include "actions/ecash_expiry.h"

#include "rails/cashu/keyset.h"
#include "store/mint_store.h"

/* Is there something better to exchange them for? */
static int is_replaceable(struct view v, struct arena *a, const struct proof_expiry *row, int64_t now_s, bool *ret,
			  struct err *err)
{
	const struct keyset *better;
	struct keyset *keysets;
	size_t n;

	if (keyset_store_list(v, a, row->mint_id, &keysets, &n, err) != 0)
		return -1;
	better = keyset_choose(keysets, n, row->unit, now_s);
	*ret = better && !keyset_expires_soon(better, now_s);
	return 0;
}

static int read_one(struct view v, struct arena *a, const struct proof_expiry *row, int64_t now_ms,
		    struct ecash_expiry *ret, struct err *err)
{
	struct mint_row mint;

	if (mint_store_by_id(v, a, row->mint_id, &mint, err) != 0)
		return -1;
	*ret = (struct ecash_expiry){
		.mint = mint.url,
		.unit = row->unit,
		.amount = row->sum,
		.at_ms = row->final_expiry_s * 1000,
		.past = row->final_expiry_s <= now_ms / 1000,
		.state = row->state,
		.holder = row->holder,
	};
	return is_replaceable(v, a, row, now_ms / 1000, &ret->replaceable, err);
}

int ecash_expiring(struct view v, struct arena *a, int64_t now_ms, unsigned limit, struct ecash_expiry **ret, size_t *n,
		   struct err *err)
{
	struct proof_expiry *rows;
	struct ecash_expiry *found;
	size_t got;

	if (proof_store_expiring(v, a, now_ms / 1000 + KEYSET_EXPIRING_S, limit, &rows, &got, err) != 0)
		return -1;
	found = ARENA_ARRAY(a, got, struct ecash_expiry);
	for (size_t i = 0; i < got; i++)
		if (read_one(v, a, &rows[i], now_ms, &found[i], err) != 0)
			return -1;
	*ret = found;
	*n = got;
	return 0;
}
