#include "rails/keys/keyring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/taproot.h"

#define PURPOSE_CASHU   (BIP32_HARDENED | 129372)
#define PURPOSE_SIGNING (BIP32_HARDENED | 129373)
#define PURPOSE_BIP86   (BIP32_HARDENED | 86)
#define PURPOSE_ARK     (BIP32_HARDENED | 350)
#define KEYSETS_KEPT    16
#define V1_ID_CHARS     16
#define V2_ID_CHARS     66

/* m/129372'/0'/kid' of a v1 keyset: derived once, used for every output. */
struct keyset_account {
	struct keyset_id id;
	struct bip32_key key;
};

struct keyring {
	struct seed seed;
	struct bip32_key cashu;      /* m/129372'/0' */
	struct bip32_key quotes;     /* m/129373'/20'/0'/0' */
	struct bip32_key locks;      /* m/129373'/10'/0'/0' */
	struct bip32_key onchain[2]; /* m/86'/coin'/0', by coin */
	struct bip32_key vtxos;      /* m/350'/0' */
	struct keyset_account accounts[KEYSETS_KEPT];
	size_t n_accounts, next_account;
	struct pubkey *lock_keys; /* the public halves of the first of `locks`; on a heap that is not locked */
	uint32_t n_lock_keys, room_lock_keys;
	char fingerprint[KEYRING_FINGERPRINT];
};

static int onchain_init(struct keyring *kr, const struct bip32_key *master, struct err *err)
{
	for (uint32_t coin = 0; coin < ARRAY_LEN(kr->onchain); coin++) {
		const uint32_t path[] = { PURPOSE_BIP86, BIP32_HARDENED | coin, BIP32_HARDENED };

		if (bip32_derive(master, path, ARRAY_LEN(path), &kr->onchain[coin], err) != 0)
			return -1;
	}
	return 0;
}

static int keyring_init(struct keyring *kr, const struct mnemonic *m, const char *passphrase, struct err *err)
{
	static const uint32_t cashu[] = { PURPOSE_CASHU, BIP32_HARDENED };
	static const uint32_t quotes[] = { PURPOSE_SIGNING, BIP32_HARDENED | 20, BIP32_HARDENED, BIP32_HARDENED };
	static const uint32_t vtxos[] = { PURPOSE_ARK, BIP32_HARDENED };
	static const uint32_t locks[] = { PURPOSE_SIGNING, BIP32_HARDENED | 10, BIP32_HARDENED, BIP32_HARDENED };
	SCOPED(bip32_key) struct bip32_key master;
	struct bip32_pub pub;
	uint8_t id[20];

	if (mnemonic_seed(m, passphrase, &kr->seed, err) != 0 ||
	    bip32_master((struct bytes){ kr->seed.b, sizeof(kr->seed.b) }, &master, err) != 0 ||
	    bip32_derive(&master, cashu, ARRAY_LEN(cashu), &kr->cashu, err) != 0 ||
	    bip32_derive(&master, quotes, ARRAY_LEN(quotes), &kr->quotes, err) != 0 ||
	    bip32_derive(&master, locks, ARRAY_LEN(locks), &kr->locks, err) != 0 ||
	    bip32_derive(&master, vtxos, ARRAY_LEN(vtxos), &kr->vtxos, err) != 0 || onchain_init(kr, &master, err) != 0)
		return -1;
	bip32_neuter(&master, &pub);
	hash160((struct bytes){ pub.key.b, sizeof(pub.key.b) }, id);
	hex_encode(id, 4, kr->fingerprint);
	return 0;
}

struct keyring *keyring_new(const struct mnemonic *m, const char *passphrase, struct err *err)
{
	struct keyring *kr = secret_alloc(sizeof(*kr));

	memset(kr, 0, sizeof(*kr));
	if (keyring_init(kr, m, passphrase, err) != 0) {
		keyring_free(kr);
		return NULL;
	}
	return kr;
}

void keyring_free(struct keyring *kr)
{
	if (kr)
		free(kr->lock_keys);
	secret_free(kr);
}

