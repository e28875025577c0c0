#include "store/directive_store.h"

#include <string.h>

#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(256 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static struct space_row full(void)
{
	return (struct space_row){
		.chain_id = 31337,
		.contract = rows_address(1),
		.signer = rows_address(2),
		.key_ref = "hd:m/44'/60'/21075'/0/0",
		.next_nonce = 7,
		.ordering = ORDER_SIGNER,
		.release_at = DELIVERY_CONFIRMED,
		.halt_on_terminal = true,
		.deploy_block = 99,
		.created_at_ms = 1000,
	};
}

static struct space_row get(struct unit *u, int64_t id, struct err *err)
{
	struct space_row row;

	OK(space_store_get(unit_view(u), &arena, id, &row, err));
	return row;
}

static void same_settings(const struct space_row *is, const struct space_row *expected)
{
	ck_assert_uint_eq(is->chain_id, expected->chain_id);
	ck_assert(evm_address_equal(&is->contract, &expected->contract));
	ck_assert(evm_address_equal(&is->signer, &expected->signer));
	ck_assert_str_eq(is->key_ref, expected->key_ref);
	ck_assert_int_eq(is->ordering, expected->ordering);
	ck_assert_int_eq(is->release_at, expected->release_at);
	ck_assert_int_eq(is->halt_on_terminal, expected->halt_on_terminal);
	ck_assert_uint_eq(is->deploy_block, expected->deploy_block);
}

static int round_trip(struct unit *u, void *ctx, struct err *err)
{
	struct space_row row = full(), is;
	int64_t id;

	(void)ctx;
	OK(space_store_put(u, &row, &id, err));
	is = get(u, id, err);
	same_settings(&is, &row);
	ck_assert_int_eq(is.id, id);
	ck_assert_uint_eq(is.next_nonce, 7);
	ck_assert(!is.paused);
	ck_assert_ptr_null(is.pause_reason);
	ck_assert_int_eq(is.created_at_ms, 1000);
	return 0;
}

static int settings_change_and_the_counter_stays(struct unit *u, void *ctx, struct err *err)
{
	struct space_row row = full(), is;
	int64_t id, again;

	(void)ctx;
	OK(space_store_put(u, &row, &id, err));
	OK(space_store_pause(u, id, "signer_locked", err));
	row.key_ref = "file:cold";
	row.next_nonce = 0;
	row.ordering = ORDER_NONE;
	row.release_at = DELIVERY_SUBMITTED;
	row.halt_on_terminal = false;
	row.deploy_block = 100;
	row.created_at_ms = 2000;
	OK(space_store_put(u, &row, &again, err));
	ck_assert_int_eq(again, id);
	is = get(u, id, err);
	same_settings(&is, &row);
	ck_assert_uint_eq(is.next_nonce, 7);
	ck_assert_str_eq(is.pause_reason, "signer_locked");
	ck_assert_int_eq(is.created_at_ms, 1000);
	return 0;
}

