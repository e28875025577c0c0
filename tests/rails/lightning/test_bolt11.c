/* Vectors: tests/vectors/lightning/bolt11.json, the examples of lightning/bolts 11-payment-encoding.md. */
#include "rails/lightning/bolt11.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/bech32.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/bolt11_draft.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static enum network net_of(const char *name)
{
	for (int i = 0; i < NETWORK_COUNT; i++)
		if (strcmp(network_names[i], name) == 0)
			return (enum network)i;
	ck_abort_msg("no network %s", name);
}

static void same_bytes(const json_t *v, const char *name, const void *p, size_t n)
{
	struct bytes want = vec_hex(v, name);

	ck_assert_uint_eq(want.n, n);
	ck_assert_mem_eq(p, want.p, n);
}

static void same_features(const json_t *v, const struct bolt11 *inv)
{
	const json_t *list = json_object_get(v, "features"), *bit;
	size_t i, bits = 0;

	json_array_foreach(list, i, bit)
	{
		size_t at = (size_t)json_integer_value(bit);

		ck_assert_uint_lt(at / 5, inv->features.n);
		ck_assert((inv->features.p[inv->features.n - 1 - at / 5] >> at % 5 & 1) == 1);
	}
	for (i = 0; i < inv->features.n; i++)
		for (unsigned b = 0; b < 5; b++)
			bits += inv->features.p[i] >> b & 1;
	ck_assert_uint_eq(bits, json_array_size(list));
}

static void same_routes(const json_t *v, const struct bolt11 *inv)
{
	const json_t *routes = json_object_get(v, "routes"), *route, *hop;
	size_t i, j;

	ck_assert_uint_eq(inv->n_routes, json_array_size(routes));
	json_array_foreach(routes, i, route)
	{
		ck_assert_uint_eq(inv->routes[i].n, json_array_size(route));
		json_array_foreach(route, j, hop)
		{
			const struct bolt11_hop *h = &inv->routes[i].hops[j];

			same_bytes(hop, "pubkey", h->node.b, sizeof(h->node.b));
			ck_assert_str_eq(arena_printf(&ra, "%llux%llux%llu",
						      (unsigned long long)(h->short_channel_id >> 40),
						      (unsigned long long)(h->short_channel_id >> 16 & 0xffffff),
						      (unsigned long long)(h->short_channel_id & 0xffff)),
					 vec_str(hop, "scid"));
			ck_assert_uint_eq(h->fee_base_msat, vec_u64(hop, "base"));
			ck_assert_uint_eq(h->fee_millionths, vec_u64(hop, "ppm"));
			ck_assert_uint_eq(h->cltv_expiry_delta, vec_u64(hop, "cltv"));
		}
	}
}

static void same_fallbacks(const json_t *v, const struct bolt11 *inv)
{
	const json_t *list = json_object_get(v, "fallbacks"), *text;
	char address[ADDRESS_TEXT_MAX];
	size_t i;

	ck_assert_uint_eq(inv->n_fallbacks, json_array_size(list));
	json_array_foreach(list, i, text)
	{
		ck_assert(address_text(spk_bytes(&inv->fallbacks[i]), inv->net, address));
		ck_assert_str_eq(address, json_string_value(text));
	}
}

static void same_description(const json_t *v, const struct bolt11 *inv)
{
	if (json_object_get(v, "description_hash") != NULL) {
		ck_assert_ptr_null(inv->description);
		same_bytes(v, "description_hash", inv->description_hash.b, 32);
	} else {
		ck_assert_str_eq(inv->description, vec_str(v, "description"));
	}
}

