/* store/credential_store.h - named RPC keys as salted hashes, and what each has spent. */
#ifndef STORE_CREDENTIAL_STORE_H
#define STORE_CREDENTIAL_STORE_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

struct credential_row {
	int64_t id;
	const char *name; /* unique among all, revoked ones included */
	int scope;        /* enum rpc_scope */
	uint8_t salt[16];
	struct hash32 hash;                                 /* of salt || key */
	int64_t budget_hour_sat, budget_day_sat;            /* -1: no budget */
	int64_t created_at_ms, revoked_at_ms, last_used_ms; /* 0: not */
};
MUST_CHECK int credential_add(struct unit *u, const struct credential_row *row, int64_t *ret_id, struct err *err);
MUST_CHECK int credential_rotate(struct unit *u, const char *name, const uint8_t salt[16], const struct hash32 *hash,
				 struct err *err);                                                   /* ERR_NOT_FOUND */
MUST_CHECK int credential_revoke(struct unit *u, const char *name, int64_t now_ms, struct err *err); /* ERR_NOT_FOUND */
MUST_CHECK int credential_list(struct view v, struct arena *a, struct credential_row **ret, size_t *n, struct err *err);
/* It was used at this time.  Not worth a unit for each call: the caller decides how fresh last_used_ms is kept. */
MUST_CHECK int credential_used(struct unit *u, int64_t id, int64_t now_ms, struct err *err);
/* Record a spend in the unit of the action it pays for; sum what was spent since (inclusive). */
MUST_CHECK int credential_spend_add(struct unit *u, int64_t id, const struct action_id *action, uint64_t sat,
				    int64_t now_ms, struct err *err);
MUST_CHECK int credential_spent_since(struct view v, int64_t id, int64_t since_ms, uint64_t *ret_sat, struct err *err);
/* Was this action paid for by this key?  1, 0 or -1. */
MUST_CHECK int credential_spent_on(struct view v, int64_t id, const struct action_id *action, struct err *err);

#endif
