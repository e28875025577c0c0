#include "base/cipher.h"

#include <inttypes.h>
#include <limits.h>

#include <openssl/evp.h>
#include <sodium.h>

static const uint8_t nothing[1]; /* libcrypto takes a NULL for "the one of before", or for an error */

static bool affordable(struct scrypt_cost c)
{
	return c.n >= 2 && c.n <= SCRYPT_N_MAX && (c.n & (c.n - 1)) == 0 && c.r >= 1 && c.p >= 1 &&
	       c.r <= SCRYPT_WORK_MAX / c.n && c.p <= SCRYPT_WORK_MAX / (c.n * c.r);
}

/* Of libsodium: libcrypto's refuses an n of 2^(16 * r) or more, which the standard of key files has in its own example. */
int scrypt_stretch(struct bytes password, struct bytes salt, struct scrypt_cost cost, uint8_t *ret, size_t n_ret,
		   struct err *err)
{
	if (!affordable(cost))
		return ERR(err, ERR_RANGE,
			   "scrypt with n %" PRIu64 ", r %u, p %u: allowed are an n of 2 to 2^20, a power of two, and "
			   "n * r * p up to 2^23",
			   cost.n, cost.r, cost.p);
	if (crypto_pwhash_scryptsalsa208sha256_ll(password.n > 0 ? password.p : nothing, password.n,
						  salt.n > 0 ? salt.p : nothing, salt.n, cost.n, cost.r, cost.p, ret,
						  n_ret) != 0)
		return ERR(err, ERR_CRYPTO, "not enough memory for scrypt: it takes %" PRIu64 " MiB",
			   (cost.n * cost.r >> 13) + 1);
	return 0;
}

void aes128_ctr(const uint8_t key[16], const uint8_t iv[16], struct bytes in, uint8_t *ret)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	if (in.n > INT_MAX || ctx == NULL || EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) != 1 ||
	    EVP_EncryptUpdate(ctx, ret, &n, in.n > 0 ? in.p : nothing, (int)in.n) != 1 || (size_t)n != in.n)
		err_fatal("libcrypto cannot run AES-128-CTR");
	EVP_CIPHER_CTX_free(ctx); /* wipes the key schedule */
}
