/* Taking what exits have put on chain: by this wallet, or together with another. */
#include <string.h>

#include "actions/executor.h"
#include "actions/onchain.h"
#include "actions/onchain_psbt.h"
#include "actions/onchain_show.h"
#include "base/clock.h"
#include "base/text.h"
#include "exit/claim_psbt.h"
#include "exit/exit.h"
#include "exit/show.h"
#include "rpc/auth.h"
#include "rpc/exit_call.h"
#include "rpc/methods.h"
#include "rpc/state.h"

/* --- exit.claim --- */

static int claim_script(const struct rpc_call *call, struct bytes *ret, struct err *err)
{
	const char *to = rpc_param_str(call, "destination");

	if (to && claim_destination(call->arena, exit_call_policy(call)->network, to, ret, err) != 0)
		return err_field(err, "destination");
	return 0;
}

static int claim_order_of(const struct rpc_call *call, struct claim_order *o, struct err *err)
{
	struct chain_source *chain = executor_chain(call->server->opt.executor);
	struct outpoint *at;
	int rc = exit_call_rate(call, &o->rate, err);

	if (rc < 0 || (rc == 0 && onchain_tier_rate(chain, exit_call_policy(call), FEE_REGULAR, &o->rate, err) != 0) ||
	    exit_call_ids(call, &at, &o->n, err) != 0)
		return -1;
	o->vtxos = at;
	o->incremental = onchain_incremental(chain);
	o->replace = rpc_param_bool(call, "replace");
	o->keys = exits_keys(call->server->opt.exits);
	return claim_script(call, &o->script, err);
}

/* How many exits it claims, and how many more could be claimed: those that go beyond one transaction, or were not named. */
static int set_counts(struct unit *u, struct rpc_call *call, const struct exit_claim_row *claim, bool stored,
		      json_t *to, struct err *err)
{
	struct tx tx;
	size_t left;

	if (tx_decode(call->arena, claim->raw, &tx, err) != 0 || claim_count(unit_view(u), &left, err) != 0)
		return -1;
	json_set_u64(to, "exits", tx.n_in);
	json_set_u64(to, "left", stored ? left : left - tx.n_in); /* one that is not stored holds nothing up */
	return 0;
}

static int claim_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct claim_order o = { 0 };
	struct exit_claim_row claim;
	const char *psbt = NULL;
	struct sat sum;
	int rc = claim_order_of(call, &o, err);

	if (rc == 0 && rpc_param_bool(call, "psbt"))
		rc = exit_claim_psbt(u, call->arena, &o, clock_now_ms(), &claim, &psbt, err);
	else if (rc == 0)
		rc = exit_claim(u, call->arena, &o, clock_now_ms(), &claim, err);
	if (rc != 0)
		return -1;
	/* What goes to the wallet itself is not spent but for the fee. */
	if (!sat_add(claim.amount, claim.fee, &sum))
		return ERR(err, ERR_INTERNAL, "a claim of more than all money");
	if (auth_spend(u, &call->caller, &call->action, sat_value(claim.own ? claim.fee : sum), clock_now_ms(), err) !=
	    0)
		return -1;
	unit_after(u, exit_call_kick, call->server->opt.exits);
	*ret = exit_claim_json(call->arena, &claim);
	if (set_counts(u, call, &claim, !psbt, *ret, err) != 0)
		return -1;
	json_set_str(*ret, "psbt", psbt);
	if (psbt)
		json_set_str(*ret, "status", "signed");
	return 0;
}

static struct rpc_outcome exit_claim_run(struct rpc_call *call)
{
	struct err err;

	return exit_call_check(call, &err) != 0 ? rpc_fail(&err) : rpc_mutate(call, claim_unit, NULL);
}

