#include "rails/evm/rpc_reply.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

/* A log has some 18 values in 700 bytes: this is what JSONRPC_REPLY_MAX bytes of them hold. */
const struct jsonrpc_rules evm_reply_rules = { .max_values = 300000 };

#define REFUSE(err, ...) ERR((err), ERR_PEER_INVALID, __VA_ARGS__)

/* --- hex --- */

/* The digits after 0x. */
static bool hex_digits(const json_t *v, const char **ret, size_t *n)
{
	const char *text = json_string_value(v);

	if (text == NULL || strlen(text) != json_string_length(v) || text[0] != '0' || text[1] != 'x')
		return false;
	*ret = text + 2;
	*n = json_string_length(v) - 2;
	return true;
}

/* Exactly size bytes. */
static int fixed(const json_t *v, const char *name, void *ret, size_t size, struct err *err)
{
	const char *digits;
	size_t n;

	if (!hex_digits(v, &digits, &n) || n != 2 * size || !hex_decode(digits, ret, size))
		return REFUSE(err, "%s is not %zu bytes of hex", name, size);
	return 0;
}

static int quantity(const json_t *v, const char *name, uint8_t ret[32], struct err *err)
{
	char padded[64 + 1];
	const char *digits;
	uint8_t be[32];
	size_t n;

	if (!hex_digits(v, &digits, &n) || n == 0 || n > 64 || (digits[0] == '0' && n > 1))
		return REFUSE(err, "%s is not a quantity", name);
	memset(padded, '0', 64 - n);
	memcpy(padded + 64 - n, digits, n + 1);
	if (!hex_decode(padded, be, sizeof(be)))
		return REFUSE(err, "%s is not a quantity", name);
	memcpy(ret, be, sizeof(be));
	return 0;
}

static int u64(const json_t *v, const char *name, uint64_t *ret, struct err *err)
{
	uint64_t sum = 0;
	uint8_t be[32];

	if (quantity(v, name, be, err) != 0)
		return -1;
	for (size_t i = 0; i < 24; i++)
		if (be[i] != 0)
			return REFUSE(err, "%s has more than 64 bits", name);
	for (size_t i = 24; i < 32; i++)
		sum = sum << 8 | be[i];
	*ret = sum;
	return 0;
}

static int price(const json_t *v, const char *name, struct gas_price *ret, struct err *err)
{
	uint64_t n;

	if (u64(v, name, &n, err) != 0)
		return -1;
	if (!gas_price_from_u64(n, ret))
		return REFUSE(err, "%s is no price of gas", name);
	return 0;
}

static int bytes(struct arena *a, const json_t *v, const char *name, size_t max, struct bytes *ret, struct err *err)
{
	const char *digits;
	size_t n;

	if (!hex_digits(v, &digits, &n) || n % 2 != 0)
		return REFUSE(err, "%s is not whole bytes of hex", name);
	if (n / 2 > max || !arena_room(a, n / 2 + 1))
		return REFUSE(err, "%s has %zu bytes", name, n / 2);
	if (!hex_decode_any(a, digits, max, ret))
		return REFUSE(err, "%s is not hex", name);
	return 0;
}

int evm_reply_u64(const json_t *v, uint64_t *ret, struct err *err)
{
	return u64(v, "the result", ret, err);
}

int evm_reply_u256(const json_t *v, uint8_t ret[32], struct err *err)
{
	return quantity(v, "the result", ret, err);
}

int evm_reply_wei(const json_t *v, struct wei *ret, struct err *err)
{
	uint8_t be[32];

	if (quantity(v, "the result", be, err) != 0)
		return -1;
	if (!wei_from_be(be, ret))
		return REFUSE(err, "the result is more ether than there is");
	return 0;
}

int evm_reply_gas_price(const json_t *v, struct gas_price *ret, struct err *err)
{
	return price(v, "the result", ret, err);
}

int evm_reply_hash(const json_t *v, struct hash32 *ret, struct err *err)
{
	return fixed(v, "the result", ret->b, sizeof(ret->b), err);
}

int evm_reply_data(struct arena *a, const json_t *v, size_t max, struct bytes *ret, struct err *err)
{
	return bytes(a, v, "the result", max, ret, err);
}

