/* Paying for exits from elsewhere: what is asked for, and children that were made and signed by somebody else. */
#include "base/clock.h"
#include "base/text.h"
#include "exit/cpfp.h"
#include "rpc/exit_call.h"
#include "rpc/methods.h"
#include "rpc/state.h"

/* --- exit.cpfp_requests --- */

static struct rpc_outcome requests_run(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena), *list;
	struct err err;

	if (exit_call_check(call, &err) != 0 ||
	    exit_cpfp_requests(call->server->opt.exits, call->arena, &list, &err) != 0)
		return rpc_fail(&err);
	json_set(result, "requests", list);
	return rpc_ok(result);
}

static const struct param no_params[] = { { 0 } };
static const struct rpc_field requests_result[] = {
	{ "requests", "array",
	  "Each transaction whose turn it is: exit_txid, exit_tx, exit_vsize, anchor (vout, amount_sat), vtxo_ids;"
	  " feerate, for both together, and fee_sat, of a child with one taproot coin, when they are known; child: null,"
	  " or who pays now (txid, seen) and, for one of ours, fee_sat, and least_fee_sat to take its place." },
	{ 0 },
};
const struct rpc_method method_exit_cpfp_requests = {
	.name = "exit.cpfp_requests",
	.scope = RPC_READ,
	.params = no_params,
	.result = requests_result,
	.help = "Exit transactions that another wallet could pay for: a child of version 3, of at most 1,000 vB, which spends"
		" the anchor and confirmed coins.",
	.run = requests_run,
};

/* --- exit.cpfp_provide --- */

static int provide_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	json_t *result = json_object_in(call->arena);
	struct exit_child_row child;
	struct txid exit_txid;
	char text[TXID_TEXT];
	struct bytes raw;

	if (!txid_parse(rpc_param_str(call, "exit_txid"), &exit_txid)) {
		ERR(err, ERR_PARAM, "this is no txid");
		return err_field(err, "exit_txid");
	}
	if (!hex_decode_any(call->arena, rpc_param_str(call, "child"), CPFP_CHILD_BYTES_MAX, &raw)) {
		ERR(err, ERR_PARAM, "a child is a transaction in hex, of at most 1,000 vB");
		return err_field(err, "child");
	}
	if (exit_cpfp_provide(u, call->arena, &exit_txid, raw, clock_now_ms(), &child, err) != 0)
		return -1;
	unit_after(u, exit_call_kick, call->server->opt.exits);
	txid_text(&child.txid, text);
	json_set_str(result, "txid", text);
	json_set_u64(result, "vsize", weight_vsize(child.weight));
	*ret = result;
	return 0;
}

static struct rpc_outcome provide_run(struct rpc_call *call)
{
	struct err err;

	return exit_call_check(call, &err) != 0 ? rpc_fail(&err) : rpc_mutate(call, provide_unit, NULL);
}

static const struct param provide_params[] = {
	{ .name = "exit_txid",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = TXID_TEXT - 1,
	  .max = TXID_TEXT - 1,
	  .help = "Whose anchor it spends." },
	{ .name = "child",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED | PARAM_FILE,
	  .min = 1,
	  .max = 2 * CPFP_CHILD_BYTES_MAX,
	  .help = "Signed, in hex." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field provide_result[] = {
	{ "txid", "string", "Of the child; it is sent with its parent by itself, now and again." },
	{ "vsize", "integer", "Virtual bytes." },
	{ 0 },
};
const struct rpc_method method_exit_cpfp_provide = {
	.name = "exit.cpfp_provide",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES,
	.params = provide_params,
	.result = provide_result,
	.help = "A child for an exit transaction, made and signed elsewhere. It counts from now on in the place of any other.",
	.example = "{\"exit_txid\":\"6f0000000000000000000000000000000000000000000000000000000000006f\","
		   "\"child\":\"0300…\"}",
	.run = provide_run,
};
