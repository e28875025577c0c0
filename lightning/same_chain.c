#include "lightning/same_chain.h"

#include <inttypes.h>
#include <string.h>

#include "store/chain_store.h"

#define LAG 6u /* blocks that a node may be behind us and still know what is going on */
/* So deep our two nodes have the same blocks, or are of different chains; above it one of them may be at a reorganisation. */
#define SETTLED 3u

/* As bitcoind and Core Lightning name them. */
static bool is_of(const char *chain, enum network net)
{
	static const char *const chains[NETWORK_COUNT] = { "bitcoin", "signet", "testnet4", "regtest" };

	return strcmp(chain, chains[net]) == 0;
}

static int other_network(const struct ln_info *info, enum network net, struct err *err)
{
	ERR(err, ERR_NETWORK, "the Lightning node is of %s, and network is %s", info->chain, network_names[net]);
	return err_field(err, "network");
}

static int compare_tips(struct view v, const struct ln_info *info, bool *ret_synced, struct err *err)
{
	struct block_row tip, ours;
	uint32_t depth;
	int found = chain_store_tip(v, &tip, err);

	if (found <= 0 || info->height > tip.ref.height)
		return found < 0 ? -1 : 0;
	depth = tip.ref.height - info->height;
	found = chain_store_block(v, info->height, &ours, err);
	if (found < 0)
		return -1;
	if (found > 0 && !block_hash_equal(&ours.ref.hash, &info->tip)) {
		if (depth >= SETTLED) {
			ERR(err, ERR_NETWORK,
			    "the Lightning node has another block at height %" PRIu32 " than our own node has: it is of"
			    " another chain",
			    info->height);
			return err_field(err, "network");
		}
		*ret_synced = false;
	}
	if (depth > LAG)
		*ret_synced = false;
	return 0;
}

int same_chain(struct view v, enum network net, const struct ln_info *info, bool *ret_synced, struct err *err)
{
	bool synced = info->synced;

	if (info->chain[0] != '\0' && !is_of(info->chain, net))
		return other_network(info, net, err);
	if (info->has_tip && compare_tips(v, info, &synced, err) != 0)
		return -1;
	*ret_synced = synced;
	return 0;
}
