#include "tests/peers/testmint/front.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/text.h"
#include "tests/peers/testmint/control.h"

#define BODY_MAX  (8 * 1024 * 1024)
#define ARENA_MAX (256 * 1024 * 1024)

struct front {
	struct loop *loop;
	struct mint *m;
	struct faults faults;
	struct evhttp *http;
	struct evhttp_bound_socket *bound; /* NULL while we are down */
	struct timer *up;
	uint16_t port;
	LIST_HEAD(exchanges, exchange) exchanges;
};

/* A request that is being answered. */
struct exchange {
	struct front *f;
	struct evhttp_request *req; /* evhttp's */
	struct arena a;
	struct mint_call call;
	struct fault fault;
	struct mint_answer ans;
	struct timer *timer;
	void (*next)(struct exchange *x);
	struct evbuffer *raw; /* the rest of a reply that is not evhttp's to write */
	LIST_ENTRY(exchange) link;
};

static void exchange_free(struct exchange *x)
{
	LIST_REMOVE(x, link);
	timer_free(x->timer);
	if (x->raw != NULL)
		evbuffer_free(x->raw);
	arena_done(&x->a);
	free(x);
}

/* The client sees its connection end without a word. */
static void drop(struct exchange *x)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(x->req);

	if (conn != NULL)
		evhttp_connection_free(conn);
	else
		evhttp_request_free(x->req); /* the client went first: evhttp has left it to us */
	exchange_free(x);
}

static void on_timer(void *ctx)
{
	struct exchange *x = ctx;

	x->next(x);
}

static void later(struct exchange *x, int64_t ms, void (*next)(struct exchange *x))
{
	x->next = next;
	timer_start(x->timer, ms);
}

/* --- replies that evhttp would not write --- */

static void raw_gone(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev;
	(void)what;
	drop(ctx);
}

static void drip(struct exchange *x)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(x->req);

	evbuffer_remove_buffer(x->raw, bufferevent_get_output(evhttp_connection_get_bufferevent(conn)), 1);
}

static void raw_written(struct bufferevent *bev, void *ctx)
{
	struct exchange *x = ctx;

	(void)bev;
	if (evbuffer_get_length(x->raw) == 0)
		drop(x);
	else
		later(x, x->fault.ms, drip);
}

/* evhttp goes on believing that the reply is still to come; the connection ends with us. */
static void send_raw(struct exchange *x, const char *body)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(x->req);
	struct bufferevent *bev;
	size_t n = strlen(body);

	if (conn == NULL) {
		drop(x);
		return;
	}
	bev = evhttp_connection_get_bufferevent(conn);
	bufferevent_setcb(bev, NULL, raw_written, raw_gone, x);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	x->raw = evbuffer_new();
	if (x->raw == NULL)
		err_fatal("out of memory");
	evbuffer_add_printf(x->raw, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			    n);
	evbuffer_add(x->raw, body, x->fault.mode == FAULT_TRUNCATE ? n / 2 : n);
	if (x->fault.mode == FAULT_TRUNCATE)
		evbuffer_add_buffer(bufferevent_get_output(bev), x->raw);
	else
		drip(x);
}

/* --- ordinary replies --- */

static void send_body(struct exchange *x, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(x->req);
	char seconds[16];

	evhttp_add_header(headers, "Content-Type", "application/json");
	if (x->ans.retry_after_s > 0) {
		snprintf(seconds, sizeof(seconds), "%d", x->ans.retry_after_s);
		evhttp_add_header(headers, "Retry-After", seconds);
	}
	evhttp_send_reply(x->req, x->ans.status, NULL, body);
	evbuffer_free(body);
	exchange_free(x);
}

static void send_text(struct exchange *x, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL || evbuffer_add(body, text, strlen(text)) != 0)
		err_fatal("out of memory");
	send_body(x, body);
}

