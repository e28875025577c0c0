#include "tests/support/outbox_world.h"

#include <string.h>

#include "base/clock.h"
#include "outbox/internal.h"
#include "rails/bitcoin/secp.h"
#include "rails/evm/address.h"
#include "rails/keys/keyring.h"
#include "store/event_store.h"
#include "tests/support/turns.h"

#define WORDS    "test test test test test test test test test test test junk"
#define CONTRACT "0x5FbDB2315678afecb367f032d93F642f64180aa3"
#define GWEI     UINT64_C(1000000000)

struct outbox_world outbox_world;
static struct err e, *err = &e;

static void flush(void *ctx)
{
	(void)ctx;
	store_flush(outbox_world.disk.store);
}

static struct timer *flush_timer;

static void flush_wanted(void *ctx)
{
	if (outbox_world.flush_after_ms > 0)
		timer_start(flush_timer, outbox_world.flush_after_ms);
	else
		loop_post(outbox_world.loop, flush, ctx);
}

static int no_key_files(void *ctx, const char *name, struct buf *ret_json, struct buf *ret_password, struct err *er)
{
	(void)ctx;
	(void)ret_json;
	(void)ret_password;
	return ERR(er, ERR_NOT_FOUND, "there is no key file %s", name);
}

struct evm_address outbox_address(const char *text)
{
	struct evm_address a;

	OK(evm_address_parse(text, &a, err));
	return a;
}

static struct gas_price price(uint64_t wei)
{
	struct gas_price p;

	ck_assert(gas_price_from_u64(wei, &p));
	return p;
}

static void configure(void)
{
	struct outbox_world *w = &outbox_world;

	w->chain = (struct outbox_chain_config){ .chain_id = OUTBOX_CHAIN,
						 .urls = &w->url,
						 .n_urls = 1,
						 .confirmations = 1,
						 .lanes = 1,
						 .block_time_ms = 1000,
						 .max_fee = price(500 * GWEI),
						 .max_tip = price(50 * GWEI),
						 .min_tip = price(GWEI / 10),
						 .max_tx_gwei = INT64_MAX,
						 .max_day_gwei = INT64_MAX,
						 .batch_max = 200,
						 .slots_max = 16,
						 .log_range = 5000 };
	w->spaces[0] = (struct outbox_space_config){ .chain_id = OUTBOX_CHAIN,
						     .contract = outbox_address(CONTRACT),
						     .signer = "hd:0",
						     .ordering = ORDER_ACCOUNT,
						     .release_at = DELIVERY_SUBMITTED,
						     .any_payload = true };
	w->opt = (struct outbox_options){ .chains = &w->chain,
					  .n_chains = 1,
					  .spaces = w->spaces,
					  .n_spaces = 1,
					  .linger_ms = 1,
					  .claim_lease_s = 420,
					  .attempt_limit_s = 300,
					  .max_open = 1000,
					  .read_key_file = no_key_files };
}

void outbox_world_up(void)
{
	struct outbox_world *w = &outbox_world;
	struct store_options opt = { .path = w->disk.path, .lazily = true, .flush_wanted = flush_wanted };

	store_close(w->disk.store);
	OK(store_open(&opt, &w->disk.store, err));
	OK(loop_new(&w->loop, err));
	flush_timer = loop_timer(w->loop, flush, NULL);
	OK(http_new(w->loop, &(struct http_options){ 0 }, &w->http, err));
	w->node = http_peer_new(w->loop, NULL);
	w->url = http_peer_url(w->node, "/");
	w->arena = ARENA_LIMIT(32 * 1024 * 1024);
	if (w->nodes_up)
		w->nodes_up();
	w->opt.store = w->disk.store;
	w->opt.loop = w->loop;
	w->opt.http = w->http;
	OK(outbox_new(&w->opt, &w->ob, err));
	outbox_set_keys(w->ob, w->locked ? NULL : w->keys);
}

void outbox_world_down(void)
{
	struct outbox_world *w = &outbox_world;

	outbox_free(w->ob);
	store_flush(w->disk.store);
	if (w->nodes_down)
		w->nodes_down();
	http_peer_free(w->node);
	http_free(w->http);
	timer_free(flush_timer);
	loop_free(w->loop);
	arena_done(&w->arena);
}

