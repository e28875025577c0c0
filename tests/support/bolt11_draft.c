#include "tests/support/bolt11_draft.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "rails/bitcoin/bech32.h"
#include "rails/bitcoin/secp.h"

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

void draft_put(struct bolt11_draft *d, uint64_t value, unsigned groups)
{
	assert(d->n + groups <= DRAFT_GROUPS_MAX);
	for (unsigned i = groups; i > 0; i--)
		d->v[d->n++] = (uint8_t)(i > 13 ? 0 : value >> (5 * (i - 1)) & 31);
}

void draft_begin(struct bolt11_draft *d, const char *hrp, int64_t made_at_s)
{
	*d = (struct bolt11_draft){ .hrp = hrp };
	draft_put(d, (uint64_t)made_at_s, 7);
}

static void put_tag(struct bolt11_draft *d, char tag, size_t groups)
{
	draft_put(d, (uint64_t)(strchr(charset, tag) - charset), 1);
	draft_put(d, groups, 2);
}

static void put_bytes(struct bolt11_draft *d, const uint8_t *p, size_t n)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT((size_t)16 * 1024);
	struct bytes groups = bech32_groups_of(&a, (struct bytes){ p, n });

	for (size_t i = 0; i < groups.n; i++)
		draft_put(d, groups.p[i], 1);
}

void draft_bytes(struct bolt11_draft *d, char tag, const void *p, size_t n)
{
	put_tag(d, tag, (n * 8 + 4) / 5);
	put_bytes(d, p, n);
}

void draft_text(struct bolt11_draft *d, char tag, const char *text)
{
	draft_bytes(d, tag, text, strlen(text));
}

void draft_number(struct bolt11_draft *d, char tag, uint64_t value, unsigned groups)
{
	put_tag(d, tag, groups);
	draft_put(d, value, groups);
}

/* What BOLT 11 signs: prefix and data, filled up with zeros. */
static void digest_of(const struct bolt11_draft *d, struct hash32 *ret)
{
	SCOPED(buf) struct buf msg = BUF_CAP(DRAFT_GROUPS_MAX);
	uint32_t acc = 0;
	unsigned bits = 0;

	buf_text_add(&msg, d->hrp);
	for (size_t i = 0; i < d->n; i++) {
		acc = (acc << 5 | d->v[i]) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			buf_u8(&msg, (uint8_t)(acc >> bits));
		}
	}
	if (bits > 0)
		buf_u8(&msg, (uint8_t)(acc << (8 - bits)));
	sha256(buf_bytes(&msg), ret);
}

/* s = n - s, which is as good a signature, of the other recovery id. */
static void turn_s(uint8_t sig[65])
{
	struct secret s, minus = { { 0 } };
	static const uint8_t order_less_one[32] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x40,
	};
	unsigned borrow = 0;

	memcpy(s.b, sig + 32, 32);
	for (int i = 31; i >= 0; i--) {
		unsigned v = 256u + order_less_one[i] - s.b[i] - borrow;

		minus.b[i] = (uint8_t)v;
		borrow = v < 256;
	}
	for (int i = 31; i >= 0 && ++minus.b[i] == 0; i--)
		;
	memcpy(sig + 32, minus.b, 32);
	sig[64] ^= 1;
}

char *draft_sign(struct arena *a, const struct bolt11_draft *d, const struct secret *key, enum draft_signature how)
{
	struct bolt11_draft whole = *d;
	struct hash32 digest;
	uint8_t sig[65];
	int recovery;

	digest_of(d, &digest);
	if (!secp_ecdsa_sign_recoverable(key, &digest, 0, sig, &recovery))
		err_fatal("cannot sign an invoice");
	sig[64] = (uint8_t)recovery;
	if (how == DRAFT_HIGH_S)
		turn_s(sig);
	if (how == DRAFT_OTHER_RECOVERY)
		sig[64] ^= 1;
	put_bytes(&whole, sig, sizeof(sig));
	return bech32_encode(a, BECH32, d->hrp, (struct bytes){ whole.v, whole.n });
}
