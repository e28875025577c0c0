#include "actions/cashu_exchange.h"

#include <inttypes.h>
#include <string.h>

#include "base/backoff.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"
#include "rails/cashu/swap.h"
#include "store/event_store.h"
#include "store/key_index_store.h"

#define REBUILDS_MAX   12 /* collisions double their step: 12 of them pass 400,000 counters */
#define COLLISION_STEP 100
/* An answer of ours may be lost: so often, over half a minute, the mint must say that it has signed nothing. */
#define EMPTY_ANSWERS 4
#define WAIT_MS       2000 /* another copy of the request is at work at the mint */
#define WAITS_MAX     30   /* and so many times as long at most, when it is at work for ever */

void exchange_save(json_t *to, const struct exchange *x)
{
	json_set_int(to, "sends", x->sends);
	json_set_int(to, "rebuilds", x->rebuilds);
	json_set_int(to, "last_code", x->last_code);
	json_set_int(to, "inputs", x->n_inputs);
	json_set_int(to, "empties", x->empties);
	json_set_bool(to, "foreign", x->foreign);
	json_t *spent = json_array();
	for (uint32_t i = 0; i < x->n_spent; i++)
		json_add_take(spent, json_integer(x->spent[i]));
	json_set_take(to, "spent", spent);
}

static const struct exchange_use *use_of(const struct step *s)
{
	return s->kind->family;
}

static int load_u32(const json_t *from, const char *name, uint32_t *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(from, name, UINT32_MAX, &v, err) != 0)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

int exchange_load(struct arena *a, const json_t *from, struct exchange *x, struct err *err)
{
	uint32_t code;
	json_t *spent;

	if (load_u32(from, "sends", &x->sends, err) != 0 || load_u32(from, "rebuilds", &x->rebuilds, err) != 0 ||
	    load_u32(from, "last_code", &code, err) != 0 || load_u32(from, "inputs", &x->n_inputs, err) != 0 ||
	    load_u32(from, "empties", &x->empties, err) != 0 || json_get_bool(from, "foreign", &x->foreign, err) != 0 ||
	    json_get_arr(from, "spent", CASHU_LIST_MAX, &spent, err) != 0)
		return -1;
	x->last_code = (int)code;
	x->n_spent = (uint32_t)json_array_size(spent);
	x->spent = ARENA_ARRAY(a, x->n_spent, uint32_t);
	for (uint32_t i = 0; i < x->n_spent; i++)
		x->spent[i] = (uint32_t)json_integer_value(json_array_get(spent, i));
	return 0;
}

int exchange_inputs(struct step *s, enum proof_state state, struct proof **ret, struct pubkey **ret_ys, size_t *n,
		    struct err *err)
{
	struct proof_row *rows;

	if (proof_store_by_holder(s->view, s->arena, &s->row.id, state, &rows, n, err) != 0)
		return -1;
	if (*n == 0)
		return ERR(err, ERR_INTERNAL, "the action holds no proofs in state %s", proof_state_name(state));
	*ret = ARENA_ARRAY(s->arena, *n, struct proof);
	*ret_ys = ARENA_ARRAY(s->arena, *n, struct pubkey);
	for (size_t i = 0; i < *n; i++) {
		(*ret)[i] = rows[i].proof;
		(*ret_ys)[i] = rows[i].proof.y;
	}
	return 0;
}

int64_t *exchange_counters(struct arena *a, const struct output *outputs, size_t n)
{
	int64_t *counters = ARENA_ARRAY(a, n, int64_t);

	for (size_t i = 0; i < n; i++)
		counters[i] = outputs[i].counter;
	return counters;
}

