#include "store/action_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static struct err e, *err = &e;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(4 * 1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static struct view view(void)
{
	return store_view(scratch.store);
}

static struct action_id id_of(const char *text)
{
	struct action_id id;

	ck_assert(action_id_parse(text, &id));
	return id;
}

static struct action_row row_of(const char *id)
{
	return (struct action_row){
		.id = id_of(id),
		.kind = "pay",
		.state = 1,
		.status = ACTION_RUNNING,
		.params = "{\"p\":1}",
		.checkpoint = "{\"c\":1}",
		.wake_at_ms = 100,
		.created_at_ms = 100,
		.updated_at_ms = 100,
	};
}

static struct action_row get(const char *id)
{
	struct action_id want = id_of(id);
	struct action_row row;

	OK(action_store_get(view(), &arena, &want, &row, err));
	return row;
}

/* Each of these is one unit. */
static int add_unit(struct unit *u, void *ctx, struct err *er)
{
	struct action_row *row = ctx;

	return action_store_add(u, row, &row->seq, er);
}

static int save_unit(struct unit *u, void *ctx, struct err *er)
{
	return action_store_save(u, ctx, true, er);
}

static int touch_unit(struct unit *u, void *ctx, struct err *er)
{
	return action_store_save(u, ctx, false, er);
}

static int end_unit(struct unit *u, void *ctx, struct err *er)
{
	return action_store_end(u, ctx, er);
}

static int try(int (*fn)(struct unit *, void *, struct err *), void *ctx)
{
	return store_unit_now(scratch.store, fn, ctx, err);
}

static void add(struct action_row *row)
{
	OK(try(add_unit, row));
}

static void end(const char *id, enum action_status status, int64_t at_ms)
{
	struct action_row row = get(id);

	row.status = status;
	row.updated_at_ms = at_ms;
	OK(try(end_unit, &row));
}

/* --- one row --- */

START_TEST(what_is_added_is_read)
{
	struct action_row row = row_of("a"), got;

	row.parent = id_of("p");
	row.peer = "https://mint";
	add(&row);
	got = get("a");
	ck_assert_int_eq(got.seq, row.seq);
	ck_assert_str_eq(got.id.s, "a");
	ck_assert_str_eq(got.kind, "pay");
	ck_assert_int_eq(got.state, 1);
	ck_assert_int_eq(got.status, ACTION_RUNNING);
	ck_assert_int_eq(got.version, 0);
	ck_assert_str_eq(got.parent.s, "p");
	ck_assert_str_eq(got.peer, "https://mint");
	ck_assert_str_eq(got.params, "{\"p\":1}");
	ck_assert_str_eq(got.checkpoint, "{\"c\":1}");
	ck_assert_ptr_null(got.result);
	ck_assert_uint_eq(got.attempts, 0);
	ck_assert_ptr_null(got.error_kind);
	ck_assert_ptr_null(got.funds_moved);
	ck_assert_int_eq(got.wake_at_ms, 100);
	ck_assert_int_eq(got.created_at_ms, 100);
	row = row_of("b");
	add(&row);
	ck_assert_int_gt(row.seq, got.seq);
	got = get("b");
	ck_assert(action_id_is_empty(&got.parent));
	ck_assert_ptr_null(got.peer);
}
END_TEST

START_TEST(there_is_none)
{
	struct action_id id = id_of("nobody");
	struct action_row row;

	FAILS(action_store_get(view(), &arena, &id, &row, err), ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err->msg, "nobody"));
}
END_TEST

START_TEST(an_id_is_used_once)
{
	struct action_row row = row_of("a"), other = row_of("b");

	add(&row);
	FAILS(try(add_unit, &row), ERR_EXISTS);
	end("a", ACTION_DONE, 200);
	FAILS(try(add_unit, &row), ERR_EXISTS); /* not even after its end */
	add(&other);
	ck_assert_int_gt(other.seq, row.seq);
}
END_TEST

