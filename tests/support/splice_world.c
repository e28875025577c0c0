#include "tests/support/splice_world.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actions/kinds.h"
#include "base/clock.h"
#include "base/text.h"
#include "chain/source.h"
#include "lightning/funding_track.h"
#include "rails/bitcoin/secp.h"
#include "store/chain_store.h"
#include "store/event_store.h"
#include "store/watch_store.h"
#include "tests/support/fake_bitcoind.h"
#include "tests/support/turns.h"
#include "tests/support/whole_backend.h"

struct splice_world sw;
static struct err e, *err = &e;
static struct loop *loop;
static struct http *http;
static struct fake_bitcoind *bitcoind;
static struct chain_source *chain;
static struct fake_cln *node;
static char socket_path[160];
static const struct ln_backend *backend_of_node = &cln_backend;
static const struct ln_node at_socket = { .socket = socket_path };

static const struct action_kind *const kinds[] = { &splice_in_kind, &splice_out_kind, &splice_bump_kind, NULL };

/* --- the loop --- */

static void flush(void *ctx)
{
	(void)ctx;
	store_flush(sw.disk.store);
}

static void flush_wanted(void *ctx)
{
	loop_post(loop, flush, ctx);
}

static bool holds(void *cond)
{
	return (*(bool (**)(void))cond)();
}

static void run_until(bool (*cond)(void))
{
	turns_must(loop, holds, &cond, 60000);
}

static bool at_rest(void *ctx)
{
	unsigned due;

	(void)ctx;
	OK(action_store_backlog(store_view(sw.disk.store), clock_now_ms(), 1, &due, err));
	return executor_idle(sw.ex) && due == 0;
}

void splice_world_settle(void)
{
	executor_run(sw.ex);
	turns_rest(loop, at_rest, NULL, 60000);
}

void splice_world_pass(int64_t ms)
{
	int64_t end = clock_now_ms() + ms, at;

	splice_world_settle(); /* what is due already */
	for (;;) {
		OK(action_store_next_wake(store_view(sw.disk.store), clock_now_ms(), &at, err));
		if (at == ACTION_NO_WAKE || at > end)
			break;
		clock_set_for_test(at);
		splice_world_settle();
	}
	clock_set_for_test(end);
}

/* --- blocks --- */

static struct block_hash hash_of(uint32_t height, uint8_t branch)
{
	struct block_hash h = { { branch } };

	memcpy(h.b + 1, &height, sizeof(height));
	return h;
}

static uint8_t branch;

#define A_CLOSE (-2)

/* A commitment: BOLT 3's top bytes of locktime and sequence. */
static struct bytes close_raw(struct txid *ret)
{
	struct tx_in in = { .prevout = sw.node->funding, .sequence = 0x80000001 };
	struct tx_out out = { .script = bytes_of("x") };
	struct tx tx = { .version = 2, .locktime = 0x20000001, .in = &in, .n_in = 1, .out = &out, .n_out = 1 };

	ck_assert(sat_from_u64(990000, &out.value));
	*ret = tx_txid(&tx);
	return tx_bytes(&sw.arena, &tx);
}

static int connect_block(struct unit *u, void *ctx, struct err *er)
{
	const int *flight = ctx;
	struct txid closing;
	struct block_row tip, block = { .time_s = clock_now_ms() / 1000 };
	struct bytes raw;
	int found = chain_store_tip(unit_view(u), &tip, er);

	if (found < 0)
		return -1;
	block.ref.height = found ? tip.ref.height + 1 : 100;
	block.ref.hash = hash_of(block.ref.height, branch);
	if (found)
		block.prev = tip.ref.hash;
	if (chain_store_connect(u, &block, clock_now_ms(), er) != 0)
		return -1;
	if (*flight >= 0) {
		const struct fake_flight *f = &sw.node->flight[*flight];

		ck_assert(hex_decode_any(&sw.arena, f->raw, sizeof(f->raw), &raw));
		if (watch_store_spent(u, &sw.node->funding, &f->txid, 0, raw, &block.ref, clock_now_ms(), er) < 0)
			return -1;
	}
	if (*flight == A_CLOSE) {
		raw = close_raw(&closing);
		if (watch_store_spent(u, &sw.node->funding, &closing, 0, raw, &block.ref, clock_now_ms(), er) < 0)
			return -1;
	}
	sw.node->height = block.ref.height;
	return funding_sync(u, clock_now_ms(), er);
}

static void wake_all(void)
{
	for (size_t i = 0; kinds[i]; i++)
		OK(executor_wake_kind(sw.ex, kinds[i]->name, err));
	splice_world_settle();
}

void splice_world_mine(int flight)
{
	OK(store_unit_now(sw.disk.store, connect_block, &flight, err));
	wake_all();
}

static int connect_blocks(struct unit *u, void *ctx, struct err *er)
{
	const unsigned *n = ctx;
	int none = -1;

	for (unsigned i = 0; i < *n; i++)
		if (connect_block(u, &none, er) != 0)
			return -1;
	return 0;
}

void splice_world_mine_empty(unsigned n)
{
	OK(store_unit_now(sw.disk.store, connect_blocks, &n, err));
	wake_all();
}

