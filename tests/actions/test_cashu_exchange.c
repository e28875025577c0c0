/* The one dangerous step, along each of the three roads that take it: a swap, a receive, and a token taken back.  What a
 * mint and the network between may do to the request (spec/cashu.md 4.4), and where the money must be afterwards. */
#include <string.h>

#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define SWAP    "/v1/swap"
#define CHECK   "/v1/checkstate"
#define RESTORE "/v1/restore"
#define MANY    40
#define AMOUNT  21 /* notes of 1, 4 and 16 */
#define FEE     1

static struct world w;

/* --- the three roads --- */

struct road {
	const char *name;
	struct action_id (*begin)(void);
	const char *well;    /* how it ends when the mint has done it */
	const char *refused; /* how, or where it stays, when the mint never will */
};

static struct action_id begin_swap(void)
{
	world_issue(&w, AMOUNT);
	return world_start(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
}

static struct action_id begin_receive(void)
{
	static const uint64_t notes[] = { 1, 4, 16, 0 };
	char *token = world_token(&w, "offered", notes, DLEQ_GOOD);

	return world_start(&w, "cashu_receive", arena_printf(&w.arena, "{\"token\":\"%s\"}", token));
}

static struct action_id begin_reclaim(void)
{
	struct action_id id;

	world_issue(&w, AMOUNT);
	id = world_start(&w, "cashu_send", "{\"amount\":21}");
	world_settle(&w, &id, 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), AMOUNT);
	ck_assert_ptr_null(world_cancel(&w, &id));
	return id;
}

static const struct road roads[] = {
	{ "swap", begin_swap, "done", "failed" },
	{ "receive", begin_receive, "done", "failed" },
	{ "reclaim", begin_reclaim, "cancelled", "parked" },
};
enum { SWAPPING, RECEIVING, RECLAIMING };

static const char *status_of(const struct action_id *id)
{
	return action_status_name(world_row(&w, id).status);
}

/* The mint made the swap: our notes are fresh, a fee was paid. */
static void assert_well(int road, const struct action_id *id)
{
	ck_assert_str_eq(status_of(id), roads[road].well);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), AMOUNT - FEE);
	ck_assert_int_eq(world_account(&w, ACCOUNT_FEES), FEE);
	world_check(&w, 0);
}

/* It never will: whoever owned the notes before owns them now. */
static void assert_refused(int road, const struct action_id *id)
{
	struct action_row row = world_row(&w, id);

	ck_assert_str_eq(status_of(id), roads[road].refused);
	ck_assert_ptr_nonnull(row.error_kind);
	ck_assert_int_eq(world_account(&w, ACCOUNT_FEES), 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_LOCKED), 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_PENDING), 0);
	switch (road) {
	case SWAPPING:
		ck_assert_str_eq(row.funds_moved, "no");
		ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), AMOUNT);
		world_check(&w, 0);
		break;
	case RECEIVING:
		ck_assert_str_eq(row.funds_moved, "no");
		ck_assert_int_eq(world_total(&w), 0);
		world_check(&w, AMOUNT);
		break;
	case RECLAIMING:
		ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), AMOUNT);
		world_check(&w, 0);
		break;
	default:
		ck_abort();
	}
}

/* --- what may happen to the request --- */

enum end { WELL = 1, REFUSED };

struct trouble {
	const char *name;
	const char *faults[3];
	enum end end;
	unsigned swaps, checks, restores; /* requests that the whole takes */
	bool rebuilt;                     /* the last swap has other outputs than the first */
};

#define ON(path, rest) "{\"path\":\"" path "\"," rest "}"

