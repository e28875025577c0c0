#include "outbox/settle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "outbox/directive_states.h"
#include "outbox/evidence.h"
#include "outbox/signer.h"
#include "outbox/operate.h"
#include "rails/evm/verifier.h"

#define RECHECK_SOON_MS  (10 * INT64_C(60000))
#define RECHECK_LATER_MS (6 * INT64_C(3600000))
#define RECHECK_DAILY_MS (24 * INT64_C(3600000))
#define RECHECKS_AT_ONCE 4

struct settle {
	struct outbox *ob;
	struct settle *next, **prev;
	struct search *search; /* under way, or NULL */
	struct lane *lane;     /* submitted ones */
	struct slot_row slot;  /* likewise */
	struct judgement judgement;
	struct arena arena;
	struct directive_row row;
	struct evidence evidence;
	const char *why_text;
	int why; /* enum verifier_outcome, or -1 */
	struct moves moves;
	const char *pause; /* why the space is to stop, or NULL */
	bool raise_gas, elsewhere;
	int (*decide)(struct settle *s, struct err *err);
};

static void settle_free(struct settle *s)
{
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	arena_done(&s->arena);
	free(s);
}

/* By that transaction, whose depth decides. */
static int include(struct settle *s, struct err *err)
{
	const struct effect e = { .tx_hash = s->evidence.tx_hash,
				  .block = s->evidence.block,
				  .gas_used = s->evidence.gas_used,
				  .gas_price = s->evidence.gas_price };

	s->elsewhere = true;
	if (signer_keep(outbox_space_of(s->ob, s->row.space_id), &s->row, s->moves.u, s->moves.now_ms, err) != 0)
		return -1;
	return directive_include(&s->moves, &s->row, &e, true, err);
}

/* --- words --- */

static const char *spent_by(struct settle *s)
{
	char digest[65], tx[65];

	hex_encode(s->evidence.digest.b, sizeof(s->evidence.digest.b), digest);
	hex_encode(s->evidence.tx_hash.b, sizeof(s->evidence.tx_hash.b), tx);
	switch (s->evidence.verdict) {
	case EVIDENCE_FOREIGN:
		return arena_printf(&s->arena,
				    "another directive was executed with it: digest 0x%s in transaction 0x%s", digest,
				    tx);
	case EVIDENCE_REVOKED:
		return arena_printf(&s->arena, "it was revoked in transaction 0x%s", tx);
	case EVIDENCE_UNAVAILABLE:
		return "evidence unavailable: no node has the logs that tell by whom";
	case EVIDENCE_UNUSED:
	case EVIDENCE_OWN:
		break;
	}
	return "";
}

static const char *is_used(struct settle *s, const char *when)
{
	return arena_printf(&s->arena,
			    "nonce %" PRIu64 " is already used %s; the on-chain outcome is unknown and requires manual"
			    " reconciliation: %s",
			    s->row.nonce, when, spent_by(s));
}

static int to_a_person(struct settle *s, const char *when, struct err *err)
{
	int64_t again = s->evidence.verdict == EVIDENCE_UNAVAILABLE ? s->moves.now_ms + RECHECK_SOON_MS
								    : DIRECTIVE_NO_WAKE;

	return directive_reconcile(&s->moves, &s->row, REASON_NONCE_CONSUMED, is_used(s, when), again, err);
}

/* --- decisions --- */

static int decide_claimed(struct settle *s, struct err *err)
{
	switch (s->evidence.verdict) {
	case EVIDENCE_OWN:
		return include(s, err);
	case EVIDENCE_UNUSED: /* in a block that is gone, or in one that is not known here yet */
		return directive_fail(&s->moves, &s->row, ATTEMPT_ENDPOINT,
				      "its nonce was used a moment ago, and is not as far as the chain can be asked",
				      err);
	case EVIDENCE_FOREIGN:
	case EVIDENCE_REVOKED:
	case EVIDENCE_UNAVAILABLE:
		return to_a_person(s, "before directive submission", err);
	}
	return ERR(err, ERR_INTERNAL, "evidence without a verdict");
}

static int try_again(struct settle *s, struct err *err)
{
	return directive_fail(&s->moves, &s->row, ATTEMPT_ENDPOINT, s->why_text, err);
}

/* The contract refuses what is signed by us, or by this signer at all: no directive's fault. */
static int stop_space(struct settle *s, const char *why, struct err *err)
{
	s->pause = why;
	if (space_store_pause(s->moves.u, s->row.space_id, why, err) != 0)
		return -1;
	return directive_requeue(&s->moves, &s->row, why, err);
}

