/* Who spent a directive's nonce: asked of the nonce, of our own transactions and of the contract's logs (spec/outbox.md 5.7);
 * and those whose evidence could not be had, looked at again (3.2, 5c). */
#include "outbox/evidence.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "outbox/internal.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/suite.h"

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

/* --- one search --- */

static struct heard {
	unsigned done, dropped;
	bool failed, why_known;
	struct evidence evidence;
	int why;
	char why_text[200];
	struct err err;
} heard;

static void search_done(void *ctx, const struct search_result *r, const struct err *failed)
{
	struct heard *h = ctx;

	h->done++;
	h->failed = failed != NULL;
	if (failed) {
		h->err = *failed;
		return;
	}
	h->evidence = r->evidence;
	h->why_known = r->why_known;
	h->why = r->why;
	snprintf(h->why_text, sizeof(h->why_text), "%s", r->why_text ? r->why_text : "");
}

static void search_dropped(void *ctx)
{
	struct heard *h = ctx;

	h->dropped++;
}

static const struct search_hooks hooks = { search_done, search_dropped, &heard };

static struct search *begin(struct search_request req)
{
	req.row = outbox_world_row("one");
	memset(&heard, 0, sizeof(heard));
	return search_start(outbox_world.ob, &req, hooks);
}

static void search(struct search_request req)
{
	(void)begin(req);
	ck_assert(search_runs(outbox_world.ob, outbox_world_row("one").seq));
	outbox_quiet();
	ck_assert_uint_eq(heard.done, 1);
	ck_assert(!search_runs(outbox_world.ob, outbox_world_row("one").seq));
}

static void verdict_is(enum evidence_verdict expected)
{
	ck_assert_msg(!heard.failed, "%s", heard.err.msg);
	ck_assert_str_eq(evidence_verdict_name(heard.evidence.verdict), evidence_verdict_name(expected));
}

/* A directive that is accepted and goes nowhere: the wallet is locked, so that nobody else asks. */
static struct outbox_appended accepted(void)
{
	struct outbox_append in = outbox_request("one");

	outbox_set_keys(outbox_world.ob, NULL);
	return outbox_world_append(&in);
}

static struct hash32 spend(const struct hash32 *digest, uint64_t block)
{
	struct evm_address signer = outbox_signer();

	return evm_chain_spend(outbox_drive.chain, &signer, 0, digest, block);
}

START_TEST(a_nonce_that_is_unused)
{
	(void)accepted();
	search((struct search_request){ .final = true });
	verdict_is(EVIDENCE_UNUSED);
	ck_assert_uint_eq(heard.evidence.block, EVM_CHAIN_HEAD);
	ck_assert(!heard.why_known);
	ck_assert_uint_eq(evm_node_asked(node(), "eth_getLogs"), 0);
}
END_TEST

static const struct {
	struct evm_saying says;
	bool no_revoke;
} revocations[] = {
	{ { .method = "x" }, false },
	{ { .method = "call:revoke", .error = "execution reverted", .data = "0x30cd7471" }, true },
	{ { .method = "call:revoke", .error = "execution reverted" }, true },
	{ { .method = "call:revoke", .error = "missing trie node" }, false },
	{ { .method = "call:revoke", .status = 500 }, false },
};

/* Only the contract's own no is one. */
START_TEST(may_the_relayer_burn_it)
{
	struct evm_address relayer = rows_address(7);

	(void)accepted();
	evm_node_say(node(), &revocations[_i].says);
	search((struct search_request){ .final = true, .revoker = &relayer });
	verdict_is(EVIDENCE_UNUSED);
	ck_assert(heard.evidence.no_revoke == revocations[_i].no_revoke);
	ck_assert_uint_gt(evm_node_asked(node(), "call:revoke"), 0);
}
END_TEST

/* Logs in the newest range, in an older one, and in the very first block that is searched. */
static const uint64_t blocks[] = { EVM_CHAIN_HEAD, 777, 1 };

START_TEST(our_own_digest)
{
	struct outbox_appended out = accepted();
	struct hash32 tx = spend(&out.digest, blocks[_i]);

	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_OWN);
	ck_assert_uint_eq(heard.evidence.block, blocks[_i]);
	ck_assert(hash32_equal(&heard.evidence.tx_hash, &tx));
	ck_assert(hash32_equal(&heard.evidence.digest, &out.digest));
}
END_TEST

