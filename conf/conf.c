/* conf/conf.c - gathers what every source says about each option, then takes the word that ranks highest.
 *
 * The file is read through inih.  It is handed one line at a time, after the line was looked at here: inih cuts lines
 * that are longer than its buffer and ignores what follows a section's bracket, and neither may happen silently. */
#include "conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/params.h"
#include "base/text.h"
#include "conf/evm.h"
#include "conf/options.h"
#include "conf/paths.h"
#include "conf/perms.h"

#define LINE_BYTES  190                 /* what inih takes in every build of it */
#define FILE_BYTES  ((size_t)64 * 1024) /* nobody writes more by hand */
#define VALUE_BYTES 8192

enum rank { RANK_NONE = 0, RANK_FILE, RANK_SECTION, RANK_ENV, RANK_FLAG };

/* One `key=value` of one source. */
struct entry {
	const struct option *option;
	enum rank rank;
	int section; /* enum network, or -1 */
	const char *value;
	const char *origin; /* "--key", "WALLETD_KEY", "walletd.conf:12" */
	struct entry *next; /* in order of appearance */
};

struct loader {
	struct arena *a;
	struct err *err;
	struct entry *entries, **tail;
	const char *cwd;
	enum conf_command command;
	const char *conf_flag; /* --conf, or NULL */

	/* The file. */
	const char *path;
	FILE *in;
	size_t bytes;
	unsigned line;
	bool failed, holds_password;
};

/* --- entries --- */

static int unknown_key(struct loader *l, const char *origin, const char *key, const char *const *more)
{
	const char **names = ARENA_ARRAY(l->a, n_options + 16, const char *);
	const char *near;
	size_t n = 0;

	for (const struct option *o = options; o->key; o++)
		names[n++] = o->key;
	for (; more && *more; more++)
		names[n++] = *more;
	names[n] = NULL;
	near = nearest_name(key, names);
	if (near)
		ERR(l->err, ERR_CONFIG, "%s: unknown option \"%.64s\"; did you mean %s?", origin, key, near);
	else
		ERR(l->err, ERR_CONFIG, "%s: unknown option \"%.64s\"", origin, key);
	err_field(l->err, key);
	return err_hint(l->err, "walletd --help");
}

static int add_entry(struct loader *l, const struct option *o, enum rank rank, int section, const char *value,
		     const char *origin)
{
	int64_t times = o->type == OPTION_LIST ? o->max : 1, given = 0;
	struct config scratch = { 0 };
	struct entry *e;

	if (section >= 0 && (o->flags & OPTION_TOP)) {
		ERR(l->err, ERR_CONFIG, "%s: %s goes before the first [section]", origin, o->key);
		return err_field(l->err, o->key);
	}
	for (e = l->entries; e; e = e->next) {
		if (e->option != o || e->rank != rank || e->section != section || ++given < times)
			continue;
		ERR(l->err, ERR_CONFIG, "%s: %s was given already, at %s", origin, o->key, e->origin);
		return err_field(l->err, o->key);
	}
	if (strlen(value) > VALUE_BYTES) {
		ERR(l->err, ERR_CONFIG, "%s: %s is longer than %d bytes", origin, o->key, VALUE_BYTES);
		return err_field(l->err, o->key);
	}
	if (option_set(l->a, o, value, rank >= RANK_ENV ? l->cwd : NULL, &scratch, l->err) != 0)
		return err_context(l->err, "%s", origin);
	e = ARENA_NEW(l->a, struct entry);
	*e = (struct entry){ o, rank, section, arena_strdup(l->a, value), origin, NULL };
	*l->tail = e;
	l->tail = &e->next;
	return 0;
}

/* --- the command line --- */

static const struct {
	const char *flag;
	enum conf_command command;
} commands[] = {
	{ "check-conf", CONF_CHECK },
	{ "help", CONF_HELP },
	{ "version", CONF_VERSION },
	{ "print-example-conf", CONF_EXAMPLE },
	{ "print-config-reference", CONF_REFERENCE },
	{ "print-rpc-reference", CONF_RPC_REFERENCE },
};
static const char *const command_names[] = {
	"conf", "check-conf", "help", "version", "print-example-conf", "print-config-reference", "print-rpc-reference",
	NULL
};

static bool take_command(struct loader *l, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(key, commands[i].flag) == 0) {
			l->command = commands[i].command;
			return true;
		}
	return false;
}

