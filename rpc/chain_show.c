#include "rpc/chain_show.h"

#include <inttypes.h>

#include "actions/executor.h"
#include "actions/onchain_show.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "chain/follower.h"
#include "rpc/state.h"
#include "store/chain_store.h"

#define STALE_S (30 * 60) /* so long without an answer is worth a word */

static struct chain_source *source_of(const struct rpc_server *s)
{
	return executor_chain(s->opt.executor);
}

/* --- status --- */

static void set_tip(const struct rpc_server *s, struct arena *a, json_t *to)
{
	json_t *tip = json_object_in(a);
	struct block_row row;
	char hash[TXID_TEXT];
	struct err err; /* what cannot be read stands in attention */

	if (chain_store_tip(store_view(s->opt.store), &row, &err) <= 0) {
		json_set_take(to, "tip", json_null());
		return;
	}
	block_hash_text(&row.ref.hash, hash);
	json_set_int(tip, "height", row.ref.height);
	json_set_str(tip, "block", hash);
	json_set_int(tip, "time_s", row.time_s);
	json_set(to, "tip", tip);
}

static void set_search(const struct rpc_server *s, json_t *to)
{
	struct follower_status st;

	if (!s->opt.follower)
		return;
	follower_status(s->opt.follower, &st);
	json_set_bool(to, "synced", st.synced);
	json_set_str(to, "doing", st.doing);
	json_set_int(to, "node_height", st.node_height);
	json_set_int(to, "history_from_height", st.history_from);
	json_set_int(to, "blocks_to_scan", st.scan_left);
}

json_t *chain_show(const struct rpc_server *s, struct arena *a)
{
	struct chain_source *chain = source_of(s);
	json_t *v = json_object_in(a);
	struct fee_rates rates;
	int64_t age;

	if (!chain)
		return json_hold(a, json_null());
	set_tip(s, a, v);
	set_search(s, v);
	json_set_int(v, "stale_s", chain_stale_s(chain));
	if (chain_last_fees(chain, &rates, &age))
		json_set(v, "fees", onchain_rates_json(a, &rates));
	else
		json_set_take(v, "fees", json_null());
	return v;
}

static json_t *peer_json(struct arena *a, const struct chain_stats *st)
{
	json_t *v = json_object_in(a), *warnings = json_array_in(a);

	json_set_str(v, "type", "chain");
	json_set_str(v, "url", st->url);
	json_set_str(v, "state", chain_state_name(st->state));
	json_set_str(v, "software", st->software[0] ? st->software : NULL);
	if (st->latency_ms < 0)
		json_set_take(v, "latency_ms", json_null());
	else
		json_set_int(v, "latency_ms", st->latency_ms);
	json_set_u64(v, "answered", st->answered);
	json_set_u64(v, "failed", st->failed);
	json_set_int(v, "last_answer_ms", st->last_answer_ms);
	json_set_str(v, "trouble",
		     st->failures_in_a_row && st->last_error.code != ERR_NONE ? st->last_error.msg : NULL);
	if (st->failures_in_a_row && st->last_error.code != ERR_NONE)
		json_set_int(v, "trouble_since_ms", st->last_error_ms);
	json_set_bool(v, "pruned", st->pruned);
	for (size_t i = 0; i < CAPABILITY_WARNINGS && st->warnings[i]; i++)
		json_add_take(warnings, json_string(st->warnings[i]));
	json_set(v, "warnings", warnings);
	return v;
}

void chain_show_peers(const struct rpc_server *s, struct arena *a, json_t *peers)
{
	struct chain_source *chain = source_of(s);
	struct chain_stats st;

	for (size_t i = 0; chain && i < chain_backends(chain); i++) {
		chain_stats(chain, i, &st);
		json_add(peers, peer_json(a, &st));
	}
}

/* --- attention --- */

struct teller {
	struct arena *a;
	void (*each)(void *ctx, int severity, const char *kind, const char *next, const char *what);
	void *ctx;
};

