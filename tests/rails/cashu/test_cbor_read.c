#include "rails/cashu/cbor_read.h"

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct reader over(const char *hex)
{
	struct bytes v;

	ck_assert(hex_decode_any(&ra, hex, 4096, &v));
	return reader_of(v);
}

/* From appendix A of RFC 8949 where it has one. */
static const struct {
	const char *hex;
	enum cbor_kind kind;
	uint64_t n;
	bool indefinite;
	const char *text;
} items[] = {
	{ "00", CBOR_UINT, 0, false, NULL },
	{ "17", CBOR_UINT, 23, false, NULL },
	{ "1818", CBOR_UINT, 24, false, NULL },
	{ "1903e8", CBOR_UINT, 1000, false, NULL },
	{ "1a000f4240", CBOR_UINT, 1000000, false, NULL },
	{ "1bffffffffffffffff", CBOR_UINT, UINT64_MAX, false, NULL },
	{ "1b0000000000000001", CBOR_UINT, 1, false, NULL },
	{ "20", CBOR_OTHER, 0, false, NULL },
	{ "3bffffffffffffffff", CBOR_OTHER, 0, false, NULL },
	{ "f90000", CBOR_OTHER, 0, false, NULL },
	{ "fa47c35000", CBOR_OTHER, 0, false, NULL },
	{ "fb3ff199999999999a", CBOR_OTHER, 0, false, NULL },
	{ "f4", CBOR_BOOL, 0, false, NULL },
	{ "f5", CBOR_BOOL, 1, false, NULL },
	{ "f6", CBOR_NULL, 0, false, NULL },
	{ "f7", CBOR_NULL, 0, false, NULL },
	{ "ff", CBOR_BREAK, 0, false, NULL },
	{ "4401020304", CBOR_BYTES, 0, false, "\1\2\3\4" },
	{ "40", CBOR_BYTES, 0, false, "" },
	{ "6449455446", CBOR_TEXT, 0, false, "IETF" },
	{ "780449455446", CBOR_TEXT, 0, false, "IETF" },
	{ "7900044945"
	  "5446",
	  CBOR_TEXT, 0, false, "IETF" },
	{ "7a0000000449455446", CBOR_TEXT, 0, false, "IETF" },
	{ "7b000000000000000449455446", CBOR_TEXT, 0, false, "IETF" },
	{ "5f42010243030405ff", CBOR_BYTES, 0, false, "\1\2\3\4\5" },
	{ "7f657374726561646d696e67ff", CBOR_TEXT, 0, false, "streaming" },
	{ "7fff", CBOR_TEXT, 0, false, "" },
	{ "80", CBOR_ARRAY, 0, false, NULL },
	{ "9bffffffffffffffff", CBOR_ARRAY, UINT64_MAX, false, NULL },
	{ "9f", CBOR_ARRAY, 0, true, NULL },
	{ "a2", CBOR_MAP, 2, false, NULL },
	{ "bf", CBOR_MAP, 0, true, NULL },
	{ "c001", CBOR_UINT, 1, false, NULL },
	{ "d74401020304", CBOR_BYTES, 0, false, "\1\2\3\4" },
	{ "d9d9f7daffffffffdbffffffffffffffff01", CBOR_UINT, 1, false, NULL },
};

START_TEST(one_item)
{
	struct reader r = over(items[_i].hex);
	struct cbor_value v;

	ck_assert_msg(cbor_next(&ra, &r, &v), "%s", items[_i].hex);
	ck_assert(reader_at_end(&r));
	ck_assert_int_eq(v.kind, items[_i].kind);
	ck_assert_uint_eq(v.n, items[_i].n);
	ck_assert(v.indefinite == items[_i].indefinite);
	if (items[_i].text != NULL)
		ck_assert(bytes_equal(v.v, bytes_of(items[_i].text)));
}
END_TEST

START_TEST(every_item_cut_off)
{
	struct bytes whole;

	ck_assert(hex_decode_any(&ra, items[_i].hex, 4096, &whole));
	for (size_t n = 0; n < whole.n; n++) {
		struct reader r = reader_of(arena_bytes(&ra, (struct bytes){ whole.p, n }));
		struct cbor_value v;

		ck_assert_msg(!cbor_next(&ra, &r, &v), "%s, %zu bytes", items[_i].hex, n);
	}
}
END_TEST

