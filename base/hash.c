#include "base/hash.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "base/err.h"

/* Looking up an algorithm by name costs several times what hashing a block does, so each is looked up once and kept.
 * A digest context holds nothing of the input after it has ended: libcrypto wipes its block. */
struct digest {
	const char *name;
	EVP_MD_CTX *ctx;
};

static struct digest d_sha256 = { .name = "SHA256" };
static struct digest d_sha512 = { .name = "SHA512" };
static struct digest d_ripemd160 = { .name = "RIPEMD160" };

static EVP_MD_CTX *digest_start(struct digest *d)
{
	if (d->ctx == NULL) {
		EVP_MD *md = EVP_MD_fetch(NULL, d->name, NULL);

		d->ctx = EVP_MD_CTX_new();
		if (md == NULL || d->ctx == NULL || EVP_DigestInit_ex2(d->ctx, md, NULL) != 1)
			err_fatal("libcrypto lacks a hash function that a wallet needs");
		EVP_MD_free(md); /* the context has its own reference */
	} else if (EVP_DigestInit_ex2(d->ctx, NULL, NULL) != 1) {
		err_fatal("libcrypto cannot hash");
	}
	return d->ctx;
}

static void digest_two(struct digest *d, struct bytes a, struct bytes b, uint8_t *ret)
{
	EVP_MD_CTX *ctx = digest_start(d);

	if (EVP_DigestUpdate(ctx, a.p, a.n) != 1 || (b.n > 0 && EVP_DigestUpdate(ctx, b.p, b.n) != 1) ||
	    EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		err_fatal("libcrypto cannot hash");
}

void sha256(struct bytes v, struct hash32 *ret)
{
	digest_two(&d_sha256, v, (struct bytes){ 0 }, ret->b);
}

void sha256_two(struct bytes a, struct bytes b, struct hash32 *ret)
{
	digest_two(&d_sha256, a, b, ret->b);
}

void sha256_twice(struct bytes v, struct hash32 *ret)
{
	struct hash32 once;

	sha256(v, &once);
	sha256((struct bytes){ once.b, sizeof(once.b) }, ret);
}

void sha512(struct bytes v, uint8_t ret[64])
{
	digest_two(&d_sha512, v, (struct bytes){ 0 }, ret);
}

void ripemd160(struct bytes v, uint8_t ret[20])
{
	digest_two(&d_ripemd160, v, (struct bytes){ 0 }, ret);
}

void hash160(struct bytes v, uint8_t ret[20])
{
	struct hash32 h;

	sha256(v, &h);
	ripemd160((struct bytes){ .p = h.b, .n = sizeof(h.b) }, ret);
}

struct hmac {
	const char *digest;
	EVP_MAC_CTX *blank; /* knows its digest, never holds a key: each use works on a copy, which is wiped */
};

static struct hmac h_sha256 = { .digest = "SHA256" };
static struct hmac h_sha512 = { .digest = "SHA512" };

static EVP_MAC_CTX *hmac_blank(struct hmac *h)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)h->digest,
								 0),
				OSSL_PARAM_construct_end() };
	EVP_MAC *mac;

	if (h->blank != NULL)
		return h->blank;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (mac != NULL)
		h->blank = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (h->blank == NULL || EVP_MAC_CTX_set_params(h->blank, params) != 1)
		err_fatal("libcrypto lacks HMAC");
	return h->blank;
}

static void hmac(struct hmac *h, struct bytes key, struct bytes v, uint8_t *ret, size_t n)
{
	static const uint8_t no_key[1]; /* NULL would mean: the key of last time */
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(hmac_blank(h));

	if (ctx == NULL || EVP_MAC_init(ctx, key.n > 0 ? key.p : no_key, key.n, NULL) != 1 ||
	    EVP_MAC_update(ctx, v.p, v.n) != 1 || EVP_MAC_final(ctx, ret, &n, n) != 1)
		err_fatal("libcrypto cannot make an HMAC");
	EVP_MAC_CTX_free(ctx);
}

void hmac_sha256(struct bytes key, struct bytes v, uint8_t ret[32])
{
	hmac(&h_sha256, key, v, ret, 32);
}

void hmac_sha512(struct bytes key, struct bytes v, uint8_t ret[64])
{
	hmac(&h_sha512, key, v, ret, 64);
}

void pbkdf2_sha512(struct bytes password, struct bytes salt, unsigned rounds, uint8_t ret[64])
{
	/* A NULL password is "" to libcrypto too, but a NULL salt is an error. */
	const uint8_t *s = salt.n > 0 ? salt.p : (const uint8_t *)"";

	if (password.n > INT_MAX || salt.n > INT_MAX || rounds > INT_MAX ||
	    PKCS5_PBKDF2_HMAC((const char *)password.p, (int)password.n, s, (int)salt.n, (int)rounds, EVP_sha512(), 64,
			      ret) != 1)
		err_fatal("libcrypto cannot run PBKDF2");
}

uint64_t siphash(const uint8_t key[16], struct bytes v)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t h = 0;

	crypto_shorthash(out, v.p, v.n, key);
	for (size_t i = 0; i < sizeof(out); i++) /* the reference prints it little-endian */
		h |= (uint64_t)out[i] << (8 * i);
	return h;
}
