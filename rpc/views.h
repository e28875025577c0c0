/* rpc/views.h - rows as the RPC shows them.  Objects are held by the arena given.
 *
 * A token is money to whoever reads it: callers below the scope spend see "token_hidden": true in its place, and so do keys
 * with a budget, but for what they paid themselves. */
#ifndef RPC_VIEWS_H
#define RPC_VIEWS_H

#include "rpc/method.h"
#include "store/action_store.h"
#include "store/event_store.h"
#include "store/movement_store.h"

/* The action object of design.md section 8. */
json_t *view_action(struct arena *a, struct executor *ex, const struct action_row *row,
		    const struct rpc_caller *caller);
/* The same of call->action as it stands in this view. */
MUST_CHECK int view_action_of_call(const struct rpc_call *call, struct view v, json_t **ret, struct err *err);
/* In all of it, however deep. */
void view_hide_tokens(json_t *v);
/* What went wrong with an action, as a failed call says it. */
struct rpc_outcome view_action_failure(struct arena *a, const struct action_row *row);
json_t *view_event(struct arena *a, const struct event *e, const struct rpc_caller *caller);
json_t *view_movement(struct arena *a, const struct movement_row *row);
/* {"<rail>": {"<unit>": {"spendable", "pending", "locked", "sent", "total", "mints"?: {"<url>": {…}}}}} */
MUST_CHECK int view_balances(struct arena *a, struct view v, bool with_mints, json_t **ret, struct err *err);

#endif
