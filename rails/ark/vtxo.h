/* rails/ark/vtxo.h - a VTXO: an output that is not on chain, and the chain of signed transactions that would put it there.
 * Implements spec/ark-primitives.md §1.1, §2.1 and §2.2.
 *
 * A VTXO's id is the outpoint of its own output: struct outpoint, with outpoint_text() and outpoint_parse().
 *
 * Errors of decoding: ERR_VTXO (no VTXO; .msg names the field), ERR_VTXO_VERSION, ERR_VTXO_POLICY (a policy that is not a
 * user's, or that nobody knows), ERR_VTXO_BARE (a bare one where a full one is needed), ERR_RANGE (more than VTXO_SIZE_MAX
 * bytes, or than the arena has room for). */
#ifndef RAILS_ARK_VTXO_H
#define RAILS_ARK_VTXO_H

#include "rails/ark/genesis.h"

#define VTXO_VERSION  2u /* what is written; 1 is read too */
#define VTXO_SIZE_MAX 4000000u
/* An arena of this limit has room for every VTXO of n bytes, decoded. */
#define VTXO_ARENA_FOR(n) (10 * (n) + 4096)

struct vtxo {
	struct sat amount;
	struct ark_terms terms;
	struct outpoint anchor; /* on chain: the output that the first step spends */
	const struct genesis_item *items;
	size_t n_items; /* the exit depth */
	struct ark_policy policy;
	struct outpoint point; /* its own output, and its id */
};

enum vtxo_form {
	VTXO_FULL = 1,  /* with its genesis, of a user's policy */
	VTXO_BARE = 2,  /* without; a full encoding is taken too, and its genesis read and dropped */
	VTXO_SERVER = 3 /* as full, and any policy */
};
/* All of v.  Lives in the arena, and does not point into v. */
MUST_CHECK int vtxo_decode(struct arena *a, struct bytes v, enum vtxo_form form, struct vtxo *ret, struct err *err);
/* Hex, as people paste it: in the arena both the bytes and what they decode to. */
MUST_CHECK int vtxo_parse(struct arena *a, const char *hex, enum vtxo_form form, struct vtxo *ret, struct err *err);
/* A full VTXO from what is stored apart: its bare encoding and vtxo_genesis_encode() of version 2. */
MUST_CHECK int vtxo_join(struct arena *a, struct bytes bare, struct bytes genesis, struct vtxo *ret, struct err *err);

/* Always version 2.  Arena-owned. */
struct bytes vtxo_encode(struct arena *a, const struct vtxo *v);
struct bytes vtxo_encode_bare(struct arena *a, const struct vtxo *v);
struct bytes vtxo_genesis_encode(struct arena *a, const struct vtxo *v);

/* Every signature and every preimage is there. */
bool vtxo_has_all_witnesses(const struct vtxo *v);
/* The unlock hash of its last step; false when that is not hash-locked. */
bool vtxo_unlock_hash(const struct vtxo *v, struct hash32 *ret);
/* What its anchor must hold on chain: the amount, and all that its steps pay beside.  ERR_VTXO_INVALID: the sum overflows. */
MUST_CHECK int vtxo_anchor_amount(const struct vtxo *v, struct sat *ret, struct err *err);

#endif
