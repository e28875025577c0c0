/* outbox/lane_sync.h - a relayer's account nonce, on the chain and here (spec/outbox.md 5.5).
 *
 * next_tx_nonce never goes down.  A fresh lane takes the chain's count when nothing of the account is in a pool; a count
 * above ours means that somebody else uses the key, or that this database is older than the chain. */
#ifndef OUTBOX_LANE_SYNC_H
#define OUTBOX_LANE_SYNC_H

#include "outbox/internal.h"

/* The chain's counts and balance of the account, as just read. */
void lane_saw_account(struct lane *l, uint64_t latest, uint64_t pending, struct wei balance);
void lane_sync_soon(struct lane *l); /* at the next poll, whatever the time */
/* A nonce of this lane was used by a transaction that is not ours.  In the unit that writes what follows from it; opened_ms:
 * since when we counted on the nonce.  *ret_news is false when the anomaly that was noted last explains it, too; when true,
 * lane_count_foreign() once that is durable. */
MUST_CHECK int lane_note_foreign(struct lane *l, struct unit *u, struct arena *a, int64_t opened_ms, bool *ret_news,
				 struct err *err);
void lane_count_foreign(const struct lane *l);

#endif
