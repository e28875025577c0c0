#include "rails/lightning/bolt12_offer.h"

#include <inttypes.h>
#include <string.h>

#include "base/reader.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"

enum offer_field {
	CHAINS = 2,
	METADATA = 4,
	CURRENCY = 6,
	AMOUNT = 8,
	DESCRIPTION = 10,
	FEATURES = 12,
	EXPIRY = 14,
	PATHS = 16,
	ISSUER = 18,
	QUANTITY_MAX = 20,
	ISSUER_ID = 22
};

const struct block_hash bolt12_default_chain = { { 0x6f, 0xe2, 0x8c, 0x0a, 0xb6, 0xf1, 0xb3, 0x72, 0xc1, 0xa6, 0xa2,
						   0x46, 0xae, 0x63, 0xf7, 0x4f, 0x93, 0x1e, 0x83, 0x65, 0xe1, 0x5a,
						   0x08, 0x9c, 0x68, 0xd6, 0x19, 0x00, 0x00, 0x00, 0x00, 0x00 } };

bool bolt12_offer_has(uint64_t type)
{
	return (type >= 1 && type <= 79) || (type >= 1000000000 && type <= 1999999999);
}

static int malformed(const char *name, struct err *err)
{
	return ERR(err, ERR_INVOICE, "%s is malformed", name);
}

static int read_path(struct reader *r, struct pubkey *last, const char *name, struct err *err)
{
	struct pubkey key;
	uint8_t n_hops;

	/* The first node by its key, or by one of its channels: a direction and a number of 8 bytes. */
	if (r->n > 0 && r->p[0] <= 1) {
		(void)read_bytes(r, 9);
	} else {
		read_copy(r, key.b, sizeof(key.b));
		if (!reader_ok(r) || !secp_pubkey_valid(&key))
			return malformed(name, err);
	}
	read_copy(r, key.b, sizeof(key.b));
	if (!reader_ok(r) || !secp_pubkey_valid(&key))
		return malformed(name, err);
	n_hops = read_u8(r);
	if (!reader_ok(r) || n_hops == 0)
		return malformed(name, err);
	for (uint8_t i = 0; i < n_hops; i++) {
		read_copy(r, key.b, sizeof(key.b));
		(void)read_bytes(r, read_be16(r));
		if (!reader_ok(r) || !secp_pubkey_valid(&key))
			return malformed(name, err);
	}
	*last = key;
	return 0;
}

int bolt12_paths_read(struct arena *a, struct bytes v, const char *name, struct bolt12_paths *ret, struct err *err)
{
	struct bolt12_paths paths = { ARENA_ARRAY(a, BOLT12_PATHS_MAX, struct pubkey), 0 };
	struct reader r = reader_of(v);

	if (r.n == 0)
		return malformed(name, err);
	for (; r.n > 0; paths.n++) {
		if (paths.n == BOLT12_PATHS_MAX)
			return ERR(err, ERR_INVOICE, "%s has more than %d", name, BOLT12_PATHS_MAX);
		if (read_path(&r, &paths.last[paths.n], name, err) != 0)
			return -1;
	}
	*ret = paths;
	return 0;
}

int bolt12_features_check(struct bytes v, int known, struct err *err)
{
	for (size_t bit = 0; bit < 8 * v.n; bit += 2)
		if ((v.p[v.n - 1 - bit / 8] >> bit % 8 & 1) != 0 && (known < 0 || bit != (size_t)known))
			return ERR(err, ERR_UNSUPPORTED, "it requires feature %zu, which we do not have", bit);
	return 0;
}

static int read_text(struct arena *a, struct bytes v, const char *name, const char **ret, struct err *err)
{
	if (!utf8_valid(v))
		return malformed(name, err);
	*ret = arena_strndup(a, (const char *)v.p, v.n);
	return 0;
}

static int read_number(const struct bolt12_field *f, const char *name, uint64_t *ret, struct err *err)
{
	if (!bolt12_field_u64(f, ret))
		return malformed(name, err);
	return 0;
}

static int read_currency(struct arena *a, struct bytes v, const char **ret, struct err *err)
{
	if (v.n != 3)
		return malformed("its currency", err);
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 'A' || v.p[i] > 'Z')
			return malformed("its currency", err);
	*ret = arena_strndup(a, (const char *)v.p, v.n);
	return 0;
}

static int read_issuer_id(struct bytes v, struct bolt12_offer *o, struct err *err)
{
	if (v.n != sizeof(o->issuer_id.b))
		return malformed("its issuer's key", err);
	memcpy(o->issuer_id.b, v.p, v.n);
	o->has_issuer_id = true;
	return secp_pubkey_valid(&o->issuer_id) ? 0 : malformed("its issuer's key", err);
}

