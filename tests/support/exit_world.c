#include "tests/support/exit_world.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "chain/ark_keys.h"
#include "exit/vtxo_import.h"
#include "rails/keys/keyring.h"
#include "store/event_store.h"
#include "tests/support/suite.h"

struct exit_world xw;
struct sat exit_world_fee_per_tick;
bool exit_world_lost;
static struct err failure, *err = &failure;

/* --- the world --- */

static bool knows_chain(void *ctx)
{
	(void)ctx;
	return !exit_world_lost;
}

static void open_exits(void)
{
	const struct exits_options opt = {
		.loop = fw.loop,
		.store = fw.scratch.store,
		.chain = fw.source,
		.network = NETWORK_MAINNET, /* whose keys follower_world.h's account has */
		.max_feerate = { 125000 },
		.max_fee_per_tick = exit_world_fee_per_tick,
		.bump_after = 3,
		.margin = 12,
		.final_confs = 6,
		.knows_chain = knows_chain,
	};

	xw.exits = exits_new(&opt);
	exits_set_keys(xw.exits, xw.keys);
}

void exit_world_restart(void)
{
	exits_free(xw.exits);
	follower_world_restart(CHAIN_BITCOIND);
	open_exits();
}

static int keep_account(struct unit *u, void *ctx, struct err *e)
{
	struct bip32_pub pub;
	char xpub[BIP32_TEXT_MAX];

	(void)ctx;
	(void)e;
	keyring_ark_account(xw.keys, &pub);
	bip32_xpub(&pub, xpub);
	OK(ark_account_add(u, xpub, err));
	OK(ark_keys_fill(u, 0, err));
	return 0;
}

void exit_world_setup(void)
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
	OK(bip32_derive(&master, path, ARRAY_LEN(path), &xw.account, err));
	xw.keys = keyring_new(&words, "", err);
	ck_assert_ptr_nonnull(xw.keys);
	follower_world_unit(keep_account, NULL);
	xw.maker = (struct ark_maker){ .arena = &fw.arena, .expiry_height = 500, .exit_delta = EXIT_WORLD_DELTA };
	memset(xw.maker.server.b, 0xa1, sizeof(xw.maker.server.b));
	open_exits();
	follower_world_follow();
}

void exit_world_teardown(void)
{
	exits_free(xw.exits);
	keyring_free(xw.keys);
	follower_world_teardown();
}

struct view exit_world_now(void)
{
	return store_view(fw.scratch.store);
}

void exit_world_drain(void)
{
	struct exits_stats s;

	for (int i = 0; i < 60000; i++) {
		follower_world_run_for(1);
		exits_stats(xw.exits, &s);
		if (exits_idle(xw.exits) && s.backlog == 0)
			return;
	}
	ck_abort_msg("exits never rest: %u due, %u under way", s.backlog, s.inflight);
}

/* Follower and exits, until neither finds anything to do. */
void exit_world_settle(void)
{
	for (int i = 0; i < 4; i++) {
		follower_world_follow();
		exits_kick(xw.exits);
		exit_world_drain();
	}
}

void exit_world_mine(unsigned blocks)
{
	follower_world_mine();
	if (blocks > 1)
		model_node_mine_empty(fw.node, blocks - 1);
	exit_world_settle();
}

/* --- VTXOs --- */

struct secret exit_world_key_of(uint32_t index)
{
	struct bip32_key k;

	OK(bip32_child(&xw.account, index, &k, err));
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

void exit_world_import(const struct vtxo *v)
{
	struct vtxo_import *im;

	OK(vtxo_import_read(exit_world_now(), NETWORK_REGTEST, hex_text(&fw.arena, vtxo_encode(&fw.arena, v)), 0, &im,
			    err));
	looked = false;
	if (vtxo_import_look(im, fw.source, set_looked, NULL))
		while (!looked)
			follower_world_run_for(1);
	ck_assert_msg(im->items[0].verdict.err.code == ERR_NONE, "%s", im->items[0].verdict.err.msg);
	follower_world_unit(store_import, im);
	vtxo_import_free(im);
}

/* Mined, and ours: a board, and out of it so many hops, two transactions each. */
struct vtxo exit_world_make_vtxo(uint64_t amount, uint64_t fee, size_t hops)
{
	const struct secret user = exit_world_key_of(0);
	struct ark_board_plan plan = { .user = user, .amount = { amount }, .fee = { fee } };
	struct outpoint at = { .vout = 0 };
	struct vtxo v, last;
	struct tx_out out;
	struct tx tx;

