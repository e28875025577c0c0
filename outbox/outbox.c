/* outbox/outbox.c - life of the outbox: built from the configuration, driven by the timer and by kicks, stopped. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outbox/delivery.h"
#include "outbox/elsewhere.h"
#include "outbox/evidence.h"
#include "outbox/internal.h"
#include "outbox/lost_slots.h"
#include "outbox/settle.h"
#include "rails/evm/address.h"

#define HOLD_STORE_US 1000000
#define LANES_MAX     64
#define GAS_PERCENT   EVM_GAS_PERCENT

const char *hold_name(enum hold h)
{
	switch (h) {
	case HOLD_NONE:
		return "none";
	case HOLD_NOT_CHECKED:
		return "not_checked";
	case HOLD_SIGNER_LOCKED:
		return "signer_locked";
	case HOLD_KEY_MISMATCH:
		return "key_mismatch";
	case HOLD_ENDPOINTS:
		return "endpoints";
	case HOLD_WRONG_CHAIN:
		return "wrong_chain";
	case HOLD_WRONG_CONTRACT:
		return "wrong_contract";
	case HOLD_NO_FUNDS:
		return "no_funds";
	case HOLD_FEE_CAP:
		return "fee_cap";
	case HOLD_DAY_CAP:
		return "day_cap";
	case HOLD_POOL_PENDING:
		return "pool_pending";
	}
	return "unknown";
}

static void hold_note(struct outbox *ob, const char *what, int64_t id, enum hold was, enum hold now, const char *text)
{
	if (was == now)
		return;
	if (now == HOLD_NONE)
		log_info(&ob->log, "outbox.goes_on", F_STR("what", what), F_INT("id", id),
			 F_STR("was", hold_name(was)));
	else if (now != HOLD_NOT_CHECKED) /* a locked wallet is told by the wallet */
		LOG_AT(&ob->log, now == HOLD_SIGNER_LOCKED && !text[0] ? LOG_DEBUG : LOG_WARN, "outbox.waits",
		       F_STR("what", what), F_INT("id", id), F_STR("for", hold_name(now)), F_STR("why", text));
}

/* Without its key nothing else that it may wait for matters, and the end of nothing else brings the key back. */
static bool waits_for_key(const struct key_source *k, enum hold why)
{
	return !k->key && why != HOLD_SIGNER_LOCKED && why != HOLD_KEY_MISMATCH;
}

void lane_hold(struct lane *l, enum hold why, const char *text)
{
	if (waits_for_key(&l->key, why))
		return;
	hold_note(l->ob, "lane", l->id, l->hold, why, text ? text : "");
	if (l->hold != why)
		l->held_since_us = clock_mono_us();
	l->hold = why;
	snprintf(l->hold_text, sizeof(l->hold_text), "%s", text ? text : "");
}

void space_hold(struct space *s, enum hold why, const char *text)
{
	if (waits_for_key(&s->key, why))
		return;
	hold_note(s->ob, "space", s->id, s->hold, why, text ? text : "");
	s->hold = why;
	snprintf(s->hold_text, sizeof(s->hold_text), "%s", text ? text : "");
}

/* --- who is who --- */

struct chain *outbox_chain_of(const struct outbox *ob, uint64_t chain_id)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		if (ob->chains[i]->conf.chain_id == chain_id)
			return ob->chains[i];
	return NULL;
}

struct space *outbox_space_of(const struct outbox *ob, int64_t space_id)
{
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (ob->spaces[i]->id == space_id)
			return ob->spaces[i];
	return NULL;
}

struct lane *outbox_lane_of(const struct outbox *ob, int64_t lane)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (ob->chains[i]->lanes[k]->id == lane)
				return ob->chains[i]->lanes[k];
	return NULL;
}

/* --- driving --- */

bool outbox_may_drive(const struct outbox *ob)
{
	return !ob->stopping && store_health(ob->opt.store) == STORE_OK && clock_mono_us() >= ob->hold_until_us;
}

static void pump(void *ctx)
{
	struct outbox *ob = ctx;

	ob->pump_posted = false;
	drainer_run(ob);
}

void outbox_pump_soon(struct outbox *ob)
{
	if (ob->pump_posted || ob->stopping)
		return;
	ob->pump_posted = true;
	loop_post(ob->opt.loop, pump, ob);
}

static void wake_passed(void *ctx)
{
	outbox_pump_soon(ctx);
}

