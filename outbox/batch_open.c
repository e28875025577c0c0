/* outbox/batch_open.c - the write-ahead: slot, transaction, signatures and statuses in one unit, durable before the first
 * byte leaves (spec/outbox.md 5.6, G8). */
#include <string.h>

#include "base/failpoint.h"
#include "outbox/batch.h"
#include "outbox/delivery.h"

static int open_item(struct batch *b, struct unit *u, size_t i, const struct hash32 *tx_hash, struct err *err)
{
	struct item *it = &b->items[i];
	struct item_row item = {
		.tx_id = b->slot.id, .fill = b->slot.fill, .position = (uint32_t)i, .seq = it->row.seq, .outcome = -1
	};
	struct signature_row sig = { .seq = it->row.seq, .digest = it->digest };

	memcpy(sig.sig, it->signed_one.sig.b, sizeof(sig.sig));
	if (signature_store_put(u, b->space->id, it->row.nonce, &sig, b->moves.now_ms, err) != 0 ||
	    item_store_add(u, &item, err) != 0)
		return -1;
	return directive_submit(&b->moves, &it->row, b->slot.id, tx_hash, err);
}

static int open_run(struct unit *u, void *ctx, struct err *err)
{
	struct batch *b = ctx;
	struct delivery d = { .purpose = SLOT_DIRECTIVES,
			      .to = b->space->conf.contract,
			      .data = b->calldata,
			      .gas_limit = b->gas_limit,
			      .fees = b->fees };
	struct hash32 tx_hash;

	/* Here and not before: another lane may have spent what was left a moment ago. */
	if (delivery_check_caps(b->lane->chain, unit_view(u), delivery_cost_gwei(&d), err) != 0 ||
	    delivery_open(b->lane, u, &b->writing, &d, &b->slot, &tx_hash, err) != 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (open_item(b, u, i, &tx_hash, err) != 0)
			return -1;
	return FAILPOINT("outbox.write_ahead") ? ERR(err, ERR_STORAGE, "failpoint outbox.write_ahead") : 0;
}

static void open_refused(struct batch *b, const struct err *err)
{
	if (err->code == ERR_BUDGET) {
		batch_over_budget(b, err);
		return;
	}
	outbox_write_failed(b->ob, "outbox.write_ahead_failed", err);
	batch_give_back(b);
}

static void opened(struct batch *b)
{
	struct lane *l = b->lane;
	int64_t slot = b->slot.id;

	batch_end(b);
	delivery_send(l, slot);
}

void batch_write_ahead(struct batch *b)
{
	static const struct batch_work work = {
		"outbox.write_ahead_failed", open_run, opened, open_refused, batch_write_ahead,
	};

	if (!batch_too_late(b))
		batch_unit(b, &work);
}
