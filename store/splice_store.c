#include "store/splice_store.h"

#include <assert.h>

#include "store/due.h"
#include "store/query_sets.h"
#include "store/splice_internal.h"
#include "store/stmt.h"

_Static_assert(SPLICE_NONE == 0 && SPLICE_IN == 1 && SPLICE_OUT == 2 && SPLICE_BUMP == 3,
	       "stored in splice_intent.kind, splice_intent.active and splice_history.kind");
_Static_assert(SPLICE_WAIT_NONE == 0 && SPLICE_WAIT_PEER_OFFLINE == 1 && SPLICE_WAIT_FOREIGN_SPLICE == 2 &&
		       SPLICE_WAIT_NODE_BUSY == 3 && SPLICE_WAIT_LOW_FUNDS == 4 && SPLICE_WAIT_FEERATE_CAP == 5 &&
		       SPLICE_WAIT_NODE_UNREACHABLE == 6 && SPLICE_WAIT_HTLC_OR_STFU == 7 &&
		       SPLICE_WAIT_PEER_SIGNATURES == 8 && SPLICE_WAIT_CONFIRMATION == 9 && SPLICE_WAITS == 10,
	       "stored in splice_intent.wait");
_Static_assert(SPLICE_FINE == 0 && SPLICE_DISCONNECT == 1 && SPLICE_UNKNOWN == 2 && SPLICE_STALE == 3 &&
		       SPLICE_FEE_LOW == 4 && SPLICE_PEER_ABORT == 5 && SPLICE_PROTO_ERR == 6 &&
		       SPLICE_CANCELLED == 7 && SPLICE_CLOSING == 8 && SPLICE_NO_RBF == 9 && SPLICE_EXHAUSTED == 10 &&
		       SPLICE_INVALID == 11 && SPLICE_CLASSES == 12,
	       "stored in splice_intent.fail_class and splice_history.fail_class");

enum { Q_ADD, Q_SAVE, Q_END, Q_GET, Q_OF_CHANNEL, Q_OF_ACTION, Q_LIST, Q_LIST_AFTER, Q_COUNT };

#define COLS                                                                                                           \
	"id, action_id, bump_action_id, version, channel_id, alt_ref, peer, base_txid, base_vout, base_capacity,"      \
	" base_local_msat, kind, active, bump_of_round, amount, everything, feerate, max_feerate, max_fee,"            \
	" contribution, attempts, disconnects, max_attempts, max_disconnects, deadline_ms, wait, wait_since_ms,"       \
	" fail_class, fail_text, fail_at_ms, cancel_requested, created_at_ms, updated_at_ms"

/* ?n of the first two is the n-th column. */
static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO splice_intent (" COLS ") VALUES (?1, ?2, ?3, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		  " ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26,"
		  " CASE WHEN ?26 = 0 THEN NULL ELSE ?33 END, ?28, substr(?29, 1, 256), ?30, ?31, ?33, ?33)",
	[Q_SAVE] = "UPDATE splice_intent SET bump_action_id = ?3, alt_ref = ?6, base_txid = ?8, base_vout = ?9,"
		   " base_capacity = ?10, base_local_msat = ?11, active = ?13, bump_of_round = ?14, amount = ?15,"
		   " everything = ?16, feerate = ?17, max_feerate = ?18, max_fee = ?19, contribution = ?20,"
		   " attempts = ?21, disconnects = ?22, max_attempts = ?23, max_disconnects = ?24, deadline_ms = ?25,"
		   " wait_since_ms = CASE WHEN ?26 = 0 THEN NULL WHEN ?26 = wait THEN wait_since_ms ELSE ?33 END,"
		   " wait = ?26, fail_class = ?28, fail_text = substr(?29, 1, 256), fail_at_ms = ?30,"
		   " cancel_requested = ?31, updated_at_ms = ?33, version = version + 1 WHERE id = ?1 AND version = ?4",
	[Q_END] = "DELETE FROM splice_intent WHERE id = ?1 AND version = ?2",
	[Q_GET] = "SELECT " COLS " FROM splice_intent WHERE id = ?1",
	[Q_OF_CHANNEL] = "SELECT " COLS " FROM splice_intent WHERE channel_id = ?1",
	[Q_OF_ACTION] = "SELECT " COLS " FROM splice_intent WHERE action_id = ?1 OR bump_action_id = ?1",
	[Q_LIST] = "SELECT " COLS " FROM splice_intent ORDER BY id LIMIT ?1",
	[Q_LIST_AFTER] = "SELECT " COLS " FROM splice_intent WHERE id > ?2 ORDER BY id LIMIT ?1",
};
const struct query_set splice_queries = { "splice", sql, Q_COUNT };

