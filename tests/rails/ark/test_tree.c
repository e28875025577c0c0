/* Vectors: the trees of tests/vectors/ark/tree.json (bark's lib/src/tree/mod.rs, lib/src/tree/signed.rs). */
#include "rails/ark/tree.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static json_t *all;

/* Two of seven leaves, one of each generation, and one of 27. */
#define N_TREES 3

static const json_t *listed(size_t i)
{
	const json_t *trees = json_object_get(all, "trees");

	ck_assert_uint_eq(json_array_size(trees), 2);
	return i < 2 ? json_array_get(trees, i) : json_object_get(all, "tree_27_leaves");
}

static struct tree *tree_of(size_t i)
{
	const json_t *v = listed(i);
	struct tree_spec *spec = ARENA_NEW(&ra, struct tree_spec);
	struct reader r = reader_of(vec_hex(v, "utxo"));
	struct outpoint utxo;
	struct tree *t;

	ck_ok(tree_spec_decode(&ra, vec_hex(v, "spec_encoding"), spec, &rerr));
	read_copy(&r, utxo.txid.b, 32);
	utxo.vout = read_le32(&r);
	ck_assert(reader_at_end(&r));
	ck_ok(tree_make(&ra, spec, i == 1 ? TREE_V0 : TREE_V1, &utxo, &t, &rerr));
	return t;
}

static const char *hex_of(const void *p, size_t n)
{
	return hex_text(&ra, (struct bytes){ p, n });
}

static uint64_t at(const json_t *list, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(list, i));
}

static void check_shape(const struct tree *t, const json_t *v)
{
	const struct ark_tree_shape *s = tree_shape_of(t);
	uint32_t idx = (uint32_t)vec_u64(v, "idx");
	const struct ark_tree_node *n = &s->nodes[idx];
	const json_t *children = json_object_get(v, "children"), *leaves = json_object_get(v, "leaves");

	ck_assert_uint_eq(n->level, vec_u64(v, "level"));
	ck_assert_uint_eq(n->n_children, json_array_size(children));
	ck_assert_uint_eq(n->n_leaves, json_array_size(leaves));
	for (uint8_t i = 0; i < n->n_children; i++)
		ck_assert_uint_eq(n->first_child + i, at(children, i));
	for (uint32_t i = 0; i < n->n_leaves; i++)
		ck_assert_uint_eq(ark_tree_leaf_below(s, idx, i), at(leaves, i));
}

static void check_cosigners(const struct tree *t, const struct tree_node *n, const json_t *v, bool leaf)
{
	const json_t *list = json_object_get(v, "cosigners");
	struct musig_keys keys;

	if (!leaf) {
		ck_ok(musig_keys_make(n->cosigners, n->n_cosigners, &keys, &rerr));
		ck_assert_str_eq(hex_of(keys.aggregate.b, 33), vec_str(v, "agg"));
		ck_ok(musig_keys_tweak(&keys, &n->tweak, &rerr));
		ck_assert_mem_eq(keys.output.b + 1, n->spent.script.p + 2, 32);
	} else {
		struct pubkey pair[] = { tree_spec_of(t)->leaves[vec_u64(v, "idx")].output.policy.user,
					 tree_spec_of(t)->terms.server };

		ck_ok(musig_keys_make(pair, 2, &keys, &rerr));
		ck_assert_str_eq(hex_of(keys.aggregate.b, 33), vec_str(v, "agg"));
	}
	if (!json_is_array(list))
		return;
	ck_assert_uint_eq(n->n_cosigners, json_array_size(list));
	for (size_t i = 0; i < n->n_cosigners; i++)
		ck_assert_str_eq(hex_of(n->cosigners[i].b, 33), json_string_value(json_array_get(list, i)));
}

static void check_node(struct tree *t, const json_t *v)
{
	uint32_t idx = (uint32_t)vec_u64(v, "idx");
	const json_t *sighash = json_object_get(v, "sighash");
	const struct tree_node *n;
	char txid[TXID_TEXT];

	ck_ok(tree_node(t, idx, &n, &rerr));
	check_shape(t, v);
	check_cosigners(t, n, v, idx < tree_shape_of(t)->n_leaves);
	txid_text(&n->txid, txid);
	ck_assert_str_eq(txid, vec_str(v, "txid"));
	if (json_is_string(sighash))
		ck_assert_str_eq(hex_of(n->sighash.b, 32), json_string_value(sighash));
	if (json_object_get(v, "tx") == NULL)
		return;
	ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &n->tx)), vec_str(v, "tx"));
	ck_assert_uint_eq(n->spent.value.v, vec_u64(v, "prev_value"));
	ck_assert_str_eq(hex_text(&ra, n->spent.script), vec_str(v, "prev_spk"));
}

