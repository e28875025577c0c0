#include "rails/bitcoin/taghash.h"

#include <string.h>

void tagged_hash(const char *tag, struct bytes v, struct hash32 *ret)
{
	uint8_t twice[64];
	struct hash32 h;

	sha256(bytes_of(tag), &h);
	memcpy(twice, h.b, 32);
	memcpy(twice + 32, h.b, 32);
	sha256_two((struct bytes){ twice, sizeof(twice) }, v, ret);
}
