#include "outbox/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/signer.h"
#include "rails/evm/abi.h"
#include "rails/evm/rpc_call.h"
#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"
#include "rails/evm/tx.h"
#include "rails/evm/verifier_log.h"

#define HASHES_MAX     40 /* transactions of ours that are looked at, newest first */
#define LOOKS_MAX      3  /* a node may know the state of a block before its logs */
#define LOOK_AGAIN_MS  700
#define RANGES_AT_ONCE 8 /* of logs, in one question */

struct search {
	struct outbox *ob;
	struct space *space;
	struct arena arena; /* the request's copies, and the result */
	struct arena round; /* of one question and its answer */
	struct search_result r;
	bool final, why, revoking;
	struct evm_address revoker;
	uint64_t block; /* everything is read up to here */
	uint64_t range; /* blocks of one search for logs */
	uint64_t next;  /* the highest block that has not been searched, plus one */
	uint64_t asked_from[RANGES_AT_ONCE], asked_to[RANGES_AT_ONCE];
	size_t asked;
	struct hash32 digest, id_hash;
	struct hash32 hashes[HASHES_MAX + 1];
	size_t n_hashes;
	struct endpoints_asked *ask;
	struct timer *again;
	unsigned looks; /* at all the logs, in vain */
	struct search_hooks hooks;
	struct search *next_search, **prev;
};

const char *evidence_verdict_name(enum evidence_verdict v)
{
	switch (v) {
	case EVIDENCE_UNUSED:
		return "unused";
	case EVIDENCE_OWN:
		return "own";
	case EVIDENCE_FOREIGN:
		return "foreign";
	case EVIDENCE_REVOKED:
		return "revoked";
	case EVIDENCE_UNAVAILABLE:
		return "unavailable";
	}
	return "unknown";
}

/* --- life --- */

static void search_free(struct search *s)
{
	*s->prev = s->next_search;
	if (s->next_search)
		s->next_search->prev = s->prev;
	timer_free(s->again);
	arena_done(&s->round);
	arena_done(&s->arena);
	free(s);
}

static void begin(void *ctx);

void search_cancel(struct search *s)
{
	loop_unpost(s->ob->opt.loop, begin, s);
	if (s->ask)
		endpoints_cancel(s->ask);
	search_free(s);
}

void searches_cancel_all(struct outbox *ob)
{
	while (ob->searches) {
		struct search_hooks hooks = ob->searches->hooks;

		search_cancel(ob->searches);
		hooks.dropped(hooks.ctx);
	}
}

bool search_runs(const struct outbox *ob, int64_t seq)
{
	for (const struct search *s = ob->searches; s; s = s->next_search)
		if (s->r.row.seq == seq)
			return true;
	return false;
}

static void finish(struct search *s, const struct err *err)
{
	struct search_hooks hooks = s->hooks;

	hooks.done(hooks.ctx, err ? NULL : &s->r, err);
	search_free(s);
}

static void found(struct search *s, enum evidence_verdict verdict)
{
	s->r.evidence.verdict = verdict;
	if (verdict == EVIDENCE_UNUSED || verdict == EVIDENCE_UNAVAILABLE)
		s->r.evidence.block = s->block;
	finish(s, NULL);
}

/* --- why: the contract is asked at that block, without cost --- */

static struct evm_message as_call(struct search *s, struct buf *data)
{
	struct signed_directive one;
	struct signature_row sig;
	struct err none;

	signer_describe(&s->r.row, &one.d);
	if (signature_store_get(store_view(s->ob->opt.store), s->r.row.space_id, s->r.row.nonce, &sig, &none) == 0)
		memcpy(one.sig.b, sig.sig, sizeof(one.sig.b));
	else
		memset(&one.sig, 0, sizeof(one.sig));
	verifier_execute(data, &one);
	return (struct evm_message){ .to = s->space->conf.contract, .data = buf_bytes(data) };
}

