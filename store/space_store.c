#include "store/directive_store.h"

#include <inttypes.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

_Static_assert(ORDER_NONE == 0 && ORDER_ACCOUNT == 1 && ORDER_SIGNER == 2, "stored in outbox_nonce_space.ordering");

enum { Q_PUT, Q_GET, Q_LIST, Q_NEXT, Q_TAKE, Q_ADVANCE, Q_PAUSE, Q_COUNT };

#define COLS                                                                                                           \
	"space_id, chain_id, verifying_contract, signer, key_ref, next_nonce, ordering, release_at, halt_on_terminal," \
	" deploy_block, pause_reason, created_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "INSERT INTO outbox_nonce_space (" COLS ")"
		  " VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		  " ON CONFLICT (chain_id, verifying_contract, signer) DO UPDATE SET key_ref = ?4, ordering = ?6,"
		  " release_at = ?7, halt_on_terminal = ?8, deploy_block = ?9 RETURNING space_id",
	[Q_GET] = "SELECT " COLS " FROM outbox_nonce_space WHERE space_id = ?1",
	[Q_LIST] = "SELECT " COLS " FROM outbox_nonce_space ORDER BY space_id",
	[Q_NEXT] = "SELECT next_nonce FROM outbox_nonce_space WHERE space_id = ?1",
	/* Of a counter without room no row is changed. */
	[Q_TAKE] = ("UPDATE outbox_nonce_space SET next_nonce = ?2 + 1"
		    " WHERE space_id = ?1 AND next_nonce = ?2 AND ?2 < 9223372036854775807"),
	[Q_ADVANCE] = "UPDATE outbox_nonce_space SET next_nonce = ?2 WHERE space_id = ?1 AND next_nonce <= ?2",
	[Q_PAUSE] = "UPDATE outbox_nonce_space SET pause_reason = ?2 WHERE space_id = ?1",
};
const struct query_set space_queries = { "space", sql, Q_COUNT };

static int no_space(int64_t id, struct err *err)
{
	return ERR(err, ERR_NOT_FOUND, "there is no nonce space %" PRId64, id);
}

int space_store_put(struct unit *u, const struct space_row *row, int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPACE, Q_PUT);
	int64_t id;

	if (storable(row->chain_id, "the chain's id", err) != 0 ||
	    storable(row->next_nonce, "the first nonce", err) != 0 ||
	    storable(row->deploy_block, "the contract's first block", err) != 0)
		return -1;
	bind_u64(q, 1, row->chain_id);
	bind_address(q, 2, &row->contract);
	bind_address(q, 3, &row->signer);
	bind_text(q, 4, row->key_ref);
	bind_u64(q, 5, row->next_nonce);
	bind_i64(q, 6, row->ordering);
	bind_i64(q, 7, row->release_at);
	bind_bool(q, 8, row->halt_on_terminal);
	bind_u64(q, 9, row->deploy_block);
	bind_text(q, 10, row->paused ? row->pause_reason : NULL);
	bind_i64(q, 11, row->created_at_ms);
	if (stmt_step(q, err) < 0)
		return -1;
	id = col_i64(q, 0);
	if (stmt_run(q, err) < 0)
		return -1;
	*ret_id = id;
	return 0;
}

static void row_read(struct arena *a, struct stmt *q, struct space_row *ret)
{
	*ret = (struct space_row){
		.id = col_i64(q, 0),
		.chain_id = col_u64(q, 1),
		.key_ref = col_text(a, q, 4),
		.next_nonce = col_u64(q, 5),
		.ordering = (enum space_ordering)col_i64(q, 6),
		.release_at = (int)col_i64(q, 7),
		.halt_on_terminal = col_bool(q, 8),
		.deploy_block = col_u64(q, 9),
		.paused = !col_is_null(q, 10),
		.pause_reason = col_text(a, q, 10),
		.created_at_ms = col_i64(q, 11),
	};
	col_address(q, 2, &ret->contract);
	col_address(q, 3, &ret->signer);
}

int space_store_get(struct view v, struct arena *a, int64_t id, struct space_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPACE, Q_GET);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : no_space(id, err);
	row_read(a, q, ret);
	return 0;
}

int space_store_list(struct view v, struct arena *a, struct space_row **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SPACE, Q_LIST);
	struct space_row *rows = NULL;
	size_t got = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		row_read(a, q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

/* Why a change of a space found nothing to change: it is not there, or it has no room for it. */
static int not_changed(struct unit *u, int64_t id, const char *what, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPACE, Q_GET);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : no_space(id, err);
	return ERR(err, ERR_RANGE, "nonce space %" PRId64 ": %s; the next nonce is %" PRIu64, id, what, col_u64(q, 5));
}

static int next_nonce(struct unit *u, int64_t id, uint64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPACE, Q_NEXT);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : no_space(id, err);
	*ret = col_u64(q, 0);
	return 0;
}

/* Two statements: with RETURNING the one would make a table for its row each time, which costs three times as much.  A
 * unit holds the file, so that nobody comes between them. */
int space_store_take_nonce(struct unit *u, int64_t id, uint64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPACE, Q_TAKE);
	uint64_t nonce;
	int changed;

	if (next_nonce(u, id, &nonce, err) != 0)
		return -1;
	bind_i64(q, 1, id);
	bind_u64(q, 2, nonce);
	changed = stmt_run(q, err);
	if (changed == 0)
		return not_changed(u, id, "its nonces are used up", err);
	if (changed < 0)
		return -1;
	*ret = nonce;
	return 0;
}

int space_store_advance(struct unit *u, int64_t id, uint64_t to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPACE, Q_ADVANCE);
	int changed;

	if (storable(to, "the next nonce", err) != 0)
		return -1;
	bind_i64(q, 1, id);
	bind_u64(q, 2, to);
	changed = stmt_run(q, err);
	if (changed == 0)
		return not_changed(u, id, "its counter is never lowered", err);
	return changed < 0 ? -1 : 0;
}

int space_store_pause(struct unit *u, int64_t id, const char *reason, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SPACE, Q_PAUSE);
	int changed;

	bind_i64(q, 1, id);
	bind_text(q, 2, reason);
	changed = stmt_run(q, err);
	if (changed == 0)
		return no_space(id, err);
	return changed < 0 ? -1 : 0;
}
