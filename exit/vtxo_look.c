#include "exit/vtxo_look.h"

#include <inttypes.h>
#include <stdlib.h>

#include "rails/ark/exit_tx.h"
#include "rails/ark/validate.h"

#define LOOK_ARENA (64u << 20) /* the largest VTXO's chain fits */

/* One question after another; what each answer means is in the function that ends in _told. */
struct vtxo_look {
	struct chain_source *chain;
	const struct vtxo *vtxo;
	struct vtxo_look_then then;
	struct chain_ask *ask;
	struct arena arena;
	struct txid first; /* of the first transaction of its exit */
	uint32_t first_outs;
	struct vtxo_verdict verdict;
};

static void look_free(struct vtxo_look *l)
{
	arena_done(&l->arena);
	free(l);
}

static void finish(struct vtxo_look *l)
{
	struct vtxo_look_then then = l->then;
	struct vtxo_verdict verdict = l->verdict;

	look_free(l);
	then.done(then.ctx, &verdict);
}

/* Whether there was an answer; without one the look ends with what went wrong. */
static bool answered(struct vtxo_look *l, const struct chain_answer *got)
{
	l->ask = NULL;
	if (got->err.code == ERR_NONE)
		return true;
	l->verdict.err = got->err;
	finish(l);
	return false;
}

/* --- the anchor's transaction: the last question --- */

static void judge(struct vtxo_look *l, const struct tx *anchor_tx)
{
	struct err err;

	if (vtxo_validate(l->vtxo, anchor_tx, &err) != 0)
		l->verdict.err = err;
	else if (vtxo_check_standard(l->vtxo, &err) != 0)
		l->verdict.warning = err;
}

static void tx_told(void *ctx, const struct chain_answer *got)
{
	struct vtxo_look *l = ctx;
	char text[TXID_TEXT];

	if (!answered(l, got))
		return;
	if (got->found) {
		judge(l, &got->tx);
	} else {
		txid_text(&l->vtxo->anchor.txid, text);
		ERR(&l->verdict.err, ERR_VTXO_NO_ANCHOR, "the node no longer shows the transaction %s", text);
		err_hint(&l->verdict.err, "ask a node with txindex=1, or an Esplora server");
	}
	finish(l);
}

static void ask_tx(struct vtxo_look *l)
{
	l->ask = chain_ask_tx(l->chain, &l->vtxo->anchor.txid, &l->verdict.anchor_block.hash,
			      (struct chain_then){ tx_told, l });
}

/* --- an anchor that is there --- */

static void ref_told(void *ctx, const struct chain_answer *got)
{
	struct vtxo_look *l = ctx;

	if (!answered(l, got))
		return;
	if (!got->found) {
		ERR(&l->verdict.err, ERR_BUSY, "the chain moved while it was looked at");
		finish(l);
		return;
	}
	l->verdict.anchor_block = got->ref;
	ask_tx(l);
}

/* --- one that is not: was it ever, and what spent it? --- */

static void anchor_told(void *ctx, const struct chain_answer *got)
{
	struct vtxo_look *l = ctx;
	char text[OUTPOINT_TEXT];

	if (!answered(l, got))
		return;
	outpoint_text(&l->vtxo->anchor, text);
	switch (got->status.place) {
	case CHAIN_NOT_FOUND:
		ERR(&l->verdict.err, ERR_VTXO_NO_ANCHOR,
		    "the node knows no output %s, which this VTXO stands on: is the VTXO of this network?", text);
		break;
	case CHAIN_MEMPOOL:
		ERR(&l->verdict.err, ERR_VTXO_UNCONFIRMED, "no block has the output %s yet, which this VTXO stands on",
		    text);
		err_hint(&l->verdict.err, "try again when it has a confirmation");
		break;
	case CHAIN_CONFIRMED:
		if (l->verdict.under_way) {
			l->verdict.anchor_block = got->status.block;
			ask_tx(l);
			return;
		}
		ERR(&l->verdict.err, ERR_VTXO_SPENT,
		    "the output %s is spent, which this VTXO stands on, and not by this VTXO's exit", text);
		break;
	}
	finish(l);
}

static void first_told(void *ctx, const struct chain_answer *got)
{
	struct vtxo_look *l = ctx;

	if (!answered(l, got))
		return;
	l->verdict.under_way = got->status.place != CHAIN_NOT_FOUND;
	l->ask = chain_ask_status(l->chain, &l->vtxo->anchor.txid, 0, (struct chain_then){ anchor_told, l });
}

static void coin_told(void *ctx, const struct chain_answer *got)
{
	struct vtxo_look *l = ctx;

	if (!answered(l, got))
		return;
	if (got->found)
		l->ask = chain_ask_ref(l->chain, got->coin.height, (struct chain_then){ ref_told, l });
	else
		l->ask = chain_ask_status(l->chain, &l->first, l->first_outs, (struct chain_then){ first_told, l });
}

/* --- the beginning --- */

/* The id of the first transaction of its exit: that alone may spend the anchor. */
static int name_first(struct vtxo_look *l, struct err *err)
{
	struct exit_chain chain;

	if (l->vtxo->n_items == 0)
		return ERR(err, ERR_VTXO_INVALID, "it has no transactions: it is an output on chain already");
	if (exit_chain_make(&l->arena, l->vtxo, &chain, err) != 0)
		return -1;
	l->first = chain.txs[0].txid;
	l->first_outs = (uint32_t)chain.txs[0].tx.n_out;
	return 0;
}

static void tip_told(void *ctx, const struct chain_answer *got)
{
	struct vtxo_look *l = ctx;
	uint32_t expiry = l->vtxo->terms.expiry_height;

	if (!answered(l, got))
		return;
	l->verdict.tip = got->header.ref;
	if (expiry <= l->verdict.tip.height) {
		ERR(&l->verdict.err, ERR_VTXO_EXPIRED,
		    "it expired at height %" PRIu32 ", and the chain is at %" PRIu32
		    ": its server may take what it stands on",
		    expiry, l->verdict.tip.height);
		finish(l);
		return;
	}
	if (name_first(l, &l->verdict.err) != 0) {
		finish(l);
		return;
	}
	l->ask = chain_ask_coin(l->chain, &l->vtxo->anchor, (struct chain_then){ coin_told, l });
}

struct vtxo_look *vtxo_look_new(struct chain_source *chain, const struct vtxo *v, struct vtxo_look_then then)
{
	struct vtxo_look *l = calloc(1, sizeof(*l));

	if (!l)
		err_fatal("out of memory");
	*l = (struct vtxo_look){ .chain = chain, .vtxo = v, .then = then, .arena = ARENA_LIMIT(LOOK_ARENA) };
	err_clear(&l->verdict.err);
	err_clear(&l->verdict.warning);
	l->ask = chain_ask_tip(chain, (struct chain_then){ tip_told, l });
	return l;
}

void vtxo_look_cancel(struct vtxo_look *look)
{
	if (!look)
		return;
	chain_cancel(look->ask);
	look_free(look);
}
