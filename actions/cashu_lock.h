/* actions/cashu_lock.h - ecash that is locked to a key or a hash: what opens it, from this wallet's keys (NUT-11, NUT-14).
 *
 * The wallet's lock keys are numbered; those that were given out, and a gap of LOCK_GAP after them, are looked through, so
 * that a wallet restored from its words still opens what was locked to it.  What opens a lock is made again for each
 * request from the checkpoint, the same bytes each time: it is stored nowhere. */
#ifndef ACTIONS_CASHU_LOCK_H
#define ACTIONS_CASHU_LOCK_H

#include "actions/action.h"
#include "base/ecash.h"

#define LOCK_GAP 100

/* What else it takes, beside keys.  In the checkpoint of an action, since the way in must not change between two copies of
 * a request. */
struct lock_opener {
	int64_t at_s;         /* the time at which locks are judged */
	const char *preimage; /* of an HTLC, 64 hex characters; or NULL */
};
void lock_opener_save(json_t *to, const struct lock_opener *o);
MUST_CHECK int lock_opener_load(const json_t *from, struct lock_opener *o, struct err *err);

/* The next key for others to lock ecash to.  ERR_RANGE: as many as are looked through have been given out. */
MUST_CHECK int lock_key_new(struct unit *u, struct keyring *keys, struct pubkey *ret, int64_t *ret_index,
			    struct err *err);

/* How many were given out or are known to be in use, and one of them. */
MUST_CHECK int lock_keys_given(struct view v, int64_t *ret, struct err *err);
MUST_CHECK int lock_key_at(struct keyring *keys, int64_t index, struct pubkey *ret, struct err *err);

/* Could this wallet spend all these proofs?  Names the first that it could not: ERR_LOCKED, ERR_LOCK, ERR_UNSUPPORTED.
 * *ret_keys, if not NULL: one more than the highest key that is needed. */
MUST_CHECK int locks_check(struct view v, struct keyring *keys, const struct lock_opener *o, const struct proof *proofs,
			   size_t n, int64_t *ret_keys, struct err *err);
/* That they are in use, whatever this wallet remembers of having given them out. */
MUST_CHECK int lock_keys_used(struct unit *u, int64_t keys, struct err *err);
/* Gives each locked proof its witness, for a request with exactly these outputs.  Signatures that a proof brings along are
 * kept where they help. */
MUST_CHECK int locks_open(struct step *s, const struct lock_opener *o, struct proof *inputs, size_t n,
			  const struct output *outputs, size_t n_out, struct err *err);

#endif
