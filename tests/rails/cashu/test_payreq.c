/* Vectors: tests/vectors/cashu/nut18_payment_requests.json, of cashubtc/nuts tests/18-tests.md. */
#include "rails/cashu/payreq.h"

#include <string.h>

#include "base/text.h"
#include "rails/cashu/cbor_write.h"
#include "rails/cashu/lock.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define KEY "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static const char *text_or_null(const json_t *v, const char *name)
{
	return json_string_value(json_object_get(v, name));
}

static void same_text(const char *a, const char *b)
{
	ck_assert((a == NULL) == (b == NULL));
	if (a != NULL)
		ck_assert_str_eq(a, b);
}

static void same_tags(const struct payreq_tags *tags, const json_t *v)
{
	const json_t *tag, *value;
	size_t i, j;

	ck_assert_uint_eq(tags->n, json_array_size(v));
	json_array_foreach(v, i, tag)
	{
		ck_assert_uint_eq(tags->tag[i].n, json_array_size(tag));
		json_array_foreach(tag, j, value) ck_assert_str_eq(tags->tag[i].v[j], json_string_value(value));
	}
}

static void same(const struct payreq *r, const json_t *v)
{
	const json_t *list = json_object_get(v, "t"), *lock = json_object_get(v, "nut10"), *item;
	size_t i;

	same_text(r->id, text_or_null(v, "i"));
	same_text(r->description, text_or_null(v, "d"));
	same_text(r->has_unit ? r->unit.s : NULL, text_or_null(v, "u"));
	ck_assert(r->has_amount == (json_object_get(v, "a") != NULL));
	if (r->has_amount)
		ck_assert_uint_eq(r->amount, vec_u64(v, "a"));
	ck_assert(r->single_use == json_is_true(json_object_get(v, "s")));
	ck_assert_uint_eq(r->n_transports, json_array_size(list));
	json_array_foreach(list, i, item)
	{
		ck_assert_str_eq(r->transport[i].type, vec_str(item, "t"));
		ck_assert_str_eq(r->transport[i].target, vec_str(item, "a"));
		same_tags(&r->transport[i].tags, json_object_get(item, "g"));
	}
	list = json_object_get(v, "m");
	ck_assert_uint_eq(r->n_mints, json_array_size(list));
	json_array_foreach(list, i, item) ck_assert_str_eq(r->mints[i], json_string_value(item));
	ck_assert(r->has_lock == (lock != NULL));
	if (lock == NULL)
		return;
	ck_assert_str_eq(r->lock.kind, vec_str(lock, "k"));
	ck_assert_str_eq(r->lock.data, vec_str(lock, "d"));
	same_tags(&r->lock.tags, json_object_get(lock, "t"));
}

START_TEST(vectors)
{
	json_t *list = json_object_get(vectors_load("cashu/nut18_payment_requests.json"), "vectors"), *v;
	size_t i, exact = 0;

	ck_assert_uint_eq(json_array_size(list), 6);
	json_array_foreach(list, i, v)
	{
		const json_t *decoded = json_object_get(v, "decoded");
		struct payreq r, again;
		struct bytes ours;
		char *text;

		ck_ok(payreq_decode(&ra, vec_str(v, "encoded"), &r, &rerr));
		same(&r, decoded);
		ck_ok(payreq_encode(&ra, &r, &text, &rerr));
		ck_ok(payreq_decode(&ra, arena_printf(&ra, " cashu:%s\n", text), &again, &rerr));
		same(&again, decoded);
		/* The same bytes, but where the example spells out tags that are not there. */
		ck_assert(base64_decode(&ra, bytes_of(text + 5), PAYREQ_TEXT_MAX, &ours));
		exact += bytes_equal(ours, vec_hex(v, "cbor_hex"));
	}
	ck_assert_uint_eq(exact, 4);
}
END_TEST

/* --- hostile ones, from diagnostic hex --- */

