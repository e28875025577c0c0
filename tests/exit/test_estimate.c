/* What exits cost, against the figures of spec/exit.md 5, which are the reference's. */
#include "exit/estimate.h"

#include <string.h>

#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define COINS 8
#define TXS   5

static struct estimate_order order_of(const struct estimate_tx *txs, size_t n, uint64_t rate, const struct sat *coins,
				      size_t n_coins)
{
	return (struct estimate_order){
		.txs = txs, .n = n, .rate = { rate }, .limit = { 125000 }, .coins = coins, .n_coins = n_coins
	};
}

/* At 5 sat/vB: 496 + 609 weight units are 1382 sat. */
static const struct {
	const char *name;
	uint64_t weights[TXS]; /* ends with 0 */
	uint64_t anchor;
	uint64_t coins[COINS]; /* the largest first; ends with 0 */
	uint64_t fee, needed;
	bool fundable;
	uint64_t short_of;
} walks[] = {
	{ "a board", { 496 }, 0, { 100000 }, 1382, 1712, true, 0 },
	{ "a chain of five", { 496, 496, 496, 496, 496 }, 0, { 100000 }, 6910, 7240, true, 0 },
	{ "an arkoor exit, one of three with two more siblings", { 496, 840, 496 }, 0, { 50000 }, 4576, 4906, true, 0 },
	{ "exactly enough", { 496 }, 0, { 1712 }, 1382, 1712, true, 0 },
	{ "a satoshi less", { 496 }, 0, { 1711 }, 1382, 1712, false, 1 },
	{ "no coin at all", { 496, 496 }, 0, { 0 }, 2764, 3094, false, 3094 },
	{ "enough for one of two", { 496, 496 }, 0, { 1800 }, 2764, 3094, false, 1294 },
	{ "a coin for each", { 496, 496 }, 0, { 1800, 1712 }, 2764, 3094, true, 0 },
	/* 839 for a child of two coins: 1669 */
	{ "two coins for one", { 496 }, 0, { 1100, 1000 }, 1669, 1712, true, 0 },
	{ "dust that helps nobody", { 496 }, 0, { 300, 299, 298, 297, 296, 295, 294 }, 1382, 1712, false, 1712 },
	{ "an anchor that pays for itself", { 496 }, 10000, { 0 }, 1090, 330, true, 0 },
	{ "nothing to pay for", { 0 }, 0, { 0 }, 0, 330, true, 0 },
};

START_TEST(walk_table)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1 << 20);
	struct estimate_tx txs[TXS];
	struct sat coins[COINS];
	struct estimate_order o;
	struct estimate e;
	struct err err;
	size_t n = 0, k = 0;

	for (; n < TXS && walks[_i].weights[n]; n++)
		txs[n] = (struct estimate_tx){ { walks[_i].weights[n] }, { walks[_i].anchor } };
	for (; k < COINS && walks[_i].coins[k]; k++)
		coins[k].v = walks[_i].coins[k];
	o = order_of(txs, n, 1250, coins, k);
	ck_assert_msg(estimate_walk(&a, &o, &e, &err) == 0, "%s", err.msg);
	ck_assert_msg(e.fee.v == walks[_i].fee, "%s: fee %lu", walks[_i].name, (unsigned long)e.fee.v);
	ck_assert_msg(e.needed.v == walks[_i].needed, "%s: needed %lu", walks[_i].name, (unsigned long)e.needed.v);
	ck_assert_msg(e.fundable == walks[_i].fundable, "%s", walks[_i].name);
	ck_assert_msg(e.short_of.v == walks[_i].short_of, "%s: short of %lu", walks[_i].name,
		      (unsigned long)e.short_of.v);
}
END_TEST

START_TEST(more_than_all_money)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1 << 20);
	struct estimate_tx heavy = { { 4000000000u }, { 0 } };
	struct estimate_order o = order_of(&heavy, 1, FEERATE_MAX, NULL, 0);
	struct estimate e;
	struct err err;

	ck_assert_int_eq(estimate_walk(&a, &o, &e, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
}
END_TEST

/* --- the claim --- */

static struct pubkey key_of(uint8_t n)
{
	struct secret s = { { 0 } };
	struct pubkey ret;

	s.b[31] = n;
	ck_assert(secp_seckey_pubkey(&s, &ret));
	return ret;
}

static const struct {
	uint16_t delta;
	size_t n;
	uint64_t weight, fee;
} claims[] = {
	{ 12, 1, 516, 645 },
	{ 12, 3, 1120, 1400 },
	{ 17, 1, 517, 647 },
	{ 144, 1, 518, 648 },
};

START_TEST(claim_table)
{
	static const uint8_t p2tr[34] = { OP_1, 32 };
	struct pubkey user = key_of(7), stranger = key_of(9);
	struct ark_terms terms = { .server = key_of(8), .expiry_height = 500, .exit_delta = claims[_i].delta };
	struct ark_policy policy = ark_policy_pubkey(&user);
	struct claim_weight c = { { 0 }, 0 };
	struct ark_taproot tap;
	struct weight w;
	struct sat fee;
	struct err err;

	ck_assert_msg(ark_policy_taproot(&policy, &terms, &tap, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < claims[_i].n; i++)
		ck_assert(claim_weight_add(&c, &tap, &user));
	ck_assert(!claim_weight_add(&c, &tap, &stranger));
	w = claim_weight_of(&c, (struct bytes){ p2tr, sizeof(p2tr) });
	ck_assert_uint_eq(w.v, claims[_i].weight);
	ck_assert(fee_for_weight_ceil((struct feerate){ 1250 }, w, &fee));
	ck_assert_uint_eq(fee.v, claims[_i].fee);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/estimate");
	TCase *c = rails_case(s, "estimate");

	tcase_add_loop_test(c, walk_table, 0, ARRAY_LEN(walks));
	tcase_add_test(c, more_than_all_money);
	tcase_add_loop_test(c, claim_table, 0, ARRAY_LEN(claims));
	return suite_run(s);
}
