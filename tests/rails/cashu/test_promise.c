#include "rails/cashu/promise.h"

#include <string.h>

#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/output.h"
#include "tests/support/mint_crypto.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define N 6

static struct mint_keyset mint, other;
static struct output outputs[N];
static struct promise promises[N];

/* Six outputs of two keysets, honestly signed. */
static void exchange(void)
{
	mint_keyset_make(&ra, "mint", KEYSET_V2, "sat", 8, 100, 0, &mint);
	mint_keyset_make(&ra, "other", KEYSET_V1, "sat", 8, 0, 0, &other);
	for (unsigned i = 0; i < N; i++) {
		const struct mint_keyset *ks = i == 3 ? &other : &mint;
		struct secret r = { .b = { [31] = (uint8_t)(i + 1) } };
		uint64_t amount = UINT64_C(1) << (i % 3);

		ck_ok(output_make(&ra, &ks->pub.id, amount, arena_printf(&ra, "secret %u", i), &r, OUTPUT_KEEP, i,
				  &outputs[i], &rerr));
		ck_assert(mint_sign(ks, amount, &outputs[i].b, &promises[i]));
	}
}

static int check(bool offers_dleq, struct proof **ret)
{
	struct keyset sets[] = { other.pub, mint.pub };

	return promises_check_and_unblind(&ra, outputs, N, promises, N, sets, 2, offers_dleq, ret, &rerr);
}

START_TEST(honest)
{
	struct proof *proofs;

	exchange();
	ck_ok(check(true, &proofs));
	for (unsigned i = 0; i < N; i++) {
		const struct mint_keyset *ks = i == 3 ? &other : &mint;
		struct point y;
		struct pubkey y33;

		ck_assert_str_eq(proofs[i].secret, outputs[i].secret);
		ck_assert_ptr_ne(proofs[i].secret, outputs[i].secret);
		ck_assert_uint_eq(proofs[i].amount, outputs[i].amount);
		ck_assert(keyset_id_equal(&proofs[i].keyset, &ks->pub.id));
		ck_assert(mint_proof_valid(mint_keyset_secret(ks, proofs[i].amount), proofs[i].secret, &proofs[i].c));
		ck_assert(dhke_proof_dleq_holds(&proofs[i], keyset_key(&ks->pub, proofs[i].amount)));
		ck_assert(dhke_hash_to_curve(bytes_of(proofs[i].secret), &y));
		point_compress(&y, &y33);
		ck_assert(pubkey_equal(&y33, &proofs[i].y));
		ck_assert_ptr_null(proofs[i].witness);
	}
}
END_TEST

START_TEST(without_dleq_where_none_is_offered)
{
	struct proof *proofs;

	exchange();
	for (unsigned i = 0; i < N; i++)
		promises[i].dleq.present = false;
	ck_ok(check(false, &proofs));
	ck_assert(!proofs[0].dleq.present && !proofs[0].dleq.has_r);
	ck_fails(check(true, &proofs), ERR_PEER_INVALID);
}
END_TEST

static void wrong_amount(void)
{
	promises[2].amount = 8;
}
static void inflated(void)
{
	ck_assert(mint_sign(&mint, 64, &outputs[2].b, &promises[2]));
}
static void wrong_keyset(void)
{
	ck_assert(mint_sign(&other, outputs[2].amount, &outputs[2].b, &promises[2]));
}
static void unknown_keyset(void)
{
	promises[2].keyset.s[5] ^= 1;
}
static void one_lacks_dleq(void)
{
	promises[2].dleq.present = false;
}
static void dleq_of_another(void)
{
	promises[2].dleq = promises[0].dleq;
}
static void dleq_e_changed(void)
{
	promises[2].dleq.e.b[9] ^= 4;
}
static void dleq_s_zero(void)
{
	memset(promises[2].dleq.s.b, 0, 32);
}
static void signature_of_another(void)
{
	promises[2].c = promises[0].c;
	promises[2].dleq = promises[0].dleq;
}
static void swapped(void)
{
	struct promise p = promises[0];

	promises[0] = promises[1];
	promises[1] = p;
}
static void off_the_curve(void)
{
	memset(promises[2].c.b, 0, 33);
	promises[2].c.b[0] = 2;
	promises[2].c.b[32] = 7;
}
static void another_key(void)
{
	/* An honest DLEQ, by a key that was not published: what marks a user's notes. */
	struct secret k = { .b = { [31] = 77 } };

	ck_assert(mint_sign_with(&k, &outputs[2].b, &promises[2].c, &promises[2].dleq));
}

