/* base/protobuf.h - the wire format of protocol buffers (proto3), for peers that speak gRPC.
 *
 * No schema: who writes puts fields one after another, who reads walks over them and takes those that it knows.  A field that
 * holds its default is not written, as proto3 has it.  Reading is strict about the format and ignores fields that it does
 * not know; groups, which proto3 does not have, are refused. */
#ifndef BASE_PROTOBUF_H
#define BASE_PROTOBUF_H

#include "base/reader.h"

void pb_put_u64(struct buf *b, uint32_t field, uint64_t v);
void pb_put_text(struct buf *b, uint32_t field, const char *text); /* NULL or "": nothing */
/* A message inside of this one: also when it is empty. */
void pb_put_message(struct buf *b, uint32_t field, struct bytes message);

enum pb_type { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };
struct pb_field {
	uint32_t number;
	enum pb_type type;
	uint64_t value;    /* unless PB_BYTES */
	struct bytes data; /* of PB_BYTES: a view into what is read */
};
/* The next field; false at the end, or when what follows is none: reader_ok() tells which. */
bool pb_next(struct reader *r, struct pb_field *ret);

#endif
