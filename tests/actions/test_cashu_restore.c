/* A wallet's ecash, found again by its words: what the mint has signed in another life of the seed, however the mint and the
 * network behave.  spec/cashu.md 6.6. */
#include <string.h>

#include "store/key_index_store.h"
#include "store/mint_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define RESTORE "/v1/restore"
#define CHECK   "/v1/checkstate"
#define MANY    60

static struct world w;

/* The mint signed n notes of this amount for the same words, from where the counter stands. */
static void former_life(unsigned n, uint64_t amount)
{
	world_used_before(&w, n, amount);
	w.mint.sums[0].issued += n * amount;
}

static struct action_id restore(const char *more)
{
	return world_start(&w, "cashu_restore", arena_printf(&w.arena, "{\"mint\":\"%s\"%s}", w.url, more));
}

static json_t *restored(const struct action_id *id)
{
	struct action_row row;

	world_settle(&w, id, MANY);
	row = world_row(&w, id);
	ck_assert_msg(row.status == ACTION_DONE, "%s: %s", action_status_name(row.status), row.error_msg);
	return world_result(&w, id);
}

/* Of all keysets, this count. */
static json_int_t count_of(const json_t *report, const char *name)
{
	json_int_t n = 0;
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(report, "keysets"), i, v) n += json_integer_value(json_object_get(v, name));
	return n;
}

static json_int_t sat_of(const json_t *report)
{
	return json_integer_value(json_object_get(json_object_get(report, "restored"), "sat"));
}

static void open_with(enum keyset_version version)
{
	struct mint_options opts = world_mint(100);

	opts.version = version;
	world_open_with(&w, &opts);
}

START_TEST(test_both_derivations)
{
	struct action_id id;
	json_t *report;

	open_with(_i ? KEYSET_V2 : KEYSET_V1);
	former_life(230, 4);
	id = restore("");
	report = restored(&id);
	ck_assert_int_eq(sat_of(report), 920);
	ck_assert_int_eq(count_of(report, "restored"), 230);
	ck_assert_int_eq(count_of(report, "signatures"), 230);
	ck_assert_int_eq(count_of(report, "scanned"), 600 + 300); /* and in the other unit */
	ck_assert_int_eq(world_total(&w), 920);
	/* Life goes on past them. */
	world_issue(&w, 21);
	ck_assert_uint_eq(world_events(&w, "wallet.counter_collision"), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_nothing_to_find)
{
	struct action_id id;

	world_open(&w, 0);
	id = restore("");
	ck_assert_int_eq(sat_of(restored(&id)), 0);
	ck_assert_uint_eq(world_asked(&w, RESTORE), 3 + 3); /* of each of two units */
	ck_assert_uint_eq(world_asked(&w, CHECK), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_retired_keysets)
{
	struct action_id id;
	json_t *report;

	open_with(KEYSET_V1);
	former_life(3, 8);
	mint_rotate(&w.mint, 0, 0, KEYSET_V2);
	former_life(5, 2);
	id = restore("");
	report = restored(&id);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "keysets")), 2 + 1);
	ck_assert_int_eq(sat_of(report), 34);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Numbers that never reached the mint leave gaps; how wide a gap is crossed is the caller's to say. */
static int skip_350(struct unit *u, void *ctx, struct err *err)
{
	return keyset_counter_raise(u, ctx, 350, err);
}

START_TEST(test_gaps)
{
	struct action_id id;
	struct err err;

	world_open(&w, 0);
	ck_assert_int_eq(store_unit_now(w.disk.store, skip_350, &w.mint.keysets[0]->pub.id, &err), 0);
	former_life(2, 16);
	id = restore("");
	ck_assert_int_eq(sat_of(restored(&id)), 0);
	id = restore(",\"gap\":4");
	ck_assert_int_eq(sat_of(restored(&id)), 32);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_twice)
{
	struct action_id id;
	json_t *report;

	world_open(&w, 100);
	world_issue(&w, 100);
	id = restore("");
	report = restored(&id);
	ck_assert_int_eq(sat_of(report), 0);
	ck_assert_int_eq(count_of(report, "known"), count_of(report, "signatures"));
	ck_assert_int_gt(count_of(report, "known"), 0);
	ck_assert_int_eq(world_total(&w), 100);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Two at once: each note is found by one of them. */
START_TEST(test_two_at_once)
{
	struct action_id one, two;
	json_int_t sum;

	world_open(&w, 0);
	former_life(150, 1);
	one = restore("");
	two = restore("");
	sum = sat_of(restored(&one));
	sum += sat_of(restored(&two));
	ck_assert_int_eq(sum, 150);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* What an action is at work on stays its own, whether or not the mint has signed it. */
START_TEST(test_in_flight)
{
	struct action_id issue, id;
	json_t *report;

	world_open(&w, 100);
	world_fault(&w, "{\"path\":\"/v1/mint/bolt11\",\"mode\":\"drop_after\",\"count\":0}");
	issue = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":21}", w.url));
	world_settle(&w, &issue, 3);
	ck_assert_uint_ge(world_asked(&w, "/v1/mint/bolt11"), 1);
	ck_assert(!action_status_is_final(world_row(&w, &issue).status));
	id = restore("");
	report = restored(&id);
	ck_assert_int_gt(count_of(report, "known"), 0);
	ck_assert_int_eq(sat_of(report), 0);
	faults_clear(&w.faults);
	world_settle(&w, &issue, MANY);
	ck_assert_int_eq(world_total(&w), 21);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_spent)
{
	struct action_id id;
	json_t *report;

	world_open(&w, 0);
	former_life(7, 1);
	world_fault(&w, "{\"path\":\"" CHECK "\",\"mode\":\"states\",\"state\":\"SPENT\"}");
	id = restore("");
	report = restored(&id);
	ck_assert_int_eq(count_of(report, "spent"), 7);
	ck_assert_int_eq(sat_of(report), 0);
	world_check(&w, 7);
	world_close(&w);
}
END_TEST

