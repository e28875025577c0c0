#include "rails/bitcoin/taproot.h"

#include <string.h>

#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/taghash.h"

void tap_leaf_hash(uint8_t version, struct bytes script, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = BUF_CAP(script.n + 16);

	buf_u8(&b, version);
	buf_compact_bytes(&b, script);
	tagged_hash("TapLeaf", buf_bytes(&b), ret);
}

void tap_branch_hash(const struct hash32 *a, const struct hash32 *b, struct hash32 *ret)
{
	uint8_t both[64];
	bool in_order = memcmp(a->b, b->b, 32) <= 0;

	memcpy(both, in_order ? a->b : b->b, 32);
	memcpy(both + 32, in_order ? b->b : a->b, 32);
	tagged_hash("TapBranch", (struct bytes){ both, sizeof(both) }, ret);
}

/* --- trees --- */

/* A finished part of the tree: leaves first .. end - 1, waiting at some depth for its other half. */
struct part {
	struct hash32 hash;
	size_t first, end;
	unsigned depth;
};

/* While a tree is built, the way of each leaf is a slice of one array, TAP_DEPTH_MAX long at most. */
struct builder {
	struct tap_tree tree;
	struct hash32 **ways;
	struct part waiting[TAP_DEPTH_MAX + 1];
	size_t n_waiting;
};

/* Each leaf of one half gets the hash of the other as its next step. */
static void extend(struct builder *b, const struct part *half, const struct hash32 *other)
{
	for (size_t i = half->first; i < half->end; i++)
		b->ways[i][b->tree.paths[i].n++] = *other;
}

/* Joins halves at the same depth as long as there are two, as a binary counter carries. */
static void join(struct builder *b, struct part part)
{
	while (b->n_waiting > 0 && b->waiting[b->n_waiting - 1].depth == part.depth && part.depth > 0) {
		const struct part *left = &b->waiting[--b->n_waiting];
		struct hash32 both;

		extend(b, left, &part.hash);
		extend(b, &part, &left->hash);
		tap_branch_hash(&left->hash, &part.hash, &both);
		part = (struct part){ both, left->first, part.end, part.depth - 1 };
	}
	b->waiting[b->n_waiting++] = part;
}

static int check_leaf(const struct tap_leaf *leaf, size_t i, struct err *err)
{
	if (leaf->depth > TAP_DEPTH_MAX)
		return ERR(err, ERR_RANGE, "taproot tree: leaf %zu is deeper than %d", i, TAP_DEPTH_MAX);
	if ((leaf->version & 1) != 0 || leaf->version == TAP_ANNEX_TAG)
		return ERR(err, ERR_PARSE, "taproot tree: leaf %zu has version %#x", i, leaf->version);
	return 0;
}

/* What the paths of all leaves take, and a little for aligning them. */
static size_t tree_memory(const struct tap_leaf *leaves, size_t n)
{
	size_t sum = n * (sizeof(struct tap_path) + sizeof(struct hash32 *) + 16) + 64;

	for (size_t i = 0; i < n; i++)
		sum += leaves[i].depth * sizeof(struct hash32);
	return sum;
}

int tap_tree_make(struct arena *a, const struct tap_leaf *leaves, size_t n, struct tap_tree *ret, struct err *err)
{
	struct builder b = { .tree.n = n };

	if (n == 0 || n > TAP_LEAVES_MAX)
		return ERR(err, ERR_RANGE, "taproot tree: %zu leaves", n);
	if (!arena_room(a, tree_memory(leaves, n)))
		return ERR(err, ERR_RANGE, "taproot tree: larger than there is room for here");
	b.tree.paths = ARENA_ARRAY(a, n, struct tap_path);
	b.ways = ARENA_ARRAY(a, n, struct hash32 *);
	for (size_t i = 0; i < n; i++) {
		struct part leaf = { .first = i, .end = i + 1, .depth = leaves[i].depth };

		if (check_leaf(&leaves[i], i, err) != 0)
			return -1;
		/* What waits must be above this leaf, or its other half can no longer come. */
		if (b.n_waiting > 0 && b.waiting[b.n_waiting - 1].depth > leaf.depth)
			return ERR(err, ERR_PARSE, "taproot tree: leaf %zu is too high up", i);
		b.ways[i] = ARENA_ARRAY(a, leaf.depth, struct hash32);
		b.tree.paths[i].steps = b.ways[i];
		tap_leaf_hash(leaves[i].version, leaves[i].script, &leaf.hash);
		b.tree.paths[i].leaf = leaf.hash;
		if (b.n_waiting > 0 && b.waiting[0].depth == 0)
			return ERR(err, ERR_PARSE, "taproot tree: leaf %zu comes after a whole tree", i);
		join(&b, leaf);
	}
	if (b.n_waiting != 1 || b.waiting[0].depth != 0)
		return ERR(err, ERR_PARSE, "taproot tree: a branch has only one half");
	b.tree.root = b.waiting[0].hash;
	*ret = b.tree;
	return 0;
}