/* Begins like an answer and goes on with white space. */
static void send_huge(struct exchange *x)
{
	static char filler[1 << 16];
	struct evbuffer *body = evbuffer_new();

	memset(filler, ' ', sizeof(filler));
	if (body == NULL || evbuffer_add_printf(body, "{\"signatures\":[") < 0)
		err_fatal("out of memory");
	while (evbuffer_get_length(body) < x->fault.bytes)
		if (evbuffer_add_reference(body, filler, sizeof(filler), NULL, NULL) != 0)
			err_fatal("out of memory");
	send_body(x, body);
}

static void reply(struct exchange *x)
{
	switch (x->fault.mode) {
	case FAULT_DROP_BEFORE:
	case FAULT_DROP_AFTER:
		drop(x);
		return;
	case FAULT_TRUNCATE:
	case FAULT_SLOW_DRIP:
		send_raw(x, json_text(&x->a, x->ans.body));
		return;
	case FAULT_GARBAGE:
		send_text(x, "<html>Welcome to nginx!</html>");
		return;
	case FAULT_HUGE:
		send_huge(x);
		return;
	case FAULT_NONE:
	case FAULT_ANSWER:
	case FAULT_THROTTLE:
	case FAULT_DELAY_BEFORE:
	case FAULT_HOLD:
	case FAULT_DUPLICATE:
	case FAULT_DELAY:
	case FAULT_ANSWER_AFTER:
	case FAULT_EDIT:
	case FAULT_WRONG_AMOUNT:
	case FAULT_INFLATED:
	case FAULT_WRONG_KEYSET_ID:
	case FAULT_OTHER_KEYSET:
	case FAULT_BAD_SIGNATURE:
	case FAULT_BAD_DLEQ:
	case FAULT_NO_DLEQ:
	case FAULT_EXTRA_PROMISE:
	case FAULT_MISSING_PROMISE:
	case FAULT_SWAPPED_PROMISES:
	case FAULT_RESTORE_EMPTY:
	case FAULT_RESTORE_REORDER:
	case FAULT_RESTORE_FOREIGN:
	case FAULT_STATES:
	case FAULT_WRONG_KEYS:
	case FAULT_WRONG_FEE:
		break;
	}
	send_text(x, json_text(&x->a, x->ans.body));
}

static void refuse(struct exchange *x)
{
	mint_refuse(&x->a, &x->ans, x->fault.status, x->fault.code, x->fault.detail);
}

static void act(struct exchange *x)
{
	struct mint *m = x->f->m;
	enum fault_mode mode = x->fault.mode;

	if (mode == FAULT_HOLD)
		mint_hold(m, &x->call, false);
	if (mode == FAULT_DROP_BEFORE) {
		reply(x);
		return;
	}
	if (mode == FAULT_ANSWER) {
		refuse(x);
	} else if (mode == FAULT_THROTTLE) {
		mint_refuse(&x->a, &x->ans, 429, -1, "Rate limit exceeded.");
		x->ans.retry_after_s = x->fault.retry_after_s;
	} else {
		mint_answer(m, &x->a, &x->call, &x->ans);
		if (mode == FAULT_DUPLICATE)
			mint_answer(m, &x->a, &x->call, &x->ans);
		fault_lie(m, &x->a, &x->fault, &x->call, &x->ans);
		if (mode == FAULT_ANSWER_AFTER)
			refuse(x);
	}
	if (mode == FAULT_DELAY)
		later(x, x->fault.ms, reply);
	else
		reply(x);
}

/* --- requests --- */

static void listen_again(void *ctx)
{
	struct front *f = ctx;

	f->bound = evhttp_bind_socket_with_handle(f->http, "127.0.0.1", f->port);
	if (f->bound == NULL)
		err_fatal("cannot listen again");
}

static void go_down(struct front *f, int64_t ms)
{
	if (f->bound != NULL)
		evhttp_del_accept_socket(f->http, f->bound);
	f->bound = NULL;
	timer_start(f->up, ms);
}

