#include "store/tx_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/event_store.h"
#include "store/query_sets.h"
#include "store/stmt.h"
#include "store/tx_settle.h"

_Static_assert(TX_STORED == 1 && TX_PENDING == 2 && TX_CONFIRMED == 3 && TX_OUT == 4, "stored in onchain_tx.place");

enum {
	Q_GET,
	Q_BY_ID,
	Q_ADD,
	Q_ADD_INPUT,
	Q_ADD_COIN,
	Q_USE_SCRIPT,
	Q_HAS_COIN,
	Q_MAKES,
	Q_RIVAL,
	Q_RIVAL_AT,
	Q_PLACE,
	Q_SEEN,
	Q_LOST,
	Q_CHILD,
	Q_IN_BLOCK,
	Q_ANY_CONFIRMED,
	Q_NEXT_MATURE,
	Q_AT_HEIGHT,
	Q_COUNT
};

#define FACTS                                                                                                          \
	"SELECT id, txid, place, height, hash, pos, coinbase, kind, action_id, label, first_seen_ms FROM onchain_tx"

static const char *const sql[Q_COUNT] = {
	[Q_GET] = FACTS " WHERE txid = ?1",
	[Q_BY_ID] = FACTS " WHERE id = ?1",
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
	[Q_PLACE] = "UPDATE onchain_tx SET place = ?2, height = ?3, hash = ?4, pos = ?5, replaced_by = ?6,"
		    " last_seen_ms = ifnull(?7, last_seen_ms) WHERE id = ?1",
	[Q_SEEN] = "UPDATE onchain_tx SET last_seen_ms = ?2 WHERE id = ?1",
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
	[Q_IN_BLOCK] = FACTS " WHERE height = ?1 AND hash = ?2 ORDER BY pos DESC LIMIT 1",
	[Q_ANY_CONFIRMED] = FACTS " WHERE height IS NOT NULL ORDER BY height DESC, pos DESC LIMIT 1",
	[Q_NEXT_MATURE] = "SELECT t.id, t.txid FROM onchain_coin AS c JOIN onchain_tx AS t ON t.id = c.tx_id"
			  " WHERE c.state = 4 AND t.height <= ?1 ORDER BY c.state, c.value LIMIT 1",
	[Q_AT_HEIGHT] = "SELECT id, txid FROM onchain_tx WHERE height = ?1 AND pos = 0 AND coinbase = 1",
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

/* --- a transaction, as far as writers need it --- */

struct known {
	int64_t id;
	struct txid txid;
	enum tx_place place;
	struct block_ref block;
	uint32_t pos;
	bool coinbase;
	const char *kind, *label;
	struct action_id action;
};
#define KNOWN_ROOM 2048

static void known_read(struct arena *a, struct stmt *q, struct known *ret)
{
	*ret = (struct known){
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
static int known_get(struct view v, struct arena *a, const struct txid *txid, struct known *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX, Q_GET);
	int rc;

	bind_txid(q, 1, txid);
	rc = stmt_step(q, err);
	if (rc == 1)
		known_read(a, q, ret);
	return rc;
}

static int known_by_id(struct view v, struct arena *a, int64_t id, struct known *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_TX, Q_BY_ID);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		known_read(a, q, ret);
	return rc;
}

static int not_found(const struct txid *txid, struct err *err)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	return ERR(err, ERR_NOT_FOUND, "transaction %s is not of this wallet", text);
}

/* --- one change: what it is about, and what follows --- */

struct change {
	struct settle settle;
	struct unit *u;
	struct arena *a;
	int64_t now_ms;
};

static int change_begin(struct change *c, struct arena *a, struct unit *u, const char *kind, int64_t now_ms,
			struct err *err)
{
	*c = (struct change){ .u = u, .a = a, .now_ms = now_ms };
	return settle_begin(&c->settle, a, u, kind, now_ms, err);
}

/* The kind of its movement may have been found out meanwhile, as what it spends became known. */
static int change_kind(struct change *c, const struct known *t, struct err *err)
{
	struct known now = *t;
	int rc = known_by_id(unit_view(c->u), c->a, t->id, &now, err);

	c->settle.m.kind = now.kind;
	return rc < 0 ? -1 : 0;
}

static int change_event(struct change *c, const struct known *t, enum tx_place place, const char *name, struct err *err)
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

struct move {
	enum tx_place to;
	const struct block_ref *block; /* when confirmed */
	uint32_t pos;
	const struct txid *by; /* when out: who won; or NULL */
	bool seen;             /* somebody told that it is there now */
	const char *event;     /* or NULL: the place's */
};

static int change_place(struct change *c, const struct known *t, const struct move *m, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(c->u), FAMILY_TX, Q_PLACE);
	struct known moved = *t;

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
	return change_event(c, &moved, m->to, m->event ? m->event : place_event(m->to), err);
}