static const struct trouble troubles[] = {
	{ "nothing", { NULL }, WELL, 1, 0, 0, false },

	/* Sent once, and a definite no. */
	{ "refused", { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11006") }, REFUSED, 1, 0, 0, false },
	{ "refused, duplicate inputs",
	  { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11007") },
	  REFUSED,
	  1,
	  0,
	  0,
	  false },

	/* Nobody answered: the same bytes again. */
	{ "lost on the way", { ON(SWAP, "\"mode\":\"drop_before\"") }, WELL, 2, 0, 0, false },
	{ "lost on the way, three times", { ON(SWAP, "\"mode\":\"drop_before\",\"count\":3") }, WELL, 4, 0, 0, false },
	{ "reply lost", { ON(SWAP, "\"mode\":\"drop_after\"") }, WELL, 2, 1, 1, false },
	{ "reply cut short", { ON(SWAP, "\"mode\":\"truncate\"") }, WELL, 2, 1, 1, false },
	{ "reply too large", { ON(SWAP, "\"mode\":\"huge\"") }, WELL, 2, 1, 1, false },
	{ "delivered twice", { ON(SWAP, "\"mode\":\"duplicate\"") }, WELL, 1, 1, 1, false },
	{ "500 instead of acting", { ON(SWAP, "\"mode\":\"answer\",\"status\":500") }, WELL, 2, 0, 0, false },
	{ "502 after acting", { ON(SWAP, "\"mode\":\"answer_after\",\"status\":502") }, WELL, 2, 1, 1, false },
	{ "a proxy's 403", { ON(SWAP, "\"mode\":\"answer\",\"status\":403") }, WELL, 2, 0, 0, false },
	{ "a proxy's 404 with a mint's code",
	  { ON(SWAP, "\"mode\":\"answer\",\"status\":404,\"code\":11006") },
	  WELL,
	  2,
	  0,
	  0,
	  false },
	{ "code 0 after acting",
	  { ON(SWAP, "\"mode\":\"answer_after\",\"status\":400,\"code\":0") },
	  WELL,
	  2,
	  1,
	  1,
	  false },

	/* Sent more than once: even a definite no is asked about first. */
	{ "lost, then refused",
	  { ON(SWAP, "\"mode\":\"drop_before\""), ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11006") },
	  REFUSED,
	  2,
	  1,
	  1,
	  false },
	{ "reply lost, then refused",
	  { ON(SWAP, "\"mode\":\"drop_after\""), ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11006") },
	  WELL,
	  2,
	  1,
	  1,
	  false },
	{ "reply lost, then unbalanced",
	  { ON(SWAP, "\"mode\":\"drop_after\""), ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11005") },
	  WELL,
	  2,
	  1,
	  1,
	  false },

	/* Codes that do not tell. */
	{ "50000 instead of acting",
	  { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":50000") },
	  WELL,
	  2,
	  1,
	  1,
	  false },
	{ "50000 after acting",
	  { ON(SWAP, "\"mode\":\"answer_after\",\"status\":400,\"code\":50000") },
	  WELL,
	  1,
	  1,
	  1,
	  false },
	{ "10001 after acting, reply lost before",
	  { ON(SWAP, "\"mode\":\"drop_after\""), ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":10001") },
	  WELL,
	  2,
	  1,
	  1,
	  false },
	{ "pending at the mint",
	  { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":50000"),
	    ON(CHECK, "\"mode\":\"states\",\"state\":\"PENDING\"") },
	  WELL,
	  2,
	  2,
	  1,
	  false },

	/* Wait, and send the same. */
	{ "11002", { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11002") }, WELL, 2, 0, 0, false },
	{ "11004", { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11004") }, WELL, 2, 0, 0, false },
	{ "429", { ON(SWAP, "\"mode\":\"throttle\",\"retry_after_s\":7") }, WELL, 2, 0, 0, false },

	/* Build another request. */
	{ "unbalanced", { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":11005") }, WELL, 2, 0, 0, true },
	{ "keyset inactive", { ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":12002") }, WELL, 2, 0, 0, true },
	{ "lost, then keyset inactive",
	  { ON(SWAP, "\"mode\":\"drop_before\""), ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":12002") },
	  WELL,
	  3,
	  1,
	  1,
	  true },

	/* Lies: what was asked for is kept until an honest answer comes. */
	{ "wrong amount", { ON(SWAP, "\"mode\":\"wrong_amount\"") }, WELL, 1, 0, 1, false },
	{ "inflated", { ON(SWAP, "\"mode\":\"inflated\"") }, WELL, 1, 0, 1, false },
	{ "wrong keyset id", { ON(SWAP, "\"mode\":\"wrong_keyset_id\"") }, WELL, 1, 0, 1, false },
	{ "another keyset", { ON(SWAP, "\"mode\":\"other_keyset\"") }, WELL, 1, 0, 1, false },
	{ "bad signature", { ON(SWAP, "\"mode\":\"bad_signature\"") }, WELL, 1, 0, 1, false },
	{ "bad DLEQ", { ON(SWAP, "\"mode\":\"bad_dleq\"") }, WELL, 1, 0, 1, false },
	{ "no DLEQ", { ON(SWAP, "\"mode\":\"no_dleq\"") }, WELL, 1, 0, 1, false },
	{ "one signature too many", { ON(SWAP, "\"mode\":\"extra_promise\"") }, WELL, 1, 0, 1, false },
	{ "one signature too few", { ON(SWAP, "\"mode\":\"missing_promise\"") }, WELL, 1, 0, 1, false },
	{ "signatures in another order", { ON(SWAP, "\"mode\":\"swapped_promises\"") }, WELL, 1, 0, 1, false },
	{ "not JSON", { ON(SWAP, "\"mode\":\"garbage\"") }, WELL, 1, 0, 1, false },
	{ "signatures that are no list",
	  { ON(SWAP, "\"mode\":\"edit\",\"set\":{\"signatures\":7}") },
	  WELL,
	  1,
	  0,
	  1,
	  false },
	{ "a lie, and then another",
	  { ON(SWAP, "\"mode\":\"bad_dleq\""), ON(RESTORE, "\"mode\":\"bad_dleq\",\"count\":2") },
	  WELL,
	  1,
	  0,
	  3,
	  false },
	{ "a lie, and a part of the truth",
	  { ON(SWAP, "\"mode\":\"bad_signature\""), ON(RESTORE, "\"mode\":\"missing_promise\"") },
	  WELL,
	  1,
	  0,
	  2,
	  false },
	{ "a lie, and signatures for somebody else",
	  { ON(SWAP, "\"mode\":\"bad_signature\""), ON(RESTORE, "\"mode\":\"restore_foreign\"") },
	  WELL,
	  1,
	  0,
	  2,
	  false },
	{ "restored in another order",
	  { ON(SWAP, "\"mode\":\"drop_after\""), ON(RESTORE, "\"mode\":\"restore_reorder\"") },
	  WELL,
	  2,
	  1,
	  1,
	  false },
	{ "a lie, and nothing remembered: send again, and ask",
	  { ON(SWAP, "\"mode\":\"bad_dleq\""), ON(RESTORE, "\"mode\":\"restore_empty\"") },
	  WELL,
	  2,
	  1,
	  2,
	  false },

	/* Trouble while finding out. */
	{ "no answer to the questions",
	  { ON(SWAP, "\"mode\":\"drop_after\""), ON(CHECK, "\"mode\":\"drop_after\""),
	    ON(RESTORE, "\"mode\":\"drop_before\"") },
	  WELL,
	  2,
	  2,
	  2,
	  false },
};

/* Turn by turn; nothing is given back on the way. */
static void settle_watching(int road, const struct action_id *id, enum end end)
{
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, id).status); i++) {
		struct action_row row = world_row(&w, id);

		if (end == REFUSED && strcmp(roads[road].refused, "parked") == 0 && row.state == 2)
			return;
		if (road == SWAPPING && world_asked(&w, SWAP) > 0)
			ck_assert_int_eq(world_account(&w, ACCOUNT_LOCKED), AMOUNT);
		world_turn(&w);
	}
}

static void matrix(int road, const struct trouble *t)
{
	struct action_id id;

	for (size_t i = 0; i < ARRAY_LEN(t->faults) && t->faults[i]; i++)
		world_fault(&w, t->faults[i]);
	id = roads[road].begin();
	settle_watching(road, &id, t->end);
	if (t->end == WELL)
		assert_well(road, &id);
	else
		assert_refused(road, &id);
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	ck_assert_uint_eq(world_asked(&w, SWAP), t->swaps);
	/* Before a token is taken back its notes are looked at once. */
	ck_assert_uint_eq(world_asked(&w, CHECK), t->checks + (road == RECLAIMING));
	ck_assert_uint_eq(world_asked(&w, RESTORE), t->restores);
	ck_assert(world_same_bytes(&w, SWAP, 1, t->swaps) == !t->rebuilt || t->swaps == 1);
	/* A lost answer that was found is told, and nothing else is. */
	ck_assert_uint_eq(world_events(&w, "ecash.recovered"),
			  t->end == WELL && !t->rebuilt && (t->restores > 0 || t->swaps > 1));
}

#define MATRIX_TEST(road, number)                                                                                      \
	START_TEST(road)                                                                                               \
	{                                                                                                              \
		world_open(&w, 100);                                                                                   \
		matrix(number, &troubles[_i]);                                                                         \
		world_close(&w);                                                                                       \
	}                                                                                                              \
	END_TEST

MATRIX_TEST(test_swap, SWAPPING)
MATRIX_TEST(test_receive, RECEIVING)
MATRIX_TEST(test_reclaim, RECLAIMING)

/* --- each along every road --- */

/* A mint with NUT-19 gives a lost answer again: nothing else has to be asked. */
START_TEST(test_cached_answer)
{
	struct mint_options opts = world_mint(100);
	struct action_id id;

	opts.cache_ttl_s = 60;
	world_open_with(&w, &opts);
	world_fault(&w, ON(SWAP, "\"mode\":\"drop_after\""));
	id = roads[_i].begin();
	settle_watching(_i, &id, WELL);
	assert_well(_i, &id);
	ck_assert_uint_eq(world_asked(&w, SWAP), 2);
	ck_assert(world_same_bytes(&w, SWAP, 1, 2));
	ck_assert_uint_eq(world_asked(&w, RESTORE), 0);
	ck_assert_uint_eq(world_events(&w, "ecash.recovered"), 1);
	world_close(&w);
}
END_TEST

/* The first copy reaches the mint while we ask: after we heard that the notes are unspent, before we hear of signatures.
 * They are ours all the same, and no collision. */
START_TEST(test_late_copy)
{
	struct action_id id;

	world_open(&w, 100);
	w.late_path = RESTORE;
	world_fault(&w, ON(SWAP, "\"mode\":\"drop_before\""));
	world_fault(&w, ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":50000"));
	id = roads[_i].begin();
	world_settle(&w, &id, MANY);
	assert_well(_i, &id);
	ck_assert_uint_eq(world_events(&w, "wallet.counter_collision"), 0);
	world_close(&w);
}
END_TEST

