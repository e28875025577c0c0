/* store/splice_internal.h - what splice_store.c needs of the files beside it.  Nobody else includes this. */
#ifndef STORE_SPLICE_INTERNAL_H
#define STORE_SPLICE_INTERNAL_H

#include "store/splice_store.h"

/* splice_coin_store.c */
MUST_CHECK int splice_output_add(struct unit *u, const struct hash32 *id, const struct splice_output *out, size_t n,
				 struct err *err);
/* splice_past_store.c */
MUST_CHECK int splice_past_add(struct unit *u, const struct splice_row *row, const struct splice_end *end,
			       int64_t now_ms, struct err *err);

#endif
