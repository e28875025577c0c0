/* channel.list: what it shows of channels and splices that the tables hold, and that it needs no node for it. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/channel_store.h"
#include "store/funding_store.h"
#include "store/splice_store.h"
#include "tests/support/rpc_world.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct rpc_world w;
static struct err e, *err = &e;

static void open_world(void)
{
	rpc_world_open(&w, false);
}

static void close_world(void)
{
	rpc_world_close(&w);
}

static struct sat sat(uint64_t v)
{
	return (struct sat){ v };
}

static struct channel_row channel(uint8_t n)
{
	return (struct channel_row){
		.id = { { n } },
		.peer = { { 2, n } },
		.short_id = "103x1x0",
		.state = "CHANNELD_NORMAL",
		.phase = CHANNEL_READY,
		.usable = true,
		.funding = { { { n, 1 } }, 7 },
		.capacity = sat(1000000),
		.reserve = sat(10000),
		.local = { 600000000 },
		.seen_at_ms = 5,
	};
}

static int add_channels(struct unit *u, void *ctx, struct err *er)
{
	(void)ctx;
	for (uint8_t n = 1; n <= 3; n++) {
		struct channel_row row = channel(n);

		if (channel_store_put(u, &row, er) != 0)
			return -1;
	}
	return 0;
}

static struct splice_row splice(void)
{
	struct splice_row row = {
		.id = { { 0xab } },
		.channel = { { 2 } },
		.peer = { { 2, 2 } },
		.base = { { { 2, 1 } }, 7 },
		.base_capacity = sat(1000000),
		.kind = SPLICE_OUT,
		.active = SPLICE_OUT,
		.has_amount = true,
		.amount = sat(50000),
		.max_rate = { 2000 },
		.max_attempts = 3,
		.max_disconnects = 20,
		.wait = SPLICE_WAIT_PEER_OFFLINE,
		.created_at_ms = 6,
	};

	ck_assert(action_id_parse("its-action", &row.action));
	return row;
}

static int add_splice(struct unit *u, void *ctx, struct err *er)
{
	const struct funding_candidate c = {
		.txid = { { 0xcc } },
		.round = 1,
		.origin = CANDIDATE_OURS,
		.state = CANDIDATE_SIGNED,
		.first_seen_ms = 8,
	};
	const struct splice_output out = { bytes_of("\x51"), sat(50000) };
	struct splice_row row = splice();

	(void)ctx;
	/* It has waited for two hours. */
	return splice_store_add(u, &row, &out, 1, clock_now_ms() - 7200000, er) != 0 ||
			       funding_store_put_candidate(u, &row.id, &c, er) != 0
		       ? -1
		       : 0;
}

static int end_splice(struct unit *u, void *ctx, struct err *er)
{
	const struct splice_end end = { .outcome = SPLICE_ABANDONED, .why = SPLICE_PEER_ABORT, .text = "never" };
	struct splice_row row = splice();
	struct hash32 id = row.id;

	(void)ctx;
	ck_assert_int_eq(splice_store_get(unit_view(u), &w.arena, &id, &row, er), 1);
	return splice_store_end(u, &row, &end, clock_now_ms(), er);
}

static json_t *list(const char *params)
{
	return rpc_world_result(&w, "channel.list", params);
}

static json_t *at(json_t *result, size_t i)
{
	return json_array_get(json_object_get(result, "channels"), i);
}

START_TEST(nothing_at_all)
{
	json_t *v = list("{}");

	ck_assert(json_is_null(json_object_get(v, "node")));
	ck_assert_uint_eq(json_array_size(json_object_get(v, "channels")), 0);
	ck_assert(json_is_null(json_object_get(v, "next")));
}
END_TEST

START_TEST(pages)
{
	json_t *v;
	const char *next;

	OK(store_unit_now(w.store, add_channels, NULL, err));
	v = list("{\"limit\":2}");
	ck_assert_uint_eq(json_array_size(json_object_get(v, "channels")), 2);
	next = json_string_value(json_object_get(v, "next"));
	ck_assert_ptr_nonnull(next);
	v = list(arena_printf(&w.arena, "{\"limit\":2,\"after\":\"%s\"}", next));
	ck_assert_uint_eq(json_array_size(json_object_get(v, "channels")), 1);
	ck_assert(json_is_null(json_object_get(v, "next")));
	v = rpc_world_error(&w, "channel.list", "{\"after\":\"here\"}");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(v, "data"), "field")), "after");
}
END_TEST

START_TEST(a_channel_and_its_splice)
{
	json_t *c, *s;

	OK(store_unit_now(w.store, add_channels, NULL, err));
	OK(store_unit_now(w.store, add_splice, NULL, err));
	c = at(list("{}"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(c, "phase")), "ready");
	ck_assert_int_eq(json_integer_value(json_object_get(c, "local_msat")), 600000000);
	ck_assert(json_is_null(json_object_get(c, "splice")));
	ck_assert_ptr_null(json_object_get(c, "past"));
	s = json_object_get(at(list("{}"), 1), "splice");
	ck_assert_str_eq(json_string_value(json_object_get(s, "kind")), "out");
	ck_assert_str_eq(json_string_value(json_object_get(s, "action_id")), "its-action");
	ck_assert_str_eq(json_string_value(json_object_get(s, "waits_for")), "peer_offline");
	ck_assert_str_eq(json_string_value(json_object_get(s, "max_feerate")), "8");
	ck_assert_uint_eq(json_array_size(json_object_get(s, "candidates")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(s, "outputs")), 1);
}
END_TEST

START_TEST(how_one_has_ended)
{
	json_t *past;

	OK(store_unit_now(w.store, add_channels, NULL, err));
	OK(store_unit_now(w.store, add_splice, NULL, err));
	OK(store_unit_now(w.store, end_splice, NULL, err));
	past = json_array_get(json_object_get(at(list("{\"past\":5}"), 1), "past"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(past, "outcome")), "abandoned");
	ck_assert_str_eq(json_string_value(json_object_get(past, "why")), "peer_abort");
	ck_assert_str_eq(json_string_value(json_object_get(past, "text")), "never");
}
END_TEST

START_TEST(splices_without_a_node_are_in_attention)
{
	json_t *all, *item;
	bool orphaned = false, stalled = false;
	size_t i;

	OK(store_unit_now(w.store, add_channels, NULL, err));
	OK(store_unit_now(w.store, add_splice, NULL, err));
	all = json_object_get(rpc_world_result(&w, "status", "{}"), "attention");
	json_array_foreach(all, i, item)
	{
		const char *kind = json_string_value(json_object_get(item, "kind"));

		orphaned = orphaned || strcmp(kind, "no_lightning_node") == 0;
		stalled = stalled || strcmp(kind, "splice_stalled") == 0;
	}
	ck_assert(orphaned && stalled);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc, channel methods");
	TCase *t = tcase_create("channels");

	tcase_add_checked_fixture(t, open_world, close_world);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, nothing_at_all);
	tcase_add_test(t, pages);
	tcase_add_test(t, a_channel_and_its_splice);
	tcase_add_test(t, how_one_has_ended);
	tcase_add_test(t, splices_without_a_node_are_in_attention);
	suite_add_tcase(s, t);
	return suite_run(s);
}
