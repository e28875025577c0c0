#include "outbox/elsewhere.h"

#include <stdlib.h>

#include "outbox/directive_states.h"
#include "outbox/signer.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/verifier_log.h"

#define PAGE_ARENA_MAX ((size_t)JSONRPC_BATCH_MAX * DIRECTIVE_ROOM)

struct elsewhere {
	struct chain *chain;
	struct arena arena;
	struct endpoints_asked *ask;
	struct directive_row *rows;
	struct evm_receipt *receipts;
	bool *known, *found;
	size_t n;
	struct moves moves;
};

static void elsewhere_free(struct elsewhere *e)
{
	if (e->chain->elsewhere == e)
		e->chain->elsewhere = NULL;
	arena_done(&e->arena);
	free(e);
}

void elsewhere_cancel(struct chain *c)
{
	if (!c->elsewhere)
		return;
	if (c->elsewhere->ask) {
		endpoints_cancel(c->elsewhere->ask);
		elsewhere_free(c->elsewhere);
	}
}

static bool has_effect(struct elsewhere *e, size_t i)
{
	const struct space *s = outbox_space_of(e->chain->ob, e->rows[i].space_id);
	struct hash32 id_hash, digest;
	struct err err;

	if (!s)
		return false;
	/* Not as it was signed here: it may never have been, when the effect was found before the first submission. */
	signer_digest(s, &e->rows[i], &id_hash, &digest);
	for (size_t k = 0; k < e->receipts[i].n_logs; k++) {
		const struct evm_log *log = &e->receipts[i].logs[k];
		struct verifier_log v;

		if (evm_address_equal(&log->address, &s->conf.contract) &&
		    verifier_log_decode(log->topics, log->n_topics, log->data, &v, &err) == 0 &&
		    v.event == VERIFIER_EXECUTED && hash32_equal(&v.digest, &digest))
			return true;
	}
	return false;
}

static int write_one(struct elsewhere *e, size_t i, struct err *err)
{
	const struct evm_receipt *r = &e->receipts[i];
	struct effect effect = { .tx_hash = e->rows[i].result_hash,
				 .block = r->block_number,
				 .gas_used = r->gas_used,
				 .gas_price = r->effective_gas_price };

	if (!e->found[i] || !has_effect(e, i))
		return directive_reorg(&e->moves, &e->rows[i], err);
	if (e->rows[i].status == DELIVERY_CONFIRMED) /* in another block now: what is deep enough begins anew */
		return r->block_number == e->rows[i].result_block ? 0 : directive_reorg(&e->moves, &e->rows[i], err);
	return chain_is_final(e->chain, r->block_number) ? directive_confirm(&e->moves, &e->rows[i], &effect, NULL, err)
							 : 0;
}

static int write_run(struct unit *u, void *ctx, struct err *err)
{
	struct elsewhere *e = ctx;

	e->moves = moves_in(u, &e->arena, &e->chain->ob->meters);
	for (size_t i = 0; i < e->n; i++)
		if (e->known[i] && write_one(e, i, err) != 0)
			return -1;
	return 0;
}

static void written(void *ctx, const struct err *err)
{
	struct elsewhere *e = ctx;

	e->chain->ob->units--;
	if (err)
		outbox_write_failed(e->chain->ob, "outbox.receipts_not_saved", err);
	else
		after_run(&e->moves.after, &e->chain->ob->meters);
	elsewhere_free(e);
}

static void answered(void *ctx, const struct evm_answers *rep)
{
	struct elsewhere *e = ctx;
	struct err err;

	e->ask = NULL;
	for (size_t i = 0; rep->endpoint >= 0 && i < e->n; i++) {
		json_t *v;

		e->known[i] = jsonrpc_result(&rep->answers[i], &v, &err) == 0 &&
			      evm_reply_receipt(&e->arena, v, &e->rows[i].result_hash, &e->found[i], &e->receipts[i],
						&err) == 0;
	}
	if (rep->endpoint < 0) {
		elsewhere_free(e);
	} else if (store_unit(e->chain->ob->opt.store, write_run, e, written, &err) != 0) {
		outbox_write_failed(e->chain->ob, "outbox.receipts_not_saved", &err);
		elsewhere_free(e);
	} else {
		e->chain->ob->units++;
	}
}

static void take(struct elsewhere *e, const struct directive_row *rows, size_t n)
{
	for (size_t i = 0; i < n && e->n < JSONRPC_BATCH_MAX; i++) {
		const struct space *s = outbox_space_of(e->chain->ob, rows[i].space_id);

		if (s && s->chain == e->chain)
			e->rows[e->n++] = directive_row_copy(&e->arena, &rows[i]);
	}
}

/* A page of those that are included: of whatever chain, so that many of one must not hide those of another. */
static int collect_included(struct elsewhere *e, struct err *err)
{
	struct view v = store_view(e->chain->ob->opt.store);
	struct directive_row *rows;
	int64_t after = 0;
	size_t n;

	do {
		SCOPED(arena) struct arena page = ARENA_LIMIT(PAGE_ARENA_MAX);

		if (directive_store_included_elsewhere(v, &page, after, JSONRPC_BATCH_MAX, &rows, &n, err) != 0)
			return -1;
		take(e, rows, n);
		after = n > 0 ? rows[n - 1].seq : 0;
	} while (n == JSONRPC_BATCH_MAX && e->n < JSONRPC_BATCH_MAX);
	return 0;
}

/* And those that were confirmed not long ago: spec 5.8 looks after them for as many blocks more. */
static int collect(struct elsewhere *e, struct err *err)
{
	struct chain *c = e->chain;
	struct view v = store_view(c->ob->opt.store);
	uint64_t watched = 3 * chain_final_depth(c), after = c->head > watched ? c->head - watched : 0;
	struct directive_row *rows;
	size_t n;

	e->rows = ARENA_ARRAY(&e->arena, JSONRPC_BATCH_MAX, struct directive_row);
	if (collect_included(e, err) != 0)
		return -1;
	for (size_t i = 0; i < c->ob->n_spaces; i++) {
		if (c->ob->spaces[i]->chain != c || c->ob->spaces[i]->id == 0)
			continue;
		if (directive_store_confirmed_elsewhere(v, &e->arena, c->ob->spaces[i]->id, after, JSONRPC_BATCH_MAX,
							&rows, &n, err) != 0)
			return -1;
		take(e, rows, n);
	}
	return 0;
}

void elsewhere_run(struct chain *c)
{
	struct elsewhere *e;
	struct jsonrpc_batch b;
	struct err err;

	if (c->elsewhere || !outbox_may_drive(c->ob))
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		abort();
	e->chain = c;
	e->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	c->elsewhere = e;
	c->elsewhere_due = false;
	if (collect(e, &err) != 0) {
		outbox_write_failed(c->ob, "outbox.included_unreadable", &err);
		e->n = 0;
	}
	if (e->n == 0) {
		elsewhere_free(e);
		return;
	}
	e->receipts = ARENA_ARRAY(&e->arena, e->n, struct evm_receipt);
	e->known = ARENA_ARRAY(&e->arena, e->n, bool);
	e->found = ARENA_ARRAY(&e->arena, e->n, bool);
	b = jsonrpc_batch_in(&e->arena);
	for (size_t i = 0; i < e->n; i++)
		evm_ask_receipt(&b, &e->rows[i].result_hash);
	e->ask = endpoints_ask(c->ep, &b, 0, answered, e);
}
