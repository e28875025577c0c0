/* lightning/funding_track.h - funding payments follow the chain.  Implements the chain's part of spec/splice.md 2.3: this is the
 * only writer of where a payment stands, from what the follower (chain/) has found, and it writes nothing else.
 *
 * Each payment watches the base funding that its candidates spend, for ever: a reorganisation may take it back at any depth.
 * Events, each with the splice's id as its subject: splice.confirmed, splice.reorged, splice.graduated, splice.excluded. */
#ifndef LIGHTNING_FUNDING_TRACK_H
#define LIGHTNING_FUNDING_TRACK_H

#include "rails/lightning/splice_probe.h"
#include "store/funding_store.h"

/* Look for what spends this funding output, in blocks above the tip as it is known now less `back`. */
MUST_CHECK int funding_watch(struct unit *u, const struct hash32 *payment, const struct outpoint *base, uint32_t back,
			     int64_t now_ms, struct err *err);
/* … and no longer for what spent another. */
MUST_CHECK int funding_watch_instead(struct unit *u, const struct hash32 *payment, const struct outpoint *base,
				     int64_t now_ms, struct err *err);

/* What spends the base funding, as far as the follower has seen: the one that a block has, else one of a mempool. */
struct funding_spend {
	enum probe_spend what;
	struct txid txid; /* unless SPEND_NONE, as the next */
	struct tx *tx;
	struct bytes raw;
	struct block_ref block; /* of SPEND_CONFIRMED, as the next */
	uint32_t depth;         /* 1 for the tip */
};
MUST_CHECK int funding_spend_of(struct view v, struct arena *a, const struct hash32 *payment, struct funding_spend *ret,
				struct err *err);

/* Every payment that is pending, or that graduated so lately that a reorganisation may reach it, is brought to where the chain
 * has it.  Cheap where nothing has changed; harmless however often. */
MUST_CHECK int funding_sync(struct unit *u, int64_t now_ms, struct err *err);

#endif
