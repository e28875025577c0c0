#include "store/vtxo_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/ark_key_store.h"
#include "store/event_store.h"
#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(VTXO_SPENDABLE == 1 && VTXO_LOCKED == 2 && VTXO_SPENT == 3 && VTXO_EXITING == 4 && VTXO_EXITED == 5,
	       "stored in vtxo.state");
_Static_assert(VTXO_STATES == VTXO_EXITED, "the last one");

enum {
	Q_SERVER_ADD,
	Q_SERVER_ID,
	Q_ADD,
	Q_STATE,
	Q_MOVE,
	Q_HELD,
	Q_REHOLD,
	Q_ANCHOR,
	Q_LABEL,
	Q_ALARM,
	Q_FIND,
	Q_GET,
	Q_BYTES,
	Q_LIST_OURS,
	Q_LIST_STATE,
	Q_LIST_ALL,
	Q_EXPIRING,
	Q_SUMS,
	Q_COUNT
};

#define ROWS                                                                                                           \
	"SELECT v.id, v.txid, v.vout, v.amount, v.state, v.holder, v.version, v.key_idx, s.pubkey, s.lost_at_ms,"      \
	" v.policy, v.expiry_height, v.exit_delta, v.depth, v.exit_weight, v.anchor_txid, v.anchor_vout,"              \
	" v.anchor_height, v.anchor_hash, v.spk, v.standard, v.origin, v.label, v.created_at_ms, v.updated_at_ms,"     \
	" v.alarmed"                                                                                                   \
	" FROM vtxo AS v CROSS JOIN ark_server AS s ON s.id = v.server_id"
/* As the index says it that leaves out what is gone. */
#define OURS "v.state NOT IN (3, 5)"

static const char *const sql[Q_COUNT] = {
	[Q_SERVER_ADD] = "INSERT OR IGNORE INTO ark_server (pubkey) VALUES (?1)",
	[Q_SERVER_ID] = "SELECT id FROM ark_server WHERE pubkey = ?1",
	[Q_ADD] =
		"INSERT INTO vtxo (txid, vout, amount, state, holder, version, key_idx, server_id, policy, expiry_height,"
		" exit_delta, depth, exit_weight, anchor_txid, anchor_vout, anchor_height, anchor_hash, spk, bare, genesis,"
		" standard, origin, label, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10,"
		" ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?23)",
	[Q_STATE] = "SELECT id, state, holder, amount FROM vtxo WHERE txid = ?1 AND vout = ?2",
	[Q_MOVE] = "UPDATE vtxo SET state = ?2, holder = ?3, updated_at_ms = ?4, version = version + 1 WHERE id = ?1",
	[Q_HELD] = "SELECT id, txid, vout, amount FROM vtxo WHERE holder = ?1 AND id > ?2 ORDER BY id LIMIT 1",
	[Q_REHOLD] = "UPDATE vtxo SET holder = ?2, version = version + 1 WHERE holder = ?1",
	[Q_ANCHOR] = "UPDATE vtxo SET anchor_height = ?2, anchor_hash = ?3, updated_at_ms = ?4, version = version + 1"
		     " WHERE id = ?1",
	[Q_LABEL] = "UPDATE vtxo SET label = ?2, version = version + 1 WHERE id = ?1",
	[Q_ALARM] = "UPDATE vtxo SET alarmed = 1 WHERE id = ?1 AND alarmed = 0"
		    " RETURNING txid, vout, amount, expiry_height",
	[Q_FIND] = ROWS " WHERE v.txid = ?1 AND v.vout = ?2",
	[Q_GET] = ROWS " WHERE v.id = ?1",
	[Q_BYTES] = "SELECT bare, genesis FROM vtxo WHERE id = ?1",
	[Q_LIST_OURS] = ROWS " WHERE v.id > ?1 AND " OURS " ORDER BY v.id LIMIT ?2",
	[Q_LIST_STATE] = ROWS " WHERE v.id > ?1 AND +v.state = ?3 ORDER BY v.id LIMIT ?2",
	[Q_LIST_ALL] = ROWS " WHERE v.id > ?1 ORDER BY v.id LIMIT ?2",
	[Q_EXPIRING] = ROWS " WHERE v.state IN (1, 2) AND " OURS " AND v.expiry_height <= ?1"
			    " ORDER BY v.expiry_height, v.id LIMIT ?2",
	[Q_SUMS] = "SELECT v.state, count(*), sum(v.amount) FROM vtxo AS v INDEXED BY vtxo_ours WHERE " OURS
		   " GROUP BY v.state",
};
const struct query_set vtxo_queries = { "vtxo", sql, Q_COUNT };

