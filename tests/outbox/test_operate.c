/* What a person may decide about directives, lanes and spaces, and what is refused (spec/outbox.md 6). */
#include "outbox/operate.h"

#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "store/outbox_audit.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/outbox_world.h"
#include "tests/support/suite.h"

#define WHO "alice"

static struct err e, *err = &e;
static const struct outbox_operator op = { WHO, "directive.test", "because it is so" };

static void teardown(void)
{
	ck_assert_msg(outbox_audit(store_view(outbox_world.disk.store), err) == 0, "%s", err->msg);
	outbox_teardown();
}

/* --- a directive that waits for a person --- */

struct placing {
	const char *id;
	enum delivery_status to;
	bool is_signed;
};

static int place_run(struct unit *u, void *ctx, struct err *er)
{
	const struct placing *p = ctx;
	struct directive_row row;
	struct signature_row sig = { .digest = rows_hash(0xd1), .sig = { 1 } };

	OK(directive_store_by_id(unit_view(u), &outbox_world.arena, p->id, &row, err));
	row.reason_class = REASON_NONCE_CONSUMED;
	row.last_error = "as it was";
	row.attempts = 3;
	rows_move(u, &row, p->to);
	sig.seq = row.seq;
	return p->is_signed ? signature_store_put(u, row.space_id, row.nonce, &sig, 1, er) : 0;
}

static struct directive_row place(const char *id, enum delivery_status to, bool is_signed)
{
	struct placing p = { id, to, is_signed };
	struct outbox_append in = outbox_request(id);

	outbox_world_append(&in);
	scratch_unit(&outbox_world.disk, place_run, &p);
	return outbox_world_row(id);
}

static struct evidence evidence(enum evidence_verdict verdict, const struct directive_row *row)
{
	return (struct evidence){ .verdict = verdict,
				  .digest = rows_hash(0xf0),
				  .tx_hash = rows_hash(0xf1),
				  .block = 1234,
				  .gas_used = 21,
				  .gas_price = rows_price(5),
				  .version = row->version };
}

/* One decision in a unit of its own. */
struct decision {
	int (*fn)(struct unit *u, struct decision *d, struct err *er);
	struct outbox_operator op;
	struct directive_row row;
	struct evidence e;
	const char *note;
	bool changed;
	struct hash32 hash;
};

static int retry(struct unit *u, struct decision *d, struct err *er)
{
	return outbox_retry(outbox_world.ob, u, &outbox_world.arena, &d->op, &d->row, &d->e, er);
}

static int done(struct unit *u, struct decision *d, struct err *er)
{
	return outbox_resolve_done(outbox_world.ob, u, &outbox_world.arena, &d->op, &d->row, &d->e, d->note, er);
}

static int resubmit(struct unit *u, struct decision *d, struct err *er)
{
	return outbox_resubmit(outbox_world.ob, u, &outbox_world.arena, &d->op, &d->row, &d->e, er);
}

static int abandon(struct unit *u, struct decision *d, struct err *er)
{
	return outbox_abandon(outbox_world.ob, u, &outbox_world.arena, &d->op, &d->row, &d->e, er);
}

static int recheck(struct unit *u, struct decision *d, struct err *er)
{
	return outbox_recheck(outbox_world.ob, u, &outbox_world.arena, &d->op, &d->row, &d->e, &d->changed, er);
}

static int revoke(struct unit *u, struct decision *d, struct err *er)
{
	return outbox_revoke_nonce(outbox_world.ob, u, &outbox_world.arena, &d->op, &d->row, &d->e, &d->hash, er);
}

static int decision_run(struct unit *u, void *ctx, struct err *er)
{
	struct decision *d = ctx;

	return d->fn(u, d, er);
}

static int decide(struct decision *d)
{
	return store_unit_now(outbox_world.disk.store, decision_run, d, err);
}

static const struct {
	const char *name;
	int (*fn)(struct unit *u, struct decision *d, struct err *er);
} decisions[] = {
	{ "retry", retry },     { "done", done },       { "resubmit", resubmit },
	{ "abandon", abandon }, { "recheck", recheck }, { "revoke", revoke },
};
#define N_DECISIONS ((int)ARRAY_LEN(decisions))

/* --- the rules --- */

#define YES ERR_NONE