int evm_reply_version(struct arena *a, const json_t *v, const char **ret, struct err *err)
{
	const char *text = json_string_value(v);

	if (text == NULL || json_string_length(v) > EVM_VERSION_MAX || strlen(text) != json_string_length(v) ||
	    !text_printable_ascii(text) || !arena_room(a, EVM_VERSION_MAX + 1))
		return REFUSE(err, "the result is not a version");
	*ret = arena_strdup(a, text);
	return 0;
}

/* --- members of objects --- */

static int hash_of(const json_t *obj, const char *name, struct hash32 *ret, struct err *err)
{
	return fixed(json_object_get(obj, name), name, ret->b, sizeof(ret->b), err);
}

static int address_of(const json_t *obj, const char *name, struct evm_address *ret, struct err *err)
{
	return fixed(json_object_get(obj, name), name, ret->b, sizeof(ret->b), err);
}

static int u64_of(const json_t *obj, const char *name, uint64_t *ret, struct err *err)
{
	return u64(json_object_get(obj, name), name, ret, err);
}

static int price_of(const json_t *obj, const char *name, struct gas_price *ret, struct err *err)
{
	return price(json_object_get(obj, name), name, ret, err);
}

static bool is_absent(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return v == NULL || json_is_null(v);
}

/* An object, or null for what the node does not have. */
static int found_object(const json_t *v, const char *what, bool *found, struct err *err)
{
	if (!json_is_null(v) && !json_is_object(v))
		return REFUSE(err, "%s is not an object", what);
	*found = json_is_object(v);
	return 0;
}

/* --- blocks --- */

static int header_read(const json_t *v, struct evm_block *b, struct err *err)
{
	b->has_base_fee = !is_absent(v, "baseFeePerGas");
	if (b->has_base_fee && price_of(v, "baseFeePerGas", &b->base_fee, err) != 0)
		return -1;
	if (u64_of(v, "number", &b->number, err) != 0 || u64_of(v, "timestamp", &b->timestamp_s, err) != 0 ||
	    u64_of(v, "gasLimit", &b->gas_limit, err) != 0 || hash_of(v, "hash", &b->hash, err) != 0 ||
	    hash_of(v, "parentHash", &b->parent_hash, err) != 0)
		return -1;
	return 0;
}

int evm_reply_block(const json_t *v, struct evm_block_ref asked, bool *found, struct evm_block *ret, struct err *err)
{
	struct evm_block b = { 0 };

	if (found_object(v, "a block", found, err) != 0)
		return -1;
	if (!*found)
		return 0;
	if (header_read(v, &b, err) != 0)
		return err_context(err, "a block");
	if (asked.tag == EVM_BLOCK_NUMBER && b.number != asked.number)
		return REFUSE(err, "a block of another number than was asked for");
	*ret = b;
	return 0;
}

/* --- logs --- */

static int topics_read(const json_t *list, struct evm_log *log, struct err *err)
{
	if (!json_is_array(list) || json_array_size(list) > EVM_TOPICS_MAX)
		return REFUSE(err, "topics is not a list of at most %d", EVM_TOPICS_MAX);
	log->n_topics = json_array_size(list);
	for (size_t i = 0; i < log->n_topics; i++)
		if (fixed(json_array_get(list, i), "a topic", log->topics[i].b, sizeof(log->topics[i].b), err) != 0)
			return -1;
	return 0;
}

static int log_read(struct arena *a, const json_t *v, struct evm_log *log, struct err *err)
{
	const json_t *removed = json_object_get(v, "removed");

	if (!json_is_object(v))
		return REFUSE(err, "it is not an object");
	if (removed != NULL && !json_is_boolean(removed))
		return REFUSE(err, "removed is not true or false");
	log->removed = json_is_true(removed);
	if (address_of(v, "address", &log->address, err) != 0 ||
	    topics_read(json_object_get(v, "topics"), log, err) != 0 ||
	    bytes(a, json_object_get(v, "data"), "data", EVM_LOG_DATA_MAX, &log->data, err) != 0 ||
	    u64_of(v, "blockNumber", &log->block_number, err) != 0 || u64_of(v, "logIndex", &log->index, err) != 0 ||
	    hash_of(v, "blockHash", &log->block_hash, err) != 0 ||
	    hash_of(v, "transactionHash", &log->tx_hash, err) != 0)
		return -1;
	return 0;
}

