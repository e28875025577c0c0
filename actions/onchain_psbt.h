/* actions/onchain_psbt.h - PSBTs as this wallet makes, reads and signs them: rails/bitcoin/psbt.h, with what only the wallet
 * knows (which coins and scripts are ours).
 *
 * Texts are base64.  Nothing that a PSBT says of our own coins is believed: the store knows them better. */
#ifndef ACTIONS_ONCHAIN_PSBT_H
#define ACTIONS_ONCHAIN_PSBT_H

#include "actions/onchain.h"

#define ONCHAIN_PSBT_TEXT_MAX (700 * 1024)

/* With all that a signer needs to know.  In s->arena. */
MUST_CHECK int onchain_psbt_of_draft(struct step *s, const struct onchain_draft *d, const char **ret, struct err *err);
/* `theirs` with what `ours` has, finished and extracted.  ERR_PSBT; ERR_PSBT_CHANGED: it is not the transaction that was
 * handed out; ERR_PSBT_UNSIGNED: signatures are missing. */
MUST_CHECK int onchain_psbt_finish(struct step *s, const char *ours, const char *theirs, const struct txid *txid,
				   struct tx *ret, struct err *err);

/* What the methods need.  Everything lives in the arena. */
struct onchain_psbt_wallet {
	struct view view;
	enum network network;
	struct keyring *keys; /* for signing alone */
};
/* What it says, and what of it is ours: an object. */
MUST_CHECK int onchain_psbt_show(struct arena *a, const struct onchain_psbt_wallet *w, const char *text, json_t **ret,
				 struct err *err);
struct onchain_psbt_signed {
	const char *text;
	size_t n_signed, n_open; /* by us, and inputs that are not signed by anybody */
	struct txid txid;
	struct action_id holder; /* who holds the coins, and waits for this transaction; or empty */
	uint64_t spend_sat;      /* what leaves the wallet by it */
};
/* Signs each input that spends a coin of ours.  ERR_PSBT_FOREIGN: there is none; ERR_PSBT: it lies about one;
 * ERR_ILLEGAL_STATE: a coin is spent, or held for another transaction. */
MUST_CHECK int onchain_psbt_sign(struct arena *a, const struct onchain_psbt_wallet *w, const char *text,
				 struct onchain_psbt_signed *ret, struct err *err);
/* n > 0.  ERR_PSBT: they are not of one transaction. */
MUST_CHECK int onchain_psbt_combine(struct arena *a, const char *const *texts, size_t n, const char **ret,
				    struct err *err);
struct onchain_psbt_final {
	const char *text;
	size_t n_open;   /* inputs that are not final */
	const char *hex; /* the transaction, when none is; else NULL */
	struct txid txid;
};
MUST_CHECK int onchain_psbt_finalise(struct arena *a, const char *text, struct onchain_psbt_final *ret,
				     struct err *err);
/* Which action holds the coins that it spends.  ERR_ILLEGAL_STATE: its transaction is signed and known already;
 * ERR_PSBT_FOREIGN: none. */
MUST_CHECK int onchain_psbt_holder(struct arena *a, struct view v, const char *text, struct action_id *ret,
				   struct err *err);

#endif
