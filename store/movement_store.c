#include "store/movement_store.h"

#include <assert.h>
#include <inttypes.h>

#include "store/proof_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"
#include "store/tx_store.h"
#include "store/utxo_store.h"
#include "store/vtxo_store.h"

_Static_assert(ACCOUNT_SPENDABLE == 1 && ACCOUNT_LOCKED == 2 && ACCOUNT_PENDING == 3 && ACCOUNT_SENT == 4 &&
		       ACCOUNT_FEES == 5 && ACCOUNT_OUTSIDE == 6 && ACCOUNT_INVALID == 7 && ACCOUNT_EXITING == 8,
	       "stored in ledger_entry.account and account_total.account");
_Static_assert(ACCOUNT_MAX == ACCOUNT_EXITING, "the last one");
_Static_assert((int)PROOF_SPENDABLE == (int)ACCOUNT_SPENDABLE && (int)PROOF_LOCKED == (int)ACCOUNT_LOCKED &&
		       (int)PROOF_PENDING == (int)ACCOUNT_PENDING && (int)PROOF_SENT == (int)ACCOUNT_SENT &&
		       PROOF_SPENT == 5 && PROOF_INVALID == 6,
	       "Q_CHECK_COINS takes one for the other");
_Static_assert((int)UTXO_SPENDABLE == (int)ACCOUNT_SPENDABLE && (int)UTXO_LOCKED == (int)ACCOUNT_LOCKED &&
		       (int)UTXO_PENDING == (int)ACCOUNT_PENDING && UTXO_IMMATURE == 4 && UTXO_SPENT == 5 &&
		       UTXO_ABSENT == 6 && UTXO_WAITING == 7,
	       "and here too");
_Static_assert((int)VTXO_SPENDABLE == (int)ACCOUNT_SPENDABLE && (int)VTXO_LOCKED == (int)ACCOUNT_LOCKED &&
		       VTXO_SPENT == 3 && VTXO_EXITING == 4 && VTXO_EXITED == 5,
	       "and here");

enum {
	Q_TOTALS_OF_UNIT,
	Q_ADD,
	Q_ADD_ENTRY,
	Q_ADD_TOTAL,
	Q_LIST_OLDEST,
	Q_LIST_NEWEST,
	Q_LIST_OLDEST_ALL,
	Q_LIST_NEWEST_ALL,
	Q_ENTRIES,
	Q_TOTALS,
	Q_CHECK_COINS,
	Q_CHECK_ZERO,
	Q_AUDIT_TOTALS,
	Q_AUDIT_MOVEMENTS,
	Q_COUNT
};

#define LIST_SQL(filter, order)                                                                                            \
	"SELECT m.id, m.at_ms, m.action_id, m.rail, m.kind, mint.url, m.note, m.unit, m.amount, m.fee, m.balance,"         \
	" m.txid FROM movement AS m LEFT JOIN mint ON mint.id = m.mint_id WHERE m.id > ?1 AND m.id < ?2 AND m.at_ms >= ?3" \
	" AND (?4 IS NULL OR m.rail = ?4)" filter " ORDER BY m.id " order " LIMIT ?5"
#define EXTERNAL " AND m.amount <> 0"

