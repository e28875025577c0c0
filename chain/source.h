/* chain/source.h - the block chain, asked of a list of backends of one kind.  Implements spec/exit.md 6.1 over 6.2 and 6.3,
 * the transport rules of 6.2 to 6.5, and the check of 6.6.
 *
 * How it is built.  A question (struct chain_ask) is a kind, its parameters and a step.  Each kind has one table row per
 * backend kind (driver_bitcoind.c, driver_esplora.c): a step makes one HTTP exchange, and its reply is the answer or leads to
 * the next step.  A question is asked of one backend from its first step to its last, so that no answer is pieced together
 * from two views of the chain; when that backend fails it starts again at the next one.  Everything about backends (queue,
 * login, breaker, network, capabilities) is in backend.c and knows no questions.
 *
 * Which backend.  The first in the order of the configuration that is fit.  Before anything else, again after its breaker was
 * open, and hourly, a backend is asked which network it is of and what it can do; of another network it is out until it has
 * ours.  Its breaker opens after 3 failures in a row, or at once when it said that it is busy or refused our login: for 1 s,
 * doubling to 5 minutes (busy: to 1 minute; Retry-After counts where it is longer).  At most max_in_flight exchanges are
 * under way at a backend; others wait in line.
 *
 * What an answer means.  err of ERR_NONE: a backend answered.  That something is not there is believed only from a backend
 * that has caught up (no initial block download, mempool loaded); of another the answer is ERR_PEER_BUSY.  Every hash that
 * comes with bytes was computed from them: a transaction has the txid that was asked for, a block is the block.  Nothing is
 * asked again once every backend has been tried: that is the caller's, at its next tick.
 *
 * For the follower: chain_ask_tip(), chain_ask_header() walks back to a fork, chain_ask_block() gives what to connect.  It is
 * told of nothing by itself; chain_ask_new_block() saves polling where the backend is bitcoind.
 *
 * Runs in the loop; one thread.  Errors: those of rails/chain/chain.h; ERR_NETWORK when all backends are of another network;
 * ERR_BUSY when the chain moved again and again while it was being looked at; ERR_CONFIG from chain_source_new(). */
#ifndef CHAIN_SOURCE_H
#define CHAIN_SOURCE_H

#include "base/net/http.h"
#include "rails/bitcoin/tx.h"
#include "rails/chain/bitcoind_call.h"
#include "rails/chain/bitcoind_coins.h"
#include "rails/chain/block.h"
#include "rails/chain/broadcast.h"
#include "rails/chain/capability.h"
#include "rails/chain/fees.h"
#include "rails/chain/package.h"

enum chain_kind { CHAIN_BITCOIND = 1, CHAIN_ESPLORA = 2 };
#define CHAIN_BACKENDS_MAX 8
#define CHAIN_URL_MAX      1024

struct chain_backend_options {
	const char *
		url; /* http:// or https://; of Esplora the part before "/tx" and the like, without a slash at its end */
	/* Of bitcoind, one of these or none.  The file is read when it is needed, and again when the node does not take what
	 * it held, or was gone: a node writes a new one at each start. */
	const char *login; /* "user:password" */
	const char *cookie_file;
};

struct chain_source;
struct chain_ask; /* a question under way */

struct chain_options {
	struct loop *loop;
	struct http *http; /* with the proxy that these backends are reached through */
	enum network network;
	enum chain_kind kind;
	const struct chain_backend_options *backends; /* 1 to CHAIN_BACKENDS_MAX, the most trusted first */
	size_t n_backends;
	const struct feerate *fee_fallback; /* or NULL: none */
	unsigned max_in_flight;             /* exchanges at one backend; 0 means 8 for bitcoind, 4 for Esplora */
	/* 0 means the default; others are for tests. */
	int64_t timeout_ms; /* of an exchange; by default what its question needs */
	int64_t verify_every_ms, open_min_ms, open_max_ms;
};

/* Options are copied. */
MUST_CHECK int chain_source_new(const struct chain_options *opts, struct chain_source **ret, struct err *err);
/* Cancels every question.  NULL is fine. */
void chain_source_free(struct chain_source *s);

/* --- answers --- */

