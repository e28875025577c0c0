/* The rows of spec/exit.md 1.4 and 1.5, as stories: what the chain shows, and what becomes of the exit. */
#include "exit/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define TXS_MAX 5
#define DELTA   12u
#define LINE    512

static struct arena arena;

static void setup(void)
{
	arena = ARENA_LIMIT(16 * 1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
}

/* --- a chain in words --- */

static struct txid named(char what, size_t i)
{
	struct txid id = { { (uint8_t)what, (uint8_t)i } };

	return id;
}

/* "101" or, in another chain, "101'". */
static struct block_ref block_of(const char *text)
{
	char *end;
	struct block_ref ref = { (uint32_t)strtoul(text, &end, 10), { { 0 } } };

	memcpy(ref.hash.b, &ref.height, sizeof(ref.height));
	ref.hash.b[31] = *end == '\'' ? 1 : 0;
	return ref;
}

/* What a moment shows.
 *   txs: a word for each: "." unseen; "p" unseen, its child is stored here; "m" in the mempool with our child, "M" with a
 *        stranger's, "n" with none; "k" and "K" the same as "m" and "M", but for the child, which a block was seen to have;
 *        "C101" in a block with ours, "B101" with a stranger's, "X101" with none; "R101" a block has something else that
 *        spends its input
 *   spend: "" none, "m" by us in the mempool, "C120" by us in a block, "F120" by a stranger */
struct moment {
	uint32_t tip;
	const char *txs, *spend;
	const char *expect; /* the states that it goes through, and what troubles it */
};

struct world {
	struct exit_facts facts;
	struct exit_tx_facts txs[TXS_MAX];
	struct txid txids[TXS_MAX];
	bool forked; /* blocks from 110 on are others */
};

static bool block_at(const void *ctx, uint32_t height, struct block_ref *ret)
{
	const struct world *w = ctx;
	char text[16];

	snprintf(text, sizeof(text), "%u%s", height, w->forked && height >= 110 ? "'" : "");
	*ret = block_of(text);
	return true;
}

static struct exit_tx_facts tx_of(const char *word, size_t i)
{
	struct exit_tx_facts t = { .place = EXIT_TX_UNSEEN };
	char what = word[0];

	if (what == 'R') {
		t.has_rival = true;
		t.rival = named('R', i);
		t.rival_block = block_of(word + 1);
		return t;
	}
	if (strchr("mMnkK", what))
		t.place = EXIT_TX_MEMPOOL;
	if (strchr("CBX", what)) {
		t.place = EXIT_TX_CONFIRMED;
		t.block = block_of(word + 1);
	}
	t.payer.exists = strchr("pmMkKCB", what) != NULL;
	t.payer_seen = t.payer.exists && what != 'p';
	if (t.payer.exists) {
		t.payer.txid = named(strchr("MKB", what) ? 'f' : 'o', i);
		t.payer.origin = what == 'M' ? CHILD_MEMPOOL : strchr("KB", what) ? CHILD_BLOCK : CHILD_WALLET;
		t.payer.confirmed = t.place == EXIT_TX_CONFIRMED || strchr("kK", what);
		t.payer.block = t.place == EXIT_TX_CONFIRMED ? t.block : block_of("101");
	}
	return t;
}

static void show_moment(struct world *w, const struct moment *m)
{
	struct exit_facts *f = &w->facts;

	f->n_txs = 0;
	for (const char *word = m->txs; *word; word += strcspn(word, " "), word += *word == ' ') {
		w->txids[f->n_txs] = named('T', f->n_txs);
		w->txs[f->n_txs] = tx_of(word, f->n_txs);
		f->n_txs++;
	}
	f->txs = w->txs;
	f->txids = w->txids;
	f->tip.height = m->tip;
	f->block_at = block_at;
	f->ctx = w;
	block_at(w, m->tip, &f->tip);
	f->spend = m->spend[0] == '\0' ? EXIT_UNSPENT : m->spend[0] == 'm' ? EXIT_SPENT_MEMPOOL : EXIT_SPENT_MINED;
	f->spender = named(m->spend[0], 0);
	f->spent_by_us = m->spend[0] != 'F';
	if (f->spend == EXIT_SPENT_MINED)
		f->spent_in = block_of(m->spend + 1);
}

static struct world world_new(void)
{
	struct world w = { .facts = { .amount = { 10000 },
				      .has_clause = true,
				      .delta = DELTA,
				      .root = named('A', 0),
				      .root_confirmed = true,
				      .final_confs = 6 } };

	return w;
}

/* --- an exit in words --- */

static void add(char *line, const char *text)
{
	size_t n = strlen(line);

	ck_assert_uint_lt(n + strlen(text), LINE);
	memcpy(line + n, text, strlen(text) + 1);
}

static void name_status(char *line, const struct exit_status *s)
{
	static const char parts[] = "?vicaC", states[] = "?SPDKIFXN";
	char text[64];

	snprintf(text, sizeof(text), "%c", states[s->state]);
	add(line, text);
	if (s->state == EXIT_PROCESSING) {
		add(line, "[");
		for (size_t i = 0; i < s->n_txs; i++) {
			snprintf(text, sizeof(text), "%c", parts[s->txs[i].part]);
			add(line, text);
		}
		add(line, "]");
	}
	if (s->state == EXIT_AWAITING_DELTA) {
		snprintf(text, sizeof(text), "%u%s", s->claimable_height, s->waits_for_cltv ? "cltv" : "");
		add(line, text);
	}
	if (s->state == EXIT_CLAIMABLE && s->since.hash.b[31])
		add(line, "'");
	if (s->state == EXIT_CLAIMED && !s->spent_by_us)
		add(line, "other");
	if (s->state == EXIT_ALREADY_SPENT && s->conflict)
		add(line, "conflict");
}

/* Steps until nothing changes; each state is written, stored as text and read back. */
static void run(const struct world *w, struct exit_status *s, char *line, bool *ret_live)
{
	struct err failure;

	line[0] = '\0';
	for (unsigned i = 0; i < 100; i++) {
		struct exit_move m;
		struct exit_status again;

		exit_step(&arena, s, &w->facts, &m);
		*ret_live = m.live;
		if (m.changed) {
			add(line, line[0] == '\0' ? "" : ">");
			name_status(line, &m.to);
		}
		ck_assert_msg(exit_status_parse(&arena, exit_status_text(&arena, &m.to), &again, &failure) == 0, "%s",
			      failure.msg);
		ck_assert(exit_status_equal(&again, &m.to));
		*s = again;
		if (m.changed)
			continue;
		if (m.trouble.tag != TROUBLE_NONE) {
			add(line, "!");
			add(line, exit_trouble_name(m.trouble.tag));
		}
		return;
	}
	ck_abort_msg("it never rests: %s", line);
}

#define MOMENTS 12
static const struct story {
	const char *name;
	struct moment at[MOMENTS];
} stories[] = {
	{ "a board exit (9.1)",
	  { { 100, ".", "", "P[v]>P[c]" },
	    { 100, "p", "", "P[a]" },
	    { 100, "m", "", "" },
	    { 101, "C101", "", "D113" },
	    { 112, "C101", "", "" },
	    { 113, "C101", "", "K" },
	    { 113, "C101", "m", "I" },
	    { 114, "C101", "C114", "F" },
	    { 119, "C101", "C114", "" } } },
	{ "one after the other (9.2)",
	  { { 100, ". . .", "", "P[vvv]>P[cii]" },
	    { 100, "m . .", "", "P[aii]" },
	    { 101, "C101 . .", "", "P[Cci]" },
	    { 101, "C101 m .", "", "P[Cai]" },
	    { 102, "C101 C102 .", "", "P[CCc]" },
	    { 102, "C101 C102 m", "", "P[CCa]" },
	    { 103, "C101 C102 C103", "", "D115" } } },
	{ "somebody else pays (9.10)",
	  { { 100, ".", "", "P[v]>P[c]" }, { 100, "M", "", "P[a]" }, { 101, "B101", "", "D113" } } },
	{ "his child takes the place of ours (9.11, 9.12)",
	  { { 100, "m", "", "P[v]>P[a]" }, { 100, "M", "", "P[a]" }, { 101, "B101", "", "D113" } } },
	{ "its child is seen in the block before itself is (9.32)",
	  { { 100, "m", "", "P[v]>P[a]" }, { 101, "k", "", "" }, { 101, "C101", "", "D113" } } },
	{ "and a stranger's", { { 100, "M", "", "P[v]>P[a]" }, { 101, "K", "", "" }, { 101, "B101", "", "D113" } } },
	{ "mined without a child ([X-15])", { { 100, ".", "", "P[v]>P[c]" }, { 101, "X101", "", "D113" } } },
	{ "its child has gone (1.9)",
	  { { 100, "m", "", "P[v]>P[a]" }, { 100, "n", "", "P[c]" }, { 100, "m", "", "P[a]" } } },
	{ "a block goes, the transaction stays (9.14)",
	  { { 101, "C101 .", "", "P[vv]>P[Cc]" }, { 100, "m .", "", "P[ai]" }, { 101, "C101' .", "", "P[Cc]" } } },
	{ "the last one falls out while it waits (9.15)",
	  { { 101, "C101", "", "P[v]>D113" },
	    { 102, "p", "", "P[v]>P[a]" },
	    { 103, "C103'", "", "D115" },
	    { 115, "C103'", "", "K'" } } },
	{ "mined at another height while it waits (9.16)",
	  { { 101, "C101", "", "P[v]>D113" }, { 103, "C102'", "", "D114" }, { 113, "C102'", "", "" } } },
	{ "the last one falls out when it could be claimed (9.17)",
	  { { 113, "C101", "", "P[v]>D113>K" }, { 113, "m", "", "P[v]>P[a]" } } },
	{ "mined later, when it could be claimed ([X-2])",
	  { { 113, "C101", "", "P[v]>D113>K" }, { 113, "C104'", "", "D116" } } },
	{ "the claim falls out (9.17)",
	  { { 113, "C101", "", "P[v]>D113>K" }, { 113, "C101", "m", "I" }, { 113, "C101", "", "K" } } },
	{ "the block of the claim goes ([X-7])",
	  { { 114, "C101", "C114", "P[v]>D113>K>F" },
	    { 113, "C101", "m", "I" },
	    { 114, "C101", "C114'", "F" },
	    { 113, "C101", "", "K" } } },
	{ "all goes, after it was claimed",
	  { { 114, "C101", "C114", "P[v]>D113>K>F" }, { 100, "p", "", "P[v]>P[a]" } } },
	{ "another claim is mined", { { 113, "C101", "m", "P[v]>D113>K>I" }, { 114, "C101", "F114", "Fother" } } },
	{ "the server spends it while it waits (9.22, [X-4])",
	  { { 101, "C101", "", "P[v]>D113" }, { 105, "C101", "F105", "" }, { 113, "C101", "F105", "K>Fother" } } },
	{ "the tip goes below what was claimable",
	  { { 113, "C101", "", "P[v]>D113>K" }, { 112, "C101", "", "D113" }, { 113, "C101", "", "K" } } },
	{ "an input is spent by a block (9.23)",
	  { { 100, "R100 .", "", "P[vv]!exit-input-conflict" },
	    { 104, "R100 .", "", "!exit-input-conflict" },
	    { 105, "R100 .", "", "Xconflict" },
	    { 106, "C106 .", "", "" } } },
	{ "what spent it falls out again",
	  { { 100, "R100 .", "", "P[vv]!exit-input-conflict" }, { 101, ". .", "", "P[ci]" } } },
	{ "the first goes on, the second cannot (1.6)",
	  { { 100, ". .", "", "P[vv]>P[ci]" }, { 101, "C101 R101", "", "P[Ci]!exit-input-conflict" } } },
	{ "another has put it on chain (9.26)", { { 113, "B90 B91 B92", "", "P[vvv]>D104>K" } } },
	{ "a parent is mined again while its child waits",
	  { { 101, "C101 m", "", "P[vv]>P[Ca]" }, { 100, "m p", "", "P[aa]" }, { 101, "C101' p", "", "P[Ca]" } } },
};

START_TEST(story_table)
{
	const struct story *t = &stories[_i];
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	for (size_t i = 0; i < MOMENTS && t->at[i].txs; i++) {
		char line[LINE];
		bool live;

		w.forked = strchr(t->at[i].txs, '\'') != NULL;
		show_moment(&w, &t->at[i]);
		run(&w, &s, line, &live);
		ck_assert_msg(strcmp(line, t->at[i].expect) == 0, "%s, moment %zu: %s instead of %s", t->name, i, line,
			      t->at[i].expect);
	}
}
END_TEST

/* --- what a story cannot say --- */

static void check(struct world *w, struct exit_status *s, struct moment m, bool expect_live)
{
	char line[LINE];
	bool live;

	show_moment(w, &m);
	run(w, s, line, &live);
	ck_assert_str_eq(line, m.expect);
	ck_assert_int_eq(live, expect_live);
}

START_TEST(a_claim_is_watched_until_it_is_final)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	check(&w, &s, (struct moment){ 114, "C101", "C114", "P[v]>D113>K>F" }, true);
	check(&w, &s, (struct moment){ 118, "C101", "C114", "" }, true);
	check(&w, &s, (struct moment){ 119, "C101", "C114", "" }, false);
}
END_TEST

