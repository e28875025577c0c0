/* How much the statements of the outbox look at: each finds what it needs in an index, and its work does not grow with the
 * rows that lie around. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/query_sets.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(16 * 1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

/* --- plans --- */

static void without(char *text, const char *word)
{
	size_t n = strlen(word);

	for (char *at = text; (at = strstr(at, word)) != NULL;)
		memmove(at, at + n, strlen(at + n) + 1);
}

/* The steps of a plan, each followed by '\n', as far as versions of SQLite agree: later ones find that an index covers a
 * query where earlier ones do not, and number subqueries as they like. */
static const char *plan_of(const char *sql)
{
	static char text[4096];
	char explain[4096];
	sqlite3_stmt *q;
	sqlite3 *db;

	ck_assert_int_lt(snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql), (int)sizeof(explain));
	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, explain, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	text[0] = '\0';
	while (sqlite3_step(q) == SQLITE_ROW) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s\n", (const char *)sqlite3_column_text(q, 3));
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	without(text, "COVERING ");
	for (char digit[] = " 1"; digit[1] <= '9'; digit[1]++)
		without(text, digit);
	return text;
}

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

static const struct {
	const char *name;
	enum family family;
	const char *text;
	const char *plan;
} plans[] = {
	{ "claim, due", FAMILY_CLAIM, "wake_at_ms > 0 AND wake_at_ms <= ?2",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY\n"
	  "SEARCH directive_outbox USING INDEX directive_ready (space_id=? AND lane=? AND wake_at_ms>? AND wake_at_ms<?)\n" },
	{ "claim, fresh", FAMILY_CLAIM, "wake_at_ms = 0 ORDER BY",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY\n"
	  "SEARCH directive_outbox USING INDEX directive_ready (space_id=? AND lane=? AND wake_at_ms=?)\n" },
	{ "burst", FAMILY_CLAIM, "MATERIALIZED",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY\nMATERIALIZE next\n"
	  "SEARCH directive_outbox USING INDEX directive_order (order_key=? AND outbox_seq>?)\nSCAN next\n"
	  "SCALAR SUBQUERY\nSEARCH next\n" },
	{ "next wake", FAMILY_CLAIM, "SELECT min(wake_at_ms)",
	  "SEARCH directive_outbox USING INDEX directive_ready (space_id=? AND lane=?)\n" },
	{ "unclaim", FAMILY_CLAIM, "directive_claimed",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY\n"
	  "SEARCH directive_outbox USING INDEX directive_claimed (wake_at_ms<?)\nCORRELATED SCALAR SUBQUERY\n"
	  "SEARCH o USING INDEX directive_order (order_key=? AND outbox_seq<?)\n" },
	{ "recall", FAMILY_CLAIM, "directive_retry",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY\n"
	  "SEARCH directive_outbox USING INDEX directive_retry (wake_at_ms>?)\n" },
	{ "older holder", FAMILY_CLAIM, "SELECT 1 FROM directive_outbox INDEXED",
	  "SEARCH directive_outbox USING INDEX directive_order (order_key=? AND outbox_seq<?)\n" },
	{ "lane of a key", FAMILY_CLAIM, "SELECT lane",
	  "SEARCH directive_outbox USING INDEX directive_order (order_key=?)\n" },
	{ "unblock", FAMILY_CLAIM, "SET blocked = 0",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nSCALAR SUBQUERY\n"
	  "SEARCH directive_outbox USING INDEX directive_order (order_key=?)\n" },
	{ "block", FAMILY_CLAIM, "SET blocked = 1",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nSCALAR SUBQUERY\n"
	  "SEARCH directive_outbox USING INDEX directive_order (order_key=? AND outbox_seq>?)\n" },
	{ "save", FAMILY_DIRECTIVE, "SET lane = ?3",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\nCORRELATED SCALAR SUBQUERY\n"
	  "SEARCH o USING INDEX directive_order (order_key=? AND outbox_seq<?)\n" },
	{ "is blocked", FAMILY_DIRECTIVE, "SELECT blocked",
	  "SEARCH directive_outbox USING INTEGER PRIMARY KEY (rowid=?)\n" },
	{ "by id", FAMILY_DIRECTIVE, "WHERE directive_id = ?1",
	  "SEARCH directive_outbox USING INDEX sqlite_autoindex_directive_outbox_1 (directive_id=?)\n" },
	{ "of an account", FAMILY_DIRECTIVE, "directive_account",
	  "SEARCH directive_outbox USING INDEX directive_account (account=? AND outbox_seq>?)\n" },
	{ "elsewhere", FAMILY_DIRECTIVE, "directive_elsewhere",
	  "SEARCH directive_outbox USING INDEX directive_elsewhere (outbox_seq>?)\n" },
	{ "confirmed elsewhere", FAMILY_DIRECTIVE, "directive_watched",
	  "SEARCH directive_outbox USING INDEX directive_watched (space_id=? AND result_block>?)\n" },
	{ "to recheck", FAMILY_DIRECTIVE, "directive_recheck",
	  "SEARCH directive_outbox USING INDEX directive_recheck (recheck_at_ms<?)\n" },
	{ "lowest vacant slot", FAMILY_SLOT, "+state = 5",
	  "SEARCH outbox_tx USING INTEGER PRIMARY KEY (rowid=?)\nSCALAR SUBQUERY\n"
	  "SEARCH outbox_tx USING INDEX outbox_tx_open (lane=?)\n" },
	{ "slots in pools", FAMILY_SLOT, "+state IN (0, 1)", "SEARCH outbox_tx USING INDEX outbox_tx_open (lane=?)\n" },
	{ "open slots", FAMILY_SLOT, "ORDER BY tx_nonce LIMIT ?2",
	  "SEARCH outbox_tx USING INDEX outbox_tx_open (lane=?)\n" },
	{ "watched slots", FAMILY_SLOT, "outbox_tx_watched",
	  "SEARCH outbox_tx USING INDEX outbox_tx_watched (lane=? AND next_check_at_ms>?)\n" },
	{ "open slots of a chain", FAMILY_SLOT, "+t.state",
	  "SEARCH l USING INDEX sqlite_autoindex_outbox_lane_1 (chain_id=?)\n"
	  "SEARCH t USING INDEX outbox_tx_open (lane=?)\n" },
	{ "cost", FAMILY_SLOT, "outbox_tx_cost",
	  "SEARCH l USING INDEX sqlite_autoindex_outbox_lane_1 (chain_id=?)\n"
	  "SEARCH t USING INDEX outbox_tx_cost (lane=? AND opened_at_ms>?)\n" },
	{ "attempts of a slot", FAMILY_ATTEMPT, "ORDER BY fill, attempt",
	  "SEARCH outbox_tx_attempt USING INDEX sqlite_autoindex_outbox_tx_attempt_2 (tx_id=?)\n" },
	{ "hashes of a directive", FAMILY_ATTEMPT, "signed_seq DESC",
	  "SEARCH i USING INDEX outbox_tx_item_of (outbox_seq=?)\n"
	  "SEARCH a USING INDEX sqlite_autoindex_outbox_tx_attempt_2 (tx_id=? AND fill=?)\n"
	  "USE TEMP B-TREE FOR ORDER BY\n" },
};

