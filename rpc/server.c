#include "rpc/server.h"

#include <stdlib.h>

#include "rpc/auth.h"
#include "rpc/dispatch.h"
#include "rpc/event_waits.h"
#include "rpc/http_face.h"
#include "rpc/state.h"
#include "rpc/status.h"

#define BACKUP_MAX_AGE_MS (7 * 86400 * INT64_C(1000))

static const char *own_text(struct rpc_server *s, const char *text)
{
	return text ? arena_strdup(&s->own, text) : NULL;
}

int rpc_server_new(const struct rpc_server_options *opt, struct rpc_server **ret, struct err *err)
{
	struct rpc_server *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->own = ARENA_LIMIT(64 * 1024);
	s->opt = *opt;
	s->opt.network = own_text(s, opt->network);
	s->opt.datadir = own_text(s, opt->datadir);
	s->opt.config_path = own_text(s, opt->config_path);
	s->opt.socket_path = own_text(s, opt->socket_path);
	s->opt.cookie_path = own_text(s, opt->cookie_path);
	if (s->opt.backup_max_age_ms == 0)
		s->opt.backup_max_age_ms = BACKUP_MAX_AGE_MS;
	s->log = log_module("rpc");
	s->auth = auth_new(opt->store);
	auth_set_peers(s->auth, opt->peers, opt->n_peers);
	s->stats = call_stats_new();
	s->event_waits = event_waits_new(opt->loop, opt->store);
	s->status = status_cache_new();
	if (http_face_new(s, &s->face, err) != 0) {
		rpc_server_free(s);
		return -1;
	}
	/* After the sockets are ours: a second daemon that fails above must not replace the first one's cookie. */
	if (http_face_port(s->face) && opt->cookie_path &&
	    auth_write_cookie(s->auth, opt->cookie_path, opt->socket_group, err) != 0) {
		rpc_server_free(s);
		return -1;
	}
	s->opt.listen = NULL;
	s->opt.passed_fds = NULL;
	s->opt.peers = NULL;
	*ret = s;
	return 0;
}

void rpc_server_free(struct rpc_server *s)
{
	if (!s)
		return;
	http_face_free(s->face);
	rpc_bodies_drop(s);
	event_waits_free(s->event_waits);
	status_cache_free(s->status);
	call_stats_free(s->stats);
	auth_free(s->auth);
	arena_done(&s->own);
	free(s);
}

void rpc_server_stop(struct rpc_server *s)
{
	s->stopping = true;
	event_waits_stop(s->event_waits);
	http_face_stop(s->face);
}

bool rpc_server_idle(const struct rpc_server *s)
{
	return !s->bodies && http_face_idle(s->face);
}

void rpc_server_committed(struct rpc_server *s)
{
	event_waits_look(s->event_waits);
}

void rpc_server_ledger_checked(struct rpc_server *s, const struct err *failed)
{
	if (failed)
		s->ledger_error = *failed;
	else
		err_clear(&s->ledger_error);
	status_changed(s);
}

void rpc_server_set_peers(struct rpc_server *s, const struct rpc_peer_scope *peers, size_t n)
{
	auth_set_peers(s->auth, peers, n);
}

unsigned rpc_server_port(const struct rpc_server *s)
{
	return http_face_port(s->face);
}
