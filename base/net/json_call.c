#include "base/net/json_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/failpoint.h"
#include "base/json_frame.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_REPLY  ((size_t)8 * 1024 * 1024)
#define READ_SIZE          ((size_t)64 * 1024)

struct json_call {
	struct loop *loop;
	int fd;
	struct event *readable, *writable;
	struct timer *deadline;
	int64_t timeout_ms;
	struct buf sent, got;
	size_t written;
	struct json_frame frame;
	struct net_reply reply;
	void (*done)(void *ctx, const struct net_reply *reply);
	void *ctx;
};

static void quieten(struct json_call *c)
{
	timer_stop(c->deadline);
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	c->readable = c->writable = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void call_free(struct json_call *c)
{
	quieten(c);
	timer_free(c->deadline);
	buf_done(&c->sent);
	buf_done(&c->got);
	free(c);
}

static void deliver(void *arg)
{
	struct json_call *c = arg;

	if (c->reply.outcome == NET_ANSWERED && FAILPOINT("net.reply"))
		c->reply = (struct net_reply){ .outcome = NET_UNKNOWN, .detail = "failpoint net.reply" };
	c->done(c->ctx, &c->reply);
	call_free(c);
}

static void settle(struct json_call *c)
{
	quieten(c);
	loop_post(c->loop, deliver, c);
}

static void settle_failed(struct json_call *c, enum net_outcome outcome, const char *why)
{
	c->reply = (struct net_reply){ .outcome = outcome };
	snprintf(c->reply.detail, sizeof(c->reply.detail), "%s", why);
	settle(c);
}

static void settle_answered(struct json_call *c)
{
	c->reply = (struct net_reply){ .outcome = NET_ANSWERED, .status = 200, .content_type = "application/json" };
	c->reply.body = (struct bytes){ (const uint8_t *)buf_text(&c->got), c->got.n };
	settle(c);
}

static void on_deadline(void *arg)
{
	struct json_call *c = arg;
	char why[64];

	snprintf(why, sizeof(why), "no whole reply within %" PRId64 " ms", c->timeout_ms);
	settle_failed(c, NET_UNKNOWN, why);
}

/* --- writing --- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct json_call *c = arg;
	ssize_t n;

	(void)what;
	n = send(fd, c->sent.p + c->written, c->sent.n - c->written, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		/* A peer that stops reading may have answered before it did. */
		settle_failed(c, c->written == 0 ? NET_NOT_SENT : NET_UNKNOWN, "the connection broke while writing");
		return;
	}
	c->written += (size_t)n;
	if (c->written == c->sent.n)
		event_del(c->writable);
}

/* --- reading --- */

static void take(struct json_call *c, struct bytes more)
{
	size_t taken;
	enum json_frame_state st = json_frame_feed(&c->frame, more, &taken);

	buf_add(&c->got, more.p, taken);
	if (!buf_ok(&c->got))
		settle_failed(c, NET_UNKNOWN, "the reply is larger than its limit");
	else if (st == JSON_FRAME_WHOLE)
		settle_answered(c);
	else if (st == JSON_FRAME_BROKEN)
		settle_failed(c, NET_UNKNOWN, "the reply is no JSON object");
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t chunk[READ_SIZE]; /* one thread */
	struct json_call *c = arg;
	ssize_t n;

	(void)what;
	n = recv(fd, chunk, sizeof(chunk), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		settle_failed(c, NET_UNKNOWN, "the connection was closed before a whole reply came");
	else
		take(c, (struct bytes){ chunk, (size_t)n });
}

/* --- starting --- */

static bool connect_to(struct json_call *c, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (!path || strlen(path) >= sizeof(at.sun_path)) {
		settle_failed(c, NET_NOT_SENT, "no socket has such a path");
		return false;
	}
	memcpy(at.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return true;
	/* EAGAIN: its queue is full, which is as good as busy. */
	settle_failed(c, NET_NOT_SENT, strerror(errno));
	return false;
}

static void watch(struct json_call *c)
{
	struct event_base *base = loop_base(c->loop);

	c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
	if (!c->readable || !c->writable || event_add(c->readable, NULL) != 0 || event_add(c->writable, NULL) != 0)
		err_fatal("an event cannot be added");
	timer_start(c->deadline, c->timeout_ms);
}

struct json_call *json_call_submit(struct loop *loop, const struct net_request *req,
				   void (*done)(void *ctx, const struct net_reply *reply), void *ctx)
{
	struct json_call *c = calloc(1, sizeof(*c));

	if (!c)
		err_fatal("out of memory");
	*c = (struct json_call){ .loop = loop, .fd = -1, .done = done, .ctx = ctx };
	c->timeout_ms = req->timeout_ms ? req->timeout_ms : DEFAULT_TIMEOUT_MS;
	c->sent = BUF_CAP(req->body.n + 1);
	c->got = BUF_CAP(req->max_reply ? req->max_reply : DEFAULT_MAX_REPLY);
	buf_add_bytes(&c->sent, req->body);
	c->deadline = loop_timer(loop, on_deadline, c);
	if (FAILPOINT("net.send"))
		settle_failed(c, NET_NOT_SENT, "failpoint net.send");
	else if (connect_to(c, req->unix_socket))
		watch(c);
	return c;
}

void json_call_cancel(struct json_call *c)
{
	loop_unpost(c->loop, deliver, c);
	call_free(c);
}
