/* What is read of the wallet's transactions; tx_store.c has what changes them. */
#include <inttypes.h>

#include "store/query_sets.h"
#include "store/stmt.h"
#include "store/tx_store.h"

enum {
	Q_FIND,
	Q_PLACE,
	Q_TAKER,
	Q_NEWEST,
	Q_OLDEST,
	Q_OPEN,
	Q_OF_ACTION,
	Q_LOSSES,
	Q_INPUTS_SINCE,
	Q_COINS_SINCE,
	Q_COUNT
};

/* Of the table by this name. */
#define COLS_OF(t)                                                                                                     \
	t ".id, " t ".txid, " t ".raw, " t ".place, " t ".height, " t ".hash, " t ".pos, " t ".coinbase, " t           \
	  ".own, " t ".kind, " t ".trusted, " t ".fee, " t ".value_out, " t ".action_id, " t ".label, " t              \
	  ".replaced_by, " t ".first_seen_ms, " t ".last_seen_ms"
#define COLS   COLS_OF("onchain_tx")
#define N_COLS 18
#define PLACED " AND (?3 = 0 OR +place = ?3)"

static const char *const sql[Q_COUNT] = {
	[Q_FIND] = "SELECT " COLS " FROM onchain_tx WHERE txid = ?1",
	[Q_TAKER] = "SELECT t.txid, t.height, t.hash FROM onchain_input AS i JOIN onchain_tx AS t ON t.id = i.tx_id"
		    " WHERE i.prev_txid = ?1 AND i.prev_vout = ?2 AND +t.place = 3 LIMIT 1",
	[Q_PLACE] = "SELECT place, height, hash FROM onchain_tx WHERE txid = ?1",
	[Q_NEWEST] = "SELECT " COLS " FROM onchain_tx WHERE id > ?1 AND id < ?2" PLACED " ORDER BY id DESC LIMIT ?4",
	[Q_OLDEST] = "SELECT " COLS " FROM onchain_tx WHERE id > ?1 AND id < ?2" PLACED " ORDER BY id LIMIT ?4",
	/* Of the few that no block has, without a look at all the others. */
	[Q_OPEN] = "SELECT " COLS " FROM onchain_tx INDEXED BY onchain_tx_open WHERE place IN (1, 2) AND place = ?3"
		   " AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?4",
	[Q_OF_ACTION] = "SELECT " COLS " FROM onchain_tx INDEXED BY onchain_tx_action WHERE action_id = ?5 AND id > ?1"
			" AND id < ?2" PLACED " ORDER BY id LIMIT ?4",
	/* From those that may have won: what is out lies anywhere in the history.  Then what was built on the losers. */
	[Q_LOSSES] =
		"WITH RECURSIVE winner (id) AS ("
		"SELECT id FROM onchain_tx INDEXED BY onchain_tx_block WHERE height >= ?1"
		" UNION ALL SELECT id FROM onchain_tx INDEXED BY onchain_tx_open WHERE place IN (1, 2) AND place = 2"
		"), lost (id, winner_id) AS ("
		"SELECT other.tx_id, w.id FROM winner AS w JOIN onchain_input AS mine ON mine.tx_id = w.id"
		" JOIN onchain_input AS other ON other.prev_txid = mine.prev_txid AND other.prev_vout = mine.prev_vout"
		" JOIN onchain_tx AS t ON t.id = other.tx_id WHERE +t.place = 4"
		" UNION SELECT i.tx_id, l.winner_id FROM lost AS l JOIN onchain_tx AS p ON p.id = l.id"
		" JOIN onchain_input AS i ON i.prev_txid = p.txid JOIN onchain_tx AS t ON t.id = i.tx_id"
		" WHERE +t.place = 4"
		") SELECT " COLS_OF(
			"t") ", w.txid, w.place, w.height, w.hash"
			     " FROM lost AS l JOIN onchain_tx AS t ON t.id = l.id JOIN onchain_tx AS w ON w.id = l.winner_id"
			     " WHERE t.own = 1 AND t.action_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM onchain_tx AS s"
			     " INDEXED BY onchain_tx_action WHERE s.action_id = t.action_id AND +s.place IN (2, 3)"
			     " AND (s.kind = 'cancel') = (t.kind = 'cancel')) ORDER BY t.id, w.place DESC, w.height, w.pos LIMIT ?2",
	[Q_INPUTS_SINCE] = "SELECT id, prev_txid, prev_vout FROM onchain_input WHERE id > ?1 ORDER BY id LIMIT ?2",
	[Q_COINS_SINCE] = ("SELECT c.id, t.txid, c.vout FROM onchain_coin AS c JOIN onchain_tx AS t ON t.id = c.tx_id"
			   " WHERE c.id > ?1 ORDER BY c.id LIMIT ?2"),
};
const struct query_set tx_read_queries = { "tx_read", sql, Q_COUNT };

static void block_read_ref(struct stmt *q, int i, struct block_ref *ret)
{
	ret->height = (uint32_t)col_u64(q, i);
	col_block_hash(q, i + 1, &ret->hash);
}

