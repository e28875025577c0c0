#include <string.h>

#include "actions/executor.h"
#include "actions/onchain_show.h"
#include "base/clock.h"
#include "exit/vtxo_import.h"
#include "exit/vtxo_show.h"
#include "rpc/methods.h"
#include "rpc/state.h"

#define ONE_VTXO_BYTES (8u << 20) /* of arena: what one answer may take at most */

static enum network network_of(const struct rpc_call *call)
{
	return executor_policy(call->server->opt.executor)->onchain.network;
}

static int chain_of(const struct rpc_call *call, struct chain_source **ret, struct err *err)
{
	*ret = executor_chain(call->server->opt.executor);
	if (*ret)
		return 0;
	ERR(err, ERR_CONFIG, "no node is configured to ask");
	return err_hint(err, "set bitcoind_url or esplora_url in walletd.conf");
}

static void set_error(struct arena *a, json_t *obj, const char *name, const struct err *err)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "kind", err_kind(err->code));
	json_set_str(v, "message", err->msg);
	json_set_str(v, "hint", err->hint[0] ? err->hint : NULL);
	json_set(obj, name, v);
}

/* --- vtxo.import --- */

static void import_end(void *import)
{
	vtxo_import_free(import);
}

static json_t *item_json(struct arena *a, const struct import_item *item, size_t place)
{
	const struct vtxo_verdict *said = &item->verdict;
	bool refused = said->err.code != ERR_NONE;
	json_t *v = json_object_in(a);

	json_set_u64(v, "place", place + 1);
	if (item->decoded) {
		vtxo_set_point(v, "vtxo_id", &item->vtxo.point);
		json_set_u64(v, "amount_sat", sat_value(item->vtxo.amount));
	}
	json_set_str(v, "status", refused ? "refused" : item->known ? "known" : "imported");
	if (refused)
		set_error(a, v, "error", &said->err);
	if (said->warning.code != ERR_NONE)
		set_error(a, v, "warning", &said->warning);
	if (said->under_way)
		json_set_bool(v, "exit_under_way", true);
	return v;
}

/* Refused altogether when each of them is: then the first says why. */
static int import_store(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct vtxo_import *im = call->data;
	json_t *result = json_object_in(call->arena), *list = json_array_in(call->arena);
	size_t taken = 0, known = 0;

	if (vtxo_import_store(u, im, rpc_param_str(call, "label"), clock_now_ms(), err) != 0)
		return -1;
	for (size_t i = 0; i < im->n; i++) {
		bool refused = im->items[i].verdict.err.code != ERR_NONE;

		known += !refused && im->items[i].known;
		taken += !refused && !im->items[i].known;
		json_add(list, item_json(call->arena, &im->items[i], i));
	}
	if (taken + known == 0) {
		*err = im->items[0].verdict.err;
		if (im->n > 1)
			err_context(err, "each is refused; the first");
		return err_field(err, "vtxos");
	}
	json_set_u64(result, "imported", taken);
	json_set_u64(result, "known", known);
	json_set_u64(result, "refused", im->n - taken - known);
	json_set(result, "vtxos", list);
	*ret = result;
	return 0;
}

static void import_looked(void *ctx)
{
	rpc_mutate_later(ctx, import_store, NULL);
}

static void import_forget(struct rpc_call *call)
{
	vtxo_import_cancel(call->data);
}

static struct rpc_outcome vtxo_import(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	const char *text = rpc_param_str(call, "vtxos");
	uint32_t search = (uint32_t)rpc_param_int(call, "search", 0);
	struct chain_source *chain;
	struct vtxo_import *im;
	struct err err;

	if (chain_of(call, &chain, &err) != 0)
		return rpc_fail(&err);
	if (vtxo_import_read(v, network_of(call), text, search, &im, &err) != 0) {
		err_field(&err, "vtxos");
		return rpc_fail(&err);
	}
	arena_defer(call->arena, import_end, im);
	call->data = im;
	if (!vtxo_import_look(im, chain, import_looked, call))
		return rpc_mutate(call, import_store, NULL);
	return rpc_later(call, import_forget);
}

