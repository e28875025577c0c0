/* actions/onchain_show.h - addresses, coins and transactions of the on-chain wallet, as objects for people and programs. */
#ifndef ACTIONS_ONCHAIN_SHOW_H
#define ACTIONS_ONCHAIN_SHOW_H

#include "actions/onchain.h"
#include "store/tx_store.h"

/* Gives out the next address for receiving, which nobody has had; also while the wallet is locked.  ERR_NO_WALLET. */
MUST_CHECK int onchain_address_new(struct unit *u, struct arena *a, enum network net, const char *label, int64_t now_ms,
				   json_t **ret, struct err *err);
json_t *onchain_address_json(struct arena *a, enum network net, const struct script_row *row);
/* tip: 0 when no block is known; for confirmations. */
json_t *onchain_coin_json(struct arena *a, enum network net, const struct utxo_row *row, uint32_t tip);
MUST_CHECK int onchain_tip_height(struct view v, uint32_t *ret, struct err *err);
/* With its inputs, outputs and bytes.  ERR_NOT_FOUND: it is none of the wallet's. */
MUST_CHECK int onchain_tx_json(struct view v, struct arena *a, enum network net, const struct txid *txid, json_t **ret,
			       struct err *err);
json_t *onchain_rates_json(struct arena *a, const struct fee_rates *rates);

#endif
