#include "rails/ark/vtxo.h"

#include <assert.h>

#include "base/text.h"

/* What is written may be a little longer than what was read: version 1 has no fees, and an arkoor adds steps. */
#define ENCODING_MAX (2 * VTXO_SIZE_MAX)

/* --- reading --- */

static void read_genesis(struct arena *a, struct ark_reader *r, unsigned version, struct vtxo *v)
{
	size_t n = ark_read_count(r, "genesis", version >= 2 ? GENESIS_ITEM_MIN : GENESIS_ITEM_MIN - 8, GENESIS_MAX);
	struct genesis_item *items;

	if (!ark_reader_ok(r))
		return;
	if (!arena_room(a, n * sizeof(*items))) {
		ark_refuse(r, ERR_RANGE, "genesis", "larger than there is room for here");
		return;
	}
	items = ARENA_ARRAY(a, n, struct genesis_item);
	for (size_t i = 0; i < n && ark_reader_ok(r); i++)
		genesis_item_read(a, r, version, &items[i]);
	v->items = items;
	v->n_items = n;
}

static unsigned read_version(struct ark_reader *r)
{
	unsigned version = ark_read_le16(r, "version");

	if (version < 1 || version > VTXO_VERSION)
		ark_refuse(r, ERR_VTXO_VERSION, "version", "invalid Vtxo encoding version %u", version);
	return version;
}

static unsigned read_vtxo(struct arena *a, struct ark_reader *r, enum vtxo_form form, struct vtxo *v)
{
	unsigned version = read_version(r);

	v->amount = ark_read_sat(r, "amount");
	v->terms.expiry_height = ark_read_height(r, "expiry_height");
	v->terms.server = ark_read_pubkey(r, "server_pubkey");
	v->terms.exit_delta = ark_read_delta(r, "exit_delta");
	v->anchor = ark_read_outpoint(r, "anchor_point");
	read_genesis(a, r, version, v);
	ark_policy_read(r, form == VTXO_SERVER ? ARK_ANY_POLICY : ARK_USER_POLICY, &v->policy);
	v->point = ark_read_outpoint(r, "point");
	return version;
}

/* An outpoint that is its own anchor is on chain, and nothing leads to it; any other has a way from there. */
static int check_full(const struct vtxo *v, struct err *err)
{
	bool on_chain = outpoint_equal(&v->point, &v->anchor);

	if (!on_chain && v->n_items == 0) {
		ERR(err, ERR_VTXO_BARE, "genesis: missing genesis items: this is a bare VTXO");
		return err_hint(err, "export it again with its genesis: without that it cannot exit");
	}
	if (on_chain && v->n_items > 0)
		return ERR(err, ERR_VTXO, "genesis: unexpected genesis items: the point is the anchor itself");
	return 0;
}

/* The bytes are copied, so that scripts may be views of the copy. */
static int copy_of(struct arena *a, struct bytes v, struct bytes *ret, struct err *err)
{
	if (v.n > VTXO_SIZE_MAX || !arena_room(a, v.n + 1))
		return ERR(err, ERR_RANGE, "VTXO: %zu bytes are more than there is room for", v.n);
	*ret = arena_bytes(a, v);
	return 0;
}

int vtxo_decode(struct arena *a, struct bytes v, enum vtxo_form form, struct vtxo *ret, struct err *err)
{
	struct vtxo out = { .n_items = 0 };
	struct ark_reader r;
	struct bytes own;

	if (copy_of(a, v, &own, err) != 0)
		return -1;
	r = ark_reader_of(own, ERR_VTXO, err);
	(void)read_vtxo(a, &r, form, &out);
	if (ark_reader_end(&r, "VTXO") != 0)
		return -1;
	if (form == VTXO_BARE)
		out.n_items = 0;
	else if (check_full(&out, err) != 0)
		return -1;
	*ret = out;
	return 0;
}

