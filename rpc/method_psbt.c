#include <string.h>

#include "actions/executor.h"
#include "actions/onchain_order.h"
#include "actions/onchain_psbt.h"
#include "base/clock.h"
#include "rpc/action_wait.h"
#include "rpc/auth.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"

#define PSBTS_MAX 20

static struct onchain_psbt_wallet wallet_in(const struct rpc_call *call, struct view v)
{
	struct executor *ex = call->server->opt.executor;

	return (struct onchain_psbt_wallet){ v, executor_policy(ex)->onchain.network, executor_keys(ex) };
}

static void set_txid(json_t *obj, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(obj, "txid", text);
}

#define PSBT_PARAM                                                                                                     \
	{                                                                                                              \
		.name = "psbt", .type = PARAM_STRING, .flags = PARAM_REQUIRED | PARAM_FILE, .min = 1,                  \
		.max = ONCHAIN_PSBT_TEXT_MAX, .help = "In base64: cHNidP8…"                                          \
	}

/* --- psbt.create --- */

/* All parameters but the key are the kind's. */
static json_t *order_of(const struct rpc_call *call)
{
	json_t *params = json_hold(call->arena, json_copy(call->params));

	json_object_del(params, "idempotency_key");
	json_set_bool(params, "psbt", true);
	return params;
}

static int create(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct action_request req = { .kind = "onchain_send", .params = order_of(call) };
	const json_t *spend;
	json_t *plan;
	bool existing;

	if (executor_start(call->server->opt.executor, u, call->arena, &req, &call->action, &existing, &plan, err) != 0)
		return -1;
	spend = json_object_get(plan, "spend_sat");
	if (spend &&
	    auth_spend(u, &call->caller, &call->action, (uint64_t)json_integer_value(spend), clock_now_ms(), err) != 0)
		return -1;
	json_object_del(plan, "spend_sat");
	json_set_str(plan, "action_id", call->action.s);
	*ret = plan;
	return 0;
}

static void created(struct rpc_call *call, json_t *result)
{
	executor_kick(call->server->opt.executor, &call->action);
	rpc_finish(call, rpc_ok(result));
}

static struct rpc_outcome psbt_create_run(struct rpc_call *call)
{
	return rpc_mutate(call, create, created);
}

static const struct param psbt_create_params[] = { ORDER_PARAMS, RPC_KEY_PARAM, { 0 } };
static const struct rpc_field psbt_create_result[] = {
	{ "psbt", "string", "For the signer, in base64." },
	{ "action_id", "string", "The payment that waits for it and keeps the coins; action.cancel frees them." },
	{ "txid", "string", "Of the transaction; signing does not change it." },
	{ "inputs", "array", "outpoint and amount_sat." },
	{ "outputs", "array", "address, script, amount_sat, change." },
	{ "amount_sat", "integer", "What leaves the wallet, without the fee." },
	{ "fee_sat", "integer", "The fee, exactly." },
	{ "feerate", "string", "sat/vB." },
	{ "vsize", "integer", "Virtual bytes, once it is signed." },
	{ "change_sat", "integer", "What comes back." },
	{ "remains_sat", "integer", "What can still be spent." },
	{ 0 },
};
const struct rpc_method method_psbt_create = {
	.name = "psbt.create",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = psbt_create_params,
	.result = psbt_create_result,
	.help = "A payment to be signed elsewhere: the coins are reserved, and the action waits for psbt.broadcast.",
	.example = "{\"address\":\"bc1q…\",\"amount_sat\":25000,\"target\":\"slow\"}",
	.run = psbt_create_run,
};

/* --- psbt.decode --- */

static struct rpc_outcome psbt_decode_run(struct rpc_call *call)
{
	struct onchain_psbt_wallet w = wallet_in(call, store_view(call->server->opt.store));
	json_t *result;
	struct err err;