/* A decision, by what the chain says: allowed, or refused as what. */
static const struct rule {
	const char *name;
	int (*fn)(struct unit *u, struct decision *d, struct err *er);
	bool is_signed;
	const char *note;
	enum err_code unused, own, foreign, revoked, unavailable;
	enum delivery_status to;
	const char *reason_class;
} rules[] = {
	{ "retry", retry, true, NULL, YES, ERR_NONCE_USED, ERR_NONCE_USED, ERR_NONCE_USED, ERR_NONCE_USED,
	  DELIVERY_PENDING, NULL },
	{ "retry, never signed", retry, false, NULL, YES, ERR_NONCE_USED, ERR_NONCE_USED, ERR_NONCE_USED,
	  ERR_NONCE_USED, DELIVERY_PENDING, NULL },
	{ "done", done, true, NULL, ERR_NO_EVIDENCE, YES, ERR_NO_EVIDENCE, ERR_NO_EVIDENCE, ERR_NO_EVIDENCE,
	  DELIVERY_CONFIRMED, NULL },
	{ "done, with an empty note", done, true, "", ERR_NO_EVIDENCE, YES, ERR_NO_EVIDENCE, ERR_NO_EVIDENCE,
	  ERR_NO_EVIDENCE, DELIVERY_CONFIRMED, NULL },
	{ "done, with a note", done, true, "seen on the archive node", ERR_NO_EVIDENCE, YES, YES, YES, YES,
	  DELIVERY_CONFIRMED, REASON_OPERATOR_DONE },
	{ "resubmit", resubmit, true, NULL, ERR_NONCE_VALID, ERR_ALREADY_EXECUTED, YES, YES, ERR_NO_EVIDENCE,
	  DELIVERY_PENDING, NULL },
	{ "resubmit, never signed", resubmit, false, NULL, ERR_NONCE_VALID, ERR_ALREADY_EXECUTED, YES, YES,
	  ERR_NO_EVIDENCE, DELIVERY_PENDING, NULL },
	{ "abandon", abandon, true, NULL, ERR_NONCE_VALID, ERR_ALREADY_EXECUTED, YES, YES, ERR_NO_EVIDENCE,
	  DELIVERY_DEAD_LETTERED, REASON_OPERATOR_ABANDONED },
	{ "abandon, never signed", abandon, false, NULL, YES, ERR_ALREADY_EXECUTED, YES, YES, YES,
	  DELIVERY_DEAD_LETTERED, REASON_OPERATOR_ABANDONED },
};
#define N_VERDICTS 5
static const enum delivery_status waiting[] = { DELIVERY_MANUAL, DELIVERY_REVERTED, DELIVERY_DEAD_LETTERED };
#define RULE_CASES ((int)(ARRAY_LEN(rules) * N_VERDICTS * ARRAY_LEN(waiting)))

static enum err_code expected(const struct rule *r, enum evidence_verdict v)
{
	switch (v) {
	case EVIDENCE_UNUSED:
		return r->unused;
	case EVIDENCE_OWN:
		return r->own;
	case EVIDENCE_FOREIGN:
		return r->foreign;
	case EVIDENCE_REVOKED:
		return r->revoked;
	case EVIDENCE_UNAVAILABLE:
		break;
	}
	return r->unavailable;
}

static uint64_t moved(enum delivery_status from, enum delivery_status to)
{
	const struct metric *m = outbox_world.ob->meters.transitions[from][to];

	return m ? metric_value(m) : 0;
}

static void assert_audit(const char *subject, const char *before, const char *after)
{
	json_t *j = outbox_last_event("outbox.audit", subject);

	ck_assert_str_eq(json_string_value(json_object_get(j, "who")), WHO);
	ck_assert_str_eq(json_string_value(json_object_get(j, "method")), op.method);
	ck_assert_str_eq(json_string_value(json_object_get(j, "reason")), op.reason);
	if (before)
		ck_assert_str_eq(json_string_value(json_object_get(json_object_get(j, "before"), "delivery_status")),
				 before);
	if (after)
		ck_assert_str_eq(json_string_value(json_object_get(json_object_get(j, "after"), "delivery_status")),
				 after);
}

static void assert_refused(const struct directive_row *was, unsigned events)
{
	struct directive_row row = outbox_world_row(was->id);

	ck_assert_int_eq(row.version, was->version);
	ck_assert_int_eq(row.status, was->status);
	ck_assert_uint_eq(row.nonce, was->nonce);
	ck_assert_uint_eq(outbox_events(NULL, NULL), events);
	ck_assert_str_ne(err->hint, "");
}

static bool is_allowed(const struct directive_row *row, const struct evidence *found, const char *decision)
{
	json_t *list, *one;
	size_t i;

	OK(outbox_allowed(outbox_world.ob, &outbox_world.arena, row, found, &list, err));
	json_array_foreach(list, i, one) if (strcmp(json_string_value(one), decision) == 0) return true;
	return false;
}

/* What a person is told beforehand is what then happens; done is told with the note that it may need. */
static void assert_told(const struct rule *r, enum evidence_verdict v, const struct decision *d)
{
	bool yes = r->fn == done ? v != EVIDENCE_UNUSED : expected(r, v) == YES;

	for (size_t i = 0; i < ARRAY_LEN(decisions); i++)
		if (decisions[i].fn == r->fn)
			ck_assert_msg(is_allowed(&d->row, &d->e, decisions[i].name) == yes, "%s, %s", r->name,
				      evidence_verdict_name(v));
}

