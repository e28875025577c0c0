/* spec/splice.md 8.1, U1: each reason, for each kind, with and without a budget; the deadline, and the back-off. */
#include "rails/lightning/splice_policy.h"

#include <check.h>

#include "tests/support/suite.h"

#define AT 1000000

static struct splice_budget fresh(enum splice_kind kind)
{
	return (struct splice_budget){ .kind = kind, .max_attempts = 3, .max_disconnects = 20, .now_ms = AT };
}

struct expected {
	enum splice_move move;
	enum splice_class why;
	enum splice_count count;
	enum splice_wait wait;
};

#define GONE(why)                                                                                                      \
	{                                                                                                              \
		MOVE_GIVE_UP, why, COUNT_NOTHING, SPLICE_WAIT_NONE                                                     \
	}
#define DROP(why)                                                                                                      \
	{                                                                                                              \
		MOVE_DROP_BUMP, why, COUNT_NOTHING, SPLICE_WAIT_NONE                                                   \
	}
#define WAIT(w, c)                                                                                                     \
	{                                                                                                              \
		MOVE_PARK, c, COUNT_NOTHING, w                                                                         \
	}
#define TRY(m, c)                                                                                                      \
	{                                                                                                              \
		m, c, COUNT_ATTEMPT, SPLICE_WAIT_NONE                                                                  \
	}
#define CANCELLED                                                                                                      \
	{                                                                                                              \
		MOVE_CANCELLED, SPLICE_CANCELLED, COUNT_NOTHING, SPLICE_WAIT_NONE                                      \
	}
#define SAME                                                                                                           \
	{                                                                                                              \
		MOVE_RESUBMIT, SPLICE_DISCONNECT, COUNT_DISCONNECT, SPLICE_WAIT_NONE                                   \
	}

/* Of a splice in or out, and of a bump: with budget left, and with none. */
static const struct {
	enum splice_class why;
	bool above_cap;
	struct expected splice, splice_used, bump, bump_used;
} reasons[] = {
	{ SPLICE_DISCONNECT, false, SAME, GONE(SPLICE_EXHAUSTED), SAME, DROP(SPLICE_EXHAUSTED) },
	{ SPLICE_UNKNOWN, false, TRY(MOVE_PROBE, SPLICE_UNKNOWN), GONE(SPLICE_EXHAUSTED),
	  TRY(MOVE_PROBE, SPLICE_UNKNOWN), DROP(SPLICE_EXHAUSTED) },
	{ SPLICE_STALE, false, TRY(MOVE_REBUILD, SPLICE_STALE), GONE(SPLICE_EXHAUSTED), TRY(MOVE_REBUILD, SPLICE_STALE),
	  DROP(SPLICE_EXHAUSTED) },
	{ SPLICE_FEE_LOW, false, TRY(MOVE_REBUILD, SPLICE_FEE_LOW), GONE(SPLICE_EXHAUSTED),
	  TRY(MOVE_REBUILD, SPLICE_FEE_LOW), DROP(SPLICE_EXHAUSTED) },
	{ SPLICE_FEE_LOW, true, WAIT(SPLICE_WAIT_FEERATE_CAP, SPLICE_FEE_LOW),
	  WAIT(SPLICE_WAIT_FEERATE_CAP, SPLICE_FEE_LOW), WAIT(SPLICE_WAIT_FEERATE_CAP, SPLICE_FEE_LOW),
	  WAIT(SPLICE_WAIT_FEERATE_CAP, SPLICE_FEE_LOW) },
	{ SPLICE_PEER_ABORT, false, GONE(SPLICE_PEER_ABORT), GONE(SPLICE_PEER_ABORT), DROP(SPLICE_PEER_ABORT),
	  DROP(SPLICE_PEER_ABORT) },
	{ SPLICE_PROTO_ERR, false, GONE(SPLICE_PROTO_ERR), GONE(SPLICE_PROTO_ERR), DROP(SPLICE_PROTO_ERR),
	  DROP(SPLICE_PROTO_ERR) },
	{ SPLICE_CANCELLED, false, CANCELLED, CANCELLED, CANCELLED, CANCELLED },
	{ SPLICE_CLOSING, false, GONE(SPLICE_CLOSING), GONE(SPLICE_CLOSING), DROP(SPLICE_CLOSING),
	  DROP(SPLICE_CLOSING) },
	{ SPLICE_NO_RBF, false, WAIT(SPLICE_WAIT_FOREIGN_SPLICE, SPLICE_NO_RBF),
	  WAIT(SPLICE_WAIT_FOREIGN_SPLICE, SPLICE_NO_RBF), DROP(SPLICE_NO_RBF), DROP(SPLICE_NO_RBF) },
	{ SPLICE_EXHAUSTED, false, GONE(SPLICE_EXHAUSTED), GONE(SPLICE_EXHAUSTED), DROP(SPLICE_EXHAUSTED),
	  DROP(SPLICE_EXHAUSTED) },
	{ SPLICE_INVALID, false, GONE(SPLICE_INVALID), GONE(SPLICE_INVALID), DROP(SPLICE_INVALID),
	  DROP(SPLICE_INVALID) },
};

