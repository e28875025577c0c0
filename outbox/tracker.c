/* outbox/tracker.c - what became of the transactions: receipts of every attempt of every open slot, at each new head, and of
 * confirmed ones for a while longer (spec/outbox.md 5.5, 5.6, 5.8).
 *
 * A round asks for the receipts of some slots and writes, for each slot, one unit.  Rounds go on until all lanes were
 * looked at. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/delivery.h"
#include "outbox/directive_states.h"
#include "outbox/lane_slots.h"
#include "outbox/lane_sync.h"
#include "outbox/lost_slots.h"
#include "outbox/settle.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/verifier_log.h"

#define RESEND_MS      60000
#define WATCHED_A_LANE 1024
#define WATCH_ONLY     0 /* next_check_at_ms of a final slot in which nothing is left to judge */
#define NEVER_AGAIN    (-1)

/* A slot that is looked at. */
struct look {
	struct lane *lane;
	struct slot_row slot;
	struct attempt_row *attempts;
	size_t n_attempts, first_call;
	bool found;
	struct evm_receipt receipt;
	const struct attempt_row *mined; /* that has it */
};

struct track {
	struct chain *chain;
	struct arena arena, round; /* of all, of one round */
	struct endpoints_asked *ask;
	struct look *looks;
	size_t n, size, at, end; /* all; those of this round */
	bool all;                /* not only those that are due */
	int endpoint;            /* that answered it */
	unsigned units;          /* of this round, that wait to become durable */
	bool offers;             /* all that wait, whenever they are due */
};

/* One slot's unit. */
struct verdict {
	struct track *track;
	struct chain *chain;
	struct look *look;
	struct arena arena;
	struct moves moves;
	struct slot_row slot;
	bool resend, bump, lost, orphaned, waits;
	bool foreign;                /* and nobody knew that somebody else has the key */
	struct directive_row *judge; /* had no effect in a slot that is final */
	struct judgement *judgements;
	size_t n_judge;
};

/* --- a receipt against the slot's directives --- */

static bool executed_in(const struct look *k, const struct space *s, const struct directive_row *row,
			const struct hash32 *digest, int *code)
{
	*code = -1;
	for (size_t i = 0; i < k->receipt.n_logs; i++) {
		const struct evm_log *log = &k->receipt.logs[i];
		struct verifier_log v;
		struct err err;

		if (!evm_address_equal(&log->address, &s->conf.contract) ||
		    verifier_log_decode(log->topics, log->n_topics, log->data, &v, &err) != 0 || v.nonce != row->nonce)
			continue;
		if (v.event == VERIFIER_EXECUTED && hash32_equal(&v.digest, digest))
			return true;
		if (v.event == VERIFIER_SKIPPED)
			*code = (int)v.reason;
	}
	return false;
}

/* Gas is shared out; the first takes what does not divide. */
static struct effect share_of(const struct verdict *d, size_t position, size_t n)
{
	uint64_t gas = d->look->receipt.gas_used;

	return (struct effect){ .tx_hash = d->look->receipt.tx_hash,
				.block = d->look->receipt.block_number,
				.gas_used = gas / n + (position == 0 ? gas % n : 0),
				.gas_price = d->look->receipt.effective_gas_price,
				.submitted_at_ms = d->slot.opened_at_ms };
}

static bool belongs(const struct directive_row *row, const struct slot_row *slot)
{
	return row->tx_id == slot->id && (row->status == DELIVERY_SUBMITTED || row->status == DELIVERY_INCLUDED ||
					  row->status == DELIVERY_CONFIRMED);
}

static int digest_of(struct verdict *d, const struct directive_row *row, struct hash32 *ret, struct err *err)
{
	struct signature_row sig;

	if (signature_store_get(unit_view(d->moves.u), row->space_id, row->nonce, &sig, err) != 0)
		return -1;
	*ret = sig.digest;
	return 0;
}

static void put_before_judge(struct verdict *d, const struct directive_row *row, size_t max, int code)
{
	if (!d->judge) {
		d->judge = ARENA_ARRAY(&d->arena, max, struct directive_row);
		d->judgements = ARENA_ARRAY(&d->arena, max, struct judgement);
	}
	d->judgements[d->n_judge] = (struct judgement){
		.lost = d->slot.state == SLOT_LOST,
		.out_of_gas = d->look->found && !d->look->receipt.succeeded &&
			      d->look->receipt.gas_used == d->look->mined->gas_limit,
		.code = code,
	};
	d->judge[d->n_judge++] = *row;
}

