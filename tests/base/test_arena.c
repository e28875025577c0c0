#include "base/arena.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define ALIGN _Alignof(max_align_t)

START_TEST(memory_is_zeroed_aligned_and_apart)
{
	enum { N = 400 };
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	uint8_t *p[N];

	for (size_t i = 0; i < N; i++) {
		p[i] = arena_alloc(&a, i);
		ck_assert_uint_eq((uintptr_t)p[i] % ALIGN, 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_eq(p[i][j], 0);
		memset(p[i], (int)i, i);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_eq(p[i][j], (uint8_t)i);
}
END_TEST

START_TEST(empty_allocations_differ)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(100);

	ck_assert_ptr_ne(arena_alloc(&a, 0), arena_alloc(&a, 0));
}
END_TEST

START_TEST(memory_is_zeroed_again_after_reset)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

	for (int round = 0; round < 3; round++) {
		uint8_t *p = arena_alloc(&a, 3000), *big = arena_alloc(&a, 40000);

		for (size_t i = 0; i < 3000; i++)
			ck_assert_uint_eq(p[i], 0);
		for (size_t i = 0; i < 40000; i++)
			ck_assert_uint_eq(big[i], 0);
		memset(p, 0xff, 3000);
		memset(big, 0xff, 40000);
		arena_reset(&a);
		ck_assert_uint_eq(a.used, 0);
		ck_assert_ptr_null(a.blocks);
	}
}
END_TEST

START_TEST(sizes_of_all_magnitudes_keep_their_contents)
{
	static const size_t sizes[] = { 1, 4000, 16, 5000, 100000, 1, 70000, 3, 16384, 1000000, 24 };
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	uint8_t *p[ARRAY_LEN(sizes) * 4];

	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		size_t n = sizes[i % ARRAY_LEN(sizes)];

		if (!arena_room(&a, n))
			n = 1;
		p[i] = arena_alloc(&a, n);
		memset(p[i], (int)i + 1, n);
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		ck_assert_uint_eq(p[i][0], i + 1);
}
END_TEST

START_TEST(room_is_exact)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(10 * ALIGN);

	ck_assert(arena_room(&a, 10 * ALIGN));
	ck_assert(!arena_room(&a, 10 * ALIGN + 1));
	ck_assert(!arena_room(&a, SIZE_MAX));
	(void)arena_alloc(&a, 1); /* costs a whole step */
	ck_assert(arena_room(&a, 9 * ALIGN));
	ck_assert(!arena_room(&a, 9 * ALIGN + 1));
	(void)arena_alloc(&a, 9 * ALIGN);
	ck_assert(!arena_room(&a, 0));
	arena_reset(&a);
	ck_assert(arena_room(&a, 10 * ALIGN));
}
END_TEST

START_TEST(room_survives_a_limit_without_end)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SIZE_MAX);

	(void)arena_alloc(&a, 100);
	ck_assert(!arena_room(&a, SIZE_MAX));
	ck_assert(!arena_room(&a, SIZE_MAX - 15));
	ck_assert(arena_room(&a, 1000));
}
END_TEST

static void pass_the_limit(void)
{
	struct arena a = ARENA_LIMIT(64);

	(void)arena_alloc(&a, 65);
}

static void pass_the_limit_slowly(void)
{
	struct arena a = ARENA_LIMIT(64);

	for (int i = 0; i < 5; i++)
		(void)arena_alloc(&a, 16);
}

static void use_without_limit(void)
{
	struct arena a = { 0 };

	(void)arena_alloc(&a, 1);
}

static void array_overflow(void)
{
	struct arena a = ARENA_LIMIT(SIZE_MAX);

	(void)arena_array(&a, SIZE_MAX / 8 + 2, 8); /* 8 bytes, if the product wrapped */
}

static void copy_overflow(void)
{
	struct arena a = ARENA_LIMIT(SIZE_MAX);

	(void)arena_bytes(&a, (struct bytes){ .p = (const uint8_t *)"", .n = SIZE_MAX });
}

static void (*const deadly[])(void) = { pass_the_limit, pass_the_limit_slowly, use_without_limit, array_overflow,
					copy_overflow };

START_TEST(passing_a_limit_aborts)
{
	ck_assert_int_eq(suite_signal_of(deadly[_i]), SIGABRT);
}
END_TEST

START_TEST(texts_and_bytes_are_copied)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	char source[] = "hello";
	char *dup = arena_strdup(&a, source), *part = arena_strndup(&a, source, 2);
	char *past = arena_strndup(&a, source, 100);
	struct bytes b = arena_bytes(&a, (struct bytes){ (const uint8_t *)"a\0b", 3 });

	memset(source, 'x', 5);
	ck_assert_str_eq(dup, "hello");
	ck_assert_str_eq(part, "he");
	ck_assert_str_eq(past, "hello");
	ck_assert_uint_eq(b.n, 3);
	ck_assert_int_eq(memcmp(b.p, "a\0b", 4), 0);
	b = arena_bytes(&a, (struct bytes){ 0 });
	ck_assert_uint_eq(b.n, 0);
	ck_assert_uint_eq(b.p[0], 0);
	ck_assert_str_eq(arena_strndup(&a, "", 0), "");
}
END_TEST

