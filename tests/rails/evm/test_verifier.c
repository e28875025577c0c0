/* Vectors: tests/vectors/evm/abi.json, eip712_directive.json (calldata), gas.json (its sizes, and what was paid); all of
 * them recorded with the contract in tests/contracts on a node. */
#include "rails/evm/verifier.h"

#include <string.h>

#include "base/text.h"
#include "rails/evm/address.h"
#include "rails/evm/fee.h"
#include "rails/evm/keccak.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

#define CALL_MAX (128 * 1024)

static const struct evm_address signer = { { 0x6b, 0x7d, 0x98, 0xd0, 0xc9, 0x60, 0x04, 0xf3, 0x67, 0x46,
					     0x8f, 0x2a, 0xc3, 0x7d, 0xbf, 0x6e, 0x66, 0x0e, 0x8a, 0x0f } };

static json_t *abi_file(const char *member)
{
	json_t *v = json_object_get(vectors_load("evm/abi.json"), member);

	ck_assert_ptr_nonnull(v);
	return v;
}

static struct signed_directive signed_of(const json_t *v)
{
	struct bytes sig = vec_0x(v, "signature");
	struct signed_directive one = { .d = { .account = vec_address(v, "account"),
					       .action_key = vec_str(v, "action_key"),
					       .nonce = vec_decimal(v, "nonce"),
					       .payload = vec_0x(v, "payload") } };

	directive_id_hash(vec_str(v, "directive_id"), &one.d.id_hash);
	ck_assert_uint_eq(sig.n, sizeof(one.sig.b));
	memcpy(one.sig.b, sig.p, sig.n);
	return one;
}

static struct signed_directive directive_vector(size_t i)
{
	return signed_of(json_array_get(json_object_get(vectors_load("evm/eip712_directive.json"), "vectors"), i));
}

START_TEST(execute)
{
	json_t *list = json_object_get(vectors_load("evm/eip712_directive.json"), "vectors"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 9);
	json_array_foreach(list, i, v)
	{
		SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);
		struct signed_directive one = signed_of(v);

		verifier_execute(&call, &one);
		ck_bytes(buf_bytes(&call), vec_0x(v, "calldata"));
	}
}
END_TEST

START_TEST(execute_batch)
{
	struct signed_directive both[2] = { directive_vector(0), directive_vector(1) };
	SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);

	verifier_execute_batch(&call, both, 2);
	ck_bytes(buf_bytes(&call), vec_0x(abi_file("execute_batch_of_vectors_0_1"), "data"));
	ck_assert_uint_eq(call.n, VERIFIER_BATCH_SIZE_EMPTY + verifier_batch_size_of(&both[0].d) +
					  verifier_batch_size_of(&both[1].d));
	buf_reset(&call);
	verifier_execute_batch(&call, both, 0);
	ck_assert_uint_eq(call.n, VERIFIER_BATCH_SIZE_EMPTY);
}
END_TEST

static const char *const calls[] = {
	"executeDirective((bytes32,address,string,uint64,bytes),bytes)",
	"executeBatch((bytes32,address,string,uint64,bytes)[],bytes[])",
	"isNonceUsed(address,uint64)",
	"noncesUsed(address,uint64[])",
	"nonceBitmap(address,uint256)",
	"revokeNonces(address,uint64[])",
	"domainSeparator()",
	"directiveDigest((bytes32,address,string,uint64,bytes))",
};

static void put_call(struct buf *to, size_t which)
{
	struct signed_directive one = directive_vector(0);
	uint64_t nonce = 7;

	switch (which) {
	case 0:
		verifier_execute(to, &one);
		break;
	case 1:
		verifier_execute_batch(to, &one, 1);
		break;
	case 2:
		verifier_is_nonce_used(to, &signer, nonce);
		break;
	case 3:
		verifier_nonces_used(to, &signer, &nonce, 1);
		break;
	case 4:
		verifier_nonce_bitmap(to, &signer, nonce);
		break;
	case 5:
		verifier_revoke_nonces(to, &signer, &nonce, 1);
		break;
	case 6:
		verifier_domain_separator(to);
		break;
	default:
		verifier_directive_digest(to, &one.d);
		break;
	}
}

