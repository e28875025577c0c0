/* spec/splice.md 8.1, U12: V1 to V4, each violated by a PSBT that a malicious peer might bring about. */
#include "rails/lightning/splice_verify.h"

#include <string.h>

#include "rails/bitcoin/psbt.h"
#include "tests/support/rails.h"
#include "tests/support/splice_tx.h"
#include "tests/support/suite.h"

static struct splice_tx t;

static const char *psbt_of(const struct tx *tx)
{
	struct psbt p;
	char *text;

	ck_ok(psbt_create(&ra, tx, &p, &rerr));
	ck_ok(psbt_text(&ra, &p, &text, &rerr));
	return text;
}

static int verify(struct splice_view *v)
{
	return splice_verify(&ra, psbt_of(&t.tx), &t.known.terms, v, &rerr);
}

START_TEST(in_as_wanted)
{
	struct splice_view v;
	struct txid txid;

	splice_tx_in(&t);
	ck_ok(verify(&v));
	txid = tx_txid(&t.tx);
	ck_assert(txid_equal(&v.txid, &txid));
	ck_assert_uint_eq(sat_value(v.fee), 1000);
	ck_assert_uint_eq(v.n_ours, 2);
	ck_assert(v.ours[0] == 2 && v.ours[1] == 1); /* where they stand in it, V3 */
	splice_tx_add_in(&t, splice_at(9));          /* the peer may put in its own */
	splice_tx_add_out(&t, splice_tx_script(9), 1);
	ck_ok(verify(&v));
}
END_TEST

START_TEST(out_as_wanted)
{
	struct splice_view v;

	splice_tx_out(&t);
	ck_ok(verify(&v));
	ck_assert_uint_eq(sat_value(v.fee), 775);
	ck_assert_uint_eq(v.n_ours, 0);
}
END_TEST

static void without_base(void)
{
	t.in[0].prevout = splice_at(8);
}

static void other_vout_of_the_base(void)
{
	t.in[0].prevout.vout++;
}

static void one_of_ours_is_missing(void)
{
	t.in[1].prevout = splice_at(8);
}

static void another_of_our_wallet(void)
{
	splice_tx_add_in(&t, splice_at(4));
}

static void change_to_another_script(void)
{
	t.out[1].script = splice_tx_script(9);
}

static void less_change(void)
{
	t.out[1].value = splice_sat(3999);
}

static void more_change(void)
{
	t.out[1].value = splice_sat(4001);
}

static void no_change(void)
{
	t.tx.n_out = 1;
}

/* Two of ours are the same, and one is there. */
static void one_for_two(void)
{
	t.pays[1] = t.pays[0];
	t.known.terms.n_outputs = 2;
	t.known.terms.share.by = splice_sat(96000);
}

static void fee_above_the_sum(void)
{
	t.known.terms.has_max_fee = true;
	t.known.terms.max_fee = splice_sat(999);
}

static void fee_above_the_rate(void)
{
	t.known.terms.max_rate = splice_rate_of(997);
}

static void more_than_we_put_in(void)
{
	t.known.terms.share.by = splice_sat(101001);
}

static void spent_twice(void)
{
	splice_tx_add_in(&t, splice_at(2));
}

static const struct {
	const char *name;
	void (*bend)(void);
	const char *words;
} bent[] = {
	{ "without the channel", without_base, "the channel's funding" },
	{ "another output of the same transaction", other_vout_of_the_base, "the channel's funding" },
	{ "an input of ours is missing", one_of_ours_is_missing, "does not spend our input" },
	{ "an output of ours that we did not put in", another_of_our_wallet, "which we did not put in" },
	{ "change to a stranger", change_to_another_script, "our output 0" },
	{ "less change", less_change, "our output 0" },
	{ "more change", more_change, "our output 0" },
	{ "no change", no_change, "our output 0" },
	{ "one output for two", one_for_two, "our output 0" },
	{ "too high a fee", fee_above_the_sum, "a fee of 1000 sat, and 999 are allowed" },
	{ "too high a rate", fee_above_the_rate, "a fee of 1000 sat, and 999 are allowed" },
	{ "more than there is", more_than_we_put_in, "does not add up" },
	{ "an input twice", spent_twice, "no transaction" },
};

START_TEST(bent_by_the_peer)
{
	struct splice_view v;

	splice_tx_in(&t);
	bent[_i].bend();
	ck_fails(verify(&v), ERR_PEER_INVALID);
	ck_assert_msg(strstr(rerr.msg, bent[_i].words) != NULL, "%s: %s", bent[_i].name, rerr.msg);
}
END_TEST

START_TEST(without_a_view_of_the_wallet)
{
	struct splice_view v;

	splice_tx_in(&t);
	another_of_our_wallet();
	t.known.terms.n_wallet = 0;
	ck_ok(verify(&v)); /* and only our two are signed */
	ck_assert_uint_eq(v.n_ours, 2);
}
END_TEST

