/* Whole rounds, signed by everybody: what a client must notice before it gives its old VTXOs up. */
#include "rails/ark/hark.h"

#include <string.h>

#include "rails/ark/ln.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_maker.h"
#include "tests/support/ark_round.h"
#include "tests/support/ark_server.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define LEAVES_MAX 21

static struct ark_maker maker;
static struct ark_round_leaf leaves[LEAVES_MAX];
static struct ark_round_plan plan;
static struct hash32 unlock;
static struct tx round_tx;
static struct tx_out round_out;

static void load(void)
{
	maker = (struct ark_maker){ &ra, { { [0] = 7, [31] = 1 } }, 150000, 144 };
	plan = (struct ark_round_plan){ leaves, 3, { { 9, 9 } }, true };
	for (uint8_t i = 0; i < LEAVES_MAX; i++)
		leaves[i] = (struct ark_round_leaf){ { { [30] = 1, [31] = i } }, { 1000u + i } };
	ark_preimage_hash(&plan.preimage, &unlock);
}

/* The round's transaction, and its VTXOs. */
static struct vtxo *made(size_t n)
{
	struct vtxo *v = ARENA_ARRAY(&ra, n, struct vtxo);
	struct outpoint utxo = { .vout = 0 };

	plan.n = n;
	ck_ok(ark_make_round_funding(&maker, &plan, &round_out, &rerr));
	round_tx = (struct tx){ .version = 2, .out = &round_out, .n_out = 1 };
	utxo.txid = tx_txid(&round_tx);
	ck_ok(ark_make_round(&maker, &plan, &utxo, v, &rerr));
	return v;
}

static const size_t sizes[] = { 2, 3, 4, 5, 7, 16, 17, LEAVES_MAX };

START_TEST(whole_rounds)
{
	struct vtxo *v = made(sizes[_i]), whole;

	for (size_t i = 0; i < plan.n; i++) {
		ck_ok(hark_check(&v[i], &round_tx, &unlock, HARK_SIGNED, &rerr));
		ck_fails(vtxo_validate(&v[i], &round_tx, &rerr), ERR_VTXO_TRANSITION);
		ck_assert(!vtxo_has_all_witnesses(&v[i]));
		ck_ok(hark_unlock(&ra, &v[i], plan.preimage.b, &whole, &rerr));
		ck_ok(vtxo_validate(&whole, &round_tx, &rerr));
		ck_assert(vtxo_has_all_witnesses(&whole));
		ck_ok(vtxo_check_standard(&whole, &rerr));
		ck_assert_uint_eq(whole.amount.v, leaves[i].amount.v);
		ck_fails(hark_check(&whole, &round_tx, &unlock, HARK_SIGNED, &rerr), ERR_PEER_INVALID);
	}
}
END_TEST

START_TEST(out_of_the_tree)
{
	struct outpoint utxo = { .vout = 0 };
	struct tree_signatures sigs;
	struct ark_round r;
	struct vtxo v;

	(void)made(3);
	utxo.txid = tx_txid(&round_tx);
	ck_ok(ark_make_round_tree(&maker, &plan, &utxo, &r, &rerr));
	ck_ok(ark_round_sign(&ra, r.tree, (struct ark_cosigners){ r.cosign, &r.server }, &sigs, &rerr));
	ck_ok(tree_leaf_vtxo(&ra, r.tree, 1, sigs, &v, &rerr));
	ck_ok(hark_check(&v, &round_tx, &unlock, HARK_UNSIGNED, &rerr));
	ck_fails(hark_check(&v, &round_tx, &unlock, HARK_SIGNED, &rerr), ERR_PEER_INVALID);
}
END_TEST

/* A VTXO of a round of 17 (three steps down), and its parts to be spoilt. */
struct spoilt {
	struct vtxo v;
	struct genesis_item *items;
};

static struct spoilt spoil(const struct vtxo *v)
{
	struct spoilt s = { *v, ARENA_ARRAY(&ra, v->n_items, struct genesis_item) };

	memcpy(s.items, v->items, v->n_items * sizeof(s.items[0]));
	s.v.items = s.items;
	return s;
}

static enum err_code found(const struct spoilt *s)
{
	if (hark_check(&s->v, &round_tx, &unlock, HARK_SIGNED, &rerr) == 0)
		return ERR_NONE;
	return rerr.code;
}

