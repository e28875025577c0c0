#include "outbox/lane_slots.h"

int lane_slots_read(struct view v, int64_t lane, struct lane_slots *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct lane_slots s = { 0 };
	struct slot_row *slots;
	size_t n;

	if (slot_store_list_open(v, &a, lane, LANE_SLOTS_MAX, &slots, &n, err) != 0)
		return -1;
	s.full = n == LANE_SLOTS_MAX;
	for (size_t i = 0; i < n; i++) {
		if (slots[i].state == SLOT_MINED) {
			s.mined++;
			continue;
		}
		if (s.lowest == 0)
			s.lowest = slots[i].id;
		if (slots[i].state == SLOT_VACANT) {
			s.vacant++;
			continue;
		}
		s.pooled++;
		s.gap = s.gap || s.vacant > 0;
	}
	*ret = s;
	return 0;
}
