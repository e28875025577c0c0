#include "rails/chain/capability.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "rails/bitcoin/policy.h"

static bool is_knots(const struct bitcoind_network *net)
{
	return strstr(net->subversion, "Knots") != NULL;
}

static void judge_packages(const struct bitcoind_network *net, const struct bitcoind_mempool *mempool,
			   struct chain_limits *l)
{
	bool enforces = mempool->truc_policy[0] == '\0' || strcmp(mempool->truc_policy, "enforce") == 0;

	l->packages = net->version >= BITCOIND_EXITS_VERSION && enforces;
	if (net->version < BITCOIND_EXITS_VERSION)
		(void)snprintf(l->why_not, sizeof(l->why_not),
			       "exits need Bitcoin Core 29.0 or later; the node is %u.%u", net->version / 10000,
			       net->version / 100 % 100);
	else if (!enforces)
		(void)snprintf(l->why_not, sizeof(l->why_not), "start the node with -mempooltruc=enforce");
}

void capability_limits(const struct bitcoind_network *net, const struct bitcoind_mempool *mempool,
		       struct chain_limits *ret)
{
	struct chain_limits l = {
		.min_relay = feerate_max(net->relay, mempool->min_relay),
		.incremental = feerate_max(net->incremental, mempool->incremental),
		.mempool_loaded = mempool->loaded,
	};

	l.mempool_min = feerate_max(l.min_relay, mempool->min);
	if (is_knots(net) && !sat_from_u64(CAPABILITY_KNOTS_SURCHARGE, &l.package_surcharge))
		assert(false);
	judge_packages(net, mempool, &l);
	*ret = l;
}

void capability_limits_unknown(struct chain_limits *ret)
{
	struct chain_limits l = { .mempool_loaded = true };
	bool fits = feerate_from_sat_per_kwu(POLICY_RELAY_RATE, &l.min_relay);

	assert(fits);
	l.incremental = l.mempool_min = l.min_relay;
	*ret = l;
}

void capability_warnings(const struct bitcoind_network *net, const struct bitcoind_mempool *mempool,
			 const struct bitcoind_chain *chain, const char *ret[CAPABILITY_WARNINGS])
{
	ret[0] = net->blocks_only ? "the node runs with -blocksonly: it sees no unconfirmed transactions of others"
				  : NULL;
	ret[1] = mempool->max_bytes < CAPABILITY_MEMPOOL_SMALL
			 ? "the node's mempool is small (-maxmempool): it forgets what others still hold"
			 : NULL;
	ret[2] = chain->pruned ? "the node is pruned: it cannot be scanned for what is older than its blocks" : NULL;
}
