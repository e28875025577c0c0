#include "tests/peers/testmint/invoice.h"

#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "tests/support/bolt11_draft.h"

/* Payment secrets and long onions: bits 14 and 8, in three groups. */
#define FEATURES (1u << 14 | 1u << 8)

char *invoice_make(struct arena *a, const char *seed_text, const char *unit, uint64_t amount, int64_t now_s)
{
	const char *hrp = arena_printf(a, "lnbcrt%llu0n", (unsigned long long)amount); /* ten nano-bitcoin a satoshi */
	uint8_t hash[32], secret[32];
	struct bolt11_draft d;
	struct secret key;
	struct hash32 node;

	rng_bytes(hash, sizeof(hash));
	rng_bytes(secret, sizeof(secret));
	draft_begin(&d, hrp, now_s);
	draft_bytes(&d, 'p', hash, sizeof(hash));
	draft_bytes(&d, 's', secret, sizeof(secret));
	draft_text(&d, 'd', arena_printf(a, "%llu %s of play ecash", (unsigned long long)amount, unit));
	draft_number(&d, '9', FEATURES, 3);
	sha256_two(bytes_of(seed_text), bytes_of("/node"), &node);
	memcpy(key.b, node.b, sizeof(key.b));
	return draft_sign(a, &d, &key, DRAFT_SIGNED);
}
