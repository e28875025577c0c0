/* base/err.h - a typed error: a plain value of fixed size with nothing to free.
 *
 * Functions return 0 or -1; on -1 the struct err they were given is filled.  `code` says what happened and maps one to
 * one to the RPC's data.kind; its class says what to do about it.  Whoever stops an error logs it, once; whoever passes
 * it on adds context with err_context() and stays silent.  Never put a secret into an error. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/scope.h"

/* What to do. */
enum err_class {
	ERR_INVALID = 1,     /* the caller's input or state is wrong: tell the caller, do not retry */
	ERR_TRANSIENT = 2,   /* outcome unknown or not reached: repeat from the checkpoint, free nothing */
	ERR_REJECTED = 3,    /* the peer's definite no */
	ERR_CONFLICTING = 4, /* somebody else handled it: drop our copy */
	ERR_STORE = 5,       /* the store could not do it: nothing was done */
	ERR_BUG = 6          /* our own mistake, found at run time */
};

/* What happened.  X(code, kind as shown in data.kind, class).  Kinds are stable: add, never rename. */
#define ERR_CODES(X)                                                                                                   \
	X(ERR_PARAM, "invalid_params", ERR_INVALID)                                                                    \
	X(ERR_PARSE, "parse_error", ERR_INVALID)                                                                       \
	X(ERR_RANGE, "out_of_range", ERR_INVALID)                                                                      \
	X(ERR_UNSUPPORTED, "unsupported", ERR_INVALID)                                                                 \
	X(ERR_NOT_FOUND, "not_found", ERR_INVALID)                                                                     \
	X(ERR_EXISTS, "conflict", ERR_INVALID)                                                                         \
	X(ERR_FUNDS, "insufficient_funds", ERR_INVALID)                                                                \
	X(ERR_NO_WALLET, "no_wallet", ERR_INVALID)                                                                     \
	X(ERR_WALLET_LOCKED, "wallet_locked", ERR_INVALID)                                                             \
	X(ERR_WALLET_EXISTS, "wallet_exists", ERR_INVALID)                                                             \
	X(ERR_PASSPHRASE, "wrong_passphrase", ERR_INVALID)                                                             \
	X(ERR_MNEMONIC, "bad_mnemonic", ERR_INVALID)                                                                   \
	X(ERR_MINT_UNKNOWN, "unknown_mint", ERR_INVALID)                                                               \
	X(ERR_KEYSET_UNKNOWN, "unknown_keyset", ERR_INVALID)                                                           \
	X(ERR_KEYSET_AMBIGUOUS, "ambiguous_keyset", ERR_INVALID)                                                       \
	X(ERR_UNIT, "wrong_unit", ERR_INVALID)                                                                         \
	X(ERR_TOKEN, "malformed_token", ERR_INVALID)                                                                   \
	X(ERR_TOKEN_SPENT, "token_spent", ERR_REJECTED)                                                                \
	X(ERR_TOKEN_OWN, "token_own", ERR_INVALID)                                                                     \
	X(ERR_TOKEN_DUST, "token_dust", ERR_INVALID)                                                                   \
	X(ERR_INVOICE, "bad_invoice", ERR_INVALID)                                                                     \
	X(ERR_INVOICE_PAID, "invoice_paid", ERR_INVALID)                                                               \
	X(ERR_PAYMENT_FAILED, "payment_failed", ERR_REJECTED)                                                          \
	X(ERR_INVOICE_EXPIRED, "invoice_expired", ERR_INVALID)                                                         \
	X(ERR_MINT_LIMIT, "mint_limit", ERR_INVALID)                                                                   \
	X(ERR_LOCK, "bad_lock", ERR_INVALID)                                                                           \
	X(ERR_LOCKED, "proof_locked", ERR_INVALID)                                                                     \
	X(ERR_PAYMENT_REQUEST, "bad_payment_request", ERR_INVALID)                                                     \
	X(ERR_ADDRESS, "bad_address", ERR_INVALID)                                                                     \
	X(ERR_NETWORK, "wrong_network", ERR_INVALID)                                                                   \
	X(ERR_DUST, "dust", ERR_INVALID)                                                                               \
	X(ERR_FEE, "fee_out_of_range", ERR_INVALID)                                                                    \
	X(ERR_PSBT, "bad_psbt", ERR_INVALID)                                                                           \
	X(ERR_PSBT_FOREIGN, "foreign_psbt", ERR_INVALID)                                                               \
	X(ERR_PSBT_CHANGED, "changed_psbt", ERR_INVALID)                                                               \
	X(ERR_PSBT_UNSIGNED, "unsigned_psbt", ERR_INVALID)                                                             \
	X(ERR_DOUBLE_SPENT, "double_spent", ERR_REJECTED)                                                              \
	X(ERR_QUOTE_EXPIRED, "quote_expired", ERR_REJECTED)                                                            \
	X(ERR_QUOTE_ISSUED, "quote_issued", ERR_REJECTED)                                                              \
	X(ERR_DIRECTIVE_CONFLICT, "idempotency_conflict", ERR_INVALID)                                                 \
	X(ERR_SIGNER_UNKNOWN, "unknown_signer", ERR_INVALID)                                                           \
	X(ERR_KIND_UNSUPPORTED, "unsupported_kind", ERR_INVALID)                                                       \
	X(ERR_ACTION_UNSUPPORTED, "unsupported_action", ERR_INVALID)                                                   \
	X(ERR_ACTION_INVALID, "invalid_action", ERR_INVALID)                                                           \
	X(ERR_ILLEGAL_STATE, "illegal_state", ERR_INVALID)                                                             \
	X(ERR_NONCE_USED, "nonce_used", ERR_INVALID)                                                                   \
	X(ERR_NONCE_VALID, "old_nonce_still_valid", ERR_INVALID)                                                       \
	X(ERR_ALREADY_EXECUTED, "already_executed", ERR_INVALID)                                                       \
	X(ERR_NO_EVIDENCE, "no_evidence", ERR_INVALID)                                                                 \
	X(ERR_VTXO, "malformed_vtxo", ERR_INVALID)                                                                     \
	X(ERR_VTXO_VERSION, "vtxo_version", ERR_INVALID)                                                               \
	X(ERR_VTXO_BARE, "vtxo_without_genesis", ERR_INVALID)                                                          \
	X(ERR_VTXO_POLICY, "vtxo_policy", ERR_INVALID)                                                                 \
	X(ERR_VTXO_ANCHOR_TX, "wrong_anchor_transaction", ERR_INVALID)                                                 \
	X(ERR_VTXO_ANCHOR, "incorrect_chain_anchor", ERR_INVALID)                                                      \
	X(ERR_VTXO_TRANSITION, "bad_genesis_transition", ERR_INVALID)                                                  \
	X(ERR_VTXO_INVALID, "invalid_vtxo", ERR_INVALID)                                                               \
	X(ERR_VTXO_SERVER, "wrong_ark_server", ERR_INVALID)                                                            \
	X(ERR_VTXO_EXPIRY, "vtxo_expires_too_soon", ERR_INVALID)                                                       \
	X(ERR_VTXO_DUST, "vtxo_dust", ERR_INVALID)                                                                     \
	X(ERR_VTXO_SCRIPT, "non_standard_vtxo", ERR_INVALID)                                                           \
	X(ERR_VTXO_KEY, "vtxo_foreign_key", ERR_INVALID)                                                               \
	X(ERR_VTXO_EXPIRED, "vtxo_expired", ERR_INVALID)                                                               \
	X(ERR_VTXO_SPENT, "vtxo_spent", ERR_INVALID)                                                                   \
	X(ERR_VTXO_NO_ANCHOR, "anchor_unknown", ERR_INVALID)                                                           \
	X(ERR_VTXO_UNCONFIRMED, "anchor_unconfirmed", ERR_INVALID)                                                     \
	X(ERR_CHANNEL, "unknown_channel", ERR_INVALID)                                                                 \
	X(ERR_CHANNEL_CLOSING, "channel_closing", ERR_INVALID)                                                         \
	X(ERR_CHANNEL_NOT_READY, "channel_not_ready", ERR_INVALID)                                                     \
	X(ERR_SPLICE_LIVE, "splice_in_progress", ERR_INVALID)                                                          \
	X(ERR_SPLICE_UNSUPPORTED, "splicing_unsupported", ERR_INVALID)                                                 \
	X(ERR_SPLICE_FAILED, "splice_failed", ERR_REJECTED)                                                            \
	X(ERR_NOTHING_TO_BUMP, "nothing_to_bump", ERR_INVALID)                                                         \
	X(ERR_NODE_TOO_OLD, "node_too_old", ERR_INVALID)                                                               \
	X(ERR_NODE_CANNOT, "node_cannot", ERR_INVALID)                                                                 \
	X(ERR_CHAIN, "wrong_chain", ERR_TRANSIENT)                                                                     \
	X(ERR_CANCELLED, "cancelled", ERR_INVALID)                                                                     \
	X(ERR_NOT_CANCELLABLE, "not_cancellable", ERR_INVALID)                                                         \
	X(ERR_PEER_DOWN, "peer_unavailable", ERR_TRANSIENT)                                                            \
	X(ERR_PEER_BUSY, "peer_busy", ERR_TRANSIENT)                                                                   \
	X(ERR_PEER, "peer_rejected", ERR_REJECTED)                                                                     \
	X(ERR_PEER_INVALID, "peer_misbehaved", ERR_TRANSIENT)                                                          \
	X(ERR_PEER_AUTH, "peer_refused_login", ERR_TRANSIENT)                                                          \
	X(ERR_TIMEOUT, "timeout", ERR_TRANSIENT)                                                                       \
	X(ERR_FORBIDDEN, "forbidden", ERR_INVALID)                                                                     \
	X(ERR_BUSY, "busy", ERR_TRANSIENT)                                                                             \
	X(ERR_IDEMPOTENCY, "idempotency_mismatch", ERR_INVALID)                                                        \
	X(ERR_BUDGET, "over_budget", ERR_INVALID)                                                                      \
	X(ERR_CONFIG, "bad_config", ERR_INVALID)                                                                       \
	X(ERR_CONFLICT, "version_conflict", ERR_CONFLICTING)                                                           \
	X(ERR_STORAGE, "storage", ERR_STORE)                                                                           \
	X(ERR_STORAGE_FULL, "storage_full", ERR_STORE)                                                                 \
	X(ERR_STORAGE_CORRUPT, "storage_corrupt", ERR_STORE)                                                           \
	X(ERR_IO, "io", ERR_TRANSIENT)                                                                                 \
	X(ERR_CRYPTO, "crypto", ERR_INVALID)                                                                           \
	X(ERR_INTERNAL, "internal", ERR_BUG)

