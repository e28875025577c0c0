#include "tests/tools/vtxo_maker/plan.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/exit_tx.h"
#include "rails/bitcoin/bip32.h"
#include "rails/bitcoin/mnemonic.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_maker.h"

/* A VTXO that is there, and who may spend it on. */
struct made {
	struct vtxo v;
	bool has_user;
	struct secret user;
	bool spent;
};
struct world {
	struct ark_maker maker;
	struct made list[VTXO_PLAN_MAX];
	size_t n;
};

static int get_hex(const json_t *obj, const char *name, void *to, size_t n, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, 2 * n, &text, err) != 0)
		return -1;
	if (!hex_decode(text, to, n)) {
		ERR(err, ERR_PARSE, "%s: not %zu bytes of hex", name, n);
		return err_field(err, name);
	}
	return 0;
}

/* The wallet's key of this index: what walletd derives from the same words. */
static int key_of_words(const json_t *from, struct secret *ret, struct err *err)
{
	static const uint32_t account[] = { BIP32_HARDENED | 350, BIP32_HARDENED };
	SCOPED(mnemonic) struct mnemonic words;
	SCOPED(seed) struct seed seed;
	SCOPED(bip32_key) struct bip32_key master;
	SCOPED(bip32_key) struct bip32_key branch;
	SCOPED(bip32_key) struct bip32_key key;
	const char *text;
	uint64_t index;

	if (json_get_str(from, "words", 1024, &text, err) != 0 ||
	    json_get_u64(from, "index", BIP32_HARDENED - 1, &index, err) != 0 ||
	    mnemonic_parse(text, &words, err) != 0 || mnemonic_seed(&words, "", &seed, err) != 0 ||
	    bip32_master((struct bytes){ seed.b, sizeof(seed.b) }, &master, err) != 0 ||
	    bip32_derive(&master, account, ARRAY_LEN(account), &branch, err) != 0 ||
	    bip32_child(&branch, (uint32_t)index, &key, err) != 0)
		return -1;
	*ret = key.key;
	return 0;
}

static int get_key(const json_t *obj, const char *name, struct secret *ret, struct err *err)
{
	const json_t *words = json_object_get(obj, name);

	if (json_is_object(words))
		return key_of_words(words, ret, err) != 0 ? err_field(err, name) : 0;
	if (get_hex(obj, name, ret->b, sizeof(ret->b), err) != 0)
		return -1;
	if (!secp_seckey_valid(ret)) {
		ERR(err, ERR_PARAM, "%s: not a secret key", name);
		return err_field(err, name);
	}
	return 0;
}

static int get_sat(const json_t *obj, const char *name, struct sat *ret, struct err *err)
{
	return json_get_u64(obj, name, SAT_MONEY_MAX, &ret->v, err);
}

static int get_maker(const json_t *plan, struct ark_maker *ret, struct err *err)
{
	uint64_t height, delta;

	if (get_key(plan, "server", &ret->server, err) != 0 ||
	    json_get_u64(plan, "expiry_height", ARK_HEIGHT_MAX, &height, err) != 0 ||
	    json_get_u64(plan, "exit_delta", ARK_DELTA_MAX, &delta, err) != 0)
		return -1;
	ret->expiry_height = (uint32_t)height;
	ret->exit_delta = (uint16_t)delta;
	return 0;
}

static int add(struct world *w, const struct vtxo *v, const struct secret *user, struct err *err)
{
	struct made *m = &w->list[w->n];

	if (w->n == VTXO_PLAN_MAX)
		return ERR(err, ERR_PARAM, "a plan of more than %d VTXOs", VTXO_PLAN_MAX);
	m->v = *v;
	m->has_user = user != NULL;
	if (user != NULL)
		m->user = *user;
	w->n++;
	return 0;
}

/* utxo is NULL where only the funding output is asked for. */
static int run_board(struct world *w, const json_t *board, const struct outpoint *utxo, struct tx_out *ret,
		     struct err *err)
{
	struct ark_board_plan p;
	struct vtxo v;

	if (get_key(board, "user", &p.user, err) != 0 || get_sat(board, "amount_sat", &p.amount, err) != 0 ||
	    get_sat(board, "fee_sat", &p.fee, err) != 0)
		return -1;
	if (utxo == NULL)
		return ark_make_board_funding(&w->maker, &p, ret, err);
	if (ark_make_board(&w->maker, &p, utxo, &v, err) != 0)
		return -1;
	return add(w, &v, &p.user, err);
}

