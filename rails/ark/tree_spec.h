/* rails/ark/tree_spec.h - what a round is to make: the leaves of its tree, and the keys and terms of all of it.
 *
 * Implements the encodings of spec/ark-primitives.md §7.1.  Which generation of hash locks the tree has is not written
 * down: the wallet takes part in the current one only, and meets the other in trees that were stored. */
#ifndef RAILS_ARK_TREE_SPEC_H
#define RAILS_ARK_TREE_SPEC_H

#include "rails/ark/output.h"
#include "rails/ark/tree_shape.h"

#define TREE_SPEC_VERSION 2u

struct tree_leaf {
	struct ark_output output;
	bool has_cosign; /* not for participants that left the rest to the server */
	struct pubkey cosign;
	struct hash32 unlock_hash;
};
struct tree_spec {
	struct ark_terms terms;
	const struct pubkey *global; /* cosign every node: the server's key of this round */
	size_t n_global;
	const struct tree_leaf *leaves; /* 1 to ARK_TREE_LEAVES_MAX */
	size_t n_leaves;
};

/* One leaf, and its encoding.  ERR_PARSE; ERR_VTXO_POLICY: not a user's policy. */
MUST_CHECK int tree_leaf_decode(struct bytes v, struct tree_leaf *ret, struct err *err);
void tree_leaf_put(struct buf *b, const struct tree_leaf *l);

/* All of v; arena-owned.  ERR_PARSE names the field; ERR_VTXO_POLICY. */
MUST_CHECK int tree_spec_decode(struct arena *a, struct bytes v, struct tree_spec *ret, struct err *err);
struct bytes tree_spec_encode(struct arena *a, const struct tree_spec *s);

/* A spec with the output that its tree spends and the signature of each internal node. */
struct tree_signature {
	uint8_t b[64];
};
struct tree_signed {
	struct tree_spec spec;
	struct outpoint utxo;
	const struct tree_signature *signatures;
	size_t n_signatures;
};
/* Versions 1 and 2 are read, 2 is written. */
MUST_CHECK int tree_signed_decode(struct arena *a, struct bytes v, struct tree_signed *ret, struct err *err);
struct bytes tree_signed_encode(struct arena *a, const struct tree_signed *s);

#endif
