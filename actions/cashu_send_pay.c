#include <inttypes.h>
#include <string.h>

#include "actions/cashu_condition.h"
#include "actions/cashu_send.h"
#include "actions/ecash.h"
#include "base/backoff.h"
#include "rails/cashu/payreq.h"
#include "store/event_store.h"

/* --- what is asked for --- */

static int refuse(struct err *err, const char *field)
{
	err_hint(err, "payment_request.decode shows what is asked for");
	return err_field(err, field);
}

static int amount_of(struct send *m, const struct payreq *r, struct err *err)
{
	if (!r->has_amount) {
		if (m->amount)
			return 0;
		ERR(err, ERR_PARAM, "the request leaves the amount to who pays it");
		err_hint(err, "say how much with amount");
		return err_field(err, "amount");
	}
	if (m->amount && m->amount != r->amount) {
		ERR(err, ERR_PARAM, "the request is for %" PRIu64 ", not for %" PRIu64, r->amount, m->amount);
		return refuse(err, "amount");
	}
	m->amount = r->amount;
	return 0;
}

static int unit_of(const json_t *params, struct send *m, const struct payreq *r, struct err *err)
{
	if (!r->has_unit)
		return 0;
	if (json_object_get(params, "unit") && !currency_equal(m->at.unit, r->unit)) {
		ERR(err, ERR_UNIT, "the request is for %s", r->unit.s);
		return refuse(err, "unit");
	}
	m->at.unit = r->unit;
	return 0;
}

static int lock_of(struct step *s, struct send *m, const struct payreq *r, struct err *err)
{
	if (!r->has_lock)
		return 0;
	if (m->lock) {
		ERR(err, ERR_PARAM, "the request says itself what the ecash is locked to");
		return refuse(err, "request");
	}
	if (condition_of_request(s->arena, &r->lock, &m->lock, err) != 0)
		return err_field(err, "request");
	return 0;
}

/* Anything else than HTTP is not ours to deliver; a request without any way is paid by handing the token over. */
static int way_of(const struct payreq *r, struct err *err)
{
	if (r->n_transports == 0 || payreq_post(r))
		return 0;
	ERR(err, ERR_UNSUPPORTED, "the payee takes payments over %s only, which walletd does not speak",
	    r->transport[0].type);
	err_hint(err, "cashu_send without request makes a token, to be handed over in another way");
	return err_field(err, "request");
}

int send_request_read(struct step *s, const json_t *params, struct send *m, struct payreq *r, struct err *err)
{
	*r = (struct payreq){ 0 };
	if (json_opt_str(params, "request", PAYREQ_TEXT_MAX, &m->request, err) != 0)
		return -1;
	if (!m->request) {
		if (m->amount)
			return 0;
		ERR(err, ERR_PARAM, "amount is missing");
		err_hint(err, "amount, or a request that names one");
		return err_field(err, "amount");
	}
	if (payreq_decode(s->arena, m->request, r, err) != 0)
		return err_field(err, "request");
	if (amount_of(m, r, err) != 0 || unit_of(params, m, r, err) != 0 || lock_of(s, m, r, err) != 0)
		return -1;
	return way_of(r, err);
}

/* --- delivery --- */

bool send_is_to_deliver(struct step *s, const struct send *m)
{
	struct payreq r;
	struct err ignored; /* it was read when the send began */

	return m->request && !m->delivered && !m->refused && payreq_decode(s->arena, m->request, &r, &ignored) == 0 &&
	       payreq_post(&r);
}

int send_deliver_prepare(struct step *s, struct err *err)
{
	struct send *m = s->checkpoint;

	(void)err;
	m->deliveries++;
	return 0;
}

int send_deliver_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct send *m = s->checkpoint;
	struct token t = { .mint = m->at.mint, .has_unit = true, .unit = m->at.unit, .memo = m->memo };
	const struct payreq_transport *to;
	struct payreq r;
	struct pubkey *ys;

	if (payreq_decode(s->arena, m->request, &r, err) != 0 ||
	    exchange_inputs(s, PROOF_SENT, &t.proofs, &ys, &t.n, err) != 0)
		return -1;
	to = payreq_post(&r);
	if (!to)
		return ERR(err, ERR_INTERNAL, "a request that nothing is delivered to");
	return payreq_post_request(s->arena, &r, to, &t, ret, err);
}

/* Whether it arrived shows when the token is spent: that is asked before it is sent again. */
static struct outcome delivery_unknown(struct step *s, const struct send *m, const struct net_reply *rep)
{
	int64_t wait = backoff_ms(m->deliveries);
	struct err why;

	if (rep->outcome == NET_ANSWERED)
		ERR(&why, ERR_PEER_DOWN, "the payee answered HTTP %d", rep->status);
	else
		ERR(&why, ERR_PEER_DOWN, "the payee: %s", rep->detail);
	if (rep->outcome == NET_ANSWERED && rep->retry_after_s * INT64_C(1000) > wait)
		wait = rep->retry_after_s * INT64_C(1000);
	return outcome_park_error(SEND_TOKEN_CREATED, s->now_ms + wait, &why);
}

struct outcome send_deliver_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct send *m = s->checkpoint;
	struct err why;

	if (rep->outcome == NET_ANSWERED && rep->status >= 200 && rep->status < 300) {
		m->delivered = true;
		if (event_append(s->unit, "token.delivered", s->row.id.s, "{}", err) != 0)
			return outcome_trouble(err);
		return outcome_park(SEND_TOKEN_CREATED, s->now_ms + WATCH_FIRST_MS);
	}
	if (rep->outcome != NET_ANSWERED || rep->status < 400 || rep->status >= 500 || rep->status == 408 ||
	    rep->status == 425 || rep->status == 429)
		return delivery_unknown(s, m, rep);
	m->refused = true;
	ERR(&why, ERR_PEER, "the payee does not take the payment: HTTP %d", rep->status);
	return outcome_park_error(SEND_TOKEN_CREATED, s->now_ms + WATCH_FIRST_MS, &why);
}
