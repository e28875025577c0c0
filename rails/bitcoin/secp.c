#include "rails/bitcoin/secp.h"

#include <assert.h>
#include <string.h>

#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

static secp256k1_context *context;

bool secp_init(const uint8_t random[32])
{
	if (context == NULL)
		context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	return context != NULL && secp256k1_context_randomize(context, random) == 1;
}

const struct secp256k1_context_struct *secp_context(void)
{
	assert(context != NULL);
	return context;
}

bool secp_pubkey_valid(const struct pubkey *p)
{
	struct point ignored;

	return point_parse(p, &ignored);
}

bool secp_seckey_valid(const struct secret *k)
{
	return secp256k1_ec_seckey_verify(secp_context(), k->b) == 1;
}

bool secp_seckey_pubkey(const struct secret *k, struct pubkey *ret)
{
	struct point p;

	if (!point_base_mul(k, &p))
		return false;
	point_compress(&p, ret);
	return true;
}

bool secp_seckey_add(const struct secret *k, const struct secret *tweak, struct secret *ret)
{
	SCOPED(secret) struct secret sum = *k;

	if (secp256k1_ec_seckey_tweak_add(secp_context(), sum.b, tweak->b) != 1)
		return false;
	*ret = sum;
	return true;
}

static bool schnorr_sign(const struct secret *key, const struct hash32 *msg, const uint8_t *aux, uint8_t ret[64])
{
	secp256k1_keypair pair;
	bool ok = secp256k1_keypair_create(secp_context(), &pair, key->b) == 1 &&
		  secp256k1_schnorrsig_sign32(secp_context(), ret, msg->b, &pair, aux) == 1;

	secret_wipe(&pair, sizeof(pair));
	return ok;
}

bool secp_schnorr_sign(const struct secret *key, const struct hash32 *msg, uint8_t ret[64])
{
	return schnorr_sign(key, msg, NULL, ret);
}

bool secp_schnorr_sign_aux(const struct secret *key, const struct hash32 *msg, const uint8_t aux[32], uint8_t ret[64])
{
	return schnorr_sign(key, msg, aux, ret);
}

bool secp_xonly_verify(const struct xonly *key, const struct hash32 *msg, const uint8_t sig[64])
{
	secp256k1_xonly_pubkey x;

	return secp256k1_xonly_pubkey_parse(secp_context(), &x, key->b) == 1 &&
	       secp256k1_schnorrsig_verify(secp_context(), sig, msg->b, sizeof(msg->b), &x) == 1;
}

bool secp_schnorr_verify(const struct pubkey *key, const struct hash32 *msg, const uint8_t sig[64])
{
	struct xonly x = secp_xonly_of(key);

	return secp_xonly_verify(&x, msg, sig);
}

bool secp_ecdsa_verify(const struct pubkey *key, const struct hash32 *msg, struct bytes der)
{
	secp256k1_ecdsa_signature sig;
	struct point p;

	return point_parse(key, &p) && secp256k1_ecdsa_signature_parse_der(secp_context(), &sig, der.p, der.n) == 1 &&
	       secp256k1_ecdsa_verify(secp_context(), &sig, msg->b, &p.p) == 1;
}

bool secp_ecdsa_verify_rs(const struct pubkey *key, const struct hash32 *msg, const uint8_t rs[64])
{
	secp256k1_ecdsa_signature sig;
	struct point p;

	return point_parse(key, &p) && secp256k1_ecdsa_signature_parse_compact(secp_context(), &sig, rs) == 1 &&
	       secp256k1_ecdsa_verify(secp_context(), &sig, msg->b, &p.p) == 1;
}

bool secp_xonly_valid(const struct xonly *x)
{
	secp256k1_xonly_pubkey ignored;

	return secp256k1_xonly_pubkey_parse(secp_context(), &ignored, x->b) == 1;
}

struct xonly secp_xonly_of(const struct pubkey *p)
{
	struct xonly x;

	memcpy(x.b, p->b + 1, sizeof(x.b));
	return x;
}

bool secp_seckey_xonly(const struct secret *k, struct xonly *ret)
{
	struct pubkey p;

	if (!secp_seckey_pubkey(k, &p))
		return false;
	*ret = secp_xonly_of(&p);
	return true;
}

bool secp_xonly_tweak_add(const struct xonly *x, const struct hash32 *tweak, struct xonly *ret, bool *ret_odd)
{
	secp256k1_xonly_pubkey from, sum;
	secp256k1_pubkey full;
	int odd;

	if (secp256k1_xonly_pubkey_parse(secp_context(), &from, x->b) != 1 ||
	    secp256k1_xonly_pubkey_tweak_add(secp_context(), &full, &from, tweak->b) != 1 ||
	    secp256k1_xonly_pubkey_from_pubkey(secp_context(), &sum, &odd, &full) != 1 ||
	    secp256k1_xonly_pubkey_serialize(secp_context(), ret->b, &sum) != 1)
		return false;
	*ret_odd = odd == 1;
	return true;
}

bool secp_xonly_tweak_check(const struct xonly *sum, bool odd, const struct xonly *x, const struct hash32 *tweak)
{
	secp256k1_xonly_pubkey from;

	return secp256k1_xonly_pubkey_parse(secp_context(), &from, x->b) == 1 &&
	       secp256k1_xonly_pubkey_tweak_add_check(secp_context(), sum->b, odd, &from, tweak->b) == 1;
}

