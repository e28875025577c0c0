/* Vectors: tests/vectors/cashu/nut00_token_v3.json, nut00_token_v4.json. */
#include "rails/cashu/token.h"

#include <string.h>

#include "base/text.h"
#include "rails/cashu/dhke.h"
#include "tests/support/mint_crypto.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define V1_ID   "00ad268c4d1f5826"
#define V2_ID   "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a"
#define A_POINT "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static int decode(const char *text, struct token *ret)
{
	return token_decode(&ra, bytes_of(text), ret, &rerr);
}

static void assert_y(const struct proof *p)
{
	struct point y;
	struct pubkey want;

	ck_assert(dhke_hash_to_curve(bytes_of(p->secret), &y));
	point_compress(&y, &want);
	ck_assert(pubkey_equal(&want, &p->y));
}

static void assert_proof(const struct proof *p, uint64_t amount, const char *id, const char *secret, const char *c)
{
	ck_assert_uint_eq(p->amount, amount);
	ck_assert_str_eq(p->keyset.s, id);
	ck_assert_str_eq(p->secret, secret);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ p->c.b, 33 }), c);
	ck_assert(!p->dleq.present);
	ck_assert_ptr_null(p->witness);
	assert_y(p);
}

static void assert_v3(const struct token *t, const json_t *want)
{
	const json_t *entry = json_array_get(json_object_get(want, "token"), 0), *p;
	size_t i;

	ck_assert_str_eq(t->mint, vec_str(entry, "mint"));
	ck_assert(t->has_unit);
	ck_assert_str_eq(t->unit.s, vec_str(want, "unit"));
	ck_assert_str_eq(t->memo, vec_str(want, "memo"));
	ck_assert_uint_eq(t->n, json_array_size(json_object_get(entry, "proofs")));
	json_array_foreach(json_object_get(entry, "proofs"), i, p) assert_proof(
		&t->proofs[i], vec_u64(p, "amount"), vec_str(p, "id"), vec_str(p, "secret"), vec_str(p, "C"));
}

START_TEST(nut00_v3)
{
	json_t *file = vectors_load("cashu/nut00_token_v3.json"), *v;
	struct token t;
	char *text;
	size_t i;

	json_array_foreach(json_object_get(file, "serialize"), i, v)
	{
		ck_ok(decode(vec_str(v, "serialized"), &t));
		assert_v3(&t, json_object_get(v, "token_json"));
		ck_assert_uint_eq(t.sum, 10);
		ck_ok(token_encode_v3(&ra, &t, &text, &rerr));
		ck_assert_str_eq(text, vec_str(v, "serialized"));
	}
	ck_assert_uint_eq(i, 1);
	json_array_foreach(json_object_get(file, "must_accept"), i, v) ck_ok(decode(json_string_value(v), &t));
	ck_assert_uint_eq(i, 3);
	json_array_foreach(json_object_get(file, "must_reject"), i, v)
		ck_fails(decode(json_string_value(v), &t), ERR_TOKEN);
	ck_assert_uint_eq(i, 2);
}
END_TEST

static void assert_v4(const struct token *t, const json_t *want)
{
	const json_t *group, *p, *memo = json_object_get(want, "d");
	size_t i, j, n = 0;

	ck_assert_str_eq(t->mint, vec_str(want, "m"));
	ck_assert_str_eq(t->unit.s, vec_str(want, "u"));
	if (memo == NULL)
		ck_assert_ptr_null(t->memo);
	else
		ck_assert_str_eq(t->memo, json_string_value(memo));
	json_array_foreach(json_object_get(want, "t"), i, group) json_array_foreach(json_object_get(group, "p"), j, p)
		assert_proof(&t->proofs[n++], vec_u64(p, "a"), vec_str(group, "i") + 4, vec_str(p, "s"),
			     vec_str(p, "c") + 4);
	ck_assert_uint_eq(t->n, n);
}

START_TEST(nut00_v4)
{
	json_t *file = vectors_load("cashu/nut00_token_v4.json"), *v;
	struct token t;
	size_t i;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		const char *serialized = vec_str(v, "serialized");
		char *text;

		ck_ok(decode(serialized, &t));
		assert_v4(&t, json_object_get(v, "token"));
		ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
		/* The first vector is padded; we do not pad. */
		ck_assert_uint_eq(strlen(text), strcspn(serialized, "="));
		ck_assert_mem_eq(text, serialized, strlen(text));
	}
	ck_assert_uint_eq(i, 2);
	json_array_foreach(json_object_get(file, "raw"), i, v)
	{
		struct bytes raw = vec_hex(v, "raw_hex");

		ck_ok(token_decode(&ra, raw, &t, &rerr));
		assert_v4(&t, json_object_get(v, "token"));
		for (size_t n = 0; n < raw.n; n++)
			ck_fails(token_decode(&ra, (struct bytes){ raw.p, n }, &t, &rerr), ERR_TOKEN);
	}
	ck_assert_uint_eq(i, 1);
}
END_TEST

static const struct {
	const char *before, *after;
} wrapped[] = {
	{ "cashu:", "" }, { "cashu://", "" }, { " \n", "\r\n " }, { "\tcashu:", "\n" }, { "  cashu://", "   " },
};

