#include "store/script_store.h"

#include <assert.h>
#include <inttypes.h>

#include "store/query_sets.h"
#include "store/stmt.h"

_Static_assert(SCRIPT_RECEIVE == 0 && SCRIPT_CHANGE == 1, "stored in onchain_script.chain");

enum {
	Q_ACCOUNT_ADD,
	Q_ACCOUNT_GET,
	Q_ACCOUNT_BIRTHDAY,
	Q_ADD,
	Q_DERIVED,
	Q_KNOWN,
	Q_GIVE,
	Q_FREE,
	Q_TAKE,
	Q_RELEASE,
	Q_REHOLD,
	Q_LABEL,
	Q_SEEN,
	Q_FORGET_SEEN,
	Q_BY_PLACE,
	Q_FIND,
	Q_LIST,
	Q_COUNT
};

#define COLS "id, spk, chain, idx, given, used, holder, label, given_at_ms, seen_confirmed, seen_mempool"

static const char *const sql[Q_COUNT] = {
	[Q_ACCOUNT_ADD] = "INSERT INTO onchain_wallet (id, xpub, birthday_s) VALUES (1, ?1, ?2)",
	[Q_ACCOUNT_GET] = "SELECT xpub, birthday_s FROM onchain_wallet WHERE id = 1",
	[Q_ACCOUNT_BIRTHDAY] = "UPDATE onchain_wallet SET birthday_s = ?1 WHERE id = 1",
	/* No row where the index is not the next one. */
	[Q_ADD] = "INSERT INTO onchain_script (spk, chain, idx, given, used, seen_confirmed, seen_mempool)"
		  " SELECT ?1, ?2, ?3, 0, 0, 0, 0"
		  " WHERE ?3 = (SELECT ifnull(max(idx) + 1, 0) FROM onchain_script WHERE chain = ?2) RETURNING id",
	[Q_DERIVED] = "SELECT ifnull(max(idx) + 1, 0) FROM onchain_script WHERE chain = ?1",
	[Q_KNOWN] = "SELECT ifnull(max(idx) + 1, 0) FROM onchain_script INDEXED BY onchain_script_known"
		    " WHERE chain = ?1 AND (given = 1 OR used = 1 OR holder IS NOT NULL)",
	[Q_GIVE] = "UPDATE onchain_script SET given = 1, label = ?3, given_at_ms = ?4 WHERE chain = ?1 AND idx = ?2",
	[Q_FREE] = "SELECT idx FROM onchain_script INDEXED BY onchain_script_free WHERE chain = ?1 AND given = 0"
		   " AND used = 0 AND holder IS NULL ORDER BY idx LIMIT 1",
	[Q_TAKE] = "UPDATE onchain_script SET holder = ?3 WHERE chain = ?1 AND idx = ?2",
	[Q_RELEASE] = "UPDATE onchain_script SET holder = NULL WHERE holder = ?1",
	[Q_REHOLD] = "UPDATE onchain_script SET holder = ?2 WHERE holder = ?1",
	[Q_LABEL] = "UPDATE onchain_script SET label = ?2 WHERE id = ?1",
	[Q_SEEN] = "UPDATE onchain_script SET seen_confirmed = ?2, seen_mempool = ?3 WHERE id = ?1",
	[Q_FORGET_SEEN] = "UPDATE onchain_script SET seen_mempool = ?2 WHERE id IN"
			  " (SELECT c.script_id FROM onchain_tx AS t JOIN onchain_coin AS c ON c.tx_id = t.id"
			  "  WHERE t.txid = ?1 UNION"
			  "  SELECT c.script_id FROM onchain_tx AS t JOIN onchain_input AS i ON i.tx_id = t.id"
			  "  JOIN onchain_tx AS p ON p.txid = i.prev_txid"
			  "  JOIN onchain_coin AS c ON c.tx_id = p.id AND c.vout = i.prev_vout WHERE t.txid = ?1)",
	[Q_BY_PLACE] = "SELECT " COLS " FROM onchain_script WHERE chain = ?1 AND idx = ?2",
	[Q_FIND] = "SELECT " COLS " FROM onchain_script WHERE spk = ?1",
	[Q_LIST] = "SELECT " COLS " FROM onchain_script WHERE id > ?1 AND (?2 < 0 OR chain = ?2)"
		   " AND (?3 = 0 OR given = 1 OR used = 1) ORDER BY id LIMIT ?4",
};
const struct query_set script_queries = { "script", sql, Q_COUNT };

