/* actions/onchain_send.c - pay on chain, and follow the payment until enough blocks are on top of it.  spec/exit.md 7.7 to
 * 7.12.
 *
 *   awaiting_psbt ──signed elsewhere──┐        ┌──a block has it──→ confirming ──deep enough──→ done
 *        │ cancel                     ↓        │                        │ reorganised
 *        ↓                      broadcasting ⇄ in_mempool ←─────────────┘
 *     cancelled                     ↑ bump, cancel: a replacement      └──a stranger's is deep in the chain──→ failed
 *
 * Coins are locked, the transaction is signed and stored in the unit that starts the action: what is sent later is those
 * bytes, however often.  Where a transaction stands is the follower's to say (chain/), and read from the store; here it is
 * only given to nodes.  A cancel pays the coins back by a replacement, because what a node has cannot be taken back; only
 * what certainly no node has is given up. */
#include <inttypes.h>
#include <string.h>

#include "actions/kinds.h"
#include "actions/onchain_order.h"
#include "actions/onchain_psbt.h"
#include "actions/onchain_replace.h"
#include "actions/onchain_reserve.h"
#include "actions/onchain_versions.h"
#include "base/failpoint.h"
#include "store/tx_store.h"

enum send_state { /* stored: append, never renumber */
		  SEND_AWAITING_PSBT = 1,
		  SEND_BROADCASTING = 2,
		  SEND_IN_MEMPOOL = 3,
		  SEND_CONFIRMING = 4
};

#define AGAIN_MS   (10 * 60 * INT64_C(1000)) /* nodes forget: what they took is given to them again so often */
#define EVICTED_MS (30 * INT64_C(1000)) /* one that no mempool has any more: not sooner than this after it was given */

struct send {
	struct versions vs;
	bool trying;         /* the last one is being given to a node: who dies now knows nothing (try_is_lost()) */
	int64_t given_at_ms; /* when a node last took it; 0: never */
	const char *psbt;    /* while it waits to be signed */
};

static json_t *send_save(struct step *s)
{
	const struct send *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	json_set(cp, "versions", versions_json(s->arena, &m->vs));
	json_set_bool(cp, "trying", m->trying);
	json_set_int(cp, "given_at_ms", m->given_at_ms);
	json_set_str(cp, "psbt", m->psbt);
	return cp;
}

static int send_load(struct step *s, const json_t *cp, struct err *err)
{
	struct send *m = ARENA_NEW(s->arena, struct send);
	json_t *list;

	s->checkpoint = m;
	if (json_get_arr(cp, "versions", VERSIONS_MAX, &list, err) != 0 || versions_parse(list, &m->vs, err) != 0 ||
	    json_get_bool(cp, "trying", &m->trying, err) != 0 ||
	    json_get_i64(cp, "given_at_ms", &m->given_at_ms, err) != 0)
		return -1;
	return json_opt_str(cp, "psbt", ONCHAIN_PSBT_TEXT_MAX, &m->psbt, err);
}

static struct version *last(struct send *m)
{
	return &m->vs.v[m->vs.n - 1];
}

/* --- start --- */

static void show_plan(struct step *s, const struct send *m, const struct onchain_draft *d)
{
	const struct version *v = &m->vs.v[m->vs.n - 1];
	struct utxo_sums sums;
	struct err ignored; /* what remains is an extra */
	struct sat out;

	onchain_draft_show(s, d, s->plan);
	onchain_set_txid(s->plan, "txid", &v->txid);
	json_set_u64(s->plan, "amount_sat", sat_value(v->amount));
	if (utxo_store_sums(s->view, &sums, &ignored) == 0)
		json_set_u64(s->plan, "remains_sat", sat_value(sums.of[UTXO_SPENDABLE]));
	if (sat_add(v->amount, v->fee, &out))
		json_set_u64(s->plan, "spend_sat", sat_value(out));
}

/* A label that the transaction is to have in history. */
static int label_of(const json_t *params, const char **ret, struct err *err)
{
	*ret = NULL;
	return json_opt_str(params, "label", ORDER_LABEL_MAX, ret, err);
}