START_TEST(a_save_moves_the_version)
{
	struct action_row row = row_of("a"), got;

	add(&row);
	row.state = 2;
	row.status = ACTION_UNCERTAIN;
	row.checkpoint = "{\"c\":2}";
	row.peer = "https://other";
	row.attempts = 3;
	row.error_kind = "timeout";
	row.error_msg = "no answer";
	row.error_field = "mint";
	row.wake_at_ms = ACTION_NO_WAKE;
	row.updated_at_ms = 300;
	OK(try(save_unit, &row));
	got = get("a");
	ck_assert_int_eq(got.version, 1);
	ck_assert_int_eq(got.state, 2);
	ck_assert_int_eq(got.status, ACTION_UNCERTAIN);
	ck_assert_str_eq(got.checkpoint, "{\"c\":2}");
	ck_assert_str_eq(got.peer, "https://other");
	ck_assert_uint_eq(got.attempts, 3);
	ck_assert_str_eq(got.error_kind, "timeout");
	ck_assert_str_eq(got.error_msg, "no answer");
	ck_assert_str_eq(got.error_field, "mint");
	ck_assert_int_eq(got.wake_at_ms, ACTION_NO_WAKE);
	ck_assert_int_eq(got.updated_at_ms, 300);
	ck_assert_int_eq(got.created_at_ms, 100);
}
END_TEST

START_TEST(an_older_version_changes_nothing)
{
	struct action_row row = row_of("a"), mine;

	add(&row);
	mine = get("a");
	OK(try(touch_unit, &row));
	mine.state = 9;
	FAILS(try(save_unit, &mine), ERR_CONFLICT);
	mine.status = ACTION_DONE;
	FAILS(try(end_unit, &mine), ERR_CONFLICT);
	ck_assert_int_eq(get("a").state, 1);
	ck_assert_int_eq(get("a").version, 1);
	mine.version = 1;
	OK(try(end_unit, &mine));
	FAILS(try(end_unit, &mine), ERR_CONFLICT);
	mine.status = ACTION_RUNNING;
	mine.version = 2;
	FAILS(try(save_unit, &mine), ERR_CONFLICT); /* it lives no more */
}
END_TEST

START_TEST(an_end_moves_it_to_the_archive)
{
	struct action_row row = row_of("a"), got;

	row.peer = "https://mint";
	row.parent = id_of("p");
	add(&row);
	row.status = ACTION_FAILED;
	row.state = 4;
	row.attempts = 2;
	row.result = "{\"r\":1}";
	row.error_kind = "peer_rejected";
	row.error_msg = "no";
	row.error_field = "token";
	row.funds_moved = "no";
	row.updated_at_ms = 500;
	OK(try(end_unit, &row));
	got = get("a");
	ck_assert_int_eq(got.seq, row.seq);
	ck_assert_int_eq(got.status, ACTION_FAILED);
	ck_assert_int_eq(got.state, 4);
	ck_assert_int_eq(got.version, 1);
	ck_assert_str_eq(got.parent.s, "p");
	ck_assert_str_eq(got.peer, "https://mint");
	ck_assert_str_eq(got.params, "{\"p\":1}");
	ck_assert_ptr_null(got.checkpoint);
	ck_assert_str_eq(got.result, "{\"r\":1}");
	ck_assert_uint_eq(got.attempts, 2);
	ck_assert_str_eq(got.error_kind, "peer_rejected");
	ck_assert_str_eq(got.error_msg, "no");
	ck_assert_str_eq(got.error_field, "token");
	ck_assert_str_eq(got.funds_moved, "no");
	ck_assert_int_eq(got.wake_at_ms, ACTION_NO_WAKE);
	ck_assert_int_eq(got.created_at_ms, 100);
	ck_assert_int_eq(got.updated_at_ms, 500);
}
END_TEST

