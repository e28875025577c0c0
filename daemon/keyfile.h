/* daemon/keyfile.h - the key files of directive signers and relayers, which evm_chain and outbox_space name as file:NAME.
 *
 * <datadir>/keys/NAME.json is a Web3 Secret Storage file; what is in it is rails/evm's.  Its password is the systemd
 * credential walletd.key.NAME, or else the first line of <datadir>/keys/NAME.password.  Nobody else may read either. */
#ifndef DAEMON_KEYFILE_H
#define DAEMON_KEYFILE_H

#include "base/buf.h"
#include "base/err.h"

/* Both buffers must be BUF_SECRET; their caps are the limits.  credentials may be NULL.  ERR_NOT_FOUND: there is no such
 * key file; ERR_CONFIG: it, or its password, cannot be read or is not private; ERR_IO: reading failed. */
MUST_CHECK int keyfile_read(const char *datadir, const char *credentials, const char *name, struct buf *ret_json,
			    struct buf *ret_password, struct err *err);

#endif
