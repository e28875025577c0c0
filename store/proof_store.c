#include "store/proof_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(PROOF_SPENDABLE == 1 && PROOF_LOCKED == 2 && PROOF_PENDING == 3 && PROOF_SENT == 4 && PROOF_SPENT == 5 &&
		       PROOF_INVALID == 6,
	       "stored in proof.state");
_Static_assert(sizeof(struct pubkey) == 33, "an array of them is the blob that NAMED takes apart");

enum {
	Q_ADD,
	Q_LOCK,
	Q_MOVE,
	Q_MOVE_SOME,
	Q_REHOLD,
	Q_DROP_PENDING,
	Q_LOCKED_WHERE,
	Q_NEXT_SORT,
	Q_COUNT_SORT,
	Q_OF_SORT,
	Q_NEXT_PURSE,
	Q_EXPIRING,
	Q_COUNT_HELD,
	Q_BY_HOLDER,
	Q_FIND,
	Q_LIST,
	Q_LIST_SPENT,
	Q_COUNT
};

#define COLS                                                                                                           \
	"y, mint_id, keyset_id, unit, amount, secret, c, witness, dleq_e, dleq_s, dleq_r, state, holder, created_by,"  \
	" counter, created_at_ms"

/* The ys of ?1, one after the other in a blob, as a table. */
#define NAMED                                                                                                          \
	"WITH RECURSIVE named (i, y) AS (SELECT 0, substr(?1, 1, 33) UNION ALL SELECT i + 1,"                          \
	" substr(?1, 33 * i + 34, 33) FROM named WHERE 33 * i + 34 <= length(?1)) "

/* One statement each, so that a change sees owner and state as they are at that moment, and says itself what it moved.
 * A state without a holder drops it.  The unary + keeps the planner from walking all of a mint's proofs. */
#define MOVE_SET                                                                                                       \
	"UPDATE proof SET state = ?4, holder = CASE WHEN ?4 IN (2, 3, 4) THEN holder END, updated_at_ms = ?5"          \
	" WHERE holder = ?2 AND state = ?3 AND +mint_id = ?6 AND +unit = ?7"

/* Notes of the keysets that expire by ?1: CROSS, so that the planner begins with those few, and not with all notes. */
#define EXPIRING(holder, index, which)                                                                                 \
	"SELECT k.mint_id, k.unit, k.id, k.final_expiry_s, p.state, " holder ", sum(p.amount)"                         \
	" FROM keyset AS k INDEXED BY keyset_expiry CROSS JOIN proof AS p INDEXED BY " index                           \
	" ON p.mint_id = k.mint_id AND p.unit = k.unit"                                                                \
	" WHERE k.final_expiry_s > 0 AND k.final_expiry_s <= ?1 AND p.keyset_id = k.id AND " which                     \
	" GROUP BY k.mint_id, k.id, p.state, " holder
