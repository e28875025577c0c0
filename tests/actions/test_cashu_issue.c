/* Ecash for an invoice, when the mint or the network is not as it should be.  A paid quote is never forgotten, and never
 * issued twice. */
#include <string.h>

#include "base/clock.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define QUOTE   "/v1/mint/quote/bolt11"
#define MINT    "/v1/mint/bolt11"
#define RESTORE "/v1/restore"
#define AMOUNT  21 /* outputs of 1, 4 and 16 */
#define MANY    40
#define DAY_MS  (24 * 3600 * 1000)

static struct world w;

static struct action_id begin(void)
{
	return world_start(&w, "cashu_issue", arena_printf(&w.arena, "{\"mint\":\"%s\",\"amount\":%d}", w.url, AMOUNT));
}

static const char *status_of(const struct action_id *id)
{
	return action_status_name(world_row(&w, id).status);
}

static void assert_issued(const struct action_id *id)
{
	ck_assert_str_eq(status_of(id), "done");
	ck_assert_int_eq(json_integer_value(json_object_get(world_result(&w, id), "amount")), AMOUNT);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), AMOUNT);
	ck_assert_uint_eq(w.mint.sums[0].minted, AMOUNT);
	world_check(&w, 0);
}

/* --- what may happen to the requests --- */

struct trouble {
	const char *name;
	const char *faults[3];
	unsigned mints, restores; /* requests that the whole takes */
	bool rebuilt;             /* the last has other outputs than the first */
};

#define ON(path, rest)      "{\"path\":\"" path "\"," rest "}"
#define SAYS(path, s, c)    ON(path, "\"mode\":\"answer\",\"status\":" #s ",\"code\":" #c)
#define DID_BUT(path, s, c) ON(path, "\"mode\":\"answer_after\",\"status\":" #s ",\"code\":" #c)

