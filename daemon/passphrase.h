/* daemon/passphrase.h - passphrases from where an unattended start finds them: the wallet's, and those of key files. */
#ifndef DAEMON_PASSPHRASE_H
#define DAEMON_PASSPHRASE_H

#include "base/buf.h"
#include "base/err.h"

#define PASSPHRASE_MAX 1024

/* The first line of <credentials>/walletd.passphrase if there is one, else of `file`; either may be NULL.  ret must be a
 * BUF_SECRET of PASSPHRASE_MAX + 1; it stays empty when neither is given.  ERR_CONFIG: it cannot be read, others can read
 * it, or it holds no passphrase. */
MUST_CHECK int passphrase_read(const char *credentials, const char *file, struct buf *ret, struct err *err);

/* The first line of the credential of this name.  1: here it is; 0: there is none, or credentials is NULL. */
MUST_CHECK int passphrase_credential(const char *credentials, const char *name, struct buf *ret, struct err *err);
/* The first line of a file that nobody else may read.  Errors as above. */
MUST_CHECK int passphrase_file(const char *path, struct buf *ret, struct err *err);

#endif
