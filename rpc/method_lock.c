#include "actions/cashu_lock.h"
#include "actions/executor.h"
#include "base/text.h"
#include "rpc/methods.h"
#include "rpc/state.h"

static json_t *key_json(struct arena *a, const struct pubkey *key, int64_t index)
{
	json_t *v = json_object_in(a);
	char hex[2 * sizeof(key->b) + 1];

	hex_encode(key->b, sizeof(key->b), hex);
	json_set_str(v, "public_key", hex);
	json_set_int(v, "index", index);
	return v;
}

static int keys_of(const struct rpc_call *call, struct keyring **ret, struct err *err)
{
	*ret = executor_keys(call->server->opt.executor);
	if (*ret)
		return 0;
	ERR(err, ERR_WALLET_LOCKED, "the wallet is locked, or there is none");
	return err_hint(err, "wallet.unlock");
}

/* --- lock_key.new --- */

static int give(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct keyring *keys;
	struct pubkey key;
	int64_t index;

	if (keys_of(call, &keys, err) != 0 || lock_key_new(u, keys, &key, &index, err) != 0)
		return -1;
	*ret = key_json(call->arena, &key, index);
	return 0;
}

static struct rpc_outcome lock_key_new_run(struct rpc_call *call)
{
	return rpc_mutate(call, give, NULL);
}

#define KEY_FIELDS                                                                                                     \
	{ "public_key", "string", "66 characters of hex, for lock_to or refund_to of somebody else's send." },         \
	{                                                                                                              \
		"index", "integer", "Its number: m/129373'/10'/0'/0'/index of the wallet's words."                     \
	}
static const struct param lock_key_new_params[] = { RPC_KEY_PARAM, { 0 } };
static const struct rpc_field lock_key_new_result[] = { KEY_FIELDS, { 0 } };
const struct rpc_method method_lock_key_new = {
	.name = "lock_key.new",
	.scope = RPC_RECEIVE,
	.flags = RPC_MUTATES,
	.params = lock_key_new_params,
	.result = lock_key_new_result,
	.help = "A public key that ecash can be locked to (NUT-11): only this wallet can receive such a token.",
	.example = "{}",
	.run = lock_key_new_run,
};

/* --- lock_key.list --- */

static struct rpc_outcome lock_key_list(struct rpc_call *call)
{
	unsigned limit = (unsigned)rpc_param_int(call, "limit", PAGE_DEFAULT);
	json_t *result = json_object_in(call->arena), *rows = json_array_in(call->arena);
	int64_t at, given;
	struct keyring *keys;
	struct pubkey key;
	struct err err;

	if (keys_of(call, &keys, &err) != 0 || rpc_param_cursor(call, &at, &err) != 0 ||
	    lock_keys_given(store_view(call->server->opt.store), &given, &err) != 0)
		return rpc_fail(&err);
	for (unsigned n = 0; n < limit && at < given; n++, at++) {
		if (lock_key_at(keys, at, &key, &err) != 0)
			return rpc_fail(&err);
		json_add(rows, key_json(call->arena, &key, at));
	}
	json_set(result, "keys", rows);
	rpc_set_next(result, at < given ? at : 0);
	return rpc_ok(result);
}

static const struct param lock_key_list_params[] = { LIMIT_PARAM, CURSOR_PARAM, { 0 } };
static const struct rpc_field lock_key_list_result[] = {
	{ "keys", "array", "Each as lock_key.new told it, the oldest first." },
	{ "next", "string", "Cursor of the next page, or null." },
	{ 0 },
};
const struct rpc_method method_lock_key_list = {
	.name = "lock_key.list",
	.scope = RPC_READ,
	.params = lock_key_list_params,
	.result = lock_key_list_result,
	.help = "The public keys that were given out for ecash to be locked to.",
	.run = lock_key_list,
};
