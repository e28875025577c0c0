/* What becomes of a directive that is claimed: the decision tables of spec/outbox.md 3.1 and 3.2, row by row. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/signer.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/suite.h"

#define DEAD_LETTERED "walletd_directive_outbox_dead_lettered_total"
#define MANUAL        "walletd_directive_outbox_manual_reconciliation_required_total"
#define WITHDRAWALS   "walletd_withdrawal_manual_reconciliation_required_total"
#define ATTEMPTS      "walletd_directive_outbox_attempts_total"

static struct err e, *err = &e;

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static void say_error(const char *method, const char *words)
{
	evm_node_error(node(), method, words);
}

/* --- causes --- */

static void unknown_kind(void)
{
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET kind = 'needs_magic'");
}
static void other_payload(void)
{
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET payload = x'010204'");
}
static void unknown_action(void)
{
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET action_key = 'hl_limit_order'");
}
static void other_digest_signed(void)
{
	scratch_sql(&outbox_world.disk,
		    "INSERT INTO directive_signature (space_id, nonce, outbox_seq, digest, signature, signed_at_ms)"
		    " SELECT space_id, nonce, outbox_seq, zeroblob(32), zeroblob(65), 1 FROM directive_outbox");
}
static void shapes_matter_now(void)
{
	outbox_world.spaces[0].any_payload = false;
	outbox_drive_again();
}
static void signing_fails(void)
{
	ck_assert(failpoint_configure("outbox.sign:error:0"));
}
static void signatures_unreadable(void)
{
	scratch_sql(&outbox_world.disk, "ALTER TABLE directive_signature RENAME TO hidden");
}
static void spent_by_another(void)
{
	struct directive_row row = outbox_world_row("one");
	struct hash32 digest = rows_hash(0xabcd);

	evm_node_spend(node(), &row.signer, row.nonce, &digest, NULL);
}
static void spent_by_us(void)
{
	struct directive_row row = outbox_world_row("one");
	struct hash32 id, digest;

	signer_digest(outbox_world.ob->spaces[0], &row, &id, &digest);
	evm_node_spend(node(), &row.signer, row.nonce, &digest, NULL);
}
static void revoked(void)
{
	struct directive_row row = outbox_world_row("one");

	evm_node_spend(node(), &row.signer, row.nonce, NULL, NULL);
}
static void spent_and_pruned(void)
{
	spent_by_another();
	evm_node_prune(node(), true);
}
static void spent_and_unreadable(void)
{
	spent_by_another();
	say_error("call:is_nonce_used", "header not found");
}
static void nonces_unreadable(void)
{
	say_error("call:nonces_used", "internal error");
}
static void nonces_garbled(void)
{
	evm_node_say(node(), &(struct evm_saying){ .method = "call:nonces_used", .result = "\"0x01\"" });
}
static void nonces_unreadable_and_required(void)
{
	outbox_world.chain.nonce_check_required = true;
	outbox_world_again();
	nonces_unreadable();
}
static void estimate_unreadable(void)
{
	say_error("eth_estimateGas", "internal error");
}
static void call_unreadable(void)
{
	say_error("call:batch", "internal error");
	say_error("call:execute", "internal error");
}
static void no_time(void)
{
	outbox_world.opt.attempt_limit_s = 0;
	outbox_drive_again();
}
static void nothing(void)
{
}

/* --- the table --- */

