/* What the mint signed after we had given up on it comes back: once, if nobody has spent it, however the mint and the network
 * behave.  spec/cashu.md 4.12. */
#include <string.h>

#include "actions/cashu_sweep.h"
#include "base/clock.h"
#include "rails/cashu/output.h"
#include "rails/keys/keyring.h"
#include "store/key_index_store.h"
#include "store/mint_store.h"
#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define RESTORE "/v1/restore"
#define CHECK   "/v1/checkstate"
#define MANY    60
#define HOUR_MS INT64_C(3600000)

static struct world w;

/* Outputs of an action that has ended. */
struct lost {
	unsigned n;
	int64_t age_ms;
};

static int give_up(struct unit *u, void *ctx, struct err *err)
{
	const struct action_id ended = { "ended" };
	const struct lost *l = ctx;
	const struct keyset_id *ks = &w.mint.keysets[0]->pub.id;

	for (unsigned i = 0; i < l->n; i++) {
		char text[KEYRING_SECRET_TEXT];
		struct output o;
		struct secret r;

		/* A blank output knows no amount (NUT-08): the mint's word counts. */
		OK(keyring_cashu_output(w.keys, ks, i, text, &r, err));
		OK(output_make(&w.arena, ks, 1, text, &r, OUTPUT_KEEP, i, &o, err));
		OK(output_store_add(u, &ended, w.mint_id, &o, 1, clock_now_ms() - l->age_ms, err));
	}
	OK(output_store_close(u, &ended, OUTPUT_ABANDONED, err));
	return keyset_counter_raise(u, ks, l->n, err);
}

/* A wallet gave up `lost` outputs two hours ago, of which the mint signed the first `found`, for this amount each. */
static void given_up(unsigned lost, unsigned found, uint64_t amount)
{
	struct lost l = { lost, 2 * HOUR_MS };
	struct err err;

	world_used_before(&w, found, amount);
	w.mint.sums[0].issued += found * amount;
	ck_assert_msg(store_unit_now(w.disk.store, give_up, &l, &err) == 0, "%s", err.msg);
}

static struct action_id sweep(void)
{
	return world_start(&w, "cashu_sweep", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
}

static void assert_swept(const struct action_id *id, int asked, int taken, int spent)
{
	struct action_row row;
	json_t *v;

	world_settle(&w, id, MANY);
	row = world_row(&w, id);
	ck_assert_msg(row.status == ACTION_DONE, "%s: %s", action_status_name(row.status), row.error_msg);
	v = world_result(&w, id);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "asked")), asked);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "taken")), taken);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "spent")), spent);
}

START_TEST(test_signed_late)
{
	struct action_id id;

	world_open(&w, 100);
	given_up(7, 5, 4);
	id = sweep();
	assert_swept(&id, 7, 5, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 20);
	ck_assert_uint_eq(world_events(&w, "ecash.swept"), 1);
	ck_assert_uint_eq(world_asked(&w, RESTORE), 2);
	ck_assert_uint_eq(world_asked(&w, CHECK), 1);
	world_check(&w, 0);
	/* Nothing is due now. */
	id = sweep();
	assert_swept(&id, 0, 0, 0);
	ck_assert_uint_eq(world_asked(&w, RESTORE), 2);
	/* And they can be spent. */
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_never_signed)
{
	struct action_id id;

	world_open(&w, 0);
	given_up(120, 0, 4);
	id = sweep();
	assert_swept(&id, 120, 0, 0);
	ck_assert_uint_eq(world_asked(&w, RESTORE), 2); /* batches */
	ck_assert_uint_eq(world_asked(&w, CHECK), 0);
	ck_assert_uint_eq(world_events(&w, "ecash.swept"), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_not_ours_any_more)
{
	struct action_id id;

	world_open(&w, 0);
	given_up(7, 7, 1);
	world_fault(&w, arena_printf(&w.arena, "{\"path\":\"" CHECK "\",\"mode\":\"states\",\"state\":\"%s\"}",
				     _i ? "PENDING" : "SPENT"));
	id = sweep();
	assert_swept(&id, 7, 0, _i ? 0 : 7);
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, 7);
	/* Pending notes come up again; spent ones do not. */
	clock_set_for_test(clock_now_ms() + 25 * HOUR_MS);
	id = sweep();
	assert_swept(&id, _i ? 7 : 0, _i ? 7 : 0, 0);
	ck_assert_int_eq(world_total(&w), _i ? 7 : 0);
	clock_set_for_test(-1);
	world_close(&w);
}
END_TEST

