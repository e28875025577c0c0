#include "store/call_store.h"

#include "store/query_sets.h"
#include "store/stmt.h"

enum { Q_ADD, Q_SET_RESPONSE, Q_FIND, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO rpc_call (credential, key, method, params_hash, response, action_id, at_ms)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[Q_SET_RESPONSE] = "UPDATE rpc_call SET response = ?3 WHERE credential = ?1 AND key = ?2",
	[Q_FIND] = "SELECT credential, key, method, params_hash, response, action_id, at_ms FROM rpc_call"
		   " WHERE credential = ?1 AND key = ?2",
};
const struct query_set call_queries = { "call", sql, Q_COUNT };

int call_store_add(struct unit *u, const struct call_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CALL, Q_ADD);

	bind_text(q, 1, row->credential);
	bind_text(q, 2, row->key);
	bind_text(q, 3, row->method);
	bind_blob(q, 4, (struct bytes){ row->params_hash.b, sizeof(row->params_hash.b) });
	bind_text(q, 5, row->response);
	bind_action_id(q, 6, &row->action);
	bind_i64(q, 7, row->at_ms);
	return stmt_insert(q, ERR_EXISTS, "an answer to this idempotency key", err);
}

int call_store_set_response(struct unit *u, const char *credential, const char *key, const char *response,
			    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_CALL, Q_SET_RESPONSE);
	int changed;

	bind_text(q, 1, credential);
	bind_text(q, 2, key);
	bind_text(q, 3, response);
	changed = stmt_run(q, err);
	if (changed == 0)
		return ERR(err, ERR_NOT_FOUND, "no call was made with this idempotency key");
	return changed < 0 ? -1 : 0;
}

int call_store_find(struct view v, struct arena *a, const char *credential, const char *key, struct call_row *ret,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_CALL, Q_FIND);
	int rc;

	bind_text(q, 1, credential);
	bind_text(q, 2, key);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	*ret = (struct call_row){
		.credential = col_text(a, q, 0),
		.key = col_text(a, q, 1),
		.method = col_text(a, q, 2),
		.response = col_text(a, q, 4),
		.at_ms = col_i64(q, 6),
	};
	col_copy(q, 3, ret->params_hash.b, sizeof(ret->params_hash.b));
	col_action_id(q, 5, &ret->action);
	return 1;
}
