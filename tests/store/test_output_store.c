#include <string.h>

#include "store/proof_store.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static const struct action_id alice = { "alice" }, bob = { "bob" };

static int one_mint(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	ck_assert_int_eq(scratch_mint(u, "https://mint"), 1);
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	scratch_unit(&scratch, one_mint, NULL);
}

static void teardown(void)
{
	scratch_close(&scratch);
}

static struct output output_of(uint8_t n, int64_t counter)
{
	return (struct output){
		.amount = n,
		.keyset = { "00aaaaaaaaaaaaaa" },
		.b = { { 2, n } },
		.r = { { n, 7 } },
		.secret = "text",
		.purpose = n % 2 ? OUTPUT_KEEP : OUTPUT_FOR_PARENT,
		.counter = counter,
	};
}

/* The amounts of an action's outputs of one status, as text. */
static const char *amounts(struct view v, const struct action_id *action, enum output_status status)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	static char text[64];
	struct output *rows;
	struct err e, *err = &e;
	size_t n;

	OK(output_store_open(v, &a, action, status, &rows, &n, err));
	ck_assert_uint_lt(n, sizeof(text));
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('0' + rows[i].amount);
	text[n] = '\0';
	return text;
}

static int batches(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	const struct output first[] = { output_of(5, 0), output_of(2, 1) },
			    second[] = { output_of(4, 2), output_of(1, 3) };
	const struct output random[] = { output_of(8, -1), output_of(9, -1) };
	enum output_status status;
	struct output *rows;
	size_t n;

	(void)ctx;
	OK(output_store_add(u, &alice, 1, first, 2, 1000, err));
	OK(output_store_add(u, &bob, 1, random, 2, 1000, err)); /* counters of -1 do not clash */
	OK(output_store_open(unit_view(u), &a, &alice, OUTPUT_OPEN, &rows, &n, err));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(rows[1].amount, 2);
	ck_assert_str_eq(rows[1].keyset.s, "00aaaaaaaaaaaaaa");
	ck_assert(pubkey_equal(&rows[1].b, &first[1].b));
	ck_assert_mem_eq(rows[1].r.b, first[1].r.b, 32);
	ck_assert_str_eq(rows[1].secret, "text");
	ck_assert_int_eq(rows[1].purpose, OUTPUT_FOR_PARENT);
	ck_assert_int_eq(rows[0].purpose, OUTPUT_KEEP);
	ck_assert_int_eq(rows[1].counter, 1);
	ck_assert_int_eq(output_store_find(unit_view(u), &first[1].b, &status, err), 1);
	ck_assert_int_eq(status, OUTPUT_OPEN);
	ck_assert_int_eq(output_store_find(unit_view(u), &second[1].b, &status, err), 0);

	/* Given up and drawn again: in order of adding, not of amount; what is closed stays closed. */
	OK(output_store_close(u, &alice, OUTPUT_ABANDONED, err));
	OK(output_store_add(u, &alice, 1, second, 2, 2000, err));
	ck_assert_str_eq(amounts(unit_view(u), &alice, OUTPUT_OPEN), "41");
	ck_assert_str_eq(amounts(unit_view(u), &alice, OUTPUT_ABANDONED), "52");
	OK(output_store_close(u, &alice, OUTPUT_SIGNED, err));
	ck_assert_str_eq(amounts(unit_view(u), &alice, OUTPUT_OPEN), "");
	ck_assert_str_eq(amounts(unit_view(u), &alice, OUTPUT_SIGNED), "41");
	ck_assert_str_eq(amounts(unit_view(u), &alice, OUTPUT_ABANDONED), "52");
	ck_assert_str_eq(amounts(unit_view(u), &bob, OUTPUT_OPEN), "89");
	return 0;
}

START_TEST(outputs_in_batches)
{
	scratch_unit(&scratch, batches, NULL);
}
END_TEST

/* Against an output 3 with counter 3, closed long ago by another action. */
static const struct {
	const char *name;
	uint8_t n;
	int64_t counter;
	uint64_t amount;
	enum err_code code;
} refusals[] = {
	{ "the same B_", 3, 4, 1, ERR_INTERNAL },
	{ "the same counter", 4, 3, 1, ERR_INTERNAL },
	{ "the same B_, drawn at random", 3, -1, 1, ERR_INTERNAL },
	{ "more than can be counted", 4, 4, AMOUNT_MAX + 1, ERR_RANGE },
};