int vtxo_parse(struct arena *a, const char *hex, enum vtxo_form form, struct vtxo *ret, struct err *err)
{
	struct bytes v;

	if (!hex_decode_any(a, hex, VTXO_SIZE_MAX, &v))
		return ERR(err, ERR_VTXO, "VTXO: not hex, or more than %u bytes of it", VTXO_SIZE_MAX);
	return vtxo_decode(a, v, form, ret, err);
}

int vtxo_join(struct arena *a, struct bytes bare, struct bytes genesis, struct vtxo *ret, struct err *err)
{
	struct vtxo out = { .n_items = 0 };
	struct bytes own_bare, own_genesis;
	struct ark_reader r;
	unsigned version;

	if (copy_of(a, bare, &own_bare, err) != 0 || copy_of(a, genesis, &own_genesis, err) != 0)
		return -1;
	r = ark_reader_of(own_bare, ERR_VTXO, err);
	version = read_vtxo(a, &r, VTXO_BARE, &out);
	if (ark_reader_end(&r, "VTXO") != 0)
		return -1;
	r = ark_reader_of(own_genesis, ERR_VTXO, err);
	read_genesis(a, &r, version, &out);
	if (ark_reader_end(&r, "genesis") != 0 || check_full(&out, err) != 0)
		return -1;
	*ret = out;
	return 0;
}

/* --- writing --- */

static void put_genesis(struct buf *b, const struct vtxo *v)
{
	buf_compact(b, v->n_items);
	for (size_t i = 0; i < v->n_items; i++)
		genesis_item_put(b, &v->items[i]);
}

static struct bytes encode(struct arena *a, const struct vtxo *v, bool full)
{
	SCOPED(buf) struct buf b = BUF_CAP(ENCODING_MAX);

	buf_le16(&b, VTXO_VERSION);
	ark_put_sat(&b, v->amount);
	buf_le32(&b, v->terms.expiry_height);
	ark_put_pubkey(&b, &v->terms.server);
	buf_le16(&b, v->terms.exit_delta);
	outpoint_encode(&v->anchor, &b);
	if (full)
		put_genesis(&b, v);
	else
		buf_compact(&b, 0);
	ark_policy_put(&b, &v->policy);
	outpoint_encode(&v->point, &b);
	assert(buf_ok(&b));
	return arena_bytes(a, buf_bytes(&b));
}

struct bytes vtxo_encode(struct arena *a, const struct vtxo *v)
{
	return encode(a, v, true);
}

struct bytes vtxo_encode_bare(struct arena *a, const struct vtxo *v)
{
	return encode(a, v, false);
}

struct bytes vtxo_genesis_encode(struct arena *a, const struct vtxo *v)
{
	SCOPED(buf) struct buf b = BUF_CAP(ENCODING_MAX);

	put_genesis(&b, v);
	assert(buf_ok(&b));
	return arena_bytes(a, buf_bytes(&b));
}

/* --- questions --- */

bool vtxo_has_all_witnesses(const struct vtxo *v)
{
	for (size_t i = 0; i < v->n_items; i++)
		if (!genesis_has_witness(&v->items[i]))
			return false;
	return true;
}

bool vtxo_unlock_hash(const struct vtxo *v, struct hash32 *ret)
{
	const struct genesis_item *last;

	if (v->n_items == 0)
		return false;
	last = &v->items[v->n_items - 1];
	if (last->kind != GENESIS_HASH_LOCKED && last->kind != GENESIS_HASH_LOCKED_V0)
		return false;
	*ret = last->unlock_hash;
	return true;
}

int vtxo_anchor_amount(const struct vtxo *v, struct sat *ret, struct err *err)
{
	struct sat sum = v->amount, side;

	for (size_t i = 0; i < v->n_items; i++)
		if (!genesis_side_value(&v->items[i], &side) || !sat_add(sum, side, &sum))
			return ERR(err, ERR_VTXO_INVALID, "onchain amount overflow at genesis item %zu", i);
	*ret = sum;
	return 0;
}
