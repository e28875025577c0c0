#include "rails/ark/arkoor.h"

#include <inttypes.h>
#include <string.h>

#include "rails/ark/allot.h"
#include "rails/ark/cosign.h"
#include "rails/ark/exit_tx.h"

static const struct sat no_fee = { 0 };

static int add_up(struct ark_outputs list, struct sat *sum, struct err *err)
{
	for (size_t i = 0; i < list.n; i++) {
		if (sat_value(list.v[i].amount) == 0)
			return ERR(err, ERR_PARAM, "an output of nothing");
		if (!sat_add(*sum, list.v[i].amount, sum))
			return ERR(err, ERR_RANGE, "the outputs come to more than any amount");
	}
	return 0;
}

static int check_amounts(const struct arkoor_request *r, struct err *err)
{
	struct sat isolated = { 0 }, all;

	if (add_up(r->isolated, &isolated, err) != 0)
		return -1;
	all = isolated;
	if (add_up(r->normal, &all, err) != 0)
		return -1;
	if (sat_cmp(all, r->input->amount) != 0)
		return ERR(err, ERR_FUNDS, "the outputs come to %" PRIu64 " sat, the VTXO is of %" PRIu64 " sat",
			   sat_value(all), sat_value(r->input->amount));
	if (r->normal.n == 0)
		return ERR(err, ERR_PARAM, "a payment without outputs");
	if (r->normal.n + (r->isolated.n > 0) > ARK_OUTPUTS_MAX || r->isolated.n > ARK_OUTPUTS_MAX)
		return ERR(err, ERR_RANGE, "%zu outputs and %zu of dust: a transaction has at most %d", r->normal.n,
			   r->isolated.n, ARK_OUTPUTS_MAX);
	if (r->isolated.n > 0 && sat_value(isolated) < ARK_DUST_SAT)
		return ERR(err, ERR_DUST, "outputs of dust come to %" PRIu64 " sat together: less than %u",
			   sat_value(isolated), ARK_DUST_SAT);
	return 0;
}

/* Hash locks that do not look at the preimage's length are spent, never made. */
static int check_policies(struct ark_outputs list, struct err *err)
{
	for (size_t i = 0; i < list.n; i++) {
		enum ark_policy_kind kind = list.v[i].policy.kind;

		if (kind != ARK_PUBKEY && kind != ARK_HTLC_SEND && kind != ARK_HTLC_RECEIVE)
			return ERR(err, ERR_VTXO_POLICY, "no VTXO is made with the policy %s", ark_policy_name(kind));
	}
	return 0;
}

int arkoor_check(const struct arkoor_request *r, struct err *err)
{
	if (check_amounts(r, err) != 0 || check_policies(r->normal, err) != 0 || check_policies(r->isolated, err) != 0)
		return -1;
	if (!ark_policy_is_user(r->input->policy.kind))
		return ERR(err, ERR_VTXO_POLICY, "a VTXO with the policy %s is not a user's to spend",
			   ark_policy_name(r->input->policy.kind));
	return 0;
}

static struct tx_out pay_to(struct arena *a, struct sat amount, const struct spk *s)
{
	return (struct tx_out){ amount, arena_bytes(a, spk_bytes(s)) };
}

static int pay_policies(struct arena *a, struct ark_outputs list, const struct ark_terms *t, struct tx_out *ret,
			struct err *err)
{
	for (size_t i = 0; i < list.n; i++) {
		struct spk s;

		if (ark_policy_spk(&list.v[i].policy, t, &s, err) != 0)
			return err_context(err, "output %zu", i);
		ret[i] = pay_to(a, list.v[i].amount, &s);
	}
	return 0;
}

static void pay_checkpoint(struct arena *a, struct ark_outputs list, const struct spk *checkpoint, struct tx_out *ret)
{
	for (size_t i = 0; i < list.n; i++)
		ret[i] = pay_to(a, list.v[i].amount, checkpoint);
}

static struct sat sum_of(struct ark_outputs list)
{
	struct sat sum = { 0 };

	for (size_t i = 0; i < list.n; i++)
		sum.v += list.v[i].amount.v; /* checked: no more than the input */
	return sum;
}

static int add_tx(struct arena *a, struct arkoor *k, const struct outpoint *spends, const struct tx_out *spent,
		  const struct tx_out *outs, size_t n, struct err *err)
{
	struct arkoor_tx *t = &k->txs[k->n_txs];

	ark_tx_make(a, spends, outs, n, no_fee, &t->tx);
	t->txid = tx_txid(&t->tx);
	t->spent = *spent;
	if (ark_tx_sighash(&t->tx, spent, NULL, &t->sighash, err) != 0)
		return -1;
	k->n_txs++;
	return 0;
}

