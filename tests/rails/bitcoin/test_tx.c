/* Vectors: the genesis coinbase and the first payment of the chain (blocks 0 and 170), BIP143's native P2WPKH example, and
 * tests/vectors/onchain/bip341-wallet.json (BIP341's own). */
#include "rails/bitcoin/tx.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define GENESIS_TX                                                                                                       \
	"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054" \
	"696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420" \
	"666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61" \
	"deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
#define FIRST_PAYMENT                                                                                                    \
	"0100000001c997a5e56e104102fa209c6a852dd90660a20b2d9c352423edce25857fcd3704000000004847304402204e45e16932b8af51" \
	"4961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a876" \
	"8d1d0901ffffffff0200ca9a3b00000000434104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab3" \
	"7397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac00286bee0000000043410411db93e1dcdb8a016b49840f8c53" \
	"bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3ac00000000"
/* BIP143: a P2PK and a P2WPKH input. */
#define BIP143_SIGNED                                                                                                    \
	"01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26b" \
	"a6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecba" \
	"b4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202c" \
	"b206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2" \
	"d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a95" \
	"4c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253" \
	"f62fc70f07aeee635711000000"

static const struct {
	const char *name, *hex, *txid;
	size_t n_in, n_out, size, stripped, weight, vsize;
	bool witness, coinbase;
} known[] = {
	{ "genesis", GENESIS_TX, "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", 1, 1, 204, 204,
	  816, 204, false, true },
	{ "first payment", FIRST_PAYMENT, "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16", 1, 2, 275,
	  275, 1100, 275, false, false },
	{ "BIP143", BIP143_SIGNED, "e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609", 2, 2, 343, 233,
	  1042, 261, true, false },
};

static struct bytes from_hex(const char *text)
{
	struct bytes v;

	ck_assert_msg(hex_decode_any(&ra, text, 65536, &v), "%s", text);
	return v;
}

static void check_round_trip(struct bytes raw, const struct tx *tx)
{
	SCOPED(buf) struct buf b = BUF_CAP(TX_SIZE_MAX);

	ck_assert(bytes_equal(tx_bytes(&ra, tx), raw));
	tx_encode(tx, &b);
	ck_assert(bytes_equal(buf_bytes(&b), raw));
	ck_assert_uint_eq(tx_size(tx), raw.n);
	buf_reset(&b);
	tx_encode_legacy(tx, &b);
	ck_assert_uint_eq(tx_size_legacy(tx), b.n);
	ck_assert_uint_eq(tx_weight(tx).v, 3 * b.n + raw.n);
}

START_TEST(transactions_of_the_chain)
{
	struct bytes raw = from_hex(known[_i].hex);
	char text[TXID_TEXT];
	struct txid id;
	struct wtxid wid;
	struct tx tx;

	ck_ok(tx_decode(&ra, raw, &tx, &rerr));
	check_round_trip(raw, &tx);
	ck_assert_uint_eq(tx.n_in, known[_i].n_in);
	ck_assert_uint_eq(tx.n_out, known[_i].n_out);
	id = tx_txid(&tx);
	txid_text(&id, text);
	ck_assert_str_eq(text, known[_i].txid);
	wid = tx_wtxid(&tx);
	ck_assert(known[_i].witness == (memcmp(wid.b, id.b, 32) != 0));
	ck_assert_uint_eq(tx_size(&tx), known[_i].size);
	ck_assert_uint_eq(tx_size_legacy(&tx), known[_i].stripped);
	ck_assert_uint_eq(tx_weight(&tx).v, known[_i].weight);
	ck_assert_uint_eq(tx_vsize(&tx), known[_i].vsize);
	ck_assert(tx_has_witness(&tx) == known[_i].witness);
	ck_assert(tx_is_coinbase(&tx) == known[_i].coinbase);
	ck_ok(tx_check(&tx, &rerr));
}
END_TEST

START_TEST(bip341_unsigned)
{
	json_t *v = json_object_get(vectors_load("onchain/bip341-wallet.json"), "keyPathSpending");
	struct bytes raw = vec_hex(json_object_get(json_array_get(v, 0), "given"), "rawUnsignedTx");
	struct tx tx;

	ck_ok(tx_decode(&ra, raw, &tx, &rerr));
	check_round_trip(raw, &tx);
	ck_assert_uint_eq(tx.n_in, 9);
	ck_assert_uint_eq(tx.locktime, 500000000);
	ck_assert_uint_eq(tx_find_input(&tx, &tx.in[8].prevout), 8);
	ck_assert_uint_eq(tx_find_input(&tx, &(struct outpoint){ .vout = 3 }), 9);
}
END_TEST