START_TEST(plan_table)
{
	const char *plan = plan_of(statement(plans[_i].family, plans[_i].text));

	ck_assert_msg(strcmp(plan, plans[_i].plan) == 0, "%s:\n%s", plans[_i].name, plan);
}
END_TEST

static const enum family families[] = { FAMILY_SPACE, FAMILY_DIRECTIVE, FAMILY_CLAIM,  FAMILY_SIGNATURE,
					FAMILY_LANE,  FAMILY_SLOT,      FAMILY_ATTEMPT };

/* Tables of a few rows: spaces, lanes, and the tally of both. */
static const char *const small[] = { "SCAN outbox_nonce_space\n", "SCAN outbox_lane\n", "SCAN outbox_tally\n",
				     "SCAN next\n" };

static const struct {
	enum family family;
	const char *text;
} writes[] = {
	{ FAMILY_DIRECTIVE, "INSERT INTO directive_outbox" },
	{ FAMILY_DIRECTIVE, "SET lane = ?3" },
	{ FAMILY_SPACE, "SET next_nonce = ?2 + 1" },
	{ FAMILY_SIGNATURE, "INSERT INTO directive_signature" },
};

/* Neither RETURNING nor a long list in a CHECK: for each SQLite makes a table, and drops it, whenever the statement runs. */
START_TEST(no_write_makes_a_table)
{
	char explain[4096];
	sqlite3_stmt *q;
	sqlite3 *db;
	int steps = 0;

	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	snprintf(explain, sizeof(explain), "EXPLAIN %s", statement(writes[_i].family, writes[_i].text));
	ck_assert_msg(sqlite3_prepare_v2(db, explain, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	for (; sqlite3_step(q) == SQLITE_ROW; steps++)
		ck_assert_str_ne((const char *)sqlite3_column_text(q, 1), "OpenEphemeral");
	ck_assert_int_gt(steps, 10);
	sqlite3_finalize(q);
	sqlite3_close(db);
}
END_TEST

START_TEST(no_statement_walks_a_table)
{
	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		for (unsigned i = 0; i < query_sets[families[f]]->n; i++) {
			const char *sql = query_sets[families[f]]->sql[i];
			char plan[4096];

			snprintf(plan, sizeof(plan), "%s", plan_of(sql));
			for (size_t s = 0; s < ARRAY_LEN(small); s++)
				without(plan, small[s]);
			ck_assert_msg(!strstr(plan, "SCAN ") && !strstr(plan, "AUTOMATIC"), "%s\n%s", sql, plan);
		}
}
END_TEST

/* --- work --- */

#define FEW  160
#define MANY 100000

/* n directives, an eighth of each kind: fresh, fresh ones of one key, due, due much later, claims that have ended, to be
 * rechecked, included elsewhere, confirmed.  And n settled slots, half of them still looked after, with six open ones. */
#define NUMBERS "WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < %d)"

static const char directives_sql[] =
	"BEGIN; " NUMBERS
	"INSERT INTO directive_outbox (directive_id, kind, action_key, space_id, account, signer, nonce, nonce_generation,"
	" payload, content_hash, order_key, lane, appended_block, delivery_status, holds_order, blocked, attempts,"
	" reverted_dry_runs, wake_at_ms, recheck_at_ms, version, result_tx_hash, result_block, created_at_ms, updated_at_ms)"
	" SELECT 'd' || i, 'k', 'a', 1, CAST(printf('account of 20 by%%04d', i %% 10) AS BLOB), zeroblob(20), i, 0, x'',"
	" zeroblob(32), CASE WHEN i %% 8 = 1 THEN x'07' END, 1, 0,"
	" CASE i %% 8 WHEN 0 THEN 0 WHEN 1 THEN 0 WHEN 2 THEN 5 WHEN 3 THEN 5 WHEN 4 THEN 1 WHEN 5 THEN 8 WHEN 6 THEN 3"
	" ELSE 4 END, i %% 8 = 1, i %% 8 = 1 AND i > 1, 0, 0,"
	" CASE i %% 8 WHEN 0 THEN 0 WHEN 1 THEN 0 WHEN 2 THEN 1000 + i WHEN 3 THEN 9000000 + i WHEN 4 THEN 1000 + i END,"
	" CASE i %% 8 WHEN 5 THEN 1000 + i END, 1, CASE i %% 8 WHEN 6 THEN zeroblob(32) END,"
	" CASE i %% 8 WHEN 6 THEN 5 END, i, i FROM number; COMMIT";

static const char slots_sql[] =
	"BEGIN; " NUMBERS
	"INSERT INTO outbox_tx (lane, tx_nonce, purpose, state, version, fill, mined_hash, mined_block, mined_block_hash,"
	" mined_ok, gas_used, gas_price, cost_gwei, watch_until, next_check_at_ms, opened_at_ms)"
	" SELECT 1, i, 0, 3, 1, 0, zeroblob(32), 1, zeroblob(32), 1, 1, 1, 1, 9, CASE WHEN i %% 2 THEN i END, i"
	" FROM number; COMMIT";

static int make_places(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	ck_assert_int_eq(rows_space(u, 1), 1);
	ck_assert_int_eq(rows_lane(u, 1), 1);
	OK(space_store_advance(u, 1, MANY + 1, err));
	OK(lane_store_raise(u, 1, MANY + 1, 0, err));
	return 0;
}

static int open_six(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	for (int i = 0; i < 6; i++) {
		struct slot_row slot = rows_slot(u, 1);

		rows_attempt(u, &slot, 1, 0x20000 + (unsigned)i);
	}
	return 0;
}

static void fill(int n)
{
	char sql[4096];

	scratch_unit(&scratch, make_places, NULL);
	snprintf(sql, sizeof(sql), directives_sql, n);
	scratch_sql(&scratch, sql);
	snprintf(sql, sizeof(sql), slots_sql, n);
	scratch_sql(&scratch, sql);
	scratch_unit(&scratch, open_six, NULL);
}

#define NOW 5000000

static void each_row(void *ctx, const struct directive_row *row)
{
	(void)row;
	++*(size_t *)ctx;
}

static struct directive_row get(struct unit *u, const char *id)
{
	struct directive_row row;
	struct err e, *err = &e;

	OK(directive_store_by_id(unit_view(u), &arena, id, &row, err));
	return row;
}

/* Each does one thing, and says how much it got. */
static int do_claim(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row *rows;

	return directive_store_claim(u, &arena, 1, 1, NOW, NOW + 1, 16, &rows, got, err);
}

static int do_burst(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row head = get(u, "d1"), *rows;

	return directive_store_claim_burst(u, &arena, &head, NOW, NOW + 1, 8, &rows, got, err);
}

static int do_next_wake(struct unit *u, size_t *got, struct err *err)
{
	int64_t at_ms = 4711;

	OK(directive_store_next_wake(unit_view(u), 1, 1, &at_ms, err));
	*got = at_ms == 0;
	return 0;
}

static int do_unclaim(struct unit *u, size_t *got, struct err *err)
{
	unsigned n;

	OK(directive_store_unclaim_expired(u, NOW, NOW, 8, &n, err));
	*got = n;
	return 0;
}

static int do_recall(struct unit *u, size_t *got, struct err *err)
{
	*got = 1;
	return directive_store_recall(u, NOW, NOW, 8, err);
}

static int do_older_holder(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row row = get(u, "d153");
	bool older;

	OK(directive_store_has_older_holder(unit_view(u), &row, &older, err));
	*got = older;
	return 0;
}

static int do_holder_lane(struct unit *u, size_t *got, struct err *err)
{
	int64_t lane;

	OK(directive_store_holder_lane(unit_view(u), (const uint8_t *)"\7", 1, &lane, err));
	*got = (size_t)lane;
	return 0;
}

static int do_unblock(struct unit *u, size_t *got, struct err *err)
{
	*got = 1;
	return directive_store_unblock_oldest(u, (const uint8_t *)"\7", 1, err);
}

static int do_block(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row row = get(u, "d1");

	*got = 1;
	return directive_store_block_younger(u, &row, err);
}

static int do_save(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row row = get(u, "d153");

	*got = 1;
	return directive_store_save(u, &row, NOW, err);
}

static int do_add(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row row = rows_directive(1, MANY + 1);
	int64_t seq;

	row.id = "new";
	row.order_key[0] = 7;
	row.order_key_n = 1;
	row.holds_order = true;
	*got = 1;
	return directive_store_add(u, &row, &seq, err);
}

static int do_tally(struct unit *u, size_t *got, struct err *err)
{
	uint64_t tally[DELIVERY_COUNT];

	*got = 1;
	return directive_store_tally(unit_view(u), 0, tally, err);
}

static int do_oldest(struct unit *u, size_t *got, struct err *err)
{
	int64_t at_ms;

	OK(directive_store_oldest_open(unit_view(u), &at_ms, err));
	*got = (size_t)at_ms;
	return 0;
}

static int do_recheck(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row *rows;

	return directive_store_to_recheck(unit_view(u), &arena, NOW, 8, &rows, got, err);
}

static int do_elsewhere(struct unit *u, size_t *got, struct err *err)
{
	struct directive_row *rows;

	return directive_store_included_elsewhere(unit_view(u), &arena, 0, 8, &rows, got, err);
}

static int list_as(struct unit *u, const struct directive_query *dq, size_t *got, struct err *err)
{
	int64_t cursor;

	*got = 0;
	return directive_store_list(unit_view(u), &arena, dq, each_row, got, &cursor, err) < 0 ? -1 : 0;
}

static int do_list(struct unit *u, size_t *got, struct err *err)
{
	return list_as(u, &(struct directive_query){ .after_seq = 50, .limit = 8 }, got, err);
}

static int do_list_statuses(struct unit *u, size_t *got, struct err *err)
{
	static const enum delivery_status some[] = { DELIVERY_MANUAL, DELIVERY_CONFIRMED };

	return list_as(u, &(struct directive_query){ .statuses = some, .n_statuses = 2, .after_seq = 50, .limit = 8 },
		       got, err);
}

static int do_list_account(struct unit *u, size_t *got, struct err *err)
{
	struct evm_address account;

	memcpy(account.b, "account of 20 by0003", sizeof(account.b));
	return list_as(u, &(struct directive_query){ .account = &account, .limit = 8 }, got, err);
}

static int do_slot(struct unit *u, size_t *got, struct err *err)
{
	struct slot_row slot;

	*got = 1;
	return slot_store_open(u, 1, SLOT_DIRECTIVES, 16, 1, NOW, &slot, err);
}

static int do_open_slots(struct unit *u, size_t *got, struct err *err)
{
	struct slot_row *rows;

	return slot_store_list_open(unit_view(u), &arena, 1, 16, &rows, got, err);
}

static int do_watched_slots(struct unit *u, size_t *got, struct err *err)
{
	struct slot_row *rows;

	return slot_store_list_watched(unit_view(u), &arena, 1, 16, &rows, got, err);
}

static int do_count_slots(struct unit *u, size_t *got, struct err *err)
{
	unsigned n;

	OK(slot_store_count_open(unit_view(u), ROWS_CHAIN, &n, err));
	*got = n;
	return 0;
}

static const struct {
	const char *name;
	enum family family;
	int (*run)(struct unit *u, size_t *got, struct err *err);
	size_t got;
} works[] = {
	{ "claim", FAMILY_CLAIM, do_claim, 16 },
	{ "burst", FAMILY_CLAIM, do_burst, 8 },
	{ "next wake", FAMILY_CLAIM, do_next_wake, 1 },
	{ "unclaim", FAMILY_CLAIM, do_unclaim, 8 },
	{ "recall", FAMILY_CLAIM, do_recall, 1 },
	{ "older holder", FAMILY_CLAIM, do_older_holder, 1 },
	{ "lane of a key", FAMILY_CLAIM, do_holder_lane, 1 },
	{ "unblock", FAMILY_CLAIM, do_unblock, 1 },
	{ "block", FAMILY_CLAIM, do_block, 1 },
	{ "save", FAMILY_DIRECTIVE, do_save, 1 },
	{ "add", FAMILY_DIRECTIVE, do_add, 1 },
	{ "tally", FAMILY_DIRECTIVE, do_tally, 1 },
	{ "oldest open", FAMILY_DIRECTIVE, do_oldest, 1 },
	{ "to recheck", FAMILY_DIRECTIVE, do_recheck, 8 },
	{ "included elsewhere", FAMILY_DIRECTIVE, do_elsewhere, 8 },
	{ "list", FAMILY_DIRECTIVE, do_list, 8 },
	{ "list of statuses", FAMILY_DIRECTIVE, do_list_statuses, 8 },
	{ "list of an account", FAMILY_DIRECTIVE, do_list_account, 8 },
	{ "open a slot", FAMILY_SLOT, do_slot, 1 },
	{ "open slots", FAMILY_SLOT, do_open_slots, 6 },
	{ "watched slots", FAMILY_SLOT, do_watched_slots, 16 },
	{ "open slots of a chain", FAMILY_SLOT, do_count_slots, 6 },
};

struct measure {
	size_t i, got;
	uint64_t work;
};

static int measured(struct unit *u, void *ctx, struct err *err)
{
	struct measure *m = ctx;

	stmt_work_for_test(scratch.store, works[m->i].family);
	OK(works[m->i].run(u, &m->got, err));
	m->work = stmt_work_for_test(scratch.store, works[m->i].family);
	return 0;
}

static void measure_all(struct measure to[static ARRAY_LEN(works)])
{
	struct err e, *err = &e;

	for (size_t i = 0; i < ARRAY_LEN(works); i++) {
		to[i].i = i;
		OK(store_rehearse(scratch.store, measured, &to[i], err));
		store_flush(scratch.store);
		arena_reset(&arena);
	}
}

START_TEST(work_does_not_grow)
{
	struct measure few[ARRAY_LEN(works)], many[ARRAY_LEN(works)];

	fill(FEW);
	measure_all(few);
	teardown();
	setup();
	fill(MANY);
	measure_all(many);
	for (size_t i = 0; i < ARRAY_LEN(works); i++) {
		ck_assert_msg(few[i].got == works[i].got && many[i].got == works[i].got, "%s: got %zu and %zu",
			      works[i].name, few[i].got, many[i].got);
		ck_assert_uint_gt(few[i].work, 0);
		ck_assert_msg(many[i].work == few[i].work, "%s: %" PRIu64 " steps among %d rows, %" PRIu64 " among %d",
			      works[i].name, few[i].work, FEW, many[i].work, MANY);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/outbox_plans");
	TCase *tc = tcase_create("plans");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, plan_table, 0, (int)ARRAY_LEN(plans));
	tcase_add_loop_test(tc, no_write_makes_a_table, 0, (int)ARRAY_LEN(writes));
	tcase_add_test(tc, no_statement_walks_a_table);
	tcase_add_test(tc, work_does_not_grow);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
