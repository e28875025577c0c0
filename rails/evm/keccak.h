/* rails/evm/keccak.h - Keccak-256 as Ethereum has it: the padding of the original submission (0x01), not that of SHA3-256.
 *
 * The permutation is nettle's; the sponge around it (rate 136, capacity 512) is ours.  Nothing here is wiped: what is
 * hashed is public, but for the keystore's MAC, whose context the caller wipes.  Any number of threads. */
#ifndef RAILS_EVM_KECCAK_H
#define RAILS_EVM_KECCAK_H

#include <stdbool.h>

#include <nettle/sha3.h>

#include "base/buf.h"
#include "base/ids.h"

#define KECCAK_RATE 136

struct keccak {
	struct sha3_state state;
	uint8_t block[KECCAK_RATE];
	size_t n; /* of block, below KECCAK_RATE between calls */
};

void keccak_init(struct keccak *k);
void keccak_update(struct keccak *k, struct bytes v);
void keccak_final(struct keccak *k, struct hash32 *ret); /* afterwards only keccak_init() may follow */

void keccak256(struct bytes v, struct hash32 *ret); /* ret may lie inside v */
/* Does the library under us compute what it should?  To be asked once at start: a wrong hash signs the wrong thing. */
MUST_CHECK bool keccak_self_test(void);

#endif
