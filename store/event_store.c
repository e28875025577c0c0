#include "store/event_store.h"

#include <string.h>

#include "base/clock.h"
#include "store/query_sets.h"
#include "store/stmt.h"

enum { Q_ADD, Q_LIST, Q_LAST, Q_PRUNE, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	/* seq is the rowid, one more than the largest: dense, because an insert that is rolled back gives it back, and
	 * never used twice, because pruning leaves the newest row. */
	[Q_ADD] = "INSERT INTO event (at_ms, kind, subject, data) VALUES (?1, ?2, ?3, ?4)",
	[Q_LIST] = "SELECT seq, at_ms, kind, subject, data FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2",
	[Q_LAST] = "SELECT coalesce(max(seq), 0) FROM event",
	/* Looks at the oldest rows only.  A row from a time when the clock was wrong is passed over, and does not hold
	 * up the ones behind it. */
	[Q_PRUNE] =
		("DELETE FROM event WHERE seq IN (SELECT seq FROM (SELECT seq, at_ms FROM event ORDER BY seq LIMIT ?2)"
		 " WHERE at_ms < ?1) AND seq < (SELECT max(seq) FROM event)"),
};
const struct query_set event_queries = { "event", sql, Q_COUNT };

int event_append(struct unit *u, const char *kind, const char *subject, const char *data, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EVENT, Q_ADD);

	bind_i64(q, 1, clock_now_ms());
	bind_text(q, 2, kind);
	bind_text(q, 3, subject);
	bind_text(q, 4, data);
	return stmt_insert(q, ERR_INTERNAL, "event", err);
}

/* One item of the list, n characters long: an exact kind, or a prefix that ends in '*'. */
static bool item_matches(const char *item, size_t n, const char *kind)
{
	if (n > 0 && item[n - 1] == '*')
		return strncmp(kind, item, n - 1) == 0;
	return strlen(kind) == n && memcmp(kind, item, n) == 0;
}

static bool kinds_match(const char *kinds, const char *kind)
{
	for (;;) {
		size_t n = strcspn(kinds, ",");

		if (item_matches(kinds, n, kind))
			return true;
		if (kinds[n] == '\0')
			return false;
		kinds += n + 1;
	}
}

int event_list(struct view v, struct arena *a, int64_t after, const char *kinds, unsigned limit,
	       void (*each)(void *ctx, const struct event *e), void *ctx, int64_t *ret_cursor, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EVENT, Q_LIST);
	SCOPED(arena) struct arena passed = ARENA_LIMIT(1024 * 1024); /* kinds of rows that are passed over */
	int64_t cursor = after;
	unsigned given = 0;
	int rc = 0;

	bind_i64(q, 1, after);
	bind_i64(q, 2, kinds ? EVENT_LOOK_MAX : limit);
	while (given < limit && (rc = stmt_step(q, err)) == 1) {
		cursor = col_i64(q, 0);
		arena_reset(&passed);
		if (kinds && !kinds_match(kinds, col_text(&passed, q, 2)))
			continue;
		each(ctx, &(struct event){
				  .seq = cursor,
				  .at_ms = col_i64(q, 1),
				  .kind = col_text(a, q, 2),
				  .subject = col_text(a, q, 3),
				  .data = col_text(a, q, 4),
			  });
		given++;
	}
	if (rc < 0)
		return -1;
	*ret_cursor = cursor;
	return (int)given;
}

int event_last_seq(struct view v, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EVENT, Q_LAST);

	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_i64(q, 0);
	return 0;
}

int event_prune(struct unit *u, int64_t before_ms, unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EVENT, Q_PRUNE);

	bind_i64(q, 1, before_ms);
	bind_i64(q, 2, max);
	return stmt_run(q, err) < 0 ? -1 : 0;
}
