/* rails/cashu/cbor_map.h - somebody else's CBOR maps, read into what one expects of them, on top of cbor_read.h.
 *
 * A map is read by a function that is called for each of its known fields.  Those come at most once and are of their kind;
 * null or undefined stands for one that is not there; what is not known is skipped.  Every error has the code and begins
 * with the words that the source names, and quotes nothing. */
#ifndef RAILS_CASHU_CBOR_MAP_H
#define RAILS_CASHU_CBOR_MAP_H

#include "base/err.h"
#include "rails/cashu/cbor_read.h"

struct cbor_source {
	struct arena *a; /* what is joined or copied lives there */
	struct reader r;
	enum err_code code;
	const char *what; /* "malformed token" */
	void *owner;      /* the caller's own, for its readers */
};

struct cbor_field {
	const char *name;
	bool required;
	enum cbor_kind kind;
};

/* field: its index; v: its head, and for a container the reader goes on to read the rest. */
typedef int cbor_field_reader(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err);
typedef int cbor_item_reader(struct cbor_source *in, struct cbor_value v, void *to, struct err *err);

/* One whole map, and nothing after it. */
MUST_CHECK int cbor_source_read(struct cbor_source *in, const struct cbor_field *fields, size_t n,
				cbor_field_reader *read, void *to, struct err *err);
/* The rest of a map whose head was read at this depth; at most 32 fields. */
MUST_CHECK int cbor_map_read(struct cbor_source *in, struct cbor_value map, unsigned depth,
			     const struct cbor_field *fields, size_t n, cbor_field_reader *read, void *to,
			     struct err *err);
/* The rest of an array, every item of which is of this kind. */
MUST_CHECK int cbor_array_read(struct cbor_source *in, struct cbor_value array, enum cbor_kind kind,
			       cbor_item_reader *read, void *to, struct err *err);
/* A string's bytes: exactly n; or as text, which must be UTF-8 without NUL and of at most max bytes. */
MUST_CHECK int cbor_exact(const struct cbor_source *in, struct bytes v, void *to, size_t n, struct err *err);
MUST_CHECK int cbor_text(const struct cbor_source *in, struct bytes v, size_t max, const char **ret, struct err *err);
/* "what: why".  Returns -1. */
int cbor_malformed(const struct cbor_source *in, struct err *err, const char *why);

#endif
