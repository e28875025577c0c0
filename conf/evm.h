/* conf/evm.h - EVM chains and nonce spaces as the operator writes them: a chain's number, then words between blanks.
 *
 *   evm_chain=1 rpc=https://node.example/v2/KEY confirmations=12 lanes=4
 *   outbox_space=1 contract=0x5FbDB2315678afecb367f032d93F642f64180aa3 signer=hd:0
 *
 * Entries of evm_chain that begin with the same number describe one chain and add up: a line of the file holds 190 bytes,
 * and a chain may have more to say.  Numbers are whole; what would need a fraction has a smaller unit in its name.
 * Errors: ERR_CONFIG, worded as the end of a sentence whose subject is the value (conf_outbox_spaces() names
 * the entry itself).  No message repeats a URL. */
#ifndef CONF_EVM_H
#define CONF_EVM_H

#include "conf/conf.h"

#define CONF_EVM_CHAINS_MAX    16
#define CONF_EVM_RPC_MAX       8
#define CONF_EVM_LANES_MAX     64
#define CONF_OUTBOX_SPACES_MAX 64

struct conf_evm_chain {
	int64_t chain_id;
	const char *rpc[CONF_EVM_RPC_MAX]; /* the preferred one first */
	size_t n_rpc;
	int64_t confirmations; /* 0: the chain's "finalized" block */
	int64_t lanes;         /* relayers hd:0 .. hd:lanes-1, unless some are named */
	const char *relayers[CONF_EVM_LANES_MAX];
	size_t n_relayers;
	int64_t block_time_ms;
	int64_t max_fee_gwei, max_tip_gwei, min_tip_wei; /* per unit of gas */
	int64_t max_tx_fee_gwei, max_day_fee_gwei;       /* of a transaction, of 24 hours */
	int64_t batch, slots, log_range;
	int64_t nonce_check; /* enum conf_nonce_check */
	unsigned given;      /* which of its words were, by index */
};
/* In the order of the choices in evm.c. */
enum conf_nonce_check { CONF_NONCE_TRY = 0, CONF_NONCE_REQUIRED };

/* All entries of evm_chain, put together, complete, and ready for use; in order of appearance, in the arena. */
MUST_CHECK int conf_evm_chains(struct arena *a, const struct conf_list *entries, struct conf_evm_chain **ret, size_t *n,
			       struct err *err);
/* One entry by itself: may its words stand there? */
MUST_CHECK int conf_evm_chain_check(const char *entry, struct err *err);
/* Any part of a value of evm_chain as others may see it: without what the URLs hide. */
char *conf_evm_chain_shown(struct arena *a, const char *value);

enum conf_ordering { CONF_ORDER_NONE = 0, CONF_ORDER_ACCOUNT, CONF_ORDER_SIGNER };
enum conf_release { CONF_RELEASE_SUBMITTED = 0, CONF_RELEASE_INCLUDED, CONF_RELEASE_CONFIRMED };
enum conf_payload { CONF_PAYLOAD_CHECKED = 0, CONF_PAYLOAD_ANY };

struct conf_outbox_space {
	int64_t chain_id;
	const char *contract;     /* 0x and 40 hex digits; whether the checksum is right is rails/evm's to say */
	const char *signer;       /* "hd:0", "file:cold" */
	int64_t ordering;         /* enum conf_ordering */
	int64_t release_at;       /* enum conf_release */
	int64_t halt_on_terminal; /* 0, 1 */
	int64_t payload;          /* enum conf_payload */
	int64_t deploy_block;
	unsigned given;
};

/* All entries of outbox_space.  Each must be of one of these chains, and no two the same space. */
MUST_CHECK int conf_outbox_spaces(struct arena *a, const struct conf_list *entries, const struct conf_evm_chain *chains,
				  size_t n_chains, struct conf_outbox_space **ret, size_t *n, struct err *err);
MUST_CHECK int conf_outbox_space_check(const char *entry, struct err *err);

/* "hd:N", the N-th key of the wallet for this use, or "file:NAME", a key file: NAME is 1 to 64 of a-z, A-Z, 0-9, '-', '_'
 * and '.', and does not begin with a dot. */
#define CONF_KEY_NAME_MAX 64
bool conf_key_name_ok(const char *name);

#endif
