/* How much the statements of the on-chain tables look at: each finds what it needs in an index. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/query_sets.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;

static void setup(void)
{
	scratch_open(&scratch);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static void without(char *text, const char *word)
{
	size_t n = strlen(word);

	for (char *at = text; (at = strstr(at, word)) != NULL;)
		memmove(at, at + n, strlen(at + n) + 1);
}

/* The steps of a plan, each followed by '\n', as far as versions of SQLite agree. */
static void plan_of(const char *sql, char *text, size_t size)
{
	char explain[4096];
	sqlite3_stmt *q = NULL;
	sqlite3 *db;

	ck_assert_int_lt(snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql), (int)sizeof(explain));
	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, explain, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	text[0] = '\0';
	while (sqlite3_step(q) == SQLITE_ROW) {
		size_t n = strlen(text);

		snprintf(text + n, size - n, "%s\n", (const char *)sqlite3_column_text(q, 3));
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	without(text, "COVERING ");
}

static const enum family families[] = { FAMILY_CHAIN,       FAMILY_SYNC,       FAMILY_WATCH,    FAMILY_SCRIPT,
					FAMILY_TX,          FAMILY_TX_READ,    FAMILY_TX_BLOCK, FAMILY_SETTLE,
					FAMILY_TX_CHANGE,   FAMILY_UTXO,       FAMILY_EXIT,     FAMILY_EXIT_TX,
					FAMILY_EXIT_CHILD,  FAMILY_EXIT_CLAIM, FAMILY_ARK_KEY,  FAMILY_ARK_SERVER,
					FAMILY_VTXO,        FAMILY_CHANNEL,    FAMILY_SPLICE,   FAMILY_SPLICE_COIN,
					FAMILY_SPLICE_PAST, FAMILY_FUNDING,    FAMILY_CANDIDATE };

/* What is gone through from one end, in the order that is asked for, until the limit. */
static const char *const in_order[] = {
	"SCAN CONSTANT ROW\n",                                /* no table at all */
	"SCAN chain_block\n",                                 /* the tip: its last row */
	"SCAN onchain_tx USING INDEX onchain_tx_block\n",     /* the highest that is confirmed */
	"SCAN s\n",                                           /* the servers, which are few */
	"SCAN ark_wallet\n",                                  /* of one row */
	"SCAN v USING INDEX vtxo_ours\n",                     /* all of it: sums */
	"SCAN c USING INDEX onchain_coin_open\n",             /* a page of what is not gone */
	"SCAN c USING INDEX onchain_coin_unspent\n",          /* all of it: sums */
	"SCAN chain_hit USING INDEX chain_hit_unconfirmed\n", /* a page of them */
	"SCAN exit USING INDEX exit_live_id\n",               /* all that live are woken */
	"SCAN e USING INDEX exit_state\n",                    /* all of it: sums */
	"SCAN chain_hit USING INDEX chain_hit_block\n", /* all that are confirmed, when the chain is another one */
	"SCAN w\n",                                     /* what may have won, as it was found */
	"SCAN l\n",                                     /* what has lost to that, so far */
	"SCAN channel\n",                               /* the node's, which are few */
	"SCAN splice_intent\n",                         /* a page of those that live */
	"SCAN splice_history USING INDEX splice_history_closed\n",    /* a page of it, from its end */
	"SCAN i USING INDEX splice_input_owed\n",                     /* all that is held */
	"SCAN funding_payment USING INDEX funding_payment_pending\n", /* a page of them */
};

START_TEST(no_statement_walks_a_table)
{
	char plan[4096];

	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		for (unsigned i = 0; i < query_sets[families[f]]->n; i++) {
			const char *sql = query_sets[families[f]]->sql[i];

			plan_of(sql, plan, sizeof(plan));
			for (size_t k = 0; k < ARRAY_LEN(in_order); k++)
				without(plan, in_order[k]);
			ck_assert_msg(!strstr(plan, "SCAN ") && !strstr(plan, "AUTOMATIC"), "%s\n%s", sql, plan);
		}
}
END_TEST

/* The one statement of a family that holds this text. */
static const char *statement(enum family f, const char *text)
{
	const char *found = NULL;

	for (unsigned i = 0; i < query_sets[f]->n; i++)
		if (strstr(query_sets[f]->sql[i], text)) {
			ck_assert_msg(!found, "two statements have: %s", text);
			found = query_sets[f]->sql[i];
		}
	ck_assert_msg(found, "no statement has: %s", text);
	return found;
}

/* Those that are asked for each input or output of a block, or of a wallet's every coin. */
static const struct {
	const char *name;
	enum family family;
	const char *text, *index;
} hot[] = {
	{ "whose coin", FAMILY_TX, "AND c.vout = ?2", "sqlite_autoindex_onchain_coin_1 (tx_id=? AND vout=?)" },
	{ "whose script", FAMILY_TX, "SELECT 1 FROM onchain_script", "sqlite_autoindex_onchain_script_1 (spk=?)" },
	{ "who else spends it", FAMILY_TX_CHANGE, "SELECT t.id FROM onchain_input",
	  "onchain_input_spends (prev_txid=? AND prev_vout=?)" },
	{ "who spends what it makes", FAMILY_TX_CHANGE, "SELECT s.id", "onchain_input_spends (prev_txid=?)" },
	{ "who watches an output", FAMILY_WATCH, "FROM chain_watch WHERE txid = ?1 AND vout = ?2 ON CONFLICT",
	  "chain_watch_output (txid=? AND vout=?)" },
	{ "who watches a script", FAMILY_WATCH, "FROM chain_watch WHERE spk = ?1", "chain_watch_script (spk=?)" },
	{ "coins to choose from", FAMILY_UTXO, "SELECT c.id, c.value FROM onchain_coin AS c WHERE",
	  "onchain_coin_unspent (state=?)" },
	{ "the next address", FAMILY_SCRIPT, "onchain_script_known", "onchain_script_known (chain=?)" },
	{ "the next change", FAMILY_SCRIPT, "onchain_script_free", "onchain_script_free (chain=?)" },
	{ "what a block confirmed", FAMILY_TX_BLOCK, "AND hash = ?2", "onchain_tx_block (height=?)" },
	{ "what no block has", FAMILY_TX_READ, "place IN (1, 2) AND place = ?3",
	  "onchain_tx_open (place=? AND id>? AND id<?)" },
	{ "what may have won", FAMILY_TX_READ, "WITH RECURSIVE", "onchain_tx_block (height>?)" },
	{ "what has lost to it", FAMILY_TX_READ, "WITH RECURSIVE",
	  "onchain_input_spends (prev_txid=? AND prev_vout=?)" },
	{ "what was built on that", FAMILY_TX_READ, "WITH RECURSIVE", "onchain_input_spends (prev_txid=?)" },
	{ "what an action made", FAMILY_TX_READ, "WHERE action_id = ?5",
	  "onchain_tx_action (action_id=? AND id>? AND id<?)" },
	{ "what an action holds", FAMILY_UTXO, "WHERE holder = ?1 AND +state = 2", "onchain_coin_holder (holder=?)" },
};

START_TEST(hot_table)
{
	char plan[4096];

	plan_of(statement(hot[_i].family, hot[_i].text), plan, sizeof(plan));
	ck_assert_msg(strstr(plan, hot[_i].index) != NULL, "%s:\n%s", hot[_i].name, plan);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/onchain_plans");
	TCase *tc = tcase_create("plans");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, no_statement_walks_a_table);
	tcase_add_loop_test(tc, hot_table, 0, (int)ARRAY_LEN(hot));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
