/* store/channel_store.h - the Lightning node's channels as it told of them last.
 *
 * For showing, and for accepting a splice while the node is away (spec/splice.md 6.2).  What is done to a channel is decided on
 * what the node says when it is asked, never on this. */
#ifndef STORE_CHANNEL_STORE_H
#define STORE_CHANNEL_STORE_H

#include "base/arena.h"
#include "base/splice.h"
#include "store/view.h"

#define CHANNEL_TEXT_MAX 64

struct channel_row {
	struct hash32 id;
	const char *alt_ref; /* another name that the node wants to hear, or NULL */
	struct pubkey peer;
	const char *short_id; /* or NULL */
	const char *state;    /* in the node's words */
	enum channel_phase phase;
	bool usable;
	struct outpoint funding;
	struct sat capacity, reserve;
	struct msat local;
	int64_t seen_at_ms;
};
/* In place of what was known of it. */
MUST_CHECK int channel_store_put(struct unit *u, const struct channel_row *row, struct err *err);
/* The node has told of all its channels: those that it told of before seen_ms are gone. */
MUST_CHECK int channel_store_told_all(struct unit *u, int64_t seen_ms, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int channel_store_get(struct view v, struct arena *a, const struct hash32 *id, struct channel_row *ret,
				 struct err *err);
/* By id, from `after` (NULL: the first) on.  Returns how many rows were given to each(), or -1; their texts live in a.  Ends
 * early where the arena is full. */
MUST_CHECK int channel_store_list(struct view v, struct arena *a, const struct hash32 *after, unsigned limit,
				  void (*each)(void *ctx, const struct channel_row *row), void *ctx, struct err *err);

#endif
