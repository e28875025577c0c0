/* rpc/http_head.h - the head of an HTTP/1.x request, read strictly, before the HTTP library sees a byte of it.
 *
 * Only what cannot be read in two ways passes: CRLF line ends, one space between the parts, no folded lines, no control
 * characters, no header twice whose meaning that changes, a length in plain digits.  Pure.  Views point into the head. */
#ifndef RPC_HTTP_HEAD_H
#define RPC_HTTP_HEAD_H

#include "base/buf.h"

#define HTTP_HEAD_MAX    (16u * 1024)
#define HTTP_HEADERS_MAX 64

enum http_method { HTTP_GET = 1, HTTP_POST, HTTP_OTHER };

struct http_head {
	enum http_method method;
	struct bytes path, query;                                      /* query: after the '?', or empty */
	struct bytes host, content_type, authorization, last_event_id; /* p NULL: not there */
	bool has_origin, has_length, expects_continue;
	uint64_t length;
};

/* Looks at bytes from *at on, which it moves.  > 0: the head ends there, its empty line included.  0: more is needed.
 * -1: this is no HTTP/1.x request: whatever follows will not make it one. */
long http_head_scan(struct bytes seen, size_t *at);
/* A whole head.  0, or the HTTP status it is refused with and why. */
int http_head_parse(struct bytes head, struct http_head *ret, const char **why);

#endif