/* What spends an output of the first transaction. */
static int add_below(struct arena *a, struct arkoor *k, size_t vout, const struct tx_out *outs, size_t n,
		     struct err *err)
{
	struct outpoint from = { k->txs[0].txid, (uint32_t)vout };

	return add_tx(a, k, &from, &k->txs[0].tx.out[vout], outs, n, err);
}

static int make_first(struct arena *a, struct arkoor *k, const struct spk *input, const struct spk *checkpoint,
		      struct err *err)
{
	const struct arkoor_request *r = &k->request;
	size_t n = r->normal.n;
	struct tx_out *outs = ARENA_ARRAY(a, n + 1, struct tx_out), spent = pay_to(a, r->input->amount, input);

	if (r->checkpoint)
		pay_checkpoint(a, r->normal, checkpoint, outs);
	else if (pay_policies(a, r->normal, &r->input->terms, outs, err) != 0)
		return -1;
	/* The dust's common output is a checkpoint also where the others are not. */
	if (r->isolated.n > 0)
		outs[n++] = pay_to(a, sum_of(r->isolated), checkpoint);
	return add_tx(a, k, &r->input->point, &spent, outs, n, err);
}

static int make_below(struct arena *a, struct arkoor *k, struct err *err)
{
	const struct arkoor_request *r = &k->request;
	struct tx_out *outs = ARENA_ARRAY(a, r->normal.n + r->isolated.n, struct tx_out), *dust = outs + r->normal.n;

	if (pay_policies(a, r->normal, &r->input->terms, outs, err) != 0 ||
	    pay_policies(a, r->isolated, &r->input->terms, dust, err) != 0)
		return -1;
	for (size_t i = 0; r->checkpoint && i < r->normal.n; i++)
		if (add_below(a, k, i, &outs[i], 1, err) != 0)
			return -1;
	return r->isolated.n > 0 ? add_below(a, k, r->normal.n, dust, r->isolated.n, err) : 0;
}

static int make_keys(struct arkoor *k, struct err *err)
{
	const struct pubkey *server = &k->request.input->terms.server;

	if (ark_pair_keys(k->user, server, &k->tweak, &k->keys, err) != 0)
		return -1;
	return ark_pair_keys(k->user, server, &k->checkpoint_tweak, &k->rest_keys, err);
}

int arkoor_make(struct arena *a, const struct arkoor_request *r, struct arkoor *ret, struct err *err)
{
	struct arkoor k = { .request = *r };
	struct ark_policy checkpoint = ark_policy_checkpoint(&r->input->policy.user);
	struct ark_taproot from, via;
	struct spk from_spk, via_spk;
	struct pubkey *user;

	if (arkoor_check(r, err) != 0 || ark_policy_taproot(&r->input->policy, &r->input->terms, &from, err) != 0 ||
	    ark_policy_taproot(&checkpoint, &r->input->terms, &via, err) != 0)
		return -1;
	user = ARENA_NEW(a, struct pubkey);
	*user = r->input->policy.user;
	k.user = user;
	k.tweak = from.tweak;
	k.checkpoint_tweak = via.tweak;
	k.txs = ARENA_ARRAY(a, r->normal.n + 2, struct arkoor_tx);
	from_spk = ark_taproot_spk(&from);
	via_spk = ark_taproot_spk(&via);
	if (make_keys(&k, err) != 0 || make_first(a, &k, &from_spk, &via_spk, err) != 0 || make_below(a, &k, err) != 0)
		return -1;
	*ret = k;
	return 0;
}

int arkoor_nonces(const struct arkoor *k, const struct secret *user, struct ark_nonces **ret, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(16384);
	struct hash32 *msgs = ARENA_ARRAY(&scratch, k->n_txs, struct hash32);

	if (ark_check_key(user, k->user, err) != 0)
		return -1;
	for (size_t i = 0; i < k->n_txs; i++)
		msgs[i] = k->txs[i].sighash;
	return ark_nonces_new(user, msgs, k->n_txs, ret, err);
}

static struct ark_cosigned cosigned_of(const struct arkoor *k, size_t i)
{
	return (struct ark_cosigned){ .user = *k->user,
				      .server = k->request.input->terms.server,
				      .keys = i == 0 ? k->keys : k->rest_keys,
				      .sighash = k->txs[i].sighash };
}

static struct ark_half half_of(const struct arkoor_cosign *server, size_t i)
{
	return (struct ark_half){ server->nonces[i], server->parts[i] };
}

static int check_counts(const struct arkoor *k, const struct arkoor_cosign *server, struct err *err)
{
	if (server->n_nonces != k->n_txs)
		return ERR(err, ERR_PEER_INVALID, "%zu nonces of the server for %zu transactions", server->n_nonces,
			   k->n_txs);
	if (server->n_parts != k->n_txs)
		return ERR(err, ERR_PEER_INVALID, "%zu partial signatures of the server for %zu transactions",
			   server->n_parts, k->n_txs);
	return 0;
}

