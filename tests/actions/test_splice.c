/* Splices against the scripted node of tests/support/fake_cln.h: what is accepted and what is not, how a splice and its bump go
 * to their end, what failures lead to, and that nothing goes twice wherever the process is killed. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "tests/support/splice_world.h"
#include "tests/support/suite.h"

#define PAYEE "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"
#define OUT   "\"amount_sat\":50000,\"address\":\"" PAYEE "\",\"feerate\":\"4\",\"max_feerate\":\"8\""
#define IN    "\"amount_sat\":80000,\"feerate\":\"4\",\"max_feerate\":\"8\""
#define BUMP  "\"feerate\":\"8\",\"max_feerate\":\"10\""

static void ends(const struct action_id *id, enum action_status status)
{
	struct action_row row = splice_world_row(id);

	ck_assert_msg(row.status == status, "%s: %s", action_status_name(row.status),
		      row.error_msg ? row.error_msg : "");
}

/* How many candidates of the channel's payment are out of the race. */
static unsigned discarded(void)
{
	struct funding_payment p = splice_world_payment();
	struct funding_candidate *c;
	unsigned found = 0;
	struct err err;
	size_t n;

	ck_assert_int_eq(funding_store_candidates(store_view(sw.disk.store), &sw.arena, &p.id, &c, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		found += c[i].state == CANDIDATE_DISCARDED;
	return found;
}

/* --- to the end --- */

static const struct {
	const char *kind, *params;
} good[] = { { "splice_out", OUT }, { "splice_in", IN } };

START_TEST(goes_to_its_lock)
{
	struct action_id id = splice_world_start(good[_i].kind, good[_i].params);
	struct funding_payment p;
	struct splice_row row;

	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.active, SPLICE_NONE);
	ck_assert_int_eq(row.wait, SPLICE_WAIT_CONFIRMATION);
	ck_assert_uint_eq(sw.node->sent, 1);
	ck_assert_uint_eq(splice_world_events("splice.pending"), 1);
	splice_world_mine(0);
	ck_assert_uint_eq(splice_world_events("splice.confirmed"), 1);
	fake_cln_lock(sw.node);
	splice_world_pass(30000);
	ends(&id, ACTION_DONE);
	ck_assert(!splice_world_living(&row));
	ck_assert_uint_eq(splice_world_events("splice.locked"), 1);
	for (int i = 0; i < 5; i++)
		splice_world_mine(-1);
	p = splice_world_payment();
	ck_assert_int_eq(p.status, FUNDING_SUCCEEDED);
	ck_assert_uint_eq(splice_world_events("splice.graduated"), 1);
	ck_assert_uint_eq(sw.node->opens, 1);
	ck_assert_uint_eq(sw.node->aborts, 0);
}
END_TEST

START_TEST(a_second_life_submits_nothing)
{
	struct action_id id = splice_world_start("splice_out", OUT);

	splice_world_mine(0);
	fake_cln_lock(sw.node);
	splice_world_pass(30000);
	for (int life = 0; life < 2; life++) {
		splice_world_down();
		splice_world_up();
		splice_world_pass(60000);
	}
	ends(&id, ACTION_DONE);
	ck_assert_uint_eq(sw.node->opens, 1);
	ck_assert_uint_eq(splice_world_events("splice.locked"), 1);
}
END_TEST

START_TEST(a_bump_joins_its_splice)
{
	struct action_id id = splice_world_start("splice_in", IN), bump = splice_world_start("splice_bump", BUMP);
	struct funding_payment p;
	struct splice_row row;

	ends(&bump, ACTION_DONE);
	ck_assert(splice_world_living(&row));
	ck_assert(action_id_equal(&row.action, &id));
	ck_assert_uint_eq(sw.node->n_flights, 2);
	ck_assert_uint_eq(splice_world_events("splice.pending"), 2);
	/* The first of them is the one that a block takes: figures and lock are its. */
	splice_world_mine(0);
	p = splice_world_payment();
	ck_assert(txid_equal(&p.txid, &sw.node->flight[0].txid));
	ck_assert_uint_eq(sat_value(p.fee), 1042);
	sw.node->n_flights = 1;
	fake_cln_lock(sw.node);
	splice_world_pass(30000);
	ends(&id, ACTION_DONE);
	ck_assert_uint_eq(splice_world_events("splice.locked"), 1);
	ck_assert_uint_eq(sw.node->aborts, 0);
}
END_TEST

START_TEST(a_reorganisation_takes_it_back)
{
	struct funding_payment p;

	splice_world_start("splice_out", OUT);
	splice_world_start("splice_bump", BUMP);
	splice_world_mine(1);
	for (int i = 0; i < 5; i++)
		splice_world_mine(-1);
	p = splice_world_payment();
	ck_assert_int_eq(p.status, FUNDING_SUCCEEDED);
	for (int i = 0; i < 6; i++)
		splice_world_unmine();
	p = splice_world_payment();
	ck_assert_int_eq(p.status, FUNDING_PENDING);
	ck_assert(!p.confirmed);
	ck_assert_uint_eq(splice_world_events("splice.reorged"), 1);
	splice_world_mine(0);
	for (int i = 0; i < 5; i++)
		splice_world_mine(-1);
	p = splice_world_payment();
	ck_assert_int_eq(p.status, FUNDING_SUCCEEDED);
	ck_assert(txid_equal(&p.txid, &sw.node->flight[0].txid));
	ck_assert_uint_eq(splice_world_events("splice.graduated"), 2);
}
END_TEST

/* --- what is refused at once --- */

static const struct {
	const char *name, *node, *kind, *params;
	enum err_code code;
	const char *field;
} bad[] = {
	{ "no such channel", "", "splice_out",
	  "{\"channel\":\"0000000000000000000000000000000000000000000000000000000000000000\"," OUT "}", ERR_CHANNEL,
	  "channel" },
	{ "no id of a channel", "", "splice_out",
	  "{\"channel\":\"zz00000000000000000000000000000000000000000000000000000000000000\"," OUT "}", ERR_PARAM,
	  "channel" },
	{ "a closing channel", "CHANNELD_SHUTTING_DOWN", "splice_out", OUT, ERR_CHANNEL_CLOSING, "channel" },
	{ "a closed channel", "gone", "splice_out", OUT, ERR_CHANNEL_CLOSING, "channel" },
	{ "an opening channel", "CHANNELD_AWAITING_LOCKIN", "splice_in", IN, ERR_CHANNEL_NOT_READY, "channel" },
	{ "a node that is too old", "v25.12", "splice_in", IN, ERR_NODE_TOO_OLD, "" },
	{ "a peer that cannot", "peer", "splice_out", OUT, ERR_SPLICE_UNSUPPORTED, "channel" },
	{ "dust, out", "", "splice_out", "\"amount_sat\":329,\"address\":\"" PAYEE "\"", ERR_DUST, "amount_sat" },
	{ "dust, in", "", "splice_in", "\"amount_sat\":329", ERR_DUST, "amount_sat" },
	{ "more than our side has", "", "splice_out", "\"amount_sat\":590000,\"address\":\"" PAYEE "\"", ERR_FUNDS,
	  "amount_sat" },
	{ "more with its fee", "", "splice_out", "\"amount_sat\":589000,\"max_fee_sat\":1001,\"address\":\"" PAYEE "\"",
	  ERR_FUNDS, "amount_sat" },
	{ "more than the wallet has", "", "splice_in", "\"amount_sat\":500001", ERR_FUNDS, "amount_sat" },
	{ "no amount", "", "splice_in", "", ERR_PARAM, "amount_sat" },
	{ "two amounts", "", "splice_in", "\"amount_sat\":1000,\"all\":true", ERR_PARAM, "all" },
	{ "no amount, out", "", "splice_out", "\"address\":\"" PAYEE "\"", ERR_PARAM, "amount_sat" },
	{ "another network's address", "", "splice_out",
	  "\"amount_sat\":50000,\"address\":\"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\"", ERR_NETWORK, "address" },
	{ "no address", "", "splice_out", "\"amount_sat\":50000,\"address\":\"nowhere\"", ERR_ADDRESS, "address" },
	{ "a rate below the floor", "", "splice_in", "\"amount_sat\":50000,\"feerate\":\"1\",\"max_feerate\":\"1\"",
	  ERR_FEE, "max_feerate" },
	{ "a rate that is a mistake", "", "splice_in", "\"amount_sat\":50000,\"feerate\":\"501\"", ERR_FEE, "feerate" },
	{ "a rate above its limit", "", "splice_in", "\"amount_sat\":50000,\"feerate\":\"5\",\"max_feerate\":\"4\"",
	  ERR_FEE, "feerate" },
	{ "one that lives", "splice", "splice_in", IN, ERR_SPLICE_LIVE, "channel" },
	{ "nothing to bump", "", "splice_bump", BUMP, ERR_NOTHING_TO_BUMP, "channel" },
	{ "a bump below 25/24", "splice", "splice_bump", "\"feerate\":\"4.1\",\"max_feerate\":\"8\"", ERR_FEE,
	  "feerate" },
	{ "a bump whose limit is too low", "splice", "splice_bump", "\"max_feerate\":\"4\"", ERR_FEE, "max_feerate" },
	{ "a bump of what is mined", "mined", "splice_bump", BUMP, ERR_NOTHING_TO_BUMP, "" },
	{ "a bump of nobody knows what", "splice", "splice_bump", "\"id\":\"other\"," BUMP, ERR_PARAM, "id" },
};

static void unsettle(struct fake_cln_state *st, const char *what)
{
	if (strcmp(what, "gone") == 0)
		st->closed = true;
	else if (strcmp(what, "peer") == 0)
		st->cannot_splice = true;
	else if (what[0] == 'v')
		st->version = what;
	else if (what[0] == 'C')
		st->state = what;
	else
		return;
	clock_set_for_test(SPLICE_WORLD_NOW_MS + 1000);
	splice_world_down();
	splice_world_up();
}

START_TEST(is_refused_at_once)
{
	struct err why;
	unsigned opens;

	if (strcmp(bad[_i].node, "splice") == 0 || strcmp(bad[_i].node, "mined") == 0)
		splice_world_start("splice_in", IN);
	if (strcmp(bad[_i].node, "mined") == 0)
		splice_world_mine(0);
	unsettle(sw.node, bad[_i].node);
	opens = sw.node->opens;
	why = splice_world_refused(bad[_i].kind, bad[_i].params, bad[_i].code);
	ck_assert_msg(strcmp(why.field, bad[_i].field) == 0, "%s: field %s", bad[_i].name, why.field);
	splice_world_pass(30000);
	ck_assert_uint_eq(sw.node->opens, opens);
}
END_TEST

START_TEST(a_bump_at_a_time)
{
	sw.node->connected = true;
	splice_world_start("splice_in", IN);
	sw.node->connected = false;
	splice_world_start("splice_bump", BUMP);
	splice_world_refused("splice_bump", BUMP, ERR_SPLICE_LIVE);
}
END_TEST

/* --- what failures lead to --- */

static const struct {
	const char *name, *kind, *params, *method;
	int code; /* 0: it acts, and nobody hears of it */
	const char *words;
	enum action_status end;
	unsigned opens; /* rounds that were begun, in all */
} trouble[] = {
	{ "the reply to the beginning is lost", "splice_out", OUT, "splice_init", 0, NULL, ACTION_PARKED, 2 },
	{ "the reply to an update is lost", "splice_out", OUT, "splice_update", 0, NULL, ACTION_PARKED, 2 },
	{ "the reply to signing is lost", "splice_in", IN, "signpsbt", 0, NULL, ACTION_PARKED, 2 },
	{ "the last reply is lost", "splice_in", IN, "splice_signed", 0, NULL, ACTION_PARKED, 1 },
	{ "the reply to funding is lost", "splice_in", IN, "fundpsbt", 0, NULL, ACTION_PARKED, 1 },
	{ "the peer goes", "splice_out", OUT, "splice_init", 351, "no owner", ACTION_PARKED, 1 },
	{ "the round is gone", "splice_out", OUT, "splice_update", 358, "this channel hasn't begun a splice.",
	  ACTION_PARKED, 2 },
	{ "the fee is too low", "splice_in", IN, "splice_init", 359, "fee", ACTION_PARKED, 1 },
	{ "an input is refused", "splice_in", IN, "splice_init", 356, "input", ACTION_PARKED, 1 },
	{ "the node is busy", "splice_out", OUT, "splice_init", 355, "busy", ACTION_PARKED, 1 },
	{ "the mempool refuses it", "splice_out", OUT, "splice_signed", 350, "insufficient fee", ACTION_PARKED, 1 },
	{ "too little money for now", "splice_in", IN, "fundpsbt", 301, "Could not afford it", ACTION_PARKED, 1 },
	{ "the peer says no", "splice_out", OUT, "splice_init", 362, "Peer aborted for reason: never", ACTION_FAILED,
	  0 },
	{ "the peer says no later", "splice_in", IN, "splice_update", 362, "Peer aborted for reason: never",
	  ACTION_FAILED, 1 },
	{ "it is not supported", "splice_out", OUT, "splice_init", 354, "not supported", ACTION_FAILED, 0 },
};

START_TEST(trouble_is_met)
{
	struct action_id id;
	bool failed = trouble[_i].end == ACTION_FAILED;

	sw.node->fail_method = trouble[_i].method;
	sw.node->fail_in = 1;
	sw.node->fail_code = trouble[_i].code;
	sw.node->fail_words = trouble[_i].words;
	id = splice_world_start(trouble[_i].kind, trouble[_i].params);
	splice_world_pass(200000);
	ck_assert_ptr_null(sw.node->fail_method);
	ends(&id, trouble[_i].end);
	ck_assert_msg(sw.node->opens == trouble[_i].opens, "%s: %u rounds", trouble[_i].name, sw.node->opens);
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), failed ? 1 : 0);
	if (failed) {
		ck_assert(!sw.node->coin[0].reserved);
		return;
	}
	ck_assert_uint_eq(sw.node->n_flights, 1);
	ck_assert_uint_eq(splice_world_events("splice.pending"), 1);
	splice_world_mine(0);
	fake_cln_lock(sw.node);
	splice_world_pass(60000);
	ends(&id, ACTION_DONE);
}
END_TEST

