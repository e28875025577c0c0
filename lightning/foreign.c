#include "lightning/foreign.h"

#include "lightning/funding_track.h"
#include "rails/lightning/funding.h"
#include "store/splice_store.h"

/* A candidate may be in a block already when the node is asked. */
#define LOOK_BACK 12u

static struct funding_candidate candidate_of(const struct ln_flight *f, uint32_t round, int64_t now_ms)
{
	bool peers = sat_value(f->own.by) == 0;

	return (struct funding_candidate){
		.txid = f->funding.txid,
		.vout = f->funding.vout,
		.round = round,
		.origin = peers ? CANDIDATE_FOREIGN : CANDIDATE_FOREIGN_LOCAL,
		.state = CANDIDATE_SIGNED,
		.has_amount = !peers,
		.amount = f->own.by,
		.has_rate = f->has_rate,
		.rate = f->rate,
		.first_seen_ms = now_ms,
	};
}

/* The payment that the channel's listed rounds are: that of the first of them that has one.  1, 0, -1. */
static int known_payment(struct view v, const struct ln_channel *c, struct hash32 *ret, struct err *err)
{
	for (size_t i = 0; i < c->n_flights; i++) {
		enum funding_link link;

		if (funding_store_find(v, &c->flights[i].funding.txid, &link, ret, err) != 0)
			return -1;
		if (link == FUNDING_LINK_CANDIDATE)
			return 1;
	}
	return 0;
}

static int classify(struct unit *u, struct arena *a, const struct ln_channel *c, const struct hash32 *id,
		    const struct ln_flight *newest, const struct funding_candidate *candidate, int64_t now_ms,
		    struct err *err)
{
	const struct funding_class what = {
		.id = *id,
		.type = FUNDING_INTERACTIVE,
		.direction = newest->own.out ? FUNDING_OUT : FUNDING_IN,
		.channel = c->id,
		.peer = c->peer,
		.candidate = candidate,
	};
	struct funding_candidate *all;
	struct funding_payment was, is;
	size_t n;
	int found = funding_store_get(unit_view(u), id, &was, err);

	if (found < 0 || funding_store_candidates(unit_view(u), a, id, &all, &n, err) != 0)
		return -1;
	funding_classify(found ? &was : NULL, &what, all, n, now_ms, &is);
	return funding_store_put(u, &is, err);
}

/* 1: it was new, 0, -1. */
static int take_in_one(struct unit *u, const struct ln_channel *c, size_t i, const struct hash32 *id, int64_t now_ms,
		       struct err *err)
{
	struct funding_candidate candidate = candidate_of(&c->flights[i], (uint32_t)i + 1, now_ms);
	enum funding_link link;
	struct hash32 owner;

	if (funding_store_find(unit_view(u), &candidate.txid, &link, &owner, err) != 0)
		return -1;
	if (link == FUNDING_LINK_CANDIDATE)
		return 0;
	return funding_store_put_candidate(u, id, &candidate, err) == 0 ? 1 : -1;
}

int foreign_take_in(struct unit *u, struct arena *a, const struct ln_channel *c, int64_t now_ms, struct err *err)
{
	struct splice_row living;
	struct funding_candidate newest;
	struct hash32 id;
	bool any = false;
	int found;

	if (c->n_flights == 0)
		return 0;
	found = splice_store_of_channel(unit_view(u), a, &c->id, &living, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	found = known_payment(unit_view(u), c, &id, err);
	if (found < 0)
		return -1;
	if (found == 0)
		id = funding_foreign_id(&c->flights[0].funding.txid);
	for (size_t i = 0; i < c->n_flights; i++) {
		int rc = take_in_one(u, c, i, &id, now_ms, err);

		if (rc < 0)
			return -1;
		any = any || rc > 0;
	}
	if (!any)
		return 0;
	newest = candidate_of(&c->flights[c->n_flights - 1], (uint32_t)c->n_flights, now_ms);
	if (classify(u, a, c, &id, &c->flights[c->n_flights - 1], &newest, now_ms, err) != 0)
		return -1;
	return funding_watch(u, &id, &c->funding, LOOK_BACK, now_ms, err);
}
