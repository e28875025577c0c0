/* rails/cashu/keyset.h - the keys of a mint: NUT-01, NUT-02.  Their ids are recomputed from the keys, never believed.
 *
 * Results live in the arena given first.  Decoders fail as cashu_error.h says; a keyset that breaks the rules of the
 * NUTs (a point off the curve, an amount that is no number, an id that its keys do not give) is ERR_PEER_INVALID. */
#ifndef RAILS_CASHU_KEYSET_H
#define RAILS_CASHU_KEYSET_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

#define KEYSETS_MAX         1000    /* in one listing */
#define KEYSET_FEE_PPK_MAX  1000000 /* a thousand units for each input: above it a mint is broken, not dear */
#define KEYSET_SHORT_ID_LEN 16

enum keyset_version {
	KEYSET_LEGACY = 1, /* 12 characters of base64: old ecash to swap away; nothing new is made there */
	KEYSET_V1 = 2,     /* "00" and 14 hex characters */
	KEYSET_V2 = 3      /* "01" and 64 hex characters */
};

/* A whole id; hex in either case becomes lower case. */
MUST_CHECK bool keyset_id_parse(const char *text, struct keyset_id *ret);
/* For an id that keyset_id_parse() took. */
enum keyset_version keyset_id_version(const struct keyset_id *id);
/* NUT-13's number of a v1 id: two keysets of one wallet must not share it (v1 derivation would repeat secrets). */
uint32_t keyset_id_int(const struct keyset_id *id);
/* Is this text, from a token, the id itself or its short form? */
bool keyset_id_matches(const struct keyset_id *full, const struct keyset_id *from_token);

/* The id that these keys (and, for v2, unit, fee and expiry) give.  Keys must be ascending and at least one. */
void keyset_compute_id(const struct keyset *ks, enum keyset_version version, struct keyset_id *ret);
/* Does ks->id belong to its keys?  A legacy id cannot be recomputed the same way: false.  A v2 id may also say that the
 * keyset expires at 0, which is never: so does nutshell (0.20.3) when its operator rotates keysets. */
bool keyset_verify_id(const struct keyset *ks);

/* NULL when the keyset has no such amount. */
const struct pubkey *keyset_key(const struct keyset *ks, uint64_t amount);
const struct keyset *keyset_find(const struct keyset *list, size_t n, const struct keyset_id *id);
/* May new outputs go there: v1 or v2, active, with keys, not expired. */
bool keyset_takes_outputs(const struct keyset *ks, int64_t now_s);
/* Are its notes worth nothing by now, or within KEYSET_EXPIRING_S?  spec 1.5, 6.4 */
#define KEYSET_EXPIRING_S INT64_C(604800)
bool keyset_expired(const struct keyset *ks, int64_t now_s);
bool keyset_expires_soon(const struct keyset *ks, int64_t now_s);
/* Where new outputs of a unit go: one that does not expire soon, then the lowest fee, then v2 before v1, then the smaller
 * id.  NULL when none. */
const struct keyset *keyset_choose(const struct keyset *list, size_t n, struct currency unit, int64_t now_s);

/* GET /v1/keysets: all of them, without keys.  Entries with an id or a unit that we cannot read are left out: they are
 * not ours to use.  The same id twice: ERR_PEER_INVALID. */
void keysets_request(struct arena *a, const char *mint, struct net_request *ret);
MUST_CHECK int keysets_decode(struct arena *a, const struct net_reply *rep, struct keyset **ret, size_t *ret_n,
			      struct err *err);
/* GET /v1/keys/{id}: the keys of one keyset, whose id must verify.  listed: its entry of GET /v1/keysets; unit, fee and
 * expiry come from there where the reply leaves them out, and must be equal where it does not.  A legacy id cannot be
 * checked: ERR_UNSUPPORTED. */
void keyset_request(struct arena *a, const char *mint, const struct keyset_id *id, struct net_request *ret);
MUST_CHECK int keyset_decode(struct arena *a, const struct net_reply *rep, const struct keyset *listed,
			     struct keyset *ret, struct err *err);

/* Keys as kept in the store and in vectors: an object of decimal amount to hex.  ERR_PARSE. */
char *keyset_keys_text(struct arena *a, const struct keyset *ks);
MUST_CHECK int keyset_keys_parse(struct arena *a, struct bytes json, struct keyset_key **ret, size_t *ret_n,
				 struct err *err);

#endif
