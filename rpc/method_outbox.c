/* rpc/method_outbox.c - lanes and spaces: the nonce doctor, and what a person does to them (spec/outbox.md 6). */
#include "rpc/method_outbox.h"

#include <inttypes.h>
#include <string.h>

#include "outbox/show.h"
#include "outbox/show_text.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "store/relay_store.h"

int outbox_here(const struct rpc_call *call, struct err *err)
{
	if (call->server->opt.outbox)
		return 0;
	ERR(err, ERR_CONFIG, "no outbox is configured here");
	return err_hint(err, "set evm_chain and outbox_space in walletd.conf, and start walletd again");
}

struct outbox_operator outbox_operator_of(const struct rpc_call *call)
{
	return (struct outbox_operator){ call->caller.credential, call->method->name, rpc_param_str(call, "reason") };
}

void outbox_changed(struct rpc_call *call, json_t *result)
{
	outbox_kick(call->server->opt.outbox);
	rpc_finish(call, rpc_ok(result));
}

/* --- outbox.lanes, outbox.spaces --- */

static struct rpc_outcome shown(struct rpc_call *call, const char *member,
				int (*show)(struct outbox *ob, struct arena *a, json_t **ret, struct err *err))
{
	json_t *result = json_object_in(call->arena), *list;
	struct err err;

	if (outbox_here(call, &err) != 0 || show(call->server->opt.outbox, call->arena, &list, &err) != 0)
		return rpc_fail(&err);
	json_set(result, member, list);
	return rpc_ok(result);
}

static struct rpc_outcome outbox_lanes(struct rpc_call *call)
{
	return shown(call, "lanes", outbox_lanes_json);
}

static const struct rpc_field outbox_lanes_result[] = {
	{ "lanes", "array",
	  "Each relayer: address, balance, the chain's count of its transactions and ours, the gap, the lowest open slot with"
	  " its fee beside what would be bid now, pause and hold; and where something is wrong trouble, what, and next: the"
	  " one thing that is safe to do." },
	{ 0 },
};
const struct rpc_method method_outbox_lanes = {
	.name = "outbox.lanes",
	.scope = RPC_READ,
	.result = outbox_lanes_result,
	.help = "The nonce doctor: the relayer accounts, and what is wrong with them.",
	.run = outbox_lanes,
};

static struct rpc_outcome outbox_spaces(struct rpc_call *call)
{
	return shown(call, "spaces", outbox_spaces_json);
}

static const struct rpc_field outbox_spaces_result[] = {
	{ "spaces", "array",
	  "Each nonce space: chain, contract, signer, next_nonce, order, rows_by_status, pause and hold; and where something"
	  " is wrong trouble, what and next." },
	{ 0 },
};
const struct rpc_method method_outbox_spaces = {
	.name = "outbox.spaces",
	.scope = RPC_READ,
	.result = outbox_spaces_result,
	.help = "The nonce spaces that directives can be appended to.",
	.run = outbox_spaces,
};

/* --- outbox.pause, outbox.resume --- */

/* One of the three, and not two. */
static int check_which(const struct rpc_call *call, struct err *err)
{
	int given = (json_object_get(call->params, "space_id") != NULL) +
		    (json_object_get(call->params, "lane") != NULL) + rpc_param_bool(call, "all");

	if (given == 1)
		return 0;
	ERR(err, ERR_PARAM, "give one of space_id, lane and all");
	err_hint(err, "outbox.spaces and outbox.lanes list them");
	return err_field(err, "space_id");
}

static int pause_all(struct unit *u, struct rpc_call *call, bool pause, struct err *err)
{
	struct outbox *ob = call->server->opt.outbox;
	struct outbox_operator op = outbox_operator_of(call);
	struct space_row *spaces;
	struct lane_row *lanes;
	size_t n_spaces, n_lanes;

	if (space_store_list(unit_view(u), call->arena, &spaces, &n_spaces, err) != 0 ||
	    lane_store_list(unit_view(u), call->arena, 0, &lanes, &n_lanes, err) != 0)
		return -1;
	for (size_t i = 0; i < n_spaces; i++)
		if (outbox_pause_space(ob, u, call->arena, &op, spaces[i].id, pause, err) != 0)
			return -1;
	for (size_t i = 0; i < n_lanes; i++)
		if (outbox_pause_lane(ob, u, call->arena, &op, lanes[i].lane, pause, err) != 0)
			return -1;
	return 0;
}