struct chain_history {
	struct chain_seen *seen; /* newest first: unconfirmed ones, then by height */
	size_t n;
};
struct chain_broadcast {
	enum broadcast_class class; /* BROADCAST_UNKNOWN whenever nobody answered */
	const char *words;          /* of the node that said no, or "" */
};
struct chain_txids {
	struct txid *txids;
	size_t n;
};

/* All memory is gone when done() returns. */
struct chain_answer {
	struct err
		err; /* ERR_NONE: one of the members below is set, by the question; else it may be the last one's words */
	int backend; /* who answered, or -1 */
	bool found;  /* where the question says so; then the member is set only when true */
	union {
		struct chain_header header;
		struct block_ref ref;
		struct block block;
		struct chain_tx_status status;
		struct tx tx;
		struct chain_spend *spends;
		struct chain_coin coin;
		struct chain_mempool_entry entry;
		struct chain_broadcast broadcast;
		struct package_result package;
		struct bitcoind_test *tests;
		struct fee_rates rates;
		struct chain_limits limits;
		struct chain_history history;
		struct chain_script_stats script_stats;
		struct chain_txids mempool;
		struct bitcoind_scan scan;
		struct bitcoind_blocks blocks;
		struct bytes filter;
	};
};
/* done runs exactly once, from the end of a turn, never from inside of a question or of chain_cancel(); the handle is gone
 * when it returns.  It may ask and cancel, but not free the source. */
struct chain_then {
	void (*done)(void *ctx, const struct chain_answer *got);
	void *ctx;
};
/* done will not run.  What was on its way may be delivered. */
void chain_cancel(struct chain_ask *ask);
/* Questions whose done is still to come. */
size_t chain_in_flight(const struct chain_source *s);

/* --- questions: never NULL; parameters are copied --- */

/* The best block: .header, as of now.  Never from a cache. */
struct chain_ask *chain_ask_tip(struct chain_source *s, struct chain_then then);
/* Which block the active chain has there: .found (false: the chain is shorter), .ref. */
struct chain_ask *chain_ask_ref(struct chain_source *s, uint32_t height, struct chain_then then);
/* .found, .header: also of blocks that a reorganisation took out, as long as the backend knows them. */
struct chain_ask *chain_ask_header(struct chain_source *s, const struct block_hash *hash, struct chain_then then);
/* .found, .block: proved, with its bytes. */
struct chain_ask *chain_ask_block(struct chain_source *s, const struct block_hash *hash, struct chain_then then);
/* Bitcoind: .ref, the tip, when there is a new one or after ms (at most 60 s).  Esplora: ERR_UNSUPPORTED. */
struct chain_ask *chain_ask_new_block(struct chain_source *s, int64_t ms, struct chain_then then);
/* Its basic block filter: .found, .filter; ERR_UNSUPPORTED where there are none. */
struct chain_ask *chain_ask_filter(struct chain_source *s, const struct block_hash *hash, struct chain_then then);

/* .status.  n_out: how many outputs it has, or 0 when that is not known: a bitcoind without txindex finds a mined
 * transaction by an output that is unspent, and of one with none left says CHAIN_NOT_FOUND; there the follower's own record
 * goes before this. */
struct chain_ask *chain_ask_status(struct chain_source *s, const struct txid *txid, uint32_t n_out,
				   struct chain_then then);
/* .found, .tx: it hashes to txid.  in: a block that has it, which helps a bitcoind without txindex; or NULL. */
struct chain_ask *chain_ask_tx(struct chain_source *s, const struct txid *txid, const struct block_hash *in,
			       struct chain_then then);
/* .spends, one for each of the 1 to CHAIN_SPENDS_MAX outputs.  Bitcoind looks through the active chain's blocks from a height
 * on for those that are CHAIN_SPENT_UNSEEN otherwise, one block at a time; from of UINT32_MAX: not at all. */
#define CHAIN_SPENDS_MAX 90
struct chain_ask *chain_ask_spends(struct chain_source *s, const struct outpoint *at, size_t n, uint32_t from,
				   struct chain_then then);
/* .found (false: no confirmed transaction has it, or a mined one spends it), .coin. */
struct chain_ask *chain_ask_coin(struct chain_source *s, const struct outpoint *at, struct chain_then then);
/* .found, .entry. */
struct chain_ask *chain_ask_entry(struct chain_source *s, const struct txid *txid, struct chain_then then);
/* Bitcoind: .mempool, all of it.  Esplora: ERR_UNSUPPORTED. */
struct chain_ask *chain_ask_mempool(struct chain_source *s, struct chain_then then);

