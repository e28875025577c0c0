/* actions/splice_build.c - what our side puts into a round, at which rate: spec/splice.md 5.1.5. */
#include <inttypes.h>
#include <string.h>

#include "actions/splice.h"
#include "rails/lightning/splice_fee.h"

/* Of the change or the one input that is not counted yet; a guess that is only used to choose the rate. */
#define GUESSED_INPUT  230u
#define GUESSED_OUTPUT 172u

/* --- rates --- */

int splice_rates_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct ln_node node = splice_node(s);

	return splice_backend(s)->feerates_request(s->arena, &node, ret, err);
}

/* What a bump would take the place of. */
static int replaced_of(struct step *s, const struct splice_row *row, struct splice_replaced *ret, struct err *err)
{
	struct funding_candidate *c;
	struct splice_output *out;
	struct splice_input *in;
	size_t n, n_out, n_in;
	uint64_t added;

	if (funding_store_candidates(s->view, s->arena, &row->id, &c, &n, err) != 0 ||
	    splice_store_outputs(s->view, s->arena, &row->id, &out, &n_out, err) != 0 ||
	    splice_store_inputs(s->view, s->arena, &row->id, &in, &n_in, err) != 0)
		return -1;
	*ret = (struct splice_replaced){ .incremental = onchain_incremental(s->chain) };
	for (size_t i = 0; i < n; i++) {
		if (!candidate_is_out(c[i].state))
			continue;
		if (c[i].has_rate)
			ret->highest = feerate_max(ret->highest, c[i].rate);
		if (c[i].has_fee && !sat_add(ret->fees, c[i].fee, &ret->fees))
			return ERR(err, ERR_RANGE, "the fees of its candidates");
	}
	added = row->kind == SPLICE_IN ? GUESSED_OUTPUT + n_in * GUESSED_INPUT : n_out * GUESSED_OUTPUT;
	ret->weight = splice_weight((struct weight){ added });
	return 0;
}

/* More than was allowed: of a rate that the node estimates it may become less; of one that was asked for it will not. */
static struct outcome too_dear(struct step *s, struct splice_row *row, struct feerate rate, struct err *err)
{
	const struct splice *m = s->checkpoint;
	char text[FEERATE_TEXT_MAX];

	feerate_text(rate, text);
	if (!m->has_wish || m->is_bump)
		return splice_wait_for(s, row, SPLICE_WAIT_FEERATE_CAP, SPLICING_LOOK, err);
	return splice_failed_round(s, row, SPLICE_INVALID,
				   arena_printf(s->arena, "it takes %s sat/vB, and its limits are lower", text), err);
}

static int choose_rate(struct step *s, const struct splice_row *row, const struct ln_feerates *now, struct feerate *ret,
		       bool *ret_above, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct splice_rate_wish wish = {
		.has_wish = m->has_wish,
		.wish = m->wish,
		.estimate = now->splice,
		.floor = now->floor,
		.max = row->max_rate,
	};
	struct splice_replaced replaced;

	if (!m->is_bump) {
		*ret = splice_rate(&wish, ret_above);
		return 0;
	}
	if (replaced_of(s, row, &replaced, err) != 0)
		return -1;
	return splice_bump_rate(&wish, &replaced, ret, ret_above)
		       ? 0
		       : ERR(err, ERR_RANGE, "its feerate can be raised no more");
}

struct outcome splice_rates_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct ln_feerates now;
	struct splice_row row;
	struct feerate rate;
	bool above;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->feerates_decode(s->arena, rep, &now, err) != 0)
		return splice_failed_call(s, &row, err, err);
	if (choose_rate(s, &row, &now, &rate, &above, err) != 0)
		return outcome_trouble(err);
	if (above)
		return too_dear(s, &row, rate, err);
	row.has_rate = true;
	row.rate = rate;
	if (splice_store_save(s->unit, &row, s->now_ms, err) != 0)
		return outcome_trouble(err);
	return outcome_next(SPLICING_BUILD);
}

/* --- the contribution --- */

/* A bump spends what it is to replace. */
static int inputs_of_bump(struct step *s, const struct splice_row *row, struct ln_fund *fund, struct err *err)
{
	struct outpoint *with;
	struct splice_input *in;
	size_t n;

	if (splice_store_inputs(s->view, s->arena, &row->id, &in, &n, err) != 0)
		return -1;
	with = ARENA_ARRAY(s->arena, n + 1, struct outpoint);
	for (size_t i = 0; i < n; i++)
		if (!in[i].released)
			with[fund->n_with++] = in[i].at;
	fund->with = with;
	return 0;
}

