/* outbox/show_queues.c - lanes, spaces and endpoints, as the RPC shows them, and the gauges that follow the store. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "outbox/doctor.h"
#include "outbox/show_text.h"

static void set_finding(json_t *j, const struct finding *f)
{
	json_set_str(j, "trouble", f->kind);
	json_set_str(j, "what", f->what);
	json_set_str(j, "next", f->next);
}

static void set_pause_and_hold(json_t *j, const char *pause_reason, enum hold hold, const char *text)
{
	json_set_bool(j, "paused", pause_reason != NULL);
	json_set_str(j, "pause_reason", pause_reason);
	json_set_str(j, "hold", hold == HOLD_NONE ? NULL : hold_name(hold));
	json_set_str(j, "hold_text", hold != HOLD_NONE && text && text[0] ? text : NULL);
}

/* --- lanes --- */

static json_t *lowest_json(struct arena *a, const struct lane_health *h)
{
	json_t *j = json_object_in(a);

	json_set_number(j, "tx_nonce", h->lowest.nonce);
	json_set_str(j, "state", slot_state_name(h->lowest.state));
	json_set_str(j, "purpose", slot_purpose_name(h->lowest.purpose));
	json_set_int(j, "age_ms", h->age_ms);
	json_set_int(j, "attempts", h->attempts);
	if (h->attempts > 0) {
		json_set_str(j, "tx_hash", show_hash(a, &h->newest.hash));
		json_set_decimal(j, "max_fee", gas_price_value(h->newest.max_fee));
		json_set_decimal(j, "max_priority_fee", gas_price_value(h->newest.max_priority_fee));
		json_set_time(j, "last_sent_at_ms", h->newest.last_sent_at_ms, 0);
		json_set_str(j, "reply", h->newest.last_reply);
		json_set_bool(j, "underpriced", h->underpriced);
		json_set_bool(j, "at_cap", h->at_cap);
	}
	return j;
}

static json_t *quote_json(struct arena *a, const struct chain *c)
{
	json_t *j = json_object_in(a);

	json_set_decimal(j, "base_fee", gas_price_value(c->base_fee));
	json_set_decimal(j, "max_fee", gas_price_value(c->quote.max_fee));
	json_set_decimal(j, "max_priority_fee", gas_price_value(c->quote.max_priority_fee));
	json_set_decimal(j, "cap", gas_price_value(c->conf.max_fee));
	json_set_bool(j, "over_cap", c->over_cap);
	return j;
}

/* What the chain said of the account, null before it was asked. */
static void set_seen(json_t *j, struct arena *a, const struct lane_health *h)
{
	static const char *const names[] = { "latest", "pending", "balance_wei" };

	if (!h->lane || !h->lane->seen) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			json_set_take(j, names[i], json_null());
		return;
	}
	json_set_number(j, "latest", h->lane->latest);
	json_set_number(j, "pending", h->lane->pending);
	json_set_str(j, "balance_wei", show_wei(a, h->lane->balance));
}

static enum hold lane_hold_of(const struct lane *l)
{
	return l->chain->reach != HOLD_NONE ? l->chain->reach : l->hold;
}

static json_t *lane_json(struct arena *a, const struct lane_health *h)
{
	struct finding chain = { 0 };
	json_t *j = json_object_in(a);

	json_set_int(j, "lane", h->row.lane);
	json_set_number(j, "chain_id", h->row.chain_id);
	json_set_str(j, "relayer", show_address(a, &h->row.relayer));
	json_set_str(j, "key", h->row.key_ref);
	json_set_bool(j, "configured", h->lane != NULL);
	set_pause_and_hold(j, h->row.pause_reason, h->lane ? lane_hold_of(h->lane) : HOLD_NONE,
			   h->lane ? h->lane->hold_text : NULL);
	json_set_number(j, "next_tx_nonce", h->row.next_tx_nonce);
	set_seen(j, a, h);
	json_set_take(j, "gap", h->counted ? json_integer(h->gap) : json_null());
	json_set_time(j, "anomaly_at_ms", h->row.anomaly_at_ms, 0);
	json_set_int(j, "slots_open", h->open);
	json_set_int(j, "slots_vacant", h->vacant);
	json_set_int(j, "slots_max", h->lane ? h->lane->slots_now : 0);
	if (h->has_lowest)
		json_set(j, "lowest", lowest_json(a, h));
	else
		json_set_take(j, "lowest", json_null());
	if (h->lane && h->lane->chain->fees_known)
		json_set(j, "quote", quote_json(a, h->lane->chain));
	else
		json_set_take(j, "quote", json_null());
	if (h->lane)
		chain_examine(h->lane->chain, a, &chain);
	set_finding(j, chain.kind ? &chain : &h->finding);
	return j;
}

