/* Vectors: tests/vectors/outbox/append.json, of the project's own specification (spec/outbox.md 2.5, 3.3). */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "outbox/append.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/show.h"
#include "tests/support/evm.h"
#include "tests/support/outbox_world.h"
#include "tests/support/suite.h"

#define TO_ONE(x) ((struct evm_address[]){ x })

static struct err e, *err = &e;

static const char *const accounts[] = { OUTBOX_ACCOUNT, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" };

/* --- vectors --- */

static json_t *vectors(void)
{
	return vectors_load("outbox/append.json");
}

static struct directive_row row_of(const json_t *v)
{
	return (struct directive_row){
		.id = vec_str(v, "directive_id"),
		.kind = vec_str(v, "kind"),
		.action_key = vec_str(v, "action_key"),
		.account = vec_address(v, "account"),
		.signer = vec_address(v, "signer"),
		.payload = vec_0x(v, "payload"),
	};
}

START_TEST(content_hashes_of_the_vectors)
{
	const json_t *cases = json_object_get(vectors(), "content_hash");

	ck_assert_uint_eq(json_array_size(cases), 4);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *v = json_array_get(cases, i);
		struct evm_address contract = vec_address(v, "verifying_contract");
		struct directive_row row = row_of(v);
		struct hash32 got, want = vec_hash(v, "content_hash");

		directive_content_hash(&row, vec_u64(v, "chain_id"), &contract, &got);
		ck_hash(&got, &want);
	}
}
END_TEST

START_TEST(order_keys_of_the_vectors)
{
	static const char *const names[] = { "ordering_0", "ordering_1", "ordering_2" };
	const json_t *cases = json_object_get(vectors(), "content_hash");

	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *v = json_array_get(cases, i), *keys = json_object_get(v, "order_key");
		struct directive_row row = row_of(v);

		row.space_id = (int64_t)vec_u64(keys, "space_id");
		for (int o = ORDER_NONE; o <= ORDER_SIGNER; o++) {
			directive_order_key(&row, (enum space_ordering)o);
			if (json_is_null(json_object_get(keys, names[o])))
				ck_assert_uint_eq(row.order_key_n, 0);
			else
				ck_bytes(((struct bytes){ row.order_key, row.order_key_n }), vec_0x(keys, names[o]));
		}
	}
}
END_TEST

/* The vector's request, as a caller of the RPC writes it. */
static struct outbox_append request_of(const json_t *v, const json_t *change)
{
	json_t *params = json_hold(&outbox_world.arena, json_deep_copy(v));
	struct outbox_append in;

	json_object_update(params, (json_t *)change);
	OK(outbox_append_parse(&outbox_world.arena, params, &in, err));
	return in;
}

START_TEST(appending_the_vectors_again)
{
	json_t *all = vectors();
	const json_t *first = json_array_get(json_object_get(all, "content_hash"), 0);
	const json_t *again = json_object_get(all, "append_again_after_first");
	struct outbox_append in = request_of(first, json_object_in(&outbox_world.arena));
	struct outbox_appended made = outbox_world_append(&in);
	struct hash32 content = vec_hash(first, "content_hash");

	ck_assert(!made.existing);
	ck_hash(&made.row.content_hash, &content);
	ck_assert_uint_eq(json_array_size(again), 5);
	for (size_t i = 0; i < json_array_size(again); i++) {
		const json_t *v = json_array_get(again, i);

		in = request_of(first, json_object_get(v, "change"));
		if (strcmp(vec_str(v, "outcome"), "existing") == 0) {
			struct outbox_appended got = outbox_world_append(&in);

			ck_assert_msg(got.existing, "%s", vec_str(v, "name"));
			ck_assert_int_eq(got.row.seq, made.row.seq);
			ck_assert_uint_eq(got.row.nonce, made.row.nonce);
			ck_hash(&got.digest, &made.digest);
		} else {
			ck_assert_str_eq(vec_str(v, "outcome"), "idempotency_conflict");
			outbox_world_append_fails(&in, ERR_DIRECTIVE_CONFLICT, "directive_id");
		}
	}
	/* The first writer's expiry stays, and no nonce was spent by any of them. */
	ck_assert_int_eq(outbox_world_row("directive-1").expires_at_ms, -1);
	in = outbox_request("another");
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, made.row.nonce + 1);
}
END_TEST