static struct exchange *exchange_new(struct front *f, struct evhttp_request *req)
{
	struct exchange *x = calloc(1, sizeof(*x));
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t n = evbuffer_get_length(in);
	const char *method = evhttp_request_get_command(req) == EVHTTP_REQ_GET    ? "GET"
			     : evhttp_request_get_command(req) == EVHTTP_REQ_POST ? "POST"
										  : "";
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	struct bytes body;

	if (x == NULL)
		err_fatal("out of memory");
	*x = (struct exchange){ .f = f, .req = req, .a = ARENA_LIMIT(ARENA_MAX) };
	LIST_INSERT_HEAD(&f->exchanges, x, link);
	x->timer = loop_timer(f->loop, on_timer, x);
	body = arena_bytes(&x->a, (struct bytes){ n == 0 ? NULL : evbuffer_pullup(in, -1), n });
	x->call = mint_call_of(&x->a, method, arena_strdup(&x->a, path == NULL ? "" : path), body);
	return x;
}

static void on_request(struct evhttp_request *req, void *ctx)
{
	struct front *f = ctx;
	struct exchange *x = exchange_new(f, req);
	int64_t down_ms;

	if (text_starts(x->call.path, CONTROL_PREFIX)) {
		control_answer(f->m, &f->faults, &x->a, &x->call, &x->ans, &down_ms);
		reply(x);
		if (down_ms > 0)
			go_down(f, down_ms);
		return;
	}
	mint_arrived(f->m, &x->call);
	x->fault = faults_take(&f->faults, x->call.path);
	/* The list of faults may be cleared while this one is at work. */
	if (x->fault.set != NULL)
		x->fault.set = json_hold(&x->a, json_incref(x->fault.set));
	if (f->bound == NULL)
		x->fault.mode = FAULT_DROP_BEFORE;
	if (x->fault.mode == FAULT_HOLD)
		mint_hold(f->m, &x->call, true);
	/* Never from here: evhttp must not lose a connection while it hands us a request. */
	later(x, x->fault.mode == FAULT_HOLD || x->fault.mode == FAULT_DELAY_BEFORE ? x->fault.ms : 0, act);
}

/* --- life --- */

static uint16_t port_of(struct evhttp_bound_socket *bound)
{
	struct sockaddr_in at = { 0 };
	socklen_t n = sizeof(at);

	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &n) != 0)
		err_fatal("a socket without an address");
	return ntohs(at.sin_port);
}

int front_new(struct loop *loop, struct mint *m, uint16_t port, struct front **ret, struct err *err)
{
	struct front *f = calloc(1, sizeof(*f));

	if (f == NULL)
		err_fatal("out of memory");
	f->loop = loop;
	f->m = m;
	LIST_INIT(&f->exchanges);
	f->http = evhttp_new(loop_base(loop));
	if (f->http == NULL)
		err_fatal("out of memory");
	f->up = loop_timer(loop, listen_again, f);
	evhttp_set_allowed_methods(f->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_max_body_size(f->http, BODY_MAX);
	evhttp_set_gencb(f->http, on_request, f);
	f->bound = evhttp_bind_socket_with_handle(f->http, "127.0.0.1", port);
	if (f->bound == NULL) {
		front_free(f);
		return ERR(err, ERR_IO, "cannot listen on 127.0.0.1:%u", port);
	}
	f->port = port_of(f->bound);
	*ret = f;
	return 0;
}

void front_free(struct front *f)
{
	/* Connections first, and with them the requests: exchanges hold only what is theirs. */
	evhttp_free(f->http);
	while (!LIST_EMPTY(&f->exchanges))
		exchange_free(LIST_FIRST(&f->exchanges));
	timer_free(f->up);
	faults_clear(&f->faults);
	free(f);
}

uint16_t front_port(const struct front *f)
{
	return f->port;
}
