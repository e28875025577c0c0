/* actions/onchain_order.h - what somebody wants to pay on chain, as the parameters of onchain_send say it. */
#ifndef ACTIONS_ONCHAIN_ORDER_H
#define ACTIONS_ONCHAIN_ORDER_H

#include "actions/onchain.h"

#define ORDER_OUTPUTS_MAX 1000
#define ORDER_COINS_MAX   500
#define ORDER_LABEL_MAX   64

extern const struct param onchain_order_params[];

/* Whom to pay, what, from which coins; in s->arena.  The rate is read by onchain_rate_param(), and where change goes is the
 * caller's.  ERR_ADDRESS, ERR_NETWORK, ERR_PARAM, each with its field. */
MUST_CHECK int onchain_order_read(struct step *s, const json_t *params, struct onchain_order *ret, struct err *err);

#endif
