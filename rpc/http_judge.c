#include "rpc/http_judge.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/text.h"

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
static int find_route(const struct http_head *h, enum http_route *ret, const char **allow)
{
	static const struct {
		const char *path;
		enum http_route route;
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

static bool refuse(struct http_refusal *no, int status, const char *why, const char *hint, const char *headers)
{
	*no = (struct http_refusal){ status, why, hint, headers };
	return false;
}

bool http_judge_address(const struct http_head *h, enum transport transport, struct http_order *ret,
			struct http_refusal *no)
{
	const char *allow = NULL;
	int status;

	if (h->has_origin)
		return refuse(no, 403, "requests of web pages are not taken", NULL, NULL);
	if (transport == TRANSPORT_TCP && !host_is_local(h->host))
		return refuse(no, 403, "the Host header must be localhost, 127.0.0.1 or [::1]", NULL, NULL);
	status = find_route(h, &ret->route, &allow);
	if (status != 0)
		return refuse(no, status,
			      status == 404 ? "there is nothing at this path" : "this path takes another method",
			      "POST / takes JSON-RPC", allow);
	return true;
}

bool http_route_is_open(enum http_route route, enum transport transport)
{
	return transport == TRANSPORT_TCP && (route == ROUTE_HEALTHZ || route == ROUTE_READYZ);
}

/* ?after=12&kinds=action.*,mint.added  Names and values need no escape; '%2C' and '%2A' are what a careful client sends. */
static bool read_query(const struct http_head *h, struct http_order *o)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct evkeyvalq pairs;
	struct evkeyval *kv;
	uint64_t after;
	bool good = true;

	o->after = -1;
	if (o->route != ROUTE_EVENTS)
		return h->query.n == 0;
	if (evhttp_parse_query_str(arena_strndup(&a, (const char *)h->query.p, h->query.n), &pairs) != 0)
		return false;
	TAILQ_FOREACH(kv, &pairs, next)
	{
		if (strcmp(kv->key, "after") == 0 && parse_u64(kv->value, INT64_MAX, &after)) {
			o->after = (int64_t)after;
		} else if (strcmp(kv->key, "kinds") == 0 && !o->kinds && text_printable_ascii(kv->value)) {
			o->kinds = strdup(kv->value);
			if (!o->kinds)
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
		o->after = (int64_t)after;
	}
	return good;
}

bool http_judge_rest(const struct http_head *h, enum transport transport, struct http_order *ret,
		     struct http_refusal *no)
{
	if (!read_query(h, ret))
		return refuse(no, 400, "the query is not understood", NULL, NULL);
	if (ret->route != ROUTE_RPC)
		return true;
	if (!h->has_length)
		return refuse(no, 411, "a request must have a Content-Length", NULL, NULL);
	if (h->length > HTTP_BODY_MAX)
		return refuse(no, 413, "a request may have 1048576 bytes", "send smaller batches", NULL);
	if (transport == TRANSPORT_TCP && !type_is_json(h->content_type))
		return refuse(no, 415, "the Content-Type must be application/json", "curl --json sets it", NULL);
	ret->body = h->length;
	return true;
}

void http_order_done(struct http_order *o)
{
	free(o->kinds);
	*o = (struct http_order){ 0 };
}
