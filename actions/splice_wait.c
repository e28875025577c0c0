/* actions/splice_wait.c - waiting, and what a call or a round that failed leads to: spec/splice.md 3.2 and 3.3. */
#include <string.h>

#include "actions/splice.h"
#include "base/hash.h"

#define STALL_MS   (3600 * INT64_C(1000)) /* then it is told of */
#define BUSY_TRIES 3u /* refusals in a row before the round that hangs is looked at: spec/splice.md 5.1.7 */
#define SECOND_MS  INT64_C(1000)

/* --- waiting --- */

static int64_t usual_wait_ms(enum splice_wait why)
{
	switch (why) {
	case SPLICE_WAIT_NONE:
	case SPLICE_WAIT_PEER_OFFLINE:
	case SPLICE_WAIT_NODE_UNREACHABLE:
	case SPLICE_WAIT_HTLC_OR_STFU:
	case SPLICE_WAIT_PEER_SIGNATURES:
		return 15 * SECOND_MS;
	case SPLICE_WAIT_NODE_BUSY:
		return 10 * SECOND_MS;
	case SPLICE_WAIT_FOREIGN_SPLICE:
	case SPLICE_WAIT_CONFIRMATION:
		return 30 * SECOND_MS;
	case SPLICE_WAIT_LOW_FUNDS:
	case SPLICE_WAIT_FEERATE_CAP:
		return 60 * SECOND_MS;
	}
	return 15 * SECOND_MS;
}

static int tell_stalled(struct step *s, const struct splice_row *row, struct err *err)
{
	struct splice *m = s->checkpoint;
	json_t *data = json_object_in(s->arena);

	if (m->stalled || row->wait == SPLICE_WAIT_NONE || row->wait == SPLICE_WAIT_CONFIRMATION ||
	    s->now_ms - row->wait_since_ms < STALL_MS)
		return 0;
	m->stalled = true;
	json_set_str(data, "waits_for", splice_wait_name(row->wait));
	json_set_int(data, "since_ms", row->wait_since_ms);
	return splice_tell(s, "splice.stalled", data, err);
}

/* Left so long, or until the deadline. */
static struct outcome park(struct step *s, struct splice_row *row, int state, int64_t ms)
{
	struct splice *m = s->checkpoint;
	int64_t at = s->now_ms + ms;

	m->probed = false;
	if (row->deadline_ms > s->now_ms && row->deadline_ms < at)
		at = row->deadline_ms;
	return outcome_park(state, at);
}

static int save_wait(struct step *s, struct splice_row *row, enum splice_wait why, struct err *err)
{
	struct splice *m = s->checkpoint;

	if (row->wait == why)
		return tell_stalled(s, row, err);
	m->stalled = false;
	m->waits = 0;
	row->wait = why;
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0)
		return -1;
	row->version++;
	return 0;
}

static int is_late(struct step *s, const struct splice_row *row, bool *ret, struct err *err)
{
	struct splice_budget budget;
	struct splice_known known;

	if (splice_known_of(s, row, &known, err) != 0)
		return -1;
	budget = splice_budget_of(s, row, &known);
	*ret = splice_is_late(&budget);
	return 0;
}

struct outcome splice_wait_for(struct step *s, struct splice_row *row, enum splice_wait why, int state, struct err *err)
{
	struct splice *m = s->checkpoint;
	bool late = false;

	/* What a bump waits for is the splice's row to tell; a splice that rests has nothing to add. */
	if (row->active == SPLICE_BUMP && !m->is_bump)
		return park(s, row, state, usual_wait_ms(SPLICE_WAIT_CONFIRMATION));
	if (is_late(s, row, &late, err) != 0)
		return outcome_trouble(err);
	if (late)
		return splice_give_up(s, row, SPLICE_EXHAUSTED, row->fail_text, err);
	if (save_wait(s, row, why, err) != 0)
		return outcome_trouble(err);
	m->waits++;
	return park(s, row, state, usual_wait_ms(why));
}

/* Before the next try of a round.  The same for the same step, so that one that is run twice comes to the same. */
static struct outcome back_off(struct step *s, struct splice_row *row, struct err *err)
{
	static const uint8_t key[16] = "walletd back-off";
	const uint32_t tries = row->attempts + row->disconnects;
	const char *what = arena_printf(s->arena, "%s:%u", s->row.id.s, tries);

	if (save_wait(s, row, SPLICE_WAIT_NONE, err) != 0)
		return outcome_trouble(err);
	return park(s, row, SPLICING_PROBE, splice_backoff_ms(tries, (uint32_t)siphash(key, bytes_of(what))));
}

/* --- what went wrong --- */

const char *splice_printable(struct step *s, const char *text)
{
	char *ret = arena_strdup(s->arena, text ? text : "");
	size_t n = strlen(ret);

	if (n > SPLICE_FAIL_TEXT_MAX)
		ret[n = SPLICE_FAIL_TEXT_MAX] = '\0';
	for (size_t i = 0; i < n; i++)
		if (ret[i] < 0x20 || ret[i] > 0x7e)
			ret[i] = '?';
	return ret;
}

