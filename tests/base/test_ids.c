#include "base/ids.h"

#include <string.h>

#include "base/rng.h"
#include "tests/support/suite.h"

START_TEST(public_keys_compare_to_the_last_byte)
{
	struct pubkey a = { { 2, 1 } }, b = a;

	ck_assert(pubkey_equal(&a, &b));
	b.b[32] = 1;
	ck_assert(!pubkey_equal(&a, &b));
	b = a;
	b.b[0] = 3;
	ck_assert(!pubkey_equal(&a, &b));
}
END_TEST

START_TEST(hashes_compare_to_the_last_byte)
{
	struct hash32 a = { { 1 } }, b = a;

	ck_assert(hash32_equal(&a, &b));
	b.b[31] = 1;
	ck_assert(!hash32_equal(&a, &b));
	b = a;
	b.b[0] = 0;
	ck_assert(!hash32_equal(&a, &b));
}
END_TEST

START_TEST(addresses_compare_to_the_last_byte)
{
	struct evm_address a = { { 1 } }, b = a, zero = { { 0 } };

	ck_assert(evm_address_equal(&a, &b));
	b.b[19] = 1;
	ck_assert(!evm_address_equal(&a, &b));
	ck_assert(evm_address_is_zero(&zero));
	ck_assert(!evm_address_is_zero(&a));
	zero.b[19] = 1;
	ck_assert(!evm_address_is_zero(&zero));
}
END_TEST

#define CHARS_63 "123456789012345678901234567890123456789012345678901234567890abc"

static const struct {
	const char *text;
	bool ok;
} ids[] = {
	{ "a", true },      { "issue:m.example:Quote_1-2", true },
	{ CHARS_63, true }, { CHARS_63 "d", false },
	{ "", false },      { "a b", false },
	{ "a\n", false },   { "a/b", false },
	{ "a'--", false },  { "\xc3\xa9", false },
	{ "a%00", false },
};

START_TEST(action_ids_are_checked)
{
	struct action_id id = { "kept" };

	ck_assert_int_eq(action_id_parse(ids[_i].text, &id), ids[_i].ok);
	ck_assert_str_eq(id.s, ids[_i].ok ? ids[_i].text : "kept");
}
END_TEST

START_TEST(action_ids_compare)
{
	struct action_id a = { "abc" }, b = { "abd" }, none = { 0 };

	ck_assert(action_id_equal(&a, &a));
	ck_assert(!action_id_equal(&a, &b));
	ck_assert(!action_id_is_empty(&a));
	ck_assert(action_id_is_empty(&none));
}
END_TEST

START_TEST(new_id_is_a_uuid_of_version_7)
{
	static const char shape[] = "xxxxxxxx-xxxx-7xxx-vxxx-xxxxxxxxxxxx";

	for (int round = 0; round < 200; round++) {
		struct action_id id = action_id_new(1700000000000), again;

		ck_assert_uint_eq(strlen(id.s), 36);
		for (size_t i = 0; i < 36; i++) {
			const char *allowed = shape[i] == 'x' ? "0123456789abcdef" : shape[i] == 'v' ? "89ab" : NULL;

			if (allowed == NULL)
				ck_assert_int_eq(id.s[i], shape[i]);
			else
				ck_assert_ptr_nonnull(strchr(allowed, id.s[i]));
		}
		ck_assert(action_id_parse(id.s, &again));
		ck_assert(action_id_equal(&id, &again));
	}
}
END_TEST

/* RFC 9562 appendix A.6 gives the time of its example. */
START_TEST(new_id_begins_with_its_time)
{
	struct action_id id = action_id_new(0x017f22e279b0);

	ck_assert_mem_eq(id.s, "017f22e2-79b0-7", 15);
}
END_TEST

static const int64_t times[] = { INT64_MIN, -1, 0, 1, 0xffffffffffff, INT64_MAX };

START_TEST(any_time_makes_a_wellformed_id)
{
	struct action_id id = action_id_new(times[_i]), again;

	ck_assert_uint_eq(strlen(id.s), 36);
	ck_assert(action_id_parse(id.s, &again));
	if (times[_i] < 0)
		ck_assert_mem_eq(id.s, "00000000-0000-7", 15);
}
END_TEST

START_TEST(new_ids_sort_by_creation)
{
	struct action_id before = action_id_new(1700000000000);

	for (int64_t ms = 1; ms < 2000; ms++) {
		struct action_id id = action_id_new(1700000000000 + ms);

		ck_assert_int_lt(strcmp(before.s, id.s), 0);
		before = id;
	}
}
END_TEST

START_TEST(new_ids_differ_and_replay_with_the_seed)
{
	struct action_id a, b, c;

	rng_seed_for_test(7);
	a = action_id_new(1);
	b = action_id_new(1);
	rng_seed_for_test(7);
	c = action_id_new(1);
	rng_seed_for_test(0);
	ck_assert(!action_id_equal(&a, &b));
	ck_assert(action_id_equal(&a, &c));
	c = action_id_new(1);
	ck_assert(!action_id_equal(&a, &c));
}
END_TEST

START_TEST(keyset_ids_compare)
{
	struct keyset_id a = { "00456a94ab4e1c46" }, b = { "00456a94ab4e1c47" };

	ck_assert(keyset_id_equal(&a, &a));
	ck_assert(!keyset_id_equal(&a, &b));
}
END_TEST

#define GENESIS "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

