#include "store/mint_store.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define V2_ID  "01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define V2_ID2 "01aaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct scratch scratch;

static void setup(void)
{
	scratch_open(&scratch);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static int mints(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct mint_row row = { .url = "https://a", .trusted = true, .dleq = true, .added_at_ms = 10 }, got, *all;
	int64_t first, second, again;
	size_t n;

	(void)ctx;
	OK(mint_store_list(unit_view(u), &a, 0, 100, &all, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(mint_store_add(u, &row, &first, err));
	row = (struct mint_row){ .url = "https://b",
				 .name = "B",
				 .quote_locks = true,
				 .quote_legacy = true,
				 .info = "{}",
				 .added_at_ms = 20,
				 .synced_at_ms = 30,
				 .trouble = "timeout",
				 .trouble_since_ms = 25 };
	OK(mint_store_add(u, &row, &second, err));
	FAILS(mint_store_add(u, &row, &again, err), ERR_EXISTS);

	OK(mint_store_by_url(unit_view(u), &a, "https://b", &got, err));
	ck_assert_int_eq(got.id, second);
	ck_assert_str_eq(got.name, "B");
	ck_assert(!got.trusted && !got.dleq && got.quote_locks && got.quote_legacy);
	ck_assert_str_eq(got.info, "{}");
	ck_assert_int_eq(got.added_at_ms, 20);
	ck_assert_int_eq(got.synced_at_ms, 30);
	ck_assert_str_eq(got.trouble, "timeout");
	ck_assert_int_eq(got.trouble_since_ms, 25);
	OK(mint_store_by_id(unit_view(u), &a, first, &got, err));
	ck_assert_str_eq(got.url, "https://a");
	ck_assert_ptr_null(got.name);
	ck_assert_ptr_null(got.info);
	ck_assert_ptr_null(got.trouble);
	ck_assert(got.trusted && got.dleq && !got.quote_locks && !got.quote_legacy);

	/* Everything but id, url and time of adding. */
	got.url = "https://elsewhere";
	got.added_at_ms = 99;
	got.name = "A";
	got.dleq = false;
	got.quote_locks = true;
	got.synced_at_ms = 40;
	OK(mint_store_update(u, &got, err));
	OK(mint_store_list(unit_view(u), &a, 0, 100, &all, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(all[0].url, "https://a");
	ck_assert_str_eq(all[0].name, "A");
	ck_assert(all[0].trusted && !all[0].dleq && all[0].quote_locks && !all[0].quote_legacy);
	ck_assert_int_eq(all[0].added_at_ms, 10);
	ck_assert_int_eq(all[0].synced_at_ms, 40);
	ck_assert_str_eq(all[1].url, "https://b");

	got.id = 99;
	FAILS(mint_store_update(u, &got, err), ERR_MINT_UNKNOWN);
	FAILS(mint_store_set_trouble(u, 99, NULL, 0, err), ERR_MINT_UNKNOWN);
	FAILS(mint_store_by_id(unit_view(u), &a, 99, &got, err), ERR_MINT_UNKNOWN);
	FAILS(mint_store_by_url(unit_view(u), &a, "https://c", &got, err), ERR_MINT_UNKNOWN);
	return 0;
}

START_TEST(rows_of_mints)
{
	scratch_unit(&scratch, mints, NULL);
}
END_TEST

static int trouble(struct unit *u, void *ctx, struct err *err)
{
	static const struct {
		const char *kind;
		int64_t at_ms, since_ms;
	} steps[] = {
		{ "timeout", 100, 100 }, { "timeout", 200, 100 }, { "peer_unavailable", 300, 100 },
		{ NULL, 400, 0 },        { NULL, 500, 0 },        { "timeout", 600, 600 },
	};
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int64_t id = scratch_mint(u, "https://a");
	struct mint_row got;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		OK(mint_store_set_trouble(u, id, steps[i].kind, steps[i].at_ms, err));
		OK(mint_store_by_id(unit_view(u), &a, id, &got, err));
		ck_assert_pstr_eq(got.trouble, steps[i].kind);
		ck_assert_int_eq(got.trouble_since_ms, steps[i].since_ms);
	}
	return 0;
}

START_TEST(trouble_has_a_beginning)
{
	scratch_unit(&scratch, trouble, NULL);
}
END_TEST

static int limits(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int64_t one = scratch_mint(u, "https://a"), other = scratch_mint(u, "https://b");
	struct mint_limit_row row = { .unit = { "usd" }, .bounded = true, .max = INT64_MAX }, *got;
	size_t n;

	(void)ctx;
	OK(mint_store_limits(unit_view(u), &a, one, &got, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(mint_store_limit_set(u, one, &row, err));
	row = (struct mint_limit_row){ .unit = { "sat" }, .bounded = true };
	OK(mint_store_limit_set(u, one, &row, err));
	OK(mint_store_limits(unit_view(u), &a, one, &got, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(got[0].unit.s, "sat");
	ck_assert(got[0].bounded && got[0].max == 0);
	ck_assert_str_eq(got[1].unit.s, "usd");
	ck_assert(got[1].bounded && got[1].max == INT64_MAX);

	row.bounded = false;
	OK(mint_store_limit_set(u, one, &row, err));
	OK(mint_store_limit_drop(u, one, (struct currency){ "usd" }, err));
	OK(mint_store_limit_drop(u, one, (struct currency){ "eur" }, err));
	OK(mint_store_limits(unit_view(u), &a, one, &got, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert(!got[0].bounded);
	OK(mint_store_limits(unit_view(u), &a, other, &got, &n, err));
	ck_assert_uint_eq(n, 0);
	return 0;
}

START_TEST(limits_are_kept)
{
	scratch_unit(&scratch, limits, NULL);
}
END_TEST

static struct keyset_key keys[CASHU_KEYS_MAX + 1];

/* A keyset with n keys of 1, 2, 4 … */
static struct keyset keyset_of(const char *id, size_t n)
{
	struct keyset ks = { .unit = { "sat" }, .active = true, .input_fee_ppk = 100, .keys = keys, .n_keys = n };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		keys[i] = (struct keyset_key){ UINT64_C(1) << (i % 64), { { 2, (uint8_t)i } } };
	snprintf(ks.id.s, sizeof(ks.id.s), "%s", id);
	return ks;
}

static int keysets(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	int64_t first = scratch_mint(u, "https://a"), second = scratch_mint(u, "https://b");
	struct keyset v1 = keyset_of("00bbbbbbbbbbbbbb", 64), v2 = keyset_of(V2_ID, 3), got, *all;
	struct keyset others = keyset_of("00cccccccccccccc", 1);
	size_t n;

	(void)ctx;
	v2.final_expiry_s = 2000000000;
	v2.active = false;
	OK(keyset_store_put(u, first, &v2, -1, err));
	OK(keyset_store_put(u, first, &v1, 123, err));
	OK(keyset_store_put(u, second, &others, 124, err));

	OK(keyset_store_get(unit_view(u), &a, first, &v1.id, &got, err));
	ck_assert_str_eq(got.id.s, v1.id.s);
	ck_assert_str_eq(got.unit.s, "sat");
	ck_assert(got.active);
	ck_assert_uint_eq(got.input_fee_ppk, 100);
	ck_assert_int_eq(got.final_expiry_s, 0);
	ck_assert_uint_eq(got.n_keys, 64);
	for (size_t i = 0; i < 64; i++) {
		ck_assert_uint_eq(got.keys[i].amount, UINT64_C(1) << i);
		ck_assert(pubkey_equal(&got.keys[i].key, &keys[i].key));
	}
	OK(keyset_store_get(unit_view(u), &a, first, &v2.id, &got, err));
	ck_assert(!got.active);
	ck_assert_int_eq(got.final_expiry_s, 2000000000);

	OK(keyset_store_list(unit_view(u), &a, first, &all, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(all[0].id.s, v1.id.s);
	ck_assert_str_eq(all[1].id.s, v2.id.s);
	ck_assert_uint_eq(all[1].n_keys, 3);

	/* Put again as a listing has it, without keys; one that is listed no more. */
	v2.active = true;
	v2.keys = NULL;
	v2.n_keys = 0;
	all[0].active = false;
	OK(keyset_store_put(u, first, &all[0], 123, err));
	OK(keyset_store_put(u, first, &v2, -1, err));
	OK(keyset_store_list(unit_view(u), &a, first, &all, &n, err));
	ck_assert(!all[0].active && all[1].active);
	ck_assert_uint_eq(all[1].n_keys, 3);
	OK(keyset_store_get(unit_view(u), &a, second, &others.id, &got, err));
	ck_assert(got.active); /* the other mint's is as it was */
	FAILS(keyset_store_get(unit_view(u), &a, first, &others.id, &got, err), ERR_KEYSET_UNKNOWN);

	FAILS(keyset_store_get(unit_view(u), &a, first, &(struct keyset_id){ "00dddddddddddddd" }, &got, err),
	      ERR_KEYSET_UNKNOWN);
	return 0;
}

START_TEST(rows_of_keysets)
{
	scratch_unit(&scratch, keysets, NULL);
}
END_TEST

/* Putting one of these after v1 "00bb…" (kid 123) and v2, both of mint 1. */
static const struct {
	const char *name, *id;
	bool elsewhere;   /* at the other mint */
	const char *unit; /* or NULL: sat */
	uint64_t fee;
	int64_t expiry_s, kid_int;
	size_t n_keys;
	int change_key; /* -1: none */
	enum err_code refused;
} put_cases[] = {
	{ "the same", "00bbbbbbbbbbbbbb", false, NULL, 100, 0, 123, 3, -1, ERR_NONE },
	{ "v1, another fee", "00bbbbbbbbbbbbbb", false, NULL, 200, 0, 123, 3, -1, ERR_NONE },
	{ "v1, another expiry", "00bbbbbbbbbbbbbb", false, NULL, 100, 99, 123, 3, -1, ERR_NONE },
	{ "v1, without keys", "00bbbbbbbbbbbbbb", false, NULL, 100, 0, 123, 0, -1, ERR_NONE },
	{ "v1, another key", "00bbbbbbbbbbbbbb", false, NULL, 100, 0, 123, 3, 1, ERR_PEER_INVALID },
	{ "v1, a key more", "00bbbbbbbbbbbbbb", false, NULL, 100, 0, 123, 4, -1, ERR_PEER_INVALID },
	{ "v1, a key less", "00bbbbbbbbbbbbbb", false, NULL, 100, 0, 123, 2, -1, ERR_PEER_INVALID },
	{ "v1, another unit", "00bbbbbbbbbbbbbb", false, "usd", 100, 0, 123, 3, -1, ERR_PEER_INVALID },
	{ "v1, at another address", "00bbbbbbbbbbbbbb", true, NULL, 100, 0, 123, 3, -1, ERR_NONE },
	{ "v1, another key at another mint", "00bbbbbbbbbbbbbb", true, NULL, 100, 0, 123, 3, 1, ERR_PEER_INVALID },
	{ "v1, another unit at another mint", "00bbbbbbbbbbbbbb", true, "usd", 100, 0, 123, 3, -1, ERR_PEER_INVALID },
	{ "v2, the same", V2_ID, false, NULL, 100, 0, -1, 3, -1, ERR_NONE },
	{ "v2, another fee", V2_ID, false, NULL, 200, 0, -1, 3, -1, ERR_PEER_INVALID },
	{ "v2, another expiry", V2_ID, false, NULL, 100, 99, -1, 3, -1, ERR_PEER_INVALID },
	{ "v2, another fee, without keys", V2_ID, false, NULL, 200, 0, -1, 0, -1, ERR_PEER_INVALID },
	{ "v2, at another address", V2_ID, true, NULL, 100, 0, -1, 3, -1, ERR_NONE },
	{ "new v1", "00cccccccccccccc", false, NULL, 100, 0, 124, 3, -1, ERR_NONE },
	{ "new v1 of the same number", "00cccccccccccccc", false, NULL, 100, 0, 123, 3, -1, ERR_EXISTS },
	{ "of the same number, at another mint", "00cccccccccccccc", true, NULL, 100, 0, 123, 3, -1, ERR_EXISTS },
	{ "new v2", V2_ID2, true, NULL, 100, 0, -1, 3, -1, ERR_NONE },
	{ "new, without keys", "00cccccccccccccc", false, NULL, 100, 0, 124, 0, -1, ERR_PEER_INVALID },
	{ "new, too many keys", "00cccccccccccccc", false, NULL, 100, 0, 124, CASHU_KEYS_MAX + 1, -1,
	  ERR_PEER_INVALID },
	{ "a fee that cannot be counted", "00bbbbbbbbbbbbbb", false, NULL, UINT64_MAX, 0, 123, 3, -1,
	  ERR_PEER_INVALID },
};

static int put_case(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int i = *(int *)ctx;
	int64_t first = scratch_mint(u, "https://a"), second = scratch_mint(u, "https://b");
	struct keyset v1 = keyset_of("00bbbbbbbbbbbbbb", 3), v2 = keyset_of(V2_ID, 3);
	struct keyset ks = keyset_of(put_cases[i].id, put_cases[i].n_keys), got;

	OK(keyset_store_put(u, first, &v1, 123, err));
	OK(keyset_store_put(u, first, &v2, -1, err));
	if (put_cases[i].unit)
		snprintf(ks.unit.s, sizeof(ks.unit.s), "%s", put_cases[i].unit);
	if (put_cases[i].n_keys == 0)
		ks.keys = NULL;
	if (put_cases[i].change_key >= 0)
		keys[put_cases[i].change_key].key.b[1] ^= 1;
	ks.input_fee_ppk = put_cases[i].fee;
	ks.final_expiry_s = put_cases[i].expiry_s;
	ks.active = false;
	if (put_cases[i].refused) {
		FAILS(keyset_store_put(u, put_cases[i].elsewhere ? second : first, &ks, put_cases[i].kid_int, err),
		      put_cases[i].refused);
		OK(keyset_store_get(unit_view(u), &a, first, &v1.id, &got, err));
		ck_assert(got.active && got.input_fee_ppk == 100 && got.final_expiry_s == 0);
		return 0;
	}
	OK(keyset_store_put(u, put_cases[i].elsewhere ? second : first, &ks, put_cases[i].kid_int, err));
	OK(keyset_store_get(unit_view(u), &a, put_cases[i].elsewhere ? second : first, &ks.id, &got, err));
	ck_assert(!got.active);
	ck_assert_uint_eq(got.n_keys, 3);
	ck_assert_uint_eq(got.input_fee_ppk, put_cases[i].fee);
	ck_assert_int_eq(got.final_expiry_s, put_cases[i].expiry_s);
	return 0;
}

START_TEST(put_table)
{
	int i = _i;

	scratch_unit(&scratch, put_case, &i);
}
END_TEST

static const struct {
	const char *name, *short_id;
	unsigned n;
} shorts[] = {
	{ "of two mints", "01aaaaaaaaaaaaaa", 2 },         { "listed by both", "00bbbbbbbbbbbbbb", 1 },
	{ "a longer beginning", "01aaaaaaaaaaaaaabb", 1 }, { "nobody's", "01cccccccccccccc", 0 },
	{ "just before", "01aaaaaaaaaaaaa9", 0 },
};

static int short_case(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int i = *(int *)ctx;
	int64_t first = scratch_mint(u, "https://a"), second = scratch_mint(u, "https://b");
	struct keyset one = keyset_of(V2_ID, 1), two = keyset_of(V2_ID2, 1), three = keyset_of("00bbbbbbbbbbbbbb", 1);
	struct keyset_id *ids;
	size_t n;

	OK(keyset_store_put(u, first, &one, -1, err));
	OK(keyset_store_put(u, second, &two, -1, err));
	OK(keyset_store_put(u, first, &three, 1, err));
	OK(keyset_store_put(u, second, &three, 1, err));
	OK(keyset_store_alike(unit_view(u), &a, shorts[i].short_id, &ids, &n, err));
	ck_assert_msg(n == shorts[i].n, "%s", shorts[i].name);
	for (size_t k = 0; k < n; k++)
		ck_assert(strncmp(ids[k].s, shorts[i].short_id, strlen(shorts[i].short_id)) == 0);
	return 0;
}

START_TEST(short_table)
{
	int i = _i;

	scratch_unit(&scratch, short_case, &i);
}
END_TEST

static int damaged(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct keyset got, *all;
	size_t n;

	(void)ctx;
	FAILS(keyset_store_get(unit_view(u), &a, 1, &(struct keyset_id){ V2_ID }, &got, err), ERR_STORAGE_CORRUPT);
	FAILS(keyset_store_list(unit_view(u), &a, 1, &all, &n, err), ERR_STORAGE_CORRUPT);
	return 0;
}

/* What a stranger can make us keep has an end. */
static int too_many(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024 * 1024);
	int64_t id = scratch_mint(u, "https://a"), other = scratch_mint(u, "https://b");
	struct keyset ks = keyset_of(V2_ID, 1);
	struct mint_row row = { .info = "{}" }, *all;
	char name[80];
	size_t n;

	(void)ctx;
	for (unsigned i = 0; i < KEYSETS_OF_MINT_MAX; i++) {
		snprintf(ks.id.s, sizeof(ks.id.s), "01%064x", i);
		OK(keyset_store_put(u, id, &ks, -1, err));
	}
	OK(keyset_store_put(u, id, &ks, -1, err)); /* known */
	ks = keyset_of(V2_ID, 1);
	FAILS(keyset_store_put(u, id, &ks, -1, err), ERR_RANGE);
	OK(keyset_store_put(u, other, &ks, -1, err));
	for (unsigned i = 2; i < MINTS_MAX; i++) {
		snprintf(name, sizeof(name), "https://%u", i);
		row.url = name;
		OK(mint_store_add(u, &row, &id, err));
	}
	FAILS(mint_store_add(u, &row, &id, err), ERR_RANGE);
	OK(mint_store_list(unit_view(u), &a, 0, MINTS_MAX, &all, &n, err));
	ck_assert_uint_eq(n, MINTS_MAX);
	ck_assert_ptr_null(all[5].info);
	OK(mint_store_list(unit_view(u), &a, all[1].id, 3, &all, &n, err));
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(all[0].url, "https://2");
	return 0;
}

START_TEST(strangers_are_limited)
{
	scratch_unit(&scratch, too_many, NULL);
}
END_TEST

START_TEST(damaged_keys_are_told)
{
	scratch_sql(&scratch,
		    "INSERT INTO mint VALUES (1, 'https://a', NULL, 1, 0, 0, 0, NULL, 0, 0, NULL, 0);"
		    "INSERT INTO keyset VALUES (1, '" V2_ID "', 'sat', 1, 0, 0, NULL, x'00000000000000010203')");
	scratch_unit(&scratch, damaged, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/mint_store");
	TCase *tc = tcase_create("mints");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rows_of_mints);
	tcase_add_test(tc, trouble_has_a_beginning);
	tcase_add_test(tc, limits_are_kept);
	tcase_add_test(tc, rows_of_keysets);
	tcase_add_loop_test(tc, put_table, 0, (int)ARRAY_LEN(put_cases));
	tcase_add_loop_test(tc, short_table, 0, (int)ARRAY_LEN(shorts));
	tcase_add_test(tc, strangers_are_limited);
	tcase_add_test(tc, damaged_keys_are_told);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
