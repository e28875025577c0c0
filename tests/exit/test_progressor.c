/* Exits from their start until they can be claimed, over the real follower, stores and chain source, and a model of a node:
 * the scenarios of spec/exit.md 9 that need no script to be run. */
#include "exit/exit.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "chain/ark_keys.h"
#include "exit/child.h"
#include "exit/claim.h"
#include "exit/vtxo_import.h"
#include "rails/bitcoin/policy.h"
#include "rails/keys/keyring.h"
#include "store/event_store.h"
#include "store/vtxo_store.h"
#include "tests/support/ark_maker.h"
#include "tests/support/follower_world.h"
#include "tests/support/suite.h"

#define DELTA 12u

static struct err failure, *err = &failure;
static struct keyring *keys;
static struct exits *exits;
static struct bip32_key account; /* m/350'/0' */
static struct ark_maker maker;

/* --- the world --- */

static void open_exits(void)
{
	const struct exits_options opt = {
		.loop = fw.loop,
		.store = fw.scratch.store,
		.chain = fw.source,
		.network = NETWORK_MAINNET, /* whose keys follower_world.h's account has */
		.max_feerate = { 125000 },
		.bump_after = 3,
		.margin = 12,
		.final_confs = 6,
	};

	exits = exits_new(&opt);
	exits_set_keys(exits, keys);
}

static void restart(void)
{
	exits_free(exits);
	follower_world_restart(CHAIN_BITCOIND);
	open_exits();
}

static int keep_account(struct unit *u, void *ctx, struct err *e)
{
	struct bip32_pub pub;
	char xpub[BIP32_TEXT_MAX];

	(void)ctx;
	(void)e;
	keyring_ark_account(keys, &pub);
	bip32_xpub(&pub, xpub);
	OK(ark_account_add(u, xpub, err));
	OK(ark_keys_fill(u, 0, err));
	return 0;
}

static void setup(void)
{
	static const uint32_t path[] = { BIP32_HARDENED | 350, BIP32_HARDENED };
	struct bip32_key master;
	struct mnemonic words;
	struct seed seed;

	follower_world_setup(CHAIN_BITCOIND);
	follower_world_account(0);
	OK(mnemonic_parse(
		"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", &words,
		err));
	OK(mnemonic_seed(&words, "", &seed, err));
	OK(bip32_master((struct bytes){ seed.b, sizeof(seed.b) }, &master, err));
	OK(bip32_derive(&master, path, ARRAY_LEN(path), &account, err));
	keys = keyring_new(&words, "", err);
	ck_assert_ptr_nonnull(keys);
	follower_world_unit(keep_account, NULL);
	maker = (struct ark_maker){ .arena = &fw.arena, .expiry_height = 500, .exit_delta = DELTA };
	memset(maker.server.b, 0xa1, sizeof(maker.server.b));
	open_exits();
	follower_world_follow();
}

static void teardown(void)
{
	exits_free(exits);
	keyring_free(keys);
	follower_world_teardown();
}

static struct view now(void)
{
	return store_view(fw.scratch.store);
}

static void drain(void)
{
	struct exits_stats s;

	for (int i = 0; i < 60000; i++) {
		follower_world_run_for(1);
		exits_stats(exits, &s);
		if (exits_idle(exits) && s.backlog == 0)
			return;
	}
	ck_abort_msg("exits never rest: %u due, %u under way", s.backlog, s.inflight);
}

/* Follower and exits, until neither finds anything to do. */
static void settle(void)
{
	for (int i = 0; i < 4; i++) {
		follower_world_follow();
		exits_kick(exits);
		drain();
	}
}

static void mine(unsigned blocks)
{
	follower_world_mine();
	if (blocks > 1)
		model_node_mine_empty(fw.node, blocks - 1);
	settle();
}

/* --- VTXOs --- */

static struct secret key_of(uint32_t index)
{
	struct bip32_key k;

	OK(bip32_child(&account, index, &k, err));
	return k.key;
}

