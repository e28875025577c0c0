#include "store/tx_settle.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/chain_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(UTXO_SPENDABLE == 1 && UTXO_LOCKED == 2 && UTXO_PENDING == 3 && UTXO_IMMATURE == 4 && UTXO_SPENT == 5 &&
		       UTXO_ABSENT == 6 && UTXO_WAITING == 7,
	       "stored in onchain_coin.state");
_Static_assert(TRUST_NONE == 0 && TRUST_WAIT == 1 && TRUST_SPEND == 2, "stored in onchain_tx.trust and .trusted");

enum {
	Q_TX,
	Q_INPUTS,
	Q_SAVE,
	Q_CHILDREN,
	Q_COIN,
	Q_NEXT_MADE,
	Q_NEXT_SPENT,
	Q_SAVE_COIN,
	Q_NEXT_TX,
	Q_NEXT_COIN,
	Q_COUNT
};

#define TX_FACTS "SELECT id, txid, place, own, kind, trust, trusted, fee, booked, value_out FROM onchain_tx"
/* A coin, where its transaction stands, and what spends it: of those that do, one at most is pending or confirmed. */
#define COIN_FACTS                                                                                                     \
	"SELECT c.id, c.value, c.state, c.holder, c.spent_by, c.vout, t.place, t.trusted, t.coinbase, t.height,"       \
	" (SELECT s.id FROM onchain_input AS i JOIN onchain_tx AS s ON s.id = i.tx_id"                                 \
	"  WHERE i.prev_txid = t.txid AND i.prev_vout = c.vout AND s.place IN (2, 3) ORDER BY s.place DESC LIMIT 1)"   \
	" FROM onchain_coin AS c JOIN onchain_tx AS t ON t.id = c.tx_id"

static const char *const sql[Q_COUNT] = {
	[Q_TX] = TX_FACTS " WHERE id = ?1",
	[Q_INPUTS] = "SELECT count(*), count(c.id), ifnull(sum(c.value), 0),"
		     " ifnull(min(CASE WHEN c.id IS NOT NULL THEN p.trusted END), 2)"
		     " FROM onchain_input AS i LEFT JOIN onchain_tx AS p ON p.txid = i.prev_txid"
		     " LEFT JOIN onchain_coin AS c ON c.tx_id = p.id AND c.vout = i.prev_vout WHERE i.tx_id = ?1",
	[Q_SAVE] = "UPDATE onchain_tx SET kind = ?2, trusted = ?3, fee = ?4, booked = ?5 WHERE id = ?1",
	[Q_CHILDREN] = "SELECT DISTINCT i.tx_id FROM onchain_tx AS t JOIN onchain_input AS i ON i.prev_txid = t.txid"
		       " WHERE t.id = ?1",
	[Q_COIN] = COIN_FACTS " WHERE c.id = ?1",
	[Q_NEXT_MADE] = COIN_FACTS " WHERE c.tx_id = ?1 AND c.vout > ?2 ORDER BY c.vout LIMIT 1",
	[Q_NEXT_SPENT] = "SELECT i.n, c.id FROM onchain_input AS i JOIN onchain_tx AS p ON p.txid = i.prev_txid"
			 " JOIN onchain_coin AS c ON c.tx_id = p.id AND c.vout = i.prev_vout"
			 " WHERE i.tx_id = ?1 AND i.n > ?2 ORDER BY i.n LIMIT 1",
	[Q_SAVE_COIN] = "UPDATE onchain_coin SET state = ?2, spent_by = ?3 WHERE id = ?1",
	[Q_NEXT_TX] = TX_FACTS " WHERE id > ?1 ORDER BY id LIMIT 1",
	[Q_NEXT_COIN] = COIN_FACTS " WHERE c.id > ?1 ORDER BY c.id LIMIT 1",
};
const struct query_set settle_queries = { "settle", sql, Q_COUNT };

/* --- the rule --- */

const char *utxo_state_name(enum utxo_state s)
{
	switch (s) {
	case UTXO_SPENDABLE:
		return "spendable";
	case UTXO_LOCKED:
		return "locked";
	case UTXO_PENDING:
		return "pending";
	case UTXO_IMMATURE:
		return "immature";
	case UTXO_SPENT:
		return "spent";
	case UTXO_ABSENT:
		return "absent";
	case UTXO_WAITING:
		return "waiting";
	}
	return "unknown";
}

