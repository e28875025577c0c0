/* rails/bitcoin/descriptor.h - output descriptors for others to watch or to restore by: BIP380, BIP386 (tr), BIP389 (<0;1>).
 *
 * They hold public keys alone, yet who has one sees the whole account. */
#ifndef RAILS_BITCOIN_DESCRIPTOR_H
#define RAILS_BITCOIN_DESCRIPTOR_H

#include "base/arena.h"
#include "rails/bitcoin/bip32.h"

#define DESCRIPTOR_CHECKSUM 9 /* 8 characters and a NUL */

/* BIP380: of a descriptor without its '#'.  False for a character that descriptors do not have. */
MUST_CHECK bool descriptor_checksum(const char *text, char ret[DESCRIPTOR_CHECKSUM]);

/* A BIP86 account: tr() of all keys of a chain of it, with where the account comes from and a checksum.  chain is 0, 1, or
 * DESCRIPTOR_BOTH for both in one descriptor, which some programs do not know yet. */
#define DESCRIPTOR_BOTH 2
char *descriptor_bip86(struct arena *a, const char *fingerprint, const struct bip32_pub *account, enum network net,
		       unsigned chain);

#endif
