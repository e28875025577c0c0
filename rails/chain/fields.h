/* rails/chain/fields.h - members of JSON objects that a node sent.  For this room alone.
 *
 * Every reader refuses with ERR_PEER_INVALID and names the member.  Decimals are strings here, because replies are parsed
 * with reals_as_text: a decimal may be a whole number of JSON too. */
#ifndef RAILS_CHAIN_FIELDS_H
#define RAILS_CHAIN_FIELDS_H

#include "base/amount.h"
#include "base/ids.h"
#include "base/json.h"

#define REFUSE(err, ...) ERR((err), ERR_PEER_INVALID, __VA_ARGS__)

MUST_CHECK int field_u64(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err);
MUST_CHECK int field_u32(const json_t *obj, const char *name, uint32_t *ret, struct err *err);
MUST_CHECK int field_time(const json_t *obj, const char *name, int64_t *ret,
			  struct err *err); /* Unix seconds, not negative */
MUST_CHECK int field_bool(const json_t *obj, const char *name, bool *ret, struct err *err);
MUST_CHECK int field_text(const json_t *obj, const char *name, size_t max, const char **ret, struct err *err);
MUST_CHECK int field_list(const json_t *obj, const char *name, size_t max, const json_t **ret, struct err *err);
MUST_CHECK int field_object(const json_t *obj, const char *name, const json_t **ret, struct err *err);
MUST_CHECK int field_txid(const json_t *obj, const char *name, struct txid *ret, struct err *err);
MUST_CHECK int field_hash(const json_t *obj, const char *name, struct block_hash *ret, struct err *err);
MUST_CHECK int field_hex(struct arena *a, const json_t *obj, const char *name, size_t max, struct bytes *ret,
			 struct err *err);
MUST_CHECK int field_btc(const json_t *obj, const char *name, struct sat *ret, struct err *err);
MUST_CHECK int field_btc_per_kvb(const json_t *obj, const char *name, struct feerate *ret, struct err *err);
MUST_CHECK int field_sat(const json_t *obj, const char *name, struct sat *ret, struct err *err);
bool field_is_absent(const json_t *obj, const char *name); /* or null */

/* The same of a value by itself; name is for the error. */
MUST_CHECK int value_txid(const json_t *v, const char *name, struct txid *ret, struct err *err);
MUST_CHECK int value_hash(const json_t *v, const char *name, struct block_hash *ret, struct err *err);
MUST_CHECK int value_hex(struct arena *a, const json_t *v, const char *name, size_t max, struct bytes *ret,
			 struct err *err);
MUST_CHECK int value_sat_per_vb(const json_t *v, const char *name, struct feerate *ret, struct err *err);

/* A decimal with an exponent ("2.743e-05", as servers write it that keep amounts in floating point) without one.  False when
 * it is no decimal, is negative, or is longer than DECIMAL_MAX characters would be. */
#define DECIMAL_MAX 64
MUST_CHECK bool decimal_plain(const char *text, char ret[DECIMAL_MAX]);

#endif
