/* What is generated from the method table, and that the table itself is in order. */
#include <string.h>

#include "actions/action.h"
#include "rpc/openrpc.h"
#include "rpc/server.h"
#include "tests/support/suite.h"

static struct arena a;

static void open_arena(void)
{
	a = ARENA_LIMIT(64u << 20);
}

static void close_arena(void)
{
	arena_done(&a);
}

START_TEST(rows_are_complete)
{
	for (size_t i = 0; rpc_methods[i]; i++) {
		const struct rpc_method *m = rpc_methods[i];
		bool has_key = false;

		ck_assert_ptr_eq(rpc_method_of(m->name), m);
		ck_assert(m->run != NULL);
		ck_assert_ptr_nonnull(m->result);
		ck_assert_msg(m->help[strlen(m->help) - 1] == '.', "%s", m->name);
		for (const struct param *p = m->params; p && p->name; p++) {
			ck_assert_msg(p->help && p->help[0], "%s %s", m->name, p->name);
			/* Every default is said; what is required has none. */
			ck_assert_msg(!(p->flags & PARAM_REQUIRED) || !p->fallback, "%s %s", m->name, p->name);
			has_key |= strcmp(p->name, "idempotency_key") == 0;
		}
		if (m->flags & RPC_MUTATES)
			ck_assert_msg(has_key, "%s", m->name);
	}
	ck_assert_ptr_null(rpc_method_of("nothing"));
}
END_TEST

START_TEST(examples_are_valid)
{
	for (size_t i = 0; rpc_methods[i]; i++) {
		const struct rpc_method *m = rpc_methods[i];
		json_t *v, *checked;
		struct err err;

		if (!m->example) {
			for (const struct param *p = m->params; p && p->name; p++)
				ck_assert_msg(!(p->flags & PARAM_REQUIRED), "%s has no example", m->name);
			continue;
		}
		ck_assert_msg(json_parse(&a, bytes_of(m->example), 8, &v, &err) == 0, "%s: %s", m->name, err.msg);
		ck_assert_msg(params_check(&a, m->params, v, &checked, &err) == 0, "%s: %s", m->name, err.msg);
	}
}
END_TEST

START_TEST(document)
{
	json_t *doc = openrpc_document(&a), *methods = json_object_get(doc, "methods"), *m;
	size_t i;

	ck_assert_str_eq(json_string_value(json_object_get(doc, "openrpc")), "1.3.2");
	json_array_foreach(methods, i, m)
	{
		ck_assert_str_eq(json_string_value(json_object_get(m, "name")), rpc_methods[i]->name);
		ck_assert(json_is_array(json_object_get(m, "params")));
		ck_assert(json_is_object(json_object_get(json_object_get(m, "result"), "schema")));
	}
	ck_assert_ptr_null(rpc_methods[json_array_size(methods)]);
}
END_TEST

START_TEST(help_has_a_curl_line)
{
	json_t *v = openrpc_method_help(&a, rpc_method_of("wait"), "/run/x.sock");

	ck_assert_str_eq(json_string_value(json_object_get(v, "curl")),
			 "curl --unix-socket /run/x.sock --json '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\","
			 "\"params\":{\"after\":17,\"timeout_s\":60}}' http://localhost/");
}
END_TEST

START_TEST(markdown)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);

	rpc_reference_markdown(&text, action_kinds);
	ck_assert(buf_ok(&text));
	for (size_t i = 0; rpc_methods[i]; i++)
		ck_assert_ptr_nonnull(strstr(buf_text(&text), arena_printf(&a, "\n### %s\n", rpc_methods[i]->name)));
	for (size_t i = 0; action_kinds[i]; i++)
		ck_assert_msg(action_kinds[i]->internal ||
				      strstr(buf_text(&text), arena_printf(&a, "\n### %s\n", action_kinds[i]->name)),
			      "%s", action_kinds[i]->name);
#define KIND_SHOWN(code, kind, class) ck_assert_ptr_nonnull(strstr(buf_text(&text), "| `" kind "` |"));
	ERR_CODES(KIND_SHOWN)
#undef KIND_SHOWN
}
END_TEST

int main(void)
{
	Suite *s = suite_create("openrpc");
	TCase *t = tcase_create("openrpc");

	tcase_add_checked_fixture(t, open_arena, close_arena);
	tcase_add_test(t, rows_are_complete);
	tcase_add_test(t, examples_are_valid);
	tcase_add_test(t, document);
	tcase_add_test(t, help_has_a_curl_line);
	tcase_add_test(t, markdown);
	suite_add_tcase(s, t);
	return suite_run(s);
}
