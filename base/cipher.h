/* base/cipher.h - scrypt (libsodium) and AES-128-CTR (libcrypto), for key files of others. */
#ifndef BASE_CIPHER_H
#define BASE_CIPHER_H

#include "base/buf.h"
#include "base/err.h"

/* RFC 7914.  Takes 128 * n * r bytes of memory. */
struct scrypt_cost {
	uint64_t n; /* a power of two, 2 to SCRYPT_N_MAX */
	uint32_t r, p;
};
#define SCRYPT_N_MAX    (UINT64_C(1) << 20)
#define SCRYPT_WORK_MAX (UINT64_C(1) << 23) /* n * r * p: a gibibyte, and seconds */

/* n_ret bytes, 1 to 64, to ret, which the caller wipes.  Errors: ERR_RANGE (a cost that we would not pay), ERR_CRYPTO (no
 * memory for it). */
MUST_CHECK int scrypt_stretch(struct bytes password, struct bytes salt, struct scrypt_cost cost, uint8_t *ret,
			      size_t n_ret, struct err *err);

/* NIST SP 800-38A: encrypts and decrypts alike.  iv is the first counter block.  in.n bytes to ret, which may be in.p, and
 * which the caller wipes. */
void aes128_ctr(const uint8_t key[16], const uint8_t iv[16], struct bytes in, uint8_t *ret);

#endif