static int next_id(struct change *c, unsigned query, int64_t id, int from_place, int64_t *ret, enum tx_place *ret_place,
		   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(c->u), FAMILY_TX, query);
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
static int change_out(struct change *c, int64_t id, const struct txid *by, struct err *err)
{
	int64_t at = id, child = 0;
	struct known t;
	int rc;

	for (;;) {
		rc = next_id(c, Q_CHILD, at, 0, &child, NULL, err);
		if (rc < 0)
			return -1;
		if (rc == 1) {
			at = child;
			continue;
		}
		if (!arena_room(c->a, KNOWN_ROOM))
			return ERR(err, ERR_RANGE, "too many transactions depend on one another");
		if (known_by_id(unit_view(c->u), c->a, at, &t, err) < 0 ||
		    change_place(c, &t, &(struct move){ .to = TX_OUT, .by = by }, err) != 0 ||
		    script_store_forget_seen(c->u, &t.txid, err) != 0)
			return -1;
		if (at == id)
			return 0;
		at = id;
	}
}

/* Whatever else spends what t spends has lost to it; from: the lowest place that can still be won from. */
static int change_win(struct change *c, const struct known *t, enum tx_place from, struct err *err)
{
	enum tx_place place = TX_OUT;
	char text[TXID_TEXT];
	int64_t rival = 0;
	int rc;

	while ((rc = next_id(c, Q_RIVAL, t->id, from, &rival, &place, err)) == 1) {
		if (place == TX_CONFIRMED) {
			txid_text(&t->txid, text);
			return ERR(err, ERR_PEER_INVALID, "transaction %s spends what a block has spent already", text);
		}
		if (change_out(c, rival, &t->txid, err) != 0)
			return -1;
	}
	return rc;
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
static int add_coins(struct change *c, int64_t id, const struct told_tx *tx, struct err *err)
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

static int add(struct change *c, const struct told_tx *tx, const struct own_tx *own, struct known *ret, struct err *err)
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
	return known_by_id(unit_view(c->u), c->a, id, ret, err) < 0 ? -1 : 0;
}

/* A transaction that spends this output and stands between two places: 1, 0, -1. */
static int rival_at(struct unit *u, const struct outpoint *at, enum tx_place from, enum tx_place to, int64_t *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_RIVAL_AT);
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

/* A stranger took back what he had offered: his transaction is none of our business, but what it beats is. */
static int stranger_wins(struct change *c, const struct told_tx *tx, enum tx_place from, struct err *err)
{
	int64_t rival = 0;
	int rc;

	for (size_t i = 0; i < tx->n_in; i++) {
		while ((rc = rival_at(c->u, &tx->in[i], from, TX_PENDING, &rival, err)) == 1)
			if (change_out(c, rival, &tx->txid, err) != 0)
				return -1;
		if (rc < 0)
			return -1;
	}
	c->settle.m.kind = "dropped";
	settle_about(&c->settle, &tx->txid, &(const struct action_id){ "" }, NULL);
	return settle_end(&c->settle, err);
}

/* The row of it, made if it is new and concerns us: 1, 0, -1.  from: the lowest place that it wins from otherwise. */
static int find_or_add(struct change *c, const struct told_tx *tx, enum tx_place from, struct known *ret,
		       struct err *err)
{
	int rc = known_get(unit_view(c->u), c->a, &tx->txid, ret, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return add_coins(c, ret->id, tx, err) != 0 ? -1 : 1;
	rc = concerns_us(unit_view(c->u), tx, err);
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
		rc = rival_at(u, &tx->in[i], TX_CONFIRMED, TX_CONFIRMED, &rival, err);
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
	struct known t;
	struct change c;

	assert(!tx->coinbase);
	if (inputs_are_left(u, tx, err) != 0 || change_begin(&c, &a, u, own->kind, now_ms, err) != 0 ||
	    add(&c, tx, own, &t, err) != 0 || change_event(&c, &t, TX_STORED, "stored", err) != 0)
		return -1;
	settle_about(&c.settle, &t.txid, &t.action, t.label);
	return settle_end(&c.settle, err);
}

static int go_out(struct change *c, const struct known *t, const struct txid *by, struct err *err)
{
	if (change_out(c, t->id, by, err) != 0)
		return -1;
	settle_about(&c->settle, &t->txid, &t->action, t->label);
	return settle_end(&c->settle, err);
}

int tx_store_give_up(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct change c;
	struct known t;
	int rc;

	if (change_begin(&c, &a, u, "dropped", now_ms, err) != 0)
		return -1;
	rc = known_get(unit_view(u), &a, txid, &t, err);
	if (rc <= 0)
		return rc < 0 ? -1 : not_found(txid, err);
	if (t.place == TX_OUT)
		return 0;
	if (t.place == TX_CONFIRMED)
		return ERR(err, ERR_CONFLICT, "the transaction is confirmed in block %" PRIu32, t.block.height);
	return go_out(&c, &t, NULL, err);
}

/* --- of the network --- */

static int saw_again(struct unit *u, const struct known *t, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_SEEN);