int exchange_settle(struct step *s, struct movement *mv, struct ecash in, struct ecash out, struct ecash *ret_fee,
		    struct err *err)
{
	if (!ecash_sub(in, out, ret_fee))
		return ERR(err, ERR_INTERNAL, "a swap made more than it took");
	if (movement_add(mv, ACCOUNT_OUTSIDE, ACCOUNT_FEES, *ret_fee, err) != 0 || movement_post(mv, err) != 0)
		return -1;
	return output_store_close(s->unit, &s->row.id, OUTPUT_SIGNED, err);
}

int exchange_back_draw(struct step *s, const struct cashu_place *at, enum proof_state state, enum exchange_back *ret,
		       struct ecash *ret_fee, struct err *err)
{
	const struct keyset *ks;
	struct cashu_draw *draw;
	struct cashu_mint mint;
	struct proof *proofs;
	struct split split;
	struct pubkey *ys;
	struct ecash sum;
	size_t n;

	if (cashu_mint_load(s, at, &mint, err) != 0 || exchange_inputs(s, state, &proofs, &ys, &n, err) != 0 ||
	    proofs_sum(proofs, n, at->unit, &sum, err) != 0 ||
	    fee_of_proofs(proofs, n, mint.keysets, mint.n, at->unit, ret_fee, err) != 0)
		return -1;
	*ret = EXCHANGE_BACK_WORTHLESS;
	if (!ecash_sub(sum, *ret_fee, &sum) || ecash_is_zero(sum))
		return 0;
	*ret = EXCHANGE_BACK_LATER;
	if (cashu_output_keyset(s, &mint, at->unit, &ks, err) != 0 ||
	    split_amount(s->arena, ks, ecash_value(sum), &split, err) != 0)
		return 0;
	*ret = EXCHANGE_BACK_DRAWN;
	draw = ARENA_ARRAY(s->arena, split.n, struct cashu_draw);
	for (size_t i = 0; i < split.n; i++)
		draw[i] = (struct cashu_draw){ split.v[i], OUTPUT_KEEP };
	return cashu_outputs_draw(s, at->mint_id, ks, draw, split.n, err);
}

int exchange_back_keep(struct step *s, struct movement *mv, enum proof_state state, struct currency unit,
		       const struct proof *proofs, const struct output *outputs, size_t n, struct ecash *ret_out,
		       struct ecash *ret_fee, struct err *err)
{
	struct ecash in;

	if (proof_store_move(mv, &s->row.id, state, PROOF_SPENT, ACCOUNT_OUTSIDE, &in, err) != 0 ||
	    proof_store_add(mv, proofs, n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE,
			    exchange_counters(s->arena, outputs, n), err) != 0 ||
	    proofs_sum(proofs, n, unit, ret_out, err) != 0)
		return -1;
	return exchange_settle(s, mv, in, *ret_out, ret_fee, err);
}

int exchange_pass_collision(struct step *s, const struct output *outputs, size_t n, uint32_t rebuilds, struct err *err)
{
	int64_t highest = -1;
	char *data;

	for (size_t i = 0; i < n; i++)
		if (outputs[i].counter > highest)
			highest = outputs[i].counter;
	data = arena_printf(s->arena, "{\"keyset\":\"%s\",\"counter\":%" PRId64 "}", outputs[0].keyset.s, highest);
	log_warn(&s->log, "cashu.counter_collision", F_STR("keyset", outputs[0].keyset.s), F_INT("counter", highest));
	if (event_append(s->unit, "wallet.counter_collision", s->row.id.s, data, err) != 0)
		return -1;
	return keyset_counter_raise(s->unit, &outputs[0].keyset,
				    highest + 1 + ((int64_t)COLLISION_STEP << (rebuilds < 12 ? rebuilds : 12)), err);
}

/* --- request --- */

/* What was found out about earlier copies says nothing about this one. */
static void forget_findings(struct exchange *x)
{
	x->last_code = 0;
	x->n_spent = 0;
	x->empties = 0;
	x->foreign = false;
}

int exchange_prepare(struct step *s, struct err *err)
{
	struct exchange *x = use_of(s)->exchange(s);

	(void)err;
	x->sends++;
	forget_findings(x);
	return 0;
}