static void same(const json_t *v, const struct bolt11 *inv)
{
	ck_assert_int_eq(inv->net, net_of(vec_str(v, "net")));
	ck_assert(inv->has_amount == (json_object_get(v, "amount_msat") != NULL));
	if (inv->has_amount)
		ck_assert_uint_eq(inv->amount.v, vec_u64(v, "amount_msat"));
	ck_assert_int_eq(inv->made_at_s, (int64_t)vec_u64(v, "timestamp"));
	ck_assert_int_eq(inv->expiry_s, (int64_t)vec_u64(v, "expiry"));
	ck_assert_int_eq(bolt11_expires_at_s(inv), inv->made_at_s + inv->expiry_s);
	ck_assert_uint_eq(inv->min_final_cltv, vec_u64(v, "min_final_cltv"));
	same_bytes(v, "payment_hash", inv->payment_hash.b, 32);
	same_bytes(v, "payment_secret", inv->payment_secret.b, 32);
	if (json_object_get(v, "payee") != NULL)
		same_bytes(v, "payee", inv->payee.b, 33);
	ck_assert(secp_pubkey_valid(&inv->payee));
	if (json_object_get(v, "metadata") != NULL)
		same_bytes(v, "metadata", inv->metadata.p, inv->metadata.n);
	else
		ck_assert_uint_eq(inv->metadata.n, 0);
	same_description(v, inv);
	same_features(v, inv);
	same_routes(v, inv);
	same_fallbacks(v, inv);
}

