/* spec/splice.md 7, O12: how long coins are reserved, and when they may go back. */
#include "rails/lightning/splice_hold.h"

#include <check.h>

#include "rails/bitcoin/psbt.h"
#include "rails/lightning/backend.h"
#include "tests/support/rails.h"
#include "tests/support/splice_rows.h"
#include "tests/support/suite.h"

#define HEIGHT 1000u
#define WHOLE  (HEIGHT + LN_RESERVE_BLOCKS)

/* Two coins are held; what the wallet says of each, and of the second whether it was released.  -1: it does not have it. */
static const struct {
	const char *name;
	int64_t first, second;
	bool released;
	uint32_t short_by;
} holds[] = {
	{ "just reserved", WHOLE, WHOLE, false, 0 },
	{ "for longer than that, by a bump", WHOLE + 2016, WHOLE + 2016, false, 0 },
	{ "a block less than it takes", WHOLE - SPLICE_HOLD_EVERY + 1, WHOLE, false, 0 },
	{ "as long as it takes", WHOLE - SPLICE_HOLD_EVERY, WHOLE, false, SPLICE_HOLD_EVERY },
	{ "the shorter one counts", WHOLE, WHOLE - 500, false, 500 },
	{ "one block is left", HEIGHT + 1, WHOLE, false, 2015 },
	{ "this is the block", HEIGHT, WHOLE, false, 2016 },
	{ "long over", 5, WHOLE, false, 2016 },
	{ "not reserved at all", 0, WHOLE, false, 2016 },
	{ "the other is spent", WHOLE, -1, false, 0 },
	{ "both are spent", -1, -1, false, 0 },
	{ "what was released does not count", WHOLE, 0, true, 0 },
};

START_TEST(reservations_are_made_longer)
{
	struct splice_input held[2] = { { .at = splice_at(1) }, { .at = splice_at(2) } }, wallet[3];
	int64_t to[2] = { holds[_i].first, holds[_i].second };
	size_t n = 0;

	held[1].released = holds[_i].released;
	wallet[n++] = (struct splice_input){ .at = splice_at(3) }; /* somebody else's affair */
	for (size_t i = 0; i < 2; i++)
		if (to[i] >= 0)
			wallet[n++] = (struct splice_input){ .at = held[i].at, .reserved_to = (uint32_t)to[i] };
	ck_assert_msg(splice_hold_short_by(held, 2, wallet, n, HEIGHT) == holds[_i].short_by, "%s: %u", holds[_i].name,
		      splice_hold_short_by(held, 2, wallet, n, HEIGHT));
}
END_TEST

START_TEST(a_psbt_names_them)
{
	struct splice_input in[3] = { { .at = splice_at(1) },
				      { .at = splice_at(2), .released = true },
				      { .at = splice_at(3) } };
	struct psbt p;
	char *text;

	ck_ok(splice_hold_psbt(&ra, in, 3, &text, &rerr));
	ck_ok(psbt_decode_text(&ra, text, &p, &rerr));
	ck_assert(p.tx.n_in == 2 && p.tx.n_out == 0);
	ck_assert(outpoint_equal(&p.tx.in[0].prevout, &in[0].at));
	ck_assert(outpoint_equal(&p.tx.in[1].prevout, &in[2].at));
	ck_fails(splice_hold_psbt(&ra, in + 1, 1, &text, &rerr), ERR_RANGE);
	ck_fails(splice_hold_psbt(&ra, in, 0, &text, &rerr), ERR_RANGE);
	ck_fails(splice_hold_psbt(&ra, in, SPLICE_INPUTS_MAX + 1, &text, &rerr), ERR_RANGE);
}
END_TEST

/* One candidate, and perhaps a payment. */
static const struct {
	const char *name;
	enum candidate_origin origin;
	enum candidate_state state;
	enum funding_status status;
	bool is_signed, over;
} ends[] = {
	{ "fixed, and never signed", CANDIDATE_OURS, CANDIDATE_NEGOTIATED, FUNDING_PENDING, false, true },
	{ "signed", CANDIDATE_OURS, CANDIDATE_SIGNED, FUNDING_PENDING, true, false },
	{ "seen", CANDIDATE_OURS, CANDIDATE_SEEN, FUNDING_PENDING, true, false },
	{ "in a block", CANDIDATE_OURS, CANDIDATE_CONFIRMED, FUNDING_PENDING, true, false },
	{ "locked", CANDIDATE_OURS, CANDIDATE_LOCKED, FUNDING_SUCCEEDED, false, true },
	{ "discarded", CANDIDATE_OURS, CANDIDATE_DISCARDED, FUNDING_PENDING, false, true },
	{ "the chain has excluded it", CANDIDATE_OURS, CANDIDATE_SIGNED, FUNDING_FAILED, true, true },
	{ "the peer's", CANDIDATE_FOREIGN, CANDIDATE_SIGNED, FUNDING_PENDING, false, true },
	{ "made by hand", CANDIDATE_FOREIGN_LOCAL, CANDIDATE_SEEN, FUNDING_PENDING, false, true },
};

START_TEST(they_go_back_when_nothing_can_confirm)
{
	struct funding_candidate c[2] = { splice_candidate_row(1), splice_candidate_row(2) };
	struct funding_payment p = splice_payment(1);

	c[0].state = CANDIDATE_DISCARDED;
	c[1].origin = ends[_i].origin;
	c[1].state = ends[_i].state;
	p.status = ends[_i].status;
	ck_assert_msg(splice_hold_is_signed(c, 2) == ends[_i].is_signed, "%s", ends[_i].name);
	ck_assert_msg(splice_hold_is_over(&p, c, 2) == ends[_i].over, "%s", ends[_i].name);
	ck_assert(splice_hold_is_over(NULL, NULL, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/splice_hold");
	TCase *t = rails_case(s, "holds");

	tcase_add_loop_test(t, reservations_are_made_longer, 0, ARRAY_LEN(holds));
	tcase_add_test(t, a_psbt_names_them);
	tcase_add_loop_test(t, they_go_back_when_nothing_can_confirm, 0, ARRAY_LEN(ends));
	return suite_run(s);
}
