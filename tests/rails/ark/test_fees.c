/* Vectors: tests/vectors/ark/fees.json (every fee case of bark's lib/src/fees.rs, recomputed). */
#include "rails/ark/fees.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static struct sat sat_of(const json_t *v, const char *name)
{
	return (struct sat){ json_object_get(v, name) != NULL ? vec_u64(v, name) : 0 };
}

static uint64_t pair(const json_t *list, size_t i, size_t half)
{
	return (uint64_t)json_integer_value(json_array_get(json_array_get(list, i), half));
}

static struct ark_fee_table table_of(const json_t *v)
{
	const json_t *list = json_object_get(v, "table");
	struct ark_fee_row *rows = ARENA_ARRAY(&ra, json_array_size(list), struct ark_fee_row);

	for (size_t i = 0; i < json_array_size(list); i++)
		rows[i] = (struct ark_fee_row){ (uint32_t)pair(list, i, 0), pair(list, i, 1) };
	return (struct ark_fee_table){ rows, json_array_size(list) };
}

static struct ark_fee_coins coins_of(const json_t *v)
{
	const json_t *list = json_object_get(v, "vtxos");
	struct ark_fee_coin *coins = ARENA_ARRAY(&ra, json_array_size(list), struct ark_fee_coin);

	for (size_t i = 0; i < json_array_size(list); i++)
		coins[i] = (struct ark_fee_coin){ { pair(list, i, 0) }, (uint32_t)pair(list, i, 1) };
	return (struct ark_fee_coins){ coins, json_array_size(list) };
}

static int offboard_by(const json_t *v, struct ark_fee_coins coins, struct sat *ret)
{
	struct ark_offboard_fee f = { sat_of(v, "base_fee"), vec_u64(v, "fixed_additional_vb"), table_of(v) };
	struct ark_offboard o = { .amount = sat_of(v, "amount"), .script_len = vec_hex(v, "script").n };

	ck_assert(feerate_from_sat_per_kwu(vec_u64(v, "fee_rate_sat_per_kwu"), &o.rate));
	return ark_fee_offboard(&f, &o, coins, ret, &rerr);
}

static int table_by(const json_t *v, struct ark_fee_coins coins, struct sat *ret)
{
	struct ark_fee_table t = table_of(v);
	struct sat cap = { 0 };

	if (json_is_null(json_object_get(v, "chargeable")))
		return ark_fee_table_charge(&t, NULL, coins, ret, &rerr);
	cap = sat_of(v, "chargeable");
	return ark_fee_table_charge(&t, &cap, coins, ret, &rerr);
}

static int fee_by(const json_t *v, struct ark_fee_coins coins, struct sat *ret)
{
	const char *kind = vec_str(v, "kind");

	if (strcmp(kind, "board") == 0)
		return ark_fee_board(
			&(struct ark_board_fee){ sat_of(v, "min_fee"), sat_of(v, "base_fee"), vec_u64(v, "ppm") },
			sat_of(v, "amount"), ret, &rerr);
	if (strcmp(kind, "lightning_receive") == 0)
		return ark_fee_ln_receive(&(struct ark_ln_receive_fee){ sat_of(v, "base_fee"), vec_u64(v, "ppm") },
					  sat_of(v, "amount"), ret, &rerr);
	if (strcmp(kind, "lightning_send") == 0)
		return ark_fee_ln_send(
			&(struct ark_ln_send_fee){ sat_of(v, "min_fee"), sat_of(v, "base_fee"), table_of(v) },
			sat_of(v, "amount"), coins, ret, &rerr);
	if (strcmp(kind, "refresh") == 0)
		return ark_fee_refresh(&(struct ark_refresh_fee){ sat_of(v, "base_fee"), table_of(v) }, coins, ret,
				       &rerr);
	if (strcmp(kind, "offboard") == 0)
		return offboard_by(v, coins, ret);
	ck_assert_str_eq(kind, "ppm_expiry_table");
	return table_by(v, coins, ret);
}

