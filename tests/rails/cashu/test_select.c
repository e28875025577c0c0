/* Vectors: tests/vectors/cashu/derived_fees_and_change.json (input_fee). */
#include "rails/cashu/select.h"

#include <string.h>

#include "rails/cashu/keyset.h"
#include "tests/support/mint_crypto.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

START_TEST(fees)
{
	json_t *list = json_object_get(vectors_load("cashu/derived_fees_and_change.json"), "input_fee"), *v, *in;
	size_t i, j;

	ck_assert_uint_ge(json_array_size(list), 11);
	json_array_foreach(list, i, v)
	{
		struct keyset *sets = ARENA_ARRAY(&ra, 4, struct keyset);
		struct proof *proofs = ARENA_ARRAY(&ra, 2000, struct proof);
		struct currency sat;
		struct ecash fee;
		uint64_t ppk = 0;
		size_t n = 0;

		ck_assert(currency_parse("sat", &sat));
		json_array_foreach(json_object_get(v, "inputs"), j, in)
		{
			(void)snprintf(sets[j].id.s, sizeof(sets[j].id.s), "00%014zx", j);
			sets[j].input_fee_ppk = vec_u64(in, "input_fee_ppk");
			ppk += sets[j].input_fee_ppk * vec_u64(in, "count");
			for (uint64_t k = 0; k < vec_u64(in, "count"); k++)
				proofs[n++].keyset = sets[j].id;
		}
		ck_ok(fee_of_proofs(proofs, n, sets, 4, sat, &fee, &rerr));
		ck_assert_uint_eq(ecash_value(fee), vec_u64(v, "fee"));
		ck_assert_uint_eq(fee_of_ppk(ppk), vec_u64(v, "fee"));
	}
}
END_TEST

START_TEST(fees_that_nobody_knows)
{
	struct proof p = { .keyset = { .s = "0011111111111111" } }, two[2] = { p, p };
	struct keyset ks = { .id = p.keyset, .input_fee_ppk = UINT64_MAX / 2 };
	struct currency sat;
	struct ecash fee;

	ck_assert(currency_parse("sat", &sat));
	ck_fails(fee_of_proofs(&p, 1, NULL, 0, sat, &fee, &rerr), ERR_KEYSET_UNKNOWN);
	ck_ok(fee_of_proofs(&p, 1, &ks, 1, sat, &fee, &rerr));
	ck_fails(fee_of_proofs(two, 2, &ks, 1, sat, &fee, &rerr), ERR_RANGE);
	ck_assert_uint_eq(fee_of_ppk(UINT64_MAX), UINT64_MAX / 1000 + 1);
}
END_TEST

static size_t notes_of(const char *amounts, uint64_t ppk, struct note *to)
{
	size_t n = 0;
	uint64_t v = 0;

	/* "64 32r 1e": r marks a note of a retiring keyset, e of one that expires soon */
	for (const char *p = amounts;; p++) {
		if (*p >= '0' && *p <= '9') {
			v = v * 10 + (uint64_t)(*p - '0');
		} else if (*p == 'r') {
			to[n].retiring = true;
		} else if (*p == 'e') {
			to[n].retiring = to[n].expiring = true;
		} else {
			if (v > 0) {
				to[n].amount = v;
				to[n++].input_fee_ppk = ppk;
				to[n] = (struct note){ 0 };
			}
			v = 0;
		}
		if (*p == '\0')
			return n;
	}
}

static void check_selection(const struct note *notes, size_t n, const struct selection *s)
{
	uint64_t sum = 0, ppk = 0;

	ck_assert(s->n > 0 && s->n <= SELECT_INPUTS_MAX);
	for (size_t i = 0; i < s->n; i++) {
		ck_assert_uint_lt(s->index[i], n);
		ck_assert(i == 0 || s->index[i] > s->index[i - 1]); /* ascending: none twice */
		sum += notes[s->index[i]].amount;
		ppk += notes[s->index[i]].input_fee_ppk;
	}
	ck_assert_uint_eq(s->sum, sum);
	ck_assert_uint_eq(s->fee, fee_of_ppk(ppk));
}

