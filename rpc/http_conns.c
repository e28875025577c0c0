/* evhttp does not tell when it drops a connection that never made a request, so each connection keeps a reference to its
 * bufferevent of its own, and looks whether evhttp has let go: at evhttp's close hook, when the kernel tells that the peer
 * has left, and once a second. */
#include "rpc/http_conns.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "rpc/http_answer.h"
#include "rpc/http_gate.h"
#include "rpc/http_intake.h"
#include "rpc/state.h"

#define CONNECTIONS 4096
#define REQUEST_MS  10000
#define IDLE_MS     60000
#define REPLY_MS    30000
#define REFUSED_MS  1000        /* to let the refusal arrive before the connection is cut */
#define BODIES_MAX  (64u << 20) /* bytes of bodies that are being read, over all connections */
#define SWEEP_MS    1000
#define OTHER_FILES 128 /* descriptors that are left for everything else */
#define BUCKETS     1024

/* One for each kind of socket, so that a connection knows which it came by. */
struct door {
	struct http_conns *all;
	enum transport transport;
};

struct http_conn {
	struct http_conns *all;
	enum transport transport;
	struct bufferevent *bev; /* a reference of our own */
	evutil_socket_t fd;      /* -1 until the end of the turn that accepted it */
	struct event *hangup;
	struct evhttp_connection *evcon; /* known from its first request on */
	bool surplus;                    /* came when all places were taken */

	struct http_intake *intake;
	struct http_answer *answer;
	struct http_order order; /* of the request at hand */
	uint64_t body_counted;

	struct http_conn *prev, *next; /* all */
	struct http_conn *chain;       /* same bucket */
};

struct http_conns {
	struct rpc_server *server;
	struct loop *loop;
	struct http_gate gate;
	struct door doors[TRANSPORT_TCP + 1];
	struct http_conn *first, *buckets[BUCKETS];
	unsigned n, max;
	struct timer *sweep;
	struct log log;
	struct metric *connections, *refused;
};

static struct http_conn **bucket_of(struct http_conns *all, const struct bufferevent *bev)
{
	return &all->buckets[((uintptr_t)bev >> 6) % BUCKETS];
}

static struct http_conn *conn_of(struct http_conns *all, const struct bufferevent *bev)
{
	struct http_conn *c = *bucket_of(all, bev);

	while (c && c->bev != bev)
		c = c->chain;
	return c;
}

static bool is_idle(const struct http_conn *c)
{
	enum intake_stage stage = http_intake_stage(c->intake);

	return (stage == INTAKE_IDLE || stage == INTAKE_HEAD) && c->fd >= 0;
}

/* Is a request with us that has no whole reply yet? */
static bool is_open(const struct http_conn *c)
{
	switch (http_answer_stage(c->answer)) {
	case ANSWER_CALL:
	case ANSWER_STREAM:
	case ANSWER_CHUNK:
		return true;
	case ANSWER_NONE:
	case ANSWER_REPLY:
		return false;
	}
	abort();
}

/* --- ends --- */

static void resume_later(void *ctx);
static void free_later(void *ctx);
static void cut_later(void *ctx);
static void adopt(void *ctx);

static void body_uncount(struct http_conn *c)
{
	c->all->gate.body_room += c->body_counted;
	c->body_counted = 0;
}

