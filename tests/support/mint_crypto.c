#include "tests/support/mint_crypto.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "rails/cashu/dhke.h"

void mint_keyset_make(struct arena *a, const char *seed, enum keyset_version version, const char *unit,
		      unsigned n_amounts, uint64_t input_fee_ppk, int64_t final_expiry_s, struct mint_keyset *ret)
{
	struct mint_keyset ks = { .pub = { .active = true,
					   .input_fee_ppk = input_fee_ppk,
					   .final_expiry_s = final_expiry_s,
					   .n_keys = n_amounts } };
	bool ok = currency_parse(unit, &ks.pub.unit);

	assert(ok && n_amounts > 0 && n_amounts <= CASHU_KEYS_MAX);
	ks.pub.keys = ARENA_ARRAY(a, n_amounts, struct keyset_key);
	for (unsigned i = 0; i < n_amounts; i++) {
		uint8_t index = (uint8_t)i;
		struct hash32 h;

		sha256_two(bytes_of(seed), (struct bytes){ &index, 1 }, &h);
		memcpy(ks.k[i].b, h.b, 32);
		ks.pub.keys[i].amount = UINT64_C(1) << i;
		ok = secp_seckey_pubkey(&ks.k[i], &ks.pub.keys[i].key);
		assert(ok);
	}
	keyset_compute_id(&ks.pub, version, &ks.pub.id);
	*ret = ks;
}

const struct secret *mint_keyset_secret(const struct mint_keyset *ks, uint64_t amount)
{
	for (size_t i = 0; i < ks->pub.n_keys; i++)
		if (ks->pub.keys[i].amount == amount)
			return &ks->k[i];
	return NULL;
}

bool mint_sign(const struct mint_keyset *ks, uint64_t amount, const struct pubkey *b, struct promise *ret)
{
	const struct secret *k = mint_keyset_secret(ks, amount);
	struct promise p = { .amount = amount, .keyset = ks->pub.id };

	if (k == NULL || !mint_sign_with(k, b, &p.c, &p.dleq))
		return false;
	*ret = p;
	return true;
}

bool mint_sign_with(const struct secret *k, const struct pubkey *b, struct pubkey *ret_c, struct dleq *ret)
{
	struct point big_a, big_b, big_c, r1, r2;
	struct dleq d = { .present = true };
	struct secret nonce, ea;
	struct hash32 e;
	uint8_t msg[15 + 3 * 65 + 1] = "Cashu_DLEQ_R_v1";

	if (!point_parse(b, &big_b) || !point_base_mul(k, &big_a) || !point_mul_secret(&big_b, k, &big_c))
		return false;
	point_uncompress(&big_a, msg + 15);
	point_uncompress(&big_b, msg + 15 + 65);
	point_uncompress(&big_c, msg + 15 + 130);
	hmac_sha256((struct bytes){ k->b, 32 }, (struct bytes){ msg, sizeof(msg) }, nonce.b);
	if (!point_base_mul(&nonce, &r1) || !point_mul_secret(&big_b, &nonce, &r2))
		return false;
	dhke_hash_e((const struct point *const[4]){ &r1, &r2, &big_a, &big_c }, &e);
	memcpy(d.e.b, e.b, 32);
	ea = d.e;
	if (secp256k1_ec_seckey_tweak_mul(secp_context(), ea.b, k->b) != 1 || !secp_seckey_add(&nonce, &ea, &d.s))
		return false;
	point_compress(&big_c, ret_c);
	*ret = d;
	return true;
}

bool mint_proof_valid(const struct secret *k, const char *secret_text, const struct pubkey *c)
{
	struct point y, want;
	struct pubkey want33;

	if (!dhke_hash_to_curve(bytes_of(secret_text), &y) || !point_mul_secret(&y, k, &want))
		return false;
	point_compress(&want, &want33);
	return pubkey_equal(&want33, c);
}
