/* base/scope.h - leaving a scope: the cleanup attribute of GCC and Clang, with a closed list of users.
 *
 * SCOPED(kind) runs kind_scope_end() on every way out of the block.  The kinds are: arena, unit, stmt, secret, fd,
 * file, buf.  Handing a value on, so that the scope end no longer owns it, is spelled TAKE(p). */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#define SCOPED(kind)      __attribute__((cleanup(kind##_scope_end)))
#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))

#define TAKE(p)                                                                                                        \
	__extension__({                                                                                                \
		__typeof__(p) taken_ = (p);                                                                            \
		(p) = NULL;                                                                                            \
		taken_;                                                                                                \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* SCOPED(fd): closes a descriptor that is not negative.  SCOPED(file): closes a FILE * that is not NULL. */
#include <stdio.h>
void fd_scope_end(int *fd);
void file_scope_end(FILE **f);

#endif
