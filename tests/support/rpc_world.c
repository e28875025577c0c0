#include "tests/support/rpc_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/kinds.h"
#include "base/clock.h"
#include "base/net/http.h"
#include "base/rng.h"
#include "chain/source.h"
#include "rails/bitcoin/secp.h"
#include "rails/evm/address.h"
#include "rpc/dispatch.h"
#include "tests/support/turns.h"

#define PATIENCE_MS 20000

static void must(int rc, const struct err *err)
{
	if (rc != 0)
		ck_abort_msg("%s: %s", err_kind(err->code), err->msg);
}

/* --- kinds --- */

struct fake {
	int64_t amount;
};

static json_t *fake_save(struct step *s)
{
	const struct fake *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	json_set_int(cp, "amount", m->amount);
	return cp;
}

static int fake_load(struct step *s, const json_t *cp, struct err *err)
{
	struct fake *m = ARENA_NEW(s->arena, struct fake);

	s->checkpoint = m;
	return json_get_i64(cp, "amount", &m->amount, err);
}

static int fake_start(struct step *s, const json_t *params, struct err *err)
{
	struct fake *m = ARENA_NEW(s->arena, struct fake);
	const char *unit = "sat";

	s->checkpoint = m;
	if (json_opt_i64(params, "amount", &m->amount, err) != 0 || json_opt_str(params, "unit", 15, &unit, err) != 0)
		return -1;
	if (m->amount > 1000)
		return ERR(err, ERR_FUNDS, "there are 1000 sat");
	json_set_str(s->plan, "unit", unit);
	if (strcmp(s->row.kind, "cashu_send") == 0 && strcmp(unit, "sat") == 0)
		json_set_int(s->plan, "spend_sat", m->amount);
	return 1;
}

static struct outcome send_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	(void)s;
	(void)rep;
	(void)err;
	return outcome_park(1, ACTION_NO_WAKE);
}

static struct outcome send_cancel(struct step *s, struct err *err)
{
	(void)s;
	ERR(err, ERR_CANCELLED, "as asked");
	return outcome_cancelled(err);
}

static struct outcome issue_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	json_t *result = json_object_in(s->arena);

	(void)rep;
	(void)err;
	json_set_str(result, "token", "cashuBsecret");
	json_set_int(result, "amount", ((struct fake *)s->checkpoint)->amount);
	return outcome_done(result);
}

static struct outcome sync_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	(void)s;
	(void)rep;
	ERR(err, ERR_PEER_DOWN, "nobody answers there");
	return outcome_failed(err, "no");
}

static struct outcome swap_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	(void)s;
	(void)rep;
	ERR(err, ERR_TIMEOUT, "no answer");
	return outcome_trouble(err);
}

#define AMOUNT_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "amount", .type = PARAM_INT, .min = 1, .max = INT64_MAX, .help = "How much."                   \
	}
static const struct param fake_params[] = {
	AMOUNT_PARAM,
	{ .name = "unit", .type = PARAM_STRING, .min = 1, .max = 15, .help = "Unit." },
	{ .name = "trust", .type = PARAM_BOOL, .help = "Trust." },
	{ .name = "mint", .type = PARAM_STRING, .min = 1, .max = 255, .help = "URL." },
	{ .name = "add", .type = PARAM_BOOL, .help = "Add." },
	{ 0 },
};
static const struct state_def send_states[] = { [1] = { .name = "created", .reply = send_reply, .cancellable = true } };
static const struct state_def issue_states[] = { [1] = { .name = "asked", .reply = issue_reply } };
static const struct state_def sync_states[] = { [1] = { .name = "info", .reply = sync_reply } };
static const struct state_def swap_states[] = { [1] = { .name = "swapping", .reply = swap_reply, .uncertain = true } };

#define FAKE(kind_name, kind_states, ...)                                                                              \
	{                                                                                                              \
		.name = kind_name, .summary = "A stand-in.", .params = fake_params, .states = kind_states,             \
		.n_states = 2, .start = fake_start, .save = fake_save, .load = fake_load, __VA_ARGS__                  \
	}