static const struct {
	const char *notes;
	uint64_t ppk, target;
	bool net;
	size_t max;
	size_t n; /* 0: there is none */
} exact[] = {
	{ "1 2 4 8", 0, 7, false, 500, 3 },
	{ "1 2 4 8", 0, 15, false, 500, 4 },
	{ "1 2 4 8", 0, 16, false, 500, 0 },
	{ "2 4 8", 0, 7, false, 500, 0 },
	{ "8 8 8 1", 0, 17, false, 500, 3 },
	{ "1 1 1 1 4", 0, 7, false, 500, 4 },
	{ "1 1 1 1 4", 0, 7, false, 3, 0 },
	{ "4 2 1 1", 0, 4, false, 1, 1 },
	{ "2 2 1", 0, 4, false, 500, 2 },
	{ "", 0, 1, false, 500, 0 },
	{ "1", 0, 0, false, 500, 0 },
	/* not powers of two: a greedy choice of 6 would fail */
	{ "6 5 5", 0, 10, false, 500, 2 },
	{ "9 7 7 3", 0, 14, false, 500, 2 },
	{ "10 10 10 7", 0, 27, false, 500, 3 },
	{ "3 3 3", 0, 10, false, 500, 0 },
	/* the notes pay their own fee */
	{ "8 1 1", 100, 8, true, 500, 2 },
	{ "8 1 1", 100, 8, false, 500, 1 },
	{ "8", 100, 8, true, 500, 0 },
	{ "4 2 2 1", 1000, 4, true, 500, 2 }, /* 4 + 2 pays 2 */
	{ "16", 0, 16, true, 500, 1 },
	{ "4 4 4", 500, 7, true, 500, 2 }, /* 8 - 1 */
};

START_TEST(exactly)
{
	struct note notes[32] = { 0 };
	size_t n = notes_of(exact[_i].notes, exact[_i].ppk, notes);
	struct selection s = { 0 };
	bool found = select_exact(&ra, notes, n, exact[_i].target, exact[_i].net, exact[_i].max, &s);

	ck_assert_msg(found == (exact[_i].n > 0), "\"%s\" for %llu", exact[_i].notes,
		      (unsigned long long)exact[_i].target);
	if (!found)
		return;
	check_selection(notes, n, &s);
	ck_assert_uint_eq(s.n, exact[_i].n);
	ck_assert_uint_eq(s.sum, exact[_i].target + (exact[_i].net ? s.fee : 0));
}
END_TEST

START_TEST(exactly_from_every_purse)
{
	/* All targets from all multisets of a few powers of two: what a brute force finds is found. */
	for (unsigned purse = 1; purse < 256; purse++) {
		struct note notes[16] = { 0 };
		bool reachable[128] = { [0] = true };
		size_t n = 0;

		/* two bits of the purse say how many notes of 1, 2, 4 and 8 */
		for (unsigned k = 0; k < 4; k++)
			for (unsigned j = 0; j < (purse >> (2 * k) & 3); j++)
				notes[n++].amount = UINT64_C(1) << k;
		for (size_t i = 0; i < n; i++)
			for (size_t t = 127; t >= notes[i].amount; t--)
				reachable[t] |= reachable[t - notes[i].amount];
		for (uint64_t t = 1; t < 64; t++) {
			struct selection s;
			bool found = select_exact(&ra, notes, n, t, false, 500, &s);

			ck_assert_msg(found == reachable[t], "purse %u, target %u", purse, (unsigned)t);
			if (found) {
				check_selection(notes, n, &s);
				ck_assert_uint_eq(s.sum, t);
			}
		}
		arena_reset(&ra);
	}
}
END_TEST

START_TEST(a_search_without_end_ends)
{
	/* Even amounts and an odd target: every subset would have to be tried. */
	static struct note notes[5000];
	struct selection s;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		notes[i] = (struct note){ .amount = 2 * (i * 7919 % 4999) + 100, .input_fee_ppk = 100 };
	ck_assert(!select_exact(&ra, notes, ARRAY_LEN(notes), 1000001, false, 500, &s));
	ck_assert_uint_lt(ra.used, 1024);
	/* Net of an odd fee it can be done, or not: it must only come back. */
	if (select_exact(&ra, notes, ARRAY_LEN(notes), 1000001, true, 500, &s))
		ck_assert_uint_eq(s.sum - s.fee, 1000001);
}
END_TEST

