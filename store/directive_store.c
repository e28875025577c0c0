#include "store/directive_store.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "store/directive_row.h"
#include "store/query_sets.h"

_Static_assert(DELIVERY_PENDING == 0 && DELIVERY_CLAIMED == 1 && DELIVERY_SUBMITTED == 2 && DELIVERY_INCLUDED == 3 &&
		       DELIVERY_CONFIRMED == 4 && DELIVERY_RETRY == 5 && DELIVERY_REVERTED == 6 &&
		       DELIVERY_DEAD_LETTERED == 7 && DELIVERY_MANUAL == 8 && DELIVERY_COUNT == 9,
	       "stored in directive_outbox.delivery_status, and spelled out in the statements");

enum {
	Q_ADD,
	Q_SAVE,
	Q_BLOCKED,
	Q_SAVE_NONCE,
	Q_BY_ID,
	Q_BY_SEQ,
	Q_SEQS,
	Q_SEQS_OF_ACCOUNT,
	Q_SEQS_OF_STATUSES,
	Q_IF_WANTED,
	Q_TALLY,
	Q_OLDEST_OPEN,
	Q_ELSEWHERE,
	Q_WATCHED,
	Q_TO_RECHECK,
	Q_COUNT
};

#define SELECT "SELECT " DIRECTIVE_COLS " FROM directive_outbox"
/* The numbers of the directives in one status, when the set of bits ?3 has it. */
#define SEQS_OF(s)                                                                                                     \
	"SELECT outbox_seq FROM directive_outbox INDEXED BY directive_status"                                          \
	" WHERE delivery_status = " #s " AND ?3 & (1 << " #s ") AND outbox_seq > ?1"
#define OLDEST_OF(s)                                                                                                   \
	"SELECT min(outbox_seq) AS seq FROM directive_outbox INDEXED BY directive_status WHERE delivery_status = " #s

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO directive_outbox (directive_id, kind, action_key, space_id, account, signer, nonce,"
		  " nonce_generation, payload, content_hash, expires_at_ms, order_key, lane, appended_block,"
		  " delivery_status, holds_order, attempts, reverted_dry_runs, wake_at_ms, recheck_at_ms,"
		  " reason_class, last_error, tx_id, result_tx_hash, result_block, finished_at_ms, created_at_ms,"
		  " updated_at_ms, version, blocked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
		  " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, substr(?22, 1, 500), ?23, ?24, ?25, ?26, ?27, ?27, 1,"
		  " CASE WHEN ?16 THEN EXISTS (SELECT 1 FROM directive_outbox AS o INDEXED BY directive_order"
		  " WHERE o.order_key = ?12 AND o.holds_order = 1) ELSE 0 END)",
	[Q_SAVE] = "UPDATE directive_outbox SET lane = ?3, delivery_status = ?4, holds_order = ?5, attempts = ?6,"
		   " reverted_dry_runs = ?7, wake_at_ms = ?8, recheck_at_ms = ?9, reason_class = ?10,"
		   " last_error = substr(?11, 1, 500), tx_id = ?12, result_tx_hash = ?13, result_block = ?14,"
		   " finished_at_ms = ?15, updated_at_ms = ?16, version = version + 1,"
		   " blocked = CASE WHEN ?5 THEN " DIRECTIVE_IS_BLOCKED " ELSE 0 END"
		   " WHERE outbox_seq = ?1 AND version = ?2",
	/* Apart, too: for RETURNING SQLite makes a table each time, which costs as much as a third of the rest. */
	[Q_BLOCKED] = "SELECT blocked FROM directive_outbox WHERE outbox_seq = ?1",
	/* Apart because it is indexed, and almost never changes: SQLite writes the indexes of every column that an
	 * UPDATE names. */
	[Q_SAVE_NONCE] = "UPDATE directive_outbox SET nonce = ?2, nonce_generation = ?3"
			 " WHERE outbox_seq = ?1 AND (nonce <> ?2 OR nonce_generation <> ?3)",
	[Q_BY_ID] = SELECT " WHERE directive_id = ?1",
	[Q_BY_SEQ] = SELECT " WHERE outbox_seq = ?1",
	/* Where a listing goes along: numbers only, from an index. */
	[Q_SEQS] = "SELECT outbox_seq FROM directive_outbox WHERE outbox_seq > ?1 ORDER BY outbox_seq LIMIT ?2",
	[Q_SEQS_OF_ACCOUNT] = "SELECT outbox_seq FROM directive_outbox INDEXED BY directive_account"
			      " WHERE account = ?3 AND outbox_seq > ?1 ORDER BY outbox_seq LIMIT ?2",
	[Q_SEQS_OF_STATUSES] =
		SEQS_OF(0) " UNION ALL " SEQS_OF(1) " UNION ALL " SEQS_OF(2) " UNION ALL " SEQS_OF(3) " UNION ALL " SEQS_OF(
			4) " UNION ALL " SEQS_OF(5) " UNION ALL " SEQS_OF(6) " UNION ALL " SEQS_OF(7) " UNION ALL " SEQS_OF(8) " ORDER BY outbox_seq LIMIT ?2",
	[Q_IF_WANTED] = SELECT " WHERE outbox_seq = ?1 AND ?2 & (1 << delivery_status)"
			       " AND (?3 IS NULL OR action_key = ?3) AND (?4 IS NULL OR reason_class = ?4)"
			       " AND (?5 IS NULL OR account = ?5) AND (?6 IS NULL OR reason_class IS NOT ?6)",
	/* Added up by the caller: to group them SQLite would sort them first. */
	[Q_TALLY] = "SELECT delivery_status, n FROM outbox_tally WHERE ?1 = 0 OR space_id = ?1",
	[Q_OLDEST_OPEN] =
		"SELECT created_at_ms FROM directive_outbox WHERE outbox_seq = (SELECT min(seq) FROM (" OLDEST_OF(
			0) " UNION ALL " OLDEST_OF(1) " UNION ALL " OLDEST_OF(5) "))",
	[Q_ELSEWHERE] = SELECT " INDEXED BY directive_elsewhere WHERE delivery_status = 3 AND tx_id IS NULL"
			       " AND outbox_seq > ?1 ORDER BY outbox_seq LIMIT ?2",
	[Q_WATCHED] = SELECT " INDEXED BY directive_watched WHERE delivery_status = 4 AND tx_id IS NULL"
			     " AND result_block IS NOT NULL AND space_id = ?3 AND result_block > ?1"
			     " ORDER BY result_block LIMIT ?2",
	[Q_TO_RECHECK] = SELECT " INDEXED BY directive_recheck WHERE recheck_at_ms <= ?1"
				" ORDER BY recheck_at_ms LIMIT ?2",
};
const struct query_set directive_queries = { "directive", sql, Q_COUNT };