/* One directive of a slot that has a receipt. */
static int item_found(struct verdict *d, struct directive_row *row, size_t at, size_t n, bool final, struct err *err)
{
	const struct space *s = outbox_space_of(d->chain->ob, row->space_id);
	struct effect e = share_of(d, at, n);
	struct hash32 digest;
	bool done;
	int code;

	if (!s) { /* it is not configured any more: nothing can be said of it, until it is again */
		d->waits = d->waits || row->status != DELIVERY_CONFIRMED;
		return 0;
	}
	if (digest_of(d, row, &digest, err) != 0)
		return -1;
	done = executed_in(d->look, s, row, &digest, &code);
	if ((row->status == DELIVERY_INCLUDED || row->status == DELIVERY_CONFIRMED) &&
	    (!done || row->result_block != e.block || !hash32_equal(&row->result_hash, &e.tx_hash)) &&
	    directive_reorg(&d->moves, row, err) != 0)
		return -1;
	if (row->status == DELIVERY_SUBMITTED && done && directive_include(&d->moves, row, &e, false, err) != 0)
		return -1;
	if (row->status == DELIVERY_INCLUDED && final) {
		(void)FAILPOINT("outbox.confirm");
		return directive_confirm(&d->moves, row, &e, NULL, err);
	}
	if (row->status == DELIVERY_SUBMITTED && final)
		put_before_judge(d, row, n, code);
	return 0;
}

static int item_gone(struct verdict *d, struct directive_row *row, size_t n, struct err *err)
{
	if (row->status != DELIVERY_SUBMITTED)
		return directive_reorg(&d->moves, row, err);
	if (d->slot.state == SLOT_LOST)
		put_before_judge(d, row, n, -1);
	return 0;
}