enum account utxo_account(enum utxo_state s)
{
	switch (s) {
	case UTXO_SPENDABLE:
		return ACCOUNT_SPENDABLE;
	case UTXO_LOCKED:
	case UTXO_WAITING:
		return ACCOUNT_LOCKED;
	case UTXO_PENDING:
	case UTXO_IMMATURE:
		return ACCOUNT_PENDING;
	case UTXO_SPENT:
	case UTXO_ABSENT:
		return ACCOUNT_OUTSIDE;
	}
	abort();
}

struct coin_facts {
	int64_t id, vout;
	struct sat value;
	enum utxo_state state; /* as stored, with spent_by */
	int64_t spent_by;
	bool held;
	/* of the transaction that makes it */
	enum tx_place place;
	enum tx_trust trusted;
	bool coinbase;
	uint32_t height;
	int64_t spender; /* 0: nothing that counts */
};

static bool is_live(enum tx_place place)
{
	return place == TX_PENDING || place == TX_CONFIRMED;
}

/* BIP30's successor of a rule: an output of a coinbase at height h may be spent in block h + 100. */
static bool is_mature(const struct settle *s, uint32_t height)
{
	return s->has_tip && s->tip >= height && s->tip - height + 1 >= COINBASE_MATURITY;
}

static enum utxo_state state_of(const struct settle *s, const struct coin_facts *c)
{
	if (!is_live(c->place))
		return UTXO_ABSENT;
	if (c->spender != 0)
		return UTXO_SPENT;
	if (c->place == TX_PENDING && c->trusted == TRUST_NONE)
		return UTXO_PENDING;
	if (c->place == TX_PENDING && c->trusted == TRUST_WAIT)
		return UTXO_WAITING;
	if (c->coinbase && !is_mature(s, c->height))
		return UTXO_IMMATURE;
	return c->held ? UTXO_LOCKED : UTXO_SPENDABLE;
}

struct tx_facts {
	int64_t id;
	struct txid txid;
	enum tx_place place;
	bool own;
	const char *kind;
	enum tx_trust trust, trusted;
	bool has_fee;
	struct sat fee, booked, value_out;
};

/* What its inputs say. */
struct input_sums {
	uint64_t n, ours;
	struct sat value; /* of ours */
	enum tx_trust trusted;
};

static enum tx_trust trust_less(enum tx_trust a, enum tx_trust b)
{
	return a < b ? a : b;
}

static enum tx_trust trust_of(const struct tx_facts *t, const struct input_sums *in)
{
	switch (t->place) {
	case TX_CONFIRMED:
		return TRUST_SPEND;
	case TX_PENDING:
		return t->own ? trust_less(t->trust, in->trusted) : TRUST_NONE;
	case TX_STORED:
	case TX_OUT:
		return TRUST_NONE;
	}
	abort();
}

/* What the facts make of it, and of its part in the ledger. */
static struct tx_facts tx_as_it_should_be(const struct tx_facts *t, const struct input_sums *in)
{
	struct tx_facts to = *t;
	struct sat fee;

	to.trusted = trust_of(t, in);
	/* Where all that it spends is ours, so is the fee; else what its maker said, or nothing, is known. */
	if (in->n > 0 && in->ours == in->n && sat_sub(in->value, t->value_out, &fee)) {
		to.has_fee = true;
		to.fee = fee;
	}
	to.booked = to.has_fee && is_live(to.place) ? to.fee : (struct sat){ 0 };
	if (!to.own)
		to.kind = in->ours > 0 ? "send" : "receive";
	return to;
}

/* --- reading --- */

static void tx_read(struct arena *a, struct stmt *q, struct tx_facts *ret)
{
	*ret = (struct tx_facts){
		.id = col_i64(q, 0),
		.place = (enum tx_place)col_i64(q, 2),
		.own = col_bool(q, 3),
		.kind = col_text(a, q, 4),
		.trust = (enum tx_trust)col_i64(q, 5),
		.trusted = (enum tx_trust)col_i64(q, 6),
		.has_fee = !col_is_null(q, 7),
		.fee = col_sat(q, 7),
		.booked = col_sat(q, 8),
		.value_out = col_sat(q, 9),
	};
	col_txid(q, 1, &ret->txid);
}

/* The transaction `id`, or with Q_NEXT_TX the one after it: 1, 0, -1. */
static int tx_get(struct view v, struct arena *a, unsigned query, int64_t id, struct tx_facts *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SETTLE, query);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		tx_read(a, q, ret);
	return rc;
}

static int inputs_get(struct view v, int64_t id, struct input_sums *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SETTLE, Q_INPUTS);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = (struct input_sums){
			.n = col_u64(q, 0),
			.ours = col_u64(q, 1),
			.value = col_sat(q, 2),
			.trusted = (enum tx_trust)col_i64(q, 3),
		};
	return rc < 0 ? -1 : 0;
}

