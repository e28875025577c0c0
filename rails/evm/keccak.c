#include "rails/evm/keccak.h"

#include <endian.h>
#include <string.h>

#define LANES (KECCAK_RATE / 8)

void keccak_init(struct keccak *k)
{
	*k = (struct keccak){ 0 };
}

static void absorb(struct keccak *k)
{
	for (size_t i = 0; i < LANES; i++) {
		uint64_t lane;

		memcpy(&lane, k->block + 8 * i, sizeof(lane));
		k->state.a[i] ^= le64toh(lane);
	}
	sha3_permute(&k->state);
	k->n = 0;
}

void keccak_update(struct keccak *k, struct bytes v)
{
	while (v.n > 0) {
		size_t room = KECCAK_RATE - k->n, n = v.n < room ? v.n : room;

		memcpy(k->block + k->n, v.p, n);
		v = (struct bytes){ v.p + n, v.n - n };
		k->n += n;
		if (k->n == KECCAK_RATE)
			absorb(k);
	}
}

void keccak_final(struct keccak *k, struct hash32 *ret)
{
	memset(k->block + k->n, 0, KECCAK_RATE - k->n);
	k->block[k->n] = 0x01;
	k->block[KECCAK_RATE - 1] |= 0x80;
	absorb(k);
	for (size_t i = 0; i < sizeof(ret->b) / 8; i++) {
		uint64_t lane = htole64(k->state.a[i]);

		memcpy(ret->b + 8 * i, &lane, sizeof(lane));
	}
}

void keccak256(struct bytes v, struct hash32 *ret)
{
	struct keccak k;

	keccak_init(&k);
	keccak_update(&k, v);
	keccak_final(&k, ret);
}

bool keccak_self_test(void)
{
	static const struct hash32 of_nothing = { { 0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d,
						    0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82,
						    0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70 } };
	static const struct hash32 of_abc = { { 0x4e, 0x03, 0x65, 0x7a, 0xea, 0x45, 0xa9, 0x4f, 0xc7, 0xd4, 0x7b,
						0xa8, 0x26, 0xc8, 0xd6, 0x67, 0xc0, 0xd1, 0xe6, 0xe3, 0x3a, 0x64,
						0xa0, 0x36, 0xec, 0x44, 0xf5, 0x8f, 0xa1, 0x2d, 0x6c, 0x45 } };
	struct hash32 h;

	keccak256((struct bytes){ 0 }, &h);
	if (!hash32_equal(&h, &of_nothing))
		return false;
	keccak256(bytes_of("abc"), &h);
	return hash32_equal(&h, &of_abc);
}
