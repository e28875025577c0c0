/* Vectors: tests/vectors/ark/address.json. */
#include "rails/ark/address.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/bech32.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define VALID   5
#define INVALID 12

static const json_t *vector(const char *list, size_t n, int i)
{
	const json_t *all = json_object_get(vectors_load("ark/address.json"), list);

	ck_assert_uint_eq(json_array_size(all), n);
	return json_array_get(all, (size_t)i);
}

static struct pubkey server_of(const json_t *v)
{
	struct pubkey k;

	vec_copy(v, "server_pubkey", k.b, sizeof(k.b));
	return k;
}

static void check_deliveries(const struct ark_address *got, const json_t *list)
{
	ck_assert_uint_eq(got->n_deliveries, json_array_size(list));
	for (size_t i = 0; i < got->n_deliveries; i++) {
		SCOPED(buf) struct buf b = BUF_CAP(1024);

		buf_u8(&b, got->deliveries[i].kind);
		buf_add_bytes(&b, got->deliveries[i].data);
		ck_assert_str_eq(hex_text(&ra, buf_bytes(&b)), json_string_value(json_array_get(list, i)));
	}
}

START_TEST(valid_ones)
{
	const json_t *v = vector("valid", VALID, _i);
	struct pubkey server = server_of(v);
	SCOPED(buf) struct buf policy = BUF_CAP(ARK_POLICY_SIZE_MAX);
	struct ark_address got;
	uint8_t id[4];
	char *text, *lower;

	ck_ok(ark_address_decode(&ra, vec_str(v, "address"), &got, &rerr));
	ck_assert_int_eq(got.mainnet, !json_is_true(json_object_get(v, "testnet")));
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ got.server_id, 4 }), vec_str(v, "ark_id"));
	ark_server_id(&server, id);
	ck_assert_mem_eq(id, got.server_id, 4);
	ark_policy_put(&policy, &got.policy);
	ck_assert_str_eq(hex_text(&ra, buf_bytes(&policy)), vec_str(v, "policy"));
	check_deliveries(&got, json_object_get(v, "deliveries"));
	ck_ok(ark_address_check(&got, got.mainnet, &server, &rerr));

	ck_ok(ark_address_encode(&ra, &got, &text, &rerr));
	lower = arena_strdup(&ra, vec_str(v, "address"));
	for (char *p = lower; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	ck_assert_str_eq(text, lower);
}
END_TEST

/* The payload of the vectors, as bytes: what stands behind the version. */
START_TEST(payloads)
{
	const json_t *v = vector("valid", VALID, _i);
	struct bech32 b;
	struct bytes payload;

	ck_ok(bech32_decode(&ra, vec_str(v, "address"), ARK_ADDRESS_MAX, &b, &rerr));
	ck_assert_uint_eq(b.groups.p[0], 1);
	ck_ok(bech32_bytes_of(&ra, (struct bytes){ b.groups.p + 1, b.groups.n - 1 }, &payload, &rerr));
	ck_assert_str_eq(hex_text(&ra, payload), vec_str(v, "payload"));
}
END_TEST

static const struct {
	const char *theirs, *ours;
} classes[] = {
	{ "checksum", "checksum" },
	{ "mixed case", "small and capital letters are mixed" },
	{ "HRP", "HRP" },
	{ "Arkade address (version 0)", "Arkade address (version 0)" },
	{ "unknown version", "unknown version" },
	{ "empty address", "empty address" },
	{ "policy: trailing bytes", "policy: trailing bytes" },
	{ "policy: invalid type byte", "policy: invalid VtxoPolicy type byte" },
	{ "empty delivery", "empty delivery" },
	{ "invalid blinded mailbox identifier (32 bytes)", "invalid blinded mailbox identifier: 32 bytes" },
	{ "policy field exceeds maximum length", "policy: field exceeds maximum length" },
	{ "unexpected end", "unexpected end" },
};

START_TEST(invalid_ones_are_refused_by_name)
{
	const json_t *v = vector("invalid", INVALID, _i);
	struct ark_address got;
	size_t k = 0;

	while (k < ARRAY_LEN(classes) && strcmp(classes[k].theirs, vec_str(v, "error")) != 0)
		k++;
	ck_assert_msg(k < ARRAY_LEN(classes), "%s: of no class that is known", vec_str(v, "error"));
	ck_fails(ark_address_decode(&ra, vec_str(v, "address"), &got, &rerr), ERR_ADDRESS);
	ck_assert_msg(strstr(rerr.msg, classes[k].ours) != NULL, "%s, but: %s", vec_str(v, "error"), rerr.msg);
}
END_TEST