START_TEST(as_pasted)
{
	json_t *v3 = json_array_get(json_object_get(vectors_load("cashu/nut00_token_v3.json"), "serialize"), 0);
	json_t *v4 = json_array_get(json_object_get(vectors_load("cashu/nut00_token_v4.json"), "vectors"), 1);
	struct token t;

	ck_ok(decode(arena_printf(&ra, "%s%s%s", wrapped[_i].before, vec_str(v3, "serialized"), wrapped[_i].after),
		     &t));
	ck_assert_uint_eq(t.n, 2);
	ck_ok(decode(arena_printf(&ra, "%s%s%s", wrapped[_i].before, vec_str(v4, "serialized"), wrapped[_i].after),
		     &t));
	ck_assert_uint_eq(t.n, 3);
}
END_TEST

START_TEST(the_other_alphabet)
{
	json_t *v4 = json_array_get(json_object_get(vectors_load("cashu/nut00_token_v4.json"), "vectors"), 0);
	char *text = arena_strdup(&ra, vec_str(v4, "serialized"));
	struct token t;

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	ck_assert_ptr_nonnull(strchr(text, '/'));
	ck_ok(decode(text, &t));
}
END_TEST

/* V3 of one proof, or of what the case wants. */
#define PROOF(amount, secret)                                                                                          \
	"{\"amount\":" amount ",\"id\":\"" V1_ID "\",\"secret\":\"" secret "\",\"C\":\"" A_POINT "\"}"
#define ENTRY(proofs)  "{\"mint\":\"https://mint.example\",\"proofs\":[" proofs "]}"
#define TOKEN(entries) "{\"token\":[" entries "],\"unit\":\"sat\"}"

static char *v3_of(const char *json)
{
	return arena_printf(&ra, "cashuA%s", base64url_text(&ra, bytes_of(json)));
}

static const struct {
	const char *name, *json;
	size_t n;
	uint64_t sum;
} fine_v3[] = {
	{ "one", TOKEN(ENTRY(PROOF("8", "a"))), 1, 8 },
	{ "no unit", "{\"token\":[" ENTRY(PROOF("8", "a")) "]}", 1, 8 },
	{ "nulls", "{\"token\":[" ENTRY(PROOF("8", "a")) "],\"unit\":null,\"memo\":null}", 1, 8 },
	{ "one mint named twice",
	  TOKEN(ENTRY(PROOF("8", "a")) ",{\"mint\":\"HTTPS://MINT.example/\",\"proofs\":[" PROOF("1", "b") "]}"), 2,
	  9 },
	{ "unknown members", "{\"new\":1,\"token\":[" ENTRY(PROOF("8", "a")) "],\"unit\":\"sat\"}", 1, 8 },
	{ "the largest sum", TOKEN(ENTRY(PROOF("9223372036854775806", "a") "," PROOF("1", "b"))), 2, AMOUNT_MAX },
	{ "P2PK secret", TOKEN(ENTRY(PROOF("8", "[\\\"P2PK\\\",{\\\"nonce\\\":\\\"00\\\"}]"))), 1, 8 },
	{ "no dleq",
	  TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT
		      "\",\"dleq\":null,\"witness\":null,\"p2pk_e\":null}")),
	  1, 8 },
	{ "witness",
	  TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT
		      "\",\"witness\":\"{\\\"signatures\\\":[]}\"}")),
	  1, 8 },
	{ "short id", TOKEN(ENTRY("{\"amount\":8,\"id\":\"015ba18a8adcd02e\",\"secret\":\"a\",\"C\":\"" A_POINT "\"}")),
	  1, 8 },
	{ "legacy id", TOKEN(ENTRY("{\"amount\":8,\"id\":\"I2yN+iRYfkzT\",\"secret\":\"a\",\"C\":\"" A_POINT "\"}")), 1,
	  8 },
};

START_TEST(v3_accepted)
{
	struct token t;

	ck_ok(decode(v3_of(fine_v3[_i].json), &t));
	ck_assert_uint_eq(t.n, fine_v3[_i].n);
	ck_assert_uint_eq(t.sum, fine_v3[_i].sum);
	ck_assert_str_eq(t.mint, "https://mint.example");
	for (size_t i = 0; i < t.n; i++)
		assert_y(&t.proofs[i]);
}
END_TEST

