/* outbox/batch.c - life of a batch: claimed, signed, what was decided written, given back. */
#include "outbox/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/append.h"
#include "outbox/settle.h"
#include "rails/evm/verifier.h"

#define CALLDATA_MAX   100000
#define SIGN_SLICE     32 /* signatures before the loop turns again */
#define STORE_AGAIN_MS 1000

static void stage_sign(void *ctx);

/* --- life --- */

void batch_free(struct batch *b)
{
	b->lane->batch = NULL;
	if (b->ask)
		endpoints_cancel(b->ask);
	timer_free(b->again);
	loop_unpost(b->ob->opt.loop, stage_sign, b);
	arena_done(&b->writing);
	arena_done(&b->round);
	arena_done(&b->arena);
	free(b);
}

void batch_end(struct batch *b)
{
	struct outbox *ob = b->ob;

	batch_free(b);
	outbox_pump_soon(ob);
}

void item_fate(struct item *it, enum fate fate, const char *reason, const char *error)
{
	it->fate = fate;
	it->reason = reason;
	it->error = error;
}

void item_fails(struct item *it, enum attempt_result how, const char *error)
{
	item_fate(it, FATE_FAIL, NULL, error);
	it->how = how;
}

static void all_fate(struct batch *b, enum fate fate)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].fate == FATE_STAYS)
			b->items[i].fate = fate;
}

/* --- units --- */

static void unit_failed(struct batch *b, const struct err *err)
{
	const struct batch_work *work = b->work;

	memcpy(b->items, b->before, b->n * sizeof(*b->items));
	if ((err->class != ERR_STORE && err->code != ERR_BUSY) || b->ob->stopping) {
		work->refused(b, err);
		return;
	}
	/* Nothing has left the process: the same again, when the disk can take it. */
	outbox_write_failed(b->ob, work->failure, err);
	timer_start(b->again, STORE_AGAIN_MS);
}

static void unit_durable(void *ctx, const struct err *err)
{
	struct batch *b = ctx;

	b->unit_waits = false;
	b->ob->units--;
	if (err) {
		unit_failed(b, err);
		return;
	}
	after_run(&b->moves.after, &b->ob->meters);
	b->work->done(b);
}

static int unit_run(struct unit *u, void *ctx, struct err *err)
{
	struct batch *b = ctx;

	b->moves = moves_in(u, &b->writing, &b->ob->meters);
	return b->work->run(u, b, err);
}

void batch_unit(struct batch *b, const struct batch_work *work)
{
	struct err err;

	b->work = work;
	memcpy(b->before, b->items, b->n * sizeof(*b->items));
	arena_reset(&b->writing);
	if (store_unit(b->ob->opt.store, unit_run, b, unit_durable, &err) != 0) {
		unit_failed(b, &err);
		return;
	}
	b->unit_waits = true;
	b->ob->units++;
}

static void work_again(void *ctx)
{
	struct batch *b = ctx;

	b->work->again(b);
}

/* --- the unit that writes what was decided --- */

static int write_fate(struct moves *m, struct item *it, struct err *err)
{
	switch (it->fate) {
	case FATE_STAYS:
	case FATE_ASK_CHAIN: /* stays claimed, and the search has it from here on */
		return 0;
	case FATE_GIVE_BACK:
		return directive_unclaim(m, &it->row, err);
	case FATE_DEAD_LETTER:
		return directive_dead_letter(m, &it->row, it->reason, it->error, err);
	case FATE_FAIL:
		return directive_fail(m, &it->row, it->how, it->error, err);
	case FATE_MANUAL:
		return directive_reconcile(m, &it->row, it->reason, it->error, DIRECTIVE_NO_WAKE, err);
	}
	return ERR(err, ERR_INTERNAL, "an item without a fate");
}

static bool same_key(const struct directive_row *a, const struct directive_row *b)
{
	return a->order_key_n > 0 && a->order_key_n == b->order_key_n &&
	       memcmp(a->order_key, b->order_key, a->order_key_n) == 0;
}

