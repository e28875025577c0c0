/* lightning/foreign.h - splices that nobody here asked for: the peer's, and those that were begun at our node by hand.
 * Implements G8 of spec/splice.md 1.2 and O10 of 7.
 *
 * They have a payment, whose id is derived from the first candidate, and no intent: nothing is ever done about them. */
#ifndef LIGHTNING_FOREIGN_H
#define LIGHTNING_FOREIGN_H

#include "base/arena.h"
#include "rails/lightning/backend.h"
#include "store/view.h"

/* What the node lists for this channel and no splice of ours accounts for.  While one of ours lives on the channel nothing is
 * taken in: what the node lists may be its own, and it looks for itself. */
MUST_CHECK int foreign_take_in(struct unit *u, struct arena *a, const struct ln_channel *c, int64_t now_ms,
			       struct err *err);

#endif
