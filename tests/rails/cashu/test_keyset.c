/* Vectors: tests/vectors/cashu/nut01_keys.json, nut02_keyset_ids.json, nut13_secrets.json (v1_id_int). */
#include "rails/cashu/keyset.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/mint_crypto.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct keyset_id id_of(const char *text)
{
	struct keyset_id id;

	ck_assert_msg(keyset_id_parse(text, &id), "%s", text);
	return id;
}

static struct bytes text_of(const json_t *v)
{
	return bytes_of(json_text(&ra, v));
}

START_TEST(nut01_valid)
{
	json_t *list = json_object_get(vectors_load("cashu/nut01_keys.json"), "must_accept"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 2);
	json_array_foreach(list, i, v)
	{
		struct keyset ks = { 0 };

		ck_ok(keyset_keys_parse(&ra, text_of(v), &ks.keys, &ks.n_keys, &rerr));
		ck_assert_uint_eq(ks.n_keys, json_object_size(v));
		for (size_t j = 0; j < ks.n_keys; j++) {
			ck_assert_uint_eq(ks.keys[j].amount, UINT64_C(1) << j);
			ck_assert_ptr_eq(keyset_key(&ks, UINT64_C(1) << j), &ks.keys[j].key);
		}
		ck_assert_ptr_null(keyset_key(&ks, 3));
		ck_assert_ptr_null(keyset_key(&ks, 0));
		/* and written again */
		ck_assert(bytes_equal(bytes_of(keyset_keys_text(&ra, &ks)), text_of(v)));
	}
}
END_TEST

START_TEST(nut01_invalid)
{
	json_t *list = json_object_get(vectors_load("cashu/nut01_keys.json"), "must_reject"), *v;
	size_t i, n;

	ck_assert_uint_eq(json_array_size(list), 2);
	json_array_foreach(list, i, v)
	{
		struct keyset_key *keys;

		ck_fails(keyset_keys_parse(&ra, text_of(json_object_get(v, "keys")), &keys, &n, &rerr), ERR_PARSE);
	}
}
END_TEST

static struct keyset vector_keyset(const json_t *v)
{
	struct keyset ks = { .id = id_of(vec_str(v, "id")), .active = true };

	ck_assert(currency_parse("sat", &ks.unit));
	if (json_object_get(v, "unit") != NULL)
		ck_assert(currency_parse(vec_str(v, "unit"), &ks.unit));
	if (json_is_integer(json_object_get(v, "input_fee_ppk")))
		ks.input_fee_ppk = vec_u64(v, "input_fee_ppk");
	if (json_is_integer(json_object_get(v, "final_expiry")))
		ks.final_expiry_s = (int64_t)vec_u64(v, "final_expiry");
	ck_ok(keyset_keys_parse(&ra, text_of(json_object_get(v, "keys")), &ks.keys, &ks.n_keys, &rerr));
	return ks;
}

static void check_ids(const char *which, enum keyset_version version, size_t want)
{
	json_t *list = json_object_get(vectors_load("cashu/nut02_keyset_ids.json"), which), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), want);
	json_array_foreach(list, i, v)
	{
		struct keyset ks = vector_keyset(v);
		struct keyset_id id, short_id = { 0 };

		ck_assert_int_eq(keyset_id_version(&ks.id), version);
		keyset_compute_id(&ks, version, &id);
		ck_assert_str_eq(id.s, vec_str(v, "id"));
		ck_assert(keyset_verify_id(&ks));
		ck_assert(keyset_id_matches(&ks.id, &ks.id));
		memcpy(short_id.s, ks.id.s, KEYSET_SHORT_ID_LEN);
		if (version == KEYSET_V2)
			ck_assert_str_eq(short_id.s, vec_str(v, "short_id"));
		ck_assert(keyset_id_matches(&ks.id, &short_id));
		short_id.s[15] ^= 1;
		ck_assert(!keyset_id_matches(&ks.id, &short_id));

		/* One amount less is another keyset. */
		ks.n_keys--;
		ck_assert(!keyset_verify_id(&ks));
		ks.n_keys = 0;
		ck_assert(!keyset_verify_id(&ks));
	}
}

START_TEST(nut02_v1)
{
	check_ids("v1", KEYSET_V1, 2);
}
END_TEST

