#include "daemon/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/perms.h"

static int read_line(int fd, const char *path, struct buf *ret, struct err *err)
{
	uint8_t chunk[PASSPHRASE_MAX + 2];
	size_t n = 0, line;
	ssize_t got;

	while (n < sizeof(chunk) && (got = read(fd, chunk + n, sizeof(chunk) - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			secret_wipe(chunk, sizeof(chunk));
			return ERR(err, ERR_CONFIG, "cannot read the passphrase from %s: %s", path, strerror(errno));
		}
		n += (size_t)got;
	}
	for (line = 0; line < n && chunk[line] != '\n'; line++)
		;
	if (line > 0 && line < n && chunk[line - 1] == '\r')
		line--;
	if (line > 0 && line <= PASSPHRASE_MAX && !memchr(chunk, '\0', line))
		buf_add(ret, chunk, line);
	secret_wipe(chunk, sizeof(chunk));
	if (line > PASSPHRASE_MAX)
		return ERR(err, ERR_CONFIG, "the passphrase in %s is longer than %d bytes", path, PASSPHRASE_MAX);
	if (!buf_ok(ret) || ret->n == 0)
		return ERR(err, ERR_CONFIG, "%s holds no passphrase on its first line", path);
	return 0;
}

int passphrase_credential(const char *credentials, const char *name, struct buf *ret, struct err *err)
{
	char path[PATH_MAX];
	SCOPED(fd) int fd = -1;

	if (!credentials)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", credentials, name) >= (int)sizeof(path))
		return ERR(err, ERR_CONFIG, "CREDENTIALS_DIRECTORY is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	/* systemd itself sees to who may read it; other credentials may be all there is. */
	if (fd >= 0)
		return read_line(fd, path, ret, err) == 0 ? 1 : -1;
	if (errno != ENOENT)
		return ERR(err, ERR_CONFIG, "cannot read the passphrase from %s: %s", path, strerror(errno));
	return 0;
}

int passphrase_file(const char *path, struct buf *ret, struct err *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return ERR(err, ERR_CONFIG, "cannot read the passphrase from %s: %s", path, strerror(errno));
	return perms_private_fd(fd, path, err) == 0 ? read_line(fd, path, ret, err) : -1;
}

int passphrase_read(const char *credentials, const char *file, struct buf *ret, struct err *err)
{
	int found = passphrase_credential(credentials, "walletd.passphrase", ret, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (!file || passphrase_file(file, ret, err) == 0)
		return 0;
	return err_field(err, "passphrase_file");
}
