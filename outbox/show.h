/* outbox/show.h - the outbox as the RPC shows it, and its parameters as text.  Objects are held by the arena given.
 *
 * Bytes are 0x hex, addresses carry their checksum (EIP-55), numbers that may pass 2^53 (nonces of directives, prices,
 * amounts of wei) are decimal text.  What is not known or does not apply is null. */
#ifndef OUTBOX_SHOW_H
#define OUTBOX_SHOW_H

#include "outbox/operate.h"

/* ERR_PARAM naming field, with what is wrong (bad_checksum, not 20 bytes, …). */
MUST_CHECK int outbox_address_parse(const char *text, const char *field, struct evm_address *ret, struct err *err);
MUST_CHECK int outbox_hash_parse(const char *text, const char *field, struct hash32 *ret, struct err *err);
/* The members of directive.append as text.  Numbers may be JSON integers or decimal text. */
MUST_CHECK int outbox_append_parse(struct arena *a, const json_t *params, struct outbox_append *ret, struct err *err);

json_t *outbox_appended_json(struct arena *a, const struct outbox_appended *x);
/* The short row of directive.list. */
json_t *outbox_row_json(struct arena *a, const struct directive_row *row);
/* Everything about one: its nonces, digest, slot, attempts, depth. */
MUST_CHECK int outbox_directive_json(struct outbox *ob, struct arena *a, const struct directive_row *row, json_t **ret,
				     struct err *err);
/* {"rows_by_status", "oldest_pending_age_ms", "lanes", "spaces", "endpoints", "open_slots_by_lane"} */
MUST_CHECK int outbox_stats_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err);
/* The nonce doctor: per lane the chain's count, ours, the gap, the lowest open slot and its fee against the quote; and where
 * something is wrong "trouble", "what", and "next": the one safe thing to do.  Spaces have these three too. */
MUST_CHECK int outbox_lanes_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err);
MUST_CHECK int outbox_spaces_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err);
/* For the peers of `status`: one object per endpoint. */
MUST_CHECK int outbox_endpoints_json(struct outbox *ob, struct arena *a, json_t **ret, struct err *err);

/* What needs a person, most severe first. */
enum outbox_severity { OUTBOX_CRITICAL = 0, OUTBOX_WARNING = 1, OUTBOX_INFO = 2 };
struct outbox_trouble {
	enum outbox_severity severity;
	const char *kind, *what, *next; /* next: the one command to run */
	const char *directive_id;       /* or NULL */
};
#define OUTBOX_TROUBLES_MAX 40
MUST_CHECK int outbox_troubles(struct outbox *ob, struct arena *a, struct outbox_trouble **ret, size_t *n,
			       struct err *err);

/* Gauges that follow the store: rows by status, age of the oldest.  Call it before metrics are written. */
void outbox_refresh_metrics(struct outbox *ob);

#endif
