#include "daemon/files.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/perms.h"

static int cannot_make(const char *path, struct err *err)
{
	int why = errno;

	if (why == ENOSPC || why == EDQUOT)
		return ERR(err, ERR_STORAGE_FULL, "cannot make %s: %s", path, strerror(why));
	if (why == EROFS)
		return ERR(err, ERR_STORAGE, "cannot make %s: %s", path, strerror(why));
	ERR(err, ERR_CONFIG, "cannot make %s: %s", path, strerror(why));
	return err_hint(err, "make it, owned by the user that runs walletd");
}

int files_make_dir(const char *path, mode_t mode, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	char *part = arena_strdup(&a, path);

	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return cannot_make(part, err);
		*slash = '/';
	}
	if (mkdir(path, mode) == 0)
		/* The umask, which is for files, may have taken bits away. */
		return chmod(path, mode) == 0 ? 0 : cannot_make(path, err);
	return errno == EEXIST ? 0 : cannot_make(path, err);
}

int files_check_private(const char *datadir, struct err *err)
{
	static const char *const names[] = { "wallet.db", "wallet.db-wal", "wallet.db-shm" };
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

	if (perms_private_dir(datadir, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (perms_private_file(files_in(&a, datadir, names[i]), err) != 0 && err->code != ERR_NOT_FOUND)
			return -1;
	return 0;
}

char *files_in(struct arena *a, const char *dir, const char *name)
{
	return arena_printf(a, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}

char *files_dir_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_strdup(a, ".");
	return slash == path ? arena_strdup(a, "/") : arena_strndup(a, path, (size_t)(slash - path));
}

int files_group(const char *group, gid_t *ret, struct err *err)
{
	const struct group *g;
	uint64_t number;

	if (!group) {
		*ret = (gid_t)-1;
		return 0;
	}
	if (parse_u64(group, UINT32_MAX - 1, &number)) {
		*ret = (gid_t)number;
		return 0;
	}
	errno = 0;
	g = getgrnam(group);
	if (!g) {
		ERR(err, ERR_CONFIG, "rpc_socket_group: there is no group \"%.64s\"", group);
		return err_field(err, "rpc_socket_group");
	}
	*ret = g->gr_gid;
	return 0;
}
