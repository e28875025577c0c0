#include <string.h>

#include "actions/executor.h"
#include "actions/onchain_show.h"
#include "actions/splice_show.h"
#include "base/text.h"
#include "lightning/node.h"
#include "rpc/lightning_show.h"
#include "rpc/methods.h"
#include "rpc/state.h"

#define PAST_MAX      100
#define PAYMENTS_MAX  1000u
#define CHANNELS_ROOM ((size_t)8 << 20)

/* --- channel.list --- */

struct page {
	struct rpc_call *call;
	struct channel_row *rows;
	unsigned n;
};

static void add_row(void *ctx, const struct channel_row *row)
{
	struct page *page = ctx;

	page->rows[page->n++] = *row;
}

static void set_hex(struct arena *a, json_t *v, const char *name, const uint8_t *p, size_t n)
{
	json_set_str(v, name, hex_text(a, (struct bytes){ p, n }));
}

static const char *peer_text(const struct rpc_call *call, const struct pubkey *peer)
{
	if (!call->server->opt.lightning)
		return NULL;
	switch (lightning_peer_of(call->server->opt.lightning, peer)) {
	case LIGHTNING_PEER_UNKNOWN:
		return NULL;
	case LIGHTNING_PEER_SPLICES:
		return "yes";
	case LIGHTNING_PEER_CANNOT:
		return "no";
	}
	return NULL;
}

static void set_channel(struct rpc_call *call, json_t *v, const struct channel_row *row)
{
	set_hex(call->arena, v, "channel", row->id.b, sizeof(row->id.b));
	set_hex(call->arena, v, "peer", row->peer.b, sizeof(row->peer.b));
	json_set_str(v, "short_channel_id", row->short_id);
	json_set_str(v, "state", row->state);
	json_set_str(v, "phase", channel_phase_name(row->phase));
	json_set_bool(v, "usable", row->usable);
	json_set_str(v, "peer_splices", peer_text(call, &row->peer));
	onchain_set_outpoint(v, "funding", &row->funding);
	json_set_u64(v, "capacity_sat", sat_value(row->capacity));
	json_set_u64(v, "local_msat", msat_value(row->local));
	json_set_u64(v, "reserve_sat", sat_value(row->reserve));
	json_set_int(v, "seen_at_ms", row->seen_at_ms);
}

/* What is known of one that lives, and how far its action is. */
static int set_splice(struct rpc_call *call, struct view v, json_t *to, const struct hash32 *channel, struct err *err)
{
	struct executor *ex = call->server->opt.executor;
	struct action_row action;
	struct splice_row row;
	struct err gone;
	json_t *splice;
	int found = splice_store_of_channel(v, call->arena, channel, &row, err);

	if (found < 0)
		return -1;
	if (found == 0) {
		json_set_take(to, "splice", json_null());
		return 0;
	}
	if (splice_json(v, call->arena, executor_policy(ex)->onchain.network, &row, &splice, err) != 0)
		return -1;
	if (action_store_get(v, call->arena, action_id_is_empty(&row.bump_action) ? &row.action : &row.bump_action,
			     &action, &gone) == 0)
		json_set_str(splice, "state", executor_state_name(ex, &action));
	json_set(to, "splice", splice);
	return 0;
}

struct payments {
	struct arena *a;
	json_t *list;
	uint32_t tip;
};

static void add_payment(void *ctx, const struct funding_payment *p)
{
	struct payments *all = ctx;

	json_add(all->list, splice_payment_json(all->a, p, all->tip));
}

static int set_payments(struct rpc_call *call, struct view v, json_t *to, const struct hash32 *channel, struct err *err)
{
	struct payments all = { .a = call->arena, .list = json_array_in(call->arena) };
	json_t *one, *candidates;
	struct hash32 id;
	size_t i;

	if (onchain_tip_height(v, &all.tip, err) != 0 ||
	    funding_store_of_channel(v, channel, PAYMENTS_MAX, add_payment, &all, err) < 0)
		return -1;
	json_array_foreach(all.list, i, one)
	{
		if (!hex_decode(json_string_value(json_object_get(one, "payment_id")), id.b, sizeof(id.b)))
			return ERR(err, ERR_INTERNAL, "a payment without an id");
		if (splice_candidates_json(v, call->arena, &id, &candidates, err) != 0)
			return -1;
		json_set(one, "candidates", candidates);
	}
	json_set(to, "payments", all.list);
	return 0;
}