/* By an index that has all of it: there may be a million. */
#define EXPIRING_SPENDABLE EXPIRING("NULL", "proof_spendable", "p.state = 1")
#define EXPIRING_HELD      EXPIRING("p.holder", "proof_unspent", "p.state <> 5 AND p.state IN (2, 4)")

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO proof (" COLS ", updated_at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16)",
	[Q_LOCK] = NAMED "UPDATE proof SET state = 2, holder = ?2, updated_at_ms = ?3 WHERE y IN (SELECT y FROM named)"
			 " AND +state = 1 AND +mint_id = ?4 AND +unit = ?5"
			 " AND (SELECT count(DISTINCT p.y) FROM named JOIN proof AS p ON p.y = named.y"
			 "      WHERE +p.state = 1 AND +p.mint_id = ?4 AND +p.unit = ?5) = ?6 RETURNING amount",
	[Q_MOVE] = MOVE_SET " RETURNING amount",
	[Q_MOVE_SOME] = NAMED MOVE_SET " AND y IN (SELECT y FROM named) RETURNING amount",
	[Q_REHOLD] = "UPDATE proof SET holder = ?2 WHERE holder = ?1 AND state = ?3",
	[Q_DROP_PENDING] = "DELETE FROM proof WHERE holder = ?1 AND state = 3 AND +mint_id = ?2 AND +unit = ?3"
			   " RETURNING amount",
	[Q_LOCKED_WHERE] = "SELECT mint_id, unit FROM proof WHERE holder = ?1 AND state = 2 LIMIT 1",
	/* From one (keyset, amount) to the next without a look at the notes between: their number does not matter. */
	[Q_NEXT_SORT] = "SELECT keyset_id, amount FROM proof WHERE mint_id = ?1 AND unit = ?2 AND state = 1"
			" AND (keyset_id, amount) > (?3, ?4) ORDER BY keyset_id, amount LIMIT 1",
	[Q_COUNT_SORT] = "SELECT count(*) FROM (SELECT 1 FROM proof WHERE mint_id = ?1 AND unit = ?2 AND state = 1"
			 " AND keyset_id = ?3 AND amount = ?4 LIMIT ?5)",
	[Q_OF_SORT] = "SELECT " COLS " FROM proof WHERE mint_id = ?1 AND unit = ?2 AND state = 1"
		      " AND keyset_id = ?3 AND amount = ?4 ORDER BY y LIMIT ?5",
	[Q_NEXT_PURSE] = "SELECT mint_id, unit FROM proof WHERE state = 1 AND (mint_id, unit) > (?1, ?2)"
			 " ORDER BY mint_id, unit LIMIT 1",
	[Q_EXPIRING] = EXPIRING_SPENDABLE " UNION ALL " EXPIRING_HELD " ORDER BY 4, 1, 3, 5, 6 LIMIT ?2",
	[Q_COUNT_HELD] = "SELECT count(*) FROM proof WHERE holder = ?1 AND state = ?2",
	[Q_BY_HOLDER] = "SELECT " COLS " FROM proof WHERE holder = ?1 AND state = ?2 ORDER BY keyset_id, amount, y",
	[Q_FIND] = "SELECT " COLS " FROM proof WHERE y = ?1",
	/* Through the index that leaves out the spent ones, of which there may be millions. */
	[Q_LIST] = "SELECT " COLS " FROM proof INDEXED BY proof_unspent WHERE state <> 5 AND y > ?1"
		   " AND (?2 = 0 OR mint_id = ?2) AND (?3 = 0 OR state = ?3) ORDER BY y LIMIT ?4",
	[Q_LIST_SPENT] = "SELECT " COLS " FROM proof WHERE +state = ?3 AND y > ?1 AND (?2 = 0 OR mint_id = ?2)"
			 " ORDER BY y LIMIT ?4",
};
const struct query_set proof_queries = { "proof", sql, Q_COUNT };

const char *proof_state_name(enum proof_state s)
{
	switch (s) {
	case PROOF_SPENDABLE:
		return "spendable";
	case PROOF_LOCKED:
		return "locked";
	case PROOF_PENDING:
		return "pending";
	case PROOF_SENT:
		return "sent";
	case PROOF_SPENT:
		return "spent";
	case PROOF_INVALID:
		return "invalid";
	}
	return "unknown";
}

enum account proof_account(enum proof_state s)
{
	switch (s) {
	case PROOF_SPENDABLE:
		return ACCOUNT_SPENDABLE;
	case PROOF_LOCKED:
		return ACCOUNT_LOCKED;
	case PROOF_PENDING:
		return ACCOUNT_PENDING;
	case PROOF_SENT:
		return ACCOUNT_SENT;
	case PROOF_SPENT:
		return ACCOUNT_OUTSIDE;
	case PROOF_INVALID:
		return ACCOUNT_INVALID;
	}
	abort();
}

/* Does a proof in this state have a holder? */
static bool state_is_held(enum proof_state s)
{
	return s == PROOF_LOCKED || s == PROOF_PENDING || s == PROOF_SENT;
}

