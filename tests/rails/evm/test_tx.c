/* Vectors: tests/vectors/evm/eip1559_tx.json (accepted by a node, byte for byte), replacement.json (depth). */
#include "rails/evm/tx.h"

#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/evm/address.h"
#include "rails/evm/keccak.h"
#include "rails/evm/rlp.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

static struct gas_price price(uint64_t v)
{
	struct gas_price p = { 0 };

	ck_assert(gas_price_from_u64(v, &p));
	return p;
}

static struct evm_tx tx_of(const json_t *v)
{
	ck_assert_uint_eq(json_array_size(json_object_get(v, "access_list")), 0);
	return (struct evm_tx){
		.chain_id = vec_decimal(v, "chain_id"),
		.nonce = vec_decimal(v, "nonce"),
		.fees = { .max_fee = price(vec_decimal(v, "max_fee_per_gas")),
			  .max_priority_fee = price(vec_decimal(v, "max_priority_fee_per_gas")) },
		.gas_limit = vec_decimal(v, "gas_limit"),
		.to = vec_address(v, "to"),
		.value = wei_from_u64(vec_decimal(v, "value")),
		.data = vec_0x(v, "data"),
	};
}

static void check_same(const struct evm_tx *a, const struct evm_tx *b)
{
	ck_assert_uint_eq(a->chain_id, b->chain_id);
	ck_assert_uint_eq(a->nonce, b->nonce);
	ck_assert_int_eq(gas_price_cmp(a->fees.max_fee, b->fees.max_fee), 0);
	ck_assert_int_eq(gas_price_cmp(a->fees.max_priority_fee, b->fees.max_priority_fee), 0);
	ck_assert_uint_eq(a->gas_limit, b->gas_limit);
	ck_assert(evm_address_equal(&a->to, &b->to));
	ck_assert_int_eq(wei_cmp(a->value, b->value), 0);
	ck_bytes(a->data, b->data);
}

static void check_vector(const json_t *v, const struct secret *key, const struct evm_address *relayer)
{
	SCOPED(buf) struct buf unsigned_ = BUF_CAP(EVM_TX_MAX);
	SCOPED(buf) struct buf raw = BUF_CAP(EVM_TX_MAX);
	struct hash32 digest, hash, want_digest = vec_hash(v, "signing_hash"), want_hash = vec_hash(v, "tx_hash");
	struct evm_tx tx = tx_of(v), back;
	struct evm_tx_signature sig, back_sig;
	struct evm_address from;
	uint8_t xy[64];

	ck_ok(evm_tx_unsigned(&tx, &unsigned_, &rerr));
	ck_bytes(buf_bytes(&unsigned_), vec_0x(v, "unsigned_rlp"));
	ck_ok(evm_tx_digest(&tx, &digest, &rerr));
	ck_hash(&digest, &want_digest);
	ck_assert(secp_ecdsa_sign_recoverable(key, &digest, 0, sig.rs, &sig.y_parity));
	ck_bytes(((struct bytes){ sig.rs, 32 }), vec_0x(v, "r"));
	ck_bytes(((struct bytes){ sig.rs + 32, 32 }), vec_0x(v, "s"));
	ck_assert_uint_eq((uint64_t)sig.y_parity, vec_u64(v, "y_parity"));
	ck_ok(evm_tx_raw(&tx, &sig, &raw, &rerr));
	ck_bytes(buf_bytes(&raw), vec_0x(v, "raw"));
	evm_tx_hash(buf_bytes(&raw), &hash);
	ck_hash(&hash, &want_hash);

	ck_ok(evm_tx_decode(vec_0x(v, "raw"), &back, &back_sig, &rerr));
	check_same(&back, &tx);
	ck_assert_mem_eq(back_sig.rs, sig.rs, 64);
	ck_assert_int_eq(back_sig.y_parity, sig.y_parity);
	ck_assert(secp_ecdsa_recover(&digest, back_sig.rs, back_sig.y_parity, xy));
	evm_address_of_key(xy, &from);
	ck_assert(evm_address_equal(&from, relayer));
}

