/* Vectors: tests/vectors/onchain/bip340.json (BIP340's own). */
#include "rails/bitcoin/secp.h"

#include <string.h>

#include <secp256k1_schnorrsig.h>

#include "base/hash.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const char group_order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char order_less_1[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
static const char generator[] = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

static struct secret scalar(const char *hex)
{
	struct secret k;

	hex_to(hex, k.b, sizeof(k.b));
	return k;
}

static struct secret small(uint8_t n)
{
	struct secret k = { 0 };

	k.b[31] = n;
	return k;
}

START_TEST(private_keys_are_1_to_n_less_1)
{
	struct secret zero = { 0 }, one = small(1), top = scalar(order_less_1), n = scalar(group_order);

	ck_assert(!secp_seckey_valid(&zero));
	ck_assert(secp_seckey_valid(&one));
	ck_assert(secp_seckey_valid(&top));
	ck_assert(!secp_seckey_valid(&n));
}
END_TEST

static const struct {
	const char *hex;
	bool valid;
} points[] = {
	{ "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", true },
	{ "0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", true },
	{ "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", false },
	{ "0079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", false },
	/* x = 7 is on no point; x = p and above is no field element */
	{ "020000000000000000000000000000000000000000000000000000000000000007", false },
	{ "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", false },
	{ "02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false },
	{ "000000000000000000000000000000000000000000000000000000000000000000", false },
};

START_TEST(points_are_on_the_curve)
{
	struct pubkey p;

	hex_to(points[_i].hex, p.b, sizeof(p.b));
	ck_assert(secp_pubkey_valid(&p) == points[_i].valid);
}
END_TEST

START_TEST(failure_leaves_the_result_alone)
{
	struct secret zero = { 0 };
	struct pubkey p, was;
	struct point q, q_was;

	memset(&p, 0x55, sizeof(p));
	memset(&q, 0x55, sizeof(q));
	was = p;
	q_was = q;
	ck_assert(!secp_seckey_pubkey(&zero, &p));
	ck_assert(pubkey_equal(&p, &was));
	ck_assert(!point_parse(&was, &q));
	ck_assert(!point_base_mul(&zero, &q));
	ck_assert_mem_eq(&q, &q_was, sizeof(q));
}
END_TEST

START_TEST(both_multiplications_agree)
{
	struct secret k = scalar("99fce58439fc37412ab3468b73db0569322588f62fb3a49182d67e23d877824a"), zero = { 0 };
	struct secret n = scalar(group_order);
	struct point p, a, b;
	struct pubkey a33, b33;
	struct secret five = small(5);

	ck_assert(point_base_mul(&five, &p));
	ck_assert(point_mul_secret(&p, &k, &a));
	ck_assert(point_mul_public(&p, &k, &b));
	point_compress(&a, &a33);
	point_compress(&b, &b33);
	ck_assert(pubkey_equal(&a33, &b33));
	ck_assert(!point_mul_secret(&p, &zero, &a));
	ck_assert(!point_mul_public(&p, &zero, &a));
	ck_assert(!point_mul_secret(&p, &n, &a));
	ck_assert(!point_mul_public(&p, &n, &a));
}
END_TEST

START_TEST(adding_and_taking_away)
{
	struct secret two = small(2), three = small(3), five = small(5), sum;
	struct point p2, p3, p5, q;
	struct pubkey a, b;
	uint8_t full[65];

	ck_assert(point_base_mul(&two, &p2) && point_base_mul(&three, &p3) && point_base_mul(&five, &p5));
	ck_assert(point_add(&p2, &p3, &q));
	point_compress(&q, &a);
	point_compress(&p5, &b);
	ck_assert(pubkey_equal(&a, &b));
	ck_assert(point_sub(&p5, &p3, &q));
	point_compress(&q, &a);
	point_compress(&p2, &b);
	ck_assert(pubkey_equal(&a, &b));
	ck_assert(!point_sub(&p5, &p5, &q)); /* infinity */
	point_uncompress(&p5, full);
	ck_assert_uint_eq(full[0], 4);
	ck_assert(secp_seckey_add(&two, &three, &sum));
	ck_assert_mem_eq(sum.b, five.b, 32);
}
END_TEST

START_TEST(keys_that_add_up_to_nothing)
{
	struct secret one = small(1), top = scalar(order_less_1), sum;

	ck_assert(!secp_seckey_add(&one, &top, &sum));
}
END_TEST

START_TEST(schnorr_signs_the_same_each_time)
{
	struct secret key = small(3);
	struct hash32 msg = { { 9 } }, other = { { 8 } };
	struct pubkey pub;
	uint8_t a[64], b[64];

	ck_assert(secp_seckey_pubkey(&key, &pub));
	ck_assert(secp_schnorr_sign(&key, &msg, a));
	ck_assert(secp_schnorr_sign(&key, &msg, b));
	ck_assert_mem_eq(a, b, 64);
	ck_assert(secp_schnorr_verify(&pub, &msg, a));
	pub.b[0] ^= 1; /* BIP340: by x alone */
	ck_assert(secp_schnorr_verify(&pub, &msg, a));
	ck_assert(!secp_schnorr_verify(&pub, &other, a));
	a[63] ^= 1;
	ck_assert(!secp_schnorr_verify(&pub, &msg, a));
}
END_TEST

START_TEST(schnorr_needs_a_key)
{
	struct secret zero = { 0 };
	struct hash32 msg = { { 9 } };
	uint8_t sig[64];

	ck_assert(!secp_schnorr_sign(&zero, &msg, sig));
}
END_TEST

/* RFC 6979 with SHA-256 on this curve: a vector that the libraries of Bitcoin share. */
START_TEST(ecdsa_is_deterministic)
{
	struct secret key = small(1);
	struct hash32 digest;
	uint8_t rs[64], want[64];
	int recid;

	sha256(bytes_of("All those moments will be lost in time, like tears in rain. Time to die..."), &digest);
	hex_to("8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
	       "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21",
	       want, sizeof(want));
	ck_assert(secp_ecdsa_sign_recoverable(&key, &digest, 0, rs, &recid));
	ck_assert_mem_eq(rs, want, sizeof(want));
}
END_TEST

/* By counter: another nonce, as good a signature, the same each time. */
START_TEST(ecdsa_recovers_its_key)
{
	struct secret key = scalar("99fce58439fc37412ab3468b73db0569322588f62fb3a49182d67e23d877824a");
	struct hash32 digest = { { 9 } }, other = { { 8 } };
	uint8_t seen[5][64], again[64], xy[64], back[64];
	int recid, recid_again;

	ck_assert(secp_seckey_xy(&key, xy));
	for (uint32_t counter = 0; counter < ARRAY_LEN(seen); counter++) {
		uint8_t *rs = seen[counter];

		ck_assert(secp_ecdsa_sign_recoverable(&key, &digest, counter, rs, &recid));
		ck_assert(recid == 0 || recid == 1);
		ck_assert(secp_ecdsa_sign_recoverable(&key, &digest, counter, again, &recid_again));
		ck_assert_mem_eq(rs, again, sizeof(again));
		ck_assert_int_eq(recid, recid_again);
		ck_assert_uint_lt(rs[32], 0x80); /* s is low */
		for (uint32_t i = 0; i < counter; i++)
			ck_assert_mem_ne(rs, seen[i], 64);
		ck_assert(secp_ecdsa_recover(&digest, rs, recid, back));
		ck_assert_mem_eq(back, xy, sizeof(xy));
		ck_assert(!secp_ecdsa_recover(&digest, rs, recid ^ 1, back) || memcmp(back, xy, sizeof(xy)) != 0);
		ck_assert(!secp_ecdsa_recover(&other, rs, recid, back) || memcmp(back, xy, sizeof(xy)) != 0);
	}
}
END_TEST

/* The counter is all 32 bits of it, at the end of the extra data: each byte alone makes another signature. */
START_TEST(ecdsa_counts_in_four_bytes)
{
	static const uint32_t counters[] = { 0, 1, 1u << 8, 1u << 16, 1u << 24, UINT32_MAX };
	struct secret key = small(5);
	struct hash32 digest = { { 9 } };
	uint8_t rs[ARRAY_LEN(counters)][64];
	int recid;

	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		ck_assert(secp_ecdsa_sign_recoverable(&key, &digest, counters[i], rs[i], &recid));
		for (size_t j = 0; j < i; j++)
			ck_assert_mem_ne(rs[i], rs[j], 64);
	}
}
END_TEST