static const struct currency unit_sat = { "sat" };

const char *vtxo_state_name(enum vtxo_state s)
{
	switch (s) {
	case VTXO_SPENDABLE:
		return "spendable";
	case VTXO_LOCKED:
		return "locked";
	case VTXO_SPENT:
		return "spent";
	case VTXO_EXITING:
		return "exiting";
	case VTXO_EXITED:
		return "exited";
	}
	return "unknown";
}

enum account vtxo_account(enum vtxo_state s)
{
	switch (s) {
	case VTXO_SPENDABLE:
		return ACCOUNT_SPENDABLE;
	case VTXO_LOCKED:
		return ACCOUNT_LOCKED;
	case VTXO_EXITING:
		return ACCOUNT_EXITING;
	case VTXO_SPENT:
	case VTXO_EXITED:
		return ACCOUNT_OUTSIDE;
	}
	return ACCOUNT_OUTSIDE;
}

/* --- writers --- */

static int tell(struct unit *u, const char *what, const struct outpoint *at, struct sat amount,
		const struct action_id *action, struct err *err)
{
	char kind[32], subject[OUTPOINT_TEXT], data[128 + ACTION_ID_MAX], by[ACTION_ID_MAX + 3] = "null";

	snprintf(kind, sizeof(kind), "vtxo.%s", what);
	outpoint_text(at, subject);
	if (!action_id_is_empty(action))
		snprintf(by, sizeof(by), "\"%s\"", action->s);
	snprintf(data, sizeof(data), "{\"amount_sat\":%" PRIu64 ",\"holder\":%s}", sat_value(amount), by);
	return event_append(u, kind, subject, data, err);
}

static int add_value(struct movement *m, enum account from, enum account to, struct sat amount, struct err *err)
{
	struct ecash value;

	if (!ecash_make(sat_value(amount), unit_sat, &value))
		return ERR(err, ERR_RANGE, "more sat than can be counted");
	return movement_add(m, from, to, value, err);
}

/* What a step of a VTXO's life starts from. */
struct standing {
	int64_t id;
	enum vtxo_state state;
	struct action_id holder;
	struct sat amount;
};

/* 1 found, 0 not, -1. */
static int standing_of(struct unit *u, const struct outpoint *at, struct standing *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_STATE);
	int rc;

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*ret = (struct standing){
			.id = col_i64(q, 0),
			.state = (enum vtxo_state)col_i64(q, 1),
			.amount = col_sat(q, 3),
		};
		col_action_id(q, 2, &ret->holder);
	}
	return rc;
}

static int must_stand(struct unit *u, const struct outpoint *at, struct standing *ret, struct err *err)
{
	char text[OUTPOINT_TEXT];
	int rc = standing_of(u, at, ret, err);

	if (rc == 1)
		return 0;
	outpoint_text(at, text);
	return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "there is no VTXO %s", text);
}

static int change_state(struct unit *u, int64_t id, enum vtxo_state to, const struct action_id *holder, int64_t now_ms,
			struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_MOVE);

	bind_i64(q, 1, id);
	bind_i64(q, 2, to);
	bind_action_id(q, 3, holder);
	bind_i64(q, 4, now_ms);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static int server_id(struct unit *u, const struct pubkey *key, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *add = stmt_of(unit_view(u), FAMILY_VTXO, Q_SERVER_ADD);
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_SERVER_ID);
	int rc;

	bind_pubkey(add, 1, key);
	if (stmt_run(add, err) < 0)
		return -1;
	bind_pubkey(q, 1, key);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = col_i64(q, 0);
	return rc < 0 ? -1 : 0;
}

static void bind_chain_part(struct stmt *q, const struct vtxo_row *row)
{
	bind_txid(q, 1, &row->point.txid);
	bind_i64(q, 2, row->point.vout);
	bind_sat(q, 3, row->amount);
	bind_txid(q, 13, &row->anchor.txid);
	bind_i64(q, 14, row->anchor.vout);
	if (row->has_anchor_block) {
		bind_i64(q, 15, row->anchor_block.height);
		bind_block_hash(q, 16, &row->anchor_block.hash);
	}
	bind_blob(q, 17, row->script);
}

