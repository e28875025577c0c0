/* rpc/method_directive.c, method_outbox.c: directives from the outside, with a real store and outbox and a scripted chain. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rails/evm/address.h"
#include "rails/evm/directive.h"
#include "rpc/dispatch.h"
#include "rpc/state.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

#define ACCOUNT "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
#define OTHER   "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
#define PAYLOAD                                                                                                        \
	"0x0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3"                                           \
	"00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"                                             \
	"00000000000000000000000000000000000000000000000000000000000f4240"

static struct rpc_world w;

static void open_world(void)
{
	rpc_world_open(&w, false);
}

static void close_world(void)
{
	rpc_world_close(&w);
}

static const char *text(const char *fmt, ...) PRINTF_LIKE(1, 2);
static const char *text(const char *fmt, ...)
{
	char *copy = ARENA_ARRAY(&w.arena, 65536, char);
	va_list ap;

	va_start(ap, fmt);
	ck_assert_int_lt(vsnprintf(copy, 65536, fmt, ap), 65536);
	va_end(ap);
	return copy;
}

static const char *kind_of(const json_t *error)
{
	return json_str(json_object_get(error, "data"), "kind");
}

static const char *append_params(const char *id)
{
	return text("{\"directive_id\":\"%s\",\"action_key\":\"system_withdraw_token\",\"account\":\"" ACCOUNT
		    "\",\"payload\":\"" PAYLOAD "\"}",
		    id);
}

static json_t *append(const char *id)
{
	return rpc_world_result(&w, "directive.append", append_params(id));
}

static json_t *get(const char *id)
{
	return rpc_world_result(&w, "directive.get", text("{\"directive_id\":\"%s\"}", id));
}

/* --- the row behind its back --- */

struct change {
	const char *id, *reason;
	enum delivery_status to;
};

static int change_row(struct unit *u, void *ctx, struct err *err)
{
	const struct change *c = ctx;
	struct directive_row row;

	if (directive_store_by_id(unit_view(u), &w.arena, c->id, &row, err) != 0)
		return -1;
	row.reason_class = c->reason;
	rows_move(u, &row, c->to);
	return 0;
}

static void move_to(const char *id, enum delivery_status to, const char *reason)
{
	struct change c = { id, reason, to };
	struct err err;

	ck_assert_msg(store_unit_now(w.store, change_row, &c, &err) == 0, "%s", err.msg);
}

static struct directive_row row_of(const char *id)
{
	struct directive_row row;
	struct err err;

	ck_assert_msg(directive_store_by_id(store_view(w.store), &w.arena, id, &row, &err) == 0, "%s", err.msg);
	return row;
}

/* Until the outbox has seen the chain: it cannot look before. */
static void see_chain(void)
{
	for (int i = 0; i < 2000 && evm_node_asked(w.node, "eth_feeHistory") == 0; i++)
		rpc_world_run(&w, 5, NULL);
	ck_assert_uint_gt(evm_node_asked(w.node, "eth_feeHistory"), 0);
	rpc_world_run(&w, 50, NULL);
}

static struct hash32 digest_of(const char *id)
{
	const char *hex = json_str(get(id), "digest");
	struct bytes v = { NULL, 0 };
	struct hash32 digest;

	ck_assert(hex_decode_any(&w.arena, hex + 2, 32, &v));
	ck_assert_uint_eq(v.n, 32);
	memcpy(digest.b, v.p, 32);
	return digest;
}

static void spend(const char *id, const struct hash32 *digest, struct hash32 *ret_tx)
{
	struct directive_row row = row_of(id);

	evm_node_spend(w.node, &row.signer, row.nonce, digest, ret_tx);
}

static json_t *last_event(const char *kind)
{
	json_t *events = json_object_get(
		rpc_world_result(&w, "events", text("{\"after\":0,\"kinds\":\"%s\",\"limit\":1000}", kind)), "events");

	ck_assert_msg(json_array_size(events) > 0, "no event %s", kind);
	return json_array_get(events, json_array_size(events) - 1);
}

/* --- append --- */

START_TEST(append_answers_with_nonce_and_digest)
{
	json_t *first = append("w-1"), *second = append("w-2"), *again;
	struct directive_row row = row_of("w-1");
	char signer[EVM_ADDRESS_TEXT];
	struct hash32 id_hash;

	evm_address_text(&row.signer, signer);
	directive_id_hash("w-1", &id_hash);
	ck_assert_str_eq(json_str(first, "outcome"), "created");
	ck_assert_str_eq(json_str(first, "nonce"), "0");
	ck_assert_str_eq(json_str(second, "nonce"), "1");
	ck_assert_str_eq(json_str(first, "signer"), signer);
	ck_assert_str_eq(json_str(first, "delivery_status"), "pending");
	ck_assert_str_eq(json_str(first, "directive_id_hash"),
			 text("0x%s", hex_text(&w.arena, (struct bytes){ id_hash.b, 32 })));
	ck_assert_uint_eq(strlen(json_str(first, "digest")), 66);
	again = append("w-1");
	ck_assert_str_eq(json_str(again, "outcome"), "existing");
	ck_assert_str_eq(json_str(again, "nonce"), "0");
	ck_assert_str_eq(json_str(again, "digest"), json_str(first, "digest"));
	ck_assert_str_eq(json_str(append("w-3"), "nonce"), "2"); /* asking again has used none */
}
END_TEST