/* A round that nobody remembers, and that does not go: the node has time after each abort, whatever wakes us meanwhile; and
 * when all was tried, it is tried again later. */
START_TEST(a_command_that_hangs)
{
	struct action_id id;
	unsigned before;

	sw.node->negotiating = sw.node->hangs = true;
	id = splice_world_start("splice_out", OUT);
	for (int i = 0; i < 100 && sw.node->aborts == 0; i++)
		splice_world_pass(1000);
	ck_assert_uint_eq(sw.node->aborts, 1);
	for (int i = 0; i < 10; i++)
		splice_world_mine(-1);
	ck_assert_uint_eq(sw.node->aborts, 1);
	splice_world_pass(600000);
	ck_assert_uint_gt(sw.node->disconnects, 1);
	before = sw.node->aborts;
	splice_world_pass(600000);
	ck_assert_uint_gt(sw.node->aborts, before);
	ck_assert_uint_eq(sw.node->opens, 0);
	sw.node->hangs = false;
	splice_world_pass(600000);
	ends(&id, ACTION_PARKED);
	ck_assert_uint_eq(sw.node->sent, 1);
}
END_TEST

START_TEST(the_budget_is_spent)
{
	struct action_id id;
	struct splice_row row;

	sw.node->connected = true;
	sw.node->fail_method = "splice_init";
	sw.node->fail_in = 1;
	sw.node->fail_code = 359;
	sw.node->fail_words = "fee";
	id = splice_world_start("splice_in", IN);
	for (int i = 0; i < 200 && splice_world_living(&row); i++) {
		if (!sw.node->fail_method) {
			sw.node->fail_method = "splice_init";
			sw.node->fail_in = 1;
		}
		splice_world_pass(5000);
	}
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).error_kind, "splice_failed");
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 1);
	ck_assert_uint_eq(sw.node->releases, 3);
}
END_TEST

