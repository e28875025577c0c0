/* outbox/sending.c - one raw transaction on its way to the nodes, and what their answer means for its slot. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/delivery.h"
#include "outbox/directive_states.h"
#include "outbox/lane_slots.h"
#include "outbox/lane_sync.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/send_class.h"

#define REPLY_KEPT    300
#define AGAIN_MIN_MS  1000
#define AGAIN_MAX_MS  30000
#define RESEND_MS     60000 /* pools drop: an open transaction is offered again this often */
#define SLOTS_FELL_US (INT64_C(60) * 1000000)

struct send {
	struct outbox *ob;
	struct lane *lane;
	struct arena arena;
	int64_t slot_id;
	struct attempt_row attempt; /* in arena */
	struct endpoints_asked *ask;
	enum evm_send_class class;
	const char *reply;
	struct moves moves;
	bool bump, vacated;
	struct send *next, **prev;
};

static void send_free(struct send *s)
{
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	arena_done(&s->arena);
	free(s);
}

void delivery_cancel_all(struct outbox *ob)
{
	while (ob->sends) {
		if (ob->sends->ask)
			endpoints_cancel(ob->sends->ask);
		send_free(ob->sends);
	}
}

bool delivery_sends(const struct outbox *ob, int64_t slot)
{
	for (const struct send *s = ob->sends; s; s = s->next)
		if (s->slot_id == slot)
			return true;
	return false;
}

/* --- what the answer means --- */

static int64_t try_again_at(const struct send *s, int64_t now)
{
	int64_t since = s->attempt.first_sent_at_ms > 0 ? now - s->attempt.first_sent_at_ms : 0;

	return now + (since < AGAIN_MIN_MS ? AGAIN_MIN_MS : since > AGAIN_MAX_MS ? AGAIN_MAX_MS : since);
}

static int ever_acknowledged(struct send *s, struct unit *u, bool *ret, struct err *err)
{
	struct attempt_row *rows;
	size_t n;

	if (attempt_store_list(unit_view(u), &s->arena, s->slot_id, &rows, &n, err) != 0)
		return -1;
	*ret = false;
	for (size_t i = 0; i < n; i++)
		*ret = *ret || rows[i].acknowledged;
	return 0;
}

/* Nothing entered any pool: other content may take the slot.  All attempts stay watched, so that it is safe even if some
 * node did accept it. */
static int vacate(struct send *s, struct slot_row *slot, struct err *err)
{
	bool acknowledged;

	if (ever_acknowledged(s, s->moves.u, &acknowledged, err) != 0)
		return -1;
	if (acknowledged)
		return 0;
	if (slot->purpose == SLOT_DIRECTIVES && delivery_requeue_items(&s->moves, slot, s->reply, err) != 0)
		return -1;
	slot->state = SLOT_VACANT;
	slot->cost_gwei = 0;
	s->vacated = true;
	return 0;
}