START_TEST(append_of_other_content)
{
	json_t *error;

	append("w-1");
	error = rpc_world_error(
		&w, "directive.append",
		"{\"directive_id\":\"w-1\",\"action_key\":\"system_withdraw_token\",\"account\":\"" OTHER
		"\",\"payload\":\"" PAYLOAD "\"}");
	ck_assert_str_eq(kind_of(error), "idempotency_conflict");
	ck_assert_int_eq(json_int(error, "code"), -32004);
	ck_assert_str_eq(json_str(append("w-2"), "nonce"), "1");
}
END_TEST

START_TEST(append_with_a_key)
{
	const char *params = text(
		"{\"directive_id\":\"w-1\",\"action_key\":\"system_withdraw_token\",\"account\":\"" ACCOUNT
		"\",\"payload\":\"" PAYLOAD "\",\"idempotency_key\":\"k\"}");
	json_t *first = rpc_world_result(&w, "directive.append", params);
	json_t *again = rpc_world_result(&w, "directive.append", params);

	ck_assert_str_eq(json_str(again, "outcome"), "created"); /* the first answer, whatever is so now */
	ck_assert(json_is_true(json_object_get(again, "replayed")));
	ck_assert_str_eq(json_str(again, "digest"), json_str(first, "digest"));
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "directive.append",
						 "{\"directive_id\":\"w-2\",\"action_key\":\"system_withdraw_token\","
						 "\"account\":\"" ACCOUNT "\",\"payload\":\"" PAYLOAD
						 "\",\"idempotency_key\":\"k\"}")),
			 "idempotency_mismatch");
}
END_TEST

/* Expired before it came, and told both ways: recorded, and nothing more. */
START_TEST(append_of_something_expired)
{
	static const char *const ends[] = { "1", "\"1\"" };
	json_t *got;

	rpc_world_result(
		&w, "directive.append",
		text("{\"directive_id\":\"w-1\",\"action_key\":\"system_withdraw_token\",\"account\":\"" ACCOUNT
		     "\",\"payload\":\"" PAYLOAD "\",\"expires_at_ms\":%s,\"chain_id\":%s}",
		     ends[_i], _i ? "\"31337\"" : "31337"));
	got = get("w-1");
	ck_assert_int_eq(json_int(got, "expires_at_ms"), 1);
	ck_assert_str_eq(json_str(got, "delivery_status"), "pending");
}
END_TEST

START_TEST(append_needs_the_scope_spend)
{
	static const enum rpc_scope scopes[] = { RPC_READ, RPC_RECEIVE, RPC_SPEND };
	struct rpc_caller c = rpc_world_caller(scopes[_i]);

	if (scopes[_i] == RPC_SPEND)
		ck_assert_str_eq(
			json_str(rpc_world_result_for(&w, &c, "directive.append", append_params("w-1")), "outcome"),
			"created");
	else
		ck_assert_str_eq(kind_of(rpc_world_error_for(&w, &c, "directive.append", append_params("w-1"))),
				 "forbidden");
}
END_TEST

START_TEST(append_and_budgets)
{
	struct rpc_caller c = rpc_world_caller(RPC_SPEND);
	json_t *error;

	c.budget_day_sat = 1000;
	error = rpc_world_error_for(&w, &c, "directive.append", append_params("w-1"));
	ck_assert_str_eq(kind_of(error), "over_budget");
}
END_TEST

/* --- batches --- */

static const char *batch_entry(int id, const char *method, const char *params)
{
	return text("{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method, params);
}

static json_t *run_batch(struct buf *b)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);
	struct err err;
	json_t *all;

	buf_text_add(b, "]");
	ck_assert(buf_ok(b));
	ck_assert_msg(json_parse(&w.arena, bytes_of(rpc_world_body(&w, &admin, buf_text(b))), JSON_DEPTH_MAX, &all,
				 &err) == 0,
		      "%s", err.msg);
	return all;
}

