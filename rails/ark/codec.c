#include "rails/ark/codec.h"

#include <stdarg.h>
#include <string.h>

#include "rails/bitcoin/secp.h"

#define END_OF_INPUT "unexpected end of input"

struct ark_reader ark_reader_of(struct bytes v, enum err_code code, struct err *err)
{
	return (struct ark_reader){ .in = reader_of(v), .code = code, .err = err };
}

bool ark_reader_ok(const struct ark_reader *r)
{
	return reader_ok(&r->in);
}

void ark_refuse(struct ark_reader *r, enum err_code code, const char *field, const char *fmt, ...)
{
	char why[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (!reader_ok(&r->in))
		return;
	reader_fail(&r->in);
	ERR(r->err, code != ERR_NONE ? code : r->code, "%s: %s", field, why);
}

int ark_reader_end(struct ark_reader *r, const char *what)
{
	if (r->in.n > 0)
		ark_refuse(r, ERR_NONE, what, "trailing bytes: %zu", r->in.n);
	return reader_ok(&r->in) ? 0 : -1;
}

/* Are n more bytes there?  From here on a read of so many cannot fail. */
static bool has(struct ark_reader *r, const char *field, size_t n)
{
	if (reader_ok(&r->in) && r->in.n < n)
		ark_refuse(r, ERR_NONE, field, END_OF_INPUT);
	return reader_ok(&r->in);
}

uint8_t ark_read_u8(struct ark_reader *r, const char *field)
{
	return has(r, field, 1) ? read_u8(&r->in) : 0;
}

uint16_t ark_read_le16(struct ark_reader *r, const char *field)
{
	return has(r, field, 2) ? read_le16(&r->in) : 0;
}

uint32_t ark_read_le32(struct ark_reader *r, const char *field)
{
	return has(r, field, 4) ? read_le32(&r->in) : 0;
}

uint64_t ark_read_le64(struct ark_reader *r, const char *field)
{
	return has(r, field, 8) ? read_le64(&r->in) : 0;
}

void ark_read_copy(struct ark_reader *r, const char *field, void *to, size_t n)
{
	(void)has(r, field, n);
	read_copy(&r->in, to, n); /* zeros after a failure */
}

/* Bytes that a compact size beginning with this one has. */
static size_t compact_size_of(uint8_t first)
{
	return first < 0xfd ? 1 : first == 0xfd ? 3 : first == 0xfe ? 5 : 9;
}

uint64_t ark_read_compact(struct ark_reader *r, const char *field)
{
	struct reader at = r->in;
	uint64_t v;

	if (!has(r, field, 1) || !has(r, field, compact_size_of(r->in.p[0])))
		return 0;
	v = read_compact(&at);
	if (!reader_ok(&at)) {
		ark_refuse(r, ERR_NONE, field, "non-minimal varint");
		return 0;
	}
	r->in = at;
	return v;
}

size_t ark_read_count(struct ark_reader *r, const char *field, size_t each_min, size_t max)
{
	uint64_t v = ark_read_compact(r, field);

	if (v > max || v > r->in.n / each_min) {
		ark_refuse(r, ERR_NONE, field, "oversized vector");
		return 0;
	}
	return (size_t)v;
}

uint32_t ark_read_height(struct ark_reader *r, const char *field)
{
	uint32_t v = ark_read_le32(r, field);

	if (v > ARK_HEIGHT_MAX)
		ark_refuse(r, ERR_NONE, field, "block height exceeds maximum value");
	return reader_ok(&r->in) ? v : 0;
}

uint16_t ark_read_delta(struct ark_reader *r, const char *field)
{
	uint16_t v = ark_read_le16(r, field);

	if (v > ARK_DELTA_MAX)
		ark_refuse(r, ERR_NONE, field, "block delta exceeds maximum value");
	return reader_ok(&r->in) ? v : 0;
}

struct sat ark_read_sat(struct ark_reader *r, const char *field)
{
	uint64_t v = ark_read_le64(r, field);
	struct sat ret = { 0 };

	if (!sat_from_u64(v, &ret))
		ark_refuse(r, ERR_NONE, field, "amount exceeds maximum value");
	return ret;
}

struct pubkey ark_read_pubkey(struct ark_reader *r, const char *field)
{
	struct pubkey k;

	ark_read_copy(r, field, k.b, sizeof(k.b));
	if (reader_ok(&r->in) && !secp_pubkey_valid(&k)) {
		ark_refuse(r, ERR_NONE, field, "invalid public key");
		k = (struct pubkey){ { 0 } };
	}
	return k;
}

/* Steps over a 00 that stands for nothing. */
static bool is_absent(struct ark_reader *r, const char *field)
{
	if (!has(r, field, 1))
		return true;
	if (r->in.p[0] != 0)
		return false;
	(void)read_u8(&r->in);
	return true;
}

bool ark_read_optional_pubkey(struct ark_reader *r, const char *field, struct pubkey *ret)
{
	struct pubkey k;

	if (is_absent(r, field))
		return false;
	k = ark_read_pubkey(r, field);
	if (!reader_ok(&r->in))
		return false;
	*ret = k;
	return true;
}

struct xonly ark_read_xonly(struct ark_reader *r, const char *field)
{
	struct xonly x;

	ark_read_copy(r, field, x.b, sizeof(x.b));
	if (reader_ok(&r->in) && !secp_xonly_valid(&x)) {
		ark_refuse(r, ERR_NONE, field, "invalid public key");
		x = (struct xonly){ { 0 } };
	}
	return x;
}

struct hash32 ark_read_hash(struct ark_reader *r, const char *field)
{
	struct hash32 h = { { 0 } };

	ark_read_copy(r, field, h.b, sizeof(h.b));
	return h;
}

bool ark_read_optional_hash(struct ark_reader *r, const char *field, struct hash32 *ret)
{
	struct hash32 h;
	uint8_t tag;

	if (is_absent(r, field))
		return false;
	tag = ark_read_u8(r, field);
	if (tag != 1)
		ark_refuse(r, ERR_NONE, field, "invalid type byte %u of an optional hash", tag);
	h = ark_read_hash(r, field);
	if (!reader_ok(&r->in))
		return false;
	*ret = h;
	return true;
}

bool ark_read_optional_signature(struct ark_reader *r, const char *field, uint8_t ret[64])
{
	static const uint8_t absent[64];
	uint8_t sig[64];

	ark_read_copy(r, field, sig, sizeof(sig));
	if (memcmp(sig, absent, sizeof(sig)) == 0) /* also after a failure */
		return false;
	memcpy(ret, sig, sizeof(sig));
	return true;
}

struct outpoint ark_read_outpoint(struct ark_reader *r, const char *field)
{
	struct outpoint o = { .vout = 0 };

	ark_read_copy(r, field, o.txid.b, sizeof(o.txid.b));
	o.vout = ark_read_le32(r, field);
	return o;
}

struct tx_out ark_read_tx_out(struct ark_reader *r, const char *field)
{
	struct tx_out out = { .value = ark_read_sat(r, field) };
	uint64_t n = ark_read_compact(r, field);

	if (n > ARK_SCRIPT_MAX)
		ark_refuse(r, ERR_NONE, field, "oversized output scriptPubkey");
	if (has(r, field, (size_t)n))
		out.script = read_bytes(&r->in, (size_t)n);
	return out;
}

void ark_put_sat(struct buf *b, struct sat v)
{
	buf_le64(b, v.v);
}

void ark_put_pubkey(struct buf *b, const struct pubkey *k)
{
	buf_add(b, k->b, sizeof(k->b));
}

void ark_put_optional_pubkey(struct buf *b, const struct pubkey *k)
{
	if (k == NULL)
		buf_u8(b, 0);
	else
		ark_put_pubkey(b, k);
}

void ark_put_optional_hash(struct buf *b, const struct hash32 *h)
{
	buf_u8(b, h != NULL);
	if (h != NULL)
		buf_add(b, h->b, sizeof(h->b));
}

void ark_put_optional_signature(struct buf *b, const uint8_t *sig)
{
	static const uint8_t absent[64];

	buf_add(b, sig != NULL ? sig : absent, sizeof(absent));
}
