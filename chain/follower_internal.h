/* chain/follower_internal.h - what the parts of a follower share: follower.c (the round and its states), follow_start.c,
 * follow_blocks.c, follow_pool.c, follow_scripts.c (what each state does).  Nobody else includes this.
 *
 * A round is a walk through states.  A state asks the source one question and reads the answer, or does a piece of work;
 * both say which state is next.  What it writes is one unit, and the next state begins when that is durable. */
#ifndef CHAIN_FOLLOWER_INTERNAL_H
#define CHAIN_FOLLOWER_INTERNAL_H

#include "base/log.h"
#include "chain/follower.h"
#include "chain/interest.h"
#include "chain/told.h"

enum follow_state {
	FOLLOW_END = 0, /* the round is over */
	FOLLOW_TIP,
	FOLLOW_DECIDE,
	/* where the wallet begins */
	FOLLOW_BIRTH_REF,
	FOLLOW_BIRTH_HEADER,
	FOLLOW_FIND,
	FOLLOW_FIND_BLOCKS,
	FOLLOW_FOUND_HEADER,
	FOLLOW_FOUND_BLOCK,
	FOLLOW_FIND_COINS,
	FOLLOW_COIN_REF,
	FOLLOW_COIN_TX,
	FOLLOW_COIN_NEXT,
	/* block by block */
	FOLLOW_REF,
	FOLLOW_BLOCK,
	FOLLOW_SCAN,
	FOLLOW_HERE,
	FOLLOW_BACK,
	FOLLOW_AGAIN_REF,
	FOLLOW_AGAIN_BLOCK,
	/* script by script */
	FOLLOW_HEADER,
	FOLLOW_ITEM,
	FOLLOW_ITEM_NEXT,
	FOLLOW_STATS,
	FOLLOW_HISTORY,
	FOLLOW_LINE,
	FOLLOW_LINE_TX,
	FOLLOW_SPENDS,
	FOLLOW_SPENT,
	FOLLOW_SPENDER,
	FOLLOW_LAST_TIP,
	/* what no block has */
	FOLLOW_WATCHED_NEXT,
	FOLLOW_WATCHED,
	FOLLOW_POOL,
	FOLLOW_POOL_TX,
	FOLLOW_POOL_KEPT,
	FOLLOW_OPEN,
	FOLLOW_OPEN_NEXT,
	FOLLOW_OPEN_STATUS,
	FOLLOW_RESEND,
	FOLLOW_SEND,
	FOLLOW_STATES
};
/* Instead of a state: a unit is on its way, and what is next is known. */
#define FOLLOW_WAIT (-2)

struct state_def {
	const char *doing;
	struct chain_ask *(*ask)(struct follower *f, struct chain_then then);
	/* The next state, or -1.  takes_errors: got->err may be one. */
	int (*reply)(struct follower *f, const struct chain_answer *got, struct err *err);
	bool takes_errors;
	int (*work)(struct follower *f, struct err *err); /* instead of a question; a few ms */
};

#define FOLLOW_SLICE_US 2000
/* What a reorganisation is not believed to reach: where a wallet may begin without a search of its own.  And whoever is so
 * many blocks behind has not arrived. */
#define FOLLOW_DEEP 100u
/* Blocks in which nothing was found are written so many at a time, below that depth. */
#define FOLLOW_RUN 200

enum scan_mode {
	SCAN_CONNECT = 1, /* it goes on top of the tip */
	SCAN_AGAIN = 2,   /* it is there already, and is to be searched again */
	SCAN_FOUND = 3    /* it is deep, and somebody says that it concerns us */
};
/* A block being looked through. */
struct scan {
	struct arena arena;
	struct block block;
	uint32_t height;
	size_t at, n_found;
	size_t *found; /* which of its transactions concern us */
	enum follow_state then;
	enum scan_mode mode;
};

/* Where the search for the wallet's beginning stands. */
struct start {
	uint32_t low, high,
		at; /* the height that is looked for is between these; at: the one asked for, in the end found */
	struct block_hash hash;   /* of the block being asked for */
	enum follow_state search; /* by which of the fast ways */
	struct bitcoind_descriptor *descriptors;
	size_t n_descriptors;
	struct block_ref *refs;   /* blocks that were found, or */
	struct chain_coin *coins; /* coins */
	size_t n, i;
	struct told_tx told;         /* of the coin */
	bool grew;                   /* scripts were derived since the search began */
	bool found;                  /* all of them have been read */
	uint32_t root, history_from; /* where blocks begin to be read one by one, and what is known from where on */
};

struct pool;
struct scripts;
struct watched;

struct follower {
	struct follower_options opt;
	struct log log;
	struct interest *interest;
	enum follow_state state, after;
	struct chain_ask *ask;
	bool running, again, writing;
	struct err write_error;
	struct arena arena; /* of the round */

	bool has_account, has_tip, has_sync;
	struct block_row tip; /* ours; with what is in run */
	struct chain_header node_tip;
	bool node_told;
	struct sync_row sync;
	int64_t birthday_s;
	struct block_row run[FOLLOW_RUN]; /* on top of the stored tip, and not written yet */
	size_t n_run;
	unsigned lower; /* rounds in a row in which the node's chain was shorter than ours */
	bool arrived;
	struct block_hash next;
	struct scan scan;
	struct start start;
	struct pool *pool;
	struct scripts *scripts;
	struct watched *watched;

