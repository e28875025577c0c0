#include <inttypes.h>
#include <string.h>

#include "actions/executor.h"
#include "actions/onchain_show.h"
#include "base/clock.h"
#include "base/text.h"
#include "exit/plan_look.h"
#include "rpc/action_wait.h"
#include "rpc/auth.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/ark_server_store.h"

#define PREPARE_MAX 100u /* outputs of one payment */

static const struct action_policy *policy_of(const struct rpc_call *call)
{
	return executor_policy(call->server->opt.executor);
}

/* --- what is asked for --- */

static int ids_param(const struct rpc_call *call, struct plan_order *o, struct err *err)
{
	const json_t *list = json_object_get(call->params, "vtxo_ids");
	size_t n = json_array_size(list);
	struct outpoint *at = ARENA_ARRAY(call->arena, n, struct outpoint);

	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !outpoint_parse(text, &at[i])) {
			ERR(err, ERR_PARAM, "the %zu. is no id of a VTXO: txid:vout", i + 1);
			return err_field(err, "vtxo_ids");
		}
	}
	o->vtxos = at;
	o->n = n;
	return 0;
}

/* Of all nodes the one that wants most: any of them may be asked. */
static struct sat surcharge_of(const struct chain_source *chain)
{
	struct sat most = { 0 };

	for (size_t i = 0; chain && i < chain_backends(chain); i++) {
		struct chain_stats stats;

		chain_stats(chain, i, &stats);
		if (sat_cmp(stats.limits.package_surcharge, most) > 0)
			most = stats.limits.package_surcharge;
	}
	return most;
}

static struct plan_order order_of(const struct rpc_call *call, struct view v)
{
	const struct rpc_server_options *opt = &call->server->opt;

	return (struct plan_order){
		.view = v,
		.limit = policy_of(call)->onchain.max_feerate,
		.surcharge = surcharge_of(executor_chain(opt->executor)),
		.margin = opt->exit_margin ? opt->exit_margin : EXIT_MARGIN_DEFAULT,
	};
}

/* The parameter, or what the nodes said last. */
static int rates_of(const struct rpc_call *call, struct plan_order *o, struct err *err)
{
	struct chain_source *chain = executor_chain(call->server->opt.executor);
	const char *text = rpc_param_str(call, "feerate");
	struct fee_rates rates;

	if (text) {
		if (onchain_feerate_parse(chain, &policy_of(call)->onchain, text, &o->rate, err) != 0)
			return -1;
		o->claim_rate = o->rate;
		return 0;
	}
	if (!chain) {
		ERR(err, ERR_CONFIG, "no node is configured to ask what a transaction costs");
		return err_hint(err, "set bitcoind_url or esplora_url in walletd.conf; or give feerate");
	}
	if (!chain_last_fees(chain, &rates, &(int64_t){ 0 })) {
		ERR(err, ERR_PEER_DOWN, "no node has said yet what a transaction costs");
		return err_hint(err, "try again soon; or give feerate");
	}
	o->rate = rates.rate[FEE_FAST];
	o->claim_rate = rates.rate[FEE_REGULAR];
	return 0;
}

/* --- exit.plan --- */

static void add_advice(struct rpc_call *call, const struct exit_plan *p, json_t *obj)
{
	uint64_t deposit = sat_value(exit_plan_deposit(p));
	const char *text = NULL;

	if (p->n == 0)
		text = "There is no VTXO to be taken on chain.";
	else if (deposit > 0)
		text = arena_printf(call->arena,
				    "The coins do not pay for it. Send %" PRIu64
				    " sat to an address of address.new, and wait until a block has them.",
				    deposit);
	else if (p->coins < p->width)
		text = "The coins suffice, one transaction after the other. exit.prepare makes more coins, for more at once.";
	json_set_str(obj, "advice", text);
}

/* An order, while a node is asked what others have mined. */
struct planning {
	struct rpc_call *call;
	struct plan_order order;
	struct plan_look *look;
	bool asked; /* and it has answered */
	struct rpc_outcome (*then)(struct planning *mine);
};

