/* base/arena.h - one arena per piece of work: an RPC call, an action step, a network exchange.
 *
 * What the work makes lives in its arena and dies with it.  arena_defer() hooks run last in, first out, when the arena
 * is reset or done, so that freeing the work also drops its json_t and cancels the transfer it waits for.
 * An arena has a limit.  Sizes that come from outside are checked with arena_room() before allocating; passing the limit
 * otherwise, or running out of memory, aborts: a crash is already safe here.  Memory is zeroed and aligned for any type.
 * Builds with -DARENA_MALLOC give each allocation its own malloc, so that sanitizers see every overrun. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/buf.h"

struct arena_block;
struct arena_hook;

struct arena {
	struct arena_block *blocks;
	struct arena_hook *hooks;
	size_t used, limit;
};

#define ARENA_LIMIT(max) ((struct arena){ .limit = (max) })

void *arena_alloc(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size); /* count * size, checked */
bool arena_room(const struct arena *a, size_t n);              /* would n more bytes fit the limit? */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct bytes arena_bytes(struct arena *a, struct bytes v); /* a copy, with a NUL one past its end */
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr);
void arena_reset(struct arena *a); /* runs the hooks, frees all, ready for use again */
void arena_done(struct arena *a);
void arena_scope_end(struct arena *a);

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

#endif