static const struct action_kind kinds_table[] = {
	FAKE("cashu_send", send_states, .cancel = send_cancel), FAKE("cashu_issue", issue_states, .needs_keys = true),
	FAKE("cashu_mint_sync", sync_states, .cancel = NULL),   FAKE("cashu_swap", swap_states, .cancel = NULL),
	FAKE("hidden", send_states, .internal = true),
};
static const struct action_kind *const kinds[] = {
	&kinds_table[0],   &kinds_table[1],   &kinds_table[2],     &kinds_table[3],
	&kinds_table[4],   &cashu_melt_kind,  &cashu_restore_kind, &cashu_transfer_kind,
	&cashu_sweep_kind, &cashu_check_kind, &onchain_send_kind,  NULL,
};

/* --- life --- */

static void flush_now(void *ctx)
{
	struct rpc_world *w = ctx;

	store_flush(w->store);
	if (w->server)
		rpc_server_committed(w->server);
}

static void flush_wanted(void *ctx)
{
	struct rpc_world *w = ctx;

	loop_post(w->loop, flush_now, w);
}

static void keys_changed(void *ctx, struct keyring *keys)
{
	struct rpc_world *w = ctx;

	executor_set_keys(w->executor, keys);
	if (w->outbox)
		outbox_set_keys(w->outbox, keys);
}

static void stop_hook(void *ctx)
{
	((struct rpc_world *)ctx)->stops++;
}

static json_t *config_hook(void *ctx, struct arena *a)
{
	(void)ctx;
	return json_object_in(a);
}

static json_t *tasks_hook(void *ctx, struct arena *a)
{
	(void)ctx;
	return json_array_in(a);
}

static void make_wallet(struct rpc_world *w)
{
	SCOPED(buf) struct buf words = BUF_SECRET(512);
	struct wallet_options opt = {
		.store = w->store,
		.allow_plaintext_seed = true,
		.network = NETWORK_REGTEST,
		.keys_changed = keys_changed,
		.ctx = w,
	};
	struct err err;

	must(wallet_open(&opt, &w->wallet, &err), &err);
	must(wallet_create(w->wallet, 12, "", &words, &err), &err);
}

static int no_key_file(void *ctx, const char *name, struct buf *ret_json, struct buf *ret_password, struct err *err)
{
	(void)ctx;
	(void)ret_json;
	(void)ret_password;
	return ERR(err, ERR_NOT_FOUND, "there is no key file %s here", name);
}

static void open_outbox(struct rpc_world *w)
{
	const char *url;
	struct outbox_chain_config chain = {
		.chain_id = 31337,
		.urls = &url,
		.n_urls = 1,
		.confirmations = 1,
		.lanes = 1,
		.block_time_ms = 500,
		.max_tx_gwei = 1000000000,
		.max_day_gwei = 1000000000,
		.batch_max = 200,
		.slots_max = 16,
		.log_range = 5000,
	};
	struct outbox_space_config space = {
		.chain_id = 31337, .signer = "hd:0", .ordering = ORDER_ACCOUNT, .release_at = DELIVERY_SUBMITTED
	};
	struct outbox_options opt = {
		.store = w->store,
		.loop = w->loop,
		.http = w->http,
		.chains = &chain,
		.n_chains = 1,
		.spaces = &space,
		.n_spaces = 1,
		.linger_ms = 50,
		.claim_lease_s = 420,
		.attempt_limit_s = 300,
		.max_open = 1000,
		.read_key_file = no_key_file,
	};
	struct err err;

	must(evm_address_parse(RPC_WORLD_CONTRACT, &space.contract, &err), &err);
	ck_assert(gas_price_from_u64(UINT64_C(500000000000), &chain.max_fee));
	ck_assert(gas_price_from_u64(UINT64_C(50000000000), &chain.max_tip));
	ck_assert(gas_price_from_u64(100000000, &chain.min_tip));
	w->node = evm_node_new(w->loop, chain.chain_id, &space.contract);
	url = evm_node_url(w->node);
	must(outbox_new(&opt, &w->outbox, &err), &err);
}

