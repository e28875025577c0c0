#include "base/metrics.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

/* The registry belongs to the process and only grows, so each test has names of its own. */
static const char *exported(struct buf *b)
{
	metrics_write(b);
	ck_assert(buf_ok(b));
	return buf_text(b);
}

#define ck_assert_contains(text, part)                                                                                 \
	ck_assert_msg(strstr((text), (part)) != NULL, "%s\nis not in\n%s", (part), (text))

START_TEST(counter_counts)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	struct metric *m = metric_counter("walletd_a_total", NULL, "What a counts.");

	ck_assert_uint_eq(metric_value(m), 0);
	metric_inc(m);
	metric_add(m, 41);
	ck_assert_uint_eq(metric_value(m), 42);
	ck_assert_contains(exported(&b), "# HELP walletd_a_total What a counts.\n# TYPE walletd_a_total counter\n"
					 "walletd_a_total 42\n");
}
END_TEST

START_TEST(gauge_goes_both_ways)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	struct metric *m = metric_gauge("walletd_b", "rail=\"cashu\"", "B.");

	metric_set(m, INT64_MAX);
	metric_set(m, INT64_MIN);
	ck_assert_contains(exported(&b), "# TYPE walletd_b gauge\nwalletd_b{rail=\"cashu\"} -9223372036854775808\n");
}
END_TEST

START_TEST(same_name_and_labels_are_the_same_metric)
{
	struct metric *m = metric_counter("walletd_c_total", "x=\"1\"", "C.");

	ck_assert_ptr_eq(metric_counter("walletd_c_total", "x=\"1\"", "C."), m);
	ck_assert_ptr_ne(metric_counter("walletd_c_total", "x=\"2\"", "C."), m);
	ck_assert_ptr_ne(metric_counter("walletd_c_total", NULL, "C."), m);
	ck_assert_ptr_eq(metric_counter("walletd_c_total", "", "C."), metric_counter("walletd_c_total", NULL, "C."));
}
END_TEST

START_TEST(names_are_copied)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	char name[] = "walletd_d_total", labels[] = "y=\"1\"";

	metric_inc(metric_counter(name, labels, "D."));
	memset(name, 'x', sizeof(name) - 1);
	memset(labels, 'x', sizeof(labels) - 1);
	ck_assert_contains(exported(&b), "\nwalletd_d_total{y=\"1\"} 1\n");
}
END_TEST

START_TEST(family_stands_together_under_one_header)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);

	metric_add(metric_counter("walletd_e_total", "k=\"1\"", "E."), 1);
	metric_add(metric_counter("walletd_f_total", "", "F."), 2);
	metric_add(metric_counter("walletd_e_total", "k=\"2\"", "E."), 3);
	ck_assert_contains(exported(&b),
			   "# HELP walletd_e_total E.\n# TYPE walletd_e_total counter\n"
			   "walletd_e_total{k=\"1\"} 1\nwalletd_e_total{k=\"2\"} 3\n"
			   "# HELP walletd_f_total F.\n# TYPE walletd_f_total counter\nwalletd_f_total 2\n");
}
END_TEST

START_TEST(durations_are_cumulative_and_in_seconds)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	struct metric *m = metric_duration("walletd_g_seconds", "kind=\"z\"", "G.");
	const char *text;

	metric_observe(m, 0);
	metric_observe(m, 100); /* bounds are inclusive */
	metric_observe(m, 101);
	metric_observe(m, 1500000);
	metric_observe(m, 100000000);
	metric_observe(m, 100000001);
	ck_assert_uint_eq(metric_value(m), 6);
	text = exported(&b);
	ck_assert_contains(text, "# TYPE walletd_g_seconds histogram\n"
				 "walletd_g_seconds_bucket{kind=\"z\",le=\"0.0001\"} 2\n"
				 "walletd_g_seconds_bucket{kind=\"z\",le=\"0.00025\"} 3\n"
				 "walletd_g_seconds_bucket{kind=\"z\",le=\"0.0005\"} 3\n");
	ck_assert_contains(text, "le=\"1\"} 3\nwalletd_g_seconds_bucket{kind=\"z\",le=\"2.5\"} 4\n");
	ck_assert_contains(text, "walletd_g_seconds_bucket{kind=\"z\",le=\"100\"} 5\n"
				 "walletd_g_seconds_bucket{kind=\"z\",le=\"+Inf\"} 6\n"
				 "walletd_g_seconds_sum{kind=\"z\"} 201.500202\n"
				 "walletd_g_seconds_count{kind=\"z\"} 6\n");
}
END_TEST