static const struct {
	const char *name;
	void (*lie)(void);
} lies[] = {
	{ "wrong amount", wrong_amount },
	{ "inflated", inflated },
	{ "wrong keyset", wrong_keyset },
	{ "unknown keyset", unknown_keyset },
	{ "one lacks dleq", one_lacks_dleq },
	{ "dleq of another", dleq_of_another },
	{ "dleq e changed", dleq_e_changed },
	{ "dleq s zero", dleq_s_zero },
	{ "signature of another", signature_of_another },
	{ "swapped", swapped },
	{ "off the curve", off_the_curve },
	{ "another key", another_key },
};

START_TEST(a_mint_that_lies)
{
	struct proof *proofs = NULL;

	exchange();
	lies[_i].lie();
	ck_fails(check(true, &proofs), ERR_PEER_INVALID);
	ck_assert_ptr_null(proofs);
	ck_assert_int_eq(cashu_verdict(&rerr), CASHU_AMBIGUOUS);
}
END_TEST

START_TEST(a_bad_dleq_counts_where_none_is_offered)
{
	struct proof *proofs;

	exchange();
	another_key();
	ck_fails(check(false, &proofs), ERR_PEER_INVALID);
}
END_TEST

START_TEST(unblinds_to_infinity)
{
	struct proof *proofs;
	struct point k, rk;

	exchange();
	ck_assert(point_parse(keyset_key(&mint.pub, outputs[2].amount), &k));
	ck_assert(point_mul_secret(&k, &outputs[2].r, &rk));
	point_compress(&rk, &promises[2].c);
	promises[2].dleq.present = false;
	ck_fails(check(false, &proofs), ERR_PEER_INVALID);
}
END_TEST

START_TEST(as_many_as_outputs)
{
	struct keyset sets[2];
	struct proof *proofs;

	exchange();
	sets[0] = mint.pub;
	sets[1] = other.pub;
	ck_fails(promises_check_and_unblind(&ra, outputs, N, promises, N - 1, sets, 2, true, &proofs, &rerr),
		 ERR_PEER_INVALID);
	ck_fails(promises_check_and_unblind(&ra, outputs, N - 1, promises, N, sets, 2, true, &proofs, &rerr),
		 ERR_PEER_INVALID);
	ck_fails(promises_check_and_unblind(&ra, outputs, N, promises, 0, sets, 2, true, &proofs, &rerr),
		 ERR_PEER_INVALID);
	ck_ok(promises_check_and_unblind(&ra, outputs, 0, promises, 0, sets, 2, true, &proofs, &rerr));
}
END_TEST

START_TEST(keys_must_be_known)
{
	struct keyset sets[2];
	struct proof *proofs;

	exchange();
	sets[0] = mint.pub;
	sets[1] = other.pub;
	ck_fails(promises_check_and_unblind(&ra, outputs, N, promises, N, sets, 1, true, &proofs, &rerr),
		 ERR_KEYSET_UNKNOWN);
	sets[1].n_keys = 0;
	ck_fails(promises_check_and_unblind(&ra, outputs, N, promises, N, sets, 2, true, &proofs, &rerr),
		 ERR_KEYSET_UNKNOWN);
	sets[1] = other.pub;
	sets[0].n_keys = 1;
	ck_fails(promises_check_and_unblind(&ra, outputs, N, promises, N, sets, 2, true, &proofs, &rerr),
		 ERR_PEER_INVALID);
}
END_TEST

static char *promise_json(const struct promise *p)
{
	return arena_printf(&ra, "{\"amount\":%llu,\"id\":\"%s\",\"C_\":\"%s\",\"dleq\":{\"e\":\"%s\",\"s\":\"%s\"}}",
			    (unsigned long long)p->amount, p->keyset.s, hex_text(&ra, (struct bytes){ p->c.b, 33 }),
			    hex_text(&ra, (struct bytes){ p->dleq.e.b, 32 }),
			    hex_text(&ra, (struct bytes){ p->dleq.s.b, 32 }));
}

START_TEST(from_the_wire)
{
	struct promise *got;
	struct net_reply rep;
	size_t n;

	exchange();
	rep = reply_of(200, arena_printf(&ra, "{\"signatures\":[%s,%s]}", promise_json(&promises[0]),
					 promise_json(&promises[3])));
	ck_ok(promises_decode(&ra, &rep, &got, &n, &rerr));
	ck_assert_uint_eq(n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct promise *want = &promises[3 * i];

		ck_assert(got[i].amount == want->amount && keyset_id_equal(&got[i].keyset, &want->keyset));
		ck_assert(pubkey_equal(&got[i].c, &want->c) && got[i].dleq.present && !got[i].dleq.has_r);
		ck_assert_mem_eq(got[i].dleq.e.b, want->dleq.e.b, 32);
		ck_assert_mem_eq(got[i].dleq.s.b, want->dleq.s.b, 32);
	}
	rep = reply_of(200, "{\"signatures\":[]}");
	ck_ok(promises_decode(&ra, &rep, &got, &n, &rerr));
	ck_assert_uint_eq(n, 0);
	rep = reply_of(400, "{\"detail\":\"spent\",\"code\":11001}");
	ck_fails(promises_decode(&ra, &rep, &got, &n, &rerr), ERR_PEER_DOWN);
}
END_TEST