static const struct param vtxo_import_params[] = {
	{ .name = "vtxos",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED | PARAM_FILE,
	  .min = 1,
	  .max = VTXO_IMPORT_TEXT_MAX,
	  .help = "One VTXO in hex, as bark exports it; or several with spaces or lines between them; or what vtxo.export"
		  " gave. At most 100." },
	{ .name = "search",
	  .type = PARAM_INT,
	  .max = 1000,
	  .fallback = "0",
	  .help = "How many keys to try beyond those that are looked for anyway: for a wallet that has used very many." },
	{ .name = "label", .type = PARAM_STRING, .max = VTXO_LABEL_MAX, .help = "Of each; stays on this machine." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field vtxo_import_result[] = {
	{ "imported", "integer", "How many are new." },
	{ "known", "integer", "How many the wallet had already; they stay as they are." },
	{ "refused", "integer", "How many are not taken." },
	{ "vtxos", "array",
	  "place (in the text), vtxo_id, amount_sat, status (imported, known, refused), error (kind, message, hint),"
	  " warning (why nodes would not relay its exit), exit_under_way." },
	{ 0 },
};
const struct rpc_method method_vtxo_import = {
	.name = "vtxo.import",
	.scope = RPC_RECEIVE,
	.flags = RPC_MUTATES,
	.params = vtxo_import_params,
	.result = vtxo_import_result,
	.help = "Takes VTXOs from outside, when every signature is right, a block has their anchor, and a key of this wallet"
		" opens them. Works while the wallet is locked.",
	.example = "{\"vtxos\":\"0200…\"}",
	.run = vtxo_import,
};

/* --- which one is meant --- */

static int point_param(const struct rpc_call *call, struct outpoint *ret, struct err *err)
{
	if (outpoint_parse(rpc_param_str(call, "vtxo_id"), ret))
		return 0;
	ERR(err, ERR_PARAM, "this is no id of a VTXO: txid:vout");
	return err_field(err, "vtxo_id");
}

static int row_param(const struct rpc_call *call, struct view v, struct vtxo_row *ret, struct err *err)
{
	struct outpoint at;
	int found;

	if (point_param(call, &at, err) != 0)
		return -1;
	found = vtxo_store_find(v, call->arena, &at, ret, err);
	if (found == 0) {
		ERR(err, ERR_NOT_FOUND, "this wallet has no such VTXO");
		return err_field(err, "vtxo_id");
	}
	return found < 0 ? -1 : 0;
}

#define VTXO_ID_PARAM                                                                                                  \
	{                                                                                                              \
		.name = "vtxo_id", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .min = 1, .max = OUTPOINT_TEXT - 1,  \
		.help = "txid:vout."                                                                                   \
	}

/* --- vtxo.list --- */

static const enum vtxo_state listed[] = { VTXO_SPENDABLE, VTXO_LOCKED, VTXO_EXITING, VTXO_SPENT, VTXO_EXITED };

struct page {
	const struct rpc_call *call;
	json_t *rows;
	int64_t last;
	unsigned n;
	uint32_t tip;
};

static void add_row(void *ctx, const struct vtxo_row *row)
{
	struct page *page = ctx;

	json_add(page->rows, vtxo_row_json(page->call->arena, network_of(page->call), row, page->tip));
	page->last = row->id;
	page->n++;
}

static struct rpc_outcome vtxo_list(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	struct vtxo_query q = { .limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT) };
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	const char *state = rpc_param_str(call, "state");
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (state && strcmp(state, "all") == 0)
		q.state = -1;
	for (size_t i = 0; state && i < ARRAY_LEN(listed); i++)
		if (strcmp(vtxo_state_name(listed[i]), state) == 0)
			q.state = (int)listed[i];
	if (rpc_param_cursor(call, &q.after, &err) != 0 || onchain_tip_height(v, &page.tip, &err) != 0 ||
	    vtxo_store_list(v, call->arena, &q, add_row, &page, &err) < 0)
		return rpc_fail(&err);
	json_set(result, "vtxos", page.rows);
	rpc_set_next(result, page.n == q.limit ? page.last : 0);
	return rpc_ok(result);
}

static const struct param vtxo_list_params[] = {
	{ .name = "state",
	  .type = PARAM_ENUM,
	  .choices = "spendable|locked|exiting|spent|exited|all",
	  .fallback = "all but spent and exited",
	  .help = "Only in this state." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
#define VTXO_WORDS                                                                                                     \
	"vtxo_id, amount_sat, state, holder (the action or exit that keeps it), label, origin, policy, expiry_height," \
	" blocks_left, exit_delta, exit_depth, exit_vsize, standard (would nodes relay its exit?), anchor, address,"   \
	" key_index, server, server_lost_at_ms, created_at_ms."
static const struct rpc_field vtxo_list_result[] = {
	{ "vtxos", "array", VTXO_WORDS },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_vtxo_list = {
	.name = "vtxo.list",
	.scope = RPC_READ,
	.params = vtxo_list_params,
	.result = vtxo_list_result,
	.help = "The wallet's VTXOs: what each is worth, when it expires, and how long its way onto the chain is.",
	.example = "{\"state\":\"spendable\"}",
	.run = vtxo_list,
};

/* --- vtxo.get --- */

static int show_one(const struct rpc_call *call, json_t **ret, struct err *err)
{
	struct view v = store_view(call->server->opt.store);
	struct vtxo_row row;
	struct vtxo vtxo;
	uint32_t tip;
	json_t *obj;

	if (row_param(call, v, &row, err) != 0 || onchain_tip_height(v, &tip, err) != 0 ||
	    vtxo_load(v, call->arena, row.id, &vtxo, err) != 0)
		return -1;
	obj = vtxo_row_json(call->arena, network_of(call), &row, tip);
	if (vtxo_set_chain(call->arena, network_of(call), &vtxo, obj, err) != 0)
		return -1;
	*ret = obj;
	return 0;
}

static struct rpc_outcome vtxo_get(struct rpc_call *call)
{
	json_t *result;
	struct err err;

	return show_one(call, &result, &err) != 0 ? rpc_fail(&err) : rpc_ok(result);
}

static const struct param vtxo_id_params[] = { VTXO_ID_PARAM, { 0 } };
static const struct rpc_field vtxo_get_result[] = {
	{ "vtxo_id", "string", "As asked." },
	{ "amount_sat", "integer", "What it is worth in Ark; its exit and its claim cost fees." },
	{ "state", "string", "spendable, locked, exiting (on chain, and ours to claim), spent, or exited (claimed)." },
	{ "holder", "string", "The action or exit that keeps it, or null." },
	{ "label", "string", "Or null." },
	{ "origin", "string", "How it came here." },
	{ "policy", "string", "Who may spend it." },
	{ "expiry_height", "integer", "From this height on its server may take what it stands on." },
	{ "blocks_left", "integer", "Until then, or null." },
	{ "exit_delta", "integer", "Blocks to wait after its exit, before it can be claimed." },
	{ "exit_depth", "integer", "Transactions of its exit; at least so many blocks." },
	{ "exit_vsize", "integer", "Their virtual bytes, without the children that pay for them." },
	{ "standard", "boolean", "Would nodes relay its exit?" },
	{ "anchor", "object", "outpoint, height, block: what it stands on." },
	{ "address", "string", "Of its output." },
	{ "key_index", "integer", "Of the wallet's key that opens it, m/350'/0'/index." },
	{ "server", "string", "The server's key." },
	{ "server_lost_at_ms", "integer", "Since when its server counts as lost, or null." },
	{ "created_at_ms", "integer", "Unix time in ms." },
	{ "exit_transactions", "array", "txid, kind, vsize, spends, outputs (amount_sat, address, role), hex." },
	{ "exit_chain", "string", "The same, drawn for people." },
	{ 0 },
};
const struct rpc_method method_vtxo_get = {
	.name = "vtxo.get",
	.scope = RPC_READ,
	.params = vtxo_id_params,
	.result = vtxo_get_result,
	.help = "One VTXO, with every transaction that puts it on chain.",
	.example = "{\"vtxo_id\":\"5c0d2f…:0\"}",
	.run = vtxo_get,
};

/* --- vtxo.validate --- */

struct validation {
	struct rpc_call *call;
	struct vtxo vtxo;
	struct vtxo_look *look;
};

static void validated(void *ctx, const struct vtxo_verdict *said)
{
	struct validation *mine = ctx;
	struct rpc_call *call = mine->call;
	json_t *result;

	mine->look = NULL;
	if (said->err.code != ERR_NONE) {
		rpc_finish(call, rpc_fail(&said->err));
		return;
	}
	result = vtxo_json(call->arena, network_of(call), &mine->vtxo, said->tip.height);
	json_set_bool(result, "valid", true);
	json_set_bool(result, "exit_under_way", said->under_way);
	json_set_int(result, "anchor_height", said->anchor_block.height);
	if (said->warning.code != ERR_NONE)
		set_error(call->arena, result, "warning", &said->warning);
	else
		json_set_take(result, "warning", json_null());
	rpc_finish(call, rpc_ok(result));
}

static void validation_forget(struct rpc_call *call)
{
	struct validation *mine = call->data;

	vtxo_look_cancel(mine->look);
	mine->look = NULL;
}

static int validation_vtxo(struct rpc_call *call, struct vtxo *ret, struct err *err)
{
	struct view v = store_view(call->server->opt.store);
	const char *hex = rpc_param_str(call, "vtxo");
	struct vtxo_row row;

	if (!hex == !rpc_param_str(call, "vtxo_id")) {
		ERR(err, ERR_PARAM, "give either vtxo_id or vtxo");
		return err_field(err, "vtxo_id");
	}
	if (!hex)
		return row_param(call, v, &row, err) != 0 ? -1 : vtxo_load(v, call->arena, row.id, ret, err);
	return vtxo_parse(call->arena, hex, VTXO_FULL, ret, err) != 0 ? err_field(err, "vtxo") : 0;
}

static struct rpc_outcome vtxo_validate_call(struct rpc_call *call)
{
	struct validation *mine = ARENA_NEW(call->arena, struct validation);
	struct chain_source *chain;
	struct err err;

	*mine = (struct validation){ .call = call };
	if (chain_of(call, &chain, &err) != 0 || validation_vtxo(call, &mine->vtxo, &err) != 0)
		return rpc_fail(&err);
	mine->look = vtxo_look_new(chain, &mine->vtxo, (struct vtxo_look_then){ validated, mine });
	call->data = mine;
	return rpc_later(call, validation_forget);
}

static const struct param vtxo_validate_params[] = {
	{ .name = "vtxo_id", .type = PARAM_STRING, .min = 1, .max = OUTPOINT_TEXT - 1, .help = "One of the wallet's." },
	{ .name = "vtxo",
	  .type = PARAM_STRING,
	  .flags = PARAM_FILE,
	  .min = 1,
	  .max = VTXO_IMPORT_TEXT_MAX,
	  .help = "Or any, in hex." },
	{ 0 },
};
static const struct rpc_field vtxo_validate_result[] = {
	{ "valid", "boolean", "True: whatever is wrong is an error." },
	{ "vtxo_id", "string", "Whose." },
	{ "amount_sat", "integer", "What it is worth." },
	{ "policy", "string", "Who may spend it." },
	{ "expiry_height", "integer", "From this height on its server may take what it stands on." },
	{ "blocks_left", "integer", "Until then." },
	{ "exit_delta", "integer", "Blocks to wait after its exit." },
	{ "exit_depth", "integer", "Transactions of its exit." },
	{ "anchor", "object", "outpoint: what it stands on." },
	{ "anchor_height", "integer", "Of the block that has it." },
	{ "address", "string", "Of its output." },
	{ "server", "string", "The server's key." },
	{ "exit_under_way", "boolean", "Has the network the first transaction of its exit?" },
	{ "warning", "object", "kind, message: why nodes would not relay its exit; or null." },
	{ 0 },
};
const struct rpc_method method_vtxo_validate = {
	.name = "vtxo.validate",
	.scope = RPC_READ,
	.params = vtxo_validate_params,
	.result = vtxo_validate_result,
	.help = "Is a VTXO what it says? Looks at the chain, at every amount and at every signature. Needs no key.",
	.example = "{\"vtxo_id\":\"5c0d2f…:0\"}",
	.run = vtxo_validate_call,
};

/* --- vtxo.export --- */

struct export
{
	struct rpc_call *call;
	json_t *to;
	int64_t last;
	unsigned n;
	int rc;
	struct err *err;
};

static void export_row(void *ctx, const struct vtxo_row *row)
{
	struct export *x = ctx;
	struct arena *a = x->call->arena;
	struct vtxo v;

	if (x->rc != 0 || !arena_room(a, ONE_VTXO_BYTES))
		return;
	x->rc = vtxo_load(store_view(x->call->server->opt.store), a, row->id, &v, x->err);
	if (x->rc != 0)
		return;
	vtxo_export_add(a, x->to, &v);
	x->last = row->id;
	x->n++;
}

static struct rpc_outcome vtxo_export(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	struct vtxo_query q = { .limit = VTXO_IMPORT_MAX };
	struct err err;
	struct export x = { .call = call, .to = vtxo_export_json(call->arena, network_of(call)), .err = &err };
	struct vtxo_row row;

	if (rpc_param_str(call, "vtxo_id")) {
		if (row_param(call, v, &row, &err) != 0)
			return rpc_fail(&err);
		export_row(&x, &row);
	} else if (rpc_param_cursor(call, &q.after, &err) != 0 ||
		   vtxo_store_list(v, call->arena, &q, export_row, &x, &err) < 0) {
		return rpc_fail(&err);
	}
	if (x.rc != 0)
		return rpc_fail(&err);
	rpc_set_next(x.to, x.n == q.limit ? x.last : 0);
	return rpc_ok(x.to);
}

static const struct param vtxo_export_params[] = {
	{ .name = "vtxo_id",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = OUTPOINT_TEXT - 1,
	  .fallback = "each that is not spent",
	  .help = "This one alone." },
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field vtxo_export_result[] = {
	{ "format", "string", "walletd-vtxos." },
	{ "network", "string", "Theirs." },
	{ "vtxos", "array", "vtxo_id, amount_sat, hex: at most 100." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_vtxo_export = {
	.name = "vtxo.export",
	.scope = RPC_READ,
	.params = vtxo_export_params,
	.result = vtxo_export_result,
	.help = "VTXOs with all that takes them onto the chain, for vtxo.import and for bark. Worth nothing without the seed,"
		" but whoever has it sees what the wallet owns.",
	.example = "{}",
	.run = vtxo_export,
};
