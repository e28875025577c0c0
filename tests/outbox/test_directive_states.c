/* The transition table of spec/outbox.md 2.8, as data: every transition is tried from every status, and either does exactly
 * what its row says or leaves nothing behind.  Then order keys (2.6), whatever happens in whatever order. */
#include "outbox/directive_states.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "store/event_store.h"
#include "store/outbox_audit.h"
#include "store/relay_store.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define NOW_MS INT64_C(1700000000000)

static struct scratch scratch;
static struct arena arena;
static struct meters meters;
static int64_t space;
static struct err e, *err = &e;

static int make_space(struct unit *u, void *ctx, struct err *er)
{
	(void)ctx;
	(void)er;
	rows_lane(u, 1);
	space = rows_space(u, 0x51);
	return 0;
}

static void setup(void)
{
	clock_set_for_test(NOW_MS);
	log_set_level(NULL, (enum log_level)0); /* what is logged here is meant */
	scratch_open(&scratch);
	arena = ARENA_LIMIT(256 * 1024 * 1024);
	meters = meters_new();
	scratch_unit(&scratch, make_space, NULL);
}

static void teardown(void)
{
	ck_assert_msg(outbox_audit(store_view(scratch.store), err) == 0, "%s", err->msg);
	arena_done(&arena);
	scratch_close(&scratch);
}

static struct view view(void)
{
	return store_view(scratch.store);
}

/* --- one transition --- */

static const struct effect an_effect = { .tx_hash = { { 0xee } }, .block = 88, .gas_used = 21, .gas_price = { 5 } };
static struct slot_row other_slot; /* where a submission goes */

static int dead_letter(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_dead_letter(m, row, REASON_INVALID_ACTION, "it is wrong", er);
}

static int fail_once(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_fail(m, row, ATTEMPT_ENDPOINT, "nobody answers", er);
}

static int reconcile(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_reconcile(m, row, REASON_NONCE_CONSUMED, "somebody was faster", m->now_ms + 600000, er);
}

static int submit(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_submit(m, row, other_slot.id, &an_effect.tx_hash, er);
}

static int include(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_include(m, row, &an_effect, false, er);
}

static int include_elsewhere(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_include(m, row, &an_effect, true, er);
}

static int confirm(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_confirm(m, row, &an_effect, NULL, er);
}

static int revert(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_revert(m, row, &an_effect, "the vault is empty", er);
}

static int requeue(struct moves *m, struct directive_row *row, struct err *er)
{
	return directive_requeue(m, row, "its slot is lost", er);
}

static int renew(struct moves *m, struct directive_row *row, struct err *er)
{
	if (space_store_take_nonce(m->u, row->space_id, &row->nonce, er) != 0)
		return -1;
	row->generation++;
	return directive_renew(m, row, er);
}

enum slot_after { SLOT_STAYS, SLOT_GOES, SLOT_NEW };
enum wake_after { WAKE_NEVER, WAKE_NOW, WAKE_LATER };
#define BIT(s)     (1u << (s))
#define FOR_PEOPLE (BIT(DELIVERY_REVERTED) | BIT(DELIVERY_DEAD_LETTERED) | BIT(DELIVERY_MANUAL))

