#include "rpc/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"

#define BACKLOG 1024

static int start_listening(int fd, struct err *err)
{
	if (listen(fd, BACKLOG) != 0)
		return ERR(err, ERR_IO, "listen: %s", strerror(errno));
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		return ERR(err, ERR_IO, "listening socket: %s", strerror(errno));
	return 0;
}

/* A socket file that nobody answers on was left by a process that died. */
static int remove_stale_socket(const char *path, const struct sockaddr_un *addr, struct err *err)
{
	SCOPED(fd) int fd = -1;
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return ERR(err, ERR_CONFIG, "socket %s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return ERR(err, ERR_CONFIG, "socket %s: something else is there", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR(err, ERR_IO, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		return ERR(err, ERR_CONFIG, "socket %s: another process answers there", path);
	if (errno != ECONNREFUSED || unlink(path) != 0)
		return ERR(err, ERR_IO, "socket %s: %s", path, strerror(errno));
	return 0;
}

/* What s holds when it fails is for sockets_close(). */
static int open_unix(struct listen_socket *s, const char *path, gid_t group, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int bound;

	if (strlen(path) >= sizeof(addr.sun_path))
		return ERR(err, ERR_CONFIG, "socket %s: a path of at most %zu bytes is possible", path,
			   sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path));
	if (remove_stale_socket(path, &addr, err) != 0)
		return -1;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return ERR(err, ERR_IO, "socket: %s", strerror(errno));
	mask = umask(0177); /* nobody connects before group and mode are right */
	bound = bind(s->fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (bound != 0 || lstat(path, &st) != 0)
		return ERR(err, ERR_IO, "socket %s: %s", path, strerror(errno));
	s->path = strdup(path);
	if (!s->path)
		abort();
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->group = group == (gid_t)-1 ? st.st_gid : group;
	if ((group != (gid_t)-1 && chown(path, (uid_t)-1, group) != 0) || chmod(path, 0660) != 0)
		return ERR(err, ERR_IO, "socket %s: %s", path, strerror(errno));
	return start_listening(s->fd, err);
}

int sockets_make_unix(const char *path, gid_t group, struct listen_socket *ret, struct err *err)
{
	struct listen_socket s = { .fd = -1, .transport = TRANSPORT_UNIX, .group = (gid_t)-1 };

	if (open_unix(&s, path, group, err) != 0) {
		sockets_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

static bool is_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;

	if (ss->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return ss->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);
	const struct sockaddr_in *v4 = (const void *)&ss;
	const struct sockaddr_in6 *v6 = (const void *)&ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return 0;
	return ntohs(ss.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
}

static bool parse_where(const char *where, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	const char *colon = strrchr(where, ':');
	int n = sizeof(*ret);
	uint64_t port;
	uint16_t be_port;

	/* An IPv6 address without brackets could end with what looks like a port. */
	if (!colon || (strchr(where, ':') != colon && colon[-1] != ']') || strlen(where) > 64 ||
	    !parse_u64(colon + 1, UINT16_MAX, &port) ||
	    evutil_parse_sockaddr_port(arena_strndup(&a, where, (size_t)(colon - where)), (struct sockaddr *)ret, &n) !=
		    0)
		return false;
	be_port = htons((uint16_t)port);
	if (ret->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)ret)->sin_port = be_port;
	else
		((struct sockaddr_in6 *)(void *)ret)->sin6_port = be_port;
	*ret_len = (socklen_t)n;
	return true;
}

static int open_tcp(struct listen_socket *s, const char *where, struct err *err)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n;
	int on = 1;

	if (!parse_where(where, &ss, &n))
		return ERR(err, ERR_CONFIG, "cannot listen on '%s': not an address and port like 127.0.0.1:8338",
			   where);
	if (!is_loopback(&ss)) {
		ERR(err, ERR_CONFIG, "cannot listen on '%s': only loopback addresses are allowed", where);
		return err_hint(err, "use a tunnel or a reverse proxy for other machines");
	}
	s->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 || setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(s->fd, (const struct sockaddr *)&ss, n) != 0)
		return ERR(err, ERR_IO, "cannot listen on %s: %s", where, strerror(errno));
	s->port = port_of(s->fd);
	return start_listening(s->fd, err);
}

int sockets_make_tcp(const char *where, struct listen_socket *ret, struct err *err)
{
	struct listen_socket s = { .fd = -1, .transport = TRANSPORT_TCP, .group = (gid_t)-1 };

	if (open_tcp(&s, where, err) != 0) {
		sockets_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

int sockets_take(int fd, struct listen_socket *ret, struct err *err)
{
	struct listen_socket s = { .fd = fd, .transport = TRANSPORT_TCP, .group = (gid_t)-1 };
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return ERR(err, ERR_CONFIG, "passed descriptor %d: %s", fd, strerror(errno));
	if (ss.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const void *)&ss;

		s.transport = TRANSPORT_UNIX;
		if (un->sun_path[0] != '\0' && stat(un->sun_path, &st) == 0)
			s.group = st.st_gid;
	} else if (is_loopback(&ss)) {
		s.port = port_of(fd);
	} else {
		return ERR(err, ERR_CONFIG, "passed descriptor %d: only unix and loopback sockets are served", fd);
	}
	if (start_listening(fd, err) != 0)
		return -1;
	*ret = s;
	return 0;
}

void sockets_close(struct listen_socket *s)
{
	struct stat st;

	/* Not the file that a successor has put in its place. */
	if (s->path && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	free(s->path);
	s->path = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
