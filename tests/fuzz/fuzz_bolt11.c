/* An invoice from a stranger, as text.  With a 0 in front, the rest becomes the data of one: a prefix up to the first '1',
 * then the groups, to which checksum and signature are added, so that fields are read at all.  What decodes keeps its
 * promises, and decodes again as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/bech32.h"
#include "rails/bitcoin/secp.h"
#include "rails/lightning/bolt11.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct bolt11 *inv)
{
	must(inv->has_amount ? inv->amount.v > 0 && inv->amount.v <= SAT_MONEY_MAX * 1000 : inv->amount.v == 0);
	must(secp_pubkey_valid(&inv->payee));
	must(bolt11_expires_at_s(inv) >= inv->made_at_s);
	must(inv->description == NULL || strlen(inv->description) <= BOLT11_DESCRIPTION_MAX);
	for (size_t i = 0; i < inv->n_routes; i++)
		must(inv->routes[i].n > 0);
	for (size_t i = 0; i < inv->n_fallbacks; i++)
		must(inv->fallbacks[i].n > 0 && inv->fallbacks[i].n <= SPK_MAX);
}

static void read_text(struct arena *a, const char *text)
{
	struct bolt11 inv, again;
	struct err err;

	if (bolt11_decode(a, text, &inv, &err) != 0) {
		must(err.code == ERR_INVOICE || err.code == ERR_NETWORK || err.code == ERR_UNSUPPORTED);
		return;
	}
	check(&inv);
	must(bolt11_decode(a, inv.text, &again, &err) == 0);
	must(strcmp(again.text, inv.text) == 0 && hash32_equal(&again.payment_hash, &inv.payment_hash));
	must(pubkey_equal(&again.payee, &inv.payee));
}

/* Sign with a key of our own, as a writer does. */
static void read_data(struct arena *a, const uint8_t *data, size_t size)
{
	static const struct secret key = { { [31] = 7 } };
	size_t n_hrp = 0;
	uint8_t groups[4096 + 104], sig[65];
	char hrp[33] = { 0 };
	struct hash32 digest;
	struct bytes tail, msg;
	struct buf b = BUF_CAP(8192);
	uint32_t acc = 0;
	unsigned bits = 0;
	int recovery;
	size_t n = 0;

	while (n_hrp < size && n_hrp < 32 && data[n_hrp] > 33 && data[n_hrp] <= 126 && data[n_hrp] != '1')
		n_hrp++;
	memcpy(hrp, data, n_hrp);
	for (char *c = hrp; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	if (n_hrp == 0 || size - n_hrp > 4096)
		return;
	buf_text_add(&b, hrp);
	for (size_t i = n_hrp; i < size; i++) {
		groups[n++] = data[i] & 31;
		acc = (acc << 5 | (data[i] & 31)) & 0xfff;
		for (bits += 5; bits >= 8; bits -= 8)
			buf_u8(&b, (uint8_t)(acc >> (bits - 8)));
	}
	if (bits > 0)
		buf_u8(&b, (uint8_t)(acc << (8 - bits)));
	msg = buf_bytes(&b);
	sha256(msg, &digest);
	buf_done(&b);
	must(secp_ecdsa_sign_recoverable(&key, &digest, 0, sig, &recovery));
	sig[64] = (uint8_t)recovery;
	tail = bech32_groups_of(a, (struct bytes){ sig, sizeof(sig) });
	memcpy(groups + n, tail.p, tail.n);
	read_text(a, bech32_encode(a, BECH32, hrp, (struct bytes){ groups, n + tail.n }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(2 * 1024 * 1024);

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size > 0 && data[0] == 0)
		read_data(&a, data + 1, size - 1);
	else
		read_text(&a, arena_strndup(&a, (const char *)data, size));
	return 0;
}
