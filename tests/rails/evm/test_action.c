#include "rails/evm/action.h"

#include <string.h>

#include "rails/evm/directive.h"
#include "rails/evm/keccak.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

#define ZEROS_15 "000000000000000000000000000000"
#define ZEROS_31 ZEROS_15 ZEROS_15 "00"
#define ADDRESS  "00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"
#define DIRTY    "00000000000000000000000170997970c51812dc3a010c7d01b50e0d17dc79c8" /* more than an address */
#define ONES     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ZERO     ZEROS_31 "00"
#define ONE      ZEROS_31 "01"
#define TWO      ZEROS_31 "02"
#define U8       ZEROS_31 "ff"
#define U9       ZEROS_15 ZEROS_15 "0100"
#define U32      "00000000000000000000000000000000000000000000000000000000ffffffff"
#define U33      "0000000000000000000000000000000000000000000000000000000100000000"
#define U64      "000000000000000000000000000000000000000000000000ffffffffffffffff"
#define U65      "0000000000000000000000000000000000000000000000010000000000000000"
#define U128     "00000000000000000000000000000000ffffffffffffffffffffffffffffffff"
#define U129     "0000000000000000000000000000000100000000000000000000000000000000"

static const struct {
	const char *key, *payload;
	bool ok;
} payloads[] = {
	{ "system_withdraw_token", ADDRESS ADDRESS ONES, true },
	{ "system_withdraw_token", ADDRESS ADDRESS ZERO, true },
	{ "system_withdraw_token", DIRTY ADDRESS ONE, false },
	{ "system_withdraw_token", ADDRESS DIRTY ONE, false },
	{ "system_withdraw_token", "", false },
	{ "system_withdraw_token", "010203", false },
	{ "system_withdraw_token", ADDRESS ADDRESS, false },
	{ "system_withdraw_token", ADDRESS ADDRESS ONE "00", false },
	{ "system_withdraw_token", ADDRESS ADDRESS ONE ONE, false },
	{ "system_credit_option", ONES ADDRESS ONES, true },
	{ "system_credit_option", ONES DIRTY ONE, false },
	{ "system_credit_option", ONES ONES ONES, false },
	{ "system_credit_option", "", false },
	{ "system_credit_option", ONES ADDRESS, false },
	{ "system_credit_option", ONES ADDRESS ONE ONE, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U64 ZERO U8 U128, true },
	{ "rsm_hl_limit_order", ZERO ZERO ZERO ZERO ZERO ZERO ZERO, true },
	{ "rsm_hl_limit_order", U33 ONE U64 U64 ZERO U8 U128, false },
	{ "rsm_hl_limit_order", U32 TWO U64 U64 ZERO U8 U128, false },
	{ "rsm_hl_limit_order", U32 ONES U64 U64 ZERO U8 U128, false },
	{ "rsm_hl_limit_order", U32 ONE U65 U64 ZERO U8 U128, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U65 ZERO U8 U128, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U64 TWO U8 U128, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U64 ZERO U9 U128, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U64 ZERO U8 U129, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U64 ZERO U8, false },
	{ "rsm_hl_limit_order", U32 ONE U64 U64 ZERO U8 U128 ZERO, false },
	{ "rsm_hl_limit_order", "", false },
};

START_TEST(shapes)
{
	const struct evm_action *action = evm_action_find(payloads[_i].key);

	ck_assert_ptr_nonnull(action);
	if (payloads[_i].ok) {
		ck_ok(action->validate(evm_hex(payloads[_i].payload), &rerr));
		return;
	}
	ck_fails(action->validate(evm_hex(payloads[_i].payload), &rerr), ERR_PARAM);
	ck_assert_str_eq(rerr.field, "payload");
}
END_TEST

START_TEST(registry)
{
	size_t n, withdrawals = 0;
	struct hash32 hash;
	const struct evm_action *all = evm_actions(&n);

	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++) {
		ck_assert_ptr_eq(evm_action_find(all[i].key), &all[i]);
		ck_assert_uint_eq(strspn(all[i].key, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(all[i].key));
		ck_assert_uint_le(strlen(all[i].key), DIRECTIVE_KEY_MAX);
		ck_assert_uint_eq(all[i].max_payload, DIRECTIVE_PAYLOAD_MAX);
		keccak256(bytes_of(all[i].key), &hash);
		ck_hash(&all[i].key_hash, &hash);
		withdrawals += all[i].withdrawal;
	}
	ck_assert_uint_eq(withdrawals, 2);
	ck_assert(!evm_action_find("rsm_hl_limit_order")->withdrawal);
}
END_TEST

/* Signed by users themselves, or not known to anybody. */
START_TEST(not_registered)
{
	static const char *const keys[] = { "",
					    "hl_limit_order",
					    "hl_cancel_by_oid",
					    "hl_send_asset",
					    "hc_update_api_wallet",
					    "System_withdraw_token",
					    "system_withdraw_token ",
					    "system_withdraw" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ck_assert_ptr_null(evm_action_find(keys[i]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/action");
	TCase *c = rails_case(s, "actions");

	tcase_add_loop_test(c, shapes, 0, ARRAY_LEN(payloads));
	tcase_add_test(c, registry);
	tcase_add_test(c, not_registered);
	return suite_run(s);
}
