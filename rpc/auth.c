#include "rpc/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"

#define KEY_ROWS_MAX (4u << 20)
#define HEADER_MAX   512
/* Wrong credentials that are told so at once; then one a second.  Right ones are never held up. */
#define FAILURE_BURST 10
#define USED_EVERY_MS (3600 * INT64_C(1000))

struct auth {
	struct store *store;
	struct rpc_peer_scope *peers;
	size_t n_peers;
	char *cookie_path; /* NULL: no cookie */
	struct secret cookie;
	struct arena arena; /* of rows */
	struct credential_row *rows;
	size_t n_rows;
	bool loaded;
	uint64_t loaded_at; /* change counter */
	int64_t failures, failures_since_ms;
	struct metric *failed;
	struct log log;
};

static const char *const scope_names[] = {
	[RPC_READ] = "read", [RPC_RECEIVE] = "receive", [RPC_SPEND] = "spend", [RPC_ADMIN] = "admin"
};
_Static_assert(RPC_READ == 1 && RPC_RECEIVE == 2 && RPC_SPEND == 3 && RPC_ADMIN == 4, "stored with each key");

const char *rpc_scope_name(enum rpc_scope scope)
{
	return scope_names[scope];
}

bool rpc_scope_parse(const char *text, enum rpc_scope *ret)
{
	for (enum rpc_scope s = RPC_READ; s <= RPC_ADMIN; s++)
		if (strcmp(scope_names[s], text) == 0) {
			*ret = s;
			return true;
		}
	return false;
}

struct auth *auth_new(struct store *store)
{
	struct auth *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->store = store;
	a->log = log_module("rpc");
	a->arena = ARENA_LIMIT(KEY_ROWS_MAX);
	a->failed = metric_counter("walletd_rpc_auth_failures_total", NULL,
				   "Requests with missing or wrong credentials.");
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	if (a->cookie_path)
		unlink(a->cookie_path);
	secret_wipe(&a->cookie, sizeof(a->cookie));
	free(a->cookie_path);
	free(a->peers);
	arena_done(&a->arena);
	free(a);
}

void auth_set_peers(struct auth *a, const struct rpc_peer_scope *peers, size_t n)
{
	free(a->peers);
	a->peers = NULL;
	a->n_peers = n;
	if (n == 0)
		return;
	a->peers = calloc(n, sizeof(*peers));
	if (!a->peers)
		abort();
	memcpy(a->peers, peers, n * sizeof(*peers));
}

/* --- the cookie --- */

static int write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, text, n);

		if (w < 0 && errno != EINTR)
			return -1;
		if (w > 0) {
			text += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

static int sync_folder_of(const char *path)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	const char *slash = strrchr(path, '/');
	SCOPED(fd) int fd = -1;

	fd = open(!slash          ? "."
		  : slash == path ? "/"
				  : arena_strndup(&a, path, (size_t)(slash - path)),
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

int auth_write_cookie(struct auth *a, const char *path, gid_t group, struct err *err)
{
	SCOPED(arena) struct arena tmp = ARENA_LIMIT(64 * 1024);
	const char *next = arena_printf(&tmp, "%s.new", path);
	char line[sizeof(AUTH_COOKIE_USER) + 1 + AUTH_SECRET_TEXT + 1];
	char hex[AUTH_SECRET_TEXT + 1];
	SCOPED(fd) int fd = -1;
	int n, bad;

	rng_bytes(a->cookie.b, sizeof(a->cookie.b));
	hex_encode(a->cookie.b, sizeof(a->cookie.b), hex);
	n = snprintf(line, sizeof(line), AUTH_COOKIE_USER ":%s\n", hex);
	if (unlink(next) != 0 && errno != ENOENT)
		return ERR(err, ERR_IO, "cookie %s: %s", next, strerror(errno));
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bad = fd < 0 || write_all(fd, line, (size_t)n) != 0 ||
	      (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) != 0) || fchmod(fd, 0640) != 0 || fsync(fd) != 0 ||
	      rename(next, path) != 0 || sync_folder_of(path) != 0;
	secret_wipe(line, sizeof(line));
	secret_wipe(hex, sizeof(hex));
	if (bad) {
		ERR(err, ERR_IO, "cookie %s: %s", path, strerror(errno));
		unlink(next);
		return -1;
	}
	free(a->cookie_path);
	a->cookie_path = strdup(path);
	if (!a->cookie_path)
		abort();
	return 0;
}

/* --- the unix socket --- */

static bool in_groups_of_peer(int fd, gid_t group)
{
	gid_t groups[1024];
	socklen_t n = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) != 0)
		return false;
	for (size_t i = 0; i < n / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

int auth_peer(const struct auth *a, int fd, gid_t group, struct rpc_caller *ret, struct err *err)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	struct rpc_caller caller = { .scope = RPC_ADMIN, .budget_hour_sat = -1, .budget_day_sat = -1 };
	bool configured = false;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return ERR(err, ERR_FORBIDDEN, "the kernel does not tell who calls");
	snprintf(caller.credential, sizeof(caller.credential), "unix:%ju", (uintmax_t)peer.uid);
	for (size_t i = 0; i < a->n_peers && !configured; i++)
		if (a->peers[i].uid == peer.uid) {
			caller.scope = a->peers[i].scope;
			configured = true;
		}
	if (!configured && peer.uid != 0 && peer.uid != geteuid() && peer.gid != group && !in_groups_of_peer(fd, group))
		return ERR(err, ERR_FORBIDDEN, "user %ju may not use this socket", (uintmax_t)peer.uid);
	*ret = caller;
	return 0;
}