static int logs_read(struct arena *a, const json_t *list, struct evm_log **ret, size_t *n, struct err *err)
{
	size_t count = json_array_size(list);
	struct evm_log *logs;

	if (!json_is_array(list))
		return REFUSE(err, "logs is not a list");
	if (count > EVM_LOGS_MAX || !arena_room(a, (count + 1) * sizeof(*logs)))
		return REFUSE(err, "there are %zu logs", count);
	logs = ARENA_ARRAY(a, count, struct evm_log);
	for (size_t i = 0; i < count; i++)
		if (log_read(a, json_array_get(list, i), &logs[i], err) != 0)
			return err_context(err, "log %zu", i);
	*ret = logs;
	*n = count;
	return 0;
}

static bool topic_matches(const struct evm_topic_filter *f, const struct hash32 *topic)
{
	for (size_t i = 0; i < f->n; i++)
		if (hash32_equal(&f->any[i], topic))
			return true;
	return f->n == 0;
}

static bool log_matches(const struct evm_log_filter *f, const struct evm_log *log)
{
	if (!evm_address_equal(&f->address, &log->address) || log->n_topics < f->n_topics)
		return false;
	if ((f->from.tag == EVM_BLOCK_NUMBER && log->block_number < f->from.number) ||
	    (f->to.tag == EVM_BLOCK_NUMBER && log->block_number > f->to.number))
		return false;
	for (size_t i = 0; i < f->n_topics; i++)
		if (!topic_matches(&f->topics[i], &log->topics[i]))
			return false;
	return true;
}

