#include "rails/bitcoin/musig.h"

#include <stdlib.h>
#include <string.h>

#include <secp256k1_musig.h>

#include "base/rng.h"
#include "rails/bitcoin/secp.h"

_Static_assert(sizeof(secp256k1_musig_keyagg_cache) == sizeof(((struct musig_keys *)0)->cache), "cache");
_Static_assert(sizeof(secp256k1_musig_session) == sizeof(((struct musig_session *)0)->session), "session");

/* For n elements of each of two arrays, with what aligning them takes. */
#define LIST_ARENA(n, each) ARENA_LIMIT((n) * ((each) + sizeof(void *) + 16) + 256)

static int check_count(size_t n, const char *what, struct err *err)
{
	if (n == 0 || n > MUSIG_KEYS_MAX)
		return ERR(err, ERR_RANGE, "musig: %zu %s", n, what);
	return 0;
}

/* --- what is sent --- */

bool musig_pubnonce_valid(const struct musig_pubnonce *n)
{
	secp256k1_musig_pubnonce ignored;

	return secp256k1_musig_pubnonce_parse(secp_context(), &ignored, n->b) == 1;
}

bool musig_partial_valid(const struct musig_partial *s)
{
	secp256k1_musig_partial_sig ignored;

	return secp256k1_musig_partial_sig_parse(secp_context(), &ignored, s->b) == 1;
}

/* --- keys --- */

static int key_cmp(const void *a, const void *b)
{
	return memcmp(((const struct pubkey *)a)->b, ((const struct pubkey *)b)->b, sizeof(struct pubkey));
}

/* The same keys in BIP327's order. */
static const struct pubkey *sorted(struct arena *a, const struct pubkey *keys, size_t n)
{
	struct pubkey *copy = ARENA_ARRAY(a, n, struct pubkey);

	memcpy(copy, keys, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), key_cmp);
	return copy;
}

static int aggregate(const struct pubkey *keys, size_t n, secp256k1_musig_keyagg_cache *ret, struct err *err)
{
	SCOPED(arena) struct arena a = LIST_ARENA(n, sizeof(struct point) + sizeof(struct pubkey));
	const secp256k1_pubkey **list = ARENA_ARRAY(&a, n, const secp256k1_pubkey *);
	struct point *points = ARENA_ARRAY(&a, n, struct point);
	const struct pubkey *in_order = sorted(&a, keys, n);

	for (size_t i = 0; i < n; i++) {
		if (!point_parse(&in_order[i], &points[i]))
			return ERR(err, ERR_CRYPTO, "musig: one of %zu keys is no key", n);
		list[i] = &points[i].p;
	}
	if (secp256k1_musig_pubkey_agg(secp_context(), NULL, ret, list, n) != 1)
		return ERR(err, ERR_CRYPTO, "musig: these keys cancel each other out");
	return 0;
}

int musig_keys_make(const struct pubkey *keys, size_t n, struct musig_keys *ret, struct err *err)
{
	secp256k1_musig_keyagg_cache cache;
	struct point sum;

	if (check_count(n, "keys", err) != 0 || aggregate(keys, n, &cache, err) != 0)
		return -1;
	if (secp256k1_musig_pubkey_get(secp_context(), &sum.p, &cache) != 1)
		return ERR(err, ERR_CRYPTO, "musig: the aggregate of %zu keys is no key", n);
	point_compress(&sum, &ret->aggregate);
	ret->output = ret->aggregate;
	memcpy(ret->cache, cache.data, sizeof(ret->cache));
	return 0;
}

int musig_keys_tweak(struct musig_keys *k, const struct hash32 *tweak, struct err *err)
{
	secp256k1_musig_keyagg_cache cache;
	struct point sum;

	memcpy(cache.data, k->cache, sizeof(cache.data));
	if (secp256k1_musig_pubkey_xonly_tweak_add(secp_context(), &sum.p, &cache, tweak->b) != 1)
		return ERR(err, ERR_CRYPTO, "musig: this tweak makes no key of the aggregate");
	point_compress(&sum, &k->output);
	memcpy(k->cache, cache.data, sizeof(k->cache));
	return 0;
}

/* --- nonces --- */

struct musig_nonce {
	secp256k1_musig_secnonce secret;
	struct pubkey signer;
};

static bool nonce_gen(struct musig_nonce *n, const struct secret *key, const struct hash32 *msg,
		      struct musig_pubnonce *ret)
{
	SCOPED(secret) struct secret random;
	secp256k1_musig_pubnonce public;
	struct point signer;
	uint8_t extra[32];

