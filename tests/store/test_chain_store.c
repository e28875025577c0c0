#include "store/chain_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/watch_store.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(4 * 1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

/* --- blocks --- */

static struct block_row block(uint32_t height, unsigned n, unsigned prev)
{
	return (struct block_row){ .ref = { height, onchain_hash(n) }, .prev = onchain_hash(prev), .time_s = 7 };
}

static int one_after_the_other(struct unit *u, void *ctx, struct err *err)
{
	struct block_row first = block(100, 1, 0), second = block(101, 2, 1), is;
	struct block_row wrong[] = { block(101, 3, 9), block(102, 3, 1), block(100, 3, 1), block(100, 3, 0),
				     block(101, 1, 1) };

	(void)ctx;
	ck_assert_int_eq(chain_store_tip(unit_view(u), &is, err), 0);
	FAILS(chain_store_disconnect(u, &first.ref, 1, err), ERR_CONFLICT);
	OK(chain_store_connect(u, &first, 1, err));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		FAILS(chain_store_connect(u, &wrong[i], 1, err), ERR_CONFLICT);
	OK(chain_store_connect(u, &second, 1, err));
	ck_assert_int_eq(chain_store_tip(unit_view(u), &is, err), 1);
	ck_assert(block_ref_equal(&is.ref, &second.ref));
	ck_assert(block_hash_equal(&is.prev, &first.ref.hash));
	ck_assert_int_eq(is.time_s, 7);
	ck_assert_int_eq(chain_store_block(unit_view(u), 100, &is, err), 1);
	ck_assert(block_ref_equal(&is.ref, &first.ref));
	ck_assert_int_eq(chain_store_block(unit_view(u), 102, &is, err), 0);
	ck_assert_int_eq(chain_store_block_by_hash(unit_view(u), &first.ref.hash, &is, err), 1);
	ck_assert_uint_eq(is.ref.height, 100);
	ck_assert_int_eq(chain_store_block_by_hash(unit_view(u), &wrong[0].ref.hash, &is, err), 0);
	FAILS(chain_store_disconnect(u, &first.ref, 1, err), ERR_CONFLICT);
	FAILS(chain_store_disconnect(u, &(struct block_ref){ 101, onchain_hash(9) }, 1, err), ERR_CONFLICT);
	OK(chain_store_disconnect(u, &second.ref, 1, err));
	ck_assert_int_eq(chain_store_tip(unit_view(u), &is, err), 1);
	ck_assert(block_ref_equal(&is.ref, &first.ref));
	return 0;
}

START_TEST(blocks_follow_one_another)
{
	scratch_unit(&scratch, one_after_the_other, NULL);
}
END_TEST

static int many(struct unit *u, void *ctx, struct err *err)
{
	struct block_row row;

	(void)ctx;
	for (unsigned n = 1; n <= CHAIN_BLOCKS_KEPT + 5; n++)
		onchain_connect(u, n);
	ck_assert_int_eq(chain_store_block(unit_view(u), 104, &row, err), 0);
	ck_assert_int_eq(chain_store_block(unit_view(u), 105, &row, err), 1);
	return 0;
}

START_TEST(old_blocks_are_forgotten)
{
	scratch_unit(&scratch, many, NULL);
}
END_TEST

/* --- the search --- */

static struct sync_row search_of(struct unit *u)
{
	struct sync_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(sync_store_get(unit_view(u), SYNC_BITCOIND, &row, err), 1);
	return row;
}

static void put(struct unit *u, const struct sync_row *row)
{
	struct err e, *err = &e;

	OK(sync_store_put(u, row, 4000, err));
}

static int search_rows(struct unit *u, void *ctx, struct err *err)
{
	struct sync_row row = { .backend = SYNC_BITCOIND, .history_from = 7 }, is;

	(void)ctx;
	ck_assert_int_eq(sync_store_get(unit_view(u), SYNC_BITCOIND, &is, err), 0);
	OK(sync_store_scan_from(u, SYNC_BITCOIND, 5, 4000, err)); /* nothing to be searched again yet */
	ck_assert_int_eq(sync_store_get(unit_view(u), SYNC_BITCOIND, &is, err), 0);
	put(u, &row);
	is = search_of(u);
	ck_assert(!is.begun && !is.scans && is.history_from == 7 && is.updated_at_ms == 4000);
	OK(sync_store_scan_from(u, SYNC_BITCOIND, 5, 4000, err));
	ck_assert(!search_of(u).scans);
	row.begun = true;
	row.done = (struct block_ref){ 120, onchain_hash(3) };
	put(u, &row);
	is = search_of(u);
	ck_assert(is.begun && block_ref_equal(&is.done, &row.done));
	ck_assert_int_eq(sync_store_get(unit_view(u), SYNC_ESPLORA, &is, err), 0);
	return 0;
}