/* --- dead letters of the vectors --- */

struct dead {
	const char *error;
	struct directive_row row;
};

static int claim_and_bury(struct unit *u, void *ctx, struct err *er)
{
	struct meters meters = meters_new();
	struct moves m = moves_in(u, &outbox_world.arena, &meters);
	struct dead *d = ctx;
	struct directive_row *rows;
	size_t n;

	if (directive_store_claim(u, &outbox_world.arena, outbox_space_id(), outbox_lane_id(), m.now_ms,
				  m.now_ms + 1000, 10, &rows, &n, er) != 0)
		return -1;
	ck_assert_uint_eq(n, 1);
	d->row = rows[0];
	return directive_dead_letter(&m, &d->row, REASON_INVALID_ACTION, d->error, er);
}

static void bury(const json_t *v)
{
	const json_t *row = json_object_get(v, "row"), *update = json_object_get(v, "update");
	struct outbox_append in = outbox_request(vec_str(row, "directive_id"));
	struct dead d = { .error = vec_str(v, "error") };

	in.action_key = vec_str(row, "action_key");
	outbox_world_append(&in);
	clock_set_for_test((int64_t)vec_u64(v, "timestamp"));
	OK(store_unit_now(outbox_world.disk.store, claim_and_bury, &d, err));
	if (json_is_null(update))
		ck_assert_uint_eq(outbox_events("directive.update", NULL), 0);
	else
		ck_assert(json_equal(outbox_last_event("directive.update", NULL), (json_t *)update));
}

START_TEST(a_dead_letter_tells_as_the_vectors_say)
{
	static const char *const names[] = { "withdrawal_dead_letter", "credit_dead_letter", "order_dead_letter" };
	json_t *updates = json_object_get(vectors(), "transaction_updates");

	ck_assert_uint_eq(json_object_size(updates), ARRAY_LEN(names));
	bury(json_object_get(updates, names[_i]));
}
END_TEST

/* The deadline of an attempt follows from the clock alone; what the request said of its expiry is recorded. */
START_TEST(an_expiry_in_the_past_is_recorded_and_ends_nothing)
{
	const json_t *v = json_object_get(vectors(), "submit_deadline");
	struct outbox_append in = outbox_request("late");

	ck_assert_int_eq((int64_t)vec_u64(v, "now_ms"), clock_now_ms());
	in.expires_at_ms = (int64_t)vec_u64(v, "row_expires_at_ms");
	outbox_world_append(&in);
	ck_assert_int_eq(outbox_world_row("late").expires_at_ms, 1);
	ck_assert_int_eq(outbox_world_row("late").status, DELIVERY_PENDING);
	ck_assert_int_eq((int64_t)vec_u64(v, "now_ms") + outbox_world.opt.attempt_limit_s * 1000,
			 (int64_t)vec_u64(v, "deadline_ms"));
}
END_TEST

/* --- what append writes --- */

START_TEST(what_is_appended_is_there)
{
	struct outbox_append in = outbox_request("one");
	struct outbox_appended made;
	struct directive_row row;
	json_t *accepted;

	outbox_world.ob->chains[0]->head_known = true;
	outbox_world.ob->chains[0]->head = 77;
	made = outbox_world_append(&in);
	row = outbox_world_row("one");
	ck_assert(!made.existing);
	ck_assert_int_eq(made.row.seq, row.seq);
	ck_assert_str_eq(row.kind, DIRECTIVE_KIND_RSM);
	ck_assert_str_eq(row.action_key, "system_withdraw_token");
	ck_assert_int_eq(row.space_id, outbox_space_id());
	ck_assert_int_eq(row.lane, outbox_lane_id());
	ck_assert(evm_address_equal(&row.account, &in.account));
	ck_assert(evm_address_equal(&row.signer, TO_ONE(outbox_address("0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F"))));
	ck_assert_uint_eq(row.nonce, 0);
	ck_assert_uint_eq(row.generation, 0);
	ck_assert_int_eq(row.expires_at_ms, -1);
	ck_assert_int_eq(row.status, DELIVERY_PENDING);
	ck_assert_int_eq(row.wake_at_ms, 0);
	ck_assert(row.holds_order && !row.blocked);
	ck_assert_uint_eq(row.attempts, 0);
	ck_assert_uint_eq(row.appended_block, 77);
	ck_assert_int_eq(row.created_at_ms, OUTBOX_NOW_MS);
	ck_assert_int_eq(row.finished_at_ms, 0);
	accepted = outbox_last_event("directive.accepted", "one");
	ck_assert_int_eq(json_integer_value(json_object_get(accepted, "outbox_seq")), row.seq);
}
END_TEST

