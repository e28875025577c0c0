/* actions/wallet.h - the wallet's seed life cycle over store and rails/keys: create, restore, unlock, lock.
 *
 * The extended public key of the on-chain account is kept in clear beside it (spec/exit.md 7.1), so that addresses are given
 * out and blocks are looked through while the seed is locked.
 *
 * The sealed seed is the wallet's one row.  While it is unlocked the keyring lives in locked memory; the hook tells the
 * executor.  Key stretching takes a noticeable part of a second on purpose, and holds the loop for that long. */
#ifndef ACTIONS_WALLET_H
#define ACTIONS_WALLET_H

#include "base/network.h"
#include "base/secret.h"
#include "store/wallet_store.h"

struct wallet;
struct keyring;

struct wallet_options {
	struct store *store;
	bool allow_plaintext_seed;
	enum network network;
	void (*keys_changed)(void *ctx, struct keyring *keys); /* NULL: locked */
	void *ctx;
};
enum wallet_state { WALLET_NONE = 1, WALLET_LOCKED = 2, WALLET_UNLOCKED = 3 };

/* A seed that is kept in clear is unlocked at once. */
MUST_CHECK int wallet_open(const struct wallet_options *opt, struct wallet **ret, struct err *err);
void wallet_free(struct wallet *w);
enum wallet_state wallet_state(const struct wallet *w);
const char *wallet_state_name(enum wallet_state s); /* "none", "locked", "unlocked" */

/* words: 12 or 24.  Writes the phrase to *ret_mnemonic (a secret: show once, wipe).  An empty passphrase needs
 * allow_plaintext_seed.  ERR_WALLET_EXISTS, ERR_PASSPHRASE. */
MUST_CHECK int wallet_create(struct wallet *w, unsigned words, const char *passphrase, struct buf *ret_mnemonic,
			     struct err *err);
/* birthday_s: no on-chain output of it is older than this Unix time; 0: nobody knows.  ERR_MNEMONIC says which word. */
MUST_CHECK int wallet_restore(struct wallet *w, const char *mnemonic, const char *passphrase, int64_t birthday_s,
			      struct err *err);
MUST_CHECK int wallet_unlock(struct wallet *w, const char *passphrase,
			     struct err *err);                 /* ERR_NO_WALLET, ERR_PASSPHRASE */
MUST_CHECK int wallet_lock(struct wallet *w, struct err *err); /* ERR_UNSUPPORTED for a plaintext seed */
struct keyring *wallet_keys(struct wallet *w);                 /* NULL while locked */
/* ERR_NO_WALLET. */
MUST_CHECK int wallet_info(struct wallet *w, struct arena *a, struct wallet_row *ret, struct err *err);

#endif
