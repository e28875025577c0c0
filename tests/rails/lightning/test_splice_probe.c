/* spec/splice.md 8.1, U2: P1 to P11, each with a neighbour that must not match; and the order in which they are looked at. */
#include "rails/lightning/splice_probe.h"

#include <check.h>
#include <string.h>

#include "tests/support/splice_tx.h"
#include "tests/support/suite.h"

/* The channel is idle, the peer is there, and nothing was submitted yet. */
static struct splice_tx t;
static struct ln_channel channel;
static struct ln_flight flights[3];
static struct funding_candidate rows[3];
static const struct tx *flight_tx[3];
static struct probe p;
static struct splice_tx other;

static void setup(void)
{
	splice_tx_out(&t);
	channel = (struct ln_channel){
		.id = splice_hash(1),
		.state = "CHANNELD_NORMAL",
		.phase = CHANNEL_READY,
		.connected = true,
		.reestablished = true,
		.usable = true,
		.funding = splice_at(1),
		.flights = flights,
	};
	t.known.candidates = rows;
	for (unsigned n = 0; n < 3; n++) {
		rows[n] = splice_candidate_row(11 + n);
		rows[n].round = 1 + n;
		flights[n] = (struct ln_flight){ .funding = splice_at(11 + n), .own = t.known.terms.share };
		flight_tx[n] = NULL;
	}
	p = (struct probe){
		.reachable = true,
		.channel = &channel,
		.known = t.known,
		.kind = SPLICE_OUT,
		.inputs_unspent = true,
		.spend = SPEND_NONE,
		.flight_tx = flight_tx,
		.caps = LN_RBF | LN_CANCEL | LN_INFLIGHT_VIEW | LN_STAGED | LN_FEERATE,
		.budget = { .max_attempts = 3, .max_disconnects = 20, .now_ms = 1000 },
	};
}

/* The first n candidates have rows, and the node lists those from `from` to `to`. */
static void candidates(size_t n, enum candidate_state state)
{
	p.known.n_candidates = n;
	for (size_t i = 0; i < n; i++)
		rows[i].state = state;
}

static void lists(size_t n)
{
	channel.n_flights = n;
}

static void spent_by(const struct tx *tx, enum probe_spend spend, uint32_t depth)
{
	p.spend = spend;
	p.spender = tx;
	p.spend_depth = depth;
}

static struct probe_answer asked(enum probe_row row, enum probe_verdict verdict)
{
	struct probe_answer got = splice_probe(&p);

	ck_assert_msg(got.row == row && got.verdict == verdict, "P%d, verdict %d: not P%d, %d", got.row, got.verdict,
		      row, verdict);
	return got;
}

static void parks(enum probe_row row, enum splice_wait wait)
{
	struct probe_answer got = asked(row, VERDICT_PARK);

	ck_assert_str_eq(splice_wait_name(got.wait), splice_wait_name(wait));
}

static void fails(enum probe_row row, enum probe_verdict verdict, enum splice_class why)
{
	struct probe_answer got = asked(row, verdict);

	ck_assert_str_eq(splice_class_name(got.why), splice_class_name(why));
}

static void is_about(const struct probe_answer *got, struct outpoint at)
{
	ck_assert(txid_equal(&got->txid, &at.txid) && got->vout == at.vout);
}

START_TEST(p1_nobody_answers)
{
	p.reachable = false;
	parks(PROBE_P1, SPLICE_WAIT_NODE_UNREACHABLE);
	p.channel = NULL; /* what it would say counts for nothing */
	parks(PROBE_P1, SPLICE_WAIT_NODE_UNREACHABLE);
	p.reachable = true;
	fails(PROBE_P4, VERDICT_GIVE_UP, SPLICE_CLOSING);
}
END_TEST