/* While it lives, it asks for attention: for a week, however long ago it was taken. */
START_TEST(a_loss_is_shown_longer)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	check(&w, &s, (struct moment){ 113, "C101", "F102", "P[v]>D113>K>Fother" }, true);
	check(&w, &s, (struct moment){ 102 + EXIT_LOST_FINAL - 2, "C101", "F102", "" }, true);
	check(&w, &s, (struct moment){ 102 + EXIT_LOST_FINAL - 1, "C101", "F102", "" }, false);
}
END_TEST

START_TEST(too_little_is_not_started)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	w.facts.amount.v = EXIT_DUST - 1;
	check(&w, &s, (struct moment){ 100, ".", "", "!dust-limit" }, true);
	w.facts.amount.v = EXIT_DUST;
	check(&w, &s, (struct moment){ 100, ".", "", "P[v]>P[c]" }, true);
}
END_TEST

/* */
START_TEST(an_absolute_lock_counts_too)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	w.facts.locktime = 150;
	check(&w, &s, (struct moment){ 120, "C101", "", "P[v]>D150cltv" }, true);
	check(&w, &s, (struct moment){ 149, "C101", "", "" }, true);
	check(&w, &s, (struct moment){ 150, "C101", "", "K" }, true);
	w.facts.locktime = 105;
	s.state = EXIT_START;
	check(&w, &s, (struct moment){ 102, "C101", "", "P[v]>D113" }, true);
}
END_TEST

