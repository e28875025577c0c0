/* conf/print.c - the table for people: --help, the example file, the reference. */
#include <inttypes.h>
#include <string.h>

#include "conf/options.h"

/* Words of text in lines of at most `width`, each line begun with `prefix`. */
static void wrap(FILE *to, const char *prefix, const char *text, size_t width)
{
	size_t room = width - strlen(prefix), used = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (used > 0 && used + 1 + n > room) {
			fputc('\n', to);
			used = 0;
		}
		fprintf(to, "%s%.*s", used == 0 ? prefix : " ", (int)n, text);
		used += n + (used > 0);
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

/* What fits, in words: "1 to 4096", "0 or 1". */
static const char *range(struct arena *a, const struct option *o)
{
	switch (o->type) {
	case OPTION_INT:
		return arena_printf(a, "%" PRId64 " to %" PRId64, o->min, o->max);
	case OPTION_MODE:
		return arena_printf(a, "%04" PRIo64 " to %04" PRIo64, (uint64_t)o->min, (uint64_t)o->max);
	case OPTION_BOOL:
		return "0 or 1";
	case OPTION_ENUM:
		return o->choices;
	case OPTION_STRING:
		return "text";
	case OPTION_PATH:
		return "absolute path";
	case OPTION_LIST:
		return "list";
	}
	return "";
}

static const char *fallback(const struct option *o)
{
	return o->fallback ? o->fallback : o->computed;
}

void options_print_help(FILE *to)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

	fputs("walletd - a self-custody wallet daemon\n\n"
	      "usage: walletd [--key=value]...\n\n"
	      "Every option can be a flag, a line key=value of the configuration file, or WALLETD_KEY in the\n"
	      "environment; the flag goes before the environment, the environment before the file.\n\n"
	      "  --conf=FILE               read this configuration file; empty for none\n"
	      "  --check-conf              say what is configured and whether it is right, and exit\n"
	      "  --print-example-conf      a configuration file with every option\n"
	      "  --print-config-reference  the same as Markdown\n"
	      "  --print-rpc-reference     every RPC method, as Markdown\n"
	      "  --help, --version\n\n",
	      to);
	for (const struct option *o = options; o->key; o++) {
		fprintf(to, "  --%s%s%s\n", o->key, o->arg ? "=" : "", o->arg ? o->arg : "");
		wrap(to, "        ", o->help, 96);
		wrap(to, "        ",
		     arena_printf(&a, "%s; default: %s%s", range(&a, o), fallback(o),
				  o->flags & OPTION_RELOADABLE ? "; SIGHUP reloads it" : ""),
		     96);
	}
	fputs("\nSignals: SIGTERM and SIGINT stop (twice: at once), SIGHUP reloads, SIGUSR1 logs the state.\n"
	      "Exit codes: 0 stopped as asked, 1 failed, 64 wrong command line, 65 the database is damaged,\n"
	      "74 storage (disk full, read-only, I/O error), 75 another walletd runs here, 78 wrong configuration\n"
	      "or passphrase, or a database of another network or a newer walletd.\n",
	      to);
}

void options_print_example(FILE *to)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

	fputs("# walletd.conf - every option, at its default.  Made by `walletd --print-example-conf`.\n"
	      "#\n"
	      "# key=value; what follows a '#' after white space is a comment; no quotes.  Lines below a [mainnet],\n"
	      "# [signet], [testnet4] or [regtest] line count on that network alone and go before those at the top.\n"
	      "# `walletd --check-conf` tells what is in force.  SIGHUP reloads what is marked (reloadable).\n",
	      to);
	for (const struct option *o = options; o->key; o++) {
		fputc('\n', to);
		wrap(to, "# ", o->help, 100);
		wrap(to, "# ",
		     arena_printf(&a, "(%s%s%s%s)", range(&a, o), o->fallback ? "" : "; default: ",
				  o->fallback ? "" : o->computed, o->flags & OPTION_RELOADABLE ? "; reloadable" : ""),
		     100);
		fprintf(to, "#%s=%s\n", o->key, o->fallback ? o->fallback : "");
	}
}

void options_print_reference(FILE *to)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

	fputs("# Configuration\n\n"
	      "Made by `walletd --print-config-reference`; do not edit.\n\n"
	      "Each option is a flag (`--key=value`), a variable (`WALLETD_KEY`) or a line `key=value` of the\n"
	      "configuration file. A flag goes before a variable, a variable before the file's section of the network\n"
	      "in use (`[mainnet]`, `[signet]`, `[testnet4]`, `[regtest]`), the section before the top of the file, and\n"
	      "that before the default. An unknown key is an error, and so is a key that is given twice, unless it is a\n"
	      "list. An empty value means none.\n\n"
	      "The file is the one that `--conf` or `WALLETD_CONF` names, else `walletd.conf` in\n"
	      "`$CONFIGURATION_DIRECTORY` (set by systemd), `/etc/walletd` (root) or `$XDG_CONFIG_HOME/walletd`, by default\n"
	      "`~/.config/walletd`. What follows a `#` or `;` at the start of a line or after white space is a comment.\n"
	      "Paths in the file are absolute.\n\n"
	      "`walletd --check-conf` reads everything, tells what is in force and where it was set, and exits with 0 or 78.\n"
	      "On SIGHUP walletd reads everything again, applies what is reloadable, and logs which other changes wait for a\n"
	      "restart.\n\n"
	      "| option | values | default | reload |\n| --- | --- | --- | --- |\n",
	      to);
	for (const struct option *o = options; o->key; o++) {
		const char *values = range(&a, o);

		fprintf(to, "| [`%s`](#%s) | ", o->key, o->key);
		for (const char *p = values; *p; p++)
			fputs(*p == '|' ? ", " : (char[]){ *p, '\0' }, to);
		fprintf(to, " | %s | %s |\n", fallback(o), o->flags & OPTION_RELOADABLE ? "yes" : "no");
	}
	for (const struct option *o = options; o->key; o++) {
		fprintf(to, "\n## %s\n\n", o->key);
		wrap(to, "", o->help, 110);
		fprintf(to, "\n    %s=%s\n", o->key, o->arg ? o->arg : o->fallback);
	}
	fputs("\n## Exit codes\n\n"
	      "| code | meaning | starting again |\n| --- | --- | --- |\n"
	      "| 0 | stopped as asked | |\n"
	      "| 1 | failed in a way that the log tells | may help |\n"
	      "| 64 | wrong command line | does not help |\n"
	      "| 65 | the database is damaged | does not help: put a backup in its place |\n"
	      "| 74 | storage: disk full, read-only, I/O error | helps once it is mended |\n"
	      "| 75 | another walletd uses the datadir | helps once that one has stopped |\n"
	      "| 78 | wrong configuration, permissions or passphrase; the database belongs to another network or to a "
	      "newer walletd | does not help |\n",
	      to);
}

void options_print_values(FILE *to, const struct config *c)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);

	for (size_t i = 0; i < n_options; i++)
		fprintf(to, "%s=%s  # %s\n", options[i].key, option_text(&a, &options[i], c), c->origin[i]);
}
