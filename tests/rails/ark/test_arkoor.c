/* Vectors: the constructions of tests/vectors/ark/arkoor.json (bark's lib/src/arkoor/mod.rs), and as the chain below their
 * input that of tests/vectors/ark/vtxo_v2.json. */
#include "rails/ark/arkoor.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/arkoor_package.h"
#include "rails/ark/cosign.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_server.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define N_CONSTRUCTIONS 7

static json_t *all;

static const json_t *construction(size_t i)
{
	const json_t *list = json_object_get(all, "constructions");

	ck_assert_uint_eq(json_array_size(list), N_CONSTRUCTIONS);
	return json_array_get(list, i);
}

static struct ark_outputs outputs_of(const json_t *list)
{
	struct ark_output *v = ARENA_ARRAY(&ra, json_array_size(list) + 1, struct ark_output);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		v[i].amount.v = vec_u64(o, "amount");
		ck_ok(ark_policy_decode(vec_hex(o, "policy"), ARK_USER_POLICY, &v[i].policy, &rerr));
	}
	return (struct ark_outputs){ v, json_array_size(list) };
}

static struct arkoor_request request_of(const json_t *v)
{
	struct vtxo *input = ARENA_NEW(&ra, struct vtxo);

	ck_ok(vtxo_parse(&ra, vec_str(v, "input_vtxo"), VTXO_FULL, input, &rerr));
	return (struct arkoor_request){ .input = input,
					.normal = outputs_of(json_object_get(v, "outputs")),
					.isolated = outputs_of(json_object_get(v, "isolated_outputs")),
					.checkpoint = json_is_true(json_object_get(v, "use_checkpoint")) };
}

static struct arkoor made(const json_t *v)
{
	struct arkoor_request r = request_of(v);
	struct arkoor k;

	ck_ok(arkoor_make(&ra, &r, &k, &rerr));
	return k;
}

static const char *hex_of(const void *p, size_t n)
{
	return hex_text(&ra, (struct bytes){ p, n });
}

static const char *id_of(const struct vtxo *v)
{
	char *id = arena_alloc(&ra, OUTPOINT_TEXT);

	outpoint_text(&v->point, id);
	return id;
}

static void check_tx(const struct arkoor_tx *t, const struct musig_keys *keys, const json_t *v)
{
	char txid[TXID_TEXT];

	txid_text(&t->txid, txid);
	ck_assert_str_eq(txid, vec_str(v, "txid"));
	ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &t->tx)), vec_str(v, "unsigned"));
	ck_assert_str_eq(hex_of(t->sighash.b, 32), vec_str(v, "sighash"));
	ck_assert_str_eq(hex_of(keys->output.b + 1, 32), vec_str(v, "output_key"));
	ck_assert_str_eq(hex_of(t->spent.script.p + 2, 32), vec_str(v, "output_key"));
}

static void check_vtxos(const struct arkoor *k, const struct arkoor_signature *sigs, const json_t *encoded,
			const json_t *ids)
{
	struct vtxo *got = ARENA_ARRAY(&ra, arkoor_n_vtxos(k), struct vtxo);

	arkoor_vtxos(&ra, k, sigs, got);
	ck_assert_uint_eq(json_array_size(encoded), arkoor_n_vtxos(k));
	for (size_t i = 0; i < arkoor_n_vtxos(k); i++) {
		ck_assert_str_eq(id_of(&got[i]), json_string_value(json_array_get(ids, i)));
		ck_assert_str_eq(hex_text(&ra, vtxo_encode(&ra, &got[i])),
				 json_string_value(json_array_get(encoded, i)));
	}
}

