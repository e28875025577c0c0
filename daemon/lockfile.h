/* daemon/lockfile.h - walletd.lock keeps a second daemon off a datadir.
 *
 * An flock: it ends with the process, however that ends, so a lock is never stale.  Daemons with shared_state=1 share it.
 * The file holds the pid of the daemon that took it last, for the message. */
#ifndef DAEMON_LOCKFILE_H
#define DAEMON_LOCKFILE_H

#include "base/err.h"

/* Returns at once.  *ret is a descriptor to close when done (SCOPED(fd)); the file stays.  ERR_BUSY: taken, the message
 * names the pid.  ERR_STORAGE, ERR_STORAGE_FULL: the directory cannot be written. */
MUST_CHECK int lockfile_take(const char *datadir, bool shared, int *ret, struct err *err);

#endif