START_TEST(another_digest)
{
	struct hash32 digest = rows_hash(0xabcd), tx;

	(void)accepted();
	tx = spend(&digest, blocks[_i]);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_FOREIGN);
	ck_assert(hash32_equal(&heard.evidence.digest, &digest));
	ck_assert(hash32_equal(&heard.evidence.tx_hash, &tx));
}
END_TEST

START_TEST(a_revoked_one)
{
	struct hash32 tx;

	(void)accepted();
	tx = spend(NULL, blocks[_i]);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_REVOKED);
	ck_assert(hash32_equal(&heard.evidence.tx_hash, &tx));
}
END_TEST

/* What others did with the same nonce of another signer, or we with another nonce, says nothing. */
START_TEST(logs_of_others)
{
	struct hash32 digest = rows_hash(0xabcd);
	struct evm_address other = rows_address(5), signer = outbox_signer();

	(void)accepted();
	(void)evm_chain_spend(outbox_drive.chain, &other, 0, &digest, 900);
	(void)evm_chain_spend(outbox_drive.chain, &signer, 1, &digest, 901);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_UNUSED);
	(void)spend(NULL, 800);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_REVOKED);
}
END_TEST

/* A transaction of ours is asked for its receipt, and no log is searched: it tells what was paid, too. */
START_TEST(our_own_transaction)
{
	struct outbox_append in = outbox_request("one");

	outbox_world.chain.confirmations = 12;
	outbox_drive_again();
	(void)outbox_world_append(&in);
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	outbox_block();
	evm_node_prune(node(), true);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_OWN);
	ck_assert_uint_eq(heard.evidence.gas_used, 51000);
	ck_assert_uint_eq(heard.evidence.block, EVM_CHAIN_HEAD + 1);
	ck_assert_uint_eq(evm_node_asked(node(), "eth_getLogs"), 0);
	/* As of a final block nothing has happened yet. */
	search((struct search_request){ .final = true });
	verdict_is(EVIDENCE_UNUSED);
}
END_TEST

START_TEST(a_transaction_that_somebody_names)
{
	struct outbox_appended out = accepted();
	struct hash32 tx = spend(&out.digest, 500);

	evm_node_prune(node(), true);
	search((struct search_request){ .hint = &tx });
	verdict_is(EVIDENCE_OWN);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_UNAVAILABLE);
}
END_TEST

/* --- ranges --- */

START_TEST(a_range_that_is_too_wide_is_halved)
{
	struct outbox_appended out;

	outbox_world.chain.log_range = 100;
	outbox_drive_again();
	evm_node_log_range(node(), (uint64_t)_i);
	out = accepted();
	(void)spend(&out.digest, 930);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_OWN);
	ck_assert_uint_eq(heard.evidence.block, 930);
}
END_TEST

START_TEST(one_block_that_is_too_much)
{
	struct outbox_appended out = accepted();

	(void)spend(&out.digest, 930);
	evm_node_error(node(), "eth_getLogs", "query returned more than 10000 results");
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_UNAVAILABLE);
	ck_assert_uint_eq(heard.evidence.block, EVM_CHAIN_HEAD);
}
END_TEST

/* Nothing is looked for before the contract was there; and a log may be late. */
START_TEST(logs_before_the_contract)
{
	struct outbox_appended out;

	outbox_world.spaces[0].deploy_block = 600;
	outbox_world.chain.log_range = 100;
	outbox_drive_again();
	out = accepted();
	(void)spend(&out.digest, 599);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_UNAVAILABLE);
	ck_assert_uint_eq(evm_node_asked(node(), "eth_getLogs"), 3 * 2 * 5); /* three looks at 600 to 1000 */
	(void)spend(&out.digest, 600);
	search((struct search_request){ 0 });
	verdict_is(EVIDENCE_OWN);
}
END_TEST

/* --- why --- */

static const struct {
	enum verifier_outcome o;
	const char *text;
} whys[] = {
	{ VERIFIER_BAD_SIGNATURE, "BadSignature" },
	{ VERIFIER_UNKNOWN_SIGNER, "UnknownSigner" },
	{ VERIFIER_UNSUPPORTED_ACTION, "UnsupportedAction" },
	{ VERIFIER_EFFECT_FAILED, "EffectFailed" },
	{ VERIFIER_ERROR_TEXT, "vault is closed" },
	{ VERIFIER_PANIC, "Panic" },
	{ VERIFIER_OTHER, "" },
};