START_TEST(ecdsa_needs_a_key_and_a_signature)
{
	struct secret zero = { 0 }, n = scalar(group_order);
	struct hash32 digest = { { 9 } };
	uint8_t rs[64] = { 0 }, xy[64];
	int recid;

	ck_assert(!secp_ecdsa_sign_recoverable(&zero, &digest, 0, rs, &recid));
	ck_assert(!secp_ecdsa_sign_recoverable(&n, &digest, 0, rs, &recid));
	ck_assert(!secp_seckey_xy(&zero, xy));
	memset(rs, 0, sizeof(rs));
	ck_assert(!secp_ecdsa_recover(&digest, rs, 0, xy)); /* r = s = 0 */
	memcpy(rs, n.b, 32);
	rs[63] = 1;
	ck_assert(!secp_ecdsa_recover(&digest, rs, 0, xy)); /* r is not below the order */
	rs[31] = 1;
	ck_assert(!secp_ecdsa_recover(&digest, rs, -1, xy));
	ck_assert(!secp_ecdsa_recover(&digest, rs, 4, xy));
}
END_TEST

START_TEST(the_generator)
{
	struct secret one = small(1);
	struct pubkey p, want;

	hex_to(generator, want.b, sizeof(want.b));
	ck_assert(secp_seckey_pubkey(&one, &p));
	ck_assert(pubkey_equal(&p, &want));
}
END_TEST

