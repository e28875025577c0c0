/* Which directives are worked on next: claims, wake times, and the order within a key. */
#include "store/directive_store.h"

#include <stdlib.h>

#include "store/directive_row.h"
#include "store/query_sets.h"

enum {
	Q_DUE,
	Q_FRESH,
	Q_BURST,
	Q_NEXT_WAKE,
	Q_UNCLAIM_EXPIRED,
	Q_RECALL,
	Q_OLDER_HOLDER,
	Q_HOLDER_LANE,
	Q_UNBLOCK_OLDEST,
	Q_BLOCK_YOUNGER,
	Q_COUNT
};

/* Each statement finds what it changes in one index and changes no more; the numbers are found before the first change.
 * The indexes are named, so that a plan that walks the table cannot be prepared. */
#define CLAIM                                                                                                          \
	"UPDATE directive_outbox SET delivery_status = 1, wake_at_ms = ?1, updated_at_ms = ?2, version = version + 1"  \
	" WHERE outbox_seq IN ("
#define CLAIMED ") RETURNING " DIRECTIVE_COLS
#define READY                                                                                                          \
	" FROM directive_outbox INDEXED BY directive_ready"                                                            \
	" WHERE delivery_status IN (0, 5) AND blocked = 0 AND space_id = ?3 AND lane = ?4"
#define HOLDERS " FROM directive_outbox INDEXED BY directive_order WHERE holds_order = 1 AND order_key = ?1"

static const char *const sql[Q_COUNT] = {
	[Q_DUE] = CLAIM "SELECT outbox_seq" READY " AND wake_at_ms > 0 AND wake_at_ms <= ?2"
			" ORDER BY wake_at_ms, outbox_seq LIMIT ?5" CLAIMED,
	[Q_FRESH] = CLAIM "SELECT outbox_seq" READY " AND wake_at_ms = 0 ORDER BY outbox_seq LIMIT ?5" CLAIMED,
	[Q_BURST] = "WITH next AS MATERIALIZED (SELECT outbox_seq, delivery_status, lane FROM directive_outbox"
		    " INDEXED BY directive_order WHERE holds_order = 1 AND order_key = ?3 AND outbox_seq > ?6"
		    " ORDER BY outbox_seq LIMIT ?5) " CLAIM "SELECT outbox_seq FROM next WHERE outbox_seq <"
		    " coalesce((SELECT min(outbox_seq) FROM next WHERE delivery_status <> 0 OR lane <> ?4),"
		    " 9223372036854775807)" CLAIMED,
	[Q_NEXT_WAKE] = "SELECT min(wake_at_ms) FROM directive_outbox INDEXED BY directive_ready"
			" WHERE delivery_status IN (0, 5) AND blocked = 0 AND space_id = ?1 AND lane = ?2",
	[Q_UNCLAIM_EXPIRED] = "UPDATE directive_outbox SET delivery_status = 0, wake_at_ms = 0, updated_at_ms = ?2,"
			      " version = version + 1,"
			      " blocked = CASE WHEN holds_order THEN " DIRECTIVE_IS_BLOCKED " ELSE 0 END"
			      " WHERE outbox_seq IN (SELECT outbox_seq FROM directive_outbox"
			      " INDEXED BY directive_claimed WHERE delivery_status = 1 AND wake_at_ms < ?1"
			      " ORDER BY wake_at_ms LIMIT ?3)",
	[Q_RECALL] = "UPDATE directive_outbox SET wake_at_ms = ?2 WHERE outbox_seq IN (SELECT outbox_seq"
		     " FROM directive_outbox INDEXED BY directive_retry WHERE delivery_status = 5 AND wake_at_ms > ?1"
		     " LIMIT ?3)",
	[Q_OLDER_HOLDER] = "SELECT 1" HOLDERS " AND outbox_seq < ?2 LIMIT 1",
	[Q_HOLDER_LANE] = "SELECT lane" HOLDERS " ORDER BY outbox_seq DESC LIMIT 1",
	[Q_UNBLOCK_OLDEST] = "UPDATE directive_outbox SET blocked = 0 WHERE blocked = 1 AND outbox_seq ="
			     " (SELECT min(outbox_seq)" HOLDERS ")",
	[Q_BLOCK_YOUNGER] = "UPDATE directive_outbox SET blocked = 1 WHERE blocked = 0 AND outbox_seq ="
			    " (SELECT min(outbox_seq)" HOLDERS " AND outbox_seq > ?2 AND delivery_status IN (0, 5))",
};
const struct query_set claim_queries = { "claim", sql, Q_COUNT };

/* --- claims --- */

/* One claim on its way: what it has got, and how many more it may. */
struct claim {
	struct unit *u;
	struct arena *arena;
	int64_t now_ms, until_ms;
	struct directive_row *rows;
	size_t n, room;
};

static int claim_begin(struct claim *c, unsigned max, struct err *err)
{
	unsigned fit;

	if (directive_rows_fit(c->arena, max, &fit, err) != 0)
		return -1;
	c->room = fit;
	c->rows = ARENA_ARRAY(c->arena, fit, struct directive_row);
	return 0;
}

