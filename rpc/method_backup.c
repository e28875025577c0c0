/* A backup is a copy of the database that was opened, checked and synced before it got its name. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "rpc/methods.h"
#include "rpc/state.h"
#include "store/wallet_store.h"

#define PATH_TEXT_MAX 4000

struct backup {
	const char *path;
	char sha256[65];
	int64_t bytes, at_ms;
};

static int hash_file(const char *path, struct backup *ret, struct err *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct hash32 hash;
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0)
		return ERR(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return ERR(err, ERR_RANGE, "%s is no backup", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR(err, ERR_IO, "%s: %s", path, strerror(errno));
	sha256((struct bytes){ p, (size_t)st.st_size }, &hash);
	munmap(p, (size_t)st.st_size);
	hex_encode(hash.b, sizeof(hash.b), ret->sha256);
	ret->bytes = st.st_size;
	return 0;
}

static int sync_folder(const char *path, struct err *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);

	if (fd < 0 || fsync(fd) != 0)
		return ERR(err, ERR_IO, "%s: %s", path, strerror(errno));
	return 0;
}

static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

/* Everything up to the name; the caller removes `part` when this fails. */
static int make_part(struct rpc_call *call, const char *part, struct backup *b, struct err *err)
{
	if (store_copy(call->server->opt.store, part, err) != 0)
		return -1;
	if (chmod(part, 0600) != 0)
		return ERR(err, ERR_IO, "%s: %s", part, strerror(errno));
	if (store_verify_file(part, err) != 0)
		return -1;
	return hash_file(part, b, err);
}

static int make_backup(struct rpc_call *call, struct backup *b, struct err *err)
{
	const char *part = arena_printf(call->arena, "%s.part", b->path);
	struct stat st;

	if (lstat(b->path, &st) == 0) {
		ERR(err, ERR_EXISTS, "%s exists; a backup replaces nothing", b->path);
		return err_field(err, "path");
	}
	if (unlink(part) != 0 && errno != ENOENT) {
		ERR(err, ERR_IO, "%s: %s", part, strerror(errno));
		return err_field(err, "path");
	}
	if (make_part(call, part, b, err) != 0) {
		unlink(part);
		return err_field(err, "path");
	}
	if (renameat2(AT_FDCWD, part, AT_FDCWD, b->path, RENAME_NOREPLACE) != 0) {
		ERR(err, ERR_IO, "%s: %s", b->path, strerror(errno));
		unlink(part);
		return err_field(err, "path");
	}
	return sync_folder(folder_of(call->arena, b->path), err);
}

/* The copy has to know that it is one: what is true of it when it is put back may not be true any more. */
static int mark_as_copy(struct unit *u, void *ctx, struct err *err)
{
	const struct backup *b = ctx;
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, b->at_ms);
	return meta_set(u, META_COPY, text, err);
}

static json_t *backup_json(struct arena *a, const struct backup *b)
{
	json_t *obj = json_object_in(a);

	json_set_str(obj, "path", b->path);
	json_set_int(obj, "bytes", b->bytes);
	json_set_str(obj, "sha256", b->sha256);
	return obj;
}

static int note_backup(struct unit *u, struct rpc_call *call, json_t **ret, struct err *err)
{
	const struct backup *b = call->data;

	*ret = backup_json(call->arena, b);
	json_set_int(*ret, "at_ms", b->at_ms);
	if (meta_set(u, META_COPY, "", err) != 0 ||
	    meta_set(u, "backup_at_ms", arena_printf(call->arena, "%" PRId64, b->at_ms), err) != 0 ||
	    meta_set(u, "backup_path", b->path, err) != 0)
		return -1;
	return meta_set(u, "backup_sha256", b->sha256, err);
}

/* <datadir>/backups/walletd-20260131T235959Z.db */
static int default_path(struct rpc_call *call, int64_t now_ms, const char **ret, struct err *err)
{
	const char *dir = arena_printf(call->arena, "%s/backups", call->server->opt.datadir);
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;
	char name[64];

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return ERR(err, ERR_IO, "%s: %s", dir, strerror(errno));
	if (!gmtime_r(&now, &tm) || strftime(name, sizeof(name), "walletd-%Y%m%dT%H%M%SZ.db", &tm) == 0)
		return ERR(err, ERR_INTERNAL, "the clock shows a time that cannot be written");
	*ret = arena_printf(call->arena, "%s/%s", dir, name);
	return 0;
}

