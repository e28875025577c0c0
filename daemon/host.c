#include "daemon/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/executor.h"
#include "actions/wallet.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/version.h"
#include "chain/follower.h"
#include "conf/options.h"
#include "daemon/drivers.h"
#include "daemon/files.h"
#include "daemon/hardening.h"
#include "daemon/keyfile.h"
#include "daemon/lightning_config.h"
#include "daemon/listening.h"
#include "daemon/lockfile.h"
#include "daemon/logging.h"
#include "daemon/maintenance.h"
#include "daemon/onchain_config.h"
#include "daemon/cashu_config.h"
#include "daemon/outbox_config.h"
#include "daemon/passphrase.h"
#include "daemon/signals.h"
#include "daemon/systemd.h"
#include "daemon/tasks.h"
#include "exit/auto.h"
#include "exit/exit.h"
#include "lightning/funding_track.h"
#include "lightning/node.h"
#include "rails/bitcoin/secp.h"
#include "rails/evm/keccak.h"
#include "rpc/server.h"
#include "store/wallet_store.h"

#define STOP_LOOK_MS   20
#define HEALTH_MS      5000
#define FIRST_CARE_MS  1000
#define ENDPOINT_POSTS 8  /* to one endpoint at a time: spec/outbox.md 5.10 */
#define NODE_POSTS     10 /* to one node: what chain/source.h lets be under way, and one that waits for a block */

struct host {
	const struct conf_input *input;
	struct config conf;       /* what is in force */
	struct arena own;         /* what lives as long as the host */
	struct arena conf_memory; /* of the last reload */
	struct log log;
	int64_t started_at_ms, started_us;

	int lock_fd;
	struct loop *loop;
	struct store *store;
	struct http *http, *chain_http;
	struct chain_source *chain; /* NULL: no node is configured; then there is no follower either */
	struct follower *follower;
	struct exits *exits;           /* as the follower */
	struct auto_exits *auto_exits; /* as the follower */
	struct lightning *lightning;   /* NULL: no Lightning node is configured */
	struct secret lightning_key;   /* of lightning_api_key */
	struct ln_node lightning_node; /* how it is reached */
	struct executor *executor;
	struct outbox_options outbox_conf; /* what is configured of it */
	struct outbox *outbox;             /* NULL: no chain is configured */
	struct wallet *wallet;
	struct rpc_server *rpc;
	struct signals *signals;
	struct tasks *tasks;
	struct task_def executor_task, outbox_task, tip_task; /* their intervals depend on the configuration */
	struct task *executor_run, *outbox_run, *tip_run, *auto_exit_run, *lightning_run;
	struct maintenance maintenance;

	struct timer *stop_timer, *watchdog_timer;
	int64_t watchdog_ms, stop_deadline_us;
	bool stopping, was_healthy;
	char status[128]; /* last STATUS= told */
};

/* --- the store --- */

static void flush(void *ctx)
{
	struct host *h = ctx;

	store_flush(h->store);
	if (h->rpc)
		rpc_server_committed(h->rpc);
}

static void flush_wanted(void *ctx)
{
	struct host *h = ctx;

	loop_post(h->loop, flush, h);
}

static void store_fatal(void *ctx, const struct err *err)
{
	struct host *h = ctx;

	log_error(&h->log, "store.fatal", F_ERR(err),
		  F_STR("hint", "check the disk, then start again: everything that was acknowledged is on it"));
	_exit(EXIT_STORAGE);
}

static int open_store(struct host *h, struct err *err)
{
	const struct store_options opt = {
		.path = files_in(&h->own, h->conf.datadir, "wallet.db"),
		.shared = h->conf.shared_state,
		.flush_wanted = flush_wanted,
		.fatal = store_fatal,
		.ctx = h,
	};

	return store_open(&opt, &h->store, err);
}

static int write_network(struct unit *u, void *ctx, struct err *err)
{
	return meta_set(u, "network", ctx, err);
}