START_TEST(how_far_the_search_is)
{
	scratch_unit(&scratch, search_rows, NULL);
}
END_TEST

/* Done up to 120; what is to be searched already, what is asked for, and what is to be searched then. */
static const struct {
	const char *name;
	bool scans;
	uint32_t next, to, from;
	bool then;
	uint32_t then_next, then_to;
} again[] = {
	{ "nothing yet", false, 0, 0, 100, true, 100, 120 },
	{ "the tip", false, 0, 0, 120, true, 120, 120 },
	{ "still to come", false, 0, 0, 121, false, 0, 0 },
	{ "earlier", true, 110, 120, 100, true, 100, 120 },
	{ "within", true, 110, 120, 115, true, 110, 120 },
	{ "past what was asked for before", true, 50, 60, 100, true, 50, 120 },
	{ "earlier, and up to here", true, 50, 60, 40, true, 40, 120 },
};

static int again_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct sync_row row = { .backend = SYNC_BITCOIND,
				.begun = true,
				.done = { 120, onchain_hash(1) },
				.scans = again[i].scans,
				.scan_next = again[i].next,
				.scan_to = again[i].to };

	put(u, &row);
	OK(sync_store_scan_from(u, SYNC_BITCOIND, again[i].from, 5000, err));
	row = search_of(u);
	ck_assert_msg(row.scans == again[i].then && row.scan_next == again[i].then_next &&
			      row.scan_to == again[i].then_to,
		      "%s: %d %" PRIu32 " %" PRIu32, again[i].name, row.scans, row.scan_next, row.scan_to);
	return 0;
}

START_TEST(search_again_table)
{
	int i = _i;

	scratch_unit(&scratch, again_case, &i);
}
END_TEST

/* --- another chain altogether --- */

static int another_chain(struct unit *u, void *ctx, struct err *err)
{
	struct sync_row row = { .backend = SYNC_BITCOIND, .begun = true, .done = { 101, onchain_hash(2) } };
	struct outpoint at = onchain_at(9, 0);
	struct onchain_tx tx, mined;
	struct block_ref ref;
	struct block_row tip;
	enum tx_place place;
	struct hit_row *hits;
	int64_t id;
	size_t n;

	(void)ctx;
	onchain_wallet(u, 2);
	onchain_connect(u, 1);
	ref = onchain_connect(u, 2);
	OK(watch_store_output(u, "exit", &at, 0, 1, &id, err));
	onchain_tx(&tx, 1);
	onchain_spend(&tx, 9, 0);
	onchain_pay(&tx, 0, 1000);
	OK(tx_store_confirm(u, &tx.told, &ref, 4, 1, err));
	OK(watch_store_spent(u, &at, &tx.told.txid, 0, tx.told.raw, &ref, 1, err));
	onchain_tx(&mined, 2);
	mined.told.coinbase = true;
	onchain_pay(&mined, 0, 5000);
	OK(tx_store_confirm(u, &mined.told, &ref, 0, 1, err));
	put(u, &row);
	OK(chain_store_reset(u, 1, 2, err));
	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 0);
	ck_assert_int_eq(sync_store_get(unit_view(u), SYNC_BITCOIND, &row, err), 0);
	ck_assert_int_eq(tx_store_place(unit_view(u), &tx.told.txid, &place, &ref, err), 1);
	ck_assert_int_eq(place, TX_PENDING);
	ck_assert_int_eq(tx_store_place(unit_view(u), &mined.told.txid, &place, &ref, err), 1);
	ck_assert_int_eq(place, TX_OUT);
	OK(watch_store_hits(unit_view(u), &arena, "exit", &hits, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert(!hits[0].confirmed);
	OK(movement_audit(unit_view(u), err));
	return 0;
}

START_TEST(reset)
{
	scratch_unit(&scratch, another_chain, NULL);
}
END_TEST

/* --- watches --- */

static const char script_text[] = "a script of anybody";
#define SCRIPT ((struct bytes){ (const uint8_t *)script_text, sizeof(script_text) - 1 })

static void add_watch(void *ctx, const struct watch_row *row)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s%" PRId64 " %s %s %" PRIu32, n ? ", " : "", row->id, row->owner,
		 row->is_script ? "script" : "output", row->from);
	if (row->is_script)
		ck_assert_mem_eq(row->script.p, script_text, row->script.n);
	else
		ck_assert_uint_eq(row->at.vout, 3);
}

