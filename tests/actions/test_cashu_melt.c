/* Lightning invoices paid with ecash: what is asked, what comes back, and every way in which the answer can be lost, late
 * or a lie.  Whatever happens, the payee gets it at most once, and no note is lost. */
#include <string.h>

#include "base/clock.h"
#include "store/melt_store.h"
#include "store/proof_store.h"
#include "tests/peers/testmint/invoice.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define MELT    "/v1/melt/bolt11"
#define QUOTE   "/v1/melt/quote/bolt11"
#define QUOTES  "/v1/melt/quote/bolt11/*"
#define CHECK   "/v1/checkstate"
#define RESTORE "/v1/restore"
#define SWAP    "/v1/swap"
#define MANY    40
#define PENDING 5 /* state payment_pending */

static struct world w;

static char *invoice(uint64_t amount)
{
	return invoice_make(&w.arena, "a payee", "sat", amount, clock_now_ms() / 1000);
}

static char *params_for(uint64_t amount)
{
	return arena_printf(&w.arena, "{\"invoice\":\"%s\"}", invoice(amount));
}

static void open_with(uint64_t fee_ppk, uint64_t balance)
{
	world_open(&w, fee_ppk);
	world_issue(&w, balance);
}

static struct action_id begin(uint64_t amount)
{
	return world_start(&w, "cashu_melt", params_for(amount));
}

/* Until it ends: some seconds before each try, since the mint may need a while for its change. */
static void settle(const struct action_id *id)
{
	world_settle(&w, id, 1);
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, id).status); i++) {
		clock_set_for_test(clock_now_ms() + 5000);
		world_turn(&w);
	}
}

static const char *status_of(const struct action_id *id)
{
	return action_status_name(world_row(&w, id).status);
}

static int64_t result_int(const struct action_id *id, const char *name)
{
	return json_integer_value(json_object_get(world_result(&w, id), name));
}

/* Paid once, and all but the amount, one sat of Lightning and the input fees is still here. */
static void assert_paid(const struct action_id *id, int64_t before, int64_t amount)
{
	int64_t fee;

	ck_assert_str_eq(status_of(id), "done");
	ck_assert_uint_eq(mint_payments(&w.mint), 1);
	ck_assert_int_eq(result_int(id, "amount"), amount);
	fee = result_int(id, "fee");
	ck_assert_int_ge(fee, 1);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), before - amount - fee);
	ck_assert_int_eq(world_account(&w, ACCOUNT_LOCKED), 0);
	ck_assert_uint_eq(world_events(&w, "invoice.paid"), 1);
	world_check(&w, 0);
}

/* Not paid; of the balance at most the fee of a swap is gone. */
static void assert_unpaid(const struct action_id *id, const char *kind, int64_t before, int64_t lost)
{
	ck_assert_str_eq(world_row(&w, id).error_kind, kind);
	ck_assert_uint_eq(mint_payments(&w.mint), 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), before - lost);
	ck_assert_int_eq(world_account(&w, ACCOUNT_LOCKED), 0);
	ck_assert_str_eq(world_row(&w, id).funds_moved, lost ? "yes" : "no");
	world_check(&w, 0);
}

START_TEST(test_pays)
{
	struct action_id id;

	open_with(100, 100);
	id = begin(30);
	world_settle(&w, &id, 3);
	assert_paid(&id, 100, 30);
	ck_assert_uint_eq(world_asked(&w, MELT), 1);
	ck_assert_uint_eq(world_asked(&w, CHECK), 0);
	ck_assert_uint_eq(world_asked(&w, RESTORE), 0);
	ck_assert(!json_is_true(json_object_get(world_result(&w, &id), "preimage_valid")));
	world_close(&w);
}
END_TEST

START_TEST(test_plan)
{
	json_t *plan;

	open_with(100, 100);
	plan = world_plan(&w, "cashu_melt", params_for(30));
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "amount")), 30);
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "max_fee")), 10);
	ck_assert_int_eq(json_integer_value(json_object_get(plan, "spend_sat")), 40);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 100);
	ck_assert_uint_eq(world_asked(&w, QUOTE), 0);
	world_close(&w);
}
END_TEST

