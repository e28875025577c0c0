/* Vectors: tests/vectors/onchain/bip341-wallet.json (BIP341's own). */
#include "rails/bitcoin/taproot.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/taghash.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const char *hash_hex(const struct hash32 *h)
{
	return hex_text(&ra, (struct bytes){ h->b, 32 });
}

/* A script is an object, a branch a list of two: from left to right, each with its depth. */
static size_t flatten(const json_t *node, uint8_t depth, struct tap_leaf *to)
{
	size_t n;

	if (json_is_array(node)) {
		ck_assert_uint_eq(json_array_size(node), 2);
		n = flatten(json_array_get(node, 0), depth + 1, to);
		return n + flatten(json_array_get(node, 1), depth + 1, to + n);
	}
	*to = (struct tap_leaf){ depth, (uint8_t)vec_u64(node, "leafVersion"), vec_hex(node, "script") };
	return 1;
}

static void check_leaves(const json_t *v, const struct tap_leaf *leaves, const struct tap_tree *tree,
			 const struct xonly *internal, const struct tap_output *out)
{
	const json_t *hashes = json_object_get(json_object_get(v, "intermediary"), "leafHashes");
	const json_t *blocks = json_object_get(json_object_get(v, "expected"), "scriptPathControlBlocks");

	ck_assert_uint_eq(json_array_size(hashes), tree->n);
	ck_assert_uint_eq(json_array_size(blocks), tree->n);
	for (size_t i = 0; i < tree->n; i++) {
		struct bytes control = tap_control_make(&ra, leaves[i].version, internal, out->odd, &tree->paths[i]);
		struct hash32 leaf;

		ck_assert_str_eq(hash_hex(&tree->paths[i].leaf), json_string_value(json_array_get(hashes, i)));
		ck_assert_str_eq(hex_text(&ra, control), json_string_value(json_array_get(blocks, i)));
		ck_assert(tap_control_verify(&out->key, leaves[i].script, control, &leaf));
		ck_assert(hash32_equal(&leaf, &tree->paths[i].leaf));
		ck_assert(tap_control_verify(&out->key, leaves[i].script, control, NULL));
	}
}

START_TEST(bip341_outputs)
{
	json_t *list = json_object_get(vectors_load("onchain/bip341-wallet.json"), "scriptPubKey"), *v;
	size_t i, trees = 0;

	ck_assert_uint_eq(json_array_size(list), 7);
	json_array_foreach(list, i, v)
	{
		const json_t *given = json_object_get(v, "given"), *between = json_object_get(v, "intermediary"),
			     *expected = json_object_get(v, "expected"), *script = json_object_get(given, "scriptTree");
		struct tap_leaf leaves[8];
		struct tap_output out;
		struct tap_tree tree = { 0 };
		struct xonly internal;
		struct hash32 tweak;
		char address[ADDRESS_TEXT_MAX];
		struct spk s;

		vec_copy(given, "internalPubkey", internal.b, 32);
		if (!json_is_null(script)) {
			ck_ok(tap_tree_make(&ra, leaves, flatten(script, 0, leaves), &tree, &rerr));
			ck_assert_str_eq(hash_hex(&tree.root), vec_str(between, "merkleRoot"));
			trees++;
		}
		tap_tweak_hash(&internal, tree.n > 0 ? &tree.root : NULL, &tweak);
		ck_assert_str_eq(hash_hex(&tweak), vec_str(between, "tweak"));
		ck_ok(tap_output_make(&internal, tree.n > 0 ? &tree.root : NULL, &out, &rerr));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ out.key.b, 32 }), vec_str(between, "tweakedPubkey"));
		s = spk_p2tr(&out.key);
		ck_assert(bytes_equal(spk_bytes(&s), vec_hex(expected, "scriptPubKey")));
		ck_assert(address_text(spk_bytes(&s), NETWORK_MAINNET, address));
		ck_assert_str_eq(address, vec_str(expected, "bip350Address"));
		if (tree.n > 0)
			check_leaves(v, leaves, &tree, &internal, &out);
		else
			ck_ok(tap_bip86_spk(&internal, &s, &rerr));
		ck_assert(bytes_equal(spk_bytes(&s), vec_hex(expected, "scriptPubKey")));
	}
	ck_assert_uint_eq(trees, 6);
}
END_TEST