/* Of the slot's present content.  What an earlier one held was given back to the queue, and finds its effect there. */
static int each_item(struct verdict *d, bool final, struct err *err)
{
	struct item_row *items;
	size_t n;

	if (item_store_list(unit_view(d->moves.u), &d->arena, d->slot.id, d->slot.fill, &items, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct directive_row row;

		if (directive_store_by_seq(unit_view(d->moves.u), &d->arena, items[i].seq, &row, err) != 0)
			return -1;
		if (!belongs(&row, &d->slot))
			continue;
		if (d->look->found ? item_found(d, &row, i, n, final, err) != 0 : item_gone(d, &row, n, err) != 0)
			return -1;
	}
	return 0;
}

/* --- the slot --- */

static uint64_t gwei_of(const struct evm_receipt *r)
{
	return wei_to_gwei_ceil(gas_cost(r->effective_gas_price, r->gas_used));
}

static bool slot_is_final(const struct slot_row *s)
{
	return s->state == SLOT_CONFIRMED || s->state == SLOT_FAILED;
}

/* Takes the receipt over where it is news. */
static bool take_receipt(struct verdict *d)
{
	const struct evm_receipt *r = &d->look->receipt;
	struct slot_row *s = &d->slot;

	if (s->mined && hash32_equal(&s->mined_block_hash, &r->block_hash) &&
	    hash32_equal(&s->mined_hash, &r->tx_hash) && (s->state == SLOT_MINED || slot_is_final(s)))
		return false;
	(void)FAILPOINT("outbox.receipt");
	s->mined = true;
	s->mined_hash = r->tx_hash;
	s->mined_block = r->block_number;
	s->mined_block_hash = r->block_hash;
	s->mined_ok = r->succeeded;
	s->gas_used = r->gas_used;
	s->gas_price = r->effective_gas_price;
	s->cost_gwei = gwei_of(r);
	s->state = SLOT_MINED;
	return true;
}

static int slot_is_mined(struct verdict *d, struct err *err)
{
	const struct chain *c = d->chain;
	struct slot_row *s = &d->slot;
	bool final = chain_is_final(c, d->look->receipt.block_number), news = take_receipt(d);
	bool watched = slot_is_final(s);

	if (!news && !final)
		return 0;
	/* Looked after only, and nothing is left to judge: it is not even read. */
	if (watched && s->next_check_at_ms == WATCH_ONLY && c->head <= s->watch_until)
		return 0;
	if (final && !watched) {
		s->state = d->look->receipt.succeeded ? SLOT_CONFIRMED : SLOT_FAILED;
		s->watch_until = c->head + 2 * chain_final_depth(c);
	}
	if (each_item(d, final, err) != 0)
		return -1;
	s->next_check_at_ms = !final || d->n_judge > 0 || d->waits ? d->moves.now_ms + RESEND_MS
			      : c->head > s->watch_until           ? NEVER_AGAIN
								   : WATCH_ONLY;
	return slot_store_save(d->moves.u, s, err);
}

/* Its receipt was there, and is not any more. */
static int slot_is_orphaned(struct verdict *d, struct err *err)
{
	d->slot.mined = false;
	d->slot.state = SLOT_BROADCAST;
	d->slot.watch_until = 0;
	d->slot.next_check_at_ms = d->moves.now_ms;
	d->resend = d->orphaned = true;
	if (each_item(d, false, err) != 0)
		return -1;
	return slot_store_save(d->moves.u, &d->slot, err);
}

static int slot_is_lost(struct verdict *d, struct err *err)
{
	d->slot.state = SLOT_LOST;
	d->slot.cost_gwei = 0;
	d->slot.next_check_at_ms = d->moves.now_ms + RESEND_MS;
	d->lost = true;
	if (lane_note_foreign(d->look->lane, d->moves.u, &d->arena, d->slot.opened_at_ms, &d->foreign, err) != 0 ||
	    each_item(d, false, err) != 0)
		return -1;
	return slot_store_save(d->moves.u, &d->slot, err);
}

static bool is_lowest(struct verdict *d, struct err *err)
{
	struct lane_slots slots;

	return lane_slots_read(unit_view(d->moves.u), d->slot.lane, &slots, err) == 0 && slots.lowest == d->slot.id;
}

/* Not mined: offered again, or replaced by a dearer one when it holds up those above it. */
static int slot_waits(struct verdict *d, struct err *err)
{
	const struct look *k = d->look;
	int64_t sent = k->attempts[k->n_attempts - 1].first_sent_at_ms;

	if (d->slot.next_check_at_ms > d->moves.now_ms && !d->track->offers)
		return 0;
	d->bump = sent > 0 && d->moves.now_ms - sent >= delivery_patience_ms(d->chain) && is_lowest(d, err);
	d->resend = !d->bump;
	return 0;
}

static int verdict_run(struct unit *u, void *ctx, struct err *err)
{
	struct verdict *d = ctx;

	d->moves = moves_in(u, &d->arena, &d->chain->ob->meters);
	if (slot_store_get(unit_view(u), d->look->slot.id, &d->slot, err) != 0)
		return -1;
	if (d->slot.version != d->look->slot.version)
		return ERR(err, ERR_CONFLICT, "slot %" PRId64 " has moved on", d->slot.id);
	if (d->look->found)
		return slot_is_mined(d, err);
	switch (d->slot.state) {
	case SLOT_MINED:
	case SLOT_CONFIRMED:
	case SLOT_FAILED:
		return slot_is_orphaned(d, err);
	case SLOT_PREPARED:
	case SLOT_BROADCAST:
		return lost_slot_is(d->look->lane, &d->slot, d->track->endpoint) ? slot_is_lost(d, err)
										 : slot_waits(d, err);
	case SLOT_LOST:
		if (each_item(d, false, err) != 0)
			return -1;
		d->slot.next_check_at_ms = d->n_judge ? d->moves.now_ms + RESEND_MS : -1;
		return slot_store_save(u, &d->slot, err);
	case SLOT_VACANT:
		return lost_slot_is(d->look->lane, &d->slot, d->track->endpoint) ? slot_is_lost(d, err) : 0;
	}
	return ERR(err, ERR_INTERNAL, "a slot without a state");
}

static void round_over(struct track *t);

static void verdict_end(struct verdict *d)
{
	struct track *t = d->track;

	arena_done(&d->arena);
	free(d);
	if (--t->units == 0)
		round_over(t);
}

static void verdict_durable(void *ctx, const struct err *err)
{
	struct verdict *d = ctx;
	struct lane *l = d->look->lane;
	struct outbox *ob = d->chain->ob;

	ob->units--;
	if (err) {
		outbox_write_failed(ob, "outbox.receipts_not_saved", err);
		d->chain->track_new_head = true; /* the same again at the next poll */
		verdict_end(d);
		return;
	}
	after_run(&d->moves.after, &ob->meters);
	if (d->look->found || d->lost)
		lost_slot_forget(l, d->slot.id);
	if (d->foreign)
		lane_count_foreign(l);
	if (d->lost)
		log_error(&ob->log, "outbox.slot_lost", F_INT("lane", l->id), F_UINT("nonce", d->slot.nonce),
			  F_STR("hint", "somebody else used this account nonce of the relayer"));
	for (size_t i = 0; i < d->n_judge; i++)
		settle_submitted(l, &d->slot, &d->judge[i], &d->judgements[i]);
	if (d->bump)
		delivery_bump(l, d->slot.id, true);
	else if (d->resend)
		delivery_send(l, d->slot.id);
	if (d->orphaned) /* there is work again where there may have been none */
		chain_watch_kick(d->chain);
	verdict_end(d);
}

static void judge_look(struct track *t, struct look *k)
{
	struct outbox *ob = t->chain->ob;
	struct verdict *d;
	struct err err;

	d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	d->track = t;
	d->chain = t->chain;
	d->look = k;
	d->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	t->units++;
	if (store_unit(ob->opt.store, verdict_run, d, verdict_durable, &err) == 0) {
		ob->units++;
		return;
	}
	outbox_write_failed(ob, "outbox.receipts_not_saved", &err);
	verdict_end(d);
}

/* --- rounds --- */

static void track_free(struct track *t)
{
	t->chain->tracking = NULL;
	arena_done(&t->round);
	arena_done(&t->arena);
	free(t);
}

/* What was to be looked at still is, at the next poll. */
static void track_failed(struct track *t)
{
	t->chain->track_new_head = t->chain->track_new_head || t->all;
	t->chain->offer_again = t->chain->offer_again || t->offers;
	track_free(t);
}

/* Units of a round that have not become durable hold it; their hooks run at the store's next flush. */
void tracker_cancel(struct chain *c)
{
	struct track *t = c->tracking;

	if (!t)
		return;
	if (t->ask)
		endpoints_cancel(t->ask);
	track_free(t);
}

/* False: an answer cannot be read, and so nobody knows. */
static bool take_answers(struct track *t, struct look *k, const struct evm_answers *rep)
{
	bool all_read = true;

	for (size_t i = 0; i < k->n_attempts && !k->found; i++) {
		struct err err;
		json_t *v;

		k->mined = &k->attempts[i];
		if (jsonrpc_result(&rep->answers[k->first_call + i], &v, &err) != 0 ||
		    evm_reply_receipt(&t->round, v, &k->attempts[i].hash, &k->found, &k->receipt, &err) != 0) {
			log_debug(&t->chain->ob->log, "outbox.receipt_unreadable", F_INT("slot", k->slot.id),
				  F_ERR(&err));
			all_read = false;
		}
	}
	return k->found || all_read;
}

static void ask_round(struct track *t);

static void round_answered(void *ctx, const struct evm_answers *rep)
{
	struct track *t = ctx;

	t->ask = NULL;
	if (rep->endpoint < 0) {
		track_failed(t);
		return;
	}
	t->endpoint = rep->endpoint;
	t->units = 1; /* held until all of them are begun */
	for (size_t i = t->at; i < t->end; i++)
		if (t->looks[i].n_attempts > 0 && take_answers(t, &t->looks[i], rep))
			judge_look(t, &t->looks[i]);
	if (--t->units == 0)
		round_over(t);
}

static void ask_round(struct track *t)
{
	struct view v = store_view(t->chain->ob->opt.store);
	struct jsonrpc_batch b;
	struct err err;

	arena_reset(&t->round);
	b = jsonrpc_batch_in(&t->round);
	for (t->end = t->at; t->end < t->n; t->end++) {
		struct look *k = &t->looks[t->end];

		if (attempt_store_list(v, &t->round, k->slot.id, &k->attempts, &k->n_attempts, &err) != 0) {
			outbox_write_failed(t->chain->ob, "outbox.attempts_unreadable", &err);
			track_failed(t);
			return;
		}
		if (k->n_attempts > JSONRPC_BATCH_MAX) { /* the newest ones: many refills of one slot */
			k->attempts += k->n_attempts - JSONRPC_BATCH_MAX;
			k->n_attempts = JSONRPC_BATCH_MAX;
		}
		if (b.n + k->n_attempts > JSONRPC_BATCH_MAX)
			break;
		k->first_call = b.n;
		for (size_t i = 0; i < k->n_attempts; i++)
			evm_ask_receipt(&b, &k->attempts[i].hash);
	}
	if (b.n > 0)
		t->ask = endpoints_ask(t->chain->ep, &b, 0, round_answered, t);
	else /* vacant ones that never had an attempt */
		round_over(t);
}

static void round_over(struct track *t)
{
	struct chain *c = t->chain;

	t->at = t->end;
	if (t->at < t->n && !c->ob->stopping) {
		ask_round(t);
		return;
	}
	track_free(t);
	outbox_pump_soon(c->ob);
	lost_slots_ask(c);
	if (c->track_again && !c->ob->stopping)
		tracker_run(c, false);
}

/* --- which slots --- */

static void add_look(struct track *t, struct lane *l, const struct slot_row *slot)
{
	if (t->n == t->size) {
		struct look *more = ARENA_ARRAY(&t->arena, t->size * 2 + 16, struct look);

		for (size_t i = 0; i < t->n; i++)
			more[i] = t->looks[i];
		t->looks = more;
		t->size = t->size * 2 + 16;
	}
	t->looks[t->n++] = (struct look){ .lane = l, .slot = *slot };
}

/* A vacant one is never due: but what was refused may be mined all the same. */
static bool is_due(const struct slot_row *slot, int64_t now)
{
	return slot->state != SLOT_VACANT && slot->next_check_at_ms > WATCH_ONLY && slot->next_check_at_ms <= now;
}

static void add_looks(struct track *t, struct lane *l, const struct slot_row *slots, size_t n)
{
	int64_t now = clock_now_ms();

	for (size_t i = 0; i < n; i++)
		if (!delivery_sends(l->ob, slots[i].id) && (t->all || is_due(&slots[i], now)))
			add_look(t, l, &slots[i]);
}

static int add_lane(struct track *t, struct lane *l, struct err *err)
{
	struct view v = store_view(l->ob->opt.store);
	struct slot_row *open, *watched;
	size_t n_open, n_watched;

	if (slot_store_list_open(v, &t->arena, l->id, LANE_SLOTS_MAX, &open, &n_open, err) != 0 ||
	    slot_store_list_watched(v, &t->arena, l->id, WATCHED_A_LANE, &watched, &n_watched, err) != 0)
		return -1;
	add_looks(t, l, open, n_open);
	add_looks(t, l, watched, n_watched);
	return 0;
}

static struct track *track_new(struct chain *c)
{
	struct track *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->chain = c;
	t->offers = c->offer_again;
	t->all = c->track_new_head || t->offers;
	c->track_new_head = c->offer_again = c->track_again = false;
	t->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	t->round = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	c->tracking = t;
	return t;
}

void tracker_run(struct chain *c, bool new_head)
{
	struct track *t;
	struct err err;

	c->track_new_head = c->track_new_head || new_head; /* kept until it can be looked at */
	c->track_again = c->tracking != NULL;
	if (c->tracking || !outbox_may_drive(c->ob) || c->reach != HOLD_NONE)
		return;
	t = track_new(c);
	for (size_t i = 0; i < c->n_lanes; i++)
		if (c->lanes[i]->id != 0 && add_lane(t, c->lanes[i], &err) != 0) {
			outbox_write_failed(c->ob, "outbox.slots_unreadable", &err);
			track_failed(t);
			return;
		}
	if (t->n == 0)
		track_free(t);
	else
		ask_round(t);
}