/* The same invoice: one payment while it is under way, and none after it. */
START_TEST(test_one_invoice_once)
{
	struct action_id id, same;
	char *params;

	open_with(100, 100);
	w.mint.pay = MINT_PAY_WAITS;
	params = params_for(30);
	id = world_start(&w, "cashu_melt", params);
	world_turn(&w);
	same = world_start(&w, "cashu_melt", params);
	ck_assert(action_id_equal(&id, &same));
	mint_settle(&w.mint, true);
	settle(&id);
	assert_paid(&id, 100, 30);
	world_refused(&w, "cashu_melt", params, "invoice_paid", "invoice");
	world_close(&w);
}
END_TEST

/* Two that both began before either had a quote: the second sees it when it gets its own. */
START_TEST(test_two_at_once)
{
	struct action_id first, second;
	char *params;
	int done;

	open_with(100, 200);
	params = params_for(30);
	first = world_start(&w, "cashu_melt", params);
	second = world_start(&w, "cashu_melt", params);
	world_settle(&w, &first, MANY);
	world_settle(&w, &second, MANY);
	done = (strcmp(status_of(&first), "done") == 0) + (strcmp(status_of(&second), "done") == 0);
	ck_assert_int_eq(done, 1);
	ck_assert_uint_eq(mint_payments(&w.mint), 1);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* A payment that failed can be tried again. */
START_TEST(test_again_after_failure)
{
	struct action_id id;
	char *params;

	open_with(100, 100);
	w.mint.pay = MINT_PAY_FAILS;
	params = params_for(30);
	id = world_start(&w, "cashu_melt", params);
	settle(&id);
	assert_unpaid(&id, "payment_failed", 100, 0);
	ck_assert_uint_eq(world_asked(&w, MELT), 1);
	w.mint.pay = MINT_PAYS;
	id = world_start(&w, "cashu_melt", params);
	settle(&id);
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

static void some_turns(const struct action_id *id)
{
	for (int i = 0; i < 4; i++) {
		world_restart(&w);
		world_turn(&w);
		ck_assert_int_eq(world_row(&w, id).state, PENDING);
	}
}

/* _i: does it end well? */
START_TEST(test_pending)
{
	struct action_id id;

	open_with(100, 100);
	w.mint.pay = MINT_PAY_WAITS;
	id = begin(30);
	world_turn(&w);
	some_turns(&id);
	ck_assert_int_gt(world_account(&w, ACCOUNT_LOCKED), 30);
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	mint_settle(&w.mint, _i == 1);
	settle(&id);
	if (_i == 1)
		assert_paid(&id, 100, 30);
	else
		assert_unpaid(&id, "payment_failed", 100, 0);
	ck_assert_uint_eq(world_asked(&w, MELT), 1);
	world_close(&w);
}
END_TEST

/* The mint acted, or did not, or somebody in between answered for it: paid once in the end. */
static const char *const troubles[] = {
	"{\"path\":\"" MELT "\",\"mode\":\"drop_before\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"drop_after\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"truncate\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"garbage\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"throttle\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"duplicate\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":502}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":503}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer_after\",\"status\":504}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":400,\"code\":50000}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer_after\",\"status\":400,\"code\":50000}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer_after\",\"status\":400,\"code\":11001}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer_after\",\"status\":400,\"code\":20004}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer_after\",\"status\":400,\"code\":20006}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":400,\"code\":11002}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":400,\"code\":12002}",
	"{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":400,\"code\":11003}",
	"{\"path\":\"" MELT "\",\"mode\":\"bad_dleq\"}",
	"{\"path\":\"" MELT "\",\"mode\":\"edit\",\"set\":{\"change\":null}}",
	"{\"path\":\"" MELT "\",\"mode\":\"edit\",\"set\":{\"change\":\"none of your business\"}}",
	"{\"path\":\"" QUOTE "\",\"mode\":\"drop_before\"}",
	"{\"path\":\"" QUOTE "\",\"mode\":\"drop_after\"}",
};

START_TEST(test_troubles)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, troubles[_i]);
	id = begin(30);
	settle(&id);
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

