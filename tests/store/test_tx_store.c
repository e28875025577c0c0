#include "store/tx_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/event_store.h"
#include "store/script_store.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static const struct action_id alice = { "alice" };

#define MINE   0u /* scripts: one to be paid to, one for change */
#define CHANGE 4u

static int make_wallet(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	onchain_wallet(u, CHANGE);
	onchain_connect(u, 1);
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
	struct err e, *err = &e;

	OK(movement_audit(store_view(scratch.store), err));
	arena_done(&arena);
	scratch_close(&scratch);
}

/* --- transactions --- */

/* They are made and handed on by value, which their pointers to themselves do not survive. */
static const struct told_tx *told(struct onchain_tx *tx)
{
	tx->told.in = tx->in;
	tx->told.out = tx->out;
	tx->told.raw.p = tx->raw;
	return &tx->told;
}

/* The n-th: a stranger pays us so much. */
static struct onchain_tx receipt(unsigned n, uint64_t sat)
{
	struct onchain_tx tx;

	onchain_tx(&tx, n);
	onchain_spend(&tx, 9000 + n, 0);
	onchain_pay(&tx, MINE, sat);
	return tx;
}

/* The n-th: the output 0 of `from`, of 1000 sat, pays a stranger 600 and 300 to ourselves; 100 are the fee. */
static struct onchain_tx payment(unsigned n, unsigned from)
{
	struct onchain_tx tx;

	onchain_tx(&tx, n);
	onchain_spend(&tx, from, 0);
	onchain_pay(&tx, ONCHAIN_FOREIGN, 600);
	onchain_pay(&tx, CHANGE, 300);
	return tx;
}

static void confirm(struct unit *u, struct onchain_tx *tx, unsigned block)
{
	struct block_ref ref = onchain_connect(u, block);
	struct err e, *err = &e;

	ck_assert_int_eq(tx_store_confirm(u, told(tx), &ref, 3, 2000, err), 1);
}

static void sign(struct unit *u, struct onchain_tx *tx, const char *kind, enum tx_trust trust)
{
	struct own_tx own = { .kind = kind, .action = alice, .label = "rent", .trust = trust };
	struct err e, *err = &e;

	OK(utxo_store_lock(u, tx->in, tx->told.n_in, &alice, 1500, err));
	OK(tx_store_add_own(u, told(tx), &own, 1500, err));
}

static void see(struct unit *u, struct onchain_tx *tx)
{
	struct err e, *err = &e;

	ck_assert_int_eq(tx_store_seen(u, told(tx), 2500, err), 1);
}

static struct tx_row row_of(struct unit *u, unsigned n)
{
	struct txid txid = onchain_txid(n);
	struct tx_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(tx_store_find(unit_view(u), &arena, &txid, &row, err), 1);
	return row;
}

/* Out, because of the one with this number. */
static void lost_to(struct unit *u, unsigned n, unsigned winner)
{
	struct tx_row row = row_of(u, n);
	struct txid txid = onchain_txid(winner);

	ck_assert(row.place == TX_OUT && row.replaced && txid_equal(&row.replaced_by, &txid));
}

static void coin_is(struct unit *u, unsigned tx, uint32_t vout, enum utxo_state state)
{
	struct outpoint at = onchain_at(tx, vout);
	struct utxo_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(utxo_store_find(unit_view(u), &arena, &at, &row, err), 1);
	ck_assert_msg(row.state == state, "coin %u:%u is %s", tx, vout, utxo_state_name(row.state));
}

/* --- the history that people see --- */

static void add_line(void *ctx, const struct movement_row *row)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert_str_eq(row->rail, RAIL_ONCHAIN);
	ck_assert_str_eq(row->unit.s, "sat");
	ck_assert_ptr_null(row->mint_url);
	snprintf(text + n, 1024 - n, "%s%s %" PRId64 " %" PRId64 " %" PRId64, n ? ", " : "", row->kind, row->amount,
		 row->fee, row->balance);
}

/* kind, amount, fee, balance of each movement that changes what is ours. */
static void history_is(struct unit *u, const char *expected)
{
	struct movement_query q = { .limit = 100, .oldest_first = true };
	struct err e, *err = &e;
	char text[1024] = "";

	OK(movement_list(unit_view(u), &arena, &q, add_line, text, err));
	ck_assert_str_eq(text, expected);
}