static int store_import(struct unit *u, void *ctx, struct err *e)
{
	return vtxo_import_store(u, ctx, NULL, 1000, e);
}

static bool looked;

static void set_looked(void *ctx)
{
	(void)ctx;
	looked = true;
}

static void import(const struct vtxo *v)
{
	struct vtxo_import *im;

	OK(vtxo_import_read(now(), NETWORK_REGTEST, hex_text(&fw.arena, vtxo_encode(&fw.arena, v)), 0, &im, err));
	looked = false;
	if (vtxo_import_look(im, fw.source, set_looked, NULL))
		while (!looked)
			follower_world_run_for(1);
	ck_assert_msg(im->items[0].verdict.err.code == ERR_NONE, "%s", im->items[0].verdict.err.msg);
	follower_world_unit(store_import, im);
	vtxo_import_free(im);
}

/* Mined, and ours: a board, and out of it so many hops, two transactions each. */
static struct vtxo make_vtxo(uint64_t amount, uint64_t fee, size_t hops)
{
	const struct secret user = key_of(0);
	struct ark_board_plan plan = { .user = user, .amount = { amount }, .fee = { fee } };
	struct outpoint at = { .vout = 0 };
	struct vtxo v, last;
	struct tx_out out;
	struct tx tx;

	OK(ark_make_board_funding(&maker, &plan, &out, err));
	tx = follower_world_tx(NULL, 0, &(struct pays){ out.script, amount }, 1);
	at.txid = model_node_offer(fw.node, &tx);
	follower_world_mine();
	OK(ark_make_board(&maker, &plan, &at, &v, err));
	last = v;
	if (hops > 0)
		OK(ark_make_chain(&maker, &v, &user, hops, true, &last, err));
	import(&last);
	settle();
	return last;
}

/* --- exits --- */

struct order {
	struct exit_order o;
	int64_t id;
	int began;
};

static int start_unit(struct unit *u, void *ctx, struct err *e)
{
	struct order *o = ctx;

	o->began = exit_start(u, &fw.arena, &o->o, 1000, &o->id, e);
	return o->began < 0 ? -1 : 0;
}

static const struct feerate five = { 1250 };

static int64_t start(const struct vtxo *v)
{
	struct order o = { .o = { .vtxo = v->point, .rate = &five } };

	follower_world_unit(start_unit, &o);
	ck_assert_int_eq(o.began, 1);
	return o.id;
}

static int cancel_unit(struct unit *u, void *ctx, struct err *e)
{
	return exit_cancel(u, &fw.arena, ctx, 1000, e);
}

static struct exit_row row_of(int64_t id)
{
	struct exit_row row;

	ck_assert_int_eq(exit_store_get(now(), &fw.arena, id, &row, err), 1);
	return row;
}

static const char *short_name(const char *checkpoint)
{
	static const char parts[] = "?vicaC", states[] = "?SPDKIFXN";
	struct exit_status s;
	char *text = arena_alloc(&fw.arena, EXIT_TXS_MAX + 4);
	size_t n = 0;

	OK(exit_status_parse(&fw.arena, checkpoint, &s, err));
	text[n++] = states[s.state];
	for (size_t i = 0; s.state == EXIT_PROCESSING && i < s.n_txs; i++)
		text[n++] = parts[s.txs[i].part];
	return text;
}

static void add_past(void *ctx, const struct exit_past *p)
{
	const char **line = ctx;

	*line = arena_printf(&fw.arena, "%s%s ", *line, short_name(p->checkpoint));
}

/* All states that it has been in, and the one that it is in. */
static void expect(int64_t id, const char *states)
{
	const char *line = "";

	OK(exit_store_history(now(), &fw.arena, id, 0, 1000, add_past, &line, err));
	line = arena_printf(&fw.arena, "%s%s", line, short_name(row_of(id).checkpoint));
	ck_assert_str_eq(line, states);
}

static void count_event(void *ctx, const struct event *e)
{
	(void)e;
	++*(unsigned *)ctx;
}

