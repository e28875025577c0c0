#include <string.h>

#include "actions/cashu_limit.h"
#include "actions/ecash.h"
#include "actions/executor.h"
#include "rpc/action_wait.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"

/* --- mint.list --- */

static int mint_json(const struct rpc_call *call, const struct mint_row *mint, json_t **ret, struct err *err)
{
	struct keyset *keysets;
	size_t n;

	if (keyset_store_list(store_view(call->server->opt.store), call->arena, mint->id, &keysets, &n, err) != 0)
		return -1;
	*ret = ecash_mint_json(call->arena, mint, keysets, n);
	return 0;
}

static struct rpc_outcome mint_list(struct rpc_call *call)
{
	unsigned limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT);
	json_t *result = json_object_in(call->arena), *mints = json_array_in(call->arena);
	struct account_total *totals;
	struct mint_row *rows;
	size_t n, i, n_totals;
	int64_t after = 0;
	struct err err;
	json_t *obj;

	if (rpc_param_cursor(call, &after, &err) != 0 ||
	    mint_store_list(store_view(call->server->opt.store), call->arena, after, limit, &rows, &n, &err) != 0 ||
	    movement_totals(store_view(call->server->opt.store), call->arena, &totals, &n_totals, &err) != 0)
		return rpc_fail(&err);
	for (i = 0; i < n && call->arena->used < PAGE_BYTES; i++) {
		if (mint_json(call, &rows[i], &obj, &err) != 0)
			return rpc_fail(&err);
		json_set(obj, "limits",
			 cashu_limits_json(call->arena, executor_policy(call->server->opt.executor), &rows[i], totals,
					   n_totals));
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
	  " there at most by cashu_mint_limit (unit, max), and what counts against it (held)." },
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
	    mint_json(call, &mint, &result, &err) != 0) {
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
