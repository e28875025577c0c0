/* Children that somebody else makes and signs: spec/exit.md 3.7 and 8.2, over the real follower, stores and chain source, and a
 * model of a node, which runs no script. */
#include "exit/cpfp.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/exit_world.h"
#include "tests/support/suite.h"

static struct err failure, *err = &failure;

static json_t *requests(void)
{
	json_t *list;

	OK(exit_cpfp_requests(xw.exits, &fw.arena, &list, err));
	return list;
}

/* A coin of a stranger's, in a block. */
static struct outpoint foreign_coin(uint8_t salt)
{
	uint8_t *script = arena_alloc(&fw.arena, 34);
	struct tx tx;
	struct outpoint at = { .vout = 0 };

	memset(script, salt, 34);
	tx = follower_world_tx(NULL, 0, &(struct pays){ { script, 34 }, 60000 }, 1);
	at.txid = model_node_offer(fw.node, &tx);
	exit_world_mine(1);
	return at;
}

/* What is wrong with it, if anything. */
enum flaw { RIGHT, NO_ANCHOR, VERSION_2, UNSIGNED, TOO_LARGE, ANCHOR_SIGNED, NO_OUTPUT };

static struct bytes child_of(const struct exit_tx_row *parent, const struct outpoint *coin, enum flaw flaw)
{
	static uint8_t seal[64] = { 1 };
	struct bytes item = { seal, sizeof(seal) };
	struct tx_in in[2] = {
		{ .prevout = { parent->txid, parent->anchor_vout }, .sequence = 0xfffffffd },
		{ .prevout = *coin, .sequence = 0xfffffffd, .witness = { &item, 1 } },
	};
	uint8_t *script = arena_alloc(&fw.arena, 9000);
	struct tx_out out = { { 55000 }, { script, flaw == TOO_LARGE ? 4000 : 34 } };
	struct tx tx = { flaw == VERSION_2 ? 2 : 3, 0, in, 2, &out, flaw == NO_OUTPUT ? 0 : 1 };

	memset(script, 0x51, 9000);
	if (flaw == NO_ANCHOR)
		in[0].prevout.vout++;
	if (flaw == UNSIGNED)
		in[1].witness.n = 0;
	if (flaw == ANCHOR_SIGNED)
		in[0].witness = (struct witness){ &item, 1 };
	return tx_bytes(&fw.arena, &tx);
}

struct giving {
	struct txid exit_txid;
	struct bytes raw;
	struct exit_child_row got;
};
static int give_unit(struct unit *u, void *ctx, struct err *e)
{
	struct giving *g = ctx;

	return exit_cpfp_provide(u, &fw.arena, &g->exit_txid, g->raw, 1000, &g->got, e);
}

/* A wallet without a coin of its own gets its VTXO out all the same. */
START_TEST(without_a_coin_of_ours)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct outpoint coin = foreign_coin(1);
	int64_t id = exit_world_start(&v);
	struct giving g = { 0 };
	struct exit_tx_row tx;
	json_t *list, *first;
	char text[TXID_TEXT];

	exit_world_settle();
	ck_assert_ptr_nonnull(strstr(exit_world_row_of(id).error, "insufficient-confirmed-funds"));
	tx = exit_world_tx_of(id, 0);
	list = requests();
	ck_assert_uint_eq(json_array_size(list), 1);
	first = json_array_get(list, 0);
	txid_text(&tx.txid, text);
	ck_assert_str_eq(json_string_value(json_object_get(first, "exit_txid")), text);
	ck_assert_int_eq(json_integer_value(json_object_get(first, "fee_sat")), 1382);
	ck_assert(json_is_null(json_object_get(first, "child")));
	ck_assert_uint_eq(json_array_size(json_object_get(first, "vtxo_ids")), 1);
	g.exit_txid = tx.txid;
	g.raw = child_of(&tx, &coin, RIGHT);
	follower_world_unit(give_unit, &g);
	exits_kick(xw.exits);
	exit_world_drain();
	ck_assert(model_node_has(fw.node, &g.got.txid));
	follower_world_unit(give_unit, &g); /* the same again */
	exit_world_settle();
	ck_assert_int_eq(exit_world_child_of(id, 0).status, CHILD_SENT);
	ck_assert(json_is_true(json_object_get(json_object_get(json_array_get(requests(), 0), "child"), "seen")));
	exit_world_mine(1);
	exit_world_expect(id, "S Pv Pc Pa D");
	ck_assert_uint_eq(json_array_size(requests()), 0);
	exit_world_check_books();
}
END_TEST