/* The words bring them back, too: nothing is taken twice. */
START_TEST(test_after_restore)
{
	struct action_id id;

	world_open(&w, 0);
	given_up(5, 5, 8);
	id = world_start(&w, "cashu_restore", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, MANY);
	ck_assert_int_eq(world_total(&w), 40);
	id = sweep();
	assert_swept(&id, 5, 0, 0);
	ck_assert_int_eq(world_total(&w), 40);
	ck_assert_uint_eq(world_events(&w, "ecash.swept"), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static const char *const troubles[] = {
	"{\"path\":\"/v1/restore\",\"mode\":\"drop_before\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"drop_after\",\"nth\":2}",
	"{\"path\":\"/v1/restore\",\"mode\":\"throttle\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"truncate\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"garbage\",\"nth\":2}",
	"{\"path\":\"/v1/restore\",\"mode\":\"huge\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"answer\",\"status\":500}",
	"{\"path\":\"/v1/restore\",\"mode\":\"restore_reorder\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"restore_foreign\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"bad_signature\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"bad_dleq\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"bad_dleq\",\"nth\":2}",
	"{\"path\":\"/v1/restore\",\"mode\":\"wrong_keyset_id\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"missing_promise\"}",
	"{\"path\":\"/v1/checkstate\",\"mode\":\"drop_after\"}",
	"{\"path\":\"/v1/checkstate\",\"mode\":\"garbage\"}",
	"{\"path\":\"/v1/checkstate\",\"mode\":\"answer\",\"status\":503}",
};

START_TEST(test_trouble)
{
	struct action_id id;

	world_open(&w, 100);
	given_up(12, 9, 2);
	world_fault(&w, troubles[_i]);
	id = sweep();
	assert_swept(&id, 12, 9, 0);
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	ck_assert_int_eq(world_total(&w), 18);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_killed)
{
	struct action_id id;

	world_open(&w, 100);
	given_up(12, 9, 2);
	world_fault(&w, _i ? "{\"path\":\"" CHECK "\",\"mode\":\"answer_after\",\"status\":500}"
			   : "{\"path\":\"" RESTORE "\",\"mode\":\"answer_after\",\"status\":500,\"nth\":2}");
	id = sweep();
	world_settle(&w, &id, 0);
	ck_assert(!action_status_is_final(world_row(&w, &id).status));
	world_restart(&w);
	assert_swept(&id, 12, 9, 0);
	ck_assert_int_eq(world_total(&w), 18);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Begun by itself: where something is due, and not twice. */
START_TEST(test_by_itself)
{
	struct err e, *err = &e;
	unsigned before;

	world_open(&w, 0);
	before = world_events(&w, "action.started");
	OK(cashu_sweeps_run(w.ex, err));
	world_turn(&w);
	ck_assert_uint_eq(world_events(&w, "action.started"), before);
	given_up(3, 3, 16);
	OK(cashu_sweeps_run(w.ex, err));
	OK(cashu_sweeps_run(w.ex, err));
	ck_assert_uint_eq(world_events(&w, "action.started"), before + 1);
	world_turn(&w);
	ck_assert_int_eq(world_total(&w), 48);
	world_check(&w, 0);
	OK(cashu_sweeps_run(w.ex, err));
	ck_assert_uint_eq(world_events(&w, "action.started"), before + 1);
	world_close(&w);
}
END_TEST

START_TEST(test_cancelled)
{
	struct action_id id;

	world_open(&w, 0);
	given_up(3, 3, 1);
	world_fault(&w, "{\"path\":\"" RESTORE "\",\"mode\":\"drop_before\",\"count\":0}");
	id = sweep();
	world_settle(&w, &id, 2);
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "cancelled");
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, 3);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	world_open(&w, 0);
	world_refused(&w, "cashu_sweep", "{}", "invalid_params", "mint");
	world_refused(&w, "cashu_sweep", "{\"mint\":\"https://nowhere.example\"}", "unknown_mint", "mint");
	world_close(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cashu_sweep");
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_signed_late);
	tcase_add_test(tc, test_never_signed);
	tcase_add_loop_test(tc, test_not_ours_any_more, 0, 2);
	tcase_add_test(tc, test_after_restore);
	tcase_add_loop_test(tc, test_trouble, 0, ARRAY_LEN(troubles));
	tcase_add_loop_test(tc, test_killed, 0, 2);
	tcase_add_test(tc, test_by_itself);
	tcase_add_test(tc, test_cancelled);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
