/* A body for POST /, whatever it holds, gets one well-formed answer.  As a spender: the methods of an admin write where the
 * input says. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/executor.h"
#include "actions/wallet.h"
#include "base/net/http.h"
#include "base/rng.h"
#include "base/secret.h"
#include "rails/bitcoin/secp.h"
#include "rpc/dispatch.h"
#include "rpc/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/walletd-fuzz-XXXXXX";
static struct loop *loop;
static struct store *store;
static struct http *http;
static struct executor *executor;
static struct wallet *wallet;
static struct rpc_server *server;
static bool answered;

#define MUST(what)                                                                                                     \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			fprintf(stderr, "%s\n", #what);                                                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static json_t *tasks(void *ctx, struct arena *a)
{
	(void)ctx;
	return json_array_in(a);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void close_all(void)
{
	store_flush(store);
	rpc_server_free(server);
	wallet_free(wallet);
	executor_free(executor);
	http_free(http);
	store_close(store);
	loop_free(loop);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void open_all(void)
{
	struct store_options sopt = { .path = NULL };
	struct http_options hopt = { .proxy = NULL };
	struct executor_options eopt = { .kinds = action_kinds, .max_inflight = 4, .max_inflight_per_peer = 4 };
	struct wallet_options wopt = { .network = NETWORK_REGTEST };
	struct rpc_server_options opt = { .host.tasks = tasks, .network = "regtest", .datadir = dir };
	uint8_t random[32];
	char path[64];
	struct err err;

	MUST(secret_init());
	rng_bytes(random, sizeof(random));
	MUST(secp_init(random));
	log_set_level(NULL, LOG_ERROR);
	MUST(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/wallet.db", dir);
	sopt.path = path;
	MUST(loop_new(&loop, &err) == 0);
	MUST(store_open(&sopt, &store, &err) == 0);
	MUST(http_new(loop, &hopt, &http, &err) == 0);
	eopt.store = wopt.store = opt.store = store;
	eopt.loop = opt.loop = loop;
	eopt.http = http;
	executor = opt.executor = executor_new(&eopt);
	MUST(wallet_open(&wopt, &wallet, &err) == 0);
	opt.wallet = wallet;
	MUST(rpc_server_new(&opt, &server, &err) == 0);
	atexit(close_all);
}

static void check_answer(const json_t *v)
{
	MUST(json_is_object(v));
	MUST(json_object_get(v, "id") != NULL);
	MUST((json_object_get(v, "result") != NULL) != (json_object_get(v, "error") != NULL));
}

static void done(void *ctx, int status, struct bytes reply)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256u << 20);
	struct err err;
	json_t *v, *one;
	size_t i;

	(void)ctx;
	answered = true;
	MUST(status == 200 || status == 204 || status == 400 || status == 403);
	MUST((status == 204) == (reply.n == 0));
	if (reply.n == 0)
		return;
	MUST(json_parse(&a, reply, 2 * JSON_DEPTH_MAX, &v, &err) == 0);
	if (!json_is_array(v)) {
		check_answer(v);
		return;
	}
	MUST(json_array_size(v) > 0 && json_array_size(v) <= RPC_BATCH_MAX);
	json_array_foreach(v, i, one) check_answer(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_body_options opt = { .text = { data, size }, .done = done };
	struct rpc_body *b;

	if (!server)
		open_all();
	opt.server = server;
	opt.caller = (struct rpc_caller){
		.scope = RPC_SPEND, .credential = "fuzz", .budget_hour_sat = -1, .budget_day_sat = -1
	};
	answered = false;
	b = rpc_body_run(&opt);
	if (b) {
		store_flush(store);
		if (!answered)
			rpc_body_abandon(b); /* it waits for something */
	}
	MUST(rpc_server_idle(server));
	return 0;
}
