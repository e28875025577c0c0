/* actions/cashu_swap.c - exchange proofs for fresh ones: by itself to consolidate, or to be rid of keysets that the mint
 * retires (cashu_rotate.h), or as a child to make the exact amount that a send needs.  spec/cashu.md 4.7, 6.4, NUT-03. */
#include <inttypes.h>
#include <string.h>

#include "actions/cashu_exchange.h"
#include "actions/ecash.h"
#include "actions/kinds.h"
#include "base/rng.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/output.h"

enum swap_state { /* stored: append, never renumber */
		  SWAP_SYNCING = 1,
		  SWAP_PROOFS_RESERVED = 2,
		  SWAP_REQUESTED = 3,
		  SWAP_CHECKING = 4,
		  SWAP_RESTORING = 5
};

struct swap {
	struct cashu_place at;
	struct exchange x;
	uint64_t target; /* what the parent is to get, net of its receiver's fee when net; 0: all stays here */
	bool net;
	bool retiring; /* notes of retiring keysets, and not before the keysets are fresh: nothing waits for them */
	struct cashu_seal seal; /* what the parent's notes are locked to */
};

static json_t *swap_save(struct step *s)
{
	const struct swap *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	exchange_save(cp, &m->x);
	json_set_u64(cp, "target", m->target);
	json_set_bool(cp, "net", m->net);
	json_set_bool(cp, "retiring", m->retiring);
	if (m->seal.condition) {
		char salt[2 * sizeof(m->seal.salt.b) + 1];

		hex_encode(m->seal.salt.b, sizeof(m->seal.salt.b), salt);
		json_set_str(cp, "salt", salt);
		json_set(cp, "lock", (json_t *)m->seal.condition);
	}
	return cp;
}

static int seal_load(const json_t *cp, struct cashu_seal *ret, struct err *err)
{
	const char *salt;

	ret->condition = json_object_get(cp, "lock");
	if (!ret->condition)
		return 0;
	if (json_get_str(cp, "salt", 2 * sizeof(ret->salt.b), &salt, err) != 0)
		return -1;
	if (!hex_decode(salt, ret->salt.b, sizeof(ret->salt.b)))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad salt");
	return 0;
}

static int swap_load(struct step *s, const json_t *cp, struct err *err)
{
	struct swap *m = ARENA_NEW(s->arena, struct swap);

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 || exchange_load(s->arena, cp, &m->x, err) != 0 ||
	    json_get_u64(cp, "target", AMOUNT_MAX, &m->target, err) != 0 || seal_load(cp, &m->seal, err) != 0 ||
	    json_opt_bool(cp, "retiring", &m->retiring, err) != 0) /* older checkpoints know nothing of it */
		return -1;
	return json_get_bool(cp, "net", &m->net, err);
}

static struct cashu_place *swap_place(struct step *s)
{
	return &((struct swap *)s->checkpoint)->at;
}
static struct exchange *swap_exchange(struct step *s)
{
	return &((struct swap *)s->checkpoint)->x;
}

/* What the target's notes add up to: the fee-inclusive split when the receiver's fee is to be paid too. */
static int split_target(struct step *s, const struct swap *m, const struct keyset *ks, struct split *ret,
			struct err *err)
{
	return m->net ? split_net(s->arena, ks, m->target, ret, err) : split_amount(s->arena, ks, m->target, ret, err);
}

/* New notes have to be better than the old ones, or there would be no end of it. */
static int choose_retiring(struct step *s, const struct cashu_mint *mint, struct currency unit,
			   const struct note *notes, size_t n, struct selection *ret, struct err *err)
{
	const struct keyset *ks;

	if (cashu_output_keyset(s, mint, unit, &ks, err) != 0)
		return -1;
	if (!keyset_expires_soon(ks, s->now_ms / 1000) && select_rotation(s->arena, notes, n, ret))
		return 0;
	ERR(err, ERR_FUNDS, "no %s of a retiring keyset whose exchange is worth its fee", unit.s);
	err_hint(err, "without retiring, whatever is there is exchanged");
	return err_field(err, "retiring");
}