START_TEST(the_chain_decides_what_is_allowed)
{
	const struct rule *r = &rules[_i / (N_VERDICTS * (int)ARRAY_LEN(waiting))];
	enum evidence_verdict v = (enum evidence_verdict)(_i / (int)ARRAY_LEN(waiting) % N_VERDICTS + EVIDENCE_UNUSED);
	enum delivery_status from = waiting[_i % (int)ARRAY_LEN(waiting)];
	struct directive_row was = place("one", from, r->is_signed), row;
	struct decision d = { .fn = r->fn, .op = op, .row = was, .e = evidence(v, &was), .note = r->note };
	unsigned events = outbox_events(NULL, NULL);
	uint64_t before = moved(from, r->to);
	int rc;

	assert_told(r, v, &d);
	rc = decide(&d);
	if (expected(r, v) != YES) {
		ck_assert_msg(rc == -1 && err->code == expected(r, v), "%s, %s: %d", r->name, evidence_verdict_name(v),
			      rc);
		assert_refused(&was, events);
		ck_assert_uint_eq(moved(from, r->to), before);
		return;
	}
	ck_assert_msg(rc == 0, "%s, %s: %s", r->name, evidence_verdict_name(v), err->msg);
	row = outbox_world_row("one");
	ck_assert_int_eq(row.status, r->to);
	ck_assert_int_eq(d.row.version, row.version);
	ck_assert_uint_eq(row.attempts, was.attempts);
	if (v == EVIDENCE_OWN && r->to == DELIVERY_CONFIRMED)
		ck_assert_ptr_null(row.reason_class);
	else
		ck_assert_pstr_eq(row.reason_class, r->reason_class);
	assert_audit("one", delivery_status_name(from), delivery_status_name(r->to));
	ck_assert_uint_eq(moved(from, r->to), before + 1);
}
END_TEST

/* --- what each leaves --- */

START_TEST(done_with_evidence_knows_the_transaction)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = done, .op = op, .row = row, .e = evidence(EVIDENCE_OWN, &row) };
	json_t *update;

	OK(decide(&d));
	row = outbox_world_row("one");
	ck_assert(row.has_result && hash32_equal(&row.result_hash, &d.e.tx_hash));
	ck_assert_uint_eq(row.result_block, 1234);
	ck_assert_int_eq(row.tx_id, 0);
	ck_assert_int_eq(row.finished_at_ms, OUTBOX_NOW_MS);
	ck_assert_int_eq(directive_domain_status(&row), DOMAIN_COMPLETED);
	update = outbox_last_event("directive.update", "one");
	ck_assert_str_eq(json_string_value(json_object_get(update, "status")), "confirmed");
	ck_assert_int_eq(json_integer_value(json_object_get(update, "gas_used")), 21);
}
END_TEST

START_TEST(done_by_a_note_is_marked_as_that)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = {
		.fn = done, .op = op, .row = row, .e = evidence(EVIDENCE_UNAVAILABLE, &row), .note = "seen elsewhere"
	};
	json_t *audit;

	OK(decide(&d));
	row = outbox_world_row("one");
	ck_assert_str_eq(row.reason_class, REASON_OPERATOR_DONE);
	ck_assert(!row.has_result);
	audit = outbox_last_event("outbox.audit", "one");
	ck_assert_str_eq(json_string_value(json_object_get(audit, "note")), "seen elsewhere");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(audit, "evidence"), "verdict")),
			 "unavailable");
}
END_TEST

START_TEST(a_new_nonce_leaves_the_old_one_in_the_history)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = resubmit, .op = op, .row = row, .e = evidence(EVIDENCE_FOREIGN, &row) };
	struct hash32 digest = rows_hash(0xd1);
	struct nonce_history_row *history;
	struct outbox_append in = outbox_request("two");
	size_t n;

	OK(decide(&d));
	row = outbox_world_row("one");
	ck_assert_uint_eq(row.nonce, 1);
	ck_assert_uint_eq(row.generation, 1);
	ck_assert_int_eq(row.status, DELIVERY_PENDING);
	ck_assert_int_eq(row.wake_at_ms, 0);
	ck_assert(row.holds_order);
	OK(nonce_history_list(store_view(outbox_world.disk.store), &outbox_world.arena, row.seq, &history, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(history[0].generation, 0);
	ck_assert_uint_eq(history[0].nonce, 0);
	ck_assert(history[0].has_digest && hash32_equal(&history[0].digest, &digest));
	ck_assert_int_eq(history[0].retired_at_ms, OUTBOX_NOW_MS);
	ck_assert_str_eq(history[0].operator, WHO);
	ck_assert_ptr_nonnull(strstr(history[0].evidence, "\"foreign\""));
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, 2);
}
END_TEST

