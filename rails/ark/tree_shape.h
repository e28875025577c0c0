/* rails/ark/tree_shape.h - how the leaves of a round are gathered into one output: which node has which children.
 *
 * Facts: spec/ark-primitives.md §7.2.  Nodes are numbered: the leaves first, then the internal ones as they are made, the
 * root last.  Both the children and the leaves below a node lie side by side, the leaves modulo their number: of seven
 * leaves the root has 4, 5, 6, 0, 1, 2, 3, in this order, and the order is part of what is signed. */
#ifndef RAILS_ARK_TREE_SHAPE_H
#define RAILS_ARK_TREE_SHAPE_H

#include "base/arena.h"
#include "base/err.h"

#define ARK_TREE_RADIX      4
#define ARK_TREE_LEAVES_MAX 16384 /* ours: 4^7, a round in memory */
#define ARK_TREE_LEVELS_MAX 8     /* of so many leaves or fewer: one more than 7 where they do not come out even */

struct ark_tree_node {
	uint32_t first_child; /* the children are this and those after it; none for a leaf */
	uint32_t first_leaf;  /* the leaves below, modulo the number of leaves; a leaf is below itself */
	uint32_t n_leaves;
	uint32_t parent;    /* the root's is the root */
	uint8_t n_children; /* 0 to 4 */
	uint8_t position;   /* among the parent's children */
	uint8_t level;      /* 0 for a leaf, else one above its highest child */
};
struct ark_tree_shape {
	struct ark_tree_node *nodes;
	uint32_t n_nodes, n_leaves;
};

/* The arena takes about 32 bytes for each leaf.  ERR_RANGE: no leaf, or more than ARK_TREE_LEAVES_MAX. */
MUST_CHECK int ark_tree_shape_make(struct arena *a, size_t n_leaves, struct ark_tree_shape *ret, struct err *err);
uint32_t ark_tree_root(const struct ark_tree_shape *s);
uint32_t ark_tree_internal(const struct ark_tree_shape *s); /* how many nodes are no leaves */
/* The i-th of the leaves below a node, i < its n_leaves. */
uint32_t ark_tree_leaf_below(const struct ark_tree_shape *s, uint32_t node, uint32_t i);
/* How many internal nodes lie between a leaf and the anchor: its parent, and so on up to the root. */
size_t ark_tree_branch_len(const struct ark_tree_shape *s, uint32_t leaf);

#endif
