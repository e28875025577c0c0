#include "rails/cashu/cbor_read.h"

#include <string.h>

#include <cbor.h>

/* Lengths were size_t before libcbor 0.9 and are uint64_t since: the same type on most machines, not on all. */
#if CBOR_MAJOR_VERSION == 0 && CBOR_MINOR_VERSION < 9
#define LENGTH size_t
#else
#define LENGTH uint64_t
#endif

struct item {
	struct cbor_value v;
	bool chunks; /* a string in pieces, up to a break */
	bool tagged;
};

static void on_uint8(void *to, uint8_t n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_UINT, .n = n };
}

static void on_uint16(void *to, uint16_t n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_UINT, .n = n };
}

static void on_uint32(void *to, uint32_t n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_UINT, .n = n };
}

static void on_uint64(void *to, uint64_t n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_UINT, .n = n };
}

static void on_bytes(void *to, cbor_data p, LENGTH n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_BYTES, .v = { p, (size_t)n } };
}

static void on_text(void *to, cbor_data p, LENGTH n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_TEXT, .v = { p, (size_t)n } };
}

static void on_bytes_start(void *to)
{
	*(struct item *)to = (struct item){ .v = { .kind = CBOR_BYTES }, .chunks = true };
}

static void on_text_start(void *to)
{
	*(struct item *)to = (struct item){ .v = { .kind = CBOR_TEXT }, .chunks = true };
}

static void on_array(void *to, LENGTH n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_ARRAY, .n = n };
}

static void on_map(void *to, LENGTH n)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_MAP, .n = n };
}

static void on_indef_array(void *to)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_ARRAY, .indefinite = true };
}

static void on_indef_map(void *to)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_MAP, .indefinite = true };
}

static void on_null(void *to)
{
	((struct item *)to)->v.kind = CBOR_NULL;
}

static void on_bool(void *to, bool v)
{
	((struct item *)to)->v = (struct cbor_value){ .kind = CBOR_BOOL, .n = v ? 1 : 0 };
}

static void on_break(void *to)
{
	((struct item *)to)->v.kind = CBOR_BREAK;
}

/* A tag is a number of another major type, and says something about the item after it.  libcbor before 0.11 refuses those
 * that it does not know, so they are read here, as the numbers that they are. */
static bool pass_tags(struct reader *r, bool *tagged)
{
	for (*tagged = false; r->n > 0 && r->p[0] >> 5 == 6; *tagged = true) {
		struct cbor_decoder_result got;
		uint8_t head[9] = { 0 };
		size_t n = r->n < sizeof(head) ? r->n : sizeof(head);

		memcpy(head, r->p, n);
		head[0] &= 0x1f;
		got = cbor_stream_decode(head, n, &cbor_empty_callbacks, NULL);
		if (got.status != CBOR_DECODER_FINISHED)
			return false;
		(void)read_bytes(r, got.read);
	}
	return true;
}

static bool item_next(struct reader *r, struct item *ret)
{
	struct cbor_callbacks on = cbor_empty_callbacks; /* what is not named here stays CBOR_OTHER */
	struct cbor_decoder_result got;
	bool tagged;

	on.uint8 = on_uint8;
	on.uint16 = on_uint16;
	on.uint32 = on_uint32;
	on.uint64 = on_uint64;
	on.byte_string = on_bytes;
	on.byte_string_start = on_bytes_start;
	on.string = on_text;
	on.string_start = on_text_start;
	on.array_start = on_array;
	on.indef_array_start = on_indef_array;
	on.map_start = on_map;
	on.indef_map_start = on_indef_map;
	on.null = on_null;
	on.undefined = on_null;
	on.boolean = on_bool;
	on.indef_break = on_break;
	*ret = (struct item){ 0 };
	if (!pass_tags(r, &tagged) || r->n == 0)
		return false;
	got = cbor_stream_decode(r->p, r->n, &on, ret);
	if (got.status != CBOR_DECODER_FINISHED)
		return false;
	(void)read_bytes(r, got.read);
	ret->tagged = tagged;
	return reader_ok(r) && !(tagged && ret->v.kind == CBOR_BREAK);
}

/* Chunks of the string's own kind, each whole and bare, up to the break. */
static bool join(struct arena *a, struct reader *r, struct cbor_value *ret)
{
	SCOPED(buf) struct buf all = BUF_CAP(r->n + 1);
	struct item chunk;

	for (;;) {
		if (!item_next(r, &chunk) || chunk.chunks || chunk.tagged)
			return false;
		if (chunk.v.kind == CBOR_BREAK)
			break;
		if (chunk.v.kind != ret->kind)
			return false;
		buf_add_bytes(&all, chunk.v.v);
	}
	if (!buf_ok(&all) || !arena_room(a, all.n + 1))
		return false;
	ret->v = arena_bytes(a, buf_bytes(&all));
	return true;
}

bool cbor_next(struct arena *a, struct reader *r, struct cbor_value *ret)
{
	struct item item;

	if (!item_next(r, &item) || (item.chunks && !join(a, r, &item.v)))
		return false;
	*ret = item.v;
	return true;
}

bool cbor_more(struct reader *r, struct cbor_value *box, bool *more)
{
	struct reader ahead = *r;
	struct item item;

	if (box->indefinite) {
		if (!item_next(&ahead, &item))
			return false;
		*more = item.chunks || item.v.kind != CBOR_BREAK;
		if (!*more)
			*r = ahead;
		return true;
	}
	*more = box->n > 0;
	if (*more)
		box->n--;
	return true;
}

bool cbor_skip(struct arena *a, struct reader *r, struct cbor_value head, unsigned depth)
{
	unsigned per_element = head.kind == CBOR_MAP ? 2 : 1;
	struct cbor_value inner;
	bool more;

	if (head.kind == CBOR_BREAK)
		return false;
	if (head.kind != CBOR_ARRAY && head.kind != CBOR_MAP)
		return true;
	if (depth >= CBOR_DEPTH_MAX)
		return false;
	for (;;) {
		if (!cbor_more(r, &head, &more))
			return false;
		if (!more)
			return true;
		for (unsigned i = 0; i < per_element; i++)
			if (!cbor_next(a, r, &inner) || !cbor_skip(a, r, inner, depth + 1))
				return false;
	}
}