	if (!point_base_mul(key, &signer))
		return false;
	rng_bytes(random.b, sizeof(random.b));
	rng_bytes(extra, sizeof(extra));
	if (secp256k1_musig_nonce_gen(secp_context(), &n->secret, &public, random.b, key->b, &signer.p,
				      msg != NULL ? msg->b : NULL, NULL, extra) != 1)
		return false;
	point_compress(&signer, &n->signer);
	(void)secp256k1_musig_pubnonce_serialize(secp_context(), ret->b, &public); /* cannot fail: it was just made */
	return true;
}

int musig_nonce_new(const struct secret *key, const struct hash32 *msg, struct musig_nonce **ret,
		    struct musig_pubnonce *ret_public, struct err *err)
{
	struct musig_nonce *n = secret_alloc(sizeof(*n));

	if (!nonce_gen(n, key, msg, ret_public)) {
		secret_free(n);
		return ERR(err, ERR_CRYPTO, "musig: the signing key is no key");
	}
	*ret = n;
	return 0;
}

void musig_nonce_free(struct musig_nonce *n)
{
	secret_free(n);
}

static int nonces_sum(const struct musig_pubnonce *nonces, size_t n, secp256k1_musig_aggnonce *ret, struct err *err)
{
	SCOPED(arena) struct arena a = LIST_ARENA(n, sizeof(secp256k1_musig_pubnonce));
	const secp256k1_musig_pubnonce **list = ARENA_ARRAY(&a, n, const secp256k1_musig_pubnonce *);
	secp256k1_musig_pubnonce *parsed = ARENA_ARRAY(&a, n, secp256k1_musig_pubnonce);

	for (size_t i = 0; i < n; i++) {
		if (secp256k1_musig_pubnonce_parse(secp_context(), &parsed[i], nonces[i].b) != 1)
			return ERR(err, ERR_CRYPTO, "musig: nonce %zu of %zu is no nonce", i, n);
		list[i] = &parsed[i];
	}
	if (secp256k1_musig_nonce_agg(secp_context(), ret, list, n) != 1)
		return ERR(err, ERR_CRYPTO, "musig: %zu nonces have no sum", n);
	return 0;
}

static int nonces_add(const struct musig_pubnonce *nonces, size_t n, secp256k1_musig_aggnonce *ret, struct err *err)
{
	if (check_count(n, "nonces", err) != 0)
		return -1;
	return nonces_sum(nonces, n, ret, err);
}

int musig_nonces_add(const struct musig_pubnonce *nonces, size_t n, struct musig_pubnonce *ret, struct err *err)
{
	secp256k1_musig_aggnonce sum;

	if (nonces_add(nonces, n, &sum, err) != 0)
		return -1;
	(void)secp256k1_musig_aggnonce_serialize(secp_context(), ret->b, &sum); /* cannot fail: it was just made */
	return 0;
}

/* --- sessions --- */

static void cache_of(const struct musig_session *s, secp256k1_musig_keyagg_cache *cache,
		     secp256k1_musig_session *session)
{
	memcpy(cache->data, s->keys.cache, sizeof(cache->data));
	memcpy(session->data, s->session, sizeof(session->data));
}

static int session_make(const struct musig_keys *keys, const secp256k1_musig_aggnonce *sum, const struct hash32 *msg,
			struct musig_session *ret, struct err *err)
{
	secp256k1_musig_keyagg_cache cache;
	secp256k1_musig_session session;

	memcpy(cache.data, keys->cache, sizeof(cache.data));
	if (secp256k1_musig_nonce_process(secp_context(), &session, sum, msg->b, &cache) != 1)
		return ERR(err, ERR_CRYPTO, "musig: these nonces make no session");
	ret->keys = *keys;
	ret->msg = *msg;
	memcpy(ret->session, session.data, sizeof(ret->session));
	return 0;
}

int musig_session_make(const struct musig_keys *keys, const struct musig_pubnonce *nonces, size_t n,
		       const struct hash32 *msg, struct musig_session *ret, struct err *err)
{
	secp256k1_musig_aggnonce sum;

	if (nonces_add(nonces, n, &sum, err) != 0)
		return -1;
	return session_make(keys, &sum, msg, ret, err);
}