/* What is signed is known at once, and the same as in the vectors of EIP-712. */
START_TEST(the_digest_is_that_of_the_vectors)
{
	struct outbox_append in = outbox_request("directive-1");
	struct outbox_appended made;
	struct hash32 want;

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET next_nonce = 7");
	made = outbox_world_append(&in);
	ck_assert_uint_eq(made.row.nonce, 7);
	hex_to("9765163df99f52cb0524f194abc23c722a713279cf8f8d40da4f12356be89957", want.b, sizeof(want.b));
	ck_hash(&made.digest, &want);
}
END_TEST

/* --- order and lanes --- */

static struct outbox_appended append_for(const char *id, const char *account)
{
	struct outbox_append in = outbox_request(id);

	in.account = outbox_address(account);
	return outbox_world_append(&in);
}

START_TEST(a_key_is_one_queue_in_one_lane)
{
	static const char *const ids[] = { "a", "b", "c", "d" };
	const struct directive_row first = append_for("first", accounts[0]).row;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct directive_row row = append_for(ids[i], accounts[0]).row;

		ck_assert(row.holds_order && row.blocked);
		ck_assert_int_eq(row.lane, first.lane);
	}
	ck_assert(!append_for("other", accounts[1]).row.blocked);
}
END_TEST

START_TEST(without_order_nobody_waits)
{
	outbox_world.spaces[0].ordering = ORDER_NONE;
	outbox_world_again();
	for (int i = 0; i < 3; i++) {
		struct directive_row row = append_for(arena_printf(&outbox_world.arena, "n%d", i), accounts[0]).row;

		ck_assert(!row.holds_order && !row.blocked);
		ck_assert_uint_eq(row.order_key_n, 0);
	}
}
END_TEST

START_TEST(the_order_of_a_signer_is_one_queue)
{
	outbox_world.spaces[0].ordering = ORDER_SIGNER;
	outbox_world_again();
	ck_assert(!append_for("a", accounts[0]).row.blocked);
	ck_assert(append_for("b", accounts[1]).row.blocked);
}
END_TEST

/* While something of a key is open the key stays in its lane, even when the number of lanes changes. */
START_TEST(a_key_with_open_work_keeps_its_lane)
{
	int64_t lane;

	outbox_world.chain.lanes = 4;
	outbox_world_again();
	lane = append_for("a", accounts[0]).row.lane;
	outbox_world.chain.lanes = 5;
	outbox_world_again();
	ck_assert_int_eq(append_for("b", accounts[0]).row.lane, lane);
}
END_TEST

START_TEST(keys_spread_over_the_lanes_and_always_the_same_way)
{
	unsigned used[4] = { 0 };

	outbox_world.chain.lanes = 4;
	outbox_world.spaces[0].ordering = ORDER_NONE;
	outbox_world_again();
	for (int i = 0; i < 200; i++) {
		const char *id = arena_printf(&outbox_world.arena, "spread-%d", i);
		int64_t lane = append_for(id, accounts[0]).row.lane;

		ck_assert_int_ge(lane, 1);
		ck_assert_int_le(lane, 4);
		used[lane - 1]++;
	}
	for (int i = 0; i < 4; i++)
		ck_assert_uint_gt(used[i], 20);
	/* Pinned: where a key went before an update of walletd it goes after it. */
	ck_assert_int_eq(outbox_world_row("spread-0").lane, 4);
	ck_assert_int_eq(outbox_world_row("spread-1").lane, 3);
}
END_TEST

/* --- bad input --- */

