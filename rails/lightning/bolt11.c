#include "rails/lightning/bolt11.h"

#include <string.h>

#include "base/hash.h"
#include "base/reader.h"
#include "base/text.h"
#include "rails/bitcoin/bech32.h"
#include "rails/bitcoin/secp.h"

#define TIMESTAMP_GROUPS 7
#define SIGNATURE_GROUPS 104
#define HOP_BYTES        51
#define NUMBER_GROUPS    12 /* 60 bits */
#define MSAT_MAX         (SAT_MONEY_MAX * 1000)

static int malformed(struct err *err, const char *what)
{
	return ERR(err, ERR_INVOICE, "malformed invoice: %s", what);
}

/* --- the human-readable part --- */

static const struct {
	const char *prefix;
	enum network net;
} currencies[] = {
	/* the longer of two that begin alike comes first */
	{ "lnbcrt", NETWORK_REGTEST },
	{ "lnbc", NETWORK_MAINNET },
	{ "lntbs", NETWORK_SIGNET },
	{ "lntb", NETWORK_TESTNET4 },
};

/* How many msat are one of this multiplier's units; 0 for pico, of which ten are one, and for a letter that is none. */
static uint64_t msat_per(char multiplier)
{
	switch (multiplier) {
	case '\0':
		return UINT64_C(100000000000);
	case 'm':
		return 100000000;
	case 'u':
		return 100000;
	case 'n':
		return 100;
	default:
		return 0;
	}
}

static int read_amount(const char *text, struct bolt11 *inv, struct err *err)
{
	size_t n = strspn(text, "0123456789");
	char digits[24];
	uint64_t v, per;

	if (*text == '\0')
		return 0;
	if (n == 0 || n >= sizeof(digits) || (text[n] != '\0' && text[n + 1] != '\0'))
		return malformed(err, "its amount is not a number and a multiplier");
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (!parse_u64(digits, UINT64_MAX, &v) || v == 0)
		return malformed(err, "its amount is 0, begins with 0 or is too large");
	per = msat_per(text[n]);
	if (text[n] == 'p') {
		if (v % 10 != 0)
			return malformed(err, "its amount has a fraction of a millisatoshi");
		v /= 10;
		per = 1;
	}
	if (per == 0)
		return malformed(err, "its amount has a multiplier that there is not");
	if (v > MSAT_MAX / per)
		return malformed(err, "its amount is more than there will ever be");
	inv->has_amount = true;
	inv->amount.v = v * per;
	return 0;
}

static int read_prefix(const char *hrp, struct bolt11 *inv, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
		if (!text_starts(hrp, currencies[i].prefix))
			continue;
		inv->net = currencies[i].net;
		return read_amount(hrp + strlen(currencies[i].prefix), inv, err);
	}
	if (!text_starts(hrp, "ln"))
		return malformed(err, "it does not begin with \"ln\"");
	return ERR(err, ERR_NETWORK, "an invoice for another currency than bitcoin");
}

/* --- tagged fields --- */

/* Groups of five bits, those that are left. */
struct groups {
	const uint8_t *p;
	size_t n;
};

static struct groups take(struct groups *from, size_t n)
{
	struct groups g = { from->p, n };

	from->p += n;
	from->n -= n;
	return g;
}

static uint64_t number_of(struct groups g)
{
	uint64_t v = 0;

	for (size_t i = 0; i < g.n; i++)
		v = v << 5 | g.p[i];
	return v;
}

/* x and c: at most 60 bits, and no zeros in front. */
static int read_number(struct groups g, uint64_t max, uint64_t *ret, struct err *err)
{
	if (g.n > 0 && g.p[0] == 0)
		return malformed(err, "a number in it begins with zeros");
	if (g.n > NUMBER_GROUPS || number_of(g) > max)
		return malformed(err, "a number in it is too large");
	*ret = number_of(g);
	return 0;
}

static int read_bytes_of(struct arena *a, struct groups g, struct bytes *ret, struct err *err)
{
	struct err why;

	if (bech32_bytes_of(a, (struct bytes){ g.p, g.n }, ret, &why) != 0)
		return malformed(err, "a field of it is not filled up with zeros");
	return 0;
}

