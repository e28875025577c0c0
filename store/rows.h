/* store/rows.h - an array that grows row by row in an arena, for readers that cannot know how many rows will come.  For
 * the files of store/ only. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <string.h>

#include "base/arena.h"

#define ROWS_FIRST 16

/* `rows` holds n of them: the same array, or a copy twice as large, with room for one more. */
static inline void *rows_room(struct arena *a, void *rows, size_t n, size_t size)
{
	void *more;

	if (n != 0 && (n < ROWS_FIRST || (n & (n - 1)) != 0))
		return rows;
	more = arena_array(a, n == 0 ? ROWS_FIRST : 2 * n, size);
	if (n != 0)
		memcpy(more, rows, n * size);
	return more;
}

#endif
