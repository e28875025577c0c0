/* rpc/walletctl/help.h - how to use walletctl, made from the method table. */
#ifndef RPC_WALLETCTL_HELP_H
#define RPC_WALLETCTL_HELP_H

#include "rpc/method.h"

void help_usage(struct buf *to);
void help_all(struct buf *to, struct arena *a, const struct rpc_method *const *methods);
void help_method(struct buf *to, struct arena *a, const struct rpc_method *m);
/* One kind of action, from its row of `action.kinds` and the table made from its schema; of_start: what goes with any. */
void help_kind(struct buf *to, struct arena *a, const json_t *kind, const struct param *params,
	       const struct param *of_start);

#endif
