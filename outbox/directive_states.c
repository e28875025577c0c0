#include "outbox/directive_states.h"

#include <inttypes.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/evm/action.h"
#include "store/event_store.h"

#define EVENT_ERROR_MAX 320
#define BIT(s)          (1u << (s))

/* From where each transition may begin, and where it ends: spec 2.8.  Anything else is a bug.  (That a directive is
 * claimed is the store's doing.) */
#define CLAIMED    BIT(DELIVERY_CLAIMED)
#define SUBMITTED  BIT(DELIVERY_SUBMITTED)
#define INCLUDED   BIT(DELIVERY_INCLUDED)
#define CONFIRMED  BIT(DELIVERY_CONFIRMED)
#define MANUAL     BIT(DELIVERY_MANUAL)
#define FOR_PEOPLE (MANUAL | BIT(DELIVERY_REVERTED) | BIT(DELIVERY_DEAD_LETTERED))

/* --- names --- */

bool directive_is_withdrawal(const struct directive_row *row)
{
	const struct evm_action *action = evm_action_find(row->action_key);

	return action && action->withdrawal;
}

bool delivery_is_final(enum delivery_status s)
{
	return s == DELIVERY_CONFIRMED || s == DELIVERY_REVERTED || s == DELIVERY_DEAD_LETTERED || s == DELIVERY_MANUAL;
}

static bool was_abandoned(const struct directive_row *row)
{
	return row->reason_class && bytes_equal(bytes_of(row->reason_class), bytes_of(REASON_OPERATOR_ABANDONED));
}

enum domain_status directive_domain_status(const struct directive_row *row)
{
	switch (row->status) {
	case DELIVERY_CONFIRMED:
		return DOMAIN_COMPLETED;
	case DELIVERY_REVERTED:
	case DELIVERY_DEAD_LETTERED:
		return directive_is_withdrawal(row) && !was_abandoned(row) ? DOMAIN_PENDING_MANUAL_REVIEW
									   : DOMAIN_FAILED;
	case DELIVERY_MANUAL:
		return DOMAIN_PENDING_MANUAL_REVIEW;
	case DELIVERY_PENDING:
	case DELIVERY_CLAIMED:
	case DELIVERY_SUBMITTED:
	case DELIVERY_INCLUDED:
	case DELIVERY_RETRY:
	case DELIVERY_COUNT:
		break;
	}
	return DOMAIN_PENDING_CHAIN_EFFECT;
}

const char *domain_status_name(enum domain_status s)
{
	switch (s) {
	case DOMAIN_PENDING_CHAIN_EFFECT:
		return "pending_chain_effect";
	case DOMAIN_COMPLETED:
		return "completed";
	case DOMAIN_FAILED:
		return "failed";
	case DOMAIN_PENDING_MANUAL_REVIEW:
		return "pending_manual_review";
	}
	return "unknown";
}

const char *delivery_wire_name(enum delivery_status s)
{
	static const char *const names[DELIVERY_COUNT] = {
		[DELIVERY_PENDING] = "pending",       [DELIVERY_CLAIMED] = "pending",
		[DELIVERY_SUBMITTED] = "broadcasted", [DELIVERY_INCLUDED] = "included",
		[DELIVERY_CONFIRMED] = "finalized",   [DELIVERY_RETRY] = "pending",
		[DELIVERY_REVERTED] = "reverted",     [DELIVERY_DEAD_LETTERED] = "dead_lettered",
		[DELIVERY_MANUAL] = "manual_review",
	};

	return names[s];
}

struct directive_row directive_row_copy(struct arena *a, const struct directive_row *row)
{
	struct directive_row copy = *row;

	copy.id = arena_strdup(a, row->id);
	copy.kind = arena_strdup(a, row->kind);
	copy.action_key = arena_strdup(a, row->action_key);
	copy.payload = arena_bytes(a, row->payload);
	copy.reason_class = row->reason_class ? arena_strdup(a, row->reason_class) : NULL;
	copy.last_error = row->last_error ? arena_strdup(a, row->last_error) : NULL;
	return copy;
}

struct moves moves_in(struct unit *u, struct arena *a, struct meters *meters)
{
	return (struct moves){ .u = u, .a = a, .now_ms = clock_now_ms(), .meters = meters, .after = after_in(a) };
}

/* --- events --- */