static const struct trouble troubles[] = {
	{ "nothing", { NULL }, 1, 0, false },

	{ "the quote is lost on the way", { ON(QUOTE, "\"mode\":\"drop_before\"") }, 1, 0, false },
	{ "the mint's quote is lost", { ON(QUOTE, "\"mode\":\"drop_after\",\"count\":3") }, 1, 0, false },
	{ "the quote is nonsense", { ON(QUOTE, "\"mode\":\"garbage\"") }, 1, 0, false },
	{ "a quote for less", { ON(QUOTE, "\"mode\":\"edit\",\"set\":{\"amount\":20}") }, 1, 0, false },
	{ "a quote in another unit", { ON(QUOTE, "\"mode\":\"edit\",\"set\":{\"unit\":\"usd\"}") }, 1, 0, false },
	{ "asked about the quote in vain", { ON(QUOTE "/*", "\"mode\":\"drop_after\",\"count\":2") }, 1, 0, false },
	{ "a state that nobody knows",
	  { ON(QUOTE "/*", "\"mode\":\"edit\",\"set\":{\"state\":\"WHATEVER\"}") },
	  1,
	  0,
	  false },

	{ "lost on the way", { ON(MINT, "\"mode\":\"drop_before\",\"count\":2") }, 3, 0, false },
	{ "reply lost", { ON(MINT, "\"mode\":\"drop_after\"") }, 2, 1, false },
	{ "reply cut short", { ON(MINT, "\"mode\":\"truncate\"") }, 2, 1, false },
	{ "delivered twice", { ON(MINT, "\"mode\":\"duplicate\"") }, 1, 1, false },
	{ "502 after acting", { DID_BUT(MINT, 502, -1) }, 2, 1, false },
	{ "429", { ON(MINT, "\"mode\":\"throttle\"") }, 2, 0, false },
	{ "a proxy's 404 with a mint's code", { SAYS(MINT, 404, 12002) }, 2, 1, false },

	{ "not paid after all, and then it is", { SAYS(MINT, 400, 20001) }, 2, 0, false },
	{ "pending", { SAYS(MINT, 400, 20005) }, 2, 1, false },
	{ "issued, says the mint, and is wrong", { SAYS(MINT, 400, 20002) }, 2, 1, false },
	{ "an older copy was issued", { DID_BUT(MINT, 400, 20002) }, 1, 1, false },
	{ "20006 after acting", { DID_BUT(MINT, 400, 20006) }, 1, 1, false },
	{ "50000 instead of acting", { SAYS(MINT, 400, 50000) }, 2, 1, false },
	{ "11000 for a paid quote, five times",
	  { ON(MINT, "\"mode\":\"answer\",\"status\":400,\"code\":11000,\"count\":5") },
	  6,
	  5,
	  false },
	{ "outputs in use by another request, which never ends",
	  { ON(MINT, "\"mode\":\"answer\",\"status\":400,\"code\":11004,\"count\":8") },
	  9,
	  8,
	  true },
	{ "outputs in use by another request, for a while",
	  { ON(MINT, "\"mode\":\"answer\",\"status\":400,\"code\":11004,\"count\":7"), SAYS(MINT, 400, 50000) },
	  9,
	  8,
	  false },
	{ "the quote is pending for ever, and the outputs are signed",
	  { DID_BUT(MINT, 400, 11000),
	    ON(QUOTE "/*", "\"mode\":\"edit\",\"set\":{\"state\":\"PENDING\"},\"nth\":2,\"count\":8") },
	  1,
	  1,
	  false },
	{ "the quote is pending for long, and the outputs are not signed",
	  { SAYS(MINT, 400, 11000),
	    ON(QUOTE "/*", "\"mode\":\"edit\",\"set\":{\"state\":\"PENDING\"},\"nth\":2,\"count\":8") },
	  2,
	  2,
	  false },
	{ "minting disabled for a while", { SAYS(MINT, 400, 20003) }, 2, 1, false },
	{ "unbalanced", { SAYS(MINT, 400, 11005) }, 2, 1, true },
	{ "keyset inactive", { SAYS(MINT, 400, 12002) }, 2, 1, true },
	{ "the newer signature is refused, then the older one is taken", { SAYS(MINT, 400, 20008) }, 2, 0, true },

	{ "wrong amount", { ON(MINT, "\"mode\":\"wrong_amount\"") }, 1, 1, false },
	{ "inflated", { ON(MINT, "\"mode\":\"inflated\"") }, 1, 1, false },
	{ "wrong keyset id", { ON(MINT, "\"mode\":\"wrong_keyset_id\"") }, 1, 1, false },
	{ "another keyset", { ON(MINT, "\"mode\":\"other_keyset\"") }, 1, 1, false },
	{ "bad signature", { ON(MINT, "\"mode\":\"bad_signature\"") }, 1, 1, false },
	{ "bad DLEQ", { ON(MINT, "\"mode\":\"bad_dleq\"") }, 1, 1, false },
	{ "no DLEQ", { ON(MINT, "\"mode\":\"no_dleq\"") }, 1, 1, false },
	{ "one signature too few", { ON(MINT, "\"mode\":\"missing_promise\"") }, 1, 1, false },
	{ "one signature too many", { ON(MINT, "\"mode\":\"extra_promise\"") }, 1, 1, false },
	{ "not JSON", { ON(MINT, "\"mode\":\"garbage\"") }, 1, 1, false },
	{ "lies upon lies",
	  { ON(MINT, "\"mode\":\"bad_dleq\""), ON(RESTORE, "\"mode\":\"wrong_amount\",\"count\":2") },
	  1,
	  3,
	  false },
	{ "a lie, and a part of the truth",
	  { ON(MINT, "\"mode\":\"bad_dleq\""), ON(RESTORE, "\"mode\":\"missing_promise\"") },
	  1,
	  2,
	  false },
};

START_TEST(test_trouble)
{
	const struct trouble *t = &troubles[_i];
	struct action_id id;

	world_open(&w, 100);
	for (size_t i = 0; i < ARRAY_LEN(t->faults) && t->faults[i]; i++)
		world_fault(&w, t->faults[i]);
	id = begin();
	world_settle(&w, &id, MANY);
	assert_issued(&id);
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	ck_assert_uint_eq(world_asked(&w, MINT), t->mints);
	ck_assert_uint_eq(world_asked(&w, RESTORE), t->restores);
	ck_assert(world_same_bytes(&w, MINT, 1, t->mints) == !t->rebuilt || t->mints == 1);
	world_close(&w);
}
END_TEST

/* --- by themselves --- */

/* The request arrives at the mint after we heard that the quote is not issued, before we ask for signatures. */
START_TEST(test_late_copy)
{
	struct action_id id;

	world_open(&w, 100);
	w.late_path = RESTORE;
	world_fault(&w, ON(MINT, "\"mode\":\"drop_before\""));
	world_fault(&w, SAYS(MINT, 400, 50000));
	id = begin();
	world_settle(&w, &id, MANY);
	assert_issued(&id);
	ck_assert_uint_eq(world_events(&w, "wallet.counter_collision"), 0);
	world_close(&w);
}
END_TEST

static const enum mint_dialect dialects[] = { MINT_NUTSHELL, MINT_CDK };

