/* The methods of VTXOs and of plans, each with the ways in which it can be asked wrongly.  What needs a chain is in
 * tests/exit/test_vtxo_import.c and tests/e2e/run_vtxo. */
#include <string.h>

#include "base/text.h"
#include "chain/ark_keys.h"
#include "exit/plan.h"
#include "exit/status.h"
#include "rails/ark/exit_tx.h"
#include "rpc/dispatch.h"
#include "store/chain_store.h"
#include "store/script_store.h"
#include "store/tx_store.h"
#include "tests/support/ark_maker.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

static struct rpc_world w;
static struct err failure, *err = &failure;

static void open_world(void)
{
	rpc_world_open(&w, false);
}

static void close_world(void)
{
	rpc_world_close(&w);
}

static json_t *call(const char *method, const char *params)
{
	return rpc_world_result(&w, method, params);
}

static void fails(const char *method, const char *params, const char *kind, const char *field)
{
	json_t *error = rpc_world_error(&w, method, params), *data = json_object_get(error, "data");

	if (strcmp(json_str(data, "kind"), kind) != 0 || strcmp(json_str(data, "field"), field) != 0)
		ck_abort_msg("%s %s: %s (%s): %s", method, params, json_str(data, "kind"), json_str(data, "field"),
			     json_str(error, "message"));
}

static struct sat sat_of(uint64_t v)
{
	struct sat ret;

	ck_assert(sat_from_u64(v, &ret));
	return ret;
}

/* A VTXO of a key that is known here, funded by an output that nobody looks for. */
static struct vtxo make(uint8_t user, uint64_t amount, uint32_t expiry)
{
	struct ark_maker maker = { .arena = &w.arena, .expiry_height = expiry, .exit_delta = 12 };
	struct ark_board_plan plan = { .amount = sat_of(amount), .fee = sat_of(0) };
	struct outpoint at = { .txid = { { user } } };
	struct vtxo v;

	memset(maker.server.b, 0xa1, sizeof(maker.server.b));
	memset(plan.user.b, user, sizeof(plan.user.b));
	ck_assert_msg(ark_make_board(&maker, &plan, &at, &v, err) == 0, "%s", err->msg);
	return v;
}

static const char *id_of(const struct vtxo *v)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(&v->point, text);
	return arena_strdup(&w.arena, text);
}

static const char *hex_of(const struct vtxo *v)
{
	return hex_text(&w.arena, vtxo_encode(&w.arena, v));
}

static const char *with_id(const struct vtxo *v)
{
	return arena_printf(&w.arena, "{\"vtxo_id\":\"%s\"}", id_of(v));
}

/* --- rows: as an import leaves them, but for the key, which here is the wallet's first --- */

static int take_unit(struct unit *u, void *ctx, struct err *e)
{
	const struct vtxo *v = ctx;
	struct spk spk;
	struct vtxo_add add = {
		.row = {
			.point = v->point,
			.amount = v->amount,
			.state = VTXO_SPENDABLE,
			.server = v->terms.server,
			.expiry_height = v->terms.expiry_height,
			.exit_delta = v->terms.exit_delta,
			.depth = (uint16_t)v->n_items,
			.exit_weight = { 496 },
			.anchor = v->anchor,
			.standard = true,
			.origin = "import",
		},
		.bare = vtxo_encode_bare(&w.arena, v),
		.genesis = vtxo_genesis_encode(&w.arena, v),
	};
	int64_t id;

	ck_assert_int_eq(ark_policy_spk(&v->policy, &v->terms, &spk, e), 0);
	add.row.script = spk_bytes(&spk);
	return vtxo_store_add(u, &add, 1000, &id, e) == 1 ? 0 : -1;
}

static void take(struct vtxo *v)
{
	ck_assert_msg(store_unit_now(w.store, take_unit, v, err) == 0, "%s", err->msg);
}

static int tip_unit(struct unit *u, void *ctx, struct err *e)
{
	struct block_row block = { .ref = { *(uint32_t *)ctx, { { 7 } } }, .time_s = 1700000000 };

	return chain_store_connect(u, &block, 1, e);
}