static int revert(struct settle *s, struct err *err)
{
	struct effect e = { .tx_hash = s->slot.mined_hash,
			    .block = s->slot.mined_block,
			    .gas_used = s->slot.gas_used,
			    .gas_price = s->slot.gas_price };

	return directive_revert(&s->moves, &s->row, &e, s->why_text ? s->why_text : "the contract refused the effect",
				err);
}

/* The nonce is unused at a final block, and so is the signature: why did nothing happen? */
static int decide_unused(struct settle *s, struct err *err)
{
	int why = s->judgement.code >= 0 ? s->judgement.code : s->why;

	if (s->judgement.lost)
		return directive_requeue(&s->moves, &s->row, "its account nonce was used by another transaction", err);
	if (s->judgement.out_of_gas && s->judgement.code < 0) {
		s->raise_gas = true;
		return directive_requeue(&s->moves, &s->row, "the transaction ran out of gas", err);
	}
	switch (why) {
	case VERIFIER_BAD_SIGNATURE:
		return stop_space(s, PAUSE_BAD_SIGNATURE, err);
	case VERIFIER_UNKNOWN_SIGNER:
		return stop_space(s, PAUSE_SIGNER_UNKNOWN, err);
	case VERIFIER_UNSUPPORTED_ACTION:
		return directive_dead_letter(&s->moves, &s->row, REASON_UNSUPPORTED_ACTION,
					     "the contract does not support the action", err);
	case VERIFIER_EFFECT_FAILED:
	case VERIFIER_ERROR_TEXT:
	case VERIFIER_PANIC:
	case VERIFIER_OTHER:
		return revert(s, err);
	default: /* it would work now: something passing, or a no-op that took its place */
		return directive_requeue(&s->moves, &s->row, "its transaction had no effect on it", err);
	}
}

static int decide_submitted(struct settle *s, struct err *err)
{
	switch (s->evidence.verdict) {
	case EVIDENCE_OWN:
		return include(s, err);
	case EVIDENCE_UNUSED:
		return decide_unused(s, err);
	case EVIDENCE_FOREIGN:
	case EVIDENCE_REVOKED:
	case EVIDENCE_UNAVAILABLE:
		return to_a_person(s, "by another transaction than ours", err);
	}
	return ERR(err, ERR_INTERNAL, "evidence without a verdict");
}

static int recheck_at(struct settle *s, int64_t at_ms, struct err *err)
{
	s->row.recheck_at_ms = at_ms;
	return directive_store_save(s->moves.u, &s->row, s->moves.now_ms, err);
}

static int decide_again(struct settle *s, struct err *err)
{
	int64_t age = s->moves.now_ms - s->row.finished_at_ms;

	switch (s->evidence.verdict) {
	case EVIDENCE_OWN:
		return include(s, err);
	case EVIDENCE_FOREIGN:
	case EVIDENCE_REVOKED: /* that is all there is to be known */
		s->row.last_error = is_used(s, "by somebody else");
		return recheck_at(s, DIRECTIVE_NO_WAKE, err);
	case EVIDENCE_UNUSED: /* a block that is gone, or a refusal of the dry run */
	case EVIDENCE_UNAVAILABLE:
		return recheck_at(s, s->moves.now_ms + (age < RECHECK_LATER_MS ? RECHECK_LATER_MS : RECHECK_DAILY_MS),
				  err);
	}
	return ERR(err, ERR_INTERNAL, "evidence without a verdict");
}

/* The chain cannot be asked.  Those that are due behind this one have their turn. */
static int postpone(struct settle *s, struct err *err)
{
	return recheck_at(s, s->moves.now_ms + RECHECK_SOON_MS, err);
}

/* --- the unit --- */

static int settle_run(struct unit *u, void *ctx, struct err *err)
{
	struct settle *s = ctx;

	s->moves = moves_in(u, &s->arena, &s->ob->meters);
	if (FAILPOINT("outbox.settle"))
		return ERR(err, ERR_STORAGE, "failpoint outbox.settle");
	return s->decide(s, err);
}

/* Once for a transaction, however many directives it carried. */
static void raise_gas(struct chain *c, int64_t slot)
{
	if (c->gas_raised_for == slot)
		return;
	c->gas_raised_for = slot;
	c->gas_percent = evm_gas_percent_raise(c->gas_percent);
}

/* One that is claimed stays so until its lease ends.  The slot of one that was sent is final, and no new head may come for
 * long: it is looked at again at the next poll. */
