/* Vectors: tests/vectors/onchain/bip341-wallet.json (BIP341's own), and BIP143's examples. */
#include "rails/bitcoin/sighash.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/taproot.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct bytes from_hex(const char *text)
{
	struct bytes v;

	ck_assert_msg(hex_decode_any(&ra, text, 65536, &v), "%s", text);
	return v;
}

static const char *hash_hex(const struct hash32 *h)
{
	return hex_text(&ra, (struct bytes){ h->b, 32 });
}

static struct tx tx_of(struct bytes raw)
{
	struct tx tx;

	ck_ok(tx_decode(&ra, raw, &tx, &rerr));
	return tx;
}

static json_t *load_spending(struct tx *tx, struct tx_out *spent)
{
	json_t *v = json_array_get(json_object_get(vectors_load("onchain/bip341-wallet.json"), "keyPathSpending"), 0);
	json_t *given = json_object_get(v, "given"), *utxo;
	size_t i;

	*tx = tx_of(vec_hex(given, "rawUnsignedTx"));
	json_array_foreach(json_object_get(given, "utxosSpent"), i, utxo)
		spent[i] = (struct tx_out){ { vec_u64(utxo, "amountSats") }, vec_hex(utxo, "scriptPubKey") };
	ck_assert_uint_eq(i, tx->n_in);
	return v;
}

START_TEST(bip341_common_parts)
{
	struct tx_out spent[9];
	struct sighash s;
	struct tx tx;
	json_t *want = json_object_get(load_spending(&tx, spent), "intermediary");

	sighash_init(&s, &tx, spent);
	ck_assert_str_eq(hash_hex(&s.amounts), vec_str(want, "hashAmounts"));
	ck_assert_str_eq(hash_hex(&s.outputs), vec_str(want, "hashOutputs"));
	ck_assert_str_eq(hash_hex(&s.prevouts), vec_str(want, "hashPrevouts"));
	ck_assert_str_eq(hash_hex(&s.scripts), vec_str(want, "hashScriptPubkeys"));
	ck_assert_str_eq(hash_hex(&s.sequences), vec_str(want, "hashSequences"));
}
END_TEST

/* Each input: its hash, and the whole signature that goes into its witness. */
START_TEST(bip341_key_paths)
{
	static const uint8_t no_aux[32];
	struct tx_out spent[9];
	struct sighash s;
	struct tx tx;
	json_t *v = load_spending(&tx, spent), *in;
	size_t i;

	sighash_init(&s, &tx, spent);
	json_array_foreach(json_object_get(v, "inputSpending"), i, in)
	{
		const json_t *given = json_object_get(in, "given");
		struct bytes witness, none = { 0 };
		uint8_t type = (uint8_t)vec_u64(given, "hashType"), sig[65];
		struct secret tweaked;
		struct hash32 h;

		ck_ok(sighash_key_path(&s, vec_u64(given, "txinIndex"), type, none, &h, &rerr));
		ck_assert_str_eq(hash_hex(&h), vec_str(json_object_get(in, "intermediary"), "sigHash"));
		vec_copy(json_object_get(in, "intermediary"), "tweakedPrivkey", tweaked.b, 32);
		ck_assert(secp_schnorr_sign_aux(&tweaked, &h, no_aux, sig));
		sig[64] = type;
		witness = from_hex(json_string_value(
			json_array_get(json_object_get(json_object_get(in, "expected"), "witness"), 0)));
		ck_assert(bytes_equal(witness, (struct bytes){ sig, type == SIGHASH_DEFAULT ? 64 : 65 }));
	}
	ck_assert_uint_eq(i, 7);
}
END_TEST

static const struct {
	uint8_t type;
	bool ok;
} types[] = {
	{ 0x00, true },  { 0x01, true }, { 0x02, true }, { 0x03, true }, { 0x04, false }, { 0x20, false },
	{ 0x80, false }, { 0x81, true }, { 0x82, true }, { 0x83, true }, { 0x84, false }, { 0xff, false },
};

