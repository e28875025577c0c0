/* Vectors: tests/vectors/ark/vtxo_v2.json and vtxo_v1_legacy.json, exit_transactions. */
#include "rails/ark/exit_tx.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define PER_FILE 6

static json_t *vector(int i)
{
	const char *file = i < PER_FILE ? "ark/vtxo_v2.json" : "ark/vtxo_v1_legacy.json";

	return json_array_get(json_object_get(vectors_load(file), "vtxos"), (size_t)(i % PER_FILE));
}

static struct vtxo vtxo_of(const json_t *v)
{
	struct vtxo x;

	ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_FULL, &x, &rerr));
	return x;
}

static void check_exit(const struct exit_tx *e, const struct genesis_item *g, const json_t *v)
{
	char txid[TXID_TEXT];
	struct hash32 sighash;

	txid_text(&e->txid, txid);
	ck_assert_str_eq(txid, vec_str(v, "txid"));
	ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &e->tx)), vec_str(v, "raw_signed"));
	ck_assert_uint_eq(e->next.vout, vec_u64(v, "output_idx"));
	ck_assert(txid_equal(&e->next.txid, &e->txid));
	ck_assert_uint_eq(sat_value(e->spent.value), vec_u64(v, "prevout_value"));
	ck_assert_str_eq(hex_text(&ra, e->spent.script), vec_str(v, "prevout_script"));
	ck_assert_int_eq(e->from.by_leaf, strcmp(vec_str(v, "spend"), "key") != 0);
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ e->from.key.b, 32 }), vec_str(v, "verify_key"));
	ck_ok(exit_tx_sighash(e, &sighash, &rerr));
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ sighash.b, 32 }), vec_str(v, "sighash"));
	ck_assert(secp_xonly_verify(&e->from.key, &sighash, g->signature));
	/* What relays: version 3, and the fee anchor at the end. */
	ck_assert_uint_eq(e->tx.version, TRUC_VERSION);
	ck_assert_uint_eq(policy_find_anchor(&e->tx), e->tx.n_out - 1);
	ck_ok(tx_check(&e->tx, &rerr));
}

START_TEST(exits_are_those_of_the_vectors)
{
	const json_t *v = vector(_i), *list = json_object_get(v, "exit_transactions");
	struct vtxo x = vtxo_of(v);
	struct exit_chain c;

	ck_ok(exit_chain_make(&ra, &x, &c, &rerr));
	ck_assert_uint_eq(c.n, json_array_size(list));
	ck_assert_uint_gt(c.n, 0);
	for (size_t i = 0; i < c.n; i++)
		check_exit(&c.txs[i], &x.items[i], json_array_get(list, i));
	ck_assert(outpoint_equal(&c.txs[c.n - 1].next, &x.point));
	ck_assert(outpoint_equal(&c.txs[0].tx.in[0].prevout, &x.anchor));
	ck_assert_uint_eq(sat_value(c.anchor.value), vec_u64(v, "chain_anchor_amount"));
	ck_assert_str_eq(hex_text(&ra, c.own.script), vec_str(v, "output_script"));
	ck_assert_uint_eq(sat_value(c.own.value), vec_u64(v, "amount"));
}
END_TEST

/* Each pays out what it takes in: nothing goes to a miner, and nothing comes from nowhere. */
START_TEST(nothing_is_lost_on_the_way)
{
	struct vtxo x = vtxo_of(vector(_i));
	struct exit_chain c;

	ck_ok(exit_chain_make(&ra, &x, &c, &rerr));
	for (size_t i = 0; i < c.n; i++) {
		struct sat out;

		ck_assert(tx_value_out(&c.txs[i].tx, &out));
		ck_assert_int_eq(sat_cmp(out, c.txs[i].spent.value), 0);
	}
}
END_TEST

