/* exit/cpfp.h - children of exit transactions that somebody else makes and signs, for this wallet to send.  Implements the
 * external signer of spec/exit.md 3.7 and 8.2.
 *
 * A wallet with coins makes children itself (pay.h); these here are for one that has none, or whose coins are elsewhere.  What
 * is given is the one that counts from then on: it is sent, and sent again, like one of ours; it is replaced by one of ours
 * only when it pays too little, and there are coins for that.  Coins of this wallet's that it spends are held for it, and what
 * they pay is a fee of the exit, as with a child of ours. */
#ifndef EXIT_CPFP_H
#define EXIT_CPFP_H

#include "exit/exit.h"
#include "rails/bitcoin/policy.h"
#include "store/exit_tx_store.h"

#define CPFP_REQUESTS_MAX    1000u
#define CPFP_CHILD_BYTES_MAX TRUC_CHILD_WEIGHT_MAX /* of a child: a byte weighs one at least */

/* Each exit transaction whose turn it is: exit_txid, exit_tx, exit_vsize, anchor, vtxo_ids; feerate (for both together), fee_sat (of
 * a child with one taproot coin and output); child: null, or who pays now, and what has to be outbid.  At most
 * CPFP_REQUESTS_MAX, each once. */
MUST_CHECK int exit_cpfp_requests(struct exits *x, struct arena *a, json_t **ret, struct err *err);

/* In the caller's unit; kick exits when it is durable.  raw: with its witnesses.  The same again is fine.  ERR_NOT_FOUND, field
 * exit_txid; ERR_ILLEGAL_STATE: nobody waits for it, or a block has it; field child: ERR_PARSE, and ERR_PARAM (it spends not
 * its anchor, is not of version 3, too large, not signed, or spends a coin of ours that no block has), ERR_ILLEGAL_STATE (it
 * spends one that something else holds or has spent). */
MUST_CHECK int exit_cpfp_provide(struct unit *u, struct arena *a, const struct txid *exit_txid, struct bytes raw,
				 int64_t now_ms, struct exit_child_row *ret, struct err *err);

#endif
