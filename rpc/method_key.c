#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "rpc/auth.h"
#include "rpc/methods.h"
#include "rpc/state.h"

static int check_name(const struct rpc_call *call, struct err *err)
{
	if (auth_name_is_valid(rpc_param_str(call, "name")))
		return 0;
	ERR(err, ERR_PARAM, "a name has 1 to 32 of a-z, 0-9, '-' and '_'");
	return err_field(err, "name");
}

/* The key goes into the answer only: the record says that it was shown. */
static json_t *key_result(struct rpc_call *call, const char *secret)
{
	const char *name = rpc_param_str(call, "name");
	json_t *result = json_object_in(call->arena);

	json_set_str(result, "name", name);
	call->record = json_object_in(call->arena);
	json_set_str(call->record, "name", name);
	json_set_take(call->record, "key", json_null());
	json_set_str(call->record, "note", "The key was shown once, in the first answer. key.rotate makes a new one.");
	json_set_take(result, "key", json_sprintf("%s:%s", name, secret));
	return result;
}

static int create(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	char secret[AUTH_SECRET_TEXT + 1];
	enum rpc_scope scope;
	struct credential_row row = {
		.name = rpc_param_str(call, "name"),
		.budget_hour_sat = rpc_param_int(call, "budget_hour_sat", -1),
		.budget_day_sat = rpc_param_int(call, "budget_day_sat", -1),
		.created_at_ms = clock_now_ms(),
	};

	if (check_name(call, err) != 0)
		return -1;
	if (!rpc_scope_parse(rpc_param_str(call, "scope"), &scope))
		return ERR(err, ERR_INTERNAL, "the table let a scope pass that is none");
	if (scope != RPC_SPEND && (row.budget_hour_sat >= 0 || row.budget_day_sat >= 0)) {
		ERR(err, ERR_PARAM, "a budget is for keys of the scope spend");
		return err_field(err, row.budget_hour_sat >= 0 ? "budget_hour_sat" : "budget_day_sat");
	}
	row.scope = (int)scope;
	auth_make_secret(secret, row.salt, &row.hash);
	if (credential_add(u, &row, &row.id, err) != 0) {
		if (err->code == ERR_EXISTS) {
			ERR(err, ERR_EXISTS, "there is, or was, a key of this name");
			err_field(err, "name");
			err_hint(err, "key.rotate gives it a new secret; a revoked name is not used again");
		}
		return -1;
	}
	*ret = key_result(call, secret);
	secret_wipe(secret, sizeof(secret));
	return 0;
}

static struct rpc_outcome key_create(struct rpc_call *call)
{
	return rpc_mutate(call, create, NULL);
}

static const struct param key_create_params[] = {
	{ .name = "name",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = 32,
	  .help = "Whom it is for: 1 to 32 of a-z, 0-9, '-', '_'." },
	{ .name = "scope",
	  .type = PARAM_ENUM,
	  .flags = PARAM_REQUIRED,
	  .choices = "read|receive|spend|admin",
	  .help = "read looks; receive also makes requests to be paid; spend also sends; admin may do all." },
	{ .name = "budget_hour_sat",
	  .type = PARAM_INT,
	  .max = INT64_MAX,
	  .fallback = "none",
	  .help = "What it may spend within any hour." },
	{ .name = "budget_day_sat",
	  .type = PARAM_INT,
	  .max = INT64_MAX,
	  .fallback = "none",
	  .help = "What it may spend within any 24 hours." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field key_result_fields[] = {
	{ "name", "string", "Its name." },
	{ "key", "string", "name:secret, for Basic or Bearer. Shown once; null in a replay." },
	{ 0 },
};
const struct rpc_method method_key_create = {
	.name = "key.create",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = key_create_params,
	.result = key_result_fields,
	.help = "Makes a named key for the TCP port. Only its salted hash is kept.",
	.example = "{\"name\":\"shop\",\"scope\":\"receive\"}",
	.run = key_create,
};

static int rotate(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	char secret[AUTH_SECRET_TEXT + 1];
	uint8_t salt[16];
	struct hash32 hash;

	auth_make_secret(secret, salt, &hash);
	if (credential_rotate(u, rpc_param_str(call, "name"), salt, &hash, err) != 0)
		return err_field(err, "name");
	*ret = key_result(call, secret);
	secret_wipe(secret, sizeof(secret));
	return 0;
}

static struct rpc_outcome key_rotate(struct rpc_call *call)
{
	return rpc_mutate(call, rotate, NULL);
}

static const struct param key_name_params[] = {
	{ .name = "name", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .min = 1, .max = 32, .help = "Which one." },
	RPC_KEY_PARAM,
	{ 0 },
};
const struct rpc_method method_key_rotate = {
	.name = "key.rotate",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = key_name_params,
	.result = key_result_fields,
	.help = "Gives a key a new secret. The old one stops working at once.",
	.example = "{\"name\":\"shop\"}",
	.run = key_rotate,
};

static int revoke(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	const char *name = rpc_param_str(call, "name");

	if (credential_revoke(u, name, clock_now_ms(), err) != 0)
		return err_field(err, "name");
	*ret = json_object_in(call->arena);
	json_set_str(*ret, "name", name);
	json_set_bool(*ret, "revoked", true);
	return 0;
}

static struct rpc_outcome key_revoke(struct rpc_call *call)
{
	return rpc_mutate(call, revoke, NULL);
}

static const struct rpc_field key_revoke_result[] = {
	{ "name", "string", "Its name." },
	{ "revoked", "boolean", "true" },
	{ 0 },
};
const struct rpc_method method_key_revoke = {
	.name = "key.revoke",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = key_name_params,
	.result = key_revoke_result,
	.help = "Ends a key for good, at once. Its name is not used again.",
	.example = "{\"name\":\"shop\"}",
	.run = key_revoke,
};

static void set_or_null(json_t *obj, const char *name, int64_t v, int64_t none)
{
	if (v == none)
		json_set_take(obj, name, json_null());
	else
		json_set_int(obj, name, v);
}

static struct rpc_outcome key_list(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena), *keys = json_array_in(call->arena);
	struct credential_row *rows;
	struct err err;
	size_t n;

	if (credential_list(store_view(call->server->opt.store), call->arena, &rows, &n, &err) != 0)
		return rpc_fail(&err);
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_object_in(call->arena);

		json_set_str(row, "name", rows[i].name);
		json_set_str(row, "scope", rpc_scope_name((enum rpc_scope)rows[i].scope));
		set_or_null(row, "budget_hour_sat", rows[i].budget_hour_sat, -1);
		set_or_null(row, "budget_day_sat", rows[i].budget_day_sat, -1);
		json_set_int(row, "created_at_ms", rows[i].created_at_ms);
		set_or_null(row, "revoked_at_ms", rows[i].revoked_at_ms, 0);
		set_or_null(row, "last_used_ms", rows[i].last_used_ms, 0);
		json_add(keys, row);
	}
	json_set(result, "keys", keys);
	return rpc_ok(result);
}

static const struct rpc_field key_list_result[] = {
	{ "keys", "array", "name, scope, budgets, created_at_ms, revoked_at_ms, last_used_ms; never a secret." },
	{ 0 },
};
const struct rpc_method method_key_list = {
	.name = "key.list",
	.scope = RPC_ADMIN,
	.result = key_list_result,
	.help = "The named keys, revoked ones included.",
	.run = key_list,
};
