/* rpc/walletctl/args.c, input.c: words become parameters, and secrets come from anywhere but the command line. */
#include "rpc/walletctl/args.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/support/suite.h"

static struct arena a;
static struct err err;
static char path[] = "/tmp/walletctl-args-XXXXXX";

static const struct param table[] = {
	{ .name = "mint", .type = PARAM_STRING, .max = 20, .help = "" },
	{ .name = "amount", .type = PARAM_INT, .min = 1, .max = INT64_MAX, .help = "" },
	{ .name = "unit", .type = PARAM_ENUM, .choices = "sat|usd", .help = "" },
	{ .name = "trust", .type = PARAM_BOOL, .help = "" },
	{ .name = "extra", .type = PARAM_OBJECT, .help = "" },
	{ .name = "words", .type = PARAM_ARRAY, .max = 5, .help = "" },
	{ .name = "token", .type = PARAM_SECRET, .help = "" },
	{ .name = "passphrase", .type = PARAM_SECRET, .min = 0, .max = 1024, .help = "" },
	{ 0 },
};
static const struct param needs_token[] = {
	{ .name = "token", .type = PARAM_SECRET, .flags = PARAM_REQUIRED, .help = "" },
	{ .name = "note", .type = PARAM_STRING, .help = "" },
	{ 0 },
};

static void set_up(void)
{
	int fd;

	a = ARENA_LIMIT(8 << 20);
	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void tear_down(void)
{
	unlink(path);
	arena_done(&a);
}

/* A pipe that holds this text and then ends. */
static int holding(const char *text, size_t n)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], text, n), (ssize_t)n);
	close(fds[1]);
	return fds[0];
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* The parameters as JSON, or "!" and the error. */
static const char *read_words(const struct param *rows, const char *const *words, const struct args_options *opt)
{
	struct arg args[16];
	size_t n = 0;
	json_t *v;

	for (; words[n]; n++)
		args[n] = arg_of(&a, words[n]);
	if (args_read(&a, rows, (struct args){ args, n }, opt, &v, &err) != 0)
		return arena_printf(&a, "!%s", err.msg);
	return json_text(&a, v);
}

#define STDIN_TEXT "from stdin\n"

static const struct {
	const char *words[4], *json;
} lines[] = {
	{ { NULL }, "{}" },
	{ { "amount=5" }, "{\"amount\":5}" },
	{ { "m", "5", "usd" }, "{\"mint\":\"m\",\"amount\":5,\"unit\":\"usd\"}" },
	{ { "amount=5", "m" }, "{\"mint\":\"m\",\"amount\":5}" },
	{ { "mint=a=b" }, "{\"mint\":\"a=b\"}" },
	{ { "https://m/?x=y" }, "{\"mint\":\"https://m/?x=y\"}" },
	{ { "mint=-" }, "{\"mint\":\"-\"}" },
	{ { "mint=@x" }, "{\"mint\":\"@x\"}" },
	{ { "trust=yes" }, "{\"trust\":true}" },
	{ { "trust=0" }, "{\"trust\":false}" },
	{ { "words=a,b" }, "{\"words\":[\"a\",\"b\"]}" },
	{ { "words=[1,\"b\"]" }, "{\"words\":[1,\"b\"]}" },
	{ { "words=" }, "{\"words\":[]}" },
	{ { "extra={\"a\":[1]}" }, "{\"extra\":{\"a\":[1]}}" },
	{ { "token=-" }, "{\"token\":\"from stdin\"}" },
	{ { "token=@-" }, "{\"token\":\"from stdin\"}" },

	{ { "amount=5x" }, "!amount must be an integer" },
	{ { "amount=0" }, "!amount must be from 1 to 9223372036854775807" },
	{ { "amount=99999999999999999999" }, "!amount must be an integer" },
	{ { "unit=eur" }, "!unit must be one of sat|usd" },
	{ { "trust=maybe" }, "!trust must be true or false" },
	{ { "amunt=5" }, "!unknown parameter \"amunt\"; did you mean amount?" },
	{ { "mint=a", "mint=b" }, "!mint was given twice" },
	{ { "a", "mint=b" }, "!mint was given twice" },
	{ { "mint=aaaaaaaaaaaaaaaaaaaaaaaaa" }, "!mint has 25 bytes, not 0 to 20" },
	{ { "mint=\xff" }, "!mint is not UTF-8" },
	{ { "extra={\"a\":" }, "!extra: not JSON at line 1, column 5: it ends too early" },
	{ { "extra=[1]" }, "!extra must be an object" },
	{ { "extra=@/nonexistent/x" }, "!cannot open /nonexistent/x: No such file or directory" },
	{ { "words=1,2,3,4,5,6" }, "!words has 6 items, not 0 to 5" },
	{ { "token=-", "passphrase=-" }, "!only one value can come from standard input" },
	{ { "token=cashuBsecret" },
	  "!token is a secret, and a command line can be read by every user of this machine" },
	{ { "token=" }, "!token is a secret, and a command line can be read by every user of this machine" },
	{ { "token=@" }, "!token is a secret, and a command line can be read by every user of this machine" },
};