int exchange_request(struct step *s, struct net_request *ret, struct err *err)
{
	const struct exchange_use *u = use_of(s);
	struct proof *inputs;
	struct output *outputs;
	struct pubkey *ys;
	size_t n_in, n_out;

	if (exchange_inputs(s, u->inputs, &inputs, &ys, &n_in, err) != 0 ||
	    output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n_out, err) != 0)
		return -1;
	if (u->unlock && u->unlock(s, inputs, n_in, outputs, n_out, err) != 0)
		return -1;
	return swap_request(s->arena, u->place(s)->mint, inputs, n_in, outputs, n_out, ret, err);
}

/* Signatures for these outputs: make proofs of them, or say how the mint went wrong. */
static struct outcome take_promises(struct step *s, const struct exchange_use *u, const struct output *outputs,
				    const struct promise *promises, size_t n_outputs, size_t n_promises,
				    struct err *err)
{
	struct cashu_mint m;
	struct proof *proofs;

	if (cashu_mint_load(s, u->place(s), &m, err) != 0)
		return outcome_trouble(err);
	if (promises_check_and_unblind(s->arena, outputs, n_outputs, promises, n_promises, m.keysets, m.n, m.row.dleq,
				       &proofs, err) != 0)
		return outcome_trouble(err);
	if (cashu_mint_well(s, &m.row, err) != 0)
		return outcome_trouble(err);
	return u->finish(s, proofs, outputs, n_outputs, err);
}

/* The mint answered, but not as a mint may: whether it acted is unknown.  Ask for its signatures, and keep asking. */
static struct outcome misbehaved(struct step *s, const struct exchange_use *u, const struct err *why, struct err *err)
{
	if (mint_store_set_trouble(s->unit, u->place(s)->mint_id, err_kind(why->code), s->now_ms, err) != 0)
		return outcome_trouble(err);
	log_error(&s->log, "cashu.mint_misbehaved", F_STR("mint", u->place(s)->mint), F_ERR(why));
	return outcome_park_error(
		u->st_restore, s->row.state == u->st_restore ? s->now_ms + backoff_ms(s->row.attempts + 1) : s->now_ms,
		why);
}

static struct outcome rebuild(struct step *s, const struct exchange_use *u, struct err *err)
{
	struct exchange *x = u->exchange(s);

