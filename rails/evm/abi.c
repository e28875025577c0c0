#include "rails/evm/abi.h"

#include <assert.h>
#include <string.h>

struct hash32 abi_word_u64(uint64_t v)
{
	struct hash32 w = { 0 };

	for (size_t i = 0; i < 8; i++)
		w.b[ABI_WORD - 1 - i] = (uint8_t)(v >> (8 * i));
	return w;
}

struct hash32 abi_word_address(const struct evm_address *v)
{
	struct hash32 w = { 0 };

	memcpy(w.b + ABI_WORD - sizeof(v->b), v->b, sizeof(v->b));
	return w;
}

bool abi_word_fits(const struct hash32 *w, unsigned bits)
{
	assert(bits > 0 && bits <= 256);
	for (unsigned i = 0; i < (256 - bits) / 8; i++)
		if (w->b[i] != 0)
			return false;
	return bits % 8 == 0 || w->b[(256 - bits) / 8] >> (bits % 8) == 0;
}

bool abi_word_to_u64(const struct hash32 *w, uint64_t *ret)
{
	uint64_t v = 0;

	if (!abi_word_fits(w, 64))
		return false;
	for (size_t i = ABI_WORD - 8; i < ABI_WORD; i++)
		v = v << 8 | w->b[i];
	*ret = v;
	return true;
}

bool abi_word_to_address(const struct hash32 *w, struct evm_address *ret)
{
	if (!abi_word_fits(w, 160))
		return false;
	memcpy(ret->b, w->b + ABI_WORD - sizeof(ret->b), sizeof(ret->b));
	return true;
}

void abi_word(struct buf *to, const struct hash32 *v)
{
	buf_add(to, v->b, sizeof(v->b));
}

void abi_u64(struct buf *to, uint64_t v)
{
	struct hash32 w = abi_word_u64(v);

	abi_word(to, &w);
}

void abi_address(struct buf *to, const struct evm_address *v)
{
	struct hash32 w = abi_word_address(v);

	abi_word(to, &w);
}

static size_t padding(size_t n)
{
	return (ABI_WORD - n % ABI_WORD) % ABI_WORD;
}

void abi_bytes(struct buf *to, struct bytes v)
{
	static const uint8_t zeros[ABI_WORD];

	abi_u64(to, v.n);
	buf_add_bytes(to, v);
	buf_add(to, zeros, padding(v.n));
}

size_t abi_bytes_size(size_t n)
{
	return ABI_WORD + n + padding(n);
}

struct hash32 abi_read_word(struct reader *r)
{
	struct hash32 w = { 0 };

	read_copy(r, w.b, sizeof(w.b));
	return w;
}

uint64_t abi_read_uint(struct reader *r, unsigned bits)
{
	struct hash32 w = abi_read_word(r);
	uint64_t v = 0;

	assert(bits <= 64);
	if (!abi_word_fits(&w, bits) || !abi_word_to_u64(&w, &v))
		reader_fail(r);
	return v;
}

bool abi_read_bool(struct reader *r)
{
	return abi_read_uint(r, 1) == 1;
}

struct evm_address abi_read_address(struct reader *r)
{
	struct hash32 w = abi_read_word(r);
	struct evm_address v = { 0 };

	if (!abi_word_to_address(&w, &v))
		reader_fail(r);
	return v;
}

void abi_read_offset(struct reader *r, uint64_t want)
{
	if (abi_read_uint(r, 64) != want)
		reader_fail(r);
}

struct bytes abi_read_bytes(struct reader *r)
{
	uint64_t n = abi_read_uint(r, 64);
	struct bytes v, rest;

	if (n > r->n)
		reader_fail(r);
	v = read_bytes(r, (size_t)n);
	rest = read_bytes(r, padding(v.n));
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] != 0)
			reader_fail(r);
	return reader_ok(r) ? v : (struct bytes){ 0 };
}
