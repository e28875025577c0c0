/* rpc/exit_call.h - what the methods about exits take from their call. */
#ifndef RPC_EXIT_CALL_H
#define RPC_EXIT_CALL_H

#include "base/amount.h"
#include "base/ids.h"
#include "rpc/method.h"

struct onchain_policy;

const struct onchain_policy *exit_call_policy(const struct rpc_call *call);
uint32_t exit_call_margin(const struct rpc_call *call); /* blocks to spare before a VTXO expires */
/* ERR_CONFIG: there is no node to take an exit to. */
MUST_CHECK int exit_call_check(const struct rpc_call *call, struct err *err);
/* For unit_after(), with the exits: all of them are looked at. */
void exit_call_kick(void *exits, const struct err *failed);

MUST_CHECK int exit_call_id(const struct rpc_call *call, struct outpoint *ret, struct err *err);
MUST_CHECK int exit_call_ids(const struct rpc_call *call, struct outpoint **ret, size_t *n, struct err *err);
/* 1: the parameter was given, 0, -1. */
MUST_CHECK int exit_call_rate(const struct rpc_call *call, struct feerate *ret, struct err *err);

#define EXIT_ID_PARAM                                                                                                  \
	{                                                                                                              \
		.name = "vtxo_id", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .min = 1, .max = OUTPOINT_TEXT,      \
		.help = "Whose exit: txid:vout."                                                                       \
	}
#define EXIT_RATE_PARAM(fallback_, help_)                                                                              \
	{                                                                                                              \
		.name = "feerate", .type = PARAM_STRING, .max = 20, .fallback = (fallback_), .help = (help_)           \
	}

#endif
