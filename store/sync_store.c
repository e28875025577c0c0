/* How far the wallet's search has come, of chain_store.h. */
#include <string.h>

#include "store/chain_store.h"
#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(SYNC_BITCOIND == 1 && SYNC_ESPLORA == 2, "stored in chain_sync.backend");

enum { Q_GET, Q_PUT, Q_FORGET, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_GET] = "SELECT backend, height, hash, history_from, scan_next, scan_to, updated_at_ms FROM chain_sync"
		  " WHERE backend = ?1",
	[Q_PUT] = "INSERT INTO chain_sync (backend, height, hash, history_from, scan_next, scan_to, updated_at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (backend) DO UPDATE SET height = excluded.height,"
		  " hash = excluded.hash, history_from = excluded.history_from, scan_next = excluded.scan_next,"
		  " scan_to = excluded.scan_to, updated_at_ms = excluded.updated_at_ms",
	[Q_FORGET] = "DELETE FROM chain_sync WHERE backend > 0",
};
const struct query_set sync_queries = { "sync", sql, Q_COUNT };

int sync_store_get(struct view v, enum sync_backend backend, struct sync_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SYNC, Q_GET);
	int rc;

	bind_i64(q, 1, backend);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	*ret = (struct sync_row){
		.backend = (enum sync_backend)col_i64(q, 0),
		.begun = !col_is_null(q, 1),
		.done.height = (uint32_t)col_u64(q, 1),
		.history_from = (uint32_t)col_u64(q, 3),
		.scans = !col_is_null(q, 4),
		.scan_next = (uint32_t)col_u64(q, 4),
		.scan_to = (uint32_t)col_u64(q, 5),
		.updated_at_ms = col_i64(q, 6),
	};
	if (ret->begun)
		col_block_hash(q, 2, &ret->done.hash);
	return 1;
}

int sync_store_put(struct unit *u, const struct sync_row *row, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SYNC, Q_PUT);

	bind_i64(q, 1, row->backend);
	if (row->begun) {
		bind_i64(q, 2, row->done.height);
		bind_block_hash(q, 3, &row->done.hash);
	}
	bind_i64(q, 4, row->history_from);
	if (row->scans) {
		bind_i64(q, 5, row->scan_next);
		bind_i64(q, 6, row->scan_to);
	}
	bind_i64(q, 7, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int sync_store_scan_from(struct unit *u, enum sync_backend backend, uint32_t height, int64_t now_ms, struct err *err)
{
	struct sync_row row;
	int rc = sync_store_get(unit_view(u), backend, &row, err);

	if (rc <= 0)
		return rc;
	if (!row.begun || height > row.done.height ||
	    (row.scans && row.scan_next <= height && row.scan_to >= row.done.height))
		return 0;
	if (!row.scans || height < row.scan_next)
		row.scan_next = height;
	row.scans = true;
	row.scan_to = row.done.height;
	return sync_store_put(u, &row, now_ms, err);
}

int sync_store_forget(struct unit *u, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SYNC, Q_FORGET);

	return stmt_run(q, err) < 0 ? -1 : 0;
}
