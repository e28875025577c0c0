/* outbox/outbox.h - the directive outbox: accepted work reaches the chain exactly once (spec/outbox.md).
 *
 * A directive is appended in the caller's own unit, with a nonce that is allocated there and never elsewhere.  The drainer
 * signs it, checks it, carries it to the chain in a transaction whose bytes are durable before they leave, and follows it
 * until it is confirmed, or until a person has to decide.  Delivery is at least once, the contract spends each nonce
 * once, and nothing is ever refunded by itself.
 *
 * The second driver over the store: units, versions, wake times, back-off, failpoints and events are those of the
 * executor.  One thread; nothing here blocks. */
#ifndef OUTBOX_OUTBOX_H
#define OUTBOX_OUTBOX_H

#include "base/amount.h"
#include "base/net/http.h"
#include "base/net/loop.h"
#include "store/directive_store.h"

struct keyring;
struct outbox;

/* One EVM chain, as configured.  Text is copied. */
struct outbox_chain_config {
	uint64_t chain_id;
	const char *const *urls; /* JSON-RPC endpoints, the preferred one first */
	size_t n_urls;
	unsigned confirmations; /* 1 .. : a transaction is final at this depth; 0: at the chain's "finalized" block */
	unsigned lanes;         /* relayer accounts hd:0 .. hd:lanes-1, unless relayers names others */
	const char *const *relayers; /* "hd:3", "file:hot1" */
	size_t n_relayers;
	int64_t block_time_ms;
	struct gas_price max_fee, max_tip, min_tip;
	uint64_t max_tx_gwei, max_day_gwei; /* what one transaction, and those of 24 hours, may cost at most */
	unsigned batch_max;                 /* directives in a transaction; 1: single mode */
	unsigned slots_max;                 /* open transactions of a lane */
	uint64_t log_range;                 /* blocks of one search for logs */
	bool nonce_check_required;          /* do not go on when the nonce check cannot be read */
};

/* One nonce space, as configured. */
struct outbox_space_config {
	uint64_t chain_id;
	struct evm_address contract;
	const char *signer; /* "hd:0", "file:cold" */
	enum space_ordering ordering;
	int release_at;
	bool halt_on_terminal;
	bool any_payload; /* do not check payloads against the shapes of their action keys */
	uint64_t deploy_block;
};

struct outbox_options {
	struct store *store;
	struct loop *loop;
	struct http *http;
	bool shared; /* another daemon may drain the same file */
	const struct outbox_chain_config *chains;
	size_t n_chains;
	const struct outbox_space_config *spaces;
	size_t n_spaces;
	int64_t linger_ms;       /* how long a batch waits to become full; 50 */
	int64_t claim_lease_s;   /* 420 */
	int64_t attempt_limit_s; /* 300: the deadline of one attempt, from claim to write-ahead */
	uint64_t max_open;       /* open directives; more are refused as busy */
	/* The encrypted key file of this name and its password.  ERR_NOT_FOUND, ERR_CONFIG, ERR_IO. */
	int (*read_key_file)(void *ctx, const char *name, struct buf *ret_json, struct buf *ret_password,
			     struct err *err);
	void *ctx;
};
/* ERR_CONFIG: a space on a chain that is not there, two chains of one id, … */
MUST_CHECK int outbox_new(const struct outbox_options *opt, struct outbox **ret, struct err *err);
void outbox_free(struct outbox *ob); /* cancels what is in flight; safe at any time; NULL is fine */
/* The unlocked wallet's keys, or NULL.  Spaces and lanes whose keys come from a file work without. */
void outbox_set_keys(struct outbox *ob, struct keyring *keys);
/* The task: recovers, drains what is due, looks at the chains.  Timer-driven, and at start. */
void outbox_run(struct outbox *ob);
/* Something was appended, or a person has changed something.  Cheap; call it when that is durable. */
void outbox_kick(struct outbox *ob);
/* Claim nothing new; what is claimed and not yet written ahead is given back.  outbox_idle() tells when that is done. */
void outbox_stop(struct outbox *ob);
bool outbox_idle(const struct outbox *ob);

struct outbox_stats {
	uint64_t runs, failures;
	uint64_t backlog;  /* pending, claimed and to be retried */
	unsigned inflight; /* batches being prepared and slots being sent */
	int64_t last_run_ms, last_success_ms;
	struct err last_error;
};
void outbox_stats(const struct outbox *ob, struct outbox_stats *ret);

/* --- append --- */

struct outbox_append {
	const char *directive_id; /* 1 to 128 bytes of UTF-8 without control characters */
	const char *kind;         /* NULL: "needs_rsm_signature" */
	const char *action_key;
	struct evm_address account;
	const struct evm_address *signer, *contract; /* NULL: the only one configured */
	uint64_t chain_id;                           /* 0: the only one configured */
	struct bytes payload;
	int64_t expires_at_ms; /* -1: none.  Recorded; never ends the directive */
};
struct outbox_appended {
	bool existing; /* the same directive was accepted before; nothing was written */
	struct directive_row row;
	struct hash32 id_hash, digest; /* what the contract knows it by, and what is signed */
};
/* In the caller's unit, which also holds what the directive follows from: both commit, or neither.  Idempotent by
 * directive_id and content.  Call outbox_kick() when durable.
 * Errors, with the field at fault: ERR_DIRECTIVE_CONFLICT (the id stands for other content), ERR_SIGNER_UNKNOWN,
 * ERR_KIND_UNSUPPORTED, ERR_ACTION_UNSUPPORTED, ERR_ACTION_INVALID, ERR_PARAM, ERR_BUSY (too many open), ERR_WALLET_LOCKED
 * (the accounts of a new space are not known yet), ERR_RANGE (no nonces left). */
MUST_CHECK int outbox_append(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_append *in,
			     struct outbox_appended *ret, struct err *err);

#endif