static int note(struct step *s, struct splice_row *row, enum splice_class why, const char *text, struct err *err)
{
	struct splice *m = s->checkpoint;

	m->last = why;
	m->undecided = true;
	m->psbt = NULL;
	m->begun = m->begun && why == SPLICE_UNKNOWN; /* else the node has ended it */
	m->final = m->has_peer_signatures = m->has_signed = false;
	m->n_ours = 0;
	row->fail_class = why;
	row->fail_text = splice_printable(s, text);
	row->fail_at_ms = s->now_ms;
	log_debug(&s->log, "splice.round_failed", F_STR("class", splice_class_name(why)),
		  F_STR("text", row->fail_text));
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0)
		return -1;
	row->version++;
	return 0;
}

/* Whatever it was, it is looked at first: a round of somebody else's may have taken its place, or this one may live.  One
 * that cannot be tried again has nothing to wait for. */
struct outcome splice_failed_round(struct step *s, struct splice_row *row, enum splice_class why, const char *text,
				   struct err *err)
{
	struct splice *m = s->checkpoint;

	/* What is asked while the node is still about an abort is answered by that.  The abort was ours, and not of this. */
	if (why == SPLICE_CANCELLED && m->aborts > 0 && !m->cancelling)
		why = SPLICE_DISCONNECT;
	if (note(s, row, why, text, err) != 0)
		return outcome_trouble(err);
	if (why == SPLICE_FEE_LOW)
		m->refusals++;
	switch (why) {
	case SPLICE_FINE:
	case SPLICE_DISCONNECT:
	case SPLICE_UNKNOWN:
	case SPLICE_STALE:
	case SPLICE_FEE_LOW:
		return back_off(s, row, err);
	case SPLICE_PEER_ABORT:
	case SPLICE_PROTO_ERR:
	case SPLICE_CANCELLED:
	case SPLICE_CLOSING:
	case SPLICE_NO_RBF:
	case SPLICE_EXHAUSTED:
	case SPLICE_INVALID:
		break;
	}
	return outcome_next(SPLICING_PROBE);
}

/* The node says that a splice command runs already, or a round: after some such answers it is one that hangs, or that was
 * left by a life of ours before this. */
static struct outcome busy(struct step *s, struct splice_row *row, enum splice_wait why, struct err *err)
{
	struct splice *m = s->checkpoint;

	m->busy++;
	if (m->busy % BUSY_TRIES != 0)
		return splice_wait_for(s, row, why, SPLICING_PROBE, err);
	m->after = AFTER_PROBE;
	return outcome_next(SPLICING_LOOK_BEFORE);
}

static struct outcome unsigned_yet(struct step *s, struct splice_row *row, const struct err *why, struct err *err)
{
	struct splice *m = s->checkpoint;

	/* Once: then something else is wrong with it. */
	if (m->psbt && m->last != SPLICE_UNKNOWN) {
		m->last = SPLICE_UNKNOWN;
		return outcome_next(SPLICING_VERIFY);
	}
	return splice_failed_round(s, row, SPLICE_UNKNOWN, why->msg, err);
}

/* Waits are not counted (R3): what was spent before the node was asked is given back. */
static int give_back(struct step *s, struct splice_row *row, struct err *err)
{
	struct splice *m = s->checkpoint;
	enum splice_count spent = m->spent;

	m->spent = COUNT_NOTHING;
	m->count = spent;
	if (spent == COUNT_ATTEMPT && row->attempts > 0)
		row->attempts--;
	else if (spent == COUNT_DISCONNECT && row->disconnects > 0)
		row->disconnects--;
	else
		return 0;
	if (splice_store_save(s->unit, row, s->now_ms, err) != 0)
		return -1;
	row->version++;
	return 0;
}

struct outcome splice_failed_call(struct step *s, struct splice_row *row, const struct err *why, struct err *err)
{
	struct splice *m = s->checkpoint;
	const struct splice_trouble t = splice_backend(s)->trouble(why);
	const struct err said = *why; /* err may be the same */

	if (t.alarm)
		log_error(&s->log, "splice.unexpected", F_ERR(&said));
	if ((t.sign == TROUBLE_PEER || t.sign == TROUBLE_PARK || t.sign == TROUBLE_BUSY) && give_back(s, row, err) != 0)
		return outcome_trouble(err);
	switch (t.sign) {
	case TROUBLE_CLASS:
		return splice_failed_round(s, row, t.once && m->last == t.why ? t.again : t.why, said.msg, err);
	case TROUBLE_PROBE:
		return splice_failed_round(s, row, SPLICE_UNKNOWN, said.msg, err);
	case TROUBLE_PEER:
		return splice_wait_for(s, row, SPLICE_WAIT_PEER_OFFLINE, SPLICING_PROBE, err);
	case TROUBLE_PARK:
		if (t.wait == SPLICE_WAIT_HTLC_OR_STFU)
			return busy(s, row, t.wait, err);
		return splice_wait_for(s, row, t.wait, SPLICING_PROBE, err);
	case TROUBLE_BUSY:
		return busy(s, row, SPLICE_WAIT_NODE_BUSY, err);
	case TROUBLE_SIGNED:
		return splice_is_pending(s, row, &m->txid, false, err);
	case TROUBLE_UNSIGNED:
		return unsigned_yet(s, row, &said, err);
	case TROUBLE_TOO_OLD:
		return splice_failed_round(s, row, SPLICE_INVALID, said.msg, err);
	}
	return outcome_trouble((ERR(err, ERR_INTERNAL, "a trouble that is none"), err));
}
