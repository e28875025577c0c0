/* Vectors: tests/vectors/lightning/cln.json, what Core Lightning v26.06.6 said to these requests on regtest.  Each reply is read,
 * each PSBT and transaction in it too, each error is given its meaning; and a real splice passes V1 to V4. */
#include <string.h>

#include "rails/bitcoin/psbt.h"
#include "rails/lightning/cln_wire.h"
#include "rails/lightning/splice_fee.h"
#include "rails/lightning/splice_verify.h"
#include "tests/support/rails.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static const struct ln_backend *const cln = &cln_backend;
static json_t *said;

static void load(void)
{
	said = json_object_get(vectors_load("lightning/cln.json"), "said");
	ck_assert_uint_gt(json_array_size(said), 20);
}

/* A reply as it comes off the socket. */
static struct net_reply as_sent(const json_t *entry)
{
	json_t *msg = json_object_in(&ra), *error = json_object_get(entry, "error");

	json_set_str(msg, "jsonrpc", "2.0");
	json_set_str(msg, "id", "wd:test:1");
	json_set(msg, error ? "error" : "result", error ? error : json_object_get(entry, "result"));
	return (struct net_reply){
		.outcome = NET_ANSWERED,
		.status = 200,
		.body = bytes_of(json_text(&ra, msg)),
		.content_type = "",
	};
}

static const char *method_of(const json_t *entry)
{
	return vec_str(entry, "method");
}

/* --- results --- */

static void read_psbt(const char *text, struct psbt *p)
{
	ck_ok(psbt_decode_text(&ra, text, p, &rerr));
}

static void read_info(const struct net_reply *rep)
{
	struct ln_info info;

	ck_ok(cln->info_decode(&ra, rep, &info, &rerr));
	ck_assert_str_eq(info.version, "v26.06.6");
	ck_assert_str_eq(info.chain, "regtest");
	ck_assert(info.synced && !info.too_old && info.height > 0);
}

static void read_feerates(const struct net_reply *rep)
{
	struct ln_feerates r;

	ck_ok(cln->feerates_decode(&ra, rep, &r, &rerr));
	ck_assert_uint_eq(feerate_sat_per_kwu(r.floor), 253);
	ck_assert_int_ge(feerate_cmp(r.splice, r.floor), 0);
	ck_assert_int_gt(feerate_cmp(r.max_acceptable, r.splice), 0);
}

static void read_channels(const struct net_reply *rep)
{
	struct ln_channel *c;
	size_t n;

	ck_ok(cln->channels_decode(&ra, rep, &c, &n, &rerr));
	ck_assert_uint_eq(n, 1);
	ck_assert(sat_value(c->capacity) > 0 && msat_value(c->local) > 0 && sat_value(c->reserve) > 0);
	ck_assert(c->phase == CHANNEL_READY || c->phase == CHANNEL_CLOSING);
	ck_assert(c->splicing == (strcmp(c->state, "CHANNELD_AWAITING_SPLICE") == 0));
	ck_assert(!c->usable || (c->connected && c->reestablished && c->phase == CHANNEL_READY));
	for (size_t i = 0; i < c->n_flights; i++) {
		const struct ln_flight *f = &c->flights[i];

		ck_assert(f->has_rate && sat_value(f->own.by) > 0);
		/* Nobody but our side has changed what the channel is worth. */
		ck_assert_int_eq(sat_cmp(f->capacity, c->capacity), f->own.out ? -1 : 1);
	}
}

static void read_peer(const struct net_reply *rep)
{
	bool known, splices;

	ck_ok(cln->peer_decode(&ra, rep, &known, &splices, &rerr));
	ck_assert(known && splices);
}

static void read_coins(const struct net_reply *rep)
{
	struct splice_input *coins;
	size_t n;

	ck_ok(cln->coins_decode(&ra, rep, &coins, &n, &rerr));
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_gt(sat_value(coins[i].amount), 0);
}

