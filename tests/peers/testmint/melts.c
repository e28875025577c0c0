/* Paying invoices: NUT-05, with change as NUT-08 has it.  A payment costs one unit, if there is a reserve to take it from. */
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/lightning/bolt11.h"
#include "tests/peers/testmint/job.h"

#define RESERVE_LEAST 2
#define RESERVE_SHARE 50 /* one in so many */

static struct mint_melt_row *find(const struct mint *m, const char *id)
{
	for (struct mint_melt_row *q = m->melts; q != NULL; q = q->next)
		if (strcmp(q->id, id) == 0)
			return q;
	return NULL;
}

static void answer_quote(struct job *j, const struct mint_melt_row *q)
{
	json_t *v = json_object_in(j->a);

	json_set_str(v, "quote", q->id);
	json_set_str(v, "request", q->request);
	json_set_u64(v, "amount", q->amount);
	json_set_u64(v, "fee_reserve", q->reserve);
	json_set_str(v, "unit", j->m->opts.units[q->unit].s);
	json_set_str(v, "state", mint_quote_state_text(q->state));
	json_set_take(v, "expiry", q->expiry_s == 0 ? json_null() : json_integer(q->expiry_s));
	if (q->state == QUOTE_PAID)
		json_set_str(v, "payment_preimage", "0000000000000000000000000000000000000000000000000000000000000000");
	if (q->change != NULL)
		json_set(v, "change", q->change);
	job_answer(j, v);
}

static uint64_t msat_of(const struct bolt11 *inv, const json_t *body)
{
	const json_t *options = json_object_get(json_object_get(body, "options"), "amountless");

	if (inv->has_amount)
		return msat_value(inv->amount);
	return (uint64_t)json_integer_value(json_object_get(options, "amount_msat"));
}

void job_melt_quote(struct job *j)
{
	struct mint_melt_row *q = ARENA_NEW(&j->m->arena, struct mint_melt_row);
	const char *unit, *request;
	struct bolt11 inv;
	struct err err;
	uint8_t id[16];
	uint64_t msat;
	int u;

	if (json_get_str(j->body, "unit", 64, &unit, &err) != 0 ||
	    json_get_str(j->body, "request", BOLT11_TEXT_MAX, &request, &err) != 0) {
		job_refuse_shape(j, &err);
		return;
	}
	u = mint_unit(j->m, unit);
	if (u < 0) {
		job_refuse(j, 11013, "Unit is not supported.");
		return;
	}
	if (bolt11_decode(j->a, request, &inv, &err) != 0 || (msat = msat_of(&inv, j->body)) == 0) {
		job_refuse_unclassified(j, "The invoice cannot be paid.");
		return;
	}
	rng_bytes(id, sizeof(id));
	hex_encode(id, sizeof(id), q->id);
	q->amount = msat / 1000 + (msat % 1000 != 0);
	q->reserve = q->amount / RESERVE_SHARE > RESERVE_LEAST ? q->amount / RESERVE_SHARE : RESERVE_LEAST;
	q->unit = (size_t)u;
	q->state = QUOTE_UNPAID;
	q->request = arena_printf(&j->m->arena, "%s", request);
	q->expiry_s = j->m->opts.quote_ttl_s == 0 ? 0 : clock_now_ms() / 1000 + j->m->opts.quote_ttl_s;
	q->next = j->m->melts;
	j->m->melts = q;
	answer_quote(j, q);
}

void job_melt_quote_check(struct job *j)
{
	const struct mint_melt_row *q = find(j->m, j->rest);

	if (q == NULL)
		job_refuse_unclassified(j, "Quote is not known.");
	else
		answer_quote(j, q);
}

/* What was not needed, in binary digits on the first blank outputs; what does not fit is kept. */
static void give_change(struct mint *m, struct mint_melt_row *q, uint64_t left)
{
	size_t at = 0;

	q->change = json_array_in(&m->arena);
	for (uint64_t bit = 1; left > 0 && at < q->n_blanks; bit <<= 1) {
		struct mint_output *o;

		if (!(left & bit))
			continue;
		left &= ~bit;
		o = mint_output(m, &q->blanks[at].b);
		if (!mint_sign(mint_keyset(m, &q->blanks[at].keyset), bit, &q->blanks[at].b, &o->promise))
			err_fatal("cannot sign an output that was checked");
		o->is_signed = true;
		m->sums[q->unit].issued += bit;
		json_add_take(q->change, mint_promise_json(&o->promise, m->opts.dleq));
		at++;
	}
}