/* --- writing --- */

/* What was asked for, and within what limits. */
static void bind_wish(struct stmt *q, const struct splice_row *row)
{
	bind_text(q, 6, row->alt_ref);
	bind_txid(q, 8, &row->base.txid);
	bind_i64(q, 9, row->base.vout);
	bind_sat(q, 10, row->base_capacity);
	bind_msat(q, 11, row->base_local);
	bind_i64(q, 13, row->active);
	if (row->active == SPLICE_BUMP)
		bind_i64(q, 14, row->bump_of_round);
	if (row->has_amount)
		bind_sat(q, 15, row->amount);
	bind_bool(q, 16, row->everything);
	if (row->has_rate)
		bind_feerate(q, 17, row->rate);
	bind_feerate(q, 18, row->max_rate);
	if (row->has_max_fee)
		bind_sat(q, 19, row->max_fee);
	if (row->contribution.n > 0)
		bind_blob(q, 20, row->contribution);
	bind_i64(q, 21, row->attempts);
	bind_i64(q, 22, row->disconnects);
	bind_i64(q, 23, row->max_attempts);
	bind_i64(q, 24, row->max_disconnects);
	bind_optional(q, 25, row->deadline_ms, 0);
}

static void bind_row(struct stmt *q, const struct splice_row *row, int64_t now_ms)
{
	bind_hash32(q, 1, &row->id);
	bind_action_id(q, 3, &row->bump_action);
	bind_wish(q, row);
	bind_i64(q, 26, row->wait);
	bind_i64(q, 28, row->fail_class);
	bind_text(q, 29, row->fail_text);
	if (row->fail_class != SPLICE_FINE)
		bind_i64(q, 30, row->fail_at_ms);
	bind_bool(q, 31, row->cancel_requested);
	bind_i64(q, 33, now_ms);
}

int splice_store_add(struct unit *u, const struct splice_row *row, const struct splice_output *out, size_t n_out,
		     int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE, Q_ADD);

	assert(row->contribution.n <= SPLICE_CONTRIBUTION_MAX);
	bind_row(q, row, now_ms);
	bind_action_id(q, 2, &row->action);
	bind_hash32(q, 5, &row->channel);
	bind_pubkey(q, 7, &row->peer);
	bind_i64(q, 12, row->kind);
	if (stmt_insert(q, ERR_EXISTS, "splice of this channel", err) != 0)
		return -1;
	return splice_output_add(u, &row->id, out, n_out, err);
}

int splice_store_save(struct unit *u, const struct splice_row *row, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE, Q_SAVE);

	assert(row->contribution.n <= SPLICE_CONTRIBUTION_MAX);
	bind_row(q, row, now_ms);
	bind_i64(q, 4, row->version);
	return due_version_held(stmt_run(q, err), "splice", err);
}

int splice_store_end(struct unit *u, const struct splice_row *row, const struct splice_end *end, int64_t now_ms,
		     struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPLICE, Q_END);

	bind_hash32(q, 1, &row->id);
	bind_i64(q, 2, row->version);
	if (due_version_held(stmt_run(q, err), "splice", err) != 0)
		return -1;
	return splice_past_add(u, row, end, now_ms, err);
}

