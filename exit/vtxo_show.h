/* exit/vtxo_show.h - VTXOs as objects for people and programs, and the way onto the chain drawn as text. */
#ifndef EXIT_VTXO_SHOW_H
#define EXIT_VTXO_SHOW_H

#include "base/json.h"
#include "base/network.h"
#include "rails/ark/exit_tx.h"
#include "store/vtxo_store.h"

/* "txid:vout" under this name, and a txid or a block under theirs. */
void vtxo_set_point(json_t *obj, const char *name, const struct outpoint *at);

/* What a list has of each.  tip: 0 when no block is known. */
json_t *vtxo_row_json(struct arena *a, enum network net, const struct vtxo_row *row, uint32_t tip);
/* The same of one that the wallet does not have: what its bytes say. */
json_t *vtxo_json(struct arena *a, enum network net, const struct vtxo *v, uint32_t tip);
/* From the table, with its genesis: lives in a.  ERR_NOT_FOUND; ERR_INTERNAL: what is stored is no VTXO. */
MUST_CHECK int vtxo_load(struct view v, struct arena *a, int64_t row, struct vtxo *ret, struct err *err);
/* "exit_transactions": txid, kind, hex, vsize, outputs of each, first to last; "exit_chain": the same, drawn. */
MUST_CHECK int vtxo_set_chain(struct arena *a, enum network net, const struct vtxo *v, json_t *obj, struct err *err);
/* The object that vtxo_import_read() takes.  Its VTXOs are hex texts of vtxo_encode(). */
json_t *vtxo_export_json(struct arena *a, enum network net);
void vtxo_export_add(struct arena *a, json_t *export, const struct vtxo *v);

#endif