static void add_event(void *ctx, const struct event *e)
{
	char *text = ctx;
	size_t n = strlen(text);

	if (strncmp(e->kind, "onchain.", 8) == 0)
		snprintf(text + n, 1024 - n, "%s%s", n ? " " : "", e->kind + 8);
}

static void events_are(struct unit *u, const char *expected)
{
	struct err e, *err = &e;
	char text[1024] = "";
	int64_t cursor;

	OK(event_list(unit_view(u), &arena, 0, NULL, 100, add_event, text, &cursor, err));
	ck_assert_str_eq(text, expected);
}

/* --- stories --- */

static void received(struct unit *u)
{
	struct onchain_tx tx = receipt(1, 1000);

	see(u, &tx);
	coin_is(u, 1, 0, UTXO_PENDING);
	history_is(u, ""); /* not ours yet */
	confirm(u, &tx, 2);
	coin_is(u, 1, 0, UTXO_SPENDABLE);
	history_is(u, "receive 1000 0 1000");
	onchain_disconnect(u);
	coin_is(u, 1, 0, UTXO_PENDING);
	confirm(u, &tx, 3);
	history_is(u, "receive 1000 0 1000, reorg -1000 0 0, receive 1000 0 1000");
	events_are(u, "pending confirmed reorged confirmed");
}

static void received_in_a_block(struct unit *u)
{
	struct onchain_tx tx = receipt(1, 1000);
	struct tx_row row;

	confirm(u, &tx, 2);
	history_is(u, "receive 1000 0 1000");
	row = row_of(u, 1);
	ck_assert_str_eq(row.kind, "receive");
	ck_assert(row.place == TX_CONFIRMED && !row.own && !row.has_fee && !row.replaced && !row.coinbase);
	ck_assert_uint_eq(row.block.height, 101);
	ck_assert_uint_eq(row.pos, 3);
	ck_assert_uint_eq(sat_value(row.value_out), 1000);
	ck_assert_int_eq(row.first_seen_ms, 2000);
	ck_assert_int_eq(row.last_seen_ms, 2000);
	ck_assert_mem_eq(row.raw.p, tx.raw, sizeof(tx.raw));
}

static void sent(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);
	struct tx_row row;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	coin_is(u, 1, 0, UTXO_LOCKED);
	coin_is(u, 2, 1, UTXO_ABSENT);
	history_is(u, "receive 1000 0 1000");
	see(u, &tx);
	coin_is(u, 1, 0, UTXO_SPENT);
	coin_is(u, 2, 1, UTXO_SPENDABLE);
	history_is(u, "receive 1000 0 1000, send -700 100 300");
	row = row_of(u, 2);
	ck_assert(row.own && row.has_fee);
	ck_assert_uint_eq(sat_value(row.fee), 100);
	ck_assert_str_eq(row.action.s, "alice");
	ck_assert_str_eq(row.label, "rent");
	confirm(u, &tx, 3);
	history_is(u, "receive 1000 0 1000, send -700 100 300");
	events_are(u, "confirmed stored pending confirmed");
}

/* Policy: change is spent when a block has it. */
static void sent_and_waits_for_change(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_WAIT);
	see(u, &tx);
	coin_is(u, 2, 1, UTXO_WAITING);
	history_is(u, "receive 1000 0 1000, send -700 100 300"); /* it is ours all the same */
	confirm(u, &tx, 3);
	coin_is(u, 2, 1, UTXO_SPENDABLE);
	history_is(u, "receive 1000 0 1000, send -700 100 300");
}

static void bumped(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1), more = payment(3, 1);
	struct own_tx own = { .kind = "bump", .action = alice, .trust = TRUST_SPEND };
	struct err e, *err = &e;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	see(u, &tx);
	more.out[1].value = onchain_sat(250);
	OK(tx_store_add_own(u, told(&more), &own, 1600, err));
	history_is(u, "receive 1000 0 1000, send -700 100 300"); /* until somebody has it, the first one counts */
	see(u, &more);
	lost_to(u, 2, 3);
	history_is(u, "receive 1000 0 1000, send -700 100 300, bump -50 50 250");
	confirm(u, &tx, 3); /* the first one won */
	ck_assert(row_of(u, 2).place == TX_CONFIRMED && !row_of(u, 2).replaced);
	lost_to(u, 3, 2);
	history_is(u, "receive 1000 0 1000, send -700 100 300, bump -50 50 250, send 50 -50 300");
	events_are(u, "confirmed stored pending stored dropped pending dropped confirmed");
}

