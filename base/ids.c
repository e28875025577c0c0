#include "base/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"

bool hash32_equal(const struct hash32 *a, const struct hash32 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static void reverse(const uint8_t from[32], uint8_t to[32])
{
	for (unsigned i = 0; i < 32; i++)
		to[i] = from[31 - i];
}

static void shown(const uint8_t id[32], char *to)
{
	uint8_t raw[32];

	reverse(id, raw);
	hex_encode(raw, sizeof(raw), to);
	to[64] = '\0';
}

static bool from_shown(const char *text, uint8_t ret[32])
{
	uint8_t raw[32];

	if (!hex_decode(text, raw, sizeof(raw)))
		return false;
	reverse(raw, ret);
	return true;
}

bool txid_equal(const struct txid *a, const struct txid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int txid_cmp(const struct txid *a, const struct txid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

void txid_text(const struct txid *id, char ret[TXID_TEXT])
{
	shown(id->b, ret);
}

bool txid_parse(const char *text, struct txid *ret)
{
	return from_shown(text, ret->b);
}

bool wtxid_equal(const struct wtxid *a, const struct wtxid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void wtxid_text(const struct wtxid *id, char ret[TXID_TEXT])
{
	shown(id->b, ret);
}

bool wtxid_parse(const char *text, struct wtxid *ret)
{
	return from_shown(text, ret->b);
}

bool block_hash_equal(const struct block_hash *a, const struct block_hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void block_hash_text(const struct block_hash *h, char ret[TXID_TEXT])
{
	shown(h->b, ret);
}

bool block_hash_parse(const char *text, struct block_hash *ret)
{
	return from_shown(text, ret->b);
}

bool outpoint_equal(const struct outpoint *a, const struct outpoint *b)
{
	return txid_equal(&a->txid, &b->txid) && a->vout == b->vout;
}

int outpoint_cmp(const struct outpoint *a, const struct outpoint *b)
{
	int order = txid_cmp(&a->txid, &b->txid);

	return order != 0 ? order : (a->vout > b->vout) - (a->vout < b->vout);
}

void outpoint_text(const struct outpoint *o, char ret[OUTPOINT_TEXT])
{
	char id[TXID_TEXT];

	txid_text(&o->txid, id);
	(void)snprintf(ret, OUTPOINT_TEXT, "%s:%" PRIu32, id, o->vout);
}

bool outpoint_parse(const char *text, struct outpoint *ret)
{
	struct outpoint o;
	char id[TXID_TEXT] = { 0 };
	uint64_t vout;

	if (strnlen(text, OUTPOINT_TEXT) <= TXID_TEXT || text[TXID_TEXT - 1] != ':')
		return false;
	memcpy(id, text, TXID_TEXT - 1);
	if (!txid_parse(id, &o.txid) || !parse_u64(text + TXID_TEXT, UINT32_MAX, &vout))
		return false;
	o.vout = (uint32_t)vout;
	*ret = o;
	return true;
}

bool block_ref_equal(const struct block_ref *a, const struct block_ref *b)
{
	return a->height == b->height && block_hash_equal(&a->hash, &b->hash);
}

void block_ref_text(const struct block_ref *r, char ret[BLOCK_REF_TEXT])
{
	char hash[TXID_TEXT];

	block_hash_text(&r->hash, hash);
	(void)snprintf(ret, BLOCK_REF_TEXT, "%" PRIu32 ":%s", r->height, hash);
}

bool block_ref_parse(const char *text, struct block_ref *ret)
{
	struct block_ref r;
	char height[11] = { 0 };
	size_t n = strcspn(text, ":");
	uint64_t v;

	if (n >= sizeof(height) || text[n] != ':')
		return false;
	memcpy(height, text, n);
	if (!parse_u64(height, UINT32_MAX, &v) || !block_hash_parse(text + n + 1, &r.hash))
		return false;
	r.height = (uint32_t)v;
	*ret = r;
	return true;
}

bool evm_address_equal(const struct evm_address *a, const struct evm_address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool evm_address_is_zero(const struct evm_address *a)
{
	static const struct evm_address zero;

	return evm_address_equal(a, &zero);
}

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool xonly_equal(const struct xonly *a, const struct xonly *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool action_id_parse(const char *text, struct action_id *ret)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.-";
	struct action_id id = { 0 };
	size_t n = strnlen(text, ACTION_ID_MAX + 1);

	if (n == 0 || n > ACTION_ID_MAX || strspn(text, allowed) != n)
		return false;
	memcpy(id.s, text, n);
	*ret = id;
	return true;
}

/* RFC 9562 section 5.7: 48 bits of Unix time in ms, version 7, variant 10, and 74 random bits. */
struct action_id action_id_new(int64_t now_ms)
{
	uint64_t ms = now_ms < 0 ? 0 : (uint64_t)now_ms;
	struct action_id id = { 0 };
	uint8_t raw[16];
	char *to = id.s;

	rng_bytes(raw, sizeof(raw));
	for (unsigned i = 0; i < 6; i++)
		raw[i] = (uint8_t)(ms >> (40 - 8 * i));
	raw[6] = (uint8_t)(0x70 | (raw[6] & 0x0f));
	raw[8] = (uint8_t)(0x80 | (raw[8] & 0x3f));
	for (unsigned i = 0; i < sizeof(raw); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		hex_encode(raw + i, 1, to);
		to += 2;
	}
	return id;
}

bool action_id_equal(const struct action_id *a, const struct action_id *b)
{
	return strcmp(a->s, b->s) == 0;
}

bool action_id_is_empty(const struct action_id *a)
{
	return a->s[0] == '\0';
}

bool keyset_id_equal(const struct keyset_id *a, const struct keyset_id *b)
{
	return strcmp(a->s, b->s) == 0;
}