#define POINT     "\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\""
#define SIG(more) "{\"signatures\":[{\"amount\":1,\"id\":\"009a1f293253e41e\",\"C_\":" POINT more "}]}"
static const char *const bad[] = {
	"{}",
	"{\"signatures\":null}",
	"{\"signatures\":{}}",
	"{\"signatures\":[1]}",
	"{\"signatures\":[{}]}",
	"{\"signatures\":[[]]}",
	"{\"signatures\":[{\"id\":\"009a1f293253e41e\",\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":0,\"id\":\"009a1f293253e41e\",\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":-1,\"id\":\"009a1f293253e41e\",\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":1.0,\"id\":\"009a1f293253e41e\",\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":\"1\",\"id\":\"009a1f293253e41e\",\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":1,\"id\":\"nonsense\",\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":1,\"id\":1,\"C_\":" POINT "}]}",
	"{\"signatures\":[{\"amount\":1,\"id\":\"009a1f293253e41e\"}]}",
	"{\"signatures\":[{\"amount\":1,\"id\":\"009a1f293253e41e\",\"C_\":\"02\"}]}",
	"{\"signatures\":[{\"amount\":1,\"id\":\"009a1f293253e41e\",\"C_\":null}]}",
	SIG(",\"dleq\":1"),
	SIG(",\"dleq\":{}"),
	SIG(",\"dleq\":{\"e\":\"00\",\"s\":\"00\"}"),
	SIG(",\"dleq\":{\"e\":" POINT ",\"s\":" POINT "}"),
};

START_TEST(not_signatures)
{
	struct net_reply rep = reply_of(200, bad[_i]);
	struct promise *got;
	size_t n;

	ck_fails(promises_decode(&ra, &rep, &got, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(dleq_may_be_null)
{
	struct net_reply rep = reply_of(200, SIG(",\"dleq\":null"));
	struct promise *got;
	size_t n;

	ck_ok(promises_decode(&ra, &rep, &got, &n, &rerr));
	ck_assert(!got[0].dleq.present);
}
END_TEST

START_TEST(more_signatures_than_outputs_can_be)
{
	SCOPED(buf) struct buf b = BUF_CAP(512 * 1024);
	SCOPED(arena) struct arena small = ARENA_LIMIT(1000);
	struct net_reply rep;
	struct promise *got;
	size_t n;

	buf_text_add(&b, "{\"signatures\":[");
	for (unsigned i = 0; i < CASHU_LIST_MAX; i++)
		buf_printf(&b, "{\"amount\":1,\"id\":\"009a1f293253e41e\",\"C_\":" POINT "},");
	b.n--;
	buf_text_add(&b, "]}");
	rep = reply_of(200, buf_text(&b));
	ck_ok(promises_decode(&ra, &rep, &got, &n, &rerr));
	ck_assert_uint_eq(n, CASHU_LIST_MAX);
	ck_fails(promises_decode(&small, &rep, &got, &n, &rerr), ERR_PEER_INVALID);
	b.n -= 2;
	buf_printf(&b, ",{\"amount\":1,\"id\":\"009a1f293253e41e\",\"C_\":" POINT "}]}");
	rep = reply_of(200, buf_text(&b));
	ck_fails(promises_decode(&ra, &rep, &got, &n, &rerr), ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/promise");
	TCase *c = rails_case(s, "promise");

	tcase_add_test(c, honest);
	tcase_add_test(c, without_dleq_where_none_is_offered);
	tcase_add_loop_test(c, a_mint_that_lies, 0, ARRAY_LEN(lies));
	tcase_add_test(c, a_bad_dleq_counts_where_none_is_offered);
	tcase_add_test(c, unblinds_to_infinity);
	tcase_add_test(c, as_many_as_outputs);
	tcase_add_test(c, keys_must_be_known);
	tcase_add_test(c, from_the_wire);
	tcase_add_loop_test(c, not_signatures, 0, ARRAY_LEN(bad));
	tcase_add_test(c, dleq_may_be_null);
	tcase_add_test(c, more_signatures_than_outputs_can_be);
	return suite_run(s);
}
