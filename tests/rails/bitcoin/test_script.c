/* Vectors: tests/vectors/onchain/bip433-p2a.json (BIP433's own). */
#include "rails/bitcoin/script.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct bytes from_hex(const char *text)
{
	struct bytes v;

	ck_assert_msg(hex_decode_any(&ra, text, 65536, &v), "%s", text);
	return v;
}

static const struct {
	int64_t v;
	const char *hex;
} numbers[] = {
	{ 0, "00" },
	{ 1, "51" },
	{ 16, "60" },
	{ 17, "0111" },
	{ -1, "4f" },
	{ -2, "0182" },
	{ 127, "017f" },
	{ 128, "028000" },
	{ -127, "01ff" },
	{ -128, "028080" },
	{ 255, "02ff00" },
	{ 256, "020001" },
	{ 144, "029000" },
	{ 500000000, "040065cd1d" },
	{ 0x7fffffff, "04ffffff7f" },
	{ 0x80000000, "050000008000" },
	{ 0xffffffff, "05ffffffff00" },
	{ INT64_MAX, "08ffffffffffffff7f" },
};

START_TEST(numbers_are_pushed_shortly)
{
	SCOPED(buf) struct buf b = BUF_CAP(10);
	struct script_reader r;
	struct script_item item;
	int64_t back;

	script_push_number(&b, numbers[_i].v);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), numbers[_i].hex);
	r = script_reader_of(buf_bytes(&b));
	ck_assert(script_next(&r, &item));
	ck_assert(item.minimal);
	ck_assert(script_item_number(&item, 8, &back));
	ck_assert_int_eq(back, numbers[_i].v);
	ck_assert(!script_next(&r, &item) && !r.failed);
}
END_TEST

START_TEST(the_smallest_number)
{
	SCOPED(buf) struct buf b = BUF_CAP(10);

	script_push_number(&b, INT64_MIN);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "09000000000000008080");
}
END_TEST

static const struct {
	const char *hex;
	size_t max;
} no_numbers[] = {
	{ "0100", 4 },
	{ "0180", 4 },
	{ "020100", 4 },
	{ "028000", 1 },
	{ "050000008000", 4 },
	{ "0101", 4 },
	/* OP_1 would do */ { "4c0111", 4 },
	{ "ac", 4 },
	{ "50", 4 },
};

START_TEST(what_is_no_number)
{
	struct script_reader r = script_reader_of(from_hex(no_numbers[_i].hex));
	struct script_item item;
	int64_t v = 42;

	ck_assert(script_next(&r, &item));
	ck_assert(!script_item_number(&item, no_numbers[_i].max, &v));
	ck_assert_int_eq(v, 42);
}
END_TEST

static const struct {
	size_t n;
	const char *head;
} pushes[] = {
	{ 1, "01" },       { 75, "4b" },        { 76, "4c4c" },          { 255, "4cff" },
	{ 256, "4d0001" }, { 65535, "4dffff" }, { 65536, "4e00000100" },
};

START_TEST(data_is_pushed_shortly)
{
	SCOPED(buf) struct buf b = BUF_CAP(70000);
	uint8_t *data = arena_alloc(&ra, pushes[_i].n);
	struct bytes head = from_hex(pushes[_i].head);
	struct script_reader r;
	struct script_item item;

	memset(data, 0xee, pushes[_i].n);
	script_push(&b, (struct bytes){ data, pushes[_i].n });
	ck_assert_uint_eq(b.n, head.n + pushes[_i].n);
	ck_assert_mem_eq(b.p, head.p, head.n);
	r = script_reader_of(buf_bytes(&b));
	ck_assert(script_next(&r, &item));
	ck_assert(item.minimal);
	ck_assert(bytes_equal(item.data, (struct bytes){ data, pushes[_i].n }));
	/* Cut anywhere, it fails and gives nothing. */
	r = script_reader_of((struct bytes){ b.p, b.n - 1 });
	ck_assert(!script_next(&r, &item) && r.failed);
	ck_assert(!script_next(&r, &item) && r.failed);
	r = script_reader_of((struct bytes){ b.p, 1 });
	ck_assert(!script_next(&r, &item) && r.failed);
}
END_TEST

