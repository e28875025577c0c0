/* The disk is SQLite's own, with every file wrapped.  What a file held when it was synced last is kept in memory: test
 * databases are small. */
#include "tests/support/faulty_vfs.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR    512
#define PATH_SIZE 512

struct image {
	char name[PATH_SIZE];
	uint8_t *p;
	size_t n;
	bool shortened; /* since: what is written afterwards goes to new places on the disk */
	struct image *next;
};

struct file {
	sqlite3_file base;
	sqlite3_file *real;
	const char *name; /* SQLite's, lives as long as the file is open; NULL for a temporary file */
};

static sqlite3_vfs *disk, shim;
static struct image *synced;
static struct {
	enum vfs_op op;
	const char *suffix;
	unsigned nth, seen;
	int rc;
} fault;
static void (*watcher)(void *ctx);
static void *watcher_ctx;

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* SQLITE_OK, or how it fails. */
static int faulty(sqlite3_file *f, enum vfs_op op)
{
	const char *name = ((struct file *)f)->name;

	if (!name)
		return SQLITE_OK;
	if (op != VFS_READ && watcher)
		watcher(watcher_ctx);
	if (fault.op != op || !ends_in(name, fault.suffix))
		return SQLITE_OK;
	return ++fault.seen >= fault.nth ? fault.rc : SQLITE_OK;
}

/* --- what was synced --- */

static struct image *image_of(const char *name)
{
	struct image *i = synced;

	while (i && strcmp(i->name, name) != 0)
		i = i->next;
	return i;
}

static void keep_synced(sqlite3_file *f)
{
	const char *name = ((struct file *)f)->name;
	struct image *i = image_of(name);
	sqlite3_int64 size;

	if (!i) {
		i = calloc(1, sizeof(*i));
		if (!i || strlen(name) >= sizeof(i->name))
			abort();
		memcpy(i->name, name, strlen(name) + 1);
		i->next = synced;
		synced = i;
	}
	if (real_of(f)->pMethods->xFileSize(real_of(f), &size) != SQLITE_OK)
		abort();
	i->n = (size_t)size;
	i->shortened = false;
	i->p = realloc(i->p, i->n + 1);
	if (!i->p || (size > 0 && real_of(f)->pMethods->xRead(real_of(f), i->p, (int)size, 0) != SQLITE_OK))
		abort();
}

static uint64_t toss(uint64_t *seed) /* xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static size_t read_all(const char *name, uint8_t **ret)
{
	FILE *f = fopen(name, "rb");
	long n;

	*ret = NULL;
	if (!f)
		return 0;
	if (fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0)
		abort();
	rewind(f);
	*ret = malloc((size_t)n + 1);
	if (!*ret || fread(*ret, 1, (size_t)n, f) != (size_t)n)
		abort();
	fclose(f);
	return (size_t)n;
}

/* Of each sector the old or the new.  A file that was shortened is as it was, or it is the new one with holes: no file
 * system gives a file its length back and keeps what was written after it had lost it. */
static void cut_file(const char *name, const char *to, uint64_t *seed)
{
	const struct image *old = image_of(name);
	bool shortened = old && old->shortened;
	uint8_t *now;
	size_t now_n = read_all(name, &now), old_n = old ? old->n : 0;
	bool new_length = toss(seed) % 2 && now;
	size_t n = new_length ? now_n : old_n;
	FILE *f = fopen(to, "wb");

	if (!f)
		abort();
	for (size_t at = 0; at < n; at += SECTOR) {
		const bool is_new = toss(seed) % 2 && (new_length || !shortened);
		const bool is_hole = !is_new && new_length && shortened;
		const uint8_t *from = is_new ? now : old ? old->p : NULL;
		size_t from_n = is_new ? now_n : is_hole ? 0 : old_n, m = n - at < SECTOR ? n - at : SECTOR;
		uint8_t sector[SECTOR] = { 0 };

		if (at < from_n)
			memcpy(sector, from + at, from_n - at < m ? from_n - at : m);
		if (fwrite(sector, 1, m, f) != m)
			abort();
	}
	if (fclose(f) != 0)
		abort();
	free(now);
}

void faulty_vfs_power_cut(const char *path, const char *to, uint64_t seed)
{
	char wal[PATH_SIZE], to_wal[PATH_SIZE];

	seed = seed * 0x9e3779b97f4a7c15u | 1;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(to_wal, sizeof(to_wal), "%s-wal", to);
	cut_file(path, to, &seed);
	cut_file(wal, to_wal, &seed);
}

/* --- files --- */

static int f_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int f_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int rc = faulty(f, VFS_READ);

	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int f_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int rc = faulty(f, VFS_WRITE);

	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = faulty(f, VFS_TRUNCATE);
	struct image *i = ((struct file *)f)->name ? image_of(((struct file *)f)->name) : NULL;
	sqlite3_int64 was;

	if (i && real_of(f)->pMethods->xFileSize(real_of(f), &was) == SQLITE_OK && size < was)
		i->shortened = true;
	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int f_sync(sqlite3_file *f, int flags)
{
	int rc = faulty(f, VFS_SYNC);

	if (rc == SQLITE_OK)
		rc = real_of(f)->pMethods->xSync(real_of(f), flags);
	if (rc == SQLITE_OK && ((struct file *)f)->name)
		keep_synced(f);
	return rc;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int f_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int f_check_lock(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int f_characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret);
}

static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int f_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = f_close,
	.xRead = f_read,
	.xWrite = f_write,
	.xTruncate = f_truncate,
	.xSync = f_sync,
	.xFileSize = f_size,
	.xLock = f_lock,
	.xUnlock = f_unlock,
	.xCheckReservedLock = f_check_lock,
	.xFileControl = f_control,
	.xSectorSize = f_sector,
	.xDeviceCharacteristics = f_characteristics,
	.xShmMap = f_shm_map,
	.xShmLock = f_shm_lock,
	.xShmBarrier = f_shm_barrier,
	.xShmUnmap = f_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct file *file = (struct file *)f;
	int rc;

	(void)vfs;
	file->real = (sqlite3_file *)(file + 1);
	file->name = name;
	rc = disk->xOpen(disk, name, file->real, flags, out_flags);
	file->base.pMethods = rc == SQLITE_OK ? &methods : NULL;
	return rc;
}

void faulty_vfs_install(void)
{
	disk = sqlite3_vfs_find(NULL);
	if (!disk)
		abort();
	shim = *disk;
	shim.zName = "faulty";
	shim.szOsFile = (int)sizeof(struct file) + disk->szOsFile;
	shim.xOpen = vfs_open;
	if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK)
		abort();
}

void faulty_vfs_without_shared_memory(void)
{
	methods.iVersion = 1;
}

void faulty_vfs_fail(enum vfs_op op, const char *suffix, unsigned nth, int rc)
{
	fault.op = op;
	fault.suffix = suffix;
	fault.nth = nth;
	fault.seen = 0;
	fault.rc = rc;
}

void faulty_vfs_mend(void)
{
	fault.op = 0;
}

void faulty_vfs_watch(void (*fn)(void *ctx), void *ctx)
{
	watcher = fn;
	watcher_ctx = ctx;
}
