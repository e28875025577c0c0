#include "actions/ecash_request.h"
#include "actions/executor.h"
#include "rpc/methods.h"
#include "rpc/state.h"

#define REQUEST_MAX     16384
#define MINTS_NAMED_MAX 32
#define ID_MAX          255
#define DESCRIPTION_MAX 1024
#define POST_URL_MAX    2048

/* --- payment_request.create --- */

static int make(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	return ecash_request_make(u, call->arena, executor_keys(call->server->opt.executor), call->params, ret, err);
}

static struct rpc_outcome payment_request_create(struct rpc_call *call)
{
	return rpc_mutate(call, make, NULL);
}

static const struct param payment_request_create_params[] = {
	{ .name = "amount",
	  .type = PARAM_INT,
	  .min = 1,
	  .max = INT64_MAX,
	  .fallback = "left to who pays",
	  .help = "How much, in the unit." },
	{ .name = "unit", .type = PARAM_STRING, .max = 15, .fallback = "sat", .help = "Unit of the ecash." },
	{ .name = "mints",
	  .type = PARAM_ARRAY,
	  .max = MINTS_NAMED_MAX,
	  .fallback = "those that are trusted",
	  .help = "URLs of the mints whose ecash is taken; [] for any." },
	{ .name = "description", .type = PARAM_STRING, .max = DESCRIPTION_MAX, .help = "What it is for." },
	{ .name = "id",
	  .type = PARAM_STRING,
	  .max = ID_MAX,
	  .fallback = "a random one",
	  .help = "Comes back with a payment that is brought to post." },
	{ .name = "single_use", .type = PARAM_BOOL, .fallback = "false", .help = "It is to be paid once." },
	{ .name = "post",
	  .type = PARAM_STRING,
	  .max = POST_URL_MAX,
	  .fallback = "none: who pays hands the token over",
	  .help = "URL that a payment is brought to, by HTTP POST." },
	{ .name = "lock",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "The ecash must be locked to a new key of this wallet: nobody else can take it on its way." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field payment_request_create_result[] = {
	{ "request", "string", "creqA…: to be shown to who pays." },
	{ "id", "string", "Of the request." },
	{ "amount", "integer", "If one was given." },
	{ "unit", "string", "Of the amount." },
	{ "mints", "array", "URLs of the mints whose ecash is taken." },
	{ "public_key", "string", "With lock: the key." },
	{ 0 },
};
const struct rpc_method method_payment_request_create = {
	.name = "payment_request.create",
	.scope = RPC_RECEIVE,
	.flags = RPC_MUTATES,
	.params = payment_request_create_params,
	.result = payment_request_create_result,
	.help = "A request to be paid in ecash (NUT-18). What is paid is taken with cashu_receive.",
	.example = "{\"amount\":21,\"description\":\"coffee\",\"lock\":true}",
	.run = payment_request_create,
};

/* --- payment_request.decode --- */

static struct rpc_outcome payment_request_decode(struct rpc_call *call)
{
	struct err err;
	json_t *result;

	if (ecash_request_decode(store_view(call->server->opt.store), call->arena, rpc_param_str(call, "request"),
				 &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct param payment_request_decode_params[] = {
	{ .name = "request",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = REQUEST_MAX,
	  .help = "A payment request (creqA…)." },
	{ 0 },
};
static const struct rpc_field payment_request_decode_result[] = {
	{ "id", "string", "Of the request, or null." },
	{ "amount", "integer", "Absent: left to who pays." },
	{ "unit", "string", "Or null." },
	{ "mints", "array",
	  "url of each mint whose ecash is taken, and whether it is known and trusted here. Empty: any." },
	{ "description", "string", "What it is for, in the payee's words, or null." },
	{ "single_use", "boolean", "Is it to be paid once?" },
	{ "transports", "array", "How a payment is brought there. Empty: the token is handed over." },
	{ "lock", "object", "What the ecash must be locked to, if to anything." },
	{ 0 },
};
const struct rpc_method method_payment_request_decode = {
	.name = "payment_request.decode",
	.scope = RPC_READ,
	.params = payment_request_decode_params,
	.result = payment_request_decode_result,
	.help = "What a payment request asks for. action.start cashu_send with request pays it.",
	.example = "{\"request\":\"creqA…\"}",
	.run = payment_request_decode,
};