START_TEST(selectors)
{
	SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);
	struct hash32 h;

	put_call(&call, (size_t)_i);
	ck_assert(buf_ok(&call) && call.n % 32 == 4);
	ck_bytes(((struct bytes){ call.p, 4 }), vec_0x(abi_file("functions"), calls[_i]));
	keccak256(bytes_of(calls[_i]), &h);
	ck_assert_mem_eq(call.p, h.b, 4);
}
END_TEST

/* Every function, event and error that the file names: are its selectors the hashes of its names? */
START_TEST(names_and_hashes)
{
	static const char *const members[] = { "functions", "events", "errors", "builtin_errors" };
	size_t checked = 0;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *names = abi_file(members[i]), *v;
		const char *name;

		json_object_foreach(names, name, v)
		{
			struct bytes want = evm_hex(json_string_value(v));
			struct hash32 h;

			keccak256(bytes_of(name), &h);
			ck_assert_uint_le(want.n, 32);
			ck_assert_mem_eq(h.b, want.p, want.n);
			checked++;
		}
	}
	ck_assert_uint_eq(checked, 16 + 3 + 7 + 2);
}
END_TEST

START_TEST(nonce_checks)
{
	json_t *list = abi_file("is_nonce_used_calls"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 5);
	json_array_foreach(list, i, v)
	{
		SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);
		json_t *args = json_object_get(v, "args");
		struct evm_address a;
		uint64_t nonce;
		struct hash32 word = { 0 };
		unsigned bit = (unsigned)vec_u64(v, "bitmap_bit");

		ck_ok(evm_address_parse(json_string_value(json_array_get(args, 0)), &a, &rerr));
		ck_assert(parse_u64(json_string_value(json_array_get(args, 1)), UINT64_MAX, &nonce));
		verifier_is_nonce_used(&call, &a, nonce);
		ck_bytes(buf_bytes(&call), vec_0x(v, "data"));
		ck_assert_uint_eq(nonce >> 8, vec_decimal(v, "bitmap_word"));
		ck_assert(!verifier_bitmap_has(&word, nonce));
		word.b[31 - bit / 8] = (uint8_t)(1u << (bit % 8));
		ck_assert(verifier_bitmap_has(&word, nonce));
		for (uint64_t other = 0; other < 256; other++)
			ck_assert_int_eq(verifier_bitmap_has(&word, other), other == bit);
	}
}
END_TEST

START_TEST(many_nonces)
{
	json_t *v = abi_file("nonces_used_call");
	static const uint64_t nonces[] = { 0, 7, 256 };
	SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);
	struct bytes result = vec_0x(v, "result_if_only_7_used");
	bool used[4];

	verifier_nonces_used(&call, &signer, nonces, 3);
	ck_bytes(buf_bytes(&call), vec_0x(v, "data"));
	ck_ok(verifier_nonces_used_result(result, used, 3, &rerr));
	ck_assert(!used[0] && used[1] && !used[2]);
	ck_fails(verifier_nonces_used_result(result, used, 2, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_nonces_used_result(result, used, 4, &rerr), ERR_PEER_INVALID);
	for (size_t n = 0; n < result.n; n++)
		ck_fails(verifier_nonces_used_result((struct bytes){ result.p, n }, used, 3, &rerr), ERR_PEER_INVALID);
}
END_TEST

/* revokeNonces has the arguments of noncesUsed. */
START_TEST(revocation)
{
	struct bytes like = vec_0x(abi_file("nonces_used_call"), "data");
	static const uint64_t nonces[] = { 0, 7, 256 };
	SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);

	verifier_revoke_nonces(&call, &signer, nonces, 3);
	ck_bytes(((struct bytes){ call.p + 4, call.n - 4 }), ((struct bytes){ like.p + 4, like.n - 4 }));
}
END_TEST

/* The directive in a batch of one stands behind the same words as alone. */
START_TEST(digest_call)
{
	struct signed_directive one = directive_vector(0);
	SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);
	SCOPED(buf) struct buf alone = BUF_CAP(CALL_MAX);
	size_t tuple;

	verifier_directive_digest(&call, &one.d);
	verifier_execute(&alone, &one);
	tuple = call.n - 4 - 32;
	ck_bytes(((struct bytes){ call.p + 36, tuple }), ((struct bytes){ alone.p + 68, tuple }));
	ck_assert_uint_eq(call.p[35], 32);
}
END_TEST

static struct bytes words(size_t n, ...)
{
	SCOPED(buf) struct buf b = BUF_CAP(1024);
	va_list ap;

