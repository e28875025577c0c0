#include "rails/lightning/bolt12_invoice.h"

#include <inttypes.h>
#include <string.h>

#include "base/reader.h"
#include "rails/bitcoin/secp.h"

enum invoice_field {
	CHAIN = 80,
	ASKED = 82,
	PATHS = 160,
	PAYINFO = 162,
	CREATED_AT = 164,
	RELATIVE_EXPIRY = 166,
	PAYMENT_HASH = 168,
	AMOUNT = 170,
	FEATURES = 174,
	NODE_ID = 176,
	SIGNATURE = 240
};
#define FEATURE_MPP 16

/* Fields that one must understand, of offers, of requests and of invoices; those that are not read here say how to pay. */
static bool is_known(uint64_t type)
{
	return type <= 22 || (type >= 80 && type <= 90) || (type >= PATHS && type <= NODE_ID) || type == SIGNATURE;
}

static int malformed(const char *name, struct err *err)
{
	return ERR(err, ERR_INVOICE, "%s is missing or malformed", name);
}

static int copy(const struct bolt12_fields *f, uint64_t type, const char *name, void *to, size_t n, struct err *err)
{
	const struct bolt12_field *field = bolt12_field_find(f, type);

	if (field == NULL || field->value.n != n)
		return malformed(name, err);
	memcpy(to, field->value.p, n);
	return 0;
}

static int number(const struct bolt12_fields *f, uint64_t type, const char *name, uint64_t *ret, struct err *err)
{
	const struct bolt12_field *field = bolt12_field_find(f, type);

	if (field == NULL || !bolt12_field_u64(field, ret))
		return malformed(name, err);
	return 0;
}

static int check_known(const struct bolt12_fields *f, struct err *err)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].type % 2 == 0 && !is_known(f->v[i].type))
			return ERR(err, ERR_UNSUPPORTED, "it requires field %" PRIu64 ", which we do not have",
				   f->v[i].type);
	return 0;
}

static int read_chain(const struct bolt12_fields *f, struct block_hash *ret, struct err *err)
{
	*ret = bolt12_default_chain;
	if (bolt12_field_find(f, CHAIN) == NULL)
		return 0;
	return copy(f, CHAIN, "its chain", ret->b, sizeof(ret->b), err);
}

static int read_amount(const struct bolt12_fields *f, struct msat *ret, struct err *err)
{
	uint64_t asked;

	if (number(f, AMOUNT, "its amount", &ret->v, err) != 0)
		return -1;
	if (ret->v == 0)
		return ERR(err, ERR_INVOICE, "its amount is zero");
	if (bolt12_field_find(f, ASKED) == NULL)
		return 0;
	if (number(f, ASKED, "the amount asked for", &asked, err) != 0)
		return -1;
	return asked == ret->v ? 0 : ERR(err, ERR_INVOICE, "its amount is not the one asked for");
}

static int read_times(const struct bolt12_fields *f, struct bolt12_invoice *inv, struct err *err)
{
	uint64_t made, lasts = BOLT12_EXPIRY_DEFAULT_S;

	if (number(f, CREATED_AT, "its time", &made, err) != 0 ||
	    (bolt12_field_find(f, RELATIVE_EXPIRY) != NULL &&
	     number(f, RELATIVE_EXPIRY, "its expiry", &lasts, err) != 0))
		return -1;
	if (lasts > UINT32_MAX)
		return malformed("its expiry", err);
	inv->made_at_s = (int64_t)made;
	if (__builtin_add_overflow(inv->made_at_s, (int64_t)lasts, &inv->expires_at_s))
		return malformed("its time", err);
	return 0;
}

/* For each path what it costs: fees, blocks, limits, and features of some length. */
static size_t count_payinfo(struct bytes v)
{
	struct reader r = reader_of(v);
	size_t n = 0;

	for (; r.n > 0; n++) {
		(void)read_bytes(&r, 4 + 4 + 2 + 8 + 8);
		(void)read_bytes(&r, read_be16(&r));
		if (!reader_ok(&r))
			return 0;
	}
	return n;
}