START_TEST(transactions_are_shown_reversed)
{
	struct txid id, other;
	struct wtxid w;
	struct block_hash h;
	char text[TXID_TEXT];

	ck_assert(txid_parse(GENESIS, &id));
	ck_assert_uint_eq(id.b[0], 0x3b);
	ck_assert_uint_eq(id.b[31], 0x4a);
	txid_text(&id, text);
	ck_assert_str_eq(text, GENESIS);
	ck_assert(wtxid_parse(GENESIS, &w));
	wtxid_text(&w, text);
	ck_assert_str_eq(text, GENESIS);
	ck_assert(wtxid_equal(&w, &w));
	ck_assert(block_hash_parse(GENESIS, &h));
	block_hash_text(&h, text);
	ck_assert_str_eq(text, GENESIS);
	other = id;
	ck_assert(txid_equal(&id, &other));
	ck_assert_int_eq(txid_cmp(&id, &other), 0);
	other.b[31] ^= 1;
	ck_assert(!txid_equal(&id, &other));
	ck_assert_int_ne(txid_cmp(&id, &other), 0);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} outpoints[] = {
	{ GENESIS ":0", true },
	{ GENESIS ":4294967295", true },
	{ GENESIS ":4294967296", false },
	{ GENESIS ":", false },
	{ GENESIS, false },
	{ GENESIS ":-1", false },
	{ GENESIS ":01", false },
	{ GENESIS ":0 ", false },
	{ GENESIS "0:0", false },
	{ "", false },
	{ ":0", false },
	{ " " GENESIS ":0", false },
	{ GENESIS ":00000000000", false },
	{ GENESIS " 0", false },
};

START_TEST(outpoints_as_text)
{
	struct outpoint o = { .vout = 42 };
	char text[OUTPOINT_TEXT];

	ck_assert_int_eq(outpoint_parse(outpoints[_i].text, &o), outpoints[_i].ok);
	if (!outpoints[_i].ok) {
		ck_assert_uint_eq(o.vout, 42);
		return;
	}
	outpoint_text(&o, text);
	ck_assert_str_eq(text, outpoints[_i].text);
}
END_TEST

START_TEST(outpoints_compare)
{
	struct outpoint a = { { { 1 } }, 2 }, b = a;

	ck_assert(outpoint_equal(&a, &b));
	b.vout = 10;
	ck_assert(!outpoint_equal(&a, &b));
	ck_assert_int_lt(outpoint_cmp(&a, &b), 0);
	b = a;
	b.txid.b[0] = 0;
	ck_assert(!outpoint_equal(&a, &b));
	ck_assert_int_gt(outpoint_cmp(&a, &b), 0);
	ck_assert_int_eq(outpoint_cmp(&a, &a), 0);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} block_refs[] = {
	{ "0:" GENESIS, true },
	{ "4294967295:" GENESIS, true },
	{ "4294967296:" GENESIS, false },
	{ ":" GENESIS, false },
	{ GENESIS, false },
	{ "0:" GENESIS "0", false },
	{ "00:" GENESIS, false },
	{ "0:", false },
	{ "", false },
	{ "1", false },
	{ "-1:" GENESIS, false },
	{ "99999999999:" GENESIS, false },
};

START_TEST(blocks_as_text)
{
	struct block_ref r = { .height = 42 }, other;
	char text[BLOCK_REF_TEXT];

	ck_assert_int_eq(block_ref_parse(block_refs[_i].text, &r), block_refs[_i].ok);
	if (!block_refs[_i].ok) {
		ck_assert_uint_eq(r.height, 42);
		return;
	}
	block_ref_text(&r, text);
	ck_assert_str_eq(text, block_refs[_i].text);
	other = r;
	ck_assert(block_ref_equal(&r, &other));
	other.height ^= 1;
	ck_assert(!block_ref_equal(&r, &other));
	other = r;
	other.hash.b[0] ^= 1;
	ck_assert(!block_ref_equal(&r, &other));
}
END_TEST

START_TEST(xonly_keys_compare)
{
	struct xonly a = { { 1 } }, b = a;

	ck_assert(xonly_equal(&a, &b));
	b.b[31] = 1;
	ck_assert(!xonly_equal(&a, &b));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/ids");
	TCase *t = tcase_create("ids");

	tcase_add_test(t, public_keys_compare_to_the_last_byte);
	tcase_add_test(t, hashes_compare_to_the_last_byte);
	tcase_add_test(t, addresses_compare_to_the_last_byte);
	tcase_add_loop_test(t, action_ids_are_checked, 0, ARRAY_LEN(ids));
	tcase_add_test(t, action_ids_compare);
	tcase_add_test(t, new_id_is_a_uuid_of_version_7);
	tcase_add_test(t, new_id_begins_with_its_time);
	tcase_add_loop_test(t, any_time_makes_a_wellformed_id, 0, ARRAY_LEN(times));
	tcase_add_test(t, new_ids_sort_by_creation);
	tcase_add_test(t, new_ids_differ_and_replay_with_the_seed);
	tcase_add_test(t, keyset_ids_compare);
	tcase_add_test(t, transactions_are_shown_reversed);
	tcase_add_loop_test(t, outpoints_as_text, 0, ARRAY_LEN(outpoints));
	tcase_add_test(t, outpoints_compare);
	tcase_add_loop_test(t, blocks_as_text, 0, ARRAY_LEN(block_refs));
	tcase_add_test(t, xonly_keys_compare);
	suite_add_tcase(s, t);
	return suite_run(s);
}