static void tell_backend(const struct teller *t, const struct chain_stats *st, bool only)
{
	switch (st->state) {
	case CHAIN_NO_LOGIN:
		t->each(t->ctx, only ? 0 : 1, "node_login",
			"set bitcoind_cookie or bitcoind_auth_file in walletd.conf, and start walletd again",
			arena_printf(t->a, "The node %s refuses walletd: %s", st->url, st->last_error.msg));
		break;
	case CHAIN_WRONG_NETWORK:
		t->each(t->ctx, only ? 0 : 1, "node_wrong_network", "correct bitcoind_url, esplora_url or network",
			arena_printf(t->a, "The node %s is of another network, and is not asked: %s", st->url,
				     st->last_error.msg));
		break;
	case CHAIN_CATCHING_UP:
		t->each(t->ctx, 2, "node_catching_up", "status",
			arena_printf(t->a, "The node %s has not caught up with the chain yet.", st->url));
		break;
	case CHAIN_RESTING:
		t->each(t->ctx, only ? 1 : 2, "node_down", "status",
			arena_printf(t->a, "The node %s does not answer: %s", st->url, st->last_error.msg));
		break;
	case CHAIN_NEW:
	case CHAIN_READY:
		break;
	}
	for (size_t i = 0; st->verified && i < CAPABILITY_WARNINGS && st->warnings[i]; i++)
		t->each(t->ctx, 2, "node_limits", "status",
			arena_printf(t->a, "The node %s: %s", st->url, st->warnings[i]));
}

/* A node answers, and still it does not go on. */
static void tell_follower(const struct rpc_server *s, const struct teller *t)
{
	struct follower_status st;

	if (!s->opt.follower)
		return;
	follower_status(s->opt.follower, &st);
	if (st.last_error.code != ERR_NONE && clock_now_ms() - st.last_success_ms > STALE_S * INT64_C(1000))
		t->each(t->ctx, 1, "chain_not_followed", "status",
			arena_printf(t->a, "The blocks cannot be followed: %s", st.last_error.msg));
}

/* Coins that nobody looks after. */
static void tell_blind(const struct rpc_server *s, const struct teller *t)
{
	struct utxo_sums sums;
	uint64_t n = 0;
	struct err err;

	if (utxo_store_sums(store_view(s->opt.store), &sums, &err) != 0) {
		t->each(t->ctx, 0, err_kind(err.code), "status",
			arena_printf(t->a, "The on-chain coins cannot be read: %s", err.msg));
		return;
	}
	for (int i = 1; i <= UTXO_STATES; i++)
		n += sums.n[i];
	if (n > 0)
		t->each(t->ctx, 1, "no_node",
			"set bitcoind_url or esplora_url in walletd.conf, and start walletd again",
			arena_printf(t->a, "There are %" PRIu64 " on-chain coins, and no node is configured.", n));
}

void chain_troubles(const struct rpc_server *s, struct arena *a,
		    void (*each)(void *ctx, int severity, const char *kind, const char *next, const char *what),
		    void *ctx)
{
	const struct teller t = { a, each, ctx };
	struct chain_source *chain = source_of(s);
	struct chain_stats st;
	int64_t wait_ms;
	bool only;

	if (!chain) {
		tell_blind(s, &t);
		return;
	}
	only = !chain_is_usable(chain, &wait_ms);
	for (size_t i = 0; i < chain_backends(chain); i++) {
		chain_stats(chain, i, &st);
		tell_backend(&t, &st, only);
	}
	tell_follower(s, &t);
	if (chain_stale_s(chain) > STALE_S)
		each(ctx, 1, "chain_stale", "status",
		     arena_printf(a, "No node has answered for %" PRId64 " minutes: what is shown may be out of date.",
				  chain_stale_s(chain) / 60));
}

/* --- metrics --- */

void chain_refresh_metrics(const struct rpc_server *s)
{
	struct chain_source *chain = source_of(s);
	struct utxo_sums sums;
	struct block_row tip;
	struct err err; /* a gauge that cannot be read stays as it was, and attention tells why */

	if (chain)
		metric_set(metric_gauge("walletd_chain_stale_seconds", "", "Since a node last answered."),
			   chain_stale_s(chain));
	if (chain_store_tip(store_view(s->opt.store), &tip, &err) > 0)
		metric_set(metric_gauge("walletd_chain_tip_height", "", "The block that the wallet has come to."),
			   tip.ref.height);
	if (utxo_store_sums(store_view(s->opt.store), &sums, &err) != 0)
		return;
	for (int i = 1; i <= UTXO_STATES; i++) {
		char label[48];

		if (i == UTXO_SPENT || i == UTXO_ABSENT)
			continue;
		snprintf(label, sizeof(label), "state=\"%s\"", utxo_state_name((enum utxo_state)i));
		metric_set(metric_gauge("walletd_onchain_sats", label, "On-chain coins, by state."),
			   (int64_t)sat_value(sums.of[i]));
	}
}