START_TEST(nut02_v2)
{
	check_ids("v2", KEYSET_V2, 3);
}
END_TEST

START_TEST(v2_ids_bind_unit_fee_and_expiry)
{
	json_t *v = json_array_get(json_object_get(vectors_load("cashu/nut02_keyset_ids.json"), "v2"), 0);
	struct keyset good = vector_keyset(v), ks = good;

	ks.input_fee_ppk++;
	ck_assert(!keyset_verify_id(&ks));
	ks = good;
	ks.final_expiry_s++;
	ck_assert(!keyset_verify_id(&ks));
	ks = good;
	ck_assert(currency_parse("usd", &ks.unit));
	ck_assert(!keyset_verify_id(&ks));
	ks = good;
	ks.active = false;
	ck_assert(keyset_verify_id(&ks));
	/* What nutshell 0.20.3 derives from the same keys for an expiry of 0. */
	ks.id = id_of("012b8c3151a58fa27fada8853e1931cbaf89ed7970784111cf4ec7442e3a227a3a");
	ck_assert(!keyset_verify_id(&ks));
	ks.final_expiry_s = 0;
	ck_assert(keyset_verify_id(&ks));
	ks.input_fee_ppk++;
	ck_assert(!keyset_verify_id(&ks));
}
END_TEST

START_TEST(nut13_numbers)
{
	json_t *list = json_object_get(vectors_load("cashu/nut13_secrets.json"), "v1_id_int"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 3);
	json_array_foreach(list, i, v)
	{
		struct keyset_id id = id_of(vec_str(v, "keyset_id"));

		ck_assert_uint_eq(keyset_id_int(&id), vec_u64(v, "int"));
	}
}
END_TEST

static const struct {
	const char *text, *is; /* NULL: refused */
} ids[] = {
	{ "009a1f293253e41e", "009a1f293253e41e" },
	{ "009A1F293253E41E", "009a1f293253e41e" },
	{ "015BA18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a",
	  "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a" },
	{ "I2yN+iRYfkzT", "I2yN+iRYfkzT" },
	{ "I2yN-iRYfk_T", "I2yN-iRYfk_T" },
	{ "", NULL },
	{ "00", NULL },
	{ "009a1f293253e41", NULL },
	{ "009a1f293253e41e0", NULL },
	{ "009a1f293253e41g", NULL },
	{ "019a1f293253e41e", NULL }, /* short ids are for tokens */
	{ "029a1f293253e41e", NULL },
	{ "005ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a", NULL },
	{ "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76", NULL },
	{ "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a0", NULL },
	{ "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf7 a", NULL },
	{ "I2yN iRYfkzT", NULL },
	{ "../../v1/inf", NULL },
};

START_TEST(id_text)
{
	struct keyset_id id = { .s = "untouched" };

	ck_assert(keyset_id_parse(ids[_i].text, &id) == (ids[_i].is != NULL));
	ck_assert_str_eq(id.s, ids[_i].is == NULL ? "untouched" : ids[_i].is);
}
END_TEST

static const char listing[] =
	"{\"keysets\":["
	"{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true,\"input_fee_ppk\":100,\"new_field\":[1]},"
	"{\"id\":\"0088553333aabbcc\",\"unit\":\"sat\",\"active\":false,\"final_expiry\":null},"
	"{\"id\":\"015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a\",\"unit\":\"usd\","
	"\"active\":true,\"input_fee_ppk\":null,\"final_expiry\":2059210353},"
	"{\"id\":\"I2yN+iRYfkzT\",\"unit\":\"sat\",\"active\":false},"
	"{\"id\":\"02ffffffffffffff\",\"unit\":\"sat\",\"active\":true},"
	"{\"id\":\"00ffffffffffffff\",\"unit\":\"A currency that nobody can name\",\"active\":true}]}";