static int watching(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint at = onchain_at(1, 3);
	int64_t first, second, id, cursor = 0;
	char text[256] = "";
	uint32_t lowest;

	(void)ctx;
	OK(watch_store_output(u, "exit:1", &at, 200, 1, &first, err));
	OK(watch_store_output(u, "exit:2", &at, 300, 1, &second, err));
	ck_assert_int_ne(first, second);
	OK(watch_store_output(u, "exit:1", &at, 250, 1, &id, err)); /* from earlier already */
	ck_assert_int_eq(id, first);
	OK(watch_store_output(u, "exit:1", &at, 150, 1, &id, err));
	ck_assert_int_eq(id, first);
	OK(watch_store_script(u, "exit:1", SCRIPT, 5, 1, &id, err));
	ck_assert_int_eq(watch_store_since(unit_view(u), &arena, &cursor, 2, add_watch, text, err), 2);
	ck_assert_int_eq(watch_store_since(unit_view(u), &arena, &cursor, 2, add_watch, text, err), 1);
	ck_assert_int_eq(watch_store_since(unit_view(u), &arena, &cursor, 2, add_watch, text, err), 0);
	ck_assert_str_eq(text, "1 exit:1 output 150, 2 exit:2 output 300, 5 exit:1 script 5");
	OK(watch_store_end(u, "exit:1", err));
	cursor = 0;
	text[0] = '\0';
	ck_assert_int_eq(watch_store_since(unit_view(u), &arena, &cursor, 9, add_watch, text, err), 1);
	ck_assert_str_eq(text, "2 exit:2 output 300");
	ck_assert_int_eq(watch_store_lowest(unit_view(u), &lowest, err), 1);
	ck_assert_uint_eq(lowest, 300);
	OK(watch_store_lower(u, 290, 100, err));
	ck_assert_int_eq(watch_store_lowest(unit_view(u), &lowest, err), 1);
	ck_assert_uint_eq(lowest, 190);
	OK(watch_store_lower(u, 500, 200, err));
	ck_assert_int_eq(watch_store_lowest(unit_view(u), &lowest, err), 1);
	ck_assert_uint_eq(lowest, 0);
	OK(watch_store_end(u, "exit:2", err));
	ck_assert_int_eq(watch_store_lowest(unit_view(u), &lowest, err), 0);
	return 0;
}

START_TEST(watches)
{
	scratch_unit(&scratch, watching, NULL);
}
END_TEST

/* One that is from before what was searched makes the search look again. */
static int late_watch(struct unit *u, void *ctx, struct err *err)
{
	struct sync_row row = { .backend = SYNC_BITCOIND, .begun = true, .done = { 120, onchain_hash(1) } };
	int64_t id;

	(void)ctx;
	put(u, &row);
	OK(watch_store_script(u, "exit:1", SCRIPT, 121, 1, &id, err));
	ck_assert(!search_of(u).scans);
	OK(watch_store_script(u, "exit:2", SCRIPT, 110, 1, &id, err));
	ck_assert(search_of(u).scans && search_of(u).scan_next == 110 && search_of(u).scan_to == 120);
	return 0;
}

START_TEST(a_watch_that_comes_late)
{
	scratch_unit(&scratch, late_watch, NULL);
}
END_TEST

static struct hit_row *hits_of(struct unit *u, const char *owner, size_t expected)
{
	struct hit_row *hits;
	struct err e, *err = &e;
	size_t n;

	OK(watch_store_hits(unit_view(u), &arena, owner, &hits, &n, err));
	ck_assert_uint_eq(n, expected);
	return hits;
}

static void spent(struct unit *u, unsigned by, const struct block_ref *ref, int watchers)
{
	struct outpoint at = onchain_at(1, 3);
	struct txid txid = onchain_txid(by);
	struct err e, *err = &e;

	ck_assert_int_eq(watch_store_spent(u, &at, &txid, 7, SCRIPT, ref, 4000, err), watchers);
}

static void add_txid(void *ctx, const struct txid *txid)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 64 - n, "%s%u", n ? " " : "", (unsigned)txid->b[31]);
}

