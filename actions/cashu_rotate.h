/* actions/cashu_rotate.h - the wallet keeps up with its mints while nobody uses it: spec/cashu.md 6.4. */
#ifndef ACTIONS_CASHU_ROTATE_H
#define ACTIONS_CASHU_ROTATE_H

#include "base/err.h"

struct executor;

/* The task: wherever there is ecash, reads the mint's keysets once a day, and exchanges notes of those that it retires: when
 * no action is at work, or when they are about to expire, and as far as select_rotation() finds it worth the fee.  Does
 * nothing while the wallet is locked.  ctx: the struct executor.  Not from inside a unit. */
MUST_CHECK int cashu_rotations_run(void *ctx, struct err *err);

#endif
