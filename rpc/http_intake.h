/* rpc/http_intake.h - what evhttp gets to see of one connection's input: one request at a time, and only judged ones.
 *
 * It looks at what arrives in a callback of the bufferevent's input buffer, which runs before evhttp's own reading.  A
 * head is judged when it is whole; what comes while a request is being answered is held back. */
#ifndef RPC_HTTP_INTAKE_H
#define RPC_HTTP_INTAKE_H

#include <stdbool.h>

#include "base/buf.h"
#include "rpc/http_refusal.h"

struct bufferevent;
struct http_intake;

enum intake_stage {
	INTAKE_IDLE = 1, /* between requests */
	INTAKE_HEAD,     /* part of a head has come */
	INTAKE_BODY,
	INTAKE_WHOLE, /* evhttp has the whole request, or is about to */
	INTAKE_SHUT   /* what still comes is thrown away */
};

/* Hooks run from inside the reading: they must not free the connection. */
struct http_intake_user {
	/* Bytes have come; nothing has looked at them yet. */
	void (*arrived)(void *ctx);
	/* A whole head.  True: it and *ret_body bytes behind it may pass.  False: it was refused, and the intake shut. */
	bool (*judge)(void *ctx, struct bytes head, uint64_t *ret_body);
	/* What came is no head.  Must shut the intake. */
	void (*refuse)(void *ctx, const struct http_refusal *why);
	/* More is held than a client with a use for it would send. */
	void (*flooded)(void *ctx);
	void *ctx;
};

/* bev: must outlive it. */
struct http_intake *http_intake_new(struct bufferevent *bev, const struct http_intake_user *user);
void http_intake_free(struct http_intake *i);
void http_intake_shut(struct http_intake *i);
/* The request was answered.  True: bytes are held, so call http_intake_resume() once evhttp waits for the next one. */
MUST_CHECK bool http_intake_next(struct http_intake *i);
void http_intake_resume(struct http_intake *i);

enum intake_stage http_intake_stage(const struct http_intake *i);
int64_t http_intake_since_ms(const struct http_intake *i); /* when the stage began, by the monotonic clock */

#endif