/* The unit fails after all: old nonce, old status, no history. */
static int resubmit_and_fail(struct unit *u, struct decision *d, struct err *er)
{
	ck_assert_int_eq(resubmit(u, d, er), 0);
	return ERR(er, ERR_STORAGE, "the disk is full");
}

START_TEST(a_new_nonce_comes_with_all_of_it_or_not_at_all)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = resubmit_and_fail, .op = op, .row = row, .e = evidence(EVIDENCE_REVOKED, &row) };
	uint64_t before = moved(DELIVERY_MANUAL, DELIVERY_PENDING);
	struct outbox_append in = outbox_request("two");
	unsigned events = outbox_events(NULL, NULL);
	struct nonce_history_row *history;
	size_t n;

	FAILS(decide(&d), ERR_STORAGE);
	ck_assert_int_eq(outbox_world_row("one").version, row.version);
	ck_assert_uint_eq(outbox_events(NULL, NULL), events);
	ck_assert_uint_eq(moved(DELIVERY_MANUAL, DELIVERY_PENDING), before);
	OK(nonce_history_list(store_view(outbox_world.disk.store), &outbox_world.arena, row.seq, &history, &n, err));
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, 1);
}
END_TEST

START_TEST(abandoned_is_failed_for_the_account)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, false);
	struct decision d = { .fn = abandon, .op = op, .row = row, .e = evidence(EVIDENCE_UNUSED, &row) };

	ck_assert_int_eq(directive_domain_status(&row), DOMAIN_PENDING_MANUAL_REVIEW);
	OK(decide(&d));
	row = outbox_world_row("one");
	ck_assert_int_eq(directive_domain_status(&row), DOMAIN_FAILED);
	ck_assert_str_eq(row.last_error, "as it was");
	ck_assert(!row.holds_order);
	/* An update for the feed would have people believe in a refund. */
	ck_assert_uint_eq(outbox_events("directive.update", "one"), 0);
	ck_assert_uint_eq(outbox_events("directive.abandoned", "one"), 1);
}
END_TEST

START_TEST(a_recheck_changes_something_only_when_it_was_us)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = recheck, .op = op, .row = row, .changed = true };
	unsigned events = outbox_events(NULL, NULL);

	for (int v = EVIDENCE_UNUSED; v <= EVIDENCE_UNAVAILABLE; v++) {
		if (v == EVIDENCE_OWN)
			continue;
		d.e = evidence((enum evidence_verdict)v, &row);
		OK(decide(&d));
		ck_assert(!d.changed);
		ck_assert_int_eq(outbox_world_row("one").version, row.version);
	}
	ck_assert_uint_eq(outbox_events(NULL, NULL), events);
	d.e = evidence(EVIDENCE_OWN, &row);
	OK(decide(&d));
	ck_assert(d.changed);
	ck_assert_int_eq(outbox_world_row("one").status, DELIVERY_CONFIRMED);
	assert_audit("one", "manual_reconciliation", "confirmed");
}
END_TEST

/* --- what is refused whatever the chain says --- */

START_TEST(only_what_waits_for_a_person_is_decided_by_one)
{
	enum delivery_status s = (enum delivery_status)(_i / N_DECISIONS);
	struct outbox_append in = outbox_request("one");
	struct directive_row row;
	struct decision d = { .fn = decisions[_i % N_DECISIONS].fn, .op = op, .note = "a note" };
	unsigned events;

	if (delivery_is_final(s) && s != DELIVERY_CONFIRMED)
		return;
	if (s == DELIVERY_PENDING)
		outbox_world_append(&in);
	else
		place("one", s, true);
	row = outbox_world_row("one");
	events = outbox_events(NULL, NULL);
	for (int v = EVIDENCE_UNUSED; v <= EVIDENCE_UNAVAILABLE; v++) {
		d.row = row;
		d.e = evidence((enum evidence_verdict)v, &row);
		FAILS(decide(&d), ERR_ILLEGAL_STATE);
		ck_assert_ptr_nonnull(strstr(err->msg, delivery_status_name(s)));
		assert_refused(&row, events);
	}
}
END_TEST

START_TEST(a_reason_is_needed)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = decisions[_i].fn, .op = op, .row = row, .e = evidence(EVIDENCE_OWN, &row) };

	d.op.reason = "";
	FAILS(decide(&d), ERR_PARAM);
	ck_assert_str_eq(err->field, "reason");
}
END_TEST

/* What the chain said about another nonce of the directive says nothing about this one. */
START_TEST(it_has_moved_since_it_was_looked_at)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = decisions[_i].fn, .op = op, .row = row, .e = evidence(EVIDENCE_OWN, &row) };

	d.e.version--;
	FAILS(decide(&d), ERR_CONFLICT);
	ck_assert_int_eq(outbox_world_row("one").version, row.version);
}
END_TEST