struct past {
	struct arena *a;
	json_t *list;
};

static void add_past(void *ctx, const struct splice_past *p)
{
	struct past *past = ctx;

	json_add(past->list, splice_past_json(past->a, p));
}

static int set_past(struct rpc_call *call, struct view v, json_t *to, const struct hash32 *channel, struct err *err)
{
	const struct splice_past_query q = { .channel = channel, .limit = (unsigned)rpc_param_int(call, "past", 0) };
	struct past past = { call->arena, json_array_in(call->arena) };

	if (q.limit == 0)
		return 0;
	if (splice_store_history(v, call->arena, &q, add_past, &past, err) < 0 ||
	    set_payments(call, v, to, channel, err) != 0)
		return -1;
	json_set(to, "past", past.list);
	return 0;
}

static int list(struct rpc_call *call, json_t *result, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(CHANNELS_ROOM);
	struct view v = store_view(call->server->opt.store);
	unsigned limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT), shown = 0;
	const char *after = rpc_param_str(call, "after");
	struct page page = { .call = call, .rows = ARENA_ARRAY(&a, limit, struct channel_row) };
	json_t *channels = json_array_in(call->arena);
	struct hash32 at;
	bool more;

	if (after && !hex_decode(after, at.b, sizeof(at.b))) {
		ERR(err, ERR_PARAM, "this is no `next` of a page");
		return err_field(err, "after");
	}
	if (channel_store_list(v, &a, after ? &at : NULL, limit, add_row, &page, err) < 0)
		return -1;
	for (; shown < page.n && call->arena->used < PAGE_BYTES; shown++) {
		json_t *one = json_object_in(call->arena);

		set_channel(call, one, &page.rows[shown]);
		if (set_splice(call, v, one, &page.rows[shown].id, err) != 0 ||
		    set_past(call, v, one, &page.rows[shown].id, err) != 0)
			return -1;
		json_add(channels, one);
	}
	more = shown > 0 && (shown < page.n || page.n == limit);
	json_set(result, "channels", channels);
	if (more)
		set_hex(call->arena, result, "next", page.rows[shown - 1].id.b, sizeof(at.b));
	else
		json_set_take(result, "next", json_null());
	return 0;
}

static struct rpc_outcome channel_list(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena);
	struct err err;

	json_set(result, "node", lightning_show(call->server, call->arena));
	return list(call, result, &err) == 0 ? rpc_ok(result) : rpc_fail(&err);
}

static const struct param channel_list_params[] = {
	{ .name = "past",
	  .type = PARAM_INT,
	  .min = 0,
	  .max = PAST_MAX,
	  .fallback = "0",
	  .help = "So many splices that have ended with each channel, newest first, and the payments of all." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field channel_list_result[] = {
	{ "node", "object",
	  "The Lightning node: backend, weaker_guarantees (what it cannot keep of docs/splices.md, or null), up, version (null: it does not tell),"
	  " can_splice, synced, height, wallet_sat, feerates, trouble. Null when none is configured." },
	{ "channels", "array",
	  "Each as the node told of it last (seen_at_ms): channel (its id), peer, short_channel_id, state, phase, usable,"
	  " peer_splices (yes, no, or null: not known), funding, capacity_sat, local_msat, reserve_sat; and splice: null, or"
	  " the one under way with splice_id, kind, action_id, state, waits_for, limits, candidates and last_failure. With"
	  " past: the last splices, and payments, each with its candidates and confirmations." },
	{ "next", "string", "Cursor for the next page, or null." },
	{ 0 },
};
const struct rpc_method method_channel_list = {
	.name = "channel.list",
	.scope = RPC_READ,
	.params = channel_list_params,
	.result = channel_list_result,
	.help = "Channels of the Lightning node, and the splice that is under way in each. Splices are begun with action.start, "
		"kinds splice_in, splice_out and splice_bump.",
	.example = "{\"past\": 5}",
	.run = channel_list,
};
