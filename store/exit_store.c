#include "store/exit_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/due.h"
#include "store/event_store.h"
#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(EXIT_START == 1 && EXIT_PROCESSING == 2 && EXIT_AWAITING_DELTA == 3 && EXIT_CLAIMABLE == 4 &&
		       EXIT_CLAIM_IN_PROGRESS == 5 && EXIT_CLAIMED == 6 && EXIT_ALREADY_SPENT == 7 &&
		       EXIT_CANCELED == 8 && EXIT_STATES == EXIT_CANCELED,
	       "stored in exit.state and exit_history.state");

enum {
	Q_ADD,
	Q_SAVE,
	Q_WAS,
	Q_PAST_ADD,
	Q_PAST_LAST,
	Q_PAST_COUNT,
	Q_PAST_TRIM,
	Q_WAKE,
	Q_WAKE_ALL,
	Q_GET,
	Q_FIND,
	Q_DUE,
	Q_NEXT_WAKE,
	Q_LIST_LIVE,
	Q_LIST_FINISHED,
	Q_LIST_ALL,
	Q_HISTORY,
	Q_SUMS,
	Q_COUNT
};

#define ROWS                                                                                                           \
	"SELECT e.id, e.vtxo_id, v.txid, v.vout, v.amount, v.expiry_height, e.attempt, e.state, e.live, e.checkpoint," \
	" e.version, e.feerate, e.scan_height, e.scan_hash, e.attempts, e.error, e.error_at_ms, e.wake_at_ms,"         \
	" e.started_at_ms, e.updated_at_ms FROM exit AS e CROSS JOIN vtxo AS v ON v.id = e.vtxo_id"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO exit (vtxo_id, attempt, state, live, checkpoint, version, feerate, attempts,"
		  " wake_at_ms, started_at_ms, updated_at_ms) SELECT ?1, 1 + coalesce((SELECT max(attempt) FROM exit"
		  " WHERE vtxo_id = ?1), 0), 1, 1, ?2, 1, ?3, 0, ?4, ?5, ?5",
	[Q_SAVE] = "UPDATE exit SET state = ?3, live = ?4, checkpoint = ?5, feerate = ?6, scan_height = ?7,"
		   " scan_hash = ?8, attempts = ?9, error = ?10, error_at_ms = ?11, wake_at_ms = ?12,"
		   " updated_at_ms = ?13, version = version + 1 WHERE id = ?1 AND version = ?2",
	[Q_WAS] = "SELECT state, checkpoint, updated_at_ms FROM exit WHERE id = ?1",
	[Q_PAST_LAST] = "SELECT coalesce(max(seq), 0) FROM exit_history WHERE exit_id = ?1",
	[Q_PAST_ADD] = "INSERT INTO exit_history (exit_id, seq, at_ms, state, checkpoint) VALUES (?1, ?2, ?3, ?4, ?5)",
	[Q_PAST_COUNT] = "SELECT count(*) FROM exit_history WHERE exit_id = ?1",
	[Q_PAST_TRIM] = "DELETE FROM exit_history WHERE exit_id = ?1 AND seq > ?2 AND seq <= ?3",
	[Q_WAKE] = "UPDATE exit SET wake_at_ms = ?2 WHERE id = ?1 AND live = 1"
		   " AND (wake_at_ms IS NULL OR wake_at_ms > ?2)",
	[Q_WAKE_ALL] = "UPDATE exit SET wake_at_ms = ?1 WHERE live = 1 AND (wake_at_ms IS NULL OR wake_at_ms > ?1)",
	[Q_GET] = ROWS " WHERE e.id = ?1",
	[Q_FIND] = ROWS " WHERE e.vtxo_id = (SELECT id FROM vtxo WHERE txid = ?1 AND vout = ?2)"
			" ORDER BY e.attempt DESC LIMIT 1",
	[Q_DUE] = "SELECT id FROM exit WHERE wake_at_ms <= ?1 ORDER BY wake_at_ms, id LIMIT ?2",
	[Q_NEXT_WAKE] = "SELECT min(wake_at_ms) FROM exit WHERE wake_at_ms > ?1",
	[Q_LIST_LIVE] = ROWS " WHERE e.id > ?1 AND e.live = 1 ORDER BY e.id LIMIT ?2",
	[Q_LIST_FINISHED] = ROWS " WHERE e.id > ?1 AND e.live = 0 ORDER BY e.id LIMIT ?2",
	[Q_LIST_ALL] = ROWS " WHERE e.id > ?1 ORDER BY e.id LIMIT ?2",
	[Q_HISTORY] = "SELECT seq, at_ms, state, checkpoint FROM exit_history WHERE exit_id = ?1 AND seq > ?2"
		      " ORDER BY seq LIMIT ?3",
	[Q_SUMS] = "SELECT e.state, count(*), sum(v.amount) FROM exit AS e INDEXED BY exit_state"
		   " CROSS JOIN vtxo AS v ON v.id = e.vtxo_id GROUP BY e.state",
};
const struct query_set exit_queries = { "exit", sql, Q_COUNT };