	bind_i64(q, 1, t->id);
	bind_i64(q, 2, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static int name_winner(struct unit *u, int64_t id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, Q_LOST);

	bind_i64(q, 1, id);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* Has a block spent what it spends?  1, 0, -1. */
static int is_excluded(struct change *c, const struct known *t, struct err *err)
{
	enum tx_place place;
	int64_t winner;
	int rc = next_id(c, Q_RIVAL, t->id, TX_CONFIRMED, &winner, &place, err);

	return rc == 1 && name_winner(c->u, winner, err) != 0 ? -1 : rc;
}

/* A mempool has it. */
static int make_pending(struct change *c, const struct known *t, struct err *err)
{
	int rc;

	if (t->place == TX_PENDING)
		return saw_again(c->u, t, c->now_ms, err);
	if (t->place == TX_CONFIRMED || t->coinbase)
		return 0;
	rc = is_excluded(c, t, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (change_win(c, t, TX_PENDING, err) != 0)
		return -1;
	return change_place(c, t, &(struct move){ .to = TX_PENDING, .seen = true }, err);
}

static int finish(struct change *c, const struct known *t, struct err *err)
{
	settle_about(&c->settle, &t->txid, &t->action, t->label);
	if (settle_run(&c->settle, err) != 0 || change_kind(c, t, err) != 0)
		return -1;
	return settle_end(&c->settle, err);
}

int tx_store_seen(struct unit *u, const struct told_tx *tx, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct change c;
	struct known t;
	int rc;

	if (change_begin(&c, &a, u, "receive", now_ms, err) != 0)
		return -1;
	rc = find_or_add(&c, tx, TX_PENDING, &t, err);
	if (rc != 1)
		return rc;
	return make_pending(&c, &t, err) != 0 || finish(&c, &t, err) != 0 ? -1 : 1;
}

int tx_store_seen_again(struct unit *u, const struct txid *txid, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct change c;
	struct known t;
	int rc;

	if (change_begin(&c, &a, u, "receive", now_ms, err) != 0)
		return -1;
	rc = known_get(unit_view(u), &a, txid, &t, err);
	if (rc <= 0)
		return rc < 0 ? -1 : not_found(txid, err);
	return make_pending(&c, &t, err) != 0 ? -1 : finish(&c, &t, err);
}

static int make_confirmed(struct change *c, const struct known *t, const struct block_ref *block, uint32_t pos,
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
	if (change_win(c, t, TX_STORED, err) != 0 ||
	    change_place(c, t, &(struct move){ .to = TX_CONFIRMED, .block = block, .pos = pos, .seen = true }, err) !=
		    0)
		return -1;
	return name_winner(c->u, t->id, err);
}

int tx_store_confirm(struct unit *u, const struct told_tx *tx, const struct block_ref *block, uint32_t pos,
		     int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct change c;
	struct known t;
	int rc;

	if (change_begin(&c, &a, u, "receive", now_ms, err) != 0)
		return -1;
	rc = find_or_add(&c, tx, TX_STORED, &t, err);
	if (rc != 1)
		return rc;
	return make_confirmed(&c, &t, block, pos, err) != 0 || finish(&c, &t, err) != 0 ? -1 : 1;
}

int tx_store_drop(struct unit *u, const struct txid *txid, const struct txid *by, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct change c;
	struct known t;
	int rc;

	if (change_begin(&c, &a, u, "dropped", now_ms, err) != 0)
		return -1;
	rc = known_get(unit_view(u), &a, txid, &t, err);
	if (rc <= 0)
		return rc < 0 ? -1 : not_found(txid, err);
	return t.place == TX_PENDING ? go_out(&c, &t, by, err) : 0;
}

/* --- blocks --- */

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
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, query);
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
static int unconfirm_one(struct unit *u, struct arena *a, const struct known *t, int64_t now_ms, struct err *err)
{
	struct change c;

	if (change_begin(&c, a, u, "reorg", now_ms, err) != 0)
		return -1;
	if (t->coinbase)
		return go_out(&c, t, NULL, err);
	if (change_place(&c, t, &(struct move){ .to = TX_PENDING, .event = "reorged" }, err) != 0)
		return -1;
	settle_about(&c.settle, &t->txid, &t->action, t->label);
	return settle_end(&c.settle, err);
}

static int in_block(struct unit *u, struct arena *a, const struct block_ref *block, struct known *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_TX, block ? Q_IN_BLOCK : Q_ANY_CONFIRMED);
	int rc;

	if (block) {
		bind_i64(q, 1, block->height);
		bind_block_hash(q, 2, &block->hash);
	}
	rc = stmt_step(q, err);
	if (rc == 1)
		known_read(a, q, ret);
	return rc;
}

static int unconfirm(struct unit *u, const struct block_ref *block, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SETTLE_ROOM);
	struct known t;
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
