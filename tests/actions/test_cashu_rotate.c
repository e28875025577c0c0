/* Notes of keysets that a mint retires are exchanged by themselves: when that is worth its fee, when nothing else is at work,
 * and once.  spec/cashu.md 6.4. */
#include "actions/cashu_rotate.h"
#include "actions/ecash_expiry.h"

#include <inttypes.h>

#include "base/clock.h"
#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define SWAP   "/v1/swap"
#define MANY   60
#define DAY_MS INT64_C(86400000)

static struct world w;

static void run(void)
{
	struct err e, *err = &e;

	OK(cashu_rotations_run(w.ex, err));
}

static unsigned started(void)
{
	return world_events(&w, "action.started");
}

/* The wallet reads the mint's keysets, as it does when they are old. */
static void sync(void)
{
	struct action_id id = world_start(&w, "cashu_mint_sync", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));

	world_settle(&w, &id, MANY);
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
}

/* The mint makes a new keyset, with this fee, and retires the last. */
static void retire(uint64_t fee_ppk)
{
	mint_rotate(&w.mint, 0, fee_ppk, KEYSET_V2);
}

/* Sat in notes of the keyset that is active now. */
static uint64_t in_new_notes(void)
{
	const struct keyset *active = &w.mint.keysets[w.mint.n_keysets - 1]->pub;
	struct proof_sort *sorts;
	struct err e, *err = &e;
	uint64_t sum = 0;
	size_t n;

	ck_assert(active->active);
	OK(proof_store_sorts(store_view(w.disk.store), &w.arena, w.mint_id, active->unit, 1000, &sorts, &n, err));
	for (size_t i = 0; i < n; i++)
		if (keyset_id_equal(&sorts[i].keyset, &active->id))
			sum += sorts[i].amount * sorts[i].n;
	return sum;
}

/* The wallet's last word about when the keyset of its notes expires. */
static void set_expiry(int64_t in_s)
{
	char *sql = arena_printf(&w.arena, "UPDATE keyset SET final_expiry_s = %" PRId64 " WHERE id = '%s'",
				 clock_now_ms() / 1000 + in_s, w.mint.keysets[0]->pub.id.s);

	scratch_sql(&w.disk, sql);
}

/* Ids that do not commit to an expiry, so that a mint can set one at any time. */
static void open_v1(uint64_t fee_ppk)
{
	struct mint_options opts = world_mint(fee_ppk);

	opts.version = KEYSET_V1;
	world_open_with(&w, &opts);
}

START_TEST(test_rotated)
{
	unsigned before;

	world_open(&w, 100);
	world_issue(&w, 1000);
	before = started();
	retire(100);
	run();
	ck_assert_uint_eq(started(), before); /* it does not know yet */
	sync();
	run();
	run();
	ck_assert_uint_eq(started(), before + 2);
	world_turn(&w);
	ck_assert_uint_eq(world_asked(&w, SWAP), 1);
	ck_assert_int_eq(world_total(&w), 1000 - (int64_t)w.mint.sums[0].fees);
	ck_assert_uint_le(w.mint.sums[0].fees, 10);
	ck_assert_uint_eq(in_new_notes(), (uint64_t)world_total(&w));
	world_check(&w, 0);
	run();
	ck_assert_uint_eq(started(), before + 2);
	world_close(&w);
}
END_TEST

/* A sat and more for each note: not for a keyset that lasts, but for one that ends.  Notes of a sat are given up. */
START_TEST(test_fee_economics)
{
	unsigned before;

	open_v1(1500);
	world_issue(&w, 64 + 32 + 2 + 1);
	retire(1500);
	sync();
	before = started();
	run();
	ck_assert_uint_eq(started(), before);
	set_expiry(KEYSET_EXPIRING_S - 60);
	run();
	ck_assert_uint_eq(started(), before + 1);
	world_turn(&w);
	ck_assert_uint_eq(world_asked(&w, SWAP), 1);
	ck_assert_uint_eq(in_new_notes(), 98 - 5);
	ck_assert_int_eq(world_total(&w), 98 - 5 + 1);
	world_check(&w, 0);
	run();
	ck_assert_uint_eq(started(), before + 1);
	world_close(&w);
}
END_TEST

/* Nothing better to be had: the only keyset expires itself. */
START_TEST(test_no_better_keyset)
{
	unsigned before;

	open_v1(0);
	world_issue(&w, 100);
	set_expiry(60);
	before = started();
	run();
	ck_assert_uint_eq(started(), before);
	world_refused(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\",\"retiring\":true}", w.url),
		      "insufficient_funds", "retiring");
	world_close(&w);
}
END_TEST