/* Our messages have 32 bytes; those of other lengths are asked of the library itself. */
static bool verify_any(const struct xonly *key, struct bytes msg, const uint8_t sig[64])
{
	secp256k1_xonly_pubkey x;

	return secp256k1_xonly_pubkey_parse(secp_context(), &x, key->b) == 1 &&
	       secp256k1_schnorrsig_verify(secp_context(), sig, msg.p, msg.n, &x) == 1;
}

START_TEST(bip340)
{
	json_t *list = json_object_get(vectors_load("onchain/bip340.json"), "vectors"), *v;
	size_t i, signed_too = 0;

	ck_assert_uint_eq(json_array_size(list), 19);
	json_array_foreach(list, i, v)
	{
		bool good = json_is_true(json_object_get(v, "result"));
		struct bytes msg = vec_hex(v, "message");
		struct xonly key, got;
		struct secret secret;
		struct hash32 msg32;
		uint8_t sig[64], again[64], aux[32];

		vec_copy(v, "public_key", key.b, 32);
		vec_copy(v, "signature", sig, 64);
		if (msg.n != 32) {
			ck_assert(verify_any(&key, msg, sig) == good);
			continue;
		}
		memcpy(msg32.b, msg.p, 32);
		ck_assert_msg(secp_xonly_verify(&key, &msg32, sig) == good, "%zu", i);
		if (vec_str(v, "secret_key")[0] == '\0')
			continue;
		vec_copy(v, "secret_key", secret.b, 32);
		vec_copy(v, "aux_rand", aux, 32);
		ck_assert(secp_seckey_xonly(&secret, &got));
		ck_assert(xonly_equal(&got, &key));
		ck_assert(secp_schnorr_sign_aux(&secret, &msg32, aux, again));
		ck_assert_mem_eq(again, sig, 64);
		signed_too++;
	}
	ck_assert_uint_eq(signed_too, 4);
}
END_TEST

/* BIP143's first example: the signature of its P2WPKH input, over the hash that the BIP gives. */
START_TEST(ecdsa)
{
	static const char sig_hex[] = "304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a"
				      "0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee";
	/* The same with n - s: as good mathematically, and refused since BIP62. */
	static const char high_s[] = "304502203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a"
				     "022100a8c56ab3bae7ccea9ebf906fcff170cb61b9c3bddb0c7f1133238e5ee9b75553";
	struct hash32 msg, other = { { 1 } };
	uint8_t sig[70], high[71], rs[64];
	struct pubkey key;

	hex_to("c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670", msg.b, 32);
	hex_to("025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357", key.b, 33);
	hex_to(sig_hex, sig, sizeof(sig));
	hex_to(high_s, high, sizeof(high));
	ck_assert(secp_ecdsa_verify(&key, &msg, (struct bytes){ sig, sizeof(sig) }));
	ck_assert(!secp_ecdsa_verify(&key, &other, (struct bytes){ sig, sizeof(sig) }));
	ck_assert(!secp_ecdsa_verify(&key, &msg, (struct bytes){ sig, sizeof(sig) - 1 }));
	ck_assert(!secp_ecdsa_verify(&key, &msg, (struct bytes){ high, sizeof(high) }));
	/* r and s alone, out of their DER */
	memcpy(rs, sig + 4, 32);
	memcpy(rs + 32, sig + 38, 32);
	ck_assert(secp_ecdsa_verify_rs(&key, &msg, rs));
	ck_assert(!secp_ecdsa_verify_rs(&key, &other, rs));
	memcpy(rs + 32, high + 39, 32);
	ck_assert(!secp_ecdsa_verify_rs(&key, &msg, rs));
	memset(rs, 0xff, sizeof(rs));
	ck_assert(!secp_ecdsa_verify_rs(&key, &msg, rs));
	key.b[0] = 5;
	ck_assert(!secp_ecdsa_verify(&key, &msg, (struct bytes){ sig, sizeof(sig) }));
	memcpy(rs, sig + 4, 32);
	memcpy(rs + 32, sig + 38, 32);
	ck_assert(!secp_ecdsa_verify_rs(&key, &msg, rs));
}
END_TEST

