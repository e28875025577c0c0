/* conf/conf.h - what the operator wants: read once from the command line, the environment and a file, into plain values.
 *
 * Precedence: --key=value, then WALLETD_KEY, then the file's section of the chosen network, then the file's top, then the
 * default.  A source that names a list replaces the list of the sources below it.  Unknown keys, values that do not fit
 * and keys given twice are errors (ERR_CONFIG, field: the key) that say where, in every section of the file and not only
 * in the one that is used.  What is read lives in the arena given.  Reads files and the environment, changes nothing. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/network.h"

/* In the order of the choices in options.c. */
enum conf_log_format { CONF_LOG_LOGFMT = 0, CONF_LOG_JSON };
enum conf_trust { CONF_TRUST_ASK = 0, CONF_TRUST_ANY };

#define CONF_NODES_MAX 8 /* bitcoind_url, esplora_url */

struct conf_list {
	const char *const *items;
	size_t n;
};

/* Text that was not given and has no default is NULL.  Paths are absolute. */
struct config {
	int network; /* enum network */
	const char *datadir;

	const char *rpc_socket;
	int64_t rpc_socket_mode;
	const char *rpc_socket_group;
	const char *rpc_listen; /* host:port, a loopback address */
	struct conf_list rpc_uid_scope;
	int64_t rpc_max_connections;

	struct conf_list log_level; /* "info", "net:debug" */
	int log_format;             /* enum conf_log_format */
	const char *log_file;

	const char *passphrase_file;
	bool allow_plaintext_seed;

	bool shared_state;
	int64_t max_inflight, max_inflight_per_peer;
	int64_t shutdown_grace_s;
	int64_t retention_days, event_retention_days; /* 0: for ever */
	int64_t backup_max_age_days;

	const char *proxy;
	const char *ca_file;

	bool cashu_require_dleq;
	int cashu_trust;                   /* enum conf_trust */
	struct conf_list cashu_mint_limit; /* conf/mint_limit.h */

	struct conf_list bitcoind_url, esplora_url; /* at most one of them */
	const char *bitcoind_cookie, *bitcoind_auth_file;
	int64_t chain_poll_s; /* 0: as suits the kind of node */
	int64_t onchain_confirmations;
	int64_t onchain_max_feerate, onchain_fallback_feerate; /* sat/vB; fallback 0: none */
	bool onchain_spend_change, onchain_single_chain;
	int64_t exit_reserve_sat;

	int auto_exit; /* enum auto_exit */
	int64_t vtxo_exit_margin, vtxo_alarm_blocks;
	int64_t exit_bump_after, exit_confirmations;
	bool exit_auto_claim;
	int64_t exit_max_fee_per_tick; /* sat; 0: no limit */

	const char *lightning_rpc;                          /* Core Lightning's socket */
	const char *lightning_url;                          /* or ldk-server's https://host:port */
	const char *lightning_tls_cert, *lightning_api_key; /* of the latter: files */
	int64_t splice_attempts, splice_disconnects, splice_deadline_s, splice_unseen_s;

	struct conf_list evm_chain, outbox_space; /* see conf/evm.h */
	int64_t outbox_linger_ms, outbox_claim_lease_s, outbox_max_open;

	const char *file;    /* the configuration file that was read, or NULL */
	const char **origin; /* by index in options[]: "default", "--key", "WALLETD_KEY", "walletd.conf:12" */
};

/* What the command line asks for. */
enum conf_command {
	CONF_RUN = 1,
	CONF_CHECK,        /* --check-conf */
	CONF_HELP,         /* --help */
	CONF_VERSION,      /* --version */
	CONF_EXAMPLE,      /* --print-example-conf */
	CONF_REFERENCE,    /* --print-config-reference */
	CONF_RPC_REFERENCE /* --print-rpc-reference */
};

struct conf_input {
	int argc; /* argv[0] is the program and is skipped */
	char *const *argv;
	char *const *env; /* "NAME=value", ends with NULL; or NULL for none */
};

/* What one load can need of its arena at most. */
#define CONF_ARENA ((size_t)16 * 1024 * 1024)

/* ret is filled for CONF_RUN and CONF_CHECK alone.  A wrong command line is ERR_PARAM, all else ERR_CONFIG; ERR_IO when
 * the file cannot be read. */
MUST_CHECK int conf_load(struct arena *a, const struct conf_input *in, enum conf_command *ret_command,
			 struct config *ret, struct err *err);

/* The parts of one rpc_uid_scope entry ("1000:read") and of one log_level entry (module NULL: all).  conf_load() has
 * checked every entry with them. */
MUST_CHECK int conf_uid_scope_parse(const char *entry, int64_t *ret_uid, const char **ret_scope, struct err *err);
MUST_CHECK int conf_log_level_parse(struct arena *a, const char *entry, const char **ret_module, const char **ret_level,
				    struct err *err);

#endif
