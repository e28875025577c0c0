/* daemon/outbox_config.h - what the configuration says about the outbox, as outbox/ wants it. */
#ifndef DAEMON_OUTBOX_CONFIG_H
#define DAEMON_OUTBOX_CONFIG_H

#include "conf/conf.h"
#include "outbox/outbox.h"

/* Fills chains, spaces and limits, and nothing else of *ret; texts and tables are in a.  Without an evm_chain and an
 * outbox_space, n_chains is 0: there is no outbox.  ERR_CONFIG, field: the option at fault. */
MUST_CHECK int outbox_config_read(struct arena *a, const struct config *conf, struct outbox_options *ret,
				  struct err *err);

#endif
