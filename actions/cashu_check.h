/* actions/cashu_check.h - what to ask the mints when the database is older than what it tells of. */
#ifndef ACTIONS_CASHU_CHECK_H
#define ACTIONS_CASHU_CHECK_H

#include "base/err.h"

struct executor;

/* The task: if the database is a copy that backup.create made (META_COPY), begins a cashu_check and a cashu_restore at each
 * trusted mint, once, with the event wallet.backup_put_back.  Does nothing while the wallet is locked.  ctx: the struct
 * executor.  Not from inside a unit. */
MUST_CHECK int cashu_put_back_run(void *ctx, struct err *err);

#endif
