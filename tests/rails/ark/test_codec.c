/* Vectors: tests/vectors/ark/encoding_primitives.json. */
#include "rails/ark/codec.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/genesis.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static json_t *primitives(const char *name)
{
	json_t *v = json_object_get(vectors_load("ark/encoding_primitives.json"), name);

	ck_assert_ptr_nonnull(v);
	return v;
}

static struct bytes hex_of(const char *text)
{
	struct bytes v;

	ck_assert(hex_decode_any(&ra, text, 1 << 20, &v));
	return v;
}

static struct ark_reader reading(struct bytes v)
{
	return ark_reader_of(v, ERR_VTXO, &rerr);
}

START_TEST(compact_sizes)
{
	json_t *list = primitives("compact_size"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 8);
	json_array_foreach(list, i, v)
	{
		struct ark_reader r = reading(vec_hex(v, "encoded"));
		SCOPED(buf) struct buf b = BUF_CAP(9);

		ck_assert_uint_eq(ark_read_compact(&r, "n"), vec_u64(v, "value"));
		ck_ok(ark_reader_end(&r, "all"));
		buf_compact(&b, vec_u64(v, "value"));
		ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), vec_str(v, "encoded"));
		for (size_t cut = 0; cut < b.n; cut++) {
			r = reading((struct bytes){ b.p, cut });
			ck_assert_uint_eq(ark_read_compact(&r, "n"), 0);
			ck_fails(ark_reader_end(&r, "all"), ERR_VTXO);
			ck_assert_str_eq(rerr.msg, "n: unexpected end of input");
		}
	}
	list = primitives("compact_size_invalid");
	ck_assert_uint_eq(json_array_size(list), 3);
	json_array_foreach(list, i, v)
	{
		struct ark_reader r = reading(hex_of(json_string_value(v)));

		ck_assert_uint_eq(ark_read_compact(&r, "n"), 0);
		ck_fails(ark_reader_end(&r, "all"), ERR_VTXO);
		ck_assert_str_eq(rerr.msg, "n: non-minimal varint");
	}
}
END_TEST

START_TEST(script_numbers)
{
	json_t *list = primitives("script_numbers"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 20);
	json_array_foreach(list, i, v)
	{
		SCOPED(buf) struct buf b = BUF_CAP(16);

		script_push_number(&b, (int64_t)vec_u64(v, "value"));
		ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), vec_str(v, "push"));
	}
}
END_TEST

START_TEST(the_id_of_a_vtxo)
{
	json_t *v = primitives("vtxo_id");
	struct ark_reader r = reading(vec_hex(v, "bytes"));
	SCOPED(buf) struct buf b = BUF_CAP(36);
	struct outpoint id = ark_read_outpoint(&r, "id"), parsed;
	char text[OUTPOINT_TEXT];

	ck_ok(ark_reader_end(&r, "id"));
	outpoint_text(&id, text);
	ck_assert_str_eq(text, vec_str(v, "text"));
	ck_assert(outpoint_parse(text, &parsed));
	ck_assert(outpoint_equal(&parsed, &id));
	outpoint_encode(&id, &b);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), vec_str(v, "bytes"));
}
END_TEST

START_TEST(genesis_transitions)
{
	json_t *list = primitives("genesis_transitions"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 9);
	json_array_foreach(list, i, v)
	{
		struct bytes enc = vec_hex(v, "enc");
		struct ark_reader r = reading(enc);
		SCOPED(buf) struct buf b = BUF_CAP(1024);
		const char *desc = vec_str(v, "desc");
		struct genesis_item g;

		genesis_transition_read(&ra, &r, &g);
		ck_ok(ark_reader_end(&r, "transition"));
		ck_assert_uint_eq(g.kind, enc.p[0]);
		ck_assert_int_eq(g.has_signature, strstr(desc, "no signature") == NULL);
		ck_assert_int_eq(g.has_preimage, strstr(desc, "preimage") != NULL);
		ck_assert_uint_eq(g.n_keys, strstr(desc, "two keys") != NULL ? 2 : 1);
		genesis_transition_put(&b, &g);
		ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), vec_str(v, "enc"));
		for (size_t cut = 0; cut < enc.n; cut++) {
			r = reading((struct bytes){ enc.p, cut });
			genesis_transition_read(&ra, &r, &g);
			ck_fails(ark_reader_end(&r, "transition"), ERR_VTXO);
		}
	}
}
END_TEST

