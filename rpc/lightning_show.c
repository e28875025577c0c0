#include "rpc/lightning_show.h"

#include <inttypes.h>

#include "actions/onchain.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "lightning/node.h"
#include "rpc/state.h"
#include "store/splice_store.h"

#define DOWN_MS   (5 * 60 * INT64_C(1000)) /* so long without an answer is worth a word */
#define STALL_MS  (3600 * INT64_C(1000))   /* … and so long in wait of the same */
#define LOOKED_AT 1000u
#define ROOM      ((size_t)16 << 20)

/* --- the node --- */

json_t *lightning_show(const struct rpc_server *s, struct arena *a)
{
	json_t *v = json_object_in(a), *rates = json_object_in(a);
	struct lightning_status st;
	const struct ln_backend *b;

	if (!s->opt.lightning)
		return json_hold(a, json_null());
	lightning_status(s->opt.lightning, &st);
	b = lightning_backend(s->opt.lightning);
	json_set_str(v, "backend", b->name);
	json_set_str(v, "weaker_guarantees", b->guarantees);
	json_set_bool(v, "up", st.up);
	json_set_str(v, "version", st.told && st.version[0] ? st.version : NULL);
	json_set_bool(v, "can_splice", st.told && !st.too_old);
	json_set_bool(v, "synced", st.told && st.synced);
	json_set_int(v, "height", st.height);
	json_set_u64(v, "wallet_sat", sat_value(st.wallet));
	json_set_int(v, "last_answer_ms", st.last_success_ms);
	json_set_str(v, "trouble", st.last_error.code != ERR_NONE ? st.last_error.msg : NULL);
	if (st.told && st.has_rates) {
		onchain_set_rate(rates, "splice", st.rates.splice);
		onchain_set_rate(rates, "floor", st.rates.floor);
		onchain_set_rate(rates, "max", st.rates.max_acceptable);
		json_set(v, "feerates", rates);
	} else {
		json_set_take(v, "feerates", json_null());
	}
	return v;
}

void lightning_show_peer(const struct rpc_server *s, struct arena *a, json_t *peers)
{
	json_t *v;

	if (!s->opt.lightning)
		return;
	v = lightning_show(s, a);
	json_set_str(v, "type", "lightning");
	json_set_str(v, "url", lightning_address(s->opt.lightning));
	json_add(peers, v);
}

/* --- attention --- */

struct teller {
	struct arena *a;
	void (*each)(void *ctx, int severity, const char *kind, const char *next, const char *what);
	void *ctx;
	int64_t now_ms;
	unsigned living;
};

static void tell_node(const struct rpc_server *s, const struct teller *t)
{
	struct lightning_status st;

	lightning_status(s->opt.lightning, &st);
	if (st.last_error.code == ERR_NETWORK)
		t->each(t->ctx, 0, "lightning_wrong_network", "correct lightning_rpc, lightning_url or network",
			arena_printf(t->a, "%s", st.last_error.msg));
	else if (st.last_error.code == ERR_PEER_AUTH)
		t->each(t->ctx, 0, "lightning_refuses_key", "correct lightning_api_key, or the clock that is wrong",
			arena_printf(t->a, "The Lightning node does not accept our key: %s", st.last_error.msg));
	else if (st.last_error.code != ERR_NONE && t->now_ms - st.last_success_ms > DOWN_MS)
		t->each(t->ctx, 1, "lightning_down", "status",
			arena_printf(t->a, "The Lightning node does not answer: %s", st.last_error.msg));
	else if (st.told && st.too_old)
		t->each(t->ctx, 1, "lightning_too_old", "run Core Lightning 26.06 or newer",
			arena_printf(t->a, "The Lightning node is of version %s: walletd cannot splice with it.",
				     st.version));
	else if (st.told && !st.synced)
		t->each(t->ctx, 2, "lightning_catching_up", "status",
			"The Lightning node has not caught up with the chain yet.");
}

static void tell_splice(void *ctx, const struct splice_row *row)
{
	struct teller *t = ctx;
	int64_t waited_ms = t->now_ms - row->wait_since_ms;

	t->living++;
	if (row->wait == SPLICE_WAIT_NONE || row->wait == SPLICE_WAIT_CONFIRMATION || waited_ms < STALL_MS)
		return;
	t->each(t->ctx, 1, "splice_stalled", "action.explain, with the splice's action",
		arena_printf(t->a, "The splice of action %s has waited for %" PRId64 " minutes: %s.", row->action.s,
			     waited_ms / 60000, splice_wait_name(row->wait)));
}

void lightning_troubles(const struct rpc_server *s, struct arena *a,
			void (*each)(void *ctx, int severity, const char *kind, const char *next, const char *what),
			void *ctx)
{
	SCOPED(arena) struct arena rows = ARENA_LIMIT(ROOM);
	struct teller t = { .a = a, .each = each, .ctx = ctx, .now_ms = clock_now_ms() };
	struct err err;

	if (splice_store_list(store_view(s->opt.store), &rows, NULL, LOOKED_AT, tell_splice, &t, &err) < 0)
		each(ctx, 0, err_kind(err.code), "status", arena_printf(a, "The splices cannot be read: %s", err.msg));
	if (s->opt.lightning)
		tell_node(s, &t);
	else if (t.living > 0)
		each(ctx, 0, "no_lightning_node",
		     "set lightning_rpc or lightning_url in walletd.conf as it was, and start walletd again",
		     arena_printf(a, "%u splices are under way, and no Lightning node is configured.", t.living));
}

/* --- metrics --- */

struct tally {
	int64_t waits[SPLICE_WAITS];
};

static void count(void *ctx, const struct splice_row *row)
{
	struct tally *t = ctx;

	t->waits[row->wait]++;
}

void lightning_refresh_metrics(const struct rpc_server *s)
{
	SCOPED(arena) struct arena rows = ARENA_LIMIT(ROOM);
	struct lightning_status st;
	struct tally t = { { 0 } };
	struct err err; /* a gauge that cannot be read stays as it was, and attention tells why */

	if (!s->opt.lightning)
		return;
	lightning_status(s->opt.lightning, &st);
	metric_set(metric_gauge("walletd_lightning_up", "", "Does the Lightning node answer?"), st.up);
	metric_set(metric_gauge("walletd_lightning_channels", "", "Channels of the Lightning node."), st.channels);
	if (splice_store_list(store_view(s->opt.store), &rows, NULL, LOOKED_AT, count, &t, &err) < 0)
		return;
	for (int i = 0; i < SPLICE_WAITS; i++) {
		char label[48];

		snprintf(label, sizeof(label), "waits_for=\"%s\"", splice_wait_name((enum splice_wait)i));
		metric_set(metric_gauge("walletd_splices", label, "Splices under way, by what they wait for."),
			   t.waits[i]);
	}
}
