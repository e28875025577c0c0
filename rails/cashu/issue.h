/* rails/cashu/issue.h - turn a paid quote into ecash: NUT-04, with the quote lock of NUT-20, and several at a time as in
 * NUT-29.  The answer is read with promises_decode(). */
#ifndef RAILS_CASHU_ISSUE_H
#define RAILS_CASHU_ISSUE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"
#include "base/http_msg.h"

/* What a NUT-20 signature signs.  v1 separates its domain; legacy is what older mints know: after code 20008 the same
 * outputs are sent again with the other one.  n is 1 to CASHU_LIST_MAX. */
void issue_message_v1(const char *quote_id, const struct output *outputs, size_t n, struct hash32 *ret);
void issue_message_legacy(const char *quote_id, const struct output *outputs, size_t n, struct hash32 *ret);

/* signature: 64 bytes, or NULL for a quote without a key.  ERR_RANGE: n not 1 to CASHU_LIST_MAX. */
MUST_CHECK int issue_request(struct arena *a, const char *mint, const char *quote_id, const struct output *outputs,
			     size_t n, const uint8_t *signature, struct net_request *ret, struct err *err);

/* One of several quotes that are issued together.  Each locked one signs all outputs, with a message of the functions above. */
struct issue_quote {
	const char *id;
	struct ecash amount;
	const uint8_t *signature; /* 64 bytes, or NULL */
};
/* The mint issues all of them or none.  ERR_RANGE: n_quotes or n not 1 to CASHU_LIST_MAX; ERR_PARAM: a quote twice. */
MUST_CHECK int issue_batch_request(struct arena *a, const char *mint, const struct issue_quote *quotes, size_t n_quotes,
				   const struct output *outputs, size_t n, struct net_request *ret, struct err *err);

#endif