/* A second wallet with the same seed: our own is out, and the coin is not free. */
static void spent_elsewhere(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1), theirs;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	see(u, &tx);
	onchain_tx(&theirs, 3);
	onchain_spend(&theirs, 1, 0);
	onchain_pay(&theirs, ONCHAIN_FOREIGN, 990);
	confirm(u, &theirs, 3);
	ck_assert(row_of(u, 2).place == TX_OUT);
	ck_assert_str_eq(row_of(u, 3).kind, "send");
	coin_is(u, 1, 0, UTXO_SPENT);
	coin_is(u, 2, 1, UTXO_ABSENT);
	history_is(u, "receive 1000 0 1000, send -700 100 300, send -300 -90 0");
}

/* The payer pays somebody else instead, in a block or not; that is not our transaction. */
static void taken_back(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), away;
	struct txid txid = onchain_txid(2);
	struct tx_row row;
	struct err e, *err = &e;

	see(u, &in);
	onchain_tx(&away, 2);
	onchain_spend(&away, 9001, 0);
	onchain_pay(&away, ONCHAIN_FOREIGN, 1000);
	ck_assert_int_eq(tx_store_seen(u, told(&away), 2500, err), 0);
	ck_assert_int_eq(tx_store_find(unit_view(u), &arena, &txid, &row, err), 0);
	lost_to(u, 1, 2);
	coin_is(u, 1, 0, UTXO_ABSENT);
	see(u, &in); /* and once more the other way */
	coin_is(u, 1, 0, UTXO_PENDING);
}

/* A chain of ours that nobody has confirmed goes with its first transaction. */
static void dropped_with_what_spends_it(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1), next;
	struct own_tx own = { .kind = "send", .action = alice, .trust = TRUST_SPEND };
	struct err e, *err = &e;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	see(u, &tx);
	onchain_tx(&next, 3);
	onchain_spend(&next, 2, 1);
	onchain_pay(&next, CHANGE + 1, 200);
	OK(tx_store_add_own(u, told(&next), &own, 1600, err));
	see(u, &next);
	coin_is(u, 2, 1, UTXO_SPENT);
	OK(tx_store_drop(u, &tx.told.txid, NULL, 3000, err));
	ck_assert(row_of(u, 2).place == TX_OUT && row_of(u, 3).place == TX_OUT && !row_of(u, 3).replaced);
	coin_is(u, 1, 0, UTXO_LOCKED); /* still alice's */
	history_is(u, "receive 1000 0 1000, send -700 100 300, send -100 100 200, dropped 800 -200 1000");
	see(u, &tx); /* she sends it again */
	coin_is(u, 1, 0, UTXO_SPENT);
	coin_is(u, 2, 1, UTXO_SPENDABLE);
}

/* What a stranger may take back takes with it the trust in what we made of it. */
static void trust_goes_with_a_block(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);
	struct err e, *err = &e;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	see(u, &tx);
	coin_is(u, 2, 1, UTXO_SPENDABLE);
	onchain_disconnect(u);
	coin_is(u, 2, 1, UTXO_PENDING);
	ck_assert_int_eq(row_of(u, 2).trusted, TRUST_NONE);
	confirm(u, &in, 3);
	coin_is(u, 2, 1, UTXO_SPENDABLE);
	ck_assert_int_eq(row_of(u, 2).trusted, TRUST_SPEND);
	OK(movement_check(unit_view(u), err));
}

/* The child was told of first: a server that lists a script's transactions has no order. */
static void child_before_parent(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);

	confirm(u, &tx, 2);
	ck_assert_str_eq(row_of(u, 2).kind, "receive");
	ck_assert(!row_of(u, 2).has_fee);
	confirm(u, &in, 3);
	coin_is(u, 1, 0, UTXO_SPENT);
	ck_assert_str_eq(row_of(u, 2).kind, "send");
	ck_assert_uint_eq(sat_value(row_of(u, 2).fee), 100);
	history_is(u, "receive 300 0 300");
}