static int get_leaves(struct arena *a, const json_t *round, struct ark_round_plan *ret, struct err *err)
{
	struct ark_round_leaf *leaves;
	json_t *list;

	if (json_get_arr(round, "leaves", VTXO_PLAN_MAX, &list, err) != 0)
		return -1;
	leaves = ARENA_ARRAY(a, json_array_size(list) + 1, struct ark_round_leaf);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (get_key(json_array_get(list, i), "user", &leaves[i].user, err) != 0 ||
		    get_sat(json_array_get(list, i), "amount_sat", &leaves[i].amount, err) != 0)
			return err_context(err, "leaf %zu", i);
	ret->leaves = leaves;
	ret->n = json_array_size(list);
	return 0;
}

static int run_round(struct world *w, const json_t *round, const struct outpoint *utxo, struct tx_out *ret,
		     struct err *err)
{
	struct ark_round_plan p = { .locked = false };
	struct vtxo *v;

	if (get_leaves(w->maker.arena, round, &p, err) != 0 ||
	    get_hex(round, "preimage", p.preimage.b, sizeof(p.preimage.b), err) != 0 ||
	    json_opt_bool(round, "locked", &p.locked, err) != 0)
		return -1;
	if (utxo == NULL)
		return ark_make_round_funding(&w->maker, &p, ret, err);
	v = ARENA_ARRAY(w->maker.arena, p.n + 1, struct vtxo);
	if (ark_make_round(&w->maker, &p, utxo, v, err) != 0)
		return -1;
	for (size_t i = 0; i < p.n; i++)
		if (add(w, &v[i], &p.leaves[i].user, err) != 0)
			return -1;
	return 0;
}

static int run_first(struct world *w, const json_t *plan, const struct outpoint *utxo, struct tx_out *ret,
		     struct err *err)
{
	const json_t *board = json_object_get(plan, "board"), *round = json_object_get(plan, "round");

	if (json_is_object(board) == json_is_object(round))
		return ERR(err, ERR_PARAM, "a plan has either a board or a round");
	return board != NULL ? run_board(w, board, utxo, ret, err) : run_round(w, round, utxo, ret, err);
}

/* --- hops --- */

static int get_htlc(const json_t *o, struct ark_policy *p, struct err *err)
{
	const json_t *send = json_object_get(o, "htlc_send"), *receive = json_object_get(o, "htlc_receive");
	const json_t *htlc = send != NULL ? send : receive;
	uint64_t expiry, delta = 0;

	if (htlc == NULL)
		return 0;
	if (get_hex(htlc, "hash", p->hash.b, sizeof(p->hash.b), err) != 0 ||
	    json_get_u64(htlc, "expiry", ARK_HEIGHT_MAX, &expiry, err) != 0 ||
	    (send == NULL && json_get_u64(htlc, "expiry_delta", ARK_DELTA_MAX, &delta, err) != 0))
		return -1;
	p->kind = send != NULL ? ARK_HTLC_SEND : ARK_HTLC_RECEIVE;
	p->htlc_expiry = (uint32_t)expiry;
	p->htlc_expiry_delta = (uint16_t)delta;
	return 0;
}

/* Where an output goes, and the key to spend it on when the plan has it. */
struct target {
	struct ark_output output;
	bool has_user;
	struct secret user;
};

static int get_target(const json_t *o, struct target *ret, struct err *err)
{
	struct pubkey key;

	ret->has_user = json_object_get(o, "user") != NULL;
	if (get_sat(o, "amount_sat", &ret->output.amount, err) != 0)
		return -1;
	if (ret->has_user) {
		if (get_key(o, "user", &ret->user, err) != 0)
			return -1;
		if (!secp_seckey_pubkey(&ret->user, &key))
			return ERR(err, ERR_PARAM, "not a secret key");
	} else if (get_hex(o, "key", key.b, sizeof(key.b), err) != 0) {
		return -1;
	} else if (!secp_pubkey_valid(&key)) {
		ERR(err, ERR_PARAM, "key: not a public key");
		return err_field(err, "key");
	}
	ret->output.policy = ark_policy_pubkey(&key);
	return get_htlc(o, &ret->output.policy, err);
}

struct targets {
	struct target *v;
	size_t n, n_isolated; /* those that are isolated come last */
};

static int get_targets(const json_t *hop, const char *name, struct targets *t, struct err *err)
{
	const json_t *list = json_object_get(hop, name);

	if (!json_is_array(list))
		return 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (t->n == VTXO_PLAN_MAX)
			return ERR(err, ERR_PARAM, "a hop of more than %d outputs", VTXO_PLAN_MAX);
		if (get_target(json_array_get(list, i), &t->v[t->n], err) != 0)
			return err_context(err, "%s %zu", name, i);
		t->n++;
	}
	return 0;
}

