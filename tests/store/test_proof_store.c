#include "store/proof_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define KEYSET_A "00aaaaaaaaaaaaaa"
/* Two mints, numbers 1 and 2. */
#define MINTS                                                                                                          \
	"INSERT INTO mint VALUES (1, 'https://a', NULL, 1, 0, 0, 0, NULL, 0, 0, NULL, 0),"                             \
	" (2, 'https://b', NULL, 1, 0, 0, 0, NULL, 0, 0, NULL, 0)"

static struct scratch scratch;
static const struct currency sat = { "sat" }, usd = { "usd" };
static const struct action_id alice = { "alice" }, bob = { "bob" }, nobody = { "" };

static void setup(void)
{
	scratch_open(&scratch);
	scratch_sql(&scratch, MINTS);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

/* The n-th proof of these tests.  The store takes points as bytes. */
static struct proof proof_of(unsigned n, uint64_t amount)
{
	static const struct keyset_id keysets[] = { { "00bbbbbbbbbbbbbb" }, { KEYSET_A } };
	struct proof p = { .amount = amount, .keyset = keysets[n % 2], .secret = "secret" };

	p.y.b[0] = 2;
	p.y.b[31] = (uint8_t)(n >> 8);
	p.y.b[32] = (uint8_t)n;
	p.c = p.y;
	p.c.b[0] = 3;
	return p;
}

static struct pubkey y_of(unsigned n)
{
	return proof_of(n, 1).y;
}

static struct movement moving(struct unit *u, const struct action_id *action)
{
	return movement_begin(u, action, RAIL_ECASH, "test", 1, sat, 5000);
}

/* Adds proofs first … first+n-1 of 2^i each. */
static void add(struct unit *u, unsigned first, unsigned n, enum proof_state state, const struct action_id *holder)
{
	struct movement m = moving(u, holder);
	struct err e, *err = &e;

	for (unsigned i = 0; i < n; i++) {
		struct proof p = proof_of(first + i, UINT64_C(1) << i);

		OK(proof_store_add(&m, &p, 1, state, holder, ACCOUNT_OUTSIDE, NULL, err));
	}
	OK(movement_post(&m, err));
}

/* The totals as "spendable locked pending sent fees outside invalid" of mint 1 and sat. */
static const char *totals(struct view v)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	static char text[256];
	struct account_total *t;
	struct err e, *err = &e;
	size_t n;

	OK(movement_totals(v, &a, &t, &n, err));
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (t[i].mint_id == 1 && currency_equal(t[i].unit, sat))
			snprintf(text, sizeof(text),
				 "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
				 t[i].total[1], t[i].total[2], t[i].total[3], t[i].total[4], t[i].total[5],
				 t[i].total[6], t[i].total[7]);
	OK(movement_audit(v, err));
	return text;
}

static enum proof_state state_of(struct view v, unsigned n, struct action_id *ret_holder)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024);
	struct pubkey y = y_of(n);
	struct proof_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(proof_store_find(v, &a, &y, &row, err), 1);
	*ret_holder = row.holder;
	return row.state;
}

#define STATE(v, n, state, holder_)                                                                                    \
	do {                                                                                                           \
		struct action_id is_;                                                                                  \
		ck_assert_str_eq(proof_state_name(state_of((v), (n), &is_)), proof_state_name(state));                 \
		ck_assert_str_eq(is_.s, (holder_)->s);                                                                 \
	} while (0)

static int roundtrip(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024);
	struct movement m = moving(u, &alice);
	struct proof full = proof_of(1, 64), plain = proof_of(2, 32);
	struct proof_row row;

	(void)ctx;
	full.witness = "{\"signatures\":[]}";
	full.dleq = (struct dleq){ .e = { { 1 } }, .s = { { 2 } }, .r = { { 3 } }, .present = true, .has_r = true };
	OK(proof_store_add(&m, &full, 1, PROOF_LOCKED, &bob, ACCOUNT_OUTSIDE, &(int64_t){ 77 }, err));
	OK(proof_store_add(&m, &plain, 1, PROOF_SPENDABLE, &bob, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&m, err));

	ck_assert_int_eq(proof_store_find(unit_view(u), &a, &full.y, &row, err), 1);
	ck_assert_uint_eq(row.proof.amount, 64);
	ck_assert_str_eq(row.proof.keyset.s, KEYSET_A);
	ck_assert_str_eq(row.proof.secret, "secret");
	ck_assert_str_eq(row.proof.witness, full.witness);
	ck_assert(pubkey_equal(&row.proof.y, &full.y) && pubkey_equal(&row.proof.c, &full.c));
	ck_assert(row.proof.dleq.present && row.proof.dleq.has_r);
	ck_assert_int_eq(row.proof.dleq.e.b[0], 1);
	ck_assert_int_eq(row.proof.dleq.s.b[0], 2);
	ck_assert_int_eq(row.proof.dleq.r.b[0], 3);
	ck_assert_int_eq(row.mint_id, 1);
	ck_assert_str_eq(row.unit.s, "sat");
	ck_assert_int_eq(row.state, PROOF_LOCKED);
	ck_assert_str_eq(row.holder.s, "bob");
	ck_assert_str_eq(row.created_by.s, "alice");
	ck_assert_int_eq(row.counter, 77);
	ck_assert_int_eq(row.created_at_ms, 5000);

	ck_assert_int_eq(proof_store_find(unit_view(u), &a, &plain.y, &row, err), 1);
	ck_assert(!row.proof.dleq.present && !row.proof.dleq.has_r);
	ck_assert_ptr_null(row.proof.witness);
	ck_assert(action_id_is_empty(&row.holder)); /* spendable has none */
	ck_assert_int_eq(row.counter, -1);
	ck_assert_int_eq(proof_store_find(unit_view(u), &a, &(struct pubkey){ { 9 } }, &row, err), 0);
	ck_assert_str_eq(totals(unit_view(u)), "32 64 0 0 0 -96 0");
	return 0;
}

