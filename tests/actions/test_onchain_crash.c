/* A payment is killed at every failpoint that it passes, from its start over a bump or a cancel to its end; the next life goes
 * on.  Whatever was signed once is never signed again in another way, nothing is paid twice, and the ledger is right. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "tests/support/onchain_world.h"
#include "tests/support/suite.h"

#define PAY "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":40000}"

static struct oworld world, *w = &world;
static struct err e, *err = &e;

/* --- one life --- */

enum course { THEN_BUMP, THEN_CANCEL };

static void live(enum course course)
{
	struct action_id id;
	struct err no;

	oworld_fund(w, 100000);
	id = oworld_start(w, PAY);
	oworld_turn(w);
	if (course == THEN_BUMP)
		ck_assert_int_eq(oworld_amend(w, &id, "{\"feerate\":\"20\"}", &no), 0);
	else
		ck_assert_ptr_null(oworld_cancel(w, &id));
	oworld_turn(w);
}

/* False when it met no fault. */
static bool dies_at(const char *point, int nth, enum course course)
{
	char spec[64];
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		oworld_up(w, 0);
		snprintf(spec, sizeof(spec), "%s:crash:%d", point, nth);
		failpoint_configure(spec);
		live(course);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

/* --- the next one --- */

static void keep_id(void *ctx, const struct action_row *row)
{
	*(struct action_id *)ctx = row->id;
}

static void count_tx(void *ctx, const struct tx_row *row)
{
	unsigned *confirmed = ctx;

	*confirmed += row->place == TX_CONFIRMED && row->own;
}

static void goes_on(void)
{
	struct action_query q = { .filter = ACTIONS_ACTIVE, .limit = 2 };
	struct tx_query txs = { .limit = 100 };
	struct action_id id = { "" };
	uint64_t before, after;
	unsigned confirmed = 0;
	struct txid txid;

	OK(action_store_list(store_view(w->disk.store), &w->arena, &q, keep_id, &id, err));
	if (action_id_is_empty(&id)) { /* it had not begun: then nothing of it is there */
		ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 0);
		oworld_check(w);
		return;
	}
	before = 100000;
	oworld_turn(w);
	txid = oworld_txid(w, &id);
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	ck_assert(action_status_is_final(oworld_row(w, &id).status));
	after = oworld_sum(w, UTXO_SPENDABLE);
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 0);
	ck_assert_int_eq((int64_t)(before - after),
			 json_integer_value(json_object_get(oworld_result(w, &id), "amount_sat")) +
				 json_integer_value(json_object_get(oworld_result(w, &id), "fee_sat")));
	OK(tx_store_list(store_view(w->disk.store), &w->arena, &txs, count_tx, &confirmed, err));
	ck_assert_uint_eq(confirmed, 1);
	oworld_check(w);
}

static const struct {
	const char *point;
	enum course course;
} crashes[] = {
	{ "store.commit.before", THEN_BUMP },
	{ "store.commit.after", THEN_BUMP },
	{ "net.send", THEN_BUMP },
	{ "net.reply", THEN_BUMP },
	{ "store.commit.before", THEN_CANCEL },
	{ "store.commit.after", THEN_CANCEL },
	{ "net.send", THEN_CANCEL },
	{ "net.reply", THEN_CANCEL },
};

START_TEST(killed_anywhere_and_nothing_is_lost_or_doubled)
{
	int nth = 1;

	for (bool died = true; died; nth++) {
		scratch_open(&w->disk);
		store_close(w->disk.store);
		w->disk.store = NULL;
		died = dies_at(crashes[_i].point, nth, crashes[_i].course);
		oworld_up(w, 1000);
		goes_on();
		oworld_close(w);
	}
	ck_assert_int_gt(nth, 3); /* it was met more than once */
}
END_TEST

/* The last life ended when a node had taken the payment, and before that was written; whatever a node says to the next one,
 * the coins are not free. */
static struct action_id given_and_forgotten(void)
{
	struct action_query q = { .filter = ACTIONS_ACTIVE, .limit = 1 };
	struct action_id id = { "" };

	scratch_open(&w->disk);
	store_close(w->disk.store);
	w->disk.store = NULL;
	ck_assert(dies_at("onchain.sent", 1, THEN_BUMP));
	w->refusing = true;
	oworld_up(w, 1000);
	w->refusing = false;
	OK(action_store_list(store_view(w->disk.store), &w->arena, &q, keep_id, &id, err));
	ck_assert(!action_id_is_empty(&id));
	return id;
}

static void is_not_given_up(const struct action_id *id)
{
	struct txid txid;

	oworld_turn(w);
	txid = oworld_txid(w, id);
	ck_assert_ptr_null(oworld_cancel(w, id));
	ck_assert(!action_status_is_final(oworld_row(w, id).status));
	ck_assert_int_ne(oworld_place(w, &txid), TX_OUT);
	oworld_close(w);
}

START_TEST(a_no_does_not_undo_what_nobody_knows)
{
	struct action_id id = given_and_forgotten();

	is_not_given_up(&id);
}
END_TEST

START_TEST(nor_does_a_bump)
{
	struct action_id id = given_and_forgotten();

	OK(oworld_amend(w, &id, "{\"feerate\":\"20\"}", err));
	is_not_given_up(&id);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/onchain_send, killed");
	TCase *tc = tcase_create("with worlds of their own");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, killed_anywhere_and_nothing_is_lost_or_doubled, 0, (int)ARRAY_LEN(crashes));
	tcase_add_test(tc, a_no_does_not_undo_what_nobody_knows);
	tcase_add_test(tc, nor_does_a_bump);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
