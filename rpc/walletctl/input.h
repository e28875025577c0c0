/* rpc/walletctl/input.h - values that do not stand on the command line: standard input, files, the terminal.
 *
 * The command line is no place for a secret: every user of the machine can list it, and shells keep it.  Errors:
 * ERR_PARAM (nothing there to read, read twice, not UTF-8), ERR_RANGE (more than INPUT_MAX), ERR_IO, ERR_CANCELLED (the
 * user gave up at the prompt).  No error quotes what was read. */
#ifndef RPC_WALLETCTL_INPUT_H
#define RPC_WALLETCTL_INPUT_H

#include "base/arena.h"
#include "base/err.h"

#define INPUT_MAX ((size_t)1024 * 1024) /* as large as the body of a call may be */

struct input {
	int fd;          /* standard input */
	const char *tty; /* where to ask, "/dev/tty"; NULL: nobody is there to ask */
	bool taken;      /* standard input has been read */
};

/* source: "-" and "@-" are standard input, "@path" is a file.  The text as it is, NUL-terminated. */
MUST_CHECK int input_read(struct input *in, struct arena *a, const char *source, struct bytes *ret, struct err *err);
/* The same for a secret: one newline at its end is not part of it, and "-" on a terminal asks there. */
MUST_CHECK int input_secret(struct input *in, struct arena *a, const char *source, const char *what, struct bytes *ret,
			    struct err *err);
/* Ask for `what` without showing what is typed.  Enter alone gives an empty text.  twice: a typing error must show now,
 * not when the secret is needed again. */
MUST_CHECK int input_ask(struct input *in, struct arena *a, const char *what, bool twice, struct bytes *ret,
			 struct err *err);

#endif