/* An item leaves and keeps its place in the order of its key: those behind it must not overtake. */
static void hold_back_younger(struct batch *b, size_t at)
{
	const struct item *it = &b->items[at];

	if (it->fate == FATE_STAYS || !it->row.holds_order)
		return;
	for (size_t i = at + 1; i < b->n; i++)
		if (b->items[i].fate == FATE_STAYS && same_key(&it->row, &b->items[i].row))
			b->items[i].fate = FATE_GIVE_BACK;
}

static int fates_run(struct unit *u, void *ctx, struct err *err)
{
	struct batch *b = ctx;

	(void)u;
	for (size_t i = 0; i < b->n; i++) {
		if (write_fate(&b->moves, &b->items[i], err) == 0)
			continue;
		if (err->code != ERR_CONFLICT)
			return -1;
		/* Somebody else has it: our result is dropped. */
		after_count(&b->moves.after, b->ob->meters.stale_claims);
	}
	return 0;
}

/* Those that have left are forgotten; what was claimed and is to be searched for goes on by itself. */
static void items_compact(struct batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];

		if (it->fate == FATE_ASK_CHAIN)
			settle_claimed(b->ob, &it->row);
		else if (it->fate == FATE_STAYS)
			b->items[n++] = *it;
	}
	b->n = n;
	b->signed_n = n < b->signed_n ? n : b->signed_n;
}

static void fates_written(struct batch *b)
{
	items_compact(b);
	if (b->stopping)
		batch_stop(b);
	else if (b->n == 0)
		batch_end(b);
	else
		b->next(b);
}

/* They are claimed still: until the claim ends, or the next start. */
static void fates_refused(struct batch *b, const struct err *err)
{
	outbox_write_failed(b->ob, "outbox.fates_not_saved", err);
	batch_end(b);
}

static void write_fates(struct batch *b)
{
	static const struct batch_work work = {
		"outbox.fates_not_saved", fates_run, fates_written, fates_refused, write_fates,
	};

	batch_unit(b, &work);
}

bool batch_any_leaves(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].fate != FATE_STAYS)
			return true;
	return false;
}

void batch_settle_then(struct batch *b, void (*next)(struct batch *b))
{
	b->next = next;
	for (size_t i = 0; i < b->n; i++)
		hold_back_younger(b, i);
	if (batch_any_leaves(b))
		write_fates(b);
	else if (b->stopping)
		batch_stop(b);
	else
		next(b);
}

void batch_give_back(struct batch *b)
{
	all_fate(b, FATE_GIVE_BACK);
	batch_settle_then(b, batch_end);
}

void batch_stop(struct batch *b)
{
	b->stopping = true;
	if (b->unit_waits) /* its hook comes back here */
		return;
	if (b->ask)
		endpoints_cancel(b->ask);
	b->ask = NULL;
	loop_unpost(b->ob->opt.loop, stage_sign, b);
	timer_stop(b->again);
	if (b->n == 0) {
		batch_end(b);
		return;
	}
	b->stopping = false; /* one way out only */
	batch_give_back(b);
}

bool batch_too_late(struct batch *b)
{
	if (clock_mono_us() < b->deadline_us)
		return false;
	for (size_t i = 0; i < b->n; i++)
		item_fails(&b->items[i], ATTEMPT_DEADLINE, "submit deadline exceeded");
	batch_settle_then(b, batch_end);
	return true;
}

/* --- claim --- */

static void collect(struct batch *b, const struct directive_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		b->items[b->n++].row = rows[i];
}

static int by_seq(const void *x, const void *y)
{
	const struct item *a = x, *b = y;

	return (a->row.seq > b->row.seq) - (a->row.seq < b->row.seq);
}