START_TEST(batch_of_appends_shares_commits)
{
	SCOPED(buf) struct buf b = BUF_CAP(1u << 20);
	struct store_stats before, after;
	char nonce[24];
	json_t *all;

	store_stats(w.store, &before);
	for (int i = 0; i < RPC_BATCH_MAX; i++) {
		buf_text_add(&b, i ? "," : "[");
		buf_text_add(&b, batch_entry(i, "directive.append", append_params(text("w-%d", i))));
	}
	all = run_batch(&b);
	store_stats(w.store, &after);
	ck_assert_uint_eq(json_array_size(all), RPC_BATCH_MAX);
	for (int i = 0; i < RPC_BATCH_MAX; i++) {
		json_t *one = json_array_get(all, (size_t)i);

		snprintf(nonce, sizeof(nonce), "%d", i);
		ck_assert_int_eq(json_int(one, "id"), i);
		ck_assert_msg(strcmp(json_str(json_object_get(one, "result"), "nonce"), nonce) == 0, "%s", w.reply);
	}
	ck_assert_uint_ge(after.units - before.units, RPC_BATCH_MAX);
	ck_assert_uint_le(after.commits - before.commits, RPC_BATCH_MAX / 2); /* a slow machine commits in the middle */
}
END_TEST

/* What fails, fails alone; what cannot share waits for those before it; and answers leave in order. */
START_TEST(batch_of_all_sorts)
{
	SCOPED(buf) struct buf b = BUF_CAP(1u << 20);
	json_t *all, *list;

	buf_text_add(&b, "[");
	buf_text_add(&b, batch_entry(0, "directive.append", append_params("w-0")));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(1, "directive.append", "{\"directive_id\":\"w-1\"}"));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(2, "directive.append",
				     "{\"directive_id\":\"w-2\",\"action_key\":\"no_such\",\"account\":\"" ACCOUNT
				     "\",\"payload\":\"0x\"}"));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(3, "directive.append", append_params("w-0")));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(4, "directive.list", "{}"));
	buf_text_add(&b, ",{\"jsonrpc\":\"2.0\",\"id\":5},");
	buf_text_add(&b, batch_entry(6, "directive.append", append_params("w-6")));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(7, "nothing", "{}"));
	all = run_batch(&b);
	ck_assert_uint_eq(json_array_size(all), 8);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(json_int(json_array_get(all, i), "id"), (int)i);
	ck_assert_str_eq(json_str(json_object_get(json_array_get(all, 0), "result"), "outcome"), "created");
	ck_assert_str_eq(kind_of(json_object_get(json_array_get(all, 1), "error")), "invalid_params");
	ck_assert_str_eq(kind_of(json_object_get(json_array_get(all, 2), "error")), "unsupported_action");
	ck_assert_str_eq(json_str(json_object_get(json_array_get(all, 3), "result"), "outcome"), "existing");
	list = json_object_get(json_object_get(json_array_get(all, 4), "result"), "directives");
	ck_assert_uint_eq(json_array_size(list), 1); /* durable by then, and nothing more is */
	ck_assert_str_eq(json_str(json_object_get(json_array_get(all, 6), "result"), "nonce"), "1");
	ck_assert_str_eq(kind_of(json_object_get(json_array_get(all, 7), "error")), "method_not_found");
}
END_TEST

/* Twice the same key in one batch: the second waits for the first, which has not been answered yet. */
START_TEST(batch_with_one_key_twice)
{
	SCOPED(buf) struct buf b = BUF_CAP(1u << 20);
	const char *params = text(
		"{\"directive_id\":\"w-1\",\"action_key\":\"system_withdraw_token\",\"account\":\"" ACCOUNT
		"\",\"payload\":\"" PAYLOAD "\",\"idempotency_key\":\"k\"}");
	json_t *all;

	buf_text_add(&b, "[");
	buf_text_add(&b, batch_entry(0, "directive.append", params));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(1, "directive.append", params));
	buf_text_add(&b, ",");
	buf_text_add(&b, batch_entry(2, "directive.append", append_params("w-2")));
	all = run_batch(&b);
	ck_assert_uint_eq(json_array_size(all), 3);
	ck_assert(json_is_true(json_object_get(json_object_get(json_array_get(all, 1), "result"), "replayed")));
	ck_assert_str_eq(json_str(json_object_get(json_array_get(all, 2), "result"), "nonce"), "1");
}
END_TEST

/* The client leaves between the units and their commit: what has begun goes on, and nobody is told. */
START_TEST(batch_whose_client_leaves)
{
	SCOPED(buf) struct buf b = BUF_CAP(1u << 20);
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);
	struct rpc_body *body;

	for (int i = 0; i < 10; i++) {
		buf_text_add(&b, i ? "," : "[");
		buf_text_add(&b, batch_entry(i, "directive.append", append_params(text("w-%d", i))));
	}
	buf_text_add(&b, "]");
	body = rpc_world_begin(&w, &admin, buf_text(&b));
	ck_assert_ptr_nonnull(body);
	rpc_body_abandon(body);
	rpc_world_run(&w, 100, NULL);
	ck_assert_int_eq(w.status, -1);
	ck_assert_uint_eq(json_array_size(json_object_get(rpc_world_result(&w, "directive.list", "{}"), "directives")),
			  10);
}
END_TEST