/* --- the account --- */

int account_store_add(struct unit *u, const struct onchain_account *acc, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_ACCOUNT_ADD);

	bind_text(q, 1, acc->xpub);
	bind_i64(q, 2, acc->birthday_s);
	return stmt_insert(q, ERR_EXISTS, "the on-chain account", err);
}

int account_store_get(struct view v, struct arena *a, struct onchain_account *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SCRIPT, Q_ACCOUNT_GET);
	int rc = stmt_step(q, err);

	if (rc == 1)
		*ret = (struct onchain_account){ .xpub = col_text(a, q, 0), .birthday_s = col_i64(q, 1) };
	return rc;
}

int account_store_set_birthday(struct unit *u, int64_t birthday_s, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_ACCOUNT_BIRTHDAY);
	int changes;

	bind_i64(q, 1, birthday_s);
	changes = stmt_run(q, err);
	if (changes == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no on-chain account yet");
	return changes < 0 ? -1 : 0;
}

/* --- writers --- */

int script_store_add(struct unit *u, enum script_chain chain, uint32_t index, struct bytes script, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_ADD);
	int rc;

	bind_blob(q, 1, script);
	bind_i64(q, 2, chain);
	bind_i64(q, 3, index);
	rc = stmt_step(q, err);
	if (rc < 0)
		return err_context(err, "script %d/%" PRIu32, (int)chain, index);
	return rc == 1 ? 0 : ERR(err, ERR_INTERNAL, "script %d/%" PRIu32 " is not the next one", (int)chain, index);
}

static int one_number(struct view v, unsigned query, enum script_chain chain, uint32_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SCRIPT, query);
	int rc;

	bind_i64(q, 1, chain);
	rc = stmt_step(q, err);
	if (rc == 1)
		*ret = (uint32_t)col_u64(q, 0);
	return rc;
}

int script_store_edge(struct view v, enum script_chain chain, struct script_edge *ret, struct err *err)
{
	struct script_edge edge;

	if (one_number(v, Q_DERIVED, chain, &edge.derived, err) < 0 ||
	    one_number(v, Q_KNOWN, chain, &edge.known, err) < 0)
		return -1;
	*ret = edge;
	return 0;
}

static void row_read(struct arena *a, struct stmt *q, struct script_row *ret)
{
	*ret = (struct script_row){
		.id = col_i64(q, 0),
		.script = col_blob(a, q, 1),
		.chain = (enum script_chain)col_i64(q, 2),
		.index = (uint32_t)col_u64(q, 3),
		.given = col_bool(q, 4),
		.used = col_bool(q, 5),
		.label = col_text(a, q, 7),
		.given_at_ms = col_i64(q, 8),
		.seen_confirmed = col_u64(q, 9),
		.seen_mempool = col_u64(q, 10),
	};
	col_action_id(q, 6, &ret->holder);
}

/* 1, 0, -1. */
static int by_place(struct view v, struct arena *a, enum script_chain chain, uint32_t index, struct script_row *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SCRIPT, Q_BY_PLACE);
	int rc;

	bind_i64(q, 1, chain);
	bind_i64(q, 2, index);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

