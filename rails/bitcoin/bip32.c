#include "rails/bitcoin/bip32.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/reader.h"
#include "rails/bitcoin/base58.h"
#include "rails/bitcoin/secp.h"

#define EXTENDED_LEN 78
#define VERSION_XPRV 0x0488ade4u
#define VERSION_XPUB 0x0488b21eu
#define VERSION_TPUB 0x043587cfu

void bip32_key_scope_end(struct bip32_key *k)
{
	secret_wipe(k, sizeof(*k));
}

uint32_t bip32_index_of(const uint8_t v[8])
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | v[i];
	return (uint32_t)(number % (BIP32_HARDENED - 1));
}

static void put_be32(uint8_t *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (24 - 8 * i));
}

int bip32_master(struct bytes seed, struct bip32_key *ret, struct err *err)
{
	SCOPED(seed) struct seed i;
	SCOPED(bip32_key) struct bip32_key k = { 0 };

	if (seed.n < 16 || seed.n > 64)
		return ERR(err, ERR_RANGE, "a BIP32 seed has 16 to 64 bytes");
	hmac_sha512(bytes_of("Bitcoin seed"), seed, i.b);
	memcpy(k.key.b, i.b, 32);
	memcpy(k.chain.b, i.b + 32, 32);
	if (!secp_seckey_valid(&k.key))
		return ERR(err, ERR_CRYPTO, "this seed gives no valid master key");
	*ret = k;
	return 0;
}

int bip32_child(const struct bip32_key *from, uint32_t index, struct bip32_key *ret, struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k = { .index = index };
	SCOPED(seed) struct seed i;
	SCOPED(seed) struct seed data;
	SCOPED(secret) struct secret tweak;
	struct pubkey pub;
	uint8_t id[20];

	if (from->depth == UINT8_MAX)
		return ERR(err, ERR_RANGE, "a BIP32 path has at most 255 levels");
	if (!secp_seckey_pubkey(&from->key, &pub))
		return ERR(err, ERR_CRYPTO, "not a private key");
	/* 33 bytes of key, 4 of index, in a buffer that is wiped. */
	if ((index & BIP32_HARDENED) != 0) {
		data.b[0] = 0;
		memcpy(data.b + 1, from->key.b, 32);
	} else {
		memcpy(data.b, pub.b, sizeof(pub.b));
	}
	put_be32(data.b + 33, index);
	hmac_sha512((struct bytes){ from->chain.b, 32 }, (struct bytes){ data.b, 37 }, i.b);
	memcpy(tweak.b, i.b, 32);
	if (!secp_seckey_add(&from->key, &tweak, &k.key))
		return ERR(err, ERR_CRYPTO, "BIP32 has no key at index %u", index & ~BIP32_HARDENED);
	memcpy(k.chain.b, i.b + 32, 32);
	hash160((struct bytes){ pub.b, sizeof(pub.b) }, id);
	memcpy(k.parent, id, sizeof(k.parent));
	k.depth = (uint8_t)(from->depth + 1);
	*ret = k;
	return 0;
}

int bip32_derive(const struct bip32_key *from, const uint32_t *path, size_t n, struct bip32_key *ret, struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k = *from;

	for (size_t i = 0; i < n; i++)
		if (bip32_child(&k, path[i], &k, err) != 0)
			return -1;
	*ret = k;
	return 0;
}

void bip32_neuter(const struct bip32_key *k, struct bip32_pub *ret)
{
	bool ok;

	*ret = (struct bip32_pub){ .index = k->index, .depth = k->depth };
	memcpy(ret->parent, k->parent, sizeof(ret->parent));
	memcpy(ret->chain, k->chain.b, sizeof(ret->chain));
	ok = secp_seckey_pubkey(&k->key, &ret->key);
	assert(ok); /* every struct bip32_key was made by this file, from a valid key */
}

int bip32_pub_child(const struct bip32_pub *from, uint32_t index, struct bip32_pub *ret, struct err *err)
{
	struct bip32_pub k = { .index = index, .depth = (uint8_t)(from->depth + 1) };
	struct bytes parent = { from->key.b, sizeof(from->key.b) };
	struct point at, step, sum;
	struct secret tweak;
	uint8_t data[37], i[64], id[20];

	if ((index & BIP32_HARDENED) != 0)
		return ERR(err, ERR_RANGE, "a hardened key needs its private parent");
	if (from->depth == UINT8_MAX)
		return ERR(err, ERR_RANGE, "a BIP32 path has at most 255 levels");
	memcpy(data, from->key.b, sizeof(from->key.b));
	put_be32(data + 33, index);
	hmac_sha512((struct bytes){ from->chain, 32 }, (struct bytes){ data, sizeof(data) }, i);
	memcpy(tweak.b, i, 32);
	if (!point_parse(&from->key, &at) || !point_base_mul(&tweak, &step) || !point_add(&at, &step, &sum))
		return ERR(err, ERR_CRYPTO, "BIP32 has no key at index %u", index);
	point_compress(&sum, &k.key);
	memcpy(k.chain, i + 32, 32);
	hash160(parent, id);
	memcpy(k.parent, id, sizeof(k.parent));
	*ret = k;
	return 0;
}

