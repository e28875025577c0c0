/* outbox/batch.c - some directives of one space on their way into one transaction: claimed, signed, checked, tried without
 * cost, written ahead, sent (spec/outbox.md 3).
 *
 * A stage makes at most one exchange, and what it decides is written in one unit.  Memory holds the batch; whenever it is
 * lost, the claims end and the directives are worked on again, with the same nonces and the same signatures. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/append.h"
#include "outbox/delivery.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/settle.h"
#include "outbox/signer.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/tx.h"

#define CALLDATA_MAX   100000
#define SIGN_SLICE     32 /* signatures before the loop turns again */
#define STORE_AGAIN_MS 1000
#define DRY_RUN_LIMIT  20 /* refusals before a person is asked */

/* What is decided of an item: written by the next unit. */
enum fate {
	FATE_STAYS = 0,
	FATE_GIVE_BACK,   /* T4 */
	FATE_DEAD_LETTER, /* T6 */
	FATE_FAIL,        /* T7 */
	FATE_ASK_CHAIN,   /* its nonce is used: by whom decides (T8, T9) */
	FATE_MANUAL       /* T8 without a search */
};

struct item {
	struct directive_row row;
	struct signed_directive signed_one;
	struct hash32 digest;
	enum fate fate;
	const char *reason, *error;
	enum attempt_result how;
};

struct batch {
	struct outbox *ob;
	struct lane *lane;
	struct space *space;
	struct arena arena;
	struct item *items;
	size_t n, signed_n;
	int64_t deadline_us;
	struct endpoints_asked *ask;
	struct timer *again; /* the store refused the write-ahead */
	bool stopping, unit_waits;
	struct moves moves;
	void (*next)(struct batch *b); /* after the fates are written */

	/* Of the dry run. */
	struct evm_fees fees;
	uint64_t gas_limit;
	struct bytes calldata;
	struct slot_row slot;
	struct directive_row *before; /* the write-ahead */
};

static void stage_sign(void *ctx);
static void stage_nonces(struct batch *b);
static void stage_dry_run(struct batch *b);
static void stage_open(void *ctx);

/* --- life --- */

void batch_free(struct batch *b)
{
	b->lane->batch = NULL;
	if (b->ask)
		endpoints_cancel(b->ask);
	timer_free(b->again);
	loop_unpost(b->ob->opt.loop, stage_sign, b);
	arena_done(&b->arena);
	free(b);
}

static void batch_end(struct batch *b)
{
	struct outbox *ob = b->ob;

	batch_free(b);
	outbox_pump_soon(ob);
}

static void item_fate(struct item *it, enum fate fate, const char *reason, const char *error)
{
	it->fate = fate;
	it->reason = reason;
	it->error = error;
}

static void item_fails(struct item *it, enum attempt_result how, const char *error)
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

	b->moves = moves_in(u, &b->arena, &b->ob->meters);
	for (size_t i = 0; i < b->n; i++) {
		if (write_fate(&b->moves, &b->items[i], err) != 0) {
			if (err->code != ERR_CONFLICT)
				return -1;
			/* Somebody else has it: our result is dropped. */
			after_count(&b->moves.after, b->ob->meters.stale_claims);
			b->items[i].fate = FATE_GIVE_BACK;
		}
		hold_back_younger(b, i);
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

static void fates_durable(void *ctx, const struct err *err)
{
	struct batch *b = ctx;

	b->unit_waits = false;
	b->ob->units--;
	if (err) {
		outbox_write_failed(b->ob, "outbox.fates_not_saved", err);
		batch_end(b);
		return;
	}
	after_run(&b->moves.after, &b->ob->meters);
	items_compact(b);
	if (b->stopping)
		batch_stop(b);
	else if (b->n == 0)
		batch_end(b);
	else
		b->next(b);
}

static bool any_leaves(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].fate != FATE_STAYS)
			return true;
	return false;
}

/* Write what was decided, then go on with those that stay. */
static void settle_then(struct batch *b, void (*next)(struct batch *b))
{
	struct err err;

	b->next = next;
	for (size_t i = 0; i < b->n; i++)
		hold_back_younger(b, i);
	if (!any_leaves(b)) {
		if (b->stopping)
			batch_stop(b);
		else
			next(b);
		return;
	}
	if (store_unit(b->ob->opt.store, fates_run, b, fates_durable, &err) != 0) {
		outbox_write_failed(b->ob, "outbox.fates_not_saved", &err);
		batch_end(b); /* still claimed: until the claim ends, or the next start */
		return;
	}
	b->unit_waits = true;
	b->ob->units++;
}

