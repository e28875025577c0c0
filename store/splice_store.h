/* store/splice_store.h - splices that live: what was asked for, within what limits, and how far it has come.  Implements
 * spec/splice.md 2.1 and 2.2; candidates and payments are in funding_store.h.
 *
 * The database holds that a channel has at most one living splice, that an output of the node's wallet is reserved for at most
 * one, and that the row goes in the unit that writes how it ended.  What it does next and when is its action's row: this has
 * no state and no wake time.  Updates name the version that they read (store/due.h). */
#ifndef STORE_SPLICE_STORE_H
#define STORE_SPLICE_STORE_H

#include "base/arena.h"
#include "base/splice.h"
#include "store/view.h"

#define SPLICE_CONTRIBUTION_MAX ((size_t)1024 * 1024)

struct splice_row {
	struct hash32 id;
	struct action_id action;
	struct action_id bump_action; /* who works on a further candidate, or empty */
	int64_t version;
	struct hash32 channel;
	const char *alt_ref; /* or NULL */
	struct pubkey peer;
	struct outpoint base; /* nothing is submitted unless this is the channel's funding */
	struct sat base_capacity;
	struct msat base_local;
	enum splice_kind kind;   /* SPLICE_IN or SPLICE_OUT; a bump does not change it */
	enum splice_kind active; /* what is being negotiated; SPLICE_NONE: it waits to be locked */
	uint32_t bump_of_round;  /* of SPLICE_BUMP: the round that is to be replaced */
	bool has_amount, everything;
	struct sat amount;
	bool has_rate;
	struct feerate rate, max_rate;
	bool has_max_fee;
	struct sat max_fee;
	struct bytes contribution; /* the backend's, opaque; empty: none */
	uint32_t attempts, disconnects, max_attempts, max_disconnects;
	int64_t deadline_ms; /* to be signed by then; 0: none */
	enum splice_wait wait;
	int64_t wait_since_ms;
	enum splice_class fail_class; /* of the last round that failed */
	const char *fail_text;        /* or NULL */
	int64_t fail_at_ms;
	bool cancel_requested;
	int64_t created_at_ms, updated_at_ms;
};
/* As new, at version 1; with the outputs that it pays.  ERR_EXISTS: a splice of this channel lives (splice_store_of_channel()
 * tells which), or the id is taken. */
MUST_CHECK int splice_store_add(struct unit *u, const struct splice_row *row, const struct splice_output *out,
				size_t n_out, int64_t now_ms, struct err *err);
/* Saves all but id, action, channel, peer, kind and the outputs; version + 1.  wait_since_ms is kept while wait stays the same,
 * and set where it changes.  ERR_CONFLICT: not at row->version. */
MUST_CHECK int splice_store_save(struct unit *u, const struct splice_row *row, int64_t now_ms, struct err *err);
struct splice_end {
	enum splice_outcome outcome;
	const struct txid *final_txid; /* when locked */
	enum splice_class why;         /* unless locked */
	const char *text;              /* or NULL; cut to SPLICE_FAIL_TEXT_MAX */
};
/* The row goes, and its end is written.  ERR_CONFLICT: not at row->version. */
MUST_CHECK int splice_store_end(struct unit *u, const struct splice_row *row, const struct splice_end *end,
				int64_t now_ms, struct err *err);

/* 1 found, 0 not, -1; ERR_RANGE when the arena has no room for it. */
MUST_CHECK int splice_store_get(struct view v, struct arena *a, const struct hash32 *id, struct splice_row *ret,
				struct err *err);
MUST_CHECK int splice_store_of_channel(struct view v, struct arena *a, const struct hash32 *channel,
				       struct splice_row *ret, struct err *err);
/* The splice whose own action, or whose bump's, this is. */
MUST_CHECK int splice_store_of_action(struct view v, struct arena *a, const struct action_id *action,
				      struct splice_row *ret, struct err *err);
/* Living ones by id, from `after` (NULL: the first) on.  Returns how many rows were given to each(), or -1; ends early where the
 * arena is full. */
MUST_CHECK int splice_store_list(struct view v, struct arena *a, const struct hash32 *after, unsigned limit,
				 void (*each)(void *ctx, const struct splice_row *row), void *ctx, struct err *err);

/* Of a living or an ended splice, in order. */
MUST_CHECK int splice_store_outputs(struct view v, struct arena *a, const struct hash32 *id, struct splice_output **ret,
				    size_t *n, struct err *err);

/* Reserved for the round; those that are there already are held again.  ERR_CONFLICT: another splice holds one. */
MUST_CHECK int splice_store_hold(struct unit *u, const struct hash32 *id, const struct splice_input *in, size_t n,
				 struct err *err);
/* The node has been told that it may have it back.  ERR_NOT_FOUND. */
MUST_CHECK int splice_store_released(struct unit *u, const struct hash32 *id, const struct outpoint *at,
				     struct err *err);
MUST_CHECK int splice_store_inputs(struct view v, struct arena *a, const struct hash32 *id, struct splice_input **ret,
				   size_t *n, struct err *err);
/* Splices that have ended, as have their actions, and still hold inputs, by id from `after` (NULL: the first) on: at most max.
 * Returns how many, or -1.  Their inputs are to be given back, but for those of a candidate that may still confirm. */
MUST_CHECK int splice_store_owing(struct view v, const struct hash32 *after, struct hash32 *ret, unsigned max,
				  struct err *err);

/* How a splice ended. */
struct splice_past {
	struct hash32 id;
	struct action_id action;
	struct hash32 channel;
	struct pubkey peer;
	enum splice_kind kind;
	bool has_amount;
	struct sat amount;
	enum splice_outcome outcome;
	struct txid final_txid; /* when locked */
	enum splice_class fail_class;
	const char *fail_text;
	int64_t created_at_ms, closed_at_ms;
};
MUST_CHECK int splice_store_past(struct view v, struct arena *a, const struct hash32 *id, struct splice_past *ret,
				 struct err *err);
/* Newest first, of this channel (NULL: of any); before: closed_at_ms and id of the last one that was seen, or NULL. */
struct splice_past_query {
	const struct hash32 *channel;
	const struct splice_past *before;
	unsigned limit;
};
MUST_CHECK int splice_store_history(struct view v, struct arena *a, const struct splice_past_query *q,
				    void (*each)(void *ctx, const struct splice_past *p), void *ctx, struct err *err);

#endif