/* --- looking --- */

static size_t listed(const char *params)
{
	return json_array_size(json_object_get(rpc_world_result(&w, "directive.list", params), "directives"));
}

START_TEST(list_filters)
{
	append("w-1");
	append("w-2");
	append("w-3");
	append("w-4");
	move_to("w-2", DELIVERY_DEAD_LETTERED, "invalid_action");
	move_to("w-3", DELIVERY_MANUAL, "nonce_consumed");
	move_to("w-4", DELIVERY_REVERTED, "effect_reverted");
	ck_assert_uint_eq(listed("{}"), 4);
	ck_assert_uint_eq(listed("{\"status\":\"all\"}"), 4);
	ck_assert_uint_eq(listed("{\"status\":\"open\"}"), 1);
	/* Whether the outbox has begun with it by now is up to the machine. */
	ck_assert_uint_eq(listed("{\"status\":\"pending\"}") + listed("{\"status\":\"claimed\"}") +
				  listed("{\"status\":\"failed_retryable\"}"),
			  1);
	ck_assert_uint_eq(listed("{\"status\":\"attention\"}"), 3);
	ck_assert_uint_eq(listed("{\"status\":\"dead_lettered\"}"), 1);
	move_to("w-2", DELIVERY_DEAD_LETTERED, "operator_abandoned");
	ck_assert_uint_eq(listed("{\"status\":\"attention\"}"), 2);
	ck_assert_uint_eq(listed("{\"status\":\"dead_lettered\"}"), 1);
	ck_assert_uint_eq(listed("{\"status\":\"confirmed\"}"), 0);
	ck_assert_uint_eq(listed("{\"reason_class\":\"nonce_consumed\"}"), 1);
	ck_assert_uint_eq(listed("{\"action_key\":\"system_withdraw_token\"}"), 4);
	ck_assert_uint_eq(listed("{\"action_key\":\"rsm_hl_limit_order\"}"), 0);
	ck_assert_uint_eq(listed("{\"account\":\"" ACCOUNT "\"}"), 4);
	ck_assert_uint_eq(listed("{\"account\":\"" OTHER "\"}"), 0);
}
END_TEST

/* Every status that is offered is one that the store knows. */
START_TEST(list_takes_every_choice)
{
	const char *choices = rpc_method_of("directive.list")->params[0].choices;
	char one[64];

	for (const char *at = choices; *at; at += strcspn(at, "|") + (at[strcspn(at, "|")] == '|')) {
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(at, "|"), at);
		ck_assert_uint_eq(listed(text("{\"status\":\"%s\"}", one)), 0);
	}
}
END_TEST

START_TEST(list_in_pages)
{
	const char *next = NULL;
	unsigned seen = 0;

	for (int i = 0; i < 55; i++)
		append(text("w-%02d", i));
	do {
		json_t *page = rpc_world_result(
			&w, "directive.list", next ? text("{\"limit\":25,\"after\":\"%s\"}", next) : "{\"limit\":25}");
		json_t *rows = json_object_get(page, "directives"), *row;
		size_t i;

		ck_assert_uint_le(json_array_size(rows), 25);
		json_array_foreach(rows, i, row)
			ck_assert_str_eq(json_str(row, "directive_id"), text("w-%02u", seen++));
		next = json_string_value(json_object_get(page, "next"));
	} while (next);
	ck_assert_uint_eq(seen, 55);
}
END_TEST

START_TEST(get_tells_everything)
{
	static const char *const members[] = { "outbox_seq",      "directive_id", "kind",          "action_key",
					       "account",         "signer",       "nonce",         "payload",
					       "delivery_status", "attempts",     "nonce_history", "digest" };
	json_t *got;

	append("w-1");
	got = get("w-1");
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		ck_assert_msg(json_object_get(got, members[i]) != NULL, "%s: %s", members[i], w.reply);
	ck_assert_str_eq(json_str(got, "account"), ACCOUNT);
	ck_assert_str_eq(json_str(got, "payload"), PAYLOAD);
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "directive.get", "{\"directive_id\":\"w-2\"}")), "not_found");
}
END_TEST

