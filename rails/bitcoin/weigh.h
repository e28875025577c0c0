/* rails/bitcoin/weigh.h - what a transaction will weigh once it is signed: spec/exit.md §7.10.
 *
 * Exact for taproot key paths, whose signatures have one length; for ECDSA the most that a low-r, low-s signature takes. */
#ifndef RAILS_BITCOIN_WEIGH_H
#define RAILS_BITCOIN_WEIGH_H

#include "base/amount.h"
#include "rails/bitcoin/script.h"

/* Everything but inputs and outputs themselves.  witness: does any input have one? */
struct weight weigh_overhead(size_t n_in, size_t n_out, bool witness);
/* An input that spends an output of this type by one signature, beside others that have witnesses.  P2A needs none.  False
 * for what no single signature spends. */
MUST_CHECK bool weigh_input(enum spk_type spent, struct weight *ret);
struct weight weigh_output(struct bytes script);
/* How much heavier a count gets when it grows. */
struct weight weigh_count_growth(size_t from, size_t to);

#endif
