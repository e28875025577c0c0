/* Vectors: tests/vectors/ark/policies.json. */
#include "rails/ark/policy.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/ark/taproot.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define CASES 17

static const char *hex32(const uint8_t b[32])
{
	return hex_text(&ra, (struct bytes){ b, 32 });
}

static json_t *policies(void)
{
	json_t *list = json_object_get(vectors_load("ark/policies.json"), "cases");

	ck_assert_uint_eq(json_array_size(list), CASES);
	return list;
}

static struct ark_policy policy_of(const json_t *c)
{
	struct ark_policy p;

	ck_ok(ark_policy_decode(vec_hex(json_object_get(c, "policy"), "encoding"), ARK_ANY_POLICY, &p, &rerr));
	return p;
}

static struct ark_terms terms_of(const json_t *c)
{
	struct ark_terms t = { .expiry_height = (uint32_t)vec_u64(c, "expiry_height"),
			       .exit_delta = (uint16_t)vec_u64(c, "exit_delta") };

	vec_copy(vectors_load("ark/policies.json"), "server_pubkey", t.server.b, sizeof(t.server.b));
	return t;
}

/* A field that the vector has is what was read. */
static void check_hex(const json_t *v, const char *name, const void *got, size_t n)
{
	if (json_object_get(v, name) != NULL)
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ got, n }), vec_str(v, name));
}

START_TEST(encodings)
{
	const json_t *v = json_object_get(json_array_get(policies(), (size_t)_i), "policy");
	struct bytes enc = vec_hex(v, "encoding");
	SCOPED(buf) struct buf b = BUF_CAP(ARK_POLICY_SIZE_MAX);
	struct ark_policy p, user, again;

	ck_ok(ark_policy_decode(enc, ARK_ANY_POLICY, &p, &rerr));
	ck_assert_uint_eq(p.kind, vec_u64(v, "tag"));
	ck_assert_str_eq(ark_policy_name(p.kind), vec_str(v, "kind"));
	check_hex(v, "user_pubkey", p.user.b, 33);
	check_hex(v, "internal_key", p.internal.b, 32);
	check_hex(v, "hash", p.hash.b, 32);
	if (json_object_get(v, "htlc_expiry") != NULL)
		ck_assert_uint_eq(p.htlc_expiry, vec_u64(v, "htlc_expiry"));
	if (json_object_get(v, "htlc_expiry_delta") != NULL)
		ck_assert_uint_eq(p.htlc_expiry_delta, vec_u64(v, "htlc_expiry_delta"));
	ark_policy_put(&b, &p);
	ck_assert(bytes_equal(buf_bytes(&b), enc));
	ck_ok(ark_policy_decode(buf_bytes(&b), ARK_ANY_POLICY, &again, &rerr));
	ck_assert(ark_policy_equal(&p, &again));

	if (ark_policy_is_user(p.kind)) {
		ck_ok(ark_policy_decode(enc, ARK_USER_POLICY, &user, &rerr));
		ck_assert(ark_policy_equal(&p, &user));
	} else {
		ck_fails(ark_policy_decode(enc, ARK_USER_POLICY, &user, &rerr), ERR_VTXO_POLICY);
	}
	for (size_t cut = 0; cut < enc.n; cut++)
		ck_fails(ark_policy_decode((struct bytes){ enc.p, cut }, ARK_ANY_POLICY, &p, &rerr), ERR_VTXO);
}
END_TEST

static void check_leaf(const json_t *want, const struct ark_taproot *t, size_t i)
{
	struct bytes control = ark_taproot_control(&ra, t, i), script = ark_leaf_script(&t->leaf[i]);
	struct hash32 leaf;

	ck_assert_str_eq(hex_text(&ra, script), vec_str(want, "script"));
	ck_assert_str_eq(hex32(t->leaf[i].hash.b), vec_str(want, "leaf_hash"));
	ck_assert_str_eq(hex_text(&ra, control), vec_str(want, "control_block"));
	ck_assert(tap_control_verify(&t->output.key, script, control, &leaf));
	ck_assert(hash32_equal(&leaf, &t->leaf[i].hash));
}

