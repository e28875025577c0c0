/* daemon/outbox_config.h - what the configuration says about the outbox, as outbox/ wants it. */
#ifndef DAEMON_OUTBOX_CONFIG_H
#define DAEMON_OUTBOX_CONFIG_H

#include "conf/conf.h"
#include "outbox/outbox.h"

/* What it needs of an arena at most: the configuration itself is larger than what is made of it. */
#define OUTBOX_CONF_ARENA ((size_t)512 * 1024)

/* Fills chains, spaces and limits, and nothing else of *ret; texts and tables are in a.  n_chains 0: there is no outbox.
 * ERR_CONFIG, field: the option at fault. */
MUST_CHECK int outbox_config_read(struct arena *a, const struct config *conf, struct outbox_options *ret,
				  struct err *err);
/* Can every key file that is named be read, with its password?  For --check-conf: at start a key that is not there holds
 * its space or lane alone.  As keyfile_read(). */
MUST_CHECK int outbox_config_check_keys(const struct outbox_options *opt, const char *datadir, const char *credentials,
					struct err *err);

#endif