/* The node lacks those below: they are due now, in their order. */
static int offer_lower(struct send *s, const struct slot_row *slot, struct err *err)
{
	struct slot_row *open;
	size_t n;

	if (slot_store_list_open(unit_view(s->moves.u), &s->arena, slot->lane, LANE_SLOTS_MAX, &open, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n && open[i].nonce < slot->nonce; i++) {
		if (open[i].state != SLOT_PREPARED && open[i].state != SLOT_BROADCAST)
			continue;
		open[i].next_check_at_ms = s->moves.now_ms;
		if (slot_store_save(s->moves.u, &open[i], err) != 0)
			return -1;
	}
	return 0;
}

static int act(struct send *s, struct slot_row *slot, struct err *err)
{
	int64_t now = s->moves.now_ms;

	slot->next_check_at_ms = now + RESEND_MS;
	if (delivery_patience_ms(s->lane->chain) < RESEND_MS)
		slot->next_check_at_ms = now + delivery_patience_ms(s->lane->chain);
	switch (s->class) {
	case EVM_SEND_OK:
	case EVM_SEND_KNOWN:
		if (slot->state == SLOT_PREPARED)
			slot->state = SLOT_BROADCAST;
		return 0;
	case EVM_SEND_NONCE_HIGH:
		slot->next_check_at_ms = try_again_at(s, now);
		return offer_lower(s, slot, err);
	case EVM_SEND_REPL_LOW:
	case EVM_SEND_UNDERPRICED:
		s->bump = true;
		slot->next_check_at_ms = try_again_at(s, now);
		return 0;
	case EVM_SEND_INVALID:
	case EVM_SEND_REVERT:
		return vacate(s, slot, err);
	case EVM_SEND_RESERVED:
		slot->next_check_at_ms = try_again_at(s, now);
		return lane_store_pause(s->moves.u, s->lane->id, "address_reserved", err);
	case EVM_SEND_NONCE_LOW:
	case EVM_SEND_FUNDS:
	case EVM_SEND_POOL_FULL:
	case EVM_SEND_UNKNOWN:
	case EVM_SEND_NOT_SENT:
	case EVM_SEND_OTHER_HASH:
		slot->next_check_at_ms = try_again_at(s, now);
		return 0;
	}
	return ERR(err, ERR_INTERNAL, "a send without a class");
}

static int reply_run(struct unit *u, void *ctx, struct err *err)
{
	struct send *s = ctx;
	bool acknowledged = evm_send_is_acknowledged(s->class);
	struct slot_row slot;

	s->moves = moves_in(u, &s->arena, &s->ob->meters);
	if (FAILPOINT("outbox.reply"))
		return ERR(err, ERR_STORAGE, "failpoint outbox.reply");
	if (attempt_store_note_sent(u, &s->attempt.hash, s->moves.now_ms, s->reply, acknowledged, err) != 0 ||
	    slot_store_get(unit_view(u), s->slot_id, &slot, err) != 0)
		return -1;
	/* Mined, filled anew or given up meanwhile: what is said of these bytes changes nothing any more. */
	if ((slot.state != SLOT_PREPARED && slot.state != SLOT_BROADCAST) || slot.fill != s->attempt.fill)
		return 0;
	if (act(s, &slot, err) != 0)
		return -1;
	return slot_store_save(u, &slot, err);
}

static void pool_is_full(struct lane *l)
{
	l->slots_now = l->slots_now > 1 ? l->slots_now / 2 : 1;
	l->slots_fell_us = clock_mono_us();
}

/* Until the balance grows, or a node takes one after all: what others of the lane may cost at most is known to the node
 * alone. */
static void no_funds(struct lane *l, const struct send *s)
{
	struct wei more;

	l->needs = gas_cost(s->attempt.max_fee, s->attempt.gas_limit);
	if (wei_cmp(l->balance, l->needs) >= 0 && wei_add(l->balance, wei_from_u64(1), &more))
		l->needs = more;
	lane_hold(l, HOLD_NO_FUNDS, s->reply);
}

static void was_taken(struct lane *l)
{
	if (l->hold == HOLD_NO_FUNDS)
		lane_hold(l, HOLD_NONE, NULL);
	if (l->slots_now >= l->chain->conf.slots_max || clock_mono_us() - l->slots_fell_us <= SLOTS_FELL_US)
		return;
	l->slots_now++;
	l->slots_fell_us = clock_mono_us();
}

/* What follows outside the store. */
static void consequences(struct send *s)
{
	struct lane *l = s->lane;

	switch (s->class) {
	case EVM_SEND_FUNDS:
		no_funds(l, s);
		break;
	case EVM_SEND_POOL_FULL:
		pool_is_full(l);
		break;
	case EVM_SEND_NONCE_LOW:
	case EVM_SEND_NONCE_HIGH:
		lane_sync_soon(l);
		break;
	case EVM_SEND_OTHER_HASH:
		log_error(&s->ob->log, "outbox.other_hash", F_INT("lane", l->id), F_INT("slot", s->slot_id));
		break;
	case EVM_SEND_OK:
	case EVM_SEND_KNOWN:
		was_taken(l);
		break;
	case EVM_SEND_REPL_LOW:
	case EVM_SEND_UNDERPRICED:
	case EVM_SEND_INVALID:
	case EVM_SEND_RESERVED:
	case EVM_SEND_REVERT:
	case EVM_SEND_UNKNOWN:
	case EVM_SEND_NOT_SENT:
		break;
	}
}

static void reply_durable(void *ctx, const struct err *err)
{
	struct send *s = ctx;
	struct outbox *ob = s->ob;
	struct lane *l = s->lane;
	int64_t slot = s->slot_id;
	bool bump = s->bump;

	ob->units--;
	if (err) {
		outbox_write_failed(ob, "outbox.reply_not_saved", err);
		send_free(s);
		return;
	}
	after_run(&s->moves.after, &ob->meters);
	LOG_AT(&ob->log, evm_send_is_acknowledged(s->class) ? LOG_DEBUG : LOG_INFO, "outbox.sent", F_INT("lane", l->id),
	       F_INT("slot", slot), F_STR("class", evm_send_class_name(s->class)), F_STR("reply", s->reply));
	consequences(s);
	send_free(s);
	if (bump)
		delivery_bump(l, slot, false);
	outbox_pump_soon(ob);
}

static const char *words_of(const struct evm_answers *rep, enum evm_send_class class)
{
	if (rep->endpoint < 0)
		return rep->err.msg;
	if (rep->answers[0].flaw != JSONRPC_FINE)
		return jsonrpc_flaw_text(rep->answers[0].flaw);
	return rep->answers[0].result ? evm_send_class_name(class) : rep->answers[0].error.message;
}

static void sent(void *ctx, const struct evm_answers *rep)
{
	struct send *s = ctx;
	struct err err;

	s->ask = NULL;
	s->class = evm_answers_send_class(rep, 0, &s->attempt.hash);
	s->reply = arena_strndup(&s->arena, words_of(rep, s->class), REPLY_KEPT);
	if (store_unit(s->ob->opt.store, reply_run, s, reply_durable, &err) != 0) {
		outbox_write_failed(s->ob, "outbox.reply_not_saved", &err);
		send_free(s);
		return;
	}
	s->ob->units++;
}

/* --- replacing --- */

struct bump {
	struct lane *lane;
	struct arena arena;
	int64_t slot_id;
	struct moves moves;
};

static void bump_free(struct bump *b)
{
	arena_done(&b->arena);
	free(b);
}

static int bump_run(struct unit *u, void *ctx, struct err *err)
{
	struct bump *b = ctx;
	struct slot_row slot;
	struct hash32 hash;

	b->moves = moves_in(u, &b->arena, &b->lane->ob->meters);
	if (slot_store_get(unit_view(u), b->slot_id, &slot, err) != 0)
		return -1;
	if (slot.state != SLOT_PREPARED && slot.state != SLOT_BROADCAST)
		return ERR(err, ERR_CONFLICT, "slot %" PRId64 " needs no replacement any more", b->slot_id);
	return delivery_replace(b->lane, &b->moves, &slot, &hash, err);
}

static void bump_durable(void *ctx, const struct err *err)
{
	struct bump *b = ctx;

	b->lane->ob->units--;
	if (err) {
		outbox_write_failed(b->lane->ob, "outbox.replacement_not_saved", err);
	} else {
		after_run(&b->moves.after, &b->lane->ob->meters);
		log_info(&b->lane->ob->log, "outbox.replaced", F_INT("lane", b->lane->id), F_INT("slot", b->slot_id));
		delivery_send(b->lane, b->slot_id);
	}
	bump_free(b);
}

void delivery_bump(struct lane *l, int64_t slot, bool due)
{
	struct bump *b;
	struct err err;

	if (!outbox_may_drive(l->ob) || delivery_sends(l->ob, slot))
		return;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->lane = l;
	b->slot_id = slot;
	b->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	if (store_unit(l->ob->opt.store, bump_run, b, bump_durable, &err) == 0) {
		l->ob->units++;
		return;
	}
	bump_free(b);
	if (err.code == ERR_BUDGET || err.code == ERR_BUSY || err.code == ERR_WALLET_LOCKED) {
		log_warn(&l->ob->log, "outbox.not_replaced", F_INT("lane", l->id), F_INT("slot", slot), F_ERR(&err));
		if (due)
			delivery_send(l, slot);
	} else {
		outbox_write_failed(l->ob, "outbox.replacement_not_saved", &err);
	}
}

/* --- gaps --- */

static int gap_run(struct unit *u, void *ctx, struct err *err)
{
	struct bump *b = ctx;
	struct lane_slots slots;
	struct slot_row slot;

	if (lane_slots_read(unit_view(u), b->lane->id, &slots, err) != 0)
		return -1;
	if (!slots.gap) /* filled by a unit that is not durable yet */
		return ERR(err, ERR_CONFLICT, "lane %" PRId64 " has no gap any more", b->lane->id);
	if (delivery_open_no_op(b->lane, u, &b->arena, &slot, err) != 0)
		return -1;
	b->slot_id = slot.id;
	return 0;
}

static void gap_durable(void *ctx, const struct err *err)
{
	struct bump *b = ctx;

	b->lane->ob->units--;
	if (err) {
		outbox_write_failed(b->lane->ob, "outbox.gap_not_saved", err);
	} else {
		log_info(&b->lane->ob->log, "outbox.gap_filled", F_INT("lane", b->lane->id), F_INT("slot", b->slot_id));
		delivery_send(b->lane, b->slot_id);
	}
	bump_free(b);
}

void delivery_fill_gap(struct lane *l)
{
	struct bump *b;
	struct err err;

	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->lane = l;
	b->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	if (store_unit(l->ob->opt.store, gap_run, b, gap_durable, &err) == 0) {
		l->ob->units++;
		return;
	}
	bump_free(b);
	log_info(&l->ob->log, "outbox.gap_not_filled", F_INT("lane", l->id), F_ERR(&err));
}

/* --- sending --- */

static int load_newest(struct send *s, struct err *err)
{
	struct view v = store_view(s->ob->opt.store);
	struct attempt_row *rows;
	struct slot_row slot;
	size_t n;

	if (slot_store_get(v, s->slot_id, &slot, err) != 0 ||
	    attempt_store_list(v, &s->arena, s->slot_id, &rows, &n, err) != 0)
		return -1;
	if (n == 0 || (slot.state != SLOT_PREPARED && slot.state != SLOT_BROADCAST))
		return ERR(err, ERR_CONFLICT, "slot %" PRId64 " has nothing to send", s->slot_id);
	s->attempt = rows[n - 1];
	return attempt_store_raw(v, &s->arena, &s->attempt.hash, &s->attempt.raw, err);
}

void delivery_send(struct lane *l, int64_t slot)
{
	struct send *s;
	struct jsonrpc_batch b;
	struct err err;

	if (l->ob->stopping || delivery_sends(l->ob, slot))
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->ob = l->ob;
	s->lane = l;
	s->slot_id = slot;
	s->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	s->next = l->ob->sends;
	if (s->next)
		s->next->prev = &s->next;
	s->prev = &l->ob->sends;
	l->ob->sends = s;
	if (load_newest(s, &err) != 0) {
		outbox_write_failed(l->ob, "outbox.slot_unreadable", &err);
		send_free(s);
		return;
	}
	(void)FAILPOINT("outbox.send");
	b = jsonrpc_batch_in(&s->arena);
	evm_ask_send(&b, s->attempt.raw);
	s->ask = endpoints_ask(l->chain->ep, &b, ASK_SEND, sent, s);
	chain_watch_kick(l->chain); /* the look that found it gone may have been an idle one */
}