START_TEST(the_deadline_passes)
{
	struct action_id id;

	sw.node->connected = false;
	id = splice_world_start("splice_out", OUT ",\"deadline_s\":600");
	splice_world_pass(590000);
	ends(&id, ACTION_PARKED);
	splice_world_pass(20000);
	ends(&id, ACTION_FAILED);
	ck_assert_uint_eq(sw.node->opens, 0);
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 1);
}
END_TEST

/* R5: who has signed waits for as long as it takes; a bump of it has a deadline of its own. */
START_TEST(what_is_signed_has_no_deadline)
{
	struct action_id id = splice_world_start("splice_in", IN ",\"deadline_s\":600"), bump;
	struct splice_row row;

	splice_world_pass(700000);
	ends(&id, ACTION_PARKED);
	sw.node->connected = false;
	bump = splice_world_start("splice_bump", BUMP ",\"deadline_s\":600");
	splice_world_pass(590000);
	ends(&bump, ACTION_PARKED);
	splice_world_pass(20000);
	ends(&bump, ACTION_FAILED);
	ends(&id, ACTION_PARKED);
	sw.node->connected = true;
	splice_world_pass(600000);
	ck_assert(splice_world_living(&row));
	splice_world_mine(0);
	fake_cln_lock(sw.node);
	splice_world_pass(30000);
	ends(&id, ACTION_DONE);
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 1); /* the bump's */
}
END_TEST