	OK(ark_make_board_funding(&xw.maker, &plan, &out, err));
	tx = follower_world_tx(NULL, 0, &(struct pays){ out.script, amount }, 1);
	at.txid = model_node_offer(fw.node, &tx);
	follower_world_mine();
	OK(ark_make_board(&xw.maker, &plan, &at, &v, err));
	last = v;
	if (hops > 0)
		OK(ark_make_chain(&xw.maker, &v, &user, hops, true, &last, err));
	exit_world_import(&last);
	exit_world_settle();
	return last;
}

struct vtxo exit_world_make_received(uint64_t amount, uint16_t delta, const uint8_t *preimage)
{
	const struct secret user = exit_world_key_of(0);
	struct vtxo board = exit_world_make_vtxo(amount, 0, 0), made;
	struct ark_output out = { .amount = board.amount, .policy = board.policy };
	struct arkoor_request r = { .input = &board, .normal = { &out, 1 }, .checkpoint = true };

	out.policy.kind = ARK_HTLC_RECEIVE;
	out.policy.htlc_expiry = 400;
	out.policy.htlc_expiry_delta = delta;
	sha256((struct bytes){ preimage, 32 }, &out.policy.hash);
	OK(ark_make_arkoor(&xw.maker, &r, &user, &made, err));
	exit_world_import(&made);
	return made;
}

/* --- exits --- */

int exit_world_start_unit(struct unit *u, void *ctx, struct err *e)
{
	struct exit_world_order *o = ctx;

	o->began = exit_start(u, &fw.arena, &o->o, 1000, &o->id, e);
	return o->began < 0 ? -1 : 0;
}

const struct feerate exit_world_five = { 1250 };

int64_t exit_world_start(const struct vtxo *v)
{
	struct exit_world_order o = { .o = { .vtxo = v->point, .rate = &exit_world_five } };

	follower_world_unit(exit_world_start_unit, &o);
	ck_assert_int_eq(o.began, 1);
	return o.id;
}

struct exit_row exit_world_row_of(int64_t id)
{
	struct exit_row row;

	ck_assert_int_eq(exit_store_get(exit_world_now(), &fw.arena, id, &row, err), 1);
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
void exit_world_expect(int64_t id, const char *states)
{
	const char *line = "";

	OK(exit_store_history(exit_world_now(), &fw.arena, id, 0, 1000, add_past, &line, err));
	line = arena_printf(&fw.arena, "%s%s", line, short_name(exit_world_row_of(id).checkpoint));
	ck_assert_str_eq(line, states);
}

static void count_event(void *ctx, const struct event *e)
{
	(void)e;
	++*(unsigned *)ctx;
}

/* How often it was told. */
unsigned exit_world_told(const char *kind)
{
	unsigned n = 0;
	int64_t cursor;

	ck_assert_int_ge(event_list(exit_world_now(), &fw.arena, 0, kind, 1000, count_event, &n, &cursor, err), 0);
	return n;
}

struct exit_child_row exit_world_child_of(int64_t id, size_t i)
{
	struct exit_tx_row *txs;
	struct exit_child_row child;
	size_t n;

	OK(exit_tx_store_of(exit_world_now(), &fw.arena, id, &txs, &n, err));
	ck_assert_uint_lt(i, n);
	ck_assert_int_eq(exit_child_store_active(exit_world_now(), &fw.arena, txs[i].id, &child, err), 1);
	return child;
}

struct exit_tx_row exit_world_tx_of(int64_t id, size_t i)
{
	struct exit_tx_row *txs;
	size_t n;

	OK(exit_tx_store_of(exit_world_now(), &fw.arena, id, &txs, &n, err));
	ck_assert_uint_lt(i, n);
	return txs[i];
}

uint64_t exit_world_coins(enum utxo_state s)
{
	struct utxo_sums sums;

	OK(utxo_store_sums(exit_world_now(), &sums, err));
	return sat_value(sums.of[s]);
}

void exit_world_check_books(void)
{
	OK(movement_audit(exit_world_now(), err));
	OK(tx_store_audit(exit_world_now(), err));
}

enum vtxo_state exit_world_vtxo_state(const struct vtxo *v)
{
	struct vtxo_row row;

	ck_assert_int_eq(vtxo_store_find(exit_world_now(), &fw.arena, &v->point, &row, err), 1);
	return row.state;
}

void exit_world_fund(uint32_t index, uint64_t sat)
{
	follower_world_receive(SCRIPT_RECEIVE, index, sat);
	follower_world_mine();
	exit_world_settle();
}
