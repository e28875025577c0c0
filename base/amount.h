/* base/amount.h - amounts as types that cannot mix.
 *
 * `.v` is touched only here, in codecs and in SQL binders (make lint holds that line).  Arithmetic answers false on
 * overflow or underflow and leaves *ret untouched.  Every amount fits a signed 64-bit integer, so that SQLite and JSON
 * integers hold it exactly. */
#ifndef BASE_AMOUNT_H
#define BASE_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/scope.h"

#define AMOUNT_MAX ((uint64_t)INT64_MAX)

struct sat {
	uint64_t v;
};

struct msat {
	uint64_t v;
};

MUST_CHECK bool msat_from_u64(uint64_t v, struct msat *ret);
uint64_t msat_value(struct msat a);
MUST_CHECK bool sat_from_u64(uint64_t v, struct sat *ret);
MUST_CHECK bool sat_add(struct sat a, struct sat b, struct sat *ret);
MUST_CHECK bool sat_sub(struct sat a, struct sat b, struct sat *ret);
/* Split by amounts: what of the whole falls to `own`, which comes after `before` in a row of `total`.  The parts of a row add up
 * to the whole, and none is more than its own where the whole is no more than the total.  false: these are in no row. */
MUST_CHECK bool sat_part(struct sat whole, struct sat before, struct sat own, struct sat total, struct sat *ret);
int sat_cmp(struct sat a, struct sat b);
uint64_t sat_value(struct sat a); /* for a reply, a log field or a message */
/* All the bitcoin there will ever be.  What claims to be more is a lie, and sums of this many outputs cannot wrap. */
#define SAT_MONEY_MAX UINT64_C(2100000000000000)
bool sat_is_money(struct sat a);
/* Bitcoin in decimals, "0.00012345": digits, and at most 8 after the point.  No sign, no exponent. */
MUST_CHECK bool sat_from_btc_text(const char *text, struct sat *ret);

/* Weight units as in BIP141: four for a byte that is no witness, one for a byte that is. */
struct weight {
	uint64_t v;
};
struct weight weight_add(struct weight a, struct weight b); /* weights are of things in memory: no sum of them wraps */
uint64_t weight_value(struct weight a);                     /* for a checkpoint */
uint64_t weight_vsize(struct weight a);                     /* virtual bytes: a quarter, rounded up */

/* Satoshi per 1000 weight units.  1 sat/vB is 250, so every rate in whole sat/vB is exact and sat/kvB is not. */
struct feerate {
	uint64_t v;
};
#define FEERATE_MAX UINT64_C(1000000000) /* 4,000,000 sat/vB: no more than a sum that cannot wrap; policy caps below */
MUST_CHECK bool feerate_from_sat_per_kwu(uint64_t v, struct feerate *ret);
MUST_CHECK bool feerate_from_sat_per_kvb_ceil(uint64_t v, struct feerate *ret);
/* Decimals as Esplora and people write them, "1.01"; of what is finer than a rate can be, rounded up. */
MUST_CHECK bool feerate_from_sat_per_vb_text_ceil(const char *text, struct feerate *ret);
/* Decimals as bitcoind writes them, "0.00001000". */
MUST_CHECK bool feerate_from_btc_per_kvb_text_ceil(const char *text, struct feerate *ret);
int feerate_cmp(struct feerate a, struct feerate b);
struct feerate feerate_max(struct feerate a, struct feerate b);
uint64_t feerate_sat_per_kwu(struct feerate a);
uint64_t feerate_sat_per_vb_ceil(struct feerate a);
#define FEERATE_TEXT_MAX 24
void feerate_text(struct feerate a, char ret[FEERATE_TEXT_MAX]); /* in sat/vB, exact: "1", "0.1", "2.004" */

/* What so much costs at this rate. */
MUST_CHECK bool fee_for_weight_ceil(struct feerate rate, struct weight w, struct sat *ret);
MUST_CHECK bool fee_for_vsize_ceil(struct feerate rate, uint64_t vsize, struct sat *ret);
/* The rate that this fee is for this weight; false for none. */
MUST_CHECK bool feerate_of_ceil(struct sat fee, struct weight w, struct feerate *ret);

/* Ether in its smallest unit, up to 2^128 - 1: more than there will ever be. */
struct wei {
	uint64_t hi, lo;
};
#define WEI_TEXT_MAX 40 /* 39 digits and a NUL */
struct wei wei_from_u64(uint64_t v);
MUST_CHECK bool wei_from_be(const uint8_t v[32], struct wei *ret); /* a 256-bit word */
MUST_CHECK bool wei_add(struct wei a, struct wei b, struct wei *ret);
MUST_CHECK bool wei_sub(struct wei a, struct wei b, struct wei *ret);
int wei_cmp(struct wei a, struct wei b);
uint64_t wei_to_gwei_ceil(struct wei a);             /* UINT64_MAX when it is more */
void wei_text(struct wei a, char ret[WEI_TEXT_MAX]); /* decimal: JSON has no integers of this size */

/* Wei per unit of gas.  Fits an SQLite integer with room to double: at most 2^62. */
struct gas_price {
	uint64_t v;
};
#define GAS_PRICE_MAX (UINT64_C(1) << 62)
MUST_CHECK bool gas_price_from_u64(uint64_t v, struct gas_price *ret);
MUST_CHECK bool gas_price_add(struct gas_price a, struct gas_price b, struct gas_price *ret);
/* a * num / den, rounded up; den > 0. */
MUST_CHECK bool gas_price_scale_ceil(struct gas_price a, uint32_t num, uint32_t den, struct gas_price *ret);
int gas_price_cmp(struct gas_price a, struct gas_price b);
struct gas_price gas_price_min(struct gas_price a, struct gas_price b);
struct gas_price gas_price_max(struct gas_price a, struct gas_price b);
uint64_t gas_price_value(struct gas_price a); /* for a reply, a log field or a message */
/* What so much gas costs. */
struct wei gas_cost(struct gas_price price, uint64_t gas);

/* A Cashu currency unit ("sat", "usd"): 1 to 15 characters of a-z, 0-9, '-' and '_'. */
struct currency {
	char s[16];
};
MUST_CHECK bool currency_parse(const char *text, struct currency *ret);
bool currency_equal(struct currency a, struct currency b);

/* An amount of ecash in its unit's minor unit.  Adding two units fails. */
struct ecash {
	uint64_t v;
	struct currency unit;
};
MUST_CHECK bool ecash_make(uint64_t v, struct currency unit, struct ecash *ret);
struct ecash ecash_zero(struct currency unit);
MUST_CHECK bool ecash_add(struct ecash a, struct ecash b, struct ecash *ret);
MUST_CHECK bool ecash_sub(struct ecash a, struct ecash b, struct ecash *ret);
/* < 0, 0, > 0.  Comparing two units is a bug and aborts. */
int ecash_cmp(struct ecash a, struct ecash b);
bool ecash_is_zero(struct ecash a);
/* The value for a reply, a log field or a message. */
uint64_t ecash_value(struct ecash a);

#endif
