#include "base/net/loop.h"
#include "rpc/methods.h"
#include "rpc/openrpc.h"
#include "rpc/state.h"
#include "rpc/status.h"

/* --- status --- */

static struct rpc_outcome status(struct rpc_call *call)
{
	/* The cached text lives until the next status, and an answer is written before the next call runs. */
	return rpc_ok_text(status_text(call->server));
}

static const struct rpc_field status_result[] = {
	{ "version", "string", "Which walletd this is." },
	{ "network", "string", "mainnet, signet, testnet4 or regtest." },
	{ "datadir", "string", "Where its state is." },
	{ "config", "string", "Its configuration file, or null." },
	{ "started_at_ms", "integer", "When it was started, Unix time in ms." },
	{ "uptime_s", "integer", "For how long it runs." },
	{ "wallet", "object", "state: none, locked or unlocked; fingerprint." },
	{ "balances", "object", "Per rail and unit: spendable, pending, locked, sent, total." },
	{ "chain", "object",
	  "tip: the block that the on-chain wallet has come to; synced, doing, node_height, history_from_height,"
	  " blocks_to_scan: how its search goes; stale_s: how long no node has answered; fees. Null without nodes." },
	{ "tasks", "array", "Each task's last run, last success, last error, runs, failures and backlog." },
	{ "actions_in_flight", "integer", "Steps that wait for an answer right now." },
	{ "peers", "array", "Mints, EVM endpoints and nodes, each with its trouble if it has one." },
	{ "store", "object", "Health, sizes, schema and the last commit." },
	{ "rpc", "object", "Where this server listens, and its cookie." },
	{ "attention", "array",
	  "What needs a person: severity, kind, what, deadline, at_stake, next. Empty: all is well." },
	{ 0 },
};
const struct rpc_method method_status = {
	.name = "status",
	.scope = RPC_READ,
	.result = status_result,
	.help = "All that a monitor needs in one call. Answers in every state, also without a wallet.",
	.run = status,
};

/* --- help --- */

static struct rpc_outcome help(struct rpc_call *call)
{
	const char *name = rpc_param_str(call, "method");
	json_t *result = json_object_in(call->arena), *list = json_array_in(call->arena);
	const struct rpc_method *m = name ? rpc_method_of(name) : NULL;
	struct err err;

	if (name && !m) {
		ERR(&err, ERR_NOT_FOUND, "there is no method of this name");
		err_hint(&err, "help lists them all");
		err_field(&err, "method");
		return rpc_fail(&err);
	}
	if (m)
		return rpc_ok(openrpc_method_help(call->arena, m, call->server->opt.socket_path));
	for (size_t i = 0; rpc_methods[i]; i++) {
		json_t *row = json_object_in(call->arena);

		json_set_str(row, "name", rpc_methods[i]->name);
		json_set_str(row, "scope", rpc_scope_name(rpc_methods[i]->scope));
		json_set_str(row, "summary", openrpc_summary(call->arena, rpc_methods[i]));
		json_add(list, row);
	}
	json_set(result, "methods", list);
	json_set_str(result, "socket", call->server->opt.socket_path);
	json_set_str(result, "cookie", rpc_server_port(call->server) ? call->server->opt.cookie_path : NULL);
	return rpc_ok(result);
}

static const struct param help_params[] = {
	{ .name = "method",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 64,
	  .fallback = "all, with one line each",
	  .help = "Which one." },
	{ 0 },
};
static const struct rpc_field help_result[] = {
	{ "methods", "array", "Without `method`: name, scope and summary of each." },
	{ "name", "string", "With `method`: its name; and scope, help, params, result, example and curl." },
	{ 0 },
};
const struct rpc_method method_help = {
	.name = "help",
	.scope = RPC_READ,
	.params = help_params,
	.result = help_result,
	.help = "Lists the methods, or explains one.",
	.example = "{\"method\":\"action.start\"}",
	.run = help,
};

static struct rpc_outcome rpc_discover(struct rpc_call *call)
{
	return rpc_ok(openrpc_document(call->arena));
}

static const struct rpc_field discover_result[] = {
	{ "openrpc", "string", "Version of the document's format." },
	{ "info", "object", "Name and version of this server." },
	{ "methods", "array", "Every method with the schemas of its parameters and result." },
	{ 0 },
};
const struct rpc_method method_rpc_discover = {
	.name = "rpc.discover",
	.scope = RPC_READ,
	.result = discover_result,
	.help = "The OpenRPC document of this server.",
	.run = rpc_discover,
};

/* --- stop --- */

static void stop_now(void *ctx)
{
	struct rpc_server *s = ctx;

	s->opt.host.stop(s->opt.host.ctx);
}

static struct rpc_outcome stop(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena);

	/* After this turn: the answer is on its way then. */
	loop_unpost(call->server->opt.loop, stop_now, call->server);
	loop_post(call->server->opt.loop, stop_now, call->server);
	json_set_bool(result, "stopping", true);
	return rpc_ok(result);
}

static const struct rpc_field stop_result[] = { { "stopping", "boolean", "true" }, { 0 } };
const struct rpc_method method_stop = {
	.name = "stop",
	.scope = RPC_ADMIN,
	.result = stop_result,
	.help = "Stops the daemon. Safe at any time: steps in flight are let finish for a while, and what is not finished"
		" goes on at the next start.",
	.run = stop,
};

/* --- log.level --- */

static struct rpc_outcome log_level(struct rpc_call *call)
{
	const char *module = rpc_param_str(call, "module"), *text = rpc_param_str(call, "level");
	json_t *result = json_object_in(call->arena);
	enum log_level level;

	if (text && log_level_parse(text, &level))
		log_set_level(module, level);
	json_set_str(result, "module", module);
	json_set_str(result, "level", log_level_name(log_get_level(module)));
	return rpc_ok(result);
}

static const struct param log_level_params[] = {
	{ .name = "level",
	  .type = PARAM_ENUM,
	  .choices = "error|warn|info|debug",
	  .fallback = "unchanged",
	  .help = "The least that is logged." },
	{ .name = "module",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 32,
	  .fallback = "all",
	  .help = "executor, rpc, net, daemon, …; one alone." },
	{ 0 },
};
static const struct rpc_field log_level_result[] = {
	{ "module", "string", "Which module, or null for all." },
	{ "level", "string", "Its level now." },
	{ 0 },
};
const struct rpc_method method_log_level = {
	.name = "log.level",
	.scope = RPC_ADMIN,
	.params = log_level_params,
	.result = log_level_result,
	.help = "Shows or sets how much is logged, until the next start or reload.",
	.example = "{\"level\":\"debug\",\"module\":\"executor\"}",
	.run = log_level,
};

/* --- config.show --- */

static struct rpc_outcome config_show(struct rpc_call *call)
{
	const struct rpc_host *host = &call->server->opt.host;
	json_t *result = json_object_in(call->arena);

	json_set_str(result, "file", call->server->opt.config_path);
	json_set(result, "options", host->config_show(host->ctx, call->arena));
	return rpc_ok(result);
}

static const struct rpc_field config_show_result[] = {
	{ "file", "string", "The configuration file, or null." },
	{ "options", "object",
	  "Per key: value, source, whether a reload takes it up, and help. Secrets are left out." },
	{ 0 },
};
const struct rpc_method method_config_show = {
	.name = "config.show",
	.scope = RPC_ADMIN,
	.result = config_show_result,
	.help = "The configuration in force, and where each value came from.",
	.run = config_show,
};
