#include "rails/lightning/funding.h"

static const struct funding_candidate *find(const struct funding_candidate *all, size_t n, const struct txid *txid)
{
	for (size_t i = 0; i < n; i++)
		if (txid_equal(&all[i].txid, txid))
			return &all[i];
	return NULL;
}

/* A foreign candidate has no figures of ours, and then the payment has none. */
static void take_figures(struct funding_payment *p, const struct funding_candidate *c)
{
	p->txid = c->txid;
	p->has_amount = c->has_amount;
	p->amount = c->amount;
	p->has_fee = c->has_fee;
	p->fee = c->fee;
}

void funding_classify(const struct funding_payment *was, const struct funding_class *what,
		      const struct funding_candidate *all, size_t n, int64_t now_ms, struct funding_payment *ret)
{
	struct funding_payment p = { .id = what->id, .status = FUNDING_PENDING, .created_at_ms = now_ms };
	const struct funding_candidate *stands = what->candidate;

	if (was)
		p = *was;
	if (p.confirmed && !txid_equal(&p.txid, &stands->txid))
		stands = find(all, n, &p.txid);
	if (stands)
		take_figures(&p, stands);
	if (p.type != FUNDING_INTERACTIVE)
		p.type = what->type;
	p.direction = what->direction;
	p.channel = what->channel;
	p.peer = what->peer;
	p.updated_at_ms = now_ms;
	*ret = p;
}

void funding_absorb(const struct funding_payment *was, const struct funding_payment *stray,
		    const struct funding_candidate *all, size_t n, int64_t now_ms, struct funding_payment *ret)
{
	struct funding_payment p = *was;
	const struct funding_candidate *c = find(all, n, &stray->txid);

	if (stray->confirmed && !p.confirmed) {
		p.confirmed = true;
		p.block = stray->block;
		p.status = stray->status;
		p.txid = stray->txid;
		if (c)
			take_figures(&p, c);
	}
	if (stray->created_at_ms < p.created_at_ms)
		p.created_at_ms = stray->created_at_ms;
	p.updated_at_ms = now_ms;
	*ret = p;
}

void funding_abandon(const struct funding_payment *was, int64_t now_ms, struct funding_payment *ret)
{
	struct funding_payment p = *was;

	if (p.status == FUNDING_PENDING && !p.confirmed) {
		p.status = FUNDING_FAILED;
		p.updated_at_ms = now_ms;
	}
	*ret = p;
}

void funding_confirm(const struct funding_payment *was, const struct funding_candidate *c,
		     const struct block_ref *block, uint32_t depth, int64_t now_ms, struct funding_payment *ret)
{
	struct funding_payment p = *was;
	bool same = p.confirmed && block_ref_equal(&p.block, block) && txid_equal(&p.txid, &c->txid);

	take_figures(&p, c);
	p.confirmed = true;
	p.block = *block;
	if (depth >= FUNDING_DEPTH)
		p.status = FUNDING_SUCCEEDED;
	else if (!same)
		p.status = FUNDING_PENDING;
	p.updated_at_ms = now_ms;
	*ret = p;
}

void funding_unconfirm(const struct funding_payment *was, int64_t now_ms, struct funding_payment *ret)
{
	struct funding_payment p = *was;

	if (p.confirmed) {
		p.confirmed = false;
		p.status = FUNDING_PENDING;
		p.updated_at_ms = now_ms;
	}
	*ret = p;
}

void funding_exclude(const struct funding_payment *was, uint32_t depth, int64_t now_ms, struct funding_payment *ret)
{
	struct funding_payment p = *was;

	if (depth >= FUNDING_DEPTH && !p.confirmed && p.status == FUNDING_PENDING) {
		p.status = FUNDING_FAILED;
		p.updated_at_ms = now_ms;
	}
	*ret = p;
}