static void open_chain(struct rpc_world *w, struct executor_options *eopt)
{
	struct chain_backend_options backend = { 0 };
	struct chain_options opt = { .loop = w->loop,
				     .http = w->http,
				     .network = NETWORK_REGTEST,
				     .kind = CHAIN_BITCOIND,
				     .backends = &backend,
				     .n_backends = 1 };
	struct err err;

	w->bitcoind = fake_bitcoind_new(w->loop);
	fake_bitcoind_take(w->bitcoind);
	backend.url = fake_bitcoind_url(w->bitcoind);
	must(chain_source_new(&opt, &w->chain, &err), &err);
	eopt->chain = w->chain;
	eopt->policy.onchain = (struct onchain_policy){ .network = NETWORK_REGTEST,
							.confirmations = 3,
							.spend_change = true };
	ck_assert(feerate_from_sat_per_kwu(500 * 250, &eopt->policy.onchain.max_feerate));
}

void rpc_world_open_with(struct rpc_world *w, bool tcp, unsigned max_connections)
{
	struct store_options sopt = { .lazily = true, .flush_wanted = flush_wanted, .ctx = w };
	struct executor_options eopt = { .kinds = kinds, .max_inflight = 16, .max_inflight_per_peer = 16 };
	struct http_options hopt = { .proxy = NULL };
	struct rpc_server_options opt = {
		.host = { .ctx = w, .stop = stop_hook, .config_show = config_hook, .tasks = tasks_hook },
		.network = "regtest",
		.started_at_ms = clock_now_ms(),
		.socket_group = (gid_t)-1,
		.listen = tcp ? "127.0.0.1:0" : NULL,
		.max_connections = max_connections,
	};
	uint8_t random[32];
	struct err err;

	rng_bytes(random, sizeof(random));
	ck_assert(secp_init(random));
	signal(SIGPIPE, SIG_IGN);
	*w = (struct rpc_world){ .arena = ARENA_LIMIT(1u << 30) };
	scratch_place(&w->disk);
	snprintf(w->socket, sizeof(w->socket), "%s/rpc.sock", w->disk.dir);
	snprintf(w->cookie, sizeof(w->cookie), "%s/cookie", w->disk.dir);
	must(loop_new(&w->loop, &err), &err);
	sopt.path = w->disk.path;
	must(store_open(&sopt, &w->store, &err), &err);
	must(http_new(w->loop, &hopt, &w->http, &err), &err);
	eopt.store = w->store;
	eopt.loop = w->loop;
	eopt.http = w->http;
	open_chain(w, &eopt);
	w->executor = executor_new(&eopt);
	open_outbox(w);
	make_wallet(w);
	opt.loop = w->loop;
	opt.store = w->store;
	opt.executor = w->executor;
	opt.outbox = w->outbox;
	opt.wallet = w->wallet;
	opt.datadir = w->disk.dir;
	opt.socket_path = w->socket;
	opt.cookie_path = w->cookie;
	must(rpc_server_new(&opt, &w->server, &err), &err);
}