static const struct {
	const char *name, *hex;
	enum err_code code; /* ERR_NONE: fine */
	const char *word;
} requests[] = {
	{ "nothing asked", "a0", ERR_NONE, NULL },
	{ "unknown fields, tags, indefinite", "bf617ac1f6636e6577820102616d9f6a687474703a2f2f6d2e78ffff", ERR_NONE,
	  NULL },
	{ "nulls", "a46161f6617af66173f7656e75743130f6", ERR_NONE, NULL },
	{ "false", "a16173f4", ERR_NONE, NULL },
	{ "an empty list of transports", "a1617480", ERR_NONE, NULL },
	{ "not a map", "80", ERR_PAYMENT_REQUEST, "map" },
	{ "cut off", "a2616901", ERR_PAYMENT_REQUEST, "kind" },
	{ "cut off in a text", "a1616963", ERR_PAYMENT_REQUEST, "damaged" },
	{ "something behind", "a000", ERR_PAYMENT_REQUEST, "follows" },
	{ "amount without unit", "a1616101", ERR_PAYMENT_REQUEST, "unit" },
	{ "amount 0", "a2616100617563736174", ERR_PAYMENT_REQUEST, "nothing" },
	{ "amount past 2^63", "a261611b8000000000000000617563736174", ERR_PAYMENT_REQUEST, "nothing" },
	{ "amount below 0", "a2616120617563736174", ERR_PAYMENT_REQUEST, "kind" },
	{ "amount twice", "a3616101616101617563736174", ERR_PAYMENT_REQUEST, "twice" },
	{ "unit that is none", "a161756253 41", ERR_PAYMENT_REQUEST, "unit" },
	{ "single use as a number", "a1617301", ERR_PAYMENT_REQUEST, "kind" },
	{ "a mint that is none", "a1616d816161", ERR_PAYMENT_REQUEST, "" },
	{ "a mint as a number", "a1616d8101", ERR_PAYMENT_REQUEST, "list" },
	{ "a transport as text", "a161748161 78", ERR_PAYMENT_REQUEST, "list" },
	{ "a transport without target", "a1617481a1617464706f7374", ERR_PAYMENT_REQUEST, "missing" },
	{ "an empty target", "a1617481a2617464706f7374616160", ERR_PAYMENT_REQUEST, "target" },
	{ "a tag that is no list", "a1617481a3617464706f737461616178616781 61 78", ERR_PAYMENT_REQUEST, "list" },
	{ "an empty tag", "a1617481a3617464706f73746161617861678180", ERR_PAYMENT_REQUEST, "name" },
	{ "a tag of numbers", "a1617481a3617464706f7374616161786167818101", ERR_PAYMENT_REQUEST, "list" },
	{ "a lock without data", "a1656e75743130a1616b645032504b", ERR_PAYMENT_REQUEST, "missing" },
	{ "not UTF-8", "a1616961ff", ERR_PAYMENT_REQUEST, "UTF-8" },
	{ "NUL in a text", "a161696100", ERR_PAYMENT_REQUEST, "UTF-8" },
	{ "too deep", "a1617881818181818181818100", ERR_PAYMENT_REQUEST, "deep" },
};

static char *from_hex(const char *hex)
{
	SCOPED(buf) struct buf plain = BUF_CAP(4096);
	struct bytes v;

	for (; *hex != '\0'; hex++)
		if (*hex != ' ')
			buf_u8(&plain, (uint8_t)*hex);
	ck_assert(hex_decode_any(&ra, buf_text(&plain), 4096, &v));
	return arena_printf(&ra, "creqA%s", base64url_text(&ra, v));
}

START_TEST(from_strangers)
{
	struct payreq r;

	if (requests[_i].code == ERR_NONE) {
		ck_ok(payreq_decode(&ra, from_hex(requests[_i].hex), &r, &rerr));
		return;
	}
	ck_fails(payreq_decode(&ra, from_hex(requests[_i].hex), &r, &rerr), requests[_i].code);
	ck_assert_msg(strstr(rerr.msg, requests[_i].word) != NULL, "%s: %s", requests[_i].name, rerr.msg);
}
END_TEST

START_TEST(not_requests)
{
	static const char *const bad[] = { "", "creq", "creqB", "CREQAoA", "cashuAoA", "creqA!", "creqA", "lnbc1" };
	SCOPED(arena) struct arena small = ARENA_LIMIT(PAYREQ_ROOM - 1);
	struct payreq r;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_fails(payreq_decode(&ra, bad[i], &r, &rerr), ERR_PAYMENT_REQUEST);
	ck_fails(payreq_decode(&ra, arena_printf(&ra, "creqA%0*d", PAYREQ_TEXT_MAX - 4, 0), &r, &rerr),
		 ERR_PAYMENT_REQUEST);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "longer"));
	ck_fails(payreq_decode(&small, "creqAoA", &r, &rerr), ERR_RANGE);
}
END_TEST

static char *text_of(struct buf *b)
{
	char *text = arena_printf(&ra, "creqA%s", base64url_text(&ra, buf_bytes(b)));

	ck_assert(buf_ok(b));
	buf_done(b);
	return text;
}