START_TEST(transactions)
{
	const json_t *v = construction((size_t)_i), *txs = json_object_get(v, "txs");
	struct arkoor k = made(v);

	ck_assert_str_eq(hex_of(k.tweak.b, 32), vec_str(v, "input_tap_tweak"));
	ck_assert_str_eq(hex_of(k.checkpoint_tweak.b, 32), vec_str(v, "checkpoint_tap_tweak"));
	ck_assert_uint_eq(k.n_txs, json_array_size(txs));
	for (size_t i = 0; i < k.n_txs; i++) {
		const json_t *tx = json_array_get(txs, i);

		ck_assert_str_eq(hex_of(i == 0 ? k.tweak.b : k.checkpoint_tweak.b, 32), vec_str(tx, "musig_tweak"));
		check_tx(&k.txs[i], i == 0 ? &k.keys : &k.rest_keys, tx);
	}
	if (k.request.checkpoint)
		ck_assert_str_eq(hex_text(&ra, k.txs[0].tx.out[0].script), vec_str(v, "checkpoint_script"));
	check_vtxos(&k, NULL, json_object_get(v, "unsigned_vtxos"), json_object_get(v, "new_vtxo_ids"));
}
END_TEST

/* The same comes of the outputs as they are asked for. */
START_TEST(packages)
{
	const json_t *v = construction((size_t)_i);
	struct ark_outputs asked = outputs_of(json_object_get(v, "requested_outputs"));
	struct arkoor_request expected = request_of(v), got;
	struct ark_outputs lists[2][2];

	ck_ok(arkoor_package_make(&ra, (struct arkoor_inputs){ expected.input, 1 }, asked, expected.checkpoint, &got,
				  &rerr));
	ck_assert_ptr_eq(got.input, expected.input);
	ck_assert(got.checkpoint == expected.checkpoint);
	lists[0][0] = got.normal;
	lists[0][1] = got.isolated;
	lists[1][0] = expected.normal;
	lists[1][1] = expected.isolated;
	for (size_t l = 0; l < 2; l++) {
		ck_assert_uint_eq(lists[0][l].n, lists[1][l].n);
		for (size_t i = 0; i < lists[0][l].n; i++) {
			ck_assert_uint_eq(lists[0][l].v[i].amount.v, lists[1][l].v[i].amount.v);
			ck_assert(ark_policy_equal(&lists[0][l].v[i].policy, &lists[1][l].v[i].policy));
		}
	}
}
END_TEST

/* Recorded sessions: what both sides sent, and what came of it. */
struct session {
	struct musig_pubnonce *ours, *theirs;
	struct musig_partial *our_parts, *their_parts;
	struct arkoor_cosign server;
};

static struct session session_of(const json_t *list)
{
	size_t n = json_array_size(list);
	struct session s = { .ours = ARENA_ARRAY(&ra, n, struct musig_pubnonce),
			     .theirs = ARENA_ARRAY(&ra, n, struct musig_pubnonce),
			     .our_parts = ARENA_ARRAY(&ra, n, struct musig_partial),
			     .their_parts = ARENA_ARRAY(&ra, n, struct musig_partial) };

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);

		vec_copy(v, "user_pubnonce", s.ours[i].b, MUSIG_PUBNONCE);
		vec_copy(v, "server_pubnonce", s.theirs[i].b, MUSIG_PUBNONCE);
		vec_copy(v, "user_partial_sig", s.our_parts[i].b, MUSIG_PARTIAL);
		vec_copy(v, "server_partial_sig", s.their_parts[i].b, MUSIG_PARTIAL);
	}
	s.server = (struct arkoor_cosign){ s.theirs, n, s.their_parts, n };
	return s;
}

static void check_signature(const struct arkoor *k, size_t i, const struct session *s, const json_t *v,
			    struct arkoor_signature *ret)
{
	struct musig_pubnonce nonces[] = { s->ours[i], s->theirs[i] };
	struct musig_partial parts[] = { s->our_parts[i], s->their_parts[i] };
	struct musig_session session;

	ck_ok(musig_session_make(i == 0 ? &k->keys : &k->rest_keys, nonces, 2, &k->txs[i].sighash, &session, &rerr));
	ck_assert(musig_partial_verify(&session, k->user, &s->ours[i], &s->our_parts[i]));
	ck_ok(musig_finish(&session, parts, 2, ret->b, &rerr));
	ck_assert_str_eq(hex_of(ret->b, 64), vec_str(v, "final_signature"));
}