/* Which of the spendable notes to give: enough for the target and the fee, or all of them to consolidate. */
static int swap_choose(struct step *s, const struct cashu_mint *mint, const struct swap *m, const struct note *notes,
		       size_t n, struct selection *ret, struct err *err)
{
	const struct keyset *ks;
	struct split target;

	if (m->retiring)
		return choose_retiring(s, mint, m->at.unit, notes, n, ret, err);
	if (m->target) {
		if (cashu_output_keyset(s, mint, m->at.unit, &ks, err) != 0 ||
		    split_target(s, m, ks, &target, err) != 0)
			return -1;
		return select_cover(s->arena, notes, n, target.sum, ret, err);
	}
	if (n > SELECT_INPUTS_MAX)
		n = SELECT_INPUTS_MAX;
	*ret = (struct selection){ .index = ARENA_ARRAY(s->arena, n, size_t), .n = n };
	uint64_t ppk = 0;
	for (size_t i = 0; i < n; i++) {
		ret->index[i] = i;
		ret->sum += notes[i].amount;
		ppk += notes[i].input_fee_ppk;
	}
	ret->fee = fee_of_ppk(ppk);
	if (ret->sum > ret->fee)
		return 0;
	ERR(err, ERR_FUNDS, "nothing would be left of %" PRIu64 " after the mint's fee of %" PRIu64, ret->sum,
	    ret->fee);
	err_hint(err, "together with more ecash of this mint it can be spent");
	return err_field(err, "mint");
}

/* Locked notes are of no use to this wallet, so that only a parent, which hands them on, can ask for them. */
static int seal_start(struct step *s, const json_t *params, struct cashu_seal *ret, struct err *err)
{
	ret->condition = json_object_get(params, "lock");
	if (!ret->condition)
		return 0;
	if (action_id_is_empty(&s->row.parent)) {
		ERR(err, ERR_PARAM, "a swap by itself makes no locked notes");
		err_hint(err, "action.start cashu_send with lock_to");
		return err_field(err, "lock");
	}
	rng_bytes(ret->salt.b, sizeof(ret->salt.b));
	return 0;
}

/* What to give, chosen from all that is there; and whose it is, for proof_store_lock(). */
static int swap_look(struct step *s, const struct swap *m, struct selection *ret, struct pubkey **ret_ys,
		     struct err *err)
{
	struct cashu_mint mint;
	struct proof_row *rows;
	struct note *notes;
	size_t n;

	if (cashu_mint_load(s, &m->at, &mint, err) != 0 || cashu_purse(s, &m->at, &mint, &rows, &notes, &n, err) != 0)
		return -1;
	if (n == 0) {
		ERR(err, ERR_FUNDS, "no spendable %s at %s", m->at.unit.s, mint.row.url);
		err_hint(err, "balance shows what is where");
		return err_field(err, "mint");
	}
	if (swap_choose(s, &mint, m, notes, n, ret, err) != 0)
		return -1;
	*ret_ys = ARENA_ARRAY(s->arena, ret->n, struct pubkey);
	for (size_t i = 0; i < ret->n; i++)
		(*ret_ys)[i] = rows[ret->index[i]].proof.y;
	return 0;
}

static int swap_lock(struct step *s, const struct swap *m, const struct pubkey *ys, size_t n, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "lock", m->at.mint_id, m->at.unit, s->now_ms);

	return proof_store_lock(&mv, ys, n, &s->row.id, err) != 0 ? -1 : movement_post(&mv, err);
}

