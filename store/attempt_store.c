/* What a slot has carried: its signed versions, and the directives in them. */
#include "store/relay_store.h"

#include <assert.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum { Q_ADD, Q_NOTE_SENT, Q_LIST, Q_RAW, Q_ITEM_ADD, Q_ITEM_OUTCOME, Q_ITEM_LIST, Q_HASHES_OF, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO outbox_tx_attempt (tx_hash, tx_id, fill, attempt, raw, max_fee, max_priority_fee,"
		  " gas_limit, first_sent_at_ms, last_sent_at_ms, acknowledged, last_reply, signed_at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, substr(?12, 1, 500), ?13)",
	[Q_NOTE_SENT] = "UPDATE outbox_tx_attempt SET first_sent_at_ms = coalesce(first_sent_at_ms, ?2),"
			" last_sent_at_ms = ?2, last_reply = substr(?3, 1, 500), acknowledged = max(acknowledged, ?4)"
			" WHERE tx_hash = ?1",
	[Q_LIST] = "SELECT tx_hash, tx_id, fill, attempt, max_fee, max_priority_fee, gas_limit, first_sent_at_ms,"
		   " last_sent_at_ms, acknowledged, last_reply, signed_at_ms FROM outbox_tx_attempt"
		   " WHERE tx_id = ?1 ORDER BY fill, attempt",
	[Q_RAW] = "SELECT raw FROM outbox_tx_attempt WHERE tx_hash = ?1",
	[Q_ITEM_ADD] = "INSERT INTO outbox_tx_item (tx_id, fill, position, outbox_seq, outcome)"
		       " VALUES (?1, ?2, ?3, ?4, ?5)",
	[Q_ITEM_OUTCOME] = "UPDATE outbox_tx_item SET outcome = ?4 WHERE tx_id = ?1 AND fill = ?2 AND position = ?3",
	[Q_ITEM_LIST] = "SELECT tx_id, fill, position, outbox_seq, outcome FROM outbox_tx_item"
			" WHERE tx_id = ?1 AND fill = ?2 ORDER BY position",
	[Q_HASHES_OF] = "SELECT a.tx_hash FROM outbox_tx_item AS i CROSS JOIN outbox_tx_attempt AS a"
			" ON a.tx_id = i.tx_id AND a.fill = i.fill WHERE i.outbox_seq = ?1"
			" ORDER BY a.signed_seq DESC LIMIT ?2",
};
const struct query_set attempt_queries = { "attempt", sql, Q_COUNT };

/* --- attempts --- */

int attempt_store_add(struct unit *u, const struct attempt_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ATTEMPT, Q_ADD);

	if (storable(row->gas_limit, "the gas limit", err) != 0)
		return -1;
	bind_hash32(q, 1, &row->hash);
	bind_i64(q, 2, row->tx_id);
	bind_i64(q, 3, row->fill);
	bind_i64(q, 4, row->attempt);
	bind_blob(q, 5, row->raw);
	bind_gas_price(q, 6, row->max_fee);
	bind_gas_price(q, 7, row->max_priority_fee);
	bind_u64(q, 8, row->gas_limit);
	bind_optional(q, 9, row->first_sent_at_ms, 0);
	bind_optional(q, 10, row->last_sent_at_ms, 0);
	bind_bool(q, 11, row->acknowledged);
	bind_text(q, 12, row->last_reply);
	bind_i64(q, 13, row->signed_at_ms);
	return stmt_insert(q, ERR_EXISTS, "this transaction, or this attempt of its slot,", err);
}

int attempt_store_note_sent(struct unit *u, const struct hash32 *hash, int64_t now_ms, const char *reply,
			    bool acknowledged, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ATTEMPT, Q_NOTE_SENT);
	int changed;

	bind_hash32(q, 1, hash);
	bind_i64(q, 2, now_ms);
	bind_text(q, 3, reply);
	bind_bool(q, 4, acknowledged);
	changed = stmt_run(q, err);
	if (changed == 0)
		return ERR(err, ERR_NOT_FOUND, "no transaction of ours has this hash");
	return changed < 0 ? -1 : 0;
}

