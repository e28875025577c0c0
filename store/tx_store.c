#include "store/tx_store.h"

#include <assert.h>
#include <inttypes.h>

#include "store/query_sets.h"
#include "store/tx_change.h"

_Static_assert(TX_STORED == 1 && TX_PENDING == 2 && TX_CONFIRMED == 3 && TX_OUT == 4, "stored in onchain_tx.place");

enum { Q_ADD, Q_ADD_INPUT, Q_ADD_COIN, Q_USE_SCRIPT, Q_HAS_COIN, Q_MAKES, Q_SEEN, Q_MAKE_OWN, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ADD] =
		"INSERT INTO onchain_tx (txid, raw, place, coinbase, value_out, kind, own, trust, trusted, fee, booked,"
		" action_id, label, first_seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, 0, ?10, ?11, ?12)",
	[Q_ADD_INPUT] = "INSERT INTO onchain_input (tx_id, n, prev_txid, prev_vout) VALUES (?1, ?2, ?3, ?4)",
	/* No row for a script that is not the wallet's, or an output that is known. */
	[Q_ADD_COIN] = "INSERT INTO onchain_coin (tx_id, vout, value, script_id, state)"
		       " SELECT ?1, ?2, ?3, id, 6 FROM onchain_script WHERE spk = ?4"
		       " ON CONFLICT (tx_id, vout) DO NOTHING RETURNING script_id",
	[Q_USE_SCRIPT] = "UPDATE onchain_script SET used = 1 WHERE id = ?1",
	[Q_HAS_COIN] = "SELECT 1 FROM onchain_tx AS t JOIN onchain_coin AS c ON c.tx_id = t.id"
		       " WHERE t.txid = ?1 AND c.vout = ?2",
	[Q_MAKES] = "SELECT 1 FROM onchain_script WHERE spk = ?1",
	[Q_SEEN] = "UPDATE onchain_tx SET last_seen_ms = ?2 WHERE id = ?1",
	[Q_MAKE_OWN] = "UPDATE onchain_tx SET own = 1, kind = ?2, trust = ?3, fee = ?4, action_id = ?5,"
		       " label = ifnull(?6, label) WHERE id = ?1 AND own = 0",
};
const struct query_set tx_queries = { "tx", sql, Q_COUNT };

const char *tx_place_name(enum tx_place p)
{
	switch (p) {
	case TX_STORED:
		return "stored";
	case TX_PENDING:
		return "pending";
	case TX_CONFIRMED:
		return "confirmed";
	case TX_OUT:
		return "out";
	}
	return "unknown";
}

static int not_found(const struct txid *txid, struct err *err)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	return ERR(err, ERR_NOT_FOUND, "transaction %s is not of this wallet", text);
}

/* Begins a change of one that is the wallet's: *ret as it stands.  a: until the change ends. */
static int change_of(struct tx_change *c, struct arena *a, struct unit *u, const struct txid *txid, const char *kind,
		     int64_t now_ms, struct tx_known *ret, struct err *err)
{
	int rc;

	if (tx_change_begin(c, a, u, kind, now_ms, err) != 0)
		return -1;
	rc = tx_known_get(unit_view(u), a, txid, ret, err);
	return rc == 0 ? not_found(txid, err) : rc < 0 ? -1 : 0;
}

/* --- adding --- */

static int spends_ours(struct view v, const struct outpoint *at, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX, Q_HAS_COIN);

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	return stmt_step(q, err);
}

static int pays_us(struct view v, struct bytes script, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX, Q_MAKES);

	bind_blob(q, 1, script);
	return stmt_step(q, err);
}

/* 1, 0, -1. */
static int concerns_us(struct view v, const struct told_tx *tx, struct err *err)
{
	int rc;

	for (size_t i = 0; i < tx->n_out; i++)
		if (tx->out[i].script.n <= SCRIPT_SIZE_MAX && (rc = pays_us(v, tx->out[i].script, err)) != 0)
			return rc;
	for (size_t i = 0; i < tx->n_in; i++)
		if ((rc = spends_ours(v, &tx->in[i], err)) != 0)
			return rc;
	return 0;
}