/* Keys, mints and coins of one network mean nothing on another. */
static int check_network(struct host *h, struct err *err)
{
	const char *ours = network_names[h->conf.network], *theirs;
	int found = meta_get(store_view(h->store), &h->own, "network", &theirs, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return store_unit_now(h->store, write_network, (void *)ours, err);
	if (strcmp(ours, theirs) == 0)
		return 0;
	ERR(err, ERR_CONFIG, "%s belongs to %s, and network is %s", store_path(h->store), theirs, ours);
	err_field(err, "network");
	return err_hint(err, "set network=%s, or another datadir", theirs);
}

/* --- the wallet --- */

static void keys_changed(void *ctx, struct keyring *keys)
{
	struct host *h = ctx;

	executor_set_keys(h->executor, keys);
	if (h->outbox)
		outbox_set_keys(h->outbox, keys);
	if (h->exits)
		exits_set_keys(h->exits, keys);
	if (h->tip_run)
		task_kick(h->tip_run); /* a wallet that is new has something to look for */
}

static int unlock(struct host *h, struct err *err)
{
	SCOPED(buf) struct buf passphrase = BUF_SECRET(PASSPHRASE_MAX + 1);

	if (passphrase_read(systemd_credentials(), h->conf.passphrase_file, &passphrase, err) != 0)
		return -1;
	if (passphrase.n == 0 || wallet_state(h->wallet) != WALLET_LOCKED)
		return 0;
	if (wallet_unlock(h->wallet, buf_text(&passphrase), err) == 0)
		return 0;
	if (err->code == ERR_PASSPHRASE)
		err_hint(err, "correct the credential walletd.passphrase or passphrase_file; nothing was changed");
	return err_context(err, "the wallet cannot be unlocked");
}

static int open_wallet(struct host *h, struct err *err)
{
	const struct wallet_options opt = {
		.store = h->store,
		.allow_plaintext_seed = h->conf.allow_plaintext_seed,
		.network = (enum network)h->conf.network,
		.keys_changed = keys_changed,
		.ctx = h,
	};

	return wallet_open(&opt, &h->wallet, err) == 0 ? unlock(h, err) : -1;
}

/* --- network, actions, outbox --- */

static unsigned node_connections(const struct host *h)
{
	return (unsigned)(h->conf.bitcoind_url.n + h->conf.esplora_url.n) * NODE_POSTS;
}

/* To mints, endpoints and nodes, at a time. */
static unsigned peer_connections(const struct host *h)
{
	unsigned n = (unsigned)h->conf.max_inflight;

	for (size_t i = 0; i < h->outbox_conf.n_chains; i++)
		n += (unsigned)h->outbox_conf.chains[i].n_urls * ENDPOINT_POSTS;
	return n + node_connections(h) + (h->conf.lightning_url ? 1 : 0);
}

/* The executor keeps to its own limit for a mint, which may be lower. */
static unsigned connections_per_peer(const struct host *h)
{
	unsigned n = (unsigned)h->conf.max_inflight_per_peer;

	return n < ENDPOINT_POSTS ? ENDPOINT_POSTS : n;
}

static int read_key_file(void *ctx, const char *name, struct buf *ret_json, struct buf *ret_password, struct err *err)
{
	const struct host *h = ctx;

	return keyfile_read(h->conf.datadir, systemd_credentials(), name, ret_json, ret_password, err);
}

static int open_outbox(struct host *h, struct err *err)
{
	struct outbox_options opt = h->outbox_conf;

	/* A chain without a space delivers nothing yet; it tells the relayers that are to be funded. */
	if (opt.n_chains == 0)
		return 0;
	opt.store = h->store;
	opt.loop = h->loop;
	opt.http = h->http;
	opt.shared = h->conf.shared_state;
	opt.read_key_file = read_key_file;
	opt.ctx = h;
	return outbox_new(&opt, &h->outbox, err);
}

static void wake_all(struct host *h, const char *kind)
{
	struct err err;

	/* They look by themselves some minutes later. */
	if (executor_wake_kind(h->executor, kind, &err) != 0)
		log_warn(&h->log, "chain.payments_not_woken", F_STR("action_kind", kind), F_ERR(&err));
}

static void wake_splices(void *ctx)
{
	struct host *h = ctx;

	wake_all(h, "splice_in");
	wake_all(h, "splice_out");
	wake_all(h, "splice_bump");
}

static int sync_funding(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return funding_sync(u, clock_now_ms(), err);
}

static void wake_payments(void *ctx)
{
	struct host *h = ctx;
	struct err err;

	wake_all(h, "onchain_send");
	if (!h->lightning)
		return;
	if (store_unit(h->store, sync_funding, NULL, NULL, &err) != 0)
		log_error(&h->log, "chain.funding_not_synced", F_ERR(&err));
	wake_splices(h);
}

static void chain_changed(void *ctx)
{
	struct host *h = ctx;

	if (h->auto_exit_run)
		task_kick(h->auto_exit_run);
	if (h->lightning_run)
		task_kick(h->lightning_run); /* a block may have locked a splice */
	exits_kick(h->exits);
	loop_unpost(h->loop, wake_payments, h);
	loop_post(h->loop, wake_payments, h);
}

/* There are outputs now that the follower should look for, or transactions. */
static void look_at_chain(void *ctx)
{
	struct host *h = ctx;

	if (h->tip_run)
		task_kick(h->tip_run);
}

static void exit_begun(void *ctx)
{
	struct host *h = ctx;

	look_at_chain(h);
	exits_kick(h->exits);
	if (h->auto_exit_run)
		task_kick(h->auto_exit_run); /* there may be more */
}

static bool chain_is_known(void *ctx)
{
	const struct host *h = ctx;

	return h->follower && follower_has_arrived(h->follower);
}

static void open_exits(struct host *h)
{
	const struct onchain_policy policy = onchain_config_policy(&h->conf);

	h->exits = exits_new(&(struct exits_options){
		.loop = h->loop,
		.store = h->store,
		.chain = h->chain,
		.network = (enum network)h->conf.network,
		.single_chain = policy.single_chain,
		.max_feerate = policy.max_feerate,
		.max_fee_per_tick = { (uint64_t)h->conf.exit_max_fee_per_tick },
		.bump_after = (uint32_t)h->conf.exit_bump_after,
		.margin = (uint32_t)h->conf.vtxo_exit_margin,
		.final_confs = (unsigned)h->conf.exit_confirmations,
		.sent = look_at_chain,
		.knows_chain = chain_is_known,
		.ctx = h,
	});
	h->auto_exits = auto_exits_new(&(struct auto_exit_options){
		.store = h->store,
		.chain = h->chain,
		.policy = (enum auto_exit)h->conf.auto_exit,
		.margin = (uint32_t)h->conf.vtxo_exit_margin,
		.limit = policy.max_feerate,
		.exits = h->conf.exit_auto_claim ? h->exits : NULL,
		.begun = exit_begun,
		.ctx = h,
	});
}

/* A bitcoind is on this machine or in this house, where no proxy leads to. */
static int open_chain(struct host *h, struct err *err)
{
	SCOPED(buf) struct buf login = BUF_SECRET(PASSPHRASE_MAX + 1);
	struct chain_options opt = { .loop = h->loop };
	struct http_options http = {
		.ca_file = h->conf.ca_file,
		.max_total = (int)node_connections(h),
		.max_per_host = NODE_POSTS,
	};

	if (onchain_config_nodes(&h->own, &h->conf, &login, &opt, err) != 0)
		return -1;
	if (opt.n_backends == 0)
		return 0;
	http.proxy = opt.kind == CHAIN_ESPLORA ? h->conf.proxy : NULL;
	if (http_new(h->loop, &http, &h->chain_http, err) != 0)
		return -1;
	opt.http = h->chain_http;
	if (chain_source_new(&opt, &h->chain, err) != 0)
		return -1;
	h->follower = follower_new(&(struct follower_options){
		.loop = h->loop,
		.store = h->store,
		.source = h->chain,
		.kind = opt.kind,
		.changed = chain_changed,
		.ctx = h,
	});
	open_exits(h);
	return 0;
}

/* What the node has told may be what splices wait for. */
static void lightning_changed(void *ctx)
{
	struct host *h = ctx;

	loop_unpost(h->loop, wake_splices, h);
	loop_post(h->loop, wake_splices, h);
}

static int open_lightning(struct host *h, struct splice_policy *ret, struct err *err)
{
	const struct ln_backend *backend;

	if (lightning_config(&h->conf, &h->lightning_key, &backend, &h->lightning_node, err) != 0)
		return -1;
	*ret = (struct splice_policy){
		.backend = backend ? backend : &cln_backend, /* what began with one waits */
		.node = &h->lightning_node,
		.attempts = (uint32_t)h->conf.splice_attempts,
		.disconnects = (uint32_t)h->conf.splice_disconnects,
		.deadline_ms = h->conf.splice_deadline_s * 1000,
		.unseen_ms = h->conf.splice_unseen_s * 1000,
	};
	if (!backend)
		return 0;
	h->lightning = lightning_new(&(struct lightning_options){
		.loop = h->loop,
		.store = h->store,
		.http = h->http,
		.backend = backend,
		.node = h->lightning_node,
		.network = (enum network)h->conf.network,
		.changed = lightning_changed,
		.ctx = h,
	});
	return 0;
}

static int open_engine(struct host *h, struct err *err)
{
	const struct http_options http = {
		.proxy = h->conf.proxy,
		.ca_file = h->conf.ca_file,
		.max_total = (int)peer_connections(h),
		.max_per_host = (int)connections_per_peer(h),
	};
	struct action_policy policy = { .onchain = onchain_config_policy(&h->conf) };

	if (cashu_config_policy(&h->own, &h->conf, &policy, err) != 0 || http_new(h->loop, &http, &h->http, err) != 0 ||
	    open_chain(h, err) != 0 || open_lightning(h, &policy.splice, err) != 0)
		return -1;
	h->executor = executor_new(&(struct executor_options){
		.store = h->store,
		.loop = h->loop,
		.http = h->http,
		.chain = h->chain,
		.lightning = h->lightning,
		.kinds = action_kinds,
		.policy = policy,
		.max_inflight = (unsigned)h->conf.max_inflight,
		.max_inflight_per_peer = (unsigned)h->conf.max_inflight_per_peer,
		.shared = h->conf.shared_state,
	});
	return open_outbox(h, err);
}

/* --- tasks --- */

/* One line for `systemctl status`. */
static void tell_status(struct host *h)
{
	char line[sizeof(h->status)], directives[48] = "";
	struct executor_stats s;
	struct outbox_stats o;

	executor_stats(h->executor, &s);
	if (h->outbox) {
		outbox_stats(h->outbox, &o);
		snprintf(directives, sizeof(directives), ", %" PRIu64 " directives wait", o.backlog);
	}
	if (store_health(h->store) != STORE_OK)
		snprintf(line, sizeof(line), "storage is %s: nothing moves until it is mended",
			 store_health_name(store_health(h->store)));
	else if (wallet_state(h->wallet) == WALLET_UNLOCKED)
		snprintf(line, sizeof(line), "%s, %u actions in flight%s", network_names[h->conf.network], s.inflight,
			 directives);
	else
		snprintf(line, sizeof(line), "%s, wallet: %s%s", network_names[h->conf.network],
			 wallet_state_name(wallet_state(h->wallet)), directives);
	if (strcmp(line, h->status) == 0)
		return;
	memcpy(h->status, line, sizeof(line));
	systemd_notify("STATUS=%s", line);
}

static int unhealthy(enum store_health health, struct err *err)
{
	switch (health) {
	case STORE_FULL:
		ERR(err, ERR_STORAGE_FULL, "the disk is full: nothing moves");
		return err_hint(err, "make room; walletd goes on by itself");
	case STORE_READ_ONLY:
		ERR(err, ERR_STORAGE, "the database cannot be written: nothing moves");
		return err_hint(err, "mount the file system for writing; walletd goes on by itself");
	case STORE_DAMAGED:
		ERR(err, ERR_STORAGE_CORRUPT, "the database is damaged: nothing moves");
		return err_hint(err, "stop walletd, keep the file aside and put a backup in its place");
	case STORE_OK:
		break;
	}
	return 0;
}

static int health_run(void *ctx, struct err *err)
{
	struct host *h = ctx;
	bool well = store_health(h->store) == STORE_OK || store_probe(h->store);

	tell_status(h);
	if (!well) {
		h->was_healthy = false;
		return unhealthy(store_health(h->store), err);
	}
	if (!h->was_healthy) {
		h->was_healthy = true;
		log_info(&h->log, "store.recovered", F_STR("path", store_path(h->store)));
		task_kick(h->executor_run);
		if (h->outbox)
			task_kick(h->outbox_run);
	}
	return 0;
}

static void ledger_checked(void *ctx, const struct err *failed)
{
	const struct host *h = ctx;

	rpc_server_ledger_checked(h->rpc, failed);
}

static const struct task_def health_task = { .name = "health", .interval_ms = HEALTH_MS, .run = health_run };

static void start_tasks(struct host *h)
{
	h->executor_task = executor_task(h->conf.shared_state);
	h->outbox_task = outbox_task(h->conf.shared_state);
	h->was_healthy = true;
	h->tasks = tasks_new(h->loop);
	h->executor_run = tasks_add(h->tasks, &h->executor_task, h->executor, 0);
	if (h->outbox)
		h->outbox_run = tasks_add(h->tasks, &h->outbox_task, h->outbox, 0);
	if (h->chain) {
		h->tip_task = tip_task(&h->conf);
		tasks_add(h->tasks, &fees_task, h->chain, 0);
		h->tip_run = tasks_add(h->tasks, &h->tip_task, h->follower, 0);
		tasks_add(h->tasks, &exit_task, h->exits, 0);
		h->auto_exit_run = tasks_add(h->tasks, &auto_exit_task, h->auto_exits, 0);
		chain_changed(h); /* what the last life saw, and had no time to tell */
	}
	if (h->lightning)
		h->lightning_run = tasks_add(h->tasks, &lightning_task, h->lightning, 0);
	tasks_add(h->tasks, &sweep_task, h->executor, FIRST_CARE_MS);
	tasks_add(h->tasks, &rotate_task, h->executor, FIRST_CARE_MS);
	tasks_add(h->tasks, &put_back_task, h->executor, FIRST_CARE_MS);
	tasks_add(h->tasks, &health_task, h, HEALTH_MS);
	tasks_add(h->tasks, &maintenance_task, &h->maintenance, FIRST_CARE_MS);
}

/* --- stopping --- */

static void stop_look(void *ctx)
{
	struct host *h = ctx;
	bool idle = executor_idle(h->executor) && rpc_server_idle(h->rpc) && (!h->outbox || outbox_idle(h->outbox)) &&
		    (!h->exits || exits_idle(h->exits));

	if (!idle && clock_mono_us() < h->stop_deadline_us) {
		timer_start(h->stop_timer, STOP_LOOK_MS);
		return;
	}
	log_info(&h->log, "daemon.stopping", F_BOOL("idle", idle));
	loop_stop(h->loop);
}

static void stop(void *ctx)
{
	struct host *h = ctx;

	if (h->stopping)
		return;
	h->stopping = true;
	systemd_notify("STOPPING=1\nSTATUS=stopping");
	log_info(&h->log, "daemon.stop", F_INT("grace_s", h->conf.shutdown_grace_s));
	tasks_stop(h->tasks);
	executor_stop(h->executor);
	if (h->outbox)
		outbox_stop(h->outbox);
	if (h->exits)
		exits_stop(h->exits);
	rpc_server_stop(h->rpc);
	h->stop_deadline_us = clock_mono_us() + h->conf.shutdown_grace_s * 1000000;
	timer_start(h->stop_timer, 0);
}

static void signal_stop(void *ctx)
{
	struct host *h = ctx;

	if (h->stopping)
		_exit(EXIT_OK); /* asked twice: at once.  What is committed is all that counts */
	stop(h);
}

/* --- what the RPC asks --- */

static json_t *config_show(void *ctx, struct arena *a)
{
	const struct host *h = ctx;
	json_t *all = json_object_in(a);

	for (size_t i = 0; i < n_options; i++) {
		json_t *o = json_object_in(a);

		json_set_str(o, "value", option_text(a, &options[i], &h->conf));
		json_set_str(o, "source", h->conf.origin[i]);
		json_set_bool(o, "reloadable", (options[i].flags & OPTION_RELOADABLE) != 0);
		json_set_str(o, "help", options[i].help);
		json_set(all, options[i].key, o);
	}
	return all;
}

static json_t *show_tasks(void *ctx, struct arena *a)
{
	const struct host *h = ctx;

	return tasks_json(h->tasks, a);
}

/* --- listening --- */

static int listen_rpc(struct host *h, struct err *err)
{
	struct rpc_server_options opt = {
		.loop = h->loop,
		.store = h->store,
		.executor = h->executor,
		.outbox = h->outbox,
		.wallet = h->wallet,
		.follower = h->follower,
		.exits = h->exits,
		.lightning = h->lightning,
		.host = { .ctx = h, .stop = stop, .config_show = config_show, .tasks = show_tasks },
		.network = network_names[h->conf.network],
		.datadir = h->conf.datadir,
		.config_path = h->conf.file,
		.started_at_ms = h->started_at_ms,
		.exit_margin = (uint32_t)h->conf.vtxo_exit_margin,
		.exit_alarm = (uint32_t)h->conf.vtxo_alarm_blocks,
		.backup_max_age_ms = h->conf.backup_max_age_days * 86400000,
	};
	struct listening at;

	if (listening_prepare(&at, &h->own, &h->conf, peer_connections(h), &opt, err) != 0 ||
	    rpc_server_new(&opt, &h->rpc, err) != 0)
		return -1;
	if (opt.socket_path && chmod(opt.socket_path, (mode_t)h->conf.rpc_socket_mode) != 0)
		return ERR(err, ERR_IO, "cannot set the mode of %s: %s", opt.socket_path, strerror(errno));
	return 0;
}

/* --- reload, dump --- */

static void apply(struct host *h)
{
	struct rpc_peer_scope peers[LISTENING_PEERS_MAX];

	rpc_server_set_peers(h->rpc, peers, listening_peers(&h->conf, peers));
	executor_set_limits(h->executor, (unsigned)h->conf.max_inflight, (unsigned)h->conf.max_inflight_per_peer);
	h->maintenance.retention_days = h->conf.retention_days;
	h->maintenance.event_retention_days = h->conf.event_retention_days;
}

/* Keeps what only a restart can change, and says so. */
static void keep_fixed(struct host *h, struct config *next)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];

		if (o->flags & OPTION_RELOADABLE)
			continue;
		if (option_differs(o, &h->conf, next))
			log_warn(&h->log, "config.needs_restart", F_STR("option", o->key),
				 F_STR("source", next->origin[i]));
		option_copy(o, &h->conf, next); /* the text is in the memory of the first load, which stays */
		next->origin[i] = h->conf.origin[i];
	}
}

