/* store/due.h - what all three drivers (executor, exits, outbox) share: the in-flight guard and the version guard.
 *
 * A driver's table has `version` and `wake_at_ms`, indexed where not null: the due queue is that index, never a list in
 * memory.  This pair holds the ids that are being driven right now, so that no id is driven twice at once. */
#ifndef STORE_DUE_H
#define STORE_DUE_H

#include "base/err.h"
#include "base/ids.h"

struct due_guard;
struct due_guard *due_guard_new(unsigned max_inflight);
void due_guard_free(struct due_guard *g);
/* From now on; those in flight stay, also where they are more than that. */
void due_guard_limit(struct due_guard *g, unsigned max_inflight);
MUST_CHECK bool due_claim(struct due_guard *g, const struct action_id *id); /* false: in flight already, or full */
void due_release(struct due_guard *g, const struct action_id *id);
bool due_is_claimed(const struct due_guard *g, const struct action_id *id);
unsigned due_inflight(const struct due_guard *g);

/* An update named the version it had read and changed `changes` rows: none means somebody else handled it
 * (ERR_CONFLICT). */
MUST_CHECK int due_version_held(int changes, const char *what, struct err *err);

#endif
