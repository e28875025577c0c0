/* Vectors: tests/vectors/cashu/nut20_quote_signature.json, nut29_batch.json. */
#include "rails/cashu/issue.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static size_t outputs_of(const json_t *request, struct output *to, size_t max)
{
	const json_t *list = json_object_get(request, "outputs"), *v;
	size_t i;

	ck_assert(json_array_size(list) > 0 && json_array_size(list) <= max);
	json_array_foreach(list, i, v)
	{
		to[i] = (struct output){ .amount = vec_u64(v, "amount") };
		vec_copy(v, "B_", to[i].b.b, sizeof(to[i].b.b));
	}
	return i;
}

static bool signature_holds(const json_t *v, const json_t *request, const struct hash32 *msg)
{
	struct pubkey key;
	uint8_t sig[64];

	vec_copy(v, "pubkey", key.b, sizeof(key.b));
	vec_copy(request, "signature", sig, sizeof(sig));
	return secp_schnorr_verify(&key, msg, sig);
}

START_TEST(nut20_legacy)
{
	json_t *v = json_object_get(vectors_load("cashu/nut20_quote_signature.json"), "legacy");
	json_t *valid = json_object_get(v, "valid_request"), *invalid = json_object_get(v, "invalid_request");
	struct output outputs[8];
	struct hash32 msg, want;
	size_t n = outputs_of(valid, outputs, ARRAY_LEN(outputs));

	issue_message_legacy(vec_str(valid, "quote"), outputs, n, &msg);
	sha256(vec_hex(v, "msg_to_sign_hex"), &want);
	ck_assert_mem_eq(msg.b, want.b, 32);
	ck_assert(signature_holds(v, valid, &msg));
	ck_assert(!signature_holds(v, invalid, &msg));
	/* another order is another message */
	outputs[7] = outputs[0];
	outputs[0] = outputs[1];
	outputs[1] = outputs[7];
	issue_message_legacy(vec_str(valid, "quote"), outputs, n, &msg);
	ck_assert(!signature_holds(v, valid, &msg));
}
END_TEST

START_TEST(nut20_v1)
{
	json_t *v = json_object_get(vectors_load("cashu/nut20_quote_signature.json"), "v1_domain_separated");
	json_t *valid = json_object_get(v, "valid_request");
	struct output outputs[8];
	struct hash32 msg, want;
	size_t n = outputs_of(valid, outputs, ARRAY_LEN(outputs));

	issue_message_v1(vec_str(valid, "quote"), outputs, n, &msg);
	vec_copy(v, "sha256", want.b, sizeof(want.b));
	ck_assert_mem_eq(msg.b, want.b, 32);
	sha256(vec_hex(v, "msg_to_sign_hex"), &want);
	ck_assert_mem_eq(msg.b, want.b, 32);
	ck_assert(signature_holds(v, valid, &msg));
	outputs[0].amount = 2;
	issue_message_v1(vec_str(valid, "quote"), outputs, n, &msg);
	ck_assert(!signature_holds(v, valid, &msg));
}
END_TEST

