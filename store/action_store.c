#include "store/action_store.h"

#include <assert.h>
#include <string.h>

#include "store/due.h"
#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(ACTION_RUNNING == 1 && ACTION_PARKED == 2 && ACTION_UNCERTAIN == 3, "stored in action.status");
_Static_assert(ACTION_DONE == 4 && ACTION_FAILED == 5 && ACTION_CANCELLED == 6, "stored in action_archive.status");

enum {
	Q_ADD,
	Q_TAKEN,
	Q_SAVE,
	Q_PLAN,
	Q_REMOVE,
	Q_ARCHIVE,
	Q_WAKE,
	Q_WAKE_KIND,
	Q_RECALL,
	Q_GET,
	Q_GET_ENDED,
	Q_DUE,
	Q_NEXT_PEER,
	Q_NEXT_WAKE,
	Q_TROUBLED,
	Q_BACKLOG,
	Q_LIST_LIVING,
	Q_LIST_LIVING_KIND,
	Q_LIST_ENDED,
	Q_LIST_ENDED_KIND,
	Q_LIVING,
	Q_CHILDREN,
	Q_TRANSITION,
	Q_TRANSITIONS,
	Q_PRUNE_TRANSITIONS,
	Q_PRUNE,
	Q_COUNT
};

/* One shape for both tables, so that one function reads a row of either. */
#define LIVING_COLS                                                                                                    \
	"seq, id, kind, state, status, version, parent_id, peer, params, checkpoint, NULL, attempts,"                  \
	" error_kind, error_msg, error_field, NULL, wake_at_ms, created_at_ms, updated_at_ms"