static int draft_first(struct step *s, const json_t *params, struct onchain_draft *ret, struct err *err)
{
	struct onchain_order o;
	bool use_reserve = false;

	if (onchain_order_read(s, params, &o, err) != 0 || onchain_rate_param(s, params, &o.rate, err) != 0 ||
	    json_opt_bool(params, "use_reserve", &use_reserve, err) != 0)
		return -1;
	if (!o.sweep && onchain_change_script(s, &o.change_script, err) != 0)
		return -1;
	if (onchain_draft(s, &o, ret, err) != 0 || (!use_reserve && onchain_reserve_check(s, ret, err) != 0))
		return -1;
	/* What it needs no change for, it lets go of. */
	return sat_value(ret->change) == 0 ? script_store_release(s->unit, &s->row.id, err) : 0;
}

static int send_start(struct step *s, const json_t *params, struct err *err)
{
	struct send *m = ARENA_NEW(s->arena, struct send);
	struct onchain_draft d;
	const char *label;
	bool psbt = false;

	s->checkpoint = m;
	if (json_opt_bool(params, "psbt", &psbt, err) != 0 || label_of(params, &label, err) != 0 ||
	    draft_first(s, params, &d, err) != 0 ||
	    utxo_store_lock(s->unit, onchain_inputs(s, &d), d.tx.n_in, &s->row.id, s->now_ms, err) != 0 ||
	    versions_add(&m->vs, VERSION_SEND, &d, err) != 0)
		return -1;
	show_plan(s, m, &d);
	if (psbt) {
		if (onchain_psbt_of_draft(s, &d, &m->psbt, err) != 0)
			return -1;
		json_set_str(s->plan, "psbt", m->psbt);
		return SEND_AWAITING_PSBT;
	}
	if (onchain_sign(s, &d, err) != 0 || onchain_store(s, &d.tx, version_kind_name(VERSION_SEND), label, err) != 0)
		return -1;
	(void)FAILPOINT("onchain.start");
	return SEND_BROADCASTING;
}

/* --- what the follower has found out --- */

static struct outcome park(struct step *s, int state, int64_t after_ms)
{
	return outcome_park(state, s->now_ms + after_ms);
}

static json_t *result_of(struct step *s, const struct version *v, const struct standing_of *st)
{
	json_t *result = json_object_in(s->arena);
	char hash[TXID_TEXT];

	block_hash_text(&st->block.hash, hash);
	onchain_set_txid(result, "txid", &v->txid);
	json_set_u64(result, "amount_sat", sat_value(v->amount));
	json_set_u64(result, "fee_sat", sat_value(v->fee));
	json_set_int(result, "height", st->block.height);
	json_set_str(result, "block", hash);
	return result;
}

static struct outcome mined(struct step *s, const struct standing_of *st)
{
	struct outcome o;
	struct err why;

	if (st->depth < s->policy->onchain.confirmations)
		return park(s, SEND_CONFIRMING, AGAIN_MS);
	(void)FAILPOINT("onchain.end");
	if (st->winner->kind != VERSION_CANCEL)
		return outcome_done(result_of(s, st->winner, st));
	ERR(&why, ERR_CANCELLED, "the coins were paid back; the fee for that is gone");
	o = outcome_cancelled(&why);
	o.result = result_of(s, st->winner, st);
	o.funds_moved = "yes";
	return o;
}

static struct outcome lost(struct step *s, const struct standing_of *st)
{
	char rival[TXID_TEXT];
	struct err why;

	txid_text(&st->rival, rival);
	ERR(&why, ERR_DOUBLE_SPENT, "the transaction %s spent its coins, and is in block %" PRIu32, rival,
	    st->block.height);
	err_hint(&why, "does another wallet use the same words?");
	if (st->depth < s->policy->onchain.confirmations)
		return outcome_park_error(SEND_IN_MEMPOOL, s->now_ms + AGAIN_MS, &why);
	return outcome_failed(&why, "no"); /* nothing of what was to be paid arrived */
}

static struct outcome look_on(struct step *s, const struct send *m, const struct standing_of *st)
{
	int64_t wait_ms = st->place == TX_PENDING ? AGAIN_MS : EVICTED_MS, age_ms = s->now_ms - m->given_at_ms;

