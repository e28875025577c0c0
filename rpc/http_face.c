/* evhttp parses and writes; this file decides what it gets to see.  Bytes that arrive are looked at in a callback of the
 * input buffer, which runs before evhttp's own: a head that fails is answered here, straight to the socket, and evhttp
 * only ever sees the end of that connection.  What arrives while a request is being answered is held back until evhttp is
 * ready for it.
 *
 * evhttp does not tell when it drops a connection that never made a request, so each connection keeps a reference to its
 * bufferevent of its own, and looks whether evhttp has let go: at evhttp's close hook, when the kernel tells that the peer
 * has left, and once a second. */
#include "rpc/http_face.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "base/text.h"
#include "rpc/auth.h"
#include "rpc/dispatch.h"
#include "rpc/errors.h"
#include "rpc/event_stream.h"
#include "rpc/health.h"
#include "rpc/http_head.h"
#include "rpc/state.h"

#define BACKLOG     1024
#define CONNECTIONS 4096
#define REQUEST_MS  10000
#define IDLE_MS     60000
#define REPLY_MS    30000
#define REFUSED_MS  1000 /* to let the refusal arrive before the connection is cut */
#define HELD_MAX    (HTTP_HEAD_MAX + HTTP_BODY_MAX)
#define BODIES_MAX  (64u << 20) /* bytes of bodies that are being read, over all connections */
#define SWEEP_MS    1000
#define OTHER_FILES 128 /* descriptors that are left for everything else */

enum phase {
	PHASE_HEAD = 1, /* idle, or part of a head has come */
	PHASE_BODY,
	PHASE_CALL,  /* evhttp has the whole request, or is about to */
	PHASE_REPLY, /* written to the socket */
	PHASE_STREAM,
	PHASE_REFUSED /* the refusal was sent; what still comes is thrown away */
};

enum route { ROUTE_RPC = 1, ROUTE_HEALTHZ, ROUTE_READYZ, ROUTE_METRICS, ROUTE_EVENTS };

enum transport { TRANSPORT_UNIX = 1, TRANSPORT_TCP };

/* One evhttp per kind of socket, so that a connection knows which it came by. */
struct transport_face {
	struct http_face *face;
	enum transport transport;
	struct evhttp *http;
};

struct listener {
	struct evconnlistener *lev; /* owned by evhttp */
	char *path;                 /* of a unix socket that we made, to remove it; else NULL */
	dev_t dev;
	ino_t ino;
};

struct http_conn {
	struct http_face *face;
	enum transport transport;
	struct bufferevent *bev; /* a reference of our own */
	evutil_socket_t fd;      /* -1 until the end of the turn that accepted it */
	struct event *hangup;
	struct evhttp_connection *evcon; /* known from its first request on */
	struct evbuffer *held;
	bool passing; /* we change the input buffer ourselves */
	bool surplus; /* came when all places were taken */

	enum phase phase;
	int64_t since_ms; /* of the phase; in PHASE_HEAD of the first byte, or of the idleness */
	bool begun;       /* PHASE_HEAD: a byte of a head has come */
	size_t scanned;
	uint64_t body_left, body_counted;

	struct rpc_caller caller; /* of the request at hand */
	enum route route;
	char *query;
	int64_t after; /* events: -1 from now on */

	struct evhttp_request *req; /* not answered yet */
	struct rpc_body *body;
	struct event_stream *stream;
	void (*drained)(void *ctx);
	void *drained_ctx;

	struct http_conn *prev, *next; /* all */
	struct http_conn *chain;       /* same bucket */
};

#define BUCKETS 1024

struct http_face {
	struct rpc_server *server;
	struct loop *loop;
	struct transport_face faces[TRANSPORT_TCP + 1];
	struct listener *listeners;
	size_t n_listeners;
	gid_t socket_group;
	unsigned port, n_conns, max_conns;
	struct http_conn *conns, *buckets[BUCKETS];
	uint64_t body_bytes;
	struct timer *sweep;
	bool stopping;
	struct log log;
	struct metric *connections, *refused;
};

static int64_t now_ms(void)
{
	return clock_mono_us() / 1000;
}

/* --- connections --- */

static struct http_conn **bucket_of(struct http_face *f, const struct bufferevent *bev)
{
	return &f->buckets[((uintptr_t)bev >> 6) % BUCKETS];
}

static struct http_conn *conn_of(struct http_face *f, const struct bufferevent *bev)
{
	struct http_conn *c = *bucket_of(f, bev);

	while (c && c->bev != bev)
		c = c->chain;
	return c;
}

static void set_phase(struct http_conn *c, enum phase phase)
{
	c->phase = phase;
	c->since_ms = now_ms();
}

static void body_uncount(struct http_conn *c)
{
	c->face->body_bytes -= c->body_counted;
	c->body_counted = 0;
}

static void feed_later(void *ctx);
static void free_later(void *ctx);
static void cut_later(void *ctx);
static void adopt(void *ctx);
static void input_changed(struct evbuffer *input, const struct evbuffer_cb_info *info, void *ctx);

