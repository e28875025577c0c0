/* Asks and their ways: failing over, breakers, chains, heads, batches that a server does not take, and whatever a hostile
 * one sends.  The nodes are scripted, the network is the real one. */
#include "outbox/endpoints.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "tests/support/http_peer.h"
#include "tests/support/suite.h"

#define OURS  UINT64_C(31337)
#define NODES 3

static struct loop *loop;
static struct http *http;
static struct endpoints *ep;
static struct arena arena;
static struct err err;

/* --- nodes --- */

struct node {
	struct http_peer *peer;
	uint64_t chain_id;
	const struct peer_script *trouble; /* instead of an answer, to all but eth_chainId */
	bool trouble_with_all;             /* to that too */
	bool no_batches;
	const char *error;   /* answer to every call but eth_chainId: an error object */
	const char *version; /* result of web3_clientVersion */
	const char *sent;    /* result of eth_sendRawTransaction */
	struct peer_script script;
	unsigned chain_ids, others, batches; /* requests */
};

static struct node nodes[NODES];

static json_t *answer_to(struct node *n, const json_t *call)
{
	const char *method = json_string_value(json_object_get(call, "method"));
	json_t *v = json_object_in(&arena), *e;

	json_set_str(v, "jsonrpc", "2.0");
	json_set(v, "id", json_object_get(call, "id"));
	if (strcmp(method, "eth_chainId") == 0)
		json_set_str(v, "result", arena_printf(&arena, "0x%llx", (unsigned long long)n->chain_id));
	else if (n->error != NULL) {
		ck_assert_int_eq(json_parse(&arena, bytes_of(n->error), 8, &e, &err), 0);
		json_set(v, "error", e);
	} else if (strcmp(method, "eth_sendRawTransaction") == 0)
		json_set_str(v, "result", n->sent);
	else
		json_set_str(v, "result", n->version);
	return v;
}

static const struct peer_script *says(struct node *n, const json_t *v)
{
	n->script = (struct peer_script){ .body = json_text(&arena, v),
					  .headers = "Content-Type: application/json\r\n" };
	return &n->script;
}

static const char one_error[] =
	"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"batch requests are not supported\"}}";

static const struct peer_script *on_batch(struct node *n, const json_t *calls)
{
	json_t *list = json_array_in(&arena);

	n->batches++;
	if (n->no_batches) {
		n->script = (struct peer_script){ .body = one_error };
		return &n->script;
	}
	/* In whatever order. */
	for (size_t i = json_array_size(calls); i > 0; i--)
		json_add(list, answer_to(n, json_array_get(calls, i - 1)));
	return says(n, list);
}

static const struct peer_script *on_request(void *ctx, const struct peer_request *asked)
{
	struct node *n = ctx;
	bool is_chain_id;
	json_t *v;

	ck_assert_str_eq(asked->method, "POST");
	ck_assert_int_eq(json_parse(&arena, asked->body, JSON_DEPTH_MAX, &v, &err), 0);
	is_chain_id = json_is_object(v) && strcmp(json_string_value(json_object_get(v, "method")), "eth_chainId") == 0;
	if (is_chain_id)
		n->chain_ids++;
	else
		n->others++;
	if (n->trouble != NULL && (!is_chain_id || n->trouble_with_all))
		return n->trouble;
	return json_is_array(v) ? on_batch(n, v) : says(n, answer_to(n, v));
}

#define HASH "0xab000000000000000000000000000000000000000000000000000000000000cd"

static const struct hash32 ours = { { 0xab, [31] = 0xcd } };

static void setup(void)
{
	static const char *const names[NODES] = { "node0", "node1", "node2" };

	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	arena = ARENA_LIMIT(64 * 1024 * 1024);
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	ck_assert_int_eq(http_new(loop, &(struct http_options){ 0 }, &http, &err), 0);
	for (size_t i = 0; i < NODES; i++) {
		nodes[i] = (struct node){ .chain_id = OURS, .version = names[i], .sent = HASH };
		nodes[i].peer = http_peer_new(loop, NULL);
		http_peer_answer(nodes[i].peer, on_request, &nodes[i]);
	}
}

static void teardown(void)
{
	endpoints_free(ep);
	ep = NULL;
	http_free(http);
	for (size_t i = 0; i < NODES; i++)
		http_peer_free(nodes[i].peer);
	loop_free(loop);
	arena_done(&arena);
}

/* Short times, so that a test is. */
static struct endpoints_options options(void)
{
	return (struct endpoints_options){ .loop = loop,
					   .http = http,
					   .chain_id = OURS,
					   .block_time_ms = 12000,
					   .timeout_ms = 2000,
					   .send_timeout_ms = 2000,
					   .open_min_ms = 100,
					   .open_max_ms = 400 };
}