START_TEST(sizes_are_plain)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	struct metric *m = metric_size("walletd_h", "", "H.");

	metric_observe(m, 1);
	metric_observe(m, 3);
	metric_observe(m, 1025);
	ck_assert_contains(exported(&b), "walletd_h_bucket{le=\"1\"} 1\nwalletd_h_bucket{le=\"2\"} 1\n"
					 "walletd_h_bucket{le=\"4\"} 2\n");
	ck_assert_contains(buf_text(&b), "walletd_h_bucket{le=\"1024\"} 2\nwalletd_h_bucket{le=\"+Inf\"} 3\n"
					 "walletd_h_sum 1029\nwalletd_h_count 3\n");
}
END_TEST

START_TEST(each_bound_is_what_its_text_says)
{
	static const uint64_t us[] = { 100,     250,      500,      1000,     2500,     5000,    10000,
				       25000,   50000,    100000,   250000,   500000,   1000000, 2500000,
				       5000000, 10000000, 25000000, 50000000, 100000000 };
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	struct metric *m = metric_duration("walletd_i_seconds", "", "I.");
	const char *at;

	for (size_t i = 0; i < ARRAY_LEN(us); i++)
		metric_observe(m, us[i]);
	at = strstr(exported(&b), "walletd_i_seconds_bucket");
	for (size_t i = 0; i < ARRAY_LEN(us); i++) {
		char *end;

		ck_assert_ptr_nonnull(at);
		at = strchr(at, '"');
		ck_assert_ptr_nonnull(at);
		ck_assert_double_eq_tol(strtod(at + 1, &end) * 1e6, (double)us[i], 0.01);
		ck_assert_mem_eq(end, "\"} ", 3);
		ck_assert_uint_eq(strtoull(end + 3, &end, 10), i + 1);
		ck_assert_int_eq(*end, '\n');
		at = end;
	}
}
END_TEST

START_TEST(export_keeps_to_its_cap)
{
	SCOPED(buf) struct buf b = BUF_CAP(10);

	metric_inc(metric_counter("walletd_j_total", "", "J."));
	metrics_write(&b);
	ck_assert(!buf_ok(&b));
}
END_TEST

static void count_a_gauge(void)
{
	metric_inc(metric_gauge("walletd_k", "", "K."));
}

static void set_a_counter(void)
{
	metric_set(metric_counter("walletd_l_total", "", "L."), 1);
}

static void observe_a_counter(void)
{
	metric_observe(metric_counter("walletd_m_total", "", "M."), 1);
}

static void two_types_under_one_name(void)
{
	(void)metric_counter("walletd_n", "a=\"1\"", "N.");
	(void)metric_gauge("walletd_n", "a=\"2\"", "N.");
}

static void (*const deadly[])(void) = { count_a_gauge, set_a_counter, observe_a_counter, two_types_under_one_name };

START_TEST(mixing_types_aborts)
{
	ck_assert_int_eq(suite_signal_of(deadly[_i]), SIGABRT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_test(t, counter_counts);
	tcase_add_test(t, gauge_goes_both_ways);
	tcase_add_test(t, same_name_and_labels_are_the_same_metric);
	tcase_add_test(t, names_are_copied);
	tcase_add_test(t, family_stands_together_under_one_header);
	tcase_add_test(t, durations_are_cumulative_and_in_seconds);
	tcase_add_test(t, sizes_are_plain);
	tcase_add_test(t, each_bound_is_what_its_text_says);
	tcase_add_test(t, export_keeps_to_its_cap);
	tcase_add_loop_test(t, mixing_types_aborts, 0, ARRAY_LEN(deadly));
	suite_add_tcase(s, t);
	return suite_run(s);
}