static int pause_one(struct unit *u, struct rpc_call *call, bool pause, struct err *err)
{
	const json_t *space = json_object_get(call->params, "space_id"), *lane = json_object_get(call->params, "lane");
	struct outbox *ob = call->server->opt.outbox;
	struct outbox_operator op = outbox_operator_of(call);
	int rc;

	if (space)
		rc = outbox_pause_space(ob, u, call->arena, &op, json_integer_value(space), pause, err);
	else
		rc = outbox_pause_lane(ob, u, call->arena, &op, json_integer_value(lane), pause, err);
	if (rc == 0 || err->code != ERR_NOT_FOUND)
		return rc;
	err_hint(err, space ? "outbox.spaces" : "outbox.lanes");
	return err_field(err, space ? "space_id" : "lane");
}

static int set_pause(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	bool pause = strcmp(call->method->name, "outbox.pause") == 0, all = rpc_param_bool(call, "all");

	if ((all ? pause_all(u, call, pause, err) : pause_one(u, call, pause, err)) != 0)
		return -1;
	*ret = json_object_in(call->arena);
	json_set_bool(*ret, "paused", pause);
	if (all)
		json_set_bool(*ret, "all", true);
	else if (json_object_get(call->params, "lane"))
		json_set_int(*ret, "lane", rpc_param_int(call, "lane", 0));
	else
		json_set_int(*ret, "space_id", rpc_param_int(call, "space_id", 0));
	return 0;
}

static struct rpc_outcome outbox_pause(struct rpc_call *call)
{
	struct err err;

	if (outbox_here(call, &err) != 0 || check_which(call, &err) != 0)
		return rpc_fail(&err);
	return rpc_mutate(call, set_pause, outbox_changed);
}