static const struct decision {
	const char *name;
	void (*cause)(void); /* after append, before the outbox has seen it */
	enum delivery_status then;
	const char *reason, *words; /* NULL: none */
	const char *attempt;        /* the attempt that is counted, or NULL */
	unsigned attempts;
	bool recheck;
} decisions[] = {
	{ "2: unknown kind", unknown_kind, DELIVERY_DEAD_LETTERED, REASON_UNSUPPORTED_KIND,
	  "unsupported directive outbox kind needs_magic", NULL, 0, false },
	{ "3: payload of another shape", shapes_matter_now, DELIVERY_DEAD_LETTERED, REASON_INVALID_ACTION, "payload",
	  NULL, 0, false },
	{ "3: unknown action", unknown_action, DELIVERY_DEAD_LETTERED, REASON_UNSUPPORTED_ACTION, "hl_limit_order",
	  NULL, 0, false },
	{ "3: not what was accepted", other_payload, DELIVERY_DEAD_LETTERED, REASON_IDEMPOTENCY_CONFLICT,
	  "content hash", NULL, 0, false },
	{ "3b: another digest under its nonce", other_digest_signed, DELIVERY_DEAD_LETTERED,
	  REASON_IDEMPOTENCY_CONFLICT, "another digest", NULL, 0, false },
	{ "4: signing fails", signing_fails, DELIVERY_RETRY, NULL, "outbox.sign", "signing_failed", 1, false },
	{ "4: signatures unreadable", signatures_unreadable, DELIVERY_RETRY, NULL, "directive_signature",
	  "persistence_failed", 1, false },
	{ "5: nonce used by another", spent_by_another, DELIVERY_MANUAL, REASON_NONCE_CONSUMED,
	  "another directive was executed", NULL, 0, false },
	{ "5a: nonce used by ourselves", spent_by_us, DELIVERY_CONFIRMED, NULL, NULL, NULL, 0, false },
	{ "5b: nonce revoked", revoked, DELIVERY_MANUAL, REASON_NONCE_CONSUMED, "it was revoked", NULL, 0, false },
	{ "5c: nonce used, no logs", spent_and_pruned, DELIVERY_MANUAL, REASON_NONCE_CONSUMED, "evidence unavailable",
	  NULL, 0, true },
	{ "5: nonce used, and by whom cannot be asked", spent_and_unreadable, DELIVERY_RETRY, NULL,
	  "who used it cannot be asked", "endpoint", 1, false },
	{ "6: nonces cannot be read", nonces_unreadable, DELIVERY_SUBMITTED, NULL, NULL, "submitted", 1, false },
	{ "6: nonces are garbled", nonces_garbled, DELIVERY_SUBMITTED, NULL, NULL, "submitted", 1, false },
	{ "6: nonces cannot be read and must be", nonces_unreadable_and_required, DELIVERY_RETRY, NULL,
	  "the nonce check cannot be read", "endpoint", 1, false },
	{ "7: all is well", nothing, DELIVERY_SUBMITTED, NULL, NULL, "submitted", 1, false },
	{ "7a: the dry run cannot be read", call_unreadable, DELIVERY_RETRY, NULL, "dry run: ", "endpoint", 1, false },
	{ "7a: no estimate", estimate_unreadable, DELIVERY_RETRY, NULL, "gas estimate: ", "dry_run", 1, false },
	{ "8a: no time left", no_time, DELIVERY_RETRY, NULL, "submit deadline exceeded", "deadline", 1, false },
};

static const char *const keys[] = { "system_withdraw_token", "system_credit_option", "rsm_hl_limit_order" };

struct counted {
	uint64_t dead, manual, withdrawal, attempts;
};

static struct counted counted(const struct decision *d, const char *key)
{
	struct arena *a = &outbox_world.arena;
	const char *shown = d->cause == unknown_action ? "other" : key;
	const char *both = arena_printf(a, "action_key=\"%s\",reason_class=\"%s\"", shown, d->reason ? d->reason : "");
	const char *result = arena_printf(a, "result=\"%s\"", d->attempt ? d->attempt : "submitted");

	return (struct counted){ outbox_metric(DEAD_LETTERED, both), outbox_metric(MANUAL, both),
				 outbox_metric(WITHDRAWALS, arena_printf(a, "action_key=\"%s\"", key)),
				 outbox_metric(ATTEMPTS, result) };
}

static void accept_one(const char *key)
{
	struct outbox_append in = outbox_request("one");

	in.action_key = key;
	in.expires_at_ms = 1; /* long ago: F16 */
	(void)outbox_world_append(&in);
}

