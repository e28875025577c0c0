#include "store/ark_server_store.h"

#include "base/text.h"
#include "store/event_store.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum { Q_LIST, Q_SUMS, Q_SET_LOST, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_LIST] = "SELECT s.id, s.pubkey, s.lost_at_ms FROM ark_server AS s ORDER BY s.id",
	[Q_SUMS] = ("SELECT server_id, count(*), sum(amount) FROM vtxo INDEXED BY vtxo_ours WHERE state IN (1, 2)"
		    " AND state NOT IN (3, 5) GROUP BY server_id"),
	[Q_SET_LOST] = "UPDATE ark_server SET lost_at_ms = ?2 WHERE pubkey = ?1",
};
const struct query_set ark_server_queries = { "ark_server", sql, Q_COUNT };

static int add_sums(struct view v, struct ark_server_row *rows, size_t n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_SERVER, Q_SUMS);
	int rc;

	while ((rc = stmt_step(q, err)) == 1)
		for (size_t i = 0; i < n; i++)
			if (rows[i].id == col_i64(q, 0)) {
				rows[i].n_vtxos = col_u64(q, 1);
				rows[i].amount = col_sat(q, 2);
			}
	return rc;
}

int ark_server_list(struct view v, struct arena *a, struct ark_server_row **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_ARK_SERVER, Q_LIST);
	struct ark_server_row *rows = NULL;
	size_t got = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		rows[got] = (struct ark_server_row){ .id = col_i64(q, 0), .lost_at_ms = col_i64(q, 2) };
		col_pubkey(q, 1, &rows[got++].key);
	}
	if (rc < 0 || add_sums(v, rows, got, err) < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int ark_server_set_lost(struct unit *u, const struct pubkey *key, int64_t lost_at_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_ARK_SERVER, Q_SET_LOST);
	char text[2 * sizeof(key->b) + 1];
	int changes;

	hex_encode(key->b, sizeof(key->b), text);
	bind_pubkey(q, 1, key);
	bind_optional(q, 2, lost_at_ms, 0);
	changes = stmt_run(q, err);
	if (changes == 0)
		return ERR(err, ERR_NOT_FOUND, "no VTXO is of the server %s", text);
	return changes < 0 ? -1 : event_append(u, lost_at_ms ? "ark.server_lost" : "ark.server_back", text, "{}", err);
}
