/* Vectors: tests/vectors/onchain/bip174.json, bip370.json, bip371.json (the BIPs' own). */
#include "rails/bitcoin/psbt.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/script.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const char *const files[] = { "onchain/bip174.json", "onchain/bip370.json", "onchain/bip371.json" };

static struct psbt psbt_of(const char *text)
{
	struct psbt p;

	ck_ok(psbt_decode_text(&ra, text, &p, &rerr));
	return p;
}

static const char *text_of(const struct psbt *p)
{
	char *text;

	ck_ok(psbt_text(&ra, p, &text, &rerr));
	return text;
}

START_TEST(invalid)
{
	json_t *list = json_object_get(vectors_load(files[_i]), "invalid"), *v;
	size_t i;

	ck_assert_uint_ge(json_array_size(list), 11);
	json_array_foreach(list, i, v)
	{
		struct psbt p = { .tx.version = 42 };
		int rc = psbt_decode_text(&ra, vec_str(v, "psbt"), &p, &rerr);

		ck_assert_msg(rc != 0, "%s", vec_str(v, "case"));
		ck_fails(rc, ERR_PSBT);
		ck_assert_uint_eq(p.tx.version, 42);
	}
}
END_TEST

/* Those of version 0 come out as they went in; those of version 2 as version 0. */
START_TEST(valid)
{
	json_t *list = json_object_get(vectors_load(files[_i]), "valid"), *v;
	size_t i;

	ck_assert_uint_ge(json_array_size(list), 6);
	json_array_foreach(list, i, v)
	{
		struct psbt p, again;

		ck_assert_msg(psbt_decode_text(&ra, vec_str(v, "psbt"), &p, &rerr) == 0, "%s: %s", vec_str(v, "case"),
			      rerr.msg);
		if (_i != 1)
			ck_assert_msg(strcmp(text_of(&p), vec_str(v, "psbt")) == 0, "%s", vec_str(v, "case"));
		again = psbt_of(text_of(&p));
		ck_assert_str_eq(text_of(&again), text_of(&p));
	}
}
END_TEST

/* What signers of other scripts refuse is well-formed all the same. */
START_TEST(well_formed_at_least)
{
	json_t *list = json_object_get(vectors_load("onchain/bip174.json"), "signer_refuses"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 4);
	json_array_foreach(list, i, v)
	{
		struct psbt p = psbt_of(vec_str(v, "psbt"));

		ck_assert_str_eq(text_of(&p), vec_str(v, "psbt"));
	}
}
END_TEST

START_TEST(version_2_locktimes)
{
	json_t *list = json_object_get(vectors_load("onchain/bip370.json"), "locktime"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 8);
	json_array_foreach(list, i, v)
	{
		struct psbt p = psbt_of(vec_str(v, "psbt"));

		ck_assert_msg(p.tx.locktime == vec_u64(v, "locktime"), "%s: %u", vec_str(v, "case"), p.tx.locktime);
	}
	list = json_object_get(vectors_load("onchain/bip370.json"), "no_locktime");
	ck_assert_uint_eq(json_array_size(list), 1);
	json_array_foreach(list, i, v)
	{
		struct psbt p;

		ck_fails(psbt_decode_text(&ra, vec_str(v, "psbt"), &p, &rerr), ERR_PSBT);
	}
}
END_TEST

