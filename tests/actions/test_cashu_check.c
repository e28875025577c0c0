/* Notes that were spent elsewhere stop counting, and no others; and a backup that was put back is asked about by itself.
 * spec/cashu.md 4.3. */
#include "actions/cashu_check.h"

#include "store/proof_store.h"
#include "store/wallet_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define CHECK "/v1/checkstate"
#define MANY  60

static struct world w;

/* Somebody who has the same notes spends the first n of those that count here. */
struct thief {
	unsigned n;
	uint64_t took;
};

static void steal(void *ctx, const struct proof_row *row)
{
	struct thief *t = ctx;

	world_spend_proof(&w, &row->proof);
	t->took += row->proof.amount;
}

static int64_t spent_elsewhere(unsigned n)
{
	struct proof_query q = { .mint_id = w.mint_id, .state = PROOF_SPENDABLE, .limit = n };
	struct thief t = { 0 };
	struct err e, *err = &e;

	if (n > 0)
		ck_assert_int_eq(proof_store_list(store_view(w.disk.store), &w.arena, &q, steal, &t, err), (int)n);
	return (int64_t)t.took;
}

static struct action_id check(void)
{
	return world_start(&w, "cashu_check", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
}

static void assert_checked(const struct action_id *id, int asked, int spent, int pending)
{
	struct action_row row;
	json_t *v;

	world_settle(&w, id, MANY);
	row = world_row(&w, id);
	ck_assert_msg(row.status == ACTION_DONE, "%s: %s", action_status_name(row.status), row.error_msg);
	v = world_result(&w, id);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "asked")), asked);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "spent")), spent);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "pending")), pending);
}

static const struct {
	unsigned spent;
} shares[] = { { 0 }, { 1 }, { 4 }, { 8 } };

START_TEST(test_spent_elsewhere)
{
	struct action_id id;
	int64_t gone;

	world_open(&w, 0);
	world_issue(&w, 255); /* 8 notes */
	gone = spent_elsewhere(shares[_i].spent);
	id = check();
	assert_checked(&id, 8, (int)shares[_i].spent, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 255 - gone);
	ck_assert_uint_eq(world_events(&w, "ecash.spent_elsewhere"), shares[_i].spent > 0);
	world_check(&w, 0);
	/* What is left can be spent. */
	if (gone < 255) {
		id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
		world_settle(&w, &id, MANY);
		ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
		world_check(&w, 0);
	}
	world_close(&w);
}
END_TEST

/* More notes than one question takes. */
START_TEST(test_many)
{
	struct action_id id;
	int64_t gone;

	world_open(&w, 0);
	for (int i = 0; i < 31; i++)
		world_issue(&w, 127); /* 7 notes each */
	gone = spent_elsewhere(110);
	id = check();
	assert_checked(&id, 217, 110, 0);
	ck_assert_uint_eq(world_asked(&w, CHECK), 3);
	ck_assert_int_eq(world_total(&w), 31 * 127 - gone);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_pending)
{
	struct action_id id;

	world_open(&w, 0);
	world_issue(&w, 15);
	world_fault(&w, "{\"path\":\"" CHECK "\",\"mode\":\"states\",\"state\":\"PENDING\"}");
	id = check();
	assert_checked(&id, 4, 0, 4);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 15);
	world_close(&w);
}
END_TEST

/* A token that is on its way to somebody is the send's affair. */
START_TEST(test_held_notes)
{
	struct action_id sent, id;

	world_open(&w, 0);
	world_issue(&w, 15);
	sent = world_start(&w, "cashu_send", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":8}", w.url));
	world_turn(&w);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 8);
	id = check();
	assert_checked(&id, 3, 0, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 8);
	ck_assert_ptr_null(world_cancel(&w, &sent));
	world_settle(&w, &sent, MANY);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 15);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static struct action_id taker;

static void take_all(struct world *at)
{
	taker = world_start(at, "cashu_send", arena_printf(&at->arena, "{\"mint\":\"%s\",\"amount\":15}", at->url));
}

