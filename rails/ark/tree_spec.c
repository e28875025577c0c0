#include "rails/ark/tree_spec.h"

#include <assert.h>

#define LEAF_SIZE_MIN  (1 + 33 + 8 + 1 + 32) /* a pubkey policy, and no cosign key */
#define LEAF_SIZE_MAX  (ARK_POLICY_SIZE_MAX + 8 + 33 + 32)
#define SPEC_HEAD_SIZE 64
#define SIGNATURE_SIZE 64
#define OUTPOINT_SIZE  36
#define SIGNED_U32     1u /* of an old version: its count of signatures is a number of 32 bits */

static void leaf_read(struct ark_reader *r, struct tree_leaf *ret)
{
	ark_policy_read(r, ARK_USER_POLICY, &ret->output.policy);
	ret->output.amount = ark_read_sat(r, "leaf amount");
	ret->has_cosign = ark_read_optional_pubkey(r, "leaf cosign_pubkey", &ret->cosign);
	ret->unlock_hash = ark_read_hash(r, "leaf unlock_hash");
}

void tree_leaf_put(struct buf *b, const struct tree_leaf *l)
{
	ark_policy_put(b, &l->output.policy);
	ark_put_sat(b, l->output.amount);
	ark_put_optional_pubkey(b, l->has_cosign ? &l->cosign : NULL);
	buf_add(b, l->unlock_hash.b, sizeof(l->unlock_hash.b));
}

int tree_leaf_decode(struct bytes v, struct tree_leaf *ret, struct err *err)
{
	struct ark_reader r = ark_reader_of(v, ERR_PARSE, err);
	struct tree_leaf leaf = { 0 };

	leaf_read(&r, &leaf);
	if (ark_reader_end(&r, "tree leaf") != 0)
		return -1;
	*ret = leaf;
	return 0;
}

/* As many as follow; NULL with a failed reader when the arena has no room for what the bytes claim. */
static void *list_of(struct arena *a, struct ark_reader *r, const char *field, size_t n, size_t size)
{
	if (!ark_reader_ok(r))
		return NULL;
	if (!arena_room(a, n * size)) {
		ark_refuse(r, ERR_RANGE, field, "%zu of them are too many", n);
		return NULL;
	}
	return arena_array(a, n, size);
}

static void read_global(struct arena *a, struct ark_reader *r, struct tree_spec *s)
{
	size_t n = ark_read_count(r, "global_cosign_pubkeys", 33, ARK_KEYS_MAX);
	struct pubkey *keys = list_of(a, r, "global_cosign_pubkeys", n, sizeof(*keys));

	for (size_t i = 0; keys != NULL && i < n; i++)
		keys[i] = ark_read_pubkey(r, "global_cosign_pubkey");
	s->global = keys;
	s->n_global = n;
}

static void read_leaves(struct arena *a, struct ark_reader *r, struct tree_spec *s)
{
	size_t n = ark_read_count(r, "leaves", LEAF_SIZE_MIN, ARK_TREE_LEAVES_MAX);
	struct tree_leaf *leaves = list_of(a, r, "leaves", n, sizeof(*leaves));

	if (leaves != NULL && n == 0)
		ark_refuse(r, ERR_NONE, "leaves", "there are none");
	for (size_t i = 0; leaves != NULL && i < n; i++)
		leaf_read(r, &leaves[i]);
	s->leaves = leaves;
	s->n_leaves = n;
}

static void spec_read(struct arena *a, struct ark_reader *r, struct tree_spec *ret)
{
	uint8_t version = ark_read_u8(r, "spec version");

	if (version != TREE_SPEC_VERSION)
		ark_refuse(r, ERR_NONE, "spec version", "%u is not known", version);
	ret->terms.expiry_height = ark_read_height(r, "expiry_height");
	ret->terms.server = ark_read_pubkey(r, "server_pubkey");
	ret->terms.exit_delta = ark_read_delta(r, "exit_delta");
	read_global(a, r, ret);
	read_leaves(a, r, ret);
}

