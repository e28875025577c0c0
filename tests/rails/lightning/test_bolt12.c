/* Vectors: tests/vectors/lightning/bolt12.json, those of lightning/bolts beside 12-offer-encoding.md.  There are none of whole
 * invoices: those are written and signed here. */
#include "rails/lightning/bolt12_invoice.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static json_t *all;

static const json_t *listed(const char *name, size_t n)
{
	const json_t *list = json_object_get(all, name);

	ck_assert_uint_eq(json_array_size(list), n);
	return list;
}

START_TEST(strings)
{
	const json_t *v = json_array_get(listed("strings", 12), (size_t)_i);
	const char *text = vec_str(v, "string");
	bool valid = json_is_true(json_object_get(v, "valid"));
	struct bytes raw;
	int rc = bolt12_text_decode(&ra, text, "lno", &raw, &rerr);

	if (!valid) {
		ck_fails(rc, ERR_INVOICE);
		return;
	}
	ck_ok(rc);
	ck_assert(bolt12_text_is(text, "lno"));
	ck_assert(!bolt12_text_is(text, "lni"));
	/* All of them are the first one. */
	ck_assert_str_eq(bolt12_text_encode(&ra, "lno", raw),
			 vec_str(json_array_get(json_object_get(all, "strings"), 0), "string"));
}
END_TEST

START_TEST(odd_strings)
{
	char *large = arena_alloc(&ra, BOLT12_TEXT_MAX + 2);
	struct bytes raw;

	ck_fails(bolt12_text_decode(&ra, "", "lno", &raw, &rerr), ERR_INVOICE);
	ck_fails(bolt12_text_decode(&ra, "lni1pg", "lno", &raw, &rerr), ERR_INVOICE);
	ck_fails(bolt12_text_decode(&ra, "lno1pG", "lno", &raw, &rerr), ERR_INVOICE);
	ck_fails(bolt12_text_decode(&ra, "lno1pgb", "lno", &raw, &rerr), ERR_INVOICE);
	ck_fails(bolt12_text_decode(&ra, "lno1p g", "lno", &raw, &rerr), ERR_INVOICE);
	ck_assert(!bolt12_text_is("", "lno"));
	ck_assert(!bolt12_text_is("lno", "lno"));
	ck_assert(bolt12_text_is("L+\nNO1", "lno"));
	memset(large, 'q', BOLT12_TEXT_MAX + 1);
	memcpy(large, "lno1", 4);
	ck_fails(bolt12_text_decode(&ra, large, "lno", &raw, &rerr), ERR_INVOICE);
	ck_assert(!bolt12_text_is(large, "lno"));
}
END_TEST

static struct bytes joined(const json_t *tlvs)
{
	SCOPED(buf) struct buf b = BUF_CAP(65536);

	for (size_t i = 0; i < json_array_size(tlvs); i++) {
		struct bytes v;

		ck_assert(hex_decode_any(&ra, json_string_value(json_array_get(tlvs, i)), 4096, &v));
		buf_add_bytes(&b, v);
	}
	return arena_bytes(&ra, buf_bytes(&b));
}

static void check_hash(const struct hash32 *got, const json_t *v, const char *name)
{
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ got->b, 32 }), vec_str(v, name));
}

START_TEST(merkle_roots)
{
	const json_t *v = json_array_get(listed("signatures", 4), (size_t)_i);
	struct bolt12_fields f;
	struct hash32 root, digest;

	ck_ok(bolt12_fields_read(&ra, joined(json_object_get(v, "tlvs")), &f, &rerr));
	ck_ok(bolt12_merkle_root(&f, &root, &rerr));
	check_hash(&root, v, "merkle");
	if (json_object_get(v, "digest") == NULL)
		return;
	bolt12_signature_digest(vec_str(v, "signature_tag"), &root, &digest);
	check_hash(&digest, v, "digest");
}
END_TEST

