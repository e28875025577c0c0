#include "store/exit_store.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "store/ark_preimage_store.h"
#include "store/event_store.h"
#include "store/exit_claim_store.h"
#include "store/exit_tx_store.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

/* VTXOs 1 to 3, of txid onchain_txid(n), output 0. */
#define TXID_OF(n) "x'7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a0000000" #n "'"
#define VTXOS                                                                                                             \
	"INSERT INTO ark_key (idx, pubkey, given, used) VALUES (0, zeroblob(33), 1, 1);"                                  \
	"INSERT INTO ark_server (id, pubkey) VALUES (1, zeroblob(33));"                                                   \
	"WITH n (i, txid) AS (VALUES (1, " TXID_OF(1) "), (2, " TXID_OF(2) "), (3, " TXID_OF(                             \
		3) "))"                                                                                                   \
		   "INSERT INTO vtxo (id, txid, vout, amount, state, version, key_idx, server_id, policy, expiry_height," \
		   " exit_delta, depth, exit_weight, anchor_txid, anchor_vout, spk, bare, genesis, standard, origin,"     \
		   " created_at_ms, updated_at_ms) SELECT i, txid, 0, 1000 * i, 1, 1, 0, 1, 0,"                           \
		   " 500, 12, 2, 992, zeroblob(32), 0, x'51', x'00', x'00', 1, 'import', 1, 1 FROM n"

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(8 * 1024 * 1024);
	scratch_sql(&scratch, VTXOS);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static int64_t start(struct unit *u, int64_t vtxo, struct err *err)
{
	int64_t id = 0;

	OK(exit_store_add(u, vtxo, "{\"type\":\"start\"}", NULL, 10, 5, &id, err));
	return id;
}

static struct exit_row row_of(struct unit *u, int64_t id, struct err *err)
{
	struct exit_row row;

	ck_assert_int_eq(exit_store_get(unit_view(u), &arena, id, &row, err), 1);
	return row;
}

static int one_lives(struct unit *u, void *ctx, struct err *err)
{
	int64_t id = start(u, 2, err), other;
	struct exit_row row = row_of(u, id, err);
	struct outpoint at = onchain_at(2, 0);

	(void)ctx;
	ck_assert_int_eq(row.vtxo_id, 2);
	ck_assert(outpoint_equal(&row.vtxo, &at));
	ck_assert_uint_eq(sat_value(row.amount), 2000);
	ck_assert_uint_eq(row.expiry_height, 500);
	ck_assert_uint_eq(row.attempt, 1);
	ck_assert(row.live && row.state == EXIT_START && !row.has_feerate && !row.has_scan && !row.error);
	ck_assert_int_eq(row.wake_at_ms, 10);
	FAILS(exit_store_add(u, 2, "{}", NULL, 10, 5, &other, err), ERR_EXISTS);
	row.live = false;
	row.state = EXIT_CANCELED;
	OK(exit_store_save(u, &row, true, 6, err));
	ck_assert_int_eq(row_of(u, id, err).wake_at_ms, EXIT_NO_WAKE);
	other = start(u, 2, err);
	ck_assert_uint_eq(row_of(u, other, err).attempt, 2);
	ck_assert_int_eq(exit_store_find(unit_view(u), &arena, &at, &row, err), 1);
	ck_assert_int_eq(row.id, other);
	return 0;
}

START_TEST(of_a_vtxo_one_exit_lives)
{
	scratch_unit(&scratch, one_lives, NULL);
}
END_TEST

static void note_past(void *ctx, const struct exit_past *p)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%d:%s@%d %s;", (int)p->seq, exit_state_name(p->state), (int)p->at_ms,
		 p->checkpoint);
}

static void note_event(void *ctx, const struct event *e)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 1024 - n, "%s %s;", e->kind, e->data);
}