/* How often it was told. */
static unsigned told(const char *kind)
{
	unsigned n = 0;
	int64_t cursor;

	ck_assert_int_ge(event_list(now(), &fw.arena, 0, kind, 1000, count_event, &n, &cursor, err), 0);
	return n;
}

static struct exit_child_row child_of(int64_t id, size_t i)
{
	struct exit_tx_row *txs;
	struct exit_child_row child;
	size_t n;

	OK(exit_tx_store_of(now(), &fw.arena, id, &txs, &n, err));
	ck_assert_uint_lt(i, n);
	ck_assert_int_eq(exit_child_store_active(now(), &fw.arena, txs[i].id, &child, err), 1);
	return child;
}

static struct exit_tx_row tx_of(int64_t id, size_t i)
{
	struct exit_tx_row *txs;
	size_t n;

	OK(exit_tx_store_of(now(), &fw.arena, id, &txs, &n, err));
	ck_assert_uint_lt(i, n);
	return txs[i];
}

static uint64_t coins(enum utxo_state s)
{
	struct utxo_sums sums;

	OK(utxo_store_sums(now(), &sums, err));
	return sat_value(sums.of[s]);
}

static void check_books(void)
{
	OK(movement_audit(now(), err));
	OK(tx_store_audit(now(), err));
}

static enum vtxo_state vtxo_state(const struct vtxo *v)
{
	struct vtxo_row row;

	ck_assert_int_eq(vtxo_store_find(now(), &fw.arena, &v->point, &row, err), 1);
	return row.state;
}

static void fund(uint32_t index, uint64_t sat)
{
	follower_world_receive(SCRIPT_RECEIVE, index, sat);
	follower_world_mine();
	settle();
}

/* --- scenarios --- */

/* 9.1 */
START_TEST(a_board_comes_on_chain)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct exit_child_row child;
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	expect(id, "S Pv Pc Pa");
	child = child_of(id, 0);
	ck_assert_uint_eq(sat_value(child.fee), 1382);
	ck_assert_uint_eq(child.weight.v, 609);
	ck_assert(child.status == CHILD_SENT && model_node_has(fw.node, &child.txid));
	ck_assert_uint_eq(coins(UTXO_WAITING), 100000 - 1382);
	mine(1);
	expect(id, "S Pv Pc Pa D");
	ck_assert_int_eq(vtxo_state(&v), VTXO_EXITING);
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 100000 - 1382);
	mine(DELTA - 1);
	expect(id, "S Pv Pc Pa D");
	mine(1);
	expect(id, "S Pv Pc Pa D K");
	ck_assert(row_of(id).live);
	check_books();
}
END_TEST

/* 9.2: what one coin pays for comes block by block. */
START_TEST(each_transaction_waits_for_the_one_before_it)
{
	struct vtxo v = make_vtxo(50000, 0, 1);
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	expect(id, "S Pvvv Pcii Paii");
	for (size_t i = 0; i < 3; i++) {
		struct exit_child_row child = child_of(id, i), before;
		struct tx tx;

		OK(tx_decode(&fw.arena, child.raw, &tx, err));
		ck_assert_uint_eq(tx.n_in, 2);
		if (i > 0) { /* with the change of the one before */
			before = child_of(id, i - 1);
			ck_assert(txid_equal(&tx.in[1].prevout.txid, &before.txid));
		}
		mine(1);
	}
	expect(id, "S Pvvv Pcii Paii PCci PCai PCCc PCCa D");
	check_books();
}
END_TEST

/* 9.3 */
START_TEST(two_share_what_they_have_in_common)
{
	struct vtxo v = make_vtxo(50000, 0, 0), sibling;
	const struct secret user = key_of(0);
	int64_t a, b;

	fund(0, 100000);
	OK(ark_make_chain(&maker, &v, &user, 1, true, &sibling, err));
	import(&sibling);
	a = start(&v);
	b = start(&sibling);
	settle();
	expect(a, "S Pv Pc Pa");
	expect(b, "S Pvvv Paii"); /* what the first one has made pays for both */
	ck_assert_int_eq(tx_of(a, 0).id, tx_of(b, 0).id);
	ck_assert_uint_eq(tx_of(a, 0).refs, 2);
	ck_assert_uint_eq(coins(UTXO_WAITING), 100000 - 1382); /* paid once */
	check_books();
}
END_TEST

