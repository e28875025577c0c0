#include "conf/perms.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int stat_path(const char *path, struct stat *ret, struct err *err)
{
	if (stat(path, ret) == 0)
		return 0;
	if (errno == ENOENT)
		return ERR(err, ERR_NOT_FOUND, "%s does not exist", path);
	ERR(err, ERR_CONFIG, "cannot look at %s: %s", path, strerror(errno));
	return err_hint(err, "run walletd as the user that owns %s", path);
}

/* Root may own what we use: it can read everything anyway. */
static int check_owner(const struct stat *st, const char *path, struct err *err)
{
	if (st->st_uid == geteuid() || st->st_uid == 0)
		return 0;
	ERR(err, ERR_CONFIG, "%s belongs to another user (%u)", path, (unsigned)st->st_uid);
	return err_hint(err, "chown %u %s", (unsigned)geteuid(), path);
}

static int check_closed(const struct stat *st, const char *path, mode_t forbidden, mode_t mend, const char *what,
			struct err *err)
{
	if ((st->st_mode & forbidden) == 0)
		return 0;
	ERR(err, ERR_CONFIG, "%s has mode %04o: %s; run: chmod %o %s", path, (unsigned)(st->st_mode & 07777), what,
	    (unsigned)mend, path);
	return err_hint(err, "chmod %o %s", (unsigned)mend, path);
}

int perms_private_dir(const char *path, struct err *err)
{
	struct stat st;

	if (stat_path(path, &st, err) != 0)
		return -1;
	if (!S_ISDIR(st.st_mode))
		return ERR(err, ERR_CONFIG, "%s is not a directory", path);
	if (check_owner(&st, path, err) != 0)
		return -1;
	return check_closed(&st, path, S_IRWXG | S_IRWXO, 0700, "others can enter it", err);
}

static int check_private_file(const struct stat *st, const char *path, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return ERR(err, ERR_CONFIG, "%s is not a regular file", path);
	if (check_owner(st, path, err) != 0)
		return -1;
	return check_closed(st, path, S_IRWXG | S_IRWXO, 0600, "others can read or change it", err);
}

int perms_private_file(const char *path, struct err *err)
{
	struct stat st;

	if (stat_path(path, &st, err) != 0)
		return -1;
	return check_private_file(&st, path, err);
}

int perms_private_fd(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR(err, ERR_CONFIG, "cannot look at %s: %s", path, strerror(errno));
	return check_private_file(&st, path, err);
}

int perms_conf_fd(int fd, const char *path, bool holds_password, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR(err, ERR_CONFIG, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode) && !S_ISFIFO(st.st_mode))
		return ERR(err, ERR_CONFIG, "%s is not a file", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (check_closed(&st, path, S_IWOTH, 0640, "anybody can change it", err) != 0)
		return -1;
	if (holds_password)
		return check_closed(&st, path, S_IRWXO, 0640, "it holds a password and anybody can read it", err);
	return 0;
}
