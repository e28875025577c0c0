#include "store/key_index_store.h"

#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define V2_ID "01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct scratch scratch;

static void setup(void)
{
	scratch_open(&scratch);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static const struct keyset_id v1 = { "00aaaaaaaaaaaaaa" }, other = { "00bbbbbbbbbbbbbb" };

static int take(struct unit *u, void *ctx, struct err *err)
{
	int64_t at;

	OK(keyset_counter_take(u, &v1, 3, &at, err));
	if (ctx)
		return ERR(err, ERR_RANGE, "on purpose");
	return 0;
}

static int ranges(struct unit *u, void *ctx, struct err *err)
{
	int64_t at = -1;

	(void)ctx;
	OK(keyset_counter_take(u, &v1, 3, &at, err));
	ck_assert_int_eq(at, 0);
	OK(keyset_counter_take(u, &v1, 1, &at, err));
	ck_assert_int_eq(at, 3);
	OK(keyset_counter_take(u, &other, 5, &at, err));
	ck_assert_int_eq(at, 0);
	OK(keyset_counter_take(u, &v1, 2, &at, err));
	ck_assert_int_eq(at, 4);

	/* Raised, never lowered. */
	OK(keyset_counter_raise(u, &v1, 5, err));
	OK(keyset_counter_take(u, &v1, 1, &at, err));
	ck_assert_int_eq(at, 6);
	OK(keyset_counter_raise(u, &v1, 100, err));
	OK(keyset_counter_raise(u, &v1, 0, err));
	OK(keyset_counter_take(u, &v1, 1, &at, err));
	ck_assert_int_eq(at, 100);
	FAILS(keyset_counter_raise(u, &v1, -1, err), ERR_RANGE);

	OK(key_index_take(u, "quote", &at, err));
	ck_assert_int_eq(at, 0);
	OK(key_index_take(u, "quote", &at, err));
	ck_assert_int_eq(at, 1);
	OK(key_index_next(unit_view(u), "p2pk", &at, err));
	ck_assert_int_eq(at, 0);
	OK(key_index_take(u, "p2pk", &at, err));
	ck_assert_int_eq(at, 0);
	OK(key_index_next(unit_view(u), "p2pk", &at, err));
	ck_assert_int_eq(at, 1);

	OK(key_index_raise(u, "p2pk", 7, err));
	OK(key_index_raise(u, "p2pk", 3, err));
	OK(key_index_take(u, "p2pk", &at, err));
	ck_assert_int_eq(at, 7);
	FAILS(key_index_raise(u, "p2pk", -1, err), ERR_RANGE);
	FAILS(key_index_raise(u, "p2pk", (INT64_C(1) << 31) + 1, err), ERR_RANGE);
	return 0;
}

START_TEST(ranges_follow_each_other)
{
	scratch_unit(&scratch, ranges, NULL);
}
END_TEST

static int next_is(struct unit *u, void *ctx, struct err *err)
{
	int64_t at = -1;

	OK(keyset_counter_take(u, &v1, 1, &at, err));
	ck_assert_int_eq(at, *(int64_t *)ctx);
	return 0;
}

START_TEST(a_unit_that_fails_takes_nothing)
{
	int64_t expected = 6;
	struct err e, *err = &e;

	scratch_unit(&scratch, take, NULL);
	FAILS(store_unit(scratch.store, take, &expected, NULL, err), ERR_RANGE);
	scratch_unit(&scratch, take, NULL);
	scratch_reopen(&scratch);
	scratch_unit(&scratch, next_is, &expected);
}
END_TEST

/* At the end of the space: BIP32's for v1 and legacy ids, 64 bits for v2. */
static const struct {
	const char *name, *id;
	int64_t raised;
	uint32_t n;
	int64_t first; /* or -1: no room */
} ends[] = {
	{ "v1 has room for one", "00aaaaaaaaaaaaaa", INT64_C(0x7fffffff), 1, INT64_C(0x7fffffff) },
	{ "v1 has no room for two", "00aaaaaaaaaaaaaa", INT64_C(0x7fffffff), 2, -1 },
	{ "v1 is used up", "00aaaaaaaaaaaaaa", INT64_C(0x80000000), 1, -1 },
	{ "v1 takes all at once", "00aaaaaaaaaaaaaa", 0, UINT32_C(0x80000000), 0 },
	{ "v1 does not take more", "00aaaaaaaaaaaaaa", -1, UINT32_C(0x80000001), -1 },
	{ "a legacy id is no wider", "aaaaaaaaaaaa", INT64_C(0x80000000), 1, -1 },
	{ "a short id that starts as v2 is no wider", "01aaaaaaaaaaaa", INT64_C(0x80000000), 1, -1 },
	{ "v2 is wider", V2_ID, INT64_C(0x80000000), 5, INT64_C(0x80000000) },
	{ "v2 has room for one", V2_ID, INT64_MAX - 1, 1, INT64_MAX - 1 },
	{ "v2 has no room for two", V2_ID, INT64_MAX - 1, 2, -1 },
	{ "v2 is used up", V2_ID, INT64_MAX, UINT32_MAX, -1 },
};

static int end_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct keyset_id id = { "" };
	int64_t at = -1;

	memcpy(id.s, ends[i].id, strlen(ends[i].id));
	if (ends[i].raised >= 0)
		OK(keyset_counter_raise(u, &id, ends[i].raised, err));
	if (ends[i].first >= 0) {
		OK(keyset_counter_take(u, &id, ends[i].n, &at, err));
		ck_assert_int_eq(at, ends[i].first);
		return 0;
	}
	FAILS(keyset_counter_take(u, &id, ends[i].n, &at, err), ERR_RANGE);
	ck_assert_int_eq(at, -1);
	/* Refused is not taken: asking again gives the same answer. */
	FAILS(keyset_counter_take(u, &id, ends[i].n, &at, err), ERR_RANGE);
	return 0;
}

START_TEST(end_table)
{
	int i = _i;

	scratch_unit(&scratch, end_case, &i);
}
END_TEST

static int beyond(struct unit *u, void *ctx, struct err *err)
{
	int64_t at;

	(void)ctx;
	FAILS(keyset_counter_raise(u, &v1, INT64_C(0x80000001), err), ERR_RANGE);
	OK(key_index_take(u, "quote", &at, err));
	ck_assert_int_eq(at, INT64_C(0x7fffffff));
	FAILS(key_index_take(u, "quote", &at, err), ERR_RANGE);
	return 0;
}

START_TEST(beyond_the_end)
{
	scratch_sql(&scratch, "INSERT INTO key_index VALUES ('quote', 0x7fffffff)");
	scratch_unit(&scratch, beyond, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/key_index_store");
	TCase *tc = tcase_create("counters");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ranges_follow_each_other);
	tcase_add_test(tc, a_unit_that_fails_takes_nothing);
	tcase_add_loop_test(tc, end_table, 0, (int)ARRAY_LEN(ends));
	tcase_add_test(tc, beyond_the_end);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
