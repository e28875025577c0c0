/* outbox/show_text.h - how values of the outbox look outside (see outbox/show.h). */
#ifndef OUTBOX_SHOW_TEXT_H
#define OUTBOX_SHOW_TEXT_H

#include "base/amount.h"
#include "base/json.h"
#include "store/directive_store.h"
#include "store/relay_store.h"

const char *show_hash(struct arena *a, const struct hash32 *h);            /* 0x and 64 digits */
const char *show_bytes(struct arena *a, struct bytes v);                   /* "0x" when empty */
const char *show_address(struct arena *a, const struct evm_address *addr); /* with its checksum */
const char *show_wei(struct arena *a, struct wei v);
const char *slot_purpose_name(enum slot_purpose p);
const char *space_ordering_name(enum space_ordering o);

/* What may really pass 2^53 (directive nonces, prices) is always decimal text; what could only in theory is an integer up
 * to 2^53 - 1, which every JSON reader takes exactly, and decimal text above. */
void json_set_decimal(json_t *obj, const char *name, uint64_t v);
void json_set_number(json_t *obj, const char *name, uint64_t v);
/* null when it is absent. */
void json_set_time(json_t *obj, const char *name, int64_t ms, int64_t absent);
/* A member that may be a JSON integer or decimal text; absent or null leaves *ret.  ERR_PARAM with the field. */
MUST_CHECK int json_opt_number(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err);

#endif