static int refusal(struct unit *u, void *ctx, struct err *err)
{
	int i = *(int *)ctx;
	struct output old = output_of(3, 3), o = output_of(refusals[i].n, refusals[i].counter);

	o.amount = refusals[i].amount;
	OK(output_store_add(u, &alice, 1, &old, 1, 1000, err));
	OK(output_store_close(u, &alice, OUTPUT_SIGNED, err));
	FAILS(output_store_add(u, &bob, 1, &o, 1, 1000, err), refusals[i].code);
	ck_assert_str_eq(amounts(unit_view(u), &bob, OUTPUT_OPEN), "");
	return 0;
}

START_TEST(refusal_table)
{
	int i = _i;

	scratch_unit(&scratch, refusal, &i);
}
END_TEST

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

/* The amounts of what is due at this time, as text; taken from the queue. */
static const char *due(struct unit *u, int64_t now_ms)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	static char text[64];
	struct output *rows;
	struct err e, *err = &e;
	size_t n;

	OK(output_store_take_due(u, &a, 1, 10, now_ms, &rows, &n, err));
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('0' + rows[i].amount);
	text[n] = '\0';
	return text;
}

static int sweeping(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	const struct output outputs[] = { output_of(1, 0), output_of(2, 1), output_of(3, -1) }, open = output_of(4, 2);
	static const int days[] = { 1, 2, 4, 8, 16, 32, 64, 90 };
	enum output_status status;
	struct output got;
	int64_t mint_id;

	(void)ctx;
	OK(output_store_add(u, &alice, 1, outputs, 3, 0, err));
	OK(output_store_close(u, &alice, OUTPUT_ABANDONED, err));
	OK(output_store_add(u, &bob, 1, &open, 1, 0, err));
	/* An hour after; never those that are open, or locked. */
	ck_assert_str_eq(due(u, HOUR_MS - 1), "");
	ck_assert_int_eq(output_store_due_mint(unit_view(u), 0, "sweep", HOUR_MS - 1, &mint_id, err), 0);
	ck_assert_int_eq(output_store_due_mint(unit_view(u), 0, "sweep", HOUR_MS, &mint_id, err), 1);
	ck_assert_int_eq(mint_id, 1);
	ck_assert_int_eq(output_store_due_mint(unit_view(u), 1, "sweep", HOUR_MS, &mint_id, err), 0);
	ck_assert_str_eq(due(u, HOUR_MS), "12");
	ck_assert_str_eq(due(u, HOUR_MS), "");
	/* A day later, and then at intervals that double, until they are 90 days old. */
	OK(output_store_swept(u, &outputs[0].b, OUTPUT_SIGNED, err));
	ck_assert_str_eq(due(u, DAY_MS), "");
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		int64_t at = days[i] * DAY_MS + (days[i] < 90 ? days[i] * HOUR_MS : 0);

		ck_assert_str_eq(due(u, at - 1), "");
		ck_assert_str_eq(due(u, at), "2");
	}
	ck_assert_str_eq(due(u, 1000 * DAY_MS), "");
	ck_assert_int_eq(output_store_find(unit_view(u), &outputs[0].b, &status, err), 1);
	ck_assert_int_eq(status, OUTPUT_SIGNED);
	/* One that is signed is not given up again. */
	OK(output_store_swept(u, &outputs[0].b, OUTPUT_ABANDONED, err));
	ck_assert_int_eq(output_store_find(unit_view(u), &outputs[0].b, &status, err), 1);
	ck_assert_int_eq(status, OUTPUT_SIGNED);
	ck_assert_int_eq(output_store_get(unit_view(u), &a, &outputs[1].b, &got, err), 1);
	ck_assert_uint_eq(got.amount, 2);
	ck_assert_int_eq(got.counter, 1);
	ck_assert_int_eq(output_store_get(unit_view(u), &a, &(struct pubkey){ { 9 } }, &got, err), 0);
	return 0;
}

START_TEST(outputs_to_sweep)
{
	scratch_unit(&scratch, sweeping, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/output_store");
	TCase *tc = tcase_create("outputs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, outputs_in_batches);
	tcase_add_test(tc, outputs_to_sweep);
	tcase_add_loop_test(tc, refusal_table, 0, (int)ARRAY_LEN(refusals));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
