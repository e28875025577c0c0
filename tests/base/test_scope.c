#include "base/scope.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "tests/support/suite.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

START_TEST(fd_closes_at_the_end_of_its_block)
{
	int seen;

	{
		SCOPED(fd) int fd = open("/dev/null", O_RDONLY);

		ck_assert_int_ge(fd, 0);
		seen = fd;
		ck_assert(is_open(seen));
	}
	ck_assert(!is_open(seen));
}
END_TEST

START_TEST(negative_fd_closes_nothing)
{
	int fd = -1;

	fd_scope_end(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert(is_open(STDERR_FILENO));
}
END_TEST

START_TEST(file_closes_at_the_end_of_its_block)
{
	int seen;

	{
		SCOPED(file) FILE *f = fopen("/dev/null", "r");

		ck_assert_ptr_nonnull(f);
		seen = fileno(f);
	}
	ck_assert(!is_open(seen));
}
END_TEST

START_TEST(null_file_is_fine)
{
	FILE *f = NULL;

	file_scope_end(&f);
	ck_assert_ptr_null(f);
}
END_TEST

START_TEST(taken_value_survives)
{
	FILE *kept;

	{
		SCOPED(file) FILE *f = fopen("/dev/null", "r");

		kept = TAKE(f);
		ck_assert_ptr_null(f);
	}
	ck_assert_ptr_nonnull(kept);
	ck_assert(is_open(fileno(kept)));
	ck_assert_int_eq(fclose(kept), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/scope");
	TCase *t = tcase_create("scope ends");

	tcase_add_test(t, fd_closes_at_the_end_of_its_block);
	tcase_add_test(t, negative_fd_closes_nothing);
	tcase_add_test(t, file_closes_at_the_end_of_its_block);
	tcase_add_test(t, null_file_is_fine);
	tcase_add_test(t, taken_value_survives);
	suite_add_tcase(s, t);
	return suite_run(s);
}
