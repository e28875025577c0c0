/* rpc/action_wait.h - a call that listens until an action parks or ends.  A listener never drives. */
#ifndef RPC_ACTION_WAIT_H
#define RPC_ACTION_WAIT_H

#include "rpc/method.h"

enum wait_for { WAIT_NONE = 0, WAIT_PARK, WAIT_DONE };
/* The parameter `wait`; `timeout_s` with its default. */
enum wait_for action_wait_param(const struct rpc_call *call);
#define WAIT_TIMEOUT_S 60

/* then runs once: parked or ended, at the deadline, or when the daemon stops; it must finish the call.  It does not run when
 * the client leaves.  Returned so that a handler can end with it. */
struct rpc_outcome action_wait(struct rpc_call *call, const struct action_id *id, enum wait_for what,
			       int64_t timeout_ms, void (*then)(struct rpc_call *call, const struct action_id *id));

/* For rpc_mutate() of what starts or amends call->action: kicks it, and answers at once or when `wait` says. */
void action_wait_then_answer(struct rpc_call *call, json_t *result);
/* The same, where the answer after a wait is more than the action: fuller gives it with rpc_finish_fuller(). */
void action_wait_then(struct rpc_call *call, json_t *result,
		      void (*fuller)(struct rpc_call *call, const struct action_id *id));

#define WAIT_PARAMS                                                                                                    \
	{ .name = "wait",                                                                                              \
	  .type = PARAM_ENUM,                                                                                          \
	  .choices = "none|park|done",                                                                                 \
	  .fallback = "none",                                                                                          \
	  .help = "Answer at once, when it next parks, or when it has ended." },                                       \
	{                                                                                                              \
		.name = "timeout_s", .type = PARAM_INT, .min = 1, .max = 300, .fallback = "60",                        \
		.help = "How long to wait at most; then the action is told as it stands."                              \
	}

#endif