/* --- reading --- */

static bool has_room(const struct arena *a, struct stmt *q)
{
	return arena_room(a, col_size(q, 5) + col_size(q, 19) + col_size(q, 28) + 128);
}

static void limits_of(struct stmt *q, struct splice_row *row)
{
	if (row->has_amount)
		row->amount = col_sat(q, 14);
	if (row->has_rate)
		row->rate = col_feerate(q, 16);
	row->max_rate = col_feerate(q, 17);
	if (row->has_max_fee)
		row->max_fee = col_sat(q, 18);
	row->attempts = (uint32_t)col_u64(q, 20);
	row->disconnects = (uint32_t)col_u64(q, 21);
	row->max_attempts = (uint32_t)col_u64(q, 22);
	row->max_disconnects = (uint32_t)col_u64(q, 23);
	row->deadline_ms = col_optional(q, 24, 0);
}

static void row_of(struct stmt *q, struct arena *a, struct splice_row *row)
{
	*row = (struct splice_row){
		.version = col_i64(q, 3),
		.alt_ref = col_text(a, q, 5),
		.base.vout = (uint32_t)col_u64(q, 8),
		.base_capacity = col_sat(q, 9),
		.base_local = col_msat(q, 10),
		.kind = (enum splice_kind)col_i64(q, 11),
		.active = (enum splice_kind)col_i64(q, 12),
		.bump_of_round = (uint32_t)col_optional(q, 13, 0),
		.has_amount = !col_is_null(q, 14),
		.everything = col_bool(q, 15),
		.has_rate = !col_is_null(q, 16),
		.has_max_fee = !col_is_null(q, 18),
		.contribution = col_blob(a, q, 19),
		.wait = (enum splice_wait)col_i64(q, 25),
		.wait_since_ms = col_optional(q, 26, 0),
		.fail_class = (enum splice_class)col_i64(q, 27),
		.fail_text = col_text(a, q, 28),
		.fail_at_ms = col_optional(q, 29, 0),
		.cancel_requested = col_bool(q, 30),
		.created_at_ms = col_i64(q, 31),
		.updated_at_ms = col_i64(q, 32),
	};
	col_hash32(q, 0, &row->id);
	col_action_id(q, 1, &row->action);
	col_action_id(q, 2, &row->bump_action);
	col_hash32(q, 4, &row->channel);
	col_pubkey(q, 6, &row->peer);
	col_txid(q, 7, &row->base.txid);
	limits_of(q, row);
}

static int one(struct stmt *q, struct arena *a, struct splice_row *ret, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc != 1)
		return rc;
	if (!has_room(a, q))
		return ERR(err, ERR_RANGE, "a splice of %zu bytes", col_size(q, 19));
	row_of(q, a, ret);
	return 1;
}

int splice_store_get(struct view v, struct arena *a, const struct hash32 *id, struct splice_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE, Q_GET);

	bind_hash32(q, 1, id);
	return one(q, a, ret, err);
}

int splice_store_of_channel(struct view v, struct arena *a, const struct hash32 *channel, struct splice_row *ret,
			    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE, Q_OF_CHANNEL);

	bind_hash32(q, 1, channel);
	return one(q, a, ret, err);
}

int splice_store_of_action(struct view v, struct arena *a, const struct action_id *action, struct splice_row *ret,
			   struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE, Q_OF_ACTION);

	bind_action_id(q, 1, action);
	return one(q, a, ret, err);
}

int splice_store_list(struct view v, struct arena *a, const struct hash32 *after, unsigned limit,
		      void (*each)(void *ctx, const struct splice_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPLICE, after ? Q_LIST_AFTER : Q_LIST);
	int n = 0, rc;

	bind_i64(q, 1, limit);
	if (after)
		bind_hash32(q, 2, after);
	while ((rc = stmt_step(q, err)) == 1 && has_room(a, q)) {
		struct splice_row row;

		row_of(q, a, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}
