/* chain/follower.h - the `tip` task: the chain as the backends tell it, written into the tables.  Implements spec/exit.md 6.5,
 * 7.2, 7.5, 7.6 and the watching of 7.7.
 *
 * The only one who says that a block or a mempool has something.  A round asks for the tip, walks back to where the node's
 * chain and ours part (by hashes; a tip may also be lower), connects what follows, one unit per block with all that it
 * means, and then looks at what no block has.  A round that fails leaves what it has written, which is always a chain and
 * what it says; the next one goes on from there.
 *
 * Of bitcoind whole blocks are read (follow_blocks.c), from the wallet's birthday; a long way is gone faster where the node
 * has block filters, or at least its unspent outputs (follow_start.c).  Of Esplora headers, and the history of each script
 * (follow_scripts.c).  Which of the two, says the source.
 *
 * Runs in the loop and holds it for a few ms at most.  Errors of a round: those of the source, of the store, and
 * ERR_PEER_INVALID when a node contradicts itself; the round ends, and the task shows it. */
#ifndef CHAIN_FOLLOWER_H
#define CHAIN_FOLLOWER_H

#include "chain/source.h"
#include "store/chain_store.h"

struct follower;

struct follower_options {
	struct loop *loop;
	struct store *store;
	struct chain_source *source;
	enum chain_kind kind; /* of the source */
	/* A look at a mempool of more transactions than this is a look at our own only; 0: 100,000. */
	size_t mempool_max;
	/* How long a stranger's transaction may be missing before it is given up; 0: 30 s. */
	int64_t grace_ms;
	/* Something was written that others may wait for; carries nothing.  NULL: nobody. */
	void (*changed)(void *ctx);
	void *ctx;
};

struct follower *follower_new(const struct follower_options *opt);
/* Ends a round in its middle.  NULL is fine. */
void follower_free(struct follower *f);

/* A task's run: begins a round unless one is under way.  0 always: how rounds go, follower_status() says. */
int follower_run(void *follower, struct err *err);

struct follower_status {
	bool running;
	const char *doing; /* "idle", "connecting blocks", …: static text */
	bool synced;       /* the last round came to its end, and the wallet knows all up to .tip */
	bool has_tip;
	struct block_ref tip;  /* as connected */
	uint32_t node_height;  /* as told last; 0: never */
	uint32_t history_from; /* transactions that were over before this height are not known */
	uint32_t scan_left;    /* blocks to be searched again */
	uint64_t rounds, failures;
	int64_t last_success_ms; /* Unix time; 0: never */
	struct err last_error;   /* ERR_NONE: the last round went well */
};
void follower_status(const struct follower *f, struct follower_status *ret);

/* Has it come to a node's tip, with all that is watched searched for, since it began, or was far behind, or the chain was found to
 * be another one down to below all that is kept?  Before that, what the tables lack may be in blocks that are still to be
 * read.  When it has, it calls changed(). */
bool follower_has_arrived(const struct follower *f);

#endif
