#include "store/tx_change.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/event_store.h"
#include "store/query_sets.h"
#include "store/script_store.h"

enum { Q_GET, Q_BY_ID, Q_PLACE, Q_RIVAL, Q_RIVAL_AT, Q_LOST, Q_CHILD, Q_COUNT };

#define FACTS "SELECT " TX_KNOWN_COLS " FROM onchain_tx"

static const char *const sql[Q_COUNT] = {
	[Q_GET] = FACTS " WHERE txid = ?1",
	[Q_BY_ID] = FACTS " WHERE id = ?1",
	[Q_PLACE] = "UPDATE onchain_tx SET place = ?2, height = ?3, hash = ?4, pos = ?5, replaced_by = ?6,"
		    " last_seen_ms = ifnull(?7, last_seen_ms) WHERE id = ?1",
	/* The next one, not out, that spends what this one spends. */
	[Q_RIVAL] =
		"SELECT t.id, t.place FROM onchain_input AS mine"
		" JOIN onchain_input AS other ON other.prev_txid = mine.prev_txid AND other.prev_vout = mine.prev_vout"
		" AND other.tx_id <> mine.tx_id"
		" JOIN onchain_tx AS t ON t.id = other.tx_id WHERE mine.tx_id = ?1 AND +t.place BETWEEN ?2 AND 3"
		" ORDER BY t.place DESC, t.id LIMIT 1",
	[Q_RIVAL_AT] = "SELECT t.id FROM onchain_input AS i JOIN onchain_tx AS t ON t.id = i.tx_id"
		       " WHERE i.prev_txid = ?1 AND i.prev_vout = ?2 AND +t.place BETWEEN ?3 AND ?4"
		       " ORDER BY t.id LIMIT 1",
	/* Of those that are out because of this one: who won, which is the first in the chain where several did. */
	[Q_LOST] = "UPDATE onchain_tx SET replaced_by = (SELECT w.txid FROM onchain_input AS mine"
		   " JOIN onchain_input AS other ON other.prev_txid = mine.prev_txid"
		   " AND other.prev_vout = mine.prev_vout AND other.tx_id <> mine.tx_id"
		   " JOIN onchain_tx AS w ON w.id = other.tx_id WHERE mine.tx_id = onchain_tx.id AND +w.place = 3"
		   " ORDER BY w.height, w.pos LIMIT 1)"
		   " WHERE +place = 4 AND id IN (SELECT other.tx_id FROM onchain_input AS mine"
		   " JOIN onchain_input AS other ON other.prev_txid = mine.prev_txid"
		   " AND other.prev_vout = mine.prev_vout AND other.tx_id <> mine.tx_id WHERE mine.tx_id = ?1)",
	[Q_CHILD] = "SELECT s.id FROM onchain_tx AS t JOIN onchain_input AS i ON i.prev_txid = t.txid"
		    " JOIN onchain_tx AS s ON s.id = i.tx_id WHERE t.id = ?1 AND +s.place = 2 ORDER BY s.id LIMIT 1",
};
const struct query_set tx_change_queries = { "tx_change", sql, Q_COUNT };

/* --- a transaction --- */

void tx_known_read(struct arena *a, struct stmt *q, struct tx_known *ret)
{
	*ret = (struct tx_known){
		.id = col_i64(q, 0),
		.place = (enum tx_place)col_i64(q, 2),
		.block.height = (uint32_t)col_u64(q, 3),
		.pos = (uint32_t)col_u64(q, 5),
		.coinbase = col_bool(q, 6),
		.kind = col_text(a, q, 7),
		.label = col_text(a, q, 9),
	};
	col_txid(q, 1, &ret->txid);
	if (ret->place == TX_CONFIRMED)
		col_block_hash(q, 4, &ret->block.hash);
	col_action_id(q, 8, &ret->action);
}

/* 1, 0, -1. */
int tx_known_get(struct view v, struct arena *a, const struct txid *txid, struct tx_known *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_CHANGE, Q_GET);
	int rc;

	bind_txid(q, 1, txid);
	rc = stmt_step(q, err);
	if (rc == 1)
		tx_known_read(a, q, ret);
	return rc;
}

int tx_known_by_id(struct view v, struct arena *a, int64_t id, struct tx_known *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX_CHANGE, Q_BY_ID);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		tx_known_read(a, q, ret);
	return rc;
}

/* --- one change: what it is about, and what follows --- */

int tx_change_begin(struct tx_change *c, struct arena *a, struct unit *u, const char *kind, int64_t now_ms,
		    struct err *err)
{
	*c = (struct tx_change){ .u = u, .a = a, .now_ms = now_ms };
	return settle_begin(&c->settle, a, u, kind, now_ms, err);
}

/* The kind of its movement may have been found out meanwhile, as what it spends became known. */
static int change_kind(struct tx_change *c, const struct tx_known *t, struct err *err)
{
	struct tx_known now = *t;
	int rc = tx_known_by_id(unit_view(c->u), c->a, t->id, &now, err);

	c->settle.m.kind = now.kind;
	return rc < 0 ? -1 : 0;
}

int tx_change_event(struct tx_change *c, const struct tx_known *t, enum tx_place place, const char *name,
		    struct err *err)
{
	char kind[32], subject[TXID_TEXT], action[ACTION_ID_MAX + 3] = "null", in[128] = "", data[320];