/* A TransactionUpdate (spec 5.9): request_id, status, tx_hash?, error?, timestamp, gas_used?, gas_price?. */
static int update_event(struct moves *m, const struct directive_row *row, const char *status, const struct effect *e,
			const char *error, struct err *err)
{
	json_t *data = json_object_in(m->a);
	char hash[67] = "0x";

	json_set_str(data, "request_id", row->id);
	json_set_str(data, "status", status);
	if (e)
		hex_encode(e->tx_hash.b, sizeof(e->tx_hash.b), hash + 2);
	json_set_str(data, "tx_hash", e ? hash : NULL);
	json_set_str(data, "error", error ? arena_strndup(m->a, error, EVENT_ERROR_MAX) : NULL);
	json_set_int(data, "timestamp", m->now_ms);
	if (e && e->gas_used > 0) {
		json_set_u64(data, "gas_used", e->gas_used);
		json_set_u64(data, "gas_price", gas_price_value(e->gas_price));
	} else {
		json_set_take(data, "gas_used", json_null());
		json_set_take(data, "gas_price", json_null());
	}
	return event_append(m->u, "directive.update", row->id, json_text(m->a, data), err);
}

/* What is no TransactionUpdate and still a change that somebody may wait for. */
static int state_event(struct moves *m, const struct directive_row *row, const char *kind, struct err *err)
{
	json_t *data = json_object_in(m->a);

	json_set_int(data, "outbox_seq", row->seq);
	json_set_u64(data, "nonce", row->nonce);
	json_set_str(data, "action_key", row->action_key);
	json_set_str(data, "delivery_status", delivery_status_name(row->status));
	if (row->reason_class)
		json_set_str(data, "reason_class", row->reason_class);
	if (row->last_error)
		json_set_str(data, "error", arena_strndup(m->a, row->last_error, EVENT_ERROR_MAX));
	return event_append(m->u, kind, row->id, json_text(m->a, data), err);
}

/* --- order --- */

static int space_of(struct moves *m, const struct directive_row *row, struct err *err)
{
	if (m->space.id == row->space_id)
		return 0;
	return space_store_get(unit_view(m->u), m->a, row->space_id, &m->space, err);
}

/* Does a directive that gets here let its successor go? */
static bool lets_go(const struct space_row *space, const struct directive_row *row, enum delivery_status to)
{
	if (was_abandoned(row))
		return true;
	switch (to) {
	case DELIVERY_SUBMITTED:
	case DELIVERY_INCLUDED:
		return (int)to >= space->release_at;
	case DELIVERY_CONFIRMED:
		return true;
	case DELIVERY_REVERTED:
	case DELIVERY_DEAD_LETTERED:
	case DELIVERY_MANUAL:
		return !space->halt_on_terminal;
	case DELIVERY_PENDING:
	case DELIVERY_CLAIMED:
	case DELIVERY_RETRY:
	case DELIVERY_COUNT:
		break;
	}
	return false;
}

/* It comes back to be worked on: behind what is older, and before what is younger and has not gone out. */
static int order_enter_again(struct moves *m, struct directive_row *row, struct err *err)
{
	bool older;

	if (row->order_key_n == 0)
		return 0;
	if (directive_store_has_older_holder(unit_view(m->u), row, &older, err) != 0)
		return -1;
	row->holds_order = true;
	row->blocked = older;
	return older ? 0 : directive_store_block_younger(m->u, row, err);
}

/* --- the one way to change a status --- */

/* Asked before anything is changed. */
static int legal(const struct directive_row *row, unsigned from, enum delivery_status to, struct err *err)
{
	if (from & BIT(row->status))
		return 0;
	return ERR(err, ERR_INTERNAL, "illegal_transition of directive %s from %s to %s", row->id,
		   delivery_status_name(row->status), delivery_status_name(to));
}

static int move(struct moves *m, struct directive_row *row, enum delivery_status to, struct err *err)
{
	enum delivery_status from = row->status;
	bool held = row->holds_order;

	if (space_of(m, row, err) != 0)
		return -1;
	row->status = to;
	if (to == DELIVERY_PENDING)
		row->wake_at_ms = 0;
	else if (to != DELIVERY_RETRY) /* that one brings its own */
		row->wake_at_ms = DIRECTIVE_NO_WAKE;
	if (to != DELIVERY_MANUAL)
		row->recheck_at_ms = DIRECTIVE_NO_WAKE;
	row->finished_at_ms = delivery_is_final(to) ? m->now_ms : 0;
	if (lets_go(&m->space, row, to))
		row->holds_order = row->blocked = false;
	if (directive_store_save(m->u, row, m->now_ms, err) != 0)
		return -1;
	if (held && !row->holds_order &&
	    directive_store_unblock_oldest(m->u, row->order_key, row->order_key_n, err) != 0)
		return -1;
	after_transition(&m->after, m->meters, from, to);
	return 0;
}

