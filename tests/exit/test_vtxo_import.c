/* VTXOs from outside, against a model of a node, as bitcoind shows its chain and as an Esplora server does: each reason to
 * refuse one, and that what is taken comes out again as it went in. */
#include "exit/vtxo_import.h"

#include <string.h>

#include "base/text.h"
#include "exit/vtxo_show.h"
#include "store/ark_key_store.h"
#include "store/vtxo_store.h"
#include "store/watch_store.h"
#include "tests/support/suite.h"
#include "tests/support/vtxo_world.h"

static struct err failure, *err = &failure;

static void setup_bitcoind(void)
{
	vtxo_world_setup(CHAIN_BITCOIND);
}

static void setup_esplora(void)
{
	vtxo_world_setup(CHAIN_ESPLORA);
}

static struct vtxo_import *import(const char *text)
{
	return vtxo_world_import(text, 0);
}

static void refused(const char *text, enum err_code code)
{
	struct vtxo_import *im = import(text);

	ck_assert_uint_eq(im->n, 1);
	ck_assert_msg(im->items[0].verdict.err.code == code, "%s: %s", err_kind(im->items[0].verdict.err.code),
		      im->items[0].verdict.err.msg);
	ck_assert_int_eq(im->items[0].row, 0);
	vtxo_import_free(im);
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 0);
}

/* --- what is taken --- */

START_TEST(taken_and_given_back)
{
	struct vtxo v = vtxo_world_mined(3, 100000), back;
	struct vtxo_import *im = import(vtxo_world_hex(&v));
	struct vtxo_row row;
	struct ark_key_edge edge;
	char watcher[VTXO_WATCHER_MAX];
	struct hit_row *hits;
	size_t n;

	ck_assert_int_eq(im->items[0].verdict.err.code, ERR_NONE);
	ck_assert(!im->items[0].known && !im->items[0].verdict.under_way);
	ck_assert_int_eq(vtxo_store_get(store_view(fw.scratch.store), &fw.arena, im->items[0].row, &row, err), 1);
	ck_assert(outpoint_equal(&row.point, &v.point) && outpoint_equal(&row.anchor, &v.anchor));
	ck_assert_uint_eq(sat_value(row.amount), 100000);
	ck_assert_int_eq(row.state, VTXO_SPENDABLE);
	ck_assert_uint_eq(row.key_index, 3);
	ck_assert_uint_eq(row.expiry_height, 500);
	ck_assert_uint_eq(row.exit_delta, 12);
	ck_assert_uint_eq(row.depth, 1);
	ck_assert_uint_eq(weight_vsize(row.exit_weight), 124); /* spec/exit.md 0 */
	ck_assert(row.has_anchor_block);
	ck_assert_uint_eq(row.anchor_block.height, 11);
	ck_assert(row.standard);
	ck_assert_str_eq(row.label, "from bark");
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 100000);
	OK(ark_key_edge(store_view(fw.scratch.store), &edge, err));
	ck_assert_uint_eq(edge.known, 4);
	ck_assert_uint_eq(edge.derived, 54);
	OK(vtxo_load(store_view(fw.scratch.store), &fw.arena, row.id, &back, err));
	ck_assert_str_eq(vtxo_world_hex(&back), vtxo_world_hex(&v));
	vtxo_watcher(row.id, watcher);
	OK(watch_store_hits(store_view(fw.scratch.store), &fw.arena, watcher, &hits, &n, err));
	ck_assert_uint_eq(n, 0);
	vtxo_import_free(im);
	OK(movement_check(store_view(fw.scratch.store), err));
}
END_TEST

START_TEST(again_changes_nothing)
{
	struct vtxo v = vtxo_world_mined(3, 100000);
	struct vtxo_import *first = import(vtxo_world_hex(&v)), *again = import(vtxo_world_hex(&v));
	struct vtxo_import *twice = import(arena_printf(&fw.arena, "%s\n%s\n", vtxo_world_hex(&v), vtxo_world_hex(&v)));

	ck_assert(!first->items[0].known);
	ck_assert(again->items[0].known && again->items[0].row == first->items[0].row);
	ck_assert(twice->items[0].known && twice->items[1].known);
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 100000);
	vtxo_import_free(first);
	vtxo_import_free(again);
	vtxo_import_free(twice);
}
END_TEST

