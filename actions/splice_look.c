/* actions/splice_look.c - the reconciler of spec/splice.md 4: what the node and the chain say of a splice, and what follows.  It is
 * where every splice begins, and where it goes on after a crash, a reconnection, or whatever woke it. */
#include <inttypes.h>
#include <string.h>

#include "actions/splice.h"
#include "lightning/funding_track.h"
#include "lightning/same_chain.h"
#include "store/chain_store.h"

#define FINISHES_MAX   3u
#define CONNECT_EVERY  20u                  /* waits */
#define BACKEND_BEHIND 1u                   /* blocks that our eyes on the chain may be behind the node's */
#define LOOK_GAP_MS    (60 * INT64_C(1000)) /* longer without a look, and nobody knows whether the peer was there */

/* --- is the node there? --- */

int splice_probe_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct ln_node node = splice_node(s);

	return splice_backend(s)->info_request(s->arena, &node, ret, err);
}

/* The chain has to be known as far as the node knows it: else a candidate that has confirmed is not seen. */
static int chain_is_behind(struct step *s, uint32_t height, bool *ret, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(s->view, &tip, err);

	*ret = found <= 0 || tip.ref.height + BACKEND_BEHIND < height;
	return found < 0 ? -1 : 0;
}

struct outcome splice_probe_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	struct ln_info info;
	bool behind;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	/* While a bump works on it, the splice itself rests. */
	if (row.active == SPLICE_BUMP && !m->is_bump)
		return splice_wait_for(s, &row, row.wait, SPLICING_AWAIT_LOCK, err);
	if (splice_backend(s)->info_decode(s->arena, rep, &info, err) != 0 ||
	    same_chain(s->view, s->policy->onchain.network, &info, &info.synced, err) != 0 ||
	    chain_is_behind(s, info.height, &behind, err) != 0)
		return err->class == ERR_STORE
			       ? outcome_trouble(err)
			       : splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_PROBE, err);
	if (!info.synced || behind || info.too_old)
		return splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_PROBE, err);
	m->probed = true;
	return outcome_next(SPLICING_LOOK);
}

/* --- what is known --- */

/* What our side wants: of the contribution where there is one, else as it was asked for. */
static int terms_of(struct step *s, const struct splice_row *row, struct splice_terms *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	bool asked_for = splice_is_whole(s) && row->has_amount;
	struct splice_output *out;
	size_t n_out;

	*ret = (struct splice_terms){ 0 };
	if (row->contribution.n > 0 &&
	    splice_terms_of(s->arena,
			    arena_printf(s->arena, "%.*s", (int)row->contribution.n, (const char *)row->contribution.p),
			    ret, err) != 0)
		return -1;
	if (row->contribution.n == 0 && splice_store_outputs(s->view, s->arena, &row->id, &out, &n_out, err) != 0)
		return -1;
	if (row->contribution.n == 0) {
		ret->outputs = out;
		ret->n_outputs = n_out;
	}
	ret->base = row->base;
	ret->share = (struct splice_share){ row->kind == SPLICE_OUT, asked_for ? row->amount : m->share };
	ret->weight = m->weight;
	ret->max_rate = row->max_rate;
	ret->has_max_fee = row->has_max_fee;
	ret->max_fee = row->max_fee;
	return 0;
}

int splice_known_of(struct step *s, const struct splice_row *row, struct splice_known *ret, struct err *err)
{
	struct funding_candidate *c;

	*ret = (struct splice_known){
		.base_capacity = row->base_capacity,
		.whole = splice_is_whole(s),
		.everything = row->everything && !row->has_amount,
	};
	if (terms_of(s, row, &ret->terms, err) != 0 ||
	    funding_store_candidates(s->view, s->arena, &row->id, &c, &ret->n_candidates, err) != 0)
		return -1;
	ret->candidates = c;
	return 0;
}

static bool was_signed(const struct splice_known *k)
{
	for (size_t i = 0; i < k->n_candidates; i++)
		if (k->candidates[i].origin == CANDIDATE_OURS && candidate_is_out(k->candidates[i].state))
			return true;
	return false;
}

struct splice_budget splice_budget_of(const struct step *s, const struct splice_row *row, const struct splice_known *k)
{
	return (struct splice_budget){
		.kind = row->active,
		.was_signed = was_signed(k),
		.attempts = row->attempts,
		.max_attempts = row->max_attempts,
		.disconnects = row->disconnects,
		.max_disconnects = row->max_disconnects,
		.deadline_ms = row->deadline_ms,
		.now_ms = s->now_ms,
	};
}