/* */
START_TEST(without_a_condition_of_ours_it_waits_with_its_state)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	w.facts.has_clause = false;
	check(&w, &s, (struct moment){ 101, "C101", "", "P[v]>P[C]!claim-missing-signable-clause" }, true);
	w.facts.has_clause = true;
	check(&w, &s, (struct moment){ 101, "C101", "", "D113" }, true);
}
END_TEST

START_TEST(a_root_without_a_block_is_waited_for)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	w.facts.root_confirmed = false;
	check(&w, &s, (struct moment){ 100, ".", "", "P[v]>P[i]" }, true);
	ck_assert(txid_equal(&s.txs[0].waits_for, &w.facts.root));
	w.facts.root_confirmed = true;
	check(&w, &s, (struct moment){ 101, ".", "", "P[c]" }, true);
}
END_TEST

/* 9.24: until it is on chain, what was spent off chain ends it; then no more. */
START_TEST(spent_off_chain)
{
	struct exit_status s = { .state = EXIT_START };
	struct world w = world_new();

	w.facts.spent_off_chain = true;
	check(&w, &s, (struct moment){ 100, ".", "", "X" }, false);
	s.state = EXIT_START;
	w.facts.spent_off_chain = false;
	check(&w, &s, (struct moment){ 100, "m", "", "P[v]>P[a]" }, true);
	w.facts.spent_off_chain = true;
	check(&w, &s, (struct moment){ 100, "m", "", "X" }, false);
	s.state = EXIT_START;
	w.facts.spent_off_chain = false;
	check(&w, &s, (struct moment){ 101, "C101", "", "P[v]>D113" }, true);
	w.facts.spent_off_chain = true;
	check(&w, &s, (struct moment){ 101, "C101", "", "" }, true);
}
END_TEST