START_TEST(spoilt_locks)
{
	const struct vtxo *good = &made(17)[5];
	struct spoilt s = spoil(good);
	struct genesis_item *last = &s.items[good->n_items - 1];
	struct tx_out other = round_out;
	struct hash32 another = { { 1 } };
	struct pubkey *key = ARENA_NEW(&ra, struct pubkey);

	ck_assert_int_eq(found(&s), ERR_NONE);
	ck_fails(hark_check(good, &round_tx, &another, HARK_SIGNED, &rerr), ERR_PEER_INVALID);
	last->kind = GENESIS_HASH_LOCKED_V0;
	ck_assert_int_eq(found(&s), ERR_PEER_INVALID);
	last->kind = GENESIS_COSIGNED;
	ck_assert_int_eq(found(&s), ERR_PEER_INVALID);
	s = spoil(good);
	last = &s.items[good->n_items - 1];
	last->unlock_hash.b[0] ^= 1;
	ck_assert_int_eq(found(&s), ERR_PEER_INVALID);

	s = spoil(good);
	last = &s.items[good->n_items - 1];
	*key = s.v.policy.user;
	key->b[0] ^= 1;
	last->keys = key;
	ck_assert_int_eq(found(&s), ERR_PEER_INVALID);
	s = spoil(good);
	s.items[good->n_items - 1].has_signature = false;
	ck_assert_int_eq(found(&s), ERR_PEER_INVALID);
	s = spoil(good);
	s.v.n_items = 0;
	ck_assert_int_eq(found(&s), ERR_PEER_INVALID);
	s = spoil(good);
	s.v.point.txid.b[31] ^= 1; /* which a validation that stops at the lock would not see */
	ck_assert_int_eq(found(&s), ERR_VTXO_INVALID);
	s = spoil(good);
	s.v.amount.v++;
	ck_assert_int_eq(found(&s), ERR_VTXO_ANCHOR);
	other.value.v++;
	round_tx.out = &other;
	s = spoil(good);
	ck_assert_int_eq(found(&s), ERR_VTXO_ANCHOR_TX);
}
END_TEST

START_TEST(spoilt_signatures)
{
	const struct vtxo *good = &made(17)[5];

	for (size_t i = 0; i < good->n_items; i++) {
		struct spoilt s = spoil(good);

		s.items[i].signature[63] ^= 1;
		ck_assert_int_eq(found(&s), ERR_VTXO_TRANSITION);
		if (i + 1 == good->n_items)
			continue;
		s.items[i].has_signature = false;
		ck_assert_int_eq(found(&s), ERR_VTXO_TRANSITION);
	}
}
END_TEST

START_TEST(leaf_halves)
{
	struct vtxo *v = made(3), again;
	struct musig_pubnonce public;
	struct musig_nonce *nonce;
	struct ark_cosigned c;
	struct ark_half half;
	uint8_t sig[64] = { 0 };

	ck_ok(hark_leaf(&v[0], &c, &rerr));
	ck_assert(pubkey_equal(&c.user, &v[0].policy.user));
	ck_assert(secp_schnorr_verify(&c.keys.aggregate, &c.sighash, v[0].items[v[0].n_items - 1].signature));
	ck_ok(musig_nonce_new(&leaves[0].user, &c.sighash, &nonce, &public, &rerr));
	ck_ok(ark_server_half(&c, &maker.server, &public, &half, &rerr));
	ck_ok(ark_half_verify(&c, &public, &half, &rerr));
	half.part.b[31] ^= 1;
	ck_fails(ark_half_verify(&c, &public, &half, &rerr), ERR_PEER_INVALID);
	ck_fails(ark_half_finish(&c, &leaves[0].user, &nonce, &public, &half, sig, &rerr), ERR_PEER_INVALID);
	half.part.b[31] ^= 1;
	half.nonce.b[0] = 4;
	ck_fails(ark_half_finish(&c, &leaves[0].user, &nonce, &public, &half, sig, &rerr), ERR_PEER_INVALID);
	ck_fails(ark_half_finish(&c, &leaves[1].user, &nonce, &public, &half, sig, &rerr), ERR_CRYPTO);
	ck_assert_ptr_nonnull(nonce); /* nothing was signed */
	ck_ok(ark_server_half(&c, &maker.server, &public, &half, &rerr));
	ck_ok(ark_half_finish(&c, &leaves[0].user, &nonce, &public, &half, sig, &rerr));
	ck_assert_ptr_null(nonce);
	ck_ok(hark_put_signature(&ra, &v[0], sig, &again, &rerr));
	ck_ok(hark_check(&again, &round_tx, &unlock, HARK_SIGNED, &rerr));
}
END_TEST

START_TEST(unlocking)
{
	struct vtxo *v = made(2), whole = { 0 };
	struct secret wrong = plan.preimage;
	struct ark_cosigned c;
	uint8_t sig[64] = { 0 };

	wrong.b[31] ^= 1;
	ck_fails(hark_unlock(&ra, &v[0], wrong.b, &whole, &rerr), ERR_PEER_INVALID);
	ck_assert_uint_eq(whole.n_items, 0);
	v[0].n_items--;
	ck_fails(hark_unlock(&ra, &v[0], plan.preimage.b, &whole, &rerr), ERR_VTXO_INVALID);
	ck_fails(hark_put_signature(&ra, &v[0], sig, &whole, &rerr), ERR_VTXO_INVALID);
	ck_fails(hark_leaf(&v[0], &c, &rerr), ERR_VTXO_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/hark");
	TCase *c = rails_case(s, "hark");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_loop_test(c, whole_rounds, 0, ARRAY_LEN(sizes));
	tcase_add_test(c, out_of_the_tree);
	tcase_add_test(c, spoilt_locks);
	tcase_add_test(c, spoilt_signatures);
	tcase_add_test(c, leaf_halves);
	tcase_add_test(c, unlocking);
	return suite_run(s);
}