static struct arkoor_request request_of(struct arena *a, const struct vtxo *input, const struct targets *t)
{
	struct ark_output *outputs = ARENA_ARRAY(a, t->n + 1, struct ark_output);
	size_t n_normal = t->n - t->n_isolated;

	for (size_t i = 0; i < t->n; i++)
		outputs[i] = t->v[i].output;
	return (struct arkoor_request){ .input = input,
					.normal = { outputs, n_normal },
					.isolated = { outputs + n_normal, t->n_isolated },
					.checkpoint = true };
}

static int run_hop(struct world *w, const json_t *hop, struct err *err)
{
	struct arena *a = w->maker.arena;
	struct targets t = { .v = ARENA_ARRAY(a, VTXO_PLAN_MAX, struct target) };
	struct arkoor_request r;
	struct vtxo *made;
	uint64_t spend;

	if (json_get_u64(hop, "spend", VTXO_PLAN_MAX, &spend, err) != 0 || get_targets(hop, "outputs", &t, err) != 0)
		return -1;
	t.n_isolated = t.n;
	if (get_targets(hop, "isolated", &t, err) != 0)
		return -1;
	t.n_isolated = t.n - t.n_isolated;
	if (spend >= w->n || !w->list[spend].has_user)
		return ERR(err, ERR_PARAM, "spend: no VTXO with a key of ours");
	r = request_of(a, &w->list[spend].v, &t);
	made = ARENA_ARRAY(a, t.n + 1, struct vtxo);
	if (json_opt_bool(hop, "checkpoint", &r.checkpoint, err) != 0 ||
	    ark_make_arkoor(&w->maker, &r, &w->list[spend].user, made, err) != 0)
		return -1;
	w->list[spend].spent = true;
	for (size_t i = 0; i < t.n; i++)
		if (add(w, &made[i], t.v[i].has_user ? &t.v[i].user : NULL, err) != 0)
			return -1;
	return 0;
}

static int run_hops(struct world *w, const json_t *plan, struct err *err)
{
	const json_t *hops = json_object_get(plan, "hops");

	for (size_t i = 0; i < json_array_size(hops); i++)
		if (run_hop(w, json_array_get(hops, i), err) != 0)
			return err_context(err, "hop %zu", i);
	return 0;
}

/* --- results --- */

static int put_txs(struct arena *a, const struct vtxo *v, json_t *to, struct err *err)
{
	json_t *list = json_array_in(a);
	struct exit_chain chain;

	if (exit_chain_make(a, v, &chain, err) != 0)
		return -1;
	for (size_t i = 0; i < chain.n; i++)
		json_add_take(list, json_string(hex_text(a, tx_bytes(a, &chain.txs[i].tx))));
	json_set(to, "txs", list);
	return 0;
}

static int put_vtxo(struct arena *a, const struct made *m, json_t *list, struct err *err)
{
	json_t *o = json_object_in(a);
	char id[OUTPOINT_TEXT];

	outpoint_text(&m->v.point, id);
	json_set_str(o, "id", id);
	json_set_u64(o, "amount_sat", sat_value(m->v.amount));
	json_set_u64(o, "depth", m->v.n_items);
	json_set_bool(o, "spent", m->spent);
	json_set_str(o, "hex", hex_text(a, vtxo_encode(a, &m->v)));
	json_add(list, o);
	return put_txs(a, &m->v, o, err);
}

static int results(const struct world *w, json_t *ret, struct err *err)
{
	struct arena *a = w->maker.arena;
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < w->n; i++)
		if (put_vtxo(a, &w->list[i], list, err) != 0)
			return -1;
	json_set(ret, "vtxos", list);
	return 0;
}

int vtxo_plan_run(struct arena *a, const json_t *plan, json_t **ret, struct err *err)
{
	struct world *w = ARENA_NEW(a, struct world);
	json_t *result = json_object_in(a);
	const char *utxo_text = NULL;
	struct outpoint utxo;
	struct tx_out funding;

	w->maker.arena = a;
	if (get_maker(plan, &w->maker, err) != 0 || json_opt_str(plan, "utxo", OUTPOINT_TEXT, &utxo_text, err) != 0)
		return -1;
	if (utxo_text == NULL) {
		if (run_first(w, plan, NULL, &funding, err) != 0)
			return -1;
		json_set_str(result, "script", hex_text(a, funding.script));
		json_set_u64(result, "amount_sat", sat_value(funding.value));
	} else {
		if (!outpoint_parse(utxo_text, &utxo))
			return ERR(err, ERR_PARAM, "utxo: not txid:vout");
		if (run_first(w, plan, &utxo, NULL, err) != 0 || run_hops(w, plan, err) != 0 ||
		    results(w, result, err) != 0)
			return -1;
	}
	*ret = result;
	return 0;
}