/* 9.4 */
START_TEST(without_money_it_waits)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	int64_t id = start(&v);

	settle();
	expect(id, "S Pv Pc");
	ck_assert_str_eq(row_of(id).error,
			 "{\"type\":\"insufficient-confirmed-funds\",\"needed\":1712,\"available\":0}");
	follower_world_receive(SCRIPT_RECEIVE, 0, 5000);
	settle();
	expect(id, "S Pv Pc");                          /* no block has it yet */
	ck_assert_uint_eq(told("exit.needs_funds"), 1); /* however often it was looked at */
	mine(1);
	expect(id, "S Pv Pc Pa");
	ck_assert_ptr_null(row_of(id).error);
	check_books();
}
END_TEST

static const struct feerate *claim_rate = &five;
static struct exit_claim_row claimed;
static bool claim_replaces;

static int claim_unit(struct unit *u, void *ctx, struct err *e)
{
	const struct vtxo *v = ctx;
	const struct claim_order o = { .vtxos = v ? &v->point : NULL,
				       .n = v ? 1 : 0,
				       .rate = *claim_rate,
				       .incremental = { 250 },
				       .replace = claim_replaces,
				       .keys = keys };

	return exit_claim(u, &fw.arena, &o, 1000, &claimed, e);
}

/* 9.28: the figure of 4.2, a claim to ourselves, and the books at its end. */
START_TEST(what_is_on_chain_is_claimed)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct tx_row row;
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	mine(1);
	ck_assert_int_eq(store_unit_now(fw.scratch.store, claim_unit, &v, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_ILLEGAL_STATE));
	mine(DELTA);
	follower_world_unit(claim_unit, NULL);
	ck_assert_uint_eq(claimed.weight.v, 516);
	ck_assert_uint_eq(sat_value(claimed.fee), 645);
	ck_assert_int_eq(store_unit_now(fw.scratch.store, claim_unit, &v, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_CONFLICT));
	exits_claims_kick(exits);
	drain();
	settle();
	expect(id, "S Pv Pc Pa D K I");
	ck_assert(model_node_has(fw.node, &claimed.txid));
	mine(1);
	expect(id, "S Pv Pc Pa D K I F");
	ck_assert_int_eq(vtxo_state(&v), VTXO_EXITED);
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 100000 - 1382 + 50000 - 645);
	check_books();
	mine(4);
	ck_assert(row_of(id).live);
	mine(1);
	ck_assert(!row_of(id).live);
	ck_assert_int_eq(tx_store_find(now(), &fw.arena, &claimed.txid, &row, err), 1);
	ck_assert_int_eq(row.place, TX_CONFIRMED);
	check_books();
}
END_TEST

START_TEST(a_claim_is_replaced_and_its_block_goes)
{
	static const struct feerate ten = { 2500 };
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct txid first;
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	mine(1);
	mine(DELTA);
	follower_world_unit(claim_unit, &v);
	first = claimed.txid;
	exits_claims_kick(exits);
	drain();
	settle();
	claim_rate = &ten;
	claim_replaces = true;
	follower_world_unit(claim_unit, &v);
	ck_assert_uint_eq(sat_value(claimed.fee), 1290);
	exits_claims_kick(exits);
	drain();
	settle();
	ck_assert(!model_node_has(fw.node, &first) && model_node_has(fw.node, &claimed.txid));
	mine(1);
	ck_assert_int_eq(row_of(id).state, EXIT_CLAIMED);
	check_books();
	model_node_rewind(fw.node, 1);
	model_node_mine_empty(fw.node, 2);
	settle();
	ck_assert_int_eq(row_of(id).state, EXIT_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(vtxo_state(&v), VTXO_EXITING);
	check_books();
	mine(1);
	ck_assert_int_eq(vtxo_state(&v), VTXO_EXITED);
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 100000 - 1382 + 50000 - 1290);
	check_books();
	claim_rate = &five;
	claim_replaces = false;
}
END_TEST

