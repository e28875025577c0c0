#include "tests/support/follower_world.h"

#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "chain/gap.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/turns.h"

struct follower_world fw;

/* --- life --- */

static void flush_posted(void *ctx)
{
	(void)ctx;
	store_flush(fw.scratch.store);
}

static void flush_wanted(void *ctx)
{
	(void)ctx;
	loop_post(fw.loop, flush_posted, NULL);
}

static void open_store(void)
{
	struct store_options opt = { .path = fw.scratch.path, .lazily = true, .flush_wanted = flush_wanted };
	struct err e, *err = &e;

	store_close(fw.scratch.store);
	OK(store_open(&opt, &fw.scratch.store, err));
}

static void on_change(void *ctx)
{
	(void)ctx;
	fw.changes++;
}

static void open_follower(enum chain_kind kind)
{
	struct chain_backend_options backend = { .url = model_node_url(fw.node) };
	struct chain_options opts = {
		.loop = fw.loop,
		.http = fw.http,
		.network = NETWORK_REGTEST,
		.kind = kind,
		.backends = &backend,
		.n_backends = 1,
		.timeout_ms = 5000,
		.open_min_ms = 1,
		.open_max_ms = 2,
	};
	struct err e, *err = &e;

	OK(chain_source_new(&opts, &fw.source, err));
	fw.opt.store = fw.scratch.store;
	fw.opt.source = fw.source;
	fw.opt.kind = kind;
	fw.follower = follower_new(&fw.opt);
}

static void close_follower(void)
{
	follower_free(fw.follower);
	chain_source_free(fw.source);
}

void follower_world_setup(enum chain_kind kind)
{
	static const uint8_t blind[32] = { 1 };
	struct http_options none = { 0 };
	struct err e, *err = &e;

	ck_assert(secp_init(blind));
	fw = (struct follower_world){ .arena = ARENA_LIMIT(64 * 1024 * 1024) };
	OK(loop_new(&fw.loop, err));
	OK(http_new(fw.loop, &none, &fw.http, err));
	scratch_place(&fw.scratch);
	open_store();
	fw.node = model_node_new(fw.loop, kind);
	model_node_mine_empty(fw.node, 10);
	fw.opt = (struct follower_options){ .loop = fw.loop, .grace_ms = 1, .changed = on_change };
	open_follower(kind);
}

void follower_world_teardown(void)
{
	close_follower();
	model_node_free(fw.node);
	store_flush(fw.scratch.store);
	scratch_close(&fw.scratch);
	http_free(fw.http);
	loop_free(fw.loop);
	arena_done(&fw.arena);
	rng_seed_for_test(0);
}

void follower_world_restart(enum chain_kind kind)
{
	close_follower();
	store_flush(fw.scratch.store);
	open_store();
	model_node_speak(fw.node, kind);
	open_follower(kind);
}

void follower_world_unit(int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx)
{
	scratch_unit(&fw.scratch, fn, ctx);
}

static int add_account(struct unit *u, void *ctx, struct err *err)
{
	struct onchain_account acc = { .xpub = FOLLOWER_XPUB };
	uint32_t birthday = *(uint32_t *)ctx;
	unsigned added;

	if (birthday > 0)
		acc.birthday_s = MODEL_GENESIS_TIME + 600 * (int64_t)birthday + 7200;
	OK(account_store_add(u, &acc, err));
	OK(gap_fill(u, &added, err));
	ck_assert_uint_eq(added, 2 * SCRIPT_GAP);
	return 0;
}

void follower_world_account(uint32_t birthday)
{
	follower_world_unit(add_account, &birthday);
}

/* --- rounds --- */

static bool round_over(void *ctx)
{
	struct follower_status s;

	(void)ctx;
	follower_status(fw.follower, &s);
	return !s.running;
}

void follower_world_run_for(int64_t ms)
{
	(void)turns_until(fw.loop, NULL, NULL, ms);
}

void follower_world_node_back(void)
{
	model_node_down(fw.node, false);
	model_node_mute(fw.node, false);
	follower_world_run_for(5);
}

enum err_code follower_world_round(void)
{
	struct follower_status s;
	struct err e, *err = &e;

	OK(follower_run(fw.follower, err));
	turns_must(fw.loop, round_over, NULL, 60000);
	follower_status(fw.follower, &s);
	ck_assert_msg(!s.running, "a round does not end: %s", s.doing);
	return s.last_error.code;
}

void follower_world_follow(void)
{
	struct follower_status s;
	unsigned changes;

	for (int i = 0; i < 10; i++) {
		changes = fw.changes;
		ck_assert_str_eq(err_kind(follower_world_round()), err_kind(ERR_NONE));
		follower_status(fw.follower, &s);
		follower_world_run_for(2); /* grace passes */
		if (changes == fw.changes && s.synced && s.tip.height == model_node_height(fw.node))
			return;
	}
	ck_abort_msg("there is always something new");
}

void follower_world_follow_twice(void)
{
	follower_world_follow();
	follower_world_run_for(3);
	follower_world_follow();
}

void follower_world_mine(void)
{
	model_node_mine(fw.node, true, (struct bytes){ 0 });
}

/* --- transactions --- */

