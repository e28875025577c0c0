#include "actions/cashu_send.h"

#include <inttypes.h>

int send_back_check(struct step *s, struct send *m, struct err *err)
{
	struct proof *proofs;
	struct pubkey *ys;
	struct err why;
	size_t n;

	if (!m->lock)
		return 0;
	m->opener.at_s = s->now_ms / 1000;
	if (exchange_inputs(s, PROOF_SENT, &proofs, &ys, &n, err) != 0)
		return -1;
	if (locks_check(s->view, s->keys, &m->opener, proofs, n, NULL, &why) == 0)
		return 0;
	if (why.code != ERR_LOCKED) {
		*err = why;
		return -1;
	}
	ERR(err, ERR_NOT_CANCELLABLE, "the token is locked, and not to this wallet: %s", why.msg);
	return err_hint(err, "%s", why.hint);
}

int send_unlock(struct step *s, struct proof *inputs, size_t n, const struct output *outputs, size_t n_out,
		struct err *err)
{
	const struct send *m = s->checkpoint;

	return m->lock ? locks_open(s, &m->opener, inputs, n, outputs, n_out, err) : 0;
}

struct outcome send_rolling_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	size_t left, pending;

	if (send_watch_read(s, rep, &left, &pending, err) != 0)
		return outcome_trouble(err);
	if (left == 0)
		return send_claimed(s, s->checkpoint);
	if (pending)
		return outcome_park(SEND_ROLLING_BACK, s->now_ms + 2000);
	return outcome_next(SEND_RECLAIM_SYNCING);
}

static struct outcome stay_out(struct step *s, const struct err *why)
{
	return outcome_park_error(SEND_TOKEN_CREATED, s->now_ms + WATCH_FIRST_MS, why);
}

struct outcome send_drawing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct send *m = s->checkpoint;
	enum exchange_back back;
	struct ecash fee;

	(void)rep;
	if (exchange_back_draw(s, &m->at, PROOF_SENT, &back, &fee, err) != 0)
		return outcome_trouble(err);
	switch (back) {
	case EXCHANGE_BACK_DRAWN:
		break;
	case EXCHANGE_BACK_WORTHLESS:
		ERR(err, ERR_TOKEN_DUST, "taking the token back would cost all of it: the mint's fee is %" PRIu64,
		    ecash_value(fee));
		return stay_out(s, err);
	case EXCHANGE_BACK_LATER:
		return stay_out(s, err);
	}
	m->x.sends = 0;
	return outcome_next(SEND_RECLAIM_REQUESTED);
}

struct outcome send_reclaim_finish(struct step *s, const struct proof *proofs, const struct output *outputs, size_t n,
				   struct err *err)
{
	struct send *m = s->checkpoint;
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "send_reclaimed", m->at.mint_id, m->at.unit,
					    s->now_ms);
	json_t *result = json_object_in(s->arena);
	struct ecash out, fee;
	struct outcome o;
	struct err why;

	mv.note = m->memo;
	if (exchange_back_keep(s, &mv, PROOF_SENT, m->at.unit, proofs, outputs, n, &out, &fee, err) != 0)
		return outcome_trouble(err);
	json_set_str(result, "mint", m->at.mint);
	json_set_str(result, "unit", m->at.unit.s);
	json_set_u64(result, "amount", m->token_sum);
	json_set_bool(result, "claimed", false);
	json_set_u64(result, "reclaimed", ecash_value(out));
	json_set_u64(result, "fee", ecash_value(fee) + m->swap_fee);
	ERR(&why, ERR_CANCELLED, "the token was taken back");
	o = outcome_cancelled(&why);
	o.result = result;
	/* What somebody claimed, and the fees of the swaps, are gone. */
	if (ecash_value(out) < m->token_sum + m->swap_fee)
		o.funds_moved = "yes";
	return o;
}

/* The mint will not swap it: the token stays out, as it was. */
struct outcome send_reclaim_refused(struct step *s, const struct err *why, struct err *err)
{
	struct send *m = s->checkpoint;

	(void)err;
	m->x = (struct exchange){ 0 };
	return stay_out(s, why);
}

/* The receiver was quicker, for some or all: look again what is left. */
struct outcome send_reclaim_elsewhere(struct step *s, const struct pubkey *spent, size_t n, bool all, struct err *err)
{
	struct send *m = s->checkpoint;

	if (send_mark_claimed(s, m, spent, n, err) != 0)
		return outcome_trouble(err);
	m->x = (struct exchange){ 0 };
	return all ? send_claimed(s, m) : outcome_next(SEND_ROLLING_BACK);
}