static int a_space_is_chain_contract_and_signer(struct unit *u, void *ctx, struct err *err)
{
	struct space_row row = full(), *rows;
	int64_t ids[4];
	size_t n;

	(void)ctx;
	OK(space_store_list(unit_view(u), &arena, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(space_store_put(u, &row, &ids[0], err));
	row.chain_id++;
	OK(space_store_put(u, &row, &ids[1], err));
	row.contract = rows_address(3);
	OK(space_store_put(u, &row, &ids[2], err));
	row.signer = rows_address(4);
	OK(space_store_put(u, &row, &ids[3], err));
	OK(space_store_list(unit_view(u), &arena, &rows, &n, err));
	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(rows[i].id, ids[i]);
	same_settings(&rows[3], &row);
	return 0;
}

static int a_new_one_may_start_paused(struct unit *u, void *ctx, struct err *err)
{
	struct space_row row = full();
	int64_t id;

	(void)ctx;
	row.paused = true;
	row.pause_reason = "nonce_horizon";
	OK(space_store_put(u, &row, &id, err));
	ck_assert_str_eq(get(u, id, err).pause_reason, "nonce_horizon");
	return 0;
}

static int nonces_are_taken_one_by_one(struct unit *u, void *ctx, struct err *err)
{
	int64_t a = rows_space(u, 1), b = rows_space(u, 2);
	uint64_t nonce;

	(void)ctx;
	for (uint64_t i = 0; i < 5; i++) {
		OK(space_store_take_nonce(u, a, &nonce, err));
		ck_assert_uint_eq(nonce, i);
	}
	OK(space_store_take_nonce(u, b, &nonce, err));
	ck_assert_uint_eq(nonce, 0);
	OK(space_store_pause(u, a, "why not", err)); /* stops draining, not acceptance */
	OK(space_store_take_nonce(u, a, &nonce, err));
	ck_assert_uint_eq(nonce, 5);
	return 0;
}

static int the_last_nonce(struct unit *u, void *ctx, struct err *err)
{
	int64_t id = rows_space(u, 1);
	uint64_t nonce = 4711;

	(void)ctx;
	OK(space_store_advance(u, id, INT64_MAX - 1, err));
	OK(space_store_take_nonce(u, id, &nonce, err));
	ck_assert_uint_eq(nonce, INT64_MAX - 1);
	for (int i = 0; i < 2; i++) {
		FAILS(space_store_take_nonce(u, id, &nonce, err), ERR_RANGE);
		ck_assert_ptr_nonnull(strstr(err->msg, "used up"));
		ck_assert_uint_eq(nonce, INT64_MAX - 1);
		ck_assert_uint_eq(get(u, id, err).next_nonce, INT64_MAX);
	}
	return 0;
}

static int a_counter_is_never_lowered(struct unit *u, void *ctx, struct err *err)
{
	int64_t id = rows_space(u, 1);
	uint64_t nonce;

	(void)ctx;
	OK(space_store_advance(u, id, 100, err));
	FAILS(space_store_advance(u, id, 99, err), ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(err->msg, "100"));
	OK(space_store_advance(u, id, 100, err));
	OK(space_store_take_nonce(u, id, &nonce, err));
	ck_assert_uint_eq(nonce, 100);
	FAILS(space_store_advance(u, id, 100, err), ERR_RANGE);
	FAILS(space_store_advance(u, id, (uint64_t)INT64_MAX + 1, err), ERR_RANGE);
	ck_assert_uint_eq(get(u, id, err).next_nonce, 101);
	return 0;
}

static int pause_and_resume(struct unit *u, void *ctx, struct err *err)
{
	int64_t id = rows_space(u, 1);

	(void)ctx;
	OK(space_store_pause(u, id, "bad_signature", err));
	ck_assert(get(u, id, err).paused);
	ck_assert_str_eq(get(u, id, err).pause_reason, "bad_signature");
	OK(space_store_pause(u, id, NULL, err));
	ck_assert(!get(u, id, err).paused);
	return 0;
}

static int there_is_no_such_space(struct unit *u, void *ctx, struct err *err)
{
	struct space_row row;
	uint64_t nonce;

	(void)ctx;
	FAILS(space_store_get(unit_view(u), &arena, 9, &row, err), ERR_NOT_FOUND);
	FAILS(space_store_take_nonce(u, 9, &nonce, err), ERR_NOT_FOUND);
	FAILS(space_store_advance(u, 9, 1, err), ERR_NOT_FOUND);
	FAILS(space_store_pause(u, 9, "x", err), ERR_NOT_FOUND);
	return 0;
}

static int what_no_space_may_be(struct unit *u, void *ctx, struct err *err)
{
	struct space_row row;
	int64_t id = 4711;

	(void)ctx;
	row = full(), row.chain_id = 0;
	FAILS(space_store_put(u, &row, &id, err), ERR_INTERNAL);
	row = full(), row.ordering = (enum space_ordering)3;
	FAILS(space_store_put(u, &row, &id, err), ERR_INTERNAL);
	row = full(), row.release_at = DELIVERY_CLAIMED;
	FAILS(space_store_put(u, &row, &id, err), ERR_INTERNAL);
	row = full(), row.release_at = DELIVERY_RETRY;
	FAILS(space_store_put(u, &row, &id, err), ERR_INTERNAL);
	row = full(), row.key_ref = NULL;
	FAILS(space_store_put(u, &row, &id, err), ERR_INTERNAL);
	row = full(), row.chain_id = UINT64_MAX;
	FAILS(space_store_put(u, &row, &id, err), ERR_RANGE);
	row = full(), row.next_nonce = UINT64_MAX;
	FAILS(space_store_put(u, &row, &id, err), ERR_RANGE);
	row = full(), row.deploy_block = UINT64_MAX;
	FAILS(space_store_put(u, &row, &id, err), ERR_RANGE);
	ck_assert_int_eq(id, 4711);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "round trip", round_trip },
	{ "settings change and the counter stays", settings_change_and_the_counter_stays },
	{ "a space is chain, contract and signer", a_space_is_chain_contract_and_signer },
	{ "a new one may start paused", a_new_one_may_start_paused },
	{ "nonces are taken one by one", nonces_are_taken_one_by_one },
	{ "the last nonce", the_last_nonce },
	{ "a counter is never lowered", a_counter_is_never_lowered },
	{ "pause and resume", pause_and_resume },
	{ "there is no such space", there_is_no_such_space },
	{ "what no space may be", what_no_space_may_be },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

static int take(struct unit *u, void *ctx, struct err *err)
{
	return space_store_take_nonce(u, 1, ctx, err);
}

static int take_and_fail(struct unit *u, void *ctx, struct err *err)
{
	OK(take(u, ctx, err));
	return ERR(err, ERR_RANGE, "on purpose");
}

static int make_space(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	ck_assert_int_eq(rows_space(u, 1), 1);
	return 0;
}

/* Nothing was signed under it: the nonce is free again. */
START_TEST(a_unit_that_fails_gives_the_nonce_back)
{
	uint64_t nonce;
	struct err e, *err = &e;

	scratch_unit(&scratch, make_space, NULL);
	scratch_unit(&scratch, take, &nonce);
	ck_assert_uint_eq(nonce, 0);
	FAILS(store_unit_now(scratch.store, take_and_fail, &nonce, err), ERR_RANGE);
	ck_assert_uint_eq(nonce, 1);
	scratch_reopen(&scratch);
	scratch_unit(&scratch, take, &nonce);
	ck_assert_uint_eq(nonce, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/space_store");
	TCase *tc = tcase_create("spaces");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	tcase_add_test(tc, a_unit_that_fails_gives_the_nonce_back);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