static void mined_by_us(struct unit *u)
{
	struct onchain_tx tx;
	struct err e, *err = &e;
	struct block_ref ref = onchain_connect(u, 2);

	onchain_tx(&tx, 1);
	tx.told.coinbase = true;
	onchain_pay(&tx, MINE, 5000);
	ck_assert_int_eq(tx_store_confirm(u, told(&tx), &ref, 0, 2000, err), 1);
	coin_is(u, 1, 0, UTXO_IMMATURE);
	for (unsigned i = 1; i < COINBASE_MATURITY - 1; i++)
		onchain_connect(u, 10 + i);
	coin_is(u, 1, 0, UTXO_IMMATURE);
	history_is(u, "");
	onchain_connect(u, 1000);
	coin_is(u, 1, 0, UTXO_SPENDABLE);
	history_is(u, "receive 5000 0 5000");
	onchain_disconnect(u);
	coin_is(u, 1, 0, UTXO_IMMATURE);
	history_is(u, "receive 5000 0 5000, reorg -5000 0 0");
	for (unsigned i = 1; i < COINBASE_MATURITY; i++)
		onchain_disconnect(u);
	ck_assert(row_of(u, 1).place == TX_OUT); /* no mempool takes it */
	coin_is(u, 1, 0, UTXO_ABSENT);
	ck_assert_int_eq(tx_store_seen(u, told(&tx), 2500, err), 1);
	coin_is(u, 1, 0, UTXO_ABSENT);
}

static void given_up(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);
	struct txid nobody = onchain_txid(77);
	struct err e, *err = &e;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	OK(tx_store_give_up(u, &tx.told.txid, 3000, err));
	OK(tx_store_give_up(u, &tx.told.txid, 3000, err));
	ck_assert(row_of(u, 2).place == TX_OUT && row_of(u, 2).last_seen_ms == 0);
	coin_is(u, 1, 0, UTXO_LOCKED);
	OK(utxo_store_release(u, &alice, 3000, err));
	coin_is(u, 1, 0, UTXO_SPENDABLE);
	FAILS(tx_store_give_up(u, &in.told.txid, 3000, err), ERR_CONFLICT);
	FAILS(tx_store_give_up(u, &nobody, 3000, err), ERR_NOT_FOUND);
	FAILS(tx_store_drop(u, &nobody, NULL, 3000, err), ERR_NOT_FOUND);
	FAILS(tx_store_seen_again(u, &nobody, 3000, err), ERR_NOT_FOUND);
	OK(tx_store_drop(u, &in.told.txid, NULL, 3000, err)); /* a block has it */
	coin_is(u, 1, 0, UTXO_SPENDABLE);
	history_is(u, "receive 1000 0 1000");
}

/* The fee of what spends outputs that are not ours is what its maker says. */
static void with_a_strangers_input(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);
	struct own_tx own = { .kind = "cpfp", .action = alice, .trust = TRUST_WAIT, .has_fee = true };
	struct block_ref block;
	struct txid taker;
	struct err e, *err = &e;

	confirm(u, &in, 2);
	own.fee = onchain_sat(700);
	onchain_spend(&tx, 555, 0);
	OK(utxo_store_lock(u, tx.in, 1, &alice, 1500, err));
	OK(tx_store_add_own(u, told(&tx), &own, 1500, err));
	see(u, &tx);
	coin_is(u, 2, 1, UTXO_WAITING);
	history_is(u, "receive 1000 0 1000, cpfp -700 700 300");
	/* Somebody else takes that input, in a block. */
	onchain_tx(&in, 3);
	onchain_spend(&in, 555, 0);
	onchain_pay(&in, ONCHAIN_FOREIGN, 1);
	ck_assert_int_eq(tx_store_confirm(u, told(&in), &(struct block_ref){ 101, onchain_hash(2) }, 9, 1, err), 1);
	ck_assert(row_of(u, 2).place == TX_OUT);
	/* How deep his is can be told, then. */
	ck_assert_int_eq(tx_store_taker(unit_view(u), &in.in[0], &taker, &block, err), 1);
	ck_assert(txid_equal(&taker, &in.told.txid));
	ck_assert_uint_eq(block.height, 101);
	ck_assert_int_eq(tx_store_taker(unit_view(u), &tx.in[0], &taker, &block, err), 0);
	coin_is(u, 1, 0, UTXO_LOCKED);
}

