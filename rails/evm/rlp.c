#include "rails/evm/rlp.h"

#include <string.h>

/* First bytes: below 0x80 a byte itself; then a string of at most 55 bytes, a longer one, a short list, a long one. */
#define SHORT_STRING 0x80
#define LONG_STRING  0xb7 /* and the number of bytes that its length has */
#define SHORT_LIST   0xc0
#define LONG_LIST    0xf7
#define SHORT_MAX    55

static size_t be_minimal(uint64_t v, uint8_t to[8])
{
	size_t n = 0;

	for (int shift = 56; shift >= 0; shift -= 8)
		if (n > 0 || v >> shift != 0)
			to[n++] = (uint8_t)(v >> shift);
	return n;
}

static void head(struct buf *to, size_t n, uint8_t short_base, uint8_t long_base)
{
	uint8_t length[8];
	size_t n_length;

	if (n <= SHORT_MAX) {
		buf_u8(to, (uint8_t)(short_base + n));
		return;
	}
	n_length = be_minimal(n, length);
	buf_u8(to, (uint8_t)(long_base + n_length));
	buf_add(to, length, n_length);
}

void rlp_bytes(struct buf *to, struct bytes v)
{
	if (v.n != 1 || v.p[0] >= SHORT_STRING)
		head(to, v.n, SHORT_STRING, LONG_STRING);
	buf_add_bytes(to, v);
}

void rlp_u64(struct buf *to, uint64_t v)
{
	uint8_t be[8];

	rlp_bytes(to, (struct bytes){ be, be_minimal(v, be) });
}

void rlp_integer(struct buf *to, struct bytes be)
{
	while (be.n > 0 && be.p[0] == 0)
		be = (struct bytes){ be.p + 1, be.n - 1 };
	rlp_bytes(to, be);
}

void rlp_list(struct buf *to, struct bytes items)
{
	head(to, items.n, SHORT_LIST, LONG_LIST);
	buf_add_bytes(to, items);
}

/* The length of a long item: in its shortest form, and too long for a short one. */
static size_t read_length(struct reader *r, size_t n_length)
{
	struct bytes be = read_bytes(r, n_length);
	uint64_t n = 0;

	for (size_t i = 0; i < be.n; i++)
		n = n << 8 | be.p[i];
	if (be.n > 0 && (be.p[0] == 0 || n <= SHORT_MAX || n > r->n))
		reader_fail(r);
	return reader_ok(r) ? (size_t)n : 0;
}

struct rlp_item rlp_read(struct reader *r)
{
	struct bytes rest = { r->p, r->n };
	uint8_t first = read_u8(r);
	struct rlp_item item = { .is_list = first >= SHORT_LIST };

	if (!reader_ok(r))
		return (struct rlp_item){ 0 };
	if (first < SHORT_STRING)
		item.v = (struct bytes){ rest.p, 1 };
	else if (first <= LONG_STRING)
		item.v = read_bytes(r, first - SHORT_STRING);
	else if (first < SHORT_LIST)
		item.v = read_bytes(r, read_length(r, first - LONG_STRING));
	else if (first <= LONG_LIST)
		item.v = read_bytes(r, first - SHORT_LIST);
	else
		item.v = read_bytes(r, read_length(r, first - LONG_LIST));
	if (first == SHORT_STRING + 1 && item.v.n == 1 && item.v.p[0] < SHORT_STRING)
		reader_fail(r); /* should have been written as itself */
	return reader_ok(r) ? item : (struct rlp_item){ 0 };
}

struct bytes rlp_read_bytes(struct reader *r)
{
	struct rlp_item item = rlp_read(r);

	if (item.is_list)
		reader_fail(r);
	return reader_ok(r) ? item.v : (struct bytes){ 0 };
}

struct reader rlp_read_list(struct reader *r)
{
	struct rlp_item item = rlp_read(r);
	struct reader items = reader_of(item.v);

	if (!item.is_list)
		reader_fail(r);
	if (!reader_ok(r))
		reader_fail(&items);
	return items;
}

void rlp_read_integer(struct reader *r, uint8_t *ret, size_t n)
{
	struct bytes be = rlp_read_bytes(r);

	if (be.n > n || (be.n > 0 && be.p[0] == 0))
		reader_fail(r);
	memset(ret, 0, n);
	if (reader_ok(r) && be.n > 0)
		memcpy(ret + n - be.n, be.p, be.n);
}

uint64_t rlp_read_u64(struct reader *r)
{
	uint8_t be[8];
	struct reader number = reader_of((struct bytes){ be, sizeof(be) });

	rlp_read_integer(r, be, sizeof(be));
	return read_be64(&number);
}

static bool all_canonical(struct reader *r, unsigned depth)
{
	while (r->n > 0 && reader_ok(r)) {
		struct rlp_item item = rlp_read(r);
		struct reader items = reader_of(item.v);

		if (item.is_list && (depth == 0 || !all_canonical(&items, depth - 1)))
			return false;
	}
	return reader_ok(r);
}

bool rlp_is_one(struct bytes v)
{
	struct reader whole = reader_of(v), again = whole;

	(void)rlp_read(&whole);
	return reader_at_end(&whole) && all_canonical(&again, RLP_DEPTH_MAX);
}