static void tip_at(uint32_t height)
{
	ck_assert_msg(store_unit_now(w.store, tip_unit, &height, err) == 0, "%s", err->msg);
}

/* --- lists --- */

START_TEST(listed_and_shown)
{
	struct vtxo a = make(1, 50000, 500), b = make(2, 7000, 600);
	json_t *page, *row, *one;

	take(&a);
	take(&b);
	tip_at(100);
	page = call("vtxo.list", "{\"limit\":1}");
	ck_assert_uint_eq(json_array_size(json_object_get(page, "vtxos")), 1);
	row = json_array_get(json_object_get(page, "vtxos"), 0);
	ck_assert_str_eq(json_str(row, "vtxo_id"), id_of(&a));
	ck_assert_int_eq(json_int(row, "amount_sat"), 50000);
	ck_assert_int_eq(json_int(row, "blocks_left"), 400);
	ck_assert_str_eq(json_str(row, "state"), "spendable");
	ck_assert_str_eq(json_str(row, "policy"), "pubkey");
	ck_assert_int_eq(json_int(row, "exit_vsize"), 124);
	ck_assert(text_starts(json_str(row, "address"), "bcrt1p"));
	page = call("vtxo.list", arena_printf(&w.arena, "{\"after\":\"%s\"}", json_str(page, "next")));
	row = json_array_get(json_object_get(page, "vtxos"), 0);
	ck_assert_str_eq(json_str(row, "vtxo_id"), id_of(&b));
	ck_assert_uint_eq(json_array_size(json_object_get(call("vtxo.list", "{\"state\":\"exiting\"}"), "vtxos")), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(call("vtxo.list", "{\"state\":\"all\"}"), "vtxos")), 2);
	one = call("vtxo.get", with_id(&b));
	ck_assert_uint_eq(json_array_size(json_object_get(one, "exit_transactions")), 1);
	ck_assert(strstr(json_str(one, "exit_chain"), "7000 sat: the VTXO"));
}
END_TEST

START_TEST(exported)
{
	struct vtxo a = make(1, 50000, 500), b = make(2, 7000, 600);
	json_t *all, *one;

	take(&a);
	take(&b);
	all = call("vtxo.export", "{}");
	ck_assert_str_eq(json_str(all, "format"), "walletd-vtxos");
	ck_assert_str_eq(json_str(all, "network"), "regtest");
	ck_assert_uint_eq(json_array_size(json_object_get(all, "vtxos")), 2);
	one = json_object_get(call("vtxo.export", with_id(&b)), "vtxos");
	ck_assert_uint_eq(json_array_size(one), 1);
	ck_assert_str_eq(json_str(json_array_get(one, 0), "hex"), hex_of(&b));
}
END_TEST

/* --- asked wrongly --- */

#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define NO_HEX "000000000000000000000000000000000000000000000000000000000000000x"

