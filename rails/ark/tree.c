#include "rails/ark/tree.h"

#include <assert.h>
#include <string.h>

#include "rails/ark/cosign.h"
#include "rails/ark/exit_tx.h"
#include "rails/bitcoin/secp.h"

#define BRANCH_MAX (1 + ARK_TREE_LEVELS_MAX) /* a leaf, and the nodes up to the root */

struct tree {
	struct arena *arena;
	const struct tree_spec *spec;
	enum tree_generation generation;
	struct outpoint utxo;
	struct ark_tree_shape shape;
	/* By node; false and NULL until somebody asks. */
	struct tree_node *nodes;
	bool *has_output; /* spent, cosigners and tweak are there */
	bool *has_tx;     /* and all the rest */
};

static const struct sat no_fee = { 0 };

static bool is_leaf(const struct tree *t, uint32_t node)
{
	return node < t->shape.n_leaves;
}

/* Every sum over leaves is at most this one. */
static int check_total(const struct tree_spec *s, struct err *err)
{
	struct sat sum = { 0 };

	for (size_t i = 0; i < s->n_leaves; i++)
		if (!sat_add(sum, s->leaves[i].output.amount, &sum))
			return ERR(err, ERR_RANGE, "the leaves of the tree come to more than any amount");
	return 0;
}

/* For each level the cosigners once more. */
size_t tree_room(const struct tree_spec *s)
{
	const size_t per_node = sizeof(struct tree_node) + 2 * sizeof(bool) + 1024;

	return 4096 + 2 * s->n_leaves * per_node +
	       (BRANCH_MAX * s->n_leaves + 2 * s->n_leaves * s->n_global) * sizeof(struct pubkey);
}

int tree_make(struct arena *a, const struct tree_spec *spec, enum tree_generation generation,
	      const struct outpoint *utxo, struct tree **ret, struct err *err)
{
	struct tree *t;

	if (check_total(spec, err) != 0)
		return -1;
	if (spec->n_leaves > ARK_TREE_LEAVES_MAX || spec->n_global > ARK_KEYS_MAX || !arena_room(a, tree_room(spec)))
		return ERR(err, ERR_RANGE, "a tree of %zu leaves is more than there is room for", spec->n_leaves);
	t = ARENA_NEW(a, struct tree);
	*t = (struct tree){ .arena = a, .spec = spec, .generation = generation, .utxo = *utxo };
	if (ark_tree_shape_make(a, spec->n_leaves, &t->shape, err) != 0)
		return -1;
	t->nodes = ARENA_ARRAY(a, t->shape.n_nodes, struct tree_node);
	t->has_output = ARENA_ARRAY(a, t->shape.n_nodes, bool);
	t->has_tx = ARENA_ARRAY(a, t->shape.n_nodes, bool);
	*ret = t;
	return 0;
}

const struct tree_spec *tree_spec_of(const struct tree *t)
{
	return t->spec;
}

const struct ark_tree_shape *tree_shape_of(const struct tree *t)
{
	return &t->shape;
}

const struct outpoint *tree_utxo_of(const struct tree *t)
{
	return &t->utxo;
}

static struct sat value_below(const struct tree *t, uint32_t node)
{
	struct sat sum = { 0 };

	for (uint32_t i = 0; i < t->shape.nodes[node].n_leaves; i++)
		sum.v += t->spec->leaves[ark_tree_leaf_below(&t->shape, node, i)].output.amount.v; /* check_total() */
	return sum;
}

/* The cosign keys of the leaves below, in their order, then those of every node. */
static void put_cosigners(struct tree *t, uint32_t node)
{
	const struct tree_spec *s = t->spec;
	uint32_t n_leaves = t->shape.nodes[node].n_leaves;
	struct pubkey *keys = ARENA_ARRAY(t->arena, n_leaves + s->n_global, struct pubkey);
	size_t n = 0;

	for (uint32_t i = 0; i < n_leaves; i++) {
		const struct tree_leaf *leaf = &s->leaves[ark_tree_leaf_below(&t->shape, node, i)];

		if (leaf->has_cosign)
			keys[n++] = leaf->cosign;
	}
	for (size_t i = 0; i < s->n_global; i++)
		keys[n++] = s->global[i];
	t->nodes[node].cosigners = keys;
	t->nodes[node].n_cosigners = n;
}