START_TEST(nothing_moves_what_has_ended)
{
	static const enum exit_state ends[] = { EXIT_ALREADY_SPENT, EXIT_CANCELED };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct exit_status s = { .state = ends[i] };
		struct world w = world_new();

		check(&w, &s, (struct moment){ 120, "C101", "C114", "" }, false);
	}
}
END_TEST

static const struct {
	const char *txs;
	bool root;
	enum exit_want want;
	size_t tx;
} wants[] = {
	{ ". .", true, WANT_CHILD, 0 },         { "p .", true, WANT_SEND, 0 },     { "m .", true, WANT_LOOK, 0 },
	{ "M .", true, WANT_LOOK, 0 },          { "n .", true, WANT_CHILD, 0 },    { "C101 .", true, WANT_CHILD, 1 },
	{ "B101 p", true, WANT_SEND, 1 },       { ". .", false, WANT_NOTHING, 0 }, { "p .", false, WANT_NOTHING, 0 },
	{ "C101 R101", true, WANT_NOTHING, 1 }, { "m p", true, WANT_LOOK, 0 },
};

START_TEST(want_table)
{
	struct world w = world_new();
	struct exit_status s = { .state = EXIT_START };
	struct moment m = { 101, wants[_i].txs, "", "" };
	char line[LINE];
	size_t tx = 0;
	bool live;

	w.facts.root_confirmed = wants[_i].root;
	show_moment(&w, &m);
	run(&w, &s, line, &live);
	ck_assert_int_eq(s.state, EXIT_PROCESSING);
	ck_assert_int_eq(exit_wants(&s, &w.facts, &tx), wants[_i].want);
	ck_assert_uint_eq(tx, wants[_i].tx);
}
END_TEST