/* What each does, from where it may be done. */
static const struct transition {
	const char *name;
	int (*fn)(struct moves *m, struct directive_row *row, struct err *er);
	unsigned from;
	enum delivery_status to;
	const char *update, *state_event; /* the TransactionUpdate's status, the other event's kind; NULL: none */
	bool update_for_withdrawals;      /* and for nobody else */
	const char *update_error;         /* of the TransactionUpdate */
	int attempts;                     /* more than before */
	const char *reason, *last_error;  /* as it is afterwards; "=": as it was */
	enum wake_after wake;
	enum slot_after slot;
	bool effect;    /* the row has a result afterwards */
	bool attention; /* and a person is told */
} table[] = {
	{ "unclaim (T4, T5)", directive_unclaim, BIT(DELIVERY_CLAIMED), DELIVERY_PENDING, NULL, NULL, .reason = "=",
	  .last_error = "=", .wake = WAKE_NOW },
	{ "dead_letter (T6, T23)", dead_letter, BIT(DELIVERY_CLAIMED) | BIT(DELIVERY_SUBMITTED), DELIVERY_DEAD_LETTERED,
	  "failed", "directive.dead_lettered", .update_for_withdrawals = true, .update_error = "it is wrong",
	  .reason = REASON_INVALID_ACTION, .last_error = "it is wrong", .attention = true },
	{ "fail (T7)", fail_once, BIT(DELIVERY_CLAIMED), DELIVERY_RETRY, NULL, NULL, .attempts = 1, .reason = "=",
	  .last_error = "nobody answers", .wake = WAKE_LATER },
	{ "reconcile (T8, T16)", reconcile, BIT(DELIVERY_CLAIMED) | BIT(DELIVERY_SUBMITTED), DELIVERY_MANUAL, NULL,
	  "directive.manual_reconciliation", .reason = REASON_NONCE_CONSUMED, .last_error = "somebody was faster",
	  .attention = true },
	{ "submit (T10)", submit, BIT(DELIVERY_CLAIMED), DELIVERY_SUBMITTED, "submitted", NULL, .attempts = 1,
	  .reason = "=", .last_error = NULL, .slot = SLOT_NEW },
	{ "include (T11)", include, BIT(DELIVERY_CLAIMED) | BIT(DELIVERY_SUBMITTED) | BIT(DELIVERY_MANUAL),
	  DELIVERY_INCLUDED, "included", NULL, .effect = true },
	{ "include elsewhere (T9, T17, T19)", include_elsewhere,
	  BIT(DELIVERY_CLAIMED) | BIT(DELIVERY_SUBMITTED) | BIT(DELIVERY_MANUAL), DELIVERY_INCLUDED, "included", NULL,
	  .slot = SLOT_GOES, .effect = true },
	{ "confirm (T13, T19)", confirm, BIT(DELIVERY_INCLUDED) | FOR_PEOPLE, DELIVERY_CONFIRMED, "confirmed", NULL,
	  .effect = true },
	{ "revert (T14)", revert, BIT(DELIVERY_SUBMITTED), DELIVERY_REVERTED, "reverted", NULL,
	  .update_error = "the vault is empty", .reason = REASON_EFFECT_REVERTED, .last_error = "the vault is empty",
	  .attention = true },
	{ "requeue (T15)", requeue, BIT(DELIVERY_SUBMITTED), DELIVERY_RETRY, NULL, NULL, .reason = "=",
	  .last_error = "its slot is lost", .wake = WAKE_LATER, .slot = SLOT_GOES },
	{ "reopen (T20)", directive_reopen, FOR_PEOPLE, DELIVERY_PENDING, NULL, "directive.reopened", .wake = WAKE_NOW,
	  .slot = SLOT_GOES },
	{ "renew (T21)", renew, FOR_PEOPLE, DELIVERY_PENDING, NULL, "directive.reopened", .wake = WAKE_NOW,
	  .slot = SLOT_GOES },
	{ "abandon (T22)", directive_abandon, FOR_PEOPLE, DELIVERY_DEAD_LETTERED, NULL, "directive.abandoned",
	  .reason = REASON_OPERATOR_ABANDONED, .last_error = "=" },
	/* With the slot of ours that has it; without one see reorg_without_a_slot. */
	{ "reorg (T12, T18)", directive_reorg, BIT(DELIVERY_INCLUDED) | BIT(DELIVERY_CONFIRMED), DELIVERY_SUBMITTED,
	  "reorged", NULL, .reason = "=", .last_error = "=" },
};

static const char *const action_keys[] = { "system_withdraw_token", "system_credit_option", "rsm_hl_limit_order" };
#define CASES ((int)(ARRAY_LEN(table) * DELIVERY_COUNT * ARRAY_LEN(action_keys)))

struct events {
	unsigned n;
	const char *kinds[8], *datas[8], *subjects[8];
};

static void take_event(void *ctx, const struct event *ev)
{
	struct events *l = ctx;

	ck_assert_uint_lt(l->n, ARRAY_LEN(l->kinds));
	l->kinds[l->n] = arena_strdup(&arena, ev->kind);
	l->subjects[l->n] = arena_strdup(&arena, ev->subject);
	l->datas[l->n++] = arena_strdup(&arena, ev->data);
}