static void row_read(struct arena *a, struct stmt *q, struct tx_row *ret)
{
	*ret = (struct tx_row){
		.id = col_i64(q, 0),
		.raw = col_blob(a, q, 2),
		.place = (enum tx_place)col_i64(q, 3),
		.pos = (uint32_t)col_u64(q, 6),
		.coinbase = col_bool(q, 7),
		.own = col_bool(q, 8),
		.kind = col_text(a, q, 9),
		.trusted = (enum tx_trust)col_i64(q, 10),
		.has_fee = !col_is_null(q, 11),
		.fee = col_sat(q, 11),
		.value_out = col_sat(q, 12),
		.label = col_text(a, q, 14),
		.replaced = !col_is_null(q, 15),
		.first_seen_ms = col_i64(q, 16),
		.last_seen_ms = col_i64(q, 17),
	};
	col_txid(q, 1, &ret->txid);
	if (ret->place == TX_CONFIRMED)
		block_read_ref(q, 4, &ret->block);
	col_action_id(q, 13, &ret->action);
	if (ret->replaced)
		col_txid(q, 15, &ret->replaced_by);
}

/* Its bytes, its texts, and what the arena needs to align them. */
static bool row_fits(struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 2) + col_size(q, 9) + col_size(q, 14) + 256);
}

int tx_store_find(struct view v, struct arena *a, const struct txid *txid, struct tx_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_READ, Q_FIND);
	int rc;

	bind_txid(q, 1, txid);
	rc = stmt_step(q, err);
	if (rc == 1 && !row_fits(a, q))
		return ERR(err, ERR_RANGE, "a transaction of %zu bytes is too large to look at", col_size(q, 2));
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int tx_store_place(struct view v, const struct txid *txid, enum tx_place *ret, struct block_ref *ret_block,
		   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_READ, Q_PLACE);
	int rc;

	bind_txid(q, 1, txid);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	*ret = (enum tx_place)col_i64(q, 0);
	if (*ret == TX_CONFIRMED)
		block_read_ref(q, 1, ret_block);
	return 1;
}

int tx_store_taker(struct view v, const struct outpoint *at, struct txid *ret, struct block_ref *ret_block,
		   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_READ, Q_TAKER);
	int rc;

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	col_txid(q, 0, ret);
	block_read_ref(q, 1, ret_block);
	return 1;
}

static unsigned query_of(const struct tx_query *tq)
{
	if (!action_id_is_empty(&tq->action))
		return Q_OF_ACTION;
	if (!tq->oldest_first)
		return Q_NEWEST;
	return tq->place == TX_STORED || tq->place == TX_PENDING ? Q_OPEN : Q_OLDEST;
}

int tx_store_list(struct view v, struct arena *a, const struct tx_query *tq,
		  void (*each)(void *ctx, const struct tx_row *row), void *ctx, struct err *err)
{
	unsigned query = query_of(tq);
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_READ, query);
	int n = 0, rc;

	bind_i64(q, 1, tq->after);
	bind_i64(q, 2, tq->before ? tq->before : INT64_MAX);
	bind_i64(q, 3, tq->place);
	bind_i64(q, 4, tq->limit);
	if (query == Q_OF_ACTION)
		bind_action_id(q, 5, &tq->action);
	while ((rc = stmt_step(q, err)) == 1 && row_fits(a, q)) {
		struct tx_row row;

		row_read(a, q, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int tx_store_losses(struct view v, struct arena *a, uint32_t from_height, unsigned limit,
		    void (*each)(void *ctx, const struct tx_loss *loss), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_READ, Q_LOSSES);
	int n = 0, rc;

	bind_i64(q, 1, from_height);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1 && row_fits(a, q)) {
		struct tx_loss loss = { .place = (enum tx_place)col_i64(q, N_COLS + 1) };

		row_read(a, q, &loss.tx);
		col_txid(q, N_COLS, &loss.winner);
		if (loss.place == TX_CONFIRMED)
			block_read_ref(q, N_COLS + 2, &loss.block);
		each(ctx, &loss);
		n++;
	}
	return rc < 0 ? -1 : n;
}

static int outpoints_since(struct view v, unsigned query, int64_t *id, unsigned limit,
			   void (*each)(void *ctx, const struct outpoint *at), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_READ, query);
	struct outpoint at;
	int n = 0, rc;

	bind_i64(q, 1, *id);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1) {
		*id = col_i64(q, 0);
		col_txid(q, 1, &at.txid);
		at.vout = (uint32_t)col_u64(q, 2);
		each(ctx, &at);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int tx_store_inputs_since(struct view v, int64_t *id, unsigned limit,
			  void (*each)(void *ctx, const struct outpoint *at), void *ctx, struct err *err)
{
	return outpoints_since(v, Q_INPUTS_SINCE, id, limit, each, ctx, err);
}

int tx_store_coins_since(struct view v, int64_t *id, unsigned limit, void (*each)(void *ctx, const struct outpoint *at),
			 void *ctx, struct err *err)
{
	return outpoints_since(v, Q_COINS_SINCE, id, limit, each, ctx, err);
}
