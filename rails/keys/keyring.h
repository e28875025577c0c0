/* rails/keys/keyring.h - the only room with long-term keys: a path or a counter goes in, a derived value or a signature
 * comes out.
 *
 * Cashu outputs as in NUT-13, both derivations; quote keys as in NUT-20 and lock keys as in NUT-11, both at
 * cdk's paths; on-chain keys as in BIP86; keys of VTXOs at bark's paths (spec/ark-flows.md 6).  The keyring lives in locked, guarded memory and is wiped when freed.  Not thread-safe: it remembers the derived key of the keysets used last. */
#ifndef RAILS_KEYS_KEYRING_H
#define RAILS_KEYS_KEYRING_H

#include "base/err.h"
#include "base/ids.h"
#include "base/network.h"
#include "rails/bitcoin/bip32.h"
#include "rails/bitcoin/mnemonic.h"

struct keyring;

#define KEYRING_SECRET_TEXT 65 /* 64 hex characters and a NUL */
#define KEYRING_FINGERPRINT 9  /* 8 hex characters and a NUL */

/* passphrase: BIP39's, "" for none.  NULL on error (ERR_PARAM, ERR_CRYPTO). */
MUST_CHECK struct keyring *keyring_new(const struct mnemonic *m, const char *passphrase, struct err *err);
void keyring_free(struct keyring *kr);

/* NUT-13: the secret text and the blinding factor of one output.  Errors: ERR_CRYPTO (this counter gives no valid r:
 * take the next one), ERR_RANGE (v1 counters end at 2^31 - 1), ERR_UNSUPPORTED (a legacy id: nothing is minted to those). */
MUST_CHECK int keyring_cashu_output(struct keyring *kr, const struct keyset_id *id, uint64_t counter,
				    char ret_secret[KEYRING_SECRET_TEXT], struct secret *ret_r, struct err *err);

/* NUT-20: m/129373'/20'/0'/0'/index, index < 2^31. */
MUST_CHECK int keyring_cashu_quote_key(struct keyring *kr, uint32_t index, struct pubkey *ret, struct err *err);
/* BIP340, deterministic. */
MUST_CHECK int keyring_cashu_quote_sign(struct keyring *kr, uint32_t index, const struct hash32 *msg, uint8_t ret[64],
					struct err *err);

/* What ecash is locked to (NUT-11), and what opens it again: m/129373'/10'/0'/0'/index, index < 2^31. */
MUST_CHECK int keyring_cashu_lock_key(struct keyring *kr, uint32_t index, struct pubkey *ret, struct err *err);
MUST_CHECK int keyring_cashu_lock_sign(struct keyring *kr, uint32_t index, const struct hash32 *msg, uint8_t ret[64],
				       struct err *err);
/* Which of the lock keys below this index has the x of key?  1 and its index, 0, or -1: ERR_RANGE past
 * KEYRING_LOCK_KEYS_MAX, ERR_CRYPTO.  Each is derived once, some 50 us the first time that it is looked at. */
#define KEYRING_LOCK_KEYS_MAX 10000
MUST_CHECK int keyring_cashu_lock_find(struct keyring *kr, const struct pubkey *key, uint32_t below, uint32_t *ret,
				       struct err *err);

/* NUT-27: the Nostr identity under which a wallet keeps the list of its mints; SHA256(seed || "cashu-mint-backup").  It signs
 * the digest of an event.  ERR_CRYPTO for no seed that anybody will ever have. */
MUST_CHECK int keyring_cashu_backup_key(const struct keyring *kr, struct xonly *ret, struct err *err);
MUST_CHECK int keyring_cashu_backup_sign(const struct keyring *kr, const struct hash32 *event, uint8_t ret[64],
					 struct err *err);

/* m/44'/60'/account'/0/index, account and index < 2^31.  For rails/keys only: see evm_key.h. */
MUST_CHECK int keyring_evm_key(const struct keyring *kr, uint32_t account, uint32_t index, struct secret *ret,
			       struct err *err);

/* On-chain keys: BIP86, m/86'/coin'/0'/chain/index with coin 0 on mainnet and 1 on every other network, chain 0 for
 * receiving and 1 for change.  chain and index are below 2^31. */
enum keyring_chain { KEYRING_RECEIVE = 0, KEYRING_CHANGE = 1 };
struct keyring_path {
	enum network net;
	uint32_t chain;
	uint32_t index;
};
/* The whole path from the master key, as a PSBT names a key's origin; and back: false for a path that is not of this network's
 * account. */
#define KEYRING_PATH_LEN 5
void keyring_path_full(struct keyring_path at, uint32_t ret[KEYRING_PATH_LEN]);
MUST_CHECK bool keyring_path_parse(enum network net, const uint32_t *path, size_t n, struct keyring_path *ret);
/* The account's extended public key, from which bip32_pub_child() makes every key of it, also while the wallet is locked. */
void keyring_onchain_account(const struct keyring *kr, enum network net, struct bip32_pub *ret);
/* The internal key: tap_bip86_spk() makes the output script of it.  ERR_CRYPTO, ERR_RANGE. */
MUST_CHECK int keyring_onchain_key(const struct keyring *kr, struct keyring_path at, struct xonly *ret,
				   struct err *err);
/* Signs for a taproot key path: with the key of this path, tweaked by root (NULL, as BIP86 has it, for an address of ours).
 * BIP340, deterministic, so that a step that runs again makes the same transaction; verified before it is handed out. */
MUST_CHECK int keyring_onchain_sign(const struct keyring *kr, struct keyring_path at, const struct hash32 *root,
				    const struct hash32 *sighash, uint8_t ret[64], struct err *err);

/* Keys of VTXOs: m/350'/0'/index, index < 2^31, on every network.  The extended public key of m/350'/0' gives each of them, also
 * while the wallet is locked. */
void keyring_ark_account(const struct keyring *kr, struct bip32_pub *ret);
/* Signs for a leaf that one of them opens: with the key as it is, without a tweak.  BIP340, deterministic, and verified before it
 * is handed out.  ERR_CRYPTO, ERR_RANGE. */
MUST_CHECK int keyring_ark_sign(const struct keyring *kr, uint32_t index, const struct hash32 *sighash, uint8_t ret[64],
				struct err *err);

/* The first four bytes of HASH160 of the master public key, as in BIP32; safe to show. */
void keyring_fingerprint(const struct keyring *kr, char ret[KEYRING_FINGERPRINT]);

#endif