START_TEST(x_alone)
{
	struct xonly x, beyond;
	struct secret zero = { 0 };

	hex_to(generator + 2, x.b, 32);
	ck_assert(secp_xonly_valid(&x));
	memset(beyond.b, 0xff, 32);
	ck_assert(!secp_xonly_valid(&beyond));
	memset(x.b, 0, 32);
	x.b[31] = 7;
	ck_assert(!secp_xonly_valid(&x));
	ck_assert(!secp_seckey_xonly(&zero, &x));
	ck_assert_uint_eq(x.b[31], 7);
}
END_TEST

/* The private and the public side of a tweak meet, for keys with either y. */
START_TEST(tweaks)
{
	unsigned seen[2][2] = { { 0 } };

	for (uint8_t n = 1; n <= 40; n++) {
		struct secret k = small(n), sum;
		struct hash32 tweak = { { n, 1, 2, 3 } };
		struct xonly x, by_point, by_secret;
		struct pubkey p;
		bool odd;

		ck_assert(secp_seckey_pubkey(&k, &p));
		x = secp_xonly_of(&p);
		ck_assert(secp_xonly_tweak_add(&x, &tweak, &by_point, &odd));
		ck_assert(secp_seckey_xonly_tweak_add(&k, &tweak, &sum));
		ck_assert(secp_seckey_xonly(&sum, &by_secret));
		ck_assert(xonly_equal(&by_point, &by_secret));
		ck_assert(secp_xonly_tweak_check(&by_point, odd, &x, &tweak));
		ck_assert(!secp_xonly_tweak_check(&by_point, !odd, &x, &tweak));
		tweak.b[31] ^= 1;
		ck_assert(!secp_xonly_tweak_check(&by_point, odd, &x, &tweak));
		seen[p.b[0] - 2][odd ? 1 : 0]++;
	}
	ck_assert(seen[0][0] > 0 && seen[0][1] > 0 && seen[1][0] > 0 && seen[1][1] > 0);
}
END_TEST

START_TEST(tweaks_that_make_no_key)
{
	struct secret one = small(1), kept = small(42);
	struct hash32 order, minus_one;
	struct xonly x, sum;
	bool odd;

	hex_to(group_order, order.b, 32);
	hex_to(order_less_1, minus_one.b, 32);
	hex_to(generator + 2, x.b, 32);
	ck_assert(!secp_xonly_tweak_add(&x, &order, &sum, &odd));
	ck_assert(!secp_xonly_tweak_add(&x, &minus_one, &sum, &odd)); /* infinity */
	ck_assert(!secp_seckey_xonly_tweak_add(&one, &order, &kept));
	ck_assert(!secp_seckey_xonly_tweak_add(&one, &minus_one, &kept));
	memset(x.b, 0xff, 32);
	ck_assert(!secp_xonly_tweak_add(&x, &minus_one, &sum, &odd));
	ck_assert_uint_eq(kept.b[31], 42);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/secp");
	TCase *c = rails_case(s, "secp");

	tcase_add_test(c, private_keys_are_1_to_n_less_1);
	tcase_add_loop_test(c, points_are_on_the_curve, 0, ARRAY_LEN(points));
	tcase_add_test(c, failure_leaves_the_result_alone);
	tcase_add_test(c, both_multiplications_agree);
	tcase_add_test(c, adding_and_taking_away);
	tcase_add_test(c, keys_that_add_up_to_nothing);
	tcase_add_test(c, schnorr_signs_the_same_each_time);
	tcase_add_test(c, schnorr_needs_a_key);
	tcase_add_test(c, ecdsa_is_deterministic);
	tcase_add_test(c, ecdsa_recovers_its_key);
	tcase_add_test(c, ecdsa_counts_in_four_bytes);
	tcase_add_test(c, ecdsa_needs_a_key_and_a_signature);
	tcase_add_test(c, the_generator);
	tcase_add_test(c, bip340);
	tcase_add_test(c, ecdsa);
	tcase_add_test(c, x_alone);
	tcase_add_test(c, tweaks);
	tcase_add_test(c, tweaks_that_make_no_key);
	return suite_run(s);
}
