#include "rpc/health.h"

#include "actions/wallet.h"
#include "rpc/state.h"

json_t *health_alive(struct arena *a)
{
	json_t *obj = json_object_in(a);

	json_set_str(obj, "status", "ok");
	return obj;
}

static const char *store_reason(enum store_health h)
{
	switch (h) {
	case STORE_OK:
		return NULL;
	case STORE_FULL:
		return "storage_full";
	case STORE_READ_ONLY:
		return "storage_read_only";
	case STORE_DAMAGED:
		return "storage_damaged";
	}
	return NULL;
}

static const char *wallet_reason(enum wallet_state s)
{
	switch (s) {
	case WALLET_NONE:
		return "no_wallet";
	case WALLET_LOCKED:
		return "wallet_locked";
	case WALLET_UNLOCKED:
		return NULL;
	}
	return NULL;
}

json_t *health_ready(struct rpc_server *server, struct arena *a, bool *ret)
{
	const char *const found[] = {
		server->stopping ? "stopping" : NULL,
		store_reason(store_health(server->opt.store)),
		wallet_reason(wallet_state(server->opt.wallet)),
	};
	json_t *obj = json_object_in(a), *reasons = json_array_in(a);

	for (size_t i = 0; i < ARRAY_LEN(found); i++)
		if (found[i])
			json_add_take(reasons, json_string(found[i]));
	*ret = json_array_size(reasons) == 0;
	json_set_bool(obj, "ready", *ret);
	json_set(obj, "reasons", reasons);
	return obj;
}
