/* rails/ark/tree.h - the transactions of a round's tree, from its output on chain to each leaf; what their cosigners sign, and
 * what comes of it.  Implements spec/ark-primitives.md §7.3, §7.4 and §7.6.
 *
 * Nodes are numbered as in rails/ark/tree_shape.h.  Each is a transaction that spends one output of its parent (the root: the
 * round's funding output) and pays its children, or, being a leaf, one VTXO.  A node is worked out when it is asked for,
 * with those above it, and kept: a wallet needs the way to its own leaves alone, of a round of thousands.
 *
 * Errors: ERR_CRYPTO for keys that cancel each other out, ERR_RANGE for amounts beyond any, or an arena without room. */
#ifndef RAILS_ARK_TREE_H
#define RAILS_ARK_TREE_H

#include "rails/ark/nonces.h"
#include "rails/ark/taproot.h"
#include "rails/ark/tree_spec.h"
#include "rails/ark/vtxo.h"

/* Which hash locks its leaves have; a spec does not say. */
enum tree_generation { TREE_V0 = 0, TREE_V1 = 1 };

struct tree_node {
	struct tx_out spent; /* the output that it spends */
	struct tx tx;        /* unsigned */
	struct txid txid;
	/* Of an internal node: */
	const struct pubkey *cosigners; /* in the order of the encoding */
	size_t n_cosigners;
	struct hash32 tweak;   /* of the output spent */
	struct hash32 sighash; /* what all cosigners sign together, by the key path */
};

struct tree; /* in the arena that it was made with */
/* What the arena must have room for: a tree of which every node is worked out. */
size_t tree_room(const struct tree_spec *spec);
/* spec is borrowed for as long as the tree; utxo is the round's output 0. */
MUST_CHECK int tree_make(struct arena *a, const struct tree_spec *spec, enum tree_generation generation,
			 const struct outpoint *utxo, struct tree **ret, struct err *err);
const struct tree_spec *tree_spec_of(const struct tree *t);
const struct ark_tree_shape *tree_shape_of(const struct tree *t);
const struct outpoint *tree_utxo_of(const struct tree *t);
/* What output 0 of the round's transaction must be: its script lives in the arena. */
MUST_CHECK int tree_funding(struct tree *t, struct tx_out *ret, struct err *err);
/* The node of that number, below the shape's n_nodes. */
MUST_CHECK int tree_node(struct tree *t, uint32_t node, const struct tree_node **ret, struct err *err);

/* Our part of the signature of each internal node above a leaf, from its parent up to the root: ark_tree_branch_len() of
 * them.  sums: the sum of all cosigners' nonces for each internal node, in their order, as the server has it.  nonces: of
 * the leaf's cosign key, one for each level; those used are consumed.  ERR_PEER_INVALID: too few nonces for this tree, or a
 * sum that is none, or not one for each node; ERR_CRYPTO: not the leaf's cosign key. */
struct tree_sums {
	const struct musig_pubnonce *v;
	size_t n;
};
MUST_CHECK int tree_sign(struct tree *t, uint32_t leaf, const struct secret *cosign, struct ark_nonces *nonces,
			 struct tree_sums sums, struct musig_partial *ret, struct err *err);

/* The signatures of all internal nodes, in their order. */
struct tree_signatures {
	const struct tree_signature *v;
	size_t n;
};
/* Those above one leaf, or all of the tree's.  ERR_PEER_INVALID says which is missing or wrong. */
MUST_CHECK int tree_verify_branch(struct tree *t, uint32_t leaf, struct tree_signatures sigs, struct err *err);
MUST_CHECK int tree_verify_all(struct tree *t, struct tree_signatures sigs, struct err *err);
/* The tree of a stored round and its signatures: of the generation under which the first signature verifies, the current one
 * before the other; a tree without internal nodes is of the current one.  ERR_PEER_INVALID: it is of neither.  The rest of
 * the signatures is not looked at. */
MUST_CHECK int tree_of_signed(struct arena *a, const struct tree_signed *s, struct tree **ret,
			      struct tree_signatures *ret_sigs, struct err *err);
/* The VTXO of a leaf: all of its steps signed but the last, which is hash-locked.  Its genesis
 * has views of the tree. */
MUST_CHECK int tree_leaf_vtxo(struct arena *a, struct tree *t, uint32_t leaf, struct tree_signatures sigs,
			      struct vtxo *ret, struct err *err);

#endif