/* Each is judged for itself; a second one of the same text is known when its turn comes. */
START_TEST(of_several_those_that_are_right)
{
	struct vtxo good = vtxo_world_mined(0, 50000), other = vtxo_world_mined(1, 7000),
		    unconfirmed = vtxo_world_board(vtxo_world_key(2), 9000);
	const char *text = arena_printf(&fw.arena, " %s,zz\t%s\r\n%s %s", vtxo_world_hex(&good),
					vtxo_world_hex(&unconfirmed), vtxo_world_hex(&good), vtxo_world_hex(&other));
	struct vtxo_import *im = import(text);

	ck_assert_uint_eq(im->n, 5);
	ck_assert(im->items[0].verdict.err.code == ERR_NONE && !im->items[0].known);
	ck_assert_int_eq(im->items[1].verdict.err.code, ERR_VTXO);
	ck_assert_int_eq(im->items[2].verdict.err.code, ERR_VTXO_UNCONFIRMED);
	ck_assert(im->items[3].verdict.err.code == ERR_NONE && im->items[3].known);
	ck_assert(im->items[4].verdict.err.code == ERR_NONE && !im->items[4].known);
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 57000);
	vtxo_import_free(im);
}
END_TEST

START_TEST(as_they_were_exported)
{
	struct vtxo a = vtxo_world_mined(0, 50000), b = vtxo_world_mined(1, 7000);
	json_t *export = vtxo_export_json(&fw.arena, NETWORK_REGTEST);
	struct vtxo_import *im;
	const char *text;

	vtxo_export_add(&fw.arena, export, &a);
	vtxo_export_add(&fw.arena, export, &b);
	text = json_text(&fw.arena, export);
	FAILS(vtxo_import_read(store_view(fw.scratch.store), NETWORK_SIGNET, text, 0, &im, err), ERR_NETWORK);
	im = import(text);
	ck_assert_uint_eq(im->n, 2);
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 57000);
	vtxo_import_free(im);
	im = import(arena_printf(&fw.arena, "[\"%s\"]", vtxo_world_hex(&a)));
	ck_assert(im->items[0].known);
	vtxo_import_free(im);
}
END_TEST

/* A key far beyond the window: found by a search, and everything up to it is looked for from then on. */
START_TEST(a_search_beyond_the_window)
{
	struct vtxo v = vtxo_world_mined(49, 20000), far = vtxo_world_mined(130, 30000);
	struct vtxo_import *im = import(vtxo_world_hex(&v));
	struct ark_key_edge edge;

	ck_assert_int_eq(im->items[0].verdict.err.code, ERR_NONE);
	vtxo_import_free(im);
	im = import(vtxo_world_hex(&far));
	ck_assert_int_eq(im->items[0].verdict.err.code, ERR_VTXO_KEY);
	vtxo_import_free(im);
	im = vtxo_world_import(vtxo_world_hex(&far), 31); /* known up to 49, derived up to 99 */
	ck_assert_int_eq(im->items[0].verdict.err.code, ERR_NONE);
	vtxo_import_free(im);
	OK(ark_key_edge(store_view(fw.scratch.store), &edge, err));
	ck_assert_uint_eq(edge.derived, 181);
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 50000);
}
END_TEST

/* Somebody has begun its exit: it is taken, and said. */
START_TEST(an_exit_under_way)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct vtxo_import *im;
	struct exit_chain chain;

	OK(exit_chain_make(&fw.arena, &v, &chain, err));
	model_node_offer(fw.node, &chain.txs[0].tx);
	im = import(vtxo_world_hex(&v));
	ck_assert_int_eq(im->items[0].verdict.err.code, ERR_NONE);
	vtxo_import_free(im);
}
END_TEST