static void read_fund(const struct net_reply *rep)
{
	struct splice_terms terms = { 0 };
	struct ln_funded f;
	struct sat fee;

	ck_ok(cln->fund_decode(&ra, rep, &f, &rerr));
	ck_assert(f.weight.v > 640 && !f.has_excess);
	ck_ok(splice_terms_of(&ra, f.psbt, &terms, &rerr));
	ck_assert(terms.n_inputs == f.n_inputs && terms.n_outputs == 1);
	ck_assert(outpoint_equal(&terms.inputs[0].at, &f.inputs[0]));
	terms.share.by = splice_sat(150000);
	ck_assert(splice_own_fee(&terms, &fee) && sat_value(fee) > 0 && sat_value(fee) < 10000);
}

static void read_pay(const struct net_reply *rep)
{
	struct ln_paid paid;
	struct psbt p;

	ck_ok(cln->pay_decode(&ra, rep, &paid, &rerr));
	ck_assert(paid.added.v == 172 || paid.added.v == 124);
	read_psbt(paid.psbt, &p);
	ck_assert(p.tx.n_in == 0 && p.tx.n_out == 1);
}

static void read_open(const struct net_reply *rep)
{
	struct ln_round round;
	struct psbt p;

	ck_ok(cln->open_decode(&ra, rep, &round, &rerr));
	read_psbt(round.psbt, &p);
	ck_assert(p.tx.n_in >= 1 && !round.commitments_secured);
}

static void read_update(const struct net_reply *rep)
{
	struct ln_round round;
	struct psbt p;

	ck_ok(cln->update_decode(&ra, rep, &round, &rerr));
	read_psbt(round.psbt, &p);
	ck_assert(!round.signatures_secured || round.commitments_secured);
}

static void read_sign(const struct net_reply *rep)
{
	const char *psbt;
	struct psbt p;

	ck_ok(cln->sign_decode(&ra, rep, &psbt, &rerr));
	read_psbt(psbt, &p);
}

static void read_commit(const struct net_reply *rep)
{
	struct ln_committed c;
	struct txid txid;
	struct tx tx;

	ck_ok(cln->commit_decode(&ra, rep, &c, &rerr));
	ck_ok(tx_decode(&ra, c.raw, &tx, &rerr));
	txid = tx_txid(&tx);
	ck_assert(txid_equal(&txid, &c.txid) && c.vout < tx.n_out && tx_has_witness(&tx));
}

static void read_closed(const struct net_reply *rep)
{
	struct ln_ref ref = { .channel = { { 1 } } };
	bool closed = true;

	ck_ok(cln->closed_decode(&ra, rep, &ref, &closed, &rerr));
	ck_assert(!closed);
}

static void read_release(const struct net_reply *rep)
{
	ck_ok(cln->release_decode(&ra, rep, &rerr));
}

static void read_renew(const struct net_reply *rep)
{
	ck_ok(cln->renew_decode(&ra, rep, &rerr));
}

static void read_abort(const struct net_reply *rep)
{
	ck_ok(cln->abort_decode(&ra, rep, &rerr));
}

static const struct {
	const char *method;
	void (*read)(const struct net_reply *rep);
} readers[] = {
	{ "getinfo", read_info },
	{ "feerates", read_feerates },
	{ "listpeerchannels", read_channels },
	{ "listpeers", read_peer },
	{ "listfunds", read_coins },
	{ "fundpsbt", read_fund },
	{ "utxopsbt", read_fund },
	{ "addpsbtoutput", read_pay },
	{ "splice_init", read_open },
	{ "splice_update", read_update },
	{ "signpsbt", read_sign },
	{ "splice_signed", read_commit },
	{ "listclosedchannels", read_closed },
	{ "unreserveinputs", read_release },
	{ "reserveinputs", read_renew },
	{ "abort_channels", read_abort },
};