/* The last of the vectors is a whole request: beside the fields listed it has a signature, which is not part of the root. */
START_TEST(signed_request)
{
	const json_t *v = json_array_get(listed("signatures", 4), 3);
	const struct bolt12_field *key, *sig;
	struct bolt12_fields f;
	struct hash32 root, digest;
	struct pubkey payer;
	struct bytes raw;

	ck_ok(bolt12_text_decode(&ra, vec_str(v, "bolt12"), "lnr", &raw, &rerr));
	ck_ok(bolt12_fields_read(&ra, raw, &f, &rerr));
	ck_ok(bolt12_merkle_root(&f, &root, &rerr));
	check_hash(&root, v, "merkle");
	key = bolt12_field_find(&f, 88);
	sig = bolt12_field_find(&f, 240);
	ck_assert(key != NULL && key->value.n == 33 && sig != NULL && sig->value.n == 64);
	memcpy(payer.b, key->value.p, 33);
	bolt12_signature_digest(vec_str(v, "signature_tag"), &root, &digest);
	ck_assert(secp_schnorr_verify(&payer, &digest, sig->value.p));
}
END_TEST

static const struct {
	const char *hex, *word;
} bad_fields[] = {
	{ "", "empty" },
	{ "01", "cut off" },
	{ "0102aa", "cut off" },
	{ "fd00fc00", "at length" },
	{ "fe0000ffff00", "at length" },
	{ "ff00000000ffffffff00", "at length" },
	{ "01fd000100", "at length" },
	{ "01ffffffffffffffffff", "cut off" },
	{ "02000100", "out of order" },
	{ "01000100", "out of order" },
};

START_TEST(malformed_fields)
{
	struct bolt12_fields f;
	struct bytes v;

	ck_assert(hex_decode_any(&ra, bad_fields[_i].hex, 64, &v));
	ck_fails(bolt12_fields_read(&ra, v, &f, &rerr), ERR_INVOICE);
	ck_assert_msg(strstr(rerr.msg, bad_fields[_i].word) != NULL, "%s", rerr.msg);
}
END_TEST

START_TEST(many_fields)
{
	SCOPED(buf) struct buf b = BUF_CAP(65536);
	struct bolt12_fields f;
	struct hash32 root;

	for (uint16_t i = 0; i <= BOLT12_FIELDS_MAX; i++) {
		buf_u8(&b, 0xfd);
		buf_u8(&b, (uint8_t)((0x1000 + i) >> 8));
		buf_u8(&b, (uint8_t)i);
		buf_u8(&b, 0);
	}
	ck_fails(bolt12_fields_read(&ra, buf_bytes(&b), &f, &rerr), ERR_INVOICE);
	ck_ok(bolt12_fields_read(&ra, (struct bytes){ b.p, b.n - 4 }, &f, &rerr));
	ck_ok(bolt12_merkle_root(&f, &root, &rerr));
	f.v[0].type = f.v[1].type = 240;
	f.n = 2;
	ck_fails(bolt12_merkle_root(&f, &root, &rerr), ERR_INVOICE);
	f.n = 0;
	ck_fails(bolt12_merkle_root(&f, &root, &rerr), ERR_INVOICE);
}
END_TEST

static const struct {
	const char *hex;
	bool good;
	uint64_t v;
} numbers[] = {
	{ "0100", true, 0 },
	{ "010101", true, 1 },
	{ "01020100", true, 256 },
	{ "01087fffffffffffffff", true, AMOUNT_MAX },
	{ "010100", false, 0 },
	{ "01020001", false, 0 },
	{ "01088000000000000000", false, 0 },
	{ "0109010000000000000000", false, 0 },
};

START_TEST(short_numbers)
{
	struct bolt12_fields f;
	struct bytes v;
	uint64_t got = 77;

	ck_assert(hex_decode_any(&ra, numbers[_i].hex, 64, &v));
	ck_ok(bolt12_fields_read(&ra, v, &f, &rerr));
	ck_assert(bolt12_field_u64(&f.v[0], &got) == numbers[_i].good);
	ck_assert_uint_eq(got, numbers[_i].good ? numbers[_i].v : 77);
}
END_TEST

