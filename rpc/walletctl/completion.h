/* rpc/walletctl/completion.h - what the shell may offer, made from the method table.
 *
 * Kinds of actions, and what they take, are asked of the daemon when they are wanted ("walletctl completion kinds"). */
#ifndef RPC_WALLETCTL_COMPLETION_H
#define RPC_WALLETCTL_COMPLETION_H

#include "rpc/method.h"

void completion_bash(struct buf *to, const struct rpc_method *const *methods);

#endif