/* evhttp has dropped it: everything of it goes. */
static void conn_free(struct http_conn *c)
{
	struct http_face *f = c->face;
	struct http_conn **at = bucket_of(f, c->bev);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		f->conns = c->next;
	f->n_conns--;
	metric_set(f->connections, f->n_conns);
	loop_unpost(f->loop, feed_later, c);
	loop_unpost(f->loop, free_later, c);
	loop_unpost(f->loop, cut_later, c);
	loop_unpost(f->loop, adopt, c);
	body_uncount(c);
	if (c->body)
		rpc_body_abandon(c->body);
	event_stream_free(c->stream);
	if (c->hangup)
		event_free(c->hangup);
	evbuffer_remove_cb(bufferevent_get_input(c->bev), input_changed, c);
	bufferevent_decref(c->bev);
	evbuffer_free(c->held);
	free(c->query);
	free(c);
}

static bool evhttp_let_go(const struct http_conn *c)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;

	bufferevent_getcb(c->bev, &on_read, &on_write, &on_event, NULL);
	return !on_read && !on_write && !on_event;
}

/* End it from our side.  evhttp sees the end of the stream and drops it, unless a request is with us: then we do. */
static void conn_cut(struct http_conn *c)
{
	if (c->req && c->evcon)
		evhttp_connection_free(c->evcon);
	else if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
}

static void free_later(void *ctx)
{
	struct http_conn *c = ctx;

	if (evhttp_let_go(c))
		conn_free(c);
}

/* Not from inside evhttp's own reading. */
static void cut_later(void *ctx)
{
	conn_cut(ctx);
}

/* evhttp's hook, from inside its own freeing: only note it. */
static void evhttp_closes(struct evhttp_connection *evcon, void *ctx)
{
	struct http_conn *c = ctx;

	(void)evcon;
	/* A request that evhttp has taken off the connection is left to us. */
	if (c->req && !evhttp_request_get_connection(c->req))
		evhttp_request_free(c->req);
	c->req = NULL;
	c->evcon = NULL;
	c->drained = NULL;
	if (c->body)
		rpc_body_abandon(c->body);
	c->body = NULL;
	event_stream_free(c->stream);
	c->stream = NULL;
	loop_post(c->face->loop, free_later, c);
}

/* Has the client left for good?  On a unix socket a hang-up says so.  On TCP the end of its half is all there is to see: a
 * client that gave up and closed looks the same as one that only said all it had to say, and the first must not pay. */
static bool peer_left(const struct http_conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	if (c->fd < 0 || poll(&p, 1, 0) <= 0)
		return false;
	return (p.revents & (POLLHUP | POLLERR)) || (c->transport == TRANSPORT_TCP && (p.revents & POLLRDHUP));
}

static void hangup(evutil_socket_t fd, short what, void *ctx)
{
	struct http_conn *c = ctx;

	(void)fd;
	(void)what;
	if ((c->phase == PHASE_CALL || c->phase == PHASE_STREAM) && c->req && peer_left(c))
		conn_cut(c);
	else
		loop_post(c->face->loop, free_later, c);
}

/* --- refusals --- */

static const char *reason_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 411:
		return "Length Required";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 415:
		return "Unsupported Media Type";
	case 417:
		return "Expectation Failed";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	}
	return "Error";
}

static void conn_drop_input(struct http_conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);

	c->passing = true;
	evbuffer_drain(c->held, evbuffer_get_length(c->held));
	evbuffer_drain(input, evbuffer_get_length(input));
	c->passing = false;
}