static void check_fields(const struct bolt12_offer *o, const json_t *fields)
{
	ck_assert_uint_eq(o->fields.n, json_array_size(fields));
	for (size_t i = 0; i < o->fields.n; i++) {
		const json_t *f = json_array_get(fields, i);

		ck_assert_uint_eq(o->fields.v[i].type, vec_u64(f, "type"));
		ck_assert_uint_eq(o->fields.v[i].value.n, vec_u64(f, "length"));
		ck_assert_str_eq(hex_text(&ra, o->fields.v[i].value), vec_str(f, "hex"));
	}
}

START_TEST(offers)
{
	const json_t *v = json_array_get(listed("offers", 53), (size_t)_i);
	const char *text = vec_str(v, "bolt12");
	struct bolt12_offer o = { .has_amount = false };
	int rc = bolt12_offer_decode(&ra, text, &o, &rerr);

	if (!json_is_true(json_object_get(v, "valid"))) {
		ck_assert_msg(rc == -1 && (rerr.code == ERR_INVOICE || rerr.code == ERR_UNSUPPORTED), "%s",
			      vec_str(v, "description"));
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", vec_str(v, "description"), rerr.msg);
	check_fields(&o, json_object_get(v, "fields"));
	ck_assert_str_eq(bolt12_text_encode(&ra, "lno", o.raw), text);
}
END_TEST

static struct bolt12_offer offer_called(const char *description)
{
	const json_t *list = listed("offers", 53);
	struct bolt12_offer o = { .has_amount = false };

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(vec_str(json_array_get(list, i), "description"), description) == 0)
			ck_ok(bolt12_offer_decode(&ra, vec_str(json_array_get(list, i), "bolt12"), &o, &rerr));
	ck_assert_ptr_nonnull(o.raw.p);
	return o;
}

START_TEST(what_offers_say)
{
	struct bolt12_offer o = offer_called("with amount");
	struct block_hash other = { { 1 } };

	ck_assert(o.has_amount && o.currency == NULL && o.has_issuer_id);
	ck_assert_uint_eq(o.amount, 10000);
	ck_assert_str_eq(o.description, "Test vectors");
	ck_ok(bolt12_offer_check(&o, &bolt12_default_chain, INT64_MAX, &rerr));
	ck_fails(bolt12_offer_check(&o, &other, 0, &rerr), ERR_NETWORK);
	o = offer_called("with currency");
	ck_assert_str_eq(o.currency, "USD");
	o = offer_called("with issuer");
	ck_assert_str_eq(o.issuer, "https://bolt12.org BOLT12 industries");
	o = offer_called("for testnet");
	ck_fails(bolt12_offer_check(&o, &bolt12_default_chain, 0, &rerr), ERR_NETWORK);
	o = offer_called("for bitcoin or liquidv1");
	ck_ok(bolt12_offer_check(&o, &bolt12_default_chain, 0, &rerr));
	o = offer_called("with expiry");
	ck_assert(o.has_expiry);
	ck_ok(bolt12_offer_check(&o, &bolt12_default_chain, o.expires_at_s, &rerr));
	ck_fails(bolt12_offer_check(&o, &bolt12_default_chain, o.expires_at_s + 1, &rerr), ERR_INVOICE_EXPIRED);
	o = offer_called("... and with second blinded path via 1x2x3 (direction 1), path_key 020202...");
	ck_assert(o.has_issuer_id);
	ck_assert_uint_eq(o.paths.n, 2);
	ck_assert_uint_eq(o.paths.last[1].b[0], 2);
}
END_TEST