START_TEST(transitions_tell_the_story)
{
	static const struct action_transition story[] = {
		{ 0, 100, 1, ACTION_RUNNING, NULL },
		{ 2, 300, 2, ACTION_PARKED, "timeout" },
		{ 3, 400, 2, ACTION_DONE, NULL },
	};
	struct action_row row = row_of("a");
	struct action_transition *seen;
	size_t n;

	add(&row);
	OK(try(touch_unit, &row)); /* nothing to tell */
	row.version = 1;
	row.state = 2;
	row.status = ACTION_PARKED;
	row.error_kind = "timeout";
	row.updated_at_ms = 300;
	OK(try(save_unit, &row));
	row.version = 2;
	row.status = ACTION_DONE;
	row.error_kind = NULL;
	row.updated_at_ms = 400;
	OK(try(end_unit, &row));
	OK(action_store_transitions(view(), &arena, row.seq, &seen, &n, err));
	ck_assert_uint_eq(n, ARRAY_LEN(story));
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(seen[i].version, story[i].version);
		ck_assert_int_eq(seen[i].at_ms, story[i].at_ms);
		ck_assert_int_eq(seen[i].state, story[i].state);
		ck_assert_int_eq(seen[i].status, story[i].status);
		ck_assert_pstr_eq(seen[i].note, story[i].note);
	}
	OK(action_store_transitions(view(), &arena, 4711, &seen, &n, err));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_long_story)
{
	struct action_row row = row_of("a");
	struct action_transition *seen;
	size_t n;

	add(&row);
	for (; row.version < 50; row.version++)
		OK(try(save_unit, &row));
	OK(action_store_transitions(view(), &arena, row.seq, &seen, &n, err));
	ck_assert_uint_eq(n, 51);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(seen[i].version, (int64_t)i);
}
END_TEST

/* --- waking --- */

static int64_t wake_to;

static int wake_unit(struct unit *u, void *ctx, struct err *er)
{
	struct action_id id = id_of(ctx);

	return action_store_wake(u, &id, wake_to, er);
}

static const struct {
	int64_t was, to, then;
} wakes[] = { { 500, 200, 200 }, { 500, 600, 500 }, { ACTION_NO_WAKE, 200, 200 }, { 200, 200, 200 } };

START_TEST(a_wake_is_never_later)
{
	struct action_row row = row_of("a");

	row.wake_at_ms = wakes[_i].was;
	add(&row);
	wake_to = wakes[_i].to;
	OK(try(wake_unit, (void *)"a"));
	ck_assert_int_eq(get("a").wake_at_ms, wakes[_i].then);
	ck_assert_int_eq(get("a").version, 0);
	OK(try(wake_unit, (void *)"nobody")); /* a hint: harmless */
}
END_TEST

/* --- what is due --- */

static void add_waking(const char *id, const char *kind, const char *peer, int64_t wake_at_ms)
{
	struct action_row row = row_of(id);

	row.kind = kind;
	row.peer = peer;
	row.wake_at_ms = wake_at_ms;
	add(&row);
}

static void add_several(void)
{
	add_waking("a", "pay", "one", 300);
	add_waking("b", "pay", "two", 100);
	add_waking("c", "pay", NULL, 200);
	add_waking("d", "pay", "one", ACTION_NO_WAKE);
	add_waking("e", "get", "one", 50);
	add_waking("f", "pay", "two", 900);
}

static const struct {
	const char *name, *kind, *peer;
	int64_t now_ms;
	unsigned max;
	const char *due;
} dues[] = {
	{ "in order of time", "pay", "two", 900, 9, "b f " },
	{ "not before its time", "pay", "two", 899, 9, "b " },
	{ "none yet", "pay", "two", 99, 9, "" },
	{ "at most so many", "pay", "two", 900, 1, "b " },
	{ "never what sleeps without end", "pay", "one", 900, 9, "a " },
	{ "of one kind", "get", "one", 300, 9, "e " },
	{ "of no kind", "put", "one", 300, 9, "" },
	{ "without a peer", "pay", NULL, 300, 9, "c " },
	{ "of an unknown peer", "pay", "three", 300, 9, "" },
};