static int reload_into(struct host *h, struct arena *memory, struct config *next, struct err *err)
{
	enum conf_command command;

	if (conf_load(memory, h->input, &command, next, err) != 0)
		return -1;
	keep_fixed(h, next);
	if (logging_open(next, err) != 0)
		return -1;
	if (h->chain && next->esplora_url.n > 0 && http_set_proxy(h->chain_http, next->proxy, err) != 0)
		return -1;
	return http_set_proxy(h->http, next->proxy, err);
}

static void reload(void *ctx)
{
	struct host *h = ctx;
	struct arena memory = ARENA_LIMIT(CONF_ARENA);
	struct config next;
	struct err err, ignored;

	if (h->stopping)
		return;
	systemd_notify_reloading();
	if (reload_into(h, &memory, &next, &err) == 0) {
		arena_done(&h->conf_memory);
		h->conf_memory = memory;
		h->conf = next;
		apply(h);
		log_info(&h->log, "config.reloaded", F_STR("file", h->conf.file ? h->conf.file : ""));
	} else {
		arena_done(&memory);
		/* logrotate has moved the log file away, whatever else is wrong. */
		if (logging_open(&h->conf, &ignored) != 0)
			log_error(&h->log, "log.reopen_failed", F_ERR(&ignored));
		log_error(&h->log, "config.reload_failed", F_ERR(&err), F_STR("hint", err.hint));
	}
	systemd_notify("READY=1");
}

