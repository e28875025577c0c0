/* rails/bitcoin/secp.h - the one wrapper over libsecp256k1: its context, keys, signatures (BIP340, recoverable ECDSA),
 * taproot tweaks, and points.
 *
 * Nothing here computes on curve elements by itself.  A `bool` answer is false when libsecp256k1 refuses the input (not
 * on the curve, zero, not below the group order, infinity); *ret is then untouched.  A struct point is parsed once and
 * used many times, because parsing 33 bytes costs a square root. */
#ifndef RAILS_BITCOIN_SECP_H
#define RAILS_BITCOIN_SECP_H

#include <stdbool.h>

#include <secp256k1.h>

#include "base/ids.h"
#include "base/scope.h"
#include "base/secret.h"

/* Makes the context, blinded with 32 fresh random bytes, before any other call of rails/.  Again: blinds it anew. */
MUST_CHECK bool secp_init(const uint8_t random[32]);
const struct secp256k1_context_struct *secp_context(void); /* for rails/ only */

bool secp_pubkey_valid(const struct pubkey *p);
bool secp_seckey_valid(const struct secret *k); /* 1 .. n-1 */
MUST_CHECK bool secp_seckey_pubkey(const struct secret *k, struct pubkey *ret);
/* k + tweak mod n. */
MUST_CHECK bool secp_seckey_add(const struct secret *k, const struct secret *tweak, struct secret *ret);

/* BIP340 without auxiliary randomness: the same key and message always give the same signature, so that a request built
 * again is the same request. */
MUST_CHECK bool secp_schnorr_sign(const struct secret *key, const struct hash32 *msg, uint8_t ret[64]);
/* The key's parity byte is ignored, as BIP340 has it. */
bool secp_schnorr_verify(const struct pubkey *key, const struct hash32 *msg, const uint8_t sig[64]);

/* The same with auxiliary randomness, for whoever signs where an attacker may disturb the computation. */
MUST_CHECK bool secp_schnorr_sign_aux(const struct secret *key, const struct hash32 *msg, const uint8_t aux[32],
				      uint8_t ret[64]);
bool secp_xonly_verify(const struct xonly *key, const struct hash32 *msg, const uint8_t sig[64]);

/* ECDSA as bitcoin has it: strict DER, low s.  For checking other signers' work alone; we never sign so. */
bool secp_ecdsa_verify(const struct pubkey *key, const struct hash32 *msg, struct bytes der);
/* The same for r || s, as Lightning has it. */
bool secp_ecdsa_verify_rs(const struct pubkey *key, const struct hash32 *msg, const uint8_t rs[64]);

/* Keys as BIP340 and BIP341 have them: an x alone stands for the point with the even y. */
bool secp_xonly_valid(const struct xonly *x);
struct xonly secp_xonly_of(const struct pubkey *p);
MUST_CHECK bool secp_seckey_xonly(const struct secret *k, struct xonly *ret);
/* x + tweak * G.  *ret_odd says whether the y of the sum is odd; both results are needed to check it without adding. */
MUST_CHECK bool secp_xonly_tweak_add(const struct xonly *x, const struct hash32 *tweak, struct xonly *ret,
				     bool *ret_odd);
bool secp_xonly_tweak_check(const struct xonly *sum, bool odd, const struct xonly *x, const struct hash32 *tweak);
/* The key for x(k) + tweak * G: k, negated if its y is odd, plus the tweak. */
MUST_CHECK bool secp_seckey_xonly_tweak_add(const struct secret *k, const struct hash32 *tweak, struct secret *ret);

/* ECDSA with a recovery id: 0 and 1 are the parity of R's y; 2 and 3 say that R's x was not below the group order, which
 * nobody will ever see.  RFC 6979 without extra data when counter is 0, else with the counter in 32 bytes, big-endian.
 * False also when s is not in the lower half of the group order, which libsecp256k1 promises. */
MUST_CHECK bool secp_ecdsa_sign_recoverable(const struct secret *key, const struct hash32 *digest, uint32_t counter,
					    uint8_t ret_rs[64], int *ret_recid);
/* The key that signed: x || y.  An s in the upper half is not refused here. */
MUST_CHECK bool secp_ecdsa_recover(const struct hash32 *digest, const uint8_t rs[64], int recid, uint8_t ret_xy[64]);
/* x || y of a secret's public key. */
MUST_CHECK bool secp_seckey_xy(const struct secret *k, uint8_t ret[64]);

struct point {
	secp256k1_pubkey p;
};
MUST_CHECK bool point_parse(const struct pubkey *from, struct point *ret);
void point_compress(const struct point *p, struct pubkey *ret);
void point_uncompress(const struct point *p, uint8_t ret[65]); /* 04 || x || y */
MUST_CHECK bool point_add(const struct point *a, const struct point *b, struct point *ret);
MUST_CHECK bool point_sub(const struct point *a, const struct point *b, struct point *ret);
MUST_CHECK bool point_base_mul(const struct secret *k, struct point *ret); /* k * G, in constant time */
/* k * p.  The first in constant time, for a k that is ours alone; the second faster, for a k that the peer knows. */
MUST_CHECK bool point_mul_secret(const struct point *p, const struct secret *k, struct point *ret);
MUST_CHECK bool point_mul_public(const struct point *p, const struct secret *k, struct point *ret);

#endif
