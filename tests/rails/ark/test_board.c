/* Vectors: tests/vectors/ark/board.json, and the board of vtxo_v2.json. */
#include "rails/ark/board.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/exit_tx.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct board_terms terms_of(const json_t *v)
{
	struct board_terms t = { .ark = { .expiry_height = (uint32_t)vec_u64(v, "expiry_height"),
					  .exit_delta = (uint16_t)vec_u64(v, "exit_delta") } };

	vec_copy(v, "user_pubkey", t.user.b, sizeof(t.user.b));
	vec_copy(v, "server_pubkey", t.ark.server.b, sizeof(t.ark.server.b));
	ck_assert(sat_from_u64(vec_u64(v, "amount"), &t.amount));
	ck_assert(sat_from_u64(vec_u64(v, "fee"), &t.fee));
	return t;
}

START_TEST(boards_are_those_of_the_vectors)
{
	json_t *list = json_object_get(vectors_load("ark/board.json"), "cases"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 2);
	json_array_foreach(list, i, v)
	{
		struct board_terms t = terms_of(v);
		char text[OUTPOINT_TEXT];
		struct outpoint utxo;
		struct board b;
		struct spk spk;

		ck_assert(outpoint_parse(vec_str(v, "utxo"), &utxo));
		ck_ok(board_make(&ra, &t, &utxo, &b, &rerr));
		ck_ok(board_funding_spk(&t, &spk, &rerr));
		ck_assert_str_eq(hex_text(&ra, spk_bytes(&spk)), vec_str(v, "funding_script"));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ b.funding.internal.b, 32 }), vec_str(v, "internal_key"));
		ck_assert_str_eq(hex_text(&ra, ark_leaf_script(&b.funding.leaf[0])), vec_str(v, "leaf_script"));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ b.funding.tweak.b, 32 }), vec_str(v, "tap_tweak"));
		ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &b.exit)), vec_str(v, "unsigned_exit_tx"));
		txid_text(&b.vtxo.point.txid, text);
		ck_assert_str_eq(text, vec_str(v, "exit_txid"));
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ b.sighash.b, 32 }), vec_str(v, "sighash"));
		outpoint_text(&b.vtxo.point, text);
		ck_assert_str_eq(text, vec_str(v, "vtxo_id"));
	}
}
END_TEST

START_TEST(amounts_are_checked)
{
	json_t *list = json_object_get(vectors_load("ark/board.json"), "errors"), *v;
	struct board_terms t = terms_of(json_array_get(json_object_get(vectors_load("ark/board.json"), "cases"), 0));
	const struct outpoint utxo = { .vout = 1 };
	struct board b;
	size_t i;

	ck_ok(board_check(&t, &rerr));
	ck_assert_uint_eq(json_array_size(list), 3);
	json_array_foreach(list, i, v)
	{
		ck_assert(sat_from_u64(vec_u64(v, "amount"), &t.amount));
		ck_assert(sat_from_u64(vec_u64(v, "fee"), &t.fee));
		ck_fails(board_check(&t, &rerr), ERR_RANGE);
		ck_assert_ptr_nonnull(strstr(rerr.msg, vec_str(v, "error")));
		ck_fails(board_make(&ra, &t, &utxo, &b, &rerr), ERR_RANGE);
	}
}
END_TEST

START_TEST(terms_are_checked)
{
	struct board_terms t = terms_of(json_array_get(json_object_get(vectors_load("ark/board.json"), "cases"), 0));
	struct spk spk;

	t.ark.expiry_height = ARK_HEIGHT_MAX + 1;
	ck_fails(board_funding_spk(&t, &spk, &rerr), ERR_RANGE);
	t.ark.expiry_height = 1;
	t.user.b[0] = 9;
	ck_fails(board_funding_spk(&t, &spk, &rerr), ERR_CRYPTO);
}
END_TEST

/* --- both parties --- */

static struct secret user, server;
static struct board_terms terms;
static struct tx funding;
static struct board board;
static struct musig_nonce *nonce;
static struct musig_pubnonce public;
static struct board_cosign answer;

/* The server's side of §6, step 5. */
static void server_signs(void)
{
	const struct pubkey pair[2] = { terms.user, terms.ark.server };
	struct musig_pubnonce nonces[2] = { public };
	struct musig_nonce *theirs = NULL;
	struct musig_session s;
	struct musig_keys keys;

	ck_ok(musig_nonce_new(&server, &board.sighash, &theirs, &nonces[1], &rerr));
	ck_ok(musig_keys_make(pair, 2, &keys, &rerr));
	ck_ok(musig_keys_tweak(&keys, &board.funding.tweak, &rerr));
	ck_ok(musig_session_make(&keys, nonces, 2, &board.sighash, &s, &rerr));
	answer.nonce = nonces[1];
	ck_ok(musig_sign(&s, &server, &theirs, &answer.part, &rerr));
}