static void bind_secret(struct stmt *q, int i, bool present, const struct secret *s)
{
	if (present)
		bind_blob(q, i, (struct bytes){ s->b, sizeof(s->b) });
}

static int add_one(const struct movement *m, const struct proof *p, enum proof_state state,
		   const struct action_id *holder, int64_t counter, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_PROOF, Q_ADD);

	bind_pubkey(q, 1, &p->y);
	bind_i64(q, 2, m->mint_id);
	bind_text(q, 3, p->keyset.s);
	bind_text(q, 4, m->unit.s);
	bind_u64(q, 5, p->amount);
	bind_text(q, 6, p->secret);
	bind_pubkey(q, 7, &p->c);
	bind_text(q, 8, p->witness);
	bind_secret(q, 9, p->dleq.present, &p->dleq.e);
	bind_secret(q, 10, p->dleq.present, &p->dleq.s);
	bind_secret(q, 11, p->dleq.present && p->dleq.has_r, &p->dleq.r);
	bind_i64(q, 12, state);
	bind_action_id(q, 13, state_is_held(state) ? holder : NULL);
	bind_action_id(q, 14, &m->action);
	bind_i64(q, 15, counter);
	bind_i64(q, 16, m->at_ms);
	/* Plain INSERT: a proof that was spent must not come back to life. */
	return stmt_insert(q, ERR_EXISTS, "this proof", err);
}

int proof_store_add(struct movement *m, const struct proof *proofs, size_t n, enum proof_state state,
		    const struct action_id *holder, enum account from, const int64_t *counters, struct err *err)
{
	struct ecash sum = ecash_zero(m->unit), amount;

	assert(state == PROOF_SPENDABLE || state == PROOF_LOCKED || state == PROOF_PENDING);
	for (size_t i = 0; i < n; i++) {
		if (proofs[i].amount == 0 || !ecash_make(proofs[i].amount, m->unit, &amount) ||
		    !ecash_add(sum, amount, &sum))
			return ERR(err, ERR_RANGE, "a proof of %" PRIu64 " %s cannot be counted", proofs[i].amount,
				   m->unit.s);
		if (add_one(m, &proofs[i], state, holder, counters ? counters[i] : -1, err) != 0)
			return -1;
	}
	return movement_add(m, from, proof_account(state), sum, err);
}

/* Runs a statement that returns the amount of each proof that it changed. */
static int run_sum(struct stmt *q, struct currency unit, size_t *ret_n, struct ecash *ret, struct err *err)
{
	struct ecash sum = ecash_zero(unit), amount;
	size_t n = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		if (!ecash_make(col_u64(q, 0), unit, &amount) || !ecash_add(sum, amount, &sum))
			return ERR(err, ERR_RANGE, "more %s than can be counted", unit.s);
		n++;
	}
	if (rc < 0)
		return -1;
	*ret_n = n;
	*ret = sum;
	return 0;
}

int proof_store_lock(struct movement *m, const struct pubkey *ys, size_t n, const struct action_id *holder,
		     struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_PROOF, Q_LOCK);
	struct ecash sum;
	size_t locked;

	assert(!action_id_is_empty(holder));
	if (n == 0)
		return 0;
	bind_blob(q, 1, (struct bytes){ ys->b, n * sizeof(*ys) });
	bind_action_id(q, 2, holder);
	bind_i64(q, 3, m->at_ms);
	bind_i64(q, 4, m->mint_id);
	bind_text(q, 5, m->unit.s);
	bind_u64(q, 6, n);
	if (run_sum(q, m->unit, &locked, &sum, err) != 0)
		return -1;
	if (locked != n)
		return ERR(err, ERR_CONFLICT, "not all of %zu proofs are spendable", n);
	return movement_add(m, ACCOUNT_SPENDABLE, ACCOUNT_LOCKED, sum, err);
}