static const char *const state_names[EXIT_STATES + 1] = {
	[EXIT_START] = "start",
	[EXIT_PROCESSING] = "processing",
	[EXIT_AWAITING_DELTA] = "awaiting-delta",
	[EXIT_CLAIMABLE] = "claimable",
	[EXIT_CLAIM_IN_PROGRESS] = "claim-in-progress",
	[EXIT_CLAIMED] = "claimed",
	[EXIT_ALREADY_SPENT] = "vtxo-already-spent",
	[EXIT_CANCELED] = "canceled",
};

const char *exit_state_name(enum exit_state s)
{
	return s >= 1 && s <= EXIT_STATES ? state_names[s] : "unknown";
}

struct action_id exit_holder(int64_t id)
{
	struct action_id holder;

	snprintf(holder.s, sizeof(holder.s), "exit:%" PRId64, id);
	return holder;
}

/* --- writing --- */

static int tell(struct unit *u, int64_t id, const char *kind, const char *was, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_GET);
	char subject[OUTPOINT_TEXT], data[192], before[64] = "";
	struct outpoint vtxo;

	bind_i64(q, 1, id);
	if (stmt_step(q, err) < 0)
		return -1;
	col_txid(q, 2, &vtxo.txid);
	vtxo.vout = (uint32_t)col_u64(q, 3);
	outpoint_text(&vtxo, subject);
	if (was)
		snprintf(before, sizeof(before), ",\"was\":\"%s\"", was);
	snprintf(data, sizeof(data), "{\"exit\":%" PRId64 ",\"attempt\":%" PRIu64 ",\"state\":\"%s\"%s}", id,
		 col_u64(q, 6), exit_state_name((enum exit_state)col_i64(q, 7)), before);
	return event_append(u, kind, subject, data, err);
}

int exit_store_add(struct unit *u, int64_t vtxo_id, const char *checkpoint, const struct feerate *rate,
		   int64_t wake_at_ms, int64_t now_ms, int64_t *ret_id, struct err *err)
{
	int64_t id;

	{
		SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_ADD);

		bind_i64(q, 1, vtxo_id);
		bind_text(q, 2, checkpoint);
		if (rate)
			bind_feerate(q, 3, *rate);
		bind_optional(q, 4, wake_at_ms, EXIT_NO_WAKE);
		bind_i64(q, 5, now_ms);
		if (stmt_insert(q, ERR_EXISTS, "exit", err) != 0)
			return -1;
		id = stmt_last_rowid(q);
	}
	if (tell(u, id, "exit.started", NULL, err) != 0)
		return -1;
	*ret_id = id;
	return 0;
}

static int count_of(struct unit *u, unsigned query, int64_t id, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, query);

	bind_i64(q, 1, id);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_i64(q, 0);
	return 0;
}

/* Out of the middle: how it began and how it goes is what people look for. */
static int trim(struct unit *u, int64_t id, int64_t last, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_PAST_TRIM);
	int64_t n;

	if (last <= EXIT_HISTORY_MAX)
		return 0;
	if (count_of(u, Q_PAST_COUNT, id, &n, err) != 0)
		return -1;
	if (n <= EXIT_HISTORY_MAX)
		return 0;
	bind_i64(q, 1, id);
	bind_i64(q, 2, EXIT_HISTORY_ENDS);
	bind_i64(q, 3, last - EXIT_HISTORY_ENDS);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* What the row says now goes into the history.  *ret_was is its state. */
