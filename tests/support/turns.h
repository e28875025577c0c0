/* tests/support/turns.h - turns of a loop until something holds. */
#ifndef TESTS_SUPPORT_TURNS_H
#define TESTS_SUPPORT_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/net/loop.h"

/* Runs the loop until holds(ctx) says true, which is asked between turns, or until ms of the real clock are over.  Was it
 * the first?  holds NULL: for so long. */
bool turns_until(struct loop *loop, bool (*holds)(void *ctx), void *ctx, int64_t ms);
/* The same, and the test fails when the time is over. */
void turns_must(struct loop *loop, bool (*holds)(void *ctx), void *ctx, int64_t ms);
/* The same for rest: it must hold for some turns on end, in which whatever was posted would have begun. */
void turns_rest(struct loop *loop, bool (*at_rest)(void *ctx), void *ctx, int64_t ms);

#endif
