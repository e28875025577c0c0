/* rails/bitcoin/timelock.h - waiting written as numbers: nSequence (BIP68, BIP112, BIP125) and nLockTime (BIP65). */
#ifndef RAILS_BITCOIN_TIMELOCK_H
#define RAILS_BITCOIN_TIMELOCK_H

#include "base/buf.h"

#define SEQUENCE_FINAL   0xffffffffu /* neither nLockTime, nor waiting, nor replacement */
#define SEQUENCE_LOCKED  0xfffffffeu /* nLockTime counts */
#define SEQUENCE_REPLACE 0xfffffffdu /* nLockTime counts, and the transaction says that it may be replaced (BIP125) */

/* Blocks that the output spent must be deep; seconds in steps of 512, rounded up, at most 65535 * 512. */
uint32_t sequence_blocks(uint16_t blocks);
MUST_CHECK bool sequence_seconds_ceil(uint32_t seconds, uint32_t *ret);

enum relative_unit { RELATIVE_NONE = 0, RELATIVE_BLOCKS, RELATIVE_512_SECONDS };
/* What a sequence makes a transaction of version 2 or above wait for. */
enum relative_unit sequence_relative(uint32_t sequence, uint16_t *ret);
bool sequence_signals_replacement(uint32_t sequence); /* BIP125 */

/* Below: a height; from here on: a Unix time in seconds. */
#define LOCKTIME_THRESHOLD 500000000u

/* <n> OP_CHECKSEQUENCEVERIFY OP_DROP, <n> OP_CHECKLOCKTIMEVERIFY OP_DROP. */
void script_csv(struct buf *b, uint32_t sequence);
void script_cltv(struct buf *b, uint32_t locktime);

#endif
