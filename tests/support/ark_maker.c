#include "tests/support/ark_maker.h"

#include <string.h>

#include "base/hash.h"
#include "rails/ark/board.h"
#include "rails/ark/hark.h"
#include "rails/ark/ln.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_round.h"
#include "tests/support/ark_server.h"

static struct pubkey public_of(const struct secret *key)
{
	struct pubkey p = { { 0 } }; /* which no function takes for a key */

	return secp_seckey_pubkey(key, &p) ? p : (struct pubkey){ { 0 } };
}

struct ark_terms ark_maker_terms(const struct ark_maker *m)
{
	return (struct ark_terms){ public_of(&m->server), m->expiry_height, m->exit_delta };
}

static struct board_terms board_terms_of(const struct ark_maker *m, const struct ark_board_plan *p)
{
	return (struct board_terms){ public_of(&p->user), ark_maker_terms(m), p->amount, p->fee };
}

int ark_make_board_funding(const struct ark_maker *m, const struct ark_board_plan *p, struct tx_out *ret,
			   struct err *err)
{
	struct board_terms t = board_terms_of(m, p);
	struct spk spk;

	if (board_check(&t, err) != 0 || board_funding_spk(&t, &spk, err) != 0)
		return -1;
	*ret = (struct tx_out){ p->amount, arena_bytes(m->arena, spk_bytes(&spk)) };
	return 0;
}

int ark_make_board(const struct ark_maker *m, const struct ark_board_plan *p, const struct outpoint *utxo,
		   struct vtxo *ret, struct err *err)
{
	struct board_terms t = board_terms_of(m, p);
	struct musig_pubnonce public;
	struct musig_nonce *nonce;
	struct board_cosign server;
	struct ark_cosigned c;
	struct ark_half half;
	struct board b;
	int rc;

	if (board_make(m->arena, &t, utxo, &b, err) != 0)
		return -1;
	c = (struct ark_cosigned){ .user = t.user, .server = t.ark.server, .sighash = b.sighash };
	if (ark_pair_keys(&c.user, &c.server, &b.funding.tweak, &c.keys, err) != 0 ||
	    board_nonce(&b, &p->user, &nonce, &public, err) != 0)
		return -1;
	rc = ark_server_half(&c, &m->server, &public, &half, err);
	if (rc == 0) {
		server = (struct board_cosign){ half.nonce, half.part };
		rc = board_finish(m->arena, &b, &p->user, &nonce, &public, &server, ret, err);
	}
	musig_nonce_free(nonce);
	return rc;
}

int ark_make_arkoor(const struct ark_maker *m, const struct arkoor_request *r, const struct secret *user,
		    struct vtxo *ret, struct err *err)
{
	struct arkoor_cosign server;
	struct ark_nonces *nonces;
	struct arkoor k;
	int rc;

	if (arkoor_make(m->arena, r, &k, err) != 0 || arkoor_nonces(&k, user, &nonces, err) != 0)
		return -1;
	rc = ark_server_arkoor(m->arena, &k, &m->server, ark_nonces_public(nonces), &server, err);
	if (rc == 0)
		rc = arkoor_finish(m->arena, &k, user, nonces, &server, ret, err);
	ark_nonces_free(nonces);
	return rc;
}

int ark_make_chain(const struct ark_maker *m, const struct vtxo *from, const struct secret *user, size_t hops,
		   bool checkpoint, struct vtxo *ret, struct err *err)
{
	const struct ark_output out = { from->amount, from->policy };
	struct vtxo at = *from;

	for (size_t i = 0; i < hops; i++) {
		struct vtxo *input = ARENA_NEW(m->arena, struct vtxo);
		struct arkoor_request r = { .input = input, .normal = { &out, 1 }, .checkpoint = checkpoint };

		*input = at;
		if (ark_make_arkoor(m, &r, user, &at, err) != 0)
			return err_context(err, "hop %zu", i);
	}
	*ret = at;
	return 0;
}

/* Keys that are made up for this round: SHA256 of the server's, of what they are for, and of a number. */
static void derive(const struct ark_maker *m, const char *what, size_t i, struct secret *ret)
{
	SCOPED(buf) struct buf b = BUF_SECRET(256);
	struct hash32 h;

	buf_add(&b, m->server.b, sizeof(m->server.b));
	buf_text_add(&b, what);
	buf_be64(&b, i);
	sha256(buf_bytes(&b), &h);
	memcpy(ret->b, h.b, sizeof(ret->b));
}