static const char *const bad_v3[] = {
	"",
	"[]",
	"{}",
	"null",
	"{\"token\":null}",
	"{\"token\":[]}",
	"{\"token\":[{}]}",
	"{\"token\":[1]}",
	TOKEN(ENTRY("")),
	TOKEN("{\"mint\":\"https://mint.example\"}"),
	TOKEN("{\"mint\":\"ftp://mint.example\",\"proofs\":[" PROOF("8", "a") "]}"),
	TOKEN("{\"mint\":null,\"proofs\":[" PROOF("8", "a") "]}"),
	TOKEN("{\"proofs\":[" PROOF("8", "a") "]}"),
	TOKEN(ENTRY(PROOF("8", "a")) ",{\"mint\":\"https://other.example\",\"proofs\":[" PROOF("1", "b") "]}"),
	TOKEN(ENTRY(PROOF("0", "a"))),
	TOKEN(ENTRY(PROOF("-1", "a"))),
	TOKEN(ENTRY(PROOF("1.5", "a"))),
	TOKEN(ENTRY(PROOF("1e3", "a"))),
	TOKEN(ENTRY(PROOF("\"8\"", "a"))),
	TOKEN(ENTRY(PROOF("9223372036854775808", "a"))),
	TOKEN(ENTRY(PROOF("9223372036854775807", "a") "," PROOF("1", "b"))),
	TOKEN(ENTRY(PROOF("8", ""))),
	TOKEN(ENTRY(PROOF("8", "a\\n"))),
	TOKEN(ENTRY(PROOF("8", "a\\u0000b"))),
	TOKEN(ENTRY(PROOF("8", "a\\u007f"))),
	TOKEN(ENTRY(PROOF("8", "a") "," PROOF("4", "a"))),
	TOKEN(ENTRY("{\"amount\":8,\"secret\":\"a\",\"C\":\"" A_POINT "\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"zz\",\"secret\":\"a\",\"C\":\"" A_POINT "\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"02ad268c4d1f5826\",\"secret\":\"a\",\"C\":\"" A_POINT "\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"C\":\"" A_POINT "\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"02ab\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":"
		    "\"020000000000000000000000000000000000000000000000000000000000000007\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT "\",\"dleq\":{}}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT "\",\"dleq\":\"x\"}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT "\",\"witness\":{}}")),
	TOKEN(ENTRY("{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT "\",\"p2pk_e\":\"" A_POINT
		    "\"}")),
	"{\"token\":[" ENTRY(PROOF("8", "a")) "],\"unit\":\"not a unit\"}",
	"{\"token\":[" ENTRY(PROOF("8", "a")) "],\"unit\":7}",
	"{\"token\":[" ENTRY(PROOF("8", "a")) "],\"memo\":7}",
	"{\"token\":[" ENTRY(PROOF("8", "a")) "],\"token\":[]}",
	TOKEN(ENTRY(PROOF("8", "a"))) " x",
	"{\"token\":[" ENTRY(PROOF("8", "a")) "],\"x\":[[[[[[[[[[1]]]]]]]]]]}",
};

START_TEST(v3_refused)
{
	struct token t;

	ck_fails(decode(v3_of(bad_v3[_i]), &t), ERR_TOKEN);
	ck_assert_ptr_null(strstr(rerr.msg, A_POINT));
}
END_TEST

static const char *const bad_text[] = {
	"",
	" ",
	"cashu",
	"cashuA",
	"cashuB",
	"cashuC",
	"cashuAeyJ0b2tlbiI6W119",
	"cashuB%%%%",
	"cashuA====",
	"cashu:",
	"cashu://",
	"cashu:cashu:cashuBo2F0",
	"cashua",
	"CASHUA",
	"cashuBo2F0 gqJh",
	"craw",
	"crawA",
	"crawB",
	"lnbc1",
	"cashuB\xc3\xb6",
	"cashuBoA",
	"cashuBgA",
	"cashuBAA",
};

START_TEST(text_refused)
{
	struct token t;

	ck_fails(decode(bad_text[_i], &t), ERR_TOKEN);
}
END_TEST

/* V4 by hand: hex of CBOR.  proof: a3 "a" 08 "s" 61 "a" "c" 5821 point. */
#define C_POINT                                                                                                        \
	"6163"                                                                                                         \
	"5821" A_POINT
#define CPROOF                                                                                                         \
	"a3"                                                                                                           \
	"616108"                                                                                                       \
	"61736161" C_POINT
#define CGROUP(p)                                                                                                      \
	"a2"                                                                                                           \
	"6169"                                                                                                         \
	"48" V1_ID "6170" p
#define M_U                                                                                                            \
	"616d"                                                                                                         \
	"74"                                                                                                           \
	"68747470733a2f2f6d696e742e6578616d706c65"                                                                     \
	"6175"                                                                                                         \
	"63736174"
#define CTOKEN(g)                                                                                                      \
	"a3"                                                                                                           \
	"6174" g M_U

static struct bytes raw_of(const char *hex)
{
	struct bytes v;

	ck_assert_msg(hex_decode_any(&ra, arena_printf(&ra, "6372617742%s", hex), 65536, &v), "%s", hex);
	return v;
}