	if (output_store_close(s->unit, &s->row.id, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	x->rebuilds++;
	x->sends = 0;
	forget_findings(x);
	return outcome_next(u->st_sync);
}

/* A definite no to the only copy that was ever sent (or one that reconciling has made definite). */
static struct outcome definite(struct step *s, const struct exchange_use *u, const struct err *why, struct err *err)
{
	struct exchange *x = u->exchange(s);

	if (cashu_class_of(why->peer_code) == CASHU_B && x->rebuilds < REBUILDS_MAX) {
		u->place(s)->stale = true;
		return rebuild(s, u, err);
	}
	if (output_store_close(s->unit, &s->row.id, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	return u->refused(s, why, err);
}

struct outcome exchange_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct exchange_use *u = use_of(s);
	struct exchange *x = u->exchange(s);
	struct promise *promises;
	struct output *outputs;
	struct outcome o;
	size_t n_promises, n_outputs;
	struct err why;

	if (promises_decode(s->arena, rep, &promises, &n_promises, &why) == 0) {
		if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n_outputs, err) != 0)
			return outcome_trouble(err);
		o = take_promises(s, u, outputs, promises, n_outputs, n_promises, &why);
		if (o.tag != OUTCOME_TROUBLE && x->sends > 1 &&
		    cashu_recovered(s, u->place(s), CASHU_BY_REPLAY, err) != 0)
			return outcome_trouble(err);
		return o.tag == OUTCOME_TROUBLE && o.err.code == ERR_PEER_INVALID ? misbehaved(s, u, &o.err, err) : o;
	}
	if (why.code == ERR_PEER_INVALID)
		return misbehaved(s, u, &why, err);
	switch (cashu_verdict(&why)) {
	case CASHU_WAIT:
		return outcome_park(u->st_request, s->now_ms + WAIT_MS * (x->sends < WAITS_MAX ? x->sends : WAITS_MAX));
	case CASHU_THROTTLED:
		return outcome_retry(s, &why);
	case CASHU_DEFINITE:
	case CASHU_REBUILD:
		if (x->sends == 1)
			return definite(s, u, &why, err);
		break;
	case CASHU_AMBIGUOUS:
		/* Nobody answered, or not the mint, whatever code that somebody quotes: send the same again. */
		if (why.peer_code < 1000 || cashu_class_of(why.peer_code) != CASHU_A)
			return outcome_trouble(&why);
		break;
	case CASHU_OK:
		break;
	}
	x->last_code = why.peer_code;
	return outcome_next(u->st_check);
}

/* --- check --- */

int exchange_check(struct step *s, struct net_request *ret, struct err *err)
{
	const struct exchange_use *u = use_of(s);
	struct proof *inputs;
	struct pubkey *ys;
	size_t n;

	if (exchange_inputs(s, u->inputs, &inputs, &ys, &n, err) != 0)
		return -1;
	return checkstate_request(s->arena, u->place(s)->mint, ys, n, ret, err);
}

/* Signed before our inputs were spent, and they still are not: in another life of this seed. */
static struct outcome collided(struct step *s, const struct exchange_use *u, struct err *err)
{
	struct exchange *x = u->exchange(s);
	struct output *outputs;
	struct err why;
	size_t n;

	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
		return outcome_trouble(err);
	if (x->rebuilds >= REBUILDS_MAX) {
		ERR(&why, ERR_INTERNAL, "the counter of keyset %s collides again and again", outputs[0].keyset.s);
		return outcome_retry(s, &why);
	}
	if (exchange_pass_collision(s, outputs, n, x->rebuilds, err) != 0)
		return outcome_trouble(err);
	return rebuild(s, u, err);
}

struct outcome exchange_checked(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct exchange_use *u = use_of(s);
	struct exchange *x = u->exchange(s);
	struct note_states states;
	struct proof *inputs;
	struct pubkey *ys;
	size_t n;

	if (exchange_inputs(s, u->inputs, &inputs, &ys, &n, err) != 0 ||
	    checkstate_decode(s->arena, rep, ys, n, &states, err) != 0)
		return outcome_trouble(err);
	if (states.pending)
		return outcome_park(u->st_check, s->now_ms + WAIT_MS);
	x->n_inputs = (uint32_t)n;
	x->spent = ARENA_ARRAY(s->arena, n, uint32_t);
	x->n_spent = 0;
	for (size_t i = 0; i < n; i++)
		if (states.v[i] == NOTE_SPENT)
			x->spent[x->n_spent++] = (uint32_t)i;
	if (x->foreign && x->n_spent == 0)
		return collided(s, u, err);
	return outcome_next(u->st_restore);
}

/* --- restore --- */

int exchange_restore(struct step *s, struct net_request *ret, struct err *err)
{
	const struct exchange_use *u = use_of(s);
	struct output *outputs;
	size_t n;

	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
		return -1;
	return restore_request(s->arena, u->place(s)->mint, outputs, n, ret, err);
}

static struct outcome spent_elsewhere(struct step *s, const struct exchange_use *u, struct err *err)
{
	struct exchange *x = u->exchange(s);
	struct proof *inputs;
	struct pubkey *ys, *spent;
	size_t n;

