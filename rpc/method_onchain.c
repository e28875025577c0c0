#include <inttypes.h>
#include <string.h>

#include "actions/executor.h"
#include "actions/onchain_show.h"
#include "base/clock.h"
#include "base/text.h"
#include "rpc/action_wait.h"
#include "rpc/auth.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"

static enum network network_of(const struct rpc_call *call)
{
	return executor_policy(call->server->opt.executor)->onchain.network;
}

/* --- address.new --- */

static int address_give(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	return onchain_address_new(u, call->arena, network_of(call), rpc_param_str(call, "label"), clock_now_ms(), ret,
				   err);
}

static struct rpc_outcome address_new(struct rpc_call *call)
{
	return rpc_mutate(call, address_give, NULL);
}

static const struct param address_new_params[] = {
	{ .name = "rail",
	  .type = PARAM_ENUM,
	  .flags = PARAM_REQUIRED,
	  .choices = "onchain",
	  .help = "Where the money will arrive." },
	{ .name = "label",
	  .type = PARAM_STRING,
	  .max = SCRIPT_LABEL_MAX,
	  .help = "Shown in history; stays on this machine." },
	RPC_KEY_PARAM,
	{ 0 },
};
#define ADDRESS_FIELDS                                                                                                 \
	{ "address", "string", "To be paid." }, { "rail", "string", "onchain." },                                      \
		{ "label", "string", "As it was given, or null." },                                                    \
		{ "change", "boolean", "Is it for the wallet's own change?" },                                         \
		{ "index", "integer", "Its place on its chain of keys." },                                             \
		{ "used", "boolean", "Has it ever been paid?" },                                                       \
	{                                                                                                              \
		"given_at_ms", "integer", "When it was given out, Unix time in ms, or null."                           \
	}
static const struct rpc_field address_new_result[] = { ADDRESS_FIELDS, { 0 } };
const struct rpc_method method_address_new = {
	.name = "address.new",
	.scope = RPC_RECEIVE,
	.flags = RPC_MUTATES,
	.params = address_new_params,
	.result = address_new_result,
	.help = "An address that nobody had before. Works while the wallet is locked.",
	.example = "{\"rail\":\"onchain\",\"label\":\"order 17\"}",
	.run = address_new,
};

/* --- address.list --- */

struct page {
	const struct rpc_call *call;
	json_t *rows;
	int64_t last;
	unsigned n;
	uint32_t tip;
};

static void add_address(void *ctx, const struct script_row *row)
{
	struct page *page = ctx;

	json_add(page->rows, onchain_address_json(page->call->arena, network_of(page->call), row));
	page->last = row->id;
	page->n++;
}

static struct rpc_outcome address_list(struct rpc_call *call)
{
	struct script_query q = {
		.chain = rpc_param_bool(call, "change") ? -1 : SCRIPT_RECEIVE,
		.known_only = true,
		.limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT),
	};
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (rpc_param_cursor(call, &q.after, &err) != 0 ||
	    script_store_list(store_view(call->server->opt.store), call->arena, &q, add_address, &page, &err) < 0)
		return rpc_fail(&err);
	json_set(result, "addresses", page.rows);
	rpc_set_next(result, page.n == q.limit ? page.last : 0);
	return rpc_ok(result);
}

