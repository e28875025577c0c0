#include "rails/chain/chain.h"

#include <stdlib.h>

const uint16_t fee_targets[FEE_TIERS] = { [FEE_FAST] = 1, [FEE_REGULAR] = 3, [FEE_SLOW] = 6 };

void chain_genesis(enum network network, struct block_hash *ret)
{
	static const char *const hashes[NETWORK_COUNT] = {
		[NETWORK_MAINNET] = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
		[NETWORK_SIGNET] = "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
		[NETWORK_TESTNET4] = "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
		[NETWORK_REGTEST] = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
	};

	if (!block_hash_parse(hashes[network], ret))
		abort();
}

const char *chain_place_name(enum chain_place p)
{
	switch (p) {
	case CHAIN_NOT_FOUND:
		return "notfound";
	case CHAIN_MEMPOOL:
		return "mempool";
	case CHAIN_CONFIRMED:
		return "confirmed";
	}
	return "unknown";
}

bool chain_tx_status_equal(const struct chain_tx_status *a, const struct chain_tx_status *b)
{
	return a->place == b->place && (a->place != CHAIN_CONFIRMED || block_ref_equal(&a->block, &b->block));
}
