/* A balance that moves from one mint to another: the whole amount arrives, or nothing has left. */
#include <string.h>

#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define QUOTE  "/v1/mint/quote/bolt11"
#define ISSUE  "/v1/mint/bolt11"
#define AMOUNT 300
#define BEFORE 1000
#define MANY   60

/* The mint that the ecash goes to, beside the one of the world that pays its invoice. */
static struct world w;
static struct mint other;
static struct http_peer *peer;
static const char *url;
static const char *broken; /* requests to this path get no answer; NULL: none */
static int refusal;        /* … or this code, when it is not 0 */

static const struct peer_script *reply(struct peer_script s)
{
	struct peer_script *copy = ARENA_NEW(&w.arena, struct peer_script);

	*copy = s;
	return copy;
}

static const struct peer_script *answer(void *ctx, const struct peer_request *req)
{
	struct mint_call call = mint_call_of(&w.arena, arena_strdup(&w.arena, req->method),
					     arena_strdup(&w.arena, req->path), arena_bytes(&w.arena, req->body));
	const char *id = strncmp(call.path, QUOTE "/", strlen(QUOTE) + 1) == 0 ? call.path + strlen(QUOTE) + 1 : NULL;
	struct mint_quote_row *quote = id ? mint_quote(&other, id) : NULL;
	struct mint_answer ans;

	(void)ctx;
	/* Its invoice is paid when the first mint has paid one: there is no other. */
	if (quote && quote->state == QUOTE_UNPAID && mint_payments(&w.mint) > 0)
		quote->state = QUOTE_PAID;
	mint_arrived(&other, &call);
	if (broken && strcmp(call.path, broken) == 0 && refusal == 0)
		return reply((struct peer_script){ .raw = "", .end = PEER_RESET });
	if (broken && strcmp(call.path, broken) == 0)
		mint_refuse(&w.arena, &ans, 400, refusal, "as the test wishes");
	else
		mint_answer(&other, &w.arena, &call, &ans);
	return reply((struct peer_script){ .status = ans.status, .body = json_text(&w.arena, ans.body) });
}

static void open_both(uint64_t fee_ppk)
{
	struct mint_options opts = world_mint(fee_ppk);
	struct action_id id;

	world_open(&w, fee_ppk);
	opts.seed = "another mint";
	opts.pay_delay_ms = -1;
	mint_init(&other, &opts);
	peer = http_peer_new(w.loop, NULL);
	http_peer_answer(peer, answer, NULL);
	url = http_peer_url(peer, "");
	broken = NULL;
	refusal = 0;
	id = world_start(&w, "cashu_mint_sync", arena_printf(&w.arena, "{\"mint\":\"%s\",\"add\":true}", url));
	world_settle(&w, &id, 3);
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
	world_issue(&w, BEFORE);
}

static void close_both(void)
{
	http_peer_free(peer);
	mint_done(&other);
	world_close(&w);
}

static struct action_id begin(const char *more)
{
	return world_start(
		&w, "cashu_transfer",
		arena_printf(&w.arena, "{\"amount\":%d,\"from\":\"%s\",\"to\":\"%s\"%s}", AMOUNT, w.url, url, more));
}

static int64_t owed(const struct mint *m)
{
	return (int64_t)(m->sums[0].issued - m->sums[0].redeemed);
}

/* At rest: what the wallet counts is what the two mints owe. */
static void assert_money(int64_t at_first, int64_t at_other)
{
	ck_assert_int_eq(owed(&w.mint), at_first);
	ck_assert_int_eq(owed(&other), at_other);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), at_first + at_other);
	world_check(&w, -at_other);
}

static void assert_moved(const struct action_id *id)
{
	json_t *v;
	int64_t fee;

	ck_assert_str_eq(action_status_name(world_row(&w, id).status), "done");
	v = world_result(&w, id);
	fee = json_integer_value(json_object_get(v, "fee"));
	ck_assert_int_eq(json_integer_value(json_object_get(v, "amount")), AMOUNT);
	ck_assert_int_ge(fee, 1); /* what Lightning takes */
	ck_assert_uint_eq(mint_payments(&w.mint), 1);
	assert_money(BEFORE - AMOUNT - fee, AMOUNT);
}

static void assert_not_moved(const struct action_id *id, const char *kind)
{
	struct action_row row = world_row(&w, id);

	ck_assert_str_eq(action_status_name(row.status), "failed");
	ck_assert_str_eq(row.error_kind, kind);
	ck_assert_str_eq(row.funds_moved, "no");
	ck_assert_uint_eq(mint_payments(&w.mint), 0);
	assert_money(BEFORE, 0);
}

START_TEST(test_moves)
{
	struct action_id id;

	open_both(_i ? 100 : 0);
	id = begin("");
	world_settle(&w, &id, MANY);
	assert_moved(&id);
	close_both();
}
END_TEST

