#include <string.h>

#include "actions/cashu_limit.h"
#include "actions/ecash.h"
#include "actions/executor.h"
#include "rpc/action_wait.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"

static int mint_json(const struct rpc_call *call, struct view v, const struct mint_row *mint, json_t **ret,
		     struct err *err)
{
	struct keyset *keysets;
	size_t n;

	if (keyset_store_list(v, call->arena, mint->id, &keysets, &n, err) != 0)
		return -1;
	*ret = ecash_mint_json(call->arena, mint, keysets, n);
	return 0;
}

static int mint_with_limits(const struct rpc_call *call, struct view v, const struct mint_row *mint,
			    const struct account_total *totals, size_t n_totals, json_t **ret, struct err *err)
{
	json_t *obj, *limits;

	if (mint_json(call, v, mint, &obj, err) != 0 ||
	    cashu_limits_json(v, call->arena, executor_policy(call->server->opt.executor), mint, totals, n_totals,
			      &limits, err) != 0)
		return -1;
	json_set(obj, "limits", limits);
	*ret = obj;
	return 0;
}

/* --- mint.list --- */

static struct rpc_outcome mint_list(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	unsigned limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT);
	json_t *result = json_object_in(call->arena), *mints = json_array_in(call->arena);
	struct account_total *totals;
	struct mint_row *rows;
	size_t n, i, n_totals;
	int64_t after = 0;
	struct err err;
	json_t *obj;

	if (rpc_param_cursor(call, &after, &err) != 0 ||
	    mint_store_list(v, call->arena, after, limit, &rows, &n, &err) != 0 ||
	    movement_totals(v, call->arena, &totals, &n_totals, &err) != 0)
		return rpc_fail(&err);
	for (i = 0; i < n && call->arena->used < PAGE_BYTES; i++) {
		if (mint_with_limits(call, v, &rows[i], totals, n_totals, &obj, &err) != 0)
			return rpc_fail(&err);
		json_add(mints, obj);
	}
	json_set(result, "mints", mints);
	rpc_set_next(result, i > 0 && (i < n || n == limit) ? rows[i - 1].id : 0);
	return rpc_ok(result);
}

static const struct param mint_list_params[] = { LIMIT_PARAM, CURSOR_PARAM, { 0 } };

