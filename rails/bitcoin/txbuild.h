/* rails/bitcoin/txbuild.h - from coins, payments and a feerate to an unsigned transaction with its exact fee.
 *
 * Coins are chosen by coinselect.h.  Inputs and outputs stand in random order; nLockTime is the tip, so that a miner gains
 * nothing by mining an old block again for our fee (one in ten goes back by up to 99 blocks, as other wallets do); all inputs
 * say that the transaction may be replaced (BIP125).  Randomness comes from base/rng.h, so a draft is made once and stored,
 * never made again from a checkpoint. */
#ifndef RAILS_BITCOIN_TXBUILD_H
#define RAILS_BITCOIN_TXBUILD_H

#include "rails/bitcoin/tx.h"

#define TXBUILD_SNIPING_BACK 99            /* blocks */
#define TXBUILD_ARENA        (1024 * 1024) /* a draft needs no more of the arena */

/* A coin that may be spent. */
struct spendable {
	struct outpoint at;
	struct tx_out out;
	struct weight weight; /* of the input that spends it, signed: weigh_input() */
	bool must;            /* it is spent whatever else is: an anchor, or what a replaced transaction spent */
};

/* What a replacement must outbid: spec/exit.md §7.12, BIP125 rules 3, 4 and 6. */
struct replaced {
	struct sat fee;             /* of it and of all that descends from it in the mempool: rule 3 */
	struct sat own_fee;         /* of it alone, and */
	uint64_t own_vsize;         /* its size: the new feerate must be higher */
	struct feerate incremental; /* what a replacement pays for its own relay, on top: rule 4 */
};

struct tx_plan {
	const struct spendable *coins;
	size_t n_coins;
	const struct tx_out *payments; /* in any number, none for tx_draft_sweep() */
	size_t n_payments;
	struct bytes change_script; /* where change, or all, goes */
	struct feerate rate;
	struct feerate long_term;        /* what spending a coin is thought to cost another day */
	uint32_t version;                /* 2, or TRUC_VERSION */
	uint32_t tip_height;             /* for nLockTime; 0: no lock */
	struct weight max_weight;        /* POLICY_WEIGHT_MAX, TRUC_WEIGHT_MAX or TRUC_CHILD_WEIGHT_MAX */
	bool subtract_fee;               /* the receivers pay the fee, each the same share */
	const struct replaced *replaces; /* NULL: nothing */
};

/* All of it in the arena; scripts are borrowed from the plan.  A sweep's one output counts as change. */
struct tx_draft {
	struct tx tx;               /* without signatures */
	const struct tx_out *spent; /* for each input, what it spends: for the sighash */
	size_t *coin;               /* for each input, its place in the plan's coins */
	size_t *payment;            /* for each output, its place in the plan's payments, or n_payments for change */
	struct sat fee;             /* inputs less outputs, exactly */
	struct weight weight;       /* once it is signed */
	struct sat change;          /* 0: none */
};

/* Pays.  ERR_FUNDS: how much is missing; ERR_DUST: a payment, or what subtracting the fee leaves of it, is too little to be
 * relayed; ERR_RANGE: too heavy, or beyond all money; ERR_FEE: no feerate of ours can outbid what it replaces; ERR_PARAM:
 * nothing to pay. */
MUST_CHECK int tx_draft_pay(struct arena *a, const struct tx_plan *plan, struct tx_draft *ret, struct err *err);
/* Sends all coins of the plan, except those not worth their fee, to change_script: one output.  ERR_FUNDS, ERR_DUST,
 * ERR_RANGE, ERR_FEE. */
MUST_CHECK int tx_draft_sweep(struct arena *a, const struct tx_plan *plan, struct tx_draft *ret, struct err *err);

/* Does a transaction of this fee and size outbid it? */
bool replaced_is_outbid(const struct replaced *r, struct sat fee, uint64_t vsize);

#endif