/* A node that does not answer is no reason to have no plan: then it is made of what is known. */
static void mined_told(void *ctx, const struct txid *mined, size_t n, const struct err *err)
{
	struct planning *mine = ctx;
	struct arena *a = mine->call->arena;
	struct rpc_outcome outcome;
	struct txid *copy;

	mine->look = NULL;
	mine->asked = err->code == ERR_NONE;
	if (n > 0 && arena_room(a, (n + 1) * sizeof(*mined))) {
		copy = ARENA_ARRAY(a, n, struct txid); /* a unit may run later */
		memcpy(copy, mined, n * sizeof(*mined));
		mine->order.mined = copy;
		mine->order.n_mined = n;
	} else if (n > 0) {
		mine->asked = false;
	}
	outcome = mine->then(mine);
	if (outcome.tag != RPC_LATER)
		rpc_finish(mine->call, outcome);
}

static void plan_forget(struct rpc_call *call)
{
	struct planning *mine = call->data;

	plan_look_cancel(mine->look);
	mine->look = NULL;
}

/* Asks a node about the VTXOs and at the rate of the call's parameters; then: with the answer, or at once where there is nobody or
 * nothing to be asked. */
static struct rpc_outcome plan_with_chain(struct rpc_call *call, struct rpc_outcome (*then)(struct planning *mine))
{
	struct chain_source *chain = executor_chain(call->server->opt.executor);
	struct planning *mine = ARENA_NEW(call->arena, struct planning);
	struct err err;
	int rc = 0;

	*mine = (struct planning){ .call = call,
				   .order = order_of(call, store_view(call->server->opt.store)),
				   .asked = chain != NULL,
				   .then = then };
	call->data = mine;
	if (ids_param(call, &mine->order, &err) != 0 || rates_of(call, &mine->order, &err) != 0)
		return rpc_fail(&err);
	if (chain)
		rc = plan_look_new(chain, &mine->order, (struct plan_look_then){ mined_told, mine }, &mine->look, &err);
	if (rc < 0)
		return rpc_fail(&err);
	return rc == 0 ? then(mine) : rpc_later(call, plan_forget);
}

static struct rpc_outcome plan_answer(struct planning *mine)
{
	struct rpc_call *call = mine->call;
	struct exit_plan p;
	json_t *result;
	struct err err;

	if (exit_plan_make(call->arena, &mine->order, &p, &err) != 0)
		return rpc_fail(&err);
	result = exit_plan_json(call->arena, &p, mine->order.margin);
	json_set_bool(result, "chain_asked", mine->asked);
	add_advice(call, &p, result);
	return rpc_ok(result);
}

static struct rpc_outcome exit_plan(struct rpc_call *call)
{
	return plan_with_chain(call, plan_answer);
}

#define VTXO_IDS_PARAM                                                                                                 \
	{                                                                                                              \
		.name = "vtxo_ids", .type = PARAM_ARRAY, .max = PLAN_VTXOS_MAX, .fallback = "all that are ours",       \
		.help = "Which ones: each txid:vout."                                                                  \
	}
#define PLAN_RATE_PARAM                                                                                                \
	{                                                                                                              \
		.name = "feerate", .type = PARAM_STRING, .max = 20, .fallback = "what the nodes say",                  \
		.help = "sat/vB: \"2.5\"."                                                                             \
	}

static const struct param exit_plan_params[] = { VTXO_IDS_PARAM, PLAN_RATE_PARAM, { 0 } };
static const struct rpc_field exit_plan_result[] = {
	{ "vtxos", "array",
	  "vtxo_id, amount_sat, state, exit_fee_sat and claim_fee_sat (its part of them), economical (it is worth more than"
	  " both), dust, standard, claimable_by_us, expiry_height, start_by_height (begin before this one),"
	  " blocks_to_start." },
	{ "amount_sat", "integer", "Of all of them." },
	{ "transactions", "integer", "To be paid for; shared ones count once." },
	{ "at_once", "integer", "How many of these can be on their way at the same time." },
	{ "blocks", "integer", "At least so many until all of it is claimed." },
	{ "now", "object", "feerate, exit_fee_sat, needed_sat (one coin that would pay for all), fundable." },
	{ "at_twice", "object", "The same, at twice the feerate." },
	{ "worst_case", "object", "The same, at three times the feerate." },
	{ "claim_fee_sat", "integer", "Of one claim of all of them, taken off what is claimed." },
	{ "claim_feerate", "string", "sat/vB." },
	{ "available_sat", "integer", "Confirmed coins of the on-chain wallet that nobody holds." },
	{ "coins", "integer", "How many these are." },
	{ "deposit_sat", "integer", "What should be sent to the on-chain wallet, so that it is enough." },
	{ "fundable", "boolean", "Do the coins suffice now?" },
	{ "economical", "boolean", "Is each of them worth its exit?" },
	{ "chain_asked", "boolean",
	  "Has a node said which transactions others have mined? Else all count as to be paid for." },
	{ "advice", "string", "What to do, or null." },
	{ 0 },
};
const struct rpc_method method_exit_plan = {
	.name = "exit.plan",
	.scope = RPC_READ,
	.params = exit_plan_params,
	.result = exit_plan_result,
	.help = "What it takes to put VTXOs on chain without their server: fees, coins, blocks, and until when it must have"
		" begun. Sends nothing.",
	.example = "{}",
	.run = exit_plan,
};