START_TEST(outputs)
{
	const json_t *c = json_array_get(policies(), (size_t)_i), *leaves = json_object_get(c, "leaves");
	struct ark_policy p = policy_of(c);
	struct ark_terms terms = terms_of(c);
	struct ark_taproot t;
	struct spk spk, same;

	ck_ok(ark_policy_taproot(&p, &terms, &t, &rerr));
	ck_assert_str_eq(hex32(t.internal.b), vec_str(c, "internal_key"));
	ck_assert_uint_eq(t.n_leaves, json_array_size(leaves));
	for (size_t i = 0; i < t.n_leaves; i++)
		check_leaf(json_array_get(leaves, i), &t, i);
	if (t.n_leaves > 0)
		ck_assert_str_eq(hex32(t.root.b), vec_str(c, "merkle_root"));
	ck_assert_str_eq(hex32(t.tweak.b), vec_str(c, "tap_tweak"));
	ck_assert_str_eq(hex32(t.output.key.b), vec_str(c, "output_key"));
	ck_assert_uint_eq(t.output.odd, vec_u64(c, "output_key_parity"));
	spk = ark_taproot_spk(&t);
	ck_assert_str_eq(hex_text(&ra, spk_bytes(&spk)), vec_str(c, "script_pubkey"));
	ck_ok(ark_policy_spk(&p, &terms, &same, &rerr));
	ck_assert(spk_equal(&spk, &same));
}
END_TEST

/* An output whose tree is known by its tweak alone is the same output. */
START_TEST(the_tweak_alone_gives_the_same_key)
{
	const json_t *c = json_array_get(policies(), (size_t)_i);
	struct ark_policy p = policy_of(c);
	struct ark_terms terms = terms_of(c);
	struct ark_taproot t;
	struct xonly key;

	if (p.kind == ARK_EXPIRY || p.kind == ARK_SERVER_OWNED)
		return; /* the internal key is not user and server together */
	ck_ok(ark_policy_taproot(&p, &terms, &t, &rerr));
	ck_ok(ark_tweaked_output(&p.user, 1, &terms.server, &t.tweak, &key, &rerr));
	ck_assert(xonly_equal(&key, &t.output.key));
}
END_TEST

/* --- spending --- */

/* What each kind of policy lets its user do alone: §3.4. */
static const struct {
	enum ark_policy_kind kind;
	const char *clause; /* the user's, or NULL */
	uint32_t sequence, locktime;
	bool preimage;
} ways[] = {
	{ ARK_PUBKEY, "delayed-sign", 144, 0, false },
	{ ARK_HTLC_SEND, "delayed-timelock-sign", 288, 99000, false },
	{ ARK_HTLC_SEND_V0, "delayed-timelock-sign", 288, 99000, false },
	{ ARK_HTLC_RECEIVE, "hash-delay-sign", 184, 0, true },
	{ ARK_HTLC_RECEIVE_V0, "hash-delay-sign", 184, 0, true },
	{ ARK_HARK_FORFEIT, "delayed-sign", 144, 0, false },
	{ ARK_CHECKPOINT, NULL, 0, 0, false },
	{ ARK_HARK_LEAF, NULL, 0, 0, false },
	{ ARK_SERVER_OWNED, NULL, 0, 0, false },
};

START_TEST(what_the_user_can_do_alone)
{
	static const uint8_t sig[64] = { 1 }, preimage[32] = { 0x42 };
	struct ark_policy p = { .kind = ways[_i].kind, .htlc_expiry = 99000, .htlc_expiry_delta = 40 };
	struct ark_terms terms = terms_of(json_array_get(policies(), 0));
	struct ark_taproot t;
	struct witness w;
	size_t leaf;

	vec_copy(vectors_load("ark/policies.json"), "user_pubkey", p.user.b, sizeof(p.user.b));
	ck_ok(ark_policy_taproot(&p, &terms, &t, &rerr));
	leaf = ark_taproot_leaf_of(&t, &p.user);
	if (ways[_i].clause == NULL) {
		ck_assert_uint_eq(leaf, t.n_leaves);
		return;
	}
	ck_assert_uint_lt(leaf, t.n_leaves);
	ck_assert_str_eq(ark_clause_name(&t.leaf[leaf].clause), ways[_i].clause);
	ck_assert_uint_eq(ark_clause_sequence(&t.leaf[leaf].clause), ways[_i].sequence);
	ck_assert_uint_eq(ark_clause_locktime(&t.leaf[leaf].clause), ways[_i].locktime);
	if (ways[_i].preimage)
		ck_fails(ark_leaf_witness(&ra, &t, leaf, sig, NULL, &w, &rerr), ERR_PARAM);
	ck_ok(ark_leaf_witness(&ra, &t, leaf, sig, preimage, &w, &rerr));
	ck_assert_uint_eq(w.n, ways[_i].preimage ? 4 : 3);
	ck_assert(tap_control_verify(&t.output.key, w.items[w.n - 2], w.items[w.n - 1], NULL));
}
END_TEST

