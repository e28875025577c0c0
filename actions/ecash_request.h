/* actions/ecash_request.h - payment requests (NUT-18) as the RPC makes and reads them.  Paying one is a cashu_send. */
#ifndef ACTIONS_ECASH_REQUEST_H
#define ACTIONS_ECASH_REQUEST_H

#include "base/json.h"
#include "store/mint_store.h"

struct keyring;

/* Parameters that were checked against the method's table: amount, unit, mints (default: those that are trusted),
 * description, id (default: a random one), single_use, post, lock.  With lock the ecash must be locked to a new key of this
 * wallet, which needs keys.  *ret: {"request", "id", "amount", "unit", "mints", "public_key"?}. */
MUST_CHECK int ecash_request_make(struct unit *u, struct arena *a, struct keyring *keys, const json_t *params,
				  json_t **ret, struct err *err);
/* What it asks for, and of its mints which are known here.  ERR_PAYMENT_REQUEST. */
MUST_CHECK int ecash_request_decode(struct view v, struct arena *a, const char *text, json_t **ret, struct err *err);

#endif
