/* spec/splice.md 8.1, U3: whose is what spends the channel's funding. */
#include "rails/lightning/splice_owner.h"

#include <check.h>

#include "tests/support/splice_tx.h"
#include "tests/support/suite.h"

static struct splice_tx t;

static void owned_by(enum splice_owner want, bool closing)
{
	enum splice_owner got = splice_owner_of_tx(&t.known, &t.tx, closing);

	ck_assert_msg(got == want, "%s, not %s", splice_owner_name(got), splice_owner_name(want));
}

static struct funding_candidate candidate(void)
{
	struct funding_candidate c = splice_candidate_row(9);

	c.txid = tx_txid(&t.tx);
	return c;
}

/* Whatever it looks like: the row says it. */
START_TEST(a_candidate_is_whose_its_row_says)
{
	static const struct {
		enum candidate_origin origin;
		enum splice_owner owner;
	} origins[] = {
		{ CANDIDATE_OURS, OWNER_OURS },
		{ CANDIDATE_FOREIGN, OWNER_FOREIGN },
		{ CANDIDATE_FOREIGN_LOCAL, OWNER_FOREIGN_LOCAL },
	};
	struct ln_flight f = { .own = { .by = splice_sat(1) } };
	struct funding_candidate c;

	splice_tx_out(&t);
	t.tx.n_out = 1;
	c = candidate();
	t.known.candidates = &c;
	t.known.n_candidates = 1;
	f.funding.txid = c.txid;
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		c.origin = origins[i].origin;
		owned_by(origins[i].owner, true);
		ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, NULL), origins[i].owner);
	}
	ck_assert_ptr_eq(splice_candidate(&t.known, &c.txid), &c);
	t.tx.locktime++;
	owned_by(OWNER_UNDECIDED, true);
}
END_TEST

START_TEST(in_by_its_inputs)
{
	splice_tx_in(&t);
	owned_by(OWNER_OURS, false);
	owned_by(OWNER_OURS, true); /* no close spends them */
	t.in[2].prevout = splice_at(8);
	owned_by(OWNER_UNDECIDED, false); /* one is missing */
	splice_tx_in(&t);
	t.known.terms.n_inputs = 0;
	owned_by(OWNER_UNDECIDED, false);
	splice_tx_in(&t);
	t.in[0].prevout = splice_at(8);
	owned_by(OWNER_UNDECIDED, false); /* not of this channel */
}
END_TEST

START_TEST(out_by_what_it_pays)
{
	splice_tx_out(&t);
	owned_by(OWNER_OURS, false);
	owned_by(OWNER_UNDECIDED, true); /* a close may pay the same */
	t.out[0].value = splice_sat(50001);
	owned_by(OWNER_UNDECIDED, false);
	splice_tx_out(&t);
	t.out[0].script = splice_tx_script(9);
	owned_by(OWNER_UNDECIDED, false);
	splice_tx_out(&t);
	t.known.terms.n_outputs = 0;
	owned_by(OWNER_UNDECIDED, false);
}
END_TEST

/* What is left in the channel: the base less what is paid and a fee within the limits. */
START_TEST(out_by_what_it_leaves)
{
	splice_tx_out(&t);
	t.out[1].value = splice_sat(949224); /* a fee of 776 */
	owned_by(OWNER_UNDECIDED, false);
	t.out[1].value = splice_sat(950000);
	owned_by(OWNER_OURS, false);
	t.out[1].value = splice_sat(950001);
	owned_by(OWNER_UNDECIDED, false);
	t.out[1].value = splice_sat(949225);
	t.known.terms.has_max_fee = true;
	t.known.terms.max_fee = splice_sat(774);
	owned_by(OWNER_UNDECIDED, false);
	t.known.terms.max_fee = splice_sat(775);
	owned_by(OWNER_OURS, false);
	t.out[1].script = splice_tx_script(1);
	owned_by(OWNER_UNDECIDED, false); /* no funding output: both were paid out */
	splice_tx_out(&t);
	t.known.base_capacity = splice_sat(49999);
	owned_by(OWNER_UNDECIDED, false);
}
END_TEST

