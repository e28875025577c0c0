#include "base/cipher.h"

#include <limits.h>
#include <openssl/evp.h>

static const uint8_t nothing[1]; /* libcrypto takes a NULL for "the one of before", or for an error */

static bool affordable(struct scrypt_cost c)
{
	return c.n >= 2 && c.n <= SCRYPT_N_MAX && (c.n & (c.n - 1)) == 0 && c.r >= 1 && c.p >= 1 &&
	       c.r <= SCRYPT_WORK_MAX / c.n && c.p <= SCRYPT_WORK_MAX / (c.n * c.r);
}

int scrypt_stretch(struct bytes password, struct bytes salt, struct scrypt_cost cost, uint8_t *ret, size_t n_ret,
		   struct err *err)
{
	/* What libcrypto counts: 128 * r * (n + 2 + p) bytes, and not more than its default of 32 MiB without this. */
	uint64_t memory = (uint64_t)128 * cost.r * (cost.n + 2 + cost.p);

	if (!affordable(cost))
		return ERR(
			err, ERR_RANGE,
			"scrypt with n %llu, r %u, p %u: allowed are an n of 2 to 2^20, a power of two, and n * r * p "
			"up to 2^23",
			(unsigned long long)cost.n, cost.r, cost.p);
	if (EVP_PBE_scrypt((const char *)(password.n > 0 ? password.p : nothing), password.n,
			   salt.n > 0 ? salt.p : nothing, salt.n, cost.n, cost.r, cost.p, memory, ret, n_ret) != 1)
		return ERR(err, ERR_CRYPTO, "not enough memory for scrypt: it takes %llu MiB",
			   (unsigned long long)(memory >> 20));
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