int arkoor_verify(const struct arkoor *k, const struct musig_pubnonce *ours, const struct arkoor_cosign *server,
		  struct err *err)
{
	if (check_counts(k, server, err) != 0)
		return -1;
	for (size_t i = 0; i < k->n_txs; i++) {
		struct ark_cosigned c = cosigned_of(k, i);
		struct ark_half half = half_of(server, i);

		if (ark_half_verify(&c, &ours[i], &half, err) != 0)
			return err_context(err, "transaction %zu", i);
	}
	return 0;
}

int arkoor_finish(struct arena *a, const struct arkoor *k, const struct secret *user, struct ark_nonces *nonces,
		  const struct arkoor_cosign *server, struct vtxo *ret, struct err *err)
{
	struct arkoor_signature *sigs = ARENA_ARRAY(a, k->n_txs, struct arkoor_signature);

	if (check_counts(k, server, err) != 0)
		return -1;
	if (ark_nonces_count(nonces) != k->n_txs)
		return ERR(err, ERR_CRYPTO, "%zu nonces for %zu transactions", ark_nonces_count(nonces), k->n_txs);
	for (size_t i = 0; i < k->n_txs; i++) {
		struct ark_cosigned c = cosigned_of(k, i);
		struct ark_half half = half_of(server, i);

		if (ark_half_finish(&c, user, ark_nonces_at(nonces, i), &ark_nonces_public(nonces)[i], &half, sigs[i].b,
				    err) != 0)
			return err_context(err, "transaction %zu", i);
	}
	arkoor_vtxos(a, k, sigs, ret);
	return 0;
}

size_t arkoor_n_vtxos(const struct arkoor *k)
{
	return k->request.normal.n + k->request.isolated.n;
}

/* One more step: transaction i, gone on with from this output. */
struct hop {
	size_t tx, vout;
};

static void put_step(struct arena *a, const struct arkoor *k, struct hop hop, const struct arkoor_signature *sigs,
		     struct genesis_item *ret)
{
	const struct tx *tx = &k->txs[hop.tx].tx;
	size_t n_others = tx->n_out - 2; /* neither it nor the fee anchor */
	struct tx_out *others = ARENA_ARRAY(a, n_others, struct tx_out);

	memcpy(others, tx->out, hop.vout * sizeof(others[0]));
	memcpy(others + hop.vout, tx->out + hop.vout + 1, (n_others - hop.vout) * sizeof(others[0]));
	*ret = (struct genesis_item){ .kind = GENESIS_ARKOOR,
				      .keys = k->user,
				      .n_keys = 1,
				      .tweak = hop.tx == 0 ? k->tweak : k->checkpoint_tweak,
				      .output_idx = (uint8_t)hop.vout,
				      .others = others,
				      .n_others = (uint8_t)n_others,
				      .has_signature = sigs != NULL };
	if (sigs != NULL)
		memcpy(ret->signature, sigs[hop.tx].b, sizeof(ret->signature));
}

static void put_vtxo(struct arena *a, const struct arkoor *k, const struct hop *hops, size_t n,
		     const struct arkoor_signature *sigs, struct vtxo *v)
{
	const struct vtxo *input = k->request.input;
	struct genesis_item *items = ARENA_ARRAY(a, input->n_items + n, struct genesis_item);

	if (input->n_items > 0)
		memcpy(items, input->items, input->n_items * sizeof(items[0]));
	for (size_t i = 0; i < n; i++)
		put_step(a, k, hops[i], sigs, &items[input->n_items + i]);
	v->terms = input->terms;
	v->anchor = input->anchor;
	v->items = items;
	v->n_items = input->n_items + n;
	v->point = (struct outpoint){ k->txs[hops[n - 1].tx].txid, (uint32_t)hops[n - 1].vout };
}

void arkoor_vtxos(struct arena *a, const struct arkoor *k, const struct arkoor_signature *sigs, struct vtxo *ret)
{
	const struct arkoor_request *r = &k->request;

	for (size_t i = 0; i < arkoor_n_vtxos(k); i++) {
		bool isolated = i >= r->normal.n;
		const struct ark_output *o = isolated ? &r->isolated.v[i - r->normal.n] : &r->normal.v[i];
		struct hop hops[2] = { { 0, isolated ? r->normal.n : i } };

		ret[i] = (struct vtxo){ .amount = o->amount, .policy = o->policy };
		hops[1] = isolated ? (struct hop){ k->n_txs - 1, i - r->normal.n } : (struct hop){ 1 + i, 0 };
		put_vtxo(a, k, hops, isolated || r->checkpoint ? 2 : 1, sigs, &ret[i]);
	}
}
