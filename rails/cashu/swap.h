/* rails/cashu/swap.h - exchange proofs for new outputs: NUT-03.  The answer is read with promises_decode(). */
#ifndef RAILS_CASHU_SWAP_H
#define RAILS_CASHU_SWAP_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

/* Inputs go without their DLEQ (r would link them to their issuance) and with their witness.  Inputs and outputs are sent
 * in the order given: the caller sorts outputs by amount, so that the mint cannot tell which stay.
 * ERR_RANGE: n_in or n_out not 1 to CASHU_LIST_MAX. */
MUST_CHECK int swap_request(struct arena *a, const char *mint, const struct proof *inputs, size_t n_in,
			    const struct output *outputs, size_t n_out, struct net_request *ret, struct err *err);

#endif