static int64_t last_event(void)
{
	int64_t seq;

	OK(event_last_seq(view(), &seq, err));
	return seq;
}

static struct events events_after(int64_t seq)
{
	struct events l = { 0 };
	int64_t cursor;

	OK(event_list(view(), &arena, seq, NULL, 100, take_event, &l, &cursor, err));
	return l;
}

struct run {
	const struct transition *t;
	enum delivery_status from;
	const char *action_key;
	struct directive_row row;
	struct moves m;
	int rc;
};

/* A directive in this status; whatever carries it once it was submitted. */
static int place(struct unit *u, void *ctx, struct err *er)
{
	struct run *r = ctx;
	struct directive_row row = rows_directive(space, 1);
	struct slot_row slot;

	(void)er;
	row.action_key = r->action_key;
	rows_set_key(&row, 1);
	row = rows_add(u, &arena, &row);
	if (r->from == DELIVERY_PENDING) {
		r->row = row;
		return 0;
	}
	if (r->from != DELIVERY_CLAIMED && r->from != DELIVERY_RETRY) {
		slot = rows_slot(u, row.lane);
		OK(item_store_add(u, &(struct item_row){ slot.id, slot.fill, 0, row.seq, -1 }, err));
		row.tx_id = slot.id;
	}
	other_slot = rows_slot(u, row.lane);
	OK(item_store_add(u, &(struct item_row){ other_slot.id, other_slot.fill, 0, row.seq, -1 }, err));
	row.attempts = 4;
	row.reason_class = row.last_error = NULL;
	if (BIT(r->from) & FOR_PEOPLE) {
		row.reason_class = REASON_NONCE_CONSUMED;
		row.last_error = "as it was";
	}
	rows_move(u, &row, r->from);
	r->row = row;
	return 0;
}

static int transition_run(struct unit *u, void *ctx, struct err *er)
{
	struct run *r = ctx;

	r->m = moves_in(u, &arena, &meters);
	r->rc = r->t->fn(&r->m, &r->row, er);
	return r->rc;
}

static const char *text(const char *s)
{
	return s ? s : "(none)";
}

static void assert_text(const struct run *r, const char *what, const char *got, const char *want, const char *was)
{
	if (want && strcmp(want, "=") == 0)
		want = was;
	ck_assert_msg(strcmp(text(got), text(want)) == 0, "%s from %s: %s is %s, not %s", r->t->name,
		      delivery_status_name(r->from), what, text(got), text(want));
}

static void assert_wake(const struct run *r, const struct directive_row *row)
{
	switch (r->t->wake) {
	case WAKE_NEVER:
		ck_assert_int_eq(row->wake_at_ms, DIRECTIVE_NO_WAKE);
		break;
	case WAKE_NOW:
		ck_assert_int_eq(row->wake_at_ms, 0);
		break;
	case WAKE_LATER: /* the fifth try at least: 8 to 16 s, the fourth: 4 to 8 s */
		ck_assert_int_ge(row->wake_at_ms, NOW_MS + 4000);
		ck_assert_int_le(row->wake_at_ms, NOW_MS + 16000);
		break;
	}
}

static void assert_row(const struct run *r, const struct directive_row *was)
{
	struct directive_row row = rows_get(view(), &arena, was->seq);

	ck_assert_int_eq(row.status, r->t->to);
	ck_assert_int_eq(row.version, was->version + 1);
	ck_assert_int_eq(r->row.version, row.version);
	ck_assert_uint_eq(row.attempts, was->attempts + (uint32_t)r->t->attempts);
	assert_text(r, "reason", row.reason_class, r->t->reason, was->reason_class);
	assert_text(r, "error", row.last_error, r->t->last_error, was->last_error);
	assert_wake(r, &row);
	ck_assert_int_eq(row.tx_id, r->t->slot == SLOT_NEW ? other_slot.id : r->t->slot == SLOT_GOES ? 0 : was->tx_id);
	ck_assert_int_eq(row.has_result, r->t->effect);
	if (r->t->effect) {
		ck_assert(hash32_equal(&row.result_hash, &an_effect.tx_hash));
		ck_assert_uint_eq(row.result_block, an_effect.block);
	}
	ck_assert_int_eq(row.finished_at_ms, delivery_is_final(r->t->to) ? NOW_MS : 0);
	ck_assert_int_eq(row.recheck_at_ms, r->t->to == DELIVERY_MANUAL ? NOW_MS + 600000 : DIRECTIVE_NO_WAKE);
	ck_assert_int_eq(row.holds_order, r->t->to == DELIVERY_PENDING || r->t->to == DELIVERY_RETRY);
	ck_assert_int_eq(row.updated_at_ms, NOW_MS);
}