static const char *const status_names[DELIVERY_COUNT] = {
	[DELIVERY_PENDING] = "pending",
	[DELIVERY_CLAIMED] = "claimed",
	[DELIVERY_SUBMITTED] = "submitted",
	[DELIVERY_INCLUDED] = "included",
	[DELIVERY_CONFIRMED] = "confirmed",
	[DELIVERY_RETRY] = "failed_retryable",
	[DELIVERY_REVERTED] = "reverted",
	[DELIVERY_DEAD_LETTERED] = "dead_lettered",
	[DELIVERY_MANUAL] = "manual_reconciliation",
};

const char *delivery_status_name(enum delivery_status s)
{
	return s < DELIVERY_COUNT ? status_names[s] : "unknown";
}

bool delivery_status_parse(const char *name, enum delivery_status *ret)
{
	for (unsigned s = 0; s < DELIVERY_COUNT; s++)
		if (strcmp(status_names[s], name) == 0) {
			*ret = (enum delivery_status)s;
			return true;
		}
	return false;
}

/* --- writing --- */

/* Numbers that may have come from a chain. */
static int check_numbers(const struct directive_row *row, struct err *err)
{
	if (storable(row->nonce, "the nonce", err) != 0 || storable(row->appended_block, "the chain's head", err) != 0)
		return -1;
	return storable(row->result_block, "the block of the result", err);
}

static void bind_result(struct stmt *q, int i, const struct directive_row *row)
{
	if (!row->has_result)
		return;
	bind_hash32(q, i, &row->result_hash);
	bind_u64(q, i + 1, row->result_block);
}