int evm_reply_logs(struct arena *a, const json_t *v, const struct evm_log_filter *asked, struct evm_log **ret,
		   size_t *n, struct err *err)
{
	struct evm_log *logs;
	size_t count;

	if (logs_read(a, v, &logs, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!log_matches(asked, &logs[i]))
			return REFUSE(err, "log %zu was not asked for", i);
	*ret = logs;
	*n = count;
	return 0;
}

/* --- receipts, transactions --- */

/* A block's number and hash come together, or neither: then the transaction is not in one. */
static int place_read(const json_t *v, bool *mined, uint64_t *number, struct hash32 *hash, struct err *err)
{
	*mined = !is_absent(v, "blockHash");
	if (*mined == is_absent(v, "blockNumber"))
		return REFUSE(err, "half a block");
	if (!*mined)
		return 0;
	return u64_of(v, "blockNumber", number, err) != 0 ? -1 : hash_of(v, "blockHash", hash, err);
}

static int receipt_fields(const json_t *v, struct evm_receipt *r, struct err *err)
{
	uint64_t status;

	if (u64_of(v, "status", &status, err) != 0 || hash_of(v, "transactionHash", &r->tx_hash, err) != 0 ||
	    u64_of(v, "gasUsed", &r->gas_used, err) != 0 ||
	    price_of(v, "effectiveGasPrice", &r->effective_gas_price, err) != 0 ||
	    address_of(v, "from", &r->from, err) != 0)
		return -1;
	if (status > 1)
		return REFUSE(err, "status is neither 0 nor 1");
	r->succeeded = status == 1;
	r->has_to = !is_absent(v, "to");
	return r->has_to ? address_of(v, "to", &r->to, err) : 0;
}

static int receipt_read(struct arena *a, const json_t *v, const struct hash32 *asked, bool *mined,
			struct evm_receipt *r, struct err *err)
{
	if (place_read(v, mined, &r->block_number, &r->block_hash, err) != 0)
		return -1;
	if (!*mined)
		return 0; /* some nodes show one of a transaction that is still in the pool */
	if (receipt_fields(v, r, err) != 0 || logs_read(a, json_object_get(v, "logs"), &r->logs, &r->n_logs, err) != 0)
		return -1;
	if (!hash32_equal(&r->tx_hash, asked))
		return REFUSE(err, "it is of another transaction");
	for (size_t i = 0; i < r->n_logs; i++)
		if (!hash32_equal(&r->logs[i].tx_hash, asked) ||
		    !hash32_equal(&r->logs[i].block_hash, &r->block_hash) || r->logs[i].block_number != r->block_number)
			return REFUSE(err, "log %zu is of another transaction or block", i);
	return 0;
}

int evm_reply_receipt(struct arena *a, const json_t *v, const struct hash32 *asked, bool *found,
		      struct evm_receipt *ret, struct err *err)
{
	struct evm_receipt r = { 0 };

	if (found_object(v, "a receipt", found, err) != 0)
		return -1;
	if (*found && receipt_read(a, v, asked, found, &r, err) != 0)
		return err_context(err, "a receipt");
	if (*found)
		*ret = r;
	return 0;
}

static int tx_read(const json_t *v, const struct hash32 *asked, struct evm_tx_status *tx, struct err *err)
{
	if (place_read(v, &tx->mined, &tx->block_number, &tx->block_hash, err) != 0 ||
	    hash_of(v, "hash", &tx->hash, err) != 0 || address_of(v, "from", &tx->from, err) != 0 ||
	    u64_of(v, "nonce", &tx->nonce, err) != 0)
		return -1;
	if (!hash32_equal(&tx->hash, asked))
		return REFUSE(err, "it is another one");
	return 0;
}

int evm_reply_tx(const json_t *v, const struct hash32 *asked, bool *found, struct evm_tx_status *ret, struct err *err)
{
	struct evm_tx_status tx = { 0 };

	if (found_object(v, "a transaction", found, err) != 0)
		return -1;
	if (!*found)
		return 0;
	if (tx_read(v, asked, &tx, err) != 0)
		return err_context(err, "a transaction");
	*ret = tx;
	return 0;
}

/* --- fees --- */

static int base_fees_read(struct arena *a, const json_t *list, struct evm_fee_history *h, struct err *err)
{
	size_t n = json_array_size(list);

	if (n == 0 || n > EVM_FEE_BLOCKS_MAX + 1 || !arena_room(a, n * sizeof(*h->base_fees)))
		return REFUSE(err, "baseFeePerGas is not a list of 1 to %d", EVM_FEE_BLOCKS_MAX + 1);
	h->n_base_fees = n;
	h->base_fees = ARENA_ARRAY(a, n, struct gas_price);
	for (size_t i = 0; i < n; i++)
		if (price(json_array_get(list, i), "a base fee", &h->base_fees[i], err) != 0)
			return -1;
	return 0;
}

static int reward_row_read(const json_t *row, size_t n_percentiles, size_t i, struct evm_fee_history *h,
			   struct err *err)
{
	if (!json_is_array(row) || json_array_size(row) != n_percentiles)
		return REFUSE(err, "row %zu of reward is not one of %zu", i, n_percentiles);
	for (size_t p = 0; p < n_percentiles; p++)
		if (price(json_array_get(row, p), "a reward", &h->rewards[p][i], err) != 0)
			return -1;
	return 0;
}

/* The next block has a base fee already and no rewards yet. */
static int rewards_read(struct arena *a, const json_t *list, size_t n_percentiles, struct evm_fee_history *h,
			struct err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n >= h->n_base_fees)
		return REFUSE(err, "reward is not a list of one less than the base fees");
	if (!arena_room(a, n_percentiles * (n + 2) * sizeof(**h->rewards)))
		return REFUSE(err, "reward has %zu rows", n);
	h->n_rewards = n;
	for (size_t p = 0; p < n_percentiles; p++)
		h->rewards[p] = ARENA_ARRAY(a, n, struct gas_price);
	for (size_t i = 0; i < n; i++)
		if (reward_row_read(json_array_get(list, i), n_percentiles, i, h, err) != 0)
			return -1;
	return 0;
}

int evm_reply_fee_history(struct arena *a, const json_t *v, size_t n_percentiles, struct evm_fee_history *ret,
			  struct err *err)
{
	struct evm_fee_history h = { 0 };

	assert(n_percentiles <= EVM_FEE_PERCENTILES_MAX);
	if (!json_is_object(v))
		return REFUSE(err, "the fee history is not an object");
	if (u64_of(v, "oldestBlock", &h.oldest_block, err) != 0 ||
	    base_fees_read(a, json_object_get(v, "baseFeePerGas"), &h, err) != 0 ||
	    (n_percentiles > 0 && !is_absent(v, "reward") &&
	     rewards_read(a, json_object_get(v, "reward"), n_percentiles, &h, err) != 0))
		return err_context(err, "the fee history");
	*ret = h;
	return 0;
}
