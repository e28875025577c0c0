/* actions/cashu_receive.c - take a token: its proofs are somebody's until the mint has swapped them for ours.  NUT-03,
 * spec/cashu.md 4.6.
 *
 * The id derives from the proofs, so that receiving a token twice finds the first action.  The token's text stays in the
 * checkpoint until the proofs are in the store; it is bearer money and shown nowhere. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actions/cashu_exchange.h"
#include "actions/cashu_limit.h"
#include "actions/cashu_lock.h"
#include "actions/ecash.h"
#include "actions/kinds.h"
#include "base/hash.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/output.h"
#include "rails/cashu/token.h"

enum receive_state { /* stored: append, never renumber */
		     RECEIVE_SYNCING = 1,
		     RECEIVE_PROOFS_PENDING = 2,
		     RECEIVE_SWAP_REQUESTED = 3,
		     RECEIVE_CHECKING = 4,
		     RECEIVE_RESTORING = 5
};

struct receive {
	struct cashu_place at;
	struct exchange x;
	bool unit_known; /* a V3 token may leave it to the keysets */
	bool looked;     /* the mint was asked anew for a keyset of the token that we did not know */
	const char *token;
	struct lock_opener opener;
	json_t *left_out; /* Y (hex) of proofs that somebody else has spent: the rest is still claimed */
};

static json_t *receive_save(struct step *s)
{
	const struct receive *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	exchange_save(cp, &m->x);
	json_set_bool(cp, "unit_known", m->unit_known);
	json_set_bool(cp, "looked", m->looked);
	json_set_str(cp, "token", m->token);
	lock_opener_save(cp, &m->opener);
	json_set(cp, "left_out", m->left_out);
	return cp;
}

static int receive_load(struct step *s, const json_t *cp, struct err *err)
{
	struct receive *m = ARENA_NEW(s->arena, struct receive);

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 || exchange_load(s->arena, cp, &m->x, err) != 0 ||
	    json_get_bool(cp, "unit_known", &m->unit_known, err) != 0 ||
	    json_get_bool(cp, "looked", &m->looked, err) != 0 ||
	    json_get_str(cp, "token", TOKEN_TEXT_MAX, &m->token, err) != 0 ||
	    lock_opener_load(cp, &m->opener, err) != 0)
		return -1;
	return json_get_arr(cp, "left_out", CASHU_LIST_MAX, &m->left_out, err);
}

static struct cashu_place *receive_place(struct step *s)
{
	return &((struct receive *)s->checkpoint)->at;
}

static struct exchange *receive_exchange(struct step *s)
{
	return &((struct receive *)s->checkpoint)->x;
}

/* --- start --- */

static int refuse_own(struct step *s, const struct proof *proofs, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct proof_row have;
		int found = proof_store_find(s->view, s->arena, &proofs[i].y, &have, err);

		if (found < 0)
			return -1;
		if (!found)
			continue;
		switch (have.state) {
		case PROOF_SENT:
			ERR(err, ERR_TOKEN_OWN, "this token was made by this wallet and is still unclaimed");
			err_hint(err, "to take it back: action.cancel id=%s", have.holder.s);
			break;
		case PROOF_SPENDABLE:
		case PROOF_LOCKED:
		case PROOF_INVALID:
			ERR(err, ERR_TOKEN_OWN, "this wallet holds proofs of this token already");
			err_hint(err, "nothing is to be done: they are in the balance");
			break;
		case PROOF_PENDING:
			ERR(err, ERR_TOKEN_OWN, "the action %s is receiving proofs of this token", have.holder.s);
			err_hint(err, "action.get id=%s", have.holder.s);
			break;
		case PROOF_SPENT:
			ERR(err, ERR_TOKEN_SPENT, "proofs of this token have been spent by this wallet");
			err_hint(err, "history shows what they were spent for; ask the sender for another token");
			break;
		}
		return err_field(err, "token");
	}
	return 0;
}

/* Locks are judged by our clock now, and by the mint's later; the same way in is taken each time that the swap is sent. */
static int locks_look(struct step *s, struct receive *m, const struct proof *proofs, size_t n, struct err *err)
{
	int64_t keys;

	m->opener.at_s = s->now_ms / 1000;
	if (locks_check(s->view, s->keys, &m->opener, proofs, n, &keys, err) == 0)
		return lock_keys_used(s->unit, keys, err);
	return *err->field ? -1 : err_field(err, "token");
}

static int receive_unlock(struct step *s, struct proof *inputs, size_t n, const struct output *outputs, size_t n_out,
			  struct err *err)
{
	const struct receive *m = s->checkpoint;