static int check_path(const char *path, struct err *err)
{
	if (path[0] == '/' && path[strlen(path) - 1] != '/')
		return 0;
	ERR(err, ERR_PARAM, "path must be the full path of a file");
	return err_field(err, "path");
}

static struct rpc_outcome backup_create(struct rpc_call *call)
{
	struct backup *b = ARENA_NEW(call->arena, struct backup);
	struct err err;

	b->at_ms = clock_now_ms();
	b->path = rpc_param_str(call, "path");
	if (!b->path && default_path(call, b->at_ms, &b->path, &err) != 0)
		return rpc_fail(&err);
	/* Where the copy fails the mark stays: then the mints are asked for nothing, once. */
	if (check_path(b->path, &err) != 0 || store_unit_now(call->server->opt.store, mark_as_copy, b, &err) != 0 ||
	    make_backup(call, b, &err) != 0)
		return rpc_fail(&err);
	call->data = b;
	return rpc_mutate(call, note_backup, NULL);
}

static const struct param backup_create_params[] = {
	{ .name = "path",
	  .type = PARAM_STRING,
	  .min = 1,
	  .max = PATH_TEXT_MAX,
	  .fallback = "<datadir>/backups/walletd-<time>.db",
	  .help = "Full path of the file to make, on the daemon's machine; it must not exist." },
	RPC_KEY_PARAM,
	{ 0 },
};
static const struct rpc_field backup_create_result[] = {
	{ "path", "string", "Where it is." },
	{ "bytes", "integer", "Its size." },
	{ "sha256", "string", "Its hash." },
	{ "at_ms", "integer", "The moment it shows, Unix time in ms." },
	{ 0 },
};
const struct rpc_method method_backup_create = {
	.name = "backup.create",
	.scope = RPC_ADMIN,
	.flags = RPC_MUTATES,
	.params = backup_create_params,
	.result = backup_create_result,
	.help = "Copies the database into one file while the daemon runs, and checks the copy. A backup holds bearer"
		" money and the seed as it is kept: store it where the wallet's own file might be stored.",
	.example = "{\"path\":\"/var/backups/walletd.db\"}",
	.run = backup_create,
};

static struct rpc_outcome backup_verify(struct rpc_call *call)
{
	struct backup b = { .path = rpc_param_str(call, "path") };
	const char *expected = rpc_param_str(call, "sha256");
	json_t *result;
	struct err err;

	if (check_path(b.path, &err) != 0)
		return rpc_fail(&err);
	if (hash_file(b.path, &b, &err) != 0 || store_verify_file(b.path, &err) != 0) {
		err_field(&err, "path");
		return rpc_fail(&err);
	}
	if (expected && strcasecmp(expected, b.sha256) != 0) {
		ERR(&err, ERR_RANGE, "the file is sound, but is another one: its hash is %s", b.sha256);
		err_field(&err, "sha256");
		return rpc_fail(&err);
	}
	result = backup_json(call->arena, &b);
	json_set_bool(result, "valid", true);
	return rpc_ok(result);
}

static const struct param backup_verify_params[] = {
	{ .name = "path",
	  .type = PARAM_STRING,
	  .flags = PARAM_REQUIRED,
	  .min = 1,
	  .max = PATH_TEXT_MAX,
	  .help = "Full path of the backup, on the daemon's machine." },
	{ .name = "sha256", .type = PARAM_STRING, .min = 64, .max = 64, .help = "What its hash should be." },
	{ 0 },
};
static const struct rpc_field backup_verify_result[] = {
	{ "path", "string", "Where it is." },
	{ "bytes", "integer", "Its size." },
	{ "sha256", "string", "Its hash." },
	{ "valid", "boolean", "true: it opens, is whole, and its ledger agrees with its coins." },
	{ 0 },
};
const struct rpc_method method_backup_verify = {
	.name = "backup.verify",
	.scope = RPC_ADMIN,
	.params = backup_verify_params,
	.result = backup_verify_result,
	.help = "Opens a backup and checks everything in it.",
	.example = "{\"path\":\"/var/backups/walletd.db\"}",
	.run = backup_verify,
};