/* In use at the mint: looked at again, and left out when that does not end. */
START_TEST(test_pending)
{
	struct action_id id;
	json_t *report;

	world_open(&w, 0);
	former_life(7, 1);
	world_fault(&w, arena_printf(&w.arena,
				     "{\"path\":\"" CHECK "\",\"mode\":\"states\",\"state\":\"PENDING\",\"count\":%d}",
				     _i ? 0 : 2));
	id = restore("");
	report = restored(&id);
	ck_assert_int_eq(count_of(report, "pending"), _i ? 7 : 0);
	ck_assert_int_eq(sat_of(report), _i ? 0 : 7);
	world_check(&w, _i ? 7 : 0);
	world_close(&w);
}
END_TEST

static const char *const troubles[] = {
	"{\"path\":\"/v1/restore\",\"mode\":\"drop_before\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"drop_after\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"throttle\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"truncate\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"garbage\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"huge\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"answer\",\"status\":500}",
	"{\"path\":\"/v1/restore\",\"mode\":\"restore_reorder\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"restore_foreign\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"bad_signature\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"bad_dleq\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"no_dleq\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"wrong_keyset_id\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"wrong_amount\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"extra_promise\"}",
	"{\"path\":\"/v1/restore\",\"mode\":\"missing_promise\"}",
	"{\"path\":\"/v1/checkstate\",\"mode\":\"drop_after\"}",
	"{\"path\":\"/v1/checkstate\",\"mode\":\"garbage\"}",
	"{\"path\":\"/v1/checkstate\",\"mode\":\"answer\",\"status\":503}",
};

START_TEST(test_trouble)
{
	struct action_id id;

	world_open(&w, 100);
	former_life(120, 2);
	world_fault(&w, troubles[_i]);
	id = restore("");
	ck_assert_int_eq(sat_of(restored(&id)), 240);
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_killed)
{
	struct action_id id;

	world_open(&w, 100);
	former_life(120, 2);
	world_fault(&w, "{\"path\":\"" CHECK "\",\"mode\":\"answer_after\",\"status\":500}");
	id = restore("");
	world_settle(&w, &id, 0);
	ck_assert(!action_status_is_final(world_row(&w, &id).status));
	world_restart(&w);
	ck_assert_int_eq(sat_of(restored(&id)), 240);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_without_nut09)
{
	struct action_id id;

	world_open(&w, 0);
	world_fault(
		&w,
		"{\"path\":\"/v1/info\",\"mode\":\"edit\",\"set\":{\"nuts\":{\"7\":{\"supported\":true}}},\"count\":0}");
	id = restore("");
	world_settle(&w, &id, 3);
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "unsupported");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	world_close(&w);
}
END_TEST

/* What was found before stays. */
START_TEST(test_cancelled)
{
	struct action_id id;
	bool first;

	world_open(&w, 0);
	former_life(150, 1);
	first = strcmp(w.mint.keysets[0]->pub.id.s, w.mint.keysets[1]->pub.id.s) < 0;
	world_fault(&w,
		    arena_printf(&w.arena, "{\"path\":\"" RESTORE "\",\"mode\":\"drop_before\",\"nth\":%d,\"count\":0}",
				 first ? 2 : 5));
	id = restore("");
	world_settle(&w, &id, 2);
	ck_assert_int_eq(count_of(world_progress(&w, &id), "restored"), 100);
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "cancelled");
	ck_assert_int_eq(world_total(&w), 100);
	world_check(&w, 50);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	world_open(&w, 0);
	world_refused(&w, "cashu_restore", "{}", "invalid_params", "mint");
	world_refused(&w, "cashu_restore", "{\"mint\":\"ftp://mint\"}", "invalid_params", "mint");
	world_refused(&w, "cashu_restore", arena_printf(&w.arena, "{\"mint\":\"%s\",\"gap\":0}", w.url),
		      "invalid_params", "gap");
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_restore");
	TCase *tc = tcase_create("restore");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_both_derivations, 0, 2);
	tcase_add_test(tc, test_nothing_to_find);
	tcase_add_test(tc, test_retired_keysets);
	tcase_add_test(tc, test_gaps);
	tcase_add_test(tc, test_twice);
	tcase_add_test(tc, test_two_at_once);
	tcase_add_test(tc, test_in_flight);
	tcase_add_test(tc, test_spent);
	tcase_add_loop_test(tc, test_pending, 0, 2);
	tcase_add_loop_test(tc, test_trouble, 0, ARRAY_LEN(troubles));
	tcase_add_test(tc, test_killed);
	tcase_add_test(tc, test_without_nut09);
	tcase_add_test(tc, test_cancelled);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
