#include "store/channel_store.h"

#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(CHANNEL_OPENING == 1 && CHANNEL_READY == 2 && CHANNEL_CLOSING == 3 && CHANNEL_GONE == 4,
	       "stored in channel.phase");

enum { Q_PUT, Q_TOLD_ALL, Q_GET, Q_LIST, Q_LIST_AFTER, Q_COUNT };

#define COLS                                                                                                           \
	"id, alt_ref, peer, short_id, state, phase, usable, base_txid, base_vout, capacity, local_msat, reserve, "     \
	"seen_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "INSERT OR REPLACE INTO channel (" COLS ") VALUES (?1, ?2, ?3, substr(?4, 1, 64),"
		  " substr(?5, 1, 64), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[Q_TOLD_ALL] = "UPDATE channel SET phase = 4, usable = 0 WHERE seen_at_ms < ?1 AND phase <> 4",
	[Q_GET] = "SELECT " COLS " FROM channel WHERE id = ?1",
	[Q_LIST] = "SELECT " COLS " FROM channel ORDER BY id LIMIT ?1",
	[Q_LIST_AFTER] = "SELECT " COLS " FROM channel WHERE id > ?2 ORDER BY id LIMIT ?1",
};
const struct query_set channel_queries = { "channel", sql, Q_COUNT };

int channel_store_put(struct unit *u, const struct channel_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CHANNEL, Q_PUT);

	bind_hash32(q, 1, &row->id);
	bind_text(q, 2, row->alt_ref);
	bind_pubkey(q, 3, &row->peer);
	bind_text(q, 4, row->short_id);
	bind_text(q, 5, row->state);
	bind_i64(q, 6, row->phase);
	bind_bool(q, 7, row->usable);
	bind_txid(q, 8, &row->funding.txid);
	bind_i64(q, 9, row->funding.vout);
	bind_sat(q, 10, row->capacity);
	bind_msat(q, 11, row->local);
	bind_sat(q, 12, row->reserve);
	bind_i64(q, 13, row->seen_at_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int channel_store_told_all(struct unit *u, int64_t seen_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CHANNEL, Q_TOLD_ALL);

	bind_i64(q, 1, seen_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 1) + col_size(q, 3) + col_size(q, 4) + 64);
}

static void row_of(struct stmt *q, struct arena *a, struct channel_row *row)
{
	*row = (struct channel_row){
		.alt_ref = col_text(a, q, 1),
		.short_id = col_text(a, q, 3),
		.state = col_text(a, q, 4),
		.phase = (enum channel_phase)col_i64(q, 5),
		.usable = col_bool(q, 6),
		.funding.vout = (uint32_t)col_u64(q, 8),
		.capacity = col_sat(q, 9),
		.local = col_msat(q, 10),
		.reserve = col_sat(q, 11),
		.seen_at_ms = col_i64(q, 12),
	};
	col_hash32(q, 0, &row->id);
	col_pubkey(q, 2, &row->peer);
	col_txid(q, 7, &row->funding.txid);
}

int channel_store_get(struct view v, struct arena *a, const struct hash32 *id, struct channel_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CHANNEL, Q_GET);
	int rc;

	bind_hash32(q, 1, id);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "no room for a channel");
	row_of(q, a, ret);
	return 1;
}

int channel_store_list(struct view v, struct arena *a, const struct hash32 *after, unsigned limit,
		       void (*each)(void *ctx, const struct channel_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CHANNEL, after ? Q_LIST_AFTER : Q_LIST);
	int n = 0, rc;

	bind_i64(q, 1, limit);
	if (after)
		bind_hash32(q, 2, after);
	while ((rc = stmt_step(q, err)) == 1 && has_room(a, q)) {
		struct channel_row row;

		row_of(q, a, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}
