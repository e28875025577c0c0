/* An address as somebody pasted it: for whichever network it is one, it comes out of its script again. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/address.h"
#include "rails/bitcoin/bech32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONG_MAX_CHARS 1000

static void must(bool ok)
{
	if (!ok)
		abort();
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_but_case(const char *a, const char *b)
{
	for (; *a != '\0' && lower(*a) == lower(*b); a++)
		b++;
	return *a == *b;
}

static void read_address(const char *text, enum network net)
{
	char back[ADDRESS_TEXT_MAX];
	struct spk s, again;
	struct err err;

	if (address_parse(text, net, &s, &err) != 0) {
		must(err.code == ERR_ADDRESS || err.code == ERR_NETWORK);
		return;
	}
	must(spk_classify(spk_bytes(&s), NULL) != SPK_OTHER);
	must(address_text(spk_bytes(&s), net, back) && same_but_case(text, back));
	must(address_parse(back, net, &again, &err) == 0 && spk_equal(&s, &again));
}

static void read_bech32(const char *text)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct bytes raw, groups;
	struct bech32 b;
	struct err err;

	if (bech32_decode(&a, text, LONG_MAX_CHARS, &b, &err) != 0) {
		must(err.code == ERR_PARSE);
		return;
	}
	must(same_but_case(bech32_encode(&a, b.form, b.hrp, b.groups), text));
	if (bech32_bytes_of(&a, b.groups, &raw, &err) == 0) {
		groups = bech32_groups_of(&a, raw);
		must(bytes_equal(groups, b.groups));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	for (int net = 0; net < NETWORK_COUNT; net++)
		read_address(text, (enum network)net);
	read_bech32(text);
	free(text);
	return 0;
}