/* Each list has an end. */
START_TEST(too_many)
{
	struct buf b = BUF_CAP(16384);
	struct payreq r;

	for (size_t n = PAYREQ_MINTS_MAX; n <= PAYREQ_MINTS_MAX + 1; n++) {
		cbor_put_map(&b, 1);
		cbor_put_text(&b, "m");
		cbor_put_array(&b, n);
		for (size_t i = 0; i < n; i++)
			cbor_put_text(&b, "https://m.example");
		ck_assert_int_eq(payreq_decode(&ra, text_of(&b), &r, &rerr), n == PAYREQ_MINTS_MAX ? 0 : -1);
		b = BUF_CAP(16384);
	}
	for (size_t n = PAYREQ_TRANSPORTS_MAX; n <= PAYREQ_TRANSPORTS_MAX + 1; n++) {
		cbor_put_map(&b, 1);
		cbor_put_text(&b, "t");
		cbor_put_array(&b, n);
		for (size_t i = 0; i < n; i++) {
			cbor_put_map(&b, 2);
			cbor_put_text(&b, "t");
			cbor_put_text(&b, "post");
			cbor_put_text(&b, "a");
			cbor_put_text(&b, "x");
		}
		ck_assert_int_eq(payreq_decode(&ra, text_of(&b), &r, &rerr), n == PAYREQ_TRANSPORTS_MAX ? 0 : -1);
		b = BUF_CAP(16384);
	}
	for (size_t more = 0; more < 4; more++) {
		size_t tags = PAYREQ_TAGS_MAX + (more & 1), values = PAYREQ_VALUES_MAX + (more >> 1);

		cbor_put_map(&b, 1);
		cbor_put_text(&b, "nut10");
		cbor_put_map(&b, 3);
		cbor_put_text(&b, "k");
		cbor_put_text(&b, "P2PK");
		cbor_put_text(&b, "d");
		cbor_put_text(&b, KEY);
		cbor_put_text(&b, "t");
		cbor_put_array(&b, tags);
		for (size_t i = 0; i < tags; i++) {
			cbor_put_array(&b, values);
			for (size_t j = 0; j < values; j++)
				cbor_put_text(&b, "v");
		}
		ck_assert_int_eq(payreq_decode(&ra, text_of(&b), &r, &rerr), more == 0 ? 0 : -1);
		b = BUF_CAP(16384);
	}
}
END_TEST

