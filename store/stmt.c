#include "store/stmt.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

static const char *const control_sql[CONTROL_COUNT] = {
	[CONTROL_BEGIN] = "BEGIN IMMEDIATE", [CONTROL_COMMIT] = "COMMIT",
	[CONTROL_ROLLBACK] = "ROLLBACK",     [CONTROL_SAVEPOINT] = "SAVEPOINT unit",
	[CONTROL_RELEASE] = "RELEASE unit",  [CONTROL_ROLLBACK_TO] = "ROLLBACK TO unit",
};

static int prepare(struct store *s, sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK) {
		store_sqlite_error(s, db, "prepare", err);
		return err_context(err, "%.60s", sql);
	}
	return 0;
}

static void name_all(struct store *s, struct conn *c)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		const struct query_set *set = query_sets[f];

		c->stmts[f] = calloc(set->n ? set->n : 1, sizeof(struct stmt));
		if (!c->stmts[f])
			abort();
		for (unsigned i = 0; i < set->n; i++)
			c->stmts[f][i] = (struct stmt){ .store = s, .db = c->db, .sql = set->sql[i] };
	}
}

static int prepare_conn(struct store *s, struct conn *c, struct err *err)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		for (unsigned i = 0; i < query_sets[f]->n; i++)
			if (prepare(s, c->db, query_sets[f]->sql[i], &c->stmts[f][i].raw, err) != 0)
				return err_context(err, "%s", query_sets[f]->name);
	return 0;
}

int store_prepare(struct store *s, bool lazily, struct err *err)
{
	for (unsigned i = 0; i < CONTROL_COUNT; i++)
		if (prepare(s, s->writer.db, control_sql[i], &s->control[i], err) != 0)
			return -1;
	name_all(s, &s->writer);
	name_all(s, &s->reader);
	return lazily ? 0 : prepare_conn(s, &s->writer, err);
}

static void finalize_conn(struct conn *c)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		for (unsigned i = 0; c->stmts[f] && i < query_sets[f]->n; i++)
			sqlite3_finalize(c->stmts[f][i].raw);
		free(c->stmts[f]);
	}
}

void store_finalize_all(struct store *s)
{
	for (unsigned i = 0; i < CONTROL_COUNT; i++)
		sqlite3_finalize(s->control[i]);
	finalize_conn(&s->writer);
	finalize_conn(&s->reader);
}

struct stmt *stmt_of(struct view v, enum family f, unsigned query)
{
	struct conn *c = v.unit ? &v.store->writer : &v.store->reader;
	struct stmt *q = &c->stmts[f][query];

	assert(query < query_sets[f]->n);
	assert(!q->busy); /* the same statement inside its own loop would lose its place */
	q->busy = true;
	if (!q->raw)
		(void)prepare(q->store, q->db, q->sql, &q->raw,
			      &q->store->unprepared); /* a failure is told by stmt_step() */
	return q;
}

void stmt_scope_end(struct stmt **q)
{
	if (!*q)
		return;
	if ((*q)->raw) {
		sqlite3_reset((*q)->raw);
		sqlite3_clear_bindings((*q)->raw);
	}
	(*q)->busy = false;
}

/* Binding fails for a wrong index or lack of memory only: ours, or fatal; and where there is no statement, as its step tells. */
static void bound(const struct stmt *q, int rc)
{
	assert(rc == SQLITE_OK || !q->raw);
}

void bind_i64(struct stmt *q, int i, int64_t v)
{
	bound(q, sqlite3_bind_int64(q->raw, i, v));
}

void bind_u64(struct stmt *q, int i, uint64_t v)
{
	assert(v <= INT64_MAX);
	bind_i64(q, i, (int64_t)v);
}

void bind_bool(struct stmt *q, int i, bool v)
{
	bind_i64(q, i, v ? 1 : 0);
}
void bind_null(struct stmt *q, int i)
{
	bound(q, sqlite3_bind_null(q->raw, i));
}