static int move(struct movement *m, unsigned query, const struct action_id *holder, struct bytes ys,
		enum proof_state from, enum proof_state to, enum account account, struct ecash *ret_sum,
		struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_PROOF, query);
	struct ecash sum;
	size_t moved;

	assert(!action_id_is_empty(holder) && state_is_held(from));
	if (ys.n > 0)
		bind_blob(q, 1, ys);
	bind_action_id(q, 2, holder);
	bind_i64(q, 3, from);
	bind_i64(q, 4, to);
	bind_i64(q, 5, m->at_ms);
	bind_i64(q, 6, m->mint_id);
	bind_text(q, 7, m->unit.s);
	if (run_sum(q, m->unit, &moved, &sum, err) != 0)
		return -1;
	if (movement_add(m, proof_account(from), to == PROOF_SPENT ? account : proof_account(to), sum, err) != 0)
		return -1;
	if (ret_sum)
		*ret_sum = sum;
	return 0;
}

int proof_store_move(struct movement *m, const struct action_id *holder, enum proof_state from, enum proof_state to,
		     enum account account, struct ecash *ret_sum, struct err *err)
{
	return move(m, Q_MOVE, holder, (struct bytes){ 0 }, from, to, account, ret_sum, err);
}

int proof_store_move_some(struct movement *m, const struct action_id *holder, const struct pubkey *ys, size_t n,
			  enum proof_state from, enum proof_state to, enum account account, struct ecash *ret_sum,
			  struct err *err)
{
	struct bytes named = { n ? ys->b : NULL, n * sizeof(*ys) };

	/* No blob is no name: the statement then finds nothing. */
	return move(m, Q_MOVE_SOME, holder, named, from, to, account, ret_sum, err);
}

int proof_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to, enum proof_state state,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_PROOF, Q_REHOLD);

	assert(!action_id_is_empty(from) && !action_id_is_empty(to) && state_is_held(state));
	bind_action_id(q, 1, from);
	bind_action_id(q, 2, to);
	bind_i64(q, 3, state);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int proof_store_drop_pending(struct movement *m, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(m->unit_of_work), FAMILY_PROOF, Q_DROP_PENDING);
	struct ecash sum;
	size_t dropped;

	assert(!action_id_is_empty(holder));
	bind_action_id(q, 1, holder);
	bind_i64(q, 2, m->mint_id);
	bind_text(q, 3, m->unit.s);
	if (run_sum(q, m->unit, &dropped, &sum, err) != 0)
		return -1;
	return movement_add(m, ACCOUNT_PENDING, ACCOUNT_OUTSIDE, sum, err);
}

/* A mint and unit in which holder has locked proofs: 1 found, 0 none left, -1. */
static int locked_where(struct unit *u, const struct action_id *holder, int64_t *ret_mint, struct currency *ret_unit,
			struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_PROOF, Q_LOCKED_WHERE);
	int rc;

	bind_action_id(q, 1, holder);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*ret_mint = col_i64(q, 0);
		col_currency(q, 1, ret_unit);
	}
	return rc;
}

int proof_store_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err)
{
	struct currency unit;
	int64_t mint_id;
	int rc;

	while ((rc = locked_where(u, holder, &mint_id, &unit, err)) == 1) {
		struct movement m = movement_begin(u, holder, RAIL_ECASH, "release", mint_id, unit, now_ms);

		if (proof_store_move(&m, holder, PROOF_LOCKED, PROOF_SPENDABLE, ACCOUNT_SPENDABLE, NULL, err) != 0 ||
		    movement_post(&m, err) != 0)
			return -1;
	}
	return rc;
}

/* Readers. */

static void read_secret(struct stmt *q, int i, struct secret *ret)
{
	col_copy(q, i, ret->b, sizeof(ret->b));
}