START_TEST(every_result)
{
	size_t read = 0;

	for (size_t i = 0; i < json_array_size(said); i++) {
		const json_t *entry = json_array_get(said, i);
		struct net_reply rep = as_sent(entry);

		if (json_object_get(entry, "error") || strcmp(method_of(entry), readers[_i].method) != 0)
			continue;
		readers[_i].read(&rep);
		read++;
	}
	ck_assert_msg(read > 0, "no %s was recorded", readers[_i].method);
}
END_TEST

/* --- errors --- */

/* What is expected of a number, and of words where the number alone does not say it. */
static const struct {
	int code;
	const char *words; /* or NULL: any */
	enum splice_sign sign;
	enum splice_class why;
	enum splice_wait wait;
} meanings[] = {
	{ -32601, NULL, TROUBLE_TOO_OLD, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ -32602, NULL, TROUBLE_CLASS, SPLICE_INVALID, SPLICE_WAIT_NONE },
	{ -1, NULL, TROUBLE_PROBE, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ 301, NULL, TROUBLE_PARK, SPLICE_FINE, SPLICE_WAIT_LOW_FUNDS },
	{ 350, "insufficient fee", TROUBLE_SIGNED, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ 351, NULL, TROUBLE_PEER, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ 352, NULL, TROUBLE_PROBE, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ 357, NULL, TROUBLE_CLASS, SPLICE_STALE, SPLICE_WAIT_NONE },
	{ 358, "two splices", TROUBLE_PARK, SPLICE_FINE, SPLICE_WAIT_HTLC_OR_STFU },
	{ 358, "hasn't begun", TROUBLE_CLASS, SPLICE_DISCONNECT, SPLICE_WAIT_NONE },
	{ 358, "missing a signature", TROUBLE_UNSIGNED, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ 359, NULL, TROUBLE_CLASS, SPLICE_FEE_LOW, SPLICE_WAIT_NONE },
	{ 360, NULL, TROUBLE_CLASS, SPLICE_STALE, SPLICE_WAIT_NONE },
	{ 400, NULL, TROUBLE_PEER, SPLICE_FINE, SPLICE_WAIT_NONE },
	{ 401, NULL, TROUBLE_PEER, SPLICE_FINE, SPLICE_WAIT_NONE },
};

static bool is_meant(size_t m)
{
	return rerr.peer_code == meanings[m].code &&
	       (meanings[m].words == NULL || strstr(rerr.msg, meanings[m].words) != NULL);
}

START_TEST(every_error)
{
	unsigned met = 0;

	for (size_t i = 0; i < json_array_size(said); i++) {
		const json_t *entry = json_array_get(said, i);
		struct net_reply rep = as_sent(entry);
		struct splice_trouble t;
		size_t m = 0;
		json_t *v;

		if (!json_object_get(entry, "error"))
			continue;
		ck_fails(cln_result(&ra, &rep, method_of(entry), &v, &rerr), ERR_PEER);
		while (m < ARRAY_LEN(meanings) && !is_meant(m))
			m++;
		ck_assert_msg(m < ARRAY_LEN(meanings), "not expected: %d: %s", rerr.peer_code, rerr.msg);
		t = cln->trouble(&rerr);
		ck_assert_msg(t.sign == meanings[m].sign && t.why == meanings[m].why && t.wait == meanings[m].wait,
			      "%d: %s: sign %d", rerr.peer_code, rerr.msg, t.sign);
		met |= 1u << m;
	}
	for (size_t m = 0; m < ARRAY_LEN(meanings); m++)
		ck_assert_msg(met & 1u << m, "%d was not recorded", meanings[m].code);
}
END_TEST

/* --- a whole splice --- */

/* The last reply to this method in this part of the record. */
static struct net_reply last_of(const char *what, const char *method)
{
	const json_t *found = NULL;

	for (size_t i = 0; i < json_array_size(said); i++) {
		const json_t *entry = json_array_get(said, i);

		if (strcmp(vec_str(entry, "what"), what) == 0 && strcmp(method_of(entry), method) == 0 &&
		    json_object_get(entry, "result"))
			found = entry;
	}
	ck_assert_msg(found != NULL, "no %s of %s", method, what);
	return as_sent(found);
}

