#include "store/directive_store.h"

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

static struct signature_row signature(unsigned digest, uint8_t fill)
{
	struct signature_row row = { .seq = 5, .digest = rows_hash(digest) };

	memset(row.sig, fill, sizeof(row.sig));
	return row;
}

static int one_digest_for_ever(struct unit *u, void *ctx, struct err *err)
{
	struct signature_row first = signature(1, 0xaa), again = signature(1, 0xbb), other = signature(2, 0xcc), is;
	int64_t id = rows_space(u, 1), elsewhere = rows_space(u, 2);

	(void)ctx;
	FAILS(signature_store_get(unit_view(u), id, 7, &is, err), ERR_NOT_FOUND);
	OK(signature_store_put(u, id, 7, &first, 1000, err));
	OK(signature_store_put(u, id, 7, &again, 2000, err));
	FAILS(signature_store_put(u, id, 7, &other, 3000, err), ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(err->msg, "nonce 7"));
	OK(signature_store_get(unit_view(u), id, 7, &is, err));
	ck_assert(hash32_equal(&is.digest, &first.digest));
	ck_assert_mem_eq(is.sig, first.sig, sizeof(is.sig));
	ck_assert_int_eq(is.seq, 5);
	/* A nonce is one of its space. */
	OK(signature_store_put(u, elsewhere, 7, &other, 1000, err));
	OK(signature_store_put(u, id, 8, &other, 1000, err));
	OK(signature_store_get(unit_view(u), elsewhere, 7, &is, err));
	ck_assert(hash32_equal(&is.digest, &other.digest));
	return 0;
}

static int nonces_at_the_edge(struct unit *u, void *ctx, struct err *err)
{
	struct signature_row row = signature(1, 1), is = signature(9, 9);
	int64_t id = rows_space(u, 1);

	(void)ctx;
	OK(signature_store_put(u, id, INT64_MAX, &row, 1, err));
	OK(signature_store_get(unit_view(u), id, INT64_MAX, &is, err));
	/* A log may name any number: no directive has it. */
	is = signature(9, 9);
	FAILS(signature_store_get(unit_view(u), id, UINT64_MAX, &is, err), ERR_NOT_FOUND);
	ck_assert_int_eq(is.sig[0], 9);
	FAILS(signature_store_put(u, id, UINT64_MAX, &row, 1, err), ERR_RANGE);
	return 0;
}

static int of_a_space_that_is_not_there(struct unit *u, void *ctx, struct err *err)
{
	struct signature_row row = signature(1, 1);

	(void)ctx;
	FAILS(signature_store_put(u, 77, 0, &row, 1, err), ERR_INTERNAL);
	return 0;
}

static int former_nonces(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row fresh = rows_directive(rows_space(u, 1), 1);
	int64_t seq = rows_add(u, &arena, &fresh).seq;
	struct nonce_history_row row = { .retired_at_ms = 5000, .evidence = "{\"revoked\":true}", .operator= "ada" };
	struct nonce_history_row *rows;
	size_t n;

	(void)ctx;
	OK(nonce_history_list(unit_view(u), &arena, seq, &rows, &n, err));
	ck_assert_uint_eq(n, 0);
	/* More than the array has room for at first, youngest first: the list is by generation. */
	for (uint32_t g = 40; g-- > 0;) {
		row.generation = g;
		row.nonce = 100 + g;
		row.has_digest = g % 2 == 0;
		row.digest = rows_hash(g);
		OK(nonce_history_add(u, seq, &row, err));
	}
	OK(nonce_history_list(unit_view(u), &arena, seq, &rows, &n, err));
	ck_assert_uint_eq(n, 40);
	for (uint32_t g = 0; g < 40; g++) {
		struct hash32 digest = rows_hash(g);

		ck_assert_uint_eq(rows[g].generation, g);
		ck_assert_uint_eq(rows[g].nonce, 100 + g);
		ck_assert_int_eq(rows[g].has_digest, g % 2 == 0);
		ck_assert(g % 2 != 0 || hash32_equal(&rows[g].digest, &digest));
		ck_assert_int_eq(rows[g].retired_at_ms, 5000);
		ck_assert_str_eq(rows[g].evidence, "{\"revoked\":true}");
		ck_assert_str_eq(rows[g].operator, "ada");
	}
	return 0;
}

static int history_is_written_once(struct unit *u, void *ctx, struct err *err)
{
	struct directive_row fresh = rows_directive(rows_space(u, 1), 1);
	int64_t seq = rows_add(u, &arena, &fresh).seq;
	struct nonce_history_row row = { .nonce = 1, .evidence = "{}", .operator= "ada" };

	(void)ctx;
	OK(nonce_history_add(u, seq, &row, err));
	FAILS(nonce_history_add(u, seq, &row, err), ERR_EXISTS);
	row.generation = 1;
	row.nonce = UINT64_MAX;
	FAILS(nonce_history_add(u, seq, &row, err), ERR_RANGE);
	row.nonce = 2;
	FAILS(nonce_history_add(u, seq + 1, &row, err), ERR_INTERNAL); /* no such directive */
	row.operator= NULL;
	FAILS(nonce_history_add(u, seq, &row, err), ERR_INTERNAL); /* somebody has to say so */
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct unit *u, void *ctx, struct err *err);
} in_a_unit[] = {
	{ "one digest for ever", one_digest_for_ever },
	{ "nonces at the edge", nonces_at_the_edge },
	{ "of a space that is not there", of_a_space_that_is_not_there },
	{ "former nonces", former_nonces },
	{ "history is written once", history_is_written_once },
};

START_TEST(one_unit)
{
	scratch_unit(&scratch, in_a_unit[_i].run, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/signature_store");
	TCase *tc = tcase_create("signatures");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_unit, 0, (int)ARRAY_LEN(in_a_unit));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