static const struct {
	const char *method, *params, *kind, *field;
} wrong[] = {
	{ "vtxo.get", "{}", "invalid_params", "vtxo_id" },
	{ "vtxo.get", "{\"vtxo_id\":\"7\"}", "invalid_params", "vtxo_id" },
	{ "vtxo.list", "{\"state\":\"lost\"}", "invalid_params", "state" },
	{ "vtxo.list", "{\"after\":\"x\"}", "invalid_params", "after" },
	{ "vtxo.validate", "{}", "invalid_params", "vtxo_id" },
	{ "vtxo.validate", "{\"vtxo\":\"zz\"}", "malformed_vtxo", "vtxo" },
	{ "vtxo.export", "{\"vtxo_id\":\"7\"}", "invalid_params", "vtxo_id" },
	{ "vtxo.import", "{}", "invalid_params", "vtxos" },
	{ "vtxo.import", "{\"vtxos\":\" \"}", "parse_error", "vtxos" },
	{ "vtxo.import", "{\"vtxos\":\"zz\"}", "malformed_vtxo", "vtxos" },
	{ "vtxo.import", "{\"vtxos\":\"zz zz\"}", "malformed_vtxo", "vtxos" },
	{ "vtxo.import", "{\"vtxos\":\"[1]\"}", "parse_error", "vtxos" },
	{ "vtxo.import", "{\"vtxos\":\"zz\",\"search\":1001}", "invalid_params", "search" },
	{ "exit.plan", "{\"vtxo_ids\":[7]}", "invalid_params", "vtxo_ids" },
	{ "exit.plan", "{\"vtxo_ids\":[\"7\"]}", "invalid_params", "vtxo_ids" },
	{ "exit.plan", "{\"feerate\":\"much\"}", "fee_out_of_range", "feerate" },
	{ "exit.plan", "{\"feerate\":\"100000\"}", "fee_out_of_range", "feerate" },
	{ "exit.prepare", "{\"feerate\":\"5\"}", "invalid_params", "vtxo_ids" },
	{ "exit.prepare", "{\"feerate\":\"5\",\"count\":101}", "invalid_params", "count" },
	{ "exit.server", "{\"server\":\"02\",\"lost\":true}", "invalid_params", "server" },
	{ "exit.server", "{\"server\":\"02\"}", "invalid_params", "lost" },
	{ "exit.preimage", "{\"vtxo_id\":\"7\"}", "invalid_params", "preimage" },
	{ "exit.preimage", "{\"vtxo_id\":\"7\",\"preimage\":\"05\"}", "invalid_params", "preimage" },
	{ "exit.preimage", "{\"vtxo_id\":\"7\",\"preimage\":\"" ZEROS "\"}", "invalid_params", "vtxo_id" },
	{ "exit.preimage", "{\"vtxo_id\":\"7\",\"preimage\":\"" NO_HEX "\"}", "invalid_params", "preimage" },
	{ "exit.preimage", "{\"vtxo_id\":\"" ZEROS ":0\",\"preimage\":\"" ZEROS "\"}", "not_found", "vtxo_id" },
	{ "exit.sign", "{}", "invalid_params", "psbt" },
	{ "exit.cpfp_provide", "{}", "invalid_params", "exit_txid" },
	{ "exit.cpfp_provide", "{\"exit_txid\":\"" ZEROS "\",\"child\":\"\"}", "invalid_params", "child" },
};

START_TEST(wrong_table)
{
	fails(wrong[_i].method, wrong[_i].params, wrong[_i].kind, wrong[_i].field);
}
END_TEST

START_TEST(none_of_ours)
{
	struct vtxo stranger = make(3, 9000, 500);
	const char *ids = arena_printf(&w.arena, "{\"vtxo_ids\":[\"%s\"],\"feerate\":\"5\"}", id_of(&stranger));

	fails("vtxo.get", with_id(&stranger), "not_found", "vtxo_id");
	fails("vtxo.export", with_id(&stranger), "not_found", "vtxo_id");
	fails("vtxo.validate", with_id(&stranger), "not_found", "vtxo_id");
	fails("exit.plan", ids, "not_found", "vtxo_ids");
	fails("vtxo.import", arena_printf(&w.arena, "{\"vtxos\":\"%s\"}", hex_of(&stranger)), "vtxo_foreign_key",
	      "vtxos");
	fails("exit.server",
	      arena_printf(&w.arena, "{\"server\":\"%s\",\"lost\":true}",
			   hex_text(&w.arena, (struct bytes){ stranger.terms.server.b, 33 })),
	      "not_found", "server");
}
END_TEST

START_TEST(scopes)
{
	struct rpc_caller reader = rpc_world_caller(RPC_READ), till = rpc_world_caller(RPC_RECEIVE);

	rpc_world_error_for(&w, &reader, "vtxo.import", "{\"vtxos\":\"zz\"}");
	rpc_world_error_for(&w, &till, "exit.prepare", "{}");
	rpc_world_error_for(&w, &till, "exit.server", "{\"server\":\"02\",\"lost\":true}");
	rpc_world_result_for(&w, &reader, "exit.plan", "{\"feerate\":\"5\"}");
}
END_TEST

