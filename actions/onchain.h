/* actions/onchain.h - paying from the on-chain wallet: at which rate, with which coins, and signed by its keys.  Implements
 * spec/exit.md 7.4 and 7.8 to 7.11 over rails/bitcoin, which knows no wallet, and the store, which knows no protocol.
 *
 * A draft is made once, in the unit that locks its coins and stores it: choosing coins draws random numbers. */
#ifndef ACTIONS_ONCHAIN_H
#define ACTIONS_ONCHAIN_H

#include "actions/action.h"
#include "chain/source.h"
#include "rails/bitcoin/txbuild.h"
#include "store/utxo_store.h"

/* --- rates --- */

/* sat/vB as text ("2.5"), within what is relayed and what the operator allows.  ERR_FEE, field feerate. */
MUST_CHECK int onchain_feerate_parse(struct chain_source *chain, const struct onchain_policy *policy, const char *text,
				     struct feerate *ret, struct err *err);
/* What the nodes last said for a tier.  ERR_PEER_DOWN: nothing yet; ERR_FEE: more than the operator allows. */
MUST_CHECK int onchain_tier_rate(struct chain_source *chain, const struct onchain_policy *policy, enum fee_tier tier,
				 struct feerate *ret, struct err *err);
/* "fast", "regular", "slow". */
extern const char *const onchain_tiers[FEE_TIERS + 1];
/* The parameters feerate and target of a kind: one of them, or the tier regular. */
MUST_CHECK int onchain_rate_param(const struct step *s, const json_t *params, struct feerate *ret, struct err *err);
#define ONCHAIN_RATE_PARAMS                                                                                            \
	{ .name = "feerate",                                                                                           \
	  .type = PARAM_STRING,                                                                                        \
	  .max = 20,                                                                                                   \
	  .fallback = "by target",                                                                                     \
	  .help = "What to pay, in sat/vB: \"2.5\"." },                                                                \
	{                                                                                                              \
		.name = "target", .type = PARAM_ENUM, .choices = "fast|regular|slow", .fallback = "regular",           \
		.help = "Or how soon a block should have it: the nodes' estimate for 1, 3 or 6 blocks."                \
	}
/* What a replacement adds for its own relay, by the strictest node. */
struct feerate onchain_incremental(const struct chain_source *chain);

/* --- drafts --- */

struct onchain_order {
	const struct tx_out *payments; /* a sweep has one, whose value does not matter */
	size_t n_payments;
	bool listed;       /* they were given as a list: errors about amounts are about that */
	bool sweep;        /* everything, or with `only` all of that */
	bool subtract_fee; /* the receivers pay the fee */
	struct feerate rate;
	struct bytes change_script;  /* not for a sweep */
	const struct outpoint *only; /* n_only > 0: spend these, all of them, and no others */
	size_t n_only;
	const struct utxo_row *must; /* are spent, whatever their state is: what a replaced transaction spends */
	size_t n_must;
	bool closed;                     /* and nothing else is */
	const struct replaced *replaces; /* or NULL; then the other coins are confirmed ones */
};

struct onchain_draft {
	struct tx tx;                 /* with witnesses once it is signed */
	const struct utxo_row *coins; /* what its inputs spend, in their order */
	const struct tx_out *spent;   /* the same, for signing */
	bool *is_change;              /* of each output */
	struct sat fee, change, spent_sum;
	struct weight weight; /* as signed */
};

/* From spendable coins: of those that a block has, or if they are not enough, of all.  All of the draft is in s->arena.
 * ERR_FUNDS says how much is missing, and what is pending and locked; ERR_DUST, ERR_RANGE, ERR_FEE; ERR_NOT_FOUND: one of
 * `only` cannot be spent. */
MUST_CHECK int onchain_draft(struct step *s, const struct onchain_order *o, struct onchain_draft *ret, struct err *err);
/* Its coins' outpoints, in s->arena. */
struct outpoint *onchain_inputs(struct step *s, const struct onchain_draft *d);
/* Puts witnesses in.  Deterministic.  ERR_WALLET_LOCKED; ERR_INTERNAL: it would not pay as planned. */
MUST_CHECK int onchain_sign(struct step *s, struct onchain_draft *d, struct err *err);
/* Whose change goes where: the lowest script that nobody knows becomes the action's. */
MUST_CHECK int onchain_change_script(struct step *s, struct bytes *ret, struct err *err);
/* Stored as ours, in place STORED. */
MUST_CHECK int onchain_store(struct step *s, const struct tx *tx, const char *kind, const char *label, struct err *err);

/* What it would do, for a plan: inputs, outputs, fee_sat, feerate, vsize, change_sat. */
void onchain_draft_show(const struct step *s, const struct onchain_draft *d, json_t *to);
/* A rate, as amounts of sat/vB are shown: "2.5". */
void onchain_set_rate(json_t *obj, const char *name, struct feerate rate);
/* A txid; an outpoint as "txid:vout"; a script as its address (or null) and in hex. */
void onchain_set_txid(json_t *obj, const char *name, const struct txid *txid);
void onchain_set_outpoint(json_t *obj, const char *name, const struct outpoint *at);
void onchain_set_script(struct arena *a, json_t *obj, enum network net, struct bytes script);

#endif