static void dump(void *ctx)
{
	const struct host *h = ctx;
	struct executor_stats e;
	struct store_stats s;

	executor_stats(h->executor, &e);
	store_stats(h->store, &s);
	log_info(&h->log, "daemon.state", F_STR("version", walletd_version),
		 F_INT("uptime_s", (clock_mono_us() - h->started_us) / 1000000), F_UINT("turns", loop_turns(h->loop)),
		 F_STR("wallet", wallet_state_name(wallet_state(h->wallet))),
		 F_STR("store", store_health_name(store_health(h->store))), F_UINT("commits", s.commits),
		 F_UINT("failed_commits", s.failed_commits), F_UINT("file_bytes", s.file_bytes),
		 F_UINT("wal_bytes", s.wal_bytes), F_UINT("steps", e.steps), F_UINT("inflight", e.inflight),
		 F_UINT("waiters", e.waiters), F_UINT("exchanges", http_in_flight(h->http)),
		 F_BOOL("outbox", h->outbox != NULL));
	tasks_log(h->tasks);
}

/* --- the watchdog --- */

/* Runs as a post, at the end of a turn and behind the commit that the turn wanted: a loop that does not turn and a disk
 * that does not finish a commit both end in silence, and systemd starts us again. */
static void watchdog_tell(void *ctx)
{
	(void)ctx;
	systemd_notify("WATCHDOG=1");
}