static void check_row(const struct decision *d)
{
	struct directive_row row = outbox_world_row("one");

	ck_assert_str_eq(delivery_status_name(row.status), delivery_status_name(d->then));
	if (d->reason)
		ck_assert_str_eq(row.reason_class, d->reason);
	else
		ck_assert_ptr_null(row.reason_class);
	if (d->words)
		ck_assert_msg(row.last_error && strstr(row.last_error, d->words), "%s", row.last_error);
	else
		ck_assert_ptr_null(row.last_error);
	ck_assert_uint_eq(row.attempts, d->attempts);
	ck_assert_int_eq(row.recheck_at_ms, d->recheck ? OUTBOX_NOW_MS + INT64_C(600000) : (int64_t)DIRECTIVE_NO_WAKE);
	if (d->then == DELIVERY_RETRY) {
		ck_assert_int_ge(row.wake_at_ms, OUTBOX_NOW_MS + 500);
		ck_assert_int_le(row.wake_at_ms, OUTBOX_NOW_MS + 1000);
	}
}

static void check_counted(const struct decision *d, const char *key, const struct counted *was)
{
	bool for_people = d->then == DELIVERY_DEAD_LETTERED || d->then == DELIVERY_MANUAL;
	bool withdrawal = strcmp(key, "rsm_hl_limit_order") != 0 && d->cause != unknown_action;
	struct counted now = counted(d, key);

	ck_assert_uint_eq(now.dead - was->dead, d->then == DELIVERY_DEAD_LETTERED);
	ck_assert_uint_eq(now.manual - was->manual, d->then == DELIVERY_MANUAL);
	ck_assert_uint_eq(now.withdrawal - was->withdrawal, for_people && withdrawal);
	ck_assert_uint_eq(now.attempts - was->attempts, d->attempt != NULL);
}

static void check_events(const struct decision *d, const char *key)
{
	bool withdrawal = strcmp(key, "rsm_hl_limit_order") != 0 && d->cause != unknown_action;
	unsigned updates = outbox_events("directive.update", "one");
	json_t *last;

	switch (d->then) {
	case DELIVERY_DEAD_LETTERED:
		ck_assert_uint_eq(updates, withdrawal);
		if (!withdrawal)
			return;
		last = outbox_last_event("directive.update", "one");
		ck_assert_str_eq(json_string_value(json_object_get(last, "status")), "failed");
		ck_assert(strstr(json_string_value(json_object_get(last, "error")), d->words));
		ck_assert(json_is_null(json_object_get(last, "tx_hash")));
		ck_assert(json_is_null(json_object_get(last, "gas_used")));
		ck_assert(json_is_null(json_object_get(last, "gas_price")));
		return;
	case DELIVERY_CONFIRMED:
		ck_assert_uint_eq(updates, 2); /* included, confirmed */
		return;
	case DELIVERY_SUBMITTED:
		ck_assert_uint_eq(updates, 1);
		return;
	default:
		ck_assert_uint_eq(updates, 0);
	}
}

#define N_DECISIONS (int)ARRAY_LEN(decisions)

/* Each with each action in batches, and once more alone. */
START_TEST(decision)
{
	const struct decision *d = &decisions[_i % N_DECISIONS];
	const char *key = keys[_i / N_DECISIONS % (int)ARRAY_LEN(keys)];
	struct counted was = counted(d, key);

	if (_i >= N_DECISIONS * (int)ARRAY_LEN(keys)) {
		outbox_world.chain.batch_max = 1;
		outbox_drive_again();
	}
	accept_one(key);
	d->cause();
	outbox_kick(outbox_world.ob);
	outbox_turns(2);
	ck_assert(failpoint_configure(NULL));
	if (d->cause == signatures_unreadable)
		scratch_sql(&outbox_world.disk, "ALTER TABLE hidden RENAME TO directive_signature");
	check_row(d);
	check_counted(d, key, &was);
	check_events(d, key);
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, NULL), d->then == DELIVERY_SUBMITTED);
}
END_TEST

