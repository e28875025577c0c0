/* tests/support/suite.h - what every test program's main() does. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

/* Readies the secrets' library, runs the suite and frees it; prints Check's closing line and what failed.  CK_FORK=no
 * in the environment runs all in one process.  Returns main()'s exit code. */
int suite_run(Suite *s);

/* The signal that fn() dies of, in a process of its own and without a word on stderr; 0 when it returns.  For what must
 * abort, also where CK_FORK=no. */
int suite_signal_of(void (*fn)(void));

#endif
