#include "base/failpoint.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/scope.h"
#include "tests/support/suite.h"

#define NAME_63 "123456789012345678901234567890123456789012345678901234567890abc"
#define RULES_4 "a:error:1,b:error:1,c:error:1,d:error:1"

static void no_failpoints(void)
{
	ck_assert(failpoint_configure(NULL));
}

static const struct {
	const char *spec;
	bool ok;
} specs[] = {
	{ "", true },
	{ "a:crash:1", true },
	{ "store.commit:error:0,net.*:delay:3", true },
	{ "*:error:4294967295", true },
	{ NAME_63 ":error:1", true },
	{ RULES_4 "," RULES_4 "," RULES_4 "," RULES_4, true },
	{ RULES_4 "," RULES_4 "," RULES_4 "," RULES_4 ",e:error:1", false },
	{ NAME_63 "d:error:1", false },
	{ NAME_63 NAME_63 NAME_63 ":error:1", false },
	{ "a:error:4294967296", false },
	{ "a", false },
	{ "a:error", false },
	{ "a:error:", false },
	{ "a:error:x", false },
	{ "a:error:-1", false },
	{ "a:error:1:2", false },
	{ "a:explode:1", false },
	{ "a::1", false },
	{ ":error:1", false },
	{ "a:error:1,", false },
	{ ",a:error:1", false },
	{ "a:error:1,,b:error:1", false },
	{ "a:error:1 ", false },
	{ ",", false },
};

START_TEST(specifications)
{
	ck_assert_int_eq(failpoint_configure(specs[_i].spec), specs[_i].ok);
}
END_TEST

START_TEST(refused_specification_changes_nothing)
{
	ck_assert(failpoint_configure("a:error:0"));
	ck_assert(!failpoint_configure("b:error:0,nonsense"));
	ck_assert(FAILPOINT("a"));
	ck_assert(!FAILPOINT("b"));
}
END_TEST

START_TEST(nth_pass_fails_once)
{
	ck_assert(failpoint_configure("a:error:3"));
	ck_assert(!FAILPOINT("a"));
	ck_assert(!FAILPOINT("b"));
	ck_assert(!FAILPOINT("a"));
	ck_assert(FAILPOINT("a"));
	ck_assert(!FAILPOINT("a"));
	ck_assert_uint_eq(failpoint_passed(), 5);
}
END_TEST

START_TEST(zeroth_means_every_pass)
{
	ck_assert(failpoint_configure("a:error:0"));
	for (int i = 0; i < 10; i++)
		ck_assert(FAILPOINT("a"));
	ck_assert(failpoint_configure(NULL));
	ck_assert_uint_eq(failpoint_passed(), 0);
	ck_assert(!FAILPOINT("a"));
}
END_TEST

START_TEST(star_counts_over_all_names)
{
	ck_assert(failpoint_configure("net.*:error:2"));
	ck_assert(!FAILPOINT("net.send"));
	ck_assert(!FAILPOINT("store.commit"));
	ck_assert(!FAILPOINT("net"));
	ck_assert(FAILPOINT("net.recv"));
	ck_assert(!FAILPOINT("net.send"));
	ck_assert(failpoint_configure("*:error:1"));
	ck_assert(FAILPOINT("anything"));
}
END_TEST

START_TEST(names_match_whole)
{
	ck_assert(failpoint_configure("net.send:error:0"));
	ck_assert(!FAILPOINT("net.sen"));
	ck_assert(!FAILPOINT("net.send.more"));
	ck_assert(FAILPOINT("net.send"));
}
END_TEST

START_TEST(rules_count_on_their_own)
{
	ck_assert(failpoint_configure("a:error:1,a:error:2,*:error:4"));
	ck_assert(FAILPOINT("a"));
	ck_assert(FAILPOINT("a"));
	ck_assert(!FAILPOINT("a"));
	ck_assert(FAILPOINT("a"));
	ck_assert(!FAILPOINT("a"));
}
END_TEST

START_TEST(delay_waits_and_goes_on)
{
	int64_t start = clock_mono_us();

	ck_assert(failpoint_configure("a:delay:1"));
	ck_assert(!FAILPOINT("a"));
	ck_assert_int_ge(clock_mono_us() - start, 100 * 1000);
}
END_TEST

static void crash(void)
{
	if (failpoint_configure("a:crash:2") && !FAILPOINT("a"))
		(void)FAILPOINT("a");
}

START_TEST(crash_is_sigkill)
{
	ck_assert_int_eq(suite_signal_of(crash), SIGKILL);
}
END_TEST

/* The environment is read at the first failpoint, unless a test has configured before. */
static void crash_from_environment(void)
{
	(void)FAILPOINT("a");
}

START_TEST(environment_is_read_once)
{
	ck_assert_int_eq(setenv("WALLETD_FAILPOINTS", "a:error:2", 1), 0);
	ck_assert(!FAILPOINT("a"));
	ck_assert_int_eq(setenv("WALLETD_FAILPOINTS", "a:crash:0", 1), 0);
	ck_assert(FAILPOINT("a"));
	ck_assert_int_eq(unsetenv("WALLETD_FAILPOINTS"), 0);
}
END_TEST

START_TEST(misspelt_environment_aborts)
{
	ck_assert_int_eq(setenv("WALLETD_FAILPOINTS", "a:crush:1", 1), 0);
	ck_assert_int_eq(suite_signal_of(crash_from_environment), SIGABRT);
	ck_assert_int_eq(setenv("WALLETD_FAILPOINTS", "a:crash:1", 1), 0);
	ck_assert_int_eq(suite_signal_of(crash_from_environment), SIGKILL);
	ck_assert_int_eq(unsetenv("WALLETD_FAILPOINTS"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/failpoint");
	TCase *e = tcase_create("environment"), *t = tcase_create("failpoints");

	/* First and in this order, for runs that share one process: nothing is configured yet. */
	tcase_add_test(e, misspelt_environment_aborts);
	tcase_add_test(e, environment_is_read_once);
	tcase_add_checked_fixture(t, NULL, no_failpoints);
	tcase_add_loop_test(t, specifications, 0, ARRAY_LEN(specs));
	tcase_add_test(t, refused_specification_changes_nothing);
	tcase_add_test(t, nth_pass_fails_once);
	tcase_add_test(t, zeroth_means_every_pass);
	tcase_add_test(t, star_counts_over_all_names);
	tcase_add_test(t, names_match_whole);
	tcase_add_test(t, rules_count_on_their_own);
	tcase_add_test(t, delay_waits_and_goes_on);
	tcase_add_test(t, crash_is_sigkill);
	suite_add_tcase(s, e);
	suite_add_tcase(s, t);
	return suite_run(s);
}