/* An earlier answer made us ask, in vain; then the mint acts and lies.  What was heard before must not be taken for what
 * is now. */
START_TEST(test_asked_in_vain_then_lied_to)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":50000"));
	world_fault(&w, ON(SWAP, "\"mode\":\"bad_dleq\""));
	id = roads[_i].begin();
	world_settle(&w, &id, MANY);
	assert_well(_i, &id);
	ck_assert_uint_eq(world_events(&w, "wallet.counter_collision"), 0);
	world_close(&w);
}
END_TEST

/* An old copy of the wallet: the next counters were used before, and the mint signed those outputs for other notes. */
static void collide(int road, enum mint_dialect dialect, enum keyset_version version)
{
	struct mint_options opts = world_mint(100);
	struct action_id id;

	opts.dialect = dialect;
	opts.version = version;
	world_open_with(&w, &opts);
	id = roads[road].begin();
	if (road != RECLAIMING) {
		/* It has drawn nothing yet. */
		world_used_before(&w, 2, 4);
		world_settle(&w, &id, MANY);
		assert_well(road, &id);
		ck_assert_uint_eq(world_events(&w, "wallet.counter_collision"), 1);
		ck_assert(!world_same_bytes(&w, SWAP, 1, world_asked(&w, SWAP)));
	}
	world_close(&w);
}

