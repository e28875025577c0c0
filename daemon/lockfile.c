#include "daemon/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int cannot(const char *path, struct err *err)
{
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
		ERR(err, ERR_STORAGE_FULL, "cannot write %s: %s", path, strerror(errno));
		return err_hint(err, "make room on the disk and start again; nothing is lost");
	case EROFS:
		ERR(err, ERR_STORAGE, "cannot write %s: %s", path, strerror(errno));
		return err_hint(err, "mount the file system of the datadir for writing and start again");
	default:
		ERR(err, ERR_STORAGE, "cannot write %s: %s", path, strerror(errno));
		return err_hint(err, "check that the datadir belongs to the user that runs walletd and is writable");
	}
}

static int taken(int fd, const char *datadir, bool shared, struct err *err)
{
	char pid[24] = { 0 };
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	/* It holds what another process wrote: show it only when it is a number. */
	if (n > 0)
		pid[strspn(pid, "0123456789")] = '\0';
	if (n <= 0 || pid[0] == '\0')
		ERR(err, ERR_BUSY, "another walletd uses %s", datadir);
	else
		ERR(err, ERR_BUSY, "another walletd (pid %s) uses %s", pid, datadir);
	return err_hint(err, shared ? "that one runs without shared_state=1: stop it, or start both with it"
				    : "stop that one first, or give this one a datadir of its own");
}

int lockfile_take(const char *datadir, bool shared, int *ret, struct err *err)
{
	char path[PATH_MAX], pid[24];
	int fd, n;

	if (snprintf(path, sizeof(path), "%s/walletd.lock", datadir) >= (int)sizeof(path))
		return ERR(err, ERR_CONFIG, "the path of the datadir is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cannot(path, err);
	if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
		int rc = errno == EWOULDBLOCK ? taken(fd, datadir, shared, err) : cannot(path, err);

		close(fd);
		return rc;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		int rc = cannot(path, err);

		close(fd);
		return rc;
	}
	*ret = fd;
	return 0;
}
