/* rails/lightning/bolt12_tlv.h - what messages of BOLT 12 are made of: fields with a number each (BOLT 1's TLV), and the hash
 * over all of them that is signed. */
#ifndef RAILS_LIGHTNING_BOLT12_TLV_H
#define RAILS_LIGHTNING_BOLT12_TLV_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"

#define BOLT12_FIELDS_MAX 1024 /* ours: of one message */

struct bolt12_field {
	uint64_t type;
	struct bytes value;
	struct bytes head;  /* the type as written: 1 to 9 bytes */
	struct bytes whole; /* type, length and value */
};
struct bolt12_fields {
	struct bolt12_field *v; /* in ascending order, each type once */
	size_t n;
};

/* Views into v.  ERR_INVOICE: numbers that are not minimal, fields out of order or twice, cut off, none, or too many. */
MUST_CHECK int bolt12_fields_read(struct arena *a, struct bytes v, struct bolt12_fields *ret, struct err *err);
/* NULL when it is not there. */
const struct bolt12_field *bolt12_field_find(const struct bolt12_fields *f, uint64_t type);
/* BOLT 1's tu64: no more bytes than it takes.  False for more than AMOUNT_MAX, too. */
MUST_CHECK bool bolt12_field_u64(const struct bolt12_field *f, uint64_t *ret);

/* The root over all fields but signatures (240 to 1000). */
MUST_CHECK int bolt12_merkle_root(const struct bolt12_fields *f, struct hash32 *ret, struct err *err);
/* What is signed: a tagged hash of the root.  tag: "lightning", the message's name and the field's, "invoice" "signature". */
void bolt12_signature_digest(const char *tag, const struct hash32 *root, struct hash32 *ret);

#endif
