/* rails/bitcoin/psbt.h - a transaction on its way between those who make, sign and send it: BIP174, and BIP371 for taproot.
 *
 * Version 0 is written.  Version 2 (BIP370) is read, and is version 0 from then on.  Fields that mean nothing to us are kept.
 * Everything lives in the arena that it was made with.  Errors: ERR_PSBT (malformed, or a transaction that is not the same),
 * ERR_RANGE (larger than PSBT_SIZE_MAX, or than the arena has room for).  What signing, finishing and extracting take is
 * in psbt_sign.h. */
#ifndef RAILS_BITCOIN_PSBT_H
#define RAILS_BITCOIN_PSBT_H

#include "rails/bitcoin/psbt_fields.h"
#include "rails/bitcoin/tx.h"

#define PSBT_SIZE_MAX (8u * 1024 * 1024) /* bytes */

/* No key stands twice. */
struct psbt_map {
	struct psbt_field *fields;
	size_t n, room;
};

struct psbt {
	struct tx tx;           /* with empty input scripts and witnesses */
	struct psbt_map global; /* without the transaction and the version */
	struct psbt_map *in;    /* tx.n_in of them */
	struct psbt_map *out;   /* tx.n_out of them */
};

/* tx has neither input scripts nor witnesses; it is copied. */
MUST_CHECK int psbt_create(struct arena *a, const struct tx *tx, struct psbt *ret, struct err *err);
MUST_CHECK int psbt_decode(struct arena *a, struct bytes v, struct psbt *ret, struct err *err);
MUST_CHECK int psbt_decode_text(struct arena *a, const char *base64, struct psbt *ret, struct err *err);
void psbt_encode(const struct psbt *p, struct buf *b); /* appends; the cap is the caller's */
MUST_CHECK int psbt_text(struct arena *a, const struct psbt *p, char **ret, struct err *err); /* base64 */

/* A field by its type (below fd) and the data of its key.  *ret is a view. */
bool psbt_get(const struct psbt_map *m, uint8_t type, struct bytes data, struct bytes *ret);
/* The first field of this type that stands at or behind place *at: false, or *at is its place. */
bool psbt_find(const struct psbt_map *m, uint8_t type, size_t *at);
/* The data of a field's key, behind its type. */
struct bytes psbt_key_data(const struct psbt_field *f);
/* In place of one with the same key, or as a new one.  Copies both into the arena.  ERR_RANGE: it has no room. */
MUST_CHECK int psbt_put(struct arena *a, struct psbt_map *m, uint8_t type, struct bytes data, struct bytes value,
			struct err *err);
/* All fields of this type; of these types. */
void psbt_drop(struct psbt_map *m, uint8_t type);
void psbt_drop_range(struct psbt_map *m, uint8_t first, uint8_t last);

/* What an updater knows of an input. */
MUST_CHECK int psbt_put_witness_utxo(struct arena *a, struct psbt *p, size_t input, const struct tx_out *spent,
				     struct err *err);
/* The internal key of taproot input or output i, and where it comes from; for a key path alone. */
MUST_CHECK int psbt_put_tap_key(struct arena *a, struct psbt *p, enum psbt_part part, size_t i,
				const struct xonly *internal, const struct psbt_origin *o, struct err *err);

/* What an input spends, as the PSBT tells it: from either kind of UTXO, checked against the input; both must agree.
 * ERR_PSBT: it does not say, or lies. */
MUST_CHECK int psbt_spent(struct arena *scratch, const struct psbt *p, size_t input, struct tx_out *ret,
			  struct err *err);
/* Inputs less outputs.  ERR_PSBT also when that is negative. */
MUST_CHECK int psbt_fee(struct arena *a, const struct psbt *p, struct sat *ret, struct err *err);

/* Puts into p what other has and p has not, and orders the fields; where both have a field, p's stays.  ERR_PSBT: another transaction. */
MUST_CHECK int psbt_combine(struct arena *a, struct psbt *p, const struct psbt *other, struct err *err);

#endif