static int insert_row(struct unit *u, const struct vtxo_add *v, int64_t server, int64_t now_ms, int64_t *ret_id,
		      struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_ADD);
	const struct vtxo_row *row = &v->row;

	bind_chain_part(q, row);
	bind_i64(q, 4, row->state);
	bind_action_id(q, 5, &row->holder);
	bind_i64(q, 6, row->key_index);
	bind_i64(q, 7, server);
	bind_i64(q, 8, row->policy);
	bind_i64(q, 9, row->expiry_height);
	bind_i64(q, 10, row->exit_delta);
	bind_i64(q, 11, row->depth);
	bind_weight(q, 12, row->exit_weight);
	bind_blob(q, 18, v->bare);
	bind_blob(q, 19, v->genesis);
	bind_bool(q, 20, row->standard);
	bind_text(q, 21, row->origin);
	bind_text(q, 22, row->label);
	bind_i64(q, 23, now_ms);
	if (stmt_insert(q, ERR_INTERNAL, "VTXO", err) != 0)
		return -1;
	*ret_id = stmt_last_rowid(q);
	return 0;
}

int vtxo_store_add(struct unit *u, const struct vtxo_add *v, int64_t now_ms, int64_t *ret_id, struct err *err)
{
	const struct vtxo_row *row = &v->row;
	struct movement m = movement_begin(u, &row->holder, RAIL_ARK, row->origin, 0, unit_sat, now_ms);
	struct standing there;
	int64_t server = 0;
	int rc = standing_of(u, &row->point, &there, err);

	assert(row->state == VTXO_SPENDABLE || row->state == VTXO_LOCKED);
	if (rc != 0) {
		if (rc == 1)
			*ret_id = there.id;
		return rc < 0 ? -1 : 0;
	}
	if (ark_key_use(u, row->key_index, err) != 0 || server_id(u, &row->server, &server, err) != 0 ||
	    insert_row(u, v, server, now_ms, ret_id, err) != 0 ||
	    add_value(&m, ACCOUNT_OUTSIDE, vtxo_account(row->state), row->amount, err) != 0 ||
	    movement_post(&m, err) != 0 || tell(u, "added", &row->point, row->amount, &row->holder, err) != 0)
		return -1;
	return 1;
}

static int lock_one(struct movement *m, const struct outpoint *at, const struct action_id *holder, struct err *err)
{
	struct unit *u = m->unit_of_work;
	char text[OUTPOINT_TEXT];
	struct standing is;

	if (must_stand(u, at, &is, err) != 0)
		return -1;
	if (is.state == VTXO_LOCKED && action_id_equal(&is.holder, holder))
		return 0;
	outpoint_text(at, text);
	if (is.state != VTXO_SPENDABLE)
		return ERR(err, ERR_CONFLICT, "the VTXO %s is %s", text, vtxo_state_name(is.state));
	if (change_state(u, is.id, VTXO_LOCKED, holder, m->at_ms, err) != 0 ||
	    add_value(m, ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, is.amount, err) != 0)
		return -1;
	return tell(u, "locked", at, is.amount, holder, err);
}

int vtxo_store_lock(struct unit *u, const struct outpoint *at, size_t n, const struct action_id *holder, int64_t now_ms,
		    struct err *err)
{
	struct movement m = movement_begin(u, holder, RAIL_ARK, "lock", 0, unit_sat, now_ms);

	assert(!action_id_is_empty(holder));
	for (size_t i = 0; i < n; i++)
		if (lock_one(&m, &at[i], holder, err) != 0)
			return -1;
	return movement_post(&m, err);
}

/* The one after `after` that holder holds: 1, 0, -1. */
static int held_after(struct unit *u, const struct action_id *holder, int64_t after, struct standing *ret,
		      struct outpoint *ret_at, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_HELD);
	int rc;

	bind_action_id(q, 1, holder);
	bind_i64(q, 2, after);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*ret = (struct standing){ .id = col_i64(q, 0), .state = VTXO_LOCKED, .amount = col_sat(q, 3) };
		col_txid(q, 1, &ret_at->txid);
		ret_at->vout = (uint32_t)col_u64(q, 2);
	}
	return rc;
}

