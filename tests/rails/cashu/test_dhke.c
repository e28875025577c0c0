/* Vectors: tests/vectors/cashu/nut00_hash_to_curve.json, nut00_blinding.json, nut00_signing.json, nut12_dleq.json. */
#include "rails/cashu/dhke.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/mint_crypto.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct point point_of(const json_t *v, const char *name)
{
	struct pubkey p;
	struct point ret;

	vec_copy(v, name, p.b, sizeof(p.b));
	ck_assert(point_parse(&p, &ret));
	return ret;
}

static struct secret scalar_of(const json_t *v, const char *name)
{
	struct secret k;

	vec_copy(v, name, k.b, sizeof(k.b));
	return k;
}

static void assert_point(const struct point *p, const char *hex)
{
	struct pubkey got;

	point_compress(p, &got);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ got.b, sizeof(got.b) }), hex);
}

START_TEST(hash_to_curve)
{
	json_t *list = json_object_get(vectors_load("cashu/nut00_hash_to_curve.json"), "vectors"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 3);
	json_array_foreach(list, i, v)
	{
		struct point y;

		ck_assert(dhke_hash_to_curve(vec_hex(v, "message_hex"), &y));
		assert_point(&y, vec_str(v, "point"));
	}
}
END_TEST

START_TEST(blinding)
{
	json_t *list = json_object_get(vectors_load("cashu/nut00_blinding.json"), "vectors"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 2);
	json_array_foreach(list, i, v)
	{
		struct secret r = scalar_of(v, "r");
		struct point y, b;

		ck_assert(dhke_hash_to_curve(vec_hex(v, "x_hex"), &y));
		ck_assert(dhke_blind(&y, &r, &b));
		assert_point(&b, vec_str(v, "B_"));
	}
}
END_TEST

START_TEST(signing)
{
	json_t *file = vectors_load("cashu/nut00_signing.json"), *v;
	size_t i;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		struct secret k = scalar_of(v, "k");
		struct pubkey b, c;
		struct dleq d;

		vec_copy(v, "B_", b.b, sizeof(b.b));
		ck_assert(mint_sign_with(&k, &b, &c, &d));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ c.b, 33 }), vec_str(v, "C_"));
	}
	ck_assert_uint_eq(i, 2);
	json_array_foreach(json_object_get(json_object_get(file, "end_to_end"), "vectors"), i, v)
	{
		struct secret k = scalar_of(v, "k"), r = scalar_of(v, "r");
		struct point y, b, c_blind, key, c, want;
		struct pubkey b33, c33, got;
		struct dleq d;

		ck_assert(dhke_hash_to_curve(bytes_of(vec_str(v, "message_utf8")), &y));
		ck_assert(dhke_blind(&y, &r, &b));
		point_compress(&b, &b33);
		ck_assert(mint_sign_with(&k, &b33, &c33, &d));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ c33.b, 33 }), vec_str(v, "C_"));
		/* and back: C = kY */
		ck_assert(point_parse(&c33, &c_blind) && point_base_mul(&k, &key));
		ck_assert(dhke_dleq_holds(&d, &key, &b, &c_blind));
		ck_assert(dhke_unblind(&c_blind, &r, &key, &c));
		ck_assert(point_mul_public(&y, &k, &want));
		point_compress(&want, &got);
		assert_point(&c, hex_text(&ra, (struct bytes){ got.b, 33 }));
		point_compress(&c, &got);
		ck_assert(mint_proof_valid(&k, vec_str(v, "message_utf8"), &got));
	}
	ck_assert_uint_eq(i, 2);
}
END_TEST

START_TEST(hash_e)
{
	json_t *v = json_object_get(vectors_load("cashu/nut12_dleq.json"), "hash_e");
	struct point r1 = point_of(v, "R1"), r2 = point_of(v, "R2"), k = point_of(v, "K"), c = point_of(v, "C_");
	struct hash32 h;

	dhke_hash_e((const struct point *const[4]){ &r1, &r2, &k, &c }, &h);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ h.b, 32 }), vec_str(v, "hash"));
}
END_TEST

START_TEST(the_mints_proof)
{
	json_t *v = json_object_get(vectors_load("cashu/nut12_dleq.json"), "deterministic_nonce");
	struct secret a = scalar_of(v, "a");
	struct pubkey b, c;
	struct point key, b_point, c_point;
	struct dleq d;

	vec_copy(v, "B_", b.b, sizeof(b.b));
	ck_assert(mint_sign_with(&a, &b, &c, &d));
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ c.b, 33 }), vec_str(v, "C_"));
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ d.e.b, 32 }), vec_str(v, "e"));
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ d.s.b, 32 }), vec_str(v, "s"));
	key = point_of(v, "A");
	b_point = point_of(v, "B_");
	c_point = point_of(v, "C_");
	ck_assert(dhke_dleq_holds(&d, &key, &b_point, &c_point));
}
END_TEST