START_TEST(limits)
{
	json_t *v = primitives("limits");

	ck_assert_uint_eq(vec_u64(v, "MAX_SCRIPT_PUBKEY_SIZE"), ARK_SCRIPT_MAX);
	ck_assert_uint_eq(vec_u64(v, "MAX_BLOCK_DELTA"), ARK_DELTA_MAX);
	ck_assert_uint_eq(vec_u64(v, "MAX_BLOCK_HEIGHT"), ARK_HEIGHT_MAX);
	ck_assert_uint_eq(vec_u64(v, "MAX_VEC_SIZE") / 64, ARK_KEYS_MAX);
	/* Four deltas above the highest height is a height still, and two deltas fit 16 bits. */
	ck_assert_uint_lt(ARK_HEIGHT_MAX + 4 * ARK_DELTA_MAX, 500000000);
	ck_assert_uint_le(2 * ARK_DELTA_MAX, UINT16_MAX);
}
END_TEST

/* --- fields that may be absent --- */

START_TEST(optional_fields)
{
	static const char *const key = "0365a81233741893bbe2461b8d479dadc5880594fe6f7479180d5843820af72b62";
	SCOPED(buf) struct buf b = BUF_CAP(512);
	struct pubkey k, back;
	struct hash32 h = { { 9 } }, back_hash;
	uint8_t sig[64] = { 8 }, back_sig[64];
	struct ark_reader r;

	hex_to(key, k.b, sizeof(k.b));
	ark_put_optional_pubkey(&b, NULL);
	ark_put_optional_pubkey(&b, &k);
	ark_put_optional_hash(&b, NULL);
	ark_put_optional_hash(&b, &h);
	ark_put_optional_signature(&b, NULL);
	ark_put_optional_signature(&b, sig);
	ck_assert_uint_eq(b.n, 1 + 33 + 1 + 33 + 64 + 64);
	r = reading(buf_bytes(&b));
	ck_assert(!ark_read_optional_pubkey(&r, "key", &back));
	ck_assert(ark_read_optional_pubkey(&r, "key", &back));
	ck_assert(pubkey_equal(&back, &k));
	ck_assert(!ark_read_optional_hash(&r, "hash", &back_hash));
	ck_assert(ark_read_optional_hash(&r, "hash", &back_hash));
	ck_assert(hash32_equal(&back_hash, &h));
	ck_assert(!ark_read_optional_signature(&r, "sig", back_sig));
	ck_assert(ark_read_optional_signature(&r, "sig", back_sig));
	ck_assert_mem_eq(back_sig, sig, sizeof(sig));
	ck_ok(ark_reader_end(&r, "all"));
	ck_assert(!ark_read_optional_pubkey(&r, "key", &back)); /* nothing is left */
	ck_fails(ark_reader_end(&r, "all"), ERR_VTXO);
}
END_TEST

