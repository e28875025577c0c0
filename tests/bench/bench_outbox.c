/* Directives per second: accepted, signed and durable, against the bare signing of libsecp256k1; and what a claim costs
 * when a thousand, or a million, directives wait. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "outbox/internal.h"
#include "outbox/signer.h"
#include "rails/bitcoin/mnemonic.h"
#include "rails/bitcoin/secp.h"
#include "tests/bench/bench.h"

#define WORDS      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
#define CLAIM_ROWS 256
#define PAYLOAD    96

/* An outbox whose chain is never reached: nothing here needs it. */
struct world {
	struct loop *loop;
	struct http *http;
	struct store *store;
	struct keyring *keys;
	struct outbox *ob;
	struct arena arena;
	int64_t next;
};

static int no_key_file(void *ctx, const char *name, struct buf *json, struct buf *password, struct err *err)
{
	(void)ctx;
	(void)json;
	(void)password;
	return ERR(err, ERR_NOT_FOUND, "there is no key file %s", name);
}

static void world_open(struct world *w, const char *path)
{
	static const char *const urls[] = { "http://127.0.0.1:9" };
	struct outbox_chain_config chain = { .chain_id = 31337,
					     .urls = urls,
					     .n_urls = 1,
					     .confirmations = 1,
					     .lanes = 1,
					     .block_time_ms = 1000,
					     .batch_max = 200,
					     .slots_max = 16,
					     .log_range = 5000 };
	struct outbox_space_config space = {
		.chain_id = 31337, .signer = "hd:0", .ordering = ORDER_ACCOUNT, .release_at = 2, .any_payload = true
	};
	struct store_options store = { .path = path };
	struct mnemonic words;
	struct err err;

	memset(space.contract.b, 0x5f, sizeof(space.contract.b));
	*w = (struct world){ .arena = ARENA_LIMIT(64 * 1024 * 1024) };
	bench_must(loop_new(&w->loop, &err), &err);
	bench_must(http_new(w->loop, &(struct http_options){ 0 }, &w->http, &err), &err);
	bench_must(store_open(&store, &w->store, &err), &err);
	bench_must(mnemonic_parse(WORDS, &words, &err), &err);
	w->keys = keyring_new(&words, "", &err);
	bench_must(w->keys ? 0 : -1, &err);
	bench_must(outbox_new(&(struct outbox_options){ .store = w->store,
							.loop = w->loop,
							.http = w->http,
							.chains = &chain,
							.n_chains = 1,
							.spaces = &space,
							.n_spaces = 1,
							.linger_ms = 50,
							.claim_lease_s = 420,
							.attempt_limit_s = 300,
							.max_open = UINT64_MAX,
							.read_key_file = no_key_file },
			      &w->ob, &err),
		   &err);
	outbox_set_keys(w->ob, w->keys);
}

static void world_close(struct world *w)
{
	outbox_free(w->ob);
	keyring_free(w->keys);
	store_close(w->store);
	http_free(w->http);
	loop_free(w->loop);
	arena_done(&w->arena);
}

/* --- bare signing --- */

static double raw_signatures(unsigned unused)
{
	struct secret key = { { 1 } };
	struct hash32 digest = { { 0 } };
	double began = bench_now(), took = 0;
	uint64_t n = 0;

	(void)unused;
	while (took < BENCH_SECONDS) {
		for (int i = 0; i < 64; i++) {
			uint8_t rs[64];
			int recid;

			memcpy(digest.b, &n, sizeof(n));
			if (!secp_ecdsa_sign_recoverable(&key, &digest, 0, rs, &recid))
				bench_die("signing");
			n++;
		}
		took = bench_now() - began;
	}
	return (double)n / took;
}

/* --- accepted, signed, durable --- */

static int accept_run(struct unit *u, void *ctx, struct err *err)
{
	struct world *w = ctx;
	uint8_t payload[PAYLOAD] = { 0 };
	struct outbox_append in = { .action_key = "system_withdraw_token",
				    .payload = { payload, sizeof(payload) },
				    .expires_at_ms = -1 };
	struct outbox_appended out;
	struct signed_directive one;
	struct signature_row sig = { 0 };
	struct hash32 digest;

	in.directive_id = arena_printf(&w->arena, "directive-%lld", (long long)w->next);
	memcpy(in.account.b, &w->next, sizeof(w->next));
	in.account.b[19] = 1;
	memcpy(payload, &w->next, sizeof(w->next));
	w->next++;
	if (outbox_append(w->ob, u, &w->arena, &in, &out, err) != 0 ||
	    signer_sign(w->ob->spaces[0], &out.row, unit_view(u), &one, &digest, err) != 0)
		return -1;
	sig.seq = out.row.seq;
	sig.digest = digest;
	memcpy(sig.sig, one.sig.b, sizeof(sig.sig));
	return signature_store_put(u, out.row.space_id, out.row.nonce, &sig, out.row.created_at_ms, err);
}

