/* The table as documents: made from the very rows that are served, so the two cannot disagree. */
#include "rpc/openrpc.h"

#include <inttypes.h>
#include <string.h>

#include "actions/action.h"
#include "base/version.h"
#include "rpc/errors.h"
#include "rpc/server.h"

const char *openrpc_summary(struct arena *a, const struct rpc_method *m)
{
	const char *end = strstr(m->help, ". ");

	return end ? arena_strndup(a, m->help, (size_t)(end - m->help) + 1) : m->help;
}

static json_t *result_schema(struct arena *a, const struct rpc_method *m)
{
	json_t *schema = json_object_in(a), *properties = json_object_in(a);

	for (const struct rpc_field *f = m->result; f && f->name; f++) {
		json_t *p = json_object_in(a);

		json_set_str(p, "type", f->type);
		json_set_str(p, "description", f->help);
		json_set(properties, f->name, p);
	}
	json_set_str(schema, "type", "object");
	json_set(schema, "properties", properties);
	return schema;
}

static json_t *example_of(struct arena *a, const struct rpc_method *m)
{
	struct err err;
	json_t *v;

	if (!m->example || json_parse(a, bytes_of(m->example), JSON_DEPTH_MAX, &v, &err) != 0)
		return json_object_in(a);
	return v;
}

static json_t *method_json(struct arena *a, const struct rpc_method *m)
{
	json_t *obj = json_object_in(a), *params = json_array_in(a), *result = json_object_in(a);

	for (const struct param *p = m->params; p && p->name; p++) {
		json_t *d = json_object_in(a);

		json_set_str(d, "name", p->name);
		json_set_str(d, "description", p->help);
		json_set_bool(d, "required", (p->flags & PARAM_REQUIRED) != 0);
		json_set(d, "schema", param_schema(a, p));
		json_add(params, d);
	}
	json_set_str(result, "name", "result");
	json_set(result, "schema", result_schema(a, m));
	json_set_str(obj, "name", m->name);
	json_set_str(obj, "summary", openrpc_summary(a, m));
	json_set_str(obj, "description", m->help);
	json_set_str(obj, "paramStructure", "either");
	json_set(obj, "params", params);
	json_set(obj, "result", result);
	json_set_str(obj, "x-scope", rpc_scope_name(m->scope));
	json_set_bool(obj, "x-mutates", (m->flags & RPC_MUTATES) != 0);
	if (m->example) {
		json_t *examples = json_array_in(a);

		json_add(examples, example_of(a, m));
		json_set(obj, "x-examples", examples);
	}
	return obj;
}

json_t *openrpc_document(struct arena *a)
{
	json_t *doc = json_object_in(a), *info = json_object_in(a), *methods = json_array_in(a);

	json_set_str(info, "title", "walletd");
	json_set_str(info, "version", walletd_version);
	for (size_t i = 0; rpc_methods[i]; i++)
		json_add(methods, method_json(a, rpc_methods[i]));
	json_set_str(doc, "openrpc", "1.3.2");
	json_set(doc, "info", info);
	json_set(doc, "methods", methods);
	return doc;
}

