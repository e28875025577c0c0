#include "outbox/rpc_metrics.h"

#include <stdio.h>
#include <string.h>

static const char *const methods[RPC_METHODS] = {
	"other", /* first: what is not found below */
	"eth_blockNumber",
	"eth_call",
	"eth_chainId",
	"eth_estimateGas",
	"eth_feeHistory",
	"eth_getBalance",
	"eth_getBlockByNumber",
	"eth_getCode",
	"eth_getLogs",
	"eth_getTransactionByHash",
	"eth_getTransactionCount",
	"eth_getTransactionReceipt",
	"eth_maxPriorityFeePerGas",
	"eth_sendRawTransaction",
	"web3_clientVersion",
};

static const char *const results[RPC_RESULTS] = {
	[RPC_RESULT_OK] = "ok",
	[RPC_RESULT_ERROR] = "error",
	[RPC_RESULT_FAILED] = "failed",
};

void rpc_metrics_init(struct rpc_metrics *m)
{
	for (size_t i = 0; i < RPC_METHODS; i++)
		for (size_t r = 0; r < RPC_RESULTS; r++) {
			char labels[96];

			(void)snprintf(labels, sizeof(labels), "method=\"%s\",result=\"%s\"", methods[i], results[r]);
			m->counter[i][r] = metric_counter("walletd_evm_rpc_requests_total", labels,
							  "Calls made of the nodes of EVM chains.");
		}
}

void rpc_metrics_count(const struct rpc_metrics *m, const char *method, enum rpc_result result)
{
	size_t i = RPC_METHODS - 1;

	while (i > 0 && strcmp(methods[i], method) != 0)
		i--;
	metric_inc(m->counter[i][result]);
}