static void coin_read(struct stmt *q, struct coin_facts *ret)
{
	*ret = (struct coin_facts){
		.id = col_i64(q, 0),
		.value = col_sat(q, 1),
		.state = (enum utxo_state)col_i64(q, 2),
		.held = !col_is_null(q, 3),
		.spent_by = col_i64(q, 4),
		.vout = col_i64(q, 5),
		.place = (enum tx_place)col_i64(q, 6),
		.trusted = (enum tx_trust)col_i64(q, 7),
		.coinbase = col_bool(q, 8),
		.height = (uint32_t)col_u64(q, 9),
		.spender = col_i64(q, 10),
	};
}

/* By id, the next of a transaction's, or the next of all: 1, 0, -1. */
static int coin_get(struct view v, unsigned query, int64_t id, int64_t after, struct coin_facts *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SETTLE, query);
	int rc;

	bind_i64(q, 1, id);
	if (query == Q_NEXT_MADE)
		bind_i64(q, 2, after);
	rc = stmt_step(q, err);
	if (rc == 1)
		coin_read(q, ret);
	return rc;
}

static int next_spent(struct view v, int64_t tx_id, int64_t *n, int64_t *ret_coin, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SETTLE, Q_NEXT_SPENT);
	int rc;

	bind_i64(q, 1, tx_id);
	bind_i64(q, 2, *n);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*n = col_i64(q, 0);
		*ret_coin = col_i64(q, 1);
	}
	return rc;
}

/* --- settling --- */

static const struct currency unit_sat = { "sat" };

static int tip_of(struct view v, bool *has, uint32_t *ret, struct err *err)
{
	struct block_row tip = { 0 };
	int rc = chain_store_tip(v, &tip, err);

	*has = rc == 1;
	*ret = tip.ref.height;
	return rc < 0 ? -1 : 0;
}

int settle_begin(struct settle *s, struct arena *a, struct unit *u, const char *kind, int64_t now_ms, struct err *err)
{
	*s = (struct settle){
		.u = u,
		.arena = a,
		.m = movement_begin(u, NULL, RAIL_ONCHAIN, kind, 0, unit_sat, now_ms),
	};
	return tip_of(unit_view(u), &s->has_tip, &s->tip, err);
}

void settle_about(struct settle *s, const struct txid *txid, const struct action_id *action, const char *note)
{
	s->m.has_txid = true;
	s->m.txid = *txid;
	s->m.action = *action;
	s->m.note = note;
}

void settle_touch(struct settle *s, int64_t tx_id)
{
	/* Each enters at most once for what is still to be done. */
	for (size_t i = s->done; i < s->n; i++)
		if (s->queue[i] == tx_id)
			return;
	s->queue = rows_room(s->arena, s->queue, s->n, sizeof(*s->queue));
	s->queue[s->n++] = tx_id;
}

int settle_touch_children(struct settle *s, int64_t tx_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(s->u), FAMILY_SETTLE, Q_CHILDREN);
	int rc;

	bind_i64(q, 1, tx_id);
	while ((rc = stmt_step(q, err)) == 1)
		settle_touch(s, col_i64(q, 0));
	return rc;
}

static int shift(struct settle *s, enum account from, enum account to, struct sat v, struct err *err)
{
	struct ecash amount;

	if (!ecash_make(sat_value(v), unit_sat, &amount))
		return ERR(err, ERR_RANGE, "%" PRIu64 " sat cannot be counted", sat_value(v));
	return movement_add(&s->m, from, to, amount, err);
}

static int coin_save(struct settle *s, const struct coin_facts *c, enum utxo_state to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(s->u), FAMILY_SETTLE, Q_SAVE_COIN);

	bind_i64(q, 1, c->id);
	bind_i64(q, 2, to);
	bind_optional(q, 3, to == UTXO_SPENT ? c->spender : 0, 0);
	if (stmt_run(q, err) < 0)
		return -1;
	return shift(s, utxo_account(c->state), utxo_account(to), c->value, err);
}

static int coin_settle(struct settle *s, const struct coin_facts *c, struct err *err)
{
	enum utxo_state to = state_of(s, c);

	if (to == c->state && (to != UTXO_SPENT || c->spender == c->spent_by))
		return 0;
	return coin_save(s, c, to, err);
}

static int settle_coin(struct settle *s, int64_t coin_id, struct err *err)
{
	struct coin_facts c;
	int rc = coin_get(unit_view(s->u), Q_COIN, coin_id, 0, &c, err);

	return rc == 1 ? coin_settle(s, &c, err) : rc;
}