/* code and kind of the JSON body follow from the status; headers: further lines, each with its CRLF. */
static void conn_refuse(struct http_conn *c, int status, const char *why, const char *hint, const char *headers)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	enum rpc_error_code code = status == 400 || status == 505   ? RPC_PARSE_ERROR
				   : status == 401 || status == 403 ? RPC_FORBIDDEN
				   : status == 429 || status == 503 ? RPC_BUSY
								    : RPC_INVALID_REQUEST;
	const char *kind = code == RPC_PARSE_ERROR ? "parse_error"
			   : code == RPC_FORBIDDEN ? "forbidden"
			   : code == RPC_BUSY      ? "busy"
						   : "invalid_request";
	json_t *body = json_object_in(&a);
	const char *text, *reply;

	json_set_str(body, "jsonrpc", "2.0");
	json_set_str(body, "id", NULL);
	json_set(body, "error", rpc_refusal_json(&a, code, kind, why, hint));
	text = json_text(&a, body);
	reply = arena_printf(&a,
			     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			     "Connection: close\r\n%s\r\n%s\n",
			     status, reason_of(status), strlen(text) + 1, headers, text);
	metric_inc(c->face->refused);
	log_debug(&c->face->log, "rpc.refused", F_INT("status", status), F_STR("why", why));
	/* No reply is under way, so the socket's buffer is empty and takes it whole; a peer that has gone does not matter. */
	if (send(c->fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		shutdown(c->fd, SHUT_WR);
	set_phase(c, PHASE_REFUSED);
	conn_drop_input(c);
}

static void refuse_credentials(struct http_conn *c, const struct err *err)
{
	struct rpc_server *s = c->face->server;
	char hint[384];

	if (c->transport == TRANSPORT_UNIX) {
		conn_refuse(c, 403, err->msg, "the socket is for its owner, its group and root", "");
		return;
	}
	if (err->code == ERR_BUSY) {
		conn_refuse(c, 429, err->msg, NULL, "Retry-After: 1\r\n");
		return;
	}
	if (err->code != ERR_FORBIDDEN) {
		conn_refuse(c, 503, err->msg, NULL, "Retry-After: 5\r\n");
		return;
	}
	snprintf(
		hint, sizeof(hint),
		"curl -u \"$(cat %s)\" --json '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}' http://127.0.0.1:%u/",
		s->opt.cookie_path ? s->opt.cookie_path : "cookie", c->face->port);
	conn_refuse(c, 401, err->msg, hint, "WWW-Authenticate: Basic realm=\"walletd\", charset=\"UTF-8\"\r\n");
}

/* --- judging a head --- */

/* A name that only this machine resolves to itself, so that a web page under a name of its own cannot reach us. */
static bool host_is_local(struct bytes host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if (host.n < n || strncasecmp((const char *)host.p, names[i], n) != 0)
			continue;
		if (host.n == n)
			return true;
		if (host.p[n] != ':' || host.n == n + 1 || host.n > n + 6)
			continue;
		for (size_t k = n + 1; k < host.n; k++)
			if (host.p[k] < '0' || host.p[k] > '9')
				return false;
		return true;
	}
	return false;
}

static bool type_is_json(struct bytes type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return type.n >= n && strncasecmp((const char *)type.p, json, n) == 0 &&
	       (type.n == n || type.p[n] == ';' || type.p[n] == ' ');
}

static bool path_is(const struct http_head *h, const char *path)
{
	return bytes_equal(h->path, bytes_of(path));
}

/* 0, or the status. */
static int find_route(const struct http_head *h, enum route *ret, const char **allow)
{
	static const struct {
		const char *path;
		enum route route;
	} gets[] = {
		{ "/healthz", ROUTE_HEALTHZ },
		{ "/readyz", ROUTE_READYZ },
		{ "/metrics", ROUTE_METRICS },
		{ "/events", ROUTE_EVENTS },
	};

	if (path_is(h, "/") || path_is(h, "/rpc")) {
		*ret = ROUTE_RPC;
		*allow = "Allow: POST\r\n";
		return h->method == HTTP_POST ? 0 : 405;
	}
	for (size_t i = 0; i < ARRAY_LEN(gets); i++)
		if (path_is(h, gets[i].path)) {
			*ret = gets[i].route;
			*allow = "Allow: GET\r\n";
			return h->method == HTTP_GET ? 0 : 405;
		}
	return 404;
}

static bool route_is_open(const struct http_conn *c)
{
	return c->transport == TRANSPORT_TCP && (c->route == ROUTE_HEALTHZ || c->route == ROUTE_READYZ);
}

/* Who is it?  Refuses by itself. */
static bool identify(struct http_conn *c, const struct http_head *h)
{
	struct err err;

	if (c->transport == TRANSPORT_UNIX) {
		if (auth_peer(c->face->server->auth, c->fd, c->face->socket_group, &c->caller, &err) == 0)
			return true;
		refuse_credentials(c, &err);
		return false;
	}
	if (route_is_open(c) || auth_header(c->face->server->auth, (const char *)h->authorization.p, h->authorization.n,
					    &c->caller, &err) == 0)
		return true;
	refuse_credentials(c, &err);
	return false;
}

/* ?after=12&kinds=action.*,mint.added  Names and values need no escape; '%2C' and '%2A' are what a careful client sends. */
static bool read_query(struct http_conn *c, const struct http_head *h)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct evkeyvalq pairs;
	struct evkeyval *kv;
	uint64_t after;
	bool good = true;

	free(c->query);
	c->query = NULL;
	c->after = -1;
	if (c->route != ROUTE_EVENTS)
		return h->query.n == 0;
	if (evhttp_parse_query_str(arena_strndup(&a, (const char *)h->query.p, h->query.n), &pairs) != 0)
		return false;
	TAILQ_FOREACH(kv, &pairs, next)
	{
		if (strcmp(kv->key, "after") == 0 && parse_u64(kv->value, INT64_MAX, &after)) {
			c->after = (int64_t)after;
		} else if (strcmp(kv->key, "kinds") == 0 && !c->query && text_printable_ascii(kv->value)) {
			c->query = strdup(kv->value);
			if (!c->query)
				abort();
		} else {
			good = false;
		}
	}
	evhttp_clear_headers(&pairs);
	/* A reader that comes back says where it was; that is newer than the address it was started with. */
	if (good && h->last_event_id.n) {
		good = parse_u64(arena_strndup(&a, (const char *)h->last_event_id.p, h->last_event_id.n), INT64_MAX,
				 &after);
		c->after = (int64_t)after;
	}
	return good;
}

