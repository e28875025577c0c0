/* store/mint_store.h - Cashu mints and their keysets. */
#ifndef STORE_MINT_STORE_H
#define STORE_MINT_STORE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "store/view.h"

/* What strangers can make us keep: where tokens of any mint are taken, anybody adds mints, and a mint lists what it likes. */
#define MINTS_MAX           10000
#define KEYSETS_OF_MINT_MAX 500

struct mint_row {
	int64_t id;
	const char *url;  /* normalised; unique */
	const char *name; /* or NULL */
	bool trusted;
	bool dleq;                         /* offers NUT-12 */
	bool quote_locks;                  /* offers NUT-20 */
	bool quote_legacy;                 /* takes NUT-20 signatures over the legacy message only */
	const char *info;                  /* JSON as last read, or NULL */
	int64_t added_at_ms, synced_at_ms; /* keysets read last; 0 never */
	const char *trouble;               /* kind of the last error, or NULL when the last contact went well */
	int64_t trouble_since_ms;
};
/* ERR_EXISTS when the url is known; ERR_RANGE when MINTS_MAX are. */
MUST_CHECK int mint_store_add(struct unit *u, const struct mint_row *row, int64_t *ret_id, struct err *err);
MUST_CHECK int mint_store_update(struct unit *u, const struct mint_row *row,
				 struct err *err); /* all but id, url, added */
/* kind NULL: the last contact went well.  trouble_since_ms is when an unbroken run of trouble began. */
MUST_CHECK int mint_store_set_trouble(struct unit *u, int64_t id, const char *kind, int64_t now_ms, struct err *err);
/* ERR_MINT_UNKNOWN */
MUST_CHECK int mint_store_by_url(struct view v, struct arena *a, const char *url, struct mint_row *ret,
				 struct err *err);
MUST_CHECK int mint_store_by_id(struct view v, struct arena *a, int64_t id, struct mint_row *ret, struct err *err);
/* At most limit of those after this id, by id; without their info, which is large. */
MUST_CHECK int mint_store_list(struct view v, struct arena *a, int64_t after, unsigned limit, struct mint_row **ret,
			       size_t *n, struct err *err);

/* How much of a unit may be at a mint, where the operator said so while walletd ran. */
struct mint_limit_row {
	struct currency unit;
	bool bounded; /* false: as much as comes */
	uint64_t max;
};
MUST_CHECK int mint_store_limit_set(struct unit *u, int64_t mint_id, const struct mint_limit_row *row, struct err *err);
/* Nothing is said of it any more; nor may it have been. */
MUST_CHECK int mint_store_limit_drop(struct unit *u, int64_t mint_id, struct currency unit, struct err *err);
/* All that was said of this mint, by unit. */
MUST_CHECK int mint_store_limits(struct view v, struct arena *a, int64_t mint_id, struct mint_limit_row **ret,
				 size_t *n, struct err *err);

/* Adds, or updates what may change (active; for v1 ids also fee and expiry).  The caller has verified the id against
 * the keys.  ks->keys may be NULL for a keyset that is known.  kid_int is NUT-13's number of a v1 id, -1 for others.
 * ERR_PEER_INVALID: its keys or unit changed, or what a v2 id commits to, or the id has other keys at another mint.
 * ERR_EXISTS: its kid_int is that of another id (spec 1.4).  ERR_RANGE: the mint has KEYSETS_OF_MINT_MAX already. */
MUST_CHECK int keyset_store_put(struct unit *u, int64_t mint_id, const struct keyset *ks, int64_t kid_int,
				struct err *err);
/* All of a mint's, by id.  One that the mint no longer lists is no longer active: put it so. */
MUST_CHECK int keyset_store_list(struct view v, struct arena *a, int64_t mint_id, struct keyset **ret, size_t *n,
				 struct err *err);
MUST_CHECK int keyset_store_get(struct view v, struct arena *a, int64_t mint_id, const struct keyset_id *id,
				struct keyset *ret, struct err *err); /* ERR_KEYSET_UNKNOWN */
/* Which ids, of whichever mints, begin with this short id. */
MUST_CHECK int keyset_store_alike(struct view v, struct arena *a, const char *short_id, struct keyset_id **ret,
				  size_t *n, struct err *err);

#endif