START_TEST(somebody_else_was_faster)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision first = { .fn = resubmit, .op = op, .row = row, .e = evidence(EVIDENCE_FOREIGN, &row) };
	struct decision second = { .fn = abandon, .op = op, .row = row, .e = evidence(EVIDENCE_FOREIGN, &row) };

	OK(decide(&first));
	FAILS(decide(&second), ERR_CONFLICT);
	ck_assert_int_eq(outbox_world_row("one").status, DELIVERY_PENDING);
}
END_TEST

/* --- revoke --- */

START_TEST(only_an_unused_nonce_is_revoked)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = revoke, .op = op, .row = row };

	for (int v = EVIDENCE_OWN; v <= EVIDENCE_UNAVAILABLE; v++) {
		d.e = evidence((enum evidence_verdict)v, &row);
		FAILS(decide(&d), ERR_NONCE_USED);
	}
}
END_TEST

/* The relayer is neither the contract's owner nor the signer: that is said before gas is spent. */
START_TEST(a_revocation_that_the_contract_refuses_is_not_sent)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = revoke, .op = op, .row = row, .e = evidence(EVIDENCE_UNUSED, &row) };
	unsigned events = outbox_events(NULL, NULL);

	ck_assert(is_allowed(&row, &d.e, "revoke"));
	d.e.no_revoke = true;
	ck_assert(!is_allowed(&row, &d.e, "revoke"));
	FAILS(decide(&d), ERR_ILLEGAL_STATE);
	ck_assert_ptr_nonnull(strstr(err->hint, "revokeNonces(0x"));
	assert_refused(&row, events);
}
END_TEST

static struct lane *the_lane(void)
{
	return outbox_world.ob->chains[0]->lanes[0];
}

/* As if the chain had been asked. */
static void know_the_chain(void)
{
	struct chain *c = outbox_world.ob->chains[0];

	c->fees_known = true;
	c->base_fee = rows_price(1000);
	c->quote = (struct evm_fees){ rows_price(2100), rows_price(100) };
	c->block_gas_limit = 30000000;
	c->head_known = true;
	c->head = 5000;
	the_lane()->hold = HOLD_NONE;
	scratch_sql(&outbox_world.disk, "UPDATE outbox_lane SET synced = 1");
}

START_TEST(a_revocation_is_a_slot_that_is_written_ahead)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = revoke, .op = op, .row = row, .e = evidence(EVIDENCE_UNUSED, &row) };
	struct attempt_row *attempts;
	struct slot_row slot;
	size_t n;

	know_the_chain();
	OK(decide(&d));
	OK(slot_store_at(store_view(outbox_world.disk.store), outbox_lane_id(), 0, &slot, err));
	ck_assert_int_eq(slot.purpose, SLOT_REVOKE);
	ck_assert_int_eq(slot.state, SLOT_PREPARED);
	OK(attempt_store_list(store_view(outbox_world.disk.store), &outbox_world.arena, slot.id, &attempts, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert(hash32_equal(&attempts[0].hash, &d.hash));
	ck_assert_int_eq(outbox_world_row("one").version, row.version); /* it waits for the chain as before */
	assert_audit("one", "manual_reconciliation", NULL);
}
END_TEST

START_TEST(a_revocation_needs_the_relayer)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = revoke, .op = op, .row = row, .e = evidence(EVIDENCE_UNUSED, &row) };

	outbox_set_keys(outbox_world.ob, NULL);
	FAILS(decide(&d), ERR_WALLET_LOCKED);
	ck_assert_str_eq(err->hint, "wallet.unlock");
	store_flush(outbox_world.disk.store); /* the group of the unit that failed */
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET lane = 77");
	d.row = outbox_world_row("one");
	FAILS(decide(&d), ERR_NOT_FOUND);
	ck_assert_str_eq(err->hint, "outbox.lanes");
}
END_TEST

/* --- lanes and spaces --- */

struct change {
	int (*fn)(struct unit *u, struct change *c, struct err *er);
	struct outbox_operator op;
	int64_t id;
	uint64_t number;
	bool pause;
	struct hash32 hash;
};

static int pause_space(struct unit *u, struct change *c, struct err *er)
{
	return outbox_pause_space(outbox_world.ob, u, &outbox_world.arena, &c->op, c->id, c->pause, er);
}

static int pause_lane(struct unit *u, struct change *c, struct err *er)
{
	return outbox_pause_lane(outbox_world.ob, u, &outbox_world.arena, &c->op, c->id, c->pause, er);
}

static int cancel_slot(struct unit *u, struct change *c, struct err *er)
{
	return outbox_cancel_slot(outbox_world.ob, u, &outbox_world.arena, &c->op, c->id, c->number, &c->hash, er);
}

