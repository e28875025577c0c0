#include "store/exit_tx_store.h"

#include <assert.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(EXIT_TX_UNSEEN == 1 && EXIT_TX_MEMPOOL == 2 && EXIT_TX_CONFIRMED == 3, "stored in exit_tx.place");

enum { Q_ADD, Q_SAME, Q_REF, Q_PLACE, Q_OF, Q_FIND, Q_WATCHED, Q_EXITS, Q_FEERATE, Q_COUNT };

#define LIVE_REFS "FROM exit_tx_ref AS n CROSS JOIN exit AS x ON x.id = n.exit_id WHERE n.tx_id = t.id AND x.live = 1"
#define ROWS                                                                                                           \
	"SELECT t.id, t.txid, t.raw, t.weight, t.spends_txid, t.spends_vout, t.anchor_vout, t.anchor_value, t.place,"  \
	" t.height, t.hash, t.checked_at_ms, (SELECT count(*) " LIVE_REFS ")"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT OR IGNORE INTO exit_tx (txid, raw, weight, spends_txid, spends_vout, anchor_vout,"
		  " anchor_value, place) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)",
	[Q_SAME] = "SELECT id, raw = ?2 FROM exit_tx WHERE txid = ?1",
	[Q_REF] = "INSERT INTO exit_tx_ref (exit_id, idx, tx_id) VALUES (?1, ?2, ?3)"
		  " ON CONFLICT (exit_id, idx) DO UPDATE SET tx_id = excluded.tx_id WHERE tx_id = excluded.tx_id",
	[Q_PLACE] = "UPDATE exit_tx SET place = ?2, height = ?3, hash = ?4, checked_at_ms = ?5 WHERE id = ?1",
	[Q_OF] = ROWS " FROM exit_tx_ref AS r CROSS JOIN exit_tx AS t ON t.id = r.tx_id WHERE r.exit_id = ?1"
		      " ORDER BY r.idx",
	[Q_FIND] = ROWS " FROM exit_tx AS t WHERE t.txid = ?1",
	[Q_WATCHED] = ROWS " FROM exit_tx AS t WHERE t.id > ?1 AND (t.height IS NULL OR t.height > ?2)"
			   " AND EXISTS (SELECT 1 " LIVE_REFS ") ORDER BY t.id LIMIT ?3",
	[Q_EXITS] = "SELECT r.exit_id FROM exit_tx_ref AS r CROSS JOIN exit AS e ON e.id = r.exit_id"
		    " WHERE r.tx_id = ?1 AND e.live = 1 ORDER BY r.exit_id",
	[Q_FEERATE] = "SELECT max(e.feerate) FROM exit_tx_ref AS r CROSS JOIN exit AS e ON e.id = r.exit_id"
		      " WHERE r.tx_id = ?1 AND e.live = 1",
};
const struct query_set exit_tx_queries = { "exit_tx", sql, Q_COUNT };

static int add_tx(struct unit *u, const struct exit_tx_row *tx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_TX, Q_ADD);

	bind_txid(q, 1, &tx->txid);
	bind_blob(q, 2, tx->raw);
	bind_weight(q, 3, tx->weight);
	bind_txid(q, 4, &tx->spends.txid);
	bind_i64(q, 5, tx->spends.vout);
	bind_i64(q, 6, tx->anchor_vout);
	bind_sat(q, 7, tx->anchor_value);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static int id_of_same(struct unit *u, const struct exit_tx_row *tx, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_TX, Q_SAME);
	int rc;

	bind_txid(q, 1, &tx->txid);
	bind_blob(q, 2, tx->raw);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || !col_bool(q, 1))
		return ERR(err, ERR_INTERNAL, "an exit transaction is there with other bytes");
	*ret = col_i64(q, 0);
	return 0;
}

