#include "store/movement_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static const struct currency sat = { "sat" }, usd = { "usd" };
static const struct action_id alice = { "alice" }, nobody = { "" };

static int two_mints(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	ck_assert_int_eq(scratch_mint(u, "https://a"), 1);
	ck_assert_int_eq(scratch_mint(u, "https://b"), 2);
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	scratch_unit(&scratch, two_mints, NULL);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static struct ecash ecash_of(uint64_t v, struct currency unit)
{
	struct ecash ret;

	ck_assert(ecash_make(v, unit, &ret));
	return ret;
}

static void shift(struct movement *m, enum account from, enum account to, uint64_t v)
{
	struct err e, *err = &e;

	OK(movement_add(m, from, to, ecash_of(v, m->unit), err));
}

/* A movement of one shift, posted. */
static void post(struct unit *u, int64_t mint, struct currency unit, const char *kind, enum account from,
		 enum account to, uint64_t v, int64_t at_ms)
{
	struct movement m = movement_begin(u, &alice, RAIL_ECASH, kind, mint, unit, at_ms);
	struct err e, *err = &e;

	shift(&m, from, to, v);
	OK(movement_post(&m, err));
}

struct seen {
	char text[1024];
	struct movement_row last;
};

static void see(void *ctx, const struct movement_row *row)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s%" PRId64, n ? " " : "", row->id);
	s->last = *row;
}

static int last_row(struct view v, struct arena *a, struct movement_row *ret)
{
	struct movement_query q = { .internal = true, .limit = 1 };
	struct seen s = { 0 };
	struct err e, *err = &e;
	int n = movement_list(v, a, &q, see, &s, err);

	OK(n);
	*ret = s.last;
	return n;
}

/* One movement each, after 1000 spendable at mint 1 and 50 at mint 2: what it enters and says. */
struct shift {
	enum account from, to;
	uint64_t v;
};
static const struct {
	const char *name;
	struct shift shifts[4];
	int64_t amount, fee, balance;
	int64_t delta[ACCOUNT_MAX + 1];
} posts[] = {
	{ "issue", { { ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 8 } }, 8, 0, 1058, { 0, 8, 0, 0, 0, 0, -8, 0 } },
	{ "lock", { { ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, 8 } }, 0, 0, 1050, { 0, -8, 8, 0, 0, 0, 0, 0 } },
	{ "send", { { ACCOUNT_SPENDABLE, ACCOUNT_SENT, 8 } }, 0, 0, 1050, { 0, -8, 0, 0, 8, 0, 0, 0 } },
	{ "fee", { { ACCOUNT_SPENDABLE, ACCOUNT_FEES, 8 } }, -8, 8, 1042, { 0, -8, 0, 0, 0, 8, 0, 0 } },
	{ "pending is not ours", { { ACCOUNT_OUTSIDE, ACCOUNT_PENDING, 8 } }, 0, 0, 1050, { 0, 0, 0, 8, 0, 0, -8, 0 } },
	{ "nor is what is invalid",
	  { { ACCOUNT_SPENDABLE, ACCOUNT_INVALID, 8 } },
	  -8,
	  0,
	  1042,
	  { 0, -8, 0, 0, 0, 0, 0, 8 } },
	{ "a swap with a fee",
	  { { ACCOUNT_SPENDABLE, ACCOUNT_OUTSIDE, 100 },
	    { ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 60 },
	    { ACCOUNT_OUTSIDE, ACCOUNT_LOCKED, 39 },
	    { ACCOUNT_OUTSIDE, ACCOUNT_FEES, 1 } },
	  -1,
	  1,
	  1049,
	  { 0, -40, 39, 0, 0, 1, 0, 0 } },
};

static int post_case(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int i = *(int *)ctx;
	struct movement m;
	struct movement_row row;

	post(u, 1, sat, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 1000, 1);
	post(u, 2, sat, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 50, 2);
	post(u, 2, usd, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 7777, 3); /* another unit: not in the balance */
	m = movement_begin(u, i % 2 ? &alice : &nobody, RAIL_ECASH, "kind", 1, sat, 4000);
	m.note = i % 2 ? "a note" : NULL;
	for (size_t k = 0; k < ARRAY_LEN(posts[i].shifts); k++)
		if (posts[i].shifts[k].v > 0)
			shift(&m, posts[i].shifts[k].from, posts[i].shifts[k].to, posts[i].shifts[k].v);
	OK(movement_post(&m, err));
	ck_assert_int_eq(last_row(unit_view(u), &a, &row), 1);
	ck_assert_int_eq(row.id, 4);
	ck_assert_int_eq(row.at_ms, 4000);
	ck_assert_str_eq(row.action.s, i % 2 ? "alice" : "");
	ck_assert_str_eq(row.rail, "ecash");
	ck_assert_str_eq(row.kind, "kind");
	ck_assert_str_eq(row.mint_url, "https://a");
	ck_assert_str_eq(row.unit.s, "sat");
	ck_assert_pstr_eq(row.note, i % 2 ? "a note" : NULL);
	ck_assert_int_eq(row.amount, posts[i].amount);
	ck_assert_int_eq(row.fee, posts[i].fee);
	ck_assert_int_eq(row.balance, posts[i].balance);
	for (int acc = 1; acc <= ACCOUNT_MAX; acc++)
		ck_assert_msg(row.delta[acc] == posts[i].delta[acc], "%s: %s", posts[i].name,
			      account_name((enum account)acc));
	return 0;
}

