/* The logs are those that a node recorded of the contract in tests/contracts: every kind of them in
 * tests/vectors/evm/evm_exchanges.json, by hand.  Ids and digests are those of eip712_directive.json. */
#include "rails/evm/verifier_log.h"

#include <string.h>

#include "rails/evm/abi.h"
#include "rails/evm/address.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

#define EXECUTED    "b3056cb3ddf4d31af8c29438f4ab9e510c21d37ca1d04b43705de3613207c7e8"
#define SKIPPED     "47e27e9ba80b5aae5c100ad05cd1615f9a4e4c9271de132512bddf639003fd91"
#define REVOKED     "bc5d0ad34ec473987505e836ce0a21aa425ef919bf0e2f4274e234a692704c69"
#define SIGNER_SET  "fc4acb499491cd850a8a21ab98c7f128850c0f0e5f1a875a62b7fa055c2ecf19"
#define ACTION_SET  "fe15f693178c4da8c3550b7a97b245fe94b994f3ec97f3dba0c0a7385908491f"
#define DIRECTIVE_1 "9ac479343c94976c6f2bae7710c6607f406012277335ec9bdb9111c07e3e25e9"
#define REFUSED     "6d7ca70191742d409f12d18b978d16eb2771f1ae2686f97ac918269ab8a9a8ac"
#define HIGHEST     "b3e4a8b42cc6ca791003100de208bf7bf23de2da2db3cb17f74c4327c6fe24d9"
#define SIGNER      "0000000000000000000000006b7d98d0c96004f367468f2ac37dbf6e660e8a0f"
#define STRANGER    "000000000000000000000000b1f5132fc3c9605f76ff7081ac0ee22d96bbc275"
#define ACCOUNT     "00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"
#define DIGEST      "9765163df99f52cb0524f194abc23c722a713279cf8f8d40da4f12356be89957"
#define ZEROS_15    "000000000000000000000000000000"
#define ZEROS_31    ZEROS_15 ZEROS_15 "00"
#define NONCE_7     ZEROS_31 "07"
#define NONCE_10    ZEROS_31 "0a"
#define NONCE_11    ZEROS_31 "0b"
#define NONCE_MAX   "0000000000000000000000000000000000000000000000007fffffffffffffff"
#define CODE_1      ZEROS_31 "01"
#define CODE_3      ZEROS_31 "03"
#define CODE_5      ZEROS_31 "05"

static int decode(const char *const topics[4], const char *data, struct verifier_log *ret)
{
	struct hash32 list[4];
	size_t n = 0;

	for (; n < 4 && topics[n] != NULL; n++)
		hex_to(topics[n], list[n].b, sizeof(list[n].b));
	return verifier_log_decode(list, n, evm_hex(data), ret, &rerr);
}

START_TEST(executed)
{
	const char *topics[4] = { EXECUTED, DIRECTIVE_1, SIGNER, NONCE_7 };
	json_t *v = json_array_get(json_object_get(vectors_load("evm/eip712_directive.json"), "vectors"), 0);
	struct hash32 digest = vec_hash(v, "digest"), id;
	struct evm_address account = vec_address(v, "account"), signer = vec_address(v, "signer");
	struct verifier_log log;

	ck_ok(decode(topics, ACCOUNT DIGEST, &log));
	ck_assert_int_eq(log.event, VERIFIER_EXECUTED);
	directive_id_hash(vec_str(v, "directive_id"), &id);
	ck_hash(&log.directive_id, &id);
	ck_hash(&log.digest, &digest);
	ck_assert(evm_address_equal(&log.account, &account));
	ck_assert(evm_address_equal(&log.signer, &signer));
	ck_assert_uint_eq(log.nonce, 7);
}
END_TEST

static const struct {
	const char *topics[4];
	const char *data;
	enum verifier_outcome reason;
	uint64_t nonce;
} skips[] = {
	{ { SKIPPED, DIRECTIVE_1, SIGNER, NONCE_7 }, CODE_1, VERIFIER_NONCE_USED, 7 },
	{ { SKIPPED, REFUSED, SIGNER, NONCE_11 }, CODE_5, VERIFIER_EFFECT_FAILED, 11 },
	{ { SKIPPED, HIGHEST, STRANGER, NONCE_MAX }, CODE_3, VERIFIER_UNKNOWN_SIGNER, INT64_MAX },
	{ { SKIPPED, REFUSED, SIGNER, NONCE_11 }, ZEROS_31 "06", VERIFIER_OTHER, 11 },
	{ { SKIPPED, REFUSED, SIGNER, NONCE_11 }, ZEROS_31 "ff", VERIFIER_OTHER, 11 },
};

START_TEST(skipped)
{
	struct verifier_log log;
	struct hash32 id;

	ck_ok(decode(skips[_i].topics, skips[_i].data, &log));
	ck_assert_int_eq(log.event, VERIFIER_SKIPPED);
	ck_assert_int_eq(log.reason, skips[_i].reason);
	ck_assert_uint_eq(log.nonce, skips[_i].nonce);
	hex_to(skips[_i].topics[1], id.b, sizeof(id.b));
	ck_hash(&log.directive_id, &id);
}
END_TEST

