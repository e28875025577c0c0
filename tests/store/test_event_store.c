#include "store/event_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;

static void setup(void)
{
	scratch_open(&scratch);
	clock_set_for_test(1000);
}

static void teardown(void)
{
	clock_set_for_test(-1);
	scratch_close(&scratch);
}

/* What a listing gave, as "seq:kind seq:kind". */
struct seen {
	char text[4096];
};

static void see(void *ctx, const struct event *e)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s%lld:%s", n ? " " : "", (long long)e->seq, e->kind);
}

static int list(int64_t after, const char *kinds, unsigned limit, struct seen *ret, int64_t *ret_cursor)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct err e, *err = &e;
	int n;

	*ret = (struct seen){ 0 };
	n = event_list(store_view(scratch.store), &a, after, kinds, limit, see, ret, ret_cursor, err);
	OK(n);
	return n;
}

static int add_two(struct unit *u, void *ctx, struct err *err)
{
	OK(event_append(u, "test.one", "s", "{}", err));
	OK(event_append(u, "test.two", "s", "{}", err));
	return ctx ? ERR(err, ERR_RANGE, "on purpose") : 0;
}

START_TEST(empty)
{
	struct err e, *err = &e;
	struct seen seen;
	int64_t last = -1, cursor = -1;

	OK(event_last_seq(store_view(scratch.store), &last, err));
	ck_assert_int_eq(last, 0);
	ck_assert_int_eq(list(0, NULL, 10, &seen, &cursor), 0);
	ck_assert_int_eq(cursor, 0);
}
END_TEST

START_TEST(dense_over_rollbacks)
{
	struct err e, *err = &e;
	struct seen seen;
	int64_t cursor, last;

	/* In one group, then across groups and a restart: what was rolled back leaves no hole. */
	OK(store_unit(scratch.store, add_two, NULL, NULL, err));
	FAILS(store_unit(scratch.store, add_two, &cursor, NULL, err), ERR_RANGE);
	OK(store_unit(scratch.store, add_two, NULL, NULL, err));
	store_flush(scratch.store);
	FAILS(store_unit(scratch.store, add_two, &cursor, NULL, err), ERR_RANGE);
	OK(store_rehearse(scratch.store, add_two, NULL, err));
	store_flush(scratch.store);
	scratch_reopen(&scratch);
	scratch_unit(&scratch, add_two, NULL);

	ck_assert_int_eq(list(0, NULL, 100, &seen, &cursor), 6);
	ck_assert_str_eq(seen.text, "1:test.one 2:test.two 3:test.one 4:test.two 5:test.one 6:test.two");
	ck_assert_int_eq(cursor, 6);
	OK(event_last_seq(store_view(scratch.store), &last, err));
	ck_assert_int_eq(last, 6);
}
END_TEST

static int add_some(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	OK(event_append(u, "action.state", "a1", "{\"n\":1}", err));
	OK(event_append(u, "action.done", "a1", "{}", err));
	OK(event_append(u, "mint.added", "https://mint", "{}", err));
	OK(event_append(u, "actions.other", "x", "{}", err));
	OK(event_append(u, "action.state", "a2", "{}", err));
	return 0;
}

static const struct {
	const char *name, *kinds;
	int64_t after;
	unsigned limit;
	const char *seen;
	int64_t cursor;
} listings[] = {
	{ "all", NULL, 0, 10, "1:action.state 2:action.done 3:mint.added 4:actions.other 5:action.state", 5 },
	{ "after is exclusive", NULL, 2, 10, "3:mint.added 4:actions.other 5:action.state", 5 },
	{ "limit", NULL, 1, 2, "2:action.done 3:mint.added", 3 },
	{ "no limit is no row", NULL, 1, 0, "", 1 },
	{ "after the end", NULL, 5, 10, "", 5 },
	{ "beyond the end", NULL, 50, 10, "", 50 },
	{ "one kind", "action.state", 0, 10, "1:action.state 5:action.state", 5 },
	{ "a limit of matches", "action.state", 0, 1, "1:action.state", 1 },
	{ "a prefix", "action.*", 0, 10, "1:action.state 2:action.done 5:action.state", 5 },
	{ "two kinds", "mint.added,action.done", 0, 10, "2:action.done 3:mint.added", 5 },
	{ "kind and prefix", "actions.*,action.done", 0, 10, "2:action.done 4:actions.other", 5 },
	{ "not a part of a kind", "action", 0, 10, "", 5 },
	{ "not a longer one", "action.state.more", 0, 10, "", 5 },
	{ "empty items match nothing", ",", 0, 10, "", 5 },
	{ "all filtered moves the cursor", "none", 3, 10, "", 5 },
};

