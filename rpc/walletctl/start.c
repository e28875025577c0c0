/* `walletctl start KIND name=value…`: the daemon tells what its kinds take (action.kinds), so that their parameters are
 * read and checked here like those of methods, and secrets among them never stand on the command line. */
#include <string.h>

#include "rpc/walletctl/ctl.h"
#include "rpc/walletctl/help.h"

#define KINDS_MAX 64
#define TEXT_MAX  ((size_t)1024 * 1024)

/* CTL_OK with *ret NULL: the daemon has none of this name; then *near may be set. */
static enum ctl_exit find_kind(struct ctl *c, const char *name, json_t **ret, const char **near)
{
	struct answer answer = ctl_ask(c, "action.kinds", json_object_in(c->a));
	const char *names[KINDS_MAX + 1] = { NULL };
	json_t *kinds, *kind;
	size_t i;

	*ret = NULL;
	*near = NULL;
	if (answer.exit != CTL_OK)
		return ctl_say_failure(c, &answer);
	kinds = json_object_get(answer.result, "kinds");
	json_array_foreach(kinds, i, kind)
	{
		const char *own = json_string_value(json_object_get(kind, "kind"));

		if (own && strcmp(own, name) == 0)
			*ret = kind;
		if (own && i < KINDS_MAX)
			names[i] = own;
		else
			break;
	}
	if (!*ret)
		*near = nearest_name(name, names);
	return CTL_OK;
}

static enum ctl_exit kind_table(struct ctl *c, const json_t *kind, const struct param **ret)
{
	struct err err;

	if (args_table(c->a, json_object_get(kind, "params"), ret, &err) == 0)
		return CTL_OK;
	err_context(&err, "action.kinds");
	return ctl_refuse(c, CTL_UNREACHED, &err);
}

static bool table_has(const struct param *table, const char *name)
{
	for (; table && table->name; table++)
		if (strcmp(table->name, name) == 0)
			return true;
	return false;
}

/* --- start --- */