	if (onchain_psbt_show(call->arena, &w, rpc_param_str(call, "psbt"), &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct param psbt_params[] = { PSBT_PARAM, { 0 } };
static const struct rpc_field psbt_decode_result[] = {
	{ "txid", "string", "Of its transaction." },
	{ "version", "integer", "Of its transaction." },
	{ "locktime", "integer", "Of its transaction." },
	{ "inputs", "array",
	  "outpoint, amount_sat, address and script where it says so, ours, state (open, signed, final)." },
	{ "outputs", "array", "address, script, amount_sat, ours, change." },
	{ "fee_sat", "integer", "As it says itself, or null." },
	{ 0 },
};
const struct rpc_method method_psbt_decode = {
	.name = "psbt.decode",
	.scope = RPC_READ,
	.params = psbt_params,
	.result = psbt_decode_result,
	.help = "What a PSBT says, and what of it is this wallet's. What it says of others' coins is not verified.",
	.example = "{\"psbt\":\"cHNidP8…\"}",
	.run = psbt_decode_run,
};

/* --- psbt.sign --- */

/* A payment of ours was counted when it was made, and what was signed once is not counted again. */
static int charge(struct unit *u, const struct rpc_call *call, const struct onchain_psbt_signed *done, struct err *err)
{
	struct action_id id;
	char text[TXID_TEXT];

	if (!action_id_is_empty(&done->holder))
		return 0;
	txid_text(&done->txid, text);
	if (!action_id_parse(arena_printf(call->arena, "psbt.%.32s", text), &id))
		return ERR(err, ERR_INTERNAL, "a transaction has no name");
	return auth_spend_once(u, &call->caller, &id, done->spend_sat, clock_now_ms(), err);
}

static int sign(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct onchain_psbt_wallet w = wallet_in(call, unit_view(u));
	json_t *result = json_object_in(call->arena);
	struct onchain_psbt_signed done;

	if (onchain_psbt_sign(call->arena, &w, rpc_param_str(call, "psbt"), &done, err) != 0)
		return -1;
	if (charge(u, call, &done, err) != 0)
		return -1;
	json_set_str(result, "psbt", done.text);
	set_txid(result, &done.txid);
	json_set_u64(result, "signed", done.n_signed);
	json_set_u64(result, "open", done.n_open);
	json_set_u64(result, "spend_sat", done.spend_sat);
	json_set_str(result, "action_id", action_id_is_empty(&done.holder) ? NULL : done.holder.s);
	*ret = result;
	return 0;
}

static struct rpc_outcome psbt_sign_run(struct rpc_call *call)
{
	return rpc_mutate(call, sign, NULL);
}

static const struct param psbt_sign_params[] = { PSBT_PARAM, RPC_KEY_PARAM, { 0 } };
static const struct rpc_field psbt_sign_result[] = {
	{ "psbt", "string", "With the signatures." },
	{ "txid", "string", "Of its transaction." },
	{ "signed", "integer", "How many inputs this wallet has signed now." },
	{ "open", "integer", "How many inputs nobody has signed." },
	{ "spend_sat", "integer", "What leaves this wallet by it, its part of the fee included." },
	{ "action_id", "string", "The payment that waits for it, or null." },
	{ 0 },
};
const struct rpc_method method_psbt_sign = {
	.name = "psbt.sign",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = psbt_sign_params,
	.result = psbt_sign_result,
	.help = "Signs the inputs that spend coins of this wallet. Whoever has the result can send it: look at psbt.decode"
		" first.",
	.example = "{\"psbt\":\"cHNidP8…\"}",
	.run = psbt_sign_run,
};

/* --- psbt.combine --- */

static int texts_of(const struct rpc_call *call, const char ***ret, size_t *n, struct err *err)
{
	const json_t *list = json_object_get(call->params, "psbts");
	json_t *v;
	size_t i;

	*n = json_array_size(list);
	*ret = ARENA_ARRAY(call->arena, *n + 1, const char *);
	json_array_foreach(list, i, v)
	{
		if (!json_is_string(v) || json_string_length(v) > ONCHAIN_PSBT_TEXT_MAX) {
			ERR(err, ERR_PARAM, "psbt %zu is no text", i + 1);
			return err_field(err, "psbts");
		}
		(*ret)[i] = json_string_value(v);
	}
	if (*n > 0)
		return 0;
	ERR(err, ERR_PARAM, "psbts is empty");
	return err_field(err, "psbts");
}

static struct rpc_outcome psbt_combine_run(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena);
	const char **texts, *text;
	struct err err;
	size_t n;

	if (texts_of(call, &texts, &n, &err) != 0)
		return rpc_fail(&err);
	if (onchain_psbt_combine(call->arena, texts, n, &text, &err) != 0) {
		err_field(&err, "psbts");
		return rpc_fail(&err);
	}
	json_set_str(result, "psbt", text);
	return rpc_ok(result);
}

static const struct param psbt_combine_params[] = {
	{ .name = "psbts",
	  .type = PARAM_ARRAY,
	  .flags = PARAM_REQUIRED,
	  .max = PSBTS_MAX,
	  .help = "Of one transaction, from several signers." },
	{ 0 },
};
static const struct rpc_field psbt_combine_result[] = { { "psbt", "string", "All that they say, in one." }, { 0 } };
const struct rpc_method method_psbt_combine = {
	.name = "psbt.combine",
	.scope = RPC_READ,
	.params = psbt_combine_params,
	.result = psbt_combine_result,
	.help = "Puts PSBTs of one transaction together.",
	.example = "{\"psbts\":[\"cHNidP8…\",\"cHNidP8…\"]}",
	.run = psbt_combine_run,
};

/* --- psbt.finalize --- */

static struct rpc_outcome psbt_finalize_run(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena);
	struct onchain_psbt_final final;
	struct err err;

	if (onchain_psbt_finalise(call->arena, rpc_param_str(call, "psbt"), &final, &err) != 0)
		return rpc_fail(&err);
	json_set_str(result, "psbt", final.text);
	set_txid(result, &final.txid);
	json_set_u64(result, "open", final.n_open);
	json_set_str(result, "hex", final.hex);
	return rpc_ok(result);
}

static const struct rpc_field psbt_finalize_result[] = {
	{ "psbt", "string", "With final witnesses where there are signatures, each of which was verified." },
	{ "txid", "string", "Of its transaction." },
	{ "open", "integer", "How many inputs are not final." },
	{ "hex", "string", "The transaction, when none is open; else null." },
	{ 0 },
};
const struct rpc_method method_psbt_finalize = {
	.name = "psbt.finalize",
	.scope = RPC_READ,
	.params = psbt_params,
	.result = psbt_finalize_result,
	.help = "Makes a transaction of a PSBT that is signed. Nothing is sent.",
	.example = "{\"psbt\":\"cHNidP8…\"}",
	.run = psbt_finalize_run,
};

/* --- psbt.broadcast --- */

static int broadcast(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct executor *ex = call->server->opt.executor;
	json_t *params = json_object_in(call->arena), *plan;
	const char *psbt = rpc_param_str(call, "psbt");

	json_set_str(params, "psbt", psbt);
	if (onchain_psbt_holder(call->arena, unit_view(u), psbt, &call->action, err) != 0 ||
	    executor_amend(ex, u, call->arena, &call->action, params, false, &plan, err) != 0)
		return -1;
	return view_action_of_call(call, unit_view(u), ret, err);
}

static struct rpc_outcome psbt_broadcast_run(struct rpc_call *call)
{
	return rpc_mutate(call, broadcast, action_wait_then_answer);
}

static const struct param psbt_broadcast_params[] = { PSBT_PARAM, WAIT_PARAMS, RPC_KEY_PARAM, { 0 } };
static const struct rpc_field psbt_broadcast_result[] = {
	{ "id", "string", "Of the payment, which is told as in action.start." },
	{ "result", "object", "txid, fee_sat, amount_sat." },
	{ 0 },
};
const struct rpc_method method_psbt_broadcast = {
	.name = "psbt.broadcast",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = psbt_broadcast_params,
	.result = psbt_broadcast_result,
	.help = "Takes a payment of psbt.create in again, signed, and sends it.",
	.example = "{\"psbt\":\"cHNidP8…\",\"wait\":\"park\"}",
	.run = psbt_broadcast_run,
};