static const struct {
	const char *name, *hex;
	size_t n;
} fine_v4[] = {
	{ "plain", CTOKEN("81" CGROUP("81" CPROOF)), 1 },
	{ "another order",
	  "a3" M_U "6174"
	  "81"
	  "a2"
	  "6170"
	  "81"
	  "a3" C_POINT "61736161"
	  "616108"
	  "6169"
	  "48" V1_ID,
	  1 },
	{ "indefinite everything",
	  "bf"
	  "6174"
	  "9f"
	  "bf"
	  "6169"
	  "48" V1_ID "6170"
	  "9f"
	  "bf"
	  "616108"
	  "61736161" C_POINT "ff"
	  "ff"
	  "ff"
	  "ff" M_U "ff",
	  1 },
	{ "strings in chunks",
	  CTOKEN("81"
		 "a2"
		 "6169"
		 "5f"
		 "42"
		 "00ad"
		 "46"
		 "268c4d1f5826"
		 "ff"
		 "6170"
		 "81"
		 "a3"
		 "616108"
		 "6173"
		 "7f"
		 "60"
		 "6161"
		 "ff" C_POINT),
	  1 },
	{ "a key in chunks",
	  CTOKEN("81"
		 "a2"
		 "7f"
		 "6169"
		 "ff"
		 "48" V1_ID "6170"
		 "81" CPROOF),
	  1 },
	{ "heads longer than need be",
	  "b90003"
	  "7801"
	  "74"
	  "9a00000001" CGROUP("9b0000000000000001"
			      "b803"
			      "616118"
			      "08"
			      "61736161" C_POINT) M_U,
	  1 },
	{ "unknown keys",
	  "a5"
	  "6178"
	  "8301a1026161f6"
	  "6174"
	  "81" CGROUP("81" CPROOF) "07"
				   "f5" M_U,
	  1 },
	{ "unknown floats and negatives",
	  "a4"
	  "6178"
	  "84"
	  "f93c00"
	  "fa3f800000"
	  "fb3ff0000000000000"
	  "20"
	  "6174"
	  "81" CGROUP("81" CPROOF) M_U,
	  1 },
	{ "tags",
	  "d9d9f7" CTOKEN("c0"
			  "81"
			  "d8ff" CGROUP("81"
					"db0123456789abcdef"
					"a3"
					"6161"
					"c6"
					"08"
					"61736161" C_POINT)),
	  1 },
	{ "null memo",
	  "a4"
	  "6164"
	  "f6"
	  "6174"
	  "81" CGROUP("81" CPROOF) M_U,
	  1 },
	{ "undefined dleq, witness and ephemeral key",
	  CTOKEN("81" CGROUP("81"
			     "a6"
			     "616108"
			     "61736161" C_POINT "6164"
			     "f7"
			     "6177"
			     "f6"
			     "627065"
			     "f7")),
	  1 },
	{ "an empty group", CTOKEN("82" CGROUP("80") CGROUP("81" CPROOF)), 1 },
	{ "nested as deep as may be",
	  "a4"
	  "6178"
	  "81818181818181"
	  "01"
	  "6174"
	  "81" CGROUP("81" CPROOF) M_U,
	  1 },
	{ "short id",
	  CTOKEN("81"
		 "a2"
		 "6169"
		 "48"
		 "015ba18a8adcd02e"
		 "6170"
		 "81" CPROOF),
	  1 },
	{ "whole v2 id",
	  CTOKEN("81"
		 "a2"
		 "6169"
		 "5821" V2_ID "6170"
		 "81" CPROOF),
	  1 },
	{ "a witness",
	  CTOKEN("81" CGROUP("81"
			     "a4"
			     "616108"
			     "61736161" C_POINT "6177"
			     "627b7d")),
	  1 },
};

START_TEST(v4_accepted)
{
	struct token t;

	ck_ok(token_decode(&ra, raw_of(fine_v4[_i].hex), &t, &rerr));
	ck_assert_uint_eq(t.n, fine_v4[_i].n);
	ck_assert_uint_eq(t.sum, 8);
	ck_assert_str_eq(t.mint, "https://mint.example");
	ck_assert_str_eq(t.unit.s, "sat");
	ck_assert_ptr_null(t.memo);
	ck_assert_str_eq(t.proofs[0].secret, "a");
}
END_TEST

