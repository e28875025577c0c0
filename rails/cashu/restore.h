/* rails/cashu/restore.h - ask the mint again for signatures that it has made: NUT-09. */
#ifndef RAILS_CASHU_RESTORE_H
#define RAILS_CASHU_RESTORE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

/* The outputs that the mint has signed, each beside its promise; ready for promises_check_and_unblind(). */
struct restored {
	struct output *outputs;
	struct promise *promises;
	size_t n;
};

/* ERR_RANGE: n not 1 to CASHU_LIST_MAX. */
MUST_CHECK int restore_request(struct arena *a, const char *mint, const struct output *outputs, size_t n,
			       struct net_request *ret, struct err *err);
/* outputs: those asked about.  Answers are matched by B_, never by position; an answer about another output, or two about
 * the same, is ERR_PEER_INVALID.  ret->n == 0: the mint knows none of them. */
MUST_CHECK int restore_decode(struct arena *a, const struct net_reply *rep, const struct output *outputs, size_t n,
			      struct restored *ret, struct err *err);

#endif
