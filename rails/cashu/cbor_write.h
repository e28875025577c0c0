/* rails/cashu/cbor_write.h - CBOR (RFC 8949) of definite lengths, with the shortest head for each, so that the same values
 * are always the same bytes.  The buffer remembers whether all of it had room. */
#ifndef RAILS_CASHU_CBOR_WRITE_H
#define RAILS_CASHU_CBOR_WRITE_H

#include "base/buf.h"

void cbor_put_map(struct buf *b, size_t pairs);
void cbor_put_array(struct buf *b, size_t items);
void cbor_put_text(struct buf *b, const char *text);
void cbor_put_bytes(struct buf *b, const void *p, size_t n);
void cbor_put_uint(struct buf *b, uint64_t n);
void cbor_put_bool(struct buf *b, bool v);

#endif
