/* daemon/onchain_config.h - what the configuration says about the on-chain wallet and the nodes that it asks. */
#ifndef DAEMON_ONCHAIN_CONFIG_H
#define DAEMON_ONCHAIN_CONFIG_H

#include "actions/action.h"
#include "base/buf.h"
#include "chain/source.h"
#include "conf/conf.h"

struct onchain_policy onchain_config_policy(const struct config *conf);
/* Who is asked: kind, backends, network and fallback of *ret, and nothing else of it; n_backends 0: nobody.  Tables and texts
 * are in a; login must be BUF_SECRET, and holds what is read of bitcoind_auth_file as long as *ret is used.
 * ERR_CONFIG, field: the option at fault. */
MUST_CHECK int onchain_config_nodes(struct arena *a, const struct config *conf, struct buf *login,
				    struct chain_options *ret, struct err *err);

#endif
