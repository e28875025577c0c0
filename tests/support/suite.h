/* tests/support/suite.h - what every test program's main() does. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

/* Readies the secrets' library, runs the suite and frees it; prints Check's closing line and what failed.  CK_FORK=no
 * in the environment runs all in one process.  Returns main()'s exit code. */
int suite_run(Suite *s);

#endif