/* True when evhttp may have it. */
static bool judge_head(struct http_conn *c, struct bytes head)
{
	struct http_head h;
	const char *why = NULL, *allow = "";
	int status = http_head_parse(head, &h, &why);

	if (status != 0) {
		conn_refuse(c, status, why, NULL, "");
		return false;
	}
	if (c->face->stopping) {
		conn_refuse(c, 503, "walletd is stopping", NULL, "Retry-After: 5\r\n");
		return false;
	}
	if (h.has_origin) {
		conn_refuse(c, 403, "requests of web pages are not taken", NULL, "");
		return false;
	}
	if (c->transport == TRANSPORT_TCP && !host_is_local(h.host)) {
		conn_refuse(c, 403, "the Host header must be localhost, 127.0.0.1 or [::1]", NULL, "");
		return false;
	}
	status = find_route(&h, &c->route, &allow);
	if (status != 0) {
		conn_refuse(c, status,
			    status == 404 ? "there is nothing at this path" : "this path takes another method",
			    "POST / takes JSON-RPC", allow);
		return false;
	}
	if (!identify(c, &h))
		return false;
	if (!read_query(c, &h)) {
		conn_refuse(c, 400, "the query is not understood", NULL, "");
		return false;
	}
	if (c->route != ROUTE_RPC)
		return true;
	if (!h.has_length) {
		conn_refuse(c, 411, "a request must have a Content-Length", NULL, "");
		return false;
	}
	if (h.length > HTTP_BODY_MAX) {
		conn_refuse(c, 413, "a request may have 1048576 bytes", "send smaller batches", "");
		return false;
	}
	if (c->transport == TRANSPORT_TCP && !type_is_json(h.content_type)) {
		conn_refuse(c, 415, "the Content-Type must be application/json", "curl --json sets it", "");
		return false;
	}
	if (h.length > BODIES_MAX - c->face->body_bytes) {
		conn_refuse(c, 503, "too many large requests at once", NULL, "Retry-After: 1\r\n");
		return false;
	}
	c->body_left = h.length;
	c->body_counted = h.length;
	c->face->body_bytes += h.length;
	return true;
}

/* --- feeding evhttp --- */

static void pass(struct http_conn *c, size_t n)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);

	c->passing = true;
	evbuffer_unfreeze(input, 0);
	evbuffer_remove_buffer(c->held, input, n);
	evbuffer_freeze(input, 0);
	c->passing = false;
}

/* The length of the head at the front of held bytes when it is whole and may pass; 0 when not, or not yet. */
static size_t take_head(struct http_conn *c, struct evbuffer *from)
{
	size_t n = evbuffer_get_length(from);
	struct bytes seen;
	long end;

	if (n == 0)
		return 0;
	if (!c->begun) {
		c->begun = true;
		c->since_ms = now_ms();
	}
	if (n > HTTP_HEAD_MAX)
		n = HTTP_HEAD_MAX;
	seen = (struct bytes){ evbuffer_pullup(from, (ev_ssize_t)n), n };
	end = http_head_scan(seen, &c->scanned);
	if (end < 0) {
		conn_refuse(c, 400, "this is no HTTP/1.1 request", "curl --unix-socket speaks it", "");
		return 0;
	}
	if (end == 0) {
		if (n == HTTP_HEAD_MAX)
			conn_refuse(c, 431, "the head of the request passes 16384 bytes", NULL, "");
		return 0;
	}
	if (!judge_head(c, (struct bytes){ seen.p, (size_t)end }))
		return 0;
	return (size_t)end;
}

/* Give evhttp what it may have of the held bytes: one request at a time. */
static void feed(struct http_conn *c)
{
	size_t n;

	if (c->phase == PHASE_HEAD) {
		n = take_head(c, c->held);
		if (n == 0)
			return;
		pass(c, n);
		set_phase(c, c->body_left ? PHASE_BODY : PHASE_CALL);
	}
	if (c->phase == PHASE_BODY) {
		n = evbuffer_get_length(c->held);
		if (n > c->body_left)
			n = (size_t)c->body_left;
		pass(c, n);
		c->body_left -= n;
		if (c->body_left == 0)
			set_phase(c, PHASE_CALL);
	}
	if (evbuffer_get_length(c->held) > HELD_MAX)
		loop_post(c->face->loop, cut_later, c);
}

