/* rails/evm/abi.h - values of the contract ABI ("Contract ABI Specification" of Solidity): words of 32 bytes, big-endian.
 *
 * Writing: into a struct buf, which says with buf_ok() whether all of it fitted.  A value of dynamic type goes to the tail;
 * the head has its offset, counted from the start of the enclosing tuple or array body.
 * Reading: off a struct reader, whose failure is sticky.  What a contract or a node answers is not trusted: every value must
 * be in the range of its type, every padding zero, and the encoding the one that compilers write: tails in order, nothing
 * between.  So input is read from front to end, and an offset can have one value only. */
#ifndef RAILS_EVM_ABI_H
#define RAILS_EVM_ABI_H

#include "base/ids.h"
#include "base/reader.h"

#define ABI_WORD 32

/* Words alone, as topics of logs have them. */
struct hash32 abi_word_u64(uint64_t v);
struct hash32 abi_word_address(const struct evm_address *v);
/* False when the word is not of the type; *ret is then untouched. */
MUST_CHECK bool abi_word_to_u64(const struct hash32 *w, uint64_t *ret);
MUST_CHECK bool abi_word_to_address(const struct hash32 *w, struct evm_address *ret);
bool abi_word_fits(const struct hash32 *w, unsigned bits); /* is it a number below 2^bits?  1 to 256 */

void abi_word(struct buf *to, const struct hash32 *v);
void abi_u64(struct buf *to, uint64_t v);
void abi_address(struct buf *to, const struct evm_address *v);
/* The tail of bytes and string: the length, the bytes, zeros up to a whole word. */
void abi_bytes(struct buf *to, struct bytes v);
size_t abi_bytes_size(size_t n); /* of what abi_bytes() writes for n bytes */

struct hash32 abi_read_word(struct reader *r);
uint64_t abi_read_uint(struct reader *r, unsigned bits); /* a uint8 to uint64; larger ones are words */
bool abi_read_bool(struct reader *r);
struct evm_address abi_read_address(struct reader *r);
void abi_read_offset(struct reader *r, uint64_t want);
struct bytes abi_read_bytes(struct reader *r); /* what abi_bytes() writes; a view into the input */

#endif