/* The TransactionUpdate of spec 5.9, member by member. */
static void assert_update(const struct run *r, const char *data)
{
	json_t *j;

	OK(json_parse(&arena, bytes_of(data), 4, &j, err));
	ck_assert_uint_eq(json_object_size(j), 7);
	ck_assert_str_eq(json_string_value(json_object_get(j, "request_id")), r->row.id);
	ck_assert_str_eq(json_string_value(json_object_get(j, "status")), r->t->update);
	assert_text(r, "update's error", json_string_value(json_object_get(j, "error")), r->t->update_error, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "timestamp")), NOW_MS);
	ck_assert_int_eq(json_is_null(json_object_get(j, "tx_hash")), r->t->update_for_withdrawals);
	if (r->t->effect || r->t->to == DELIVERY_REVERTED) {
		ck_assert_int_eq(json_integer_value(json_object_get(j, "gas_used")), 21);
		ck_assert_int_eq(json_integer_value(json_object_get(j, "gas_price")), 5);
	} else {
		ck_assert(json_is_null(json_object_get(j, "gas_used")));
		ck_assert(json_is_null(json_object_get(j, "gas_price")));
	}
}

static void assert_events(const struct run *r, int64_t before)
{
	bool updates = r->t->update && (!r->t->update_for_withdrawals || directive_is_withdrawal(&r->row));
	struct events l = events_after(before);
	unsigned n = 0;

	ck_assert_uint_eq(l.n, (r->t->state_event != NULL) + (unsigned)updates);
	if (r->t->state_event)
		ck_assert_str_eq(l.kinds[n++], r->t->state_event);
	if (updates) {
		ck_assert_str_eq(l.kinds[n], "directive.update");
		assert_update(r, l.datas[n]);
	}
	for (unsigned i = 0; i < l.n; i++)
		ck_assert_str_eq(l.subjects[i], r->row.id);
}

static uint64_t attention_counted(const struct run *r)
{
	char labels[160];
	uint64_t n = 0;

	snprintf(labels, sizeof(labels), "action_key=\"%s\",reason_class=\"%s\"", r->action_key, text(r->t->reason));
	n += metric_value(metric_counter("walletd_directive_outbox_dead_lettered_total", labels, ""));
	n += metric_value(metric_counter("walletd_directive_outbox_manual_reconciliation_required_total", labels, ""));
	return n;
}

static uint64_t withdrawals_counted(const struct run *r)
{
	char labels[80];

	snprintf(labels, sizeof(labels), "action_key=\"%s\"", r->action_key);
	return metric_value(metric_counter("walletd_withdrawal_manual_reconciliation_required_total", labels, ""));
}

static uint64_t transitions_counted(const struct run *r)
{
	return meters.transitions[r->from][r->t->to] ? metric_value(meters.transitions[r->from][r->t->to]) : 0;
}

static void assert_counted(struct run *r)
{
	bool signal = r->t->attention && directive_is_withdrawal(&r->row);
	uint64_t moved = transitions_counted(r), attention = attention_counted(r), money = withdrawals_counted(r);

	after_run(&r->m.after, &meters);
	ck_assert_uint_eq(transitions_counted(r), moved + 1);
	ck_assert_uint_eq(attention_counted(r), attention + (r->t->attention && r->t->to != DELIVERY_REVERTED ? 1 : 0));
	ck_assert_uint_eq(withdrawals_counted(r), money + (signal ? 1 : 0));
	after_run(&r->m.after, &meters);
	ck_assert_uint_eq(transitions_counted(r), moved + 1);
}