START_TEST(valid_examples)
{
	json_t *list = json_object_get(vectors_load("lightning/bolt11.json"), "valid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 15);
	json_array_foreach(list, i, v)
	{
		const char *text = vec_str(v, "invoice");
		struct bolt11 inv, again;

		ck_ok(bolt11_decode(&ra, text, &inv, &rerr));
		same(v, &inv);
		/* with the scheme, and as it is handed on */
		ck_ok(bolt11_decode(&ra, arena_printf(&ra, "lightning:%s", text), &again, &rerr));
		ck_assert_str_eq(again.text, inv.text);
		ck_ok(bolt11_decode(&ra, inv.text, &again, &rerr));
		same(v, &again);
	}
}
END_TEST

START_TEST(invalid_examples)
{
	json_t *list = json_object_get(vectors_load("lightning/bolt11.json"), "invalid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 13);
	json_array_foreach(list, i, v)
	{
		struct bolt11 inv;

		ck_fails(bolt11_decode(&ra, vec_str(v, "invoice"), &inv, &rerr), err_code_of(vec_str(v, "expect")));
		ck_assert_msg(strstr(rerr.msg, vec_str(v, "word")) != NULL, "%s: %s", vec_str(v, "name"), rerr.msg);
	}
}
END_TEST

/* Every letter of an invoice is under its checksum, and under its signature when the checksum is made anew. */
START_TEST(no_letter_can_be_changed)
{
	json_t *list = json_object_get(vectors_load("lightning/bolt11.json"), "valid");
	char *text = arena_strdup(&ra, vec_str(json_array_get(list, 1), "invoice"));
	struct bolt11 inv;

	for (size_t i = 0; text[i] != '\0'; i++) {
		char was = text[i];

		text[i] = was == 'q' ? 'p' : 'q';
		ck_assert_int_eq(bolt11_decode(&ra, text, &inv, &rerr), -1);
		text[i] = was;
	}
	ck_ok(bolt11_decode(&ra, text, &inv, &rerr));
}
END_TEST

/* Invoices of our own: what a case changes, and what is then wrong. */
static const struct secret node = { { [31] = 7 } };
static const uint8_t thirty_two[33] = { 1, 2, 3 };

static void basics(struct bolt11_draft *d, const char *hrp)
{
	draft_begin(d, hrp, 1700000000);
	draft_bytes(d, 'p', thirty_two, 32);
	draft_bytes(d, 's', thirty_two, 32);
	draft_text(d, 'd', "a test");
}

static const struct {
	const char *hrp;
	uint64_t msat; /* 0: without an amount */
	enum network net;
} amounts[] = {
	{ "lnbc", 0, NETWORK_MAINNET },
	{ "lntb", 0, NETWORK_TESTNET4 },
	{ "lntbs", 0, NETWORK_SIGNET },
	{ "lnbcrt", 0, NETWORK_REGTEST },
	{ "lnbcrt1", UINT64_C(100000000000), NETWORK_REGTEST },
	{ "lntbs20m", UINT64_C(2000000000), NETWORK_SIGNET },
	{ "lntb1u", 100000, NETWORK_TESTNET4 },
	{ "lnbc1n", 100, NETWORK_MAINNET },
	{ "lnbc10p", 1, NETWORK_MAINNET },
	{ "lnbc21000000", UINT64_C(2100000000000000000), NETWORK_MAINNET },
	{ "lnbc18000000000000000000p", UINT64_C(1800000000000000000), NETWORK_MAINNET }, /* not shortest: fine */
};

START_TEST(amounts_to_the_millisatoshi)
{
	struct bolt11_draft d;
	struct bolt11 inv;

	basics(&d, amounts[_i].hrp);
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert(inv.has_amount == (amounts[_i].msat != 0));
	ck_assert_uint_eq(inv.amount.v, amounts[_i].msat);
	ck_assert_int_eq(inv.net, amounts[_i].net);
}
END_TEST

static const struct {
	const char *hrp;
	enum err_code code;
} prefixes[] = {
	{ "lnbc0", ERR_INVOICE },
	{ "lnbc0m", ERR_INVOICE },
	{ "lnbc01u", ERR_INVOICE },
	{ "lnbc1x", ERR_INVOICE },
	{ "lnbc1mu", ERR_INVOICE },
	{ "lnbc1m1", ERR_INVOICE },
	{ "lnbcm", ERR_INVOICE },
	{ "lnbc-1m", ERR_INVOICE },
	{ "lnbc1p", ERR_INVOICE },
	{ "lnbc11p", ERR_INVOICE },
	{ "lnbc21000001", ERR_INVOICE },
	{ "lnbc21000000000000000010p", ERR_INVOICE },
	{ "lnbc18446744073709551616n", ERR_INVOICE },
	{ "lnbc18446744073709551615", ERR_INVOICE },
	{ "lnbc99999999999999999999999999u", ERR_INVOICE },
	{ "lnbcr1m", ERR_INVOICE },
	{ "bc", ERR_INVOICE },
	{ "l", ERR_INVOICE },
	{ "ln", ERR_NETWORK },
	{ "lnltc10u", ERR_NETWORK },
	{ "lnb", ERR_NETWORK },
};

START_TEST(prefixes_refused)
{
	struct bolt11_draft d;
	struct bolt11 inv;

	basics(&d, prefixes[_i].hrp);
	ck_fails(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr), prefixes[_i].code);
}
END_TEST

static const uint8_t hop[51] = { 2, 0xaa, [40] = 9 };

/* The fields of basics() take 7 groups for the time, 55 each for hash and secret. */
#define AFTER_TIME   7
#define AFTER_HASH   (7 + 55)
#define AFTER_SECRET (7 + 55 + 55)

/* name, what is added to the basics (or comes in place of their end), a word of what is said */
#define BROKEN(X)                                                                                                      \
	X(payment_hash_too_short, (d->n = AFTER_TIME, draft_bytes(d, 'p', thirty_two, 31)), "length")                  \
	X(payment_hash_too_long, (d->n = AFTER_TIME, draft_bytes(d, 'p', thirty_two, 33)), "length")                   \
	X(payment_hash_twice, draft_bytes(d, 'p', thirty_two, 32), "twice")                                            \
	X(payment_secret_twice, draft_bytes(d, 's', thirty_two, 32), "twice")                                          \
	X(description_twice, draft_text(d, 'd', "another"), "twice")                                                   \
	X(description_and_hash, draft_bytes(d, 'h', thirty_two, 32), "either")                                         \
	X(node_too_short, draft_bytes(d, 'n', thirty_two, 32), "length")                                               \
	X(node_off_the_curve, draft_bytes(d, 'n', thirty_two, 33), "signature")                                        \
	X(expiry_with_zeros, draft_number(d, 'x', 60, 3), "zeros")                                                     \
	X(expiry_of_65_bits, draft_number(d, 'x', UINT64_C(1) << 60, 13), "too large")                                 \
	X(cltv_with_zeros, draft_number(d, 'c', 1, 2), "zeros")                                                        \
	X(cltv_past_32_bits, draft_number(d, 'c', UINT64_C(1) << 32, 7), "too large")                                  \
	X(features_with_zeros, draft_number(d, '9', 1u << 9, 3), "zeros")                                              \
	X(mpp_without_secrets, draft_number(d, '9', 1u << 17 | 1u << 8, 4), "depends")                                 \
	X(route_of_nothing, draft_bytes(d, 'r', hop, 0), "hops")                                                       \
	X(route_of_half_a_hop, draft_bytes(d, 'r', hop, 26), "hops")                                                   \
	X(fallback_of_nothing, draft_number(d, 'f', 0, 0), "version")                                                  \
	X(fallback_of_no_bytes, draft_number(d, 'f', 17, 1), "wrong length")                                           \
	X(fallback_of_version_0, draft_number(d, 'f', 0, 9), "wrong length")                                           \
	X(field_cut_off, draft_put(d, 13, 1), "cut off")                                                               \
	X(field_past_the_end, draft_put(d, 13 << 10 | 200, 3), "cut off")                                              \
	X(metadata_filled_with_ones, draft_number(d, 'm', 31, 2), "filled up")                                         \
	X(description_not_utf8, (d->n = AFTER_SECRET, draft_bytes(d, 'd', "\xff", 1)), "UTF-8")                        \
	X(description_with_nul, (d->n = AFTER_SECRET, draft_bytes(d, 'd', "a\0b", 3)), "UTF-8")                        \
	X(nothing_described, d->n = AFTER_SECRET, "either")                                                            \
	X(no_secret, (d->n = AFTER_HASH, draft_text(d, 'd', "x")), "payment secret")                                   \
	X(no_hash, (d->n = AFTER_TIME, draft_text(d, 'd', "x")), "payment hash")

#define BROKEN_FUNCTION(id, what, word)                                                                                \
	static void broken_##id(struct bolt11_draft *d)                                                                \
	{                                                                                                              \
		what;                                                                                                  \
	}
BROKEN(BROKEN_FUNCTION)

static const struct {
	const char *name;
	void (*change)(struct bolt11_draft *d);
	const char *word;
} broken[] = {
#define BROKEN_ROW(id, what, word) { #id, broken_##id, word },
	BROKEN(BROKEN_ROW)
};

START_TEST(broken_invoices)
{
	struct bolt11_draft d;
	struct bolt11 inv;

	basics(&d, "lnbc1m");
	broken[_i].change(&d);
	ck_fails(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr), ERR_INVOICE);
	ck_assert_msg(strstr(rerr.msg, broken[_i].word) != NULL, "%s: %s", broken[_i].name, rerr.msg);
}
END_TEST