static void watchdog_due(void *ctx)
{
	struct host *h = ctx;

	timer_start(h->watchdog_timer, h->watchdog_ms);
	loop_post(h->loop, watchdog_tell, h);
}

static void start_watchdog(struct host *h)
{
	/* Twice in the time that we are given, as sd_watchdog_enabled(3) advises. */
	h->watchdog_ms = systemd_watchdog_us() / 2000;
	h->watchdog_timer = loop_timer(h->loop, watchdog_due, h);
	if (h->watchdog_ms > 0)
		timer_start(h->watchdog_timer, h->watchdog_ms);
}

/* --- start, run, end --- */

int host_check_files(const struct config *conf, struct err *err)
{
	SCOPED(buf) struct buf passphrase = BUF_SECRET(PASSPHRASE_MAX + 1);
	SCOPED(arena) struct arena a = ARENA_LIMIT(OUTBOX_CONF_ARENA);
	struct outbox_options outbox;
	SCOPED(buf) struct buf login = BUF_SECRET(PASSPHRASE_MAX + 1);
	struct chain_options chain = { 0 };
	struct action_policy policy = { 0 };

	if (files_check_private(conf->datadir, err) != 0 && err->code != ERR_NOT_FOUND)
		return -1;
	if (onchain_config_nodes(&a, conf, &login, &chain, err) != 0 ||
	    cashu_config_policy(&a, conf, &policy, err) != 0 || outbox_config_read(&a, conf, &outbox, err) != 0 ||
	    outbox_config_check_keys(&outbox, conf->datadir, systemd_credentials(), err) != 0)
		return -1;
	return passphrase_read(systemd_credentials(), conf->passphrase_file, &passphrase, err);
}

