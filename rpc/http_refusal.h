/* rpc/http_refusal.h - a no before any method runs: its status, its reason, and the whole reply that says so.
 *
 * The reply is one JSON-RPC error with id null; code and kind follow from the status.  Pure. */
#ifndef RPC_HTTP_REFUSAL_H
#define RPC_HTTP_REFUSAL_H

#include "base/arena.h"

struct http_refusal {
	int status;
	const char *why;
	const char *hint;    /* or NULL */
	const char *headers; /* further lines, each with its CRLF; or NULL */
};

/* The words of a status line. */
const char *http_reason(int status);
/* Head and body; the connection is closed after it.  Held by the arena. */
const char *http_refusal_text(struct arena *a, const struct http_refusal *r);

#endif
