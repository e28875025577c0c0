/* actions/cashu_melt_end.c - paying a Lightning invoice with ecash: what became of the payment. */
#include <inttypes.h>
#include <string.h>

#include "actions/cashu_melt.h"
#include "base/backoff.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"
#include "store/event_store.h"
#include "store/melt_store.h"

#define REFUSALS_MAX 8 /* of a payment that the mint neither makes nor gives up; with the back-off, some minutes */
#define ODD_MAX      8 /* so often the mint may say that proofs are spent for a quote that is unpaid */
#define CHANGE_MS    (30 * 1000) /* so long a mint that says "paid" may show no change, and there may still be some */
#define SIGNING_MS   1000        /* … and so long it may be at signing the next piece of it */
#define REBUILDS_MAX 12          /* as for a swap */
#define MINUTE_MS    (60 * 1000)

static uint64_t surplus_of(const struct melt *m)
{
	return m->inputs - m->input_fee - m->amount;
}

/* How long until the mint is asked again what became of the payment. */
static int64_t poll_ms(const struct melt *m, int64_t now_ms)
{
	int64_t age = now_ms - m->requested_at_ms;

	if (age < 0 || age > 60 * MINUTE_MS) /* below 0: the clock was set back */
		return 5 * MINUTE_MS;
	if (age < 8000)
		return 1000;
	return age / 4 < MINUTE_MS ? age / 4 : MINUTE_MS;
}

/* --- the payee has it --- */

static int settle_blanks(struct step *s, const struct melt *m, const struct output *got, size_t n, struct err *err)
{
	struct output *blanks;

	/* What was not signed now may be signed still: it is kept, with the time to ask again. */
	if (output_store_settle(s->unit, &s->row.id, m->blanks, OUTPUT_ABANDONED, err) != 0 ||
	    output_store_batch(s->view, s->arena, &s->row.id, m->blanks, &blanks, err) != 0)
		return -1;
	for (uint32_t i = 0; i < m->blanks.n; i++) {
		const struct output_batch one = { m->blanks.first + i, 1 };

		for (size_t k = 0; k < n; k++)
			if (pubkey_equal(&blanks[i].b, &got[k].b) &&
			    output_store_settle(s->unit, &s->row.id, one, OUTPUT_SIGNED, err) != 0)
				return -1;
	}
	return 0;
}

static json_t *receipt(struct step *s, const struct melt *m, uint64_t change, uint64_t fee)
{
	json_t *v = json_object_in(s->arena);
	struct hash32 hash;

	json_set_str(v, "mint", m->at.mint);
	json_set_str(v, "unit", m->at.unit.s);
	json_set_str(v, "payment_hash", m->hash);
	json_set_u64(v, "amount", m->amount);
	json_set_u64(v, "fee", fee);
	json_set_u64(v, "change", change);
	json_set_str(v, "preimage", m->preimage);
	json_set_bool(v, "preimage_valid",
		      hex_decode(m->hash, hash.b, sizeof(hash.b)) && melt_preimage_proves(m->preimage, &hash));
	return v;
}

/* Paid, with this change: coins, receipt and ledger in one unit. */
static struct outcome finish(struct step *s, const struct proof *change, const struct output *outputs, size_t n,
			     struct err *err)
{
	struct melt *m = s->checkpoint;
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "melt", m->at.mint_id, m->at.unit,
					    s->now_ms);
	struct ecash in, back, fee;

	if (proof_store_move(&mv, &s->row.id, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &in, err) != 0 ||
	    proof_store_add(&mv, change, n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE,
			    exchange_counters(s->arena, outputs, n), err) != 0 ||
	    proofs_sum(change, n, m->at.unit, &back, err) != 0)
		return outcome_trouble(err);
	if (!ecash_sub(in, back, &fee) || !ecash_sub(fee, melt_ecash(m, m->amount), &fee)) {
		ERR(err, ERR_INTERNAL, "a payment that cost less than it paid");
		return outcome_trouble(err);
	}
	if (movement_add(&mv, ACCOUNT_OUTSIDE, ACCOUNT_FEES, fee, err) != 0 || movement_post(&mv, err) != 0 ||
	    settle_blanks(s, m, outputs, n, err) != 0 ||
	    melt_store_set_paid(s->unit, m->at.mint_id, m->quote, m->preimage, fee, s->now_ms, err) != 0 ||
	    event_append(s->unit, "invoice.paid", s->row.id.s, "{}", err) != 0)
		return outcome_trouble(err);
	return outcome_done(receipt(s, m, ecash_value(back), ecash_value(fee)));
}

