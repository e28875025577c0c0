/* outbox/batch_open.c - the write-ahead: slot, transaction, signatures and statuses in one unit, durable before the first
 * byte leaves (spec/outbox.md 5.6, G8). */
#include <string.h>

#include "base/failpoint.h"
#include "outbox/batch.h"
#include "outbox/delivery.h"

#define STORE_AGAIN_MS 1000

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

	b->before = ARENA_ARRAY(&b->arena, b->n, struct directive_row);
	for (size_t i = 0; i < b->n; i++)
		b->before[i] = b->items[i].row;
	b->moves = moves_in(u, &b->arena, &b->ob->meters);
	if (delivery_open(b->lane, u, &b->arena, &d, &b->slot, &tx_hash, err) == 0) {
		size_t i = 0;

		while (i < b->n && open_item(b, u, i, &tx_hash, err) == 0)
			i++;
		if (i == b->n && !FAILPOINT("outbox.write_ahead"))
			return 0;
		if (i == b->n)
			ERR(err, ERR_STORAGE, "failpoint outbox.write_ahead");
	}
	return -1;
}

static void open_failed(struct batch *b, const struct err *err)
{
	for (size_t i = 0; i < b->n; i++) /* what the unit did to them is rolled back */
		b->items[i].row = b->before[i];
	outbox_write_failed(b->ob, "outbox.write_ahead_failed", err);
	if (err->class == ERR_STORE) /* nothing left the process: the same again, when the disk can take it */
		timer_start(b->again, STORE_AGAIN_MS);
	else
		batch_give_back(b);
}

static void open_durable(void *ctx, const struct err *err)
{
	struct batch *b = ctx;
	struct lane *l = b->lane;
	int64_t slot = b->slot.id;

	b->unit_waits = false;
	b->ob->units--;
	if (err) {
		open_failed(b, err);
		return;
	}
	after_run(&b->moves.after, &b->ob->meters);
	batch_end(b);
	delivery_send(l, slot);
}

void batch_write_ahead(void *ctx)
{
	struct batch *b = ctx;
	struct err err;

	if (batch_too_late(b))
		return;
	if (store_unit(b->ob->opt.store, open_run, b, open_durable, &err) != 0) {
		open_failed(b, &err);
		return;
	}
	b->unit_waits = true;
	b->ob->units++;
}
