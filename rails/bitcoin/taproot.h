/* rails/bitcoin/taproot.h - outputs that a key spends, or a script of a tree (BIP341, BIP342; BIP86 for a key alone).
 *
 * A tree is given as its leaves from left to right, each with its depth, as BIP371 writes it: two leaves of depth 1 are
 * { 1, a }, { 1, b }.  That says the whole shape, and a list whose depths make no tree is refused. */
#ifndef RAILS_BITCOIN_TAPROOT_H
#define RAILS_BITCOIN_TAPROOT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "rails/bitcoin/script.h"

#define TAP_LEAF_TAPSCRIPT 0xc0 /* BIP342 */
#define TAP_DEPTH_MAX      128
#define TAP_CONTROL_MIN    33
#define TAP_CONTROL_MAX    (TAP_CONTROL_MIN + 32 * TAP_DEPTH_MAX)
#define TAP_LEAVES_MAX     4096 /* ours: a tree in memory */
#define TAP_ANNEX_TAG      0x50 /* first byte of a witness's last item that is an annex */

struct tap_leaf {
	uint8_t depth;
	uint8_t version; /* even; TAP_LEAF_TAPSCRIPT */
	struct bytes script;
};

void tap_leaf_hash(uint8_t version, struct bytes script, struct hash32 *ret);
void tap_branch_hash(const struct hash32 *a, const struct hash32 *b, struct hash32 *ret); /* in either order */

/* What a tree comes to: its root, and for each leaf (in the order given) its hash and the way from it to the root. */
struct tap_path {
	struct hash32 leaf;
	const struct hash32 *steps;
	size_t n;
};
struct tap_tree {
	struct hash32 root;
	struct tap_path *paths;
	size_t n;
};
/* ERR_PARSE: the depths make no tree, or a version is odd; ERR_RANGE: deeper than TAP_DEPTH_MAX, or none or too many leaves. */
MUST_CHECK int tap_tree_make(struct arena *a, const struct tap_leaf *leaves, size_t n, struct tap_tree *ret,
			     struct err *err);

/* Where the money goes: internal + H(internal, root) * G.  root is NULL for a key alone. */
struct tap_output {
	struct xonly key;
	bool odd;
};
void tap_tweak_hash(const struct xonly *internal, const struct hash32 *root, struct hash32 *ret);
/* ERR_CRYPTO: internal is not a key. */
MUST_CHECK int tap_output_make(const struct xonly *internal, const struct hash32 *root, struct tap_output *ret,
			       struct err *err);
/* BIP86: a key that commits to no script at all. */
MUST_CHECK int tap_bip86_spk(const struct xonly *internal, struct spk *ret, struct err *err);
/* The private key of the output, from the internal one.  ERR_CRYPTO. */
MUST_CHECK int tap_secret_tweak(const struct secret *internal, const struct hash32 *root, struct secret *ret,
				struct err *err);

/* What reveals one leaf: the last item of the witness that spends by it.  Arena-owned. */
struct bytes tap_control_make(struct arena *a, uint8_t version, const struct xonly *internal, bool odd,
			      const struct tap_path *path);
/* A control block, read: its parts are views. */
struct tap_control {
	uint8_t version;
	bool odd;
	struct xonly internal;
	struct bytes steps; /* 32 bytes each, leaf first */
};
MUST_CHECK int tap_control_parse(struct bytes v, struct tap_control *ret, struct err *err); /* ERR_PARSE */
/* Does output commit to this script by this control block?  *ret, when not NULL, is the leaf's hash, for the sighash. */
bool tap_control_verify(const struct xonly *output, struct bytes script, struct bytes control, struct hash32 *ret);

#endif
