/* Children that somebody else makes and signs: spec/exit.md 3.7 and 8.2, over the real follower, stores and chain source, and a
 * model of a node, which runs no script. */
#include "exit/cpfp.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "exit/show.h"
#include "store/movement_store.h"
#include "store/tx_store.h"
#include "store/utxo_store.h"
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

/* --- with coins of this wallet's --- */

/* Spends these, and pays so much to the n-th receiving script of ours and to a stranger, each if it is not 0. */
static struct bytes own_child(const struct exit_tx_row *parent, const struct outpoint *coins, size_t n, uint64_t back,
			      uint64_t away)
{
	static uint8_t seal[64] = { 1 }, script[34] = { 0x51, 0x20, 0x77 };
	struct bytes item = { seal, sizeof(seal) };
	struct tx_in in[4] = { { .prevout = { parent->txid, parent->anchor_vout }, .sequence = 0xfffffffd } };
	struct tx_out out[2];
	struct tx tx = { 3, 0, in, n + 1, out, 0 };

	for (size_t i = 0; i < n; i++)
		in[i + 1] = (struct tx_in){ .prevout = coins[i], .sequence = 0xfffffffd, .witness = { &item, 1 } };
	if (back)
		out[tx.n_out++] = (struct tx_out){ { back }, follower_world_script(SCRIPT_RECEIVE, 3) };
	if (away)
		out[tx.n_out++] = (struct tx_out){ { away }, { script, sizeof(script) } };
	return tx_bytes(&fw.arena, &tx);
}

static void add_point(void *ctx, const struct utxo_row *row)
{
	*(struct outpoint *)ctx = row->at;
}

/* The only coin of ours in this state. */
static struct outpoint coin_in(enum utxo_state state)
{
	const struct utxo_query q = { .state = (int)state, .limit = 2 };
	struct outpoint at;

	ck_assert_int_eq(utxo_store_list(exit_world_now(), &fw.arena, &q, add_point, &at, err), 1);
	return at;
}

/* An exit that a coin of 100000 could pay for, but no node takes what this wallet makes. */
static int64_t refused_exit(const struct vtxo *v)
{
	int64_t id;

	exit_world_fund(0, 100000);
	id = exit_world_start(v);
	follower_world_follow();
	model_node_refuse(fw.node, true);
	exits_kick(xw.exits);
	exit_world_drain();
	return id;
}

struct line {
	const char *kind;
	int64_t amount, fee; /* of all of this kind */
};

static void add_line(void *ctx, const struct movement_row *row)
{
	struct line *l = ctx;

	if (strcmp(row->rail, RAIL_ONCHAIN) == 0 && strcmp(row->kind, l->kind) == 0) {
		l->amount += row->amount;
		l->fee += row->fee;
	}
}

static void history_has(const char *kind, int64_t amount, int64_t fee)
{
	const struct movement_query q = { .limit = 100, .oldest_first = true };
	struct line l = { .kind = kind };

	OK(movement_list(exit_world_now(), &fw.arena, &q, add_line, &l, err));
	ck_assert_msg(l.amount == amount && l.fee == fee, "%s: %" PRId64 ", fee %" PRId64, kind, l.amount, l.fee);
}

static void fees_are(int64_t id, uint64_t sat)
{
	struct exit_row row = exit_world_row_of(id);
	json_t *shown;

	OK(exit_json(exit_world_now(), &fw.arena, &row, 0, 12, &shown, err));
	ck_assert_int_eq(json_integer_value(json_object_get(shown, "fees_sat")), (int64_t)sat);
}

static const struct {
	const char *name;
	uint64_t back, away;
	int64_t fee;
} own_children[] = {
	{ "all comes back", 98000, 0, 2000 },
	{ "nothing does", 0, 97000, 3000 },
	{ "some does", 50000, 47500, 2500 },
};