START_TEST(line)
{
	struct input in = { .fd = holding(STDIN_TEXT, strlen(STDIN_TEXT)) };
	const struct args_options opt = { &in, NULL };
	const char *text = read_words(table, lines[_i].words, &opt);

	ck_assert_str_eq(text, lines[_i].json);
	if (text[0] == '!')
		ck_assert_ptr_null(strstr(text, "cashuBsecret"));
	close(in.fd);
}
END_TEST

START_TEST(too_many)
{
	static const char *const words[] = { "a", "b", "c", NULL };
	struct input in = { .fd = -1 };
	const struct args_options opt = { &in, NULL };

	static const struct param two[] = { { .name = "x", .type = PARAM_STRING, .help = "" },
					    { .name = "y", .type = PARAM_STRING, .help = "" },
					    { 0 } };
	ck_assert_str_eq(read_words(two, words, &opt), "!too many values: at most 2 are taken");
}
END_TEST

START_TEST(bare_names)
{
	static const struct arg flag = { "trust", NULL }, valued = { "amount", NULL };
	struct input in = { .fd = -1 };
	const struct args_options opt = { &in, NULL };
	json_t *v;

	ck_assert_int_eq(args_read(&a, table, (struct args){ &flag, 1 }, &opt, &v, &err), 0);
	ck_assert(json_is_true(json_object_get(v, "trust")));
	ck_assert_int_eq(args_read(&a, table, (struct args){ &valued, 1 }, &opt, &v, &err), -1);
	ck_assert_str_eq(err.msg, "amount needs a value");
}
END_TEST

/* How to do it right is told each time. */
START_TEST(secret_by_position)
{
	static const char *const words[] = { "cashuBsecret", NULL };
	struct input in = { .fd = -1 };
	const struct args_options opt = { &in, NULL };

	ck_assert(strncmp(read_words(needs_token, words, &opt), "!token is a secret", 18) == 0);
	ck_assert_str_eq(err.hint, "token=- reads it from standard input (or asks for it), token=@file from a file");
	ck_assert_str_eq(err.field, "token");
}
END_TEST

START_TEST(secret_missing)
{
	static const char *const words[] = { NULL };
	struct input in = { .fd = -1 };
	const struct args_options opt = { &in, NULL };

	ck_assert_str_eq(read_words(needs_token, words, &opt), "!token is missing");
	ck_assert_str_eq(err.hint, "token=- reads it from standard input, token=@file from a file");
}
END_TEST

START_TEST(text_from_file)
{
	static const struct param payload[] = {
		{ .name = "payload", .type = PARAM_STRING, .flags = PARAM_FILE, .max = 100, .help = "" }, { 0 }
	};
	const char *from_file[] = { arena_printf(&a, "payload=@%s", path), NULL };
	static const char *const from_stdin[] = { "-", NULL }, *const as_it_is[] = { "payload=0x0102", NULL };
	struct input in = { .fd = holding("0x0304\r\n", 8) };
	const struct args_options opt = { &in, NULL };

	write_file("0x0506\n");
	ck_assert_str_eq(read_words(payload, from_file, &opt), "{\"payload\":\"0x0506\"}");
	ck_assert_str_eq(read_words(payload, from_stdin, &opt), "{\"payload\":\"0x0304\"}");
	ck_assert_str_eq(read_words(payload, as_it_is, &opt), "{\"payload\":\"0x0102\"}");
	ck_assert_str_eq(read_words(payload, from_stdin, &opt), "!only one value can come from standard input");
	write_file("\xff\xfe");
	ck_assert_str_eq(read_words(payload, from_file, &opt),
			 arena_printf(&a, "!%s does not hold text in UTF-8", path));
	close(in.fd);
}
END_TEST

static const struct {
	const char *text, *token;
} files[] = {
	{ "cashuB1", "cashuB1" },       { "cashuB1\n", "cashuB1" }, { "cashuB1\r\n", "cashuB1" },
	{ "two words\n", "two words" }, { "end\n\n", "end\n" }, /* one newline belongs to the file, more to the text */
};