START_TEST(post_table)
{
	int i = _i;

	scratch_unit(&scratch, post_case, &i);
}
END_TEST

static int nothing_twice(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct movement m = movement_begin(u, &alice, RAIL_ECASH, "kind", 1, sat, 4000);
	struct movement_row row;

	(void)ctx;
	shift(&m, ACCOUNT_OUTSIDE, ACCOUNT_OUTSIDE, 5);
	shift(&m, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 0);
	shift(&m, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 5);
	shift(&m, ACCOUNT_SPENDABLE, ACCOUNT_OUTSIDE, 5);
	OK(movement_post(&m, err));
	ck_assert_int_eq(last_row(unit_view(u), &a, &row), 0); /* it came to nothing */
	shift(&m, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 5);
	OK(movement_post(&m, err));
	OK(movement_post(&m, err));
	ck_assert_int_eq(last_row(unit_view(u), &a, &row), 1);
	ck_assert_int_eq(row.id, 1);
	ck_assert_int_eq(row.balance, 5);
	return 0;
}

START_TEST(nothing_is_written_twice)
{
	scratch_unit(&scratch, nothing_twice, NULL);
}
END_TEST

/* Sums that do not fit, and accounts that cannot be. */
static int refusals(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct movement m = movement_begin(u, &alice, RAIL_ECASH, "kind", 1, sat, 4000), other;
	struct movement_row row;

	(void)ctx;
	shift(&m, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, AMOUNT_MAX - 10);
	FAILS(movement_add(&m, ACCOUNT_OUTSIDE, ACCOUNT_SENT, ecash_of(12, sat), err), ERR_RANGE);
	FAILS(movement_add(&m, ACCOUNT_FEES, ACCOUNT_SPENDABLE, ecash_of(12, sat), err), ERR_RANGE);
	OK(movement_post(&m, err));

	/* Over two accounts; another mint and another unit have room, and the balance of all mints stops at its end. */
	other = movement_begin(u, &alice, RAIL_ECASH, "kind", 1, sat, 4000);
	shift(&other, ACCOUNT_FEES, ACCOUNT_SENT, 11);
	FAILS(movement_post(&other, err), ERR_RANGE);
	other = movement_begin(u, &alice, RAIL_ECASH, "kind", 2, sat, 4000);
	shift(&other, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 10);
	OK(movement_post(&other, err));
	ck_assert_int_eq(last_row(unit_view(u), &a, &row), 1);
	ck_assert_int_eq(row.balance, INT64_MAX);
	other = movement_begin(u, &alice, RAIL_ECASH, "kind", 2, sat, 4000);
	shift(&other, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 11);
	OK(movement_post(&other, err));
	ck_assert_int_eq(last_row(unit_view(u), &a, &row), 1);
	ck_assert_int_eq(row.balance, INT64_MAX);
	post(u, 2, usd, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 11, 3);

	/* What is not there cannot leave. */
	other = movement_begin(u, &alice, RAIL_ECASH, "kind", 2, sat, 4000);
	shift(&other, ACCOUNT_SPENDABLE, ACCOUNT_OUTSIDE, 22);
	FAILS(movement_post(&other, err), ERR_INTERNAL);
	other = movement_begin(u, &alice, RAIL_ECASH, "kind", 2, usd, 4000);
	shift(&other, ACCOUNT_PENDING, ACCOUNT_OUTSIDE, 1);
	FAILS(movement_post(&other, err), ERR_INTERNAL);

	ck_assert_int_eq(last_row(unit_view(u), &a, &row), 1);
	ck_assert_int_eq(row.id, 4); /* what was refused left nothing */
	return 0;
}

START_TEST(refused_movements_leave_nothing)
{
	scratch_unit(&scratch, refusals, NULL);
}
END_TEST

static int fail_after_post(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	post(u, 1, sat, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 8, 1);
	return ERR(err, ERR_RANGE, "on purpose");
}

