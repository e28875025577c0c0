/* rpc/errors.h - what went wrong, as JSON-RPC says it (design.md section 8).
 *
 * {"code", "message", "data": {"kind", "retryable", "funds_moved", "action_id"?, "field"?, "hint"?, "peer_code"?,
 * "retry_after_s"?}}.  Codes and kinds are never renumbered or renamed.  `retryable` tells that the very same call, key
 * included, may be made again: nothing was recorded under the key. */
#ifndef RPC_ERRORS_H
#define RPC_ERRORS_H

#include "rpc/method.h"

enum rpc_error_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_NO_WALLET = -32001,
	RPC_WALLET_LOCKED = -32002,
	RPC_NOT_FOUND = -32003,
	RPC_CONFLICT = -32004,
	RPC_INSUFFICIENT_FUNDS = -32005,
	RPC_PEER_UNAVAILABLE = -32006,
	RPC_PEER_REJECTED = -32007,
	RPC_NOT_CANCELLABLE = -32008,
	RPC_TIMEOUT = -32009,
	RPC_FORBIDDEN = -32010,
	RPC_BUSY = -32011,
	RPC_STORAGE = -32012,
	RPC_IDEMPOTENCY_MISMATCH = -32013,
	RPC_OVER_BUDGET = -32014
};
enum rpc_error_code rpc_error_code_of(enum err_code code);
bool rpc_error_is_retryable(enum err_code code);
/* Held by the arena. */
json_t *rpc_error_json(struct arena *a, const struct rpc_outcome *failed);
/* For what is wrong before any method runs: "parse_error", "invalid_request", "method_not_found" and the refusals of the
 * HTTP face.  hint may be NULL. */
json_t *rpc_refusal_json(struct arena *a, enum rpc_error_code code, const char *kind, const char *message,
			 const char *hint);

#endif
