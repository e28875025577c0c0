/* Tokens that come in: whose they are, what is left of them, and what is refused before anybody is asked.  The road of the
 * swap itself is in test_cashu_exchange.c. */
#include <string.h>

#include "store/mint_store.h"
#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define SWAP "/v1/swap"
#define MANY 40

static struct world w;
static const uint64_t notes[] = { 1, 4, 16, 0 };

static const char *params_of(const char *token)
{
	return arena_printf(&w.arena, "{\"token\":\"%s\"}", token);
}

static struct action_id receive(const char *token)
{
	return world_start(&w, "cashu_receive", params_of(token));
}

static struct action_row settled(const struct action_id *id)
{
	world_settle(&w, id, MANY);
	return world_row(&w, id);
}

static void assert_failed(const struct action_id *id, const char *kind)
{
	struct action_row row = settled(id);

	ck_assert_str_eq(action_status_name(row.status), "failed");
	ck_assert_str_eq(row.error_kind, kind);
	ck_assert_str_eq(row.funds_moved, "no");
	ck_assert_int_eq(world_account(&w, ACCOUNT_PENDING), 0);
}

static int64_t received(const struct action_id *id)
{
	ck_assert_str_eq(action_status_name(settled(id).status), "done");
	return json_integer_value(json_object_get(world_result(&w, id), "amount"));
}