static void not_saved(struct settle *s, const struct err *err)
{
	outbox_write_failed(s->ob, "outbox.decision_not_saved", err);
	if (s->lane)
		s->lane->chain->track_new_head = true;
}

static void settled(void *ctx, const struct err *err)
{
	struct settle *s = ctx;
	struct outbox *ob = s->ob;

	ob->units--;
	if (err) {
		not_saved(s, err);
	} else {
		after_run(&s->moves.after, &ob->meters);
		if (s->elsewhere)
			outbox_space_of(ob, s->row.space_id)->chain->elsewhere_due = true;
		if (s->raise_gas)
			raise_gas(s->lane->chain, s->slot.id);
		if (s->pause)
			log_error(&ob->log, "outbox.space_stopped", F_INT("space", s->row.space_id),
				  F_STR("reason", s->pause));
	}
	settle_free(s);
	outbox_pump_soon(ob);
}

static void write_decision(struct settle *s)
{
	struct err err;

	if (store_unit(s->ob->opt.store, settle_run, s, settled, &err) == 0) {
		s->ob->units++;
		return;
	}
	not_saved(s, &err);
	settle_free(s);
}

static void searched(void *ctx, const struct search_result *r, const struct err *failed)
{
	struct settle *s = ctx;

	s->search = NULL;
	if (failed) {
		log_warn(&s->ob->log, "outbox.evidence_unreadable", F_STR("directive", s->row.id), F_ERR(failed));
		if (s->decide == decide_submitted) { /* asked again at a later head */
			settle_free(s);
			return;
		}
		s->decide = s->decide == decide_claimed ? try_again : postpone;
		s->why_text = arena_printf(&s->arena, "its nonce is used, and who used it cannot be asked: %s",
					   failed->msg);
	} else {
		s->evidence = r->evidence;
		s->why = r->why_known ? r->why : -1;
		s->why_text = r->why_text ? arena_strdup(&s->arena, r->why_text) : NULL;
	}
	write_decision(s);
}

static void settle_dropped(void *ctx)
{
	settle_free(ctx);
}

static struct settle *settle_new(struct outbox *ob, const struct directive_row *row,
				 int (*decide)(struct settle *s, struct err *err))
{
	struct settle *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->ob = ob;
	s->decide = decide;
	s->why = -1;
	s->arena = ARENA_LIMIT(4 * 1024 * 1024);
	s->row = directive_row_copy(&s->arena, row);
	s->next = ob->settles;
	if (s->next)
		s->next->prev = &s->next;
	s->prev = &ob->settles;
	ob->settles = s;
	return s;
}

static void settle_search(struct settle *s, bool final, bool why)
{
	struct search_request req = { .row = s->row, .final = final, .why = why };

	s->search = search_start(s->ob, &req, (struct search_hooks){ searched, settle_dropped, s });
}

static int give_back(struct settle *s, struct err *err)
{
	return directive_unclaim(&s->moves, &s->row, err);
}

void settle_claimed(struct outbox *ob, const struct directive_row *row)
{
	if (ob->stopping)
		write_decision(settle_new(ob, row, give_back));
	else if (!search_runs(ob, row->seq))
		settle_search(settle_new(ob, row, decide_claimed), false, false);
}

void settle_stop(struct outbox *ob)
{
	struct settle *next;

	for (struct settle *s = ob->settles; s; s = next) {
		next = s->next;
		if (!s->search || s->decide != decide_claimed)
			continue;
		search_cancel(s->search);
		s->search = NULL;
		s->decide = give_back;
		write_decision(s);
	}
}

void settle_submitted(struct lane *l, const struct slot_row *slot, const struct directive_row *row,
		      const struct judgement *j)
{
	struct settle *s;

	if (search_runs(l->ob, row->seq))
		return;
	s = settle_new(l->ob, row, decide_submitted);
	s->lane = l;
	s->slot = *slot;
	s->judgement = *j;
	settle_search(s, true, !j->lost && j->code < 0);
}

void settle_rechecks(struct outbox *ob)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct directive_row *rows;
	struct err err;
	size_t n;

	if (directive_store_to_recheck(store_view(ob->opt.store), &a, clock_now_ms(), RECHECKS_AT_ONCE, &rows, &n,
				       &err) != 0) {
		outbox_write_failed(ob, "outbox.rechecks_unreadable", &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!search_runs(ob, rows[i].seq))
			settle_search(settle_new(ob, &rows[i], decide_again), true, false);
}