	return locks_open(s, &m->opener, inputs, n, outputs, n_out, err);
}

static int y_order(const void *a, const void *b)
{
	return memcmp(((const struct pubkey *)a)->b, ((const struct pubkey *)b)->b, sizeof(((struct pubkey *)0)->b));
}

/* "receive-" and half a hash over the proofs in order, however the token lists them; a later try after a failure gets a
 * number. */
static int identity(struct step *s, const struct token *t, struct err *err)
{
	struct pubkey *ys = ARENA_ARRAY(s->arena, t->n, struct pubkey);
	struct hash32 h;
	char hex[33];

	for (size_t i = 0; i < t->n; i++)
		ys[i] = t->proofs[i].y;
	qsort(ys, t->n, sizeof(*ys), y_order);
	sha256((struct bytes){ ys[0].b, t->n * sizeof(*ys) }, &h);
	hex_encode(h.b, 16, hex);
	for (unsigned attempt = 1;; attempt++) {
		struct action_row row;
		char *id = attempt == 1 ? arena_printf(s->arena, "receive-%s", hex)
					: arena_printf(s->arena, "receive-%s-%u", hex, attempt);

		if (!action_id_parse(id, &s->row.id))
			return ERR(err, ERR_INTERNAL, "an id that is none");
		if (action_store_get(s->view, s->arena, &s->row.id, &row, err) != 0)
			return err->code == ERR_NOT_FOUND ? 0 : -1;
		if (row.status != ACTION_FAILED && row.status != ACTION_CANCELLED)
			return ERR(err, ERR_EXISTS, "this token is received by the action %s", row.id.s);
	}
}

/* asked: who gave the token trusts its mint.  That cashu_trust takes any mint does not bring one back that is trusted no
 * more. */
static int find_mint(struct step *s, struct receive *m, const struct token *t, bool asked, struct err *err)
{
	struct mint_row mint = { 0 };

	if (ecash_mint_find(s->view, s->arena, t->mint, &mint, err) != 0) {
		if (err->code != ERR_MINT_UNKNOWN)
			return -1;
		if (!m->at.trust) {
			err_hint(err, "mint.add url=%s, or trust=true to add it with this token", t->mint);
			return err_field(err, "token");
		}
		/* A bare address for now; the child fills it in. */
		if (mint_store_by_url(s->view, s->arena, t->mint, &mint, err) != 0) {
			mint = (struct mint_row){ .url = t->mint, .added_at_ms = s->now_ms };
			if (err->code != ERR_MINT_UNKNOWN || mint_store_add(s->unit, &mint, &mint.id, err) != 0)
				return -1;
		}
	} else if (!mint.trusted && !asked) {
		ERR(err, ERR_MINT_UNKNOWN, "the mint %s is not trusted", t->mint);
		err_hint(err, "mint.add url=%s, or trust=true", t->mint);
		return err_field(err, "token");
	}
	m->at.mint = t->mint;
	m->at.mint_id = mint.id;
	s->row.peer = t->mint;
	return 0;
}

static int receive_start(struct step *s, const json_t *params, struct err *err)
{
	struct receive *m = ARENA_NEW(s->arena, struct receive);
	struct token t;
	json_t *shown = json_object_in(s->arena);
	bool asked = false;

	s->checkpoint = m;
	m->at.trust = s->policy->trust_any_mint;
	if (json_get_str(params, "token", TOKEN_TEXT_MAX, &m->token, err) != 0 ||
	    json_opt_bool(params, "trust", &m->at.trust, err) != 0 ||
	    json_opt_bool(params, "trust", &asked, err) != 0 ||
	    json_opt_str(params, "preimage", 64, &m->opener.preimage, err) != 0)
		return -1;
	if (token_decode(s->arena, bytes_of(m->token), &t, err) != 0)
		return err_field(err, "token");
	if (locks_look(s, m, t.proofs, t.n, err) != 0 || identity(s, &t, err) != 0 ||
	    refuse_own(s, t.proofs, t.n, err) != 0 || find_mint(s, m, &t, asked, err) != 0)
		return -1;
	m->left_out = json_array_in(s->arena);
	m->unit_known = t.has_unit;
	if (!t.has_unit && !currency_parse("sat", &t.unit))
		return ERR(err, ERR_INTERNAL, "sat is no unit");
	m->at.unit = t.unit;
	if (cashu_limit_check(s, &m->at, t.sum, err) != 0)
		return err_field(err, "token");
	json_set_str(shown, "token", "(not shown)");
	json_set_bool(shown, "trust", m->at.trust);
	s->row.params = json_text(s->arena, shown);
	json_set_str(s->plan, "mint", m->at.mint);
	json_set_str(s->plan, "unit", m->unit_known ? m->at.unit.s : NULL);
	json_set_u64(s->plan, "amount", t.sum);
	json_set_u64(s->plan, "proofs", t.n);
	json_set_str(s->plan, "memo", t.memo);
	return RECEIVE_SYNCING;
}