static void is_counted(struct unit *u, unsigned script, bool expected)
{
	struct script_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(script_store_find(unit_view(u), &arena, onchain_script(script), &row, err), 1);
	ck_assert((row.seen_confirmed == 2 && row.seen_mempool == 0) == expected);
	OK(script_store_set_seen(u, row.id, 2, 0, err));
}

/* A mempool had it before its maker told of it. */
static void told_late(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);
	struct own_tx own = { .kind = "cpfp", .action = alice, .trust = TRUST_WAIT, .has_fee = true };
	struct txid nobody = onchain_txid(77);
	struct tx_row row;
	struct err e, *err = &e;

	onchain_spend(&tx, 555, 0); /* somebody else's */
	own.fee = onchain_sat(70);
	confirm(u, &in, 2);
	see(u, &tx);
	ck_assert(!row_of(u, 2).own && !row_of(u, 2).has_fee);
	coin_is(u, 2, 1, UTXO_PENDING);
	history_is(u, "receive 1000 0 1000, send -1000 0 0");
	for (int i = 0; i < 2; i++)
		OK(tx_store_make_own(u, &tx.told.txid, &own, 3000, err));
	row = row_of(u, 2);
	ck_assert(row.own && sat_value(row.fee) == 70 && action_id_equal(&row.action, &alice));
	coin_is(u, 2, 1, UTXO_WAITING);
	history_is(u, "receive 1000 0 1000, send -1000 0 0, cpfp 300 70 300");
	FAILS(tx_store_make_own(u, &nobody, &own, 3000, err), ERR_NOT_FOUND);
	confirm(u, &tx, 3);
	coin_is(u, 2, 1, UTXO_SPENDABLE);
}

/* An index that counts as many of a script in the new chain may count others: it is to be asked. */
static void counted_anew(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1);

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	confirm(u, &tx, 3);
	for (unsigned i = 0; i < 2; i++) {
		is_counted(u, MINE, i > 0);
		is_counted(u, CHANGE, i > 0);
	}
	onchain_disconnect(u);
	is_counted(u, MINE, false);
	is_counted(u, CHANGE, false);
}

/* A script that was derived after the block had been searched. */
static void searched_again(struct unit *u)
{
	struct onchain_tx tx = receipt(1, 1000);
	struct err e, *err = &e;

	onchain_pay(&tx, 500, 50);
	confirm(u, &tx, 2);
	history_is(u, "receive 1000 0 1000");
	OK(script_store_add(u, SCRIPT_RECEIVE, CHANGE, onchain_script(500), err));
	ck_assert_int_eq(tx_store_confirm(u, told(&tx), &(struct block_ref){ 101, onchain_hash(2) }, 3, 9000, err), 1);
	coin_is(u, 1, 1, UTXO_SPENDABLE);
	history_is(u, "receive 1000 0 1000, receive 50 0 1050");
}

static void lies(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1), twice = payment(3, 1), rich = receipt(4, 1);
	struct block_ref other = { 200, onchain_hash(200) };
	struct txid txid = onchain_txid(4);
	struct tx_row row;
	struct err e, *err = &e;

	confirm(u, &in, 2);
	confirm(u, &tx, 3);
	FAILS(tx_store_confirm(u, told(&tx), &other, 1, 2000, err), ERR_PEER_INVALID);
	rich.out[0].value = onchain_sat(SAT_MONEY_MAX);
	onchain_pay(&rich, ONCHAIN_FOREIGN, 1);
	FAILS(tx_store_seen(u, told(&rich), 2000, err), ERR_RANGE);
	ck_assert_int_eq(tx_store_find(unit_view(u), &arena, &txid, &row, err), 0);
	/* A mempool that offers what a block excludes is not believed. */
	see(u, &twice);
	lost_to(u, 3, 2);
	FAILS(tx_store_confirm(u, told(&twice), &other, 1, 2000, err), ERR_PEER_INVALID);
}

