/* outbox/delivery.h - transactions: made, written ahead, sent, replaced (spec/outbox.md 5.4, 5.6).
 *
 * The bytes of a transaction, its hash and its account nonce are durable before the first byte leaves (G8).  What a node
 * answers is classed by its words; when nobody knows, the same bytes go out again, and receipts decide. */
#ifndef OUTBOX_DELIVERY_H
#define OUTBOX_DELIVERY_H

#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/signer.h"

struct send;

/* What a new transaction is to be. */
struct delivery {
	enum slot_purpose purpose;
	struct evm_address to;
	struct bytes data;
	uint64_t gas_limit;
	struct evm_fees fees;
};
/* What it can cost at most, in gwei, rounded up. */
uint64_t delivery_cost_gwei(const struct delivery *d);
/* May it cost this, now?  ERR_BUDGET, saying which cap.  in a unit or outside. */
MUST_CHECK int delivery_check_caps(const struct chain *c, struct view v, uint64_t cost_gwei, struct err *err);

/* In a unit: opens a slot and signs its first transaction.  Send it with delivery_send() when the unit is durable.
 * ERR_BUSY: the lane has enough open ones. */
MUST_CHECK int delivery_open(struct lane *l, struct unit *u, struct arena *a, const struct delivery *d,
			     struct slot_row *ret_slot, struct hash32 *ret_hash, struct err *err);
/* In a unit: a no-op in the lowest vacant slot, so that those above it can be mined. */
MUST_CHECK int delivery_open_no_op(struct lane *l, struct unit *u, struct arena *a, struct slot_row *ret_slot,
				   struct err *err);
/* In a unit: burns a directive's nonce in the contract. */
MUST_CHECK int delivery_open_revoke(struct lane *l, struct unit *u, struct arena *a, const struct directive_row *row,
				    struct slot_row *ret_slot, struct hash32 *ret_hash, struct err *err);
/* In a unit: a dearer attempt of the same content.  ERR_BUDGET: the caps do not allow it, and nothing was written.
 * ERR_BUSY: there are enough attempts. */
MUST_CHECK int delivery_replace(struct lane *l, struct moves *m, struct slot_row *slot, struct hash32 *ret_hash,
				struct err *err);
/* In a unit: a dearer attempt without content: a transfer of nothing to the relayer itself. */
MUST_CHECK int delivery_replace_by_no_op(struct lane *l, struct unit *u, struct arena *a, struct slot_row *slot,
					 struct hash32 *ret_hash, struct err *err);

/* How long an attempt may be without a receipt before a dearer one takes its place. */
int64_t delivery_patience_ms(const struct chain *c);

/* Sends the newest attempt of a slot, unless that is under way.  The answer is written to the store and acted upon. */
void delivery_send(struct lane *l, int64_t slot);
/* Replaces the newest attempt by a dearer one, and sends that.  Where the caps do not allow it, the old one goes again if it
 * is `due`; it is not when its refusal has just come. */
void delivery_bump(struct lane *l, int64_t slot, bool due);
/* A vacant slot below others, and no directive to fill it: a no-op goes there. */
void delivery_fill_gap(struct lane *l);
bool delivery_sends(const struct outbox *ob, int64_t slot);
void delivery_cancel_all(struct outbox *ob);
/* The content of a slot was refused for good, or its nonce is somebody else's: its directives go back to the queue. */
MUST_CHECK int delivery_requeue_items(struct moves *m, const struct slot_row *slot, const char *why, struct err *err);

#endif
