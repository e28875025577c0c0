#include "store/vtxo_store.h"

#include "store/ark_server_store.h"
#include "store/event_store.h"
#include "tests/support/vtxo_rows.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static const struct action_id alice = { "alice" }, bob = { "bob" };

/* VTXO n is worth n * 1000 sat; 1 to 3 are there. */
static int make_vtxos(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	ark_wallet(u, 10);
	for (unsigned n = 1; n <= 3; n++) {
		struct vtxo_add v = ark_vtxo(n);

		ark_add(u, &v);
	}
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(4 * 1024 * 1024);
	scratch_unit(&scratch, make_vtxos, NULL);
}

static void teardown(void)
{
	struct err e, *err = &e;

	OK(movement_check(store_view(scratch.store), err));
	OK(movement_audit(store_view(scratch.store), err));
	arena_done(&arena);
	scratch_close(&scratch);
}

static int64_t total_of(struct unit *u, enum account acc)
{
	struct account_total *t;
	struct err e, *err = &e;
	size_t n;

	OK(movement_totals(unit_view(u), &arena, &t, &n, err));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(t[0].rail, RAIL_ARK);
	return t[0].total[acc];
}

static void totals_are(struct unit *u, int64_t spendable, int64_t locked, int64_t exiting, int64_t fees)
{
	ck_assert_int_eq(total_of(u, ACCOUNT_SPENDABLE), spendable);
	ck_assert_int_eq(total_of(u, ACCOUNT_LOCKED), locked);
	ck_assert_int_eq(total_of(u, ACCOUNT_EXITING), exiting);
	ck_assert_int_eq(total_of(u, ACCOUNT_FEES), fees);
	ck_assert_int_eq(total_of(u, ACCOUNT_OUTSIDE), -spendable - locked - exiting - fees);
}

static struct vtxo_row row_of(struct unit *u, unsigned n)
{
	struct outpoint at = ark_at(n);
	struct vtxo_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(vtxo_store_find(unit_view(u), &arena, &at, &row, err), 1);
	return row;
}

/* --- adding --- */

static int adding(struct unit *u, void *ctx, struct err *err)
{
	struct vtxo_add v = ark_vtxo(4);
	struct vtxo_row row;
	struct bytes bare, genesis;
	struct outpoint at = ark_at(77);
	uint32_t index;
	int64_t id, again;

	(void)ctx;
	v.row.label = "from bark";
	v.row.state = VTXO_LOCKED;
	v.row.holder = alice;
	id = ark_add(u, &v);
	totals_are(u, 6000, 4000, 0, 0);
	OK(vtxo_store_get(unit_view(u), &arena, id, &row, err));
	ck_assert(outpoint_equal(&row.point, &v.row.point));
	ck_assert_uint_eq(sat_value(row.amount), 4000);
	ck_assert_int_eq(row.state, VTXO_LOCKED);
	ck_assert_str_eq(row.holder.s, "alice");
	ck_assert_int_eq(row.version, 1);
	ck_assert_uint_eq(row.key_index, 4);
	ck_assert(pubkey_equal(&row.server, &v.row.server));
	ck_assert_int_eq(row.server_lost_ms, 0);
	ck_assert_uint_eq(row.policy, 0);
	ck_assert_uint_eq(row.expiry_height, 1004);
	ck_assert_uint_eq(row.exit_delta, 12);
	ck_assert_uint_eq(row.depth, 2);
	ck_assert_uint_eq(weight_vsize(row.exit_weight), 248);
	ck_assert(outpoint_equal(&row.anchor, &v.row.anchor));
	ck_assert(row.has_anchor_block && block_ref_equal(&row.anchor_block, &v.row.anchor_block));
	ck_assert(bytes_equal(row.script, v.row.script));
	ck_assert(row.standard);
	ck_assert_str_eq(row.origin, "import");
	ck_assert_str_eq(row.label, "from bark");
	ck_assert_int_eq(row.created_at_ms, 1000);
	OK(vtxo_store_bytes(unit_view(u), &arena, id, &bare, &genesis, err));
	ck_assert(bytes_equal(bare, bytes_of("bare")) && bytes_equal(genesis, bytes_of("genesis")));

	v.row.label = "again";
	ck_assert_int_eq(vtxo_store_add(u, &v, 2000, &again, err), 0);
	ck_assert_int_eq(again, id);
	ck_assert_str_eq(row_of(u, 4).label, "from bark");
	totals_are(u, 6000, 4000, 0, 0);
	ck_assert_int_eq(ark_key_find(unit_view(u), &(struct pubkey){ { 9 } }, &index, err), 0);
	ck_assert_int_eq(vtxo_store_find(unit_view(u), &arena, &at, &row, err), 0);
	ck_assert_int_eq(vtxo_store_get(unit_view(u), &arena, 99, &row, err), 0);
	FAILS(vtxo_store_bytes(unit_view(u), &arena, 99, &bare, &genesis, err), ERR_NOT_FOUND);
	return 0;
}

