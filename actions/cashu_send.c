/* actions/cashu_send.c - make a token of an exact amount, and follow it until somebody claims it.  spec/cashu.md 4.5.
 *
 *   proofs_reserved ──→ token_created ──claimed──→ done
 *     (a child swap          │ cancel
 *      makes the amount)     ↓
 *                       rolling_back → reclaim_requested [→ checking → restoring] → cancelled, the ecash is back
 *                            └── claimed in the meantime ──→ done
 *
 * The token is shown once the unit that made it is durable, and as often as asked until it is claimed. */
#include "actions/cashu_send.h"

#include <inttypes.h>
#include <string.h>

#include "actions/cashu_condition.h"
#include "actions/kinds.h"
#include "rails/cashu/checkstate.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/output.h"
#include "rails/cashu/payreq.h"
#include "rails/cashu/token.h"
#include "store/event_store.h"

static json_t *send_save(struct step *s)
{
	const struct send *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	exchange_save(cp, &m->x);
	json_set_u64(cp, "amount", m->amount);
	json_set_bool(cp, "include_fee", m->include_fee);
	json_set_str(cp, "memo", m->memo);
	if (m->lock) {
		json_set(cp, "lock", m->lock);
		lock_opener_save(cp, &m->opener);
	}
	if (m->request) {
		json_set_str(cp, "request", m->request);
		json_set_int(cp, "deliveries", m->deliveries);
		json_set_bool(cp, "delivered", m->delivered);
		json_set_bool(cp, "refused", m->refused);
	}
	json_set_str(cp, "swap", m->swap.s);
	json_set_u64(cp, "swap_fee", m->swap_fee);
	json_set_str(cp, "token", m->token);
	json_set_u64(cp, "token_sum", m->token_sum);
	json_set_int(cp, "created_at_ms", m->created_at_ms);
	return cp;
}

static int delivery_load(const json_t *cp, struct send *m, struct err *err)
{
	uint64_t deliveries = 0;

	if (json_opt_str(cp, "request", PAYREQ_TEXT_MAX, &m->request, err) != 0 ||
	    json_opt_u64(cp, "deliveries", UINT32_MAX, &deliveries, err) != 0 ||
	    json_opt_bool(cp, "delivered", &m->delivered, err) != 0)
		return -1;
	m->deliveries = (uint32_t)deliveries;
	return json_opt_bool(cp, "refused", &m->refused, err);
}

static int send_load(struct step *s, const json_t *cp, struct err *err)
{
	struct send *m = ARENA_NEW(s->arena, struct send);
	const char *swap;

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 || exchange_load(s->arena, cp, &m->x, err) != 0 ||
	    json_get_u64(cp, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    json_get_bool(cp, "include_fee", &m->include_fee, err) != 0 ||
	    json_opt_str(cp, "memo", TOKEN_MEMO_MAX, &m->memo, err) != 0 ||
	    json_get_str(cp, "swap", ACTION_ID_MAX, &swap, err) != 0 ||
	    json_get_u64(cp, "swap_fee", AMOUNT_MAX, &m->swap_fee, err) != 0 ||
	    json_opt_str(cp, "token", TOKEN_TEXT_MAX, &m->token, err) != 0 ||
	    json_get_u64(cp, "token_sum", AMOUNT_MAX, &m->token_sum, err) != 0 ||
	    json_get_i64(cp, "created_at_ms", &m->created_at_ms, err) != 0)
		return -1;
	m->lock = json_object_get(cp, "lock");
	if (lock_opener_load(cp, &m->opener, err) != 0 || delivery_load(cp, m, err) != 0)
		return -1;
	if (*swap && !action_id_parse(swap, &m->swap))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad child");
	return 0;
}

static struct cashu_place *send_place(struct step *s)
{
	return &((struct send *)s->checkpoint)->at;
}

static struct exchange *send_exchange(struct step *s)
{
	return &((struct send *)s->checkpoint)->x;
}

/* --- the token --- */