static int swap_start(struct step *s, const json_t *params, struct err *err)
{
	struct swap *m = ARENA_NEW(s->arena, struct swap);
	const char *url;
	struct mint_row mint;
	struct selection chosen;
	struct pubkey *ys;

	s->checkpoint = m;
	if (json_get_str(params, "mint", MINT_URL_MAX, &url, err) != 0 ||
	    ecash_mint_find(s->view, s->arena, url, &mint, err) != 0 ||
	    cashu_unit_param(params, &m->at.unit, err) != 0 ||
	    json_opt_u64(params, "target", AMOUNT_MAX, &m->target, err) != 0 ||
	    json_opt_bool(params, "include_fee", &m->net, err) != 0 ||
	    json_opt_bool(params, "retiring", &m->retiring, err) != 0 || seal_start(s, params, &m->seal, err) != 0)
		return -1;
	if (m->retiring && m->target) {
		ERR(err, ERR_PARAM, "retiring notes are exchanged for themselves, not for a target");
		return err_field(err, "target");
	}
	m->at.mint = mint.url;
	m->at.mint_id = mint.id;
	s->row.peer = mint.url;
	if (swap_look(s, m, &chosen, &ys, err) != 0 || (!m->retiring && swap_lock(s, m, ys, chosen.n, err) != 0))
		return -1;
	json_set_str(s->plan, "mint", m->at.mint);
	json_set_str(s->plan, "unit", m->at.unit.s);
	json_set_u64(s->plan, "inputs", chosen.n);
	json_set_u64(s->plan, "amount", chosen.sum);
	json_set_u64(s->plan, "fee", chosen.fee);
	/* A send counts the fee of its swap itself. */
	if (strcmp(m->at.unit.s, "sat") == 0)
		json_set_u64(s->plan, "spend_sat", chosen.fee);
	return SWAP_SYNCING;
}

static int swap_draw(struct step *s, struct swap *m, struct err *err)
{
	struct cashu_mint mint;
	const struct keyset *ks;
	struct proof *inputs;
	struct pubkey *ys;
	struct split target = { 0 }, keep;
	struct ecash sum, fee;
	uint64_t *held, left;
	size_t n, n_held, at = 0;

	if (cashu_mint_load(s, &m->at, &mint, err) != 0 || cashu_output_keyset(s, &mint, m->at.unit, &ks, err) != 0 ||
	    exchange_inputs(s, PROOF_LOCKED, &inputs, &ys, &n, err) != 0 ||
	    proofs_sum(inputs, n, m->at.unit, &sum, err) != 0 ||
	    fee_of_proofs(inputs, n, mint.keysets, mint.n, m->at.unit, &fee, err) != 0 ||
	    cashu_held(s, &m->at, &held, &n_held, err) != 0)
		return -1;
	if (m->target && split_target(s, m, ks, &target, err) != 0)
		return -1;
	/* Nothing at all is no swap either: a mint may have raised its fee to what there is. */
	if (!ecash_sub(sum, fee, &sum) || ecash_is_zero(sum) || ecash_value(sum) < target.sum)
		return ERR(err, ERR_FUNDS, "after a change of fees the proofs do not cover the amount");
	left = ecash_value(sum) - target.sum;
	if (split_keep(s->arena, ks, left, held, n_held, &keep, err) != 0)
		return -1;
	struct cashu_draw *draw = ARENA_ARRAY(s->arena, target.n + keep.n, struct cashu_draw);
	for (size_t i = 0; i < target.n; i++)
		draw[at++] = (struct cashu_draw){ target.v[i], OUTPUT_FOR_PARENT };
	for (size_t i = 0; i < keep.n; i++)
		draw[at++] = (struct cashu_draw){ keep.v[i], OUTPUT_KEEP };
	m->seal.round = m->x.rebuilds;
	return cashu_outputs_draw_sealed(s, m->at.mint_id, ks, draw, at, &m->seal, err);
}

static struct outcome swap_done(struct step *s, uint64_t amount, uint64_t fee)
{
	const struct swap *m = s->checkpoint;
	json_t *result = json_object_in(s->arena);

	json_set_str(result, "mint", m->at.mint);
	json_set_str(result, "unit", m->at.unit.s);
	json_set_u64(result, "amount", amount);
	json_set_u64(result, "fee", fee);
	return outcome_done(result);
}

/* Does it hold its notes?  Those of retiring keysets are taken now that the keysets are known: 1, 0 when there are none any
 * more, -1. */
static int swap_holds(struct step *s, const struct swap *m, struct err *err)
{
	struct proof_row *rows;
	struct selection chosen;
	struct pubkey *ys;
	size_t n;

	if (!m->retiring)
		return 1;
	if (proof_store_by_holder(s->view, s->arena, &s->row.id, PROOF_LOCKED, &rows, &n, err) != 0)
		return -1;
	if (n > 0)
		return 1;
	if (swap_look(s, m, &chosen, &ys, err) != 0)
		return err->code == ERR_FUNDS ? 0 : -1;
	return swap_lock(s, m, ys, chosen.n, err) != 0 ? -1 : 1;
}