static int account_of(struct keyring *kr, const struct keyset_id *id, const struct bip32_key **ret, struct err *err)
{
	struct keyset_account *place;
	uint8_t raw[V1_ID_CHARS / 2];

	for (size_t i = 0; i < kr->n_accounts; i++)
		if (keyset_id_equal(&kr->accounts[i].id, id)) {
			*ret = &kr->accounts[i].key;
			return 0;
		}
	if (!hex_decode(id->s, raw, sizeof(raw)))
		return ERR(err, ERR_UNSUPPORTED, "keyset %s: not an id that keys are derived for", id->s);
	place = &kr->accounts[kr->next_account];
	if (bip32_child(&kr->cashu, BIP32_HARDENED | bip32_index_of(raw), &place->key, err) != 0)
		return -1;
	place->id = *id;
	kr->next_account = (kr->next_account + 1) % KEYSETS_KEPT;
	if (kr->n_accounts < KEYSETS_KEPT)
		kr->n_accounts++;
	*ret = &place->key;
	return 0;
}

static int output_v1(struct keyring *kr, const struct keyset_id *id, uint64_t counter, char *secret_text,
		     struct secret *r, struct err *err)
{
	SCOPED(bip32_key) struct bip32_key at, child;
	SCOPED(bip32_key) struct bip32_key blinding;
	const struct bip32_key *account;

	if (counter >= BIP32_HARDENED)
		return ERR(err, ERR_RANGE, "keyset %s: its counters are used up", id->s);
	if (account_of(kr, id, &account, err) != 0 ||
	    bip32_child(account, BIP32_HARDENED | (uint32_t)counter, &at, err) != 0 ||
	    bip32_child(&at, 0, &child, err) != 0 || bip32_child(&at, 1, &blinding, err) != 0)
		return -1;
	hex_encode(child.key.b, sizeof(child.key.b), secret_text);
	*r = blinding.key;
	return 0;
}

static int output_v2(struct keyring *kr, const struct keyset_id *id, uint64_t counter, char *secret_text,
		     struct secret *r, struct err *err)
{
	static const char purpose[21] = "Cashu_KDF_HMAC_SHA256";
	uint8_t msg[sizeof(purpose) + V2_ID_CHARS / 2 + 8 + 1];
	struct bytes key = { kr->seed.b, sizeof(kr->seed.b) }, all = { msg, sizeof(msg) };
	uint8_t *p = msg + sizeof(purpose);
	SCOPED(secret) struct secret s;
	SCOPED(secret) struct secret blinding;

	memcpy(msg, purpose, sizeof(purpose));
	if (!hex_decode(id->s, p, V2_ID_CHARS / 2))
		return ERR(err, ERR_UNSUPPORTED, "keyset %s: not an id that keys are derived for", id->s);
	p += V2_ID_CHARS / 2;
	for (int i = 0; i < 8; i++)
		*p++ = (uint8_t)(counter >> (56 - 8 * i));
	*p = 0;
	hmac_sha256(key, all, s.b);
	*p = 1;
	hmac_sha256(key, all, blinding.b);
	/* NUT-13 reduces r mod n.  One in 2^128 is not below n already: treated like r = 0, the counter is passed over. */
	if (!secp_seckey_valid(&blinding))
		return ERR(err, ERR_CRYPTO, "counter %llu gives no valid blinding factor", (unsigned long long)counter);
	hex_encode(s.b, sizeof(s.b), secret_text);
	*r = blinding;
	return 0;
}

int keyring_cashu_output(struct keyring *kr, const struct keyset_id *id, uint64_t counter,
			 char ret_secret[KEYRING_SECRET_TEXT], struct secret *ret_r, struct err *err)
{
	size_t n = strlen(id->s);

	if (n == V1_ID_CHARS && id->s[0] == '0' && id->s[1] == '0')
		return output_v1(kr, id, counter, ret_secret, ret_r, err);
	if (n == V2_ID_CHARS && id->s[0] == '0' && id->s[1] == '1')
		return output_v2(kr, id, counter, ret_secret, ret_r, err);
	return ERR(err, ERR_UNSUPPORTED, "keyset %s: no keys are derived for ids of this kind", id->s);
}

/* The keys of one branch: their public halves, and signatures by them. */
static int branch_key(const struct bip32_key *branch, uint32_t index, struct bip32_key *ret, struct err *err)
{
	if (index >= BIP32_HARDENED)
		return ERR(err, ERR_RANGE, "the keys of this kind are used up");
	return bip32_child(branch, index, ret, err);
}

static int branch_public(const struct bip32_key *branch, uint32_t index, struct pubkey *ret, struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k;
	struct bip32_pub pub;

	if (branch_key(branch, index, &k, err) != 0)
		return -1;
	bip32_neuter(&k, &pub);
	*ret = pub.key;
	return 0;
}