/* The ids that the token's short ones could be taken for.  Proofs come in the order of their keysets. */
static int alike_keysets(struct step *s, const struct token *t, struct keyset_id **ret, size_t *n, struct err *err)
{
	struct keyset_id *all = NULL;
	size_t at = 0;

	for (size_t i = 0; i < t->n; i++) {
		char short_id[KEYSET_SHORT_ID_LEN + 1];
		struct keyset_id *some, *more;
		size_t n_some;

		if (i > 0 && keyset_id_equal(&t->proofs[i].keyset, &t->proofs[i - 1].keyset))
			continue;
		snprintf(short_id, sizeof(short_id), "%.*s", KEYSET_SHORT_ID_LEN, t->proofs[i].keyset.s);
		if (keyset_store_alike(s->view, s->arena, short_id, &some, &n_some, err) != 0)
			return -1;
		more = ARENA_ARRAY(s->arena, at + n_some, struct keyset_id);
		if (at)
			memcpy(more, all, at * sizeof(*all));
		if (n_some)
			memcpy(more + at, some, n_some * sizeof(*some));
		all = more;
		at += n_some;
	}
	*ret = all;
	*n = at;
	return 0;
}

static struct outcome token_make(struct step *s, struct send *m, struct err *err)
{
	struct token t = { .mint = m->at.mint, .has_unit = true, .unit = m->at.unit, .memo = m->memo };
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "token", m->at.mint_id, m->at.unit,
					    s->now_ms);
	struct pubkey *ys;
	struct keyset_id *known;
	struct ecash sum;
	size_t n_known;
	char *text;

	mv.note = m->memo;
	if (exchange_inputs(s, PROOF_LOCKED, &t.proofs, &ys, &t.n, err) != 0 ||
	    proofs_sum(t.proofs, t.n, m->at.unit, &sum, err) != 0 || alike_keysets(s, &t, &known, &n_known, err) != 0 ||
	    token_encode_v4(s->arena, &t, known, n_known, &text, err) != 0 ||
	    proof_store_move(&mv, &s->row.id, PROOF_LOCKED, PROOF_SENT, ACCOUNT_SENT, NULL, err) != 0 ||
	    movement_post(&mv, err) != 0 || event_append(s->unit, "token.created", s->row.id.s, "{}", err) != 0)
		return outcome_trouble(err);
	m->token = text;
	m->token_sum = ecash_value(sum);
	m->created_at_ms = s->now_ms;
	if (send_is_to_deliver(s, m))
		return outcome_next(SEND_DELIVERING);
	return outcome_park(SEND_TOKEN_CREATED, s->now_ms + WATCH_FIRST_MS);
}

static struct outcome reserved_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct send *m = s->checkpoint;
	struct action_row child;
	struct err why;

	(void)rep;
	if (action_id_is_empty(&m->swap))
		return token_make(s, m, err);
	if (action_store_get(s->view, s->arena, &m->swap, &child, err) != 0)
		return outcome_trouble(err);
	if (!action_status_is_final(child.status))
		return outcome_park(SEND_PROOFS_RESERVED, ACTION_NO_WAKE);
	if (child.status == ACTION_DONE)
		return token_make(s, m, err);
	cashu_child_error(&child, &why);
	return outcome_failed(&why, child.funds_moved ? child.funds_moved : "unknown");
}

/* --- is it claimed? --- */

int send_watch_enter(struct step *s, struct net_request *ret, struct err *err)
{
	return exchange_check(s, ret, err);
}