static void ended(struct batch *b)
{
	batch_end(b);
}

static void give_back(struct batch *b)
{
	all_fate(b, FATE_GIVE_BACK);
	settle_then(b, ended);
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
	give_back(b);
}

/* Has this attempt run out of its time?  Then it ends, whatever the directive's own expiry says. */
static bool too_late(struct batch *b)
{
	if (clock_mono_us() < b->deadline_us)
		return false;
	for (size_t i = 0; i < b->n; i++)
		item_fails(&b->items[i], ATTEMPT_DEADLINE, "submit deadline exceeded");
	settle_then(b, ended);
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
	b->items = ARENA_ARRAY(&b->arena, max ? max : 1, struct item);
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
	settle_then(b, sign_begin);
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
	b->again = loop_timer(b->ob->opt.loop, stage_open, b);
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

	if (!b->space->key.key || b->space->mismatch) { /* locked or exchanged meanwhile */
		give_back(b);
		return;
	}
	while (b->signed_n < end)
		sign_item(b, &b->items[b->signed_n++]);
	if (b->signed_n < b->n)
		loop_post(b->ob->opt.loop, stage_sign, b);
	else
		settle_then(b, stage_nonces);
}

/* --- are the nonces unused? --- */

static void nonce_check_unreadable(struct batch *b, const struct err *err)
{
	const char *text = arena_printf(&b->arena, "the nonce check cannot be read: %s", err->msg);

	if (b->lane->chain->conf.nonce_check_required) {
		for (size_t i = 0; i < b->n; i++)
			item_fails(&b->items[i], ATTEMPT_ENDPOINT, text);
		settle_then(b, ended);
		return;
	}
	/* The contract spends each nonce once, whatever we believe. */
	log_warn(&b->ob->log, "outbox.nonce_check_failed", F_INT("lane", b->lane->id), F_UINT("n", b->n), F_ERR(err));
	stage_dry_run(b);
}

