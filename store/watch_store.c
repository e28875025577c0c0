#include "store/watch_store.h"

#include "store/chain_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum {
	Q_ADD_OUTPUT,
	Q_ADD_SCRIPT,
	Q_END_HITS,
	Q_END,
	Q_SINCE,
	Q_HITS,
	Q_SPENT,
	Q_SPENT_BEATS,
	Q_PAID,
	Q_HAS,
	Q_UNCONFIRMED,
	Q_GONE,
	Q_UNCONFIRM,
	Q_UNCONFIRM_ALL,
	Q_LOWEST,
	Q_LOWER,
	Q_COUNT
};

#define ADD_HIT                                                                                                        \
	"INSERT INTO chain_hit (watch_id, txid, n, raw, height, hash, first_seen_ms)"                                  \
	" SELECT id, ?3, ?4, ?5, ?6, ?7, ?8 FROM chain_watch WHERE "
/* Of a confirmed one nothing that a mempool has is news. */
#define HIT_AGAIN                                                                                                      \
	" ON CONFLICT (watch_id, txid, n) DO UPDATE SET height = ifnull(excluded.height, height),"                     \
	" hash = ifnull(excluded.hash, hash) RETURNING id"

static const char *const sql[Q_COUNT] = {
	[Q_ADD_OUTPUT] = "INSERT INTO chain_watch (owner, txid, vout, from_height, created_at_ms)"
			 " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (txid, vout, owner) WHERE txid IS NOT NULL"
			 " DO UPDATE SET from_height = min(from_height, excluded.from_height) RETURNING id",
	[Q_ADD_SCRIPT] = "INSERT INTO chain_watch (owner, spk, from_height, created_at_ms) VALUES (?1, ?2, ?4, ?5)"
			 " ON CONFLICT (spk, owner) WHERE spk IS NOT NULL"
			 " DO UPDATE SET from_height = min(from_height, excluded.from_height) RETURNING id",
	[Q_END_HITS] = "DELETE FROM chain_hit WHERE watch_id IN (SELECT id FROM chain_watch WHERE owner = ?1)",
	[Q_END] = "DELETE FROM chain_watch WHERE owner = ?1",
	[Q_SINCE] =
		"SELECT id, owner, txid, vout, spk, from_height FROM chain_watch WHERE id > ?1 ORDER BY id LIMIT ?2",
	[Q_HITS] = "SELECT h.id, h.watch_id, h.txid, h.n, h.raw, h.height, h.hash, h.first_seen_ms"
		   " FROM chain_watch AS w CROSS JOIN chain_hit AS h ON h.watch_id = w.id WHERE w.owner = ?1"
		   " ORDER BY h.id",
	/* Also below from_height: what has the output may be mined at a lower height after a reorganisation. */
	[Q_SPENT] = ADD_HIT "txid = ?1 AND vout = ?2" HIT_AGAIN,
	/* An output is spent once: what else wanted to spend it has lost to a block. */
	[Q_SPENT_BEATS] = "DELETE FROM chain_hit WHERE height IS NULL AND txid <> ?3 AND watch_id IN"
			  " (SELECT id FROM chain_watch WHERE txid = ?1 AND vout = ?2)",
	[Q_PAID] = ADD_HIT "spk = ?1 AND (?6 IS NULL OR from_height <= ?6)" HIT_AGAIN,
	[Q_HAS] = "SELECT 1 FROM chain_hit WHERE watch_id = ?1 AND txid = ?2 AND +height IS ?3 AND hash IS ?4 LIMIT 1",
	[Q_UNCONFIRMED] =
		"SELECT DISTINCT txid FROM chain_hit WHERE height IS NULL AND txid > ?1 ORDER BY txid LIMIT ?2",
	[Q_GONE] = "DELETE FROM chain_hit WHERE height IS NULL AND txid = ?1",
	[Q_UNCONFIRM] = "UPDATE chain_hit SET height = NULL, hash = NULL WHERE height = ?1 AND hash = ?2",
	[Q_UNCONFIRM_ALL] = "UPDATE chain_hit SET height = NULL, hash = NULL WHERE height IS NOT NULL",
	[Q_LOWEST] = "SELECT min(from_height) FROM chain_watch",
	[Q_LOWER] = "UPDATE chain_watch SET from_height = max(min(from_height, ?1) - ?2, 0) WHERE id > 0",
};
const struct query_set watch_queries = { "watch", sql, Q_COUNT };

/* --- watches --- */

static int add(struct unit *u, struct stmt *q, uint32_t from, int64_t now_ms, int64_t *ret_id, struct err *err)
{
	bind_i64(q, 4, from);
	bind_i64(q, 5, now_ms);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret_id = col_i64(q, 0);
	return sync_store_scan_from(u, SYNC_BITCOIND, from, now_ms, err);
}

int watch_store_output(struct unit *u, const char *owner, const struct outpoint *at, uint32_t from, int64_t now_ms,
		       int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_ADD_OUTPUT);

	bind_text(q, 1, owner);
	bind_txid(q, 2, &at->txid);
	bind_i64(q, 3, at->vout);
	return add(u, q, from, now_ms, ret_id, err);
}

int watch_store_script(struct unit *u, const char *owner, struct bytes script, uint32_t from, int64_t now_ms,
		       int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_ADD_SCRIPT);

	bind_text(q, 1, owner);
	bind_blob(q, 2, script);
	return add(u, q, from, now_ms, ret_id, err);
}

