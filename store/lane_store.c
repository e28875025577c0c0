#include "store/relay_store.h"

#include <inttypes.h>

#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum { Q_PUT, Q_GET, Q_LIST, Q_SET_ACTIVE, Q_PAUSE, Q_RAISE, Q_COUNT };

#define COLS                                                                                                           \
	"lane, chain_id, relayer, key_ref, next_tx_nonce, synced, active, pause_reason, anomaly_at_ms, created_at_ms"

static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "INSERT INTO outbox_lane (" COLS ") VALUES (NULL, ?1, ?2, ?3, 0, 0, 1, NULL, 0, ?4)"
		  " ON CONFLICT (chain_id, relayer) DO UPDATE SET key_ref = ?3, active = 1 RETURNING lane",
	[Q_GET] = "SELECT " COLS " FROM outbox_lane WHERE lane = ?1",
	[Q_LIST] = "SELECT " COLS " FROM outbox_lane WHERE ?1 = 0 OR chain_id = ?1 ORDER BY lane",
	[Q_SET_ACTIVE] = "UPDATE outbox_lane SET active = ?2 WHERE lane = ?1",
	[Q_PAUSE] = "UPDATE outbox_lane SET pause_reason = ?2 WHERE lane = ?1",
	[Q_RAISE] = ("UPDATE outbox_lane SET synced = 1, next_tx_nonce = max(next_tx_nonce, ?2),"
		     " anomaly_at_ms = max(anomaly_at_ms, ?3) WHERE lane = ?1"),
};
const struct query_set lane_queries = { "lane", sql, Q_COUNT };

int lane_store_put(struct unit *u, uint64_t chain_id, const struct evm_address *relayer, const char *key_ref,
		   int64_t now_ms, int64_t *ret_lane, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_LANE, Q_PUT);
	int64_t lane;

	if (storable(chain_id, "the chain's id", err) != 0)
		return -1;
	bind_u64(q, 1, chain_id);
	bind_address(q, 2, relayer);
	bind_text(q, 3, key_ref);
	bind_i64(q, 4, now_ms);
	if (stmt_step(q, err) < 0)
		return -1;
	lane = col_i64(q, 0);
	if (stmt_run(q, err) < 0)
		return -1;
	*ret_lane = lane;
	return 0;
}

static void row_read(struct arena *a, struct stmt *q, struct lane_row *ret)
{
	*ret = (struct lane_row){
		.lane = col_i64(q, 0),
		.chain_id = col_u64(q, 1),
		.key_ref = col_text(a, q, 3),
		.next_tx_nonce = col_u64(q, 4),
		.synced = col_bool(q, 5),
		.active = col_bool(q, 6),
		.paused = !col_is_null(q, 7),
		.pause_reason = col_text(a, q, 7),
		.anomaly_at_ms = col_i64(q, 8),
		.created_at_ms = col_i64(q, 9),
	};
	col_address(q, 2, &ret->relayer);
}

static int no_lane(int64_t lane, struct err *err)
{
	return ERR(err, ERR_NOT_FOUND, "there is no lane %" PRId64, lane);
}

int lane_store_get(struct view v, struct arena *a, int64_t lane, struct lane_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_LANE, Q_GET);
	int rc;

	bind_i64(q, 1, lane);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : no_lane(lane, err);
	row_read(a, q, ret);
	return 0;
}

int lane_store_list(struct view v, struct arena *a, uint64_t chain_id, struct lane_row **ret, size_t *n,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_LANE, Q_LIST);
	struct lane_row *rows = NULL;
	size_t got = 0;
	int rc;

	if (storable(chain_id, "the chain's id", err) != 0)
		return -1;
	bind_u64(q, 1, chain_id);
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

/* Runs a change of one lane. */
static int change(struct stmt *q, int64_t lane, struct err *err)
{
	int changed;

	bind_i64(q, 1, lane);
	changed = stmt_run(q, err);
	if (changed == 0)
		return no_lane(lane, err);
	return changed < 0 ? -1 : 0;
}

int lane_store_set_active(struct unit *u, int64_t lane, bool active, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_LANE, Q_SET_ACTIVE);

	bind_bool(q, 2, active);
	return change(q, lane, err);
}

int lane_store_pause(struct unit *u, int64_t lane, const char *reason, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_LANE, Q_PAUSE);

	bind_text(q, 2, reason);
	return change(q, lane, err);
}

int lane_store_raise(struct unit *u, int64_t lane, uint64_t at_least, int64_t anomaly_at_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_LANE, Q_RAISE);

	if (storable(at_least, "the account's nonce", err) != 0)
		return -1;
	bind_u64(q, 2, at_least);
	bind_i64(q, 3, anomaly_at_ms);
	return change(q, lane, err);
}
