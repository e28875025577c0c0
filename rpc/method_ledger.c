#include <inttypes.h>
#include <string.h>

#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"

#define EXPORT_TEXT_MAX (4u << 20)

/* --- balance --- */

static struct rpc_outcome balance(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena), *balances;
	struct err err;

	if (view_balances(call->arena, store_view(call->server->opt.store), true, &balances, &err) != 0)
		return rpc_fail(&err);
	json_set(result, "balances", balances);
	return rpc_ok(result);
}

static const struct rpc_field balance_result[] = {
	{ "balances", "object",
	  "Per rail and unit: spendable, pending (offered to us, not counted), locked (held by actions), sent (in tokens"
	  " nobody has claimed), exiting (of VTXOs: on chain, and not claimed yet), total = spendable + locked + sent +"
	  " exiting; and the same per mint." },
	{ 0 },
};
const struct rpc_method method_balance = {
	.name = "balance",
	.scope = RPC_READ,
	.result = balance_result,
	.help = "What there is, per rail, unit and mint, in the unit's smallest part.",
	.run = balance,
};

/* --- history --- */

struct page {
	const struct rpc_call *call;
	json_t *rows;
	struct buf *text;
	bool csv;
	int64_t last;
	unsigned n;
};

/* Reads on in small steps, so that a page of large rows ends early.  *ret_more: is there another? */
static int list(struct rpc_call *call, struct movement_query *q, struct page *page, bool forward,
		void (*each)(void *ctx, const struct movement_row *row), bool *ret_more, struct err *err)
{
	unsigned limit = q->limit, step = 100;

	page->call = call;
	*ret_more = true;
	while (page->n < limit && call->arena->used < PAGE_BYTES &&
	       (!page->text || page->text->n < EXPORT_TEXT_MAX / 2)) {
		unsigned before = page->n;

		q->limit = limit - before < step ? limit - before : step;
		if (movement_list(store_view(call->server->opt.store), call->arena, q, each, page, err) < 0)
			return -1;
		if (page->n - before < q->limit) {
			*ret_more = false;
			return 0;
		}
		if (forward)
			q->after_id = page->last;
		else
			q->before_id = page->last;
	}
	return 0;
}

static void add_row(void *ctx, const struct movement_row *row)
{
	struct page *page = ctx;

	json_add(page->rows, view_movement(page->call->arena, row));
	page->last = row->id;
	page->n++;
}

static struct rpc_outcome history(struct rpc_call *call)
{
	bool oldest = strcmp(rpc_param_str(call, "order") ? rpc_param_str(call, "order") : "newest", "oldest") == 0,
	     more;
	struct movement_query q = {
		.rail = rpc_param_str(call, "rail"),
		.since_ms = rpc_param_int(call, "since_ms", 0),
		.oldest_first = oldest,
		.internal = rpc_param_bool(call, "internal"),
		.limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT),
	};
	struct page page = { .rows = json_array_in(call->arena) };
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (rpc_param_cursor(call, oldest ? &q.after_id : &q.before_id, &err) != 0 ||
	    list(call, &q, &page, oldest, add_row, &more, &err) != 0)
		return rpc_fail(&err);
	json_set(result, "movements", page.rows);
	rpc_set_next(result, more ? page.last : 0);
	return rpc_ok(result);
}

#define HISTORY_PARAMS                                                                                                 \
	{ .name = "rail",                                                                                              \
	  .type = PARAM_STRING,                                                                                        \
	  .min = 1,                                                                                                    \
	  .max = 16,                                                                                                   \
	  .fallback = "all",                                                                                           \
	  .help = "ecash, onchain, ark or lightning." },                                                               \
		{ .name = "since_ms",                                                                                  \
		  .type = PARAM_INT,                                                                                   \
		  .max = INT64_MAX,                                                                                    \
		  .fallback = "0",                                                                                     \
		  .help = "Only from this Unix time in ms on." },                                                      \
		{ .name = "internal",                                                                                  \
		  .type = PARAM_BOOL,                                                                                  \
		  .fallback = "false",                                                                                 \
		  .help = "Also what only changed place within the wallet." },                                         \
		LIMIT_PARAM, CURSOR_PARAM