START_TEST(add_and_find)
{
	scratch_unit(&scratch, adding, NULL);
}
END_TEST

static int add_foreign_key(struct unit *u, void *ctx, struct err *err)
{
	struct vtxo_add v = ark_vtxo(11); /* ten keys are there */
	int64_t id;

	(void)ctx;
	return vtxo_store_add(u, &v, 1000, &id, err);
}

START_TEST(a_key_that_nobody_derived)
{
	struct err e, *err = &e;

	FAILS(store_unit_now(scratch.store, add_foreign_key, NULL, err), ERR_INTERNAL);
}
END_TEST

/* --- holders --- */

static int holding(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint two[] = { ark_at(1), ark_at(3) };

	(void)ctx;
	OK(vtxo_store_lock(u, two, 2, &alice, 2000, err));
	OK(vtxo_store_lock(u, two, 2, &alice, 2000, err)); /* again */
	totals_are(u, 2000, 4000, 0, 0);
	ck_assert_str_eq(row_of(u, 3).holder.s, "alice");
	OK(vtxo_store_release(u, &bob, 2000, err)); /* nothing is his */
	totals_are(u, 2000, 4000, 0, 0);
	OK(vtxo_store_rehold(u, &alice, &bob, err));
	OK(vtxo_store_release(u, &alice, 2000, err));
	totals_are(u, 2000, 4000, 0, 0);
	OK(vtxo_store_release(u, &bob, 2500, err));
	totals_are(u, 6000, 0, 0, 0);
	ck_assert_int_eq(row_of(u, 1).state, VTXO_SPENDABLE);
	ck_assert_str_eq(row_of(u, 1).holder.s, "");
	ck_assert_int_eq(row_of(u, 1).updated_at_ms, 2500);
	ck_assert_int_gt(row_of(u, 1).version, row_of(u, 2).version);
	return 0;
}

START_TEST(lock_and_release)
{
	scratch_unit(&scratch, holding, NULL);
}
END_TEST

static const struct {
	const char *name;
	unsigned at[3];
	size_t n;
	enum err_code code;
} unlockable[] = {
	{ "another's", { 2 }, 1, ERR_CONFLICT },
	{ "one of three", { 1, 3, 2 }, 3, ERR_CONFLICT },
	{ "not there", { 7 }, 1, ERR_NOT_FOUND },
};

static int lock_case(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct outpoint at[3], second = ark_at(2);

	OK(vtxo_store_lock(u, &second, 1, &bob, 2000, err));
	for (size_t k = 0; k < unlockable[i].n; k++)
		at[k] = ark_at(unlockable[i].at[k]);
	return vtxo_store_lock(u, at, unlockable[i].n, &alice, 2000, err);
}

static int nothing_locked(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	totals_are(u, 6000, 0, 0, 0);
	return 0;
}

