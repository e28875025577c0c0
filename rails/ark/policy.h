/* rails/ark/policy.h - who may spend an Ark output, and how: the policies of VTXOs and of the outputs between them.  Implements
 * spec/ark-primitives.md §2.4.  What a policy comes to on chain is in rails/ark/taproot.h. */
#ifndef RAILS_ARK_POLICY_H
#define RAILS_ARK_POLICY_H

#include "rails/ark/codec.h"

/* Their numbers are those of the encoding; send and receive change places between the two generations. */
enum ark_policy_kind {
	ARK_PUBKEY = 0x00,          /* a user's money */
	ARK_HTLC_SEND_V0 = 0x01,    /* a user's, on its way to Lightning; v0: read, never made */
	ARK_HTLC_RECEIVE_V0 = 0x02, /* a user's, on its way from Lightning */
	ARK_CHECKPOINT = 0x03,      /* from here on: the server's */
	ARK_EXPIRY = 0x04,
	ARK_HARK_LEAF_V0 = 0x05,
	ARK_HARK_FORFEIT_V0 = 0x06,
	ARK_SERVER_OWNED = 0x07,
	ARK_HTLC_RECEIVE = 0x08, /* a user's */
	ARK_HTLC_SEND = 0x09,    /* a user's */
	ARK_HARK_LEAF = 0x0a,
	ARK_HARK_FORFEIT = 0x0b
};

struct ark_policy {
	enum ark_policy_kind kind;
	struct pubkey user;         /* not of ARK_EXPIRY and ARK_SERVER_OWNED */
	struct xonly internal;      /* ARK_EXPIRY */
	struct hash32 hash;         /* HTLC: payment hash; hArk: unlock hash; SHA-256 of 32 bytes */
	uint32_t htlc_expiry;       /* HTLC: a height */
	uint16_t htlc_expiry_delta; /* HTLC receive: blocks */
};
#define ARK_POLICY_SIZE_MAX 72 /* bytes of its encoding */

/* What all outputs of a VTXO's chain have in common. */
struct ark_terms {
	struct pubkey server;
	uint32_t expiry_height; /* from here on the server may sweep what is not on chain */
	uint16_t exit_delta;    /* blocks that an exit's last output has to wait */
};

struct ark_policy ark_policy_pubkey(const struct pubkey *user);
struct ark_policy ark_policy_checkpoint(const struct pubkey *user);

/* May a user's VTXO have it? */
bool ark_policy_is_user(enum ark_policy_kind k);
/* As the spec and bark write it: "pubkey", "server-htlc-send-v1". */
const char *ark_policy_name(enum ark_policy_kind k);
bool ark_policy_equal(const struct ark_policy *a, const struct ark_policy *b);

/* One policy off a longer encoding; all kinds, or a user's alone.  An unknown kind, or one of the server's: ERR_VTXO_POLICY. */
enum ark_policies { ARK_ANY_POLICY = 1, ARK_USER_POLICY = 2 };
void ark_policy_read(struct ark_reader *r, enum ark_policies which, struct ark_policy *ret);
/* All of v. */
MUST_CHECK int ark_policy_decode(struct bytes v, enum ark_policies which, struct ark_policy *ret, struct err *err);
void ark_policy_put(struct buf *b, const struct ark_policy *p);

#endif