int send_mark_claimed(struct step *s, const struct send *m, const struct pubkey *ys, size_t n, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "send", m->at.mint_id, m->at.unit, s->now_ms);

	mv.note = m->memo;
	if (proof_store_move_some(&mv, &s->row.id, ys, n, PROOF_SENT, PROOF_SPENT, ACCOUNT_OUTSIDE, NULL, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

struct outcome send_claimed(struct step *s, const struct send *m)
{
	json_t *result = json_object_in(s->arena);

	json_set_str(result, "mint", m->at.mint);
	json_set_str(result, "unit", m->at.unit.s);
	json_set_u64(result, "amount", m->token_sum);
	json_set_u64(result, "fee", m->swap_fee);
	json_set_bool(result, "claimed", true);
	return outcome_done(result);
}

static int64_t watch_ms(const struct send *m, int64_t now_ms)
{
	int64_t age = now_ms - m->created_at_ms;

	if (age < 0 || age > WATCH_LAST_MS) /* below 0: the clock was set back */
		return WATCH_LAST_MS;
	return age < WATCH_FIRST_MS ? WATCH_FIRST_MS : age;
}

/* Reads NUT-07's answer about the token's proofs and marks the claimed ones.  *left: how many are not claimed. */
int send_watch_read(struct step *s, const struct net_reply *rep, size_t *left, size_t *pending, struct err *err)
{
	struct send *m = s->checkpoint;
	struct note_states states;
	struct cashu_mint mint;
	struct proof *proofs;
	struct pubkey *ys;
	size_t n, at = 0;

	if (exchange_inputs(s, PROOF_SENT, &proofs, &ys, &n, err) != 0 ||
	    checkstate_decode(s->arena, rep, ys, n, &states, err) != 0 || cashu_mint_load(s, &m->at, &mint, err) != 0 ||
	    cashu_mint_well(s, &mint.row, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (states.v[i] == NOTE_SPENT)
			ys[at++] = ys[i];
	if (at && send_mark_claimed(s, m, ys, at, err) != 0)
		return -1;
	*left = n - at;
	*pending = states.pending;
	return 0;
}

static struct outcome watch_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct send *m = s->checkpoint;
	size_t left, pending;

	if (send_watch_read(s, rep, &left, &pending, err) != 0)
		return outcome_trouble(err);
	if (left == 0)
		return send_claimed(s, m);
	if (pending == 0 && send_is_to_deliver(s, m))
		return outcome_next(SEND_DELIVERING);
	return outcome_park(SEND_TOKEN_CREATED, s->now_ms + watch_ms(m, s->now_ms));
}

/* --- hooks --- */

static struct outcome send_cancel(struct step *s, struct err *err)
{
	struct err why;

	switch ((enum send_state)s->row.state) {
	case SEND_TOKEN_CREATED:
		if (send_back_check(s, s->checkpoint, err) != 0)
			return outcome_trouble(err);
		return outcome_next(SEND_ROLLING_BACK);
	case SEND_DELIVERING:
		ERR(&why, ERR_NOT_CANCELLABLE, "the token is on its way to the payee; cancel when it has an answer");
		err_hint(&why, "action.get id=%s wait=park", s->row.id.s);
		return outcome_trouble(&why);
	case SEND_PROOFS_RESERVED:
		ERR(&why, ERR_NOT_CANCELLABLE, "its swap is under way; cancel when the token is made");
		err_hint(&why, "action.get id=%s wait=park", s->row.id.s);
		return outcome_trouble(&why);
	case SEND_ROLLING_BACK:
	case SEND_RECLAIM_SYNCING:
	case SEND_RECLAIM_DRAWING:
	case SEND_RECLAIM_REQUESTED:
	case SEND_RECLAIM_CHECKING:
	case SEND_RECLAIM_RESTORING:
		break;
	}
	ERR(&why, ERR_NOT_CANCELLABLE, "the token is being taken back already");
	return outcome_trouble(&why);
}

static json_t *send_progress(struct step *s, bool secrets)
{
	const struct send *m = s->checkpoint;
	json_t *v = json_object_in(s->arena);

	json_set_str(v, "mint", m->at.mint);
	json_set_str(v, "unit", m->at.unit.s);
	json_set_u64(v, "amount", m->token ? m->token_sum : m->amount);
	json_set_u64(v, "fee", m->swap_fee);
	json_set_bool(v, "claimed", false);
	if (m->lock)
		json_set(v, "lock", m->lock);
	if (m->request) {
		json_set_bool(v, "delivered", m->delivered);
		json_set_int(v, "deliveries", m->deliveries);
	}
	if (secrets && s->row.state == SEND_TOKEN_CREATED)
		json_set_str(v, "token", m->token);
	return v;
}

static const char *send_explain(struct step *s)
{
	switch ((enum send_state)s->row.state) {
	case SEND_PROOFS_RESERVED:
		return "It waits for a swap at the mint that makes notes of the exact amount.";
	case SEND_TOKEN_CREATED:
		return "The token is made; it waits to be claimed. action.cancel takes it back.";
	case SEND_DELIVERING:
		return "The token is made, and is being brought to who asked for it.";
	case SEND_ROLLING_BACK:
	case SEND_RECLAIM_SYNCING:
	case SEND_RECLAIM_DRAWING:
		return "It was cancelled; it looks whether the token has been claimed meanwhile.";
	case SEND_RECLAIM_REQUESTED:
		return "The token is being swapped back; the same bytes are sent until the mint answers.";
	case SEND_RECLAIM_CHECKING:
		return "It asks the mint whether the token is spent.";
	case SEND_RECLAIM_RESTORING:
		return "It asks the mint for signatures that it may have made already.";
	}
	return "";
}

static const struct exchange_use use = {
	.inputs = PROOF_SENT,
	.st_sync = SEND_RECLAIM_SYNCING,
	.st_draw = SEND_RECLAIM_DRAWING,
	.st_request = SEND_RECLAIM_REQUESTED,
	.st_check = SEND_RECLAIM_CHECKING,
	.st_restore = SEND_RECLAIM_RESTORING,
	.place = send_place,
	.exchange = send_exchange,
	.unlock = send_unlock,
	.finish = send_reclaim_finish,
	.refused = send_reclaim_refused,
	.elsewhere = send_reclaim_elsewhere,
};

static const struct param send_params[] = {
	{
		.name = "amount",
		.type = PARAM_INT,
		.min = 1,
		.max = INT64_MAX,
		.fallback = "what the request asks for",
		.help = "What the token is to hold, in the unit.",
	},
	{
		.name = "unit",
		.type = PARAM_STRING,
		.max = 15,
		.fallback = "sat",
		.help = "Unit of the ecash.",
	},
	{
		.name = "mint",
		.type = PARAM_STRING,
		.max = MINT_URL_MAX,
		.fallback = "the mint that holds most of the unit",
		.help = "URL of the mint.",
	},
	{
		.name = "memo",
		.type = PARAM_STRING,
		.max = TOKEN_MEMO_MAX,
		.help = "For the receiver, inside the token.",
	},
	{
		.name = "include_fee",
		.type = PARAM_BOOL,
		.fallback = "false",
		.help = "Add what the receiver's swap will cost, so that the amount arrives.",
	},
	{
		.name = "request",
		.type = PARAM_STRING,
		.max = PAYREQ_TEXT_MAX,
		.help = "A payment request (NUT-18, creqA…) to pay: it says how much, at which mints, locked to what, and whereto.",
	},
	CONDITION_PARAMS,
	{ 0 },
};

static const struct state_def send_states[] = {
	[SEND_PROOFS_RESERVED] = { .name = "proofs_reserved", .reply = reserved_reply },
	[SEND_TOKEN_CREATED] = { .name = "token_created",
				 .enter = send_watch_enter,
				 .reply = watch_reply,
				 .cancellable = true },
	[SEND_DELIVERING] = { .name = "delivering",
			      .prepare = send_deliver_prepare,
			      .enter = send_deliver_enter,
			      .reply = send_deliver_reply,
			      .uncertain = true, },
	[SEND_ROLLING_BACK] = { .name = "rolling_back", .enter = send_watch_enter, .reply = send_rolling_reply },
	[SEND_RECLAIM_SYNCING] = { .name = "reclaim_syncing", .reply = exchange_sync },
	[SEND_RECLAIM_DRAWING] = { .name = "reclaim_drawing", .reply = send_drawing_reply },
	[SEND_RECLAIM_REQUESTED] = { .name = "reclaim_requested",
				     .prepare = exchange_prepare,
				     .enter = exchange_request,
				     .reply = exchange_reply,
				     .uncertain = true, },
	[SEND_RECLAIM_CHECKING] = { .name = "reclaim_checking",
				    .enter = exchange_check,
				    .reply = exchange_checked,
				    .uncertain = true, },
	[SEND_RECLAIM_RESTORING] = { .name = "reclaim_restoring",
				     .enter = exchange_restore,
				     .reply = exchange_restored,
				     .uncertain = true, },
};

const struct action_kind cashu_send_kind = {
	.name = "cashu_send",
	.summary = "Make a token of an exact amount; cancel takes it back while nobody has claimed it.",
	.params = send_params,
	.states = send_states,
	.n_states = ARRAY_LEN(send_states),
	.needs_keys = true,
	.family = &use,
	.start = send_start,
	.save = send_save,
	.load = send_load,
	.on_retry = exchange_retry,
	.on_rejection = exchange_retry,
	.cancel = send_cancel,
	.progress = send_progress,
	.explain = send_explain,
};