START_TEST(unlockable_table)
{
	struct err e, *err = &e;

	FAILS(store_unit_now(scratch.store, lock_case, &_i, err), unlockable[_i].code);
	scratch_unit(&scratch, nothing_locked, NULL);
}
END_TEST

/* --- moves --- */

static struct vtxo_move move_to(enum vtxo_state to, uint64_t fee)
{
	return (struct vtxo_move){
		.to = to,
		.action = { "exit:1" },
		.kind = vtxo_state_name(to),
		.fee = onchain_sat(fee),
		.has_txid = true,
		.txid = onchain_txid(9),
	};
}

static int move(struct unit *u, unsigned n, enum vtxo_state to, uint64_t fee, struct err *err)
{
	struct vtxo_move m = move_to(to, fee);
	struct outpoint at = ark_at(n);

	return vtxo_store_move(u, &at, &m, 3000, err);
}

static int exiting(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint three = ark_at(3);

	(void)ctx;
	OK(vtxo_store_lock(u, &three, 1, &alice, 2000, err));
	OK(move(u, 3, VTXO_EXITING, 0, err));
	OK(move(u, 3, VTXO_EXITING, 0, err)); /* again */
	totals_are(u, 3000, 0, 3000, 0);
	ck_assert_str_eq(row_of(u, 3).holder.s, "");
	OK(move(u, 3, VTXO_EXITED, 400, err));
	totals_are(u, 3000, 0, 0, 400);
	OK(move(u, 3, VTXO_EXITING, 400, err)); /* a reorganisation took the claim */
	totals_are(u, 3000, 0, 3000, 0);
	OK(move(u, 3, VTXO_EXITED, 500, err));
	totals_are(u, 3000, 0, 0, 500);
	OK(move(u, 1, VTXO_EXITING, 0, err));
	OK(move(u, 1, VTXO_SPENT, 0, err)); /* by somebody else */
	OK(move(u, 2, VTXO_SPENT, 0, err)); /* off chain */
	totals_are(u, 0, 0, 0, 500);
	return 0;
}

START_TEST(exit_and_claim)
{
	scratch_unit(&scratch, exiting, NULL);
}
END_TEST

/* From where to where there is a way; those without are refused, and nothing is changed. */
static const struct {
	enum vtxo_state from, to;
	bool leads;
} ways[] = {
	{ VTXO_SPENDABLE, VTXO_SPENT, true },    { VTXO_SPENDABLE, VTXO_EXITING, true },
	{ VTXO_SPENDABLE, VTXO_EXITED, false },  { VTXO_LOCKED, VTXO_SPENT, true },
	{ VTXO_LOCKED, VTXO_EXITING, true },     { VTXO_LOCKED, VTXO_EXITED, false },
	{ VTXO_LOCKED, VTXO_SPENDABLE, false },  { VTXO_SPENT, VTXO_EXITING, false },
	{ VTXO_SPENT, VTXO_EXITED, false },      { VTXO_SPENT, VTXO_SPENDABLE, false },
	{ VTXO_EXITING, VTXO_SPENT, true },      { VTXO_EXITING, VTXO_EXITED, true },
	{ VTXO_EXITING, VTXO_SPENDABLE, false }, { VTXO_EXITED, VTXO_SPENT, true },
	{ VTXO_EXITED, VTXO_EXITING, true },     { VTXO_EXITED, VTXO_SPENDABLE, false },
};

