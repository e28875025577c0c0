/* conf/perms.h - who may read our files.  Refusals (ERR_CONFIG) end with the command that mends them. */
#ifndef CONF_PERMS_H
#define CONF_PERMS_H

#include "base/err.h"

/* A directory of our own (or root's) that nobody else can enter: 0700.  ERR_NOT_FOUND when there is none. */
MUST_CHECK int perms_private_dir(const char *path, struct err *err);
/* A regular file that nobody else can read or write: 0600 or less.  ERR_NOT_FOUND when there is none. */
MUST_CHECK int perms_private_file(const char *path, struct err *err);
/* The same for a file that is open already. */
MUST_CHECK int perms_private_fd(int fd, const char *path, struct err *err);
/* A configuration file: not for everybody to write; if it holds a password, not for everybody to read either. */
MUST_CHECK int perms_conf_fd(int fd, const char *path, bool holds_password, struct err *err);

#endif
