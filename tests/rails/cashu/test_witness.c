/* Vectors: tests/vectors/cashu/nut11_nut14_p2pk_htlc.json, of cashubtc/nuts tests/11-test.md. */
#include "rails/cashu/witness.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define NOW_S INT64_C(1800000000) /* between the times of the vectors */

static struct proof proof_of(const json_t *v)
{
	struct proof p = { .amount = vec_u64(v, "amount"), .secret = vec_str(v, "secret") };

	vec_copy(v, "C", p.c.b, sizeof(p.c.b));
	p.witness = json_string_value(json_object_get(v, "witness"));
	return p;
}

struct request {
	struct proof in[4];
	struct output out[4];
	size_t n_in, n_out;
	const char *quote;
};

/* A proof alone, a swap or a melt. */
static struct request request_of(const json_t *v)
{
	struct request r = { .quote = json_string_value(json_object_get(v, "quote")) };
	const json_t *inputs = json_object_get(v, "inputs"), *item;
	size_t i;

	if (inputs == NULL) {
		r.in[r.n_in++] = proof_of(v);
		return r;
	}
	ck_assert_uint_le(json_array_size(inputs), ARRAY_LEN(r.in));
	ck_assert_uint_le(json_array_size(json_object_get(v, "outputs")), ARRAY_LEN(r.out));
	json_array_foreach(inputs, i, item) r.in[r.n_in++] = proof_of(item);
	json_array_foreach(json_object_get(v, "outputs"), i, item)
	{
		r.out[r.n_out].amount = vec_u64(item, "amount");
		vec_copy(item, "B_", r.out[r.n_out++].b.b, 33);
	}
	return r;
}

static int check(const struct request *r, int64_t now_s)
{
	return witness_check_request(r->in, r->n_in, r->out, r->n_out, r->quote, now_s, &rerr);
}

START_TEST(vectors)
{
	json_t *list = json_object_get(vectors_load("cashu/nut11_nut14_p2pk_htlc.json"), "cases"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 20);
	json_array_foreach(list, i, v)
	{
		struct request r = request_of(json_object_get(v, "object"));
		const char *expect = vec_str(v, "expect");
		bool fine = strcmp(expect, "valid") == 0 || strcmp(expect, "example") == 0;

		ck_assert_msg((check(&r, NOW_S) == 0) == fine, "%s: %s", vec_str(v, "label"),
			      fine ? rerr.msg : "passes");
		if (!fine) {
			ck_assert(rerr.code == ERR_LOCK || rerr.code == ERR_LOCKED);
			continue;
		}
		/* Everything that is signed counts: without the witness, with another secret, output or quote it fails. */
		if (r.n_out > 0) {
			r.out[0].amount ^= 1;
			ck_fails(check(&r, NOW_S), ERR_LOCKED);
			r.out[0].amount ^= 1;
			r.quote = r.quote == NULL ? "q" : NULL;
			ck_fails(check(&r, NOW_S), ERR_LOCKED);
		}
		r.in[0].witness = NULL;
		ck_fails(check(&r, NOW_S), ERR_LOCKED);
	}
}
END_TEST

START_TEST(sig_all_messages)
{
	json_t *all = vectors_load("cashu/nut11_nut14_p2pk_htlc.json");
	json_t *cases = json_object_get(all, "cases"), *list = json_object_get(all, "sig_all_messages"), *v;
	static const size_t of[][2] = { { 9, 10 }, { 17, 18 } };
	size_t i;

	ck_assert_uint_eq(json_array_size(list), ARRAY_LEN(of));
	json_array_foreach(list, i, v)
	{
		for (size_t j = 0; j < 2; j++) {
			struct request r = request_of(json_object_get(json_array_get(cases, of[i][j]), "object"));
			struct hash32 msg, want;

			witness_message_all(r.in, r.n_in, r.out, r.n_out, r.quote, &msg);
			vec_copy(v, "sha256", want.b, sizeof(want.b));
			ck_assert_mem_eq(msg.b, want.b, 32);
			sha256(bytes_of(vec_str(v, "msg_to_sign")), &want);
			ck_assert_mem_eq(msg.b, want.b, 32);
		}
	}
}
END_TEST

/* --- locks of our own, signed --- */

static struct secret secret_of(uint8_t i)
{
	return (struct secret){ .b = { [31] = i } };
}

static struct pubkey key_of(uint8_t i)
{
	struct secret k = secret_of(i);
	struct pubkey p;

	ck_assert(secp_seckey_pubkey(&k, &p));
	return p;
}

static void sign(struct witness *w, uint8_t i, const struct hash32 *msg)
{
	struct secret k = secret_of(i);

	ck_assert(secp_schnorr_sign(&k, msg, w->sigs[w->n_sigs++]));
}

/* Two of keys 1, 2, 3; after 100, one of key 4. */
static struct lock shared(enum lock_kind kind)
{
	struct lock l = { .kind = kind, .locktime_s = 100 };
	static const uint8_t preimage[32] = { 9 };

