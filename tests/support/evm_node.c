#include "tests/support/evm_node.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/evm/abi.h"
#include "rails/evm/address.h"
#include "rails/evm/directive.h"
#include "rails/evm/verifier_log.h"
#include "tests/support/http_peer.h"

#define HEAD      1000
#define SPENT_MAX 64
#define ASKED_MAX 32

struct spent {
	struct evm_address signer;
	uint64_t nonce;
	bool revoked;
	struct hash32 digest, tx;
};

struct evm_node {
	struct http_peer *http;
	struct arena reply; /* of every answer: one may still be on its way out when the next is made */
	uint64_t chain_id;
	struct evm_address contract;
	bool down, pruned;
	struct spent spent[SPENT_MAX];
	size_t n_spent;
	struct {
		char method[40];
		unsigned n;
	} asked[ASKED_MAX];
};

static const char *hex0x(struct arena *a, const void *p, size_t n)
{
	return arena_printf(a, "0x%s", hex_text(a, (struct bytes){ p, n }));
}

static const char *quantity(struct arena *a, uint64_t v)
{
	return arena_printf(a, "0x%" PRIx64, v);
}

static const char *block_hash(struct arena *a, uint64_t number)
{
	return arena_printf(a, "0x%064" PRIx64, number + 0xb10c0000);
}

/* --- answers --- */

static json_t *block(struct arena *a, uint64_t number)
{
	json_t *b = json_object_in(a);

	json_set_str(b, "number", quantity(a, number));
	json_set_str(b, "hash", block_hash(a, number));
	json_set_str(b, "parentHash", block_hash(a, number - 1));
	json_set_str(b, "timestamp", quantity(a, (uint64_t)(clock_now_ms() / 1000) - (HEAD - number)));
	json_set_str(b, "gasLimit", "0x1c9c380");
	json_set_str(b, "baseFeePerGas", "0x3b9aca00");
	return b;
}

static json_t *fee_history(struct arena *a)
{
	json_t *h = json_object_in(a), *fees = json_array_in(a), *rewards = json_array_in(a), *row = json_array_in(a);

	json_add_take(row, json_string("0x3b9aca00"));
	json_add(rewards, row);
	json_add_take(fees, json_string("0x3b9aca00"));
	json_add_take(fees, json_string("0x3b9aca00"));
	json_set_str(h, "oldestBlock", quantity(a, HEAD));
	json_set(h, "baseFeePerGas", fees);
	json_set(h, "reward", rewards);
	return h;
}

static bool is_spent(const struct evm_node *n, const struct bytes *word_signer, uint64_t nonce)
{
	for (size_t i = 0; i < n->n_spent; i++)
		if (n->spent[i].nonce == nonce && memcmp(n->spent[i].signer.b, word_signer->p + 12, 20) == 0)
			return true;
	return false;
}

static uint64_t low_u64(const uint8_t *word)
{
	uint64_t v = 0;

	for (int i = 24; i < 32; i++)
		v = v << 8 | word[i];
	return v;
}

/* domainSeparator(), isNonceUsed(address,uint64), nonceBitmap(address,uint256): spec/outbox.md 5.2. */
static const char *call_result(struct evm_node *n, struct bytes data)
{
	struct arena *a = &n->reply;
	struct bytes signer = { data.p + 4, 32 };
	struct hash32 word = { { 0 } };

	if (data.n == 4 && memcmp(data.p, "\xf6\x98\xda\x25", 4) == 0) {
		directive_domain(n->chain_id, &n->contract, &word);
	} else if (data.n == 68 && memcmp(data.p, "\x3a\x8a\x8b\xeb", 4) == 0) {
		word.b[31] = is_spent(n, &signer, low_u64(data.p + 36));
	} else if (data.n == 68 && memcmp(data.p, "\x4f\xe0\x2b\x44", 4) == 0) {
		for (unsigned bit = 0; bit < 256; bit++)
			if (is_spent(n, &signer, low_u64(data.p + 36) * 256 + bit))
				word.b[31 - bit / 8] |= (uint8_t)(1u << bit % 8);
	} else {
		return NULL;
	}
	return hex0x(a, word.b, sizeof(word.b));
}