START_TEST(test_collision_nutshell)
{
	collide(_i, MINT_NUTSHELL, KEYSET_V2);
}
END_TEST

START_TEST(test_collision_cdk)
{
	collide(_i, MINT_CDK, KEYSET_V1);
}
END_TEST

/* The mint changed its keys while we slept: 12002, fresh keysets, new outputs, and the fee of the old notes. */
START_TEST(test_keyset_rotated)
{
	struct action_id id;

	world_open(&w, 100);
	world_issue(&w, 1);
	mint_rotate(&w.mint, 0, 0, KEYSET_V2);
	id = roads[_i].begin();
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), roads[_i].well);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Killed after every turn. */
START_TEST(test_restarted)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, ON(SWAP, "\"mode\":\"drop_after\""));
	world_fault(&w, ON(CHECK, "\"mode\":\"drop_after\",\"count\":2"));
	world_fault(&w, ON(RESTORE, "\"mode\":\"drop_after\",\"count\":2"));
	id = roads[_i].begin();
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, &id).status); i++) {
		world_restart(&w);
		world_turn(&w);
	}
	assert_well(_i, &id);
	world_close(&w);
}
END_TEST

/* --- and what differs from road to road --- */

static void spend_inputs(const struct action_id *id, enum proof_state state, size_t n)
{
	struct proof_row *rows;
	size_t n_rows;
	struct err err;

	ck_assert_int_eq(proof_store_by_holder(store_view(w.disk.store), &w.arena, id, state, &rows, &n_rows, &err), 0);
	ck_assert_uint_le(n, n_rows);
	for (size_t i = 0; i < n; i++)
		world_spend_proof(&w, &rows[i].proof);
}