/* --- exit.prepare --- */

/* One and a half times what a package costs now: fees rise, and change must not be dust. */
static int64_t coin_for(const struct exit_plan *p)
{
	uint64_t package = sat_value(p->package);

	return (int64_t)(package + package / 2 + ARK_DUST_SAT);
}

static int payment_params(struct unit *u, struct rpc_call *call, int64_t count, int64_t amount, json_t **ret,
			  struct err *err)
{
	json_t *params = json_object_in(call->arena), *outputs = json_array_in(call->arena), *address;

	for (int64_t i = 0; i < count; i++) {
		json_t *out = json_object_in(call->arena);

		if (onchain_address_new(u, call->arena, policy_of(call)->onchain.network, "for exits", clock_now_ms(),
					&address, err) != 0)
			return -1;
		json_set(out, "address", json_object_get(address, "address"));
		json_set_int(out, "amount_sat", amount);
		json_add(outputs, out);
	}
	json_set(params, "outputs", outputs);
	json_set_str(params, "label", "coins for exits");
	json_set_bool(params, "use_reserve", true); /* it is for exits, and stays in the wallet */
	if (rpc_param_str(call, "feerate"))
		json_set(params, "feerate", json_object_get(call->params, "feerate"));
	*ret = params;
	return 0;
}

static int wanted_coins(struct unit *u, struct rpc_call *call, int64_t *count, int64_t *amount, struct err *err)
{
	struct planning *mine = call->data;
	struct exit_plan p;

	mine->order.view = unit_view(u);
	if (exit_plan_make(call->arena, &mine->order, &p, err) != 0)
		return -1;
	*count = rpc_param_int(call, "count", p.width > PREPARE_MAX ? (int64_t)PREPARE_MAX : (int64_t)p.width);
	*amount = rpc_param_int(call, "amount_sat", coin_for(&p));
	if (*count > 0)
		return 0;
	ERR(err, ERR_PARAM, "no transaction of an exit waits for a coin");
	return err_field(err, "vtxo_ids");
}

/* Who sends money to himself spends the fee alone. */
static int charge_fee(struct unit *u, struct rpc_call *call, const json_t *plan, int64_t kept, struct err *err)
{
	int64_t spend = json_integer_value(json_object_get(plan, "spend_sat"));

	return auth_spend(u, &call->caller, &call->action, spend > kept ? (uint64_t)(spend - kept) : 0, clock_now_ms(),
			  err);
}

/* What is wrong with the payments is wrong with what one of them is worth. */
static int start_payment(struct unit *u, struct rpc_call *call, const struct action_request *req, json_t **ret_plan,
			 struct err *err)
{
	bool existing;

	if (executor_start(call->server->opt.executor, u, call->arena, req, &call->action, &existing, ret_plan, err) ==
	    0)
		return 0;
	return strcmp(err->field, "outputs") == 0 ? err_field(err, "amount_sat") : -1;
}

/* The payment, and what the number of coins was made of. */
static int prepared_json(const struct rpc_call *call, struct view v, json_t **ret, struct err *err)
{
	const struct planning *mine = call->data;

	if (view_action_of_call(call, v, ret, err) != 0)
		return -1;
	json_set_bool(*ret, "chain_asked", mine->asked);
	return 0;
}