/* Ours may be out already: whichever is mined counts, and the other one's coin is free. */
START_TEST(in_the_place_of_ours)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct outpoint coin = foreign_coin(2);
	struct giving g = { 0 };
	struct exit_tx_row tx;
	struct txid ours;
	json_t *child;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	ours = exit_world_child_of(id, 0).txid;
	child = json_object_get(json_array_get(requests(), 0), "child");
	ck_assert_int_eq(json_integer_value(json_object_get(child, "fee_sat")), 1382);
	ck_assert_int_gt(json_integer_value(json_object_get(child, "least_fee_sat")), 1382);
	tx = exit_world_tx_of(id, 0);
	g.exit_txid = tx.txid;
	g.raw = child_of(&tx, &coin, RIGHT);
	follower_world_unit(give_unit, &g);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 0);
	exits_kick(xw.exits);
	exit_world_drain();
	exit_world_settle();
	ck_assert(!model_node_has(fw.node, &ours) || model_node_has(fw.node, &g.got.txid));
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	exit_world_check_books();
}
END_TEST

/* One that no node has, because it was refused, or never sent, gives its coin back at once. */
START_TEST(ours_makes_way)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct outpoint coin = foreign_coin(3);
	struct giving g = { 0 };
	struct exit_tx_row tx;
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	follower_world_follow();
	model_node_refuse(fw.node, true);
	exits_kick(xw.exits);
	exit_world_drain();
	tx = exit_world_tx_of(id, 0);
	g.exit_txid = tx.txid;
	g.raw = child_of(&tx, &coin, RIGHT);
	follower_world_unit(give_unit, &g);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000);
	model_node_refuse(fw.node, false);
	exit_world_settle();
	ck_assert(model_node_has(fw.node, &g.got.txid));
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000);
	exit_world_check_books();
}
END_TEST

static const struct {
	enum flaw flaw;
	const char *words;
} refusals[] = {
	{ NO_ANCHOR, "anchor" },   { VERSION_2, "version 3" },      { UNSIGNED, "not signed" },
	{ TOO_LARGE, "1,000 vB" }, { ANCHOR_SIGNED, "takes none" }, { NO_OUTPUT, "" },
};

static void refused(struct giving *g, enum err_code code, const char *field, const char *words)
{
	ck_assert_int_eq(store_unit_now(fw.scratch.store, give_unit, g, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(code));
	ck_assert_str_eq(err->field, field);
	ck_assert_msg(strstr(err->msg, words), "%s", err->msg);
}

START_TEST(what_is_not_taken)
{
	static const uint8_t garbage[] = { 3, 0, 0 };
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct outpoint coin = foreign_coin(4);
	int64_t id = exit_world_start(&v);
	struct giving g = { 0 };
	struct exit_tx_row tx;

	exit_world_settle();
	tx = exit_world_tx_of(id, 0);
	g.raw = child_of(&tx, &coin, RIGHT);
	refused(&g, ERR_NOT_FOUND, "exit_txid", "no transaction of an exit");
	g.exit_txid = tx.txid;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		g.raw = child_of(&tx, &coin, refusals[i].flaw);
		refused(&g, refusals[i].flaw == NO_OUTPUT ? ERR_PARSE : ERR_PARAM, "child", refusals[i].words);
	}
	g.raw = (struct bytes){ garbage, sizeof(garbage) };
	refused(&g, ERR_PARSE, "child", "");
	g.raw = child_of(&tx, &coin, RIGHT);
	follower_world_unit(give_unit, &g);
	exit_world_settle();
	exit_world_mine(1);
	g.raw = child_of(&tx, &v.point, RIGHT);
	refused(&g, ERR_ILLEGAL_STATE, "exit_txid", "a block has");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/cpfp");
	TCase *tc = tcase_create("children");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, exit_world_setup, exit_world_teardown);
	tcase_add_test(tc, without_a_coin_of_ours);
	tcase_add_test(tc, in_the_place_of_ours);
	tcase_add_test(tc, ours_makes_way);
	tcase_add_test(tc, what_is_not_taken);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
