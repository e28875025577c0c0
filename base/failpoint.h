/* base/failpoint.h - FAILPOINT("name") at every persist, send and receive.
 *
 * WALLETD_FAILPOINTS=name:action:nth[,…] with action crash (SIGKILL to ourselves), error or delay (100 ms); nth counts
 * from 1, and 0 means every time.  A name may end in '*'.  Compiled to nothing unless WALLETD_TEST_HOOKS is defined
 * (the `make crash` flavour and the test programs); release builds cannot be made to fail from outside. */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef WALLETD_TEST_HOOKS
bool failpoint_hit(const char *name); /* true: behave as if this failed */
#define FAILPOINT(name) failpoint_hit(name)
/* Replace what the environment said; NULL clears.  Returns false when the text does not parse. */
bool failpoint_configure(const char *spec);
/* How many failpoints were passed since the last configure, by any name. */
unsigned failpoint_passed(void);
#else
#define FAILPOINT(name) (false)
#endif

#endif
