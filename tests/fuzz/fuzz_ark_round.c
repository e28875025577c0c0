/* What a server sends of a round: by the first byte a signed tree, a tree, a leaf of one, or a bundle of a forfeit (which it
 * reads, and a test's server writes).  What is read is written in one way only, and of a small tree every node can be worked
 * out, or is refused. */
#include <stdlib.h>
#include <string.h>

#include "rails/ark/forfeit.h"
#include "rails/ark/tree.h"
#include "rails/bitcoin/secp.h"

#define SMALL 6 /* leaves */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct arena room(size_t size)
{
	return ARENA_LIMIT(1024 * 1024 + 64 * size);
}

static void work_out(const struct tree_spec *s, const struct outpoint *utxo)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(tree_room(s) + 65536);
	const struct tree_node *n;
	struct tree *t;
	struct err err;

	if (s->n_leaves > SMALL || s->n_global > SMALL || tree_make(&a, s, TREE_V1, utxo, &t, &err) != 0)
		return;
	for (uint32_t i = 0; i < tree_shape_of(t)->n_nodes; i++)
		if (tree_node(t, i, &n, &err) != 0)
			must(err.code == ERR_CRYPTO);
}

static void signed_tree(struct bytes v)
{
	SCOPED(arena) struct arena a = room(v.n);
	struct tree_signed s, again;
	struct bytes encoded;
	struct err err;

	if (tree_signed_decode(&a, v, &s, &err) != 0)
		return;
	encoded = tree_signed_encode(&a, &s);
	must(v.p[0] == 1 || bytes_equal(encoded, v));
	must(tree_signed_decode(&a, encoded, &again, &err) == 0);
	must(bytes_equal(tree_signed_encode(&a, &again), encoded));
	work_out(&s.spec, &s.utxo);
}

static void spec(struct bytes v)
{
	SCOPED(arena) struct arena a = room(v.n);
	struct outpoint utxo = { .vout = 0 };
	struct tree_spec s;
	struct err err;

	if (tree_spec_decode(&a, v, &s, &err) != 0)
		return;
	must(bytes_equal(tree_spec_encode(&a, &s), v));
	work_out(&s, &utxo);
}

static void leaf(struct bytes v)
{
	SCOPED(buf) struct buf b = BUF_CAP(512);
	struct tree_leaf l;
	struct err err;

	if (tree_leaf_decode(v, &l, &err) != 0)
		return;
	tree_leaf_put(&b, &l);
	must(buf_ok(&b) && bytes_equal(buf_bytes(&b), v));
}

static void bundle(struct bytes v)
{
	uint8_t again[FORFEIT_BUNDLE_SIZE];
	struct forfeit_bundle b;
	struct err err;

	if (forfeit_bundle_decode(v, &b, &err) != 0)
		return;
	forfeit_bundle_encode(&b, again);
	must(v.n == sizeof(again) && memcmp(again, v.p, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct bytes) = { signed_tree, spec, leaf, bundle };
	static const uint8_t blind[32] = { 1 };
	static bool ready;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size > 0)
		readers[data[0] % ARRAY_LEN(readers)]((struct bytes){ data + 1, size - 1 });
	return 0;
}
