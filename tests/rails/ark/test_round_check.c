#include "rails/ark/round_check.h"

#include <string.h>

#include "rails/ark/ln.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_maker.h"
#include "tests/support/ark_round.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define N 7

static struct ark_maker maker;
static struct ark_round_leaf leaves[N];
static struct ark_round_plan plan;
static struct ark_round r;
static struct tx round_tx;
static struct tx_out round_out;
static struct round_demands demands;

/* Leaves 2 and 3 are of the same user and amount: only their cosign keys tell them apart. */
static void load(void)
{
	struct outpoint utxo = { .vout = 0 };

	maker = (struct ark_maker){ &ra, { { [0] = 7, [31] = 1 } }, 150000, 144 };
	for (uint8_t i = 0; i < N; i++)
		leaves[i] = (struct ark_round_leaf){ { { [30] = 1, [31] = i } }, { 1000u + i } };
	leaves[3] = leaves[2];
	plan = (struct ark_round_plan){ leaves, N, { { 9, 9 } }, true };
	ck_ok(ark_make_round_funding(&maker, &plan, &round_out, &rerr));
	round_tx = (struct tx){ .version = 2, .out = &round_out, .n_out = 1 };
	utxo.txid = tx_txid(&round_tx);
	ck_ok(ark_make_round_tree(&maker, &plan, &utxo, &r, &rerr));
	demands = (struct round_demands){ ark_maker_terms(&maker).server, 144, 150000, { { 0 } } };
	ark_preimage_hash(&plan.preimage, &demands.unlock_hash);
}

static struct ark_round_output wanted_of(uint32_t leaf)
{
	const struct tree_leaf *l = &tree_spec_of(r.tree)->leaves[leaf];

	return (struct ark_round_output){ l->output, l->cosign };
}

static int check(const struct ark_round_output *wanted, size_t n, uint32_t *ret)
{
	return round_check_tree(r.tree, &demands, (struct round_wanted){ wanted, n }, &round_tx, ret, &rerr);
}

START_TEST(finds_leaves)
{
	struct ark_round_output wanted[] = { wanted_of(3), wanted_of(6), wanted_of(2) };
	uint32_t got[3];

	ck_ok(check(wanted, 3, got));
	ck_assert_uint_eq(got[0], 3);
	ck_assert_uint_eq(got[1], 6);
	ck_assert_uint_eq(got[2], 2);
}
END_TEST

START_TEST(not_what_was_asked_for)
{
	struct ark_round_output wanted[] = { wanted_of(3), wanted_of(3) };
	uint32_t got[2];

	ck_fails(check(wanted, 2, got), ERR_PEER_INVALID); /* one leaf is not two outputs */
	wanted[0].output.amount.v++;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
	wanted[0] = wanted_of(3);
	wanted[0].cosign = wanted_of(4).cosign;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
	wanted[0] = wanted_of(3);
	wanted[0].output.policy.user.b[0] ^= 1;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
	wanted[0] = wanted_of(3);
	ck_ok(check(wanted, 1, got));
	demands.unlock_hash.b[31] ^= 1;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
	demands.unlock_hash.b[31] ^= 1;
	demands.exit_delta++;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
	demands.exit_delta--;
	demands.expiry_min++;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
	demands.expiry_min--;
	demands.server.b[0] ^= 1;
	ck_fails(check(wanted, 1, got), ERR_PEER_INVALID);
}
END_TEST

START_TEST(another_funding)
{
	struct ark_round_output wanted = wanted_of(0);
	struct tx_out other = round_out;
	struct outpoint utxo = { .vout = 0 };
	struct ark_round of_other;
	uint32_t got;

	round_tx.version = 3;
	ck_fails(check(&wanted, 1, &got), ERR_PEER_INVALID);
	/* A tree that does begin there, at an output that pays too little, or to another script, or is not there at all. */
	other.value.v--;
	round_tx.out = &other;
	utxo.txid = tx_txid(&round_tx);
	ck_ok(ark_make_round_tree(&maker, &plan, &utxo, &of_other, &rerr));
	r = of_other;
	ck_fails(check(&wanted, 1, &got), ERR_PEER_INVALID);
	other = round_out;
	other.script.n--;
	utxo.txid = tx_txid(&round_tx);
	ck_ok(ark_make_round_tree(&maker, &plan, &utxo, &r, &rerr));
	ck_fails(check(&wanted, 1, &got), ERR_PEER_INVALID);
	round_tx.n_out = 0;
	utxo.txid = tx_txid(&round_tx);
	ck_ok(ark_make_round_tree(&maker, &plan, &utxo, &r, &rerr));
	ck_fails(check(&wanted, 1, &got), ERR_PEER_INVALID);
}
END_TEST