START_TEST(not_a_psbt)
{
	struct arena small = ARENA_LIMIT(512);
	struct splice_view v;
	const char *psbt;

	splice_tx_in(&t);
	psbt = psbt_of(&t.tx);
	ck_fails(splice_verify(&ra, "cHNidP8=", &t.known.terms, &v, &rerr), ERR_PSBT);
	ck_fails(splice_verify(&ra, "!", &t.known.terms, &v, &rerr), ERR_PSBT);
	ck_fails(splice_verify(&small, psbt, &t.known.terms, &v, &rerr), ERR_RANGE);
	arena_done(&small);
}
END_TEST

START_TEST(fees_of_ours)
{
	struct splice_terms *terms = &t.known.terms;
	struct sat fee;

	splice_tx_in(&t);
	ck_assert(splice_own_fee(terms, &fee) && sat_value(fee) == 1000);
	terms->share.by = splice_sat(101000);
	ck_assert(splice_own_fee(terms, &fee) && sat_value(fee) == 0);
	terms->share.by = splice_sat(101001);
	ck_assert(!splice_own_fee(terms, &fee));
	splice_tx_out(&t);
	terms->share.by = splice_sat(49999);
	ck_assert(!splice_own_fee(terms, &fee));
	t.pays[0].amount = splice_sat(AMOUNT_MAX);
	t.pays[1] = t.pays[0];
	terms->n_outputs = 2;
	ck_assert(!splice_own_fee(terms, &fee));
	splice_tx_in(&t);
	t.ours[0].amount = t.ours[1].amount = splice_sat(AMOUNT_MAX);
	ck_assert(!splice_own_fee(terms, &fee));
}
END_TEST

/* What fundpsbt made: two inputs, whose amounts it states, and change. */
START_TEST(terms_of_a_contribution)
{
	struct splice_terms terms = { .max_rate = splice_rate_of(7) };
	struct tx_out spent = { .value = splice_sat(60000), .script = splice_tx_script(2) };
	struct psbt p;
	struct tx tx;
	char *text;

	splice_tx_in(&t);
	tx = (struct tx){ .version = 2, .in = t.in + 1, .n_in = 2, .out = t.out + 1, .n_out = 1 };
	ck_ok(psbt_create(&ra, &tx, &p, &rerr));
	ck_ok(psbt_text(&ra, &p, &text, &rerr));
	ck_fails(splice_terms_of(&ra, text, &terms, &rerr), ERR_PSBT); /* it does not say what they are worth */
	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &spent, &rerr));
	spent.value = splice_sat(45000);
	ck_ok(psbt_put_witness_utxo(&ra, &p, 1, &spent, &rerr));
	ck_ok(psbt_text(&ra, &p, &text, &rerr));
	ck_ok(splice_terms_of(&ra, text, &terms, &rerr));
	ck_assert(terms.n_inputs == 2 && terms.n_outputs == 1);
	ck_assert(outpoint_equal(&terms.inputs[0].at, &t.in[1].prevout) && sat_value(terms.inputs[0].amount) == 60000);
	ck_assert(sat_value(terms.inputs[1].amount) == 45000 && !terms.inputs[1].released);
	ck_assert(bytes_equal(terms.outputs[0].script, splice_tx_script(5)));
	ck_assert_uint_eq(sat_value(terms.outputs[0].amount), 4000);
	ck_assert_uint_eq(feerate_sat_per_kwu(terms.max_rate), 7); /* what it says nothing of stays */
	ck_fails(splice_terms_of(&ra, "nonsense", &terms, &rerr), ERR_PSBT);
}
END_TEST

/* V4 */
START_TEST(the_newest_flight)
{
	struct ln_flight flights[2] = { { .funding = splice_at(3) }, { .funding = splice_at(4) } };
	struct ln_channel c = { .flights = flights };
	struct txid txid = splice_txid(4);

	ck_fails(splice_verify_newest(&c, &txid, &rerr), ERR_PEER_INVALID);
	c.n_flights = 2;
	ck_ok(splice_verify_newest(&c, &txid, &rerr));
	txid = splice_txid(3);
	ck_fails(splice_verify_newest(&c, &txid, &rerr), ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/splice_verify");
	TCase *tc = rails_case(s, "verify");

	tcase_add_test(tc, in_as_wanted);
	tcase_add_test(tc, out_as_wanted);
	tcase_add_loop_test(tc, bent_by_the_peer, 0, (int)ARRAY_LEN(bent));
	tcase_add_test(tc, without_a_view_of_the_wallet);
	tcase_add_test(tc, not_a_psbt);
	tcase_add_test(tc, fees_of_ours);
	tcase_add_test(tc, terms_of_a_contribution);
	tcase_add_test(tc, the_newest_flight);
	return suite_run(s);
}
