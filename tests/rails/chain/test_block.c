/* Blocks of testnet3 from tests/vectors/onchain/bip158-testnet-19.json (BIP158's own vectors, bitcoin/bips), with and without
 * witnesses; each is read, walked through, and compared with what tx_decode() makes of it.  Then they are damaged. */
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/tx.h"
#include "rails/chain/block.h"
#include "rails/chain/filter.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define BLOCKS 10
enum column { HEIGHT, HASH, BLOCK, PREVOUTS, PREVIOUS_HEADER, FILTER, HEADER, NOTES };

static const json_t *row;
static struct block_hash hash;
static struct bytes raw;

static struct bytes hex_in(const json_t *v)
{
	struct bytes b;

	ck_assert(json_is_string(v) && hex_decode_any(&ra, json_string_value(v), 1 << 20, &b));
	return b;
}

/* Row 0 names the columns. */
static void load(int i)
{
	const json_t *list = vectors_load("onchain/bip158-testnet-19.json");

	ck_assert_uint_eq(json_array_size(list), BLOCKS + 1);
	row = json_array_get(list, (size_t)i + 1);
	ck_assert(block_hash_parse(json_string_value(json_array_get(row, HASH)), &hash));
	raw = hex_in(json_array_get(row, BLOCK));
}

static uint8_t *copy(void)
{
	return memcpy(arena_alloc(&ra, raw.n + 200), raw.p, raw.n);
}

START_TEST(reads_and_walks)
{
	struct block b;

	load(_i);
	ck_ok(block_read(&ra, raw, &hash, &b, &rerr));
	ck_assert(block_hash_equal(&b.hash, &hash) && b.n_txs >= 1 && b.time_s > 1296688000);
	for (size_t i = 0; i < b.n_txs; i++) {
		struct outpoint spent;
		struct block_out out;
		struct block_tx w;
		struct txid txid;
		struct tx tx;
		size_t n = 0;

		block_tx(&b, i, &w);
		ck_ok(tx_decode(&ra, w.raw, &tx, &rerr));
		txid = tx_txid(&tx);
		ck_assert(txid_equal(&w.txid, &txid) && w.index == i && w.n_in == tx.n_in);
		ck_assert(tx_is_coinbase(&tx) == (i == 0));
		for (; block_tx_next_in(&w, &spent); n++)
			ck_assert(n < tx.n_in && outpoint_equal(&spent, &tx.in[n].prevout));
		ck_assert_uint_eq(n, tx.n_in);
		for (n = 0; block_tx_next_out(&w, &out); n++)
			ck_assert(n < tx.n_out && out.vout == n && sat_cmp(out.value, tx.out[n].value) == 0 &&
				  bytes_equal(out.script, tx.out[n].script));
		ck_assert(n == tx.n_out && w.n_out == n);
		/* Outputs alone are the same ones. */
		block_tx(&b, i, &w);
		ck_assert(block_tx_next_out(&w, &out) && bytes_equal(out.script, tx.out[0].script));
		ck_assert(!block_tx_next_in(&w, &spent));
	}
}
END_TEST

