/* actions/splice_payment.c - the candidates of a splice, and the payment that they are: the splice's part of spec/splice.md 2.3.
 * Where a payment stands in the chain is lightning/funding_track.c's to write, and nothing here touches it. */
#include <string.h>

#include "actions/splice.h"
#include "actions/splice_show.h"
#include "rails/lightning/funding.h"

int splice_put_candidate(struct step *s, const struct splice_row *row, const struct funding_candidate *c,
			 struct err *err)
{
	const struct funding_class what = {
		.id = row->id,
		.type = FUNDING_INTERACTIVE,
		.direction = row->kind == SPLICE_OUT ? FUNDING_OUT : FUNDING_IN,
		.channel = row->channel,
		.peer = row->peer,
		.candidate = c,
	};
	struct funding_payment was, stray, is;
	struct funding_candidate *all;
	enum funding_link link;
	struct hash32 owner;
	size_t n;
	int found = funding_store_get(s->view, &row->id, &was, err);

	if (found < 0 || funding_store_find(s->view, &c->txid, &link, &owner, err) != 0)
		return -1;
	/* The chain, or a round of the poller's, may have met it first: it is one payment. */
	if (link != FUNDING_LINK_NONE && !hash32_equal(&owner, &row->id)) {
		if (funding_store_get(s->view, &owner, &stray, err) < 0 ||
		    funding_store_absorb(s->unit, &owner, &row->id, err) != 0)
			return -1;
	} else {
		link = FUNDING_LINK_NONE;
	}
	if (funding_store_put_candidate(s->unit, &row->id, c, err) != 0 ||
	    funding_store_candidates(s->view, s->arena, &row->id, &all, &n, err) != 0)
		return -1;
	funding_classify(found ? &was : NULL, &what, all, n, s->now_ms, &is);
	if (link != FUNDING_LINK_NONE) {
		was = is;
		funding_absorb(&was, &stray, all, n, s->now_ms, &is);
	}
	return funding_store_put(s->unit, &is, err);
}

/* --- on its way --- */

static int tell_pending(struct step *s, const struct splice_row *row, const struct txid *txid, struct err *err)
{
	json_t *data = json_object_in(s->arena);
	struct funding_candidate *c;
	size_t n;

	if (funding_store_candidates(s->view, s->arena, &row->id, &c, &n, err) != 0)
		return -1;
	onchain_set_txid(data, "txid", txid);
	for (size_t i = 0; i < n; i++) {
		if (!txid_equal(&c[i].txid, txid))
			continue;
		json_set_int(data, "vout", c[i].vout);
		json_set_int(data, "round", c[i].round);
		if (c[i].has_fee)
			json_set_u64(data, "fee_sat", sat_value(c[i].fee));
		if (c[i].has_rate)
			onchain_set_rate(data, "feerate", c[i].rate);
	}
	return splice_tell(s, "splice.pending", data, err);
}

/* What went wrong on the way is of no interest any more. */
static void forgive(struct splice_row *row)
{
	row->fail_class = SPLICE_FINE;
	row->fail_text = NULL;
}

static struct outcome bump_is_done(struct step *s, struct splice_row *row, const struct txid *txid, struct err *err)
{
	json_t *result = json_object_in(s->arena);

	row->active = SPLICE_NONE;
	row->bump_of_round = 0;
	row->bump_action = (struct action_id){ 0 };
	row->attempts = row->disconnects = 0;
	row->wait = SPLICE_WAIT_CONFIRMATION;
	row->cancel_requested = false;
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0 || step_wake(s, &row->action, err) != 0)
		return outcome_trouble(err);
	splice_set_id(result, "splice_id", &row->id);
	onchain_set_txid(result, "txid", txid);
	if (row->fail_class != SPLICE_FINE)
		json_set_str(result, "refused", row->fail_text);
	return outcome_done(result);
}

struct outcome splice_is_pending(struct step *s, struct splice_row *row, const struct txid *txid, bool offered,
				 struct err *err)
{
	struct splice *m = s->checkpoint;

	/* Told by whoever made it; found again later it is no news. */
	if (row->active != SPLICE_NONE && tell_pending(s, row, txid, err) != 0)
		return outcome_trouble(err);
	m->psbt = NULL;
	m->opened = m->begun = m->undecided = false;
	m->last = SPLICE_FINE;
	m->busy = m->refusals = m->aborts = 0;
	if (!offered && row->active != SPLICE_NONE)
		forgive(row);
	if (m->is_bump)
		return bump_is_done(s, row, txid, err);
	if (row->active != SPLICE_NONE || offered) {
		row->active = SPLICE_NONE;
		row->attempts = row->disconnects = 0;
		row->wait = SPLICE_WAIT_CONFIRMATION;
		if (splice_store_save(s->unit, row, s->now_ms, err) != 0)
			return outcome_trouble(err);
		row->version++;
	}
	return splice_wait_for(s, row, SPLICE_WAIT_CONFIRMATION, SPLICING_AWAIT_LOCK, err);
}

static bool is_in_flight(const struct ln_channel *c, const struct txid *txid)
{
	for (size_t i = 0; c && i < c->n_flights; i++)
		if (txid_equal(&c->flights[i].funding.txid, txid))
			return true;
	return false;
}

int splice_discard_unsent(struct step *s, const struct splice_row *row, const struct ln_channel *channel,
			  struct err *err)
{
	struct funding_candidate *c;
	size_t n;

	if (funding_store_candidates(s->view, s->arena, &row->id, &c, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (c[i].origin == CANDIDATE_OURS &&
		    (c[i].state == CANDIDATE_SIGNED || c[i].state == CANDIDATE_NEGOTIATED) &&
		    !is_in_flight(channel, &c[i].txid) &&
		    funding_store_set_state(s->unit, &c[i].txid, CANDIDATE_DISCARDED, err) != 0)
			return -1;
	return 0;
}

int splice_discard_all(struct step *s, const struct splice_row *row, struct err *err)
{
	struct funding_candidate *c;
	size_t n;

	if (funding_store_candidates(s->view, s->arena, &row->id, &c, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (candidate_is_out(c[i].state) &&
		    funding_store_set_state(s->unit, &c[i].txid, CANDIDATE_DISCARDED, err) != 0)
			return -1;
	return 0;
}