/* What has expired is worth nothing: it is neither exchanged nor given to anybody. */
START_TEST(test_expired)
{
	unsigned before;

	open_v1(0);
	world_issue(&w, 100);
	retire(0);
	sync();
	set_expiry(-1);
	before = started();
	run();
	ck_assert_uint_eq(started(), before);
	world_refused(&w, "cashu_send", "{\"amount\":10}", "insufficient_funds", "amount");
	world_close(&w);
}
END_TEST

static size_t expiring(struct ecash_expiry **ret)
{
	struct err e, *err = &e;
	size_t n;

	OK(ecash_expiring(store_view(w.disk.store), &w.arena, clock_now_ms(), 10, ret, &n, err));
	return n;
}

/* What is at stake is told, in whosever hand it is, and whether the mint has better. */
START_TEST(test_expiring_is_told)
{
	struct action_id token;
	struct ecash_expiry *e;

	open_v1(0);
	world_issue(&w, 100);
	ck_assert_uint_eq(expiring(&e), 0); /* for ever */
	token = world_start(&w, "cashu_send", "{\"amount\":32}");
	world_turn(&w);
	set_expiry(KEYSET_EXPIRING_S + 60);
	ck_assert_uint_eq(expiring(&e), 0);
	set_expiry(KEYSET_EXPIRING_S - 60);
	ck_assert_uint_eq(expiring(&e), 2);
	ck_assert_str_eq(e[0].mint, w.url);
	ck_assert_str_eq(e[0].unit.s, "sat");
	ck_assert(e[0].state == PROOF_SPENDABLE && action_id_is_empty(&e[0].holder));
	ck_assert_uint_eq(e[0].amount, 68);
	ck_assert(!e[0].past && !e[0].replaceable);
	ck_assert_int_eq(e[0].at_ms / 1000, clock_now_ms() / 1000 + KEYSET_EXPIRING_S - 60);
	ck_assert(e[1].state == PROOF_SENT && e[1].amount == 32);
	ck_assert_str_eq(e[1].holder.s, token.s);

	retire(0);
	sync();
	set_expiry(-1);
	ck_assert_uint_eq(expiring(&e), 2);
	ck_assert(e[0].past && e[0].replaceable && e[1].past);
	world_close(&w);
}
END_TEST

static unsigned begun_meanwhile;

static void run_meanwhile(struct world *at)
{
	unsigned before = started();

	(void)at;
	run();
	begun_meanwhile = started() - before;
}

/* While an action is at work, notes stay where it may look for them, unless they are about to expire. */
START_TEST(test_while_others_work)
{
	struct action_id id;

	open_v1(0);
	world_issue(&w, 100);
	retire(0);
	sync();
	if (_i)
		set_expiry(KEYSET_EXPIRING_S - 60);
	w.before_path = "/v1/mint/quote/bolt11";
	w.before = run_meanwhile;
	id = world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":8}", w.url));
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
	ck_assert_uint_eq(begun_meanwhile, (unsigned)_i);
	run();
	world_turn(&w);
	ck_assert_uint_eq(in_new_notes(), 108);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_old_keysets_are_read)
{
	unsigned before;

	world_open(&w, 0);
	world_issue(&w, 100);
	retire(0);
	clock_set_for_test(clock_now_ms() + DAY_MS + 1);
	before = started();
	run();
	run();
	ck_assert_uint_eq(started(), before + 1);
	world_turn(&w);
	ck_assert_uint_eq(in_new_notes(), 0);
	run();
	world_turn(&w);
	ck_assert_uint_eq(started(), before + 2);
	ck_assert_uint_eq(in_new_notes(), 100);
	world_check(&w, 0);
	clock_set_for_test(-1);
	world_close(&w);
}
END_TEST

START_TEST(test_left_in_peace)
{
	unsigned before;

	world_open(&w, 0);
	world_issue(&w, 100);
	retire(0);
	sync();
	before = started();
	if (_i)
		scratch_sql(&w.disk, "UPDATE mint SET trouble = 'peer_down', trouble_since_ms = 1");
	else
		executor_set_keys(w.ex, NULL);
	run();
	ck_assert_uint_eq(started(), before);
	world_close(&w);
}
END_TEST