START_TEST(the_channel_closes)
{
	struct action_id id;

	sw.node->connected = false;
	id = splice_world_start("splice_out", OUT);
	sw.node->closed = true;
	splice_world_pass(60000);
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).error_kind, "channel_closing");
}
END_TEST

START_TEST(a_node_that_does_not_know_it_any_more_ends_nothing)
{
	struct action_id id;

	sw.node->connected = false;
	id = splice_world_start("splice_out", OUT);
	sw.node->forgets_channel = true;
	splice_world_pass(60000);
	ends(&id, ACTION_PARKED);
	sw.node->forgets_channel = false;
	sw.node->connected = true;
	splice_world_pass(60000);
	ck_assert_uint_eq(sw.node->sent, 1);
}
END_TEST

/* --- what the node's wallet has reserved --- */

START_TEST(its_coins_stay_reserved)
{
	struct action_id id = splice_world_start("splice_in", IN);
	const struct fake_coin *coin = &sw.node->coin[0];

	splice_world_mine_empty(199);
	ck_assert_uint_eq(sw.node->renewals, 0);
	splice_world_mine(-1);
	splice_world_pass(30000);
	ck_assert_uint_eq(sw.node->renewals, 1);
	ck_assert_uint_eq(coin->reserved_to, sw.node->height + 2016);
	/* Its reply is lost: nothing is added twice. */
	splice_world_mine_empty(199);
	sw.node->fail_method = "reserveinputs";
	sw.node->fail_in = 1;
	sw.node->fail_code = 0;
	splice_world_mine(-1);
	splice_world_pass(60000);
	ck_assert_uint_eq(sw.node->renewals, 2);
	ck_assert_uint_eq(coin->reserved_to, sw.node->height + 2016);
	/* Somebody has given them back by hand. */
	sw.node->coin[0].reserved = false;
	splice_world_mine_empty(200);
	splice_world_pass(30000);
	ck_assert(coin->reserved);
	ck_assert_uint_eq(coin->reserved_to, sw.node->height + 2016);
	/* The node has spent them: nothing is left to reserve, and the splice goes on. */
	sw.node->coin[0].spent = true;
	splice_world_mine_empty(200);
	ck_assert_uint_eq(sw.node->renewals, 3);
	splice_world_mine(0);
	fake_cln_lock(sw.node);
	splice_world_pass(30000);
	ends(&id, ACTION_DONE);
}
END_TEST