static int start_libraries(struct err *err)
{
	SCOPED(secret) struct secret blind;

	if (!secret_init())
		return ERR(err, ERR_INTERNAL, "libsodium does not start");
	rng_bytes(blind.b, sizeof(blind.b));
	if (!secp_init(blind.b))
		return ERR(err, ERR_INTERNAL, "libsecp256k1 does not start");
	if (!keccak_self_test())
		return ERR(err, ERR_INTERNAL, "nettle's permutation does not give Keccak-256: nothing can be signed");
	return 0;
}

static int start(struct host *h, struct err *err)
{
	const struct signals_hooks hooks = { .stop = signal_stop, .reload = reload, .dump = dump, .ctx = h };

	if (hardening_apply(err) != 0 || logging_open(&h->conf, err) != 0)
		return -1;
	if (start_libraries(err) != 0)
		return -1;
	log_info(&h->log, "daemon.start", F_STR("version", walletd_version),
		 F_STR("network", network_names[h->conf.network]), F_STR("datadir", h->conf.datadir),
		 F_STR("config", h->conf.file ? h->conf.file : ""));
	if (outbox_config_read(&h->own, &h->conf, &h->outbox_conf, err) != 0)
		return -1;
	if (files_make_dir(h->conf.datadir, 0700, err) != 0 || files_check_private(h->conf.datadir, err) != 0)
		return -1;
	if (lockfile_take(h->conf.datadir, h->conf.shared_state, &h->lock_fd, err) != 0)
		return -1;
	if (loop_new(&h->loop, err) != 0 || signals_new(h->loop, &hooks, &h->signals, err) != 0)
		return -1;
	h->stop_timer = loop_timer(h->loop, stop_look, h);
	if (open_store(h, err) != 0 || check_network(h, err) != 0)
		return -1;
	if (open_engine(h, err) != 0 || open_wallet(h, err) != 0)
		return -1;
	h->maintenance = maintenance_new(h->store, ledger_checked, h);
	start_tasks(h);
	if (listen_rpc(h, err) != 0)
		return -1;
	apply(h);
	start_watchdog(h);
	return 0;
}