static int history(struct unit *u, void *ctx, struct err *err)
{
	struct exit_row row = row_of(u, start(u, 1, err), err), stale = row;
	char past[256] = "", events[1024] = "";
	int64_t cursor;

	(void)ctx;
	row.state = EXIT_PROCESSING;
	row.checkpoint = "{\"type\":\"processing\"}";
	row.has_feerate = true;
	ck_assert(feerate_from_sat_per_kwu(1250, &row.feerate));
	row.error = "{\"type\":\"insufficient-confirmed-funds\"}";
	row.error_at_ms = 7;
	row.attempts = 3;
	row.has_scan = true;
	row.scan = (struct block_ref){ 77, onchain_hash(77) };
	OK(exit_store_save(u, &row, true, 8, err));
	row = row_of(u, row.id, err);
	ck_assert_int_eq(row.version, stale.version + 1);
	ck_assert_uint_eq(feerate_sat_per_kwu(row.feerate), 1250);
	ck_assert_str_eq(row.error, "{\"type\":\"insufficient-confirmed-funds\"}");
	ck_assert_uint_eq(row.attempts, 3);
	ck_assert(row.has_scan && row.scan.height == 77);
	row.error = NULL;
	OK(exit_store_save(u, &row, false, 9, err)); /* nothing that history needs */
	ck_assert_int_eq(exit_store_history(unit_view(u), &arena, row.id, 0, 10, note_past, past, err), 1);
	ck_assert_str_eq(past, "1:start@5 {\"type\":\"start\"};");
	OK(event_list(unit_view(u), &arena, 0, "exit.*", 10, note_event, events, &cursor, err));
	ck_assert_str_eq(events, "exit.started {\"exit\":1,\"attempt\":1,\"state\":\"start\"};exit.state_changed "
				 "{\"exit\":1,\"attempt\":1,\"state\":\"processing\",\"was\":\"start\"};");
	return 0;
}

START_TEST(what_was_is_remembered)
{
	scratch_unit(&scratch, history, NULL);
}
END_TEST

static int save_stale(struct unit *u, void *ctx, struct err *err)
{
	return exit_store_save(u, ctx, true, 9, err);
}

static int start_one(struct unit *u, void *ctx, struct err *err)
{
	*(int64_t *)ctx = start(u, 1, err);
	return 0;
}

START_TEST(a_stale_copy_changes_nothing)
{
	struct err failure, *err = &failure;
	char past[256] = "";
	struct exit_row row;
	int64_t id;

	scratch_unit(&scratch, start_one, &id);
	ck_assert_int_eq(exit_store_get(store_view(scratch.store), &arena, id, &row, err), 1);
	scratch_unit(&scratch, save_stale, &row);
	FAILS(store_unit_now(scratch.store, save_stale, &row, err), ERR_CONFLICT);
	ck_assert_int_eq(exit_store_history(store_view(scratch.store), &arena, id, 0, 10, note_past, past, err), 1);
}
END_TEST

static int long_history(struct unit *u, void *ctx, struct err *err)
{
	struct exit_row row = row_of(u, start(u, 1, err), err);

	(void)ctx;
	for (unsigned i = 0; i <= EXIT_HISTORY_MAX; i++) {
		OK(exit_store_save(u, &row, true, 9, err));
		row.version++;
	}
	return 0;
}

struct ends {
	unsigned n;
	int64_t first_gap_after, first_gap_before, last;
};
static void note_ends(void *ctx, const struct exit_past *p)
{
	struct ends *e = ctx;

	if (p->seq != e->last + 1) {
		e->first_gap_after = e->last;
		e->first_gap_before = p->seq;
	}
	e->last = p->seq;
	e->n++;
}