static int remember(struct unit *u, int64_t id, enum exit_state *ret_was, struct err *err)
{
	SCOPED(stmt) struct stmt *was = stmt_of(unit_view(u), FAMILY_EXIT, Q_WAS);
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_PAST_ADD);
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	int64_t last;
	int rc;

	bind_i64(was, 1, id);
	rc = stmt_step(was, err);
	if (rc != 1)
		return rc < 0 ? -1 : ERR(err, ERR_CONFLICT, "there is no exit %" PRId64, id);
	if (!arena_room(&a, col_size(was, 1) + 1))
		return ERR(err, ERR_RANGE, "exit %" PRId64 " has a state of %zu bytes", id, col_size(was, 1));
	if (count_of(u, Q_PAST_LAST, id, &last, err) != 0)
		return -1;
	*ret_was = (enum exit_state)col_i64(was, 0);
	bind_i64(q, 1, id);
	bind_i64(q, 2, last + 1);
	bind_i64(q, 3, col_i64(was, 2));
	bind_i64(q, 4, *ret_was);
	bind_text(q, 5, col_text(&a, was, 1));
	if (stmt_insert(q, ERR_INTERNAL, "history of an exit", err) != 0)
		return -1;
	return trim(u, id, last + 1, err);
}

static int save(struct unit *u, const struct exit_row *row, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_SAVE);

	bind_i64(q, 1, row->id);
	bind_i64(q, 2, row->version);
	bind_i64(q, 3, row->state);
	bind_bool(q, 4, row->live);
	bind_text(q, 5, row->checkpoint);
	if (row->has_feerate)
		bind_feerate(q, 6, row->feerate);
	if (row->has_scan) {
		bind_i64(q, 7, row->scan.height);
		bind_block_hash(q, 8, &row->scan.hash);
	}
	bind_i64(q, 9, row->attempts);
	bind_text(q, 10, row->error);
	if (row->error)
		bind_i64(q, 11, row->error_at_ms);
	bind_optional(q, 12, row->live ? row->wake_at_ms : EXIT_NO_WAKE, EXIT_NO_WAKE);
	bind_i64(q, 13, now_ms);
	return due_version_held(stmt_run(q, err), "exit", err);
}

int exit_store_save(struct unit *u, const struct exit_row *row, bool changed, int64_t now_ms, struct err *err)
{
	enum exit_state was = row->state;

	if (changed && remember(u, row->id, &was, err) != 0)
		return -1;
	if (save(u, row, now_ms, err) != 0)
		return -1;
	return changed ? tell(u, row->id, "exit.state_changed", exit_state_name(was), err) : 0;
}

int exit_store_tell(struct unit *u, int64_t id, const char *kind, struct err *err)
{
	return tell(u, id, kind, NULL, err);
}

int exit_store_wake(struct unit *u, int64_t id, int64_t at_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_WAKE);

	bind_i64(q, 1, id);
	bind_i64(q, 2, at_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int exit_store_wake_all(struct unit *u, int64_t at_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT, Q_WAKE_ALL);

	bind_i64(q, 1, at_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* --- reading --- */

static void row_of(struct stmt *q, struct arena *a, struct exit_row *row)
{
	*row = (struct exit_row){
		.id = col_i64(q, 0),
		.vtxo_id = col_i64(q, 1),
		.vtxo.vout = (uint32_t)col_u64(q, 3),
		.amount = col_sat(q, 4),
		.expiry_height = (uint32_t)col_u64(q, 5),
		.attempt = (uint32_t)col_u64(q, 6),
		.state = (enum exit_state)col_i64(q, 7),
		.live = col_bool(q, 8),
		.checkpoint = col_text(a, q, 9),
		.version = col_i64(q, 10),
		.has_feerate = !col_is_null(q, 11),
		.has_scan = !col_is_null(q, 12),
		.attempts = (uint32_t)col_u64(q, 14),
		.error = col_text(a, q, 15),
		.error_at_ms = col_optional(q, 16, 0),
		.wake_at_ms = col_optional(q, 17, EXIT_NO_WAKE),
		.started_at_ms = col_i64(q, 18),
		.updated_at_ms = col_i64(q, 19),
	};
	col_txid(q, 2, &row->vtxo.txid);
	if (row->has_feerate)
		row->feerate = col_feerate(q, 11);
	if (row->has_scan) {
		row->scan.height = (uint32_t)col_u64(q, 12);
		col_block_hash(q, 13, &row->scan.hash);
	}
}

/* Its texts, their ends and alignment. */
static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 9) + col_size(q, 15) + 64);
}