static int add_row(struct unit *u, const struct told_tx *tx, const struct own_tx *own, int64_t now_ms, int64_t *ret_id,
		   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_ADD);
	struct sat sum = { 0 };

	for (size_t i = 0; i < tx->n_out; i++)
		if (!sat_add(sum, tx->out[i].value, &sum) || !sat_is_money(sum))
			return ERR(err, ERR_RANGE, "the outputs are worth more than there is");
	bind_txid(q, 1, &tx->txid);
	bind_blob(q, 2, tx->raw);
	/* What a stranger made is out until the place that it was told of is taken. */
	bind_i64(q, 3, own ? TX_STORED : TX_OUT);
	bind_bool(q, 4, tx->coinbase);
	bind_sat(q, 5, sum);
	bind_text(q, 6, own ? own->kind : "receive");
	bind_bool(q, 7, own != NULL);
	bind_i64(q, 8, own ? own->trust : TRUST_NONE);
	if (own && own->has_fee)
		bind_sat(q, 9, own->fee);
	if (own)
		bind_action_id(q, 10, &own->action);
	bind_text(q, 11, own ? own->label : NULL);
	bind_i64(q, 12, now_ms);
	if (stmt_insert(q, ERR_EXISTS, "this transaction", err) != 0)
		return -1;
	*ret_id = stmt_last_rowid(q);
	return 0;
}

static int add_input(struct unit *u, int64_t id, size_t n, const struct outpoint *at, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_ADD_INPUT);

	bind_i64(q, 1, id);
	bind_u64(q, 2, n);
	bind_txid(q, 3, &at->txid);
	bind_i64(q, 4, at->vout);
	return stmt_insert(q, ERR_INTERNAL, "this input", err);
}

static int use_script(struct unit *u, int64_t id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_USE_SCRIPT);

	bind_i64(q, 1, id);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* 1 when it is a new coin of ours. */
static int add_coin(struct unit *u, int64_t id, size_t vout, const struct told_out *out, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_ADD_COIN);
	int rc;

	bind_i64(q, 1, id);
	bind_u64(q, 2, vout);
	bind_sat(q, 3, out->value);
	bind_blob(q, 4, out->script);
	rc = stmt_step(q, err);
	if (rc == 1 && use_script(u, col_i64(q, 0), err) != 0)
		return -1;
	return rc;
}

/* Of a known one too: its outputs may pay scripts that were derived since. */
static int add_coins(struct tx_change *c, int64_t id, const struct told_tx *tx, struct err *err)
{
	bool any = false;
	int rc;

	for (size_t i = 0; i < tx->n_out; i++) {
		if (tx->out[i].script.n > SCRIPT_SIZE_MAX)
			continue;
		rc = add_coin(c->u, id, i, &tx->out[i], err);
		if (rc < 0)
			return -1;
		any = any || rc == 1;
	}
	if (!any)
		return 0;
	settle_touch(&c->settle, id);
	/* Some may have been seen before what they spend. */
	return settle_touch_children(&c->settle, id, err) < 0 ? -1 : 0;
}

static int add(struct tx_change *c, const struct told_tx *tx, const struct own_tx *own, struct tx_known *ret,
	       struct err *err)
{
	int64_t id;

	if (add_row(c->u, tx, own, c->now_ms, &id, err) != 0)
		return -1;
	for (size_t i = 0; i < tx->n_in; i++)
		if (add_input(c->u, id, i, &tx->in[i], err) != 0)
			return -1;
	settle_touch(&c->settle, id);
	if (add_coins(c, id, tx, err) != 0)
		return -1;
	return tx_known_by_id(unit_view(c->u), c->a, id, ret, err) < 0 ? -1 : 0;
}

