/* actions/splice_show.h - splices and the payments that they are, as objects for people and programs. */
#ifndef ACTIONS_SPLICE_SHOW_H
#define ACTIONS_SPLICE_SHOW_H

#include "actions/onchain.h"
#include "store/channel_store.h"
#include "store/funding_store.h"
#include "store/splice_store.h"

/* What a splice of 32 bytes, a channel is called: hex. */
void splice_set_id(json_t *obj, const char *name, const struct hash32 *id);
/* One that lives: what was asked for, its limits, what it waits for, its candidates. */
MUST_CHECK int splice_json(struct view v, struct arena *a, enum network net, const struct splice_row *row, json_t **ret,
			   struct err *err);
/* One that has ended. */
json_t *splice_past_json(struct arena *a, const struct splice_past *p);
/* The candidates of a payment, oldest first. */
MUST_CHECK int splice_candidates_json(struct view v, struct arena *a, const struct hash32 *payment, json_t **ret,
				      struct err *err);
/* tip: 0 when no block is known. */
json_t *splice_payment_json(struct arena *a, const struct funding_payment *p, uint32_t tip);

#endif