/* No byte that the hash covers can be another one, and none may be missing or too many.  Witnesses are not covered. */
START_TEST(any_damage_is_found)
{
	struct block b, whole;

	load(_i);
	ck_ok(block_read(&ra, raw, &hash, &whole, &rerr));
	for (size_t i = 0; i < raw.n; i++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(BLOCK_ARENA_FOR(raw.n) + raw.n + 64);
		uint8_t *p = memcpy(arena_alloc(&a, raw.n), raw.p, raw.n);
		int rc;

		p[i] ^= 1;
		rc = block_read(&a, (struct bytes){ p, raw.n }, &hash, &b, &rerr);
		if (rc == 0)
			ck_assert(memcmp(b.txids, whole.txids, whole.n_txs * sizeof(*b.txids)) == 0);
		else
			ck_assert_int_eq(rerr.code, ERR_PEER_INVALID);
		ck_assert_msg(rc != 0 || i >= 80 + 1 + 4 + 2, "byte %zu", i);
	}
	for (size_t n = 0; n < raw.n; n++)
		ck_fails(block_read(&ra, (struct bytes){ raw.p, n }, &hash, &b, &rerr), ERR_PEER_INVALID);
	ck_fails(block_read(&ra, (struct bytes){ copy(), raw.n + 1 }, &hash, &b, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(another_block_is_refused)
{
	struct block b;

	load(3);
	hash.b[31] ^= 1;
	ck_fails(block_read(&ra, raw, &hash, &b, &rerr), ERR_PEER_INVALID);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "another block"));
}
END_TEST

/* CVE-2012-2459: a block whose last transactions are there twice has the same root. */
START_TEST(doubled_transactions_are_refused)
{
	struct block b, doubled;
	size_t first, n;
	uint8_t *p;

	load(6);
	ck_ok(block_read(&ra, raw, &hash, &b, &rerr));
	ck_assert_uint_eq(b.n_txs % 2, 1);
	first = b.starts[b.n_txs - 1];
	n = raw.n - first;
	p = arena_alloc(&ra, raw.n + n);
	memcpy(p, raw.p, raw.n);
	memcpy(p + raw.n, raw.p + first, n);
	ck_assert_uint_eq(p[80], b.n_txs);
	p[80]++;
	ck_fails(block_read(&ra, (struct bytes){ p, raw.n + n }, &hash, &doubled, &rerr), ERR_PEER_INVALID);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "not those of its header"));
}
END_TEST

/* A header of our own making, over a merkle root of our choice: what follows is judged by its shape. */
static int read_body(const char *hex)
{
	struct bytes body = hex_in(json_hold(&ra, json_string(hex)));
	uint8_t *p = arena_alloc(&ra, 80 + body.n);
	struct hash32 h;
	struct block b;

	memcpy(p + 80, body.p, body.n);
	sha256_twice((struct bytes){ p, 80 }, &h);
	memcpy(hash.b, h.b, sizeof(hash.b));
	return block_read(&ra, (struct bytes){ p, 80 + body.n }, &hash, &b, &rerr);
}

#define NULL_PREVOUT "0000000000000000000000000000000000000000000000000000000000000000ffffffff"
#define PAD          "1976a914000000000000000000000000000000000000000088ac"

static const struct {
	const char *name, *hex, *why;
} shapes[] = {
	{ "no transaction", "00", "without transactions" },
	{ "more than there is room for", "ff0000000001000000", "without transactions" },
	{ "a count that is not minimal", "fd0100", "without transactions" },
	{ "nothing after the count", "01", "without transactions" },
	{ "no inputs",
	  "0101000000"
	  "00"
	  "02"
	  "0000000000000000" PAD "0000000000000000" PAD "00000000",
	  "malformed" },
	{ "no outputs",
	  "0101000000"
	  "01" NULL_PREVOUT "0a00000000000000000000"
	  "ffffffff"
	  "00"
	  "00000000"
	  "0000000000000000",
	  "malformed" },
	{ "more money than there is",
	  "0101000000"
	  "01" NULL_PREVOUT "0151"
	  "ffffffff"
	  "01"
	  "0140075af0750700" PAD "00000000",
	  "malformed" },
	{ "negative money",
	  "0101000000"
	  "01" NULL_PREVOUT "0151"
	  "ffffffff"
	  "01"
	  "ffffffffffffffff" PAD "00000000",
	  "malformed" },
	{ "all the money, but not this root",
	  "0101000000"
	  "01" NULL_PREVOUT "0151"
	  "ffffffff"
	  "01"
	  "0040075af0750700" PAD "00000000",
	  "not those" },
	{ "bytes after it",
	  "0101000000"
	  "01" NULL_PREVOUT "0151"
	  "ffffffff"
	  "01"
	  "0040075af0750700" PAD "0000000000",
	  "1 bytes follow" },
	{ "a witness that ends too early",
	  "0101000000"
	  "0001"
	  "01" NULL_PREVOUT "0151"
	  "ffffffff"
	  "01"
	  "0040075af0750700" PAD "0220"
	  "00000000",
	  "malformed" },
};

START_TEST(odd_shapes_are_refused)
{
	ck_fails(read_body(shapes[_i].hex), ERR_PEER_INVALID);
	ck_assert_msg(strstr(rerr.msg, shapes[_i].why) != NULL, "%s: %s", shapes[_i].name, rerr.msg);
}
END_TEST