void rpc_world_open(struct rpc_world *w, bool tcp)
{
	rpc_world_open_with(w, tcp, 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void rpc_world_close(struct rpc_world *w)
{
	store_flush(w->store);
	rpc_server_free(w->server);
	w->server = NULL;
	outbox_free(w->outbox);
	w->outbox = NULL;
	evm_node_free(w->node);
	wallet_free(w->wallet);
	executor_free(w->executor);
	chain_source_free(w->chain);
	fake_bitcoind_free(w->bitcoind);
	http_free(w->http);
	loop_unpost(w->loop, flush_now, w);
	store_close(w->store);
	loop_free(w->loop);
	nftw(w->disk.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	arena_done(&w->arena);
}

static bool is_set(void *ctx)
{
	const bool *flag = *(const bool **)ctx;

	return flag && *flag;
}

void rpc_world_run(struct rpc_world *w, int ms, const bool *until)
{
	(void)turns_until(w->loop, is_set, &until, ms);
}

/* --- calls --- */

struct rpc_caller rpc_world_caller(enum rpc_scope scope)
{
	struct rpc_caller c = { .scope = scope, .budget_hour_sat = -1, .budget_day_sat = -1 };

	snprintf(c.credential, sizeof(c.credential), "test:%s", rpc_scope_name(scope));
	return c;
}

static bool gone(void *ctx)
{
	return ((struct rpc_world *)ctx)->client_gone;
}

static void done_into(void *ctx, int status, struct bytes reply)
{
	struct rpc_reply *r = ctx;

	r->status = status;
	r->text = reply.n ? arena_strndup(r->arena, (const char *)reply.p, reply.n) : "";
}

struct rpc_body *rpc_world_begin_into(struct rpc_world *w, const struct rpc_caller *caller, const char *text,
				      struct rpc_reply *ret)
{
	struct rpc_body_options opt = {
		.server = w->server, .caller = *caller, .text = bytes_of(text), .done = done_into, .ctx = ret
	};

	*ret = (struct rpc_reply){ .arena = &w->arena, .status = -1 };
	return rpc_body_run(&opt);
}

static void done(void *ctx, int status, struct bytes reply)
{
	struct rpc_world *w = ctx;

	w->status = status;
	w->reply = reply.n ? arena_strndup(&w->arena, (const char *)reply.p, reply.n) : "";
}

struct rpc_body *rpc_world_begin(struct rpc_world *w, const struct rpc_caller *caller, const char *text)
{
	struct rpc_body_options opt = {
		.server = w->server, .caller = *caller, .text = bytes_of(text), .gone = gone, .done = done, .ctx = w
	};

	w->status = -1;
	w->reply = NULL;
	return rpc_body_run(&opt);
}

void rpc_world_answered(struct rpc_world *w)
{
	int64_t deadline = clock_mono_us() + PATIENCE_MS * INT64_C(1000);

	while (w->status < 0 && clock_mono_us() < deadline)
		rpc_world_run(w, 2, NULL);
	ck_assert_msg(w->status >= 0, "no answer");
}

const char *rpc_world_body(struct rpc_world *w, const struct rpc_caller *caller, const char *text)
{
	(void)rpc_world_begin(w, caller, text);
	rpc_world_answered(w);
	return w->reply;
}

static json_t *member(struct rpc_world *w, const struct rpc_caller *c, const char *name, const char *method,
		      const char *params)
{
	const char *text = arena_printf(&w->arena, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}",
					method, params ? params : "{}");
	struct err err;
	json_t *v;

	must(json_parse(&w->arena, bytes_of(rpc_world_body(w, c, text)), JSON_DEPTH_MAX, &v, &err), &err);
	ck_assert_msg(json_object_get(v, name) != NULL, "%s %s: %s", method, params ? params : "", w->reply);
	return json_object_get(v, name);
}

json_t *rpc_world_result_for(struct rpc_world *w, const struct rpc_caller *c, const char *method, const char *params)
{
	return member(w, c, "result", method, params);
}

json_t *rpc_world_error_for(struct rpc_world *w, const struct rpc_caller *c, const char *method, const char *params)
{
	return member(w, c, "error", method, params);
}

json_t *rpc_world_result(struct rpc_world *w, const char *method, const char *params)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);

	return rpc_world_result_for(w, &admin, method, params);
}

json_t *rpc_world_error(struct rpc_world *w, const char *method, const char *params)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);

	return rpc_world_error_for(w, &admin, method, params);
}

/* --- another process --- */

static bool asked_to_end;

static void on_term(int signal_number)
{
	(void)signal_number;
	asked_to_end = true;
}

