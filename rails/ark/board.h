/* rails/ark/board.h - money from the chain into Ark: a funding output that user and server own together, and the exit of it
 * that both sign before it is funded.  Implements spec/ark-primitives.md §6.
 *
 * The order that keeps the money safe: board_funding_spk(); build, do not broadcast, the funding transaction; board_make() with
 * its outpoint; a nonce; the server's part; board_finish(); only then broadcast. */
#ifndef RAILS_ARK_BOARD_H
#define RAILS_ARK_BOARD_H

#include "rails/ark/vtxo.h"
#include "rails/bitcoin/musig.h"

struct board_terms {
	struct pubkey user; /* a fresh key */
	struct ark_terms ark;
	struct sat amount; /* of the funding output */
	struct sat fee;    /* the server's; it goes into the exit's fee anchor */
};

/* ERR_RANGE: amount, or what the fee leaves of it, is zero, or the fee is more ("ZeroAmount", "ZeroAmountAfterFee",
 * "FeeHigherThanAmount" of the spec). */
MUST_CHECK int board_check(const struct board_terms *t, struct err *err);
/* Where the funding goes.  ERR_CRYPTO, ERR_RANGE: as in rails/ark/taproot.h. */
MUST_CHECK int board_funding_spk(const struct board_terms *t, struct spk *ret, struct err *err);

struct board {
	struct board_terms terms;
	struct ark_taproot funding;
	struct tx exit;        /* unsigned; arena-owned */
	struct hash32 sighash; /* of its input: what MuSig signs, with funding.tweak */
	struct vtxo vtxo;      /* its one step unsigned; arena-owned */
};
/* utxo: the funding output.  Errors of board_check() and board_funding_spk(). */
MUST_CHECK int board_make(struct arena *a, const struct board_terms *t, const struct outpoint *utxo, struct board *ret,
			  struct err *err);
/* Our nonce for the exit. */
MUST_CHECK int board_nonce(const struct board *b, const struct secret *user, struct musig_nonce **ret,
			   struct musig_pubnonce *ret_public, struct err *err);
/* What the server answered: its nonce and its part of the signature. */
struct board_cosign {
	struct musig_pubnonce nonce;
	struct musig_partial part;
};
/* The signed VTXO, arena-owned.  *nonce is consumed.  ERR_PEER_INVALID: the server's part does not verify; ERR_CRYPTO:
 * the key is not the user's. */
MUST_CHECK int board_finish(struct arena *a, const struct board *b, const struct secret *user,
			    struct musig_nonce **nonce, const struct musig_pubnonce *our_nonce,
			    const struct board_cosign *server, struct vtxo *ret, struct err *err);

/* Is this VTXO a board, funded by this transaction?  Does not look at its signature: rails/ark/validate.h does.
 * ERR_VTXO_ANCHOR_TX, ERR_VTXO_SERVER; ERR_VTXO_INVALID says what else differs. */
MUST_CHECK int board_recognise(const struct vtxo *v, const struct tx *funding, const struct pubkey *server,
			       struct err *err);

#endif