START_TEST(strndup_reads_no_further_than_told)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);
	char *heap = malloc(3); /* without a NUL: a sanitizer sees the fourth byte being read */

	ck_assert_ptr_nonnull(heap);
	memset(heap, 'x', 3);
	ck_assert_str_eq(arena_strndup(&a, heap, 3), "xxx");
	free(heap);
}
END_TEST

START_TEST(printf_of_any_length)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);

	ck_assert_str_eq(arena_printf(&a, "%s", ""), "");
	ck_assert_str_eq(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
	for (int n = 250; n < 260; n++)
		ck_assert_uint_eq(strlen(arena_printf(&a, "%0*d", n, 1)), (size_t)n);
	ck_assert_uint_eq(strlen(arena_printf(&a, "%0100000d", 1)), 100000);
}
END_TEST

static char order[8]; /* which hooks ran */

static void note(void *what)
{
	size_t n = strlen(order);

	ck_assert_uint_lt(n, sizeof(order) - 1);
	order[n] = *(const char *)what;
	order[n + 1] = '\0';
}

START_TEST(hooks_run_last_in_first_out_and_once)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);

	order[0] = '\0';
	arena_defer(&a, note, "a");
	arena_defer(&a, note, "b");
	arena_defer(&a, note, "c");
	ck_assert_str_eq(order, "");
	arena_reset(&a);
	ck_assert_str_eq(order, "cba");
	arena_reset(&a);
	ck_assert_str_eq(order, "cba");
	arena_defer(&a, note, "d");
	arena_done(&a);
	ck_assert_str_eq(order, "cbad");
}
END_TEST

START_TEST(hooks_run_at_the_end_of_the_scope)
{
	order[0] = '\0';
	{
		SCOPED(arena) struct arena a = ARENA_LIMIT(1024);

		arena_defer(&a, note, "a");
	}
	ck_assert_str_eq(order, "a");
}
END_TEST

/* The last thing a hook may need is what the arena holds. */
static void note_text(void *what)
{
	note(*(char **)what);
}

START_TEST(hooks_run_before_memory_goes)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);
	char **p = ARENA_NEW(&a, char *);

	order[0] = '\0';
	*p = arena_strdup(&a, "z");
	arena_defer(&a, note_text, p);
	arena_done(&a);
	ck_assert_str_eq(order, "z");
}
END_TEST

static void defer_more(void *arena)
{
	note("1");
	arena_defer(arena, note, "2");
}

START_TEST(hook_may_defer_another)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024);

	order[0] = '\0';
	arena_defer(&a, note, "3");
	arena_defer(&a, defer_more, &a);
	arena_reset(&a);
	ck_assert_str_eq(order, "123");
}
END_TEST

START_TEST(full_arena_still_takes_hooks)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ALIGN);

	order[0] = '\0';
	(void)arena_alloc(&a, ALIGN);
	arena_defer(&a, note, "a"); /* what must be dropped at the end is registered in any case */
	arena_done(&a);
	ck_assert_str_eq(order, "a");
}
END_TEST

START_TEST(arrays_hold_their_elements)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	uint64_t *v = ARENA_ARRAY(&a, 1000, uint64_t);

	ck_assert_uint_eq(a.used, 8000);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(v[i], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/arena");
	TCase *t = tcase_create("memory"), *h = tcase_create("hooks");

	tcase_add_test(t, memory_is_zeroed_aligned_and_apart);
	tcase_add_test(t, empty_allocations_differ);
	tcase_add_test(t, memory_is_zeroed_again_after_reset);
	tcase_add_test(t, sizes_of_all_magnitudes_keep_their_contents);
	tcase_add_test(t, room_is_exact);
	tcase_add_test(t, room_survives_a_limit_without_end);
	tcase_add_loop_test(t, passing_a_limit_aborts, 0, ARRAY_LEN(deadly));
	tcase_add_test(t, texts_and_bytes_are_copied);
	tcase_add_test(t, strndup_reads_no_further_than_told);
	tcase_add_test(t, printf_of_any_length);
	tcase_add_test(t, arrays_hold_their_elements);
	tcase_add_test(h, hooks_run_last_in_first_out_and_once);
	tcase_add_test(h, hooks_run_at_the_end_of_the_scope);
	tcase_add_test(h, hooks_run_before_memory_goes);
	tcase_add_test(h, hook_may_defer_another);
	tcase_add_test(h, full_arena_still_takes_hooks);
	suite_add_tcase(s, t);
	suite_add_tcase(s, h);
	return suite_run(s);
}