static void extended_text(uint32_t version, uint8_t depth, const uint8_t parent[4], uint32_t index,
			  const uint8_t chain[32], const uint8_t key[33], char *to)
{
	uint8_t raw[EXTENDED_LEN];
	char text[BASE58_TEXT_MAX + 1];

	put_be32(raw, version);
	raw[4] = depth;
	memcpy(raw + 5, parent, 4);
	put_be32(raw + 9, index);
	memcpy(raw + 13, chain, 32);
	memcpy(raw + 45, key, 33);
	base58check_encode((struct bytes){ raw, sizeof(raw) }, text);
	/* 78 bytes beginning with one of our versions always make 111 characters. */
	memcpy(to, text, BIP32_TEXT_MAX - 1);
	to[BIP32_TEXT_MAX - 1] = '\0';
	secret_wipe(raw, sizeof(raw));
	secret_wipe(text, sizeof(text));
}

void bip32_xprv(const struct bip32_key *k, char ret[BIP32_TEXT_MAX])
{
	uint8_t key[33] = { 0 };

	memcpy(key + 1, k->key.b, 32);
	extended_text(VERSION_XPRV, k->depth, k->parent, k->index, k->chain.b, key, ret);
	secret_wipe(key, sizeof(key));
}

void bip32_pub_text(const struct bip32_pub *k, enum network net, char ret[BIP32_TEXT_MAX])
{
	extended_text(net == NETWORK_MAINNET ? VERSION_XPUB : VERSION_TPUB, k->depth, k->parent, k->index, k->chain,
		      k->key.b, ret);
}

void bip32_xpub(const struct bip32_pub *k, char ret[BIP32_TEXT_MAX])
{
	bip32_pub_text(k, NETWORK_MAINNET, ret);
}

/* Everything of an extended key but its version and its 33 key bytes. */
static int read_common(struct reader *r, uint8_t *depth, uint8_t parent[4], uint32_t *index, uint8_t chain[32],
		       struct err *err)
{
	static const uint8_t no_parent[4];

	*depth = read_u8(r);
	read_copy(r, parent, 4);
	*index = read_be32(r);
	read_copy(r, chain, 32);
	if (*depth == 0 && (*index != 0 || memcmp(parent, no_parent, 4) != 0))
		return ERR(err, ERR_PARSE, "a master key with a parent");
	return 0;
}

static int read_version(struct reader *r, uint32_t want, struct err *err)
{
	if (read_be32(r) != want)
		return ERR(err, ERR_PARSE, "not an %s: another version", want == VERSION_XPRV ? "xprv" : "xpub");
	return 0;
}

static int xprv_read(const uint8_t raw[EXTENDED_LEN], struct bip32_key *k, struct err *err)
{
	struct reader r = reader_of((struct bytes){ raw, EXTENDED_LEN });

	if (read_version(&r, VERSION_XPRV, err) != 0 ||
	    read_common(&r, &k->depth, k->parent, &k->index, k->chain.b, err) != 0)
		return -1;
	if (read_u8(&r) != 0)
		return ERR(err, ERR_PARSE, "the key of an xprv begins with 00");
	read_copy(&r, k->key.b, 32);
	if (!reader_at_end(&r) || !secp_seckey_valid(&k->key))
		return ERR(err, ERR_PARSE, "the key of this xprv is not a private key");
	return 0;
}

int bip32_xprv_parse(const char *text, struct bip32_key *ret, struct err *err)
{
	SCOPED(bip32_key) struct bip32_key k = { 0 };
	uint8_t raw[EXTENDED_LEN];
	int rc;

	if (base58check_decode(text, raw, sizeof(raw), err) != 0)
		return -1;
	rc = xprv_read(raw, &k, err);
	secret_wipe(raw, sizeof(raw));
	if (rc != 0)
		return -1;
	*ret = k;
	return 0;
}

int bip32_xpub_parse(const char *text, struct bip32_pub *ret, struct err *err)
{
	uint8_t raw[EXTENDED_LEN];
	struct bip32_pub k = { 0 };
	struct reader r;

	if (base58check_decode(text, raw, sizeof(raw), err) != 0)
		return -1;
	r = reader_of((struct bytes){ raw, sizeof(raw) });
	if (read_version(&r, VERSION_XPUB, err) != 0 ||
	    read_common(&r, &k.depth, k.parent, &k.index, k.chain, err) != 0)
		return -1;
	read_copy(&r, k.key.b, sizeof(k.key.b));
	if (!reader_at_end(&r) || !secp_pubkey_valid(&k.key))
		return ERR(err, ERR_PARSE, "the key of this xpub is not a point of the curve");
	*ret = k;
	return 0;
}