/* Notes that an action takes between the question and the answer are left to it. */
START_TEST(test_taken_meanwhile)
{
	struct action_id id;
	int64_t gone;

	world_open(&w, 0);
	world_issue(&w, 15);
	gone = spent_elsewhere(4);
	ck_assert_int_eq(gone, 15);
	w.before_path = CHECK;
	w.before = take_all;
	id = check();
	assert_checked(&id, 4, 0, 0);
	/* The send looks after its token, finds it spent, and takes it for claimed. */
	world_settle(&w, &taker, MANY);
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static const char *const troubles[] = {
	"{\"path\":\"" CHECK "\",\"mode\":\"drop_before\"}",
	"{\"path\":\"" CHECK "\",\"mode\":\"drop_after\"}",
	"{\"path\":\"" CHECK "\",\"mode\":\"throttle\"}",
	"{\"path\":\"" CHECK "\",\"mode\":\"truncate\"}",
	"{\"path\":\"" CHECK "\",\"mode\":\"garbage\"}",
	"{\"path\":\"" CHECK "\",\"mode\":\"huge\"}",
	"{\"path\":\"" CHECK "\",\"mode\":\"answer\",\"status\":500}",
};

START_TEST(test_trouble)
{
	bool killed = _i % 2;
	struct action_id id;
	int64_t gone;

	world_open(&w, 0);
	world_issue(&w, 255);
	gone = spent_elsewhere(3);
	world_fault(&w, troubles[_i / 2]);
	id = check();
	world_settle(&w, &id, 0);
	if (killed)
		world_restart(&w);
	assert_checked(&id, 8, 3, 0);
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	ck_assert_int_eq(world_total(&w), 255 - gone);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	struct action_id id;

	world_open(&w, 0);
	world_issue(&w, 3);
	world_refused(&w, "cashu_check", "{}", "invalid_params", "mint");
	world_refused(&w, "cashu_check", "{\"mint\":\"https://nowhere.example\"}", "unknown_mint", "mint");
	world_fault(&w, "{\"path\":\"" CHECK "\",\"mode\":\"drop_before\",\"count\":0}");
	id = check();
	world_settle(&w, &id, 2);
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "cancelled");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static int set_copy(struct unit *u, void *ctx, struct err *err)
{
	return meta_set(u, META_COPY, ctx, err);
}

static void run(void)
{
	struct err e, *err = &e;

	OK(cashu_put_back_run(w.ex, err));
}

/* The copy does not know that notes were spent, and that others were made. */
START_TEST(test_put_back)
{
	unsigned before;
	int64_t gone;

	world_open(&w, 0);
	world_issue(&w, 255);
	before = world_events(&w, "action.started");
	run();
	ck_assert_uint_eq(world_events(&w, "action.started"), before);
	gone = spent_elsewhere(3);
	world_used_before(&w, 12, 4);
	w.mint.sums[0].issued += 12 * 4;
	scratch_unit(&w.disk, set_copy, "1700000000000");
	executor_set_keys(w.ex, NULL);
	run();
	ck_assert_uint_eq(world_events(&w, "action.started"), before);
	executor_set_keys(w.ex, w.keys);
	run();
	run();
	ck_assert_uint_eq(world_events(&w, "action.started"), before + 2);
	ck_assert_uint_eq(world_events(&w, "wallet.backup_put_back"), 1);
	for (int i = 0; i < 10; i++)
		world_turn(&w);
	ck_assert_int_eq(world_total(&w), 255 - gone + 12 * 4);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cashu_check");
	TCase *tc = tcase_create("check");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_spent_elsewhere, 0, ARRAY_LEN(shares));
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_pending);
	tcase_add_test(tc, test_held_notes);
	tcase_add_test(tc, test_taken_meanwhile);
	tcase_add_loop_test(tc, test_trouble, 0, 2 * ARRAY_LEN(troubles));
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_put_back);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
