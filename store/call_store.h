/* store/call_store.h - idempotency records: the first answer to (credential, key), kept for ever. */
#ifndef STORE_CALL_STORE_H
#define STORE_CALL_STORE_H

#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

struct call_row {
	const char *credential, *key, *method;
	struct hash32 params_hash; /* of the canonical parameters */
	const char *response;      /* JSON: {"result":…} or {"error":…} */
	struct action_id action;   /* or empty */
	int64_t at_ms;
};
/* In the unit of the call's own effects.  ERR_EXISTS when (credential, key) is taken. */
MUST_CHECK int call_store_add(struct unit *u, const struct call_row *row, struct err *err);
/* A later, fuller first answer (the end of a wait).  Only the caller that was given the first one may do this. */
MUST_CHECK int call_store_set_response(struct unit *u, const char *credential, const char *key, const char *response,
				       struct err *err);
/* 1 found, 0 not, -1 */
MUST_CHECK int call_store_find(struct view v, struct arena *a, const char *credential, const char *key,
			       struct call_row *ret, struct err *err);

#endif