static int prepare_row(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct action_request req = { .kind = "onchain_send" };
	int64_t count, amount;
	json_t *plan;

	if (wanted_coins(u, call, &count, &amount, err) != 0 ||
	    payment_params(u, call, count, amount, &req.params, err) != 0 ||
	    start_payment(u, call, &req, &plan, err) != 0 || charge_fee(u, call, plan, count * amount, err) != 0)
		return -1;
	return prepared_json(call, unit_view(u), ret, err);
}

static void tell_prepared(struct rpc_call *call, const struct action_id *id)
{
	json_t *result;
	struct err err;

	if (prepared_json(call, store_view(call->server->opt.store), &result, &err) != 0)
		rpc_finish(call, rpc_fail_action(&err, "unknown", id->s));
	else
		rpc_finish_fuller(call, result);
}

static void prepare_then(struct rpc_call *call, json_t *result)
{
	action_wait_then(call, result, tell_prepared);
}

static struct rpc_outcome prepare_start(struct planning *mine)
{
	return rpc_mutate(mine->call, prepare_row, prepare_then);
}

static struct rpc_outcome exit_prepare(struct rpc_call *call)
{
	return plan_with_chain(call, prepare_start);
}

static const struct param exit_prepare_params[] = {
	VTXO_IDS_PARAM,
	{ .name = "count",
	  .type = PARAM_INT,
	  .min = 1,
	  .max = PREPARE_MAX,
	  .fallback = "one for each transaction that can be on its way at the same time",
	  .help = "How many coins." },
	{ .name = "amount_sat",
	  .type = PARAM_INT,
	  .min = 1000,
	  .max = INT64_C(100000000),
	  .fallback = "half as much again as one transaction's package costs",
	  .help = "What each is to be worth." },
	PLAN_RATE_PARAM,
	WAIT_PARAMS,
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field exit_prepare_result[] = {
	{ "id", "string", "Of the payment, an onchain_send to the wallet itself." },
	{ "status", "string", "As in action.get, with all else that it tells." },
	{ "chain_asked", "boolean",
	  "As in exit.plan: where no node has answered, there may be more coins than are needed." },
	{ 0 },
};
const struct rpc_method method_exit_prepare = {
	.name = "exit.prepare",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = exit_prepare_params,
	.result = exit_prepare_result,
	.help = "Splits the on-chain wallet's money into coins, so that several transactions of exits can be paid for at"
		" once: the change of one pays for the next only when a block has it.",
	.example = "{\"count\":5}",
	.run = exit_prepare,
};

/* --- exit.server --- */

static int server_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	bool lost = rpc_param_bool(call, "lost");
	int64_t at = lost ? clock_now_ms() : 0;
	struct pubkey key;

	if (!hex_decode(rpc_param_str(call, "server"), key.b, sizeof(key.b))) {
		ERR(err, ERR_PARAM, "this is no server's key: 66 hex characters");
		return err_field(err, "server");
	}
	if (ark_server_set_lost(u, &key, at, err) != 0)
		return err_field(err, "server");
	*ret = json_object_in(call->arena);
	json_set_str(*ret, "server", rpc_param_str(call, "server"));
	json_set_bool(*ret, "lost", lost);
	return 0;
}

static struct rpc_outcome exit_server(struct rpc_call *call)
{
	return rpc_mutate(call, server_unit, NULL);
}

static const struct param exit_server_params[] = {
	{ .name = "server",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = 66,
	  .help = "Its key, as vtxo.list shows it." },
	{ .name = "lost", .type = PARAM_BOOL, .flags = PARAM_REQUIRED, .help = "Is it gone for good?" },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field exit_server_result[] = {
	{ "server", "string", "As given." },
	{ "lost", "boolean", "As given." },
	{ 0 },
};
const struct rpc_method method_exit_server = {
	.name = "exit.server",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = exit_server_params,
	.result = exit_server_result,
	.help = "Says that an Ark server is gone for good, or that it is back. VTXOs of a lost server are taken on chain by"
		" themselves, unless auto_exit is off.",
	.example = "{\"server\":\"02a1…\",\"lost\":true}",
	.run = exit_server,
};