	bool synced;
	uint64_t rounds, failures;
	int64_t last_success_ms;
	struct err last_error;
};

/* Runs fn in a unit; the state `next` begins when it is durable.  FOLLOW_WAIT or -1. */
int follow_write(struct follower *f, int (*fn)(struct unit *u, void *f, struct err *err), enum follow_state next,
		 struct err *err);
/* Reads tip, sync and account as committed. */
MUST_CHECK int follow_load(struct follower *f, struct err *err);
enum sync_backend follow_backend(const struct follower *f);
int follow_lie(struct err *err, const char *what); /* ERR_PEER_INVALID, -1 */
/* A transaction that a block (pos-th in there) or a mempool (NULL) has: the wallet's tables, and whoever watches. */
MUST_CHECK int follow_told(struct unit *u, const struct told_tx *tx, const struct block_ref *block, uint32_t pos,
			   int64_t now_ms, struct err *err);

/* follow_start.c */
int follow_begin(struct follower *f, struct err *err);
struct chain_ask *birth_ref_ask(struct follower *f, struct chain_then then);
int birth_ref_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *birth_header_ask(struct follower *f, struct chain_then then);
int birth_header_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int find_work(struct follower *f, struct err *err);
struct chain_ask *find_blocks_ask(struct follower *f, struct chain_then then);
int find_blocks_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *found_header_ask(struct follower *f, struct chain_then then);
int found_header_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *found_block_ask(struct follower *f, struct chain_then then);
int found_block_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *find_coins_ask(struct follower *f, struct chain_then then);
int find_coins_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *coin_ref_ask(struct follower *f, struct chain_then then);
int coin_ref_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *coin_tx_ask(struct follower *f, struct chain_then then);
int coin_tx_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int coin_next_work(struct follower *f, struct err *err);

/* All that blocks have is read. */
void follow_arrived(struct follower *f);

/* follow_blocks.c */
struct chain_ask *ref_ask(struct follower *f, struct chain_then then);
int ref_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *block_ask(struct follower *f, struct chain_then then);
int block_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int scan_work(struct follower *f, struct err *err);
struct chain_ask *here_ask(struct follower *f, struct chain_then then);
int here_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int back_work(struct follower *f, struct err *err);
struct chain_ask *again_ref_ask(struct follower *f, struct chain_then then);
int again_ref_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *again_block_ask(struct follower *f, struct chain_then then);
int again_block_reply(struct follower *f, const struct chain_answer *got, struct err *err);
/* Take a copy of it and begin to look through it; the state to be next. */
int scan_begin(struct follower *f, const struct block *b, uint32_t height, enum scan_mode mode, enum follow_state then,
	       struct err *err);

/* follow_watched.c */
#define WATCHED_FOUND_MAX 1000u /* spenders in one round: fewer than a round looks at */
struct watched *watched_new(void);
void watched_free(struct watched *w);
/* all: every output that is watched is asked for, not only what is new. */
void watched_begin(struct follower *f, bool all);
/* What a mempool has that spends them; in the round's arena. */
const struct txid *watched_found(const struct follower *f, size_t *ret_n);
int watched_next_work(struct follower *f, struct err *err);
struct chain_ask *watched_ask(struct follower *f, struct chain_then then);
int watched_reply(struct follower *f, const struct chain_answer *got, struct err *err);

/* follow_pool.c */
struct pool *pool_new(void);
void pool_free(struct pool *p);
int pool_begin(struct follower *f, struct err *err);
struct chain_ask *pool_ask(struct follower *f, struct chain_then then);
int pool_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *pool_tx_ask(struct follower *f, struct chain_then then);
int pool_tx_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int pool_kept_work(struct follower *f, struct err *err);
int open_work(struct follower *f, struct err *err);
int open_next_work(struct follower *f, struct err *err);
struct chain_ask *open_status_ask(struct follower *f, struct chain_then then);
int open_status_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int resend_work(struct follower *f, struct err *err);
struct chain_ask *resend_ask(struct follower *f, struct chain_then then);
int resend_reply(struct follower *f, const struct chain_answer *got, struct err *err);

/* follow_scripts.c */
struct scripts *scripts_new(void);
void scripts_free(struct scripts *s);
int scripts_begin(struct follower *f, struct err *err);
struct chain_ask *header_ask(struct follower *f, struct chain_then then);
int header_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int item_work(struct follower *f, struct err *err);
int item_next_work(struct follower *f, struct err *err);
struct chain_ask *stats_ask(struct follower *f, struct chain_then then);
int stats_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *history_ask(struct follower *f, struct chain_then then);
int history_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int line_work(struct follower *f, struct err *err);
struct chain_ask *line_tx_ask(struct follower *f, struct chain_then then);
int line_tx_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *spends_ask(struct follower *f, struct chain_then then);
int spends_reply(struct follower *f, const struct chain_answer *got, struct err *err);
int spent_work(struct follower *f, struct err *err);
struct chain_ask *spender_ask(struct follower *f, struct chain_then then);
int spender_reply(struct follower *f, const struct chain_answer *got, struct err *err);
struct chain_ask *last_tip_ask(struct follower *f, struct chain_then then);
int last_tip_reply(struct follower *f, const struct chain_answer *got, struct err *err);
/* The unconfirmed transaction that is being looked at is in this block. */
int scripts_confirmed(struct follower *f, const struct txid *txid, const struct block_ref *block, struct err *err);

#endif
