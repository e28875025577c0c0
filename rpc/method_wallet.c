#include <string.h>

#include "actions/wallet.h"
#include "base/secret.h"
#include "rpc/methods.h"
#include "rpc/state.h"

#define MNEMONIC_TEXT_MAX   512
#define PASSPHRASE_TEXT_MAX 1024

static const char what_the_seed_restores[] =
	"The words alone bring back the wallet's keys and its on-chain coins. Ecash is in the database: keep backups"
	" (backup.create).";

static const char *passphrase_of(const struct rpc_call *call)
{
	const char *text = rpc_param_str(call, "passphrase");

	return text ? text : "";
}

static int describe(struct rpc_call *call, json_t *result, struct err *err)
{
	struct wallet *w = call->server->opt.wallet;
	struct wallet_row row;

	json_set_str(result, "state", wallet_state_name(wallet_state(w)));
	json_set_str(result, "network", call->server->opt.network);
	if (wallet_info(w, call->arena, &row, err) != 0)
		return -1;
	json_set_str(result, "fingerprint", row.fingerprint);
	json_set_bool(result, "encrypted", row.encrypted);
	json_set_bool(result, "restored", row.restored);
	json_set_int(result, "created_at_ms", row.created_at_ms);
	json_set_str(result, "note", what_the_seed_restores);
	return 0;
}

static struct rpc_outcome described(struct rpc_call *call)
{
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (describe(call, result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

#define DESCRIPTION                                                                                                    \
	{ "state", "string", "none, locked or unlocked." }, { "network", "string", "The network of this datadir." },   \
		{ "fingerprint", "string", "8 hex characters that tell this seed from others." },                      \
		{ "encrypted", "boolean", "Is the seed encrypted with a passphrase?" },                                \
		{ "restored", "boolean", "Was it made from words that existed before?" },                              \
		{ "created_at_ms", "integer", "When it was made here, Unix time in ms." },                             \
	{                                                                                                              \
		"note", "string", "What the words bring back, and what they do not."                                   \
	}

/* --- create --- */

static struct rpc_outcome wallet_create_run(struct rpc_call *call)
{
	SCOPED(buf) struct buf words = BUF_SECRET(MNEMONIC_TEXT_MAX);
	json_t *result = json_object_in(call->arena);
	struct err err;

	if (wallet_create(call->server->opt.wallet, (unsigned)rpc_param_int(call, "words", 12), passphrase_of(call),
			  &words, &err) != 0)
		return rpc_fail(&err);
	/* The wallet is made, and its words are shown once: nothing stands in their way. */
	if (describe(call, result, &err) != 0)
		log_warn(&call->log, "wallet.not_described", F_ERR(&err));
	call->record = json_hold(call->arena, json_copy(result));
	json_set_take(call->record, "mnemonic", json_null());
	json_set_str(call->record, "note", "The words were shown once, in the first answer, and are not shown again.");
	json_set_str(result, "mnemonic", buf_text(&words));
	return rpc_ok(result);
}

static const struct param wallet_create_params[] = {
	{ .name = "passphrase",
	  .type = PARAM_SECRET,
	  .min = 0,
	  .max = PASSPHRASE_TEXT_MAX,
	  .fallback = "none, which needs allow_plaintext_seed=1",
	  .help = "Encrypts the seed on the disk." },
	{ .name = "words", .type = PARAM_INT, .min = 12, .max = 24, .fallback = "12", .help = "12 or 24." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field wallet_create_result[] = {
	{ "mnemonic", "string", "The words. Write them down: they are shown once, and null in a replay." },
	DESCRIPTION,
	{ 0 },
};
const struct rpc_method method_wallet_create = {
	.name = "wallet.create",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = wallet_create_params,
	.result = wallet_create_result,
	.help = "Makes a new seed, keeps it, and unlocks it. Answers with the words, once.",
	.example = "{\"passphrase\":\"correct horse battery staple\"}",
	.run = wallet_create_run,
};

/* --- restore --- */

static struct rpc_outcome wallet_restore_run(struct rpc_call *call)
{
	struct err err;

	if (wallet_restore(call->server->opt.wallet, rpc_param_str(call, "mnemonic"), passphrase_of(call),
			   rpc_param_int(call, "birthday_s", 0), &err) != 0)
		return rpc_fail(&err);
	return described(call);
}

static const struct param wallet_restore_params[] = {
	{ .name = "mnemonic",
	  .type = PARAM_SECRET,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = MNEMONIC_TEXT_MAX,
	  .help = "12 or 24 English words; extra white space does not matter, the checksum does." },
	{ .name = "passphrase",
	  .type = PARAM_SECRET,
	  .min = 0,
	  .max = PASSPHRASE_TEXT_MAX,
	  .fallback = "none, which needs allow_plaintext_seed=1",
	  .help = "Encrypts the seed on the disk; not part of the seed." },
	{ .name = "birthday_s",
	  .type = PARAM_INT,
	  .max = UINT32_MAX,
	  .fallback = "0: nobody knows",
	  .help = "Unix time before which nothing was received on chain: blocks from then on are looked through." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field wallet_fields[] = { DESCRIPTION, { 0 } };
const struct rpc_method method_wallet_restore = {
	.name = "wallet.restore",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = wallet_restore_params,
	.result = wallet_fields,
	.help = "Makes the wallet from words that exist, keeps the seed, and unlocks it.",
	.example = "{\"mnemonic\":\"abandon abandon … about\",\"passphrase\":\"correct horse battery staple\"}",
	.run = wallet_restore_run,
};

/* --- unlock, lock, info --- */

static struct rpc_outcome wallet_unlock_run(struct rpc_call *call)
{
	struct err err;

	if (wallet_unlock(call->server->opt.wallet, passphrase_of(call), &err) != 0)
		return rpc_fail(&err);
	return described(call);
}

static const struct param wallet_unlock_params[] = {
	{ .name = "passphrase",
	  .type = PARAM_SECRET,
	  .min = 0,
	  .max = PASSPHRASE_TEXT_MAX,
	  .fallback = "none",
	  .help = "The one that encrypts the seed." },
	{ 0 },
};
const struct rpc_method method_wallet_unlock = {
	.name = "wallet.unlock",
	.scope = RPC_ADMIN,
	.params = wallet_unlock_params,
	.result = wallet_fields,
	.help = "Opens the seed, so that actions go on. Unlocking an open wallet is no error.",
	.example = "{\"passphrase\":\"correct horse battery staple\"}",
	.run = wallet_unlock_run,
};

static struct rpc_outcome wallet_lock_run(struct rpc_call *call)
{
	struct err err;

	if (wallet_lock(call->server->opt.wallet, &err) != 0)
		return rpc_fail(&err);
	return described(call);
}

const struct rpc_method method_wallet_lock = {
	.name = "wallet.lock",
	.scope = RPC_ADMIN,
	.result = wallet_fields,
	.help = "Wipes the keys from memory. Actions wait until it is unlocked.",
	.run = wallet_lock_run,
};

const struct rpc_method method_wallet_info = {
	.name = "wallet.info",
	.scope = RPC_READ,
	.result = wallet_fields,
	.help = "What there is to know about the wallet's seed, without its secrets.",
	.run = described,
};