#define ENDED_COLS                                                                                                     \
	"seq, id, kind, state, status, version, parent_id, peer, params, NULL, result, attempts,"                      \
	" error_kind, error_msg, error_field, funds_moved, NULL, created_at_ms, updated_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO action (id, kind, state, status, version, parent_id, peer, params, checkpoint, attempts,"
		  " wake_at_ms, created_at_ms, updated_at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?11)",
	[Q_TAKEN] = "SELECT 1 FROM action_archive WHERE id = ?1",
	[Q_SAVE] = "UPDATE action SET state = ?3, status = ?4, checkpoint = ?5, error_kind = ?6, error_msg = ?7,"
		   " error_field = ?8, updated_at_ms = ?9, peer = ?10, version = version + 1"
		   " WHERE seq = ?1 AND version = ?2",
	/* Apart from Q_SAVE because these columns are indexed, and most steps leave them as they are: SQLite writes the
	 * indexes of every column that an UPDATE names. */
	[Q_PLAN] = "UPDATE action SET wake_at_ms = ?2, attempts = ?3"
		   " WHERE seq = ?1 AND (wake_at_ms IS NOT ?2 OR attempts <> ?3)",
	[Q_REMOVE] = "DELETE FROM action WHERE seq = ?1 AND version = ?2",
	[Q_ARCHIVE] =
		"INSERT INTO action_archive (seq, id, kind, state, status, version, parent_id, peer, params, result,"
		" attempts, error_kind, error_msg, error_field, funds_moved, created_at_ms, updated_at_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
	[Q_WAKE] = "UPDATE action SET wake_at_ms = ?2 WHERE id = ?1 AND (wake_at_ms IS NULL OR wake_at_ms > ?2)",
	[Q_WAKE_KIND] = "UPDATE action SET wake_at_ms = ?2 WHERE kind = ?1 AND wake_at_ms > ?2",
	[Q_RECALL] = "UPDATE action SET wake_at_ms = ?2 WHERE seq IN"
		     " (SELECT seq FROM action WHERE wake_at_ms > ?1 LIMIT ?3)",
	[Q_GET] = "SELECT " LIVING_COLS " FROM action WHERE id = ?1",
	[Q_GET_ENDED] = "SELECT " ENDED_COLS " FROM action_archive WHERE id = ?1",
	[Q_DUE] = "SELECT id FROM action WHERE kind = ?1 AND peer IS ?2 AND wake_at_ms <= ?3"
		  " ORDER BY wake_at_ms LIMIT ?4",
	[Q_NEXT_PEER] = "SELECT min(peer) FROM action WHERE kind = ?1 AND peer > ?2 AND wake_at_ms IS NOT NULL",
	[Q_NEXT_WAKE] = "SELECT min(wake_at_ms) FROM action WHERE wake_at_ms > ?1",
	[Q_TROUBLED] = "SELECT " LIVING_COLS " FROM action WHERE attempts > 0 AND attempts >= ?1"
		       " ORDER BY attempts DESC LIMIT ?2",
	[Q_BACKLOG] = "SELECT count(*) FROM (SELECT 1 FROM action WHERE wake_at_ms <= ?1 LIMIT ?2)",
	[Q_LIST_LIVING] = "SELECT " LIVING_COLS " FROM action WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
	[Q_LIST_LIVING_KIND] = "SELECT " LIVING_COLS " FROM action WHERE seq < ?1 AND kind = ?3"
			       " ORDER BY seq DESC LIMIT ?2",
	[Q_LIST_ENDED] = "SELECT " ENDED_COLS " FROM action_archive WHERE seq < ?1 AND status BETWEEN ?4 AND ?5"
			 " ORDER BY seq DESC LIMIT ?2",
	[Q_LIST_ENDED_KIND] = "SELECT " ENDED_COLS " FROM action_archive WHERE seq < ?1 AND kind = ?3"
			      " AND status BETWEEN ?4 AND ?5 ORDER BY seq DESC LIMIT ?2",
	[Q_LIVING] = "SELECT EXISTS (SELECT 1 FROM action WHERE kind = ?1 AND peer = ?2)",
	[Q_CHILDREN] = "SELECT count(*) FROM action WHERE parent_id = ?1",
	[Q_TRANSITION] = "INSERT INTO action_transition (action_seq, version, at_ms, state, status, note)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[Q_TRANSITIONS] = "SELECT * FROM (SELECT version, at_ms, state, status, note FROM action_transition"
			  " WHERE action_seq = ?1 ORDER BY version DESC LIMIT ?2) ORDER BY version",
	[Q_PRUNE_TRANSITIONS] = "DELETE FROM action_transition WHERE action_seq IN (SELECT seq FROM action_archive"
				" WHERE updated_at_ms < ?1 ORDER BY updated_at_ms LIMIT ?2)",
	[Q_PRUNE] = "DELETE FROM action_archive WHERE seq IN (SELECT seq FROM action_archive"
		    " WHERE updated_at_ms < ?1 ORDER BY updated_at_ms LIMIT ?2)",
};
const struct query_set action_queries = { "action", sql, Q_COUNT };

const char *action_status_name(enum action_status s)
{
	switch (s) {
	case ACTION_RUNNING:
		return "running";
	case ACTION_PARKED:
		return "parked";
	case ACTION_UNCERTAIN:
		return "uncertain";
	case ACTION_DONE:
		return "done";
	case ACTION_FAILED:
		return "failed";
	case ACTION_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}

static void bind_wake(struct stmt *q, int i, int64_t wake_at_ms)
{
	if (wake_at_ms == ACTION_NO_WAKE)
		bind_null(q, i);
	else
		bind_i64(q, i, wake_at_ms);
}

static int transition(struct unit *u, const struct action_row *row, int64_t version, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_TRANSITION);

	bind_i64(q, 1, row->seq);
	bind_i64(q, 2, version);
	bind_i64(q, 3, row->updated_at_ms);
	bind_i64(q, 4, row->state);
	bind_i64(q, 5, row->status);
	bind_text(q, 6, row->error_kind);
	return stmt_insert(q, ERR_INTERNAL, "transition", err);
}

static int ended_with_id(struct unit *u, const struct action_id *id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_TAKEN);

	bind_action_id(q, 1, id);
	return stmt_step(q, err);
}

