#include "store/script_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static const struct action_id alice = { "alice" }, bob = { "bob" };

#define WIDE 4 /* scripts of each chain */

static int make_wallet(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	onchain_wallet(u, WIDE);
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1024 * 1024);
	scratch_unit(&scratch, make_wallet, NULL);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static int one_account(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_account acc = { .xpub = "another" }, is;

	(void)ctx;
	FAILS(account_store_add(u, &acc, err), ERR_EXISTS);
	ck_assert_int_eq(account_store_get(unit_view(u), &arena, &is, err), 1);
	ck_assert_str_eq(is.xpub, "xpub");
	ck_assert_int_eq(is.birthday_s, 1000);
	OK(account_store_set_birthday(u, 77, err));
	ck_assert_int_eq(account_store_get(unit_view(u), &arena, &is, err), 1);
	ck_assert_int_eq(is.birthday_s, 77);
	return 0;
}

START_TEST(there_is_one_account)
{
	scratch_unit(&scratch, one_account, NULL);
}
END_TEST

static int no_account(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_account is;
	struct script_edge edge;
	struct script_row row;

	(void)ctx;
	ck_assert_int_eq(account_store_get(unit_view(u), &arena, &is, err), 0);
	FAILS(account_store_set_birthday(u, 77, err), ERR_NOT_FOUND);
	OK(script_store_edge(unit_view(u), SCRIPT_RECEIVE, &edge, err));
	ck_assert_uint_eq(edge.derived, 0);
	ck_assert_uint_eq(edge.known, 0);
	FAILS(script_store_give(u, &arena, SCRIPT_RECEIVE, NULL, 1, &row, err), ERR_RANGE);
	FAILS(script_store_take(u, &arena, SCRIPT_CHANGE, &alice, &row, err), ERR_RANGE);
	return 0;
}

START_TEST(without_a_wallet)
{
	struct scratch empty;

	scratch_open(&empty);
	scratch_unit(&empty, no_account, NULL);
	scratch_close(&empty);
}
END_TEST

