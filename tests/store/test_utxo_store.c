#include "store/utxo_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static const struct action_id alice = { "alice" }, bob = { "bob" }, nobody = { "" };

#define N 4 /* scripts of each chain */

/* Transaction n pays n * 1000 sat to script n; 1 to 3 are confirmed in blocks 101 to 103, 4 is pending. */
static int make_coins(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	onchain_wallet(u, N);
	onchain_connect(u, 1);
	for (unsigned n = 1; n <= 4; n++) {
		struct onchain_tx tx;

		onchain_tx(&tx, n);
		onchain_spend(&tx, 900 + n, 0);
		onchain_pay(&tx, n, 1000 * n);
		if (n == 4) {
			OK(tx_store_seen(u, &tx.told, 1, err));
		} else {
			struct block_ref ref = onchain_connect(u, 1 + n);

			OK(tx_store_confirm(u, &tx.told, &ref, 1, 1, err));
		}
	}
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(4 * 1024 * 1024);
	scratch_unit(&scratch, make_coins, NULL);
}

static void teardown(void)
{
	struct err e, *err = &e;

	OK(movement_audit(store_view(scratch.store), err));
	arena_done(&arena);
	scratch_close(&scratch);
}

static void totals_are(struct unit *u, int64_t spendable, int64_t locked, int64_t pending)
{
	struct account_total *t;
	struct err e, *err = &e;
	size_t n;

	OK(movement_totals(unit_view(u), &arena, &t, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(t[0].rail, RAIL_ONCHAIN);
	ck_assert_int_eq(t[0].mint_id, 0);
	ck_assert_ptr_null(t[0].mint_url);
	ck_assert_int_eq(t[0].total[ACCOUNT_SPENDABLE], spendable);
	ck_assert_int_eq(t[0].total[ACCOUNT_LOCKED], locked);
	ck_assert_int_eq(t[0].total[ACCOUNT_PENDING], pending);
}

static void lock(struct unit *u, unsigned tx, const struct action_id *holder)
{
	struct outpoint at = onchain_at(tx, 0);
	struct err e, *err = &e;

	OK(utxo_store_lock(u, &at, 1, holder, 2000, err));
}

static struct utxo_row row_of(struct unit *u, unsigned tx, uint32_t vout)
{
	struct outpoint at = onchain_at(tx, vout);
	struct utxo_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(utxo_store_find(unit_view(u), &arena, &at, &row, err), 1);
	return row;
}

static int locking(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint two[] = { onchain_at(1, 0), onchain_at(3, 0) };

	(void)ctx;
	OK(utxo_store_lock(u, two, 2, &alice, 2000, err));
	totals_are(u, 2000, 4000, 4000);
	ck_assert_str_eq(row_of(u, 3, 0).holder.s, "alice");
	lock(u, 2, &bob);
	totals_are(u, 0, 6000, 4000);
	OK(utxo_store_release_some(u, &two[1], 1, &bob, 2000, err)); /* not his */
	totals_are(u, 0, 6000, 4000);
	OK(utxo_store_release_some(u, &two[1], 1, &alice, 2000, err));
	totals_are(u, 3000, 3000, 4000);
	OK(utxo_store_release(u, &alice, 2000, err));
	OK(utxo_store_release(u, &alice, 2000, err));
	totals_are(u, 4000, 2000, 4000);
	return 0;
}

START_TEST(lock_and_release)
{
	scratch_unit(&scratch, locking, NULL);
}
END_TEST

/* What may not be locked: each in a unit of its own, which fails and leaves nothing. */
static const struct {
	const char *name;
	struct {
		unsigned tx;
		uint32_t vout;
	} at[3];
	size_t n;
} unlockable[] = {
	{ "pending", { { 4, 0 } }, 1 },         { "locked by another", { { 2, 0 } }, 1 },
	{ "twice", { { 1, 0 }, { 1, 0 } }, 2 }, { "not ours", { { 1, 7 } }, 1 },
	{ "not there", { { 77, 0 } }, 1 },      { "one of three", { { 1, 0 }, { 3, 0 }, { 4, 0 } }, 3 },
};

static int lock_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct outpoint at[3];

	lock(u, 2, &bob);
	for (size_t k = 0; k < unlockable[i].n; k++)
		at[k] = onchain_at(unlockable[i].at[k].tx, unlockable[i].at[k].vout);
	return utxo_store_lock(u, at, unlockable[i].n, &alice, 2000, err);
}

static int nothing_locked(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	totals_are(u, 6000, 0, 4000);
	return 0;
}

START_TEST(unlockable_table)
{
	struct err e, *err = &e;
	int i = _i;

	FAILS(store_unit_now(scratch.store, lock_case, &i, err), ERR_CONFLICT);
	scratch_unit(&scratch, nothing_locked, NULL);
}
END_TEST

/* A claim outlives the block that it was made on, and a transaction that came to nothing. */
static int claims_last(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_tx tx;
	struct own_tx own = { .kind = "send", .action = alice, .trust = TRUST_SPEND };

	(void)ctx;
	lock(u, 3, &alice);
	onchain_disconnect(u); /* the block of 3 */
	ck_assert_int_eq(row_of(u, 3, 0).state, UTXO_PENDING);
	ck_assert_str_eq(row_of(u, 3, 0).holder.s, "alice");
	totals_are(u, 3000, 0, 7000);
	onchain_connect(u, 50);
	lock(u, 1, &alice);
	onchain_tx(&tx, 10);
	onchain_spend(&tx, 1, 0);
	onchain_pay(&tx, N, 900);
	OK(tx_store_add_own(u, &tx.told, &own, 2000, err));
	OK(tx_store_seen(u, &tx.told, 2000, err));
	ck_assert_int_eq(row_of(u, 1, 0).state, UTXO_SPENT);
	OK(tx_store_drop(u, &tx.told.txid, NULL, 2000, err));
	ck_assert_int_eq(row_of(u, 1, 0).state, UTXO_LOCKED);
	OK(tx_store_seen_again(u, &tx.told.txid, 2000, err));
	OK(utxo_store_release(u, &alice, 2000, err));
	ck_assert_int_eq(row_of(u, 1, 0).state, UTXO_SPENT); /* spent is spent, and nobody's */
	OK(tx_store_drop(u, &tx.told.txid, NULL, 2000, err));
	ck_assert_int_eq(row_of(u, 1, 0).state, UTXO_SPENDABLE);
	return 0;
}

START_TEST(a_claim_lasts)
{
	scratch_unit(&scratch, claims_last, NULL);
}
END_TEST

static int handing_on(struct unit *u, void *ctx, struct err *err)
{
	struct utxo_row *rows;
	struct script_row script;
	size_t n;

	(void)ctx;
	lock(u, 1, &alice);
	lock(u, 2, &alice);
	OK(script_store_take(u, &arena, SCRIPT_CHANGE, &alice, &script, err));
	OK(utxo_store_rehold(u, &alice, &bob, err));
	OK(utxo_store_by_holder(unit_view(u), &arena, &alice, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(utxo_store_by_holder(unit_view(u), &arena, &bob, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(sat_value(rows[0].value), 1000);
	ck_assert_uint_eq(sat_value(rows[1].value), 2000);
	OK(script_store_find(unit_view(u), &arena, script.script, &script, err));
	ck_assert_str_eq(script.holder.s, "bob");
	OK(utxo_store_release(u, &bob, 2000, err));
	OK(script_store_find(unit_view(u), &arena, script.script, &script, err));
	ck_assert(action_id_is_empty(&script.holder));
	totals_are(u, 6000, 0, 4000);
	return 0;
}

START_TEST(handed_on)
{
	scratch_unit(&scratch, handing_on, NULL);
}
END_TEST

/* --- reading --- */

static int whole_row(struct unit *u, void *ctx, struct err *err)
{
	struct utxo_row row = row_of(u, 2, 0), same;
	struct block_hash hash = onchain_hash(3);
	struct outpoint at = onchain_at(2, 0);

	(void)ctx;
	ck_assert(outpoint_equal(&row.at, &at));
	ck_assert_uint_eq(sat_value(row.value), 2000);
	ck_assert_mem_eq(row.script.p, onchain_script(2).p, row.script.n);
	ck_assert_int_eq(row.chain, SCRIPT_RECEIVE);
	ck_assert_uint_eq(row.index, 2);
	ck_assert_ptr_null(row.label);
	ck_assert_int_eq(row.state, UTXO_SPENDABLE);
	ck_assert(action_id_equal(&row.holder, &nobody) && row.confirmed && !row.coinbase && !row.own);
	ck_assert_uint_eq(row.block.height, 102);
	ck_assert(block_hash_equal(&row.block.hash, &hash));
	ck_assert_int_eq(utxo_store_get(unit_view(u), &arena, row.id, &same, err), 1);
	ck_assert(outpoint_equal(&same.at, &at));
	ck_assert_int_eq(utxo_store_get(unit_view(u), &arena, 4711, &same, err), 0);
	at.vout = 1;
	ck_assert_int_eq(utxo_store_find(unit_view(u), &arena, &at, &same, err), 0);
	ck_assert(!row_of(u, 4, 0).confirmed);
	return 0;
}

START_TEST(a_whole_row)
{
	scratch_unit(&scratch, whole_row, NULL);
}
END_TEST

static int largest_first(struct unit *u, void *ctx, struct err *err)
{
	struct arena tiny = ARENA_LIMIT(32);
	struct utxo_value *v;
	struct utxo_sums sums;
	size_t n;

	(void)ctx;
	lock(u, 2, &alice);
	OK(utxo_store_values(unit_view(u), &arena, false, &v, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(sat_value(v[0].value), 3000);
	ck_assert_uint_eq(sat_value(v[1].value), 1000);
	ck_assert_int_eq(v[1].id, row_of(u, 1, 0).id);
	OK(utxo_store_values(unit_view(u), &arena, true, &v, &n, err));
	ck_assert_uint_eq(n, 2);
	FAILS(utxo_store_values(unit_view(u), &tiny, true, &v, &n, err), ERR_RANGE);
	arena_done(&tiny);
	OK(utxo_store_sums(unit_view(u), &sums, err));
	ck_assert_uint_eq(sat_value(sums.of[UTXO_SPENDABLE]), 4000);
	ck_assert_uint_eq(sat_value(sums.of[UTXO_LOCKED]), 2000);
	ck_assert_uint_eq(sat_value(sums.of[UTXO_PENDING]), 4000);
	ck_assert_uint_eq(sat_value(sums.of[UTXO_SPENT]), 0);
	ck_assert_uint_eq(sums.n[UTXO_SPENDABLE], 2);
	ck_assert_uint_eq(sat_value(sums.confirmed), 4000);
	return 0;
}

START_TEST(values_and_sums)
{
	scratch_unit(&scratch, largest_first, NULL);
}
END_TEST

/* Our own change is spendable at once, and still no block has it. */
static int unconfirmed_change(struct unit *u, void *ctx, struct err *err)
{
	struct own_tx own = { .kind = "send", .action = alice, .trust = TRUST_SPEND };
	struct onchain_tx tx;
	struct utxo_value *v;
	struct utxo_sums sums;
	size_t n;

	(void)ctx;
	lock(u, 3, &alice);
	onchain_tx(&tx, 10);
	onchain_spend(&tx, 3, 0);
	onchain_pay(&tx, N, 2500);
	OK(tx_store_add_own(u, &tx.told, &own, 2000, err));
	OK(tx_store_seen(u, &tx.told, 2000, err));
	ck_assert(row_of(u, 10, 0).own && !row_of(u, 10, 0).confirmed);
	OK(utxo_store_values(unit_view(u), &arena, false, &v, &n, err));
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(sat_value(v[0].value), 2500);
	OK(utxo_store_values(unit_view(u), &arena, true, &v, &n, err));
	ck_assert_uint_eq(n, 2);
	OK(utxo_store_sums(unit_view(u), &sums, err));
	ck_assert_uint_eq(sat_value(sums.of[UTXO_SPENDABLE]), 5500);
	ck_assert_uint_eq(sat_value(sums.confirmed), 3000);
	return 0;
}

START_TEST(change_that_no_block_has)
{
	scratch_unit(&scratch, unconfirmed_change, NULL);
}
END_TEST

static void add_value(void *ctx, const struct utxo_row *row)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s%" PRIu64, n ? " " : "", sat_value(row->value) / 1000);
}

static const struct {
	const char *name;
	struct utxo_query q;
	const char *seen;
} listings[] = {
	{ "all that is there", { .limit = 10 }, "1 2 3 4" },
	{ "a page", { .limit = 2 }, "1 2" },
	{ "the next page", { .limit = 2, .after = 2 }, "3 4" },
	{ "spendable", { .limit = 10, .state = UTXO_SPENDABLE }, "1 3" },
	{ "locked", { .limit = 10, .state = UTXO_LOCKED }, "2" },
	{ "pending", { .limit = 10, .state = UTXO_PENDING }, "4" },
	{ "spent", { .limit = 10, .state = UTXO_SPENT }, "" },
	{ "absent", { .limit = 10, .state = UTXO_ABSENT }, "" },
	{ "of a transaction", { .limit = 10, .tx = 3 }, "3" },
	{ "of a transaction, in a state", { .limit = 10, .tx = 3, .state = UTXO_LOCKED }, "" },
	{ "none", { .limit = 0 }, "" },
};

static int list_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx, n;
	char seen[256] = "";

	lock(u, 2, &alice);
	n = utxo_store_list(unit_view(u), &arena, &listings[i].q, add_value, seen, err);
	OK(n);
	ck_assert_msg(strcmp(seen, listings[i].seen) == 0, "%s: %s", listings[i].name, seen);
	ck_assert_int_eq(n, (int)(strlen(seen) + 1) / 2);
	return 0;
}

START_TEST(list_table)
{
	int i = _i;

	scratch_unit(&scratch, list_case, &i);
}
END_TEST

static int gone(struct unit *u, void *ctx, struct err *err)
{
	struct arena tiny = ARENA_LIMIT(64);
	struct outpoint at = onchain_at(4, 0);
	struct utxo_row *rows;
	char seen[256] = "";
	size_t n;

	(void)ctx;
	OK(tx_store_drop(u, &at.txid, NULL, 3000, err));
	OK(utxo_store_list(unit_view(u), &arena, &(struct utxo_query){ .limit = 9, .state = UTXO_ABSENT }, add_value,
			   seen, err));
	ck_assert_str_eq(seen, "4");
	lock(u, 1, &alice);
	FAILS(utxo_store_by_holder(unit_view(u), &tiny, &alice, &rows, &n, err), ERR_RANGE);
	FAILS(utxo_store_list(unit_view(u), &tiny, &(struct utxo_query){ .limit = 9 }, add_value, seen, err),
	      ERR_RANGE);
	arena_done(&tiny);
	return 0;
}

START_TEST(what_is_gone_and_what_does_not_fit)
{
	scratch_unit(&scratch, gone, NULL);
}
END_TEST

START_TEST(names)
{
	static const struct {
		const char *name;
		enum account account;
	} expected[] = {
		{ "spendable", ACCOUNT_SPENDABLE }, { "locked", ACCOUNT_LOCKED }, { "pending", ACCOUNT_PENDING },
		{ "immature", ACCOUNT_PENDING },    { "spent", ACCOUNT_OUTSIDE }, { "absent", ACCOUNT_OUTSIDE },
		{ "waiting", ACCOUNT_LOCKED },
	};

	for (int i = 1; i <= UTXO_STATES; i++) {
		ck_assert_str_eq(utxo_state_name((enum utxo_state)i), expected[i - 1].name);
		ck_assert_int_eq(utxo_account((enum utxo_state)i), expected[i - 1].account);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/utxo_store");
	TCase *tc = tcase_create("coins");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lock_and_release);
	tcase_add_loop_test(tc, unlockable_table, 0, (int)ARRAY_LEN(unlockable));
	tcase_add_test(tc, a_claim_lasts);
	tcase_add_test(tc, handed_on);
	tcase_add_test(tc, a_whole_row);
	tcase_add_test(tc, values_and_sums);
	tcase_add_test(tc, change_that_no_block_has);
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	tcase_add_test(tc, what_is_gone_and_what_does_not_fit);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
