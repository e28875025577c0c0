/* rails/bitcoin/musig.h - several keys, one BIP340 signature: MuSig2 (BIP327) as libsecp256k1 has it, keys always sorted.
 *
 * A session goes: musig_keys_make() (and musig_keys_tweak() for a taproot output), musig_nonce_new() by every signer, then
 * musig_session_make() from all public nonces and the message, musig_sign(), musig_partial_verify() of the others, and
 * musig_finish().
 *
 * Secret nonces.  Signing twice with one nonce gives the key away.  A struct musig_nonce is made by musig_nonce_new() from
 * fresh randomness, cannot be read, copied or stored by anybody else, and is consumed by musig_sign(), whether that succeeds
 * or not: what is tried again begins with a new nonce.
 *
 * A `bool` answer is false when libsecp256k1 refuses the input; *ret is then untouched.  Sizes are those of the wire. */
#ifndef RAILS_BITCOIN_MUSIG_H
#define RAILS_BITCOIN_MUSIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/secret.h"

#define MUSIG_PUBNONCE 66 /* two compressed points */
#define MUSIG_PARTIAL  32 /* a scalar, big-endian */
#define MUSIG_KEYS_MAX 62500

/* What is sent.  As with keys, holding one says nothing about its being valid. */
struct musig_pubnonce {
	uint8_t b[MUSIG_PUBNONCE];
};
struct musig_partial {
	uint8_t b[MUSIG_PARTIAL];
};
bool musig_pubnonce_valid(const struct musig_pubnonce *n); /* both halves are points */
bool musig_partial_valid(const struct musig_partial *s);   /* below the group order */

/* An aggregate of keys, with what signing under it needs; a plain value. */
struct musig_keys {
	struct pubkey aggregate; /* without any tweak, its y as it comes */
	struct pubkey output;    /* what signatures verify under, by its x: the aggregate, or the tweaked one */
	uint8_t cache[197];      /* libsecp256k1's */
};
/* Sorted by their 33 bytes, whatever the order given; the same key may be there twice.  One key alone does not aggregate to
 * itself.  ERR_CRYPTO: one of them is no key, or their sum is infinity; ERR_RANGE: none, or more than MUSIG_KEYS_MAX. */
MUST_CHECK int musig_keys_make(const struct pubkey *keys, size_t n, struct musig_keys *ret, struct err *err);
/* Adds tweak * G to the x of the aggregate (BIP341's tweak of an internal key).  Once, after aggregating.  ERR_CRYPTO. */
MUST_CHECK int musig_keys_tweak(struct musig_keys *k, const struct hash32 *tweak, struct err *err);

/* A secret nonce on the locked heap, wiped when it is used or freed. */
struct musig_nonce;
/* For this key; msg may be NULL as long as it is not known.  ERR_CRYPTO: not a key. */
MUST_CHECK int musig_nonce_new(const struct secret *key, const struct hash32 *msg, struct musig_nonce **ret,
			       struct musig_pubnonce *ret_public, struct err *err);
void musig_nonce_free(struct musig_nonce *n); /* NULL is fine */

/* One message, under one aggregate, with the nonces of all; a plain value without secrets. */
struct musig_session {
	struct musig_keys keys;
	uint8_t session[133]; /* libsecp256k1's */
	struct hash32 msg;
};
/* The nonces of all signers, in any order.  ERR_CRYPTO: one of them is no nonce. */
MUST_CHECK int musig_session_make(const struct musig_keys *keys, const struct musig_pubnonce *nonces, size_t n,
				  const struct hash32 *msg, struct musig_session *ret, struct err *err);
/* The same from what somebody else has added up; either half may be 33 zeros, for infinity. */
MUST_CHECK int musig_session_of_aggregate(const struct musig_keys *keys, const struct musig_pubnonce *sum,
					  const struct hash32 *msg, struct musig_session *ret, struct err *err);
/* The sum of all signers' nonces.  ERR_CRYPTO. */
MUST_CHECK int musig_nonces_add(const struct musig_pubnonce *nonces, size_t n, struct musig_pubnonce *ret,
				struct err *err);

/* Our part.  *nonce is consumed: freed and set to NULL in any case.  ERR_CRYPTO: the key is none, is not the one that the
 * nonce is for, or *nonce is NULL already. */
MUST_CHECK int musig_sign(const struct musig_session *s, const struct secret *key, struct musig_nonce **nonce,
			  struct musig_partial *ret, struct err *err);
/* Is this the part of that signer? */
bool musig_partial_verify(const struct musig_session *s, const struct pubkey *signer,
			  const struct musig_pubnonce *nonce, const struct musig_partial *part);
/* All parts, in any order: the signature, verified.  ERR_CRYPTO: a part is malformed, or the sum does not verify. */
MUST_CHECK int musig_finish(const struct musig_session *s, const struct musig_partial *parts, size_t n, uint8_t ret[64],
			    struct err *err);

#endif