static int branch_sign(const struct bip32_key *branch, uint32_t index, const struct hash32 *msg, uint8_t ret[64],
		       struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k;

	if (branch_key(branch, index, &k, err) != 0)
		return -1;
	if (!secp_schnorr_sign(&k.key, msg, ret))
		return ERR(err, ERR_CRYPTO, "key %u does not sign", index);
	return 0;
}

int keyring_cashu_quote_key(struct keyring *kr, uint32_t index, struct pubkey *ret, struct err *err)
{
	return branch_public(&kr->quotes, index, ret, err);
}

int keyring_cashu_quote_sign(struct keyring *kr, uint32_t index, const struct hash32 *msg, uint8_t ret[64],
			     struct err *err)
{
	return branch_sign(&kr->quotes, index, msg, ret, err);
}

int keyring_cashu_lock_key(struct keyring *kr, uint32_t index, struct pubkey *ret, struct err *err)
{
	return branch_public(&kr->locks, index, ret, err);
}

int keyring_cashu_lock_sign(struct keyring *kr, uint32_t index, const struct hash32 *msg, uint8_t ret[64],
			    struct err *err)
{
	return branch_sign(&kr->locks, index, msg, ret, err);
}

static int lock_keys_derive(struct keyring *kr, uint32_t below, struct err *err)
{
	struct bip32_pub branch, child;

	if (below <= kr->n_lock_keys)
		return 0;
	if (below > KEYRING_LOCK_KEYS_MAX)
		return ERR(err, ERR_RANGE, "no more than %d lock keys are looked through", KEYRING_LOCK_KEYS_MAX);
	if (below > kr->room_lock_keys) {
		kr->lock_keys = reallocarray(kr->lock_keys, below, sizeof(*kr->lock_keys));
		if (!kr->lock_keys)
			err_fatal("out of memory");
		kr->room_lock_keys = below;
	}
	bip32_neuter(&kr->locks, &branch);
	while (kr->n_lock_keys < below) {
		if (bip32_pub_child(&branch, kr->n_lock_keys, &child, err) != 0)
			return -1;
		kr->lock_keys[kr->n_lock_keys++] = child.key;
	}
	return 0;
}

int keyring_cashu_lock_find(struct keyring *kr, const struct pubkey *key, uint32_t below, uint32_t *ret,
			    struct err *err)
{
	struct bytes x = { key->b + 1, sizeof(key->b) - 1 };

	if (lock_keys_derive(kr, below, err) != 0)
		return -1;
	for (uint32_t i = 0; i < below; i++)
		if (bytes_equal((struct bytes){ kr->lock_keys[i].b + 1, x.n }, x)) {
			*ret = i;
			return 1;
		}
	return 0;
}

static void backup_secret(const struct keyring *kr, struct secret *ret)
{
	struct hash32 hash;

	sha256_two((struct bytes){ kr->seed.b, sizeof(kr->seed.b) }, bytes_of("cashu-mint-backup"), &hash);
	memcpy(ret->b, hash.b, sizeof(ret->b));
	secret_wipe(&hash, sizeof(hash));
}

int keyring_cashu_backup_key(const struct keyring *kr, struct xonly *ret, struct err *err)
{
	SCOPED(secret) struct secret k;

	backup_secret(kr, &k);
	if (!secp_seckey_xonly(&k, ret))
		return ERR(err, ERR_CRYPTO, "this seed gives no backup key");
	return 0;
}

int keyring_cashu_backup_sign(const struct keyring *kr, const struct hash32 *event, uint8_t ret[64], struct err *err)
{
	SCOPED(secret) struct secret k;

	backup_secret(kr, &k);
	if (!secp_schnorr_sign(&k, event, ret))
		return ERR(err, ERR_CRYPTO, "the backup key does not sign");
	return 0;
}

/* Derived from the seed each time: a handful of keys, once after each unlocking, is not worth a copy that lives on. */
int keyring_evm_key(const struct keyring *kr, uint32_t account, uint32_t index, struct secret *ret, struct err *err)
{
	const uint32_t path[] = { BIP32_HARDENED | 44, BIP32_HARDENED | 60, BIP32_HARDENED | account, 0, index };
	SCOPED(bip32_key) struct bip32_key master;
	SCOPED(bip32_key) struct bip32_key k;

	if (account >= BIP32_HARDENED || index >= BIP32_HARDENED)
		return ERR(err, ERR_RANGE, "EVM keys have indices below 2^31");
	if (bip32_master((struct bytes){ kr->seed.b, sizeof(kr->seed.b) }, &master, err) != 0 ||
	    bip32_derive(&master, path, ARRAY_LEN(path), &k, err) != 0)
		return -1;
	*ret = k.key;
	return 0;
}

