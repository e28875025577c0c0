/* exit/pay.h - somebody has to pay for an exit transaction: a child is made, signed and stored.  Implements spec/exit.md 3.4 to
 * 3.6, [X-16] to and.
 *
 * Nothing is sent.  In one unit: the coins that the child spends are the exit transaction's (exit_child_holder()), its change is
 * expected, its bytes are stored; so it is sent again after any crash, and no second one is made. */
#ifndef EXIT_PAY_H
#define EXIT_PAY_H

#include "base/network.h"
#include "exit/child.h"
#include "exit/gather.h"
#include "rails/chain/chain.h"
#include "rails/chain/fees.h"

struct keyring;

struct pay_terms {
	enum network network;
	bool single_chain;
	struct keyring *keys; /* or NULL: locked */
	struct feerate max_feerate;
	bool spent_out; /* enough was paid for now: only an exit without blocks to lose makes a child */
	uint32_t bump_after;
	uint32_t margin;
	bool has_fees;
	struct fee_rates fees;
	struct chain_limits limits;
};

struct payment {
	bool made;                   /* else trouble says why not */
	struct sat more;             /* than `old` paid */
	struct exit_child_row child; /* as stored */
	struct exit_trouble trouble; /* may be set beside: what is paid is not what was asked for */
};
/* A child for g->txs[i]: the first one, or with `old` one in its place.  -1: nothing may be written. */
MUST_CHECK int pay_for(struct unit *u, struct arena *a, const struct pay_terms *t, struct gathered *g, size_t i,
		       struct feerate rate, const struct child_replaced *old, int64_t now_ms, struct payment *ret,
		       struct err *err);
/* A child that was given may spend coins of this wallet's.  Then they are held for it, it is kept as a transaction of ours, and
 * what it pays is known (child->fee), if nobody else's coin is among them.  1: it spends some; 0: none; -1, field child:
 * ERR_ILLEGAL_STATE: something else holds one, or has spent it; ERR_PARAM: no block has one yet. */
MUST_CHECK int pay_take_given(struct unit *u, struct arena *a, const struct exit_tx_row *parent,
			      struct exit_child_row *child, const struct tx *tx, int64_t now_ms, struct err *err);
/* Does this wallet pay what the child pays: its maker's coins are all its own?  1, 0, -1. */
MUST_CHECK int pay_is_ours(struct view v, struct arena *a, const struct exit_child_row *child, struct err *err);
/* Rates that no node has confirmed for a day are not paid when they are high (10): whoever wants to says so with a feerate. */
#define PAY_OLD_MS   (24 * 3600 * INT64_C(1000))
#define PAY_OLD_RATE 12500u /* 50 sat/vB */
bool pay_rates_are_usable(const struct fee_rates *rates, int64_t age_ms);
/* At which rate its first child would be; false: nobody knows (ret_trouble). */
MUST_CHECK int pay_rate(struct view v, const struct pay_terms *t, int64_t tx_id, bool *ret_known, struct feerate *ret,
			bool *ret_override, struct err *err);
/* What g->txs[i] puts on chain alone, for no sibling, is not to be spent off chain any more: its server refuses it
 * anyway. */
MUST_CHECK int pay_hold_vtxo(struct unit *u, const struct gathered *g, size_t i, int64_t now_ms, struct err *err);
/* A node that took no child for this transaction said that it pays too little: *rate becomes a quarter more than that paid, at
 * least, but no more than twice itself: what is not enough then is not refused because of fees. */
MUST_CHECK int pay_after_refusal(struct view v, struct arena *a, const struct exit_tx_row *tx, struct feerate *rate,
				 struct err *err);
/* Has the exit no blocks left to lose (1.7)? */
bool pay_deadline_is_near(const struct pay_terms *t, const struct gathered *g);
/* Is the child that pays `fee` now to be replaced?  At *ret, if so. */
MUST_CHECK int pay_bump(struct view v, const struct pay_terms *t, const struct gathered *g, size_t i,
			const struct child_replaced *now, bool ours, uint32_t blocks, bool *ret_wanted,
			struct feerate *ret, struct err *err);

/* This child of ours is dead: it is not sent any more.  Its coins are free, unless another child of ours spends them. */
MUST_CHECK int pay_drop(struct unit *u, struct arena *a, struct exit_child_row *child, enum child_status status,
			const char *refusal, int64_t now_ms, struct err *err);
/* A transaction of ours, a child or a claim, that is not sent any more: out, if it is one of the wallet's and no block has it. */
MUST_CHECK int pay_give_up(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err);
/* What this exit transaction holds is nobody's any more. */
MUST_CHECK int pay_release(struct unit *u, int64_t tx_id, int64_t now_ms, struct err *err);

#endif