/* Hold back the bytes that have just come; those before them are evhttp's. */
static void hold(struct http_conn *c, struct evbuffer *input, size_t n_new)
{
	size_t n_old = evbuffer_get_length(input) - n_new;
	struct evbuffer *old = evbuffer_new();

	if (!old)
		abort();
	c->passing = true;
	evbuffer_remove_buffer(input, old, n_old);
	evbuffer_add_buffer(c->held, input);
	evbuffer_unfreeze(input, 0);
	evbuffer_add_buffer(input, old);
	c->passing = false;
	evbuffer_free(old);
}

/* A whole request in one piece, and nothing behind it, needs no moving about. */
static bool feed_whole(struct http_conn *c, struct evbuffer *input)
{
	size_t n = evbuffer_get_length(input), head;

	if (c->phase != PHASE_HEAD || evbuffer_get_length(c->held) > 0)
		return false;
	head = take_head(c, input);
	if (head > 0 && head + c->body_left == n) {
		c->body_left = 0;
		set_phase(c, PHASE_CALL);
		return true;
	}
	if (head > 0) {
		hold(c, input, n);
		pass(c, head);
		set_phase(c, c->body_left ? PHASE_BODY : PHASE_CALL);
		feed(c);
	}
	return head > 0 || c->phase == PHASE_REFUSED;
}

static void input_changed(struct evbuffer *input, const struct evbuffer_cb_info *info, void *ctx)
{
	struct http_conn *c = ctx;

	if (c->passing || info->n_added == 0)
		return;
	if (c->fd < 0)
		adopt(c);
	if (c->phase == PHASE_REFUSED) {
		conn_drop_input(c);
		return;
	}
	if (c->phase == PHASE_BODY && evbuffer_get_length(c->held) == 0 && info->n_added <= c->body_left) {
		c->body_left -= info->n_added;
		if (c->body_left == 0)
			set_phase(c, PHASE_CALL);
		return;
	}
	if (feed_whole(c, input))
		return;
	hold(c, input, info->n_added);
	feed(c);
}

/* The reply has left and evhttp waits for the next request: perhaps it is here already. */
static void feed_later(void *ctx)
{
	struct http_conn *c = ctx;

	if (evhttp_let_go(c) || c->phase != PHASE_HEAD)
		return;
	feed(c);
	if (evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
		bufferevent_trigger(c->bev, EV_READ, 0);
}

/* --- replies --- */

static void replied(struct evhttp_request *req, void *ctx)
{
	struct http_conn *c = ctx;

	(void)req;
	set_phase(c, PHASE_HEAD);
	c->begun = false;
	c->scanned = 0;
	if (c->face->stopping)
		conn_cut(c);
	else if (evbuffer_get_length(c->held) > 0)
		loop_post(c->face->loop, feed_later, c);
}

static void reply(struct http_conn *c, int status, const char *content_type, struct bytes body)
{
	struct evhttp_request *req = c->req;
	struct evbuffer *out = evbuffer_new();

	if (!out || evbuffer_add(out, body.p, body.n) != 0)
		abort();
	if (status != 204)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", content_type);
	if (status == 503)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "5");
	evhttp_add_header(evhttp_request_get_output_headers(req), "Cache-Control", "no-store");
	evhttp_request_set_on_complete_cb(req, replied, c);
	set_phase(c, PHASE_REPLY);
	c->req = NULL;
	evhttp_send_reply(req, status, reason_of(status), out);
	evbuffer_free(out);
}

static void body_done(void *ctx, int status, struct bytes text)
{
	struct http_conn *c = ctx;

	c->body = NULL;
	if (FAILPOINT("rpc.reply")) /* the answer is lost: what was done stays done, and its key tells of it */
		loop_post(c->face->loop, cut_later, c);
	else
		reply(c, status, "application/json", text);
}

static bool body_client_gone(void *ctx)
{
	return peer_left(ctx);
}

static void answer_rpc(struct http_conn *c)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(c->req);
	struct rpc_body_options opt = {
		.server = c->face->server,
		.caller = c->caller,
		.text = { evbuffer_pullup(in, -1), evbuffer_get_length(in) },
		.gone = body_client_gone,
		.done = body_done,
		.ctx = c,
	};

	/* NULL when it was answered from inside, and then the connection may have moved on. */
	struct rpc_body *body = rpc_body_run(&opt);
	if (!body)
		return;
	c->body = body;
	/* The kernel may have told that the peer left before there was anything to give up. */
	if (peer_left(c))
		loop_post(c->face->loop, cut_later, c);
}

static void answer_metrics(struct http_conn *c)
{
	SCOPED(buf) struct buf text = BUF_CAP(16u << 20);

	metrics_write(&text);
	reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", buf_bytes(&text));
}

static void answer_health(struct http_conn *c)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1u << 20);
	bool ready = true;
	json_t *object = c->route == ROUTE_HEALTHZ ? health_alive(&a) : health_ready(c->face->server, &a, &ready);

	reply(c, ready ? 200 : 503, "application/json", bytes_of(arena_printf(&a, "%s\n", json_text(&a, object))));
}

