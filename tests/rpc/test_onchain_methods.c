/* The methods of the on-chain wallet, each with the ways in which it can be asked wrongly. */
#include <string.h>

#include "actions/wallet.h"
#include "base/clock.h"
#include "base/text.h"
#include "rpc/dispatch.h"
#include "store/chain_store.h"
#include "tests/support/onchain_world.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

static struct rpc_world w;
static uint8_t serial;

static void open_world(void)
{
	rpc_world_open(&w, false);
}

static void close_world(void)
{
	rpc_world_close(&w);
}

static const char *kind_of(const json_t *error)
{
	return json_str(json_object_get(error, "data"), "kind");
}

static const char *field_of(const json_t *error)
{
	return json_str(json_object_get(error, "data"), "field");
}

static json_t *call(const char *method, const char *params)
{
	return rpc_world_result(&w, method, params);
}

static void fails(const char *method, const char *params, const char *kind, const char *field)
{
	json_t *error = rpc_world_error(&w, method, params);

	if (strcmp(kind_of(error), kind) != 0 || strcmp(field_of(error), field) != 0)
		ck_abort_msg("%s %s: %s (%s): %s", method, params, kind_of(error), field_of(error),
			     json_str(error, "message"));
}

/* --- money --- */

struct paying {
	uint64_t sat;
	const struct tx *tx; /* instead: this one */
	struct txid txid;
};

static int pay_unit(struct unit *u, void *ctx, struct err *err)
{
	struct paying *p = ctx;
	struct block_row tip, block = { .ref.height = 101, .time_s = 1700000000 };
	struct outpoint in = { .txid = { { 9, ++serial } } };
	struct told_out out;
	struct told_tx told = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .raw = bytes_of("raw") };
	struct script_row script;
	int found = chain_store_tip(unit_view(u), &tip, err);

	ck_assert_int_ge(found, 0);
	if (found) {
		block.ref.height = tip.ref.height + 1;
		block.prev = tip.ref.hash;
	}
	block.ref.hash.b[0] = ++serial;
	ck_assert_int_eq(script_store_give(u, &w.arena, SCRIPT_RECEIVE, "pay", clock_now_ms(), &script, err), 0);
	out.script = script.script;
	ck_assert(sat_from_u64(p->sat, &out.value));
	told.txid.b[0] = serial;
	p->txid = told.txid;
	ck_assert_int_eq(chain_store_connect(u, &block, clock_now_ms(), err), 0);
	return tx_store_confirm(u, &told, &block.ref, 1, clock_now_ms(), err) == 1 ? 0 : -1;
}

static void fund(uint64_t sat)
{
	struct paying p = { .sat = sat };
	struct err err;

	ck_assert_msg(store_unit_now(w.store, pay_unit, &p, &err) == 0, "%s", err.msg);
}

#define PAY "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000,\"feerate\":\"5\"}"

static json_t *pay(void)
{
	return call("action.start", "{\"kind\":\"onchain_send\",\"params\":" PAY ",\"wait\":\"park\"}");
}

static const char *id_param(const json_t *action, const char *more)
{
	return arena_printf(&w.arena, "{\"id\":\"%s\"%s}", json_str(action, "id"), more);
}

/* --- addresses --- */

START_TEST(addresses)
{
	json_t *a = call("address.new", "{\"rail\":\"onchain\",\"label\":\"order 17\"}"),
	       *b = call("address.new", "{\"rail\":\"onchain\"}"), *list, *again;

	ck_assert(text_starts(json_str(a, "address"), "bcrt1p"));
	ck_assert_str_eq(json_str(a, "label"), "order 17");
	ck_assert_str_ne(json_str(a, "address"), json_str(b, "address"));
	list = json_object_get(call("address.list", "{}"), "addresses");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(json_str(json_array_get(list, 0), "address"), json_str(a, "address"));
	again = call("address.list", "{\"limit\":1}");
	ck_assert_uint_eq(json_array_size(json_object_get(again, "addresses")), 1);
	again = call("address.list", arena_printf(&w.arena, "{\"limit\":1,\"after\":\"%s\"}", json_str(again, "next")));
	ck_assert_str_eq(json_str(json_array_get(json_object_get(again, "addresses"), 0), "address"),
			 json_str(b, "address"));
	/* One key, one address. */
	a = call("address.new", "{\"rail\":\"onchain\",\"idempotency_key\":\"k\"}");
	b = call("address.new", "{\"rail\":\"onchain\",\"idempotency_key\":\"k\"}");
	ck_assert_str_eq(json_str(a, "address"), json_str(b, "address"));
}
END_TEST