static void pay(struct mint *m, struct mint_melt_row *q)
{
	uint64_t cost = q->reserve > 0 ? 1 : 0;

	for (size_t i = 0; i < q->n_notes; i++)
		q->notes[i]->state = NOTE_SPENT;
	m->notes_spent += q->n_notes;
	m->sums[q->unit].redeemed += q->sum;
	m->sums[q->unit].fees += q->fee;
	m->sums[q->unit].paid += q->amount + cost;
	q->payments++;
	q->state = QUOTE_PAID;
	give_change(m, q, q->sum - q->fee - q->amount - cost);
}

static void fail(struct mint_melt_row *q)
{
	for (size_t i = 0; i < q->n_notes; i++)
		q->notes[i]->state = NOTE_UNSPENT;
	q->state = QUOTE_UNPAID;
	q->n_notes = q->n_blanks = 0;
}

void mint_settle(struct mint *m, bool paid)
{
	for (struct mint_melt_row *q = m->melts; q != NULL; q = q->next) {
		if (q->state != QUOTE_PENDING)
			continue;
		if (paid)
			pay(m, q);
		else
			fail(q);
	}
}

unsigned mint_payments(const struct mint *m)
{
	unsigned n = 0;

	for (const struct mint_melt_row *q = m->melts; q != NULL; q = q->next)
		n += q->payments;
	return n;
}

unsigned mint_paid_again(const struct mint *m)
{
	unsigned n = 0;

	for (const struct mint_melt_row *q = m->melts; q != NULL; q = q->next)
		n += q->payments > 1;
	return n;
}

static void begin(struct mint *m, struct mint_melt_row *q, const struct inputs *in, const struct outputs *out)
{
	q->notes = ARENA_ARRAY(&m->arena, in->n, struct mint_note *);
	q->blanks = ARENA_ARRAY(&m->arena, out->n, struct output);
	q->n_notes = in->n;
	q->n_blanks = out->n;
	q->sum = in->sum;
	q->fee = in->fee;
	for (size_t i = 0; i < in->n; i++) {
		q->notes[i] = in->v[i].note;
		q->notes[i]->state = NOTE_PENDING;
		q->notes[i]->c = in->v[i].c;
	}
	for (size_t i = 0; i < out->n; i++)
		q->blanks[i] = out->v[i];
	q->state = QUOTE_PENDING;
}

void job_melt(struct job *j)
{
	struct outputs out = { .unit = -1 };
	struct mint_melt_row *q;
	struct inputs in;
	struct err err;
	const char *id;

	if (json_get_str(j->body, "quote", QUOTE_ID_MAX, &id, &err) != 0) {
		job_refuse_shape(j, &err);
		return;
	}
	q = find(j->m, id);
	if (q == NULL) {
		job_refuse_unclassified(j, "Quote is not known.");
		return;
	}
	if (q->state != QUOTE_UNPAID && j->m->opts.dialect == MINT_NUTSHELL) {
		job_refuse(j, 11000, "Melt quote is not unpaid.");
		return;
	}
	if (!job_read_inputs(j, &in) || (json_object_get(j->body, "outputs") && !job_read_outputs(j, &out)) ||
	    !job_check_inputs(j, &in) || !job_check_outputs(j, &out) || !job_check_unsigned(j, &out, CASHU_DUPLICATE))
		return;
	if (q->state != QUOTE_UNPAID) {
		job_refuse(j, CASHU_DUPLICATE, "The quote is paid, or being paid.");
		return;
	}
	if (in.n == 0 || in.sum < in.fee || in.sum - in.fee < q->amount + q->reserve) {
		job_refuse(j, CASHU_UNBALANCED, "Inputs do not cover amount and fees.");
		return;
	}
	begin(j->m, q, &in, &out);
	if (j->m->pay == MINT_PAY_FAILS) {
		fail(q);
		job_refuse(j, CASHU_PAYMENT_FAILED, "Lightning payment failed.");
		return;
	}
	if (j->m->pay == MINT_PAYS)
		pay(j->m, q);
	answer_quote(j, q);
}
