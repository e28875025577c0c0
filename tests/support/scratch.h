/* tests/support/scratch.h - a store in a directory of its own that ends with the test. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <check.h>
#include <stdbool.h>

#include "store/store.h"

struct scratch {
	char dir[128], path[400];
	struct store *store;
};
/* A new store.  With BUILD_DIR in the environment it is the copy of an empty one that is made there once: most of the time
 * that opening a new store takes goes into its migrations. */
void scratch_open(struct scratch *s);
void scratch_place(struct scratch *s);     /* just the file, for a world that opens it itself */
void scratch_open_made(struct scratch *s); /* every byte of it written through SQLite, here and now */
void scratch_reopen(struct scratch *s);    /* closes and opens the same file */
void scratch_close(struct scratch *s);     /* removes all of it */
/* The unit must succeed and become durable. */
void scratch_unit(struct scratch *s, int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx);
/* Changes the file behind the store's back. */
void scratch_sql(struct scratch *s, const char *sql);
/* Does the database refuse this change of the file, by a constraint? */
bool scratch_sql_refused(struct scratch *s, const char *sql);
/* A mint's row, with nothing but its URL. */
int64_t scratch_mint(struct unit *u, const char *url);

/* These expect `struct err *err` in scope. */
#define OK(expr)                                                                                                       \
	do {                                                                                                           \
		if ((expr) < 0)                                                                                        \
			ck_abort_msg("%s: %s", #expr, err->msg);                                                       \
	} while (0)
#define FAILS(expr, expected)                                                                                          \
	do {                                                                                                           \
		ck_assert_int_eq((expr), -1);                                                                          \
		ck_assert_str_eq(err_kind(err->code), err_kind(expected));                                             \
	} while (0)

#endif
