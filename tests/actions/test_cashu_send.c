/* Tokens that go out: the swap that makes the amount, the claim, and who was quicker.  The road of taking one back is in
 * test_cashu_exchange.c. */
#include <string.h>

#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define SWAP    "/v1/swap"
#define CHECK   "/v1/checkstate"
#define RESTORE "/v1/restore"
#define MANY    40
#define CREATED 2 /* state token_created */

static struct world w;

static struct action_id begin(const char *params)
{
	struct action_id id = world_start(&w, "cashu_send", params);

	world_settle(&w, &id, 0);
	return id;
}

static const char *token_of(const struct action_id *id)
{
	const char *token = json_string_value(json_object_get(world_progress(&w, id), "token"));

	ck_assert_ptr_nonnull(token);
	return token;
}

static const char *status_of(const struct action_id *id)
{
	return action_status_name(world_row(&w, id).status);
}

static int64_t result_int(const struct action_id *id, const char *name)
{
	return json_integer_value(json_object_get(world_result(&w, id), name));
}

/* Woken again and again until its token is there, whatever the swap meets. */
static void until_created(const struct action_id *id)
{
	for (int i = 0; i < MANY && world_row(&w, id).state != CREATED; i++)
		world_turn(&w);
	ck_assert_int_eq(world_row(&w, id).state, CREATED);
}

START_TEST(test_exact)
{
	struct action_id id;
	json_t *plan;

	world_open(&w, 100);
	world_issue(&w, 21);
	plan = world_plan(&w, "cashu_send", "{\"amount\":5}");
	ck_assert(!json_is_true(json_object_get(plan, "swap")));
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "fee")), 0);
	id = begin("{\"amount\":5,\"memo\":\"a memo\"}");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 5);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 16);
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_check(&w, 0);
	world_spend(&w, token_of(&id), 2);
	world_settle(&w, &id, 1);
	ck_assert_str_eq(status_of(&id), "done");
	ck_assert(json_is_true(json_object_get(world_result(&w, &id), "claimed")));
	ck_assert_int_eq(world_total(&w), 16);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* What is on the chain is in sat, too, and at no mint. */
static int on_the_chain(struct unit *u, void *ctx, struct err *err)
{
	struct currency sat = { "sat" };
	struct movement mv = movement_begin(u, &(struct action_id){ "x" }, RAIL_ONCHAIN, "receive", 0, sat, 1000);
	struct ecash much;

	(void)ctx;
	ck_assert(ecash_make(5000, sat, &much));
	if (movement_add(&mv, ACCOUNT_OUTSIDE, ACCOUNT_SPENDABLE, much, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

START_TEST(test_chooses_a_mint)
{
	struct action_id id;
	struct err err;

	world_open(&w, 0);
	world_issue(&w, 100);
	ck_assert_int_eq(store_unit_now(w.disk.store, on_the_chain, NULL, &err), 0);
	id = begin("{\"amount\":36}");
	ck_assert_ptr_nonnull(token_of(&id));
	world_refused(&w, "cashu_send", "{\"amount\":1000}", "insufficient_funds", "amount");
	world_close(&w);
}
END_TEST

START_TEST(test_with_swap)
{
	struct action_id id;
	json_t *plan;

	world_open(&w, 100);
	world_issue(&w, 64);
	plan = world_plan(&w, "cashu_send", "{\"amount\":10}");
	ck_assert(json_is_true(json_object_get(plan, "swap")));
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "fee")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "remains")), 53);
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "spend_sat")), 11);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 64);
	id = begin("{\"amount\":10}");
	ck_assert_int_eq(world_row(&w, &id).state, CREATED);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 10);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 53);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* The receiver's swap is paid for: its notes less its fee are the amount. */
START_TEST(test_include_fee)
{
	struct action_id id;

	world_open(&w, 1000); /* each note costs 1 */
	world_issue(&w, 64);
	id = begin("{\"amount\":10,\"include_fee\":true}");
	ck_assert_int_eq(world_row(&w, &id).state, CREATED);
	/* 10 = 12 in two notes (8, 4) less 2 */
	ck_assert_int_eq(json_integer_value(json_object_get(world_progress(&w, &id), "amount")), 12);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* What happens to the child's swap happens to the send. */
START_TEST(test_swap_troubles)
{
	static const char *const faults[] = {
		"{\"path\":\"" SWAP "\",\"mode\":\"drop_before\"}",
		"{\"path\":\"" SWAP "\",\"mode\":\"drop_after\"}",
		"{\"path\":\"" SWAP "\",\"mode\":\"bad_dleq\"}",
		"{\"path\":\"" SWAP "\",\"mode\":\"answer\",\"status\":400,\"code\":12002}",
		"{\"path\":\"" SWAP "\",\"mode\":\"answer_after\",\"status\":400,\"code\":50000}",
		"{\"path\":\"" SWAP "\",\"mode\":\"throttle\"}",
	};

	world_open(&w, 100);
	world_issue(&w, 64);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct action_id id;

		world_fault(&w, faults[i]);
		id = begin(arena_printf(&w.arena, "{\"amount\":%zu}", 3 + i));
		until_created(&id);
		world_restart(&w);
		ck_assert(strlen(token_of(&id)) > 100);
		world_check(&w, 0);
	}
	world_close(&w);
}
END_TEST

