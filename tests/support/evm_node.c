#include "tests/support/evm_node.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/evm/abi.h"
#include "tests/support/http_peer.h"

#define ASKED_MAX    40
#define SAYINGS_MAX  8
#define REPLY_RESETS (16u << 20)

struct evm_node {
	struct http_peer *http;
	struct arena reply, before; /* of this answer; and of the one that may still be on its way out */
	struct evm_chain *chain;
	bool owns_chain, down, pruned;
	uint64_t log_range, lag;
	struct evm_saying sayings[SAYINGS_MAX];
	size_t n_sayings;
	int post_status; /* what becomes of the whole post, or 0 */
	bool post_silent;
	void (*watch)(const char *method);
	struct {
		char method[40];
		unsigned n;
	} asked[ASKED_MAX];
};

static const char *hex0x(struct arena *a, const void *p, size_t n)
{
	return arena_printf(a, "0x%s", hex_text(a, (struct bytes){ p, n }));
}

static const char *hash0x(struct arena *a, struct hash32 h)
{
	return hex0x(a, h.b, sizeof(h.b));
}

static const char *quantity(struct arena *a, uint64_t v)
{
	return arena_printf(a, "0x%" PRIx64, v);
}

static json_t *text(struct arena *a, const char *s)
{
	return json_hold(a, json_string(s));
}

static uint64_t head_of(const struct evm_node *n)
{
	return evm_chain_head(n->chain) - n->lag;
}

/* --- what was asked for --- */

static struct bytes bytes_in(struct evm_node *n, const json_t *v)
{
	struct bytes data;

	ck_assert(json_is_string(v) && hex_decode_any(&n->reply, json_string_value(v) + 2, 512 * 1024, &data));
	return data;
}

static void copy_in(struct evm_node *n, const json_t *v, void *to, size_t size)
{
	struct bytes b = bytes_in(n, v);

	ck_assert_uint_eq(b.n, size);
	memcpy(to, b.p, size);
}

static uint64_t block_in(const struct evm_node *n, const json_t *v)
{
	const char *at = json_string_value(v);

	if (at && strcmp(at, "finalized") == 0)
		return evm_chain_finalized(n->chain);
	return at && text_starts(at, "0x") ? strtoull(at, NULL, 16) : head_of(n);
}

static struct bytes calldata_in(struct evm_node *n, const json_t *params)
{
	const json_t *m = json_array_get(params, 0), *data = json_object_get(m, "data");

	return bytes_in(n, data ? data : json_object_get(m, "input"));
}

/* eth_call by what it calls. */
static const char *name_of(struct evm_node *n, const char *method, const json_t *params)
{
	static const struct {
		const char selector[9], *name;
	} calls[] = {
		{ "6fb43dd2", "call:execute" },     { "9ee014ed", "call:batch" },  { "bd9661c1", "call:revoke" },
		{ "8133f797", "call:nonces_used" }, { "4fe02b44", "call:bitmap" }, { "3a8a8beb", "call:is_nonce_used" },
		{ "f698da25", "call:domain" },
	};
	char selector[9] = "";

	if (strcmp(method, "eth_call") != 0)
		return method;
	hex_encode(calldata_in(n, params).p, 4, selector);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (strcmp(calls[i].selector, selector) == 0)
			return calls[i].name;
	return method;
}

/* --- answers --- */

struct answer {
	json_t *result; /* NULL: an error */
	const char *words, *data;
};

static json_t *block(struct evm_node *n, uint64_t number)
{
	struct arena *a = &n->reply;
	uint64_t age = number < head_of(n) ? head_of(n) - number : 0;
	json_t *b;

	if (number == 0 || number > head_of(n))
		return json_hold(a, json_null());
	b = json_object_in(a);
	json_set_str(b, "number", quantity(a, number));
	json_set_str(b, "hash", hash0x(a, evm_chain_block_hash(n->chain, number)));
	json_set_str(b, "parentHash", hash0x(a, evm_chain_block_hash(n->chain, number - 1)));
	json_set_str(b, "timestamp", quantity(a, (uint64_t)(clock_now_ms() / 1000) - age));
	json_set_str(b, "gasLimit", "0x1c9c380");
	json_set_str(b, "baseFeePerGas", quantity(a, evm_chain_base_fee(n->chain)));
	return b;
}

