/* store/tx_settle.h - what follows from where the wallet's transactions stand: trust, fees, the state of coins, the ledger.
 * For tx_change.c and tx_block.c alone; the rule itself is tx_store.h's and utxo_store.h's.
 *
 * A writer changes a fact (a place, an input, a coin) and touches the transactions that it is about; settle_end()
 * works out anew what depends on them, as long as anything changes, and posts all of it as one movement. */
#ifndef STORE_TX_SETTLE_H
#define STORE_TX_SETTLE_H

#include "store/tx_store.h"
#include "store/utxo_store.h"

struct settle {
	struct unit *u;
	struct movement m;
	bool has_tip; /* blocks are known */
	uint32_t tip;
	struct arena *arena; /* the queue's */
	int64_t *queue;      /* transactions to be looked at */
	size_t n, done;
};
#define SETTLE_ROOM (16 * 1024 * 1024) /* more transactions than ever depend on one another */
/* kind: of the movement.  The arena, of SETTLE_ROOM, is borrowed until the end. */
MUST_CHECK int settle_begin(struct settle *s, struct arena *a, struct unit *u, const char *kind, int64_t now_ms,
			    struct err *err);
/* The movement is about this transaction, and its action's. */
void settle_about(struct settle *s, const struct txid *txid, const struct action_id *action, const char *note);
void settle_touch(struct settle *s, int64_t tx_id);
/* Every transaction that spends an output of this one. */
MUST_CHECK int settle_touch_children(struct settle *s, int64_t tx_id, struct err *err);
/* Works off what was touched.  Then what the movement holds is final; settle_end() posts it. */
MUST_CHECK int settle_run(struct settle *s, struct err *err);
MUST_CHECK int settle_end(struct settle *s, struct err *err);

#endif