/* The same, and the process dies after every step. */
START_TEST(test_troubles_with_restarts)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, troubles[_i]);
	id = begin(30);
	for (int i = 0; i < MANY && strcmp(status_of(&id), "done") != 0; i++) {
		world_restart(&w);
		clock_set_for_test(clock_now_ms() + 5000);
		world_turn(&w);
	}
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

/* With trouble at the questions, too. */
START_TEST(test_troubled_questions)
{
	static const char *const questions[] = { QUOTES, CHECK, RESTORE };
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"drop_after\"}");
	world_fault(&w, "{\"path\":\"" QUOTES "\",\"mode\":\"edit\",\"set\":{\"change\":null}}");
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		world_fault(&w, arena_printf(&w.arena, "{\"path\":\"%s\",\"mode\":\"drop_after\"}", questions[i]));
		world_fault(&w, arena_printf(&w.arena, "{\"path\":\"%s\",\"mode\":\"garbage\"}", questions[i]));
	}
	id = begin(30);
	settle(&id);
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

/* Sent again, it is the same to the byte. */
START_TEST(test_same_bytes)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"drop_before\",\"count\":3}");
	id = begin(30);
	settle(&id);
	assert_paid(&id, 100, 30);
	ck_assert_uint_eq(world_asked(&w, MELT), 4);
	ck_assert(world_same_bytes(&w, MELT, 1, 4));
	world_close(&w);
}
END_TEST

/* A copy that the network kept arrives late: before the mint is asked about the proofs, or before the next copy. */
START_TEST(test_late_copy)
{
	static const char *const before[] = { CHECK, MELT };
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"drop_before\"}");
	w.late_path = before[_i];
	id = begin(30);
	settle(&id);
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

/* Refused, and the only copy: the proofs are free at once. */
START_TEST(test_definite)
{
	static const int codes[] = { 11006, 11013, 20007, 10001 };
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, arena_printf(&w.arena, "{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":400,\"code\":%d}",
				     codes[_i]));
	id = begin(30);
	settle(&id);
	assert_unpaid(&id, "peer_rejected", 100, 0);
	ck_assert_uint_eq(world_asked(&w, MELT), 1);
	world_close(&w);
}
END_TEST

/* The mint neither pays nor says that it will not: at last the proofs are taken back by a swap. */
START_TEST(test_never_pays)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"answer\",\"status\":400,\"code\":50000,\"count\":0}");
	id = begin(30);
	world_settle(&w, &id, 200);
	assert_unpaid(&id, "peer_rejected", 100, 1);
	ck_assert_uint_eq(world_asked(&w, SWAP), 1);
	world_close(&w);
}
END_TEST

/* Cancelled while a copy may still arrive: the proofs are spent first, and then it is too late for it. */
START_TEST(test_cancel)
{
	struct mint_answer ignored;
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"drop_before\"}");
	world_fault(&w, "{\"path\":\"" QUOTES "\",\"mode\":\"drop_before\",\"count\":2}");
	id = begin(30);
	world_turn(&w);
	ck_assert_ptr_null(world_cancel(&w, &id));
	settle(&id);
	ck_assert_str_eq(status_of(&id), "cancelled");
	assert_unpaid(&id, "cancelled", 100, 1);
	for (size_t i = 0; i < w.n_asked; i++)
		if (strcmp(w.asked[i].path, MELT) == 0) {
			struct mint_call late = mint_call_of(&w.arena, "POST", MELT, w.asked[i].body);

			mint_answer(&w.mint, &w.arena, &late, &ignored);
			ck_assert_int_eq(ignored.status, 400);
		}
	ck_assert_uint_eq(mint_payments(&w.mint), 0);
	world_close(&w);
}
END_TEST