START_TEST(ids_do_not_depend_on_signatures)
{
	struct vtxo x = vtxo_of(vector(_i));
	struct genesis_item *items = ARENA_ARRAY(&ra, x.n_items, struct genesis_item);
	struct exit_chain whole, bare;

	ck_ok(exit_chain_make(&ra, &x, &whole, &rerr));
	memcpy(items, x.items, x.n_items * sizeof(*items));
	for (size_t i = 0; i < x.n_items; i++)
		items[i].has_signature = false;
	x.items = items;
	ck_ok(exit_chain_make(&ra, &x, &bare, &rerr));
	for (size_t i = 0; i < x.n_items; i++) {
		ck_assert(!tx_has_witness(&bare.txs[i].tx));
		ck_assert(txid_equal(&bare.txs[i].txid, &whole.txs[i].txid));
	}
}
END_TEST

/* A preimage that is missing makes no half a witness. */
START_TEST(a_leaf_without_its_preimage_has_no_witness)
{
	struct vtxo x = vtxo_of(vector(3));
	struct genesis_item items[3];
	struct exit_chain c;

	ck_assert_uint_eq(x.n_items, ARRAY_LEN(items));
	memcpy(items, x.items, sizeof(items));
	items[2].has_preimage = false;
	x.items = items;
	ck_ok(exit_chain_make(&ra, &x, &c, &rerr));
	ck_assert(tx_has_witness(&c.txs[1].tx));
	ck_assert(!tx_has_witness(&c.txs[2].tx));
	ck_assert(outpoint_equal(&c.txs[2].next, &x.point));
}
END_TEST

/* The spec's constant: 124 vB for one that has one output and is spent by key. */
START_TEST(one_output_weighs_what_the_spec_says)
{
	struct vtxo x = vtxo_of(vector(0));
	struct exit_chain c;

	ck_ok(exit_chain_make(&ra, &x, &c, &rerr));
	ck_assert_uint_eq(tx_vsize(&c.txs[0].tx), 124);
	ck_assert_uint_eq(tx_weight(&c.txs[0].tx).v, 496);
}
END_TEST

START_TEST(a_vtxo_on_chain_has_no_exit)
{
	struct vtxo x = vtxo_of(vector(0));
	struct exit_chain c;

	x.n_items = 0;
	ck_ok(exit_chain_make(&ra, &x, &c, &rerr));
	ck_assert_uint_eq(c.n, 0);
	ck_assert_uint_eq(sat_value(c.anchor.value), sat_value(x.amount));
	ck_assert(bytes_equal(c.anchor.script, c.own.script));
}
END_TEST

START_TEST(room_is_asked_for)
{
	struct vtxo x = vtxo_of(vector(_i));
	SCOPED(arena) struct arena enough = ARENA_LIMIT(exit_chain_room(&x)), less = ARENA_LIMIT(1024);
	struct exit_chain c;

	ck_ok(exit_chain_make(&enough, &x, &c, &rerr));
	ck_fails(exit_chain_make(&less, &x, &c, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(keys_that_are_none)
{
	struct vtxo x = vtxo_of(vector(0));
	struct genesis_item item = x.items[0];
	struct pubkey keys[2] = { item.keys[0], item.keys[1] };
	struct exit_chain c;

	keys[1].b[0] = 9;
	item.keys = keys;
	x.items = &item;
	ck_fails(exit_chain_make(&ra, &x, &c, &rerr), ERR_CRYPTO);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "genesis item 0"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/exit_tx");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "exits");

	tcase_add_loop_test(v, exits_are_those_of_the_vectors, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, nothing_is_lost_on_the_way, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, ids_do_not_depend_on_signatures, 0, 2 * PER_FILE);
	tcase_add_loop_test(t, room_is_asked_for, 0, 2 * PER_FILE);
	tcase_add_test(t, a_leaf_without_its_preimage_has_no_witness);
	tcase_add_test(t, one_output_weighs_what_the_spec_says);
	tcase_add_test(t, a_vtxo_on_chain_has_no_exit);
	tcase_add_test(t, keys_that_are_none);
	return suite_run(s);
}