static int hits(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint at = onchain_at(1, 3), other = onchain_at(1, 4);
	struct block_ref ref, early = { 99, onchain_hash(99) };
	struct txid txid = onchain_txid(50), after = { { 0 } };
	struct hit_row *h;
	char text[64] = "";
	int64_t id;

	(void)ctx;
	OK(watch_store_output(u, "a", &at, 100, 1, &id, err));
	OK(watch_store_output(u, "b", &at, 100, 1, &id, err));
	OK(watch_store_output(u, "b", &other, 100, 1, &id, err));
	spent(u, 50, NULL, 2);
	spent(u, 51, NULL, 2); /* a replacement */
	h = hits_of(u, "a", 2);
	ck_assert(!h[0].confirmed && txid_equal(&h[0].txid, &txid) && h[0].n == 7);
	ck_assert_mem_eq(h[0].raw.p, script_text, h[0].raw.n);
	ck_assert_int_eq(h[0].first_seen_ms, 4000);
	ck_assert_int_eq(watch_store_unconfirmed(unit_view(u), &after, 1, add_txid, text, err), 1);
	ck_assert_int_eq(watch_store_unconfirmed(unit_view(u), &after, 9, add_txid, text, err), 1);
	ck_assert_int_eq(watch_store_unconfirmed(unit_view(u), &after, 9, add_txid, text, err), 0);
	ck_assert_str_eq(text, "50 51");
	ref = onchain_connect(u, 1);
	spent(u, 50, &ref, 2);
	h = hits_of(u, "a", 1); /* the other one has lost */
	ck_assert(h[0].confirmed && block_ref_equal(&h[0].block, &ref));
	spent(u, 50, NULL, 2);
	h = hits_of(u, "a", 1);
	ck_assert(h[0].confirmed);
	OK(watch_store_gone(u, &txid, err)); /* a block has it */
	hits_of(u, "b", 1);
	onchain_disconnect(u);
	h = hits_of(u, "b", 1);
	ck_assert(!h[0].confirmed);
	ref = onchain_connect(u, 2);
	spent(u, 50, &ref, 2);
	h = hits_of(u, "b", 1);
	ck_assert(h[0].confirmed && block_ref_equal(&h[0].block, &ref));
	onchain_disconnect(u);
	OK(watch_store_gone(u, &txid, err));
	hits_of(u, "a", 0);
	hits_of(u, "nobody", 0);
	spent(u, 50, &early, 2); /* what made the output may be mined lower than it was */
	h = hits_of(u, "a", 1);
	ck_assert(h[0].confirmed && h[0].block.height == 99);
	return 0;
}

START_TEST(an_output_is_spent)
{
	scratch_unit(&scratch, hits, NULL);
}
END_TEST

static int paid(struct unit *u, void *ctx, struct err *err)
{
	struct block_ref ref = onchain_connect(u, 1), early = { 99, onchain_hash(99) };
	struct txid first = onchain_txid(50), second = onchain_txid(51);
	struct arena tiny = ARENA_LIMIT(64);
	struct hit_row *h;
	int64_t id;
	size_t n;

	(void)ctx;
	OK(watch_store_script(u, "a", SCRIPT, 100, 1, &id, err));
	ck_assert_int_eq(watch_store_paid(u, SCRIPT, &first, 0, SCRIPT, &early, 4000, err), 0);
	ck_assert_int_eq(watch_store_paid(u, SCRIPT, &first, 0, SCRIPT, &ref, 4000, err), 1);
	ck_assert_int_eq(watch_store_paid(u, SCRIPT, &first, 2, SCRIPT, &ref, 4000, err), 1);
	ck_assert_int_eq(watch_store_paid(u, SCRIPT, &second, 0, SCRIPT, NULL, 4000, err), 1);
	ck_assert_int_eq(watch_store_paid(u, onchain_script(1), &second, 0, SCRIPT, NULL, 4000, err), 0);
	h = hits_of(u, "a", 3); /* a script may be paid any number of times */
	ck_assert(h[0].confirmed && h[1].confirmed && !h[2].confirmed);
	ck_assert_uint_eq(h[1].n, 2);
	FAILS(watch_store_hits(unit_view(u), &tiny, "a", &h, &n, err), ERR_RANGE);
	arena_done(&tiny);
	OK(watch_store_end(u, "a", err));
	hits_of(u, "a", 0);
	return 0;
}

START_TEST(a_script_is_paid)
{
	scratch_unit(&scratch, paid, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/chain_store");
	TCase *tc = tcase_create("chain");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, blocks_follow_one_another);
	tcase_add_test(tc, old_blocks_are_forgotten);
	tcase_add_test(tc, how_far_the_search_is);
	tcase_add_loop_test(tc, search_again_table, 0, (int)ARRAY_LEN(again));
	tcase_add_test(tc, reset);
	tcase_add_test(tc, watches);
	tcase_add_test(tc, a_watch_that_comes_late);
	tcase_add_test(tc, an_output_is_spent);
	tcase_add_test(tc, a_script_is_paid);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