static json_t *log_of(struct evm_node *n, const struct spent *s)
{
	struct arena *a = &n->reply;
	struct hash32 signer = abi_word_address(&s->signer), nonce = abi_word_u64(s->nonce), zero = { { 0 } };
	const struct hash32 *executed[] = { &verifier_topic_executed, &zero, &signer, &nonce };
	const struct hash32 *revoked[] = { &verifier_topic_revoked, &signer, &nonce };
	uint8_t data[64] = { 0 };
	json_t *log = json_object_in(a), *topics = json_array_in(a);

	for (size_t i = 0; i < (s->revoked ? 3u : 4u); i++)
		json_add_take(topics, json_string(hex0x(a, s->revoked ? revoked[i]->b : executed[i]->b, 32)));
	memset(data + 12, 0x11, 20);
	memcpy(data + 32, s->digest.b, 32);
	json_set_str(log, "address", hex0x(a, n->contract.b, 20));
	json_set(log, "topics", topics);
	json_set_str(log, "data", s->revoked ? "0x" : hex0x(a, data, sizeof(data)));
	json_set_str(log, "blockNumber", quantity(a, HEAD - 10));
	json_set_str(log, "blockHash", block_hash(a, HEAD - 10));
	json_set_str(log, "transactionHash", hex0x(a, s->tx.b, 32));
	json_set_str(log, "logIndex", "0x0");
	json_set_bool(log, "removed", false);
	return log;
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

static json_t *logs(struct evm_node *n, const json_t *filter)
{
	const json_t *topics = json_object_get(filter, "topics");
	json_t *list = json_array_in(&n->reply);
	uint64_t from = strtoull(json_string_value(json_object_get(filter, "fromBlock")), NULL, 16);
	uint64_t to = strtoull(json_string_value(json_object_get(filter, "toBlock")), NULL, 16);

	for (size_t i = 0; i < n->n_spent; i++) {
		json_t *log = log_of(n, &n->spent[i]), *have = json_object_get(log, "topics");
		bool fits = HEAD - 10 >= from && HEAD - 10 <= to && json_array_size(topics) <= json_array_size(have);

		for (size_t k = 0; fits && k < json_array_size(have); k++)
			fits = asks_for(topics, k, json_array_get(have, k));
		if (fits)
			json_add(list, log);
	}
	return list;
}

static json_t *text(struct arena *a, const char *s)
{
	return json_hold(a, json_string(s));
}

/* NULL: an error. */
static json_t *result_of(struct evm_node *n, const char *method, const json_t *params)
{
	struct arena *a = &n->reply;
	const json_t *first = json_array_get(params, 0);
	struct bytes data;
	const char *called;

	if (strcmp(method, "eth_chainId") == 0)
		return text(a, quantity(a, n->chain_id));
	if (strcmp(method, "eth_blockNumber") == 0)
		return text(a, quantity(a, HEAD));
	if (strcmp(method, "eth_getBlockByNumber") == 0) {
		const char *at = json_string_value(first);

		return block(a, at && text_starts(at, "0x") ? strtoull(at, NULL, 16) : HEAD);
	}
	if (strcmp(method, "eth_getCode") == 0)
		return text(a, "0x60");
	if (strcmp(method, "eth_getBalance") == 0 || strcmp(method, "eth_getTransactionCount") == 0)
		return text(a, "0x0");
	if (strcmp(method, "eth_feeHistory") == 0)
		return fee_history(a);
	if (strcmp(method, "eth_getTransactionReceipt") == 0)
		return json_hold(a, json_null());
	if (strcmp(method, "eth_getLogs") == 0 && !n->pruned)
		return logs(n, first);
	if (strcmp(method, "eth_call") == 0) {
		const char *hex = json_string_value(json_object_get(first, "data"));

		hex = hex ? hex : json_string_value(json_object_get(first, "input"));
		ck_assert(hex && hex_decode_any(a, hex + 2, 65536, &data));
		called = call_result(n, data);
		return called ? text(a, called) : NULL;
	}
	return NULL;
}

static void count(struct evm_node *n, const char *method)
{
	size_t i = 0;

	while (i < ASKED_MAX && n->asked[i].n > 0 && strcmp(n->asked[i].method, method) != 0)
		i++;
	ck_assert_uint_lt(i, ASKED_MAX);
	snprintf(n->asked[i].method, sizeof(n->asked[i].method), "%s", method);
	n->asked[i].n++;
}

static json_t *answer(struct evm_node *n, const json_t *call)
{
	const char *method = json_string_value(json_object_get(call, "method"));
	json_t *one = json_object_in(&n->reply), *result, *error;

	ck_assert_ptr_nonnull(method);
	count(n, method);
	json_set_str(one, "jsonrpc", "2.0");
	json_set(one, "id", json_object_get(call, "id"));
	result = result_of(n, method, json_object_get(call, "params"));
	if (result) {
		json_set(one, "result", result);
		return one;
	}
	error = json_object_in(&n->reply);
	json_set_int(error, "code", -32000);
	json_set_str(error, "message", n->pruned ? "missing trie node" : "this node does not do that");
	json_set(one, "error", error);
	return one;
}

static const struct peer_script *answer_all(void *ctx, const struct peer_request *asked)
{
	static const struct peer_script down = { .status = 503, .body = "down" };
	struct evm_node *n = ctx;
	struct peer_script *script = ARENA_NEW(&n->reply, struct peer_script);
	json_t *calls, *all, *call;
	struct err err;
	size_t i;

	if (n->down)
		return &down;
	ck_assert_msg(json_parse(&n->reply, asked->body, JSON_DEPTH_MAX, &calls, &err) == 0, "%s", err.msg);
	if (json_is_object(calls)) {
		all = answer(n, calls);
	} else {
		all = json_array_in(&n->reply);
		json_array_foreach(calls, i, call) json_add(all, answer(n, call));
	}
	*script = (struct peer_script){ .headers = "Content-Type: application/json\r\n",
					.body = json_text(&n->reply, all) };
	return script;
}

/* --- life --- */

struct evm_node *evm_node_new(struct loop *loop, uint64_t chain_id, const struct evm_address *contract)
{
	struct evm_node *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	n->reply = ARENA_LIMIT(256u << 20);
	n->chain_id = chain_id;
	n->contract = *contract;
	n->http = http_peer_new(loop, NULL);
	http_peer_answer(n->http, answer_all, n);
	return n;
}

void evm_node_free(struct evm_node *n)
{
	http_peer_free(n->http);
	arena_done(&n->reply);
	free(n);
}

const char *evm_node_url(struct evm_node *n)
{
	return http_peer_url(n->http, "/v2/" EVM_NODE_KEY);
}

void evm_node_down(struct evm_node *n, bool down)
{
	n->down = down;
}

void evm_node_prune(struct evm_node *n, bool pruned)
{
	n->pruned = pruned;
}

void evm_node_spend(struct evm_node *n, const struct evm_address *signer, uint64_t nonce, const struct hash32 *digest,
		    struct hash32 *ret_tx)
{
	struct spent *s = &n->spent[n->n_spent++];

	ck_assert_uint_le(n->n_spent, SPENT_MAX);
	*s = (struct spent){ .signer = *signer, .nonce = nonce, .revoked = digest == NULL };
	if (digest)
		s->digest = *digest;
	memset(s->tx.b, 0x70 + (int)(n->n_spent % 16), sizeof(s->tx.b));
	if (ret_tx)
		*ret_tx = s->tx;
}

unsigned evm_node_asked(const struct evm_node *n, const char *method)
{
	for (size_t i = 0; i < ASKED_MAX; i++)
		if (strcmp(n->asked[i].method, method) == 0)
			return n->asked[i].n;
	return 0;
}
