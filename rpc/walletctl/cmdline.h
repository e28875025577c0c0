/* rpc/walletctl/cmdline.h - what the command line asks for.
 *
 *	walletctl [--option…] COMMAND [name=value | --name=value | value]…
 *
 * COMMAND is a method ("wallet.create"), its parts as words ("wallet create"), with '-' for '_' if that is liked better, or
 * one of ours: start, pay (start of what pays an invoice or a payment request), wait, help, completion.  Options are taken before and after the command; behind it, a parameter of the method goes before an option
 * of the same name.  Behind "--" nothing is an option.  Pure; argv ends with NULL.  Errors: ERR_PARAM, naming the nearest that there is. */
#ifndef RPC_WALLETCTL_CMDLINE_H
#define RPC_WALLETCTL_CMDLINE_H

#include <stdio.h>

#include "rpc/method.h"
#include "rpc/walletctl/args.h"
#include "rpc/walletctl/endpoint.h"

enum ctl_command {
	CTL_CALL = 1,   /* method, args */
	CTL_WAIT,       /* args: the id of an action */
	CTL_START,      /* args: the kind, then what it takes */
	CTL_HELP,       /* method, or NULL for all */
	CTL_COMPLETION, /* args: the shell */
	CTL_VERSION
};
enum qr_mode { QR_ON_TERMINAL = 0, QR_ALWAYS, QR_NEVER };

struct cmdline {
	enum ctl_command command;
	const struct rpc_method *method;
	struct args args;
	struct endpoint_options at;
	bool json, wait;
	bool help;           /* with CTL_START: explain the kind */
	const char *timeout; /* as given, or NULL */
	int64_t timeout_s;   /* 0: not given */
	enum qr_mode qr;
};
MUST_CHECK int cmdline_parse(struct arena *a, char *const *argv, const struct rpc_method *const *methods,
			     struct cmdline *ret, struct err *err);

/* One line per option, for help; and all in one line, for completion. */
void cmdline_options_add(struct buf *to);
void cmdline_option_words_add(struct buf *to);

#endif