int directive_store_add(struct unit *u, const struct directive_row *row, int64_t *ret_seq, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_DIRECTIVE, Q_ADD);

	if (check_numbers(row, err) != 0)
		return -1;
	bind_text(q, 1, row->id);
	bind_text(q, 2, row->kind);
	bind_text(q, 3, row->action_key);
	bind_i64(q, 4, row->space_id);
	bind_address(q, 5, &row->account);
	bind_address(q, 6, &row->signer);
	bind_u64(q, 7, row->nonce);
	bind_i64(q, 8, row->generation);
	bind_blob(q, 9, row->payload);
	bind_hash32(q, 10, &row->content_hash);
	bind_optional(q, 11, row->expires_at_ms, -1);
	bind_order_key(q, 12, row->order_key, row->order_key_n);
	bind_i64(q, 13, row->lane);
	bind_u64(q, 14, row->appended_block);
	bind_i64(q, 15, row->status);
	bind_bool(q, 16, row->holds_order);
	bind_i64(q, 17, row->attempts);
	bind_i64(q, 18, row->reverted_dry_runs);
	bind_optional(q, 19, row->wake_at_ms, DIRECTIVE_NO_WAKE);
	bind_optional(q, 20, row->recheck_at_ms, DIRECTIVE_NO_WAKE);
	bind_text(q, 21, row->reason_class);
	bind_text(q, 22, row->last_error);
	bind_optional(q, 23, row->tx_id, 0);
	bind_result(q, 24, row);
	bind_optional(q, 26, row->finished_at_ms, 0);
	bind_i64(q, 27, row->created_at_ms);
	if (stmt_insert(q, ERR_EXISTS, "this directive, or its nonce,", err) != 0)
		return -1;
	*ret_seq = stmt_last_rowid(q);
	return 0;
}

static int save_state(struct unit *u, const struct directive_row *row, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_DIRECTIVE, Q_SAVE);
	int changed;

	bind_i64(q, 1, row->seq);
	bind_i64(q, 2, row->version);
	bind_i64(q, 3, row->lane);
	bind_i64(q, 4, row->status);
	bind_bool(q, 5, row->holds_order);
	bind_i64(q, 6, row->attempts);
	bind_i64(q, 7, row->reverted_dry_runs);
	bind_optional(q, 8, row->wake_at_ms, DIRECTIVE_NO_WAKE);
	bind_optional(q, 9, row->recheck_at_ms, DIRECTIVE_NO_WAKE);
	bind_text(q, 10, row->reason_class);
	bind_text(q, 11, row->last_error);
	bind_optional(q, 12, row->tx_id, 0);
	bind_result(q, 13, row);
	bind_optional(q, 15, row->finished_at_ms, 0);
	bind_i64(q, 16, now_ms);
	changed = stmt_run(q, err);
	if (changed == 0)
		return ERR(err, ERR_CONFLICT, "directive %s: somebody else advanced it", row->id);
	return changed < 0 ? -1 : 0;
}

/* What the statement above made of it. */
static int is_blocked(struct unit *u, const struct directive_row *row, bool *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_DIRECTIVE, Q_BLOCKED);
	int rc;

	if (!row->holds_order) {
		*ret = false;
		return 0;
	}
	bind_i64(q, 1, row->seq);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_INTERNAL, "directive %s is gone", row->id);
	*ret = col_bool(q, 0);
	return 0;
}

static int save_nonce(struct unit *u, const struct directive_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_DIRECTIVE, Q_SAVE_NONCE);

	bind_i64(q, 1, row->seq);
	bind_u64(q, 2, row->nonce);
	bind_i64(q, 3, row->generation);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int directive_store_save(struct unit *u, struct directive_row *row, int64_t now_ms, struct err *err)
{
	bool blocked;

	if (check_numbers(row, err) != 0 || save_state(u, row, now_ms, err) != 0 ||
	    is_blocked(u, row, &blocked, err) != 0 || save_nonce(u, row, err) != 0)
		return -1;
	row->blocked = blocked;
	row->version++;
	row->updated_at_ms = now_ms;
	return 0;
}

/* --- reading --- */

int directive_store_by_id(struct view v, struct arena *a, const char *id, struct directive_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, Q_BY_ID);
	int rc;

	bind_text(q, 1, id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "no directive has the id %s", id);
	return directive_row_read(a, q, ret, err);
}

int directive_store_by_seq(struct view v, struct arena *a, int64_t seq, struct directive_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, Q_BY_SEQ);
	int rc;

	bind_i64(q, 1, seq);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_NOT_FOUND, "no directive has the number %" PRId64, seq);
	return directive_row_read(a, q, ret, err);
}

/* Of a statement whose first two values are arg and a limit. */
static int rows_of(struct stmt *q, struct arena *a, int64_t arg, unsigned max, struct directive_row **ret, size_t *n,
		   struct err *err)
{
	struct directive_row *rows;
	size_t got = 0;
	unsigned fit;

	if (directive_rows_fit(a, max, &fit, err) != 0)
		return -1;
	rows = ARENA_ARRAY(a, fit, struct directive_row);
	bind_i64(q, 1, arg);
	bind_i64(q, 2, fit);
	if (directive_rows_read(a, q, rows, fit, &got, err) != 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

static int rows_up_to(struct view v, struct arena *a, unsigned query, int64_t arg, unsigned max,
		      struct directive_row **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, query);

	return rows_of(q, a, arg, max, ret, n, err);
}

int directive_store_included_elsewhere(struct view v, struct arena *a, int64_t after, unsigned max,
				       struct directive_row **ret, size_t *n, struct err *err)
{
	return rows_up_to(v, a, Q_ELSEWHERE, after, max, ret, n, err);
}

int directive_store_confirmed_elsewhere(struct view v, struct arena *a, int64_t space_id, uint64_t after_block,
					unsigned max, struct directive_row **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, Q_WATCHED);

