#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"
#include "tests/support/suite.h"

/* Every test logs into a file of its own, at a fixed time. */
static char path[64];
static struct buf seen;

static void setup(void)
{
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/walletd_test_log.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	seen = BUF_CAP(1024 * 1024);
	clock_set_for_test(1700000000123);
}

static void teardown(void)
{
	struct err err;

	ck_assert_int_eq(log_open(NULL, LOG_LOGFMT, false, &err), 0);
	log_set_level(NULL, LOG_INFO);
	clock_set_for_test(-1);
	ck_assert_int_eq(unlink(path), 0);
	buf_done(&seen);
}

static void open_log(enum log_format format)
{
	struct err err;

	ck_assert_int_eq(log_open(path, format, false, &err), 0);
}

/* All that was logged so far. */
static const char *logged(void)
{
	SCOPED(file) FILE *f = fopen(path, "r");
	char chunk[4096];
	size_t n;

	ck_assert_ptr_nonnull(f);
	buf_reset(&seen);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&seen, chunk, n);
	ck_assert(buf_ok(&seen));
	return buf_text(&seen);
}

START_TEST(logfmt_line)
{
	struct log log = log_with_id("executor", "018bcfe5");
	struct ecash sum = { 42, { "sat" } };

	open_log(LOG_LOGFMT);
	log_info(&log, "cashu.issued", F_ECASH("amount", sum), F_STR("mint", "m.example"), F_INT("left", -3),
		 F_UINT("big", UINT64_MAX), F_BOOL("ok", true), F_BOOL("late", false), F_INT("least", INT64_MIN));
	ck_assert_str_eq(logged(), "ts=2023-11-14T22:13:20.123Z level=info module=executor id=018bcfe5"
				   " event=cashu.issued amount=42 mint=m.example left=-3 big=18446744073709551615"
				   " ok=true late=false least=-9223372036854775808\n");
}
END_TEST

START_TEST(json_line)
{
	struct log log = log_module("rpc");

	open_log(LOG_JSON);
	log_warn(&log, "rpc.slow", F_STR("method", "status"), F_UINT("ms", 7), F_BOOL("ok", false),
		 F_STR("none", NULL));
	ck_assert_str_eq(logged(),
			 "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"module\":\"rpc\","
			 "\"event\":\"rpc.slow\",\"method\":\"status\",\"ms\":7,\"ok\":false,\"none\":null}\n");
}
END_TEST

START_TEST(error_is_two_fields)
{
	struct log log = log_module("net");
	struct err err;

	(void)ERR(&err, ERR_TIMEOUT, "no answer");
	open_log(LOG_LOGFMT);
	log_error(&log, "net.failed", F_ERR(&err));
	ck_assert_ptr_nonnull(
		strstr(logged(), " level=error module=net event=net.failed kind=timeout error=\"no answer\"\n"));
}
END_TEST