/* evhttp has dropped it: everything of it goes. */
static void conn_free(struct http_conn *c)
{
	struct http_conns *all = c->all;
	struct http_conn **at = bucket_of(all, c->bev);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		all->first = c->next;
	all->n--;
	metric_set(all->connections, all->n);
	loop_unpost(all->loop, resume_later, c);
	loop_unpost(all->loop, free_later, c);
	loop_unpost(all->loop, cut_later, c);
	loop_unpost(all->loop, adopt, c);
	body_uncount(c);
	http_answer_free(c->answer);
	if (c->hangup)
		event_free(c->hangup);
	http_intake_free(c->intake);
	bufferevent_decref(c->bev);
	http_order_done(&c->order);
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
	if (is_open(c) && c->evcon)
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

static void cut_later(void *ctx)
{
	conn_cut(ctx);
}

/* Not from inside evhttp's own reading. */
static void post_cut(void *ctx)
{
	struct http_conn *c = ctx;

	loop_post(c->all->loop, cut_later, c);
}

/* evhttp's hook, from inside its own freeing: only note it. */
static void evhttp_closes(struct evhttp_connection *evcon, void *ctx)
{
	struct http_conn *c = ctx;

	(void)evcon;
	c->evcon = NULL;
	http_answer_drop(c->answer);
	loop_post(c->all->loop, free_later, c);
}

/* Has the client left for good?  On a unix socket a hang-up says so.  On TCP the end of its half is all there is to see: a
 * client that gave up and closed looks the same as one that only said all it had to say, and the first must not pay. */
static bool peer_left(void *ctx)
{
	const struct http_conn *c = ctx;
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
	if (is_open(c) && peer_left(c))
		conn_cut(c);
	else
		loop_post(c->all->loop, free_later, c);
}

/* --- requests --- */

static void conn_refuse(void *ctx, const struct http_refusal *why)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct http_conn *c = ctx;
	const char *text = http_refusal_text(&a, why);

	metric_inc(c->all->refused);
	log_debug(&c->all->log, "rpc.refused", F_INT("status", why->status), F_STR("why", why->why));
	/* No reply is under way, so the socket's buffer is empty and takes it whole; a peer that has gone does not matter. */
	if (send(c->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		shutdown(c->fd, SHUT_WR);
	http_intake_shut(c->intake);
}

static bool take_head(void *ctx, struct bytes head, uint64_t *ret_body)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct http_conn *c = ctx;
	struct http_gate *gate = &c->all->gate;
	struct http_refusal no;

	http_order_done(&c->order);
	if (!http_gate_pass(gate, c->transport, c->fd, head, &a, &c->order, &no)) {
		conn_refuse(c, &no);
		return false;
	}
	c->body_counted = c->order.body;
	gate->body_room -= c->order.body;
	*ret_body = c->order.body;
	return true;
}

/* evhttp has a whole request. */
static void on_request(struct evhttp_request *req, void *ctx)
{
	struct door *door = ctx;
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct http_conn *c = conn_of(door->all, evhttp_connection_get_bufferevent(evcon));

	if (!c->evcon) {
		c->evcon = evcon;
		evhttp_connection_set_closecb(evcon, evhttp_closes, c);
	}
	body_uncount(c);
	http_answer_begin(c->answer, req, &c->order);
}

/* evhttp waits for the next request: perhaps it is here already. */
static void resume_later(void *ctx)
{
	struct http_conn *c = ctx;

	if (!evhttp_let_go(c))
		http_intake_resume(c->intake);
}

static void replied(void *ctx)
{
	struct http_conn *c = ctx;
	bool more = http_intake_next(c->intake);

	if (c->all->gate.stopping)
		conn_cut(c);
	else if (more)
		loop_post(c->all->loop, resume_later, c);
}

/* --- accepting --- */

/* The one that has been idle longest makes room for the newcomer.  False: all are at work. */
static bool evict(struct http_conns *all)
{
	struct http_conn *oldest = NULL;

	for (struct http_conn *c = all->first; c; c = c->next)
		if (is_idle(c) && (!oldest || http_intake_since_ms(c->intake) < http_intake_since_ms(oldest->intake)))
			oldest = c;
	if (!oldest)
		return false;
	http_intake_shut(oldest->intake);
	conn_cut(oldest);
	return true;
}

static void adopt(void *ctx)
{
	static const struct http_refusal full = { 503, "too many connections", NULL, "Retry-After: 1\r\n" };
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
	c->hangup = event_new(loop_base(c->all->loop), c->fd, EV_CLOSED, hangup, c);
	if (!c->hangup || event_add(c->hangup, NULL) != 0)
		abort();
	if (c->all->gate.stopping)
		conn_cut(c);
	else if (c->surplus)
		conn_refuse(c, &full);
}

static struct http_conn *conn_new(struct http_conns *all, enum transport transport, struct event_base *base)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (!c || !(c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE)))
		abort();
	bufferevent_incref(c->bev);
	c->all = all;
	c->transport = transport;
	c->fd = -1;
	c->intake = http_intake_new(
		c->bev,
		&(const struct http_intake_user){
			.arrived = adopt, .judge = take_head, .refuse = conn_refuse, .flooded = post_cut, .ctx = c });
	c->answer = http_answer_new(
		all->server, &(const struct http_answer_user){
				     .replied = replied, .client_left = peer_left, .give_up = post_cut, .ctx = c });
	return c;
}

static struct bufferevent *new_connection(struct event_base *base, void *ctx)
{
	struct door *door = ctx;
	struct http_conns *all = door->all;
	struct http_conn *c = conn_new(all, door->transport, base);