	if (storable(after_block, "block", err) != 0)
		return -1;
	bind_i64(q, 3, space_id);
	return rows_of(q, a, (int64_t)after_block, max, ret, n, err);
}

int directive_store_to_recheck(struct view v, struct arena *a, int64_t now_ms, unsigned max, struct directive_row **ret,
			       size_t *n, struct err *err)
{
	return rows_up_to(v, a, Q_TO_RECHECK, now_ms, max, ret, n, err);
}

int directive_store_tally(struct view v, int64_t space_id, uint64_t ret[DELIVERY_COUNT], struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, Q_TALLY);
	uint64_t tally[DELIVERY_COUNT] = { 0 };
	int rc;

	bind_i64(q, 1, space_id);
	while ((rc = stmt_step(q, err)) == 1) {
		int64_t status = col_i64(q, 0);

		assert(status >= 0 && status < DELIVERY_COUNT);
		tally[status] += col_u64(q, 1);
	}
	if (rc < 0)
		return -1;
	memcpy(ret, tally, sizeof(tally));
	return 0;
}

int directive_store_oldest_open(struct view v, int64_t *ret_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, Q_OLDEST_OPEN);
	int rc = stmt_step(q, err);

	if (rc < 0)
		return -1;
	*ret_ms = rc == 1 ? col_i64(q, 0) : 0;
	return 0;
}

/* --- listing --- */

#define LOOKS_MAX 10000

static unsigned status_bits(const struct directive_query *dq)
{
	unsigned bits = 0;

	for (size_t i = 0; i < dq->n_statuses; i++)
		bits |= 1u << dq->statuses[i];
	return dq->statuses ? bits : (1u << DELIVERY_COUNT) - 1;
}

/* 1 with *ret when this one is wanted, 0 when not, -1. */
static int read_if_wanted(struct view v, struct arena *a, const struct directive_query *dq, int64_t seq,
			  struct directive_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, Q_IF_WANTED);
	int rc;

	bind_i64(q, 1, seq);
	bind_i64(q, 2, status_bits(dq));
	bind_text(q, 3, dq->action_key);
	bind_text(q, 4, dq->reason_class);
	if (dq->account)
		bind_address(q, 5, dq->account);
	bind_text(q, 6, dq->not_reason);
	rc = stmt_step(q, err);
	if (rc == 1 && directive_row_read(a, q, ret, err) != 0)
		return -1;
	return rc;
}

/* The numbers that a listing looks at, by the index that leaves out most. */
static struct stmt *walk_begin(struct view v, const struct directive_query *dq)
{
	unsigned query = dq->account ? Q_SEQS_OF_ACCOUNT : dq->statuses ? Q_SEQS_OF_STATUSES : Q_SEQS;
	struct stmt *q = stmt_of(v, FAMILY_DIRECTIVE, query);

	bind_i64(q, 1, dq->after_seq);
	bind_i64(q, 2, LOOKS_MAX + 1);
	if (dq->account)
		bind_address(q, 3, dq->account);
	else if (dq->statuses)
		bind_i64(q, 3, status_bits(dq));
	return q;
}

int directive_store_list(struct view v, struct arena *a, const struct directive_query *dq,
			 void (*each)(void *ctx, const struct directive_row *row), void *ctx, int64_t *ret_cursor,
			 struct err *err)
{
	SCOPED(stmt) struct stmt *walk = walk_begin(v, dq);
	int64_t at = dq->after_seq;
	unsigned looked = 0;
	int n = 0, rc;

	while ((rc = stmt_step(walk, err)) == 1 && looked < LOOKS_MAX && (unsigned)n < dq->limit) {
		int64_t seq = col_i64(walk, 0);
		struct directive_row row;
		int is_wanted = read_if_wanted(v, a, dq, seq, &row, err);

		if (is_wanted < 0 && n > 0 && err->code == ERR_RANGE)
			break; /* the arena is full: what was given is a page */
		if (is_wanted < 0)
			return -1;
		at = seq;
		looked++;
		if (is_wanted) {
			each(ctx, &row);
			n++;
		}
	}
	if (rc < 0)
		return -1;
	*ret_cursor = rc == 1 ? at : 0;
	return n;
}