/* Another copy of the wallet was quicker: the notes are gone, and the loss is told. */
START_TEST(test_swap_spent_elsewhere)
{
	struct action_id id;

	world_open(&w, 100);
	id = begin_swap();
	spend_inputs(&id, PROOF_LOCKED, 3);
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "token_spent");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "yes");
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_swap_partly_spent_elsewhere)
{
	struct action_id id;

	world_open(&w, 100);
	id = begin_swap();
	spend_inputs(&id, PROOF_LOCKED, 1);
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "token_spent");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "yes");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE),
			 (int64_t)(w.mint.sums[0].issued - w.mint.sums[0].redeemed));
	ck_assert_int_lt(world_total(&w), AMOUNT);
	ck_assert_int_gt(world_total(&w), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* The mint disowns the notes: they are never offered again, and not counted as money. */
START_TEST(test_swap_disowned)
{
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, ON(SWAP, "\"mode\":\"answer\",\"status\":400,\"code\":10001"));
	id = begin_swap();
	world_settle(&w, &id, MANY);
	ck_assert_str_eq(status_of(&id), "failed");
	ck_assert_str_eq(world_row(&w, &id).error_kind, "peer_rejected");
	ck_assert_int_eq(world_account(&w, ACCOUNT_INVALID), AMOUNT);
	ck_assert_int_eq(world_total(&w), 0);
	world_check(&w, AMOUNT);
	world_refused(&w, "cashu_swap", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url), "insufficient_funds",
		      "mint");
	world_close(&w);
}
END_TEST

/* --- cancel, in every state --- */

START_TEST(test_cancel_before_sending)
{
	struct action_id id;

	world_open(&w, 100);
	id = roads[_i].begin();
	/* Its first step has not run: the loop did not turn. */
	ck_assert_ptr_null(world_cancel(&w, &id));
	ck_assert_str_eq(status_of(&id), "cancelled");
	ck_assert_str_eq(world_row(&w, &id).funds_moved, "no");
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), _i == SWAPPING ? AMOUNT : 0);
	world_check(&w, _i == SWAPPING ? 0 : AMOUNT);
	world_close(&w);
}
END_TEST

/* Once it may have acted, nobody can say so: no in every state, and then it ends well. */
START_TEST(test_cancel_too_late)
{
	static const char *const in_state[] = { SWAP, CHECK, RESTORE };
	struct action_id id;

	world_open(&w, 100);
	for (size_t i = 0; i < ARRAY_LEN(in_state); i++)
		world_fault(&w, arena_printf(&w.arena, "{\"path\":\"%s\",\"mode\":\"drop_after\"}", in_state[i]));
	id = roads[_i].begin();
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, &id).status); i++) {
		if (world_asked(&w, SWAP) > 0) {
			struct action_row row = world_row(&w, &id);

			ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
			ck_assert(!executor_cancellable(w.ex, &row));
		}
		world_turn(&w);
	}
	assert_well(_i, &id);
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_exchange");
	TCase *tc = tcase_create("matrix");
	const int n_roads = (int)ARRAY_LEN(roads);

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_swap, 0, (int)ARRAY_LEN(troubles));
	tcase_add_loop_test(tc, test_receive, 0, (int)ARRAY_LEN(troubles));
	tcase_add_loop_test(tc, test_reclaim, 0, (int)ARRAY_LEN(troubles));
	suite_add_tcase(s, tc);

	tc = tcase_create("roads");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_late_copy, 0, n_roads);
	tcase_add_loop_test(tc, test_cached_answer, 0, n_roads);
	tcase_add_loop_test(tc, test_asked_in_vain_then_lied_to, 0, n_roads);
	tcase_add_loop_test(tc, test_collision_nutshell, 0, n_roads);
	tcase_add_loop_test(tc, test_collision_cdk, 0, n_roads);
	tcase_add_loop_test(tc, test_keyset_rotated, 0, n_roads);
	tcase_add_loop_test(tc, test_restarted, 0, n_roads);
	tcase_add_loop_test(tc, test_cancel_before_sending, SWAPPING, RECEIVING + 1);
	tcase_add_loop_test(tc, test_cancel_too_late, 0, n_roads);
	tcase_add_test(tc, test_swap_spent_elsewhere);
	tcase_add_test(tc, test_swap_partly_spent_elsewhere);
	tcase_add_test(tc, test_swap_disowned);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
