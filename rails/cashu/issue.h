/* rails/cashu/issue.h - turn a paid quote into ecash: NUT-04, with the quote lock of NUT-20.  The answer is read with
 * promises_decode(). */
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

#endif