static const struct param address_list_params[] = {
	{ .name = "change",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Also those for the wallet's own change." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field address_list_result[] = {
	{ "addresses", "array", "Each as address.new told it, and whether it has been paid." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_address_list = {
	.name = "address.list",
	.scope = RPC_READ,
	.params = address_list_params,
	.result = address_list_result,
	.help = "The on-chain addresses that were given out or paid.",
	.run = address_list,
};

/* --- utxo.list --- */

static const enum utxo_state listed[] = { UTXO_SPENDABLE, UTXO_LOCKED, UTXO_PENDING, UTXO_IMMATURE,
					  UTXO_WAITING,   UTXO_SPENT,  UTXO_ABSENT };

static void add_coin(void *ctx, const struct utxo_row *row)
{
	struct page *page = ctx;

	json_add(page->rows, onchain_coin_json(page->call->arena, network_of(page->call), row, page->tip));
	page->last = row->id;
	page->n++;
}

static struct rpc_outcome utxo_list(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	struct utxo_query q = { .limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT) };
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	const char *state = rpc_param_str(call, "state");
	json_t *result = json_object_in(call->arena);
	struct err err;

	for (size_t i = 0; state && i < ARRAY_LEN(listed); i++)
		if (strcmp(utxo_state_name(listed[i]), state) == 0)
			q.state = (int)listed[i];
	if (rpc_param_cursor(call, &q.after, &err) != 0 || onchain_tip_height(v, &page.tip, &err) != 0 ||
	    utxo_store_list(v, call->arena, &q, add_coin, &page, &err) < 0)
		return rpc_fail(&err);
	json_set(result, "utxos", page.rows);
	rpc_set_next(result, page.n == q.limit ? page.last : 0);
	return rpc_ok(result);
}

static const struct param utxo_list_params[] = {
	{ .name = "state",
	  .type = PARAM_ENUM,
	  .choices = "spendable|locked|pending|immature|waiting|spent|absent",
	  .fallback = "all but spent and absent",
	  .help = "Only in this state." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field utxo_list_result[] = {
	{ "utxos", "array",
	  "outpoint, amount_sat, address, label, state, holder (the action that keeps it), height, block,"
	  " confirmations, coinbase, change, spent_by." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_utxo_list = {
	.name = "utxo.list",
	.scope = RPC_READ,
	.params = utxo_list_params,
	.result = utxo_list_result,
	.help = "The coins of the on-chain wallet: what each is worth, whether it can be spent, and who keeps it.",
	.example = "{\"state\":\"spendable\"}",
	.run = utxo_list,
};

/* --- tx.get --- */

static int txid_param(const struct rpc_call *call, struct txid *ret, struct err *err)
{
	if (txid_parse(rpc_param_str(call, "txid"), ret))
		return 0;
	ERR(err, ERR_PARAM, "this is no txid: 64 hex characters");
	return err_field(err, "txid");
}

static struct rpc_outcome tx_get(struct rpc_call *call)
{
	struct txid txid;
	json_t *result;
	struct err err;

	if (txid_param(call, &txid, &err) != 0 || onchain_tx_json(store_view(call->server->opt.store), call->arena,
								  network_of(call), &txid, &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct param tx_get_params[] = {
	{ .name = "txid",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = 64,
	  .help = "A transaction of the wallet's." },
	{ 0 },
};
static const struct rpc_field tx_get_result[] = {
	{ "txid", "string", "As asked." },
	{ "place", "string",
	  "stored (signed here, and nobody is known to have it), pending, confirmed, or out (it lost)." },
	{ "height", "integer", "Of the block that has it, or null." },
	{ "block", "string", "That block's hash, or null." },
	{ "confirmations", "integer", "That block, and those on top of it." },
	{ "kind", "string", "What it was made for." },
	{ "own", "boolean", "Was it made here?" },
	{ "action_id", "string", "By which action, or null." },
	{ "label", "string", "Or null." },
	{ "fee_sat", "integer", "Where it is known, or null." },
	{ "feerate", "string", "sat/vB, where the fee is known." },
	{ "replaced_by", "string", "What took its place, or null." },
	{ "first_seen_ms", "integer", "Unix time in ms." },
	{ "vsize", "integer", "Virtual bytes." },
	{ "inputs", "array", "outpoint, ours, and of our own amount_sat." },
	{ "outputs", "array", "address, script, amount_sat, ours, change." },
	{ "hex", "string", "Its bytes." },
	{ 0 },
};
const struct rpc_method method_tx_get = {
	.name = "tx.get",
	.scope = RPC_READ,
	.params = tx_get_params,
	.result = tx_get_result,
	.help = "A transaction that pays or spends the on-chain wallet.",
	.example = "{\"txid\":\"5c0d2f…\"}",
	.run = tx_get,
};

/* --- fee.estimate --- */

static void rates_told(void *ctx, const struct chain_answer *got)
{
	struct rpc_call *call = ctx;

	if (got->err.code == ERR_NONE)
		rpc_finish(call, rpc_ok(onchain_rates_json(call->arena, &got->rates)));
	else
		rpc_finish(call, rpc_fail(&got->err));
}

static void rates_forget(struct rpc_call *call)
{
	chain_cancel(call->data);
}

static struct rpc_outcome fee_estimate(struct rpc_call *call)
{
	struct chain_source *chain = executor_chain(call->server->opt.executor);
	struct err err;

	if (!chain) {
		ERR(&err, ERR_CONFIG, "no node is configured to ask");
		err_hint(&err, "set bitcoind_url or esplora_url in walletd.conf");
		return rpc_fail(&err);
	}
	call->data = chain_ask_fees(chain, (struct chain_then){ rates_told, call });
	return rpc_later(call, rates_forget);
}

static const struct rpc_field fee_estimate_result[] = {
	{ "fast", "object", "feerate (sat/vB, as text) and blocks: what to pay to be in one of the next so many." },
	{ "regular", "object", "The same." },
	{ "slow", "object", "The same." },
	{ "fallback", "boolean", "True: no node has an estimate, and these are the configured ones." },
	{ 0 },
};
const struct rpc_method method_fee_estimate = {
	.name = "fee.estimate",
	.scope = RPC_READ,
	.result = fee_estimate_result,
	.help = "What a transaction costs now, by how soon a block should have it.",
	.run = fee_estimate,
};

/* --- onchain.bump --- */

/* The action, by its id or by a transaction that it made. */
static int bump_id(const struct rpc_call *call, struct view v, struct action_id *ret, struct err *err)
{
	const char *id = rpc_param_str(call, "id"), *txid = rpc_param_str(call, "txid");
	struct txid wanted;
	struct tx_row row;
	int found;

	if (!id == !txid) {
		ERR(err, ERR_PARAM, "give either id or txid");
		return err_field(err, "id");
	}
	if (id && action_id_parse(id, ret))
		return 0;
	if (id) {
		ERR(err, ERR_PARAM, "this is no id of an action");
		return err_field(err, "id");
	}
	if (txid_param(call, &wanted, err) != 0)
		return -1;
	found = tx_store_find(v, call->arena, &wanted, &row, err);
	if (found < 0)
		return -1;
	if (found > 0 && !action_id_is_empty(&row.action)) {
		*ret = row.action;
		return 0;
	}
	ERR(err, ERR_NOT_FOUND, "no payment of this wallet made this transaction");
	return err_field(err, "txid");
}

static int bump_row(struct unit *u, struct rpc_call *call, bool dry_run, json_t **ret_plan, struct err *err)
{
	struct executor *ex = call->server->opt.executor;
	json_t *params = json_object_in(call->arena);
	const json_t *spend;

	if (rpc_param_str(call, "feerate"))
		json_set_str(params, "feerate", rpc_param_str(call, "feerate"));
	if (rpc_param_str(call, "target"))
		json_set_str(params, "target", rpc_param_str(call, "target"));
	if (bump_id(call, unit_view(u), &call->action, err) != 0 ||
	    executor_amend(ex, u, call->arena, &call->action, params, dry_run, ret_plan, err) != 0)
		return -1;
	spend = json_object_get(*ret_plan, "spend_sat");
	return spend ? auth_spend(u, &call->caller, &call->action, (uint64_t)json_integer_value(spend), clock_now_ms(),
				  err)
		     : 0;
}

static int bump(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	json_t *plan;

	return bump_row(u, call, false, &plan, err) != 0 ? -1 : view_action_of_call(call, unit_view(u), ret, err);
}

struct rehearsal {
	struct rpc_call *call;
	json_t *plan;
};

static int rehearse(struct unit *u, void *ctx, struct err *err)
{
	struct rehearsal *r = ctx;

	return bump_row(u, r->call, true, &r->plan, err);
}

static struct rpc_outcome onchain_bump(struct rpc_call *call)
{
	struct rehearsal r = { .call = call };
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (!rpc_param_bool(call, "dry_run"))
		return rpc_mutate(call, bump, action_wait_then_answer);
	if (store_rehearse(call->server->opt.store, rehearse, &r, &err) != 0)
		return rpc_fail(&err);
	json_set_bool(result, "dry_run", true);
	json_set_str(result, "id", call->action.s);
	json_set(result, "plan", r.plan);
	call->action = (struct action_id){ 0 };
	return rpc_ok(result);
}

static const struct param onchain_bump_params[] = {
	{ .name = "id", .type = PARAM_STRING, .min = 1, .max = ACTION_ID_MAX, .help = "The action that pays." },
	{ .name = "txid", .type = PARAM_STRING, .min = 1, .max = 64, .help = "Or a transaction of it." },
	ONCHAIN_RATE_PARAMS,
	{ .name = "dry_run",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Only tell what would be paid instead. Nothing is kept, no key is used up." },
	WAIT_PARAMS,
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field onchain_bump_result[] = {
	{ "id", "string", "Of the action, which is told as in action.start." },
	{ "result", "object", "txid, fee_sat and amount_sat of what is to be mined now, and what it replaces." },
	{ "plan", "object", "With dry_run: inputs, outputs, fee_sat, fee_before_sat, feerate." },
	{ 0 },
};
const struct rpc_method method_onchain_bump = {
	.name = "onchain.bump",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = onchain_bump_params,
	.result = onchain_bump_result,
	.help = "Pays a higher fee for a payment that no block has yet, by a transaction that takes its place.",
	.example = "{\"id\":\"0190b6f2-7c1e-7d30-8a55-1f0c2b9d4e11\",\"feerate\":\"12\"}",
	.run = onchain_bump,
};
