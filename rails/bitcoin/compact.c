#include "rails/bitcoin/compact.h"

#define MARK_16 0xfd
#define MARK_32 0xfe
#define MARK_64 0xff

size_t compact_len(uint64_t v)
{
	return v < MARK_16 ? 1 : v <= UINT16_MAX ? 3 : v <= UINT32_MAX ? 5 : 9;
}

void buf_compact(struct buf *b, uint64_t v)
{
	switch (compact_len(v)) {
	case 1:
		buf_u8(b, (uint8_t)v);
		return;
	case 3:
		buf_u8(b, MARK_16);
		buf_le16(b, (uint16_t)v);
		return;
	case 5:
		buf_u8(b, MARK_32);
		buf_le32(b, (uint32_t)v);
		return;
	default:
		buf_u8(b, MARK_64);
		buf_le64(b, v);
	}
}

void buf_compact_bytes(struct buf *b, struct bytes v)
{
	buf_compact(b, v.n);
	buf_add_bytes(b, v);
}

uint64_t read_compact(struct reader *r)
{
	uint8_t first = read_u8(r);
	uint64_t v = first == MARK_16   ? read_le16(r)
		     : first == MARK_32 ? read_le32(r)
		     : first == MARK_64 ? read_le64(r)
					: first;

	if (reader_ok(r) && compact_len(v) != (first < MARK_16 ? 1u : 1u + (2u << (first - MARK_16))))
		reader_fail(r);
	return reader_ok(r) ? v : 0;
}

size_t read_compact_count(struct reader *r, size_t each_min)
{
	uint64_t v = read_compact(r);

	if (v > r->n / each_min) {
		reader_fail(r);
		return 0;
	}
	return (size_t)v;
}

struct bytes read_compact_bytes(struct reader *r)
{
	return read_bytes(r, read_compact_count(r, 1));
}
