#include "rails/bitcoin/compact.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	uint64_t v;
	const char *hex;
} numbers[] = {
	{ 0, "00" },
	{ 1, "01" },
	{ 0xfc, "fc" },
	{ 0xfd, "fdfd00" },
	{ 0xff, "fdff00" },
	{ 0xffff, "fdffff" },
	{ 0x10000, "fe00000100" },
	{ 0xffffffff, "feffffffff" },
	{ UINT64_C(0x100000000), "ff0000000001000000" },
	{ UINT64_MAX, "ffffffffffffffffff" },
};

START_TEST(written_and_read)
{
	SCOPED(buf) struct buf b = BUF_CAP(9);
	uint8_t want[9];
	struct reader r;

	hex_to(numbers[_i].hex, want, compact_len(numbers[_i].v));
	buf_compact(&b, numbers[_i].v);
	ck_assert(bytes_equal(buf_bytes(&b), (struct bytes){ want, compact_len(numbers[_i].v) }));
	r = reader_of(buf_bytes(&b));
	ck_assert_uint_eq(read_compact(&r), numbers[_i].v);
	ck_assert(reader_at_end(&r));
	/* One byte less is no number. */
	r = reader_of((struct bytes){ b.p, b.n - 1 });
	ck_assert_uint_eq(read_compact(&r), 0);
	ck_assert(!reader_ok(&r));
}
END_TEST

static const char *const long_forms[] = {
	"fd0000", "fdfc00", "fe00000000", "feffff0000", "ff0000000000000000", "ffffffffff00000000",
};

START_TEST(longer_than_need_be)
{
	uint8_t raw[9];
	size_t n = strlen(long_forms[_i]) / 2;
	struct reader r = reader_of((struct bytes){ raw, n });

	hex_to(long_forms[_i], raw, n);
	ck_assert_uint_eq(read_compact(&r), 0);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(counts_that_cannot_be)
{
	static const uint8_t three[] = { 3, 1, 2, 3, 4, 5, 6 },
			     huge[] = { 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1 };
	struct reader r = reader_of((struct bytes){ three, sizeof(three) });

	ck_assert_uint_eq(read_compact_count(&r, 2), 3);
	ck_assert(reader_ok(&r));
	r = reader_of((struct bytes){ three, sizeof(three) });
	ck_assert_uint_eq(read_compact_count(&r, 3), 0);
	ck_assert(!reader_ok(&r));
	r = reader_of((struct bytes){ huge, sizeof(huge) });
	ck_assert_uint_eq(read_compact_count(&r, 1), 0);
	ck_assert(!reader_ok(&r));
	r = reader_of((struct bytes){ huge, sizeof(huge) });
	ck_assert_uint_eq(read_compact_bytes(&r).n, 0);
	ck_assert(!reader_ok(&r));
	r = reader_of((struct bytes){ three, sizeof(three) });
	ck_assert(bytes_equal(read_compact_bytes(&r), (struct bytes){ three + 1, 3 }));
	ck_assert_uint_eq(r.n, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/compact");
	TCase *c = rails_case(s, "compact");

	tcase_add_loop_test(c, written_and_read, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(c, longer_than_need_be, 0, ARRAY_LEN(long_forms));
	tcase_add_test(c, counts_that_cannot_be);
	return suite_run(s);
}