/* Every way from a held state, and where the value is afterwards, from a hundred to start with. */
static const struct {
	enum proof_state from, to;
	enum account account;
	const char *totals;
	bool held;
} moves[] = {
	{ PROOF_LOCKED, PROOF_SPENDABLE, ACCOUNT_FEES, "3 0 0 0 0 -3 0", false },
	{ PROOF_LOCKED, PROOF_LOCKED, ACCOUNT_FEES, "0 3 0 0 0 -3 0", true },
	{ PROOF_LOCKED, PROOF_SENT, ACCOUNT_FEES, "0 0 0 3 0 -3 0", true },
	{ PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, "0 0 0 0 0 0 0", false },
	{ PROOF_LOCKED, PROOF_SPENT, ACCOUNT_FEES, "0 0 0 0 3 -3 0", false },
	{ PROOF_LOCKED, PROOF_INVALID, ACCOUNT_FEES, "0 0 0 0 0 -3 3", false },
	{ PROOF_SENT, PROOF_SPENDABLE, ACCOUNT_OUTSIDE, "3 0 0 0 0 -3 0", false },
	{ PROOF_SENT, PROOF_LOCKED, ACCOUNT_OUTSIDE, "0 3 0 0 0 -3 0", true },
	{ PROOF_SENT, PROOF_SPENT, ACCOUNT_OUTSIDE, "0 0 0 0 0 0 0", false },
	{ PROOF_PENDING, PROOF_SPENDABLE, ACCOUNT_OUTSIDE, "3 0 0 0 0 -3 0", false },
	{ PROOF_PENDING, PROOF_SPENT, ACCOUNT_OUTSIDE, "0 0 0 0 0 0 0", false },
	{ PROOF_PENDING, PROOF_INVALID, ACCOUNT_OUTSIDE, "0 0 0 0 0 -3 3", false },
};

static int move_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	enum proof_state from = moves[i].from;
	struct movement m = moving(u, &alice);
	struct ecash sum;

	add(u, 0, 2, from == PROOF_PENDING ? PROOF_PENDING : PROOF_LOCKED, &alice);
	if (from == PROOF_SENT)
		OK(proof_store_move(&m, &alice, PROOF_LOCKED, PROOF_SENT, ACCOUNT_OUTSIDE, NULL, err));
	OK(proof_store_move(&m, &alice, from, moves[i].to, moves[i].account, &sum, err));
	OK(movement_post(&m, err));
	ck_assert_uint_eq(ecash_value(sum), 3);
	ck_assert_str_eq(totals(unit_view(u)), moves[i].totals);
	for (unsigned n = 0; n < 2; n++)
		STATE(unit_view(u), n, moves[i].to, moves[i].held ? &alice : &nobody);
	return 0;
}

START_TEST(move_table)
{
	int i = _i;

	scratch_unit(&scratch, move_case, &i);
}
END_TEST

