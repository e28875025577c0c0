#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ALIGN      alignof(max_align_t)
#define BLOCK_MIN  4096u
#define BLOCK_MAX  (64u * 1024)
#define BLOCK_ROOM (BLOCK_MIN - sizeof(struct arena_block))

struct arena_block {
	struct arena_block *next;
	size_t room, used;
	alignas(max_align_t) uint8_t data[];
};

/* Hooks live outside the limit: what must be dropped at the end is registered even when the arena is full. */
struct arena_hook {
	struct arena_hook *next;
	void (*fn)(void *);
	void *ptr;
};

static struct arena_block *block_new(size_t room)
{
	struct arena_block *b = malloc(sizeof(*b) + room);

	if (b == NULL)
		err_fatal("out of memory");
	b->room = room;
	b->used = 0;
	return b;
}

/* What n bytes cost: rounded up so that the next allocation is aligned, and never nothing, so that pointers differ. */
static bool cost(const struct arena *a, size_t n, size_t *ret)
{
	if (n > a->limit)
		return false;
	*ret = n == 0 ? ALIGN : (n + ALIGN - 1) / ALIGN * ALIGN;
	return *ret >= n && a->used <= a->limit && *ret <= a->limit - a->used;
}

bool arena_room(const struct arena *a, size_t n)
{
	size_t c;

	return cost(a, n, &c);
}

#ifdef ARENA_MALLOC
static struct arena_block *block_for(struct arena *a, size_t n, size_t c)
{
	struct arena_block *b = block_new(n);

	(void)c;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}
#else
/* The newest small block stays first.  Each block is twice the one before, so that a big piece of work asks seldom; a
 * piece that is large by itself gets a block of its own behind the first, which keeps its free end in use. */
static struct arena_block *block_for(struct arena *a, size_t n, size_t c)
{
	struct arena_block *first = a->blocks, *b;
	size_t room = BLOCK_ROOM;

	(void)n;
	if (first != NULL && c <= first->room - first->used)
		return first;
	if (first != NULL)
		room = first->room < BLOCK_MAX / 2 ? 2 * first->room : BLOCK_MAX;
	if (first != NULL && c > room / 4) {
		b = block_new(c);
		b->next = first->next;
		first->next = b;
		return b;
	}
	b = block_new(c > room ? c : room);
	b->next = first;
	a->blocks = b;
	return b;
}
#endif

static void *take(struct arena *a, size_t n)
{
	struct arena_block *b;
	size_t c;
	void *p;

	if (!cost(a, n, &c))
		err_fatal("an arena's limit was passed");
	b = block_for(a, n, c);
	p = b->data + b->used;
	b->used += c;
	a->used += c;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		err_fatal("an array larger than memory");
	return arena_alloc(a, n);
}

char *arena_strdup(struct arena *a, const char *text)
{
	return (char *)arena_bytes(a, bytes_of(text)).p;
}

char *arena_strndup(struct arena *a, const char *text, size_t n)
{
	return (char *)arena_bytes(a, (struct bytes){ .p = (const uint8_t *)text, .n = strnlen(text, n) }).p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		err_fatal("a format that cannot be printed");
	text = take(a, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		return memcpy(text, small, (size_t)n + 1);
	va_start(ap, fmt);
	n = vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		err_fatal("a format that cannot be printed");
	return text;
}

struct bytes arena_bytes(struct arena *a, struct bytes v)
{
	uint8_t *p;

	if (v.n == SIZE_MAX)
		err_fatal("a copy larger than memory");
	p = take(a, v.n + 1);
	if (v.n > 0)
		memcpy(p, v.p, v.n);
	p[v.n] = '\0';
	return (struct bytes){ .p = p, .n = v.n };
}

void arena_defer(struct arena *a, void (*fn)(void *), void *ptr)
{
	struct arena_hook *h = malloc(sizeof(*h));

	if (h == NULL)
		err_fatal("out of memory");
	*h = (struct arena_hook){ .next = a->hooks, .fn = fn, .ptr = ptr };
	a->hooks = h;
}

void arena_reset(struct arena *a)
{
	struct arena_hook *h;
	struct arena_block *b;

	/* A hook may still use the arena, even defer another hook, so the blocks go last. */
	while ((h = a->hooks) != NULL) {
		a->hooks = h->next;
		h->fn(h->ptr);
		free(h);
	}
	while ((b = a->blocks) != NULL) {
		a->blocks = b->next;
		free(b);
	}
	a->used = 0;
}

void arena_done(struct arena *a)
{
	arena_reset(a);
}

void arena_scope_end(struct arena *a)
{
	arena_done(a);
}
