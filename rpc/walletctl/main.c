/* walletctl - talks to walletd.  ctl.c is the place to begin. */
#include <sys/resource.h>
#include <unistd.h>

#include "base/secret.h"
#include "rpc/walletctl/ctl.h"
#include "rpc/walletctl/term.h"

extern char **environ;

int main(int argc, char **argv)
{
	static const struct rlimit no_core = { 0, 0 };
	struct ctl c = {
		.argv = argv,
		.env = environ,
		.methods = rpc_methods,
		.in = { .fd = STDIN_FILENO, .tty = isatty(STDIN_FILENO) ? "/dev/tty" : NULL },
		.out = stdout,
		.err = stderr,
	};

	(void)argc;
	/* Passphrases and tokens pass through here, and must not end in a core file. */
	if (setrlimit(RLIMIT_CORE, &no_core) != 0 || !secret_init()) {
		fputs("walletctl: cannot set up\n", stderr);
		return CTL_UNREACHED;
	}
	term_init();
	return (int)ctl_run(&c);
}