START_TEST(stats_lanes_spaces)
{
	json_t *stats, *lane, *space;

	see_chain();
	append("w-1");
	stats = rpc_world_result(&w, "directive.stats", "{}");
	ck_assert_int_eq(json_int(json_object_get(stats, "rows_by_status"), "pending"), 1);
	lane = json_array_get(json_object_get(rpc_world_result(&w, "outbox.lanes", "{}"), "lanes"), 0);
	ck_assert_msg(json_is_object(lane), "%s", w.reply);
	space = json_array_get(json_object_get(rpc_world_result(&w, "outbox.spaces", "{}"), "spaces"), 0);
	ck_assert_msg(json_is_object(space), "%s", w.reply);
	ck_assert_str_eq(json_str(space, "contract"), RPC_WORLD_CONTRACT);
	ck_assert_str_eq(json_str(space, "signer"), json_str(get("w-1"), "signer"));
}
END_TEST

/* --- a person decides --- */

static const char *decision(const char *id, const char *more)
{
	return text("{\"directive_id\":\"%s\",\"reason\":\"as the test says\"%s}", id, more);
}

static json_t *resolve(const char *id, const char *more)
{
	return rpc_world_result(&w, "directive.resolve", decision(id, more));
}

static const char *refused(const char *id, const char *more)
{
	return kind_of(rpc_world_error(&w, "directive.resolve", decision(id, more)));
}

static const char *verdict(const json_t *result)
{
	return json_str(json_object_get(result, "evidence"), "verdict");
}

START_TEST(retry_with_the_same_nonce)
{
	json_t *result, *audit;

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_DEAD_LETTERED, "invalid_action");
	result = rpc_world_result(&w, "directive.retry", decision("w-1", ""));
	ck_assert_str_eq(json_str(result, "delivery_status"), "pending");
	ck_assert_str_eq(json_str(result, "nonce"), "0");
	ck_assert_str_eq(verdict(result), "unused");
	audit = last_event("outbox.audit");
	ck_assert_msg(strstr(json_text(&w.arena, audit), "test:admin") != NULL, "%s", w.reply);
	ck_assert_msg(strstr(w.reply, "as the test says") != NULL, "%s", w.reply);
	ck_assert_msg(strstr(w.reply, "directive.retry") != NULL, "%s", w.reply);
	/* One that is worked on needs no help. */
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "directive.retry", decision("w-1", ""))), "illegal_state");
}
END_TEST

START_TEST(retry_of_a_spent_nonce)
{
	struct hash32 foreign = rows_hash(7);

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	spend("w-1", &foreign, NULL);
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "directive.retry", decision("w-1", ""))), "nonce_used");
	ck_assert_int_eq(row_of("w-1").status, DELIVERY_MANUAL);
}
END_TEST

START_TEST(retry_while_the_chain_is_away)
{
	json_t *error;

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_DEAD_LETTERED, "invalid_action");
	evm_node_down(w.node, true);
	error = rpc_world_error(&w, "directive.retry", decision("w-1", ",\"idempotency_key\":\"k\""));
	ck_assert_str_eq(kind_of(error), "peer_unavailable");
	ck_assert(json_is_true(json_object_get(json_object_get(error, "data"), "retryable")));
	ck_assert_int_eq(row_of("w-1").status, DELIVERY_DEAD_LETTERED);
}
END_TEST

START_TEST(decisions_need_the_scope_admin)
{
	struct rpc_caller c = rpc_world_caller(RPC_SPEND);

	append("w-1");
	ck_assert_str_eq(kind_of(rpc_world_error_for(&w, &c, "directive.retry", decision("w-1", ""))), "forbidden");
	ck_assert_str_eq(
		kind_of(rpc_world_error_for(&w, &c, "directive.resolve", decision("w-1", ",\"action\":\"abandon\""))),
		"forbidden");
	ck_assert_str_eq(
		kind_of(rpc_world_error_for(&w, &c, "outbox.pause", "{\"all\":true,\"reason\":\"as the test says\"}")),
		"forbidden");
}
END_TEST

START_TEST(dry_run_tells_and_does_nothing)
{
	struct hash32 foreign = rows_hash(7), tx;
	json_t *result, *evidence;

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	spend("w-1", &foreign, &tx);
	result = resolve("w-1", ",\"action\":\"resubmit\",\"dry_run\":true,\"idempotency_key\":\"k\"");
	ck_assert(json_is_true(json_object_get(result, "dry_run")));
	evidence = json_object_get(result, "evidence");
	ck_assert_str_eq(json_str(evidence, "verdict"), "foreign");
	ck_assert_str_eq(json_str(evidence, "tx_hash"), text("0x%s", hex_text(&w.arena, (struct bytes){ tx.b, 32 })));
	ck_assert_str_eq(json_str(evidence, "executed_digest"),
			 text("0x%s", hex_text(&w.arena, (struct bytes){ foreign.b, 32 })));
	ck_assert_int_eq(row_of("w-1").status, DELIVERY_MANUAL);
	/* The key was not used up. */
	result = resolve("w-1", ",\"action\":\"resubmit\",\"idempotency_key\":\"k\"");
	ck_assert_ptr_null(json_object_get(result, "replayed"));
	ck_assert_str_eq(json_str(result, "delivery_status"), "pending");
}
END_TEST