static const struct {
	const char *notes;
	uint64_t ppk, target;
	uint64_t sum; /* 0: not enough */
	size_t n;
} cover[] = {
	{ "64 32 16 8 4 2 1", 0, 5, 5, 2 },
	{ "64 32", 0, 5, 32, 1 },
	{ "64 128", 0, 100, 128, 1 },
	{ "64 32 8", 0, 100, 104, 3 },
	{ "1 1 1", 0, 3, 3, 3 },
	{ "1 1 1", 0, 4, 0, 0 },
	{ "", 0, 1, 0, 0 },
	/* fees */
	{ "8 1", 100, 8, 9, 2 },
	{ "8", 100, 8, 0, 0 },
	{ "8", 100, 7, 8, 1 },
	{ "8 2", 1000, 8, 10, 2 },
	{ "8 1 1 1 1 1", 1000, 8, 0, 0 }, /* ones cost what they are worth */
	{ "8 8 1 1", 1000, 8, 16, 2 },
	/* retiring ones go first where they fit */
	{ "8 8r", 0, 8, 8, 1 },
	{ "8 4r 4r", 0, 8, 8, 2 },
	{ "4 64r", 0, 4, 4, 1 },
	{ "4 2 16r", 0, 20, 20, 2 },
};

START_TEST(covered)
{
	struct note notes[32] = { 0 };
	size_t n = notes_of(cover[_i].notes, cover[_i].ppk, notes);
	struct selection s = { 0 };

	if (cover[_i].sum == 0) {
		ck_fails(select_cover(&ra, notes, n, cover[_i].target, &s, &rerr), ERR_FUNDS);
		return;
	}
	ck_ok(select_cover(&ra, notes, n, cover[_i].target, &s, &rerr));
	check_selection(notes, n, &s);
	ck_assert_uint_eq(s.sum, cover[_i].sum);
	ck_assert_uint_eq(s.n, cover[_i].n);
	ck_assert_uint_ge(s.sum - s.fee, cover[_i].target);
}
END_TEST

START_TEST(retiring_notes_are_chosen)
{
	struct note notes[] = { { .amount = 8 }, { .amount = 4, .retiring = true }, { .amount = 4, .retiring = true } };
	struct selection s;

	ck_ok(select_cover(&ra, notes, 3, 8, &s, &rerr));
	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.index[0], 1);
	ck_assert_uint_eq(s.index[1], 2);
}
END_TEST

START_TEST(covered_whenever_it_can_be)
{
	/* Purses and targets by a little generator: it fails exactly when all that is worth spending is not enough. */
	uint32_t x = 1;

	for (unsigned round = 0; round < 400; round++) {
		struct note notes[40];
		uint64_t sum = 0, ppk = 0, target;
		size_t n = 1 + round % 40;
		struct selection s;

		for (size_t i = 0; i < n; i++) {
			x = x * 1664525 + 1013904223;
			notes[i] = (struct note){ .amount = UINT64_C(1) << (x >> 28),
						  .input_fee_ppk = (x >> 20 & 3) * 400,
						  .retiring = (x >> 24 & 3) == 0 };
			if (notes[i].amount > notes[i].input_fee_ppk / 1000) {
				sum += notes[i].amount;
				ppk += notes[i].input_fee_ppk;
			}
		}
		if (sum <= fee_of_ppk(ppk))
			continue;
		target = 1 + (x >> 8) % (sum - fee_of_ppk(ppk));
		ck_ok(select_cover(&ra, notes, n, target, &s, &rerr));
		check_selection(notes, n, &s);
		ck_assert_uint_ge(s.sum - s.fee, target);
		ck_ok(select_cover(&ra, notes, n, sum - fee_of_ppk(ppk), &s, &rerr));
		ck_fails(select_cover(&ra, notes, n, sum + 1, &s, &rerr), ERR_FUNDS);
	}
}
END_TEST

