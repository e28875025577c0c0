/* rpc/walletctl/ctl.h - one run of walletctl: the command line in, text and an exit code out. */
#ifndef RPC_WALLETCTL_CTL_H
#define RPC_WALLETCTL_CTL_H

#include "rpc/walletctl/client.h"
#include "rpc/walletctl/cmdline.h"

struct ctl {
	/* Given. */
	char *const *argv; /* ends with NULL */
	char *const *env;
	const struct rpc_method *const *methods; /* rpc_methods, or a test's own */
	struct input in;
	FILE *out, *err;

	/* Ours. */
	struct arena *a; /* of the run, or of one answer among many */
	struct arena own;
	struct cmdline cmd;
	struct endpoint at;
	struct client *client; /* NULL until something is asked */
};
MUST_CHECK enum ctl_exit ctl_run(struct ctl *c);

/* --- for the other files of this room --- */

/* Writes and empties the buffer.  What cannot be written ends with CTL_UNREACHED: nobody got the answer. */
MUST_CHECK enum ctl_exit ctl_print(struct ctl *c, struct buf *text);
/* The error on stderr, with its hint; returns code. */
enum ctl_exit ctl_refuse(struct ctl *c, enum ctl_exit code, const struct err *err);
/* An answer that is no result, on stderr; returns its exit code. */
enum ctl_exit ctl_say_failure(struct ctl *c, const struct answer *answer);
/* Ask; connects when that was not done yet. */
struct answer ctl_ask(struct ctl *c, const char *method, json_t *params);
/* Give a mutating call a key of its own unless it has one; asking again with it does nothing twice. */
void ctl_add_key(struct ctl *c, const char *method, json_t *params);
/* The result as asked for, with its QR code. */
MUST_CHECK enum ctl_exit ctl_show(struct ctl *c, const char *method, json_t *result);
const struct rpc_method *ctl_method(const struct ctl *c, const char *name); /* or NULL */

/* start.c: `start KIND …`; and what a plain action.start must not hold on its command line. */
MUST_CHECK enum ctl_exit start_run(struct ctl *c);
MUST_CHECK enum ctl_exit start_check_secrets(struct ctl *c, const json_t *params);
/* The names of the kinds that can be started, or what one of them takes, for the shell's completion. */
MUST_CHECK enum ctl_exit start_complete(struct ctl *c, const char *kind);

/* watch.c: until the action has ended; its last state is the answer. */
MUST_CHECK enum ctl_exit watch_run(struct ctl *c, const char *id);

#endif