START_TEST(p2_locked)
{
	struct probe_answer got;

	candidates(2, CANDIDATE_SIGNED);
	channel.funding = splice_at(11); /* the earlier one of two */
	got = asked(PROBE_P2, VERDICT_LOCKED);
	is_about(&got, splice_at(11));
	channel.phase = CHANNEL_CLOSING; /* also when it is being closed by now */
	asked(PROBE_P2, VERDICT_LOCKED);
	rows[0].origin = CANDIDATE_FOREIGN; /* a peer's that ours had joined: ours was never made */
	parks(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
}
END_TEST

/* Its row was lost to a crash: what the chain has tells that it is ours. */
START_TEST(p2_locked_without_a_row)
{
	channel.funding = (struct outpoint){ tx_txid(&t.tx), 1 };
	spent_by(&t.tx, SPEND_CONFIRMED, 1);
	asked(PROBE_P2, VERDICT_LOCKED);
	t.out[0].value = splice_sat(1); /* not what we wanted */
	channel.funding.txid = tx_txid(&t.tx);
	asked(PROBE_P3, VERDICT_REANCHOR);
	setup();
	channel.funding = splice_at(9); /* and it is another one that has replaced the base */
	spent_by(&t.tx, SPEND_CONFIRMED, 1);
	asked(PROBE_P3, VERDICT_REANCHOR);
}
END_TEST

START_TEST(p3_overtaken_before_anything_was_signed)
{
	struct probe_answer got;

	candidates(1, CANDIDATE_NEGOTIATED);
	channel.funding = splice_at(9);
	got = asked(PROBE_P3, VERDICT_REANCHOR);
	is_about(&got, splice_at(9));
	ck_assert_int_eq(got.count, COUNT_ATTEMPT);
	p.budget.attempts = 3;
	fails(PROBE_P3, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
	p.budget.attempts = 2;
	p.budget.deadline_ms = 1000;
	fails(PROBE_P3, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
}
END_TEST

START_TEST(p3_overtaken_after_it_was_signed)
{
	candidates(1, CANDIDATE_SIGNED);
	channel.funding = splice_at(9);
	parks(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
	splice_tx_in(&t); /* any other transaction */
	spent_by(&t.tx, SPEND_CONFIRMED, FUNDING_DEPTH - 1);
	parks(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
	p.spend_depth = FUNDING_DEPTH;
	fails(PROBE_P3, VERDICT_OVERTAKEN, SPLICE_STALE);
	p.retry_after_foreign = true;
	asked(PROBE_P3, VERDICT_REANCHOR);
	p.spend_depth = FUNDING_DEPTH - 1;
	parks(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
}
END_TEST

START_TEST(p4_closing)
{
	static const enum candidate_state seen[] = { CANDIDATE_SEEN, CANDIDATE_CONFIRMED };

	channel.phase = CHANNEL_CLOSING;
	fails(PROBE_P4, VERDICT_GIVE_UP, SPLICE_CLOSING);
	candidates(1, CANDIDATE_SIGNED);
	lists(1); /* P5 comes after it */
	fails(PROBE_P4, VERDICT_GIVE_UP, SPLICE_CLOSING);
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		candidates(1, seen[i]);
		asked(PROBE_P4, VERDICT_FOLLOW);
	}
	rows[0].origin = CANDIDATE_FOREIGN;
	fails(PROBE_P4, VERDICT_GIVE_UP, SPLICE_CLOSING);
	channel.phase = CHANNEL_GONE;
	channel.funding = splice_at(9); /* says nothing */
	rows[0].origin = CANDIDATE_OURS;
	asked(PROBE_P4, VERDICT_FOLLOW);
}
END_TEST

/* The row does not know yet that the chain has it. */
START_TEST(p4_closing_and_the_chain_has_ours)
{
	candidates(1, CANDIDATE_SIGNED);
	rows[0].txid = tx_txid(&t.tx);
	p.channel = NULL;
	spent_by(&t.tx, SPEND_MEMPOOL, 0);
	asked(PROBE_P4, VERDICT_FOLLOW);
	p.known.n_candidates = 0; /* a close may pay the same as our splice: nobody can tell */
	fails(PROBE_P4, VERDICT_GIVE_UP, SPLICE_CLOSING);
}
END_TEST

START_TEST(p5_adopted)
{
	static const enum splice_kind kinds[] = { SPLICE_NONE, SPLICE_IN, SPLICE_OUT };
	struct probe_answer got;

	candidates(2, CANDIDATE_SIGNED);
	lists(2);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		p.kind = kinds[k];
		got = asked(PROBE_P5, VERDICT_ADOPT);
		is_about(&got, splice_at(12)); /* the newest */
	}
	channel.usable = false; /* before P7 */
	asked(PROBE_P5, VERDICT_ADOPT);
	p.budget.attempts = 3; /* no budget ends it */
	asked(PROBE_P5, VERDICT_ADOPT);
	rows[1].state = CANDIDATE_NEGOTIATED; /* then the other one */
	got = asked(PROBE_P5, VERDICT_ADOPT);
	is_about(&got, splice_at(11));
	rows[0].state = CANDIDATE_DISCARDED;
	parks(PROBE_P7, SPLICE_WAIT_PEER_OFFLINE);
}
END_TEST

/* The node says that signatures are out, and not for which. */
START_TEST(p5_adopted_for_the_channel_is_splicing)
{
	candidates(1, CANDIDATE_NEGOTIATED);
	lists(1);
	channel.splicing = true;
	asked(PROBE_P5, VERDICT_ADOPT);
	channel.splicing = false;
	asked(PROBE_P6, VERDICT_CLEAN_UP);
}
END_TEST

/* A round that has no row: the crash came first. */
START_TEST(p5_adopted_without_a_row)
{
	struct probe_answer got;

	lists(1);
	channel.splicing = true;
	flight_tx[0] = &t.tx;
	got = asked(PROBE_P5, VERDICT_ADOPT);
	is_about(&got, splice_at(11));
	flight_tx[0] = NULL; /* O10: somebody at the node */
	parks(PROBE_P8, SPLICE_WAIT_FOREIGN_SPLICE);
	p.flight_tx = NULL;
	parks(PROBE_P8, SPLICE_WAIT_FOREIGN_SPLICE);
}
END_TEST

START_TEST(p5_adopted_from_the_chain)
{
	struct probe_answer got;

	spent_by(&t.tx, SPEND_MEMPOOL, 0);
	got = asked(PROBE_P5, VERDICT_ADOPT);
	is_about(&got, (struct outpoint){ tx_txid(&t.tx), 1 });
	candidates(1, CANDIDATE_SIGNED);
	rows[0].txid = tx_txid(&t.tx);
	rows[0].vout = 0; /* the row knows better */
	got = asked(PROBE_P5, VERDICT_ADOPT);
	is_about(&got, (struct outpoint){ tx_txid(&t.tx), 0 });
	p.known.n_candidates = 0;
	t.out[0].value = splice_sat(1);
	parks(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION); /* never by the spent output alone */
}
END_TEST

START_TEST(p5_a_bump_is_done_by_a_newer_one)
{
	p.kind = SPLICE_BUMP;
	p.bump_of_round = 1;
	candidates(2, CANDIDATE_SIGNED);
	lists(2);
	channel.splicing = true;
	asked(PROBE_P5, VERDICT_ADOPT);
	p.bump_of_round = 2;
	asked(PROBE_P11, VERDICT_BUILD);
	p.known.n_candidates = 1; /* the second has no row, and is ours */
	flight_tx[1] = &t.tx;
	asked(PROBE_P5, VERDICT_ADOPT);
}
END_TEST

START_TEST(p6_an_orphan)
{
	struct probe_answer got;

	candidates(1, CANDIDATE_NEGOTIATED);
	lists(1);
	got = asked(PROBE_P6, VERDICT_CLEAN_UP);
	is_about(&got, splice_at(11));
	p.caps &= ~(unsigned)LN_CANCEL;
	parks(PROBE_P6, SPLICE_WAIT_NODE_BUSY);
	p.caps |= LN_CANCEL;
	channel.usable = false; /* it may still be resumed */
	parks(PROBE_P7, SPLICE_WAIT_PEER_OFFLINE);
}
END_TEST

/* 5.1.7: an abort acts on the newest; where that is not certainly ours and unsigned it would close the channel. */
START_TEST(p6_no_abort_in_doubt)
{
	candidates(1, CANDIDATE_NEGOTIATED);
	lists(2);
	parks(PROBE_P6, SPLICE_WAIT_NODE_BUSY); /* the second is nobody's */
	lists(1);
	p.kind = SPLICE_BUMP;
	parks(PROBE_P6, SPLICE_WAIT_NODE_BUSY);
}
END_TEST

START_TEST(p7_not_before_reestablish)
{
	lists(1);
	channel.usable = false;
	parks(PROBE_P7, SPLICE_WAIT_PEER_OFFLINE); /* before P8: whose it is, is told later */
	lists(0);
	parks(PROBE_P9, SPLICE_WAIT_PEER_OFFLINE);
}
END_TEST

START_TEST(p8_foreign)
{
	lists(1);
	flights[0].own.by = splice_sat(0);
	parks(PROBE_P8, SPLICE_WAIT_FOREIGN_SPLICE);
	candidates(1, CANDIDATE_SIGNED);
	rows[0].origin = CANDIDATE_FOREIGN;
	parks(PROBE_P8, SPLICE_WAIT_FOREIGN_SPLICE);
	p.kind = SPLICE_BUMP; /* the peer's round, which a bump of ours replaces */
	p.bump_of_round = 1;
	asked(PROBE_P11, VERDICT_BUILD);
	rows[0].round = 2; /* and one that is newer than that */
	parks(PROBE_P8, SPLICE_WAIT_FOREIGN_SPLICE);
}
END_TEST

START_TEST(p9_dropped)
{
	struct probe_answer got = asked(PROBE_P9, VERDICT_BUILD);

	ck_assert_int_eq(got.count, COUNT_ATTEMPT);
	p.last = SPLICE_DISCONNECT;
	got = asked(PROBE_P9, VERDICT_RESUBMIT);
	ck_assert_int_eq(got.count, COUNT_DISCONNECT);
	p.inputs_unspent = false;
	asked(PROBE_P9, VERDICT_BUILD);
	p.last = SPLICE_STALE;
	p.budget.attempts = 2;
	asked(PROBE_P9, VERDICT_BUILD);
	p.budget.attempts = 3;
	fails(PROBE_P9, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
	p.budget.attempts = 0;
	p.budget.deadline_ms = 1000;
	fails(PROBE_P9, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
	channel.usable = false;
	fails(PROBE_P9, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
}
END_TEST

START_TEST(p9_where_the_node_queues)
{
	channel.usable = false;
	parks(PROBE_P9, SPLICE_WAIT_PEER_OFFLINE);
	p.caps |= LN_QUEUE_OFFLINE;
	asked(PROBE_P9, VERDICT_BUILD);
}
END_TEST

/* What the node was given as a whole, and does not tell of: nothing is decided before it has gone unseen for long enough, and then
 * there is one more. */
START_TEST(p9_handed_over)
{
	p.caps = LN_QUEUE_OFFLINE;
	p.budget.attempts = p.handed = 1;
	p.budget.max_attempts = SPLICE_HANDED_MAX;
	parks(PROBE_P9, SPLICE_WAIT_PEER_SIGNATURES);
	channel.usable = false;
	parks(PROBE_P9, SPLICE_WAIT_PEER_OFFLINE);
	p.unseen = true;
	parks(PROBE_P9, SPLICE_WAIT_PEER_OFFLINE); /* the peer has gone since */
	channel.usable = true;
	ck_assert_int_eq(asked(PROBE_P9, VERDICT_BUILD).count, COUNT_ATTEMPT);
	p.budget.attempts = 2;
	parks(PROBE_P9, SPLICE_WAIT_PEER_SIGNATURES); /* one of them was refused, and there is none left */
	p.handed = 2;
	parks(PROBE_P9, SPLICE_WAIT_PEER_SIGNATURES);
	p.budget.attempts = 0; /* whatever was counted: never a third */
	parks(PROBE_P9, SPLICE_WAIT_PEER_SIGNATURES);
	p.handed = 0; /* all of them were refused */
	p.budget.attempts = 2;
	fails(PROBE_P9, VERDICT_GIVE_UP, SPLICE_EXHAUSTED);
	p.budget.attempts = 1;
	asked(PROBE_P9, VERDICT_BUILD);
	channel.phase = CHANNEL_OPENING; /* it was ready, and is closing now */
	channel.usable = false;
	parks(PROBE_P9, SPLICE_WAIT_PEER_OFFLINE);
}
END_TEST

/* The base has been replaced by who knows what: it may have been ours. */
START_TEST(p3_overtaken_after_it_was_handed_over)
{
	splice_tx_in(&other);
	channel.funding = splice_at(9);
	p.handed = 1;
	parks(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
	spent_by(&other.tx, SPEND_CONFIRMED, FUNDING_DEPTH - 1);
	parks(PROBE_P3, SPLICE_WAIT_CONFIRMATION);
	p.spend_depth++;
	p.retry_after_foreign = true;
	fails(PROBE_P3, VERDICT_OVERTAKEN, SPLICE_STALE);
	p.handed = 0;
	asked(PROBE_P3, VERDICT_REANCHOR);
}
END_TEST

/* The candidate was written as signed, and the node never heard of it. */
START_TEST(p9_signed_and_nowhere)
{
	candidates(1, CANDIDATE_SIGNED);
	p.budget.was_signed = true;
	asked(PROBE_P9, VERDICT_BUILD); /* whatever becomes of it, it spends the same */
	p.budget.attempts = 3;
	parks(PROBE_P9, SPLICE_WAIT_CONFIRMATION); /* R5 */
	p.budget.attempts = 0;
	p.budget.deadline_ms = 1;
	channel.usable = false;
	parks(PROBE_P9, SPLICE_WAIT_PEER_OFFLINE);
}
END_TEST

/* G10: nothing is submitted while something spends the base, or when there is nothing to submit. */
START_TEST(p9_never_beside_a_spend)
{
	t.tx.locktime = 0x20123456;
	t.in[0].sequence = 0x80abcdef;
	spent_by(&t.tx, SPEND_MEMPOOL, 0);
	parks(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION);
	p.spend = SPEND_CONFIRMED;
	parks(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION);
	p.kind = SPLICE_NONE;
	p.spend = SPEND_NONE;
	parks(PROBE_P9, SPLICE_WAIT_CONFIRMATION);
}
END_TEST

/* A node that tells no candidates: what spends the base before it was given ours is another's. */
START_TEST(p9_of_a_whole_never_beside_a_spend)
{
	t.tx.n_in = 1;
	p.known.whole = true;
	spent_by(&t.tx, SPEND_MEMPOOL, 0);
	parks(PROBE_UNDECIDED, SPLICE_WAIT_FOREIGN_SPLICE);
	p.spend = SPEND_CONFIRMED;
	parks(PROBE_UNDECIDED, SPLICE_WAIT_FOREIGN_SPLICE);
	p.handed = 1;
	parks(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION);
	p.handed = 0;
	candidates(1, CANDIDATE_SIGNED);
	parks(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION);
}
END_TEST

START_TEST(p10_nothing_left_to_bump)
{
	p.kind = SPLICE_BUMP;
	p.bump_of_round = 1;
	candidates(1, CANDIDATE_SIGNED);
	fails(PROBE_P10, VERDICT_DROP_BUMP, SPLICE_NO_RBF);
	channel.usable = false;
	fails(PROBE_P10, VERDICT_DROP_BUMP, SPLICE_NO_RBF);
}
END_TEST

static void bumping(void)
{
	p.kind = SPLICE_BUMP;
	p.bump_of_round = 1;
	candidates(1, CANDIDATE_SEEN);
	lists(1);
	channel.splicing = true;
}

START_TEST(p11_a_dropped_bump)
{
	bumping();
	asked(PROBE_P11, VERDICT_BUILD);
	p.last = SPLICE_DISCONNECT;
	asked(PROBE_P11, VERDICT_RESUBMIT);
	p.budget.disconnects = 20;
	fails(PROBE_P11, VERDICT_DROP_BUMP, SPLICE_EXHAUSTED);
	p.last = SPLICE_STALE;
	p.budget.attempts = 3;
	fails(PROBE_P11, VERDICT_DROP_BUMP, SPLICE_EXHAUSTED);
	channel.usable = false;
	parks(PROBE_P7, SPLICE_WAIT_PEER_OFFLINE);
}
END_TEST

START_TEST(p11_what_is_to_be_bumped_is_in_a_mempool_or_block)
{
	bumping();
	rows[0].txid = flights[0].funding.txid = tx_txid(&t.tx);
	spent_by(&t.tx, SPEND_MEMPOOL, 0);
	asked(PROBE_P11, VERDICT_BUILD);
	p.spend = SPEND_CONFIRMED;
	fails(PROBE_P11, VERDICT_DROP_BUMP, SPLICE_NO_RBF);
	bumping();
	splice_tx_in(&t); /* something else */
	spent_by(&t.tx, SPEND_MEMPOOL, 0);
	rows[0].txid = flights[0].funding.txid = splice_txid(11);
	parks(PROBE_UNDECIDED, SPLICE_WAIT_CONFIRMATION);
}
END_TEST

/* Whatever else is so: once it is locked, and once a signed candidate is there, nothing is submitted. */
START_TEST(nothing_is_submitted_twice)
{
	for (unsigned bits = 0; bits < 64; bits++) {
		enum probe_verdict v;

		setup();
		candidates(1, CANDIDATE_SIGNED);
		p.last = bits & 1 ? SPLICE_DISCONNECT : SPLICE_STALE;
		p.inputs_unspent = (bits & 2) != 0;
		channel.usable = (bits & 4) != 0;
		channel.splicing = (bits & 8) != 0;
		p.retry_after_foreign = (bits & 16) != 0;
		if (bits & 32)
			channel.funding = splice_at(11);
		else
			lists(1);
		v = splice_probe(&p).verdict;
		ck_assert_msg(v == (bits & 32 ? VERDICT_LOCKED : VERDICT_ADOPT), "%x: %d", bits, v);
	}
}
END_TEST

/* One digit of a number in a mixed base: the next of n choices. */
static unsigned digit(unsigned *rest, unsigned n)
{
	unsigned d = *rest % n;

	*rest /= n;
	return d;
}

/* All that setup() makes, and another transaction, to begin each world with: an assertion of Check costs more than a probe. */
static struct {
	struct splice_tx t;
	struct ln_channel channel;
	struct ln_flight flights[3];
	struct funding_candidate rows[3];
	struct probe p;
} kept;

static void keep_the_beginning(void)
{
	splice_tx_in(&other);
	kept.t = t;
	kept.channel = channel;
	kept.p = p;
	memcpy(kept.flights, flights, sizeof(flights));
	memcpy(kept.rows, rows, sizeof(rows));
}

static void begin_again(void)
{
	t = kept.t;
	channel = kept.channel;
	p = kept.p;
	memcpy(flights, kept.flights, sizeof(flights));
	memcpy(rows, kept.rows, sizeof(rows));
}

/* The i-th of all worlds; false when there are no more. */
static bool world(unsigned i)
{
	static const enum splice_kind kinds[] = { SPLICE_NONE, SPLICE_OUT, SPLICE_BUMP };
	static const enum candidate_state states[] = { CANDIDATE_NEGOTIATED, CANDIDATE_SIGNED, CANDIDATE_DISCARDED };
	static const enum channel_phase phases[] = { CHANNEL_READY, CHANNEL_CLOSING, CHANNEL_READY };
	unsigned rest = i, d;

	begin_again();
	p.kind = kinds[digit(&rest, ARRAY_LEN(kinds))];
	p.bump_of_round = p.kind == SPLICE_BUMP ? 1 : 0;
	candidates(digit(&rest, 3), CANDIDATE_SIGNED);
	rows[0].state = states[digit(&rest, ARRAY_LEN(states))];
	rows[0].origin = digit(&rest, 2) ? CANDIDATE_FOREIGN : CANDIDATE_OURS;
	rows[1].state = states[digit(&rest, 2)];
	lists(digit(&rest, 3));
	if (digit(&rest, 2))
		flights[1].own.by = (struct sat){ 0 };
	channel.usable = digit(&rest, 2) != 0;
	channel.splicing = digit(&rest, 2) != 0;
	d = digit(&rest, ARRAY_LEN(phases));
	channel.phase = phases[d];
	if (d == 2)
		channel.funding = flights[0].funding;
	d = digit(&rest, 5); /* nothing, ours or something else, in a mempool or a block */
	if (d > 0)
		spent_by(d % 2 ? &t.tx : &other.tx, d > 2 ? SPEND_CONFIRMED : SPEND_MEMPOOL, d > 2);
	d = digit(&rest, 3);
	p.budget.attempts = d == 1 ? 3 : 0;
	p.budget.deadline_ms = d == 2;
	p.last = digit(&rest, 2) ? SPLICE_DISCONNECT : SPLICE_FINE;
	return rest == 0;
}

static bool is_listed(const struct txid *txid)
{
	for (size_t i = 0; i < channel.n_flights; i++)
		if (txid_equal(&flights[i].funding.txid, txid))
			return true;
	return false;
}

/* G10 and O5, of an answer that has something submitted. */
static bool may_submit(void)
{
	bool signed_and_listed = false;

	for (size_t i = 0; i < p.known.n_candidates; i++)
		if (rows[i].origin == CANDIDATE_OURS && candidate_is_out(rows[i].state) && is_listed(&rows[i].txid) &&
		    (p.kind != SPLICE_BUMP || rows[i].round > p.bump_of_round))
			signed_and_listed = true;
	return p.kind != SPLICE_NONE && outpoint_equal(&channel.funding, &p.known.terms.base) &&
	       channel.phase == CHANNEL_READY && channel.usable && !signed_and_listed && p.spend != SPEND_CONFIRMED &&
	       (p.spend == SPEND_NONE || p.kind == SPLICE_BUMP) && p.budget.deadline_ms == 0 &&
	       (p.budget.attempts < p.budget.max_attempts || p.last == SPLICE_DISCONNECT) &&
	       (p.kind == SPLICE_BUMP) == (channel.n_flights > 0);
}

/* What is so in every world, whatever row it is. */
START_TEST(in_every_world)
{
	unsigned submitted = 0, aborted = 0, n = 0;

	keep_the_beginning();
	for (; world(n); n++) {
		struct probe_answer got = splice_probe(&p);
		bool submits = got.verdict == VERDICT_BUILD || got.verdict == VERDICT_RESUBMIT;
		bool counts = submits || got.verdict == VERDICT_REANCHOR;
		bool cleans = got.verdict == VERDICT_CLEAN_UP;

		if (submits && !may_submit())
			ck_abort_msg("world %u: submitted by P%d", n, got.row);
		if (counts != (got.count != COUNT_NOTHING))
			ck_abort_msg("world %u: P%d counts %d", n, got.row, got.count);
		if ((got.verdict == VERDICT_PARK) != (got.wait != SPLICE_WAIT_NONE))
			ck_abort_msg("world %u: P%d waits for %s", n, got.row, splice_wait_name(got.wait));
		if (got.verdict == VERDICT_DROP_BUMP && p.kind != SPLICE_BUMP)
			ck_abort_msg("world %u: P%d drops no bump", n, got.row);
		if (cleans && !(channel.usable && splice_may_abort(&channel, p.kind, &p.known)))
			ck_abort_msg("world %u: P%d aborts", n, got.row);
		submitted += submits;
		aborted += cleans;
	}
	ck_assert_uint_gt(n, 100000);
	ck_assert_uint_gt(submitted, 100);
	ck_assert_uint_gt(aborted, 100);
}
END_TEST

START_TEST(when_to_abort)
{
	ck_assert(splice_may_abort(&channel, SPLICE_OUT, &p.known)); /* no row at the node: 5.1.7 */
	candidates(2, CANDIDATE_NEGOTIATED);
	lists(2);
	ck_assert(splice_may_abort(&channel, SPLICE_IN, &p.known));
	ck_assert(!splice_may_abort(&channel, SPLICE_BUMP, &p.known));
	ck_assert(!splice_may_abort(&channel, SPLICE_NONE, &p.known));
	rows[0].state = CANDIDATE_SIGNED;
	ck_assert(!splice_may_abort(&channel, SPLICE_IN, &p.known));
	rows[0].state = CANDIDATE_DISCARDED;
	ck_assert(splice_may_abort(&channel, SPLICE_IN, &p.known));
	rows[0].origin = CANDIDATE_FOREIGN_LOCAL;
	ck_assert(!splice_may_abort(&channel, SPLICE_IN, &p.known));
	rows[0].origin = CANDIDATE_OURS;
	lists(3);
	ck_assert(!splice_may_abort(&channel, SPLICE_IN, &p.known));
	lists(1);
	channel.splicing = true;
	ck_assert(!splice_may_abort(&channel, SPLICE_IN, &p.known));
	channel.splicing = false;
	channel.phase = CHANNEL_CLOSING;
	ck_assert(!splice_may_abort(&channel, SPLICE_IN, &p.known));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/lightning/splice_probe");
	TCase *tc = tcase_create("probe");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, p1_nobody_answers);
	tcase_add_test(tc, p2_locked);
	tcase_add_test(tc, p2_locked_without_a_row);
	tcase_add_test(tc, p3_overtaken_before_anything_was_signed);
	tcase_add_test(tc, p3_overtaken_after_it_was_signed);
	tcase_add_test(tc, p4_closing);
	tcase_add_test(tc, p4_closing_and_the_chain_has_ours);
	tcase_add_test(tc, p5_adopted);
	tcase_add_test(tc, p5_adopted_for_the_channel_is_splicing);
	tcase_add_test(tc, p5_adopted_without_a_row);
	tcase_add_test(tc, p5_adopted_from_the_chain);
	tcase_add_test(tc, p5_a_bump_is_done_by_a_newer_one);
	tcase_add_test(tc, p6_an_orphan);
	tcase_add_test(tc, p6_no_abort_in_doubt);
	tcase_add_test(tc, p7_not_before_reestablish);
	tcase_add_test(tc, p8_foreign);
	tcase_add_test(tc, p9_dropped);
	tcase_add_test(tc, p9_where_the_node_queues);
	tcase_add_test(tc, p9_handed_over);
	tcase_add_test(tc, p3_overtaken_after_it_was_handed_over);
	tcase_add_test(tc, p9_signed_and_nowhere);
	tcase_add_test(tc, p9_never_beside_a_spend);
	tcase_add_test(tc, p9_of_a_whole_never_beside_a_spend);
	tcase_add_test(tc, p10_nothing_left_to_bump);
	tcase_add_test(tc, p11_a_dropped_bump);
	tcase_add_test(tc, p11_what_is_to_be_bumped_is_in_a_mempool_or_block);
	tcase_add_test(tc, nothing_is_submitted_twice);
	tcase_add_test(tc, in_every_world);
	tcase_add_test(tc, when_to_abort);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