START_TEST(address_refusals)
{
	struct rpc_caller reader = rpc_world_caller(RPC_READ);

	fails("address.new", "{}", "invalid_params", "rail");
	fails("address.new", "{\"rail\":\"lightning\"}", "invalid_params", "rail");
	fails("address.list", "{\"after\":\"x\"}", "invalid_params", "after");
	ck_assert_str_eq(kind_of(rpc_world_error_for(&w, &reader, "address.new", "{\"rail\":\"onchain\"}")),
			 "forbidden");
}
END_TEST

/* --- coins --- */

START_TEST(coins)
{
	json_t *list, *coin;

	fund(100000);
	fund(50000);
	list = json_object_get(call("utxo.list", "{}"), "utxos");
	ck_assert_uint_eq(json_array_size(list), 2);
	coin = json_array_get(list, 0);
	ck_assert_int_eq(json_int(coin, "amount_sat"), 100000);
	ck_assert_str_eq(json_str(coin, "state"), "spendable");
	ck_assert_str_eq(json_str(coin, "label"), "pay");
	ck_assert_int_eq(json_int(coin, "height"), 101);
	ck_assert_int_eq(json_int(coin, "confirmations"), 2);
	pay();
	ck_assert_uint_eq(json_array_size(json_object_get(call("utxo.list", "{\"state\":\"spent\"}"), "utxos")), 1);
	ck_assert_str_ne(
		json_str(json_array_get(json_object_get(call("utxo.list", "{\"state\":\"spent\"}"), "utxos"), 0),
			 "spent_by"),
		"");
	fails("utxo.list", "{\"state\":\"lost\"}", "invalid_params", "state");
	ck_assert_int_eq(
		json_int(json_object_get(json_object_get(json_object_get(call("balance", "{}"), "balances"), "onchain"),
					 "sat"),
			 "locked"),
		0);
}
END_TEST

/* --- payments --- */

START_TEST(a_payment_and_its_transaction)
{
	json_t *action, *tx;
	const char *txid;

	fund(100000);
	action = pay();
	ck_assert_str_eq(json_str(action, "state"), "in_mempool");
	txid = json_str(json_object_get(action, "result"), "txid");
	tx = call("tx.get", arena_printf(&w.arena, "{\"txid\":\"%s\"}", txid));
	ck_assert_str_eq(json_str(tx, "place"), "pending");
	ck_assert_str_eq(json_str(tx, "kind"), "send");
	ck_assert_str_eq(json_str(tx, "feerate"), "5");
	ck_assert_str_eq(json_str(tx, "action_id"), json_str(action, "id"));
	ck_assert_uint_eq(json_array_size(json_object_get(tx, "inputs")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(tx, "outputs")), 2);
	ck_assert_str_eq(json_str(tx, "hex"), fake_bitcoind_taken(w.bitcoind));
	fails("tx.get", "{\"txid\":\"12\"}", "invalid_params", "txid");
	fails("tx.get", "{\"txid\":\"0000000000000000000000000000000000000000000000000000000000000001\"}", "not_found",
	      "txid");
}
END_TEST

static int mine_unit(struct unit *u, void *ctx, struct err *err)
{
	const struct told_tx told = { .txid = *(const struct txid *)ctx };
	struct block_row tip, block = { .time_s = 1700000000 };

	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 1);
	block.ref.height = tip.ref.height + 1;
	block.ref.hash.b[0] = ++serial;
	block.prev = tip.ref.hash;
	ck_assert_int_eq(chain_store_connect(u, &block, clock_now_ms(), err), 0);
	return tx_store_confirm(u, &told, &block.ref, 1, clock_now_ms(), err) == 1 ? 0 : -1;
}