static size_t witness_size(const struct witness *w)
{
	size_t n = compact_len(w->n);

	for (size_t i = 0; i < w->n; i++)
		n += compact_len(w->items[i].n) + w->items[i].n;
	return n;
}

START_TEST(witnesses_weigh_what_was_said)
{
	static const uint8_t sig[64] = { 1 }, preimage[32] = { 0x42 };
	const json_t *c = json_array_get(policies(), (size_t)_i);
	struct ark_policy p = policy_of(c);
	struct ark_terms terms = terms_of(c);
	struct ark_taproot t;
	struct witness w;

	ck_ok(ark_policy_taproot(&p, &terms, &t, &rerr));
	for (size_t i = 0; i < t.n_leaves; i++) {
		ck_ok(ark_leaf_witness(&ra, &t, i, sig, preimage, &w, &rerr));
		ck_assert_uint_eq(ark_leaf_witness_weight(&t, i).v, witness_size(&w));
	}
	if (p.kind == ARK_PUBKEY && terms.exit_delta >= 128)
		ck_assert_uint_eq(ark_leaf_witness_weight(&t, 0).v, 140); /* the spec's example */
}
END_TEST

START_TEST(the_preimage_of_a_claim_is_found)
{
	uint8_t preimage[32], got[32] = { 0 };
	struct bytes items[4] = { { preimage, 32 }, { preimage, 32 }, { preimage, 32 }, { preimage, 32 } };
	struct witness w = { items, 4 };
	struct hash32 hash;

	vec_copy(vectors_load("ark/policies.json"), "payment_preimage", preimage, sizeof(preimage));
	sha256((struct bytes){ preimage, sizeof(preimage) }, &hash);
	ck_assert(ark_witness_preimage(&w, &hash, got));
	ck_assert_mem_eq(got, preimage, sizeof(got));
	w.n = 3;
	ck_assert(!ark_witness_preimage(&w, &hash, got));
	w.n = 4;
	items[1].n = 31;
	ck_assert(!ark_witness_preimage(&w, &hash, got));
	items[1].n = 32;
	hash.b[0] ^= 1;
	ck_assert(!ark_witness_preimage(&w, &hash, got));
}
END_TEST

/* --- what cannot be --- */

/* Every kind of clause that a policy has, in the spec's words, and in the spec's order. */
START_TEST(clauses_have_names)
{
	static const struct {
		enum ark_policy_kind kind;
		const char *first, *second;
	} all[] = {
		{ ARK_CHECKPOINT, "timelock-sign", NULL },
		{ ARK_HARK_LEAF, "timelock-sign", "hash-sign" },
		{ ARK_HARK_FORFEIT, "hash-sign", "delayed-sign" },
		{ ARK_HTLC_SEND, "hash-delay-sign", "delayed-timelock-sign" },
		{ ARK_HTLC_RECEIVE, "delayed-timelock-sign", "hash-delay-sign" },
	};
	const json_t *first = json_array_get(policies(), 0);
	struct ark_terms terms = terms_of(first);
	struct ark_policy p = policy_of(first), checkpoint = ark_policy_checkpoint(&p.user);
	struct ark_taproot t;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		p.kind = all[i].kind;
		ck_ok(ark_policy_taproot(&p, &terms, &t, &rerr));
		ck_assert_uint_eq(t.n_leaves, all[i].second != NULL ? 2 : 1);
		ck_assert_str_eq(ark_clause_name(&t.leaf[0].clause), all[i].first);
		if (all[i].second != NULL)
			ck_assert_str_eq(ark_clause_name(&t.leaf[1].clause), all[i].second);
	}
	ck_assert_uint_eq(checkpoint.kind, ARK_CHECKPOINT);
	ck_assert(pubkey_equal(&checkpoint.user, &p.user));
	/* Where nothing is waited for, a replacement is still announced, and any locktime will do. */
	p.kind = ARK_HARK_FORFEIT;
	ck_ok(ark_policy_taproot(&p, &terms, &t, &rerr));
	ck_assert_uint_eq(ark_clause_sequence(&t.leaf[0].clause), 0xfffffffd);
	ck_assert_uint_eq(ark_clause_locktime(&t.leaf[0].clause), 0);
}
END_TEST