static int read_chains(struct bytes v, struct bytes *ret, struct err *err)
{
	if (v.n == 0 || v.n % 32 != 0)
		return malformed("its list of chains", err);
	*ret = v;
	return 0;
}

static int read_expiry(const struct bolt12_field *f, struct bolt12_offer *o, struct err *err)
{
	uint64_t v;

	if (read_number(f, "its expiry", &v, err) != 0)
		return -1;
	o->has_expiry = true;
	o->expires_at_s = (int64_t)v;
	return 0;
}

static int read_field(struct arena *a, const struct bolt12_field *f, struct bolt12_offer *o, struct err *err)
{
	uint64_t ignored;

	if (!bolt12_offer_has(f->type))
		return ERR(err, ERR_INVOICE, "field %" PRIu64 " is none of an offer's", f->type);
	switch (f->type) {
	case CHAINS:
		return read_chains(f->value, &o->chains, err);
	case METADATA:
		return 0;
	case CURRENCY:
		return read_currency(a, f->value, &o->currency, err);
	case AMOUNT:
		o->has_amount = true;
		return read_number(f, "its amount", &o->amount, err);
	case DESCRIPTION:
		return read_text(a, f->value, "its description", &o->description, err);
	case FEATURES:
		return bolt12_features_check(f->value, -1, err);
	case EXPIRY:
		return read_expiry(f, o, err);
	case PATHS:
		return bolt12_paths_read(a, f->value, "its list of paths", &o->paths, err);
	case ISSUER:
		return read_text(a, f->value, "its issuer", &o->issuer, err);
	case QUANTITY_MAX:
		return read_number(f, "its quantity", &ignored, err);
	case ISSUER_ID:
		return read_issuer_id(f->value, o, err);
	default: /* not an enum of ours: whatever somebody wrote */
		if (f->type % 2 == 0)
			return ERR(err, ERR_UNSUPPORTED, "it requires field %" PRIu64 ", which we do not have",
				   f->type);
		return 0;
	}
}

static int check_together(const struct bolt12_offer *o, struct err *err)
{
	if (o->has_amount && o->amount == 0)
		return ERR(err, ERR_INVOICE, "its amount is zero");
	if (o->has_amount && o->description == NULL)
		return ERR(err, ERR_INVOICE, "it has an amount and does not say for what");
	if (o->currency != NULL && !o->has_amount)
		return ERR(err, ERR_INVOICE, "it has a currency and no amount");
	if (!o->has_issuer_id && o->paths.n == 0)
		return ERR(err, ERR_INVOICE, "it does not say whom to ask");
	return 0;
}

int bolt12_offer_read(struct arena *a, struct bytes raw, struct bolt12_offer *ret, struct err *err)
{
	struct bolt12_offer o = { .raw = raw };

	if (!arena_room(a, BOLT12_ROOM - 3 * (size_t)BOLT12_TEXT_MAX)) /* whose text may have been read there before */
		return ERR(err, ERR_RANGE, "offer: there is no room to read it");
	if (bolt12_fields_read(a, raw, &o.fields, err) != 0)
		return err_context(err, "offer");
	for (size_t i = 0; i < o.fields.n; i++)
		if (read_field(a, &o.fields.v[i], &o, err) != 0)
			return err_context(err, "offer");
	if (check_together(&o, err) != 0)
		return err_context(err, "offer");
	*ret = o;
	return 0;
}

int bolt12_offer_decode(struct arena *a, const char *text, struct bolt12_offer *ret, struct err *err)
{
	struct bytes raw;

	if (!arena_room(a, BOLT12_ROOM))
		return ERR(err, ERR_RANGE, "offer: there is no room to read it");
	if (bolt12_text_decode(a, text, "lno", &raw, err) != 0)
		return err_context(err, "offer");
	return bolt12_offer_read(a, raw, ret, err);
}

static bool is_for(const struct bolt12_offer *o, const struct block_hash *chain)
{
	if (o->chains.n == 0)
		return block_hash_equal(chain, &bolt12_default_chain);
	for (size_t i = 0; i < o->chains.n; i += 32)
		if (memcmp(o->chains.p + i, chain->b, 32) == 0)
			return true;
	return false;
}

int bolt12_offer_check(const struct bolt12_offer *o, const struct block_hash *chain, int64_t now_s, struct err *err)
{
	if (!is_for(o, chain))
		return ERR(err, ERR_NETWORK, "the offer is for other chains");
	if (o->has_expiry && now_s > o->expires_at_s)
		return ERR(err, ERR_INVOICE_EXPIRED, "the offer has expired");
	return 0;
}
