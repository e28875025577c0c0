#include "daemon/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/evm.h"
#include "conf/perms.h"
#include "daemon/passphrase.h"

#define PLACE_MAX 65536 /* of a path: more than the system takes */

static int read_all(int fd, const char *path, struct buf *ret, struct err *err)
{
	uint8_t chunk[4096];
	int rc = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = ERR(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
		else
			buf_add(ret, chunk, (size_t)n);
		if (n <= 0 || !buf_ok(ret))
			break;
	}
	secret_wipe(chunk, sizeof(chunk));
	if (rc == 0 && !buf_ok(ret))
		rc = ERR(err, ERR_CONFIG, "%s is larger than %zu bytes: it is no key file", path, ret->cap);
	return rc;
}

static int read_key(const char *path, struct buf *ret, struct err *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return ERR(err, ERR_NOT_FOUND, "there is no key file %s", path);
	if (fd < 0)
		return ERR(err, ERR_CONFIG, "cannot open %s: %s", path, strerror(errno));
	return perms_private_fd(fd, path, err) == 0 ? read_all(fd, path, ret, err) : -1;
}

int keyfile_read(const char *datadir, const char *credentials, const char *name, struct buf *ret_json,
		 struct buf *ret_password, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(PLACE_MAX);
	int found;

	if (!conf_key_name_ok(name))
		return ERR(err, ERR_CONFIG, "a key file cannot have this name");
	if (read_key(arena_printf(&a, "%s/keys/%s.json", datadir, name), ret_json, err) != 0)
		return -1;
	found = passphrase_credential(credentials, arena_printf(&a, "walletd.key.%s", name), ret_password, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	return passphrase_file(arena_printf(&a, "%s/keys/%s.password", datadir, name), ret_password, err);
}