START_TEST(amounts_take_as_many_bytes_as_they_need)
{
	static const struct {
		uint64_t amount;
		const char *spelled;
		size_t n;
	} cases[] = {
		{ 0, "\0\0\0\0", 4 },
		{ 255, "\0\0\0\1\xff", 5 },
		{ 256, "\0\0\0\2\1\0", 6 },
		{ AMOUNT_MAX, "\0\0\0\x08\x7f\xff\xff\xff\xff\xff\xff\xff", 12 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf b = BUF_CAP(256);
		struct output o = { .amount = cases[i].amount, .b = { { 2, 3, 4 } } };
		struct hash32 msg, want;

		buf_text_add(&b, "Cashu_MintQuoteSig_v1");
		buf_add(&b, "\0\0\0\1q", 5);
		buf_add(&b, cases[i].spelled, cases[i].n);
		buf_add(&b, "\0\0\0\x21", 4);
		buf_add(&b, o.b.b, 33);
		sha256(buf_bytes(&b), &want);
		issue_message_v1("q", &o, 1, &msg);
		ck_assert_mem_eq(msg.b, want.b, 32);
	}
}
END_TEST

START_TEST(the_longest_messages)
{
	struct output *outputs = ARENA_ARRAY(&ra, CASHU_LIST_MAX, struct output);
	char quote[QUOTE_ID_MAX + 1];
	struct hash32 a, b;

	memset(quote, 'q', QUOTE_ID_MAX);
	quote[QUOTE_ID_MAX] = '\0';
	for (size_t i = 0; i < CASHU_LIST_MAX; i++)
		outputs[i].amount = AMOUNT_MAX;
	issue_message_v1(quote, outputs, CASHU_LIST_MAX, &a);
	issue_message_legacy(quote, outputs, CASHU_LIST_MAX, &b);
	ck_assert_mem_ne(a.b, b.b, 32);
}
END_TEST

START_TEST(request)
{
	struct output outputs[2] = { { .amount = 1, .keyset = { .s = "009a1f293253e41e" }, .b = { { 2, 0xaa } } },
				     { .amount = 4, .keyset = { .s = "009a1f293253e41e" }, .b = { { 3, 0xbb } } } };
	uint8_t sig[64] = { 0xcc };
	struct net_request req, again;

	ck_ok(issue_request(&ra, "https://m.example", "q\"1", outputs, 2, sig, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, "https://m.example/v1/mint/bolt11");
	ck_assert(req.changes_state);
	ck_assert_int_eq(req.timeout_ms, 60000);
	assert_body(&req, arena_printf(&ra,
				       "{\"quote\":\"q\\\"1\",\"outputs\":["
				       "{\"amount\":1,\"id\":\"009a1f293253e41e\",\"B_\":\"02aa%062d\"},"
				       "{\"amount\":4,\"id\":\"009a1f293253e41e\",\"B_\":\"03bb%062d\"}],"
				       "\"signature\":\"cc%0126d\"}",
				       0, 0, 0));
	/* Built again it is the same, byte for byte (R6). */
	ck_ok(issue_request(&ra, "https://m.example", "q\"1", outputs, 2, sig, &again, &rerr));
	ck_assert(bytes_equal(req.body, again.body));
	ck_ok(issue_request(&ra, "https://m.example", "q", outputs, 1, NULL, &req, &rerr));
	assert_body(&req, arena_printf(&ra,
				       "{\"quote\":\"q\",\"outputs\":["
				       "{\"amount\":1,\"id\":\"009a1f293253e41e\",\"B_\":\"02aa%062d\"}]}",
				       0));
}
END_TEST

START_TEST(no_request)
{
	struct output *outputs = ARENA_ARRAY(&ra, CASHU_LIST_MAX + 1, struct output);
	SCOPED(arena) struct arena small = ARENA_LIMIT(1024);
	struct net_request req;

	ck_fails(issue_request(&ra, "https://m.example", "q", outputs, 0, NULL, &req, &rerr), ERR_RANGE);
	ck_fails(issue_request(&ra, "https://m.example", "q", outputs, CASHU_LIST_MAX + 1, NULL, &req, &rerr),
		 ERR_RANGE);
	ck_ok(issue_request(&ra, "https://m.example", "q", outputs, CASHU_LIST_MAX, NULL, &req, &rerr));
	ck_fails(issue_request(&small, "https://m.example", "q", outputs, 100, NULL, &req, &rerr), ERR_RANGE);
	outputs[0].amount = AMOUNT_MAX + 1;
	ck_fails(issue_request(&ra, "https://m.example", "q", outputs, 1, NULL, &req, &rerr), ERR_RANGE);
}
END_TEST

/* The official vector of NUT-29 does not verify, as the file says; this is nutshell's. */
START_TEST(nut29)
{
	json_t *v = json_object_get(vectors_load("cashu/nut29_batch.json"), "v1_domain_separated");
	struct output outputs[2];
	struct hash32 msg, want;
	size_t n = outputs_of(v, outputs, ARRAY_LEN(outputs));

	issue_message_v1(vec_str(v, "quote"), outputs, n, &msg);
	vec_copy(v, "sha256", want.b, sizeof(want.b));
	ck_assert_mem_eq(msg.b, want.b, 32);
	sha256(vec_hex(v, "msg_to_sign_hex"), &want);
	ck_assert_mem_eq(msg.b, want.b, 32);
	ck_assert(signature_holds(v, v, &msg));
}
END_TEST

static struct issue_quote quote_of(const char *id, uint64_t amount, const uint8_t *signature)
{
	struct issue_quote q = { .id = id, .signature = signature };
	struct currency sat;

	ck_assert(currency_parse("sat", &sat) && ecash_make(amount, sat, &q.amount));
	return q;
}

START_TEST(several_at_once)
{
	static const uint8_t sig[64] = { 0xab };
	struct issue_quote quotes[] = { quote_of("a", 5, NULL), quote_of("b", 3, sig) };
	struct output out = { .amount = 8, .keyset = { .s = "009a1f293253e41e" }, .b = { { 2, 0xcc } } };
	struct issue_quote *many = ARENA_ARRAY(&ra, CASHU_LIST_MAX + 1, struct issue_quote);
	SCOPED(arena) struct arena small = ARENA_LIMIT(16 * 1024);
	struct net_request req;
	const char *outputs = arena_printf(&ra, "[{\"amount\":8,\"id\":\"009a1f293253e41e\",\"B_\":\"02cc%062d\"}]", 0);

	ck_ok(issue_batch_request(&ra, "https://m.example", quotes, 2, &out, 1, &req, &rerr));
	ck_assert_str_eq(req.url, "https://m.example/v1/mint/bolt11/batch");
	ck_assert(req.changes_state);
	ck_assert_int_eq(req.timeout_ms, 60000);
	assert_body(&req, arena_printf(&ra,
				       "{\"quotes\":[\"a\",\"b\"],\"quote_amounts\":[5,3],\"outputs\":%s,"
				       "\"signatures\":[null,\"ab%0126d\"]}",
				       outputs, 0));
	quotes[1].signature = NULL;
	ck_ok(issue_batch_request(&ra, "https://m.example", quotes, 2, &out, 1, &req, &rerr));
	assert_body(&req,
		    arena_printf(&ra, "{\"quotes\":[\"a\",\"b\"],\"quote_amounts\":[5,3],\"outputs\":%s}", outputs));
	quotes[1].id = "a";
	ck_fails(issue_batch_request(&ra, "https://m.example", quotes, 2, &out, 1, &req, &rerr), ERR_PARAM);
	ck_fails(issue_batch_request(&ra, "https://m.example", quotes, 0, &out, 1, &req, &rerr), ERR_RANGE);
	ck_fails(issue_batch_request(&ra, "https://m.example", quotes, 1, &out, 0, &req, &rerr), ERR_RANGE);
	for (size_t i = 0; i <= CASHU_LIST_MAX; i++)
		many[i] = quote_of(arena_printf(&ra, "%zu", i), 1, sig);
	ck_fails(issue_batch_request(&ra, "https://m.example", many, CASHU_LIST_MAX + 1, &out, 1, &req, &rerr),
		 ERR_RANGE);
	ck_ok(issue_batch_request(&ra, "https://m.example", many, CASHU_LIST_MAX, &out, 1, &req, &rerr));
	ck_fails(issue_batch_request(&small, "https://m.example", many, 100, &out, 1, &req, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/issue");
	TCase *c = rails_case(s, "issue");

	tcase_add_test(c, nut20_legacy);
	tcase_add_test(c, nut20_v1);
	tcase_add_test(c, amounts_take_as_many_bytes_as_they_need);
	tcase_add_test(c, the_longest_messages);
	tcase_add_test(c, request);
	tcase_add_test(c, no_request);
	tcase_add_test(c, nut29);
	tcase_add_test(c, several_at_once);
	return suite_run(s);
}