static struct outcome ask_for_change(struct step *s, const struct err *why)
{
	if (why)
		log_error(&s->log, "cashu.change_unusable", F_STR("mint", ((struct melt *)s->checkpoint)->at.mint),
			  F_ERR(why));
	return outcome_next(MELT_RESTORING);
}

/* Change as the quote shows it.  Where it shows none, or nothing usable, NUT-09 is asked. */
static struct outcome collect(struct step *s, const struct melt_quote *q, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct output *blanks, *outputs;
	struct cashu_mint mint;
	struct proof *proofs;
	struct err why;

	if (m->blanks.n == 0)
		return finish(s, NULL, NULL, 0, err);
	if (q->n_change == 0)
		return ask_for_change(s, NULL);
	if (output_store_batch(s->view, s->arena, &s->row.id, m->blanks, &blanks, err) != 0 ||
	    cashu_mint_load(s, &m->at, &mint, err) != 0)
		return outcome_trouble(err);
	if (melt_change_outputs(s->arena, blanks, m->blanks.n, q->change, q->n_change, surplus_of(m), &outputs, &why) !=
		    0 ||
	    promises_check_and_unblind(s->arena, outputs, q->n_change, q->change, q->n_change, mint.keysets, mint.n,
				       mint.row.dleq, &proofs, &why) != 0)
		return why.code == ERR_PEER_INVALID ? ask_for_change(s, &why) : outcome_trouble(&why);
	return finish(s, proofs, outputs, q->n_change, err);
}

int melt_restoring_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct melt *m = s->checkpoint;
	struct output *blanks;

	if (m->blanks.n == 0)
		return NOTHING_TO_ASK;
	if (output_store_batch(s->view, s->arena, &s->row.id, m->blanks, &blanks, err) != 0)
		return -1;
	return restore_request(s->arena, m->at.mint, blanks, m->blanks.n, ret, err);
}

/* Since the mint was seen to sign something, or was first asked; a clock that was set back makes it long. */
static int64_t waited_ms(const struct step *s, const struct melt *m)
{
	return s->now_ms < m->change_at_ms ? INT64_MAX : s->now_ms - m->change_at_ms;
}

/* The invoice is paid whatever comes back.  A mint may say so a moment before it signs the change (nutshell does), or the
 * payment cost all that there was: time tells, and what was not signed by then stays findable by its outputs. */
static struct outcome no_change(struct step *s, const struct err *why, struct err *err)
{
	struct melt *m = s->checkpoint;

	m->odd++;
	if (why->code == ERR_NOT_FOUND ? waited_ms(s, m) < CHANGE_MS
				       : why->code == ERR_PEER_INVALID && m->odd < ODD_MAX)
		return outcome_park_error(MELT_RESTORING, s->now_ms + backoff_ms(m->odd), why);
	log_warn(&s->log, "cashu.change_missing", F_STR("mint", m->at.mint), F_INT("at_most", surplus_of(m)));
	return finish(s, NULL, NULL, 0, err);
}

/* Blanks are signed one by one: as many as the last time, a while later, are all. */
static bool is_still_signing(struct step *s, struct melt *m, size_t n_signed)
{
	if (n_signed == m->n_signed && waited_ms(s, m) >= SIGNING_MS)
		return false;
	if (n_signed != m->n_signed)
		m->change_at_ms = s->now_ms;
	m->n_signed = (uint32_t)n_signed;
	return n_signed < m->blanks.n;
}

static struct outcome change_found(struct step *s, const struct restored *found, struct err *err)
{
	struct melt *m = s->checkpoint;
	uint64_t left = surplus_of(m);
	struct cashu_mint mint;
	struct proof *proofs;
	struct err why;

	for (size_t i = 0; i < found->n; i++) {
		if (found->promises[i].amount > left) {
			ERR(&why, ERR_PEER_INVALID, "the mint shows more change than there was to give back");
			return no_change(s, &why, err);
		}
		left -= found->promises[i].amount;
		found->outputs[i].amount = found->promises[i].amount; /* a blank one was good for any */
	}
	if (cashu_mint_load(s, &m->at, &mint, err) != 0)
		return outcome_trouble(err);
	if (promises_check_and_unblind(s->arena, found->outputs, found->n, found->promises, found->n, mint.keysets,
				       mint.n, mint.row.dleq, &proofs, &why) != 0)
		return why.code == ERR_PEER_INVALID ? no_change(s, &why, err) : outcome_trouble(&why);
	return finish(s, proofs, found->outputs, found->n, err);
}