/* Not a byte of the row, no event. */
static void assert_refused(const struct run *r, const struct directive_row *was, int64_t events)
{
	struct directive_row row = rows_get(view(), &arena, was->seq);

	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_INTERNAL));
	ck_assert_ptr_nonnull(strstr(err->msg, "illegal_transition"));
	ck_assert_ptr_nonnull(strstr(err->msg, delivery_status_name(r->from)));
	ck_assert_int_eq(row.version, was->version);
	ck_assert_int_eq(row.status, r->from);
	ck_assert_int_eq(row.updated_at_ms, was->updated_at_ms);
	ck_assert_int_eq(last_event(), events);
}

/* The unit stays: what a refused transition wrote would be seen. */
static int transition_run_and_stay(struct unit *u, void *ctx, struct err *er)
{
	(void)transition_run(u, ctx, er);
	return 0;
}

START_TEST(every_transition_from_every_status)
{
	struct run r = {
		.t = &table[_i / (DELIVERY_COUNT * (int)ARRAY_LEN(action_keys))],
		.from = (enum delivery_status)(_i / (int)ARRAY_LEN(action_keys) % DELIVERY_COUNT),
		.action_key = action_keys[_i % (int)ARRAY_LEN(action_keys)],
	};
	struct directive_row was;
	int64_t events;

	scratch_unit(&scratch, place, &r);
	was = rows_get(view(), &arena, r.row.seq);
	events = last_event();
	OK(store_unit_now(scratch.store, transition_run_and_stay, &r, err));
	if (!(BIT(r.from) & r.t->from)) {
		ck_assert_msg(r.rc == -1, "%s from %s is done", r.t->name, delivery_status_name(r.from));
		assert_refused(&r, &was, events);
		return;
	}
	ck_assert_msg(r.rc == 0, "%s from %s: %s", r.t->name, delivery_status_name(r.from), err->msg);
	assert_row(&r, &was);
	assert_events(&r, events);
	assert_counted(&r);
}
END_TEST

/* Without a slot of ours there is nothing that could be included again by itself: the work begins anew. */
START_TEST(reorg_without_a_slot)
{
	struct run r = { .t = &table[ARRAY_LEN(table) - 1],
			 .from = _i ? DELIVERY_CONFIRMED : DELIVERY_INCLUDED,
			 .action_key = action_keys[0] };
	uint64_t deep = metric_value(meters.deep_reorgs);
	struct directive_row row;

	scratch_unit(&scratch, place, &r);
	scratch_sql(&scratch, "UPDATE directive_outbox SET tx_id = NULL");
	r.row.tx_id = 0;
	OK(store_unit_now(scratch.store, transition_run, &r, err));
	row = rows_get(view(), &arena, r.row.seq);
	ck_assert_int_eq(row.status, DELIVERY_PENDING);
	ck_assert(!row.has_result && row.holds_order && !row.blocked);
	after_run(&r.m.after, &meters);
	ck_assert_uint_eq(metric_value(meters.deep_reorgs), deep + (uint64_t)_i);
}
END_TEST

