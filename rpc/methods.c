#include "rpc/methods.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

const struct rpc_method *const rpc_methods[] = {
	&method_status,
	&method_help,
	&method_rpc_discover,
	&method_stop,
	&method_log_level,
	&method_config_show,
	&method_key_create,
	&method_key_list,
	&method_key_rotate,
	&method_key_revoke,
	&method_wallet_create,
	&method_wallet_restore,
	&method_wallet_unlock,
	&method_wallet_lock,
	&method_wallet_info,
	&method_backup_create,
	&method_backup_verify,
	&method_balance,
	&method_history,
	&method_history_export,
	&method_action_kinds,
	&method_action_start,
	&method_action_list,
	&method_action_get,
	&method_action_cancel,
	&method_action_wake,
	&method_action_explain,
	&method_wait,
	&method_events,
	&method_mint_add,
	&method_mint_list,
	&method_mint_set,
	&method_token_decode,
	&method_proof_list,
	&method_lock_key_new,
	&method_lock_key_list,
	&method_payment_request_create,
	&method_payment_request_decode,
	&method_invoice_decode,
	&method_address_new,
	&method_address_list,
	&method_utxo_list,
	&method_tx_get,
	&method_fee_estimate,
	&method_onchain_bump,
	&method_psbt_create,
	&method_psbt_decode,
	&method_psbt_sign,
	&method_psbt_combine,
	&method_psbt_finalize,
	&method_psbt_broadcast,
	&method_vtxo_import,
	&method_vtxo_list,
	&method_vtxo_get,
	&method_vtxo_validate,
	&method_vtxo_export,
	&method_exit_start,
	&method_exit_list,
	&method_exit_get,
	&method_exit_cancel,
	&method_exit_feerate,
	&method_exit_claim,
	&method_exit_sign,
	&method_exit_preimage,
	&method_exit_cpfp_requests,
	&method_exit_cpfp_provide,
	&method_exit_plan,
	&method_exit_prepare,
	&method_exit_server,
	&method_channel_list,
	&method_directive_append,
	&method_directive_list,
	&method_directive_get,
	&method_directive_retry,
	&method_directive_resolve,
	&method_directive_stats,
	&method_outbox_lanes,
	&method_outbox_spaces,
	&method_outbox_pause,
	&method_outbox_resume,
	&method_outbox_cancel_slot,
	&method_outbox_nonce_advance,
	NULL,
};

const struct rpc_method *rpc_method_of(const char *name)
{
	for (size_t i = 0; rpc_methods[i]; i++)
		if (strcmp(rpc_methods[i]->name, name) == 0)
			return rpc_methods[i];
	return NULL;
}

const char *rpc_param_str(const struct rpc_call *call, const char *name)
{
	return json_string_value(json_object_get(call->params, name));
}

int64_t rpc_param_int(const struct rpc_call *call, const char *name, int64_t fallback)
{
	const json_t *v = json_object_get(call->params, name);

	return v ? json_integer_value(v) : fallback;
}

bool rpc_param_bool(const struct rpc_call *call, const char *name)
{
	return json_is_true(json_object_get(call->params, name));
}

int rpc_param_cursor(const struct rpc_call *call, int64_t *ret, struct err *err)
{
	const char *text = rpc_param_str(call, "after");

	*ret = 0;
	if (!text || parse_i64(text, 1, INT64_MAX, ret))
		return 0;
	ERR(err, ERR_PARAM, "after is no cursor of this list");
	return err_field(err, "after");
}

void rpc_set_next(json_t *result, int64_t row)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, row);
	json_set_str(result, "next", row ? text : NULL);
}