static struct outcome reserved_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	int holds = swap_holds(s, s->checkpoint, err);

	(void)rep;
	if (holds == 0)
		return swap_done(s, 0, 0);
	if (holds > 0 && swap_draw(s, s->checkpoint, err) == 0)
		return outcome_next(SWAP_REQUESTED);
	/* Nothing of ours is at the mint now: what cannot be made is given up, and the proofs are free again. */
	if (err->class == ERR_INVALID)
		return outcome_failed(err, "no");
	return outcome_trouble(err);
}

/* Proofs of one purpose, into the state that it calls for. */
static int add_proofs(struct step *s, struct movement *mv, const struct proof *proofs, const struct output *outputs,
		      size_t n, enum output_purpose purpose, struct err *err)
{
	bool for_parent = purpose == OUTPUT_FOR_PARENT && !action_id_is_empty(&s->row.parent);
	struct proof *some = ARENA_ARRAY(s->arena, n, struct proof);
	struct output *from = ARENA_ARRAY(s->arena, n, struct output);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (outputs[i].purpose != purpose)
			continue;
		from[at] = outputs[i];
		some[at++] = proofs[i];
	}
	if (at == 0)
		return 0;
	return proof_store_add(mv, some, at, for_parent ? PROOF_LOCKED : PROOF_SPENDABLE,
			       for_parent ? &s->row.parent : NULL, ACCOUNT_OUTSIDE,
			       exchange_counters(s->arena, from, at), err);
}

static struct outcome swap_finish(struct step *s, const struct proof *proofs, const struct output *outputs, size_t n,
				  struct err *err)
{
	struct swap *m = s->checkpoint;
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "swap", m->at.mint_id, m->at.unit, s->now_ms);
	struct ecash in, out, fee;

	if (proof_store_move(&mv, &s->row.id, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &in, err) != 0 ||
	    add_proofs(s, &mv, proofs, outputs, n, OUTPUT_KEEP, err) != 0 ||
	    add_proofs(s, &mv, proofs, outputs, n, OUTPUT_FOR_PARENT, err) != 0 ||
	    proofs_sum(proofs, n, m->at.unit, &out, err) != 0 || exchange_settle(s, &mv, in, out, &fee, err) != 0)
		return outcome_trouble(err);
	return swap_done(s, ecash_value(in), ecash_value(fee));
}

static struct outcome swap_refused(struct step *s, const struct err *why, struct err *err)
{
	struct swap *m = s->checkpoint;
	struct movement mv;

	/* 10001: these are not the mint's notes; they must never be offered again. */
	if (why->peer_code == CASHU_PROOF_INVALID) {
		mv = movement_begin(s->unit, &s->row.id, "ecash", "invalid", m->at.mint_id, m->at.unit, s->now_ms);
		if (proof_store_move(&mv, &s->row.id, PROOF_LOCKED, PROOF_INVALID, ACCOUNT_INVALID, NULL, err) != 0 ||
		    movement_post(&mv, err) != 0)
			return outcome_trouble(err);
	}
	return outcome_failed(why, "no");
}

static struct outcome swap_elsewhere(struct step *s, const struct pubkey *spent, size_t n, bool all, struct err *err)
{
	struct swap *m = s->checkpoint;
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "spent_elsewhere", m->at.mint_id, m->at.unit,
					    s->now_ms);
	struct err why;

	if (proof_store_move_some(&mv, &s->row.id, spent, n, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, NULL, err) !=
		    0 ||
	    movement_post(&mv, err) != 0)
		return outcome_trouble(err);
	ERR(&why, ERR_TOKEN_SPENT, "%s of the proofs were spent by another copy of this wallet", all ? "all" : "some");
	return outcome_failed(&why, "yes");
}

static const struct exchange_use use = {
	.inputs = PROOF_LOCKED,
	.st_sync = SWAP_SYNCING,
	.st_draw = SWAP_PROOFS_RESERVED,
	.st_request = SWAP_REQUESTED,
	.st_check = SWAP_CHECKING,
	.st_restore = SWAP_RESTORING,
	.place = swap_place,
	.exchange = swap_exchange,
	.finish = swap_finish,
	.refused = swap_refused,
	.elsewhere = swap_elsewhere,
};

