/* outbox/batch_checks.c - what is asked before a transaction is made of a batch: are its nonces unused, what would the
 * contract do, what gas does it take, and may it cost that (spec/outbox.md 3.2, 5.4, 5.8)? */
#include <string.h>

#include "outbox/batch.h"
#include "outbox/delivery.h"
#include "outbox/operate.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/tx.h"

#define DRY_RUN_LIMIT 20 /* refusals before a person is asked */

/* --- are the nonces unused? --- */

static void nonce_check_unreadable(struct batch *b, const struct err *err)
{
	const char *text = arena_printf(&b->arena, "the nonce check cannot be read: %s", err->msg);

	if (b->lane->chain->conf.nonce_check_required) {
		for (size_t i = 0; i < b->n; i++)
			item_fails(&b->items[i], ATTEMPT_ENDPOINT, text);
		batch_settle_then(b, batch_end);
		return;
	}
	/* The contract spends each nonce once, whatever we believe. */
	log_warn(&b->ob->log, "outbox.nonce_check_failed", F_INT("lane", b->lane->id), F_UINT("n", b->n), F_ERR(err));
	batch_dry_run(b);
}

static void nonces_answered(void *ctx, const struct evm_answers *rep)
{
	struct batch *b = ctx;
	bool *used = ARENA_ARRAY(&b->round, b->n, bool);
	struct err err = rep->err;
	struct bytes data;
	json_t *v;

	b->ask = NULL;
	if (rep->endpoint < 0 || jsonrpc_result(&rep->answers[0], &v, &err) != 0 ||
	    evm_reply_data(&b->round, v, EVM_DATA_MAX, &data, &err) != 0 ||
	    verifier_nonces_used_result(data, used, b->n, &err) != 0) {
		nonce_check_unreadable(b, &err);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		if (used[i])
			b->items[i].fate = FATE_ASK_CHAIN;
	batch_settle_then(b, batch_dry_run);
}

void batch_check_nonces(struct batch *b)
{
	SCOPED(buf) struct buf data = BUF_CAP(EVM_TX_MAX);
	struct evm_message m = { .to = b->space->conf.contract };
	struct jsonrpc_batch calls;
	uint64_t *nonces;

	if (batch_too_late(b))
		return;
	arena_reset(&b->round);
	calls = jsonrpc_batch_in(&b->round);
	nonces = ARENA_ARRAY(&b->round, b->n, uint64_t);
	for (size_t i = 0; i < b->n; i++)
		nonces[i] = b->items[i].row.nonce;
	verifier_nonces_used(&data, &b->space->signer, nonces, b->n);
	m.data = buf_bytes(&data);
	evm_ask_call(&calls, &m, evm_block_tagged(EVM_LATEST));
	b->ask = endpoints_ask(b->lane->chain->ep, &calls, 0, nonces_answered, b);
}

/* --- the dry run --- */

static void make_calldata(struct batch *b)
{
	SCOPED(buf) struct buf data = BUF_CAP(EVM_TX_MAX);
	struct signed_directive *list = ARENA_ARRAY(&b->round, b->n, struct signed_directive);

	for (size_t i = 0; i < b->n; i++)
		list[i] = b->items[i].signed_one;
	if (b->lane->chain->conf.batch_max == 1)
		verifier_execute(&data, &list[0]);
	else
		verifier_execute_batch(&data, list, b->n);
	b->calldata = buf_ok(&data) ? arena_bytes(&b->round, buf_bytes(&data)) : (struct bytes){ NULL, 0 };
}

/* The whole space is wrong, not the directive: it is stopped, and nothing is counted. */
static void stop_space(struct batch *b, const char *why);

static void dry_run_says(struct batch *b, struct item *it, enum verifier_outcome o, const char *text)
{
	if (it->fate != FATE_STAYS) /* the space was stopped for one before it */
		return;
	switch (o) {
	case VERIFIER_DONE:
		return;
	case VERIFIER_NONCE_USED:
		it->fate = FATE_ASK_CHAIN;
		return;
	case VERIFIER_BAD_SIGNATURE:
		stop_space(b, PAUSE_BAD_SIGNATURE);
		return;
	case VERIFIER_UNKNOWN_SIGNER:
		stop_space(b, PAUSE_SIGNER_UNKNOWN);
		return;
	case VERIFIER_UNSUPPORTED_ACTION:
		item_fate(it, FATE_DEAD_LETTER, REASON_UNSUPPORTED_ACTION,
			  arena_printf(&b->arena, "the contract does not support the action %s", it->row.action_key));
		return;
	case VERIFIER_EFFECT_FAILED:
	case VERIFIER_ERROR_TEXT:
	case VERIFIER_PANIC:
	case VERIFIER_OTHER:
		it->row.reverted_dry_runs++;
		if (it->row.reverted_dry_runs >= DRY_RUN_LIMIT)
			item_fate(it, FATE_MANUAL, REASON_EFFECT_REVERTED,
				  arena_printf(&b->arena, "the contract refused it %u times without being sent: %s",
					       it->row.reverted_dry_runs, text));
		else
			item_fails(it, ATTEMPT_DRY_RUN, arena_printf(&b->arena, "dry run: %s", text));
		return;
	}
}

struct pause {
	struct batch *batch;
	const char *why;
};

static int pause_run(struct unit *u, void *ctx, struct err *err)
{
	const struct pause *p = ctx;

	return space_store_pause(u, p->batch->space->id, p->why, err);
}

static void stop_space(struct batch *b, const char *why)
{
	struct pause p = { b, why };
	struct err err;

	for (size_t i = 0; i < b->n; i++)
		b->items[i].fate = FATE_GIVE_BACK;
	log_error(&b->ob->log, "outbox.space_stopped", F_INT("space", b->space->id), F_STR("reason", why),
		  F_STR("hint", "mend the contract's list of signers or the configuration, then outbox.resume"));
	if (store_unit(b->ob->opt.store, pause_run, &p, NULL, &err) != 0)
		outbox_write_failed(b->ob, "outbox.pause_failed", &err);
}

/* What the contract would answer.  0: understood, and fates are set where it is not well. */
static int take_call(struct batch *b, const struct jsonrpc_answer *answer, struct err *err)
{
	enum verifier_outcome *outcomes = ARENA_ARRAY(&b->round, b->n, enum verifier_outcome);
	struct verifier_revert revert;
	struct bytes data;
	json_t *v;

	if (answer->flaw == JSONRPC_FINE && !answer->result && evm_error_is_revert(&answer->error)) {
		if (!evm_error_revert_data(&b->round, &answer->error, &data))
			data = (struct bytes){ NULL, 0 };
		verifier_revert_decode(data, &revert);
		/* A batch as a whole never reverts for one item's sake. */
		for (size_t i = 0; i < b->n; i++)
			dry_run_says(b, &b->items[i], b->lane->chain->conf.batch_max == 1 ? revert.why : VERIFIER_OTHER,
				     data.n ? verifier_revert_text(&b->round, &revert) : answer->error.message);
		return 0;
	}
	if (jsonrpc_result(answer, &v, err) != 0 || evm_reply_data(&b->round, v, EVM_DATA_MAX, &data, err) != 0)
		return -1;
	if (b->lane->chain->conf.batch_max == 1)
		return 0;
	if (verifier_batch_result(data, outcomes, b->n, err) != 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		dry_run_says(b, &b->items[i], outcomes[i], verifier_outcome_name(outcomes[i]));
	return 0;
}

/* The later half waits for the next transaction. */
static bool halve(struct batch *b)
{
	if (b->n < 2)
		return false;
	for (size_t i = (b->n + 1) / 2; i < b->n; i++)
		b->items[i].fate = FATE_GIVE_BACK;
	batch_settle_then(b, batch_dry_run);
	return true;
}

/* Fewer may do; one that does not is tried again later. */
static void too_much(struct batch *b, const char *text)
{
	if (halve(b))
		return;
	item_fails(&b->items[0], ATTEMPT_DRY_RUN, text);
	batch_settle_then(b, batch_end);
}

static void hold_lane(struct batch *b, enum hold why, enum attempt_result how, const char *text)
{
	lane_hold(b->lane, why, text);
	metric_inc(b->ob->meters.attempts[how]);
	batch_give_back(b);
}

void batch_over_budget(struct batch *b, const struct err *err)
{
	const struct delivery d = { .fees = b->fees, .gas_limit = b->gas_limit };

	if (delivery_cost_gwei(&d) <= b->lane->chain->conf.max_tx_gwei)
		hold_lane(b, HOLD_DAY_CAP, ATTEMPT_FEE_CAP, err->msg);
	else if (!halve(b))
		hold_lane(b, HOLD_FEE_CAP, ATTEMPT_FEE_CAP, err->msg);
}

/* Fees, gas and money: may the transaction be made as it is? */
static void decide(struct batch *b, uint64_t estimate)
{
	struct chain *c = b->lane->chain;
	struct wei cost;

	if (c->over_cap) {
		hold_lane(b, HOLD_FEE_CAP, ATTEMPT_FEE_CAP, NULL);
		return;
	}
	if (!evm_gas_limit(estimate, c->gas_percent, c->block_gas_limit, &b->gas_limit)) {
		too_much(b, "it needs more gas than a transaction may have");
		return;
	}
	b->fees = c->quote;
	cost = gas_cost(b->fees.max_fee, b->gas_limit);
	if (wei_cmp(b->lane->balance, cost) < 0) {
		b->lane->needs = cost;
		hold_lane(b, HOLD_NO_FUNDS, ATTEMPT_NO_FUNDS, NULL);
		return;
	}
	batch_write_ahead(b);
}

static void all_fail(struct batch *b, enum attempt_result how, const char *what, const struct err *err)
{
	const char *text = arena_printf(&b->arena, "%s: %s", what, err->msg);

	for (size_t i = 0; i < b->n; i++)
		item_fails(&b->items[i], how, text);
	batch_settle_then(b, batch_end);
}

/* It has no place in a block, or the node does not compute that far. */
static bool is_too_much(const struct jsonrpc_answer *a)
{
	return a->flaw == JSONRPC_FINE && !a->result && evm_error_is_too_much_gas(&a->error);
}

static void dry_run_answered(void *ctx, const struct evm_answers *rep)
{
	struct batch *b = ctx;
	struct err err = rep->err;
	uint64_t estimate;
	json_t *v;

	b->ask = NULL;
	if (rep->endpoint < 0) { /* nobody's attempt, and not at once again: polls may be answered all the same */
		chain_watch_soon(b->lane->chain);
		hold_lane(b, HOLD_ENDPOINTS, ATTEMPT_ENDPOINT, err.msg);
	} else if (b->n > 1 && (is_too_much(&rep->answers[0]) || is_too_much(&rep->answers[1]))) {
		(void)halve(b);
	} else if (take_call(b, &rep->answers[0], &err) != 0) {
		all_fail(b, ATTEMPT_ENDPOINT, "dry run", &err);
	} else if (batch_any_leaves(b)) { /* what is left is another transaction: it is tried again */
		batch_settle_then(b, batch_dry_run);
	} else if (jsonrpc_result(&rep->answers[1], &v, &err) != 0 || evm_reply_u64(v, &estimate, &err) != 0) {
		all_fail(b, ATTEMPT_DRY_RUN, "gas estimate", &err);
	} else {
		decide(b, estimate);
	}
}

void batch_dry_run(struct batch *b)
{
	struct evm_message m = { .from = &b->lane->address, .to = b->space->conf.contract };
	struct jsonrpc_batch calls;

	if (batch_too_late(b))
		return;
	arena_reset(&b->round);
	make_calldata(b);
	if (b->calldata.n == 0) {
		too_much(b, "it is too large for a transaction");
		return;
	}
	calls = jsonrpc_batch_in(&b->round);
	m.data = b->calldata;
	evm_ask_call(&calls, &m, evm_block_tagged(EVM_LATEST));
	evm_ask_estimate(&calls, &m, evm_block_tagged(EVM_LATEST));
	b->ask = endpoints_ask(b->lane->chain->ep, &calls, 0, dry_run_answered, b);
}
