/* exit/vtxo_import.h - VTXOs that come from outside (from bark, or from a backup): read, checked against the wallet's keys and
 * against the chain, and stored.  Implements the import of spec/ark-primitives.md 10.2.
 *
 * Each VTXO of a text is judged for itself; one that is refused holds up no other.  Errors of an item, beside those of
 * rails/ark/vtxo.h and exit/vtxo_look.h:
 *   ERR_VTXO_KEY  none of the wallet's keys opens it, so that nothing could be claimed: it is not taken
 *   ERR_NETWORK   the text says that it is of another network
 *   ERR_NO_WALLET there are no keys to compare with */
#ifndef EXIT_VTXO_IMPORT_H
#define EXIT_VTXO_IMPORT_H

#include "base/network.h"
#include "exit/vtxo_look.h"
#include "store/view.h"

#define VTXO_IMPORT_MAX      100u /* VTXOs of one text */
#define VTXO_IMPORT_TEXT_MAX 1000000u
#define VTXO_EXPORT_FORMAT   "walletd-vtxos"
#define VTXO_ORIGIN_IMPORT   "import"

/* Who watches the chain for this VTXO (store/watch_store.h), by the number of its row: "vtxo:7". */
#define VTXO_WATCHER_MAX 26
void vtxo_watcher(int64_t row, char ret[VTXO_WATCHER_MAX]);

struct import_item {
	bool decoded; /* then .vtxo is set */
	struct vtxo vtxo;
	uint32_t key_index;
	bool known;                  /* the wallet has it already: it is left as it is */
	struct vtxo_verdict verdict; /* its err: why it is refused, at whatever step */
	int64_t row;                 /* once stored, or known */
};
struct vtxo_import {
	struct arena arena; /* of all that the items point to */
	struct import_item *items;
	size_t n;
	/* of vtxo_import_look() */
	struct chain_source *chain;
	struct vtxo_look *look;
	size_t at;
	void (*done)(void *ctx);
	void *ctx;
};

/* The text is one VTXO or several in hex, with white space or commas between them; or what vtxo_export_json() made; or a JSON
 * array of hex texts.  search: how far beyond the keys that are looked for anyway (chain/ark_keys.h).  -1 when nothing of
 * the text can be used: ERR_PARSE, ERR_RANGE (more than VTXO_IMPORT_MAX), ERR_NETWORK; else each item has its verdict. */
MUST_CHECK int vtxo_import_read(struct view v, enum network net, const char *text, uint32_t search,
				struct vtxo_import **ret, struct err *err);
/* Cancels too.  NULL is fine. */
void vtxo_import_free(struct vtxo_import *im);
/* Asks the chain about each item that is neither refused nor known, one after the other; then done, never from inside.  False:
 * there is none, and done will not be called. */
MUST_CHECK bool vtxo_import_look(struct vtxo_import *im, struct chain_source *chain, void (*done)(void *ctx),
				 void *ctx);
/* done will not run. */
void vtxo_import_cancel(struct vtxo_import *im);
/* Stores those that are valid and watches the chain for their outputs, so that an exit that somebody else begins is seen.  label:
 * of each, or NULL. */
MUST_CHECK int vtxo_import_store(struct unit *u, struct vtxo_import *im, const char *label, int64_t now_ms,
				 struct err *err);

#endif