	for (uint8_t i = 1; i <= 3; i++)
		l.keys.key[l.keys.n++] = key_of(i);
	l.keys.need = 2;
	l.refund.key[l.refund.n++] = key_of(4);
	l.refund.need = 1;
	if (kind == LOCK_HTLC)
		sha256((struct bytes){ preimage, 32 }, &l.hash);
	return l;
}

static const struct {
	const char *name;
	enum lock_kind kind;
	uint8_t signers[5];
	bool preimage, late, opens;
} openings[] = {
	{ "nobody", LOCK_P2PK, { 0 }, false, false, false },
	{ "two of three", LOCK_P2PK, { 1, 3 }, false, false, true },
	{ "all of them", LOCK_P2PK, { 3, 2, 1 }, false, false, true },
	{ "one of three", LOCK_P2PK, { 2 }, false, false, false },
	{ "one, twice", LOCK_P2PK, { 2, 2 }, false, false, false },
	{ "one, and a stranger", LOCK_P2PK, { 2, 7 }, false, false, false },
	{ "two, and a stranger", LOCK_P2PK, { 7, 2, 3 }, false, false, true },
	{ "one, and the refund key, too early", LOCK_P2PK, { 2, 4 }, false, false, false },
	{ "one, and the refund key, late", LOCK_P2PK, { 2, 4 }, false, true, true },
	{ "the refund key too early", LOCK_P2PK, { 4 }, false, false, false },
	{ "the refund key, late", LOCK_P2PK, { 4 }, false, true, true },
	{ "two of three, late", LOCK_P2PK, { 1, 2 }, false, true, true },
	{ "one of three, late", LOCK_P2PK, { 1 }, false, true, false },
	{ "hash, two of three", LOCK_HTLC, { 1, 2 }, true, false, true },
	{ "hash, one of three", LOCK_HTLC, { 1 }, true, false, false },
	{ "hash alone", LOCK_HTLC, { 0 }, true, false, false },
	{ "two of three without the hash", LOCK_HTLC, { 1, 2 }, false, false, false },
	{ "two of three without the hash, late", LOCK_HTLC, { 1, 2 }, false, true, false },
	{ "the refund key with the hash, too early", LOCK_HTLC, { 4 }, true, false, false },
	{ "the refund key without the hash, late", LOCK_HTLC, { 4 }, false, true, true },
};

START_TEST(opening)
{
	struct lock l = shared(openings[_i].kind);
	struct hash32 msg = { { 1 } }, other = { { 2 } };
	struct witness w = { .has_preimage = openings[_i].preimage, .preimage = { 9 } }, back;
	int64_t now_s = openings[_i].late ? 101 : 100;
	char *text;

	for (size_t i = 0; openings[_i].signers[i] != 0; i++)
		sign(&w, openings[_i].signers[i], &msg);
	ck_assert(witness_opens(&w, &l, &msg, now_s) == openings[_i].opens);
	ck_assert(!witness_opens(&w, &l, &other, now_s));
	ck_assert(!witness_opens(NULL, &l, &msg, now_s));
	/* and the same when it has been text */
	ck_ok(witness_text(&ra, &w, &text, &rerr));
	ck_ok(witness_parse(text, &back, &rerr));
	ck_assert(witness_opens(&back, &l, &msg, now_s) == openings[_i].opens);
	/* where nobody gets a refund, anyone does */
	l.refund.n = l.refund.need = 0;
	ck_assert(witness_opens(NULL, &l, &msg, 101));
	ck_assert(!witness_opens(NULL, &l, &msg, 100));
	l.kind = LOCK_OTHER;
	ck_assert(!witness_opens(&w, &l, &msg, 101));
	l.kind = LOCK_NONE;
	ck_assert(witness_opens(NULL, &l, &msg, 0));
}
END_TEST

START_TEST(text_of_witnesses)
{
	struct witness w = { 0 };
	char *text, *sig = arena_printf(&ra, "%0128d", 0);

	ck_ok(witness_text(&ra, &w, &text, &rerr));
	ck_assert_str_eq(text, "{\"signatures\":[]}");
	w.n_sigs = 1;
	ck_ok(witness_text(&ra, &w, &text, &rerr));
	ck_assert_str_eq(text, arena_printf(&ra, "{\"signatures\":[\"%s\"]}", sig));
	w.has_preimage = true;
	ck_ok(witness_text(&ra, &w, &text, &rerr));
	ck_assert_str_eq(text, arena_printf(&ra, "{\"preimage\":\"%064d\",\"signatures\":[\"%s\"]}", 0, sig));
	w.n_sigs = 7;
	ck_ok(witness_text(&ra, &w, &text, &rerr));
	w.n_sigs = 8;
	ck_fails(witness_text(&ra, &w, &text, &rerr), ERR_RANGE);
}
END_TEST

static const char *const malformed[] = {
	"",
	"[]",
	"{",
	"{\"signatures\":{}}",
	"{\"signatures\":\"00\"}",
	"{\"signatures\":[7]}",
	"{\"signatures\":[\"00\"]}",
	"{\"signatures\":[[]]}",
	"{\"signatures\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}",
	"{\"preimage\":7}",
	"{\"preimage\":\"01\"}",
	"{\"preimage\":\"\"}",
	"{\"preimage\":\"zz00000000000000000000000000000000000000000000000000000000000000\"}",
};

