#include "base/reader.h"

#include <string.h>

#include "tests/support/suite.h"

static const uint8_t input[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0xff };

static struct reader reader_of_first(size_t n)
{
	return reader_of((struct bytes){ .p = input, .n = n });
}

START_TEST(fields_come_in_order)
{
	struct reader r = reader_of_first(sizeof(input));

	ck_assert_uint_eq(read_u8(&r), 1);
	ck_assert_uint_eq(read_be16(&r), 0x0203);
	ck_assert_uint_eq(read_be32(&r), 0x04050607);
	ck_assert_uint_eq(read_be64(&r), 0x08090a0b0c0d0e0f);
	ck_assert_uint_eq(r.n, 4);
	ck_assert_uint_eq(read_le32(&r), 0xff121110);
	ck_assert(reader_ok(&r));
	ck_assert(reader_at_end(&r));
}
END_TEST

START_TEST(little_endian_fields)
{
	struct reader r = reader_of_first(14);

	ck_assert_uint_eq(read_le16(&r), 0x0201);
	ck_assert_uint_eq(read_le32(&r), 0x06050403);
	ck_assert_uint_eq(read_le64(&r), 0x0e0d0c0b0a090807);
	ck_assert(reader_at_end(&r));
	ck_assert_uint_eq(read_le16(&r), 0);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(views_and_copies_share_the_cursor)
{
	struct reader r = reader_of_first(6);
	uint8_t copy[3];
	struct bytes v = read_bytes(&r, 2);

	ck_assert_ptr_eq(v.p, input);
	ck_assert_uint_eq(v.n, 2);
	read_copy(&r, copy, sizeof(copy));
	ck_assert_int_eq(memcmp(copy, input + 2, 3), 0);
	ck_assert(reader_ok(&r));
	ck_assert(!reader_at_end(&r));
	v = read_bytes(&r, 0);
	ck_assert_uint_eq(v.n, 0);
	ck_assert_uint_eq(read_u8(&r), 6);
	ck_assert(reader_at_end(&r));
}
END_TEST

static uint64_t any_u8(struct reader *r)
{
	return read_u8(r);
}

static uint64_t any_be16(struct reader *r)
{
	return read_be16(r);
}

static uint64_t any_be32(struct reader *r)
{
	return read_be32(r);
}

static uint64_t any_le32(struct reader *r)
{
	return read_le32(r);
}

static const struct {
	uint64_t (*read)(struct reader *r);
	size_t n;
} kinds[] = { { any_u8, 1 }, { any_be16, 2 }, { any_be32, 4 }, { any_le32, 4 }, { read_be64, 8 } };

START_TEST(integer_cut_short_is_zero_and_sticks)
{
	for (size_t n = 0; n < kinds[_i].n; n++) {
		struct reader r = reader_of_first(n);

		ck_assert_uint_eq(kinds[_i].read(&r), 0);
		ck_assert(!reader_ok(&r));
		ck_assert(!reader_at_end(&r));
		ck_assert_uint_eq(r.n, 0);
		ck_assert_uint_eq(kinds[_i].read(&r), 0);
	}
}
END_TEST

START_TEST(after_a_failure_nothing_is_read)
{
	struct reader r = reader_of_first(4);
	uint8_t copy[2] = { 0xaa, 0xaa };
	struct bytes v = read_bytes(&r, 5);

	ck_assert_ptr_null(v.p);
	ck_assert_uint_eq(v.n, 0);
	ck_assert_uint_eq(read_u8(&r), 0); /* there was a byte */
	read_copy(&r, copy, sizeof(copy));
	ck_assert_uint_eq(copy[0], 0);
	ck_assert_uint_eq(copy[1], 0);
	v = read_bytes(&r, 0);
	ck_assert_ptr_null(v.p);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(huge_lengths_fail)
{
	struct reader r = reader_of_first(4);

	(void)read_bytes(&r, SIZE_MAX);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(empty_input_is_at_its_end)
{
	struct reader r = reader_of((struct bytes){ 0 });

	ck_assert(reader_at_end(&r));
	read_copy(&r, NULL, 0);
	ck_assert(reader_at_end(&r));
	reader_fail(&r);
	ck_assert(!reader_ok(&r));
	ck_assert(!reader_at_end(&r));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/reader");
	TCase *t = tcase_create("reading");

	tcase_add_test(t, fields_come_in_order);
	tcase_add_test(t, little_endian_fields);
	tcase_add_test(t, views_and_copies_share_the_cursor);
	tcase_add_loop_test(t, integer_cut_short_is_zero_and_sticks, 0, ARRAY_LEN(kinds));
	tcase_add_test(t, after_a_failure_nothing_is_read);
	tcase_add_test(t, huge_lengths_fail);
	tcase_add_test(t, empty_input_is_at_its_end);
	suite_add_tcase(s, t);
	return suite_run(s);
}