/* What readers pass over: unknown fields and fallbacks, feature bits that are odd. */
START_TEST(fields_of_times_to_come)
{
	struct bolt11_draft d;
	struct bolt11 inv;

	basics(&d, "lnbc1m");
	draft_bytes(&d, 'z', thirty_two, 5);
	draft_number(&d, 'f', 19, 1);
	draft_number(&d, 'f', UINT64_C(31) << 55, 12);
	draft_number(&d, '9', UINT64_C(1) << 51 | 1u << 17 | 1u << 15 | 1u << 9, 11);
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert_uint_eq(inv.n_fallbacks, 0);
	ck_assert(bolt11_offers(&inv, BOLT11_BASIC_MPP) && bolt11_offers(&inv, BOLT11_PAYMENT_SECRET));
	ck_assert(!bolt11_offers(&inv, BOLT11_ROUTE_BLINDING) && !bolt11_offers(&inv, BOLT11_PAYMENT_METADATA));
}
END_TEST

START_TEST(required_features)
{
	static const uint8_t known[] = { 0, 8, 12, 14, 16, 24, 36, 44, 48 };
	size_t taken = 0;

	for (unsigned bit = 0; bit < 60; bit += 2) {
		struct bolt11_draft d;
		struct bolt11 inv;
		uint64_t bits = UINT64_C(1) << bit | (bit == 16 ? 1u << 14 : 0);
		bool fine = taken < ARRAY_LEN(known) && known[taken] == bit;

		basics(&d, "lnbc");
		draft_number(&d, '9', bits, bit / 5 + 1);
		if (fine)
			ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
		else
			ck_fails(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr),
				 ERR_UNSUPPORTED);
		taken += fine;
	}
	ck_assert_uint_eq(taken, ARRAY_LEN(known));
}
END_TEST

