/* daemon/cashu_config.h - what the configuration says about ecash. */
#ifndef DAEMON_CASHU_CONFIG_H
#define DAEMON_CASHU_CONFIG_H

#include "actions/action.h"
#include "conf/conf.h"

/* The part of the policy that is about ecash: the rest of *ret stays as it is.  Tables are in a.  ERR_CONFIG, field: the
 * option at fault. */
MUST_CHECK int cashu_config_policy(struct arena *a, const struct config *conf, struct action_policy *ret,
				   struct err *err);

#endif