static void answer_events(struct http_conn *c)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct err err;

	if (event_stream_open(c->face->server, c, &c->caller, c->after, c->query, &c->stream, &err) == 0)
		return;
	struct rpc_outcome failed = rpc_fail(&err);
	reply(c, 503, "application/json",
	      bytes_of(arena_printf(&a, "%s\n", json_text(&a, rpc_error_json(&a, &failed)))));
}

/* evhttp has a whole request. */
static void on_request(struct evhttp_request *req, void *ctx)
{
	struct transport_face *tf = ctx;
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct http_conn *c = conn_of(tf->face, evhttp_connection_get_bufferevent(evcon));

	if (!c->evcon) {
		c->evcon = evcon;
		evhttp_connection_set_closecb(evcon, evhttp_closes, c);
	}
	body_uncount(c);
	c->req = req;
	switch (c->route) {
	case ROUTE_RPC:
		answer_rpc(c);
		return;
	case ROUTE_HEALTHZ:
	case ROUTE_READYZ:
		answer_health(c);
		return;
	case ROUTE_METRICS:
		answer_metrics(c);
		return;
	case ROUTE_EVENTS:
		answer_events(c);
		return;
	}
	abort();
}

/* --- streams --- */

void http_stream_start(struct http_conn *c, const char *content_type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(c->req);

	evhttp_add_header(headers, "Content-Type", content_type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Accel-Buffering", "no");
	set_phase(c, PHASE_STREAM);
	evhttp_send_reply_start(c->req, 200, "OK");
}

static void stream_drained(struct evhttp_connection *evcon, void *ctx)
{
	struct http_conn *c = ctx;
	void (*fn)(void *) = c->drained;

	(void)evcon;
	c->drained = NULL;
	if (fn)
		fn(c->drained_ctx);
}

void http_stream_send(struct http_conn *c, struct bytes v, void (*drained)(void *ctx), void *ctx)
{
	struct evbuffer *out = evbuffer_new();

	if (!out || evbuffer_add(out, v.p, v.n) != 0)
		abort();
	c->drained = drained;
	c->drained_ctx = ctx;
	c->since_ms = now_ms();
	evhttp_send_reply_chunk_with_cb(c->req, out, stream_drained, c);
	evbuffer_free(out);
}

void http_stream_end(struct http_conn *c)
{
	struct evhttp_request *req = c->req;

	event_stream_free(c->stream);
	c->stream = NULL;
	c->drained = NULL;
	c->req = NULL;
	evhttp_request_set_on_complete_cb(req, replied, c);
	set_phase(c, PHASE_REPLY);
	evhttp_send_reply_end(req);
}

/* --- accepting --- */

/* The one that has been idle longest makes room for the newcomer.  False: all are at work. */
static bool evict(struct http_face *f)
{
	struct http_conn *oldest = NULL;

	for (struct http_conn *c = f->conns; c; c = c->next)
		if (c->phase == PHASE_HEAD && c->fd >= 0 && (!oldest || c->since_ms < oldest->since_ms))
			oldest = c;
	if (!oldest)
		return false;
	set_phase(oldest, PHASE_REFUSED);
	conn_cut(oldest);
	return true;
}

static void adopt(void *ctx)
{
	struct http_conn *c = ctx;
	int on = 1;

	if (c->fd >= 0)
		return;
	c->fd = bufferevent_getfd(c->bev);
	if (c->fd < 0) { /* evhttp failed to set it up, and has let go */
		conn_free(c);
		return;
	}
	if (c->transport == TRANSPORT_TCP)
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->hangup = event_new(loop_base(c->face->loop), c->fd, EV_CLOSED, hangup, c);
	if (!c->hangup || event_add(c->hangup, NULL) != 0)
		abort();
	if (c->face->stopping) {
		conn_cut(c);
	} else if (c->surplus) {
		conn_refuse(c, 503, "too many connections", NULL, "Retry-After: 1\r\n");
	}
}

static struct bufferevent *new_connection(struct event_base *base, void *ctx)
{
	struct transport_face *tf = ctx;
	struct http_face *f = tf->face;
	struct http_conn *c = calloc(1, sizeof(*c));

	if (!c || !(c->held = evbuffer_new()) || !(c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE)))
		abort();
	c->surplus = f->n_conns >= f->max_conns && !evict(f);
	bufferevent_incref(c->bev);
	c->face = f;
	c->transport = tf->transport;
	c->fd = -1;
	c->next = f->conns;
	if (f->conns)
		f->conns->prev = c;
	f->conns = c;
	c->chain = *bucket_of(f, c->bev);
	*bucket_of(f, c->bev) = c;
	f->n_conns++;
	metric_set(f->connections, f->n_conns);
	set_phase(c, PHASE_HEAD);
	if (!evbuffer_add_cb(bufferevent_get_input(c->bev), input_changed, c))
		abort();
	loop_post(f->loop, adopt, c); /* evhttp gives the bufferevent its socket when this has returned */
	if (!timer_is_started(f->sweep))
		timer_start(f->sweep, SWEEP_MS);
	return c->bev;
}

