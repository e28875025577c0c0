/* rails/bitcoin/coinselect.h - which coins to spend: spec/exit.md §7.9.
 *
 * A coin is worth its value less the fee for spending it (its effective value); one worth nothing is never chosen.  First a
 * bounded search for coins that need no change (branch and bound); beside it random draws, the smallest coin that is enough,
 * and, if nothing else fits, the largest ones.  The least waste wins: what is paid today for spending now rather than later,
 * and for change or the lack of it.  Randomness comes from base/rng.h.  Time is bounded by the number of coins (sorting
 * them), never by amounts. */
#ifndef RAILS_BITCOIN_COINSELECT_H
#define RAILS_BITCOIN_COINSELECT_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/err.h"

#define COINSELECT_COINS_MAX 1000000u
#define COINSELECT_CHANGE_AIM                                                                                          \
	1000u /* sat by which a random draw aims above the least change, so that change is of use */

struct coin {
	struct sat value;
	struct weight weight; /* of the input that will spend it, with its witness */
};

struct coin_target {
	struct sat amount;           /* what the outputs are worth together */
	struct sat preset;           /* what inputs are worth that are there whatever is chosen */
	size_t n_preset;             /* and how many they are */
	struct weight fixed;         /* of all but the coins chosen and the change: with outputs and preset inputs */
	struct feerate rate;         /* today's */
	struct feerate long_term;    /* what spending a coin is thought to cost another day */
	struct weight change_output; /* what an output of change adds */
	struct weight change_spend;  /* what spending it will add to another transaction */
	struct sat change_min;       /* less is left to the fee */
	struct weight max_weight;    /* of the whole transaction */
	bool fee_from_amount;        /* the receivers pay the fee: coins need to be worth the amount alone */
};

enum coin_method { COIN_PRESET = 1, COIN_EXACT, COIN_SINGLE, COIN_DRAW, COIN_LARGEST };

/* preset + sum == amount + fee + change, or with fee_from_amount == what the receivers get + fee + change. */
struct coin_choice {
	size_t *index; /* into the coins given, ascending */
	size_t n;
	struct sat sum;    /* of the coins chosen */
	struct sat fee;    /* at least what the rate asks for; more when what is left is too little for change */
	struct sat change; /* 0: there is no change output */
	int64_t waste;     /* in thousandths of a satoshi */
	enum coin_method method;
};

/* ERR_FUNDS says how much is missing; ERR_RANGE: coins enough, but too many for max_weight; or amounts beyond money. */
MUST_CHECK int coinselect(struct arena *a, const struct coin *coins, size_t n, const struct coin_target *t,
			  struct coin_choice *ret, struct err *err);

#endif
