/* spec/splice.md 8.1, U4 (classification before, after and between what the chain says) and U5 (reorganisation after the payment
 * had graduated). */
#include "rails/lightning/funding.h"

#include <check.h>

#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static struct funding_candidate all[3]; /* 1, 2 and 3 */
static const struct block_ref block_a = { 100, { { 1 } } }, block_b = { 103, { { 2 } } };

static void setup(void)
{
	for (unsigned n = 0; n < 3; n++) {
		all[n] = splice_candidate_row(n + 1);
		all[n].round = n + 1;
	}
}

static struct funding_class broadcast(unsigned n, enum funding_type type)
{
	return (struct funding_class){
		.id = splice_hash(7),
		.type = type,
		.direction = FUNDING_OUT,
		.channel = splice_hash(8),
		.peer = splice_peer(9),
		.candidate = &all[n - 1],
	};
}

static struct funding_payment classified(const struct funding_payment *was, unsigned n)
{
	struct funding_class what = broadcast(n, FUNDING_INTERACTIVE);
	struct funding_payment p;

	funding_classify(was, &what, all, 3, 1000 + n, &p);
	return p;
}

/* Stands for candidate n, with its figures. */
static void check(const struct funding_payment *p, unsigned n, enum funding_status status, bool confirmed)
{
	struct hash32 id = splice_hash(7);

	ck_assert(hash32_equal(&p->id, &id));
	ck_assert_msg(txid_equal(&p->txid, &all[n - 1].txid), "of candidate %u, not %u", p->txid.b[0], n);
	ck_assert(p->status == status && p->confirmed == confirmed);
	ck_assert(p->has_amount && sat_value(p->amount) == 1000u * n && p->has_fee && sat_value(p->fee) == n);
	ck_assert(p->type == FUNDING_INTERACTIVE && p->direction == FUNDING_OUT);
}

START_TEST(before_the_chain_says_anything)
{
	struct funding_payment p = classified(NULL, 1);

	check(&p, 1, FUNDING_PENDING, false);
	ck_assert(p.created_at_ms == 1001 && p.updated_at_ms == 1001);
	p = classified(&p, 2); /* a bump */
	check(&p, 2, FUNDING_PENDING, false);
	ck_assert(p.created_at_ms == 1001 && p.updated_at_ms == 1002);
}
END_TEST

/* G6: a rebroadcast at start-up comes after the chain had confirmed it. */
START_TEST(after_a_block_has_it)
{
	struct funding_payment p = classified(NULL, 1);

	funding_confirm(&p, &all[0], &block_a, 1, 2000, &p);
	check(&p, 1, FUNDING_PENDING, true);
	p = classified(&p, 1);
	check(&p, 1, FUNDING_PENDING, true);
	ck_assert(block_ref_equal(&p.block, &block_a));
	funding_confirm(&p, &all[0], &block_a, FUNDING_DEPTH, 2000, &p);
	check(&p, 1, FUNDING_SUCCEEDED, true);
	p = classified(&p, 1);
	check(&p, 1, FUNDING_SUCCEEDED, true);
}
END_TEST

START_TEST(an_earlier_candidate_is_the_one)
{
	struct funding_payment p = classified(NULL, 1);

	p = classified(&p, 3);
	check(&p, 3, FUNDING_PENDING, false);
	funding_confirm(&p, &all[0], &block_a, 1, 2000, &p);
	check(&p, 1, FUNDING_PENDING, true);
	p = classified(&p, 3);
	check(&p, 1, FUNDING_PENDING, true);
	p.has_fee = false; /* and where figures were missing, they are that one's */
	p = classified(&p, 2);
	check(&p, 1, FUNDING_PENDING, true);
}
END_TEST

START_TEST(a_confirmed_one_of_no_row_keeps_what_it_has)
{
	struct funding_payment p = classified(NULL, 1);
	struct funding_candidate unknown = splice_candidate_row(9);

	funding_confirm(&p, &unknown, &block_a, 1, 2000, &p);
	p = classified(&p, 3);
	ck_assert(txid_equal(&p.txid, &unknown.txid) && sat_value(p.amount) == 9000);
}
END_TEST

/* The node re-types what it broadcasts again once it is locked. */
START_TEST(generic_never_replaces_interactive)
{
	struct funding_class generic = broadcast(1, FUNDING_GENERIC);
	struct funding_payment p = classified(NULL, 1);

	funding_classify(&p, &generic, all, 3, 5, &p);
	ck_assert_int_eq(p.type, FUNDING_INTERACTIVE);
	funding_classify(NULL, &generic, all, 3, 5, &p);
	ck_assert_int_eq(p.type, FUNDING_GENERIC);
	p = classified(&p, 1);
	ck_assert_int_eq(p.type, FUNDING_INTERACTIVE);
}
END_TEST

/* A foreign candidate has no figures of ours, and then neither has the payment. */
START_TEST(a_foreign_one_confirms)
{
	struct funding_payment p = classified(NULL, 2);

	all[0].origin = CANDIDATE_FOREIGN;
	all[0].has_amount = all[0].has_fee = false;
	funding_confirm(&p, &all[0], &block_a, 1, 2000, &p);
	ck_assert(txid_equal(&p.txid, &all[0].txid) && !p.has_amount && !p.has_fee && p.confirmed);
}
END_TEST