static double accepted(unsigned group)
{
	struct world w;
	const char *path = bench_path("outbox.db");
	double began, took = 0;
	struct err err;

	world_open(&w, path);
	began = bench_now();
	while (took < BENCH_SECONDS) {
		for (unsigned i = 0; i < group; i++)
			bench_must(store_unit(w.store, accept_run, &w, NULL, &err), &err);
		store_flush(w.store);
		arena_reset(&w.arena);
		took = bench_now() - began;
	}
	world_close(&w);
	remove(path);
	return (double)w.next / took;
}

/* --- claims --- */

static int fill_run(struct unit *u, void *ctx, struct err *err)
{
	struct world *w = ctx;
	uint8_t payload[PAYLOAD] = { 0 };
	struct outbox_append in = { .action_key = "system_withdraw_token",
				    .payload = { payload, sizeof(payload) },
				    .expires_at_ms = -1 };
	struct outbox_appended out;

	for (int i = 0; i < 100; i++) {
		in.directive_id = arena_printf(&w->arena, "directive-%lld", (long long)w->next);
		memcpy(in.account.b, &w->next, sizeof(w->next));
		in.account.b[19] = 1;
		w->next++;
		if (outbox_append(w->ob, u, &w->arena, &in, &out, err) != 0)
			return -1;
		arena_reset(&w->arena);
	}
	return 0;
}

/* Claims, and takes it back: the queue stays as long as it was. */
static int claim_run(struct unit *u, void *ctx, struct err *err)
{
	struct world *w = ctx;
	struct directive_row *rows;
	size_t n;

	if (directive_store_claim(u, &w->arena, w->ob->spaces[0]->id, w->ob->chains[0]->lanes[0]->id, clock_now_ms(),
				  clock_now_ms() + 420000, CLAIM_ROWS, &rows, &n, err) != 0)
		return -1;
	return n == CLAIM_ROWS ? 0 : ERR(err, ERR_INTERNAL, "%zu claimed", n);
}

static double claims(unsigned rows)
{
	struct world w;
	char name[32];
	const char *path;
	double began, took = 0;
	uint64_t tally[DELIVERY_COUNT];
	struct err err;
	int n = 0;

	snprintf(name, sizeof(name), "queue-%u.db", rows);
	path = bench_path(name);
	world_open(&w, path);
	bench_must(directive_store_tally(store_view(w.store), 0, tally, &err), &err);
	w.next = (int64_t)tally[DELIVERY_PENDING]; /* of an earlier round */
	while (w.next < rows) {
		bench_must(store_unit(w.store, fill_run, &w, NULL, &err), &err);
		store_flush(w.store);
	}
	began = bench_now();
	while (took < BENCH_SECONDS) {
		bench_must(store_rehearse(w.store, claim_run, &w, &err), &err);
		arena_reset(&w.arena);
		n++;
		took = bench_now() - began;
	}
	world_close(&w);
	return n / took;
}

int main(void)
{
	static const struct bench_case directives[] = {
		{ "libsecp256k1, recoverable signatures", "signatures/s", raw_signatures, 0 },
		{ "walletd, accepted, signed and durable, 200 a commit", "directives/s", accepted, 200 },
		{ "walletd, accepted, signed and durable, one by one", "directives/s", accepted, 1 },
	};
	static const struct bench_case queues[] = {
		{ "256 claimed of 1,000", "claims/s", claims, 1000 },
		{ "256 claimed of 1,000,000", "claims/s", claims, 1000000 },
	};
	uint8_t random[32];

	if (!secret_init())
		bench_die("libsodium");
	rng_bytes(random, sizeof(random));
	if (!secp_init(random))
		bench_die("libsecp256k1");
	bench_begin();
	bench_compare("Directives", directives, ARRAY_LEN(directives));
	bench_compare("Claims", queues, ARRAY_LEN(queues));
	bench_end();
	return 0;
}