START_TEST(numbers_at_their_ends)
{
	struct bolt11_draft d;
	struct bolt11 inv;

	basics(&d, "lnbc");
	draft_number(&d, 'x', (UINT64_C(1) << 60) - 1, 12);
	draft_number(&d, 'c', UINT32_MAX, 7);
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert_int_eq(bolt11_expires_at_s(&inv), 1700000000 + (INT64_C(1) << 60) - 1);
	ck_assert_uint_eq(inv.min_final_cltv, UINT32_MAX);
	basics(&d, "lnbc");
	draft_number(&d, 'x', 0, 0);
	draft_number(&d, 'c', 0, 0);
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert_int_eq(inv.expiry_s, 0);
	ck_assert_uint_eq(inv.min_final_cltv, 0);
}
END_TEST

/* BOLT 11: with `n` the key is given and s must be in the lower half; without, the key is recovered from either. */
START_TEST(who_signed)
{
	static const struct secret other = { { [31] = 8 } };
	struct pubkey key;
	struct bolt11_draft d;
	struct bolt11 inv;

	ck_assert(secp_seckey_pubkey(&node, &key));
	basics(&d, "lnbc");
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert(pubkey_equal(&inv.payee, &key));
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_HIGH_S), &inv, &rerr));
	ck_assert(pubkey_equal(&inv.payee, &key));
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_OTHER_RECOVERY), &inv, &rerr));
	ck_assert(!pubkey_equal(&inv.payee, &key));
	draft_bytes(&d, 'n', key.b, sizeof(key.b));
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert(pubkey_equal(&inv.payee, &key));
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_OTHER_RECOVERY), &inv, &rerr));
	ck_fails(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_HIGH_S), &inv, &rerr), ERR_INVOICE);
	ck_fails(bolt11_decode(&ra, draft_sign(&ra, &d, &other, DRAFT_SIGNED), &inv, &rerr), ERR_INVOICE);
}
END_TEST

START_TEST(many_routes_and_fallbacks)
{
	uint8_t two[102];
	struct bolt11_draft d;
	struct bolt11 inv;

	memcpy(two, hop, 51);
	memcpy(two + 51, hop, 51);
	basics(&d, "lnbc");
	for (unsigned i = 0; i < 3; i++) {
		draft_bytes(&d, 'r', two, i == 1 ? 102 : 51);
		draft_number(&d, 'f', i, 33);
		d.v[d.n - 33] = 17;
	}
	ck_ok(bolt11_decode(&ra, draft_sign(&ra, &d, &node, DRAFT_SIGNED), &inv, &rerr));
	ck_assert_uint_eq(inv.n_routes, 3);
	ck_assert_uint_eq(inv.routes[1].n, 2);
	ck_assert_uint_eq(inv.routes[1].hops[1].short_channel_id, 9);
	ck_assert_uint_eq(inv.n_fallbacks, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct bytes hash;

		ck_assert_int_eq(spk_classify(spk_bytes(&inv.fallbacks[i]), &hash), SPK_P2PKH);
		ck_assert_uint_eq(hash.p[19], i);
	}
}
END_TEST

