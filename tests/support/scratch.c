#include "tests/support/scratch.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "store/migrate.h"
#include "store/mint_store.h"

static void open_store(struct scratch *s)
{
	struct store_options opt = { .path = s->path, .lazily = true };
	struct err err;

	if (store_open(&opt, &s->store, &err) != 0)
		ck_abort_msg("store_open: %s", err.msg);
}

/* BUILD_DIR/tests/empty-HASH.db: a store that nobody has written to, of exactly these migrations. */
static bool template_path(char path[300])
{
	const char *build = getenv("BUILD_DIR");
	struct hash32 hash = { 0 };
	char name[17];

	if (!build)
		return false;
	for (size_t i = 0; i < n_migrations; i++) {
		const char *sum = migrations[i].sha256;

		sha256_two((struct bytes){ hash.b, sizeof(hash.b) },
			   (struct bytes){ (const uint8_t *)sum, strlen(sum) }, &hash);
	}
	hex_encode(hash.b, 8, name);
	ck_assert_int_lt(snprintf(path, 300, "%s/tests/empty-%s.db", build, name), 300);
	return true;
}

/* Whoever comes first makes it; of several at the same time the last one's stays, and they are alike. */
static void make_template(const char *path)
{
	struct scratch s = { .dir = "" };

	ck_assert_int_lt(snprintf(s.path, sizeof(s.path), "%s-%ld", path, (long)getpid()), (int)sizeof(s.path));
	open_store(&s);
	store_close(s.store);
	ck_assert_int_eq(rename(s.path, path), 0);
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	ck_assert(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	for (off_t done = 0; done < st.st_size;)
		ck_assert_int_gt(sendfile(out, in, &done, (size_t)(st.st_size - done)), 0);
	ck_assert_int_eq(close(in) | close(out), 0);
}

static void make_dir(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->dir, sizeof(s->dir), "%s/walletd-test-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/wallet.db", s->dir);
}

void scratch_place(struct scratch *s)
{
	char template[300];

	*s = (struct scratch){ .store = NULL };
	make_dir(s);
	if (template_path(template)) {
		if (access(template, R_OK) != 0)
			make_template(template);
		copy_file(template, s->path);
	}
}

void scratch_open(struct scratch *s)
{
	scratch_place(s);
	open_store(s);
}

void scratch_open_made(struct scratch *s)
{
	make_dir(s);
	open_store(s);
}

void scratch_reopen(struct scratch *s)
{
	store_close(s->store);
	open_store(s);
}

void scratch_close(struct scratch *s)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[440];

	store_close(s->store);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, ends[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(s->dir), 0);
}

void scratch_unit(struct scratch *s, int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx)
{
	struct err err;

	if (store_unit_now(s->store, fn, ctx, &err) != 0)
		ck_abort_msg("unit: %s", err.msg);
}

void scratch_sql(struct scratch *s, const char *sql)
{
	char *msg = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(s->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &msg) != SQLITE_OK)
		ck_abort_msg("%s: %s", sql, msg);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

bool scratch_sql_refused(struct scratch *s, const char *sql)
{
	sqlite3 *db;
	int rc;

	ck_assert_int_eq(sqlite3_open(s->path, &db), SQLITE_OK);
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK && rc != SQLITE_CONSTRAINT)
		ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return rc == SQLITE_CONSTRAINT;
}

int64_t scratch_mint(struct unit *u, const char *url)
{
	struct mint_row row = { .url = url, .trusted = true };
	struct err err;
	int64_t id;

	if (mint_store_add(u, &row, &id, &err) != 0)
		ck_abort_msg("mint_store_add: %s", err.msg);
	return id;
}