START_TEST(why_it_is_unused)
{
	outbox_submitted("one");
	evm_chain_outcome(outbox_drive.chain, 0, whys[_i].o);
	search((struct search_request){ .why = true });
	verdict_is(EVIDENCE_UNUSED);
	ck_assert(heard.why_known);
	ck_assert_int_eq(heard.why, (int)whys[_i].o);
	ck_assert_ptr_nonnull(strstr(heard.why_text, whys[_i].text));
}
END_TEST

START_TEST(why_is_not_known)
{
	outbox_submitted("one");
	search((struct search_request){ .why = true }); /* it would work */
	verdict_is(EVIDENCE_UNUSED);
	ck_assert(!heard.why_known);
	evm_node_error(node(), "call:execute", "missing trie node");
	search((struct search_request){ .why = true });
	verdict_is(EVIDENCE_UNUSED);
	ck_assert(!heard.why_known);
}
END_TEST

/* --- a chain that cannot be asked --- */

static void is_down(void)
{
	evm_node_down(node(), true);
}
static void nonce_is_unreadable(void)
{
	evm_node_error(node(), "call:is_nonce_used", "header not found");
}
static void nonce_is_garbled(void)
{
	evm_node_say(node(), &(struct evm_saying){ .method = "call:is_nonce_used", .result = "\"0x02\"" });
}
static void goes_down_later(void)
{
	(void)spend(NULL, 10);
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getLogs", .status = 502 });
}
static void nothing_is_final(void)
{
	outbox_world.ob->chains[0]->conf.confirmations = 0;
}
static void never_answered(void)
{
	outbox_world.ob->chains[0]->head_known = false;
}

static const struct {
	void (*cause)(void);
	enum err_code code;
} silences[] = {
	{ is_down, ERR_PEER_DOWN },         { nonce_is_unreadable, ERR_PEER },   { nonce_is_garbled, ERR_PEER_INVALID },
	{ goes_down_later, ERR_PEER_DOWN }, { nothing_is_final, ERR_PEER_DOWN }, { never_answered, ERR_PEER_DOWN },
};

/* Nothing is decided: that is no verdict. */
START_TEST(nobody_can_be_asked)
{
	(void)accepted();
	silences[_i].cause();
	search((struct search_request){ .final = true });
	ck_assert(heard.failed);
	ck_assert_str_eq(err_kind(heard.err.code), err_kind(silences[_i].code));
}
END_TEST

START_TEST(a_space_that_is_not_configured)
{
	(void)accepted();
	outbox_world.ob->spaces[0]->id = 4711;
	search((struct search_request){ 0 });
	outbox_world.ob->spaces[0]->id = 1;
	ck_assert(heard.failed);
	ck_assert_str_eq(err_kind(heard.err.code), err_kind(ERR_CONFIG));
}
END_TEST

static bool is_asked(void)
{
	return evm_node_asked(node(), "call:is_nonce_used") > 0;
}

START_TEST(a_search_that_is_cancelled)
{
	struct search *s;

	(void)accepted();
	search_cancel(begin((struct search_request){ 0 }));
	evm_node_say(node(), &(struct evm_saying){ .method = "call:is_nonce_used", .silent = true });
	s = begin((struct search_request){ 0 });
	outbox_run_until(is_asked);
	search_cancel(s);
	outbox_quiet();
	ck_assert_uint_eq(heard.done + heard.dropped, 0);
	(void)begin((struct search_request){ 0 });
	searches_cancel_all(outbox_world.ob);
	ck_assert_uint_eq(heard.done, 0);
	ck_assert_uint_eq(heard.dropped, 1);
}
END_TEST

/* --- once more, later --- */

static int64_t recheck_ms(const char *id)
{
	int64_t at = outbox_world_row(id).recheck_at_ms;

	return at == DIRECTIVE_NO_WAKE ? at : at - clock_now_ms();
}

static struct outbox_appended used_and_pruned(const struct hash32 *digest)
{
	struct outbox_append in = outbox_request("one");
	struct outbox_appended out = outbox_world_append(&in);

	(void)spend(digest ? digest : &out.digest, 500);
	evm_node_prune(node(), true);
	outbox_kick(outbox_world.ob);
	outbox_quiet();
	IS("one", DELIVERY_MANUAL);
	ck_assert_int_eq(recheck_ms("one"), 600 * 1000);
	return out;
}

#define HOUR_MS (INT64_C(3600) * 1000)