static int walk_way(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct outpoint at = ark_at(1);

	switch (ways[i].from) {
	case VTXO_LOCKED:
		OK(vtxo_store_lock(u, &at, 1, &alice, 2000, err));
		break;
	case VTXO_SPENT:
		OK(move(u, 1, VTXO_SPENT, 0, err));
		break;
	case VTXO_EXITED:
		OK(move(u, 1, VTXO_EXITING, 0, err));
		OK(move(u, 1, VTXO_EXITED, 10, err));
		break;
	case VTXO_EXITING:
		OK(move(u, 1, VTXO_EXITING, 0, err));
		break;
	case VTXO_SPENDABLE:
		break;
	}
	if (ways[i].leads) {
		OK(move(u, 1, ways[i].to, 10, err));
		ck_assert_int_eq(row_of(u, 1).state, ways[i].to);
	} else {
		FAILS(move(u, 1, ways[i].to, 10, err), ERR_CONFLICT);
		ck_assert_int_eq(row_of(u, 1).state, ways[i].from);
	}
	return 0;
}

START_TEST(ways_table)
{
	scratch_unit(&scratch, walk_way, &_i);
}
END_TEST

static int refused_moves(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	FAILS(move(u, 7, VTXO_SPENT, 0, err), ERR_NOT_FOUND);
	OK(move(u, 1, VTXO_EXITING, 0, err));
	return move(u, 1, VTXO_EXITED, 1001, err);
}

START_TEST(a_claim_costs_no_more_than_it_brings)
{
	struct err e, *err = &e;

	FAILS(store_unit_now(scratch.store, refused_moves, NULL, err), ERR_INTERNAL);
	scratch_unit(&scratch, nothing_locked, NULL);
}
END_TEST

/* --- what is told --- */

static void add_kind(void *ctx, const struct event *e)
{
	buf_printf(ctx, "%s ", e->kind);
}

START_TEST(events)
{
	SCOPED(buf) struct buf told = BUF_CAP(1024);
	struct err e, *err = &e;
	int64_t cursor;

	scratch_unit(&scratch, exiting, NULL);
	OK(event_list(store_view(scratch.store), &arena, 0, "vtxo.*", 100, add_kind, &told, &cursor, err));
	ck_assert_str_eq(buf_text(&told), "vtxo.added vtxo.added vtxo.added vtxo.locked vtxo.exiting vtxo.exited"
					  " vtxo.exiting vtxo.exited vtxo.exiting vtxo.spent vtxo.spent ");
}
END_TEST

/* --- lists --- */

struct seen {
	unsigned n;
	uint64_t sat[8];
	int64_t last;
};

static void see(void *ctx, const struct vtxo_row *row)
{
	struct seen *s = ctx;

	s->sat[s->n++] = sat_value(row->amount);
	s->last = row->id;
}

static struct seen list(struct unit *u, int state, int64_t after, unsigned limit)
{
	struct vtxo_query q = { .state = state, .after = after, .limit = limit };
	struct seen s = { 0 };
	struct err e, *err = &e;

	ck_assert_int_eq(vtxo_store_list(unit_view(u), &arena, &q, see, &s, err), (int)s.n);
	return s;
}

static int listing(struct unit *u, void *ctx, struct err *err)
{
	struct vtxo_sums sums;
	struct seen s;

	(void)ctx;
	OK(move(u, 2, VTXO_SPENT, 0, err));
	s = list(u, 0, 0, 10);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.sat[0], 1000);
	ck_assert_uint_eq(s.sat[1], 3000);
	s = list(u, 0, 0, 1);
	ck_assert_uint_eq(s.n, 1);
	s = list(u, 0, s.last, 1);
	ck_assert_uint_eq(s.sat[0], 3000);
	ck_assert_uint_eq(list(u, 0, s.last, 1).n, 0);
	s = list(u, VTXO_SPENT, 0, 10);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(s.sat[0], 2000);
	ck_assert_uint_eq(list(u, -1, 0, 10).n, 3);
	s = (struct seen){ 0 };
	ck_assert_int_eq(vtxo_store_expiring(unit_view(u), &arena, 1002, 10, see, &s, err), 1);
	ck_assert_uint_eq(s.sat[0], 1000);
	OK(vtxo_store_sums(unit_view(u), &sums, err));
	ck_assert_uint_eq(sums.n[VTXO_SPENDABLE], 2);
	ck_assert_uint_eq(sat_value(sums.of[VTXO_SPENDABLE]), 4000);
	ck_assert_uint_eq(sums.n[VTXO_SPENT], 0);
	OK(vtxo_store_set_label(u, s.last, "rent", err));
	OK(vtxo_store_set_anchor(u, s.last, &(struct block_ref){ 60, onchain_hash(60) }, 4000, err));
	ck_assert_str_eq(row_of(u, 1).label, "rent");
	ck_assert_uint_eq(row_of(u, 1).anchor_block.height, 60);
	FAILS(vtxo_store_set_label(u, 99, "rent", err), ERR_NOT_FOUND);
	FAILS(vtxo_store_set_anchor(u, 99, &(struct block_ref){ 60, onchain_hash(60) }, 4000, err), ERR_NOT_FOUND);
	return 0;
}

