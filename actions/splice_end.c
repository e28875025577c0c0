/* actions/splice_end.c - how a splice ends, and what is cleaned up when a round or all of it comes to nothing: SETTLE, GIVE_UP
 * and ABORT of spec/splice.md 3.1, and 5.1.6 and 5.1.7. */
#include <string.h>

#include "actions/splice.h"
#include "actions/splice_show.h"
#include "rails/lightning/funding.h"
#include "rails/lightning/splice_hold.h"
#include "store/movement_store.h"

#define AGAIN_MS   2000 /* after an abort the node works on the channel anew */
#define ANEW_MS    60000
#define ABORTS_MAX 4u
#define BY_FORCE   2u /* aborts that did nothing before the connection is cut */

/* --- the ledger --- */

/* Channel and node's wallet are not the ledger's; what it cost is. */
static int post_fee(struct step *s, const struct splice_row *row, const struct funding_candidate *c, struct err *err)
{
	struct currency sat;
	struct movement mv;
	struct ecash fee;

	if (!c->has_fee || sat_value(c->fee) == 0)
		return 0;
	if (!currency_parse("sat", &sat) || !ecash_make(sat_value(c->fee), sat, &fee))
		return ERR(err, ERR_INTERNAL, "the fee of a splice");
	mv = movement_begin(s->unit, &row->action, RAIL_LIGHTNING, row->kind == SPLICE_IN ? "splice_in" : "splice_out",
			    0, sat, s->now_ms);
	mv.has_txid = true;
	mv.txid = c->txid;
	if (movement_add(&mv, ACCOUNT_OUTSIDE, ACCOUNT_FEES, fee, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

/* --- locked --- */

static int settle_candidates(struct step *s, const struct splice_row *row, const struct txid *winner, json_t *result,
			     struct err *err)
{
	json_t *discarded = json_array_in(s->arena);
	struct funding_candidate *c;
	char text[TXID_TEXT];
	size_t n;

	if (funding_store_candidates(s->view, s->arena, &row->id, &c, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool won = txid_equal(&c[i].txid, winner);

		if (won && post_fee(s, row, &c[i], err) != 0)
			return -1;
		if (won && c[i].has_fee)
			json_set_u64(result, "fee_sat", sat_value(c[i].fee));
		if (!won && !candidate_is_out(c[i].state))
			continue;
		if (funding_store_set_state(s->unit, &c[i].txid, won ? CANDIDATE_LOCKED : CANDIDATE_DISCARDED, err) !=
		    0)
			return -1;
		txid_text(&c[i].txid, text);
		if (!won)
			json_add_take(discarded, json_string(text));
	}
	json_set(result, "discarded", discarded);
	return 0;
}

struct outcome splice_settle(struct step *s, struct splice_row *row, const struct txid *txid, struct err *err)
{
	const struct splice_end end = { .outcome = SPLICE_LOCKED, .final_txid = txid };
	json_t *result = json_object_in(s->arena);

	splice_set_id(result, "splice_id", &row->id);
	splice_set_id(result, "channel", &row->channel);
	onchain_set_txid(result, "txid", txid);
	if (row->has_amount)
		json_set_u64(result, "amount_sat", sat_value(row->amount));
	/* Every candidate spends all that was reserved (V1), so that nothing is left to give back. */
	if (settle_candidates(s, row, txid, result, err) != 0 || splice_all_released(s, &row->id, err) != 0 ||
	    splice_store_end(s->unit, row, &end, s->now_ms, err) != 0 ||
	    splice_tell(s, "splice.locked", json_hold(s->arena, json_deep_copy(result)), err) != 0)
		return outcome_trouble(err);
	return outcome_done(result);
}

/* --- given up --- */

static void reason(const struct splice *m, struct err *ret)
{
	const char *silence = m->handed > 0 ? "its transaction was not seen" : "nothing was said";
	const char *text = m->text && m->text[0] ? m->text : silence;
	const char *but = m->handed > 0 ? "; the node was given it, and may still carry it out" : "";

	switch (m->why) {
	case SPLICE_CANCELLED:
		ERR(ret, ERR_CANCELLED, "it was cancelled before anything of ours was signed");
		return;
	case SPLICE_CLOSING:
		ERR(ret, ERR_CHANNEL_CLOSING, "the channel is closed, or being closed");
		return;
	case SPLICE_NO_RBF:
		ERR(ret, ERR_NOTHING_TO_BUMP, "there is nothing to replace, or no longer: %s", text);
		return;
	case SPLICE_FINE:
	case SPLICE_DISCONNECT:
	case SPLICE_UNKNOWN:
	case SPLICE_STALE:
	case SPLICE_FEE_LOW:
	case SPLICE_PEER_ABORT:
	case SPLICE_PROTO_ERR:
	case SPLICE_EXHAUSTED:
	case SPLICE_INVALID:
		break;
	}
	ERR(ret, ERR_SPLICE_FAILED, "given up (%s): %s%s", splice_class_name(m->why), text, but);
}

/* A candidate of the splice is signed, and nothing has shown that it is out of the race. */
static int may_confirm(struct step *s, bool *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	struct funding_candidate *c;
	size_t n;

	if (funding_store_candidates(s->view, s->arena, &m->id, &c, &n, err) != 0)
		return -1;
	*ret = splice_hold_is_signed(c, n);
	return 0;
}

/* Has it moved money?  Of a bump: what its splice has signed before is its splice's to tell. */
static int funds_moved(struct step *s, const char **ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	bool may;

	if (may_confirm(s, &may, err) != 0)
		return -1;
	*ret = m->handed > 0 || (may && !m->is_bump) ? "unknown" : "no";
	return 0;
}

static struct outcome over(struct step *s, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const char *moved;
	struct err why;

	if (funds_moved(s, &moved, err) != 0)
		return outcome_trouble(err);
	reason(m, &why);
	return m->why == SPLICE_CANCELLED ? outcome_cancelled(&why) : outcome_failed(&why, moved);
}

static int tell_end(struct step *s, const struct splice_row *row, struct err *err)
{
	const struct splice *m = s->checkpoint;
	json_t *data = json_object_in(s->arena);
	const char *moved;

	if (m->why == SPLICE_CANCELLED)
		return splice_tell(s, "splice.cancelled", data, err);
	if (funds_moved(s, &moved, err) != 0)
		return -1;
	json_set_str(data, "class", splice_class_name(m->why));
	json_set_int(data, "attempts", row->attempts);
	json_set_str(data, "detail", m->text);
	json_set_bool(data, "retriable", false);
	json_set_str(data, "funds_moved", moved);
	return splice_tell(s, "splice.negotiation_failed", data, err);
}

static struct outcome drop_bump(struct step *s, struct splice_row *row, struct err *err)
{
	if (tell_end(s, row, err) != 0)
		return outcome_trouble(err);
	row->active = SPLICE_NONE;
	row->bump_of_round = 0;
	row->bump_action = (struct action_id){ 0 };
	row->wait = SPLICE_WAIT_CONFIRMATION;
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0 || step_wake(s, &row->action, err) != 0)
		return outcome_trouble(err);
	return over(s, err);
}

/* Where a candidate may confirm yet, what becomes of the payment is the chain's to say. */
static int abandon_payment(struct step *s, const struct splice_row *row, struct err *err)
{
	struct funding_payment was, is;
	bool may;
	int found = funding_store_get(s->view, &row->id, &was, err);

	if (found <= 0)
		return found;
	if (may_confirm(s, &may, err) != 0)
		return -1;
	if (may)
		return 0;
	funding_abandon(&was, s->now_ms, &is);
	return funding_store_put(s->unit, &is, err);
}

/* A round may live in the node's memory, and would be finished by nobody. */
static bool may_linger(const struct splice *m)
{
	return m->opened && m->aborts == 0 && m->why != SPLICE_CLOSING && m->why != SPLICE_PEER_ABORT;
}

struct outcome splice_give_up(struct step *s, struct splice_row *row, enum splice_class why, const char *text,
			      struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_end end = { .why = why, .text = text };

	m->why = why;
	m->text = text;
	if (m->is_bump)
		return drop_bump(s, row, err);
	if (may_linger(m)) {
		m->after = AFTER_GIVE_UP;
		return outcome_next(SPLICING_LOOK_BEFORE);
	}
	end.outcome = why == SPLICE_CANCELLED ? SPLICE_WAS_CANCELLED : SPLICE_ABANDONED;
	if (abandon_payment(s, row, err) != 0 || tell_end(s, row, err) != 0 ||
	    splice_store_end(s->unit, row, &end, s->now_ms, err) != 0)
		return outcome_trouble(err);
	m->ended = true;
	return splice_clean(s, row, AFTER_END, err);
}

/* --- cleaning up --- */

struct outcome splice_clean(struct step *s, struct splice_row *row, enum splice_after after, struct err *err)
{
	struct splice *m = s->checkpoint;
	bool any, may;

	m->after = after;
	if (splice_holds_any(s, &row->id, &any, err) != 0 || may_confirm(s, &may, err) != 0)
		return outcome_trouble(err);
	/* A bump builds on what its splice has reserved; and what may be spent yet is lightning/sweep.c's, when it is over. */
	return outcome_next(any && !m->is_bump && !may ? SPLICING_RELEASE : SPLICING_CLEANED);
}

static struct outcome cleaned_alive(struct step *s, struct splice_row *row, struct err *err)
{
	struct splice *m = s->checkpoint;

	if (m->after == AFTER_GIVE_UP)
		return splice_give_up(s, row, m->why, m->text, err);
	if (row->contribution.n > 0) {
		row->contribution = (struct bytes){ NULL, 0 };
		if (splice_store_save(s->unit, row, s->now_ms, err) != 0)
			return outcome_trouble(err);
	}
	return outcome_next(m->after == AFTER_RATES ? SPLICING_RATES : SPLICING_PROBE);
}

struct outcome splice_cleaned_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	int living = splice_row_of(s, &row, err);

	(void)rep;
	if (living < 0)
		return outcome_trouble(err);
	if (living > 0)
		return cleaned_alive(s, &row, err);
	if (!m->ended)
		m->why = SPLICE_NO_RBF; /* a bump whose splice has ended without it */
	return over(s, err);
}

/* --- aborting --- */

/* What the node's round would take: left alone where nobody knows that it is unsigned (5.1.7). */
struct outcome splice_look_before_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	const struct ln_channel *channel;
	struct splice_known known;
	struct splice_row row;
	int living = splice_row_of(s, &row, err);

	if (living < 0 || (living > 0 && splice_known_of(s, &row, &known, err) != 0))
		return outcome_trouble(err);
	if (living == 0)
		return outcome_next(SPLICING_CLEANED);
	if (splice_channel_of(s, rep, &row, &channel, err) != 0 || !channel) {
		m->aborts = ABORTS_MAX;
		return outcome_next(SPLICING_CLEANED);
	}
	if (m->aborts < ABORTS_MAX && splice_may_abort(channel, row.active, &known))
		return outcome_next(m->aborts >= BY_FORCE ? SPLICING_DISCONNECT : SPLICING_ABORT);
	/* Beside a signed candidate an abort would close the channel; a new connection ends what is not final, and no more. */
	if (m->is_bump && m->aborts < ABORTS_MAX && channel->usable)
		return outcome_next(SPLICING_DISCONNECT);
	if (m->after == AFTER_GIVE_UP) {
		m->aborts = ABORTS_MAX;
		return outcome_next(SPLICING_CLEANED);
	}
	log_warn(&s->log, "splice.hangs", F_STR("hint", "restart the Lightning node"));
	/* What nobody has signed may be tried again later: a command that hung may have got stuck behind the aborts. */
	if (!m->is_bump) {
		m->aborts = 0;
		m->quiet_until_ms = s->now_ms + ANEW_MS;
	}
	return splice_wait_for(s, &row, SPLICE_WAIT_NODE_BUSY, SPLICING_PROBE, err);
}

int splice_abort_enter(struct step *s, struct net_request *ret, struct err *err)
{
	return splice_ask_about(s, splice_backend(s)->abort_request, ret, err);
}

/* Whatever it said: what there is now is seen by looking, when the node has had the time. */
static struct outcome after_abort(struct step *s)
{
	struct splice *m = s->checkpoint;

	m->aborts++;
	m->busy = 0;
	m->psbt = NULL;
	m->begun = m->probed = false;
	m->quiet_until_ms = s->now_ms + AGAIN_MS;
	return m->after == AFTER_GIVE_UP ? outcome_next(SPLICING_CLEANED)
					 : outcome_park(SPLICING_PROBE, s->now_ms + AGAIN_MS);
}

struct outcome splice_abort_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	if (rep && splice_backend(s)->abort_decode(s->arena, rep, err) != 0)
		log_debug(&s->log, "splice.abort_failed", F_ERR(err));
	return after_abort(s);
}