static void set_reason(struct moves *m, struct directive_row *row, const char *reason, const char *error)
{
	row->reason_class = reason;
	row->last_error = error ? arena_strdup(m->a, error) : NULL;
}

static void set_result(struct directive_row *row, const struct effect *e)
{
	row->has_result = e != NULL;
	row->result_hash = e ? e->tx_hash : (struct hash32){ { 0 } };
	row->result_block = e ? e->block : 0;
}

static int64_t next_try(const struct moves *m, uint32_t attempts)
{
	return m->now_ms + backoff_jittered_ms(backoff_exponential_cap_ms(attempts));
}

/* --- transitions --- */

int directive_accept(struct moves *m, struct directive_row *row, struct err *err)
{
	if (directive_store_add(m->u, row, &row->seq, err) != 0)
		return -1;
	after_count(&m->after, m->meters->accepted);
	return state_event(m, row, "directive.accepted", err);
}

int directive_unclaim(struct moves *m, struct directive_row *row, struct err *err)
{
	return legal(row, CLAIMED, DELIVERY_PENDING, err) != 0 ? -1 : move(m, row, DELIVERY_PENDING, err);
}

int directive_dead_letter(struct moves *m, struct directive_row *row, const char *reason, const char *error,
			  struct err *err)
{
	if (legal(row, CLAIMED | SUBMITTED, DELIVERY_DEAD_LETTERED, err) != 0)
		return -1;
	set_reason(m, row, reason, error);
	if (move(m, row, DELIVERY_DEAD_LETTERED, err) != 0)
		return -1;
	(void)FAILPOINT("outbox.dead_letter");
	after_attention(&m->after, row);
	if (state_event(m, row, "directive.dead_lettered", err) != 0)
		return -1;
	return directive_is_withdrawal(row) ? update_event(m, row, "failed", NULL, error, err) : 0;
}

int directive_fail(struct moves *m, struct directive_row *row, enum attempt_result how, const char *error,
		   struct err *err)
{
	if (legal(row, CLAIMED, DELIVERY_RETRY, err) != 0)
		return -1;
	row->attempts++;
	row->last_error = arena_strdup(m->a, error);
	row->wake_at_ms = next_try(m, row->attempts);
	if (move(m, row, DELIVERY_RETRY, err) != 0)
		return -1;
	after_attempt(&m->after, m->meters, how);
	return 0;
}

int directive_reconcile(struct moves *m, struct directive_row *row, const char *reason, const char *error,
			int64_t recheck_at_ms, struct err *err)
{
	if (legal(row, CLAIMED | SUBMITTED, DELIVERY_MANUAL, err) != 0)
		return -1;
	set_reason(m, row, reason, error);
	row->recheck_at_ms = recheck_at_ms;
	if (move(m, row, DELIVERY_MANUAL, err) != 0)
		return -1;
	(void)FAILPOINT("outbox.manual");
	after_attention(&m->after, row);
	return state_event(m, row, "directive.manual_reconciliation", err);
}

int directive_submit(struct moves *m, struct directive_row *row, int64_t tx_id, const struct hash32 *tx_hash,
		     struct err *err)
{
	struct effect e = { .tx_hash = *tx_hash };

	if (legal(row, CLAIMED, DELIVERY_SUBMITTED, err) != 0)
		return -1;
	row->attempts++;
	row->tx_id = tx_id;
	row->last_error = NULL;
	set_result(row, NULL);
	if (move(m, row, DELIVERY_SUBMITTED, err) != 0)
		return -1;
	after_attempt(&m->after, m->meters, ATTEMPT_SUBMITTED);
	return update_event(m, row, "submitted", &e, NULL, err);
}

int directive_replaced(struct moves *m, const struct directive_row *row, const struct hash32 *tx_hash, struct err *err)
{
	struct effect e = { .tx_hash = *tx_hash };

	return update_event(m, row, "replaced", &e, NULL, err);
}

