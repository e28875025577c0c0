/* rails/cashu/cbor_read.h - strict reading of somebody else's CBOR (RFC 8949), one data item at a time.
 *
 * libcbor's streaming decoder takes the items apart; what it leaves open is decided here: tags are passed over, strings in
 * chunks are joined, nesting has a limit, and nothing is allocated on the word of a length.  Failure is an answer of
 * false: the input is not CBOR, is cut off, or goes deeper than CBOR_DEPTH_MAX. */
#ifndef RAILS_CASHU_CBOR_READ_H
#define RAILS_CASHU_CBOR_READ_H

#include "base/arena.h"
#include "base/reader.h"

#define CBOR_DEPTH_MAX 8

enum cbor_kind {
	CBOR_OTHER = 0, /* a negative number, a float */
	CBOR_UINT = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_NULL = 6, /* or undefined */
	CBOR_BREAK = 7,
	CBOR_BOOL = 8
};

struct cbor_value {
	enum cbor_kind kind;
	uint64_t n;      /* of a number; 1 for true; elements or pairs of a container that says how many */
	bool indefinite; /* a container that ends with a break */
	struct bytes v;  /* of a string: a view into the input, or joined in the arena */
};

/* The next item: of a container, its head alone. */
MUST_CHECK bool cbor_next(struct arena *a, struct reader *r, struct cbor_value *ret);
/* Inside a container: is there one more element (for a map: pair)?  *more is false at its end, which is then passed.
 * box is the container's head, and counts down. */
MUST_CHECK bool cbor_more(struct reader *r, struct cbor_value *box, bool *more);
/* Pass over the rest of an item whose head was read at this depth (0 is the outermost). */
MUST_CHECK bool cbor_skip(struct arena *a, struct reader *r, struct cbor_value head, unsigned depth);

#endif