	c->surplus = all->n >= all->max && !evict(all);
	c->next = all->first;
	if (all->first)
		all->first->prev = c;
	all->first = c;
	c->chain = *bucket_of(all, c->bev);
	*bucket_of(all, c->bev) = c;
	all->n++;
	metric_set(all->connections, all->n);
	loop_post(all->loop, adopt, c); /* evhttp gives the bufferevent its socket when this has returned */
	if (!timer_is_started(all->sweep))
		timer_start(all->sweep, SWEEP_MS);
	return c->bev;
}

/* --- deadlines --- */

/* By the answer, once evhttp has handed the request over; before and after by what has come in. */
static int64_t overdue_at(const struct http_conn *c)
{
	int64_t answer_since = http_answer_since_ms(c->answer), intake_since = http_intake_since_ms(c->intake);

	switch (http_answer_stage(c->answer)) {
	case ANSWER_CALL: /* the time is ours */
	case ANSWER_STREAM:
		return INT64_MAX;
	case ANSWER_REPLY:
	case ANSWER_CHUNK:
		return answer_since + REPLY_MS;
	case ANSWER_NONE:
		break;
	}
	switch (http_intake_stage(c->intake)) {
	case INTAKE_IDLE:
		return intake_since + IDLE_MS;
	case INTAKE_HEAD:
	case INTAKE_BODY:
	case INTAKE_WHOLE:
		return intake_since + REQUEST_MS;
	case INTAKE_SHUT:
		return intake_since + REFUSED_MS;
	}
	abort();
}

static void sweep(void *ctx)
{
	struct http_conns *all = ctx;
	struct http_conn *next;
	int64_t now_ms = clock_mono_us() / 1000;

	for (struct http_conn *c = all->first; c; c = next) {
		next = c->next;
		if (evhttp_let_go(c))
			conn_free(c);
		else if (now_ms > overdue_at(c))
			conn_cut(c);
	}
	if (all->first)
		timer_start(all->sweep, SWEEP_MS);
}

/* --- all of them --- */

/* A listener that cannot accept for lack of descriptors would turn the loop without end. */
static unsigned connections_possible(unsigned wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur > (rlim_t)wanted + OTHER_FILES)
		return wanted;
	return files.rlim_cur > 2 * OTHER_FILES ? (unsigned)files.rlim_cur - OTHER_FILES : OTHER_FILES;
}

struct http_conns *http_conns_new(struct rpc_server *server, gid_t socket_group, unsigned port)
{
	struct http_conns *all = calloc(1, sizeof(*all));

	if (!all)
		abort();
	all->server = server;
	all->loop = server->opt.loop;
	all->log = log_module("rpc");
	all->gate = (struct http_gate){ .auth = server->auth,
					.socket_group = socket_group,
					.cookie_path = server->opt.cookie_path,
					.port = port,
					.body_room = BODIES_MAX };
	all->max = connections_possible(server->opt.max_connections ? server->opt.max_connections : CONNECTIONS);
	all->connections = metric_gauge("walletd_rpc_connections", NULL, "Open connections.");
	all->refused = metric_counter("walletd_rpc_refused_total", NULL, "Requests refused before any method ran.");
	all->sweep = loop_timer(all->loop, sweep, all);
	return all;
}

void http_conns_free(struct http_conns *all)
{
	if (!all)
		return;
	while (all->first)
		conn_free(all->first);
	timer_free(all->sweep);
	free(all);
}

void http_conns_serve(struct http_conns *all, enum transport transport, struct evhttp *http)
{
	struct door *door = &all->doors[transport];

	*door = (struct door){ all, transport };
	evhttp_set_bevcb(http, new_connection, door);
	evhttp_set_gencb(http, on_request, door);
}

void http_conns_stop(struct http_conns *all)
{
	all->gate.stopping = true;
	for (struct http_conn *c = all->first; c; c = c->next)
		if (is_idle(c))
			conn_cut(c);
}

bool http_conns_idle(const struct http_conns *all)
{
	for (const struct http_conn *c = all->first; c; c = c->next)
		switch (http_answer_stage(c->answer)) {
		case ANSWER_CALL:
		case ANSWER_REPLY:
			return false;
		case ANSWER_STREAM:
		case ANSWER_CHUNK:
			break;
		case ANSWER_NONE:
			if (http_intake_stage(c->intake) == INTAKE_WHOLE)
				return false;
			break;
		}
	return true;
}