void outbox_world_again(void)
{
	outbox_world_down();
	outbox_world_up();
}

void outbox_world_prepare(void)
{
	static const uint8_t random[32] = { 7 };
	struct mnemonic words;

	memset(&outbox_world, 0, sizeof(outbox_world));
	clock_set_for_test(OUTBOX_NOW_MS);
	log_set_level(NULL, LOG_ERROR);
	ck_assert(secp_init(random));
	scratch_open(&outbox_world.disk);
	OK(mnemonic_parse(WORDS, &words, err));
	outbox_world.keys = keyring_new(&words, "", err);
	ck_assert_msg(outbox_world.keys != NULL, "%s", err->msg);
	configure();
}

void outbox_setup(void)
{
	outbox_world_prepare();
	outbox_world_up();
}

void outbox_teardown(void)
{
	outbox_world_down();
	keyring_free(outbox_world.keys);
	scratch_close(&outbox_world.disk);
}

/* --- appending --- */

struct outbox_append outbox_request(const char *directive_id)
{
	return (struct outbox_append){ .directive_id = directive_id,
				       .action_key = "system_withdraw_token",
				       .account = outbox_address(OUTBOX_ACCOUNT),
				       .payload = { (const uint8_t *)"\1\2\3", 3 },
				       .expires_at_ms = -1 };
}

struct appending {
	const struct outbox_append *in;
	struct outbox_appended out;
};

static int append(struct unit *u, void *ctx, struct err *er)
{
	struct appending *x = ctx;

	return outbox_append(outbox_world.ob, u, &outbox_world.arena, x->in, &x->out, er);
}

struct outbox_appended outbox_world_append(const struct outbox_append *in)
{
	struct appending x = { .in = in };

	OK(store_unit_now(outbox_world.disk.store, append, &x, err));
	return x.out;
}

const struct err *outbox_world_append_fails(const struct outbox_append *in, enum err_code why, const char *field)
{
	struct appending x = { .in = in };

	FAILS(store_unit_now(outbox_world.disk.store, append, &x, err), why);
	ck_assert_str_eq(err->field, field);
	return err;
}

/* --- looking --- */

int64_t outbox_space_id(void)
{
	return outbox_world.ob->spaces[0]->id;
}

int64_t outbox_lane_id(void)
{
	return outbox_world.ob->chains[0]->lanes[0]->id;
}

struct directive_row outbox_world_row(const char *directive_id)
{
	struct directive_row row;

	OK(directive_store_by_id(store_view(outbox_world.disk.store), &outbox_world.arena, directive_id, &row, err));
	return row;
}

struct looking {
	const char *subject;
	unsigned n;
	const char *last;
};

static void look(void *ctx, const struct event *ev)
{
	struct looking *l = ctx;

	if (l->subject && strcmp(l->subject, ev->subject) != 0)
		return;
	l->n++;
	l->last = arena_strdup(&outbox_world.arena, ev->data);
}

static struct looking events(const char *kinds, const char *subject)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024 * 1024);
	struct looking l = { .subject = subject };
	int64_t cursor = 0, was;

	do {
		was = cursor;
		OK(event_list(store_view(outbox_world.disk.store), &a, cursor, kinds, 1000, look, &l, &cursor, err));
	} while (cursor != was);
	return l;
}

unsigned outbox_events(const char *kinds, const char *subject)
{
	return events(kinds, subject).n;
}

json_t *outbox_last_event(const char *kinds, const char *subject)
{
	const char *text = events(kinds, subject).last;
	json_t *data;

	ck_assert_ptr_nonnull(text);
	OK(json_parse(&outbox_world.arena, bytes_of(text), JSON_DEPTH_MAX, &data, err));
	return data;
}

/* --- running --- */

static bool holds(void *cond)
{
	return (*(bool (**)(void))cond)();
}

void outbox_run_until(bool (*cond)(void))
{
	turns_must(outbox_world.loop, holds, &cond, 30000);
}