struct outcome melt_restoring_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct restored found;
	struct output *blanks;
	struct err why;

	if (!rep)
		return finish(s, NULL, NULL, 0, err);
	if (output_store_batch(s->view, s->arena, &s->row.id, m->blanks, &blanks, err) != 0)
		return outcome_trouble(err);
	if (restore_decode(s->arena, rep, blanks, m->blanks.n, &found, &why) != 0) {
		if (why.code == ERR_PEER_INVALID || why.peer_code == 404 || why.peer_code == 405)
			return no_change(s, &why, err);
		return outcome_trouble(&why);
	}
	if (m->change_at_ms == 0)
		m->change_at_ms = s->now_ms;
	if (found.n == 0) {
		ERR(&why, ERR_NOT_FOUND, "the mint has signed no change");
		return no_change(s, &why, err);
	}
	if (is_still_signing(s, m, found.n))
		return outcome_park(MELT_RESTORING, s->now_ms + SIGNING_MS);
	return change_found(s, &found, err);
}

/* --- giving up --- */

static void keep_reason(struct step *s, struct melt *m, const struct err *why)
{
	m->why = err_kind(why->code);
	m->words = arena_printf(s->arena, "%s", why->msg);
}

struct outcome melt_give_up(struct step *s, const struct err *why, struct err *err)
{
	struct melt *m = s->checkpoint;