/* A mint that nobody here has ever reached: who offered the token hears so, instead of it being tried for ever. */
static struct outcome syncing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct receive *m = s->checkpoint;
	struct outcome o = exchange_sync(s, rep, err);
	struct mint_row mint;

	if (o.tag != OUTCOME_PARK || o.err.code == ERR_NONE)
		return o;
	if (mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0)
		return outcome_trouble(err);
	return mint.synced_at_ms ? o : outcome_failed(&o.err, "no");
}

/* --- proofs pending --- */

static bool is_left_out(const struct receive *m, const struct pubkey *y)
{
	char hex[67];
	size_t i;
	json_t *v;

	hex_encode(y->b, sizeof(y->b), hex);
	json_array_foreach(m->left_out, i, v) if (strcmp(json_string_value(v), hex) == 0) return true;
	return false;
}

/* The token's proofs without those that are gone; ids resolved, DLEQs checked. */
static int token_proofs(struct step *s, struct receive *m, const struct cashu_mint *mint, struct proof **ret, size_t *n,
			struct err *err)
{
	struct token t;
	size_t at = 0;

	if (token_decode(s->arena, bytes_of(m->token), &t, err) != 0 ||
	    token_resolve(&t, mint->keysets, mint->n, err) != 0)
		return -1;
	for (size_t i = 0; i < t.n; i++) {
		const struct keyset *ks = keyset_find(mint->keysets, mint->n, &t.proofs[i].keyset);
		const struct pubkey *key = ks ? keyset_key(ks, t.proofs[i].amount) : NULL;

		if (!key)
			return ERR(err, ERR_TOKEN, "the mint has no note of %" PRIu64, t.proofs[i].amount);
		if (t.proofs[i].dleq.present && t.proofs[i].dleq.has_r && !dhke_proof_dleq_holds(&t.proofs[i], key))
			return ERR(err, ERR_TOKEN, "proof %zu is not signed by the mint: its DLEQ does not hold",
				   i + 1);
		if (s->policy->require_dleq && !(t.proofs[i].dleq.present && t.proofs[i].dleq.has_r))
			return ERR(err, ERR_TOKEN, "proof %zu carries no DLEQ, and cashu_require_dleq is set", i + 1);
		if (!is_left_out(m, &t.proofs[i].y))
			t.proofs[at++] = t.proofs[i];
	}
	m->at.unit = t.unit;
	m->unit_known = true;
	*ret = t.proofs;
	*n = at;
	return 0;
}

static int receive_draw(struct step *s, struct receive *m, const struct cashu_mint *mint, const struct proof *proofs,
			size_t n, struct err *err)
{
	const struct keyset *ks;
	struct split split;
	struct ecash sum, fee;
	uint64_t *held;
	size_t n_held;

	if (cashu_output_keyset(s, mint, m->at.unit, &ks, err) != 0 ||
	    proofs_sum(proofs, n, m->at.unit, &sum, err) != 0 ||
	    fee_of_proofs(proofs, n, mint->keysets, mint->n, m->at.unit, &fee, err) != 0)
		return -1;
	if (ecash_cmp(sum, fee) <= 0 || !ecash_sub(sum, fee, &sum))
		return ERR(err, ERR_TOKEN_DUST, "the mint's fee of %" PRIu64 " eats the whole token", ecash_value(fee));
	if (cashu_held(s, &m->at, &held, &n_held, err) != 0 ||
	    split_keep(s->arena, ks, ecash_value(sum), held, n_held, &split, err) != 0)
		return -1;
	struct cashu_draw *draw = ARENA_ARRAY(s->arena, split.n, struct cashu_draw);
	for (size_t i = 0; i < split.n; i++)
		draw[i] = (struct cashu_draw){ split.v[i], OUTPUT_KEEP };
	return cashu_outputs_draw(s, m->at.mint_id, ks, draw, split.n, err);
}