int tree_spec_decode(struct arena *a, struct bytes v, struct tree_spec *ret, struct err *err)
{
	struct ark_reader r = ark_reader_of(v, ERR_PARSE, err);
	struct tree_spec s = { 0 };

	spec_read(a, &r, &s);
	if (ark_reader_end(&r, "tree spec") != 0)
		return -1;
	*ret = s;
	return 0;
}

static size_t spec_room(const struct tree_spec *s)
{
	return SPEC_HEAD_SIZE + s->n_global * 33 + s->n_leaves * LEAF_SIZE_MAX;
}

static void spec_put(struct buf *b, const struct tree_spec *s)
{
	buf_u8(b, TREE_SPEC_VERSION);
	buf_le32(b, s->terms.expiry_height);
	ark_put_pubkey(b, &s->terms.server);
	buf_le16(b, s->terms.exit_delta);
	buf_compact(b, s->n_global);
	for (size_t i = 0; i < s->n_global; i++)
		ark_put_pubkey(b, &s->global[i]);
	buf_compact(b, s->n_leaves);
	for (size_t i = 0; i < s->n_leaves; i++)
		tree_leaf_put(b, &s->leaves[i]);
}

struct bytes tree_spec_encode(struct arena *a, const struct tree_spec *s)
{
	SCOPED(buf) struct buf b = BUF_CAP(spec_room(s));

	spec_put(&b, s);
	assert(buf_ok(&b));
	return arena_bytes(a, buf_bytes(&b));
}

static size_t read_signature_count(struct ark_reader *r, uint8_t version)
{
	uint32_t n;

	if (version != SIGNED_U32)
		return ark_read_count(r, "cosign_sigs", SIGNATURE_SIZE, ARK_KEYS_MAX);
	n = ark_read_le32(r, "cosign_sigs");
	if (n > ARK_KEYS_MAX || n > r->in.n / SIGNATURE_SIZE) {
		ark_refuse(r, ERR_NONE, "cosign_sigs", "oversized vector");
		return 0;
	}
	return n;
}

static void read_signatures(struct arena *a, struct ark_reader *r, uint8_t version, struct tree_signed *s)
{
	size_t n = read_signature_count(r, version);
	struct tree_signature *sigs = list_of(a, r, "cosign_sigs", n, sizeof(*sigs));

	for (size_t i = 0; sigs != NULL && i < n; i++)
		ark_read_copy(r, "cosign_sig", sigs[i].b, sizeof(sigs[i].b));
	s->signatures = sigs;
	s->n_signatures = n;
}

int tree_signed_decode(struct arena *a, struct bytes v, struct tree_signed *ret, struct err *err)
{
	struct ark_reader r = ark_reader_of(v, ERR_PARSE, err);
	uint8_t version = ark_read_u8(&r, "version");
	struct tree_signed s = { 0 };

	if (version != SIGNED_U32 && version != TREE_SPEC_VERSION)
		ark_refuse(&r, ERR_NONE, "version", "%u is not known", version);
	spec_read(a, &r, &s.spec);
	s.utxo = ark_read_outpoint(&r, "utxo");
	read_signatures(a, &r, version, &s);
	if (ark_reader_end(&r, "signed tree spec") != 0)
		return -1;
	*ret = s;
	return 0;
}

struct bytes tree_signed_encode(struct arena *a, const struct tree_signed *s)
{
	SCOPED(buf)
	struct buf b = BUF_CAP(spec_room(&s->spec) + OUTPOINT_SIZE + 16 + s->n_signatures * SIGNATURE_SIZE);

	buf_u8(&b, TREE_SPEC_VERSION);
	spec_put(&b, &s->spec);
	outpoint_encode(&s->utxo, &b);
	buf_compact(&b, s->n_signatures);
	for (size_t i = 0; i < s->n_signatures; i++)
		buf_add(&b, s->signatures[i].b, SIGNATURE_SIZE);
	assert(buf_ok(&b));
	return arena_bytes(a, buf_bytes(&b));
}
