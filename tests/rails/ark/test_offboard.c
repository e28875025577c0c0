/* Vectors: tests/vectors/ark/offboard.json (derived from the layout of bark's lib/src/offboard.rs and connectors.rs). */
#include "rails/ark/offboard.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static json_t *all;

static const json_t *the_case(size_t i)
{
	const json_t *cases = json_object_get(all, "cases");

	ck_assert_uint_eq(json_array_size(cases), 2);
	return json_array_get(cases, i);
}

static const char *hex_of(const void *p, size_t n)
{
	return hex_text(&ra, (struct bytes){ p, n });
}

static const char *txid_of(const struct tx *tx)
{
	struct txid id = tx_txid(tx);
	char *text = arena_alloc(&ra, TXID_TEXT);

	txid_text(&id, text);
	return text;
}

/* The vectors' VTXOs, of one user: of a VTXO its output and its id are enough. */
static struct vtxo *inputs_of(const json_t *c, size_t *ret_n)
{
	const json_t *list = json_object_get(c, "forfeits");
	size_t n = json_array_size(list);
	struct vtxo *v = ARENA_ARRAY(&ra, n, struct vtxo);

	for (size_t i = 0; i < n; i++) {
		v[i].amount.v = vec_u64(all, "vtxo_amount");
		v[i].terms.exit_delta = (uint16_t)vec_u64(all, "exit_delta");
		vec_copy(all, "server_pubkey", v[i].terms.server.b, 33);
		vec_copy(all, "user_pubkey", v[i].policy.user.b, 33);
		ck_assert(outpoint_parse(vec_str(json_array_get(list, i), "vtxo_id"), &v[i].point));
	}
	*ret_n = n;
	return v;
}

static struct tx offboard_tx(const json_t *c)
{
	struct tx tx;

	ck_ok(tx_decode(&ra, vec_hex(c, "offboard_tx"), &tx, &rerr));
	ck_assert_str_eq(txid_of(&tx), vec_str(c, "offboard_txid"));
	return tx;
}

static void check_forfeit(const struct offboard_forfeit *f, const json_t *v)
{
	char connector[OUTPOINT_TEXT];

	outpoint_text(&f->tx.in[1].prevout, connector);
	ck_assert_str_eq(connector, vec_str(v, "connector"));
	ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &f->tx)), vec_str(v, "unsigned_forfeit_tx"));
	ck_assert_str_eq(txid_of(&f->tx), vec_str(v, "forfeit_txid"));
	ck_assert_str_eq(hex_of(f->cosigned.sighash.b, 32), vec_str(v, "sighash_input0"));
	ck_assert_str_eq(hex_of(f->connector.b, 32), vec_str(v, "sighash_input1"));
	ck_assert_str_eq(hex_of(f->cosigned.keys.output.b + 1, 32), vec_str(v, "input_output_key"));
	ck_assert_str_eq(hex_of(f->spent[0].script.p + 2, 32), vec_str(v, "input_output_key"));
	ck_assert_str_eq(hex_text(&ra, f->tx.out[0].script), vec_str(all, "server_payout_script"));
	ck_assert_str_eq(hex_text(&ra, f->spent[1].script), vec_str(all, "connector_script"));
}

START_TEST(vectors)
{
	const json_t *c = the_case((size_t)_i), *list = json_object_get(c, "forfeits");
	struct tx tx = offboard_tx(c);
	struct offboard o;
	size_t n;
	struct vtxo *inputs = inputs_of(c, &n);

	ck_assert_uint_eq(n, vec_u64(c, "nb_inputs"));
	ck_ok(offboard_check_tx(&tx, &tx.out[0], n, &rerr));
	ck_ok(offboard_make(&ra, &tx, inputs, n, &o, &rerr));
	ck_assert_uint_eq(o.n, n);
	ck_assert(o.has_fanout == !json_is_null(json_object_get(c, "connector_fanout_tx")));
	if (o.has_fanout) {
		ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &o.fanout)), vec_str(c, "connector_fanout_tx"));
		ck_assert_str_eq(txid_of(&o.fanout), vec_str(c, "connector_fanout_txid"));
	}
	for (size_t i = 0; i < n; i++)
		check_forfeit(&o.forfeits[i], json_array_get(list, i));
}
END_TEST

START_TEST(what_the_server_pays)
{
	struct tx tx = offboard_tx(the_case(1));
	struct tx_out wanted = tx.out[0], outs[3];

	memcpy(outs, tx.out, 2 * sizeof(outs[0]));
	outs[2] = outs[1];
	tx.out = outs;
	ck_ok(offboard_check_tx(&tx, &wanted, 3, &rerr));
	ck_fails(offboard_check_tx(&tx, &wanted, 2, &rerr), ERR_PEER_INVALID);
	ck_fails(offboard_check_tx(&tx, &wanted, SIZE_MAX, &rerr), ERR_PEER_INVALID);
	wanted.value.v++;
	ck_fails(offboard_check_tx(&tx, &wanted, 3, &rerr), ERR_PEER_INVALID);
	wanted.value.v--;
	wanted.script = outs[1].script;
	ck_fails(offboard_check_tx(&tx, &wanted, 3, &rerr), ERR_PEER_INVALID);
	wanted.script = outs[0].script;
	outs[1].value.v--;
	ck_fails(offboard_check_tx(&tx, &wanted, 3, &rerr), ERR_PEER_INVALID);
	outs[1].value.v++;
	tx.n_out = 1;
	ck_fails(offboard_check_tx(&tx, &wanted, 3, &rerr), ERR_PEER_INVALID);
	tx.n_out = 3; /* change, say */
	ck_ok(offboard_check_tx(&tx, &wanted, 3, &rerr));
}
END_TEST