/* --- known again, planned for, lost --- */

START_TEST(a_known_one_needs_no_chain)
{
	struct vtxo a = make(1, 50000, 500);
	json_t *done;

	take(&a);
	done = call("vtxo.import", arena_printf(&w.arena, "{\"vtxos\":\"%s\"}", hex_of(&a)));
	ck_assert_int_eq(json_int(done, "known"), 1);
	ck_assert_int_eq(json_int(done, "imported"), 0);
	ck_assert_str_eq(json_str(json_array_get(json_object_get(done, "vtxos"), 0), "status"), "known");
}
END_TEST

START_TEST(planned)
{
	struct vtxo a = make(1, 50000, 500);
	json_t *plan, *one;

	plan = call("exit.plan", "{\"feerate\":\"5\"}");
	ck_assert_str_eq(json_str(plan, "advice"), "There is no VTXO to be taken on chain.");
	take(&a);
	tip_at(400);
	plan = call("exit.plan", "{\"feerate\":\"5\"}");
	ck_assert_int_eq(json_int(plan, "transactions"), 1);
	ck_assert_int_eq(json_int(json_object_get(plan, "now"), "exit_fee_sat"), 1382);
	ck_assert_int_eq(json_int(plan, "claim_fee_sat"), 645);
	ck_assert(strstr(json_str(plan, "advice"), "address.new"));
	one = json_array_get(json_object_get(plan, "vtxos"), 0);
	ck_assert_int_eq(json_int(one, "blocks_to_start"), 500 - 1 - 12 - 400);
	fails("exit.prepare", "{\"feerate\":\"5\"}", "insufficient_funds", "amount_sat");
}
END_TEST

static const struct {
	uint32_t tip;
	const char *kind, *severity; /* kind "": none */
} alarms[] = {
	{ 4000, "", "" },
	{ 6000 - 1 - 12 - 1007, "vtxo_expires", "warning" },
	{ 6000 - 1 - 12 - 1, "vtxo_expires", "warning" },
	{ 6000 - 1 - 12, "vtxo_exit_now", "critical" },
	{ 5999, "vtxo_exit_now", "critical" },
	{ 6000, "vtxo_expired", "critical" },
};

START_TEST(alarm_table)
{
	struct vtxo a = make(1, 50000, 6000);
	json_t *item, *found = NULL;
	size_t i;

	take(&a);
	tip_at(alarms[_i].tip);
	json_array_foreach(json_object_get(call("status", "{}"), "attention"), i, item)
	{
		if (json_object_get(item, "vtxo_id"))
			found = item;
	}
	if (alarms[_i].kind[0] == '\0') {
		ck_assert_ptr_null(found);
		return;
	}
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(json_str(found, "kind"), alarms[_i].kind);
	ck_assert_str_eq(json_str(found, "severity"), alarms[_i].severity);
	ck_assert_str_eq(json_str(found, "vtxo_id"), id_of(&a));
	ck_assert_int_eq(json_int(json_object_get(found, "at_stake"), "amount"), 50000);
}
END_TEST

/* --- exits that cannot go on alone: as the progressor leaves them --- */

static int stuck_unit(struct unit *u, void *ctx, struct err *e)
{
	const struct exit_row *as = ctx;
	struct exit_row row;
	int64_t id;

	if (exit_store_add(u, 1, "{\"type\":\"start\",\"tip_height\":100}", NULL, 10, 5, &id, e) != 0)
		return -1;
	ck_assert_int_eq(exit_store_get(unit_view(u), &w.arena, id, &row, e), 1);
	row.state = as->state;
	row.checkpoint = as->checkpoint;
	row.error = as->error;
	row.error_at_ms = 6;
	return exit_store_save(u, &row, true, 6, e);
}

