/* rails/cashu/wire.h - shapes that several requests and replies of a mint share.  For this room alone. */
#ifndef RAILS_CASHU_WIRE_H
#define RAILS_CASHU_WIRE_H

#include "base/ecash.h"
#include "base/http_msg.h"
#include "base/json.h"

#define WIRE_READ_MS  30000
#define WIRE_WRITE_MS 60000 /* swap and mint */

void wire_get(const char *url, struct net_request *ret);
/* A POST of body.  Cannot fail: the caller has seen to it that the arena has room. */
void wire_post(struct arena *a, const char *url, const json_t *body, int64_t timeout_ms, bool changes_state,
	       struct net_request *ret);

/* ERR_RANGE when n, of whatever is counted, is not 1 to CASHU_LIST_MAX. */
MUST_CHECK int wire_count(const char *what, size_t n, struct err *err);
/* Is there room for a request whose body has about so many characters?  ERR_RANGE. */
MUST_CHECK int wire_room(const struct arena *a, size_t chars, struct err *err);
/* [{amount, id, B_}], ERR_RANGE for an amount that JSON cannot hold. */
MUST_CHECK int wire_outputs(struct arena *a, const struct output *outputs, size_t n, json_t **ret, struct err *err);
#define WIRE_OUTPUT_CHARS 200
/* [{amount, id, secret, C, witness}]: without the DLEQ, whose r would link an input to its issuance. */
MUST_CHECK int wire_inputs(struct arena *a, const struct proof *inputs, size_t n, json_t **ret, struct err *err);
size_t wire_inputs_chars(const struct proof *inputs, size_t n);
/* One proof, a new object: for a mint without the DLEQ, for another wallet with it, r and all. */
json_t *wire_proof(const struct proof *p, bool with_dleq);

json_t *wire_hex(const void *p, size_t n); /* a new string */
/* A required member of hex that spells a point of the curve. */
MUST_CHECK int wire_point(const json_t *obj, const char *name, struct pubkey *ret, struct err *err);
/* The same without asking whether it is on the curve: for comparing with points of our own. */
MUST_CHECK int wire_pubkey(const json_t *obj, const char *name, struct pubkey *ret, struct err *err);
MUST_CHECK int wire_scalar(const json_t *obj, const char *name, struct secret *ret, struct err *err);
/* A required amount, 1 to AMOUNT_MAX. */
MUST_CHECK int wire_amount(const json_t *obj, const char *name, uint64_t *ret, struct err *err);

#endif
