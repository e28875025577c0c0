/* rails/ark/message.h - messages signed by the key of an Ark address, which says "this address is mine".
 *
 * Facts: spec/ark-primitives.md §8.5.  A BIP340 signature over SHA256("bark/message" || message): no length between the
 * two and no tagged hash, as bark has it.  Signing the digest is the work of whoever holds the key. */
#ifndef RAILS_ARK_MESSAGE_H
#define RAILS_ARK_MESSAGE_H

#include "base/buf.h"
#include "base/ids.h"

void ark_message_digest(struct bytes message, struct hash32 *ret);
bool ark_message_verify(const struct pubkey *key, struct bytes message, const uint8_t sig[64]);

#endif