static void nonces_answered(void *ctx, const struct evm_answers *rep)
{
	struct batch *b = ctx;
	bool *used = ARENA_ARRAY(&b->arena, b->n, bool);
	struct err err = rep->err;
	struct bytes data;
	json_t *v;

	b->ask = NULL;
	if (rep->endpoint < 0 || jsonrpc_result(&rep->answers[0], &v, &err) != 0 ||
	    evm_reply_data(&b->arena, v, EVM_DATA_MAX, &data, &err) != 0 ||
	    verifier_nonces_used_result(data, used, b->n, &err) != 0) {
		nonce_check_unreadable(b, &err);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		if (used[i])
			b->items[i].fate = FATE_ASK_CHAIN;
	settle_then(b, stage_dry_run);
}

static void stage_nonces(struct batch *b)
{
	SCOPED(buf) struct buf data = BUF_CAP(EVM_TX_MAX);
	uint64_t *nonces = ARENA_ARRAY(&b->arena, b->n, uint64_t);
	struct jsonrpc_batch calls = jsonrpc_batch_in(&b->arena);
	struct evm_message m = { .to = b->space->conf.contract };

	if (too_late(b))
		return;
	for (size_t i = 0; i < b->n; i++)
		nonces[i] = b->items[i].row.nonce;
	verifier_nonces_used(&data, &b->space->signer, nonces, b->n);
	m.data = buf_bytes(&data);
	evm_ask_call(&calls, &m, evm_block_tagged(EVM_LATEST));
	b->ask = endpoints_ask(b->lane->chain->ep, &calls, 0, nonces_answered, b);
}

/* --- the dry run --- */

static void make_calldata(struct batch *b)
{
	SCOPED(buf) struct buf data = BUF_CAP(EVM_TX_MAX);
	struct signed_directive *list = ARENA_ARRAY(&b->arena, b->n, struct signed_directive);

	for (size_t i = 0; i < b->n; i++)
		list[i] = b->items[i].signed_one;
	if (b->lane->chain->conf.batch_max == 1)
		verifier_execute(&data, &list[0]);
	else
		verifier_execute_batch(&data, list, b->n);
	b->calldata = buf_ok(&data) ? arena_bytes(&b->arena, buf_bytes(&data)) : (struct bytes){ NULL, 0 };
}

/* The whole space is wrong, not the directive: it is stopped, and nothing is counted. */
static void stop_space(struct batch *b, const char *why);

static void dry_run_says(struct batch *b, struct item *it, enum verifier_outcome o, const char *text)
{
	if (it->fate != FATE_STAYS) /* the space was stopped for one before it */
		return;
	switch (o) {
	case VERIFIER_DONE:
		return;
	case VERIFIER_NONCE_USED:
		it->fate = FATE_ASK_CHAIN;
		return;
	case VERIFIER_BAD_SIGNATURE:
		stop_space(b, "bad_signature");
		return;
	case VERIFIER_UNKNOWN_SIGNER:
		stop_space(b, "signer_not_authorised");
		return;
	case VERIFIER_UNSUPPORTED_ACTION:
		item_fate(it, FATE_DEAD_LETTER, REASON_UNSUPPORTED_ACTION,
			  arena_printf(&b->arena, "the contract does not support the action %s", it->row.action_key));
		return;
	case VERIFIER_EFFECT_FAILED:
	case VERIFIER_ERROR_TEXT:
	case VERIFIER_PANIC:
	case VERIFIER_OTHER:
		it->row.reverted_dry_runs++;
		if (it->row.reverted_dry_runs >= DRY_RUN_LIMIT)
			item_fate(it, FATE_MANUAL, REASON_EFFECT_REVERTED,
				  arena_printf(&b->arena, "the contract refused it %u times without being sent: %s",
					       it->row.reverted_dry_runs, text));
		else
			item_fails(it, ATTEMPT_DRY_RUN, arena_printf(&b->arena, "dry run: %s", text));
		return;
	}
}

struct pause {
	struct batch *batch;
	const char *why;
};

static int pause_run(struct unit *u, void *ctx, struct err *err)
{
	const struct pause *p = ctx;

	return space_store_pause(u, p->batch->space->id, p->why, err);
}

static void stop_space(struct batch *b, const char *why)
{
	struct pause p = { b, why };
	struct err err;

	for (size_t i = 0; i < b->n; i++)
		b->items[i].fate = FATE_GIVE_BACK;
	log_error(&b->ob->log, "outbox.space_stopped", F_INT("space", b->space->id), F_STR("reason", why),
		  F_STR("hint", "mend the contract's list of signers or the configuration, then outbox.resume"));
	if (store_unit(b->ob->opt.store, pause_run, &p, NULL, &err) != 0)
		outbox_write_failed(b->ob, "outbox.pause_failed", &err);
}

/* What the contract would answer.  0: understood, and fates are set where it is not well. */
static int take_call(struct batch *b, const struct jsonrpc_answer *answer, struct err *err)
{
	enum verifier_outcome *outcomes = ARENA_ARRAY(&b->arena, b->n, enum verifier_outcome);
	struct verifier_revert revert;
	struct bytes data;
	json_t *v;

	if (answer->flaw == JSONRPC_FINE && !answer->result && evm_error_is_revert(&answer->error)) {
		if (!evm_error_revert_data(&b->arena, &answer->error, &data))
			data = (struct bytes){ NULL, 0 };
		verifier_revert_decode(data, &revert);
		/* A batch as a whole never reverts for one item's sake. */
		for (size_t i = 0; i < b->n; i++)
			dry_run_says(b, &b->items[i], b->lane->chain->conf.batch_max == 1 ? revert.why : VERIFIER_OTHER,
				     data.n ? verifier_revert_text(&b->arena, &revert) : answer->error.message);
		return 0;
	}
	if (jsonrpc_result(answer, &v, err) != 0 || evm_reply_data(&b->arena, v, EVM_DATA_MAX, &data, err) != 0)
		return -1;
	if (b->lane->chain->conf.batch_max == 1)
		return 0;
	if (verifier_batch_result(data, outcomes, b->n, err) != 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		dry_run_says(b, &b->items[i], outcomes[i], verifier_outcome_name(outcomes[i]));
	return 0;
}

/* The later half waits for the next transaction. */
static bool halve(struct batch *b)
{
	if (b->n < 2)
		return false;
	for (size_t i = b->n / 2; i < b->n; i++)
		b->items[i].fate = FATE_GIVE_BACK;
	settle_then(b, stage_dry_run);
	return true;
}

static void hold_lane(struct batch *b, enum hold why, enum attempt_result how, const char *text)
{
	lane_hold(b->lane, why, text);
	metric_inc(b->ob->meters.attempts[how]);
	give_back(b);
}

/* Fees, gas and money: may the transaction be made as it is? */
static void decide(struct batch *b, uint64_t estimate)
{
	struct chain *c = b->lane->chain;
	struct delivery d = { .fees = c->quote };
	struct wei cost;
	struct err err;

	if (c->over_cap) {
		hold_lane(b, HOLD_FEE_CAP, ATTEMPT_FEE_CAP, NULL);
		return;
	}
	if (!evm_gas_limit(estimate, c->gas_percent, c->block_gas_limit, &b->gas_limit)) {
		if (halve(b))
			return;
		item_fails(&b->items[0], ATTEMPT_DRY_RUN, "it needs more gas than a transaction may have");
		settle_then(b, ended);
		return;
	}
	b->fees = d.fees;
	d.gas_limit = b->gas_limit;
	cost = gas_cost(d.fees.max_fee, d.gas_limit);
	if (wei_cmp(b->lane->balance, cost) < 0) {
		b->lane->needs = cost;
		hold_lane(b, HOLD_NO_FUNDS, ATTEMPT_NO_FUNDS, NULL);
		return;
	}
	if (delivery_check_caps(c, store_view(b->ob->opt.store), delivery_cost_gwei(&d), &err) != 0) {
		if (err.code != ERR_BUDGET) {
			outbox_write_failed(b->ob, "outbox.caps_unreadable", &err);
			give_back(b);
		} else if (delivery_cost_gwei(&d) <= c->conf.max_tx_gwei) {
			hold_lane(b, HOLD_DAY_CAP, ATTEMPT_FEE_CAP, err.msg);
		} else if (!halve(b)) {
			hold_lane(b, HOLD_FEE_CAP, ATTEMPT_FEE_CAP, err.msg);
		}
		return;
	}
	stage_open(b);
}

static void dry_run_answered(void *ctx, const struct evm_answers *rep)
{
	struct batch *b = ctx;
	struct err err = rep->err;
	uint64_t estimate;
	json_t *v;

	b->ask = NULL;
	if (rep->endpoint < 0) { /* the chain is out of reach: nobody's attempt */
		metric_inc(b->ob->meters.attempts[ATTEMPT_ENDPOINT]);
		chain_watch_soon(b->lane->chain);
		give_back(b);
		return;
	}
	if (take_call(b, &rep->answers[0], &err) != 0) {
		for (size_t i = 0; i < b->n; i++)
			item_fails(&b->items[i], ATTEMPT_ENDPOINT, arena_printf(&b->arena, "dry run: %s", err.msg));
		settle_then(b, ended);
		return;
	}
	if (any_leaves(b)) { /* what is left is another transaction: it is tried again */
		settle_then(b, stage_dry_run);
		return;
	}
	if (jsonrpc_result(&rep->answers[1], &v, &err) != 0 || evm_reply_u64(v, &estimate, &err) != 0) {
		for (size_t i = 0; i < b->n; i++)
			item_fails(&b->items[i], ATTEMPT_DRY_RUN, arena_printf(&b->arena, "gas estimate: %s", err.msg));
		settle_then(b, ended);
		return;
	}
	decide(b, estimate);
}

static void stage_dry_run(struct batch *b)
{
	struct jsonrpc_batch calls = jsonrpc_batch_in(&b->arena);
	struct evm_message m = { .from = &b->lane->address, .to = b->space->conf.contract };

	if (too_late(b))
		return;
	make_calldata(b);
	if (b->calldata.n == 0) {
		if (!halve(b)) {
			item_fails(&b->items[0], ATTEMPT_DRY_RUN, "it is too large for a transaction");
			settle_then(b, ended);
		}
		return;
	}
	m.data = b->calldata;
	evm_ask_call(&calls, &m, evm_block_tagged(EVM_LATEST));
	evm_ask_estimate(&calls, &m, evm_block_tagged(EVM_LATEST));
	b->ask = endpoints_ask(b->lane->chain->ep, &calls, 0, dry_run_answered, b);
}

/* --- write-ahead --- */

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
		give_back(b);
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

static void stage_open(void *ctx)
{
	struct batch *b = ctx;
	struct err err;

	if (too_late(b))
		return;
	if (store_unit(b->ob->opt.store, open_run, b, open_durable, &err) != 0) {
		open_failed(b, &err);
		return;
	}
	b->unit_waits = true;
	b->ob->units++;
}
