#include "rpc/http_gate.h"

#include "base/err.h"
#include "rpc/auth.h"

static int identify(const struct http_gate *g, enum transport transport, int fd, const struct http_head *h,
		    struct http_order *o, struct err *err)
{
	if (transport == TRANSPORT_UNIX)
		return auth_peer(g->auth, fd, g->socket_group, &o->caller, err);
	if (http_route_is_open(o->route, transport))
		return 0;
	return auth_header(g->auth, (const char *)h->authorization.p, h->authorization.n, &o->caller, err);
}

static struct http_refusal caller_refusal(const struct http_gate *g, enum transport transport, const struct err *err,
					  struct arena *a)
{
	const char *why = arena_strdup(a, err->msg);

	if (transport == TRANSPORT_UNIX)
		return (struct http_refusal){ 403, why, "the socket is for its owner, its group and root", NULL };
	if (err->code == ERR_BUSY)
		return (struct http_refusal){ 429, why, NULL, "Retry-After: 1\r\n" };
	if (err->code != ERR_FORBIDDEN)
		return (struct http_refusal){ 503, why, NULL, "Retry-After: 5\r\n" };
	return (struct http_refusal){
		401, why,
		arena_printf(a,
			     "curl -u \"$(cat %s)\" --json '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}'"
			     " http://127.0.0.1:%u/",
			     g->cookie_path ? g->cookie_path : "cookie", g->port),
		"WWW-Authenticate: Basic realm=\"walletd\", charset=\"UTF-8\"\r\n"
	};
}

bool http_gate_pass(const struct http_gate *g, enum transport transport, int fd, struct bytes head, struct arena *a,
		    struct http_order *ret, struct http_refusal *no)
{
	struct http_head h;
	struct err err;
	const char *why = NULL;
	int status = http_head_parse(head, &h, &why);

	if (status != 0) {
		*no = (struct http_refusal){ .status = status, .why = why };
		return false;
	}
	if (g->stopping) {
		*no = (struct http_refusal){ 503, "walletd is stopping", NULL, "Retry-After: 5\r\n" };
		return false;
	}
	if (!http_judge_address(&h, transport, ret, no))
		return false;
	if (identify(g, transport, fd, &h, ret, &err) != 0) {
		*no = caller_refusal(g, transport, &err, a);
		return false;
	}
	if (!http_judge_rest(&h, transport, ret, no))
		return false;
	if (ret->body > g->body_room) {
		*no = (struct http_refusal){ 503, "too many large requests at once", NULL, "Retry-After: 1\r\n" };
		return false;
	}
	return true;
}