	switch (st->what) {
	case STANDING_MINED:
		return mined(s, st);
	case STANDING_LOST:
		return lost(s, st);
	case STANDING_OPEN:
		break;
	}
	if (m->given_at_ms > 0 && age_ms >= 0 && age_ms < wait_ms)
		return park(s, SEND_IN_MEMPOOL, wait_ms - age_ms);
	return outcome_next(SEND_BROADCASTING);
}

/* in_mempool and confirming: nobody is asked. */
static struct outcome watch_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct send *m = s->checkpoint;
	struct standing_of st;

	(void)rep;
	if (versions_standing(s, &m->vs, &st, err) != 0)
		return outcome_trouble(err);
	return look_on(s, m, &st);
}

/* --- giving it to a node --- */

/* A try whose outcome was never written: who made it has died, or was overtaken.  What a node says to the next one is no
 * answer to it. */
static void try_is_lost(struct send *m)
{
	if (m->trying)
		last(m)->maybe_out = true;
	m->trying = false;
}

static int give_prepare(struct step *s, struct err *err)
{
	struct send *m = s->checkpoint;

	(void)err;
	try_is_lost(m);
	m->trying = true;
	return 0;
}

static int give_ask(struct step *s, struct chain_question *ret, struct err *err)
{
	struct send *m = s->checkpoint;
	struct tx *tx = ARENA_NEW(s->arena, struct tx);
	struct standing_of st;
	struct tx_row row;
	int found;

	if (versions_standing(s, &m->vs, &st, err) != 0)
		return -1;
	if (st.what != STANDING_OPEN)
		return NOTHING_TO_ASK;
	found = tx_store_find(s->view, s->arena, &last(m)->txid, &row, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return ERR(err, ERR_INTERNAL, "its transaction is not stored");
	ret->broadcast = tx;
	return tx_decode(s->arena, row.raw, tx, err);
}

/* The node's no, in words of ours where they are known. */
static void refusal(const struct chain_broadcast *b, struct err *ret)
{
	switch (b->class) {
	case BROADCAST_INPUTS_GONE:
		ERR(ret, ERR_DOUBLE_SPENT, "the node does not know a coin that it spends, or has it spent: %s",
		    b->words);
		return;
	case BROADCAST_CONFLICT:
		ERR(ret, ERR_DOUBLE_SPENT, "the node has another transaction that spends its coins: %s", b->words);
		err_hint(ret, "onchain.bump with a higher feerate");
		return;
	case BROADCAST_FEE_TOO_LOW:
		ERR(ret, ERR_FEE, "the node wants a higher fee: %s", b->words);
		err_hint(ret, "onchain.bump, or wait for a quieter hour");
		return;
	case BROADCAST_MAXFEE:
		ERR(ret, ERR_FEE, "the node takes the fee for a mistake: %s", b->words);
		err_hint(ret, "its option maxtxfee, or action.cancel");
		return;
	case BROADCAST_WARMUP:
		ERR(ret, ERR_PEER_BUSY, "the node is starting: %s", b->words);
		return;
	case BROADCAST_OK:
	case BROADCAST_PREMATURE:
	case BROADCAST_POLICY:
	case BROADCAST_TRUC:
	case BROADCAST_EPHEMERAL:
	case BROADCAST_INVALID:
	case BROADCAST_BUG:
	case BROADCAST_OTHER:
	case BROADCAST_UNKNOWN:
		break;
	}
	ERR(ret, ERR_PEER, "the node refuses it (%s): %s", broadcast_class_name(b->class), b->words);
}

/* A replacement that certainly no node has is taken back: what it was to replace is the last one again. */
static int take_back(struct step *s, struct send *m, struct err *err)
{
	if (onchain_replacement_undo(s, &m->vs, err) != 0)
		return -1;
	(void)FAILPOINT("onchain.take_back");
	versions_withdraw(&m->vs);
	return 0;
}

static struct outcome refused(struct step *s, struct send *m, const struct chain_broadcast *b, struct err *err)
{
	struct err why;

	refusal(b, &why);
	if (b->class == BROADCAST_WARMUP || versions_living(&m->vs) == 1 || last(m)->maybe_out)
		return outcome_retry(s, &why);
	if (take_back(s, m, err) != 0)
		return outcome_trouble(err);
	err_context(&why, "the replacement was taken back");
	return outcome_park_error(SEND_IN_MEMPOOL, s->now_ms + EVICTED_MS, &why);
}

static struct outcome give_told(struct step *s, const struct chain_answer *got, struct err *err)
{
	struct send *m = s->checkpoint;
	struct err why;

	m->trying = false;
	if (!got)
		return watch_reply(s, NULL, err);
	if (got->broadcast.class == BROADCAST_OK) {
		last(m)->maybe_out = true;
		m->given_at_ms = s->now_ms;
		if (tx_store_seen_again(s->unit, &last(m)->txid, s->now_ms, err) != 0)
			return outcome_trouble(err);
		(void)FAILPOINT("onchain.sent");
		return park(s, SEND_IN_MEMPOOL, AGAIN_MS);
	}
	if (got->broadcast.class != BROADCAST_UNKNOWN)
		return refused(s, m, &got->broadcast, err);
	last(m)->maybe_out = true;
	why = got->err;
	if (why.code == ERR_NONE)
		ERR(&why, ERR_PEER_INVALID, "the node says yes to another transaction than it was given");
	return outcome_retry(s, &why);
}

/* --- waiting for a signature --- */

/* Whoever signs it may send it, too: then there is nothing to wait for. */
static struct outcome psbt_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct send *m = s->checkpoint;
	struct standing_of st;

	(void)rep;
	if (versions_standing(s, &m->vs, &st, err) != 0)
		return outcome_trouble(err);
	if (st.what == STANDING_OPEN && st.place != TX_PENDING)
		return park(s, SEND_AWAITING_PSBT, AGAIN_MS);
	m->psbt = NULL;
	last(m)->maybe_out = true;
	return look_on(s, m, &st);
}

