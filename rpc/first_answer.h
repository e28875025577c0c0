/* rpc/first_answer.h - idempotency (design.md section 8, operations.md 3.7): the first answer to (credential, key) is kept
 * for ever, looked up before any check that time can change, and given again.
 *
 * The key stands for the method and the canonical parameters.  Left out of those: the key itself, `wait` and `timeout_s`
 * (how to listen, not what to do), and secrets, whose hash would be a way to guess them.  An answer that says retryable is
 * not kept: that call was not accepted.  A rehearsal (dry_run) has no first answer. */
#ifndef RPC_FIRST_ANSWER_H
#define RPC_FIRST_ANSWER_H

#include "rpc/request.h"

enum first_answer {
	FIRST_ANSWER_NONE = 0, /* run it */
	FIRST_ANSWER_FOUND,    /* *ret holds the replay, or the refusal of other parameters */
	FIRST_ANSWER_WAIT      /* a call with this key runs: request_run() will be called when it has ended */
};
enum first_answer first_answer_find(struct request *r, struct rpc_outcome *ret);
/* Keep this outcome, unless it was kept with its effects or is not to be kept; then request_answer(). */
void first_answer_keep(struct request *r, const struct rpc_outcome *outcome);
/* The request is over: whoever waits for its key may go on. */
void first_answer_end(struct request *r);

#endif