void outbox_write_failed(struct outbox *ob, const char *what, const struct err *err)
{
	if (err->class == ERR_CONFLICTING) {
		metric_inc(ob->meters.stale_claims);
		log_debug(&ob->log, "outbox.handled_elsewhere", F_STR("what", what), F_ERR(err));
		return;
	}
	ob->stats.failures++;
	ob->stats.last_error = *err;
	log_error(&ob->log, what, F_ERR(err));
	ob->hold_until_us = clock_mono_us() + HOLD_STORE_US;
	timer_start(ob->wake, HOLD_STORE_US / 1000);
}

void outbox_run(struct outbox *ob)
{
	ob->stats.runs++;
	ob->stats.last_run_ms = clock_now_ms();
	ob->sweep_due = true;
	accounts_refresh(ob);
	if (outbox_may_drive(ob))
		settle_rechecks(ob);
	outbox_pump_soon(ob);
}

void outbox_kick(struct outbox *ob)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		chain_watch_kick(ob->chains[i]);
	outbox_pump_soon(ob);
}

void outbox_set_keys(struct outbox *ob, struct keyring *keys)
{
	ob->keys = keys;
	accounts_refresh(ob);
	outbox_kick(ob);
}

/* --- building --- */

static const char *const *texts(struct outbox *ob, const char *const *from, size_t n)
{
	const char **copy = ARENA_ARRAY(&ob->own, n ? n : 1, const char *);

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(&ob->own, from[i]);
	return copy;
}

static int lane_new(struct chain *c, const char *key, struct err *err)
{
	struct lane *l = ARENA_NEW(&c->ob->own, struct lane);

	l->ob = c->ob;
	l->chain = c;
	l->hold = HOLD_NOT_CHECKED;
	l->slots_now = c->conf.slots_max;
	if (key_source_parse(c->ob, key, EVM_RELAYER, &l->key, err) != 0)
		return -1;
	for (size_t i = 0; i < c->n_lanes; i++)
		if (strcmp(c->lanes[i]->key.ref, l->key.ref) == 0)
			return ERR(err, ERR_CONFIG, "chain %" PRIu64 " has the relayer %s twice", c->conf.chain_id,
				   key);
	lane_linger_new(l);
	c->lanes[c->n_lanes++] = l;
	return 0;
}

static int lanes_new(struct chain *c, struct err *err)
{
	size_t n = c->conf.n_relayers ? c->conf.n_relayers : c->conf.lanes;

	if (n == 0 || n > LANES_MAX)
		return ERR(err, ERR_CONFIG, "chain %" PRIu64 " needs 1 to %d lanes", c->conf.chain_id, LANES_MAX);
	c->lanes = ARENA_ARRAY(&c->ob->own, n, struct lane *);
	for (size_t i = 0; i < n; i++) {
		const char *key = c->conf.n_relayers ? c->conf.relayers[i] : arena_printf(&c->ob->own, "hd:%zu", i);

		if (lane_new(c, key, err) != 0)
			return -1;
	}
	return 0;
}

static int chain_new(struct outbox *ob, const struct outbox_chain_config *conf, struct err *err)
{
	struct chain *c = ARENA_NEW(&ob->own, struct chain);
	struct endpoints_options ep = { .loop = ob->opt.loop,
					.http = ob->opt.http,
					.chain_id = conf->chain_id,
					.urls = conf->urls,
					.n_urls = conf->n_urls,
					.block_time_ms = conf->block_time_ms };

	if (outbox_chain_of(ob, conf->chain_id))
		return ERR(err, ERR_CONFIG, "chain %" PRIu64 " is configured twice", conf->chain_id);
	c->ob = ob;
	c->conf = *conf;
	c->conf.urls = texts(ob, conf->urls, conf->n_urls);
	c->conf.relayers = texts(ob, conf->relayers, conf->n_relayers);
	c->reach = HOLD_NOT_CHECKED;
	c->gas_percent = GAS_PERCENT;
	if (endpoints_new(&ep, &c->ep, err) != 0)
		return err_context(err, "chain %" PRIu64, conf->chain_id);
	ob->chains[ob->n_chains++] = c;
	return lanes_new(c, err);
}

