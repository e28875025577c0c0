#include "rails/cashu/cbor_write.h"

#include <string.h>

#include <cbor.h>

#define HEAD_MAX 9

void cbor_put_map(struct buf *b, size_t pairs)
{
	unsigned char head[HEAD_MAX];

	buf_add(b, head, cbor_encode_map_start(pairs, head, sizeof(head)));
}

void cbor_put_array(struct buf *b, size_t items)
{
	unsigned char head[HEAD_MAX];

	buf_add(b, head, cbor_encode_array_start(items, head, sizeof(head)));
}

void cbor_put_text(struct buf *b, const char *text)
{
	unsigned char head[HEAD_MAX];

	buf_add(b, head, cbor_encode_string_start(strlen(text), head, sizeof(head)));
	buf_text_add(b, text);
}

void cbor_put_bytes(struct buf *b, const void *p, size_t n)
{
	unsigned char head[HEAD_MAX];

	buf_add(b, head, cbor_encode_bytestring_start(n, head, sizeof(head)));
	buf_add(b, p, n);
}

void cbor_put_uint(struct buf *b, uint64_t n)
{
	unsigned char head[HEAD_MAX];

	buf_add(b, head, cbor_encode_uint(n, head, sizeof(head)));
}

void cbor_put_bool(struct buf *b, bool v)
{
	unsigned char head[HEAD_MAX];

	buf_add(b, head, cbor_encode_bool(v, head, sizeof(head)));
}
