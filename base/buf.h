/* base/buf.h - bytes that are seen (struct bytes) and bytes that grow (struct buf).
 *
 * struct bytes borrows: whoever made it says how long it lives.  struct buf owns heap memory and cannot be made without
 * a cap; an append that would pass the cap fails, leaves the contents as they were and makes the buffer sticky-failed,
 * so that a writer may append all and check once with buf_ok(). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scope.h"

struct bytes {
	const uint8_t *p;
	size_t n;
};

/* The bytes of a C string, without its NUL. */
struct bytes bytes_of(const char *text);
bool bytes_equal(struct bytes a, struct bytes b); /* not for secrets: see ct_equal() */

struct buf {
	uint8_t *p; /* always NUL-terminated one past n when n > 0 or after buf_text() */
	size_t n, size, cap;
	bool failed, wipe;
};

#define BUF_CAP(max)    ((struct buf){ .cap = (max) })
#define BUF_SECRET(max) ((struct buf){ .cap = (max), .wipe = true }) /* every byte is wiped before it is freed */

bool buf_ok(const struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_bytes(struct buf *b, struct bytes v);
void buf_u8(struct buf *b, uint8_t v);
void buf_le16(struct buf *b, uint16_t v);
void buf_le32(struct buf *b, uint32_t v);
void buf_le64(struct buf *b, uint64_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);
void buf_text_add(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct bytes buf_bytes(const struct buf *b);
const char *buf_text(struct buf *b); /* NUL-terminated view, valid until the next append; "" when empty */
void buf_reset(struct buf *b);       /* empties, keeps the memory, clears the failure */
void buf_done(struct buf *b);
void buf_scope_end(struct buf *b);

#endif
