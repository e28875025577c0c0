/* daemon/lightning_config.h - which Lightning node is configured, and how it is reached: spec/splice.md 5.1.2 and 5.2.1. */
#ifndef DAEMON_LIGHTNING_CONFIG_H
#define DAEMON_LIGHTNING_CONFIG_H

#include "base/arena.h"
#include "conf/conf.h"
#include "rails/lightning/backend.h"

/* *ret_backend NULL: none is configured; *ret is then that of a node which never answers.  Texts are conf's, and the key that
 * ret names is put into *key.  ERR_CONFIG, field: the option at fault. */
MUST_CHECK int lightning_config(const struct config *conf, struct secret *key, const struct ln_backend **ret_backend,
				struct ln_node *ret, struct err *err);

#endif