static int read_fixed(struct arena *a, struct groups g, void *to, size_t n, struct err *err)
{
	struct bytes v;

	/* BOLT 11: "MUST fail the payment if any field with fixed data_length (p, h, s, n) does not have the correct
	 * length".  Readers of before 2025 skipped such a field. */
	if (g.n != (n * 8 + 4) / 5)
		return malformed(err, "a hash, secret or key in it has another length than it must have");
	if (read_bytes_of(a, g, &v, err) != 0)
		return -1;
	memcpy(to, v.p, n);
	return 0;
}

static int read_description(struct arena *a, struct groups g, struct bolt11 *inv, struct err *err)
{
	struct bytes v;

	if (read_bytes_of(a, g, &v, err) != 0)
		return -1;
	if (!utf8_valid(v))
		return malformed(err, "its description is not UTF-8");
	inv->description = arena_strndup(a, (const char *)v.p, v.n);
	return 0;
}

static int read_route(struct arena *a, struct groups g, struct bolt11_route *ret, struct err *err)
{
	struct bolt11_route route = { 0 };
	struct reader r;
	struct bytes v;

	if (read_bytes_of(a, g, &v, err) != 0)
		return -1;
	if (v.n == 0 || v.n % HOP_BYTES != 0)
		return malformed(err, "a route in it is not made of whole hops");
	route.hops = ARENA_ARRAY(a, v.n / HOP_BYTES, struct bolt11_hop);
	for (r = reader_of(v); r.n > 0; route.n++) {
		struct bolt11_hop *hop = &route.hops[route.n];

		read_copy(&r, hop->node.b, sizeof(hop->node.b));
		hop->short_channel_id = read_be64(&r);
		hop->fee_base_msat = read_be32(&r);
		hop->fee_millionths = read_be32(&r);
		hop->cltv_expiry_delta = read_be16(&r);
	}
	*ret = route;
	return 0;
}

enum { FALLBACK_P2PKH = 17, FALLBACK_P2SH = 18 };

static int read_fallback(struct arena *a, struct groups g, struct bolt11 *inv, struct err *err)
{
	struct spk *to = &inv->fallbacks[inv->n_fallbacks];
	unsigned version;
	struct bytes v;

	if (g.n == 0)
		return malformed(err, "a fallback address without a version");
	version = take(&g, 1).p[0];
	if (version > FALLBACK_P2SH)
		return 0; /* BOLT 11: "MUST skip over f fields that use an unknown version" */
	if (read_bytes_of(a, g, &v, err) != 0)
		return -1;
	if (version >= FALLBACK_P2PKH ? v.n != 20 : !spk_witness(version, v, to))
		return malformed(err, "a fallback address of the wrong length");
	if (version == FALLBACK_P2PKH)
		*to = spk_p2pkh(v.p);
	else if (version == FALLBACK_P2SH)
		*to = spk_p2sh(v.p);
	inv->n_fallbacks++;
	return 0;
}

static bool has_bit(const struct bolt11 *inv, size_t bit)
{
	return bit / 5 < inv->features.n && (inv->features.p[inv->features.n - 1 - bit / 5] >> bit % 5 & 1) != 0;
}

/* Those of BOLT 9 that may stand in an invoice, and those that it assumes everybody to have. */
static bool is_known(size_t even_bit)
{
	static const uint8_t known[] = {
		0,
		BOLT11_VAR_ONION,
		12,
		BOLT11_PAYMENT_SECRET,
		BOLT11_BASIC_MPP,
		BOLT11_ROUTE_BLINDING,
		44,
		BOLT11_ATTRIBUTION_DATA,
		BOLT11_PAYMENT_METADATA,
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i] == even_bit)
			return true;
	return false;
}

static int read_features(struct groups g, struct bolt11 *inv, struct err *err)
{
	if (g.n > 0 && g.p[0] == 0)
		return malformed(err, "its features begin with zeros");
	inv->features = (struct bytes){ g.p, g.n };
	for (size_t bit = 0; bit < g.n * 5; bit += 2)
		if (has_bit(inv, bit) && !is_known(bit))
			return ERR(err, ERR_UNSUPPORTED, "the invoice requires feature %zu, which is not known", bit);
	if (bolt11_offers(inv, BOLT11_BASIC_MPP) && !bolt11_offers(inv, BOLT11_PAYMENT_SECRET))
		return malformed(err, "its features lack one that another depends on");
	return 0;
}

