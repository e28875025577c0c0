#include "tests/support/scratch.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/mint_store.h"

static void open_store(struct scratch *s)
{
	struct store_options opt = { .path = s->path };
	struct err err;

	if (store_open(&opt, &s->store, &err) != 0)
		ck_abort_msg("store_open: %s", err.msg);
}

void scratch_open(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->dir, sizeof(s->dir), "%s/walletd-test-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/wallet.db", s->dir);
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
	char path[200];

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