START_TEST(test_collision)
{
	struct mint_options opts = world_mint(100);
	struct action_id id;

	opts.dialect = dialects[_i];
	opts.version = _i ? KEYSET_V1 : KEYSET_V2;
	world_open_with(&w, &opts);
	/* Some outputs of the batch, in another life of the seed. */
	world_used_before(&w, 2, 64);
	id = begin();
	world_settle(&w, &id, MANY);
	assert_issued(&id);
	ck_assert_uint_eq(world_events(&w, "wallet.counter_collision"), 1);
	world_close(&w);
}
END_TEST

/* A mint with NUT-19 gives a lost answer again, and it is told that one was lost. */
START_TEST(test_cached_answer)
{
	struct mint_options opts = world_mint(0);
	struct action_id id;

	opts.cache_ttl_s = _i ? 60 : 0;
	world_open_with(&w, &opts);
	world_issue(&w, 5);
	ck_assert_uint_eq(world_events(&w, "ecash.recovered"), 0);
	world_fault(&w, ON(MINT, "\"mode\":\"drop_after\""));
	id = begin();
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "done");
	ck_assert(world_same_bytes(&w, MINT, 2, 3));
	ck_assert_uint_eq(world_asked(&w, RESTORE), _i ? 0 : 1);
	ck_assert_uint_eq(world_events(&w, "ecash.recovered"), 1);
	world_close(&w);
}
END_TEST

/* Each mint takes what it takes; which it was is remembered. */
START_TEST(test_quote_lock)
{
	static const unsigned locks[] = { 0, MINT_LOCK_LEGACY, MINT_LOCK_V1, MINT_LOCK_LEGACY | MINT_LOCK_V1 };
	struct mint_options opts = world_mint(0);

	opts.quote_lock = locks[_i];
	world_open_with(&w, &opts);
	world_issue(&w, 21);
	ck_assert_uint_eq(world_asked(&w, MINT), locks[_i] == MINT_LOCK_LEGACY ? 2 : 1);
	world_issue(&w, 4);
	ck_assert_uint_eq(world_asked(&w, MINT), locks[_i] == MINT_LOCK_LEGACY ? 3 : 2);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_keyset_rotated)
{
	struct action_id id;

	world_open(&w, 100);
	mint_rotate(&w.mint, 0, 0, KEYSET_V2);
	id = begin();
	world_settle(&w, &id, MANY);
	assert_issued(&id);
	world_close(&w);
}
END_TEST

START_TEST(test_quote_refused)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, SAYS(QUOTE, 400, 20003));
	id = begin();
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "peer_rejected");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	world_fault(&w, ON(QUOTE, "\"mode\":\"answer\",\"status\":400,\"code\":50000,\"count\":5"));
	id = begin();
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "peer_rejected");
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	world_close(&w);
}
END_TEST

/* The quote that the wallet asked about first. */
static const char *quote_asked(void)
{
	return world_nth(&w, QUOTE "/", 1)->path + strlen(QUOTE "/");
}

/* Who has the quote's key is not this wallet alone: another copy of it was quicker. */
static void issue_to_somebody_else(struct world *world)
{
	mint_quote(&world->mint, quote_asked())->state = QUOTE_ISSUED;
}

START_TEST(test_issued_elsewhere)
{
	struct action_id id;

	world_open(&w, 100);
	w.before_path = MINT;
	w.before = issue_to_somebody_else;
	id = begin();
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "quote_issued");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "unknown");
	ck_assert_int_eq(world_total(&w), 0);
	world_close(&w);
}
END_TEST

static struct action_id begin_unpaid(void)
{
	struct mint_options opts = world_mint(100);
	struct action_id id;

	opts.pay_delay_ms = -1;
	world_open_with(&w, &opts);
	id = begin();
	world_settle(&w, &id, 2);
	ck_assert_str_eq(status_of(&id), "parked");
	ck_assert_str_eq(executor_state_name(w.ex, &(struct action_row){ .kind = "cashu_issue", .state = 3 }),
			 "awaiting_payment");
	ck_assert_int_eq(world_row(&w, &id).state, 3);
	return id;
}

START_TEST(test_paid_late)
{
	struct action_id id = begin_unpaid();

	/* Expired, but its day is not over. */
	clock_set_for_test(clock_now_ms() + 2 * 3600 * 1000);
	world_turn(&w);
	ck_assert_str_eq(status_of(&id), "parked");
	mint_quote(&w.mint, quote_asked())->state = QUOTE_PAID;
	w.mint.opts.dialect = MINT_CDK; /* which does not look at the expiry */
	world_settle(&w, &id, MANY);
	assert_issued(&id);
	world_close(&w);
}
END_TEST

START_TEST(test_expired)
{
	struct action_id id = begin_unpaid();

	clock_set_for_test(clock_now_ms() + DAY_MS + 2 * 3600 * 1000);
	world_settle(&w, &id, 2);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "quote_expired");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	ck_assert_uint_eq(world_asked(&w, MINT), 0);
	world_close(&w);
}
END_TEST