static int import(struct step *s, struct send *m, const char *text, struct err *err)
{
	json_t *params;
	const char *label;
	struct tx tx;

	if (s->row.state != SEND_AWAITING_PSBT) {
		ERR(err, ERR_ILLEGAL_STATE, "it waits for no signature");
		return err_field(err, "id");
	}
	if (onchain_psbt_finish(s, m->psbt, text, &last(m)->txid, &tx, err) != 0 ||
	    json_parse(s->arena, bytes_of(s->row.params), JSON_DEPTH_MAX, &params, err) != 0 ||
	    label_of(params, &label, err) != 0 ||
	    onchain_store(s, &tx, version_kind_name(VERSION_SEND), label, err) != 0)
		return -1;
	(void)FAILPOINT("onchain.import");
	m->psbt = NULL;
	onchain_set_txid(s->plan, "txid", &last(m)->txid);
	return SEND_BROADCASTING;
}

/* --- replacing --- */

/* Why it can be replaced no more, or 0. */
static int check_replaceable(struct step *s, struct send *m, enum err_code no, struct err *err)
{
	struct standing_of st;
	char rival[TXID_TEXT];

	if (versions_standing(s, &m->vs, &st, err) != 0)
		return -1;
	switch (st.what) {
	case STANDING_OPEN:
		return 0;
	case STANDING_MINED:
		return ERR(err, no, "block %" PRIu32 " has it already", st.block.height);
	case STANDING_LOST:
		txid_text(&st.rival, rival);
		return ERR(err, no, "the transaction %s has spent its coins", rival);
	}
	return ERR(err, ERR_INTERNAL, "a payment that stands nowhere");
}

static int replace(struct step *s, struct send *m, enum version_kind kind, struct feerate rate,
		   struct onchain_draft *ret, struct err *err)
{
	const char *label;
	json_t *params;

	try_is_lost(m);
	if (json_parse(s->arena, bytes_of(s->row.params), JSON_DEPTH_MAX, &params, err) != 0 ||
	    label_of(params, &label, err) != 0 ||
	    onchain_replacement_draft(s, &m->vs, kind, params, rate, ret, err) != 0 ||
	    versions_add(&m->vs, kind, ret, err) != 0 || onchain_sign(s, ret, err) != 0 ||
	    onchain_store(s, &ret->tx, version_kind_name(kind), label, err) != 0)
		return -1;
	(void)FAILPOINT("onchain.replace");
	return 0;
}

