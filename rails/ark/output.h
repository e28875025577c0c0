/* rails/ark/output.h - an amount and who is to have it: what requests to an Ark server ask for. */
#ifndef RAILS_ARK_OUTPUT_H
#define RAILS_ARK_OUTPUT_H

#include "base/amount.h"
#include "rails/ark/policy.h"

struct ark_output {
	struct sat amount;
	struct ark_policy policy;
};
struct ark_outputs {
	const struct ark_output *v; /* borrowed */
	size_t n;
};

#endif