START_TEST(revoked)
{
	const char *topics[4] = { REVOKED, SIGNER, NONCE_10 };
	struct verifier_log log;
	struct hash32 w;

	ck_ok(decode(topics, "", &log));
	ck_assert_int_eq(log.event, VERIFIER_REVOKED);
	ck_assert_uint_eq(log.nonce, 10);
	w = abi_word_address(&log.signer);
	ck_bytes(((struct bytes){ w.b, 32 }), evm_hex(SIGNER));
}
END_TEST

static const struct {
	const char *topics[4];
	const char *data;
} foreign[] = {
	{ { NULL }, "" },
	{ { NULL }, ACCOUNT DIGEST },
	{ { SIGNER_SET, SIGNER }, CODE_1 },
	{ { ACTION_SET }, NONCE_7 CODE_1 },
	{ { DIRECTIVE_1, EXECUTED, SIGNER, NONCE_7 }, ACCOUNT DIGEST },
};

START_TEST(unrelated)
{
	struct verifier_log log = { .event = VERIFIER_REVOKED };

	ck_ok(decode(foreign[_i].topics, foreign[_i].data, &log));
	ck_assert_int_eq(log.event, VERIFIER_UNRELATED);
}
END_TEST

static const struct {
	const char *topics[4];
	const char *data;
} broken[] = {
	{ { EXECUTED }, ACCOUNT DIGEST },
	{ { EXECUTED, DIRECTIVE_1, SIGNER }, ACCOUNT DIGEST },
	{ { EXECUTED, DIRECTIVE_1, SIGNER, NONCE_7 }, "" },
	{ { EXECUTED, DIRECTIVE_1, SIGNER, NONCE_7 }, ACCOUNT },
	{ { EXECUTED, DIRECTIVE_1, SIGNER, NONCE_7 }, ACCOUNT DIGEST "00" },
	{ { EXECUTED, DIRECTIVE_1, SIGNER, NONCE_7 }, DIGEST DIGEST },
	{ { EXECUTED, DIRECTIVE_1, DIGEST, NONCE_7 }, ACCOUNT DIGEST },
	{ { EXECUTED, DIRECTIVE_1, SIGNER, DIGEST }, ACCOUNT DIGEST },
	{ { SKIPPED, DIRECTIVE_1, SIGNER, NONCE_7 }, "" },
	{ { SKIPPED, DIRECTIVE_1, SIGNER, NONCE_7 }, ZEROS_31 "00" }, /* skipped for being done */
	{ { SKIPPED, DIRECTIVE_1, SIGNER, NONCE_7 }, ZEROS_15 ZEROS_15 "0101" },
	{ { SKIPPED, DIRECTIVE_1, SIGNER, NONCE_7 }, CODE_1 CODE_1 },
	{ { SKIPPED, SIGNER, NONCE_7 }, CODE_1 },
	{ { REVOKED, SIGNER }, "" },
	{ { REVOKED, SIGNER, NONCE_10, NONCE_10 }, "" },
	{ { REVOKED, SIGNER, NONCE_10 }, NONCE_10 },
	{ { REVOKED, DIGEST, NONCE_10 }, "" },
	{ { REVOKED, SIGNER, DIGEST }, "" },
};

START_TEST(not_of_its_shape)
{
	struct verifier_log log = { .nonce = 77 };

	ck_fails(decode(broken[_i].topics, broken[_i].data, &log), ERR_PEER_INVALID);
	ck_assert_uint_eq(log.nonce, 77);
}
END_TEST

START_TEST(topics)
{
	static const struct {
		const char *name;
		const struct hash32 *topic;
	} all[] = {
		{ "DirectiveExecuted(bytes32,address,uint64,address,bytes32)", &verifier_topic_executed },
		{ "DirectiveSkipped(bytes32,address,uint64,uint8)", &verifier_topic_skipped },
		{ "NonceRevoked(address,uint64)", &verifier_topic_revoked },
	};
	json_t *events = json_object_get(vectors_load("evm/abi.json"), "events");

	ck_assert_uint_eq(json_object_size(events), ARRAY_LEN(all));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct hash32 want = vec_hash(events, all[i].name);

		ck_hash(all[i].topic, &want);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/verifier_log");
	TCase *c = rails_case(s, "logs");

	tcase_add_test(c, executed);
	tcase_add_loop_test(c, skipped, 0, ARRAY_LEN(skips));
	tcase_add_test(c, revoked);
	tcase_add_loop_test(c, unrelated, 0, ARRAY_LEN(foreign));
	tcase_add_loop_test(c, not_of_its_shape, 0, ARRAY_LEN(broken));
	tcase_add_test(c, topics);
	return suite_run(s);
}