static int in_order(struct unit *u, void *ctx, struct err *err)
{
	static const struct {
		enum script_chain chain;
		uint32_t index;
		unsigned script;
	} refused[] = {
		{ SCRIPT_RECEIVE, WIDE + 1, 500 }, /* a hole */
		{ SCRIPT_RECEIVE, WIDE - 1, 500 }, /* once more */
		{ SCRIPT_RECEIVE, WIDE, 0 },       /* of another index */
		{ SCRIPT_CHANGE, WIDE, 0 },        /* of another chain */
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		FAILS(script_store_add(u, refused[i].chain, refused[i].index, onchain_script(refused[i].script), err),
		      ERR_INTERNAL);
	OK(script_store_add(u, SCRIPT_RECEIVE, WIDE, onchain_script(500), err));
	return 0;
}

START_TEST(scripts_are_added_in_order)
{
	scratch_unit(&scratch, in_order, NULL);
}
END_TEST

static void edge_is(struct unit *u, enum script_chain chain, uint32_t derived, uint32_t known)
{
	struct script_edge edge;
	struct err e, *err = &e;

	OK(script_store_edge(unit_view(u), chain, &edge, err));
	ck_assert_uint_eq(edge.derived, derived);
	ck_assert_uint_eq(edge.known, known);
}

static uint32_t give(struct unit *u, const char *label)
{
	struct script_row row;
	struct err e, *err = &e;

	OK(script_store_give(u, &arena, SCRIPT_RECEIVE, label, 4000, &row, err));
	ck_assert(row.given && !row.used);
	ck_assert_int_eq(row.given_at_ms, 4000);
	ck_assert_pstr_eq(row.label, label);
	ck_assert_mem_eq(row.script.p, onchain_script(row.index).p, row.script.n);
	return row.index;
}

static uint32_t take(struct unit *u, enum script_chain chain, const struct action_id *holder)
{
	struct script_row row;
	struct err e, *err = &e;

	OK(script_store_take(u, &arena, chain, holder, &row, err));
	ck_assert(!row.given && !row.used);
	ck_assert_str_eq(row.holder.s, holder->s);
	ck_assert_int_eq(row.chain, chain);
	return row.index;
}

/* An output that pays it makes a script used, whatever becomes of the transaction. */
static void use(struct unit *u, unsigned tx, unsigned script)
{
	struct onchain_tx t;
	struct err e, *err = &e;

	onchain_tx(&t, tx);
	onchain_spend(&t, 999, tx);
	onchain_pay(&t, script, 1000);
	ck_assert_int_eq(tx_store_seen(u, &t.told, 1, err), 1);
	OK(tx_store_drop(u, &t.told.txid, NULL, 2, err));
}

static int given_once(struct unit *u, void *ctx, struct err *err)
{
	struct script_row row;

	(void)ctx;
	edge_is(u, SCRIPT_RECEIVE, WIDE, 0);
	ck_assert_uint_eq(give(u, "rent"), 0);
	edge_is(u, SCRIPT_RECEIVE, WIDE, 1);
	use(u, 1, 1);
	edge_is(u, SCRIPT_RECEIVE, WIDE, 2);
	ck_assert_uint_eq(give(u, NULL), 2); /* 1 has a history */
	ck_assert_uint_eq(give(u, NULL), 3);
	FAILS(script_store_give(u, &arena, SCRIPT_RECEIVE, NULL, 1, &row, err), ERR_RANGE);
	edge_is(u, SCRIPT_CHANGE, WIDE, 0);
	return 0;
}

START_TEST(an_index_is_given_once)
{
	scratch_unit(&scratch, given_once, NULL);
}
END_TEST

static int taken_by_holders(struct unit *u, void *ctx, struct err *err)
{
	struct script_row row;

	(void)ctx;
	ck_assert_uint_eq(take(u, SCRIPT_CHANGE, &alice), 0);
	ck_assert_uint_eq(take(u, SCRIPT_CHANGE, &bob), 1);
	ck_assert_uint_eq(take(u, SCRIPT_CHANGE, &alice), 2);
	edge_is(u, SCRIPT_CHANGE, WIDE, 3);
	use(u, 1, WIDE + 2); /* alice's, and it was used */
	OK(script_store_rehold(u, &bob, &alice, err));
	OK(script_store_release(u, &alice, err));
	ck_assert_uint_eq(take(u, SCRIPT_CHANGE, &bob), 0); /* both are free again */
	ck_assert_uint_eq(take(u, SCRIPT_CHANGE, &bob), 1);
	ck_assert_uint_eq(take(u, SCRIPT_CHANGE, &bob), 3);
	FAILS(script_store_take(u, &arena, SCRIPT_CHANGE, &bob, &row, err), ERR_RANGE);
	return 0;
}

START_TEST(change_is_taken_and_comes_back)
{
	scratch_unit(&scratch, taken_by_holders, NULL);
}
END_TEST

/* onchain_single_chain: change of the chain that addresses are given from. */
static int one_chain(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	ck_assert_uint_eq(give(u, NULL), 0);
	ck_assert_uint_eq(take(u, SCRIPT_RECEIVE, &alice), 1);
	ck_assert_uint_eq(give(u, NULL), 2); /* 1 may be paid to by now */
	OK(script_store_release(u, &alice, err));
	ck_assert_uint_eq(take(u, SCRIPT_RECEIVE, &alice), 1);
	ck_assert_uint_eq(give(u, NULL), 3);
	return 0;
}

START_TEST(one_chain_for_both)
{
	scratch_unit(&scratch, one_chain, NULL);
}
END_TEST

static int what_a_row_says(struct unit *u, void *ctx, struct err *err)
{
	struct script_row row;

	(void)ctx;
	ck_assert_int_eq(script_store_find(unit_view(u), &arena, onchain_script(WIDE + 1), &row, err), 1);
	ck_assert_int_eq(row.chain, SCRIPT_CHANGE);
	ck_assert_uint_eq(row.index, 1);
	ck_assert(!row.given && !row.used && action_id_is_empty(&row.holder));
	ck_assert_ptr_null(row.label);
	ck_assert_int_eq(row.given_at_ms, 0);
	OK(script_store_set_label(u, row.id, "savings", err));
	OK(script_store_set_seen(u, row.id, 7, 8, err));
	ck_assert_int_eq(script_store_find(unit_view(u), &arena, onchain_script(WIDE + 1), &row, err), 1);
	ck_assert_str_eq(row.label, "savings");
	ck_assert_uint_eq(row.seen_confirmed, 7);
	ck_assert_uint_eq(row.seen_mempool, 8);
	OK(script_store_set_label(u, row.id, NULL, err));
	ck_assert_int_eq(script_store_find(unit_view(u), &arena, onchain_script(WIDE + 1), &row, err), 1);
	ck_assert_ptr_null(row.label);
	FAILS(script_store_set_label(u, 4711, "x", err), ERR_NOT_FOUND);
	FAILS(script_store_set_seen(u, 4711, 1, 1, err), ERR_NOT_FOUND);
	FAILS(script_store_set_seen(u, row.id, UINT64_MAX, 1, err), ERR_RANGE);
	FAILS(script_store_set_seen(u, row.id, 1, UINT64_MAX, err), ERR_RANGE);
	ck_assert_int_eq(script_store_find(unit_view(u), &arena, onchain_script(ONCHAIN_FOREIGN), &row, err), 0);
	return 0;
}

START_TEST(rows)
{
	scratch_unit(&scratch, what_a_row_says, NULL);
}
END_TEST

static void see(void *ctx, const struct script_row *row)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s%d/%" PRIu32, n ? " " : "", (int)row->chain, row->index);
}

