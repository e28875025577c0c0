#include "tests/support/fake_bitcoind.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/bitcoin/tx.h"

#define RULES_MAX   256
#define METHODS_MAX 64
#define ZEROS       "0000000000000000000000000000000000000000000000000000000000000000"

struct rule {
	char *method, *params; /* params NULL: any */
	char *member;          /* "result":… or "error":… */
};

struct seen {
	char *method, *params;
	unsigned calls;
};

struct fake_bitcoind {
	struct http_peer *peer;
	struct arena arena; /* of the answer that is on its way */
	struct rule rules[RULES_MAX];
	size_t n_rules;
	struct seen seen[METHODS_MAX];
	size_t n_seen;
	struct peer_script script, fault;
	unsigned faults;
	char *login;
	bool takes;   /* transactions */
	bool unspent; /* whatever is asked for */
	char *taken;
};

static char *text_copy(const char *text)
{
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	return copy;
}

/* --- what it was asked --- */

static struct seen *seen_of(const struct fake_bitcoind *n, const char *method)
{
	for (size_t i = 0; i < n->n_seen; i++)
		if (strcmp(n->seen[i].method, method) == 0)
			return (struct seen *)(uintptr_t)&n->seen[i];
	return NULL;
}

static void note(struct fake_bitcoind *n, const char *method, const char *params)
{
	struct seen *s = seen_of(n, method);

	if (s == NULL) {
		ck_assert_uint_lt(n->n_seen, METHODS_MAX);
		s = &n->seen[n->n_seen++];
		s->method = text_copy(method);
	}
	free(s->params);
	s->params = text_copy(params);
	s->calls++;
}

unsigned fake_bitcoind_calls(const struct fake_bitcoind *n, const char *method)
{
	const struct seen *s = seen_of(n, method);

	return s != NULL ? s->calls : 0;
}

const char *fake_bitcoind_params(const struct fake_bitcoind *n, const char *method)
{
	const struct seen *s = seen_of(n, method);

	return s != NULL ? s->params : "";
}

/* --- what it says --- */

static void rule_add(struct fake_bitcoind *n, const char *method, const char *params, char *member)
{
	ck_assert_uint_lt(n->n_rules, RULES_MAX);
	n->rules[n->n_rules++] = (struct rule){ text_copy(method), params != NULL ? text_copy(params) : NULL, member };
}

void fake_bitcoind_on_params(struct fake_bitcoind *n, const char *method, const char *params, const char *result)
{
	char *member;

	ck_assert_int_gt(asprintf(&member, "\"result\":%s", result), 0);
	rule_add(n, method, params, member);
}

void fake_bitcoind_on(struct fake_bitcoind *n, const char *method, const char *result)
{
	fake_bitcoind_on_params(n, method, NULL, result);
}

void fake_bitcoind_error(struct fake_bitcoind *n, const char *method, int code, const char *message)
{
	char *member;

	ck_assert_int_gt(asprintf(&member, "\"error\":{\"code\":%d,\"message\":\"%s\"}", code, message), 0);
	rule_add(n, method, NULL, member);
}

static void rule_free(struct rule *r)
{
	free(r->method);
	free(r->params);
	free(r->member);
}

void fake_bitcoind_undo(struct fake_bitcoind *n)
{
	rule_free(&n->rules[--n->n_rules]);
}

/* The answer of a mempool that takes it. */
static const char *take(struct fake_bitcoind *n, const json_t *call)
{
	const char *hex = json_string_value(json_array_get(json_object_get(call, "params"), 0));
	char text[TXID_TEXT];
	struct bytes raw;
	struct txid txid;
	struct err err;
	struct tx tx;

	ck_assert_ptr_nonnull(hex);
	ck_assert(hex_decode_any(&n->arena, hex, TX_SIZE_MAX, &raw));
	ck_assert_int_eq(tx_decode(&n->arena, raw, &tx, &err), 0);
	free(n->taken);
	n->taken = text_copy(hex);
	txid = tx_txid(&tx);
	txid_text(&txid, text);
	return arena_printf(&n->arena, "\"result\":\"%s\"", text);
}

void fake_bitcoind_take(struct fake_bitcoind *n)
{
	n->takes = true;
}

const char *fake_bitcoind_taken(const struct fake_bitcoind *n)
{
	return n->taken != NULL ? n->taken : "";
}

/* gettxspendingprevout says of each what was asked, and no more; gettxout has it. */
static const char *say_unspent(struct fake_bitcoind *n, const char *method, const json_t *call)
{
	if (strcmp(method, "gettxout") == 0)
		return "\"result\":{\"bestblock\":\"" ZEROS "\",\"confirmations\":1,\"value\":0.01,"
		       "\"scriptPubKey\":{\"hex\":\"51\"},\"coinbase\":false}";
	return arena_printf(&n->arena, "\"result\":%s",
			    json_text(&n->arena, json_array_get(json_object_get(call, "params"), 0)));
}

void fake_bitcoind_unspent(struct fake_bitcoind *n)
{
	n->unspent = true;
}

