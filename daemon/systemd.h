/* daemon/systemd.h - the service manager's protocols, which are a datagram and a few variables (sd_notify(3),
 * sd_listen_fds(3), systemd.exec(5)).  Outside systemd nothing of this does anything. */
#ifndef DAEMON_SYSTEMD_H
#define DAEMON_SYSTEMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Sends "READY=1" and the like; several assignments are separated by newlines.  Nobody listening is fine. */
void systemd_notify(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* "RELOADING=1" with the time stamp that systemd wants beside it. */
void systemd_notify_reloading(void);

/* Sockets that were passed to this process: descriptors 3 to 3 + n - 1, now closed on exec.  Forgets the variables, so
 * that it works once. */
#define SYSTEMD_FIRST_FD    3
#define SYSTEMD_SOCKETS_MAX 16
MUST_CHECK int systemd_take_sockets(size_t *ret_n, struct err *err);

/* How often WATCHDOG=1 is expected, in us; 0 when it is not. */
int64_t systemd_watchdog_us(void);
/* Standard error is the journal: lines may begin with "<3>". */
bool systemd_stderr_is_journal(void);
/* Directory of the credentials of this service, or NULL. */
const char *systemd_credentials(void);

#endif
