/* rails/cashu/payreq.h - a request to be paid in ecash, as text to scan: NUT-18 ("creqA", CBOR in base64url).
 *
 * Results live in the arena given first.  A request is not secret; its texts are a stranger's.  Errors:
 * ERR_PAYMENT_REQUEST (what is wrong, in words), ERR_RANGE (too large for what is to be made, or for the arena). */
#ifndef RAILS_CASHU_PAYREQ_H
#define RAILS_CASHU_PAYREQ_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"
#include "rails/cashu/token.h"

#define PAYREQ_TEXT_MAX        16384
#define PAYREQ_ROOM            ((size_t)128 * 1024) /* what decoding may take of the arena */
#define PAYREQ_ID_MAX          255
#define PAYREQ_DESCRIPTION_MAX 1024
#define PAYREQ_TARGET_MAX      2048
#define PAYREQ_VALUE_MAX       1024
#define PAYREQ_MINTS_MAX       32
#define PAYREQ_TRANSPORTS_MAX  8
#define PAYREQ_TAGS_MAX        16
#define PAYREQ_VALUES_MAX      16

/* A name and its values. */
struct payreq_tag {
	const char *v[PAYREQ_VALUES_MAX];
	size_t n; /* at least 1 */
};
struct payreq_tags {
	struct payreq_tag *tag;
	size_t n;
};

struct payreq_transport {
	const char *type;   /* "post": target is a URL; "nostr": an nprofile */
	const char *target; /* never empty */
	struct payreq_tags tags;
};

/* The condition that the payee wants on the ecash, in the words of NUT-10. */
struct payreq_lock {
	const char *kind, *data;
	struct payreq_tags tags;
};

struct payreq {
	const char *id; /* or NULL: goes along with the payment */
	bool has_amount;
	uint64_t amount; /* 1 to AMOUNT_MAX; only with a unit */
	bool has_unit;
	struct currency unit;
	bool single_use;
	const char **mints; /* normalised; none: of any mint */
	size_t n_mints;
	const char *description;            /* or NULL */
	struct payreq_transport *transport; /* the preferred first; none: paid in band, the token is handed over */
	size_t n_transports;
	bool has_lock;
	struct payreq_lock lock;
};

/* White space around it and "cashu:" before it are passed over; padded or not. */
MUST_CHECK int payreq_decode(struct arena *a, const char *text, struct payreq *ret, struct err *err);
/* Unpadded.  The same request always gives the same text. */
MUST_CHECK int payreq_encode(struct arena *a, const struct payreq *r, char **ret, struct err *err);

/* Does a payment of this much, from this mint, meet the request?  ERR_MINT_UNKNOWN (not one of those asked for), ERR_UNIT,
 * ERR_FUNDS (too little). */
MUST_CHECK int payreq_check(const struct payreq *r, const char *mint, struct ecash amount, struct err *err);
/* The text of a new locked secret with the condition, its tags as they stand.  nonce: random, never used before.  ERR_LOCK
 * (nobody could spend it), ERR_UNSUPPORTED (a kind that we do not know). */
MUST_CHECK int payreq_lock_secret(struct arena *a, const struct payreq_lock *l, const uint8_t nonce[32], char **ret,
				  struct err *err);
/* The first transport over HTTP, or NULL. */
const struct payreq_transport *payreq_post(const struct payreq *r);
/* Delivery there, of a token that is resolved and has its unit; memo: from the token.  Not idempotent for all that the payer
 * knows, and the token is bearer money: whether it arrived shows when it is spent. */
MUST_CHECK int payreq_post_request(struct arena *a, const struct payreq *r, const struct payreq_transport *to,
				   const struct token *t, struct net_request *ret, struct err *err);

#endif