static const struct bad {
	const char *name, *field;
	enum err_code why;
	const char *member, *json; /* in place of what the good request has; NULL: taken away */
} bad[] = {
	{ "empty id", "directive_id", ERR_PARAM, "directive_id", "\"\"" },
	{ "no id", "directive_id", ERR_PARAM, "directive_id", NULL },
	{ "id of 129 bytes", "directive_id", ERR_PARAM, "directive_id",
	  "\"0123456789012345678901234567890123456789012345678901234567890123"
	  "01234567890123456789012345678901234567890123456789012345678901234\"" },
	{ "control character in the id", "directive_id", ERR_PARAM, "directive_id", "\"a\\u0007b\"" },
	{ "Latin-1 control character in the id", "directive_id", ERR_PARAM, "directive_id", "\"a\\u0085b\"" },
	{ "id is a number", "directive_id", ERR_PARAM, "directive_id", "7" },
	{ "unknown kind", "kind", ERR_KIND_UNSUPPORTED, "kind", "\"needs_two_signatures\"" },
	{ "empty kind", "kind", ERR_KIND_UNSUPPORTED, "kind", "\"\"" },
	{ "empty action key", "action_key", ERR_ACTION_INVALID, "action_key", "\"\"" },
	{ "capital in the action key", "action_key", ERR_ACTION_INVALID, "action_key", "\"System_withdraw_token\"" },
	{ "action key too long", "action_key", ERR_PARAM, "action_key",
	  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" },
	{ "unknown action key", "action_key", ERR_ACTION_UNSUPPORTED, "action_key", "\"hl_send_asset\"" },
	{ "no action key", "action_key", ERR_PARAM, "action_key", NULL },
	{ "account without its checksum", "account", ERR_PARAM, "account",
	  "\"0x70997970C51812dc3A010C7d01b50e0d17dc79c8\"" },
	{ "account too short", "account", ERR_PARAM, "account", "\"0x70997970C51812dc3A010C7d01b50e0d17dc79\"" },
	{ "account without 0x", "account", ERR_PARAM, "account", "\"70997970c51812dc3a010c7d01b50e0d17dc79c8\"" },
	{ "zero account", "account", ERR_ACTION_INVALID, "account", "\"0x0000000000000000000000000000000000000000\"" },
	{ "signer without its checksum", "signer", ERR_PARAM, "signer",
	  "\"0x6B7d98d0c96004F367468f2aC37dBF6E660e8A0F\"" },
	{ "unknown signer", "signer", ERR_SIGNER_UNKNOWN, "signer", "\"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\"" },
	{ "unknown contract", "contract", ERR_SIGNER_UNKNOWN, "contract",
	  "\"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\"" },
	{ "contract is no address", "contract", ERR_PARAM, "contract", "\"0x12\"" },
	{ "unknown chain", "chain_id", ERR_SIGNER_UNKNOWN, "chain_id", "1" },
	{ "negative chain", "chain_id", ERR_PARAM, "chain_id", "-1" },
	{ "chain in hex", "chain_id", ERR_PARAM, "chain_id", "\"0x7a69\"" },
	{ "payload without 0x", "payload", ERR_PARAM, "payload", "\"010203\"" },
	{ "half a byte of payload", "payload", ERR_PARAM, "payload", "\"0x010\"" },
	{ "payload is not hex", "payload", ERR_PARAM, "payload", "\"0xzz\"" },
	{ "no payload", "payload", ERR_PARAM, "payload", NULL },
	{ "negative expiry", "expires_at_ms", ERR_PARAM, "expires_at_ms", "-5" },
	{ "expiry with a fraction", "expires_at_ms", ERR_PARAM, "expires_at_ms", "1.5" },
};

static json_t *good_params(void)
{
	json_t *p = json_object_in(&outbox_world.arena);

	json_set_str(p, "directive_id", "good");
	json_set_str(p, "action_key", "system_withdraw_token");
	json_set_str(p, "account", OUTBOX_ACCOUNT);
	json_set_str(p, "payload", "0x010203");
	return p;
}

struct raw {
	const json_t *params;
	struct outbox_appended out;
};

/* As the RPC does it: parse, then append. */
static int append_raw(struct unit *u, void *ctx, struct err *er)
{
	struct raw *r = ctx;
	struct outbox_append in;

	if (outbox_append_parse(&outbox_world.arena, r->params, &in, er) != 0)
		return -1;
	return outbox_append(outbox_world.ob, u, &outbox_world.arena, &in, &r->out, er);
}

static void assert_nothing_written(void)
{
	struct space_row space;
	uint64_t tally[DELIVERY_COUNT];
	struct view v = store_view(outbox_world.disk.store);

	OK(space_store_get(v, &outbox_world.arena, outbox_space_id(), &space, err));
	ck_assert_uint_eq(space.next_nonce, 0);
	OK(directive_store_tally(v, 0, tally, err));
	ck_assert_uint_eq(tally[DELIVERY_PENDING], 0);
	ck_assert_uint_eq(outbox_events("directive.*", NULL), 0);
}

static const struct {
	const char *member, *value, *hint;
} remedies[] = {
	{ "action_key", "hl_send_asset", "give system_withdraw_token, system_credit_option or rsm_hl_limit_order" },
	{ "account", "0x70997970C51812dc3A010C7d01b50e0d17dc79c8",
	  "copy it again from where it came; in small letters alone it has no checksum" },
	{ "kind", "needs_two_signatures", "leave kind out, or give needs_rsm_signature" },
};

START_TEST(a_refusal_names_the_remedy)
{
	struct raw r = { .params = good_params() };

	json_set_str((json_t *)r.params, remedies[_i].member, remedies[_i].value);
	ck_assert_int_eq(store_unit_now(outbox_world.disk.store, append_raw, &r, err), -1);
	ck_assert_str_eq(err->hint, remedies[_i].hint);
}
END_TEST

START_TEST(bad_input_is_refused)
{
	const struct bad *b = &bad[_i];
	struct raw r = { .params = good_params() };
	json_t *value;

	json_object_del((json_t *)r.params, b->member);
	if (b->json) {
		value = json_loads(b->json, JSON_DECODE_ANY, NULL);
		json_set_take((json_t *)r.params, b->member, value);
	}
	ck_assert_msg(store_unit_now(outbox_world.disk.store, append_raw, &r, err) == -1, "%s", b->name);
	ck_assert_msg(err->code == b->why, "%s: %s: %s", b->name, err_kind(err->code), err->msg);
	ck_assert_msg(strcmp(err->field, b->field) == 0, "%s: field %s", b->name, err->field);
	assert_nothing_written();
}
END_TEST

START_TEST(a_wrong_checksum_is_called_that)
{
	struct evm_address got;

	FAILS(outbox_address_parse("0x70997970C51812dc3A010C7d01b50e0d17dc79c8", "account", &got, err), ERR_PARAM);
	ck_assert_ptr_nonnull(strstr(err->msg, "bad_checksum"));
}
END_TEST

START_TEST(numbers_may_be_text)
{
	struct raw r = { .params = good_params() };
	json_t *p = (json_t *)r.params;

	json_set_str(p, "chain_id", "31337");
	json_set_str(p, "expires_at_ms", "9007199254740993");
	json_set_str(p, "kind", DIRECTIVE_KIND_RSM);
	json_set_str(p, "signer", "0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F");
	json_set_str(p, "contract", "0x5FbDB2315678afecb367f032d93F642f64180aa3");
	json_set_str(p, "payload", "0x");
	OK(store_unit_now(outbox_world.disk.store, append_raw, &r, err));
	ck_assert_int_eq(outbox_world_row("good").expires_at_ms, INT64_C(9007199254740993));
	ck_assert_uint_eq(outbox_world_row("good").payload.n, 0);
}
END_TEST

static const uint8_t zeros[DIRECTIVE_PAYLOAD_MAX + 1];

START_TEST(a_payload_has_a_limit)
{
	struct outbox_append in = outbox_request("large");
	struct raw r = { .params = good_params() };
	char *hex = arena_alloc(&outbox_world.arena, 2 * sizeof(zeros) + 3);

	in.payload = (struct bytes){ zeros, sizeof(zeros) };
	outbox_world_append_fails(&in, ERR_ACTION_INVALID, "payload");
	memset(hex, '0', 2 * sizeof(zeros) + 2);
	hex[1] = 'x';
	json_set_str((json_t *)r.params, "payload", hex);
	FAILS(store_unit_now(outbox_world.disk.store, append_raw, &r, err), ERR_ACTION_INVALID);
	ck_assert_str_eq(err->field, "payload");
	assert_nothing_written();
	in.payload.n = DIRECTIVE_PAYLOAD_MAX;
	outbox_world_append(&in);
	ck_assert_uint_eq(outbox_world_row("large").payload.n, DIRECTIVE_PAYLOAD_MAX);
}
END_TEST

START_TEST(a_payload_has_the_shape_of_its_action)
{
	struct outbox_append in = outbox_request("shaped");

	outbox_world.spaces[0].any_payload = false;
	outbox_world_again();
	outbox_world_append_fails(&in, ERR_ACTION_INVALID, "payload");
	assert_nothing_written();
	in.payload = (struct bytes){ zeros, 96 };
	outbox_world_append(&in);
}
END_TEST

START_TEST(an_id_of_128_bytes_of_any_script_is_fine)
{
	char id[DIRECTIVE_ID_MAX + 1] = "";
	struct outbox_append in = outbox_request(id);

	for (int i = 0; i < DIRECTIVE_ID_MAX / 2; i++)
		memcpy(id + 2 * i, "\xc3\xbc", 2);
	outbox_world_append(&in);
	ck_assert_uint_eq(strlen(outbox_world_row(id).id), DIRECTIVE_ID_MAX);
	memcpy(id, "\xff\xff", 2);
	outbox_world_append_fails(&in, ERR_PARAM, "directive_id");
}
END_TEST

/* --- spaces --- */

START_TEST(of_several_spaces_one_must_be_named)
{
	struct outbox_append in = outbox_request("which");
	const struct evm_address contract = outbox_address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
	const struct evm_address second = outbox_address("0xb5B791CA33687ea58B647d9522838F471035322b");
	struct directive_row row;

	outbox_world.spaces[1] = outbox_world.spaces[0];
	outbox_world.spaces[1].signer = "hd:1";
	outbox_world.spaces[2] = outbox_world.spaces[0];
	outbox_world.spaces[2].contract = contract;
	outbox_world.opt.n_spaces = 3;
	outbox_world_again();
	outbox_world_append_fails(&in, ERR_PARAM, "signer");
	in.signer = &second;
	outbox_world_append(&in);
	row = outbox_world_row("which");
	ck_assert(evm_address_equal(&row.signer, &second));
	in = outbox_request("of the other contract");
	in.contract = &contract;
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, 0); /* each space counts by itself */
	/* The same id for another space is other work. */
	in = outbox_request("which");
	in.contract = &contract;
	outbox_world_append_fails(&in, ERR_DIRECTIVE_CONFLICT, "directive_id");
}
END_TEST

