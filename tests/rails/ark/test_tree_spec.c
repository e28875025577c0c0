/* Vectors: the encodings of tests/vectors/ark/tree.json (bark's lib/src/tree/signed.rs). */
#include "rails/ark/tree_spec.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static json_t *all;

static const char *encoded(const struct tree_spec *s)
{
	return hex_text(&ra, tree_spec_encode(&ra, s));
}

static const char *spec_text(size_t i)
{
	const json_t *trees = json_object_get(all, "trees");

	ck_assert_uint_eq(json_array_size(trees), 2);
	return vec_str(i < 2 ? json_array_get(trees, i) : json_object_get(all, "tree_27_leaves"), "spec_encoding");
}

START_TEST(specs)
{
	static const size_t leaves[] = { 7, 7, 27 };
	struct bytes v;
	struct tree_spec s;

	ck_assert(hex_decode_any(&ra, spec_text((size_t)_i), 65536, &v));
	ck_ok(tree_spec_decode(&ra, v, &s, &rerr));
	ck_assert_uint_eq(s.n_leaves, leaves[_i]);
	ck_assert_uint_eq(s.n_global, 1);
	ck_assert_str_eq(encoded(&s), spec_text((size_t)_i));
}
END_TEST

START_TEST(leaves)
{
	json_t *list = json_object_get(all, "leaf_spec_encodings"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 2);
	json_array_foreach(list, i, v)
	{
		SCOPED(buf) struct buf again = BUF_CAP(512), policy = BUF_CAP(512);
		struct tree_leaf l;

		ck_ok(tree_leaf_decode(vec_hex(v, "encoded"), &l, &rerr));
		ark_policy_put(&policy, &l.output.policy);
		ck_assert_str_eq(hex_text(&ra, buf_bytes(&policy)), vec_str(v, "policy"));
		ck_assert_uint_eq(l.output.amount.v, vec_u64(v, "amount"));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ l.unlock_hash.b, 32 }), vec_str(v, "unlock_hash"));
		ck_assert(l.has_cosign == !json_is_null(json_object_get(v, "cosign_pubkey")));
		if (l.has_cosign)
			ck_assert_str_eq(hex_text(&ra, (struct bytes){ l.cosign.b, 33 }), vec_str(v, "cosign_pubkey"));
		tree_leaf_put(&again, &l);
		ck_assert_str_eq(hex_text(&ra, buf_bytes(&again)), vec_str(v, "encoded"));
	}
}
END_TEST

START_TEST(signed_specs)
{
	const json_t *v = json_object_get(all, "signed_spec_v1_u32");
	char utxo[OUTPOINT_TEXT];
	struct tree_signed s, again;
	struct bytes second;

	ck_ok(tree_signed_decode(&ra, vec_hex(v, "encoded"), &s, &rerr));
	ck_assert_uint_eq(s.spec.n_leaves, vec_u64(v, "leaves"));
	ck_assert_uint_eq(s.n_signatures, vec_u64(v, "signatures"));
	ck_assert_uint_eq(s.spec.terms.expiry_height, vec_u64(v, "expiry_height"));
	ck_assert_uint_eq(s.spec.terms.exit_delta, vec_u64(v, "exit_delta"));
	outpoint_text(&s.utxo, utxo);
	ck_assert_str_eq(utxo, vec_str(v, "utxo"));
	second = tree_signed_encode(&ra, &s);
	ck_assert_str_eq(hex_text(&ra, second), vec_str(v, "reencoded_v2"));
	ck_ok(tree_signed_decode(&ra, second, &again, &rerr));
	ck_assert(bytes_equal(tree_signed_encode(&ra, &again), second));
	ck_assert_str_eq(encoded(&again.spec), encoded(&s.spec));
}
END_TEST

