/* tests/peers/testmint/control.h - what a test may ask beside the NUTs, under /control/, JSON both ways.
 *
 *   GET  /control/counters       the sums per unit, what was counted, faults that still wait
 *   POST /control/fault          {"path", "mode", "nth"?, "count"?, …}: see faults.h
 *   POST /control/reset_faults   none wait any longer
 *   POST /control/quote          {"quote", "state"?, "expire"?}: what became of an invoice; state UNPAID keeps it so
 *   POST /control/rotate         {"unit", "input_fee_ppk"?, "version"?}: a new keyset, the old ones inactive
 *   POST /control/set            {"pay_delay_ms"?, "dleq"?, "pay"?}; pay: PAYS, WAITS or FAILS, of payments to come
 *   POST /control/settle         {"paid"}: the payments under way have this end
 *   POST /control/down           {"ms"}: refuse connections, and close those there are, for so long
 */
#ifndef TESTS_PEERS_TESTMINT_CONTROL_H
#define TESTS_PEERS_TESTMINT_CONTROL_H

#include "tests/peers/testmint/faults.h"

#define CONTROL_PREFIX "/control/"

/* down_ms: > 0 when the answer is to be followed by that. */
void control_answer(struct mint *m, struct faults *f, struct arena *a, const struct mint_call *call,
		    struct mint_answer *ret, int64_t *down_ms);

#endif