static const struct rpc_field mint_list_result[] = {
	{ "mints", "array",
	  "Each with url, name, whether it is trusted, its keysets, its trouble if it has one, and limits: what may be"
	  " there at most (unit, max, null for as much as comes), what counts against it (held), and who said so"
	  " (set_by: cashu_mint_limit or mint.set)." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_mint_list = {
	.name = "mint.list",
	.scope = RPC_READ,
	.params = mint_list_params,
	.result = mint_list_result,
	.help = "The mints that are known.",
	.run = mint_list,
};

/* --- mint.add --- */

static int add(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct action_request req = { .kind = "cashu_mint_sync", .params = json_object_in(call->arena) };
	json_t *plan;
	bool existing;

	json_set_str(req.params, "mint", rpc_param_str(call, "url"));
	json_set_bool(req.params, "add", true);
	if (executor_start(call->server->opt.executor, u, call->arena, &req, &call->action, &existing, &plan, err) !=
	    0) {
		if (strcmp(err->field, "mint") == 0)
			err_field(err, "url");
		return -1;
	}
	*ret = NULL;
	return 0;
}

static void tell_mint(struct rpc_call *call, const struct action_id *id)
{
	struct view v = store_view(call->server->opt.store);
	struct action_row row;
	struct mint_row mint;
	struct err err;
	json_t *result;

	if (action_store_get(v, call->arena, id, &row, &err) != 0) {
		rpc_finish(call, rpc_fail_action(&err, "no", id->s));
		return;
	}
	if (row.status == ACTION_FAILED || row.status == ACTION_CANCELLED) {
		rpc_finish(call, view_action_failure(call->arena, &row));
		return;
	}
	if (row.status != ACTION_DONE) {
		ERR(&err, ERR_TIMEOUT, "the mint has not answered in time; it is still being asked");
		err_hint(&err, "action.get");
		rpc_finish(call, rpc_fail_action(&err, "no", id->s));
		return;
	}
	if (ecash_mint_find(v, call->arena, rpc_param_str(call, "url"), &mint, &err) != 0 ||
	    mint_json(call, v, &mint, &result, &err) != 0) {
		rpc_finish(call, rpc_fail_action(&err, "no", id->s));
		return;
	}
	json_set_str(result, "action_id", id->s);
	rpc_finish(call, rpc_ok(result));
}

static void add_started(struct rpc_call *call, json_t *result)
{
	(void)result;
	executor_kick(call->server->opt.executor, &call->action);
	(void)action_wait(call, &call->action, WAIT_DONE, rpc_param_int(call, "timeout_s", 30) * 1000, tell_mint);
}

static struct rpc_outcome mint_add(struct rpc_call *call)
{
	/* Asking a mint twice does no harm, so the key stands for what came of it: a mint that was down may be asked again. */
	call->record_at_end = true;
	return rpc_mutate(call, add, add_started);
}

static const struct param mint_add_params[] = {
	{ .name = "url",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = MINT_URL_MAX,
	  .help = "Where the mint answers: https://mint.example.com" },
	{ .name = "timeout_s",
	  .type = PARAM_INT,
	  .min = 1,
	  .max = WAIT_MAX_S,
	  .fallback = "30",
	  .help = "How long to wait for the mint." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field mint_add_result[] = {
	{ "url", "string", "As it is kept." },
	{ "action_id", "string", "The action that read it." },
	{ "keysets", "array", "Its keysets, units and fees." },
	{ 0 },
};
const struct rpc_method method_mint_add = {
	.name = "mint.add",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = mint_add_params,
	.result = mint_add_result,
	.help = "Reads a mint's keys and trusts it from now on: its ecash counts as money here.",
	.example = "{\"url\":\"https://mint.example.com\"}",
	.run = mint_add,
};

/* --- mint.set --- */

static int wish_of(const struct rpc_call *call, bool *trusted, struct mint_wish *ret, struct err *err)
{
	const char *word = rpc_param_str(call, "limit");
	int64_t max = rpc_param_int(call, "max", -1);

	*ret = (struct mint_wish){ .limit = LIMIT_AS_IT_IS };
	if (json_object_get(call->params, "trusted")) {
		*trusted = rpc_param_bool(call, "trusted");
		ret->trusted = trusted;
	}
	if (max >= 0 && word) {
		ERR(err, ERR_PARAM, "max and limit say different things of one limit: give one of them");
		return err_field(err, "limit");
	}
	if (max >= 0) {
		ret->limit = LIMIT_MAX;
		ret->max = (uint64_t)max;
	} else if (word) {
		ret->limit = strcmp(word, "none") == 0 ? LIMIT_NONE : LIMIT_CONFIGURED;
	}
	if (ret->limit == LIMIT_AS_IT_IS && rpc_param_str(call, "unit")) {
		ERR(err, ERR_PARAM, "unit is that of a limit: give max or limit with it");
		return err_field(err, "unit");
	}
	if (ret->limit == LIMIT_AS_IT_IS && !ret->trusted) {
		ERR(err, ERR_PARAM, "nothing to set: give trusted, max or limit");
		return err_field(err, "max");
	}
	return cashu_unit_param(call->params, &ret->unit, err);
}

static int set(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct account_total *totals;
	struct mint_wish wish;
	struct mint_row mint;
	bool trusted;
	size_t n;

	if (wish_of(call, &trusted, &wish, err) != 0)
		return -1;
	if (ecash_mint_set(u, call->arena, rpc_param_str(call, "url"), &wish, &mint, err) != 0) {
		if (strcmp(err->field, "mint") == 0)
			err_field(err, "url");
		return -1;
	}
	if (movement_totals(unit_view(u), call->arena, &totals, &n, err) != 0)
		return -1;
	return mint_with_limits(call, unit_view(u), &mint, totals, n, ret, err);
}

static struct rpc_outcome mint_set(struct rpc_call *call)
{
	return rpc_mutate(call, set, NULL);
}

static const struct param mint_set_params[] = {
	{ .name = "url",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = MINT_URL_MAX,
	  .help = "Of a mint that mint.list shows." },
	{ .name = "max",
	  .type = PARAM_INT,
	  .flags = PARAM_DECIMAL,
	  .min = 0,
	  .max = INT64_MAX,
	  .fallback = "as it is",
	  .help = "How much may be there at most, in the unit, whatever cashu_mint_limit says. 0: no more is taken." },
	{ .name = "limit",
	  .type = PARAM_ENUM,
	  .choices = "default|none",
	  .fallback = "as it is",
	  .help = "Instead of max. default: as cashu_mint_limit says. none: as much as comes." },
	{ .name = "unit", .type = PARAM_STRING, .min = 1, .max = 15, .fallback = "sat", .help = "Of max or limit." },
	{ .name = "trusted",
	  .type = PARAM_BOOL,
	  .fallback = "as it is",
	  .help = "false: no more of its ecash is taken, until it is trusted again; what is there can still be spent." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field mint_set_result[] = {
	{ "url", "string", "As it is kept." },
	{ "trusted", "boolean", "From now on." },
	{ "limits", "array", "From now on: unit, max, held and set_by, as mint.list shows them." },
	{ "keysets", "array", "Its keysets, units and fees." },
	{ 0 },
};
const struct rpc_method method_mint_set = {
	.name = "mint.set",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = mint_set_params,
	.result = mint_set_result,
	.help = "How much ecash may be at a mint, and whether it is still trusted. It holds over restarts.",
	.example = "{\"url\":\"https://mint.example.com\",\"max\":500000}",
	.run = mint_set,
};
