#include "store/due.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct action_id id_of(int n)
{
	struct action_id id = { 0 };

	snprintf(id.s, sizeof(id.s), "action-%d", n);
	return id;
}

START_TEST(an_id_is_claimed_once)
{
	struct due_guard *g = due_guard_new(2);
	struct action_id a = id_of(1), b = id_of(2), c = id_of(3);

	ck_assert(!due_is_claimed(g, &a));
	ck_assert(due_claim(g, &a));
	ck_assert(due_is_claimed(g, &a));
	ck_assert(!due_claim(g, &a));
	ck_assert(due_claim(g, &b));
	ck_assert(!due_claim(g, &c)); /* full */
	ck_assert_uint_eq(due_inflight(g), 2);
	due_release(g, &c); /* was not claimed: nothing happens */
	ck_assert_uint_eq(due_inflight(g), 2);
	due_release(g, &a);
	ck_assert(due_claim(g, &c));
	ck_assert(!due_is_claimed(g, &a));
	due_guard_free(g);
}
END_TEST

START_TEST(the_limit_moves)
{
	struct due_guard *g = due_guard_new(4);

	for (int i = 0; i < 4; i++) {
		struct action_id id = id_of(i);

		ck_assert(due_claim(g, &id));
	}
	due_guard_limit(g, 1000);
	for (int i = 0; i < 1000; i++) {
		struct action_id id = id_of(i);

		ck_assert_int_eq(due_claim(g, &id), i >= 4);
	}
	due_guard_limit(g, 2);
	for (int i = 0; i < 1000; i++) {
		struct action_id id = id_of(i), other = id_of(1000);

		ck_assert(due_is_claimed(g, &id));
		due_release(g, &id);
		ck_assert_int_eq(due_claim(g, &other), i >= 998);
		due_release(g, &other);
	}
	ck_assert_uint_eq(due_inflight(g), 0);
	due_guard_free(g);
}
END_TEST

/* Against a plain array of flags: what is claimed stays found, whatever was released around it. */
START_TEST(it_is_a_set)
{
	enum { IDS = 600, MAX = 128 };
	struct due_guard *g = due_guard_new(MAX);
	bool in[IDS] = { false };
	unsigned n = 0;

	srandom((unsigned)_i);
	for (int round = 0; round < 20000; round++) {
		int k = (int)(random() % IDS);
		struct action_id id = id_of(k);

		if (random() % 2) {
			bool can = !in[k] && n < MAX;

			ck_assert_int_eq(due_claim(g, &id), can);
			in[k] = in[k] || can;
			n += can;
		} else {
			due_release(g, &id);
			n -= in[k];
			in[k] = false;
		}
		ck_assert_uint_eq(due_inflight(g), n);
		k = (int)(random() % IDS);
		id = id_of(k);
		ck_assert_int_eq(due_is_claimed(g, &id), in[k]);
	}
	due_guard_free(g);
}
END_TEST

START_TEST(a_version_is_held_or_not)
{
	struct err e, *err = &e;

	OK(due_version_held(1, "a", err));
	FAILS(due_version_held(0, "action 7", err), ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(err->msg, "action 7"));
	ck_assert_int_eq(err->class, ERR_CONFLICTING);
	ERR(err, ERR_STORAGE, "as it was");
	FAILS(due_version_held(-1, "a", err), ERR_STORAGE);
	due_guard_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/due");
	TCase *tc = tcase_create("due");

	tcase_add_test(tc, an_id_is_claimed_once);
	tcase_add_test(tc, the_limit_moves);
	tcase_add_loop_test(tc, it_is_a_set, 1, 5);
	tcase_add_test(tc, a_version_is_held_or_not);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