static const struct param history_params[] = {
	HISTORY_PARAMS,
	{ .name = "order",
	  .type = PARAM_ENUM,
	  .choices = "newest|oldest",
	  .fallback = "newest",
	  .help = "Which come first." },
	{ 0 },
};
static const struct rpc_field history_result[] = {
	{ "movements", "array",
	  "id, at_ms, rail, kind, action_id, mint (of ecash), txid (of onchain), unit, amount (net change of what is ours, fees included), fee, balance"
	  " (ours in this unit after it), note, entries (the double entry)." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_history = {
	.name = "history",
	.scope = RPC_READ,
	.params = history_params,
	.result = history_result,
	.help = "The one ledger over all rails, with a running balance.",
	.example = "{\"limit\":20}",
	.run = history,
};

/* --- history.export --- */

static const char csv_head[] = "id,at_ms,rail,kind,action_id,mint,unit,amount,fee,balance,note\r\n";

/* RFC 4180; and a text that a spreadsheet would take for a formula is kept a text. */
static void csv_field(struct buf *to, const char *text)
{
	if (!text)
		text = "";
	buf_text_add(to, "\"");
	if (*text && strchr("=+-@\t\r", *text))
		buf_text_add(to, "'");
	for (; *text; text++) {
		if (*text == '"')
			buf_text_add(to, "\"");
		buf_add(to, text, 1);
	}
	buf_text_add(to, "\"");
}

static void export_row(void *ctx, const struct movement_row *row)
{
	struct page *page = ctx;
	struct buf *to = page->text;

	page->last = row->id;
	page->n++;
	if (!page->csv) {
		buf_text_add(to, json_text(page->call->arena, view_movement(page->call->arena, row)));
		buf_text_add(to, "\n");
		return;
	}
	buf_printf(to, "%" PRId64 ",%" PRId64 ",%s,%s,%s,", row->id, row->at_ms, row->rail, row->kind, row->action.s);
	csv_field(to, row->mint_url);
	buf_printf(to, ",%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",", row->unit.s, row->amount, row->fee, row->balance);
	csv_field(to, row->note);
	buf_text_add(to, "\r\n");
}

static struct rpc_outcome history_export(struct rpc_call *call)
{
	SCOPED(buf) struct buf text = BUF_CAP(EXPORT_TEXT_MAX);
	const char *format = rpc_param_str(call, "format");
	struct movement_query q = {
		.rail = rpc_param_str(call, "rail"),
		.since_ms = rpc_param_int(call, "since_ms", 0),
		.oldest_first = true,
		.internal = rpc_param_bool(call, "internal"),
		.limit = (unsigned)rpc_param_int(call, "limit", PAGE_MAX),
	};
	struct page page = { .text = &text, .csv = !format || strcmp(format, "csv") == 0 };
	json_t *result = json_object_in(call->arena);
	struct err err;
	bool more;

	if (rpc_param_cursor(call, &q.after_id, &err) != 0)
		return rpc_fail(&err);
	if (page.csv && q.after_id == 0)
		buf_text_add(&text, csv_head);
	if (list(call, &q, &page, true, export_row, &more, &err) != 0)
		return rpc_fail(&err);
	if (!buf_ok(&text)) {
		ERR(&err, ERR_RANGE, "the page passes %u bytes; ask for fewer rows", EXPORT_TEXT_MAX);
		err_field(&err, "limit");
		return rpc_fail(&err);
	}
	json_set_str(result, "format", page.csv ? "csv" : "jsonl");
	json_set_str(result, "text", buf_text(&text));
	json_set_int(result, "rows", page.n);
	rpc_set_next(result, more ? page.last : 0);
	return rpc_ok(result);
}

static const struct param history_export_params[] = {
	{ .name = "format", .type = PARAM_ENUM, .choices = "csv|jsonl", .fallback = "csv", .help = "Of the text." },
	HISTORY_PARAMS,
	{ 0 },
};
static const struct rpc_field history_export_result[] = {
	{ "format", "string", "csv or jsonl." },
	{ "text", "string", "The rows, oldest first. The first CSV page starts with the column names: go by those." },
	{ "rows", "integer", "How many." },
	{ "next", "string", "Cursor of the next page, or null. The pages' texts one after the other are the file." },
	{ 0 },
};
const struct rpc_method method_history_export = {
	.name = "history.export",
	.scope = RPC_READ,
	.params = history_export_params,
	.result = history_export_result,
	.help = "The ledger as CSV or JSON lines, oldest first, in pages.",
	.example = "{\"format\":\"csv\"}",
	.run = history_export,
};
