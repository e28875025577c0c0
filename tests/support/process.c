#include "tests/support/process.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS  20000
#define ARGS_MAX 24

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	ck_assert_int_lt(snprintf(at.sun_path, sizeof(at.sun_path), "%s", path), (int)sizeof(at.sun_path));
	return at;
}

void process_new(struct process *p)
{
	struct sockaddr_un at;
	char notify[96];

	*p = (struct process){ .listener = -1 };
	snprintf(p->dir, sizeof(p->dir), "/tmp/walletd-process-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->dir));
	snprintf(p->data, sizeof(p->data), "%s/data", p->dir);
	snprintf(p->socket, sizeof(p->socket), "%s/rpc.sock", p->data);
	snprintf(p->log, sizeof(p->log), "%s/log", p->dir);
	snprintf(notify, sizeof(notify), "%s/notify", p->dir);
	at = address(notify);
	p->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(p->notify, 0);
	ck_assert_int_eq(bind(p->notify, (struct sockaddr *)&at, sizeof(at)), 0);
}

void process_free(struct process *p)
{
	char command[128];

	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	close(p->notify);
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	ck_assert_int_eq(system(command), 0);
}

static void keep_variable(char **env, int *n, const char *name)
{
	const char *value = getenv(name);

	if (value)
		ck_assert_int_ge(asprintf(&env[(*n)++], "%s=%s", name, value), 0);
}

/* In the child: never returns. */
static void become_daemon(const struct process *p, char **argv, char **env, int n_env)
{
	const char *build = getenv("BUILD_DIR");
	char program[256];
	int log = open(p->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	/* A test that fails ends without tearing down. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		_exit(126);
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(126);
	if (p->listener >= 0) {
		if (dup2(p->listener, 3) != 3 || fcntl(3, F_SETFD, 0) != 0 ||
		    asprintf(&env[n_env++], "LISTEN_FDS=1") < 0 ||
		    asprintf(&env[n_env++], "LISTEN_PID=%ld", (long)getpid()) < 0)
			_exit(126);
		env[n_env] = NULL;
	}
	snprintf(program, sizeof(program), "%s/walletd", build ? build : "build/check");
	execve(program, argv, env);
	perror(program);
	_exit(127);
}

void process_start(struct process *p, const char *const *flags, const char *const *extra)
{
	char datadir[128],
		*argv[ARGS_MAX] = { (char *)"walletd", (char *)"--conf=", (char *)"--network=regtest", datadir };
	char *env[ARGS_MAX] = { NULL };
	int argc = 4, n_env = 0;

	ck_assert_int_eq(p->pid, 0);
	snprintf(datadir, sizeof(datadir), "--datadir=%s", p->data);
	for (; flags && *flags && argc < ARGS_MAX - 1; flags++) {
		/* One that is given again takes the place of ours. */
		if (strncmp(*flags, "--network=", 10) == 0)
			argv[2] = (char *)*flags;
		else if (strncmp(*flags, "--conf=", 7) == 0)
			argv[1] = (char *)*flags;
		else
			argv[argc++] = (char *)*flags;
	}
	keep_variable(env, &n_env, "ASAN_OPTIONS");
	keep_variable(env, &n_env, "UBSAN_OPTIONS");
	ck_assert_int_ge(asprintf(&env[n_env++], "HOME=%s", p->dir), 0);
	ck_assert_int_ge(asprintf(&env[n_env++], "NOTIFY_SOCKET=%s/notify", p->dir), 0);
	for (; extra && *extra && n_env < ARGS_MAX - 3; extra++)
		ck_assert_int_ge(asprintf(&env[n_env++], "%s", *extra), 0);
	p->told[0] = '\0';
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0)
		become_daemon(p, argv, env, n_env);
	while (n_env > 0)
		free(env[--n_env]);
}

static void hear(struct process *p, int ms)
{
	struct pollfd wait = { .fd = p->notify, .events = POLLIN };
	size_t used = strlen(p->told);
	ssize_t n;

	if (poll(&wait, 1, ms) != 1)
		return;
	n = recv(p->notify, p->told + used, sizeof(p->told) - used - 2, 0);
	ck_assert_int_gt(n, 0);
	p->told[used + (size_t)n] = '\n';
	p->told[used + (size_t)n + 1] = '\0';
}

static bool has_ended(struct process *p)
{
	siginfo_t info = { 0 };

	return p->pid == 0 ||
	       (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0);
}

bool process_wait_told(struct process *p, const char *what)
{
	long end = now_ms() + WAIT_MS;

	while (!strstr(p->told, what) && now_ms() < end) {
		bool ended = has_ended(p);

		hear(p, ended ? 0 : 50);
		if (ended && !strstr(p->told, what))
			return false;
	}
	return strstr(p->told, what) != NULL;
}

void process_start_ready(struct process *p, const char *const *flags, const char *const *env)
{
	process_start(p, flags, env);
	ck_assert_msg(process_wait_told(p, "READY=1"), "not ready: %s", process_log(p));
}

int process_wait(struct process *p, int ms)
{
	long end = now_ms() + ms;
	int status;

	while (!has_ended(p)) {
		if (now_ms() >= end)
			return -1;
		hear(p, 5);
	}
	ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
	p->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_signal(struct process *p, int signal)
{
	ck_assert_int_eq(kill(p->pid, signal), 0);
}

const char *process_log(struct process *p)
{
	static char text[256 * 1024];
	FILE *f = fopen(p->log, "r");
	size_t n = 0;

	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

bool process_wait_log(struct process *p, const char *text)
{
	long end = now_ms() + WAIT_MS;

	while (!strstr(process_log(p), text)) {
		if (has_ended(p) || now_ms() >= end)
			return strstr(process_log(p), text) != NULL;
		nap();
	}
	return true;
}

static const char *exchange(struct process *p, const char *request, size_t n)
{
	static char reply[1024 * 1024];
	struct sockaddr_un at = address(p->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t got = 0;
	ssize_t k;

	reply[0] = '\0';
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && send(fd, request, n, MSG_NOSIGNAL) == (ssize_t)n) {
		struct timeval limit = { .tv_sec = WAIT_MS / 1000 };

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		while (got < sizeof(reply) - 1 && (k = recv(fd, reply + got, sizeof(reply) - 1 - got, 0)) > 0)
			got += (size_t)k;
		reply[got] = '\0';
	}
	close(fd);
	return reply;
}

const char *process_call(struct process *p, const char *method, const char *params)
{
	char body[4096], request[8192];
	const char *reply, *blank;
	int n;

	n = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}", method,
		     params ? ",\"params\":" : "", params ? params : "");
	ck_assert_int_lt(n, (int)sizeof(body));
	n = snprintf(request, sizeof(request),
		     "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
		     "Content-Length: %d\r\n\r\n%s",
		     n, body);
	reply = exchange(p, request, (size_t)n);
	blank = strstr(reply, "\r\n\r\n");
	return blank ? blank + 4 : "";
}

const char *process_get(struct process *p, const char *path)
{
	char request[512];
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
			 path);

	return exchange(p, request, (size_t)n);
}
