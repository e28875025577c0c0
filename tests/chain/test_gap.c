/* Which scripts are looked for, and how: derivation (BIP86's vectors), the gap, and the set in memory. */
#include "chain/gap.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "chain/interest.h"
#include "chain/told.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/secp.h"
#include "store/watch_store.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

/* Of tests/vectors/onchain/bip86.json: the account of "abandon … about". */
static const char xpub[] =
	"xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ";
static const struct {
	enum script_chain chain;
	uint32_t index;
	const char *address;
} vectors[] = {
	{ SCRIPT_RECEIVE, 0, "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr" },
	{ SCRIPT_RECEIVE, 1, "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh" },
	{ SCRIPT_CHANGE, 0, "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7" },
};

static void setup(void)
{
	static const uint8_t blind[32] = { 1 };

	ck_assert(secp_init(blind));
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

START_TEST(vector)
{
	char text[ADDRESS_TEXT_MAX];
	struct err e, *err = &e;
	struct spk spk;

	OK(gap_script(xpub, vectors[_i].chain, vectors[_i].index, &spk, err));
	ck_assert(address_text(spk_bytes(&spk), NETWORK_MAINNET, text));
	ck_assert_str_eq(text, vectors[_i].address);
}
END_TEST

START_TEST(no_account_key)
{
	struct err e, *err = &e;
	struct spk spk;

	FAILS(gap_script("xpub", SCRIPT_RECEIVE, 0, &spk, err), ERR_PARSE);
	FAILS(gap_script(xpub, SCRIPT_RECEIVE, 0x80000000u, &spk, err), ERR_RANGE);
}
END_TEST

/* --- the gap --- */

static unsigned fill(struct unit *u)
{
	struct err e, *err = &e;
	unsigned added;

	OK(gap_fill(u, &added, err));
	return added;
}

static int filling(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_account acc = { .xpub = xpub };
	struct script_row row;
	struct onchain_tx tx;
	struct spk last;

	(void)ctx;
	ck_assert_uint_eq(fill(u), 0); /* there is no account */
	OK(account_store_add(u, &acc, err));
	ck_assert_uint_eq(fill(u), 2 * SCRIPT_GAP);
	ck_assert_uint_eq(fill(u), 0);
	OK(script_store_give(u, &arena, SCRIPT_RECEIVE, NULL, 1, &row, err));
	ck_assert_uint_eq(fill(u), 1);
	OK(script_store_take(u, &arena, SCRIPT_CHANGE, &(struct action_id){ "a" }, &row, err));
	ck_assert_uint_eq(fill(u), 1);
	/* The last one that is looked for is paid: as many again beyond it. */
	OK(gap_script(xpub, SCRIPT_RECEIVE, SCRIPT_GAP, &last, err));
	onchain_tx(&tx, 1);
	onchain_spend(&tx, 2, 0);
	onchain_pay(&tx, 0, 1000);
	tx.out[0].script = spk_bytes(&last);
	ck_assert_int_eq(tx_store_seen(u, &tx.told, 1, err), 1);
	ck_assert_uint_eq(fill(u), SCRIPT_GAP);
	return 0;
}

START_TEST(the_gap)
{
	scratch_unit(&scratch, filling, NULL);
}
END_TEST

static int bad_account(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_account acc = { .xpub = "no key" };
	unsigned added;

	(void)ctx;
	OK(account_store_add(u, &acc, err));
	FAILS(gap_fill(u, &added, err), ERR_PARSE);
	return 0;
}

START_TEST(an_account_that_is_none)
{
	scratch_unit(&scratch, bad_account, NULL);
}
END_TEST

/* --- the set in memory --- */

#define MANY 3000u

static void update(struct interest *in, bool expected)
{
	struct err e, *err = &e;
	bool more;

	OK(interest_update(in, scratch.store, &more, err));
	ck_assert_int_eq(more, expected);
}

static int many_watches(struct unit *u, void *ctx, struct err *err)
{
	int64_t id;

	(void)ctx;
	for (unsigned i = 0; i < MANY; i++) {
		struct outpoint at = onchain_at(i, i);

		OK(watch_store_output(u, "exit", &at, 0, 1, &id, err));
	}
	OK(watch_store_script(u, "exit", onchain_script(ONCHAIN_FOREIGN), 0, 1, &id, err));
	return 0;
}

static int a_wallet(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_tx tx;

	(void)ctx;
	onchain_wallet(u, 5);
	onchain_tx(&tx, 77777);
	onchain_spend(&tx, 66666, 3);
	onchain_pay(&tx, 0, 1000);
	OK(tx_store_seen(u, &tx.told, 1, err));
	return 0;
}

START_TEST(what_is_looked_for)
{
	struct interest *in = interest_new();
	struct outpoint coin = onchain_at(77777, 0), spent = onchain_at(66666, 3);

	update(in, false);
	ck_assert_uint_eq(interest_size(in), 0);
	scratch_unit(&scratch, a_wallet, NULL);
	update(in, true);
	update(in, false);
	ck_assert(interest_has_output(in, &coin));
	ck_assert(interest_has_output(in, &spent)); /* for whoever spends it instead */
	ck_assert(interest_has_script(in, onchain_script(9)));
	ck_assert(!interest_has_script(in, onchain_script(10)));
	scratch_unit(&scratch, many_watches, NULL);
	ck_assert(!interest_has_script(in, onchain_script(ONCHAIN_FOREIGN)));
	update(in, true);
	ck_assert(interest_has_script(in, onchain_script(ONCHAIN_FOREIGN)));
	for (unsigned i = 0; i < MANY; i++) {
		struct outpoint at = onchain_at(i, i), other = onchain_at(i, i + 1);

		ck_assert(interest_has_output(in, &at));
		ck_assert(!interest_has_output(in, &other));
	}
	ck_assert_uint_eq(interest_size(in), 10 + 2 + MANY + 1);
	interest_free(in);
	interest_free(NULL);
}
END_TEST

static int add_then_fail(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint at = onchain_at(5, 5);
	int64_t id;

	OK(watch_store_output(u, ctx, &at, 0, 1, &id, err));
	return ERR(err, ERR_RANGE, "on purpose");
}

static int add_other(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint at = onchain_at(6, 6);
	int64_t id;

	return watch_store_output(u, ctx, &at, 0, 1, &id, err);
}

/* Ids that were rolled back are given again, to something else. */
START_TEST(what_came_to_nothing)
{
	static char owner[] = "exit";
	struct interest *in = interest_new();
	struct outpoint at = onchain_at(6, 6);
	struct err e, *err = &e;

	FAILS(store_unit(scratch.store, add_then_fail, owner, NULL, err), ERR_RANGE);
	update(in, false);
	scratch_unit(&scratch, add_other, owner);
	update(in, true);
	ck_assert(interest_has_output(in, &at));
	interest_free(in);
}
END_TEST

/* --- told --- */

/* rawUnsignedTx of tests/vectors/onchain/bip341-wallet.json (bitcoin/bips, BIP341). */
static const char tx_hex[] =
	"02000000097de20cbff686da83a54981d2b9bab3586f4ca7e48f57f5b55963115f3b334e9c010000000000000000d7b7cab57b1393ace2d0"
	"64f4d4a2cb8af6def61273e127517d44759b6dafdd990000000000fffffffff8e1f583384333689228c5d28eac13366be082dc57441760d9"
	"57275419a418420000000000fffffffff0689180aa63b30cb162a73c6d2a38b7eeda2a83ece74310fda0843ad604853b0100000000feffff"
	"ffaa5202bdf6d8ccd2ee0f0202afbbb7461d9264a25e5bfd3c5a52ee1239e0ba6c0000000000feffffff956149bdc66faa968eb2be2d2faa"
	"29718acbfe3941215893a2a3446d32acd050000000000000000000e664b9773b88c09c32cb70a2a3e4da0ced63b7ba3b22f848531bbb1d5d"
	"5f4c94010000000000000000e9aa6b8e6c9de67619e6a3924ae25696bb7b694bb677a632a74ef7eadfd4eabf0000000000ffffffffa778eb"
	"6a263dc090464cd125c466b5a99667720b1c110468831d058aa1b82af10100000000ffffffff0200ca9a3b000000001976a91406afd46bcd"
	"fd22ef94ac122aa11f241244a37ecc88ac807840cb0000000020ac9a87f5594be208f8532db38cff670c450ed2fea8fcdefcc9a663f78bab"
	"962b0065cd1d";

START_TEST(as_it_is_told)
{
	struct arena tiny = ARENA_LIMIT(256);
	struct err e, *err = &e;
	struct told_tx told;
	char text[TXID_TEXT];
	struct bytes raw;

	ck_assert(hex_decode_any(&arena, tx_hex, sizeof(tx_hex), &raw));
	OK(told_read(&arena, raw, &told, err));
	txid_text(&told.in[0].txid, text);
	ck_assert_str_eq(text, "9c4e333b5f116359b5f5578fe4a74c6f58b3bab9d28149a583da86f6bf0ce27d");
	ck_assert_uint_eq(told.n_in, 9);
	ck_assert_uint_eq(told.n_out, 2);
	ck_assert_uint_eq(sat_value(told.out[0].value), 1000000000);
	ck_assert_uint_eq(told.out[1].script.n, 32);
	ck_assert(!told.coinbase && told.raw.p == raw.p);
	FAILS(told_read(&arena, (struct bytes){ raw.p, raw.n - 1 }, &told, err), ERR_PARSE);
	FAILS(told_read(&tiny, raw, &told, err), ERR_RANGE);
	arena_done(&tiny);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain/gap");
	TCase *tc = tcase_create("scripts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, vector, 0, (int)ARRAY_LEN(vectors));
	tcase_add_test(tc, no_account_key);
	tcase_add_test(tc, the_gap);
	tcase_add_test(tc, an_account_that_is_none);
	tcase_add_test(tc, what_is_looked_for);
	tcase_add_test(tc, what_came_to_nothing);
	tcase_add_test(tc, as_it_is_told);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
