#include "chain/gap.h"

#include <string.h>

#include "rails/bitcoin/bip32.h"
#include "rails/bitcoin/taproot.h"

/* m/86'/coin'/0'/chain, of the account's key. */
static int chain_key(const char *xpub, enum script_chain chain, struct bip32_pub *ret, struct err *err)
{
	struct bip32_pub account;

	if (bip32_xpub_parse(xpub, &account, err) != 0)
		return err_context(err, "the on-chain account");
	return bip32_pub_child(&account, (uint32_t)chain, ret, err);
}

static int script_of(const struct bip32_pub *chain, uint32_t index, struct spk *ret, struct err *err)
{
	struct bip32_pub key;
	struct xonly internal;

	if (bip32_pub_child(chain, index, &key, err) != 0)
		return -1;
	memcpy(internal.b, key.key.b + 1, sizeof(internal.b));
	return tap_bip86_spk(&internal, ret, err);
}

int gap_script(const char *xpub, enum script_chain chain, uint32_t index, struct spk *ret, struct err *err)
{
	struct bip32_pub key;

	return chain_key(xpub, chain, &key, err) != 0 ? -1 : script_of(&key, index, ret, err);
}

static int fill_chain(struct unit *u, const char *xpub, enum script_chain chain, unsigned *added, struct err *err)
{
	struct script_edge edge;
	struct bip32_pub key;
	struct spk spk;

	if (script_store_edge(unit_view(u), chain, &edge, err) != 0)
		return -1;
	if (edge.derived >= edge.known + SCRIPT_GAP)
		return 0;
	if (chain_key(xpub, chain, &key, err) != 0)
		return -1;
	for (uint32_t i = edge.derived; i < edge.known + SCRIPT_GAP; i++) {
		if (script_of(&key, i, &spk, err) != 0 || script_store_add(u, chain, i, spk_bytes(&spk), err) != 0)
			return -1;
		++*added;
	}
	return 0;
}

int gap_fill(struct unit *u, unsigned *ret_added, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct onchain_account acc;
	unsigned added = 0;
	int rc = account_store_get(unit_view(u), &a, &acc, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && (fill_chain(u, acc.xpub, SCRIPT_RECEIVE, &added, err) != 0 ||
			fill_chain(u, acc.xpub, SCRIPT_CHANGE, &added, err) != 0))
		return -1;
	*ret_added = added;
	return 0;
}
