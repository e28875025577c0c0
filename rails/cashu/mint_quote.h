/* rails/cashu/mint_quote.h - an invoice from the mint that, once paid, entitles to ecash: NUT-04 and NUT-23 (bolt11), several at a
 * time as in NUT-29.
 *
 * A quote that is not locked to a key (NUT-20) is bearer money: do not log its id. */
#ifndef RAILS_CASHU_MINT_QUOTE_H
#define RAILS_CASHU_MINT_QUOTE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

#define MINT_QUOTE_DESCRIPTION_MAX 640
#define MINT_QUOTE_EXPIRY_MAX_S    INT64_C(253402300799) /* the year 9999: what is later is cut to it */
#define MINT_QUOTE_REQUEST_MAX     8192

struct mint_quote {
	const char *id;      /* opaque, at most QUOTE_ID_MAX bytes */
	const char *request; /* the invoice to pay */
	struct ecash amount;
	enum quote_state state;
	int64_t expiry_s; /* unix time by the mint's clock; 0 = none */
	bool has_pubkey;  /* the mint confirms the lock */
	struct pubkey pubkey;
};

/* description and pubkey: NULL for none.  ERR_RANGE: amount 0; ERR_PARAM: description too long. */
MUST_CHECK int mint_quote_request(struct arena *a, const char *mint, struct ecash amount, const char *description,
				  const struct pubkey *pubkey, struct net_request *ret, struct err *err);
void mint_quote_check_request(struct arena *a, const char *mint, const char *quote_id, struct net_request *ret);
/* The answer of both.  id: the quote that was asked about, NULL for a new one.  Where the mint repeats amount, unit or id,
 * they must be those asked for, and for sat and msat the invoice, where its amount can be read, must say the same:
 * else ERR_PEER_INVALID.  A state that we do not know is QUOTE_UNKNOWN. */
MUST_CHECK int mint_quote_decode(struct arena *a, const struct net_reply *rep, struct ecash asked, const char *id,
				 struct mint_quote *ret, struct err *err);

/* NUT-29: several quotes in one exchange.  What was asked for each of them, and what its id is. */
struct mint_quote_asked {
	const char *id;
	struct ecash amount;
};
/* ERR_RANGE: n not 1 to CASHU_LIST_MAX. */
MUST_CHECK int mint_quotes_check_request(struct arena *a, const char *mint, const struct mint_quote_asked *asked,
					 size_t n, struct net_request *ret, struct err *err);
/* All of them, in the order asked, as mint_quote_decode() reads one; or ERR_PEER_INVALID and nothing. */
MUST_CHECK int mint_quotes_decode(struct arena *a, const struct net_reply *rep, const struct mint_quote_asked *asked,
				  size_t n, struct mint_quote **ret, struct err *err);

#endif