static json_t *fee_history(struct evm_node *n)
{
	struct arena *a = &n->reply;
	json_t *h = json_object_in(a), *fees = json_array_in(a), *rewards = json_array_in(a), *row = json_array_in(a);

	json_add_take(row, json_string("0x3b9aca00"));
	json_add(rewards, row);
	for (int i = 0; i < 2; i++)
		json_add_take(fees, json_string(quantity(a, evm_chain_base_fee(n->chain))));
	json_set_str(h, "oldestBlock", quantity(a, head_of(n)));
	json_set(h, "baseFeePerGas", fees);
	json_set(h, "reward", rewards);
	return h;
}

/* Topics and data as the contract writes them. */
static void log_content(struct evm_node *n, const struct evm_chain_log *log, json_t *ret)
{
	struct arena *a = &n->reply;
	struct hash32 signer = abi_word_address(&log->signer), nonce = abi_word_u64(log->nonce);
	struct hash32 account = abi_word_address(&log->account), reason = abi_word_u64((uint64_t)log->reason);
	json_t *topics = json_array_in(a);
	const char *data = "0x";

	if (log->event == VERIFIER_REVOKED) {
		json_add_take(topics, json_string(hash0x(a, verifier_topic_revoked)));
	} else {
		bool done = log->event == VERIFIER_EXECUTED;

		json_add_take(topics, json_string(hash0x(a, done ? verifier_topic_executed : verifier_topic_skipped)));
		json_add_take(topics, json_string(hash0x(a, log->id_hash)));
		data = done ? arena_printf(a, "%s%s", hash0x(a, account), hash0x(a, log->digest) + 2)
			    : hash0x(a, reason);
	}
	json_add_take(topics, json_string(hash0x(a, signer)));
	json_add_take(topics, json_string(hash0x(a, nonce)));
	json_set(ret, "topics", topics);
	json_set_str(ret, "data", data);
}

static json_t *log_json(struct evm_node *n, const struct evm_chain_log *log, const struct evm_address *contract)
{
	struct arena *a = &n->reply;
	json_t *one = json_object_in(a);

	json_set_str(one, "address", hex0x(a, contract->b, sizeof(contract->b)));
	log_content(n, log, one);
	json_set_str(one, "blockNumber", quantity(a, log->block));
	json_set_str(one, "blockHash", hash0x(a, evm_chain_block_hash(n->chain, log->block)));
	json_set_str(one, "transactionHash", hash0x(a, log->tx));
	json_set_str(one, "logIndex", "0x0");
	json_set_bool(one, "removed", false);
	return one;
}

/* Does the filter's word at this place name it, or nothing? */
static bool asks_for(const json_t *topics, size_t i, const json_t *have)
{
	const json_t *want = json_array_get(topics, i), *one;
	size_t k;

	if (!want || json_is_null(want))
		return true;
	if (json_is_string(want))
		return json_equal(want, have) == 1;
	json_array_foreach(want, k, one) if (json_equal(one, have) == 1) return true;
	return false;
}

static struct answer logs(struct evm_node *n, const json_t *filter)
{
	const json_t *topics = json_object_get(filter, "topics");
	uint64_t from = block_in(n, json_object_get(filter, "fromBlock"));
	uint64_t to = block_in(n, json_object_get(filter, "toBlock"));
	json_t *list = json_array_in(&n->reply);
	const struct evm_chain_log *all;
	struct evm_address contract;
	size_t n_all;

	if (n->pruned)
		return (struct answer){ .words = "missing trie node" };
	if (n->log_range && to - from >= n->log_range)
		return (struct answer){ .words = "block range is too wide" };
	copy_in(n, json_object_get(filter, "address"), contract.b, sizeof(contract.b));
	all = evm_chain_logs(n->chain, &n_all);
	for (size_t i = 0; i < n_all; i++) {
		json_t *log = log_json(n, &all[i], &contract), *have = json_object_get(log, "topics");
		bool fits = all[i].block >= from && all[i].block <= to && all[i].block <= head_of(n) &&
			    json_array_size(topics) <= json_array_size(have);

		for (size_t k = 0; fits && k < json_array_size(have); k++)
			fits = asks_for(topics, k, json_array_get(have, k));
		if (fits)
			json_add(list, log);
	}
	return (struct answer){ .result = list };
}