static int take_flag(struct loader *l, const struct conf_input *in, int *i)
{
	const char *arg = in->argv[*i], *equals, *key, *value, *origin;
	const struct option *o;

	if (strcmp(arg, "-h") == 0)
		arg = "--help";
	if (strcmp(arg, "-V") == 0)
		arg = "--version";
	if (!text_starts(arg, "--") || arg[2] == '\0')
		return ERR(l->err, ERR_PARAM, "\"%.64s\": walletd takes --options only", arg);
	equals = strchr(arg, '=');
	key = equals ? arena_strndup(l->a, arg + 2, (size_t)(equals - arg - 2)) : arg + 2;
	if (!equals && take_command(l, key))
		return 0;
	origin = arena_printf(l->a, "--%s", key);
	o = option_find(key);
	if (!o && strcmp(key, "conf") != 0)
		return unknown_key(l, "command line", key, command_names);
	if (equals)
		value = equals + 1;
	else if (o && o->type == OPTION_BOOL)
		value = "1";
	else if (*i + 1 < in->argc)
		value = in->argv[++*i];
	else
		return ERR(l->err, ERR_PARAM, "%s needs a value", origin);
	if (o)
		return add_entry(l, o, RANK_FLAG, -1, value, origin);
	if (l->conf_flag)
		return ERR(l->err, ERR_PARAM, "--conf was given already");
	l->conf_flag = value;
	return 0;
}

static int take_args(struct loader *l, const struct conf_input *in)
{
	for (int i = 1; i < in->argc; i++)
		if (take_flag(l, in, &i) != 0) {
			/* Whatever is wrong with the command line is the caller's to mend, not the file's. */
			l->err->code = ERR_PARAM;
			l->err->class = err_class_of(ERR_PARAM);
			return -1;
		}
	return 0;
}

/* --- the environment --- */

/* These belong to test builds; a release ignores them. */
static bool is_test_variable(const char *name)
{
	return strcmp(name, "WALLETD_FAILPOINTS") == 0 || strcmp(name, "WALLETD_DOUBLE_DRIVE") == 0;
}

static int take_variable(struct loader *l, const char *variable)
{
	size_t n = strcspn(variable, "=");
	const char *name = arena_strndup(l->a, variable, n);
	char *key;

	if (variable[n] != '=' || strcmp(name, "WALLETD_CONF") == 0 || is_test_variable(name))
		return 0;
	key = arena_strdup(l->a, name + strlen("WALLETD_"));
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (const struct option *o = options; o->key; o++)
		if (strcmp(option_env_name(l->a, o), name) == 0)
			return add_entry(l, o, RANK_ENV, -1, variable + n + 1, name);
	return unknown_key(l, name, key, NULL);
}

static int take_env(struct loader *l, const struct conf_input *in)
{
	for (char *const *v = in->env; v && *v; v++)
		if (text_starts(*v, "WALLETD_") && take_variable(l, *v) != 0)
			return -1;
	return 0;
}

/* --- the file --- */

static const char *here(struct loader *l)
{
	return arena_printf(l->a, "%s:%u", l->path, l->line);
}

static int bad_line(struct loader *l, const char *why)
{
	l->failed = true;
	return ERR(l->err, ERR_CONFIG, "%s: %s", here(l), why);
}

static int section_of(const char *name)
{
	for (int i = 0; i < NETWORK_COUNT; i++)
		if (strcmp(network_names[i], name) == 0)
			return i;
	return -1;
}

static int take_pair(void *ctx, const char *section, const char *key, const char *value)
{
	struct loader *l = ctx;
	const struct option *o = option_find(key);
	const char *origin = here(l);
	int network = -1, rc;

	if (l->failed)
		return 0;
	if (section[0] != '\0' && (network = section_of(section)) < 0) {
		const char *near = nearest_name(section, network_names);

		rc = ERR(l->err, ERR_CONFIG, "%s: unknown section [%.32s]; %s%s", origin, section,
			 near ? "did you mean " : "there are mainnet, signet, testnet4 and regtest", near ? near : "");
	} else if (!o) {
		rc = unknown_key(l, origin, key, NULL);
	} else {
		if (option_hides(o, value))
			l->holds_password = true;
		rc = add_entry(l, o, network < 0 ? RANK_FILE : RANK_SECTION, network, value, origin);
	}
	l->failed = rc != 0;
	return rc == 0;
}

/* Cuts white space at both ends and a comment: '#' or ';' at the start or after white space. */
static char *bare_line(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	for (char *p = text; *p; p++)
		if ((*p == '#' || *p == ';') && (p == text || isspace((unsigned char)p[-1]))) {
			*p = '\0';
			break;
		}
	for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--)
		text[n - 1] = '\0';
	return text;
}

