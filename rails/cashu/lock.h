/* rails/cashu/lock.h - ecash that not everybody can spend: well-known secrets (NUT-10), locked to keys (P2PK, NUT-11) or to
 * a hash (HTLC, NUT-14), until a time or for ever.
 *
 * A lock is the text of a proof's secret.  Whatever was blinded is the secret for ever: one that came from somebody else
 * is read here and never written again.  What shows that a lock may be opened is in witness.h.
 *
 * There are two ways in, and no mixing of them: the keys, at any time (for an HTLC, with the preimage), and after the
 * locktime the refund keys, or anyone when there are none.  Keys are compared by x alone.  The mint's clock decides; ours
 * is the caller's.  Errors:
 *   ERR_LOCK    nobody can spend this, or readers differ about who can: not to be accepted, not to be made
 *   ERR_LOCKED  not with these keys, or not yet; .msg says what is missing
 * No error holds any part of a secret. */
#ifndef RAILS_CASHU_LOCK_H
#define RAILS_CASHU_LOCK_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"

/* More than fit a secret of CASHU_SECRET_MAX characters. */
#define LOCK_KEYS_MAX 16
#define LOCK_FOREVER  INT64_C(-1)

enum lock_kind {
	LOCK_NONE = 0, /* an ordinary secret: whoever has it can spend it */
	LOCK_P2PK = 1,
	LOCK_HTLC = 2,
	LOCK_OTHER = 3 /* well-known, but not to us: no other field of the lock says anything */
};

struct lock_keys {
	struct pubkey key[LOCK_KEYS_MAX];
	size_t n;
	unsigned need; /* how many of them must sign: 1 to n; 0 when there are none */
};

struct lock {
	enum lock_kind kind;
	bool sig_all;            /* one signature covers all inputs and outputs of the request */
	struct hash32 hash;      /* HTLC: of the preimage */
	struct lock_keys keys;   /* P2PK: at least one, the first being the secret's `data`; HTLC: may be none */
	int64_t locktime_s;      /* unix time after which the refund keys can sign too, or LOCK_FOREVER */
	struct lock_keys refund; /* none: after the locktime anyone can spend it */
};

/* The lock that a proof's secret is.  Text that is not a JSON array is LOCK_NONE. */
MUST_CHECK int lock_parse(const char *secret, struct lock *ret, struct err *err);
/* The text of a new secret, P2PK or HTLC.  nonce: random, never used before.  What is the default is left out.  ERR_LOCK:
 * thresholds that no one can reach, a key twice in one way, a key off the curve, refund keys without a locktime;
 * ERR_RANGE: longer than mints take. */
MUST_CHECK int lock_secret(struct arena *a, const struct lock *l, const uint8_t nonce[32], char **ret, struct err *err);

/* Is it after the locktime? */
bool lock_is_expired(const struct lock *l, int64_t now_s);
/* Can whoever knows the secret spend it now, without any witness? */
bool lock_is_open(const struct lock *l, int64_t now_s);
/* The place of this key in the list, by x; keys.n when it is not there. */
size_t lock_key_find(const struct lock_keys *keys, const struct pubkey *key);

/* A way to spend. */
enum lock_path { LOCK_BY_ANYONE = 1, LOCK_BY_KEYS = 2, LOCK_BY_REFUND = 3 };
struct lock_way {
	enum lock_path path;
	bool preimage;                 /* the witness must show it */
	size_t signers[LOCK_KEYS_MAX]; /* which of our keys sign: as many as are needed and no more */
	size_t n_signers;
};
/* How can somebody with these keys, and this preimage (NULL for none), spend it at this time?  ERR_UNSUPPORTED:
 * LOCK_OTHER. */
MUST_CHECK int lock_way_find(const struct lock *l, int64_t now_s, const struct pubkey *ours, size_t n_ours,
			     const uint8_t *preimage, struct lock_way *ret, struct err *err);

/* NUT-11: do two secrets name the same kind, data and tags?  Inputs with SIG_ALL must. */
bool lock_conditions_equal(const char *secret_a, const char *secret_b);

#endif
