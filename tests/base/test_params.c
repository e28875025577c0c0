#include "base/params.h"

#include <string.h>

#include "tests/support/suite.h"

static const struct param table[] = {
	{ .name = "mint", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .min = 1, .max = 10, .help = "Which mint." },
	{ .name = "amount", .type = PARAM_INT, .flags = PARAM_REQUIRED, .min = 1, .max = 1000, .help = "How much." },
	{ .name = "memo", .type = PARAM_STRING, .help = "A note." },
	{ .name = "wait",
	  .type = PARAM_ENUM,
	  .choices = "none|park|done",
	  .fallback = "none",
	  .help = "What to wait for." },
	{ .name = "dry_run", .type = PARAM_BOOL, .help = "Only try." },
	{ .name = "params", .type = PARAM_OBJECT, .help = "More." },
	{ .name = "kinds", .type = PARAM_ARRAY, .max = 2, .help = "Which kinds." },
	{ .name = "passphrase", .type = PARAM_SECRET, .help = "It opens the wallet." },
	{ .name = "offset", .type = PARAM_INT, .help = "Any integer." },
	{ 0 },
};

static struct arena arena;

static void setup(void)
{
	arena = ARENA_LIMIT(1024 * 1024);
}

static void teardown(void)
{
	arena_done(&arena);
}

static json_t *parse(const char *text)
{
	json_t *v = NULL;
	struct err err;

	ck_assert_msg(json_parse(&arena, bytes_of(text), JSON_DEPTH_MAX, &v, &err) == 0, "%s", text);
	return v;
}

static const struct {
	const char *given, *want;
} good[] = {
	{ "{\"amount\":5,\"mint\":\"m\"}", "{\"mint\":\"m\",\"amount\":5}" },
	{ "[\"m\",5]", "{\"mint\":\"m\",\"amount\":5}" },
	{ "[\"m\",5,null,\"done\"]", "{\"mint\":\"m\",\"amount\":5,\"wait\":\"done\"}" },
	{ "{\"mint\":\"m\",\"amount\":1,\"memo\":null}", "{\"mint\":\"m\",\"amount\":1}" },
	{ "[\"0123456789\",1000,\"x\",\"park\",true,{\"any\":1},[1,2],\"secret\",-9223372036854775808]",
	  "{\"mint\":\"0123456789\",\"amount\":1000,\"memo\":\"x\",\"wait\":\"park\",\"dry_run\":true,\"params\":{\"any\":1},"
	  "\"kinds\":[1,2],\"passphrase\":\"secret\",\"offset\":-9223372036854775808}" },
};

START_TEST(accepts)
{
	json_t *v = NULL;
	struct err err;

	ck_assert_int_eq(params_check(&arena, table, parse(good[_i].given), &v, &err), 0);
	ck_assert_str_eq(json_text(&arena, v), good[_i].want);
}
END_TEST

