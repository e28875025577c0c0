/* Vectors: the shapes of tests/vectors/ark/tree.json. */
#include "rails/ark/tree_shape.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static uint64_t at(const json_t *list, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(list, i));
}

static void check_node(const struct ark_tree_shape *s, const json_t *v)
{
	uint32_t idx = (uint32_t)vec_u64(v, "idx");
	const struct ark_tree_node *node = &s->nodes[idx];
	const json_t *children = json_object_get(v, "children"), *leaves = json_object_get(v, "leaves");

	ck_assert_uint_eq(node->level, vec_u64(v, "level"));
	ck_assert_uint_eq(node->n_children, json_array_size(children));
	for (uint8_t i = 0; i < node->n_children; i++) {
		ck_assert_uint_eq(node->first_child + i, at(children, i));
		ck_assert_uint_eq(s->nodes[at(children, i)].parent, idx);
		ck_assert_uint_eq(s->nodes[at(children, i)].position, i);
	}
	ck_assert_uint_eq(node->n_leaves, json_array_size(leaves));
	for (uint32_t i = 0; i < node->n_leaves; i++)
		ck_assert_uint_eq(ark_tree_leaf_below(s, idx, i), at(leaves, i));
}

START_TEST(vectors)
{
	json_t *shapes = json_object_get(vectors_load("ark/tree.json"), "shapes"), *v, *node;
	size_t i, k;

	ck_assert_uint_eq(json_array_size(shapes), 20);
	json_array_foreach(shapes, i, v)
	{
		json_t *internal = json_object_get(v, "internal");
		struct ark_tree_shape s;

		ck_ok(ark_tree_shape_make(&ra, vec_u64(v, "leaves"), &s, &rerr));
		ck_assert_uint_eq(s.n_leaves, vec_u64(v, "leaves"));
		ck_assert_uint_eq(s.n_nodes, vec_u64(v, "nodes"));
		ck_assert_uint_eq(ark_tree_internal(&s), json_array_size(internal));
		json_array_foreach(internal, k, node) check_node(&s, node);
	}
}
END_TEST

/* What holds for every tree: each node but the root is the child of one, and the root has every leaf once. */
START_TEST(every_size)
{
	struct ark_tree_shape s;

	for (size_t n = 1; n <= 300; n++) {
		uint8_t *seen;

		arena_reset(&ra);
		ck_ok(ark_tree_shape_make(&ra, n, &s, &rerr));
		seen = ARENA_ARRAY(&ra, n, uint8_t);
		ck_assert_uint_eq(s.nodes[ark_tree_root(&s)].n_leaves, n);
		ck_assert_uint_eq(s.nodes[ark_tree_root(&s)].parent, ark_tree_root(&s));
		for (uint32_t i = 0; i < n; i++)
			seen[ark_tree_leaf_below(&s, ark_tree_root(&s), i)]++;
		for (uint32_t i = 0; i < n; i++) {
			ck_assert_uint_eq(seen[i], 1);
			ck_assert_uint_le(ark_tree_branch_len(&s, i), s.nodes[ark_tree_root(&s)].level);
		}
		for (uint32_t i = 0; i < ark_tree_root(&s); i++) {
			const struct ark_tree_node *up = &s.nodes[s.nodes[i].parent];

			ck_assert_uint_eq(up->first_child + s.nodes[i].position, i);
			ck_assert_uint_lt(s.nodes[i].position, up->n_children);
			ck_assert_uint_lt(s.nodes[i].level, up->level);
		}
	}
}
END_TEST

/* Where the leaves do not come out even there may be a level more than of the next power of four. */
START_TEST(levels)
{
	uint8_t highest = 0;

	for (size_t n = 1; n <= ARK_TREE_LEAVES_MAX; n += n < 600 || n > 16300 ? 1 : 97) {
		struct ark_tree_shape s;
		uint8_t level;

		arena_reset(&ra);
		ck_ok(ark_tree_shape_make(&ra, n, &s, &rerr));
		level = s.nodes[ark_tree_root(&s)].level;
		ck_assert_uint_le(level, ARK_TREE_LEVELS_MAX);
		highest = level > highest ? level : highest;
	}
	ck_assert_uint_eq(highest, ARK_TREE_LEVELS_MAX);
}
END_TEST

START_TEST(limits)
{
	struct ark_tree_shape s = { 0 };

	ck_fails(ark_tree_shape_make(&ra, 0, &s, &rerr), ERR_RANGE);
	ck_fails(ark_tree_shape_make(&ra, ARK_TREE_LEAVES_MAX + 1, &s, &rerr), ERR_RANGE);
	ck_ok(ark_tree_shape_make(&ra, ARK_TREE_LEAVES_MAX, &s, &rerr));
	ck_assert_uint_eq(ark_tree_branch_len(&s, 0), 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/tree_shape");
	TCase *c = rails_case(s, "tree_shape");

	tcase_add_test(c, vectors);
	tcase_add_test(c, every_size);
	tcase_add_test(c, levels);
	tcase_add_test(c, limits);
	return suite_run(s);
}
