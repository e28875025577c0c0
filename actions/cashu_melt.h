/* actions/cashu_melt.h - paying a Lightning invoice with ecash, in two halves: cashu_melt.c begins the payment (quote,
 * proofs, request), cashu_melt_end.c finds out what became of it.  NUT-05, NUT-08, spec/cashu.md 4.10.  For these two files.
 *
 *   syncing → quote → proofs_reserved → melt_requested ──paid──→ [restoring →] done
 *      ↑ rebuilt              ↑ again          │ no answer, or any other
 *      └──────────────────────┼────────────────┤
 *                             │                ↓
 *                             │         payment_pending ──paid──→ [checking →] [restoring →] done
 *                             │                │ unpaid
 *                             │                ↓
 *                             └─not spent── checking ──not spent, nothing under way──→ failed, proofs free
 *                                              │ given up, but a copy of the request may still be under way
 *                                              ↓
 *                                        undo_… (a swap of the same proofs) → failed or cancelled, proofs free
 *                                              └── the payment was quicker → payment_pending
 *
 * The release rule: proofs are free only when the mint says that the quote is unpaid, and that none of them is spent or
 * pending, and no copy of the request can arrive any more: each was answered, or a swap has spent the proofs. */
#ifndef ACTIONS_CASHU_MELT_H
#define ACTIONS_CASHU_MELT_H

#include "actions/cashu_exchange.h"
#include "rails/cashu/melt.h"

enum melt_state { /* stored: append, never renumber */
		  MELT_SYNCING = 1,
		  MELT_QUOTE = 2,
		  MELT_PROOFS_RESERVED = 3,
		  MELT_REQUESTED = 4,
		  MELT_PAYMENT_PENDING = 5,
		  MELT_CHECKING = 6,
		  MELT_RESTORING = 7,
		  MELT_UNDO_SYNCING = 8,
		  MELT_UNDO_DRAWING = 9,
		  MELT_UNDO_REQUESTED = 10,
		  MELT_UNDO_CHECKING = 11,
		  MELT_UNDO_RESTORING = 12
};

struct melt {
	struct cashu_place at;
	const char *invoice; /* in small letters, without "lightning:" */
	const char *hash;    /* the payment hash in hex */
	uint64_t msat;       /* what the payee gets */
	bool amountless;     /* by the user's word, not the invoice's */
	uint64_t max_fee;    /* the user's ceiling, in the unit; NO_CEILING: the usual one */
	const char *quote;   /* NULL before there is one */
	uint64_t amount, fee_reserve;
	int64_t expiry_s;
	uint64_t inputs, input_fee; /* of the proofs held */
	struct output_batch blanks; /* for the change */

	uint32_t sends;    /* POSTs begun */
	uint32_t unknown;  /* of them, those whose end nobody knows */
	bool again;        /* send the same once more, though there are such */
	bool doubt;        /* there are: ask about the quote before anything else */
	uint32_t refusals; /* answers that are no, in a row, while there are such */
	uint32_t rebuilds;
	uint32_t odd;      /* in a row: proofs spent, quote unpaid */
	int last_code;     /* of the last no, or 0 */
	bool elsewhere;    /* paid, after our request was refused: did our proofs pay? */
	bool cancelling;   /* the user wants it undone */
	const char *why;   /* kind of the error with which an undo ends */
	const char *words; /* … and its message */
	int64_t requested_at_ms;
	enum quote_state seen; /* the mint's last word on the quote */
	const char *preimage;  /* once paid */
	int64_t change_at_ms;  /* when the mint was seen to sign change last, or was first asked for it; 0: never */
	uint32_t n_signed;     /* blanks that it had signed at the last look */
	struct exchange undo;
};
#define MELT_NO_CEILING UINT64_MAX

/* What is asked of the mint, from the checkpoint.  ERR_INTERNAL. */
MUST_CHECK int melt_asked_of(const struct melt *m, struct melt_asked *ret, struct err *err);
struct ecash melt_ecash(const struct melt *m, uint64_t v); /* v was checked before it came into the checkpoint */

/* The answer to the request, and the states after it. */
struct outcome melt_requested_reply(struct step *s, const struct net_reply *rep, struct err *err);
MUST_CHECK int melt_pending_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome melt_pending_reply(struct step *s, const struct net_reply *rep, struct err *err);
MUST_CHECK int melt_checking_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome melt_checking_reply(struct step *s, const struct net_reply *rep, struct err *err);
MUST_CHECK int melt_restoring_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome melt_restoring_reply(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome melt_undo_drawing_reply(struct step *s, const struct net_reply *rep, struct err *err);
/* Giving up: at once where no copy of the request can arrive any more, else by spending the proofs. */
struct outcome melt_give_up(struct step *s, const struct err *why, struct err *err);

/* actions/cashu_melt_undo.c: the swap that takes the proofs back, as the kind's family. */
extern const struct exchange_use melt_undo;

#endif
