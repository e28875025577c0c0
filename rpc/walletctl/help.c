#include "rpc/walletctl/help.h"

#include <inttypes.h>
#include <string.h>

#include "rpc/walletctl/cmdline.h"
#include "rpc/walletctl/table.h"
#include "rpc/walletctl/term.h"

#define HELP_MAX ((size_t)1024 * 1024)

void help_usage(struct buf *to)
{
	buf_text_add(to, "usage: walletctl [options] METHOD [name=value | --name=value | value]...\n"
			 "       walletctl [options] start KIND [name=value]... [--wait]\n"
			 "       walletctl [options] pay INVOICE [name=value]...\n"
			 "       walletctl [options] wait ACTION_ID [--timeout=SECONDS]\n"
			 "       walletctl help [METHOD | start KIND]\n"
			 "       walletctl completion bash\n");
}

/* Up to the first full stop that ends a word. */
static const char *summary(struct arena *a, const char *help)
{
	for (const char *p = help; *p; p++)
		if (*p == '.' && (p[1] == ' ' || p[1] == '\0'))
			return arena_strndup(a, help, (size_t)(p - help) + 1);
	return help;
}

/* A table without its titles: a list of names, each with what it means. */
static void add_pairs(struct buf *to, struct arena *a, const char *const *cells, size_t rows)
{
	static const struct column columns[] = { { "", false }, { "", false }, { "", false } };
	SCOPED(buf) struct buf table = BUF_CAP(HELP_MAX);

	table_add(&table, a, columns, ARRAY_LEN(columns), cells, rows);
	buf_text_add(to, strchr(buf_text(&table), '\n') + 1);
}

void help_all(struct buf *to, struct arena *a, const struct rpc_method *const *methods)
{
	const char **cells;
	size_t n = 0, i;

	help_usage(to);
	buf_text_add(
		to,
		"\nSecrets (passphrase, mnemonic, token) are never given on the command line: name=- reads one from\n"
		"standard input or asks for it, name=@file reads it from a file.\n\noptions:\n");
	cmdline_options_add(to);
	buf_text_add(to, "\nmethods (\"wallet.create\" may be written \"wallet create\"):\n");
	while (methods[n])
		n++;
	cells = ARENA_ARRAY(a, 3 * n + 1, const char *);
	for (i = 0; i < n; i++) {
		cells[3 * i] = "";
		cells[3 * i + 1] = methods[i]->name;
		cells[3 * i + 2] = summary(a, methods[i]->help);
	}
	add_pairs(to, a, cells, n);
	buf_text_add(to, "\nexit status: 0 ok, 1 the daemon answered with an error or the action failed, 2 no answer,\n"
			 "3 wrong usage\n");
}

static const char *range_of(struct arena *a, const struct param *p)
{
	if (p->min == 0 && p->max == 0)
		return "";
	if (p->max == INT64_MAX)
		return arena_printf(a, ", at least %" PRId64, p->min);
	return arena_printf(a, ", %" PRId64 " to %" PRId64, p->min, p->max);
}

static const char *type_of(struct arena *a, const struct param *p)
{
	switch (p->type) {
	case PARAM_STRING:
		return p->flags & PARAM_FILE ? "text, - or @file" : "text";
	case PARAM_INT:
		return arena_printf(a, "integer%s", range_of(a, p));
	case PARAM_BOOL:
		return "true or false";
	case PARAM_ENUM:
		return p->choices;
	case PARAM_OBJECT:
		return "JSON object, or @file";
	case PARAM_ARRAY:
		return "a,b,c or JSON, or @file";
	case PARAM_SECRET:
		return "- or @file";
	}
	return "";
}

static const char *safe(struct arena *a, const char *text)
{
	SCOPED(buf) struct buf line = BUF_CAP(HELP_MAX);

	term_line(&line, text);
	return arena_strdup(a, buf_text(&line));
}

static void add_params(struct buf *to, struct arena *a, const char *headline, const struct param *params)
{
	const char **cells;
	size_t n = 0;

	while (params && params[n].name)
		n++;
	if (n == 0)
		return;
	cells = ARENA_ARRAY(a, 3 * n, const char *);
	for (size_t i = 0; i < n; i++) {
		const struct param *p = &params[i];
		bool needed = (p->flags & PARAM_REQUIRED) != 0;

		cells[3 * i] = "";
		cells[3 * i + 1] = safe(a, arena_printf(a, needed ? "%s=" : "[%s=]", p->name));
		cells[3 * i + 2] = safe(a,
					arena_printf(a, "%s (%s%s%s)", p->help, type_of(a, p),
						     p->fallback ? "; default: " : "", p->fallback ? p->fallback : ""));
	}
	buf_printf(to, "\n%s:\n", headline);
	add_pairs(to, a, cells, n);
}

void help_method(struct buf *to, struct arena *a, const struct rpc_method *m)
{
	buf_printf(to, "%s (scope %s)\n\n%s\n", m->name, rpc_scope_name(m->scope), m->help);
	add_params(to, a, "parameters", m->params);
	if (m->result && m->result->name) {
		buf_text_add(to, "\nresult:\n");
		for (const struct rpc_field *f = m->result; f->name; f++)
			buf_printf(to, "  %s (%s): %s\n", f->name, f->type, f->help);
	}
}

void help_kind(struct buf *to, struct arena *a, const json_t *kind, const struct param *params,
	       const struct param *of_start)
{
	const char *name = json_string_value(json_object_get(kind, "kind"));
	const char *about = json_string_value(json_object_get(kind, "summary"));

	buf_text_add(to, "start ");
	term_line(to, name ? name : "");
	buf_text_add(to, "\n\n");
	term_line(to, about ? about : "");
	buf_text_add(to, "\n");
	add_params(to, a, "parameters", params);
	add_params(to, a, "of every start", of_start);
}
