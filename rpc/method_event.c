#include <string.h>

#include "base/net/loop.h"
#include "rpc/event_waits.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/event_store.h"

struct page {
	const struct rpc_call *call;
	json_t *rows;
	int64_t cursor;
	unsigned n;
};

static void add_event(void *ctx, const struct event *e)
{
	struct page *page = ctx;

	json_add(page->rows, view_event(page->call->arena, e, &page->call->caller));
	page->n++;
}

/* Up to limit events after the cursor, which moves past what the kinds filtered out, too. */
static int read_page(struct rpc_call *call, struct page *page, struct err *err)
{
	unsigned limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT), step, before;
	int64_t from;

	do {
		from = page->cursor;
		before = page->n;
		step = limit - before < 50 ? limit - before : 50;
		if (event_list(store_view(call->server->opt.store), call->arena, from, rpc_param_str(call, "kinds"),
			       step, add_event, page, &page->cursor, err) < 0)
			return -1;
	} while (page->n < limit && page->cursor != from && call->arena->used < PAGE_BYTES);
	return 0;
}

static json_t *page_json(const struct page *page)
{
	json_t *result = json_object_in(page->call->arena);

	json_set(result, "events", page->rows);
	json_set_int(result, "next", page->cursor);
	return result;
}

static struct page page_new(struct rpc_call *call, int64_t cursor)
{
	return (struct page){ .call = call, .rows = json_array_in(call->arena), .cursor = cursor };
}

static struct rpc_outcome events(struct rpc_call *call)
{
	struct page page = page_new(call, rpc_param_int(call, "after", 0));
	struct err err;

	if (read_page(call, &page, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(page_json(&page));
}

#define KINDS_PARAM                                                                                                    \
	{                                                                                                              \
		.name = "kinds", .type = PARAM_STRING, .min = 1, .max = 512, .fallback = "all",                        \
		.help = "Comma-separated: action.done,mint.*"                                                          \
	}

static const struct param events_params[] = {
	{ .name = "after",
	  .type = PARAM_INT,
	  .min = 0,
	  .max = INT64_MAX,
	  .fallback = "0",
	  .help = "The number of the last event seen; only later ones are told." },
	KINDS_PARAM,
	LIMIT_PARAM,
	{ 0 },
};
static const struct rpc_field events_result[] = {
	{ "events", "array", "seq, at_ms, kind, subject, data; oldest first." },
	{ "next", "integer", "What to give as `after` next time." },
	{ 0 },
};
const struct rpc_method method_events = {
	.name = "events",
	.scope = RPC_READ,
	.params = events_params,
	.result = events_result,
	.help = "The durable event log. Its numbers have no gaps and are never used again. GET /events gives the same as"
		" server-sent events.",
	.example = "{\"after\":0,\"kinds\":\"action.*\"}",
	.run = events,
};

/* --- wait --- */

struct listening {
	struct rpc_call *call;
	int64_t cursor;
	struct event_wait *wait;
	struct timer *deadline;
};

static void listening_end(struct listening *l)
{
	event_wait_remove(l->wait);
	timer_free(l->deadline);
}

static void finish(struct listening *l, struct rpc_outcome outcome)
{
	listening_end(l);
	rpc_finish(l->call, outcome);
}

static void deadline_passed(void *ctx)
{
	struct listening *l = ctx;
	struct page page = page_new(l->call, l->cursor);

	finish(l, rpc_ok(page_json(&page)));
}

static void grown(void *ctx, bool stopping)
{
	struct listening *l = ctx;
	struct page page = page_new(l->call, l->cursor);
	struct err err;

	if (read_page(l->call, &page, &err) != 0) {
		finish(l, rpc_fail(&err));
		return;
	}
	l->cursor = page.cursor;
	if (page.n > 0 || stopping)
		finish(l, rpc_ok(page_json(&page)));
}

static void abandoned(struct rpc_call *call)
{
	listening_end(call->data);
}

static struct rpc_outcome wait_run(struct rpc_call *call)
{
	struct page page = page_new(call, rpc_param_int(call, "after", 0));
	struct listening *l;
	struct err err;

	if (read_page(call, &page, &err) != 0)
		return rpc_fail(&err);
	if (page.n > 0 || call->server->stopping)
		return rpc_ok(page_json(&page));
	l = ARENA_NEW(call->arena, struct listening);
	*l = (struct listening){ .call = call, .cursor = page.cursor };
	l->wait = event_waits_add(call->server->event_waits, grown, l);
	l->deadline = loop_timer(call->server->opt.loop, deadline_passed, l);
	timer_start(l->deadline, rpc_param_int(call, "timeout_s", 30) * 1000);
	call->data = l;
	return rpc_later(call, abandoned);
}

static const struct param wait_params[] = {
	{ .name = "after",
	  .type = PARAM_INT,
	  .flags = PARAM_REQUIRED,
	  .min = 0,
	  .max = INT64_MAX,
	  .help = "The number of the last event seen; only later ones are told." },
	KINDS_PARAM,
	{ .name = "timeout_s",
	  .type = PARAM_INT,
	  .min = 1,
	  .max = WAIT_MAX_S,
	  .fallback = "30",
	  .help = "How long to wait; then the list is empty, which is no error." },
	LIMIT_PARAM,
	{ 0 },
};
const struct rpc_method method_wait = {
	.name = "wait",
	.scope = RPC_READ,
	.params = wait_params,
	.result = events_result,
	.help = "Answers when the event log has something after `after`: at once if it has already.",
	.example = "{\"after\":17,\"timeout_s\":60}",
	.run = wait_run,
};
