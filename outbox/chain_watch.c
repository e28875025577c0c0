/* outbox/chain_watch.c - what is known of a chain: its head, its fees, and the relayers' accounts.  Polled twice a block
 * while there is work, and now and then when there is none (spec/outbox.md 5.1, 5.4, 5.5). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outbox/elsewhere.h"
#include "outbox/internal.h"
#include "outbox/lane_sync.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/tx.h"

#define POLL_MIN_MS     250
#define POLL_MAX_MS     5000
#define POLL_IDLE_MS    30000
#define FEE_BLOCKS      5
#define LANES_A_POLL    24 /* three questions each */
#define FEE_PERCENTILE  60
#define PEEK_EVERY_US   (INT64_C(4) * 1000000)
#define FINALIZED_DEPTH 64
#define ENDPOINTS_US    (INT64_C(2) * 1000000)
#define FEE_CAP_US      (INT64_C(5) * 1000000)
#define DAY_CAP_US      (INT64_C(60) * 1000000)

/* Which answers of a poll are what. */
struct poll {
	struct chain *chain;
	struct endpoints_asked *ask;
	struct arena arena;
	size_t head, finalized, fees, accounts;
	bool asks_finalized;
	size_t first_lane, n_lanes;
};

bool chain_final_block(const struct chain *c, uint64_t *ret)
{
	if (!c->head_known)
		return false;
	if (c->conf.confirmations == 0) {
		*ret = c->finalized;
		return c->finalized > 0;
	}
	if (c->head + 1 < c->conf.confirmations)
		return false;
	*ret = c->head + 1 - c->conf.confirmations;
	return true;
}

bool chain_is_final(const struct chain *c, uint64_t block)
{
	uint64_t final;

	return chain_final_block(c, &final) && block <= final;
}

uint64_t chain_final_depth(const struct chain *c)
{
	return c->conf.confirmations ? c->conf.confirmations : FINALIZED_DEPTH;
}

/* --- the answers --- */

/* Holds end when their cause does; not at once, or each poll would try and fail. */
static void lane_look_again(struct lane *l)
{
	int64_t held_us = clock_mono_us() - l->held_since_us;

	if ((l->hold == HOLD_ENDPOINTS && held_us > ENDPOINTS_US) ||
	    (l->hold == HOLD_FEE_CAP && !l->chain->over_cap && held_us > FEE_CAP_US) ||
	    (l->hold == HOLD_DAY_CAP && held_us > DAY_CAP_US))
		lane_hold(l, HOLD_NONE, NULL);
}

static int take_head(struct chain *c, const struct evm_answers *rep, size_t at, struct err *err)
{
	struct evm_block block;
	json_t *v;
	bool found;

	if (jsonrpc_result(&rep->answers[at], &v, err) != 0 ||
	    evm_reply_block(v, evm_block_tagged(EVM_LATEST), &found, &block, err) != 0)
		return -1;
	if (!found)
		return ERR(err, ERR_PEER_INVALID, "the node has no latest block");
	endpoints_saw_head(c->ep, rep->endpoint, &block);
	c->head_known = true;
	c->head = block.number;
	c->head_hash = block.hash;
	c->block_gas_limit = block.gas_limit;
	c->head_at_us = clock_mono_us();
	return 0;
}

static int take_finalized(struct chain *c, const struct evm_answers *rep, size_t at, struct err *err)
{
	struct evm_block block;
	json_t *v;
	bool found;

	if (jsonrpc_result(&rep->answers[at], &v, err) != 0 ||
	    evm_reply_block(v, evm_block_tagged(EVM_FINALIZED), &found, &block, err) != 0)
		return -1;
	if (!found)
		return 0;
	endpoints_saw_finalized(c->ep, rep->endpoint, &block);
	if (block.number > c->finalized)
		c->finalized = block.number;
	return 0;
}

static int take_fees(struct chain *c, struct arena *a, const struct evm_answers *rep, size_t at, struct err *err)
{
	const struct evm_fee_limits limits = { .min_tip = c->conf.min_tip,
					       .max_tip = c->conf.max_tip,
					       .max_fee_cap = c->conf.max_fee };
	struct evm_fee_history h;
	struct evm_fees quote;
	json_t *v;

	if (jsonrpc_result(&rep->answers[at], &v, err) != 0 || evm_reply_fee_history(a, v, 1, &h, err) != 0)
		return -1;
	c->base_fee = h.base_fees[h.n_base_fees - 1];
	c->over_cap = !evm_fee_quote(c->base_fee, h.rewards[0], h.n_rewards, &limits, &quote);
	if (!c->over_cap)
		c->quote = quote;
	c->fees_known = true;
	return 0;
}