static void tell_ready(struct host *h)
{
	metric_set(metric_gauge("walletd_start_time_seconds", NULL, "When the daemon was started."),
		   h->started_at_ms / 1000);
	log_info(&h->log, "daemon.ready", F_INT("after_ms", (clock_mono_us() - h->started_us) / 1000),
		 F_STR("wallet", wallet_state_name(wallet_state(h->wallet))),
		 F_STR("socket", h->conf.rpc_socket ? h->conf.rpc_socket : ""),
		 F_UINT("port", rpc_server_port(h->rpc)));
	tell_status(h);
	systemd_notify("READY=1");
}

/* In the order of dependence; every part may be missing. */
static void end(struct host *h)
{
	if (h->store)
		store_flush(h->store); /* what hooks still want to say, while those who say it are there */
	rpc_server_free(h->rpc);
	h->rpc = NULL;
	tasks_free(h->tasks);
	outbox_free(h->outbox);
	h->tip_run = NULL; /* the wallet still tells when its keys go */
	h->outbox = NULL;
	follower_free(h->follower);
	auto_exits_free(h->auto_exits);
	exits_free(h->exits);
	h->exits = NULL;
	executor_free(h->executor);
	lightning_free(h->lightning);
	secret_wipe(&h->lightning_key, sizeof(h->lightning_key));
	wallet_free(h->wallet);
	chain_source_free(h->chain);
	http_free(h->chain_http);
	http_free(h->http);
	store_close(h->store);
	if (h->loop) {
		timer_free(h->stop_timer);
		timer_free(h->watchdog_timer);
		signals_free(h->signals);
		loop_free(h->loop);
	}
	if (h->lock_fd >= 0)
		close(h->lock_fd);
	arena_done(&h->conf_memory);
	arena_done(&h->own);
}

