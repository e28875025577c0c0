/* rails/ark/genesis.h - one step of the way from a VTXO's anchor on chain to its own output: how the step's transaction spends
 * the output before it, and what other outputs it has.  Implements spec/ark-primitives.md §2.2 and §2.3. */
#ifndef RAILS_ARK_GENESIS_H
#define RAILS_ARK_GENESIS_H

#include "rails/ark/taproot.h"

/* Their numbers are those of the encoding. */
enum genesis_kind {
	GENESIS_COSIGNED = 1,       /* key path, by all cosigners of a tree's node or of a board */
	GENESIS_ARKOOR = 2,         /* key path, by user and server, of an output whose tree is known by its tweak */
	GENESIS_HASH_LOCKED_V0 = 3, /* script path of a hArk leaf: read, never made */
	GENESIS_HASH_LOCKED = 4
};

struct genesis_item {
	enum genesis_kind kind;
	const struct pubkey *keys; /* cosigned: all; arkoor: without the server's; hash-locked: the user's alone */
	size_t n_keys;
	struct hash32 tweak; /* arkoor: below the group order */
	bool has_signature;
	uint8_t signature[64];
	bool has_preimage; /* hash-locked */
	uint8_t preimage[32];
	struct hash32 unlock_hash;   /* hash-locked: always there, also beside the preimage */
	uint8_t output_idx;          /* which output of the transaction the next step spends */
	const struct tx_out *others; /* the transaction's other outputs in order, without the fee anchor */
	uint8_t n_others;            /* at most 254 */
	struct sat fee;              /* in the fee anchor, the transaction's last output */
};
#define GENESIS_ITEM_MIN 108 /* bytes: arkoor without cosigners, version 2 */
#define GENESIS_MAX      65535

/* As the spec names them: "cosigned", "hash-locked-cosigned-v1". */
const char *genesis_name(enum genesis_kind k);

/* One item; version 1 has no fee.  Keys and outputs live in the arena, and scripts are views of the input; an arena too small
 * for what the bytes claim is a failure of the reader, ERR_RANGE. */
void genesis_item_read(struct arena *a, struct ark_reader *r, unsigned version, struct genesis_item *ret);
/* As version 2. */
void genesis_item_put(struct buf *b, const struct genesis_item *g);
/* The transition alone: its kind, keys and witness. */
void genesis_transition_read(struct arena *a, struct ark_reader *r, struct genesis_item *ret);
void genesis_transition_put(struct buf *b, const struct genesis_item *g);

/* The output that the step spends, and how a signature spends it. */
struct genesis_spent {
	struct spk spk;
	struct xonly key;       /* what the step's signature verifies under */
	bool by_leaf;           /* hash-locked: by the leaf GENESIS_UNLOCK_LEAF of `tap` */
	struct ark_taproot tap; /* nothing for arkoor, whose tree is not known */
};
#define GENESIS_UNLOCK_LEAF 1
/* memo: NULL, or asked first.  ERR_CRYPTO, ERR_RANGE: as in rails/ark/taproot.h. */
MUST_CHECK int genesis_spent_output(struct ark_memo *memo, const struct genesis_item *g, const struct ark_terms *t,
				    struct genesis_spent *ret, struct err *err);
/* Sum of what the transaction pays beside its own output: others and fee; false on overflow. */
MUST_CHECK bool genesis_side_value(const struct genesis_item *g, struct sat *ret);
/* Is everything there that its witness needs? */
bool genesis_has_witness(const struct genesis_item *g);

#endif
