/* store/outbox_audit.h - do the tables of the outbox agree with each other (spec/outbox.md 7.3)?  Reads all of them: for
 * copies and for tests. */
#ifndef STORE_OUTBOX_AUDIT_H
#define STORE_OUTBOX_AUDIT_H

#include "store/view.h"

/* ERR_INTERNAL, saying what does not hold and where. */
MUST_CHECK int outbox_audit(struct view v, struct err *err);

#endif