START_TEST(expiry)
{
	ck_assert_uint_eq(round_expiry_min(1000, 144), 1138);
	ck_assert_uint_eq(round_expiry_min(3, 2), 0);
	ck_assert_uint_eq(round_expiry_min(UINT32_MAX, 100), UINT32_MAX);
}
END_TEST

START_TEST(delegated)
{
	struct ark_output wanted[2] = { wanted_of(0).output, wanted_of(1).output };
	struct vtxo got[2];

	for (size_t i = 0; i < 2; i++)
		got[i] = (struct vtxo){ .amount = wanted[i].amount,
					.policy = wanted[i].policy,
					.terms = ark_maker_terms(&maker) };
#define CHECK(n)                                                                                                       \
	round_check_delegated((struct round_vtxos){ got, (n) }, (struct ark_outputs){ wanted, 2 }, &demands, &rerr)
	ck_ok(CHECK(2));
	ck_fails(CHECK(1), ERR_PEER_INVALID);
	got[1].amount.v++;
	ck_fails(CHECK(2), ERR_PEER_INVALID);
	got[1].amount.v--;
	got[1].terms.expiry_height--;
	ck_fails(CHECK(2), ERR_PEER_INVALID);
	got[1].terms.expiry_height += 2;
	ck_ok(CHECK(2));
	got[1].policy.user.b[5] ^= 1;
	ck_fails(CHECK(2), ERR_PEER_INVALID);
#undef CHECK
}
END_TEST

/* Signing one leaf's way up. */
START_TEST(signing)
{
	struct ark_round_nonces n;
	struct musig_partial parts[ARK_TREE_LEVELS_MAX];
	struct musig_pubnonce *bad;
	struct tree_sums sums;

	ck_ok(ark_round_draw(&ra, r.tree, (struct ark_cosigners){ r.cosign, &r.server }, &n, &rerr));
	ck_fails(tree_sign(r.tree, 0, &r.cosign[1], n.leaves[0], n.sums, parts, &rerr), ERR_CRYPTO);
	sums = n.sums;
	sums.n--;
	ck_fails(tree_sign(r.tree, 0, &r.cosign[0], n.leaves[0], sums, parts, &rerr), ERR_PEER_INVALID);
	bad = ARENA_ARRAY(&ra, n.sums.n, struct musig_pubnonce);
	sums = (struct tree_sums){ bad, n.sums.n };
	memcpy(bad, n.sums.v, n.sums.n * sizeof(bad[0]));
	bad[0].b[0] = 9;
	ck_fails(tree_sign(r.tree, 0, &r.cosign[0], n.leaves[0], sums, parts, &rerr), ERR_PEER_INVALID);
	ck_ok(tree_sign(r.tree, 0, &r.cosign[0], n.leaves[0], n.sums, parts, &rerr));
	/* Leaf 4 hangs from the root, of level 2: its first nonce stays. */
	ck_ok(tree_sign(r.tree, 4, &r.cosign[4], n.leaves[4], n.sums, parts, &rerr));
	ck_assert_ptr_nonnull(*ark_nonces_at(n.leaves[4], 0));
	ck_assert_ptr_null(*ark_nonces_at(n.leaves[4], 1));
	/* No nonce signs twice. */
	ck_fails(tree_sign(r.tree, 4, &r.cosign[4], n.leaves[4], n.sums, parts, &rerr), ERR_CRYPTO);
}
END_TEST

START_TEST(too_few_nonces)
{
	struct ark_round_nonces n;
	struct musig_partial parts[ARK_TREE_LEVELS_MAX];
	struct ark_nonces *one;

	ck_ok(ark_round_draw(&ra, r.tree, (struct ark_cosigners){ r.cosign, &r.server }, &n, &rerr));
	ck_ok(ark_nonces_new(&r.cosign[0], NULL, 1, &one, &rerr));
	ck_fails(tree_sign(r.tree, 0, &r.cosign[0], one, n.sums, parts, &rerr), ERR_PEER_INVALID);
	ark_nonces_free(one);
	ark_nonces_free(NULL);
}
END_TEST