START_TEST(bip341_private_keys)
{
	json_t *spending = json_array_get(
		json_object_get(vectors_load("onchain/bip341-wallet.json"), "keyPathSpending"), 0);
	json_t *list = json_object_get(spending, "inputSpending"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 7);
	json_array_foreach(list, i, v)
	{
		const json_t *given = json_object_get(v, "given"), *between = json_object_get(v, "intermediary");
		struct secret internal, tweaked;
		struct hash32 root;
		struct xonly x;
		bool has_root = !json_is_null(json_object_get(given, "merkleRoot"));

		vec_copy(given, "internalPrivkey", internal.b, 32);
		if (has_root)
			vec_copy(given, "merkleRoot", root.b, 32);
		ck_assert(secp_seckey_xonly(&internal, &x));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ x.b, 32 }), vec_str(between, "internalPubkey"));
		ck_ok(tap_secret_tweak(&internal, has_root ? &root : NULL, &tweaked, &rerr));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ tweaked.b, 32 }), vec_str(between, "tweakedPrivkey"));
	}
}
END_TEST

START_TEST(tagged)
{
	struct hash32 a, b, manual;
	uint8_t raw[66];

	tagged_hash("TapLeaf", bytes_of("ab"), &a);
	sha256(bytes_of("TapLeaf"), &b);
	memcpy(raw, b.b, 32);
	memcpy(raw + 32, b.b, 32);
	memcpy(raw + 64, "ab", 2);
	sha256((struct bytes){ raw, sizeof(raw) }, &manual);
	ck_assert(hash32_equal(&a, &manual));
	tagged_hash("TapBranch", bytes_of("ab"), &b);
	ck_assert(!hash32_equal(&a, &b));
}
END_TEST

START_TEST(branches_have_no_sides)
{
	struct hash32 a = { { 1 } }, b = { { 2 } }, ab, ba;

	tap_branch_hash(&a, &b, &ab);
	tap_branch_hash(&b, &a, &ba);
	ck_assert(hash32_equal(&ab, &ba));
}
END_TEST

static const struct {
	const char *name;
	uint8_t depths[5];
	size_t n;
	enum err_code why;
} shapes[] = {
	{ "one", { 0 }, 1, ERR_NONE },
	{ "two", { 1, 1 }, 2, ERR_NONE },
	{ "left heavy", { 2, 2, 1 }, 3, ERR_NONE },
	{ "right heavy", { 1, 2, 2 }, 3, ERR_NONE },
	{ "full", { 2, 2, 2, 2 }, 4, ERR_NONE },
	{ "deep in the middle", { 2, 3, 3, 2, 2 }, 5, ERR_NONE },
	{ "deep on the right of the left", { 2, 3, 3, 1 }, 4, ERR_NONE },
	{ "none", { 0 }, 0, ERR_RANGE },
	{ "half a branch", { 1 }, 1, ERR_PARSE },
	{ "too high up", { 2, 1 }, 2, ERR_PARSE },
	{ "one too many", { 1, 1, 1 }, 3, ERR_PARSE },
	{ "two roots", { 0, 0 }, 2, ERR_PARSE },
	{ "a missing leaf", { 2, 2 }, 2, ERR_PARSE },
	{ "too deep", { 129 }, 1, ERR_RANGE },
};

START_TEST(shapes_of_trees)
{
	struct tap_leaf leaves[5] = { { 0 } };
	struct tap_tree tree = { .n = 42 };
	int rc;

	for (size_t i = 0; i < shapes[_i].n; i++)
		leaves[i] = (struct tap_leaf){ shapes[_i].depths[i], TAP_LEAF_TAPSCRIPT, bytes_of(&"abcdef"[i]) };
	rc = tap_tree_make(&ra, leaves, shapes[_i].n, &tree, &rerr);
	if (shapes[_i].why != ERR_NONE) {
		ck_fails(rc, shapes[_i].why);
		ck_assert_uint_eq(tree.n, 42);
		return;
	}
	ck_ok(rc);
	for (size_t i = 0; i < tree.n; i++)
		ck_assert_uint_eq(tree.paths[i].n, shapes[_i].depths[i]);
}
END_TEST

/* A chain of 128 branches: the longest way that a control block can show. */
START_TEST(the_deepest_tree)
{
	struct tap_leaf leaves[TAP_DEPTH_MAX + 1];
	struct xonly internal;
	struct tap_output out;
	struct tap_tree tree;
	struct bytes control;

	hex_to("d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d", internal.b, 32);
	for (size_t i = 0; i <= TAP_DEPTH_MAX; i++)
		leaves[i] = (struct tap_leaf){ (uint8_t)(i < TAP_DEPTH_MAX ? i + 1 : i), TAP_LEAF_TAPSCRIPT,
					       bytes_of(arena_printf(&ra, "leaf %zu", i)) };
	ck_ok(tap_tree_make(&ra, leaves, ARRAY_LEN(leaves), &tree, &rerr));
	ck_ok(tap_output_make(&internal, &tree.root, &out, &rerr));
	for (size_t i = 0; i <= TAP_DEPTH_MAX; i++) {
		control = tap_control_make(&ra, TAP_LEAF_TAPSCRIPT, &internal, out.odd, &tree.paths[i]);
		ck_assert(tap_control_verify(&out.key, leaves[i].script, control, NULL));
	}
	ck_assert_uint_eq(control.n, TAP_CONTROL_MAX);
}
END_TEST