/* Does it spend what one of the wallet's transactions spends?  1, 0, -1. */
static int rivals_one(struct unit *u, const struct told_tx *tx, struct err *err)
{
	int64_t rival;
	int rc;

	for (size_t i = 0; i < tx->n_in; i++)
		if ((rc = tx_rival_at(u, &tx->in[i], TX_STORED, TX_OUT, &rival, err)) != 0)
			return rc;
	return 0;
}

/* A stranger took back what he had offered: his transaction is none of our business, but what it beats is. */
static int stranger_wins(struct tx_change *c, const struct told_tx *tx, enum tx_place from, struct err *err)
{
	int64_t rival = 0;
	int rc;

	for (size_t i = 0; i < tx->n_in; i++) {
		while ((rc = tx_rival_at(c->u, &tx->in[i], from, TX_PENDING, &rival, err)) == 1)
			if (tx_change_out(c, rival, &tx->txid, err) != 0)
				return -1;
		if (rc < 0)
			return -1;
	}
	c->settle.m.kind = "dropped";
	settle_about(&c->settle, &tx->txid, &(const struct action_id){ "" }, NULL);
	return settle_end(&c->settle, err);
}

/* The row of it, made if it is new and concerns us: 1, 0, -1.  from: the lowest place that it wins from otherwise. */
static int find_or_add(struct tx_change *c, const struct told_tx *tx, enum tx_place from, struct tx_known *ret,
		       struct err *err)
{
	int rc = tx_known_get(unit_view(c->u), c->a, &tx->txid, ret, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return add_coins(c, ret->id, tx, err) != 0 ? -1 : 1;
	rc = concerns_us(unit_view(c->u), tx, err);
	/* What beats one of ours in a block is kept, for how deep it is decides what was built on the loser. */
	if (rc == 0 && from == TX_STORED)
		rc = rivals_one(c->u, tx, err);
	if (rc == 0)
		return stranger_wins(c, tx, from, err);
	return rc < 0 || add(c, tx, NULL, ret, err) != 0 ? -1 : 1;
}

/* --- of ours --- */

static int inputs_are_left(struct unit *u, const struct told_tx *tx, struct err *err)
{
	char text[OUTPOINT_TEXT];
	int64_t rival;
	int rc;

	for (size_t i = 0; i < tx->n_in; i++) {
		rc = tx_rival_at(u, &tx->in[i], TX_CONFIRMED, TX_CONFIRMED, &rival, err);
		if (rc == 0)
			continue;
		outpoint_text(&tx->in[i], text);
		return rc < 0 ? -1 : ERR(err, ERR_CONFLICT, "a block has spent %s already", text);
	}
	return 0;
}

int tx_store_add_own(struct unit *u, const struct told_tx *tx, const struct own_tx *own, int64_t now_ms,
		     struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_known t;
	struct tx_change c;

	assert(!tx->coinbase);
	if (inputs_are_left(u, tx, err) != 0 || tx_change_begin(&c, &a, u, own->kind, now_ms, err) != 0 ||
	    add(&c, tx, own, &t, err) != 0 || tx_change_event(&c, &t, TX_STORED, "stored", err) != 0)
		return -1;
	settle_about(&c.settle, &t.txid, &t.action, t.label);
	return settle_end(&c.settle, err);
}

static int make_own(struct unit *u, int64_t id, const struct own_tx *own, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_MAKE_OWN);

