/* evhttp parses and writes; the files around this one decide what it gets to see and what it is to say.  Here all of it is
 * put together: sockets, one evhttp for each kind of socket, so that a connection knows which it came by, connections. */
#include "rpc/http_face.h"

#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <unistd.h>

#include "rpc/http_conns.h"
#include "rpc/http_head.h"
#include "rpc/http_judge.h"
#include "rpc/sockets.h"
#include "rpc/state.h"

struct listener {
	struct listen_socket socket;
	struct evconnlistener *lev; /* owned by evhttp, and owns the descriptor; NULL: not accepted on yet */
};

struct http_face {
	struct rpc_server *server;
	struct evhttp *unix_http, *tcp_http;
	struct http_conns *conns;
	struct listener *listeners; /* room for all that may be opened */
	size_t n_listeners;
};

static int open_sockets(struct http_face *f, const struct rpc_server_options *opt, struct err *err)
{
	struct listener *l = f->listeners;

	for (size_t i = 0; i < opt->n_passed_fds; i++, f->n_listeners++)
		if (sockets_take(opt->passed_fds[i], &l[f->n_listeners].socket, err) != 0)
			return -1;
	if (opt->socket_path) {
		if (sockets_make_unix(opt->socket_path, opt->socket_group, &l[f->n_listeners].socket, err) != 0)
			return -1;
		f->n_listeners++;
	}
	if (opt->listen) {
		if (sockets_make_tcp(opt->listen, &l[f->n_listeners].socket, err) != 0)
			return -1;
		f->n_listeners++;
	}
	return 0;
}

static gid_t socket_group(const struct http_face *f)
{
	gid_t group = getegid();

	for (size_t i = 0; i < f->n_listeners; i++)
		if (f->listeners[i].socket.group != (gid_t)-1)
			group = f->listeners[i].socket.group;
	return group;
}

static struct evhttp *new_http(struct http_face *f, enum transport transport)
{
	struct evhttp *http = evhttp_new(loop_base(f->server->opt.loop));

	if (!http)
		abort();
	evhttp_set_max_headers_size(http, HTTP_HEAD_MAX);
	evhttp_set_max_body_size(http, HTTP_BODY_MAX);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	http_conns_serve(f->conns, transport, http);
	return http;
}

static void start_accepting(struct http_face *f, struct listener *l)
{
	l->lev = evconnlistener_new(loop_base(f->server->opt.loop), NULL, NULL,
				    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, l->socket.fd);
	if (!l->lev ||
	    !evhttp_bind_listener(l->socket.transport == TRANSPORT_UNIX ? f->unix_http : f->tcp_http, l->lev))
		abort();
	l->socket.fd = -1;
}

int http_face_new(struct rpc_server *server, struct http_face **ret, struct err *err)
{
	struct http_face *f = calloc(1, sizeof(*f));

	if (!f || !(f->listeners = calloc(server->opt.n_passed_fds + 2, sizeof(*f->listeners))))
		abort();
	f->server = server;
	if (open_sockets(f, &server->opt, err) != 0) {
		http_face_free(f);
		return -1;
	}
	f->conns = http_conns_new(server, socket_group(f), http_face_port(f));
	f->unix_http = new_http(f, TRANSPORT_UNIX);
	f->tcp_http = new_http(f, TRANSPORT_TCP);
	for (size_t i = 0; i < f->n_listeners; i++)
		start_accepting(f, &f->listeners[i]);
	*ret = f;
	return 0;
}

void http_face_free(struct http_face *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_listeners; i++)
		sockets_close(&f->listeners[i].socket);
	if (f->unix_http)
		evhttp_free(f->unix_http);
	if (f->tcp_http)
		evhttp_free(f->tcp_http);
	http_conns_free(f->conns);
	free(f->listeners);
	free(f);
}

void http_face_stop(struct http_face *f)
{
	for (size_t i = 0; i < f->n_listeners; i++)
		evconnlistener_disable(f->listeners[i].lev);
	http_conns_stop(f->conns);
}

bool http_face_idle(const struct http_face *f)
{
	return http_conns_idle(f->conns);
}

unsigned http_face_port(const struct http_face *f)
{
	unsigned port = 0;

	for (size_t i = 0; i < f->n_listeners; i++)
		if (f->listeners[i].socket.port)
			port = f->listeners[i].socket.port;
	return port;
}