START_TEST(versions_that_no_leaf_has)
{
	struct tap_leaf leaf = { 0, 0xc1, bytes_of("a") };
	struct tap_tree tree;

	ck_fails(tap_tree_make(&ra, &leaf, 1, &tree, &rerr), ERR_PARSE);
	leaf.version = TAP_ANNEX_TAG;
	ck_fails(tap_tree_make(&ra, &leaf, 1, &tree, &rerr), ERR_PARSE);
	leaf.version = 0xfa;
	ck_ok(tap_tree_make(&ra, &leaf, 1, &tree, &rerr));
}
END_TEST

START_TEST(no_room_for_a_tree)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(1000);
	struct tap_leaf leaves[TAP_DEPTH_MAX + 1] = { { 0 } };
	struct tap_tree tree;

	for (size_t i = 0; i <= TAP_DEPTH_MAX; i++)
		leaves[i].depth = (uint8_t)(i < TAP_DEPTH_MAX ? i + 1 : i);
	ck_fails(tap_tree_make(&small, leaves, ARRAY_LEN(leaves), &tree, &rerr), ERR_RANGE);
	ck_fails(tap_tree_make(&ra, leaves, TAP_LEAVES_MAX + 1, &tree, &rerr), ERR_RANGE);
}
END_TEST

/* Any other script, key, side or step is not what the output commits to. */
START_TEST(control_blocks_that_lie)
{
	struct tap_leaf leaves[2] = { { 1, TAP_LEAF_TAPSCRIPT, bytes_of("a") },
				      { 1, TAP_LEAF_TAPSCRIPT, bytes_of("b") } };
	struct xonly internal, other;
	struct tap_output out;
	struct tap_tree tree;
	struct bytes control;
	uint8_t *bent;

	hex_to("d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d", internal.b, 32);
	ck_ok(tap_tree_make(&ra, leaves, 2, &tree, &rerr));
	ck_ok(tap_output_make(&internal, &tree.root, &out, &rerr));
	control = tap_control_make(&ra, TAP_LEAF_TAPSCRIPT, &internal, out.odd, &tree.paths[0]);
	ck_assert(tap_control_verify(&out.key, leaves[0].script, control, NULL));
	ck_assert(!tap_control_verify(&out.key, leaves[1].script, control, NULL));
	other = internal;
	ck_assert(!tap_control_verify(&other, leaves[0].script, control, NULL));
	bent = arena_alloc(&ra, control.n + 1);
	for (size_t i = 0; i < control.n; i++) {
		memcpy(bent, control.p, control.n);
		bent[i] ^= 1;
		ck_assert(!tap_control_verify(&out.key, leaves[0].script, (struct bytes){ bent, control.n }, NULL));
	}
	memcpy(bent, control.p, control.n);
	for (size_t n = 0; n <= control.n + 1; n++)
		ck_assert(tap_control_verify(&out.key, leaves[0].script, (struct bytes){ bent, n }, NULL) ==
			  (n == control.n));
}
END_TEST

START_TEST(keys_that_are_none)
{
	struct xonly none;
	struct tap_output out;
	struct secret zero = { { 0 } }, got;
	struct spk s;

	memset(none.b, 0xff, 32);
	ck_fails(tap_output_make(&none, NULL, &out, &rerr), ERR_CRYPTO);
	ck_fails(tap_bip86_spk(&none, &s, &rerr), ERR_CRYPTO);
	ck_fails(tap_secret_tweak(&zero, NULL, &got, &rerr), ERR_CRYPTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/taproot");
	TCase *c = rails_case(s, "taproot");

	tcase_add_test(c, bip341_outputs);
	tcase_add_test(c, bip341_private_keys);
	tcase_add_test(c, tagged);
	tcase_add_test(c, branches_have_no_sides);
	tcase_add_loop_test(c, shapes_of_trees, 0, ARRAY_LEN(shapes));
	tcase_add_test(c, the_deepest_tree);
	tcase_add_test(c, versions_that_no_leaf_has);
	tcase_add_test(c, no_room_for_a_tree);
	tcase_add_test(c, control_blocks_that_lie);
	tcase_add_test(c, keys_that_are_none);
	return suite_run(s);
}