	va_start(ap, n);
	for (size_t i = 0; i < n; i++) {
		uint8_t zeros[24] = { 0 };

		buf_add(&b, zeros, sizeof(zeros));
		buf_be64(&b, va_arg(ap, unsigned));
	}
	va_end(ap);
	return arena_bytes(&ra, buf_bytes(&b));
}

START_TEST(batch_results)
{
	enum verifier_outcome got[7];
	struct bytes all = words(9, 32u, 7u, 0u, 1u, 2u, 3u, 4u, 5u, 6u);

	ck_ok(verifier_batch_result(all, got, 7, &rerr));
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(got[i], i);
	ck_assert_int_eq(got[6], VERIFIER_OTHER);
	ck_ok(verifier_batch_result(words(3, 32u, 1u, 255u), got, 1, &rerr));
	ck_assert_int_eq(got[0], VERIFIER_OTHER);
	ck_fails(verifier_batch_result(words(3, 32u, 1u, 256u), got, 1, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_batch_result(words(3, 64u, 1u, 0u), got, 1, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_batch_result(words(3, 32u, 2u, 0u), got, 1, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_batch_result(words(4, 32u, 1u, 0u, 0u), got, 1, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_batch_result((struct bytes){ 0 }, got, 0, &rerr), ERR_PEER_INVALID);
	ck_ok(verifier_batch_result(words(2, 32u, 0u), got, 0, &rerr));
}
END_TEST

START_TEST(single_results)
{
	struct hash32 w = { { 7 } };
	bool used = true;

	ck_ok(verifier_bool_result(words(1, 0u), &used, &rerr));
	ck_assert(!used);
	ck_ok(verifier_bool_result(words(1, 1u), &used, &rerr));
	ck_assert(used);
	ck_fails(verifier_bool_result(words(1, 2u), &used, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_bool_result(words(2, 1u, 0u), &used, &rerr), ERR_PEER_INVALID);
	/* An address without code answers every call with nothing. */
	ck_fails(verifier_bool_result((struct bytes){ 0 }, &used, &rerr), ERR_PEER_INVALID);
	ck_assert(used);
	ck_fails(verifier_word_result((struct bytes){ 0 }, &w, &rerr), ERR_PEER_INVALID);
	ck_fails(verifier_word_result(words(2, 1u, 1u), &w, &rerr), ERR_PEER_INVALID);
	ck_assert_uint_eq(w.b[0], 7);
	ck_ok(verifier_word_result(words(1, 258u), &w, &rerr));
	ck_assert(w.b[0] == 0 && w.b[30] == 1 && w.b[31] == 2);
}
END_TEST

static struct verifier_revert revert_of(const char *hex)
{
	struct verifier_revert r;

	verifier_revert_decode(evm_hex(hex), &r);
	return r;
}

static struct verifier_revert recorded(const char *name)
{
	return revert_of(vec_str(abi_file("revert_data"), name));
}

static void check_text(const struct verifier_revert *r, const char *want)
{
	ck_assert_str_eq(verifier_revert_text(&ra, r), want);
}

START_TEST(refusals)
{
	struct verifier_revert r = recorded("NonceAlreadyUsed_7");

	ck_assert_uint_eq(json_object_size(abi_file("revert_data")), 5);
	ck_assert_int_eq(r.why, VERIFIER_NONCE_USED);
	ck_assert(evm_address_equal(&r.signer, &signer));
	ck_assert_uint_eq(r.nonce, 7);
	check_text(&r, "NonceAlreadyUsed(0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F, 7)");
	r = recorded("UnknownSigner");
	ck_assert_int_eq(r.why, VERIFIER_UNKNOWN_SIGNER);
	check_text(&r, "UnknownSigner(0x70997970C51812dc3A010C7d01b50e0d17dc79C8)");
	r = recorded("BadSignature");
	ck_assert_int_eq(r.why, VERIFIER_BAD_SIGNATURE);
	check_text(&r, "BadSignature()");
	r = recorded("UnsupportedAction");
	ck_assert_int_eq(r.why, VERIFIER_UNSUPPORTED_ACTION);
	ck_bytes(r.text, bytes_of("no_such_action"));
	check_text(&r, "UnsupportedAction(\"no_such_action\")");
	r = recorded("EffectFailed");
	ck_assert_int_eq(r.why, VERIFIER_EFFECT_FAILED);
	check_text(&r, "EffectFailed(0x6d7ca70191742d409f12d18b978d16eb2771f1ae2686f97ac918269ab8a9a8ac)");
}
END_TEST

/* Solidity's documentation encodes revert("Not enough Ether provided."); the panic is that of an overflow. */
START_TEST(builtin_refusals)
{
	struct verifier_revert r = revert_of("0x08c379a0"
					     "0000000000000000000000000000000000000000000000000000000000000020"
					     "000000000000000000000000000000000000000000000000000000000000001a"
					     "4e6f7420656e6f7567682045746865722070726f76696465642e000000000000");

	ck_assert_int_eq(r.why, VERIFIER_ERROR_TEXT);
	check_text(&r, "Error(\"Not enough Ether provided.\")");
	r = revert_of("0x4e487b710000000000000000000000000000000000000000000000000000000000000011");
	ck_assert_int_eq(r.why, VERIFIER_PANIC);
	check_text(&r, "Panic(0x0000000000000000000000000000000000000000000000000000000000000011)");
}
END_TEST

static const char *const others[] = {
	"",
	"a5a429",
	"a5a429c3",
	"a5a429c300000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8",
	/* a nonce above 64 bits, an address above 160 */
	"a5a429c300000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"
	"0000000000000000000000000000000000000000000000010000000000000007",
	"d7e8a2c200000000000000000000000170997970c51812dc3a010c7d01b50e0d17dc79c8",
	"5cd5d23300", /* too long */
	"0ec7217a6d7ca7",
	"ff633a38", /* LengthMismatch() */
	"30cd7471", /* NotOwner() */
	/* texts whose offset or length lies */
	"08c379a0000000000000000000000000000000000000000000000000000000000000004000000000000000000000000000000000"
	"00000000000000000000000000000000",
	"08c379a00000000000000000000000000000000000000000000000000000000000000020ffffffffffffffffffffffffffffffff"
	"ffffffffffffffffffffffffffffffff",
	"08c379a000000000000000000000000000000000000000000000000000000000000000200000000000000000000000000000000000"
	"000000000000000000000000000021ff",
};

START_TEST(other_refusals)
{
	struct verifier_revert r = revert_of(others[_i]);

	ck_assert_int_eq(r.why, VERIFIER_OTHER);
	ck_assert(evm_address_is_zero(&r.signer));
	ck_assert_uint_eq(r.nonce, 0);
	ck_assert_uint_eq(r.text.n, 0);
	check_text(&r, others[_i][0] == '\0' ? "reverted without a reason"
					     : arena_printf(&ra, "reverted with 0x%.160s%s", others[_i],
							    strlen(others[_i]) > 160 ? "..." : ""));
}
END_TEST

static void check_shown(const void *text, size_t n, const char *want)
{
	struct verifier_revert r = { .why = VERIFIER_ERROR_TEXT, .text = { text, n } };

	check_text(&r, want);
}

START_TEST(text_of_strangers_is_tamed)
{
	static const char moves[] = "a\x1b[2J\r\n\0b\x7f\xc2\x85\xff\xc3\xa9";
	char longest[400];
	const char *shown;

	check_shown(moves, sizeof(moves) - 1, "Error(\"a?[2J???b???\xc3\xa9\")");
	check_shown("", 0, "Error(\"\")");
	memset(longest, 'x', sizeof(longest));
	shown = verifier_revert_text(
		&ra, &(struct verifier_revert){ .why = VERIFIER_ERROR_TEXT, .text = { (uint8_t *)longest, 160 } });
	ck_assert_uint_eq(strlen(shown), 160 + strlen("Error(\"\")"));
	shown = verifier_revert_text(&ra, &(struct verifier_revert){ .why = VERIFIER_ERROR_TEXT,
								     .text = { (uint8_t *)longest, sizeof(longest) } });
	ck_assert_uint_eq(strlen(shown), 160 + strlen("Error(\"...\")"));
	/* A character of two bytes is not cut through. */
	for (size_t i = 0; i + 1 < sizeof(longest); i += 2) {
		longest[i] = (char)0xc3;
		longest[i + 1] = (char)0xa9;
	}
	longest[0] = 'x';
	longest[1] = 'y';
	memmove(longest + 1, longest + 2, sizeof(longest) - 2);
	shown = verifier_revert_text(
		&ra, &(struct verifier_revert){ .why = VERIFIER_ERROR_TEXT, .text = { (uint8_t *)longest, 301 } });
	ck_assert(utf8_valid(bytes_of(shown)));
	ck_assert_uint_eq(strlen(shown), 159 + strlen("Error(\"...\")"));
}
END_TEST

START_TEST(outcomes_have_names)
{
	for (int i = VERIFIER_DONE; i <= VERIFIER_OTHER; i++)
		for (int j = VERIFIER_DONE; j < i; j++)
			ck_assert_str_ne(verifier_outcome_name((enum verifier_outcome)i),
					 verifier_outcome_name((enum verifier_outcome)j));
	ck_assert_str_eq(verifier_outcome_name(VERIFIER_NONCE_USED), "nonce_used");
	ck_assert_str_eq(verifier_outcome_name(VERIFIER_OTHER), "other");
}
END_TEST

/* gas.json was measured with 96-byte payloads.  Its sizes are those of our calldata, no transaction was charged less than
 * the floor of one with hardly a zero in it, and a limit made of what one used is enough for it. */
START_TEST(measured_batches)
{
	json_t *list = json_object_get(vectors_load("evm/gas.json"), "measured"), *v;
	uint8_t payload[96];
	struct signed_directive *batch = ARENA_ARRAY(&ra, 200, struct signed_directive);
	size_t i, checked = 0;

	memset(payload, 0x11, sizeof(payload));
	for (i = 0; i < 200; i++) {
		batch[i].d = (struct directive){ .account = signer,
						 .action_key = "system_withdraw_token",
						 .nonce = i,
						 .payload = { payload, sizeof(payload) } };
		memset(batch[i].d.id_hash.b, 0xee, 32);
		memset(batch[i].sig.b, 0xee, 65);
	}
	json_array_foreach(list, i, v)
	{
		SCOPED(buf) struct buf call = BUF_CAP(CALL_MAX);
		uint64_t n, used, limit;

		if (json_object_get(v, "directives") == NULL) {
			ck_assert(evm_gas_limit(vec_u64(v, "single_executeDirective_first_in_word"), EVM_GAS_PERCENT,
						30000000, &limit));
			ck_assert_uint_eq(limit, 106680);
			continue;
		}
		n = vec_u64(v, "directives");
		used = vec_u64(v, "gas_used");
		verifier_execute_batch(&call, batch, n);
		ck_assert(buf_ok(&call));
		ck_assert_uint_eq(call.n, vec_u64(v, "calldata_bytes"));
		ck_assert_uint_eq(call.n, VERIFIER_BATCH_SIZE_EMPTY + n * verifier_batch_size_of(&batch[0].d));
		ck_assert_uint_le(evm_gas_floor(buf_bytes(&call)), used);
		ck_assert(evm_gas_limit(used, EVM_GAS_PERCENT, 30000000, &limit));
		ck_assert_uint_ge(limit, used);
		ck_assert_uint_ge(vec_u64(v, "per_directive"), used / n);
		checked++;
	}
	ck_assert_uint_eq(checked, 6);
}
END_TEST

START_TEST(a_full_buffer_says_so)
{
	struct signed_directive one = directive_vector(0);
	SCOPED(buf) struct buf call = BUF_CAP(100);

	verifier_execute_batch(&call, &one, 1);
	ck_assert(!buf_ok(&call));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/verifier");
	TCase *c = rails_case(s, "verifier");

	tcase_add_test(c, execute);
	tcase_add_test(c, execute_batch);
	tcase_add_loop_test(c, selectors, 0, ARRAY_LEN(calls));
	tcase_add_test(c, names_and_hashes);
	tcase_add_test(c, nonce_checks);
	tcase_add_test(c, many_nonces);
	tcase_add_test(c, revocation);
	tcase_add_test(c, digest_call);
	tcase_add_test(c, batch_results);
	tcase_add_test(c, single_results);
	tcase_add_test(c, refusals);
	tcase_add_test(c, builtin_refusals);
	tcase_add_loop_test(c, other_refusals, 0, ARRAY_LEN(others));
	tcase_add_test(c, text_of_strangers_is_tamed);
	tcase_add_test(c, outcomes_have_names);
	tcase_add_test(c, measured_batches);
	tcase_add_test(c, a_full_buffer_says_so);
	return suite_run(s);
}