#define H20 "0000000000000000000000000000000000000000"
#define H32 "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static const struct {
	const char *script;
	uint64_t least; /* or 0: any value will do */
	enum err_code wrong;
} destinations[] = {
	{ "76a914" H20 "88ac", 546, ERR_NONE }, { "a914" H20 "87", 540, ERR_NONE },
	{ "0014" H20, 294, ERR_NONE },          { "0020" H32, 330, ERR_NONE },
	{ "5120" H32, 330, ERR_NONE },          { "6a0474657374", 0, ERR_NONE },
	{ "51024e73", 0, ERR_UNSUPPORTED },     { "5220" H32, 0, ERR_UNSUPPORTED },
	{ "51", 0, ERR_UNSUPPORTED },           { "", 0, ERR_UNSUPPORTED },
};

START_TEST(destination)
{
	struct tx_out to = { .value = { destinations[_i].least } };

	ck_assert(hex_decode_any(&ra, destinations[_i].script, 100, &to.script));
	if (destinations[_i].wrong != ERR_NONE) {
		to.value.v = 100000;
		ck_fails(offboard_check_destination(&to, &rerr), destinations[_i].wrong);
		return;
	}
	ck_ok(offboard_check_destination(&to, &rerr));
	if (to.value.v > 0) {
		to.value.v--;
		ck_fails(offboard_check_destination(&to, &rerr), ERR_DUST);
	}
}
END_TEST

START_TEST(long_op_return)
{
	uint8_t script[84] = { 0x6a, 0x4c, 80 };
	struct tx_out to = { .script = { script, 83 } };

	ck_ok(offboard_check_destination(&to, &rerr));
	to.script.n = 84;
	ck_fails(offboard_check_destination(&to, &rerr), ERR_UNSUPPORTED);
}
END_TEST

/* Keys of our own in place of the vectors', whose secrets are not there. */
START_TEST(signing)
{
	static const struct secret user = { { [31] = 5 } }, server = { { [31] = 6 } };
	struct tx tx = offboard_tx(the_case(0));
	struct ark_cosigned turned;
	struct musig_nonce *secret;
	struct musig_pubnonce public;
	struct offboard o;
	struct ark_half half;
	uint8_t sig[64];
	size_t n;
	struct vtxo *inputs = inputs_of(the_case(0), &n);

	ck_assert(secp_seckey_pubkey(&user, &inputs[0].policy.user));
	ck_assert(secp_seckey_pubkey(&server, &inputs[0].terms.server));
	ck_ok(offboard_make(&ra, &tx, inputs, 1, &o, &rerr));
	turned = o.forfeits[0].cosigned;
	ck_ok(musig_nonce_new(&server, &turned.sighash, &secret, &public, &rerr));
	ck_ok(offboard_sign(&o.forfeits[0], &user, &public, &half, &rerr));
	turned.user = inputs[0].terms.server;
	turned.server = inputs[0].policy.user;
	ck_ok(ark_half_finish(&turned, &server, &secret, &public, &half, sig, &rerr));
	ck_assert(secp_schnorr_verify(&turned.keys.output, &turned.sighash, sig));
	ck_fails(offboard_sign(&o.forfeits[0], &server, &public, &half, &rerr), ERR_CRYPTO);
	public.b[0] = 0;
	ck_fails(offboard_sign(&o.forfeits[0], &user, &public, &half, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(refused)
{
	struct tx tx = offboard_tx(the_case(0));
	struct offboard o;
	size_t n;
	struct vtxo *inputs = inputs_of(the_case(0), &n);

	ck_fails(offboard_make(&ra, &tx, inputs, 0, &o, &rerr), ERR_RANGE);
	ck_fails(offboard_make(&ra, &tx, inputs, OFFBOARD_INPUTS_MAX + 1, &o, &rerr), ERR_RANGE);
	inputs[0].amount.v = AMOUNT_MAX;
	ck_fails(offboard_make(&ra, &tx, inputs, 1, &o, &rerr), ERR_RANGE);
	inputs[0].policy.kind = ARK_SERVER_OWNED;
	ck_fails(offboard_make(&ra, &tx, inputs, 1, &o, &rerr), ERR_VTXO_POLICY);
	tx.n_out = 1;
	ck_fails(offboard_make(&ra, &tx, inputs, 1, &o, &rerr), ERR_PEER_INVALID);
}
END_TEST

static void load(void)
{
	all = vectors_load("ark/offboard.json");
}

int main(void)
{
	Suite *s = suite_create("rails/ark/offboard");
	TCase *c = rails_case(s, "offboard");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_loop_test(c, vectors, 0, 2);
	tcase_add_test(c, what_the_server_pays);
	tcase_add_loop_test(c, destination, 0, ARRAY_LEN(destinations));
	tcase_add_test(c, long_op_return);
	tcase_add_test(c, signing);
	tcase_add_test(c, refused);
	return suite_run(s);
}
