#include "tests/support/ark_round.h"

static void free_nonces(void *p)
{
	ark_nonces_free(p);
}

static int draw(struct arena *a, const struct secret *key, size_t n, struct ark_nonces **ret, struct err *err)
{
	if (ark_nonces_new(key, NULL, n, ret, err) != 0)
		return -1;
	arena_defer(a, free_nonces, *ret);
	return 0;
}

static int sum_node(struct tree *t, uint32_t node, const struct ark_round_nonces *n, struct musig_pubnonce *scratch,
		    struct musig_pubnonce *ret, struct err *err)
{
	const struct ark_tree_shape *s = tree_shape_of(t);
	uint32_t n_leaves = s->nodes[node].n_leaves;

	for (uint32_t i = 0; i < n_leaves; i++) {
		uint32_t leaf = ark_tree_leaf_below(s, node, i);

		scratch[i] = ark_nonces_public(n->leaves[leaf])[s->nodes[node].level - 1];
	}
	scratch[n_leaves] = ark_nonces_public(n->server)[node - s->n_leaves];
	return musig_nonces_add(scratch, n_leaves + 1, ret, err);
}

int ark_round_draw(struct arena *a, struct tree *t, struct ark_cosigners keys, struct ark_round_nonces *ret,
		   struct err *err)
{
	const struct ark_tree_shape *s = tree_shape_of(t);
	struct musig_pubnonce *sums = ARENA_ARRAY(a, ark_tree_internal(s), struct musig_pubnonce);
	struct musig_pubnonce *scratch = ARENA_ARRAY(a, s->n_leaves + 1, struct musig_pubnonce);
	struct ark_round_nonces n = { .leaves = ARENA_ARRAY(a, s->n_leaves, struct ark_nonces *),
				      .sums = { sums, ark_tree_internal(s) } };

	for (uint32_t i = 0; i < s->n_leaves; i++)
		if (draw(a, &keys.leaves[i], ARK_TREE_LEVELS_MAX, &n.leaves[i], err) != 0)
			return -1;
	if (draw(a, keys.server, ark_tree_internal(s), &n.server, err) != 0)
		return -1;
	for (uint32_t node = s->n_leaves; node < s->n_nodes; node++)
		if (sum_node(t, node, &n, scratch, &sums[node - s->n_leaves], err) != 0)
			return -1;
	*ret = n;
	return 0;
}

/* The parts of one node's signature, as they come in. */
struct parts {
	struct musig_partial *v;
	size_t n;
};

static int collect(struct arena *a, struct tree *t, struct ark_cosigners keys, struct ark_round_nonces *n,
		   struct parts *parts, struct err *err)
{
	const struct ark_tree_shape *s = tree_shape_of(t);

	for (uint32_t leaf = 0; leaf < s->n_leaves; leaf++) {
		struct musig_partial ours[ARK_TREE_LEVELS_MAX];
		size_t i = 0;

		if (tree_sign(t, leaf, &keys.leaves[leaf], n->leaves[leaf], n->sums, ours, err) != 0)
			return -1;
		for (uint32_t at = leaf; at != ark_tree_root(s);) {
			struct parts *p;

			at = s->nodes[at].parent;
			p = &parts[at - s->n_leaves];
			if (p->v == NULL)
				p->v = ARENA_ARRAY(a, s->nodes[at].n_leaves + 1, struct musig_partial);
			p->v[p->n++] = ours[i++];
		}
	}
	return 0;
}

static int finish(struct tree *t, uint32_t i, const struct secret *server, struct ark_round_nonces *n,
		  struct parts *parts, struct tree_signature *ret, struct err *err)
{
	const struct tree_node *node;
	struct musig_session session;
	struct musig_keys keys;

	if (tree_node(t, tree_shape_of(t)->n_leaves + i, &node, err) != 0 ||
	    musig_keys_make(node->cosigners, node->n_cosigners, &keys, err) != 0 ||
	    musig_keys_tweak(&keys, &node->tweak, err) != 0 ||
	    musig_session_of_aggregate(&keys, &n->sums.v[i], &node->sighash, &session, err) != 0 ||
	    musig_sign(&session, server, ark_nonces_at(n->server, i), &parts->v[parts->n++], err) != 0)
		return -1;
	return musig_finish(&session, parts->v, parts->n, ret->b, err);
}

int ark_round_sign(struct arena *a, struct tree *t, struct ark_cosigners keys, struct tree_signatures *ret,
		   struct err *err)
{
	uint32_t n_internal = ark_tree_internal(tree_shape_of(t));
	struct tree_signature *sigs = ARENA_ARRAY(a, n_internal, struct tree_signature);
	struct parts *parts = ARENA_ARRAY(a, n_internal, struct parts);
	struct ark_round_nonces n;

	if (ark_round_draw(a, t, keys, &n, err) != 0 || collect(a, t, keys, &n, parts, err) != 0)
		return -1;
	for (uint32_t i = 0; i < n_internal; i++)
		if (finish(t, i, keys.server, &n, &parts[i], &sigs[i], err) != 0)
			return -1;
	*ret = (struct tree_signatures){ sigs, n_internal };
	return 0;
}