START_TEST(types_that_bip341_has)
{
	struct tx_out spent[9];
	struct bytes none = { 0 };
	struct hash32 h;
	struct sighash s;
	struct tx tx;

	(void)load_spending(&tx, spent);
	sighash_init(&s, &tx, spent);
	if (types[_i].ok)
		ck_ok(sighash_key_path(&s, 0, types[_i].type, none, &h, &rerr));
	else
		ck_fails(sighash_key_path(&s, 0, types[_i].type, none, &h, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(single_needs_its_output)
{
	struct tx_out spent[9];
	struct bytes none = { 0 };
	struct hash32 h;
	struct sighash s;
	struct tx tx;

	(void)load_spending(&tx, spent);
	sighash_init(&s, &tx, spent);
	ck_assert_uint_eq(tx.n_out, 2);
	ck_ok(sighash_key_path(&s, 1, SIGHASH_SINGLE, none, &h, &rerr));
	ck_fails(sighash_key_path(&s, 2, SIGHASH_SINGLE, none, &h, &rerr), ERR_RANGE);
	ck_fails(sighash_key_path(&s, 8, SIGHASH_SINGLE | SIGHASH_ANYONECANPAY, none, &h, &rerr), ERR_RANGE);
}
END_TEST

/* BIP342's own words, put together here by hand for one input: the annex and the leaf where they belong. */
START_TEST(script_path_and_annex)
{
	static const uint8_t annex_bytes[] = { TAP_ANNEX_TAG, 1, 2 };
	struct bytes annex = { annex_bytes, sizeof(annex_bytes) }, none = { 0 };
	SCOPED(buf) struct buf msg = BUF_CAP(1000);
	struct hash32 leaf = { { 7 } }, h, want, annex_hash, tag;
	struct tx_out spent[9];
	struct sighash s;
	struct tx tx;

	(void)load_spending(&tx, spent);
	sighash_init(&s, &tx, spent);
	sha256(bytes_of("TapSighash"), &tag);
	sha256((struct bytes){ (const uint8_t[]){ 3, TAP_ANNEX_TAG, 1, 2 }, 4 }, &annex_hash);
	buf_add(&msg, tag.b, 32);
	buf_add(&msg, tag.b, 32);
	buf_add(&msg, "\0\0", 2); /* epoch, SIGHASH_DEFAULT */
	buf_le32(&msg, tx.version);
	buf_le32(&msg, tx.locktime);
	buf_add(&msg, s.prevouts.b, 32);
	buf_add(&msg, s.amounts.b, 32);
	buf_add(&msg, s.scripts.b, 32);
	buf_add(&msg, s.sequences.b, 32);
	buf_add(&msg, s.outputs.b, 32);
	buf_u8(&msg, 3); /* a script, and an annex */
	buf_le32(&msg, 5);
	buf_add(&msg, annex_hash.b, 32);
	buf_add(&msg, leaf.b, 32);
	buf_u8(&msg, 0);
	buf_le32(&msg, 0xffffffff);
	sha256(buf_bytes(&msg), &want);
	ck_ok(sighash_script_path(&s, 5, SIGHASH_DEFAULT, annex, &leaf, &h, &rerr));
	ck_assert_str_eq(hash_hex(&h), hash_hex(&want));
	/* Each of the two changes what is signed. */
	ck_ok(sighash_script_path(&s, 5, SIGHASH_DEFAULT, none, &leaf, &h, &rerr));
	ck_assert(!hash32_equal(&h, &want));
	ck_ok(sighash_key_path(&s, 5, SIGHASH_DEFAULT, annex, &h, &rerr));
	ck_assert(!hash32_equal(&h, &want));
	ck_ok(sighash_key_path(&s, 5, SIGHASH_DEFAULT, none, &want, &rerr));
	ck_assert(!hash32_equal(&h, &want));
}
END_TEST

#define P2WPKH_TX                                                                                                          \
	"0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804cc89d182d2" \
	"79655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c9" \
	"5a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
#define P2SH_P2WPKH_TX                                                                                                     \
	"0100000001db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a54770100000000feffffff02b8b4eb0b0000000019" \
	"76a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d7" \
	"7c88ac92040000"
#define P2SH_P2WSH_TX                                                                                                        \
	"010000000136641869ca081e70f394c6948e8af409e18b619df2ed74aa106c1ca29787b96e0100000000ffffffff0200e9a435000000001976" \
	"a914389ffce9cd9ae88dcc0631e88a821ffdbe9bfe2688acc0832f05000000001976a9147480a33f950689af511e6e84c138dbbd3c3ee41588" \
	"ac00000000"
#define MULTISIG                                                                                                             \
	"56210307b8ae49ac90a048e9b53357a2354b3334e9c8bee813ecb98e99a7e07e8c3ba32103b28f0c28bfab54554ae8c658ac5c3e0ce6e79ad3" \
	"36331f78c428dd43eea8449b21034b8113d703413d57761b8b9781957b8c0ac1dfe69f492580ca4195f50376ba4a21033400f6afecb833092a" \
	"9a21cfdf1ed1376e58c5d1f47de74683123987e967a8f42103a6d48b1131e94ba04d9737d61acdaa1322008af9602b3b14862c07a1789aac16" \
	"2102d8b661b0b3302ee2f162b09e07a55ad5dfbe673a9f01d9f0c19617681024306b56ae"

/* From BIP143: native P2WPKH, P2SH-P2WPKH, and P2SH-P2WSH of 6 of 6 with six types. */
static const struct {
	const char *name, *tx;
	size_t input;
	uint64_t amount;
	const char *script_code;
	uint32_t type;
	const char *hash;
} v0[] = {
	{ "P2WPKH", P2WPKH_TX, 1, 600000000, "76a9141d0f172a0ecb48aee1be1f2687d2963ae33f71a188ac", 1,
	  "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670" },
	{ "P2SH-P2WPKH", P2SH_P2WPKH_TX, 0, 1000000000, "76a91479091972186c449eb1ded22b78e40d009bdf008988ac", 1,
	  "64f3b0f4dd2bb3aa1ce8566d220cc74dda9df97d8490cc81d89d735c92e59fb6" },
	{ "ALL", P2SH_P2WSH_TX, 0, 987654321, MULTISIG, 0x01,
	  "185c0be5263dce5b4bb50a047973c1b6272bfbd0103a89444597dc40b248ee7c" },
	{ "NONE", P2SH_P2WSH_TX, 0, 987654321, MULTISIG, 0x02,
	  "e9733bc60ea13c95c6527066bb975a2ff29a925e80aa14c213f686cbae5d2f36" },
	{ "SINGLE", P2SH_P2WSH_TX, 0, 987654321, MULTISIG, 0x03,
	  "1e1f1c303dc025bd664acb72e583e933fae4cff9148bf78c157d1e8f78530aea" },
	{ "ALL alone", P2SH_P2WSH_TX, 0, 987654321, MULTISIG, 0x81,
	  "2a67f03e63a6a422125878b40b82da593be8d4efaafe88ee528af6e5a9955c6e" },
	{ "NONE alone", P2SH_P2WSH_TX, 0, 987654321, MULTISIG, 0x82,
	  "781ba15f3779d5542ce8ecb5c18716733a5ee42a6f51488ec96154934e2c890a" },
	{ "SINGLE alone", P2SH_P2WSH_TX, 0, 987654321, MULTISIG, 0x83,
	  "511e8e52ed574121fc1b654970395502128263f62662e076dc6baf05c2e6a99b" },
};

START_TEST(bip143)
{
	struct tx tx = tx_of(from_hex(v0[_i].tx));
	struct tx_out spent[2] = { 0 };
	struct hash32 h;
	struct sighash s;

	ck_assert_uint_le(tx.n_in, 2);
	spent[v0[_i].input].value.v = v0[_i].amount;
	sighash_init(&s, &tx, spent);
	sighash_v0(&s, v0[_i].input, from_hex(v0[_i].script_code), v0[_i].type, &h);
	ck_assert_str_eq(hash_hex(&h), v0[_i].hash);
}
END_TEST

/* SINGLE without its output signs a zero there (BIP143), as NONE does. */
START_TEST(bip143_single_without_output)
{
	struct tx tx = tx_of(from_hex(P2WPKH_TX));
	struct tx_out spent[2] = { 0 };
	struct hash32 a, b;
	struct sighash s;

	tx.n_out = 1;
	sighash_init(&s, &tx, spent);
	sighash_v0(&s, 1, from_hex("51"), SIGHASH_SINGLE, &a);
	tx.out[0].value.v++;
	sighash_init(&s, &tx, spent);
	sighash_v0(&s, 1, from_hex("51"), SIGHASH_SINGLE, &b);
	ck_assert(hash32_equal(&a, &b));
	sighash_v0(&s, 0, from_hex("51"), SIGHASH_SINGLE, &a);
	tx.out[0].value.v++;
	sighash_v0(&s, 0, from_hex("51"), SIGHASH_SINGLE, &b);
	ck_assert(!hash32_equal(&a, &b));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/sighash");
	TCase *c = rails_case(s, "sighash");

	tcase_add_test(c, bip341_common_parts);
	tcase_add_test(c, bip341_key_paths);
	tcase_add_loop_test(c, types_that_bip341_has, 0, ARRAY_LEN(types));
	tcase_add_test(c, single_needs_its_output);
	tcase_add_test(c, script_path_and_annex);
	tcase_add_loop_test(c, bip143, 0, ARRAY_LEN(v0));
	tcase_add_test(c, bip143_single_without_output);
	return suite_run(s);
}
