#include "rpc/action_wait.h"

#include <string.h>

#include "actions/executor.h"
#include "rpc/event_waits.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/action_store.h"

struct listening {
	struct rpc_call *call;
	struct action_id id;
	struct waiter *waiter;
	struct event_wait *stop; /* told when the daemon stops */
	void (*then)(struct rpc_call *call, const struct action_id *id);
	void *before; /* the handler's own data */
};

enum wait_for action_wait_param(const struct rpc_call *call)
{
	const char *text = rpc_param_str(call, "wait");

	if (!text || strcmp(text, "none") == 0)
		return WAIT_NONE;
	return strcmp(text, "park") == 0 ? WAIT_PARK : WAIT_DONE;
}

static void listening_end(struct listening *l)
{
	event_wait_remove(l->stop);
	l->call->data = l->before;
	l->then(l->call, &l->id);
}

static void heard(void *ctx, bool timed_out)
{
	struct listening *l = ctx;

	(void)timed_out; /* either way the action is told as it stands */
	listening_end(l);
}

static void stopping(void *ctx, bool now)
{
	struct listening *l = ctx;

	(void)now;
	executor_wait_cancel(l->waiter);
	listening_end(l);
}

static void abandoned(struct rpc_call *call)
{
	struct listening *l = call->data;

	executor_wait_cancel(l->waiter);
	event_wait_remove(l->stop);
}

struct rpc_outcome action_wait(struct rpc_call *call, const struct action_id *id, enum wait_for what,
			       int64_t timeout_ms, void (*then)(struct rpc_call *call, const struct action_id *id))
{
	struct listening *l = ARENA_NEW(call->arena, struct listening);

	*l = (struct listening){ .call = call, .id = *id, .then = then, .before = call->data };
	l->waiter = executor_wait(call->server->opt.executor, id, what == WAIT_DONE, timeout_ms, heard, l);
	l->stop = event_waits_add_quiet(call->server->event_waits, stopping, l);
	call->data = l;
	return rpc_later(call, abandoned);
}

static void tell_fuller(struct rpc_call *call, const struct action_id *id)
{
	struct action_row row;
	struct err err;

	if (action_store_get(store_view(call->server->opt.store), call->arena, id, &row, &err) != 0)
		rpc_finish(call, rpc_fail_action(&err, "unknown", id->s));
	else
		rpc_finish_fuller(call, view_action(call->arena, call->server->opt.executor, &row, &call->caller));
}

void action_wait_then(struct rpc_call *call, json_t *result,
		      void (*fuller)(struct rpc_call *call, const struct action_id *id))
{
	enum wait_for what = action_wait_param(call);

	executor_kick(call->server->opt.executor, &call->action);
	if (what == WAIT_NONE)
		rpc_finish(call, rpc_ok(result));
	else
		(void)action_wait(call, &call->action, what, rpc_param_int(call, "timeout_s", WAIT_TIMEOUT_S) * 1000,
				  fuller);
}

void action_wait_then_answer(struct rpc_call *call, json_t *result)
{
	action_wait_then(call, result, tell_fuller);
}
