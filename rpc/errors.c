#include "rpc/errors.h"

#include <stdlib.h>

struct rpc_outcome rpc_ok(json_t *result)
{
	return (struct rpc_outcome){ .tag = RPC_OK, .result = result };
}

struct rpc_outcome rpc_ok_text(const char *object)
{
	return (struct rpc_outcome){ .tag = RPC_OK, .text = object };
}

struct rpc_outcome rpc_fail(const struct err *err)
{
	return rpc_fail_action(err, "no", NULL);
}

struct rpc_outcome rpc_fail_action(const struct err *err, const char *funds_moved, const char *action_id)
{
	return (struct rpc_outcome){ .tag = RPC_FAIL, .err = *err, .funds_moved = funds_moved, .action_id = action_id };
}

enum rpc_error_code rpc_error_code_of(enum err_code code)
{
	switch (code) {
	case ERR_PARAM:
	case ERR_PARSE:
	case ERR_RANGE:
	case ERR_UNSUPPORTED:
	case ERR_MNEMONIC:
	case ERR_KEYSET_AMBIGUOUS:
	case ERR_UNIT:
	case ERR_TOKEN:
	case ERR_TOKEN_OWN:
	case ERR_TOKEN_DUST:
	case ERR_KIND_UNSUPPORTED:
	case ERR_ACTION_UNSUPPORTED:
	case ERR_ACTION_INVALID:
	case ERR_INVOICE:
	case ERR_INVOICE_EXPIRED:
	case ERR_INVOICE_PAID:
	case ERR_MINT_LIMIT:
	case ERR_LOCK:
	case ERR_LOCKED:
	case ERR_PAYMENT_REQUEST:
	case ERR_ADDRESS:
	case ERR_NETWORK:
	case ERR_DUST:
	case ERR_FEE:
	case ERR_PSBT:
	case ERR_PSBT_FOREIGN:
	case ERR_PSBT_CHANGED:
	case ERR_PSBT_UNSIGNED:
	case ERR_VTXO:
	case ERR_VTXO_VERSION:
	case ERR_VTXO_BARE:
	case ERR_VTXO_POLICY:
	case ERR_VTXO_ANCHOR_TX:
	case ERR_VTXO_ANCHOR:
	case ERR_VTXO_TRANSITION:
	case ERR_VTXO_INVALID:
	case ERR_VTXO_SERVER:
	case ERR_VTXO_EXPIRY:
	case ERR_VTXO_DUST:
	case ERR_VTXO_SCRIPT:
	case ERR_VTXO_KEY:
	case ERR_VTXO_EXPIRED:
	case ERR_VTXO_SPENT:
	case ERR_VTXO_NO_ANCHOR:
	case ERR_VTXO_UNCONFIRMED:
	case ERR_SPLICE_UNSUPPORTED:
	case ERR_NODE_TOO_OLD:
	case ERR_NODE_CANNOT:
		return RPC_INVALID_PARAMS;
	case ERR_NO_WALLET:
		return RPC_NO_WALLET;
	case ERR_WALLET_LOCKED:
		return RPC_WALLET_LOCKED;
	case ERR_NOT_FOUND:
	case ERR_MINT_UNKNOWN:
	case ERR_KEYSET_UNKNOWN:
	case ERR_SIGNER_UNKNOWN:
	case ERR_CHANNEL:
		return RPC_NOT_FOUND;
	case ERR_EXISTS:
	case ERR_WALLET_EXISTS:
	case ERR_CONFLICT:
	case ERR_DIRECTIVE_CONFLICT:
	case ERR_ILLEGAL_STATE:
	case ERR_NONCE_USED:
	case ERR_NONCE_VALID:
	case ERR_ALREADY_EXECUTED:
	case ERR_NO_EVIDENCE:
	case ERR_CANCELLED:
	case ERR_CHANNEL_CLOSING:
	case ERR_CHANNEL_NOT_READY:
	case ERR_SPLICE_LIVE:
	case ERR_NOTHING_TO_BUMP:
		return RPC_CONFLICT;
	case ERR_FUNDS:
		return RPC_INSUFFICIENT_FUNDS;
	case ERR_PEER_DOWN:
	case ERR_PEER_BUSY:
	case ERR_CHAIN:
	case ERR_PEER_AUTH:
		return RPC_PEER_UNAVAILABLE;
	case ERR_PEER:
	case ERR_PEER_INVALID:
	case ERR_TOKEN_SPENT:
	case ERR_PAYMENT_FAILED:
	case ERR_QUOTE_EXPIRED:
	case ERR_QUOTE_ISSUED:
	case ERR_DOUBLE_SPENT:
	case ERR_SPLICE_FAILED:
		return RPC_PEER_REJECTED;
	case ERR_NOT_CANCELLABLE:
		return RPC_NOT_CANCELLABLE;
	case ERR_TIMEOUT:
		return RPC_TIMEOUT;
	case ERR_FORBIDDEN:
	case ERR_PASSPHRASE:
		return RPC_FORBIDDEN;
	case ERR_BUSY:
		return RPC_BUSY;
	case ERR_STORAGE:
	case ERR_STORAGE_FULL:
	case ERR_STORAGE_CORRUPT:
	case ERR_IO:
		return RPC_STORAGE;
	case ERR_IDEMPOTENCY:
		return RPC_IDEMPOTENCY_MISMATCH;
	case ERR_BUDGET:
		return RPC_OVER_BUDGET;
	case ERR_NONE:
	case ERR_CONFIG:
	case ERR_CRYPTO:
	case ERR_INTERNAL:
		return RPC_INTERNAL_ERROR;
	}
	abort();
}