/* What a node was given as a whole: it chose the inputs, and what is paid. */
static struct splice_whole is_whole(uint64_t amount)
{
	struct splice_whole w;

	ck_assert(splice_whole_of(&t.known, &t.tx, &w));
	ck_assert_uint_eq(sat_value(w.amount), amount);
	ck_assert_uint_eq(w.vout, splice_funding_place(&t.known, &t.tx));
	owned_by(OWNER_OURS, false);
	return w;
}

static void is_not_whole(void)
{
	struct splice_whole w;

	ck_assert(!splice_whole_of(&t.known, &t.tx, &w));
	owned_by(OWNER_UNDECIDED, false);
}

static void whole_out(void)
{
	splice_tx_out(&t);
	t.known.whole = true;
	t.known.terms.weight = (struct weight){ 0 };
	t.known.terms.share.by = splice_sat(50000); /* asked for; the fee is not known */
	t.known.terms.max_rate = splice_rate_of(2000);
}

START_TEST(a_whole_out)
{
	struct splice_whole w;
	struct sat limit;

	whole_out();
	w = is_whole(50000);
	ck_assert(fee_for_weight_ceil(t.known.terms.max_rate, tx_weight(&t.tx), &limit));
	ck_assert(w.has_fee && sat_value(w.fee) == 775);
	ck_assert_uint_eq(w.vout, 1);
	t.out[1].value = splice_sat(950000 - sat_value(limit) - 2);
	w = is_whole(50000);
	ck_assert_uint_eq(sat_value(w.fee), sat_value(limit) + 2);
	t.out[1].value = splice_sat(950000 - sat_value(limit) - 3);
	is_not_whole();
	whole_out();
	t.out[1].value = splice_sat(950001); /* the peer has added something */
	is_not_whole();
	whole_out();
	t.out[0].value = splice_sat(50001);
	is_not_whole();
	whole_out();
	t.out[1].script = splice_tx_script(7); /* nothing is left in a channel */
	is_not_whole();
	whole_out();
	owned_by(OWNER_UNDECIDED, true); /* a close may pay the same */
}
END_TEST

static void whole_in(void)
{
	splice_tx_in(&t);
	t.known.whole = true;
	t.known.terms.n_inputs = t.known.terms.n_outputs = 0;
	t.known.terms.weight = (struct weight){ 0 };
}

START_TEST(a_whole_in)
{
	whole_in();
	ck_assert(!is_whole(100000).has_fee);
	owned_by(OWNER_OURS, true); /* no close makes it more */
	t.tx.n_in = 1;              /* out of nothing */
	is_not_whole();
	whole_in();
	t.out[0].script = splice_tx_script(1);
	is_not_whole();
}
END_TEST

/* A real node put in 120002 for 120000: it takes for its fee what it makes of the weight, which its wallet makes a little more;
 * and where the change would be dust that goes in, too. */
START_TEST(a_whole_in_that_is_not_to_the_satoshi)
{
	/* 3 inputs at 998 sat for 1000 weight units: 48, and with the change 172, each rounded up and 2 more */
	enum { LESS = 48 + 2, MORE = 172 + 2 + 294 };

	whole_in();
	t.out[0].value = splice_sat(1100002);
	is_whole(100002);
	t.out[0].value = splice_sat(1100000 + MORE);
	is_whole(100000 + MORE);
	t.out[0].value = splice_sat(1100000 + MORE + 1); /* with something of the peer's */
	is_not_whole();
	t.out[0].value = splice_sat(1100000 - LESS);
	is_whole(100000 - LESS);
	t.out[0].value = splice_sat(1100000 - LESS - 1);
	is_not_whole();
	t.known.terms.share.by = splice_sat(10);
	t.out[0].value = splice_sat(1000000); /* nothing at all */
	is_not_whole();
	t.out[0].value = splice_sat(1000001);
	is_whole(1);
}
END_TEST