	if (exchange_inputs(s, u->inputs, &inputs, &ys, &n, err) != 0 ||
	    output_store_close(s->unit, &s->row.id, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	spent = ARENA_ARRAY(s->arena, x->n_spent, struct pubkey);
	for (uint32_t i = 0; i < x->n_spent; i++) {
		if (x->spent[i] >= n) {
			ERR(err, ERR_INTERNAL, "the checkpoint names an input that the action does not hold");
			return outcome_trouble(err);
		}
		spent[i] = ys[x->spent[i]];
	}
	return u->elsewhere(s, spent, x->n_spent, x->n_spent == n, err);
}

/* The mint knows none of our outputs. */
static struct outcome not_signed(struct step *s, const struct exchange_use *u, struct err *err)
{
	struct exchange *x = u->exchange(s);
	struct err why;

	if (x->n_spent && x->sends > 1 && x->empties < EMPTY_ANSWERS) {
		/* Perhaps by us, with an answer that was lost: once is too little to give the money up. */
		ERR(&why, ERR_PEER_DOWN, "the inputs are spent, and the mint shows no signatures for them");
		return outcome_park_error(u->st_restore, s->now_ms + backoff_ms(++x->empties), &why);
	}
	if (x->n_spent)
		return spent_elsewhere(s, u, err);
	ERR(&why, ERR_PEER, "the mint refused with code %d", x->last_code);
	why.peer_code = x->last_code;
	switch (cashu_class_of(x->last_code)) {
	case CASHU_D:
	case CASHU_X:
	case CASHU_B:
		return definite(s, u, &why, err);
	case CASHU_A:
	case CASHU_W:
		break;
	}
	/* Not executed as yet.  Inputs stay ours to send: the same bytes again. */
	ERR(&why, ERR_PEER_DOWN, "the mint has not executed the request (code %d)", x->last_code);
	return outcome_park_error(u->st_request, s->now_ms + backoff_ms(x->sends), &why);
}

struct outcome exchange_restored(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct exchange_use *u = use_of(s);
	struct exchange *x = u->exchange(s);
	struct restored found;
	struct output *outputs;
	struct outcome o;
	size_t n;
	struct err why;

	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
		return outcome_trouble(err);
	if (restore_decode(s->arena, rep, outputs, n, &found, &why) != 0) {
		/* No NUT-09 at this mint: only the request itself can bring what came back garbled. */
		if (!x->last_code && (why.peer_code == 404 || why.peer_code == 405))
			return outcome_park_error(u->st_request, s->now_ms + backoff_ms(x->sends), &why);
		return why.code == ERR_PEER_INVALID ? misbehaved(s, u, &why, err) : outcome_trouble(&why);
	}
	if (found.n == 0 && x->last_code)
		return not_signed(s, u, err);
	if (found.n == 0) {
		ERR(&why, ERR_PEER_INVALID, "the mint's answer was not usable, and it knows no signatures");
		return outcome_park_error(u->st_request, s->now_ms + backoff_ms(x->sends), &why);
	}
	if (x->last_code && x->n_spent == 0) {
		x->foreign = true;
		return outcome_next(u->st_check);
	}
	if (found.n < n) {
		ERR(&why, ERR_PEER_INVALID, "the mint signed %zu of %zu outputs of one request", found.n, n);
		return misbehaved(s, u, &why, err);
	}
	o = take_promises(s, u, found.outputs, found.promises, found.n, found.n, &why);
	if (o.tag != OUTCOME_TROUBLE && cashu_recovered(s, u->place(s), CASHU_BY_RESTORE, err) != 0)
		return outcome_trouble(err);
	return o.tag == OUTCOME_TROUBLE && o.err.code == ERR_PEER_INVALID ? misbehaved(s, u, &o.err, err) : o;
}

struct outcome exchange_sync(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct exchange_use *u = use_of(s);

	(void)rep;
	return cashu_sync(s, u->place(s), u->st_draw, err);
}

struct outcome exchange_retry(struct step *s, const struct err *why, struct err *err)
{
	return cashu_retry(s, use_of(s)->place(s), why, err);
}