static uint32_t coin_of(enum network net)
{
	return net == NETWORK_MAINNET ? 0 : 1;
}

void keyring_path_full(struct keyring_path at, uint32_t ret[KEYRING_PATH_LEN])
{
	ret[0] = PURPOSE_BIP86;
	ret[1] = BIP32_HARDENED | coin_of(at.net);
	ret[2] = BIP32_HARDENED;
	ret[3] = at.chain;
	ret[4] = at.index;
}

bool keyring_path_parse(enum network net, const uint32_t *path, size_t n, struct keyring_path *ret)
{
	struct keyring_path at = { .net = net };
	uint32_t want[KEYRING_PATH_LEN];

	if (n != KEYRING_PATH_LEN || path[3] > KEYRING_CHANGE || path[4] >= BIP32_HARDENED)
		return false;
	at.chain = path[3];
	at.index = path[4];
	keyring_path_full(at, want);
	for (size_t i = 0; i < n; i++)
		if (path[i] != want[i])
			return false;
	*ret = at;
	return true;
}

static const struct bip32_key *onchain_account(const struct keyring *kr, enum network net)
{
	return &kr->onchain[coin_of(net)];
}

void keyring_onchain_account(const struct keyring *kr, enum network net, struct bip32_pub *ret)
{
	bip32_neuter(onchain_account(kr, net), ret);
}

static int onchain_key(const struct keyring *kr, struct keyring_path at, struct bip32_key *ret, struct err *err)
{
	const uint32_t path[] = { at.chain, at.index };

	if (at.chain >= BIP32_HARDENED || at.index >= BIP32_HARDENED)
		return ERR(err, ERR_RANGE, "no on-chain key at %u/%u", at.chain, at.index);
	return bip32_derive(onchain_account(kr, at.net), path, ARRAY_LEN(path), ret, err);
}

int keyring_onchain_key(const struct keyring *kr, struct keyring_path at, struct xonly *ret, struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k;
	struct bip32_pub pub;

	if (onchain_key(kr, at, &k, err) != 0)
		return -1;
	bip32_neuter(&k, &pub);
	*ret = secp_xonly_of(&pub.key);
	return 0;
}

int keyring_onchain_sign(const struct keyring *kr, struct keyring_path at, const struct hash32 *root,
			 const struct hash32 *sighash, uint8_t ret[64], struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k;
	SCOPED(secret) struct secret output;
	uint8_t sig[64];
	struct xonly x;

	if (onchain_key(kr, at, &k, err) != 0 || tap_secret_tweak(&k.key, root, &output, err) != 0)
		return -1;
	if (!secp_seckey_xonly(&output, &x) || !secp_schnorr_sign(&output, sighash, sig) ||
	    !secp_xonly_verify(&x, sighash, sig))
		return ERR(err, ERR_CRYPTO, "on-chain key %u/%u does not sign", at.chain, at.index);
	memcpy(ret, sig, sizeof(sig));
	return 0;
}

void keyring_ark_account(const struct keyring *kr, struct bip32_pub *ret)
{
	bip32_neuter(&kr->vtxos, ret);
}

int keyring_ark_sign(const struct keyring *kr, uint32_t index, const struct hash32 *sighash, uint8_t ret[64],
		     struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k;
	uint8_t sig[64];
	struct xonly x;

	if (index >= BIP32_HARDENED)
		return ERR(err, ERR_RANGE, "VTXO keys have indices below 2^31");
	if (bip32_child(&kr->vtxos, index, &k, err) != 0)
		return -1;
	if (!secp_seckey_xonly(&k.key, &x) || !secp_schnorr_sign(&k.key, sighash, sig) ||
	    !secp_xonly_verify(&x, sighash, sig))
		return ERR(err, ERR_CRYPTO, "the VTXO key %u does not sign", index);
	memcpy(ret, sig, sizeof(sig));
	return 0;
}

void keyring_fingerprint(const struct keyring *kr, char ret[KEYRING_FINGERPRINT])
{
	memcpy(ret, kr->fingerprint, KEYRING_FINGERPRINT);
}