static int check_bytes(struct loader *l, const char *raw, size_t n)
{
	l->bytes += n + 1;
	if (l->bytes > FILE_BYTES)
		return bad_line(l, "the file is larger than 64 KiB");
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)raw[i]) && !isspace((unsigned char)raw[i]))
			return bad_line(l, "holds a control character");
	return 0;
}

static int check_form(struct loader *l, const char *text)
{
	const char *equals = strchr(text, '=');

	if (text[0] == '\0')
		return 0;
	if (strlen(text) > LINE_BYTES)
		return bad_line(l, "the line is longer than 190 bytes");
	if (text[0] == '[')
		return text[strlen(text) - 1] == ']' ? 0 : bad_line(l, "is not a [section]");
	if (!equals || equals == text)
		return bad_line(l, "is not key=value");
	equals += 1 + strspn(equals + 1, " \t");
	if (*equals == '"' || *equals == '\'')
		return bad_line(l, "values are written without quotes");
	return 0;
}

/* inih asks for the next line.  Empty ones are passed on, so that nothing has to be counted twice. */
static char *next_line(char *to, int size, void *ctx)
{
	struct loader *l = ctx;
	char raw[1024] = { 0 };
	size_t n = 0;
	char *text;
	int c = EOF;

	if (l->failed)
		return NULL;
	l->line++;
	/* Byte by byte, because fgets() cannot tell a NUL from the end. */
	while (n < sizeof(raw) - 1 && (c = getc(l->in)) != EOF && c != '\n')
		raw[n++] = (char)c;
	raw[n] = '\0';
	if (ferror(l->in)) {
		bad_line(l, strerror(errno));
		return NULL;
	}
	if (c == EOF && n == 0)
		return NULL;
	if (n == sizeof(raw) - 1) {
		bad_line(l, "the line is longer than 190 bytes");
		return NULL;
	}
	if (check_bytes(l, raw, n) != 0)
		return NULL;
	text = bare_line(raw);
	if (check_form(l, text) != 0)
		return NULL;
	snprintf(to, (size_t)size, "%s\n", text);
	return to;
}

static int take_file(struct loader *l, const char *path, bool must_exist)
{
	SCOPED(file) FILE *in = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0 && errno == ENOENT && !must_exist)
		return 0;
	if (fd < 0) {
		ERR(l->err, ERR_IO, "cannot read the configuration %s: %s", path, strerror(errno));
		return err_hint(l->err, "walletd --print-example-conf shows what it may hold");
	}
	in = fdopen(fd, "r");
	if (!in) {
		close(fd);
		return ERR(l->err, ERR_IO, "cannot read the configuration %s: %s", path, strerror(errno));
	}
	l->path = arena_strdup(l->a, path);
	l->in = in;
	rc = ini_parse_stream(next_line, l, take_pair, l);
	if (!l->failed &&
	    rc != 0) /* inih wants no more than check_form() does; if it ever should, nothing is skipped */
		return ERR(l->err, ERR_CONFIG, "%s:%d: cannot be understood", path, rc);
	if (l->failed)
		return -1;
	return perms_conf_fd(fd, path, l->holds_password, l->err);
}

/* --- putting it together --- */

/* The highest rank at which this option was given.  Sections of other networks do not count. */
static enum rank top_rank(const struct loader *l, const struct option *o, int network)
{
	enum rank best = RANK_NONE;

	for (const struct entry *e = l->entries; e; e = e->next)
		if (e->option == o && e->rank > best && (e->section < 0 || e->section == network))
			best = e->rank;
	return best;
}

/* Sets one option from what ranks highest; *origin says where that was, or stays NULL. */
static int choose(struct loader *l, const struct option *o, struct config *to, const char **origin)
{
	enum rank rank = top_rank(l, o, to->network);
	const char *value = NULL;

	for (const struct entry *e = l->entries; e; e = e->next)
		if (e->option == o && e->rank == rank && (e->section < 0 || e->section == to->network)) {
			value = value && value[0] ? arena_printf(l->a, "%s,%s", value, e->value) : e->value;
			*origin = e->origin;
		}
	if (!value)
		value = o->fallback;
	if (!value)
		return 0;
	if (option_set(l->a, o, value, l->cwd, to, l->err) != 0)
		return err_context(l->err, "%s", *origin ? *origin : "default");
	return 0;
}

