#include "store/directive_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/outbox_audit.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define NOW   INT64_C(100000)
#define UNTIL INT64_C(520000)

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(64 * 1024 * 1024);
}

static void teardown(void)
{
	rng_seed_for_test(0);
	arena_done(&arena);
	scratch_close(&scratch);
}

/* --- rows to claim --- */

static struct directive_row fresh(struct unit *u, unsigned n)
{
	struct directive_row row = rows_directive(rows_space(u, 1), n);

	return rows_add(u, &arena, &row);
}

static struct directive_row keyed(struct unit *u, unsigned n, unsigned key)
{
	struct directive_row row = rows_directive(rows_space(u, 1), n);

	rows_set_key(&row, key);
	return rows_add(u, &arena, &row);
}

static struct directive_row due_at(struct unit *u, unsigned n, int64_t at_ms)
{
	struct directive_row row = fresh(u, n);
	struct err e, *err = &e;

	row.status = DELIVERY_RETRY;
	row.wake_at_ms = at_ms;
	row.attempts = 2;
	OK(directive_store_save(u, &row, 1, err));
	return row;
}

static struct directive_row now(struct unit *u, const struct directive_row *row)
{
	return rows_get(unit_view(u), &arena, row->seq);
}

/* "d1 d2 " */
static const char *ids(const struct directive_row *rows, size_t n)
{
	static char text[8192];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", rows[i].id);
	return text;
}

/* Claims in the first space and lane 1. */
static const char *claim(struct unit *u, unsigned max)
{
	struct directive_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(directive_store_claim(u, &arena, 1, 1, NOW, UNTIL, max, &rows, &n, err));
	for (size_t i = 0; i < n; i++) {
		struct directive_row stored = now(u, &rows[i]);

		ck_assert_int_eq(rows[i].status, DELIVERY_CLAIMED);
		ck_assert_int_eq(rows[i].wake_at_ms, UNTIL);
		ck_assert_int_eq(rows[i].updated_at_ms, NOW);
		ck_assert_int_eq(stored.status, DELIVERY_CLAIMED);
		ck_assert_int_eq(stored.wake_at_ms, UNTIL);
		ck_assert_int_eq(stored.version, rows[i].version);
	}
	return ids(rows, n);
}

static const char *burst(struct unit *u, const struct directive_row *head, unsigned max)
{
	struct directive_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(directive_store_claim_burst(u, &arena, head, NOW, UNTIL, max, &rows, &n, err));
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(rows[i].status, DELIVERY_CLAIMED);
		ck_assert_int_eq(rows[i].wake_at_ms, UNTIL);
		ck_assert_int_eq(now(u, &rows[i]).version, rows[i].version);
	}
	return ids(rows, n);
}

static int64_t next_wake(struct unit *u)
{
	struct err e, *err = &e;
	int64_t at_ms;

	OK(directive_store_next_wake(unit_view(u), 1, 1, &at_ms, err));
	return at_ms;
}

/* --- claims --- */