START_TEST(a_paused_space_accepts)
{
	struct outbox_append in = outbox_request("while paused");

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET pause_reason = 'for lunch'");
	ck_assert(!outbox_world_append(&in).existing);
}
END_TEST

START_TEST(a_signer_never_seen_needs_the_wallet)
{
	struct outbox_append in = outbox_request("early");

	outbox_world_down();
	scratch_sql(&outbox_world.disk, "DELETE FROM outbox_nonce_space; DELETE FROM outbox_lane");
	outbox_world.locked = true;
	outbox_world_up();
	ck_assert_str_eq(outbox_world_append_fails(&in, ERR_WALLET_LOCKED, "")->hint, "wallet.unlock");
	outbox_set_keys(outbox_world.ob, outbox_world.keys);
	outbox_world_append(&in);
}
END_TEST

/* Once it was known, appends go on behind a locked wallet. */
START_TEST(a_known_signer_accepts_while_locked)
{
	struct outbox_append in = outbox_request("locked");

	outbox_world.locked = true;
	outbox_world_again();
	outbox_world_append(&in);
	ck_assert_str_eq(outbox_world_row("locked").id, "locked");
}
END_TEST

/* --- limits --- */

START_TEST(there_is_room_for_so_many)
{
	struct outbox_append in = outbox_request("c");

	outbox_world.opt.max_open = 2;
	outbox_world_again();
	append_for("a", accounts[0]);
	append_for("b", accounts[0]);
	outbox_world_append_fails(&in, ERR_BUSY, "");
	/* What is there already needs no room. */
	in = outbox_request("a");
	ck_assert(outbox_world_append(&in).existing);
	scratch_sql(&outbox_world.disk,
		    "UPDATE directive_outbox SET delivery_status = 4, wake_at_ms = NULL, holds_order = 0, blocked = 0"
		    " WHERE directive_id = 'a'");
	in = outbox_request("c");
	outbox_world_append(&in);
}
END_TEST

