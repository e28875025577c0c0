#include "rails/ark/address.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/bech32.h"
#include "rails/bitcoin/secp.h"

#define VERSION_ARKADE 0 /* another protocol's addresses */
#define VERSION        1
#define HRP_MAINNET    "ark"
#define HRP_OTHER      "tark"
#define CHECKSUM       6
/* Groups of five bits that the longest text has, and the bytes that those come to. */
#define PAYLOAD_MAX     (ARK_ADDRESS_MAX * 5 / 8)
#define FIELD_MAX       4000000u
#define MAILBOX_ID_SIZE sizeof(struct pubkey)

void ark_server_id(const struct pubkey *server, uint8_t ret[4])
{
	struct hash32 h;

	sha256((struct bytes){ server->b, sizeof(server->b) }, &h);
	memcpy(ret, h.b, 4);
}

/* --- text --- */

/* Eight bits of five.  What is left over at the end is filling, and nobody looks at it: as the reference reads it. */
static struct bytes bytes_of_groups(struct arena *a, struct bytes groups)
{
	uint8_t *to = arena_alloc(a, groups.n * 5 / 8 + 1);
	unsigned bits = 0, held = 0;
	size_t n = 0;

	for (size_t i = 0; i < groups.n; i++) {
		held = (held << 5 | groups.p[i]) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (uint8_t)(held >> bits);
		}
	}
	return (struct bytes){ to, n };
}

static int check_version(struct bytes groups, struct err *err)
{
	if (groups.n == 0)
		return ERR(err, ERR_ADDRESS, "empty address");
	if (groups.p[0] == VERSION_ARKADE)
		return ERR(err, ERR_ADDRESS, "Arkade address (version 0): of another protocol");
	if (groups.p[0] != VERSION)
		return ERR(err, ERR_ADDRESS, "unknown version %u of Ark address", groups.p[0]);
	return 0;
}

/* The text's payload, and whose network it is. */
static int unwrap(struct arena *a, const char *text, bool *ret_mainnet, struct bytes *ret, struct err *err)
{
	struct bech32 b;
	struct err why;

	if (bech32_decode(a, text, ARK_ADDRESS_MAX, &b, &why) != 0)
		return ERR(err, ERR_ADDRESS, "Ark address: %s", why.msg);
	if (strcmp(b.hrp, HRP_MAINNET) != 0 && strcmp(b.hrp, HRP_OTHER) != 0)
		return ERR(err, ERR_ADDRESS, "wrong HRP: Ark addresses begin with " HRP_MAINNET "1 or " HRP_OTHER "1");
	if (b.form != BECH32M)
		return ERR(err, ERR_ADDRESS, "Ark address: checksum of bech32, where bech32m is due");
	if (check_version(b.groups, err) != 0)
		return -1;
	*ret_mainnet = strcmp(b.hrp, HRP_MAINNET) == 0;
	*ret = bytes_of_groups(a, (struct bytes){ b.groups.p + 1, b.groups.n - 1 });
	return 0;
}

/* --- payload --- */

static struct bytes read_field(struct ark_reader *r, const char *field)
{
	uint64_t n = ark_read_compact(r, field);

	if (n > FIELD_MAX)
		ark_refuse(r, ERR_NONE, field, "field exceeds maximum length");
	if (n > r->in.n)
		ark_refuse(r, ERR_NONE, field, "unexpected end of input");
	return ark_reader_ok(r) ? read_bytes(&r->in, (size_t)n) : (struct bytes){ 0 };
}

static void read_policy(struct ark_reader *r, struct ark_policy *ret)
{
	struct bytes v = read_field(r, "policy");
	struct err why;

	if (ark_reader_ok(r) && ark_policy_decode(v, ARK_USER_POLICY, ret, &why) != 0)
		ark_refuse(r, ERR_NONE, "Ark address", "%s", why.msg);
}

static struct ark_delivery read_delivery(struct ark_reader *r)
{
	struct bytes v = read_field(r, "delivery");
	struct ark_delivery d = { .kind = 0 };

	if (v.n == 0) {
		ark_refuse(r, ERR_NONE, "delivery", "empty delivery");
		return d;
	}
	d = (struct ark_delivery){ v.p[0], { v.p + 1, v.n - 1 } };
	if (d.kind == ARK_MAILBOX && d.data.n != MAILBOX_ID_SIZE)
		ark_refuse(r, ERR_NONE, "delivery", "invalid blinded mailbox identifier: %zu bytes", d.data.n);
	return d;
}

/* Two bytes is the least that a delivery takes. */
static void read_deliveries(struct arena *a, struct ark_reader *r, struct ark_address *ret)
{
	struct ark_delivery *list = ARENA_ARRAY(a, r->in.n / 2 + 1, struct ark_delivery);

	ret->deliveries = list;
	while (ark_reader_ok(r) && r->in.n > 0)
		list[ret->n_deliveries++] = read_delivery(r);
}

