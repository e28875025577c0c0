/* tests/support/process.h - a walletd of our own as a child process, seen from outside: what it tells the service manager,
 * what it logs, what it answers on its socket, and how it ends.
 *
 * The program is $BUILD_DIR/walletd (build/check).  It sees no environment but what it is given. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct process {
	pid_t pid;     /* 0: not running */
	int notify;    /* our end of NOTIFY_SOCKET */
	int listener;  /* passed as LISTEN_FDS when not -1 */
	char dir[64];  /* everything is in here */
	char data[80]; /* the datadir; made by the daemon */
	char socket[96];
	char log[80];    /* its standard output and error */
	char told[2048]; /* what it has told the service manager since the start, oldest first */
};
void process_new(struct process *p);
void process_free(struct process *p); /* kills it and removes its files */

/* On regtest, in its datadir, without a configuration file; `flags` and `env` come on top.  Either may be NULL, both end
 * with NULL.  Does not wait. */
void process_start(struct process *p, const char *const *flags, const char *const *env);
/* Until it has told the service manager this; false when it ended or did not within 20 s. */
bool process_wait_told(struct process *p, const char *what);
/* start, and READY=1. */
void process_start_ready(struct process *p, const char *const *flags, const char *const *env);
/* Its exit code, once it has ended; 128 + the signal; -1 when it is still there after ms. */
int process_wait(struct process *p, int ms);
void process_signal(struct process *p, int signal);

/* What it logged since it was started last; wait until it holds this text (20 s).  Valid until the next call. */
const char *process_log(struct process *p);
bool process_wait_log(struct process *p, const char *text);

/* One JSON-RPC call; params NULL for none.  The body of the answer, or "" when there was none; valid until the next call.
 * process_get is a plain GET: the status line goes in front of the body. */
const char *process_call(struct process *p, const char *method, const char *params);
const char *process_get(struct process *p, const char *path);

#endif