START_TEST(resubmit_after_a_foreign_effect)
{
	struct hash32 foreign = rows_hash(7);
	unsigned asked;
	json_t *result;

	see_chain();
	append("w-1");
	append("w-2");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	spend("w-1", &foreign, NULL);
	result = resolve("w-1", ",\"action\":\"resubmit\",\"idempotency_key\":\"k\"");
	ck_assert_str_eq(json_str(result, "nonce"), "2");
	ck_assert_str_eq(json_str(result, "delivery_status"), "pending");
	ck_assert_uint_eq(json_array_size(json_object_get(get("w-1"), "nonce_history")), 1);
	/* The same again is the same answer, and does not even look. */
	asked = evm_node_asked(w.node, "eth_getLogs");
	result = resolve("w-1", ",\"action\":\"resubmit\",\"idempotency_key\":\"k\"");
	ck_assert(json_is_true(json_object_get(result, "replayed")));
	ck_assert_str_eq(json_str(result, "nonce"), "2");
	ck_assert_uint_eq(evm_node_asked(w.node, "eth_getLogs"), asked);
	ck_assert_uint_eq(json_array_size(json_object_get(get("w-1"), "nonce_history")), 1);
}
END_TEST

/* An old signature that can still act allows nothing new. */
START_TEST(nothing_new_while_the_old_can_act)
{
	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_REVERTED, "effect_reverted");
	ck_assert_str_eq(refused("w-1", ",\"action\":\"resubmit\""), "old_nonce_still_valid");
	ck_assert_str_eq(refused("w-1", ",\"action\":\"done\""), "no_evidence");
	ck_assert_str_eq(refused("w-1", ",\"action\":\"done\",\"note\":\"I am sure\""), "no_evidence");
	ck_assert_int_eq(row_of("w-1").status, DELIVERY_REVERTED);
	/* Never signed: it may be given up. */
	ck_assert_str_eq(json_str(resolve("w-1", ",\"action\":\"abandon\""), "delivery_status"), "dead_lettered");
	ck_assert_str_eq(json_str(get("w-1"), "reason_class"), "operator_abandoned");
}
END_TEST

START_TEST(own_effect_is_found)
{
	struct hash32 own, tx;
	json_t *result;

	see_chain();
	append("w-1");
	own = digest_of("w-1");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	result = resolve("w-1", ",\"action\":\"recheck\"");
	ck_assert(json_is_false(json_object_get(result, "changed")));
	ck_assert_str_eq(json_str(result, "delivery_status"), "manual_reconciliation");
	spend("w-1", &own, &tx);
	ck_assert_str_eq(refused("w-1", ",\"action\":\"resubmit\""), "already_executed");
	result = resolve("w-1", ",\"action\":\"recheck\"");
	ck_assert(json_is_true(json_object_get(result, "changed")));
	ck_assert_str_eq(verdict(result), "own");
	ck_assert_str_ne(json_str(result, "delivery_status"), "manual_reconciliation");
}
END_TEST

START_TEST(done_with_evidence_and_without)
{
	struct hash32 own;

	see_chain();
	append("w-1");
	append("w-2");
	own = digest_of("w-1");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	move_to("w-2", DELIVERY_MANUAL, "nonce_consumed");
	spend("w-1", &own, NULL);
	ck_assert_str_eq(json_str(resolve("w-1", ",\"action\":\"done\""), "delivery_status"), "confirmed");
	spend("w-2", &own, NULL);
	evm_node_prune(w.node, true);
	ck_assert_str_eq(verdict(resolve("w-2", ",\"action\":\"done\",\"dry_run\":true")), "unavailable");
	ck_assert_str_eq(refused("w-2", ",\"action\":\"done\""), "no_evidence");
	ck_assert_str_eq(refused("w-2", ",\"action\":\"resubmit\""), "no_evidence");
	ck_assert_str_eq(json_str(resolve("w-2", ",\"action\":\"done\",\"note\":\"the custodian's statement has it\""),
				  "delivery_status"),
			 "confirmed");
	ck_assert_str_eq(json_str(get("w-2"), "reason_class"), "operator_done");
}
END_TEST

START_TEST(revoked_nonces_can_be_given_up)
{
	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	spend("w-1", NULL, NULL);
	ck_assert_str_eq(verdict(resolve("w-1", ",\"action\":\"abandon\",\"dry_run\":true")), "revoked");
	ck_assert_str_eq(json_str(resolve("w-1", ",\"action\":\"abandon\""), "delivery_status"), "dead_lettered");
}
END_TEST

