/* rpc/http_answer.h - the answer to one whole request: chosen by its route, written as one reply or as a stream.
 *
 * One object for each connection, which it serves one request after the other. */
#ifndef RPC_HTTP_ANSWER_H
#define RPC_HTTP_ANSWER_H

#include <stdbool.h>

#include "base/buf.h"
#include "rpc/http_judge.h"

struct evhttp_request;
struct http_answer;
struct rpc_server;

enum answer_stage {
	ANSWER_NONE = 1,
	ANSWER_CALL,   /* the work is ours */
	ANSWER_REPLY,  /* being written to the socket */
	ANSWER_STREAM, /* waits for something to send */
	ANSWER_CHUNK   /* part of a stream is being written */
};

struct http_answer_user {
	/* The reply has left, and evhttp waits for the next request. */
	void (*replied)(void *ctx);
	bool (*client_left)(void *ctx);
	/* The connection must end, but not before this returns. */
	void (*give_up)(void *ctx);
	void *ctx;
};

struct http_answer *http_answer_new(struct rpc_server *server, const struct http_answer_user *user);
void http_answer_free(struct http_answer *x);
/* order: read before this returns.  Perhaps replied() runs from inside. */
void http_answer_begin(struct http_answer *x, struct evhttp_request *req, const struct http_order *order);
/* evhttp is closing the connection: nothing more is written. */
void http_answer_drop(struct http_answer *x);

enum answer_stage http_answer_stage(const struct http_answer *x);
int64_t http_answer_since_ms(const struct http_answer *x); /* when the stage began, by the monotonic clock */

/* A reply that goes on: for event_stream.c. */
void http_stream_start(struct http_answer *x, const char *content_type);
/* drained(ctx) runs when the bytes have left, unless the connection ends before. */
void http_stream_send(struct http_answer *x, struct bytes v, void (*drained)(void *ctx), void *ctx);
void http_stream_end(struct http_answer *x);

#endif