/* Configured, and not in the store: its account was never known. */
static json_t *unknown_lane_json(struct arena *a, const struct lane *l)
{
	json_t *j = json_object_in(a);
	struct finding f;

	key_examine(&l->key, "a new lane", a, &f);
	json_set_take(j, "lane", json_null());
	json_set_number(j, "chain_id", l->chain->conf.chain_id);
	json_set_take(j, "relayer", json_null());
	json_set_str(j, "key", l->key.ref);
	json_set_bool(j, "configured", true);
	set_finding(j, &f);
	return j;
}

int outbox_lanes_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err)
{
	json_t *list = json_array_in(a);
	struct lane_row *rows;
	size_t n;

	if (lane_store_list(store_view(ob->opt.store), a, 0, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct lane_health h;

		if (lane_examine(ob, a, &rows[i], &h, err) != 0)
			return -1;
		json_add(list, lane_json(a, &h));
	}
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (ob->chains[i]->lanes[k]->id == 0)
				json_add(list, unknown_lane_json(a, ob->chains[i]->lanes[k]));
	*ret = list;
	return 0;
}

/* --- spaces --- */

static json_t *tally_json(struct arena *a, const uint64_t tally[DELIVERY_COUNT])
{
	json_t *j = json_object_in(a);

	for (int s = 0; s < DELIVERY_COUNT; s++)
		json_set_number(j, delivery_status_name((enum delivery_status)s), tally[s]);
	return j;
}

static const char *release_name(int at)
{
	return at == DELIVERY_CONFIRMED ? "confirmed" : at == DELIVERY_INCLUDED ? "included" : "submitted";
}

static json_t *space_json(struct arena *a, const struct space_health *h)
{
	json_t *j = json_object_in(a);

	json_set_int(j, "space_id", h->row.id);
	json_set_number(j, "chain_id", h->row.chain_id);
	json_set_str(j, "contract", show_address(a, &h->row.contract));
	json_set_str(j, "signer", show_address(a, &h->row.signer));
	json_set_str(j, "key", h->row.key_ref);
	json_set_bool(j, "configured", h->space != NULL);
	set_pause_and_hold(j, h->row.pause_reason, h->space ? h->space->hold : HOLD_NONE,
			   h->space ? h->space->hold_text : NULL);
	json_set_decimal(j, "next_nonce", h->row.next_nonce);
	json_set_str(j, "ordering", space_ordering_name(h->row.ordering));
	json_set_str(j, "release_at", release_name(h->row.release_at));
	json_set_bool(j, "halt_on_terminal", h->row.halt_on_terminal);
	json_set_number(j, "deploy_block", h->row.deploy_block);
	json_set(j, "rows_by_status", tally_json(a, h->tally));
	set_finding(j, &h->finding);
	return j;
}

static json_t *unknown_space_json(struct arena *a, const struct space *s)
{
	json_t *j = json_object_in(a);
	struct finding f;

	key_examine(&s->key, "a new space", a, &f);
	json_set_take(j, "space_id", json_null());
	json_set_number(j, "chain_id", s->conf.chain_id);
	json_set_str(j, "contract", show_address(a, &s->conf.contract));
	json_set_take(j, "signer", json_null());
	json_set_str(j, "key", s->key.ref);
	json_set_bool(j, "configured", true);
	set_finding(j, &f);
	return j;
}

int outbox_spaces_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err)
{
	json_t *list = json_array_in(a);
	struct space_row *rows;
	size_t n;

	if (space_store_list(store_view(ob->opt.store), a, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct space_health h;

		if (space_examine(ob, a, &rows[i], &h, err) != 0)
			return -1;
		json_add(list, space_json(a, &h));
	}
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (ob->spaces[i]->id == 0)
			json_add(list, unknown_space_json(a, ob->spaces[i]));
	*ret = list;
	return 0;
}

/* --- endpoints --- */

static json_t *endpoint_json(struct arena *a, const struct chain *c, size_t i)
{
	struct endpoint_stats s;
	json_t *j = json_object_in(a);

	endpoints_stats(c->ep, i, &s);
	json_set_number(j, "chain_id", c->conf.chain_id);
	json_set_str(j, "url", s.url);
	json_set_str(j, "state", endpoint_state_name(s.state));
	json_set_take(j, "head", s.has_head ? json_integer((json_int_t)s.head) : json_null());
	json_set_number(j, "answered", s.answered);
	json_set_number(j, "failed", s.failed);
	json_set_int(j, "failures_in_a_row", s.failures_in_a_row);
	json_set_int(j, "closed_for_ms", s.open_for_ms);
	json_set_time(j, "latency_ms", s.latency_ms, -1);
	json_set_time(j, "last_answer_ms", s.last_answer_ms, 0);
	json_set_time(j, "last_error_ms", s.last_error_ms, 0);
	json_set_str(j, "last_error", s.last_error.code == ERR_NONE ? NULL : s.last_error.msg);
	return j;
}

int outbox_endpoints_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err)
{
	json_t *list = json_array_in(a);

	(void)err;
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < endpoints_count(ob->chains[i]->ep); k++)
			json_add(list, endpoint_json(a, ob->chains[i], k));
	*ret = list;
	return 0;
}