static int nonce_advance(struct unit *u, struct change *c, struct err *er)
{
	return outbox_nonce_advance(outbox_world.ob, u, &outbox_world.arena, &c->op, c->id, c->number, er);
}

static int change_run(struct unit *u, void *ctx, struct err *er)
{
	struct change *c = ctx;

	return c->fn(u, c, er);
}

static int change(struct change *c)
{
	return store_unit_now(outbox_world.disk.store, change_run, c, err);
}

static struct space_row the_space(void)
{
	struct space_row row;

	OK(space_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_space_id(), &row, err));
	return row;
}

static struct lane_row the_lane_row(void)
{
	struct lane_row row;

	OK(lane_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_lane_id(), &row, err));
	return row;
}

START_TEST(a_pause_lasts_until_it_is_ended)
{
	struct change space = { pause_space, op, outbox_space_id(), 0, true, { { 0 } } };
	struct change lane = { pause_lane, op, outbox_lane_id(), 0, true, { { 0 } } };

	OK(change(&space));
	OK(change(&lane));
	outbox_world_again();
	ck_assert_str_eq(the_space().pause_reason, "operator: because it is so");
	ck_assert_str_eq(the_lane_row().pause_reason, "operator: because it is so");
	assert_audit("space:1", NULL, NULL);
	assert_audit("lane:1", NULL, NULL);
	space.pause = lane.pause = false;
	OK(change(&space));
	OK(change(&lane));
	ck_assert(!the_space().paused && !the_lane_row().paused);
	ck_assert_uint_eq(outbox_events("outbox.audit", NULL), 4);
	space.id = lane.id = 99;
	FAILS(change(&space), ERR_NOT_FOUND);
	FAILS(change(&lane), ERR_NOT_FOUND);
}
END_TEST

/* Nobody can take it for one of walletd's own pauses. */
START_TEST(a_pause_is_called_an_operators)
{
	struct change c = { pause_space, op, outbox_space_id(), 0, true, { { 0 } } };

	c.op.reason = PAUSE_NONCE_HORIZON;
	OK(change(&c));
	c.pause = false;
	OK(change(&c));
	ck_assert(!the_space().paused);
}
END_TEST

START_TEST(a_violated_horizon_is_not_resumed_away)
{
	struct change c = { pause_space, op, outbox_space_id(), 0, false, { { 0 } } };

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET pause_reason = 'nonce_horizon'");
	FAILS(change(&c), ERR_ILLEGAL_STATE);
	ck_assert_str_eq(err->hint, "outbox.nonce_advance");
	c.pause = true; /* nor hidden behind another pause */
	OK(change(&c));
	ck_assert_str_eq(the_space().pause_reason, PAUSE_NONCE_HORIZON);
	ck_assert_uint_eq(outbox_events("outbox.audit", NULL), 0);
}
END_TEST

START_TEST(advancing_the_nonce_ends_that_pause)
{
	struct change c = { nonce_advance, op, outbox_space_id(), 5000, false, { { 0 } } };
	struct outbox_append in = outbox_request("after");
	json_t *audit;

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET pause_reason = 'nonce_horizon', next_nonce = 7");
	outbox_world.ob->spaces[0]->hold = HOLD_NONE;
	outbox_world.ob->spaces[0]->next_check_us = INT64_MAX;
	OK(change(&c));
	ck_assert(!the_space().paused);
	ck_assert_uint_eq(the_space().next_nonce, 5000);
	audit = outbox_last_event("outbox.audit", "space:1");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(audit, "before"), "next_nonce")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(audit, "after"), "next_nonce")), 5000);
	/* Was that far enough?  Nothing is claimed before the chain has said so. */
	ck_assert_int_eq(outbox_world.ob->spaces[0]->hold, HOLD_NOT_CHECKED);
	ck_assert_int_eq(outbox_world.ob->spaces[0]->next_check_us, 0);
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, 5000);
}
END_TEST

START_TEST(a_nonce_is_only_ever_raised)
{
	static const uint64_t not [] = { 0, 6, 7, (uint64_t)INT64_MAX + 1 };
	struct change c = { nonce_advance, op, outbox_space_id(), 0, false, { { 0 } } };

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET pause_reason = 'for lunch', next_nonce = 7");
	for (size_t i = 0; i < ARRAY_LEN(not ); i++) {
		c.number = not [i];
		FAILS(change(&c), ERR_RANGE);
		ck_assert_str_eq(err->field, "to");
	}
	c.number = 8;
	OK(change(&c));
	ck_assert_uint_eq(the_space().next_nonce, 8);
	ck_assert_str_eq(the_space().pause_reason, "for lunch"); /* that is not what it ends */
	c.id = 99;
	FAILS(change(&c), ERR_NOT_FOUND);
}
END_TEST

/* --- cancelling a slot --- */

