/* store/watch_store.h - what others look for in the chain (exits, splices): an output that may be spent or a script that may
 * be paid, and where that was seen.  Implements the watch sets of spec/exit.md 6.2 and 6.5.
 *
 * A hit names its block, and without one it was seen in a mempool.  It loses its block when that block goes; what no mempool
 * has any more either is taken away.  Whoever watches reads his hits whenever he is driven: nobody is called. */
#ifndef STORE_WATCH_STORE_H
#define STORE_WATCH_STORE_H

#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

#define WATCH_OWNER_MAX 63

struct watch_row {
	int64_t id;
	const char *owner;
	bool is_script;
	struct outpoint at;  /* unless is_script */
	struct bytes script; /* when is_script */
	uint32_t from;       /* the first height where it can be; a spend counts below that too */
};
/* The same of the same owner: the watch that is there, from the lower height.  Blocks from there on that were searched
 * already are searched again. */
MUST_CHECK int watch_store_output(struct unit *u, const char *owner, const struct outpoint *at, uint32_t from,
				  int64_t now_ms, int64_t *ret_id, struct err *err);
MUST_CHECK int watch_store_script(struct unit *u, const char *owner, struct bytes script, uint32_t from, int64_t now_ms,
				  int64_t *ret_id, struct err *err);
/* All of owner's, with their hits. */
MUST_CHECK int watch_store_end(struct unit *u, const char *owner, struct err *err);
/* By id from after *id on, at most limit; *id becomes the last one's.  Returns how many, or -1. */
MUST_CHECK int watch_store_since(struct view v, struct arena *a, int64_t *id, unsigned limit,
				 void (*each)(void *ctx, const struct watch_row *row), void *ctx, struct err *err);
/* The lowest height from which anything is watched: 1, 0 when nothing is, -1. */
MUST_CHECK int watch_store_lowest(struct view v, uint32_t *ret, struct err *err);

struct hit_row {
	int64_t id, watch_id;
	struct txid txid;
	uint32_t n; /* the input that spends the output, or the output that pays the script */
	struct bytes raw;
	bool confirmed;
	struct block_ref block; /* when confirmed */
	int64_t first_seen_ms;
};
/* Of all watches of owner, by id. */
MUST_CHECK int watch_store_hits(struct view v, struct arena *a, const char *owner, struct hit_row **ret, size_t *n,
				struct err *err);
/* Whoever watches this output, or this script, is told of it; block NULL: a mempool has it, which changes nothing for one
 * that is confirmed.  Returns how many watch it. */
MUST_CHECK int watch_store_spent(struct unit *u, const struct outpoint *at, const struct txid *by, uint32_t n,
				 struct bytes raw, const struct block_ref *block, int64_t now_ms, struct err *err);
MUST_CHECK int watch_store_paid(struct unit *u, struct bytes script, const struct txid *by, uint32_t n,
				struct bytes raw, const struct block_ref *block, int64_t now_ms, struct err *err);
/* Has this watch a hit by that transaction, in this block (NULL: in none)?  1, 0, -1. */
MUST_CHECK int watch_store_has(struct view v, int64_t watch_id, const struct txid *txid, const struct block_ref *block,
			       struct err *err);
/* Unconfirmed hits, by txid from after *txid on: for asking the mempool; and what it no longer has. */
MUST_CHECK int watch_store_unconfirmed(struct view v, struct txid *after, unsigned limit,
				       void (*each)(void *ctx, const struct txid *txid), void *ctx, struct err *err);
MUST_CHECK int watch_store_gone(struct unit *u, const struct txid *txid, struct err *err);
/* For chain_store.c alone: the hits of this block have none any more; block NULL: of any. */
MUST_CHECK int watch_store_unconfirm(struct unit *u, const struct block_ref *block, struct err *err);
/* For chain_store.c alone: everything is watched from so many blocks below this height on, or below where it was. */
MUST_CHECK int watch_store_lower(struct unit *u, uint32_t height, uint32_t by, struct err *err);

#endif
