#include "actions/executor.h"
#include "actions/invoice.h"
#include "base/clock.h"
#include "rpc/methods.h"
#include "rpc/state.h"

#define INVOICE_MAX 8192

static struct rpc_outcome invoice_decode(struct rpc_call *call)
{
	const struct rpc_server_options *opt = &call->server->opt;
	enum network net = executor_policy(opt->executor)->onchain.network;
	struct err err;
	json_t *result;

	if (invoice_describe(store_view(opt->store), call->arena, rpc_param_str(call, "invoice"), net,
			     clock_now_ms() / 1000, &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct param invoice_decode_params[] = {
	{ .name = "invoice",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = INVOICE_MAX,
	  .help = "A BOLT 11 invoice (lnbc…)." },
	{ 0 },
};
static const struct rpc_field invoice_decode_result[] = {
	{ "network", "string", "What it is to be paid on." },
	{ "amount_msat", "integer", "In thousandths of a satoshi. Absent: left to who pays." },
	{ "description", "string", "What it is for, in the payee's words; null when there is only a hash of it." },
	{ "description_hash", "string", "SHA-256 of a description that was given elsewhere." },
	{ "payment_hash", "string", "Of the payment; its preimage is the receipt." },
	{ "payee", "string", "Public key of the node that signed it." },
	{ "made_at_s", "integer", "Unix time by the payee's clock." },
	{ "expires_at_s", "integer", "When it can no longer be paid." },
	{ "payable", "boolean", "Is it of this network, not expired, and not paid by this wallet?" },
	{ "reason", "string", "Why it is not payable." },
	{ "paid", "boolean", "Has this wallet paid it?" },
	{ "action_id", "string", "The action that pays it, or has paid it." },
	{ 0 },
};
const struct rpc_method method_invoice_decode = {
	.name = "invoice.decode",
	.scope = RPC_READ,
	.params = invoice_decode_params,
	.result = invoice_decode_result,
	.help = "What a Lightning invoice asks for. action.start cashu_melt with invoice pays it.",
	.example = "{\"invoice\":\"lnbc…\"}",
	.run = invoice_decode,
};