START_TEST(one_request_takes_so_many)
{
	static struct note notes[2000];
	struct selection s;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		notes[i] = (struct note){ .amount = 1, .retiring = true };
	ck_ok(select_cover(&ra, notes, ARRAY_LEN(notes), SELECT_INPUTS_MAX, &s, &rerr));
	ck_assert_uint_eq(s.n, SELECT_INPUTS_MAX);
	ck_fails(select_cover(&ra, notes, ARRAY_LEN(notes), SELECT_INPUTS_MAX + 1, &s, &rerr), ERR_FUNDS);
	/* Retiring small change would fill the request: then the large note after all. */
	notes[7] = (struct note){ .amount = 4096 };
	ck_ok(select_cover(&ra, notes, ARRAY_LEN(notes), 4000, &s, &rerr));
	ck_assert_uint_ge(s.sum, 4000);
	ck_assert_uint_le(s.n, SELECT_INPUTS_MAX);
}
END_TEST

static const struct {
	const char *notes;
	uint64_t ppk, sum; /* 0: none is worth it */
	size_t n;
} rotations[] = {
	{ "", 0, 0, 0 },
	{ "64 32", 0, 0, 0 },
	{ "64r 32 1r", 0, 65, 2 }, /* it costs nothing */
	/* a unit of fee takes a hundred of value, for up to ten notes */
	{ "64r", 100, 0, 0 },
	{ "64r 32r", 100, 0, 0 },
	{ "64r 32r 4r", 100, 100, 3 },
	{ "64r 32r 4", 100, 0, 0 },
	{ "1024r 1r 1r 1r 1r 1r 1r 1r 1r 1r 1r", 100, 1034, 11 },
	/* small change stays where it is, and is spent first one day */
	{ "128r 1r 1r 1r 1r 1r 1r 1r 1r 1r 1r 1r", 100, 137, 10 },
	{ "1024r 64r 1r 1r", 1000, 1088, 2 },
	{ "1024r 512r", 20000, 0, 0 },
	/* what expires goes as long as anything is left of it */
	{ "2e", 1000, 2, 1 },
	{ "1e", 1000, 0, 0 },
	{ "1e", 999, 0, 0 },
	{ "1e 1e", 999, 0, 0 },
	{ "1e 1e", 500, 2, 2 },
	{ "8e 4e 1e 1024", 1000, 12, 2 },
	/* both */
	{ "2e 64r 64r", 1000, 2, 1 },
	{ "2e 1024r 64r", 1000, 1090, 3 },
};

START_TEST(rotated)
{
	struct note notes[40] = { 0 };
	size_t n = notes_of(rotations[_i].notes, rotations[_i].ppk, notes);
	struct selection s;

	ck_assert_int_eq(select_rotation(&ra, notes, n, &s), rotations[_i].sum != 0);
	if (rotations[_i].sum == 0)
		return;
	check_selection(notes, n, &s);
	ck_assert_uint_eq(s.sum, rotations[_i].sum);
	ck_assert_uint_eq(s.n, rotations[_i].n);
	ck_assert_uint_gt(s.sum, s.fee);
	for (size_t i = 0; i < s.n; i++)
		ck_assert(notes[s.index[i]].retiring);
}
END_TEST

START_TEST(rotated_in_several_requests)
{
	static struct note notes[700];
	struct selection s;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		notes[i] = (struct note){ .amount = i < 600 ? 8 : 4, .retiring = true, .expiring = i >= 300 };
	ck_assert(select_rotation(&ra, notes, ARRAY_LEN(notes), &s));
	ck_assert_uint_eq(s.n, SELECT_INPUTS_MAX);
	ck_assert_uint_eq(s.sum, 300 * 8 + 100 * 4 + 100 * 8);
	notes[0].amount = UINT64_MAX;
	ck_assert(!select_rotation(&ra, notes, ARRAY_LEN(notes), &s));
}
END_TEST

