#include "store/chain_store.h"

#include "store/query_sets.h"
#include "store/stmt.h"
#include "store/tx_store.h"
#include "store/watch_store.h"

enum { Q_TIP, Q_AT, Q_BY_HASH, Q_ADD, Q_REMOVE, Q_FORGET, Q_FORGET_ALL, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_TIP] = "SELECT height, hash, prev, time_s FROM chain_block ORDER BY height DESC LIMIT 1",
	[Q_AT] = "SELECT height, hash, prev, time_s FROM chain_block WHERE height = ?1",
	[Q_BY_HASH] = "SELECT height, hash, prev, time_s FROM chain_block WHERE hash = ?1",
	[Q_ADD] = "INSERT INTO chain_block (height, hash, prev, time_s) VALUES (?1, ?2, ?3, ?4)",
	[Q_REMOVE] = "DELETE FROM chain_block WHERE height = ?1",
	[Q_FORGET] = "DELETE FROM chain_block WHERE height < ?1",
	[Q_FORGET_ALL] = "DELETE FROM chain_block WHERE height >= 0",
};
const struct query_set chain_queries = { "chain", sql, Q_COUNT };

static int row_step(struct stmt *q, struct block_row *ret, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc == 1) {
		ret->ref.height = (uint32_t)col_u64(q, 0);
		col_block_hash(q, 1, &ret->ref.hash);
		col_block_hash(q, 2, &ret->prev);
		ret->time_s = col_i64(q, 3);
	}
	return rc;
}

int chain_store_tip(struct view v, struct block_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CHAIN, Q_TIP);

	return row_step(q, ret, err);
}

int chain_store_block(struct view v, uint32_t height, struct block_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CHAIN, Q_AT);

	bind_i64(q, 1, height);
	return row_step(q, ret, err);
}

int chain_store_block_by_hash(struct view v, const struct block_hash *hash, struct block_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CHAIN, Q_BY_HASH);

	bind_block_hash(q, 1, hash);
	return row_step(q, ret, err);
}

static int add(struct unit *u, const struct block_row *block, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CHAIN, Q_ADD);

	bind_i64(q, 1, block->ref.height);
	bind_block_hash(q, 2, &block->ref.hash);
	bind_block_hash(q, 3, &block->prev);
	bind_i64(q, 4, block->time_s);
	return stmt_insert(q, ERR_CONFLICT, "this block", err);
}

static int remove_rows(struct unit *u, unsigned query, uint32_t height, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CHAIN, query);

	if (query != Q_FORGET_ALL)
		bind_i64(q, 1, height);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int chain_store_connect(struct unit *u, const struct block_row *block, int64_t now_ms, struct err *err)
{
	struct block_row tip;
	int rc = chain_store_tip(unit_view(u), &tip, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && (block->ref.height != tip.ref.height + 1 || !block_hash_equal(&block->prev, &tip.ref.hash)))
		return ERR(err, ERR_CONFLICT, "block %u does not follow the tip, %u", block->ref.height,
			   tip.ref.height);
	if (add(u, block, err) != 0)
		return -1;
	if (block->ref.height >= CHAIN_BLOCKS_KEPT &&
	    remove_rows(u, Q_FORGET, block->ref.height - CHAIN_BLOCKS_KEPT + 1, err) != 0)
		return -1;
	return tx_store_mature(u, block->ref.height, now_ms, err);
}

int chain_store_disconnect(struct unit *u, const struct block_ref *tip, int64_t now_ms, struct err *err)
{
	struct block_row row;
	int rc = chain_store_tip(unit_view(u), &row, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || !block_ref_equal(&row.ref, tip))
		return ERR(err, ERR_CONFLICT, "block %u is not the tip", tip->height);
	if (remove_rows(u, Q_REMOVE, tip->height, err) != 0 || watch_store_unconfirm(u, tip, err) != 0)
		return -1;
	return tx_store_unconfirm(u, tip, now_ms, err);
}

int chain_store_reset(struct unit *u, uint32_t lowest, int64_t now_ms, struct err *err)
{
	if (remove_rows(u, Q_FORGET_ALL, 0, err) != 0 || watch_store_unconfirm(u, NULL, err) != 0 ||
	    watch_store_lower(u, lowest, CHAIN_BLOCKS_KEPT, err) != 0 || sync_store_forget(u, err) != 0)
		return -1;
	return tx_store_unconfirm_all(u, now_ms, err);
}
