#include "rpc/walletctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "base/version.h"
#include "rpc/walletctl/completion.h"
#include "rpc/walletctl/help.h"
#include "rpc/walletctl/qr.h"
#include "rpc/walletctl/show.h"
#include "rpc/walletctl/term.h"

#define OUTPUT_MAX   ((size_t)256 * 1024 * 1024)
#define MESSAGE_MAX  ((size_t)1024 * 1024)
#define TIMEOUT_S    120 /* for an answer; a backup of a large database takes its time */
#define WAIT_MAX_S   300 /* the longest that a method may be asked to wait */
#define WAIT_GRACE_S 15

/* --- output --- */

enum ctl_exit ctl_print(struct ctl *c, struct buf *text)
{
	bool written = buf_ok(text) && fwrite(text->p, 1, text->n, c->out) == text->n && fflush(c->out) == 0;

	buf_reset(text);
	if (written)
		return CTL_OK;
	fprintf(c->err, "walletctl: cannot write the answer: %s\n", strerror(errno));
	return CTL_UNREACHED;
}

static void say(struct ctl *c, const char *before, const char *text)
{
	SCOPED(buf) struct buf line = BUF_CAP(MESSAGE_MAX);

	term_line(&line, text);
	fprintf(c->err, "%s%s\n", before, buf_text(&line));
}

enum ctl_exit ctl_refuse(struct ctl *c, enum ctl_exit code, const struct err *err)
{
	say(c, "walletctl: ", err->msg);
	if (err->hint[0])
		say(c, "walletctl: hint: ", err->hint);
	return code;
}

enum ctl_exit ctl_say_failure(struct ctl *c, const struct answer *answer)
{
	SCOPED(buf) struct buf text = BUF_CAP(MESSAGE_MAX);

	if (answer->exit != CTL_ERROR)
		return ctl_refuse(c, answer->exit, &answer->err);
	if (c->cmd.json)
		show_json(&text, answer->error);
	else
		show_error(&text, answer->error);
	fputs(buf_text(&text), c->err);
	return CTL_ERROR;
}

static bool has_ended(const json_t *result)
{
	const char *status = json_string_value(json_object_get(result, "status"));

	return status &&
	       (strcmp(status, "done") == 0 || strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0);
}

/* What was paid or claimed already is not worth a code. */
static void add_qr(struct ctl *c, struct buf *to, const json_t *result)
{
	const char *text, *payload = has_ended(result) ? NULL : qr_payload(c->a, result, &text);
	unsigned columns = term_columns(c->out);

	switch (c->cmd.qr) {
	case QR_NEVER:
		return;
	case QR_ON_TERMINAL:
		if (payload && columns)
			(void)qr_add(to, payload, true, columns);
		return;
	case QR_ALWAYS:
		if (payload && !qr_add(to, payload, columns != 0, 0))
			say(c, "walletctl: ", "this is too long for a QR code");
		return;
	}
}

enum ctl_exit ctl_show(struct ctl *c, const char *method, json_t *result)
{
	SCOPED(buf) struct buf text = BUF_CAP(OUTPUT_MAX);

	/* A document for programs has no other form. */
	if (c->cmd.json || strcmp(method, "rpc.discover") == 0) {
		show_json(&text, result);
	} else {
		show_result(&text, c->a, method, result);
		add_qr(c, &text, result);
	}
	return ctl_print(c, &text);
}

/* --- asking --- */