void splice_world_mine_close(void)
{
	splice_world_mine(A_CLOSE);
}

static int pool(struct unit *u, void *ctx, struct err *er)
{
	const struct fake_flight *f = ctx;
	struct bytes raw;

	ck_assert(hex_decode_any(&sw.arena, f->raw, sizeof(f->raw), &raw));
	if (watch_store_spent(u, &sw.node->funding, &f->txid, 0, raw, NULL, clock_now_ms(), er) < 0)
		return -1;
	return funding_sync(u, clock_now_ms(), er);
}

void splice_world_pool(int flight)
{
	OK(store_unit_now(sw.disk.store, pool, &sw.node->flight[flight], err));
	wake_all();
}

static int disconnect_block(struct unit *u, void *ctx, struct err *er)
{
	struct block_row tip;

	(void)ctx;
	if (chain_store_tip(unit_view(u), &tip, er) < 0 || chain_store_disconnect(u, &tip.ref, clock_now_ms(), er) != 0)
		return -1;
	return funding_sync(u, clock_now_ms(), er);
}

void splice_world_unmine(void)
{
	branch++;
	OK(store_unit_now(sw.disk.store, disconnect_block, NULL, err));
	wake_all();
}

/* --- the world --- */

static bool is_told(void)
{
	struct lightning_status st;

	lightning_status(sw.lightning, &st);
	return st.rounds > 0;
}

static uint64_t rounds_before;

static bool is_told_again(void)
{
	struct lightning_status st;

	lightning_status(sw.lightning, &st);
	return st.rounds > rounds_before;
}

void splice_world_look(void)
{
	struct lightning_status st;

	lightning_status(sw.lightning, &st);
	rounds_before = st.rounds;
	OK(lightning_run(sw.lightning, err));
	run_until(is_told_again);
	(void)turns_until(loop, NULL, NULL, 20); /* and what it sets off is done */
}

void splice_world_spent(int says)
{
	char said[256], txid[TXID_TEXT];

	txid_text(&sw.node->funding.txid, txid);
	snprintf(said, sizeof(said), "[{\"txid\":\"%s\",\"vout\":%u,\"spendingtxid\":\"%s\"}]", txid,
		 sw.node->funding.vout, txid);
	if (says < 0)
		fake_bitcoind_error(bitcoind, "gettxspendingprevout", -28, "Loading block index");
	else
		fake_bitcoind_on(bitcoind, "gettxspendingprevout", said);
}

void splice_world_unspent(void)
{
	fake_bitcoind_undo(bitcoind);
}

void splice_world_mempool(bool takes)
{
	static bool refuses;

	if (refuses)
		fake_bitcoind_undo(bitcoind);
	refuses = !takes;
	if (takes)
		fake_bitcoind_take(bitcoind);
	else
		fake_bitcoind_error(bitcoind, "sendrawtransaction", -26, "insufficient fee, rejecting replacement");
}

unsigned splice_world_sent(void)
{
	return fake_bitcoind_calls(bitcoind, "sendrawtransaction");
}

static void executor_up(void)
{
	static int keys;

	sw.ex = executor_new(&(struct executor_options){
		.store = sw.disk.store,
		.loop = loop,
		.http = http,
		.chain = chain,
		.lightning = sw.lightning,
		.kinds = kinds,
		.policy = { .onchain = { .network = NETWORK_REGTEST },
			    .splice = { .backend = backend_of_node,
					.node = &at_socket,
					.attempts = 3,
					.disconnects = 20,
					.deadline_ms = 86400000,
					.unseen_ms = 120000 } },
		.max_inflight = 16,
		.max_inflight_per_peer = 16,
	});
	if (!feerate_from_sat_per_kwu(125000, (struct feerate *)&executor_policy(sw.ex)->onchain.max_feerate))
		ck_abort();
	executor_set_keys(sw.ex, (struct keyring *)&keys); /* no kind here looks into it */
}

void splice_world_up(void)
{
	struct store_options opt = { .path = sw.disk.path, .lazily = true, .flush_wanted = flush_wanted };
	struct chain_backend_options backend = { 0 };

	store_close(sw.disk.store);
	OK(store_open(&opt, &sw.disk.store, err));
	OK(loop_new(&loop, err));
	OK(http_new(loop, &(struct http_options){ 0 }, &http, err));
	sw.arena = ARENA_LIMIT((size_t)16 << 20);
	bitcoind = fake_bitcoind_new(loop);
	backend.url = fake_bitcoind_url(bitcoind);
	fake_bitcoind_unspent(bitcoind);
	OK(chain_source_new(&(struct chain_options){ .loop = loop,
						     .http = http,
						     .network = NETWORK_REGTEST,
						     .kind = CHAIN_BITCOIND,
						     .backends = &backend,
						     .n_backends = 1,
						     .open_min_ms = 1,
						     .open_max_ms = 1 },
			    &chain, err));
	snprintf(socket_path, sizeof(socket_path), "%s/lightning-rpc", sw.disk.dir);
	node = fake_cln_new(loop, socket_path, sw.node);
	sw.lightning = lightning_new(&(struct lightning_options){ .loop = loop,
								  .store = sw.disk.store,
								  .backend = backend_of_node,
								  .node = at_socket,
								  .network = NETWORK_REGTEST });
	executor_up();
	OK(lightning_run(sw.lightning, err));
	run_until(is_told);
}