/* Something is wrong with one purse: it is said, and the others are looked after. */
START_TEST(test_one_purse_in_trouble)
{
	struct err e, *err = &e;
	unsigned before;

	world_open(&w, 0);
	world_issue(&w, 100);
	retire(0);
	sync();
	scratch_sql(&w.disk,
		    "INSERT INTO proof (y, mint_id, keyset_id, unit, amount, secret, c, state, counter,"
		    " created_at_ms, updated_at_ms) SELECT zeroblob(33), 0, keyset_id, unit, 1, 'of no mint', c, 1,"
		    " -1, 0, 0 FROM proof LIMIT 1");
	before = started();
	FAILS(cashu_rotations_run(w.ex, err), ERR_MINT_UNKNOWN);
	ck_assert_uint_eq(started(), before + 1);
	world_turn(&w);
	scratch_sql(&w.disk, "DELETE FROM proof WHERE mint_id = 0");
	ck_assert_uint_eq(in_new_notes(), 100);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* As long as the mint is away, nothing is locked; and when it is back the choice is made from what is there then. */
START_TEST(test_chosen_late)
{
	struct action_id id, sent;

	world_open(&w, 0);
	world_issue(&w, 100);
	retire(0);
	sync();
	clock_set_for_test(clock_now_ms() + DAY_MS / 2); /* fresh enough to choose a token, too old to make notes */
	world_fault(&w, "{\"path\":\"/v1/info\",\"mode\":\"drop_before\",\"count\":3}");
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\",\"retiring\":true}", w.url));
	world_settle(&w, &id, 0);
	ck_assert(!action_status_is_final(world_row(&w, &id).status));
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 100);
	sent = world_start(&w, "cashu_send",
			   arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":%d}", w.url, _i ? 100 : 96));
	world_turn(&w);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), _i ? 100 : 96);
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
	ck_assert_int_eq(json_integer_value(json_object_get(world_result(&w, &id), "amount")), _i ? 0 : 4);
	ck_assert_uint_eq(in_new_notes(), _i ? 0 : 4);
	ck_assert_ptr_null(world_cancel(&w, &sent));
	world_settle(&w, &sent, MANY);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 100);
	world_check(&w, 0);
	clock_set_for_test(-1);
	world_close(&w);
}
END_TEST

static const char *const troubles[] = {
	"{\"path\":\"/v1/swap\",\"mode\":\"drop_before\"}",
	"{\"path\":\"/v1/swap\",\"mode\":\"drop_after\"}",
	"{\"path\":\"/v1/swap\",\"mode\":\"answer_after\",\"status\":500}",
	"{\"path\":\"/v1/swap\",\"mode\":\"answer\",\"status\":400,\"code\":12002}",
	"{\"path\":\"/v1/swap\",\"mode\":\"answer\",\"status\":400,\"code\":11005}",
};

/* With a kill in between, for every second one. */
START_TEST(test_trouble)
{
	bool killed = _i % 2;
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 1000);
	retire(0);
	sync();
	world_fault(&w, troubles[_i / 2]);
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\",\"retiring\":true}", w.url));
	world_settle(&w, &id, killed ? 0 : MANY);
	if (killed) {
		world_restart(&w);
		world_settle(&w, &id, MANY);
	}
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
	ck_assert_uint_eq(in_new_notes(), (uint64_t)world_total(&w));
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	world_open(&w, 0);
	world_issue(&w, 10);
	world_refused(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\",\"retiring\":true}", w.url),
		      "insufficient_funds", "retiring");
	world_refused(&w, "cashu_swap",
		      arena_printf(&w.arena, "{\"mint\":\"%s\",\"retiring\":true,\"target\":4}", w.url),
		      "invalid_params", "target");
	world_close(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cashu_rotate");
	TCase *tc = tcase_create("rotate");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_rotated);
	tcase_add_test(tc, test_fee_economics);
	tcase_add_test(tc, test_no_better_keyset);
	tcase_add_test(tc, test_expired);
	tcase_add_test(tc, test_expiring_is_told);
	tcase_add_loop_test(tc, test_while_others_work, 0, 2);
	tcase_add_test(tc, test_old_keysets_are_read);
	tcase_add_loop_test(tc, test_left_in_peace, 0, 2);
	tcase_add_test(tc, test_one_purse_in_trouble);
	tcase_add_loop_test(tc, test_chosen_late, 0, 2);
	tcase_add_loop_test(tc, test_trouble, 0, 2 * ARRAY_LEN(troubles));
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