START_TEST(a_stray_is_absorbed)
{
	struct funding_payment stray = splice_payment(2), p = classified(NULL, 1);

	stray.created_at_ms = 500;
	funding_absorb(&p, &stray, all, 3, 3000, &p);
	check(&p, 1, FUNDING_PENDING, false); /* the chain had said nothing of it */
	ck_assert(p.created_at_ms == 500 && p.updated_at_ms == 3000);
	funding_confirm(&stray, &all[1], &block_a, FUNDING_DEPTH, 2000, &stray);
	funding_absorb(&p, &stray, all, 3, 3001, &p);
	check(&p, 2, FUNDING_SUCCEEDED, true);
	ck_assert(block_ref_equal(&p.block, &block_a));
	/* What the chain said of the row itself is not undone. */
	stray.txid = all[2].txid;
	funding_absorb(&p, &stray, all, 3, 3002, &p);
	check(&p, 2, FUNDING_SUCCEEDED, true);
}
END_TEST

/* U5: graduated by candidate 2 of 3; its block goes; candidate 1 confirms: the same row, with the figures of 1. */
START_TEST(reorganised_after_it_had_graduated)
{
	struct funding_payment p = classified(NULL, 3);

	funding_confirm(&p, &all[1], &block_a, FUNDING_DEPTH, 2000, &p);
	check(&p, 2, FUNDING_SUCCEEDED, true);
	funding_unconfirm(&p, 2001, &p);
	check(&p, 2, FUNDING_PENDING, false);
	ck_assert_int_eq(p.updated_at_ms, 2001);
	funding_confirm(&p, &all[0], &block_b, 1, 2002, &p);
	check(&p, 1, FUNDING_PENDING, true);
	funding_confirm(&p, &all[0], &block_b, FUNDING_DEPTH - 1, 2003, &p);
	check(&p, 1, FUNDING_PENDING, true);
	funding_confirm(&p, &all[0], &block_b, FUNDING_DEPTH, 2004, &p);
	check(&p, 1, FUNDING_SUCCEEDED, true);
}
END_TEST

/* Told of the same block with a smaller depth (a follower that is behind), and of another block without a word in between. */
START_TEST(only_another_block_takes_it_back)
{
	struct funding_payment p = classified(NULL, 1);

	funding_confirm(&p, &all[0], &block_a, FUNDING_DEPTH, 2000, &p);
	funding_confirm(&p, &all[0], &block_a, 2, 2001, &p);
	check(&p, 1, FUNDING_SUCCEEDED, true);
	funding_confirm(&p, &all[0], &block_b, 2, 2002, &p);
	check(&p, 1, FUNDING_PENDING, true);
	ck_assert(block_ref_equal(&p.block, &block_b));
}
END_TEST

START_TEST(unconfirming_what_is_not)
{
	struct funding_payment p = classified(NULL, 1);

	funding_unconfirm(&p, 5000, &p);
	check(&p, 1, FUNDING_PENDING, false);
	ck_assert_int_eq(p.updated_at_ms, 1001);
	funding_abandon(&p, 5001, &p);
	funding_unconfirm(&p, 5002, &p); /* nothing that has failed comes back by that */
	check(&p, 1, FUNDING_FAILED, false);
}
END_TEST

/* O11: a close, say. */
START_TEST(excluded_by_a_stranger)
{
	struct funding_payment p = classified(NULL, 1);

	funding_exclude(&p, FUNDING_DEPTH - 1, 3000, &p);
	check(&p, 1, FUNDING_PENDING, false);
	funding_exclude(&p, FUNDING_DEPTH, 3000, &p);
	check(&p, 1, FUNDING_FAILED, false);
	funding_confirm(&p, &all[0], &block_b, 1, 3001, &p); /* the chain has the last word */
	check(&p, 1, FUNDING_PENDING, true);
	funding_exclude(&p, FUNDING_DEPTH, 3002, &p);
	check(&p, 1, FUNDING_PENDING, true);
}
END_TEST

START_TEST(abandoned)
{
	struct funding_payment p = classified(NULL, 1), q;

	funding_abandon(&p, 4000, &q);
	check(&q, 1, FUNDING_FAILED, false);
	funding_confirm(&p, &all[0], &block_a, 1, 2000, &p);
	funding_abandon(&p, 4000, &p);
	check(&p, 1, FUNDING_PENDING, true);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/funding");
	TCase *tc = tcase_create("payments");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, before_the_chain_says_anything);
	tcase_add_test(tc, after_a_block_has_it);
	tcase_add_test(tc, an_earlier_candidate_is_the_one);
	tcase_add_test(tc, a_confirmed_one_of_no_row_keeps_what_it_has);
	tcase_add_test(tc, generic_never_replaces_interactive);
	tcase_add_test(tc, a_foreign_one_confirms);
	tcase_add_test(tc, a_stray_is_absorbed);
	tcase_add_test(tc, reorganised_after_it_had_graduated);
	tcase_add_test(tc, only_another_block_takes_it_back);
	tcase_add_test(tc, unconfirming_what_is_not);
	tcase_add_test(tc, excluded_by_a_stranger);
	tcase_add_test(tc, abandoned);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