START_TEST(secret_from_file)
{
	const char *words[] = { arena_printf(&a, "token=@%s", path), NULL };
	struct input in = { .fd = -1 };
	const struct args_options opt = { &in, NULL };
	json_t *expected = json_object_in(&a);

	write_file(files[_i].text);
	json_set_str(expected, "token", files[_i].token);
	ck_assert_str_eq(read_words(table, words, &opt), json_text(&a, expected));
}
END_TEST

START_TEST(json_from_file)
{
	const char *words[] = { arena_printf(&a, "extra=@%s", path), NULL };
	struct input in = { .fd = -1 };
	const struct args_options opt = { &in, NULL };

	write_file("{ \"token\":\n\"cashuB1\" }\n");
	ck_assert_str_eq(read_words(table, words, &opt), "{\"extra\":{\"token\":\"cashuB1\"}}");
	write_file("{\"token\":\"cashuB1\"");
	ck_assert_int_eq(read_words(table, words, &opt)[0], '!');
	ck_assert_ptr_null(strstr(err.msg, "cashuB1"));
}
END_TEST

START_TEST(input_limits)
{
	struct input in = { .fd = open("/dev/zero", O_RDONLY) };
	struct bytes text;

	ck_assert_int_eq(input_read(&in, &a, "-", &text, &err), -1);
	ck_assert_int_eq(err.code, ERR_RANGE);
	close(in.fd);
	in = (struct input){ .fd = holding("a\0b", 3) };
	ck_assert_int_eq(input_read(&in, &a, "-", &text, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARAM);
	close(in.fd);
	in = (struct input){ .fd = holding("a\xff", 2) };
	ck_assert_int_eq(input_secret(&in, &a, "-", "x", &text, &err), -1);
	ck_assert_int_eq(err.code, ERR_PARAM);
	close(in.fd);
}
END_TEST

/* --- a terminal --- */

struct terminal {
	int master, slave;
	char name[64];
	pid_t typist;
};

/* Everything that is shown up to the end of the next prompt. */
static bool read_prompt(int master)
{
	char before = 0, c;

	while (read(master, &c, 1) == 1) {
		if (before == ':' && c == ' ')
			return true;
		before = c;
	}
	return false;
}

/* Somebody who types one text behind each prompt: `typed` separates them by NUL and ends with an empty one.  The typist
 * fails when the echo is on. */
static void terminal_open(struct terminal *t, const char *typed)
{
	struct termios now;
	int slave;

	t->master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(t->master, 0);
	ck_assert_int_eq(grantpt(t->master), 0);
	ck_assert_int_eq(unlockpt(t->master), 0);
	ck_assert_int_eq(ptsname_r(t->master, t->name, sizeof(t->name)), 0);
	t->slave = open(t->name, O_RDWR | O_NOCTTY); /* held, so that the terminal outlives each prompt */
	slave = t->slave;
	ck_assert_int_ge(slave, 0);
	t->typist = fork();
	ck_assert_int_ge(t->typist, 0);
	if (t->typist != 0)
		return;
	for (; *typed; typed += strlen(typed) + 1)
		if (!read_prompt(t->master) || tcgetattr(slave, &now) != 0 || (now.c_lflag & ECHO) ||
		    write(t->master, typed, strlen(typed)) != (ssize_t)strlen(typed))
			_exit(1);
	_exit(0);
}

static void terminal_close(struct terminal *t)
{
	struct termios now;
	int status;

	ck_assert_int_eq(waitpid(t->typist, &status, 0), t->typist);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(tcgetattr(t->slave, &now), 0);
	ck_assert_uint_ne(now.c_lflag & ECHO, 0); /* as it was before */
	ck_assert_uint_ne(now.c_lflag & ICANON, 0);
	close(t->slave);
	close(t->master);
}

static const struct {
	const char *typed; /* with the NULs of terminal_open() */
	bool twice;
	const char *text; /* or the error */
} asked[] = {
	{ "horse\n\0", false, "horse" },
	{ "horse\r\0", false, "horse" },
	{ "hors\xc3\xa9\x7f\x7fse\n\0", false, "horse" }, /* a rubbed out é is gone whole */
	{ "wrong\x15right\n\0", false, "right" },
	{ "\n\0", false, "" },
	{ "\n\0", true, "" },
	{ "same\n\0same\n\0", true, "same" },
	{ "same\n\0sane\n\0", true, "!the two did not match" },
	{ "abc\x03\0", false, "!nothing was typed" },
	{ "\x04\0", false, "!nothing was typed" },
	{ "a\x1b[Db\n\0", false, "!a control character was typed" },
	{ "a\xff\n\0", false, "!what was typed is not UTF-8" },
};

START_TEST(ask)
{
	struct terminal t;
	struct input in = { .fd = -1, .tty = t.name };
	struct bytes text;

	terminal_open(&t, asked[_i].typed);
	if (input_ask(&in, &a, "secret", asked[_i].twice, &text, &err) == 0)
		ck_assert_str_eq((const char *)text.p, asked[_i].text);
	else
		ck_assert_str_eq(arena_printf(&a, "!%s", err.msg), asked[_i].text);
	terminal_close(&t);
}
END_TEST

/* The line discipline would cut at 4095 bytes. */
START_TEST(ask_for_a_long_token)
{
	char *typed = arena_alloc(&a, 20002);
	struct terminal t;
	struct input in = { .fd = -1, .tty = t.name };
	struct bytes text;

	memset(typed, 'x', 20000);
	typed[19999] = '\n';
	terminal_open(&t, typed);
	ck_assert_int_eq(input_ask(&in, &a, "token", false, &text, &err), 0);
	ck_assert_uint_eq(text.n, 19999);
	terminal_close(&t);
}
END_TEST

START_TEST(missing_secrets_are_asked_for)
{
	static const char *const words[] = { "mint=m", NULL };
	struct terminal t;
	struct input in = { .fd = -1, .tty = t.name };
	const struct args_options opt = { &in, "passphrase" };

	terminal_open(&t, "\n\0pass\n\0pass\n\0");
	ck_assert_str_eq(read_words(table, words, &opt), "{\"mint\":\"m\",\"passphrase\":\"pass\"}");
	terminal_close(&t);
}
END_TEST

/* A wrong command line is told before anything is asked. */
START_TEST(errors_before_questions)
{
	static const char *const words[] = { "amunt=1", NULL };
	struct input in = { .fd = -1, .tty = "/nonexistent/tty" };
	const struct args_options opt = { &in, NULL };

	ck_assert_str_eq(read_words(table, words, &opt), "!unknown parameter \"amunt\"; did you mean amount?");
}
END_TEST

/* --- schemas --- */

START_TEST(table_from_schema)
{
	const struct param *back;
	json_t *schema = params_schema(&a, table);

	ck_assert_int_eq(args_table(&a, schema, &back, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(table) - 1; i++) {
		ck_assert_str_eq(back[i].name, table[i].name);
		ck_assert_int_eq(back[i].type, table[i].type);
	}
	ck_assert_ptr_null(back[ARRAY_LEN(table) - 1].name);
	ck_assert_str_eq(back[2].choices, "sat|usd");
	ck_assert_int_eq(back[0].max, 20);
	ck_assert_int_eq(back[1].min, 1);
	ck_assert(json_equal(params_schema(&a, back), schema));
	ck_assert_int_eq(args_table(&a, params_schema(&a, needs_token), &back, &err), 0);
	ck_assert_uint_eq(back[0].flags, PARAM_REQUIRED);
	ck_assert_uint_eq(back[1].flags, 0);
}
END_TEST

static const char *const bad_schemas[] = {
	"{}",
	"{\"properties\":[]}",
	"{\"properties\":{\"a\":{}}}",
	"{\"properties\":{\"a\":7}}",
	"{\"properties\":{\"a\":{\"type\":\"number\"}}}",
	"{\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":\"x\"}}}",
};

START_TEST(bad_schema)
{
	const struct param *back;
	json_t *v;

	ck_assert_int_eq(json_parse(&a, bytes_of(bad_schemas[_i]), 8, &v, &err), 0);
	ck_assert_int_eq(args_table(&a, v, &back, &err), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walletctl/args");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, line, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(t, too_many);
	tcase_add_test(t, bare_names);
	tcase_add_test(t, secret_by_position);
	tcase_add_test(t, secret_missing);
	tcase_add_loop_test(t, secret_from_file, 0, (int)ARRAY_LEN(files));
	tcase_add_test(t, json_from_file);
	tcase_add_test(t, text_from_file);
	tcase_add_test(t, input_limits);
	tcase_add_loop_test(t, ask, 0, (int)ARRAY_LEN(asked));
	tcase_add_test(t, ask_for_a_long_token);
	tcase_add_test(t, missing_secrets_are_asked_for);
	tcase_add_test(t, errors_before_questions);
	tcase_add_test(t, table_from_schema);
	tcase_add_loop_test(t, bad_schema, 0, (int)ARRAY_LEN(bad_schemas));
	suite_add_tcase(s, t);
	return suite_run(s);
}