static void check(enum splice_class why, const struct splice_budget *b, const struct expected *want)
{
	struct splice_decision d = splice_decide(why, b);

	ck_assert_msg(d.move == want->move && d.why == want->why && d.count == want->count && d.wait == want->wait,
		      "%s of a splice %s: move %d, %s, count %d, %s", splice_class_name(why), splice_kind_name(b->kind),
		      d.move, splice_class_name(d.why), d.count, splice_wait_name(d.wait));
}

START_TEST(every_reason)
{
	static const enum splice_kind kinds[] = { SPLICE_IN, SPLICE_OUT, SPLICE_BUMP };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct splice_budget b = fresh(kinds[k]);
		bool bump = kinds[k] == SPLICE_BUMP;

		b.above_cap = reasons[_i].above_cap;
		check(reasons[_i].why, &b, bump ? &reasons[_i].bump : &reasons[_i].splice);
		/* The last one that is left is enough. */
		b.attempts = b.max_attempts - 1;
		b.disconnects = b.max_disconnects - 1;
		check(reasons[_i].why, &b, bump ? &reasons[_i].bump : &reasons[_i].splice);
		b.attempts = b.max_attempts;
		b.disconnects = b.max_disconnects;
		check(reasons[_i].why, &b, bump ? &reasons[_i].bump_used : &reasons[_i].splice_used);
	}
}
END_TEST

START_TEST(each_counter_is_its_own)
{
	struct splice_budget b = fresh(SPLICE_IN);

	b.attempts = b.max_attempts;
	ck_assert_int_eq(splice_decide(SPLICE_DISCONNECT, &b).move, MOVE_RESUBMIT);
	b = fresh(SPLICE_IN);
	b.disconnects = b.max_disconnects;
	ck_assert_int_eq(splice_decide(SPLICE_STALE, &b).move, MOVE_REBUILD);
}
END_TEST

/* R4: what would go on does not, and what ends for a reason of its own keeps that. */
START_TEST(past_the_deadline)
{
	static const struct expected gone = GONE(SPLICE_EXHAUSTED), dropped = DROP(SPLICE_EXHAUSTED),
				     aborted = GONE(SPLICE_PEER_ABORT), cancelled = CANCELLED;
	struct splice_budget b = fresh(SPLICE_OUT);

	b.deadline_ms = AT + 1;
	ck_assert(!splice_is_late(&b));
	ck_assert_int_eq(splice_decide(SPLICE_STALE, &b).move, MOVE_REBUILD);
	b.deadline_ms = AT;
	ck_assert(splice_is_late(&b));
	check(SPLICE_STALE, &b, &gone);
	check(SPLICE_DISCONNECT, &b, &gone);
	check(SPLICE_UNKNOWN, &b, &gone);
	check(SPLICE_NO_RBF, &b, &gone);
	check(SPLICE_PEER_ABORT, &b, &aborted);
	check(SPLICE_CANCELLED, &b, &cancelled);
	b.above_cap = true;
	check(SPLICE_FEE_LOW, &b, &gone);
	b.kind = SPLICE_BUMP;
	check(SPLICE_FEE_LOW, &b, &dropped);
	b.was_signed = true;
	ck_assert(splice_is_late(&b));
	b.kind = SPLICE_NONE; /* R5 */
	ck_assert(!splice_is_late(&b));
	b.kind = SPLICE_BUMP;
	b.deadline_ms = 0;
	ck_assert(!splice_is_late(&b));
}
END_TEST

/* R5 */
START_TEST(what_is_signed_is_not_given_up)
{
	static const enum splice_kind kinds[] = { SPLICE_NONE, SPLICE_IN, SPLICE_OUT };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (int why = SPLICE_FINE; why < SPLICE_CLASSES; why++) {
			struct splice_budget b = fresh(kinds[k]);

			b.was_signed = true;
			b.deadline_ms = 1;
			b.attempts = b.max_attempts;
			ck_assert_int_eq(splice_decide((enum splice_class)why, &b).move, MOVE_PROBE);
		}
	struct splice_budget bump = fresh(SPLICE_BUMP);

	bump.was_signed = true;
	ck_assert_int_eq(splice_decide(SPLICE_PEER_ABORT, &bump).move, MOVE_DROP_BUMP);
}
END_TEST

START_TEST(backing_off)
{
	static const int64_t steps[] = { 2000, 2000, 5000, 15000, 60000, 300000, 300000 };

	for (uint32_t tries = 0; tries < ARRAY_LEN(steps); tries++)
		for (uint32_t random = 0; random < 1000; random++) {
			int64_t ms = splice_backoff_ms(tries, random);

			ck_assert_int_ge(ms, 2000);
			ck_assert_int_ge(ms, steps[tries] * 8 / 10);
			ck_assert_int_le(ms, steps[tries] * 12 / 10);
		}
	ck_assert_int_eq(splice_backoff_ms(3, 200), 15000);
	ck_assert_int_eq(splice_backoff_ms(3, 0), 12000);
	ck_assert_int_eq(splice_backoff_ms(3, 400), 18000);
	ck_assert_int_eq(splice_backoff_ms(UINT32_MAX, 200), 300000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/splice_policy");
	TCase *tc = tcase_create("policy");

	tcase_add_loop_test(tc, every_reason, 0, (int)ARRAY_LEN(reasons));
	tcase_add_test(tc, each_counter_is_its_own);
	tcase_add_test(tc, past_the_deadline);
	tcase_add_test(tc, what_is_signed_is_not_given_up);
	tcase_add_test(tc, backing_off);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
