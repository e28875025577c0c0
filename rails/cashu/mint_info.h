/* rails/cashu/mint_info.h - what a mint says about itself: NUT-06.  Fields that we do not know are ignored; a part that
 * is not shaped as the NUTs have it counts as not offered. */
#ifndef RAILS_CASHU_MINT_INFO_H
#define RAILS_CASHU_MINT_INFO_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

#define MINT_NAME_MAX    128
#define MINT_METHODS_MAX 64

/* Issuing or melting over bolt11 in one unit. */
struct mint_method {
	struct currency unit;
	uint64_t min, max; /* 0 and AMOUNT_MAX when not limited */
	bool amountless;   /* melting: invoices without an amount, too (NUT-23) */
};

struct mint_info {
	const char *name;    /* printable, "" when not given */
	const char *version; /* printable, "" when not given */
	bool issue_disabled; /* NUT-04 */
	struct mint_method *issue_bolt11;
	size_t n_issue_bolt11;
	bool melt_disabled; /* NUT-05 */
	struct mint_method *melt_bolt11;
	size_t n_melt_bolt11;
	bool state_check;    /* NUT-07 */
	bool restore;        /* NUT-09 */
	bool p2pk;           /* NUT-10 and NUT-11: without them locked proofs are everybody's */
	bool htlc;           /* NUT-10 and NUT-14 */
	bool dleq;           /* NUT-12 */
	bool quote_lock;     /* NUT-20 */
	bool caches_swap;    /* NUT-19, POST /v1/swap */
	bool caches_issue;   /* NUT-19, POST /v1/mint/bolt11 */
	bool caches_melt;    /* NUT-19, POST /v1/melt/bolt11 */
	int64_t cache_ttl_s; /* -1 = no limit; 0 when nothing is cached */
	bool batch_bolt11;   /* NUT-29: several quotes in one request */
	size_t batch_max;    /* at most so many quotes; CASHU_LIST_MAX when not limited */
};

void mint_info_request(struct arena *a, const char *mint, struct net_request *ret);
MUST_CHECK int mint_info_decode(struct arena *a, const struct net_reply *rep, struct mint_info *ret, struct err *err);
/* As kept in the store: the body of a reply that decoded.  ERR_PARSE. */
MUST_CHECK int mint_info_parse(struct arena *a, struct bytes json, struct mint_info *ret, struct err *err);
/* NULL when this unit cannot be issued, or melted, over bolt11. */
const struct mint_method *mint_info_issue_method(const struct mint_info *info, struct currency unit);
const struct mint_method *mint_info_melt_method(const struct mint_info *info, struct currency unit);

#endif