START_TEST(recorded_sessions)
{
	const json_t *v = construction((size_t)_i), *signing = json_object_get(v, "example_signing");
	struct arkoor_signature *sigs;
	struct arkoor k = made(v);
	struct session s;

	ck_assert_int_eq(signing == NULL, _i == 1 || _i == 2);
	if (signing == NULL)
		return;
	s = session_of(signing);
	sigs = ARENA_ARRAY(&ra, k.n_txs, struct arkoor_signature);
	ck_assert_uint_eq(s.server.n_parts, k.n_txs);
	ck_ok(arkoor_verify(&k, s.ours, &s.server, &rerr));
	for (size_t i = 0; i < k.n_txs; i++)
		check_signature(&k, i, &s, json_array_get(signing, i), &sigs[i]);
	check_vtxos(&k, sigs, json_object_get(v, "signed_vtxos"), json_object_get(v, "new_vtxo_ids"));
}
END_TEST

static struct tx board_funding(void)
{
	struct tx tx;

	ck_ok(tx_decode(&ra, vec_hex(vectors_load("ark/vtxo_v2.json"), "anchor_tx"), &tx, &rerr));
	return tx;
}

/* With fresh nonces on both sides. */
START_TEST(signing)
{
	const json_t *v = construction((size_t)_i);
	struct arkoor k = made(v);
	struct secret user, server;
	struct ark_nonces *nonces;
	struct arkoor_cosign answer;
	struct vtxo *got = ARENA_ARRAY(&ra, arkoor_n_vtxos(&k), struct vtxo);
	struct tx funding = board_funding();

	vec_copy(all, "board_user_secret_key", user.b, 32);
	vec_copy(all, "server_secret_key", server.b, 32);
	if (_i == 1 || _i == 2) { /* spends another VTXO, whose key is not there */
		ck_fails(arkoor_nonces(&k, &user, &nonces, &rerr), ERR_CRYPTO);
		return;
	}
	ck_ok(arkoor_nonces(&k, &user, &nonces, &rerr));
	ck_ok(ark_server_arkoor(&ra, &k, &server, ark_nonces_public(nonces), &answer, &rerr));
	ck_fails(arkoor_finish(&ra, &k, &server, nonces, &answer, got, &rerr), ERR_CRYPTO);
	ck_ok(arkoor_finish(&ra, &k, &user, nonces, &answer, got, &rerr));
	for (size_t i = 0; i < arkoor_n_vtxos(&k); i++) {
		ck_ok(vtxo_validate(&got[i], &funding, &rerr));
		ck_assert(vtxo_has_all_witnesses(&got[i]));
		ck_assert_str_eq(id_of(&got[i]),
				 json_string_value(json_array_get(json_object_get(v, "new_vtxo_ids"), i)));
	}
	/* Nonces are good for one time. */
	ck_fails(arkoor_finish(&ra, &k, &user, nonces, &answer, got, &rerr), ERR_CRYPTO);
	ark_nonces_free(nonces);
}
END_TEST

static enum err_code refused_as(const struct arkoor_request *r)
{
	struct arkoor k;

	if (arkoor_make(&ra, r, &k, &rerr) == 0)
		return ERR_NONE;
	return rerr.code;
}

