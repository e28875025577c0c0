#include "rpc/walletctl/cmdline.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

#define TIMEOUT_MAX_S 31536000

enum option_kind { OPT_TEXT = 1, OPT_JSON, OPT_WAIT, OPT_QR, OPT_NO_QR, OPT_HELP, OPT_VERSION };

static const struct ctl_option {
	const char *name, *arg;
	enum option_kind kind;
	size_t at; /* of a text, in struct cmdline */
	const char *help;
} ctl_options[] = {
	{ "json", NULL, OPT_JSON, 0, "The daemon's answer as it is, for programs." },
	{ "socket", "PATH", OPT_TEXT, offsetof(struct cmdline, at.socket), "The daemon's unix socket." },
	{ "datadir", "DIR", OPT_TEXT, offsetof(struct cmdline, at.datadir),
	  "As walletd's own option: where its socket is." },
	{ "network", "NAME", OPT_TEXT, offsetof(struct cmdline, at.network), "As walletd's own option." },
	{ "conf", "PATH", OPT_TEXT, offsetof(struct cmdline, at.conf), "The configuration file that walletd reads." },
	{ "rpc", "URL", OPT_TEXT, offsetof(struct cmdline, at.url),
	  "Over TCP instead, such as http://127.0.0.1:8338." },
	{ "cookie-file", "PATH", OPT_TEXT, offsetof(struct cmdline, at.cookie_file),
	  "With --rpc: the daemon's cookie." },
	{ "key-file", "PATH", OPT_TEXT, offsetof(struct cmdline, at.key_file),
	  "With --rpc: holds a key of key.create, name:secret; - is standard input." },
	{ "timeout", "SECONDS", OPT_TEXT, offsetof(struct cmdline, timeout),
	  "How long to wait for the answer or the action." },
	{ "wait", NULL, OPT_WAIT, 0, "With start: until the action has ended." },
	{ "qr", NULL, OPT_QR, 0,
	  "Show invoices and tokens as QR codes; by default on a terminal that is wide enough." },
	{ "no-qr", NULL, OPT_NO_QR, 0, "Do not." },
	{ "help", NULL, OPT_HELP, 0, "This, or what the command does." },
	{ "version", NULL, OPT_VERSION, 0, "Which walletctl this is." },
};

static const char *const own_commands[] = { "start", "pay", "wait", "help", "completion" };

struct parser {
	struct arena *a;
	const struct rpc_method *const *methods;
	struct cmdline *to;
	struct err *err;
	bool chosen, help, pays;
	const char *first; /* a word that may be the first half of a method's name */
	struct arg *args;
};

static const struct ctl_option *option_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ctl_options); i++)
		if (strcmp(ctl_options[i].name, name) == 0)
			return &ctl_options[i];
	return NULL;
}

