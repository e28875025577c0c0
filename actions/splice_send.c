/* actions/splice_send.c - a candidate that is signed by both sides, and that no mempool is known to have: given to our own node.
 * The Lightning node sends what it has signed once; what its mempool refused, or dropped later, it says no more of
 * (spec/splice.md 5.1.8, 350). */
#include "actions/splice.h"
#include "chain/source.h"
#include "rails/bitcoin/tx.h"

#define AGAIN_MS (600 * INT64_C(1000))

bool splice_should_send(const struct step *s, const struct splice_known *k, const struct txid *txid)
{
	const struct splice *m = s->checkpoint;
	const struct funding_candidate *c = splice_candidate(k, txid);

	return s->chain && c && c->origin == CANDIDATE_OURS && c->state == CANDIDATE_SIGNED && c->raw.n > 0 &&
	       (m->sent_at_ms == 0 || s->now_ms - m->sent_at_ms >= AGAIN_MS);
}

struct outcome splice_send(struct step *s, const struct txid *txid)
{
	struct splice *m = s->checkpoint;

	m->sending = *txid;
	return outcome_next(SPLICING_SEND);
}

int splice_send_ask(struct step *s, struct chain_question *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	struct tx *tx = ARENA_NEW(s->arena, struct tx);
	struct funding_candidate *c;
	size_t n;

	if (funding_store_candidates(s->view, s->arena, &m->id, &c, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!txid_equal(&c[i].txid, &m->sending) || c[i].raw.n == 0)
			continue;
		ret->broadcast = tx;
		return tx_decode(s->arena, c[i].raw, tx, err);
	}
	return NOTHING_TO_ASK;
}

/* What was said of it, as the splice's last failure.  Where nobody answered, what was said before stands. */
static void note_answer(struct step *s, struct splice_row *row, const struct chain_broadcast *b)
{
	bool fee = b->class == BROADCAST_CONFLICT || b->class == BROADCAST_FEE_TOO_LOW;

	if (b->class == BROADCAST_UNKNOWN)
		return;
	row->fail_class = b->class == BROADCAST_OK ? SPLICE_FINE : fee ? SPLICE_FEE_LOW : SPLICE_UNKNOWN;
	row->fail_text = NULL;
	row->fail_at_ms = s->now_ms;
	if (b->class != BROADCAST_OK)
		row->fail_text = splice_printable(s, arena_printf(s->arena, "no mempool takes it (%s): %s",
								  broadcast_class_name(b->class), b->words));
}

/* Whatever it says: both sides have signed it, and a block may have it yet.  A higher bump is what helps. */
struct outcome splice_send_told(struct step *s, const struct chain_answer *got, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	m->sent_at_ms = s->now_ms;
	if (row.active != SPLICE_NONE) { /* what went wrong on the way to it is over */
		row.fail_class = SPLICE_FINE;
		row.fail_text = NULL;
	}
	if (got)
		note_answer(s, &row, &got->broadcast);
	log_info(&s->log, "splice.sent", F_BOOL("taken", got && got->broadcast.class == BROADCAST_OK),
		 F_STR("no", row.fail_class == SPLICE_FINE ? "" : row.fail_text));
	return splice_is_pending(s, &row, &m->sending, true, err);
}