START_TEST(due_table)
{
	struct action_id ids[10];
	char got[1000] = "";
	int n;

	add_several();
	n = action_store_due(view(), dues[_i].kind, dues[_i].peer, dues[_i].now_ms, ids, dues[_i].max, err);
	OK(n);
	for (int i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", ids[i].s);
	ck_assert_msg(strcmp(got, dues[_i].due) == 0, "%s: %s", dues[_i].name, got);
}
END_TEST

START_TEST(the_peers_of_a_kind)
{
	const char *peer = NULL;

	add_several();
	add_waking("g", "pay", "never", ACTION_NO_WAKE);
	OK(action_store_next_peer(view(), &arena, "pay", NULL, &peer, err));
	ck_assert_str_eq(peer, "one");
	OK(action_store_next_peer(view(), &arena, "pay", peer, &peer, err));
	ck_assert_str_eq(peer, "two");
	OK(action_store_next_peer(view(), &arena, "pay", peer, &peer, err));
	ck_assert_ptr_null(peer);
	OK(action_store_next_peer(view(), &arena, "put", NULL, &peer, err));
	ck_assert_ptr_null(peer);
}
END_TEST

START_TEST(the_next_wake)
{
	int64_t at;

	OK(action_store_next_wake(view(), 0, &at, err));
	ck_assert_int_eq(at, ACTION_NO_WAKE);
	add_several();
	OK(action_store_next_wake(view(), 0, &at, err));
	ck_assert_int_eq(at, 50);
	OK(action_store_next_wake(view(), 300, &at, err));
	ck_assert_int_eq(at, 900);
	OK(action_store_next_wake(view(), 900, &at, err));
	ck_assert_int_eq(at, ACTION_NO_WAKE);
}
END_TEST

START_TEST(the_backlog)
{
	unsigned n;

	add_several();
	OK(action_store_backlog(view(), 300, 100, &n, err));
	ck_assert_uint_eq(n, 4);
	OK(action_store_backlog(view(), 300, 2, &n, err));
	ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(the_troubled)
{
	struct action_row *rows;
	size_t n;

	for (int i = 0; i < 5; i++) {
		struct action_row row = row_of((const char *[]){ "a", "b", "c", "d", "e" }[i]);

		add(&row);
		row.attempts = (uint32_t)i;
		OK(try(touch_unit, &row));
	}
	OK(action_store_troubled(view(), &arena, 2, 10, &rows, &n, err));
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(rows[0].id.s, "e");
	ck_assert_str_eq(rows[2].id.s, "c");
	OK(action_store_troubled(view(), &arena, 0, 2, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(rows[1].id.s, "d");
}
END_TEST

START_TEST(the_children)
{
	struct action_row row;
	struct action_id parent = id_of("p");
	unsigned n;

	for (int i = 0; i < 3; i++) {
		row = row_of((const char *[]){ "p", "p.1", "p.2" }[i]);
		row.parent = i ? parent : (struct action_id){ 0 };
		add(&row);
	}
	OK(action_store_children(view(), &parent, &n, err));
	ck_assert_uint_eq(n, 2);
	end("p.1", ACTION_DONE, 200);
	OK(action_store_children(view(), &parent, &n, err));
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(the_living_at_a_peer)
{
	struct action_row row = row_of("a");
	bool living;

	row.peer = "https://a";
	add(&row);
	OK(action_store_living(view(), row.kind, "https://a", &living, err));
	ck_assert(living);
	OK(action_store_living(view(), row.kind, "https://b", &living, err));
	ck_assert(!living);
	OK(action_store_living(view(), "another", "https://a", &living, err));
	ck_assert(!living);
	end("a", ACTION_DONE, 200);
	OK(action_store_living(view(), row.kind, "https://a", &living, err));
	ck_assert(!living);
}
END_TEST

/* --- lists --- */

static char listed[200];

static void list_one(void *ctx, const struct action_row *row)
{
	size_t n = strlen(listed);

	snprintf(listed + n, sizeof(listed) - n, "%s ", row->id.s);
	*(int64_t *)ctx = row->seq;
}

/* Returns the last one's seq. */
static int64_t list(struct action_query q)
{
	int64_t last = 0;
	int n;

	listed[0] = '\0';
	n = action_store_list(view(), &arena, &q, list_one, &last, err);
	OK(n);
	ck_assert_uint_eq((unsigned)n, strlen(listed) / 2);
	return last;
}

static void add_history(void)
{
	for (int i = 0; i < 8; i++) {
		char id[2] = { (char)('a' + i), '\0' };
		struct action_row row = row_of(id);

		row.kind = i % 2 ? "get" : "pay";
		add(&row);
	}
	end("b", ACTION_DONE, 200);
	end("c", ACTION_FAILED, 300);
	end("e", ACTION_CANCELLED, 400);
	end("g", ACTION_DONE, 500);
}

static const struct {
	const char *name;
	struct action_query q;
	const char *seen;
} lists[] = {
	{ "all", { NULL, ACTIONS_ALL, 0, 100 }, "h g f e d c b a " },
	{ "active", { NULL, ACTIONS_ACTIVE, 0, 100 }, "h f d a " },
	{ "done", { NULL, ACTIONS_DONE, 0, 100 }, "g b " },
	{ "failed and cancelled", { NULL, ACTIONS_FAILED, 0, 100 }, "e c " },
	{ "a limit", { NULL, ACTIONS_ALL, 0, 3 }, "h g f " },
	{ "no limit is no row", { NULL, ACTIONS_ALL, 0, 0 }, "" },
	{ "a kind", { "pay", ACTIONS_ALL, 0, 100 }, "g e c a " },
	{ "a kind among the living", { "pay", ACTIONS_ACTIVE, 0, 100 }, "a " },
};

START_TEST(list_table)
{
	add_history();
	list(lists[_i].q);
	ck_assert_msg(strcmp(listed, lists[_i].seen) == 0, "%s: %s", lists[_i].name, listed);
}
END_TEST

START_TEST(pages_follow_each_other)
{
	char all[1200] = "";
	int64_t before = 0;

	add_history();
	for (int page = 0; page < 5; page++) {
		before = list((struct action_query){ NULL, ACTIONS_ALL, before, 2 });
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s| ", listed);
		if (page == 1)
			end("d", ACTION_DONE, 600); /* from one table to the other, between two pages */
		if (before == 0)
			break;
	}
	ck_assert_str_eq(all, "h g | f e | d c | b a | | ");
}
END_TEST

static int64_t prune_before;

static int prune_unit(struct unit *u, void *ctx, struct err *er)
{
	return action_store_prune(u, prune_before, *(unsigned *)ctx, er);
}

START_TEST(the_archive_is_pruned)
{
	struct action_row living, ended;
	struct action_transition *story;
	unsigned max = 2;
	size_t n;

	add_history();
	living = get("a");
	ended = get("b");
	prune_before = 500;
	OK(try(prune_unit, &max));
	list((struct action_query){ NULL, ACTIONS_ALL, 0, 100 });
	ck_assert_str_eq(listed, "h g f e d a "); /* the oldest ends went first */
	OK(try(prune_unit, &max));
	OK(try(prune_unit, &max));
	list((struct action_query){ NULL, ACTIONS_ALL, 0, 100 });
	ck_assert_str_eq(listed, "h g f d a ");
	OK(action_store_transitions(view(), &arena, ended.seq, &story, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(action_store_transitions(view(), &arena, living.seq, &story, &n, err));
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(every_status_has_a_name)
{
	static const char *const names[] = { "running", "parked", "uncertain", "done", "failed", "cancelled" };

	for (int i = 0; i < 6; i++) {
		ck_assert_str_eq(action_status_name((enum action_status)(i + 1)), names[i]);
		ck_assert_int_eq(action_status_is_final((enum action_status)(i + 1)), i >= 3);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/action_store");
	TCase *tc = tcase_create("actions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_added_is_read);
	tcase_add_test(tc, there_is_none);
	tcase_add_test(tc, an_id_is_used_once);
	tcase_add_test(tc, a_save_moves_the_version);
	tcase_add_test(tc, an_older_version_changes_nothing);
	tcase_add_test(tc, an_end_moves_it_to_the_archive);
	tcase_add_test(tc, transitions_tell_the_story);
	tcase_add_test(tc, a_long_story);
	tcase_add_loop_test(tc, a_wake_is_never_later, 0, (int)ARRAY_LEN(wakes));
	tcase_add_loop_test(tc, due_table, 0, (int)ARRAY_LEN(dues));
	tcase_add_test(tc, the_peers_of_a_kind);
	tcase_add_test(tc, the_next_wake);
	tcase_add_test(tc, the_backlog);
	tcase_add_test(tc, the_troubled);
	tcase_add_test(tc, the_children);
	tcase_add_test(tc, the_living_at_a_peer);
	tcase_add_loop_test(tc, list_table, 0, (int)ARRAY_LEN(lists));
	tcase_add_test(tc, pages_follow_each_other);
	tcase_add_test(tc, the_archive_is_pruned);
	tcase_add_test(tc, every_status_has_a_name);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