static int take_account(struct lane *l, const struct evm_answers *rep, size_t at, struct err *err)
{
	uint64_t latest, pending;
	struct wei balance;
	json_t *v;

	if (jsonrpc_result(&rep->answers[at], &v, err) != 0 || evm_reply_u64(v, &latest, err) != 0 ||
	    jsonrpc_result(&rep->answers[at + 1], &v, err) != 0 || evm_reply_u64(v, &pending, err) != 0 ||
	    jsonrpc_result(&rep->answers[at + 2], &v, err) != 0 || evm_reply_wei(v, &balance, err) != 0)
		return -1;
	lane_saw_account(l, latest, pending, balance);
	return 0;
}

static void poll_free(struct poll *p)
{
	arena_done(&p->arena);
	free(p);
}

/* NULL: it answers. */
static void chain_reached(struct chain *c, const struct err *failed)
{
	enum hold why = !failed ? HOLD_NONE : failed->code == ERR_CONFIG ? HOLD_WRONG_CHAIN : HOLD_ENDPOINTS;

	if (failed && c->reach != why)
		log_warn(&c->ob->log, "outbox.chain_lost", F_UINT("chain", c->conf.chain_id), F_ERR(failed));
	else if (!failed && c->reach != HOLD_NONE)
		log_info(&c->ob->log, "outbox.chain_reached", F_UINT("chain", c->conf.chain_id),
			 F_UINT("head", c->head));
	if (!failed && c->reach == HOLD_ENDPOINTS)
		c->offer_again = true;
	c->reach = why;
	if (failed) {
		c->ob->stats.failures++;
		c->ob->stats.last_error = *failed;
	} else {
		c->ob->stats.last_success_ms = clock_now_ms();
	}
}

/* One thing that cannot be read does not keep the others from being used. */
static void note(struct chain *c, const char *what, int rc, const struct err *err)
{
	if (rc == 0)
		return;
	log_debug(&c->ob->log, "outbox.poll", F_STR("what", what), F_UINT("chain", c->conf.chain_id), F_ERR(err));
}

static int64_t poll_ms(const struct chain *c)
{
	int64_t ms = c->conf.block_time_ms / 2;

	return ms < POLL_MIN_MS ? POLL_MIN_MS : ms > POLL_MAX_MS ? POLL_MAX_MS : ms;
}

/* --- every endpoint's own head: how one that lags or lies is found --- */

struct peek {
	struct chain *chain;
	int endpoint;
	struct endpoints_asked *ask;
	int64_t next_us;
};

static void peeked(void *ctx, const struct evm_answers *rep)
{
	struct peek *k = ctx;
	struct evm_block block;
	struct err err;
	json_t *v;
	bool found;

	k->ask = NULL;
	if (rep->endpoint < 0)
		return;
	if (jsonrpc_result(&rep->answers[0], &v, &err) == 0 &&
	    evm_reply_block(v, evm_block_tagged(EVM_LATEST), &found, &block, &err) == 0 && found)
		endpoints_saw_head(k->chain->ep, k->endpoint, &block);
	if (k->chain->conf.confirmations == 0 && jsonrpc_result(&rep->answers[1], &v, &err) == 0 &&
	    evm_reply_block(v, evm_block_tagged(EVM_FINALIZED), &found, &block, &err) == 0 && found)
		endpoints_saw_finalized(k->chain->ep, k->endpoint, &block);
}

static void peek_at_others(struct chain *c, int answered)
{
	int64_t now = clock_mono_us();

	for (size_t i = 0; i < c->conf.n_urls; i++) {
		struct peek *k = &c->peeks[i];
		SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
		struct jsonrpc_batch b = jsonrpc_batch_in(&a);

		if (k->ask || k->endpoint == answered || now < k->next_us)
			continue;
		k->next_us = now + PEEK_EVERY_US;
		evm_ask_block(&b, evm_block_tagged(EVM_LATEST));
		if (c->conf.confirmations == 0)
			evm_ask_block(&b, evm_block_tagged(EVM_FINALIZED));
		k->ask = endpoints_ask(c->ep, &b, ASK_AT(i), peeked, k);
	}
}