START_TEST(test_swap_refused)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 64);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"answer\",\"status\":400,\"code\":11006}");
	id = begin("{\"amount\":10}");
	world_settle(&w, &id, 2);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "peer_rejected");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 64);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static struct action_id child; /* the swap of the send that runs */

static void spend_all_locked(struct world *world)
{
	struct proof_row *rows;
	struct err err;
	size_t n;

	ck_assert_int_eq(proof_store_by_holder(store_view(world->disk.store), &world->arena, &child, PROOF_LOCKED,
					       &rows, &n, &err),
			 0);
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++)
		world_spend_proof(world, &rows[i].proof);
}

/* Another copy of the wallet spent the notes: told as money gone. */
START_TEST(test_swap_spent_elsewhere)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 64);
	id = world_start(&w, "cashu_send", "{\"amount\":10}");
	ck_assert(action_id_parse(arena_printf(&w.arena, "%s.1", id.s), &child));
	w.before_path = SWAP;
	w.before = spend_all_locked;
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "token_spent");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "yes");
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- claims --- */

/* A part at a time: what is claimed is gone, the rest is still out, and comes back. */
START_TEST(test_partly_claimed)
{
	struct action_id id;
	const char *token;

	world_open(&w, 100);
	world_issue(&w, 21);
	id = begin("{\"amount\":21}");
	token = token_of(&id);
	world_spend(&w, token, 1);
	world_turn(&w);
	ck_assert_int_eq(world_row(&w, &id).state, CREATED);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), world_total(&w));
	ck_assert_int_lt(world_total(&w), 21);
	world_check(&w, 0);
	ck_assert_str_eq(token_of(&id), token);
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "cancelled");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "yes");
	ck_assert_int_eq(result_int(&id, "reclaimed"), world_account(&w, ACCOUNT_SPENDABLE));
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static const char *claimed_token;
static size_t n_claimed;

static void receiver_is_quicker(struct world *world)
{
	world_spend(world, claimed_token, n_claimed);
}

/* The receiver claims all of it, or a part, between our look and our swap. */
START_TEST(test_claimed_while_cancelling)
{
	struct action_id id;

	world_open(&w, 0);
	world_issue(&w, 21);
	id = begin("{\"amount\":21}");
	claimed_token = token_of(&id);
	n_claimed = (size_t)_i;
	w.before_path = SWAP;
	w.before = receiver_is_quicker;
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), _i == 3 ? "done" : "cancelled");
	ck_assert(json_is_true(json_object_get(world_result(&w, &id), "claimed")) == (_i == 3));
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "yes");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Claimed before the cancel: the first look tells. */
START_TEST(test_claimed_before_cancel)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 21);
	id = begin("{\"amount\":21}");
	world_spend(&w, token_of(&id), 3);
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "done");
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* The receiver's swap is under way at the mint: wait for its end. */
START_TEST(test_pending_while_cancelling)
{
	struct action_id id;

	world_open(&w, 0);
	world_issue(&w, 21);
	id = begin("{\"amount\":21}");
	world_fault(&w, "{\"path\":\"" CHECK "\",\"mode\":\"states\",\"state\":\"PENDING\",\"count\":2}");
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_turn(&w);
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "cancelled");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 21);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* A token so small that its fee eats it cannot come back; it stays out, and says why. */
START_TEST(test_not_worth_taking_back)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 1);
	id = begin("{\"amount\":1}");
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, 3);
	ck_assert_str_eq(status_of(&id), "parked");
	ck_assert_int_eq(world_row(&w, &id).state, CREATED);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_cancel_while_swapping)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 64);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"drop_after\"}");
	id = begin("{\"amount\":10}");
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	until_created(&id);
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "cancelled");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	world_open(&w, 100);
	world_refused(&w, "cashu_send", "{\"amount\":1}", "insufficient_funds", "amount");
	world_issue(&w, 64);
	world_refused(&w, "cashu_send", "{\"amount\":65}", "insufficient_funds", "amount");
	world_refused(&w, "cashu_send", "{\"amount\":9000000000000000000}", "insufficient_funds", "amount");
	world_refused(&w, "cashu_send", "{\"amount\":64,\"include_fee\":true}", "insufficient_funds", "amount");
	world_refused(&w, "cashu_send", "{\"amount\":0}", "invalid_params", "amount");
	world_refused(&w, "cashu_send", "{\"amount\":5,\"unit\":\"usd\"}", "insufficient_funds", "amount");
	world_refused(&w, "cashu_send", "{\"amount\":5,\"mint\":\"http://elsewhere.example\"}", "unknown_mint", "mint");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 64);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_send");
	TCase *tc = tcase_create("send");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_exact);
	tcase_add_test(tc, test_chooses_a_mint);
	tcase_add_test(tc, test_with_swap);
	tcase_add_test(tc, test_include_fee);
	tcase_add_test(tc, test_swap_troubles);
	tcase_add_test(tc, test_swap_refused);
	tcase_add_test(tc, test_swap_spent_elsewhere);
	tcase_add_test(tc, test_partly_claimed);
	tcase_add_loop_test(tc, test_claimed_while_cancelling, 1, 4);
	tcase_add_test(tc, test_claimed_before_cancel);
	tcase_add_test(tc, test_pending_while_cancelling);
	tcase_add_test(tc, test_not_worth_taking_back);
	tcase_add_test(tc, test_cancel_while_swapping);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
