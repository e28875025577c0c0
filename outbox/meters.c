#include "outbox/meters.h"

#include <stdlib.h>

#include "base/err.h"
#include "rails/evm/action.h"

#define KEPT_MAX (64u * 1024) /* a caller's unit moves a directive or two, not a batch */

struct after_item {
	struct metric *metric; /* or NULL for a line of the log */
	bool observes;
	uint64_t value;
	enum log_level level;
	const char *event, *id, *action_key, *reason, *error;
	uint64_t nonce;
	struct after_item *next;
};

struct meters meters_new(void)
{
	static const char *const results[ATTEMPT_RESULTS] = {
		[ATTEMPT_SUBMITTED] = "submitted",
		[ATTEMPT_SIGNING_FAILED] = "signing_failed",
		[ATTEMPT_PERSISTENCE_FAILED] = "persistence_failed",
		[ATTEMPT_SENDER_CLOSED] = "sender_closed",
		[ATTEMPT_ENDPOINT] = "endpoint",
		[ATTEMPT_FEE_CAP] = "fee_cap",
		[ATTEMPT_NO_FUNDS] = "no_funds",
		[ATTEMPT_DEADLINE] = "deadline",
		[ATTEMPT_DRY_RUN] = "dry_run",
	};
	struct meters m = { .log = log_module("outbox") };

	for (int i = 0; i < ATTEMPT_RESULTS; i++) {
		char label[48];

		snprintf(label, sizeof(label), "result=\"%s\"", results[i]);
		m.attempts[i] = metric_counter("walletd_directive_outbox_attempts_total", label,
					       "Attempts to bring a directive to the chain, by how they ended.");
	}
	m.accepted = metric_counter("walletd_directive_outbox_transitions_total", "from=\"none\",to=\"pending\"",
				    "Changes of the delivery status of directives.");
	m.lease_expired = metric_counter("walletd_directive_outbox_claim_lease_expired_total", "",
					 "Claims that ended before their work did.");
	m.stale_claims = metric_counter("walletd_directive_outbox_stale_claim_total", "",
					"Results that were dropped because somebody else has the directive.");
	m.deep_reorgs = metric_counter("walletd_evm_deep_reorg_total", "",
				       "Effects that vanished from the chain after they were confirmed.");
	m.submit_to_confirm = metric_duration("walletd_directive_outbox_submit_to_confirm_seconds", "",
					      "From the first submission of a directive to its confirmation.");
	return m;
}

struct after after_in(struct arena *a)
{
	return (struct after){ .a = a };
}

static struct after_item *append(struct after *l)
{
	struct after_item *item = ARENA_NEW(l->a, struct after_item);

	if (!l->tail)
		l->tail = &l->first;
	*l->tail = item;
	l->tail = &item->next;
	return item;
}

void after_count(struct after *l, struct metric *m)
{
	append(l)->metric = m;
}

void after_observe(struct after *l, struct metric *m, uint64_t v)
{
	struct after_item *item = append(l);

	item->metric = m;
	item->observes = true;
	item->value = v;
}

void after_log(struct after *l, enum log_level level, const char *event, const struct directive_row *row)
{
	struct after_item *item = append(l);

	item->level = level;
	item->event = event;
	item->id = row->id;
	item->action_key = row->action_key;
	item->reason = row->reason_class ? row->reason_class : "";
	item->error = row->last_error ? row->last_error : "";
	item->nonce = row->nonce;
}

void after_transition(struct after *l, struct meters *m, enum delivery_status from, enum delivery_status to)
{
	struct metric **at = &m->transitions[from][to];

	if (!*at) {
		char label[96];

		snprintf(label, sizeof(label), "from=\"%s\",to=\"%s\"", delivery_status_name(from),
			 delivery_status_name(to));
		*at = metric_counter("walletd_directive_outbox_transitions_total", label,
				     "Changes of the delivery status of directives.");
	}
	after_count(l, *at);
}

void after_attempt(struct after *l, struct meters *m, enum attempt_result how)
{
	after_count(l, m->attempts[how]);
}

/* Labels come from the registry alone, so that their number is bounded. */
static const char *label_of(const struct evm_action *action)
{
	return action ? action->key : "other";
}

void after_attention(struct after *l, const struct directive_row *row)
{
	const struct evm_action *action = evm_action_find(row->action_key);
	char labels[160];

	snprintf(labels, sizeof(labels), "action_key=\"%s\",reason_class=\"%s\"", label_of(action),
		 row->reason_class ? row->reason_class : "none");
	if (row->status == DELIVERY_DEAD_LETTERED)
		after_count(l, metric_counter("walletd_directive_outbox_dead_lettered_total", labels,
					      "Directives that were given up."));
	if (row->status == DELIVERY_MANUAL)
		after_count(l, metric_counter("walletd_directive_outbox_manual_reconciliation_required_total", labels,
					      "Directives that a person has to reconcile with the chain."));
	if (!action || !action->withdrawal) {
		after_log(l, LOG_WARN, "directive.attention", row);
		return;
	}
	snprintf(labels, sizeof(labels), "action_key=\"%s\"", action->key);
	after_count(l, metric_counter("walletd_withdrawal_manual_reconciliation_required_total", labels,
				      "Withdrawals that a person has to look at; automatic refunds do not exist."));
	after_log(l, LOG_WARN, "withdrawal.manual_reconciliation_required", row);
}

static void run(const struct after_item *first, const struct log *log)
{
	for (const struct after_item *item = first; item; item = item->next) {
		if (!item->metric)
			LOG_AT(log, item->level, item->event, F_STR("directive", item->id),
			       F_STR("action_key", item->action_key), F_UINT("nonce", item->nonce),
			       F_STR("reason", item->reason), F_STR("error", item->error));
		else if (item->observes)
			metric_observe(item->metric, item->value);
		else
			metric_inc(item->metric);
	}
}

void after_run(struct after *l, struct meters *m)
{
	run(l->first, &m->log);
	l->first = NULL;
	l->tail = NULL;
}

/* --- beside a unit of somebody else --- */

/* Nothing of the outbox's is in here but copies: it may be gone by then. */
struct kept {
	struct arena arena;
	struct after list;
	struct log log;
};

static void kept_end(void *ctx, const struct err *failed)
{
	struct kept *k = ctx;

	if (!failed)
		run(k->list.first, &k->log);
	arena_done(&k->arena);
	free(k);
}

static void copy_item(struct after *to, const struct after_item *from)
{
	struct after_item *item = append(to), *next = item->next;

	*item = *from;
	item->next = next;
	if (item->metric)
		return;
	item->id = arena_strdup(to->a, from->id);
	item->action_key = arena_strdup(to->a, from->action_key);
	item->reason = arena_strdup(to->a, from->reason);
	item->error = arena_strdup(to->a, from->error);
}

void after_with_unit(const struct after *l, struct meters *m, struct unit *u)
{
	struct kept *k;

	if (!l->first)
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		err_fatal("out of memory");
	k->arena = ARENA_LIMIT(KEPT_MAX);
	k->list = after_in(&k->arena);
	k->log = m->log;
	for (const struct after_item *item = l->first; item; item = item->next)
		copy_item(&k->list, item);
	unit_after(u, kept_end, k);
}