/* .broadcast, whatever err is.  The same bytes may be given any number of times. */
struct chain_ask *chain_ask_broadcast(struct chain_source *s, const struct tx *tx, struct chain_then then);
/* .package, whatever err is.  Parents first, the child last; 1 to PACKAGE_MAX. */
struct chain_ask *chain_ask_package(struct chain_source *s, const struct tx *const *txs, size_t n,
				    struct chain_then then);
/* Bitcoind: .tests, what its mempool would say.  Esplora: ERR_UNSUPPORTED. */
struct chain_ask *chain_ask_test(struct chain_source *s, const struct tx *const *txs, size_t n, struct chain_then then);

/* .rates, by the rules of fees.h; from a cache when they are fresh.  err only without a fallback. */
struct chain_ask *chain_ask_fees(struct chain_source *s, struct chain_then then);
/* .limits. */
struct chain_ask *chain_ask_limits(struct chain_source *s, struct chain_then then);

/* Esplora: .history of what touches a script; ERR_UNSUPPORTED of bitcoind.  known: what is known of it, newest first;
 * reading ends at the first that is as it was.  Larger than CHAIN_HISTORY_MAX: ERR_RANGE. */
#define CHAIN_HISTORY_MAX 20000u
struct chain_ask *chain_ask_history(struct chain_source *s, struct bytes script, const struct chain_seen *known,
				    size_t n_known, struct chain_then then);
/* Esplora: .script_stats. */
struct chain_ask *chain_ask_script_stats(struct chain_source *s, struct bytes script, struct chain_then then);
/* Bitcoind: .scan, and .blocks (ERR_UNSUPPORTED without its filter index).  Minutes; one of each at a time. */
struct chain_ask *chain_ask_scan_coins(struct chain_source *s, const struct bitcoind_descriptor *d, size_t n,
				       struct chain_then then);
struct chain_ask *chain_ask_scan_blocks(struct chain_source *s, const struct bitcoind_descriptor *d, size_t n,
					uint32_t from, uint32_t to, struct chain_then then);

/* --- what is known without asking --- */

/* The tip as last told, and how long ago; false: never. */
MUST_CHECK bool chain_last_tip(const struct chain_source *s, struct block_ref *ret, int64_t *age_ms);
MUST_CHECK bool chain_last_fees(const struct chain_source *s, struct fee_rates *ret, int64_t *age_ms);
/* Since the last answer of any backend, or since the start. */
int64_t chain_stale_s(const struct chain_source *s);
/* Is there a backend that a question could go to now?  When not: in how many ms, or -1 when only a person can help. */
bool chain_is_usable(const struct chain_source *s, int64_t *ret_wait_ms);

enum chain_state {
	CHAIN_NEW = 1,          /* not asked yet, or to be verified again */
	CHAIN_READY = 2,        /* fit */
	CHAIN_CATCHING_UP = 3,  /* initial block download, or its mempool is loading */
	CHAIN_RESTING = 4,      /* its breaker is open */
	CHAIN_NO_LOGIN = 5,     /* it refuses our user and password, or there is no cookie file */
	CHAIN_WRONG_NETWORK = 6 /* … */
};
const char *chain_state_name(enum chain_state s);

struct chain_stats {
	char url[128]; /* as others may see it: what may hold a key is *** */
	enum chain_state state;
	uint64_t answered, failed; /* exchanges */
	unsigned failures_in_a_row;
	int64_t resting_ms;     /* until its breaker closes, or 0 */
	int64_t latency_ms;     /* of recent answers, smoothed; -1 before the first */
	int64_t last_answer_ms; /* Unix time, or 0 */
	int64_t last_error_ms;
	struct err last_error; /* ERR_NONE: never */
	bool verified;         /* the rest was told, once at least */
	char software[80];     /* "/Satoshi:29.1.0/"; "" for Esplora */
	bool has_txindex, has_filters, pruned;
	uint32_t prune_height;
	struct chain_limits limits;
	const char *warnings[CAPABILITY_WARNINGS]; /* static, or NULL */
};
size_t chain_backends(const struct chain_source *s);
void chain_stats(const struct chain_source *s, size_t i, struct chain_stats *ret);

#endif
