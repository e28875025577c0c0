/* How many questions of each kind were answered, and how many were not. */
#include <stdio.h>

#include "base/metrics.h"
#include "chain/source_internal.h"

static const char *const names[ASK_KINDS] = {
	[ASK_VERIFY] = "verify",
	[ASK_TIP] = "tip",
	[ASK_REF] = "ref",
	[ASK_HEADER] = "header",
	[ASK_BLOCK] = "block",
	[ASK_NEW_BLOCK] = "new_block",
	[ASK_FILTER] = "filter",
	[ASK_STATUS] = "status",
	[ASK_TX] = "tx",
	[ASK_SPENDS] = "spends",
	[ASK_COIN] = "coin",
	[ASK_ENTRY] = "entry",
	[ASK_MEMPOOL] = "mempool",
	[ASK_BROADCAST] = "broadcast",
	[ASK_PACKAGE] = "package",
	[ASK_TEST] = "test",
	[ASK_FEES] = "fees",
	[ASK_LIMITS] = "limits",
	[ASK_HISTORY] = "history",
	[ASK_SCRIPT_STATS] = "script_stats",
	[ASK_SCAN_COINS] = "scan_coins",
	[ASK_SCAN_BLOCKS] = "scan_blocks",
};

static struct metric *counter(enum ask_kind kind, const char *outcome)
{
	char labels[64];

	(void)snprintf(labels, sizeof(labels), "question=\"%s\",outcome=\"%s\"", names[kind], outcome);
	return metric_counter("walletd_chain_questions_total", labels, "Questions about the block chain that ended.");
}

void counts_init(struct counts *c)
{
	for (int k = 0; k < ASK_KINDS; k++) {
		c->answered[k] = counter((enum ask_kind)k, "answered");
		c->failed[k] = counter((enum ask_kind)k, "failed");
	}
}

void counts_ended(const struct counts *c, enum ask_kind kind, const struct err *err)
{
	metric_inc(err->code == ERR_NONE ? c->answered[kind] : c->failed[kind]);
}