static int run_owner(struct unit *u, unsigned query, const char *owner, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, query);

	bind_text(q, 1, owner);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int watch_store_end(struct unit *u, const char *owner, struct err *err)
{
	return run_owner(u, Q_END_HITS, owner, err) != 0 ? -1 : run_owner(u, Q_END, owner, err);
}

/* The largest script, an owner and their alignment. */
#define WATCH_ROOM 10240

int watch_store_since(struct view v, struct arena *a, int64_t *id, unsigned limit,
		      void (*each)(void *ctx, const struct watch_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_WATCH, Q_SINCE);
	int n = 0, rc;

	bind_i64(q, 1, *id);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1 && arena_room(a, WATCH_ROOM)) {
		struct watch_row row = {
			.id = col_i64(q, 0),
			.owner = col_text(a, q, 1),
			.is_script = col_is_null(q, 2),
			.at.vout = (uint32_t)col_u64(q, 3),
			.from = (uint32_t)col_u64(q, 5),
		};

		if (row.is_script)
			row.script = col_blob(a, q, 4);
		else
			col_txid(q, 2, &row.at.txid);
		*id = row.id;
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int watch_store_lowest(struct view v, uint32_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_WATCH, Q_LOWEST);

	if (stmt_step(q, err) < 0)
		return -1;
	if (col_is_null(q, 0))
		return 0;
	*ret = (uint32_t)col_u64(q, 0);
	return 1;
}

int watch_store_lower(struct unit *u, uint32_t height, uint32_t by, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_LOWER);

	bind_i64(q, 1, height);
	bind_i64(q, 2, by);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* --- hits --- */

int watch_store_hits(struct view v, struct arena *a, const char *owner, struct hit_row **ret, size_t *n,
		     struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_WATCH, Q_HITS);
	struct hit_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_text(q, 1, owner);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*rows) + col_size(q, 4) + 64))
			return ERR(err, ERR_RANGE, "%s has too many hits to look at once", owner);
		rows = rows_room(a, rows, got, sizeof(*rows));
		rows[got] = (struct hit_row){
			.id = col_i64(q, 0),
			.watch_id = col_i64(q, 1),
			.n = (uint32_t)col_u64(q, 3),
			.raw = col_blob(a, q, 4),
			.confirmed = !col_is_null(q, 5),
			.block.height = (uint32_t)col_u64(q, 5),
			.first_seen_ms = col_i64(q, 7),
		};
		col_txid(q, 2, &rows[got].txid);
		if (rows[got].confirmed)
			col_block_hash(q, 6, &rows[got].block.hash);
		got++;
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

struct seen_at {
	const struct txid *by;
	uint32_t n;
	struct bytes raw;
	const struct block_ref *block;
	int64_t now_ms;
};

static int add_hits(struct stmt *q, const struct seen_at *seen, struct err *err)
{
	int n = 0, rc;

	bind_txid(q, 3, seen->by);
	bind_i64(q, 4, seen->n);
	bind_blob(q, 5, seen->raw);
	if (seen->block) {
		bind_i64(q, 6, seen->block->height);
		bind_block_hash(q, 7, &seen->block->hash);
	}
	bind_i64(q, 8, seen->now_ms);
	while ((rc = stmt_step(q, err)) == 1)
		n++;
	return rc < 0 ? -1 : n;
}

static int beat_others(struct unit *u, const struct outpoint *at, const struct txid *by, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_SPENT_BEATS);

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	bind_txid(q, 3, by);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int watch_store_spent(struct unit *u, const struct outpoint *at, const struct txid *by, uint32_t n, struct bytes raw,
		      const struct block_ref *block, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_SPENT);

	if (block && beat_others(u, at, by, err) != 0)
		return -1;
	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	return add_hits(q, &(struct seen_at){ by, n, raw, block, now_ms }, err);
}

int watch_store_paid(struct unit *u, struct bytes script, const struct txid *by, uint32_t n, struct bytes raw,
		     const struct block_ref *block, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_PAID);

	bind_blob(q, 1, script);
	return add_hits(q, &(struct seen_at){ by, n, raw, block, now_ms }, err);
}

int watch_store_has(struct view v, int64_t watch_id, const struct txid *txid, const struct block_ref *block,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_WATCH, Q_HAS);

	bind_i64(q, 1, watch_id);
	bind_txid(q, 2, txid);
	if (block) {
		bind_i64(q, 3, block->height);
		bind_block_hash(q, 4, &block->hash);
	}
	return stmt_step(q, err);
}

int watch_store_unconfirmed(struct view v, struct txid *after, unsigned limit,
			    void (*each)(void *ctx, const struct txid *txid), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_WATCH, Q_UNCONFIRMED);
	struct txid from = *after;
	int n = 0, rc;

	bind_txid(q, 1, &from);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1) {
		col_txid(q, 0, after);
		each(ctx, after);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int watch_store_gone(struct unit *u, const struct txid *txid, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, Q_GONE);

	bind_txid(q, 1, txid);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int watch_store_unconfirm(struct unit *u, const struct block_ref *block, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_WATCH, block ? Q_UNCONFIRM : Q_UNCONFIRM_ALL);

	if (block) {
		bind_i64(q, 1, block->height);
		bind_block_hash(q, 2, &block->hash);
	}
	return stmt_run(q, err) < 0 ? -1 : 0;
}
