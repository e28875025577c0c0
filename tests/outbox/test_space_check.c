/* Is the contract there, is it ours, and has nobody used nonces that were not given out (spec/outbox.md 2.5, 5.1)? */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/internal.h"
#include "outbox/operate.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/suite.h"

#define HOUR_MS   INT64_C(3600000)
#define VIOLATION "walletd_outbox_nonce_horizon_violation"

static struct err e, *err = &e;

static struct evm_node *node(void)
{
	return outbox_drive.nodes[0];
}

static struct space *space(void)
{
	return outbox_world.ob->spaces[0];
}

static struct space_row row(void)
{
	struct space_row r;

	OK(space_store_get(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_space_id(), &r, err));
	return r;
}

static void waits(enum hold why)
{
	ck_assert_str_eq(hold_name(space()->hold), hold_name(why));
}

static unsigned looks(void)
{
	return evm_node_asked(node(), "call:domain");
}

/* --- the contract --- */

static void no_code(void)
{
	evm_chain_set_code(outbox_drive.chain, false);
}
static void other_domain(void)
{
	struct hash32 domain = rows_hash(7);

	evm_chain_set_domain(outbox_drive.chain, &domain);
}
static void domain_reverts(void)
{
	evm_node_error(node(), "call:domain", "execution reverted");
}
static void domain_is_garbled(void)
{
	evm_node_say(node(), &(struct evm_saying){ .method = "call:domain", .result = "\"0x01\"" });
}

static const struct {
	void (*cause)(void);
	const char *words;
} wrongs[] = {
	{ no_code, "no contract" },
	{ other_domain, "another domain separator" },
	{ domain_reverts, "reverted" },
	{ domain_is_garbled, "" },
};

static void make_it_right(void)
{
	evm_chain_set_code(outbox_drive.chain, true);
	evm_chain_set_domain(outbox_drive.chain, &space()->domain);
	evm_node_obey(node());
}

/* No signature leaves, and it goes on by itself when the contract is there (F24). */
START_TEST(a_wrong_contract_is_waited_for)
{
	unsigned was;

	log_set_level(NULL, (enum log_level)0);
	wrongs[_i].cause();
	outbox_pass(HOUR_MS);
	waits(HOLD_WRONG_CONTRACT);
	ck_assert_ptr_nonnull(strstr(space()->hold_text, wrongs[_i].words));
	outbox_add("one");
	outbox_turns(2);
	IS("one", DELIVERY_PENDING);
	ck_assert_uint_eq(evm_node_asked(node(), "call:nonces_used"), 0);
	was = looks();
	outbox_turns(5);
	ck_assert_uint_eq(looks(), was); /* not at each turn */
	make_it_right();
	outbox_pass(5001);
	outbox_turn();
	waits(HOLD_NONE);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

START_TEST(looked_at_hourly)
{
	unsigned was = looks();

	outbox_pass(HOUR_MS - 5000);
	ck_assert_uint_eq(looks(), was);
	outbox_pass(6000);
	ck_assert_uint_eq(looks(), was + 1);
}
END_TEST

/* Not to be reached says nothing of the contract: what was well stays well until it was looked at again. */
START_TEST(a_chain_out_of_reach)
{
	log_set_level(NULL, (enum log_level)0);
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getCode", .status = 502, .times = 1 });
	outbox_pass(HOUR_MS);
	waits(HOLD_NOT_CHECKED);
	outbox_pass(5001);
	outbox_turn();
	waits(HOLD_NONE);
	no_code();
	outbox_pass(HOUR_MS);
	waits(HOLD_WRONG_CONTRACT);
	evm_node_say(node(), &(struct evm_saying){ .method = "eth_getCode", .status = 502, .times = 1 });
	outbox_pass(5001);
	waits(HOLD_WRONG_CONTRACT);
}
END_TEST

/* --- the horizon --- */

static void used_ahead(uint64_t nonce)
{
	struct evm_address signer = outbox_signer();
	struct hash32 digest = rows_hash(0xabcd);

	(void)evm_chain_spend(outbox_drive.chain, &signer, nonce, &digest, 900);
}

/* Nonces at and above next_nonce, which is 3, in the four words that are looked at; and others. */
static const struct {
	uint64_t nonce;
	bool violates;
} horizons[] = { { 0, false },  { 2, false },  { 3, true },    { 4, true },
		 { 255, true }, { 256, true }, { 1023, true }, { 1024, false } };

START_TEST(nonces_that_were_not_given_out)
{
	log_set_level(NULL, (enum log_level)0);
	outbox_set_keys(outbox_world.ob, NULL);
	for (unsigned i = 0; i < 3; i++)
		outbox_add(arena_printf(&outbox_world.arena, "d%u", i));
	ck_assert_uint_eq(row().next_nonce, 3);
	used_ahead(horizons[_i].nonce);
	space()->next_check_us = 0;
	outbox_set_keys(outbox_world.ob, outbox_world.keys);
	outbox_turns(2);
	ck_assert_int_eq(row().paused, horizons[_i].violates);
	ck_assert_uint_eq(outbox_events("outbox.nonce_horizon", NULL), horizons[_i].violates);
	ck_assert_str_eq(outbox_gauge(VIOLATION, "space=\"1\""), horizons[_i].violates ? "1" : "0");
	if (!horizons[_i].violates)
		return;
	ck_assert_str_eq(row().pause_reason, "nonce_horizon");
	ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 3); /* nothing is signed, */
	outbox_add("d3");                                     /* and what is accepted waits */
	outbox_turns(2);
	ck_assert_uint_eq(outbox_tally(DELIVERY_PENDING), 4);
	ck_assert_uint_eq(evm_node_asked(node(), "call:nonces_used"), 0);
	outbox_pass(HOUR_MS); /* seen again, told once */
	ck_assert_uint_eq(outbox_events("outbox.nonce_horizon", NULL), 1);
}
END_TEST