static bool has_rule(const struct fake_bitcoind *n, const char *method)
{
	for (size_t i = 0; i < n->n_rules; i++)
		if (strcmp(n->rules[i].method, method) == 0)
			return true;
	return false;
}

static const char *member_for(const struct fake_bitcoind *n, const char *method, const char *params)
{
	for (size_t i = n->n_rules; i-- > 0;) {
		const struct rule *r = &n->rules[i];

		if (strcmp(r->method, method) == 0 && (r->params == NULL || strcmp(r->params, params) == 0))
			return r->member;
	}
	return "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";
}

static void answer_call(struct fake_bitcoind *n, const json_t *call, struct buf *to)
{
	const char *method = json_string_value(json_object_get(call, "method"));
	const char *params = json_text(&n->arena, json_object_get(call, "params"));
	bool asks_coin, known;
	const char *member;

	ck_assert_ptr_nonnull(method);
	note(n, method, params);
	known = has_rule(n, method);
	asks_coin = strcmp(method, "gettxspendingprevout") == 0 || strcmp(method, "gettxout") == 0;
	if (n->takes && !known && strcmp(method, "sendrawtransaction") == 0)
		member = take(n, call);
	else if (n->unspent && !known && asks_coin)
		member = say_unspent(n, method, call);
	else
		member = member_for(n, method, params);
	buf_printf(to, "{\"jsonrpc\":\"2.0\",%s,\"id\":%lld}", member,
		   (long long)json_integer_value(json_object_get(call, "id")));
}

static const struct peer_script *on_request(void *ctx, const struct peer_request *asked)
{
	SCOPED(buf) struct buf body = BUF_CAP(32 * 1024 * 1024);
	struct fake_bitcoind *n = ctx;
	struct err err;
	json_t *v;

	arena_reset(&n->arena);
	if (n->faults > 0) {
		n->faults--;
		return &n->fault;
	}
	n->script = (struct peer_script){ .status = 401 };
	if (n->login != NULL && strstr(asked->head, n->login) == NULL)
		return &n->script;
	ck_assert_msg(json_parse(&n->arena, asked->body, JSON_DEPTH_MAX, &v, &err) == 0, "%s", err.msg);
	if (json_is_array(v)) {
		/* Backwards: a client goes by the ids. */
		for (size_t i = json_array_size(v); i-- > 0;) {
			buf_text_add(&body, body.n == 0 ? "[" : ",");
			answer_call(n, json_array_get(v, i), &body);
		}
		buf_text_add(&body, "]");
	} else {
		answer_call(n, v, &body);
	}
	n->script = (struct peer_script){ .body = arena_strdup(&n->arena, buf_text(&body)) };
	return &n->script;
}

void fake_bitcoind_fault(struct fake_bitcoind *n, const struct peer_script *script, unsigned times)
{
	n->fault = *script;
	n->faults = times;
}

void fake_bitcoind_login(struct fake_bitcoind *n, const char *value)
{
	free(n->login);
	n->login = value != NULL ? text_copy(value) : NULL;
}

/* --- making and ending --- */

#define GENESIS "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"

struct fake_bitcoind *fake_bitcoind_new(struct loop *loop)
{
	struct fake_bitcoind *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	n->arena = ARENA_LIMIT(64 * 1024 * 1024);
	n->peer = http_peer_new(loop, NULL);
	http_peer_answer(n->peer, on_request, n);
	fake_bitcoind_on(n, "getblockchaininfo",
			 "{\"chain\":\"regtest\",\"blocks\":0,\"headers\":0,\"bestblockhash\":\"" GENESIS
			 "\",\"initialblockdownload\":false,\"pruned\":false}");
	fake_bitcoind_on(
		n, "getmempoolinfo",
		"{\"loaded\":true,\"size\":0,\"bytes\":0,\"maxmempool\":300000000,\"mempoolminfee\":0.00001000,"
		"\"minrelaytxfee\":0.00001000,\"incrementalrelayfee\":0.00001000}");
	fake_bitcoind_on(n, "getnetworkinfo",
			 "{\"version\":290100,\"subversion\":\"/Satoshi:29.1.0/\",\"localrelay\":true,"
			 "\"relayfee\":0.00001000,\"incrementalfee\":0.00001000}");
	fake_bitcoind_on(n, "getindexinfo", "{\"txindex\":{\"synced\":true,\"best_block_height\":0}}");
	fake_bitcoind_on_params(n, "getblockhash", "[0]", "\"" GENESIS "\"");
	return n;
}

void fake_bitcoind_free(struct fake_bitcoind *n)
{
	http_peer_free(n->peer);
	for (size_t i = 0; i < n->n_rules; i++)
		rule_free(&n->rules[i]);
	for (size_t i = 0; i < n->n_seen; i++) {
		free(n->seen[i].method);
		free(n->seen[i].params);
	}
	arena_done(&n->arena);
	free(n->login);
	free(n->taken);
	free(n);
}

struct http_peer *fake_bitcoind_peer(struct fake_bitcoind *n)
{
	return n->peer;
}

const char *fake_bitcoind_url(struct fake_bitcoind *n)
{
	return http_peer_url(n->peer, "/");
}
