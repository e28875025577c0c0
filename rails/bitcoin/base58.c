#include "rails/bitcoin/base58.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/secret.h"

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

#define CHECKSUM_LEN 4

static void checksum(const uint8_t *p, size_t n, uint8_t ret[CHECKSUM_LEN])
{
	struct hash32 twice;

	sha256_twice((struct bytes){ p, n }, &twice);
	memcpy(ret, twice.b, CHECKSUM_LEN);
}

void base58check_encode(struct bytes v, char *to)
{
	uint8_t num[BASE58_BYTES_MAX + CHECKSUM_LEN];
	uint8_t digits[BASE58_TEXT_MAX];
	size_t n = v.n + CHECKSUM_LEN, zeros = 0, n_digits = 0, out = 0;

	assert(v.n <= BASE58_BYTES_MAX);
	memcpy(num, v.p, v.n);
	checksum(v.p, v.n, num + v.n);
	while (zeros < n && num[zeros] == 0)
		zeros++;
	/* Little-endian base 58 digits, grown by one byte of input at a time. */
	for (size_t i = zeros; i < n; i++) {
		unsigned carry = num[i];

		for (size_t j = 0; j < n_digits || carry != 0; j++) {
			if (j == n_digits)
				digits[n_digits++] = 0;
			carry += (unsigned)digits[j] << 8;
			digits[j] = (uint8_t)(carry % 58);
			carry /= 58;
		}
	}
	assert(zeros + n_digits <= BASE58_TEXT_MAX);
	for (; zeros > 0; zeros--)
		to[out++] = alphabet[0];
	while (n_digits > 0)
		to[out++] = alphabet[digits[--n_digits]];
	to[out] = '\0';
	secret_wipe(num, sizeof(num));
	secret_wipe(digits, sizeof(digits));
}

static int decode(const char *text, uint8_t *num, size_t want, struct err *err)
{
	size_t n_text = strnlen(text, BASE58_TEXT_MAX + 1), zeros = 0;
	uint8_t sum[CHECKSUM_LEN];

	if (n_text == 0 || n_text > BASE58_TEXT_MAX)
		return ERR(err, ERR_PARSE, "not Base58Check: bad length");
	while (text[zeros] == alphabet[0])
		zeros++;
	/* Big-endian number of exactly the size wanted: too large overflows its top, too small leaves too many zeros. */
	memset(num, 0, want + CHECKSUM_LEN);
	for (size_t i = zeros; i < n_text; i++) {
		const char *at = strchr(alphabet, text[i]);
		unsigned carry;

		if (at == NULL)
			return ERR(err, ERR_PARSE, "not Base58Check: character %zu is not in its alphabet", i + 1);
		carry = (unsigned)(at - alphabet);
		for (size_t j = want + CHECKSUM_LEN; j-- > 0;) {
			carry += 58u * num[j];
			num[j] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry != 0)
			return ERR(err, ERR_PARSE, "not Base58Check: too long");
	}
	for (size_t i = 0; i < want + CHECKSUM_LEN && num[i] == 0; i++) {
		if (zeros == 0)
			return ERR(err, ERR_PARSE, "not Base58Check: too short");
		zeros--;
	}
	if (zeros != 0)
		return ERR(err, ERR_PARSE, "not Base58Check: too long");
	checksum(num, want, sum);
	if (!ct_equal(sum, num + want, CHECKSUM_LEN))
		return ERR(err, ERR_PARSE, "not Base58Check: the checksum does not match");
	return 0;
}

int base58check_decode(const char *text, void *to, size_t n, struct err *err)
{
	uint8_t num[BASE58_BYTES_MAX + CHECKSUM_LEN];
	int rc;

	assert(n <= BASE58_BYTES_MAX);
	rc = decode(text, num, n, err);
	if (rc == 0)
		memcpy(to, num, n);
	secret_wipe(num, sizeof(num));
	return rc;
}
