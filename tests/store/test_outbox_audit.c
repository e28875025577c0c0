#include "store/outbox_audit.h"

#include <string.h>

#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

/* Three of one key, d4 in a slot, d5 included elsewhere, d6 with its second nonce. */
static int fill(struct unit *u, void *ctx, struct err *err)
{
	struct nonce_history_row former = { .nonce = 6, .evidence = "{}", .operator= "ada" };
	struct signature_row signature = { .seq = 4 };
	int64_t space = rows_space(u, 1);

	(void)ctx;
	for (unsigned n = 1; n <= 6; n++) {
		struct directive_row row = rows_directive(space, n);

		if (n <= 3)
			rows_set_key(&row, 7);
		row = rows_add(u, &arena, &row);
		if (n == 4)
			rows_move(u, &row, DELIVERY_SUBMITTED);
		if (n == 5)
			rows_move(u, &row, DELIVERY_INCLUDED);
		if (n == 6) {
			OK(nonce_history_add(u, row.seq, &former, err));
			OK(space_store_take_nonce(u, space, &row.nonce, err));
			row.generation++;
			OK(directive_store_save(u, &row, 2000, err));
		}
	}
	return signature_store_put(u, space, 4, &signature, 1000, err);
}

static const struct {
	const char *name, *sql, *told;
} damages[] = {
	{ "counted too often", "UPDATE outbox_tally SET n = n + 1 WHERE delivery_status = 0", "are not those" },
	{ "counted too seldom", "UPDATE outbox_tally SET n = n - 1 WHERE delivery_status = 3", "are not those" },
	{ "not counted", "DELETE FROM outbox_tally WHERE delivery_status = 2", "are not those" },
	{ "counted without being there", "INSERT INTO outbox_tally VALUES (1, 8, 1)", "that are not there" },
	{ "a counter behind a directive", "UPDATE outbox_nonce_space SET next_nonce = 7", "given again" },
	{ "a counter behind a former nonce", "UPDATE directive_nonce_history SET nonce = 4711", "given again" },
	{ "a counter behind a signature", "UPDATE directive_signature SET nonce = 8", "given again" },
	{ "a former nonce in use", "UPDATE directive_nonce_history SET nonce = 2", "directive 2: it has a nonce" },
	{ "two of a key at once", "UPDATE directive_outbox SET blocked = 0 WHERE directive_id = 'd2'",
	  "directive 2: it is out" },
	{ "none of a key", "UPDATE directive_outbox SET blocked = 1 WHERE directive_id = 'd1'",
	  "directive 1: it is out" },
	{ "carried by nothing", "DELETE FROM outbox_tx_item", "directive 4: it is not in the slot" },
	{ "carried by an earlier fill",
	  "UPDATE outbox_tx SET fill = 1;"
	  "UPDATE outbox_tx_attempt SET fill = 1",
	  "directive 4: it is not in the slot" },
	{ "a lane behind a slot", "UPDATE outbox_lane SET next_tx_nonce = 0", "slot 1: its lane" },
	{ "a slot without a transaction", "UPDATE outbox_tx_attempt SET fill = 1", "slot 1: it holds no" },
};

START_TEST(all_is_well)
{
	struct err e, *err = &e;

	OK(outbox_audit(store_view(scratch.store), err));
	scratch_unit(&scratch, fill, NULL);
	OK(outbox_audit(store_view(scratch.store), err));
}
END_TEST

START_TEST(damage_table)
{
	struct err e, *err = &e;

	scratch_unit(&scratch, fill, NULL);
	scratch_sql(&scratch, damages[_i].sql);
	FAILS(outbox_audit(store_view(scratch.store), err), ERR_INTERNAL);
	ck_assert_msg(strstr(err->msg, damages[_i].told) != NULL, "%s: %s", damages[_i].name, err->msg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/outbox_audit");
	TCase *tc = tcase_create("audit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_is_well);
	tcase_add_loop_test(tc, damage_table, 0, (int)ARRAY_LEN(damages));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
