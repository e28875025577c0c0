#include "chain/ark_keys.h"

#include <inttypes.h>

#include "rails/bitcoin/bip32.h"

/* 1 there is one, 0 not, -1. */
static int account_key(struct view v, struct bip32_pub *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	const char *xpub;
	int rc = ark_account_get(v, &a, &xpub, err);

	if (rc != 1)
		return rc;
	return bip32_xpub_parse(xpub, ret, err) != 0 ? err_context(err, "the Ark account") : 1;
}

int ark_keys_fill(struct unit *u, uint32_t upto, struct err *err)
{
	struct ark_key_edge edge;
	struct bip32_pub account, key;
	int rc = account_key(unit_view(u), &account, err);
	uint32_t end;

	if (rc != 1 || ark_key_edge(unit_view(u), &edge, err) != 0)
		return rc < 1 ? rc : -1;
	end = edge.known + ARK_KEY_GAP;
	if (upto >= end)
		end = upto + 1;
	for (uint32_t i = edge.derived; i < end; i++)
		if (bip32_pub_child(&account, i, &key, err) != 0 || ark_key_add(u, i, &key.key, err) != 0)
			return -1;
	return 0;
}

int ark_keys_search(struct view v, const struct pubkey *key, uint32_t beyond, uint32_t *ret_index, struct err *err)
{
	struct ark_key_edge edge;
	struct bip32_pub account, at;
	int rc = account_key(v, &account, err);

	if (rc == 0)
		return ERR(err, ERR_NO_WALLET,
			   "there are no Ark keys: the wallet has not been made, or not been unlocked yet");
	if (beyond > ARK_KEYS_SEARCH_MAX)
		return ERR(err, ERR_RANGE, "a search for more than %u keys", ARK_KEYS_SEARCH_MAX);
	if (rc < 0 || (rc = ark_key_find(v, key, ret_index, err)) != 0)
		return rc;
	if (ark_key_edge(v, &edge, err) != 0)
		return -1;
	for (uint32_t i = edge.derived; i < edge.derived + beyond; i++) {
		if (bip32_pub_child(&account, i, &at, err) != 0)
			return -1;
		if (pubkey_equal(&at.key, key)) {
			*ret_index = i;
			return 1;
		}
	}
	return 0;
}
