#include <string.h>

#include "actions/ecash.h"
#include "actions/executor.h"
#include "base/text.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "store/proof_store.h"

#define TOKEN_PARAM_MAX (512 * 1024)

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
