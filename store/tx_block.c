/* What blocks do to the wallet's transactions beyond holding them, of tx_store.h: they mature a coinbase, and they go. */
#include "store/query_sets.h"
#include "store/script_store.h"
#include "store/tx_change.h"

enum { Q_IN_BLOCK, Q_ANY_CONFIRMED, Q_NEXT_MATURE, Q_AT_HEIGHT, Q_COUNT };

#define FACTS "SELECT " TX_KNOWN_COLS " FROM onchain_tx"

static const char *const sql[Q_COUNT] = {
	[Q_IN_BLOCK] = FACTS " WHERE height = ?1 AND hash = ?2 ORDER BY pos DESC LIMIT 1",
	[Q_ANY_CONFIRMED] = FACTS " WHERE height IS NOT NULL ORDER BY height DESC, pos DESC LIMIT 1",
	[Q_NEXT_MATURE] = ("SELECT t.id, t.txid FROM onchain_coin AS c JOIN onchain_tx AS t ON t.id = c.tx_id"
			   " WHERE c.state = 4 AND c.state NOT IN (5, 6) AND t.height <= ?1 LIMIT 1"),
	[Q_AT_HEIGHT] = "SELECT id, txid FROM onchain_tx WHERE height = ?1 AND pos = 0 AND coinbase = 1",
};
const struct query_set tx_block_queries = { "tx_block", sql, Q_COUNT };

/* A coinbase, which matures or does not any more. */
static int settle_coinbase(struct unit *u, int64_t id, const struct txid *txid, const char *kind, int64_t now_ms,
			   struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	const struct action_id nobody = { "" };
	struct settle s;

	if (settle_begin(&s, &a, u, kind, now_ms, err) != 0)
		return -1;
	settle_about(&s, txid, &nobody, NULL);
	settle_touch(&s, id);
	return settle_end(&s, err);
}

static int coinbase_at(struct unit *u, unsigned query, uint32_t height, int64_t *ret, struct txid *ret_txid,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX_BLOCK, query);
	int rc;

	bind_i64(q, 1, height);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*ret = col_i64(q, 0);
		col_txid(q, 1, ret_txid);
	}
	return rc;
}

int tx_store_mature(struct unit *u, uint32_t tip, int64_t now_ms, struct err *err)
{
	struct txid txid;
	int64_t id;
	int rc = 0;

	while (tip + 1 >= COINBASE_MATURITY &&
	       (rc = coinbase_at(u, Q_NEXT_MATURE, tip + 1 - COINBASE_MATURITY, &id, &txid, err)) == 1)
		if (settle_coinbase(u, id, &txid, "receive", now_ms, err) != 0)
			return -1;
	return rc;
}

/* A block has it no more. */
static int unconfirm_one(struct unit *u, struct arena *a, const struct tx_known *t, int64_t now_ms, struct err *err)
{
	struct tx_change c;

	if (tx_change_begin(&c, a, u, "reorg", now_ms, err) != 0)
		return -1;
	if (t->coinbase)
		return tx_change_drop(&c, t, NULL, err);
	/* An index may count as many in the new chain, and they be others. */
	if (tx_change_place(&c, t, &(struct tx_move){ .to = TX_PENDING, .event = "reorged" }, err) != 0 ||
	    script_store_forget_seen(u, &t->txid, err) != 0)
		return -1;
	settle_about(&c.settle, &t->txid, &t->action, t->label);
	return settle_end(&c.settle, err);
}

static int in_block(struct unit *u, struct arena *a, const struct block_ref *block, struct tx_known *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX_BLOCK, block ? Q_IN_BLOCK : Q_ANY_CONFIRMED);
	int rc;

	if (block) {
		bind_i64(q, 1, block->height);
		bind_block_hash(q, 2, &block->hash);
	}
	rc = stmt_step(q, err);
	if (rc == 1)
		tx_known_read(a, q, ret);
	return rc;
}

static int unconfirm(struct unit *u, const struct block_ref *block, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_known t;
	int rc;

	while ((rc = in_block(u, &a, block, &t, err)) == 1) {
		if (unconfirm_one(u, &a, &t, now_ms, err) != 0)
			return -1;
		arena_reset(&a);
	}
	return rc;
}

int tx_store_unconfirm_all(struct unit *u, int64_t now_ms, struct err *err)
{
	return unconfirm(u, NULL, now_ms, err);
}

int tx_store_unconfirm(struct unit *u, const struct block_ref *tip, int64_t now_ms, struct err *err)
{
	struct txid txid;
	int64_t id;
	int rc = 0;

	if (unconfirm(u, tip, now_ms, err) != 0)
		return -1;
	/* The block below is the tip by now. */
	if (tip->height + 1 >= COINBASE_MATURITY)
		rc = coinbase_at(u, Q_AT_HEIGHT, tip->height + 1 - COINBASE_MATURITY, &id, &txid, err);
	return rc == 1 ? settle_coinbase(u, id, &txid, "reorg", now_ms, err) : rc;
}