START_TEST(vectors)
{
	json_t *file = vectors_load("evm/eip1559_tx.json"), *list = json_object_get(file, "vectors"), *v;
	struct secret key = vec_secret(file, "relayer_private_key");
	struct evm_address relayer = vec_address(file, "relayer");
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 5);
	json_array_foreach(list, i, v) check_vector(v, &key, &relayer);
}
END_TEST

static struct evm_tx some_tx(void)
{
	return (struct evm_tx){ .chain_id = 1,
				.nonce = 2,
				.fees = { .max_fee = price(200), .max_priority_fee = price(3) },
				.gas_limit = 21000,
				.to = { { 0xaa } },
				.value = { .hi = 1, .lo = 5 },
				.data = bytes_of("data") };
}

/* The chances are one in 256 that r begins with a zero, which RLP leaves out. */
START_TEST(short_r_and_s)
{
	struct evm_tx tx = some_tx(), back;
	struct evm_tx_signature sig = { .y_parity = 1 }, back_sig;
	SCOPED(buf) struct buf raw = BUF_CAP(256);

	sig.rs[3] = 7;
	sig.rs[63] = 9;
	ck_ok(evm_tx_raw(&tx, &sig, &raw, &rerr));
	ck_ok(evm_tx_decode(buf_bytes(&raw), &back, &back_sig, &rerr));
	check_same(&back, &tx);
	ck_assert_mem_eq(back_sig.rs, sig.rs, 64);
	ck_assert_int_eq(back_sig.y_parity, 1);
}
END_TEST

START_TEST(size_has_a_limit)
{
	struct evm_tx tx = some_tx();
	struct evm_tx_signature sig = { .y_parity = 0 };
	SCOPED(buf) struct buf raw = BUF_CAP(2 * EVM_TX_MAX);
	SCOPED(buf) struct buf small = BUF_CAP(40);
	struct hash32 digest;

	ck_fails(evm_tx_raw(&tx, &sig, &small, &rerr), ERR_RANGE);
	tx.data = (struct bytes){ arena_alloc(&ra, EVM_TX_MAX), EVM_TX_MAX - 200 };
	ck_ok(evm_tx_raw(&tx, &sig, &raw, &rerr));
	tx.data.n = EVM_TX_MAX - 50;
	buf_reset(&raw);
	ck_fails(evm_tx_raw(&tx, &sig, &raw, &rerr), ERR_RANGE);
	tx.data.n = EVM_TX_MAX;
	ck_fails(evm_tx_digest(&tx, &digest, &rerr), ERR_RANGE);
}
END_TEST

static struct bytes raw_of(void (*spoil)(struct buf *fields), uint8_t type)
{
	SCOPED(buf) struct buf fields = BUF_CAP(512);
	SCOPED(buf) struct buf raw = BUF_CAP(512);

	spoil(&fields);
	buf_u8(&raw, type);
	rlp_list(&raw, buf_bytes(&fields));
	return arena_bytes(&ra, buf_bytes(&raw));
}

/* The fields of a transaction, but for one. */
static void put_all(struct buf *to, int odd, struct bytes value)
{
	static const uint8_t address[20] = { 0xaa };
	static const struct bytes usual[12] = {
		{ address, 1 }, { address, 1 }, { address, 1 }, { address, 1 }, { address, 1 }, { address, 20 },
		{ address, 1 }, { address, 1 }, { 0 },          { 0 },          { address, 1 }, { address, 1 },
	};

	for (int i = 0; i < 12; i++) {
		if (i == odd)
			buf_add_bytes(to, value);
		else if (i == 8)
			rlp_list(to, usual[i]);
		else
			rlp_bytes(to, usual[i]);
	}
}

static void usual(struct buf *to)
{
	put_all(to, -1, (struct bytes){ 0 });
}