/* The fields of one in plain sight. */
START_TEST(what_is_in_it)
{
	struct tx tx;
	char text[TXID_TEXT];
	struct sat sum;

	ck_ok(tx_decode(&ra, from_hex(BIP143_SIGNED), &tx, &rerr));
	ck_assert_uint_eq(tx.version, 1);
	ck_assert_uint_eq(tx.locktime, 17);
	txid_text(&tx.in[1].prevout.txid, text);
	ck_assert_str_eq(text, "8ac60eb9575db5b2d987e29f301b5b819ea83a5c6579d282d189cc04b8e151ef");
	ck_assert_uint_eq(tx.in[1].prevout.vout, 1);
	ck_assert_uint_eq(tx.in[0].sequence, 0xffffffee);
	ck_assert_uint_eq(tx.in[0].script_sig.n, 73);
	ck_assert_uint_eq(tx.in[0].witness.n, 0);
	ck_assert_uint_eq(tx.in[1].script_sig.n, 0);
	ck_assert_uint_eq(tx.in[1].witness.n, 2);
	ck_assert_uint_eq(tx.in[1].witness.items[1].n, 33);
	ck_assert_uint_eq(tx.out[0].value.v, 112340000);
	ck_assert_uint_eq(tx.out[1].value.v, 223450000);
	ck_assert(tx_value_out(&tx, &sum));
	ck_assert_uint_eq(sum.v, 335790000);
	ck_assert_str_eq(hex_text(&ra, tx.out[1].script), "76a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac");
}
END_TEST

/* Cut anywhere it is no transaction; neither with a byte behind it. */
START_TEST(cut_short)
{
	struct bytes raw = from_hex(known[_i].hex);
	uint8_t *longer = arena_alloc(&ra, raw.n + 1);
	struct tx tx = { .version = 42 };

	memcpy(longer, raw.p, raw.n);
	for (size_t n = 0; n < raw.n; n++)
		ck_fails(tx_decode(&ra, (struct bytes){ raw.p, n }, &tx, &rerr), ERR_PARSE);
	ck_fails(tx_decode(&ra, (struct bytes){ longer, raw.n + 1 }, &tx, &rerr), ERR_PARSE);
	ck_assert_uint_eq(tx.version, 42);
}
END_TEST

#define NULL_PREVOUT "0000000000000000000000000000000000000000000000000000000000000000"
#define INPUT                                                                                                          \
	NULL_PREVOUT "00000000"                                                                                        \
		     "00"                                                                                              \
		     "ffffffff"
#define OUTPUT                                                                                                         \
	"0100000000000000"                                                                                             \
	"00"

