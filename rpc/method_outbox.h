/* rpc/method_outbox.h - what the methods of directives and those of lanes and spaces share. */
#ifndef RPC_METHOD_OUTBOX_H
#define RPC_METHOD_OUTBOX_H

#include "outbox/operate.h"
#include "rpc/method.h"

/* ERR_CONFIG: none is configured. */
MUST_CHECK int outbox_here(const struct rpc_call *call, struct err *err);
/* Who decides, and why: the parameter `reason`. */
struct outbox_operator outbox_operator_of(const struct rpc_call *call);
/* For rpc_mutate(): wakes the outbox and answers. */
void outbox_changed(struct rpc_call *call, json_t *result);

#define REASON_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "reason", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .min = 1, .max = 512,                 \
		.help = "Why. Kept with who and when, as the event outbox.audit."                                      \
	}

#endif