/* The pairs that are done are those of the spec, and no others. */
START_TEST(the_pairs_are_those_of_the_spec)
{
	static const struct {
		enum delivery_status from;
		unsigned to;
	} spec[] = {
		{ DELIVERY_CLAIMED, BIT(DELIVERY_PENDING) | BIT(DELIVERY_DEAD_LETTERED) | BIT(DELIVERY_RETRY) |
					    BIT(DELIVERY_MANUAL) | BIT(DELIVERY_INCLUDED) | BIT(DELIVERY_SUBMITTED) },
		{ DELIVERY_SUBMITTED, BIT(DELIVERY_INCLUDED) | BIT(DELIVERY_REVERTED) | BIT(DELIVERY_RETRY) |
					      BIT(DELIVERY_MANUAL) | BIT(DELIVERY_DEAD_LETTERED) },
		{ DELIVERY_INCLUDED, BIT(DELIVERY_SUBMITTED) | BIT(DELIVERY_CONFIRMED) },
		{ DELIVERY_CONFIRMED, BIT(DELIVERY_SUBMITTED) },
		/* Confirmed from the first two is not in the spec: others may deliver a signature after we gave up. */
		{ DELIVERY_REVERTED, BIT(DELIVERY_PENDING) | BIT(DELIVERY_DEAD_LETTERED) | BIT(DELIVERY_CONFIRMED) },
		{ DELIVERY_DEAD_LETTERED,
		  BIT(DELIVERY_PENDING) | BIT(DELIVERY_DEAD_LETTERED) | BIT(DELIVERY_CONFIRMED) },
		{ DELIVERY_MANUAL, BIT(DELIVERY_INCLUDED) | BIT(DELIVERY_CONFIRMED) | BIT(DELIVERY_PENDING) |
					   BIT(DELIVERY_DEAD_LETTERED) },
	};
	unsigned want[DELIVERY_COUNT] = { 0 }, got[DELIVERY_COUNT] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(spec); i++)
		want[spec[i].from] = spec[i].to;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		for (unsigned s = 0; s < DELIVERY_COUNT; s++)
			if (table[i].from & BIT(s))
				got[s] |= BIT(table[i].to);
	for (unsigned s = 0; s < DELIVERY_COUNT; s++)
		ck_assert_msg(got[s] == want[s], "from %s", delivery_status_name((enum delivery_status)s));
}
END_TEST

START_TEST(somebody_else_was_faster)
{
	struct run r = { .t = &table[0], .from = DELIVERY_CLAIMED, .action_key = action_keys[0] };

	scratch_unit(&scratch, place, &r);
	r.row.version--;
	FAILS(store_unit_now(scratch.store, transition_run, &r, err), ERR_CONFLICT);
	ck_assert_int_eq(rows_get(view(), &arena, r.row.seq).status, DELIVERY_CLAIMED);
}
END_TEST

/* --- names --- */

START_TEST(domain_status_follows_delivery_status)
{
	static const struct {
		enum delivery_status s;
		const char *reason, *wire, *withdrawal, *other;
	} names[] = {
		{ DELIVERY_PENDING, NULL, "pending", "pending_chain_effect", "pending_chain_effect" },
		{ DELIVERY_CLAIMED, NULL, "pending", "pending_chain_effect", "pending_chain_effect" },
		{ DELIVERY_SUBMITTED, NULL, "broadcasted", "pending_chain_effect", "pending_chain_effect" },
		{ DELIVERY_INCLUDED, NULL, "included", "pending_chain_effect", "pending_chain_effect" },
		{ DELIVERY_CONFIRMED, NULL, "finalized", "completed", "completed" },
		{ DELIVERY_RETRY, NULL, "pending", "pending_chain_effect", "pending_chain_effect" },
		{ DELIVERY_REVERTED, REASON_EFFECT_REVERTED, "reverted", "pending_manual_review", "failed" },
		{ DELIVERY_DEAD_LETTERED, REASON_INVALID_ACTION, "dead_lettered", "pending_manual_review", "failed" },
		{ DELIVERY_DEAD_LETTERED, REASON_OPERATOR_ABANDONED, "dead_lettered", "failed", "failed" },
		{ DELIVERY_MANUAL, REASON_NONCE_CONSUMED, "manual_review", "pending_manual_review",
		  "pending_manual_review" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct directive_row row = { .status = names[i].s, .reason_class = names[i].reason };

		ck_assert_str_eq(delivery_wire_name(names[i].s), names[i].wire);
		row.action_key = "system_withdraw_token";
		ck_assert_str_eq(domain_status_name(directive_domain_status(&row)), names[i].withdrawal);
		row.action_key = "rsm_hl_limit_order";
		ck_assert_str_eq(domain_status_name(directive_domain_status(&row)), names[i].other);
	}
}
END_TEST

/* --- order keys --- */

static void set_space(int release_at, bool halt)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "UPDATE outbox_nonce_space SET release_at = %d, halt_on_terminal = %d", release_at,
		 halt);
	scratch_sql(&scratch, sql);
}

static int64_t seqs[64];
static unsigned n_seqs;