bool secp_seckey_xonly_tweak_add(const struct secret *k, const struct hash32 *tweak, struct secret *ret)
{
	SCOPED(secret) struct secret sum;
	secp256k1_keypair pair;
	bool ok = secp256k1_keypair_create(secp_context(), &pair, k->b) == 1 &&
		  secp256k1_keypair_xonly_tweak_add(secp_context(), &pair, tweak->b) == 1 &&
		  secp256k1_keypair_sec(secp_context(), sum.b, &pair) == 1;

	secret_wipe(&pair, sizeof(pair));
	if (ok)
		*ret = sum;
	return ok;
}

static void point_xy(const struct point *p, uint8_t ret[64])
{
	uint8_t full[65];

	point_uncompress(p, full);
	memcpy(ret, full + 1, 64);
}

bool secp_ecdsa_sign_recoverable(const struct secret *key, const struct hash32 *digest, uint32_t counter,
				 uint8_t ret_rs[64], int *ret_recid)
{
	uint8_t extra[32] = {
		[28] = (uint8_t)(counter >> 24), (uint8_t)(counter >> 16), (uint8_t)(counter >> 8), (uint8_t)counter
	};
	secp256k1_ecdsa_recoverable_signature sig;
	secp256k1_ecdsa_signature plain;

	if (secp256k1_ecdsa_sign_recoverable(secp_context(), &sig, digest->b, key->b, NULL,
					     counter == 0 ? NULL : extra) != 1 ||
	    secp256k1_ecdsa_recoverable_signature_convert(secp_context(), &plain, &sig) != 1 ||
	    secp256k1_ecdsa_signature_normalize(secp_context(), NULL, &plain) != 0)
		return false;
	return secp256k1_ecdsa_recoverable_signature_serialize_compact(secp_context(), ret_rs, ret_recid, &sig) == 1;
}

bool secp_ecdsa_recover(const struct hash32 *digest, const uint8_t rs[64], int recid, uint8_t ret_xy[64])
{
	secp256k1_ecdsa_recoverable_signature sig;
	struct point p;

	if (recid < 0 || recid > 3 || /* libsecp256k1 aborts on others */
	    secp256k1_ecdsa_recoverable_signature_parse_compact(secp_context(), &sig, rs, recid) != 1 ||
	    secp256k1_ecdsa_recover(secp_context(), &p.p, &sig, digest->b) != 1)
		return false;
	point_xy(&p, ret_xy);
	return true;
}

bool secp_seckey_xy(const struct secret *k, uint8_t ret[64])
{
	struct point p;

	if (!point_base_mul(k, &p))
		return false;
	point_xy(&p, ret);
	return true;
}

bool point_parse(const struct pubkey *from, struct point *ret)
{
	struct point p;

	if (secp256k1_ec_pubkey_parse(secp_context(), &p.p, from->b, sizeof(from->b)) != 1)
		return false;
	*ret = p;
	return true;
}

/* Serializing a parsed point cannot fail. */
void point_compress(const struct point *p, struct pubkey *ret)
{
	size_t n = sizeof(ret->b);

	(void)secp256k1_ec_pubkey_serialize(secp_context(), ret->b, &n, &p->p, SECP256K1_EC_COMPRESSED);
}

void point_uncompress(const struct point *p, uint8_t ret[65])
{
	size_t n = 65;

	(void)secp256k1_ec_pubkey_serialize(secp_context(), ret, &n, &p->p, SECP256K1_EC_UNCOMPRESSED);
}

bool point_add(const struct point *a, const struct point *b, struct point *ret)
{
	const secp256k1_pubkey *const both[2] = { &a->p, &b->p };
	struct point sum;

	if (secp256k1_ec_pubkey_combine(secp_context(), &sum.p, both, 2) != 1)
		return false;
	*ret = sum;
	return true;
}

bool point_sub(const struct point *a, const struct point *b, struct point *ret)
{
	struct point minus = *b;

	return secp256k1_ec_pubkey_negate(secp_context(), &minus.p) == 1 && point_add(a, &minus, ret);
}

bool point_base_mul(const struct secret *k, struct point *ret)
{
	struct point p;

	if (secp256k1_ec_pubkey_create(secp_context(), &p.p, k->b) != 1)
		return false;
	*ret = p;
	return true;
}

static int keep_xy(unsigned char *to, const unsigned char *x32, const unsigned char *y32, void *unused)
{
	(void)unused;
	to[0] = 0x04;
	memcpy(to + 1, x32, 32);
	memcpy(to + 33, y32, 32);
	return 1;
}

/* ec_pubkey_tweak_mul takes time that depends on the scalar.  ECDH is the multiplication that libsecp256k1 offers for
 * secret ones; its "hash" here is the point itself. */
bool point_mul_secret(const struct point *p, const struct secret *k, struct point *ret)
{
	uint8_t xy[65];
	struct point product;
	bool ok = secp256k1_ecdh(secp_context(), xy, &p->p, k->b, keep_xy, NULL) == 1 &&
		  secp256k1_ec_pubkey_parse(secp_context(), &product.p, xy, sizeof(xy)) == 1;

	if (ok)
		*ret = product;
	secret_wipe(xy, sizeof(xy));
	secret_wipe(&product, sizeof(product));
	return ok;
}

bool point_mul_public(const struct point *p, const struct secret *k, struct point *ret)
{
	struct point product = *p;

	if (secp256k1_ec_pubkey_tweak_mul(secp_context(), &product.p, k->b) != 1)
		return false;
	*ret = product;
	return true;
}