static const struct {
	const char *name, *hex;
} bad_v4[] = {
	{ "nothing", "" },
	{ "not a map", "80" },
	{ "a number", "00" },
	{ "an empty map", "a0" },
	{ "no groups", CTOKEN("80") },
	{ "groups that are text", CTOKEN("6161") },
	{ "a group that is a list", CTOKEN("81"
					   "80") },
	{ "no proofs", CTOKEN("81" CGROUP("80")) },
	{ "a proof that is a number", CTOKEN("81" CGROUP("81"
							 "01")) },
	{ "no mint", "a2"
		     "6174"
		     "81" CGROUP("81" CPROOF) "6175"
					      "63736174" },
	{ "a null mint", "a3"
			 "6174"
			 "81" CGROUP("81" CPROOF) "616d"
						  "f6"
						  "6175"
						  "63736174" },
	{ "no unit", "a2"
		     "6174"
		     "81" CGROUP("81" CPROOF) "616d"
					      "74"
					      "68747470733a2f2f6d696e742e6578616d706c65" },
	{ "a unit that is none", "a3"
				 "6174"
				 "81" CGROUP("81" CPROOF) "616d"
							  "74"
							  "68747470733a2f2f6d696e742e6578616d706c65"
							  "6175"
							  "60" },
	{ "no id", CTOKEN("81"
			  "a1"
			  "6170"
			  "81" CPROOF) },
	{ "an id of 7 bytes", CTOKEN("81"
				     "a2"
				     "6169"
				     "47"
				     "00ad268c4d1f58"
				     "6170"
				     "81" CPROOF) },
	{ "an id of another version", CTOKEN("81"
					     "a2"
					     "6169"
					     "48"
					     "02ad268c4d1f5826"
					     "6170"
					     "81" CPROOF) },
	{ "an id of 40 bytes", CTOKEN("81"
				      "a2"
				      "6169"
				      "5828" V2_ID "00000000000000"
				      "6170"
				      "81" CPROOF) },
	{ "an empty id", CTOKEN("81"
				"a2"
				"6169"
				"40"
				"6170"
				"81" CPROOF) },
	{ "an id that is text", CTOKEN("81"
				       "a2"
				       "6169"
				       "70"
				       "30306164323638633464316635383236"
				       "6170"
				       "81" CPROOF) },
	{ "amount 0", CTOKEN("81" CGROUP("81"
					 "a3"
					 "616100"
					 "61736161" C_POINT)) },
	{ "a negative amount", CTOKEN("81" CGROUP("81"
						  "a3"
						  "616120"
						  "61736161" C_POINT)) },
	{ "a fractional amount", CTOKEN("81" CGROUP("81"
						    "a3"
						    "6161"
						    "f94800"
						    "61736161" C_POINT)) },
	{ "an amount that is text", CTOKEN("81" CGROUP("81"
						       "a3"
						       "6161"
						       "6138"
						       "61736161" C_POINT)) },
	{ "amount 2^63", CTOKEN("81" CGROUP("81"
					    "a3"
					    "6161"
					    "1b8000000000000000"
					    "61736161" C_POINT)) },
	{ "a sum past 2^63", CTOKEN("81" CGROUP("82"
						"a3"
						"6161"
						"1b7fffffffffffffff"
						"61736161" C_POINT "a3"
						"616101"
						"61736162" C_POINT)) },
	{ "no amount", CTOKEN("81" CGROUP("81"
					  "a2"
					  "61736161" C_POINT)) },
	{ "no secret", CTOKEN("81" CGROUP("81"
					  "a2"
					  "616108" C_POINT)) },
	{ "an empty secret", CTOKEN("81" CGROUP("81"
						"a3"
						"616108"
						"617360" C_POINT)) },
	{ "a secret of bytes", CTOKEN("81" CGROUP("81"
						  "a3"
						  "616108"
						  "61734161" C_POINT)) },
	{ "a secret with a NUL", CTOKEN("81" CGROUP("81"
						    "a3"
						    "616108"
						    "6173"
						    "63610062" C_POINT)) },
	{ "a secret that is no UTF-8", CTOKEN("81" CGROUP("81"
							  "a3"
							  "616108"
							  "6173"
							  "61ff" C_POINT)) },
	{ "a secret with a line break", CTOKEN("81" CGROUP("81"
							   "a3"
							   "616108"
							   "6173"
							   "610a" C_POINT)) },
	{ "no C", CTOKEN("81" CGROUP("81"
				     "a2"
				     "616108"
				     "61736161")) },
	{ "a C of 32 bytes", CTOKEN("81" CGROUP("81"
						"a3"
						"616108"
						"61736161"
						"6163"
						"5820"
						"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")) },
	{ "a C that is no point",
	  CTOKEN("81" CGROUP("81"
			     "a3"
			     "616108"
			     "61736161"
			     "6163"
			     "5821"
			     "020000000000000000000000000000000000000000000000000000000000000007")) },
	{ "the same secret twice", CTOKEN("81" CGROUP("82" CPROOF CPROOF)) },
	{ "the same secret in two groups", CTOKEN("82" CGROUP("81" CPROOF) CGROUP("81" CPROOF)) },
	{ "a key twice", "a4"
			 "6174"
			 "80"
			 "6174"
			 "81" CGROUP("81" CPROOF) M_U },
	{ "a key twice, once null", "a4"
				    "6174"
				    "f6"
				    "6174"
				    "81" CGROUP("81" CPROOF) M_U },
	{ "a proof's key twice", CTOKEN("81" CGROUP("81"
						    "a4"
						    "616101"
						    "616108"
						    "61736161" C_POINT)) },
	{ "dleq without s", CTOKEN("81" CGROUP("81"
					       "a4"
					       "616108"
					       "61736161" C_POINT "6164"
					       "a1"
					       "6165"
					       "41"
					       "00")) },
	{ "dleq that is text", CTOKEN("81" CGROUP("81"
						  "a4"
						  "616108"
						  "61736161" C_POINT "6164"
						  "6161")) },
	{ "blinded keys", CTOKEN("81" CGROUP("81"
					     "a4"
					     "616108"
					     "61736161" C_POINT "627065"
					     "5821" A_POINT)) },
	{ "a break where there is none", "a3"
					 "6174"
					 "ff" M_U },
	{ "a break for a value", "bf"
				 "6174"
				 "ff" },
	{ "a lone break", "ff" },
	{ "half a pair", "bf"
			 "6174"
			 "81" CGROUP("81" CPROOF) "616d"
						  "ff" },
	{ "a length past the end", "a3"
				   "6174"
				   "81"
				   "a2"
				   "6169"
				   "5bffffffffffffffff" },
	{ "a list of 2^64 - 1", CTOKEN("9bffffffffffffffff") },
	{ "a map of 2^63", "bb8000000000000000"
			   "6174"
			   "80" },
	{ "chunks of another kind", CTOKEN("81"
					   "a2"
					   "6169"
					   "5f"
					   "6161"
					   "ff"
					   "6170"
					   "81" CPROOF) },
	{ "chunks in chunks", CTOKEN("81"
				     "a2"
				     "6169"
				     "5f"
				     "5f"
				     "41"
				     "00"
				     "ff"
				     "ff"
				     "6170"
				     "81" CPROOF) },
	{ "chunks without an end", CTOKEN("81"
					  "a2"
					  "6169"
					  "5f"
					  "48" V1_ID) },
	{ "a tag for nothing", "c0" },
	{ "a reserved head", "a3"
			     "6174"
			     "1c" M_U },
	{ "nested too deep", "a4"
			     "6178"
			     "8181818181818181"
			     "01"
			     "6174"
			     "81" CGROUP("81" CPROOF) M_U },
	{ "nested far too deep", "a4"
				 "6178"
				 "9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f" },
	{ "something after it", CTOKEN("81" CGROUP("81" CPROOF)) "00" },
};