START_TEST(pages_and_sums)
{
	scratch_unit(&scratch, listing, NULL);
}
END_TEST

/* --- servers --- */

static int losing(struct unit *u, void *ctx, struct err *err)
{
	struct vtxo_add other = ark_vtxo(5);
	struct pubkey first = ark_server(1), unknown = ark_server(9);
	struct ark_server_row *rows;
	size_t n;

	(void)ctx;
	other.row.server = ark_server(2);
	ark_add(u, &other);
	OK(move(u, 1, VTXO_EXITING, 0, err));
	OK(ark_server_set_lost(u, &first, 5000, err));
	FAILS(ark_server_set_lost(u, &unknown, 5000, err), ERR_NOT_FOUND);
	OK(ark_server_list(unit_view(u), &arena, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert(pubkey_equal(&rows[0].key, &first));
	ck_assert_int_eq(rows[0].lost_at_ms, 5000);
	ck_assert_uint_eq(rows[0].n_vtxos, 2);
	ck_assert_uint_eq(sat_value(rows[0].amount), 5000);
	ck_assert_int_eq(rows[1].lost_at_ms, 0);
	ck_assert_int_eq(row_of(u, 2).server_lost_ms, 5000);
	OK(ark_server_set_lost(u, &first, 0, err));
	ck_assert_int_eq(row_of(u, 2).server_lost_ms, 0);
	return 0;
}

START_TEST(lost_servers)
{
	scratch_unit(&scratch, losing, NULL);
}
END_TEST

/* --- names --- */

static const struct {
	enum vtxo_state state;
	const char *name;
	enum account account;
} names[] = {
	{ VTXO_SPENDABLE, "spendable", ACCOUNT_SPENDABLE }, { VTXO_LOCKED, "locked", ACCOUNT_LOCKED },
	{ VTXO_SPENT, "spent", ACCOUNT_OUTSIDE },           { VTXO_EXITING, "exiting", ACCOUNT_EXITING },
	{ VTXO_EXITED, "exited", ACCOUNT_OUTSIDE },
};

START_TEST(names_table)
{
	ck_assert_str_eq(vtxo_state_name(names[_i].state), names[_i].name);
	ck_assert_int_eq(vtxo_account(names[_i].state), names[_i].account);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/vtxo_store");
	TCase *c = tcase_create("vtxo_store");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, add_and_find);
	tcase_add_test(c, a_key_that_nobody_derived);
	tcase_add_test(c, lock_and_release);
	tcase_add_loop_test(c, unlockable_table, 0, ARRAY_LEN(unlockable));
	tcase_add_test(c, exit_and_claim);
	tcase_add_loop_test(c, ways_table, 0, ARRAY_LEN(ways));
	tcase_add_test(c, a_claim_costs_no_more_than_it_brings);
	tcase_add_test(c, events);
	tcase_add_test(c, pages_and_sums);
	tcase_add_test(c, lost_servers);
	tcase_add_loop_test(c, names_table, 0, ARRAY_LEN(names));
	suite_add_tcase(s, c);
	return suite_run(s);
}
