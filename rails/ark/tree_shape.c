#include "rails/ark/tree_shape.h"

#include <assert.h>

/* The nodes from first on become the children of one made of them. */
static void gather(struct ark_tree_shape *s, uint32_t first, uint8_t n)
{
	struct ark_tree_node *node = &s->nodes[s->n_nodes];

	*node = (struct ark_tree_node){ .first_child = first, .n_children = n, .parent = s->n_nodes };
	node->first_leaf = s->nodes[first].first_leaf;
	for (uint8_t i = 0; i < n; i++) {
		struct ark_tree_node *child = &s->nodes[first + i];

		child->parent = s->n_nodes;
		child->position = i;
		node->n_leaves += child->n_leaves;
		if (child->level >= node->level)
			node->level = (uint8_t)(child->level + 1);
	}
	s->n_nodes++;
}

int ark_tree_shape_make(struct arena *a, size_t n_leaves, struct ark_tree_shape *ret, struct err *err)
{
	struct ark_tree_shape s = { 0 };
	uint32_t cursor = 0;

	if (n_leaves == 0 || n_leaves > ARK_TREE_LEAVES_MAX)
		return ERR(err, ERR_RANGE, "a tree of %zu leaves, not of 1 to %d", n_leaves, ARK_TREE_LEAVES_MAX);
	s.n_leaves = (uint32_t)n_leaves;
	/* Each node but the last has two children or more: there are fewer of them than leaves. */
	s.nodes = ARENA_ARRAY(a, 2 * n_leaves, struct ark_tree_node);
	for (; s.n_nodes < s.n_leaves; s.n_nodes++)
		s.nodes[s.n_nodes] = (struct ark_tree_node){ .first_leaf = s.n_nodes, .n_leaves = 1 };
	while (cursor < s.n_nodes - 1) {
		uint32_t left = s.n_nodes - cursor;
		uint8_t n = left < ARK_TREE_RADIX ? (uint8_t)left : ARK_TREE_RADIX;

		gather(&s, cursor, n);
		cursor += n;
	}
	*ret = s;
	return 0;
}

uint32_t ark_tree_root(const struct ark_tree_shape *s)
{
	return s->n_nodes - 1;
}

uint32_t ark_tree_internal(const struct ark_tree_shape *s)
{
	return s->n_nodes - s->n_leaves;
}

uint32_t ark_tree_leaf_below(const struct ark_tree_shape *s, uint32_t node, uint32_t i)
{
	assert(i < s->nodes[node].n_leaves);
	return (s->nodes[node].first_leaf + i) % s->n_leaves;
}

size_t ark_tree_branch_len(const struct ark_tree_shape *s, uint32_t leaf)
{
	size_t n = 0;

	for (uint32_t i = leaf; i != ark_tree_root(s); i = s->nodes[i].parent)
		n++;
	return n;
}