static void why_answered(void *ctx, const struct evm_answers *rep)
{
	struct search *s = ctx;
	struct verifier_revert revert;
	struct bytes data;

	s->ask = NULL;
	if (rep->endpoint >= 0 && !rep->answers[0].result &&
	    evm_error_revert_data(&s->round, &rep->answers[0].error, &data)) {
		verifier_revert_decode(data, &revert);
		s->r.why_known = true;
		s->r.why = (int)revert.why;
		s->r.why_text = arena_strdup(&s->arena, verifier_revert_text(&s->round, &revert));
	}
	found(s, EVIDENCE_UNUSED);
}

static void ask_why(struct search *s)
{
	SCOPED(buf) struct buf data = BUF_CAP(EVM_TX_MAX);
	struct jsonrpc_batch b;
	struct evm_message m;

	arena_reset(&s->round);
	b = jsonrpc_batch_in(&s->round);
	m = as_call(s, &data);
	evm_ask_call(&b, &m, evm_block_at(s->block));
	s->ask = endpoints_ask(s->space->chain->ep, &b, 0, why_answered, s);
}

/* --- may it be burnt?  The contract is asked likewise --- */

static void revoke_answered(void *ctx, const struct evm_answers *rep)
{
	struct search *s = ctx;

	s->ask = NULL;
	/* No answer is no refusal: then the transaction will tell. */
	s->r.evidence.no_revoke = rep->endpoint >= 0 && rep->answers[0].flaw == JSONRPC_FINE &&
				  !rep->answers[0].result && evm_error_is_revert(&rep->answers[0].error);
	found(s, EVIDENCE_UNUSED);
}

static void ask_revoke(struct search *s)
{
	struct evm_message m = { .from = &s->revoker, .to = s->space->conf.contract };
	SCOPED(buf) struct buf data = BUF_CAP(512);
	struct jsonrpc_batch b;

	arena_reset(&s->round);
	b = jsonrpc_batch_in(&s->round);
	verifier_revoke_nonces(&data, &s->space->signer, &s->r.row.nonce, 1);
	m.data = buf_bytes(&data);
	evm_ask_call(&b, &m, evm_block_at(s->block));
	s->ask = endpoints_ask(s->space->chain->ep, &b, 0, revoke_answered, s);
}

/* --- logs, newest first --- */

static void look_at_log(struct search *s, const struct evm_log *log, bool *done)
{
	struct evidence *e = &s->r.evidence;
	struct verifier_log v;
	struct err err;

	if (*done || log->removed || verifier_log_decode(log->topics, log->n_topics, log->data, &v, &err) != 0 ||
	    v.nonce != s->r.row.nonce || !evm_address_equal(&v.signer, &s->space->signer))
		return;
	if (v.event == VERIFIER_EXECUTED)
		e->verdict = hash32_equal(&v.digest, &s->digest) ? EVIDENCE_OWN : EVIDENCE_FOREIGN;
	else if (v.event == VERIFIER_REVOKED)
		e->verdict = EVIDENCE_REVOKED;
	else
		return;
	e->digest = v.digest;
	e->tx_hash = log->tx_hash;
	e->block = log->block_number;
	*done = true;
}

static uint64_t first_block(const struct search *s)
{
	return s->space->conf.deploy_block < s->block ? s->space->conf.deploy_block : s->block;
}

static void ask_logs(struct search *s);

static void look_again(void *ctx)
{
	struct search *s = ctx;

	s->next = s->block + 1;
	ask_logs(s);
}

/* Used, and every log was read: the one that tells may not be there yet. */
static void nothing_found(struct search *s)
{
	if (++s->looks < LOOKS_MAX)
		timer_start(s->again, LOOK_AGAIN_MS);
	else
		found(s, EVIDENCE_UNAVAILABLE);
}

