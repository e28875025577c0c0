#include "rails/ark/exit_tx.h"

#include <string.h>

#include "rails/bitcoin/sighash.h"

#define EXIT_VERSION  3 /* TRUC: BIP431 */
#define EXIT_SEQUENCE 0

void ark_tx_make(struct arena *a, const struct outpoint *spends, const struct tx_out *outs, size_t n, struct sat fee,
		 struct tx *ret)
{
	static const uint8_t p2a[] = { OP_1, 2, 0x4e, 0x73 }; /* BIP433 */
	struct tx tx = { .version = EXIT_VERSION, .n_in = 1, .n_out = n + 1 };

	tx.in = ARENA_NEW(a, struct tx_in);
	tx.in[0] = (struct tx_in){ .prevout = *spends, .sequence = EXIT_SEQUENCE };
	tx.out = ARENA_ARRAY(a, n + 1, struct tx_out);
	for (size_t i = 0; i < n; i++)
		tx.out[i] = outs[i];
	tx.out[n] = (struct tx_out){ fee, { p2a, sizeof(p2a) } };
	*ret = tx;
}

int ark_tx_sighash(const struct tx *tx, const struct tx_out *spent, const struct hash32 *leaf, struct hash32 *ret,
		   struct err *err)
{
	struct sighash s;

	sighash_init(&s, tx, spent);
	if (leaf != NULL)
		return sighash_script_path(&s, 0, SIGHASH_DEFAULT, (struct bytes){ 0 }, leaf, ret, err);
	return sighash_key_path(&s, 0, SIGHASH_DEFAULT, (struct bytes){ 0 }, ret, err);
}

int exit_tx_sighash(const struct exit_tx *e, struct hash32 *ret, struct err *err)
{
	const struct hash32 *leaf = e->from.by_leaf ? &e->from.tap.leaf[GENESIS_UNLOCK_LEAF].hash : NULL;

	return ark_tx_sighash(&e->tx, &e->spent, leaf, ret, err);
}

/* Where the chain stands between two steps. */
struct walk {
	struct arena *arena;
	const struct vtxo *v;
	struct outpoint at;
	struct sat left;
};

static struct bytes own_script(struct arena *a, const struct spk *s)
{
	return arena_bytes(a, spk_bytes(s));
}

/* How each output of the chain is spent; what the last one pays to is the VTXO's own policy. */
static int fill_scripts(struct arena *a, struct ark_memo *memo, const struct vtxo *v, struct exit_chain *c,
			struct err *err)
{
	struct ark_taproot tap;
	struct spk spk;

	for (size_t i = 0; i < v->n_items; i++) {
		if (genesis_spent_output(memo, &v->items[i], &v->terms, &c->txs[i].from, err) != 0)
			return err_context(err, "genesis item %zu", i);
		c->txs[i].spent.script = own_script(a, &c->txs[i].from.spk);
	}
	if (ark_policy_taproot_by(memo, &v->policy, &v->terms, &tap, err) != 0)
		return -1;
	spk = ark_taproot_spk(&tap);
	c->own = (struct tx_out){ v->amount, own_script(a, &spk) };
	return 0;
}

/* All outputs but the fee anchor, the one that continues the chain in its place. */
static struct tx_out *outputs_of(struct arena *a, const struct genesis_item *g, const struct tx_out *next)
{
	struct tx_out *outs = ARENA_ARRAY(a, g->n_others + 1u, struct tx_out);
	size_t before = g->output_idx;

	for (size_t i = 0; i < g->n_others; i++)
		outs[i < before ? i : i + 1] = g->others[i];
	outs[before] = *next;
	return outs;
}

static int add_witness(struct arena *a, const struct genesis_item *g, struct exit_tx *e, struct err *err)
{
	struct witness *w = &e->tx.in[0].witness;

	if (!genesis_has_witness(g))
		return 0;
	if (e->from.by_leaf)
		return ark_leaf_witness(a, &e->from.tap, GENESIS_UNLOCK_LEAF, g->signature, g->preimage, w, err);
	w->items = ARENA_NEW(a, struct bytes);
	w->items[0] = arena_bytes(a, (struct bytes){ g->signature, sizeof(g->signature) });
	w->n = 1;
	return 0;
}

/* One step: e->spent and e->from are there, and so is the script of what comes next. */
static int take_step(struct walk *w, const struct genesis_item *g, struct tx_out *next, struct exit_tx *e,
		     struct err *err)
{
	struct sat side;

	if (!genesis_side_value(g, &side))
		return ERR(err, ERR_VTXO_INVALID, "output sum overflow");
	if (!sat_sub(w->left, side, &w->left))
		return ERR(err, ERR_VTXO_INVALID, "insufficient onchain amount");
	next->value = w->left;
	ark_tx_make(w->arena, &w->at, outputs_of(w->arena, g, next), g->n_others + 1u, g->fee, &e->tx);
	if (add_witness(w->arena, g, e, err) != 0)
		return -1;
	e->txid = tx_txid(&e->tx);
	e->next = (struct outpoint){ e->txid, g->output_idx };
	w->at = e->next;
	return 0;
}

static int walk(struct walk *w, struct exit_chain *c, struct err *err)
{
	const struct vtxo *v = w->v;

	for (size_t i = 0; i < v->n_items; i++) {
		struct tx_out *next = i + 1 < v->n_items ? &c->txs[i + 1].spent : &c->own;

		if (take_step(w, &v->items[i], next, &c->txs[i], err) != 0)
			return err_context(err, "genesis item %zu", i);
	}
	return 0;
}

/* A transaction with its outputs, and what a witness by the leaf takes; 16 bytes for aligning each piece, and all of it so
 * that nothing is left over when it is aligned itself. */
size_t exit_chain_room(const struct vtxo *v)
{
	const size_t pieces = 16, piece = 16, scripts = 512;
	size_t sum = 4096;

	for (size_t i = 0; i < v->n_items; i++)
		sum += sizeof(struct exit_tx) + sizeof(struct tx_in) + scripts + pieces * piece +
		       2 * (v->items[i].n_others + 2u) * sizeof(struct tx_out);
	return (sum + piece - 1) / piece * piece;
}

int exit_chain_make_by(struct arena *a, struct ark_memo *memo, const struct vtxo *v, struct exit_chain *ret,
		       struct err *err)
{
	struct exit_chain c = { .n = v->n_items };
	struct walk w = { .arena = a, .v = v, .at = v->anchor };

	if (!arena_room(a, exit_chain_room(v)))
		return ERR(err, ERR_RANGE, "VTXO: the exit of %zu steps is more than there is room for", v->n_items);
	if (vtxo_anchor_amount(v, &w.left, err) != 0)
		return -1;
	c.txs = ARENA_ARRAY(a, c.n, struct exit_tx);
	if (fill_scripts(a, memo, v, &c, err) != 0)
		return -1;
	c.anchor = c.own;
	if (c.n > 0) {
		c.txs[0].spent.value = w.left;
		c.anchor = c.txs[0].spent;
	}
	if (walk(&w, &c, err) != 0)
		return -1;
	*ret = c;
	return 0;
}

int exit_chain_make(struct arena *a, const struct vtxo *v, struct exit_chain *ret, struct err *err)
{
	return exit_chain_make_by(a, NULL, v, ret, err);
}