static int advance_run(struct unit *u, void *ctx, struct err *er)
{
	static const struct outbox_operator op = { "alice", "outbox.nonce_advance", "restored" };
	const uint64_t *to = ctx;

	return outbox_nonce_advance(outbox_world.ob, u, &outbox_world.arena, &op, outbox_space_id(), *to, er);
}

START_TEST(advanced_it_goes_on)
{
	uint64_t to = 50;

	log_set_level(NULL, (enum log_level)0);
	used_ahead(60);
	outbox_pass(HOUR_MS);
	ck_assert(row().paused);
	scratch_unit(&outbox_world.disk, advance_run, &to);
	outbox_kick(outbox_world.ob);
	outbox_turns(2);
	ck_assert(row().paused); /* not far enough */
	to = 100;
	scratch_unit(&outbox_world.disk, advance_run, &to);
	outbox_kick(outbox_world.ob);
	outbox_turns(2);
	ck_assert(!row().paused);
	ck_assert_str_eq(outbox_gauge(VIOLATION, "space=\"1\""), "0");
	outbox_submitted("one");
	ck_assert_uint_eq(outbox_world_row("one").nonce, 100);
}
END_TEST

static void break_the_store(const char *method)
{
	if (strcmp(method, "call:bitmap") == 0)
		ck_assert(failpoint_configure("store.commit.before:error:1"));
}

START_TEST(a_horizon_that_cannot_be_written)
{
	log_set_level(NULL, (enum log_level)0);
	used_ahead(60);
	evm_node_watch(node(), break_the_store);
	outbox_pass(HOUR_MS);
	evm_node_watch(node(), NULL);
	ck_assert(failpoint_configure(NULL));
	waits(HOLD_NOT_CHECKED); /* nothing is claimed until it is known */
	ck_assert(!row().paused);
	clock_pass_for_test(5001);
	outbox_turns(2);
	ck_assert(row().paused);
}
END_TEST

/* A word that cannot be read is no word without nonces. */
START_TEST(a_bitmap_that_cannot_be_read)
{
	log_set_level(NULL, (enum log_level)0);
	evm_node_error(node(), "call:bitmap", "internal error");
	outbox_pass(HOUR_MS);
	ck_assert_str_ne(hold_name(space()->hold), "none");
	outbox_add("one");
	outbox_turns(2);
	IS("one", DELIVERY_PENDING);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/space_check");
	TCase *t = tcase_create("contract"), *h = tcase_create("horizon");

	tcase_add_checked_fixture(t, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_loop_test(t, a_wrong_contract_is_waited_for, 0, (int)ARRAY_LEN(wrongs));
	tcase_add_test(t, looked_at_hourly);
	tcase_add_test(t, a_chain_out_of_reach);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(h, outbox_drive_setup, outbox_drive_teardown);
	tcase_add_loop_test(h, nonces_that_were_not_given_out, 0, (int)ARRAY_LEN(horizons));
	tcase_add_test(h, advanced_it_goes_on);
	tcase_add_test(h, a_horizon_that_cannot_be_written);
	tcase_add_test(h, a_bitmap_that_cannot_be_read);
	suite_add_tcase(s, h);
	return suite_run(s);
}