/* --- what follows --- */

static struct outcome build(struct step *s, struct splice_row *row, struct err *err)
{
	return row->contribution.n > 0 ? splice_clean(s, row, AFTER_RATES, err) : outcome_next(SPLICING_RATES);
}

/* The node looks for its peers by itself; it is asked to now and then. */
static struct outcome wait_for_peer(struct step *s, struct splice_row *row, const struct ln_channel *c, struct err *err)
{
	const struct splice *m = s->checkpoint;

	if (c && !c->connected && m->waits % CONNECT_EVERY == 0 && splice_backend(s)->connect_request)
		return outcome_next(SPLICING_CONNECT);
	return splice_wait_for(s, row, SPLICE_WAIT_PEER_OFFLINE, SPLICING_LOOK, err);
}

/* Nothing is in flight: a round may begin.  But why the last one ended has to allow it. */
static struct outcome submit(struct step *s, struct splice_row *row, const struct splice_known *k,
			     const struct ln_channel *c, const struct probe_answer *a, struct err *err)
{
	struct splice *m = s->checkpoint;
	const struct splice_budget budget = splice_budget_of(s, row, k);
	struct splice_decision d = { .move = MOVE_PROBE };

	if (splice_discard_unsent(s, row, c, err) != 0)
		return outcome_trouble(err);
	if (m->undecided)
		d = splice_decide(m->last, &budget);
	m->undecided = false;
	if (d.move == MOVE_GIVE_UP || d.move == MOVE_DROP_BUMP || d.move == MOVE_CANCELLED)
		return splice_give_up(s, row, d.why, row->fail_text, err);
	if (d.move == MOVE_PARK)
		return splice_wait_for(s, row, d.wait, SPLICING_PROBE, err);
	if (splice_is_late(&budget))
		return splice_give_up(s, row, SPLICE_EXHAUSTED, row->fail_text, err);
	if (!c->usable && !(splice_backend(s)->caps & LN_QUEUE_OFFLINE))
		return wait_for_peer(s, row, c, err);
	/* One of ours that nobody goes on with: it would be in the way of the next. */
	if (m->begun) {
		m->after = AFTER_PROBE;
		return outcome_next(SPLICING_LOOK_BEFORE);
	}
	m->count = a->count;
	m->waits = 0;
	row->wait = SPLICE_WAIT_NONE;
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0)
		return outcome_trouble(err);
	row->version++;
	if (splice_is_whole(s))
		return outcome_next(SPLICING_UNSPENT);
	if (a->verdict == VERDICT_RESUBMIT && row->contribution.n > 0)
		return outcome_next(SPLICING_OPEN);
	return build(s, row, err);
}

static struct outcome reanchor(struct step *s, struct splice_row *row, const struct ln_channel *c,
			       const struct probe_answer *a, struct err *err)
{
	struct splice *m = s->checkpoint;

	row->base = c->funding;
	row->base_capacity = c->capacity;
	row->base_local = c->local;
	row->wait = SPLICE_WAIT_NONE;
	m->count = a->count;
	m->undecided = false;
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0 ||
	    funding_watch_instead(s->unit, &row->id, &row->base, s->now_ms, err) != 0)
		return outcome_trouble(err);
	row->version++;
	if (row->contribution.n > 0)
		return splice_clean(s, row, AFTER_PROBE, err);
	return outcome_next(SPLICING_PROBE);
}

/* Of a splice as a whole its transaction tells the rest. */
static void take_whole(struct splice_row *row, const struct splice_known *k, const struct funding_spend *spend,
		       struct funding_candidate *ret)
{
	struct splice_whole whole;

	if (!k->whole || spend->what == SPEND_NONE || !txid_equal(&spend->txid, &ret->txid) ||
	    !splice_whole_of(k, spend->tx, &whole))
		return;
	row->has_amount = ret->has_amount = true;
	row->amount = ret->amount = whole.amount;
	ret->vout = whole.vout;
	ret->has_fee = whole.has_fee;
	ret->fee = whole.fee;
	ret->raw = spend->raw;
}

