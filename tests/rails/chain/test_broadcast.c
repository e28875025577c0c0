/* What nodes say to a transaction, spec/exit.md 6.4 and 3.5: the words of versions 0.21 to 30, and of Knots. */
#include <string.h>

#include "rails/chain/broadcast.h"
#include "rails/chain/package.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct {
	int64_t code;
	const char *words;
	enum broadcast_class class;
} said[] = {
	{ -27, "Transaction outputs already in utxo set", BROADCAST_OK },
	{ -27, "Transaction already in block chain", BROADCAST_OK },
	{ 0, "Transaction outputs already in utxo set", BROADCAST_OK },
	{ -26, "txn-already-in-mempool", BROADCAST_OK },
	{ -26, "txn-already-known", BROADCAST_OK },
	{ -26, "txn-same-nonwitness-data-in-mempool", BROADCAST_OK },
	{ -25, "bad-txns-inputs-missingorspent", BROADCAST_INPUTS_GONE },
	{ -26, "insufficient fee, rejecting replacement 00ff; new feerate 0.1 BTC/kvB <= old", BROADCAST_CONFLICT },
	{ -26, "insufficient fee, rejecting replacement 00ff, less fees than conflicting txs; 0.1 < 0.2",
	  BROADCAST_CONFLICT },
	{ -26, "txn-mempool-conflict", BROADCAST_CONFLICT },
	{ -26, "min relay fee not met, 100 < 124", BROADCAST_FEE_TOO_LOW },
	{ -26, "mempool min fee not met, 100 < 124", BROADCAST_FEE_TOO_LOW },
	{ -26, "mempool full", BROADCAST_FEE_TOO_LOW },
	{ -26, "non-BIP68-final", BROADCAST_PREMATURE },
	{ -26, "non-final", BROADCAST_PREMATURE },
	{ -26, "bad-txns-nonfinal", BROADCAST_INVALID },
	{ -26, "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1", BROADCAST_PREMATURE },
	{ -26, "dust", BROADCAST_POLICY },
	{ -26, "dust, tx with dust output must be 0-fee", BROADCAST_EPHEMERAL },
	{ -26, "dust-nonanchor", BROADCAST_EPHEMERAL },
	{ -26, "missing-ephemeral-spends, tx 00 did not spend parent's ephemeral dust", BROADCAST_EPHEMERAL },
	{ -26, "TRUC-violation, version=3 tx 00 cannot spend from non-version=3 tx 01", BROADCAST_TRUC },
	{ -26, "truc-child-toobig, version=3 child tx 00 is too big: 1228 > 1000", BROADCAST_TRUC },
	{ -26, "scriptpubkey", BROADCAST_POLICY },
	{ -26, "version", BROADCAST_POLICY },
	{ -26, "tx-size", BROADCAST_POLICY },
	{ -26, "tx-size-small", BROADCAST_POLICY },
	{ -26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]", BROADCAST_POLICY },
	{ -26, "mempool-script-verify-flag-failed (Invalid Schnorr signature)", BROADCAST_INVALID },
	{ -26, "block-script-verify-flag-failed (x)", BROADCAST_INVALID },
	{ -26, "mandatory-script-verify-flag-failed (Invalid Schnorr signature)", BROADCAST_INVALID },
	{ -26, "non-mandatory-script-verify-flag (Witness program hash mismatch)", BROADCAST_INVALID },
	{ -26, "bad-txns-in-belowout, value in (0.1) < value out (0.2)", BROADCAST_INVALID },
	{ -22, "TX decode failed. Make sure the tx has at least one input.", BROADCAST_BUG },
	{ -25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", BROADCAST_MAXFEE },
	{ -25, "max-fee-exceeded", BROADCAST_MAXFEE },
	{ -28, "Loading block index…", BROADCAST_WARMUP },
	{ -26, "a reason of next year", BROADCAST_OTHER },
	{ -26, "industry standard", BROADCAST_OTHER }, /* "dust" counts where it begins */
	{ -26, "", BROADCAST_OTHER },
	{ -32601, "Method not found", BROADCAST_OTHER },
};

START_TEST(words_have_a_class)
{
	enum broadcast_class got = broadcast_class_of_words(said[_i].code, said[_i].words);

	ck_assert_msg(got == said[_i].class, "%s: %s", said[_i].words, broadcast_class_name(got));
}
END_TEST

static const struct {
	const char *text;
	int64_t code;
	const char *words;
} passed_on[] = {
	{ "sendrawtransaction RPC error: {\"code\":-26,\"message\":\"min relay fee not met, 1 < 2\"}", -26,
	  "min relay fee not met, 1 < 2" },
	{ "sendrawtransaction RPC error: {\"code\":-25,\"message\":\"bad-txns-inputs-missingorspent\",\"x\":1}", -25,
	  "bad-txns-inputs-missingorspent" },
	{ "sendrawtransaction RPC error -26: dust", -26, "dust" },
	{ "Transaction outputs already in utxo set", 0, "Transaction outputs already in utxo set" },
	{ "RPC error: {\"code\":\"x\"", 0, "RPC error: {\"code\":\"x\"" },
	{ "RPC error {no}: x", 0, "RPC error {no}: x" },
	{ "RPC error : x", 0, "RPC error : x" },
	{ "", 0, "" },
};

START_TEST(esplora_passes_words_on)
{
	const char *words;
	int64_t code;

	broadcast_words(&ra, passed_on[_i].text, &code, &words);
	ck_assert_int_eq(code, passed_on[_i].code);
	ck_assert_str_eq(words, passed_on[_i].words);
}
END_TEST

static const struct {
	const char *words;
	int64_t sat; /* -1: none */
} wanted[] = {
	{ "min relay fee not met, -240 < 124", 124 },
	{ "mempool min fee not met, 0 < 2100000000000000", 2100000000000000 },
	{ "not enough additional fees to relay; 0.0000001 < 0.00000153", 153 },
	{ "not enough additional fees to relay; 1e-7 < 1.53e-6", 153 },
	{ "min relay fee not met, 1 < 2100000000000001", -1 },
	{ "min relay fee not met, 1 < ", -1 },
	{ "min relay fee not met, 1 < x", -1 },
	{ "min relay fee not met, 1 < -5", -1 },
	{ "new feerate 0.1 BTC/kvB <= old feerate 0.2 BTC/kvB", -1 },
	{ "x < 0.000000001", -1 },
	{ "x < 1.1111111111111111111111111111111111111111111111111111111111111111111111111111111111", -1 },
	{ "", -1 },
};

START_TEST(a_fee_is_wanted)
{
	struct sat v;
	bool told = broadcast_fee_wanted(wanted[_i].words, &v);

	ck_assert_msg(told == (wanted[_i].sat >= 0), "%s", wanted[_i].words);
	if (told)
		ck_assert_uint_eq(sat_value(v), (uint64_t)wanted[_i].sat);
}
END_TEST

static struct jsonrpc_answer answer_of(const char *text)
{
	static const struct jsonrpc_rules loose = { .loose = true, .reals_as_text = true };
	struct jsonrpc_reply reply;

	jsonrpc_decode(&ra, bytes_of(text), 1, &loose, &reply);
	ck_assert_int_eq(reply.flaw, JSONRPC_FINE);
	return reply.answers[0];
}

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct {
	const char *text;
	enum broadcast_class class;
} answers[] = {
	{ "{\"id\":1,\"result\":\"" A "\",\"error\":null}", BROADCAST_OK },
	{ "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":\"" A "\"}", BROADCAST_OK },
	{ "{\"id\":1,\"result\":\"" B "\",\"error\":null}", BROADCAST_UNKNOWN },
	{ "{\"id\":1,\"result\":null,\"error\":null}", BROADCAST_UNKNOWN },
	{ "{\"id\":1,\"result\":7,\"error\":null}", BROADCAST_UNKNOWN },
	{ "{\"id\":1,\"result\":\"x\",\"error\":{\"code\":-26,\"message\":\"dust\"}}", BROADCAST_UNKNOWN },
	{ "{\"id\":1,\"result\":null,\"error\":{\"code\":-26,\"message\":\"dust\"}}", BROADCAST_POLICY },
	{ "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-27,\"message\":\"x\"}}", BROADCAST_OK },
};

START_TEST(answers_have_a_class)
{
	struct jsonrpc_answer a = answer_of(answers[_i].text);
	struct txid ours;

	ck_assert(txid_parse(A, &ours));
	ck_assert_int_eq(broadcast_class_of_answer(&a, &ours), answers[_i].class);
}
END_TEST

START_TEST(two_nodes_are_joined)
{
	for (int c = BROADCAST_OK; c <= BROADCAST_UNKNOWN; c++) {
		enum broadcast_class now = (enum broadcast_class)c;

		ck_assert_int_eq(broadcast_class_join(BROADCAST_OK, now), BROADCAST_OK);
		ck_assert_int_eq(broadcast_class_join(BROADCAST_UNKNOWN, now),
				 now == BROADCAST_OK ? BROADCAST_OK : BROADCAST_UNKNOWN);
		ck_assert_int_eq(broadcast_class_join(BROADCAST_WARMUP, now), now);
		ck_assert_str_ne(broadcast_class_name(now), "unknown");
	}
	for (int c = PACKAGE_OK; c <= PACKAGE_UNKNOWN; c++) {
		enum package_class now = (enum package_class)c;

		ck_assert_int_eq(package_class_join(PACKAGE_UNKNOWN, now),
				 now == PACKAGE_OK ? PACKAGE_OK : PACKAGE_UNKNOWN);
		ck_assert_int_eq(package_class_join(PACKAGE_OTHER, now), now);
		ck_assert_str_ne(package_class_name(now), "unknown");
	}
}
END_TEST

/* --- packages --- */

#define W1 "1111111111111111111111111111111111111111111111111111111111111111"
#define W2 "2222222222222222222222222222222222222222222222222222222222222222"
#define RESULT(msg, txs)                                                                                               \
	"{\"id\":1,\"error\":null,\"result\":{\"package_msg\":\"" msg "\",\"tx-results\":{" txs                        \
	"},\"replaced-transactions\":[]}}"
#define FINE(w, t)       "\"" w "\":{\"txid\":\"" t "\",\"vsize\":100,\"fees\":{\"base\":1e-5}}"
#define BAD(w, t, why)   "\"" w "\":{\"txid\":\"" t "\",\"error\":\"" why "\"}"
#define FAILED_(txs)     RESULT("transaction failed", txs)
#define ERROR(code, why) "{\"id\":1,\"result\":null,\"error\":{\"code\":" code ",\"message\":\"" why "\"}}"

static const struct {
	const char *text;
	enum package_class class; /* 0: refused */
	size_t culprit;
} packages[] = {
	{ RESULT("success", FINE(W2, B) "," FINE(W1, A)), PACKAGE_OK, 2 },
	{ FAILED_(BAD(W2, B, "x") "," BAD(W1, A, "y")), PACKAGE_OTHER, 0 },
	{ FAILED_(BAD(W1, A, "txn-already-known") "," FINE(W2, B)), PACKAGE_ALREADY_KNOWN, 2 },
	{ FAILED_(BAD(W1, A, "txn-already-in-mempool") "," BAD(W2, B, "txn-already-known")), PACKAGE_ALREADY_KNOWN, 2 },
	{ FAILED_(BAD(W1, A, "txn-already-known") "," BAD(W2, B, "bad-txns-inputs-missingorspent")),
	  PACKAGE_INPUTS_GONE, 1 },
	{ FAILED_(BAD(W1, A, "bad-txns-inputs-missingorspent") "," BAD(W2, B, "min relay fee not met, 1 < 2")),
	  PACKAGE_INPUTS_GONE, 0 },
	{ FAILED_(FINE(W1, A) "," BAD(W2, B, "TRUC-violation, x")), PACKAGE_TRUC, 1 },
	{ FAILED_(FINE(W1, A) "," BAD(W2, B, "max feerate exceeded")), PACKAGE_MAX_FEERATE, 1 },
	{ FAILED_(FINE(W1, A) "," BAD(W2, B, "mandatory-script-verify-flag-failed (x)")), PACKAGE_OTHER, 1 },
	{ FAILED_(FINE(W1, A) "," FINE(W2, B)), PACKAGE_OTHER, 2 },
	{ RESULT("package-not-child-with-unconfirmed-parents", ""), PACKAGE_TOPOLOGY, 2 },
	{ RESULT("package RBF failed: x", BAD(W1, A, "txn-already-known")), PACKAGE_REPLACEMENT_TOO_LOW, 2 },
	{ RESULT("package-too-many-transactions", ""), PACKAGE_OTHER, 2 },
	{ ERROR("-25", "Fee exceeds maximum configured by user"), PACKAGE_MAX_FEERATE, 2 },
	{ ERROR("-32601", "Method not found"), PACKAGE_UNSUPPORTED, 2 },
	{ ERROR("-8", "Array must contain between 1 and 25 transactions."), PACKAGE_OTHER, 2 },
	/* Lies. */
	{ RESULT("success", FINE(W1, A)), 0, 0 },
	{ RESULT("success", ""), 0, 0 },
	{ RESULT("success", FINE(W1, A) "," BAD(W2, B, "x")), 0, 0 },
	{ RESULT("success", FINE(W1, A) "," FINE(W2, A)), 0, 0 },
	{ RESULT("success", FINE(W1, W1) "," FINE(W2, B)), 0, 0 },
	{ "{\"id\":1,\"error\":null,\"result\":{}}", 0, 0 },
	{ "{\"id\":1,\"error\":null,\"result\":[]}", 0, 0 },
	{ "{\"id\":1,\"error\":null,\"result\":null}", 0, 0 },
	{ "{\"id\":1,\"error\":null}", 0, 0 },
	{ FAILED_("\"" W1 "\":{\"txid\":\"" A "\",\"vsize\":100,\"fees\":{\"base\":-1}}"), 0, 0 },
	{ FAILED_("\"" W1 "\":{\"txid\":\"" A "\",\"vsize\":-1,\"fees\":{\"base\":1}}"), 0, 0 },
	{ FAILED_("\"" W1 "\":{\"txid\":\"" A "\",\"other-wtxid\":\"x\"}"), 0, 0 },
	{ FAILED_("\"" W1 "\":7"), 0, 0 },
};

START_TEST(packages_have_a_class)
{
	struct jsonrpc_answer a = answer_of(packages[_i].text);
	struct package_result p;
	struct txid txids[2];
	int rc;

	ck_assert(txid_parse(A, &txids[0]) && txid_parse(B, &txids[1]));
	rc = package_of_answer(&ra, &a, txids, 2, &p, &rerr);
	if (packages[_i].class == 0) {
		ck_fails(rc, ERR_PEER_INVALID);
		return;
	}
	ck_ok(rc);
	ck_assert_msg(p.class == packages[_i].class, "%s: %s", packages[_i].text, package_class_name(p.class));
	ck_assert_uint_eq(p.culprit, packages[_i].culprit);
}
END_TEST

START_TEST(another_witness_is_told)
{
	struct jsonrpc_answer a = answer_of(
		RESULT("success", "\"" W1 "\":{\"txid\":\"" A "\",\"other-wtxid\":\"" W2 "\"}," FINE(W2, B)));
	struct package_result p;
	struct txid txids[2];
	char text[TXID_TEXT];

	ck_assert(txid_parse(A, &txids[0]) && txid_parse(B, &txids[1]));
	ck_ok(package_of_answer(&ra, &a, txids, 2, &p, &rerr));
	ck_assert(p.txs[0].has_other_wtxid && p.txs[0].vsize == 0);
	wtxid_text(&p.txs[0].other_wtxid, text);
	ck_assert_str_eq(text, W2);
	ck_assert_uint_eq(sat_value(p.txs[1].fee), 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/chain/broadcast");
	TCase *t = rails_case(s, "transactions"), *p = rails_case(s, "packages");

	tcase_add_loop_test(t, words_have_a_class, 0, ARRAY_LEN(said));
	tcase_add_loop_test(t, esplora_passes_words_on, 0, ARRAY_LEN(passed_on));
	tcase_add_loop_test(t, a_fee_is_wanted, 0, ARRAY_LEN(wanted));
	tcase_add_loop_test(t, answers_have_a_class, 0, ARRAY_LEN(answers));
	tcase_add_test(t, two_nodes_are_joined);
	tcase_add_loop_test(p, packages_have_a_class, 0, ARRAY_LEN(packages));
	tcase_add_test(p, another_witness_is_told);
	return suite_run(s);
}
