/* spec/splice.md 2.2 and 2.3: payments, their candidates, and how a transaction finds its payment.  And the channels. */
#include "store/funding_store.h"

#include <string.h>

#include "tests/support/scratch.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1 << 20);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

static struct funding_candidate *candidates(struct unit *u, unsigned payment, size_t n)
{
	struct hash32 id = splice_hash(payment);
	struct funding_candidate *c;
	struct err e, *err = &e;
	size_t got;

	OK(funding_store_candidates(unit_view(u), &arena, &id, &c, &got, err));
	ck_assert_uint_eq(got, n);
	return c;
}

static int candidate_life(struct unit *u, void *ctx, struct err *err)
{
	struct hash32 one = splice_hash(1), two = splice_hash(2);
	struct funding_candidate bare = { .txid = splice_txid(3), .vout = 1, .round = 2, .first_seen_ms = 9 };
	struct funding_candidate full = splice_candidate_row(4), *c;

	(void)ctx;
	bare.origin = CANDIDATE_FOREIGN;
	bare.state = CANDIDATE_NEGOTIATED;
	OK(funding_store_put_candidate(u, &one, &bare, err));
	OK(funding_store_put_candidate(u, &one, &full, err));
	FAILS(funding_store_put_candidate(u, &two, &full, err), ERR_EXISTS);
	c = candidates(u, 1, 2);
	ck_assert(txid_equal(&c[0].txid, &full.txid) && txid_equal(&c[1].txid, &bare.txid)); /* by round */
	ck_assert(c[0].has_amount && c[0].has_fee && c[0].has_rate && c[0].raw.n == 3 && c[0].vout == 4);
	ck_assert(sat_value(c[0].amount) == 4000 && sat_value(c[0].fee) == 4);
	ck_assert(feerate_sat_per_kwu(c[0].rate) == 257 && c[0].state == CANDIDATE_SIGNED);
	ck_assert(!c[1].has_amount && !c[1].has_fee && !c[1].has_rate && c[1].raw.n == 0);
	ck_assert(c[1].origin == CANDIDATE_FOREIGN && c[1].state == CANDIDATE_NEGOTIATED && c[1].first_seen_ms == 9);

	/* What is not said stays. */
	full.has_amount = full.has_fee = full.has_rate = false;
	full.raw.n = 0;
	full.state = CANDIDATE_SEEN;
	OK(funding_store_put_candidate(u, &one, &full, err));
	c = candidates(u, 1, 2);
	ck_assert(c[0].state == CANDIDATE_SEEN && c[0].has_amount && c[0].has_fee && c[0].has_rate);
	ck_assert_uint_eq(c[0].raw.n, 3);
	OK(funding_store_set_state(u, &bare.txid, CANDIDATE_DISCARDED, err));
	ck_assert(candidates(u, 1, 2)[1].state == CANDIDATE_DISCARDED);
	FAILS(funding_store_set_state(u, &(struct txid){ { 0 } }, CANDIDATE_LOCKED, err), ERR_NOT_FOUND);
	return 0;
}

START_TEST(candidates_are_kept)
{
	scratch_unit(&scratch, candidate_life, NULL);
}
END_TEST

static int payment_life(struct unit *u, void *ctx, struct err *err)
{
	struct funding_payment p = splice_payment(1), got;
	struct hash32 none = splice_hash(2);

	(void)ctx;
	OK(funding_store_put(u, &p, err));
	ck_assert_int_eq(funding_store_get(unit_view(u), &p.id, &got, err), 1);
	ck_assert(got.type == p.type && got.direction == p.direction && got.status == p.status && !got.confirmed);
	ck_assert(txid_equal(&got.txid, &p.txid) && hash32_equal(&got.channel, &p.channel));
	ck_assert(pubkey_equal(&got.peer, &p.peer) && got.created_at_ms == 5 && got.updated_at_ms == 6);
	ck_assert(got.has_amount && got.has_fee && sat_value(got.amount) == 1000 && sat_value(got.fee) == 1);
	p.confirmed = true;
	p.block = (struct block_ref){ 77, { { 7 } } };
	p.status = FUNDING_SUCCEEDED;
	p.has_amount = p.has_fee = false;
	OK(funding_store_put(u, &p, err));
	ck_assert_int_eq(funding_store_get(unit_view(u), &p.id, &got, err), 1);
	ck_assert(got.confirmed && block_ref_equal(&got.block, &p.block) && got.status == FUNDING_SUCCEEDED);
	ck_assert(!got.has_amount && !got.has_fee);
	ck_assert_int_eq(funding_store_get(unit_view(u), &none, &got, err), 0);
	return 0;
}

