/* The children of exit transactions: the part of store/exit_tx_store.h that is about who pays. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/exit_tx_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(CHILD_WALLET == 1 && CHILD_MEMPOOL == 2 && CHILD_BLOCK == 3 && CHILD_GIVEN == 4,
	       "stored in exit_child.origin");
_Static_assert(REACH_NONE == 0 && REACH_TRYING == 1 && REACH_MAYBE == 2, "stored in exit_child.reach");
_Static_assert(CHILD_PREPARED == 1 && CHILD_SENT == 2 && CHILD_REJECTED == 3 && CHILD_REPLACED == 4,
	       "stored in exit_child.status");

enum { Q_RETIRE, Q_ADD, Q_SAVE, Q_ACTIVE, Q_LIST, Q_COUNT };

#define ROWS                                                                                                           \
	"SELECT id, tx_id, txid, raw, weight, fee, origin, status, active, height, hash, refusal, created_at_ms,"      \
	" reach"                                                                                                       \
	" FROM exit_child"

static const char *const sql[Q_COUNT] = {
	[Q_RETIRE] = "UPDATE exit_child SET active = 0, status = 4 WHERE tx_id = ?1 AND active = 1 AND txid <> ?2",
	[Q_ADD] =
		"INSERT INTO exit_child (tx_id, txid, raw, weight, fee, origin, status, active, height, hash, refusal,"
		" created_at_ms, reach) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?13, ?8, ?9, substr(?10, 1, 500), ?11, ?12)"
		" ON CONFLICT (tx_id, txid) DO UPDATE SET fee = ifnull(excluded.fee, fee), origin = excluded.origin,"
		" status = excluded.status, active = excluded.active, height = excluded.height, hash = excluded.hash,"
		" refusal = excluded.refusal RETURNING id",
	[Q_SAVE] = "UPDATE exit_child SET fee = ?2, origin = ?3, status = ?4, active = ?5, height = ?6, hash = ?7,"
		   " refusal = substr(?8, 1, 500), reach = ?9 WHERE id = ?1",
	[Q_ACTIVE] = ROWS " WHERE tx_id = ?1 AND active = 1",
	[Q_LIST] = ROWS " WHERE tx_id = ?1 ORDER BY id",
};
const struct query_set exit_child_queries = { "exit_child", sql, Q_COUNT };

bool exit_child_is_ours(const struct exit_child_row *child)
{
	return child->origin == CHILD_WALLET || child->origin == CHILD_GIVEN;
}

struct action_id exit_child_holder(int64_t tx_id)
{
	struct action_id holder;

	snprintf(holder.s, sizeof(holder.s), "cpfp:%" PRId64, tx_id);
	return holder;
}

static void bind_block(struct stmt *q, int i, const struct exit_child_row *child)
{
	if (!child->confirmed)
		return;
	bind_i64(q, i, child->block.height);
	bind_block_hash(q, i + 1, &child->block.hash);
}

static int retire_others(struct unit *u, const struct exit_child_row *child, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CHILD, Q_RETIRE);

	bind_i64(q, 1, child->tx_id);
	bind_txid(q, 2, &child->txid);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int exit_child_store_add(struct unit *u, const struct exit_child_row *child, int64_t now_ms, int64_t *ret_id,
			 struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CHILD, Q_ADD);

	if (child->active && retire_others(u, child, err) != 0)
		return -1;
	bind_i64(q, 1, child->tx_id);
	bind_txid(q, 2, &child->txid);
	bind_blob(q, 3, child->raw);
	bind_weight(q, 4, child->weight);
	if (child->has_fee)
		bind_sat(q, 5, child->fee);
	bind_i64(q, 6, child->origin);
	bind_i64(q, 7, child->status);
	bind_block(q, 8, child);
	bind_text(q, 10, child->refusal);
	bind_i64(q, 11, now_ms);
	bind_i64(q, 12, child->reach);
	bind_bool(q, 13, child->active);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret_id = col_i64(q, 0);
	return 0;
}

int exit_child_store_save(struct unit *u, const struct exit_child_row *child, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_EXIT_CHILD, Q_SAVE);

	bind_i64(q, 1, child->id);
	if (child->has_fee)
		bind_sat(q, 2, child->fee);
	bind_i64(q, 3, child->origin);
	bind_i64(q, 4, child->status);
	bind_bool(q, 5, child->active);
	bind_block(q, 6, child);
	bind_text(q, 8, child->refusal);
	bind_i64(q, 9, child->reach);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 3) + col_size(q, 11) + 64);
}

static void row_of(struct stmt *q, struct arena *a, struct exit_child_row *row)
{
	*row = (struct exit_child_row){
		.id = col_i64(q, 0),
		.tx_id = col_i64(q, 1),
		.raw = col_blob(a, q, 3),
		.weight = col_weight(q, 4),
		.has_fee = !col_is_null(q, 5),
		.origin = (enum child_origin)col_i64(q, 6),
		.status = (enum child_status)col_i64(q, 7),
		.active = col_bool(q, 8),
		.confirmed = !col_is_null(q, 9),
		.refusal = col_text(a, q, 11),
		.created_at_ms = col_i64(q, 12),
		.reach = (enum child_reach)col_i64(q, 13),
	};
	col_txid(q, 2, &row->txid);
	if (row->has_fee)
		row->fee = col_sat(q, 5);
	if (row->confirmed) {
		row->block.height = (uint32_t)col_u64(q, 9);
		col_block_hash(q, 10, &row->block.hash);
	}
}

int exit_child_store_active(struct view v, struct arena *a, int64_t tx_id, struct exit_child_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CHILD, Q_ACTIVE);
	int rc;

	bind_i64(q, 1, tx_id);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "a child of %zu bytes", col_size(q, 3));
	row_of(q, a, ret);
	return 1;
}

int exit_child_store_list(struct view v, struct arena *a, int64_t tx_id, struct exit_child_row **ret, size_t *n,
			  struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_EXIT_CHILD, Q_LIST);
	struct exit_child_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, tx_id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!arena_room(a, col_size(q, 3) + col_size(q, 11) + 64 + (2 * got + ROWS_FIRST) * sizeof(*rows)))
			return ERR(err, ERR_RANGE, "an exit transaction has too many children");
		rows = rows_room(a, rows, got, sizeof(*rows));
		row_of(q, a, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}
