#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/arena.h"
#include "tests/support/http_peer.h"

#define SCRIPTS_MAX 64

struct peer_conn {
	struct http_peer *peer;
	struct bufferevent *bev;
	struct evbuffer *reply;           /* what is still to be handed to bev */
	const struct peer_script *script; /* being played, or NULL */
	struct timer *timer;
	LIST_ENTRY(peer_conn) link;
};

struct http_peer {
	struct loop *loop;
	struct evconnlistener *listener;
	struct arena arena; /* urls */
	struct arena last_arena;
	struct peer_request last;
	struct peer_script scripts[SCRIPTS_MAX];
	unsigned asked[SCRIPTS_MAX];
	size_t n_scripts;
	const struct peer_script *(*answer)(void *ctx, const struct peer_request *asked); /* or NULL */
	void *answer_ctx;
	unsigned connections, requests;
	int port;
	int64_t reset_after_ms; /* 0: connections are served */
	LIST_HEAD(peer_conns, peer_conn) conns;
};

static const struct peer_script not_found = { .status = 404, .body = "{\"detail\":\"no such path\"}" };

static void conn_free(struct peer_conn *c)
{
	LIST_REMOVE(c, link);
	bufferevent_free(c->bev);
	evbuffer_free(c->reply);
	timer_free(c->timer);
	free(c);
}

static void set_reset_on_close(evutil_socket_t fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) != 0)
		abort();
}

static void reset(void *arg)
{
	struct peer_conn *c = arg;

	set_reset_on_close(bufferevent_getfd(c->bev));
	conn_free(c);
}

static void next_request(struct peer_conn *c);

static void reply_is_out(struct peer_conn *c)
{
	enum peer_end end = c->script->end;

	if (end == PEER_KEEP) {
		c->script = NULL;
		next_request(c);
		return;
	}
	if (end == PEER_RESET)
		reset(c);
	else
		conn_free(c);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct peer_conn *c = arg;

	(void)bev;
	if (c->script != NULL && !timer_is_started(c->timer) && evbuffer_get_length(c->reply) == 0)
		reply_is_out(c);
}

static void play(void *arg)
{
	struct peer_conn *c = arg;
	const struct peer_script *s = c->script;
	size_t n = evbuffer_get_length(c->reply);

	if (n == 0) {
		/* Never answering is a reply that never gets out. */
		if (s->end != PEER_KEEP)
			reply_is_out(c);
		return;
	}
	if (s->drip_ms > 0 && n > 1)
		timer_start(c->timer, s->drip_ms);
	evbuffer_remove_buffer(c->reply, bufferevent_get_output(c->bev), s->drip_ms > 0 ? 1 : n);
}

static void make_reply(struct peer_conn *c)
{
	const struct peer_script *s = c->script;
	size_t n = s->filler > 0 ? s->filler : s->body_n > 0 ? s->body_n : s->body != NULL ? strlen(s->body) : 0;

	if (s->raw != NULL) {
		evbuffer_add(c->reply, s->raw, strlen(s->raw));
	} else {
		evbuffer_add_printf(c->reply, "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\n%s\r\n",
				    s->status != 0 ? s->status : 200, n, s->headers != NULL ? s->headers : "");
		for (size_t i = 0; i < s->filler; i++)
			evbuffer_add(c->reply, "x", 1);
		if (s->filler == 0 && s->body != NULL)
			evbuffer_add(c->reply, s->body, n);
	}
	if (s->cut > 0 && s->cut < evbuffer_get_length(c->reply)) {
		struct evbuffer *kept = evbuffer_new();

		evbuffer_remove_buffer(c->reply, kept, s->cut);
		evbuffer_free(c->reply);
		c->reply = kept;
	}
}

static const struct peer_script *script_for(struct http_peer *p, const char *path)
{
	for (size_t i = 0; i < p->n_scripts; i++) {
		if (strcmp(p->scripts[i].path, path) == 0) {
			p->asked[i]++;
			return &p->scripts[i];
		}
	}
	return &not_found;
}

/* Is a whole request in the input?  Then take it out and remember it. */
static bool read_request(struct peer_conn *c)
{
	struct http_peer *p = c->peer;
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	size_t head_n, body_n = 0;
	const char *length;
	char *head, *body, *path;

	if (end.pos < 0)
		return false;
	head_n = (size_t)end.pos + 4;
	head = calloc(1, head_n + 1);
	if (head == NULL || evbuffer_copyout(in, head, head_n) != (ev_ssize_t)head_n)
		abort();
	length = strcasestr(head, "\r\nContent-Length:");
	if (length != NULL)
		body_n = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	if (evbuffer_get_length(in) < head_n + body_n) {
		free(head);
		return false;
	}
	arena_reset(&p->last_arena);
	evbuffer_drain(in, head_n);
	body = arena_alloc(&p->last_arena, body_n + 1);
	evbuffer_remove(in, body, body_n);
	p->last.head = arena_strdup(&p->last_arena, head);
	p->last.method = arena_strndup(&p->last_arena, head, strcspn(head, " "));
	path = head + strcspn(head, " ");
	path += strspn(path, " ");
	p->last.path = arena_strndup(&p->last_arena, path, strcspn(path, " \r"));
	p->last.body = (struct bytes){ (uint8_t *)body, body_n };
	p->requests++;
	free(head);
	return true;
}