/* A request for the method as one line of JSON. */
static const char *request_text(struct arena *a, const struct rpc_method *m)
{
	if (!m->example)
		return arena_printf(a, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", m->name);
	return arena_printf(a, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", m->name, m->example);
}

json_t *openrpc_method_help(struct arena *a, const struct rpc_method *m, const char *socket_path)
{
	json_t *obj = json_object_in(a), *fields = json_array_in(a);

	json_set_str(obj, "name", m->name);
	json_set_str(obj, "scope", rpc_scope_name(m->scope));
	json_set_str(obj, "help", m->help);
	json_set(obj, "params", params_schema(a, m->params ? m->params : (const struct param[]){ { 0 } }));
	for (const struct rpc_field *f = m->result; f && f->name; f++) {
		json_t *field = json_object_in(a);

		json_set_str(field, "name", f->name);
		json_set_str(field, "type", f->type);
		json_set_str(field, "help", f->help);
		json_add(fields, field);
	}
	json_set(obj, "result", fields);
	json_set(obj, "example", example_of(a, m));
	json_set_str(obj, "curl",
		     arena_printf(a, "curl --unix-socket %s --json '%s' http://localhost/",
				  socket_path ? socket_path : "/run/walletd/rpc.sock", request_text(a, m)));
	return obj;
}

/* --- Markdown --- */

static const char *type_text(struct arena *a, const struct param *p)
{
	switch (p->type) {
	case PARAM_STRING:
		return "string";
	case PARAM_SECRET:
		return "string (secret)";
	case PARAM_INT: {
		const char *text = p->flags & PARAM_DECIMAL ? ", or as decimal text" : "";

		if (p->min == 0 && p->max == 0)
			return arena_printf(a, "integer%s", text);
		if (p->max == INT64_MAX)
			return arena_printf(a, "integer ≥ %" PRId64 "%s", p->min, text);
		return arena_printf(a, "integer %" PRId64 "–%" PRId64 "%s", p->min, p->max, text);
	}
	case PARAM_BOOL:
		return "boolean";
	case PARAM_ENUM:
		return p->choices;
	case PARAM_OBJECT:
		return "object";
	case PARAM_ARRAY:
		return "array";
	}
	return "";
}

/* A cell of a table: '|' ends it. */
static void cell(struct buf *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_text_add(to, "\\");
		buf_add(to, text, 1);
	}
}

static void params_markdown(struct buf *to, struct arena *a, const struct param *p)
{
	if (!p || !p->name)
		return;
	buf_text_add(to, "| parameter | type | default | |\n|---|---|---|---|\n");
	for (; p->name; p++) {
		buf_printf(to, "| `%s` | ", p->name);
		cell(to, type_text(a, p));
		buf_text_add(to, " | ");
		cell(to, p->flags & PARAM_REQUIRED ? "**required**" : p->fallback ? p->fallback : "none");
		buf_text_add(to, " | ");
		cell(to, p->help);
		buf_text_add(to, " |\n");
	}
	buf_text_add(to, "\n");
}

static void method_markdown(struct buf *to, struct arena *a, const struct rpc_method *m)
{
	buf_printf(to, "### %s\n\n%s\n\nScope: `%s`.%s\n\n", m->name, m->help, rpc_scope_name(m->scope),
		   m->flags & RPC_NO_NOTIFY ? " Refused without an `id`." : "");
	params_markdown(to, a, m->params);
	buf_text_add(to, "| result | type | |\n|---|---|---|\n");
	for (const struct rpc_field *f = m->result; f && f->name; f++) {
		buf_printf(to, "| `%s` | %s | ", f->name, f->type);
		cell(to, f->help);
		buf_text_add(to, " |\n");
	}
	buf_printf(to, "\n```sh\ncurl --unix-socket /run/walletd/rpc.sock --json '%s' http://localhost/\n```\n\n",
		   request_text(a, m));
}

static void errors_markdown(struct buf *to)
{
	static const struct {
		enum rpc_error_code code;
		const char *kind;
	} before_any_method[] = {
		{ RPC_PARSE_ERROR, "parse_error" },
		{ RPC_INVALID_REQUEST, "invalid_request" },
		{ RPC_METHOD_NOT_FOUND, "method_not_found" },
	};

	buf_text_add(
		to,
		"## Errors\n\nEvery error has `data.kind` (stable), `data.retryable` (the very same call, key"
		" included, may be made again), `data.funds_moved` (`no`, `yes`, `unknown`) and, where they help,"
		" `data.field`, `data.hint` and `data.action_id`.\n\n| code | `data.kind` | retryable |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(before_any_method); i++)
		buf_printf(to, "| %d | `%s` | no |\n", before_any_method[i].code, before_any_method[i].kind);
#define ERROR_ROW(err_code, kind, class)                                                                               \
	buf_printf(to, "| %d | `%s` | %s |\n", rpc_error_code_of(err_code), kind,                                      \
		   rpc_error_is_retryable(err_code) ? "yes" : "no");
	ERR_CODES(ERROR_ROW)
#undef ERROR_ROW
	buf_text_add(to, "\n");
}

void rpc_reference_markdown(struct buf *to, const struct action_kind *const *kinds)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16u << 20);

	buf_text_add(
		to,
		"# JSON-RPC reference\n\nGenerated from the method table by `walletd --print-rpc-reference`.\n\n"
		"`POST /` takes JSON-RPC 2.0: a call, a batch of up to 100 that run in order, notifications. Parameters"
		" by name, or by position in the order of the tables. An unknown or mistyped parameter is an error that"
		" names the field and the nearest valid name. Amounts are integers in the smallest part of their unit;"
		" times are Unix milliseconds.\n\n"
		"Methods with `idempotency_key` keep their first answer for ever under (caller, key) and give it again"
		" with `replayed: true`; the same key with other parameters is refused. `wait` and `timeout_s` are not"
		" part of what a key stands for, nor are secrets.\n\n"
		"`GET /healthz` answers while the process does, `/readyz` with 200 or with 503 and reasons, `/metrics`"
		" for Prometheus, `/events?after=N&kinds=action.*` with server-sent events. On TCP the first two are"
		" open and the others need the scope `read`.\n\n## Methods\n\n");
	for (size_t i = 0; rpc_methods[i]; i++)
		method_markdown(to, &a, rpc_methods[i]);
	buf_text_add(to, "## Kinds of action\n\nFor `action.start`; `kind` and `params`.\n\n");
	for (; *kinds; kinds++) {
		if ((*kinds)->internal)
			continue;
		buf_printf(to, "### %s\n\n%s\n\n", (*kinds)->name, (*kinds)->summary);
		params_markdown(to, &a, (*kinds)->params);
	}
	errors_markdown(to);
}