static int settle_made(struct settle *s, int64_t tx_id, struct err *err)
{
	struct coin_facts c = { .vout = -1 };
	int rc;

	while ((rc = coin_get(unit_view(s->u), Q_NEXT_MADE, tx_id, c.vout, &c, err)) == 1)
		if (coin_settle(s, &c, err) != 0)
			return -1;
	return rc;
}

static int settle_spent(struct settle *s, int64_t tx_id, struct err *err)
{
	int64_t n = -1, coin;
	int rc;

	while ((rc = next_spent(unit_view(s->u), tx_id, &n, &coin, err)) == 1)
		if (settle_coin(s, coin, err) != 0)
			return -1;
	return rc;
}

static bool tx_differs(const struct tx_facts *a, const struct tx_facts *b)
{
	return a->trusted != b->trusted || a->has_fee != b->has_fee || (a->has_fee && sat_cmp(a->fee, b->fee) != 0) ||
	       sat_cmp(a->booked, b->booked) != 0 || strcmp(a->kind, b->kind) != 0;
}

static int tx_save(struct settle *s, const struct tx_facts *from, const struct tx_facts *to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(s->u), FAMILY_SETTLE, Q_SAVE);

	bind_i64(q, 1, to->id);
	bind_text(q, 2, to->kind);
	bind_i64(q, 3, to->trusted);
	if (to->has_fee)
		bind_sat(q, 4, to->fee);
	bind_sat(q, 5, to->booked);
	if (stmt_run(q, err) < 0)
		return -1;
	if (shift(s, ACCOUNT_FEES, ACCOUNT_OUTSIDE, from->booked, err) != 0)
		return -1;
	return shift(s, ACCOUNT_OUTSIDE, ACCOUNT_FEES, to->booked, err);
}

static int settle_one(struct settle *s, int64_t tx_id, struct err *err)
{
	struct tx_facts t, to;
	struct input_sums in = { 0 };
	int rc = tx_get(unit_view(s->u), s->arena, Q_TX, tx_id, &t, err);

	if (rc <= 0)
		return rc;
	if (inputs_get(unit_view(s->u), tx_id, &in, err) != 0)
		return -1;
	to = tx_as_it_should_be(&t, &in);
	if (tx_differs(&t, &to) && tx_save(s, &t, &to, err) != 0)
		return -1;
	if (to.trusted != t.trusted && settle_touch_children(s, tx_id, err) != 0)
		return -1;
	if (settle_made(s, tx_id, err) != 0)
		return -1;
	return settle_spent(s, tx_id, err);
}

int settle_run(struct settle *s, struct err *err)
{
	while (s->done < s->n) {
		if (!arena_room(s->arena, s->n * sizeof(*s->queue) * 2 + 256))
			return ERR(err, ERR_RANGE, "more than %zu transactions depend on one another", s->n);
		if (settle_one(s, s->queue[s->done++], err) < 0)
			return -1;
	}
	return 0;
}

int settle_end(struct settle *s, struct err *err)
{
	return settle_run(s, err) != 0 ? -1 : movement_post(&s->m, err);
}

/* --- the audit --- */

static int audit_txs(struct view v, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct tx_facts t = { 0 }, should;
	struct input_sums in = { 0 };
	char text[TXID_TEXT];
	int rc;

	while ((rc = tx_get(v, &a, Q_NEXT_TX, t.id, &t, err)) == 1) {
		if (inputs_get(v, t.id, &in, err) != 0)
			return -1;
		should = tx_as_it_should_be(&t, &in);
		if (tx_differs(&t, &should)) {
			txid_text(&t.txid, text);
			return ERR(err, ERR_INTERNAL, "transaction %s is not what its inputs make of it", text);
		}
		arena_reset(&a);
	}
	return rc;
}

static int audit_coins(struct view v, struct err *err)
{
	struct coin_facts c = { 0 };
	struct settle s = { 0 };
	int rc;

	if (tip_of(v, &s.has_tip, &s.tip, err) != 0)
		return -1;
	while ((rc = coin_get(v, Q_NEXT_COIN, c.id, 0, &c, err)) == 1)
		if (state_of(&s, &c) != c.state || (c.state == UTXO_SPENT && c.spender != c.spent_by))
			return ERR(err, ERR_INTERNAL, "coin %" PRId64 " is %s and should be %s", c.id,
				   utxo_state_name(c.state), utxo_state_name(state_of(&s, &c)));
	return rc;
}

int tx_store_audit(struct view v, struct err *err)
{
	return audit_txs(v, err) != 0 ? -1 : audit_coins(v, err);
}
