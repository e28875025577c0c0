/* walletd - says what was asked for, or runs.  Everything worth reading is in host.c. */
#include <stdio.h>

#include "actions/action.h"
#include "base/version.h"
#include "conf/options.h"
#include "daemon/host.h"
#include "rpc/server.h"

extern char **environ;

static enum exit_code refuse(const struct err *err)
{
	fprintf(stderr, "walletd: %s\n", err->msg);
	if (err->hint[0])
		fprintf(stderr, "walletd: %s\n", err->hint);
	return err->code == ERR_PARAM ? EXIT_USAGE : EXIT_CONFIG;
}

static enum exit_code print_rpc_reference(void)
{
	SCOPED(buf) struct buf text = BUF_CAP(4 * 1024 * 1024);

	rpc_reference_markdown(&text, action_kinds);
	if (!buf_ok(&text))
		return EXIT_FAILED;
	return fwrite(text.p, 1, text.n, stdout) == text.n ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code check(const struct config *conf)
{
	struct err err;

	if (host_check_files(conf, &err) != 0)
		return refuse(&err);
	printf("# %s%s is in order.  What is in force:\n", conf->file ? "" : "The configuration, without a file,",
	       conf->file ? conf->file : "");
	options_print_values(stdout, conf);
	return EXIT_OK;
}

static enum exit_code run(enum conf_command command, const struct config *conf, const struct conf_input *in)
{
	switch (command) {
	case CONF_RUN:
		return host_run(conf, in);
	case CONF_CHECK:
		return check(conf);
	case CONF_HELP:
		options_print_help(stdout);
		return EXIT_OK;
	case CONF_VERSION:
		printf("walletd %s\n", walletd_version);
		return EXIT_OK;
	case CONF_EXAMPLE:
		options_print_example(stdout);
		return EXIT_OK;
	case CONF_REFERENCE:
		options_print_reference(stdout);
		return EXIT_OK;
	case CONF_RPC_REFERENCE:
		return print_rpc_reference();
	}
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(CONF_ARENA);
	struct conf_input in = { argc, argv, environ };
	enum conf_command command;
	struct config conf;
	struct err err;
	enum exit_code code;

	if (conf_load(&a, &in, &command, &conf, &err) != 0)
		return (int)refuse(&err);
	code = run(command, &conf, &in);
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_FAILED;
	return (int)code;
}