/* What a leaf spends, and anybody who knows what its hash is of can spend with the user and the server. */
static struct ark_policy leaf_lock(const struct tree *t, uint32_t leaf)
{
	const struct tree_leaf *l = &t->spec->leaves[leaf];

	return (struct ark_policy){ .kind = t->generation == TREE_V0 ? ARK_HARK_LEAF_V0 : ARK_HARK_LEAF,
				    .user = l->output.policy.user,
				    .hash = l->unlock_hash };
}

static int lock_of(struct tree *t, uint32_t node, struct ark_taproot *ret, struct err *err)
{
	struct tree_node *n = &t->nodes[node];
	struct ark_policy lock;

	if (is_leaf(t, node)) {
		lock = leaf_lock(t, node);
		return ark_policy_taproot(&lock, &t->spec->terms, ret, err);
	}
	put_cosigners(t, node);
	if (n->n_cosigners == 0)
		return ERR(err, ERR_CRYPTO, "nobody cosigns this node");
	return ark_cosign_taproot(n->cosigners, n->n_cosigners, &t->spec->terms, ret, err);
}

/* The output that a node spends. */
static int need_output(struct tree *t, uint32_t node, struct err *err)
{
	struct ark_taproot lock;
	struct spk spk;

	if (t->has_output[node])
		return 0;
	if (lock_of(t, node, &lock, err) != 0)
		return err_context(err, "tree node %u", node);
	spk = ark_taproot_spk(&lock);
	t->nodes[node].spent = (struct tx_out){ value_below(t, node), arena_bytes(t->arena, spk_bytes(&spk)) };
	t->nodes[node].tweak = lock.tweak;
	t->has_output[node] = true;
	return 0;
}

int tree_funding(struct tree *t, struct tx_out *ret, struct err *err)
{
	uint32_t root = ark_tree_root(&t->shape);

	if (need_output(t, root, err) != 0)
		return -1;
	*ret = t->nodes[root].spent;
	return 0;
}

static int put_outputs(struct tree *t, uint32_t node, struct tx_out *outs, size_t *n, struct err *err)
{
	const struct ark_tree_node *shape = &t->shape.nodes[node];
	const struct ark_output *own;
	struct spk spk;

	if (is_leaf(t, node)) {
		own = &t->spec->leaves[node].output;
		if (ark_policy_spk(&own->policy, &t->spec->terms, &spk, err) != 0)
			return err_context(err, "tree leaf %u", node);
		outs[0] = (struct tx_out){ own->amount, arena_bytes(t->arena, spk_bytes(&spk)) };
		*n = 1;
		return 0;
	}
	for (uint8_t i = 0; i < shape->n_children; i++) {
		if (need_output(t, shape->first_child + i, err) != 0)
			return -1;
		outs[i] = t->nodes[shape->first_child + i].spent;
	}
	*n = shape->n_children;
	return 0;
}

/* The transaction of a node whose parent's is there. */
static int need_tx(struct tree *t, uint32_t node, struct err *err)
{
	const struct ark_tree_node *shape = &t->shape.nodes[node];
	struct outpoint from = { t->nodes[shape->parent].txid, shape->position };
	struct tree_node *n = &t->nodes[node];
	struct tx_out outs[ARK_TREE_RADIX];
	size_t n_outs = 0;

	if (t->has_tx[node])
		return 0;
	if (need_output(t, node, err) != 0 || put_outputs(t, node, outs, &n_outs, err) != 0)
		return -1;
	ark_tx_make(t->arena, shape->parent == node ? &t->utxo : &from, outs, n_outs, no_fee, &n->tx);
	n->txid = tx_txid(&n->tx);
	if (!is_leaf(t, node) && ark_tx_sighash(&n->tx, &n->spent, NULL, &n->sighash, err) != 0)
		return -1;
	t->has_tx[node] = true;
	return 0;
}