void bind_text(struct stmt *q, int i, const char *v)
{
	if (v)
		bound(q, sqlite3_bind_text(q->raw, i, v, -1, SQLITE_STATIC));
	else
		bind_null(q, i);
}

void bind_optional(struct stmt *q, int i, int64_t v, int64_t none)
{
	if (v == none)
		bind_null(q, i);
	else
		bind_i64(q, i, v);
}

void bind_blob(struct stmt *q, int i, struct bytes v)
{
	bound(q, sqlite3_bind_blob64(q->raw, i, v.p ? (const void *)v.p : "", v.n, SQLITE_STATIC));
}

void bind_hash32(struct stmt *q, int i, const struct hash32 *v)
{
	bind_blob(q, i, (struct bytes){ v->b, sizeof(v->b) });
}

void bind_txid(struct stmt *q, int i, const struct txid *v)
{
	bind_blob(q, i, (struct bytes){ v->b, sizeof(v->b) });
}

void bind_block_hash(struct stmt *q, int i, const struct block_hash *v)
{
	bind_blob(q, i, (struct bytes){ v->b, sizeof(v->b) });
}

void bind_sat(struct stmt *q, int i, struct sat v)
{
	bind_u64(q, i, sat_value(v));
}

void bind_msat(struct stmt *q, int i, struct msat v)
{
	bind_u64(q, i, msat_value(v));
}

void bind_weight(struct stmt *q, int i, struct weight v)
{
	bind_u64(q, i, v.v);
}

void bind_feerate(struct stmt *q, int i, struct feerate v)
{
	bind_u64(q, i, feerate_sat_per_kwu(v));
}

void bind_address(struct stmt *q, int i, const struct evm_address *v)
{
	bind_blob(q, i, (struct bytes){ v->b, sizeof(v->b) });
}
void bind_gas_price(struct stmt *q, int i, struct gas_price v)
{
	bind_u64(q, i, v.v);
}

void bind_pubkey(struct stmt *q, int i, const struct pubkey *v)
{
	bound(q, sqlite3_bind_blob(q->raw, i, v->b, sizeof(v->b), SQLITE_STATIC));
}

void bind_action_id(struct stmt *q, int i, const struct action_id *v)
{
	bind_text(q, i, v && !action_id_is_empty(v) ? v->s : NULL);
}

/* Why its preparation failed, if it did. */
static bool is_unprepared(const struct stmt *q, struct err *err)
{
	if (q->raw)
		return false;
	*err = q->store->unprepared;
	return true;
}

int stmt_step(struct stmt *q, struct err *err)
{
	int rc;

	if (is_unprepared(q, err))
		return -1;
	rc = sqlite3_step(q->raw);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	store_sqlite_error(q->store, sqlite3_db_handle(q->raw), "statement", err);
	return err_context(err, "%.60s", sqlite3_sql(q->raw));
}

int stmt_run(struct stmt *q, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) == 1)
		;
	return rc < 0 ? -1 : sqlite3_changes(sqlite3_db_handle(q->raw));
}

int stmt_insert(struct stmt *q, enum err_code taken, const char *what, struct err *err)
{
	int rc;

	if (is_unprepared(q, err))
		return -1;
	rc = sqlite3_step(q->raw);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_ROWID)
		return ERR(err, taken, "%s exists already", what);
	store_sqlite_error(q->store, sqlite3_db_handle(q->raw), "insert", err);
	return err_context(err, "%s", what);
}

int64_t stmt_last_rowid(struct stmt *q)
{
	return sqlite3_last_insert_rowid(sqlite3_db_handle(q->raw));
}

int storable(uint64_t v, const char *what, struct err *err)
{
	if (v > INT64_MAX)
		return ERR(err, ERR_RANGE, "%s is %" PRIu64 ", which the store cannot hold", what, v);
	return 0;
}

int64_t col_i64(struct stmt *q, int i)
{
	return sqlite3_column_int64(q->raw, i);
}

uint64_t col_u64(struct stmt *q, int i)
{
	int64_t v = col_i64(q, i);

	assert(v >= 0);
	return (uint64_t)v;
}

