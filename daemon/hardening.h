/* daemon/hardening.h - what the process gives up before it holds a secret. */
#ifndef DAEMON_HARDENING_H
#define DAEMON_HARDENING_H

#include "base/err.h"

/* No core dumps, no ptrace by others of the same user, no new privileges, files made for the owner alone. */
MUST_CHECK int hardening_apply(struct err *err);
/* Descriptors that this process may open: raised to `want` if the hard limit lets it.  Returns what it is now. */
unsigned long hardening_raise_files(unsigned long want);

#endif