static void begin(void)
{
	struct outpoint utxo = { .vout = 1 };
	struct spk *spk = ARENA_NEW(&ra, struct spk);

	memset(user.b, 0x21, sizeof(user.b));
	memset(server.b, 0x43, sizeof(server.b));
	terms = (struct board_terms){ .ark = { .expiry_height = 4320, .exit_delta = 12 } };
	ck_assert(secp_seckey_pubkey(&user, &terms.user));
	ck_assert(secp_seckey_pubkey(&server, &terms.ark.server));
	ck_assert(sat_from_u64(100000, &terms.amount));
	ck_assert(sat_from_u64(750, &terms.fee));
	ck_ok(board_funding_spk(&terms, spk, &rerr));
	funding = (struct tx){ .version = 2, .n_in = 1, .n_out = 2 };
	funding.in = ARENA_NEW(&ra, struct tx_in);
	funding.out = ARENA_ARRAY(&ra, 2, struct tx_out);
	funding.out[1] = (struct tx_out){ terms.amount, spk_bytes(spk) };
	utxo.txid = tx_txid(&funding);
	ck_ok(board_make(&ra, &terms, &utxo, &board, &rerr));
	ck_ok(board_nonce(&board, &user, &nonce, &public, &rerr));
	server_signs();
}

static void end(void)
{
	musig_nonce_free(TAKE(nonce));
}

START_TEST(a_board_is_a_valid_vtxo)
{
	struct vtxo v, back;

	ck_ok(board_finish(&ra, &board, &user, &nonce, &public, &answer, &v, &rerr));
	ck_assert_ptr_null(nonce);
	ck_ok(vtxo_validate(&v, &funding, &rerr));
	ck_ok(vtxo_check_standard(&v, &rerr));
	ck_ok(board_recognise(&v, &funding, &terms.ark.server, &rerr));
	ck_assert_uint_eq(sat_value(v.amount), 99250);
	ck_ok(vtxo_decode(&ra, vtxo_encode(&ra, &v), VTXO_FULL, &back, &rerr));
	ck_ok(vtxo_validate(&back, &funding, &rerr));
}
END_TEST

START_TEST(what_the_server_signs_is_looked_at)
{
	struct vtxo v;

	if (_i == 0)
		answer.part.b[31] ^= 1;
	else
		answer.nonce.b[0] = 7;
	ck_fails(board_finish(&ra, &board, &user, &nonce, &public, &answer, &v, &rerr), ERR_PEER_INVALID);
	ck_assert_ptr_null(nonce); /* what comes next begins with another */
}
END_TEST

START_TEST(the_key_must_be_the_users)
{
	struct vtxo v;

	ck_fails(board_finish(&ra, &board, &server, &nonce, &public, &answer, &v, &rerr), ERR_CRYPTO);
	ck_assert_ptr_null(nonce);
	ck_fails(board_finish(&ra, &board, &user, &nonce, &public, &answer, &v, &rerr), ERR_CRYPTO);
}
END_TEST

START_TEST(what_is_no_board_is_not_recognised)
{
	struct vtxo v, other;

	ck_ok(board_finish(&ra, &board, &user, &nonce, &public, &answer, &v, &rerr));
	ck_fails(board_recognise(&v, &funding, &terms.user, &rerr), ERR_VTXO_SERVER);
	other = v;
	other.n_items = 0;
	ck_fails(board_recognise(&other, &funding, &terms.ark.server, &rerr), ERR_VTXO_INVALID);
	other = v;
	other.point.vout = 1;
	ck_fails(board_recognise(&other, &funding, &terms.ark.server, &rerr), ERR_VTXO_INVALID);
	other = v;
	other.amount = (struct sat){ AMOUNT_MAX };
	ck_fails(board_recognise(&other, &funding, &terms.ark.server, &rerr), ERR_VTXO_INVALID);
	other.amount = (struct sat){ 0 };
	ck_fails(board_recognise(&other, &funding, &terms.ark.server, &rerr), ERR_VTXO_INVALID);
	funding.locktime++;
	ck_fails(board_recognise(&v, &funding, &terms.ark.server, &rerr), ERR_VTXO_ANCHOR_TX);
}
END_TEST

/* The vector's own, whose signature is its server's and its user's. */
START_TEST(the_vectors_board_is_recognised)
{
	const json_t *file = vectors_load("ark/vtxo_v2.json"), *v = json_array_get(json_object_get(file, "vtxos"), 0);
	struct tx tx;
	struct vtxo x;

	ck_assert_str_eq(vec_str(v, "name"), "board_vtxo");
	ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_FULL, &x, &rerr));
	ck_ok(tx_decode(&ra, vec_hex(file, "anchor_tx"), &tx, &rerr));
	ck_ok(board_recognise(&x, &tx, &x.terms.server, &rerr));
	v = json_array_get(json_object_get(file, "vtxos"), 2);
	ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_FULL, &x, &rerr));
	ck_fails(board_recognise(&x, &tx, &x.terms.server, &rerr), ERR_VTXO_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/board");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "signing");

	tcase_add_test(v, boards_are_those_of_the_vectors);
	tcase_add_test(v, amounts_are_checked);
	tcase_add_test(v, terms_are_checked);
	tcase_add_test(v, the_vectors_board_is_recognised);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_board_is_a_valid_vtxo);
	tcase_add_loop_test(t, what_the_server_signs_is_looked_at, 0, 2);
	tcase_add_test(t, the_key_must_be_the_users);
	tcase_add_test(t, what_is_no_board_is_not_recognised);
	return suite_run(s);
}