START_TEST(amounts_that_do_not_add_up)
{
	struct note notes[] = { { .amount = AMOUNT_MAX }, { .amount = 1 } };
	struct note dear[] = { { .amount = 4, .input_fee_ppk = AMOUNT_MAX }, { .amount = 4, .input_fee_ppk = 1 } };
	struct selection s;

	ck_fails(select_cover(&ra, notes, 2, 5, &s, &rerr), ERR_RANGE);
	ck_assert(!select_exact(&ra, notes, 2, 1, false, 500, &s));
	ck_fails(select_cover(&ra, dear, 2, 5, &s, &rerr), ERR_RANGE);
	ck_assert(!select_exact(&ra, dear, 2, 8, true, 500, &s));
	ck_ok(select_cover(&ra, notes, 1, AMOUNT_MAX, &s, &rerr));
	ck_fails(select_cover(&ra, notes, 1, AMOUNT_MAX + 1, &s, &rerr), ERR_RANGE);
	ck_fails(select_cover(&ra, notes, 1, 0, &s, &rerr), ERR_RANGE);
	ck_assert(!select_exact(&ra, notes, 1, UINT64_MAX, true, 500, &s));
}
END_TEST

static struct keyset powers(unsigned n, uint64_t ppk)
{
	struct keyset ks = { .keys = ARENA_ARRAY(&ra, n, struct keyset_key), .n_keys = n, .input_fee_ppk = ppk };

	for (unsigned i = 0; i < n; i++)
		ks.keys[i].amount = UINT64_C(1) << i;
	return ks;
}

static struct keyset amounts(const char *text)
{
	struct note notes[32] = { 0 };
	size_t n = notes_of(text, 0, notes);
	struct keyset ks = { .keys = ARENA_ARRAY(&ra, n, struct keyset_key), .n_keys = n };

	for (size_t i = 0; i < n; i++)
		ks.keys[i].amount = notes[i].amount;
	return ks;
}

static void check_split(const struct split *s, uint64_t sum)
{
	uint64_t total = 0;

	for (size_t i = 0; i < s->n; i++) {
		ck_assert(i == 0 || s->v[i] >= s->v[i - 1]);
		total += s->v[i];
	}
	ck_assert_uint_eq(total, s->sum);
	ck_assert_uint_eq(total, sum);
}