/* In flight, ours, and not known yet: a crash came before its row, or the node does not tell of it.  1: it was new, 0, -1. */
static int adopt(struct step *s, struct splice_row *row, const struct splice_known *k, const struct ln_channel *c,
		 const struct funding_spend *spend, const struct probe_answer *a, struct err *err)
{
	struct funding_candidate found = {
		.txid = a->txid,
		.vout = a->vout,
		.round = (uint32_t)k->n_candidates + 1,
		.origin = CANDIDATE_OURS,
		.state = CANDIDATE_SIGNED,
		.has_amount = row->has_amount,
		.amount = row->amount,
		.has_rate = row->has_rate,
		.rate = row->rate,
		.first_seen_ms = s->now_ms,
	};
	const struct funding_candidate *known = splice_candidate(k, &a->txid);

	if (known && candidate_is_out(known->state))
		return 0;
	if (known)
		found.round = known->round;
	found.has_fee = !k->whole && splice_own_fee(&k->terms, &found.fee);
	take_whole(row, k, spend, &found);
	for (size_t i = 0; c && i < c->n_flights; i++)
		if (txid_equal(&c->flights[i].funding.txid, &a->txid) && c->flights[i].has_rate) {
			found.has_rate = true;
			found.rate = c->flights[i].rate;
		}
	return splice_put_candidate(s, row, &found, err) == 0 ? 1 : -1;
}

/* Of a splice as a whole the chain had the transaction before it had a row: where it stands is to be written now. */
static struct outcome tracked(struct step *s, bool anew, struct outcome o, struct err *err)
{
	if (!anew || !splice_is_whole(s) || o.tag == OUTCOME_TROUBLE || funding_sync(s->unit, s->now_ms, err) == 0)
		return o;
	return outcome_trouble(err);
}

/* A round that is final and signed by us, and whose signatures the node has not sent: it waits for the last call, which was to
 * come from a life of ours before this one. */
static bool is_left_alone(const struct splice *m, const struct splice_row *row, const struct ln_channel *c,
			  const struct txid *txid)
{
	bool listed = c && c->n_flights > 0 && txid_equal(&c->flights[c->n_flights - 1].funding.txid, txid);

	if (!listed || !c->usable || row->active == SPLICE_NONE)
		return false;
	/* Of a bump that cannot be seen: the channel is splicing in any case. */
	return !c->splicing || (m->is_bump && m->psbt && txid_equal(&m->txid, txid));
}

/* The last call; or where what it takes is lost, a new connection, at which the node goes on by itself.  One that does not has
 * lost our signatures, or its peer the round: nobody knows which, so that nothing may be taken back. */
static struct outcome go_on_with(struct step *s, struct splice_row *row, const struct txid *txid, struct err *err)
{
	struct splice *m = s->checkpoint;

	if (m->finishes >= FINISHES_MAX) {
		log_warn(&s->log, "splice.hangs", F_STR("hint", "restart the Lightning node"));
		return splice_wait_for(s, row, SPLICE_WAIT_NODE_BUSY, SPLICING_PROBE, err);
	}
	m->finishes++;
	if (m->psbt && txid_equal(&m->txid, txid))
		return outcome_next(SPLICING_CHECK);
	m->after = AFTER_PROBE;
	return outcome_next(SPLICING_DISCONNECT);
}

/* None of its candidates can confirm any more (P3, and 4.3): the chain has another transaction in their place for good. */
static struct outcome lost_to_another(struct step *s, struct splice_row *row, enum splice_class why, const char *text,
				      struct err *err)
{
	return splice_discard_all(s, row, err) != 0 ? outcome_trouble(err) : splice_give_up(s, row, why, text, err);
}

/* The channel is going, and a candidate of ours may be what it is closed from: the chain decides. */
static struct outcome follow(struct step *s, struct splice_row *row, const struct splice_known *k,
			     const struct funding_spend *spend, struct err *err)
{
	if (spend->what != SPEND_CONFIRMED || spend->depth < FUNDING_DEPTH)
		return splice_wait_for(s, row, SPLICE_WAIT_CONFIRMATION, SPLICING_AWAIT_LOCK, err);
	if (splice_candidate(k, &spend->txid))
		return splice_settle(s, row, &spend->txid, err);
	return lost_to_another(s, row, SPLICE_CLOSING, NULL, err);
}

/* While something is being taken back nothing new is begun, but what has happened is seen first. */
static bool is_done_for(const struct splice *m, const struct splice_row *row, const struct splice_known *k)
{
	return (m->cancelling || row->cancel_requested) && !was_signed(k);
}