START_TEST(an_exit_that_waits_wants_nothing)
{
	struct world w = world_new();
	struct exit_status s = { .state = EXIT_START };
	size_t tx;

	check(&w, &s, (struct moment){ 101, "C101", "", "P[v]>D113" }, true);
	ck_assert_int_eq(exit_wants(&s, &w.facts, &tx), WANT_NOTHING);
}
END_TEST

/* As the reference prints it (1.3). */
START_TEST(the_json_is_the_references)
{
	static const char hash[] = "\"height\":811,\"hash\":"
				   "\"cc00000000000000000000000000000000000000000000000000000000000000\"";
	static const char id[] = "bb00000000000000000000000000000000000000000000000000000000000000";
	struct exit_status s;
	struct err failure;
	char *text;

	text = arena_printf(
		&arena,
		"{\"type\":\"processing\",\"tip_height\":812,\"transactions\":[{\"txid\":\"%s\",\"status\":{"
		"\"type\":\"confirmed\",\"block\":{%s},\"child_txid\":\"%s\",\"origin\":{\"type\":\"wallet\","
		"\"confirmed_in\":{%s}}}},{\"txid\":\"%s\",\"status\":{\"type\":\"awaiting-confirmation\","
		"\"child_txid\":\"%s\",\"origin\":{\"type\":\"mempool\"}}},{\"txid\":\"%s\",\"status\":{"
		"\"type\":\"awaiting-input-confirmation\",\"txids\":[\"%s\"]}}]}",
		id, hash, id, hash, id, id, id, id);
	ck_assert_msg(exit_status_parse(&arena, text, &s, &failure) == 0, "%s", failure.msg);
	ck_assert_str_eq(exit_status_text(&arena, &s), text);
	ck_assert(exit_is_cancellable(&s));
}
END_TEST

static const struct {
	const char *text;
	bool fine;
} texts[] = {
	{ "{\"type\":\"start\",\"tip_height\":7}", true },
	{ "{\"type\":\"start\"}", false },
	{ "{\"type\":\"start\",\"tip_height\":-1}", false },
	{ "{\"type\":\"nowhere\",\"tip_height\":7}", false },
	{ "{\"type\":\"processing\",\"tip_height\":7}", false },
	{ "{\"type\":\"processing\",\"tip_height\":7,\"transactions\":[7]}", false },
	{ "{\"type\":\"processing\",\"tip_height\":7,\"transactions\":[{\"txid\":\"00\",\"status\":{\"type\":"
	  "\"verify-inputs\"}}]}",
	  false },
	/* a block as text, as the reference may write it */
	{ "{\"type\":\"awaiting-delta\",\"tip_height\":7,\"claimable_height\":9,\"confirmed_block\":"
	  "\"5:cc00000000000000000000000000000000000000000000000000000000000000\"}",
	  true },
	{ "{\"type\":\"awaiting-delta\",\"tip_height\":7,\"claimable_height\":9,\"confirmed_block\":\"5:cc\"}", false },
	{ "{\"type\":\"claimable\",\"tip_height\":7,\"last_scanned_block\":null}", false },
	{ "[]", false },
	{ "", false },
};