/* BIP370's example: the same transaction as its version 0 would hold. */
START_TEST(version_2_becomes_0)
{
	json_t *v = json_array_get(json_object_get(vectors_load("onchain/bip370.json"), "valid"), 2);
	struct psbt p = psbt_of(vec_str(v, "psbt"));
	struct bytes ignored, none = { 0 };
	char text[TXID_TEXT];

	ck_assert_ptr_nonnull(strstr(vec_str(v, "case"), "with PSBT_IN_SEQUENCE"));
	ck_assert_uint_eq(p.tx.version, 2);
	ck_assert_uint_eq(p.tx.n_in, 1);
	ck_assert_uint_eq(p.tx.n_out, 2);
	txid_text(&p.tx.in[0].prevout.txid, text);
	ck_assert_str_eq(text, "c85f81844094f9f0eec1e41f8d63e0a99e9f73dc725d7319871c9c4121d90a0b");
	ck_assert_uint_eq(p.tx.in[0].sequence, 0xfffffffe);
	ck_assert_uint_eq(p.tx.out[0].value.v, 800000000);
	ck_assert_str_eq(hex_text(&ra, p.tx.out[0].script), "0014c430f64c4756da310dbd1a085572ef299926272c");
	ck_assert(!psbt_get(&p.in[0], PSBT_IN_PREVIOUS_TXID, none, &ignored));
	ck_assert(!psbt_get(&p.in[0], PSBT_IN_SEQUENCE, none, &ignored));
	ck_assert(!psbt_get(&p.out[0], PSBT_OUT_AMOUNT, none, &ignored));
	ck_assert(!psbt_get(&p.global, PSBT_GLOBAL_TX_VERSION, none, &ignored));
	ck_assert(psbt_get(&p.in[0], PSBT_IN_WITNESS_UTXO, none, &ignored));
}
END_TEST

START_TEST(created_and_updated)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt want = psbt_of(vec_str(v, "created")), p;
	static const uint8_t all[] = { 1, 0, 0, 0 };

	ck_ok(psbt_create(&ra, &want.tx, &p, &rerr));
	ck_assert_str_eq(text_of(&p), vec_str(v, "created"));
	p = psbt_of(vec_str(v, "updated"));
	for (size_t i = 0; i < 2; i++)
		ck_ok(psbt_put(&ra, &p.in[i], PSBT_IN_SIGHASH_TYPE, (struct bytes){ 0 },
			       (struct bytes){ all, sizeof(all) }, &rerr));
	ck_assert_str_eq(text_of(&p), vec_str(v, "updated_sighash"));
	/* Again: in its place. */
	ck_ok(psbt_put(&ra, &p.in[0], PSBT_IN_SIGHASH_TYPE, (struct bytes){ 0 }, (struct bytes){ all, sizeof(all) },
		       &rerr));
	ck_assert_str_eq(text_of(&p), vec_str(v, "updated_sighash"));
	psbt_drop(&p.in[0], PSBT_IN_SIGHASH_TYPE);
	psbt_drop(&p.in[1], PSBT_IN_SIGHASH_TYPE);
	ck_assert_str_eq(text_of(&p), vec_str(v, "updated"));
}
END_TEST

static const struct {
	const char *into, *other, *want;
} combined[] = {
	{ "signed_a", "signed_b", "combined" },           { "signed_b", "signed_a", "combined" },
	{ "combined", "signed_a", "combined" },           { "unknown_a", "unknown_b", "unknown_combined" },
	{ "unknown_b", "unknown_a", "unknown_combined" }, { "updated", "created", "updated" },
};

/* The BIP's "combined" has some fields in the order of its author's memory. */
static const char *ordered(const char *text)
{
	struct psbt p = psbt_of(text), same = psbt_of(text);

	ck_ok(psbt_combine(&ra, &p, &same, &rerr));
	ck_assert_uint_eq(strlen(text_of(&p)), strlen(text));
	return text_of(&p);
}

START_TEST(combining)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, combined[_i].into)), other = psbt_of(vec_str(v, combined[_i].other));

	ck_ok(psbt_combine(&ra, &p, &other, &rerr));
	ck_assert(strcmp(text_of(&p), ordered(vec_str(v, combined[_i].want))) == 0);
	if (strncmp(combined[_i].want, "unknown", 7) == 0)
		ck_assert_str_eq(text_of(&p), vec_str(v, combined[_i].want));
}
END_TEST

START_TEST(combining_what_does_not_belong_together)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "created")), other = psbt_of(vec_str(v, "unknown_a"));

	ck_fails(psbt_combine(&ra, &p, &other, &rerr), ERR_PSBT);
	/* one satoshi more to somebody */
	other = psbt_of(vec_str(v, "created"));
	other.tx.out[1].value.v++;
	ck_fails(psbt_combine(&ra, &p, &other, &rerr), ERR_PSBT);
}
END_TEST

