/* The tests' own maker of VTXOs: what it makes is valid, at any depth, and its plans say what is wrong with them. */
#include "tests/tools/vtxo_maker/plan.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/board.h"
#include "rails/ark/exit_tx.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_maker.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define SERVER "00000000000000000000000000000000000000000000000000000000000000a1"
#define USER   "00000000000000000000000000000000000000000000000000000000000000b1"
#define USER2  "00000000000000000000000000000000000000000000000000000000000000b2"
#define G      "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define HASH   "ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5"
#define TERMS  "\"server\":\"" SERVER "\",\"expiry_height\":150000,\"exit_delta\":12"
#define BOARD  "\"board\":{\"user\":\"" USER "\",\"amount_sat\":100000,\"fee_sat\":330}"
#define LEAF   "{\"user\":\"" USER "\",\"amount_sat\":5000}"
#define ROUND  "\"round\":{\"preimage\":\"" HASH "\",\"leaves\":[" LEAF "," LEAF "," LEAF "," LEAF "," LEAF "]}"

static int run(const char *plan, json_t **ret)
{
	json_t *v;

	ck_ok(json_parse(&ra, bytes_of(plan), 16, &v, &rerr));
	return vtxo_plan_run(&ra, v, ret, &rerr);
}

/* A transaction that funds what the plan asks for. */
static struct tx fund(const char *first)
{
	struct tx_out *out = ARENA_NEW(&ra, struct tx_out);
	json_t *v;

	ck_ok(run(arena_printf(&ra, "{" TERMS ",%s}", first), &v));
	*out = (struct tx_out){ { vec_u64(v, "amount_sat") }, vec_hex(v, "script") };
	return (struct tx){ .version = 2, .out = out, .n_out = 1 };
}

static json_t *made(const char *first, const char *hops, const struct tx *funding)
{
	struct txid id = tx_txid(funding);
	char txid[TXID_TEXT];
	json_t *v;

	txid_text(&id, txid);
	ck_ok(run(arena_printf(&ra, "{" TERMS ",%s,\"utxo\":\"%s:0\",\"hops\":[%s]}", first, txid, hops), &v));
	return json_object_get(v, "vtxos");
}

static void check_vtxo(const json_t *v, const struct tx *funding, uint64_t amount, size_t depth)
{
	const json_t *txs = json_object_get(v, "txs");
	struct exit_chain chain;
	struct vtxo vtxo;
	char id[OUTPOINT_TEXT];

	ck_ok(vtxo_parse(&ra, vec_str(v, "hex"), VTXO_FULL, &vtxo, &rerr));
	ck_ok(vtxo_validate(&vtxo, funding, &rerr));
	outpoint_text(&vtxo.point, id);
	ck_assert_str_eq(id, vec_str(v, "id"));
	ck_assert_uint_eq(vtxo.amount.v, amount);
	ck_assert_uint_eq(vec_u64(v, "amount_sat"), amount);
	ck_assert_uint_eq(vtxo.n_items, depth);
	ck_assert_uint_eq(vec_u64(v, "depth"), depth);
	ck_ok(exit_chain_make(&ra, &vtxo, &chain, &rerr));
	ck_assert_uint_eq(json_array_size(txs), depth);
	for (size_t i = 0; i < depth; i++)
		ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &chain.txs[i].tx)),
				 json_string_value(json_array_get(txs, i)));
}

START_TEST(boards)
{
	struct tx funding = fund(BOARD);
	json_t *list = made(BOARD, "", &funding);
	struct vtxo v;

	ck_assert_uint_eq(json_array_size(list), 1);
	check_vtxo(json_array_get(list, 0), &funding, 99670, 1);
	ck_ok(vtxo_parse(&ra, vec_str(json_array_get(list, 0), "hex"), VTXO_FULL, &v, &rerr));
	ck_ok(board_recognise(&v, &funding, &v.terms.server, &rerr));
}
END_TEST

START_TEST(hops)
{
	struct tx funding = fund(BOARD);
	json_t *list = made(
		BOARD,
		"{\"spend\":0,\"outputs\":[{\"user\":\"" USER2 "\",\"amount_sat\":60000},"
		"{\"key\":\"" G "\",\"amount_sat\":39270}],"
		"\"isolated\":[{\"key\":\"" G "\",\"amount_sat\":200},{\"key\":\"" G "\",\"amount_sat\":200}]},"
		"{\"spend\":1,\"checkpoint\":false,\"outputs\":[{\"user\":\"" USER "\",\"amount_sat\":20000,"
		"\"htlc_send\":{\"hash\":\"" HASH "\",\"expiry\":149000}},{\"user\":\"" USER "\",\"amount_sat\":40000,"
		"\"htlc_receive\":{\"hash\":\"" HASH "\",\"expiry\":149000,\"expiry_delta\":40}}]},"
		"{\"spend\":5,\"outputs\":[{\"key\":\"" G "\",\"amount_sat\":20000}]}",
		&funding);
	static const struct {
		uint64_t amount;
		size_t depth;
		bool spent;
	} expected[] = { { 99670, 1, true }, { 60000, 3, true }, { 39270, 3, false }, { 200, 3, false },
			 { 200, 3, false },  { 20000, 4, true }, { 40000, 4, false }, { 20000, 6, false } };

	ck_assert_uint_eq(json_array_size(list), ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const json_t *v = json_array_get(list, i);

		check_vtxo(v, &funding, expected[i].amount, expected[i].depth);
		ck_assert(json_is_true(json_object_get(v, "spent")) == expected[i].spent);
	}
}
END_TEST