static bool method_takes(const struct rpc_method *m, const char *name)
{
	for (const struct param *p = m ? m->params : NULL; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

static void add_arg(struct parser *p, const char *name, const char *value)
{
	p->args[p->to->args.n++] = (struct arg){ name, value };
}

/* --- options --- */

static int unknown_option(struct parser *p, const char *name)
{
	const struct param *params = p->to->method ? p->to->method->params : NULL;
	const char *names[ARRAY_LEN(ctl_options) + 64] = { NULL }, *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(ctl_options); i++)
		names[n++] = ctl_options[i].name;
	for (; params && params->name && n + 1 < ARRAY_LEN(names); params++)
		names[n++] = params->name;
	near = nearest_name(name, names);
	if (near)
		return ERR(p->err, ERR_PARAM, "unknown option --%.64s; did you mean --%s?", name, near);
	return ERR(p->err, ERR_PARAM, "unknown option --%.64s", name);
}

static int set_option(struct parser *p, const struct ctl_option *o, const char *value)
{
	const char **text = (const char **)(void *)((char *)p->to + o->at);

	switch (o->kind) {
	case OPT_TEXT:
		if (*text)
			return ERR(p->err, ERR_PARAM, "--%s was given twice", o->name);
		*text = value;
		return 0;
	case OPT_JSON:
		p->to->json = true;
		return 0;
	case OPT_WAIT:
		p->to->wait = true;
		return 0;
	case OPT_QR:
		p->to->qr = QR_ALWAYS;
		return 0;
	case OPT_NO_QR:
		p->to->qr = QR_NEVER;
		return 0;
	case OPT_HELP:
		p->help = true;
		return 0;
	case OPT_VERSION:
		p->to->command = CTL_VERSION;
		p->chosen = true;
		return 0;
	}
	return -1;
}

/* *next: the word behind, which becomes the value of an option that needs one; set to NULL when it was taken. */
static int take_option(struct parser *p, const char *word, const char **next)
{
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
	const char *name = arena_strndup(p->a, word, equals ? (size_t)(equals - word) : strlen(word));
	const struct ctl_option *o = option_named(name);
	char *param = arena_strdup(p->a, name);

	for (char *c = param; *c; c++)
		*c = (char)(*c == '-' ? '_' : *c);
	/* "--wait" is ours; "--wait=park" is what action.start takes. */
	if (method_takes(p->to->method, param) ||
	    (p->to->command == CTL_START && (!o || (o->kind == OPT_WAIT && value)))) {
		add_arg(p, param, value);
		return 0;
	}
	if (!o)
		return unknown_option(p, name);
	if (o->kind == OPT_TEXT && !value) {
		value = *next;
		*next = NULL;
	}
	if ((o->kind == OPT_TEXT) != (value != NULL))
		return ERR(p->err, ERR_PARAM, "--%s %s", name, value ? "takes no value" : "needs a value");
	return set_option(p, o, value);
}

/* --- the command --- */

static const struct rpc_method *method_named(const struct rpc_method *const *methods, const char *name)
{
	for (; *methods; methods++)
		if (strcmp((*methods)->name, name) == 0)
			return *methods;
	return NULL;
}

/* "cancel-slot" is how a shell would have "cancel_slot". */
static const char *spelled(struct arena *a, const char *word)
{
	char *name = arena_strdup(a, word);

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static bool begins_method(const struct parser *p, const char *word)
{
	size_t n = strlen(word);

	for (const struct rpc_method *const *m = p->methods; *m; m++)
		if (strncmp((*m)->name, word, n) == 0 && (*m)->name[n] == '.')
			return true;
	return false;
}

static int unknown_command(struct parser *p, const char *name)
{
	const char *names[256 + ARRAY_LEN(own_commands)] = { NULL }, *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(own_commands); i++)
		names[n++] = own_commands[i];
	for (size_t i = 0; p->methods[i] && n + 1 < ARRAY_LEN(names); i++)
		names[n++] = p->methods[i]->name;
	near = nearest_name(name, names);
	if (near)
		ERR(p->err, ERR_PARAM, "there is no command \"%.64s\"; did you mean %s?", name, near);
	else
		ERR(p->err, ERR_PARAM, "there is no command \"%.64s\"", name);
	return err_hint(p->err, "walletctl help");
}

static int half_command(struct parser *p)
{
	size_t n = strlen(p->first);
	const char *halves = "";

	for (const struct rpc_method *const *m = p->methods; *m; m++)
		if (strncmp((*m)->name, p->first, n) == 0 && (*m)->name[n] == '.')
			halves = arena_printf(p->a, "%s%s%s", halves, halves[0] ? ", " : "", (*m)->name + n + 1);
	return ERR(p->err, ERR_PARAM, "%s what? There are %s", p->first, halves);
}

static void choose(struct parser *p, enum ctl_command command, const struct rpc_method *m)
{
	p->to->command = command;
	p->to->method = m;
	p->chosen = true;
}

static void choose_pay(struct parser *p)
{
	choose(p, CTL_START, NULL);
	p->pays = true;
}

static int take_command(struct parser *p, const char *word)
{
	const char *name = spelled(p->a, p->first ? arena_printf(p->a, "%s.%s", p->first, word) : word);
	const struct rpc_method *m = method_named(p->methods, name);

	if (!p->first && strcmp(word, "start") == 0)
		choose(p, CTL_START, NULL);
	else if (!p->first && strcmp(word, "pay") == 0)
		choose_pay(p);
	else if (!p->first && strcmp(word, "help") == 0)
		choose(p, CTL_HELP, NULL);
	else if (!p->first && strcmp(word, "completion") == 0)
		choose(p, CTL_COMPLETION, NULL);
	else if (m)
		choose(p, CTL_CALL, m);
	else if (!p->first && begins_method(p, word))
		p->first = word;
	else
		return unknown_command(p, name);
	return 0;
}

/* --- putting it together --- */

/* "help start onchain_send" is "start onchain_send --help". */
static void help_for_kind(struct parser *p)
{
	choose(p, CTL_START, NULL);
	p->to->help = true;
	p->to->args.n--;
	memmove(p->args, p->args + 1, p->to->args.n * sizeof(*p->args));
}

/* A command of ours that is no method is told of by the help of all. */
static bool is_own_command(const struct parser *p, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(own_commands); i++)
		if (strcmp(own_commands[i], word) == 0)
			return !method_named(p->methods, word);
	return false;
}

/* "help" names its subject like a command: "help wallet create". */
static int find_subject(struct parser *p)
{
	const char *name;

	if (p->to->args.n == 0)
		return 0;
	name = p->args[0].value;
	if (p->to->args.n == 2 && strcmp(name, "start") == 0) {
		help_for_kind(p);
		return 0;
	}
	if (p->to->args.n == 1 && is_own_command(p, name))
		return 0;
	if (p->to->args.n == 2)
		name = arena_printf(p->a, "%s.%s", name, p->args[1].value);
	name = spelled(p->a, name);
	p->to->method = method_named(p->methods, name);
	if (p->to->method && p->to->args.n <= 2)
		return 0;
	return unknown_command(p, name);
}

/* `wait` is a method, which follows the event log; with the id of an action it waits for that. */
static void find_wait(struct parser *p)
{
	const struct args *args = &p->to->args;
	int64_t cursor;

	if (p->to->method && strcmp(p->to->method->name, "wait") == 0 && args->n > 0 && !args->list[0].name &&
	    !parse_i64(args->list[0].value, 0, INT64_MAX, &cursor))
		choose(p, CTL_WAIT, NULL);
}