static int open_revoke_slot(struct unit *u, void *ctx, struct err *er)
{
	struct decision *d = ctx;

	return revoke(u, d, er);
}

static void open_slot(void)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .op = op, .row = row, .e = evidence(EVIDENCE_UNUSED, &row) };

	know_the_chain();
	scratch_unit(&outbox_world.disk, open_revoke_slot, &d);
}

START_TEST(a_slot_is_replaced_by_nothing)
{
	struct change c = { cancel_slot, op, outbox_lane_id(), 0, false, { { 0 } } };
	struct attempt_row *attempts;
	struct slot_row slot;
	size_t n;

	open_slot();
	OK(change(&c));
	OK(slot_store_at(store_view(outbox_world.disk.store), outbox_lane_id(), 0, &slot, err));
	OK(attempt_store_list(store_view(outbox_world.disk.store), &outbox_world.arena, slot.id, &attempts, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(hash32_equal(&attempts[1].hash, &c.hash));
	ck_assert_int_gt(gas_price_cmp(attempts[1].max_fee, attempts[0].max_fee), 0);
	ck_assert_int_gt(gas_price_cmp(attempts[1].max_priority_fee, attempts[0].max_priority_fee), 0);
	ck_assert_uint_eq(attempts[1].gas_limit, 21000);
	assert_audit("lane:1", NULL, NULL);
}
END_TEST

START_TEST(what_cannot_be_cancelled)
{
	static const struct {
		const char *sql;
		enum err_code why;
	} cases[] = {
		{ "UPDATE outbox_tx SET state = 2, mined_hash = randomblob(32), mined_block = 1,"
		  " mined_block_hash = randomblob(32), mined_ok = 1, gas_used = 1, gas_price = 1",
		  ERR_ILLEGAL_STATE },
		{ "UPDATE outbox_tx SET state = 5", ERR_ILLEGAL_STATE },
		{ "UPDATE outbox_tx SET state = 6", ERR_ILLEGAL_STATE },
		{ "UPDATE outbox_tx SET purpose = 1", ERR_ILLEGAL_STATE },
	};
	struct change c = { cancel_slot, op, outbox_lane_id(), 0, false, { { 0 } } };
	unsigned events;

	open_slot();
	scratch_sql(&outbox_world.disk, cases[_i].sql);
	events = outbox_events(NULL, NULL);
	FAILS(change(&c), cases[_i].why);
	ck_assert_uint_eq(outbox_events(NULL, NULL), events);
}
END_TEST

START_TEST(no_slot_no_key_no_money)
{
	struct change c = { cancel_slot, op, outbox_lane_id(), 7, false, { { 0 } } };

	open_slot();
	FAILS(change(&c), ERR_NOT_FOUND);
	ck_assert_str_eq(err->hint, "outbox.lanes");
	c.number = 0;
	outbox_world.ob->chains[0]->conf.max_fee = rows_price(2100);
	FAILS(change(&c), ERR_BUDGET);
	outbox_set_keys(outbox_world.ob, NULL);
	FAILS(change(&c), ERR_WALLET_LOCKED);
}
END_TEST

/* --- looking --- */

static struct {
	int heard;
	enum err_code code;
	struct evidence e;
} told;

static void looked(void *ctx, const struct evidence *ev, const struct err *why)
{
	ck_assert_ptr_eq(ctx, &told);
	told.heard++;
	told.code = why ? why->code : ERR_NONE;
	if (ev)
		told.e = *ev;
}

static bool has_heard(void)
{
	return told.heard > 0;
}

START_TEST(there_is_no_such_directive)
{
	struct outbox_look *look = outbox_look(outbox_world.ob, 99, NULL, looked, &told);

	ck_assert_ptr_nonnull(look);
	ck_assert_int_eq(told.heard, 0);
	outbox_run_until(has_heard);
	ck_assert_int_eq(told.heard, 1);
	ck_assert_int_eq(told.code, ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_look_that_is_cancelled_says_nothing)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);

	outbox_look_cancel(outbox_look(outbox_world.ob, 99, NULL, looked, &told));
	outbox_look_cancel(outbox_look(outbox_world.ob, row.seq, NULL, looked, &told));
	outbox_look(outbox_world.ob, 98, NULL, looked, &told);
	outbox_run_until(has_heard);
	ck_assert_int_eq(told.heard, 1);
}
END_TEST

START_TEST(a_chain_that_does_not_answer_is_no_evidence)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);

	outbox_look(outbox_world.ob, row.seq, NULL, looked, &told);
	outbox_run_until(has_heard);
	ck_assert_int_eq(told.code, ERR_PEER_DOWN);
}
END_TEST