/* 9.27 */
START_TEST(an_anchor_of_value_pays_for_itself)
{
	struct vtxo v = make_vtxo(50000, 10000, 0);
	int64_t id = start(&v);

	settle();
	expect(id, "S Pv Pc Pa");
	ck_assert_uint_eq(child_of(id, 0).weight.v, 376);
	mine(1);
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 10000 - sat_value(child_of(id, 0).fee));
	check_books();
}
END_TEST

/* A locked wallet follows its exits, and sends again what is signed. */
START_TEST(a_locked_wallet_sends_what_is_signed)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct exit_child_row child;
	struct exit_tx_row parent;
	int64_t id;

	fund(0, 100000);
	exits_set_keys(exits, NULL);
	id = start(&v);
	settle();
	expect(id, "S Pv Pc");
	ck_assert_str_eq(row_of(id).error, "{\"type\":\"wallet-locked\"}");
	exits_set_keys(exits, keys);
	settle();
	expect(id, "S Pv Pc Pa");
	exits_set_keys(exits, NULL);
	child = child_of(id, 0);
	parent = tx_of(id, 0);
	model_node_evict(fw.node, &parent.txid); /* 9.19 */
	ck_assert(!model_node_has(fw.node, &child.txid));
	follower_world_follow_twice();
	clock_pass_for_test(5000); /* a node that took it lately is not asked at once */
	settle();
	ck_assert(model_node_has(fw.node, &child.txid));
	settle();
	ck_assert_int_eq(tx_of(id, 0).place, EXIT_TX_MEMPOOL); /* seen again, and so not sent once more */
	mine(1);
	expect(id, "S Pv Pc Pa D");
	check_books();
}
END_TEST

/* 9.13: at any moment a new process goes on where the last one ended. */
START_TEST(restarts_change_nothing)
{
	struct vtxo v = make_vtxo(50000, 0, 1);
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	restart();
	settle();
	restart();
	settle();
	for (unsigned i = 0; i < 3; i++) {
		follower_world_mine();
		restart();
		settle();
		restart();
		settle();
	}
	expect(id, "S Pvvv Pcii Paii PCci PCai PCCc PCCa D");
	check_books();
}
END_TEST

/* 9.10, 9.12 */
START_TEST(somebody_else_pays)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct exit_tx_row tx;
	struct outpoint anchor;
	struct exit_child_row ours;
	struct tx theirs;
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	ours = child_of(id, 0);
	tx = tx_of(id, 0);
	anchor = (struct outpoint){ tx.txid, tx.anchor_vout };
	theirs = follower_world_tx(&anchor, 1, &(struct pays){ { 0 }, 0 }, 1);
	model_node_offer(fw.node, &theirs); /* in the place of ours */
	mine(1);
	expect(id, "S Pv Pc Pa D");
	ck_assert(!model_node_has(fw.node, &ours.txid));
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 100000); /* ours is free again, and its change is not ours */
	check_books();
}
END_TEST

/* 9.14, 9.15 */
START_TEST(a_block_goes)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	mine(1);
	expect(id, "S Pv Pc Pa D");
	model_node_rewind(fw.node, 1);
	model_node_mine_empty(fw.node, 2);
	settle();
	expect(id, "S Pv Pc Pa D Pv Pa");
	mine(1);
	expect(id, "S Pv Pc Pa D Pv Pa D");
	mine(DELTA);
	model_node_rewind(fw.node, DELTA + 1);
	model_node_mine_empty(fw.node, DELTA + 2);
	settle();
	expect(id, "S Pv Pc Pa D Pv Pa D K Pv Pa"); /* 9.17 */
	ck_assert_uint_eq(told("exit.foreign_spend"), 0);
	check_books();
}
END_TEST

