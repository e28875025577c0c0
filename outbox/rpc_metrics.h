/* outbox/rpc_metrics.h - walletd_evm_rpc_requests_total{method,result}: one per call, whoever was asked. */
#ifndef OUTBOX_RPC_METRICS_H
#define OUTBOX_RPC_METRICS_H

#include "base/metrics.h"

enum rpc_result {
	RPC_RESULT_OK = 0,
	RPC_RESULT_ERROR = 1,  /* the node said no to the call */
	RPC_RESULT_FAILED = 2, /* it did not answer */
	RPC_RESULTS
};

#define RPC_METHODS 16 /* those of rails/evm/rpc_call.c, and "other" */

struct rpc_metrics {
	struct metric *counter[RPC_METHODS][RPC_RESULTS];
};

void rpc_metrics_init(struct rpc_metrics *m);
void rpc_metrics_count(const struct rpc_metrics *m, const char *method, enum rpc_result result);

#endif