/* action.start's own parameters that may stand among the kind's. */
static const struct param outer[] = {
	{ .name = "dry_run",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Only tell what would happen: fee, what remains, what would fail." },
	{ .name = "wait",
	  .type = PARAM_ENUM,
	  .choices = "none|park|done",
	  .fallback = "park",
	  .help = "Answer at once, when it first waits for something, or when it has ended." },
	{ .name = "timeout_s",
	  .type = PARAM_INT,
	  .min = 1,
	  .max = 300,
	  .fallback = "60",
	  .help = "How long to wait at most; then the action is told as it stands." },
	{ .name = "idempotency_key",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = 128,
	  .help = "The same key again starts nothing twice." },
	{ 0 },
};

/* Parts the words behind the kind into the kind's own and action.start's. */
static void part_args(struct ctl *c, const struct param *table, struct args *of_kind, struct args *of_start)
{
	size_t n = c->cmd.args.n;
	struct arg *kind = ARENA_ARRAY(c->a, n, struct arg), *start = ARENA_ARRAY(c->a, n, struct arg);

	*of_kind = (struct args){ kind, 0 };
	*of_start = (struct args){ start, 0 };
	for (size_t i = 1; i < n; i++) {
		const struct arg *arg = &c->cmd.args.list[i];

		if (arg->name && table_has(outer, arg->name) && !table_has(table, arg->name))
			start[of_start->n++] = *arg;
		else
			kind[of_kind->n++] = *arg;
	}
}

static enum ctl_exit read_params(struct ctl *c, const char *kind, const struct param *table, json_t **ret)
{
	const struct args_options opt = { &c->in, NULL };
	struct args of_kind, of_start;
	json_t *params;
	struct err err;

	part_args(c, table, &of_kind, &of_start);
	if (args_read(c->a, table, of_kind, &opt, &params, &err) != 0 ||
	    args_read(c->a, outer, of_start, &opt, ret, &err) != 0) {
		if (!err.hint[0])
			err_hint(&err, "walletctl start %.64s --help", kind);
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	json_set_str(*ret, "kind", kind);
	json_set(*ret, "params", params);
	return CTL_OK;
}

static enum ctl_exit show_kind(struct ctl *c, const json_t *kind, const struct param *table)
{
	SCOPED(buf) struct buf text = BUF_CAP(TEXT_MAX);

	help_kind(&text, c->a, kind, table, outer);
	return ctl_print(c, &text);
}

static enum ctl_exit start(struct ctl *c, json_t *params)
{
	bool dry_run = json_is_true(json_object_get(params, "dry_run")), told = json_object_get(params, "wait") != NULL;
	bool watch = c->cmd.wait && !told && !dry_run;
	struct answer answer;
	const char *id;

	ctl_add_key(c, "action.start", params);
	/* With an invoice to pay or a token to hand over, the answer is of use only when that is there. */
	if (!dry_run && !watch && !told)
		json_set_str(params, "wait", "park");
	answer = ctl_ask(c, "action.start", params);
	if (answer.exit != CTL_OK)
		return ctl_say_failure(c, &answer);
	id = json_string_value(json_object_get(answer.result, "id"));
	if (watch && id)
		return watch_run(c, id);
	return ctl_show(c, "action.start", answer.result);
}

enum ctl_exit start_run(struct ctl *c)
{
	const struct args *args = &c->cmd.args;
	const char *name = args->n > 0 && !args->list[0].name ? args->list[0].value : NULL, *near;
	const struct param *table;
	enum ctl_exit code;
	json_t *kind, *params;
	struct err err;

	if (!name) {
		ERR(&err, ERR_PARAM, "start needs the kind of action first");
		err_hint(&err, "walletctl action kinds");
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	code = find_kind(c, name, &kind, &near);
	if (code != CTL_OK)
		return code;
	if (!kind) {
		ERR(&err, ERR_PARAM, "there is no kind of action \"%.64s\"%s%s%s", name, near ? "; did you mean " : "",
		    near ? near : "", near ? "?" : "");
		err_hint(&err, "walletctl action kinds");
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	code = kind_table(c, kind, &table);
	if (code == CTL_OK && c->cmd.help)
		return show_kind(c, kind, table);
	if (code == CTL_OK)
		code = read_params(c, name, table, &params);
	return code == CTL_OK ? start(c, params) : code;
}

/* --- action.start --- */

enum ctl_exit start_check_secrets(struct ctl *c, const json_t *params)
{
	const char *name = json_string_value(json_object_get(params, "kind")), *near;
	const struct param *table;
	enum ctl_exit code;
	struct err err;
	json_t *kind;

	code = find_kind(c, name ? name : "", &kind, &near);
	if (code != CTL_OK || !kind) /* the daemon says what is wrong with it */
		return code;
	code = kind_table(c, kind, &table);
	for (; code == CTL_OK && table->name; table++) {
		if (table->type != PARAM_SECRET || !json_object_get(json_object_get(params, "params"), table->name))
			continue;
		ERR(&err, ERR_PARAM, "%s is a secret, and a command line can be read by every user of this machine",
		    table->name);
		err_hint(&err, "params=@file or params=@- reads all of them; walletctl start %.40s %s=- only this one",
			 name, table->name);
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	return code;
}

/* --- completion --- */

enum ctl_exit start_complete(struct ctl *c, const char *kind_name)
{
	SCOPED(buf) struct buf text = BUF_CAP(TEXT_MAX);
	struct answer answer = ctl_ask(c, "action.kinds", json_object_in(c->a));
	const struct param *table;
	json_t *kind;
	size_t i;

	if (answer.exit != CTL_OK)
		return ctl_say_failure(c, &answer);
	json_array_foreach(json_object_get(answer.result, "kinds"), i, kind)
	{
		const char *name = json_string_value(json_object_get(kind, "kind"));

		if (!name || (kind_name && strcmp(name, kind_name) != 0))
			continue;
		if (!kind_name)
			buf_printf(&text, "%s\n", name);
		else if (kind_table(c, kind, &table) == CTL_OK)
			for (; table->name; table++)
				buf_printf(&text, "%s=\n", table->name);
	}
	return ctl_print(c, &text);
}