static int bump(struct step *s, struct send *m, const json_t *params, struct err *err)
{
	const struct version before = *last(m);
	struct onchain_draft d;
	struct feerate rate;
	struct sat more;

	if (s->row.state == SEND_AWAITING_PSBT) {
		ERR(err, ERR_ILLEGAL_STATE, "it is not signed yet");
		err_hint(err, "psbt.broadcast, or action.cancel and start anew");
		return err_field(err, "id");
	}
	if (check_replaceable(s, m, ERR_ILLEGAL_STATE, err) != 0)
		return err_field(err, "id");
	if (onchain_rate_param(s, params, &rate, err) != 0 ||
	    replace(s, m, before.kind == VERSION_CANCEL ? VERSION_CANCEL : VERSION_BUMP, rate, &d, err) != 0)
		return -1;
	show_plan(s, m, &d);
	json_set_u64(s->plan, "fee_before_sat", sat_value(before.fee));
	/* Of a key's budget only what it costs more. */
	if (sat_sub(last(m)->fee, before.fee, &more))
		json_set_u64(s->plan, "spend_sat", sat_value(more));
	return SEND_BROADCASTING;
}

static int send_amend(struct step *s, const json_t *params, struct err *err)
{
	struct send *m = s->checkpoint;
	const char *psbt = NULL;

	if (json_opt_str(params, "psbt", ONCHAIN_PSBT_TEXT_MAX, &psbt, err) != 0)
		return -1;
	return psbt ? import(s, m, psbt, err) : bump(s, m, params, err);
}

/* --- cancel --- */

static struct outcome give_up(struct step *s, struct send *m, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < m->vs.n && !m->psbt; i++)
		if (tx_store_give_up(s->unit, &m->vs.v[i].txid, s->now_ms, err) != 0)
			return outcome_trouble(err);
	(void)FAILPOINT("onchain.give_up");
	ERR(&why, ERR_CANCELLED, "no node has had it: its coins are free again");
	return outcome_cancelled(&why);
}

static struct outcome pay_back(struct step *s, struct send *m, struct err *err)
{
	struct onchain_draft d;
	struct feerate rate;
	struct err why;

	if (last(m)->kind == VERSION_CANCEL) {
		ERR(&why, ERR_NOT_CANCELLABLE, "its coins are on their way back already");
		return outcome_trouble(&why);
	}
	/* What it takes to outbid the payment is worked out with the draft. */
	if (onchain_tier_rate(s->chain, &s->policy->onchain, FEE_REGULAR, &rate, err) != 0)
		rate = onchain_incremental(s->chain);
	if (replace(s, m, VERSION_CANCEL, rate, &d, err) != 0) {
		why = *err;
		if (why.class == ERR_INVALID && why.code != ERR_WALLET_LOCKED)
			ERR(&why, ERR_NOT_CANCELLABLE, "no replacement can take it back: %s", err->msg);
		return outcome_trouble(&why);
	}
	return outcome_next(SEND_BROADCASTING);
}

static struct outcome send_cancel(struct step *s, struct err *err)
{
	struct send *m = s->checkpoint;

	struct standing_of st;

	if (m->psbt)
		return give_up(s, m, err);
	if (check_replaceable(s, m, ERR_NOT_CANCELLABLE, err) != 0 || versions_standing(s, &m->vs, &st, err) != 0)
		return outcome_trouble(err);
	/* What the follower has seen is out, whatever a node has said. */
	if (!m->trying && !versions_maybe_out(&m->vs) && st.place != TX_PENDING)
		return give_up(s, m, err);
	return pay_back(s, m, err);
}

/* --- hooks --- */

/* Nothing that a node says ends a payment: a block does. */
static struct outcome send_rejected(struct step *s, const struct err *why, struct err *err)
{
	(void)err;
	return outcome_retry(s, why);
}

