#include "rails/ark/policy.h"

/* What follows the kind, in this order. */
enum part { USER = 1, INTERNAL = 2, HASH = 4, EXPIRY = 8, DELTA = 16 };

static const struct layout {
	const char *name;
	unsigned parts;
	bool is_user;
} layouts[] = {
	[ARK_PUBKEY] = { "pubkey", USER, true },
	[ARK_HTLC_SEND_V0] = { "server-htlc-send", USER | HASH | EXPIRY, true },
	[ARK_HTLC_RECEIVE_V0] = { "server-htlc-receive", USER | HASH | EXPIRY | DELTA, true },
	[ARK_CHECKPOINT] = { "checkpoint", USER, false },
	[ARK_EXPIRY] = { "expiry", INTERNAL, false },
	[ARK_HARK_LEAF_V0] = { "hark-leaf", USER | HASH, false },
	[ARK_HARK_FORFEIT_V0] = { "hark-forfeit", USER | HASH, false },
	[ARK_SERVER_OWNED] = { "server-owned", 0, false },
	[ARK_HTLC_RECEIVE] = { "server-htlc-receive-v1", USER | HASH | EXPIRY | DELTA, true },
	[ARK_HTLC_SEND] = { "server-htlc-send-v1", USER | HASH | EXPIRY, true },
	[ARK_HARK_LEAF] = { "hark-leaf-v1", USER | HASH, false },
	[ARK_HARK_FORFEIT] = { "hark-forfeit-v1", USER | HASH, false },
};

struct ark_policy ark_policy_pubkey(const struct pubkey *user)
{
	return (struct ark_policy){ .kind = ARK_PUBKEY, .user = *user };
}

struct ark_policy ark_policy_checkpoint(const struct pubkey *user)
{
	return (struct ark_policy){ .kind = ARK_CHECKPOINT, .user = *user };
}

bool ark_policy_is_user(enum ark_policy_kind k)
{
	return layouts[k].is_user;
}

const char *ark_policy_name(enum ark_policy_kind k)
{
	return layouts[k].name;
}

bool ark_policy_equal(const struct ark_policy *a, const struct ark_policy *b)
{
	unsigned parts = layouts[a->kind].parts;

	return a->kind == b->kind && ((parts & USER) == 0 || pubkey_equal(&a->user, &b->user)) &&
	       ((parts & INTERNAL) == 0 || xonly_equal(&a->internal, &b->internal)) &&
	       ((parts & HASH) == 0 || hash32_equal(&a->hash, &b->hash)) &&
	       ((parts & EXPIRY) == 0 || a->htlc_expiry == b->htlc_expiry) &&
	       ((parts & DELTA) == 0 || a->htlc_expiry_delta == b->htlc_expiry_delta);
}

void ark_policy_read(struct ark_reader *r, enum ark_policies which, struct ark_policy *ret)
{
	uint8_t kind = ark_read_u8(r, "policy");
	struct ark_policy p = { .kind = ARK_PUBKEY };
	unsigned parts;

	if (kind >= ARRAY_LEN(layouts)) {
		ark_refuse(r, ERR_VTXO_POLICY, "policy", "invalid VtxoPolicy type byte 0x%02x", kind);
		return;
	}
	if (which == ARK_USER_POLICY && !layouts[kind].is_user) {
		ark_refuse(r, ERR_VTXO_POLICY, "policy",
			   "invalid VtxoPolicy type byte 0x%02x: %s is the server's alone", kind, layouts[kind].name);
		return;
	}
	p.kind = kind;
	parts = layouts[kind].parts;
	if ((parts & USER) != 0)
		p.user = ark_read_pubkey(r, "policy user_pubkey");
	if ((parts & INTERNAL) != 0)
		p.internal = ark_read_xonly(r, "policy internal_key");
	if ((parts & HASH) != 0)
		p.hash = ark_read_hash(r, "policy hash");
	if ((parts & EXPIRY) != 0)
		p.htlc_expiry = ark_read_height(r, "policy htlc_expiry");
	if ((parts & DELTA) != 0)
		p.htlc_expiry_delta = ark_read_delta(r, "policy htlc_expiry_delta");
	if (ark_reader_ok(r))
		*ret = p;
}

int ark_policy_decode(struct bytes v, enum ark_policies which, struct ark_policy *ret, struct err *err)
{
	struct ark_reader r = ark_reader_of(v, ERR_VTXO, err);
	struct ark_policy p;

	ark_policy_read(&r, which, &p);
	if (ark_reader_end(&r, "policy") != 0)
		return -1;
	*ret = p;
	return 0;
}

void ark_policy_put(struct buf *b, const struct ark_policy *p)
{
	unsigned parts = layouts[p->kind].parts;

	buf_u8(b, (uint8_t)p->kind);
	if ((parts & USER) != 0)
		ark_put_pubkey(b, &p->user);
	if ((parts & INTERNAL) != 0)
		buf_add(b, p->internal.b, sizeof(p->internal.b));
	if ((parts & HASH) != 0)
		buf_add(b, p->hash.b, sizeof(p->hash.b));
	if ((parts & EXPIRY) != 0)
		buf_le32(b, p->htlc_expiry);
	if ((parts & DELTA) != 0)
		buf_le16(b, p->htlc_expiry_delta);
}