START_TEST(ours_stays_where_both_have_one)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "created")), other = psbt_of(vec_str(v, "created"));
	struct bytes none = { 0 }, got;

	ck_ok(psbt_put(&ra, &p.in[0], PSBT_IN_REDEEM_SCRIPT, none, bytes_of("ours"), &rerr));
	ck_ok(psbt_put(&ra, &other.in[0], PSBT_IN_REDEEM_SCRIPT, none, bytes_of("theirs"), &rerr));
	ck_ok(psbt_combine(&ra, &p, &other, &rerr));
	ck_assert_uint_eq(p.in[0].n, 1);
	ck_assert(psbt_get(&p.in[0], PSBT_IN_REDEEM_SCRIPT, none, &got));
	ck_assert(bytes_equal(got, bytes_of("ours")));
}
END_TEST

START_TEST(what_inputs_spend)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "updated"));
	struct tx_out spent;
	struct sat fee;

	/* The first tells its whole transaction, the second the output alone. */
	ck_ok(psbt_spent(&ra, &p, 0, &spent, &rerr));
	ck_assert_uint_eq(spent.value.v, 50000000);
	ck_ok(psbt_spent(&ra, &p, 1, &spent, &rerr));
	ck_assert_uint_eq(spent.value.v, 200000000);
	ck_ok(psbt_fee(&ra, &p, &fee, &rerr));
	ck_assert_uint_eq(fee.v, 10000);
	/* The same told twice, and told differently. */
	ck_ok(psbt_spent(&ra, &p, 0, &spent, &rerr));
	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &spent, &rerr));
	ck_ok(psbt_spent(&ra, &p, 0, &spent, &rerr));
	spent.value.v++;
	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &spent, &rerr));
	ck_fails(psbt_spent(&ra, &p, 0, &spent, &rerr), ERR_PSBT);
	ck_fails(psbt_fee(&ra, &p, &fee, &rerr), ERR_PSBT);
	/* Not told at all. */
	p = psbt_of(vec_str(v, "created"));
	ck_fails(psbt_spent(&ra, &p, 0, &spent, &rerr), ERR_PSBT);
	/* The whole of another transaction; an output that it does not have. */
	p = psbt_of(vec_str(v, "updated"));
	p.tx.in[0].prevout.txid.b[0] ^= 1;
	ck_fails(psbt_spent(&ra, &p, 0, &spent, &rerr), ERR_PSBT);
	p = psbt_of(vec_str(v, "updated"));
	p.tx.in[0].prevout.vout = 7;
	ck_fails(psbt_spent(&ra, &p, 0, &spent, &rerr), ERR_PSBT);
	/* More paid than spent. */
	p = psbt_of(vec_str(v, "updated"));
	p.tx.out[0].value.v += 10001;
	ck_fails(psbt_fee(&ra, &p, &fee, &rerr), ERR_PSBT);
}
END_TEST

START_TEST(cut_anywhere)
{
	json_t *v = vectors_load("onchain/bip174.json");
	uint8_t *longer;
	struct bytes raw;
	struct psbt p;

	ck_assert(base64_decode(&ra, bytes_of(vec_str(v, "combined")), 4096, &raw));
	for (size_t n = 0; n < raw.n; n++)
		ck_fails(psbt_decode(&ra, (struct bytes){ raw.p, n }, &p, &rerr), ERR_PSBT);
	longer = arena_alloc(&ra, raw.n + 1);
	memcpy(longer, raw.p, raw.n);
	ck_fails(psbt_decode(&ra, (struct bytes){ longer, raw.n + 1 }, &p, &rerr), ERR_PSBT);
	ck_fails(psbt_decode_text(&ra, "cHNidP8B AAoAAAAAAAAAAAAAAA==", &p, &rerr), ERR_PSBT);
	ck_fails(psbt_decode_text(&ra, "", &p, &rerr), ERR_PSBT);
}
END_TEST