static json_t *receipt(struct evm_node *n, const json_t *params)
{
	struct arena *a = &n->reply;
	json_t *r = json_object_in(a), *list = json_array_in(a);
	const struct evm_chain_log *all;
	const struct evm_chain_tx *tx;
	struct evm_address contract = evm_chain_contract(n->chain);
	struct hash32 hash;
	size_t n_all;

	copy_in(n, json_array_get(params, 0), hash.b, sizeof(hash.b));
	tx = evm_chain_mined(n->chain, &hash);
	if (!tx || tx->block > head_of(n))
		return json_hold(a, json_null());
	json_set_str(r, "transactionHash", hash0x(a, hash));
	json_set_str(r, "blockHash", hash0x(a, evm_chain_block_hash(n->chain, tx->block)));
	json_set_str(r, "blockNumber", quantity(a, tx->block));
	json_set_str(r, "status", tx->ok ? "0x1" : "0x0");
	json_set_str(r, "gasUsed", quantity(a, tx->gas_used));
	json_set_str(r, "effectiveGasPrice", quantity(a, gas_price_value(tx->price)));
	json_set_str(r, "from", hex0x(a, tx->from.b, sizeof(tx->from.b)));
	json_set_str(r, "to", hex0x(a, contract.b, sizeof(contract.b)));
	all = evm_chain_logs(n->chain, &n_all);
	for (size_t i = 0; i < n_all; i++)
		if (hash32_equal(&all[i].tx, &hash))
			json_add(list, log_json(n, &all[i], &contract));
	json_set(r, "logs", list);
	return r;
}

static struct answer reverted(struct evm_node *n, const struct bytes *data)
{
	return (struct answer){ .words = "execution reverted",
				.data = data ? hex0x(&n->reply, data->p, data->n) : NULL };
}

static struct answer call(struct evm_node *n, const json_t *params)
{
	struct bytes ret;
	int rc = evm_chain_call(n->chain, &n->reply, calldata_in(n, params), block_in(n, json_array_get(params, 1)),
				&ret);

	if (rc < 0)
		return (struct answer){ .words = "this contract does not do that" };
	return rc > 0 ? reverted(n, &ret)
		      : (struct answer){ .result = text(&n->reply, hex0x(&n->reply, ret.p, ret.n)) };
}

static struct answer estimate(struct evm_node *n, const json_t *params)
{
	uint64_t gas;

	if (!evm_chain_estimate(n->chain, calldata_in(n, params), &gas))
		return reverted(n, NULL);
	return (struct answer){ .result = text(&n->reply, quantity(&n->reply, gas)) };
}

static struct answer send_raw(struct evm_node *n, const json_t *params)
{
	struct hash32 hash;

	switch (evm_chain_send(n->chain, bytes_in(n, json_array_get(params, 0)), &hash)) {
	case EVM_CHAIN_TOOK:
		return (struct answer){ .result = text(&n->reply, hash0x(&n->reply, hash)) };
	case EVM_CHAIN_KNOWN:
		return (struct answer){ .words = "already known" };
	case EVM_CHAIN_NONCE_LOW:
		break;
	}
	return (struct answer){ .words = "nonce too low" };
}

/* Of an account, as of a block. */
static json_t *account(struct evm_node *n, const char *method, const json_t *params)
{
	const char *at = json_string_value(json_array_get(params, 1));
	struct evm_address who;

	copy_in(n, json_array_get(params, 0), who.b, sizeof(who.b));
	if (strcmp(method, "eth_getBalance") == 0) {
		struct wei v = evm_chain_balance(n->chain, &who);

		return text(&n->reply, v.hi ? arena_printf(&n->reply, "0x%" PRIx64 "%016" PRIx64, v.hi, v.lo)
					    : quantity(&n->reply, v.lo));
	}
	return text(&n->reply, quantity(&n->reply, at && strcmp(at, "pending") == 0
							   ? evm_chain_pending(n->chain, &who)
							   : evm_chain_count(n->chain, &who, head_of(n))));
}

