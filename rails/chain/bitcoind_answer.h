/* rails/chain/bitcoind_answer.h - did bitcoind answer, and what is an error of it?  Implements the transport of spec/exit.md
 * 6.2: both dialects of JSON-RPC, the statuses that 1.x puts errors under, and a node that is warming up.
 *
 * Errors: those of chain.h. */
#ifndef RAILS_CHAIN_BITCOIND_ANSWER_H
#define RAILS_CHAIN_BITCOIND_ANSWER_H

#include "base/http_msg.h"
#include "base/jsonrpc_msg.h"

/* The node's own numbers. */
#define BITCOIND_RPC_MISC             (-1)
#define BITCOIND_RPC_NO_SUCH_THING    (-5)
#define BITCOIND_RPC_BAD_PARAMETER    (-8)
#define BITCOIND_RPC_WARMING_UP       (-28)
#define BITCOIND_RPC_METHOD_NOT_FOUND (-32601)

/* Entries in any list of hashes or outputs. */
#define BITCOIND_LIST_MAX 200000u

extern const struct jsonrpc_rules bitcoind_reply_rules;

/* Of a reply to n calls, other than bitcoind_ask_block().  ERR_PEER_DOWN (no answer; .peer_code is an HTTP status that is
 * none), ERR_PEER_BUSY (its queue is full, or it is warming up), ERR_PEER_AUTH (.peer_code 401: our login; 403: our address,
 * or a method that this login may not use), ERR_PEER_INVALID.  After it every answer has a result or an error. */
MUST_CHECK int bitcoind_judge(struct arena *a, const struct net_reply *rep, size_t n, struct jsonrpc_reply *ret,
			      struct err *err);
/* The part of it that is about HTTP: is there a body to be read? */
MUST_CHECK int bitcoind_status(const struct net_reply *rep, struct err *err);

/* The result, borrowed.  ERR_PEER (.peer_code, and the node's words), ERR_UNSUPPORTED (it does not know the method). */
MUST_CHECK int bitcoind_result(const struct jsonrpc_answer *answer, json_t **ret, struct err *err);
bool bitcoind_is_error(const struct jsonrpc_answer *answer, int code);
/* *found false: the node answered with the error `absent`.  Else as bitcoind_result(). */
MUST_CHECK int bitcoind_result_unless(const struct jsonrpc_answer *answer, int absent, bool *found, json_t **ret,
				      struct err *err);
/* A result that is an object. */
MUST_CHECK int bitcoind_object(const struct jsonrpc_answer *answer, const json_t **ret, struct err *err);

#endif
