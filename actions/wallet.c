#include "actions/wallet.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "chain/ark_keys.h"
#include "chain/gap.h"
#include "rails/keys/keyring.h"
#include "rails/keys/seed.h"
#include "store/script_store.h"

struct wallet {
	struct wallet_options opt;
	struct keyring *keys;
	bool exists, encrypted;
};

static void keys_set(struct wallet *w, struct keyring *keys)
{
	struct keyring *old = w->keys;

	w->keys = keys;
	if (w->opt.keys_changed)
		w->opt.keys_changed(w->opt.ctx, keys); /* the old ones are let go of here, before they are wiped */
	keyring_free(old);
}

int wallet_open(const struct wallet_options *opt, struct wallet **ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct wallet *w = calloc(1, sizeof(*w));
	struct wallet_row row;

	if (!w)
		abort();
	w->opt = *opt;
	if (wallet_store_get(store_view(opt->store), &a, &row, err) == 0) {
		w->exists = true;
		w->encrypted = row.encrypted;
	} else if (err->code != ERR_NO_WALLET) {
		wallet_free(w);
		return -1;
	}
	if (w->exists && !w->encrypted && wallet_unlock(w, NULL, err) != 0) {
		wallet_free(w);
		return -1;
	}
	*ret = w;
	return 0;
}

void wallet_free(struct wallet *w)
{
	if (!w)
		return;
	keyring_free(w->keys);
	free(w);
}

enum wallet_state wallet_state(const struct wallet *w)
{
	return !w->exists ? WALLET_NONE : w->keys ? WALLET_UNLOCKED : WALLET_LOCKED;
}

const char *wallet_state_name(enum wallet_state s)
{
	switch (s) {
	case WALLET_NONE:
		return "none";
	case WALLET_LOCKED:
		return "locked";
	case WALLET_UNLOCKED:
		return "unlocked";
	}
	return "unknown";
}

struct keyring *wallet_keys(struct wallet *w)
{
	return w->keys;
}

int wallet_info(struct wallet *w, struct arena *a, struct wallet_row *ret, struct err *err)
{
	return wallet_store_get(store_view(w->opt.store), a, ret, err);
}

/* --- the accounts --- */

struct account {
	struct keyring *keys;
	enum network network;
	int64_t birthday_s;
	const struct wallet_row *wallet; /* to be added first, or NULL */
};