START_TEST(text_table)
{
	struct exit_status s;
	struct err failure;

	ck_assert_int_eq(exit_status_parse(&arena, texts[_i].text, &s, &failure), texts[_i].fine ? 0 : -1);
}
END_TEST

/* Names of version 0.3.0 (1.3). */
START_TEST(old_names_are_read)
{
	static const struct {
		const char *name;
		enum exit_part part;
	} old[] = { { "needs-signed-package", PART_AWAITING_CPFP },
		    { "needs-replacement-package", PART_AWAITING_CPFP },
		    { "needs-broadcasting", PART_AWAITING_CONFIRMED },
		    { "broadcast-with-cpfp", PART_AWAITING_CONFIRMED } };
	static const char id[] = "bb00000000000000000000000000000000000000000000000000000000000000";

	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		struct exit_status s;
		struct err failure;
		const char *text = arena_printf(&arena,
						"{\"type\":\"processing\",\"tip_height\":8,\"transactions\":[{\"txid\":"
						"\"%s\",\"status\":{\"type\":\"%s\",\"child_txid\":\"%s\",\"origin\":"
						"{\"type\":\"wallet\",\"confirmed_in\":null}}}]}",
						id, old[i].name, id);

		ck_assert_msg(exit_status_parse(&arena, text, &s, &failure) == 0, "%s", failure.msg);
		ck_assert_int_eq(s.txs[0].part, old[i].part);
	}
}
END_TEST

static const struct {
	const char *txs;
	bool cancellable;
} cancels[] = {
	{ ".", true }, { "m", false }, { ". .", true }, { "C101 .", true }, { "C101 p", false }, { "C101 M", false },
};

START_TEST(cancel_table)
{
	struct world w = world_new();
	struct exit_status s = { .state = EXIT_START };
	struct moment m = { 101, cancels[_i].txs, "", "" };
	unsigned broadcast, confirmed;
	char line[LINE];
	bool live;

	show_moment(&w, &m);
	ck_assert(exit_is_cancellable(&s));
	run(&w, &s, line, &live);
	ck_assert_int_eq(exit_is_cancellable(&s), cancels[_i].cancellable);
	exit_status_count(&s, &broadcast, &confirmed);
	ck_assert_uint_eq(confirmed, cancels[_i].txs[0] == 'C' ? 1 : 0);
	ck_assert_uint_eq(broadcast, confirmed + (cancels[_i].cancellable ? 0 : 1));
}
END_TEST

START_TEST(troubles_are_told)
{
	struct exit_trouble funds = { .tag = TROUBLE_FUNDS, .needed = { 1712 }, .available = { 900 } };
	struct exit_trouble sent = { .tag = TROUBLE_BROADCAST, .words = "min relay fee not met, 0 < 110" };

	ck_assert_str_eq(exit_trouble_text(&arena, &funds),
			 "{\"type\":\"insufficient-confirmed-funds\",\"needed\":1712,\"available\":900}");
	ck_assert_str_eq(exit_trouble_text(&arena, &sent),
			 "{\"type\":\"exit-package-broadcast-failure\",\"txid\":"
			 "\"0000000000000000000000000000000000000000000000000000000000000000\","
			 "\"error\":\"min relay fee not met, 0 < 110\"}");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/step");
	TCase *tc = tcase_create("steps");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, story_table, 0, (int)ARRAY_LEN(stories));
	tcase_add_test(tc, a_claim_is_watched_until_it_is_final);
	tcase_add_test(tc, a_loss_is_shown_longer);
	tcase_add_test(tc, too_little_is_not_started);
	tcase_add_test(tc, an_absolute_lock_counts_too);
	tcase_add_test(tc, without_a_condition_of_ours_it_waits_with_its_state);
	tcase_add_test(tc, a_root_without_a_block_is_waited_for);
	tcase_add_test(tc, spent_off_chain);
	tcase_add_test(tc, nothing_moves_what_has_ended);
	tcase_add_loop_test(tc, want_table, 0, (int)ARRAY_LEN(wants));
	tcase_add_test(tc, an_exit_that_waits_wants_nothing);
	tcase_add_test(tc, the_json_is_the_references);
	tcase_add_loop_test(tc, text_table, 0, (int)ARRAY_LEN(texts));
	tcase_add_test(tc, old_names_are_read);
	tcase_add_loop_test(tc, cancel_table, 0, (int)ARRAY_LEN(cancels));
	tcase_add_test(tc, troubles_are_told);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