/* Every shorter one is refused, and so is one byte more. */
START_TEST(cut)
{
	struct bytes v = vec_hex(json_object_get(all, "signed_spec_v1_u32"), "reencoded_v2"), spec;
	uint8_t *longer = arena_alloc(&ra, v.n + 1);
	struct tree_signed s;
	struct tree_spec plain;
	struct tree_leaf leaf;

	memcpy(longer, v.p, v.n);
	ck_fails(tree_signed_decode(&ra, (struct bytes){ longer, v.n + 1 }, &s, &rerr), ERR_PARSE);
	for (size_t n = 0; n < v.n; n++)
		ck_fails(tree_signed_decode(&ra, (struct bytes){ v.p, n }, &s, &rerr), ERR_PARSE);
	ck_assert(hex_decode_any(&ra, spec_text(0), 65536, &spec));
	for (size_t n = 0; n < spec.n; n++)
		ck_fails(tree_spec_decode(&ra, (struct bytes){ spec.p, n }, &plain, &rerr), ERR_PARSE);
	ck_fails(tree_leaf_decode((struct bytes){ spec.p, 0 }, &leaf, &rerr), ERR_PARSE);
}
END_TEST

/* Where the fields of the first spec stand. */
enum { AT_VERSION = 0, AT_HEIGHT = 1, AT_SERVER = 5, AT_DELTA = 38, AT_GLOBAL = 40, AT_LEAVES = 74, AT_POLICY = 75 };

static const struct {
	const char *name;
	size_t at;
	const char *bytes, *word;
	enum err_code why;
} bad[] = {
	{ "version", AT_VERSION, "01", "version", ERR_PARSE },
	{ "version 3", AT_VERSION, "03", "version", ERR_PARSE },
	{ "height", AT_HEIGHT, "0465cc1d", "expiry_height", ERR_PARSE },
	{ "server", AT_SERVER, "04", "server_pubkey", ERR_PARSE },
	{ "delta", AT_DELTA, "0040", "exit_delta", ERR_PARSE },
	{ "global keys", AT_GLOBAL, "fe", "global", ERR_PARSE },
	{ "global key", AT_GLOBAL + 1, "05", "global", ERR_PARSE },
	{ "no leaves", AT_LEAVES, "00", "leaves", ERR_PARSE },
	{ "too many leaves", AT_LEAVES, "fc", "leaves", ERR_PARSE },
	{ "policy", AT_POLICY, "03", "checkpoint", ERR_VTXO_POLICY },
	{ "unknown policy", AT_POLICY, "40", "", ERR_VTXO_POLICY },
};

START_TEST(refused)
{
	struct bytes good, patch;
	struct tree_spec s;
	uint8_t *v;

	ck_assert(hex_decode_any(&ra, spec_text(0), 65536, &good));
	ck_assert_uint_eq(good.p[AT_LEAVES], 7);
	ck_assert(hex_decode_any(&ra, bad[_i].bytes, 64, &patch));
	v = arena_alloc(&ra, good.n);
	memcpy(v, good.p, good.n);
	memcpy(v + bad[_i].at, patch.p, patch.n);
	ck_fails(tree_spec_decode(&ra, (struct bytes){ v, good.n }, &s, &rerr), bad[_i].why);
	ck_assert_msg(strstr(rerr.msg, bad[_i].word) != NULL, "%s: %s", bad[_i].name, rerr.msg);
}
END_TEST

/* A count that the bytes could hold but the arena cannot. */
START_TEST(small_arena)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(512);
	struct tree_spec s;
	struct bytes v;

	ck_assert(hex_decode_any(&ra, spec_text(2), 65536, &v));
	ck_fails(tree_spec_decode(&small, v, &s, &rerr), ERR_RANGE);
}
END_TEST

static void load(void)
{
	all = vectors_load("ark/tree.json");
}

int main(void)
{
	Suite *s = suite_create("rails/ark/tree_spec");
	TCase *c = rails_case(s, "tree_spec");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_loop_test(c, specs, 0, 3);
	tcase_add_test(c, leaves);
	tcase_add_test(c, signed_specs);
	tcase_add_test(c, cut);
	tcase_add_loop_test(c, refused, 0, ARRAY_LEN(bad));
	tcase_add_test(c, small_arena);
	return suite_run(s);
}