START_TEST(a_look_ends_with_the_outbox)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);

	outbox_look(outbox_world.ob, row.seq, NULL, looked, &told);
	outbox_world_again();
	ck_assert_int_eq(told.heard, 1);
	ck_assert_int_eq(told.code, ERR_BUSY);
}
END_TEST

/* A node that knows of no transaction and says that the nonce is unused. */
static const struct peer_script *answer(void *ctx, const struct peer_request *asked)
{
	static char body[4096];
	static const struct peer_script script = { .path = "/", .body = body };
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	json_t *calls, *list = json_array_in(&a);

	(void)ctx;
	OK(json_parse(&a, asked->body, JSON_DEPTH_MAX, &calls, err));
	if (json_is_object(calls)) {
		json_t *one = json_array_in(&a);

		json_add(one, calls);
		calls = one;
	}
	for (size_t i = 0; i < json_array_size(calls); i++) {
		const json_t *call = json_array_get(calls, i);
		const char *method = json_string_value(json_object_get(call, "method"));
		json_t *one = json_object_in(&a);

		json_set_str(one, "jsonrpc", "2.0");
		json_set(one, "id", json_object_get(call, "id"));
		if (strcmp(method, "eth_chainId") == 0)
			json_set_str(one, "result", "0x7a69");
		else if (strcmp(method, "eth_call") == 0)
			json_set_str(one, "result", arena_printf(&a, "0x%064d", 0));
		else
			json_set_take(one, "result", json_null());
		json_add(list, one);
	}
	snprintf(body, sizeof(body), "%s",
		 json_text(&a, json_array_size(list) == 1 && asked->body.p[0] == '{' ? json_array_get(list, 0) : list));
	return &script;
}

START_TEST(a_look_tells_which_version_it_looked_at)
{
	struct directive_row row = place("one", DELIVERY_MANUAL, true);
	struct decision d = { .fn = retry, .op = op, .row = row };

	know_the_chain();
	http_peer_answer(outbox_world.node, answer, NULL);
	outbox_look(outbox_world.ob, row.seq, NULL, looked, &told);
	outbox_run_until(has_heard);
	ck_assert_int_eq(told.code, ERR_NONE);
	ck_assert_int_eq(told.e.verdict, EVIDENCE_UNUSED);
	ck_assert_int_eq(told.e.version, row.version);
	ck_assert_uint_eq(told.e.block, 5000);
	d.e = told.e;
	OK(decide(&d));
	ck_assert_int_eq(outbox_world_row("one").status, DELIVERY_PENDING);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/operate");
	TCase *tc = tcase_create("operate");

	tcase_add_checked_fixture(tc, outbox_setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_chain_decides_what_is_allowed, 0, RULE_CASES);
	tcase_add_test(tc, done_with_evidence_knows_the_transaction);
	tcase_add_test(tc, done_by_a_note_is_marked_as_that);
	tcase_add_test(tc, a_new_nonce_leaves_the_old_one_in_the_history);
	tcase_add_test(tc, a_new_nonce_comes_with_all_of_it_or_not_at_all);
	tcase_add_test(tc, abandoned_is_failed_for_the_account);
	tcase_add_test(tc, a_recheck_changes_something_only_when_it_was_us);
	tcase_add_loop_test(tc, only_what_waits_for_a_person_is_decided_by_one, 0, DELIVERY_COUNT * N_DECISIONS);
	tcase_add_loop_test(tc, a_reason_is_needed, 0, N_DECISIONS);
	tcase_add_loop_test(tc, it_has_moved_since_it_was_looked_at, 0, N_DECISIONS);
	tcase_add_test(tc, somebody_else_was_faster);
	tcase_add_test(tc, only_an_unused_nonce_is_revoked);
	tcase_add_test(tc, a_revocation_that_the_contract_refuses_is_not_sent);
	tcase_add_test(tc, a_revocation_is_a_slot_that_is_written_ahead);
	tcase_add_test(tc, a_revocation_needs_the_relayer);
	tcase_add_test(tc, a_pause_lasts_until_it_is_ended);
	tcase_add_test(tc, a_pause_is_called_an_operators);
	tcase_add_test(tc, a_violated_horizon_is_not_resumed_away);
	tcase_add_test(tc, advancing_the_nonce_ends_that_pause);
	tcase_add_test(tc, a_nonce_is_only_ever_raised);
	tcase_add_test(tc, a_slot_is_replaced_by_nothing);
	tcase_add_loop_test(tc, what_cannot_be_cancelled, 0, 4);
	tcase_add_test(tc, no_slot_no_key_no_money);
	tcase_add_test(tc, there_is_no_such_directive);
	tcase_add_test(tc, a_look_that_is_cancelled_says_nothing);
	tcase_add_test(tc, a_chain_that_does_not_answer_is_no_evidence);
	tcase_add_test(tc, a_look_ends_with_the_outbox);
	tcase_add_test(tc, a_look_tells_which_version_it_looked_at);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