START_TEST(an_exit_that_a_block_has)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct vtxo_import *im;
	struct exit_chain chain;
	char watcher[VTXO_WATCHER_MAX];
	struct hit_row *hits;
	size_t n;

	OK(exit_chain_make(&fw.arena, &v, &chain, err));
	model_node_offer(fw.node, &chain.txs[0].tx);
	follower_world_mine();
	follower_world_follow();
	im = import(vtxo_world_hex(&v));
	ck_assert_msg(im->items[0].verdict.err.code == ERR_NONE, "%s", im->items[0].verdict.err.msg);
	ck_assert(im->items[0].verdict.under_way);
	vtxo_watcher(im->items[0].row, watcher);
	follower_world_follow();
	OK(watch_store_hits(store_view(fw.scratch.store), &fw.arena, watcher, &hits, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert(txid_equal(&hits[0].txid, &v.point.txid) && hits[0].n == v.point.vout);
	vtxo_import_free(im);
}
END_TEST

/* --- what is refused --- */

START_TEST(not_of_this_wallet)
{
	struct secret stranger;
	struct vtxo v;

	memset(stranger.b, 0x55, sizeof(stranger.b));
	v = vtxo_world_board(stranger, 50000);
	follower_world_mine();
	refused(vtxo_world_hex(&v), ERR_VTXO_KEY);
}
END_TEST

START_TEST(an_anchor_that_nobody_knows)
{
	struct vtxo v = vtxo_world_board(vtxo_world_key(0), 50000);

	model_node_evict(fw.node, &v.anchor.txid);
	refused(vtxo_world_hex(&v), ERR_VTXO_NO_ANCHOR);
}
END_TEST

START_TEST(an_anchor_that_no_block_has)
{
	struct vtxo v = vtxo_world_board(vtxo_world_key(0), 50000);

	refused(vtxo_world_hex(&v), ERR_VTXO_UNCONFIRMED);
}
END_TEST

/* The server sweeps what it stands on.  The other output keeps the funding known to a node without an index. */
START_TEST(an_anchor_that_is_spent)
{
	struct ark_board_plan plan = { .user = vtxo_world_key(0),
				       .amount = vtxo_world_sat(50000),
				       .fee = vtxo_world_sat(0) };
	struct outpoint at = { .vout = 0 };
	struct tx_out out;
	struct tx tx;
	struct vtxo v;

	OK(ark_make_board_funding(&vw.maker, &plan, &out, err));
	tx = follower_world_tx(NULL, 0, (struct pays[]){ { out.script, 50000 }, { out.script, 777 } }, 2);
	at.txid = model_node_offer(fw.node, &tx);
	OK(ark_make_board(&vw.maker, &plan, &at, &v, err));
	follower_world_mine();
	tx = follower_world_tx(&at, 1, &(struct pays){ out.script, 49000 }, 1);
	model_node_offer(fw.node, &tx);
	follower_world_mine();
	refused(vtxo_world_hex(&v), ERR_VTXO_SPENT);
}
END_TEST

START_TEST(expired)
{
	struct vtxo v;

	vw.maker.expiry_height = 20;
	v = vtxo_world_mined(0, 50000); /* height 11 */
	model_node_mine_empty(fw.node, 8);
	vtxo_import_free(import(vtxo_world_hex(&v))); /* 19 */
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 50000);
	v = vtxo_world_mined(1, 50000); /* 20 */
	{
		struct vtxo_import *im = import(vtxo_world_hex(&v));

		ck_assert_int_eq(im->items[0].verdict.err.code, ERR_VTXO_EXPIRED);
		ck_assert(strstr(im->items[0].verdict.err.msg, "20"));
		vtxo_import_free(im);
	}
}
END_TEST