static int claim_ready(struct claim *c, unsigned query, int64_t space_id, int64_t lane, size_t most, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(c->u), FAMILY_CLAIM, query);

	bind_i64(q, 1, c->until_ms);
	bind_i64(q, 2, c->now_ms);
	bind_i64(q, 3, space_id);
	bind_i64(q, 4, lane);
	bind_u64(q, 5, most);
	return directive_rows_read(c->arena, q, c->rows, c->room, &c->n, err);
}

static int by_seq(const void *va, const void *vb)
{
	const struct directive_row *a = va, *b = vb;

	return (a->seq > b->seq) - (a->seq < b->seq);
}

/* RETURNING gives rows in any order. */
static void claim_end(struct claim *c, struct directive_row **ret, size_t *n)
{
	if (c->n > 1)
		qsort(c->rows, c->n, sizeof(*c->rows), by_seq);
	*ret = c->rows;
	*n = c->n;
}

int directive_store_claim(struct unit *u, struct arena *a, int64_t space_id, int64_t lane, int64_t now_ms,
			  int64_t lease_until_ms, unsigned max, struct directive_row **ret, size_t *n, struct err *err)
{
	struct claim c = { .u = u, .arena = a, .now_ms = now_ms, .until_ms = lease_until_ms };
	size_t quarter;

	if (claim_begin(&c, max, err) != 0)
		return -1;
	quarter = c.room < 4 ? 1 : c.room / 4;
	if (c.room > 0 && (claim_ready(&c, Q_DUE, space_id, lane, quarter, err) != 0 ||
			   claim_ready(&c, Q_FRESH, space_id, lane, c.room - c.n, err) != 0))
		return -1;
	claim_end(&c, ret, n);
	return 0;
}

int directive_store_claim_burst(struct unit *u, struct arena *a, const struct directive_row *head, int64_t now_ms,
				int64_t lease_until_ms, unsigned max, struct directive_row **ret, size_t *n,
				struct err *err)
{
	struct claim c = { .u = u, .arena = a, .now_ms = now_ms, .until_ms = lease_until_ms };
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CLAIM, Q_BURST);

	/* What has no room stays for the next batch: the head goes without. */
	if (claim_begin(&c, head->order_key_n > 0 && arena_room(a, DIRECTIVE_ROOM) ? max : 0, err) != 0)
		return -1;
	bind_i64(q, 1, c.until_ms);
	bind_i64(q, 2, c.now_ms);
	bind_order_key(q, 3, head->order_key, head->order_key_n);
	bind_i64(q, 4, head->lane);
	bind_u64(q, 5, c.room);
	bind_i64(q, 6, head->seq);
	if (directive_rows_read(a, q, c.rows, c.room, &c.n, err) != 0)
		return -1;
	claim_end(&c, ret, n);
	return 0;
}

int directive_store_unclaim_expired(struct unit *u, int64_t before_ms, int64_t now_ms, unsigned max, unsigned *ret,
				    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CLAIM, Q_UNCLAIM_EXPIRED);
	int changed;

	bind_i64(q, 1, before_ms);
	bind_i64(q, 2, now_ms);
	bind_i64(q, 3, max);
	changed = stmt_run(q, err);
	if (changed < 0)
		return -1;
	*ret = (unsigned)changed;
	return 0;
}

/* --- wake times --- */

int directive_store_next_wake(struct view v, int64_t space_id, int64_t lane, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CLAIM, Q_NEXT_WAKE);

	bind_i64(q, 1, space_id);
	bind_i64(q, 2, lane);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_optional(q, 0, DIRECTIVE_NO_WAKE);
	return 0;
}

int directive_store_recall(struct unit *u, int64_t after_ms, int64_t at_ms, unsigned max, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CLAIM, Q_RECALL);

	bind_i64(q, 1, after_ms);
	bind_i64(q, 2, at_ms);
	bind_i64(q, 3, max);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* --- order keys --- */

int directive_store_has_older_holder(struct view v, const struct directive_row *of, bool *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CLAIM, Q_OLDER_HOLDER);
	int rc;

	bind_order_key(q, 1, of->order_key, of->order_key_n);
	bind_i64(q, 2, of->seq ? of->seq : INT64_MAX);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*ret = rc == 1;
	return 0;
}

int directive_store_holder_lane(struct view v, const uint8_t *key, size_t n, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CLAIM, Q_HOLDER_LANE);
	int rc;

	bind_order_key(q, 1, key, n);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "nothing holds this order key");
	*ret = col_i64(q, 0);
	return 0;
}

int directive_store_unblock_oldest(struct unit *u, const uint8_t *key, size_t n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CLAIM, Q_UNBLOCK_OLDEST);

	bind_order_key(q, 1, key, n);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int directive_store_block_younger(struct unit *u, const struct directive_row *older, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CLAIM, Q_BLOCK_YOUNGER);

	bind_order_key(q, 1, older->order_key, older->order_key_n);
	bind_i64(q, 2, older->seq);
	return stmt_run(q, err) < 0 ? -1 : 0;
}