static void row_read(struct arena *a, struct stmt *q, struct proof_row *ret)
{
	*ret = (struct proof_row){
		.proof = {
			.amount = col_u64(q, 4),
			.secret = col_text(a, q, 5),
			.witness = col_text(a, q, 7),
			.dleq.present = !col_is_null(q, 8),
			.dleq.has_r = !col_is_null(q, 10),
		},
		.mint_id = col_i64(q, 1),
		.state = (enum proof_state)col_i64(q, 11),
		.counter = col_i64(q, 14),
		.created_at_ms = col_i64(q, 15),
	};
	col_pubkey(q, 0, &ret->proof.y);
	col_keyset_id(q, 2, &ret->proof.keyset);
	col_currency(q, 3, &ret->unit);
	col_pubkey(q, 6, &ret->proof.c);
	if (ret->proof.dleq.present) {
		read_secret(q, 8, &ret->proof.dleq.e);
		read_secret(q, 9, &ret->proof.dleq.s);
	}
	if (ret->proof.dleq.has_r)
		read_secret(q, 10, &ret->proof.dleq.r);
	col_action_id(q, 12, &ret->holder);
	col_action_id(q, 13, &ret->created_by);
}

/* The text of one proof, and what the arena needs to align it. */
#define TEXT_ROOM (CASHU_SECRET_MAX + CASHU_WITNESS_MAX + 64)

/* Room for n rows, counted before they are read: an array that grows would need three times the memory, and a purse full
 * of small change is large.  What does not fit is an error, not the end of the process. */
static int rows_make(struct arena *a, size_t n, struct proof_row **ret, struct err *err)
{
	if (!arena_room(a, n * sizeof(**ret)))
		return ERR(err, ERR_RANGE, "%zu proofs are too many to look at once", n);
	*ret = ARENA_ARRAY(a, n, struct proof_row);
	return 0;
}

/* Reads on at rows[*got], up to n in all. */
static int rows_read(struct arena *a, struct stmt *q, struct proof_row *rows, size_t n, size_t *got, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) == 1 && *got < n) {
		if (!arena_room(a, TEXT_ROOM))
			return ERR(err, ERR_RANGE, "%zu proofs are too many to look at once", n);
		row_read(a, q, &rows[(*got)++]);
	}
	return rc < 0 ? -1 : 0;
}

/* Notes that are worth the same to their owner: of one mint, unit, keyset and amount. */
struct sort {
	int64_t mint_id;
	struct currency unit;
	struct keyset_id keyset;
	uint64_t amount;
};

static void bind_sort(struct stmt *q, const struct sort *s)
{
	bind_i64(q, 1, s->mint_id);
	bind_text(q, 2, s->unit.s);
	bind_text(q, 3, s->keyset.s);
	bind_u64(q, 4, s->amount);
}

/* The sort after *s that the mint's spendable proofs have: 1 with *s changed to it, 0 when there is none, -1. */
static int next_sort(struct view v, struct sort *s, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_NEXT_SORT);
	int rc;

	bind_sort(q, s);
	rc = stmt_step(q, err);
	if (rc == 1) {
		col_keyset_id(q, 0, &s->keyset);
		s->amount = col_u64(q, 1);
	}
	return rc;
}

static int count_sort(struct view v, const struct sort *s, unsigned each, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_COUNT_SORT);

	bind_sort(q, s);
	bind_i64(q, 5, each);
	if (stmt_step(q, err) < 0)
		return -1;
	*n += (size_t)col_u64(q, 0);
	return 0;
}

static int read_sort(struct view v, struct arena *a, const struct sort *s, unsigned each, struct proof_row *rows,
		     size_t n, size_t *got, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_OF_SORT);

	bind_sort(q, s);
	bind_i64(q, 5, each);
	return rows_read(a, q, rows, n, got, err);
}

int proof_store_spendable(struct view v, struct arena *a, int64_t mint_id, struct currency unit, unsigned each,
			  struct proof_row **ret, size_t *n, struct err *err)
{
	const struct sort first = { .mint_id = mint_id, .unit = unit };
	struct sort s = first;
	struct proof_row *rows;
	size_t room = 0, got = 0;
	int rc;