static void next_request(struct peer_conn *c)
{
	if (c->script != NULL || !read_request(c))
		return;
	c->script = c->peer->answer != NULL ? c->peer->answer(c->peer->answer_ctx, &c->peer->last)
					    : script_for(c->peer, c->peer->last.path);
	make_reply(c);
	if (c->script->delay_ms > 0)
		timer_start(c->timer, c->script->delay_ms);
	else
		play(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	next_request(arg);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	conn_free(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr, int n, void *arg)
{
	struct http_peer *p = arg;
	struct peer_conn *c;

	(void)l;
	(void)addr;
	(void)n;
	p->connections++;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->peer = p;
	c->bev = bufferevent_socket_new(loop_base(p->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	c->reply = evbuffer_new();
	c->timer = loop_timer(p->loop, p->reset_after_ms > 0 ? reset : play, c);
	if (c->bev == NULL || c->reply == NULL)
		abort();
	LIST_INSERT_HEAD(&p->conns, c, link);
	bufferevent_setcb(c->bev, on_read, on_written, on_end, c);
	if (p->reset_after_ms > 0)
		timer_start(c->timer, p->reset_after_ms);
	else
		bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

struct http_peer *http_peer_new(struct loop *loop, const char *unix_path)
{
	struct http_peer *p = calloc(1, sizeof(*p));
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr *addr = unix_path != NULL ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	socklen_t n = unix_path != NULL ? sizeof(un) : sizeof(in);

	if (p == NULL || (unix_path != NULL && strlen(unix_path) >= sizeof(un.sun_path)))
		abort();
	if (unix_path != NULL)
		memcpy(un.sun_path, unix_path, strlen(unix_path));
	p->loop = loop;
	p->arena = ARENA_LIMIT(1024 * 1024);
	p->last_arena = ARENA_LIMIT(64 * 1024 * 1024);
	p->listener = evconnlistener_new_bind(loop_base(loop), on_accept, p,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64, addr, (int)n);
	if (p->listener == NULL)
		abort();
	if (unix_path == NULL) {
		if (getsockname(evconnlistener_get_fd(p->listener), (struct sockaddr *)&in, &n) != 0)
			abort();
		p->port = ntohs(in.sin_port);
	}
	return p;
}

void http_peer_free(struct http_peer *p)
{
	if (p == NULL)
		return;
	while (!LIST_EMPTY(&p->conns))
		conn_free(LIST_FIRST(&p->conns));
	evconnlistener_free(p->listener);
	arena_done(&p->arena);
	arena_done(&p->last_arena);
	free(p);
}

void http_peer_on(struct http_peer *p, const struct peer_script *script)
{
	size_t i = 0;

	while (i < p->n_scripts && strcmp(p->scripts[i].path, script->path) != 0)
		i++;
	if (i == SCRIPTS_MAX)
		abort();
	if (i == p->n_scripts)
		p->n_scripts++;
	p->scripts[i] = *script;
}

void http_peer_answer(struct http_peer *p, const struct peer_script *(*fn)(void *ctx, const struct peer_request *asked),
		      void *ctx)
{
	p->answer = fn;
	p->answer_ctx = ctx;
}

void http_peer_drop_unread(struct http_peer *p, int64_t after_ms)
{
	p->reset_after_ms = after_ms;
}

int http_peer_port(const struct http_peer *p)
{
	return p->port;
}

const char *http_peer_url(struct http_peer *p, const char *path)
{
	if (p->port == 0)
		return arena_printf(&p->arena, "http://localhost%s", path);
	return arena_printf(&p->arena, "http://127.0.0.1:%d%s", p->port, path);
}

unsigned http_peer_connections(const struct http_peer *p)
{
	return p->connections;
}

unsigned http_peer_requests(const struct http_peer *p, const char *path)
{
	if (path == NULL)
		return p->requests;
	for (size_t i = 0; i < p->n_scripts; i++)
		if (strcmp(p->scripts[i].path, path) == 0)
			return p->asked[i];
	return 0;
}

const struct peer_request *http_peer_last(const struct http_peer *p)
{
	return &p->last;
}