static struct answer real_answer(struct evm_node *n, const char *method, const json_t *params)
{
	struct arena *a = &n->reply;
	json_t *v = NULL;

	if (strcmp(method, "eth_call") == 0)
		return call(n, params);
	if (strcmp(method, "eth_estimateGas") == 0)
		return estimate(n, params);
	if (strcmp(method, "eth_sendRawTransaction") == 0)
		return send_raw(n, params);
	if (strcmp(method, "eth_getLogs") == 0)
		return logs(n, json_array_get(params, 0));
	if (strcmp(method, "eth_chainId") == 0)
		v = text(a, quantity(a, evm_chain_id(n->chain)));
	else if (strcmp(method, "eth_blockNumber") == 0)
		v = text(a, quantity(a, head_of(n)));
	else if (strcmp(method, "eth_getBlockByNumber") == 0)
		v = block(n, block_in(n, json_array_get(params, 0)));
	else if (strcmp(method, "eth_getCode") == 0)
		v = text(a, evm_chain_has_code(n->chain) ? "0x60" : "0x");
	else if (strcmp(method, "eth_getBalance") == 0 || strcmp(method, "eth_getTransactionCount") == 0)
		v = account(n, method, params);
	else if (strcmp(method, "eth_feeHistory") == 0)
		v = fee_history(n);
	else if (strcmp(method, "eth_getTransactionReceipt") == 0)
		v = receipt(n, params);
	return (struct answer){ .result = v, .words = "this node does not do that" };
}

/* --- what it was told to say --- */

static struct evm_saying *saying(struct evm_node *n, const char *name)
{
	for (size_t i = 0; i < n->n_sayings; i++)
		if (strcmp(n->sayings[i].method, name) == 0)
			return &n->sayings[i];
	return NULL;
}

static struct answer answer_of(struct evm_node *n, const char *method, const char *name, const json_t *params)
{
	struct evm_saying *s = saying(n, name);
	struct answer real = { 0 };
	json_t *v = NULL;
	struct err err;

	if (!s)
		return real_answer(n, method, params);
	if (s->acts)
		real = real_answer(n, method, params);
	if (s->status || s->silent) {
		n->post_status = s->status;
		n->post_silent = s->silent;
	} else if (s->result) {
		ck_assert_msg(json_parse(&n->reply, bytes_of(arena_printf(&n->reply, "[%s]", s->result)),
					 JSON_DEPTH_MAX, &v, &err) == 0,
			      "%s", err.msg);
		real = (struct answer){ .result = json_array_get(v, 0) };
	} else {
		real = (struct answer){ .words = s->error, .data = s->data };
	}
	if (s->times > 0 && --s->times == 0)
		*s = n->sayings[--n->n_sayings];
	return real;
}

void evm_node_say(struct evm_node *n, const struct evm_saying *s)
{
	struct evm_saying *old = saying(n, s->method);

	ck_assert(old || n->n_sayings < SAYINGS_MAX);
	*(old ? old : &n->sayings[n->n_sayings++]) = *s;
}

void evm_node_error(struct evm_node *n, const char *method, const char *words)
{
	evm_node_say(n, &(struct evm_saying){ .method = method, .error = words });
}

void evm_node_watch(struct evm_node *n, void (*fn)(const char *method))
{
	n->watch = fn;
}

void evm_node_obey(struct evm_node *n)
{
	n->n_sayings = 0;
}

/* --- the server --- */

static void count(struct evm_node *n, const char *name)
{
	size_t i = 0;

	while (i < ASKED_MAX && n->asked[i].n > 0 && strcmp(n->asked[i].method, name) != 0)
		i++;
	ck_assert_uint_lt(i, ASKED_MAX);
	snprintf(n->asked[i].method, sizeof(n->asked[i].method), "%s", name);
	n->asked[i].n++;
}