START_TEST(no_room)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(BOLT12_ROOM - 1);
	struct bolt12_invoice inv;
	struct bolt12_offer o;

	ck_fails(bolt12_offer_decode(&small, "lno1pg", &o, &rerr), ERR_RANGE);
	ck_assert_ptr_nonnull(arena_alloc(&small, 4 * BOLT12_TEXT_MAX));
	ck_fails(bolt12_offer_read(&small, (struct bytes){ NULL, 0 }, &o, &rerr), ERR_RANGE);
	ck_fails(bolt12_invoice_read(&small, (struct bytes){ NULL, 0 }, &inv, &rerr), ERR_RANGE);
}
END_TEST

/* --- invoices --- */

static const struct secret payee = { { [31] = 5 } }, stranger = { { [31] = 6 } };

/* What a test changes of a good one: a field's value in hex, NULL to leave it out. */
struct change {
	uint64_t type;
	const char *hex;
};

static void put_bigsize(struct buf *b, uint64_t v)
{
	if (v < 0xfd) {
		buf_u8(b, (uint8_t)v);
	} else {
		ck_assert_uint_gt(v, UINT16_MAX);
		buf_u8(b, 0xfe);
		buf_be32(b, (uint32_t)v);
	}
}

static void put_field(struct buf *b, uint64_t type, struct bytes v)
{
	put_bigsize(b, type);
	ck_assert_uint_lt(v.n, 0xfd);
	buf_u8(b, (uint8_t)v.n);
	buf_add_bytes(b, v);
}

static const char *point_hex(const struct secret *k)
{
	struct pubkey p;

	ck_assert(secp_seckey_pubkey(k, &p));
	return hex_text(&ra, (struct bytes){ p.b, 33 });
}

static const char *path_hex(const struct secret *last)
{
	return arena_printf(&ra, "%s%s01%s0002aabb", point_hex(&payee), point_hex(&payee), point_hex(last));
}

#define HASH    "ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5"
#define PAYINFO "000000010000000200030000000000000001000000000000ffff0000"
#define INVREQ  "1122334455667788"

/* The signature goes where its number belongs. */
static struct bytes signed_by(const struct secret *key, struct bytes plain)
{
	SCOPED(buf) struct buf b = BUF_CAP(8192);
	struct bolt12_fields f;
	struct hash32 root, digest;
	uint8_t sig[64];
	size_t i = 0;

	ck_ok(bolt12_fields_read(&ra, plain, &f, &rerr));
	ck_ok(bolt12_merkle_root(&f, &root, &rerr));
	bolt12_signature_digest("lightninginvoicesignature", &root, &digest);
	ck_assert(secp_schnorr_sign(key, &digest, sig));
	for (; i < f.n && f.v[i].type < 240; i++)
		buf_add_bytes(&b, f.v[i].whole);
	put_field(&b, 240, (struct bytes){ sig, 64 });
	for (; i < f.n; i++)
		buf_add_bytes(&b, f.v[i].whole);
	return arena_bytes(&ra, buf_bytes(&b));
}

/* An answer to the offer { description "x", issuer id payee }, changed, signed by this key. */
static struct bytes invoice(const struct secret *key, struct change change)
{
	const struct change good[] = { { 0, INVREQ },
				       { 10, "78" },
				       { 22, point_hex(&payee) },
				       { 33, NULL },
				       { 80, NULL },
				       { 82, "2710" },
				       { 88, point_hex(&stranger) },
				       { 94, NULL },
				       { 160, path_hex(&payee) },
				       { 162, PAYINFO },
				       { 164, "03e8" },
				       { 166, NULL },
				       { 168, HASH },
				       { 170, "2710" },
				       { 174, NULL },
				       { 176, point_hex(&payee) },
				       { 178, NULL },
				       { 1000000001, NULL } };
	SCOPED(buf) struct buf b = BUF_CAP(4096);

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const char *hex = good[i].type == change.type ? change.hex : good[i].hex;
		struct bytes v;

		if (hex == NULL)
			continue;
		ck_assert(hex_decode_any(&ra, hex, 1024, &v));
		put_field(&b, good[i].type, v);
	}
	return signed_by(key, buf_bytes(&b));
}