static void channel_at(const char *what, struct ln_channel *ret)
{
	struct net_reply rep = last_of(what, "listpeerchannels");
	struct ln_channel *c;
	size_t n;

	ck_ok(cln->channels_decode(&ra, &rep, &c, &n, &rerr));
	*ret = c[0];
}

/* 50,000 sat paid out at 1,000 sat per kwu: the numbers of spec/splice.md 5.1.5. */
START_TEST(a_splice_out_is_what_was_wanted)
{
	struct net_reply paid_rep = last_of("a splice out", "addpsbtoutput"),
			 final_rep = last_of("a splice out", "splice_update"),
			 sent_rep = last_of("a splice out", "splice_signed");
	struct splice_terms terms = { .max_rate = splice_rate_of(1000) };
	struct ln_channel before, with;
	struct ln_committed sent;
	struct ln_round round;
	struct splice_view v;
	struct ln_paid paid;
	struct sat fee, gross;

	ck_ok(cln->pay_decode(&ra, &paid_rep, &paid, &rerr));
	ck_ok(splice_terms_of(&ra, paid.psbt, &terms, &rerr));
	channel_at("an idle channel", &before);
	ck_assert(splice_out_fee(terms.max_rate, paid.added, &fee));
	ck_assert(sat_add(terms.outputs[0].amount, fee, &gross));
	terms.base = before.funding;
	terms.share = (struct splice_share){ .out = true, .by = gross };
	terms.weight = splice_weight(paid.added);

	ck_ok(cln->update_decode(&ra, &final_rep, &round, &rerr));
	ck_ok(splice_verify(&ra, round.psbt, &terms, &v, &rerr));
	ck_assert(v.n_ours == 0 && sat_cmp(v.fee, fee) == 0);
	channel_at("a splice out", &with);
	ck_ok(splice_verify_newest(&with, &v.txid, &rerr));
	ck_assert(with.flights[0].own.out && sat_cmp(with.flights[0].own.by, gross) == 0);
	ck_ok(cln->commit_decode(&ra, &sent_rep, &sent, &rerr));
	ck_assert(txid_equal(&sent.txid, &v.txid));
	terms.outputs = &(struct splice_output){ terms.outputs[0].script, splice_sat(1) };
	ck_fails(splice_verify(&ra, round.psbt, &terms, &v, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(a_splice_in_is_what_was_wanted)
{
	struct net_reply fund_rep = last_of("a splice in", "fundpsbt"),
			 final_rep = last_of("a splice in", "splice_update");
	struct splice_terms terms = { .max_rate = splice_rate_of(1100) };
	struct ln_funded funded;
	struct ln_channel now;
	struct ln_round round;
	struct splice_view v;

	ck_ok(cln->fund_decode(&ra, &fund_rep, &funded, &rerr));
	ck_ok(splice_terms_of(&ra, funded.psbt, &terms, &rerr));
	channel_at("a bump", &now); /* locked by then: the last look */
	terms.base = now.funding;
	terms.share.by = splice_sat(150000);
	terms.weight = funded.weight;
	ck_ok(cln->update_decode(&ra, &final_rep, &round, &rerr));
	ck_ok(splice_verify(&ra, round.psbt, &terms, &v, &rerr));
	ck_assert_uint_eq(v.n_ours, funded.n_inputs);
	ck_assert(outpoint_equal(&v.tx.in[v.ours[0]].prevout, &funded.inputs[0]));
	terms.max_rate = splice_rate_of(900);
	ck_fails(splice_verify(&ra, round.psbt, &terms, &v, &rerr), ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/cln_recorded");
	TCase *tc = rails_case(s, "recorded");

	tcase_add_checked_fixture(tc, load, NULL);
	tcase_add_loop_test(tc, every_result, 0, (int)ARRAY_LEN(readers));
	tcase_add_test(tc, every_error);
	tcase_add_test(tc, a_splice_out_is_what_was_wanted);
	tcase_add_test(tc, a_splice_in_is_what_was_wanted);
	return suite_run(s);
}