START_TEST(vectors)
{
	static const size_t n_nodes[] = { 9, 9, 9 };
	const json_t *v = listed((size_t)_i), *nodes = json_object_get(v, "nodes");
	struct tree *t = tree_of((size_t)_i);
	struct tx_out funding;

	ck_ok(tree_funding(t, &funding, &rerr));
	ck_assert_uint_eq(funding.value.v, vec_u64(v, "funding_value"));
	ck_assert_str_eq(hex_text(&ra, funding.script), vec_str(v, "funding_script"));
	ck_assert_uint_eq(json_array_size(nodes), n_nodes[_i]);
	for (size_t i = 0; i < json_array_size(nodes); i++)
		check_node(t, json_array_get(nodes, i));
}
END_TEST

/* In whatever order nodes are asked for, they come out the same. */
START_TEST(any_order)
{
	struct tree *up = tree_of((size_t)_i), *down = tree_of((size_t)_i);
	uint32_t n = tree_shape_of(up)->n_nodes;
	const struct tree_node *a, *b;

	for (uint32_t i = 0; i < n; i++) {
		ck_ok(tree_node(up, i, &a, &rerr));
		ck_ok(tree_node(down, n - 1 - i, &b, &rerr));
	}
	for (uint32_t i = 0; i < n; i++) {
		ck_ok(tree_node(up, i, &a, &rerr));
		ck_ok(tree_node(down, i, &b, &rerr));
		ck_assert(txid_equal(&a->txid, &b->txid));
		ck_assert(hash32_equal(&a->sighash, &b->sighash));
	}
}
END_TEST

/* The leaf that a server adds to a round of one, which nobody can spend. */
START_TEST(padding)
{
	const json_t *v = json_object_get(all, "unspendable_padding_leaf");
	struct tree_leaf leaves[2] = { tree_spec_of(tree_of(0))->leaves[0] };
	struct tree_spec spec = *tree_spec_of(tree_of(0));
	struct outpoint utxo = { .vout = 0 };
	const struct tree_node *n;
	struct hash32 key;
	struct tree *t;

	sha256(bytes_of("unspendable1"), &key);
	leaves[1].output.amount.v = vec_u64(v, "amount");
	vec_copy(v, "pubkey", leaves[1].output.policy.user.b, 33);
	vec_copy(v, "unlock_hash", leaves[1].unlock_hash.b, 32);
	ck_assert_uint_eq(leaves[1].output.policy.user.b[0], 2);
	ck_assert_mem_eq(leaves[1].output.policy.user.b + 1, key.b, 32);
	ck_assert_uint_eq(leaves[1].output.amount.v, ARK_DUST_SAT);
	spec.leaves = leaves;
	spec.n_leaves = 2;
	ck_ok(tree_make(&ra, &spec, TREE_V1, &utxo, &t, &rerr));
	ck_ok(tree_node(t, 2, &n, &rerr));
	ck_assert_uint_eq(n->n_cosigners, leaves[0].has_cosign + spec.n_global);
	ck_assert_uint_eq(n->spent.value.v, leaves[0].output.amount.v + ARK_DUST_SAT);
	ck_ok(tree_node(t, 1, &n, &rerr));
}
END_TEST

START_TEST(refused)
{
	struct tree_spec spec = *tree_spec_of(tree_of(0));
	struct tree_leaf leaves[2] = { spec.leaves[0], spec.leaves[1] };
	struct outpoint utxo = { .vout = 0 };
	SCOPED(arena) struct arena small = ARENA_LIMIT(4096);
	const struct tree_node *n;
	struct tx_out funding;
	struct tree *t;

	ck_fails(tree_make(&small, &spec, TREE_V1, &utxo, &t, &rerr), ERR_RANGE);
	spec.leaves = leaves;
	spec.n_leaves = 0;
	ck_fails(tree_make(&ra, &spec, TREE_V1, &utxo, &t, &rerr), ERR_RANGE);
	spec.n_leaves = 2;
	leaves[0].output.amount.v = AMOUNT_MAX;
	ck_fails(tree_make(&ra, &spec, TREE_V1, &utxo, &t, &rerr), ERR_RANGE);
	leaves[0].output.amount.v = 1000;
	leaves[0].has_cosign = leaves[1].has_cosign = false;
	spec.n_global = 0;
	ck_ok(tree_make(&ra, &spec, TREE_V1, &utxo, &t, &rerr));
	ck_fails(tree_node(t, 0, &n, &rerr), ERR_CRYPTO);
	ck_fails(tree_funding(t, &funding, &rerr), ERR_CRYPTO);
}
END_TEST

static void load(void)
{
	all = vectors_load("ark/tree.json");
}

int main(void)
{
	Suite *s = suite_create("rails/ark/tree");
	TCase *c = rails_case(s, "tree");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_loop_test(c, vectors, 0, N_TREES);
	tcase_add_loop_test(c, any_order, 0, N_TREES);
	tcase_add_test(c, padding);
	tcase_add_test(c, refused);
	return suite_run(s);
}
