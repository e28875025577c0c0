#include "daemon/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static bool notify_address(struct sockaddr_un *to, socklen_t *ret_len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(to->sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path, n);
	if (path[0] == '@') /* a name of the abstract space begins with a NUL and has no end mark */
		to->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

void systemd_notify(const char *fmt, ...)
{
	struct sockaddr_un to;
	socklen_t len;
	char text[512];
	va_list ap;
	int n;

	if (!notify_address(&to, &len))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n >= (int)sizeof(text))
		n = (int)sizeof(text) - 1;

	SCOPED(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Never waits: a manager that does not read must not hold the loop.  It hears the next one. */
	if (fd >= 0)
		(void)sendto(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to, len);
}

void systemd_notify_reloading(void)
{
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
}

/* A variable that counts only when its companion names this process. */
static bool meant_for_us(const char *pid_variable, bool when_absent)
{
	const char *text = getenv(pid_variable);
	uint64_t pid;

	if (!text)
		return when_absent;
	return parse_u64(text, INT32_MAX, &pid) && pid == (uint64_t)getpid();
}

int systemd_take_sockets(size_t *ret_n, struct err *err)
{
	const char *text = getenv("LISTEN_FDS");
	bool ours = text && meant_for_us("LISTEN_PID", false);
	uint64_t n = 0;

	if (ours && !parse_u64(text, SYSTEMD_SOCKETS_MAX, &n))
		return ERR(err, ERR_CONFIG, "LISTEN_FDS is not a number from 0 to %d", SYSTEMD_SOCKETS_MAX);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + (int)n; fd++) {
		int listening = 0;
		socklen_t len = sizeof(listening);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening)
			return ERR(err, ERR_CONFIG, "descriptor %d of LISTEN_FDS is not a listening socket", fd);
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			return ERR(err, ERR_IO, "descriptor %d of LISTEN_FDS: %s", fd, strerror(errno));
	}
	*ret_n = (size_t)n;
	return 0;
}

int64_t systemd_watchdog_us(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	uint64_t us;

	if (!text || !meant_for_us("WATCHDOG_PID", true) || !parse_u64(text, INT64_MAX, &us))
		return 0;
	return (int64_t)us;
}

bool systemd_stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	struct stat st;
	char want[64];

	if (!text || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(want, sizeof(want), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(text, want) == 0;
}

const char *systemd_credentials(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	return dir && dir[0] == '/' ? dir : NULL;
}
