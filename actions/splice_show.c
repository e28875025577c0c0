#include "actions/splice_show.h"

#include "actions/onchain_show.h"
#include "base/text.h"

void splice_set_id(json_t *obj, const char *name, const struct hash32 *id)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);

	json_set_str(obj, name, hex_text(&a, (struct bytes){ id->b, sizeof(id->b) }));
}

static void set_null(json_t *obj, const char *name)
{
	json_set_take(obj, name, json_null());
}

static void set_sat(json_t *obj, const char *name, bool has, struct sat v)
{
	if (has)
		json_set_u64(obj, name, sat_value(v));
	else
		set_null(obj, name);
}

static void set_rate(json_t *obj, const char *name, bool has, struct feerate rate)
{
	if (has)
		onchain_set_rate(obj, name, rate);
	else
		set_null(obj, name);
}

static void set_time(json_t *obj, const char *name, int64_t ms)
{
	if (ms > 0)
		json_set_int(obj, name, ms);
	else
		set_null(obj, name);
}

/* --- candidates --- */

static json_t *candidate_json(struct arena *a, const struct funding_candidate *c)
{
	json_t *v = json_object_in(a);

	onchain_set_txid(v, "txid", &c->txid);
	json_set_int(v, "vout", c->vout);
	json_set_int(v, "round", c->round);
	json_set_str(v, "origin", candidate_origin_name(c->origin));
	json_set_str(v, "state", candidate_state_name(c->state));
	set_sat(v, "amount_sat", c->has_amount, c->amount);
	set_sat(v, "fee_sat", c->has_fee, c->fee);
	set_rate(v, "feerate", c->has_rate, c->rate);
	json_set_int(v, "first_seen_ms", c->first_seen_ms);
	return v;
}

int splice_candidates_json(struct view v, struct arena *a, const struct hash32 *payment, json_t **ret, struct err *err)
{
	struct funding_candidate *c;
	size_t n;

	if (funding_store_candidates(v, a, payment, &c, &n, err) != 0)
		return -1;
	*ret = json_array_in(a);
	for (size_t i = 0; i < n; i++)
		json_add(*ret, candidate_json(a, &c[i]));
	return 0;
}

/* --- splices --- */

static int set_outputs(struct view v, struct arena *a, enum network net, const struct splice_row *row, json_t *to,
		       struct err *err)
{
	json_t *list = json_array_in(a);
	struct splice_output *out;
	size_t n;

	if (splice_store_outputs(v, a, &row->id, &out, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object_in(a);

		onchain_set_script(a, o, net, out[i].script);
		json_set_u64(o, "amount_sat", sat_value(out[i].amount));
		json_add(list, o);
	}
	json_set(to, "outputs", list);
	return 0;
}

static void set_failure(struct arena *a, json_t *to, const struct splice_row *row)
{
	json_t *f = json_object_in(a);

	if (row->fail_class == SPLICE_FINE) {
		set_null(to, "last_failure");
		return;
	}
	json_set_str(f, "class", splice_class_name(row->fail_class));
	json_set_str(f, "text", row->fail_text);
	json_set_int(f, "at_ms", row->fail_at_ms);
	json_set(to, "last_failure", f);
}

static void set_limits(json_t *to, const struct splice_row *row)
{
	set_rate(to, "feerate", row->has_rate, row->rate);
	onchain_set_rate(to, "max_feerate", row->max_rate);
	set_sat(to, "max_fee_sat", row->has_max_fee, row->max_fee);
	json_set_int(to, "attempts", row->attempts);
	json_set_int(to, "max_attempts", row->max_attempts);
	json_set_int(to, "disconnects", row->disconnects);
	json_set_int(to, "max_disconnects", row->max_disconnects);
	set_time(to, "deadline_ms", row->deadline_ms);
}

int splice_json(struct view v, struct arena *a, enum network net, const struct splice_row *row, json_t **ret,
		struct err *err)
{
	json_t *s = json_object_in(a), *candidates;

	splice_set_id(s, "splice_id", &row->id);
	splice_set_id(s, "channel", &row->channel);
	json_set_str(s, "kind", splice_kind_name(row->kind));
	json_set_str(s, "negotiating", row->active == SPLICE_NONE ? NULL : splice_kind_name(row->active));
	json_set_str(s, "action_id", row->action.s);
	json_set_str(s, "bump_action_id", action_id_is_empty(&row->bump_action) ? NULL : row->bump_action.s);
	set_sat(s, "amount_sat", row->has_amount, row->amount);
	json_set_bool(s, "all", row->everything);
	onchain_set_outpoint(s, "base_funding", &row->base);
	set_limits(s, row);
	json_set_str(s, "waits_for", row->wait == SPLICE_WAIT_NONE ? NULL : splice_wait_name(row->wait));
	set_time(s, "waits_since_ms", row->wait_since_ms);
	json_set_bool(s, "cancel_requested", row->cancel_requested);
	set_failure(a, s, row);
	json_set_int(s, "created_at_ms", row->created_at_ms);
	if (set_outputs(v, a, net, row, s, err) != 0 || splice_candidates_json(v, a, &row->id, &candidates, err) != 0)
		return -1;
	json_set(s, "candidates", candidates);
	*ret = s;
	return 0;
}

json_t *splice_past_json(struct arena *a, const struct splice_past *p)
{
	json_t *s = json_object_in(a);

	splice_set_id(s, "splice_id", &p->id);
	splice_set_id(s, "channel", &p->channel);
	json_set_str(s, "kind", splice_kind_name(p->kind));
	json_set_str(s, "action_id", p->action.s);
	set_sat(s, "amount_sat", p->has_amount, p->amount);
	json_set_str(s, "outcome", splice_outcome_name(p->outcome));
	if (p->outcome == SPLICE_LOCKED)
		onchain_set_txid(s, "txid", &p->final_txid);
	else
		set_null(s, "txid");
	json_set_str(s, "why", p->fail_class == SPLICE_FINE ? NULL : splice_class_name(p->fail_class));
	json_set_str(s, "text", p->fail_text);
	json_set_int(s, "created_at_ms", p->created_at_ms);
	json_set_int(s, "ended_at_ms", p->closed_at_ms);
	return s;
}

json_t *splice_payment_json(struct arena *a, const struct funding_payment *p, uint32_t tip)
{
	json_t *v = json_object_in(a);

	splice_set_id(v, "payment_id", &p->id);
	json_set_str(v, "type", funding_type_name(p->type));
	json_set_str(v, "direction", funding_direction_name(p->direction));
	json_set_str(v, "status", funding_status_name(p->status));
	onchain_set_txid(v, "txid", &p->txid);
	set_sat(v, "amount_sat", p->has_amount, p->amount);
	set_sat(v, "fee_sat", p->has_fee, p->fee);
	if (p->confirmed)
		json_set_int(v, "height", p->block.height);
	else
		set_null(v, "height");
	json_set_int(v, "confirmations",
		     !p->confirmed            ? 0
		     : tip >= p->block.height ? (int64_t)tip - p->block.height + 1
					      : 1);
	json_set_int(v, "created_at_ms", p->created_at_ms);
	return v;
}