int directive_include(struct moves *m, struct directive_row *row, const struct effect *e, bool elsewhere,
		      struct err *err)
{
	if (legal(row, CLAIMED | SUBMITTED | MANUAL, DELIVERY_INCLUDED, err) != 0)
		return -1;
	set_result(row, e);
	set_reason(m, row, NULL, NULL);
	if (elsewhere)
		row->tx_id = 0;
	if (move(m, row, DELIVERY_INCLUDED, err) != 0)
		return -1;
	return update_event(m, row, "included", e, NULL, err);
}

int directive_reorg(struct moves *m, struct directive_row *row, struct err *err)
{
	bool deep = row->status == DELIVERY_CONFIRMED;
	struct effect gone = { .tx_hash = row->result_hash };
	enum delivery_status to = row->tx_id ? DELIVERY_SUBMITTED : DELIVERY_PENDING;
	bool known = row->has_result;

	if (legal(row, INCLUDED | CONFIRMED, to, err) != 0)
		return -1;
	set_result(row, NULL);
	if (row->tx_id == 0 && order_enter_again(m, row, err) != 0)
		return -1;
	if (move(m, row, to, err) != 0)
		return -1;
	(void)FAILPOINT("outbox.reorg");
	if (deep) {
		after_count(&m->after, m->meters->deep_reorgs);
		after_log(&m->after, LOG_ERROR, "directive.deep_reorg", row);
	}
	return update_event(m, row, "reorged", known ? &gone : NULL, NULL, err);
}

int directive_confirm(struct moves *m, struct directive_row *row, const struct effect *e, const char *reason,
		      struct err *err)
{
	/* Those that were given up too: others may deliver a signature that is out. */
	if (legal(row, INCLUDED | FOR_PEOPLE, DELIVERY_CONFIRMED, err) != 0)
		return -1;
	set_reason(m, row, reason, NULL);
	if (e)
		set_result(row, e);
	if (move(m, row, DELIVERY_CONFIRMED, err) != 0)
		return -1;
	if (e && e->submitted_at_ms > 0 && e->submitted_at_ms <= m->now_ms)
		after_observe(&m->after, m->meters->submit_to_confirm,
			      (uint64_t)(m->now_ms - e->submitted_at_ms) * 1000);
	return update_event(m, row, "confirmed", e, NULL, err);
}

int directive_revert(struct moves *m, struct directive_row *row, const struct effect *e, const char *error,
		     struct err *err)
{
	if (legal(row, SUBMITTED, DELIVERY_REVERTED, err) != 0)
		return -1;
	set_reason(m, row, REASON_EFFECT_REVERTED, error);
	if (move(m, row, DELIVERY_REVERTED, err) != 0)
		return -1;
	after_attention(&m->after, row);
	return update_event(m, row, "reverted", e, error, err);
}

int directive_requeue(struct moves *m, struct directive_row *row, const char *error, struct err *err)
{
	if (legal(row, SUBMITTED, DELIVERY_RETRY, err) != 0)
		return -1;
	row->tx_id = 0;
	row->last_error = arena_strdup(m->a, error);
	row->wake_at_ms = next_try(m, row->attempts);
	if (order_enter_again(m, row, err) != 0)
		return -1;
	(void)FAILPOINT("outbox.requeue");
	return move(m, row, DELIVERY_RETRY, err);
}

static int reopen(struct moves *m, struct directive_row *row, struct err *err)
{
	if (legal(row, FOR_PEOPLE, DELIVERY_PENDING, err) != 0)
		return -1;
	row->tx_id = 0;
	row->reverted_dry_runs = 0;
	set_result(row, NULL);
	set_reason(m, row, NULL, NULL);
	if (order_enter_again(m, row, err) != 0 || move(m, row, DELIVERY_PENDING, err) != 0)
		return -1;
	return state_event(m, row, "directive.reopened", err);
}

int directive_reopen(struct moves *m, struct directive_row *row, struct err *err)
{
	return reopen(m, row, err);
}

int directive_renew(struct moves *m, struct directive_row *row, struct err *err)
{
	return reopen(m, row, err);
}

int directive_abandon(struct moves *m, struct directive_row *row, struct err *err)
{
	if (legal(row, FOR_PEOPLE, DELIVERY_DEAD_LETTERED, err) != 0)
		return -1;
	set_reason(m, row, REASON_OPERATOR_ABANDONED, row->last_error);
	if (move(m, row, DELIVERY_DEAD_LETTERED, err) != 0)
		return -1;
	return state_event(m, row, "directive.abandoned", err);
}