START_TEST(not_written)
{
	struct payreq r = { .has_amount = true, .amount = 1 };
	char *text;

	ck_fails(payreq_encode(&ra, &r, &text, &rerr), ERR_PAYMENT_REQUEST);
	ck_assert(currency_parse("sat", &r.unit));
	r.has_unit = true;
	ck_ok(payreq_encode(&ra, &r, &text, &rerr));
	ck_assert_str_eq(text, "creqAomFhAWF1Y3NhdA");
	r.amount = 0;
	ck_fails(payreq_encode(&ra, &r, &text, &rerr), ERR_PAYMENT_REQUEST);
	r.amount = AMOUNT_MAX + 1;
	ck_fails(payreq_encode(&ra, &r, &text, &rerr), ERR_PAYMENT_REQUEST);
	r.amount = 1;
	r.description = arena_printf(&ra, "%0*d", PAYREQ_TEXT_MAX, 0);
	ck_fails(payreq_encode(&ra, &r, &text, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(is_it_met)
{
	const char *mints[] = { "https://a.example", "https://b.example" };
	struct payreq r = { .has_amount = true, .amount = 10, .has_unit = true, .mints = mints, .n_mints = 2 };
	struct currency sat, usd;
	struct ecash ten, nine, dollars;

	ck_assert(currency_parse("sat", &sat) && currency_parse("usd", &usd) && ecash_make(10, sat, &ten) &&
		  ecash_make(9, sat, &nine) && ecash_make(10, usd, &dollars));
	r.unit = sat;
	ck_ok(payreq_check(&r, "https://b.example", ten, &rerr));
	ck_fails(payreq_check(&r, "https://c.example", ten, &rerr), ERR_MINT_UNKNOWN);
	ck_assert_str_eq(rerr.field, "mint");
	ck_fails(payreq_check(&r, "https://a.example", dollars, &rerr), ERR_UNIT);
	ck_assert_str_eq(rerr.field, "unit");
	ck_fails(payreq_check(&r, "https://a.example", nine, &rerr), ERR_FUNDS);
	ck_assert_str_eq(rerr.field, "amount");
	r = (struct payreq){ 0 };
	ck_ok(payreq_check(&r, "https://c.example", dollars, &rerr));
}
END_TEST

START_TEST(the_condition_becomes_a_secret)
{
	static const uint8_t nonce[32] = { [31] = 0xaa };
	struct payreq_tag tags[] = { { { "locktime", "100" }, 2 }, { { "purpose", "offline" }, 2 } };
	struct payreq_lock l = { .kind = "P2PK", .data = KEY };
	struct lock lock;
	char *text;

	ck_ok(payreq_lock_secret(&ra, &l, nonce, &text, &rerr));
	ck_assert_str_eq(text, arena_printf(&ra, "[\"P2PK\",{\"nonce\":\"%062daa\",\"data\":\"" KEY "\"}]", 0));
	l.tags = (struct payreq_tags){ tags, 2 };
	ck_ok(payreq_lock_secret(&ra, &l, nonce, &text, &rerr));
	ck_assert_str_eq(text, arena_printf(&ra,
					    "[\"P2PK\",{\"nonce\":\"%062daa\",\"data\":\"" KEY
					    "\",\"tags\":[[\"locktime\",\"100\"],[\"purpose\",\"offline\"]]}]",
					    0));
	ck_ok(lock_parse(text, &lock, &rerr));
	ck_assert_int_eq(lock.locktime_s, 100);
	l.data = "02";
	ck_fails(payreq_lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l.kind = "P2XX";
	ck_fails(payreq_lock_secret(&ra, &l, nonce, &text, &rerr), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(delivered_by_post)
{
	struct payreq_transport to[] = { { .type = "nostr", .target = "nprofile1" },
					 { .type = "post", .target = "ftp://x" },
					 { .type = "post", .target = "https://x\x01" },
					 { .type = "post", .target = "https://api.example/pay?x=1" },
					 { .type = "post", .target = "http://second.example" } };
	struct payreq r = { .id = "4840f51e", .transport = to, .n_transports = ARRAY_LEN(to) };
	struct proof proofs[] = {
		{ .amount = 4, .keyset = { .s = "009a1f293253e41e" }, .secret = "s1", .c = { { 2, 0xaa } } },
		{ .amount = 1,
		  .keyset = { .s = "009a1f293253e41e" },
		  .secret = "s2",
		  .c = { { 3, 0xbb } },
		  .witness = "{}",
		  .dleq = { .present = true, .has_r = true } },
	};
	struct token t = { .mint = "https://m.example", .memo = "thanks", .proofs = proofs, .n = 2 };
	SCOPED(arena) struct arena small = ARENA_LIMIT(2048);
	const struct payreq_transport *post = payreq_post(&r);
	struct net_request req;

	ck_assert_ptr_eq(post, &to[3]);
	ck_fails(payreq_post_request(&ra, &r, post, &t, &req, &rerr), ERR_UNIT);
	ck_assert(currency_parse("sat", &t.unit));
	t.has_unit = true;
	ck_ok(payreq_post_request(&ra, &r, post, &t, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, "https://api.example/pay?x=1");
	ck_assert(req.changes_state);
	assert_body(&req,
		    arena_printf(&ra,
				 "{\"id\":\"4840f51e\",\"memo\":\"thanks\",\"mint\":\"https://m.example\","
				 "\"unit\":\"sat\",\"proofs\":["
				 "{\"amount\":4,\"id\":\"009a1f293253e41e\",\"secret\":\"s1\",\"C\":\"02aa%062d\"},"
				 "{\"amount\":1,\"id\":\"009a1f293253e41e\",\"secret\":\"s2\",\"C\":\"03bb%062d\","
				 "\"dleq\":{\"e\":\"%064d\",\"s\":\"%064d\",\"r\":\"%064d\"},\"witness\":\"{}\"}]}",
				 0, 0, 0, 0, 0));
	ck_fails(payreq_post_request(&small, &r, post, &t, &req, &rerr), ERR_RANGE);
	t.n = 0;
	ck_fails(payreq_post_request(&ra, &r, post, &t, &req, &rerr), ERR_RANGE);
	r.n_transports = 3;
	ck_assert_ptr_null(payreq_post(&r));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/payreq");
	TCase *c = rails_case(s, "payreq");

	tcase_add_test(c, vectors);
	tcase_add_loop_test(c, from_strangers, 0, ARRAY_LEN(requests));
	tcase_add_test(c, not_requests);
	tcase_add_test(c, too_many);
	tcase_add_test(c, not_written);
	tcase_add_test(c, is_it_met);
	tcase_add_test(c, the_condition_becomes_a_secret);
	tcase_add_test(c, delivered_by_post);
	return suite_run(s);
}
