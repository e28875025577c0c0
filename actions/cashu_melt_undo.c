/* actions/cashu_melt_undo.c - a payment that was given up while a copy of its request may still arrive: the proofs are
 * swapped for new ones.  After that no copy can pay.  spec/cashu.md 4.4 "cancel by spending", 4.10. */
#include "actions/cashu_melt.h"
#include "base/backoff.h"

static struct outcome wait_for_payment(struct step *s, const struct err *why)
{
	return outcome_park_error(MELT_PAYMENT_PENDING, s->now_ms + backoff_ms(s->row.attempts + 1), why);
}

struct outcome melt_undo_drawing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	enum exchange_back back;
	struct ecash fee;

	(void)rep;
	if (exchange_back_draw(s, &m->at, PROOF_LOCKED, &back, &fee, err) != 0)
		return outcome_trouble(err);
	switch (back) {
	case EXCHANGE_BACK_DRAWN:
		break;
	case EXCHANGE_BACK_WORTHLESS:
		/* A mint may have raised its fee to what there is: then only the end of the payment itself frees them. */
		ERR(err, ERR_FUNDS, "taking the proofs back would cost all of them");
		return wait_for_payment(s, err);
	case EXCHANGE_BACK_LATER:
		return wait_for_payment(s, err);
	}
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
	struct ecash out, fee;
	struct outcome o;
	struct err why;

	if (exchange_back_keep(s, &mv, PROOF_LOCKED, m->at.unit, proofs, outputs, n, &out, &fee, err) != 0)
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
	return wait_for_payment(s, why);
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