START_TEST(room_is_looked_for)
{
	struct arena small = ARENA_LIMIT(64);
	struct block b;

	load(4);
	ck_fails(block_read(&small, raw, &hash, &b, &rerr), ERR_PEER_INVALID);
	ck_fails(block_read(&ra, (struct bytes){ raw.p, BLOCK_SIZE_MAX + 1 }, &hash, &b, &rerr), ERR_PEER_INVALID);
	arena_done(&small);
}
END_TEST

/* --- filters --- */

static struct bytes filter;

static bool match(const struct bytes *scripts, size_t n)
{
	bool ret;

	ck_ok(filter_match_any(&ra, filter, &hash, scripts, n, &ret, &rerr));
	return ret;
}

static bool is_left_out(struct bytes script)
{
	return script.n == 0 || script.p[0] == 0x6a;
}

static size_t outputs_of_block(struct bytes *to, size_t room)
{
	struct block b;
	size_t n = 0;

	ck_ok(block_read(&ra, raw, &hash, &b, &rerr));
	for (size_t i = 0; i < b.n_txs; i++) {
		struct block_out out;
		struct block_tx tx;

		block_tx(&b, i, &tx);
		while (block_tx_next_out(&tx, &out)) {
			ck_assert_uint_lt(n, room);
			to[n++] = out.script;
		}
	}
	return n;
}

/* Each script that the block pays or spends is in its filter, and none of a thousand others. */
START_TEST(filters_match)
{
	const json_t *prevouts;
	struct bytes in[64], other[1000];
	size_t n;

	load(_i);
	filter = hex_in(json_array_get(row, FILTER));
	prevouts = json_array_get(row, PREVOUTS);
	n = outputs_of_block(in, 32);
	for (size_t i = 0; i < json_array_size(prevouts); i++)
		in[n++] = hex_in(json_array_get(prevouts, i));
	for (size_t i = 0; i < n; i++)
		ck_assert(match(&in[i], 1) == !is_left_out(in[i]));
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		uint8_t *p = arena_alloc(&ra, 22);

		p[1] = 20;
		p[2] = (uint8_t)i;
		p[3] = (uint8_t)(i >> 8);
		other[i] = (struct bytes){ p, 22 };
	}
	ck_assert(!match(other, ARRAY_LEN(other)));
	ck_assert(!match(NULL, 0));
	for (size_t i = 0; i < n; i++) {
		other[i * 7] = in[i];
		if (!is_left_out(in[i]))
			ck_assert(match(other, ARRAY_LEN(other)));
		other[i * 7] = other[999];
	}
}
END_TEST

static const struct {
	const char *name, *hex;
} bad_filters[] = {
	{ "nothing", "" },
	{ "items without bits", "01" },
	{ "more items than bits", "0a027acea6" },
	{ "items of which no end is seen", "09027aff" },
	{ "a quotient without an end", "01ffffffffff" },
	{ "bits without items", "0000" },
	{ "a count that is not minimal", "fd0100" },
	{ "a count beyond everything", "ffffffffffffffffff" },
};

START_TEST(bad_filters_are_refused)
{
	static const uint8_t script[22] = { 0, 20 };
	struct bytes one = { script, sizeof(script) };
	bool ret;

	ck_fails(filter_match_any(&ra, hex_in(json_hold(&ra, json_string(bad_filters[_i].hex))), &hash, &one, 1, &ret,
				  &rerr),
		 ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/chain: blocks and their filters");
	TCase *b = rails_case(s, "blocks"), *f = rails_case(s, "filters");

	tcase_add_loop_test(b, reads_and_walks, 0, BLOCKS);
	tcase_add_loop_test(b, any_damage_is_found, 0, BLOCKS);
	tcase_add_test(b, another_block_is_refused);
	tcase_add_test(b, doubled_transactions_are_refused);
	tcase_add_loop_test(b, odd_shapes_are_refused, 0, ARRAY_LEN(shapes));
	tcase_add_test(b, room_is_looked_for);
	tcase_add_loop_test(f, filters_match, 0, BLOCKS);
	tcase_add_loop_test(f, bad_filters_are_refused, 0, ARRAY_LEN(bad_filters));
	return suite_run(s);
}
