/* chain/source_internal.h - what the parts of a source share: ask.c (the life of a question), backend.c (what is known of a
 * backend, and its queue), driver_*.c (the steps of each question).  Nobody else includes this. */
#ifndef CHAIN_SOURCE_INTERNAL_H
#define CHAIN_SOURCE_INTERNAL_H

#include <sys/queue.h>

#include "base/log.h"
#include "chain/breaker.h"
#include "chain/login.h"
#include "chain/source.h"

enum ask_kind {
	ASK_VERIFY = 0, /* of backend.c alone */
	ASK_TIP,
	ASK_REF,
	ASK_HEADER,
	ASK_BLOCK,
	ASK_NEW_BLOCK,
	ASK_FILTER,
	ASK_STATUS,
	ASK_TX,
	ASK_SPENDS,
	ASK_COIN,
	ASK_ENTRY,
	ASK_MEMPOOL,
	ASK_BROADCAST,
	ASK_PACKAGE,
	ASK_TEST,
	ASK_FEES,
	ASK_LIMITS,
	ASK_HISTORY,
	ASK_SCRIPT_STATS,
	ASK_SCAN_COINS,
	ASK_SCAN_BLOCKS
};
#define ASK_KINDS (ASK_SCAN_BLOCKS + 1)

/* Each kind uses some. */
struct ask_params {
	struct block_hash hash;
	bool has_hash;
	struct txid txid;
	struct outpoint *at;
	struct bytes *raw;  /* transactions, as they go out */
	struct txid *txids; /* of them */
	struct bitcoind_descriptor *descriptors;
	struct bytes script;
	struct chain_seen *known;
	size_t n; /* of the list that is used */
	uint32_t height, from, to, n_out;
	int64_t ms;
};

/* What a question has learnt so far from the backend that it is at. */
struct ask_run {
	int step;
	size_t n_calls;    /* of the exchange under way */
	bool unready;      /* at one step at least the backend had not caught up: its "not found" is no answer */
	unsigned restarts; /* the chain moved under it */
	size_t i;
	struct block_ref ref;
	struct block_hash prev; /* of the block before ref */
	struct bitcoind_coin coin;
	struct txid *queue; /* transactions that are looked at one after the other */
	size_t n_queue;
	size_t n_direct; /* of them, those at the front that are direct parents */
	struct txid last;
	bool has_last;
	struct fee_estimates fees;
	bool has_floor;
	struct feerate floor;
};

struct backend;
struct chain_ask {
	struct chain_source *s;
	enum ask_kind kind;
	struct ask_params p;
	struct ask_run run;
	struct chain_answer answer;
	struct arena params;  /* p's */
	struct arena found;   /* the answer's, and run's: empty at the start of each run */
	struct arena scratch; /* of one exchange; what the last one left lives until done() is over */
	struct backend *at;
	struct backend *only; /* NULL: whichever is fit */
	unsigned tried;       /* a bit for each backend */
	bool waits;           /* in at->waiting */
	bool relogged;        /* at this backend */
	bool maybe_delivered; /* a backend that did not answer may have taken it */
	bool over;            /* done is due */
	struct http_call *call;
	int64_t start_us;
	struct chain_then then;
	TAILQ_ENTRY(chain_ask) queued;
	LIST_ENTRY(chain_ask) link;
};

/* What a backend told of itself. */
struct facts {
	bool verified, ready; /* ready: it has caught up */
	char software[80];
	struct bitcoind_indexes indexes;
	struct block_ref tip;
	bool pruned;
	uint32_t prune_height;
	struct chain_limits limits;
	const char *warnings[CAPABILITY_WARNINGS];
};

struct backend {
	struct chain_source *s;
	size_t i;
	char *url;
	char shown[128];
	struct login *login;
	struct breaker breaker;
	struct facts facts;
	unsigned in_flight;
	TAILQ_HEAD(ask_queue, chain_ask) waiting;
	struct chain_ask *verifying;
	uint64_t answered, failed;
	int64_t latency_us; /* -1: none yet */
	int64_t last_answer_ms, last_error_ms;
	struct err last_error;
};

/* counts.c; handles live for ever. */
struct counts {
	struct metric *answered[ASK_KINDS], *failed[ASK_KINDS];
};
void counts_init(struct counts *c);
void counts_ended(const struct counts *c, enum ask_kind kind, const struct err *err);

struct chain_source {
	struct chain_options opt;
	struct backend b[CHAIN_BACKENDS_MAX];
	size_t n;
	const struct driver *driver;
	struct breaker_rules rules;
	struct fees fees;
	struct feerate fee_fallback;
	bool has_tip;
	struct block_ref tip;
	int64_t tip_at_ms, answer_at_ms; /* monotonic */
	struct log log;
	struct counts counts;
	size_t in_flight;
	LIST_HEAD(ask_list, chain_ask) asks;
};

int64_t source_now_ms(void); /* monotonic */
void source_saw_tip(struct chain_source *s, const struct block_ref *tip);

/* --- drivers --- */

enum step { STEP_DONE = 0, STEP_NEXT = 1, STEP_FAILED = 2 };
struct driver {
	/* The exchange of the step that the question is at, in its scratch.  ERR_UNSUPPORTED: these backends cannot. */
	int (*request)(struct chain_ask *q, struct net_request *ret, struct err *err);
	/* Its reply.  STEP_NEXT: run.step says which; STEP_FAILED: *err, whose code says whose fault it is. */
	enum step (*reply)(struct chain_ask *q, const struct net_reply *rep, struct err *err);
};
extern const struct driver driver_bitcoind, driver_esplora;

enum step step_done_if(int rc);
enum step step_next(struct chain_ask *q, int step);
/* The chain moved while it was being looked at: back to this step, but not for ever (ERR_BUSY). */
enum step step_again(struct chain_ask *q, int step, struct err *err);

/* --- questions: ask.c --- */

struct chain_ask *ask_new(struct chain_source *s, enum ask_kind kind, struct chain_then then);
void ask_start(struct chain_ask *q);
/* Send its step now: a place is free. */
void ask_send(struct chain_ask *q);
/* To the next backend, from its first step; with *why when there is none. */
void ask_move(struct chain_ask *q, const struct err *why);
void ask_free(struct chain_ask *q);
/* It has its answer, which is delivered at the end of the turn. */
void ask_over(struct chain_ask *q);
void ask_deliver(void *ctx);

/* --- backends: backend.c --- */

void backend_init(struct backend *b, struct chain_source *s, size_t i, const struct chain_backend_options *opts);
void backend_done(struct backend *b);
enum chain_state backend_state(const struct backend *b);
/* The best that a question may go to, or NULL. */
struct backend *backend_choose(struct chain_source *s, unsigned tried);
/* Send what may be sent of what waits here; verify it first where that is due. */
void backend_pump(struct backend *b);
void backend_answered(struct backend *b, int64_t start_us);
/* It gave no answer, or one that is none. */
void backend_failed(struct backend *b, const struct err *why);
/* It is of another network. */
void backend_is_wrong(struct backend *b, const struct err *why);
/* Nobody waits here any longer. */
void backend_leave(struct backend *b, const struct err *why);

#endif
