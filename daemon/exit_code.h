/* daemon/exit_code.h - how walletd ends (sysexits.h numbers).  A unit file sets RestartPreventExitStatus=64 65 78: those
 * are the ones that starting again cannot mend. */
#ifndef DAEMON_EXIT_CODE_H
#define DAEMON_EXIT_CODE_H

#include "base/err.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 64,   /* the command line */
	EXIT_DAMAGED = 65, /* the database */
	EXIT_STORAGE = 74, /* disk full, read-only, I/O error */
	EXIT_OTHER = 75,   /* another walletd uses the datadir */
	EXIT_CONFIG = 78   /* configuration, permissions, passphrase, database of another network or a newer walletd */
};

/* Why a start failed, as an exit code. */
enum exit_code exit_code_of(const struct err *err);

#endif