START_TEST(a_bump_is_released_with_its_splice)
{
	struct action_id id = splice_world_start("splice_in", IN);

	splice_world_start("splice_bump", BUMP);
	ck_assert_uint_eq(sw.node->coin[0].reserved_to, sw.node->height + 4032);
	/* Another's splice is in its place, for good. */
	for (int i = 0; i < 6; i++) {
		if (i == 0)
			splice_world_mine_close();
		else
			splice_world_mine(-1);
		if (i == 0) {
			sw.node->funding.vout = 7;
			sw.node->n_flights = 0;
		}
		splice_world_pass(30000);
		if (i < 5)
			ck_assert(sw.node->coin[0].reserved);
	}
	ends(&id, ACTION_FAILED);
	ck_assert(!sw.node->coin[0].reserved);
	ck_assert_uint_eq(discarded(), 2);
	ck_assert_int_eq(splice_world_payment().status, FUNDING_FAILED);
}
END_TEST

/* A signed candidate that nobody has seen, and the channel closes: the splice is over, and its coins are not free before the
 * chain has something else in its place. */
START_TEST(what_may_confirm_stays_reserved)
{
	struct action_id id = splice_world_start("splice_in", IN);

	sw.node->closed = true;
	splice_world_pass(60000);
	ends(&id, ACTION_FAILED);
	ck_assert_str_eq(splice_world_row(&id).funds_moved, "unknown");
	ck_assert_ptr_nonnull(
		strstr(splice_world_last_event("splice.negotiation_failed"), "\"funds_moved\":\"unknown\""));
	ck_assert_int_eq(splice_world_payment().status, FUNDING_PENDING);
	splice_world_look();
	ck_assert(sw.node->coin[0].reserved);
	splice_world_mine_close();
	for (int i = 0; i < 4; i++)
		splice_world_mine(-1);
	splice_world_look();
	ck_assert_uint_eq(sw.node->releases, 0);
	splice_world_mine(-1);
	ck_assert_int_eq(splice_world_payment().status, FUNDING_FAILED);
	/* The first reply is lost. */
	sw.node->fail_method = "unreserveinputs";
	sw.node->fail_in = 1;
	sw.node->fail_code = 0;
	splice_world_look();
	ck_assert_uint_eq(discarded(), 0);
	splice_world_look();
	ck_assert(!sw.node->coin[0].reserved);
	ck_assert_uint_eq(sw.node->releases, 2);
	ck_assert_uint_eq(discarded(), 1);
	splice_world_look();
	ck_assert_uint_eq(sw.node->releases, 2);
}
END_TEST