static const struct {
	const char *given, *field, *message;
} bad[] = {
	{ "{}", "mint", "mint is missing" },
	{ "[]", "mint", "mint is missing" },
	{ "[\"m\"]", "amount", "amount is missing" },
	{ "{\"mint\":null,\"amount\":1}", "mint", "mint is missing" },
	{ "[null,1]", "mint", "mint is missing" },
	{ "5", "", "params must be an object or a list" },
	{ "null", "", "params must be an object or a list" },
	{ "[1,2,3,4,5,6,7,8,9,10]", "", "10 parameters given, at most 9 taken" },
	{ "{\"mint\":\"m\",\"amout\":1}", "amout", "unknown parameter \"amout\"; did you mean amount?" },
	{ "{\"mint\":\"m\",\"amount\":1,\"amount_sat\":1}", "amount_sat",
	  "unknown parameter \"amount_sat\"; did you mean amount?" },
	{ "{\"zzzzzz\":1}", "zzzzzz", "unknown parameter \"zzzzzz\"" },
	{ "{\"\":1}", "", "unknown parameter \"\"" },
	{ "{\"mint\":5,\"amount\":1}", "mint", "mint must be a string" },
	{ "{\"mint\":\"\",\"amount\":1}", "mint", "mint has 0 bytes, not 1 to 10" },
	{ "{\"mint\":\"01234567890\",\"amount\":1}", "mint", "mint has 11 bytes, not 1 to 10" },
	{ "[\"m\",\"1\"]", "amount", "amount must be an integer" },
	{ "[\"m\",1.0]", "amount", "amount must be an integer" },
	{ "[\"m\",true]", "amount", "amount must be an integer" },
	{ "[\"m\",0]", "amount", "amount must be from 1 to 1000" },
	{ "[\"m\",-1]", "amount", "amount must be from 1 to 1000" },
	{ "[\"m\",1001]", "amount", "amount must be from 1 to 1000" },
	{ "[\"m\",1,\"\"]", "memo", "memo has 0 bytes, not 1 to 4096" },
	{ "[\"m\",1,[]]", "memo", "memo must be a string" },
	{ "[\"m\",1,\"x\",\"dome\"]", "wait", "wait must be one of none|park|done; did you mean done?" },
	{ "[\"m\",1,\"x\",\"\"]", "wait", "wait must be one of none|park|done" },
	{ "[\"m\",1,\"x\",\"none|park\"]", "wait", "wait must be one of none|park|done; did you mean none?" },
	{ "[\"m\",1,\"x\",1]", "wait", "wait must be one of none|park|done" },
	{ "[\"m\",1,\"x\",\"done\",1]", "dry_run", "dry_run must be true or false" },
	{ "[\"m\",1,\"x\",\"done\",\"true\"]", "dry_run", "dry_run must be true or false" },
	{ "{\"mint\":\"m\",\"amount\":1,\"params\":[]}", "params", "params must be an object" },
	{ "{\"mint\":\"m\",\"amount\":1,\"kinds\":{}}", "kinds", "kinds must be a list" },
	{ "{\"mint\":\"m\",\"amount\":1,\"kinds\":[1,2,3]}", "kinds", "kinds has 3 items, not 0 to 2" },
	{ "{\"mint\":\"m\",\"amount\":1,\"passphrase\":\"\"}", "passphrase", "passphrase has 0 bytes, not 1 to 4096" },
	{ "{\"mint\":\"m\",\"amount\":1,\"passphrase\":[\"zebra\"]}", "passphrase", "passphrase must be a string" },
};

START_TEST(refuses)
{
	json_t *v = NULL;
	struct err err;

	ck_assert_msg(params_check(&arena, table, parse(bad[_i].given), &v, &err) == -1, "%s", bad[_i].given);
	ck_assert_int_eq(err.code, ERR_PARAM);
	ck_assert_str_eq(err.msg, bad[_i].message);
	ck_assert_str_eq(err.field, bad[_i].field);
	ck_assert_ptr_null(v);
}
END_TEST

START_TEST(no_params_are_no_members)
{
	static const struct param optional[] = { { .name = "after", .type = PARAM_INT, .help = "Where to go on." },
						 { 0 } };
	json_t *v = NULL;
	struct err err;

	ck_assert_int_eq(params_check(&arena, optional, NULL, &v, &err), 0);
	ck_assert_uint_eq(json_object_size(v), 0);
	ck_assert_int_eq(params_check(&arena, table, NULL, &v, &err), -1);
	ck_assert_str_eq(err.msg, "mint is missing");
}
END_TEST

START_TEST(method_without_parameters)
{
	static const struct param none[] = { { 0 } };
	json_t *v = NULL;
	struct err err;

	ck_assert_int_eq(params_check(&arena, none, parse("{}"), &v, &err), 0);
	ck_assert_int_eq(params_check(&arena, none, parse("[1]"), &v, &err), -1);
	ck_assert_int_eq(params_check(&arena, none, parse("{\"a\":1}"), &v, &err), -1);
	ck_assert_str_eq(err.msg, "unknown parameter \"a\"");
}
END_TEST

/* A name as long as the request, and the longest string that a parameter without limits of its own takes. */
START_TEST(long_names_and_values)
{
	json_t *o = json_object_in(&arena), *v = NULL;
	char text[5000];
	struct err err;

	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	json_set_int(o, text, 1);
	ck_assert_int_eq(params_check(&arena, table, o, &v, &err), -1);
	ck_assert_uint_eq(strlen(err.field), ERR_FIELD_MAX - 1);
	o = parse("[\"m\",1]");
	text[4096] = '\0';
	json_add_take(o, json_string(text));
	ck_assert_int_eq(params_check(&arena, table, o, &v, &err), 0);
	text[4096] = 'n';
	text[4097] = '\0';
	o = parse("[\"m\",1]");
	json_add_take(o, json_string(text));
	ck_assert_int_eq(params_check(&arena, table, o, &v, &err), -1);
	ck_assert_str_eq(err.field, "memo");
}
END_TEST