	while ((rc = next_sort(v, &s, err)) == 1)
		if (count_sort(v, &s, each, &room, err) != 0)
			return -1;
	if (rc < 0 || rows_make(a, room, &rows, err) != 0)
		return -1;
	s = first;
	while ((rc = next_sort(v, &s, err)) == 1)
		if (read_sort(v, a, &s, each, rows, room, &got, err) != 0)
			return -1;
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int proof_store_sorts(struct view v, struct arena *a, int64_t mint_id, struct currency unit, unsigned each,
		      struct proof_sort **ret, size_t *n, struct err *err)
{
	const struct sort first = { .mint_id = mint_id, .unit = unit };
	struct sort s = first;
	struct proof_sort *sorts;
	size_t room = 0, got = 0;
	int rc;

	while ((rc = next_sort(v, &s, err)) == 1)
		room++;
	if (rc < 0)
		return -1;
	if (!arena_room(a, room * sizeof(*sorts)))
		return ERR(err, ERR_RANGE, "%zu sorts of proofs are too many to look at once", room);
	sorts = ARENA_ARRAY(a, room, struct proof_sort);
	s = first;
	while ((rc = next_sort(v, &s, err)) == 1 && got < room) {
		sorts[got] = (struct proof_sort){ .keyset = s.keyset, .amount = s.amount };
		if (count_sort(v, &s, each, &sorts[got++].n, err) != 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	*ret = sorts;
	*n = got;
	return 0;
}

int proof_store_next_purse(struct view v, int64_t *mint_id, struct currency *unit, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_NEXT_PURSE);
	int rc;

	bind_i64(q, 1, *mint_id);
	bind_text(q, 2, unit->s);
	rc = stmt_step(q, err);
	if (rc == 1) {
		*mint_id = col_i64(q, 0);
		col_currency(q, 1, unit);
	}
	return rc;
}

int proof_store_expiring(struct view v, struct arena *a, int64_t by_s, unsigned limit, struct proof_expiry **ret,
			 size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_EXPIRING);
	struct proof_expiry *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, by_s);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1) {
		struct proof_expiry *row;

		rows = rows_room(a, rows, got, sizeof(*rows));
		row = &rows[got++];
		*row = (struct proof_expiry){
			.mint_id = col_i64(q, 0),
			.final_expiry_s = col_i64(q, 3),
			.state = (enum proof_state)col_i64(q, 4),
			.sum = col_u64(q, 6),
		};
		col_currency(q, 1, &row->unit);
		col_keyset_id(q, 2, &row->keyset);
		col_action_id(q, 5, &row->holder);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int proof_store_by_holder(struct view v, struct arena *a, const struct action_id *holder, enum proof_state state,
			  struct proof_row **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *count = stmt_of(v, FAMILY_PROOF, Q_COUNT_HELD);
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_BY_HOLDER);
	struct proof_row *rows;
	size_t got = 0, room;

	bind_action_id(count, 1, holder);
	bind_i64(count, 2, state);
	bind_action_id(q, 1, holder);
	bind_i64(q, 2, state);
	if (stmt_step(count, err) < 0)
		return -1;
	room = (size_t)col_u64(count, 0);
	if (rows_make(a, room, &rows, err) != 0 || rows_read(a, q, rows, room, &got, err) != 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int proof_store_find(struct view v, struct arena *a, const struct pubkey *y, struct proof_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, Q_FIND);
	int rc;

	bind_pubkey(q, 1, y);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int proof_store_list(struct view v, struct arena *a, const struct proof_query *pq,
		     void (*each)(void *ctx, const struct proof_row *row), void *ctx, struct err *err)
{
	unsigned query = pq->state == PROOF_SPENT ? Q_LIST_SPENT : Q_LIST;
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_PROOF, query);
	int n = 0, rc;

	bind_pubkey(q, 1, &pq->after);
	bind_i64(q, 2, pq->mint_id);
	bind_i64(q, 3, pq->state);
	bind_i64(q, 4, pq->limit);
	while ((rc = stmt_step(q, err)) == 1) {
		struct proof_row row;

		row_read(a, q, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}