static int refuse_all(struct loader *l, const struct option *o, const char *const *origin, const char *subject)
{
	const struct err why = *l->err;

	ERR(l->err, ERR_CONFIG, "%s: %s: %s%s", origin[o - options], o->key, subject, why.msg);
	return err_field(l->err, o->key);
}

/* Each entry was right by itself; are they together? */
static int check_outbox(struct loader *l, const struct config *c, const char *const *origin)
{
	struct conf_outbox_space *spaces;
	struct conf_evm_chain *chains;
	size_t n_chains, n_spaces;

	if (conf_evm_chains(l->a, &c->evm_chain, &chains, &n_chains, l->err) != 0)
		return refuse_all(l, option_find("evm_chain"), origin, "the value ");
	if (conf_outbox_spaces(l->a, &c->outbox_space, chains, n_chains, &spaces, &n_spaces, l->err) != 0)
		return refuse_all(l, option_find("outbox_space"), origin, "");
	return 0;
}

static int check_together(struct loader *l, const struct config *c, const char *const *origin)
{
	if (!c->datadir) {
		ERR(l->err, ERR_CONFIG, "datadir: there is no default without HOME");
		return err_field(l->err, "datadir");
	}
	/* A default can be too long as well. */
	if (c->rpc_socket && strlen(c->rpc_socket) > SOCKET_PATH_MAX) {
		ERR(l->err, ERR_CONFIG, "rpc_socket: %s is longer than the %d bytes that the path of a socket may have",
		    c->rpc_socket, SOCKET_PATH_MAX);
		return err_field(l->err, "rpc_socket");
	}
	return check_outbox(l, c, origin);
}

static void fill_places(struct loader *l, const struct paths *p, struct config *c, const char **origin)
{
	const char **datadir = &origin[option_find("datadir") - options];
	const char **socket = &origin[option_find("rpc_socket") - options];

	if (!*socket && !*datadir && p->rpc_socket)
		c->rpc_socket = p->rpc_socket;
	else if (!*socket && (c->datadir || p->datadir))
		c->rpc_socket = arena_printf(l->a, "%s/rpc.sock", c->datadir ? c->datadir : p->datadir);
	if (!*datadir)
		c->datadir = p->datadir;
}

static int put_together(struct loader *l, const struct conf_input *in, struct config *ret)
{
	const struct option *network = option_find("network");
	const char **origin = ARENA_ARRAY(l->a, n_options, const char *);
	struct config c = { 0 };
	struct paths p;

	/* The network says which section counts, so it comes first; it cannot be in a section itself. */
	if (choose(l, network, &c, &origin[network - options]) != 0)
		return -1;
	for (size_t i = 0; i < n_options; i++)
		if (&options[i] != network && choose(l, &options[i], &c, &origin[i]) != 0)
			return -1;
	p = paths_default(l->a, in->env, geteuid() == 0, (enum network)c.network);
	fill_places(l, &p, &c, origin);
	for (size_t i = 0; i < n_options; i++)
		if (!origin[i])
			origin[i] = "default";
	if (check_together(l, &c, origin) != 0)
		return -1;
	c.file = l->path;
	c.origin = origin;
	*ret = c;
	return 0;
}

static int load_file(struct loader *l, const struct conf_input *in)
{
	const char *named = l->conf_flag ? l->conf_flag : paths_env(in->env, "WALLETD_CONF");
	const char *path;

	if (named)
		return named[0] == '\0' ? 0 : take_file(l, named, true);
	path = paths_default(l->a, in->env, geteuid() == 0, NETWORK_MAINNET).conf_file;
	return path ? take_file(l, path, false) : 0;
}

int conf_load(struct arena *a, const struct conf_input *in, enum conf_command *ret_command, struct config *ret,
	      struct err *err)
{
	struct loader l = { .a = a, .err = err, .command = CONF_RUN };
	char cwd[PATH_MAX];

	l.tail = &l.entries;
	l.cwd = getcwd(cwd, sizeof(cwd)); /* NULL when it was removed: then relative paths are refused */
	if (take_args(&l, in) != 0)
		return -1;
	switch (l.command) {
	case CONF_RUN:
	case CONF_CHECK:
		if (take_env(&l, in) != 0 || load_file(&l, in) != 0 || put_together(&l, in, ret) != 0)
			return -1;
		break;
	case CONF_HELP:
	case CONF_VERSION:
	case CONF_EXAMPLE:
	case CONF_REFERENCE:
	case CONF_RPC_REFERENCE:
		break;
	}
	*ret_command = l.command;
	return 0;
}