/* Ids go 0/0 1/0 0/1 1/1 …; 0/0 is given and 1/1 used. */
static const struct {
	const char *name;
	struct script_query q;
	const char *seen;
} listings[] = {
	{ "all", { .chain = -1, .limit = 100 }, "0/0 1/0 0/1 1/1 0/2 1/2 0/3 1/3" },
	{ "a page", { .chain = -1, .limit = 3 }, "0/0 1/0 0/1" },
	{ "the next page", { .chain = -1, .limit = 3, .after = 3 }, "1/1 0/2 1/2" },
	{ "of one chain", { .chain = SCRIPT_CHANGE, .limit = 100 }, "1/0 1/1 1/2 1/3" },
	{ "known ones", { .chain = -1, .limit = 100, .known_only = true }, "0/0 1/1" },
	{ "known ones of one chain", { .chain = SCRIPT_RECEIVE, .limit = 100, .known_only = true }, "0/0" },
	{ "none", { .chain = -1, .limit = 0 }, "" },
};

static int list_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx, n;
	char seen[256] = "";

	give(u, NULL);
	use(u, 1, WIDE + 1);
	n = script_store_list(unit_view(u), &arena, &listings[i].q, see, seen, err);
	OK(n);
	ck_assert_msg(strcmp(seen, listings[i].seen) == 0, "%s: %s", listings[i].name, seen);
	ck_assert_int_eq(n, (int)(strlen(seen) + 1) / 4);
	return 0;
}

START_TEST(list_table)
{
	int i = _i;

	scratch_unit(&scratch, list_case, &i);
}
END_TEST

static int too_many(struct unit *u, void *ctx, struct err *err)
{
	struct arena small = ARENA_LIMIT(SCRIPT_ROOM + 64); /* for one or two */
	char seen[256] = "";

	(void)ctx;
	FAILS(script_store_list(unit_view(u), &small, &(struct script_query){ .chain = -1, .limit = 100 }, see, seen,
				err),
	      ERR_RANGE);
	arena_done(&small);
	return 0;
}

START_TEST(more_than_there_is_room_for)
{
	scratch_unit(&scratch, too_many, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/script_store");
	TCase *tc = tcase_create("scripts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, there_is_one_account);
	tcase_add_test(tc, without_a_wallet);
	tcase_add_test(tc, scripts_are_added_in_order);
	tcase_add_test(tc, an_index_is_given_once);
	tcase_add_test(tc, change_is_taken_and_comes_back);
	tcase_add_test(tc, one_chain_for_both);
	tcase_add_test(tc, rows);
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	tcase_add_test(tc, more_than_there_is_room_for);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