static const struct {
	const char *name, *hex;
	enum err_code why; /* ERR_NONE: it is one */
	size_t n_in, n_out;
} shapes[] = {
	{ "one in, one out",
	  "02000000"
	  "01" INPUT "01" OUTPUT "00000000",
	  ERR_NONE, 1, 1 },
	{ "no outputs",
	  "02000000"
	  "01" INPUT "00"
	  "00000000",
	  ERR_NONE, 1, 0 },
	{ "nothing at all",
	  "02000000"
	  "00"
	  "00"
	  "00000000",
	  ERR_NONE, 0, 0 },
	{ "no inputs, as before BIP144",
	  "02000000"
	  "00"
	  "01" OUTPUT "00000000",
	  ERR_NONE, 0, 1 },
	{ "no inputs, two outputs",
	  "02000000"
	  "00"
	  "02" OUTPUT OUTPUT "00000000",
	  ERR_NONE, 0, 2 },
	{ "a witness",
	  "02000000"
	  "0001"
	  "01" INPUT "01" OUTPUT "01"
	  "00"
	  "00000000",
	  ERR_NONE, 1, 1 },
	{ "a marker and no witness",
	  "02000000"
	  "0001"
	  "01" INPUT "01" OUTPUT "00"
	  "00000000",
	  ERR_PARSE, 0, 0 },
	{ "an unknown flag",
	  "02000000"
	  "0002"
	  "01" INPUT "01" OUTPUT "00000000",
	  ERR_PARSE, 0, 0 },
	{ "a known and an unknown flag",
	  "02000000"
	  "0003"
	  "01" INPUT "01" OUTPUT "01"
	  "00"
	  "00000000",
	  ERR_PARSE, 0, 0 },
	{ "a count in a longer form",
	  "02000000"
	  "fd0100" INPUT "01" OUTPUT "00000000",
	  ERR_PARSE, 0, 0 },
	{ "a script length in a longer form",
	  "02000000"
	  "01" NULL_PREVOUT "00000000"
	  "fd0000"
	  "ffffffff"
	  "01" OUTPUT "00000000",
	  ERR_PARSE, 0, 0 },
	{ "more inputs than bytes",
	  "02000000"
	  "ffffffffffffffffff" INPUT "01" OUTPUT "00000000",
	  ERR_PARSE, 0, 0 },
	{ "more outputs than bytes",
	  "02000000"
	  "01" INPUT "feffffff7f" OUTPUT "00000000",
	  ERR_PARSE, 0, 0 },
	{ "a script longer than the rest",
	  "02000000"
	  "01" INPUT "01"
	  "0100000000000000"
	  "ff"
	  "00000000",
	  ERR_PARSE, 0, 0 },
	{ "the largest amount",
	  "02000000"
	  "01" INPUT "01"
	  "ffffffffffffff7f"
	  "00"
	  "00000000",
	  ERR_NONE, 1, 1 },
	{ "a negative amount",
	  "02000000"
	  "01" INPUT "01"
	  "ffffffffffffffff"
	  "00"
	  "00000000",
	  ERR_RANGE, 0, 0 },
	/* And it could be read without a marker: no inputs, and an output whose script is what is left. */
	{ "a negative amount behind a marker",
	  "ffffffff0001016202ee5c39626cba295fe52c525a67ec988e2f285b23a59a16efb9a64341e9ed0000000000fdffffff03de"
	  "fdffffffffffff009caef629010000001976a914c9d9560b9316f5f83ae9eda48675f4f2f9dae3c488ac40420f0000000000"
	  "225120274ba709fbee34cc2043be2907f6c85fffca1dc708b5d0a5aaa3a3901384fab3014035fbc555e8b081548a35146813"
	  "b1d7ce8e2ae3c497a71a01648fb2eded978e436e7254b768f34c234c9680032ad19a1c976e3a6463adbef29f946b8edeac44"
	  "d400000080",
	  ERR_RANGE, 0, 0 },
	{ "nothing", "", ERR_PARSE, 0, 0 },
};

START_TEST(shapes_of_transactions)
{
	struct tx tx = { .n_in = 42 };
	struct bytes raw = from_hex(shapes[_i].hex);
	SCOPED(buf) struct buf b = BUF_CAP(1000);
	int rc = tx_decode(&ra, raw, &tx, &rerr);

	if (shapes[_i].why != ERR_NONE) {
		ck_fails(rc, shapes[_i].why);
		ck_assert_uint_eq(tx.n_in, 42);
		return;
	}
	ck_ok(rc);
	ck_assert_uint_eq(tx.n_in, shapes[_i].n_in);
	ck_assert_uint_eq(tx.n_out, shapes[_i].n_out);
	tx_encode(&tx, &b);
	ck_assert(bytes_equal(buf_bytes(&b), raw));
}
END_TEST

/* A PSBT's transaction: "00 01" are no inputs and one output, never a marker. */
START_TEST(legacy_form_has_no_marker)
{
	struct tx tx;
	struct bytes raw = from_hex("02000000"
				    "00"
				    "01" OUTPUT "00000000");

	ck_ok(tx_decode_legacy(&ra, raw, &tx, &rerr));
	ck_assert_uint_eq(tx.n_in, 0);
	ck_assert_uint_eq(tx.n_out, 1);
	ck_fails(tx_decode_legacy(&ra, from_hex(BIP143_SIGNED), &tx, &rerr), ERR_RANGE);
	ck_ok(tx_decode_legacy(&ra, from_hex(FIRST_PAYMENT), &tx, &rerr));
}
END_TEST

START_TEST(too_large)
{
	SCOPED(arena) struct arena small = ARENA_LIMIT(4096);
	uint8_t *raw = arena_alloc(&ra, TX_SIZE_MAX + 1);
	struct bytes payment = from_hex(FIRST_PAYMENT);
	struct tx tx;

	ck_fails(tx_decode(&ra, (struct bytes){ raw, TX_SIZE_MAX + 1 }, &tx, &rerr), ERR_RANGE);
	ck_fails(tx_decode(&small, (struct bytes){ raw, 5000 }, &tx, &rerr), ERR_RANGE);
	ck_ok(tx_decode(&small, payment, &tx, &rerr));
}
END_TEST

