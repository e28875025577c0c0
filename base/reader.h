/* base/reader.h - read fields off bytes that somebody else sent.  Failure is sticky: read all fields, check once.
 *
 * After a failure every read returns zero or an empty view, and reader_ok() is false. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/buf.h"

struct reader {
	const uint8_t *p;
	size_t n; /* left */
	bool failed;
};

struct reader reader_of(struct bytes v);
uint8_t read_u8(struct reader *r);
uint16_t read_be16(struct reader *r);
uint32_t read_be32(struct reader *r);
uint64_t read_be64(struct reader *r);
uint16_t read_le16(struct reader *r);
uint32_t read_le32(struct reader *r);
uint64_t read_le64(struct reader *r);
struct bytes read_bytes(struct reader *r, size_t n); /* a view into the input */
void read_copy(struct reader *r, void *to, size_t n);
bool reader_ok(const struct reader *r);
bool reader_at_end(const struct reader *r); /* ok, and nothing is left */
void reader_fail(struct reader *r);

#endif