static const struct {
	const char *hex, *why;
	enum { AS_PUBKEY, AS_OPT_PUBKEY, AS_OPT_HASH, AS_XONLY, AS_HEIGHT, AS_DELTA, AS_SAT, AS_OUT, AS_COUNT } as;
} wrong[] = {
	{ "0465a81233741893bbe2461b8d479dadc5880594fe6f7479180d5843820af72b62", "f: invalid public key", AS_PUBKEY },
	{ "0165a81233741893bbe2461b8d479dadc5880594fe6f7479180d5843820af72b62", "f: invalid public key",
	  AS_OPT_PUBKEY },
	{ "0265a8", "f: unexpected end of input", AS_PUBKEY },
	{ "02", "f: invalid type byte 2 of an optional hash", AS_OPT_HASH },
	{ "01aa", "f: unexpected end of input", AS_OPT_HASH },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "f: invalid public key", AS_XONLY },
	{ "0465cc1d", "f: block height exceeds maximum value", AS_HEIGHT },
	{ "0040", "f: block delta exceeds maximum value", AS_DELTA },
	{ "0000000000000080", "f: amount exceeds maximum value", AS_SAT },
	{ "000000000000000065", "f: oversized output scriptPubkey", AS_OUT },
	{ "00000000000000000251", "f: unexpected end of input", AS_OUT },
	{ "03aabb", "f: oversized vector", AS_COUNT },
	{ "feffffffff", "f: oversized vector", AS_COUNT },
};

START_TEST(what_is_wrong_is_named)
{
	struct ark_reader r = reading(hex_of(wrong[_i].hex));
	struct pubkey k;
	struct hash32 h;

	switch (wrong[_i].as) {
	case AS_PUBKEY:
		k = ark_read_pubkey(&r, "f");
		ck_assert_uint_eq(k.b[0], 0);
		break;
	case AS_OPT_PUBKEY:
		ck_assert(!ark_read_optional_pubkey(&r, "f", &k));
		break;
	case AS_OPT_HASH:
		ck_assert(!ark_read_optional_hash(&r, "f", &h));
		break;
	case AS_XONLY:
		(void)ark_read_xonly(&r, "f");
		break;
	case AS_HEIGHT:
		ck_assert_uint_eq(ark_read_height(&r, "f"), 0);
		break;
	case AS_DELTA:
		ck_assert_uint_eq(ark_read_delta(&r, "f"), 0);
		break;
	case AS_SAT:
		(void)ark_read_sat(&r, "f");
		break;
	case AS_OUT:
		ck_assert_uint_eq(ark_read_tx_out(&r, "f").script.n, 0);
		break;
	case AS_COUNT:
		ck_assert_uint_eq(ark_read_count(&r, "f", 1, 1000), 0);
		break;
	}
	ck_assert(!ark_reader_ok(&r));
	ck_fails(ark_reader_end(&r, "all"), ERR_VTXO);
	ck_assert_str_eq(rerr.msg, wrong[_i].why);
}
END_TEST

/* The first reason is the one that stays, with its own code. */
START_TEST(the_first_failure_sticks)
{
	struct ark_reader r = reading(hex_of("0102"));

	ck_assert_uint_eq(ark_read_u8(&r, "a"), 1);
	ark_refuse(&r, ERR_VTXO_POLICY, "a", "not %d", 1);
	ark_refuse(&r, ERR_NONE, "b", "never seen");
	ck_assert_uint_eq(ark_read_u8(&r, "c"), 0);
	ck_assert_uint_eq(ark_read_le16(&r, "c") + ark_read_le32(&r, "c") + ark_read_le64(&r, "c"), 0);
	ck_fails(ark_reader_end(&r, "all"), ERR_VTXO_POLICY);
	ck_assert_str_eq(rerr.msg, "a: not 1");
}
END_TEST

START_TEST(nothing_may_be_left)
{
	struct ark_reader r = reading(hex_of("0102"));

	ck_assert_uint_eq(ark_read_u8(&r, "a"), 1);
	ck_fails(ark_reader_end(&r, "all"), ERR_VTXO);
	ck_assert_str_eq(rerr.msg, "all: trailing bytes: 1");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/codec");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "fields");

	tcase_add_test(v, compact_sizes);
	tcase_add_test(v, script_numbers);
	tcase_add_test(v, the_id_of_a_vtxo);
	tcase_add_test(v, genesis_transitions);
	tcase_add_test(v, limits);
	tcase_add_test(t, optional_fields);
	tcase_add_loop_test(t, what_is_wrong_is_named, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, the_first_failure_sticks);
	tcase_add_test(t, nothing_may_be_left);
	return suite_run(s);
}
