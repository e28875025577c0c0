/* rpc/method_directive.c - directives: appended by programs, looked at by anybody, decided about by a person
 * (spec/outbox.md 6).  What a person decides rests on what the chain says, so that is asked first; the decision is then
 * written in one unit with its audit event and the idempotency record. */
#include <string.h>

#include "outbox/directive_states.h"
#include "outbox/show.h"
#include "outbox/show_text.h"
#include "rpc/method_outbox.h"
#include "rpc/methods.h"
#include "rpc/state.h"

/* --- directive.append --- */

static int check_budget(const struct rpc_call *call, struct err *err)
{
	if (call->caller.budget_hour_sat < 0 && call->caller.budget_day_sat < 0)
		return 0;
	return ERR(err, ERR_BUDGET, "this key's budget is in sat, and a directive cannot be counted against it");
}

static int append(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct outbox_appended appended;
	struct outbox_append in;

	if (outbox_append_parse(call->arena, call->params, &in, err) != 0 ||
	    outbox_append(call->server->opt.outbox, u, call->arena, &in, &appended, err) != 0)
		return -1;
	*ret = outbox_appended_json(call->arena, &appended);
	return 0;
}

static struct rpc_outcome directive_append(struct rpc_call *call)
{
	struct err err;

	if (outbox_here(call, &err) != 0 || check_budget(call, &err) != 0)
		return rpc_fail(&err);
	return rpc_mutate(call, append, outbox_changed);
}