	snprintf(kind, sizeof(kind), "onchain.%s", name);
	txid_text(&t->txid, subject);
	if (!action_id_is_empty(&t->action))
		snprintf(action, sizeof(action), "\"%s\"", t->action.s);
	if (place == TX_CONFIRMED) {
		char hash[TXID_TEXT];

		block_hash_text(&t->block.hash, hash);
		snprintf(in, sizeof(in), ",\"height\":%" PRIu32 ",\"block\":\"%s\"", t->block.height, hash);
	}
	snprintf(data, sizeof(data), "{\"place\":\"%s\",\"action_id\":%s%s}", tx_place_name(place), action, in);
	return event_append(c->u, kind, subject, data, err);
}

static const char *place_event(enum tx_place place)
{
	switch (place) {
	case TX_STORED:
		return "stored";
	case TX_PENDING:
		return "pending";
	case TX_CONFIRMED:
		return "confirmed";
	case TX_OUT:
		return "dropped";
	}
	return "unknown";
}

int tx_change_place(struct tx_change *c, const struct tx_known *t, const struct tx_move *m, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(c->u), FAMILY_TX_CHANGE, Q_PLACE);
	struct tx_known moved = *t;

	bind_i64(q, 1, t->id);
	bind_i64(q, 2, m->to);
	if (m->to == TX_CONFIRMED) {
		moved.block = *m->block;
		bind_i64(q, 3, m->block->height);
		bind_block_hash(q, 4, &m->block->hash);
		bind_i64(q, 5, m->pos);
	}
	if (m->to == TX_OUT && m->by)
		bind_txid(q, 6, m->by);
	if (m->seen)
		bind_i64(q, 7, c->now_ms);
	if (stmt_run(q, err) < 0)
		return -1;
	settle_touch(&c->settle, t->id);
	return tx_change_event(c, &moved, m->to, m->event ? m->event : place_event(m->to), err);
}

static int next_id(struct tx_change *c, unsigned query, int64_t id, int from_place, int64_t *ret,
		   enum tx_place *ret_place, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(c->u), FAMILY_TX_CHANGE, query);
	int rc;

	bind_i64(q, 1, id);
	if (query == Q_RIVAL)
		bind_i64(q, 2, from_place);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*ret = col_i64(q, 0);
		if (query == Q_RIVAL)
			*ret_place = (enum tx_place)col_i64(q, 1);
	}
	return rc;
}

/* It goes out, and all that spends it, from the last to the first: a transaction is out only when nothing that is pending
 * spends it. */
int tx_change_out(struct tx_change *c, int64_t id, const struct txid *by, struct err *err)
{
	int64_t at = id, child = 0;
	struct tx_known t;
	int rc;

	for (;;) {
		rc = next_id(c, Q_CHILD, at, 0, &child, NULL, err);
		if (rc < 0)
			return -1;
		if (rc == 1) {
			at = child;
			continue;
		}
		if (!arena_room(c->a, TX_KNOWN_ROOM))
			return ERR(err, ERR_RANGE, "too many transactions depend on one another");
		if (tx_known_by_id(unit_view(c->u), c->a, at, &t, err) < 0 ||
		    tx_change_place(c, &t, &(struct tx_move){ .to = TX_OUT, .by = by }, err) != 0 ||
		    script_store_forget_seen(c->u, &t.txid, err) != 0)
			return -1;
		if (at == id)
			return 0;
		at = id;
	}
}

/* Whatever else spends what t spends has lost to it; from: the lowest place that can still be won from. */
int tx_change_win(struct tx_change *c, const struct tx_known *t, enum tx_place from, struct err *err)
{
	enum tx_place place = TX_OUT;
	char text[TXID_TEXT];
	int64_t rival = 0;
	int rc;

	while ((rc = next_id(c, Q_RIVAL, t->id, (int)from, &rival, &place, err)) == 1) {
		if (place == TX_CONFIRMED) {
			txid_text(&t->txid, text);
			return ERR(err, ERR_PEER_INVALID, "transaction %s spends what a block has spent already", text);
		}
		if (tx_change_out(c, rival, &t->txid, err) != 0)
			return -1;
	}
	return rc;
}

int tx_rival_at(struct unit *u, const struct outpoint *at, enum tx_place from, enum tx_place to, int64_t *ret,
		struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX_CHANGE, Q_RIVAL_AT);
	int rc;

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	bind_i64(q, 3, from);
	bind_i64(q, 4, to);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = col_i64(q, 0);
	return rc;
}

int tx_name_winner(struct unit *u, int64_t id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX_CHANGE, Q_LOST);

	bind_i64(q, 1, id);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* Has a block spent what it spends?  1, 0, -1. */
int tx_is_excluded(struct tx_change *c, const struct tx_known *t, struct err *err)
{
	enum tx_place place;
	int64_t winner;
	int rc = next_id(c, Q_RIVAL, t->id, TX_CONFIRMED, &winner, &place, err);

	return rc == 1 && tx_name_winner(c->u, winner, err) != 0 ? -1 : rc;
}

/* A mempool has it. */

int tx_change_finish(struct tx_change *c, const struct tx_known *t, struct err *err)
{
	settle_about(&c->settle, &t->txid, &t->action, t->label);
	if (settle_run(&c->settle, err) != 0 || change_kind(c, t, err) != 0)
		return -1;
	return settle_end(&c->settle, err);
}

int tx_change_drop(struct tx_change *c, const struct tx_known *t, const struct txid *by, struct err *err)
{
	if (tx_change_out(c, t->id, by, err) != 0)
		return -1;
	settle_about(&c->settle, &t->txid, &t->action, t->label);
	return settle_end(&c->settle, err);
}
