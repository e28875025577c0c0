/* Vectors: tests/vectors/evm/abi.json (encoded by a node's own tools and accepted by the contract).  The calls and answers
 * in it are test_verifier.c's. */
#include "rails/evm/abi.h"

#include <string.h>

#include "rails/evm/keccak.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

START_TEST(bool_results)
{
	json_t *results = json_object_get(vectors_load("evm/abi.json"), "bool_results");
	struct reader yes = reader_of(vec_0x(results, "true")), no = reader_of(vec_0x(results, "false"));

	ck_assert_uint_eq(json_object_size(results), 2);
	ck_assert(abi_read_bool(&yes) && reader_at_end(&yes));
	ck_assert(!abi_read_bool(&no) && reader_at_end(&no));
}
END_TEST

static struct hash32 word(const char *hex)
{
	struct bytes v = evm_hex(hex);
	struct hash32 w = { 0 };

	ck_assert_uint_le(v.n, 32);
	memcpy(w.b + 32 - v.n, v.p, v.n);
	return w;
}

static const struct {
	const char *hex;
	unsigned bits;
	bool fits;
} ranges[] = {
	{ "00", 1, true },
	{ "01", 1, true },
	{ "02", 1, false },
	{ "0100", 1, false },
	{ "ff", 8, true },
	{ "0100", 8, false },
	{ "ffffffff", 32, true },
	{ "0100000000", 32, false },
	{ "ffffffffffffffff", 64, true },
	{ "010000000000000000", 64, false },
	{ "ffffffffffffffffffffffffffffffff", 128, true },
	{ "0100000000000000000000000000000000", 128, false },
	{ "ffffffffffffffffffffffffffffffffffffffff", 160, true },
	{ "010000000000000000000000000000000000000000", 160, false },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 256, true },
	{ "8000000000000000000000000000000000000000000000000000000000000000", 255, false },
	{ "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 255, true },
};

START_TEST(words_have_a_range)
{
	struct hash32 w = word(ranges[_i].hex);
	struct reader r = reader_of((struct bytes){ w.b, sizeof(w.b) });

	ck_assert_int_eq(abi_word_fits(&w, ranges[_i].bits), ranges[_i].fits);
	if (ranges[_i].bits > 64)
		return;
	(void)abi_read_uint(&r, ranges[_i].bits);
	ck_assert_int_eq(reader_at_end(&r), ranges[_i].fits);
}
END_TEST

START_TEST(words_there_and_back)
{
	static const uint64_t numbers[] = { 0, 1, 255, 256, INT64_MAX, UINT64_MAX };
	struct evm_address a = { { 0xff, [19] = 1 } }, b = { { 7 } };
	struct hash32 w = abi_word_address(&a);
	uint64_t v = 7;

	ck_assert(abi_word_to_address(&w, &b));
	ck_assert(evm_address_equal(&a, &b));
	w.b[11] = 1;
	b.b[0] = 9;
	ck_assert(!abi_word_to_address(&w, &b));
	ck_assert_uint_eq(b.b[0], 9);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		w = abi_word_u64(numbers[i]);
		ck_assert(abi_word_to_u64(&w, &v));
		ck_assert_uint_eq(v, numbers[i]);
	}
	w.b[23] = 1;
	ck_assert(!abi_word_to_u64(&w, &v));
	ck_assert_uint_eq(v, UINT64_MAX);
}
END_TEST

START_TEST(bytes_are_padded)
{
	static const size_t sizes[] = { 0, 1, 31, 32, 33, 64, 65 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		SCOPED(buf) struct buf b = BUF_CAP(256);
		uint8_t data[65];
		struct bytes v = { data, sizes[i] };
		struct reader r;

		memset(data, 0xee, sizeof(data));
		abi_bytes(&b, v);
		ck_assert_uint_eq(b.n, abi_bytes_size(v.n));
		ck_assert_uint_eq(b.n % ABI_WORD, 0);
		r = reader_of(buf_bytes(&b));
		ck_bytes(abi_read_bytes(&r), v);
		ck_assert(reader_at_end(&r));
		for (size_t n = 0; n < b.n; n++) {
			r = reader_of((struct bytes){ b.p, n });
			ck_assert_uint_eq(abi_read_bytes(&r).n, 0);
			ck_assert(!reader_ok(&r));
		}
		if (v.n % ABI_WORD == 0)
			continue;
		b.p[b.n - 1] = 1; /* the padding */
		r = reader_of(buf_bytes(&b));
		ck_assert_uint_eq(abi_read_bytes(&r).n, 0);
		ck_assert(!reader_ok(&r));
	}
}
END_TEST

static const char *const lengths[] = {
	"01",
	"ffffffffffffffff",
	"ffffffffffffffe0",
	"010000000000000000",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

START_TEST(lengths_that_lie)
{
	struct hash32 w = word(lengths[_i]);
	struct reader r = reader_of((struct bytes){ w.b, sizeof(w.b) });

	ck_assert_uint_eq(abi_read_bytes(&r).n, 0);
	ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(an_offset_has_one_value)
{
	struct hash32 w = abi_word_u64(64);
	struct reader r = reader_of((struct bytes){ w.b, sizeof(w.b) }), again = r;

	abi_read_offset(&r, 64);
	ck_assert(reader_at_end(&r));
	abi_read_offset(&again, 32);
	ck_assert(!reader_ok(&again));
}
END_TEST

START_TEST(failure_is_sticky_and_zero)
{
	static const uint8_t ones[64] = { [31] = 1, [63] = 1 };
	struct reader r = reader_of((struct bytes){ ones, 63 });
	struct evm_address a;
	struct hash32 w;

	ck_assert(abi_read_bool(&r));
	ck_assert(!abi_read_bool(&r)); /* cut off */
	ck_assert(!reader_ok(&r));
	a = abi_read_address(&r);
	w = abi_read_word(&r);
	ck_assert(evm_address_is_zero(&a));
	ck_assert_uint_eq(abi_read_uint(&r, 64), 0);
	ck_assert(abi_word_fits(&w, 1));
	ck_assert_uint_eq(abi_read_bytes(&r).n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/abi");
	TCase *c = rails_case(s, "abi");

	tcase_add_test(c, bool_results);
	tcase_add_loop_test(c, words_have_a_range, 0, ARRAY_LEN(ranges));
	tcase_add_test(c, words_there_and_back);
	tcase_add_test(c, bytes_are_padded);
	tcase_add_loop_test(c, lengths_that_lie, 0, ARRAY_LEN(lengths));
	tcase_add_test(c, an_offset_has_one_value);
	tcase_add_test(c, failure_is_sticky_and_zero);
	return suite_run(s);
}
