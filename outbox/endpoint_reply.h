/* outbox/endpoint_reply.h - did a post to an endpoint bring answers, or did the endpoint fail?  Implements the distinction
 * of spec/outbox.md 5.3. */
#ifndef OUTBOX_ENDPOINT_REPLY_H
#define OUTBOX_ENDPOINT_REPLY_H

#include "base/http_msg.h"
#include "base/jsonrpc_msg.h"

enum endpoint_verdict {
	ENDPOINT_ANSWERED = 1,   /* each call has its answer, be it an error; a few may have none */
	ENDPOINT_NO_BATCHES = 2, /* the server takes calls one by one */
	ENDPOINT_FAILED = 3      /* *err says how */
};

/* n calls were made, the first of them being call number `first` of its batch (see jsonrpc_encode_one() when n is 1; a
 * batch begins with 0).  Errors, of ENDPOINT_FAILED alone: ERR_PEER_DOWN (no answer; .peer_code is an HTTP status that is
 * none), ERR_PEER_BUSY (throttled; .retry_after_s), ERR_PEER_INVALID (not JSON-RPC, or no call was answered). */
enum endpoint_verdict endpoint_judge(struct arena *a, const struct net_reply *rep, size_t first, size_t n,
				     struct jsonrpc_reply *ret, struct err *err);

#endif
