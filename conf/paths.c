#include "conf/paths.h"

#include <string.h>

const char *paths_env(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* A directory that the environment names.  The XDG specification has relative ones ignored; systemd separates several
 * with colons, and the first is ours. */
static const char *dir_from(struct arena *a, char *const *env, const char *name, const char *below)
{
	const char *dir = paths_env(env, name);
	size_t n;

	if (!dir || dir[0] != '/')
		return NULL;
	n = strcspn(dir, ":");
	return below ? arena_printf(a, "%.*s/%s", (int)n, dir, below) : arena_strndup(a, dir, n);
}

static const char *first(const char *x, const char *y)
{
	return x ? x : y;
}

struct paths paths_default(struct arena *a, char *const *env, bool root, enum network network)
{
	const char *conf, *state, *run;
	struct paths p = { NULL, NULL, NULL };

	if (root) {
		conf = "/etc/walletd";
		state = "/var/lib/walletd";
		run = "/run/walletd";
	} else {
		conf = first(dir_from(a, env, "XDG_CONFIG_HOME", "walletd"),
			     dir_from(a, env, "HOME", ".config/walletd"));
		state = first(dir_from(a, env, "XDG_STATE_HOME", "walletd"),
			      dir_from(a, env, "HOME", ".local/state/walletd"));
		run = dir_from(a, env, "XDG_RUNTIME_DIR", "walletd");
	}
	conf = first(dir_from(a, env, "CONFIGURATION_DIRECTORY", NULL), conf);
	state = first(dir_from(a, env, "STATE_DIRECTORY", NULL), state);
	run = first(dir_from(a, env, "RUNTIME_DIRECTORY", NULL), run);
	if (network != NETWORK_MAINNET) {
		state = state ? arena_printf(a, "%s/%s", state, network_names[network]) : NULL;
		run = run ? arena_printf(a, "%s/%s", run, network_names[network]) : NULL;
	}
	p.conf_file = conf ? arena_printf(a, "%s/walletd.conf", conf) : NULL;
	p.datadir = state;
	p.rpc_socket = run ? arena_printf(a, "%s/rpc.sock", run) : NULL;
	return p;
}
