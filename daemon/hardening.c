#include "daemon/hardening.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* The leak detector attaches to its own process, which a process that cannot be dumped forbids. */
#if defined(__SANITIZE_ADDRESS__)
#define DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DUMPABLE 1
#endif
#endif
#ifndef DUMPABLE
#define DUMPABLE 0
#endif

int hardening_apply(struct err *err)
{
	static const struct rlimit none = { 0, 0 };

	(void)umask(0077);
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return ERR(err, ERR_INTERNAL, "cannot turn off core dumps: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) != 0)
		return ERR(err, ERR_INTERNAL, "cannot turn off dumping: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR(err, ERR_INTERNAL, "cannot give up new privileges: %s", strerror(errno));
	return 0;
}

unsigned long hardening_raise_files(unsigned long want)
{
	struct rlimit now, more;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return 0;
	if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur >= want)
		return (unsigned long)now.rlim_cur;
	more = now;
	more.rlim_cur = now.rlim_max == RLIM_INFINITY || now.rlim_max > want ? want : now.rlim_max;
	return (unsigned long)(setrlimit(RLIMIT_NOFILE, &more) == 0 ? more.rlim_cur : now.rlim_cur);
}
