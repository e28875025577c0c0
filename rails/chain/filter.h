/* rails/chain/filter.h - does a block concern any of these scripts?  Implements matching of BIP158's basic filters: the
 * output scripts of a block, and those of the outputs that it spends, as a Golomb-Rice coded set.
 *
 * A match may be false, once in 784,931 for each script; no match never is, as far as whoever made the filter is honest:
 * ask your own node.  A filter is read in one pass over all scripts, sorted by what they hash to. */
#ifndef RAILS_CHAIN_FILTER_H
#define RAILS_CHAIN_FILTER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"

#define FILTER_P 19
#define FILTER_M UINT64_C(784931)

/* *ret: any of them is in it.  Empty scripts and those that begin with OP_RETURN are in no filter, and match none.  The
 * arena needs 8 bytes for each script.  ERR_PEER_INVALID: not a filter. */
MUST_CHECK int filter_match_any(struct arena *a, struct bytes filter, const struct block_hash *block,
				const struct bytes *scripts, size_t n, bool *ret, struct err *err);

#endif
