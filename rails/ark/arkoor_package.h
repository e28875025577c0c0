/* rails/ark/arkoor_package.h - one payment out of several VTXOs: an arkoor for each.  Implements spec/ark-primitives.md §5.6. */
#ifndef RAILS_ARK_ARKOOR_PACKAGE_H
#define RAILS_ARK_ARKOOR_PACKAGE_H

#include "rails/ark/arkoor.h"

struct arkoor_inputs {
	const struct vtxo *v; /* borrowed */
	size_t n;
};

/* The outputs of a payment: it, and what is left of the inputs unless that is nothing.  *ret_n is 1 or 2.  ERR_FUNDS: the
 * inputs do not cover it. */
MUST_CHECK int arkoor_payment(struct arkoor_inputs inputs, const struct ark_output *payment,
			      const struct ark_policy *change, struct ark_output ret[2], size_t *ret_n,
			      struct err *err);

/* What each input is to become, in the inputs' order, dust apart: inputs.n requests, arena-owned.  Errors of ark_allot() and of
 * arkoor_check(). */
MUST_CHECK int arkoor_package_make(struct arena *a, struct arkoor_inputs inputs, struct ark_outputs outputs,
				   bool checkpoint, struct arkoor_request *ret, struct err *err);

#endif
