/* The numbers 150, "testing" and the bytes of both are those of the encoding guide of protocol buffers. */
#include "base/protobuf.h"

#include <check.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/suite.h"

static struct arena arena;

static void setup(void)
{
	arena = ARENA_LIMIT(1 << 16);
}

static void teardown(void)
{
	arena_done(&arena);
}

static struct bytes bytes_from(const char *hex)
{
	struct bytes v;

	ck_assert(hex_decode_any(&arena, hex, 256, &v));
	return v;
}

START_TEST(written)
{
	struct buf b = BUF_CAP(256), inner = BUF_CAP(64);

	pb_put_u64(&b, 1, 150);
	pb_put_text(&b, 2, "testing");
	pb_put_u64(&inner, 1, 150);
	pb_put_message(&b, 3, buf_bytes(&inner));
	pb_put_u64(&b, 4, 0); /* defaults are not written … */
	pb_put_text(&b, 5, "");
	pb_put_text(&b, 6, NULL);
	pb_put_message(&b, 7, (struct bytes){ NULL, 0 }); /* … but that a message is there is */
	pb_put_u64(&b, 16, UINT64_MAX);
	ck_assert_str_eq(hex_text(&arena, buf_bytes(&b)), "089601"
							  "120774657374696e67"
							  "1a03089601"
							  "3a00"
							  "8001ffffffffffffffffff01");
	buf_done(&inner);
	buf_done(&b);
}
END_TEST

START_TEST(read)
{
	struct reader r = reader_of(bytes_from("089601"
					       "120774657374696e67"
					       "190102030405060708"
					       "2501020304"
					       "8001ffffffffffffffffff01"
					       "f8ffffff0f00"));
	struct pb_field f;

	ck_assert(pb_next(&r, &f) && f.number == 1 && f.type == PB_VARINT && f.value == 150);
	ck_assert(pb_next(&r, &f) && f.number == 2 && f.type == PB_BYTES && bytes_equal(f.data, bytes_of("testing")));
	ck_assert(pb_next(&r, &f) && f.number == 3 && f.type == PB_FIXED64 && f.value == 0x0807060504030201);
	ck_assert(pb_next(&r, &f) && f.number == 4 && f.type == PB_FIXED32 && f.value == 0x04030201);
	ck_assert(pb_next(&r, &f) && f.number == 16 && f.value == UINT64_MAX);
	ck_assert(pb_next(&r, &f) && f.number == 0x1fffffff && f.value == 0); /* the highest there is */
	ck_assert(!pb_next(&r, &f) && reader_ok(&r));
}
END_TEST

static const struct {
	const char *name, *hex;
} broken[] = {
	{ "a tag that goes on", "88" },
	{ "a number without its value", "08" },
	{ "field 0", "0000" },
	{ "a field above all", "8080808010 00" },
	{ "a group", "0b0c" },
	{ "the end of a group", "0c" },
	{ "a type of tomorrow", "0e00" },
	{ "fewer bytes than it says", "120374" },
	{ "a length of all there could be", "12ffffffffffffffffff01" },
	{ "a number of more than 64 bits", "08ffffffffffffffffff02" },
	{ "a number of eleven bytes", "08ffffffffffffffffffff01" },
	{ "half a fixed number", "25010203" },
	{ "most of a long one", "1901020304050607" },
};

START_TEST(refused)
{
	char hex[64];
	struct pb_field f = { .number = 77 };
	struct reader r;
	size_t n = 0;

	for (const char *c = broken[_i].hex; *c; c++)
		if (*c != ' ')
			hex[n++] = *c;
	hex[n] = '\0';
	r = reader_of(bytes_from(hex));
	ck_assert_msg(!pb_next(&r, &f) && !reader_ok(&r), "%s", broken[_i].name);
	ck_assert_uint_eq(f.number, 77);
	ck_assert(!pb_next(&r, &f));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/protobuf");
	TCase *tc = tcase_create("protobuf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, written);
	tcase_add_test(tc, read);
	tcase_add_loop_test(tc, refused, 0, (int)ARRAY_LEN(broken));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