/* --- paying --- */

static struct pubkey server, other;

static struct ark_address ours(void)
{
	struct ark_address a;
	char *text;

	server = server_of(vector("valid", VALID, 1));
	other = server_of(vector("valid", VALID, 0));
	ck_ok(ark_address_make(&ra, false, &server, &other, &server, &text, &rerr));
	ck_assert(text_starts(text, "tark1p"));
	ck_assert_uint_eq(strlen(text), 131);
	ck_ok(ark_address_decode(&ra, text, &a, &rerr));
	return a;
}

START_TEST(who_may_be_paid)
{
	struct ark_address good = ours(), a = good;
	struct ark_delivery d = good.deliveries[0];
	uint8_t off_curve[33] = { 5 };

	ck_assert_uint_eq(a.policy.kind, ARK_PUBKEY);
	ck_assert(pubkey_equal(&a.policy.user, &other));
	ck_ok(ark_address_check(&a, false, &server, &rerr));
	ck_fails(ark_address_check(&a, true, &server, &rerr), ERR_NETWORK);
	ck_fails(ark_address_check(&a, false, &other, &rerr), ERR_VTXO_SERVER);
	a.policy.kind = ARK_HTLC_SEND;
	ck_fails(ark_address_check(&a, false, &server, &rerr), ERR_UNSUPPORTED);
	a = good;
	a.n_deliveries = 0;
	ck_fails(ark_address_check(&a, false, &server, &rerr), ERR_UNSUPPORTED);
	a.n_deliveries = 1;
	a.deliveries = &d;
	d.kind = 7;
	ck_fails(ark_address_check(&a, false, &server, &rerr), ERR_UNSUPPORTED);
	d.kind = ARK_MAILBOX;
	d.data = (struct bytes){ off_curve, sizeof(off_curve) };
	ck_fails(ark_address_check(&a, false, &server, &rerr), ERR_ADDRESS);
}
END_TEST

START_TEST(what_cannot_be_written)
{
	struct ark_address a = ours();
	struct ark_delivery many[20];
	uint8_t data[64] = { 0 };
	char *text;

	a.n_deliveries = 0;
	ck_fails(ark_address_encode(&ra, &a, &text, &rerr), ERR_RANGE);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct ark_delivery){ 7, { data, sizeof(data) } };
	a.deliveries = many;
	for (a.n_deliveries = 1; a.n_deliveries < ARRAY_LEN(many); a.n_deliveries++) {
		struct ark_address back;

		if (ark_address_encode(&ra, &a, &text, &rerr) != 0)
			break;
		ck_assert_uint_le(strlen(text), ARK_ADDRESS_MAX);
		ck_ok(ark_address_decode(&ra, text, &back, &rerr));
		ck_assert_uint_eq(back.n_deliveries, a.n_deliveries);
	}
	ck_assert_int_eq(rerr.code, ERR_RANGE);
	ck_assert_uint_eq(a.n_deliveries, 9); /* of 66 bytes each, behind 39: 1025 characters */
	a.n_deliveries = ARRAY_LEN(many);
	ck_fails(ark_address_encode(&ra, &a, &text, &rerr), ERR_RANGE);
}
END_TEST

/* The filling at the end may be anything, as the reference reads it. */
START_TEST(the_filling_is_not_looked_at)
{
	const json_t *v = vector("valid", VALID, 0);
	struct ark_address got;
	struct bech32 b;
	uint8_t *groups;

	ck_ok(bech32_decode(&ra, vec_str(v, "address"), ARK_ADDRESS_MAX, &b, &rerr));
	groups = arena_alloc(&ra, b.groups.n);
	memcpy(groups, b.groups.p, b.groups.n);
	groups[b.groups.n - 1] |= 1;
	ck_ok(ark_address_decode(&ra, bech32_encode(&ra, BECH32M, "ark", (struct bytes){ groups, b.groups.n }), &got,
				 &rerr));
	ck_assert_uint_eq(got.n_deliveries, 1);
	ck_fails(ark_address_decode(&ra, bech32_encode(&ra, BECH32, "ark", b.groups), &got, &rerr), ERR_ADDRESS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/address");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "paying");

	tcase_add_loop_test(v, valid_ones, 0, VALID);
	tcase_add_loop_test(v, payloads, 0, VALID);
	tcase_add_loop_test(v, invalid_ones_are_refused_by_name, 0, INVALID);
	tcase_add_test(t, who_may_be_paid);
	tcase_add_test(t, what_cannot_be_written);
	tcase_add_test(t, the_filling_is_not_looked_at);
	return suite_run(s);
}