/* `pay TEXT …` starts what pays such a text.  An invoice is paid when it is paid; a payment request may leave a token to hand
 * over, which is shown as soon as there is one. */
static int find_pay(struct parser *p)
{
	struct args *args = &p->to->args;
	const char *what = args->n > 0 && !p->args[0].name ? p->args[0].value : NULL;
	bool request = what && text_starts(what, "creqA");

	if (!what && p->help)
		return 0;
	if (!what) {
		ERR(p->err, ERR_PARAM, "pay what? An invoice (lnbc…) or a payment request (creqA…) comes first");
		return err_hint(p->err, "walletctl pay lnbc… max_fee=10");
	}
	memmove(p->args + 1, p->args, args->n++ * sizeof(*p->args));
	p->args[0] = (struct arg){ NULL, request ? "cashu_send" : "cashu_melt" };
	p->args[1] = (struct arg){ request ? "request" : "invoice", what };
	p->to->wait = p->to->wait || !request;
	return 0;
}

static int finish(struct parser *p)
{
	const struct rpc_method *help;

	if (p->pays && find_pay(p) != 0)
		return -1;

	if (p->to->timeout && !parse_i64(p->to->timeout, 1, TIMEOUT_MAX_S, &p->to->timeout_s))
		return ERR(p->err, ERR_PARAM, "--timeout must be seconds, from 1 to %d", TIMEOUT_MAX_S);
	if (p->help && p->to->command == CTL_START && p->to->args.n > 0) {
		p->to->help = true;
		return 0;
	}
	if (p->help) {
		choose(p, CTL_HELP, p->to->method);
		return 0;
	}
	if (!p->chosen && p->first)
		return half_command(p);
	if (!p->chosen) {
		ERR(p->err, ERR_PARAM, "what shall be done?");
		return err_hint(p->err, "walletctl help");
	}
	find_wait(p);
	if (p->to->wait && p->to->command != CTL_START && p->to->command != CTL_WAIT)
		return ERR(p->err, ERR_PARAM, "--wait goes with start");
	if (p->to->command == CTL_HELP && p->to->json && (help = method_named(p->methods, "help"))) {
		choose(p, CTL_CALL, help); /* for programs: the daemon's own */
		return 0;
	}
	return p->to->command == CTL_HELP ? find_subject(p) : 0;
}

/* "history export": the first word alone is a method, too. */
static const struct rpc_method *longer_name(const struct parser *p, const char *word)
{
	if (p->to->command != CTL_CALL || p->to->args.n > 0)
		return NULL;
	return method_named(p->methods, arena_printf(p->a, "%s.%s", p->to->method->name, word));
}

static int take_word(struct parser *p, const char *word)
{
	const struct rpc_method *longer;
	struct arg arg;

	if (!p->chosen)
		return take_command(p, word);
	longer = longer_name(p, word);
	if (longer) {
		p->to->method = longer;
		return 0;
	}
	arg = arg_of(p->a, word);
	add_arg(p, arg.name, arg.value);
	return 0;
}

static const char *long_form(const char *word)
{
	if (strcmp(word, "-h") == 0)
		return "--help";
	return strcmp(word, "-V") == 0 ? "--version" : word;
}

int cmdline_parse(struct arena *a, char *const *argv, const struct rpc_method *const *methods, struct cmdline *ret,
		  struct err *err)
{
	struct cmdline cmd = { 0 };
	struct parser p = { .a = a, .methods = methods, .to = &cmd, .err = err };
	bool operands_only = false;
	size_t n = 0;

	while (argv[n])
		n++;
	p.args = ARENA_ARRAY(a, n + 1, struct arg); /* as many as there are words, and the kind of a `pay` */
	cmd.args.list = p.args;
	err_clear(err);
	for (size_t i = 1; i < n; i++) {
		const char *word = operands_only ? argv[i] : long_form(argv[i]), *next = argv[i + 1];
		int rc;

		if (!operands_only && strcmp(word, "--") == 0) {
			operands_only = true;
			continue;
		}
		if (operands_only || !text_starts(word, "--"))
			rc = take_word(&p, word);
		else
			rc = take_option(&p, word + 2, &next);
		if (rc != 0)
			return -1;
		i += argv[i + 1] && !next;
	}
	if (finish(&p) != 0)
		return -1;
	*ret = cmd;
	return 0;
}

void cmdline_options_add(struct buf *to)
{
	for (size_t i = 0; i < ARRAY_LEN(ctl_options); i++) {
		const struct ctl_option *o = &ctl_options[i];
		char head[64];

		snprintf(head, sizeof(head), "--%s%s%s", o->name, o->arg ? "=" : "", o->arg ? o->arg : "");
		buf_printf(to, "  %-20s %s\n", head, o->help);
	}
}

void cmdline_option_words_add(struct buf *to)
{
	for (size_t i = 0; i < ARRAY_LEN(ctl_options); i++)
		buf_printf(to, "%s--%s%s", i ? " " : "", ctl_options[i].name, ctl_options[i].arg ? "=" : "");
}