const struct rpc_method *ctl_method(const struct ctl *c, const char *name)
{
	for (const struct rpc_method *const *m = c->methods; *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return *m;
	return NULL;
}

static bool takes(const struct rpc_method *m, const char *name)
{
	for (const struct param *p = m ? m->params : NULL; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

/* A call that waits at the daemon must not time out here first. */
static int64_t timeout_ms(const struct ctl *c, const char *method, const json_t *params)
{
	const json_t *given = json_object_get(params, "timeout_s");

	if (json_is_integer(given))
		return (json_integer_value(given) + WAIT_GRACE_S) * 1000;
	if (c->cmd.timeout_s)
		return c->cmd.timeout_s * 1000;
	return (takes(ctl_method(c, method), "timeout_s") ? WAIT_MAX_S + WAIT_GRACE_S : TIMEOUT_S) * 1000;
}

static int connect_to(struct ctl *c, struct answer *ret)
{
	struct err err;

	if (c->client)
		return 0;
	if (endpoint_find(c->a, &c->cmd.at, c->env, &c->in, &c->at, &err) == 0 &&
	    client_new(&c->at, &c->client, &err) == 0)
		return 0;
	*ret = (struct answer){ .exit = err.code == ERR_PARAM ? CTL_USAGE : CTL_UNREACHED, .err = err };
	return -1;
}

struct answer ctl_ask(struct ctl *c, const char *method, json_t *params)
{
	const struct rpc_method *m = ctl_method(c, method);
	bool mutates = m && (m->flags & RPC_MUTATES);
	struct answer answer;
	const char *key;

	if (connect_to(c, &answer) != 0)
		return answer;
	answer = client_call(c->client, c->a, method, params, timeout_ms(c, method, params), mutates);
	key = json_string_value(json_object_get(params, "idempotency_key"));
	if (answer.exit == CTL_UNREACHED && answer.sent && mutates && key)
		err_hint(&answer.err,
			 "it may have been done; the same again with idempotency_key=%.128s does nothing twice", key);
	return answer;
}

void ctl_add_key(struct ctl *c, const char *method, json_t *params)
{
	const struct rpc_method *m = ctl_method(c, method);
	char hex[33];
	uint8_t id[16];

	if (!m || !(m->flags & RPC_MUTATES) || json_object_get(params, "idempotency_key"))
		return;
	rng_bytes(id, sizeof(id));
	hex_encode(id, sizeof(id), hex);
	json_set_str(params, "idempotency_key", arena_printf(c->a, "walletctl-%s", hex));
}

/* --- methods --- */

/* The words that a new passphrase is typed for are lost when it was mistyped. */
static const char *new_secret(const char *method)
{
	return strcmp(method, "wallet.create") == 0 || strcmp(method, "wallet.restore") == 0 ? "passphrase" : NULL;
}

/* The pages' texts, one after the other, are the file. */
static enum ctl_exit export_pages(struct ctl *c, json_t *params)
{
	bool terminal = term_columns(c->out) != 0, one_page = json_object_get(params, "limit") != NULL;

	for (;;) {
		SCOPED(buf) struct buf text = BUF_CAP(OUTPUT_MAX);
		SCOPED(arena) struct arena page = ARENA_LIMIT(OUTPUT_MAX);
		struct arena *whole = c->a;
		struct answer answer;
		const char *rows, *next;
		enum ctl_exit code;

		c->a = c->client ? &page : whole; /* how to connect is kept */
		answer = ctl_ask(c, "history.export", params);
		c->a = whole;
		if (answer.exit != CTL_OK)
			return ctl_say_failure(c, &answer);
		rows = json_string_value(json_object_get(answer.result, "text"));
		next = json_string_value(json_object_get(answer.result, "next"));
		if (rows && terminal)
			term_lines(&text, rows);
		else if (rows)
			buf_text_add(&text, rows);
		code = ctl_print(c, &text);
		if (code == CTL_OK && next && one_page)
			say(c, "walletctl: more: after=", next);
		if (code != CTL_OK || !next || one_page)
			return code;
		json_set_str(params, "after", next);
	}
}

/* Were the parameters of an action typed into the command line? */
static bool params_inline(const struct args *args)
{
	size_t by_position = 0;

	for (size_t i = 0; i < args->n; i++) {
		const struct arg *arg = &args->list[i];
		bool is_params = arg->name ? strcmp(arg->name, "params") == 0 : by_position++ == 1;

		if (is_params)
			return arg->value && arg->value[0] != '@' && strcmp(arg->value, "-") != 0;
	}
	return false;
}

static enum ctl_exit call_run(struct ctl *c)
{
	static const struct param none[] = { { 0 } };
	const struct rpc_method *m = c->cmd.method;
	struct args_options opt = { &c->in, new_secret(m->name) };
	enum ctl_exit code = CTL_OK;
	struct answer answer;
	json_t *params;
	struct err err;

	if (args_read(c->a, m->params ? m->params : none, c->cmd.args, &opt, &params, &err) != 0) {
		if (!err.hint[0])
			err_hint(&err, "walletctl help %s", m->name);
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	if (strcmp(m->name, "action.start") == 0 && params_inline(&c->cmd.args))
		code = start_check_secrets(c, params);
	if (code != CTL_OK)
		return code;
	ctl_add_key(c, m->name, params);
	if (strcmp(m->name, "history.export") == 0 && !c->cmd.json)
		return export_pages(c, params);
	answer = ctl_ask(c, m->name, params);
	return answer.exit == CTL_OK ? ctl_show(c, m->name, answer.result) : ctl_say_failure(c, &answer);
}

/* --- ours --- */

static enum ctl_exit wait_run(struct ctl *c)
{
	struct action_id id;
	struct err err;

	if (c->cmd.args.n != 1 || !action_id_parse(c->cmd.args.list[0].value, &id)) {
		ERR(&err, ERR_PARAM, "wait takes the id of one action");
		err_hint(&err, "walletctl action list");
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	return watch_run(c, id.s);
}

static enum ctl_exit help_run(struct ctl *c)
{
	SCOPED(buf) struct buf text = BUF_CAP(MESSAGE_MAX);

	if (c->cmd.method)
		help_method(&text, c->a, c->cmd.method);
	else
		help_all(&text, c->a, c->methods);
	return ctl_print(c, &text);
}

static enum ctl_exit completion_run(struct ctl *c)
{
	SCOPED(buf) struct buf text = BUF_CAP(MESSAGE_MAX);
	const struct args *args = &c->cmd.args;
	const char *what = args->n > 0 ? args->list[0].value : "";
	struct err err;

	if (strcmp(what, "kinds") == 0 && args->n <= 2)
		return start_complete(c, args->n == 2 ? args->list[1].value : NULL);
	if (strcmp(what, "bash") != 0 || args->n != 1) {
		ERR(&err, ERR_PARAM, "completion is there for one shell: bash");
		err_hint(&err, "eval \"$(walletctl completion bash)\"");
		return ctl_refuse(c, CTL_USAGE, &err);
	}
	completion_bash(&text, c->methods);
	return ctl_print(c, &text);
}

static enum ctl_exit version_run(struct ctl *c)
{
	SCOPED(buf) struct buf text = BUF_CAP(MESSAGE_MAX);

	buf_printf(&text, "walletctl %s\n", walletd_version);
	return ctl_print(c, &text);
}

static enum ctl_exit command_run(struct ctl *c)
{
	switch (c->cmd.command) {
	case CTL_CALL:
		return call_run(c);
	case CTL_WAIT:
		return wait_run(c);
	case CTL_START:
		return start_run(c);
	case CTL_HELP:
		return help_run(c);
	case CTL_COMPLETION:
		return completion_run(c);
	case CTL_VERSION:
		return version_run(c);
	}
	return CTL_USAGE;
}

enum ctl_exit ctl_run(struct ctl *c)
{
	enum ctl_exit code;
	struct err err;

	c->own = ARENA_LIMIT(OUTPUT_MAX);
	c->a = &c->own;
	c->client = NULL;
	if (cmdline_parse(c->a, c->argv, c->methods, &c->cmd, &err) != 0)
		code = ctl_refuse(c, CTL_USAGE, &err);
	else
		code = command_run(c);
	client_free(c->client);
	arena_done(&c->own);
	return code;
}
