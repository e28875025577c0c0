#include "rails/cashu/dhke.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define H2C_TRIES 65536

bool dhke_hash_to_curve(struct bytes x, struct point *ret)
{
	uint8_t msg[32 + 4];
	struct pubkey candidate = { .b = { 0x02 } };
	struct hash32 h;

	sha256_two(bytes_of("Secp256k1_HashToCurve_Cashu_"), x, &h);
	memcpy(msg, h.b, 32);
	for (uint32_t i = 0; i < H2C_TRIES; i++) {
		for (int j = 0; j < 4; j++)
			msg[32 + j] = (uint8_t)(i >> (8 * j));
		sha256((struct bytes){ msg, sizeof(msg) }, &h);
		memcpy(candidate.b + 1, h.b, 32);
		if (point_parse(&candidate, ret))
			return true;
	}
	return false;
}

bool dhke_blind(const struct point *y, const struct secret *r, struct point *ret)
{
	struct point rg;
	bool ok = point_base_mul(r, &rg) && point_add(y, &rg, ret);

	secret_wipe(&rg, sizeof(rg)); /* with it, anybody can tell which output became which proof */
	return ok;
}

bool dhke_unblind(const struct point *c_blind, const struct secret *r, const struct point *k, struct point *ret)
{
	struct point rk;
	bool ok = point_mul_secret(k, r, &rk) && point_sub(c_blind, &rk, ret);

	secret_wipe(&rk, sizeof(rk));
	return ok;
}

void dhke_hash_e(const struct point *const points[4], struct hash32 *ret)
{
	char text[4 * 130 + 1];

	for (size_t i = 0; i < 4; i++) {
		uint8_t raw[65];

		point_uncompress(points[i], raw);
		hex_encode(raw, sizeof(raw), text + 130 * i);
	}
	sha256((struct bytes){ (const uint8_t *)text, sizeof(text) - 1 }, ret);
}

bool dhke_dleq_holds(const struct dleq *d, const struct point *k, const struct point *b, const struct point *c_blind)
{
	struct point sg, ek, sb, ec, r1, r2;
	struct hash32 e;

	if (!d->present)
		return false;
	/* e and s are the mint's own: it knows them, so the faster multiplication gives nothing away. */
	if (!point_base_mul(&d->s, &sg) || !point_mul_public(k, &d->e, &ek) || !point_sub(&sg, &ek, &r1) ||
	    !point_mul_public(b, &d->s, &sb) || !point_mul_public(c_blind, &d->e, &ec) || !point_sub(&sb, &ec, &r2))
		return false;
	dhke_hash_e((const struct point *const[4]){ &r1, &r2, k, c_blind }, &e);
	return ct_equal(e.b, d->e.b, sizeof(e.b));
}

bool dhke_proof_dleq_holds(const struct proof *p, const struct pubkey *k)
{
	struct point y, key, b, c, rk, c_blind;

	if (!p->dleq.present || !p->dleq.has_r)
		return false;
	return point_parse(k, &key) && point_parse(&p->c, &c) && dhke_hash_to_curve(bytes_of(p->secret), &y) &&
	       dhke_blind(&y, &p->dleq.r, &b) && point_mul_secret(&key, &p->dleq.r, &rk) &&
	       point_add(&c, &rk, &c_blind) && dhke_dleq_holds(&p->dleq, &key, &b, &c_blind);
}