int ark_address_decode(struct arena *a, const char *text, struct ark_address *ret, struct err *err)
{
	struct ark_address out = { .n_deliveries = 0 };
	struct ark_reader r;
	struct bytes payload;

	if (unwrap(a, text, &out.mainnet, &payload, err) != 0)
		return -1;
	r = ark_reader_of(payload, ERR_ADDRESS, err);
	ark_read_copy(&r, "ark id", out.server_id, sizeof(out.server_id));
	read_policy(&r, &out.policy);
	read_deliveries(a, &r, &out);
	if (ark_reader_end(&r, "Ark address") != 0)
		return -1;
	*ret = out;
	return 0;
}

/* --- writing --- */

static void put_policy(struct buf *b, const struct ark_policy *p)
{
	SCOPED(buf) struct buf policy = BUF_CAP(ARK_POLICY_SIZE_MAX);

	ark_policy_put(&policy, p);
	buf_compact_bytes(b, buf_bytes(&policy));
}

static bool put_payload(struct buf *b, const struct ark_address *addr)
{
	buf_add(b, addr->server_id, sizeof(addr->server_id));
	put_policy(b, &addr->policy);
	for (size_t i = 0; i < addr->n_deliveries; i++) {
		buf_compact(b, addr->deliveries[i].data.n + 1);
		buf_u8(b, addr->deliveries[i].kind);
		buf_add_bytes(b, addr->deliveries[i].data);
	}
	return buf_ok(b);
}

static struct bytes with_version(struct arena *a, struct bytes groups)
{
	uint8_t *p = arena_alloc(a, groups.n + 1);

	p[0] = VERSION;
	memcpy(p + 1, groups.p, groups.n);
	return (struct bytes){ p, groups.n + 1 };
}

int ark_address_encode(struct arena *a, const struct ark_address *addr, char **ret, struct err *err)
{
	const char *hrp = addr->mainnet ? HRP_MAINNET : HRP_OTHER;
	SCOPED(buf) struct buf payload = BUF_CAP(PAYLOAD_MAX);
	struct bytes groups;

	if (addr->n_deliveries == 0)
		return ERR(err, ERR_RANGE, "Ark address: there is no way to deliver to it");
	if (!put_payload(&payload, addr))
		return ERR(err, ERR_RANGE, "Ark address: longer than %u characters", ARK_ADDRESS_MAX);
	groups = with_version(a, bech32_groups_of(a, buf_bytes(&payload)));
	if (strlen(hrp) + 1 + groups.n + CHECKSUM > ARK_ADDRESS_MAX)
		return ERR(err, ERR_RANGE, "Ark address: longer than %u characters", ARK_ADDRESS_MAX);
	*ret = bech32_encode(a, BECH32M, hrp, groups);
	return 0;
}

int ark_address_make(struct arena *a, bool mainnet, const struct pubkey *server, const struct pubkey *user,
		     const struct pubkey *blinded_mailbox, char **ret, struct err *err)
{
	const struct ark_delivery mailbox = { ARK_MAILBOX, { blinded_mailbox->b, sizeof(blinded_mailbox->b) } };
	struct ark_address addr = { .mainnet = mainnet, .policy = ark_policy_pubkey(user) };

	ark_server_id(server, addr.server_id);
	addr.deliveries = &mailbox;
	addr.n_deliveries = 1;
	return ark_address_encode(a, &addr, ret, err);
}

/* --- paying --- */

static int check_deliveries(const struct ark_address *addr, struct err *err)
{
	size_t mailboxes = 0;
	struct pubkey id;

	for (size_t i = 0; i < addr->n_deliveries; i++) {
		if (addr->deliveries[i].kind != ARK_MAILBOX)
			continue;
		memcpy(id.b, addr->deliveries[i].data.p, sizeof(id.b));
		if (!secp_pubkey_valid(&id))
			return ERR(err, ERR_ADDRESS, "delivery: the blinded mailbox identifier is no point");
		mailboxes++;
	}
	if (mailboxes == 0)
		return ERR(err, ERR_UNSUPPORTED, "delivery: none of the %zu ways is one that we know",
			   addr->n_deliveries);
	return 0;
}

int ark_address_check(const struct ark_address *addr, bool mainnet, const struct pubkey *server, struct err *err)
{
	uint8_t id[4];

	if (addr->mainnet != mainnet)
		return ERR(err, ERR_NETWORK, "the address is %s", addr->mainnet ? "of mainnet" : "not of mainnet");
	ark_server_id(server, id);
	if (memcmp(id, addr->server_id, sizeof(id)) != 0)
		return ERR(err, ERR_VTXO_SERVER, "the address is of a user of another Ark server");
	if (addr->policy.kind != ARK_PUBKEY)
		return ERR(err, ERR_UNSUPPORTED, "policy: %s is not paid to", ark_policy_name(addr->policy.kind));
	return check_deliveries(addr, err);
}
