/* rails/evm/rlp.h - Recursive Length Prefix, as in appendix B of the Ethereum Yellow Paper.
 *
 * Writing: into a struct buf, which says with buf_ok() whether all of it fitted.  A list is written from its items, which
 * were encoded into a buffer of their own.
 * Reading: off a struct reader, whose failure is sticky.  Canonical RLP alone is read: a length in its shortest form, a
 * byte below 0x80 as itself, an integer without leading zeros. */
#ifndef RAILS_EVM_RLP_H
#define RAILS_EVM_RLP_H

#include "base/reader.h"

#define RLP_DEPTH_MAX 16

void rlp_bytes(struct buf *to, struct bytes v);
void rlp_u64(struct buf *to, uint64_t v);
void rlp_integer(struct buf *to, struct bytes be); /* big-endian of any length; leading zeros are not written */
void rlp_list(struct buf *to, struct bytes items);

struct rlp_item {
	bool is_list;
	struct bytes v; /* a view: the string itself, or a list's items as they are encoded */
};
struct rlp_item rlp_read(struct reader *r);
struct bytes rlp_read_bytes(struct reader *r); /* fails on a list */
struct reader rlp_read_list(struct reader *r); /* its items, to be read up to reader_at_end(); failed when r is */
uint64_t rlp_read_u64(struct reader *r);       /* an integer below 2^64 */
void rlp_read_integer(struct reader *r, uint8_t *ret, size_t n); /* big-endian, filled up with zeros to n bytes */

/* Is this one item, canonical through and through, with lists nested at most RLP_DEPTH_MAX deep? */
bool rlp_is_one(struct bytes v);

#endif