/* 9.23 */
START_TEST(a_block_has_something_else)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct exit_tx_row tx;
	struct tx rival;
	int64_t id = start(&v);

	settle();
	tx = tx_of(id, 0);
	rival = follower_world_tx(&tx.spends, 1, &(struct pays){ { 0 }, 1000 }, 1);
	model_node_offer(fw.node, &rival);
	mine(1);
	expect(id, "S Pv Pc");
	ck_assert_ptr_nonnull(strstr(row_of(id).error, "\"type\":\"exit-input-conflict\""));
	mine(4);
	expect(id, "S Pv Pc");
	mine(1);
	expect(id, "S Pv Pc X");
	ck_assert_uint_eq(told("exit.foreign_spend"), 1);
	ck_assert(!row_of(id).live);
	ck_assert_int_eq(vtxo_state(&v), VTXO_SPENT);
	check_books();
}
END_TEST

/* 9.22: the server is quicker, with a signature that it should not have. */
START_TEST(somebody_else_spends_it)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct tx theirs;
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	settle();
	mine(1);
	theirs = follower_world_tx(&v.point, 1, &(struct pays){ { 0 }, 40000 }, 1);
	model_node_offer(fw.node, &theirs);
	mine(DELTA);
	expect(id, "S Pv Pc Pa D K F");
	ck_assert_int_eq(vtxo_state(&v), VTXO_SPENT);
	ck_assert_uint_eq(told("exit.claimable"), 1);
	ck_assert_uint_eq(told("exit.needs_funds"), 0);
	mine(6);
	ck_assert_uint_eq(told("exit.foreign_spend"), 1);
	ck_assert(!row_of(id).live);
	check_books();
}
END_TEST

/* 9.25 */
START_TEST(it_can_be_given_up_until_it_is_on_its_way)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	int64_t id = start(&v);

	settle();
	follower_world_unit(cancel_unit, &v.point);
	follower_world_unit(cancel_unit, &v.point);
	expect(id, "S Pv Pc N");
	ck_assert(!row_of(id).live);
	fund(0, 100000);
	settle();
	id = start(&v);
	ck_assert_uint_eq(row_of(id).attempt, 2);
	settle();
	expect(id, "S Pv Pc Pa");
	ck_assert_int_eq(store_unit_now(fw.scratch.store, cancel_unit, &v.point, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_NOT_CANCELLABLE));
	check_books();
}
END_TEST

START_TEST(what_cannot_be_started)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct order again = { .o = { .vtxo = v.point } }, nobody = { .o = { .vtxo = { .vout = 7 } } };

	start(&v);
	follower_world_unit(start_unit, &again);
	ck_assert_int_eq(again.began, 0);
	ck_assert_int_eq(store_unit_now(fw.scratch.store, start_unit, &nobody, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_NOT_FOUND));
}
END_TEST

/* A node that refuses is asked again, and what it said is shown. */
START_TEST(a_refusal_is_shown_and_tried_again)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct exit_child_row *offers;
	int64_t id;
	size_t n;

	fund(0, 100000);
	model_node_refuse(fw.node, true);
	id = start(&v);
	settle();
	ck_assert_ptr_nonnull(strstr(row_of(id).error, "min relay fee not met"));
	ck_assert_uint_gt(row_of(id).attempts, 0);
	/* Each offers more than the one before it. */
	OK(exit_child_store_list(now(), &fw.arena, tx_of(id, 0).id, &offers, &n, err));
	ck_assert_uint_gt(n, 1);
	for (size_t i = 1; i < n; i++)
		ck_assert_uint_ge(sat_value(offers[i].fee), sat_value(offers[i - 1].fee) * 5 / 4);
	model_node_refuse(fw.node, false);
	settle();
	mine(1);
	settle();
	ck_assert_int_eq(row_of(id).state, EXIT_AWAITING_DELTA);
	ck_assert_ptr_null(row_of(id).error);
	check_books();
}
END_TEST

/* --- who has it? --- */

static void kick(void)
{
	exits_kick(exits);
	drain();
}

