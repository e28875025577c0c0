/* rails/cashu/promise.h - blind signatures: read them, check them, and make proofs of them (NUT-00, NUT-12). */
#ifndef RAILS_CASHU_PROMISE_H
#define RAILS_CASHU_PROMISE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

/* The answer of swap and mint: {"signatures": […]}, at most CASHU_LIST_MAX. */
MUST_CHECK int promises_decode(struct arena *a, const struct net_reply *rep, struct promise **ret, size_t *ret_n,
			       struct err *err);
/* One element of such a list.  ERR_PEER_INVALID. */
MUST_CHECK int promise_parse(const json_t *v, struct promise *ret, struct err *err);

/* As many proofs as outputs, in their order, or ERR_PEER_INVALID and nothing: the mint must have signed every output,
 * with its keyset, for its amount, with a key that the keyset has, and with a DLEQ that holds; the DLEQ may be missing
 * only where the mint does not offer NUT-12.  ERR_KEYSET_UNKNOWN: the keyset of an output is not in the list, with keys.
 * The proofs carry y, and the DLEQ with r. */
MUST_CHECK int promises_check_and_unblind(struct arena *a, const struct output *outputs, size_t n,
					  const struct promise *promises, size_t n_promises,
					  const struct keyset *keysets, size_t n_keysets, bool mint_offers_dleq,
					  struct proof **ret, struct err *err);

#endif
