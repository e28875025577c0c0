/* rpc/request.h - one entry of a body while it runs: what dispatch.c and first_answer.c share. */
#ifndef RPC_REQUEST_H
#define RPC_REQUEST_H

#include "rpc/method.h"

struct rpc_body;

struct request {
	struct rpc_call call; /* first: a handler sees this */
	struct arena arena;
	struct rpc_body *body;
	struct request *next; /* of those of the body that have begun, in order */
	json_t *id;           /* held by the body; NULL for a notification */
	int64_t started_us;

	bool in_handler; /* an answer given now waits until the handler has returned */
	bool answered;
	struct rpc_outcome answer;
	void (*abandon)(struct rpc_call *call);
	bool ended; /* its answer waits for those before it to be written */
	const char *member, *text;

	/* Idempotency. */
	const char *key; /* NULL: without */
	struct hash32 params_hash;
	bool recorded;
	bool waits_for_twin; /* another call with this key runs */
	struct request *next_keyed;
};

static inline struct request *request_of(struct rpc_call *call)
{
	return (struct request *)call;
}

/* Begin, or begin again after its twin has ended: runs the handler. */
void request_run(struct request *r);
/* Write the answer and go on with the body. */
void request_answer(struct request *r, const struct rpc_outcome *outcome);

#endif