START_TEST(the_listing)
{
	struct net_reply rep = reply_of(200, listing);
	struct keyset *sets;
	size_t n;

	ck_ok(keysets_decode(&ra, &rep, &sets, &n, &rerr));
	ck_assert_uint_eq(n, 4); /* not those whose id or unit we cannot read */
	ck_assert_str_eq(sets[0].id.s, "009a1f293253e41e");
	ck_assert_uint_eq(sets[0].input_fee_ppk, 100);
	ck_assert(sets[0].active && !sets[1].active);
	ck_assert_uint_eq(sets[1].input_fee_ppk, 0);
	ck_assert_int_eq(sets[1].final_expiry_s, 0);
	ck_assert_str_eq(sets[2].unit.s, "usd");
	ck_assert_int_eq(sets[2].final_expiry_s, 2059210353);
	ck_assert_int_eq(keyset_id_version(&sets[3].id), KEYSET_LEGACY);
	ck_assert_ptr_eq(keyset_find(sets, n, &sets[2].id), &sets[2]);
	ck_assert_ptr_null(keyset_find(sets, 2, &sets[2].id));
}
END_TEST

static const char *const bad_listings[] = {
	"",
	"[]",
	"{}",
	"{\"keysets\":{}}",
	"{\"keysets\":[1]}",
	"{\"keysets\":[{}]}",
	"{\"keysets\":[{\"id\":7,\"unit\":\"sat\",\"active\":true}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\"}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":1}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true,\"input_fee_ppk\":-1}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true,\"input_fee_ppk\":1.5}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true,\"input_fee_ppk\":1000001}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true,\"input_fee_ppk\":\"1\"}]}",
	"{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true,\"final_expiry\":-5}]}",
	("{\"keysets\":[{\"id\":\"009a1f293253e41e\",\"unit\":\"sat\",\"active\":true},"
	 "{\"id\":\"009A1F293253E41E\",\"unit\":\"sat\",\"active\":false}]}"),
};

