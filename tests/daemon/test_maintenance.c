/* daemon/maintenance.c over a real store: what retention lets go and keeps, and books that do not agree. */
#include "daemon/maintenance.h"

#include <string.h>

#include "base/clock.h"
#include "store/action_store.h"
#include "store/event_store.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define DAY_MS INT64_C(86400000)
#define NOW_MS (INT64_C(20000) * DAY_MS)

static struct scratch scratch;
static struct maintenance m;
static struct err error, ledger;
static int checks;

static void ledger_checked(void *ctx, const struct err *failed)
{
	(void)ctx;
	checks++;
	err_clear(&ledger);
	if (failed)
		ledger = *failed;
}

static void set_up(void)
{
	clock_set_for_test(NOW_MS);
	scratch_open(&scratch);
	m = maintenance_new(scratch.store, ledger_checked, NULL);
}

static void tear_down(void)
{
	scratch_close(&scratch);
	clock_set_for_test(-1);
}

static int run(void)
{
	int rc = maintenance_task.run(&m, &error);

	store_flush(scratch.store);
	return rc;
}

/* An action that ended, and an event, this many days ago. */
static int add_old(struct unit *u, void *ctx, struct err *err)
{
	int64_t at = NOW_MS - *(const int *)ctx * DAY_MS;
	struct action_row row = {
		.kind = "test", .state = 1, .status = ACTION_RUNNING, .params = "{}", .checkpoint = "{}"
	};
	int64_t seq;

	clock_set_for_test(at);
	snprintf(row.id.s, sizeof(row.id.s), "old-%d", *(const int *)ctx);
	row.wake_at_ms = ACTION_NO_WAKE;
	row.created_at_ms = row.updated_at_ms = at;
	if (action_store_add(u, &row, &seq, err) != 0)
		return -1;
	row.seq = seq;
	row.status = ACTION_DONE;
	row.result = "{}";
	row.funds_moved = "no";
	if (action_store_end(u, &row, err) != 0 || event_append(u, "test.event", row.id.s, "{}", err) != 0)
		return -1;
	clock_set_for_test(NOW_MS);
	return 0;
}

static bool is_kept(int days)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(65536);
	struct action_row row;
	struct action_id id;

	snprintf(id.s, sizeof(id.s), "old-%d", days);
	return action_store_get(store_view(scratch.store), &a, &id, &row, &error) == 0;
}

static void count(void *ctx, const struct event *e)
{
	(void)e;
	++*(int *)ctx;
}

static int events(void)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(65536);
	int64_t cursor;
	int n = 0;

	ck_assert_int_ge(event_list(store_view(scratch.store), &a, 0, "test.*", 100, count, &n, &cursor, &error), 0);
	return n;
}

START_TEST(test_retention)
{
	for (int days = 0; days <= 40; days += 20)
		scratch_unit(&scratch, add_old, &days);
	ck_assert_msg(run() == 0, "%s", error.msg);
	ck_assert(is_kept(0) && is_kept(20) && is_kept(40)); /* 0 days: for ever */
	ck_assert_int_eq(events(), 3);
	m.retention_days = 30;
	ck_assert_msg(run() == 0, "%s", error.msg);
	ck_assert(is_kept(0) && is_kept(20) && !is_kept(40));
	ck_assert_int_eq(events(), 3);
	m.event_retention_days = 10;
	ck_assert_msg(run() == 0, "%s", error.msg);
	ck_assert(is_kept(20));
	ck_assert_int_lt(events(), 3);
}
END_TEST

/* While the books disagree nothing is removed, and every run says so again. */
START_TEST(test_ledger)
{
	int days = 40;

	scratch_unit(&scratch, add_old, &days);
	ck_assert_msg(run() == 0, "%s", error.msg);
	ck_assert_int_eq(checks, 1);
	ck_assert_int_eq(ledger.code, ERR_NONE);
	ck_assert_msg(run() == 0, "%s", error.msg);
	ck_assert_int_eq(checks, 1); /* once a day */

	scratch_sql(&scratch,
		    "INSERT INTO mint (url, trusted, dleq, quote_locks, quote_legacy, added_at_ms, synced_at_ms,"
		    " trouble_since_ms) VALUES ('https://m', 1, 0, 0, 0, 0, 0, 0)");
	scratch_sql(&scratch, "INSERT INTO account_total (rail, mint_id, unit, account, total)"
			      " SELECT 'ecash', id, 'sat', 1, 5 FROM mint");
	m = maintenance_new(scratch.store, ledger_checked, NULL);
	m.retention_days = 1;
	for (int i = 2; i <= 3; i++) {
		ck_assert_int_eq(run(), -1);
		ck_assert_int_eq(checks, i);
		ck_assert_int_eq(ledger.code, ERR_INTERNAL);
		ck_assert_msg(strstr(error.msg, "ledger") != NULL, "%s", error.msg);
		ck_assert(is_kept(40));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("maintenance");
	TCase *t = tcase_create("maintenance");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_retention);
	tcase_add_test(t, test_ledger);
	suite_add_tcase(s, t);
	return suite_run(s);
}