/* What the copy of an attempt takes beside its text, and room for the array to grow. */
#define COPIES_ROOM 128

static bool attempt_fits(const struct arena *a, struct stmt *q, size_t got)
{
	return arena_room(a, col_size(q, 10) + COPIES_ROOM + (2 * got + ROWS_FIRST) * sizeof(struct attempt_row));
}

static void attempt_read(struct arena *a, struct stmt *q, struct attempt_row *ret)
{
	*ret = (struct attempt_row){
		.tx_id = col_i64(q, 1),
		.fill = (uint32_t)col_i64(q, 2),
		.attempt = (uint32_t)col_i64(q, 3),
		.gas_limit = col_u64(q, 6),
		.first_sent_at_ms = col_optional(q, 7, 0),
		.last_sent_at_ms = col_optional(q, 8, 0),
		.acknowledged = col_bool(q, 9),
		.last_reply = col_text(a, q, 10),
		.signed_at_ms = col_i64(q, 11),
	};
	col_hash32(q, 0, &ret->hash);
	col_gas_price(q, 4, &ret->max_fee);
	col_gas_price(q, 5, &ret->max_priority_fee);
}

int attempt_store_list(struct view v, struct arena *a, int64_t tx_id, struct attempt_row **ret, size_t *n,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ATTEMPT, Q_LIST);
	struct attempt_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, tx_id);
	while ((rc = stmt_step(q, err)) == 1) {
		if (!attempt_fits(a, q, got))
			return ERR(err, ERR_RANGE, "no room for %zu attempts of one slot", got + 1);
		rows = rows_room(a, rows, got, sizeof(*rows));
		attempt_read(a, q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int attempt_store_raw(struct view v, struct arena *a, const struct hash32 *hash, struct bytes *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ATTEMPT, Q_RAW);
	int rc;

	bind_hash32(q, 1, hash);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_NOT_FOUND, "no transaction of ours has this hash");
	if (!arena_room(a, col_size(q, 0) + COPIES_ROOM))
		return ERR(err, ERR_RANGE, "no room for a transaction of %zu bytes", col_size(q, 0));
	*ret = col_blob(a, q, 0);
	return 0;
}

/* --- items --- */

int item_store_add(struct unit *u, const struct item_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ATTEMPT, Q_ITEM_ADD);

	bind_i64(q, 1, row->tx_id);
	bind_i64(q, 2, row->fill);
	bind_i64(q, 3, row->position);
	bind_i64(q, 4, row->seq);
	bind_optional(q, 5, row->outcome, -1);
	return stmt_insert(q, ERR_EXISTS, "this item", err);
}

int item_store_set_outcome(struct unit *u, const struct item_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ATTEMPT, Q_ITEM_OUTCOME);
	int changed;

	bind_i64(q, 1, row->tx_id);
	bind_i64(q, 2, row->fill);
	bind_i64(q, 3, row->position);
	bind_optional(q, 4, row->outcome, -1);
	changed = stmt_run(q, err);
	if (changed == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no such item");
	return changed < 0 ? -1 : 0;
}

int item_store_list(struct view v, struct arena *a, int64_t tx_id, uint32_t fill, struct item_row **ret, size_t *n,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ATTEMPT, Q_ITEM_LIST);
	struct item_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, tx_id);
	bind_i64(q, 2, fill);
	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		rows[got++] = (struct item_row){
			.tx_id = col_i64(q, 0),
			.fill = (uint32_t)col_i64(q, 1),
			.position = (uint32_t)col_i64(q, 2),
			.seq = col_i64(q, 3),
			.outcome = (int)col_optional(q, 4, -1),
		};
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int item_store_hashes_of(struct view v, struct arena *a, int64_t seq, unsigned max, struct hash32 **ret, size_t *n,
			 struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ATTEMPT, Q_HASHES_OF);
	struct hash32 *rows = ARENA_ARRAY(a, max, struct hash32);
	size_t got = 0;
	int rc;

	bind_i64(q, 1, seq);
	bind_i64(q, 2, max);
	while ((rc = stmt_step(q, err)) == 1) {
		assert(got < max);
		col_hash32(q, 0, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}