START_TEST(test_with_and_without_dleq)
{
	struct action_id id;

	world_open(&w, 100);
	id = receive(world_token(&w, "any", notes, _i == 1 ? DLEQ_GOOD : DLEQ_NONE));
	ck_assert_int_eq(received(&id), 20);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* However its proofs are ordered, it is the same token. */
START_TEST(test_twice)
{
	struct action_id id, again;
	char *token;

	world_open(&w, 0);
	token = world_token(&w, "any", notes, DLEQ_GOOD);
	id = receive(token);
	again = receive(token);
	ck_assert(action_id_equal(&id, &again));
	ck_assert_int_eq(received(&id), 21);
	again = receive(token);
	ck_assert(action_id_equal(&id, &again));
	ck_assert_uint_eq(world_asked(&w, SWAP), 1);
	ck_assert_int_eq(world_total(&w), 21);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* After a failure the same token may be tried again, as another action. */
START_TEST(test_tried_again)
{
	struct action_id id, again;
	char *token;

	world_open(&w, 0);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"answer\",\"status\":400,\"code\":11006}");
	token = world_token(&w, "any", notes, DLEQ_GOOD);
	id = receive(token);
	assert_failed(&id, "peer_rejected");
	again = receive(token);
	ck_assert(!action_id_equal(&id, &again));
	ck_assert_int_eq(received(&again), 21);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_spent)
{
	struct action_id id;
	char *token;

	world_open(&w, 100);
	token = world_token(&w, "any", notes, DLEQ_GOOD);
	world_spend(&w, token, 3);
	id = receive(token);
	assert_failed(&id, "token_spent");
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* What is left of it is ours, with a fee for fewer notes. */
START_TEST(test_partly_spent)
{
	static const uint64_t many[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 64, 0 };
	struct action_id id;
	char *token;

	world_open(&w, 100);
	token = world_token(&w, "any", many, DLEQ_GOOD);
	world_spend(&w, token, (size_t)_i);
	id = receive(token);
	/* Eleven notes cost 2, ten cost 1. */
	ck_assert_int_eq(received(&id), 74 - _i - 1);
	ck_assert_int_eq(json_integer_value(json_object_get(world_result(&w, &id), "proofs_spent_elsewhere")), _i);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Two tokens that share a note: the first has it, the other is told so, and takes nothing of it. */
START_TEST(test_overlapping)
{
	struct action_id first, second, later;
	char *whole, *part;
	static const uint64_t one[] = { 1, 0 };

	world_open(&w, 0);
	whole = world_token(&w, "any", notes, DLEQ_GOOD);
	part = world_token(&w, "any", one, DLEQ_GOOD); /* its note is the first of the other */
	w.mint.sums[0].issued -= 1;
	first = receive(whole);
	second = receive(part);
	ck_assert_int_eq(received(&first), 21);
	assert_failed(&second, "token_own");
	later = receive(part);
	assert_failed(&later, "token_spent");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_dust)
{
	static const uint64_t one[] = { 1, 0 };
	struct action_id id;

	world_open(&w, 100);
	id = receive(world_token(&w, "any", one, DLEQ_GOOD));
	assert_failed(&id, "token_dust");
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_check(&w, 1);
	world_close(&w);
}
END_TEST

/* Newer than what we know of the mint: it is asked, once. */
START_TEST(test_new_keyset)
{
	struct action_id id;

	world_open(&w, 100);
	mint_rotate(&w.mint, 0, 0, KEYSET_V2);
	id = receive(world_token(&w, "any", notes, DLEQ_GOOD));
	ck_assert_int_eq(received(&id), 21); /* the new notes cost nothing */
	ck_assert_uint_eq(world_asked(&w, "/v1/keysets"), 1);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_keyset_of_nobody)
{
	struct action_id id;
	char *token;

	world_open(&w, 100);
	mint_rotate(&w.mint, 0, 0, KEYSET_V2);
	token = world_token(&w, "any", notes, DLEQ_GOOD);
	w.mint.n_keysets--; /* the mint forgets it */
	w.mint.keysets[0]->pub.active = true;
	id = receive(token);
	assert_failed(&id, "unknown_keyset");
	ck_assert_uint_eq(world_asked(&w, "/v1/keysets"), 1);
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_close(&w);
}
END_TEST

/* A token that this wallet made and that nobody has claimed is no income. */
START_TEST(test_own)
{
	struct action_id id;
	const char *token;

	world_open(&w, 100);
	world_issue(&w, 21);
	id = world_start(&w, "cashu_send", "{\"amount\":21}");
	world_settle(&w, &id, 0);
	token = json_string_value(json_object_get(world_progress(&w, &id), "token"));
	world_refused(&w, "cashu_receive", params_of(token), "token_own", "token");
	world_spend(&w, token, 3);
	world_settle(&w, &id, MANY);
	world_refused(&w, "cashu_receive", params_of(token), "token_spent", "token");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* A proof's signature that does not fit is seen without asking the mint. */
START_TEST(test_bad_dleq)
{
	struct action_id id;

	world_open(&w, 100);
	id = receive(world_token(&w, "any", notes, DLEQ_BAD));
	assert_failed(&id, "malformed_token");
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_close(&w);
}
END_TEST

static void forget_mint(void)
{
	scratch_sql(&w.disk, "UPDATE mint SET url = 'http://elsewhere.example', trusted = 1; DELETE FROM keyset");
	world_restart(&w);
}

/* A mint that nobody has added: refused, and with trust added by way of the token. */
START_TEST(test_unknown_mint)
{
	struct mint_row mint;
	struct action_id id;
	struct err err;
	char *token;

	world_open(&w, 100);
	token = world_token(&w, "any", notes, DLEQ_GOOD);
	forget_mint();
	world_refused(&w, "cashu_receive", params_of(token), "unknown_mint", "token");
	ck_assert_int_eq(mint_store_by_url(store_view(w.disk.store), &w.arena, w.url, &mint, &err), -1);
	id = world_start(&w, "cashu_receive", arena_printf(&w.arena, "{\"token\":\"%s\",\"trust\":true}", token));
	ck_assert_int_eq(received(&id), 20);
	ck_assert_int_eq(mint_store_by_url(store_view(w.disk.store), &w.arena, w.url, &mint, &err), 0);
	ck_assert(mint.trusted);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	static const struct {
		const char *token, *kind;
	} wrong[] = {
		{ "", "malformed_token" },       { "cashuB", "malformed_token" }, { "cashuBpGF0", "malformed_token" },
		{ "cashuA", "malformed_token" }, { "lnbc1", "malformed_token" },
	};

	world_open(&w, 100);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		world_refused(&w, "cashu_receive", params_of(wrong[i].token), wrong[i].kind, "token");
	ck_assert_uint_eq(world_asked(&w, "/"), 0);
	world_close(&w);
}
END_TEST

/* Rebuilt after a definite no, and cancelled then: the proofs are nobody's to hold any more. */
START_TEST(test_cancelled_after_rebuild)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"answer\",\"status\":400,\"code\":12002}");
	world_fault(&w, "{\"path\":\"/v1/info\",\"mode\":\"answer\",\"status\":500}");
	id = receive(world_token(&w, "any", notes, DLEQ_GOOD));
	world_settle(&w, &id, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_PENDING), 21);
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "cancelled");
	ck_assert_int_eq(world_account(&w, ACCOUNT_PENDING), 0);
	world_check(&w, 21);
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_receive");
	TCase *tc = tcase_create("tokens");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_with_and_without_dleq, 0, 2);
	tcase_add_test(tc, test_twice);
	tcase_add_test(tc, test_tried_again);
	tcase_add_test(tc, test_spent);
	tcase_add_loop_test(tc, test_partly_spent, 1, 3);
	tcase_add_test(tc, test_overlapping);
	tcase_add_test(tc, test_dust);
	tcase_add_test(tc, test_new_keyset);
	tcase_add_test(tc, test_keyset_of_nobody);
	tcase_add_test(tc, test_own);
	tcase_add_test(tc, test_bad_dleq);
	tcase_add_test(tc, test_unknown_mint);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_cancelled_after_rebuild);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