static const struct {
	const char *hex;
	bool minimal;
} forms[] = {
	{ "4c00", false }, { "4c0117", false }, { "4d4c00", false }, { "0105", false }, { "0181", false },
	{ "0110", false }, { "0111", true },    { "0100", true },    { "00", true },    { "ac", true },
};

START_TEST(shorter_forms_are_known)
{
	char padded[200];
	struct script_reader r;
	struct script_item item;

	/* enough bytes behind for every push */
	snprintf(padded, sizeof(padded), "%s%0160d", forms[_i].hex, 0);
	r = script_reader_of(from_hex(padded));
	ck_assert(script_next(&r, &item));
	ck_assert(item.minimal == forms[_i].minimal);
}
END_TEST

static const struct {
	const char *hex;
	bool only;
} push_only[] = {
	{ "", true },        { "00", true },  { "0111", true }, { "60", true }, { "61", false },
	{ "01ac", true },    { "ac", false }, { "01", false },  { "50", true }, /* OP_RESERVED counts, as in Core */
	{ "4d0100", false },
};

START_TEST(nothing_but_pushes)
{
	ck_assert(script_push_only(from_hex(push_only[_i].hex)) == push_only[_i].only);
}
END_TEST

#define H20 "751e76e8199196d454941c45d1b3a323f1433bd6"
#define H32 "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static const struct {
	const char *hex;
	enum spk_type type;
	const char *part, *name;
} types[] = {
	{ "76a914" H20 "88ac", SPK_P2PKH, H20, "pubkeyhash" },
	{ "a914" H20 "87", SPK_P2SH, H20, "scripthash" },
	{ "0014" H20, SPK_P2WPKH, H20, "witness_v0_keyhash" },
	{ "0020" H32, SPK_P2WSH, H32, "witness_v0_scripthash" },
	{ "5120" H32, SPK_P2TR, H32, "witness_v1_taproot" },
	{ "51024e73", SPK_P2A, "4e73", "anchor" },
	{ "51024e74", SPK_WITNESS_UNKNOWN, "4e74", "witness_unknown" },
	{ "5114" H20, SPK_WITNESS_UNKNOWN, H20, "witness_unknown" },
	{ "6002751e", SPK_WITNESS_UNKNOWN, "751e", "witness_unknown" },
	{ "5220" H32, SPK_WITNESS_UNKNOWN, H32, "witness_unknown" },
	{ "5128" H20 H20, SPK_WITNESS_UNKNOWN, H20 H20, "witness_unknown" },
	{ "5129" H20 H20 "00", SPK_OTHER, "", "nonstandard" },
	{ "510175", SPK_OTHER, "", "nonstandard" },
	{ "0010751e76e8199196d454941c45d1b3a323", SPK_OTHER, "", "nonstandard" },
	{ "0021" H32 "00", SPK_OTHER, "", "nonstandard" },
	{ "5121" H32, SPK_OTHER, "", "nonstandard" },
	{ "6102751e", SPK_OTHER, "", "nonstandard" },
	{ "4f02751e", SPK_OTHER, "", "nonstandard" },
	{ "6a", SPK_OP_RETURN, "", "nulldata" },
	{ "6a0411223344", SPK_OP_RETURN, "", "nulldata" },
	{ "21"
	  "02" H32 "ac",
	  SPK_OTHER, "", "nonstandard" },
	{ "76a914" H20 "88ad", SPK_OTHER, "", "nonstandard" },
	{ "76a914" H20 "88ac00", SPK_OTHER, "", "nonstandard" },
	{ "a914" H20 "88", SPK_OTHER, "", "nonstandard" },
	{ "", SPK_OTHER, "", "nonstandard" },
	{ "51", SPK_OTHER, "", "nonstandard" },
};

