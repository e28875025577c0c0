/* lightning/same_chain.h - is the Lightning node of our chain, and where our own eyes are?  Pure but for reading the tables. */
#ifndef LIGHTNING_SAME_CHAIN_H
#define LIGHTNING_SAME_CHAIN_H

#include "base/network.h"
#include "rails/lightning/backend.h"
#include "store/view.h"

/* By the network that it names; and where it tells its tip, by that and the blocks that the follower has seen.
 * *ret_synced: it is synced, as it says itself and as far as its tip shows.  One that is further than we are counts as synced:
 * whoever decides on blocks has to see that ours are there.
 * ERR_NETWORK: it is of another network, or of another chain of this one. */
MUST_CHECK int same_chain(struct view v, enum network net, const struct ln_info *info, bool *ret_synced,
			  struct err *err);

#endif
