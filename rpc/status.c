#include "rpc/status.h"

#include <stdlib.h>
#include <string.h>

#include "actions/executor.h"
#include "actions/wallet.h"
#include "base/clock.h"
#include "base/version.h"
#include "outbox/show.h"
#include "rpc/attention.h"
#include "rpc/chain_show.h"
#include "rpc/lightning_show.h"
#include "rpc/http_face.h"
#include "rpc/state.h"
#include "rpc/views.h"
#include "store/mint_store.h"

#define FRESH_US    1000000
#define PEERS_SHOWN 1000 /* mint.list has them all */

struct status_cache {
	char *text;
	int64_t made_us;
	uint64_t changes;
	enum wallet_state wallet;
	enum store_health health;
};

struct status_cache *status_cache_new(void)
{
	struct status_cache *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	return c;
}

void status_cache_free(struct status_cache *c)
{
	if (c)
		free(c->text);
	free(c);
}

static json_t *wallet_json(const struct rpc_server *s, struct arena *a)
{
	json_t *obj = json_object_in(a);
	struct wallet_row row;
	struct err err;

	json_set_str(obj, "state", wallet_state_name(wallet_state(s->opt.wallet)));
	if (wallet_state(s->opt.wallet) != WALLET_NONE && wallet_info(s->opt.wallet, a, &row, &err) == 0)
		json_set_str(obj, "fingerprint", row.fingerprint);
	return obj;
}

static json_t *store_json(const struct rpc_server *s, struct arena *a)
{
	json_t *obj = json_object_in(a);
	struct store_stats st;

	store_stats(s->opt.store, &st);
	json_set_str(obj, "health", store_health_name(store_health(s->opt.store)));
	json_set_u64(obj, "file_bytes", st.file_bytes);
	json_set_u64(obj, "wal_bytes", st.wal_bytes);
	json_set_int(obj, "schema", st.schema_version);
	json_set_u64(obj, "units", st.units);
	json_set_u64(obj, "commits", st.commits);
	json_set_u64(obj, "failed_commits", st.failed_commits);
	json_set_u64(obj, "last_commit_ms", st.last_commit_ms);
	json_set_int(obj, "last_commit_us", st.last_commit_us);
	return obj;
}

/* What cannot be read stands in attention. */

static void add_mints(const struct rpc_server *s, struct arena *a, json_t *peers)
{
	struct mint_row *rows;
	struct err err;
	size_t n = 0;

	if (mint_store_list(store_view(s->opt.store), a, 0, PEERS_SHOWN, &rows, &n, &err) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		json_t *obj = json_object_in(a);

		json_set_str(obj, "type", "mint");
		json_set_str(obj, "url", rows[i].url);
		json_set_str(obj, "name", rows[i].name);
		json_set_bool(obj, "trusted", rows[i].trusted);
		json_set_int(obj, "synced_at_ms", rows[i].synced_at_ms);
		json_set_str(obj, "trouble", rows[i].trouble);
		if (rows[i].trouble)
			json_set_int(obj, "trouble_since_ms", rows[i].trouble_since_ms);
		json_add(peers, obj);
	}
}

static void add_endpoints(const struct rpc_server *s, struct arena *a, json_t *peers)
{
	json_t *endpoints, *one;
	struct err err;
	size_t i;

	if (!s->opt.outbox || outbox_endpoints_json(s->opt.outbox, a, &endpoints, &err) != 0)
		return;
	json_array_foreach(endpoints, i, one)
	{
		json_t *obj = json_object_in(a);

		json_set_str(obj, "type", "evm");
		json_object_update(obj, one);
		json_add(peers, obj);
	}
}

static json_t *peers_json(const struct rpc_server *s, struct arena *a)
{
	json_t *peers = json_array_in(a);

	add_mints(s, a, peers);
	add_endpoints(s, a, peers);
	chain_show_peers(s, a, peers);
	lightning_show_peer(s, a, peers);
	return peers;
}

static json_t *rpc_json(const struct rpc_server *s, struct arena *a)
{
	json_t *obj = json_object_in(a);
	unsigned port = http_face_port(s->face);

	json_set_str(obj, "socket", s->opt.socket_path);
	if (port)
		json_set_int(obj, "port", port);
	json_set_str(obj, "cookie", port ? s->opt.cookie_path : NULL);
	return obj;
}

static char *make_text(struct rpc_server *s)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64u << 20);
	json_t *obj = json_object_in(&a), *balances = NULL;
	struct executor_stats ex;
	struct err err;
	char *text;

	executor_stats(s->opt.executor, &ex);
	json_set_str(obj, "version", walletd_version);
	json_set_str(obj, "network", s->opt.network);
	json_set_str(obj, "datadir", s->opt.datadir);
	json_set_str(obj, "config", s->opt.config_path);
	json_set_int(obj, "started_at_ms", s->opt.started_at_ms);
	json_set_int(obj, "uptime_s", (clock_now_ms() - s->opt.started_at_ms) / 1000);
	json_set(obj, "wallet", wallet_json(s, &a));
	if (view_balances(&a, store_view(s->opt.store), false, &balances, &err) == 0)
		json_set(obj, "balances", balances);
	else
		json_set_take(obj, "balances", json_null());
	json_set(obj, "chain", chain_show(s, &a));
	json_set(obj, "tasks", s->opt.host.tasks(s->opt.host.ctx, &a));
	json_set_int(obj, "actions_in_flight", ex.inflight);
	json_set(obj, "peers", peers_json(s, &a));
	json_set(obj, "store", store_json(s, &a));
	json_set(obj, "rpc", rpc_json(s, &a));
	json_set(obj, "attention", attention_list(s, &a));
	text = json_dumps(obj, JSON_COMPACT);
	if (!text)
		abort();
	return text;
}

const char *status_text(struct rpc_server *s)
{
	struct status_cache *c = s->status;
	uint64_t changes = store_change_counter(s->opt.store);
	enum wallet_state wallet = wallet_state(s->opt.wallet);
	enum store_health health = store_health(s->opt.store);
	int64_t now = clock_mono_us();

	if (c->text && now - c->made_us < FRESH_US && c->changes == changes && c->wallet == wallet &&
	    c->health == health)
		return c->text;
	free(c->text);
	*c = (struct status_cache){ make_text(s), now, changes, wallet, health };
	return c->text;
}

void status_changed(struct rpc_server *s)
{
	free(s->status->text);
	s->status->text = NULL;
}
