/* daemon/passphrase.h - the wallet's passphrase from where an unattended start finds it. */
#ifndef DAEMON_PASSPHRASE_H
#define DAEMON_PASSPHRASE_H

#include "base/buf.h"
#include "base/err.h"

#define PASSPHRASE_MAX 1024

/* The first line of <credentials>/walletd.passphrase if there is one, else of `file`; either may be NULL.  ret must be a
 * BUF_SECRET of PASSPHRASE_MAX + 1; it stays empty when neither is given.  ERR_CONFIG: it cannot be read, others can read
 * it, or it holds no passphrase. */
MUST_CHECK int passphrase_read(const char *credentials, const char *file, struct buf *ret, struct err *err);

#endif