static int fund_request(struct step *s, const struct splice_row *row, const struct ln_node *node,
			struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	struct ln_fund fund = {
		.everything = row->everything && !row->has_amount,
		.amount = row->amount,
		.rate = row->rate,
		.start = splice_in_start_weight(m->refusals),
	};

	if (m->is_bump && inputs_of_bump(s, row, &fund, err) != 0)
		return -1;
	return splice_backend(s)->fund_request(s->arena, node, &fund, ret, err);
}

static int pay_request(struct step *s, const struct splice_row *row, const struct ln_node *node,
		       struct net_request *ret, struct err *err)
{
	struct ln_pay pay = { .network = s->policy->onchain.network };
	struct splice_output *out;
	size_t n;

	if (splice_store_outputs(s->view, s->arena, &row->id, &out, &n, err) != 0)
		return -1;
	if (n != 1)
		return ERR(err, ERR_INTERNAL, "a splice out with %zu outputs", n);
	pay.script = out[0].script;
	pay.amount = out[0].amount;
	return splice_backend(s)->pay_request(s->arena, node, &pay, ret, err);
}

int splice_build_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct ln_node node = splice_node(s);
	struct splice_row row;
	int rc = splice_row_to_ask(s, &row, err);

	if (rc != 0)
		return rc;
	if (splice_is_whole(s))
		return splice_backend(s)->balance_request(s->arena, &node, ret, err);
	return row.kind == SPLICE_IN ? fund_request(s, &row, &node, ret, err) : pay_request(s, &row, &node, ret, err);
}

/* What the node has reserved is held here, too: who builds again gives it back first. */
static int take_funded(struct step *s, struct splice_row *row, const struct ln_funded *f, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_terms t;

	row->contribution = bytes_of(f->psbt);
	if (row->everything && f->has_excess) {
		row->has_amount = true;
		row->amount = f->excess;
	}
	m->share = row->amount;
	m->weight = f->weight;
	if (splice_terms_of(s->arena, f->psbt, &t, err) != 0)
		return -1;
	t.share = (struct splice_share){ false, m->share };
	if (!splice_own_fee(&t, &m->fee))
		return ERR(err, ERR_PEER_INVALID, "the node funds the splice with less than it puts in");
	return splice_held_from_now(s, err) != 0 ? -1 : splice_store_hold(s->unit, &row->id, t.inputs, t.n_inputs, err);
}

static int take_paid(struct step *s, struct splice_row *row, const struct ln_paid *p, struct err *err)
{
	struct splice *m = s->checkpoint;

	row->contribution = bytes_of(p->psbt);
	m->weight = splice_weight(p->added);
	if (!splice_out_fee(row->rate, p->added, &m->fee) || !sat_add(row->amount, m->fee, &m->share))
		return ERR(err, ERR_PEER_INVALID, "the fee of the splice is out of range");
	return 0;
}

static int take(struct step *s, struct splice_row *row, const struct net_reply *rep, bool *ret_said, struct err *err)
{
	struct ln_funded funded;
	struct ln_paid paid;

	*ret_said = false;
	if (row->kind == SPLICE_IN && splice_backend(s)->fund_decode(s->arena, rep, &funded, err) != 0)
		return -1;
	if (row->kind == SPLICE_OUT && splice_backend(s)->pay_decode(s->arena, rep, &paid, err) != 0)
		return -1;
	*ret_said = true;
	return row->kind == SPLICE_IN ? take_funded(s, row, &funded, err) : take_paid(s, row, &paid, err);
}

/* All that the node's wallet can spend: by that the transaction is known again which it makes of it. */
static struct outcome take_balance(struct step *s, struct splice_row *row, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct sat balance;

	if (splice_backend(s)->balance_decode(s->arena, rep, &balance, err) != 0)
		return splice_failed_call(s, row, err, err);
	if (sat_value(balance) == 0)
		return splice_wait_for(s, row, SPLICE_WAIT_LOW_FUNDS, SPLICING_LOOK, err);
	m->share = balance;
	return outcome_next(SPLICING_OPEN);
}

struct outcome splice_build_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	bool said;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_is_whole(s))
		return take_balance(s, &row, rep, err);
	if (take(s, &row, rep, &said, err) != 0)
		return said && err->class != ERR_TRANSIENT ? outcome_trouble(err)
							   : splice_failed_call(s, &row, err, err);
	if (splice_store_save(s->unit, &row, s->now_ms, err) != 0)
		return outcome_trouble(err);
	row.version++;
	if (row.has_max_fee && sat_cmp(m->fee, row.max_fee) > 0)
		return too_dear(s, &row, row.rate, err);
	return outcome_next(SPLICING_OPEN);
}
