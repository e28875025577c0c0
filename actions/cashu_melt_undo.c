/* actions/cashu_melt_undo.c - a payment that was given up while a copy of its request may still arrive: the proofs are
 * swapped for new ones.  After that no copy can pay.  spec/cashu.md 4.4 "cancel by spending", 4.10. */
#include <inttypes.h>

#include "actions/cashu_melt.h"
#include "base/backoff.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/output.h"

struct outcome melt_undo_drawing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	const struct keyset *ks;
	struct cashu_draw *draw;
	struct cashu_mint mint;
	struct proof *proofs;
	struct ecash sum, fee;
	struct split split;
	struct pubkey *ys;
	size_t n;

	(void)rep;
	if (cashu_mint_load(s, &m->at, &mint, err) != 0 ||
	    exchange_inputs(s, PROOF_LOCKED, &proofs, &ys, &n, err) != 0 ||
	    proofs_sum(proofs, n, m->at.unit, &sum, err) != 0 ||
	    fee_of_proofs(proofs, n, mint.keysets, mint.n, m->at.unit, &fee, err) != 0)
		return outcome_trouble(err);
	/* A mint may have raised its fee to what there is: then only the end of the payment itself frees them. */
	if (!ecash_sub(sum, fee, &sum) || ecash_is_zero(sum)) {
		ERR(err, ERR_FUNDS, "taking the proofs back would cost all of them");
		return outcome_park_error(MELT_PAYMENT_PENDING, s->now_ms + backoff_ms(s->row.attempts + 1), err);
	}
	if (cashu_output_keyset(s, &mint, m->at.unit, &ks, err) != 0 ||
	    split_amount(s->arena, ks, ecash_value(sum), &split, err) != 0)
		return outcome_park_error(MELT_PAYMENT_PENDING, s->now_ms + backoff_ms(s->row.attempts + 1), err);
	draw = ARENA_ARRAY(s->arena, split.n, struct cashu_draw);
	for (size_t i = 0; i < split.n; i++)
		draw[i] = (struct cashu_draw){ split.v[i], OUTPUT_KEEP };
	if (cashu_outputs_draw(s, m->at.mint_id, ks, draw, split.n, err) != 0)
		return outcome_trouble(err);
	m->undo.sends = 0;
	return outcome_next(MELT_UNDO_REQUESTED);
}

static struct cashu_place *undo_place(struct step *s)
{
	return &((struct melt *)s->checkpoint)->at;
}

static struct exchange *undo_exchange(struct step *s)
{
	return &((struct melt *)s->checkpoint)->undo;
}

static struct outcome undone(struct step *s, const struct proof *proofs, const struct output *outputs, size_t n,
			     struct err *err)
{
	struct melt *m = s->checkpoint;
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "melt_undone", m->at.mint_id, m->at.unit,
					    s->now_ms);
	struct ecash in, out, fee;
	struct outcome o;
	struct err why;

	if (proof_store_move(&mv, &s->row.id, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &in, err) != 0 ||
	    proof_store_add(&mv, proofs, n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE,
			    exchange_counters(s->arena, outputs, n), err) != 0 ||
	    proofs_sum(proofs, n, m->at.unit, &out, err) != 0 || exchange_settle(s, &mv, in, out, &fee, err) != 0)
		return outcome_trouble(err);
	ERR(&why, m->why ? err_code_of(m->why) : ERR_INTERNAL, "%s", m->words ? m->words : "");
	o = why.code == ERR_CANCELLED ? outcome_cancelled(&why) : outcome_failed(&why, "no");
	if (!ecash_is_zero(fee))
		o.funds_moved = "yes"; /* the fee of the swap, and no more */
	return o;
}

/* The mint will not swap them: they stay as they are, until the payment itself has an end. */
static struct outcome undo_refused(struct step *s, const struct err *why, struct err *err)
{
	struct melt *m = s->checkpoint;

	(void)err;
	m->undo = (struct exchange){ 0 };
	return outcome_park_error(MELT_PAYMENT_PENDING, s->now_ms + backoff_ms(s->row.attempts + 1), why);
}

/* Spent before our swap came: by the payment, if all of them are. */
static struct outcome undo_elsewhere(struct step *s, const struct pubkey *spent, size_t n, bool all, struct err *err)
{
	struct melt *m = s->checkpoint;

	/* The quote, and the proofs' states, say which it was. */
	(void)spent;
	(void)n;
	(void)all;
	(void)err;
	m->undo = (struct exchange){ 0 };
	return outcome_next(MELT_PAYMENT_PENDING);
}

const struct exchange_use melt_undo = {
	.inputs = PROOF_LOCKED,
	.st_sync = MELT_UNDO_SYNCING,
	.st_draw = MELT_UNDO_DRAWING,
	.st_request = MELT_UNDO_REQUESTED,
	.st_check = MELT_UNDO_CHECKING,
	.st_restore = MELT_UNDO_RESTORING,
	.place = undo_place,
	.exchange = undo_exchange,
	.finish = undone,
	.refused = undo_refused,
	.elsewhere = undo_elsewhere,
};