/* --- TCP --- */

void auth_make_secret(char text[AUTH_SECRET_TEXT + 1], uint8_t salt[16], struct hash32 *hash)
{
	SCOPED(secret) struct secret key;

	rng_bytes(key.b, sizeof(key.b));
	rng_bytes(salt, 16);
	hex_encode(key.b, sizeof(key.b), text);
	sha256_two((struct bytes){ salt, 16 }, (struct bytes){ key.b, sizeof(key.b) }, hash);
}

bool auth_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return n > 0 && n <= 32 && name[n] == '\0' && strcmp(name, AUTH_COOKIE_USER) != 0;
}

/* Rows change rarely and requests come often: they are read again only when something was committed since. */
static int load_rows(struct auth *a, struct err *err)
{
	uint64_t now = store_change_counter(a->store);

	if (a->loaded && a->loaded_at == now)
		return 0;
	a->loaded = false;
	arena_reset(&a->arena);
	if (credential_list(store_view(a->store), &a->arena, &a->rows, &a->n_rows, err) != 0)
		return -1;
	a->loaded = true;
	a->loaded_at = now;
	return 0;
}

struct use {
	int64_t id, now_ms;
};

static int note_use(struct unit *u, void *ctx, struct err *err)
{
	const struct use *use = ctx;

	return credential_used(u, use->id, use->now_ms, err);
}

/* Fresh to the hour: enough to see which keys nobody needs, at the price of a commit an hour. */
static void key_used(struct auth *a, const struct credential_row *row)
{
	struct use use = { row->id, clock_now_ms() };
	struct err err;

	if (use.now_ms - row->last_used_ms > USED_EVERY_MS && store_unit(a->store, note_use, &use, NULL, &err) != 0)
		log_debug(&a->log, "rpc.key_use_not_noted", F_ERR(&err));
}

/* 1 right, 0 wrong, -1 the store failed. */
static int check_pair(struct auth *a, const char *name, const char *hex, struct rpc_caller *ret, struct err *err)
{
	SCOPED(secret) struct secret key;
	struct rpc_caller caller = { .scope = RPC_ADMIN, .budget_hour_sat = -1, .budget_day_sat = -1 };

	if (!hex_decode(hex, key.b, sizeof(key.b)))
		return 0;
	if (strcmp(name, AUTH_COOKIE_USER) == 0) {
		if (!a->cookie_path || !ct_equal(key.b, a->cookie.b, sizeof(key.b)))
			return 0;
		snprintf(caller.credential, sizeof(caller.credential), "cookie");
		*ret = caller;
		return 1;
	}
	if (load_rows(a, err) != 0)
		return -1;
	for (size_t i = 0; i < a->n_rows; i++) {
		const struct credential_row *row = &a->rows[i];
		struct hash32 hash;

		if (strcmp(row->name, name) != 0 || row->revoked_at_ms != 0)
			continue;
		sha256_two((struct bytes){ row->salt, sizeof(row->salt) }, (struct bytes){ key.b, sizeof(key.b) },
			   &hash);
		if (!ct_equal(hash.b, row->hash.b, sizeof(hash.b)))
			return 0;
		caller.scope = (enum rpc_scope)row->scope;
		caller.key_id = row->id;
		caller.budget_hour_sat = row->budget_hour_sat;
		caller.budget_day_sat = row->budget_day_sat;
		snprintf(caller.credential, sizeof(caller.credential), "key:%s", row->name);
		*ret = caller;
		key_used(a, row);
		return 1;
	}
	return 0;
}