/* … or the late copy is quicker than the swap: then it is paid. */
START_TEST(test_cancel_too_late)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"drop_before\"}");
	world_fault(&w, "{\"path\":\"" QUOTES "\",\"mode\":\"answer\",\"status\":500,\"count\":1}");
	id = begin(30);
	world_turn(&w);
	w.late_path = SWAP;
	if (world_cancel(&w, &id) == NULL) {
		settle(&id);
		ck_assert_uint_eq(world_asked(&w, SWAP), 1);
	}
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

START_TEST(test_cancel_before)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" QUOTE "\",\"mode\":\"drop_before\",\"count\":0}");
	id = begin(30);
	world_turn(&w);
	ck_assert_ptr_null(world_cancel(&w, &id));
	assert_unpaid(&id, "cancelled", 100, 0);
	world_close(&w);
}
END_TEST

/* A mint that shows no change at all: paid all the same, and the blank outputs are kept, for which it is asked again later. */
START_TEST(test_change_kept)
{
	struct action_id id, sweep;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"edit\",\"set\":{\"change\":[]}}");
	world_fault(&w, "{\"path\":\"" RESTORE "\",\"mode\":\"restore_empty\",\"count\":0}");
	id = begin(30);
	settle(&id);
	ck_assert_str_eq(status_of(&id), "done");
	ck_assert_int_eq(result_int(&id, "change"), 0);
	ck_assert_int_lt(world_total(&w), 70);
	faults_clear(&w.faults);
	clock_set_for_test(clock_now_ms() + 2 * 3600 * 1000);
	sweep = world_start(&w, "cashu_sweep", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	settle(&sweep);
	ck_assert_str_eq(status_of(&sweep), "done");
	ck_assert_int_gt(result_int(&sweep, "taken"), 0);
	world_check(&w, 0);
	clock_set_for_test(-1);
	world_close(&w);
}
END_TEST

/* How often it is asked, by whoever wakes it, is not how long the mint has had for signing. */
START_TEST(test_change_late)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" MELT "\",\"mode\":\"edit\",\"set\":{\"change\":[]}}");
	world_fault(&w, "{\"path\":\"" RESTORE "\",\"mode\":\"restore_empty\",\"count\":12}");
	id = begin(30);
	for (int i = 0; i < 10; i++)
		world_turn(&w);
	ck_assert_str_ne(status_of(&id), "done");
	for (int i = 0; i < 5; i++)
		world_turn(&w);
	settle(&id);
	assert_paid(&id, 100, 30);
	ck_assert_int_gt(result_int(&id, "change"), 0);
	world_close(&w);
}
END_TEST

START_TEST(test_fee_above_ceiling)
{
	struct action_id id;

	open_with(100, 100);
	id = world_start(&w, "cashu_melt", arena_printf(&w.arena, "{\"invoice\":\"%s\",\"max_fee\":1}", invoice(30)));
	settle(&id);
	assert_unpaid(&id, "fee_out_of_range", 100, 0);
	ck_assert_uint_eq(world_asked(&w, MELT), 0);
	world_close(&w);
}
END_TEST

