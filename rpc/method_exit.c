#include <string.h>

#include "base/clock.h"
#include "exit/exit.h"
#include "exit/show.h"
#include "rpc/exit_call.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "store/vtxo_store.h"

#define STARTS_MAX 100u
#define START_ROOM ((size_t)64 << 20) /* what beginning one exit, or reading a page of VTXOs, may take */

/* --- exit.start --- */

/* What begins, what was under way already, and of all of them what cannot: into these. */
struct starting {
	struct rpc_call *call;
	struct unit *u;
	struct exit_order o;
	json_t *started, *running, *skipped;
};

/* 1 and 0 as exit_start(). */
static int start_one(struct starting *s, const struct outpoint *at, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(START_ROOM);
	char text[OUTPOINT_TEXT];
	int64_t id;
	int rc;

	s->o.vtxo = *at;
	rc = exit_start(s->u, &a, &s->o, clock_now_ms(), &id, err);
	if (rc < 0)
		return err_field(err, "vtxo_ids");
	outpoint_text(at, text);
	json_add_take(rc == 1 ? s->started : s->running, json_string(text));
	return rc;
}

static int start_named(struct starting *s, struct err *err)
{
	struct outpoint *at;
	size_t n;

	if (exit_call_ids(s->call, &at, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (start_one(s, &at[i], err) < 0)
			return -1;
	return 0;
}

struct vtxo_page {
	struct outpoint *at;
	int64_t last;
	unsigned n;
};
static void add_point(void *ctx, const struct vtxo_row *row)
{
	struct vtxo_page *page = ctx;

	page->at[page->n++] = row->point;
	page->last = row->id;
}

/* Too small to be on chain, not relayed, or held by an action: such a one is no reason to leave the others. */
static int start_or_skip(struct starting *s, const struct outpoint *at, struct err *err)
{
	char text[OUTPOINT_TEXT];
	json_t *v;

	if (start_one(s, at, err) >= 0)
		return 0;
	if (err->code != ERR_VTXO_DUST && err->code != ERR_VTXO_SCRIPT && err->code != ERR_CONFLICT)
		return -1;
	v = json_object_in(s->call->arena);
	outpoint_text(at, text);
	json_set_str(v, "vtxo_id", text);
	json_set_str(v, "kind", err_kind(err->code));
	json_set_str(v, "message", err->msg);
	json_add(s->skipped, v);
	return 0;
}

/* Also those that an exit of theirs holds: they are running. */
static int start_all(struct starting *s, struct err *err)
{
	struct vtxo_page page = { .at = ARENA_ARRAY(s->call->arena, STARTS_MAX, struct outpoint) };

	do {
		SCOPED(arena) struct arena a = ARENA_LIMIT(START_ROOM);
		struct vtxo_query q = { .after = page.last, .limit = STARTS_MAX };

		page.n = 0;
		if (vtxo_store_list(unit_view(s->u), &a, &q, add_point, &page, err) < 0)
			return -1;
		for (unsigned i = 0; i < page.n; i++)
			if (start_or_skip(s, &page.at[i], err) != 0)
				return -1;
	} while (page.n == STARTS_MAX);
	return 0;
}

static int start_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct starting s = {
		.call = call,
		.u = u,
		.o = { .allow_non_standard = rpc_param_bool(call, "allow_non_standard") },
		.started = json_array_in(call->arena),
		.running = json_array_in(call->arena),
		.skipped = json_array_in(call->arena),
	};
	json_t *result = json_object_in(call->arena);
	struct feerate rate;
	int rc = exit_call_rate(call, &rate, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		s.o.rate = &rate;
	if ((rpc_param_bool(call, "all") ? start_all(&s, err) : start_named(&s, err)) != 0)
		return -1;
	unit_after(u, exit_call_kick, call->server->opt.exits);
	json_set(result, "started", s.started);
	json_set(result, "running", s.running);
	json_set(result, "skipped", s.skipped);
	*ret = result;
	return 0;
}

static struct rpc_outcome exit_start_run(struct rpc_call *call)
{
	bool some = json_array_size(json_object_get(call->params, "vtxo_ids")) > 0;
	struct err err;

	if (rpc_param_bool(call, "all") == some) {
		ERR(&err, ERR_PARAM, "which VTXOs? Their ids, or all=true");
		err_field(&err, "vtxo_ids");
		return rpc_fail(&err);
	}
	return exit_call_check(call, &err) != 0 ? rpc_fail(&err) : rpc_mutate(call, start_unit, NULL);
}

static const struct param exit_start_params[] = {
	{ .name = "vtxo_ids",
	  .type = PARAM_ARRAY,
	  .max = STARTS_MAX,
	  .help = "Which ones: each txid:vout. All of them begin, or none." },
	{ .name = "all",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Or every spendable one; those that cannot are told in skipped." },
	EXIT_RATE_PARAM("what the nodes say", "sat/vB, for all its transactions: \"2.5\"."),
	{ .name = "allow_non_standard",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Also those whose transactions nodes do not relay: a miner has to take them." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field exit_start_result[] = {
	{ "started", "array", "Ids of VTXOs whose exit begins now." },
	{ "running", "array", "Ids of VTXOs whose exit was under way already." },
	{ "skipped", "array", "With all=true: vtxo_id, and why not (kind, message)." },
	{ 0 },
};
const struct rpc_method method_exit_start = {
	.name = "exit.start",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = exit_start_params,
	.result = exit_start_result,
	.help = "Puts VTXOs on chain, with nobody's leave. The on-chain wallet pays the fees; exit.plan says how much. What is"
		" on chain at its end is claimed with exit.claim.",
	.example = "{\"vtxo_ids\":[\"6f…:0\"]}",
	.run = exit_start_run,
};

/* --- exit.list, exit.get --- */

struct page {
	struct rpc_call *call;
	json_t *rows;
	int64_t last;
	unsigned n, details;
	struct err err; /* ERR_NONE: all went well */
};

static void add_exit(void *ctx, const struct exit_row *row)
{
	struct page *page = ctx;
	json_t *obj;

	page->n++;
	page->last = row->id;
	if (page->err.code != ERR_NONE || exit_json(store_view(page->call->server->opt.store), page->call->arena, row,
						    page->details, exit_call_margin(page->call), &obj, &page->err) != 0)
		return;
	json_add(page->rows, obj);
}

static enum exit_filter filter_of(const struct rpc_call *call)
{
	const char *text = rpc_param_str(call, "filter");

	if (text && strcmp(text, "finished") == 0)
		return EXITS_FINISHED;
	return text && strcmp(text, "all") == 0 ? EXITS_ALL : EXITS_LIVE;
}

static struct rpc_outcome exit_list(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	struct exit_query q = { .filter = filter_of(call),
				.limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT) };
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	json_t *result = json_object_in(call->arena), *sums;
	struct err err;

	if (rpc_param_cursor(call, &q.after, &err) != 0 ||
	    exit_store_list(v, call->arena, &q, add_exit, &page, &err) < 0 ||
	    exit_sums_json(v, call->arena, &sums, &err) != 0)
		return rpc_fail(&err);
	if (page.err.code != ERR_NONE)
		return rpc_fail(&page.err);
	json_set(result, "exits", page.rows);
	json_set(result, "sums", sums);
	rpc_set_next(result, page.n == q.limit ? page.last : 0);
	return rpc_ok(result);
}

static const struct param exit_list_params[] = {
	{ .name = "filter",
	  .type = PARAM_ENUM,
	  .choices = "live|finished|all",
	  .fallback = "live",
	  .help = "Which ones." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field exit_list_result[] = {
	{ "exits", "array", "Each as exit.get tells it, without its transactions and history." },
	{ "sums", "object", "How many are in each state (n), and what they are worth (amount_sat)." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_exit_list = {
	.name = "exit.list",
	.scope = RPC_READ,
	.params = exit_list_params,
	.result = exit_list_result,
	.help = "Exits, and how far each has come.",
	.run = exit_list,
};

static struct rpc_outcome exit_get(struct rpc_call *call)
{
	struct view v = store_view(call->server->opt.store);
	unsigned details = (rpc_param_bool(call, "history") ? EXIT_SHOW_HISTORY : 0u) |
			   (rpc_param_bool(call, "transactions") ? EXIT_SHOW_TXS : 0u);
	struct exit_row row;
	struct outpoint at;
	json_t *result;
	struct err err;
	int rc;

	if (exit_call_id(call, &at, &err) != 0)
		return rpc_fail(&err);
	rc = exit_store_find(v, call->arena, &at, &row, &err);
	if (rc == 0) {
		ERR(&err, ERR_NOT_FOUND, "there is no exit of the VTXO %s", rpc_param_str(call, "vtxo_id"));
		err_hint(&err, "exit.start");
	}
	if (rc != 1 || exit_json(v, call->arena, &row, details, exit_call_margin(call), &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct param exit_get_params[] = {
	EXIT_ID_PARAM,
	{ .name = "history", .type = PARAM_BOOL, .fallback = "false", .help = "Also all states that it was in." },
	{ .name = "transactions",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Also its transactions, and who pays for each." },
	{ 0 },
};
static const struct rpc_field exit_get_result[] = {
	{ "vtxo_id", "string", "txid:vout." },
	{ "state", "string",
	  "start, processing, awaiting-delta, claimable, claim-in-progress, claimed, vtxo-already-spent or canceled." },
	{ "waiting_for", "string",
	  "chain, funds, unlock, cpfp, confirmation, parent, preimage, timelock, user_claim, claim_confirmation or none." },
	{ "blocks_left", "integer", "At least so many until it can be claimed; not there when nobody knows." },
	{ "claimable_height", "integer", "From this block on, when it is known." },
	{ "deadline_height", "integer", "It should have begun before this block: its server may sweep what expires." },
	{ "amount_sat", "integer", "What it is worth." },
	{ "depth", "integer", "Transactions that put it on chain." },
	{ "broadcast_txs", "integer", "Of these, given to the network." },
	{ "confirmed_txs", "integer", "Of these, in a block." },
	{ "fees_sat", "integer", "What is paid for them; shared ones count in full." },
	{ "feerate", "string", "sat/vB, when it was given." },
	{ "live", "boolean", "Is it still looked after?" },
	{ "cancelable", "boolean", "Can it still be given up?" },
	{ "attempt", "integer", "One more after each that was cancelled." },
	{ "exit", "integer", "Number of this attempt: coins are held by exit:<number>." },
	{ "status", "object", "The state with all that belongs to it." },
	{ "last_error", "object", "What keeps it from going on: type, and what belongs to that; at_ms, attempts." },
	{ "transactions", "array",
	  "txid, status, height, shared_by, tx, child (txid, tx, status, fee_sat, package_feerate, and origin: wallet, given, or "
	  "somebody else's: mempool, block)." },
	{ "history", "array", "at_ms, state, status." },
	{ "started_at_ms", "integer", "Unix time in ms." },
	{ "updated_at_ms", "integer", "Unix time in ms." },
	{ 0 },
};
const struct rpc_method method_exit_get = {
	.name = "exit.get",
	.scope = RPC_READ,
	.params = exit_get_params,
	.result = exit_get_result,
	.help = "How far the exit of a VTXO has come, and what it waits for.",
	.example = "{\"vtxo_id\":\"6f…:0\",\"transactions\":true}",
	.run = exit_get,
};

/* --- exit.cancel, exit.bump --- */

static int answer(struct unit *u, struct rpc_call *call, const struct outpoint *at, json_t **ret, struct err *err)
{
	struct exit_row row;

	unit_after(u, exit_call_kick, call->server->opt.exits);
	if (exit_store_find(unit_view(u), call->arena, at, &row, err) != 1)
		return -1;
	return exit_json(unit_view(u), call->arena, &row, 0, exit_call_margin(call), ret, err);
}

static int cancel_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct outpoint at;

	if (exit_call_id(call, &at, err) != 0 || exit_cancel(u, call->arena, &at, clock_now_ms(), err) != 0)
		return -1;
	return answer(u, call, &at, ret, err);
}

static struct rpc_outcome exit_cancel_run(struct rpc_call *call)
{
	struct err err;

	return exit_call_check(call, &err) != 0 ? rpc_fail(&err) : rpc_mutate(call, cancel_unit, NULL);
}

static const struct rpc_field one_exit_result[] = { { "vtxo_id", "string",
						      "As in exit.get, with all else that it tells." },
						    { "state", "string", "Its state now." },
						    { 0 } };
static const struct param exit_cancel_params[] = { EXIT_ID_PARAM, RPC_KEY_PARAM, { 0 } };
const struct rpc_method method_exit_cancel = {
	.name = "exit.cancel",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES,
	.params = exit_cancel_params,
	.result = one_exit_result,
	.help = "Gives an exit up, as long as nobody has its last transaction. Fees that were paid are gone.",
	.example = "{\"vtxo_id\":\"6f…:0\"}",
	.run = exit_cancel_run,
};

static int feerate_unit(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct outpoint at;
	struct feerate rate;
	int rc = exit_call_rate(call, &rate, err);

	if (rc < 0 || exit_call_id(call, &at, err) != 0 ||
	    exit_set_feerate(u, call->arena, &at, rc == 1 ? &rate : NULL, clock_now_ms(), err) != 0)
		return -1;
	return answer(u, call, &at, ret, err);
}

static struct rpc_outcome exit_feerate(struct rpc_call *call)
{
	struct err err;

	return exit_call_check(call, &err) != 0 ? rpc_fail(&err) : rpc_mutate(call, feerate_unit, NULL);
}

static const struct param exit_feerate_params[] = {
	EXIT_ID_PARAM,
	EXIT_RATE_PARAM("what the nodes say", "sat/vB, from now on; a higher one replaces what is under way."),
	RPC_KEY_PARAM,
	{ 0 }
};
const struct rpc_method method_exit_feerate = {
	.name = "exit.feerate",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES,
	.params = exit_feerate_params,
	.result = one_exit_result,
	.help = "What an exit's transactions pay from now on. Without feerate it is the network's again.",
	.example = "{\"vtxo_id\":\"6f…:0\",\"feerate\":\"20\"}",
	.run = exit_feerate,
};