static int64_t deadline_of(const struct http_conn *c)
{
	switch (c->phase) {
	case PHASE_HEAD:
		return c->begun ? REQUEST_MS : IDLE_MS;
	case PHASE_BODY:
		return REQUEST_MS;
	case PHASE_CALL:
		/* The time is ours, once evhttp has handed it over. */
		return c->req ? INT64_MAX : REQUEST_MS;
	case PHASE_REPLY:
		return REPLY_MS;
	case PHASE_STREAM:
		return c->drained ? REPLY_MS : INT64_MAX;
	case PHASE_REFUSED:
		return REFUSED_MS;
	}
	abort();
}

static void sweep(void *ctx)
{
	struct http_face *f = ctx;
	struct http_conn *next;
	int64_t now = now_ms();

	for (struct http_conn *c = f->conns; c; c = next) {
		next = c->next;
		if (evhttp_let_go(c))
			conn_free(c);
		else if (now - c->since_ms > deadline_of(c))
			conn_cut(c);
	}
	if (f->conns)
		timer_start(f->sweep, SWEEP_MS);
}

/* --- listening --- */

static int add_listener(struct http_face *f, int fd, enum transport transport, struct err *err)
{
	struct transport_face *tf = &f->faces[transport];
	struct evconnlistener *lev;

	if (listen(fd, BACKLOG) != 0)
		return ERR(err, ERR_IO, "listen: %s", strerror(errno));
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		return ERR(err, ERR_IO, "listening socket: %s", strerror(errno));
	lev = evconnlistener_new(loop_base(f->loop), NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!lev || !evhttp_bind_listener(tf->http, lev))
		abort();
	f->listeners = realloc(f->listeners, (f->n_listeners + 1) * sizeof(*f->listeners));
	if (!f->listeners)
		abort();
	f->listeners[f->n_listeners++] = (struct listener){ .lev = lev };
	return 0;
}

/* A socket file that nobody answers on was left by a process that died. */
static int remove_stale_socket(const char *path, const struct sockaddr_un *addr, struct err *err)
{
	SCOPED(fd) int fd = -1;
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return ERR(err, ERR_CONFIG, "socket %s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return ERR(err, ERR_CONFIG, "socket %s: something else is there", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR(err, ERR_IO, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		return ERR(err, ERR_CONFIG, "socket %s: another process answers there", path);
	if (errno != ECONNREFUSED || unlink(path) != 0)
		return ERR(err, ERR_IO, "socket %s: %s", path, strerror(errno));
	return 0;
}

static int listen_unix(struct http_face *f, const struct rpc_server_options *opt, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = opt->socket_path;
	struct stat st;
	mode_t mask;
	int fd, bound;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		ERR(err, ERR_CONFIG, "socket %s: a path of at most %zu bytes is possible", path,
		    sizeof(addr.sun_path) - 1);
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path));
	if (remove_stale_socket(path, &addr, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR(err, ERR_IO, "socket: %s", strerror(errno));
	mask = umask(0177); /* nobody connects before group and mode are right */
	bound = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (bound != 0 || (opt->socket_group != (gid_t)-1 && chown(path, (uid_t)-1, opt->socket_group) != 0) ||
	    chmod(path, 0660) != 0 || lstat(path, &st) != 0) {
		ERR(err, ERR_IO, "socket %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	if (add_listener(f, fd, TRANSPORT_UNIX, err) != 0) {
		close(fd);
		unlink(path);
		return -1;
	}
	struct listener *l = &f->listeners[f->n_listeners - 1];
	l->path = strdup(path);
	if (!l->path)
		abort();
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	f->socket_group = st.st_gid;
	return 0;
}

static bool is_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;

	if (ss->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return ss->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void note_port(struct http_face *f, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);
	const struct sockaddr_in *v4 = (const void *)&ss;
	const struct sockaddr_in6 *v6 = (const void *)&ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
		f->port = ntohs(ss.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
}

/* "127.0.0.1:8338", "[::1]:8338"; port 0 takes any.  False when it is neither. */
static bool parse_where(const char *where, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	const char *colon = strrchr(where, ':');
	int n = sizeof(*ret);
	uint64_t port;
	uint16_t be_port;

	if (!colon || strlen(where) > 64 || !parse_u64(colon + 1, UINT16_MAX, &port) ||
	    evutil_parse_sockaddr_port(arena_strndup(&a, where, (size_t)(colon - where)), (struct sockaddr *)ret, &n) !=
		    0)
		return false;
	be_port = htons((uint16_t)port);
	if (ret->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)ret)->sin_port = be_port;
	else
		((struct sockaddr_in6 *)(void *)ret)->sin6_port = be_port;
	*ret_len = (socklen_t)n;
	return true;
}

static int listen_tcp(struct http_face *f, const char *where, struct err *err)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n;
	int on = 1, fd;

	if (!parse_where(where, &ss, &n))
		return ERR(err, ERR_CONFIG, "cannot listen on '%s': not an address and port like 127.0.0.1:8338",
			   where);
	if (!is_loopback(&ss)) {
		ERR(err, ERR_CONFIG, "cannot listen on '%s': only loopback addresses are allowed", where);
		return err_hint(err, "use a tunnel or a reverse proxy for other machines");
	}
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&ss, n) != 0) {
		ERR(err, ERR_IO, "cannot listen on %s: %s", where, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	note_port(f, fd);
	if (add_listener(f, fd, TRANSPORT_TCP, err) != 0) {
		close(fd);
		return -1;
	}
	return 0;
}

/* Sockets that were made for us (systemd): the unit file answers for mode and address, but not beyond this machine. */
static int listen_passed(struct http_face *f, int fd, struct err *err)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return ERR(err, ERR_CONFIG, "passed descriptor %d: %s", fd, strerror(errno));
	if (ss.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const void *)&ss;

		if (un->sun_path[0] != '\0' && stat(un->sun_path, &st) == 0)
			f->socket_group = st.st_gid;
		return add_listener(f, fd, TRANSPORT_UNIX, err);
	}
	if (!is_loopback(&ss))
		return ERR(err, ERR_CONFIG, "passed descriptor %d: only unix and loopback sockets are served", fd);
	note_port(f, fd);
	return add_listener(f, fd, TRANSPORT_TCP, err);
}