START_TEST(too_large)
{
	json_t *v = vectors_load("onchain/bip174.json");
	SCOPED(arena) struct arena small = ARENA_LIMIT(1500);
	struct psbt p = psbt_of(vec_str(v, "combined")), other = p;
	uint8_t *huge = arena_alloc(&ra, PSBT_SIZE_MAX + 1);
	char *text;

	ck_fails(psbt_decode_text(&small, vec_str(v, "combined"), &p, &rerr), ERR_RANGE);
	ck_fails(psbt_decode(&ra, (struct bytes){ huge, PSBT_SIZE_MAX + 1 }, &p, &rerr), ERR_RANGE);
	ck_fails(psbt_put(&small, &other.in[0], PSBT_IN_REDEEM_SCRIPT, (struct bytes){ 0 },
			  (struct bytes){ huge, 2000 }, &rerr),
		 ERR_RANGE);
	ck_fails(psbt_text(&small, &other, &text, &rerr), ERR_RANGE);
}
END_TEST

/* "created" with a version in front of its inputs. */
START_TEST(versions)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "created"));

	for (uint8_t version = 0; version < 4; version++) {
		const uint8_t raw[4] = { version, 0, 0, 0 };
		struct psbt q = p, back;
		struct bytes ignored;
		char *text;

		ck_ok(psbt_put(&ra, &q.global, PSBT_GLOBAL_VERSION, (struct bytes){ 0 }, (struct bytes){ raw, 4 },
			       &rerr));
		ck_ok(psbt_text(&ra, &q, &text, &rerr));
		if (version != 0) {
			ck_fails(psbt_decode_text(&ra, text, &back, &rerr), ERR_PSBT);
			continue;
		}
		ck_ok(psbt_decode_text(&ra, text, &back, &rerr));
		ck_assert(!psbt_get(&back.global, PSBT_GLOBAL_VERSION, (struct bytes){ 0 }, &ignored));
	}
}
END_TEST

START_TEST(more_than_all_money)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "created"));
	struct tx_out all = { { SAT_MONEY_MAX }, { 0 } };
	struct sat fee;

	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &all, &rerr));
	ck_ok(psbt_put_witness_utxo(&ra, &p, 1, &all, &rerr));
	ck_fails(psbt_fee(&ra, &p, &fee, &rerr), ERR_PSBT);
	all.value.v = 249990000;
	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &all, &rerr));
	all.value.v = 0;
	ck_ok(psbt_put_witness_utxo(&ra, &p, 1, &all, &rerr));
	ck_ok(psbt_fee(&ra, &p, &fee, &rerr));
	ck_assert_uint_eq(fee.v, 0);
}
END_TEST

/* A transaction that is signed already makes no PSBT. */
START_TEST(created_of_unsigned_alone)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "created")), q;
	struct bytes item = bytes_of("signature");

	p.tx.in[1].witness = (struct witness){ &item, 1 };
	ck_fails(psbt_create(&ra, &p.tx, &q, &rerr), ERR_PSBT);
	p.tx.in[1].witness.n = 0;
	p.tx.in[0].script_sig = item;
	ck_fails(psbt_create(&ra, &p.tx, &q, &rerr), ERR_PSBT);
}
END_TEST

START_TEST(origins)
{
	struct psbt_origin o = { { 1, 2, 3, 4 }, { 0x80000056, 0x80000000, 7 }, 3 }, back;
	SCOPED(buf) struct buf b = BUF_CAP(1000);
	size_t leaves;

	psbt_origin_encode(&o, &b);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), "0001020304560000800000008007000000");
	ck_assert(psbt_origin_parse(buf_bytes(&b), &back, &leaves));
	ck_assert_mem_eq(&back, &o, sizeof(o));
	ck_assert_uint_eq(leaves, 0);
	ck_assert(!psbt_origin_parse((struct bytes){ b.p, b.n - 1 }, &back, &leaves));
	ck_assert(!psbt_origin_parse((struct bytes){ b.p, 4 }, &back, &leaves));
	buf_reset(&b);
	buf_u8(&b, 1);
	buf_add(&b, &(struct hash32){ { 9 } }, 32);
	buf_add(&b, o.fingerprint, 4);
	ck_assert(psbt_origin_parse(buf_bytes(&b), &back, &leaves));
	ck_assert_uint_eq(leaves, 1);
	ck_assert_uint_eq(back.n, 0);
	for (size_t i = 0; i <= PSBT_PATH_MAX; i++)
		buf_le32(&b, 1);
	ck_assert(!psbt_origin_parse(buf_bytes(&b), &back, &leaves));
}
END_TEST