static const char *claimed(bool by_us)
{
	struct exit_status s = { .state = EXIT_CLAIMED, .tip_height = 130, .spent_by_us = by_us };

	s.confirmed.height = 110;
	s.since.height = 122;
	s.spent_in.height = 125;
	return exit_status_text(&w.arena, &s);
}

static const char *processing(void)
{
	return exit_status_text(&w.arena, &(struct exit_status){ .state = EXIT_PROCESSING, .tip_height = 130 });
}

#define SHORT(available) "{\"type\":\"insufficient-confirmed-funds\",\"needed\":1712,\"available\":" available "}"
static const struct {
	bool claimed, by_us;
	const char *error, *kind; /* kind NULL: none */
	int64_t missing_sat;
} stuck[] = {
	{ false, false, SHORT("712"), "exit_needs_funds", 1000 },
	{ false, false, SHORT("0"), "exit_needs_funds", 1712 },
	{ false, false, NULL, NULL, 0 },
	{ false, false, "{\"type\":\"wallet-locked\"}", NULL, 0 },
	{ false, false, "{\"type\":\"node-policy-unsupported\",\"error\":\"use another\"}", "exit_refused", 0 },
	{ false, false, "{\"type\":\"exit-input-conflict\",\"confirmations\":1}", "exit_taken", 0 },
	{ true, true, NULL, NULL, 0 },
	{ true, false, NULL, "exit_taken", 0 },
};

START_TEST(stuck_table)
{
	struct vtxo a = make(1, 50000, 6000);
	struct exit_row row = { .state = stuck[_i].claimed ? EXIT_CLAIMED : EXIT_PROCESSING,
				.checkpoint = stuck[_i].claimed ? claimed(stuck[_i].by_us) : processing(),
				.error = stuck[_i].error };
	json_t *item, *found = NULL;
	size_t i;

	take(&a);
	ck_assert_msg(store_unit_now(w.store, stuck_unit, &row, err) == 0, "%s", err->msg);
	json_array_foreach(json_object_get(call("status", "{}"), "attention"), i, item)
	{
		if (json_object_get(item, "exit"))
			found = item;
	}
	if (!stuck[_i].kind) {
		ck_assert_ptr_null(found);
		return;
	}
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(json_str(found, "kind"), stuck[_i].kind);
	ck_assert_str_eq(json_str(found, "severity"), "critical");
	ck_assert_int_eq(json_int(found, "exit"), 1);
	ck_assert_str_eq(json_str(found, "vtxo_id"), id_of(&a));
	ck_assert_int_eq(json_int(json_object_get(found, "at_stake"), "amount"), 50000);
	if (stuck[_i].missing_sat)
		ck_assert_int_eq(json_int(found, "missing_sat"), stuck[_i].missing_sat);
}
END_TEST

/* --- a claim that was deep enough, so that nobody looks at its exit any more --- */

static const struct outpoint leaf = { .txid = { { 77 } } };

static struct told_tx leaf_spend(uint8_t n, struct told_out *out)
{
	return (struct told_tx){
		.txid = { { n } }, .in = &leaf, .n_in = 1, .out = out, .n_out = 1, .raw = bytes_of("raw")
	};
}

static int claim_unit(struct unit *u, void *ctx, struct err *e)
{
	struct exit_status status = { .state = EXIT_CLAIMED, .spent_by_us = true, .spender = { { 1 } } };
	struct own_tx own = { .kind = "claim", .trust = TRUST_WAIT };
	struct script_row script;
	struct told_out out;
	struct told_tx claim;
	struct exit_row row;
	int64_t id;

	if (*(bool *)ctx)
		status.spender.b[0] = 9; /* another one has claimed it */
	ck_assert_int_eq(exit_store_add(u, 1, "{\"type\":\"start\",\"tip_height\":100}", NULL, EXIT_NO_WAKE, 5, &id, e),
			 0);
	ck_assert_int_eq(exit_store_get(unit_view(u), &w.arena, id, &row, e), 1);
	row.state = EXIT_CLAIMED;
	row.live = false;
	row.checkpoint = exit_status_text(&w.arena, &status);
	ck_assert_int_eq(exit_store_save(u, &row, true, 6, e), 0);
	ck_assert_int_eq(script_store_give(u, &w.arena, SCRIPT_RECEIVE, NULL, 6, &script, e), 0);
	out.script = script.script;
	ck_assert(sat_from_u64(49000, &out.value));
	own.action = exit_holder(id);
	claim = leaf_spend(1, &out);
	return tx_store_add_own(u, &claim, &own, 6, e);
}

