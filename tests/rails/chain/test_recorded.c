/* Vectors: tests/vectors/onchain/recorded-node-replies.json, 32 replies of a node (Knots 29.4.3).  Each goes through the
 * reader of its method, as it would from the wire, and must become the class that the recording names. */
#include <string.h>

#include "rails/chain/bitcoind_coins.h"
#include "rails/chain/bitcoind_reply.h"
#include "rails/chain/broadcast.h"
#include "rails/chain/package.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define REPLIES 32

static const json_t *row;
static struct jsonrpc_answer answer;

static void load(size_t i)
{
	const json_t *list = json_object_get(vectors_load("onchain/recorded-node-replies.json"), "replies");
	struct jsonrpc_reply reply;
	struct net_reply rep;

	ck_assert_uint_eq(json_array_size(list), REPLIES);
	row = json_array_get(list, i);
	rep = reply_of((int)vec_u64(row, "http_status"), vec_str(row, "body"));
	ck_ok(bitcoind_judge(&ra, &rep, 1, &reply, &rerr));
	answer = reply.answers[0];
}

static const char *send_class(void)
{
	struct txid ours = { { 0 } };

	/* Of what was taken, the recording holds no transaction but the name that the node gave it. */
	if (answer.result != NULL)
		ck_assert(txid_parse(json_string_value(answer.result), &ours));
	return broadcast_class_name(broadcast_class_of_answer(&answer, &ours));
}

static const char *package_class(struct package_result *p)
{
	const json_t *order = json_object_get(row, "package_order");
	struct txid txids[2];

	ck_assert_uint_eq(json_array_size(order), 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert(txid_parse(json_string_value(json_array_get(order, i)), &txids[i]));
	ck_ok(package_of_answer(&ra, &answer, txids, 2, p, &rerr));
	return package_class_name(p->class);
}

static const char *found_class(const char *method)
{
	struct txid txid = { { 0 } };
	struct block_hash hash;
	struct chain_mempool_entry entry;
	bool found = true, in_block;

	if (strcmp(method, "getrawtransaction") == 0)
		ck_ok(bitcoind_reply_tx_place(&answer, &txid, &found, &in_block, &hash, &rerr));
	else if (strcmp(method, "getmempoolentry") == 0)
		ck_ok(bitcoind_reply_mempool_entry(&ra, &answer, &found, &entry, &rerr));
	else
		ck_ok(bitcoind_reply_block_hash(&answer, &found, &hash, &rerr));
	return found ? "FOUND" : "NOTFOUND";
}

static const char *other_class(const char *method)
{
	static const char anchor[] = "3c0e6068aef095d5198f568fe64be7bdb1032eefda333c72f550594b9e96890a:1";
	struct bitcoind_coin coin;
	struct chain_spend spend;
	struct outpoint at;
	struct feerate rate;
	bool has = true;

	if (strcmp(method, "estimatesmartfee") == 0) {
		ck_ok(bitcoind_reply_fee(&answer, &has, &rate, &rerr));
		return has ? "ESTIMATE" : "NO_ESTIMATE";
	}
	if (strcmp(method, "gettxout") == 0) {
		ck_ok(bitcoind_reply_coin(&ra, &answer, &has, &coin, &rerr));
		return has ? "THERE" : "GONE";
	}
	ck_assert_str_eq(method, "gettxspendingprevout");
	ck_assert(outpoint_parse(anchor, &at));
	ck_ok(bitcoind_reply_mempool_spends(&answer, &at, 1, &spend, &rerr));
	ck_assert_int_eq(spend.state, CHAIN_UNSPENT);
	return "INFO";
}

START_TEST(each_has_its_class)
{
	static const char *const finders[] = { "getrawtransaction", "getmempoolentry", "getblockhash" };
	struct package_result p;
	const char *method, *got = NULL;

	load((size_t)_i);
	method = vec_str(row, "method");
	if (strcmp(method, "sendrawtransaction") == 0)
		got = send_class();
	else if (strcmp(method, "submitpackage") == 0)
		got = package_class(&p);
	for (size_t i = 0; got == NULL && i < ARRAY_LEN(finders); i++)
		if (strcmp(method, finders[i]) == 0)
			got = found_class(method);
	if (got == NULL)
		got = other_class(method);
	ck_assert_msg(strcmp(got, vec_str(row, "expected_class")) == 0, "%s: %s, not %s", vec_str(row, "label"), got,
		      vec_str(row, "expected_class"));
}
END_TEST

static void load_labelled(const char *label)
{
	for (size_t i = 0; i < REPLIES; i++) {
		load(i);
		if (strcmp(vec_str(row, "label"), label) == 0)
			return;
	}
	ck_abort_msg("no reply has the label %s", label);
}

START_TEST(an_accepted_package)
{
	struct package_result p;

	load_labelled("package accepted");
	(void)package_class(&p);
	ck_assert(p.n == 2 && p.culprit == 2 && p.n_replaced == 0 && !p.has_fee_wanted);
	ck_assert(p.txs[0].told && p.txs[0].vsize == 124 && sat_value(p.txs[0].fee) == 0);
	ck_assert(p.txs[1].told && p.txs[1].vsize == 153 && sat_value(p.txs[1].fee) == 1000);
	/* 0.00002743 BTC/kvB */
	ck_assert(p.txs[0].has_rate && feerate_sat_per_kwu(p.txs[0].rate) == (2743 + 3) / 4);
	ck_assert_str_eq(p.words, "success");
}
END_TEST

START_TEST(a_replaced_child)
{
	char text[TXID_TEXT];
	struct package_result p;

	load_labelled("second child, +200 sat replaces");
	(void)package_class(&p);
	ck_assert_uint_eq(p.n_replaced, 1);
	txid_text(&p.replaced[0], text);
	ck_assert_str_eq(text, "8eafffe673f47ec950b5879e36d421042b6e2bb7f8d246b8a385e79098b5bf70");
	ck_assert(!p.txs[0].has_rate && p.txs[1].has_rate);
}
END_TEST

START_TEST(the_fee_that_a_package_wants)
{
	struct package_result p;

	load_labelled("package of 277 vB paying 277 sat");
	(void)package_class(&p);
	ck_assert(p.culprit == 0 && p.has_fee_wanted);
	ck_assert_uint_eq(sat_value(p.fee_wanted), 277);
	ck_assert_str_eq(p.words, "min relay fee not met, -240 < 124");
}
END_TEST

/* The child's error follows from the parent's. */
START_TEST(whose_inputs_are_gone)
{
	struct package_result p;

	load_labelled("parent's input spent by a mined tx");
	(void)package_class(&p);
	ck_assert_uint_eq(p.culprit, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/chain: a node's recorded replies");
	TCase *t = rails_case(s, "recorded");

	tcase_add_loop_test(t, each_has_its_class, 0, REPLIES);
	tcase_add_test(t, an_accepted_package);
	tcase_add_test(t, a_replaced_child);
	tcase_add_test(t, the_fee_that_a_package_wants);
	tcase_add_test(t, whose_inputs_are_gone);
	return suite_run(s);
}