START_TEST(with_a_coin_of_ours)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id = refused_exit(&v), net = (int64_t)own_children[_i].back - 100000;
	struct exit_tx_row tx = exit_world_tx_of(id, 0);
	struct giving g = { .exit_txid = tx.txid };
	struct outpoint coin = coin_in(UTXO_SPENDABLE);
	struct tx_row row;

	g.raw = own_child(&tx, &coin, 1, own_children[_i].back, own_children[_i].away);
	follower_world_unit(give_unit, &g);
	/* Nobody else gets that coin now. */
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 0);
	ck_assert_uint_eq(exit_world_coins(UTXO_LOCKED), 100000);
	model_node_refuse(fw.node, false);
	exit_world_settle();
	ck_assert(model_node_has(fw.node, &g.got.txid));
	fees_are(id, (uint64_t)own_children[_i].fee);
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	ck_assert_int_eq(tx_store_find(exit_world_now(), &fw.arena, &g.got.txid, &row, err), 1);
	ck_assert(row.own && row.has_fee && sat_value(row.fee) == (uint64_t)own_children[_i].fee);
	history_has("cpfp", net, own_children[_i].fee);
	history_has("send", 0, 0);
	fees_are(id, (uint64_t)own_children[_i].fee);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), own_children[_i].back);
	exit_world_check_books();
}
END_TEST

/* Whoever signs elsewhere may have sent it before he tells. */
START_TEST(with_a_coin_of_ours_sent_before)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	int64_t id = refused_exit(&v);
	struct exit_tx_row parent = exit_world_tx_of(id, 0);
	struct giving g = { .exit_txid = parent.txid };
	struct outpoint coin = coin_in(UTXO_SPENDABLE);
	struct tx tx;

	g.raw = own_child(&parent, &coin, 1, 98000, 0);
	model_node_refuse(fw.node, false);
	OK(tx_decode(&fw.arena, parent.raw, &tx, err));
	model_node_offer(fw.node, &tx);
	OK(tx_decode(&fw.arena, g.raw, &tx, err));
	model_node_offer(fw.node, &tx);
	follower_world_follow();
	history_has("send", -100000, 0);
	follower_world_unit(give_unit, &g);
	exit_world_settle();
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	history_has("send", -100000, 0);
	history_has("cpfp", 98000, 2000);
	fees_are(id, 2000);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 98000);
	exit_world_check_books();
}
END_TEST

/* What each of them pays nobody here can know. */
START_TEST(with_coins_of_ours_and_others)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct outpoint coins[2] = { foreign_coin(5) };
	int64_t id = refused_exit(&v);
	struct exit_tx_row tx = exit_world_tx_of(id, 0);
	struct giving g = { .exit_txid = tx.txid };

	coins[1] = coin_in(UTXO_SPENDABLE);
	g.raw = own_child(&tx, coins, 2, 99000, 55000);
	follower_world_unit(give_unit, &g);
	model_node_refuse(fw.node, false);
	exit_world_settle();
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	history_has("cpfp", -1000, 0);
	fees_are(id, 0);
	exit_world_check_books();
}
END_TEST

static int lock_unit(struct unit *u, void *ctx, struct err *e)
{
	return utxo_store_lock(u, ctx, 1, &(const struct action_id){ "a-payment" }, 1, e);
}

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
	struct outpoint coin = foreign_coin(4), held;
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
	exit_world_fund(1, 500); /* too little for a child of ours */
	held = coin_in(UTXO_SPENDABLE);
	follower_world_unit(lock_unit, &held);
	g.raw = own_child(&tx, &held, 1, 0, 100);
	refused(&g, ERR_ILLEGAL_STATE, "child", "locked for a-payment");
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
	tcase_add_loop_test(tc, with_a_coin_of_ours, 0, (int)ARRAY_LEN(own_children));
	tcase_add_test(tc, with_a_coin_of_ours_sent_before);
	tcase_add_test(tc, with_coins_of_ours_and_others);
	tcase_add_test(tc, what_is_not_taken);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