static void read_line(const char *path, char *ret, size_t n)
{
	FILE *f = fopen(path, "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(ret, (int)n, f));
	ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
}

static void allow_many_files(void)
{
	struct rlimit files;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static void serve(int tell, unsigned max_connections)
{
	static struct rpc_world w;
	struct rpc_process p = { .pid = getpid() };

	signal(SIGTERM, on_term);
	log_set_level(NULL, LOG_ERROR);
	rpc_world_open_with(&w, true, max_connections);
	snprintf(p.socket, sizeof(p.socket), "%s", w.socket);
	p.port = rpc_server_port(w.server);
	read_line(w.cookie, p.cookie, sizeof(p.cookie));
	ck_assert_int_eq(write(tell, &p, sizeof(p)), sizeof(p));
	close(tell);
	while (!asked_to_end && w.stops == 0)
		rpc_world_run(&w, 20, NULL);
	rpc_server_stop(w.server);
	for (int i = 0; i < 100 && !rpc_server_idle(w.server); i++)
		rpc_world_run(&w, 10, NULL);
	rpc_world_close(&w);
	exit(0);
}

void rpc_process_start(struct rpc_process *p, unsigned max_connections)
{
	int fds[2];
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	allow_many_files();
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		serve(fds[1], max_connections);
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], p, sizeof(*p)), sizeof(*p));
	close(fds[0]);
}

void rpc_process_stop(struct rpc_process *p)
{
	int status;

	kill(p->pid, SIGTERM);
	ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the server ended with %d", status);
}

/* --- sockets --- */

int rpc_connect(const char *path, unsigned port)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	if (path) {
		memcpy(un.sun_path, path, strlen(path) + 1);
		rc = connect(fd, (const struct sockaddr *)&un, sizeof(un));
	} else {
		rc = connect(fd, (const struct sockaddr *)&in, sizeof(in));
	}
	ck_assert_msg(rc == 0, "connect: %s", strerror(errno));
	return fd;
}

/* The server may close before it has read all: that is no failure of the client's. */
void rpc_send(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += sent;
		n -= (size_t)sent;
	}
}

void rpc_send_text(int fd, const char *text)
{
	rpc_send(fd, text, strlen(text));
}

/* More bytes into pending; false at the end. */
static bool read_more(int fd, struct http_pending *pending)
{
	ssize_t n = recv(fd, pending->p + pending->n, sizeof(pending->p) - 1 - pending->n, 0);

	if (n <= 0)
		return false;
	pending->n += (size_t)n;
	pending->p[pending->n] = '\0';
	return true;
}

static void take(struct http_pending *pending, size_t n)
{
	memmove(pending->p, pending->p + n, pending->n - n + 1);
	pending->n -= n;
}

void rpc_read_reply(int fd, struct http_pending *pending, struct http_seen *ret)
{
	const char *end, *length;
	size_t left = 0;

	*ret = (struct http_seen){ .status = 0 };
	pending->p[pending->n] = '\0';
	while (!(end = strstr(pending->p, "\r\n\r\n")))
		if (!read_more(fd, pending))
			return;
	ck_assert_uint_lt((size_t)(end - pending->p) + 4, sizeof(ret->head));
	memcpy(ret->head, pending->p, (size_t)(end - pending->p) + 2);
	take(pending, (size_t)(end - pending->p) + 4);
	ck_assert_int_eq(sscanf(ret->head, "HTTP/1.%*d %d ", &ret->status), 1);
	length = strcasestr(ret->head, "\r\nContent-Length: ");
	if (length)
		left = strtoul(length + 18, NULL, 10);
	while (left > 0 && (pending->n > 0 || read_more(fd, pending))) {
		size_t n = pending->n < left ? pending->n : left;
		size_t room = sizeof(ret->body) - 1 - ret->body_n;

		memcpy(ret->body + ret->body_n, pending->p, n < room ? n : room);
		ret->body_n += n < room ? n : room;
		take(pending, n);
		left -= n;
	}
	ck_assert_uint_eq(left, 0);
}

bool rpc_at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) <= 0;
}

void rpc_post(int fd, struct http_pending *pending, const char *body, struct http_seen *ret)
{
	char head[256];

	snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", strlen(body));
	rpc_send_text(fd, head);
	rpc_send_text(fd, body);
	rpc_read_reply(fd, pending, ret);
}

const char *json_str(const json_t *obj, const char *name)
{
	const char *text = json_string_value(json_object_get(obj, name));

	return text ? text : "";
}

int64_t json_int(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}