/* --- all of it --- */

/* -1: none waits. */
static int oldest_age(struct outbox *ob, int64_t *ret_ms, struct err *err)
{
	int64_t oldest;

	if (directive_store_oldest_open(store_view(ob->opt.store), &oldest, err) != 0)
		return -1;
	*ret_ms = oldest == 0 ? -1 : clock_now_ms() > oldest ? clock_now_ms() - oldest : 0;
	return 0;
}

static json_t *open_slots_json(struct arena *a, const json_t *lanes)
{
	json_t *j = json_object_in(a);

	for (size_t i = 0; i < json_array_size(lanes); i++) {
		const json_t *lane = json_array_get(lanes, i);
		json_t *open = json_object_get(lane, "slots_open");

		if (open)
			json_set(
				j,
				arena_printf(a, "%" PRId64, (int64_t)json_integer_value(json_object_get(lane, "lane"))),
				open);
	}
	return j;
}

int outbox_stats_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err)
{
	uint64_t tally[DELIVERY_COUNT];
	json_t *lanes, *spaces, *endpoints, *j = json_object_in(a);
	int64_t age;

	if (directive_store_tally(store_view(ob->opt.store), 0, tally, err) != 0 || oldest_age(ob, &age, err) != 0 ||
	    outbox_lanes_json(ob, a, &lanes, err) != 0 || outbox_spaces_json(ob, a, &spaces, err) != 0 ||
	    outbox_endpoints_json(ob, a, &endpoints, err) != 0)
		return -1;
	json_set(j, "rows_by_status", tally_json(a, tally));
	json_set_time(j, "oldest_pending_age_ms", age, -1);
	json_set(j, "open_slots_by_lane", open_slots_json(a, lanes));
	json_set(j, "lanes", lanes);
	json_set(j, "spaces", spaces);
	json_set(j, "endpoints", endpoints);
	*ret = j;
	return 0;
}

/* --- gauges --- */

static int gauge_rows(struct outbox *ob, struct err *err)
{
	uint64_t tally[DELIVERY_COUNT];
	char label[64];

	if (directive_store_tally(store_view(ob->opt.store), 0, tally, err) != 0)
		return -1;
	for (int s = 0; s < DELIVERY_COUNT; s++) {
		snprintf(label, sizeof(label), "delivery_status=\"%s\"", delivery_status_name((enum delivery_status)s));
		metric_set(metric_gauge("walletd_directive_outbox_rows", label, "Directives, by delivery status."),
			   (int64_t)tally[s]);
	}
	return 0;
}

static int gauge_age(struct outbox *ob, struct err *err)
{
	int64_t age_ms;

	if (oldest_age(ob, &age_ms, err) != 0)
		return -1;
	metric_set(metric_gauge("walletd_directive_outbox_oldest_pending_age_seconds", "",
				"How long the oldest directive waits that is not submitted."),
		   age_ms < 0 ? 0 : age_ms / 1000);
	return 0;
}

static int gauge_lanes(struct outbox *ob, struct arena *a, struct err *err)
{
	struct lane_row *rows;
	size_t n;

	if (lane_store_list(store_view(ob->opt.store), a, 0, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct lane_health h;
		char label[32];

		if (lane_examine(ob, a, &rows[i], &h, err) != 0)
			return -1;
		snprintf(label, sizeof(label), "lane=\"%" PRId64 "\"", rows[i].lane);
		metric_set(metric_gauge("walletd_relayer_slots_open", label, "Open transactions of the relayer."),
			   h.open);
		metric_set(metric_gauge("walletd_relayer_slots_vacant", label,
					"Account nonces whose transaction was refused, to be filled again."),
			   h.vacant);
	}
	return 0;
}

static int gauge_horizons(struct outbox *ob, struct arena *a, struct err *err)
{
	struct space_row *rows;
	size_t n;

	if (space_store_list(store_view(ob->opt.store), a, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char label[32];

		snprintf(label, sizeof(label), "space=\"%" PRId64 "\"", rows[i].id);
		metric_set(metric_gauge("walletd_outbox_nonce_horizon_violation", label,
					"1: the chain has seen nonces that this database has not given out."),
			   pause_is(rows[i].pause_reason, PAUSE_NONCE_HORIZON));
	}
	return 0;
}

void outbox_refresh_metrics(struct outbox *ob)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	struct err err;

	/* An old figure is better than none: the store's own health says what is wrong. */
	if (gauge_rows(ob, &err) != 0 || gauge_age(ob, &err) != 0 || gauge_lanes(ob, &a, &err) != 0 ||
	    gauge_horizons(ob, &a, &err) != 0)
		log_debug(&ob->log, "outbox.gauges_failed", F_ERR(&err));
}
