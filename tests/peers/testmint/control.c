#include "tests/peers/testmint/control.h"

#include <string.h>

#include "base/text.h"

struct asked {
	struct mint *m;
	struct faults *f;
	struct arena *a;
	const json_t *body;
	int64_t *down_ms;
};

static json_t *sums_json(const struct mint_sums *s)
{
	json_t *v = json_object();

	json_set_u64(v, "minted", s->minted);
	json_set_u64(v, "issued", s->issued);
	json_set_u64(v, "redeemed", s->redeemed);
	json_set_u64(v, "fees", s->fees);
	json_set_u64(v, "paid", s->paid);
	json_set_u64(v, "outstanding", s->issued - s->redeemed);
	return v;
}

static int counters(struct asked *q, json_t *ret, struct err *err)
{
	json_t *units = json_object();

	(void)err;
	for (size_t i = 0; i < q->m->opts.n_units; i++)
		json_set_take(units, q->m->opts.units[i].s, sums_json(&q->m->sums[i]));
	json_set_take(ret, "units", units);
	json_set_u64(ret, "outputs_seen", q->m->outputs_seen);
	json_set_u64(ret, "outputs_reused", q->m->outputs_reused);
	json_set_u64(ret, "secrets_reused", q->m->secrets_reused);
	json_set_u64(ret, "dleq_leaked", q->m->dleq_leaked);
	json_set_u64(ret, "notes_spent", q->m->notes_spent);
	json_set_u64(ret, "paid_again", mint_paid_again(q->m));
	json_set_u64(ret, "faults_left", faults_left(q->f));
	json_set(ret, "requests", mint_requests_json(q->m, q->a));
	return 0;
}

static int fault(struct asked *q, json_t *ret, struct err *err)
{
	(void)ret;
	return faults_add(q->f, q->body, err);
}

static int reset_faults(struct asked *q, json_t *ret, struct err *err)
{
	(void)ret;
	(void)err;
	faults_clear(q->f);
	return 0;
}

static int quote(struct asked *q, json_t *ret, struct err *err)
{
	static const struct {
		const char *name;
		enum quote_state state;
	} states[] = {
		{ "UNPAID", QUOTE_UNPAID },
		{ "PAID", QUOTE_PAID },
		{ "ISSUED", QUOTE_ISSUED },
	};
	const char *id, *state = NULL;
	struct mint_quote_row *row;
	bool expire = false;

	(void)ret;
	if (json_get_str(q->body, "quote", QUOTE_ID_MAX, &id, err) != 0 ||
	    json_opt_str(q->body, "state", 16, &state, err) != 0 || json_opt_bool(q->body, "expire", &expire, err) != 0)
		return -1;
	row = mint_quote(q->m, id);
	if (row == NULL)
		return ERR(err, ERR_NOT_FOUND, "there is no such quote");
	for (size_t i = 0; state != NULL && i < ARRAY_LEN(states); i++)
		if (strcmp(state, states[i].name) == 0) {
			row->state = states[i].state;
			row->due_ms = -1;
			state = NULL;
		}
	if (state != NULL)
		return ERR(err, ERR_PARAM, "there is no state %s", state);
	if (expire)
		row->expiry_s = 1;
	return 0;
}

static int rotate(struct asked *q, json_t *ret, struct err *err)
{
	uint64_t ppk = q->m->opts.input_fee_ppk;
	enum keyset_version version = q->m->opts.version;
	const char *unit, *text = NULL;
	int u;

	if (json_get_str(q->body, "unit", 16, &unit, err) != 0 ||
	    json_opt_u64(q->body, "input_fee_ppk", KEYSET_FEE_PPK_MAX, &ppk, err) != 0 ||
	    json_opt_str(q->body, "version", 2, &text, err) != 0)
		return -1;
	u = mint_unit(q->m, unit);
	if (u < 0)
		return ERR(err, ERR_PARAM, "there is no unit %s", unit);
	if (text != NULL)
		version = strcmp(text, "v1") == 0 ? KEYSET_V1 : KEYSET_V2;
	json_set_str(ret, "id", mint_rotate(q->m, (size_t)u, ppk, version)->pub.id.s);
	return 0;
}

static int set_pay(struct asked *q, struct err *err)
{
	static const char *const names[] = {
		[MINT_PAYS] = "PAYS", [MINT_PAY_WAITS] = "WAITS", [MINT_PAY_FAILS] = "FAILS"
	};
	const char *pay = NULL;

	if (json_opt_str(q->body, "pay", 16, &pay, err) != 0)
		return -1;
	if (!pay)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], pay) != 0)
			continue;
		q->m->pay = (enum mint_pay)i;
		return 0;
	}
	return ERR(err, ERR_PARAM, "there is no pay %s", pay);
}

static int set(struct asked *q, json_t *ret, struct err *err)
{
	(void)ret;
	if (json_opt_i64(q->body, "pay_delay_ms", &q->m->opts.pay_delay_ms, err) != 0 ||
	    json_opt_bool(q->body, "dleq", &q->m->opts.dleq, err) != 0)
		return -1;
	return set_pay(q, err);
}

static int settle(struct asked *q, json_t *ret, struct err *err)
{
	bool paid;

	(void)ret;
	if (json_get_bool(q->body, "paid", &paid, err) != 0)
		return -1;
	mint_settle(q->m, paid);
	return 0;
}

static int down(struct asked *q, json_t *ret, struct err *err)
{
	uint64_t ms;

	(void)ret;
	if (json_get_u64(q->body, "ms", 600 * 1000, &ms, err) != 0)
		return -1;
	*q->down_ms = (int64_t)ms;
	return 0;
}

static const struct {
	const char *name;
	bool body;
	int (*run)(struct asked *q, json_t *ret, struct err *err);
} controls[] = {
	{ "counters", false, counters }, { "fault", true, fault },   { "reset_faults", false, reset_faults },
	{ "quote", true, quote },        { "rotate", true, rotate }, { "set", true, set },
	{ "settle", true, settle },      { "down", true, down },
};

void control_answer(struct mint *m, struct faults *f, struct arena *a, const struct mint_call *call,
		    struct mint_answer *ret, int64_t *down_ms)
{
	struct asked q = { .m = m, .f = f, .a = a, .body = call->json, .down_ms = down_ms };
	const char *name = call->path + strlen(CONTROL_PREFIX);
	json_t *body = json_object_in(a);
	struct err err;

	*down_ms = 0;
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		if (strcmp(name, controls[i].name) != 0)
			continue;
		if (controls[i].body && call->json == NULL)
			mint_refuse(a, ret, 400, -1, "the body is not a JSON object");
		else if (controls[i].run(&q, body, &err) != 0)
			mint_refuse(a, ret, 400, -1, err.msg);
		else
			*ret = (struct mint_answer){ .status = 200, .body = body };
		return;
	}
	mint_refuse(a, ret, 404, -1, "there is no such control");
}