static json_t *answer(struct evm_node *n, const json_t *asked)
{
	const char *method = json_string_value(json_object_get(asked, "method")), *name;
	const json_t *params = json_object_get(asked, "params");
	json_t *one = json_object_in(&n->reply), *error;
	struct answer got;

	ck_assert_ptr_nonnull(method);
	name = name_of(n, method, params);
	count(n, name);
	if (n->watch)
		n->watch(name);
	got = answer_of(n, method, name, params);
	json_set_str(one, "jsonrpc", "2.0");
	json_set(one, "id", json_object_get(asked, "id"));
	if (got.result) {
		json_set(one, "result", got.result);
		return one;
	}
	error = json_object_in(&n->reply);
	json_set_int(error, "code", -32000);
	json_set_str(error, "message", got.words);
	if (got.data)
		json_set_str(error, "data", got.data);
	json_set(one, "error", error);
	return one;
}

static const struct peer_script *answer_all(void *ctx, const struct peer_request *asked)
{
	static const struct peer_script down = { .status = 503, .body = "down" };
	struct evm_node *n = ctx;
	struct peer_script *script;
	json_t *calls, *all, *one;
	struct err err;
	size_t i;

	if (n->down)
		return &down;
	if (n->reply.used > REPLY_RESETS) {
		arena_done(&n->before);
		n->before = n->reply;
		n->reply = ARENA_LIMIT(256u << 20);
	}
	n->post_status = 0;
	n->post_silent = false;
	ck_assert_msg(json_parse(&n->reply, asked->body, JSON_DEPTH_MAX, &calls, &err) == 0, "%s", err.msg);
	if (json_is_object(calls)) {
		all = answer(n, calls);
	} else {
		all = json_array_in(&n->reply);
		json_array_foreach(calls, i, one) json_add(all, answer(n, one));
	}
	script = ARENA_NEW(&n->reply, struct peer_script);
	if (n->post_silent)
		*script = (struct peer_script){ .raw = "" };
	else if (n->post_status)
		*script = (struct peer_script){ .status = n->post_status, .body = "no" };
	else
		*script = (struct peer_script){ .headers = "Content-Type: application/json\r\n",
						.body = json_text(&n->reply, all) };
	return script;
}

/* --- life --- */

struct evm_node *evm_node_on(struct loop *loop, struct evm_chain *chain)
{
	struct evm_node *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	n->reply = ARENA_LIMIT(256u << 20);
	n->chain = chain;
	n->http = http_peer_new(loop, NULL);
	http_peer_answer(n->http, answer_all, n);
	return n;
}

struct evm_node *evm_node_new(struct loop *loop, uint64_t chain_id, const struct evm_address *contract)
{
	struct evm_node *n = evm_node_on(loop, evm_chain_new(chain_id, contract));

	n->owns_chain = true;
	return n;
}

void evm_node_free(struct evm_node *n)
{
	http_peer_free(n->http);
	if (n->owns_chain)
		evm_chain_free(n->chain);
	arena_done(&n->before);
	arena_done(&n->reply);
	free(n);
}

const char *evm_node_url(struct evm_node *n)
{
	return http_peer_url(n->http, "/v2/" EVM_NODE_KEY);
}

struct evm_chain *evm_node_chain(struct evm_node *n)
{
	return n->chain;
}

void evm_node_down(struct evm_node *n, bool down)
{
	n->down = down;
}

void evm_node_prune(struct evm_node *n, bool pruned)
{
	n->pruned = pruned;
}

void evm_node_log_range(struct evm_node *n, uint64_t blocks)
{
	n->log_range = blocks;
}

void evm_node_lag(struct evm_node *n, uint64_t blocks)
{
	n->lag = blocks;
}

void evm_node_spend(struct evm_node *n, const struct evm_address *signer, uint64_t nonce, const struct hash32 *digest,
		    struct hash32 *ret_tx)
{
	struct hash32 tx = evm_chain_spend(n->chain, signer, nonce, digest, evm_chain_head(n->chain) - 10);

	if (ret_tx)
		*ret_tx = tx;
}

unsigned evm_node_asked(const struct evm_node *n, const char *method)
{
	for (size_t i = 0; i < ASKED_MAX; i++)
		if (strcmp(n->asked[i].method, method) == 0)
			return n->asked[i].n;
	return 0;
}