static int unmine_unit(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return tx_store_unconfirm_all(u, clock_now_ms(), err);
}

static void in_unit(int (*fn)(struct unit *u, void *ctx, struct err *err), struct txid *txid)
{
	struct err err;

	ck_assert_msg(store_unit_now(w.store, fn, txid, &err) == 0, "%s", err.msg);
}

static json_t *item_about(const char *action_id)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(call("status", "{}"), "attention"), i, item)
	{
		if (strcmp(json_str(item, "action_id"), action_id) == 0)
			return item;
	}
	return NULL;
}

static const char *attention_about(const char *action_id)
{
	json_t *item = item_about(action_id);

	return item ? json_str(item, "kind") : "";
}

/* It was over, and nobody looks at it any more: a person should. */
START_TEST(a_payment_whose_block_has_gone)
{
	struct txid txid;
	const char *id;
	json_t *action;

	fund(100000);
	action = pay();
	id = json_str(action, "id");
	ck_assert(txid_parse(json_str(json_object_get(action, "result"), "txid"), &txid));
	ck_assert_str_eq(attention_about(id), "");
	in_unit(mine_unit, &txid);
	fund(1000);
	fund(1000);
	call("action.wake", id_param(action, ""));
	action = call("action.get", id_param(action, ",\"wait\":\"done\""));
	ck_assert_str_eq(json_str(action, "status"), "done");
	ck_assert_str_eq(attention_about(id), "");
	in_unit(unmine_unit, NULL);
	ck_assert_str_eq(attention_about(id), "payment_reorganised");
	in_unit(mine_unit, &txid);
	ck_assert_str_eq(attention_about(id), "");
}
END_TEST

struct theft {
	struct outpoint coin;
	struct txid txid;
};

/* Somebody has the same words: in a new block this spends a coin that the wallet has spent. */
static int steal_unit(struct unit *u, void *ctx, struct err *err)
{
	struct theft *t = ctx;
	struct block_row tip, block = { .time_s = 1700000000 };
	struct told_out out = { .script = bytes_of("a stranger's") };
	struct told_tx told = { .in = &t->coin, .n_in = 1, .out = &out, .n_out = 1, .raw = bytes_of("raw") };

	ck_assert(sat_from_u64(99000, &out.value));
	told.txid.b[0] = ++serial;
	t->txid = told.txid;
	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 1);
	block.ref.height = tip.ref.height + 1;
	block.ref.hash.b[0] = ++serial;
	block.prev = tip.ref.hash;
	ck_assert_int_eq(chain_store_connect(u, &block, clock_now_ms(), err), 0);
	return tx_store_confirm(u, &told, &block.ref, 1, clock_now_ms(), err) == 1 ? 0 : -1;
}

static struct txid steal(void)
{
	json_t *spent = json_object_get(call("utxo.list", "{\"state\":\"spent\"}"), "utxos");
	struct theft t;
	struct err err;

	ck_assert_uint_eq(json_array_size(spent), 1);
	ck_assert(outpoint_parse(json_str(json_array_get(spent, 0), "outpoint"), &t.coin));
	ck_assert_msg(store_unit_now(w.store, steal_unit, &t, &err) == 0, "%s", err.msg);
	return t.txid;
}

/* The tip goes. */
static int step_back_unit(struct unit *u, void *ctx, struct err *err)
{
	struct block_row tip;

	(void)ctx;
	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 1);
	return chain_store_disconnect(u, &tip.ref, clock_now_ms(), err);
}

static int block_unit(struct unit *u, void *ctx, struct err *err)
{
	struct block_row tip, block = { .time_s = 1700000000 };

	(void)ctx;
	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 1);
	block.ref.height = tip.ref.height + 1;
	memcpy(block.ref.hash.b, &block.ref.height, sizeof(block.ref.height));
	block.ref.hash.b[31] = 1;
	block.prev = tip.ref.hash;
	return chain_store_connect(u, &block, clock_now_ms(), err);
}

