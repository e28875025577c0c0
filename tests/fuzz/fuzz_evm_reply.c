/* A reply from the node of an EVM chain, which may send anything: the first byte chooses who reads the results, the second
 * how many calls were made, the rest is the body.  A decoder answers with what it was asked for, or with an error of its
 * contract. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/send_class.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static const struct hash32 asked = { { 0x4d, 0x2f } };

static void read_numbers(struct arena *a, const json_t *v, struct err *err)
{
	struct gas_price price;
	uint8_t be[32];
	struct wei wei;
	uint64_t n;

	(void)a;
	if (evm_reply_u64(v, &n, err) == 0)
		must(evm_reply_wei(v, &wei, err) == 0);
	if (evm_reply_gas_price(v, &price, err) == 0)
		must(gas_price_value(price) <= GAS_PRICE_MAX);
	if (evm_reply_wei(v, &wei, err) == 0)
		must(evm_reply_u256(v, be, err) == 0);
}

static void read_data(struct arena *a, const json_t *v, struct err *err)
{
	struct hash32 h;
	struct bytes d;
	const char *version;

	if (evm_reply_data(a, v, EVM_DATA_MAX, &d, err) == 0)
		must(d.n <= EVM_DATA_MAX && 2 * d.n + 2 == json_string_length(v));
	if (evm_reply_hash(v, &h, err) == 0)
		must(json_string_length(v) == 66);
	if (evm_reply_version(a, v, &version, err) == 0)
		must(strlen(version) <= EVM_VERSION_MAX && text_printable_ascii(version));
}

static void read_block(struct arena *a, const json_t *v, struct err *err)
{
	struct evm_block b;
	bool found;

	(void)a;
	if (evm_reply_block(v, evm_block_at(1), &found, &b, err) == 0)
		must(!found || b.number == 1);
}

static void check_logs(const struct evm_log *logs, size_t n)
{
	must(n <= EVM_LOGS_MAX);
	for (size_t i = 0; i < n; i++)
		must(logs[i].n_topics <= EVM_TOPICS_MAX && logs[i].data.n <= EVM_LOG_DATA_MAX);
}

static void read_logs(struct arena *a, const json_t *v, struct err *err)
{
	struct evm_log_filter f = { .from = evm_block_at(1), .to = evm_block_tagged(EVM_LATEST), .n_topics = 2 };
	struct evm_log *logs;
	size_t n;

	must(hex_decode("5fbdb2315678afecb367f032d93f642f64180aa3", f.address.b, sizeof(f.address.b)));
	if (evm_reply_logs(a, v, &f, &logs, &n, err) != 0)
		return;
	check_logs(logs, n);
	for (size_t i = 0; i < n; i++)
		must(logs[i].block_number >= 1 && logs[i].n_topics >= 2 &&
		     evm_address_equal(&logs[i].address, &f.address));
}

static void read_receipt(struct arena *a, const json_t *v, struct err *err)
{
	struct hash32 of;
	struct evm_receipt r;
	bool found;

	/* Of whatever transaction it says it is, so that a mutant gets past this check. */
	if (evm_reply_hash(json_object_get(v, "transactionHash"), &of, err) != 0)
		of = asked;
	if (evm_reply_receipt(a, v, &of, &found, &r, err) != 0 || !found)
		return;
	must(hash32_equal(&r.tx_hash, &of));
	check_logs(r.logs, r.n_logs);
	for (size_t i = 0; i < r.n_logs; i++)
		must(hash32_equal(&r.logs[i].tx_hash, &of) && r.logs[i].block_number == r.block_number);
}

static void read_tx(struct arena *a, const json_t *v, struct err *err)
{
	struct evm_tx_status t;
	struct hash32 of;
	bool found;

	(void)a;
	if (evm_reply_hash(json_object_get(v, "hash"), &of, err) != 0)
		of = asked;
	if (evm_reply_tx(v, &of, &found, &t, err) == 0 && found)
		must(hash32_equal(&t.hash, &of));
}

static void read_fees(struct arena *a, const json_t *v, struct err *err)
{
	struct evm_fee_history h;

	if (evm_reply_fee_history(a, v, 2, &h, err) != 0)
		return;
	must(h.n_base_fees >= 1 && h.n_base_fees <= EVM_FEE_BLOCKS_MAX + 1 && h.n_rewards < h.n_base_fees);
	for (size_t i = 0; i < h.n_rewards; i++)
		must(gas_price_value(h.rewards[0][i]) <= GAS_PRICE_MAX &&
		     gas_price_value(h.rewards[1][i]) <= GAS_PRICE_MAX);
}

static void read_error(struct arena *a, const struct jsonrpc_error *e)
{
	struct bytes data;

	must(e->message != NULL && e->data_text != NULL && strlen(e->message) <= JSONRPC_MESSAGE_MAX);
	must(!evm_error_is_endpoint_failure(e) || evm_send_class_of_error(e) == EVM_SEND_UNKNOWN);
	must(!evm_error_is_endpoint_failure(e) || !evm_error_is_range_too_wide(e));
	if (evm_error_revert_data(a, e, &data))
		must(data.n <= EVM_REVERT_MAX && e->data != NULL);
}

static void (*const readers[])(struct arena *a, const json_t *v, struct err *err) = {
	read_numbers, read_data, read_block, read_logs, read_receipt, read_tx, read_fees,
};

static void read_answer(struct arena *a, const struct jsonrpc_answer *answer, unsigned reader)
{
	struct err err;
	json_t *v;

	(void)evm_send_class_of_answer(answer, &asked);
	err_clear(&err);
	if (jsonrpc_result(answer, &v, &err) == 0) {
		must(answer->flaw == JSONRPC_FINE);
		readers[reader](a, v, &err);
		must(err.code == ERR_NONE || err.code == ERR_PEER_INVALID);
	} else if (err.code == ERR_PEER)
		read_error(a, &answer->error);
	else
		must(err.code == ERR_PEER_INVALID && answer->flaw != JSONRPC_FINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	struct jsonrpc_reply reply;
	size_t n;

	if (size < 2)
		return 0;
	n = 1 + data[1] % 4;
	jsonrpc_decode(&a, (struct bytes){ data + 2, size - 2 }, n, &evm_reply_rules, &reply);
	must(reply.flaw == JSONRPC_FINE ? reply.n == n : reply.n == 0);
	must(reply.flaw <= JSONRPC_TWICE);
	if (reply.flaw == JSONRPC_ONE_ERROR)
		read_error(&a, &reply.refusal);
	for (size_t i = 0; i < reply.n; i++)
		read_answer(&a, &reply.answers[i], data[0] % ARRAY_LEN(readers));
	return 0;
}