static const struct param outbox_pause_params[] = {
	{ .name = "space_id", .type = PARAM_INT, .min = 1, .max = INT64_MAX, .help = "One of outbox.spaces." },
	{ .name = "lane", .type = PARAM_INT, .min = 1, .max = INT64_MAX, .help = "Or one of outbox.lanes." },
	{ .name = "all", .type = PARAM_BOOL, .fallback = "false", .help = "Or all of both." },
	REASON_PARAM,
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field outbox_pause_result[] = {
	{ "paused", "boolean", "What is so now." },
	{ "space_id", "integer", "As given." },
	{ "lane", "integer", "As given." },
	{ "all", "boolean", "As given." },
	{ 0 },
};
const struct rpc_method method_outbox_pause = {
	.name = "outbox.pause",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = outbox_pause_params,
	.result = outbox_pause_result,
	.help = "Nothing more is claimed there until outbox.resume. Appends go on, and so does what is on its way.",
	.example = "{\"space_id\":1,\"reason\":\"the contract is being upgraded\"}",
	.run = outbox_pause,
};
const struct rpc_method method_outbox_resume = {
	.name = "outbox.resume",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = outbox_pause_params,
	.result = outbox_pause_result,
	.help = "Ends a pause.",
	.example = "{\"all\":true,\"reason\":\"the upgrade is done\"}",
	.run = outbox_pause,
};

/* --- outbox.cancel_slot --- */

static int cancel_slot(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct outbox_operator op = outbox_operator_of(call);
	struct hash32 hash;

	if (outbox_cancel_slot(call->server->opt.outbox, u, call->arena, &op, rpc_param_int(call, "lane", 0),
			       (uint64_t)rpc_param_int(call, "tx_nonce", 0), &hash, err) != 0) {
		if (err->code == ERR_NOT_FOUND)
			err_hint(err, "outbox.lanes lists the open slots");
		return -1;
	}
	*ret = json_object_in(call->arena);
	json_set_str(*ret, "tx_hash", show_hash(call->arena, &hash));
	return 0;
}

static struct rpc_outcome outbox_cancel(struct rpc_call *call)
{
	struct err err;

	if (outbox_here(call, &err) != 0)
		return rpc_fail(&err);
	return rpc_mutate(call, cancel_slot, outbox_changed);
}

static const struct param outbox_cancel_params[] = {
	{ .name = "lane",
	  .type = PARAM_INT,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "One of outbox.lanes." },
	{ .name = "tx_nonce",
	  .type = PARAM_INT,
	  .flags = PARAM_REQUIRED | PARAM_DECIMAL,
	  .max = INT64_MAX,
	  .help = "The account nonce of an open slot." },
	REASON_PARAM,
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field outbox_cancel_result[] = {
	{ "tx_hash", "string", "The transfer of nothing that competes with what the slot held." },
	{ 0 },
};
const struct rpc_method method_outbox_cancel_slot = {
	.name = "outbox.cancel_slot",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = outbox_cancel_params,
	.result = outbox_cancel_result,
	.help = "Replaces a transaction that is on its way by a transfer of nothing. Whichever is mined wins, and the"
		" directives follow what was mined.",
	.example = "{\"lane\":1,\"tx_nonce\":17,\"reason\":\"the action must not happen any more\"}",
	.run = outbox_cancel,
};

/* --- outbox.nonce_advance --- */

static int advance(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct outbox_operator op = outbox_operator_of(call);
	int64_t space_id = rpc_param_int(call, "space_id", 0), to = rpc_param_int(call, "to", 0);
	struct space_row row;

	if (outbox_nonce_advance(call->server->opt.outbox, u, call->arena, &op, space_id, (uint64_t)to, err) != 0 ||
	    space_store_get(unit_view(u), call->arena, space_id, &row, err) != 0) {
		if (err->code == ERR_NOT_FOUND)
			err_hint(err, "outbox.spaces");
		if (err->code == ERR_NOT_FOUND || err->code == ERR_RANGE)
			err_field(err, err->code == ERR_RANGE ? "to" : "space_id");
		return -1;
	}
	*ret = json_object_in(call->arena);
	json_set_int(*ret, "space_id", space_id);
	json_set_str(*ret, "next_nonce", arena_printf(call->arena, "%" PRIu64, row.next_nonce));
	json_set_bool(*ret, "paused", row.paused);
	json_set_str(*ret, "pause_reason", row.pause_reason);
	return 0;
}

static struct rpc_outcome nonce_advance(struct rpc_call *call)
{
	struct err err;

	if (outbox_here(call, &err) != 0)
		return rpc_fail(&err);
	return rpc_mutate(call, advance, outbox_changed);
}

static const struct param nonce_advance_params[] = {
	{ .name = "space_id",
	  .type = PARAM_INT,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "One of outbox.spaces." },
	{ .name = "to",
	  .type = PARAM_INT,
	  .flags = PARAM_REQUIRED | PARAM_DECIMAL,
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "The next nonce from now on. Never lower than it was; nonces in between are not used." },
	REASON_PARAM,
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field nonce_advance_result[] = {
	{ "space_id", "integer", "As given." },
	{ "next_nonce", "string", "What the next directive gets, in decimal." },
	{ "paused", "boolean", "Is it still paused, for another reason?" },
	{ "pause_reason", "string", "Why, or null." },
	{ 0 },
};
const struct rpc_method method_outbox_nonce_advance = {
	.name = "outbox.nonce_advance",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = nonce_advance_params,
	.result = nonce_advance_result,
	.help = "Raises the next nonce of a space, and ends a pause for nonce_horizon: after a restored backup, whose nonces"
		" the chain has seen used. Go beyond them by twice what can have been on its way.",
	.example = "{\"space_id\":1,\"to\":\"20000\",\"reason\":\"restored from the backup of Monday\"}",
	.run = nonce_advance,
};