static int a_claimed_row_is_whole(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row row = keyed(u, 3, 7), *rows;
	size_t n;

	(void)ctx;
	OK(directive_store_claim(u, &arena, row.space_id, 1, NOW, UNTIL, 5, &rows, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rows[0].seq, row.seq);
	ck_assert_int_eq(rows[0].version, row.version + 1);
	ck_assert_str_eq(rows[0].id, "d3");
	ck_assert_str_eq(rows[0].action_key, row.action_key);
	ck_assert(evm_address_equal(&rows[0].account, &row.account));
	ck_assert_uint_eq(rows[0].nonce, 3);
	ck_assert_mem_eq(rows[0].payload.p, "payload", 7);
	ck_assert(hash32_equal(&rows[0].content_hash, &row.content_hash));
	ck_assert_uint_eq(rows[0].order_key_n, row.order_key_n);
	ck_assert_mem_eq(rows[0].order_key, row.order_key, row.order_key_n);
	ck_assert(rows[0].holds_order && !rows[0].blocked);
	rows_move(u, &rows[0], DELIVERY_SUBMITTED); /* at the version it came with */
	return 0;
}

static const struct {
	const char *name;
	unsigned due, fresh, max;
	unsigned due_claimed, fresh_claimed;
} shares[] = {
	{ "nothing there", 0, 0, 8, 0, 0 },
	{ "nothing asked for", 3, 3, 0, 0, 0 },
	{ "one: a retry first", 3, 3, 1, 1, 0 },
	{ "two", 3, 3, 2, 1, 1 },
	{ "four", 3, 3, 4, 1, 3 },
	{ "a quarter of eight", 5, 9, 8, 2, 6 },
	{ "a quarter of eleven", 5, 20, 11, 2, 9 },
	{ "few retries leave room", 1, 9, 8, 1, 7 },
	{ "only retries: no more than their share", 9, 0, 8, 2, 0 },
	{ "only fresh ones", 0, 9, 8, 0, 8 },
	{ "all of them", 2, 3, 100, 2, 3 },
};

static int share(struct unit *u, void *ctx, struct err *err)
{
	unsigned counted[2] = { 0 };
	int i = *(int *)ctx;
	struct directive_row *rows;
	size_t n;

	for (unsigned d = 0; d < shares[i].due; d++)
		due_at(u, 100 + d, NOW - 50 + d);
	for (unsigned f = 0; f < shares[i].fresh; f++)
		fresh(u, 200 + f);
	OK(directive_store_claim(u, &arena, 1, 1, NOW, UNTIL, shares[i].max, &rows, &n, err));
	for (size_t r = 0; r < n; r++) {
		counted[rows[r].attempts == 0]++;
		ck_assert(r == 0 || rows[r - 1].seq < rows[r].seq);
		/* The earliest of each sort. */
		ck_assert_uint_lt(rows[r].nonce,
				  rows[r].attempts ? 100 + shares[i].due_claimed : 200 + shares[i].fresh_claimed);
	}
	ck_assert_uint_eq(counted[0], shares[i].due_claimed);
	ck_assert_uint_eq(counted[1], shares[i].fresh_claimed);
	return 0;
}

START_TEST(share_table)
{
	int i = _i;

	scratch_unit(&scratch, share, &i);
}
END_TEST

static int retries_by_due_time(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	due_at(u, 1, NOW - 1);
	due_at(u, 2, NOW);
	due_at(u, 3, NOW + 1);
	due_at(u, 4, NOW - 3);
	due_at(u, 5, NOW - 2);
	ck_assert_str_eq(claim(u, 8), "d4 d5 "); /* the earliest two */
	ck_assert_str_eq(claim(u, 8), "d1 d2 ");
	ck_assert_str_eq(claim(u, 8), "");
	return 0;
}

static int only_what_is_ready_here(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row row = rows_directive(rows_space(u, 1), 1);

	(void)ctx;
	row.lane = 2;
	rows_add(u, &arena, &row);
	row = rows_directive(rows_space(u, 2), 2);
	rows_add(u, &arena, &row);
	keyed(u, 3, 7);
	keyed(u, 4, 7); /* waits for d3 */
	for (unsigned s = 0; s < DELIVERY_COUNT; s++) {
		row = fresh(u, 10 + s);
		if (s != DELIVERY_PENDING && s != DELIVERY_RETRY)
			rows_move(u, &row, (enum delivery_status)s);
	}
	ck_assert_str_eq(claim(u, 100), "d3 d10 d15 ");
	ck_assert_str_eq(claim(u, 100), "");
	(void)err;
	return 0;
}

static int no_more_than_the_arena_holds(struct unit *u, void *ctx, struct err *err)
{
	struct arena small = ARENA_LIMIT(3 * DIRECTIVE_ROOM + 100), tiny = ARENA_LIMIT(DIRECTIVE_ROOM - 1);
	struct directive_row *rows;
	size_t n;

	(void)ctx;
	for (unsigned i = 0; i < 6; i++)
		fresh(u, i);
	FAILS(directive_store_claim(u, &tiny, 1, 1, NOW, UNTIL, 1, &rows, &n, err), ERR_RANGE);
	OK(directive_store_claim(u, &tiny, 1, 1, NOW, UNTIL, 0, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(directive_store_claim(u, &small, 1, 1, NOW, UNTIL, 6, &rows, &n, err));
	ck_assert_str_eq(ids(rows, n), "d0 d1 d2 ");
	ck_assert_str_eq(claim(u, 6), "d3 d4 d5 ");
	arena_done(&small);
	arena_done(&tiny);
	return 0;
}

/* --- bursts --- */

static int successors_next_to_each_other(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row head = keyed(u, 1, 7), third;

	(void)ctx;
	(void)err;
	keyed(u, 2, 7);
	keyed(u, 3, 8); /* another key */
	third = keyed(u, 4, 7);
	keyed(u, 5, 7);
	fresh(u, 6);
	ck_assert(third.blocked);
	ck_assert_str_eq(claim(u, 1), "d1 ");
	ck_assert_str_eq(burst(u, &head, 2), "d2 d4 ");
	ck_assert(now(u, &third).blocked);        /* still: it goes with the head or not at all */
	ck_assert_str_eq(burst(u, &head, 9), ""); /* the next one to the head is claimed */
	ck_assert_str_eq(claim(u, 9), "d3 d6 ");
	return 0;
}

static int a_burst_stops_at_what_is_not_fresh(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row head = keyed(u, 1, 7), retry;

	(void)ctx;
	keyed(u, 2, 7);
	retry = keyed(u, 3, 7);
	keyed(u, 4, 7);
	retry.status = DELIVERY_RETRY;
	retry.wake_at_ms = NOW;
	OK(directive_store_save(u, &retry, 1, err));
	ck_assert_str_eq(claim(u, 1), "d1 ");
	ck_assert_str_eq(burst(u, &head, 9), "d2 ");
	return 0;
}

static int a_burst_stays_in_its_lane(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row head = keyed(u, 1, 7), row = rows_directive(1, 3);

	(void)ctx;
	(void)err;
	keyed(u, 2, 7);
	row.lane = 2;
	rows_set_key(&row, 7);
	rows_add(u, &arena, &row);
	keyed(u, 4, 7);
	ck_assert_str_eq(claim(u, 1), "d1 ");
	ck_assert_str_eq(burst(u, &head, 9), "d2 ");
	return 0;
}

static int no_burst(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row unordered = fresh(u, 1), head = keyed(u, 2, 7), *rows;
	struct arena tiny = ARENA_LIMIT(64);
	size_t n;

	(void)ctx;
	fresh(u, 3);
	keyed(u, 4, 7);
	ck_assert_str_eq(burst(u, &unordered, 9), "");
	ck_assert_str_eq(burst(u, &head, 0), "");
	OK(directive_store_claim_burst(u, &tiny, &head, NOW, UNTIL, 1, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	head.seq = 99; /* nothing is younger */
	ck_assert_str_eq(burst(u, &head, 9), "");
	arena_done(&tiny);
	return 0;
}

/* --- wake times --- */

static int the_next_wake(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row head, row;

	(void)ctx;
	(void)err;
	ck_assert_int_eq(next_wake(u), DIRECTIVE_NO_WAKE);
	due_at(u, 1, NOW + 70);
	due_at(u, 2, NOW + 50);
	ck_assert_int_eq(next_wake(u), NOW + 50);
	row = rows_directive(rows_space(u, 1), 3);
	row.lane = 2;
	rows_add(u, &arena, &row);
	row = rows_directive(rows_space(u, 2), 4);
	rows_add(u, &arena, &row);
	ck_assert_int_eq(next_wake(u), NOW + 50); /* those are elsewhere */
	head = keyed(u, 5, 7);
	ck_assert_int_eq(next_wake(u), 0);
	rows_move(u, &head, DELIVERY_RETRY);
	keyed(u, 6, 7); /* blocked */
	ck_assert_int_eq(next_wake(u), head.wake_at_ms);
	rows_move(u, &head, DELIVERY_CLAIMED);
	ck_assert_int_eq(next_wake(u), NOW + 50);
	return 0;
}

static int claims_end(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row row[5], is;
	unsigned n;

	(void)ctx;
	for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
		row[i] = due_at(u, i, 1);
		rows_move(u, &row[i], DELIVERY_CLAIMED);
		row[i].wake_at_ms = NOW + i;
		OK(directive_store_save(u, &row[i], 1, err));
	}
	OK(directive_store_unclaim_expired(u, NOW, NOW + 9, 9, &n, err));
	ck_assert_uint_eq(n, 0);
	OK(directive_store_unclaim_expired(u, NOW + 2, NOW + 9, 9, &n, err));
	ck_assert_uint_eq(n, 2);
	is = now(u, &row[1]);
	ck_assert_int_eq(is.status, DELIVERY_PENDING);
	ck_assert_int_eq(is.wake_at_ms, 0);
	ck_assert_uint_eq(is.attempts, 2);
	ck_assert_int_eq(is.updated_at_ms, NOW + 9);
	ck_assert_int_eq(is.version, row[1].version + 1);
	ck_assert_int_eq(now(u, &row[2]).status, DELIVERY_CLAIMED);
	FAILS(directive_store_save(u, &row[1], 1, err), ERR_CONFLICT); /* whoever held the claim has lost it */
	/* At start: all of them, some at a time. */
	OK(directive_store_unclaim_expired(u, INT64_MAX, NOW, 2, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(now(u, &row[4]).status, DELIVERY_CLAIMED);
	OK(directive_store_unclaim_expired(u, INT64_MAX, NOW, 2, &n, err));
	ck_assert_uint_eq(n, 1);
	OK(directive_store_unclaim_expired(u, INT64_MAX, NOW, 2, &n, err));
	ck_assert_uint_eq(n, 0);
	return 0;
}

/* The head has given up its place while the others were claimed: one of them is next, the other waits. */
static int ended_claims_keep_their_order(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row head = keyed(u, 1, 7), second = keyed(u, 2, 7), third = keyed(u, 3, 7);
	unsigned n;

	(void)ctx;
	ck_assert_str_eq(claim(u, 1), "d1 ");
	ck_assert_str_eq(burst(u, &head, 9), "d2 d3 ");
	head = now(u, &head);
	rows_move(u, &head, DELIVERY_DEAD_LETTERED);
	OK(directive_store_unclaim_expired(u, INT64_MAX, NOW, 9, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(!now(u, &second).blocked);
	ck_assert(now(u, &third).blocked);
	OK(outbox_audit(unit_view(u), err));
	ck_assert_str_eq(claim(u, 9), "d2 ");
	return 0;
}

/* A clock that was ahead: what it put far into the future comes back. */
static int a_clock_that_was_ahead(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row far = due_at(u, 1, NOW + 9000), farther = due_at(u, 2, NOW + 9001),
			     near = due_at(u, 3, NOW), head = keyed(u, 4, 7), behind, claimed;

	(void)ctx;
	behind = keyed(u, 5, 7); /* blocked, and to be retried: an older one came back before it */
	behind.status = DELIVERY_RETRY;
	behind.wake_at_ms = NOW + 99999;
	OK(directive_store_save(u, &behind, 1, err));
	claimed = fresh(u, 6);
	claimed.status = DELIVERY_CLAIMED;
	claimed.wake_at_ms = NOW + 99999;
	OK(directive_store_save(u, &claimed, 1, err));

	OK(directive_store_recall(u, NOW + 9000, NOW + 5, 0, err));
	ck_assert_int_eq(now(u, &farther).wake_at_ms, NOW + 9001);
	OK(directive_store_recall(u, NOW + 9000, NOW + 5, 9, err));
	ck_assert_int_eq(now(u, &far).wake_at_ms, NOW + 9000);
	ck_assert_int_eq(now(u, &farther).wake_at_ms, NOW + 5);
	ck_assert_int_eq(now(u, &farther).version, farther.version);
	ck_assert_int_eq(now(u, &near).wake_at_ms, NOW);
	ck_assert_int_eq(now(u, &behind).wake_at_ms, NOW + 5);
	ck_assert_int_eq(now(u, &claimed).wake_at_ms, NOW + 99999);
	ck_assert_int_eq(now(u, &head).wake_at_ms, 0);
	OK(directive_store_recall(u, NOW - 1, NOW - 1, 1, err)); /* one of them */
	ck_assert_int_eq((now(u, &far).wake_at_ms == NOW - 1) + (now(u, &farther).wake_at_ms == NOW - 1) +
				 (now(u, &near).wake_at_ms == NOW - 1) + (now(u, &behind).wake_at_ms == NOW - 1),
			 1);
	return 0;
}

/* --- order keys --- */

static bool has_older(struct unit *u, const struct directive_row *of)
{
	struct err e, *err = &e;
	bool ret;

	OK(directive_store_has_older_holder(unit_view(u), of, &ret, err));
	return ret;
}

static int blocked_at_append(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row first = keyed(u, 1, 7), second = keyed(u, 2, 7), other = keyed(u, 3, 8), unordered,
			     next = rows_directive(1, 9);

	(void)ctx;
	(void)err;
	unordered = fresh(u, 4);
	ck_assert(!first.blocked && second.blocked && !other.blocked && !unordered.blocked);
	ck_assert(!has_older(u, &first) && has_older(u, &second) && !has_older(u, &other) && !has_older(u, &unordered));
	rows_set_key(&next, 7); /* not added yet: behind all of them */
	ck_assert(has_older(u, &next));
	rows_set_key(&next, 9);
	ck_assert(!has_older(u, &next));
	next.order_key_n = 0;
	ck_assert(!has_older(u, &next));
	rows_move(u, &first, DELIVERY_SUBMITTED);
	ck_assert(!has_older(u, &second));
	return 0;
}

static int the_lane_of_a_key(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row first = keyed(u, 1, 7), row = rows_directive(1, 2);
	int64_t lane = 4711;

	(void)ctx;
	OK(directive_store_holder_lane(unit_view(u), first.order_key, first.order_key_n, &lane, err));
	ck_assert_int_eq(lane, 1);
	row.lane = 3;
	rows_set_key(&row, 7);
	row = rows_add(u, &arena, &row);
	OK(directive_store_holder_lane(unit_view(u), first.order_key, first.order_key_n, &lane, err));
	ck_assert_int_eq(lane, 3); /* the newest */
	rows_move(u, &row, DELIVERY_MANUAL);
	OK(directive_store_holder_lane(unit_view(u), first.order_key, first.order_key_n, &lane, err));
	ck_assert_int_eq(lane, 1);
	rows_move(u, &first, DELIVERY_MANUAL);
	FAILS(directive_store_holder_lane(unit_view(u), first.order_key, first.order_key_n, &lane, err), ERR_NOT_FOUND);
	FAILS(directive_store_holder_lane(unit_view(u), NULL, 0, &lane, err), ERR_NOT_FOUND);
	return 0;
}

static void unblock(struct unit *u, const struct directive_row *row)
{
	struct err e, *err = &e;

	OK(directive_store_unblock_oldest(u, row->order_key, row->order_key_n, err));
}

static int the_oldest_is_let_go(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row first = keyed(u, 1, 7), second = keyed(u, 2, 7), third = keyed(u, 3, 7),
			     other = keyed(u, 4, 8), unordered = fresh(u, 5);

	(void)ctx;
	(void)err;
	unblock(u, &first); /* nothing to do yet */
	ck_assert(now(u, &second).blocked);
	rows_move(u, &first, DELIVERY_SUBMITTED);
	ck_assert(now(u, &second).blocked);
	unblock(u, &first);
	ck_assert(!now(u, &second).blocked);
	ck_assert(now(u, &third).blocked);
	ck_assert_int_eq(now(u, &second).version, second.version);
	unblock(u, &other);
	unblock(u, &unordered);
	ck_assert(now(u, &third).blocked);
	rows_move(u, &second, DELIVERY_SUBMITTED);
	rows_move(u, &third, DELIVERY_SUBMITTED);
	unblock(u, &first); /* nobody left */
	return 0;
}

/* In a batch the head fails, which lets the oldest of the others go, and those are saved from the copies that the claim
 * gave: blocked, as they were then. */
static int a_copy_does_not_block_again(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row head = keyed(u, 1, 7), *rows, second, third;
	size_t n;

	(void)ctx;
	keyed(u, 2, 7);
	keyed(u, 3, 7);
	ck_assert_str_eq(claim(u, 1), "d1 ");
	OK(directive_store_claim_burst(u, &arena, &head, NOW, UNTIL, 9, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	second = rows[0];
	third = rows[1];
	ck_assert(second.blocked && third.blocked);
	head = now(u, &head);
	rows_move(u, &head, DELIVERY_DEAD_LETTERED);
	unblock(u, &head);
	rows_move(u, &second, DELIVERY_PENDING);
	rows_move(u, &third, DELIVERY_PENDING);
	ck_assert(!second.blocked && third.blocked); /* and the copies know */
	ck_assert(!now(u, &second).blocked && now(u, &third).blocked);
	OK(outbox_audit(unit_view(u), err));
	ck_assert_str_eq(claim(u, 9), "d2 ");
	return 0;
}

static int an_older_one_comes_back(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row first = keyed(u, 1, 7), second = keyed(u, 2, 7), third = keyed(u, 3, 7);

	(void)ctx;
	rows_move(u, &first, DELIVERY_MANUAL);
	unblock(u, &first);
	ck_assert(!now(u, &second).blocked);
	OK(directive_store_block_younger(u, &first, err));
	ck_assert_int_eq(now(u, &second).version, second.version);
	rows_move(u, &first, DELIVERY_PENDING);
	ck_assert(!first.blocked);
	ck_assert(now(u, &second).blocked && now(u, &third).blocked);
	OK(outbox_audit(unit_view(u), err));
	/* One that is claimed goes on; it is behind the older one only when it comes back itself. */
	rows_move(u, &first, DELIVERY_MANUAL);
	unblock(u, &first);
	ck_assert_str_eq(claim(u, 1), "d2 ");
	OK(directive_store_block_younger(u, &first, err));
	rows_move(u, &first, DELIVERY_PENDING);
	second = now(u, &second);
	ck_assert(!second.blocked);
	rows_move(u, &second, DELIVERY_RETRY);
	ck_assert(second.blocked);
	OK(outbox_audit(unit_view(u), err));
	ck_assert_str_eq(claim(u, 9), "d1 ");
	return 0;
}

/* --- order under any interleaving --- */

#define KEYS   4
#define ROWS   40
#define ROUNDS 300

/* What the drainer does, at random; then each key's directives must have gone out in order of acceptance. */
struct play {
	unsigned added;
	int64_t now_ms, sent[KEYS]; /* the newest that went out */
};

static unsigned key_of(const struct directive_row *row)
{
	return row->order_key[31];
}

static void play_send(struct unit *u, struct play *p, struct directive_row *row)
{
	unsigned key = key_of(row);

	ck_assert_msg(row->seq > p->sent[key], "%s went out after a younger one", row->id);
	p->sent[key] = row->seq;
	rows_move(u, row, DELIVERY_SUBMITTED);
	unblock(u, row);
}

/* A batch: all go out, or from one on none of that key does. */
static void play_batch(struct unit *u, struct play *p, struct directive_row *rows, size_t n)
{
	bool stopped[KEYS] = { false };

	for (size_t i = 0; i < n; i++) {
		uint64_t luck = rng_below(8);
		unsigned key = key_of(&rows[i]);

		if (stopped[key]) {
			rows_move(u, &rows[i], DELIVERY_PENDING);
		} else if (luck == 0) {
			rows_move(u, &rows[i], DELIVERY_RETRY);
			stopped[key] = true;
		} else if (luck == 1) {
			rows_move(u, &rows[i], DELIVERY_DEAD_LETTERED);
			unblock(u, &rows[i]);
			stopped[key] = true;
		} else {
			play_send(u, p, &rows[i]);
		}
	}
}

static void play_claim(struct unit *u, struct play *p)
{
	struct directive_row *rows, *more;
	struct err e, *err = &e;
	size_t n, n_more;

	OK(directive_store_claim(u, &arena, 1, 1, p->now_ms, p->now_ms + 500, 1 + (unsigned)rng_below(4), &rows, &n,
				 err));
	for (size_t i = 0; i < n; i++) {
		struct directive_row batch[1 + ROWS] = { rows[i] };
		uint64_t fate = rng_below(6);

		OK(directive_store_claim_burst(u, &arena, &rows[i], p->now_ms, p->now_ms + 500, (unsigned)rng_below(5),
					       &more, &n_more, err));
		memcpy(batch + 1, more, n_more * sizeof(*more));
		if (fate > 0) /* else the process dies: the claims end by themselves */
			play_batch(u, p, batch, 1 + n_more);
	}
}

static int play_unit(struct unit *u, void *ctx, struct err *err)
{
	struct play *p = ctx, was = *p;
	unsigned n;

	p->now_ms += (int64_t)rng_below(400);
	if (p->added < ROWS && rng_below(2) == 0) {
		struct directive_row row = rows_directive(1, p->added++);

		rows_set_key(&row, (unsigned)rng_below(KEYS));
		rows_add(u, &arena, &row);
	}
	OK(directive_store_unclaim_expired(u, p->now_ms, p->now_ms, 100, &n, err));
	play_claim(u, p);
	OK(outbox_audit(unit_view(u), err));
	if (rng_below(6) > 0)
		return 0;
	*p = was;
	return ERR(err, ERR_RANGE, "on purpose");
}

static int make_space(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	ck_assert_int_eq(rows_space(u, 1), 1);
	rows_lane(u, 1);
	return 0;
}

START_TEST(keys_keep_their_order)
{
	uint64_t tally[DELIVERY_COUNT];
	struct play p = { .now_ms = NOW };
	struct err e, *err = &e;

	rng_seed_for_test((uint64_t)_i + 1);
	scratch_unit(&scratch, make_space, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		if (store_unit(scratch.store, play_unit, &p, NULL, err) != 0)
			ck_assert_str_eq(err->msg, "on purpose");
		arena_reset(&arena);
	}
	store_flush(scratch.store);
	OK(directive_store_tally(store_view(scratch.store), 1, tally, err));
	ck_assert_uint_eq(p.added, ROWS);
	ck_assert_uint_eq(tally[DELIVERY_SUBMITTED] + tally[DELIVERY_DEAD_LETTERED], ROWS);
	ck_assert_uint_gt(tally[DELIVERY_SUBMITTED], 0);
	ck_assert_uint_gt(tally[DELIVERY_DEAD_LETTERED], 0);
}
END_TEST

/* --- two daemons --- */

static int add_eight(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	for (unsigned i = 0; i < 8; i++)
		fresh(u, i);
	return 0;
}

struct taken {
	struct directive_row *rows;
	size_t n;
};

static int take_four(struct unit *u, void *ctx, struct err *err)
{
	struct taken *t = ctx;

	return directive_store_claim(u, &arena, 1, 1, NOW, UNTIL, 4, &t->rows, &t->n, err);
}

static int expire(struct unit *u, void *ctx, struct err *err)
{
	return directive_store_unclaim_expired(u, UNTIL + 1, UNTIL + 1, 99, ctx, err);
}

static int save_first(struct unit *u, void *ctx, struct err *err)
{
	struct taken *t = ctx;

	t->rows[0].status = DELIVERY_RETRY;
	t->rows[0].wake_at_ms = NOW;
	return directive_store_save(u, &t->rows[0], NOW, err);
}

START_TEST(two_daemons_share_the_work)
{
	struct store_options opt = { .path = scratch.path, .shared = true };
	struct taken mine, theirs, again;
	struct store *other;
	struct err e, *err = &e;
	unsigned n;

	scratch_unit(&scratch, add_eight, NULL);
	OK(store_open(&opt, &other, err));
	scratch_unit(&scratch, take_four, &mine);
	OK(store_unit_now(other, take_four, &theirs, err));
	ck_assert_str_eq(ids(mine.rows, mine.n), "d0 d1 d2 d3 ");
	ck_assert_str_eq(ids(theirs.rows, theirs.n), "d4 d5 d6 d7 ");
	/* Mine took too long: the other gives all of them back and takes the first four. */
	OK(store_unit_now(other, expire, &n, err));
	ck_assert_uint_eq(n, 8);
	OK(store_unit_now(other, take_four, &again, err));
	ck_assert_str_eq(ids(again.rows, again.n), "d0 d1 d2 d3 ");
	FAILS(store_unit_now(scratch.store, save_first, &mine, err), ERR_CONFLICT);
	store_flush(scratch.store); /* and lets go of the file */
	OK(store_unit_now(other, save_first, &again, err));
	store_close(other);
}
END_TEST

/* --- */

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "a claimed row is whole", a_claimed_row_is_whole },
	{ "retries by due time", retries_by_due_time },
	{ "only what is ready here", only_what_is_ready_here },
	{ "no more than the arena holds", no_more_than_the_arena_holds },
	{ "successors next to each other", successors_next_to_each_other },
	{ "a burst stops at what is not fresh", a_burst_stops_at_what_is_not_fresh },
	{ "a burst stays in its lane", a_burst_stays_in_its_lane },
	{ "no burst", no_burst },
	{ "the next wake", the_next_wake },
	{ "claims end", claims_end },
	{ "ended claims keep their order", ended_claims_keep_their_order },
	{ "a clock that was ahead", a_clock_that_was_ahead },
	{ "blocked at append", blocked_at_append },
	{ "the lane of a key", the_lane_of_a_key },
	{ "the oldest is let go", the_oldest_is_let_go },
	{ "a copy does not block again", a_copy_does_not_block_again },
	{ "an older one comes back", an_older_one_comes_back },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/directive_claim");
	TCase *tc = tcase_create("claims");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	tcase_add_loop_test(tc, share_table, 0, (int)ARRAY_LEN(shares));
	tcase_add_loop_test(tc, keys_keep_their_order, 0, 6);
	tcase_add_test(tc, two_daemons_share_the_work);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
