#include "tests/support/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

int suite_run(Suite *s)
{
	SRunner *runner = srunner_create(s);
	bool passed = secret_init();

	if (passed)
		srunner_run_all(runner, CK_NORMAL);
	/* A suite that runs nothing proves nothing. */
	passed = passed && srunner_ntests_run(runner) > 0 && srunner_ntests_failed(runner) == 0;
	srunner_free(runner);
	return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void NORETURN die_quietly(void (*fn)(void))
{
	const struct rlimit no_core = { 0 };
	int null = open("/dev/null", O_WRONLY);

	/* A sanitizer's handler would turn the signal into an exit code. */
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGABRT, SIG_DFL);
	if (null < 0 || dup2(null, STDERR_FILENO) < 0 || setrlimit(RLIMIT_CORE, &no_core) != 0)
		_exit(1);
	fn();
	_exit(0);
}

int suite_signal_of(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		die_quietly(fn);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	return 0;
}