int vtxo_store_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err)
{
	static const struct action_id nobody = { "" };
	struct movement m = movement_begin(u, holder, RAIL_ARK, "release", 0, unit_sat, now_ms);
	struct standing is = { 0 };
	struct outpoint at;
	int rc;

	assert(!action_id_is_empty(holder));
	while ((rc = held_after(u, holder, is.id, &is, &at, err)) == 1)
		if (change_state(u, is.id, VTXO_SPENDABLE, &nobody, now_ms, err) != 0 ||
		    add_value(&m, ACCOUNT_LOCKED, ACCOUNT_SPENDABLE, is.amount, err) != 0 ||
		    tell(u, "released", &at, is.amount, holder, err) != 0)
			return -1;
	return rc < 0 ? -1 : movement_post(&m, err);
}

int vtxo_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_REHOLD);

	assert(!action_id_is_empty(from) && !action_id_is_empty(to));
	bind_action_id(q, 1, from);
	bind_action_id(q, 2, to);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* May it go there from here? */
static bool leads_to(enum vtxo_state from, enum vtxo_state to)
{
	switch (from) {
	case VTXO_SPENDABLE:
	case VTXO_LOCKED:
		return to == VTXO_SPENT || to == VTXO_EXITING;
	case VTXO_EXITING:
		return to == VTXO_SPENT || to == VTXO_EXITED;
	case VTXO_EXITED:
		return to == VTXO_SPENT || to == VTXO_EXITING;
	case VTXO_SPENT:
		return false;
	}
	return false;
}

/* The value, but for the fee, and the fee: both go the same way. */
static int move_value(struct movement *m, const struct standing *is, const struct vtxo_move *move, struct err *err)
{
	enum account from = vtxo_account(is->state), to = vtxo_account(move->to);
	bool claimed = move->to == VTXO_EXITED, undone = is->state == VTXO_EXITED && move->to == VTXO_EXITING;
	struct sat rest;

	if (!claimed && !undone)
		return add_value(m, from, to, is->amount, err);
	if (!sat_sub(is->amount, move->fee, &rest))
		return ERR(err, ERR_INTERNAL, "the claim of a VTXO costs more than it is worth");
	if (add_value(m, from, to, rest, err) != 0)
		return -1;
	return add_value(m, undone ? ACCOUNT_FEES : from, claimed ? ACCOUNT_FEES : to, move->fee, err);
}

int vtxo_store_move(struct unit *u, const struct outpoint *at, const struct vtxo_move *move, int64_t now_ms,
		    struct err *err)
{
	static const struct action_id nobody = { "" };
	struct movement m = movement_begin(u, &move->action, RAIL_ARK, move->kind, 0, unit_sat, now_ms);
	char text[OUTPOINT_TEXT];
	struct standing is;

	m.has_txid = move->has_txid;
	m.txid = move->txid;
	if (must_stand(u, at, &is, err) != 0)
		return -1;
	if (is.state == move->to)
		return 0;
	outpoint_text(at, text);
	if (!leads_to(is.state, move->to))
		return ERR(err, ERR_CONFLICT, "the VTXO %s is %s", text, vtxo_state_name(is.state));
	if (change_state(u, is.id, move->to, &nobody, now_ms, err) != 0 || move_value(&m, &is, move, err) != 0 ||
	    movement_post(&m, err) != 0)
		return -1;
	return tell(u, vtxo_state_name(move->to), at, is.amount, &move->action, err);
}

int vtxo_store_set_anchor(struct unit *u, int64_t id, const struct block_ref *block, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_ANCHOR);
	int changes;

	bind_i64(q, 1, id);
	bind_i64(q, 2, block->height);
	bind_block_hash(q, 3, &block->hash);
	bind_i64(q, 4, now_ms);
	changes = stmt_run(q, err);
	if (changes == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no VTXO with the number %" PRId64, id);
	return changes < 0 ? -1 : 0;
}

int vtxo_store_set_label(struct unit *u, int64_t id, const char *label, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_LABEL);
	int changes;

	bind_i64(q, 1, id);
	bind_text(q, 2, label);
	changes = stmt_run(q, err);
	if (changes == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no VTXO with the number %" PRId64, id);
	return changes < 0 ? -1 : 0;
}

int vtxo_store_alarm(struct unit *u, int64_t id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_VTXO, Q_ALARM);
	char subject[OUTPOINT_TEXT], data[96];
	struct outpoint at;
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	col_txid(q, 0, &at.txid);
	at.vout = (uint32_t)col_u64(q, 1);
	outpoint_text(&at, subject);
	snprintf(data, sizeof(data), "{\"amount_sat\":%" PRIu64 ",\"expiry_height\":%" PRIu64 "}",
		 sat_value(col_sat(q, 2)), col_u64(q, 3));
	return event_append(u, "exit.deadline", subject, data, err);
}

