#include "rails/lightning/splice_probe.h"

#include <assert.h>

static struct probe_answer answer(enum probe_row row, enum probe_verdict verdict)
{
	return (struct probe_answer){ .row = row, .verdict = verdict };
}

static struct probe_answer park(enum probe_row row, enum splice_wait wait)
{
	return (struct probe_answer){ .row = row, .verdict = VERDICT_PARK, .wait = wait };
}

static struct probe_answer fail(enum probe_row row, enum probe_verdict verdict, enum splice_class why)
{
	return (struct probe_answer){ .row = row, .verdict = verdict, .why = why };
}

static struct probe_answer about(enum probe_row row, enum probe_verdict verdict, const struct outpoint *funding)
{
	return (struct probe_answer){
		.row = row,
		.verdict = verdict,
		.txid = funding->txid,
		.vout = funding->vout,
	};
}

/* --- what there is --- */

static bool is_gone(const struct probe *p)
{
	return p->channel == NULL || p->channel->phase == CHANNEL_GONE;
}

static bool is_closing(const struct probe *p)
{
	return is_gone(p) || p->channel->phase == CHANNEL_CLOSING;
}

static enum splice_owner owner_of_flight(const struct probe *p, size_t i)
{
	return splice_owner_of_flight(&p->known, &p->channel->flights[i], p->flight_tx ? p->flight_tx[i] : NULL);
}

/* A signature of ours may be out for it.  Where the channel is splicing, some are, and the node does not say for which:
 * then for each (spec/splice.md 5.1.6). */
static bool is_signed(const struct probe *p, const struct ln_flight *f)
{
	const struct funding_candidate *c = splice_candidate(&p->known, &f->funding.txid);

	return p->channel->splicing || (c && candidate_is_out(c->state));
}

/* What a bump has made is newer than what it replaces; what has no row yet is newer than all that have. */
static bool is_wanted(const struct probe *p, const struct txid *txid)
{
	const struct funding_candidate *c = splice_candidate(&p->known, txid);

	return p->kind != SPLICE_BUMP || c == NULL || c->round > p->bump_of_round;
}

static enum splice_owner owner_of_spend(const struct probe *p)
{
	if (p->spend == SPEND_NONE)
		return OWNER_UNDECIDED;
	/* One that was ready, and is not any more, may be closing. */
	return splice_owner_of_tx(&p->known, p->spender, is_closing(p) || p->channel->phase == CHANNEL_OPENING);
}

/* A candidate of ours that was signed, whatever has become of it. */
static bool any_out(const struct probe *p)
{
	for (size_t i = 0; i < p->known.n_candidates; i++)
		if (p->known.candidates[i].origin == CANDIDATE_OURS && candidate_is_out(p->known.candidates[i].state))
			return true;
	return false;
}

/* One that a mempool or a block is known to have. */
static bool any_on_chain(const struct probe *p)
{
	for (size_t i = 0; i < p->known.n_candidates; i++) {
		const struct funding_candidate *c = &p->known.candidates[i];

		if (c->origin == CANDIDATE_OURS && candidate_is_out(c->state) && c->state != CANDIDATE_SIGNED)
			return true;
	}
	return owner_of_spend(p) == OWNER_OURS;
}

static bool is_over_budget(const struct probe *p)
{
	return p->budget.attempts >= p->budget.max_attempts || splice_is_late(&p->budget);
}

/* --- the rows, in their order --- */

static bool is_base(const struct probe *p)
{
	return outpoint_equal(&p->channel->funding, &p->known.terms.base);
}

/* P2 and P3: the base funding has been replaced. */
static struct probe_answer replaced(const struct probe *p)
{
	const struct outpoint *now = &p->channel->funding;
	const struct funding_candidate *c = splice_candidate(&p->known, &now->txid);
	struct probe_answer anew = about(PROBE_P3, VERDICT_REANCHOR, now);
	bool spent_by_it = false;