START_TEST(refused)
{
	struct arkoor_request good = request_of(construction(4)), r = good;
	struct ark_output normal[1], dust[2];
	struct vtxo input = *good.input;

	ck_assert_int_eq(refused_as(&good), ERR_NONE);
	memcpy(dust, good.isolated.v, sizeof(dust));
	normal[0] = good.normal.v[0];
	r.normal = (struct ark_outputs){ normal, 1 };
	r.isolated = (struct ark_outputs){ dust, 2 };
	ck_assert_int_eq(refused_as(&r), ERR_NONE);

	normal[0].amount.v--;
	ck_assert_int_eq(refused_as(&r), ERR_FUNDS);
	normal[0].amount.v += 2;
	ck_assert_int_eq(refused_as(&r), ERR_FUNDS);
	normal[0].amount.v = AMOUNT_MAX;
	ck_assert_int_eq(refused_as(&r), ERR_RANGE);
	normal[0].amount.v = 0;
	ck_assert_int_eq(refused_as(&r), ERR_PARAM);

	normal[0].amount.v = 10000 - 329;
	dust[0].amount.v = 200;
	dust[1].amount.v = 129;
	ck_assert_int_eq(refused_as(&r), ERR_DUST);
	normal[0].amount.v--;
	dust[1].amount.v++;
	ck_assert_int_eq(refused_as(&r), ERR_NONE);

	normal[0].policy.kind = ARK_HTLC_SEND_V0;
	ck_assert_int_eq(refused_as(&r), ERR_VTXO_POLICY);
	normal[0].policy.kind = ARK_CHECKPOINT;
	ck_assert_int_eq(refused_as(&r), ERR_VTXO_POLICY);
	normal[0].policy = good.normal.v[0].policy;
	dust[1].policy.kind = ARK_HARK_LEAF;
	ck_assert_int_eq(refused_as(&r), ERR_VTXO_POLICY);
	dust[1].policy = good.isolated.v[1].policy;
	input.policy.kind = ARK_SERVER_OWNED;
	r.input = &input;
	ck_assert_int_eq(refused_as(&r), ERR_VTXO_POLICY);

	r = good;
	r.normal.n = 0;
	ck_assert_int_eq(refused_as(&r), ERR_FUNDS);
	input = *good.input;
	input.amount.v = 400;
	r.input = &input;
	ck_assert_int_eq(refused_as(&r), ERR_PARAM);
}
END_TEST

START_TEST(as_many_as_fit)
{
	struct arkoor_request r = request_of(construction(0));
	struct ark_output *outs = ARENA_ARRAY(&ra, 300, struct ark_output);
	struct vtxo input = *r.input;
	struct arkoor k;

	for (size_t i = 0; i < 300; i++)
		outs[i] = (struct ark_output){ { 400 }, r.normal.v[1].policy };
	r.input = &input;
	r.normal = (struct ark_outputs){ outs, 255 };
	input.amount.v = (uint64_t)255 * 400;
	ck_ok(arkoor_make(&ra, &r, &k, &rerr));
	ck_assert_uint_eq(k.n_txs, 256);
	r.isolated = (struct ark_outputs){ outs, 1 };
	input.amount.v = (uint64_t)256 * 400;
	ck_assert_int_eq(refused_as(&r), ERR_RANGE);
	r.normal.n = 254;
	input.amount.v = (uint64_t)255 * 400;
	ck_assert_int_eq(refused_as(&r), ERR_NONE);
	r.normal.n = 1;
	r.isolated.n = 255;
	input.amount.v = (uint64_t)256 * 400;
	ck_assert_int_eq(refused_as(&r), ERR_NONE);
	r.isolated.n = 256;
	input.amount.v = (uint64_t)257 * 400;
	ck_assert_int_eq(refused_as(&r), ERR_RANGE);
}
END_TEST

START_TEST(server_lies)
{
	const json_t *v = construction(4);
	struct arkoor k = made(v);
	struct session s = session_of(json_object_get(v, "example_signing"));
	struct musig_pubnonce nonce;
	struct musig_partial part;

	s.server.n_nonces--;
	ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
	s.server.n_nonces++;
	s.server.n_parts--;
	ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
	s.server.n_parts++;
	for (size_t i = 0; i < k.n_txs; i++) {
		size_t other = (i + 1) % k.n_txs;

		part = s.their_parts[i];
		s.their_parts[i] = s.their_parts[other];
		ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
		memset(s.their_parts[i].b, 0xff, MUSIG_PARTIAL);
		ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
		s.their_parts[i] = part;
		nonce = s.theirs[i];
		s.theirs[i] = s.theirs[other];
		ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
		s.theirs[i].b[0] = 9;
		ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
		s.theirs[i] = nonce;
		nonce = s.ours[i];
		s.ours[i] = s.ours[other];
		ck_fails(arkoor_verify(&k, s.ours, &s.server, &rerr), ERR_PEER_INVALID);
		s.ours[i] = nonce;
	}
	ck_ok(arkoor_verify(&k, s.ours, &s.server, &rerr));
}
END_TEST

