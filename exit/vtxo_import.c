#include "exit/vtxo_import.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "chain/ark_keys.h"
#include "exit/status.h"
#include "rails/ark/exit_tx.h"
#include "store/vtxo_store.h"
#include "store/watch_store.h"

#define IMPORT_ARENA (64u << 20)
#define SEPARATORS   " \t\r\n,"

void vtxo_watcher(int64_t row, char ret[VTXO_WATCHER_MAX])
{
	snprintf(ret, VTXO_WATCHER_MAX, "vtxo:%" PRId64, row);
}

/* --- the text --- */

struct texts {
	const char *v[VTXO_IMPORT_MAX];
	size_t n;
};

static int add_text(struct texts *t, const char *text, struct err *err)
{
	if (t->n == VTXO_IMPORT_MAX)
		return ERR(err, ERR_RANGE, "more than %u VTXOs at once", VTXO_IMPORT_MAX);
	t->v[t->n++] = text;
	return 0;
}

static int split_words(struct arena *a, const char *text, struct texts *t, struct err *err)
{
	while (*(text += strspn(text, SEPARATORS)) != '\0') {
		size_t n = strcspn(text, SEPARATORS);

		if (add_text(t, arena_strndup(a, text, n), err) != 0)
			return -1;
		text += n;
	}
	return 0;
}

static int split_array(json_t *array, struct texts *t, struct err *err)
{
	size_t i;
	json_t *each;

	json_array_foreach(array, i, each)
	{
		const char *hex = json_string_value(json_is_object(each) ? json_object_get(each, "hex") : each);

		if (!hex)
			return ERR(err, ERR_PARSE, "the %zu. of the VTXOs is no hex text", i + 1);
		if (add_text(t, hex, err) != 0)
			return -1;
	}
	return 0;
}

static int split_export(enum network net, json_t *obj, struct texts *t, struct err *err)
{
	const char *format, *of;
	json_t *array;

	if (json_get_str(obj, "format", 64, &format, err) != 0 || json_get_str(obj, "network", 64, &of, err) != 0 ||
	    json_get_arr(obj, "vtxos", VTXO_IMPORT_MAX, &array, err) != 0)
		return -1;
	if (strcmp(format, VTXO_EXPORT_FORMAT) != 0)
		return ERR(err, ERR_PARSE, "this is no export of VTXOs");
	if (strcmp(of, network_names[net]) != 0)
		return ERR(err, ERR_NETWORK, "these VTXOs are of another network than %s", network_names[net]);
	return split_array(array, t, err);
}

static int split(struct arena *a, enum network net, const char *text, struct texts *t, struct err *err)
{
	json_t *v;

	text += strspn(text, SEPARATORS);
	if (*text != '{' && *text != '[')
		return split_words(a, text, t, err);
	if (json_parse(a, bytes_of(text), JSON_DEPTH_MAX, &v, err) != 0)
		return -1;
	return json_is_array(v) ? split_array(v, t, err) : split_export(net, v, t, err);
}

/* --- what is known without the chain --- */

/* ERR_NONE in its verdict, or why it is refused. */
static int read_item(struct view v, struct vtxo_import *im, struct import_item *item, const char *hex, uint32_t search,
		     struct err *err)
{
	struct err *refused = &item->verdict.err;
	struct vtxo_row row;
	int rc;

	if (vtxo_parse(&im->arena, hex, VTXO_FULL, &item->vtxo, refused) != 0)
		return 0;
	item->decoded = true;
	if (item->vtxo.n_items > EXIT_TXS_MAX) {
		ERR(refused, ERR_VTXO_INVALID, "its exit is of %zu transactions: more than %u are never taken",
		    item->vtxo.n_items, EXIT_TXS_MAX);
		return 0;
	}
	rc = vtxo_store_find(v, &im->arena, &item->vtxo.point, &row, err);
	if (rc != 0) {
		item->known = rc == 1;
		item->row = rc == 1 ? row.id : 0;
		return rc < 0 ? -1 : 0;
	}
	rc = ark_keys_search(v, &item->vtxo.policy.user, search, &item->key_index, err);
	if (rc == 0) {
		ERR(refused, ERR_VTXO_KEY,
		    "its key is none of this wallet's, which could claim nothing of it: nothing is kept only to be"
		    " watched");
		err_hint(refused, "restore the words of the wallet that has it; or give a larger search");
	}
	return rc < 0 ? -1 : 0;
}

int vtxo_import_read(struct view v, enum network net, const char *text, uint32_t search, struct vtxo_import **ret,
		     struct err *err)
{
	struct vtxo_import *im = calloc(1, sizeof(*im));
	struct texts texts = { .n = 0 };