static const struct {
	const char *name;
	enum psbt_part part;
	const char *key, *value;
	bool ok;
} fields[] = {
	{ "unknown", PSBT_PART_IN, "f0aabb", "", true },
	{ "proprietary", PSBT_PART_GLOBAL, "fc0361626300", "01", true },
	{ "a type in a longer form", PSBT_PART_IN, "fdf000", "", false },
	{ "a long type", PSBT_PART_IN, "fd0001", "", true },
	{ "an output", PSBT_PART_IN, "01",
	  "e803000000000000"
	  "0151",
	  true },
	{ "an output cut short", PSBT_PART_IN, "01",
	  "e803000000000000"
	  "0251",
	  false },
	{ "an output worth too much", PSBT_PART_IN, "01",
	  "ffffffffffffff7f"
	  "0151",
	  false },
	{ "a final witness", PSBT_PART_IN, "08",
	  "020151"
	  "00",
	  true },
	{ "an empty final witness", PSBT_PART_IN, "08", "00", true },
	{ "a final witness cut short", PSBT_PART_IN, "08", "0201", false },
	{ "a tree of one", PSBT_PART_OUT, "06", "00c00151", true },
	{ "a tree of two", PSBT_PART_OUT, "06", "01c0015101c00152", true },
	{ "half a tree", PSBT_PART_OUT, "06", "01c00151", false },
	{ "a tree of nothing", PSBT_PART_OUT, "06", "", false },
	{ "a tree with an odd version", PSBT_PART_OUT, "06", "00c10151", false },
	{ "a leaf without a version", PSBT_PART_IN,
	  "15c0d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d", "", false },
	{ "a leaf", PSBT_PART_IN, "15c0d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d", "51c0",
	  true },
	{ "a signature of 66 bytes", PSBT_PART_IN, "13", "", false },
	{ "no transaction", PSBT_PART_IN, "00", "00", false },
};

START_TEST(fields_are_checked)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(1024 * 1024);
	struct psbt_field f;
	int rc;

	ck_assert(hex_decode_any(&ra, fields[_i].key, 1000, &f.key));
	ck_assert(hex_decode_any(&ra, fields[_i].value, 1000, &f.value));
	rc = psbt_field_check(&scratch, fields[_i].part, 0, &f, &rerr);
	if (fields[_i].ok)
		ck_ok(rc);
	else
		ck_fails(rc, ERR_PSBT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/psbt");
	TCase *c = rails_case(s, "psbt");

	tcase_add_loop_test(c, invalid, 0, ARRAY_LEN(files));
	tcase_add_loop_test(c, valid, 0, ARRAY_LEN(files));
	tcase_add_test(c, well_formed_at_least);
	tcase_add_test(c, version_2_locktimes);
	tcase_add_test(c, version_2_becomes_0);
	tcase_add_test(c, created_and_updated);
	tcase_add_loop_test(c, combining, 0, ARRAY_LEN(combined));
	tcase_add_test(c, combining_what_does_not_belong_together);
	tcase_add_test(c, ours_stays_where_both_have_one);
	tcase_add_test(c, what_inputs_spend);
	tcase_add_test(c, cut_anywhere);
	tcase_add_test(c, too_large);
	tcase_add_test(c, versions);
	tcase_add_test(c, more_than_all_money);
	tcase_add_test(c, created_of_unsigned_alone);
	tcase_add_test(c, origins);
	tcase_add_loop_test(c, fields_are_checked, 0, ARRAY_LEN(fields));
	return suite_run(s);
}
