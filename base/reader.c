#include "base/reader.h"

#include <string.h>

struct reader reader_of(struct bytes v)
{
	return (struct reader){ .p = v.p, .n = v.n };
}

/* The next n bytes, or NULL and a failed reader. */
static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->failed || n > r->n) {
		reader_fail(r);
		return NULL;
	}
	if (n > 0)
		r->p += n;
	r->n -= n;
	return p;
}

/* Big-endian; 0 on failure. */
static uint64_t take_be(struct reader *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	for (size_t i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t read_u8(struct reader *r)
{
	return (uint8_t)take_be(r, 1);
}

uint16_t read_be16(struct reader *r)
{
	return (uint16_t)take_be(r, 2);
}

uint32_t read_be32(struct reader *r)
{
	return (uint32_t)take_be(r, 4);
}

uint64_t read_be64(struct reader *r)
{
	return take_be(r, 8);
}

uint16_t read_le16(struct reader *r)
{
	return __builtin_bswap16(read_be16(r));
}

uint32_t read_le32(struct reader *r)
{
	return __builtin_bswap32(read_be32(r));
}

uint64_t read_le64(struct reader *r)
{
	return __builtin_bswap64(read_be64(r));
}

struct bytes read_bytes(struct reader *r, size_t n)
{
	const uint8_t *p = take(r, n);

	return r->failed ? (struct bytes){ 0 } : (struct bytes){ .p = p, .n = n };
}

void read_copy(struct reader *r, void *to, size_t n)
{
	const uint8_t *p = take(r, n);

	if (n == 0)
		return;
	if (p == NULL)
		memset(to, 0, n); /* never let a caller that checks late use what was there before */
	else
		memcpy(to, p, n);
}

bool reader_ok(const struct reader *r)
{
	return !r->failed;
}

bool reader_at_end(const struct reader *r)
{
	return !r->failed && r->n == 0;
}

void reader_fail(struct reader *r)
{
	*r = (struct reader){ .failed = true };
}