/* --- outputs --- */

void tap_tweak_hash(const struct xonly *internal, const struct hash32 *root, struct hash32 *ret)
{
	uint8_t both[64];

	memcpy(both, internal->b, 32);
	if (root != NULL)
		memcpy(both + 32, root->b, 32);
	tagged_hash("TapTweak", (struct bytes){ both, root != NULL ? 64 : 32 }, ret);
}

int tap_output_make(const struct xonly *internal, const struct hash32 *root, struct tap_output *ret, struct err *err)
{
	struct tap_output out;
	struct hash32 tweak;

	tap_tweak_hash(internal, root, &tweak);
	if (!secp_xonly_tweak_add(internal, &tweak, &out.key, &out.odd))
		return ERR(err, ERR_CRYPTO, "taproot: the internal key is no key");
	*ret = out;
	return 0;
}

int tap_bip86_spk(const struct xonly *internal, struct spk *ret, struct err *err)
{
	struct tap_output out;

	if (tap_output_make(internal, NULL, &out, err) != 0)
		return -1;
	*ret = spk_p2tr(&out.key);
	return 0;
}

int tap_secret_tweak(const struct secret *internal, const struct hash32 *root, struct secret *ret, struct err *err)
{
	struct hash32 tweak;
	struct xonly x;

	if (!secp_seckey_xonly(internal, &x))
		return ERR(err, ERR_CRYPTO, "taproot: the internal key is no key");
	tap_tweak_hash(&x, root, &tweak);
	if (!secp_seckey_xonly_tweak_add(internal, &tweak, ret))
		return ERR(err, ERR_CRYPTO, "taproot: this tree makes no key of this one");
	return 0;
}

/* --- control blocks --- */

struct bytes tap_control_make(struct arena *a, uint8_t version, const struct xonly *internal, bool odd,
			      const struct tap_path *path)
{
	size_t n = TAP_CONTROL_MIN + 32 * path->n;
	uint8_t *p = arena_alloc(a, n);

	p[0] = (uint8_t)(version | (odd ? 1 : 0));
	memcpy(p + 1, internal->b, 32);
	for (size_t i = 0; i < path->n; i++)
		memcpy(p + TAP_CONTROL_MIN + 32 * i, path->steps[i].b, 32);
	return (struct bytes){ p, n };
}

int tap_control_parse(struct bytes v, struct tap_control *ret, struct err *err)
{
	struct tap_control c;

	if (v.n < TAP_CONTROL_MIN || v.n > TAP_CONTROL_MAX || (v.n - TAP_CONTROL_MIN) % 32 != 0)
		return ERR(err, ERR_PARSE, "control block: %zu bytes", v.n);
	c.version = v.p[0] & 0xfe;
	c.odd = (v.p[0] & 1) != 0;
	memcpy(c.internal.b, v.p + 1, 32);
	c.steps = (struct bytes){ v.p + TAP_CONTROL_MIN, v.n - TAP_CONTROL_MIN };
	*ret = c;
	return 0;
}

bool tap_control_verify(const struct xonly *output, struct bytes script, struct bytes control, struct hash32 *ret)
{
	struct tap_control c;
	struct hash32 leaf, at, tweak;
	struct err ignored; /* the answer is no, whatever the reason */

	if (tap_control_parse(control, &c, &ignored) != 0)
		return false;
	tap_leaf_hash(c.version, script, &leaf);
	at = leaf;
	for (size_t i = 0; i < c.steps.n; i += 32) {
		struct hash32 step;

		memcpy(step.b, c.steps.p + i, 32);
		tap_branch_hash(&at, &step, &at);
	}
	tap_tweak_hash(&c.internal, &at, &tweak);
	if (!secp_xonly_tweak_check(output, c.odd, &c.internal, &tweak))
		return false;
	if (ret != NULL)
		*ret = leaf;
	return true;
}