static void start_with(struct endpoints_options opt, size_t n)
{
	const char *urls[NODES];

	for (size_t i = 0; i < n; i++)
		urls[i] = http_peer_url(nodes[i].peer, "/");
	opt.urls = urls;
	opt.n_urls = n;
	ck_assert_msg(endpoints_new(&opt, &ep, &err) == 0, "%s", err.msg);
}

static void start(size_t n)
{
	start_with(options(), n);
}

/* --- asks --- */

struct answer {
	unsigned calls;
	struct evm_answers got; /* its memory is gone */
	const char *text[JSONRPC_BATCH_MAX];
	enum evm_send_class class;
	unsigned *left;
};

static void on_answers(void *ctx, const struct evm_answers *got)
{
	struct answer *to = ctx;

	to->calls++;
	to->got = *got;
	to->class = evm_answers_send_class(got, 0, &ours);
	ck_assert((got->endpoint >= 0) == (got->answers != NULL));
	ck_assert((got->endpoint >= 0) == (got->err.code == ERR_NONE));
	for (size_t i = 0; i < got->n; i++) {
		const struct jsonrpc_answer *a = &got->answers[i];

		to->text[i] = a->flaw != JSONRPC_FINE ? jsonrpc_flaw_text(a->flaw)
			      : a->result != NULL     ? arena_strdup(&arena, json_string_value(a->result))
						      : arena_strdup(&arena, a->error.message);
	}
	if (to->left != NULL && --*to->left == 0)
		loop_stop(loop);
}

static struct endpoints_asked *ask_more(struct answer *to, size_t n, unsigned how, unsigned *left)
{
	struct arena mine = ARENA_LIMIT(1024 * 1024);
	struct jsonrpc_batch b = jsonrpc_batch_in(&mine);
	struct endpoints_asked *q;

	for (size_t i = 0; i < n; i++)
		if ((how & ASK_SEND) != 0)
			evm_ask_send(&b, bytes_of("raw"));
		else
			evm_ask_client_version(&b);
	*to = (struct answer){ .left = left };
	q = endpoints_ask(ep, &b, how, on_answers, to);
	ck_assert_uint_eq(to->calls, 0);
	arena_done(&mine); /* it was copied */
	return q;
}

