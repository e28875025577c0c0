#include "rails/ark/genesis.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/secp.h"

#define PREIMAGE_GIVEN 0
#define HASH_GIVEN     1
/* Bytes of the smallest output: value, length, no script. */
#define TX_OUT_MIN 9

const char *genesis_name(enum genesis_kind k)
{
	switch (k) {
	case GENESIS_COSIGNED:
		return "cosigned";
	case GENESIS_ARKOOR:
		return "arkoor";
	case GENESIS_HASH_LOCKED_V0:
		return "hash-locked-cosigned";
	case GENESIS_HASH_LOCKED:
		return "hash-locked-cosigned-v1";
	}
	return "?"; /* no decoder lets another number in */
}

static bool is_hash_locked(const struct genesis_item *g)
{
	return g->kind == GENESIS_HASH_LOCKED_V0 || g->kind == GENESIS_HASH_LOCKED;
}

/* --- reading --- */

/* Room for n elements, or a failed reader and NULL. */
static void *room(struct arena *a, struct ark_reader *r, size_t n, size_t size)
{
	if (!ark_reader_ok(r))
		return NULL;
	if (!arena_room(a, n * size)) {
		ark_refuse(r, ERR_RANGE, "genesis", "larger than there is room for here");
		return NULL;
	}
	return arena_array(a, n, size);
}

static void read_keys(struct arena *a, struct ark_reader *r, struct genesis_item *g)
{
	size_t n = ark_read_count(r, "genesis pubkeys", sizeof(struct pubkey), ARK_KEYS_MAX);
	struct pubkey *keys = room(a, r, n, sizeof(*keys));

	for (size_t i = 0; keys != NULL && i < n; i++)
		keys[i] = ark_read_pubkey(r, "genesis pubkeys");
	g->keys = keys;
	g->n_keys = keys != NULL ? n : 0;
}

static void read_signature(struct ark_reader *r, struct genesis_item *g)
{
	g->has_signature = ark_read_optional_signature(r, "genesis signature", g->signature);
}

static void read_cosigned(struct arena *a, struct ark_reader *r, struct genesis_item *g)
{
	read_keys(a, r, g);
	if (g->n_keys == 0)
		ark_refuse(r, ERR_NONE, "genesis pubkeys", "cosigned transition with empty pubkey list");
	read_signature(r, g);
}

static void read_arkoor(struct arena *a, struct ark_reader *r, struct genesis_item *g)
{
	static const struct hash32 zero;
	struct secret scalar;

	read_keys(a, r, g);
	g->tweak = ark_read_hash(r, "genesis tap_tweak");
	memcpy(scalar.b, g->tweak.b, sizeof(scalar.b));
	if (!hash32_equal(&g->tweak, &zero) && !secp_seckey_valid(&scalar)) /* zero is a tweak, but no secret key */
		ark_refuse(r, ERR_NONE, "genesis tap_tweak", "arkoor tap tweak is not a valid scalar");
	read_signature(r, g);
}

static void read_hash_locked(struct arena *a, struct ark_reader *r, struct genesis_item *g)
{
	struct pubkey *user = room(a, r, 1, sizeof(*user));
	uint8_t given;

	if (user == NULL)
		return;
	*user = ark_read_pubkey(r, "genesis user_pubkey");
	g->keys = user;
	g->n_keys = 1;
	read_signature(r, g);
	given = ark_read_u8(r, "genesis unlock");
	if (given > HASH_GIVEN)
		ark_refuse(r, ERR_NONE, "genesis unlock", "invalid MaybePreimage type byte %u", given);
	g->unlock_hash = ark_read_hash(r, "genesis unlock");
	if (given != PREIMAGE_GIVEN)
		return;
	g->has_preimage = true;
	memcpy(g->preimage, g->unlock_hash.b, sizeof(g->preimage));
	sha256((struct bytes){ g->preimage, sizeof(g->preimage) }, &g->unlock_hash);
}

void genesis_transition_read(struct arena *a, struct ark_reader *r, struct genesis_item *ret)
{
	uint8_t kind = ark_read_u8(r, "genesis");
	struct genesis_item g = { .kind = kind };

	switch (kind) {
	case GENESIS_COSIGNED:
		read_cosigned(a, r, &g);
		break;
	case GENESIS_ARKOOR:
		read_arkoor(a, r, &g);
		break;
	case GENESIS_HASH_LOCKED_V0:
	case GENESIS_HASH_LOCKED:
		read_hash_locked(a, r, &g);
		break;
	default:
		ark_refuse(r, ERR_NONE, "genesis", "invalid GenesisTransition type byte %u", kind);
	}
	if (ark_reader_ok(r))
		*ret = g;
}