static int add_to_key(struct unit *u, void *ctx, struct err *er)
{
	struct directive_row row = rows_directive(space, n_seqs + 1);

	(void)er;
	rows_set_key(&row, *(const unsigned *)ctx);
	seqs[n_seqs++] = rows_add(u, &arena, &row).seq;
	return 0;
}

static void add(unsigned key)
{
	scratch_unit(&scratch, add_to_key, &key);
}

struct act {
	int (*fn)(struct moves *m, struct directive_row *row, struct err *er);
	int64_t seq;
};

/* As the drainer: a submission opens a slot first. */
static int act_run(struct unit *u, void *ctx, struct err *er)
{
	struct act *a = ctx;
	struct moves m = moves_in(u, &arena, &meters);
	struct directive_row row = rows_get(unit_view(u), &arena, a->seq);

	if (a->fn == submit) {
		other_slot = rows_slot(u, row.lane);
		OK(item_store_add(u, &(struct item_row){ other_slot.id, other_slot.fill, 0, row.seq, -1 }, err));
	}
	return a->fn(&m, &row, er);
}

static void act(int (*fn)(struct moves *, struct directive_row *, struct err *), unsigned i)
{
	struct act a = { fn, seqs[i] };

	OK(store_unit_now(scratch.store, act_run, &a, err));
}

static int claim_run(struct unit *u, void *ctx, struct err *er)
{
	struct directive_row *rows;
	size_t n;
	int rc = directive_store_claim(u, &arena, space, 1, clock_now_ms(), clock_now_ms() + 420000, 16, &rows, &n, er);

	*(size_t *)ctx = n;
	return rc;
}

static size_t claim(void)
{
	size_t n;

	OK(store_unit_now(scratch.store, claim_run, &n, err));
	return n;
}

static struct directive_row nth(unsigned i)
{
	return rows_get(view(), &arena, seqs[i]);
}

START_TEST(a_successor_goes_when_its_predecessor_is_that_far)
{
	static const int release[] = { DELIVERY_SUBMITTED, DELIVERY_INCLUDED, DELIVERY_CONFIRMED };
	int at = release[_i];

	set_space(at, false);
	add(1);
	add(1);
	ck_assert_uint_eq(claim(), 1);
	ck_assert(nth(1).blocked);
	act(submit, 0);
	ck_assert_int_eq(nth(1).blocked, at > DELIVERY_SUBMITTED);
	act(include, 0);
	ck_assert_int_eq(nth(1).blocked, at > DELIVERY_INCLUDED);
	act(confirm, 0);
	ck_assert(!nth(1).blocked);
	ck_assert(!nth(0).holds_order);
	ck_assert_uint_eq(claim(), 1);
}
END_TEST

START_TEST(a_failed_try_keeps_its_place)
{
	add(1);
	add(1);
	add(2);
	ck_assert_uint_eq(claim(), 2);
	act(fail_once, 0);
	ck_assert(nth(0).holds_order && nth(1).blocked);
	ck_assert_uint_eq(claim(), 0);
	clock_set_for_test(NOW_MS + 600000);
	ck_assert_uint_eq(claim(), 1);
	ck_assert_int_eq(nth(0).status, DELIVERY_CLAIMED);
}
END_TEST

static int (*const ends[])(struct moves *, struct directive_row *, struct err *) = { dead_letter, reconcile };

START_TEST(the_next_goes_on_behind_a_dead_one)
{
	add(1);
	add(1);
	claim();
	act(ends[_i], 0);
	ck_assert(!nth(0).holds_order && !nth(1).blocked);
}
END_TEST

START_TEST(a_key_that_halts_waits_for_a_person)
{
	set_space(DELIVERY_SUBMITTED, true);
	add(1);
	add(1);
	claim();
	act(ends[_i], 0);
	ck_assert(nth(0).holds_order && nth(1).blocked);
	ck_assert_uint_eq(claim(), 0);
	act(directive_abandon, 0);
	ck_assert(!nth(0).holds_order && !nth(1).blocked);
	ck_assert_uint_eq(claim(), 1);
}
END_TEST

