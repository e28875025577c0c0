/* outbox/lost_slots.h - open slots whose account nonce the chain has seen used, and not by a transaction of ours (spec/outbox.md
 * 5.5).
 *
 * One node may lag, or know counts before receipts.  So a slot is lost when it has been seen like that for as many blocks as
 * make a transaction final, and another endpoint, where there is one, says the same when it is asked. */
#ifndef OUTBOX_LOST_SLOTS_H
#define OUTBOX_LOST_SLOTS_H

#include "outbox/internal.h"

/* `endpoint` has no receipt for any attempt of this slot.  Is it lost? */
bool lost_slot_is(struct lane *l, const struct slot_row *slot, int endpoint);
/* It has one, or is not open any more. */
void lost_slot_forget(struct lane *l, int64_t slot);
/* Asks another endpoint about those that only one has spoken of for long enough.  Then the tracker runs again. */
void lost_slots_ask(struct chain *c);
void lost_slots_cancel(struct chain *c);

#endif