START_TEST(v4_refused)
{
	struct token t;

	ck_fails(token_decode(&ra, raw_of(bad_v4[_i].hex), &t, &rerr), ERR_TOKEN);
}
END_TEST

START_TEST(cut_off_anywhere)
{
	struct bytes whole = raw_of(CTOKEN("81" CGROUP("81" CPROOF)));
	struct token t;

	for (size_t n = 0; n < whole.n; n++) {
		struct bytes part = arena_bytes(&ra, (struct bytes){ whole.p, n });

		ck_fails(token_decode(&ra, part, &t, &rerr), ERR_TOKEN);
	}
}
END_TEST

/* A token of n proofs of amount 1 whose secrets have len characters. */
static struct token token_of(size_t n, size_t len, bool with_dleq)
{
	struct token t = { .mint = "https://mint.example", .has_unit = true, .n = n, .sum = n };

	ck_assert(currency_parse("sat", &t.unit));
	t.proofs = ARENA_ARRAY(&ra, n, struct proof);
	for (size_t i = 0; i < n; i++) {
		struct proof *p = &t.proofs[i];

		*p = (struct proof){ .amount = 1,
				     .secret = arena_printf(&ra, "%0*zu", (int)len, i),
				     .dleq = { .present = with_dleq, .has_r = with_dleq } };
		ck_assert(keyset_id_parse(V1_ID, &p->keyset));
		hex_to(A_POINT, p->c.b, 33);
		for (int j = 0; j < 32; j++)
			p->dleq.e.b[j] = p->dleq.s.b[j] = p->dleq.r.b[j] = (uint8_t)(i + (size_t)j);
	}
	return t;
}

static void assert_same(const struct token *a, const struct token *b)
{
	ck_assert_uint_eq(a->n, b->n);
	ck_assert_str_eq(a->mint, b->mint);
	ck_assert(currency_equal(a->unit, b->unit));
	for (size_t i = 0; i < a->n; i++) {
		const struct proof *p = &a->proofs[i], *q = &b->proofs[i];

		ck_assert(p->amount == q->amount && keyset_id_equal(&p->keyset, &q->keyset));
		ck_assert_str_eq(p->secret, q->secret);
		ck_assert(pubkey_equal(&p->c, &q->c));
		ck_assert(p->dleq.present == q->dleq.present && p->dleq.has_r == q->dleq.has_r);
		ck_assert_mem_eq(p->dleq.e.b, q->dleq.e.b, 32);
		ck_assert_mem_eq(p->dleq.s.b, q->dleq.s.b, 32);
		ck_assert_mem_eq(p->dleq.r.b, q->dleq.r.b, 32);
		ck_assert((p->witness == NULL) == (q->witness == NULL));
	}
}

START_TEST(there_and_back)
{
	struct token t = token_of(7, 64, true), back;
	char *v3, *v4, *again;

	t.memo = "for \"coffee\" \xe2\x98\x95";
	t.proofs[2].witness = "{\"signatures\":[\"ab\"]}";
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &v4, &rerr));
	ck_ok(decode(v4, &back));
	assert_same(&t, &back);
	ck_assert_str_eq(back.memo, t.memo);
	ck_assert_str_eq(back.proofs[2].witness, t.proofs[2].witness);
	ck_ok(token_encode_v4(&ra, &back, NULL, 0, &again, &rerr));
	ck_assert_str_eq(again, v4);
	ck_assert_ptr_null(strchr(v4, '='));
	ck_ok(token_encode_v3(&ra, &t, &v3, &rerr));
	ck_ok(decode(v3, &back));
	assert_same(&t, &back);
	ck_assert_str_eq(back.memo, t.memo);
}
END_TEST

START_TEST(dleq_goes_when_every_proof_has_it)
{
	struct token t = token_of(3, 64, true), back;
	char *text;

	t.proofs[1].dleq.has_r = false;
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_ok(decode(text, &back));
	for (size_t i = 0; i < 3; i++)
		ck_assert(!back.proofs[i].dleq.present);
	ck_ok(token_encode_v3(&ra, &t, &text, &rerr));
	ck_ok(decode(text, &back));
	for (size_t i = 0; i < 3; i++)
		ck_assert(!back.proofs[i].dleq.present);
}
END_TEST