START_TEST(evidence_is_looked_for_again)
{
	(void)used_and_pruned(NULL);
	outbox_pass(600 * 1000);
	ck_assert_int_eq(recheck_ms("one"), 6 * HOUR_MS);
	outbox_pass(6 * HOUR_MS);
	ck_assert_int_eq(recheck_ms("one"), 24 * HOUR_MS);
	outbox_pass(24 * HOUR_MS);
	ck_assert_int_eq(recheck_ms("one"), 24 * HOUR_MS);
	IS("one", DELIVERY_MANUAL);
	evm_node_prune(node(), false);
	outbox_pass(24 * HOUR_MS);
	outbox_turns(2);
	IS("one", DELIVERY_CONFIRMED); /* T19 */
	ck_assert_ptr_null(outbox_world_row("one").reason_class);
}
END_TEST

START_TEST(evidence_of_another_ends_the_search)
{
	struct hash32 digest = rows_hash(0xabcd);

	(void)used_and_pruned(&digest);
	evm_node_prune(node(), false);
	outbox_pass(600 * 1000);
	IS("one", DELIVERY_MANUAL);
	ck_assert_int_eq(recheck_ms("one"), DIRECTIVE_NO_WAKE);
	ck_assert_ptr_nonnull(strstr(outbox_world_row("one").last_error, "another directive was executed"));
}
END_TEST

/* Four of a space that is not configured, whose turn comes first, and one that is. */
START_TEST(those_that_cannot_be_asked_hide_nobody)
{
	outbox_world.spaces[1] = outbox_world.spaces[0];
	outbox_world.spaces[1].signer = "hd:1";
	outbox_world.opt.n_spaces = 2;
	outbox_drive_again();
	for (unsigned i = 0; i < 6; i++) {
		struct outbox_append in = outbox_request(arena_printf(&outbox_world.arena, "old-%u", i));

		in.signer = &outbox_world.ob->spaces[1]->signer;
		(void)outbox_world_append(&in);
	}
	scratch_sql(&outbox_world.disk,
		    "UPDATE directive_outbox SET delivery_status = 8, wake_at_ms = NULL, holds_order = 0, blocked = 0,"
		    " reason_class = 'nonce_consumed', finished_at_ms = 1, recheck_at_ms = 1, version = version + 1");
	outbox_world.opt.n_spaces = 1;
	log_set_level(NULL, (enum log_level)0);
	outbox_drive_again();
	(void)used_and_pruned(NULL);
	evm_node_prune(node(), false);
	outbox_pass(600 * 1000);
	outbox_pass(5000);
	outbox_pass(5000);
	outbox_turns(2);
	IS("one", DELIVERY_CONFIRMED);
	ck_assert_int_gt(recheck_ms("old-0"), 0);
}
END_TEST

static TCase *with_fixture(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("outbox/evidence");
	TCase *t = with_fixture(s, "verdicts");

	tcase_add_test(t, a_nonce_that_is_unused);
	tcase_add_loop_test(t, our_own_digest, 0, (int)ARRAY_LEN(blocks));
	tcase_add_loop_test(t, another_digest, 0, (int)ARRAY_LEN(blocks));
	tcase_add_loop_test(t, may_the_relayer_burn_it, 0, (int)ARRAY_LEN(revocations));
	tcase_add_loop_test(t, a_revoked_one, 0, (int)ARRAY_LEN(blocks));
	tcase_add_test(t, logs_of_others);
	tcase_add_test(t, our_own_transaction);
	tcase_add_test(t, a_transaction_that_somebody_names);
	t = with_fixture(s, "ranges");
	tcase_add_loop_test(t, a_range_that_is_too_wide_is_halved, 1, 5);
	tcase_add_test(t, one_block_that_is_too_much);
	tcase_add_test(t, logs_before_the_contract);
	t = with_fixture(s, "why");
	tcase_add_loop_test(t, why_it_is_unused, 0, (int)ARRAY_LEN(whys));
	tcase_add_test(t, why_is_not_known);
	t = with_fixture(s, "silence");
	tcase_add_loop_test(t, nobody_can_be_asked, 0, (int)ARRAY_LEN(silences));
	tcase_add_test(t, a_space_that_is_not_configured);
	tcase_add_test(t, a_search_that_is_cancelled);
	t = with_fixture(s, "again");
	tcase_add_test(t, evidence_is_looked_for_again);
	tcase_add_test(t, evidence_of_another_ends_the_search);
	tcase_add_test(t, those_that_cannot_be_asked_hide_nobody);
	return suite_run(s);
}