/* Enough for the invoice, not for the reserve: seen only with the quote. */
START_TEST(test_reserve_too_high)
{
	struct action_id id;

	open_with(100, 31);
	id = begin(30);
	settle(&id);
	assert_unpaid(&id, "insufficient_funds", 31, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	char *text;

	open_with(100, 100);
	world_refused(&w, "cashu_melt", "{\"invoice\":\"lnbcrt1nothing\"}", "bad_invoice", "invoice");
	world_refused(&w, "cashu_melt", params_for(101), "insufficient_funds", "amount");
	text = invoice_make(&w.arena, "a payee", "sat", 30, clock_now_ms() / 1000 - 7200);
	world_refused(&w, "cashu_melt", arena_printf(&w.arena, "{\"invoice\":\"%s\"}", text), "invoice_expired",
		      "invoice");
	world_refused(&w, "cashu_melt", arena_printf(&w.arena, "{\"invoice\":\"%s\",\"amount_sat\":31}", invoice(30)),
		      "invalid_params", "amount_sat");
	world_refused(&w, "cashu_melt", arena_printf(&w.arena, "{\"invoice\":\"%s\",\"unit\":\"usd\"}", invoice(30)),
		      "insufficient_funds", "amount");
	world_refused(&w, "cashu_melt",
		      arena_printf(&w.arena, "{\"invoice\":\"%s\",\"mint\":\"http://elsewhere.example\"}", invoice(30)),
		      "unknown_mint", "mint");
	/* of another network: the example of BOLT 11 */
	world_refused(
		&w, "cashu_melt",
		"{\"invoice\":\"lnbc25m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5vdhkven9v5sxyetpde"
		"essp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9q5sqqqqqqqqqqqqqqqpqsq67gye39hfg3zd8rgc80k32tvy9xk2x"
		"unwm5lzexnvpx6fd77en8qaq424dxgt56cag2dpt359k3ssyhetktkpqh24jqnjyw6uqd08sgptq44qu\"}",
		"wrong_network", "invoice");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 100);
	ck_assert_uint_eq(world_asked(&w, QUOTE), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* A no to the quote ends it; a quote that is not what was asked for does not begin it. */
START_TEST(test_quote_refused)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" QUOTE "\",\"mode\":\"answer\",\"status\":400,\"code\":20003}");
	id = begin(30);
	settle(&id);
	assert_unpaid(&id, "peer_rejected", 100, 0);
	world_fault(&w, "{\"path\":\"" QUOTE "\",\"mode\":\"edit\",\"set\":{\"amount\":29},\"count\":2}");
	id = begin(30);
	world_turn(&w);
	ck_assert_str_eq(world_row(&w, &id).error_kind, "peer_misbehaved");
	settle(&id);
	assert_paid(&id, 100, 30);
	world_close(&w);
}
END_TEST

/* nutshell has no code of its own for an invoice that somebody else has paid: what is a no five times is one. */
START_TEST(test_quote_refused_without_a_code)
{
	struct action_id id;

	open_with(100, 100);
	world_fault(&w, "{\"path\":\"" QUOTE "\",\"mode\":\"answer\",\"status\":400,\"code\":11000,\"count\":4}");
	id = begin(30);
	settle(&id);
	assert_paid(&id, 100, 30);
	for (int status = 400; status <= 500; status += 100) {
		world_fault(&w, arena_printf(&w.arena,
					     "{\"path\":\"" QUOTE "\",\"mode\":\"answer\",\"status\":%d,\"count\":5}",
					     status));
		id = begin(20);
		settle(&id);
		ck_assert_str_eq(status_of(&id), status == 400 ? "failed" : "done");
		ck_assert_uint_eq(faults_left(&w.faults), 0);
	}
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_melt");
	TCase *tc = tcase_create("melt");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_pays);
	tcase_add_test(tc, test_plan);
	tcase_add_test(tc, test_one_invoice_once);
	tcase_add_test(tc, test_two_at_once);
	tcase_add_test(tc, test_again_after_failure);
	tcase_add_loop_test(tc, test_pending, 0, 2);
	tcase_add_loop_test(tc, test_troubles, 0, ARRAY_LEN(troubles));
	tcase_add_loop_test(tc, test_troubles_with_restarts, 0, ARRAY_LEN(troubles));
	tcase_add_test(tc, test_troubled_questions);
	tcase_add_test(tc, test_same_bytes);
	tcase_add_loop_test(tc, test_late_copy, 0, 2);
	tcase_add_loop_test(tc, test_definite, 0, 4);
	tcase_add_test(tc, test_never_pays);
	tcase_add_test(tc, test_cancel);
	tcase_add_test(tc, test_cancel_too_late);
	tcase_add_test(tc, test_cancel_before);
	tcase_add_test(tc, test_change_kept);
	tcase_add_test(tc, test_change_late);
	tcase_add_test(tc, test_fee_above_ceiling);
	tcase_add_test(tc, test_reserve_too_high);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_quote_refused);
	tcase_add_test(tc, test_quote_refused_without_a_code);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