int splice_disconnect_enter(struct step *s, struct net_request *ret, struct err *err)
{
	return splice_ask_about(s, splice_backend(s)->disconnect_request, ret, err);
}

struct outcome splice_disconnect_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	if (rep && splice_backend(s)->disconnect_decode(s->arena, rep, err) != 0)
		log_debug(&s->log, "splice.disconnect_failed", F_ERR(err));
	return after_abort(s);
}

/* --- cancel --- */

/* The round that this action makes is signed, or may be. */
static bool is_too_late(const struct splice *m, const struct splice_row *row, const struct splice_known *k)
{
	for (size_t i = 0; i < k->n_candidates; i++)
		if (k->candidates[i].origin == CANDIDATE_OURS && candidate_is_out(k->candidates[i].state) &&
		    (!m->is_bump || k->candidates[i].round > row->bump_of_round))
			return true;
	return false;
}

struct outcome splice_cancel(struct step *s, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_known known;
	struct splice_row row;
	struct err no;
	int living = splice_row_of(s, &row, err);

	if (living < 0 || (living > 0 && splice_known_of(s, &row, &known, err) != 0))
		return outcome_trouble(err);
	if (living == 0 || m->cancelling) {
		ERR(&no, ERR_NOT_CANCELLABLE, living ? "it is being cancelled" : "it has ended, and is cleaned up");
		return outcome_trouble(&no);
	}
	if (m->handed > 0) {
		ERR(&no, ERR_NODE_CANNOT, "the node has been given it, and %s cannot take a splice back",
		    splice_backend(s)->name);
		return outcome_trouble(&no);
	}
	if (is_too_late(m, &row, &known)) {
		ERR(&no, ERR_NOT_CANCELLABLE, "its transaction is signed, and may be sent by the peer at any time");
		err_hint(&no, "splice_bump makes it faster");
		return outcome_trouble(&no);
	}
	m->cancelling = true;
	row.cancel_requested = true;
	if (splice_store_save(s->unit, &row, s->now_ms, err) != 0)
		return outcome_trouble(err);
	row.version++;
	return splice_give_up(s, &row, SPLICE_CANCELLED, NULL, err);
}
