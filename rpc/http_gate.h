/* rpc/http_gate.h - may this head come in?  Its form, its address, its caller and the rest of it, in this order. */
#ifndef RPC_HTTP_GATE_H
#define RPC_HTTP_GATE_H

#include <sys/types.h>

#include "rpc/http_judge.h"

struct auth;

/* What it depends on beside the head; a value that its owner keeps up to date. */
struct http_gate {
	struct auth *auth;
	gid_t socket_group;      /* whose members may call on the unix socket */
	const char *cookie_path; /* for hints, or NULL */
	unsigned port;           /* of TCP, for hints, or 0 */
	bool stopping;           /* nobody comes in any more */
	uint64_t body_room;      /* bytes of bodies that may still be taken on */
};

/* fd: the connection.  Fills *ret (rpc/http_judge.h says how it begins and ends).  False: *no says why; the arena holds
 * it. */
MUST_CHECK bool http_gate_pass(const struct http_gate *g, enum transport transport, int fd, struct bytes head,
			       struct arena *a, struct http_order *ret, struct http_refusal *no);

#endif