START_TEST(policies_differ_in_every_part)
{
	struct ark_policy a = { .kind = ARK_HTLC_RECEIVE, .htlc_expiry = 1, .htlc_expiry_delta = 1 }, b = a;

	ck_assert(ark_policy_equal(&a, &b));
	b.user.b[0] = 1;
	ck_assert(!ark_policy_equal(&a, &b));
	b = a;
	b.hash.b[0] = 1;
	ck_assert(!ark_policy_equal(&a, &b));
	b = a;
	b.htlc_expiry++;
	ck_assert(!ark_policy_equal(&a, &b));
	b = a;
	b.htlc_expiry_delta++;
	ck_assert(!ark_policy_equal(&a, &b));
	b.kind = ARK_HTLC_SEND;
	ck_assert(!ark_policy_equal(&a, &b));
	a.kind = ARK_HTLC_SEND; /* which has no delta */
	ck_assert(ark_policy_equal(&a, &b));
}
END_TEST

START_TEST(terms_and_keys_are_checked)
{
	const json_t *first = json_array_get(policies(), 0);
	struct ark_terms good = terms_of(first), t = good;
	struct ark_policy p = policy_of(first);
	struct ark_taproot tap = { .n_leaves = 0 };
	struct xonly key;
	struct hash32 order;
	struct spk spk;

	t.exit_delta = ARK_DELTA_MAX + 1;
	ck_fails(ark_policy_taproot(&p, &t, &tap, &rerr), ERR_RANGE);
	t = good;
	t.expiry_height = ARK_HEIGHT_MAX + 1;
	ck_fails(ark_policy_taproot(&p, &t, &tap, &rerr), ERR_RANGE);
	t = good;
	t.server.b[0] = 0;
	ck_fails(ark_policy_taproot(&p, &t, &tap, &rerr), ERR_CRYPTO);
	ck_fails(ark_policy_spk(&p, &t, &spk, &rerr), ERR_CRYPTO);
	ck_fails(ark_tweaked_output(&p.user, 1, &t.server, &tap.tweak, &key, &rerr), ERR_CRYPTO);
	ck_fails(ark_cosign_taproot(&p.user, 0, &good, &tap, &rerr), ERR_RANGE);
	p.kind = ARK_HTLC_RECEIVE;
	p.htlc_expiry = ARK_HEIGHT_MAX + 1;
	ck_fails(ark_policy_taproot(&p, &good, &tap, &rerr), ERR_RANGE);
	p.htlc_expiry = 0;
	p.htlc_expiry_delta = ARK_DELTA_MAX + 1;
	ck_fails(ark_policy_taproot(&p, &good, &tap, &rerr), ERR_RANGE);
	p.kind = ARK_EXPIRY;
	p.htlc_expiry_delta = 0;
	memset(p.internal.b, 0xff, sizeof(p.internal.b));
	ck_fails(ark_policy_taproot(&p, &good, &tap, &rerr), ERR_CRYPTO);
	memset(order.b, 0xff, sizeof(order.b));
	ck_fails(ark_tweaked_output(&p.user, 1, &good.server, &order, &key, &rerr), ERR_CRYPTO);
	ck_fails(ark_tweaked_output(&p.user, ARK_KEYS_MAX + 1, &good.server, &order, &key, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/policy");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "spending"), *w = rails_case(s, "wrong");

	tcase_add_loop_test(v, encodings, 0, CASES);
	tcase_add_loop_test(v, outputs, 0, CASES);
	tcase_add_loop_test(v, the_tweak_alone_gives_the_same_key, 0, CASES);
	tcase_add_loop_test(v, witnesses_weigh_what_was_said, 0, CASES);
	tcase_add_loop_test(t, what_the_user_can_do_alone, 0, ARRAY_LEN(ways));
	tcase_add_test(t, clauses_have_names);
	tcase_add_test(t, the_preimage_of_a_claim_is_found);
	tcase_add_test(w, policies_differ_in_every_part);
	tcase_add_test(w, terms_and_keys_are_checked);
	return suite_run(s);
}