/* Not decided on what a node says that may be starting, or behind its chain. */
static bool is_drastic(enum probe_verdict v)
{
	return v != VERDICT_PARK && v != VERDICT_ADOPT && v != VERDICT_LOCKED;
}

static struct outcome by_verdict(struct step *s, struct splice_row *row, const struct probe *p,
				 const struct funding_spend *spend, struct err *err)
{
	struct splice *m = s->checkpoint;
	const struct probe_answer a = splice_probe(p);
	int anew = 0;

	if (!m->probed && is_drastic(a.verdict))
		return outcome_next(SPLICING_PROBE);
	log_debug(&s->log, "splice.probe", F_INT("row", a.row), F_INT("verdict", a.verdict));
	/* A bump has nothing to say of what has become of its splice. */
	if (m->is_bump && (a.verdict == VERDICT_LOCKED || a.verdict == VERDICT_OVERTAKEN ||
			   a.verdict == VERDICT_FOLLOW || a.verdict == VERDICT_REANCHOR))
		return splice_give_up(s, row, SPLICE_NO_RBF, "a transaction is in its place", err);
	switch (a.verdict) {
	case VERDICT_PARK:
		if (a.wait == SPLICE_WAIT_PEER_OFFLINE)
			return wait_for_peer(s, row, p->channel, err);
		return splice_wait_for(s, row, a.wait,
				       a.wait == SPLICE_WAIT_CONFIRMATION ? SPLICING_AWAIT_LOCK : SPLICING_LOOK, err);
	case VERDICT_LOCKED:
		/* It may have locked before anybody saw it on its way. */
		if (p->known.whole)
			anew = adopt(s, row, &p->known, p->channel, spend, &a, err);
		if (anew < 0)
			return outcome_trouble(err);
		return tracked(s, anew > 0, splice_settle(s, row, &a.txid, err), err);
	case VERDICT_REANCHOR:
		return reanchor(s, row, p->channel, &a, err);
	case VERDICT_OVERTAKEN:
		if (spend->what == SPEND_CONFIRMED && spend->depth < FUNDING_DEPTH)
			return splice_wait_for(s, row, SPLICE_WAIT_CONFIRMATION, SPLICING_AWAIT_LOCK, err);
		return lost_to_another(s, row, a.why,
				       m->handed > 0 ? "another transaction has replaced the channel's funding" : NULL,
				       err);
	case VERDICT_FOLLOW:
		return follow(s, row, &p->known, spend, err);
	case VERDICT_GIVE_UP:
	case VERDICT_DROP_BUMP:
		return splice_give_up(s, row, a.why, row->fail_text, err);
	case VERDICT_ADOPT:
		anew = adopt(s, row, &p->known, p->channel, spend, &a, err);
		if (anew < 0)
			return outcome_trouble(err);
		if (is_left_alone(m, row, p->channel, &a.txid))
			return go_on_with(s, row, &a.txid, err);
		if (splice_should_send(s, &p->known, &a.txid))
			return splice_send(s, &a.txid);
		return tracked(s, anew > 0, splice_is_pending(s, row, &a.txid, false, err), err);
	case VERDICT_CLEAN_UP:
		m->after = AFTER_PROBE;
		return outcome_next(SPLICING_LOOK_BEFORE);
	case VERDICT_BUILD:
	case VERDICT_RESUBMIT:
		return submit(s, row, &p->known, p->channel, &a, err);
	}
	return outcome_trouble((ERR(err, ERR_INTERNAL, "a verdict that is none"), err));
}

/* How long the peer has been there, as far as our looks tell, while the node has a splice that it may be at. */
static void watch_peer(struct step *s, const struct ln_channel *channel)
{
	struct splice *m = s->checkpoint;

	if (m->handed == 0)
		return;
	if (!channel || !channel->usable)
		m->there_ms = 0;
	else if (m->there_ms == 0 || s->now_ms - m->looked_ms > LOOK_GAP_MS || s->now_ms < m->looked_ms)
		m->there_ms = s->now_ms;
	m->looked_ms = s->now_ms;
}

static bool is_unseen(const struct step *s)
{
	const struct splice *m = s->checkpoint;

	return m->there_ms > 0 && s->now_ms - m->there_ms >= s->policy->splice.unseen_ms;
}