START_TEST(a_candidate_that_confirms_after_all_owes_nothing)
{
	splice_world_start("splice_in", IN);
	sw.node->closed = true;
	splice_world_pass(60000);
	for (int i = 0; i < 6; i++)
		splice_world_mine(i == 0 ? 0 : -1);
	splice_world_look();
	ck_assert_int_eq(splice_world_payment().status, FUNDING_SUCCEEDED);
	ck_assert_uint_eq(sw.node->releases, 0);
}
END_TEST

/* --- what no mempool takes --- */

static const char unsent[] = "Error broadcasting splice error code: -26. Unsent tx discarded ";

START_TEST(what_the_node_could_not_send_is_sent)
{
	struct action_id id;
	struct splice_row row;

	splice_world_mempool(_i == 0);
	sw.node->refuses_broadcast = unsent;
	id = splice_world_start(good[_i / 2].kind, good[_i / 2].params);
	ck_assert_uint_eq(splice_world_sent(), 1);
	ck_assert_uint_eq(splice_world_events("splice.pending"), 1);
	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.active, SPLICE_NONE);
	ck_assert_int_eq(row.fail_class, _i == 0 ? SPLICE_FINE : SPLICE_FEE_LOW);
	if (_i > 0)
		ck_assert_ptr_nonnull(strstr(row.fail_text, "insufficient fee"));
	/* As long as nobody has seen it, it is offered now and then. */
	splice_world_mempool(true);
	splice_world_pass(590000);
	ck_assert_uint_eq(splice_world_sent(), 1);
	splice_world_pass(60000);
	ck_assert_uint_eq(splice_world_sent(), 2);
	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.fail_class, SPLICE_FINE);
	splice_world_mine(0);
	fake_cln_lock(sw.node);
	splice_world_pass(30000);
	ends(&id, ACTION_DONE);
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 0);
}
END_TEST