/* The daemon is killed after each turn, and both mints lose replies. */
START_TEST(test_killed)
{
	struct action_id id;

	open_both(100);
	world_fault(&w, "{\"path\":\"/v1/melt/quote/bolt11\",\"mode\":\"drop_after\"}");
	world_fault(&w, "{\"path\":\"/v1/melt/bolt11\",\"mode\":\"drop_after\"}");
	id = begin("");
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, &id).status); i++) {
		broken = i == 3 ? ISSUE : NULL;
		world_restart(&w);
		world_turn(&w);
	}
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	assert_moved(&id);
	close_both();
}
END_TEST

START_TEST(test_no_invoice)
{
	struct action_id id;

	open_both(0);
	broken = QUOTE;
	refusal = 20003; /* it issues nothing */
	id = begin("");
	world_settle(&w, &id, MANY);
	assert_not_moved(&id, "peer_rejected");
	close_both();
}
END_TEST

START_TEST(test_not_paid)
{
	struct action_id id;

	open_both(0);
	w.mint.pay = MINT_PAY_FAILS;
	id = begin("");
	world_settle(&w, &id, MANY);
	assert_not_moved(&id, "payment_failed");
	close_both();
}
END_TEST

START_TEST(test_too_dear)
{
	struct action_id id;

	open_both(0);
	id = begin(",\"max_fee\":0");
	world_settle(&w, &id, MANY);
	assert_not_moved(&id, "fee_out_of_range");
	close_both();
}
END_TEST

/* The payment cannot even begin. */
START_TEST(test_too_little)
{
	struct action_id id;

	open_both(0);
	id = world_start(
		&w, "cashu_transfer",
		arena_printf(&w.arena, "{\"amount\":%d,\"from\":\"%s\",\"to\":\"%s\"}", BEFORE + 1, w.url, url));
	world_settle(&w, &id, MANY);
	assert_not_moved(&id, "insufficient_funds");
	close_both();
}
END_TEST

/* Paid, and the second mint is away: the ecash is not lost, it is waited for. */
START_TEST(test_claimed_at_last)
{
	struct action_id id;

	open_both(0);
	broken = ISSUE;
	id = begin("");
	for (int i = 0; i < 8; i++)
		world_turn(&w);
	ck_assert(!action_status_is_final(world_row(&w, &id).status));
	ck_assert_uint_eq(mint_payments(&w.mint), 1);
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	broken = NULL;
	world_settle(&w, &id, MANY);
	assert_moved(&id);
	close_both();
}
END_TEST

START_TEST(test_cancelled)
{
	struct action_id id;

	open_both(0);
	broken = QUOTE;
	id = begin("");
	world_settle(&w, &id, 0);
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "cancelled");
	ck_assert_uint_eq(mint_payments(&w.mint), 0);
	assert_money(BEFORE, 0);
	close_both();
}
END_TEST

/* While it is being paid the payment decides: it is the one to be cancelled. */
START_TEST(test_cancelled_while_paying)
{
	struct action_id id;

	open_both(0);
	w.mint.pay = MINT_PAY_WAITS;
	id = begin("");
	for (int i = 0; i < 4; i++)
		world_turn(&w);
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	ck_assert_ptr_nonnull(json_string_value(json_object_get(world_progress(&w, &id), "melt_id")));
	mint_settle(&w.mint, _i);
	world_settle(&w, &id, MANY);
	if (_i)
		assert_moved(&id);
	else
		assert_not_moved(&id, "payment_failed");
	close_both();
}
END_TEST

START_TEST(test_refused)
{
	open_both(0);
	world_refused(&w, "cashu_transfer", "{}", "invalid_params", "amount");
	world_refused(&w, "cashu_transfer",
		      arena_printf(&w.arena, "{\"amount\":0,\"from\":\"%s\",\"to\":\"%s\"}", w.url, url),
		      "invalid_params", "amount");
	world_refused(&w, "cashu_transfer",
		      arena_printf(&w.arena, "{\"amount\":5,\"from\":\"%s\",\"to\":\"%s/\"}", w.url, w.url),
		      "invalid_params", "to");
	world_refused(
		&w, "cashu_transfer",
		arena_printf(&w.arena, "{\"amount\":5,\"from\":\"%s\",\"to\":\"https://nowhere.example\"}", w.url),
		"unknown_mint", "to");
	world_refused(&w, "cashu_transfer",
		      arena_printf(&w.arena, "{\"amount\":5,\"from\":\"https://nowhere.example\",\"to\":\"%s\"}", url),
		      "unknown_mint", "from");
	assert_money(BEFORE, 0);
	close_both();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cashu_transfer");
	TCase *tc = tcase_create("transfer");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_moves, 0, 2);
	tcase_add_test(tc, test_killed);
	tcase_add_test(tc, test_no_invoice);
	tcase_add_test(tc, test_not_paid);
	tcase_add_test(tc, test_too_dear);
	tcase_add_test(tc, test_too_little);
	tcase_add_test(tc, test_claimed_at_last);
	tcase_add_test(tc, test_cancelled);
	tcase_add_loop_test(tc, test_cancelled_while_paying, 0, 2);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