/* What takes the most memory for its length: it fits, and a smaller arena is an error and no abort. */
START_TEST(the_largest_invoice)
{
	SCOPED(arena) struct arena enough = ARENA_LIMIT(BOLT11_ROOM);
	SCOPED(arena) struct arena small = ARENA_LIMIT(BOLT11_ROOM - 1);
	struct bolt11_draft d;
	struct bolt11 inv;
	char *text;

	basics(&d, "lnbc");
	while (d.n < 8000)
		draft_number(&d, 'f', UINT64_C(1) << 20, 5); /* version 1, two bytes */
	text = draft_sign(&ra, &d, &node, DRAFT_SIGNED);
	ck_assert_uint_gt(strlen(text), BOLT11_TEXT_MAX - 100);
	ck_ok(bolt11_decode(&enough, text, &inv, &rerr));
	ck_assert_uint_gt(inv.n_fallbacks, 900);
	ck_fails(bolt11_decode(&small, text, &inv, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(texts_refused)
{
	char *longest = arena_printf(&ra, "lnbc1%0*d", BOLT11_TEXT_MAX - 5, 0);
	struct bolt11 inv;

	ck_fails(bolt11_decode(&ra, "", &inv, &rerr), ERR_INVOICE);
	ck_fails(bolt11_decode(&ra, "lightning:", &inv, &rerr), ERR_INVOICE);
	ck_fails(bolt11_decode(&ra, "lightning", &inv, &rerr), ERR_INVOICE);
	ck_fails(bolt11_decode(&ra, " lnbc1", &inv, &rerr), ERR_INVOICE);
	ck_fails(bolt11_decode(&ra, longest, &inv, &rerr), ERR_INVOICE);
	ck_assert_ptr_null(strstr(rerr.msg, "longer"));
	ck_fails(bolt11_decode(&ra, arena_printf(&ra, "%s0", longest), &inv, &rerr), ERR_INVOICE);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "longer"));
	/* whose checksum is that of another form */
	ck_fails(bolt11_decode(&ra, bech32_encode(&ra, BECH32M, "lnbc", (struct bytes){ thirty_two, 33 }), &inv, &rerr),
		 ERR_INVOICE);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "Bech32m"));
}
END_TEST

START_TEST(may_it_be_paid)
{
	struct bolt11 inv = { .net = NETWORK_SIGNET, .made_at_s = 1000, .expiry_s = 60 };

	ck_ok(bolt11_check_payable(&inv, NETWORK_SIGNET, 0, &rerr));
	ck_ok(bolt11_check_payable(&inv, NETWORK_SIGNET, 1059, &rerr));
	ck_fails(bolt11_check_payable(&inv, NETWORK_SIGNET, 1060, &rerr), ERR_INVOICE_EXPIRED);
	ck_assert_str_eq(rerr.field, "invoice");
	ck_fails(bolt11_check_payable(&inv, NETWORK_MAINNET, 0, &rerr), ERR_NETWORK);
	ck_assert_str_eq(rerr.field, "invoice");
	ck_assert_str_eq(rerr.msg, "an invoice for signet; this wallet is on mainnet");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/bolt11");
	TCase *c = rails_case(s, "bolt11");

	tcase_add_test(c, valid_examples);
	tcase_add_test(c, invalid_examples);
	tcase_add_test(c, no_letter_can_be_changed);
	tcase_add_loop_test(c, amounts_to_the_millisatoshi, 0, ARRAY_LEN(amounts));
	tcase_add_loop_test(c, prefixes_refused, 0, ARRAY_LEN(prefixes));
	tcase_add_loop_test(c, broken_invoices, 0, ARRAY_LEN(broken));
	tcase_add_test(c, fields_of_times_to_come);
	tcase_add_test(c, required_features);
	tcase_add_test(c, numbers_at_their_ends);
	tcase_add_test(c, who_signed);
	tcase_add_test(c, many_routes_and_fallbacks);
	tcase_add_test(c, the_largest_invoice);
	tcase_add_test(c, texts_refused);
	tcase_add_test(c, may_it_be_paid);
	return suite_run(s);
}