START_TEST(dleq_without_r_is_read)
{
	struct token t;

	ck_ok(decode(v3_of(TOKEN(ENTRY(
			     "{\"amount\":8,\"id\":\"" V1_ID "\",\"secret\":\"a\",\"C\":\"" A_POINT
			     "\",\"dleq\":{\"e\":\"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\","
			     "\"s\":\"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"}}"))),
		     &t));
	ck_assert(t.proofs[0].dleq.present && !t.proofs[0].dleq.has_r);
}
END_TEST

START_TEST(as_many_as_may_be)
{
	struct token t = token_of(CASHU_LIST_MAX, 64, true), back;
	char *text;

	ck_ok(token_encode_v3(&ra, &t, &text, &rerr));
	ck_ok(decode(text, &back));
	assert_same(&t, &back);
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_ok(decode(text, &back));
	assert_same(&t, &back);
	ck_assert_uint_eq(back.sum, CASHU_LIST_MAX);
	t.n = CASHU_LIST_MAX + 1;
	ck_fails(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr), ERR_RANGE);
	ck_fails(token_encode_v3(&ra, &t, &text, &rerr), ERR_RANGE);
	t.n = 0;
	ck_fails(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(one_proof_too_many)
{
	SCOPED(buf) struct buf b = BUF_CAP(1024 * 1024);
	struct token t;

	buf_text_add(&b, "{\"token\":[{\"mint\":\"https://mint.example\",\"proofs\":[");
	for (unsigned i = 0; i <= CASHU_LIST_MAX / 2; i++)
		buf_printf(&b, "%s{\"amount\":1,\"id\":\"" V1_ID "\",\"secret\":\"%u\",\"C\":\"" A_POINT "\"}",
			   i > 0 ? "," : "", i);
	buf_text_add(&b, "]},{\"mint\":\"https://mint.example\",\"proofs\":[");
	for (unsigned i = 0; i < CASHU_LIST_MAX / 2; i++)
		buf_printf(&b, "%s{\"amount\":1,\"id\":\"" V1_ID "\",\"secret\":\"b%u\",\"C\":\"" A_POINT "\"}",
			   i > 0 ? "," : "", i);
	buf_text_add(&b, "]}]}");
	ck_fails(decode(v3_of(buf_text(&b)), &t), ERR_TOKEN);
}
END_TEST

START_TEST(longer_than_any_token)
{
	size_t n = TOKEN_TEXT_MAX + 1;
	uint8_t *text = arena_alloc(&ra, n);
	struct token t;

	memset(text, 'A', n);
	memcpy(text, "cashuB", 6);
	ck_fails(token_decode(&ra, (struct bytes){ text, n }, &t, &rerr), ERR_TOKEN);
}
END_TEST

START_TEST(secrets_and_witnesses_have_a_limit)
{
	struct token t = token_of(1, CASHU_SECRET_MAX, false), back;
	char *text, *witness = arena_alloc(&ra, CASHU_WITNESS_MAX + 2);

	memset(witness, 'w', CASHU_WITNESS_MAX);
	t.proofs[0].witness = witness;
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_ok(decode(text, &back));
	witness[CASHU_WITNESS_MAX] = 'w';
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_fails(decode(text, &back), ERR_TOKEN);
	t = token_of(1, CASHU_SECRET_MAX + 1, false);
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_fails(decode(text, &back), ERR_TOKEN);
	ck_ok(token_encode_v3(&ra, &t, &text, &rerr));
	ck_fails(decode(text, &back), ERR_TOKEN);
	t = token_of(1, 64, false);
	witness[0] = '\0';
	t.memo = arena_printf(&ra, "%0*d", TOKEN_MEMO_MAX + 1, 0);
	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_fails(decode(text, &back), ERR_TOKEN);
}
END_TEST

START_TEST(more_than_a_token_may_hold)
{
	struct token t = token_of(CASHU_LIST_MAX, CASHU_SECRET_MAX, true);
	char *text;

	ck_fails(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr), ERR_RANGE);
	ck_fails(token_encode_v3(&ra, &t, &text, &rerr), ERR_RANGE);
	for (size_t i = 0; i < t.n; i++)
		t.proofs[i].witness = t.proofs[i].secret;
	ck_fails(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(no_room_for_it)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(4096);
	struct token t = token_of(100, 64, true), back;
	char *text;

	ck_ok(token_encode_v4(&ra, &t, NULL, 0, &text, &rerr));
	ck_fails(token_decode(&small, bytes_of(text), &back, &rerr), ERR_TOKEN);
	ck_fails(token_encode_v4(&small, &t, NULL, 0, &text, &rerr), ERR_RANGE);
	ck_fails(token_encode_v3(&small, &t, &text, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(short_ids)
{
	struct token t = token_of(1, 64, false), back;
	struct keyset_id known[3];
	char *text;

	ck_assert(keyset_id_parse(V2_ID, &t.proofs[0].keyset) && keyset_id_parse(V1_ID, &known[0]));
	known[1] = t.proofs[0].keyset;
	ck_ok(token_encode_v4(&ra, &t, known, 2, &text, &rerr));
	ck_ok(decode(text, &back));
	ck_assert_str_eq(back.proofs[0].keyset.s, "015ba18a8adcd02e");
	/* Another keyset, even of another mint, that begins the same */
	known[2] = known[1];
	known[2].s[20] = known[2].s[20] == 'a' ? 'b' : 'a';
	ck_ok(token_encode_v4(&ra, &t, known, 3, &text, &rerr));
	ck_ok(decode(text, &back));
	ck_assert_str_eq(back.proofs[0].keyset.s, V2_ID);
	ck_ok(token_encode_v3(&ra, &t, &text, &rerr));
	ck_ok(decode(text, &back));
	ck_assert_str_eq(back.proofs[0].keyset.s, V2_ID);
	/* V4 spells ids in hex */
	ck_assert(keyset_id_parse("I2yN+iRYfkzT", &t.proofs[0].keyset));
	ck_fails(token_encode_v4(&ra, &t, known, 3, &text, &rerr), ERR_UNSUPPORTED);
	ck_ok(token_encode_v3(&ra, &t, &text, &rerr));
	t.has_unit = false;
	ck_fails(token_encode_v3(&ra, &t, &text, &rerr), ERR_UNIT);
}
END_TEST

static struct keyset keyset_of(const char *id, const char *unit)
{
	struct keyset ks = { 0 };

	ck_assert(keyset_id_parse(id, &ks.id) && currency_parse(unit, &ks.unit));
	return ks;
}

START_TEST(resolved)
{
	struct keyset sets[] = { keyset_of(V1_ID, "sat"), keyset_of(V2_ID, "sat"), keyset_of("0011111111111111", "usd"),
				 keyset_of("015ba18a8adcd02e111111111111111111111111111111111111111111111111aa",
					   "sat") };
	struct token t = token_of(2, 64, false);

	t.proofs[1].keyset = (struct keyset_id){ .s = "015ba18a8adcd02e" };
	t.has_unit = false;
	ck_ok(token_resolve(&t, sets, 3, &rerr));
	ck_assert_str_eq(t.proofs[0].keyset.s, V1_ID);
	ck_assert_str_eq(t.proofs[1].keyset.s, V2_ID);
	ck_assert(t.has_unit);
	ck_assert_str_eq(t.unit.s, "sat");
	ck_ok(token_resolve(&t, sets, 3, &rerr)); /* again */

	t.proofs[1].keyset = (struct keyset_id){ .s = "015ba18a8adcd02e" };
	ck_fails(token_resolve(&t, sets, 4, &rerr), ERR_KEYSET_AMBIGUOUS);
	ck_fails(token_resolve(&t, sets, 1, &rerr), ERR_KEYSET_UNKNOWN);
	ck_assert_str_eq(t.proofs[1].keyset.s, "015ba18a8adcd02e");
	ck_fails(token_resolve(&t, NULL, 0, &rerr), ERR_KEYSET_UNKNOWN);
	/* A v1 id is whole or nothing */
	t.proofs[1].keyset = (struct keyset_id){ .s = "00ad268c4d1f5827" };
	ck_fails(token_resolve(&t, sets, 4, &rerr), ERR_KEYSET_UNKNOWN);
	/* Units */
	t.proofs[1].keyset = sets[2].id;
	t.has_unit = false;
	ck_fails(token_resolve(&t, sets, 3, &rerr), ERR_UNIT);
	t = token_of(1, 64, false);
	t.proofs[0].keyset = sets[2].id;
	ck_fails(token_resolve(&t, sets, 3, &rerr), ERR_UNIT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/token");
	TCase *c = rails_case(s, "token");

	tcase_add_test(c, nut00_v3);
	tcase_add_test(c, nut00_v4);
	tcase_add_loop_test(c, as_pasted, 0, ARRAY_LEN(wrapped));
	tcase_add_test(c, the_other_alphabet);
	tcase_add_loop_test(c, v3_accepted, 0, ARRAY_LEN(fine_v3));
	tcase_add_loop_test(c, v3_refused, 0, ARRAY_LEN(bad_v3));
	tcase_add_loop_test(c, text_refused, 0, ARRAY_LEN(bad_text));
	tcase_add_loop_test(c, v4_accepted, 0, ARRAY_LEN(fine_v4));
	tcase_add_loop_test(c, v4_refused, 0, ARRAY_LEN(bad_v4));
	tcase_add_test(c, cut_off_anywhere);
	tcase_add_test(c, there_and_back);
	tcase_add_test(c, dleq_goes_when_every_proof_has_it);
	tcase_add_test(c, dleq_without_r_is_read);
	tcase_add_test(c, as_many_as_may_be);
	tcase_add_test(c, one_proof_too_many);
	tcase_add_test(c, longer_than_any_token);
	tcase_add_test(c, secrets_and_witnesses_have_a_limit);
	tcase_add_test(c, more_than_a_token_may_hold);
	tcase_add_test(c, no_room_for_it);
	tcase_add_test(c, short_ids);
	tcase_add_test(c, resolved);
	return suite_run(s);
}