START_TEST(vectors)
{
	json_t *cases = json_object_get(vectors_load("ark/fees.json"), "cases"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(cases), 27);
	json_array_foreach(cases, i, v)
	{
		struct ark_fee_coins coins = coins_of(v);
		struct ark_fee_coin *turned = ARENA_ARRAY(&ra, coins.n, struct ark_fee_coin);
		struct sat fee;

		ck_ok(fee_by(v, coins, &fee));
		ck_assert_uint_eq(fee.v, vec_u64(v, "expected"));
		for (size_t k = 0; k < coins.n; k++)
			turned[k] = coins.v[coins.n - 1 - k];
		ck_ok(fee_by(v, (struct ark_fee_coins){ turned, coins.n }, &fee));
		ck_assert_uint_eq(fee.v, vec_u64(v, "expected"));
	}
}
END_TEST

static void check_left(const json_t *v, int rc, struct sat left)
{
	const json_t *error = json_object_get(v, "error");

	if (error == NULL) {
		ck_ok(rc);
		ck_assert_uint_eq(left.v, vec_u64(v, "result"));
		return;
	}
	ck_fails(rc, strcmp(json_string_value(error), "FeeExceedsAmount") == 0 ? ERR_FEE : ERR_DUST);
}

START_TEST(subtract)
{
	json_t *all = vectors_load("ark/fees.json"), *v;
	json_t *plain = json_object_get(all, "subtract_fee"), *dust = json_object_get(all, "subtract_fee_min_dust");
	size_t i;

	ck_assert_uint_eq(json_array_size(plain), 3);
	ck_assert_uint_eq(json_array_size(dust), 4);
	json_array_foreach(plain, i, v)
	{
		struct sat left = { 0 };
		int rc = ark_fee_subtract(sat_of(v, "amount"), sat_of(v, "fee"), &left, &rerr);

		check_left(v, rc, left);
	}
	json_array_foreach(dust, i, v)
	{
		struct sat left = { 0 };
		int rc = ark_fee_subtract_dust(sat_of(v, "amount"), sat_of(v, "fee"), sat_of(v, "dust"), &left, &rerr);

		check_left(v, rc, left);
	}
}
END_TEST

START_TEST(refresh_without_base)
{
	static const struct ark_fee_row rows[] = { { 0, 1 }, { 10, 1000 } };
	static const struct ark_fee_coin coins[] = { { { 1 }, 9 }, { { 1000 }, 10 } };
	struct ark_refresh_fee f = { { 7 }, { rows, 2 } };
	struct sat fee;

	ck_ok(ark_fee_refresh_coins(&f, (struct ark_fee_coins){ coins, 2 }, &fee, &rerr));
	ck_assert_uint_eq(fee.v, 2); /* 1.000001 */
	ck_ok(ark_fee_refresh(&f, (struct ark_fee_coins){ coins, 2 }, &fee, &rerr));
	ck_assert_uint_eq(fee.v, 9);
	ck_ok(ark_fee_refresh(&f, (struct ark_fee_coins){ NULL, 0 }, &fee, &rerr));
	ck_assert_uint_eq(fee.v, 7);
}
END_TEST

START_TEST(time_left)
{
	ck_assert_uint_eq(ark_blocks_left(100, 99), 1);
	ck_assert_uint_eq(ark_blocks_left(100, 100), 0);
	ck_assert_uint_eq(ark_blocks_left(100, 101), 0);
}
END_TEST

