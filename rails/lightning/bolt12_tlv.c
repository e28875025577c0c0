#include "rails/lightning/bolt12_tlv.h"

#include <inttypes.h>

#include "base/amount.h"
#include "base/hash.h"
#include "base/reader.h"
#include "rails/bitcoin/taghash.h"

#define SIGNATURE_FIRST 240u
#define SIGNATURE_LAST  1000u

/* BOLT 1's BigSize: as CompactSize, but with the highest byte first. */
static uint64_t read_bigsize(struct reader *r)
{
	uint8_t first = read_u8(r);
	uint64_t v = first, least = 0;

	if (first == 0xfd) {
		v = read_be16(r);
		least = 0xfd;
	} else if (first == 0xfe) {
		v = read_be32(r);
		least = 0x10000;
	} else if (first == 0xff) {
		v = read_be64(r);
		least = UINT64_C(0x100000000);
	}
	if (v < least)
		reader_fail(r);
	return v;
}

static int read_field(struct reader *r, struct bolt12_field *ret, struct err *err)
{
	const uint8_t *start = r->p;
	uint64_t n;

	ret->type = read_bigsize(r);
	ret->head = (struct bytes){ start, (size_t)(r->p - start) };
	n = read_bigsize(r);
	if (!reader_ok(r) || n > r->n)
		return ERR(err, ERR_INVOICE, "it is cut off, or one of its numbers is written at length");
	ret->value = read_bytes(r, (size_t)n);
	ret->whole = (struct bytes){ start, (size_t)(r->p - start) };
	return 0;
}

int bolt12_fields_read(struct arena *a, struct bytes v, struct bolt12_fields *ret, struct err *err)
{
	struct bolt12_fields f = { ARENA_ARRAY(a, BOLT12_FIELDS_MAX, struct bolt12_field), 0 };
	struct reader r = reader_of(v);

	for (; r.n > 0; f.n++) {
		if (f.n == BOLT12_FIELDS_MAX)
			return ERR(err, ERR_INVOICE, "more than %d fields", BOLT12_FIELDS_MAX);
		if (read_field(&r, &f.v[f.n], err) != 0)
			return -1;
		if (f.n > 0 && f.v[f.n].type <= f.v[f.n - 1].type)
			return ERR(err, ERR_INVOICE, "field %" PRIu64 " is out of order", f.v[f.n].type);
	}
	if (f.n == 0)
		return ERR(err, ERR_INVOICE, "it is empty");
	*ret = f;
	return 0;
}

const struct bolt12_field *bolt12_field_find(const struct bolt12_fields *f, uint64_t type)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].type == type)
			return &f->v[i];
	return NULL;
}

bool bolt12_field_u64(const struct bolt12_field *f, uint64_t *ret)
{
	uint64_t v = 0;

	if (f->value.n > 8 || (f->value.n > 0 && f->value.p[0] == 0))
		return false;
	for (size_t i = 0; i < f->value.n; i++)
		v = v << 8 | f->value.p[i];
	if (v > AMOUNT_MAX)
		return false;
	*ret = v;
	return true;
}

/* --- the hash over all fields --- */

/* BIP340's tagged hash, by the hash of its tag. */
static void hash_behind(const struct hash32 *tag, struct bytes v, struct hash32 *ret)
{
	uint8_t twice[64];

	for (size_t i = 0; i < 32; i++)
		twice[i] = twice[32 + i] = tag->b[i];
	sha256_two((struct bytes){ twice, sizeof(twice) }, v, ret);
}

static void branch(const struct hash32 *a, const struct hash32 *b, struct hash32 *ret)
{
	uint8_t both[64];
	bool turned = false;

	for (size_t i = 0; i < 32; i++) {
		if (a->b[i] == b->b[i])
			continue;
		turned = a->b[i] > b->b[i];
		break;
	}
	for (size_t i = 0; i < 32; i++) {
		both[i] = turned ? b->b[i] : a->b[i];
		both[32 + i] = turned ? a->b[i] : b->b[i];
	}
	tagged_hash("LnBranch", (struct bytes){ both, sizeof(both) }, ret);
}

/* A field and beside it a nonce that nobody can guess who has not seen the first field. */
static void leaf(const struct bolt12_field *f, const struct hash32 *nonce_tag, struct hash32 *ret)
{
	struct hash32 own, nonce;

	tagged_hash("LnLeaf", f->whole, &own);
	hash_behind(nonce_tag, f->head, &nonce);
	branch(&own, &nonce, ret);
}

static bool is_signature(const struct bolt12_field *f)
{
	return f->type >= SIGNATURE_FIRST && f->type <= SIGNATURE_LAST;
}

int bolt12_merkle_root(const struct bolt12_fields *f, struct hash32 *ret, struct err *err)
{
	struct hash32 level[BOLT12_FIELDS_MAX], nonce_tag;
	size_t n = 0;

	if (f->n == 0 || f->n > BOLT12_FIELDS_MAX)
		return ERR(err, ERR_INVOICE, "no fields, or more than %d", BOLT12_FIELDS_MAX);
	sha256_two(bytes_of("LnNonce"), f->v[0].whole, &nonce_tag);
	for (size_t i = 0; i < f->n; i++)
		if (!is_signature(&f->v[i]))
			leaf(&f->v[i], &nonce_tag, &level[n++]);
	if (n == 0)
		return ERR(err, ERR_INVOICE, "nothing but signatures");
	/* Pairs from the left; one that is left over at the end goes up as it is. */
	for (; n > 1; n = n / 2 + n % 2) {
		for (size_t i = 0; i < n / 2; i++)
			branch(&level[2 * i], &level[2 * i + 1], &level[i]);
		if (n % 2 == 1)
			level[n / 2] = level[n - 1];
	}
	*ret = level[0];
	return 0;
}

void bolt12_signature_digest(const char *tag, const struct hash32 *root, struct hash32 *ret)
{
	tagged_hash(tag, (struct bytes){ root->b, sizeof(root->b) }, ret);
}
