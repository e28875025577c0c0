/* Vectors: tests/vectors/evm/rlp.json (cross-checked with two public implementations). */
#include "rails/evm/rlp.h"

#include <string.h>

#include "tests/support/evm.h"
#include "tests/support/suite.h"

static void encode(struct buf *to, const json_t *item)
{
	SCOPED(buf) struct buf inner = BUF_CAP(1024);
	const json_t *v;
	size_t i;

	if (json_is_string(item)) {
		rlp_bytes(to, evm_hex(json_string_value(item)));
		return;
	}
	json_array_foreach(item, i, v) encode(&inner, v);
	ck_assert(buf_ok(&inner));
	rlp_list(to, buf_bytes(&inner));
}

static void check_decoded(struct reader *r, const json_t *item)
{
	struct reader items;
	const json_t *v;
	size_t i;

	if (json_is_string(item)) {
		ck_bytes(rlp_read_bytes(r), evm_hex(json_string_value(item)));
		return;
	}
	items = rlp_read_list(r);
	json_array_foreach(item, i, v) check_decoded(&items, v);
	ck_assert(reader_at_end(&items));
}

START_TEST(vectors)
{
	json_t *list = json_object_get(vectors_load("evm/rlp.json"), "vectors"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 14);
	json_array_foreach(list, i, v)
	{
		SCOPED(buf) struct buf b = BUF_CAP(1024);
		struct bytes want = vec_0x(v, "rlp");
		struct reader r = reader_of(want);

		encode(&b, json_object_get(v, "item"));
		ck_bytes(buf_bytes(&b), want);
		ck_assert(rlp_is_one(want));
		check_decoded(&r, json_object_get(v, "item"));
		ck_assert(reader_at_end(&r));
		for (size_t n = 0; n < want.n; n++)
			ck_assert(!rlp_is_one((struct bytes){ want.p, n }));
	}
}
END_TEST

static const struct {
	uint64_t v;
	const char *rlp;
} integers[] = {
	{ 0, "80" },
	{ 1, "01" },
	{ 127, "7f" },
	{ 128, "8180" },
	{ 255, "81ff" },
	{ 256, "820100" },
	{ 65535, "82ffff" },
	{ 65536, "83010000" },
	{ UINT64_C(1) << 56, "880100000000000000" },
	{ UINT64_MAX, "88ffffffffffffffff" },
};

START_TEST(whole_numbers)
{
	SCOPED(buf) struct buf b = BUF_CAP(64);
	struct bytes want = evm_hex(integers[_i].rlp);
	struct reader r = reader_of(want);
	uint8_t be[32] = { 0 };

	rlp_u64(&b, integers[_i].v);
	ck_bytes(buf_bytes(&b), want);
	for (int i = 0; i < 8; i++)
		be[31 - i] = (uint8_t)(integers[_i].v >> (8 * i));
	buf_reset(&b);
	rlp_integer(&b, (struct bytes){ be, sizeof(be) });
	ck_bytes(buf_bytes(&b), want);
	ck_assert_uint_eq(rlp_read_u64(&r), integers[_i].v);
	ck_assert(reader_at_end(&r));
	r = reader_of(want);
	memset(be, 0x55, sizeof(be));
	rlp_read_integer(&r, be, sizeof(be));
	ck_assert(reader_at_end(&r));
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(be[31 - i], (uint8_t)(integers[_i].v >> (8 * i)));
	for (int i = 0; i < 24; i++)
		ck_assert_uint_eq(be[i], 0);
}
END_TEST

/* Not the form that an encoder would have chosen, or not whole. */
static const char *const refused[] = {
	"",
	"8100", /* bytes below 0x80 are themselves */
	"817f",
	"b801ff", /* a long form with a short length */
	"b83700",
	"b90038", /* a length that begins with a zero */
	"b8",
	"bf",
	"bfffffffffffffffffff",
	"f800",
	"f837",
	"f90038",
	"ffffffffffffffffffff",
	"82ff",
	"c1",
	"c28101", /* inside a list */
	"c2b800",
	"c1c1",
	"c282ff",
	"0000", /* two items */
	"c0c0",
};

START_TEST(not_canonical)
{
	struct bytes v = evm_hex(refused[_i]);

	ck_assert(!rlp_is_one(v));
}
END_TEST

static const char *const no_number[] = { "00", "820001", "89010000000000000000", "c0", "" };

START_TEST(not_a_number)
{
	struct bytes v = evm_hex(no_number[_i]);
	struct reader r = reader_of(v);

	ck_assert_uint_eq(rlp_read_u64(&r), 0);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(lengths_at_every_border)
{
	static const size_t sizes[] = { 0, 1, 2, 54, 55, 56, 57, 254, 255, 256, 257, 65535, 65536 };
	uint8_t *zeros = arena_alloc(&ra, 65536);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (int list = 0; list < 2; list++) {
			SCOPED(buf) struct buf b = BUF_CAP(70000);
			struct bytes v = { zeros, sizes[i] };
			struct reader r;
			struct rlp_item item;

			if (list)
				rlp_list(&b, v);
			else
				rlp_bytes(&b, v);
			r = reader_of(buf_bytes(&b));
			item = rlp_read(&r);
			ck_assert(reader_at_end(&r));
			ck_assert_int_eq(item.is_list, list);
			ck_bytes(item.v, v);
			ck_assert(rlp_is_one(buf_bytes(&b)));
		}
}
END_TEST

static struct bytes nested(unsigned lists)
{
	uint8_t *p = arena_alloc(&ra, lists);

	for (unsigned i = 0; i < lists; i++)
		p[i] = (uint8_t)(0xc0 + lists - 1 - i);
	return (struct bytes){ p, lists };
}

START_TEST(depth_has_a_limit)
{
	ck_assert(rlp_is_one(nested(RLP_DEPTH_MAX)));
	ck_assert(!rlp_is_one(nested(RLP_DEPTH_MAX + 1)));
	ck_assert(!rlp_is_one(nested(50)));
}
END_TEST

START_TEST(kinds_are_not_mixed_up)
{
	struct bytes list = evm_hex("c0"), string = evm_hex("80");
	struct reader r = reader_of(list), items;

	(void)rlp_read_bytes(&r);
	ck_assert(!reader_ok(&r));
	r = reader_of(string);
	items = rlp_read_list(&r);
	ck_assert(!reader_ok(&r));
	ck_assert(!reader_at_end(&items));
}
END_TEST

START_TEST(a_full_buffer_says_so)
{
	SCOPED(buf) struct buf b = BUF_CAP(3);

	rlp_bytes(&b, bytes_of("dog"));
	ck_assert(!buf_ok(&b));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/rlp");
	TCase *c = rails_case(s, "rlp");

	tcase_add_test(c, vectors);
	tcase_add_loop_test(c, whole_numbers, 0, ARRAY_LEN(integers));
	tcase_add_loop_test(c, not_canonical, 0, ARRAY_LEN(refused));
	tcase_add_loop_test(c, not_a_number, 0, ARRAY_LEN(no_number));
	tcase_add_test(c, lengths_at_every_border);
	tcase_add_test(c, depth_has_a_limit);
	tcase_add_test(c, kinds_are_not_mixed_up);
	tcase_add_test(c, a_full_buffer_says_so);
	return suite_run(s);
}
