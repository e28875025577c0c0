/* Whatever the database refuses, every function of splices, their payments and channels says so: none goes on as if it had been
 * done.  Each call here works; then, one after the other, each table that it needs is gone, and it must fail. */
#include <stdio.h>
#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static int called; /* by what lists */

static void never_splice(void *ctx, const struct splice_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

static void never_past(void *ctx, const struct splice_past *p)
{
	(void)ctx;
	(void)p;
	called++;
}

static void never_payment(void *ctx, const struct funding_payment *p)
{
	(void)ctx;
	(void)p;
	called++;
}

static void never_channel(void *ctx, const struct channel_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

/* Rows are made as they are asked for: one each, good for the next call only. */
static const struct splice_row *splice(unsigned n)
{
	static struct splice_row row;

	row = splice_row(n);
	row.version = 1;
	return &row;
}

static const struct splice_output *output(void)
{
	static const uint8_t script[] = { 0x51 };
	static struct splice_output out;

	out = (struct splice_output){ { script, 1 }, splice_sat(1000) };
	return &out;
}

static const struct splice_input *input(unsigned n)
{
	static struct splice_input in;

	in = (struct splice_input){ .at = splice_at(n), .amount = splice_sat(1) };
	return &in;
}

static const struct hash32 *id(unsigned n)
{
	static struct hash32 h;

	h = splice_hash(n);
	return &h;
}

static const struct txid *txid(unsigned n)
{
	static struct txid t;

	t = splice_txid(n);
	return &t;
}

static const struct funding_candidate *candidate(unsigned n)
{
	static struct funding_candidate c;

	c = splice_candidate_row(n);
	return &c;
}

static const struct funding_payment *payment(unsigned n)
{
	static struct funding_payment p;

	p = splice_payment(n);
	return &p;
}

static const struct channel_row *channel(unsigned n)
{
	static struct channel_row row;

	row = splice_channel(n);
	return &row;
}

static const struct splice_end lost = { .outcome = SPLICE_ABANDONED, .why = SPLICE_EXHAUSTED };

/* Splice 1, with an input and a candidate; channel and payment 1. */
static int make_rows(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	OK(splice_store_add(u, splice(1), output(), 1, 1, err));
	OK(splice_store_hold(u, id(1), input(1), 1, err));
	OK(funding_store_put_candidate(u, id(1), candidate(1), err));
	OK(funding_store_put(u, payment(1), err));
	OK(funding_store_conflict(u, id(1), txid(9), err));
	OK(channel_store_put(u, channel(1), err));
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1 << 20);
	scratch_unit(&scratch, make_rows, NULL);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

struct world {
	struct unit *u;
	struct view v;
	size_t n;
	struct splice_row row;
	struct splice_past past;
	struct splice_output *outputs;
	struct splice_input *inputs;
	struct funding_candidate *candidates;
	struct funding_payment payment;
	struct channel_row channel;
	struct txid *txids;
	struct hash32 ids[2];
	enum funding_link link;
};

#define CALL(name, expr)                                                                                               \
	static int do_##name(struct world *w, struct err *err)                                                         \
	{                                                                                                              \
		return expr;                                                                                           \
	}
CALL(add, splice_store_add(w->u, splice(2), output(), 1, 1, err))
CALL(save, splice_store_save(w->u, splice(1), 1, err))
CALL(end, splice_store_end(w->u, splice(1), &lost, 1, err))
CALL(get, splice_store_get(w->v, &arena, id(1), &w->row, err))
CALL(of_channel, splice_store_of_channel(w->v, &arena, id(1), &w->row, err))
CALL(of_action, splice_store_of_action(w->v, &arena, &splice(1)->action, &w->row, err))
CALL(list, splice_store_list(w->v, &arena, NULL, 9, never_splice, NULL, err))
CALL(outputs, splice_store_outputs(w->v, &arena, id(1), &w->outputs, &w->n, err))
CALL(hold, splice_store_hold(w->u, id(1), input(2), 1, err))
CALL(released, splice_store_released(w->u, id(1), &input(1)->at, err))
CALL(inputs, splice_store_inputs(w->v, &arena, id(1), &w->inputs, &w->n, err))
CALL(owing, splice_store_owing(w->v, NULL, w->ids, 2, err))
CALL(past, splice_store_past(w->v, &arena, id(1), &w->past, err))
CALL(history, splice_store_history(w->v, &arena, &(struct splice_past_query){ .limit = 9 }, never_past, NULL, err))
CALL(put_candidate, funding_store_put_candidate(w->u, id(1), candidate(2), err))
CALL(set_state, funding_store_set_state(w->u, txid(1), CANDIDATE_SEEN, err))
CALL(candidates, funding_store_candidates(w->v, &arena, id(1), &w->candidates, &w->n, err))
CALL(put, funding_store_put(w->u, payment(2), err))
CALL(absorb, funding_store_absorb(w->u, id(1), &(struct hash32){ { 2 } }, err))
CALL(conflict, funding_store_conflict(w->u, id(1), txid(8), err))
CALL(conflicts, funding_store_conflicts(w->v, &arena, id(1), &w->txids, &w->n, err))
CALL(payment, funding_store_get(w->v, id(1), &w->payment, err))
CALL(find, funding_store_find(w->v, txid(1), &w->link, w->ids, err))
CALL(pending, funding_store_pending(w->v, NULL, 9, never_payment, NULL, err))
CALL(graduated, funding_store_graduated(w->v, 0, NULL, 9, never_payment, NULL, err))
CALL(payments, funding_store_of_channel(w->v, id(1), 9, never_payment, NULL, err))
CALL(channel_put, channel_store_put(w->u, channel(2), err))
CALL(channel_told, channel_store_told_all(w->u, 1, err))
CALL(channel_get, channel_store_get(w->v, &arena, id(1), &w->channel, err))
CALL(channel_list, channel_store_list(w->v, &arena, NULL, 9, never_channel, NULL, err))

static const struct {
	const char *name;
	int (*call)(struct world *w, struct err *err);
	const char *needs; /* tables, each followed by a space */
} cases[] = {
	{ "splice_store_add", do_add, "splice_intent splice_output " },
	{ "splice_store_save", do_save, "splice_intent " },
	{ "splice_store_end", do_end, "splice_intent splice_history " },
	{ "splice_store_get", do_get, "splice_intent " },
	{ "splice_store_of_channel", do_of_channel, "splice_intent " },
	{ "splice_store_of_action", do_of_action, "splice_intent " },
	{ "splice_store_list", do_list, "splice_intent " },
	{ "splice_store_outputs", do_outputs, "splice_output " },
	{ "splice_store_hold", do_hold, "splice_input " },
	{ "splice_store_released", do_released, "splice_input " },
	{ "splice_store_inputs", do_inputs, "splice_input " },
	{ "splice_store_owing", do_owing, "splice_input splice_intent splice_history action " },
	{ "splice_store_past", do_past, "splice_history " },
	{ "splice_store_history", do_history, "splice_history " },
	{ "funding_store_put_candidate", do_put_candidate, "funding_candidate " },
	{ "funding_store_set_state", do_set_state, "funding_candidate " },
	{ "funding_store_candidates", do_candidates, "funding_candidate " },
	{ "funding_store_put", do_put, "funding_payment " },
	{ "funding_store_absorb", do_absorb, "funding_candidate funding_conflict funding_payment " },
	{ "funding_store_conflict", do_conflict, "funding_conflict " },
	{ "funding_store_conflicts", do_conflicts, "funding_conflict " },
	{ "funding_store_get", do_payment, "funding_payment " },
	{ "funding_store_find", do_find, "funding_candidate funding_payment funding_conflict " },
	{ "funding_store_pending", do_pending, "funding_payment " },
	{ "funding_store_graduated", do_graduated, "funding_payment " },
	{ "funding_store_of_channel", do_payments, "funding_payment " },
	{ "channel_store_put", do_channel_put, "channel " },
	{ "channel_store_told_all", do_channel_told, "channel " },
	{ "channel_store_get", do_channel_get, "channel " },
	{ "channel_store_list", do_channel_list, "channel " },
};

struct attempt {
	int i;
	const char *gone; /* NULL: nothing */
};

static int attempt(struct unit *u, void *ctx, struct err *err)
{
	const struct attempt *t = ctx;
	struct world w = { .u = u, .v = unit_view(u) };
	int rc;

	called = 0;
	rc = cases[t->i].call(&w, err);
	if (!t->gone && rc < 0)
		ck_abort_msg("%s: %s", cases[t->i].name, err->msg);
	if (!t->gone)
		return 0;
	ck_assert_msg(rc == -1 && err->code == ERR_INTERNAL, "%s without %s: %d", cases[t->i].name, t->gone, rc);
	ck_assert_int_eq(called, 0);
	return 0;
}

static void rename_table(const char *from, const char *to)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "ALTER TABLE %s RENAME TO %s", from, to);
	scratch_sql(&scratch, sql);
}

START_TEST(refused)
{
	struct attempt t = { .i = _i };
	struct err e, *err = &e;
	char table[64];

	OK(store_rehearse(scratch.store, attempt, &t, err));
	store_flush(scratch.store);
	for (const char *p = cases[_i].needs; *p; p += strlen(table) + 1) {
		snprintf(table, sizeof(table), "%.*s", (int)strcspn(p, " "), p);
		rename_table(table, "gone");
		t.gone = table;
		OK(store_rehearse(scratch.store, attempt, &t, err));
		store_flush(scratch.store);
		rename_table("gone", table);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/refused lightning");
	TCase *c = tcase_create("refused");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, refused, 0, (int)ARRAY_LEN(cases));
	suite_add_tcase(s, c);
	return suite_run(s);
}
