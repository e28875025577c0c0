/* actions/onchain_order.h - what somebody wants to pay on chain, as the parameters of onchain_send say it. */
#ifndef ACTIONS_ONCHAIN_ORDER_H
#define ACTIONS_ONCHAIN_ORDER_H

#include "actions/onchain.h"

#define ORDER_OUTPUTS_MAX 1000
#define ORDER_COINS_MAX   500
#define ORDER_LABEL_MAX   64

/* Of onchain_send, and of the methods that start one. */
#define ORDER_PARAMS                                                                                                   \
	{ .name = "address", .type = PARAM_STRING, .max = 100, .help = "Whom to pay, when it is one." },               \
		{ .name = "amount_sat",                                                                                \
		  .type = PARAM_INT,                                                                                   \
		  .min = 1,                                                                                            \
		  .max = (int64_t)SAT_MONEY_MAX,                                                                       \
		  .help = "What arrives there, or with subtract_fee what it costs." },                                 \
		{ .name = "outputs",                                                                                   \
		  .type = PARAM_ARRAY,                                                                                 \
		  .max = ORDER_OUTPUTS_MAX,                                                                            \
		  .help = "Or whom to pay, when they are many: [{\"address\", \"amount_sat\"}]." },                    \
		{ .name = "all",                                                                                       \
		  .type = PARAM_BOOL,                                                                                  \
		  .fallback = "false",                                                                                 \
		  .help = "Everything that is worth its fee goes to the address; without amount_sat." },               \
		{ .name = "subtract_fee",                                                                              \
		  .type = PARAM_BOOL,                                                                                  \
		  .fallback = "false",                                                                                 \
		  .help = "The receivers pay the fee, each the same share of it." },                                   \
		ONCHAIN_RATE_PARAMS,                                                                                   \
		{ .name = "coins",                                                                                     \
		  .type = PARAM_ARRAY,                                                                                 \
		  .max = ORDER_COINS_MAX,                                                                              \
		  .fallback = "chosen",                                                                                \
		  .help = "Spend these, all of them and no others: [\"txid:vout\"], as in utxo.list." },               \
		{ .name = "use_reserve",                                                                               \
		  .type = PARAM_BOOL,                                                                                  \
		  .fallback = "false",                                                                                 \
		  .help = "Spend also what exit_reserve_sat keeps for exits." },                                       \
	{                                                                                                              \
		.name = "label", .type = PARAM_STRING, .max = ORDER_LABEL_MAX,                                         \
		.help = "Shown in history; stays on this machine."                                                     \
	}
extern const struct param onchain_order_params[];

/* Whom to pay, what, from which coins; in s->arena.  The rate is read by onchain_rate_param(), and where change goes is the
 * caller's.  ERR_ADDRESS, ERR_NETWORK, ERR_PARAM, each with its field. */
MUST_CHECK int onchain_order_read(struct step *s, const json_t *params, struct onchain_order *ret, struct err *err);

#endif