static json_t *send_progress(struct step *s, bool secrets)
{
	struct send *m = s->checkpoint;
	json_t *v = json_object_in(s->arena), *replaced = json_array_in(s->arena);
	struct standing_of st;
	char text[TXID_TEXT];
	struct err ignored; /* an extra */

	(void)secrets;
	onchain_set_txid(v, "txid", &last(m)->txid);
	json_set_u64(v, "amount_sat", sat_value(last(m)->amount));
	json_set_u64(v, "fee_sat", sat_value(last(m)->fee));
	json_set_bool(v, "cancelling", last(m)->kind == VERSION_CANCEL);
	for (size_t i = 0; i + 1 < m->vs.n; i++) {
		if (m->vs.v[i].withdrawn)
			continue;
		txid_text(&m->vs.v[i].txid, text);
		json_add_take(replaced, json_string(text));
	}
	json_set(v, "replaced", replaced);
	if (m->psbt)
		json_set_str(v, "psbt", m->psbt);
	else if (versions_standing(s, &m->vs, &st, &ignored) == 0)
		json_set_int(v, "confirmations", st.what == STANDING_MINED ? st.depth : 0);
	return v;
}

/* A payment that is called back is told of apart: neither does its money arrive, nor is there more to cancel. */
static const char *explain_state(struct step *s, bool cancelling)
{
	switch ((enum send_state)s->row.state) {
	case SEND_AWAITING_PSBT:
		return "Its coins are reserved; it waits to be signed elsewhere. psbt.broadcast goes on with it, action.cancel"
		       " frees the coins.";
	case SEND_BROADCASTING:
		return cancelling
			       ? "What pays its coins back is signed and stored; the same bytes are given to a node until one"
				 " has them."
			       : "It is signed and stored; the same bytes are given to a node until one has them.";
	case SEND_IN_MEMPOOL:
		if (cancelling)
			return "Nodes have what pays its coins back; it waits for a block, and the payment may yet be the quicker"
			       " one. onchain.bump pays more for the way back.";
		return "Nodes have it; it waits for a block. onchain.bump pays more, action.cancel pays the coins back.";
	case SEND_CONFIRMING:
		return "A block has it; it waits for more on top of that one.";
	}
	return "";
}

static const char *send_explain(struct step *s)
{
	struct send *m = s->checkpoint;
	const char *state = explain_state(s, last(m)->kind == VERSION_CANCEL);
	unsigned living = (unsigned)versions_living(&m->vs);
	char text[TXID_TEXT];

	if (living < 2)
		return state;
	txid_text(&last(m)->txid, text);
	return arena_printf(s->arena, "It was replaced %u time%s, at last by %s at a fee of %" PRIu64 " sat. %s",
			    living - 1, living == 2 ? "" : "s", text, sat_value(last(m)->fee), state);
}

static const struct param amend_params[] = {
	ONCHAIN_RATE_PARAMS,
	{ .name = "psbt",
	  .type = PARAM_STRING,
	  .max = ONCHAIN_PSBT_TEXT_MAX,
	  .help = "The PSBT that it waits for, signed." },
	{ 0 },
};

static const struct state_def send_states[] = {
	[SEND_AWAITING_PSBT] = { .name = "awaiting_psbt", .reply = psbt_reply, .cancellable = true },
	[SEND_BROADCASTING] = { .name = "broadcasting",
				.prepare = give_prepare,
				.ask = give_ask,
				.told = give_told,
				.uncertain = true,
				.cancellable = true },
	[SEND_IN_MEMPOOL] = { .name = "in_mempool", .reply = watch_reply, .cancellable = true },
	[SEND_CONFIRMING] = { .name = "confirming", .reply = watch_reply },
};

const struct action_kind onchain_send_kind = {
	.name = "onchain_send",
	.summary = "Pay on chain, one or many, and follow it into the blocks; cancel pays the coins back while it can.",
	.params = onchain_order_params,
	.states = send_states,
	.n_states = ARRAY_LEN(send_states),
	.needs_keys = true,
	.keyless = true, /* what is sent is signed already */
	.start = send_start,
	.save = send_save,
	.load = send_load,
	.on_rejection = send_rejected,
	.cancel = send_cancel,
	.amend = send_amend,
	.amend_params = amend_params,
	.progress = send_progress,
	.explain = send_explain,
};