START_TEST(split_into_binary_digits)
{
	struct keyset ks = powers(64, 0);
	struct split s;

	for (uint64_t v = 0; v < 300; v++) {
		ck_ok(split_amount(&ra, &ks, v, &s, &rerr));
		check_split(&s, v);
		ck_assert_uint_eq(s.n, (size_t)__builtin_popcountll(v));
	}
	ck_ok(split_amount(&ra, &ks, AMOUNT_MAX, &s, &rerr));
	check_split(&s, AMOUNT_MAX);
	ck_assert_uint_eq(s.n, 63);
	ck_fails(split_amount(&ra, &ks, AMOUNT_MAX + 1, &s, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(split_by_what_there_is)
{
	struct keyset ks = amounts("5 10 100"), one = amounts("1"), none = { 0 };
	struct split s;

	ck_ok(split_amount(&ra, &ks, 235, &s, &rerr));
	check_split(&s, 235);
	ck_assert_uint_eq(s.n, 6);
	ck_fails(split_amount(&ra, &ks, 236, &s, &rerr), ERR_RANGE);
	ck_ok(split_amount(&ra, &one, CASHU_LIST_MAX, &s, &rerr));
	ck_fails(split_amount(&ra, &one, CASHU_LIST_MAX + 1, &s, &rerr), ERR_RANGE);
	ck_fails(split_amount(&ra, &one, AMOUNT_MAX, &s, &rerr), ERR_RANGE);
	ck_fails(split_amount(&ra, &none, 1, &s, &rerr), ERR_RANGE);
	ck_ok(split_amount(&ra, &none, 0, &s, &rerr));
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(split_that_pays_its_fee)
{
	static const uint64_t ppks[] = { 0, 1, 100, 333, 999, 1000, 5000, KEYSET_FEE_PPK_MAX };

	for (size_t p = 0; p < ARRAY_LEN(ppks); p++) {
		struct keyset ks = powers(40, ppks[p]);

		for (uint64_t v = 0; v < 200; v++) {
			uint64_t fee;
			struct split s;

			ck_ok(split_net(&ra, &ks, v, &s, &rerr));
			check_split(&s, s.sum);
			fee = fee_of_ppk(s.n * ppks[p]);
			ck_assert_uint_ge(s.sum, fee + v);
			/* "a little more": never by more than another note's fee */
			ck_assert_uint_le(s.sum - fee - v, 1 + 8 * ppks[p] / 1000);
		}
	}
}
END_TEST

START_TEST(split_whose_fee_is_too_much)
{
	struct keyset ks = powers(63, 1000), odd = amounts("5");
	struct split s;

	ck_fails(split_net(&ra, &ks, AMOUNT_MAX, &s, &rerr), ERR_RANGE);
	ck_fails(split_net(&ra, &ks, UINT64_MAX, &s, &rerr), ERR_RANGE);
	odd.input_fee_ppk = 100;
	ck_fails(split_net(&ra, &odd, 5, &s, &rerr), ERR_RANGE);
	ks.input_fee_ppk = UINT64_MAX;
	ck_fails(split_net(&ra, &ks, 1, &s, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(split_to_keep)
{
	struct keyset ks = powers(32, 0);
	static const uint64_t held[] = { 1, 1, 1, 2, 4, 4, 1024 };
	struct split s;
	size_t count[11] = { 0 };

	/* Nothing held: three of each small one, and the rest in few. */
	ck_ok(split_keep(&ra, &ks, 1000, NULL, 0, &s, &rerr));
	check_split(&s, 1000);
	for (size_t i = 0; i < s.n; i++)
		for (size_t k = 0; k < 11; k++)
			count[k] += s.v[i] == UINT64_C(1) << k;
	for (size_t k = 0; k < 7; k++)
		ck_assert_uint_ge(count[k], 3);
	/* What is held counts. */
	ck_ok(split_keep(&ra, &ks, 8, held, ARRAY_LEN(held), &s, &rerr));
	check_split(&s, 8);
	ck_assert_uint_eq(s.n, 3); /* 2 2 4 */
	ck_assert_uint_eq(s.v[2], 4);
	for (uint64_t v = 0; v < 500; v++) {
		ck_ok(split_keep(&ra, &ks, v, held, v % ARRAY_LEN(held), &s, &rerr));
		check_split(&s, v);
	}
	ck_ok(split_keep(&ra, &ks, UINT32_MAX, NULL, 0, &s, &rerr));
	check_split(&s, UINT32_MAX);
	ck_fails(split_keep(&ra, &ks, AMOUNT_MAX + 1, NULL, 0, &s, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(split_to_keep_what_cannot_be_even)
{
	/* Three fives of 20 leave 5, of 25 leave 10: fine.  Three of 6 each leave what 10 and 6 cannot make. */
	struct keyset ks = amounts("6 10");
	struct split s;

	ck_ok(split_keep(&ra, &ks, 20, NULL, 0, &s, &rerr));
	check_split(&s, 20);
	ck_fails(split_keep(&ra, &ks, 21, NULL, 0, &s, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/select");
	TCase *c = rails_case(s, "select");

	tcase_add_test(c, fees);
	tcase_add_test(c, fees_that_nobody_knows);
	tcase_add_loop_test(c, exactly, 0, ARRAY_LEN(exact));
	tcase_add_test(c, exactly_from_every_purse);
	tcase_add_test(c, a_search_without_end_ends);
	tcase_add_loop_test(c, covered, 0, ARRAY_LEN(cover));
	tcase_add_test(c, retiring_notes_are_chosen);
	tcase_add_test(c, covered_whenever_it_can_be);
	tcase_add_test(c, one_request_takes_so_many);
	tcase_add_loop_test(c, rotated, 0, ARRAY_LEN(rotations));
	tcase_add_test(c, rotated_in_several_requests);
	tcase_add_test(c, amounts_that_do_not_add_up);
	tcase_add_test(c, split_into_binary_digits);
	tcase_add_test(c, split_by_what_there_is);
	tcase_add_test(c, split_that_pays_its_fee);
	tcase_add_test(c, split_whose_fee_is_too_much);
	tcase_add_test(c, split_to_keep);
	tcase_add_test(c, split_to_keep_what_cannot_be_even);
	return suite_run(s);
}
