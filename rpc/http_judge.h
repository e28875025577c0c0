/* rpc/http_judge.h - what a request is for, and whether its head may pass: routes, Host, Origin, length, type, query.
 *
 * In two parts, for who calls is asked between them: what is wrong with the address is told to anybody, what is wrong
 * with the rest only to callers.  Pure.  Refusals hold static texts.  An order starts as zeroes and ends with
 * http_order_done(), also after a refusal. */
#ifndef RPC_HTTP_JUDGE_H
#define RPC_HTTP_JUDGE_H

#include "rpc/http_head.h"
#include "rpc/http_refusal.h"
#include "rpc/method.h"
#include "rpc/sockets.h"

#define HTTP_BODY_MAX (1024u * 1024)

enum http_route { ROUTE_RPC = 1, ROUTE_HEALTHZ, ROUTE_READYZ, ROUTE_METRICS, ROUTE_EVENTS };

/* What is asked, and by whom. */
struct http_order {
	enum http_route route;
	struct rpc_caller caller; /* not judged here; nobody on an open route */
	uint64_t body;            /* its bytes */
	int64_t after;            /* events: -1 from now on */
	char *kinds;              /* events: or NULL */
};

/* Sets ret->route.  False: *no says why. */
MUST_CHECK bool http_judge_address(const struct http_head *h, enum transport transport, struct http_order *ret,
				   struct http_refusal *no);
/* Is the route for everybody who can connect? */
bool http_route_is_open(enum http_route route, enum transport transport);
/* Sets the rest, by the route.  False: *no says why. */
MUST_CHECK bool http_judge_rest(const struct http_head *h, enum transport transport, struct http_order *ret,
				struct http_refusal *no);
void http_order_done(struct http_order *o);

#endif
