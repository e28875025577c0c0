#include "rails/bitcoin/timelock.h"

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	uint32_t sequence;
	enum relative_unit unit;
	uint16_t n;
	bool replaceable;
} sequences[] = {
	{ 0, RELATIVE_BLOCKS, 0, true },
	{ 144, RELATIVE_BLOCKS, 144, true },
	{ 0xffff, RELATIVE_BLOCKS, 0xffff, true },
	{ 0x10090, RELATIVE_BLOCKS, 0x90, true }, /* bits that mean nothing */
	{ 0x400001, RELATIVE_512_SECONDS, 1, true },
	{ 0x40ffff, RELATIVE_512_SECONDS, 0xffff, true },
	{ 0x80000000, RELATIVE_NONE, 42, true },
	{ 0x80000090, RELATIVE_NONE, 42, true },
	{ SEQUENCE_REPLACE, RELATIVE_NONE, 42, true },
	{ SEQUENCE_LOCKED, RELATIVE_NONE, 42, false },
	{ SEQUENCE_FINAL, RELATIVE_NONE, 42, false },
};

START_TEST(what_a_sequence_means)
{
	uint16_t n = 42;

	ck_assert_int_eq(sequence_relative(sequences[_i].sequence, &n), sequences[_i].unit);
	ck_assert_uint_eq(n, sequences[_i].n);
	ck_assert(sequence_signals_replacement(sequences[_i].sequence) == sequences[_i].replaceable);
}
END_TEST

START_TEST(made_of_blocks_and_seconds)
{
	uint32_t s = 42;

	ck_assert_uint_eq(sequence_blocks(2016), 2016);
	ck_assert(sequence_seconds_ceil(0, &s));
	ck_assert_uint_eq(s, 0x400000);
	ck_assert(sequence_seconds_ceil(1, &s));
	ck_assert_uint_eq(s, 0x400001);
	ck_assert(sequence_seconds_ceil(512, &s));
	ck_assert_uint_eq(s, 0x400001);
	ck_assert(sequence_seconds_ceil(513, &s));
	ck_assert_uint_eq(s, 0x400002);
	ck_assert(sequence_seconds_ceil(65535u * 512, &s));
	ck_assert_uint_eq(s, 0x40ffff);
	ck_assert(!sequence_seconds_ceil(65535u * 512 + 1, &s));
	ck_assert(!sequence_seconds_ceil(UINT32_MAX, &s));
	ck_assert_uint_eq(s, 0x40ffff);
}
END_TEST

START_TEST(clauses)
{
	SCOPED(buf) struct buf b = BUF_CAP(100);

	script_csv(&b, 144);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "029000b275");
	buf_reset(&b);
	script_csv(&b, 16);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "60b275");
	buf_reset(&b);
	script_cltv(&b, LOCKTIME_THRESHOLD);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "040065cd1db175");
	buf_reset(&b);
	script_cltv(&b, UINT32_MAX); /* not negative */
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "05ffffffff00b175");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/timelock");
	TCase *c = rails_case(s, "timelock");

	tcase_add_loop_test(c, what_a_sequence_means, 0, ARRAY_LEN(sequences));
	tcase_add_test(c, made_of_blocks_and_seconds);
	tcase_add_test(c, clauses);
	return suite_run(s);
}