static const char *const sql[Q_COUNT] = {
	[Q_TOTALS_OF_UNIT] = "SELECT mint_id, account, total FROM account_total WHERE rail = ?1 AND unit = ?2",
	[Q_ADD] = "INSERT INTO movement (at_ms, action_id, rail, kind, mint_id, unit, note, amount, fee, balance,"
		  " txid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[Q_ADD_ENTRY] = "INSERT INTO ledger_entry (movement_id, account, delta) VALUES (?1, ?2, ?3)",
	[Q_ADD_TOTAL] = "INSERT INTO account_total (rail, mint_id, unit, account, total) VALUES (?1, ?2, ?3, ?4, ?5)"
			" ON CONFLICT (rail, mint_id, unit, account) DO UPDATE SET total = total + excluded.total",
	[Q_LIST_OLDEST] = LIST_SQL(EXTERNAL, "ASC"),
	[Q_LIST_NEWEST] = LIST_SQL(EXTERNAL, "DESC"),
	[Q_LIST_OLDEST_ALL] = LIST_SQL("", "ASC"),
	[Q_LIST_NEWEST_ALL] = LIST_SQL("", "DESC"),
	[Q_ENTRIES] = "SELECT account, delta FROM ledger_entry WHERE movement_id = ?1",
	[Q_TOTALS] = "SELECT t.rail, t.mint_id, mint.url, t.unit, t.account, t.total FROM account_total AS t"
		     " LEFT JOIN mint ON mint.id = t.mint_id ORDER BY t.rail, t.mint_id, t.unit, t.account",
	/* What is spent is in no account, and the indexes leave it out: the cost is that of what is held, not of what ever
	 * was.  States and accounts of the same meaning have the same number, but for those that are named. */
	[Q_CHECK_COINS] =
		"WITH coins AS (SELECT '" RAIL_ECASH "' AS rail, mint_id, unit, CASE state WHEN 6 THEN 7 ELSE state END"
		"  AS account, sum(amount) AS total FROM proof INDEXED BY proof_unspent WHERE state <> 5"
		"  GROUP BY mint_id, unit, state"
		"  UNION ALL SELECT '" RAIL_ONCHAIN
		"', 0, 'sat', CASE state WHEN 4 THEN 3 WHEN 7 THEN 2 ELSE state END,"
		"  sum(value) FROM onchain_coin INDEXED BY onchain_coin_unspent WHERE state NOT IN (5, 6)"
		"  GROUP BY state"
		"  UNION ALL SELECT '" RAIL_ARK "', 0, 'sat', CASE state WHEN 4 THEN 8 ELSE state END, sum(amount)"
		"  FROM vtxo INDEXED BY vtxo_ours WHERE state NOT IN (3, 5) GROUP BY state),"
		" both AS (SELECT rail, mint_id, unit, account, total AS ledger, 0 AS coins FROM account_total"
		"  WHERE account NOT IN (5, 6)"
		"  UNION ALL SELECT rail, mint_id, unit, account, 0, total FROM coins)"
		" SELECT mint_id, unit, account, sum(ledger), sum(coins), rail FROM both"
		" GROUP BY rail, mint_id, unit, account HAVING sum(ledger) <> sum(coins) LIMIT 1",
	[Q_CHECK_ZERO] = "SELECT mint_id, unit, sum(total), rail FROM account_total GROUP BY rail, mint_id, unit"
			 " HAVING sum(total) <> 0 LIMIT 1",
	[Q_AUDIT_TOTALS] =
		"WITH entries AS (SELECT m.rail, ifnull(m.mint_id, 0) AS mint_id, m.unit, e.account, sum(e.delta) AS total"
		"  FROM movement AS m JOIN ledger_entry AS e ON e.movement_id = m.id GROUP BY 1, 2, 3, 4),"
		" both AS (SELECT rail, mint_id, unit, account, total, 0 AS entered FROM account_total"
		"  UNION ALL SELECT rail, mint_id, unit, account, 0, total FROM entries)"
		" SELECT mint_id, unit, account, sum(total), sum(entered), rail FROM both"
		" GROUP BY rail, mint_id, unit, account HAVING sum(total) <> sum(entered) LIMIT 1",
	[Q_AUDIT_MOVEMENTS] =
		"SELECT m.id FROM movement AS m LEFT JOIN ledger_entry AS e ON e.movement_id = m.id GROUP BY m.id"
		" HAVING sum(e.delta) IS NOT 0"
		" OR m.amount <> sum(CASE WHEN e.account IN (1, 2, 4, 8) THEN e.delta ELSE 0 END)"
		" OR m.fee <> sum(CASE WHEN e.account = 5 THEN e.delta ELSE 0 END) LIMIT 1",
};
const struct query_set movement_queries = { "movement", sql, Q_COUNT };

