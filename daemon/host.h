/* daemon/host.h - the composition root: builds every part, hands each plain values, wires the hooks, and takes all of it
 * down again.
 *
 * Start: give up privileges, lock the datadir, open the store, build the executor, unlock the wallet, listen, ready.
 * Nothing of that needs the network.  Stop: accept nothing new, let what is under way end for shutdown_grace_s, commit,
 * close.  Being killed at any point is as safe, only less polite. */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

#include "conf/conf.h"
#include "daemon/exit_code.h"

/* Runs until it is told to stop.  conf and in must outlive it: SIGHUP loads the configuration again from `in`. */
MUST_CHECK enum exit_code host_run(const struct config *conf, const struct conf_input *in);
/* What --check-conf can tell without starting: permissions of what is there, and a passphrase that can be read. */
MUST_CHECK int host_check_files(const struct config *conf, struct err *err);

#endif
