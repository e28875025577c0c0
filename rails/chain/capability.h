/* rails/chain/capability.h - can exits go through this bitcoind?  Implements the check of spec/exit.md 6.6, and the limits
 * that its mempool sets. */
#ifndef RAILS_CHAIN_CAPABILITY_H
#define RAILS_CHAIN_CAPABILITY_H

#include "rails/chain/bitcoind_reply.h"

#define CAPABILITY_KNOTS_SURCHARGE 240u /* sat: the dust threshold of a P2A output */
#define CAPABILITY_MEMPOOL_SMALL   UINT64_C(50000000)

void capability_limits(const struct bitcoind_network *net, const struct bitcoind_mempool *mempool,
		       struct chain_limits *ret);
/* Of a backend that does not tell: what nodes relay by default, and no word on packages. */
void capability_limits_unknown(struct chain_limits *ret);

/* What a person should know of: each is NULL or says what is wrong, and static. */
#define CAPABILITY_WARNINGS 3
void capability_warnings(const struct bitcoind_network *net, const struct bitcoind_mempool *mempool,
			 const struct bitcoind_chain *chain, const char *ret[CAPABILITY_WARNINGS]);

#endif