static void logs_answered(void *ctx, const struct evm_answers *rep)
{
	struct search *s = ctx;
	bool done = false;
	struct err err;

	s->ask = NULL;
	if (rep->endpoint < 0) {
		finish(s, &rep->err);
		return;
	}
	for (size_t i = 0; i < rep->n && !done; i++) {
		const struct jsonrpc_answer *answer = &rep->answers[i];
		struct evm_log_filter any = {
			.from = evm_block_at(s->asked_from[i]),
			.to = evm_block_at(s->asked_to[i]),
			.address = s->space->conf.contract,
		};
		struct evm_log *logs;
		json_t *v;
		size_t n;

		if (jsonrpc_result(answer, &v, &err) != 0 || evm_reply_logs(&s->round, v, &any, &logs, &n, &err) != 0) {
			/* Too much in one piece: smaller ones from here on.  Anything else means that these logs are not to
			 * be had. */
			if (answer->flaw == JSONRPC_FINE && !answer->result &&
			    evm_error_is_range_too_wide(&answer->error) && s->range > 1) {
				s->range /= 2;
				s->next = s->asked_to[i] + 1;
				ask_logs(s);
			} else {
				found(s, EVIDENCE_UNAVAILABLE);
			}
			return;
		}
		for (size_t k = 0; k < n; k++)
			look_at_log(s, &logs[k], &done);
	}
	if (done)
		found(s, s->r.evidence.verdict);
	else if (s->next <= first_block(s))
		nothing_found(s);
	else
		ask_logs(s);
}

static void ask_logs(struct search *s)
{
	struct hash32 signer = abi_word_address(&s->space->signer), nonce = abi_word_u64(s->r.row.nonce);
	struct jsonrpc_batch b;

	arena_reset(&s->round);
	b = jsonrpc_batch_in(&s->round);
	s->asked = 0;
	/* By signer and nonce, whatever the directive's id: a foreign directive has another one. */
	while (s->asked + 1 < RANGES_AT_ONCE && s->next > first_block(s)) {
		uint64_t to = s->next - 1, from = to >= s->range ? to - s->range + 1 : 0;
		struct evm_log_filter f = { .address = s->space->conf.contract, .to = evm_block_at(to) };

		if (from < first_block(s))
			from = first_block(s);
		f.from = evm_block_at(from);
		f.topics[0] = (struct evm_topic_filter){ &verifier_topic_executed, 1 };
		f.topics[1] = (struct evm_topic_filter){ NULL, 0 };
		f.topics[2] = (struct evm_topic_filter){ &signer, 1 };
		f.topics[3] = (struct evm_topic_filter){ &nonce, 1 };
		f.n_topics = 4;
		evm_ask_logs(&b, &f);
		f.topics[0] = (struct evm_topic_filter){ &verifier_topic_revoked, 1 };
		f.topics[1] = (struct evm_topic_filter){ &signer, 1 };
		f.topics[2] = (struct evm_topic_filter){ &nonce, 1 };
		f.n_topics = 3;
		evm_ask_logs(&b, &f);
		for (int i = 0; i < 2; i++) {
			s->asked_from[s->asked] = from;
			s->asked_to[s->asked++] = to;
		}
		s->next = from;
	}
	s->ask = endpoints_ask(s->space->chain->ep, &b, 0, logs_answered, s);
}

/* --- the nonce, and the transactions we know --- */

static bool look_at_receipt(struct search *s, const struct jsonrpc_answer *answer, const struct hash32 *hash)
{
	struct evidence *e = &s->r.evidence;
	struct evm_receipt receipt;
	struct verifier_log v;
	bool there;
	struct err err;
	json_t *json;

	/* A receipt that cannot be read tells nothing: the logs are searched as if it were not there. */
	if (jsonrpc_result(answer, &json, &err) != 0 ||
	    evm_reply_receipt(&s->round, json, hash, &there, &receipt, &err) != 0 || !there ||
	    receipt.block_number > s->block)
		return false;
	for (size_t i = 0; i < receipt.n_logs; i++) {
		const struct evm_log *log = &receipt.logs[i];

		if (!evm_address_equal(&log->address, &s->space->conf.contract) ||
		    verifier_log_decode(log->topics, log->n_topics, log->data, &v, &err) != 0 ||
		    v.event != VERIFIER_EXECUTED || !hash32_equal(&v.digest, &s->digest))
			continue;
		*e = (struct evidence){ .verdict = EVIDENCE_OWN,
					.digest = s->digest,
					.tx_hash = *hash,
					.block = receipt.block_number,
					.gas_used = receipt.gas_used,
					.gas_price = receipt.effective_gas_price };
		return true;
	}
	return false;
}

