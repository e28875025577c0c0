#include "outbox/lost_slots.h"

#include <stdlib.h>

#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_reply.h"

static struct suspect *suspect_of(struct lane *l, int64_t slot)
{
	for (size_t i = 0; i < SUSPECTS_MAX; i++)
		if (l->suspects[i].slot == slot)
			return &l->suspects[i];
	return NULL;
}

void lost_slot_forget(struct lane *l, int64_t slot)
{
	struct suspect *s = suspect_of(l, slot);

	if (s)
		s->slot = 0;
}

static bool is_old_enough(const struct lane *l, const struct suspect *s)
{
	return l->chain->head >= s->since + chain_final_depth(l->chain);
}

bool lost_slot_is(struct lane *l, const struct slot_row *slot, int endpoint)
{
	struct suspect *s = suspect_of(l, slot->id);

	if (slot->nonce >= l->latest) {
		lost_slot_forget(l, slot->id);
		return false;
	}
	if (!s) {
		s = suspect_of(l, 0);
		if (s)
			*s = (struct suspect){ .slot = slot->id, .since = l->chain->head, .endpoint = endpoint };
		return false;
	}
	return is_old_enough(l, s) && (s->confirmed || s->endpoint != endpoint || endpoints_count(l->chain->ep) == 1);
}

/* --- another endpoint --- */

struct second_opinion {
	struct chain *chain;
	struct lane *lane;
	struct arena arena;
	struct endpoints_asked *ask;
	struct slot_row slot;
	struct attempt_row *attempts;
	size_t n;
};

static void opinion_free(struct second_opinion *o)
{
	o->chain->second_opinion = NULL;
	arena_done(&o->arena);
	free(o);
}

void lost_slots_cancel(struct chain *c)
{
	if (!c->second_opinion)
		return;
	endpoints_cancel(c->second_opinion->ask);
	opinion_free(c->second_opinion);
}

/* 1: this endpoint has no receipt either; 0: it has; -1: it does not know, or its count has not passed the nonce. */
static int opinion_of(struct second_opinion *o, const struct evm_answers *rep)
{
	uint64_t count;
	struct err err;
	json_t *v;

	if (jsonrpc_result(&rep->answers[0], &v, &err) != 0 || evm_reply_u64(v, &count, &err) != 0 ||
	    count <= o->slot.nonce)
		return -1;
	for (size_t i = 0; i < o->n; i++) {
		struct evm_receipt receipt;
		bool found;

		if (jsonrpc_result(&rep->answers[1 + i], &v, &err) != 0 ||
		    evm_reply_receipt(&o->arena, v, &o->attempts[i].hash, &found, &receipt, &err) != 0)
			return -1;
		if (found)
			return 0;
	}
	return 1;
}

static void answered(void *ctx, const struct evm_answers *rep)
{
	struct second_opinion *o = ctx;
	struct suspect *s = suspect_of(o->lane, o->slot.id);
	struct chain *c = o->chain;
	int opinion = rep->endpoint < 0 ? -1 : opinion_of(o, rep);

	if (s && opinion == 1 && rep->endpoint != s->endpoint)
		s->confirmed = true;
	else if (s && opinion == 0) /* the first one lags behind its own counts */
		s->slot = 0;
	opinion_free(o);
	if (opinion == 1)
		tracker_run(c, true);
}

static void ask(struct lane *l, const struct suspect *s)
{
	struct view v = store_view(l->ob->opt.store);
	struct second_opinion *o = calloc(1, sizeof(*o));
	struct jsonrpc_batch b;
	struct err err;

	if (!o)
		abort();
	o->chain = l->chain;
	o->lane = l;
	o->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	l->chain->second_opinion = o;
	if (slot_store_get(v, s->slot, &o->slot, &err) != 0 ||
	    attempt_store_list(v, &o->arena, s->slot, &o->attempts, &o->n, &err) != 0) {
		outbox_write_failed(l->ob, "outbox.attempts_unreadable", &err);
		opinion_free(o);
		return;
	}
	if (o->n > JSONRPC_BATCH_MAX - 1) { /* the newest ones, as the tracker does */
		o->attempts += o->n - (JSONRPC_BATCH_MAX - 1);
		o->n = JSONRPC_BATCH_MAX - 1;
	}
	b = jsonrpc_batch_in(&o->arena);
	evm_ask_tx_count(&b, &l->address, evm_block_tagged(EVM_LATEST));
	for (size_t i = 0; i < o->n; i++)
		evm_ask_receipt(&b, &o->attempts[i].hash);
	o->ask = endpoints_ask(l->chain->ep, &b, ASK_OTHER_THAN(s->endpoint), answered, o);
}

void lost_slots_ask(struct chain *c)
{
	if (endpoints_count(c->ep) == 1 || c->ob->stopping)
		return;
	for (size_t i = 0; i < c->n_lanes; i++)
		for (size_t k = 0; k < SUSPECTS_MAX && !c->second_opinion; k++) {
			const struct suspect *s = &c->lanes[i]->suspects[k];

			if (s->slot != 0 && !s->confirmed && is_old_enough(c->lanes[i], s))
				ask(c->lanes[i], s);
		}
}