static int keep_onchain(struct unit *u, const struct account *acc, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct onchain_account have, add = { .birthday_s = acc->birthday_s };
	char xpub[BIP32_TEXT_MAX];
	struct bip32_pub key;
	unsigned added;
	int found = account_store_get(unit_view(u), &a, &have, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	keyring_onchain_account(acc->keys, acc->network, &key);
	bip32_xpub(&key, xpub);
	add.xpub = xpub;
	return account_store_add(u, &add, err) != 0 ? -1 : gap_fill(u, &added, err);
}

static int keep_ark(struct unit *u, const struct account *acc, struct err *err)
{
	char xpub[BIP32_TEXT_MAX];
	struct bip32_pub key;

	keyring_ark_account(acc->keys, &key);
	bip32_xpub(&key, xpub);
	return ark_account_add(u, xpub, err) != 0 ? -1 : ark_keys_fill(u, 0, err);
}

/* Once for a seed: also for one that was made before there were accounts. */
static int keep_accounts(struct unit *u, void *ctx, struct err *err)
{
	const struct account *acc = ctx;

	if (acc->wallet && wallet_store_add(u, acc->wallet, err) != 0)
		return -1;
	return keep_onchain(u, acc, err) != 0 ? -1 : keep_ark(u, acc, err);
}

/* --- making --- */

static int check_passphrase(const struct wallet *w, const char *passphrase, struct err *err)
{
	if ((passphrase && *passphrase) || w->opt.allow_plaintext_seed)
		return 0;
	ERR(err, ERR_PASSPHRASE, "a passphrase is needed to encrypt the seed");
	err_hint(err, "give a passphrase, or set allow_plaintext_seed=1 to keep the seed in clear");
	return err_field(err, "passphrase");
}

/* Seal, store durably, unlock. */
static int wallet_make(struct wallet *w, const struct mnemonic *m, const char *passphrase, bool restored,
		       int64_t birthday_s, struct err *err)
{
	SCOPED(buf) struct buf sealed = BUF_SECRET(SEED_BLOB_MAX);
	struct wallet_row row = { .encrypted = passphrase && *passphrase, .restored = restored };
	struct account account = { .network = w->opt.network, .birthday_s = birthday_s, .wallet = &row };
	char fingerprint[KEYRING_FINGERPRINT];
	struct keyring *keys;

	if (w->exists) {
		ERR(err, ERR_WALLET_EXISTS, "there is a wallet already");
		return err_hint(err, "use another datadir for another wallet");
	}
	if (check_passphrase(w, passphrase, err) != 0)
		return -1;
	if (!row.encrypted)
		seed_write_plain(m, &sealed);
	else if (seed_seal(m, passphrase, SEED_COST_DEFAULT, &sealed, err) != 0)
		return -1;
	keys = keyring_new(m, "", err);
	if (!keys)
		return -1;
	keyring_fingerprint(keys, fingerprint);
	row.sealed = buf_bytes(&sealed);
	row.fingerprint = fingerprint;
	row.created_at_ms = clock_now_ms();
	account.keys = keys;
	if (store_unit_now(w->opt.store, keep_accounts, &account, err) != 0) {
		keyring_free(keys);
		return -1;
	}
	w->exists = true;
	w->encrypted = row.encrypted;
	keys_set(w, keys);
	return 0;
}

int wallet_create(struct wallet *w, unsigned words, const char *passphrase, struct buf *ret_mnemonic, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic m;
	uint8_t entropy[32];
	size_t n = words == 24 ? 32 : 16;
	int rc;

	if (words != 12 && words != 24) {
		ERR(err, ERR_PARAM, "a wallet has 12 or 24 words");
		return err_field(err, "words");
	}
	rng_bytes(entropy, n);
	rc = mnemonic_from_entropy((struct bytes){ entropy, n }, &m, err);
	secret_wipe(entropy, sizeof(entropy));
	if (rc != 0 || wallet_make(w, &m, passphrase, false, clock_now_ms() / 1000, err) != 0)
		return -1;
	buf_text_add(ret_mnemonic, m.s);
	return 0;
}

int wallet_restore(struct wallet *w, const char *mnemonic, const char *passphrase, int64_t birthday_s, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic m;

	if (mnemonic_parse(mnemonic, &m, err) != 0)
		return err_field(err, "mnemonic");
	return wallet_make(w, &m, passphrase, true, birthday_s, err);
}

int wallet_unlock(struct wallet *w, const char *passphrase, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	SCOPED(mnemonic) struct mnemonic m;
	struct account account = { .network = w->opt.network };
	struct wallet_row row;

	if (wallet_info(w, &a, &row, err) != 0)
		return err_hint(err, "wallet.create or wallet.restore");
	/* Also when it is unlocked already: a wrong passphrase never hears "ok". */
	if (seed_open(row.sealed, passphrase, &m, err) != 0) {
		if (err->code == ERR_PASSPHRASE)
			err_field(err, "passphrase");
		return -1;
	}
	if (w->keys)
		return 0;
	account.keys = keyring_new(&m, "", err);
	if (!account.keys)
		return -1;
	account.birthday_s = row.restored ? 0 : row.created_at_ms / 1000;
	if (store_unit_now(w->opt.store, keep_accounts, &account, err) != 0) {
		keyring_free(account.keys);
		return -1;
	}
	keys_set(w, account.keys);
	return 0;
}

int wallet_lock(struct wallet *w, struct err *err)
{
	if (!w->exists)
		return ERR(err, ERR_NO_WALLET, "there is no wallet");
	if (!w->encrypted) {
		ERR(err, ERR_UNSUPPORTED, "the seed is kept in clear: locking would protect nothing");
		return err_hint(err, "make a wallet with a passphrase");
	}
	keys_set(w, NULL);
	return 0;
}