	if (output_store_settle(s->unit, &s->row.id, m->blanks, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	if (m->unknown == 0)
		return why->code == ERR_CANCELLED ? outcome_cancelled(why) : outcome_failed(why, "no");
	keep_reason(s, m, why);
	m->undo = (struct exchange){ 0 };
	return outcome_next(MELT_UNDO_SYNCING);
}

/* New outputs, fresh keysets, the same quote: for a request of which no copy can arrive any more. */
static struct outcome rebuild(struct step *s, struct melt *m, struct err *err)
{
	if (output_store_settle(s->unit, &s->row.id, m->blanks, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	m->rebuilds++;
	m->sends = 0;
	m->last_code = 0;
	m->refusals = 0;
	m->at.stale = true;
	return outcome_next(MELT_SYNCING);
}

/* The mint signed these outputs in another life of this seed. */
static struct outcome collided(struct step *s, struct melt *m, struct err *err)
{
	struct output *blanks;

	if (output_store_batch(s->view, s->arena, &s->row.id, m->blanks, &blanks, err) != 0 ||
	    exchange_pass_collision(s, blanks, m->blanks.n, m->rebuilds, err) != 0)
		return outcome_trouble(err);
	return rebuild(s, m, err);
}

static struct outcome send_again(struct step *s, struct melt *m)
{
	m->again = true;
	return outcome_park(MELT_REQUESTED,
			    m->sends < 2 && m->refusals == 0 ? s->now_ms : s->now_ms + backoff_ms(m->sends));
}

/* The mint says: not paid, and none of the proofs is spent or pending.  What it said to the request itself, if it said
 * anything, decides how to go on. */
static struct outcome not_paid(struct step *s, struct melt *m, struct err *err)
{
	struct err why;

	if (m->why) { /* it was given up before, and the proofs could not be taken back then */
		ERR(&why, err_code_of(m->why), "%s", m->words ? m->words : "");
		return melt_give_up(s, &why, err);
	}
	if (m->cancelling) {
		ERR(&why, ERR_CANCELLED, "cancelled; the mint has not paid the invoice");
		return melt_give_up(s, &why, err);
	}
	switch (m->last_code) {
	case 0: /* nobody knows whether the mint has seen it: the same again */
	case CASHU_PENDING:
	case CASHU_QUOTE_PENDING:
		return send_again(s, m);
	case CASHU_PAYMENT_FAILED:
		ERR(&why, ERR_PAYMENT_FAILED, "the mint could not pay the invoice");
		return melt_give_up(s, &why, err);
	case CASHU_DUPLICATE:
		ERR(&why, ERR_INVOICE_PAID, "the invoice is paid already, by somebody else");
		return melt_give_up(s, &why, err);
	case CASHU_OUTPUTS_SIGNED:
	case CASHU_OUTPUTS_PENDING:
	case CASHU_DUPLICATE_OUTPUTS:
		if (m->unknown == 0 && m->blanks.n > 0 && m->rebuilds < REBUILDS_MAX)
			return collided(s, m, err);
		break;
	default:
		break;
	}
	if (m->expiry_s && s->now_ms / 1000 > m->expiry_s) {
		ERR(&why, ERR_QUOTE_EXPIRED, "the mint's quote expired before it paid");
		return melt_give_up(s, &why, err);
	}
	if (m->refusals < REFUSALS_MAX)
		return send_again(s, m);
	ERR(&why, ERR_PEER, "the mint does not pay the invoice (code %d)", m->last_code);
	why.peer_code = m->last_code;
	return melt_give_up(s, &why, err);
}

/* Some of the proofs are spent, and it was not this payment that spent them: so it never can be made. */
static struct outcome spent_elsewhere(struct step *s, struct melt *m, const struct pubkey *spent, size_t n,
				      struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "spent_elsewhere", m->at.mint_id,
					    m->at.unit, s->now_ms);
	struct err why;

	if (proof_store_move_some(&mv, &s->row.id, spent, n, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, NULL, err) !=
		    0 ||
	    movement_post(&mv, err) != 0 ||
	    output_store_settle(s->unit, &s->row.id, m->blanks, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	ERR(&why, ERR_TOKEN_SPENT, "%zu of the proofs were spent by another copy of this wallet", n);
	return outcome_failed(&why, "yes");
}

/* --- checking --- */

int melt_checking_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct melt *m = s->checkpoint;
	struct proof *inputs;
	struct pubkey *ys;
	size_t n;

	if (exchange_inputs(s, PROOF_LOCKED, &inputs, &ys, &n, err) != 0)
		return -1;
	return checkstate_request(s->arena, m->at.mint, ys, n, ret, err);
}

/* All spent.  By this payment, if the quote is paid; if not, it must become so soon. */
static struct outcome all_spent(struct step *s, struct melt *m, const struct pubkey *ys, size_t n, struct err *err)
{
	struct err why;

	if (m->elsewhere)
		return outcome_next(MELT_RESTORING);
	if (++m->odd >= ODD_MAX)
		return spent_elsewhere(s, m, ys, n, err);
	ERR(&why, ERR_PEER_INVALID, "the mint says that the proofs are spent, and that the invoice is not paid");
	return outcome_park_error(MELT_PAYMENT_PENDING, s->now_ms + backoff_ms(m->odd), &why);
}

struct outcome melt_checking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct note_states states;
	struct proof *inputs;
	struct pubkey *ys;
	size_t n, at = 0;

	if (exchange_inputs(s, PROOF_LOCKED, &inputs, &ys, &n, err) != 0 ||
	    checkstate_decode(s->arena, rep, ys, n, &states, err) != 0)
		return outcome_trouble(err);
	if (states.pending)
		return outcome_park(MELT_PAYMENT_PENDING, s->now_ms + poll_ms(m, s->now_ms));
	if (states.spent == n)
		return all_spent(s, m, ys, n, err);
	for (size_t i = 0; i < n; i++)
		if (states.v[i] == NOTE_SPENT)
			ys[at++] = ys[i];
	if (at)
		return spent_elsewhere(s, m, ys, at, err);
	if (m->elsewhere) { /* a paid quote is never paid again: the proofs are free */
		struct err why;

		m->unknown = 0;
		ERR(&why, ERR_INVOICE_PAID, "the quote was paid with other proofs than ours");
		return melt_give_up(s, &why, err);
	}
	return not_paid(s, m, err);
}

/* --- the quote --- */

int melt_pending_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct melt *m = s->checkpoint;

	(void)err;
	melt_quote_check_request(s->arena, m->at.mint, m->quote, ret);
	return 0;
}

static int note_state(struct step *s, struct melt *m, enum quote_state state, struct err *err)
{
	struct mint_row mint;

	/* One copy has arrived, then, and had an end. */
	if (state == QUOTE_PENDING && m->seen != QUOTE_PENDING && m->unknown > 0)
		m->unknown--;
	if (state == QUOTE_UNPAID && m->seen == QUOTE_PENDING)
		m->last_code = CASHU_PAYMENT_FAILED;
	m->seen = state;
	/* The receipt marks it paid, in the unit that spends the proofs. */
	if (state != QUOTE_PAID && melt_store_set_state(s->unit, m->at.mint_id, m->quote, state, s->now_ms, err) != 0)
		return -1;
	if (mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0)
		return -1;
	return cashu_mint_well(s, &mint, err);
}

static struct outcome judge(struct step *s, const struct melt_quote *q, struct err *err)
{
	struct melt *m = s->checkpoint;

	if (note_state(s, m, q->state, err) != 0)
		return outcome_trouble(err);
	switch (q->state) {
	case QUOTE_PAID:
		m->preimage = q->preimage;
		if (!m->last_code)
			return collect(s, q, err);
		m->elsewhere = true; /* until the mint says that it was our proofs that paid */
		return outcome_next(MELT_CHECKING);
	case QUOTE_UNPAID:
		return outcome_next(MELT_CHECKING);
	case QUOTE_PENDING:
	case QUOTE_UNKNOWN:
	case QUOTE_ISSUED:
		break;
	}
	return outcome_park(MELT_PAYMENT_PENDING, s->now_ms + poll_ms(m, s->now_ms));
}

struct outcome melt_pending_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct melt_asked asked;
	struct melt_quote q;

	if (melt_asked_of(m, &asked, err) != 0 || melt_quote_decode(s->arena, rep, &asked, m->quote, &q, err) != 0)
		return outcome_trouble(err);
	return judge(s, &q, err);
}

/* --- the answer to the request --- */

/* Codes with which a mint says what came of this very request; after others it may be at work on it. */
static bool answers_the_request(const struct err *why)
{
	switch (why->peer_code) {
	case CASHU_SPENT:
	case CASHU_PENDING:
	case CASHU_OUTPUTS_SIGNED:
	case CASHU_OUTPUTS_PENDING:
	case CASHU_DUPLICATE_OUTPUTS:
	case CASHU_PAYMENT_FAILED:
	case CASHU_QUOTE_PENDING:
	case CASHU_DUPLICATE:
		return true;
	default:
		break;
	}
	switch (cashu_verdict(why)) {
	case CASHU_DEFINITE:
	case CASHU_REBUILD:
		return true;
	case CASHU_THROTTLED:
		return why->peer_code == 429;
	case CASHU_OK:
	case CASHU_AMBIGUOUS:
	case CASHU_WAIT:
		break;
	}
	return false;
}

static struct outcome refused(struct step *s, struct melt *m, const struct err *why, struct err *err)
{
	enum cashu_verdict verdict = cashu_verdict(why);

