#include "rails/ark/message.h"

#include "base/hash.h"
#include "rails/bitcoin/secp.h"

void ark_message_digest(struct bytes message, struct hash32 *ret)
{
	sha256_two(bytes_of("bark/message"), message, ret);
}

bool ark_message_verify(const struct pubkey *key, struct bytes message, const uint8_t sig[64])
{
	struct hash32 digest;

	ark_message_digest(message, &digest);
	return secp_schnorr_verify(key, &digest, sig);
}