int action_store_add(struct unit *u, const struct action_row *row, int64_t *ret_seq, struct err *err)
{
	struct action_row added = *row;
	int taken = ended_with_id(u, &row->id, err);

	if (taken != 0)
		return taken < 0 ? -1 : ERR(err, ERR_EXISTS, "action %s exists already", row->id.s);
	{
		SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_ADD);

		bind_action_id(q, 1, &row->id);
		bind_text(q, 2, row->kind);
		bind_i64(q, 3, row->state);
		bind_i64(q, 4, row->status);
		bind_i64(q, 5, row->version);
		bind_action_id(q, 6, &row->parent);
		bind_text(q, 7, row->peer);
		bind_text(q, 8, row->params);
		bind_text(q, 9, row->checkpoint);
		bind_wake(q, 10, row->wake_at_ms);
		bind_i64(q, 11, row->created_at_ms);
		if (stmt_insert(q, ERR_EXISTS, "action", err) != 0)
			return -1;
		added.seq = stmt_last_rowid(q);
	}
	added.updated_at_ms = row->created_at_ms;
	if (transition(u, &added, row->version, err) != 0)
		return -1;
	*ret_seq = added.seq;
	return 0;
}

static int plan(struct unit *u, const struct action_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_PLAN);

	bind_i64(q, 1, row->seq);
	bind_wake(q, 2, row->wake_at_ms);
	bind_i64(q, 3, row->attempts);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int action_store_save(struct unit *u, const struct action_row *row, bool changed, struct err *err)
{
	{
		SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_SAVE);

		bind_i64(q, 1, row->seq);
		bind_i64(q, 2, row->version);
		bind_i64(q, 3, row->state);
		bind_i64(q, 4, row->status);
		bind_text(q, 5, row->checkpoint);
		bind_text(q, 6, row->error_kind);
		bind_text(q, 7, row->error_msg);
		bind_text(q, 8, row->error_field);
		bind_i64(q, 9, row->updated_at_ms);
		bind_text(q, 10, row->peer);
		if (due_version_held(stmt_run(q, err), row->id.s, err) != 0)
			return -1;
	}
	if (plan(u, row, err) != 0)
		return -1;
	return changed ? transition(u, row, row->version + 1, err) : 0;
}

static int remove_living(struct unit *u, const struct action_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_REMOVE);

	bind_i64(q, 1, row->seq);
	bind_i64(q, 2, row->version);
	return due_version_held(stmt_run(q, err), row->id.s, err);
}

int action_store_end(struct unit *u, const struct action_row *row, struct err *err)
{
	assert(action_status_is_final(row->status));
	if (remove_living(u, row, err) != 0)
		return -1;
	{
		SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_ARCHIVE);

		bind_i64(q, 1, row->seq);
		bind_action_id(q, 2, &row->id);
		bind_text(q, 3, row->kind);
		bind_i64(q, 4, row->state);
		bind_i64(q, 5, row->status);
		bind_i64(q, 6, row->version + 1);
		bind_action_id(q, 7, &row->parent);
		bind_text(q, 8, row->peer);
		bind_text(q, 9, row->params);
		bind_text(q, 10, row->result);
		bind_i64(q, 11, row->attempts);
		bind_text(q, 12, row->error_kind);
		bind_text(q, 13, row->error_msg);
		bind_text(q, 14, row->error_field);
		bind_text(q, 15, row->funds_moved);
		bind_i64(q, 16, row->created_at_ms);
		bind_i64(q, 17, row->updated_at_ms);
		if (stmt_insert(q, ERR_INTERNAL, "archived action", err) != 0)
			return -1;
	}
	return transition(u, row, row->version + 1, err);
}