START_TEST(final_signatures)
{
	struct tree_signatures sigs, few;
	struct tree_signature *spoilt;
	struct vtxo v;

	ck_ok(ark_round_sign(&ra, r.tree, (struct ark_cosigners){ r.cosign, &r.server }, &sigs, &rerr));
	ck_assert_uint_eq(sigs.n, 2);
	ck_ok(tree_verify_all(r.tree, sigs, &rerr));
	few = (struct tree_signatures){ sigs.v, 1 };
	ck_fails(tree_verify_all(r.tree, few, &rerr), ERR_PEER_INVALID);
	ck_fails(tree_verify_branch(r.tree, 0, few, &rerr), ERR_PEER_INVALID);
	ck_fails(tree_leaf_vtxo(&ra, r.tree, 0, few, &v, &rerr), ERR_PEER_INVALID);
	spoilt = ARENA_ARRAY(&ra, 2, struct tree_signature);
	memcpy(spoilt, sigs.v, 2 * sizeof(spoilt[0]));
	spoilt[0].b[0] ^= 1; /* of the node above leaves 0 to 3 */
	sigs.v = spoilt;
	ck_fails(tree_verify_all(r.tree, sigs, &rerr), ERR_PEER_INVALID);
	ck_fails(tree_verify_branch(r.tree, 0, sigs, &rerr), ERR_PEER_INVALID);
	ck_ok(tree_verify_branch(r.tree, 4, sigs, &rerr));
}
END_TEST

/* A spec does not say which hash locks its tree has: the first signature does. */
START_TEST(generations)
{
	static const enum tree_generation all[] = { TREE_V1, TREE_V0 };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct tree_signed stored = { .spec = *tree_spec_of(r.tree), .utxo = *tree_utxo_of(r.tree) }, read;
		struct tree_signatures sigs;
		struct vtxo v;
		struct tree *t;

		ck_ok(tree_make(&ra, &stored.spec, all[i], &stored.utxo, &t, &rerr));
		ck_ok(ark_round_sign(&ra, t, (struct ark_cosigners){ r.cosign, &r.server }, &sigs, &rerr));
		stored.signatures = sigs.v;
		stored.n_signatures = sigs.n;
		ck_ok(tree_signed_decode(&ra, tree_signed_encode(&ra, &stored), &read, &rerr));
		ck_ok(tree_of_signed(&ra, &read, &t, &sigs, &rerr));
		ck_ok(tree_verify_all(t, sigs, &rerr));
		ck_ok(tree_leaf_vtxo(&ra, t, 0, sigs, &v, &rerr));
		ck_assert_int_eq(v.items[v.n_items - 1].kind,
				 all[i] == TREE_V0 ? GENESIS_HASH_LOCKED_V0 : GENESIS_HASH_LOCKED);
		read.utxo.vout++;
		ck_fails(tree_of_signed(&ra, &read, &t, &sigs, &rerr), ERR_PEER_INVALID);
		read.n_signatures--;
		ck_fails(tree_of_signed(&ra, &read, &t, &sigs, &rerr), ERR_PEER_INVALID);
		read.spec.n_leaves = 1;
		read.n_signatures = 0;
		ck_ok(tree_of_signed(&ra, &read, &t, &sigs, &rerr));
	}
}
END_TEST

/* A participant that left the rest to the server has nothing to sign with. */
START_TEST(not_cosigned)
{
	struct tree_leaf *copy = ARENA_ARRAY(&ra, N, struct tree_leaf);
	struct tree_spec spec = *tree_spec_of(r.tree);
	struct ark_round_output wanted = wanted_of(0);
	struct musig_partial parts[ARK_TREE_LEVELS_MAX];
	struct ark_round_nonces n;
	struct tree *t;
	uint32_t got;

	ck_ok(ark_round_draw(&ra, r.tree, (struct ark_cosigners){ r.cosign, &r.server }, &n, &rerr));
	memcpy(copy, spec.leaves, N * sizeof(copy[0]));
	copy[0].has_cosign = false;
	spec.leaves = copy;
	ck_ok(tree_make(&ra, &spec, TREE_V1, tree_utxo_of(r.tree), &t, &rerr));
	ck_fails(tree_sign(t, 0, &r.cosign[0], n.leaves[0], n.sums, parts, &rerr), ERR_CRYPTO);
	r.tree = t;
	ck_fails(check(&wanted, 1, &got), ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/round_check");
	TCase *c = rails_case(s, "round_check");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_test(c, finds_leaves);
	tcase_add_test(c, not_what_was_asked_for);
	tcase_add_test(c, another_funding);
	tcase_add_test(c, expiry);
	tcase_add_test(c, delegated);
	tcase_add_test(c, signing);
	tcase_add_test(c, too_few_nonces);
	tcase_add_test(c, final_signatures);
	tcase_add_test(c, generations);
	tcase_add_test(c, not_cosigned);
	return suite_run(s);
}