static int blocks_unit(struct unit *u, void *ctx, struct err *err)
{
	for (unsigned i = 0; i < *(unsigned *)ctx; i++)
		if (block_unit(u, NULL, err) != 0)
			return -1;
	return 0;
}

static void blocks(unsigned n)
{
	struct err err;

	ck_assert_msg(store_unit_now(w.store, blocks_unit, &n, &err) == 0, "%s", err.msg);
}

/* With its block and two more on top. */
static json_t *pay_and_end(struct txid *txid)
{
	json_t *action = pay();

	ck_assert(txid_parse(json_str(json_object_get(action, "result"), "txid"), txid));
	in_unit(mine_unit, txid);
	blocks(2);
	call("action.wake", id_param(action, ""));
	action = call("action.get", id_param(action, ",\"wait\":\"done\""));
	ck_assert_str_eq(json_str(action, "status"), "done");
	return action;
}

START_TEST(a_payment_that_loses_after_all)
{
	char paid_text[TXID_TEXT], thief_text[TXID_TEXT];
	struct txid paid, thief;
	json_t *item, *action;
	const char *id;

	fund(100000);
	action = pay_and_end(&paid);
	id = json_str(action, "id");
	txid_text(&paid, paid_text);
	for (unsigned i = 0; i < 3; i++)
		in_unit(step_back_unit, NULL);
	ck_assert_str_eq(attention_about(id), "payment_reorganised");
	thief = steal();
	txid_text(&thief, thief_text);
	item = item_about(id);
	ck_assert_str_eq(json_str(item, "kind"), "payment_lost");
	ck_assert_str_eq(json_str(item, "severity"), "critical");
	ck_assert_str_eq(json_str(item, "txid"), paid_text);
	ck_assert_str_eq(json_str(item, "replaced_by"), thief_text);
	ck_assert_int_eq(json_int(json_object_get(item, "at_stake"), "amount"), 40000);
	ck_assert_ptr_nonnull(strstr(json_str(item, "what"), thief_text));
	ck_assert_ptr_nonnull(strstr(json_str(item, "next"), "wait"));
	/* As deep as makes a payment done. */
	blocks(1);
	ck_assert_ptr_nonnull(strstr(json_str(item_about(id), "next"), "wait"));
	blocks(1);
	ck_assert_ptr_nonnull(strstr(json_str(item_about(id), "next"), "pay anew"));
	/* A week later it is history. */
	blocks(1005);
	ck_assert_str_eq(attention_about(id), "payment_lost");
	blocks(1);
	ck_assert_str_eq(attention_about(id), "");
}
END_TEST

START_TEST(a_payment_that_had_lost_comes_back)
{
	struct txid paid;
	const char *id;

	fund(100000);
	id = json_str(pay_and_end(&paid), "id");
	for (unsigned i = 0; i < 3; i++)
		in_unit(step_back_unit, NULL);
	steal();
	ck_assert_str_eq(attention_about(id), "payment_lost");
	in_unit(step_back_unit, NULL);
	ck_assert_str_eq(attention_about(id), "payment_lost"); /* a mempool may have the other one */
	in_unit(mine_unit, &paid);
	ck_assert_str_eq(attention_about(id), "");
}
END_TEST