static void run(void)
{
	ck_assert_int_eq(loop_run(loop, &err), 0);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void run_for(int64_t ms)
{
	struct timer *t = loop_timer(loop, stop, NULL);

	timer_start(t, ms);
	run();
	timer_free(t);
}

static void ask(struct answer *to, size_t n, unsigned how)
{
	unsigned left = 1;

	(void)ask_more(to, n, how, &left);
	run();
	ck_assert_uint_eq(to->calls, 1);
}

static void answered_by(const struct answer *a, int endpoint)
{
	ck_assert_msg(a->got.endpoint == endpoint, "endpoint %d, not %d: %s", a->got.endpoint, endpoint,
		      a->got.err.msg);
}

static void nobody(const struct answer *a, enum err_code code)
{
	answered_by(a, -1);
	ck_assert_msg(a->got.err.code == code, "%s: %s", err_kind(a->got.err.code), a->got.err.msg);
}

static struct endpoint_stats stats(size_t i)
{
	struct endpoint_stats s;

	endpoints_stats(ep, i, &s);
	return s;
}

static void state_is(size_t i, enum endpoint_state want)
{
	ck_assert_msg(stats(i).state == want, "endpoint %zu is %s, not %s", i, endpoint_state_name(stats(i).state),
		      endpoint_state_name(want));
}

/* --- the plain way --- */

START_TEST(the_first_endpoint_answers)
{
	struct answer a;

	start(2);
	state_is(0, ENDPOINT_NEW);
	ask(&a, 1, 0);
	answered_by(&a, 0);
	ck_assert_str_eq(a.text[0], "node0");
	ck_assert(!a.got.maybe_delivered);
	ask(&a, 3, 0);
	answered_by(&a, 0);
	ck_assert_uint_eq(a.got.n, 3);
	ck_assert_str_eq(a.text[2], "node0");
	ck_assert_uint_eq(nodes[0].chain_ids, 1);
	ck_assert_uint_eq(nodes[0].others, 2);
	ck_assert_uint_eq(nodes[0].batches, 1);
	ck_assert_uint_eq(http_peer_requests(nodes[1].peer, NULL), 0);
	ck_assert_uint_eq(endpoints_in_flight(ep), 0);
	state_is(0, ENDPOINT_READY);
	state_is(1, ENDPOINT_NEW);
	ck_assert(stats(0).answered == 3 && stats(0).failed == 0 && stats(0).chain_id == OURS);
	ck_assert(stats(0).latency_ms >= 0 && stats(1).latency_ms == -1);
}
END_TEST

START_TEST(an_error_about_the_call_is_an_answer)
{
	struct answer a;

	start(2);
	nodes[0].error = "{\"code\":-32000,\"message\":\"nonce too low\"}";
	for (int k = 0; k < 7; k++) {
		ask(&a, 1, ASK_SEND);
		answered_by(&a, 0);
		ck_assert_str_eq(a.text[0], "nonce too low");
		ck_assert_int_eq(a.class, EVM_SEND_NONCE_LOW);
	}
	state_is(0, ENDPOINT_READY);
	ck_assert_uint_eq(stats(0).failed, 0);
}
END_TEST

START_TEST(as_many_calls_as_a_batch_has)
{
	struct answer a;

	start(1);
	ask(&a, JSONRPC_BATCH_MAX, 0);
	answered_by(&a, 0);
	ck_assert_uint_eq(a.got.n, JSONRPC_BATCH_MAX);
	ask(&a, 0, 0);
	nobody(&a, ERR_RANGE);
	ask(&a, JSONRPC_BATCH_MAX + 1, 0);
	nobody(&a, ERR_RANGE);
}
END_TEST

START_TEST(no_more_posts_at_once_than_allowed)
{
	static const struct peer_script slow = { .raw = "", .end = PEER_KEEP };
	struct answer a[12];
	unsigned left = 12;

	start(1);
	ask(&a[0], 1, 0);
	nodes[0].trouble = &slow;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		(void)ask_more(&a[i], 1, 0, &left);
	run_for(300);
	ck_assert_uint_eq(nodes[0].others - 1, 8);
	ck_assert_uint_eq(endpoints_in_flight(ep), 12);
}
END_TEST

/* --- failing over --- */

static const struct peer_script troubles[] = {
	{ .status = 500, .body = "oops" },
	{ .status = 503, .body = "" },
	{ .status = 404, .body = "<html>" },
	{ .status = 200, .body = "<html>maintenance</html>" },
	{ .status = 200, .body = "" },
	{ .status = 200, .body = "[]" },
	{ .status = 200, .body = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x1\"}" },
	{ .status = 200, .body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":429,\"message\":\"slow\"}}" },
	{ .status = 200, .filler = 50 * 1024 * 1024 },
	{ .status = 200, .body = "{\"jsonrpc\":\"2.0\"", .cut = 60, .end = PEER_CLOSE },
	{ .raw = "", .end = PEER_RESET },
	{ .raw = "", .end = PEER_CLOSE },
	{ .raw = "garbage\r\n\r\n", .end = PEER_CLOSE },
	{ .status = 200, .body = "\"dripping, byte by byte, for longer than anybody waits\"", .drip_ms = 100 },
	{ .raw = "", .end = PEER_KEEP },
};

START_TEST(the_next_endpoint_answers)
{
	struct endpoints_options opt = options();
	struct answer a;

	opt.timeout_ms = 800;
	opt.send_timeout_ms = 800;
	start_with(opt, 2);
	nodes[0].trouble = &troubles[_i];
	ask(&a, 1, 0);
	answered_by(&a, 1);
	ck_assert_str_eq(a.text[0], "node1");
	/* libcurl repeats by itself what a connection that was kept has lost. */
	ck_assert(nodes[0].others == 1 || (nodes[0].others == 2 && troubles[_i].raw != NULL));
	ck_assert_uint_eq(stats(0).failed, 1);
	ck_assert_int_ne(stats(0).last_error.code, ERR_NONE);
	/* A raw transaction may have got there. */
	ask(&a, 1, ASK_SEND);
	answered_by(&a, 1);
	ck_assert(a.got.maybe_delivered);
	ck_assert_int_eq(a.class, EVM_SEND_OK);
	/* Whoever answers no knows nothing of the first. */
	nodes[1].error = "{\"code\":-32000,\"message\":\"intrinsic gas too low\"}";
	ask(&a, 1, ASK_SEND);
	answered_by(&a, 1);
	ck_assert_int_eq(a.class, EVM_SEND_UNKNOWN);
}
END_TEST

START_TEST(nobody_answers)
{
	static const struct peer_script down = { .status = 502, .body = "" }, busy = { .status = 429, .body = "" };
	struct answer a;

	start(2);
	nodes[0].trouble = &down;
	nodes[1].trouble = &down;
	ask(&a, 2, 0);
	nobody(&a, ERR_PEER_DOWN);
	ck_assert_int_eq(a.got.err.peer_code, 502);
	ck_assert_int_eq(a.got.err.class, ERR_TRANSIENT);
	ck_assert_int_eq(a.class, EVM_SEND_UNKNOWN);
	ck_assert_uint_eq(nodes[0].others, 1);
	ck_assert_uint_eq(nodes[1].others, 1);
	nodes[1].trouble = &busy;
	ask(&a, 2, 0);
	nobody(&a, ERR_PEER_BUSY);
}
END_TEST

START_TEST(a_node_that_is_not_there)
{
	struct endpoints_options opt = options();
	struct http_peer *gone = http_peer_new(loop, NULL);
	const char *urls[1] = { arena_strdup(&arena, http_peer_url(gone, "/")) };
	struct answer a;

	http_peer_free(gone);
	opt.urls = urls;
	opt.n_urls = 1;
	ck_assert_int_eq(endpoints_new(&opt, &ep, &err), 0);
	ask(&a, 1, ASK_SEND);
	nobody(&a, ERR_PEER_DOWN);
	ck_assert(!a.got.maybe_delivered);
	ck_assert_int_eq(a.class, EVM_SEND_NOT_SENT);
}
END_TEST

/* --- the breaker --- */

START_TEST(a_breaker_opens_and_closes)
{
	static const struct peer_script down = { .status = 500, .body = "" };
	struct endpoints_options opt = options();
	struct answer a;
	int64_t wait;

	opt.open_min_ms = 1000;
	opt.open_max_ms = 1000;
	start_with(opt, 1);
	ask(&a, 1, 0);
	nodes[0].trouble = &down;
	for (int k = 0; k < 5; k++) {
		ck_assert(endpoints_usable(ep, &wait));
		ask(&a, 1, 0);
		nobody(&a, ERR_PEER_DOWN);
	}
	state_is(0, ENDPOINT_OPEN);
	ck_assert(!endpoints_usable(ep, &wait) && wait > 0 && wait <= 1000);
	ck_assert_int_eq(stats(0).failures_in_a_row, 5);
	/* Open: nothing goes out. */
	ask(&a, 1, 0);
	nobody(&a, ERR_PEER_DOWN);
	ck_assert_int_eq(a.got.err.retry_after_s, 1);
	ck_assert_int_eq(a.class, EVM_SEND_NOT_SENT);
	ck_assert_uint_eq(nodes[0].others, 6);
	/* Closed: its chain id first. */
	nodes[0].trouble = NULL;
	run_for(wait + 20);
	state_is(0, ENDPOINT_NEW);
	ck_assert(endpoints_usable(ep, &wait));
	ck_assert_uint_eq(nodes[0].chain_ids, 1);
	ask(&a, 1, 0);
	answered_by(&a, 0);
	ck_assert_uint_eq(nodes[0].chain_ids, 2);
	state_is(0, ENDPOINT_READY);
	ck_assert_int_eq(stats(0).failures_in_a_row, 0);
}
END_TEST

START_TEST(a_breaker_that_opens_sends_all_who_wait_away)
{
	static const struct peer_script down = { .status = 500, .body = "", .delay_ms = 20 };
	struct answer a[20];
	unsigned left = ARRAY_LEN(a);

	start(2);
	ask(&a[0], 1, 0);
	nodes[0].trouble = &down;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		(void)ask_more(&a[i], 1, 0, &left);
	run();
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		answered_by(&a[i], 1);
	/* Eight at once; the fifth opened it, or a few more had gone out by then. */
	ck_assert_uint_le(nodes[0].others - 1, 12);
	state_is(0, ENDPOINT_OPEN);
	ck_assert_uint_eq(nodes[1].chain_ids, 1);
}
END_TEST

START_TEST(who_asks_to_be_left_alone_is)
{
	static const struct peer_script busy = { .status = 429, .headers = "Retry-After: 30\r\n", .body = "" };
	struct answer a;

	start(2);
	nodes[0].trouble = &busy;
	ask(&a, 1, 0);
	answered_by(&a, 1);
	state_is(0, ENDPOINT_OPEN);
	ck_assert(stats(0).open_for_ms > 29000 && stats(0).open_for_ms <= 30000);
	ask(&a, 1, 0);
	answered_by(&a, 1);
	ck_assert_uint_eq(nodes[0].others, 1);
	ask(&a, 1, ASK_AT(0));
	nobody(&a, ERR_PEER_DOWN);
}
END_TEST

/* --- the chain --- */

START_TEST(an_endpoint_of_another_chain_is_out)
{
	struct answer a;

	start(2);
	nodes[0].chain_id = 1;
	ask(&a, 1, ASK_SEND);
	answered_by(&a, 1);
	ck_assert_int_eq(a.class, EVM_SEND_OK);
	ck_assert(!a.got.maybe_delivered);
	ck_assert_uint_eq(nodes[0].others, 0);
	state_is(0, ENDPOINT_WRONG);
	ck_assert(stats(0).chain_id == 1 && stats(0).last_error.code == ERR_CONFIG);
	ask(&a, 1, 0);
	answered_by(&a, 1);
	ck_assert_uint_eq(nodes[0].chain_ids, 1);
}
END_TEST

START_TEST(all_are_of_another_chain)
{
	struct answer a;
	int64_t wait;

	start(2);
	nodes[0].chain_id = 1;
	nodes[1].chain_id = 2;
	ask(&a, 1, ASK_SEND);
	nobody(&a, ERR_CONFIG);
	ck_assert_int_eq(a.class, EVM_SEND_NOT_SENT);
	ck_assert_uint_eq(nodes[0].others + nodes[1].others, 0);
	ck_assert(!endpoints_usable(ep, &wait) && wait > 0);
	/* Mended, they are found again. */
	nodes[1].chain_id = OURS;
	run_for(wait + 20);
	ask(&a, 1, 0);
	answered_by(&a, 1);
}
END_TEST

START_TEST(one_is_wrong_and_one_is_down)
{
	static const struct peer_script down = { .status = 500, .body = "" };
	struct answer a;

	start(2);
	nodes[0].trouble = &down;
	nodes[1].chain_id = 1;
	ask(&a, 1, 0);
	nobody(&a, ERR_PEER_DOWN);
}
END_TEST

START_TEST(an_endpoint_without_a_chain_id)
{
	static const struct peer_script down = { .status = 500, .body = "" }, odd = { .body = one_error };
	struct answer a;

	start(2);
	nodes[0].trouble = &down;
	nodes[0].trouble_with_all = true;
	ask(&a, 1, ASK_SEND);
	answered_by(&a, 1);
	ck_assert(!a.got.maybe_delivered);
	nodes[0].trouble = &odd;
	ask(&a, 1, 0);
	answered_by(&a, 1);
	ck_assert_uint_eq(nodes[0].others, 0);
	ck_assert_uint_eq(stats(0).failed, 2);
}
END_TEST

START_TEST(the_chain_is_verified_from_time_to_time)
{
	struct endpoints_options opt = options();
	struct answer a;

	opt.verify_every_ms = 1000;
	start_with(opt, 1);
	ask(&a, 1, 0);
	ask(&a, 1, 0);
	ck_assert_uint_eq(nodes[0].chain_ids, 1);
	run_for(1010);
	nodes[0].chain_id = 1;
	ask(&a, 1, 0);
	nobody(&a, ERR_CONFIG);
	ck_assert_uint_eq(nodes[0].chain_ids, 2);
	ck_assert_uint_eq(nodes[0].others, 2);
}
END_TEST

START_TEST(what_was_under_way_when_the_chain_changed)
{
	static const struct peer_script late = { .body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"late\"}",
						 .delay_ms = 1000 };
	struct endpoints_options opt = options();
	struct answer a, b;
	unsigned left = 2;

	opt.verify_every_ms = 50;
	opt.timeout_ms = 10000;
	start_with(opt, 2);
	nodes[0].trouble = &late;
	(void)ask_more(&a, 1, 0, &left);
	run_for(70);
	nodes[0].chain_id = 1;
	(void)ask_more(&b, 1, 0, &left);
	run();
	answered_by(&a, 1);
	answered_by(&b, 1);
	ck_assert_uint_eq(nodes[0].others, 1);
	state_is(0, ENDPOINT_WRONG);
}
END_TEST

/* --- which endpoint --- */

START_TEST(another_than_that_one)
{
	static const struct peer_script down = { .status = 500, .body = "" };
	struct answer a;

	start(2);
	ask(&a, 1, ASK_OTHER_THAN(0));
	answered_by(&a, 1);
	ask(&a, 1, ASK_OTHER_THAN(1));
	answered_by(&a, 0);
	nodes[1].trouble = &down;
	ask(&a, 1, ASK_OTHER_THAN(0));
	nobody(&a, ERR_PEER_DOWN);
	endpoints_free(ep);
	start(1);
	ask(&a, 1, ASK_OTHER_THAN(0));
	answered_by(&a, 0);
}
END_TEST

START_TEST(that_one_alone)
{
	static const struct peer_script down = { .status = 500, .body = "" };
	struct answer a;

	start(3);
	ask(&a, 1, ASK_AT(2));
	answered_by(&a, 2);
	nodes[2].trouble = &down;
	ask(&a, 1, ASK_AT(2));
	nobody(&a, ERR_PEER_DOWN);
	ck_assert_uint_eq(nodes[0].others + nodes[1].others, 0);
}
END_TEST

static struct evm_block block_of(uint64_t number, uint8_t hash)
{
	return (struct evm_block){ .number = number,
				   .timestamp_s = (uint64_t)clock_now_ms() / 1000,
				   .hash = { { hash } } };
}

START_TEST(an_endpoint_that_lags)
{
	struct evm_block near = block_of(100, 1), far = block_of(106, 2);
	struct answer a;

	start(2);
	ask(&a, 1, ASK_AT(0));
	ask(&a, 1, ASK_AT(1));
	endpoints_saw_head(ep, 1, &far);
	endpoints_saw_head(ep, 0, &near);
	state_is(0, ENDPOINT_LAGS);
	ck_assert(stats(0).has_head && stats(0).head == 100);
	ask(&a, 1, 0);
	answered_by(&a, 1);
	ask(&a, 1, ASK_AT(0));
	answered_by(&a, 0);
	/* For a transaction it is better than nobody. */
	ask(&a, 1, ASK_SEND | ASK_OTHER_THAN(1));
	answered_by(&a, 0);
	ask(&a, 1, ASK_OTHER_THAN(1));
	nobody(&a, ERR_PEER_DOWN);
	endpoints_saw_head(ep, 0, &far);
	ask(&a, 1, 0);
	answered_by(&a, 0);
}
END_TEST

START_TEST(a_chain_that_stands_still)
{
	struct evm_block old = block_of(100, 1), young = old;
	struct answer a;

	old.timestamp_s -= 600;
	start(2);
	endpoints_saw_head(ep, 0, &old);
	endpoints_saw_head(ep, 1, &young);
	ask(&a, 1, 0);
	answered_by(&a, 1);
	endpoints_saw_head(ep, 1, &old);
	ask(&a, 1, 0);
	answered_by(&a, 0);
	state_is(0, ENDPOINT_STALE);
}
END_TEST

START_TEST(an_endpoint_that_lies)
{
	struct evm_block one = block_of(100, 1), other = block_of(100, 2), low = block_of(100000, 1);
	struct answer a;

	start(3);
	endpoints_saw_finalized(ep, 1, &one);
	endpoints_saw_finalized(ep, 0, &one);
	endpoints_saw_finalized(ep, 0, &other);
	state_is(0, ENDPOINT_LIES);
	endpoints_saw_head(ep, 1, &low);
	low.number -= ENDPOINT_REORG + 1;
	endpoints_saw_head(ep, 1, &low);
	state_is(1, ENDPOINT_LIES);
	ask(&a, 1, ASK_SEND);
	answered_by(&a, 2);
	ask(&a, 1, ASK_AT(0));
	nobody(&a, ERR_PEER_DOWN);
}
END_TEST

/* --- servers that take no batches --- */

START_TEST(a_server_without_batches_is_asked_call_by_call)
{
	struct answer a;

	start(2);
	nodes[0].no_batches = true;
	ask(&a, 20, 0);
	answered_by(&a, 0);
	ck_assert_uint_eq(a.got.n, 20);
	for (size_t i = 0; i < 20; i++)
		ck_assert_str_eq(a.text[i], "node0");
	ck_assert_uint_eq(nodes[0].batches, 1);
	ck_assert_uint_eq(nodes[0].others, 21);
	ck_assert(stats(0).no_batches && stats(0).failed == 0);
	ask(&a, 3, 0);
	answered_by(&a, 0);
	ck_assert_uint_eq(nodes[0].batches, 1);
	ck_assert_uint_eq(nodes[0].others, 24);
	ck_assert_uint_eq(nodes[1].others, 0);
}
END_TEST

START_TEST(one_call_of_many_fails)
{
	static const struct peer_script down = { .status = 500, .body = "" };
	struct answer a;

	start(2);
	nodes[0].no_batches = true;
	ask(&a, 2, 0);
	nodes[0].trouble = &down;
	ask(&a, 20, ASK_SEND);
	answered_by(&a, 1);
	ck_assert_uint_eq(a.got.n, 20);
	ck_assert(a.got.maybe_delivered);
	ck_assert_int_eq(a.class, EVM_SEND_OK);
	ck_assert_uint_eq(nodes[1].batches, 1);
}
END_TEST

/* --- ends --- */

START_TEST(cancelling)
{
	static const struct peer_script slow = { .body = one_error, .delay_ms = 300 };
	struct answer a[3], b;
	struct endpoints_asked *q[3];
	unsigned left = 99;

	start(1);
	/* Before the chain id is known, under way, and over but not told yet. */
	q[0] = ask_more(&a[0], 1, 0, &left);
	endpoints_cancel(q[0]);
	ask(&b, 1, 0);
	nodes[0].trouble = &slow;
	q[1] = ask_more(&a[1], 1, 0, &left);
	run_for(20);
	endpoints_cancel(q[1]);
	q[2] = ask_more(&a[2], 0, 0, &left);
	endpoints_cancel(q[2]);
	ck_assert_uint_eq(endpoints_in_flight(ep), 0);
	run_for(350);
	ck_assert_uint_eq(a[0].calls + a[1].calls + a[2].calls, 0);
	nodes[0].trouble = NULL;
	ask(&b, 1, 0);
	answered_by(&b, 0);
}
END_TEST

START_TEST(a_place_that_becomes_free_is_taken)
{
	static const struct peer_script never = { .raw = "", .end = PEER_KEEP };
	struct endpoints_options opt = options();
	struct endpoints_asked *q;
	struct answer a, b;
	unsigned left = 1, other = 1;

	opt.max_in_flight = 1;
	start_with(opt, 1);
	ask(&a, 1, 0);
	nodes[0].trouble = &never;
	q = ask_more(&a, 1, 0, &other);
	(void)ask_more(&b, 1, 0, &left);
	run_for(20);
	nodes[0].trouble = NULL;
	endpoints_cancel(q);
	run();
	answered_by(&b, 0);
}
END_TEST

START_TEST(freeing_cancels_all)
{
	static const struct peer_script never = { .raw = "", .end = PEER_KEEP };
	struct answer a[3], b;
	unsigned left = 99;

	start(2);
	ask(&b, 1, 0);
	nodes[0].trouble = &never;
	nodes[1].trouble = &never;
	nodes[1].trouble_with_all = true;
	/* Under way, waiting for the chain id, and over but not told yet. */
	(void)ask_more(&a[0], 1, 0, &left);
	(void)ask_more(&a[1], 1, ASK_AT(1), &left);
	run_for(20);
	(void)ask_more(&a[2], 0, 0, &left);
	endpoints_free(ep);
	ep = NULL;
	run_for(20);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		ck_assert_uint_eq(a[i].calls, 0);
	ck_assert_uint_eq(http_in_flight(http), 0);
}
END_TEST

static void ask_again(void *ctx, const struct evm_answers *got)
{
	struct answer *to = ctx;
	unsigned *left = to->left;

	ck_assert_int_eq(got->endpoint, 0);
	(void)ask_more(to, 1, 0, left);
}

START_TEST(done_may_ask)
{
	struct jsonrpc_batch b = jsonrpc_batch_in(&arena);
	unsigned left = 1;
	struct answer a = { .left = &left };

	start(1);
	evm_ask_client_version(&b);
	(void)endpoints_ask(ep, &b, 0, ask_again, &a);
	run();
	answered_by(&a, 0);
}
END_TEST

/* --- set-up, people --- */

START_TEST(urls)
{
	static const char *const bad[] = { "",
					   "node",
					   "ftp://node",
					   "http://",
					   "https:///x",
					   "http://user@node bad",
					   "http://n\xc3\xb6",
					   "https://?key" };
	static const struct {
		const char *url, *shown;
	} good[] = {
		{ "http://127.0.0.1:8545", "http://127.0.0.1:8545" },
		{ "http://127.0.0.1:8545/", "http://127.0.0.1:8545" },
		{ "https://mainnet.example/v3/SECRET", "https://mainnet.example/..." },
		{ "https://user:SECRET@mainnet.example/", "https://mainnet.example" },
		{ "https://u:SEC@RET@mainnet.example:8/", "https://mainnet.example:8" },
		{ "https://mainnet.example?key=SECRET", "https://mainnet.example/..." },
		{ "https://mainnet.example#SECRET", "https://mainnet.example/..." },
		{ "http://[::1]:8545/x", "http://[::1]:8545/..." },
	};
	struct endpoints_options opt = options();
	const char *list[ENDPOINTS_MAX + 1];

	opt.urls = list;
	opt.n_urls = 1;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		list[0] = bad[i];
		ck_assert_msg(endpoints_new(&opt, &ep, &err) == -1 && err.code == ERR_CONFIG, "%s", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		list[0] = good[i].url;
		ck_assert_msg(endpoints_new(&opt, &ep, &err) == 0, "%s", good[i].url);
		ck_assert_str_eq(stats(0).url, good[i].shown);
		endpoints_free(ep);
	}
	ep = NULL;
	list[0] = list[1] = good[0].url;
	opt.n_urls = 2;
	ck_assert(endpoints_new(&opt, &ep, &err) == -1 && err.code == ERR_CONFIG);
	opt.n_urls = 0;
	ck_assert(endpoints_new(&opt, &ep, &err) == -1 && err.code == ERR_CONFIG);
	for (size_t i = 0; i <= ENDPOINTS_MAX; i++)
		list[i] = arena_printf(&arena, "http://node%zu", i);
	opt.n_urls = ENDPOINTS_MAX + 1;
	ck_assert(endpoints_new(&opt, &ep, &err) == -1 && err.code == ERR_CONFIG);
	opt.n_urls = ENDPOINTS_MAX;
	ck_assert_int_eq(endpoints_new(&opt, &ep, &err), 0);
	ck_assert_uint_eq(endpoints_count(ep), ENDPOINTS_MAX);
}
END_TEST

static uint64_t counted(const char *method, const char *result)
{
	return metric_value(metric_counter("walletd_evm_rpc_requests_total",
					   arena_printf(&arena, "method=\"%s\",result=\"%s\"", method, result), ""));
}

START_TEST(metrics)
{
	static const struct peer_script down = { .status = 500, .body = "" };
	uint64_t chain = counted("eth_chainId", "ok"), ok = counted("web3_clientVersion", "ok");
	uint64_t failed = counted("web3_clientVersion", "failed"), no = counted("eth_sendRawTransaction", "error");
	struct answer a;

	start(2);
	ask(&a, 3, 0);
	nodes[0].trouble = &down;
	ask(&a, 2, 0);
	nodes[0].trouble = NULL;
	nodes[0].error = "{\"code\":-32000,\"message\":\"nonce too low\"}";
	ask(&a, 1, ASK_SEND);
	ck_assert_uint_eq(counted("eth_chainId", "ok") - chain, 2);
	ck_assert_uint_eq(counted("web3_clientVersion", "ok") - ok, 5);
	ck_assert_uint_eq(counted("web3_clientVersion", "failed") - failed, 2);
	ck_assert_uint_eq(counted("eth_sendRawTransaction", "error") - no, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/endpoints");
	TCase *c = tcase_create("asks");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_first_endpoint_answers);
	tcase_add_test(c, an_error_about_the_call_is_an_answer);
	tcase_add_test(c, as_many_calls_as_a_batch_has);
	tcase_add_test(c, no_more_posts_at_once_than_allowed);
	tcase_add_loop_test(c, the_next_endpoint_answers, 0, ARRAY_LEN(troubles));
	tcase_add_test(c, nobody_answers);
	tcase_add_test(c, a_node_that_is_not_there);
	tcase_add_test(c, a_breaker_opens_and_closes);
	tcase_add_test(c, a_breaker_that_opens_sends_all_who_wait_away);
	tcase_add_test(c, who_asks_to_be_left_alone_is);
	tcase_add_test(c, an_endpoint_of_another_chain_is_out);
	tcase_add_test(c, all_are_of_another_chain);
	tcase_add_test(c, one_is_wrong_and_one_is_down);
	tcase_add_test(c, an_endpoint_without_a_chain_id);
	tcase_add_test(c, the_chain_is_verified_from_time_to_time);
	tcase_add_test(c, what_was_under_way_when_the_chain_changed);
	tcase_add_test(c, another_than_that_one);
	tcase_add_test(c, that_one_alone);
	tcase_add_test(c, an_endpoint_that_lags);
	tcase_add_test(c, a_chain_that_stands_still);
	tcase_add_test(c, an_endpoint_that_lies);
	tcase_add_test(c, a_server_without_batches_is_asked_call_by_call);
	tcase_add_test(c, one_call_of_many_fails);
	tcase_add_test(c, cancelling);
	tcase_add_test(c, a_place_that_becomes_free_is_taken);
	tcase_add_test(c, freeing_cancels_all);
	tcase_add_test(c, done_may_ask);
	tcase_add_test(c, urls);
	tcase_add_test(c, metrics);
	suite_add_tcase(s, c);
	return suite_run(s);
}
