/* store/directive_row.h - a row of directive_outbox, read.  For the files of store/ only. */
#ifndef STORE_DIRECTIVE_ROW_H
#define STORE_DIRECTIVE_ROW_H

#include "store/directive_store.h"
#include "store/stmt.h"

/* What a statement has to return to be read by the functions below. */
#define DIRECTIVE_COLS                                                                                                 \
	"outbox_seq, directive_id, kind, action_key, space_id, account, signer, nonce, nonce_generation, payload,"     \
	" content_hash, expires_at_ms, order_key, lane, appended_block, delivery_status, holds_order, blocked,"        \
	" attempts, reverted_dry_runs, wake_at_ms, recheck_at_ms, version, reason_class, last_error, tx_id,"           \
	" result_tx_hash, result_block, created_at_ms, updated_at_ms, finished_at_ms"

/* Is there an older holder of its key?  In a statement that changes directive_outbox. */
#define DIRECTIVE_IS_BLOCKED                                                                                           \
	"EXISTS (SELECT 1 FROM directive_outbox AS o INDEXED BY directive_order"                                       \
	" WHERE o.order_key = directive_outbox.order_key AND o.holds_order = 1"                                        \
	" AND o.outbox_seq < directive_outbox.outbox_seq)"

/* How many rows, at most max, a surely has room for.  ERR_RANGE: not even one, and max is not 0. */
MUST_CHECK int directive_rows_fit(const struct arena *a, unsigned max, unsigned *ret, struct err *err);
/* The row that the statement stands on.  ERR_RANGE: it does not fit. */
MUST_CHECK int directive_row_read(struct arena *a, struct stmt *q, struct directive_row *ret, struct err *err);
/* Steps q to its end; its rows, at most room of them, are appended at rows[*n]. */
MUST_CHECK int directive_rows_read(struct arena *a, struct stmt *q, struct directive_row *rows, size_t room, size_t *n,
				   struct err *err);
/* Binds the order key, or null. */
void bind_order_key(struct stmt *q, int i, const uint8_t *key, size_t n);

#endif