START_TEST(a_key_that_halts_goes_on_with_the_same_one)
{
	set_space(DELIVERY_SUBMITTED, true);
	add(1);
	add(1);
	claim();
	act(submit, 0);
	claim();
	act(submit, 1);
	act(revert, 0);
	act(directive_reopen, 0);
	ck_assert(nth(0).holds_order && !nth(0).blocked);
	ck_assert_uint_eq(claim(), 1);
}
END_TEST

START_TEST(what_comes_back_goes_first_again)
{
	add(1);
	add(1);
	add(1);
	claim();
	act(dead_letter, 0);
	act(directive_reopen, 0);
	ck_assert(!nth(0).blocked && nth(1).blocked && nth(2).blocked);
	/* But who is claimed goes on, and who is out is out. */
	claim();
	act(reconcile, 0);
	ck_assert_uint_eq(claim(), 1);
	act(renew, 0);
	ck_assert_int_eq(nth(1).status, DELIVERY_CLAIMED);
	ck_assert(!nth(0).blocked);
	act(submit, 1);
	ck_assert(!nth(0).blocked && nth(2).blocked);
}
END_TEST

/* --- whatever happens in whatever order --- */

#define KEYS  3
#define ROWS  18
#define STEPS 700

/* Invariant 11: of the rows of a key that hold its order, the oldest may be claimed and no other. */
static void assert_order(int step)
{
	for (unsigned key = 0; key < KEYS; key++) {
		bool is_oldest = true;

		for (unsigned i = key; i < n_seqs; i += KEYS) {
			struct directive_row row = nth(i);

			if (row.holds_order && (row.status == DELIVERY_PENDING || row.status == DELIVERY_RETRY))
				ck_assert_msg(row.blocked == !is_oldest, "step %d: row %u of key %u", step, i, key);
			is_oldest = is_oldest && !row.holds_order;
		}
	}
	ck_assert_msg(outbox_audit(view(), err) == 0, "step %d: %s", step, err->msg);
}

/* Something that may happen to this one now; NULL: it is not claimed. */
static const struct transition *any_for(unsigned i)
{
	enum delivery_status s = nth(i).status;
	size_t at = (size_t)random();

	for (size_t k = 0; k < ARRAY_LEN(table); k++)
		if (table[(at + k) % ARRAY_LEN(table)].from & BIT(s))
			return &table[(at + k) % ARRAY_LEN(table)];
	return NULL;
}

START_TEST(order_holds_whatever_happens)
{
	unsigned done = 0;

	srandom((unsigned)_i + 1);
	set_space(DELIVERY_SUBMITTED + _i % 3, _i % 2);
	for (unsigned i = 0; i < ROWS; i++)
		add(i % KEYS);
	for (int step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)(random() % ROWS);
		const struct transition *t = any_for(i);

		clock_set_for_test(clock_now_ms() + 1000);
		if (t) {
			act(t->fn, i);
			done++;
		} else {
			claim();
		}
		assert_order(step);
		arena_reset(&arena);
	}
	ck_assert_uint_gt(done, STEPS / 8);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/directive_states");
	TCase *tc = tcase_create("directive_states");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_transition_from_every_status, 0, CASES);
	tcase_add_loop_test(tc, reorg_without_a_slot, 0, 2);
	tcase_add_test(tc, the_pairs_are_those_of_the_spec);
	tcase_add_test(tc, somebody_else_was_faster);
	tcase_add_test(tc, domain_status_follows_delivery_status);
	tcase_add_loop_test(tc, a_successor_goes_when_its_predecessor_is_that_far, 0, 3);
	tcase_add_test(tc, a_failed_try_keeps_its_place);
	tcase_add_loop_test(tc, the_next_goes_on_behind_a_dead_one, 0, (int)ARRAY_LEN(ends));
	tcase_add_loop_test(tc, a_key_that_halts_waits_for_a_person, 0, (int)ARRAY_LEN(ends));
	tcase_add_test(tc, a_key_that_halts_goes_on_with_the_same_one);
	tcase_add_test(tc, what_comes_back_goes_first_again);
	tcase_add_loop_test(tc, order_holds_whatever_happens, 0, 6);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