START_TEST(nonces_come_to_an_end)
{
	struct outbox_append in = outbox_request("last");

	scratch_sql(&outbox_world.disk, "UPDATE outbox_nonce_space SET next_nonce = 9223372036854775806");
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, UINT64_C(9223372036854775806));
	in = outbox_request("one too many");
	outbox_world_append_fails(&in, ERR_RANGE, "");
}
END_TEST

/* --- the caller's unit --- */

static int append_then_fail(struct unit *u, void *ctx, struct err *er)
{
	struct outbox_append in = outbox_request(ctx);
	struct outbox_appended out;

	ck_assert_int_eq(outbox_append(outbox_world.ob, u, &outbox_world.arena, &in, &out, er), 0);
	return ERR(er, ERR_FUNDS, "the caller changed its mind");
}

static uint64_t accepted(void)
{
	return metric_value(outbox_world.ob->meters.accepted);
}

START_TEST(what_the_caller_takes_back_never_was)
{
	uint64_t before = accepted();
	struct outbox_append in = outbox_request("kept");

	FAILS(store_unit_now(outbox_world.disk.store, append_then_fail, "gone", err), ERR_FUNDS);
	assert_nothing_written();
	ck_assert_uint_eq(accepted(), before);
	ck_assert_uint_eq(outbox_world_append(&in).row.nonce, 0); /* nothing was signed: the nonce is free again */
	ck_assert_uint_eq(accepted(), before + 1);
}
END_TEST