static struct tree_spec *spec_of(const struct ark_maker *m, const struct ark_round_plan *p, const struct ark_round *r)
{
	struct tree_leaf *leaves = ARENA_ARRAY(m->arena, p->n, struct tree_leaf);
	struct tree_spec *spec = ARENA_NEW(m->arena, struct tree_spec);
	struct pubkey *global = ARENA_NEW(m->arena, struct pubkey), user;

	for (size_t i = 0; i < p->n; i++) {
		user = public_of(&p->leaves[i].user);
		leaves[i].output = (struct ark_output){ p->leaves[i].amount, ark_policy_pubkey(&user) };
		leaves[i].has_cosign = true;
		leaves[i].cosign = public_of(&r->cosign[i]);
		ark_preimage_hash(&p->preimage, &leaves[i].unlock_hash);
	}
	*global = public_of(&r->server);
	*spec = (struct tree_spec){ ark_maker_terms(m), global, 1, leaves, p->n };
	return spec;
}

int ark_make_round_tree(const struct ark_maker *m, const struct ark_round_plan *p, const struct outpoint *utxo,
			struct ark_round *ret, struct err *err)
{
	struct ark_round r = { .cosign = ARENA_ARRAY(m->arena, p->n, struct secret) };

	derive(m, "round", p->n, &r.server);
	for (size_t i = 0; i < p->n; i++)
		derive(m, "leaf", i, &r.cosign[i]);
	if (tree_make(m->arena, spec_of(m, p, &r), TREE_V1, utxo, &r.tree, err) != 0)
		return -1;
	*ret = r;
	return 0;
}

int ark_make_round_funding(const struct ark_maker *m, const struct ark_round_plan *p, struct tx_out *ret,
			   struct err *err)
{
	struct outpoint unknown = { .vout = 0 }; /* the output does not depend on where it will be */
	struct ark_round r;

	if (ark_make_round_tree(m, p, &unknown, &r, err) != 0)
		return -1;
	return tree_funding(r.tree, ret, err);
}

/* The last step, which user and server sign by the leaf; then the preimage. */
static int complete(const struct ark_maker *m, const struct ark_round_plan *p, size_t i, const struct vtxo *locked,
		    struct vtxo *ret, struct err *err)
{
	struct musig_pubnonce public;
	struct musig_nonce *nonce;
	struct ark_cosigned c;
	struct ark_half half;
	struct vtxo with_sig;
	uint8_t sig[64];
	int rc;

	if (hark_leaf(locked, &c, err) != 0 ||
	    musig_nonce_new(&p->leaves[i].user, &c.sighash, &nonce, &public, err) != 0)
		return -1;
	rc = ark_server_half(&c, &m->server, &public, &half, err);
	if (rc == 0)
		rc = ark_half_finish(&c, &p->leaves[i].user, &nonce, &public, &half, sig, err);
	musig_nonce_free(nonce);
	if (rc != 0 || hark_put_signature(m->arena, locked, sig, &with_sig, err) != 0)
		return -1;
	*ret = with_sig;
	return p->locked ? 0 : hark_unlock(m->arena, &with_sig, p->preimage.b, ret, err);
}

int ark_make_round(const struct ark_maker *m, const struct ark_round_plan *p, const struct outpoint *utxo,
		   struct vtxo *ret, struct err *err)
{
	struct tree_signatures sigs;
	struct ark_round r;

	if (ark_make_round_tree(m, p, utxo, &r, err) != 0 ||
	    ark_round_sign(m->arena, r.tree, (struct ark_cosigners){ r.cosign, &r.server }, &sigs, err) != 0 ||
	    tree_verify_all(r.tree, sigs, err) != 0)
		return -1;
	for (uint32_t i = 0; i < p->n; i++) {
		struct vtxo locked;

		if (tree_leaf_vtxo(m->arena, r.tree, i, sigs, &locked, err) != 0 ||
		    complete(m, p, i, &locked, &ret[i], err) != 0)
			return err_context(err, "leaf %u", i);
	}
	return 0;
}