static void polled(void *ctx, const struct evm_answers *rep)
{
	struct poll *p = ctx;
	struct chain *c = p->chain;
	struct hash32 was = c->head_hash;
	bool knew = c->head_known;
	struct err err;

	c->polling = NULL;
	if (rep->endpoint < 0) {
		chain_reached(c, &rep->err);
	} else {
		int rc = take_head(c, rep, p->head, &err);

		note(c, "head", rc, &err);
		if (rc == 0)
			chain_reached(c, NULL);
		if (p->asks_finalized)
			note(c, "finalized", take_finalized(c, rep, p->finalized, &err), &err);
		note(c, "fees", take_fees(c, &p->arena, rep, p->fees, &err), &err);
		for (size_t i = 0; i < c->n_lanes; i++)
			lane_look_again(c->lanes[i]);
		for (size_t i = 0; i < p->n_lanes; i++)
			note(c, "account", take_account(c->lanes[p->first_lane + i], rep, p->accounts + 3 * i, &err),
			     &err);
	}
	poll_free(p);
	if (c->ob->stopping)
		return;
	c->poll_is_idle = !chain_has_work(c);
	peek_at_others(c, rep->endpoint);
	timer_start(c->poll, c->poll_is_idle ? POLL_IDLE_MS : poll_ms(c));
	if (rep->endpoint >= 0) {
		bool new_head = !knew || !hash32_equal(&c->head_hash, &was);

		tracker_run(c, new_head);
		if (new_head || c->elsewhere_due)
			elsewhere_run(c);
	}
	outbox_pump_soon(c->ob);
}

/* --- the questions --- */

static void ask_accounts(struct poll *p, struct jsonrpc_batch *b)
{
	struct chain *c = p->chain;

	p->accounts = b->n;
	for (size_t i = p->first_lane; i < c->n_lanes && p->n_lanes < LANES_A_POLL; i++) {
		const struct evm_address *relayer = &c->lanes[i]->address;

		if (c->lanes[i]->id == 0) /* not known while the wallet is locked, and then none of them is */
			break;
		evm_ask_tx_count(b, relayer, evm_block_tagged(EVM_LATEST));
		evm_ask_tx_count(b, relayer, evm_block_tagged(EVM_PENDING));
		evm_ask_balance(b, relayer, evm_block_tagged(EVM_LATEST));
		p->n_lanes++;
	}
	c->poll_lane = p->first_lane + p->n_lanes < c->n_lanes ? p->first_lane + p->n_lanes : 0;
}

static void poll_now(void *ctx)
{
	static const uint8_t percentiles[] = { FEE_PERCENTILE };
	struct chain *c = ctx;
	struct jsonrpc_batch b;
	struct poll *p;

	if (c->polling || c->ob->stopping)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->chain = c;
	p->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	b = jsonrpc_batch_in(&p->arena);
	p->head = evm_ask_block(&b, evm_block_tagged(EVM_LATEST));
	p->fees = evm_ask_fee_history(&b, FEE_BLOCKS, evm_block_tagged(EVM_LATEST), percentiles, 1);
	p->asks_finalized = c->conf.confirmations == 0;
	if (p->asks_finalized)
		p->finalized = evm_ask_block(&b, evm_block_tagged(EVM_FINALIZED));
	p->first_lane = c->poll_lane;
	ask_accounts(p, &b);
	c->polling = p;
	p->ask = endpoints_ask(c->ep, &b, 0, polled, p);
}

void chain_watch_start(struct chain *c)
{
	c->peeks = ARENA_ARRAY(&c->ob->own, c->conf.n_urls, struct peek);
	for (size_t i = 0; i < c->conf.n_urls; i++)
		c->peeks[i] = (struct peek){ .chain = c, .endpoint = (int)i };
	c->poll = loop_timer(c->ob->opt.loop, poll_now, c);
	timer_start(c->poll, 0);
}

void chain_watch_soon(struct chain *c)
{
	if (!c->polling && !c->ob->stopping)
		timer_start(c->poll, 0);
}

void chain_watch_kick(struct chain *c)
{
	if (!c->head_known || clock_mono_us() - c->head_at_us > poll_ms(c) * 1000)
		chain_watch_soon(c);
	else if (!c->polling && c->poll_is_idle)
		timer_start(c->poll, poll_ms(c));
	c->poll_is_idle = false;
}

void chain_watch_stop(struct chain *c)
{
	if (c->polling) {
		endpoints_cancel(c->polling->ask);
		poll_free(c->polling);
		c->polling = NULL;
	}
	for (size_t i = 0; c->peeks && i < c->conf.n_urls; i++)
		if (c->peeks[i].ask)
			endpoints_cancel(c->peeks[i].ask);
	timer_free(c->poll);
	c->poll = NULL;
}
