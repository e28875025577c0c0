/* How splices ended.  Kept for ever: an id that is asked for years later has an answer. */
#include <assert.h>

#include "store/query_sets.h"
#include "store/splice_internal.h"
#include "store/stmt.h"

_Static_assert(SPLICE_LOCKED == 1 && SPLICE_ABANDONED == 2 && SPLICE_WAS_CANCELLED == 3,
	       "stored in splice_history.outcome");

enum { Q_ADD, Q_GET, Q_LIST, Q_LIST_BEFORE, Q_OF_CHANNEL, Q_OF_CHANNEL_BEFORE, Q_COUNT };

#define COLS                                                                                                           \
	"id, action_id, channel_id, peer, kind, amount, outcome, final_txid, fail_class, fail_text, created_at_ms,"    \
	" closed_at_ms"
#define NEWEST_FIRST " ORDER BY closed_at_ms DESC, id DESC LIMIT ?1"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO splice_history (" COLS ")"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, substr(?10, 1, 256), ?11, ?12)",
	[Q_GET] = "SELECT " COLS " FROM splice_history WHERE id = ?1",
	[Q_LIST] = "SELECT " COLS " FROM splice_history" NEWEST_FIRST,
	[Q_LIST_BEFORE] = "SELECT " COLS " FROM splice_history WHERE (closed_at_ms, id) < (?2, ?3)" NEWEST_FIRST,
	[Q_OF_CHANNEL] = "SELECT " COLS " FROM splice_history WHERE channel_id = ?4" NEWEST_FIRST,
	[Q_OF_CHANNEL_BEFORE] = "SELECT " COLS " FROM splice_history WHERE channel_id = ?4"
				" AND (closed_at_ms, id) < (?2, ?3)" NEWEST_FIRST,
};
const struct query_set splice_past_queries = { "splice_past", sql, Q_COUNT };

int splice_past_add(struct unit *u, const struct splice_row *row, const struct splice_end *end, int64_t now_ms,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE_PAST, Q_ADD);

	assert((end->outcome == SPLICE_LOCKED) == (end->final_txid != NULL));
	bind_hash32(q, 1, &row->id);
	bind_action_id(q, 2, &row->action);
	bind_hash32(q, 3, &row->channel);
	bind_pubkey(q, 4, &row->peer);
	bind_i64(q, 5, row->kind);
	if (row->has_amount)
		bind_sat(q, 6, row->amount);
	bind_i64(q, 7, end->outcome);
	if (end->final_txid)
		bind_txid(q, 8, end->final_txid);
	bind_i64(q, 9, end->why);
	bind_text(q, 10, end->text);
	bind_i64(q, 11, row->created_at_ms);
	bind_i64(q, 12, now_ms);
	return stmt_insert(q, ERR_EXISTS, "end of a splice", err);
}

static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 9) + 64);
}

static void past_of(struct stmt *q, struct arena *a, struct splice_past *p)
{
	*p = (struct splice_past){
		.kind = (enum splice_kind)col_i64(q, 4),
		.has_amount = !col_is_null(q, 5),
		.outcome = (enum splice_outcome)col_i64(q, 6),
		.fail_class = (enum splice_class)col_i64(q, 8),
		.fail_text = col_text(a, q, 9),
		.created_at_ms = col_i64(q, 10),
		.closed_at_ms = col_i64(q, 11),
	};
	col_hash32(q, 0, &p->id);
	col_action_id(q, 1, &p->action);
	col_hash32(q, 2, &p->channel);
	col_pubkey(q, 3, &p->peer);
	if (p->has_amount)
		p->amount = col_sat(q, 5);
	if (p->outcome == SPLICE_LOCKED)
		col_txid(q, 7, &p->final_txid);
}

int splice_store_past(struct view v, struct arena *a, const struct hash32 *id, struct splice_past *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE_PAST, Q_GET);
	int rc;

	bind_hash32(q, 1, id);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "no room for the end of a splice");
	past_of(q, a, ret);
	return 1;
}

static unsigned listing(const struct splice_past_query *query)
{
	if (query->channel)
		return query->before ? Q_OF_CHANNEL_BEFORE : Q_OF_CHANNEL;
	return query->before ? Q_LIST_BEFORE : Q_LIST;
}

int splice_store_history(struct view v, struct arena *a, const struct splice_past_query *query,
			 void (*each)(void *ctx, const struct splice_past *p), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE_PAST, listing(query));
	int n = 0, rc;

	bind_i64(q, 1, query->limit);
	if (query->before) {
		bind_i64(q, 2, query->before->closed_at_ms);
		bind_hash32(q, 3, &query->before->id);
	}
	if (query->channel)
		bind_hash32(q, 4, query->channel);
	while ((rc = stmt_step(q, err)) == 1 && has_room(a, q)) {
		struct splice_past p;

		past_of(q, a, &p);
		each(ctx, &p);
		n++;
	}
	return rc < 0 ? -1 : n;
}
