#include "store/outbox_audit.h"

#include <inttypes.h>

#include "store/query_sets.h"
#include "store/stmt.h"

enum {
	Q_TALLY_IS_COUNT,
	Q_TALLY_HAS_NO_MORE,
	Q_COUNTER_IS_ABOVE,
	Q_FORMER_NONCE_IS_GONE,
	Q_ONE_OF_A_KEY_IS_NEXT,
	Q_CARRIED_ONCE,
	Q_LANE_IS_ABOVE,
	Q_SLOT_IS_SIGNED,
	Q_COUNT
};

/* Each gives a row that should not be there, by its number. */
static const char *const sql[Q_COUNT] = {
	[Q_TALLY_IS_COUNT] = "SELECT space_id FROM (SELECT space_id, delivery_status, count(*) AS is_n"
			     " FROM directive_outbox GROUP BY space_id, delivery_status)"
			     " LEFT JOIN outbox_tally USING (space_id, delivery_status) WHERE n IS NOT is_n LIMIT 1",
	[Q_TALLY_HAS_NO_MORE] = "SELECT space_id FROM outbox_tally AS t WHERE n > 0 AND NOT EXISTS (SELECT 1"
				" FROM directive_outbox AS d WHERE d.delivery_status = t.delivery_status"
				" AND d.space_id = t.space_id) LIMIT 1",
	[Q_COUNTER_IS_ABOVE] = "SELECT s.space_id FROM outbox_nonce_space AS s WHERE s.next_nonce <= max("
			       "coalesce((SELECT max(d.nonce) FROM directive_outbox AS d"
			       "          WHERE d.space_id = s.space_id), -1),"
			       "coalesce((SELECT max(g.nonce) FROM directive_signature AS g"
			       "          WHERE g.space_id = s.space_id), -1),"
			       "coalesce((SELECT max(h.nonce) FROM directive_nonce_history AS h"
			       "          JOIN directive_outbox AS d USING (outbox_seq)"
			       "          WHERE d.space_id = s.space_id), -1)) LIMIT 1",
	[Q_FORMER_NONCE_IS_GONE] =
		"SELECT d.outbox_seq FROM directive_nonce_history AS h"
		" JOIN directive_outbox AS was USING (outbox_seq)"
		" JOIN directive_outbox AS d ON d.space_id = was.space_id AND d.nonce = h.nonce LIMIT 1",
	[Q_ONE_OF_A_KEY_IS_NEXT] =
		"SELECT d.outbox_seq FROM directive_outbox AS d WHERE d.holds_order = 1"
		" AND d.delivery_status IN (0, 5) AND d.blocked <> EXISTS (SELECT 1"
		" FROM directive_outbox AS o INDEXED BY directive_order WHERE o.order_key = d.order_key"
		" AND o.holds_order = 1 AND o.outbox_seq < d.outbox_seq) LIMIT 1",
	[Q_CARRIED_ONCE] = "SELECT d.outbox_seq FROM directive_outbox AS d WHERE d.delivery_status IN (2, 3)"
			   " AND d.tx_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outbox_tx_item AS i"
			   " JOIN outbox_tx AS t ON t.tx_id = i.tx_id AND t.fill = i.fill"
			   " WHERE i.outbox_seq = d.outbox_seq AND i.tx_id = d.tx_id) LIMIT 1",
	[Q_LANE_IS_ABOVE] = "SELECT t.tx_id FROM outbox_tx AS t JOIN outbox_lane AS l USING (lane)"
			    " WHERE t.tx_nonce >= l.next_tx_nonce LIMIT 1",
	[Q_SLOT_IS_SIGNED] = "SELECT t.tx_id FROM outbox_tx AS t WHERE t.state NOT IN (5, 6) AND NOT EXISTS (SELECT 1"
			     " FROM outbox_tx_attempt AS a WHERE a.tx_id = t.tx_id AND a.fill = t.fill) LIMIT 1",
};
const struct query_set outbox_audit_queries = { "outbox_audit", sql, Q_COUNT };

static const struct {
	const char *whose, *what;
} broken[Q_COUNT] = {
	[Q_TALLY_IS_COUNT] = { "nonce space", "its directives are not those that were counted" },
	[Q_TALLY_HAS_NO_MORE] = { "nonce space", "directives were counted that are not there" },
	[Q_COUNTER_IS_ABOVE] = { "nonce space", "a nonce in use would be given again" },
	[Q_FORMER_NONCE_IS_GONE] = { "directive", "it has a nonce that was given up before" },
	[Q_ONE_OF_A_KEY_IS_NEXT] = { "directive", "it is out of the order of its key" },
	[Q_CARRIED_ONCE] = { "directive", "it is not in the slot that should carry it" },
	[Q_LANE_IS_ABOVE] = { "slot", "its lane would give its nonce again" },
	[Q_SLOT_IS_SIGNED] = { "slot", "it holds no signed transaction" },
};

static int check(struct view v, unsigned query, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_OUTBOX_AUDIT, query);
	int rc = stmt_step(q, err);

	if (rc <= 0)
		return rc;
	return ERR(err, ERR_INTERNAL, "%s %" PRId64 ": %s", broken[query].whose, col_i64(q, 0), broken[query].what);
}

int outbox_audit(struct view v, struct err *err)
{
	for (unsigned i = 0; i < Q_COUNT; i++)
		if (check(v, i, err) != 0)
			return -1;
	return 0;
}