static struct outcome swap_cancel(struct step *s, struct err *err)
{
	struct err why;

	(void)err;
	if (!action_id_is_empty(&s->row.parent)) {
		ERR(&why, ERR_NOT_CANCELLABLE, "this swap belongs to the action %s", s->row.parent.s);
		err_hint(&why, "action.cancel id=%s", s->row.parent.s);
		return outcome_trouble(&why);
	}
	if (s->row.state >= SWAP_REQUESTED) {
		ERR(&why, ERR_NOT_CANCELLABLE,
		    "the mint may have made the swap already; it will be followed to its end");
		return outcome_trouble(&why);
	}
	ERR(&why, ERR_CANCELLED, "cancelled before anything was sent");
	return outcome_cancelled(&why);
}

static const char *swap_explain(struct step *s)
{
	const struct swap *m = s->checkpoint;

	switch ((enum swap_state)s->row.state) {
	case SWAP_SYNCING:
		return "It asks the mint for its current keysets.";
	case SWAP_PROOFS_RESERVED:
		return m->retiring ? "It chooses among the notes of retiring keysets; nothing was sent."
				   : "Its proofs are reserved; nothing was sent.";
	case SWAP_REQUESTED:
		return m->x.sends > 1
			       ? "The swap was sent more than once; the same bytes are sent until the mint answers."
			       : "The swap is at the mint.";
	case SWAP_CHECKING:
		return "It asks the mint whether its proofs are spent.";
	case SWAP_RESTORING:
		return "It asks the mint for signatures that it may have made already.";
	}
	return "";
}

static const struct param swap_params[] = {
	{
		.name = "mint",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED,
		.max = MINT_URL_MAX,
		.help = "URL of the mint.",
	},
	{
		.name = "unit",
		.type = PARAM_STRING,
		.max = 15,
		.fallback = "sat",
		.help = "Unit of the ecash.",
	},
	{
		.name = "target",
		.type = PARAM_INT,
		.min = 1,
		.max = INT64_MAX,
		.fallback = "none: all spendable proofs are consolidated",
		.help = "Make notes of exactly this amount, as a send needs them.",
	},
	{
		.name = "include_fee",
		.type = PARAM_BOOL,
		.fallback = "false",
		.help = "Let the target also cover the fee that the receiver will pay.",
	},
	{
		.name = "retiring",
		.type = PARAM_BOOL,
		.fallback = "false",
		.help = "Take notes of keysets that the mint retires, and of those only what is worth the fee.",
	},
	{
		.name = "lock",
		.type = PARAM_OBJECT,
		.fallback = "none",
		.help = "What the notes of the target are locked to (kind, data, tags as in NUT-10): for a send alone.",
	},
	{ 0 },
};

static const struct state_def swap_states[] = {
	[SWAP_SYNCING] = { .name = "syncing", .reply = exchange_sync, .cancellable = true },
	[SWAP_PROOFS_RESERVED] = { .name = "proofs_reserved", .reply = reserved_reply, .cancellable = true },
	[SWAP_REQUESTED] = { .name = "swap_requested",
			     .prepare = exchange_prepare,
			     .enter = exchange_request,
			     .reply = exchange_reply,
			     .uncertain = true, },
	[SWAP_CHECKING] = { .name = "checking", .enter = exchange_check, .reply = exchange_checked, .uncertain = true, },
	[SWAP_RESTORING] = { .name = "restoring",
			     .enter = exchange_restore,
			     .reply = exchange_restored,
			     .uncertain = true, },
};

const struct action_kind cashu_swap_kind = {
	.name = "cashu_swap",
	.summary = "Exchange ecash for fresh notes at the same mint: to consolidate, or to have an exact amount.",
	.params = swap_params,
	.states = swap_states,
	.n_states = ARRAY_LEN(swap_states),
	.needs_keys = true,
	.family = &use,
	.start = swap_start,
	.save = swap_save,
	.load = swap_load,
	.on_retry = exchange_retry,
	.on_rejection = exchange_retry,
	.cancel = swap_cancel,
	.explain = swap_explain,
};
