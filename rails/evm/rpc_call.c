#include "rails/evm/rpc_call.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

struct evm_block_ref evm_block_at(uint64_t number)
{
	return (struct evm_block_ref){ .tag = EVM_BLOCK_NUMBER, .number = number };
}

struct evm_block_ref evm_block_tagged(enum evm_block_tag tag)
{
	assert(tag != EVM_BLOCK_NUMBER);
	return (struct evm_block_ref){ .tag = tag };
}

/* --- values, each a new reference --- */

static json_t *quantity(uint64_t v)
{
	char text[2 + 16 + 1];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return json_string(text);
}

/* As long as it has to be: a deployment is a megabyte of hex. */
static json_t *data(const void *p, size_t n)
{
	SCOPED(buf) struct buf text = BUF_CAP(SIZE_MAX);
	char hex[2 * 512 + 1];

	buf_text_add(&text, "0x");
	for (size_t i = 0; i < n; i += 512) {
		hex_encode((const uint8_t *)p + i, n - i < 512 ? n - i : 512, hex);
		buf_text_add(&text, hex);
	}
	return json_string(buf_text(&text));
}

static json_t *address(const struct evm_address *a)
{
	return data(a->b, sizeof(a->b));
}

static json_t *hash(const struct hash32 *h)
{
	return data(h->b, sizeof(h->b));
}

static json_t *block(struct evm_block_ref at)
{
	switch (at.tag) {
	case EVM_BLOCK_NUMBER:
		return quantity(at.number);
	case EVM_LATEST:
		return json_string("latest");
	case EVM_PENDING:
		return json_string("pending");
	case EVM_FINALIZED:
		return json_string("finalized");
	}
	return NULL;
}

static json_t *message(const struct evm_message *m)
{
	json_t *v = json_object();

	if (m->from != NULL)
		json_set_take(v, "from", address(m->from));
	json_set_take(v, "to", address(&m->to));
	json_set_take(v, "data", data(m->data.p, m->data.n));
	return v;
}

/* --- calls --- */

static size_t ask(struct jsonrpc_batch *b, const char *method)
{
	return jsonrpc_add(b, method, json_array_in(b->arena));
}

static size_t ask_one(struct jsonrpc_batch *b, const char *method, json_t *param)
{
	json_t *params = json_array_in(b->arena);

	json_add_take(params, param);
	return jsonrpc_add(b, method, params);
}

static size_t ask_two(struct jsonrpc_batch *b, const char *method, json_t *first, json_t *second)
{
	json_t *params = json_array_in(b->arena);

	json_add_take(params, first);
	json_add_take(params, second);
	return jsonrpc_add(b, method, params);
}

size_t evm_ask_chain_id(struct jsonrpc_batch *b)
{
	return ask(b, "eth_chainId");
}

size_t evm_ask_block_number(struct jsonrpc_batch *b)
{
	return ask(b, "eth_blockNumber");
}

size_t evm_ask_block(struct jsonrpc_batch *b, struct evm_block_ref at)
{
	return ask_two(b, "eth_getBlockByNumber", block(at), json_false());
}

size_t evm_ask_code(struct jsonrpc_batch *b, const struct evm_address *contract, struct evm_block_ref at)
{
	return ask_two(b, "eth_getCode", address(contract), block(at));
}

size_t evm_ask_balance(struct jsonrpc_batch *b, const struct evm_address *account, struct evm_block_ref at)
{
	return ask_two(b, "eth_getBalance", address(account), block(at));
}

size_t evm_ask_tx_count(struct jsonrpc_batch *b, const struct evm_address *account, struct evm_block_ref at)
{
	return ask_two(b, "eth_getTransactionCount", address(account), block(at));
}

size_t evm_ask_call(struct jsonrpc_batch *b, const struct evm_message *m, struct evm_block_ref at)
{
	return ask_two(b, "eth_call", message(m), block(at));
}

size_t evm_ask_estimate(struct jsonrpc_batch *b, const struct evm_message *m, struct evm_block_ref at)
{
	return ask_two(b, "eth_estimateGas", message(m), block(at));
}

size_t evm_ask_fee_history(struct jsonrpc_batch *b, uint32_t n_blocks, struct evm_block_ref newest,
			   const uint8_t *percentiles, size_t n_percentiles)
{
	json_t *params = json_array_in(b->arena), *list = json_array();

	assert(n_blocks >= 1 && n_blocks <= EVM_FEE_BLOCKS_MAX && n_percentiles <= EVM_FEE_PERCENTILES_MAX);
	json_add_take(params, quantity(n_blocks));
	json_add_take(params, block(newest));
	json_add_take(params, list);
	for (size_t i = 0; i < n_percentiles; i++) {
		assert(percentiles[i] <= 100 && (i == 0 || percentiles[i - 1] < percentiles[i]));
		json_add_take(list, json_integer(percentiles[i]));
	}
	return jsonrpc_add(b, "eth_feeHistory", params);
}

size_t evm_ask_priority_fee(struct jsonrpc_batch *b)
{
	return ask(b, "eth_maxPriorityFeePerGas");
}

size_t evm_ask_send(struct jsonrpc_batch *b, struct bytes raw)
{
	return ask_one(b, "eth_sendRawTransaction", data(raw.p, raw.n));
}

size_t evm_ask_receipt(struct jsonrpc_batch *b, const struct hash32 *tx)
{
	return ask_one(b, "eth_getTransactionReceipt", hash(tx));
}

size_t evm_ask_tx(struct jsonrpc_batch *b, const struct hash32 *tx)
{
	return ask_one(b, "eth_getTransactionByHash", hash(tx));
}

static json_t *topic(const struct evm_topic_filter *t)
{
	json_t *list;

	if (t->n == 0)
		return json_null();
	if (t->n == 1)
		return hash(t->any);
	list = json_array();
	for (size_t i = 0; i < t->n; i++)
		json_add_take(list, hash(&t->any[i]));
	return list;
}

size_t evm_ask_logs(struct jsonrpc_batch *b, const struct evm_log_filter *filter)
{
	json_t *v = json_object(), *topics = json_array();

	assert(filter->n_topics <= EVM_TOPICS_MAX);
	json_set_take(v, "fromBlock", block(filter->from));
	json_set_take(v, "toBlock", block(filter->to));
	json_set_take(v, "address", address(&filter->address));
	json_set_take(v, "topics", topics);
	for (size_t i = 0; i < filter->n_topics; i++)
		json_add_take(topics, topic(&filter->topics[i]));
	return ask_one(b, "eth_getLogs", v);
}

size_t evm_ask_client_version(struct jsonrpc_batch *b)
{
	return ask(b, "web3_clientVersion");
}