/* A start that fails is told in plain words to whoever started us, and to the log file where there is one. */
static void tell_failure(const struct host *h, const struct err *err)
{
	fprintf(stderr, "%swalletd: %s\n", systemd_stderr_is_journal() ? "<3>" : "", err->msg);
	if (err->hint[0])
		fprintf(stderr, "%swalletd: %s\n", systemd_stderr_is_journal() ? "<3>" : "", err->hint);
	if (h->conf.log_file)
		log_error(&h->log, "daemon.failed", F_ERR(err), F_STR("hint", err->hint));
	systemd_notify("STATUS=%.200s", err->msg);
}

enum exit_code host_run(const struct config *conf, const struct conf_input *in)
{
	struct host h = {
		.input = in,
		.conf = *conf,
		.own = ARENA_LIMIT(1024 * 1024 + OUTBOX_CONF_ARENA),
		.log = log_module("daemon"),
		.started_at_ms = clock_now_ms(),
		.started_us = clock_mono_us(),
		.lock_fd = -1,
	};
	enum exit_code code = EXIT_OK;
	struct err err;

	err_clear(&err);
	if (start(&h, &err) != 0) {
		code = exit_code_of(&err);
		tell_failure(&h, &err);
	} else {
		tell_ready(&h);
		if (loop_run(h.loop, &err) != 0) {
			code = EXIT_FAILED;
			log_error(&h.log, "daemon.failed", F_ERR(&err));
		}
		log_info(&h.log, "daemon.stopped", F_INT("code", code));
	}
	end(&h);
	return code;
}