/* It is the one that there was, and what it spends is not free. */
static void same_child(int64_t id, const struct txid *was)
{
	struct exit_child_row child = child_of(id, 0);

	ck_assert(txid_equal(&child.txid, was));
	ck_assert_int_eq(child.reach, REACH_MAYBE);
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 0);
}

/* The node that may have it says that it does not want it: that is an answer to the second try, and not to the first. */
static void a_no_is_no_answer_to_the_try_before(int64_t id)
{
	struct exit_child_row child = child_of(id, 0);

	ck_assert(model_node_has(fw.node, &child.txid));
	model_node_refuse(fw.node, true);
	kick();
	same_child(id, &child.txid);
	ck_assert_ptr_nonnull(strstr(row_of(id).error, "min relay fee not met"));
	model_node_refuse(fw.node, false);
	settle();
	mine(1);
	expect(id, "S Pv Pc Pa D");
	ck_assert_ptr_null(row_of(id).error);
	check_books();
}

START_TEST(an_answer_that_is_lost_is_no_no)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	int64_t id;

	fund(0, 100000);
	model_node_mute(fw.node, true);
	id = start(&v);
	follower_world_follow(); /* of what it watches from now on */
	kick();
	ck_assert_int_eq(child_of(id, 0).reach, REACH_MAYBE);
	model_node_mute(fw.node, false);
	a_no_is_no_answer_to_the_try_before(id);
}
END_TEST

/* The process ends before the answer is written. */
START_TEST(a_try_that_was_cut_off_is_no_no)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	int64_t id;

	fund(0, 100000);
	id = start(&v);
	follower_world_follow(); /* of what it watches from now on */
	ck_assert(failpoint_configure("exit.package_result:error:0"));
	kick();
	ck_assert(child_of(id, 0).reach != REACH_NONE && child_of(id, 0).status == CHILD_PREPARED);
	ck_assert(failpoint_configure(NULL));
	restart();
	a_no_is_no_answer_to_the_try_before(id);
}
END_TEST

/* A no to the only try that there was is one. */
START_TEST(who_has_it_is_known_after_a_no)
{
	struct vtxo v = make_vtxo(50000, 0, 0);
	struct exit_child_row *offers;
	int64_t id;
	size_t n;

	fund(0, 100000);
	model_node_refuse(fw.node, true);
	id = start(&v);
	follower_world_follow(); /* of what it watches from now on */
	kick();
	OK(exit_child_store_list(now(), &fw.arena, tx_of(id, 0).id, &offers, &n, err));
	ck_assert_uint_ge(n, 1);
	for (size_t i = 0; i < n; i++)
		ck_assert(offers[i].reach == REACH_NONE && offers[i].status == CHILD_REJECTED);
	ck_assert_uint_eq(coins(UTXO_SPENDABLE), 100000);
	check_books();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/progressor");
	TCase *tc = tcase_create("scenarios");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_board_comes_on_chain);
	tcase_add_test(tc, each_transaction_waits_for_the_one_before_it);
	tcase_add_test(tc, two_share_what_they_have_in_common);
	tcase_add_test(tc, without_money_it_waits);
	tcase_add_test(tc, what_is_on_chain_is_claimed);
	tcase_add_test(tc, a_claim_is_replaced_and_its_block_goes);
	tcase_add_test(tc, an_anchor_of_value_pays_for_itself);
	tcase_add_test(tc, a_locked_wallet_sends_what_is_signed);
	tcase_add_test(tc, restarts_change_nothing);
	tcase_add_test(tc, somebody_else_pays);
	tcase_add_test(tc, a_block_goes);
	tcase_add_test(tc, a_block_has_something_else);
	tcase_add_test(tc, somebody_else_spends_it);
	tcase_add_test(tc, it_can_be_given_up_until_it_is_on_its_way);
	tcase_add_test(tc, what_cannot_be_started);
	tcase_add_test(tc, a_refusal_is_shown_and_tried_again);
	tcase_add_test(tc, an_answer_that_is_lost_is_no_no);
	tcase_add_test(tc, a_try_that_was_cut_off_is_no_no);
	tcase_add_test(tc, who_has_it_is_known_after_a_no);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