struct caller {
	struct outbox_append in;
	int rc; /* 1: nothing heard yet */
};

static int caller_append(struct unit *u, void *ctx, struct err *er)
{
	const struct caller *c = ctx;
	struct outbox_appended out;

	return outbox_append(outbox_world.ob, u, &outbox_world.arena, &c->in, &out, er);
}

static void caller_heard(void *ctx, const struct err *failed)
{
	((struct caller *)ctx)->rc = failed ? -1 : 0;
}

/* Counted when it is durable, neither before nor when the group's commit fails; and the outbox may be gone by then. */
START_TEST(counters_follow_the_commit)
{
	struct caller c[2] = { { outbox_request("a"), 1 }, { outbox_request("b"), 1 } };
	struct metric *m = outbox_world.ob->meters.accepted;
	uint64_t before = metric_value(m);

	OK(store_unit(outbox_world.disk.store, caller_append, &c[0], caller_heard, err));
	ck_assert_uint_eq(metric_value(m), before);
	store_flush(outbox_world.disk.store);
	ck_assert_int_eq(c[0].rc, 0);
	ck_assert_uint_eq(metric_value(m), before + 1);
	failpoint_configure("store.commit.before:error:1");
	OK(store_unit(outbox_world.disk.store, caller_append, &c[1], caller_heard, err));
	store_flush(outbox_world.disk.store);
	failpoint_configure(NULL);
	ck_assert_int_eq(c[1].rc, -1);
	ck_assert_uint_eq(metric_value(m), before + 1);
	OK(store_unit(outbox_world.disk.store, caller_append, &c[1], caller_heard, err));
	outbox_world_again();
	ck_assert_int_eq(c[1].rc, 0);
	ck_assert_uint_eq(metric_value(m), before + 2);
}
END_TEST

/* --- two of them --- */

/* Another daemon on the same file: its own store, and the same outbox's configuration. */
static struct outbox *second_outbox(struct store **ret)
{
	struct store_options opt = { .path = outbox_world.disk.path, .shared = true };
	struct outbox_options ob = outbox_world.opt;
	struct outbox *second;

	OK(store_open(&opt, ret, err));
	ob.store = *ret;
	OK(outbox_new(&ob, &second, err));
	outbox_set_keys(second, outbox_world.keys);
	return second;
}

struct race {
	struct outbox *ob;
	struct outbox_append in;
	struct outbox_appended out;
};

static int race_append(struct unit *u, void *ctx, struct err *er)
{
	struct race *r = ctx;

	return outbox_append(r->ob, u, &outbox_world.arena, &r->in, &r->out, er);
}

