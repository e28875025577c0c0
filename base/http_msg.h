/* base/http_msg.h - one HTTP exchange as pure values: what to ask, and what came of it.
 *
 * Rails build requests and read replies; only base/net sends.  All memory belongs to the arena of whoever built it. */
#ifndef BASE_HTTP_MSG_H
#define BASE_HTTP_MSG_H

#include "base/buf.h"

struct http_header {
	const char *name, *value;
};
#define NET_HEADERS_MAX 8

struct net_request {
	const char *method;       /* "GET" or "POST" */
	const char *url;          /* http:// or https:// */
	const char *unix_socket;  /* path to connect to instead of the URL's host, or NULL */
	const char *content_type; /* of the body; NULL without one */
	struct bytes body;
	struct http_header headers[NET_HEADERS_MAX];
	size_t n_headers;
	int64_t timeout_ms;         /* whole exchange; 0 means 30 s */
	int64_t connect_timeout_ms; /* of it, until the connection stands; 0 means what http was made with */
	size_t max_reply;           /* body cap; 0 means 8 MiB */
	bool plain_json;     /* no HTTP: base/net/json_call.h; of the above only unix_socket, body and limits count */
	const char *ca_file; /* PEM: who may have signed for this peer, instead of whom http trusts; or NULL */
	bool grpc;           /* HTTP/2, because a reply's status stands behind it: also with changes_state */
	bool direct;         /* a node of our own: not through the proxy */
	bool changes_state;  /* sent at most once, over a connection of its own */
};

enum net_outcome {
	NET_ANSWERED = 1, /* a whole HTTP reply arrived: status and body are set */
	NET_NOT_SENT = 2, /* certainly not delivered: no byte of the request left */
	NET_UNKNOWN = 3   /* may have been delivered: time-out, reset, truncated or too large a reply */
};

struct net_reply {
	enum net_outcome outcome;
	int status;               /* when answered */
	struct bytes body;        /* when answered; NUL one past its end */
	const char *content_type; /* when answered; never NULL then */
	int retry_after_s;        /* from Retry-After in seconds, else 0 */
	bool has_grpc_status;     /* gRPC: what stood in headers or trailers */
	int grpc_status;          /* 0 is fine */
	char grpc_message[512];   /* as it came, percent-encoded; cut to fit */
	char detail[128];         /* for people, when not answered: what went wrong */
};

#endif
