#include "rpc/walletctl/endpoint.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/options.h"
#include "conf/paths.h"

/* --- the unix socket --- */

static int load_conf(struct arena *a, const struct endpoint_options *opt, char *const *env, struct config *ret,
		     struct err *err)
{
	const struct {
		const char *flag, *value;
	} flags[] = {
		{ "rpc_socket", opt->socket },
		{ "datadir", opt->datadir },
		{ "network", opt->network },
		{ "conf", opt->conf },
	};
	char *argv[ARRAY_LEN(flags) + 2] = { arena_strdup(a, "walletctl") };
	struct conf_input in = { .argc = 1, .argv = argv, .env = env };
	enum conf_command command;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].value)
			argv[in.argc++] = arena_printf(a, "--%s=%s", flags[i].flag, flags[i].value);
	return conf_load(a, &in, &command, ret, err);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

static const char *socket_of(const struct config *c)
{
	const char *origin = c->origin[option_find("rpc_socket") - options];

	if (strcmp(origin, "default") == 0 && strcmp(c->origin[option_find("datadir") - options], "default") == 0 &&
	    c->network == NETWORK_MAINNET && !exists(c->rpc_socket) && exists(PATHS_SYSTEM_SOCKET))
		return PATHS_SYSTEM_SOCKET;
	return c->rpc_socket;
}

static int find_socket(struct arena *a, const struct endpoint_options *opt, char *const *env, struct endpoint *ret,
		       struct err *err)
{
	struct config c;

	if (load_conf(a, opt, env, &c, err) != 0)
		return -1;
	if (!c.rpc_socket) {
		ERR(err, ERR_CONFIG, "the configuration turns the unix socket off");
		return err_hint(err, "walletctl --rpc=http://127.0.0.1:PORT");
	}
	*ret = (struct endpoint){ .url = "http://localhost/", .socket = socket_of(&c) };
	return 0;
}

/* --- TCP --- */

/* The credentials go along with each call, so in clear they go to this machine only. */
static bool stays_here(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':' || host[n] == '/'))
			return true;
	}
	return false;
}

static int check_url(const char *url, struct err *err)
{
	const char *host = strstr(url, "://");

	if (!text_printable_ascii(url) || (!text_starts(url, "http://") && !text_starts(url, "https://")) ||
	    host[3] == '\0')
		return ERR(err, ERR_PARAM, "--rpc takes a URL such as http://127.0.0.1:8338");
	host += 3;
	if (strchr(host, '@')) {
		ERR(err, ERR_PARAM,
		    "--rpc takes no password: a command line can be read by every user of this machine");
		return err_hint(err, "--cookie-file=PATH or --key-file=PATH");
	}
	if (text_starts(url, "http://") && !stays_here(host)) {
		ERR(err, ERR_PARAM, "http:// would send the key over the network in clear");
		return err_hint(err, "tunnel the port over ssh and use http://127.0.0.1:PORT, or use https://");
	}
	return 0;
}

static int cookie_path(struct arena *a, const struct endpoint_options *opt, char *const *env, const char **ret,
		       struct err *err)
{
	struct config c;
	const char *socket;

	if (load_conf(a, opt, env, &c, err) != 0)
		return -1;
	socket = c.rpc_socket ? socket_of(&c) : NULL;
	if (socket)
		*ret = arena_printf(a, "@%.*s/cookie", (int)(strrchr(socket, '/') - socket), socket);
	else
		*ret = arena_printf(a, "@%s/cookie", c.datadir);
	return 0;
}

static int read_credentials(struct arena *a, const char *source, struct input *in, const char **ret, struct err *err)
{
	struct bytes line;
	const char *text;

	if (input_secret(in, a, source, "key (name:secret)", &line, err) != 0) {
		err_context(err, "credentials");
		return err_hint(err, "--cookie-file=PATH or --key-file=PATH");
	}
	text = (const char *)line.p;
	if (!text_printable_ascii(text) || !strchr(text, ':') || line.n > 512)
		return ERR(err, ERR_CONFIG, "the credentials are not one line name:secret");
	*ret = arena_printf(a, "Basic %s", base64_text(a, line));
	return 0;
}

static const char *source_of(struct arena *a, const char *path)
{
	return strcmp(path, "-") == 0 ? path : arena_printf(a, "@%s", path);
}

static int find_url(struct arena *a, const struct endpoint_options *opt, char *const *env, struct input *in,
		    struct endpoint *ret, struct err *err)
{
	const char *authorization = NULL, *source = NULL;

	if (opt->socket || (opt->cookie_file && opt->key_file))
		return ERR(err, ERR_PARAM, "%s exclude each other",
			   opt->socket ? "--rpc and --socket" : "--cookie-file and --key-file");
	if (check_url(opt->url, err) != 0)
		return -1;
	if (opt->cookie_file || opt->key_file)
		source = source_of(a, opt->key_file ? opt->key_file : opt->cookie_file);
	else if (cookie_path(a, opt, env, &source, err) != 0)
		return -1;
	if (read_credentials(a, source, in, &authorization, err) != 0)
		return -1;
	*ret = (struct endpoint){ .url = opt->url, .authorization = authorization };
	return 0;
}

int endpoint_find(struct arena *a, const struct endpoint_options *opt, char *const *env, struct input *in,
		  struct endpoint *ret, struct err *err)
{
	if (opt->url)
		return find_url(a, opt, env, in, ret, err);
	if (opt->cookie_file || opt->key_file)
		return ERR(err, ERR_PARAM,
			   "--cookie-file and --key-file go with --rpc: the unix socket asks the kernel");
	return find_socket(a, opt, env, ret, err);
}

/* --- why not --- */

void endpoint_explain(const struct endpoint *e, const char *detail, struct err *err)
{
	struct stat st;
	int trouble = e->socket && stat(e->socket, &st) != 0 ? errno : 0;

	if (!e->socket) {
		ERR(err, ERR_PEER_DOWN, "nobody answers at %.200s: %.96s", e->url, detail);
		err_hint(err, "is walletd running, and is rpc_listen set?");
	} else if (trouble == EACCES) {
		ERR(err, ERR_FORBIDDEN, "permission denied: %.200s", e->socket);
		err_hint(err, "run it as a member of the group that owns the socket's directory, or as root");
	} else if (trouble == ENOENT || trouble == ENOTDIR) {
		ERR(err, ERR_PEER_DOWN, "walletd is not running: there is no socket %.200s", e->socket);
		err_hint(err, "start walletd, or say where it is: --socket, --datadir, --network, --conf");
	} else if (access(e->socket, W_OK) != 0) {
		ERR(err, ERR_FORBIDDEN, "permission denied: %.200s", e->socket);
		err_hint(err, "run it as a member of the group that owns the socket, or as root");
	} else {
		ERR(err, ERR_PEER_DOWN, "walletd is not running: nobody listens on %.200s (%.80s)", e->socket, detail);
		err_hint(err, "start walletd");
	}
}