/* "name:secret" out of the header into `room`, which the caller wipes. */
static bool pair_of(const char *header, size_t n, char room[HEADER_MAX])
{
	SCOPED(arena) struct arena tmp = ARENA_LIMIT(16 * 1024);
	struct bytes pair;
	bool fits;

	if (n > 7 && strncasecmp(header, "Bearer ", 7) == 0) {
		memcpy(room, header + 7, n - 7);
		return true;
	}
	if (n <= 6 || strncasecmp(header, "Basic ", 6) != 0 ||
	    !base64_decode(&tmp, (struct bytes){ (const uint8_t *)header + 6, n - 6 }, HEADER_MAX - 1, &pair))
		return false;
	fits = !memchr(pair.p, '\0', pair.n);
	if (fits)
		memcpy(room, pair.p, pair.n);
	secret_wipe((void *)(uintptr_t)pair.p, pair.n);
	return fits;
}

static int refuse(struct auth *a, const char *why, struct err *err)
{
	int64_t now = clock_mono_us() / 1000, passed = (now - a->failures_since_ms) / 1000;

	metric_inc(a->failed);
	if (passed > 0) {
		a->failures = a->failures > passed ? a->failures - passed : 0;
		a->failures_since_ms = now;
	}
	if (a->failures >= FAILURE_BURST) {
		ERR(err, ERR_BUSY, "too many wrong credentials");
		err->retry_after_s = 1;
		return -1;
	}
	a->failures++;
	return ERR(err, ERR_FORBIDDEN, "%s", why);
}

int auth_header(struct auth *a, const char *header, size_t n, struct rpc_caller *ret, struct err *err)
{
	char room[HEADER_MAX] = "";
	char *colon;
	int rc = 0;

	if (!header)
		return refuse(a, "credentials are required on this port", err);
	colon = n < HEADER_MAX && pair_of(header, n, room) ? strchr(room, ':') : NULL;
	if (colon) {
		*colon = '\0';
		rc = check_pair(a, room, colon + 1, ret, err);
	}
	secret_wipe(room, sizeof(room));
	if (rc < 0)
		return -1;
	return rc == 1 ? 0 : refuse(a, "wrong credentials", err);
}

/* --- budgets --- */

static int check_budget(struct unit *u, const struct rpc_caller *c, const char *per, int64_t budget, int64_t since_ms,
			uint64_t sat, struct err *err)
{
	uint64_t spent;

	if (budget < 0)
		return 0;
	if (credential_spent_since(unit_view(u), c->key_id, since_ms, &spent, err) != 0)
		return -1;
	if (spent <= (uint64_t)budget && sat <= (uint64_t)budget - spent)
		return 0;
	return ERR(err, ERR_BUDGET,
		   "%" PRIu64 " sat pass this key's budget of %" PRId64 " sat per %s, of which %" PRIu64 " are spent",
		   sat, budget, per, spent);
}

int auth_spend(struct unit *u, const struct rpc_caller *caller, const struct action_id *action, uint64_t sat,
	       int64_t now_ms, struct err *err)
{
	if (caller->key_id == 0 || sat == 0)
		return 0;
	if (check_budget(u, caller, "hour", caller->budget_hour_sat, now_ms - 3600 * INT64_C(1000), sat, err) != 0 ||
	    check_budget(u, caller, "day", caller->budget_day_sat, now_ms - 86400 * INT64_C(1000), sat, err) != 0)
		return -1;
	return credential_spend_add(u, caller->key_id, action, sat, now_ms, err);
}

int auth_spend_once(struct unit *u, const struct rpc_caller *caller, const struct action_id *action, uint64_t sat,
		    int64_t now_ms, struct err *err)
{
	int spent = caller->key_id == 0 ? 1 : credential_spent_on(unit_view(u), caller->key_id, action, err);

	if (spent != 0)
		return spent < 0 ? -1 : 0;
	return auth_spend(u, caller, action, sat, now_ms, err);
}