/* Two VTXOs of different users pay one output and change, as the amounts of the package have it. */
START_TEST(several_inputs)
{
	struct vtxo in[2] = { *request_of(construction(0)).input, *request_of(construction(1)).input };
	struct ark_outputs listed = request_of(construction(0)).normal;
	struct ark_output payment = { { 9500 }, listed.v[1].policy }, outs[2];
	struct arkoor_request r[2];
	size_t n;

	ck_assert_uint_eq(in[0].amount.v + in[1].amount.v, 19000);
	ck_ok(arkoor_payment((struct arkoor_inputs){ in, 2 }, &payment, &in[0].policy, outs, &n, &rerr));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(outs[1].amount.v, 9500);
	ck_ok(arkoor_package_make(&ra, (struct arkoor_inputs){ in, 2 }, (struct ark_outputs){ outs, n }, true, r,
				  &rerr));
	ck_assert_uint_eq(r[0].normal.n, 2);
	ck_assert_uint_eq(r[0].normal.v[0].amount.v, 9500);
	ck_assert_uint_eq(r[0].normal.v[1].amount.v, 500);
	ck_assert(ark_policy_equal(&r[0].normal.v[1].policy, &in[0].policy));
	ck_assert_uint_eq(r[1].normal.n, 1);
	ck_assert_uint_eq(r[1].normal.v[0].amount.v, 9000);
	ck_assert_ptr_eq(r[1].input, &in[1]);

	payment.amount.v = 19000;
	ck_ok(arkoor_payment((struct arkoor_inputs){ in, 2 }, &payment, &in[0].policy, outs, &n, &rerr));
	ck_assert_uint_eq(n, 1);
	payment.amount.v = 19001;
	ck_fails(arkoor_payment((struct arkoor_inputs){ in, 2 }, &payment, &in[0].policy, outs, &n, &rerr), ERR_FUNDS);
	in[0].amount.v = AMOUNT_MAX;
	ck_fails(arkoor_payment((struct arkoor_inputs){ in, 2 }, &payment, &in[0].policy, outs, &n, &rerr), ERR_RANGE);
	in[0].policy.kind = ARK_SERVER_OWNED;
	in[0].amount.v = 10000;
	ck_fails(arkoor_package_make(&ra, (struct arkoor_inputs){ in, 2 }, (struct ark_outputs){ outs, 1 }, true, r,
				     &rerr),
		 ERR_VTXO_POLICY);
	ck_fails(arkoor_package_make(&ra, (struct arkoor_inputs){ in, 1 }, (struct ark_outputs){ outs, 1 }, true, r,
				     &rerr),
		 ERR_FUNDS);
}
END_TEST

static void load(void)
{
	all = vectors_load("ark/arkoor.json");
}

int main(void)
{
	Suite *s = suite_create("rails/ark/arkoor");
	TCase *c = rails_case(s, "arkoor");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_loop_test(c, transactions, 0, N_CONSTRUCTIONS);
	tcase_add_loop_test(c, packages, 0, N_CONSTRUCTIONS);
	tcase_add_loop_test(c, recorded_sessions, 0, N_CONSTRUCTIONS);
	tcase_add_loop_test(c, signing, 0, N_CONSTRUCTIONS);
	tcase_add_test(c, refused);
	tcase_add_test(c, as_many_as_fit);
	tcase_add_test(c, server_lies);
	tcase_add_test(c, several_inputs);
	return suite_run(s);
}
