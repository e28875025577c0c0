/* store/ark_server_store.h - the servers whose VTXOs the wallet has, and which of them are gone for good.  A server is known by
 * the key that is in each of its VTXOs. */
#ifndef STORE_ARK_SERVER_STORE_H
#define STORE_ARK_SERVER_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

struct ark_server_row {
	int64_t id;
	struct pubkey key;
	int64_t lost_at_ms; /* 0: it is not */
	uint64_t n_vtxos;   /* spendable and locked ones */
	struct sat amount;  /* of these */
};
/* By id.  Costs as much as there are VTXOs that are ours. */
MUST_CHECK int ark_server_list(struct view v, struct arena *a, struct ark_server_row **ret, size_t *n, struct err *err);
/* lost_at_ms 0: it is back.  ERR_NOT_FOUND: no VTXO is of this server.  Event ark.server_lost or ark.server_back; subject: its
 * key in hex. */
MUST_CHECK int ark_server_set_lost(struct unit *u, const struct pubkey *key, int64_t lost_at_ms, struct err *err);

#endif