/* Types, as numbers of Bech32's letters. */
enum {
	FIELD_P = 1,
	FIELD_R = 3,
	FIELD_9 = 5,
	FIELD_X = 6,
	FIELD_F = 9,
	FIELD_D = 13,
	FIELD_S = 16,
	FIELD_N = 19,
	FIELD_H = 23,
	FIELD_C = 24,
	FIELD_M = 27
};
#define BIT(field) (UINT32_C(1) << (field))
#define ONCE                                                                                                           \
	(BIT(FIELD_P) | BIT(FIELD_9) | BIT(FIELD_X) | BIT(FIELD_D) | BIT(FIELD_S) | BIT(FIELD_N) | BIT(FIELD_H) |      \
	 BIT(FIELD_C) | BIT(FIELD_M))

static int read_field(struct arena *a, unsigned type, struct groups g, struct bolt11 *inv, struct err *err)
{
	uint64_t number;

	switch (type) {
	case FIELD_P:
		return read_fixed(a, g, inv->payment_hash.b, sizeof(inv->payment_hash.b), err);
	case FIELD_S:
		return read_fixed(a, g, inv->payment_secret.b, sizeof(inv->payment_secret.b), err);
	case FIELD_H:
		return read_fixed(a, g, inv->description_hash.b, sizeof(inv->description_hash.b), err);
	case FIELD_N:
		return read_fixed(a, g, inv->payee.b, sizeof(inv->payee.b), err);
	case FIELD_D:
		return read_description(a, g, inv, err);
	case FIELD_M:
		return read_bytes_of(a, g, &inv->metadata, err);
	case FIELD_X:
		if (read_number(g, INT64_MAX, &number, err) != 0)
			return -1;
		inv->expiry_s = (int64_t)number;
		return 0;
	case FIELD_C:
		if (read_number(g, UINT32_MAX, &number, err) != 0)
			return -1;
		inv->min_final_cltv = (uint32_t)number;
		return 0;
	case FIELD_9:
		return read_features(g, inv, err);
	case FIELD_R:
		if (read_route(a, g, &inv->routes[inv->n_routes], err) != 0)
			return -1;
		inv->n_routes++;
		return 0;
	case FIELD_F:
		return read_fallback(a, g, inv, err);
	default:
		return 0; /* for readers to come */
	}
}

struct field {
	unsigned type;
	struct groups g;
};

static int next_field(struct groups *left, struct field *ret, struct err *err)
{
	size_t n;

	if (left->n < 3)
		return malformed(err, "a field of it is cut off");
	ret->type = take(left, 1).p[0];
	n = (size_t)number_of(take(left, 2));
	if (n > left->n)
		return malformed(err, "a field of it is cut off");
	ret->g = take(left, n);
	return 0;
}

static int check_present(uint32_t seen, struct err *err)
{
	if ((seen & BIT(FIELD_P)) == 0)
		return malformed(err, "it has no payment hash");
	if ((seen & BIT(FIELD_S)) == 0)
		return malformed(err, "it has no payment secret");
	if (((seen & BIT(FIELD_D)) == 0) == ((seen & BIT(FIELD_H)) == 0))
		return malformed(err, "it must have either a description or the hash of one");
	return 0;
}

static size_t count_fields(struct groups g, unsigned type)
{
	struct err ignored; /* whoever reads the fields says so */
	struct field f;
	size_t n = 0;

	while (g.n > 0 && next_field(&g, &f, &ignored) == 0)
		n += f.type == type;
	return n;
}

static int read_fields(struct arena *a, struct groups g, struct bolt11 *inv, bool *has_payee, struct err *err)
{
	uint32_t seen = 0;
	struct field f;

	inv->routes = ARENA_ARRAY(a, count_fields(g, FIELD_R), struct bolt11_route);
	inv->fallbacks = ARENA_ARRAY(a, count_fields(g, FIELD_F), struct spk);
	while (g.n > 0) {
		if (next_field(&g, &f, err) != 0)
			return -1;
		if ((seen & ONCE & BIT(f.type)) != 0)
			return malformed(err, "a field that may stand once stands in it twice");
		seen |= BIT(f.type);
		if (read_field(a, f.type, f.g, inv, err) != 0)
			return -1;
	}
	*has_payee = (seen & BIT(FIELD_N)) != 0;
	return check_present(seen, err);
}

/* --- the signature --- */

