/* exit/claim.h - what exits have put on chain becomes the wallet's own, or goes where its owner says.  Implements spec/exit.md 4,
 * with, [X-20] and.
 *
 * A claim is stored before it is sent, and its exits are in no other open one; that it is there, and in which block, the
 * follower sees as the spend of the VTXOs' outputs.  None is made here without being asked for; auto_claim.h may ask. */
#ifndef EXIT_CLAIM_H
#define EXIT_CLAIM_H

#include "base/network.h"
#include "rails/ark/taproot.h"
#include "rails/bitcoin/tx.h"
#include "store/ark_preimage_store.h"
#include "store/exit_claim_store.h"

#define CLAIM_INPUTS_MAX 500u

struct keyring;
struct sighash;

/* --- the transaction: pure --- */

struct claim_input {
	struct outpoint at;
	struct sat amount;
	struct bytes script;
	const struct ark_taproot *taproot;
	size_t leaf; /* by which the wallet may spend it */
	uint32_t key_index;
	const uint8_t *preimage; /* 32 bytes, when the leaf wants one */
	int64_t exit_id, vtxo_id;
};
struct claim_price {
	struct feerate rate;
	const struct exit_claim_row *replaces; /* or NULL */
	struct feerate incremental;
};
/* Version 2, locked to the tip, one output.  ERR_FEE: what is left would be dust (the message has the numbers). */
MUST_CHECK int claim_build(struct arena *a, const struct claim_input *in, size_t n, struct bytes script, uint32_t tip,
			   const struct claim_price *price, struct tx *ret, struct sat *ret_fee, struct err *err);
/* By the leaves, never by the key path, which needs the server.  Deterministic. */
MUST_CHECK int claim_sign(struct arena *a, const struct claim_input *in, struct keyring *keys, struct tx *tx,
			  struct err *err);
/* One input, which is number `at` of the transaction that h was made of. */
MUST_CHECK int claim_sign_input(struct arena *a, const struct sighash *h, size_t at, const struct claim_input *in,
				struct keyring *keys, struct witness *ret, struct err *err);

/* --- in the wallet --- */

/* What it takes to spend what an exit has put on chain.  again: also where a mempool has a claim of it already.  *ret_tip: the
 * height that was looked from.  ERR_BUSY; ERR_ILLEGAL_STATE: it cannot be claimed now; says from when. */
MUST_CHECK int claim_input_of(struct view v, struct arena *a, int64_t exit_id, bool again, struct claim_input *ret,
			      uint32_t *ret_tip, struct err *err);

/* How many can be claimed now, and are in no open claim. */
MUST_CHECK int claim_count(struct view v, size_t *ret, struct err *err);

struct claim_order {
	const struct outpoint
		*vtxos; /* n of them; none: all that can be claimed and are in no claim yet, CLAIM_INPUTS_MAX at once */
	size_t n;
	struct bytes script; /* where it goes; empty: to the wallet */
	struct feerate rate;
	struct feerate incremental;
	bool replace; /* the open claim that all of these are in; what it claims beside can be claimed again */
	struct keyring *keys;
};
/* Where an address leads.  ERR_ADDRESS, ERR_NETWORK. */
MUST_CHECK int claim_destination(struct arena *a, enum network network, const char *address, struct bytes *ret,
				 struct err *err);
/* In the caller's unit; kick exits when it is durable.  ERR_WALLET_LOCKED; ERR_NOT_FOUND: nothing can be claimed, or there is no such
 * exit; ERR_ILLEGAL_STATE: one cannot be claimed yet, says from when; ERR_CONFLICT: it is being claimed (replace=true); ERR_RANGE:
 * too many; ERR_FEE. */
MUST_CHECK int exit_claim(struct unit *u, struct arena *a, const struct claim_order *o, int64_t now_ms,
			  struct exit_claim_row *ret, struct err *err);
/* The same for another wallet, as a PSBT (claim_psbt.h): it is signed, and not sent.  The exits can be claimed otherwise as
 * long as nobody has sent it.  replace is not for this. */
MUST_CHECK int exit_claim_psbt(struct unit *u, struct arena *a, const struct claim_order *o, int64_t now_ms,
			       struct exit_claim_row *ret, const char **ret_psbt, struct err *err);

/* The preimage of the hash that this VTXO was paid to: from now on its exit can be claimed.  ERR_NOT_FOUND; ERR_ILLEGAL_STATE: it
 * needs none; ERR_PARAM, field preimage: it is that of something else. */
MUST_CHECK int exit_add_preimage(struct unit *u, struct arena *a, const struct outpoint *vtxo,
				 const uint8_t preimage[PREIMAGE_SIZE], struct err *err);

#endif