START_TEST(schemas)
{
	static const char *const want[] = {
		"{\"type\":\"string\",\"minLength\":1,\"maxLength\":10,\"description\":\"Which mint.\"}",
		"{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"description\":\"How much.\"}",
		"{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096,\"description\":\"A note.\"}",
		"{\"type\":\"string\",\"enum\":[\"none\",\"park\",\"done\"],"
		"\"description\":\"What to wait for. Default: none.\"}",
		"{\"type\":\"boolean\",\"description\":\"Only try.\"}",
		"{\"type\":\"object\",\"description\":\"More.\"}",
		"{\"type\":\"array\",\"minItems\":0,\"maxItems\":2,\"description\":\"Which kinds.\"}",
		"{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096,\"writeOnly\":true,"
		"\"description\":\"It opens the wallet.\"}",
		"{\"type\":\"integer\",\"description\":\"Any integer.\"}",
	};
	json_t *whole = params_schema(&arena, table);

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_str_eq(json_text(&arena, param_schema(&arena, &table[i])), want[i]);
		ck_assert_str_eq(
			json_text(&arena, json_object_get(json_object_get(whole, "properties"), table[i].name)),
			want[i]);
	}
	ck_assert_uint_eq(json_object_size(json_object_get(whole, "properties")), ARRAY_LEN(want));
	ck_assert_str_eq(json_text(&arena, json_object_get(whole, "required")), "[\"mint\",\"amount\"]");
	ck_assert_str_eq(json_string_value(json_object_get(whole, "type")), "object");
	ck_assert(json_is_false(json_object_get(whole, "additionalProperties")));
}
END_TEST

static const struct param decimal[] = {
	{ .name = "nonce", .type = PARAM_INT, .flags = PARAM_DECIMAL, .min = 1, .max = INT64_MAX, .help = "Which." },
	{ 0 },
};
static const struct {
	const char *given, *want; /* or what is wrong */
} decimals[] = {
	{ "[7]", "{\"nonce\":7}" },
	{ "[\"7\"]", "{\"nonce\":7}" },
	{ "[\"9223372036854775807\"]", "{\"nonce\":9223372036854775807}" },
	{ "[\"0\"]", "nonce must be from 1 to 9223372036854775807" },
	{ "[\"-1\"]", "nonce must be from 1 to 9223372036854775807" },
	{ "[\"9223372036854775808\"]", "nonce must be an integer, as a number or as decimal text" },
	{ "[\"07\"]", "nonce must be an integer, as a number or as decimal text" },
	{ "[\"0x7\"]", "nonce must be an integer, as a number or as decimal text" },
	{ "[\"\"]", "nonce must be an integer, as a number or as decimal text" },
	{ "[7.0]", "nonce must be an integer, as a number or as decimal text" },
};

START_TEST(integers_as_text)
{
	json_t *v = NULL;
	struct err err;

	if (params_check(&arena, decimal, parse(decimals[_i].given), &v, &err) == 0)
		ck_assert_str_eq(json_text(&arena, v), decimals[_i].want);
	else
		ck_assert_str_eq(err.msg, decimals[_i].want);
	ck_assert_str_eq(json_text(&arena, json_object_get(param_schema(&arena, decimal), "type")),
			 "[\"integer\",\"string\"]");
}
END_TEST

static const struct {
	const char *name, *want;
} nearest[] = {
	{ "action.start", "action.start" },
	{ "action.strat", "action.start" },
	{ "acton.list", "action.list" },
	{ "balanse", "balance" },
	{ "bal", "balance" },
	{ "balances", "balance" },
	{ "history.exprot", NULL },
	{ "x", NULL },
	{ "", NULL },
	{ "id", NULL },
	{ "a very long name that nobody would ever give to a method, not even in jest", NULL },
};

START_TEST(nearest_names)
{
	static const char *const names[] = { "action.start", "action.list", "balance", "to", NULL };
	const char *got = nearest_name(nearest[_i].name, names);

	if (nearest[_i].want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, nearest[_i].want);
}
END_TEST

START_TEST(nearest_of_none)
{
	static const char *const none[] = { NULL };

	ck_assert_ptr_null(nearest_name("balance", none));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/params");
	TCase *t = tcase_create("parameters");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, accepts, 0, ARRAY_LEN(good));
	tcase_add_loop_test(t, refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(t, no_params_are_no_members);
	tcase_add_test(t, method_without_parameters);
	tcase_add_test(t, long_names_and_values);
	tcase_add_test(t, schemas);
	tcase_add_loop_test(t, integers_as_text, 0, ARRAY_LEN(decimals));
	tcase_add_loop_test(t, nearest_names, 0, ARRAY_LEN(nearest));
	tcase_add_test(t, nearest_of_none);
	suite_add_tcase(s, t);
	return suite_run(s);
}