static void added_twice(struct unit *u)
{
	struct onchain_tx in = receipt(1, 1000), tx = payment(2, 1), late = payment(3, 1);
	struct own_tx own = { .kind = "send", .action = alice, .trust = TRUST_SPEND };
	struct err e, *err = &e;

	confirm(u, &in, 2);
	sign(u, &tx, "send", TRUST_SPEND);
	FAILS(tx_store_add_own(u, told(&tx), &own, 1600, err), ERR_EXISTS);
	confirm(u, &tx, 3);
	FAILS(tx_store_add_own(u, told(&late), &own, 1600, err), ERR_CONFLICT);
}

static const struct {
	const char *name;
	void (*tell)(struct unit *u);
} stories[] = {
	{ "received", received },
	{ "received in a block", received_in_a_block },
	{ "sent", sent },
	{ "sent, and waits for change", sent_and_waits_for_change },
	{ "bumped", bumped },
	{ "spent elsewhere", spent_elsewhere },
	{ "taken back", taken_back },
	{ "dropped with what spends it", dropped_with_what_spends_it },
	{ "trust goes with a block", trust_goes_with_a_block },
	{ "child before parent", child_before_parent },
	{ "mined by us", mined_by_us },
	{ "given up", given_up },
	{ "with a stranger's input", with_a_strangers_input },
	{ "told late", told_late },
	{ "counted anew", counted_anew },
	{ "searched again", searched_again },
	{ "lies", lies },
	{ "added twice", added_twice },
};

static int tell(struct unit *u, void *ctx, struct err *err)
{
	(void)err;
	stories[*(int *)ctx].tell(u);
	return 0;
}

START_TEST(story)
{
	int i = _i;

	scratch_unit(&scratch, tell, &i);
}
END_TEST

/* --- reading --- */

struct seen {
	char text[256];
};

static void add_id(void *ctx, const struct tx_row *row)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s%" PRId64, n ? " " : "", row->id);
}

/* 1, 2 confirmed; 3 stored and 4 pending, both alice's; 5 pending. */
static void make_five(struct unit *u)
{
	struct onchain_tx in[] = { receipt(1, 1000), receipt(2, 1000), receipt(5, 1000) };
	struct onchain_tx out[] = { payment(3, 1), payment(4, 2) };

	confirm(u, &in[0], 2);
	confirm(u, &in[1], 3);
	sign(u, &out[0], "send", TRUST_SPEND);
	sign(u, &out[1], "send", TRUST_SPEND);
	see(u, &out[1]);
	see(u, &in[2]);
}

static const struct {
	const char *name;
	struct tx_query q;
	const char *seen;
} listings[] = {
	{ "newest first", { .limit = 10 }, "5 4 3 2 1" },
	{ "a page", { .limit = 2 }, "5 4" },
	{ "the next page", { .limit = 2, .before = 4 }, "3 2" },
	{ "oldest first", { .limit = 3, .oldest_first = true }, "1 2 3" },
	{ "and on", { .limit = 3, .oldest_first = true, .after = 3 }, "4 5" },
	{ "confirmed ones", { .limit = 10, .place = TX_CONFIRMED }, "2 1" },
	{ "confirmed ones, oldest first", { .limit = 10, .place = TX_CONFIRMED, .oldest_first = true }, "1 2" },
	{ "pending ones", { .limit = 10, .place = TX_PENDING, .oldest_first = true }, "4 5" },
	{ "pending ones, newest first", { .limit = 10, .place = TX_PENDING }, "5 4" },
	{ "stored ones", { .limit = 10, .place = TX_STORED, .oldest_first = true }, "3" },
	{ "out ones", { .limit = 10, .place = TX_OUT }, "" },
	{ "of an action", { .limit = 10, .action = { "alice" } }, "3 4" },
	{ "of an action, at a place", { .limit = 10, .action = { "alice" }, .place = TX_PENDING }, "4" },
	{ "of another action", { .limit = 10, .action = { "bob" } }, "" },
};