/* What paid the coins back loses them; but what a way back has won is no loss of it. */
START_TEST(a_way_back_that_loses_after_all)
{
	struct txid back;
	json_t *action, *item;
	const char *id;
	int64_t sat;

	fund(100000);
	action = pay();
	id = json_str(action, "id");
	call("action.cancel", id_param(action, ""));
	action = call("action.get", id_param(action, ",\"wait\":\"park\""));
	ck_assert(json_is_true(json_object_get(json_object_get(action, "result"), "cancelling")));
	ck_assert(txid_parse(json_str(json_object_get(action, "result"), "txid"), &back));
	sat = 100000 - json_int(json_object_get(action, "result"), "fee_sat");
	in_unit(mine_unit, &back);
	blocks(2);
	call("action.wake", id_param(action, ""));
	action = call("action.get", id_param(action, ",\"wait\":\"done\""));
	ck_assert_str_eq(json_str(action, "status"), "cancelled");
	ck_assert_str_eq(attention_about(id), "");
	for (unsigned i = 0; i < 3; i++)
		in_unit(step_back_unit, NULL);
	ck_assert_str_eq(attention_about(id), "payment_reorganised");
	steal();
	item = item_about(id);
	ck_assert_str_eq(json_str(item, "kind"), "payment_lost");
	ck_assert_int_eq(json_int(json_object_get(item, "at_stake"), "amount"), sat);
	ck_assert_ptr_nonnull(strstr(json_str(item, "what"), "was cancelled"));
}
END_TEST

static json_t *node_peer(void)
{
	json_t *peer;
	size_t i;

	json_array_foreach(json_object_get(call("status", "{}"), "peers"), i,
			   peer) if (strcmp(json_str(peer, "type"), "chain") == 0) return peer;
	ck_abort_msg("no node among the peers: %s", w.reply);
	return NULL;
}

START_TEST(a_node_that_has_not_answered_yet)
{
	json_t *peer = node_peer();

	ck_assert_int_eq(json_int(peer, "answered"), 0);
	ck_assert(json_is_null(json_object_get(peer, "latency_ms")));
	fund(100000);
	pay();
	ck_assert(json_is_integer(json_object_get(node_peer(), "latency_ms")));
}
END_TEST

START_TEST(a_budget_counts_it)
{
	struct rpc_caller shop = rpc_world_caller(RPC_SPEND);
	json_t *key = call("key.create", "{\"name\":\"shop\",\"scope\":\"spend\",\"budget_day_sat\":40500}");

	fund(100000);
	shop.key_id = 1;
	shop.budget_day_sat = 40500;
	shop.budget_hour_sat = -1;
	ck_assert_ptr_nonnull(key);
	ck_assert_str_eq(kind_of(rpc_world_error_for(&w, &shop, "action.start",
						     "{\"kind\":\"onchain_send\",\"params\":" PAY "}")),
			 "over_budget");
	shop.budget_day_sat = 41000;
	rpc_world_result_for(&w, &shop, "action.start", "{\"kind\":\"onchain_send\",\"params\":" PAY "}");
}
END_TEST

START_TEST(bumps)
{
	json_t *action, *plan, *bumped;
	const char *by_txid;

	fund(100000);
	action = pay();
	by_txid = arena_printf(&w.arena, "{\"txid\":\"%s\",\"feerate\":\"20\",\"wait\":\"park\"}",
			       json_str(json_object_get(action, "result"), "txid"));
	plan = json_object_get(call("onchain.bump", id_param(action, ",\"feerate\":\"20\",\"dry_run\":true")), "plan");
	ck_assert_str_eq(json_str(plan, "feerate"), "20");
	ck_assert_int_eq(json_int(plan, "fee_before_sat"), 710);
	ck_assert_int_eq(json_int(plan, "spend_sat"), 142 * 20 - 710);
	bumped = call("onchain.bump", by_txid);
	ck_assert_str_eq(json_str(bumped, "id"), json_str(action, "id"));
	ck_assert_int_eq(json_int(json_object_get(bumped, "result"), "fee_sat"), 142 * 20);
	ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(bumped, "result"), "replaced")), 1);
	/* The transaction that was replaced still names its payment. */
	ck_assert_str_eq(
		json_str(call("onchain.bump", arena_printf(&w.arena, "{\"txid\":\"%s\",\"feerate\":\"40\"}",
							   json_str(json_object_get(action, "result"), "txid"))),
			 "id"),
		json_str(action, "id"));
}
END_TEST