int musig_session_of_aggregate(const struct musig_keys *keys, const struct musig_pubnonce *sum,
			       const struct hash32 *msg, struct musig_session *ret, struct err *err)
{
	secp256k1_musig_aggnonce parsed;

	if (secp256k1_musig_aggnonce_parse(secp_context(), &parsed, sum->b) != 1)
		return ERR(err, ERR_CRYPTO, "musig: the sum of the nonces is none");
	return session_make(keys, &parsed, msg, ret, err);
}

/* --- signatures --- */

/* libsecp256k1 aborts when the nonce is another key's: looked at first.  It wipes the nonce as it signs. */
static bool partial_sign(const struct musig_session *s, const struct secret *key, struct musig_nonce *nonce,
			 struct musig_partial *ret)
{
	secp256k1_musig_keyagg_cache cache;
	secp256k1_musig_session session;
	secp256k1_musig_partial_sig part;
	secp256k1_keypair pair;
	struct pubkey signer;
	bool ok;

	if (!secp_seckey_pubkey(key, &signer) || !pubkey_equal(&signer, &nonce->signer))
		return false;
	cache_of(s, &cache, &session);
	ok = secp256k1_keypair_create(secp_context(), &pair, key->b) == 1 &&
	     secp256k1_musig_partial_sign(secp_context(), &part, &nonce->secret, &pair, &cache, &session) == 1;
	secret_wipe(&pair, sizeof(pair));
	if (ok)
		(void)secp256k1_musig_partial_sig_serialize(secp_context(), ret->b, &part); /* it was just made */
	return ok;
}

int musig_sign(const struct musig_session *s, const struct secret *key, struct musig_nonce **nonce,
	       struct musig_partial *ret, struct err *err)
{
	struct musig_nonce *once = TAKE(*nonce);
	bool ok = once != NULL && partial_sign(s, key, once, ret);

	musig_nonce_free(once);
	if (!ok)
		return ERR(err, ERR_CRYPTO, "musig: no unused nonce of this key");
	return 0;
}

bool musig_partial_verify(const struct musig_session *s, const struct pubkey *signer,
			  const struct musig_pubnonce *nonce, const struct musig_partial *part)
{
	secp256k1_musig_keyagg_cache cache;
	secp256k1_musig_session session;
	secp256k1_musig_pubnonce public;
	secp256k1_musig_partial_sig parsed;
	struct point key;

	cache_of(s, &cache, &session);
	return point_parse(signer, &key) && secp256k1_musig_pubnonce_parse(secp_context(), &public, nonce->b) == 1 &&
	       secp256k1_musig_partial_sig_parse(secp_context(), &parsed, part->b) == 1 &&
	       secp256k1_musig_partial_sig_verify(secp_context(), &parsed, &public, &key.p, &cache, &session) == 1;
}

static int partials_add(const struct musig_session *s, const struct musig_partial *parts, size_t n, uint8_t ret[64],
			struct err *err)
{
	SCOPED(arena) struct arena a = LIST_ARENA(n, sizeof(secp256k1_musig_partial_sig));
	const secp256k1_musig_partial_sig **list = ARENA_ARRAY(&a, n, const secp256k1_musig_partial_sig *);
	secp256k1_musig_partial_sig *parsed = ARENA_ARRAY(&a, n, secp256k1_musig_partial_sig);
	secp256k1_musig_keyagg_cache cache;
	secp256k1_musig_session session;

	for (size_t i = 0; i < n; i++) {
		if (secp256k1_musig_partial_sig_parse(secp_context(), &parsed[i], parts[i].b) != 1)
			return ERR(err, ERR_CRYPTO, "musig: part %zu of %zu is no partial signature", i, n);
		list[i] = &parsed[i];
	}
	cache_of(s, &cache, &session);
	if (secp256k1_musig_partial_sig_agg(secp_context(), ret, &session, list, n) != 1)
		return ERR(err, ERR_CRYPTO, "musig: %zu parts make no signature", n);
	return 0;
}

int musig_finish(const struct musig_session *s, const struct musig_partial *parts, size_t n, uint8_t ret[64],
		 struct err *err)
{
	uint8_t sig[64];

	if (check_count(n, "parts", err) != 0 || partials_add(s, parts, n, sig, err) != 0)
		return -1;
	if (!secp_schnorr_verify(&s->keys.output, &s->msg, sig))
		return ERR(err, ERR_CRYPTO, "musig: the parts do not add up to a signature");
	memcpy(ret, sig, sizeof(sig));
	return 0;
}
