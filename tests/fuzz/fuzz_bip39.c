/* Words as somebody typed them, and extended keys as somebody pasted them. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/bip32.h"
#include "rails/bitcoin/mnemonic.h"
#include "rails/bitcoin/secp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void read_words(const char *text)
{
	struct mnemonic m, again;
	struct err err;

	if (mnemonic_parse(text, &m, &err) != 0) {
		must(err.code == ERR_MNEMONIC);
		return;
	}
	must(mnemonic_parse(m.s, &again, &err) == 0 && strcmp(m.s, again.s) == 0);
}

static void read_keys(const char *text)
{
	char back[BIP32_TEXT_MAX];
	struct bip32_key k;
	struct bip32_pub p;
	struct err err;

	if (bip32_xprv_parse(text, &k, &err) == 0) {
		bip32_xprv(&k, back);
		must(strcmp(text, back) == 0);
	} else {
		must(err.code == ERR_PARSE);
	}
	if (bip32_xpub_parse(text, &p, &err) == 0) {
		bip32_xpub(&p, back);
		must(strcmp(text, back) == 0);
	} else {
		must(err.code == ERR_PARSE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	char *text = malloc(size + 1);

	if (!ready)
		must(secp_init(blind));
	ready = true;
	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	read_words(text);
	read_keys(text);
	free(text);
	return 0;
}
