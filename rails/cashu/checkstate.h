/* rails/cashu/checkstate.h - are these proofs spent?  NUT-07.  A mint answers UNSPENT for a proof that it never saw. */
#ifndef RAILS_CASHU_CHECKSTATE_H
#define RAILS_CASHU_CHECKSTATE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

#define CHECKSTATE_BATCH 100 /* what to ask at once when there is a choice */

enum note_state { NOTE_UNSPENT = 1, NOTE_PENDING = 2, NOTE_SPENT = 3 };

struct note_states {
	enum note_state *v; /* in the order asked */
	size_t n;
	size_t unspent, pending, spent;
};

/* ERR_RANGE: n not 1 to CASHU_LIST_MAX. */
MUST_CHECK int checkstate_request(struct arena *a, const char *mint, const struct pubkey *ys, size_t n,
				  struct net_request *ret, struct err *err);
/* ys: those asked about; the answer must be about exactly these, in this order. */
MUST_CHECK int checkstate_decode(struct arena *a, const struct net_reply *rep, const struct pubkey *ys, size_t n,
				 struct note_states *ret, struct err *err);

#endif