static int pending_add(struct step *s, struct receive *m, const struct proof *proofs, size_t n, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "offered", m->at.mint_id, m->at.unit,
					    s->now_ms);

	if (proof_store_add(&mv, proofs, n, PROOF_PENDING, &s->row.id, ACCOUNT_OUTSIDE, NULL, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

static int pending_drop(struct step *s, struct receive *m, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "offer_ended", m->at.mint_id, m->at.unit,
					    s->now_ms);

	if (proof_store_drop_pending(&mv, &s->row.id, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

/* The proofs to swap, and outputs for them.  The outputs are written last, when nothing stands against the token.  fresh:
 * the proofs are not in the store yet; after a rebuild they are. */
static int pending_make(struct step *s, struct receive *m, bool fresh, struct proof **ret, size_t *n, struct err *err)
{
	struct cashu_mint mint;

	if (cashu_mint_load(s, &m->at, &mint, err) != 0 || token_proofs(s, m, &mint, ret, n, err) != 0 ||
	    locks_look(s, m, *ret, *n, err) != 0)
		return -1;
	/* Another token that shares proofs with this one may have come since the start. */
	if (fresh && refuse_own(s, *ret, *n, err) != 0)
		return -1;
	return receive_draw(s, m, &mint, *ret, *n, err);
}

static struct outcome pending_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct receive *m = s->checkpoint;
	struct proof_row *have;
	struct proof *proofs;
	struct err why;
	size_t n, n_have;

	(void)rep;
	if (proof_store_by_holder(s->view, s->arena, &s->row.id, PROOF_PENDING, &have, &n_have, err) != 0)
		return outcome_trouble(err);
	if (pending_make(s, m, n_have == 0, &proofs, &n, &why) == 0) {
		if (n_have == 0 && pending_add(s, m, proofs, n, err) != 0)
			return outcome_trouble(err);
		return outcome_next(RECEIVE_SWAP_REQUESTED);
	}
	if (why.code == ERR_KEYSET_UNKNOWN && !m->looked) {
		/* Newer than what we know: ask the mint once more. */
		m->looked = true;
		m->at.stale = true;
		return outcome_next(RECEIVE_SYNCING);
	}
	if (why.class != ERR_INVALID && why.class != ERR_REJECTED)
		return outcome_trouble(&why);
	/* Nothing of it is at the mint: the token is as it was, in its owner's hands. */
	if (n_have && pending_drop(s, m, err) != 0)
		return outcome_trouble(err);
	return outcome_failed(&why, "no");
}

/* --- the swap's ends --- */

static struct outcome receive_finish(struct step *s, const struct proof *proofs, const struct output *outputs, size_t n,
				     struct err *err)
{
	struct receive *m = s->checkpoint;
	struct movement mv;
	struct proof *inputs;
	struct pubkey *ys;
	struct ecash in, out, fee;
	json_t *result = json_object_in(s->arena);
	struct token t;
	size_t n_in;

	if (exchange_inputs(s, PROOF_PENDING, &inputs, &ys, &n_in, err) != 0 ||
	    proofs_sum(inputs, n_in, m->at.unit, &in, err) != 0 || proofs_sum(proofs, n, m->at.unit, &out, err) != 0 ||
	    pending_drop(s, m, err) != 0 || token_decode(s->arena, bytes_of(m->token), &t, err) != 0)
		return outcome_trouble(err);
	if (!ecash_sub(in, out, &fee)) {
		ERR(err, ERR_INTERNAL, "a swap made more than it took");
		return outcome_trouble(err);
	}
	mv = movement_begin(s->unit, &s->row.id, "ecash", "receive", m->at.mint_id, m->at.unit, s->now_ms);
	mv.note = t.memo;
	if (proof_store_add(&mv, proofs, n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE,
			    exchange_counters(s->arena, outputs, n), err) != 0 ||
	    movement_add(&mv, ACCOUNT_OUTSIDE, ACCOUNT_FEES, fee, err) != 0 || movement_post(&mv, err) != 0 ||
	    output_store_close(s->unit, &s->row.id, OUTPUT_SIGNED, err) != 0)
		return outcome_trouble(err);
	json_set_str(result, "mint", m->at.mint);
	json_set_str(result, "unit", m->at.unit.s);
	json_set_u64(result, "amount", ecash_value(out));
	json_set_u64(result, "fee", ecash_value(fee));
	json_set_str(result, "memo", t.memo);
	if (json_array_size(m->left_out))
		json_set_u64(result, "proofs_spent_elsewhere", json_array_size(m->left_out));
	return outcome_done(result);
}

static struct outcome receive_refused(struct step *s, const struct err *why, struct err *err)
{
	if (pending_drop(s, s->checkpoint, err) != 0)
		return outcome_trouble(err);
	return outcome_failed(why, "no");
}

static struct outcome receive_elsewhere(struct step *s, const struct pubkey *spent, size_t n, bool all, struct err *err)
{
	struct receive *m = s->checkpoint;
	struct err why;
	char hex[67];

	if (pending_drop(s, m, err) != 0)
		return outcome_trouble(err);
	if (all) {
		ERR(&why, ERR_TOKEN_SPENT, "the token is spent already");
		return outcome_failed(&why, "no");
	}
	for (size_t i = 0; i < n; i++) {
		hex_encode(spent[i].b, sizeof(spent[i].b), hex);
		json_add_take(m->left_out, json_string(hex));
	}
	m->x = (struct exchange){ .rebuilds = m->x.rebuilds + 1 };
	return outcome_next(RECEIVE_PROOFS_PENDING);
}

static struct outcome receive_cancel(struct step *s, struct err *err)
{
	struct err why;

	if (s->row.state < RECEIVE_SWAP_REQUESTED) {
		/* After a rebuild the proofs are here, and the mint has refused them for good. */
		if (pending_drop(s, s->checkpoint, err) != 0)
			return outcome_trouble(err);
		ERR(&why, ERR_CANCELLED, "cancelled before the mint took anything; the token is as it was");
		return outcome_cancelled(&why);
	}
	ERR(&why, ERR_NOT_CANCELLABLE, "the mint may have swapped the token already; it will be followed to its end");
	return outcome_trouble(&why);
}

static const char *receive_explain(struct step *s)
{
	switch ((enum receive_state)s->row.state) {
	case RECEIVE_SYNCING:
		return "It asks the mint for its current keysets.";
	case RECEIVE_PROOFS_PENDING:
		return "The token was read; nothing was sent.";
	case RECEIVE_SWAP_REQUESTED:
		return "The token's proofs are at the mint, to be swapped for ours; the same bytes are sent until it answers.";
	case RECEIVE_CHECKING:
		return "It asks the mint whether the token's proofs are spent.";
	case RECEIVE_RESTORING:
		return "It asks the mint for signatures that it may have made already.";
	}
	return "";
}

static const struct exchange_use use = {
	.inputs = PROOF_PENDING,
	.st_sync = RECEIVE_SYNCING,
	.st_draw = RECEIVE_PROOFS_PENDING,
	.st_request = RECEIVE_SWAP_REQUESTED,
	.st_check = RECEIVE_CHECKING,
	.st_restore = RECEIVE_RESTORING,
	.place = receive_place,
	.exchange = receive_exchange,
	.unlock = receive_unlock,
	.finish = receive_finish,
	.refused = receive_refused,
	.elsewhere = receive_elsewhere,
};

static const struct param receive_params[] = {
	{
		.name = "token",
		.type = PARAM_SECRET,
		.flags = PARAM_REQUIRED,
		.max = TOKEN_TEXT_MAX,
		.help = "The token (V3 or V4): bearer money.",
	},
	{
		.name = "trust",
		.type = PARAM_BOOL,
		.fallback = "what cashu_trust says",
		.help = "Add the token's mint if it is not known yet.",
	},
	{
		.name = "preimage",
		.type = PARAM_SECRET,
		.min = 64,
		.max = 64,
		.help = "What hashes to the lock of an HTLC token: 32 bytes of hex.",
	},
	{ 0 },
};

static const struct state_def receive_states[] = {
	[RECEIVE_SYNCING] = { .name = "syncing", .reply = syncing_reply, .cancellable = true },
	[RECEIVE_PROOFS_PENDING] = { .name = "proofs_pending", .reply = pending_reply, .cancellable = true },
	[RECEIVE_SWAP_REQUESTED] = { .name = "swap_requested",
				     .prepare = exchange_prepare,
				     .enter = exchange_request,
				     .reply = exchange_reply,
				     .uncertain = true, },
	[RECEIVE_CHECKING] = { .name = "checking",
			       .enter = exchange_check,
			       .reply = exchange_checked,
			       .uncertain = true, },
	[RECEIVE_RESTORING] = { .name = "restoring",
				.enter = exchange_restore,
				.reply = exchange_restored,
				.uncertain = true, },
};

const struct action_kind cashu_receive_kind = {
	.name = "cashu_receive",
	.summary = "Take a token: its proofs are swapped for ours at the mint.",
	.params = receive_params,
	.states = receive_states,
	.n_states = ARRAY_LEN(receive_states),
	.needs_keys = true,
	.family = &use,
	.start = receive_start,
	.save = receive_save,
	.load = receive_load,
	.on_retry = exchange_retry,
	.on_rejection = exchange_retry,
	.cancel = receive_cancel,
	.explain = receive_explain,
};