	bind_i64(q, 1, id);
	bind_text(q, 2, own->kind);
	bind_i64(q, 3, own->trust);
	if (own->has_fee)
		bind_sat(q, 4, own->fee);
	bind_action_id(q, 5, &own->action);
	bind_text(q, 6, own->label);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int tx_store_make_own(struct unit *u, const struct txid *txid, const struct own_tx *own, int64_t now_ms,
		      struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_change c;
	struct tx_known t;

	if (change_of(&c, &a, u, txid, own->kind, now_ms, &t, err) != 0 || make_own(u, t.id, own, err) != 0)
		return -1;
	settle_touch(&c.settle, t.id);
	settle_about(&c.settle, &t.txid, &own->action, own->label);
	return settle_end(&c.settle, err);
}

int tx_store_give_up(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_change c;
	struct tx_known t;

	if (change_of(&c, &a, u, txid, "dropped", now_ms, &t, err) != 0)
		return -1;
	if (t.place == TX_OUT)
		return 0;
	if (t.place == TX_CONFIRMED)
		return ERR(err, ERR_CONFLICT, "the transaction is confirmed in block %" PRIu32, t.block.height);
	return tx_change_drop(&c, &t, NULL, err);
}

/* --- of the network --- */

static int saw_again(struct unit *u, const struct tx_known *t, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_SEEN);

	bind_i64(q, 1, t->id);
	bind_i64(q, 2, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static int make_pending(struct tx_change *c, const struct tx_known *t, struct err *err)
{
	int rc;

	if (t->place == TX_PENDING)
		return saw_again(c->u, t, c->now_ms, err);
	if (t->place == TX_CONFIRMED || t->coinbase)
		return 0;
	rc = tx_is_excluded(c, t, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (tx_change_win(c, t, TX_PENDING, err) != 0)
		return -1;
	return tx_change_place(c, t, &(struct tx_move){ .to = TX_PENDING, .seen = true }, err);
}

int tx_store_seen(struct unit *u, const struct told_tx *tx, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_change c;
	struct tx_known t;
	int rc;

	if (tx_change_begin(&c, &a, u, "receive", now_ms, err) != 0)
		return -1;
	rc = find_or_add(&c, tx, TX_PENDING, &t, err);
	if (rc != 1)
		return rc;
	return make_pending(&c, &t, err) != 0 || tx_change_finish(&c, &t, err) != 0 ? -1 : 1;
}

int tx_store_seen_again(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_change c;
	struct tx_known t;

	if (change_of(&c, &a, u, txid, "receive", now_ms, &t, err) != 0)
		return -1;
	return make_pending(&c, &t, err) != 0 ? -1 : tx_change_finish(&c, &t, err);
}

static int make_confirmed(struct tx_change *c, const struct tx_known *t, const struct block_ref *block, uint32_t pos,
			  struct err *err)
{
	char text[TXID_TEXT];

	if (t->place == TX_CONFIRMED) {
		if (block_ref_equal(&t->block, block))
			return 0;
		txid_text(&t->txid, text);
		return ERR(err, ERR_PEER_INVALID, "transaction %s is in block %" PRIu32 " and in block %" PRIu32, text,
			   t->block.height, block->height);
	}
	if (tx_change_win(c, t, TX_STORED, err) != 0 ||
	    tx_change_place(c, t, &(struct tx_move){ .to = TX_CONFIRMED, .block = block, .pos = pos, .seen = true },
			    err) != 0)
		return -1;
	return tx_name_winner(c->u, t->id, err);
}

int tx_store_confirm(struct unit *u, const struct told_tx *tx, const struct block_ref *block, uint32_t pos,
		     int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_change c;
	struct tx_known t;
	int rc;

	if (tx_change_begin(&c, &a, u, "receive", now_ms, err) != 0)
		return -1;
	rc = find_or_add(&c, tx, TX_STORED, &t, err);
	if (rc != 1)
		return rc;
	return make_confirmed(&c, &t, block, pos, err) != 0 || tx_change_finish(&c, &t, err) != 0 ? -1 : 1;
}

int tx_store_drop(struct unit *u, const struct txid *txid, const struct txid *by, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct tx_change c;
	struct tx_known t;

	if (change_of(&c, &a, u, txid, "dropped", now_ms, &t, err) != 0)
		return -1;
	return t.place == TX_PENDING ? tx_change_drop(&c, &t, by, err) : 0;
}