const char *account_name(enum account acc)
{
	switch (acc) {
	case ACCOUNT_SPENDABLE:
		return "spendable";
	case ACCOUNT_LOCKED:
		return "locked";
	case ACCOUNT_PENDING:
		return "pending";
	case ACCOUNT_SENT:
		return "sent";
	case ACCOUNT_FEES:
		return "fees";
	case ACCOUNT_OUTSIDE:
		return "outside";
	case ACCOUNT_INVALID:
		return "invalid";
	case ACCOUNT_EXITING:
		return "exiting";
	}
	return "unknown";
}

/* Is what it holds ours? */
static bool account_is_ours(int acc)
{
	return acc == ACCOUNT_SPENDABLE || acc == ACCOUNT_LOCKED || acc == ACCOUNT_SENT || acc == ACCOUNT_EXITING;
}

/* Does it hold coins?  Such an account is never below zero. */
static bool account_holds_coins(int acc)
{
	return acc != ACCOUNT_FEES && acc != ACCOUNT_OUTSIDE;
}

struct movement movement_begin(struct unit *u, const struct action_id *action, const char *rail, const char *kind,
			       int64_t mint_id, struct currency unit, int64_t now_ms)
{
	struct movement m = {
		.unit_of_work = u,
		.at_ms = now_ms,
		.rail = rail,
		.kind = kind,
		.mint_id = mint_id,
		.unit = unit,
	};

	if (action)
		m.action = *action;
	return m;
}

int movement_add(struct movement *m, enum account from, enum account to, struct ecash amount, struct err *err)
{
	int64_t v = (int64_t)ecash_value(amount), less, more;

	assert(currency_equal(amount.unit, m->unit));
	if (from == to)
		return 0;
	if (__builtin_sub_overflow(m->delta[from], v, &less) || __builtin_add_overflow(m->delta[to], v, &more))
		return ERR(err, ERR_RANGE, "more %s in one movement than can be counted", m->unit.s);
	m->delta[from] = less;
	m->delta[to] = more;
	return 0;
}

/* The sums after m, so that none leaves its range: one that cannot be counted must not be written, or no later movement
 * in this unit could be.  The balance over all mints is for people, and stops at its end: or a mint that signs notes of
 * 2^62 would stop what is done at the others. */
static int movement_weigh(const struct movement *m, int64_t *ret_balance, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_MOVEMENT, Q_TOTALS_OF_UNIT);
	int64_t after[ACCOUNT_MAX + 1], ours = 0, all = 0;
	bool over = false;
	int rc;

	memcpy(after, m->delta, sizeof(after));
	bind_text(q, 1, m->rail);
	bind_text(q, 2, m->unit.s);
	while ((rc = stmt_step(q, err)) == 1) {
		int64_t acc = col_i64(q, 1), total = col_i64(q, 2);

		if (col_i64(q, 0) == m->mint_id)
			over |= __builtin_add_overflow(after[acc], total, &after[acc]);
		else if (account_is_ours((int)acc) && __builtin_add_overflow(all, total, &all))
			all = INT64_MAX; /* none of them is below zero */
	}
	if (rc < 0)
		return -1;
	for (int acc = 1; acc <= ACCOUNT_MAX; acc++) {
		if (account_is_ours(acc))
			over |= __builtin_add_overflow(ours, after[acc], &ours);
		if (!over && account_holds_coins(acc) && after[acc] < 0)
			return ERR(err, ERR_INTERNAL, "the ledger's %s account would fall to %" PRId64,
				   account_name((enum account)acc), after[acc]);
	}
	if (over)
		return ERR(err, ERR_RANGE, "more %s in all than can be counted", m->unit.s);
	*ret_balance = __builtin_add_overflow(all, ours, &all) ? INT64_MAX : all;
	return 0;
}