static int claim_run(struct unit *u, void *ctx, struct err *err)
{
	struct batch *b = ctx;
	unsigned max = b->lane->chain->conf.batch_max;
	int64_t now = clock_now_ms(), until = now + b->ob->opt.claim_lease_s * 1000;
	struct directive_row *rows, *more;
	struct space_row space;
	size_t n, n_more;

	if (space_store_get(unit_view(u), &b->arena, b->space->id, &space, err) != 0 ||
	    directive_store_claim(u, &b->arena, b->space->id, b->lane->id, now, until, max, &rows, &n, err) != 0)
		return -1;
	b->items = ARENA_ARRAY(&b->arena, max, struct item);
	b->before = ARENA_ARRAY(&b->arena, max, struct item);
	b->n = 0;
	collect(b, rows, n);
	for (size_t i = 0; i < n && space.release_at == DELIVERY_SUBMITTED && b->n < max; i++) {
		if (rows[i].order_key_n == 0)
			continue;
		if (directive_store_claim_burst(u, &b->arena, &rows[i], now, until, max - (unsigned)b->n, &more,
						&n_more, err) != 0)
			return -1;
		collect(b, more, n_more);
	}
	qsort(b->items, b->n, sizeof(*b->items), by_seq);
	if (FAILPOINT("outbox.claim"))
		return ERR(err, ERR_STORAGE, "failpoint outbox.claim");
	return 0;
}

/* What does not fit into the transaction's data waits for the next. */
static void trim(struct batch *b)
{
	size_t size = VERIFIER_BATCH_SIZE_EMPTY;

	for (size_t i = 0; i < b->n; i++) {
		struct directive d;

		signer_describe(&b->items[i].row, &d);
		size += verifier_batch_size_of(&d);
		if (i > 0 && size > CALLDATA_MAX)
			b->items[i].fate = FATE_GIVE_BACK;
	}
}

static void sign_begin(struct batch *b)
{
	b->signed_n = 0;
	stage_sign(b);
}

static void claim_durable(void *ctx, const struct err *err)
{
	struct batch *b = ctx;

	b->unit_waits = false;
	b->ob->units--;
	if (err) {
		outbox_write_failed(b->ob, "outbox.claim_not_saved", err);
		batch_end(b);
		return;
	}
	if (b->stopping) {
		batch_stop(b);
		return;
	}
	if (b->n == 0) { /* another daemon was first */
		batch_free(b);
		return;
	}
	b->lane->lingered = b->n >= b->lane->chain->conf.batch_max; /* full: there may be more */
	trim(b);
	batch_settle_then(b, sign_begin);
}

void batch_start(struct lane *lane, struct space *space)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct err err;

	if (!b)
		abort();
	b->ob = lane->ob;
	b->lane = lane;
	b->space = space;
	b->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	b->round = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	b->writing = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	b->again = loop_timer(b->ob->opt.loop, work_again, b);
	b->deadline_us = clock_mono_us() + b->ob->opt.attempt_limit_s * 1000000;
	lane->batch = b;
	if (store_unit(b->ob->opt.store, claim_run, b, claim_durable, &err) != 0) {
		outbox_write_failed(b->ob, "outbox.claim_failed", &err);
		batch_free(b);
		return;
	}
	b->unit_waits = true;
	b->ob->units++;
}

/* --- sign --- */

static void refuse(struct batch *b, struct item *it, const struct err *err)
{
	const char *reason = signer_permanent_reason(err), *text = arena_strdup(&b->arena, err->msg);

	if (reason)
		item_fate(it, FATE_DEAD_LETTER, reason, text);
	else
		item_fails(it, err->code == ERR_CRYPTO ? ATTEMPT_SIGNING_FAILED : ATTEMPT_PERSISTENCE_FAILED, text);
}

static void sign_item(struct batch *b, struct item *it)
{
	struct err err;

	if (!directive_kind_known(it->row.kind)) {
		item_fate(it, FATE_DEAD_LETTER, REASON_UNSUPPORTED_KIND,
			  arena_printf(&b->arena, "unsupported directive outbox kind %s", it->row.kind));
		return;
	}
	if (signer_sign(b->space, &it->row, store_view(b->ob->opt.store), &it->signed_one, &it->digest, &err) != 0)
		refuse(b, it, &err);
}

static void stage_sign(void *ctx)
{
	struct batch *b = ctx;
	size_t end = b->signed_n + SIGN_SLICE < b->n ? b->signed_n + SIGN_SLICE : b->n;

	if (!b->space->key.key) { /* locked meanwhile */
		batch_give_back(b);
		return;
	}
	while (b->signed_n < end)
		sign_item(b, &b->items[b->signed_n++]);
	if (b->signed_n < b->n)
		loop_post(b->ob->opt.loop, stage_sign, b);
	else
		batch_settle_then(b, batch_check_nonces);
}
