#include "store/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "store/internal.h"

static int user_version(struct store *s, struct err *err)
{
	sqlite3_stmt *q = NULL;
	int v = -1;

	if (sqlite3_prepare_v2(s->writer.db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int(q, 0);
	if (v < 0)
		store_sqlite_error(s, s->writer.db, "user_version", err);
	sqlite3_finalize(q);
	return v;
}

static int apply_one(struct store *s, const struct migration *m, struct err *err)
{
	char version[96];

	snprintf(version, sizeof(version), "PRAGMA user_version=%d; PRAGMA application_id=%d", m->number,
		 STORE_APPLICATION_ID);
	if (store_exec(s, s->writer.db, m->name, m->sql, err) != 0)
		return -1;
	return store_exec(s, s->writer.db, m->name, version, err);
}

/* Those that are missing by now: another daemon may have been faster. */
static int apply_missing(struct store *s, struct err *err)
{
	int have = user_version(s, err);

	if (have < 0)
		return -1;
	for (size_t i = 0; i < n_migrations; i++)
		if (migrations[i].number > have && apply_one(s, &migrations[i], err) != 0)
			return -1;
	return 0;
}

/* All in one transaction, so that nobody sees a new file half made, or an old one half way. */
static int apply(struct store *s, struct err *err)
{
	if (store_exec(s, s->writer.db, "migration", "BEGIN IMMEDIATE", err) != 0)
		return -1;
	if (apply_missing(s, err) != 0 || store_exec(s, s->writer.db, "commit", "COMMIT", err) != 0) {
		/* Fails only where SQLite has rolled back by itself. */
		sqlite3_exec(s->writer.db, "ROLLBACK", NULL, NULL, NULL);
		return err_context(err, "migration");
	}
	return 0;
}

/* The way back from an upgrade: the old file, whole, under a name that says what it is. */
static int snapshot(struct store *s, int version, struct err *err)
{
	char to[4096], part[4096];

	if (snprintf(part, sizeof(part), "%s.before-v%d.part", s->path, version) >= (int)sizeof(part))
		return ERR(err, ERR_CONFIG, "the path %s is too long", s->path);
	snprintf(to, sizeof(to), "%s.before-v%d", s->path, version);
	if (access(to, F_OK) == 0)
		return 0; /* an earlier try at this upgrade made it, from the same old state */
	unlink(part);     /* and one before that may have stopped half-way */
	if (store_copy(s, part, err) != 0)
		return -1;
	if (rename(part, to) != 0)
		return ERR(err, ERR_STORAGE, "cannot write %s", to);
	return 0;
}

int store_migrate(struct store *s, bool fresh, struct err *err)
{
	int have = user_version(s, err), newest = migrations[n_migrations - 1].number;

	if (have < 0)
		return -1;
	if (have > newest) {
		ERR(err, ERR_CONFIG, "%s has schema %d, and this walletd knows %d at most", s->path, have, newest);
		return err_hint(err, "run the newer walletd, or put back %s.before-v%d", s->path, newest + 1);
	}
	if (!fresh && have < newest && snapshot(s, have + 1, err) != 0)
		return -1;
	if (have < newest && apply(s, err) != 0)
		return -1;
	s->schema_version = newest;
	return 0;
}