bool rpc_error_is_retryable(enum err_code code)
{
	/* Somebody must do something first, but not to this call: once the wallet is open, the hour has passed, or the
	 * configuration is right, the same call with the same key is. */
	if (code == ERR_NO_WALLET || code == ERR_WALLET_LOCKED || code == ERR_PASSPHRASE || code == ERR_BUDGET ||
	    code == ERR_CONFIG || code == ERR_SIGNER_UNKNOWN)
		return true;
	switch (err_class_of(code)) {
	case ERR_TRANSIENT:
	case ERR_CONFLICTING:
	case ERR_STORE:
		return code != ERR_STORAGE_CORRUPT;
	case ERR_INVALID:
	case ERR_REJECTED:
	case ERR_BUG:
		return false;
	}
	abort();
}

static json_t *error_json(struct arena *a, enum rpc_error_code code, const char *message, json_t *data)
{
	json_t *obj = json_object_in(a);

	json_set_int(obj, "code", code);
	json_set_str(obj, "message", message);
	json_set(obj, "data", data);
	return obj;
}

static json_t *data_json(struct arena *a, const char *kind, bool retryable, const char *funds_moved)
{
	json_t *data = json_object_in(a);

	json_set_str(data, "kind", kind);
	json_set_bool(data, "retryable", retryable);
	json_set_str(data, "funds_moved", funds_moved);
	return data;
}

json_t *rpc_error_json(struct arena *a, const struct rpc_outcome *failed)
{
	const struct err *err = &failed->err;
	json_t *data = data_json(a, err_kind(err->code), rpc_error_is_retryable(err->code), failed->funds_moved);

	if (failed->action_id)
		json_set_str(data, "action_id", failed->action_id);
	if (err->field[0])
		json_set_str(data, "field", err->field);
	if (err->hint[0])
		json_set_str(data, "hint", err->hint);
	if (err->peer_code)
		json_set_int(data, "peer_code", err->peer_code);
	if (err->retry_after_s)
		json_set_int(data, "retry_after_s", err->retry_after_s);
	return error_json(a, rpc_error_code_of(err->code), err->msg, data);
}

json_t *rpc_refusal_json(struct arena *a, enum rpc_error_code code, const char *kind, const char *message,
			 const char *hint)
{
	json_t *data = data_json(a, kind, code == RPC_BUSY, "no");

	if (hint)
		json_set_str(data, "hint", hint);
	return error_json(a, code, message, data);
}
