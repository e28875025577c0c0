/* tests/support/faulty_vfs.h - a disk for SQLite that fails on demand, and that can lose what was not synced. */
#ifndef TESTS_SUPPORT_FAULTY_VFS_H
#define TESTS_SUPPORT_FAULTY_VFS_H

#include <stdint.h>

/* Databases that are opened from now on live on this disk. */
void faulty_vfs_install(void);

/* Files that are opened from now on cannot be mapped, as on some network file systems. */
void faulty_vfs_without_shared_memory(void);

enum vfs_op { VFS_READ = 1, VFS_WRITE, VFS_TRUNCATE, VFS_SYNC };
/* From the nth (1 is the next) such operation on a file whose name ends in `suffix` on, each returns rc, an error of
 * SQLite, and does nothing.  One fault at a time. */
void faulty_vfs_fail(enum vfs_op op, const char *suffix, unsigned nth, int rc);
void faulty_vfs_mend(void);

/* fn runs before everything that changes a file or syncs it: the moments at which the power may go. */
void faulty_vfs_watch(void (*fn)(void *ctx), void *ctx);
/* What the disk would hold if the power went now, as the files `to` and `to`-wal: of each file what was synced last, and
 * of each sector that was written since, the old or the new by the toss of a coin (seed).  `path` is the database's. */
void faulty_vfs_power_cut(const char *path, const char *to, uint64_t seed);

#endif