static struct bolt12_offer own_offer(void)
{
	SCOPED(buf) struct buf b = BUF_CAP(1024);
	struct bolt12_offer o;
	struct bytes v;

	put_field(&b, 10, bytes_of("x"));
	ck_assert(hex_decode_any(&ra, point_hex(&payee), 33, &v));
	put_field(&b, 22, v);
	ck_ok(bolt12_offer_read(&ra, arena_bytes(&ra, buf_bytes(&b)), &o, &rerr));
	return o;
}

static const struct change none = { UINT64_MAX, NULL };

START_TEST(good_invoice)
{
	struct bolt12_offer o = own_offer();
	struct bolt12_invoice inv;
	struct block_hash other = { { 1 } };

	ck_ok(bolt12_invoice_read(&ra, invoice(&payee, none), &inv, &rerr));
	ck_assert_uint_eq(inv.amount.v, 10000);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ inv.payment_hash.b, 32 }), HASH);
	ck_assert_int_eq(inv.made_at_s, 1000);
	ck_assert_int_eq(inv.expires_at_s, 8200);
	ck_assert(pubkey_equal(&inv.node_id, &o.issuer_id));
	ck_ok(bolt12_invoice_check(&inv, &o, &bolt12_default_chain, 8200, &rerr));
	ck_fails(bolt12_invoice_check(&inv, &o, &bolt12_default_chain, 8201, &rerr), ERR_INVOICE_EXPIRED);
	ck_fails(bolt12_invoice_check(&inv, &o, &other, 8200, &rerr), ERR_NETWORK);
}
END_TEST

/* It need not be new: what else may stand in one. */
static const struct change fine[] = { { 33, "00" },      { 80, HASH },      { 82, NULL },  { 166, "3c" },
				      { 174, "010000" }, { 174, "020000" }, { 174, "aa" }, { 1000000001, "ff" } };

START_TEST(fine_invoices)
{
	struct bolt12_invoice inv;

	ck_ok(bolt12_invoice_read(&ra, invoice(&payee, fine[_i]), &inv, &rerr));
	ck_assert_int_eq(inv.expires_at_s, fine[_i].type == 166 ? 1060 : 8200);
}
END_TEST

static const struct {
	struct change change;
	enum err_code why;
} bad[] = {
	{ { 80, "00" }, ERR_INVOICE },
	{ { 82, "2711" }, ERR_INVOICE },
	{ { 82, "002710" }, ERR_INVOICE },
	{ { 94, "00" }, ERR_UNSUPPORTED },
	{ { 178, "00" }, ERR_UNSUPPORTED },
	{ { 160, NULL }, ERR_INVOICE },
	{ { 160, "" }, ERR_INVOICE },
	{ { 160, "00" }, ERR_INVOICE },
	{ { 162, NULL }, ERR_INVOICE },
	{ { 162, "" }, ERR_INVOICE },
	{ { 162, PAYINFO PAYINFO }, ERR_INVOICE },
	{ { 162, "00" }, ERR_INVOICE },
	{ { 164, NULL }, ERR_INVOICE },
	{ { 164, "7fffffffffffffff" }, ERR_INVOICE },
	{ { 166, "0100000000" }, ERR_INVOICE },
	{ { 168, NULL }, ERR_INVOICE },
	{ { 168, "00" }, ERR_INVOICE },
	{ { 170, NULL }, ERR_INVOICE },
	{ { 170, "" }, ERR_INVOICE },
	{ { 170, "8000000000000000" }, ERR_INVOICE },
	{ { 174, "0100" }, ERR_UNSUPPORTED },
	{ { 176, NULL }, ERR_INVOICE },
	{ { 176, "02" }, ERR_INVOICE },
};

START_TEST(bad_invoices)
{
	struct bolt12_invoice inv;

	ck_fails(bolt12_invoice_read(&ra, invoice(&payee, bad[_i].change), &inv, &rerr), bad[_i].why);
}
END_TEST

