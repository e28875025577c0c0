#include "rails/bitcoin/descriptor.h"

#include <assert.h>
#include <string.h>

#define GROUP 32u

/* BIP380: a code over the field of 32 elements that finds any three wrong characters; which of three groups a character is
 * in goes into a symbol of its own for each three of them, so that mixing upper and lower case costs little. */
static uint64_t polymod(uint64_t c, unsigned value)
{
	static const uint64_t generator[5] = { 0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd };
	uint64_t top = c >> 35;

	c = (c & 0x7ffffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if ((top >> i & 1) != 0)
			c ^= generator[i];
	return c;
}

bool descriptor_checksum(const char *text, char ret[DESCRIPTOR_CHECKSUM])
{
	static const char input[] = "0123456789()[],'/*abcdefgh@:$%{}"
				    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
				    "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
	static const char output[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	unsigned groups = 0, n_groups = 0;
	uint64_t c = 1;

	for (const char *p = text; *p != '\0'; p++) {
		const char *at = strchr(input, *p);
		unsigned place;

		if (at == NULL)
			return false;
		place = (unsigned)(at - input);
		c = polymod(c, place % GROUP);
		groups = groups * 3 + place / GROUP;
		if (++n_groups == 3) {
			c = polymod(c, groups);
			groups = n_groups = 0;
		}
	}
	if (n_groups > 0)
		c = polymod(c, groups);
	for (unsigned i = 0; i < DESCRIPTOR_CHECKSUM - 1; i++)
		c = polymod(c, 0);
	c ^= 1;
	for (unsigned i = 0; i < DESCRIPTOR_CHECKSUM - 1; i++)
		ret[i] = output[c >> 5 * (DESCRIPTOR_CHECKSUM - 2 - i) & 31];
	ret[DESCRIPTOR_CHECKSUM - 1] = '\0';
	return true;
}

char *descriptor_bip86(struct arena *a, const char *fingerprint, const struct bip32_pub *account, enum network net,
		       unsigned chain)
{
	static const char *const chains[] = { "0", "1", "<0;1>" };
	char key[BIP32_TEXT_MAX], checksum[DESCRIPTOR_CHECKSUM], *text;
	bool ok;

	assert(chain < ARRAY_LEN(chains));
	bip32_pub_text(account, net, key);
	text = arena_printf(a, "tr([%s/86h/%dh/0h]%s/%s/*)", fingerprint, net == NETWORK_MAINNET ? 0 : 1, key,
			    chains[chain]);
	ok = descriptor_checksum(text, checksum);
	assert(ok); /* nothing in it that a descriptor does not have */
	return arena_printf(a, "%s#%s", text, checksum);
}
