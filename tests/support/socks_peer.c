#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "tests/support/socks_peer.h"

struct socks_conn {
	struct socks_peer *peer;
	struct bufferevent *client, *target; /* target: NULL until granted */
	bool greeted;
	LIST_ENTRY(socks_conn) link;
};

struct socks_peer {
	struct loop *loop;
	struct evconnlistener *listener;
	int answer;
	struct sockaddr_in to;
	char url[64], asked[300];
	unsigned connections;
	LIST_HEAD(socks_conns, socks_conn) conns;
};

static void conn_free(struct socks_conn *c)
{
	LIST_REMOVE(c, link);
	bufferevent_free(c->client);
	if (c->target != NULL)
		bufferevent_free(c->target);
	free(c);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		conn_free(arg);
}

static void on_target(struct bufferevent *bev, void *arg)
{
	struct socks_conn *c = arg;

	bufferevent_write_buffer(c->client, bufferevent_get_input(bev));
}

/* VER CMD RSV ATYP, then length and name, or 4 bytes of address, then port.  Returns false while it is not whole. */
static bool take_request(struct socks_conn *c, struct evbuffer *in)
{
	struct socks_peer *p = c->peer;
	uint8_t head[5], port[2];
	char name[256] = "";

	if (evbuffer_copyout(in, head, sizeof(head)) != (ev_ssize_t)sizeof(head))
		return false;
	if (head[3] != 3) {
		if (evbuffer_get_length(in) < 4 + 4 + sizeof(port))
			return false;
		snprintf(p->asked, sizeof(p->asked), "address");
		return evbuffer_drain(in, 4 + 4 + sizeof(port)) == 0;
	}
	if (evbuffer_get_length(in) < sizeof(head) + head[4] + sizeof(port))
		return false;
	evbuffer_drain(in, sizeof(head));
	evbuffer_remove(in, name, head[4]);
	evbuffer_remove(in, port, sizeof(port));
	snprintf(p->asked, sizeof(p->asked), "%s:%d", name, port[0] * 256 + port[1]);
	return true;
}

static void on_client(struct bufferevent *bev, void *arg)
{
	struct socks_conn *c = arg;
	struct socks_peer *p = c->peer;
	struct evbuffer *in = bufferevent_get_input(bev);
	uint8_t greeting[2], reply[10] = { 5, (uint8_t)p->answer, 0, 1 };

	if (c->target != NULL) {
		bufferevent_write_buffer(c->target, in);
		return;
	}
	if (!c->greeted) {
		if (evbuffer_copyout(in, greeting, 2) != 2 || evbuffer_get_length(in) < 2u + greeting[1])
			return;
		evbuffer_drain(in, 2u + greeting[1]);
		bufferevent_write(bev, "\5\0", 2);
		c->greeted = true;
	}
	if (!take_request(c, in))
		return;
	if (p->answer < 0) {
		conn_free(c);
		return;
	}
	bufferevent_write(bev, reply, sizeof(reply));
	if (p->answer != 0)
		return;
	c->target = bufferevent_socket_new(loop_base(p->loop), -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->target == NULL ||
	    bufferevent_socket_connect(c->target, (struct sockaddr *)&p->to, (int)sizeof(p->to)) != 0)
		abort();
	bufferevent_setcb(c->target, on_target, NULL, on_end, c);
	bufferevent_enable(c->target, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr, int n, void *arg)
{
	struct socks_peer *p = arg;
	struct socks_conn *c = calloc(1, sizeof(*c));

	(void)l;
	(void)addr;
	(void)n;
	if (c == NULL)
		abort();
	p->connections++;
	c->peer = p;
	c->client = bufferevent_socket_new(loop_base(p->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->client == NULL)
		abort();
	LIST_INSERT_HEAD(&p->conns, c, link);
	bufferevent_setcb(c->client, on_client, NULL, on_end, c);
	bufferevent_enable(c->client, EV_READ | EV_WRITE);
}

struct socks_peer *socks_peer_new(struct loop *loop, int answer, int to_port)
{
	struct socks_peer *p = calloc(1, sizeof(*p));
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);

	if (p == NULL)
		abort();
	p->loop = loop;
	p->answer = answer;
	p->listener = evconnlistener_new_bind(loop_base(loop), on_accept, p,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, (struct sockaddr *)&in,
					      (int)n);
	if (p->listener == NULL || getsockname(evconnlistener_get_fd(p->listener), (struct sockaddr *)&in, &n) != 0)
		abort();
	snprintf(p->url, sizeof(p->url), "socks5h://127.0.0.1:%d", ntohs(in.sin_port));
	p->to = in;
	p->to.sin_port = htons((uint16_t)to_port);
	return p;
}

void socks_peer_free(struct socks_peer *p)
{
	if (p == NULL)
		return;
	while (!LIST_EMPTY(&p->conns))
		conn_free(LIST_FIRST(&p->conns));
	evconnlistener_free(p->listener);
	free(p);
}

const char *socks_peer_url(const struct socks_peer *p)
{
	return p->url;
}

const char *socks_peer_asked(const struct socks_peer *p)
{
	return p->asked;
}

unsigned socks_peer_connections(const struct socks_peer *p)
{
	return p->connections;
}
