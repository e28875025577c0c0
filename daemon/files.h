/* daemon/files.h - the datadir and the directory of the socket: made where they are missing, refused where others could
 * get in. */
#ifndef DAEMON_FILES_H
#define DAEMON_FILES_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* path and every parent that is missing; those parents are for us alone.  An existing directory is left as it is.
 * ERR_CONFIG, ERR_STORAGE (read-only), ERR_STORAGE_FULL. */
MUST_CHECK int files_make_dir(const char *path, mode_t mode, struct err *err);
/* A datadir of 0700 and a database of 0600, as far as they exist.  ERR_CONFIG with the chmod that mends it. */
MUST_CHECK int files_check_private(const char *datadir, struct err *err);
char *files_in(struct arena *a, const char *dir, const char *name);
/* The directory that path is in. */
char *files_dir_of(struct arena *a, const char *path);
/* A group by name or number; NULL: (gid_t)-1.  ERR_CONFIG. */
MUST_CHECK int files_group(const char *group, gid_t *ret, struct err *err);

#endif