START_TEST(a_payment_comes_back)
{
	scratch_unit(&scratch, payment_life, NULL);
}
END_TEST

static void finds(struct unit *u, unsigned txid, enum funding_link link, unsigned payment)
{
	struct txid t = splice_txid(txid);
	struct err e, *err = &e;
	enum funding_link got;
	struct hash32 id;

	OK(funding_store_find(unit_view(u), &t, &got, &id, err));
	ck_assert_msg(got == link, "transaction %u is a %d", txid, got);
	if (link != FUNDING_LINK_NONE)
		ck_assert_uint_eq(id.b[0], payment);
}

/* Payment 1 pending by transaction 1, with the candidate 11 and the conflict 21; payment 2 graduated by transaction 2, with the
 * conflict 22. */
static int finding(struct unit *u, void *ctx, struct err *err)
{
	struct funding_payment one = splice_payment(1), two = splice_payment(2);
	struct funding_candidate c = splice_candidate_row(11);
	struct txid conflict[2] = { splice_txid(21), splice_txid(22) }, *got;
	size_t n;

	(void)ctx;
	two.status = FUNDING_SUCCEEDED;
	two.confirmed = true;
	OK(funding_store_put(u, &one, err));
	OK(funding_store_put(u, &two, err));
	OK(funding_store_put_candidate(u, &one.id, &c, err));
	OK(funding_store_conflict(u, &one.id, &conflict[0], err));
	OK(funding_store_conflict(u, &one.id, &conflict[0], err)); /* known */
	OK(funding_store_conflict(u, &two.id, &conflict[1], err));
	OK(funding_store_conflicts(unit_view(u), &arena, &one.id, &got, &n, err));
	ck_assert(n == 1 && txid_equal(&got[0], &conflict[0]));
	finds(u, 11, FUNDING_LINK_CANDIDATE, 1);
	finds(u, 1, FUNDING_LINK_PENDING, 1);
	finds(u, 21, FUNDING_LINK_CONFLICT, 1);
	finds(u, 2, FUNDING_LINK_GRADUATED, 2);
	finds(u, 22, FUNDING_LINK_NONE, 0); /* of one that is no longer pending */
	finds(u, 99, FUNDING_LINK_NONE, 0);
	/* A candidate before all else, and also when its payment has graduated: G5. */
	c = splice_candidate_row(2);
	OK(funding_store_put_candidate(u, &one.id, &c, err));
	finds(u, 2, FUNDING_LINK_CANDIDATE, 1);
	one.status = FUNDING_SUCCEEDED;
	one.confirmed = true;
	OK(funding_store_put(u, &one, err));
	finds(u, 11, FUNDING_LINK_CANDIDATE, 1);
	finds(u, 21, FUNDING_LINK_NONE, 0);
	return 0;
}

START_TEST(a_transaction_finds_its_payment)
{
	scratch_unit(&scratch, finding, NULL);
}
END_TEST