static int take_leaf_unit(struct unit *u, void *ctx, struct err *e)
{
	struct told_out out = { .script = bytes_of("the server's") };
	struct told_tx theft = leaf_spend(2, &out);
	struct block_row tip;

	(void)ctx;
	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, e), 1);
	return tx_store_confirm(u, &theft, &tip.ref, 1, 7, e) == 1 ? 0 : -1;
}

static json_t *exit_item(void)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(call("status", "{}"), "attention"), i, item)
	{
		if (json_object_get(item, "exit"))
			return item;
	}
	return NULL;
}

START_TEST(a_claim_that_loses_after_all)
{
	bool by_another = _i == 1;
	struct vtxo a = make(1, 50000, 6000);
	json_t *item;

	take(&a);
	tip_at(150);
	ck_assert_msg(store_unit_now(w.store, claim_unit, &by_another, err) == 0, "%s", err->msg);
	ck_assert_ptr_null(exit_item());
	ck_assert_msg(store_unit_now(w.store, take_leaf_unit, NULL, err) == 0, "%s", err->msg);
	item = exit_item();
	if (by_another) {
		ck_assert_ptr_null(item);
		return;
	}
	ck_assert_ptr_nonnull(item);
	ck_assert_str_eq(json_str(item, "kind"), "claim_lost");
	ck_assert_str_eq(json_str(item, "severity"), "critical");
	ck_assert_int_eq(json_int(item, "exit"), 1);
	ck_assert_int_eq(json_int(json_object_get(item, "at_stake"), "amount"), 49000);
	ck_assert(text_starts(json_str(item, "txid") + 62, "01"));
	ck_assert(text_starts(json_str(item, "replaced_by") + 62, "02"));
}
END_TEST

START_TEST(a_lost_server)
{
	struct vtxo a = make(1, 50000, 500);
	const char *server, *params;
	json_t *row;

	take(&a);
	server = hex_text(&w.arena, (struct bytes){ a.terms.server.b, sizeof(a.terms.server.b) });
	params = arena_printf(&w.arena, "{\"server\":\"%s\",\"lost\":true}", server);
	call("exit.server", params);
	row = json_array_get(json_object_get(call("vtxo.list", "{}"), "vtxos"), 0);
	ck_assert_str_eq(json_str(row, "server"), server);
	ck_assert_int_gt(json_int(row, "server_lost_at_ms"), 0);
	call("exit.server", arena_printf(&w.arena, "{\"server\":\"%s\",\"lost\":false}", server));
	row = json_array_get(json_object_get(call("vtxo.list", "{}"), "vtxos"), 0);
	ck_assert(json_is_null(json_object_get(row, "server_lost_at_ms")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc, VTXO methods");
	TCase *c = tcase_create("vtxo");

	tcase_add_checked_fixture(c, open_world, close_world);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, listed_and_shown);
	tcase_add_test(c, exported);
	tcase_add_loop_test(c, wrong_table, 0, ARRAY_LEN(wrong));
	tcase_add_test(c, none_of_ours);
	tcase_add_test(c, scopes);
	tcase_add_test(c, a_known_one_needs_no_chain);
	tcase_add_test(c, planned);
	tcase_add_loop_test(c, alarm_table, 0, ARRAY_LEN(alarms));
	tcase_add_loop_test(c, stuck_table, 0, ARRAY_LEN(stuck));
	tcase_add_loop_test(c, a_claim_that_loses_after_all, 0, 2);
	tcase_add_test(c, a_lost_server);
	suite_add_tcase(s, c);
	return suite_run(s);
}
