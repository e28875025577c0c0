/* rails/ark/taproot.h - an Ark output on chain: an internal key that server and user have together, and at most two leaves.
 * Implements spec/ark-primitives.md §3.2 and §3.3.
 *
 * Errors: ERR_CRYPTO, for keys that are none or that cancel each other out; ERR_RANGE, for terms beyond ARK_HEIGHT_MAX or
 * ARK_DELTA_MAX. */
#ifndef RAILS_ARK_TAPROOT_H
#define RAILS_ARK_TAPROOT_H

#include "rails/ark/clause.h"
#include "rails/ark/memo.h"
#include "rails/ark/policy.h"
#include "rails/bitcoin/taproot.h"

#define ARK_LEAVES_MAX 2

struct ark_leaf {
	struct ark_clause clause;
	uint8_t script[ARK_CLAUSE_SCRIPT_MAX];
	uint8_t n;
	struct hash32 hash; /* as the sighash of a script path has it */
};
struct ark_taproot {
	struct xonly internal; /* an aggregate, without a tweak */
	struct hash32 root;    /* means nothing without leaves */
	struct hash32 tweak;   /* what MuSig adds to the aggregate: BIP341's TapTweak */
	struct tap_output output;
	struct ark_leaf leaf[ARK_LEAVES_MAX]; /* in the spec's order */
	size_t n_leaves;
};

/* The output of a policy under these terms. */
MUST_CHECK int ark_policy_taproot(const struct ark_policy *p, const struct ark_terms *t, struct ark_taproot *ret,
				  struct err *err);
/* What these keys sign together until it expires: board funding outputs, round roots and the nodes of a tree. */
MUST_CHECK int ark_cosign_taproot(const struct pubkey *cosigners, size_t n, const struct ark_terms *t,
				  struct ark_taproot *ret, struct err *err);
/* P2TR of the aggregate of these keys and this one, tweaked: an output whose tree is known by its hash alone (arkoor). */
MUST_CHECK int ark_tweaked_output(const struct pubkey *cosigners, size_t n, const struct pubkey *server,
				  const struct hash32 *tweak, struct xonly *ret, struct err *err);
/* The same three, asking a memo first. */
MUST_CHECK int ark_policy_taproot_by(struct ark_memo *m, const struct ark_policy *p, const struct ark_terms *t,
				     struct ark_taproot *ret, struct err *err);
MUST_CHECK int ark_cosign_taproot_by(struct ark_memo *m, const struct pubkey *cosigners, size_t n,
				     const struct ark_terms *t, struct ark_taproot *ret, struct err *err);
MUST_CHECK int ark_tweaked_output_by(struct ark_memo *m, const struct pubkey *cosigners, size_t n,
				     const struct pubkey *server, const struct hash32 *tweak, struct xonly *ret,
				     struct err *err);
/* The script alone of ark_policy_taproot(). */
MUST_CHECK int ark_policy_spk(const struct ark_policy *p, const struct ark_terms *t, struct spk *ret, struct err *err);

struct spk ark_taproot_spk(const struct ark_taproot *t);
struct bytes ark_leaf_script(const struct ark_leaf *l); /* a view */
/* Arena-owned: 33 bytes for one leaf, 65 for two.  leaf < n_leaves. */
struct bytes ark_taproot_control(struct arena *a, const struct ark_taproot *t, size_t leaf);
/* The first leaf that this key can sign, or n_leaves.  Keys are compared by all 33 bytes. */
size_t ark_taproot_leaf_of(const struct ark_taproot *t, const struct pubkey *key);

/* The witness that spends by a leaf: signature, preimage if the clause has one (32 bytes), script, control block. */
MUST_CHECK int ark_leaf_witness(struct arena *a, const struct ark_taproot *t, size_t leaf, const uint8_t sig[64],
				const uint8_t *preimage, struct witness *ret, struct err *err);
/* Bytes of that witness, with its counts. */
struct weight ark_leaf_witness_weight(const struct ark_taproot *t, size_t leaf);
/* The preimage that a claim of an HTLC shows: four items, the second of 32 bytes with this hash.  False for none. */
bool ark_witness_preimage(const struct witness *w, const struct hash32 *hash, uint8_t ret[32]);

#endif