static void a_field_too_many(struct buf *to)
{
	usual(to);
	rlp_u64(to, 1);
}

static void a_field_too_few(struct buf *to)
{
	put_all(to, 11, (struct bytes){ 0 });
}

static void creates_a_contract(struct buf *to)
{
	put_all(to, 5, evm_hex("80"));
}

static void chain_id_of_9_bytes(struct buf *to)
{
	put_all(to, 0, evm_hex("89010000000000000000"));
}

static void fee_above_2_62(struct buf *to)
{
	put_all(to, 3, evm_hex("884000000000000001"));
}

static void value_above_2_128(struct buf *to)
{
	put_all(to, 6, evm_hex("910100000000000000000000000000000000"));
}

static void has_an_access_list(struct buf *to)
{
	put_all(to, 8, evm_hex("c180"));
}

static void parity_of_2(struct buf *to)
{
	put_all(to, 9, evm_hex("02"));
}

static void r_of_33_bytes(struct buf *to)
{
	put_all(to, 10, evm_hex("a1010000000000000000000000000000000000000000000000000000000000000000"));
}

static void s_with_a_leading_zero(struct buf *to)
{
	put_all(to, 11, evm_hex("820001"));
}

static void (*const spoilt[])(struct buf *to) = {
	a_field_too_many,  a_field_too_few,    creates_a_contract, chain_id_of_9_bytes, fee_above_2_62,
	value_above_2_128, has_an_access_list, parity_of_2,        r_of_33_bytes,       s_with_a_leading_zero,
};

START_TEST(not_ours)
{
	struct bytes raw = raw_of(spoilt[_i], 2);
	struct evm_tx_signature sig;
	struct evm_tx tx;

	ck_fails(evm_tx_decode(raw, &tx, &sig, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(the_usual_is_ours)
{
	struct bytes raw = raw_of(usual, 2), legacy = raw_of(usual, 1), more = arena_bytes(&ra, raw);
	struct evm_tx_signature sig;
	struct evm_tx tx;

	ck_ok(evm_tx_decode(raw, &tx, &sig, &rerr));
	ck_fails(evm_tx_decode(legacy, &tx, &sig, &rerr), ERR_PARSE);
	more.n++; /* a byte after the end */
	ck_fails(evm_tx_decode(more, &tx, &sig, &rerr), ERR_PARSE);
	for (size_t n = 0; n < raw.n; n++)
		ck_fails(evm_tx_decode((struct bytes){ raw.p, n }, &tx, &sig, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(depth)
{
	json_t *list = json_object_get(vectors_load("evm/replacement.json"), "confirmation_depth"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 6);
	json_array_foreach(list, i, v) ck_assert_int_eq(
		evm_depth_reached(vec_u64(v, "head"), vec_u64(v, "receipt_block"), vec_u64(v, "required")),
		json_is_true(json_object_get(v, "confirmed")));
}
END_TEST

START_TEST(depth_does_not_wrap)
{
	ck_assert(evm_depth_reached(UINT64_MAX, UINT64_MAX, 1));
	ck_assert(!evm_depth_reached(UINT64_MAX, UINT64_MAX, 2));
	ck_assert(!evm_depth_reached(0, UINT64_MAX, 1));
	ck_assert(!evm_depth_reached(5, 0, UINT64_MAX));
	ck_assert(evm_depth_reached(5, 5, 0));
	ck_assert(!evm_depth_reached(4, 5, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/tx");
	TCase *c = rails_case(s, "tx");

	tcase_add_test(c, vectors);
	tcase_add_test(c, short_r_and_s);
	tcase_add_test(c, size_has_a_limit);
	tcase_add_loop_test(c, not_ours, 0, ARRAY_LEN(spoilt));
	tcase_add_test(c, the_usual_is_ours);
	tcase_add_test(c, depth);
	tcase_add_test(c, depth_does_not_wrap);
	return suite_run(s);
}