static int list_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct seen s = { "" };
	int n;

	make_five(u);
	n = tx_store_list(unit_view(u), &arena, &listings[i].q, add_id, &s, err);
	OK(n);
	ck_assert_msg(strcmp(s.text, listings[i].seen) == 0, "%s: %s", listings[i].name, s.text);
	ck_assert_int_eq(n, (int)(strlen(s.text) + 1) / 2);
	return 0;
}

START_TEST(list_table)
{
	int i = _i;

	scratch_unit(&scratch, list_case, &i);
}
END_TEST

/* --- what has lost after all --- */

static void add_loss(void *ctx, const struct tx_loss *loss)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	ck_assert(loss->tx.place == TX_OUT && loss->tx.own);
	snprintf(s->text + n, sizeof(s->text) - n, "%s%" PRId64 "<%u %s", n ? ", " : "", loss->tx.id,
		 (unsigned)loss->winner.b[31], tx_place_name(loss->place));
	if (loss->place == TX_CONFIRMED)
		snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), " %" PRIu32, loss->block.height);
}

static void losses_are(struct unit *u, uint32_t from_height, const char *expected)
{
	struct seen s = { "" };
	struct err e, *err = &e;

	OK(tx_store_losses(unit_view(u), &arena, from_height, 10, add_loss, &s, err));
	ck_assert_str_eq(s.text, expected);
}

/* 2 is alice's payment, and 3 another one that spends its change; 4, a stranger's, takes the coin of 2. */
static void make_a_loss(struct unit *u, struct onchain_tx *taker)
{
	struct onchain_tx in = receipt(1, 1000), out[] = { payment(2, 1), payment(3, 2) };

	out[1].in[0].vout = 1;
	out[1].told.n_out = 1;
	out[1].out[0].value = onchain_sat(250);
	confirm(u, &in, 2);
	sign(u, &out[0], "send", TRUST_SPEND);
	confirm(u, &out[0], 3);
	sign(u, &out[1], "send", TRUST_SPEND);
	confirm(u, &out[1], 4);
	onchain_tx(taker, 4);
	onchain_spend(taker, 1, 0);
	onchain_pay(taker, ONCHAIN_FOREIGN, 999);
}

static int lose(struct unit *u, void *ctx, struct err *err)
{
	struct seen page = { "" };
	struct onchain_tx taker;

	(void)ctx;
	make_a_loss(u, &taker);
	losses_are(u, 0, "");
	onchain_disconnect(u);
	onchain_disconnect(u);
	losses_are(u, 0, "");
	see(u, &taker);
	losses_are(u, 0, "2<4 pending, 3<4 pending");
	losses_are(u, UINT32_MAX, "2<4 pending, 3<4 pending");
	confirm(u, &taker, 5);
	losses_are(u, 0, "2<4 confirmed 102, 3<4 confirmed 102");
	losses_are(u, 102, "2<4 confirmed 102, 3<4 confirmed 102");
	losses_are(u, 103, "");
	ck_assert_int_eq(tx_store_losses(unit_view(u), &arena, 0, 1, add_loss, &page, err), 1);
	/* Its block goes, and the payments' blocks come back. */
	onchain_disconnect(u);
	losses_are(u, 0, "2<4 pending, 3<4 pending");
	ck_assert_int_eq(tx_store_confirm(u, &(struct told_tx){ .txid = onchain_txid(2) },
					  &(struct block_ref){ 102, onchain_connect(u, 6).hash }, 1, 9, err),
			 1);
	losses_are(u, 0, "");
	return 0;
}

START_TEST(what_has_lost)
{
	scratch_unit(&scratch, lose, NULL);
}
END_TEST

/* A bump pays what the payment was to pay; a way back does not. */
static int lose_to_own(struct unit *u, void *ctx, struct err *err)
{
	static const char *const kinds[] = { "send", "bump", "cancel" };
	struct onchain_tx in = receipt(1, 1000), versions[] = { payment(2, 1), payment(3, 1), payment(4, 1) };

	(void)ctx;
	(void)err;
	confirm(u, &in, 2);
	for (unsigned i = 0; i < ARRAY_LEN(versions); i++) {
		struct own_tx own = { .kind = kinds[i], .action = alice, .trust = TRUST_SPEND };

		OK(tx_store_add_own(u, told(&versions[i]), &own, 1500, err));
	}
	see(u, &versions[0]);
	losses_are(u, 0, "");
	see(u, &versions[1]);
	losses_are(u, 0, "");
	confirm(u, &versions[1], 3);
	losses_are(u, 0, "4<3 confirmed 102");
	onchain_disconnect(u);
	confirm(u, &versions[2], 4);
	losses_are(u, 0, "2<4 confirmed 102, 3<4 confirmed 102");
	return 0;
}

