#include "base/ids.h"

#include <string.h>

#include "base/rng.h"
#include "base/text.h"

bool hash32_equal(const struct hash32 *a, const struct hash32 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool evm_address_equal(const struct evm_address *a, const struct evm_address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool evm_address_is_zero(const struct evm_address *a)
{
	static const struct evm_address zero;

	return evm_address_equal(a, &zero);
}

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool action_id_parse(const char *text, struct action_id *ret)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.-";
	struct action_id id = { 0 };
	size_t n = strnlen(text, ACTION_ID_MAX + 1);

	if (n == 0 || n > ACTION_ID_MAX || strspn(text, allowed) != n)
		return false;
	memcpy(id.s, text, n);
	*ret = id;
	return true;
}

/* RFC 9562 section 5.7: 48 bits of Unix time in ms, version 7, variant 10, and 74 random bits. */
struct action_id action_id_new(int64_t now_ms)
{
	uint64_t ms = now_ms < 0 ? 0 : (uint64_t)now_ms;
	struct action_id id = { 0 };
	uint8_t raw[16];
	char *to = id.s;

	rng_bytes(raw, sizeof(raw));
	for (unsigned i = 0; i < 6; i++)
		raw[i] = (uint8_t)(ms >> (40 - 8 * i));
	raw[6] = (uint8_t)(0x70 | (raw[6] & 0x0f));
	raw[8] = (uint8_t)(0x80 | (raw[8] & 0x3f));
	for (unsigned i = 0; i < sizeof(raw); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		hex_encode(raw + i, 1, to);
		to += 2;
	}
	return id;
}

bool action_id_equal(const struct action_id *a, const struct action_id *b)
{
	return strcmp(a->s, b->s) == 0;
}

bool action_id_is_empty(const struct action_id *a)
{
	return a->s[0] == '\0';
}

bool keyset_id_equal(const struct keyset_id *a, const struct keyset_id *b)
{
	return strcmp(a->s, b->s) == 0;
}
