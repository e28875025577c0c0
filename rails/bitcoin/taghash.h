/* rails/bitcoin/taghash.h - hashes that cannot be taken for one another: SHA-256 behind twice the hash of a tag (BIP340). */
#ifndef RAILS_BITCOIN_TAGHASH_H
#define RAILS_BITCOIN_TAGHASH_H

#include "base/hash.h"

void tagged_hash(const char *tag, struct bytes v, struct hash32 *ret);

#endif