void splice_world_down(void)
{
	executor_free(sw.ex);
	lightning_free(sw.lightning);
	fake_cln_free(node);
	store_flush(sw.disk.store);
	chain_source_free(chain);
	fake_bitcoind_free(bitcoind);
	http_free(http);
	loop_unpost(loop, flush, NULL);
	loop_free(loop);
	arena_done(&sw.arena);
	unlink(socket_path);
}

void splice_world_setup(void)
{
	int none = -1;

	ck_assert(secp_init((const uint8_t[32]){ 7 }));
	clock_set_for_test(SPLICE_WORLD_NOW_MS);
	branch = 0;
	sw.node = fake_cln_state_new();
	scratch_open(&sw.disk);
	OK(store_unit_now(sw.disk.store, connect_block, &none, err));
	splice_world_up();
}

void splice_world_setup_whole(void)
{
	backend_of_node = whole_backend();
	splice_world_setup();
}

void splice_world_teardown(void)
{
	splice_world_down();
	backend_of_node = &cln_backend;
	scratch_close(&sw.disk);
	munmap(sw.node, sizeof(*sw.node));
}

/* --- starting and looking --- */

struct starting {
	const char *kind, *params;
	struct action_id id;
};

static int start_unit(struct unit *u, void *ctx, struct err *er)
{
	struct starting *s = ctx;
	struct action_request req = { .kind = s->kind };
	bool existing;
	json_t *plan;

	ck_assert_int_eq(json_parse(&sw.arena, bytes_of(s->params), 4, &req.params, er), 0);
	return executor_start(sw.ex, u, &sw.arena, &req, &s->id, &existing, &plan, er);
}

static const char *with_channel(const char *params)
{
	return arena_printf(&sw.arena, "{\"channel\":\"%s\"%s%s}", fake_cln_channel_text, params[0] ? "," : "", params);
}

struct action_id splice_world_start(const char *kind, const char *params)
{
	struct starting s = { .kind = kind, .params = with_channel(params) };

	OK(store_unit_now(sw.disk.store, start_unit, &s, err));
	executor_kick(sw.ex, &s.id);
	splice_world_settle();
	return s.id;
}

struct err splice_world_refused(const char *kind, const char *params, enum err_code code)
{
	struct starting s = { .kind = kind, .params = params[0] == '{' ? params : with_channel(params) };
	struct err why;

	ck_assert_msg(store_unit_now(sw.disk.store, start_unit, &s, &why) == -1, "%s was accepted", params);
	ck_assert_msg(why.code == code, "%s: %s instead of %s: %s", params, err_kind(why.code), err_kind(code),
		      why.msg);
	return why;
}

static struct err cancel_said;
static bool cancel_over;

static void cancelled(void *ctx, const struct err *failed)
{
	(void)ctx;
	err_clear(&cancel_said);
	if (failed)
		cancel_said = *failed;
	cancel_over = true;
}

static bool is_cancel_over(void)
{
	return cancel_over;
}

enum err_code splice_world_cancel(const struct action_id *id)
{
	cancel_over = false;
	executor_cancel(sw.ex, id, cancelled, NULL);
	run_until(is_cancel_over);
	splice_world_settle();
	return cancel_said.code;
}

struct action_row splice_world_row(const struct action_id *id)
{
	struct action_row row;

	OK(action_store_get(store_view(sw.disk.store), &sw.arena, id, &row, err));
	return row;
}

static void count(void *ctx, const struct event *ev)
{
	(void)ev;
	++*(unsigned *)ctx;
}

unsigned splice_world_events(const char *kind)
{
	unsigned n = 0;
	int64_t cursor;

	OK(event_list(store_view(sw.disk.store), &sw.arena, 0, kind, 1000, count, &n, &cursor, err));
	return n;
}

static void keep(void *ctx, const struct event *ev)
{
	*(const char **)ctx = arena_strdup(&sw.arena, ev->data);
}

const char *splice_world_last_event(const char *kind)
{
	const char *data = "";
	int64_t cursor;

	OK(event_list(store_view(sw.disk.store), &sw.arena, 0, kind, 1000, keep, &data, &cursor, err));
	return data;
}

bool splice_world_living(struct splice_row *ret)
{
	struct hash32 channel = fake_cln_channel();
	int found = splice_store_of_channel(store_view(sw.disk.store), &sw.arena, &channel, ret, err);

	ck_assert_int_ge(found, 0);
	return found > 0;
}

static void take(void *ctx, const struct funding_payment *p)
{
	*(struct funding_payment *)ctx = *p;
}

struct funding_payment splice_world_payment(void)
{
	struct hash32 channel = fake_cln_channel();
	struct funding_payment p = { 0 };

	ck_assert_int_eq(funding_store_of_channel(store_view(sw.disk.store), &channel, 10, take, &p, err), 1);
	return p;
}