static int space_new(struct outbox *ob, const struct outbox_space_config *conf, struct err *err)
{
	struct space *s = ARENA_NEW(&ob->own, struct space);

	s->ob = ob;
	s->conf = *conf;
	s->chain = outbox_chain_of(ob, conf->chain_id);
	s->hold = HOLD_NOT_CHECKED;
	if (!s->chain) {
		ERR(err, ERR_CONFIG, "a space is on chain %" PRIu64 ", which is not configured", conf->chain_id);
		return err_hint(err, "evm_chain=%" PRIu64 " rpc=… confirmations=…", conf->chain_id);
	}
	if (key_source_parse(ob, conf->signer, EVM_SIGNER, &s->key, err) != 0)
		return -1;
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (ob->spaces[i]->chain == s->chain &&
		    evm_address_equal(&ob->spaces[i]->conf.contract, &conf->contract) &&
		    strcmp(ob->spaces[i]->key.ref, s->key.ref) == 0)
			return ERR(err, ERR_CONFIG, "a space of chain %" PRIu64 " is configured twice", conf->chain_id);
	ob->spaces[ob->n_spaces++] = s;
	return 0;
}

static int build(struct outbox *ob, const struct outbox_options *opt, struct err *err)
{
	ob->chains = ARENA_ARRAY(&ob->own, opt->n_chains ? opt->n_chains : 1, struct chain *);
	ob->spaces = ARENA_ARRAY(&ob->own, opt->n_spaces ? opt->n_spaces : 1, struct space *);
	for (size_t i = 0; i < opt->n_chains; i++)
		if (chain_new(ob, &opt->chains[i], err) != 0)
			return -1;
	for (size_t i = 0; i < opt->n_spaces; i++)
		if (space_new(ob, &opt->spaces[i], err) != 0)
			return -1;
	return 0;
}

int outbox_new(const struct outbox_options *opt, struct outbox **ret, struct err *err)
{
	struct outbox *ob = calloc(1, sizeof(*ob));

	if (!ob)
		abort();
	ob->opt = *opt;
	ob->own = ARENA_LIMIT(1024 * 1024);
	ob->log = log_module("outbox");
	ob->meters = meters_new();
	ob->sweep_due = ob->accounts_due = true;
	ob->wake = loop_timer(opt->loop, wake_passed, ob);
	if (build(ob, opt, err) != 0) {
		outbox_free(ob);
		return -1;
	}
	accounts_refresh(ob);
	for (size_t i = 0; i < ob->n_chains; i++)
		chain_watch_start(ob->chains[i]);
	*ret = ob;
	return 0;
}

/* --- stopping --- */

void outbox_stop(struct outbox *ob)
{
	ob->stopping = true;
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (ob->chains[i]->lanes[k]->batch)
				batch_stop(ob->chains[i]->lanes[k]->batch);
	settle_stop(ob);
}

bool outbox_idle(const struct outbox *ob)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (ob->chains[i]->lanes[k]->batch)
				return false;
	return ob->units == 0 && ob->sends == NULL;
}

static void chain_free(struct chain *c)
{
	chain_watch_stop(c);
	tracker_cancel(c);
	lost_slots_cancel(c);
	elsewhere_cancel(c);
	for (size_t i = 0; i < c->n_lanes; i++) {
		if (c->lanes[i]->batch)
			batch_free(c->lanes[i]->batch);
		lane_linger_free(c->lanes[i]);
		key_source_drop(&c->lanes[i]->key);
	}
}

void outbox_free(struct outbox *ob)
{
	if (!ob)
		return;
	/* Units of ours may wait in the open group, and their hooks hold what is freed here.  A hook may begin the next
	 * unit, and after a few of them what is left waits for the network. */
	ob->stopping = true;
	while (ob->units > 0)
		store_flush(ob->opt.store);
	searches_cancel_all(ob);
	delivery_cancel_all(ob);
	for (size_t i = 0; i < ob->n_spaces; i++) {
		space_check_cancel(ob->spaces[i]);
		key_source_drop(&ob->spaces[i]->key);
	}
	for (size_t i = 0; i < ob->n_chains; i++)
		chain_free(ob->chains[i]);
	for (size_t i = 0; i < ob->n_chains; i++)
		endpoints_free(ob->chains[i]->ep);
	loop_unpost(ob->opt.loop, pump, ob);
	timer_free(ob->wake);
	arena_done(&ob->own);
	free(ob);
}

void outbox_stats(const struct outbox *ob, struct outbox_stats *ret)
{
	uint64_t tally[DELIVERY_COUNT];
	struct err err;

	*ret = ob->stats;
	if (directive_store_tally(store_view(ob->opt.store), 0, tally, &err) == 0)
		ret->backlog = tally[DELIVERY_PENDING] + tally[DELIVERY_CLAIMED] + tally[DELIVERY_RETRY];
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			ret->inflight += ob->chains[i]->lanes[k]->batch != NULL;
	ret->inflight += ob->units;
}