int exit_tx_store_add(struct unit *u, int64_t exit_id, uint32_t idx, const struct exit_tx_row *tx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_TX, Q_REF);
	int64_t id;
	int n;

	if (add_tx(u, tx, err) != 0 || id_of_same(u, tx, &id, err) != 0)
		return -1;
	bind_i64(q, 1, exit_id);
	bind_i64(q, 2, idx);
	bind_i64(q, 3, id);
	n = stmt_run(q, err);
	if (n == 0)
		return ERR(err, ERR_INTERNAL, "an exit has another transaction in that place");
	return n < 0 ? -1 : 0;
}

int exit_tx_store_place(struct unit *u, int64_t id, enum exit_place place, const struct block_ref *block,
			int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_TX, Q_PLACE);

	assert((place == EXIT_TX_CONFIRMED) == (block != NULL));
	bind_i64(q, 1, id);
	bind_i64(q, 2, place);
	if (block) {
		bind_i64(q, 3, block->height);
		bind_block_hash(q, 4, &block->hash);
	}
	bind_i64(q, 5, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* --- reading --- */

/* Beside its bytes: what aligning them takes. */
static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 2) + 64);
}

static void row_of(struct stmt *q, struct arena *a, struct exit_tx_row *row)
{
	*row = (struct exit_tx_row){
		.id = col_i64(q, 0),
		.raw = col_blob(a, q, 2),
		.weight = col_weight(q, 3),
		.spends.vout = (uint32_t)col_u64(q, 5),
		.anchor_vout = (uint32_t)col_u64(q, 6),
		.anchor_value = col_sat(q, 7),
		.place = (enum exit_place)col_i64(q, 8),
		.checked_at_ms = col_optional(q, 11, 0),
		.refs = (unsigned)col_u64(q, 12),
	};
	col_txid(q, 1, &row->txid);
	col_txid(q, 4, &row->spends.txid);
	if (row->place == EXIT_TX_CONFIRMED) {
		row->block.height = (uint32_t)col_u64(q, 9);
		col_block_hash(q, 10, &row->block.hash);
	}
}

int exit_tx_store_of(struct view v, struct arena *a, int64_t exit_id, struct exit_tx_row **ret, size_t *n,
		     struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_TX, Q_OF);
	struct exit_tx_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, exit_id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, col_size(q, 2) + 64 + (2 * got + ROWS_FIRST) * sizeof(*rows)))
			return ERR(err, ERR_RANGE, "an exit's transactions are too many or too large");
		rows = rows_room(a, rows, got, sizeof(*rows));
		row_of(q, a, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int exit_tx_store_find(struct view v, struct arena *a, const struct txid *txid, struct exit_tx_row *ret,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_TX, Q_FIND);
	int rc;

	bind_txid(q, 1, txid);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "an exit transaction of %zu bytes", col_size(q, 2));
	row_of(q, a, ret);
	return 1;
}

int exit_tx_store_watched(struct view v, struct arena *a, uint32_t deep, int64_t *id, unsigned limit,
			  void (*each)(void *ctx, const struct exit_tx_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_TX, Q_WATCHED);
	int n = 0, rc;

	bind_i64(q, 1, *id);
	bind_i64(q, 2, deep);
	bind_i64(q, 3, limit);
	while ((rc = stmt_step(q, err)) == 1 && has_room(a, q)) {
		struct exit_tx_row row;

		row_of(q, a, &row);
		*id = row.id;
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int exit_tx_store_exits(struct view v, struct arena *a, int64_t id, int64_t **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_TX, Q_EXITS);
	int64_t *ids = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, (2 * got + ROWS_FIRST) * sizeof(*ids)))
			return ERR(err, ERR_RANGE, "too many exits share a transaction");
		ids = rows_room(a, ids, got, sizeof(*ids));
		ids[got++] = col_i64(q, 0);
	}
	if (rc < 0)
		return -1;
	*ret = ids;
	*n = got;
	return 0;
}

int exit_tx_store_feerate(struct view v, int64_t id, bool *ret_has, struct feerate *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_TX, Q_FEERATE);

	bind_i64(q, 1, id);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret_has = !col_is_null(q, 0);
	if (*ret_has)
		*ret = col_feerate(q, 0);
	return 0;
}
