#include "rails/ark/board.h"

#include <string.h>

#include "rails/ark/exit_tx.h"

/* --- what is signed --- */

int board_check(const struct board_terms *t, struct err *err)
{
	static const struct sat zero;
	struct sat rest;

	if (sat_cmp(t->amount, zero) == 0)
		return ERR(err, ERR_RANGE, "amount: ZeroAmount: nothing to board");
	if (!sat_sub(t->amount, t->fee, &rest))
		return ERR(err, ERR_RANGE, "fee: FeeHigherThanAmount: the fee is more than the amount");
	if (sat_cmp(rest, zero) == 0)
		return ERR(err, ERR_RANGE, "amount: ZeroAmountAfterFee: the fee takes all of it");
	return 0;
}

static int funding_taproot(const struct board_terms *t, struct ark_taproot *ret, struct err *err)
{
	const struct pubkey pair[2] = { t->user, t->ark.server };

	return ark_cosign_taproot(pair, 2, &t->ark, ret, err);
}

int board_funding_spk(const struct board_terms *t, struct spk *ret, struct err *err)
{
	struct ark_taproot tap;

	if (funding_taproot(t, &tap, err) != 0)
		return -1;
	*ret = ark_taproot_spk(&tap);
	return 0;
}

/* The only step: signed by user and server, in this order whatever the order of signing. */
static const struct genesis_item *only_step(struct arena *a, const struct board_terms *t, const uint8_t *sig)
{
	struct genesis_item *g = ARENA_NEW(a, struct genesis_item);
	struct pubkey *pair = ARENA_ARRAY(a, 2, struct pubkey);

	pair[0] = t->user;
	pair[1] = t->ark.server;
	*g = (struct genesis_item){ .kind = GENESIS_COSIGNED, .keys = pair, .n_keys = 2, .fee = t->fee };
	if (sig != NULL) {
		g->has_signature = true;
		memcpy(g->signature, sig, sizeof(g->signature));
	}
	return g;
}

int board_make(struct arena *a, const struct board_terms *t, const struct outpoint *utxo, struct board *ret,
	       struct err *err)
{
	struct board b = { .terms = *t };
	struct exit_chain c;

	if (board_check(t, err) != 0 || funding_taproot(t, &b.funding, err) != 0)
		return -1;
	b.vtxo = (struct vtxo){ .terms = t->ark, .anchor = *utxo, .policy = ark_policy_pubkey(&t->user) };
	b.vtxo.items = only_step(a, t, NULL);
	b.vtxo.n_items = 1;
	if (!sat_sub(t->amount, t->fee, &b.vtxo.amount))
		return ERR(err, ERR_INTERNAL, "board: a fee that was checked is more than the amount");
	if (exit_chain_make(a, &b.vtxo, &c, err) != 0 || exit_tx_sighash(&c.txs[0], &b.sighash, err) != 0)
		return -1;
	b.exit = c.txs[0].tx;
	b.vtxo.point = c.txs[0].next;
	*ret = b;
	return 0;
}

/* --- signing --- */

int board_nonce(const struct board *b, const struct secret *user, struct musig_nonce **ret,
		struct musig_pubnonce *ret_public, struct err *err)
{
	return musig_nonce_new(user, &b->sighash, ret, ret_public, err);
}

static int session_of(const struct board *b, const struct musig_pubnonce *ours, const struct musig_pubnonce *server,
		      struct musig_session *ret, struct err *err)
{
	const struct pubkey pair[2] = { b->terms.user, b->terms.ark.server };
	const struct musig_pubnonce nonces[2] = { *ours, *server };
	struct musig_keys keys;

	if (!musig_pubnonce_valid(server))
		return ERR(err, ERR_PEER_INVALID, "board: the server's nonce is none");
	if (musig_keys_make(pair, 2, &keys, err) != 0 || musig_keys_tweak(&keys, &b->funding.tweak, err) != 0)
		return -1;
	return musig_session_make(&keys, nonces, 2, &b->sighash, ret, err);
}

static int sign(const struct board *b, const struct secret *user, struct musig_nonce **nonce,
		const struct musig_pubnonce *our_nonce, const struct board_cosign *server, uint8_t ret[64],
		struct err *err)
{
	struct musig_partial parts[2] = { server->part };
	struct musig_session s;

	if (session_of(b, our_nonce, &server->nonce, &s, err) != 0)
		return -1;
	if (!musig_partial_verify(&s, &b->terms.ark.server, &server->nonce, &server->part))
		return ERR(err, ERR_PEER_INVALID, "board: the server's part of the signature does not verify");
	if (musig_sign(&s, user, nonce, &parts[1], err) != 0)
		return -1;
	return musig_finish(&s, parts, 2, ret, err);
}

int board_finish(struct arena *a, const struct board *b, const struct secret *user, struct musig_nonce **nonce,
		 const struct musig_pubnonce *our_nonce, const struct board_cosign *server, struct vtxo *ret,
		 struct err *err)
{
	uint8_t sig[64];
	int rc = sign(b, user, nonce, our_nonce, server, sig, err);

	musig_nonce_free(TAKE(*nonce)); /* of no use any more, also where signing was not reached */
	if (rc != 0)
		return -1;
	*ret = b->vtxo;
	ret->items = only_step(a, &b->terms, sig);
	return 0;
}

/* --- recognising --- */

int board_recognise(const struct vtxo *v, const struct tx *funding, const struct pubkey *server, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024);
	struct board_terms t = { .user = v->policy.user, .ark = v->terms };
	struct txid txid = tx_txid(funding);
	struct err why;
	struct board b;

	if (!txid_equal(&txid, &v->anchor.txid))
		return ERR(err, ERR_VTXO_ANCHOR_TX, "board: the transaction given does not fund it");
	if (!pubkey_equal(&v->terms.server, server))
		return ERR(err, ERR_VTXO_SERVER, "server_pubkey: it is another server's");
	if (v->n_items != 1 || v->policy.kind != ARK_PUBKEY)
		return ERR(err, ERR_VTXO_INVALID,
			   "board: %zu genesis items and policy %s, where a board has one and pubkey", v->n_items,
			   ark_policy_name(v->policy.kind));
	t.fee = v->items[0].fee;
	if (!sat_add(v->amount, t.fee, &t.amount))
		return ERR(err, ERR_VTXO_INVALID, "onchain amount overflow");
	if (board_make(&a, &t, &v->anchor, &b, &why) != 0)
		return ERR(err, ERR_VTXO_INVALID, "board: %s", why.msg);
	if (!outpoint_equal(&b.vtxo.point, &v->point))
		return ERR(err, ERR_VTXO_INVALID, "board: its exit would be another transaction");
	return 0;
}
