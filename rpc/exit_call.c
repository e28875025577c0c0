#include "rpc/exit_call.h"

#include "actions/executor.h"
#include "actions/onchain.h"
#include "exit/exit.h"
#include "exit/plan.h"
#include "rpc/methods.h"
#include "rpc/state.h"

const struct onchain_policy *exit_call_policy(const struct rpc_call *call)
{
	return &executor_policy(call->server->opt.executor)->onchain;
}

uint32_t exit_call_margin(const struct rpc_call *call)
{
	return call->server->opt.exit_margin ? call->server->opt.exit_margin : EXIT_MARGIN_DEFAULT;
}

int exit_call_check(const struct rpc_call *call, struct err *err)
{
	if (call->server->opt.exits)
		return 0;
	ERR(err, ERR_CONFIG, "no node is configured to take an exit to");
	return err_hint(err, "set bitcoind_url or esplora_url in walletd.conf");
}

/* Once the unit is durable; carries nothing. */
void exit_call_kick(void *ctx, const struct err *failed)
{
	if (!failed)
		exits_claims_kick(ctx);
}

int exit_call_id(const struct rpc_call *call, struct outpoint *ret, struct err *err)
{
	if (outpoint_parse(rpc_param_str(call, "vtxo_id"), ret))
		return 0;
	ERR(err, ERR_PARAM, "this is no id of a VTXO: txid:vout");
	return err_field(err, "vtxo_id");
}

int exit_call_ids(const struct rpc_call *call, struct outpoint **ret, size_t *n, struct err *err)
{
	const json_t *list = json_object_get(call->params, "vtxo_ids");

	*n = json_array_size(list);
	*ret = ARENA_ARRAY(call->arena, *n, struct outpoint);
	for (size_t i = 0; i < *n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !outpoint_parse(text, &(*ret)[i])) {
			ERR(err, ERR_PARAM, "the %zu. is no id of a VTXO: txid:vout", i + 1);
			return err_field(err, "vtxo_ids");
		}
	}
	return 0;
}

/* 1: the parameter was given, 0, -1. */
int exit_call_rate(const struct rpc_call *call, struct feerate *ret, struct err *err)
{
	const char *text = rpc_param_str(call, "feerate");

	if (!text)
		return 0;
	return onchain_feerate_parse(executor_chain(call->server->opt.executor), exit_call_policy(call), text, ret,
				     err) != 0
		       ? -1
		       : 1;
}