START_TEST(rollback_leaves_nothing)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct account_total *t;
	struct movement_row row;
	struct err e, *err = &e;
	size_t n;

	FAILS(store_unit(scratch.store, fail_after_post, NULL, NULL, err), ERR_RANGE);
	store_flush(scratch.store);
	ck_assert_int_eq(last_row(store_view(scratch.store), &a, &row), 0);
	OK(movement_totals(store_view(scratch.store), &a, &t, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(movement_audit(store_view(scratch.store), err));
}
END_TEST

static int totals(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct account_total *t;
	size_t n;

	(void)ctx;
	post(u, 2, usd, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 30, 1);
	post(u, 2, sat, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 20, 1);
	post(u, 1, sat, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 10, 1);
	post(u, 1, sat, "lock", ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, 4, 1);
	OK(movement_totals(unit_view(u), &a, &t, &n, err));
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(t[0].rail, "ecash");
	ck_assert_str_eq(t[0].mint_url, "https://a");
	ck_assert_int_eq(t[0].mint_id, 1);
	ck_assert_str_eq(t[0].unit.s, "sat");
	ck_assert_int_eq(t[0].total[ACCOUNT_SPENDABLE], 6);
	ck_assert_int_eq(t[0].total[ACCOUNT_LOCKED], 4);
	ck_assert_int_eq(t[0].total[ACCOUNT_OUTSIDE], -10);
	ck_assert_int_eq(t[1].mint_id, 2);
	ck_assert_str_eq(t[1].unit.s, "sat");
	ck_assert_int_eq(t[1].total[ACCOUNT_SPENDABLE], 20);
	ck_assert_int_eq(t[1].total[ACCOUNT_LOCKED], 0);
	ck_assert_str_eq(t[2].unit.s, "usd");
	ck_assert_int_eq(t[2].total[ACCOUNT_SPENDABLE], 30);
	return 0;
}

START_TEST(totals_by_mint_and_unit)
{
	scratch_unit(&scratch, totals, NULL);
}
END_TEST

/* Of movements 1 issue at 100 ms, 2 lock at 200, 3 fee at 300, 4 release at 400, 5 issue at 500. */
static const struct {
	const char *name;
	struct movement_query q;
	const char *seen;
} listings[] = {
	{ "newest first", { .limit = 10 }, "5 3 1" },
	{ "oldest first", { .limit = 10, .oldest_first = true }, "1 3 5" },
	{ "internal ones too", { .limit = 10, .internal = true }, "5 4 3 2 1" },
	{ "internal, oldest first", { .limit = 10, .internal = true, .oldest_first = true }, "1 2 3 4 5" },
	{ "a page", { .limit = 2 }, "5 3" },
	{ "the next page", { .limit = 2, .before_id = 3 }, "1" },
	{ "a page from the start", { .limit = 2, .oldest_first = true }, "1 3" },
	{ "the next page from there", { .limit = 2, .oldest_first = true, .after_id = 3 }, "5" },
	{ "between", { .limit = 10, .internal = true, .after_id = 1, .before_id = 4 }, "3 2" },
	{ "since", { .limit = 10, .internal = true, .since_ms = 300 }, "5 4 3" },
	{ "of the rail", { .limit = 10, .rail = "ecash" }, "5 3 1" },
	{ "of another rail", { .limit = 10, .rail = "onchain" }, "" },
	{ "no limit is no row", { .limit = 0 }, "" },
};

static int list_case(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int i = *(int *)ctx, n;
	struct seen s = { 0 };

	post(u, 1, sat, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 10, 100);
	post(u, 1, sat, "lock", ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, 5, 200);
	post(u, 1, sat, "fee", ACCOUNT_LOCKED, ACCOUNT_FEES, 1, 300);
	post(u, 1, sat, "release", ACCOUNT_LOCKED, ACCOUNT_SPENDABLE, 4, 400);
	post(u, 2, usd, "issue", ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, 3, 500);
	n = movement_list(unit_view(u), &a, &listings[i].q, see, &s, err);
	OK(n);
	ck_assert_msg(strcmp(s.text, listings[i].seen) == 0, "%s: %s", listings[i].name, s.text);
	ck_assert_int_eq(n, (int)(strlen(s.text) + 1) / 2);
	return 0;
}

START_TEST(list_table)
{
	int i = _i;

	scratch_unit(&scratch, list_case, &i);
}
END_TEST

START_TEST(names)
{
	static const char *const expected[] = { "spendable", "locked",  "pending", "sent",
						"fees",      "outside", "invalid", "exiting" };

	for (int acc = 1; acc <= ACCOUNT_MAX; acc++)
		ck_assert_str_eq(account_name((enum account)acc), expected[acc - 1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/movement_store");
	TCase *tc = tcase_create("ledger");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names);
	tcase_add_loop_test(tc, post_table, 0, (int)ARRAY_LEN(posts));
	tcase_add_test(tc, nothing_is_written_twice);
	tcase_add_test(tc, refused_movements_leave_nothing);
	tcase_add_test(tc, rollback_leaves_nothing);
	tcase_add_test(tc, totals_by_mint_and_unit);
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