START_TEST(what_has_lost_to_its_own)
{
	scratch_unit(&scratch, lose_to_own, NULL);
}
END_TEST

static void add_outpoint(void *ctx, const struct outpoint *at)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s%u:%u", n ? " " : "", (unsigned)at->txid.b[31], at->vout);
}

static int since(struct unit *u, void *ctx, struct err *err)
{
	char inputs[256] = "", coins[256] = "";
	int64_t id = 0;

	(void)ctx;
	make_five(u);
	ck_assert_int_eq(tx_store_inputs_since(unit_view(u), &id, 3, add_outpoint, inputs, err), 3);
	ck_assert_int_eq(tx_store_inputs_since(unit_view(u), &id, 3, add_outpoint, inputs, err), 2);
	ck_assert_int_eq(tx_store_inputs_since(unit_view(u), &id, 3, add_outpoint, inputs, err), 0);
	ck_assert_str_eq(inputs, "41:0 42:0 1:0 2:0 45:0"); /* 9001 is 0x2329 */
	id = 2;
	ck_assert_int_eq(tx_store_coins_since(unit_view(u), &id, 9, add_outpoint, coins, err), 3);
	ck_assert_str_eq(coins, "3:1 4:1 5:0");
	ck_assert_int_eq(tx_store_coins_since(unit_view(u), &id, 9, add_outpoint, coins, err), 0);
	return 0;
}

START_TEST(what_is_new_since)
{
	scratch_unit(&scratch, since, NULL);
}
END_TEST

static int places(struct unit *u, void *ctx, struct err *err)
{
	static const enum tx_place expected[] = { TX_CONFIRMED, TX_CONFIRMED, TX_STORED, TX_PENDING, TX_PENDING };
	struct block_ref ref;
	enum tx_place place;
	struct txid txid;

	(void)ctx;
	make_five(u);
	for (unsigned i = 0; i < ARRAY_LEN(expected); i++) {
		txid = onchain_txid(i + 1);
		ck_assert_int_eq(tx_store_place(unit_view(u), &txid, &place, &ref, err), 1);
		ck_assert_int_eq(place, expected[i]);
		ck_assert(place != TX_CONFIRMED || ref.height == 101 + i);
	}
	txid = onchain_txid(77);
	ck_assert_int_eq(tx_store_place(unit_view(u), &txid, &place, &ref, err), 0);
	return 0;
}

START_TEST(where_each_stands)
{
	scratch_unit(&scratch, places, NULL);
}
END_TEST

static int no_room(struct unit *u, void *ctx, struct err *err)
{
	struct arena tiny = ARENA_LIMIT(128);
	struct txid txid = onchain_txid(1);
	struct seen s = { "" };
	struct tx_row row;

	(void)ctx;
	make_five(u);
	FAILS(tx_store_find(unit_view(u), &tiny, &txid, &row, err), ERR_RANGE);
	ck_assert_int_eq(tx_store_list(unit_view(u), &tiny, &(struct tx_query){ .limit = 9 }, add_id, &s, err), 0);
	arena_done(&tiny);
	return 0;
}

START_TEST(no_room_for_it)
{
	scratch_unit(&scratch, no_room, NULL);
}
END_TEST

START_TEST(names)
{
	static const char *const expected[] = { "stored", "pending", "confirmed", "out" };

	for (int p = TX_STORED; p <= TX_OUT; p++)
		ck_assert_str_eq(tx_place_name((enum tx_place)p), expected[p - 1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/tx_store");
	TCase *tc = tcase_create("transactions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, story, 0, (int)ARRAY_LEN(stories));
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(listings));
	tcase_add_test(tc, what_has_lost);
	tcase_add_test(tc, what_has_lost_to_its_own);
	tcase_add_test(tc, what_is_new_since);
	tcase_add_test(tc, where_each_stands);
	tcase_add_test(tc, no_room_for_it);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