enum err_code {
	ERR_NONE = 0,
#define ERR_ENUM(code, kind, class) code,
	ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
};

#define ERR_MSG_MAX   320
#define ERR_FIELD_MAX 64
#define ERR_HINT_MAX  192

struct err {
	enum err_code code;
	enum err_class class;
	int peer_code;     /* the peer's own number for it (a Cashu error code, an HTTP status), or 0 */
	int retry_after_s; /* when the peer said how long to wait, else 0 */
	const char *file;  /* where it was made */
	int line;
	char msg[ERR_MSG_MAX];     /* for people: what is wrong, cut to fit */
	char field[ERR_FIELD_MAX]; /* the parameter or configuration key at fault, or "" */
	char hint[ERR_HINT_MAX];   /* the next command to run, or "" */
};

/* Fill *err (which must not be NULL); the value is -1, spelled out so that a compiler sees the early return.  May stand
 * alone, when the -1 is returned later. */
#define ERR(err, code, ...)                                                                                            \
	__extension__({                                                                                                \
		(void)err_set((err), (code), __FILE__, __LINE__, __VA_ARGS__);                                         \
		-1;                                                                                                    \
	})
int err_set(struct err *err, enum err_code code, const char *file, int line, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Put "prefix: " in front of the message; keep code, class and origin.  Returns -1. */
int err_context(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Name the parameter at fault, the remedy.  Both return -1, so they can end a return statement. */
int err_field(struct err *err, const char *field);
int err_hint(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* An empty error: code ERR_NONE. */
void err_clear(struct err *err);

/* The stable name of a code, as in data.kind; "none" for ERR_NONE. */
const char *err_kind(enum err_code code);
/* The inverse; ERR_INTERNAL for a name that is not known. */
enum err_code err_code_of(const char *kind);
enum err_class err_class_of(enum err_code code);

/* There is no way to go on: out of memory, a limit of our own passed, a broken libcrypto.  Says why on stderr, aborts. */
NORETURN void err_fatal(const char *why);

#endif