static int absorbing(struct unit *u, void *ctx, struct err *err)
{
	struct funding_payment owned = splice_payment(1), stray = splice_payment(2), got;
	struct funding_candidate c = splice_candidate_row(2);
	struct txid shared = splice_txid(21), other = splice_txid(22), *conflicts;
	size_t n;

	(void)ctx;
	OK(funding_store_put(u, &owned, err));
	OK(funding_store_put(u, &stray, err));
	OK(funding_store_put_candidate(u, &stray.id, &c, err));
	OK(funding_store_conflict(u, &owned.id, &shared, err));
	OK(funding_store_conflict(u, &stray.id, &shared, err));
	OK(funding_store_conflict(u, &stray.id, &other, err));
	OK(funding_store_absorb(u, &stray.id, &owned.id, err));
	ck_assert_int_eq(funding_store_get(unit_view(u), &stray.id, &got, err), 0);
	ck_assert_int_eq(funding_store_get(unit_view(u), &owned.id, &got, err), 1);
	OK(funding_store_conflicts(unit_view(u), &arena, &owned.id, &conflicts, &n, err));
	ck_assert_uint_eq(n, 2);
	OK(funding_store_conflicts(unit_view(u), &arena, &stray.id, &conflicts, &n, err));
	ck_assert_uint_eq(n, 0);
	ck_assert(txid_equal(&candidates(u, 1, 1)[0].txid, &c.txid));
	finds(u, 2, FUNDING_LINK_CANDIDATE, 1);
	return 0;
}

START_TEST(a_stray_is_absorbed)
{
	scratch_unit(&scratch, absorbing, NULL);
}
END_TEST

static unsigned seen[8], n_seen;

static void see(void *ctx, const struct funding_payment *p)
{
	(void)ctx;
	seen[n_seen++] = p->id.b[0];
}

static int listing(struct unit *u, void *ctx, struct err *err)
{
	struct hash32 after = splice_hash(1), channel = splice_hash(9);

	(void)ctx;
	for (unsigned n = 4; n >= 1; n--) {
		struct funding_payment p = splice_payment(n);

		if (n == 2)
			p.status = FUNDING_FAILED;
		if (n >= 2)
			p.channel = channel;
		OK(funding_store_put(u, &p, err));
	}
	n_seen = 0;
	ck_assert_int_eq(funding_store_pending(unit_view(u), NULL, 2, see, NULL, err), 2);
	ck_assert_int_eq(funding_store_pending(unit_view(u), &after, 9, see, NULL, err), 2);
	ck_assert_int_eq(funding_store_of_channel(unit_view(u), &channel, 9, see, NULL, err), 3);
	ck_assert(seen[0] == 1 && seen[1] == 3 && seen[2] == 3 && seen[3] == 4);
	ck_assert(seen[4] == 2 && seen[5] == 3 && seen[6] == 4);
	return 0;
}

START_TEST(payments_by_page)
{
	scratch_unit(&scratch, listing, NULL);
}
END_TEST

/* Those that a block from a height on has: what a reorganisation may still take back. */
static int graduated(struct unit *u, void *ctx, struct err *err)
{
	struct hash32 after = splice_hash(2);

	(void)ctx;
	for (unsigned n = 1; n <= 5; n++) {
		struct funding_payment p = splice_payment(n);

		p.confirmed = true;
		p.block = (struct block_ref){ 100 + n, { { 7 } } };
		p.status = n == 4 ? FUNDING_PENDING : FUNDING_SUCCEEDED;
		OK(funding_store_put(u, &p, err));
	}
	n_seen = 0;
	ck_assert_int_eq(funding_store_graduated(unit_view(u), 102, NULL, 9, see, NULL, err), 3);
	ck_assert_int_eq(funding_store_graduated(unit_view(u), 102, NULL, 1, see, NULL, err), 1);
	ck_assert_int_eq(funding_store_graduated(unit_view(u), 0, &after, 9, see, NULL, err), 2);
	ck_assert_int_eq(funding_store_graduated(unit_view(u), 106, NULL, 9, see, NULL, err), 0);
	ck_assert(seen[0] == 2 && seen[1] == 3 && seen[2] == 5 && seen[3] == 2 && seen[4] == 3 && seen[5] == 5);
	return 0;
}

START_TEST(graduated_ones_by_height)
{
	scratch_unit(&scratch, graduated, NULL);
}
END_TEST

static const struct {
	const char *name, *sql;
} by_hand[] = {
	{ "graduated in no block", "UPDATE funding_payment SET status = 2" },
	{ "a block without a hash", "UPDATE funding_payment SET height = 1" },
	{ "an unknown status", "UPDATE funding_payment SET status = 4" },
	{ "an unknown state", "UPDATE funding_candidate SET state = 7" },
	{ "of no round", "UPDATE funding_candidate SET round = 0" },
	{ "one transaction, two payments",
	  "INSERT INTO funding_candidate SELECT zeroblob(32), txid, vout, round, origin, state, amount, fee, feerate, raw,"
	  " first_seen_ms FROM funding_candidate" },
};