/* What must not reach a terminal or break a line, as written in either format. */
static const struct {
	const char *name, *text, *want;
} hostile[] = {
	{ "empty", "", "\"\"" },
	{ "space", "a b", "\"a b\"" },
	{ "equals sign", "a=b", "\"a=b\"" },
	{ "quote", "a\"b", "\"a\\\"b\"" },
	{ "backslash", "a\\b", "\"a\\\\b\"" },
	{ "new line", "x\nts=2024 level=info event=fake", "\"x\\nts=2024 level=info event=fake\"" },
	{ "carriage return", "x\ry", "\"x\\u000dy\"" },
	{ "tab", "x\ty", "\"x\\u0009y\"" },
	{ "escape sequence", "\x1b[31mred\x1b[0m", "\"\\u001b[31mred\\u001b[0m\"" },
	{ "bell", "\a", "\"\\u0007\"" },
	{ "first control", "\x01", "\"\\u0001\"" },
	{ "last control", "\x1f", "\"\\u001f\"" },
	{ "delete", "\x7f", "\"\\u007f\"" },
	{ "control of the second set",
	  "\xc2\x9b"
	  "31m",
	  "\"\\u009b31m\"" },
	{ "raw control of the second set",
	  "\x9b"
	  "31m",
	  "\"\\ufffd31m\"" },
	{ "soft hyphen",
	  "a\xc2\xad"
	  "b",
	  "\"a\\u00adb\"" },
	{ "right to left override",
	  "\xe2\x80\xae"
	  "abc",
	  "\"\\u202eabc\"" },
	{ "isolate", "\xe2\x81\xa6", "\"\\u2066\"" },
	{ "line separator", "\xe2\x80\xa8", "\"\\u2028\"" },
	{ "zero width space", "\xe2\x80\x8b", "\"\\u200b\"" },
	{ "byte order mark", "\xef\xbb\xbf", "\"\\ufeff\"" },
	{ "text beyond ASCII", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	  "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
	{ "not UTF-8", "caf\xe9!", "\"caf\\ufffd!\"" },
	{ "cut UTF-8", "\xe2\x82", "\"\\ufffd\\ufffd\"" },
	{ "overlong NUL", "\xc0\x80", "\"\\ufffd\\ufffd\"" },
};

START_TEST(text_from_outside_is_harmless)
{
	struct log log = log_module("net");
	char want[256];
	json_t *parsed;

	open_log(LOG_LOGFMT);
	log_info(&log, "net.said", F_STR("words", hostile[_i].text));
	(void)snprintf(want, sizeof(want),
		       "ts=2023-11-14T22:13:20.123Z level=info module=net event=net.said words=%s\n", hostile[_i].want);
	ck_assert_str_eq(logged(), want);
	ck_assert_int_eq(truncate(path, 0), 0);
	open_log(LOG_JSON);
	log_info(&log, "net.said", F_STR("words", hostile[_i].text));
	(void)snprintf(want, sizeof(want), "\"event\":\"net.said\",\"words\":%s}\n", hostile[_i].want);
	ck_assert_ptr_nonnull(strstr(logged(), want));
	ck_assert_ptr_eq(strchr(buf_text(&seen), '\n'), buf_text(&seen) + seen.n - 1);
	parsed = json_loads(buf_text(&seen), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(parsed);
	if (utf8_valid(bytes_of(hostile[_i].text)))
		ck_assert_str_eq(json_string_value(json_object_get(parsed, "words")), hostile[_i].text);
	json_decref(parsed);
}
END_TEST

START_TEST(ids_from_outside_are_escaped_and_cut)
{
	char id[200];
	struct log log;

	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	id[1] = '\n';
	log = log_with_id("rpc", id);
	ck_assert_uint_eq(strlen(log.id), sizeof(log.id) - 1);
	open_log(LOG_LOGFMT);
	log_info(&log, "rpc.call", F_INT("n", 1));
	ck_assert_ptr_nonnull(strstr(logged(), " id=\"i\\niii"));
	ck_assert_ptr_nonnull(strstr(logged(), "iii\" event=rpc.call n=1\n"));
}
END_TEST

START_TEST(long_values_are_cut)
{
	struct log log = log_module("net");
	char text[5000], want[1024 + 16];

	memset(text, 'v', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	open_log(LOG_LOGFMT);
	log_info(&log, "net.said", F_STR("words", text), F_INT("after", 1));
	(void)snprintf(want, sizeof(want), "words=\"%.1024s...\" a", text);
	ck_assert_ptr_nonnull(strstr(logged(), want));
	ck_assert_ptr_nonnull(strstr(logged(), " after=1\n"));
}
END_TEST

/* A value that grows sixfold when it is escaped, as many times as fit and once more. */
START_TEST(long_lines_end_before_the_field_that_does_not_fit)
{
	struct log log = log_module("net");
	char text[1024];
	json_t *parsed;

	memset(text, 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	open_log(LOG_JSON);
	log_info(&log, "net.said", F_STR("a", text), F_STR("b", text), F_STR("c", text), F_INT("d", 1));
	parsed = json_loads(logged(), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(parsed);
	ck_assert_uint_eq(json_string_length(json_object_get(parsed, "b")), 1023);
	ck_assert_ptr_null(json_object_get(parsed, "c"));
	ck_assert_ptr_null(json_object_get(parsed, "d"));
	ck_assert(json_is_true(json_object_get(parsed, "truncated")));
	json_decref(parsed);
	ck_assert_int_eq(truncate(path, 0), 0);
	open_log(LOG_LOGFMT);
	log_info(&log, "net.said", F_STR("a", text), F_STR("b", text), F_STR("c", text), F_INT("d", 1));
	ck_assert_ptr_nonnull(strstr(logged(), "\" truncated=true\n"));
	log_info(&log, "net.next", F_INT("d", 1));
	ck_assert_ptr_nonnull(strstr(logged(), " event=net.next d=1\n"));
}
END_TEST

START_TEST(levels_hold_back_what_is_below)
{
	struct log rpc = log_module("rpc"), net = log_module("net");

	open_log(LOG_LOGFMT);
	ck_assert(log_enabled(&rpc, LOG_INFO));
	ck_assert(!log_enabled(&rpc, LOG_DEBUG));
	log_set_level("net", LOG_DEBUG);
	log_set_level("rpc", LOG_ERROR);
	ck_assert(log_enabled(&net, LOG_DEBUG));
	ck_assert(!log_enabled(&rpc, LOG_WARN));
	ck_assert(log_enabled(&rpc, LOG_ERROR));
	ck_assert_int_eq(log_get_level("net"), LOG_DEBUG);
	ck_assert_int_eq(log_get_level("store"), LOG_INFO);
	ck_assert_int_eq(log_get_level(NULL), LOG_INFO);
	log_debug(&net, "net.yes", F_INT("n", 1));
	log_warn(&rpc, "rpc.no", F_INT("n", 1));
	log_error(&rpc, "rpc.yes", F_INT("n", 1));
	ck_assert_ptr_nonnull(strstr(logged(), "level=debug module=net event=net.yes"));
	ck_assert_ptr_nonnull(strstr(logged(), "event=rpc.yes"));
	ck_assert_ptr_null(strstr(logged(), "rpc.no"));
	log_set_level("net", LOG_WARN); /* again: the same row */
	ck_assert(!log_enabled(&net, LOG_INFO));
	log_set_level(NULL, LOG_WARN); /* all: exceptions go */
	ck_assert_int_eq(log_get_level("net"), LOG_WARN);
	ck_assert_int_eq(log_get_level("rpc"), LOG_WARN);
	ck_assert_int_eq(log_get_level(NULL), LOG_WARN);
}
END_TEST

static int counted;

static int64_t count(void)
{
	return ++counted;
}

START_TEST(fields_of_a_held_back_line_are_not_computed)
{
	struct log log = log_module("net");

	counted = 0;
	open_log(LOG_LOGFMT);
	log_debug(&log, "net.no", F_INT("n", count()));
	ck_assert_int_eq(counted, 0);
	log_info(&log, "net.yes", F_INT("n", count()));
	ck_assert_int_eq(counted, 1);
}
END_TEST

START_TEST(level_names)
{
	static const enum log_level all[] = { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
	enum log_level got;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert(log_level_parse(log_level_name(all[i]), &got));
		ck_assert_int_eq(got, all[i]);
	}
	ck_assert(!log_level_parse("INFO", &got));
	ck_assert(!log_level_parse("", &got));
	ck_assert(!log_level_parse("information", &got));
	ck_assert(!log_level_parse("6", &got));
	ck_assert_int_eq(got, LOG_DEBUG);
}
END_TEST

START_TEST(file_is_private_and_appended_to)
{
	struct log log = log_module("net");
	struct stat st;

	ck_assert_int_eq(unlink(path), 0);
	open_log(LOG_LOGFMT);
	log_info(&log, "net.one", F_INT("n", 1));
	open_log(LOG_LOGFMT); /* as a reload does */
	log_info(&log, "net.two", F_INT("n", 1));
	ck_assert_ptr_nonnull(strstr(logged(), "net.one"));
	ck_assert_ptr_nonnull(strstr(logged(), "net.two"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(reload_follows_a_moved_file)
{
	struct log log = log_module("net");
	char moved[80];

	(void)snprintf(moved, sizeof(moved), "%s.1", path);
	open_log(LOG_LOGFMT);
	log_info(&log, "net.old", F_INT("n", 1));
	ck_assert_int_eq(rename(path, moved), 0);
	open_log(LOG_LOGFMT);
	log_info(&log, "net.new", F_INT("n", 1));
	ck_assert_ptr_null(strstr(logged(), "net.old"));
	ck_assert_ptr_nonnull(strstr(logged(), "net.new"));
	ck_assert_int_eq(unlink(moved), 0);
}
END_TEST

START_TEST(unusable_file_keeps_the_old_one)
{
	struct log log = log_module("net");
	struct err err;

	open_log(LOG_LOGFMT);
	ck_assert_int_eq(log_open("/no/such/directory/walletd.log", LOG_JSON, false, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, "/no/such/directory/walletd.log"));
	log_info(&log, "net.still", F_INT("n", 1));
	ck_assert_ptr_nonnull(strstr(logged(), "event=net.still"));
}
END_TEST

/* stderr stands for the test's file while fn() runs. */
static void with_stderr_in_file(void (*fn)(void))
{
	int saved = dup(STDERR_FILENO), fd = open(path, O_WRONLY | O_APPEND);

	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	fn();
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	ck_assert_int_eq(close(saved), 0);
	ck_assert_int_eq(close(fd), 0);
}

static void log_each_level(void)
{
	struct log log = log_module("net");

	log_set_level(NULL, LOG_DEBUG);
	log_error(&log, "net.e", F_INT("n", 1));
	log_warn(&log, "net.w", F_INT("n", 1));
	log_info(&log, "net.i", F_INT("n", 1));
	log_debug(&log, "net.d", F_INT("n", 1));
}

START_TEST(stderr_without_being_opened)
{
	with_stderr_in_file(log_each_level);
	ck_assert_mem_eq(logged(), "ts=2023-11-14T22:13:20.123Z level=error module=net event=net.e n=1\nts=", 70);
}
END_TEST

START_TEST(journal_prefixes)
{
	struct err err;

	ck_assert_int_eq(log_open(NULL, LOG_LOGFMT, true, &err), 0);
	with_stderr_in_file(log_each_level);
	ck_assert_mem_eq(logged(), "<3>ts=", 6);
	ck_assert_ptr_nonnull(strstr(logged(), "\n<4>ts=2023-11-14T22:13:20.123Z level=warn"));
	ck_assert_ptr_nonnull(strstr(logged(), "\n<6>ts="));
	ck_assert_ptr_nonnull(strstr(logged(), "\n<7>ts="));
}
END_TEST

START_TEST(journal_prefixes_stay_out_of_files)
{
	struct err err;

	ck_assert_int_eq(log_open(path, LOG_LOGFMT, true, &err), 0);
	log_each_level();
	ck_assert_mem_eq(logged(), "ts=", 3);
}
END_TEST

START_TEST(lost_lines_are_counted_and_errno_survives)
{
	struct metric *lost = metric_counter("walletd_log_lost_total", "", "Log lines not written.");
	struct log log = log_module("net");
	uint64_t before = metric_value(lost);
	struct err err;

	ck_assert_int_eq(log_open("/dev/full", LOG_LOGFMT, false, &err), 0);
	errno = EXDEV;
	log_info(&log, "net.lost", F_INT("n", 1));
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_uint_eq(metric_value(lost), before + 1);
}
END_TEST

static const struct {
	int64_t ms;
	const char *want;
} times[] = {
	{ 0, "ts=1970-01-01T00:00:00.000Z " },
	{ 1709164799999, "ts=2024-02-28T23:59:59.999Z " },
	{ 1709164800000, "ts=2024-02-29T00:00:00.000Z " },
	{ 253402300799999, "ts=9999-12-31T23:59:59.999Z " },
};

START_TEST(timestamps)
{
	struct log log = log_module("net");

	clock_set_for_test(times[_i].ms);
	open_log(LOG_LOGFMT);
	log_info(&log, "net.now", F_INT("n", 1));
	ck_assert(text_starts(logged(), times[_i].want));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/log");
	TCase *t = tcase_create("log");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, stderr_without_being_opened); /* first, for runs that share one process */
	tcase_add_test(t, logfmt_line);
	tcase_add_test(t, json_line);
	tcase_add_test(t, error_is_two_fields);
	tcase_add_loop_test(t, text_from_outside_is_harmless, 0, ARRAY_LEN(hostile));
	tcase_add_test(t, ids_from_outside_are_escaped_and_cut);
	tcase_add_test(t, long_values_are_cut);
	tcase_add_test(t, long_lines_end_before_the_field_that_does_not_fit);
	tcase_add_test(t, levels_hold_back_what_is_below);
	tcase_add_test(t, fields_of_a_held_back_line_are_not_computed);
	tcase_add_test(t, level_names);
	tcase_add_test(t, file_is_private_and_appended_to);
	tcase_add_test(t, reload_follows_a_moved_file);
	tcase_add_test(t, unusable_file_keeps_the_old_one);
	tcase_add_test(t, journal_prefixes);
	tcase_add_test(t, journal_prefixes_stay_out_of_files);
	tcase_add_test(t, lost_lines_are_counted_and_errno_survives);
	tcase_add_loop_test(t, timestamps, 0, ARRAY_LEN(times));
	suite_add_tcase(s, t);
	return suite_run(s);
}