int tree_node(struct tree *t, uint32_t node, const struct tree_node **ret, struct err *err)
{
	uint32_t path[BRANCH_MAX], at = node;
	size_t n = 0;

	assert(node < t->shape.n_nodes);
	for (; !t->has_tx[at] && n < BRANCH_MAX; at = t->shape.nodes[at].parent) {
		path[n++] = at;
		if (t->shape.nodes[at].parent == at)
			break;
	}
	while (n > 0)
		if (need_tx(t, path[--n], err) != 0)
			return -1;
	*ret = &t->nodes[node];
	return 0;
}

static int keys_of(const struct tree_node *n, struct musig_keys *ret, struct err *err)
{
	if (musig_keys_make(n->cosigners, n->n_cosigners, ret, err) != 0)
		return -1;
	return musig_keys_tweak(ret, &n->tweak, err);
}

static int sign_node(struct tree *t, uint32_t node, const struct secret *cosign, struct ark_nonces *nonces,
		     const struct musig_pubnonce *sum, struct musig_partial *ret, struct err *err)
{
	size_t level = t->shape.nodes[node].level - 1u;
	const struct tree_node *n;
	struct musig_session s;
	struct musig_keys keys;

	if (level >= ark_nonces_count(nonces))
		return ERR(err, ERR_PEER_INVALID, "a tree of level %zu needs more than our %zu nonces", level,
			   ark_nonces_count(nonces));
	if (tree_node(t, node, &n, err) != 0 || keys_of(n, &keys, err) != 0)
		return -1;
	if (musig_session_of_aggregate(&keys, sum, &n->sighash, &s, err) != 0)
		return ERR(err, ERR_PEER_INVALID, "the sum of nonces for tree node %u is none", node);
	return musig_sign(&s, cosign, ark_nonces_at(nonces, level), ret, err);
}

int tree_sign(struct tree *t, uint32_t leaf, const struct secret *cosign, struct ark_nonces *nonces,
	      struct tree_sums sums, struct musig_partial *ret, struct err *err)
{
	const struct tree_leaf *l = &t->spec->leaves[leaf];
	uint32_t root = ark_tree_root(&t->shape);

	assert(is_leaf(t, leaf));
	if (sums.n != ark_tree_internal(&t->shape))
		return ERR(err, ERR_PEER_INVALID, "%zu sums of nonces for %u nodes", sums.n,
			   ark_tree_internal(&t->shape));
	if (!l->has_cosign)
		return ERR(err, ERR_CRYPTO, "tree leaf %u is cosigned by nobody", leaf);
	if (ark_check_key(cosign, &l->cosign, err) != 0)
		return -1;
	for (uint32_t at = leaf; at != root;) {
		at = t->shape.nodes[at].parent;
		if (sign_node(t, at, cosign, nonces, &sums.v[at - t->shape.n_leaves], ret++, err) != 0)
			return -1;
	}
	return 0;
}

static int check_count(const struct tree *t, struct tree_signatures sigs, struct err *err)
{
	if (sigs.n != ark_tree_internal(&t->shape))
		return ERR(err, ERR_PEER_INVALID, "%zu signatures for %u nodes", sigs.n, ark_tree_internal(&t->shape));
	return 0;
}

static int verify_node(struct tree *t, uint32_t node, struct tree_signatures sigs, struct err *err)
{
	const struct tree_node *n;
	struct xonly key;

	if (tree_node(t, node, &n, err) != 0)
		return -1;
	/* P2TR: the output key is what the script has. */
	assert(n->spent.script.n == 2 + sizeof(key.b));
	memcpy(key.b, n->spent.script.p + 2, sizeof(key.b));
	if (!secp_xonly_verify(&key, &n->sighash, sigs.v[node - t->shape.n_leaves].b))
		return ERR(err, ERR_PEER_INVALID, "the signature of tree node %u is invalid", node);
	return 0;
}

int tree_verify_branch(struct tree *t, uint32_t leaf, struct tree_signatures sigs, struct err *err)
{
	assert(is_leaf(t, leaf));
	if (check_count(t, sigs, err) != 0)
		return -1;
	for (uint32_t at = leaf; at != ark_tree_root(&t->shape);) {
		at = t->shape.nodes[at].parent;
		if (verify_node(t, at, sigs, err) != 0)
			return -1;
	}
	return 0;
}

