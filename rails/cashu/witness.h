/* rails/cashu/witness.h - what opens a lock: signatures, and the preimage of an HTLC (NUT-11, NUT-14).
 *
 * Signatures are made elsewhere, over the digests given here: BIP340, of a key that lock_way_find() chose.  A witness
 * becomes public when it is used; before, it is worth what the proof is.  Errors: ERR_LOCK and ERR_LOCKED as in lock.h. */
#ifndef RAILS_CASHU_WITNESS_H
#define RAILS_CASHU_WITNESS_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "rails/cashu/lock.h"

/* More than fit a witness of CASHU_WITNESS_MAX characters. */
#define WITNESS_SIGS_MAX 8

struct witness {
	bool has_preimage;
	uint8_t preimage[32];
	uint8_t sigs[WITNESS_SIGS_MAX][64];
	size_t n_sigs;
};

/* JSON text as in a proof.  ERR_LOCK: not a witness. */
MUST_CHECK int witness_parse(const char *text, struct witness *ret, struct err *err);
/* ERR_RANGE: longer than mints take. */
MUST_CHECK int witness_text(struct arena *a, const struct witness *w, char **ret, struct err *err);

/* What is signed.  SIG_INPUTS: the secret as it stands, by each input for itself. */
void witness_message(const char *secret, struct hash32 *ret);
/* SIG_ALL: all inputs and outputs in the order of the request, and for a melt its quote (NULL for a swap); the signatures
 * go to the first input.  n_in and n_out: at most CASHU_LIST_MAX, of secrets of at most CASHU_SECRET_MAX
 * characters. */
void witness_message_all(const struct proof *inputs, size_t n_in, const struct output *outputs, size_t n_out,
			 const char *quote_id, struct hash32 *ret);

/* Does the witness (NULL for none) open the lock at this time?  What counts is how many keys of one way have signed msg, not
 * how many signatures there are. */
bool witness_opens(const struct witness *w, const struct lock *l, const struct hash32 *msg, int64_t now_s);
/* As a mint will judge a whole swap or melt: every lock open, and SIG_ALL for all inputs or for none.  ERR_LOCK, ERR_LOCKED;
 * ERR_UNSUPPORTED for a lock of a kind that we do not know. */
MUST_CHECK int witness_check_request(const struct proof *inputs, size_t n_in, const struct output *outputs,
				     size_t n_out, const char *quote_id, int64_t now_s, struct err *err);

#endif