/* Cancelled while it was unpaid, paid all the same, and taken up again. */
START_TEST(test_cancelled_then_paid)
{
	struct action_id id = begin_unpaid(), again;
	const char *quote = quote_asked(), *params;

	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, 2);
	ck_assert_str_eq(status_of(&id), "cancelled");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	mint_quote(&w.mint, quote)->state = QUOTE_PAID;
	params = arena_printf(&w.arena, "{\"mint\":\"%s\",\"quote\":\"%s\"}", w.url, quote);
	again = world_start(&w, "cashu_issue", params);
	world_settle(&w, &again, MANY);
	assert_issued(&again);
	world_refused(&w, "cashu_issue", params, "quote_issued", "quote");
	world_close(&w);
}
END_TEST

/* Paid between the wish to cancel and the mint's word: it is issued. */
START_TEST(test_paid_while_cancelling)
{
	struct action_id id = begin_unpaid();

	mint_quote(&w.mint, quote_asked())->state = QUOTE_PAID;
	ck_assert_ptr_null(world_cancel(&w, &id));
	world_settle(&w, &id, MANY);
	assert_issued(&id);
	world_close(&w);
}
END_TEST

START_TEST(test_cancel_too_late)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, ON(MINT, "\"mode\":\"drop_after\""));
	world_fault(&w, ON(RESTORE, "\"mode\":\"drop_after\",\"count\":2"));
	id = begin();
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, &id).status); i++) {
		if (world_asked(&w, MINT) > 0)
			ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
		world_turn(&w);
	}
	assert_issued(&id);
	world_close(&w);
}
END_TEST

START_TEST(test_cancel_before_the_quote)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, SAYS(QUOTE, 500, -1));
	id = begin();
	world_settle(&w, &id, 0);
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(status_of(&id), "cancelled");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_restarted)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, ON(QUOTE, "\"mode\":\"drop_after\""));
	world_fault(&w, ON(QUOTE "/*", "\"mode\":\"drop_after\""));
	world_fault(&w, ON(MINT, "\"mode\":\"drop_after\",\"count\":2"));
	world_fault(&w, ON(RESTORE, "\"mode\":\"drop_after\""));
	id = begin();
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, &id).status); i++) {
		world_restart(&w);
		world_turn(&w);
	}
	assert_issued(&id);
	world_close(&w);
}
END_TEST

/* --- what cannot be started --- */

START_TEST(test_refused)
{
	static const struct {
		const char *params, *kind, *field;
	} wrong[] = {
		{ "{\"mint\":\"%s\"}", "invalid_params", "amount" },
		{ "{\"mint\":\"%s\",\"amount\":1000001}", "out_of_range", "amount" },
		{ "{\"mint\":\"%s\",\"amount\":5,\"unit\":\"eur\"}", "wrong_unit", "unit" },
		{ "{\"mint\":\"%s\",\"amount\":5,\"unit\":\"EUR\"}", "invalid_params", "unit" },
		{ "{\"mint\":\"%s/elsewhere\",\"amount\":5}", "unknown_mint", "mint" },
		{ "{\"mint\":\"%s\",\"quote\":\"there-is-none\"}", "not_found", "quote" },
	};

	world_open(&w, 100);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *percent = strchr(wrong[i].params, '%');

		world_refused(&w, "cashu_issue",
			      arena_printf(&w.arena, "%.*s%s%s", (int)(percent - wrong[i].params), wrong[i].params,
					   w.url, percent + 2),
			      wrong[i].kind, wrong[i].field);
	}
	ck_assert_uint_eq(world_asked(&w, "/"), 0);
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_issue");
	TCase *tc = tcase_create("troubles");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_trouble, 0, (int)ARRAY_LEN(troubles));
	suite_add_tcase(s, tc);

	tc = tcase_create("by themselves");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_late_copy);
	tcase_add_loop_test(tc, test_collision, 0, (int)ARRAY_LEN(dialects));
	tcase_add_loop_test(tc, test_quote_lock, 0, 4);
	tcase_add_loop_test(tc, test_cached_answer, 0, 2);
	tcase_add_test(tc, test_keyset_rotated);
	tcase_add_test(tc, test_quote_refused);
	tcase_add_test(tc, test_issued_elsewhere);
	tcase_add_test(tc, test_paid_late);
	tcase_add_test(tc, test_expired);
	tcase_add_test(tc, test_cancelled_then_paid);
	tcase_add_test(tc, test_paid_while_cancelling);
	tcase_add_test(tc, test_cancel_too_late);
	tcase_add_test(tc, test_cancel_before_the_quote);
	tcase_add_test(tc, test_restarted);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