static int one(struct stmt *q, struct arena *a, struct exit_row *ret, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "an exit of %zu bytes", col_size(q, 9));
	row_of(q, a, ret);
	return 1;
}

int exit_store_get(struct view v, struct arena *a, int64_t id, struct exit_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_GET);

	bind_i64(q, 1, id);
	return one(q, a, ret, err);
}

int exit_store_find(struct view v, struct arena *a, const struct outpoint *vtxo, struct exit_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_FIND);

	bind_txid(q, 1, &vtxo->txid);
	bind_i64(q, 2, vtxo->vout);
	return one(q, a, ret, err);
}

int exit_store_due(struct view v, int64_t now_ms, int64_t *ret, unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_DUE);
	int n = 0, rc;

	bind_i64(q, 1, now_ms);
	bind_i64(q, 2, max);
	while ((rc = stmt_step(q, err)) == 1)
		ret[n++] = col_i64(q, 0);
	return rc < 0 ? -1 : n;
}

int exit_store_next_wake(struct view v, int64_t after_ms, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_NEXT_WAKE);

	bind_i64(q, 1, after_ms);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_optional(q, 0, EXIT_NO_WAKE);
	return 0;
}

int exit_store_backlog(struct view v, int64_t now_ms, unsigned max, unsigned *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_DUE);
	unsigned n = 0;
	int rc;

	bind_i64(q, 1, now_ms);
	bind_i64(q, 2, max);
	while ((rc = stmt_step(q, err)) == 1)
		n++;
	if (rc == 0)
		*ret = n;
	return rc;
}

int exit_store_list(struct view v, struct arena *a, const struct exit_query *query,
		    void (*each)(void *ctx, const struct exit_row *row), void *ctx, struct err *err)
{
	static const unsigned queries[] = {
		[EXITS_LIVE] = Q_LIST_LIVE,
		[EXITS_FINISHED] = Q_LIST_FINISHED,
		[EXITS_ALL] = Q_LIST_ALL,
	};
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, queries[query->filter]);
	int n = 0, rc;

	bind_i64(q, 1, query->after);
	bind_i64(q, 2, query->limit);
	while ((rc = stmt_step(q, err)) == 1 && has_room(a, q)) {
		struct exit_row row;

		row_of(q, a, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int exit_store_history(struct view v, struct arena *a, int64_t id, int64_t after, unsigned limit,
		       void (*each)(void *ctx, const struct exit_past *p), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_HISTORY);
	int n = 0, rc;

	bind_i64(q, 1, id);
	bind_i64(q, 2, after);
	bind_i64(q, 3, limit);
	while ((rc = stmt_step(q, err)) == 1 && arena_room(a, col_size(q, 3) + 64)) {
		struct exit_past p = {
			.seq = col_i64(q, 0),
			.at_ms = col_i64(q, 1),
			.state = (enum exit_state)col_i64(q, 2),
			.checkpoint = col_text(a, q, 3),
		};

		each(ctx, &p);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int exit_store_sums(struct view v, struct exit_sums *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT, Q_SUMS);
	struct exit_sums sums = { 0 };
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		int64_t s = col_i64(q, 0);

		assert(s >= 1 && s <= EXIT_STATES);
		sums.n[s] = col_u64(q, 1);
		sums.of[s] = col_sat(q, 2);
	}
	if (rc == 0)
		*ret = sums;
	return rc;
}
