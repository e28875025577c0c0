#include "tests/support/evm.h"

#include <string.h>

#include "base/text.h"
#include "rails/evm/address.h"

struct bytes evm_hex(const char *text)
{
	struct bytes v;

	if (text_starts(text, "0x"))
		text += 2;
	ck_assert_msg(hex_decode_any(&ra, text, 256 * 1024, &v), "not hex: %s", text);
	return v;
}

struct bytes vec_0x(const json_t *obj, const char *name)
{
	return evm_hex(vec_str(obj, name));
}

static void vec_exactly(const json_t *obj, const char *name, uint8_t *to, size_t n)
{
	struct bytes v = vec_0x(obj, name);

	ck_assert_msg(v.n == n, "%s has %zu bytes, not %zu", name, v.n, n);
	memcpy(to, v.p, n);
}

struct hash32 vec_hash(const json_t *obj, const char *name)
{
	struct hash32 h;

	vec_exactly(obj, name, h.b, sizeof(h.b));
	return h;
}

struct secret vec_secret(const json_t *obj, const char *name)
{
	struct secret s;

	vec_exactly(obj, name, s.b, sizeof(s.b));
	return s;
}

struct evm_address vec_address(const json_t *obj, const char *name)
{
	struct evm_address a;

	ck_ok(evm_address_parse(vec_str(obj, name), &a, &rerr));
	return a;
}

uint64_t vec_decimal(const json_t *obj, const char *name)
{
	uint64_t v;

	ck_assert_msg(parse_u64(vec_str(obj, name), UINT64_MAX, &v), "%s is not a number", name);
	return v;
}

void evm_assert_bytes(struct bytes got, struct bytes want, const char *file, int line)
{
	ck_assert_msg(bytes_equal(got, want), "%s:%d:\n%s\nis not\n%s", file, line, hex_text(&ra, got),
		      hex_text(&ra, want));
}