	m->refusals++;
	m->last_code = why->peer_code;
	log_info(&s->log, "cashu.melt_refused", F_INT("code", why->peer_code), F_ERR(why));
	if (m->unknown == 0 && verdict == CASHU_REBUILD && m->rebuilds < REBUILDS_MAX)
		return rebuild(s, m, err);
	if (m->unknown == 0 && (verdict == CASHU_DEFINITE || verdict == CASHU_REBUILD))
		return melt_give_up(s, why, err);
	return outcome_next(MELT_PAYMENT_PENDING);
}

struct outcome melt_requested_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct melt_asked asked;
	struct melt_quote q;
	struct err why;

	if (!rep)
		return outcome_next(MELT_PAYMENT_PENDING);
	if (melt_asked_of(m, &asked, err) != 0)
		return outcome_trouble(err);
	if (melt_quote_decode(s->arena, rep, &asked, m->quote, &q, &why) == 0) {
		m->unknown--;
		m->last_code = q.state == QUOTE_UNPAID ? CASHU_PAYMENT_FAILED : 0;
		if (q.state == QUOTE_PENDING)
			m->seen = QUOTE_PENDING;
		return judge(s, &q, err);
	}
	if (rep->outcome == NET_NOT_SENT) { /* as if it had not been tried */
		m->unknown--;
		return cashu_retry(s, &m->at, &why, err);
	}
	if (answers_the_request(&why))
		m->unknown--;
	if (cashu_verdict(&why) == CASHU_THROTTLED && m->unknown == 0)
		return cashu_retry(s, &m->at, &why, err);
	/* Nobody answered, or nobody who is to be understood: retry asks about the quote. */
	if (why.code == ERR_PEER_INVALID || why.peer_code < 1000)
		return cashu_retry(s, &m->at, &why, err);
	return refused(s, m, &why, err);
}