static int add_both(struct unit *u, void *ctx, struct err *err)
{
	struct funding_payment p = splice_payment(1);
	struct funding_candidate c = splice_candidate_row(1);

	(void)ctx;
	OK(funding_store_put(u, &p, err));
	OK(funding_store_put_candidate(u, &p.id, &c, err));
	return 0;
}

START_TEST(refused_by_hand)
{
	scratch_unit(&scratch, add_both, NULL);
	store_flush(scratch.store);
	ck_assert_msg(scratch_sql_refused(&scratch, by_hand[_i].sql), "%s", by_hand[_i].name);
}
END_TEST

static void see_channel(void *ctx, const struct channel_row *row)
{
	(void)ctx;
	seen[n_seen++] = row->id.b[0];
}

static int channels(struct unit *u, void *ctx, struct err *err)
{
	struct channel_row row = splice_channel(1), got;
	struct hash32 after = splice_hash(1), none = splice_hash(9);

	(void)ctx;
	OK(channel_store_put(u, &row, err));
	row.alt_ref = "12";
	row.short_id = "103x1x0";
	row.phase = CHANNEL_CLOSING;
	row.usable = false;
	row.local = (struct msat){ 1 };
	row.seen_at_ms = 300;
	OK(channel_store_put(u, &row, err));
	ck_assert_int_eq(channel_store_get(unit_view(u), &arena, &row.id, &got, err), 1);
	ck_assert_str_eq(got.alt_ref, "12");
	ck_assert_str_eq(got.short_id, "103x1x0");
	ck_assert_str_eq(got.state, "CHANNELD_NORMAL");
	ck_assert(got.phase == CHANNEL_CLOSING && !got.usable && outpoint_equal(&got.funding, &row.funding));
	ck_assert(sat_value(got.capacity) == 1000000 && sat_value(got.reserve) == 10000 && msat_value(got.local) == 1);
	ck_assert(pubkey_equal(&got.peer, &row.peer) && got.seen_at_ms == 300);
	row = splice_channel(2);
	OK(channel_store_put(u, &row, err));
	OK(channel_store_told_all(u, 200, err)); /* channel 2 was told of at 100 */
	ck_assert_int_eq(channel_store_get(unit_view(u), &arena, &row.id, &got, err), 1);
	ck_assert(got.phase == CHANNEL_GONE && !got.usable);
	ck_assert_int_eq(channel_store_get(unit_view(u), &arena, &none, &got, err), 0);
	n_seen = 0;
	ck_assert_int_eq(channel_store_list(unit_view(u), &arena, NULL, 1, see_channel, NULL, err), 1);
	ck_assert_int_eq(channel_store_list(unit_view(u), &arena, &after, 9, see_channel, NULL, err), 1);
	ck_assert(seen[0] == 1 && seen[1] == 2);
	return 0;
}

START_TEST(channels_as_told_last)
{
	scratch_unit(&scratch, channels, NULL);
}
END_TEST

START_TEST(a_foreign_id_is_the_first_txid)
{
	struct txid txid = splice_txid(7);
	struct hash32 id = funding_foreign_id(&txid), expected = splice_hash(7);

	ck_assert(hash32_equal(&id, &expected));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/funding_store");
	TCase *tc = tcase_create("fundings");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, candidates_are_kept);
	tcase_add_test(tc, a_payment_comes_back);
	tcase_add_test(tc, a_transaction_finds_its_payment);
	tcase_add_test(tc, a_stray_is_absorbed);
	tcase_add_test(tc, payments_by_page);
	tcase_add_test(tc, graduated_ones_by_height);
	tcase_add_loop_test(tc, refused_by_hand, 0, (int)ARRAY_LEN(by_hand));
	tcase_add_test(tc, channels_as_told_last);
	tcase_add_test(tc, a_foreign_id_is_the_first_txid);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