START_TEST(bump_refusals)
{
	json_t *action;

	fund(100000);
	action = pay();
	fails("onchain.bump", "{}", "invalid_params", "id");
	fails("onchain.bump", id_param(action, ",\"txid\":\"00\""), "invalid_params", "id");
	fails("onchain.bump", "{\"id\":\"no such thing!\"}", "invalid_params", "id");
	fails("onchain.bump", "{\"id\":\"nobody\",\"feerate\":\"9\"}", "not_found", "id");
	fails("onchain.bump", "{\"txid\":\"zz\"}", "invalid_params", "txid");
	fails("onchain.bump",
	      "{\"txid\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"feerate\":\"9\"}",
	      "not_found", "txid");
	fails("onchain.bump", id_param(action, ",\"feerate\":\"501\""), "fee_out_of_range", "feerate");
	fails("onchain.bump", id_param(action, ",\"feerate\":\"501\",\"dry_run\":true"), "fee_out_of_range", "feerate");
}
END_TEST

/* --- fees --- */

START_TEST(fees)
{
	json_t *v;

	fake_bitcoind_on(w.bitcoind, "estimatesmartfee", "{\"errors\":[\"Insufficient data\"],\"blocks\":2}");
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "fee.estimate", "{}")), "peer_unavailable");
	fake_bitcoind_on(w.bitcoind, "estimatesmartfee", "{\"feerate\":0.00007000}");
	v = call("fee.estimate", "{}");
	ck_assert_str_eq(json_str(json_object_get(v, "fast"), "feerate"), "7");
	ck_assert_int_eq(json_int(json_object_get(v, "slow"), "blocks"), 6);
	ck_assert(json_is_false(json_object_get(v, "fallback")));
}
END_TEST

START_TEST(a_client_that_leaves_asks_no_more)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);
	struct rpc_body *body = rpc_world_begin(
		&w, &admin, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fee.estimate\",\"params\":{}}");

	ck_assert_ptr_nonnull(body);
	rpc_body_abandon(body);
	ck_assert_uint_eq(chain_in_flight(w.chain), 0);
}
END_TEST

/* --- PSBTs --- */

START_TEST(a_psbt_goes_round)
{
	json_t *made, *shown, *done, *final, *both, *sent;
	const char *psbt, *signed_one;

	fund(100000);
	made = call("psbt.create", PAY);
	psbt = json_str(made, "psbt");
	ck_assert_int_eq(json_int(made, "fee_sat"), 710);
	ck_assert_str_ne(json_str(made, "action_id"), "");
	shown = call("psbt.decode", arena_printf(&w.arena, "{\"psbt\":\"%s\"}", psbt));
	ck_assert_str_eq(json_str(shown, "txid"), json_str(made, "txid"));
	done = call("psbt.sign", arena_printf(&w.arena, "{\"psbt\":\"%s\"}", psbt));
	ck_assert_int_eq(json_int(done, "signed"), 1);
	ck_assert_int_eq(json_int(done, "open"), 0);
	signed_one = json_str(done, "psbt");
	both = call("psbt.combine", arena_printf(&w.arena, "{\"psbts\":[\"%s\",\"%s\"]}", psbt, signed_one));
	final = call("psbt.finalize", arena_printf(&w.arena, "{\"psbt\":\"%s\"}", json_str(both, "psbt")));
	ck_assert_int_eq(json_int(final, "open"), 0);
	fails("psbt.broadcast", arena_printf(&w.arena, "{\"psbt\":\"%s\"}", psbt), "unsigned_psbt", "psbt");
	sent = call("psbt.broadcast", arena_printf(&w.arena, "{\"psbt\":\"%s\",\"wait\":\"park\"}", signed_one));
	ck_assert_str_eq(json_str(sent, "state"), "in_mempool");
	ck_assert_str_eq(json_str(final, "hex"), fake_bitcoind_taken(w.bitcoind));
	fails("psbt.broadcast", arena_printf(&w.arena, "{\"psbt\":\"%s\"}", signed_one), "illegal_state", "psbt");
	ck_assert_ptr_nonnull(strstr(w.reply, json_str(made, "action_id")));
}
END_TEST