struct bytes follower_world_script(enum script_chain chain, uint32_t index)
{
	struct err e, *err = &e;
	struct spk spk;

	OK(gap_script(FOLLOWER_XPUB, chain, index, &spk, err));
	return arena_bytes(&fw.arena, spk_bytes(&spk));
}

struct tx follower_world_tx(const struct outpoint *in, size_t n_in, const struct pays *out, size_t n_out)
{
	struct tx tx = { .version = 2, .n_in = n_in ? n_in : 1, .n_out = n_out };

	tx.in = ARENA_ARRAY(&fw.arena, tx.n_in, struct tx_in);
	tx.out = ARENA_ARRAY(&fw.arena, tx.n_out, struct tx_out);
	for (size_t i = 0; i < tx.n_in; i++)
		tx.in[i].sequence = 0xfffffffd;
	for (size_t i = 0; i < n_in; i++)
		tx.in[i].prevout = in[i];
	if (n_in == 0)
		rng_bytes(tx.in[0].prevout.txid.b, sizeof(tx.in[0].prevout.txid.b));
	for (size_t i = 0; i < n_out; i++) {
		tx.out[i].script = out[i].script.n ? out[i].script : (struct bytes){ (const uint8_t *)"\x51", 1 };
		ck_assert(sat_from_u64(out[i].sat, &tx.out[i].value));
	}
	return tx;
}

struct txid follower_world_pay(enum script_chain chain, uint32_t index, uint64_t sat)
{
	struct pays out = { follower_world_script(chain, index), sat };
	struct tx tx = follower_world_tx(NULL, 0, &out, 1);

	return model_node_offer(fw.node, &tx);
}

struct given {
	enum script_chain chain;
	uint32_t index;
};

static int give(struct unit *u, void *ctx, struct err *err)
{
	const struct given *g = ctx;
	struct script_edge edge;
	struct script_row row;
	unsigned added;

	for (;;) {
		OK(gap_fill(u, &added, err));
		OK(script_store_edge(unit_view(u), g->chain, &edge, err));
		if (edge.derived == 0 || edge.known > g->index)
			return 0;
		OK(script_store_give(u, &fw.arena, g->chain, NULL, 1, &row, err));
	}
}

struct bytes follower_world_give(enum script_chain chain, uint32_t index)
{
	struct given g = { chain, index };

	follower_world_unit(give, &g);
	return follower_world_script(chain, index);
}

struct txid follower_world_receive(enum script_chain chain, uint32_t index, uint64_t sat)
{
	follower_world_give(chain, index);
	return follower_world_pay(chain, index, sat);
}

/* --- what it has come to --- */

static struct view now(void)
{
	return store_view(fw.scratch.store);
}

int64_t follower_world_total(enum account acc)
{
	struct account_total *t;
	struct err e, *err = &e;
	size_t n;

	OK(movement_totals(now(), &fw.arena, &t, &n, err));
	ck_assert_uint_le(n, 1);
	return n ? t[0].total[acc] : 0;
}

static void check_coin(const char *after, const struct tx *tx, const struct txid *txid, uint32_t vout)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct outpoint at = { *txid, vout };
	struct txid by;
	struct block_ref ref;
	bool there = model_node_has(fw.node, txid), mined = model_node_mined(fw.node, txid, &ref);
	bool spent = model_node_spender(fw.node, &at, &by);
	struct utxo_row row;
	struct err e, *err = &e;
	int rc = utxo_store_find(now(), &a, &at, &row, err);

	(void)tx;
	if (rc == 0) {
		ck_assert_msg(!there && !mined, "after %s: a coin is not known", after);
		return;
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_msg(row.confirmed == mined, "after %s: confirmed %d, mined %d", after, row.confirmed, mined);
	ck_assert(!mined || block_ref_equal(&row.block, &ref));
	if (!there && !mined)
		ck_assert_msg(row.state == UTXO_ABSENT, "after %s: %s, and nowhere", after, utxo_state_name(row.state));
	else if (spent)
		ck_assert_msg(row.state == UTXO_SPENT && txid_equal(&row.spent_by, &by), "after %s: %s, and spent",
			      after, utxo_state_name(row.state));
	else
		ck_assert_msg(row.state != UTXO_SPENT && row.state != UTXO_ABSENT, "after %s: %s, and unspent", after,
			      utxo_state_name(row.state));
}

static void each_tx(void *ctx, const struct tx *tx, const struct txid *txid)
{
	struct script_row row;
	struct err e, *err = &e;

	for (uint32_t k = 0; k < tx->n_out; k++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(4096);

		if (script_store_find(now(), &a, tx->out[k].script, &row, err) == 1)
			check_coin(ctx, tx, txid, k);
	}
}

void follower_world_agree(const char *after)
{
	struct follower_status s;
	struct block_ref tip;
	struct err e, *err = &e;

	follower_status(fw.follower, &s);
	model_node_ref(fw.node, model_node_height(fw.node), &tip);
	ck_assert_msg(block_ref_equal(&s.tip, &tip), "after %s: the tip is %u", after, s.tip.height);
	model_node_each(fw.node, each_tx, (void *)(uintptr_t)after);
	OK(movement_check(now(), err));
	OK(tx_store_audit(now(), err));
}