/* --- life --- */

static void face_init(struct transport_face *tf, struct http_face *f, enum transport transport)
{
	tf->face = f;
	tf->transport = transport;
	tf->http = evhttp_new(loop_base(f->loop));
	if (!tf->http)
		abort();
	evhttp_set_bevcb(tf->http, new_connection, tf);
	evhttp_set_gencb(tf->http, on_request, tf);
	evhttp_set_max_headers_size(tf->http, HTTP_HEAD_MAX);
	evhttp_set_max_body_size(tf->http, HTTP_BODY_MAX);
	evhttp_set_allowed_methods(tf->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
}

static int open_all(struct http_face *f, const struct rpc_server_options *opt, struct err *err)
{
	for (size_t i = 0; i < opt->n_passed_fds; i++)
		if (listen_passed(f, opt->passed_fds[i], err) != 0)
			return -1;
	if (opt->socket_path && listen_unix(f, opt, err) != 0)
		return -1;
	return opt->listen ? listen_tcp(f, opt->listen, err) : 0;
}

/* A listener that cannot accept for lack of descriptors would turn the loop without end. */
static unsigned connections_possible(unsigned wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur > (rlim_t)wanted + OTHER_FILES)
		return wanted;
	return files.rlim_cur > 2 * OTHER_FILES ? (unsigned)files.rlim_cur - OTHER_FILES : OTHER_FILES;
}

int http_face_new(struct rpc_server *server, struct http_face **ret, struct err *err)
{
	struct http_face *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->server = server;
	f->loop = server->opt.loop;
	f->log = log_module("rpc");
	f->socket_group = getegid();
	f->max_conns = connections_possible(server->opt.max_connections ? server->opt.max_connections : CONNECTIONS);
	f->connections = metric_gauge("walletd_rpc_connections", NULL, "Open connections.");
	f->refused = metric_counter("walletd_rpc_refused_total", NULL, "Requests refused before any method ran.");
	f->sweep = loop_timer(f->loop, sweep, f);
	face_init(&f->faces[TRANSPORT_UNIX], f, TRANSPORT_UNIX);
	face_init(&f->faces[TRANSPORT_TCP], f, TRANSPORT_TCP);
	if (open_all(f, &server->opt, err) != 0) {
		http_face_free(f);
		return -1;
	}
	*ret = f;
	return 0;
}

static void remove_socket(const struct listener *l)
{
	struct stat st;

	/* Not the one that a successor has put in its place. */
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
}

void http_face_free(struct http_face *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_listeners; i++) {
		remove_socket(&f->listeners[i]);
		free(f->listeners[i].path);
	}
	evhttp_free(f->faces[TRANSPORT_UNIX].http);
	evhttp_free(f->faces[TRANSPORT_TCP].http);
	while (f->conns)
		conn_free(f->conns);
	timer_free(f->sweep);
	free(f->listeners);
	free(f);
}

void http_face_stop(struct http_face *f)
{
	f->stopping = true;
	for (size_t i = 0; i < f->n_listeners; i++)
		evconnlistener_disable(f->listeners[i].lev);
	for (struct http_conn *c = f->conns; c; c = c->next)
		if (c->phase == PHASE_HEAD && c->fd >= 0)
			conn_cut(c);
}

bool http_face_idle(const struct http_face *f)
{
	for (const struct http_conn *c = f->conns; c; c = c->next)
		if (c->phase == PHASE_CALL || c->phase == PHASE_REPLY)
			return false;
	return true;
}

unsigned http_face_port(const struct http_face *f)
{
	return f->port;
}