static const char *const broken[] = {
	"",
	"1c",
	"1f",
	"5c",
	"7e",
	"9d",
	"dc",
	"df",
	"fc",
	"c0",
	"5bffffffffffffffff",
	"7affffffff00",
	"5f01ff",
	"5f6161ff",
	"7f4161ff",
	"5f5fffff",
	"5fc04161ff",
	"5f41",
	"7f",
	"5ff6ff",
	"c0ff",
};

START_TEST(not_an_item)
{
	struct reader r = over(broken[_i]);
	struct cbor_value v;

	ck_assert_msg(!cbor_next(&ra, &r, &v), "%s", broken[_i]);
}
END_TEST

START_TEST(no_room_to_join)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(16);
	struct reader r = over("5f"
			       "50000102030405060708090a0b0c0d0e0f"
			       "ff");
	struct cbor_value v;

	ck_assert(!cbor_next(&small, &r, &v));
}
END_TEST

static const struct {
	const char *hex;
	bool whole;
	size_t left;
} skipped[] = {
	{ "01", true, 0 },
	{ "0101", true, 1 },
	{ "83010203", true, 0 },
	{ "830102", false, 0 },
	{ "a1616101", true, 0 },
	{ "a16161", false, 0 },
	{ "9f0102ff00", true, 1 },
	{ "9f0102", false, 0 },
	{ "bf616101ff", true, 0 },
	{ "bf6161ff", false, 0 },
	{ "82ff01", false, 0 },
	{ "ff", false, 0 },
	{ "8181818181818101", true, 0 },   /* seven deep */
	{ "818181818181818101", true, 0 }, /* eight */
	{ "81818181818181818101", false, 0 },
	{ "8181818181818180", true, 0 },
	{ "a1a1a1a1a1a1a1a101", false, 0 },
	{ "9bffffffffffffffff01", false, 0 },
	{ "bb8000000000000000", false, 0 },
};

START_TEST(passed_over)
{
	struct reader r = over(skipped[_i].hex);
	struct cbor_value head;

	ck_assert(cbor_next(&ra, &r, &head));
	ck_assert_msg(cbor_skip(&ra, &r, head, 0) == skipped[_i].whole, "%s", skipped[_i].hex);
	if (skipped[_i].whole)
		ck_assert_uint_eq(r.n, skipped[_i].left);
}
END_TEST

START_TEST(counting_down)
{
	struct reader r = over("0102ff05");
	struct cbor_value two = { .kind = CBOR_ARRAY, .n = 2 }, open = { .kind = CBOR_ARRAY, .indefinite = true }, v;
	bool more;

	ck_assert(cbor_more(&r, &two, &more) && more);
	ck_assert(cbor_more(&r, &two, &more) && more);
	ck_assert(cbor_more(&r, &two, &more) && !more);
	ck_assert(cbor_more(&r, &two, &more) && !more);
	ck_assert_uint_eq(r.n, 4);
	/* Up to the break, which is passed; what follows is not. */
	for (uint64_t i = 1; i <= 2; i++) {
		ck_assert(cbor_more(&r, &open, &more) && more);
		ck_assert(cbor_next(&ra, &r, &v));
		ck_assert_uint_eq(v.n, i);
	}
	ck_assert(cbor_more(&r, &open, &more) && !more);
	ck_assert_uint_eq(r.n, 1);
	(void)read_u8(&r);
	ck_assert(!cbor_more(&r, &open, &more));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/cbor_read");
	TCase *c = rails_case(s, "cbor_read");

	tcase_add_loop_test(c, one_item, 0, ARRAY_LEN(items));
	tcase_add_loop_test(c, every_item_cut_off, 0, ARRAY_LEN(items));
	tcase_add_loop_test(c, not_an_item, 0, ARRAY_LEN(broken));
	tcase_add_test(c, no_room_to_join);
	tcase_add_loop_test(c, passed_over, 0, ARRAY_LEN(skipped));
	tcase_add_test(c, counting_down);
	return suite_run(s);
}
