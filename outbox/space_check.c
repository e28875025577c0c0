#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outbox/internal.h"
#include "outbox/operate.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/verifier.h"
#include "store/event_store.h"

#define HORIZON_WORDS 4

struct space_check {
	struct space *space;
	struct endpoints_asked *ask;
	struct arena arena;
	uint64_t first_word;
};

static void check_free(struct space_check *k)
{
	k->space->check = NULL;
	arena_done(&k->arena);
	free(k);
}

void space_check_cancel(struct space *s)
{
	if (!s->check)
		return;
	endpoints_cancel(s->check->ask);
	check_free(s->check);
}

/* --- the answers --- */

static int word_of(struct space_check *k, const struct jsonrpc_answer *answer, struct hash32 *ret, struct err *err)
{
	struct bytes data;
	json_t *v;

	if (jsonrpc_result(answer, &v, err) != 0 || evm_reply_data(&k->arena, v, EVM_DATA_MAX, &data, err) != 0)
		return -1;
	return verifier_word_result(data, ret, err);
}

static int contract_is_ours(struct space_check *k, const struct evm_answers *rep, struct err *err)
{
	struct hash32 domain;
	struct bytes code;
	json_t *v;

	if (jsonrpc_result(&rep->answers[0], &v, err) != 0 ||
	    evm_reply_data(&k->arena, v, EVM_DATA_MAX, &code, err) != 0)
		return -1;
	if (code.n == 0)
		return ERR(err, ERR_CHAIN, "there is no contract at this address");
	if (word_of(k, &rep->answers[1], &domain, err) != 0)
		return -1;
	if (!hash32_equal(&domain, &k->space->domain))
		return ERR(err, ERR_CHAIN,
			   "the contract has another domain separator: it is not the one, or of another chain");
	return 0;
}

/* The highest nonce at or above next_nonce that the chain has seen used; false when there is none. */
static int used_ahead(struct space_check *k, const struct evm_answers *rep, uint64_t next_nonce, bool *ret,
		      uint64_t *nonce, struct err *err)
{
	*ret = false;
	for (int i = HORIZON_WORDS - 1; i >= 0; i--) {
		struct hash32 word;

		if (word_of(k, &rep->answers[2 + i], &word, err) != 0)
			return -1;
		for (int bit = 255; bit >= 0; bit--) {
			uint64_t n = (k->first_word + (uint64_t)i) << 8 | (uint64_t)bit;

			if (n >= next_nonce && verifier_bitmap_has(&word, n)) {
				*ret = true;
				*nonce = n;
				return 0;
			}
		}
	}
	return 0;
}

struct horizon {
	struct space_check *check;
	const struct evm_answers *rep;
	bool violated;
	uint64_t nonce;
};

static int horizon_run(struct unit *u, void *ctx, struct err *err)
{
	struct horizon *h = ctx;
	struct space_check *k = h->check;
	struct space_row row;
	json_t *data;

	if (space_store_get(unit_view(u), &k->arena, k->space->id, &row, err) != 0 ||
	    used_ahead(k, h->rep, row.next_nonce, &h->violated, &h->nonce, err) != 0)
		return -1;
	if (!h->violated || row.paused)
		return 0;
	data = json_object_in(&k->arena);
	json_set_int(data, "space_id", row.id);
	json_set_u64(data, "next_nonce", row.next_nonce);
	json_set_u64(data, "used", h->nonce);
	if (space_store_pause(u, row.id, PAUSE_NONCE_HORIZON, err) != 0)
		return -1;
	return event_append(u, "outbox.nonce_horizon", arena_printf(&k->arena, "space:%lld", (long long)row.id),
			    json_text(&k->arena, data), err);
}

static int check_horizon(struct space_check *k, const struct evm_answers *rep, struct err *err)
{
	struct horizon h = { .check = k, .rep = rep };
	struct space *s = k->space;
	char label[32];

	if (store_unit_now(s->ob->opt.store, horizon_run, &h, err) != 0)
		return -1;
	snprintf(label, sizeof(label), "space=\"%lld\"", (long long)s->id);
	metric_set(metric_gauge("walletd_outbox_nonce_horizon_violation", label,
				"1: the chain has seen nonces that this database has not given out."),
		   h.violated);
	if (h.violated)
		log_error(&s->ob->log, "outbox.nonce_horizon", F_INT("space", s->id), F_UINT("used", h.nonce),
			  F_STR("hint", "this database is older than the chain: outbox.nonce_advance"));
	return 0;
}

static void answered(void *ctx, const struct evm_answers *rep)
{
	struct space_check *k = ctx;
	struct space *s = k->space;
	int64_t next_us = RECHECK_FAILED_US;
	struct err err = rep->err;

	if (!s->key.key) {
		next_us = 0; /* meanwhile: everything is looked at again when it is there */
	} else if (rep->endpoint < 0) {
		if (s->hold == HOLD_NOT_CHECKED || s->hold == HOLD_NONE)
			space_hold(s, HOLD_NOT_CHECKED, err.msg);
	} else if (contract_is_ours(k, rep, &err) != 0) {
		space_hold(s, HOLD_WRONG_CONTRACT, err.msg);
	} else if (check_horizon(k, rep, &err) != 0) {
		space_hold(s, HOLD_NOT_CHECKED, err.msg);
	} else {
		space_hold(s, HOLD_NONE, NULL);
		next_us = CHECK_EVERY_US;
	}
	s->next_check_us = clock_mono_us() + next_us;
	check_free(k);
	outbox_pump_soon(s->ob);
}

/* --- the questions --- */

static void ask_call(struct space_check *k, struct jsonrpc_batch *b, struct buf *data)
{
	struct evm_message m = { .to = k->space->conf.contract, .data = buf_bytes(data) };

	evm_ask_call(b, &m, evm_block_tagged(EVM_LATEST));
	buf_reset(data);
}

void space_check_run(struct space *s)
{
	SCOPED(buf) struct buf data = BUF_CAP(256);
	struct space_check *k;
	struct space_row row;
	struct jsonrpc_batch b;
	struct err err;

	if (s->check || s->id == 0 || !s->key.key || clock_mono_us() < s->next_check_us || s->chain->reach != HOLD_NONE)
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		abort();
	k->space = s;
	k->arena = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	s->check = k;
	if (space_store_get(store_view(s->ob->opt.store), &k->arena, s->id, &row, &err) != 0) {
		outbox_write_failed(s->ob, "outbox.space_unreadable", &err);
		check_free(k);
		return;
	}
	b = jsonrpc_batch_in(&k->arena);
	evm_ask_code(&b, &s->conf.contract, evm_block_tagged(EVM_LATEST));
	verifier_domain_separator(&data);
	ask_call(k, &b, &data);
	k->first_word = row.next_nonce >> 8;
	for (uint64_t i = 0; i < HORIZON_WORDS; i++) {
		verifier_nonce_bitmap(&data, &s->signer, k->first_word + i);
		ask_call(k, &b, &data);
	}
	k->ask = endpoints_ask(s->chain->ep, &b, 0, answered, k);
}