START_TEST(a_bump_that_no_mempool_takes)
{
	struct action_id id = splice_world_start("splice_out", OUT), bump;
	struct splice_row row;

	splice_world_mempool(false);
	sw.node->refuses_broadcast = unsent;
	bump = splice_world_start("splice_bump", BUMP);
	ends(&bump, ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(splice_world_row(&bump).result, "insufficient fee"));
	ends(&id, ACTION_PARKED);
	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.fail_class, SPLICE_FEE_LOW);
	/* The one after it pays more. */
	splice_world_mempool(true);
	sw.node->refuses_broadcast = NULL;
	bump = splice_world_start("splice_bump", "\"feerate\":\"14\",\"max_feerate\":\"15\"");
	ends(&bump, ACTION_DONE);
	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.fail_class, SPLICE_FINE);
	ck_assert_uint_eq(sw.node->n_flights, 3);
}
END_TEST

/* --- cancel --- */

START_TEST(cancelled_before_it_is_signed)
{
	struct action_id id;
	struct splice_row row;

	sw.node->connected = false;
	id = splice_world_start("splice_in", IN);
	ck_assert_int_eq(splice_world_cancel(&id), ERR_NONE);
	ends(&id, ACTION_CANCELLED);
	ck_assert(!splice_world_living(&row));
	ck_assert_uint_eq(splice_world_events("splice.cancelled"), 1);
	sw.node->connected = true;
	splice_world_pass(60000);
	ck_assert_uint_eq(sw.node->opens, 0);
}
END_TEST

START_TEST(too_late_to_cancel)
{
	struct action_id id = splice_world_start("splice_in", IN);

	ck_assert_int_eq(splice_world_cancel(&id), ERR_NOT_CANCELLABLE);
	ends(&id, ACTION_PARKED);
}
END_TEST

START_TEST(a_bump_is_cancelled_alone)
{
	struct action_id id = splice_world_start("splice_in", IN), bump;
	struct splice_row row;

	sw.node->connected = false;
	bump = splice_world_start("splice_bump", BUMP);
	ck_assert_int_eq(splice_world_cancel(&bump), ERR_NONE);
	ends(&bump, ACTION_CANCELLED);
	ends(&id, ACTION_PARKED);
	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.active, SPLICE_NONE);
}
END_TEST

/* --- killed --- */

static const char *const crash_points[] = { "store.commit.before", "store.commit.after", "net.send", "net.reply" };

/* Both kinds and a bump, each to where it waits for a block. */
static void crash_work(void)
{
	struct splice_row row;

	if (!splice_world_living(&row) && sw.node->opens == 0 && splice_world_events("splice.accepted") == 0)
		splice_world_start("splice_in", IN);
	splice_world_pass(400000);
	if (splice_world_events("splice.accepted") == 1)
		splice_world_start("splice_bump", BUMP);
	splice_world_pass(400000);
}