/* What a VTXO's own bytes may have against it, after the right key and a right anchor. */
static void break_signature(struct vtxo *v)
{
	struct genesis_item *items = ARENA_ARRAY(&fw.arena, v->n_items, struct genesis_item);

	memcpy(items, v->items, v->n_items * sizeof(*items));
	items[v->n_items - 1].signature[40] ^= 1;
	v->items = items;
}

static void lose_signature(struct vtxo *v)
{
	struct genesis_item *items = ARENA_ARRAY(&fw.arena, v->n_items, struct genesis_item);

	memcpy(items, v->items, v->n_items * sizeof(*items));
	items[v->n_items - 1].has_signature = false;
	v->items = items;
}

static void more_money(struct vtxo *v)
{
	v->amount = vtxo_world_sat(50001);
}

static void another_point(struct vtxo *v)
{
	v->point.vout++;
}

static void another_delay(struct vtxo *v)
{
	v->terms.exit_delta++;
}

static const struct {
	const char *name;
	void (*spoil)(struct vtxo *v);
	enum err_code code;
} spoilt[] = {
	{ "a broken signature", break_signature, ERR_VTXO_TRANSITION },
	{ "no signature", lose_signature, ERR_VTXO_TRANSITION },
	{ "more than its anchor holds", more_money, ERR_VTXO_ANCHOR },
	{ "another output than its own", another_point, ERR_VTXO_INVALID },
	{ "another delay than was signed", another_delay, ERR_VTXO_TRANSITION },
};

START_TEST(spoilt_table)
{
	struct vtxo v = vtxo_world_mined(0, 50000);

	spoilt[_i].spoil(&v);
	refused(vtxo_world_hex(&v), spoilt[_i].code);
}
END_TEST

START_TEST(an_exit_without_end)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct genesis_item *items = ARENA_ARRAY(&fw.arena, 4097, struct genesis_item);

	for (size_t i = 0; i < 4097; i++) {
		items[i] = v.items[0];
		items[i].kind = GENESIS_ARKOOR;
		items[i].n_keys = 0;
	}
	v.items = items;
	v.n_items = 4097;
	refused(vtxo_world_hex(&v), ERR_VTXO_INVALID);
}
END_TEST

static const struct {
	const char *name, *text;
	enum err_code code;
} no_texts[] = {
	{ "nothing", "", ERR_PARSE },
	{ "white space", " \n\t ,", ERR_PARSE },
	{ "broken JSON", "{\"format\":", ERR_PARSE },
	{ "an empty array", "[]", ERR_PARSE },
	{ "numbers", "[1,2]", ERR_PARSE },
	{ "another export", "{\"format\":\"keys\",\"network\":\"regtest\",\"vtxos\":[]}", ERR_PARSE },
	{ "no network", "{\"format\":\"walletd-vtxos\",\"vtxos\":[]}", ERR_PARSE },
	{ "another network", "{\"format\":\"walletd-vtxos\",\"network\":\"mainnet\",\"vtxos\":[\"00\"]}", ERR_NETWORK },
};

START_TEST(no_text_table)
{
	struct vtxo_import *im;

	FAILS(vtxo_import_read(store_view(fw.scratch.store), NETWORK_REGTEST, no_texts[_i].text, 0, &im, err),
	      no_texts[_i].code);
}
END_TEST

START_TEST(too_many_at_once)
{
	SCOPED(buf) struct buf text = BUF_CAP(4096);
	struct vtxo_import *im;

	for (unsigned i = 0; i < VTXO_IMPORT_MAX; i++)
		buf_text_add(&text, "00 ");
	OK(vtxo_import_read(store_view(fw.scratch.store), NETWORK_REGTEST, buf_text(&text), 0, &im, err));
	ck_assert_uint_eq(im->n, VTXO_IMPORT_MAX);
	vtxo_import_free(im);
	buf_text_add(&text, "00");
	FAILS(vtxo_import_read(store_view(fw.scratch.store), NETWORK_REGTEST, buf_text(&text), 0, &im, err), ERR_RANGE);
}
END_TEST