struct signature {
	struct point key, b, c;
	struct dleq d;
};

static struct signature good_signature(void)
{
	json_t *v = json_object_get(vectors_load("cashu/nut12_dleq.json"), "blind_signature");
	json_t *sig = json_object_get(v, "signature"), *d = json_object_get(sig, "dleq");

	return (struct signature){ .key = point_of(v, "A"),
				   .b = point_of(v, "B_"),
				   .c = point_of(sig, "C_"),
				   .d = { .e = scalar_of(d, "e"), .s = scalar_of(d, "s"), .present = true } };
}

static bool holds(const struct signature *s)
{
	return dhke_dleq_holds(&s->d, &s->key, &s->b, &s->c);
}

START_TEST(dleq_of_a_signature)
{
	struct signature s = good_signature();
	struct point other = s.key;
	struct secret two = { .b = { [31] = 2 } };

	ck_assert(holds(&s));
	ck_assert(point_base_mul(&two, &other));

	s.d.present = false;
	ck_assert(!holds(&s));
	s = good_signature();
	s.key = other;
	ck_assert(!holds(&s));
	s = good_signature();
	s.b = other;
	ck_assert(!holds(&s));
	s = good_signature();
	s.c = other;
	ck_assert(!holds(&s));
	for (size_t i = 0; i < 32; i += 7) {
		s = good_signature();
		s.d.e.b[i] ^= 1;
		ck_assert(!holds(&s));
		s = good_signature();
		s.d.s.b[i] ^= 1;
		ck_assert(!holds(&s));
	}
}
END_TEST

START_TEST(dleq_of_impossible_scalars)
{
	struct secret zero = { 0 }, n;
	struct signature s = good_signature();

	hex_to("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", n.b, 32);
	s.d.e = zero;
	ck_assert(!holds(&s));
	s.d.e = n;
	ck_assert(!holds(&s));
	s = good_signature();
	s.d.s = zero;
	ck_assert(!holds(&s));
	s.d.s = n;
	ck_assert(!holds(&s));
	/* sG = eA: R1 at infinity */
	s = good_signature();
	s.d.s = s.d.e; /* A = G here */
	ck_assert(!holds(&s));
}
END_TEST

static struct proof good_proof(struct pubkey *key)
{
	json_t *v = json_object_get(vectors_load("cashu/nut12_dleq.json"), "proof");
	json_t *p = json_object_get(v, "proof"), *d = json_object_get(p, "dleq");
	struct proof ret = { .amount = vec_u64(p, "amount"),
			     .secret = vec_str(p, "secret"),
			     .dleq = { .e = scalar_of(d, "e"),
				       .s = scalar_of(d, "s"),
				       .r = scalar_of(d, "r"),
				       .present = true,
				       .has_r = true } };

	vec_copy(p, "C", ret.c.b, sizeof(ret.c.b));
	vec_copy(v, "A", key->b, sizeof(key->b));
	return ret;
}

START_TEST(dleq_of_a_proof)
{
	struct pubkey key, other = { { 0x02, 7 } };
	struct proof p = good_proof(&key);

	ck_assert(dhke_proof_dleq_holds(&p, &key));
	ck_assert(!dhke_proof_dleq_holds(&p, &other));
	p.dleq.has_r = false;
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
	p = good_proof(&key);
	p.dleq.present = false;
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
	p = good_proof(&key);
	p.dleq.r.b[31] ^= 1;
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
	memset(p.dleq.r.b, 0, 32);
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
	p = good_proof(&key);
	p.secret = "daf4dd00a2b68a0858a80450f52c8a7d2ccf87d375e43e216e0c571f089f63e8";
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
	p = good_proof(&key);
	p.c = key;
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
	memset(p.c.b, 0, 33);
	ck_assert(!dhke_proof_dleq_holds(&p, &key));
}
END_TEST

START_TEST(blinding_with_impossible_scalars)
{
	struct secret zero = { 0 };
	struct point y, b;
	struct secret k = { .b = { [31] = 1 } };

	ck_assert(dhke_hash_to_curve(bytes_of("x"), &y));
	ck_assert(!dhke_blind(&y, &zero, &b));
	ck_assert(point_base_mul(&k, &b));
	ck_assert(!dhke_unblind(&y, &zero, &b, &b));
	/* C_ = rK leaves nothing */
	ck_assert(!dhke_unblind(&b, &k, &b, &y));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/dhke");
	TCase *c = rails_case(s, "dhke");

	tcase_add_test(c, hash_to_curve);
	tcase_add_test(c, blinding);
	tcase_add_test(c, signing);
	tcase_add_test(c, hash_e);
	tcase_add_test(c, the_mints_proof);
	tcase_add_test(c, dleq_of_a_signature);
	tcase_add_test(c, dleq_of_impossible_scalars);
	tcase_add_test(c, dleq_of_a_proof);
	tcase_add_test(c, blinding_with_impossible_scalars);
	return suite_run(s);
}
