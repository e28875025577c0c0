/* rails/bitcoin/compact.h - the variable-length number of bitcoin's wire format ("CompactSize"). */
#ifndef RAILS_BITCOIN_COMPACT_H
#define RAILS_BITCOIN_COMPACT_H

#include "base/reader.h"

size_t compact_len(uint64_t v); /* 1, 3, 5 or 9 */
void buf_compact(struct buf *b, uint64_t v);
void buf_compact_bytes(struct buf *b, struct bytes v); /* its length, then it */
/* The shortest form alone is taken; another fails the reader. */
uint64_t read_compact(struct reader *r);
/* How many things follow, each at least each_min (> 0) bytes long: more than what is left can hold fails the reader, so that
 * a count may be trusted to size an array. */
size_t read_compact_count(struct reader *r, size_t each_min);
struct bytes read_compact_bytes(struct reader *r);

#endif