bool col_bool(struct stmt *q, int i)
{
	return col_i64(q, i) != 0;
}
bool col_is_null(struct stmt *q, int i)
{
	return sqlite3_column_type(q->raw, i) == SQLITE_NULL;
}

int64_t col_optional(struct stmt *q, int i, int64_t none)
{
	return col_is_null(q, i) ? none : col_i64(q, i);
}

size_t col_size(struct stmt *q, int i)
{
	return (size_t)sqlite3_column_bytes(q->raw, i);
}

const char *col_text(struct arena *a, struct stmt *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q->raw, i);

	return text ? arena_strdup(a, text) : NULL;
}

struct bytes col_blob(struct arena *a, struct stmt *q, int i)
{
	const void *p = sqlite3_column_blob(q->raw, i);
	int n = sqlite3_column_bytes(q->raw, i);

	return arena_bytes(a, (struct bytes){ p, (size_t)n });
}

/* Text of a bounded type: what does not fit was not written by us. */
static void col_bounded(struct stmt *q, int i, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(q->raw, i);
	size_t n = text ? strlen(text) : 0;

	assert(n < size);
	memset(to, 0, size);
	if (text)
		memcpy(to, text, n);
}

void col_copy(struct stmt *q, int i, void *to, size_t n)
{
	assert((size_t)sqlite3_column_bytes(q->raw, i) == n);
	memcpy(to, sqlite3_column_blob(q->raw, i), n);
}

void col_hash32(struct stmt *q, int i, struct hash32 *ret)
{
	col_copy(q, i, ret->b, sizeof(ret->b));
}

void col_txid(struct stmt *q, int i, struct txid *ret)
{
	col_copy(q, i, ret->b, sizeof(ret->b));
}

void col_block_hash(struct stmt *q, int i, struct block_hash *ret)
{
	col_copy(q, i, ret->b, sizeof(ret->b));
}

struct sat col_sat(struct stmt *q, int i)
{
	struct sat v;
	bool fits = sat_from_u64(col_u64(q, i), &v);

	assert(fits);
	return v;
}

struct msat col_msat(struct stmt *q, int i)
{
	struct msat v;
	bool fits = msat_from_u64(col_u64(q, i), &v);

	assert(fits);
	return v;
}

struct weight col_weight(struct stmt *q, int i)
{
	return (struct weight){ col_u64(q, i) };
}

struct feerate col_feerate(struct stmt *q, int i)
{
	struct feerate v;
	bool fits = feerate_from_sat_per_kwu(col_u64(q, i), &v);

	assert(fits);
	return v;
}

void col_address(struct stmt *q, int i, struct evm_address *ret)
{
	col_copy(q, i, ret->b, sizeof(ret->b));
}

void col_gas_price(struct stmt *q, int i, struct gas_price *ret)
{
	bool fits = gas_price_from_u64(col_u64(q, i), ret);

	assert(fits);
}

void col_pubkey(struct stmt *q, int i, struct pubkey *ret)
{
	col_copy(q, i, ret->b, sizeof(ret->b));
}

void col_action_id(struct stmt *q, int i, struct action_id *ret)
{
	col_bounded(q, i, ret->s, sizeof(ret->s));
}
void col_keyset_id(struct stmt *q, int i, struct keyset_id *ret)
{
	col_bounded(q, i, ret->s, sizeof(ret->s));
}
void col_currency(struct stmt *q, int i, struct currency *ret)
{
	col_bounded(q, i, ret->s, sizeof(ret->s));
}

#ifdef WALLETD_TEST_HOOKS
static uint64_t work_of(struct conn *c, enum family f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < query_sets[f]->n; i++)
		if (c->stmts[f][i].raw)
			sum += (uint64_t)sqlite3_stmt_status(c->stmts[f][i].raw, SQLITE_STMTSTATUS_VM_STEP, 1);
	return sum;
}

uint64_t stmt_work_for_test(struct store *s, enum family f)
{
	return work_of(&s->writer, f) + work_of(&s->reader, f);
}
#endif