START_TEST(list_table)
{
	struct seen seen;
	int64_t cursor = -1;

	scratch_unit(&scratch, add_some, NULL);
	list(listings[_i].after, listings[_i].kinds, listings[_i].limit, &seen, &cursor);
	ck_assert_msg(strcmp(seen.text, listings[_i].seen) == 0, "%s: %s", listings[_i].name, seen.text);
	ck_assert_int_eq(cursor, listings[_i].cursor);
}
END_TEST

static void keep(void *ctx, const struct event *e)
{
	*(struct event *)ctx = *e;
}

START_TEST(fields)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct err e, *err = &e;
	struct event ev;
	int64_t cursor;

	scratch_unit(&scratch, add_some, NULL);
	OK(event_list(store_view(scratch.store), &a, 0, NULL, 1, keep, &ev, &cursor, err));
	ck_assert_int_eq(ev.seq, 1);
	ck_assert_int_eq(ev.at_ms, 1000);
	ck_assert_str_eq(ev.kind, "action.state");
	ck_assert_str_eq(ev.subject, "a1");
	ck_assert_str_eq(ev.data, "{\"n\":1}");
}
END_TEST

static int add_many(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	for (int i = 0; i < EVENT_LOOK_MAX; i++)
		OK(event_append(u, "noise", "", "{}", err));
	OK(event_append(u, "signal", "", "{}", err));
	return 0;
}

START_TEST(a_filtered_listing_is_bounded)
{
	struct seen seen;
	int64_t cursor = -1;

	scratch_unit(&scratch, add_many, NULL);
	ck_assert_int_eq(list(0, "signal", 10, &seen, &cursor), 0);
	ck_assert_int_eq(cursor, EVENT_LOOK_MAX);
	ck_assert_int_eq(list(cursor, "signal", 10, &seen, &cursor), 1);
	ck_assert_int_eq(cursor, EVENT_LOOK_MAX + 1);
}
END_TEST

/* Events 1 to 6 at these times; the third was written while the clock was wrong. */
static const int64_t times[] = { 10, 20, 9000, 30, 40, 50 };

static int add_timed(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		clock_set_for_test(times[i]);
		OK(event_append(u, "e", "", "{}", err));
	}
	return 0;
}

static const struct {
	const char *name;
	int64_t before_ms;
	unsigned max;
	const char *left;
} prunings[] = {
	{ "nothing is that old", 10, 10, "1:e 2:e 3:e 4:e 5:e 6:e" },
	{ "older ones go", 25, 10, "3:e 4:e 5:e 6:e" },
	{ "a wrong clock holds nothing up", 45, 10, "3:e 6:e" },
	{ "only the oldest are looked at", 45, 2, "3:e 4:e 5:e 6:e" },
	{ "the newest stays", 100000, 10, "6:e" },
};

static int prune(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;

	OK(event_prune(u, prunings[i].before_ms, prunings[i].max, err));
	OK(event_append(u, "next", "", "{}", err));
	return 0;
}

START_TEST(prune_table)
{
	struct seen seen;
	char expected[256];
	int64_t cursor;
	int i = _i;

	scratch_unit(&scratch, add_timed, NULL);
	scratch_unit(&scratch, prune, &i);
	list(0, NULL, 100, &seen, &cursor);
	snprintf(expected, sizeof(expected), "%s 7:next", prunings[i].left);
	ck_assert_msg(strcmp(seen.text, expected) == 0, "%s: %s", prunings[i].name, seen.text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/event_store");
	TCase *tc = tcase_create("events");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, empty);
	tcase_add_test(tc, dense_over_rollbacks);
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	tcase_add_test(tc, fields);
	tcase_add_test(tc, a_filtered_listing_is_bounded);
	tcase_add_loop_test(tc, prune_table, 0, (int)ARRAY_LEN(prunings));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