START_TEST(malformed_witnesses)
{
	struct witness w;

	ck_fails(witness_parse(malformed[_i], &w, &rerr), ERR_LOCK);
}
END_TEST

START_TEST(witnesses_of_others)
{
	struct witness w;

	ck_ok(witness_parse("{}", &w, &rerr));
	ck_assert(w.n_sigs == 0 && !w.has_preimage);
	ck_ok(witness_parse("{\"signatures\":null,\"preimage\":null,\"more\":[1,{}]}", &w, &rerr));
	ck_assert(w.n_sigs == 0 && !w.has_preimage);
	ck_fails(witness_parse(arena_printf(&ra, "{\"more\":\"%0*d\"}", CASHU_WITNESS_MAX, 0), &w, &rerr), ERR_LOCK);
}
END_TEST

/* --- whole requests --- */

static char *secret_with(bool all, uint8_t nonce)
{
	struct lock l = { .kind = LOCK_P2PK,
			  .sig_all = all,
			  .keys = { .key = { key_of(1) }, .n = 1, .need = 1 },
			  .locktime_s = LOCK_FOREVER };
	uint8_t n[32] = { nonce };
	char *text;

	ck_ok(lock_secret(&ra, &l, n, &text, &rerr));
	return text;
}

static const char *signature(const struct hash32 *msg)
{
	struct witness w = { 0 };
	char *text;

	sign(&w, 1, msg);
	ck_ok(witness_text(&ra, &w, &text, &rerr));
	return text;
}

START_TEST(each_input_for_itself)
{
	struct request r = { .n_in = 3,
			     .in = { { .secret = secret_with(false, 1) },
				     { .secret = "an ordinary secret" },
				     { .secret = secret_with(false, 2) } } };
	struct hash32 msg;

	ck_fails(check(&r, NOW_S), ERR_LOCKED);
	witness_message(r.in[0].secret, &msg);
	r.in[0].witness = signature(&msg);
	ck_fails(check(&r, NOW_S), ERR_LOCKED);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "input 2"));
	r.in[2].witness = r.in[0].witness; /* which signs another secret */
	ck_fails(check(&r, NOW_S), ERR_LOCKED);
	witness_message(r.in[2].secret, &msg);
	r.in[2].witness = signature(&msg);
	ck_ok(check(&r, NOW_S));
	r.in[0].witness = "{";
	ck_fails(check(&r, NOW_S), ERR_LOCK);
	r.in[0].witness = NULL;
	r.in[0].secret = "[\"P2XX\",{\"nonce\":\"1\",\"data\":\"\"}]";
	ck_fails(check(&r, NOW_S), ERR_UNSUPPORTED);
	r.in[0].secret = "[\"P2PK\",{\"nonce\":\"1\",\"data\":\"\"}]";
	ck_fails(check(&r, NOW_S), ERR_LOCK);
	r.n_in = 0;
	ck_fails(check(&r, NOW_S), ERR_RANGE);
}
END_TEST

START_TEST(one_for_all)
{
	struct request r = { .n_in = 2,
			     .n_out = 1,
			     .in = { { .secret = secret_with(true, 1), .c = key_of(5) },
				     { .secret = secret_with(true, 2), .c = key_of(6) } },
			     .out = { { .amount = 7, .b = key_of(8) } } };
	struct hash32 msg;

	witness_message_all(r.in, 2, r.out, 1, NULL, &msg);
	r.in[1].witness = signature(&msg);
	ck_fails(check(&r, NOW_S), ERR_LOCKED); /* it belongs to the first */
	r.in[0].witness = r.in[1].witness;
	r.in[1].witness = NULL;
	ck_ok(check(&r, NOW_S));
	r.quote = "q";
	ck_fails(check(&r, NOW_S), ERR_LOCKED);
	r.quote = NULL;
	r.in[1].secret = secret_with(false, 2);
	ck_fails(check(&r, NOW_S), ERR_LOCK);
	r.in[1].secret = "an ordinary secret";
	ck_fails(check(&r, NOW_S), ERR_LOCK);
	r.in[1].secret = r.in[0].secret;
	r.in[0].secret = "an ordinary secret";
	ck_fails(check(&r, NOW_S), ERR_LOCK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/witness");
	TCase *c = rails_case(s, "witness");

	tcase_add_test(c, vectors);
	tcase_add_test(c, sig_all_messages);
	tcase_add_loop_test(c, opening, 0, ARRAY_LEN(openings));
	tcase_add_test(c, text_of_witnesses);
	tcase_add_loop_test(c, malformed_witnesses, 0, ARRAY_LEN(malformed));
	tcase_add_test(c, witnesses_of_others);
	tcase_add_test(c, each_input_for_itself);
	tcase_add_test(c, one_for_all);
	return suite_run(s);
}