/* What a hostile server can ask for: no sum wraps, each says that there is no such fee. */
START_TEST(absurd)
{
	static const struct ark_fee_row rows[] = { { 0, UINT64_MAX }, { 1, UINT64_MAX }, { 2, UINT64_MAX } };
	static const struct ark_fee_coin most[] = { { { AMOUNT_MAX }, 0 },
						    { { AMOUNT_MAX }, 1 },
						    { { AMOUNT_MAX }, 2 } };
	static const struct ark_fee_coin same[] = { { { AMOUNT_MAX }, 0 }, { { 1 }, 0 } };
	struct ark_fee_table t = { rows, 3 };
	struct sat max = { AMOUNT_MAX }, one = { 1 }, fee = { 77 };

	ck_fails(ark_fee_table_charge(&t, NULL, (struct ark_fee_coins){ most, 3 }, &fee, &rerr), ERR_FEE);
	ck_fails(ark_fee_table_charge(&t, NULL, (struct ark_fee_coins){ same, 2 }, &fee, &rerr), ERR_FEE);
	ck_fails(ark_fee_board(&(struct ark_board_fee){ .ppm = UINT64_MAX }, max, &fee, &rerr), ERR_FEE);
	ck_fails(ark_fee_board(&(struct ark_board_fee){ .base = max, .ppm = 1 }, one, &fee, &rerr), ERR_FEE);
	ck_fails(ark_fee_ln_receive(&(struct ark_ln_receive_fee){ .base = max, .ppm = 1 }, one, &fee, &rerr), ERR_FEE);
	ck_fails(ark_fee_ln_send(&(struct ark_ln_send_fee){ .base = max, .table = t }, one,
				 (struct ark_fee_coins){ most, 1 }, &fee, &rerr),
		 ERR_FEE);
	ck_fails(ark_fee_refresh(&(struct ark_refresh_fee){ .base = max, .table = t },
				 (struct ark_fee_coins){ same + 1, 1 }, &fee, &rerr),
		 ERR_FEE);
	ck_fails(ark_fee_offboard(&(struct ark_offboard_fee){ .fixed_vb = UINT64_MAX / 4 },
				  &(struct ark_offboard){ .rate = { 1 }, .script_len = 1 }, (struct ark_fee_coins){ 0 },
				  &fee, &rerr),
		 ERR_FEE);
	ck_fails(ark_fee_offboard(&(struct ark_offboard_fee){ .fixed_vb = UINT64_MAX },
				  &(struct ark_offboard){ .rate = { 1 }, .script_len = 1 }, (struct ark_fee_coins){ 0 },
				  &fee, &rerr),
		 ERR_FEE);
	ck_assert_uint_eq(fee.v, 77);
}
END_TEST

static const struct {
	struct ark_fee_row rows[3];
	bool good;
} schedules[] = {
	{ { { 0, 0 }, { 97, 1000 }, { 199, 4000 } }, true },
	{ { { 5, 7 }, { 5, 7 }, { 5, 7 } }, true },
	{ { { 0, 0 }, { 98, 1000 }, { 97, 4000 } }, false },
	{ { { 0, 2 }, { 97, 1 }, { 98, 4000 } }, false },
};

START_TEST(rows_in_order)
{
	struct ark_fee_table t = { schedules[_i].rows, 3 };
	struct ark_fees f[] = { { .offboard.table = t }, { .refresh.table = t }, { .ln_send.table = t } };
	static const char *const names[] = { "offboard", "refresh", "lightning_send" };

	for (size_t i = 0; i < ARRAY_LEN(f); i++) {
		if (schedules[_i].good) {
			ck_ok(ark_fees_check(&f[i], &rerr));
		} else {
			ck_fails(ark_fees_check(&f[i], &rerr), ERR_PEER_INVALID);
			ck_assert_str_eq(rerr.field, names[i]);
		}
	}
}
END_TEST

START_TEST(too_many_rows)
{
	struct ark_fee_row *rows = ARENA_ARRAY(&ra, ARK_FEE_ROWS_MAX + 1, struct ark_fee_row);
	struct ark_fees f = { .refresh.table = { rows, ARK_FEE_ROWS_MAX } };
	struct sat fee;

	ck_ok(ark_fees_check(&f, &rerr));
	f.refresh.table.n++;
	ck_fails(ark_fee_refresh(&f.refresh, (struct ark_fee_coins){ NULL, 0 }, &fee, &rerr), ERR_PEER_INVALID);
	ck_fails(ark_fees_check(&f, &rerr), ERR_PEER_INVALID);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/fees");
	TCase *c = rails_case(s, "fees");

	tcase_add_test(c, vectors);
	tcase_add_test(c, subtract);
	tcase_add_test(c, refresh_without_base);
	tcase_add_test(c, time_left);
	tcase_add_test(c, absurd);
	tcase_add_loop_test(c, rows_in_order, 0, ARRAY_LEN(schedules));
	tcase_add_test(c, too_many_rows);
	return suite_run(s);
}
