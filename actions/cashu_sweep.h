/* actions/cashu_sweep.h - when mints are asked again for what they may owe us: spec/cashu.md 4.12. */
#ifndef ACTIONS_CASHU_SWEEP_H
#define ACTIONS_CASHU_SWEEP_H

#include "base/err.h"

struct executor;

/* The task: begins a cashu_sweep at each mint that has outputs which are due, unless one is under way there.  ctx: the
 * struct executor.  Not from inside a unit. */
MUST_CHECK int cashu_sweeps_run(void *ctx, struct err *err);

#endif