static void read_others(struct arena *a, struct ark_reader *r, size_t n, struct genesis_item *g)
{
	struct tx_out *outs;

	if (n > r->in.n / TX_OUT_MIN)
		ark_refuse(r, ERR_NONE, "genesis outputs", "unexpected end of input");
	outs = room(a, r, n, sizeof(*outs));
	for (size_t i = 0; outs != NULL && i < n; i++)
		outs[i] = ark_read_tx_out(r, "genesis outputs");
	g->others = outs;
	g->n_others = outs != NULL ? (uint8_t)n : 0;
}

void genesis_item_read(struct arena *a, struct ark_reader *r, unsigned version, struct genesis_item *ret)
{
	struct genesis_item g = { .kind = GENESIS_COSIGNED };
	uint8_t n_outputs;

	genesis_transition_read(a, r, &g);
	n_outputs = ark_read_u8(r, "genesis nb_outputs");
	if (n_outputs == 0) {
		ark_refuse(r, ERR_NONE, "genesis nb_outputs", "genesis item with 0 outputs");
		return;
	}
	g.output_idx = ark_read_u8(r, "genesis output_idx");
	if (g.output_idx >= n_outputs)
		ark_refuse(r, ERR_NONE, "genesis output_idx", "genesis item output_idx out of range: %u of %u",
			   g.output_idx, n_outputs);
	read_others(a, r, n_outputs - 1u, &g);
	if (version >= 2)
		g.fee = ark_read_sat(r, "genesis fee_amount");
	if (ark_reader_ok(r))
		*ret = g;
}

/* --- writing --- */

static void put_keys(struct buf *b, const struct genesis_item *g)
{
	buf_compact(b, g->n_keys);
	for (size_t i = 0; i < g->n_keys; i++)
		ark_put_pubkey(b, &g->keys[i]);
}

void genesis_transition_put(struct buf *b, const struct genesis_item *g)
{
	buf_u8(b, (uint8_t)g->kind);
	if (is_hash_locked(g))
		ark_put_pubkey(b, &g->keys[0]);
	else
		put_keys(b, g);
	if (g->kind == GENESIS_ARKOOR)
		buf_add(b, g->tweak.b, sizeof(g->tweak.b));
	ark_put_optional_signature(b, g->has_signature ? g->signature : NULL);
	if (is_hash_locked(g)) {
		buf_u8(b, g->has_preimage ? PREIMAGE_GIVEN : HASH_GIVEN);
		buf_add(b, g->has_preimage ? g->preimage : g->unlock_hash.b, 32);
	}
}

void genesis_item_put(struct buf *b, const struct genesis_item *g)
{
	genesis_transition_put(b, g);
	buf_u8(b, (uint8_t)(g->n_others + 1));
	buf_u8(b, g->output_idx);
	for (size_t i = 0; i < g->n_others; i++)
		tx_out_encode(&g->others[i], b);
	ark_put_sat(b, g->fee);
}

/* --- what it spends --- */

/* By all keys together, unless the output has a tree that is not known. */
static int spent_by_key(struct ark_memo *m, const struct genesis_item *g, const struct ark_terms *t,
			struct genesis_spent *ret, struct err *err)
{
	if (g->kind == GENESIS_ARKOOR)
		return ark_tweaked_output_by(m, g->keys, g->n_keys, &t->server, &g->tweak, &ret->key, err);
	if (ark_cosign_taproot_by(m, g->keys, g->n_keys, t, &ret->tap, err) != 0)
		return -1;
	ret->key = ret->tap.output.key;
	return 0;
}

/* The leaf is signed under the aggregate itself, to which nothing is added. */
static int spent_by_leaf(struct ark_memo *m, const struct genesis_item *g, const struct ark_terms *t,
			 struct genesis_spent *ret, struct err *err)
{
	struct ark_policy leaf = { .kind = g->kind == GENESIS_HASH_LOCKED ? ARK_HARK_LEAF : ARK_HARK_LEAF_V0,
				   .user = g->keys[0],
				   .hash = g->unlock_hash };

	if (ark_policy_taproot_by(m, &leaf, t, &ret->tap, err) != 0)
		return -1;
	ret->by_leaf = true;
	ret->key = ret->tap.internal;
	return 0;
}

int genesis_spent_output(struct ark_memo *memo, const struct genesis_item *g, const struct ark_terms *t,
			 struct genesis_spent *ret, struct err *err)
{
	struct genesis_spent s = { .by_leaf = false };

	if ((is_hash_locked(g) ? spent_by_leaf(memo, g, t, &s, err) : spent_by_key(memo, g, t, &s, err)) != 0)
		return -1;
	s.spk = spk_p2tr(s.by_leaf ? &s.tap.output.key : &s.key);
	*ret = s;
	return 0;
}

bool genesis_side_value(const struct genesis_item *g, struct sat *ret)
{
	struct sat sum = g->fee;

	for (size_t i = 0; i < g->n_others; i++)
		if (!sat_add(sum, g->others[i].value, &sum))
			return false;
	*ret = sum;
	return true;
}

bool genesis_has_witness(const struct genesis_item *g)
{
	return g->has_signature && (!is_hash_locked(g) || g->has_preimage);
}