START_TEST(of_a_long_history_the_ends_are_kept)
{
	struct err failure, *err = &failure;
	struct ends e = { 0 };

	scratch_unit(&scratch, long_history, NULL);
	OK(exit_store_history(store_view(scratch.store), &arena, 1, 0, 1000000, note_ends, &e, err));
	ck_assert_uint_eq(e.n, 2 * EXIT_HISTORY_ENDS);
	ck_assert_int_eq(e.first_gap_after, EXIT_HISTORY_ENDS);
	ck_assert_int_eq(e.last, EXIT_HISTORY_MAX + 1);
	ck_assert_int_eq(e.last - e.first_gap_before, EXIT_HISTORY_ENDS - 1);
}
END_TEST

static int waking(struct unit *u, void *ctx, struct err *err)
{
	struct view v = unit_view(u);
	int64_t ids[4], at;
	unsigned n;

	(void)ctx;
	for (int64_t i = 1; i <= 3; i++)
		start(u, i, err);
	OK(exit_store_wake(u, 2, 20, err)); /* later than it would: no */
	OK(exit_store_wake(u, 3, 4, err));
	ck_assert_int_eq(exit_store_due(v, 10, ids, 4, err), 3);
	ck_assert_int_eq(ids[0], 3);
	ck_assert_int_eq(ids[1], 1);
	ck_assert_int_eq(exit_store_due(v, 9, ids, 4, err), 1);
	OK(exit_store_next_wake(v, 4, &at, err));
	ck_assert_int_eq(at, 10);
	OK(exit_store_backlog(v, 10, 2, &n, err));
	ck_assert_uint_eq(n, 2);
	OK(exit_store_wake_all(u, 1, err));
	ck_assert_int_eq(exit_store_due(v, 1, ids, 4, err), 3);
	OK(exit_store_next_wake(v, 1, &at, err));
	ck_assert_int_eq(at, EXIT_NO_WAKE);
	return 0;
}

START_TEST(who_is_due_is_found)
{
	scratch_unit(&scratch, waking, NULL);
}
END_TEST

static void note_id(void *ctx, const struct exit_row *row)
{
	int64_t *sum = ctx;

	*sum = *sum * 10 + row->id;
}

static int64_t listed(struct unit *u, enum exit_filter filter, int64_t after, unsigned limit, struct err *err)
{
	const struct exit_query q = { .filter = filter, .after = after, .limit = limit };
	int64_t ids = 0;

	OK(exit_store_list(unit_view(u), &arena, &q, note_id, &ids, err));
	return ids;
}

static int listing(struct unit *u, void *ctx, struct err *err)
{
	struct exit_sums sums;
	struct exit_row row;

	(void)ctx;
	for (int64_t i = 1; i <= 3; i++)
		start(u, i, err);
	row = row_of(u, 2, err);
	row.state = EXIT_CLAIMED;
	row.live = false;
	OK(exit_store_save(u, &row, true, 6, err));
	ck_assert_int_eq(listed(u, EXITS_ALL, 0, 10, err), 123);
	ck_assert_int_eq(listed(u, EXITS_LIVE, 0, 10, err), 13);
	ck_assert_int_eq(listed(u, EXITS_LIVE, 1, 10, err), 3);
	ck_assert_int_eq(listed(u, EXITS_FINISHED, 0, 10, err), 2);
	ck_assert_int_eq(listed(u, EXITS_ALL, 0, 2, err), 12);
	OK(exit_store_sums(unit_view(u), &sums, err));
	ck_assert_uint_eq(sums.n[EXIT_START], 2);
	ck_assert_uint_eq(sat_value(sums.of[EXIT_START]), 4000);
	ck_assert_uint_eq(sat_value(sums.of[EXIT_CLAIMED]), 2000);
	ck_assert_uint_eq(sums.n[EXIT_CANCELED], 0);
	return 0;
}

START_TEST(they_are_listed_and_summed)
{
	scratch_unit(&scratch, listing, NULL);
}
END_TEST

/* --- transactions and children --- */

static struct exit_tx_row exit_tx(unsigned n)
{
	static const uint8_t bytes[] = "an exit transaction";

