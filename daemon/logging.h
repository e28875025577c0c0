/* daemon/logging.h - the log as the configuration wants it. */
#ifndef DAEMON_LOGGING_H
#define DAEMON_LOGGING_H

#include "conf/conf.h"

/* Opens the file anew, sets format and levels.  On failure what was open stays. */
MUST_CHECK int logging_open(const struct config *c, struct err *err);

#endif