	if (p->spend != SPEND_NONE) {
		struct txid spender = tx_txid(p->spender);

		spent_by_it = txid_equal(&spender, &now->txid);
	}
	if (c ? c->origin == CANDIDATE_OURS : spent_by_it && owner_of_spend(p) == OWNER_OURS)
		return about(PROBE_P2, VERDICT_LOCKED, now);
	/* What the node was given may be a part of what has replaced the base, or still to come: no more is submitted. */
	if (any_out(p) || p->handed > 0) {
		if (p->spend_depth < FUNDING_DEPTH)
			return park(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
		if (!p->retry_after_foreign || p->handed > 0)
			return fail(PROBE_P3, VERDICT_OVERTAKEN, SPLICE_STALE);
	}
	if (is_over_budget(p))
		return fail(PROBE_P3, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
	anew.count = COUNT_ATTEMPT;
	return anew;
}

/* P5: the newest signed candidate of ours that the node lists, or what the chain has.  False: there is none. */
static bool adopt(const struct probe *p, struct probe_answer *ret)
{
	struct outpoint found;
	bool any = false;

	for (size_t i = 0; i < p->channel->n_flights; i++) {
		const struct ln_flight *f = &p->channel->flights[i];

		if (owner_of_flight(p, i) != OWNER_OURS || !is_signed(p, f) || !is_wanted(p, &f->funding.txid))
			continue;
		found = f->funding;
		any = true;
	}
	if (!any && owner_of_spend(p) == OWNER_OURS) {
		const struct funding_candidate *c;

		found.txid = tx_txid(p->spender);
		c = splice_candidate(&p->known, &found.txid);
		found.vout = c ? c->vout : splice_funding_place(&p->known, p->spender);
		any = is_wanted(p, &found.txid);
	}
	if (any)
		*ret = about(PROBE_P5, VERDICT_ADOPT, &found);
	return any;
}

/* P6: the newest round of ours was left unsigned.  False: it was not. */
static bool clean_up(const struct probe *p, struct probe_answer *ret)
{
	const struct ln_flight *newest = NULL;

	for (size_t i = 0; i < p->channel->n_flights; i++)
		if (owner_of_flight(p, i) == OWNER_OURS)
			newest = &p->channel->flights[i];
	if (newest == NULL || is_signed(p, newest) || !p->channel->usable)
		return false;
	if ((p->caps & LN_CANCEL) != 0 && splice_may_abort(p->channel, p->kind, &p->known))
		*ret = about(PROBE_P6, VERDICT_CLEAN_UP, &newest->funding);
	else
		*ret = park(PROBE_P6, SPLICE_WAIT_NODE_BUSY);
	return true;
}

/* P8.  What a bump replaces may have been begun by the peer, and joined by us. */
static bool any_foreign(const struct probe *p)
{
	for (size_t i = 0; i < p->channel->n_flights; i++)
		if (owner_of_flight(p, i) != OWNER_OURS && is_wanted(p, &p->channel->flights[i].funding.txid))
			return true;
	return false;
}

/* A further submission, where the budget has one left. */
static struct probe_answer submit(const struct probe *p, enum probe_row row)
{
	struct splice_budget b = p->budget;
	enum splice_class last = p->last == SPLICE_DISCONNECT && p->inputs_unspent ? SPLICE_DISCONNECT : SPLICE_STALE;
	struct probe_answer ret;
	struct splice_decision d;

	if (!p->channel->usable && ((p->caps & LN_QUEUE_OFFLINE) == 0 || p->channel->phase != CHANNEL_READY)) {
		if (splice_is_late(&b) && !any_out(p))
			return fail(row, p->kind == SPLICE_BUMP ? VERDICT_DROP_BUMP : VERDICT_GIVE_UP,
				    SPLICE_EXHAUSTED);
		return park(row, SPLICE_WAIT_PEER_OFFLINE);
	}
	b.kind = p->kind;
	b.was_signed = false; /* that it was signed and is nowhere now is why it is submitted again */
	d = splice_decide(last, &b);
	switch (d.move) {
	case MOVE_RESUBMIT:
		ret = answer(row, VERDICT_RESUBMIT);
		break;
	case MOVE_REBUILD:
		ret = answer(row, VERDICT_BUILD);
		break;
	case MOVE_DROP_BUMP:
		return fail(row, VERDICT_DROP_BUMP, d.why);
	case MOVE_PROBE:
	case MOVE_PARK:
	case MOVE_GIVE_UP:
	case MOVE_CANCELLED:
		/* R5: who signed cannot say that nothing will come of it. */
		if (any_out(p))
			return park(row, SPLICE_WAIT_CONFIRMATION);
		return fail(row, VERDICT_GIVE_UP, d.why);
	}
	ret.count = d.count;
	return ret;
}

/* Of a node that tells no candidates: what spends the base cannot be ours. */
static bool is_not_begun(const struct probe *p)
{
	return p->known.whole && p->handed == 0 && !any_out(p);
}

/* P9 of what the node was given as a whole: it may be at it, and does not tell.  When in doubt it is waited for. */
static struct probe_answer watch(const struct probe *p)
{
	bool again = p->unseen && p->handed < SPLICE_HANDED_MAX && !is_over_budget(p) && p->channel->usable;

	if (!again)
		return park(PROBE_P9, p->channel->usable ? SPLICE_WAIT_PEER_SIGNATURES : SPLICE_WAIT_PEER_OFFLINE);
	return submit(p, PROBE_P9);
}

/* P10 and P11: nothing newer than what is to be replaced. */
static struct probe_answer bump(const struct probe *p)
{
	if (p->channel->n_flights == 0)
		return fail(PROBE_P10, VERDICT_DROP_BUMP, SPLICE_NO_RBF);
	if (p->spend == SPEND_CONFIRMED)
		return fail(PROBE_P11, VERDICT_DROP_BUMP, SPLICE_NO_RBF);
	if (p->spend == SPEND_MEMPOOL && owner_of_spend(p) != OWNER_OURS)
		return park(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION);
	return submit(p, PROBE_P11);
}

struct probe_answer splice_probe(const struct probe *p)
{
	struct probe_answer ret;

	assert(p->spend == SPEND_NONE || p->spender != NULL);
	if (!p->reachable)
		return park(PROBE_P1, SPLICE_WAIT_NODE_UNREACHABLE);
	if (!is_gone(p) && !is_base(p))
		return replaced(p);
	if (is_closing(p))
		return any_on_chain(p) ? answer(PROBE_P4, VERDICT_FOLLOW)
				       : fail(PROBE_P4, VERDICT_GIVE_UP, SPLICE_CLOSING);
	if (adopt(p, &ret) || clean_up(p, &ret))
		return ret;
	if (p->channel->n_flights > 0 && !p->channel->usable)
		return park(PROBE_P7, SPLICE_WAIT_PEER_OFFLINE);
	if (any_foreign(p))
		return park(PROBE_P8, SPLICE_WAIT_FOREIGN_SPLICE);
	if (p->kind == SPLICE_BUMP)
		return bump(p);
	if (p->spend != SPEND_NONE)
		return park(PROBE_UNDECIDED, is_not_begun(p) ? SPLICE_WAIT_FOREIGN_SPLICE : SPLICE_WAIT_CONFIRMATION);
	if (p->kind == SPLICE_NONE)
		return park(PROBE_P9, SPLICE_WAIT_CONFIRMATION);
	if (p->handed > 0)
		return watch(p);
	return submit(p, PROBE_P9);
}

bool splice_may_abort(const struct ln_channel *c, enum splice_kind kind, const struct splice_known *k)
{
	if (c->phase != CHANNEL_READY || c->splicing || kind == SPLICE_BUMP || kind == SPLICE_NONE)
		return false;
	for (size_t i = 0; i < c->n_flights; i++) {
		const struct funding_candidate *known = splice_candidate(k, &c->flights[i].funding.txid);

		if (known == NULL || known->origin != CANDIDATE_OURS || candidate_is_out(known->state))
			return false;
	}
	return true;
}