static int check_ways(struct arena *a, const struct bolt12_fields *f, struct err *err)
{
	const struct bolt12_field *paths = bolt12_field_find(f, PATHS), *info = bolt12_field_find(f, PAYINFO);
	const struct bolt12_field *features = bolt12_field_find(f, FEATURES);
	struct bolt12_paths ways;

	if (paths == NULL || info == NULL)
		return malformed("the way to its payee", err);
	if (bolt12_paths_read(a, paths->value, "the way to its payee", &ways, err) != 0)
		return -1;
	if (count_payinfo(info->value) != ways.n)
		return malformed("what the way to its payee costs", err);
	return features != NULL ? bolt12_features_check(features->value, FEATURE_MPP, err) : 0;
}

static int verify(const struct bolt12_fields *f, struct pubkey *ret, struct err *err)
{
	struct hash32 root, digest;
	struct pubkey key;
	uint8_t sig[64];

	if (copy(f, NODE_ID, "its payee", key.b, sizeof(key.b), err) != 0 ||
	    copy(f, SIGNATURE, "its signature", sig, sizeof(sig), err) != 0 || bolt12_merkle_root(f, &root, err) != 0)
		return -1;
	bolt12_signature_digest("lightninginvoicesignature", &root, &digest);
	if (!secp_schnorr_verify(&key, &digest, sig))
		return ERR(err, ERR_INVOICE, "its signature is wrong");
	*ret = key;
	return 0;
}

int bolt12_invoice_read(struct arena *a, struct bytes raw, struct bolt12_invoice *ret, struct err *err)
{
	struct bolt12_invoice inv = { .raw = raw };
	const struct bolt12_fields *f = &inv.fields;

	if (!arena_room(a, BOLT12_ROOM))
		return ERR(err, ERR_RANGE, "invoice: there is no room to read it");
	if (bolt12_fields_read(a, raw, &inv.fields, err) != 0 || check_known(f, err) != 0 ||
	    read_chain(f, &inv.chain, err) != 0 || read_amount(f, &inv.amount, err) != 0 ||
	    copy(f, PAYMENT_HASH, "its payment hash", inv.payment_hash.b, 32, err) != 0 ||
	    read_times(f, &inv, err) != 0 || check_ways(a, f, err) != 0 || verify(f, &inv.node_id, err) != 0)
		return err_context(err, "invoice");
	*ret = inv;
	return 0;
}

static const struct bolt12_field *next_of_offer(const struct bolt12_fields *f, size_t *at)
{
	while (*at < f->n && !bolt12_offer_has(f->v[*at].type))
		(*at)++;
	return *at < f->n ? &f->v[(*at)++] : NULL;
}

/* The same fields in both, no more and no fewer. */
static bool mirrors(const struct bolt12_fields *inv, const struct bolt12_fields *offer)
{
	const struct bolt12_field *a, *b;
	size_t i = 0, k = 0;

	do {
		a = next_of_offer(inv, &i);
		b = next_of_offer(offer, &k);
		if ((a == NULL) != (b == NULL) || (a != NULL && !bytes_equal(a->whole, b->whole)))
			return false;
	} while (a != NULL);
	return true;
}

static bool is_of(const struct bolt12_invoice *inv, const struct bolt12_offer *o)
{
	if (o->has_issuer_id)
		return pubkey_equal(&inv->node_id, &o->issuer_id);
	for (size_t i = 0; i < o->paths.n; i++)
		if (pubkey_equal(&inv->node_id, &o->paths.last[i]))
			return true;
	return false;
}

int bolt12_invoice_check(const struct bolt12_invoice *inv, const struct bolt12_offer *o, const struct block_hash *chain,
			 int64_t now_s, struct err *err)
{
	if (!mirrors(&inv->fields, &o->fields))
		return ERR(err, ERR_INVOICE, "the invoice answers another offer");
	if (!is_of(inv, o))
		return ERR(err, ERR_INVOICE, "the invoice is signed by somebody who is not the offer's issuer");
	if (!block_hash_equal(&inv->chain, chain))
		return ERR(err, ERR_NETWORK, "the invoice is for another chain");
	if (now_s > inv->expires_at_s)
		return ERR(err, ERR_INVOICE_EXPIRED, "the invoice has expired");
	return 0;
}