	if (!im)
		err_fatal("out of memory");
	im->arena = ARENA_LIMIT(IMPORT_ARENA);
	if (split(&im->arena, net, text, &texts, err) != 0) {
		vtxo_import_free(im);
		return -1;
	}
	im->items = ARENA_ARRAY(&im->arena, texts.n, struct import_item);
	im->n = texts.n;
	for (size_t i = 0; i < im->n; i++) {
		im->items[i] = (struct import_item){ 0 };
		if (read_item(v, im, &im->items[i], texts.v[i], search, err) != 0) {
			vtxo_import_free(im);
			return -1;
		}
	}
	if (im->n == 0) {
		vtxo_import_free(im);
		return ERR(err, ERR_PARSE, "there is no VTXO in it");
	}
	*ret = im;
	return 0;
}

void vtxo_import_cancel(struct vtxo_import *im)
{
	vtxo_look_cancel(im->look);
	im->look = NULL;
}

void vtxo_import_free(struct vtxo_import *im)
{
	if (!im)
		return;
	vtxo_import_cancel(im);
	arena_done(&im->arena);
	free(im);
}

/* --- what the chain says --- */

static bool wants_look(const struct import_item *item)
{
	return item->decoded && !item->known && item->verdict.err.code == ERR_NONE;
}

static bool look_at_next(struct vtxo_import *im);

static void looked(void *ctx, const struct vtxo_verdict *verdict)
{
	struct vtxo_import *im = ctx;

	im->look = NULL;
	im->items[im->at++].verdict = *verdict;
	if (!look_at_next(im))
		im->done(im->ctx);
}

static bool look_at_next(struct vtxo_import *im)
{
	while (im->at < im->n && !wants_look(&im->items[im->at]))
		im->at++;
	if (im->at == im->n)
		return false;
	im->look = vtxo_look_new(im->chain, &im->items[im->at].vtxo, (struct vtxo_look_then){ looked, im });
	return true;
}

bool vtxo_import_look(struct vtxo_import *im, struct chain_source *chain, void (*done)(void *ctx), void *ctx)
{
	im->chain = chain;
	im->done = done;
	im->ctx = ctx;
	im->at = 0;
	return look_at_next(im);
}

/* --- storing --- */

static int row_of(struct arena *a, const struct import_item *item, const char *label, struct vtxo_add *ret,
		  struct err *err)
{
	SCOPED(arena) struct arena room = ARENA_LIMIT(exit_chain_room(&item->vtxo));
	const struct vtxo *v = &item->vtxo;
	struct exit_chain chain;
	struct vtxo_row row = {
		.point = v->point,
		.amount = v->amount,
		.state = VTXO_SPENDABLE,
		.key_index = item->key_index,
		.server = v->terms.server,
		.policy = (uint8_t)v->policy.kind,
		.expiry_height = v->terms.expiry_height,
		.exit_delta = v->terms.exit_delta,
		.depth = (uint16_t)v->n_items,
		.anchor = v->anchor,
		.has_anchor_block = true,
		.anchor_block = item->verdict.anchor_block,
		.standard = item->verdict.warning.code == ERR_NONE,
		.origin = VTXO_ORIGIN_IMPORT,
		.label = label,
	};

	if (exit_chain_make(&room, v, &chain, err) != 0)
		return -1;
	for (size_t i = 0; i < chain.n; i++)
		row.exit_weight = weight_add(row.exit_weight, tx_weight(&chain.txs[i].tx));
	row.script = arena_bytes(a, chain.own.script);
	*ret = (struct vtxo_add){ row, vtxo_encode_bare(a, v), vtxo_genesis_encode(a, v) };
	return 0;
}

static int store_item(struct unit *u, struct import_item *item, const char *label, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(IMPORT_ARENA);
	const struct vtxo_verdict *said = &item->verdict;
	uint32_t from = said->under_way ? said->anchor_block.height : said->tip.height;
	char watcher[VTXO_WATCHER_MAX];
	struct vtxo_add add;
	int64_t watch;
	int rc;

	if (row_of(&a, item, label, &add, err) != 0 || ark_keys_fill(u, item->key_index, err) != 0)
		return -1;
	rc = vtxo_store_add(u, &add, now_ms, &item->row, err);
	if (rc != 1) {
		item->known = rc == 0; /* twice in one text, or in two calls at once */
		return rc;
	}
	vtxo_watcher(item->row, watcher);
	if (watch_store_script(u, watcher, add.row.script, from, now_ms, &watch, err) != 0)
		return -1;
	return ark_keys_fill(u, 0, err); /* the window has moved on */
}

int vtxo_import_store(struct unit *u, struct vtxo_import *im, const char *label, int64_t now_ms, struct err *err)
{
	for (size_t i = 0; i < im->n; i++)
		if (wants_look(&im->items[i]) && store_item(u, &im->items[i], label, now_ms, err) < 0)
			return -1;
	return 0;
}
