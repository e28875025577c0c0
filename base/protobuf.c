#include "base/protobuf.h"

#define VARINT_MAX 10 /* bytes of 64 bits, seven in each */

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_u8(b, (uint8_t)(v | 0x80));
	buf_u8(b, (uint8_t)v);
}

static void put_tag(struct buf *b, uint32_t field, enum pb_type type)
{
	put_varint(b, (uint64_t)field << 3 | (uint64_t)type);
}

void pb_put_u64(struct buf *b, uint32_t field, uint64_t v)
{
	if (v == 0)
		return;
	put_tag(b, field, PB_VARINT);
	put_varint(b, v);
}

void pb_put_message(struct buf *b, uint32_t field, struct bytes message)
{
	put_tag(b, field, PB_BYTES);
	put_varint(b, message.n);
	buf_add_bytes(b, message);
}

void pb_put_text(struct buf *b, uint32_t field, const char *text)
{
	if (text && text[0])
		pb_put_message(b, field, bytes_of(text));
}

/* Ten bytes at most, and the last of ten has one bit. */
static uint64_t read_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_MAX; i++) {
		uint8_t byte = read_u8(r);

		if (i == VARINT_MAX - 1 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80)
			return v;
	}
	reader_fail(r);
	return 0;
}

static void read_data(struct reader *r, struct bytes *ret)
{
	uint64_t n = read_varint(r);

	if (n > r->n)
		reader_fail(r);
	else
		*ret = read_bytes(r, (size_t)n);
}

bool pb_next(struct reader *r, struct pb_field *ret)
{
	struct pb_field f = { .number = 0 };
	uint64_t tag;

	if (!reader_ok(r) || reader_at_end(r))
		return false;
	tag = read_varint(r);
	f.type = (enum pb_type)(tag & 7);
	f.number = (uint32_t)(tag >> 3);
	if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		reader_fail(r);
	switch (tag & 7) {
	case PB_VARINT:
		f.value = read_varint(r);
		break;
	case PB_FIXED64:
		f.value = read_le64(r);
		break;
	case PB_FIXED32:
		f.value = read_le32(r);
		break;
	case PB_BYTES:
		read_data(r, &f.data);
		break;
	default: /* of what is on the wire, not of an enumeration of ours */
		reader_fail(r);
	}
	if (!reader_ok(r))
		return false;
	*ret = f;
	return true;
}