/* What a change of one index made of it. */
static int changed_row(struct unit *u, struct arena *a, int changes, enum script_chain chain, uint32_t index,
		       struct script_row *ret, struct err *err)
{
	if (changes == 0)
		return ERR(err, ERR_RANGE, "script %d/%" PRIu32 " is not derived yet", (int)chain, index);
	return changes < 0 || by_place(unit_view(u), a, chain, index, ret, err) < 0 ? -1 : 0;
}

int script_store_give(struct unit *u, struct arena *a, enum script_chain chain, const char *label, int64_t now_ms,
		      struct script_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_GIVE);
	uint32_t index;

	if (one_number(unit_view(u), Q_KNOWN, chain, &index, err) < 0)
		return -1;
	bind_i64(q, 1, chain);
	bind_i64(q, 2, index);
	bind_text(q, 3, label);
	bind_i64(q, 4, now_ms);
	return changed_row(u, a, stmt_run(q, err), chain, index, ret, err);
}

int script_store_take(struct unit *u, struct arena *a, enum script_chain chain, const struct action_id *holder,
		      struct script_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_TAKE);
	uint32_t index = 0;
	int rc = one_number(unit_view(u), Q_FREE, chain, &index, err);

	assert(!action_id_is_empty(holder));
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_RANGE, "every script of chain %d is taken", (int)chain);
	bind_i64(q, 1, chain);
	bind_i64(q, 2, index);
	bind_action_id(q, 3, holder);
	return changed_row(u, a, stmt_run(q, err), chain, index, ret, err);
}

int script_store_release(struct unit *u, const struct action_id *holder, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_RELEASE);

	bind_action_id(q, 1, holder);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int script_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_REHOLD);

	bind_action_id(q, 1, from);
	bind_action_id(q, 2, to);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

static int changed_one(int changes, int64_t id, struct err *err)
{
	if (changes == 0)
		return ERR(err, ERR_NOT_FOUND, "there is no script %" PRId64, id);
	return changes < 0 ? -1 : 0;
}

int script_store_set_label(struct unit *u, int64_t id, const char *label, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_LABEL);

	bind_i64(q, 1, id);
	bind_text(q, 2, label);
	return changed_one(stmt_run(q, err), id, err);
}

int script_store_set_seen(struct unit *u, int64_t id, uint64_t confirmed, uint64_t mempool, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_SEEN);

	if (storable(confirmed, "the number of transactions", err) != 0 ||
	    storable(mempool, "the number of unconfirmed transactions", err) != 0)
		return -1;
	bind_i64(q, 1, id);
	bind_u64(q, 2, confirmed);
	bind_u64(q, 3, mempool);
	return changed_one(stmt_run(q, err), id, err);
}

int script_store_forget_seen(struct unit *u, const struct txid *txid, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_SCRIPT, Q_FORGET_SEEN);

	bind_txid(q, 1, txid);
	bind_u64(q, 2, SCRIPT_UNCOUNTED);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

/* --- readers --- */

int script_store_find(struct view v, struct arena *a, struct bytes script, struct script_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SCRIPT, Q_FIND);
	int rc;

	bind_blob(q, 1, script);
	rc = stmt_step(q, err);
	if (rc == 1)
		row_read(a, q, ret);
	return rc;
}

int script_store_list(struct view v, struct arena *a, const struct script_query *sq,
		      void (*each)(void *ctx, const struct script_row *row), void *ctx, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_SCRIPT, Q_LIST);
	int n = 0, rc;

	bind_i64(q, 1, sq->after);
	bind_i64(q, 2, sq->chain);
	bind_bool(q, 3, sq->known_only);
	bind_i64(q, 4, sq->limit);
	while ((rc = stmt_step(q, err)) == 1) {
		struct script_row row;

		if (!arena_room(a, SCRIPT_ROOM))
			return ERR(err, ERR_RANGE, "%u scripts are too many to look at once", sq->limit);
		row_read(a, q, &row);
		each(ctx, &row);
		n++;
	}
	return rc < 0 ? -1 : n;
}