int tree_verify_all(struct tree *t, struct tree_signatures sigs, struct err *err)
{
	if (check_count(t, sigs, err) != 0)
		return -1;
	for (uint32_t i = t->shape.n_leaves; i < t->shape.n_nodes; i++)
		if (verify_node(t, i, sigs, err) != 0)
			return -1;
	return 0;
}

int tree_of_signed(struct arena *a, const struct tree_signed *s, struct tree **ret, struct tree_signatures *ret_sigs,
		   struct err *err)
{
	static const enum tree_generation tries[] = { TREE_V1, TREE_V0 };
	struct tree_signatures sigs = { s->signatures, s->n_signatures };

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		struct tree *t;

		if (tree_make(a, &s->spec, tries[i], &s->utxo, &t, err) != 0 || check_count(t, sigs, err) != 0)
			return -1;
		if (sigs.n > 0 && verify_node(t, t->shape.n_leaves, sigs, err) != 0)
			continue;
		*ret = t;
		*ret_sigs = sigs;
		return 0;
	}
	return err_context(err, "neither generation of hash locks");
}

/* The step through an internal node to its child at this position. */
static void put_step(struct arena *a, const struct tree_node *n, uint8_t position, const struct tree_signature *sig,
		     struct genesis_item *ret)
{
	size_t n_others = n->tx.n_out - 2; /* neither it nor the fee anchor */
	struct tx_out *others = ARENA_ARRAY(a, n_others, struct tx_out);

	memcpy(others, n->tx.out, position * sizeof(others[0]));
	memcpy(others + position, n->tx.out + position + 1, (n_others - position) * sizeof(others[0]));
	*ret = (struct genesis_item){ .kind = GENESIS_COSIGNED,
				      .keys = n->cosigners,
				      .n_keys = n->n_cosigners,
				      .has_signature = true,
				      .output_idx = position,
				      .others = others,
				      .n_others = (uint8_t)n_others };
	memcpy(ret->signature, sig->b, sizeof(ret->signature));
}

static void put_lock(struct arena *a, const struct tree *t, uint32_t leaf, struct genesis_item *ret)
{
	struct pubkey *user = ARENA_NEW(a, struct pubkey);

	*user = t->spec->leaves[leaf].output.policy.user;
	*ret = (struct genesis_item){ .kind = t->generation == TREE_V0 ? GENESIS_HASH_LOCKED_V0 : GENESIS_HASH_LOCKED,
				      .keys = user,
				      .n_keys = 1,
				      .unlock_hash = t->spec->leaves[leaf].unlock_hash };
}

int tree_leaf_vtxo(struct arena *a, struct tree *t, uint32_t leaf, struct tree_signatures sigs, struct vtxo *ret,
		   struct err *err)
{
	const struct ark_output *own = &t->spec->leaves[leaf].output;
	size_t n = ark_tree_branch_len(&t->shape, leaf);
	struct genesis_item *items = ARENA_ARRAY(a, n + 1, struct genesis_item);
	const struct tree_node *node;

	assert(is_leaf(t, leaf));
	if (check_count(t, sigs, err) != 0 || tree_node(t, leaf, &node, err) != 0)
		return -1;
	*ret = (struct vtxo){ .amount = own->amount,
			      .terms = t->spec->terms,
			      .anchor = t->utxo,
			      .items = items,
			      .n_items = n + 1,
			      .policy = own->policy,
			      .point = { node->txid, 0 } };
	put_lock(a, t, leaf, &items[n]);
	/* From the leaf up, so from the last step to the first. */
	for (uint32_t at = leaf; n > 0; at = t->shape.nodes[at].parent) {
		uint32_t parent = t->shape.nodes[at].parent;

		n--;
		put_step(a, &t->nodes[parent], t->shape.nodes[at].position, &sigs.v[parent - t->shape.n_leaves],
			 &items[n]);
	}
	return 0;
}
