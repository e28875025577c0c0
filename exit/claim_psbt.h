/* exit/claim_psbt.h - claims on their way between this wallet and another.  Implements spec/exit.md 4.4 and.
 *
 * An input that spends the output of an exit has the whole VTXO beside it, in the proprietary field of bark's (prefix "bark",
 * subtype 1): by that it is known, and nothing that the PSBT says of it is believed. */
#ifndef EXIT_CLAIM_PSBT_H
#define EXIT_CLAIM_PSBT_H

#include "exit/claim.h"

/* A signed claim of these inputs, in base64: final witnesses, what is spent, and the VTXOs. */
MUST_CHECK int claim_psbt_of(struct view v, struct arena *a, const struct claim_input *in, const struct tx *tx,
			     const char **ret, struct err *err);
/* It was signed: when the chain has it, it is the wallet's own doing.  fee: all of it that these inputs pay. */
MUST_CHECK int claim_psbt_keep(struct unit *u, const struct claim_input *in, size_t n, const struct txid *txid,
			       struct sat fee, int64_t now_ms, struct err *err);

struct claim_signed {
	const char *psbt; /* in base64 */
	struct txid txid;
	size_t n_signed, n_open; /* by us now, and inputs that are not final */
	struct sat amount;       /* of what we signed for */
	struct sat back;         /* what its outputs pay to the on-chain wallet */
};
/* Signs the inputs of a transaction that somebody else made which carry VTXOs, in the caller's unit.  ERR_WALLET_LOCKED; field
 * psbt: ERR_PSBT (it is none, or lies about an input), ERR_PSBT_FOREIGN (no input carries a VTXO, or one that is no exit of
 * this wallet), ERR_ILLEGAL_STATE (one cannot be claimed yet, or not by this transaction: version, sequence, locktime),
 * ERR_CONFLICT (it is being claimed), ERR_UNSUPPORTED (its name could still change). */
MUST_CHECK int claim_psbt_sign(struct unit *u, struct arena *a, const char *text, struct keyring *keys, int64_t now_ms,
			       struct claim_signed *ret, struct err *err);

#endif