static int moves_respect_owner_and_state(struct unit *u, void *ctx, struct err *err)
{
	struct movement m = moving(u, &alice), other;
	struct pubkey some[] = { y_of(1), y_of(3), y_of(3), y_of(99) };
	struct ecash sum;

	(void)ctx;
	add(u, 0, 4, PROOF_LOCKED, &alice); /* 1 2 4 8 */
	add(u, 10, 2, PROOF_LOCKED, &bob);  /* 1 2 */

	/* Another owner, another state, another mint, another unit: none of alice's. */
	OK(proof_store_move(&m, &bob, PROOF_SENT, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert(ecash_is_zero(sum));
	other = movement_begin(u, &alice, RAIL_ECASH, "test", 2, sat, 5000);
	OK(proof_store_move(&other, &alice, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert(ecash_is_zero(sum));
	other = movement_begin(u, &alice, RAIL_ECASH, "test", 1, usd, 5000);
	OK(proof_store_move(&other, &alice, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert(ecash_is_zero(sum));
	OK(proof_store_move_some(&m, &bob, some, 4, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert(ecash_is_zero(sum));
	OK(proof_store_move_some(&m, &alice, some, 0, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert(ecash_is_zero(sum));

	/* The named ones, each once; the rest stays. */
	OK(proof_store_move_some(&m, &alice, some, 4, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert_uint_eq(ecash_value(sum), 10);
	OK(movement_post(&m, err));
	STATE(unit_view(u), 1, PROOF_SPENT, &nobody);
	STATE(unit_view(u), 2, PROOF_LOCKED, &alice);
	ck_assert_str_eq(totals(unit_view(u)), "0 8 0 0 0 -8 0");

	/* Spent is final: a stale release finds what is still locked and no more. */
	OK(proof_store_release(u, &alice, 6000, err));
	STATE(unit_view(u), 1, PROOF_SPENT, &nobody);
	STATE(unit_view(u), 2, PROOF_SPENDABLE, &nobody);
	STATE(unit_view(u), 10, PROOF_LOCKED, &bob);
	ck_assert_str_eq(totals(unit_view(u)), "5 3 0 0 0 -8 0");
	return 0;
}

/* Which proofs a lock names, out of 0 … 3 spendable, 4 locked, 5 of another mint. */
static const struct {
	const char *name;
	unsigned n, named[5];
	int code;
} locks[] = {
	{ "none", 0, { 0 }, 0 },
	{ "one", 1, { 2 }, 0 },
	{ "all", 4, { 3, 1, 0, 2 }, 0 },
	{ "one is locked", 3, { 0, 1, 4 }, ERR_CONFLICT },
	{ "one is of another mint", 2, { 0, 5 }, ERR_CONFLICT },
	{ "one is unknown", 2, { 0, 42 }, ERR_CONFLICT },
	{ "the same one twice", 2, { 1, 1 }, ERR_CONFLICT },
	{ "two, and one again", 3, { 0, 1, 0 }, ERR_CONFLICT },
};

static int lock_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct movement m = moving(u, &alice), there;
	struct proof elsewhere = proof_of(5, 1);
	struct pubkey ys[5];
	uint64_t sum = 0;

	add(u, 0, 4, PROOF_SPENDABLE, &nobody);
	add(u, 4, 1, PROOF_LOCKED, &bob);
	there = movement_begin(u, &alice, RAIL_ECASH, "test", 2, sat, 5000);
	OK(proof_store_add(&there, &elsewhere, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&there, err));
	for (unsigned k = 0; k < locks[i].n; k++) {
		ys[k] = y_of(locks[i].named[k]);
		sum += UINT64_C(1) << locks[i].named[k];
	}
	if (locks[i].code) {
		FAILS(proof_store_lock(&m, ys, locks[i].n, &alice, err), (enum err_code)locks[i].code);
		/* Nothing was locked, even before the unit is given up. */
		OK(movement_post(&m, err));
		ck_assert_str_eq(totals(unit_view(u)), "15 1 0 0 0 -16 0");
		return 0;
	}
	OK(proof_store_lock(&m, ys, locks[i].n, &alice, err));
	OK(movement_post(&m, err));
	for (unsigned k = 0; k < locks[i].n; k++)
		STATE(unit_view(u), locks[i].named[k], PROOF_LOCKED, &alice);
	{
		char expected[128];

		snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRIu64 " 0 0 0 -16 0", 15 - sum, 1 + sum);
		ck_assert_msg(strcmp(totals(unit_view(u)), expected) == 0, "%s", locks[i].name);
	}
	return 0;
}

START_TEST(lock_table)
{
	int i = _i;

	scratch_unit(&scratch, lock_case, &i);
}
END_TEST

static int lock_a_thousand(struct unit *u, void *ctx, struct err *err)
{
	enum { N = CASHU_LIST_MAX };
	struct pubkey *ys = calloc(N, sizeof(*ys));
	struct movement m = moving(u, &alice);
	struct ecash sum;

	(void)ctx;
	ck_assert_ptr_nonnull(ys);
	for (unsigned i = 0; i < N; i++) {
		struct proof p = proof_of(i, 1);

		ys[i] = p.y;
		OK(proof_store_add(&m, &p, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err));
	}
	OK(proof_store_lock(&m, ys, N, &alice, err));
	OK(proof_store_move_some(&m, &alice, ys, N, PROOF_LOCKED, PROOF_SENT, ACCOUNT_OUTSIDE, &sum, err));
	ck_assert_uint_eq(ecash_value(sum), N);
	OK(movement_post(&m, err));
	ck_assert_str_eq(totals(unit_view(u)), "0 0 0 1000 0 -1000 0");
	free(ys);
	return 0;
}

static int spent_stays_spent(struct unit *u, void *ctx, struct err *err)
{
	struct movement m = moving(u, &alice);
	struct proof p = proof_of(0, 1);
	struct pubkey y = p.y;

	(void)ctx;
	add(u, 0, 1, PROOF_LOCKED, &alice);
	OK(proof_store_move(&m, &alice, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&m, err));
	FAILS(proof_store_add(&m, &p, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err), ERR_EXISTS);
	FAILS(proof_store_add(&m, &p, 1, PROOF_PENDING, &bob, ACCOUNT_OUTSIDE, NULL, err), ERR_EXISTS);
	FAILS(proof_store_lock(&m, &y, 1, &bob, err), ERR_CONFLICT);
	STATE(unit_view(u), 0, PROOF_SPENT, &nobody);
	ck_assert_str_eq(totals(unit_view(u)), "0 0 0 0 0 0 0");
	return 0;
}

static int amounts_are_checked(struct unit *u, void *ctx, struct err *err)
{
	struct movement m = moving(u, &alice);
	struct proof nothing = proof_of(0, 0), huge = proof_of(1, AMOUNT_MAX + 1), most = proof_of(2, AMOUNT_MAX);
	struct proof one = proof_of(3, 1);
	struct proof two[] = { proof_of(4, AMOUNT_MAX), proof_of(5, 1) };

	(void)ctx;
	FAILS(proof_store_add(&m, &nothing, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err), ERR_RANGE);
	FAILS(proof_store_add(&m, &huge, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err), ERR_RANGE);
	FAILS(proof_store_add(&m, two, 2, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err), ERR_RANGE);
	/* Over the whole of a movement, and over all of them. */
	m = moving(u, &alice);
	OK(proof_store_add(&m, &most, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&m, err));
	OK(proof_store_add(&m, &one, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err));
	FAILS(movement_post(&m, err), ERR_RANGE);
	return 0;
}

static int pending_is_dropped(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024);
	struct movement m = moving(u, &alice);
	struct pubkey y = y_of(0);
	struct proof_row row;

	(void)ctx;
	add(u, 0, 3, PROOF_PENDING, &alice);
	add(u, 10, 1, PROOF_PENDING, &bob);
	add(u, 20, 1, PROOF_LOCKED, &alice);
	ck_assert_str_eq(totals(unit_view(u)), "0 1 8 0 0 -9 0");
	/* Foreign proofs are dropped, never released. */
	OK(proof_store_release(u, &alice, 6000, err));
	ck_assert_str_eq(totals(unit_view(u)), "1 0 8 0 0 -9 0");
	OK(proof_store_drop_pending(&m, &alice, err));
	OK(movement_post(&m, err));
	ck_assert_str_eq(totals(unit_view(u)), "1 0 1 0 0 -2 0");
	ck_assert_int_eq(proof_store_find(unit_view(u), &a, &y, &row, err), 0);
	STATE(unit_view(u), 10, PROOF_PENDING, &bob);
	return 0;
}

static int rehold(struct unit *u, void *ctx, struct err *err)
{
	struct movement m = moving(u, &alice);

	(void)ctx;
	add(u, 0, 2, PROOF_LOCKED, &alice);
	OK(proof_store_move(&m, &alice, PROOF_LOCKED, PROOF_SENT, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&m, err));
	add(u, 2, 1, PROOF_LOCKED, &alice);
	OK(proof_store_rehold(u, &alice, &bob, PROOF_SENT, err));
	STATE(unit_view(u), 0, PROOF_SENT, &bob);
	STATE(unit_view(u), 1, PROOF_SENT, &bob);
	STATE(unit_view(u), 2, PROOF_LOCKED, &alice);
	ck_assert_str_eq(totals(unit_view(u)), "0 1 0 3 0 -4 0");
	return 0;
}

/* One holder with proofs at two mints and in two units: released each in its own ledger. */
static int release_everywhere(struct unit *u, void *ctx, struct err *err)
{
	const struct {
		int64_t mint;
		struct currency unit;
	} where[] = { { 1, sat }, { 2, sat }, { 2, usd } };
	struct currency unit = { "" };
	int64_t mint_id = 0;

	(void)ctx;
	ck_assert_int_eq(proof_store_next_purse(unit_view(u), &mint_id, &unit, err), 0);
	for (unsigned i = 0; i < ARRAY_LEN(where); i++) {
		struct movement m = movement_begin(u, &alice, RAIL_ECASH, "test", where[i].mint, where[i].unit, 5000);
		struct proof p = proof_of(i, 10);

		OK(proof_store_add(&m, &p, 1, PROOF_LOCKED, &alice, ACCOUNT_OUTSIDE, NULL, err));
		OK(movement_post(&m, err));
	}
	OK(proof_store_release(u, &alice, 6000, err));
	OK(proof_store_release(u, &alice, 6000, err)); /* again: nothing left to do */
	for (unsigned i = 0; i < ARRAY_LEN(where); i++)
		STATE(unit_view(u), i, PROOF_SPENDABLE, &nobody);
	ck_assert_str_eq(totals(unit_view(u)), "10 0 0 0 0 -10 0");
	/* And each is found, in order. */
	for (unsigned i = 0; i < ARRAY_LEN(where); i++) {
		ck_assert_int_eq(proof_store_next_purse(unit_view(u), &mint_id, &unit, err), 1);
		ck_assert_int_eq(mint_id, where[i].mint);
		ck_assert(currency_equal(unit, where[i].unit));
	}
	ck_assert_int_eq(proof_store_next_purse(unit_view(u), &mint_id, &unit, err), 0);
	return 0;
}

static int order_is_fixed(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	static const struct {
		unsigned n;
		uint64_t amount;
	} in[] = { { 6, 2 }, { 3, 8 }, { 4, 1 }, { 1, 8 }, { 2, 2 }, { 5, 1 } };
	static const unsigned expected[] = { 5, 1, 3, 4, 2, 6 }; /* keyset a (odd) first, then amount, then y */
	static const unsigned one_of_each[] = { 5, 1, 4, 2 };
	static const struct proof_sort sorts_expected[] = { { { KEYSET_A }, 1, 1 },
							    { { KEYSET_A }, 8, 2 },
							    { { "00bbbbbbbbbbbbbb" }, 1, 1 },
							    { { "00bbbbbbbbbbbbbb" }, 2, 2 } };
	struct movement m = moving(u, &alice);
	struct proof_sort *sorts;
	struct proof_row *rows;
	size_t n;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		struct proof p = proof_of(in[i].n, in[i].amount);

		OK(proof_store_add(&m, &p, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err));
	}
	OK(movement_post(&m, err));
	OK(proof_store_spendable(unit_view(u), &a, 1, sat, 1000, &rows, &n, err));
	ck_assert_uint_eq(n, 6);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(rows[i].proof.y.b[32], expected[i]);
	OK(proof_store_spendable(unit_view(u), &a, 1, sat, 1, &rows, &n, err)); /* one of each */
	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(rows[i].proof.y.b[32], one_of_each[i]);
	for (unsigned each = 1; each <= 3; each++) {
		OK(proof_store_sorts(unit_view(u), &a, 1, sat, each, &sorts, &n, err));
		ck_assert_uint_eq(n, ARRAY_LEN(sorts_expected));
		for (size_t i = 0; i < n; i++) {
			ck_assert(keyset_id_equal(&sorts[i].keyset, &sorts_expected[i].keyset));
			ck_assert_uint_eq(sorts[i].amount, sorts_expected[i].amount);
			ck_assert_uint_eq(sorts[i].n, sorts_expected[i].n < each ? sorts_expected[i].n : each);
		}
	}
	OK(proof_store_sorts(unit_view(u), &a, 1, usd, 9, &sorts, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(proof_store_spendable(unit_view(u), &a, 1, usd, 1000, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(proof_store_spendable(unit_view(u), &a, 2, sat, 1000, &rows, &n, err));
	ck_assert_uint_eq(n, 0);

	m = moving(u, &alice);
	{
		struct pubkey ys[6];

		for (size_t i = 0; i < 6; i++)
			ys[i] = y_of(in[i].n);
		OK(proof_store_lock(&m, ys, 6, &alice, err));
	}
	OK(movement_post(&m, err));
	OK(proof_store_by_holder(unit_view(u), &a, &alice, PROOF_LOCKED, &rows, &n, err));
	ck_assert_uint_eq(n, 6);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(rows[i].proof.y.b[32], expected[i]);
	OK(proof_store_by_holder(unit_view(u), &a, &alice, PROOF_SENT, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(proof_store_by_holder(unit_view(u), &a, &bob, PROOF_LOCKED, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	return 0;
}

static int more_than_fit(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena rows_only = ARENA_LIMIT(20 * (sizeof(struct proof_row) + 16));
	SCOPED(arena) struct arena tiny = ARENA_LIMIT(19 * sizeof(struct proof_row));
	SCOPED(arena) struct arena enough = ARENA_LIMIT(20 * (sizeof(struct proof_row) + 32) + 4096);
	struct proof_row *rows = NULL;
	size_t n = 0;

	(void)ctx;
	add(u, 0, 20, PROOF_SPENDABLE, &nobody);
	FAILS(proof_store_spendable(unit_view(u), &tiny, 1, sat, 1000, &rows, &n, err), ERR_RANGE);
	FAILS(proof_store_spendable(unit_view(u), &rows_only, 1, sat, 1000, &rows, &n, err), ERR_RANGE);
	ck_assert(rows == NULL && n == 0);
	OK(proof_store_spendable(unit_view(u), &enough, 1, sat, 1000, &rows, &n, err));
	ck_assert_uint_eq(n, 20);
	return 0;
}

static void append(void *ctx, const struct proof_row *row)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%s%d", n ? " " : "", row->proof.y.b[32]);
}

/* 0, 1 spendable; 2, 3 locked; 4, 5 spent; 6 of mint 2. */
static const struct {
	const char *name;
	int64_t mint_id;
	int state, after; /* after: -1 from the start */
	unsigned limit;
	const char *seen;
} listings[] = {
	{ "all but spent", 0, 0, -1, 10, "0 1 2 3 6" },
	{ "a page", 0, 0, -1, 2, "0 1" },
	{ "the next page", 0, 0, 1, 2, "2 3" },
	{ "after one that is gone", 0, 0, 5, 2, "6" },
	{ "at the end", 0, 0, 6, 2, "" },
	{ "of one mint", 1, 0, -1, 10, "0 1 2 3" },
	{ "of the other", 2, 0, -1, 10, "6" },
	{ "locked", 0, PROOF_LOCKED, -1, 10, "2 3" },
	{ "spent", 0, PROOF_SPENT, -1, 10, "4 5" },
	{ "spent, next page", 0, PROOF_SPENT, 4, 10, "5" },
	{ "spent at the other mint", 2, PROOF_SPENT, -1, 10, "" },
};

static int list_case(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int i = *(int *)ctx;
	struct movement m = moving(u, &bob), there;
	struct proof elsewhere = proof_of(6, 1);
	struct proof_query q = { .mint_id = listings[i].mint_id,
				 .state = listings[i].state,
				 .limit = listings[i].limit };
	char seen[200] = "";

	add(u, 0, 2, PROOF_SPENDABLE, &nobody);
	add(u, 2, 2, PROOF_LOCKED, &alice);
	add(u, 4, 2, PROOF_LOCKED, &bob);
	OK(proof_store_move(&m, &bob, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&m, err));
	there = movement_begin(u, &alice, RAIL_ECASH, "test", 2, sat, 5000);
	OK(proof_store_add(&there, &elsewhere, 1, PROOF_SPENDABLE, &nobody, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&there, err));
	if (listings[i].after >= 0)
		q.after = y_of((unsigned)listings[i].after);
	OK(proof_store_list(unit_view(u), &a, &q, append, seen, err));
	ck_assert_msg(strcmp(seen, listings[i].seen) == 0, "%s: %s", listings[i].name, seen);
	return 0;
}

START_TEST(list_table)
{
	int i = _i;

	scratch_unit(&scratch, list_case, &i);
}
END_TEST

/* Each of these needs mints 1 and 2 and one unit. */
static int (*const in_a_unit[])(struct unit *u, void *ctx, struct err *err) = {
	roundtrip,
	moves_respect_owner_and_state,
	lock_a_thousand,
	spent_stays_spent,
	amounts_are_checked,
	pending_is_dropped,
	rehold,
	more_than_fit,
	release_everywhere,
	order_is_fixed,
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i], NULL);
}
END_TEST

/* What the ledger and the coins say must stay one, however they are changed behind the store's back. */
static const struct {
	const char *name, *sql, *says;
	bool audit_only;
} drifts[] = {
	{ "a proof changes hands", "UPDATE proof SET state = 2, holder = 'x' WHERE y = (SELECT min(y) FROM proof)",
	  "spendable", false },
	{ "a proof is gone", "DELETE FROM proof WHERE y = (SELECT min(y) FROM proof)", "spendable", false },
	{ "a proof grows", "UPDATE proof SET amount = amount + 1 WHERE state = 3", "pending", false },
	{ "a proof comes back", "UPDATE proof SET state = 1 WHERE state = 5", "spendable", false },
	{ "a total is wrong", "UPDATE account_total SET total = total + 1 WHERE account = 2", "locked", false },
	{ "a total is gone", "DELETE FROM account_total WHERE account = 3", "pending", false },
	{ "fees from nowhere", "INSERT INTO account_total VALUES ('ecash', 1, 'sat', 5, 1)", "zero", false },
	{ "an entry is wrong", "UPDATE ledger_entry SET delta = delta + 1 WHERE movement_id = 1 AND account = 1",
	  "spendable", true },
	{ "an entry is gone", "DELETE FROM ledger_entry WHERE movement_id = 2", "entries", true },
	{ "two entries are wrong",
	  "UPDATE ledger_entry SET delta = delta + CASE account WHEN 1 THEN 1 ELSE -1 END"
	  " WHERE movement_id = 1",
	  "entries", true },
	{ "a movement that does not add up",
	  "UPDATE ledger_entry SET delta = delta + CASE movement_id WHEN 1 THEN 1"
	  " ELSE -1 END WHERE account = 6 AND movement_id IN (1, 2)",
	  "movement 1", true },
	{ "an amount is wrong", "UPDATE movement SET amount = 0 WHERE id = 1", "movement 1", true },
	{ "a fee is wrong", "UPDATE movement SET fee = 1 WHERE id = 2", "movement 2", true },
};

static int some_of_each(struct unit *u, void *ctx, struct err *err)
{
	struct movement m = moving(u, &bob);

	(void)ctx;
	add(u, 0, 2, PROOF_SPENDABLE, &nobody);
	add(u, 2, 2, PROOF_LOCKED, &alice);
	add(u, 4, 2, PROOF_PENDING, &alice);
	add(u, 6, 2, PROOF_LOCKED, &bob);
	OK(proof_store_move(&m, &bob, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, NULL, err));
	OK(movement_post(&m, err));
	return 0;
}

START_TEST(drift_table)
{
	struct err e, *err = &e;

	scratch_unit(&scratch, some_of_each, NULL);
	OK(movement_audit(store_view(scratch.store), err));
	scratch_sql(&scratch, drifts[_i].sql);
	if (drifts[_i].audit_only)
		OK(movement_check(store_view(scratch.store), err));
	else
		FAILS(movement_check(store_view(scratch.store), err), ERR_INTERNAL);
	FAILS(movement_audit(store_view(scratch.store), err), ERR_INTERNAL);
	ck_assert_msg(strstr(err->msg, drifts[_i].says) != NULL, "%s: %s", drifts[_i].name, err->msg);
}
END_TEST

/* Property: whatever is done in whatever order, with units that fail in the middle, a model that knows nothing of SQL
 * agrees with the coins, and the ledger with both. */
enum { PROOFS = 60, HOLDERS = 3, STEPS = 400 };

struct model {
	struct coin {
		enum proof_state state; /* 0: not there */
		int holder;             /* 0 none */
		uint64_t amount;
	} coins[PROOFS];
	int64_t outside, fees;
};

static const struct action_id holders[HOLDERS + 1] = { { "" }, { "h1" }, { "h2" }, { "h3" } };

struct play {
	struct model now, next;
	bool fail;
};

static int64_t model_sum(const struct model *w, enum proof_state s)
{
	int64_t sum = 0;

	for (int i = 0; i < PROOFS; i++)
		if (w->coins[i].state == s)
			sum += (int64_t)w->coins[i].amount;
	return sum;
}

static void play_add(struct movement *m, struct model *w, int holder, struct err *err)
{
	static const enum proof_state states[] = { PROOF_SPENDABLE, PROOF_LOCKED, PROOF_PENDING };
	unsigned i = (unsigned)rng_below(PROOFS);
	enum proof_state state = states[rng_below(3)];
	struct proof p = proof_of(i, 1 + rng_below(1000));

	if (w->coins[i].state) {
		FAILS(proof_store_add(m, &p, 1, state, &holders[holder], ACCOUNT_OUTSIDE, NULL, err), ERR_EXISTS);
		return;
	}
	OK(proof_store_add(m, &p, 1, state, &holders[holder], ACCOUNT_OUTSIDE, NULL, err));
	w->coins[i] = (struct coin){ state, state == PROOF_SPENDABLE ? 0 : holder, p.amount };
	w->outside -= (int64_t)p.amount;
}

static void play_lock(struct movement *m, struct model *w, int holder, struct err *err)
{
	struct pubkey ys[3];
	unsigned named[3], n = 1 + (unsigned)rng_below(3);
	bool all = true;

	for (unsigned k = 0; k < n; k++) {
		named[k] = (unsigned)rng_below(PROOFS);
		ys[k] = y_of(named[k]);
		all = all && w->coins[named[k]].state == PROOF_SPENDABLE;
		for (unsigned j = 0; j < k; j++)
			all = all && named[j] != named[k];
	}
	if (!all) {
		FAILS(proof_store_lock(m, ys, n, &holders[holder], err), ERR_CONFLICT);
		return;
	}
	OK(proof_store_lock(m, ys, n, &holders[holder], err));
	for (unsigned k = 0; k < n; k++)
		w->coins[named[k]] = (struct coin){ PROOF_LOCKED, holder, w->coins[named[k]].amount };
}

static void play_move(struct movement *m, struct model *w, int holder, struct err *err)
{
	static const enum proof_state froms[] = { PROOF_LOCKED, PROOF_PENDING, PROOF_SENT };
	enum proof_state from = froms[rng_below(3)], to = (enum proof_state)(1 + rng_below(6));
	enum account account = rng_below(2) ? ACCOUNT_OUTSIDE : ACCOUNT_FEES;
	unsigned only = (unsigned)rng_below(PROOFS);
	struct pubkey y = y_of(only);
	bool some = rng_below(2) == 0;
	struct ecash sum;
	uint64_t expected = 0;

	for (unsigned i = 0; i < PROOFS; i++) {
		struct coin *c = &w->coins[i];

		if (c->state != from || c->holder != holder || (some && i != only))
			continue;
		expected += c->amount;
		c->state = to;
		if (to == PROOF_SPENDABLE || to == PROOF_SPENT || to == PROOF_INVALID)
			c->holder = 0;
		if (to == PROOF_SPENT && account == ACCOUNT_FEES)
			w->fees += (int64_t)c->amount;
		else if (to == PROOF_SPENT)
			w->outside += (int64_t)c->amount;
	}
	if (some)
		OK(proof_store_move_some(m, &holders[holder], &y, 1, from, to, account, &sum, err));
	else
		OK(proof_store_move(m, &holders[holder], from, to, account, &sum, err));
	ck_assert_uint_eq(ecash_value(sum), expected);
}

static void play_drop(struct movement *m, struct model *w, int holder, struct err *err)
{
	OK(proof_store_drop_pending(m, &holders[holder], err));
	for (int i = 0; i < PROOFS; i++)
		if (w->coins[i].state == PROOF_PENDING && w->coins[i].holder == holder) {
			w->outside += (int64_t)w->coins[i].amount;
			w->coins[i] = (struct coin){ 0 };
		}
}

static void play_release(struct unit *u, struct model *w, int holder, struct err *err)
{
	OK(proof_store_release(u, &holders[holder], 7000, err));
	for (int i = 0; i < PROOFS; i++)
		if (w->coins[i].state == PROOF_LOCKED && w->coins[i].holder == holder)
			w->coins[i] = (struct coin){ PROOF_SPENDABLE, 0, w->coins[i].amount };
}

static void play_rehold(struct unit *u, struct model *w, int holder, struct err *err)
{
	enum proof_state state = rng_below(2) ? PROOF_LOCKED : PROOF_SENT;
	int to = 1 + (int)rng_below(HOLDERS);

	OK(proof_store_rehold(u, &holders[holder], &holders[to], state, err));
	for (int i = 0; i < PROOFS; i++)
		if (w->coins[i].state == state && w->coins[i].holder == holder)
			w->coins[i].holder = to;
}

/* Does what the model says hold in this view? */
static void agree(struct view v, const struct model *w)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct err e, *err = &e;
	char expected[256];

	for (unsigned i = 0; i < PROOFS; i++) {
		struct pubkey y = y_of(i);
		struct proof_row row;
		int found = proof_store_find(v, &a, &y, &row, err);

		ck_assert_int_eq(found, w->coins[i].state ? 1 : 0);
		if (!found)
			continue;
		ck_assert_int_eq(row.state, w->coins[i].state);
		ck_assert_str_eq(row.holder.s, holders[w->coins[i].holder].s);
		ck_assert_uint_eq(row.proof.amount, w->coins[i].amount);
	}
	snprintf(expected, sizeof(expected),
		 "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
		 model_sum(w, PROOF_SPENDABLE), model_sum(w, PROOF_LOCKED), model_sum(w, PROOF_PENDING),
		 model_sum(w, PROOF_SENT), w->fees, w->outside, model_sum(w, PROOF_INVALID));
	ck_assert_str_eq(totals(v), expected);
}

static int play_unit(struct unit *u, void *ctx, struct err *err)
{
	struct play *p = ctx;

	p->next = p->now;
	for (unsigned left = 1 + (unsigned)rng_below(3); left > 0; left--) {
		int holder = 1 + (int)rng_below(HOLDERS);
		struct movement m = moving(u, &holders[holder]);

		switch (rng_below(8)) {
		case 0:
		case 1:
		case 2:
			play_add(&m, &p->next, holder, err);
			break;
		case 3:
			play_lock(&m, &p->next, holder, err);
			break;
		case 4:
			play_drop(&m, &p->next, holder, err);
			break;
		case 5:
			play_release(u, &p->next, holder, err);
			break;
		case 6:
			play_rehold(u, &p->next, holder, err);
			break;
		default:
			play_move(&m, &p->next, holder, err);
		}
		OK(movement_post(&m, err));
	}
	return p->fail ? ERR(err, ERR_RANGE, "on purpose") : 0;
}

START_TEST(ledger_and_coins_agree)
{
	struct err e, *err = &e;
	struct play p = { 0 };

	rng_seed_for_test((uint64_t)_i + 1);
	for (int step = 0; step < STEPS; step++) {
		p.fail = rng_below(4) == 0;
		if (p.fail)
			FAILS(store_unit(scratch.store, play_unit, &p, NULL, err), ERR_RANGE);
		else {
			OK(store_unit(scratch.store, play_unit, &p, NULL, err));
			p.now = p.next;
		}
		if (step % 20 == 19) {
			store_flush(scratch.store);
			agree(store_view(scratch.store), &p.now);
		}
	}
	scratch_reopen(&scratch);
	agree(store_view(scratch.store), &p.now);
	rng_seed_for_test(0);
}
END_TEST

START_TEST(names)
{
	static const char *const expected[] = { "spendable", "locked", "pending", "sent", "spent", "invalid" };
	static const enum account accounts[] = { ACCOUNT_SPENDABLE, ACCOUNT_LOCKED,  ACCOUNT_PENDING,
						 ACCOUNT_SENT,      ACCOUNT_OUTSIDE, ACCOUNT_INVALID };

	for (int s = PROOF_SPENDABLE; s <= PROOF_INVALID; s++) {
		ck_assert_str_eq(proof_state_name((enum proof_state)s), expected[s - 1]);
		ck_assert_int_eq(proof_account((enum proof_state)s), accounts[s - 1]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/proof_store");
	TCase *tc = tcase_create("proofs");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	tcase_add_loop_test(tc, move_table, 0, (int)ARRAY_LEN(moves));
	tcase_add_loop_test(tc, lock_table, 0, (int)ARRAY_LEN(locks));
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	tcase_add_loop_test(tc, drift_table, 0, (int)ARRAY_LEN(drifts));
	tcase_add_loop_test(tc, ledger_and_coins_agree, 0, 4);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
