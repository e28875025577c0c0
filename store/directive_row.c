#include "store/directive_row.h"

#include <assert.h>

/* Columns by their place in DIRECTIVE_COLS. */
enum {
	C_SEQ,
	C_ID,
	C_KIND,
	C_ACTION_KEY,
	C_SPACE,
	C_ACCOUNT,
	C_SIGNER,
	C_NONCE,
	C_GENERATION,
	C_PAYLOAD,
	C_CONTENT_HASH,
	C_EXPIRES,
	C_ORDER_KEY,
	C_LANE,
	C_APPENDED_BLOCK,
	C_STATUS,
	C_HOLDS_ORDER,
	C_BLOCKED,
	C_ATTEMPTS,
	C_REVERTED_DRY_RUNS,
	C_WAKE,
	C_RECHECK,
	C_VERSION,
	C_REASON_CLASS,
	C_LAST_ERROR,
	C_TX_ID,
	C_RESULT_HASH,
	C_RESULT_BLOCK,
	C_CREATED,
	C_UPDATED,
	C_FINISHED
};

/* What the copies of one row take beside their bytes: the NULs, and the alignment of each. */
#define COPIES_ROOM 256

static size_t room_of(struct stmt *q)
{
	static const int copied[] = { C_ID, C_KIND, C_ACTION_KEY, C_PAYLOAD, C_REASON_CLASS, C_LAST_ERROR };
	size_t n = COPIES_ROOM;

	for (size_t i = 0; i < ARRAY_LEN(copied); i++)
		n += col_size(q, copied[i]);
	return n;
}

int directive_rows_fit(const struct arena *a, unsigned max, unsigned *ret, struct err *err)
{
	size_t fit = (a->limit - a->used) / DIRECTIVE_ROOM;

	if (fit == 0 && max > 0)
		return ERR(err, ERR_RANGE, "an arena of %zu bytes has no room for a directive", a->limit);
	*ret = fit < max ? (unsigned)fit : max;
	return 0;
}

static void order_key_read(struct stmt *q, struct directive_row *ret)
{
	if (col_is_null(q, C_ORDER_KEY))
		return;
	ret->order_key_n = col_size(q, C_ORDER_KEY);
	assert(ret->order_key_n <= sizeof(ret->order_key));
	col_copy(q, C_ORDER_KEY, ret->order_key, ret->order_key_n);
}

int directive_row_read(struct arena *a, struct stmt *q, struct directive_row *ret, struct err *err)
{
	if (!arena_room(a, room_of(q)))
		return ERR(err, ERR_RANGE, "no room for a directive of %zu bytes", col_size(q, C_PAYLOAD));
	*ret = (struct directive_row){
		.seq = col_i64(q, C_SEQ),
		.id = col_text(a, q, C_ID),
		.kind = col_text(a, q, C_KIND),
		.action_key = col_text(a, q, C_ACTION_KEY),
		.space_id = col_i64(q, C_SPACE),
		.nonce = col_u64(q, C_NONCE),
		.generation = (uint32_t)col_i64(q, C_GENERATION),
		.payload = col_blob(a, q, C_PAYLOAD),
		.expires_at_ms = col_optional(q, C_EXPIRES, -1),
		.lane = col_i64(q, C_LANE),
		.appended_block = col_u64(q, C_APPENDED_BLOCK),
		.status = (enum delivery_status)col_i64(q, C_STATUS),
		.holds_order = col_bool(q, C_HOLDS_ORDER),
		.blocked = col_bool(q, C_BLOCKED),
		.attempts = (uint32_t)col_i64(q, C_ATTEMPTS),
		.reverted_dry_runs = (uint32_t)col_i64(q, C_REVERTED_DRY_RUNS),
		.wake_at_ms = col_optional(q, C_WAKE, DIRECTIVE_NO_WAKE),
		.recheck_at_ms = col_optional(q, C_RECHECK, DIRECTIVE_NO_WAKE),
		.version = col_i64(q, C_VERSION),
		.reason_class = col_text(a, q, C_REASON_CLASS),
		.last_error = col_text(a, q, C_LAST_ERROR),
		.tx_id = col_optional(q, C_TX_ID, 0),
		.has_result = !col_is_null(q, C_RESULT_HASH),
		.created_at_ms = col_i64(q, C_CREATED),
		.updated_at_ms = col_i64(q, C_UPDATED),
		.finished_at_ms = col_optional(q, C_FINISHED, 0),
	};
	col_address(q, C_ACCOUNT, &ret->account);
	col_address(q, C_SIGNER, &ret->signer);
	col_hash32(q, C_CONTENT_HASH, &ret->content_hash);
	order_key_read(q, ret);
	if (ret->has_result) {
		col_hash32(q, C_RESULT_HASH, &ret->result_hash);
		ret->result_block = col_u64(q, C_RESULT_BLOCK);
	}
	return 0;
}

int directive_rows_read(struct arena *a, struct stmt *q, struct directive_row *rows, size_t room, size_t *n,
			struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		assert(*n < room);
		if (directive_row_read(a, q, &rows[*n], err) != 0)
			return -1;
		++*n;
	}
	return rc;
}

void bind_order_key(struct stmt *q, int i, const uint8_t *key, size_t n)
{
	if (n > 0)
		bind_blob(q, i, (struct bytes){ key, n });
	else
		bind_null(q, i);
}
