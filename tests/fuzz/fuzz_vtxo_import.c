/* The text of vtxo.import, as somebody pastes it: hex, a list, or an export, of this network or of another.  It is read or refused
 * with one of its errors; each VTXO of it is decoded or has a reason of its own; and what was decoded, written as hex, is
 * read as the same again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "chain/ark_keys.h"
#include "exit/vtxo_import.h"
#include "rails/bitcoin/secp.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An account like any other: none of its keys is in the corpus. */
#define XPUB                                                                                                           \
	"xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"

static struct store *store;
static char dir[200], path[220];

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int add_account(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return ark_account_add(u, XPUB, err) != 0 ? -1 : ark_keys_fill(u, 0, err);
}

static void remove_store(void)
{
	store_close(store);
	(void)unlink(path);
	(void)rmdir(dir);
}

static void prepare(void)
{
	static const uint8_t blind[32] = { 1 };
	const char *tmp = getenv("TMPDIR");
	struct err err;

	must(secp_init(blind));
	snprintf(dir, sizeof(dir), "%s/walletd-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/wallet.db", dir);
	must(store_open(&(struct store_options){ .path = path }, &store, &err) == 0);
	must(atexit(remove_store) == 0);
	must(store_unit_now(store, add_account, NULL, &err) == 0);
}

static void same_again(struct import_item *item)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64u << 20);
	struct bytes encoded = vtxo_encode(&a, &item->vtxo);
	struct vtxo_import *im;
	struct err err;

	must(vtxo_import_read(store_view(store), NETWORK_REGTEST, hex_text(&a, encoded), 0, &im, &err) == 0);
	must(im->n == 1 && im->items[0].decoded && bytes_equal(vtxo_encode(&a, &im->items[0].vtxo), encoded));
	must(im->items[0].verdict.err.code == item->verdict.err.code);
	vtxo_import_free(im);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vtxo_import *im;
	struct err err;
	char *text;

	if (!store)
		prepare();
	if (size > VTXO_IMPORT_TEXT_MAX || memchr(data, '\0', size))
		return 0; /* the method's parameter is text of no more than that */
	text = malloc(size + 1);
	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (vtxo_import_read(store_view(store), NETWORK_REGTEST, text, 0, &im, &err) != 0) {
		must(err.code == ERR_PARSE || err.code == ERR_RANGE || err.code == ERR_NETWORK);
		free(text);
		return 0;
	}
	must(im->n >= 1 && im->n <= VTXO_IMPORT_MAX);
	for (size_t i = 0; i < im->n; i++) {
		struct import_item *item = &im->items[i];

		must(!item->known);
		must(item->decoded || item->verdict.err.code != ERR_NONE);
		must(item->verdict.err.code == ERR_NONE || item->verdict.err.msg[0] != '\0');
		if (item->decoded && i == 0)
			same_again(item);
	}
	vtxo_import_free(im);
	free(text);
	return 0;
}