START_TEST(rounds)
{
	struct tx funding = fund(ROUND);
	json_t *list = made(ROUND, "{\"spend\":4,\"outputs\":[{\"key\":\"" G "\",\"amount_sat\":5000}]}", &funding);

	ck_assert_uint_eq(json_array_size(list), 6);
	for (size_t i = 0; i < 4; i++)
		check_vtxo(json_array_get(list, i), &funding, 5000, 3);
	check_vtxo(json_array_get(list, 4), &funding, 5000, 2);
	check_vtxo(json_array_get(list, 5), &funding, 5000, 4);
}
END_TEST

/* Any depth: of 40 hops with checkpoints, and 40 without. */
START_TEST(long_chains)
{
	struct ark_maker m = { &ra, { { [31] = 0xa1 } }, 150000, 12 };
	struct ark_board_plan p = { { { [31] = 0xb1 } }, { 100000 }, { 0 } };
	struct outpoint utxo = { .vout = 0 };
	struct tx_out out;
	struct tx funding = { .version = 2, .out = &out, .n_out = 1 };
	struct vtxo board, end;

	ck_ok(ark_make_board_funding(&m, &p, &out, &rerr));
	utxo.txid = tx_txid(&funding);
	ck_ok(ark_make_board(&m, &p, &utxo, &board, &rerr));
	for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
		ck_ok(ark_make_chain(&m, &board, &p.user, 40, checkpoint == 1, &end, &rerr));
		ck_assert_uint_eq(end.n_items, checkpoint == 1 ? 81 : 41);
		ck_ok(vtxo_validate(&end, &funding, &rerr));
	}
	ck_fails(ark_make_chain(&m, &board, &m.server, 1, true, &end, &rerr), ERR_CRYPTO);
}
END_TEST

#define UTXO "\"utxo\":\"" HASH ":0\""

static const struct {
	const char *plan, *word;
} bad[] = {
	{ "{}", "server" },
	{ "{" TERMS "}", "either" },
	{ "{" TERMS "," BOARD "," ROUND "}", "either" },
	{ "{" TERMS "," BOARD ",\"utxo\":\"x\"}", "utxo" },
	{ "{\"server\":\"00\",\"expiry_height\":1,\"exit_delta\":1}", "server" },
	{ "{\"server\":\"" SERVER "\",\"expiry_height\":499934468,\"exit_delta\":1}", "expiry_height" },
	{ "{\"server\":\"" SERVER "\",\"expiry_height\":1,\"exit_delta\":16384}", "exit_delta" },
	{ "{" TERMS ",\"board\":{\"user\":\"" USER "\",\"amount_sat\":10,\"fee_sat\":11}}", "fee" },
	{ "{" TERMS ",\"round\":{\"preimage\":\"" HASH "\",\"leaves\":[{}]}}", "leaf 0" },
	{ "{" TERMS ",\"round\":{\"preimage\":\"" HASH "\",\"leaves\":[]}}", "leaves" },
	{ "{" TERMS "," BOARD "," UTXO ",\"hops\":[{\"spend\":1,\"outputs\":[]}]}", "spend" },
	{ "{" TERMS "," BOARD "," UTXO ",\"hops\":[{\"spend\":0,\"outputs\":[]}]}", "hop 0" },
	{ "{" TERMS "," BOARD "," UTXO ",\"hops\":[{\"spend\":0,\"outputs\":[{\"amount_sat\":1}]}]}", "key" },
	{ "{" TERMS "," BOARD "," UTXO ",\"hops\":[{\"spend\":0,\"outputs\":[{\"amount_sat\":1,\"key\":\"04" HASH
	  "\"}]}]}",
	  "public key" },
	{ "{" TERMS "," BOARD "," UTXO ",\"hops\":[{\"spend\":0,\"outputs\":[{\"amount_sat\":99670,\"key\":\"" G
	  "\",\"htlc_send\":{}}]}]}",
	  "hash" },
};

START_TEST(bad_plans)
{
	json_t *v = NULL;

	ck_assert_int_eq(run(bad[_i].plan, &v), -1);
	ck_assert_ptr_null(v);
	ck_assert_msg(strstr(rerr.msg, bad[_i].word) != NULL, "%s: %s", bad[_i].plan, rerr.msg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/vtxo_maker");
	TCase *c = rails_case(s, "vtxo_maker");

	tcase_add_test(c, boards);
	tcase_add_test(c, hops);
	tcase_add_test(c, rounds);
	tcase_add_test(c, long_chains);
	tcase_add_loop_test(c, bad_plans, 0, ARRAY_LEN(bad));
	return suite_run(s);
}