/* Over the prefix and the data, filled up with zeros to whole bytes. */
static void signed_digest(const char *hrp, struct groups data, struct hash32 *ret)
{
	SCOPED(buf) struct buf msg = BUF_CAP(BOLT11_TEXT_MAX);
	unsigned bits = 0;
	uint32_t acc = 0;

	buf_text_add(&msg, hrp);
	for (size_t i = 0; i < data.n; i++) {
		acc = acc << 5 | data.p[i];
		for (bits += 5; bits >= 8; bits -= 8)
			buf_u8(&msg, (uint8_t)(acc >> (bits - 8)));
	}
	if (bits > 0)
		buf_u8(&msg, (uint8_t)(acc << (8 - bits)));
	sha256(buf_bytes(&msg), ret);
}

static int check_signature(struct arena *a, const char *hrp, struct groups data, struct groups signature,
			   bool has_payee, struct bolt11 *inv, struct err *err)
{
	struct hash32 digest;
	struct bytes v;
	uint8_t xy[64];

	if (read_bytes_of(a, signature, &v, err) != 0)
		return -1;
	signed_digest(hrp, data, &digest);
	if (has_payee) {
		/* The recovery id says nothing then, and an s in the upper half is refused, as BOLT 11 has it. */
		if (!secp_ecdsa_verify_rs(&inv->payee, &digest, v.p))
			return malformed(err, "its signature is not its payee's");
		return 0;
	}
	if (!secp_ecdsa_recover(&digest, v.p, v.p[64], xy))
		return malformed(err, "its signature is nobody's");
	inv->payee.b[0] = 2 + (xy[63] & 1);
	memcpy(inv->payee.b + 1, xy, 32);
	return 0;
}

/* --- the whole --- */

static const char *without_scheme(const char *text)
{
	static const char scheme[] = "lightning:";

	for (size_t i = 0; scheme[i] != '\0'; i++)
		if (text[i] == '\0' || (text[i] | 0x20) != (scheme[i] | 0x20))
			return text;
	return text + strlen(scheme);
}

int bolt11_decode(struct arena *a, const char *text, struct bolt11 *ret, struct err *err)
{
	struct bolt11 inv = { .expiry_s = BOLT11_EXPIRY_DEFAULT_S, .min_final_cltv = BOLT11_CLTV_DEFAULT };
	struct groups left, data, signature;
	struct bech32 b;
	struct err why;
	bool has_payee;

	if (!arena_room(a, BOLT11_ROOM))
		return ERR(err, ERR_RANGE, "no room for an invoice");
	text = without_scheme(text);
	if (bech32_decode(a, text, BOLT11_TEXT_MAX, &b, &why) != 0)
		return malformed(err, why.msg);
	if (b.form != BECH32)
		return malformed(err, "the checksum is Bech32m's: an invoice has that of Bech32");
	if (read_prefix(b.hrp, &inv, err) != 0)
		return -1;
	if (b.groups.n < TIMESTAMP_GROUPS + SIGNATURE_GROUPS)
		return malformed(err, "too short for a signature");
	left = (struct groups){ b.groups.p, b.groups.n };
	data = take(&left, b.groups.n - SIGNATURE_GROUPS);
	signature = left;
	left = data;
	inv.made_at_s = (int64_t)number_of(take(&left, TIMESTAMP_GROUPS));
	if (read_fields(a, left, &inv, &has_payee, err) != 0 ||
	    check_signature(a, b.hrp, data, signature, has_payee, &inv, err) != 0)
		return -1;
	inv.text = bech32_encode(a, BECH32, b.hrp, b.groups);
	*ret = inv;
	return 0;
}

bool bolt11_offers(const struct bolt11 *inv, enum bolt11_feature f)
{
	return has_bit(inv, f) || has_bit(inv, f + 1);
}

/* 35 and 60 bits: the sum cannot wrap. */
int64_t bolt11_expires_at_s(const struct bolt11 *inv)
{
	return inv->made_at_s + inv->expiry_s;
}

int bolt11_check_payable(const struct bolt11 *inv, enum network net, int64_t now_s, struct err *err)
{
	if (inv->net != net) {
		(void)ERR(err, ERR_NETWORK, "an invoice for %s; this wallet is on %s", network_names[inv->net],
			  network_names[net]);
		return err_field(err, "invoice");
	}
	if (now_s >= bolt11_expires_at_s(inv)) {
		(void)ERR(err, ERR_INVOICE_EXPIRED, "the invoice expired %lld s ago",
			  (long long)(now_s - bolt11_expires_at_s(inv)));
		return err_field(err, "invoice");
	}
	return 0;
}
