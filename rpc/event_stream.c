#include "rpc/event_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rpc/event_waits.h"
#include "rpc/http_answer.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/event_store.h"

#define PAGE         100
#define PAGE_MAX     (4u << 20)
#define HEARTBEAT_MS 15000

struct event_stream {
	struct rpc_server *server;
	struct http_answer *answer;
	struct rpc_caller caller;
	struct event_wait *wait;
	struct timer *heartbeat;
	char *kinds;
	int64_t cursor;
	bool sending; /* a page has not left yet */
};

struct page {
	struct arena *arena;
	struct buf *text;
	const struct rpc_caller *caller;
};

static void add_event(void *ctx, const struct event *e)
{
	struct page *p = ctx;
	json_t *obj = view_event(p->arena, e, p->caller);

	buf_printf(p->text, "id: %" PRId64 "\nevent: %s\ndata: ", e->seq, e->kind);
	buf_text_add(p->text, json_text(p->arena, obj)); /* compact JSON holds no line end */
	buf_text_add(p->text, "\n\n");
}

static void drained(void *ctx);

static void send_text(struct event_stream *s, struct bytes text)
{
	s->sending = true;
	timer_start(s->heartbeat, HEARTBEAT_MS);
	http_stream_send(s->answer, text, drained, s);
}

/* How many events the page holds, or -1.  *cursor moves past what was filtered out, too. */
static int read_page(struct event_stream *s, struct page *p, unsigned limit, int64_t *cursor, struct err *err)
{
	int64_t before;
	int n;

	do {
		before = *cursor;
		n = event_list(store_view(s->server->opt.store), p->arena, before, s->kinds, limit, add_event, p,
			       cursor, err);
	} while (n == 0 && *cursor != before);
	if (n > 0 && !buf_ok(p->text))
		return ERR(err, ERR_RANGE, "a page of %d events passes %u bytes", n, PAGE_MAX);
	return n;
}

/* Give what is new, if the page before has left. */
static void pump(struct event_stream *s)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(128u << 20);
	SCOPED(buf) struct buf text = BUF_CAP(PAGE_MAX);
	struct page p = { .arena = &a, .text = &text, .caller = &s->caller };
	int64_t cursor = s->cursor;
	struct err err;
	int n;

	if (s->sending)
		return;
	n = read_page(s, &p, PAGE, &cursor, &err);
	if (n < 0 && err.code == ERR_RANGE) {
		buf_reset(&text);
		cursor = s->cursor;
		n = read_page(s, &p, 1, &cursor, &err);
	}
	if (n < 0) {
		log_warn(&s->server->log, "rpc.events_failed", F_ERR(&err));
		http_stream_end(s->answer); /* the reader comes back with its Last-Event-ID */
		return;
	}
	s->cursor = cursor;
	if (n > 0)
		send_text(s, buf_bytes(&text));
}

static void drained(void *ctx)
{
	struct event_stream *s = ctx;

	s->sending = false;
	pump(s);
}

static void heartbeat(void *ctx)
{
	struct event_stream *s = ctx;

	if (s->sending)
		return;
	send_text(s, bytes_of(": alive\n\n"));
}

static void grown(void *ctx, bool stopping)
{
	struct event_stream *s = ctx;

	if (stopping)
		http_stream_end(s->answer);
	else
		pump(s);
}

int event_stream_open(struct rpc_server *server, struct http_answer *answer, const struct rpc_caller *caller,
		      int64_t after, const char *kinds, struct event_stream **ret, struct err *err)
{
	struct event_stream *s;
	int64_t last;

	if (event_last_seq(store_view(server->opt.store), &last, err) != 0)
		return -1;
	s = calloc(1, sizeof(*s));
	if (!s || (kinds && !(s->kinds = strdup(kinds))))
		abort();
	s->server = server;
	s->answer = answer;
	s->caller = *caller;
	s->cursor = after < 0 ? last : after;
	s->heartbeat = loop_timer(server->opt.loop, heartbeat, s);
	s->wait = event_waits_add(server->event_waits, grown, s);
	*ret = s;
	http_stream_start(answer, "text/event-stream");
	send_text(s, bytes_of("retry: 2000\n\n"));
	return 0;
}

void event_stream_free(struct event_stream *s)
{
	if (!s)
		return;
	event_wait_remove(s->wait);
	timer_free(s->heartbeat);
	free(s->kinds);
	free(s);
}