/* channel NULL: the node has none of this id any more. */
static struct outcome decide(struct step *s, struct splice_row *row, const struct ln_channel *channel, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct funding_spend spend;
	struct probe p = {
		.reachable = true,
		.channel = channel,
		.kind = row->active,
		.bump_of_round = row->bump_of_round,
		.last = m->last,
		.inputs_unspent = row->contribution.n > 0,
		.handed = m->handed,
		.caps = splice_backend(s)->caps,
	};

	if (s->now_ms < m->quiet_until_ms)
		return outcome_park(SPLICING_LOOK, m->quiet_until_ms);
	if (splice_known_of(s, row, &p.known, err) != 0 ||
	    funding_spend_of(s->view, s->arena, &row->id, &spend, err) != 0)
		return outcome_trouble(err);
	watch_peer(s, channel);
	p.unseen = is_unseen(s);
	p.spend = spend.what;
	p.spender = spend.tx;
	p.spend_depth = spend.depth;
	p.budget = splice_budget_of(s, row, &p.known);
	if (is_done_for(m, row, &p.known))
		return splice_give_up(s, row, SPLICE_CANCELLED, NULL, err);
	return by_verdict(s, row, &p, &spend, err);
}

/* --- what does the node say of the channel? --- */

int splice_look_enter(struct step *s, struct net_request *ret, struct err *err)
{
	return splice_ask_about(s, splice_backend(s)->channels_request, ret, err);
}

int splice_channel_of(struct step *s, const struct net_reply *rep, const struct splice_row *row,
		      const struct ln_channel **ret, struct err *err)
{
	struct ln_channel *all;
	size_t n;

	*ret = NULL;
	if (splice_backend(s)->channels_decode(s->arena, rep, &all, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (hash32_equal(&all[i].id, &row->channel))
			*ret = &all[i];
	return 0;
}

/* A node that does not say whether a channel was closed: the chain does.  Without a word of its, it may be another node than it
 * was, and nothing is decided. */
static struct outcome look_for_its_end(struct step *s, struct splice_row *row, struct err *err)
{
	struct funding_spend spend;

	if (funding_spend_of(s->view, s->arena, &row->id, &spend, err) != 0)
		return outcome_trouble(err);
	if (spend.what != SPEND_CONFIRMED || spend.depth < FUNDING_DEPTH)
		return splice_wait_for(
			s, row, spend.what == SPEND_NONE ? SPLICE_WAIT_NODE_UNREACHABLE : SPLICE_WAIT_CONFIRMATION,
			SPLICING_LOOK, err);
	return decide(s, row, NULL, err);
}

struct outcome splice_look_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct ln_channel *channel;
	struct splice_row row;
	bool due;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (row.active == SPLICE_BUMP && !((const struct splice *)s->checkpoint)->is_bump)
		return splice_wait_for(s, &row, row.wait, SPLICING_AWAIT_LOCK, err);
	if (splice_channel_of(s, rep, &row, &channel, err) != 0)
		return splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_LOOK, err);
	if (splice_hold_is_due(s, &row, &due, err) != 0)
		return outcome_trouble(err);
	if (due)
		return outcome_next(SPLICING_HELD);
	if (channel)
		return decide(s, &row, channel, err);
	return splice_backend(s)->closed_request ? outcome_next(SPLICING_LOOK_CLOSED) : look_for_its_end(s, &row, err);
}

int splice_closed_enter(struct step *s, struct net_request *ret, struct err *err)
{
	return splice_ask_about(s, splice_backend(s)->closed_request, ret, err);
}

/* One that the node has never heard of is not closed: it may be another node than it was. */
struct outcome splice_closed_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice_row row;
	struct ln_ref ref;
	bool closed;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	ref = splice_ref(&row);
	if (splice_backend(s)->closed_decode(s->arena, rep, &ref, &closed, err) != 0 || !closed)
		return splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_LOOK, err);
	return decide(s, &row, NULL, err);
}

/* --- the peer --- */

int splice_connect_enter(struct step *s, struct net_request *ret, struct err *err)
{
	return splice_ask_about(s, splice_backend(s)->connect_request, ret, err);
}

/* Whatever came of it: the channel is usable when the node says so. */
struct outcome splice_connect_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice_row row;
	struct outcome over;

	(void)rep;
	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	return splice_wait_for(s, &row, SPLICE_WAIT_PEER_OFFLINE, SPLICING_LOOK, err);
}