START_TEST(psbt_refusals)
{
	struct rpc_caller reader = rpc_world_caller(RPC_READ);

	fails("psbt.create", "{\"amount_sat\":5}", "invalid_params", "address");
	fails("psbt.create", "{\"psbt\":true}", "invalid_params", "psbt");
	fails("psbt.decode", "{\"psbt\":\"cHNidP8=\"}", "bad_psbt", "psbt");
	fails("psbt.sign", "{\"psbt\":\"nonsense\"}", "bad_psbt", "psbt");
	fails("psbt.finalize", "{\"psbt\":\"nonsense\"}", "bad_psbt", "psbt");
	fails("psbt.broadcast", "{\"psbt\":\"nonsense\"}", "bad_psbt", "psbt");
	fails("psbt.combine", "{\"psbts\":[]}", "invalid_params", "psbts");
	fails("psbt.combine", "{\"psbts\":[1]}", "invalid_params", "psbts");
	fails("psbt.combine", "{\"psbts\":[\"nonsense\"]}", "bad_psbt", "psbts");
	ck_assert_str_eq(kind_of(rpc_world_error_for(&w, &reader, "psbt.sign", "{\"psbt\":\"x\"}")), "forbidden");
}
END_TEST

/* --- status --- */

START_TEST(status_tells_of_the_chain)
{
	json_t *status, *peer;
	size_t i, n = 0;

	fund(100000);
	fake_bitcoind_on(w.bitcoind, "estimatesmartfee", "{\"feerate\":0.00007000}");
	call("fee.estimate", "{}");
	status = call("status", "{}");
	ck_assert_int_eq(json_int(json_object_get(json_object_get(status, "chain"), "tip"), "height"), 101);
	json_array_foreach(json_object_get(status, "peers"), i, peer) if (strcmp(json_str(peer, "type"), "chain") == 0)
	{
		ck_assert_str_eq(json_str(peer, "state"), "ready");
		n++;
	}
	ck_assert_uint_eq(n, 1);
}
END_TEST

static bool attends_to(const char *kind)
{
	json_t *list = json_object_get(call("status", "{}"), "attention"), *item;
	size_t i;

	json_array_foreach(list, i, item) if (strcmp(json_str(item, "kind"), kind) == 0) return true;
	return false;
}

START_TEST(wrong_credentials_are_in_attention)
{
	fake_bitcoind_login(w.bitcoind, "Basic never");
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "fee.estimate", "{}")), "peer_refused_login");
	ck_assert(attends_to("node_login"));
}
END_TEST

START_TEST(another_network_is_in_attention)
{
	fake_bitcoind_on(w.bitcoind, "getblockchaininfo",
			 "{\"chain\":\"main\",\"blocks\":0,\"headers\":0,\"bestblockhash\":"
			 "\"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206\","
			 "\"initialblockdownload\":false,\"pruned\":false}");
	rpc_world_error(&w, "fee.estimate", "{}");
	ck_assert(attends_to("node_wrong_network"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc, on-chain methods");
	TCase *tc = tcase_create("in one world");

	tcase_add_checked_fixture(tc, open_world, close_world);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, address_refusals);
	tcase_add_test(tc, coins);
	tcase_add_test(tc, a_payment_and_its_transaction);
	tcase_add_test(tc, a_payment_whose_block_has_gone);
	tcase_add_test(tc, a_payment_that_loses_after_all);
	tcase_add_test(tc, a_payment_that_had_lost_comes_back);
	tcase_add_test(tc, a_way_back_that_loses_after_all);
	tcase_add_test(tc, a_node_that_has_not_answered_yet);
	tcase_add_test(tc, a_budget_counts_it);
	tcase_add_test(tc, bumps);
	tcase_add_test(tc, bump_refusals);
	tcase_add_test(tc, fees);
	tcase_add_test(tc, a_client_that_leaves_asks_no_more);
	tcase_add_test(tc, a_psbt_goes_round);
	tcase_add_test(tc, psbt_refusals);
	tcase_add_test(tc, status_tells_of_the_chain);
	tcase_add_test(tc, wrong_credentials_are_in_attention);
	tcase_add_test(tc, another_network_is_in_attention);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
