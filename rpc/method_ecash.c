#include <string.h>

#include "actions/cashu_limit.h"
#include "actions/ecash.h"
#include "actions/executor.h"
#include "base/text.h"
#include "rpc/action_wait.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/proof_store.h"

#define TOKEN_PARAM_MAX (512 * 1024)

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

/* --- token.decode --- */

static struct rpc_outcome token_decode(struct rpc_call *call)
{
	struct err err;
	json_t *result;

	if (ecash_token_decode(store_view(call->server->opt.store), call->arena,
			       executor_keys(call->server->opt.executor), rpc_param_str(call, "token"), &result,
			       &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct param token_decode_params[] = {
	{ .name = "token",
	  .type = PARAM_SECRET,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = TOKEN_PARAM_MAX,
	  .help = "A token, V3 (cashuA…) or V4 (cashuB…)." },
	{ 0 },
};
static const struct rpc_field token_decode_result[] = {
	{ "mint", "string", "Who issued it." },
	{ "unit", "string", "Of its amounts." },
	{ "amount", "integer", "Its sum." },
	{ "memo", "string", "What the sender wrote, or null." },
	{ "proofs", "array",
	  "Amounts and keysets, whether the mint's signature can be verified here (dleq), what each is locked to, and"
	  " whether this wallet can open that now (opens_here)." },
	{ 0 },
};
const struct rpc_method method_token_decode = {
	.name = "token.decode",
	.scope = RPC_READ,
	.params = token_decode_params,
	.result = token_decode_result,
	.help = "What a token says and what is known about it. Nobody is asked: whether it is spent, only its mint knows.",
	.example = "{\"token\":\"cashuB…\"}",
	.run = token_decode,
};

/* --- proof.list --- */

struct page {
	const struct rpc_call *call;
	const struct mint_row *mints;
	size_t n_mints;
	json_t *rows;
	struct pubkey last;
	unsigned n;
};

static const char *mint_url(const struct page *page, int64_t id)
{
	for (size_t i = 0; i < page->n_mints; i++)
		if (page->mints[i].id == id)
			return page->mints[i].url;
	return NULL;
}

/* Never the secret: it is the money. */
static void add_proof(void *ctx, const struct proof_row *row)
{
	struct page *page = ctx;
	json_t *obj = json_object_in(page->call->arena);
	char y[2 * sizeof(row->proof.y.b) + 1];

	hex_encode(row->proof.y.b, sizeof(row->proof.y.b), y);
	json_set_str(obj, "y", y);
	json_set_u64(obj, "amount", row->proof.amount);
	json_set_str(obj, "unit", row->unit.s);
	json_set_str(obj, "mint", mint_url(page, row->mint_id));
	json_set_str(obj, "keyset_id", row->proof.keyset.s);
	json_set_str(obj, "state", proof_state_name(row->state));
	json_set_str(obj, "holder", action_id_is_empty(&row->holder) ? NULL : row->holder.s);
	json_set_str(obj, "created_by", action_id_is_empty(&row->created_by) ? NULL : row->created_by.s);
	json_set_bool(obj, "dleq", row->proof.dleq.present);
	json_set_int(obj, "created_at_ms", row->created_at_ms);
	json_add(page->rows, obj);
	page->last = row->proof.y;
	page->n++;
}

static int proof_query(struct rpc_call *call, struct proof_query *q, struct err *err)
{
	const char *after = rpc_param_str(call, "after"), *state = rpc_param_str(call, "state"),
		   *mint = rpc_param_str(call, "mint");
	struct mint_row row;

	q->limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT);
	if (after && !hex_decode(after, q->after.b, sizeof(q->after.b))) {
		ERR(err, ERR_PARAM, "after is no cursor of this list");
		return err_field(err, "after");
	}
	for (enum proof_state s = PROOF_SPENDABLE; state && s <= PROOF_INVALID; s++)
		if (strcmp(proof_state_name(s), state) == 0)
			q->state = (int)s;
	if (!mint)
		return 0;
	if (ecash_mint_find(store_view(call->server->opt.store), call->arena, mint, &row, err) != 0)
		return err_field(err, "mint");
	q->mint_id = row.id;
	return 0;
}

static struct rpc_outcome proof_list(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	struct proof_query q = { 0 };
	json_t *result = json_object_in(call->arena);
	struct mint_row *mints;
	char next[2 * sizeof(page.last.b) + 1];
	struct err err;

	if (proof_query(call, &q, &err) != 0 ||
	    mint_store_list(v, call->arena, 0, MINTS_MAX, &mints, &page.n_mints, &err) != 0)
		return rpc_fail(&err);
	page.mints = mints;
	if (proof_store_list(v, call->arena, &q, add_proof, &page, &err) < 0)
		return rpc_fail(&err);
	hex_encode(page.last.b, sizeof(page.last.b), next);
	json_set(result, "proofs", page.rows);
	json_set_str(result, "next", page.n == q.limit ? next : NULL);
	return rpc_ok(result);
}

static const struct param proof_list_params[] = {
	{ .name = "mint",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = MINT_URL_MAX,
	  .fallback = "all",
	  .help = "Only of this mint." },
	{ .name = "state",
	  .type = PARAM_ENUM,
	  .choices = "spendable|locked|pending|sent|spent|invalid",
	  .fallback = "all but spent",
	  .help = "Only in this state." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field proof_list_result[] = {
	{ "proofs", "array", "y, amount, unit, mint, keyset_id, state, holder, created_by, dleq, created_at_ms." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_proof_list = {
	.name = "proof.list",
	.scope = RPC_READ,
	.params = proof_list_params,
	.result = proof_list_result,
	.help = "The notes of ecash, without their secrets.",
	.example = "{\"state\":\"spendable\"}",
	.run = proof_list,
};