static int movement_add_row(const struct movement *m, int64_t balance, int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_MOVEMENT, Q_ADD);
	int64_t amount = 0;

	for (int acc = 1; acc <= ACCOUNT_MAX; acc++)
		if (account_is_ours(acc))
			amount += m->delta[acc];
	bind_i64(q, 1, m->at_ms);
	bind_action_id(q, 2, &m->action);
	bind_text(q, 3, m->rail);
	bind_text(q, 4, m->kind);
	bind_optional(q, 5, m->mint_id, 0);
	bind_text(q, 6, m->unit.s);
	bind_text(q, 7, m->note);
	bind_i64(q, 8, amount);
	bind_i64(q, 9, m->delta[ACCOUNT_FEES]);
	bind_i64(q, 10, balance);
	if (m->has_txid)
		bind_txid(q, 11, &m->txid);
	if (stmt_insert(q, ERR_INTERNAL, "movement", err) != 0)
		return -1;
	*ret_id = stmt_last_rowid(q);
	return 0;
}

static int movement_add_entry(const struct movement *m, int64_t id, int acc, struct err *err)
{
	SCOPED(stmt) struct stmt *entry = stmt_of(unit_view(m->unit_of_work), FAMILY_MOVEMENT, Q_ADD_ENTRY);
	SCOPED(stmt) struct stmt *total = stmt_of(unit_view(m->unit_of_work), FAMILY_MOVEMENT, Q_ADD_TOTAL);

	bind_i64(entry, 1, id);
	bind_i64(entry, 2, acc);
	bind_i64(entry, 3, m->delta[acc]);
	if (stmt_insert(entry, ERR_INTERNAL, "ledger entry", err) != 0)
		return -1;
	bind_text(total, 1, m->rail);
	bind_i64(total, 2, m->mint_id);
	bind_text(total, 3, m->unit.s);
	bind_i64(total, 4, acc);
	bind_i64(total, 5, m->delta[acc]);
	return stmt_run(total, err) < 0 ? -1 : 0;
}

int movement_post(struct movement *m, struct err *err)
{
	int64_t balance, id, sum = 0;
	bool empty = true;

	for (int acc = 1; acc <= ACCOUNT_MAX; acc++) {
		/* Unsigned: a partial sum may leave the range, the whole does not. */
		sum = (int64_t)((uint64_t)sum + (uint64_t)m->delta[acc]);
		empty = empty && m->delta[acc] == 0;
	}
	assert(sum == 0);
	if (empty)
		return 0;
	if (movement_weigh(m, &balance, err) != 0 || movement_add_row(m, balance, &id, err) != 0)
		return -1;
	for (int acc = 1; acc <= ACCOUNT_MAX; acc++)
		if (m->delta[acc] != 0 && movement_add_entry(m, id, acc, err) != 0)
			return -1;
	memset(m->delta, 0, sizeof(m->delta)); /* written once, whoever posts again */
	return 0;
}

static int entries_read(struct view v, int64_t id, int64_t *delta, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, Q_ENTRIES);
	int rc;

	bind_i64(q, 1, id);
	while ((rc = stmt_step(q, err)) == 1)
		delta[col_i64(q, 0)] = col_i64(q, 1);
	return rc;
}

static int movement_read(struct view v, struct arena *a, struct stmt *q, struct movement_row *ret, struct err *err)
{
	*ret = (struct movement_row){
		.id = col_i64(q, 0),
		.at_ms = col_i64(q, 1),
		.rail = col_text(a, q, 3),
		.kind = col_text(a, q, 4),
		.mint_url = col_text(a, q, 5),
		.note = col_text(a, q, 6),
		.amount = col_i64(q, 8),
		.fee = col_i64(q, 9),
		.balance = col_i64(q, 10),
		.has_txid = !col_is_null(q, 11),
	};
	if (ret->has_txid)
		col_txid(q, 11, &ret->txid);
	col_action_id(q, 2, &ret->action);
	col_currency(q, 7, &ret->unit);
	return entries_read(v, ret->id, ret->delta, err);
}

