/* tests/support/ark_round.h - a round with every party in one place: each leaf's cosigner, and the server. */
#ifndef TESTS_SUPPORT_ARK_ROUND_H
#define TESTS_SUPPORT_ARK_ROUND_H

#include "rails/ark/tree.h"

struct ark_cosigners {
	const struct secret *leaves; /* one for each leaf, as the spec has their keys */
	const struct secret *server; /* of the spec's one global key */
};
/* Every internal node, signed by all: ark_tree_internal() signatures. */
MUST_CHECK int ark_round_sign(struct arena *a, struct tree *t, struct ark_cosigners keys, struct tree_signatures *ret,
			      struct err *err);
/* The sum of everybody's nonces for each internal node, and everybody's nonces: for tests that sign one leaf alone.  What
 * is drawn is freed with the arena. */
struct ark_round_nonces {
	struct ark_nonces **leaves; /* by level */
	struct ark_nonces *server;  /* by internal node */
	struct tree_sums sums;
};
MUST_CHECK int ark_round_draw(struct arena *a, struct tree *t, struct ark_cosigners keys, struct ark_round_nonces *ret,
			      struct err *err);

#endif
