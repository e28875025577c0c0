#include "rpc/http_intake.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rpc/http_head.h"
#include "rpc/http_judge.h"

#define HELD_MAX (HTTP_HEAD_MAX + HTTP_BODY_MAX)

struct http_intake {
	struct bufferevent *bev;
	struct http_intake_user user;
	struct evbuffer *held;
	bool passing; /* we change the input buffer ourselves */
	enum intake_stage stage;
	int64_t since_ms;
	size_t scanned;
	uint64_t body_left;
};

static void enter(struct http_intake *i, enum intake_stage stage)
{
	i->stage = stage;
	i->since_ms = clock_mono_us() / 1000;
}

static bool wants_head(const struct http_intake *i)
{
	return i->stage == INTAKE_IDLE || i->stage == INTAKE_HEAD;
}

static void throw_away(struct http_intake *i)
{
	struct evbuffer *input = bufferevent_get_input(i->bev);

	i->passing = true;
	evbuffer_drain(i->held, evbuffer_get_length(i->held));
	evbuffer_drain(input, evbuffer_get_length(input));
	i->passing = false;
}

static void pass(struct http_intake *i, size_t n)
{
	struct evbuffer *input = bufferevent_get_input(i->bev);

	i->passing = true;
	evbuffer_unfreeze(input, 0);
	evbuffer_remove_buffer(i->held, input, n);
	evbuffer_freeze(input, 0);
	i->passing = false;
}

/* The length of the head at the front of held bytes when it is whole and may pass; 0 when not, or not yet. */
static size_t take_head(struct http_intake *i, struct evbuffer *from)
{
	static const struct http_refusal no_http = { 400, "this is no HTTP/1.1 request", "curl --unix-socket speaks it",
						     NULL };
	static const struct http_refusal too_long = { 431, "the head of the request passes 16384 bytes", NULL, NULL };
	size_t n = evbuffer_get_length(from);
	struct bytes seen;
	long end;

	if (n == 0)
		return 0;
	if (i->stage == INTAKE_IDLE)
		enter(i, INTAKE_HEAD);
	if (n > HTTP_HEAD_MAX)
		n = HTTP_HEAD_MAX;
	seen = (struct bytes){ evbuffer_pullup(from, (ev_ssize_t)n), n };
	end = http_head_scan(seen, &i->scanned);
	if (end < 0) {
		i->user.refuse(i->user.ctx, &no_http);
		return 0;
	}
	if (end == 0) {
		if (n == HTTP_HEAD_MAX)
			i->user.refuse(i->user.ctx, &too_long);
		return 0;
	}
	if (!i->user.judge(i->user.ctx, (struct bytes){ seen.p, (size_t)end }, &i->body_left))
		return 0;
	return (size_t)end;
}

/* Give evhttp what it may have of the held bytes: one request at a time. */
static void feed(struct http_intake *i)
{
	size_t n;

	if (wants_head(i)) {
		n = take_head(i, i->held);
		if (n == 0)
			return;
		pass(i, n);
		enter(i, i->body_left ? INTAKE_BODY : INTAKE_WHOLE);
	}
	if (i->stage == INTAKE_BODY) {
		n = evbuffer_get_length(i->held);
		if (n > i->body_left)
			n = (size_t)i->body_left;
		pass(i, n);
		i->body_left -= n;
		if (i->body_left == 0)
			enter(i, INTAKE_WHOLE);
	}
	if (evbuffer_get_length(i->held) > HELD_MAX)
		i->user.flooded(i->user.ctx);
}

/* Hold back the bytes that have just come; those before them are evhttp's. */
static void hold(struct http_intake *i, struct evbuffer *input, size_t n_new)
{
	size_t n_old = evbuffer_get_length(input) - n_new;
	struct evbuffer *old = evbuffer_new();

	if (!old)
		abort();
	i->passing = true;
	evbuffer_remove_buffer(input, old, n_old);
	evbuffer_add_buffer(i->held, input);
	evbuffer_unfreeze(input, 0);
	evbuffer_add_buffer(input, old);
	i->passing = false;
	evbuffer_free(old);
}

/* A whole request in one piece, and nothing behind it, needs no moving about. */
static bool feed_whole(struct http_intake *i, struct evbuffer *input)
{
	size_t n = evbuffer_get_length(input), head;

	if (!wants_head(i) || evbuffer_get_length(i->held) > 0)
		return false;
	head = take_head(i, input);
	if (head > 0 && head + i->body_left == n) {
		i->body_left = 0;
		enter(i, INTAKE_WHOLE);
		return true;
	}
	if (head > 0) {
		hold(i, input, n);
		pass(i, head);
		enter(i, i->body_left ? INTAKE_BODY : INTAKE_WHOLE);
		feed(i);
	}
	return head > 0 || i->stage == INTAKE_SHUT;
}

static void input_changed(struct evbuffer *input, const struct evbuffer_cb_info *info, void *ctx)
{
	struct http_intake *i = ctx;

	if (i->passing || info->n_added == 0)
		return;
	i->user.arrived(i->user.ctx);
	if (i->stage == INTAKE_SHUT) {
		throw_away(i);
		return;
	}
	if (i->stage == INTAKE_BODY && evbuffer_get_length(i->held) == 0 && info->n_added <= i->body_left) {
		i->body_left -= info->n_added;
		if (i->body_left == 0)
			enter(i, INTAKE_WHOLE);
		return;
	}
	if (feed_whole(i, input))
		return;
	hold(i, input, info->n_added);
	feed(i);
}

struct http_intake *http_intake_new(struct bufferevent *bev, const struct http_intake_user *user)
{
	struct http_intake *i = calloc(1, sizeof(*i));

	if (!i || !(i->held = evbuffer_new()) || !evbuffer_add_cb(bufferevent_get_input(bev), input_changed, i))
		abort();
	i->bev = bev;
	i->user = *user;
	enter(i, INTAKE_IDLE);
	return i;
}

void http_intake_free(struct http_intake *i)
{
	if (!i)
		return;
	evbuffer_remove_cb(bufferevent_get_input(i->bev), input_changed, i);
	evbuffer_free(i->held);
	free(i);
}

void http_intake_shut(struct http_intake *i)
{
	enter(i, INTAKE_SHUT);
	throw_away(i);
}

bool http_intake_next(struct http_intake *i)
{
	enter(i, INTAKE_IDLE);
	i->scanned = 0;
	return evbuffer_get_length(i->held) > 0;
}

void http_intake_resume(struct http_intake *i)
{
	if (!wants_head(i))
		return;
	feed(i);
	if (evbuffer_get_length(bufferevent_get_input(i->bev)) > 0)
		bufferevent_trigger(i->bev, EV_READ, 0);
}

enum intake_stage http_intake_stage(const struct http_intake *i)
{
	return i->stage;
}

int64_t http_intake_since_ms(const struct http_intake *i)
{
	return i->since_ms;
}
