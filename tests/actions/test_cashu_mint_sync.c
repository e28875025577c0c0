/* What a mint says of itself is believed only as far as it can be checked. */
#include <string.h>

#include "rails/cashu/keyset.h"
#include "store/mint_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

static struct world w;

static struct action_row sync_ended(void)
{
	struct action_id id = world_start(&w, "cashu_mint_sync", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));

	world_settle(&w, &id, 0); /* it gives up at the first trouble, and never sleeps */
	return world_row(&w, &id);
}

static struct mint_row mint(void)
{
	struct mint_row row;
	struct err err;

	ck_assert_int_eq(mint_store_by_id(store_view(w.disk.store), &w.arena, w.mint_id, &row, &err), 0);
	return row;
}

static size_t keysets(struct keyset **ret)
{
	struct err err;
	size_t n;

	ck_assert_int_eq(keyset_store_list(store_view(w.disk.store), &w.arena, w.mint_id, ret, &n, &err), 0);
	return n;
}

static const struct {
	const char *name, *fault, *kind;
} troubles[] = {
	{ "no info", "{\"path\":\"/v1/info\",\"mode\":\"answer\",\"status\":404}", "peer_unavailable" },
	{ "info that is no JSON", "{\"path\":\"/v1/info\",\"mode\":\"garbage\"}", "peer_misbehaved" },
	{ "info without an end", "{\"path\":\"/v1/info\",\"mode\":\"huge\"}", "peer_unavailable" },
	{ "info cut short", "{\"path\":\"/v1/info\",\"mode\":\"truncate\"}", "peer_unavailable" },
	{ "no keysets", "{\"path\":\"/v1/keysets\",\"mode\":\"answer\",\"status\":500}", "peer_unavailable" },
	{ "keysets that are no list", "{\"path\":\"/v1/keysets\",\"mode\":\"edit\",\"set\":{\"keysets\":{}}}",
	  "peer_misbehaved" },
	{ "an empty list", "{\"path\":\"/v1/keysets\",\"mode\":\"edit\",\"set\":{\"keysets\":[]}}", "peer_misbehaved" },
	{ "a fee beyond reason",
	  "{\"path\":\"/v1/keysets\",\"mode\":\"edit\",\"set\":{\"keysets\":[{\"id\":\"00aabbccddeeff00\",\"unit\":\"sat\","
	  "\"active\":true,\"input_fee_ppk\":99999999}]}}",
	  "peer_misbehaved" },
	{ "keys that are not the id's", "{\"path\":\"/v1/keys/*\",\"mode\":\"wrong_keys\"}", "peer_misbehaved" },
	{ "keys of another keyset", "{\"path\":\"/v1/keys/*\",\"mode\":\"edit\",\"set\":{\"keysets\":[]}}",
	  "peer_misbehaved" },
	{ "the fee of a v2 keyset changed", "{\"path\":\"/v1/keysets\",\"mode\":\"wrong_fee\"}", "peer_misbehaved" },
	{ "busy", "{\"path\":\"/v1/keysets\",\"mode\":\"throttle\"}", "peer_busy" },
	{ "refused", "{\"path\":\"/v1/keysets\",\"mode\":\"answer\",\"status\":400,\"code\":31001}", "peer_rejected" },
};

/* It ends, the mint's name remembers why, and what was known before is still known. */
START_TEST(test_trouble)
{
	struct action_row row;
	struct keyset *list;

	world_open(&w, 100);
	mint_rotate(&w.mint, 0, 100, KEYSET_V2); /* one keyset whose keys have yet to be read */
	world_fault(&w, troubles[_i].fault);
	row = sync_ended();
	ck_assert_str_eq(action_status_name(row.status), "failed");
	ck_assert_str_eq(row.error_kind, troubles[_i].kind);
	ck_assert_str_eq(row.funds_moved, "no");
	ck_assert_str_eq(mint().trouble, troubles[_i].kind);
	ck_assert_uint_eq(keysets(&list), 2);
	ck_assert(mint().trusted);
	ck_assert_str_eq(action_status_name(sync_ended().status), "done");
	ck_assert_ptr_null(mint().trouble);
	ck_assert_uint_eq(keysets(&list), 3);
	world_close(&w);
}
END_TEST

/* Known keys are not read again; what may change is. */
START_TEST(test_rotated)
{
	const struct mint_keyset *fresh;
	struct keyset *list;
	size_t n;

	world_open(&w, 100);
	fresh = mint_rotate(&w.mint, 0, 0, KEYSET_V1);
	ck_assert_str_eq(action_status_name(sync_ended().status), "done");
	ck_assert_uint_eq(world_asked(&w, "/v1/keys/"), 1);
	n = keysets(&list);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++) {
		bool sat = strcmp(list[i].unit.s, "sat") == 0;

		ck_assert(list[i].active == (!sat || keyset_id_equal(&list[i].id, &fresh->pub.id)));
		ck_assert_uint_eq(list[i].n_keys, 64);
	}
	world_close(&w);
}
END_TEST

/* One mint has several addresses; and whoever copies what a mint publishes does not take it away from us. */
START_TEST(test_keysets_at_another_address)
{
	world_open(&w, 100);
	scratch_sql(&w.disk, "UPDATE mint SET url = 'http://elsewhere.example'");
	world_restart(&w);
	ck_assert_str_eq(action_status_name(sync_ended().status), "done");
	world_close(&w);
}
END_TEST

/* An id stands for the same keys wherever it is shown. */
START_TEST(test_keyset_of_another_mint)
{
	struct action_row row;

	world_open(&w, 100);
	scratch_sql(&w.disk, "UPDATE mint SET url = 'http://elsewhere.example';"
			     "UPDATE keyset SET keys = substr(keys, 42)");
	world_restart(&w);
	row = sync_ended();
	ck_assert_str_eq(action_status_name(row.status), "failed");
	ck_assert_str_eq(row.error_kind, "peer_misbehaved");
	world_close(&w);
}
END_TEST

START_TEST(test_refused)
{
	static const char *const urls[] = { "",        "mint.example.com", "ftp://mint.example.com",
					    "http://", "http://a b/",      "http://u:p@mint.example.com" };

	world_open(&w, 100);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		world_refused(&w, "cashu_mint_sync", arena_printf(&w.arena, "{\"mint\":\"%s\"}", urls[i]),
			      "invalid_params", "mint");
	world_close(&w);
}
END_TEST

/* Whoever waits for fresh keysets waits longer each time: every try is a child of its own, with a row in the archive. */
START_TEST(test_pauses_grow)
{
	struct action_id id;
	struct action_row row;

	world_open(&w, 0);
	world_issue(&w, 64);
	scratch_sql(&w.disk, "UPDATE mint SET synced_at_ms = 1");
	world_fault(&w, "{\"path\":\"/v1/info\",\"mode\":\"answer\",\"status\":500,\"count\":4}");
	id = world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, 0);
	for (int64_t i = 1; i <= 4; i++, world_turn(&w)) {
		row = world_row(&w, &id);
		ck_assert_str_eq(row.error_kind, "peer_unavailable");
		ck_assert_int_eq(row.wake_at_ms - row.updated_at_ms, i * i * 1000);
	}
	ck_assert_str_eq(action_status_name(world_row(&w, &id).status), "done");
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_mint_sync");
	TCase *tc = tcase_create("sync");

	tcase_add_loop_test(tc, test_trouble, 0, (int)ARRAY_LEN(troubles));
	tcase_add_test(tc, test_rotated);
	tcase_add_test(tc, test_keysets_at_another_address);
	tcase_add_test(tc, test_keyset_of_another_mint);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_pauses_grow);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
