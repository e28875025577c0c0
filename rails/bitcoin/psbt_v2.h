/* rails/bitcoin/psbt_v2.h - reading PSBTs of version 2 (BIP370), whose transaction is spread over their fields.
 *
 * For psbt.c alone: between the two calls it reads the maps of inputs and outputs, and checks their fields. */
#ifndef RAILS_BITCOIN_PSBT_V2_H
#define RAILS_BITCOIN_PSBT_V2_H

#include "rails/bitcoin/psbt.h"

/* From the global map: the transaction with room for its inputs and outputs, of which there are no more than max. */
MUST_CHECK int psbt_v2_start(struct arena *a, struct psbt *p, size_t max, struct err *err);
/* From the others: what the inputs spend, what the outputs pay, and the locktime that all inputs can live with.  Drops the
 * fields that version 0 does not have. */
MUST_CHECK int psbt_v2_finish(struct psbt *p, struct err *err);

#endif