/* --- readers --- */

static void row_read(struct arena *a, struct stmt *q, struct vtxo_row *ret)
{
	*ret = (struct vtxo_row){
		.id = col_i64(q, 0),
		.point.vout = (uint32_t)col_u64(q, 2),
		.amount = col_sat(q, 3),
		.state = (enum vtxo_state)col_i64(q, 4),
		.version = col_i64(q, 6),
		.key_index = (uint32_t)col_u64(q, 7),
		.server_lost_ms = col_i64(q, 9),
		.policy = (uint8_t)col_u64(q, 10),
		.expiry_height = (uint32_t)col_u64(q, 11),
		.exit_delta = (uint16_t)col_u64(q, 12),
		.depth = (uint16_t)col_u64(q, 13),
		.exit_weight = col_weight(q, 14),
		.anchor.vout = (uint32_t)col_u64(q, 16),
		.has_anchor_block = !col_is_null(q, 17),
		.anchor_block.height = (uint32_t)col_u64(q, 17),
		.script = col_blob(a, q, 19),
		.standard = col_bool(q, 20),
		.origin = col_text(a, q, 21),
		.label = col_text(a, q, 22),
		.created_at_ms = col_i64(q, 23),
		.updated_at_ms = col_i64(q, 24),
		.alarmed = col_bool(q, 25),
	};
	col_txid(q, 1, &ret->point.txid);
	col_action_id(q, 5, &ret->holder);
	col_pubkey(q, 8, &ret->server);
	col_txid(q, 15, &ret->anchor.txid);
	if (ret->has_anchor_block)
		col_block_hash(q, 18, &ret->anchor_block.hash);
}

int vtxo_store_find(struct view v, struct arena *a, const struct outpoint *at, struct vtxo_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_VTXO, Q_FIND);
	int rc;

	bind_txid(q, 1, &at->txid);
	bind_i64(q, 2, at->vout);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int vtxo_store_get(struct view v, struct arena *a, int64_t id, struct vtxo_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_VTXO, Q_GET);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int vtxo_store_bytes(struct view v, struct arena *a, int64_t id, struct bytes *ret_bare, struct bytes *ret_genesis,
		     struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_VTXO, Q_BYTES);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no VTXO with the number %" PRId64, id);
	if (!arena_room(a, col_size(q, 0) + col_size(q, 1) + 64))
		return ERR(err, ERR_RANGE, "a VTXO of %zu bytes is too large here", col_size(q, 0) + col_size(q, 1));
	*ret_bare = col_blob(a, q, 0);
	*ret_genesis = col_blob(a, q, 1);
	return 0;
}

/* As many as the arena has room for. */
static int list_rows(struct arena *a, struct stmt *q, void (*each)(void *ctx, const struct vtxo_row *row), void *ctx,
		     struct err *err)
{
	int n = 0, rc = 0;

	while (arena_room(a, VTXO_ROOM) && (rc = stmt_step(q, err)) == 1) {
		struct vtxo_row row;

		row_read(a, q, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int vtxo_store_list(struct view v, struct arena *a, const struct vtxo_query *vq,
		    void (*each)(void *ctx, const struct vtxo_row *row), void *ctx, struct err *err)
{
	unsigned query = vq->state == 0 ? Q_LIST_OURS : vq->state > 0 ? Q_LIST_STATE : Q_LIST_ALL;
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_VTXO, query);

	bind_i64(q, 1, vq->after);
	bind_i64(q, 2, vq->limit);
	if (query == Q_LIST_STATE)
		bind_i64(q, 3, vq->state);
	return list_rows(a, q, each, ctx, err);
}

int vtxo_store_expiring(struct view v, struct arena *a, uint32_t height, unsigned limit,
			void (*each)(void *ctx, const struct vtxo_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_VTXO, Q_EXPIRING);

	bind_i64(q, 1, height);
	bind_i64(q, 2, limit);
	return list_rows(a, q, each, ctx, err);
}

int vtxo_store_sums(struct view v, struct vtxo_sums *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_VTXO, Q_SUMS);
	struct vtxo_sums sums = { 0 };
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		int64_t state = col_i64(q, 0);

		sums.n[state] = col_u64(q, 1);
		sums.of[state] = col_sat(q, 2);
	}
	if (rc < 0)
		return -1;
	*ret = sums;
	return 0;
}