/* A node that does not answer: nothing is known of the VTXO, and nothing is kept. */
START_TEST(without_a_node)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct vtxo_import *im;

	model_node_down(fw.node, true);
	im = import(vtxo_world_hex(&v));
	ck_assert_int_eq(err_class_of(im->items[0].verdict.err.code), ERR_TRANSIENT);
	vtxo_import_free(im);
	ck_assert_int_eq(follower_world_total(ACCOUNT_SPENDABLE), 0);
}
END_TEST

static void not_wanted(void *ctx)
{
	*(bool *)ctx = true;
}

START_TEST(given_up_in_its_middle)
{
	bool done = false;
	struct vtxo v = vtxo_world_mined(0, 50000);
	struct vtxo_import *im;

	OK(vtxo_import_read(store_view(fw.scratch.store), NETWORK_REGTEST, vtxo_world_hex(&v), 0, &im, err));
	ck_assert(vtxo_import_look(im, fw.source, not_wanted, &done));
	vtxo_import_free(im);
	follower_world_run_for(20);
	ck_assert(!done);
	ck_assert_uint_eq(chain_in_flight(fw.source), 0);
}
END_TEST

/* --- drawn --- */

START_TEST(the_way_drawn)
{
	struct vtxo v = vtxo_world_mined(0, 50000);
	json_t *obj = json_object_in(&fw.arena), *first;
	struct vtxo chain;
	struct secret user = vtxo_world_key(0);
	const char *text;

	OK(ark_make_chain(&vw.maker, &v, &user, 1, true, &chain, err));
	OK(vtxo_set_chain(&fw.arena, NETWORK_REGTEST, &chain, obj, err));
	ck_assert_uint_eq(json_array_size(json_object_get(obj, "exit_transactions")), 3);
	first = json_array_get(json_object_get(obj, "exit_transactions"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(first, "kind")), "cosigned");
	ck_assert_int_eq(json_integer_value(json_object_get(first, "vsize")), 124);
	text = json_string_value(json_object_get(obj, "exit_chain"));
	ck_assert(strstr(text, "on chain: ") == text);
	ck_assert(strstr(text, "\n1. ") && strstr(text, "\n3. ") && !strstr(text, "\n4. "));
	ck_assert(strstr(text, "50000 sat: the VTXO\n"));
	ck_assert(strstr(text, "claim: 12 blocks after 3. is in a block"));
	ck_assert(!strstr(text, "NOT SIGNED"));
}
END_TEST

static TCase *of_kind(const char *name, void (*fixture)(void))
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, fixture, follower_world_teardown);
	tcase_add_test(c, taken_and_given_back);
	tcase_add_test(c, again_changes_nothing);
	tcase_add_test(c, of_several_those_that_are_right);
	tcase_add_test(c, as_they_were_exported);
	tcase_add_test(c, a_search_beyond_the_window);
	tcase_add_test(c, an_exit_under_way);
	tcase_add_test(c, an_exit_that_a_block_has);
	tcase_add_test(c, not_of_this_wallet);
	tcase_add_test(c, an_anchor_that_nobody_knows);
	tcase_add_test(c, an_anchor_that_no_block_has);
	tcase_add_test(c, an_anchor_that_is_spent);
	tcase_add_test(c, expired);
	tcase_add_loop_test(c, spoilt_table, 0, ARRAY_LEN(spoilt));
	tcase_add_test(c, an_exit_without_end);
	tcase_add_loop_test(c, no_text_table, 0, ARRAY_LEN(no_texts));
	tcase_add_test(c, too_many_at_once);
	tcase_add_test(c, without_a_node);
	tcase_add_test(c, given_up_in_its_middle);
	tcase_add_test(c, the_way_drawn);
	return c;
}

int main(void)
{
	Suite *s = suite_create("exit/vtxo_import");

	suite_add_tcase(s, of_kind("bitcoind", setup_bitcoind));
	suite_add_tcase(s, of_kind("esplora", setup_esplora));
	return suite_run(s);
}