START_TEST(what_an_output_script_is)
{
	struct bytes part, script = from_hex(types[_i].hex), program;
	enum spk_type type = spk_classify(script, &part);
	int version;

	ck_assert_int_eq(type, types[_i].type);
	ck_assert_int_eq(spk_classify(script, NULL), types[_i].type);
	ck_assert_str_eq(spk_type_name(type), types[_i].name);
	ck_assert_str_eq(hex_text(&ra, part), types[_i].part);
	ck_assert(spk_is_unspendable(script) == (type == SPK_OP_RETURN));
	/* Built of its parts again, it is the same. */
	version = spk_witness_version(script, &program);
	if (version >= 0 && type != SPK_OTHER) {
		struct spk s;

		ck_assert(spk_witness((unsigned)version, program, &s));
		ck_assert(bytes_equal(spk_bytes(&s), script));
	}
}
END_TEST

START_TEST(made_of_keys_and_hashes)
{
	struct pubkey generator;
	struct bytes key;
	struct spk s;
	uint8_t hash[20];

	hex_to("02" H32, generator.b, sizeof(generator.b));
	s = spk_p2wpkh(&generator);
	ck_assert_str_eq(hex_text(&ra, spk_bytes(&s)), "0014" H20); /* BIP173's example */
	key = from_hex("2102" H32 "ac");
	s = spk_p2wsh(key);
	ck_assert_str_eq(hex_text(&ra, spk_bytes(&s)),
			 "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262");
	s = spk_p2tr(&(struct xonly){ { 7 } });
	ck_assert_uint_eq(s.n, 34);
	ck_assert_int_eq(spk_classify(spk_bytes(&s), NULL), SPK_P2TR);
	hex_to(H20, hash, sizeof(hash));
	s = spk_p2pkh(hash);
	ck_assert_str_eq(hex_text(&ra, spk_bytes(&s)), "76a914" H20 "88ac");
	s = spk_p2sh(hash);
	ck_assert_str_eq(hex_text(&ra, spk_bytes(&s)), "a914" H20 "87");
	ck_assert(!spk_equal(&s, &(struct spk){ 0 }));
	ck_assert(spk_equal(&s, &s));
}
END_TEST

START_TEST(pay_to_anchor)
{
	json_t *v = vectors_load("onchain/bip433-p2a.json");
	struct spk s = spk_p2a();

	ck_assert_str_eq(hex_text(&ra, spk_bytes(&s)), vec_str(v, "script_pubkey"));
}
END_TEST

START_TEST(programs_that_are_none)
{
	uint8_t raw[41] = { 0 };
	struct spk s = { .n = 42 };

	ck_assert(!spk_witness(17, (struct bytes){ raw, 32 }, &s));
	ck_assert(!spk_witness(1, (struct bytes){ raw, 1 }, &s));
	ck_assert(!spk_witness(1, (struct bytes){ raw, 41 }, &s));
	ck_assert(!spk_witness(0, (struct bytes){ raw, 21 }, &s));
	ck_assert_uint_eq(s.n, 42);
	ck_assert(spk_witness(16, (struct bytes){ raw, 40 }, &s));
}
END_TEST

START_TEST(op_return)
{
	SCOPED(buf) struct buf b = BUF_CAP(100);

	script_op_return(&b, bytes_of("hello"));
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "6a0568656c6c6f");
	ck_assert(spk_is_unspendable((struct bytes){ arena_alloc(&ra, 10001), 10001 }));
	ck_assert(!spk_is_unspendable((struct bytes){ arena_alloc(&ra, 10000), 10000 }));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/script");
	TCase *c = rails_case(s, "script");

	tcase_add_loop_test(c, numbers_are_pushed_shortly, 0, ARRAY_LEN(numbers));
	tcase_add_test(c, the_smallest_number);
	tcase_add_loop_test(c, what_is_no_number, 0, ARRAY_LEN(no_numbers));
	tcase_add_loop_test(c, data_is_pushed_shortly, 0, ARRAY_LEN(pushes));
	tcase_add_loop_test(c, shorter_forms_are_known, 0, ARRAY_LEN(forms));
	tcase_add_loop_test(c, nothing_but_pushes, 0, ARRAY_LEN(push_only));
	tcase_add_loop_test(c, what_an_output_script_is, 0, ARRAY_LEN(types));
	tcase_add_test(c, made_of_keys_and_hashes);
	tcase_add_test(c, pay_to_anchor);
	tcase_add_test(c, programs_that_are_none);
	tcase_add_test(c, op_return);
	return suite_run(s);
}
