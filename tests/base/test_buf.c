#include "base/buf.h"

#include <string.h>

#include "tests/support/suite.h"

START_TEST(views_compare_by_length_and_content)
{
	struct bytes none = { 0 };

	ck_assert(bytes_equal(bytes_of("abc"), bytes_of("abc")));
	ck_assert(!bytes_equal(bytes_of("abc"), bytes_of("abd")));
	ck_assert(!bytes_equal(bytes_of("abc"), bytes_of("ab")));
	ck_assert(!bytes_equal(bytes_of("ab"), bytes_of("abc")));
	ck_assert(bytes_equal(none, bytes_of("")));
	ck_assert(bytes_equal(none, none));
	ck_assert_uint_eq(bytes_of("abc").n, 3);
}
END_TEST

START_TEST(integers_are_written_in_their_byte_order)
{
	static const uint8_t want[] = { 0xab, 4, 3,    2, 1, 1,    2, 3, 4, 1, 2, 3, 4, 5,
					6,    7, 0x88, 2, 1, 0x88, 7, 6, 5, 4, 3, 2, 1 };
	SCOPED(buf) struct buf b = BUF_CAP(100);

	buf_u8(&b, 0xab);
	buf_le32(&b, 0x01020304);
	buf_be32(&b, 0x01020304);
	buf_be64(&b, 0x0102030405060788);
	buf_le16(&b, 0x0102);
	buf_le64(&b, 0x0102030405060788);
	ck_assert(buf_ok(&b));
	ck_assert(bytes_equal(buf_bytes(&b), (struct bytes){ want, sizeof(want) }));
}
END_TEST

START_TEST(empty_buffer_is_text_and_bytes)
{
	SCOPED(buf) struct buf b = BUF_CAP(4);

	ck_assert_str_eq(buf_text(&b), "");
	ck_assert_uint_eq(buf_bytes(&b).n, 0);
	ck_assert(buf_ok(&b));
	buf_add(&b, NULL, 0);
	buf_add_bytes(&b, (struct bytes){ 0 });
	buf_text_add(&b, "");
	ck_assert(buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "");
}
END_TEST

START_TEST(contents_end_with_nul_at_every_length)
{
	SCOPED(buf) struct buf b = BUF_CAP(1000);

	for (size_t i = 1; i <= 1000; i++) {
		buf_u8(&b, 'x');
		ck_assert_uint_eq(b.n, i);
		ck_assert_uint_eq(b.p[i], 0);
	}
	ck_assert(buf_ok(&b));
	buf_u8(&b, 'x');
	ck_assert(!buf_ok(&b));
}
END_TEST

START_TEST(append_past_the_cap_changes_nothing_and_sticks)
{
	SCOPED(buf) struct buf b = BUF_CAP(5);

	buf_text_add(&b, "abcd");
	buf_text_add(&b, "ef");
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "abcd");
	buf_text_add(&b, "e"); /* would fit, but the text would have a hole */
	buf_printf(&b, "e");
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "abcd");
	buf_reset(&b);
	ck_assert(buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "");
	buf_text_add(&b, "abcde");
	ck_assert(buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "abcde");
}
END_TEST

START_TEST(sizes_cannot_overflow)
{
	SCOPED(buf) struct buf b = BUF_CAP(SIZE_MAX);

	buf_u8(&b, 'x');
	buf_add(&b, "", SIZE_MAX);
	ck_assert(!buf_ok(&b));
	buf_reset(&b);
	buf_u8(&b, 'x');
	buf_add(&b, "", SIZE_MAX - 1); /* contents alone would fit a size_t, their NUL would not */
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "x");
}
END_TEST

START_TEST(cap_of_nothing_takes_nothing)
{
	SCOPED(buf) struct buf b = { 0 };

	buf_text_add(&b, "");
	ck_assert(buf_ok(&b));
	buf_u8(&b, 0);
	ck_assert(!buf_ok(&b));
}
END_TEST

START_TEST(printf_fits_grows_and_fails_whole)
{
	SCOPED(buf) struct buf b = BUF_CAP(300);

	buf_printf(&b, "%s-%d", "a", 5);
	ck_assert_str_eq(buf_text(&b), "a-5");
	buf_printf(&b, "%0250d", 1); /* longer than the first allocation */
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(b.n, 253);
	ck_assert_uint_eq(strlen(buf_text(&b)), 253);
	buf_printf(&b, "%048d", 1); /* one too many */
	ck_assert(!buf_ok(&b));
	ck_assert_uint_eq(b.n, 253);
	ck_assert_uint_eq(strlen(buf_text(&b)), 253);
}
END_TEST

START_TEST(printf_fills_to_the_brim)
{
	SCOPED(buf) struct buf b = BUF_CAP(300);

	buf_printf(&b, "%0300d", 1);
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(b.n, 300);
	buf_printf(&b, "%s", "");
	ck_assert(buf_ok(&b));
}
END_TEST

START_TEST(secret_buffer_grows_and_wipes)
{
	SCOPED(buf) struct buf b = BUF_SECRET(5000);
	const uint8_t *seen;
	size_t size;

	for (int i = 0; i < 500; i++)
		buf_text_add(&b, "0123456789");
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(b.n, 5000);
	ck_assert_int_eq(memcmp(b.p + 4990, "0123456789", 11), 0);
	seen = b.p;
	size = b.size;
	buf_reset(&b);
	for (size_t i = 0; i < size; i++)
		ck_assert_uint_eq(seen[i], 0);
}
END_TEST

START_TEST(secret_buffer_wipes_a_print_that_failed)
{
	SCOPED(buf) struct buf b = BUF_SECRET(20);

	buf_printf(&b, "%s", "this text does not fit twenty bytes");
	ck_assert(!buf_ok(&b));
	ck_assert_uint_eq(b.n, 0);
	buf_reset(&b);
	for (size_t i = 0; i < b.size; i++)
		ck_assert_uint_eq(b.p[i], 0);
}
END_TEST

START_TEST(done_buffer_may_be_used_again)
{
	SCOPED(buf) struct buf b = BUF_CAP(3);

	buf_text_add(&b, "abcd");
	buf_done(&b);
	buf_done(&b);
	ck_assert(buf_ok(&b));
	ck_assert_str_eq(buf_text(&b), "");
	buf_text_add(&b, "abc");
	ck_assert_str_eq(buf_text(&b), "abc");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/buf");
	TCase *t = tcase_create("buffers");

	tcase_add_test(t, views_compare_by_length_and_content);
	tcase_add_test(t, integers_are_written_in_their_byte_order);
	tcase_add_test(t, empty_buffer_is_text_and_bytes);
	tcase_add_test(t, contents_end_with_nul_at_every_length);
	tcase_add_test(t, append_past_the_cap_changes_nothing_and_sticks);
	tcase_add_test(t, sizes_cannot_overflow);
	tcase_add_test(t, cap_of_nothing_takes_nothing);
	tcase_add_test(t, printf_fits_grows_and_fails_whole);
	tcase_add_test(t, printf_fills_to_the_brim);
	tcase_add_test(t, secret_buffer_grows_and_wipes);
	tcase_add_test(t, secret_buffer_wipes_a_print_that_failed);
	tcase_add_test(t, done_buffer_may_be_used_again);
	suite_add_tcase(s, t);
	return suite_run(s);
}