/* The most that an arena must hold for the bytes on the wire: a witness of empty items. */
START_TEST(an_arena_for_any_transaction)
{
	SCOPED(buf) struct buf b = BUF_CAP(100000);
	struct tx tx;

	buf_add_bytes(&b, from_hex("02000000"
				   "0001"
				   "01" INPUT "01" OUTPUT "fd0080"));
	for (size_t i = 0; i < 0x8000; i++)
		buf_u8(&b, 0);
	buf_le32(&b, 0);
	{
		SCOPED(arena) struct arena a = ARENA_LIMIT(TX_ARENA_FOR(b.n));
		SCOPED(arena) struct arena half = ARENA_LIMIT(b.n * 8);

		ck_ok(tx_decode(&a, buf_bytes(&b), &tx, &rerr));
		ck_assert_uint_eq(tx.in[0].witness.n, 0x8000);
		ck_fails(tx_decode(&half, buf_bytes(&b), &tx, &rerr), ERR_RANGE);
	}
}
END_TEST

START_TEST(an_arena_of_any_size)
{
	struct bytes raw = from_hex(BIP143_SIGNED);
	size_t limit = 0;
	struct tx tx;

	for (;; limit += 16) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(limit);

		if (tx_decode(&a, raw, &tx, &rerr) == 0)
			break;
		ck_assert_int_eq(rerr.code, ERR_RANGE);
		ck_assert_uint_lt(limit, TX_ARENA_FOR(raw.n));
	}
	ck_assert_uint_gt(limit, raw.n);
}
END_TEST

static struct tx two_by_two(void)
{
	struct tx tx = { .version = 2, .n_in = 2, .n_out = 2 };

	tx.in = ARENA_ARRAY(&ra, 2, struct tx_in);
	tx.out = ARENA_ARRAY(&ra, 2, struct tx_out);
	tx.in[1].prevout.vout = 1;
	tx.out[0].value.v = 1;
	tx.out[1].value.v = SAT_MONEY_MAX - 1;
	return tx;
}

START_TEST(checked_before_any_coin)
{
	static const uint8_t script[101];
	struct tx tx = two_by_two();
	struct sat sum = { 42 };

	ck_ok(tx_check(&tx, &rerr));
	tx.in[1].prevout.vout = 0;
	ck_fails(tx_check(&tx, &rerr), ERR_PARSE);
	tx = two_by_two();
	tx.in[1].prevout.vout = UINT32_MAX;
	ck_fails(tx_check(&tx, &rerr), ERR_PARSE);
	tx = two_by_two();
	tx.out[0].value.v = 2;
	ck_fails(tx_check(&tx, &rerr), ERR_RANGE);
	ck_assert(!tx_value_out(&tx, &sum));
	ck_assert_uint_eq(sum.v, 42);
	tx = two_by_two();
	tx.n_in = 0;
	ck_fails(tx_check(&tx, &rerr), ERR_PARSE);
	tx = two_by_two();
	tx.n_out = 0;
	ck_fails(tx_check(&tx, &rerr), ERR_PARSE);
	tx = two_by_two();
	tx.out[0].script = (struct bytes){ arena_alloc(&ra, 1000000), 1000000 };
	ck_fails(tx_check(&tx, &rerr), ERR_RANGE);
	tx = two_by_two();
	tx.n_in = 1;
	tx.in[0].prevout.vout = UINT32_MAX;
	for (size_t n = 0; n <= sizeof(script); n++) {
		tx.in[0].script_sig = (struct bytes){ script, n };
		if (n >= 2 && n <= 100)
			ck_ok(tx_check(&tx, &rerr));
		else
			ck_fails(tx_check(&tx, &rerr), ERR_PARSE);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/tx");
	TCase *c = rails_case(s, "tx");

	tcase_add_loop_test(c, transactions_of_the_chain, 0, ARRAY_LEN(known));
	tcase_add_test(c, bip341_unsigned);
	tcase_add_test(c, what_is_in_it);
	tcase_add_loop_test(c, cut_short, 0, ARRAY_LEN(known));
	tcase_add_loop_test(c, shapes_of_transactions, 0, ARRAY_LEN(shapes));
	tcase_add_test(c, legacy_form_has_no_marker);
	tcase_add_test(c, too_large);
	tcase_add_test(c, an_arena_for_any_transaction);
	tcase_add_test(c, an_arena_of_any_size);
	tcase_add_test(c, checked_before_any_coin);
	return suite_run(s);
}
