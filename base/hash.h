/* base/hash.h - hashes over libcrypto, and libsodium's SipHash.  They cannot fail: a libcrypto without SHA-2 aborts. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/buf.h"
#include "base/ids.h"

void sha256(struct bytes v, struct hash32 *ret);
void sha256_two(struct bytes a, struct bytes b, struct hash32 *ret); /* of a || b */
void sha256_twice(struct bytes v, struct hash32 *ret);               /* the hash of the hash */
void sha512(struct bytes v, uint8_t ret[64]);
void ripemd160(struct bytes v, uint8_t ret[20]);
void hash160(struct bytes v, uint8_t ret[20]); /* RIPEMD160(SHA256(v)) */
void hmac_sha256(struct bytes key, struct bytes v, uint8_t ret[32]);
void hmac_sha512(struct bytes key, struct bytes v, uint8_t ret[64]);
/* BIP39: PBKDF2-HMAC-SHA512, 64 bytes. */
void pbkdf2_sha512(struct bytes password, struct bytes salt, unsigned rounds, uint8_t ret[64]);

/* SipHash-2-4: spreads keys that others choose over a small number of places. */
uint64_t siphash(const uint8_t key[16], struct bytes v);

#endif
