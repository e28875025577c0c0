/* outbox/lane_slots.h - the open slots of a lane at a glance (spec/outbox.md 5.5, 5.6, 5.10).
 *
 * Mined ones wait for depth and hold up nobody: what is lowest, what is a gap and what fills a pool concerns the others. */
#ifndef OUTBOX_LANE_SLOTS_H
#define OUTBOX_LANE_SLOTS_H

#include "store/relay_store.h"

#define LANE_SLOTS_MAX 256 /* open slots, mined ones too, that are looked after at a time */

struct lane_slots {
	unsigned pooled; /* prepared and broadcast ones: what nodes keep in their pools */
	unsigned vacant, mined;
	int64_t lowest; /* the first that is not mined; 0: none */
	bool gap;       /* a vacant one below a pooled one, which cannot be mined before it is filled */
	bool full;      /* there are as many as can be looked after */
};
MUST_CHECK int lane_slots_read(struct view v, int64_t lane, struct lane_slots *ret, struct err *err);

#endif
