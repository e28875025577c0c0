/* outbox/batch_checks.c - what is asked before a transaction is made of a batch: are its nonces unused, what would the
 * contract do, what gas does it take, and may it cost that (spec/outbox.md 3.2, 5.4, 5.8)? */
#include <string.h>

#include "outbox/batch.h"
#include "outbox/delivery.h"
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
	bool *used = ARENA_ARRAY(&b->arena, b->n, bool);
	struct err err = rep->err;
	struct bytes data;
	json_t *v;

	b->ask = NULL;
	if (rep->endpoint < 0 || jsonrpc_result(&rep->answers[0], &v, &err) != 0 ||
	    evm_reply_data(&b->arena, v, EVM_DATA_MAX, &data, &err) != 0 ||
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
	uint64_t *nonces = ARENA_ARRAY(&b->arena, b->n, uint64_t);
	struct jsonrpc_batch calls = jsonrpc_batch_in(&b->arena);
	struct evm_message m = { .to = b->space->conf.contract };

	if (batch_too_late(b))
		return;
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
	struct signed_directive *list = ARENA_ARRAY(&b->arena, b->n, struct signed_directive);

	for (size_t i = 0; i < b->n; i++)
		list[i] = b->items[i].signed_one;
	if (b->lane->chain->conf.batch_max == 1)
		verifier_execute(&data, &list[0]);
	else
		verifier_execute_batch(&data, list, b->n);
	b->calldata = buf_ok(&data) ? arena_bytes(&b->arena, buf_bytes(&data)) : (struct bytes){ NULL, 0 };
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
		stop_space(b, "bad_signature");
		return;
	case VERIFIER_UNKNOWN_SIGNER:
		stop_space(b, "signer_not_authorised");
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
	enum verifier_outcome *outcomes = ARENA_ARRAY(&b->arena, b->n, enum verifier_outcome);
	struct verifier_revert revert;
	struct bytes data;
	json_t *v;

	if (answer->flaw == JSONRPC_FINE && !answer->result && evm_error_is_revert(&answer->error)) {
		if (!evm_error_revert_data(&b->arena, &answer->error, &data))
			data = (struct bytes){ NULL, 0 };
		verifier_revert_decode(data, &revert);
		/* A batch as a whole never reverts for one item's sake. */
		for (size_t i = 0; i < b->n; i++)
			dry_run_says(b, &b->items[i], b->lane->chain->conf.batch_max == 1 ? revert.why : VERIFIER_OTHER,
				     data.n ? verifier_revert_text(&b->arena, &revert) : answer->error.message);
		return 0;
	}
	if (jsonrpc_result(answer, &v, err) != 0 || evm_reply_data(&b->arena, v, EVM_DATA_MAX, &data, err) != 0)
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
	for (size_t i = b->n / 2; i < b->n; i++)
		b->items[i].fate = FATE_GIVE_BACK;
	batch_settle_then(b, batch_dry_run);
	return true;
}

static void hold_lane(struct batch *b, enum hold why, enum attempt_result how, const char *text)
{
	lane_hold(b->lane, why, text);
	metric_inc(b->ob->meters.attempts[how]);
	batch_give_back(b);
}

/* Fees, gas and money: may the transaction be made as it is? */
static void decide(struct batch *b, uint64_t estimate)
{
	struct chain *c = b->lane->chain;
	struct delivery d = { .fees = c->quote };
	struct wei cost;
	struct err err;

	if (c->over_cap) {
		hold_lane(b, HOLD_FEE_CAP, ATTEMPT_FEE_CAP, NULL);
		return;
	}
	if (!evm_gas_limit(estimate, c->gas_percent, c->block_gas_limit, &b->gas_limit)) {
		if (halve(b))
			return;
		item_fails(&b->items[0], ATTEMPT_DRY_RUN, "it needs more gas than a transaction may have");
		batch_settle_then(b, batch_end);
		return;
	}
	b->fees = d.fees;
	d.gas_limit = b->gas_limit;
	cost = gas_cost(d.fees.max_fee, d.gas_limit);
	if (wei_cmp(b->lane->balance, cost) < 0) {
		b->lane->needs = cost;
		hold_lane(b, HOLD_NO_FUNDS, ATTEMPT_NO_FUNDS, NULL);
		return;
	}
	if (delivery_check_caps(c, store_view(b->ob->opt.store), delivery_cost_gwei(&d), &err) != 0) {
		if (err.code != ERR_BUDGET) {
			outbox_write_failed(b->ob, "outbox.caps_unreadable", &err);
			batch_give_back(b);
		} else if (delivery_cost_gwei(&d) <= c->conf.max_tx_gwei) {
			hold_lane(b, HOLD_DAY_CAP, ATTEMPT_FEE_CAP, err.msg);
		} else if (!halve(b)) {
			hold_lane(b, HOLD_FEE_CAP, ATTEMPT_FEE_CAP, err.msg);
		}
		return;
	}
	batch_write_ahead(b);
}

static void dry_run_answered(void *ctx, const struct evm_answers *rep)
{
	struct batch *b = ctx;
	struct err err = rep->err;
	uint64_t estimate;
	json_t *v;

	b->ask = NULL;
	if (rep->endpoint < 0) { /* the chain is out of reach: nobody's attempt */
		metric_inc(b->ob->meters.attempts[ATTEMPT_ENDPOINT]);
		chain_watch_soon(b->lane->chain);
		batch_give_back(b);
		return;
	}
	if (take_call(b, &rep->answers[0], &err) != 0) {
		for (size_t i = 0; i < b->n; i++)
			item_fails(&b->items[i], ATTEMPT_ENDPOINT, arena_printf(&b->arena, "dry run: %s", err.msg));
		batch_settle_then(b, batch_end);
		return;
	}
	if (batch_any_leaves(b)) { /* what is left is another transaction: it is tried again */
		batch_settle_then(b, batch_dry_run);
		return;
	}
	if (jsonrpc_result(&rep->answers[1], &v, &err) != 0 || evm_reply_u64(v, &estimate, &err) != 0) {
		for (size_t i = 0; i < b->n; i++)
			item_fails(&b->items[i], ATTEMPT_DRY_RUN, arena_printf(&b->arena, "gas estimate: %s", err.msg));
		batch_settle_then(b, batch_end);
		return;
	}
	decide(b, estimate);
}

void batch_dry_run(struct batch *b)
{
	struct jsonrpc_batch calls = jsonrpc_batch_in(&b->arena);
	struct evm_message m = { .from = &b->lane->address, .to = b->space->conf.contract };

	if (batch_too_late(b))
		return;
	make_calldata(b);
	if (b->calldata.n == 0) {
		if (!halve(b)) {
			item_fails(&b->items[0], ATTEMPT_DRY_RUN, "it is too large for a transaction");
			batch_settle_then(b, batch_end);
		}
		return;
	}
	m.data = b->calldata;
	evm_ask_call(&calls, &m, evm_block_tagged(EVM_LATEST));
	evm_ask_estimate(&calls, &m, evm_block_tagged(EVM_LATEST));
	b->ask = endpoints_ask(b->lane->chain->ep, &calls, 0, dry_run_answered, b);
}