static const struct param exit_claim_params[] = {
	{ .name = "vtxo_ids",
	  .type = PARAM_ARRAY,
	  .max = CLAIM_INPUTS_MAX,
	  .fallback = "all that can be claimed, 500 at once",
	  .help = "Which ones: each txid:vout. One transaction claims them all." },
	{ .name = "destination",
	  .type = PARAM_STRING,
	  .max = 128,
	  .fallback = "the on-chain wallet",
	  .help = "An address." },
	EXIT_RATE_PARAM("the nodes' estimate for 3 blocks", "sat/vB: \"2.5\"."),
	{ .name = "replace",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "In the place of the claim under way that these are in, with a higher fee. What it claims beside is left out." },
	{ .name = "psbt",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Sign it for another wallet, and do not send it: whoever has it can." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field exit_claim_result[] = {
	{ "txid", "string", "Of the transaction that claims." },
	{ "tx", "string", "Its bytes in hex; it is sent by itself, now and again." },
	{ "status", "string", "prepared, sent, confirmed, replaced or lost; signed: as a PSBT." },
	{ "amount_sat", "integer", "What arrives." },
	{ "fee_sat", "integer", "What it pays to miners." },
	{ "vsize", "integer", "Virtual bytes." },
	{ "exits", "integer", "How many exits it claims: at most 500." },
	{ "left", "integer", "How many more can be claimed now: call again." },
	{ "psbt", "string", "The same in base64, when it was asked for; else null." },
	{ "to_wallet", "boolean", "Does it pay to the on-chain wallet?" },
	{ 0 },
};
const struct rpc_method method_exit_claim = {
	.name = "exit.claim",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = exit_claim_params,
	.result = exit_claim_result,
	.help = "Takes what exits have put on chain: to the on-chain wallet, or to an address.",
	.example = "{}",
	.run = exit_claim_run,
};

/* --- exit.sign --- */

/* What is signed once more is not counted again. */
static int charge(struct unit *u, const struct rpc_call *call, const struct claim_signed *done, struct err *err)
{
	struct sat leaves = { 0 };
	struct action_id id;
	char text[TXID_TEXT];

	txid_text(&done->txid, text);
	if (!action_id_parse(arena_printf(call->arena, "exit.%.32s", text), &id))
		return ERR(err, ERR_INTERNAL, "a transaction has no name");
	if (!sat_sub(done->amount, done->back, &leaves))
		return 0; /* it brings more than it takes */
	return auth_spend_once(u, &call->caller, &id, sat_value(leaves), clock_now_ms(), err);
}

static int sign_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	json_t *result = json_object_in(call->arena);
	struct claim_signed done;
	char text[TXID_TEXT];

	if (claim_psbt_sign(u, call->arena, rpc_param_str(call, "psbt"), exits_keys(call->server->opt.exits),
			    clock_now_ms(), &done, err) != 0 ||
	    charge(u, call, &done, err) != 0)
		return -1;
	txid_text(&done.txid, text);
	json_set_str(result, "psbt", done.psbt);
	json_set_str(result, "txid", text);
	json_set_u64(result, "signed", done.n_signed);
	json_set_u64(result, "open", done.n_open);
	json_set_u64(result, "amount_sat", sat_value(done.amount));
	json_set_u64(result, "back_sat", sat_value(done.back));
	*ret = result;
	return 0;
}

static struct rpc_outcome exit_sign_run(struct rpc_call *call)
{
	struct err err;

	return exit_call_check(call, &err) != 0 ? rpc_fail(&err) : rpc_mutate(call, sign_unit, NULL);
}

static const struct param exit_sign_params[] = {
	{ .name = "psbt",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED | PARAM_FILE,
	  .min = 1,
	  .max = ONCHAIN_PSBT_TEXT_MAX,
	  .help = "In base64. Every input tells what it spends; those of exits also carry their VTXO." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field exit_sign_result[] = {
	{ "psbt", "string", "With the witnesses of this wallet." },
	{ "txid", "string", "Of its transaction; nobody's signature changes it." },
	{ "signed", "integer", "How many inputs were signed now." },
	{ "open", "integer", "How many are not final yet: the other wallet's." },
	{ "amount_sat", "integer", "What the inputs that were signed are worth." },
	{ "back_sat", "integer", "What its outputs pay to the on-chain wallet." },
	{ 0 },
};
const struct rpc_method method_exit_sign = {
	.name = "exit.sign",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = exit_sign_params,
	.result = exit_sign_result,
	.help = "Signs the inputs of another wallet's transaction that spend what exits have put on chain. Such an input has"
		" the hex of vtxo.export in the proprietary field fc 04 62 61 72 6b 01 (bark's), and a sequence of"
		" exit_delta.",
	.example = "{\"psbt\":\"cHNidP8…\"}",
	.run = exit_sign_run,
};

/* --- exit.preimage --- */

static int preimage_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	uint8_t preimage[PREIMAGE_SIZE];
	json_t *result = json_object_in(call->arena);
	char text[OUTPOINT_TEXT];
	struct outpoint at;

	if (!hex_decode(rpc_param_str(call, "preimage"), preimage, sizeof(preimage))) {
		ERR(err, ERR_PARAM, "a preimage is 32 bytes in hex");
		return err_field(err, "preimage");
	}
	if (exit_call_id(call, &at, err) != 0 || exit_add_preimage(u, call->arena, &at, preimage, err) != 0)
		return -1;
	if (call->server->opt.exits)
		unit_after(u, exit_call_kick, call->server->opt.exits);
	outpoint_text(&at, text);
	json_set_str(result, "vtxo_id", text);
	*ret = result;
	return 0;
}

static struct rpc_outcome exit_preimage_run(struct rpc_call *call)
{
	return rpc_mutate(call, preimage_unit, NULL);
}

static const struct param exit_preimage_params[] = {
	EXIT_ID_PARAM,
	{ .name = "preimage",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 2 * PREIMAGE_SIZE,
	  .max = 2 * PREIMAGE_SIZE,
	  .help = "32 bytes in hex, whose SHA-256 is the payment hash." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field exit_preimage_result[] = {
	{ "vtxo_id", "string", "Whose claim will show it." },
	{ 0 },
};
const struct rpc_method method_exit_preimage = {
	.name = "exit.preimage",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES,
	.params = exit_preimage_params,
	.result = exit_preimage_result,
	.help = "The preimage of what a VTXO was paid to (server-htlc-receive): without it its exit cannot be claimed.",
	.example =
		"{\"vtxo_id\":\"6f…:0\",\"preimage\":\"0505050505050505050505050505050505050505050505050505050505050505\"}",
	.run = exit_preimage_run,
};