	return (struct exit_tx_row){ .txid = onchain_txid(n),
				     .raw = { bytes, sizeof(bytes) - 1 },
				     .weight = { 496 },
				     .spends = onchain_at(n - 1, 3),
				     .anchor_vout = 1 };
}

static int sharing(struct unit *u, void *ctx, struct err *err)
{
	struct exit_tx_row root = exit_tx(50), leaf = exit_tx(51), changed = exit_tx(50), *txs, row;
	struct view v = unit_view(u);
	struct exit_row gone;
	int64_t *ids;
	size_t n;

	(void)ctx;
	for (int64_t i = 1; i <= 2; i++) {
		start(u, i, err);
		OK(exit_tx_store_add(u, i, 0, &root, err));
		OK(exit_tx_store_add(u, i, 0, &root, err));
	}
	OK(exit_tx_store_add(u, 2, 1, &leaf, err));
	changed.raw.n--;
	FAILS(exit_tx_store_add(u, 2, 0, &changed, err), ERR_INTERNAL);
	FAILS(exit_tx_store_add(u, 1, 0, &leaf, err), ERR_INTERNAL);
	OK(exit_tx_store_of(v, &arena, 2, &txs, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(txid_equal(&txs[0].txid, &root.txid) && txid_equal(&txs[1].txid, &leaf.txid));
	ck_assert_uint_eq(txs[0].refs, 2);
	ck_assert_uint_eq(txs[1].refs, 1);
	ck_assert(outpoint_equal(&txs[1].spends, &leaf.spends) && txs[1].anchor_vout == 1);
	ck_assert(txs[0].place == EXIT_TX_UNSEEN && txs[0].checked_at_ms == 0);
	OK(exit_tx_store_exits(v, &arena, txs[0].id, &ids, &n, err));
	ck_assert(n == 2 && ids[0] == 1 && ids[1] == 2);
	gone = row_of(u, 1, err);
	gone.live = false;
	gone.state = EXIT_CANCELED;
	OK(exit_store_save(u, &gone, true, 9, err));
	ck_assert_int_eq(exit_tx_store_find(v, &arena, &root.txid, &row, err), 1);
	ck_assert_uint_eq(row.refs, 1);
	return 0;
}

START_TEST(exits_share_transactions)
{
	scratch_unit(&scratch, sharing, NULL);
}
END_TEST

static void note_tx(void *ctx, const struct exit_tx_row *row)
{
	(void)row;
	++*(unsigned *)ctx;
}

static int places(struct unit *u, void *ctx, struct err *err)
{
	struct exit_tx_row tx = exit_tx(50), row;
	struct block_ref block = { 200, onchain_hash(1) };
	struct view v = unit_view(u);
	unsigned seen = 0;
	struct feerate rate;
	int64_t after = 0;
	struct exit_row e;
	bool has;

	(void)ctx;
	start(u, 1, err);
	OK(exit_tx_store_add(u, 1, 0, &tx, err));
	OK(exit_tx_store_place(u, 1, EXIT_TX_CONFIRMED, &block, 9, err));
	ck_assert_int_eq(exit_tx_store_find(v, &arena, &tx.txid, &row, err), 1);
	ck_assert(row.place == EXIT_TX_CONFIRMED && block_ref_equal(&row.block, &block) && row.checked_at_ms == 9);
	ck_assert_int_eq(exit_tx_store_watched(v, &arena, 199, &after, 10, note_tx, &seen, err), 1);
	ck_assert_int_eq(after, 1);
	after = 0;
	ck_assert_int_eq(exit_tx_store_watched(v, &arena, 200, &after, 10, note_tx, &seen, err), 0);
	OK(exit_tx_store_place(u, 1, EXIT_TX_MEMPOOL, NULL, 10, err));
	ck_assert_int_eq(exit_tx_store_watched(v, &arena, 200, &after, 10, note_tx, &seen, err), 1);
	ck_assert_uint_eq(seen, 2);
	OK(exit_tx_store_feerate(v, 1, &has, &rate, err));
	ck_assert(!has);
	e = row_of(u, 1, err);
	e.has_feerate = true;
	ck_assert(feerate_from_sat_per_kwu(500, &e.feerate));
	OK(exit_store_save(u, &e, false, 9, err));
	OK(exit_tx_store_feerate(v, 1, &has, &rate, err));
	ck_assert(has && feerate_sat_per_kwu(rate) == 500);
	return 0;
}

START_TEST(where_a_transaction_stands)
{
	scratch_unit(&scratch, places, NULL);
}
END_TEST

static struct exit_child_row child(int64_t tx_id, unsigned n)
{
	static const uint8_t bytes[] = "a child";

	return (struct exit_child_row){ .tx_id = tx_id,
					.txid = onchain_txid(n),
					.raw = { bytes, 7 },
					.weight = { 609 },
					.origin = CHILD_WALLET,
					.status = CHILD_PREPARED,
					.active = true };
}

static int children(struct unit *u, void *ctx, struct err *err)
{
	struct exit_tx_row root = exit_tx(50), leaf = exit_tx(51);
	struct exit_child_row a = child(1, 60), b = child(1, 61), shared = child(2, 60), seen = child(2, 62), row,
			      *rows;
	struct view v = unit_view(u);
	int64_t id;
	size_t n;

	(void)ctx;
	start(u, 1, err);
	OK(exit_tx_store_add(u, 1, 0, &root, err));
	OK(exit_tx_store_add(u, 1, 1, &leaf, err));
	ck_assert_int_eq(exit_child_store_active(v, &arena, 1, &row, err), 0);
	a.has_fee = true;
	a.fee = onchain_sat(1382);
	OK(exit_child_store_add(u, &a, 5, &id, err));
	OK(exit_child_store_add(u, &b, 6, &id, err));
	ck_assert_int_eq(exit_child_store_active(v, &arena, 1, &row, err), 1);
	ck_assert(txid_equal(&row.txid, &b.txid) && !row.has_fee && row.status == CHILD_PREPARED);
	ck_assert(row.reach == REACH_NONE);
	OK(exit_child_store_list(v, &arena, 1, &rows, &n, err));
	rows[0].reach = REACH_MAYBE;
	OK(exit_child_store_save(u, &rows[0], err));
	a.has_fee = false;
	a.status = CHILD_SENT;
	OK(exit_child_store_add(u, &a, 7, &id, err)); /* it is back; what was known of it stays known */
	OK(exit_child_store_list(v, &arena, 1, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(rows[0].reach == REACH_MAYBE && rows[1].reach == REACH_NONE);
	ck_assert(rows[0].active && rows[0].has_fee && sat_value(rows[0].fee) == 1382);
	ck_assert(rows[0].status == CHILD_SENT && rows[0].created_at_ms == 5);
	ck_assert(!rows[1].active && rows[1].status == CHILD_REPLACED);
	shared.status = CHILD_SENT;
	shared.origin = CHILD_MEMPOOL;
	OK(exit_child_store_add(u, &shared, 8, &shared.id, err)); /* it spends the anchor of another one, too */
	ck_assert_int_ne(shared.id, rows[0].id);
	ck_assert_int_eq(exit_child_store_active(v, &arena, 2, &row, err), 1);
	ck_assert(row.id == shared.id && txid_equal(&row.txid, &a.txid) && row.origin == CHILD_MEMPOOL);
	seen.active = false; /* it counts for nothing yet */
	OK(exit_child_store_add(u, &seen, 9, &id, err));
	ck_assert_int_eq(exit_child_store_active(v, &arena, 2, &row, err), 1);
	ck_assert(row.id == shared.id && row.status == CHILD_SENT);
	ck_assert(!exit_child_is_ours(&shared) && exit_child_is_ours(&a));
	ck_assert_int_eq(exit_child_store_active(v, &arena, 1, &row, err), 1);
	ck_assert(row.id == rows[0].id && row.origin == CHILD_WALLET); /* which is as it was */
	rows[0].confirmed = true;
	rows[0].block = (struct block_ref){ 7, onchain_hash(7) };
	rows[0].refusal = "txn-already-known";
	OK(exit_child_store_save(u, &rows[0], err));
	ck_assert_int_eq(exit_child_store_active(v, &arena, 1, &row, err), 1);
	ck_assert(row.confirmed && row.block.height == 7);
	ck_assert_str_eq(row.refusal, "txn-already-known");
	ck_assert_str_eq(exit_child_holder(7).s, "cpfp:7");
	ck_assert_str_eq(exit_holder(7).s, "exit:7");
	return 0;
}

START_TEST(one_child_is_active)
{
	scratch_unit(&scratch, children, NULL);
}
END_TEST

/* --- claims --- */

static void note_claim(void *ctx, const struct exit_claim_row *row)
{
	int64_t *sum = ctx;

	*sum = *sum * 10 + row->id;
}

static int claims(struct unit *u, void *ctx, struct err *err)
{
	static const uint8_t bytes[] = "a claim", script[] = { 0x51, 0x20 };
	struct exit_claim_row c = { .txid = onchain_txid(70),
				    .raw = { bytes, 7 },
				    .script = { script, 2 },
				    .own = true,
				    .amount = { 1355 },
				    .fee = { 645 },
				    .weight = { 516 },
				    .status = CLAIM_PREPARED },
			      row;
	static const int64_t both[] = { 1, 2 }, third[] = { 3 }, second[] = { 2 };
	const struct block_ref block = { 300, onchain_hash(3) };
	struct view v = unit_view(u);
	int64_t id, open = 0, *exits;
	struct sat before, own, total;
	size_t n;

	(void)ctx;
	for (int64_t i = 1; i <= 3; i++)
		start(u, i, err);
	OK(exit_claim_store_add(u, &c, both, 2, 5, &id, err));
	ck_assert_int_eq(id, 1);
	c.txid = onchain_txid(72);
	OK(exit_claim_store_add(u, &c, third, 1, 5, &id, err));
	c.txid = onchain_txid(73);
	c.replaces = 1;
	OK(exit_claim_store_add(u, &c, both, 2, 6, &id, err));
	ck_assert_int_eq(exit_claim_store_of(v, &arena, 2, &row, err), 1);
	ck_assert_int_eq(row.id, 3);
	ck_assert_int_eq(row.replaces, 1);
	ck_assert(row.own && sat_value(row.fee) == 645 && sat_value(row.amount) == 1355 && row.weight.v == 516);
	OK(exit_claim_store_open(v, &arena, 0, 10, note_claim, &open, err));
	ck_assert_int_eq(open, 23);
	OK(exit_claim_store_exits(v, &arena, 3, &exits, &n, err));
	ck_assert(n == 2 && exits[0] == 1 && exits[1] == 2);
	OK(exit_claim_store_place(v, 3, 2, &before, &own, &total, err));
	ck_assert(sat_value(before) + sat_value(own) == sat_value(total) && sat_value(before) > 0);
	FAILS(exit_claim_store_place(v, 3, 3, &before, &own, &total, err), ERR_NOT_FOUND);
	OK(exit_claim_store_set(u, 3, CLAIM_CONFIRMED, &block, NULL, err));
	ck_assert_int_eq(exit_claim_store_find(v, &arena, &row.txid, &row, err), 1);
	ck_assert(row.status == CLAIM_CONFIRMED && row.block.height == 300);
	c.txid = onchain_txid(74);
	FAILS(exit_claim_store_add(u, &c, second, 1, 6, &id, err), ERR_CONFLICT); /* 1 is not open any more */
	FAILS(exit_claim_store_set(u, 99, CLAIM_LOST, NULL, "x", err), ERR_NOT_FOUND);
	return 0;
}

START_TEST(claims_replace_each_other)
{
	scratch_unit(&scratch, claims, NULL);
}
END_TEST

static int twice(struct unit *u, void *ctx, struct err *err)
{
	static const uint8_t bytes[] = "a claim";
	struct exit_claim_row c = { .txid = onchain_txid(70),
				    .raw = { bytes, 7 },
				    .script = { bytes, 2 },
				    .amount = { 1 },
				    .weight = { 516 },
				    .status = CLAIM_PREPARED };
	static const int64_t one[] = { 1 };
	int64_t id;

	(void)ctx;
	start(u, 1, err);
	OK(exit_claim_store_add(u, &c, one, 1, 5, &id, err));
	c.txid = onchain_txid(71);
	FAILS(exit_claim_store_add(u, &c, one, 1, 5, &id, err), ERR_CONFLICT);
	return 0;
}

START_TEST(nothing_is_claimed_twice)
{
	scratch_unit(&scratch, twice, NULL);
}
END_TEST

static int for_others(struct unit *u, void *ctx, struct err *err)
{
	const struct txid one = onchain_txid(80), other = onchain_txid(81);
	struct view v = unit_view(u);
	struct sat fee;

	(void)ctx;
	start(u, 1, err);
	start(u, 2, err);
	OK(exit_signed_store_add(u, &one, 1, onchain_sat(645), 5, err));
	OK(exit_signed_store_add(u, &one, 1, onchain_sat(9), 6, err)); /* once more: as it was */
	OK(exit_signed_store_add(u, &one, 2, onchain_sat(0), 5, err));
	ck_assert_int_eq(exit_signed_store_find(v, &one, 1, &fee, err), 1);
	ck_assert_uint_eq(sat_value(fee), 645);
	ck_assert_int_eq(exit_signed_store_find(v, &one, 2, &fee, err), 1);
	ck_assert_uint_eq(sat_value(fee), 0);
	ck_assert_int_eq(exit_signed_store_find(v, &other, 1, &fee, err), 0);
	return 0;
}

START_TEST(what_is_signed_for_others_is_remembered)
{
	scratch_unit(&scratch, for_others, NULL);
}
END_TEST

static int preimages(struct unit *u, void *ctx, struct err *err)
{
	static const uint8_t secret[PREIMAGE_SIZE] = { 1, 2, 3 };
	struct hash32 hash, want, other = { { 7 } };
	uint8_t got[PREIMAGE_SIZE];

	(void)ctx;
	sha256((struct bytes){ secret, sizeof(secret) }, &want);
	OK(ark_preimage_add(u, secret, &hash, err));
	OK(ark_preimage_add(u, secret, &hash, err));
	ck_assert(hash32_equal(&hash, &want));
	ck_assert_int_eq(ark_preimage_find(unit_view(u), &hash, got, err), 1);
	ck_assert_mem_eq(got, secret, sizeof(got));
	ck_assert_int_eq(ark_preimage_find(unit_view(u), &other, got, err), 0);
	return 0;
}

START_TEST(a_preimage_is_found_by_its_hash)
{
	scratch_unit(&scratch, preimages, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/exit_store");
	TCase *tc = tcase_create("exits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, of_a_vtxo_one_exit_lives);
	tcase_add_test(tc, what_was_is_remembered);
	tcase_add_test(tc, a_stale_copy_changes_nothing);
	tcase_add_test(tc, of_a_long_history_the_ends_are_kept);
	tcase_add_test(tc, who_is_due_is_found);
	tcase_add_test(tc, they_are_listed_and_summed);
	tcase_add_test(tc, exits_share_transactions);
	tcase_add_test(tc, where_a_transaction_stands);
	tcase_add_test(tc, one_child_is_active);
	tcase_add_test(tc, claims_replace_each_other);
	tcase_add_test(tc, what_is_signed_for_others_is_remembered);
	tcase_add_test(tc, a_preimage_is_found_by_its_hash);
	tcase_add_test(tc, nothing_is_claimed_twice);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