/* All that the wallet has, less what it costs. */
START_TEST(a_whole_in_of_everything)
{
	struct sat limit;

	whole_in();
	t.known.everything = true;
	t.known.terms.share.by = splice_sat(100300);
	is_whole(100000);
	ck_assert(fee_for_weight_ceil(t.known.terms.max_rate, tx_weight(&t.tx), &limit));
	t.known.terms.share.by = splice_sat(100000 + sat_value(limit) + 2);
	is_whole(100000);
	t.known.terms.share.by = splice_sat(100000 + sat_value(limit) + 3);
	is_not_whole();
	t.known.terms.share.by = splice_sat(99999);
	is_not_whole();
	t.known.terms.share.by = splice_sat(0); /* not known yet: it was not given to the node */
	t.out[0].value = splice_sat(1000000);
	is_not_whole();
}
END_TEST

START_TEST(a_commitment_by_its_bits)
{
	splice_tx_out(&t);
	t.tx.locktime = 0x20123456;
	t.in[0].sequence = 0x80abcdef;
	owned_by(OWNER_COMMITMENT, false);
	t.in[0].sequence = 0x81abcdef;
	owned_by(OWNER_OURS, false);
	t.in[0].sequence = 0x80abcdef;
	t.tx.locktime = 0x21123456;
	owned_by(OWNER_OURS, false);
}
END_TEST

START_TEST(what_the_node_lists)
{
	struct ln_flight f = { .funding = splice_at(9) };

	splice_tx_in(&t);
	ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, &t.tx), OWNER_FOREIGN); /* our side adds nothing */
	f.own = t.known.terms.share;
	ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, &t.tx), OWNER_OURS);
	ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, NULL), OWNER_FOREIGN_LOCAL);
	f.own.out = true;
	ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, &t.tx), OWNER_FOREIGN_LOCAL);
	f.own = (struct splice_share){ .by = splice_sat(100001) };
	ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, &t.tx), OWNER_FOREIGN_LOCAL);
	f.own = t.known.terms.share;
	t.out[1].value = splice_sat(1); /* V2 */
	ck_assert_int_eq(splice_owner_of_flight(&t.known, &f, &t.tx), OWNER_FOREIGN_LOCAL);
}
END_TEST

START_TEST(where_the_new_funding_is)
{
	splice_tx_out(&t);
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 1);
	t.out[1].value = splice_sat(960000); /* the peer has put something in */
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 1);
	splice_tx_add_out(&t, splice_tx_p2wsh(2), 970000);
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 2);
	t.out[1].value = splice_sat(949225);
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 1);
	t.pays[0] = (struct splice_output){ splice_tx_p2wsh(2), splice_sat(970000) }; /* that one is paid by us */
	t.out[1].value = splice_sat(1);
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 1);
	t.tx.n_out = 1;
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 0);
	t.known.terms.share.by = splice_sat(1000001); /* more than there is */
	ck_assert_uint_eq(splice_funding_place(&t.known, &t.tx), 0);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(splice_owner_name(OWNER_FOREIGN_LOCAL), "foreign_local");
	ck_assert_str_eq(splice_owner_name((enum splice_owner)9), "unknown");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/splice_owner");
	TCase *tc = tcase_create("owner");

	tcase_add_test(tc, a_candidate_is_whose_its_row_says);
	tcase_add_test(tc, in_by_its_inputs);
	tcase_add_test(tc, out_by_what_it_pays);
	tcase_add_test(tc, out_by_what_it_leaves);
	tcase_add_test(tc, a_whole_out);
	tcase_add_test(tc, a_whole_in);
	tcase_add_test(tc, a_whole_in_that_is_not_to_the_satoshi);
	tcase_add_test(tc, a_whole_in_of_everything);
	tcase_add_test(tc, a_commitment_by_its_bits);
	tcase_add_test(tc, what_the_node_lists);
	tcase_add_test(tc, where_the_new_funding_is);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