START_TEST(two_appenders_get_one_row)
{
	struct store *store;
	struct outbox *second = second_outbox(&store);
	const uint64_t n = 50;

	for (uint64_t i = 0; i < n; i++) {
		const char *id = arena_printf(&outbox_world.arena, "race-%" PRIu64, i);
		struct race a = { .ob = i % 2 ? outbox_world.ob : second, .in = outbox_request(id) };
		struct race b = { .ob = i % 2 ? second : outbox_world.ob, .in = outbox_request(id) };

		OK(store_unit_now(a.ob->opt.store, race_append, &a, err));
		OK(store_unit_now(b.ob->opt.store, race_append, &b, err));
		ck_assert(!a.out.existing && b.out.existing);
		ck_assert_uint_eq(a.out.row.nonce, i);
		ck_assert_uint_eq(b.out.row.nonce, i);
		b.in.payload.n = 2;
		FAILS(store_unit_now(b.ob->opt.store, race_append, &b, err), ERR_DIRECTIVE_CONFLICT);
	}
	outbox_free(second);
	store_close(store);
}
END_TEST

/* The group of one is open while the other wants to write: it is told to try again, and finds the row then. */
START_TEST(an_open_group_holds_the_other_off)
{
	struct store *store;
	struct outbox *second = second_outbox(&store);
	struct race a = { .ob = outbox_world.ob, .in = outbox_request("same") };
	struct race b = { .ob = second, .in = outbox_request("same") };

	OK(store_unit(outbox_world.disk.store, race_append, &a, NULL, err));
	FAILS(store_unit_now(store, race_append, &b, err), ERR_BUSY);
	store_flush(outbox_world.disk.store);
	OK(store_unit_now(store, race_append, &b, err));
	ck_assert(b.out.existing);
	ck_assert_int_eq(b.out.row.seq, a.out.row.seq);
	outbox_free(second);
	store_close(store);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/append");
	TCase *tc = rails_case(s, "vectors");

	tcase_add_checked_fixture(tc, outbox_setup, outbox_teardown);
	tcase_add_test(tc, content_hashes_of_the_vectors);
	tcase_add_test(tc, order_keys_of_the_vectors);
	tcase_add_test(tc, appending_the_vectors_again);
	tcase_add_loop_test(tc, a_dead_letter_tells_as_the_vectors_say, 0, 3);
	tcase_add_test(tc, an_expiry_in_the_past_is_recorded_and_ends_nothing);

	tc = tcase_create("append");
	tcase_add_checked_fixture(tc, outbox_setup, outbox_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_appended_is_there);
	tcase_add_test(tc, the_digest_is_that_of_the_vectors);
	tcase_add_test(tc, a_key_is_one_queue_in_one_lane);
	tcase_add_test(tc, without_order_nobody_waits);
	tcase_add_test(tc, the_order_of_a_signer_is_one_queue);
	tcase_add_test(tc, a_key_with_open_work_keeps_its_lane);
	tcase_add_test(tc, keys_spread_over_the_lanes_and_always_the_same_way);
	tcase_add_loop_test(tc, bad_input_is_refused, 0, (int)ARRAY_LEN(bad));
	tcase_add_loop_test(tc, a_refusal_names_the_remedy, 0, (int)ARRAY_LEN(remedies));
	tcase_add_test(tc, a_wrong_checksum_is_called_that);
	tcase_add_test(tc, numbers_may_be_text);
	tcase_add_test(tc, a_payload_has_a_limit);
	tcase_add_test(tc, a_payload_has_the_shape_of_its_action);
	tcase_add_test(tc, an_id_of_128_bytes_of_any_script_is_fine);
	tcase_add_test(tc, of_several_spaces_one_must_be_named);
	tcase_add_test(tc, a_paused_space_accepts);
	tcase_add_test(tc, a_signer_never_seen_needs_the_wallet);
	tcase_add_test(tc, a_known_signer_accepts_while_locked);
	tcase_add_test(tc, there_is_room_for_so_many);
	tcase_add_test(tc, nonces_come_to_an_end);
	tcase_add_test(tc, what_the_caller_takes_back_never_was);
	tcase_add_test(tc, counters_follow_the_commit);
	tcase_add_test(tc, two_appenders_get_one_row);
	tcase_add_test(tc, an_open_group_holds_the_other_off);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