START_TEST(nothing_to_claim_writes_nothing)
{
	struct store_stats before, after;

	store_stats(outbox_world.disk.store, &before);
	outbox_kick(outbox_world.ob);
	outbox_turns(3);
	store_stats(outbox_world.disk.store, &after);
	ck_assert_uint_eq(after.units, before.units);
}
END_TEST

/* The seed's test looks for these words. */
START_TEST(consumed_nonce_asks_for_a_person)
{
	const char *text;

	accept_one(keys[0]);
	spent_by_another();
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	text = outbox_world_row("one").last_error;
	ck_assert_ptr_nonnull(strstr(text, "nonce 0 is already used before directive submission"));
	ck_assert_ptr_nonnull(strstr(text, "on-chain outcome is unknown"));
	ck_assert_ptr_nonnull(strstr(text, "manual reconciliation"));
}
END_TEST

/* --- signing errors --- */

static const struct {
	enum err_code code;
	const char *reason;
} permanent[] = {
	{ ERR_ACTION_INVALID, REASON_INVALID_ACTION },
	{ ERR_ACTION_UNSUPPORTED, REASON_UNSUPPORTED_ACTION },
	{ ERR_DIRECTIVE_CONFLICT, REASON_IDEMPOTENCY_CONFLICT },
};

static const enum err_code all_codes[] = {
#define CODE(code, kind, class) code,
	ERR_CODES(CODE)
#undef CODE
};

static const char *reason_of(enum err_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(permanent); i++)
		if (permanent[i].code == code)
			return permanent[i].reason;
	return "none";
}

/* These three end a directive, each with its reason, and no other error there is. */
START_TEST(only_permanent_signing_errors_end_a_directive)
{
	for (size_t i = 0; i < ARRAY_LEN(all_codes); i++) {
		const char *reason;

		ERR(err, all_codes[i], "as a signer might say");
		reason = signer_permanent_reason(err);
		ck_assert_str_eq(reason ? reason : "none", reason_of(all_codes[i]));
	}
}
END_TEST

#define TRIES 10000

static int fail_run(struct unit *u, void *ctx, struct err *er)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	struct moves m = moves_in(u, &a, &outbox_world.ob->meters);
	struct directive_row *rows;
	size_t n;

	(void)ctx;
	OK(directive_store_claim(u, &a, outbox_space_id(), outbox_lane_id(), INT64_MAX - 1, INT64_MAX, 1, &rows, &n,
				 err));
	ck_assert_uint_eq(n, 1);
	OK(directive_fail(&m, &rows[0], ATTEMPT_SIGNING_FAILED, "the signer is not in", err));
	ck_assert_int_ge(rows[0].wake_at_ms - m.now_ms, 500);
	ck_assert_int_le(rows[0].wake_at_ms - m.now_ms, 300000);
	(void)er;
	return 0;
}

/* F4: no counter of attempts ends a directive. */
START_TEST(ten_thousand_tries_end_nothing)
{
	struct directive_row row;

	outbox_set_keys(outbox_world.ob, NULL);
	accept_one(keys[0]);
	for (int i = 0; i < TRIES; i++) {
		OK(store_unit(outbox_world.disk.store, fail_run, NULL, NULL, err));
		if (i % 500 == 0)
			store_flush(outbox_world.disk.store);
	}
	store_flush(outbox_world.disk.store);
	row = outbox_world_row("one");
	ck_assert_uint_eq(row.attempts, TRIES);
	IS("one", DELIVERY_RETRY);
	ck_assert_ptr_null(row.reason_class);
	ck_assert_uint_eq(outbox_events("directive.update,directive.dead_lettered", NULL), 0);
}
END_TEST

/* --- what a dead owner left --- */

static int claim_run(struct unit *u, void *ctx, struct err *er)
{
	const int64_t *until = ctx;
	struct directive_row *rows;
	size_t n;

	OK(directive_store_claim(u, &outbox_world.arena, outbox_space_id(), outbox_lane_id(), OUTBOX_NOW_MS, *until,
				 200, &rows, &n, err));
	(void)er;
	return 0;
}

