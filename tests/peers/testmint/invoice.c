#include "tests/peers/testmint/invoice.h"

#include <string.h>

#include <secp256k1_recovery.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"

#define GROUPS_MAX 512 /* five bits each */

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

struct groups {
	uint8_t v[GROUPS_MAX];
	size_t n;
};

static void put(struct groups *g, uint64_t value, unsigned n)
{
	for (unsigned i = n; i > 0; i--)
		g->v[g->n++] = (uint8_t)((value >> (5 * (i - 1))) & 31);
}

/* Eight bits to five, padded with zeros. */
static void put_bytes(struct groups *g, const uint8_t *p, size_t n)
{
	uint32_t acc = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		acc = (acc << 8 | p[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			put(g, acc >> (bits - 5), 1);
	}
	if (bits > 0)
		put(g, (uint64_t)acc << (5 - bits), 1);
}

static void put_tag(struct groups *g, char tag, const void *p, size_t n)
{
	put(g, (uint64_t)(strchr(charset, tag) - charset), 1);
	put(g, (n * 8 + 4) / 5, 2);
	put_bytes(g, p, n);
}

/* BIP173. */
static uint32_t polymod(uint32_t chk, uint8_t value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = chk >> 25;

	chk = (chk & 0x1ffffff) << 5 ^ value;
	for (size_t i = 0; i < ARRAY_LEN(generator); i++)
		if ((top >> i & 1) != 0)
			chk ^= generator[i];
	return chk;
}

static uint32_t checksum(const char *hrp, const struct groups *g)
{
	uint32_t chk = 1;

	for (const char *p = hrp; *p != '\0'; p++)
		chk = polymod(chk, (uint8_t)((uint8_t)*p >> 5));
	chk = polymod(chk, 0);
	for (const char *p = hrp; *p != '\0'; p++)
		chk = polymod(chk, *p & 31);
	for (size_t i = 0; i < g->n; i++)
		chk = polymod(chk, g->v[i]);
	for (int i = 0; i < 6; i++)
		chk = polymod(chk, 0);
	return chk ^ 1;
}

static void sign(const char *seed_text, const char *hrp, struct groups *g)
{
	struct buf msg = BUF_CAP(GROUPS_MAX + 64);
	secp256k1_ecdsa_recoverable_signature sig;
	struct hash32 key, digest;
	uint32_t acc = 0;
	unsigned bits = 0;
	uint8_t out[65];
	int recovery;

	buf_text_add(&msg, hrp);
	for (size_t i = 0; i < g->n; i++) {
		acc = (acc << 5 | g->v[i]) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			buf_u8(&msg, (uint8_t)(acc >> bits));
		}
	}
	if (bits > 0)
		buf_u8(&msg, (uint8_t)(acc << (8 - bits)));
	sha256(buf_bytes(&msg), &digest);
	buf_done(&msg);
	sha256_two(bytes_of(seed_text), bytes_of("/node"), &key);
	if (secp256k1_ecdsa_sign_recoverable(secp_context(), &sig, digest.b, key.b, NULL, NULL) != 1)
		err_fatal("cannot sign an invoice");
	secp256k1_ecdsa_recoverable_signature_serialize_compact(secp_context(), out, &recovery, &sig);
	out[64] = (uint8_t)recovery;
	put_bytes(g, out, sizeof(out));
}

char *invoice_make(struct arena *a, const char *seed_text, const char *unit, uint64_t amount, int64_t now_s)
{
	static const uint8_t features[] = { 14, 8 }; /* payment secrets and long onions: bits 14 and 8 */
	const char *description = arena_printf(a, "%llu %s of play ecash", (unsigned long long)amount, unit);
	const char *hrp = arena_printf(a, "lnbcrt%llu0n", (unsigned long long)amount); /* ten nano-bitcoin a satoshi */
	struct groups g = { 0 };
	uint8_t hash[32], secret[32];
	uint64_t bits = 0;
	uint32_t chk;
	char *text, *p;

	rng_bytes(hash, sizeof(hash));
	rng_bytes(secret, sizeof(secret));
	put(&g, (uint64_t)now_s, 7);
	put_tag(&g, 'p', hash, sizeof(hash));
	put_tag(&g, 's', secret, sizeof(secret));
	put_tag(&g, 'd', description, strlen(description));
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		bits |= UINT64_C(1) << features[i];
	put(&g, (uint64_t)(strchr(charset, '9') - charset), 1);
	put(&g, 3, 2);
	put(&g, bits, 3);
	sign(seed_text, hrp, &g);
	chk = checksum(hrp, &g);
	put(&g, chk, 6);

	text = arena_alloc(a, strlen(hrp) + 1 + g.n + 1);
	p = text + strlen(hrp);
	memcpy(text, hrp, strlen(hrp));
	*p++ = '1';
	for (size_t i = 0; i < g.n; i++)
		*p++ = charset[g.v[i]];
	return text;
}
