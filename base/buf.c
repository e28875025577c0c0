#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"

#define FIRST_SIZE 128u

struct bytes bytes_of(const char *text)
{
	return (struct bytes){ .p = (const uint8_t *)text, .n = strlen(text) };
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

/* A buffer of secrets must not leave a copy behind, so realloc() will not do for it. */
static void resize(struct buf *b, size_t size)
{
	uint8_t *p;

	if (b->wipe) {
		p = malloc(size);
		if (p != NULL && b->p != NULL) {
			memcpy(p, b->p, b->n);
			secret_wipe(b->p, b->size);
			free(b->p);
		}
	} else {
		p = realloc(b->p, size);
	}
	if (p == NULL)
		err_fatal("out of memory");
	b->p = p;
	b->size = size;
}

/* Room for n more bytes and the NUL after them. */
static bool reserve(struct buf *b, size_t n)
{
	size_t need, size;

	if (b->failed || n > b->cap - b->n || b->n + n == SIZE_MAX) {
		b->failed = true;
		return false;
	}
	need = b->n + n + 1;
	if (need <= b->size)
		return true;
	size = b->size < FIRST_SIZE ? FIRST_SIZE : b->size;
	while (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	if (size - 1 > b->cap)
		size = b->cap + 1;
	resize(b, size);
	return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_add_bytes(struct buf *b, struct bytes v)
{
	buf_add(b, v.p, v.n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void buf_le16(struct buf *b, uint16_t v)
{
	uint8_t raw[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	buf_add(b, raw, sizeof(raw));
}

void buf_le32(struct buf *b, uint32_t v)
{
	uint8_t raw[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	buf_add(b, raw, sizeof(raw));
}

void buf_le64(struct buf *b, uint64_t v)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, raw, sizeof(raw));
}

void buf_be32(struct buf *b, uint32_t v)
{
	uint8_t raw[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	buf_add(b, raw, sizeof(raw));
}

void buf_be64(struct buf *b, uint64_t v)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(v >> (56 - 8 * i));
	buf_add(b, raw, sizeof(raw));
}

void buf_text_add(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	/* Most texts fit what is there already, so this usually formats once. */
	if (!reserve(b, 0))
		return;
	va_start(ap, fmt);
	n = vsnprintf((char *)b->p + b->n, b->size - b->n, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= b->size - b->n && reserve(b, (size_t)n)) {
		va_start(ap, fmt);
		n = vsnprintf((char *)b->p + b->n, b->size - b->n, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		b->failed = true;
	if (!b->failed)
		b->n += (size_t)n;
	b->p[b->n] = '\0';
}

struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){ .p = b->p, .n = b->n };
}

const char *buf_text(struct buf *b)
{
	return b->p == NULL ? "" : (const char *)b->p;
}

void buf_reset(struct buf *b)
{
	if (b->p != NULL) {
		if (b->wipe)
			secret_wipe(b->p, b->size);
		b->p[0] = '\0';
	}
	b->n = 0;
	b->failed = false;
}

void buf_done(struct buf *b)
{
	buf_reset(b);
	free(b->p);
	b->p = NULL;
	b->size = 0;
}

void buf_scope_end(struct buf *b)
{
	buf_done(b);
}