START_TEST(a_listing_that_is_none)
{
	struct net_reply rep = reply_of(200, bad_listings[_i]);
	struct keyset *sets;
	size_t n;

	ck_fails(keysets_decode(&ra, &rep, &sets, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(too_many_keysets)
{
	SCOPED(buf) struct buf b = BUF_CAP(256 * 1024);
	struct net_reply rep;
	struct keyset *sets;
	size_t n;

	buf_text_add(&b, "{\"keysets\":[");
	for (unsigned i = 0; i <= KEYSETS_MAX; i++)
		buf_printf(&b, "%s{\"id\":\"00%014x\",\"unit\":\"sat\",\"active\":true}", i > 0 ? "," : "", i);
	buf_text_add(&b, "]}");
	rep = reply_of(200, buf_text(&b));
	ck_fails(keysets_decode(&ra, &rep, &sets, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(no_room_for_the_listing)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(256);
	struct net_reply rep = reply_of(200, listing);
	struct keyset *sets;
	size_t n;

	ck_fails(keysets_decode(&small, &rep, &sets, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

/* A mint's answer for one keyset; what differs from an honest one is up to the case. */
static struct net_reply keys_reply(const struct keyset *ks, const char *id, const char *more)
{
	return reply_of(200, arena_printf(&ra, "{\"keysets\":[{\"id\":\"%s\",\"keys\":%s%s}]}", id,
					  keyset_keys_text(&ra, ks), more));
}

static const struct {
	const char *name;
	enum keyset_version version;
	bool fits;
	const char *more;
} answers[] = {
	{ "bare, v1", KEYSET_V1, true, "" },
	{ "bare, v2", KEYSET_V2, true, "" },
	{ "repeated terms", KEYSET_V2, true, ",\"unit\":\"sat\",\"input_fee_ppk\":100,\"final_expiry\":2059210353" },
	{ "nulls", KEYSET_V2, true, ",\"unit\":null,\"input_fee_ppk\":null,\"final_expiry\":null" },
	{ "another unit", KEYSET_V1, false, ",\"unit\":\"usd\"" },
	{ "no unit", KEYSET_V1, false, ",\"unit\":\"\"" },
	{ "unit of another kind", KEYSET_V1, false, ",\"unit\":1" },
	{ "another fee", KEYSET_V1, false, ",\"input_fee_ppk\":99" },
	{ "another expiry", KEYSET_V2, false, ",\"final_expiry\":2059210354" },
};

START_TEST(keys_of_a_keyset)
{
	struct mint_keyset mint;
	struct keyset listed, got = { 0 };
	struct net_reply rep;

	mint_keyset_make(&ra, "seed", answers[_i].version, "sat", 10, 100, 2059210353, &mint);
	listed = mint.pub;
	listed.keys = NULL;
	listed.n_keys = 0;
	rep = keys_reply(&mint.pub, mint.pub.id.s, answers[_i].more);
	if (!answers[_i].fits) {
		ck_fails(keyset_decode(&ra, &rep, &listed, &got, &rerr), ERR_PEER_INVALID);
		ck_assert_uint_eq(got.n_keys, 0);
		return;
	}
	ck_ok(keyset_decode(&ra, &rep, &listed, &got, &rerr));
	ck_assert_uint_eq(got.n_keys, 10);
	ck_assert_mem_eq(got.keys, mint.pub.keys, 10 * sizeof(*got.keys));
	ck_assert(got.active && got.input_fee_ppk == 100);
}
END_TEST

START_TEST(keys_that_give_another_id)
{
	struct mint_keyset mint, other;
	struct keyset got;
	struct net_reply rep;

	mint_keyset_make(&ra, "seed", KEYSET_V1, "sat", 10, 0, 0, &mint);
	mint_keyset_make(&ra, "evil", KEYSET_V1, "sat", 10, 0, 0, &other);
	rep = keys_reply(&other.pub, mint.pub.id.s, "");
	ck_fails(keyset_decode(&ra, &rep, &mint.pub, &got, &rerr), ERR_PEER_INVALID);
	rep = keys_reply(&other.pub, other.pub.id.s, "");
	ck_fails(keyset_decode(&ra, &rep, &mint.pub, &got, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, "{\"keysets\":[]}");
	ck_fails(keyset_decode(&ra, &rep, &mint.pub, &got, &rerr), ERR_PEER_INVALID);
	rep = reply_of(200, "{\"keysets\":7}");
	ck_fails(keyset_decode(&ra, &rep, &mint.pub, &got, &rerr), ERR_PEER_INVALID);
	rep = reply_of(400, "{\"detail\":\"keyset not found\",\"code\":12001}");
	ck_fails(keyset_decode(&ra, &rep, &mint.pub, &got, &rerr), ERR_PEER);
	ck_assert_int_eq(rerr.peer_code, 12001);
	mint.pub.id = id_of("I2yN+iRYfkzT");
	ck_fails(keyset_decode(&ra, &rep, &mint.pub, &got, &rerr), ERR_UNSUPPORTED);
}
END_TEST

#define KEY_A "\"02194603ffa36356f4a56b7df9371fc3192472351453ec7398b8da8117e7c3e104\""
static const char *const bad_keys[] = {
	"[]",
	"{}",
	"{\"1\":1}",
	"{\"1\":\"\"}",
	"{\"0\":" KEY_A "}",
	"{\"01\":" KEY_A "}",
	"{\"-1\":" KEY_A "}",
	"{\"+1\":" KEY_A "}",
	"{\"1.0\":" KEY_A "}",
	"{\"1e3\":" KEY_A "}",
	"{\" 1\":" KEY_A "}",
	"{\"\":" KEY_A "}",
	"{\"sat\":" KEY_A "}",
	"{\"9223372036854775809\":" KEY_A "}",
	"{\"18446744073709551616\":" KEY_A "}",
	"{\"1\":" KEY_A ",\"1\":" KEY_A "}",
	"{\"1\":\"020000000000000000000000000000000000000000000000000000000000000007\"}",
	"{\"1\":{\"x\":" KEY_A "}}",
	"{\"1\":" KEY_A "} x",
};

START_TEST(keys_that_are_none)
{
	struct keyset_key *keys;
	size_t n;

	ck_fails(keyset_keys_parse(&ra, bytes_of(bad_keys[_i]), &keys, &n, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(more_keys_than_there_are_amounts)
{
	SCOPED(buf) struct buf b = BUF_CAP(16 * 1024);
	struct keyset_key *keys;
	size_t n;

	for (unsigned i = 1; i <= CASHU_KEYS_MAX; i++)
		buf_printf(&b, "%c\"%u\":" KEY_A, i == 1 ? '{' : ',', i);
	buf_text_add(&b, "}");
	ck_ok(keyset_keys_parse(&ra, buf_bytes(&b), &keys, &n, &rerr));
	ck_assert_uint_eq(n, CASHU_KEYS_MAX);
	b.n--;
	buf_printf(&b, ",\"65\":" KEY_A "}");
	ck_fails(keyset_keys_parse(&ra, buf_bytes(&b), &keys, &n, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(where_outputs_go)
{
	struct keyset_key key = { .amount = 1 };
	struct keyset sets[] = {
		{ .id = id_of("00aaaaaaaaaaaaaa"), .active = true, .input_fee_ppk = 100, .keys = &key, .n_keys = 1 },
		{ .id = id_of("00cccccccccccccc"), .active = true, .input_fee_ppk = 50, .keys = &key, .n_keys = 1 },
		{ .id = id_of("00bbbbbbbbbbbbbb"), .active = true, .input_fee_ppk = 50, .keys = &key, .n_keys = 1 },
		{ .id = id_of("015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a"),
		  .active = true,
		  .input_fee_ppk = 50,
		  .final_expiry_s = 1000 + KEYSET_EXPIRING_S,
		  .keys = &key,
		  .n_keys = 1 },
		{ .id = id_of("0011111111111111"), .active = false, .keys = &key, .n_keys = 1 },
		{ .id = id_of("0022222222222222"), .active = true },
		{ .id = id_of("I2yN+iRYfkzT"), .active = true, .keys = &key, .n_keys = 1 },
		{ .id = id_of("0033333333333333"), .active = true, .keys = &key, .n_keys = 1 },
	};
	struct currency sat, usd, eur;
	size_t n = ARRAY_LEN(sets);

	ck_assert(currency_parse("sat", &sat) && currency_parse("usd", &usd) && currency_parse("eur", &eur));
	for (size_t i = 0; i < n; i++)
		sets[i].unit = i == n - 1 ? usd : sat;
	/* the lowest fee, then v2, while it lasts */
	ck_assert_ptr_eq(keyset_choose(sets, n, sat, 999), &sets[3]);
	/* then the smaller id */
	ck_assert_ptr_eq(keyset_choose(sets, n, sat, 1000), &sets[2]);
	/* what expires soon is better than nothing, until it has */
	ck_assert_ptr_eq(keyset_choose(sets + 3, 1, sat, 999 + KEYSET_EXPIRING_S), &sets[3]);
	ck_assert_ptr_null(keyset_choose(sets + 3, 1, sat, 1000 + KEYSET_EXPIRING_S));
	ck_assert_ptr_eq(keyset_choose(sets, n, usd, 0), &sets[n - 1]);
	ck_assert_ptr_null(keyset_choose(sets, n, eur, 0));
	ck_assert_ptr_null(keyset_choose(sets + 4, 3, sat, 0));
}
END_TEST

START_TEST(requests)
{
	struct keyset_id id = id_of("I2yN+iRYfk/T");
	struct net_request req;

	keysets_request(&ra, "https://mint.example/Bitcoin", &req);
	ck_assert_str_eq(req.method, "GET");
	ck_assert_str_eq(req.url, "https://mint.example/Bitcoin/v1/keysets");
	ck_assert(!req.changes_state && req.body.n == 0 && req.content_type == NULL);
	keyset_request(&ra, "https://mint.example", &id, &req);
	ck_assert_str_eq(req.url, "https://mint.example/v1/keys/I2yN%2BiRYfk%2FT");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/keyset");
	TCase *c = rails_case(s, "keyset");

	tcase_add_test(c, nut01_valid);
	tcase_add_test(c, nut01_invalid);
	tcase_add_test(c, nut02_v1);
	tcase_add_test(c, nut02_v2);
	tcase_add_test(c, v2_ids_bind_unit_fee_and_expiry);
	tcase_add_test(c, nut13_numbers);
	tcase_add_loop_test(c, id_text, 0, ARRAY_LEN(ids));
	tcase_add_test(c, the_listing);
	tcase_add_loop_test(c, a_listing_that_is_none, 0, ARRAY_LEN(bad_listings));
	tcase_add_test(c, too_many_keysets);
	tcase_add_test(c, no_room_for_the_listing);
	tcase_add_loop_test(c, keys_of_a_keyset, 0, ARRAY_LEN(answers));
	tcase_add_test(c, keys_that_give_another_id);
	tcase_add_loop_test(c, keys_that_are_none, 0, ARRAY_LEN(bad_keys));
	tcase_add_test(c, more_keys_than_there_are_amounts);
	tcase_add_test(c, where_outputs_go);
	tcase_add_test(c, requests);
	return suite_run(s);
}