static const struct param directive_append_params[] = {
	{ .name = "directive_id",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = DIRECTIVE_ID_MAX,
	  .help = "Yours, for ever: the same id with the same content is the same directive." },
	{ .name = "action_key",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = 64,
	  .help = "What is to be done: system_withdraw_token, system_credit_option, rsm_hl_limit_order." },
	{ .name = "account",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = 64,
	  .help = "Whose: 0x and 40 hex digits. With capitals and small letters mixed, the checksum must be right." },
	{ .name = "payload",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED | PARAM_FILE,
	  .min = 2,
	  .max = 2 + 2 * DIRECTIVE_PAYLOAD_MAX,
	  .help = "0x hex, ABI-encoded as the action key has it, at most 16,384 bytes." },
	{ .name = "kind",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 64,
	  .fallback = "needs_rsm_signature",
	  .help = "How it is worked on." },
	{ .name = "signer",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 64,
	  .fallback = "the only one configured",
	  .help = "Which of outbox.spaces, by its signer." },
	{ .name = "contract",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 64,
	  .fallback = "the only one configured",
	  .help = "Which of outbox.spaces, by its contract." },
	{ .name = "chain_id",
	  .type = PARAM_INT,
	  .flags = PARAM_DECIMAL,
	  .min = 1,
	  .max = INT64_MAX,
	  .fallback = "the only one configured",
	  .help = "Which of outbox.spaces, by its chain." },
	{ .name = "expires_at_ms",
	  .type = PARAM_INT,
	  .flags = PARAM_DECIMAL,
	  .max = INT64_MAX,
	  .fallback = "none",
	  .help = "When the request behind it ends. Recorded only: what was accepted is delivered." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field directive_append_result[] = {
	{ "outcome", "string", "created, or existing: accepted before, nothing was written." },
	{ "outbox_seq", "integer", "Its place in the order of acceptance." },
	{ "nonce", "string", "Its nonce in the contract, in decimal." },
	{ "signer", "string", "Who signs it." },
	{ "directive_id_hash", "string", "What the contract calls it." },
	{ "digest", "string", "What is signed." },
	{ "delivery_status", "string", "pending, or how far an existing one is." },
	{ 0 },
};
const struct rpc_method method_directive_append = {
	.name = "directive.append",
	.scope = RPC_SPEND,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY | RPC_GROUPED,
	.params = directive_append_params,
	.result = directive_append_result,
	.help = "Accepts a directive. It is durable with its nonce when this answers, and is then delivered whatever"
		" happens. Neighbours in a batch share a commit.",
	.example = "{\"directive_id\":\"withdrawal-81\",\"action_key\":\"system_withdraw_token\","
		   "\"account\":\"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\","
		   "\"payload\":\"0x0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3"
		   "00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"
		   "00000000000000000000000000000000000000000000000000000000000f4240\"}",
	.run = directive_append,
};

/* --- directive.list --- */

#define STATUS_CHOICES                                                                                                 \
	"all|open|attention|pending|claimed|submitted|included|confirmed|failed_retryable|reverted|dead_lettered|"     \
	"manual_reconciliation"

static const enum delivery_status open_statuses[] = { DELIVERY_PENDING, DELIVERY_CLAIMED, DELIVERY_SUBMITTED,
						      DELIVERY_INCLUDED, DELIVERY_RETRY };
static const enum delivery_status attention_statuses[] = { DELIVERY_REVERTED, DELIVERY_DEAD_LETTERED, DELIVERY_MANUAL };

struct page {
	const struct rpc_call *call;
	json_t *rows;
	unsigned n;
};

static void add_row(void *ctx, const struct directive_row *row)
{
	struct page *page = ctx;

	json_add(page->rows, outbox_row_json(page->call->arena, row));
	page->n++;
}

static int status_query(const char *text, enum delivery_status *one, struct directive_query *q, struct err *err)
{
	if (!text || strcmp(text, "all") == 0)
		return 0;
	if (strcmp(text, "open") == 0) {
		q->statuses = open_statuses;
		q->n_statuses = ARRAY_LEN(open_statuses);
	} else if (strcmp(text, "attention") == 0) {
		q->statuses = attention_statuses;
		q->n_statuses = ARRAY_LEN(attention_statuses);
		q->not_reason = REASON_OPERATOR_ABANDONED; /* a person has decided */
	} else if (delivery_status_parse(text, one)) {
		q->statuses = one;
		q->n_statuses = 1;
	} else {
		return ERR(err, ERR_INTERNAL, "the status %s is offered and not known", text);
	}
	return 0;
}

/* In small helpings: what a row weighs is known only when it is there.  The last helping of a sparse filter may be short
 * because it has looked at enough. */
static int fill_page(struct page *page, struct directive_query *q, int64_t *ret_next, struct err *err)
{
	unsigned limit = (unsigned)rpc_param_int(page->call, "limit", PAGE_DEFAULT);
	const struct arena *a = page->call->arena;

	do {
		unsigned before = page->n;

		q->limit = limit - before < 20 ? limit - before : 20;
		if (directive_store_list(store_view(page->call->server->opt.store), page->call->arena, q, add_row, page,
					 &q->after_seq, err) < 0)
			return -1;
		if (page->n - before < q->limit)
			break;
	} while (q->after_seq != 0 && page->n < limit && a->used < PAGE_BYTES);
	*ret_next = q->after_seq;
	return 0;
}

static struct rpc_outcome directive_list(struct rpc_call *call)
{
	struct directive_query q = { .action_key = rpc_param_str(call, "action_key"),
				     .reason_class = rpc_param_str(call, "reason_class") };
	struct page page = { .call = call, .rows = json_array_in(call->arena) };
	const char *account = rpc_param_str(call, "account");
	json_t *result = json_object_in(call->arena);
	enum delivery_status one;
	struct evm_address of;
	struct err err;
	int64_t next;

	if (status_query(rpc_param_str(call, "status"), &one, &q, &err) != 0 ||
	    (account && outbox_address_parse(account, "account", &of, &err) != 0) ||
	    rpc_param_cursor(call, &q.after_seq, &err) != 0)
		return rpc_fail(&err);
	q.account = account ? &of : NULL;
	if (fill_page(&page, &q, &next, &err) != 0)
		return rpc_fail(&err);
	json_set(result, "directives", page.rows);
	rpc_set_next(result, next);
	return rpc_ok(result);
}

static const struct param directive_list_params[] = {
	{ .name = "status",
	  .type = PARAM_ENUM,
	  .choices = STATUS_CHOICES,
	  .fallback = "all",
	  .help = "attention: those that wait for a person. open: those that are worked on." },
	{ .name = "action_key", .type = PARAM_STRING, .min = 1, .max = 64, .fallback = "any", .help = "Only of this." },
	{ .name = "reason_class",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 64,
	  .fallback = "any",
	  .help = "Only those that ended for this: nonce_consumed, effect_reverted, ..." },
	{ .name = "account",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 64,
	  .fallback = "any",
	  .help = "Only of this account." },
	LIMIT_PARAM,
	CURSOR_PARAM,
	{ 0 },
};
static const struct rpc_field directive_list_result[] = {
	{ "directives", "array", "Oldest first, each with the members of directive.get that fit a line." },
	{ "next", "string", "Cursor of the next page, or null. A page of a filter may be short and not the last." },
	{ 0 },
};
const struct rpc_method method_directive_list = {
	.name = "directive.list",
	.scope = RPC_READ,
	.params = directive_list_params,
	.result = directive_list_result,
	.help = "Directives in the order of their acceptance.",
	.example = "{\"status\":\"attention\"}",
	.run = directive_list,
};

/* --- directive.get, directive.stats --- */

static int find_row(const struct rpc_call *call, struct directive_row *ret, struct err *err)
{
	if (directive_store_by_id(store_view(call->server->opt.store), call->arena, rpc_param_str(call, "directive_id"),
				  ret, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND) {
		err_hint(err, "directive.list");
		err_field(err, "directive_id");
	}
	return -1;
}

static struct rpc_outcome directive_get(struct rpc_call *call)
{
	struct directive_row row;
	struct err err;
	json_t *result;

	if (outbox_here(call, &err) != 0 || find_row(call, &row, &err) != 0 ||
	    outbox_directive_json(call->server->opt.outbox, call->arena, &row, &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

#define DIRECTIVE_ID_PARAM                                                                                             \
	{                                                                                                              \
		.name = "directive_id", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .min = 1,                       \
		.max = DIRECTIVE_ID_MAX, .help = "Its id."                                                             \
	}
static const struct param directive_get_params[] = { DIRECTIVE_ID_PARAM, { 0 } };
#define ROW_FIELDS                                                                                                                  \
	{ "outbox_seq", "integer", "Its place in the order of acceptance." }, { "directive_id", "string", "Its id." },              \
		{ "kind", "string", "How it is worked on." }, { "action_key", "string", "What is to be done." },                    \
		{ "account", "string", "Whose." }, { "signer", "string", "Who signs it." },                                         \
		{ "space_id", "integer", "One of outbox.spaces." },                                                                 \
		{ "nonce", "string", "Its nonce in the contract, in decimal." },                                                    \
		{ "delivery_status", "string",                                                                                      \
		  "pending, claimed, submitted, included, confirmed, failed_retryable,"                                             \
		  " reverted, dead_lettered or manual_reconciliation." },                                                           \
		{ "domain_status", "string",                                                                                        \
		  "What that means for the request behind it: pending_chain_effect, completed, failed or pending_manual_review." }, \
		{ "wire_status", "string", "The same as users of an exchange are told." },                                          \
		{ "attempts", "integer", "How often it was tried." },                                                               \
		{ "wake_at_ms", "integer", "When it is tried again, or null." },                                                    \
		{ "reason_class", "string", "Why it ended, or null." },                                                             \
		{ "tx_hash", "string", "The transaction that had the effect, or null." },                                           \
		{ "lane", "integer", "Which relayer carries it." },                                                                 \
		{ "created_at_ms", "integer", "Unix time in ms." },                                                                 \
		{ "updated_at_ms", "integer", "Unix time in ms." },                                                                 \
		{ "finished_at_ms", "integer", "When it was confirmed or came to a person, or null." },                             \
	{                                                                                                                           \
		"last_error", "string", "The last trouble in words, or null."                                                       \
	}
static const struct rpc_field directive_get_result[] = {
	ROW_FIELDS,
	{ "chain_id", "integer", "Of its contract." },
	{ "contract", "string", "Which verifies it." },
	{ "payload", "string", "As appended." },
	{ "content_hash", "string", "SHA-256 of what the same id must have again." },
	{ "expires_at_ms", "integer", "As appended, or null." },
	{ "order_key", "string", "What it is in order with, or null." },
	{ "blocked", "boolean", "An older one of this order goes first." },
	{ "directive_id_hash", "string", "What the contract calls it." },
	{ "digest", "string", "What is signed." },
	{ "signed", "boolean", "Has it been, under this nonce?" },
	{ "nonce_history", "array", "Nonces that it had before, with the evidence that ended them and who decided." },
	{ "tx", "object", "The slot that carries it, every attempt that was signed, block and depth; or null." },
	{ "effect", "object", "Its transaction, block and confirmations, once it is included; or null." },
	{ 0 },
};
const struct rpc_method method_directive_get = {
	.name = "directive.get",
	.scope = RPC_READ,
	.params = directive_get_params,
	.result = directive_get_result,
	.help = "Everything about one directive.",
	.example = "{\"directive_id\":\"withdrawal-81\"}",
	.run = directive_get,
};

static struct rpc_outcome directive_stats(struct rpc_call *call)
{
	struct err err;
	json_t *result;

	if (outbox_here(call, &err) != 0 ||
	    outbox_stats_json(call->server->opt.outbox, call->arena, &result, &err) != 0)
		return rpc_fail(&err);
	return rpc_ok(result);
}

static const struct rpc_field directive_stats_result[] = {
	{ "rows_by_status", "object", "How many directives there are, by delivery status." },
	{ "oldest_pending_age_ms", "integer", "Of the oldest one that is not on its way; null when there is none." },
	{ "open_slots_by_lane", "object", "Transactions that are on their way." },
	{ "lanes", "array", "As outbox.lanes." },
	{ "spaces", "array", "As outbox.spaces." },
	{ "endpoints", "array", "How each JSON-RPC endpoint does." },
	{ 0 },
};
const struct rpc_method method_directive_stats = {
	.name = "directive.stats",
	.scope = RPC_READ,
	.result = directive_stats_result,
	.help = "How many directives there are, how old the oldest is, and how lanes, spaces and endpoints do.",
	.run = directive_stats,
};

/* --- what a person decides --- */

struct decision {
	struct rpc_call *call;
	struct outbox_look *look; /* NULL once it has told */
	struct directive_row row;
	struct evidence evidence;
	json_t *more; /* what this decision tells beside the directive and the evidence */
	int (*decide)(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err);
};

static json_t *decision_json(const struct decision *d)
{
	struct arena *a = d->call->arena;
	json_t *result = outbox_row_json(a, &d->row);

	json_set(result, "evidence", evidence_json(a, &d->evidence));
	json_object_update(result, d->more);
	return result;
}

static int decide(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	struct decision *d = call->data;
	struct outbox_operator op = outbox_operator_of(call);

	if (d->decide(u, d, &op, err) != 0)
		return -1;
	*ret = decision_json(d);
	return 0;
}

static void looked(void *ctx, const struct evidence *e, const struct err *err)
{
	struct decision *d = ctx;
	json_t *result, *allowed;
	struct err failed;

	d->look = NULL;
	if (!e) {
		rpc_finish(d->call, rpc_fail(err));
		return;
	}
	d->evidence = *e;
	if (!rpc_param_bool(d->call, "dry_run")) {
		rpc_mutate_later(d->call, decide, outbox_changed);
		return;
	}
	if (outbox_allowed(d->call->server->opt.outbox, d->call->arena, &d->row, e, &allowed, &failed) != 0) {
		rpc_finish(d->call, rpc_fail(&failed));
		return;
	}
	result = decision_json(d);
	json_set_bool(result, "dry_run", true);
	json_set(result, "allowed", allowed);
	rpc_finish(d->call, rpc_ok(result));
}

static void abandon_look(struct rpc_call *call)
{
	struct decision *d = call->data;

	outbox_look_cancel(d->look);
}

static struct rpc_outcome decide_later(struct rpc_call *call, const struct hash32 *hint,
				       int (*how)(struct unit *u, struct decision *d, const struct outbox_operator *op,
						  struct err *err))
{
	struct decision *d = ARENA_NEW(call->arena, struct decision);
	struct rpc_outcome later;
	struct err err;

	*d = (struct decision){ .call = call, .more = json_object_in(call->arena), .decide = how };
	if (outbox_here(call, &err) != 0 || find_row(call, &d->row, &err) != 0)
		return rpc_fail(&err);
	call->data = d;
	later = rpc_later(call, abandon_look);
	d->look = outbox_look(call->server->opt.outbox, d->row.seq, hint, looked, d);
	return later;
}

/* --- directive.retry --- */

static int retry(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err)
{
	return outbox_retry(d->call->server->opt.outbox, u, d->call->arena, op, &d->row, &d->evidence, err);
}

static struct rpc_outcome directive_retry(struct rpc_call *call)
{
	return decide_later(call, NULL, retry);
}

static const struct param directive_retry_params[] = { DIRECTIVE_ID_PARAM, REASON_PARAM, RPC_KEY_PARAM, { 0 } };
static const struct rpc_field directive_retry_result[] = {
	ROW_FIELDS,
	{ "evidence", "object", "What the chain says about its nonce, as in directive.resolve." },
	{ 0 },
};
const struct rpc_method method_directive_retry = {
	.name = "directive.retry",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = directive_retry_params,
	.result = directive_retry_result,
	.help = "Tries a directive again that was dead-lettered, reverted, or waits for a person, with the nonce that it"
		" has. Refused as nonce_used when the chain says that the nonce is spent.",
	.example = "{\"directive_id\":\"withdrawal-81\",\"reason\":\"the vault was refilled\"}",
	.run = directive_retry,
};

/* --- directive.resolve --- */

static int resolve_done(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err)
{
	return outbox_resolve_done(d->call->server->opt.outbox, u, d->call->arena, op, &d->row, &d->evidence,
				   rpc_param_str(d->call, "note"), err);
}

static int resubmit(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err)
{
	return outbox_resubmit(d->call->server->opt.outbox, u, d->call->arena, op, &d->row, &d->evidence, err);
}

static int abandon(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err)
{
	return outbox_abandon(d->call->server->opt.outbox, u, d->call->arena, op, &d->row, &d->evidence, err);
}

static int recheck(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err)
{
	bool changed;

	if (outbox_recheck(d->call->server->opt.outbox, u, d->call->arena, op, &d->row, &d->evidence, &changed, err) !=
	    0)
		return -1;
	json_set_bool(d->more, "changed", changed);
	return 0;
}

static int revoke(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err)
{
	struct hash32 hash;

	if (outbox_revoke_nonce(d->call->server->opt.outbox, u, d->call->arena, op, &d->row, &d->evidence, &hash,
				err) != 0)
		return -1;
	json_set_str(d->more, "revoke_tx_hash", show_hash(d->call->arena, &hash));
	return 0;
}

static const struct {
	const char *name;
	int (*how)(struct unit *u, struct decision *d, const struct outbox_operator *op, struct err *err);
} resolutions[] = {
	{ "done", resolve_done }, { "resubmit", resubmit }, { "abandon", abandon },
	{ "recheck", recheck },   { "revoke", revoke },
};

static struct rpc_outcome directive_resolve(struct rpc_call *call)
{
	const char *action = rpc_param_str(call, "action"), *hash = rpc_param_str(call, "tx_hash");
	struct hash32 hint;
	struct err err;

	if (rpc_param_str(call, "note") && strcmp(action, "done") != 0) {
		ERR(&err, ERR_PARAM, "a note goes with done: it says what is known where the chain cannot tell");
		err_field(&err, "note");
		return rpc_fail(&err);
	}
	if (hash && outbox_hash_parse(hash, "tx_hash", &hint, &err) != 0)
		return rpc_fail(&err);
	for (size_t i = 0; i < ARRAY_LEN(resolutions); i++)
		if (strcmp(resolutions[i].name, action) == 0)
			return decide_later(call, hash ? &hint : NULL, resolutions[i].how);
	ERR(&err, ERR_INTERNAL, "the resolution %s is offered and not known", action);
	return rpc_fail(&err);
}

static const struct param directive_resolve_params[] = {
	DIRECTIVE_ID_PARAM,
	{ .name = "action",
	  .type = PARAM_ENUM,
	  .flags = PARAM_REQUIRED,
	  .choices = "done|resubmit|abandon|recheck|revoke",
	  .help = "done: it has had its effect. resubmit: with a new nonce. abandon: it is given up. recheck: look for"
		  " its effect again. revoke: burn its nonce in the contract." },
	REASON_PARAM,
	{ .name = "tx_hash",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 80,
	  .help = "A transaction that may hold its effect: 0x and 64 hex digits." },
	{ .name = "note",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 1024,
	  .help = "With done, where the chain says that the nonce is used, and not by this directive: what is known." },
	{ .name = "dry_run",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Only tell what the chain says, and what it allows." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field directive_resolve_result[] = {
	ROW_FIELDS,
	{ "evidence", "object",
	  "What the chain says about its nonce: verdict, nonce_used, block, and where there is one executed_digest, revoked, tx_hash." },
	{ "changed", "boolean", "recheck: was its effect found?" },
	{ "revoke_tx_hash", "string", "revoke: the first transaction that burns the nonce." },
	{ "dry_run", "boolean", "With dry_run: true; nothing was changed." },
	{ "allowed", "array",
	  "With dry_run: which decisions this evidence allows: retry (directive.retry), and actions of this method. done needs a note unless the verdict is own." },
	{ 0 },
};
const struct rpc_method method_directive_resolve = {
	.name = "directive.resolve",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES | RPC_NO_NOTIFY,
	.params = directive_resolve_params,
	.result = directive_resolve_result,
	.help = "Decides about a directive that waits for a person. The chain is asked first, and what it says decides"
		" what is allowed: a new nonce, or giving up, only when the old one can never act again.",
	.example = "{\"directive_id\":\"withdrawal-81\",\"action\":\"recheck\",\"reason\":\"the archive node is"
		   " back\"}",
	.run = directive_resolve,
};
