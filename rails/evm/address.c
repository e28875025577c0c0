#include "rails/evm/address.h"

#include <string.h>

#include "base/text.h"
#include "rails/evm/keccak.h"

#define HEX_CHARS 40

/* EIP-55: the letter at i is a capital where nibble i of the hash of the small letters is 8 or more. */
static void put_checksum(char hex[HEX_CHARS])
{
	struct hash32 h;

	keccak256((struct bytes){ (const uint8_t *)hex, HEX_CHARS }, &h);
	for (size_t i = 0; i < HEX_CHARS; i++) {
		unsigned nibble = i % 2 == 0 ? h.b[i / 2] >> 4 : h.b[i / 2] & 0x0f;

		if (hex[i] >= 'a' && nibble >= 8)
			hex[i] = (char)(hex[i] - 'a' + 'A');
	}
}

void evm_address_text(const struct evm_address *a, char ret[EVM_ADDRESS_TEXT])
{
	ret[0] = '0';
	ret[1] = 'x';
	hex_encode(a->b, sizeof(a->b), ret + 2);
	put_checksum(ret + 2);
}

static bool has_any(const char *text, const char *letters)
{
	return strpbrk(text, letters) != NULL;
}

int evm_address_parse(const char *text, struct evm_address *ret, struct err *err)
{
	char right[EVM_ADDRESS_TEXT];
	struct evm_address a;

	if (!text_starts(text, "0x") || strnlen(text, EVM_ADDRESS_TEXT) != EVM_ADDRESS_TEXT - 1 ||
	    !hex_decode(text + 2, a.b, sizeof(a.b)))
		return ERR(err, ERR_PARSE, "an EVM address is \"0x\" and 40 hex characters");
	evm_address_text(&a, right);
	if (has_any(text + 2, "abcdef") && has_any(text + 2, "ABCDEF") && strcmp(text, right) != 0) {
		ERR(err, ERR_PARSE, "bad_checksum: %s has a mistyped character", text);
		return err_hint(err, "copy it again from where it came; in small letters alone it has no checksum");
	}
	*ret = a;
	return 0;
}

void evm_address_of_key(const uint8_t xy[64], struct evm_address *ret)
{
	struct hash32 h;

	keccak256((struct bytes){ xy, 64 }, &h);
	memcpy(ret->b, h.b + sizeof(h.b) - sizeof(ret->b), sizeof(ret->b));
}