/* Any bit of it changed, or its end cut off: it is signed as a whole. */
START_TEST(spoilt_invoices)
{
	struct bytes good = invoice(&payee, none);
	uint8_t *v = arena_alloc(&ra, good.n);
	struct bolt12_invoice inv;

	memcpy(v, good.p, good.n);
	for (size_t i = 0; i < good.n; i++) {
		v[i] ^= 1;
		ck_assert_int_eq(bolt12_invoice_read(&ra, (struct bytes){ v, good.n }, &inv, &rerr), -1);
		v[i] ^= 1;
		arena_reset(&ra);
		good = invoice(&payee, none);
		v = arena_alloc(&ra, good.n);
		memcpy(v, good.p, good.n);
		ck_assert_int_eq(bolt12_invoice_read(&ra, (struct bytes){ v, i }, &inv, &rerr), -1);
	}
	ck_ok(bolt12_invoice_read(&ra, (struct bytes){ v, good.n }, &inv, &rerr));
	ck_fails(bolt12_invoice_read(&ra, invoice(&stranger, none), &inv, &rerr), ERR_INVOICE);
}
END_TEST

START_TEST(another_offers)
{
	static const struct change changes[] = {
		{ 10, "79" }, { 10, NULL }, { 22, NULL }, { 33, "00" }, { 1000000001, "00" }
	};
	struct bolt12_offer o = own_offer(), by_path = o;
	struct bolt12_invoice inv;
	struct pubkey last[2];

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		ck_ok(bolt12_invoice_read(&ra, invoice(&payee, changes[i]), &inv, &rerr));
		ck_fails(bolt12_invoice_check(&inv, &o, &bolt12_default_chain, 1000, &rerr), ERR_INVOICE);
	}
	ck_ok(bolt12_invoice_read(&ra, invoice(&stranger, (struct change){ 176, point_hex(&stranger) }), &inv, &rerr));
	ck_fails(bolt12_invoice_check(&inv, &o, &bolt12_default_chain, 1000, &rerr), ERR_INVOICE);
	/* Where an offer has no issuer, any of its paths' last nodes may sign. */
	by_path.has_issuer_id = false;
	by_path.paths = (struct bolt12_paths){ last, 2 };
	ck_assert(secp_seckey_pubkey(&payee, &last[0]) && secp_seckey_pubkey(&payee, &last[1]));
	ck_fails(bolt12_invoice_check(&inv, &by_path, &bolt12_default_chain, 1000, &rerr), ERR_INVOICE);
	ck_assert(secp_seckey_pubkey(&stranger, &last[1]));
	ck_ok(bolt12_invoice_check(&inv, &by_path, &bolt12_default_chain, 1000, &rerr));
}
END_TEST

static void load(void)
{
	all = vectors_load("lightning/bolt12.json");
}

int main(void)
{
	Suite *s = suite_create("rails/lightning/bolt12");
	TCase *c = rails_case(s, "bolt12");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_loop_test(c, strings, 0, 12);
	tcase_add_test(c, odd_strings);
	tcase_add_loop_test(c, merkle_roots, 0, 4);
	tcase_add_test(c, signed_request);
	tcase_add_loop_test(c, malformed_fields, 0, ARRAY_LEN(bad_fields));
	tcase_add_test(c, many_fields);
	tcase_add_loop_test(c, short_numbers, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(c, offers, 0, 53);
	tcase_add_test(c, what_offers_say);
	tcase_add_test(c, no_room);
	tcase_add_test(c, good_invoice);
	tcase_add_loop_test(c, fine_invoices, 0, ARRAY_LEN(fine));
	tcase_add_loop_test(c, bad_invoices, 0, ARRAY_LEN(bad));
	tcase_add_test(c, spoilt_invoices);
	tcase_add_test(c, another_offers);
	return suite_run(s);
}