START_TEST(client_leaves_while_the_chain_is_asked)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);
	struct rpc_body *body;

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_DEAD_LETTERED, "invalid_action");
	body = rpc_world_begin(&w, &admin,
			       batch_entry(1, "directive.retry", decision("w-1", ",\"idempotency_key\":\"k\"")));
	ck_assert_ptr_nonnull(body);
	rpc_body_abandon(body);
	rpc_world_run(&w, 200, NULL);
	ck_assert_int_eq(row_of("w-1").status, DELIVERY_DEAD_LETTERED);
	/* Nothing had begun, so the key is as good as new. */
	ck_assert_str_eq(
		json_str(rpc_world_result(&w, "directive.retry", decision("w-1", ",\"idempotency_key\":\"k\"")),
			 "delivery_status"),
		"pending");
}
END_TEST

START_TEST(server_ends_while_the_chain_is_asked)
{
	struct rpc_caller admin = rpc_world_caller(RPC_ADMIN);

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_DEAD_LETTERED, "invalid_action");
	ck_assert_ptr_nonnull(rpc_world_begin(&w, &admin, batch_entry(1, "directive.retry", decision("w-1", ""))));
	/* close_world() comes next: the look must not outlive the call, nor the call the server. */
}
END_TEST

/* --- lanes and spaces --- */

static int64_t space_id(void)
{
	return row_of("w-1").space_id;
}

START_TEST(pauses)
{
	json_t *space, *result;

	append("w-1");
	result = rpc_world_result(&w, "outbox.pause",
				  text("{\"space_id\":%d,\"reason\":\"an upgrade\"}", (int)space_id()));
	ck_assert(json_is_true(json_object_get(result, "paused")));
	space = json_array_get(json_object_get(rpc_world_result(&w, "outbox.spaces", "{}"), "spaces"), 0);
	ck_assert_msg(json_is_true(json_object_get(space, "paused")), "%s", w.reply);
	append("w-2"); /* acceptance goes on */
	result = rpc_world_result(&w, "outbox.resume", "{\"all\":true,\"reason\":\"it is over\"}");
	ck_assert(json_is_false(json_object_get(result, "paused")));
	space = json_array_get(json_object_get(rpc_world_result(&w, "outbox.spaces", "{}"), "spaces"), 0);
	ck_assert_msg(json_is_false(json_object_get(space, "paused")), "%s", w.reply);
	(void)last_event("outbox.audit");
	ck_assert_msg(strstr(w.reply, "an upgrade") != NULL && strstr(w.reply, "it is over") != NULL, "%s", w.reply);
}
END_TEST

START_TEST(nonces_are_advanced_and_never_lowered)
{
	json_t *result;

	append("w-1");
	result = rpc_world_result(&w, "outbox.nonce_advance",
				  text("{\"space_id\":%d,\"to\":\"500\",\"reason\":\"restored\"}", (int)space_id()));
	ck_assert_str_eq(json_str(result, "next_nonce"), "500");
	ck_assert_str_eq(json_str(append("w-2"), "nonce"), "500");
	ck_assert_str_eq(
		kind_of(rpc_world_error(&w, "outbox.nonce_advance",
					text("{\"space_id\":%d,\"to\":400,\"reason\":\"restored\"}", (int)space_id()))),
		"out_of_range");
	ck_assert_str_eq(json_str(append("w-3"), "nonce"), "501");
}
END_TEST

/* --- what others see of it --- */

START_TEST(status_tells_what_needs_a_person)
{
	json_t *status, *item, *peer;
	bool attention = false, endpoint = false;
	size_t i;

	see_chain();
	append("w-1");
	move_to("w-1", DELIVERY_MANUAL, "nonce_consumed");
	status = rpc_world_result(&w, "status", "{}");
	json_array_foreach(json_object_get(status, "attention"), i, item)
		attention = attention || strcmp(json_str(item, "directive_id"), "w-1") == 0;
	ck_assert_msg(attention, "%s", w.reply);
	json_array_foreach(json_object_get(status, "peers"), i, peer)
		endpoint = endpoint || (strcmp(json_str(peer, "type"), "evm") == 0 &&
					strstr(json_str(peer, "url"), "127.0.0.1") != NULL);
	ck_assert_msg(endpoint, "%s", w.reply);
}
END_TEST