static void claim_for_another(int64_t until_ms)
{
	outbox_set_keys(outbox_world.ob, NULL);
	outbox_add_many(40);
	scratch_unit(&outbox_world.disk, claim_run, &until_ms);
	ck_assert_uint_eq(outbox_tally(DELIVERY_CLAIMED), 40);
}

/* At start nobody else can hold a claim: without counting an attempt they are worked on. */
START_TEST(claims_are_recovered_at_start)
{
	uint64_t expired = outbox_metric("walletd_directive_outbox_claim_lease_expired_total", "");

	claim_for_another(OUTBOX_NOW_MS + 420000);
	outbox_drive_again();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 40);
	ck_assert_uint_eq(outbox_world_row("d7").attempts, 1);
	ck_assert_uint_eq(outbox_metric("walletd_directive_outbox_claim_lease_expired_total", ""), expired);
}
END_TEST

/* Another daemon may be alive: its claims end by themselves. */
START_TEST(claims_of_another_daemon_are_left_alone)
{
	claim_for_another(OUTBOX_NOW_MS + 420000);
	outbox_world.opt.shared = true;
	log_set_level(NULL, (enum log_level)0);
	outbox_drive_again();
	outbox_turns(3);
	ck_assert_uint_eq(outbox_tally(DELIVERY_CLAIMED), 40);
	outbox_pass(420001);
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 40);
}
END_TEST

/* F15: the clock was a day ahead when they failed. */
START_TEST(a_retry_does_not_wait_for_a_clock_that_was_wrong)
{
	accept_one(keys[0]);
	clock_set_for_test(OUTBOX_NOW_MS + INT64_C(86400) * 1000);
	say_error("call:batch", "internal error");
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	IS("one", DELIVERY_RETRY);
	clock_set_for_test(OUTBOX_NOW_MS);
	evm_node_obey(node());
	outbox_turns(2);
	IS("one", DELIVERY_RETRY);
	outbox_pass(1000);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

/* Retries and fresh ones share a batch: a quarter at most is for those that failed. */
START_TEST(neither_retries_nor_fresh_ones_starve)
{
	outbox_world.chain.batch_max = 8;
	outbox_world.chain.slots_max = 1; /* one batch, and no more */
	outbox_drive_again();
	outbox_add_many(40);
	scratch_sql(&outbox_world.disk, "UPDATE directive_outbox SET delivery_status = 5, wake_at_ms = 1 + outbox_seq,"
					" version = version + 1 WHERE outbox_seq <= 20");
	outbox_quiet();
	ck_assert_uint_eq(outbox_tally(DELIVERY_SUBMITTED), 8);
	ck_assert_uint_eq(outbox_tally(DELIVERY_RETRY), 18);
	ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 14);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/drain");
	TCase *t = tcase_create("decisions"), *x = tcase_create("signing errors"), *q = tcase_create("queue");

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_loop_test(t, decision, 0, N_DECISIONS * ((int)ARRAY_LEN(keys) + 1));
	tcase_add_test(t, nothing_to_claim_writes_nothing);
	tcase_add_test(t, consumed_nonce_asks_for_a_person);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(x, outbox_drive_setup, outbox_drive_teardown);
	tcase_set_timeout(x, 60); /* for the sanitizers */
	tcase_add_test(x, only_permanent_signing_errors_end_a_directive);
	tcase_add_test(x, ten_thousand_tries_end_nothing);
	suite_add_tcase(s, x);
	tcase_add_checked_fixture(q, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_test(q, claims_are_recovered_at_start);
	tcase_add_test(q, claims_of_another_daemon_are_left_alone);
	tcase_add_test(q, a_retry_does_not_wait_for_a_clock_that_was_wrong);
	tcase_add_test(q, neither_retries_nor_fresh_ones_starve);
	suite_add_tcase(s, q);
	return suite_run(s);
}