int movement_list(struct view v, struct arena *a, const struct movement_query *mq,
		  void (*each)(void *ctx, const struct movement_row *row), void *ctx, struct err *err)
{
	unsigned external = mq->oldest_first ? Q_LIST_OLDEST : Q_LIST_NEWEST;
	unsigned all = mq->oldest_first ? Q_LIST_OLDEST_ALL : Q_LIST_NEWEST_ALL;
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, mq->internal ? all : external);
	int n = 0, rc;

	bind_i64(q, 1, mq->after_id);
	bind_i64(q, 2, mq->before_id ? mq->before_id : INT64_MAX);
	bind_i64(q, 3, mq->since_ms);
	bind_text(q, 4, mq->rail);
	bind_i64(q, 5, mq->limit);
	while ((rc = stmt_step(q, err)) == 1) {
		struct movement_row row;

		if (movement_read(v, a, q, &row, err) < 0)
			return -1;
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

/* Is this row of account_total about another (rail, mint, unit) than the last? */
static bool totals_differ(const struct account_total *last, const struct account_total *next)
{
	return strcmp(last->rail, next->rail) != 0 || last->mint_id != next->mint_id ||
	       !currency_equal(last->unit, next->unit);
}

int movement_totals(struct view v, struct arena *a, struct account_total **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, Q_TOTALS);
	struct account_total *rows = NULL;
	size_t got = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		struct account_total row = {
			.rail = col_text(a, q, 0),
			.mint_id = col_i64(q, 1),
			.mint_url = col_text(a, q, 2),
		};

		col_currency(q, 3, &row.unit);
		if (got == 0 || totals_differ(&rows[got - 1], &row)) {
			rows = rows_room(a, rows, got, sizeof(*rows));
			rows[got++] = row;
		}
		rows[got - 1].total[col_i64(q, 4)] = col_i64(q, 5);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

/* Whose accounts a check found wrong: "ecash of mint 3", "onchain". */
static const char *owner_text(struct arena *a, struct stmt *q, int mint_col, int rail_col)
{
	const char *rail = col_text(a, q, rail_col);
	int64_t mint = col_i64(q, mint_col);

	return mint ? arena_printf(a, "%s of mint %" PRId64, rail, mint) : rail;
}

static int check_coins(struct view v, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, Q_CHECK_COINS);
	struct currency unit;
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	col_currency(q, 1, &unit);
	return ERR(err, ERR_INTERNAL, "%s: the ledger has %" PRId64 " %s %s, the coins have %" PRId64,
		   owner_text(&a, q, 0, 5), col_i64(q, 3), unit.s, account_name((enum account)col_i64(q, 2)),
		   col_i64(q, 4));
}

static int check_zero(struct view v, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, Q_CHECK_ZERO);
	struct currency unit;
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	col_currency(q, 1, &unit);
	return ERR(err, ERR_INTERNAL, "%s: the ledger's accounts add up to %" PRId64 " %s, not to zero",
		   owner_text(&a, q, 0, 3), col_i64(q, 2), unit.s);
}

static int audit_totals(struct view v, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, Q_AUDIT_TOTALS);
	struct currency unit;
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	col_currency(q, 1, &unit);
	return ERR(err, ERR_INTERNAL, "%s: the total is %" PRId64 " %s %s, the entries make %" PRId64,
		   owner_text(&a, q, 0, 5), col_i64(q, 3), unit.s, account_name((enum account)col_i64(q, 2)),
		   col_i64(q, 4));
}

static int audit_movements(struct view v, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MOVEMENT, Q_AUDIT_MOVEMENTS);
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	return ERR(err, ERR_INTERNAL, "the entries of movement %" PRId64 " do not add up", col_i64(q, 0));
}

int movement_check(struct view v, struct err *err)
{
	if (check_coins(v, err) != 0)
		return -1;
	return check_zero(v, err);
}

int movement_audit(struct view v, struct err *err)
{
	if (movement_check(v, err) != 0 || audit_totals(v, err) != 0 || audit_movements(v, err) != 0)
		return -1;
	return tx_store_audit(v, err);
}