/* Neither when all is well nor when the endpoint is away. */
START_TEST(nobody_is_told_the_key_of_an_endpoint)
{
	static const char *const calls[][2] = { { "status", "{}" },
						{ "directive.stats", "{}" },
						{ "outbox.lanes", "{}" },
						{ "outbox.spaces", "{}" },
						{ "events", "{\"after\":0}" } };

	see_chain();
	append("w-1");
	evm_node_down(w.node, _i == 1);
	rpc_world_run(&w, _i == 1 ? 1500 : 50, NULL);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		rpc_world_result(&w, calls[i][0], calls[i][1]);
		ck_assert_msg(strstr(w.reply, EVM_NODE_KEY) == NULL, "%s: %s", calls[i][0], w.reply);
	}
}
END_TEST

/* The configuration has lost its outbox, and the database has not. */
START_TEST(nothing_configured)
{
	static const char *const calls[][2] = {
		{ "directive.get", "{\"directive_id\":\"w-1\"}" },
		{ "directive.stats", "{}" },
		{ "directive.retry", "{\"directive_id\":\"w-1\",\"reason\":\"x\"}" },
		{ "directive.resolve", "{\"directive_id\":\"w-1\",\"action\":\"done\",\"reason\":\"x\"}" },
		{ "outbox.lanes", "{}" },
		{ "outbox.spaces", "{}" },
		{ "outbox.pause", "{\"all\":true,\"reason\":\"x\"}" },
		{ "outbox.cancel_slot", "{\"lane\":1,\"tx_nonce\":0,\"reason\":\"x\"}" },
		{ "outbox.nonce_advance", "{\"space_id\":1,\"to\":1,\"reason\":\"x\"}" },
	};
	const char *with_key = text(
		"{\"directive_id\":\"w-2\",\"action_key\":\"system_withdraw_token\",\"account\":\"" ACCOUNT
		"\",\"payload\":\"" PAYLOAD "\",\"idempotency_key\":\"k\"}");
	struct outbox *configured = w.server->opt.outbox;
	json_t *error;

	append("w-1");
	w.server->opt.outbox = NULL;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		error = rpc_world_error(&w, calls[i][0], calls[i][1]);
		ck_assert_str_eq(kind_of(error), "bad_config");
		ck_assert(strstr(json_str(json_object_get(error, "data"), "hint"), "evm_chain") != NULL);
	}
	ck_assert_uint_eq(listed("{}"), 1); /* what is there can be read */
	rpc_world_result(&w, "status", "{}");
	ck_assert_msg(strstr(w.reply, "outbox_not_configured") != NULL, "%s", w.reply);
	/* The key of a call that could not be taken is good for when it can. */
	ck_assert_str_eq(kind_of(rpc_world_error(&w, "directive.append", with_key)), "bad_config");
	w.server->opt.outbox = configured;
	ck_assert_str_eq(json_str(rpc_world_result(&w, "directive.append", with_key), "outcome"), "created");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("directive_methods");
	TCase *t = tcase_create("methods");

	tcase_add_checked_fixture(t, open_world, close_world);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, append_answers_with_nonce_and_digest);
	tcase_add_test(t, append_of_other_content);
	tcase_add_test(t, append_with_a_key);
	tcase_add_loop_test(t, append_of_something_expired, 0, 2);
	tcase_add_loop_test(t, append_needs_the_scope_spend, 0, 3);
	tcase_add_test(t, append_and_budgets);
	tcase_add_test(t, batch_of_appends_shares_commits);
	tcase_add_test(t, batch_of_all_sorts);
	tcase_add_test(t, batch_with_one_key_twice);
	tcase_add_test(t, batch_whose_client_leaves);
	tcase_add_test(t, list_filters);
	tcase_add_test(t, list_takes_every_choice);
	tcase_add_test(t, list_in_pages);
	tcase_add_test(t, get_tells_everything);
	tcase_add_test(t, stats_lanes_spaces);
	tcase_add_test(t, retry_with_the_same_nonce);
	tcase_add_test(t, retry_of_a_spent_nonce);
	tcase_add_test(t, retry_while_the_chain_is_away);
	tcase_add_test(t, decisions_need_the_scope_admin);
	tcase_add_test(t, dry_run_tells_and_does_nothing);
	tcase_add_test(t, resubmit_after_a_foreign_effect);
	tcase_add_test(t, nothing_new_while_the_old_can_act);
	tcase_add_test(t, own_effect_is_found);
	tcase_add_test(t, done_with_evidence_and_without);
	tcase_add_test(t, revoked_nonces_can_be_given_up);
	tcase_add_test(t, client_leaves_while_the_chain_is_asked);
	tcase_add_test(t, server_ends_while_the_chain_is_asked);
	tcase_add_test(t, pauses);
	tcase_add_test(t, nonces_are_advanced_and_never_lowered);
	tcase_add_test(t, status_tells_what_needs_a_person);
	tcase_add_loop_test(t, nobody_is_told_the_key_of_an_endpoint, 0, 2);
	tcase_add_test(t, nothing_configured);
	suite_add_tcase(s, t);
	return suite_run(s);
}