int action_store_wake(struct unit *u, const struct action_id *id, int64_t at_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_WAKE);

	bind_action_id(q, 1, id);
	bind_i64(q, 2, at_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int action_store_wake_kind(struct unit *u, const char *kind, int64_t at_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_WAKE_KIND);

	bind_text(q, 1, kind);
	bind_i64(q, 2, at_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int action_store_recall(struct unit *u, int64_t after_ms, int64_t at_ms, unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, Q_RECALL);

	bind_i64(q, 1, after_ms);
	bind_i64(q, 2, at_ms);
	bind_i64(q, 3, max);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static void row_read(struct arena *a, struct stmt *q, struct action_row *ret)
{
	*ret = (struct action_row){
		.seq = col_i64(q, 0),
		.kind = col_text(a, q, 2),
		.state = (int)col_i64(q, 3),
		.status = (enum action_status)col_i64(q, 4),
		.version = col_i64(q, 5),
		.peer = col_text(a, q, 7),
		.params = col_text(a, q, 8),
		.checkpoint = col_text(a, q, 9),
		.result = col_text(a, q, 10),
		.attempts = (uint32_t)col_i64(q, 11),
		.error_kind = col_text(a, q, 12),
		.error_msg = col_text(a, q, 13),
		.error_field = col_text(a, q, 14),
		.funds_moved = col_text(a, q, 15),
		.wake_at_ms = col_is_null(q, 16) ? ACTION_NO_WAKE : col_i64(q, 16),
		.created_at_ms = col_i64(q, 17),
		.updated_at_ms = col_i64(q, 18),
	};
	col_action_id(q, 1, &ret->id);
	col_action_id(q, 6, &ret->parent);
}

static int get_from(struct view v, struct arena *a, unsigned query, const struct action_id *id, struct action_row *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, query);
	int rc;

	bind_action_id(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int action_store_get(struct view v, struct arena *a, const struct action_id *id, struct action_row *ret,
		     struct err *err)
{
	int rc = get_from(v, a, Q_GET, id, ret, err);

	if (rc == 0)
		rc = get_from(v, a, Q_GET_ENDED, id, ret, err);
	if (rc == 0)
		return ERR(err, ERR_NOT_FOUND, "no action has the id %s", id->s);
	return rc < 0 ? -1 : 0;
}

int action_store_due(struct view v, const char *kind, const char *peer, int64_t now_ms, struct action_id *ret,
		     unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_DUE);
	unsigned n = 0;
	int rc;

	bind_text(q, 1, kind);
	bind_text(q, 2, peer);
	bind_i64(q, 3, now_ms);
	bind_i64(q, 4, max);
	while ((rc = stmt_step(q, err)) == 1)
		col_action_id(q, 0, &ret[n++]);
	return rc < 0 ? -1 : (int)n;
}

int action_store_next_peer(struct view v, struct arena *a, const char *kind, const char *after, const char **ret,
			   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_NEXT_PEER);

	bind_text(q, 1, kind);
	bind_text(q, 2, after ? after : "");
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_text(a, q, 0);
	return 0;
}

int action_store_next_wake(struct view v, int64_t after_ms, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_NEXT_WAKE);
	int rc;

	bind_i64(q, 1, after_ms);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*ret = rc == 0 || col_is_null(q, 0) ? ACTION_NO_WAKE : col_i64(q, 0);
	return 0;
}

int action_store_troubled(struct view v, struct arena *a, uint32_t min_attempts, unsigned max, struct action_row **ret,
			  size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_TROUBLED);
	struct action_row *rows = ARENA_ARRAY(a, max, struct action_row);
	size_t got = 0;
	int rc;

	bind_i64(q, 1, min_attempts);
	bind_i64(q, 2, max);
	while ((rc = stmt_step(q, err)) == 1)
		row_read(a, q, &rows[got++]);
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int action_store_backlog(struct view v, int64_t now_ms, unsigned max, unsigned *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_BACKLOG);

	bind_i64(q, 1, now_ms);
	bind_i64(q, 2, max);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = (unsigned)col_i64(q, 0);
	return 0;
}

/* A listing over one or both tables: the two cursors are merged by seq, which they never share. */
struct listing {
	struct stmt *q;
	int state; /* 1 a row is waiting, 0 the end */
};

static int listing_next(struct listing *l, struct err *err)
{
	l->state = stmt_step(l->q, err);
	return l->state < 0 ? -1 : 0;
}