static void nonce_answered(void *ctx, const struct evm_answers *rep)
{
	struct search *s = ctx;
	struct bytes data;
	struct err err;
	json_t *v;
	bool used;

	s->ask = NULL;
	if (rep->endpoint < 0) {
		finish(s, &rep->err);
		return;
	}
	if (jsonrpc_result(&rep->answers[0], &v, &err) != 0 ||
	    evm_reply_data(&s->round, v, EVM_DATA_MAX, &data, &err) != 0 ||
	    verifier_bool_result(data, &used, &err) != 0) {
		err_context(&err, "the nonce at block %llu", (unsigned long long)s->block);
		finish(s, &err);
		return;
	}
	for (size_t i = 0; used && i < s->n_hashes; i++)
		if (look_at_receipt(s, &rep->answers[1 + i], &s->hashes[i])) {
			found(s, EVIDENCE_OWN);
			return;
		}
	if (used)
		ask_logs(s);
	else if (s->why)
		ask_why(s);
	else if (s->revoking)
		ask_revoke(s);
	else
		found(s, EVIDENCE_UNUSED);
}

static void ask_nonce(struct search *s)
{
	SCOPED(buf) struct buf data = BUF_CAP(256);
	struct jsonrpc_batch b = jsonrpc_batch_in(&s->round);
	struct evm_message m = { .to = s->space->conf.contract };

	verifier_is_nonce_used(&data, &s->space->signer, s->r.row.nonce);
	m.data = buf_bytes(&data);
	evm_ask_call(&b, &m, evm_block_at(s->block));
	for (size_t i = 0; i < s->n_hashes; i++)
		evm_ask_receipt(&b, &s->hashes[i]);
	s->ask = endpoints_ask(s->space->chain->ep, &b, 0, nonce_answered, s);
}

/* Where to look, known only now: the space may have gone from the configuration. */
static int prepare(struct search *s, const struct hash32 *hint, struct err *err)
{
	struct chain *c;
	struct hash32 *known;
	size_t n;

	s->space = outbox_space_of(s->ob, s->r.row.space_id);
	if (!s->space) {
		ERR(err, ERR_CONFIG, "the space of directive %s is not configured any more", s->r.row.id);
		return err_hint(err, "outbox_space");
	}
	c = s->space->chain;
	if (!c->head_known || (s->final && !chain_final_block(c, &s->block))) {
		ERR(err, ERR_PEER_DOWN, "chain %llu has not answered yet", (unsigned long long)c->conf.chain_id);
		return err_hint(err, "outbox.lanes");
	}
	if (!s->final)
		s->block = c->head;
	s->next = s->block + 1;
	s->range = c->conf.log_range;
	signer_digest(s->space, &s->r.row, &s->id_hash, &s->digest);
	if (item_store_hashes_of(store_view(s->ob->opt.store), &s->round, s->r.row.seq, HASHES_MAX, &known, &n, err) !=
	    0)
		return -1;
	memcpy(s->hashes, known, n * sizeof(*known));
	s->n_hashes = n;
	if (hint)
		s->hashes[s->n_hashes++] = *hint;
	return 0;
}

static void begin(void *ctx)
{
	struct search *s = ctx;
	const struct hash32 *hint = s->n_hashes ? &s->hashes[0] : NULL;
	struct hash32 copy;
	struct err err;

	if (hint)
		copy = *hint;
	if (prepare(s, hint ? &copy : NULL, &err) != 0)
		finish(s, &err);
	else
		ask_nonce(s);
}

struct search *search_start(struct outbox *ob, const struct search_request *req, struct search_hooks hooks)
{
	struct search *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->ob = ob;
	s->arena = ARENA_LIMIT(4 * 1024 * 1024);
	s->round = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	s->r.row = directive_row_copy(&s->arena, &req->row);
	s->again = loop_timer(ob->opt.loop, look_again, s);
	s->final = req->final;
	s->why = req->why;
	s->revoking = req->revoker != NULL;
	if (req->revoker)
		s->revoker = *req->revoker;
	if (req->hint)
		s->hashes[s->n_hashes++] = *req->hint;
	s->hooks = hooks;
	s->next_search = ob->searches;
	if (s->next_search)
		s->next_search->prev = &s->next_search;
	s->prev = &ob->searches;
	ob->searches = s;
	loop_post(ob->opt.loop, begin, s);
	return s;
}
