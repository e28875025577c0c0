/* outbox/elsewhere.h - directives whose effect a transaction had that is not in a slot of ours: somebody copied our calldata,
 * or it was sent by an earlier life.  Followed until they are final, as those in slots are (spec/outbox.md 2.8, T12, T13). */
#ifndef OUTBOX_ELSEWHERE_H
#define OUTBOX_ELSEWHERE_H

#include "outbox/internal.h"

void elsewhere_run(struct chain *c); /* at each new head, and when one has come: the next head may be long in coming */
void elsewhere_cancel(struct chain *c);

#endif