static int listing_open(struct listing *l, struct view v, bool ended, const struct action_query *aq, struct err *err)
{
	if (ended)
		l->q = stmt_of(v, FAMILY_ACTION, aq->kind ? Q_LIST_ENDED_KIND : Q_LIST_ENDED);
	else
		l->q = stmt_of(v, FAMILY_ACTION, aq->kind ? Q_LIST_LIVING_KIND : Q_LIST_LIVING);
	bind_i64(l->q, 1, aq->before_seq ? aq->before_seq : INT64_MAX);
	bind_i64(l->q, 2, aq->limit);
	if (aq->kind)
		bind_text(l->q, 3, aq->kind);
	if (ended) {
		bind_i64(l->q, 4, aq->filter == ACTIONS_FAILED ? ACTION_FAILED : ACTION_DONE);
		bind_i64(l->q, 5, aq->filter == ACTIONS_DONE ? ACTION_DONE : ACTION_CANCELLED);
	}
	return listing_next(l, err);
}

int action_store_list(struct view v, struct arena *a, const struct action_query *aq,
		      void (*each)(void *ctx, const struct action_row *row), void *ctx, struct err *err)
{
	bool living = aq->filter == ACTIONS_ACTIVE || aq->filter == ACTIONS_ALL;
	bool ended = aq->filter != ACTIONS_ACTIVE;
	struct listing l = { 0 }, e = { 0 };
	unsigned n = 0;
	int rc = 0;

	if (living)
		rc = listing_open(&l, v, false, aq, err);
	if (rc == 0 && ended)
		rc = listing_open(&e, v, true, aq, err);
	while (rc == 0 && n < aq->limit && (l.state || e.state)) {
		bool take_living = l.state && (!e.state || col_i64(l.q, 0) > col_i64(e.q, 0));
		struct listing *from = take_living ? &l : &e;
		struct action_row row;

		row_read(a, from->q, &row);
		each(ctx, &row);
		n++;
		rc = listing_next(from, err);
	}
	stmt_scope_end(&l.q);
	stmt_scope_end(&e.q);
	return rc < 0 ? -1 : (int)n;
}

int action_store_living(struct view v, const char *kind, const char *peer, bool *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_LIVING);

	bind_text(q, 1, kind);
	bind_text(q, 2, peer);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_i64(q, 0) != 0;
	return 0;
}

int action_store_children(struct view v, const struct action_id *parent, unsigned *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_CHILDREN);

	bind_action_id(q, 1, parent);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = (unsigned)col_i64(q, 0);
	return 0;
}

int action_store_transitions(struct view v, struct arena *a, int64_t seq, struct action_transition **ret, size_t *n,
			     struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ACTION, Q_TRANSITIONS);
	struct action_transition *rows = NULL;
	size_t got = 0, room = 0;
	int rc;

	bind_i64(q, 1, seq);
	bind_i64(q, 2, ACTION_TRANSITIONS_MAX);
	while ((rc = stmt_step(q, err)) == 1) {
		if (got == room) {
			struct action_transition *more = ARENA_ARRAY(a, room ? 2 * room : 16, struct action_transition);

			if (got)
				memcpy(more, rows, got * sizeof(*rows));
			room = room ? 2 * room : 16;
			rows = more;
		}
		rows[got++] = (struct action_transition){
			.version = col_i64(q, 0),
			.at_ms = col_i64(q, 1),
			.state = (int)col_i64(q, 2),
			.status = (enum action_status)col_i64(q, 3),
			.note = col_text(a, q, 4),
		};
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

static int prune_one(struct unit *u, unsigned query, int64_t before_ms, unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ACTION, query);

	bind_i64(q, 1, before_ms);
	bind_i64(q, 2, max);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int action_store_prune(struct unit *u, int64_t before_ms, unsigned max, struct err *err)
{
	if (prune_one(u, Q_PRUNE_TRANSITIONS, before_ms, max, err) != 0)
		return -1;
	return prune_one(u, Q_PRUNE, before_ms, max, err);
}