/* False when it met no fault. */
static bool dies_at(const char *point, int nth)
{
	char spec[64];
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		snprintf(spec, sizeof(spec), "%s:crash:%d", point, nth);
		splice_world_up();
		failpoint_configure(spec);
		crash_work();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

static void finish_and_check(void)
{
	struct splice_row row;
	struct funding_payment p;

	ck_assert(splice_world_living(&row));
	ck_assert_int_eq(row.active, SPLICE_NONE);
	ck_assert_uint_eq(sw.node->n_flights, 2);
	ck_assert_uint_eq(sw.node->sent, 2);
	splice_world_mine(1);
	fake_cln_lock(sw.node);
	splice_world_pass(60000);
	ck_assert(!splice_world_living(&row));
	p = splice_world_payment();
	ck_assert(p.confirmed);
	ck_assert_uint_eq(splice_world_events("splice.locked"), 1);
	ck_assert_uint_eq(splice_world_events("splice.pending"), 2);
	ck_assert_uint_eq(splice_world_events("splice.negotiation_failed"), 0);
}

START_TEST(killed_anywhere_and_it_goes_once)
{
	int nth = 1;

	for (bool died = true; died; nth += 1 + nth / 6) {
		splice_world_setup();
		splice_world_down();
		store_close(sw.disk.store);
		sw.disk.store = NULL;
		died = dies_at(crash_points[_i], nth);
		splice_world_up();
		crash_work();
		finish_and_check();
		splice_world_teardown();
	}
	ck_assert_int_gt(nth, 10); /* it was met more than once; not at every place of many, for time's sake */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/splice");
	TCase *to = tcase_create("to the end"), *no = tcase_create("refused"), *t = tcase_create("trouble"),
	      *k = tcase_create("killed");

	tcase_add_checked_fixture(to, splice_world_setup, splice_world_teardown);
	tcase_add_checked_fixture(no, splice_world_setup, splice_world_teardown);
	tcase_add_checked_fixture(t, splice_world_setup, splice_world_teardown);
	tcase_set_timeout(t, 30);
	tcase_set_timeout(k, 300);
	tcase_add_loop_test(to, goes_to_its_lock, 0, ARRAY_LEN(good));
	tcase_add_test(to, a_second_life_submits_nothing);
	tcase_add_test(to, a_bump_joins_its_splice);
	tcase_add_test(to, a_reorganisation_takes_it_back);
	tcase_add_loop_test(no, is_refused_at_once, 0, ARRAY_LEN(bad));
	tcase_add_test(no, a_bump_at_a_time);
	tcase_add_loop_test(t, trouble_is_met, 0, ARRAY_LEN(trouble));
	tcase_add_test(t, a_command_that_hangs);
	tcase_add_test(t, the_budget_is_spent);
	tcase_add_test(t, the_deadline_passes);
	tcase_add_test(t, what_is_signed_has_no_deadline);
	tcase_add_test(t, the_channel_closes);
	tcase_add_test(t, a_node_that_does_not_know_it_any_more_ends_nothing);
	tcase_add_test(t, its_coins_stay_reserved);
	tcase_add_test(t, a_bump_is_released_with_its_splice);
	tcase_add_test(t, what_may_confirm_stays_reserved);
	tcase_add_test(t, a_candidate_that_confirms_after_all_owes_nothing);
	tcase_add_loop_test(t, what_the_node_could_not_send_is_sent, 0, 3);
	tcase_add_test(t, a_bump_that_no_mempool_takes);
	tcase_add_test(t, cancelled_before_it_is_signed);
	tcase_add_test(t, too_late_to_cancel);
	tcase_add_test(t, a_bump_is_cancelled_alone);
	tcase_add_loop_test(k, killed_anywhere_and_it_goes_once, 0, ARRAY_LEN(crash_points));
	suite_add_tcase(s, to);
	suite_add_tcase(s, no);
	suite_add_tcase(s, t);
	suite_add_tcase(s, k);
	return suite_run(s);
}
