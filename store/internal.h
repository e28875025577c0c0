/* store/internal.h - what store.c, stmt.c and migrate.c share.  Nobody else includes this. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/stmt.h"

struct waiting;
struct waiting_list {
	struct waiting *v;
	size_t n, size;
};

struct unit {
	struct store *store;       /* NULL when none is open */
	struct waiting_list after; /* unit_after() */
};

struct stmt {
	sqlite3_stmt *raw; /* NULL: the reader's, not used yet, or not to be had (store.unprepared) */
	struct store *store;
	sqlite3 *db;
	const char *sql;
	bool busy;
};

struct conn {
	sqlite3 *db;
	struct stmt *stmts[FAMILY_COUNT];
};

enum control_stmt {
	CONTROL_BEGIN,
	CONTROL_COMMIT,
	CONTROL_ROLLBACK,
	CONTROL_SAVEPOINT,
	CONTROL_RELEASE,
	CONTROL_ROLLBACK_TO,
	CONTROL_COUNT
};

struct settled;

struct store {
	char *path;
	bool shared, opened;
	void (*flush_wanted)(void *ctx);
	void (*fatal)(void *ctx, const struct err *err);
	void *ctx;

	struct conn writer, reader;
	sqlite3_stmt *control[CONTROL_COUNT];
	struct err unprepared; /* why, of the last one */
	enum store_health health;
	int schema_version;
	struct store_stats stats;

	bool in_group, flush_asked;
	unsigned group_units;
	int64_t group_began_us;
	int log_pages; /* in the write-ahead log since it was folded into the file */
	struct unit open_unit;
	struct waiting_list waiting;             /* units of the open group */
	struct settled *settled, **settled_tail; /* groups whose hooks are still to run */

	struct metric *m_commits, *m_commit_time, *m_group;
};

int store_sqlite_error(struct store *s, sqlite3 *db, const char *what, struct err *err);
MUST_CHECK int store_exec(struct store *s, sqlite3 *db, const char *what, const char *sql, struct err *err);
MUST_CHECK int store_migrate(struct store *s, bool fresh, struct err *err);
/* The writer's statements, which shows that they and the file fit; the reader's, which are the same, when they are used. */
MUST_CHECK int store_prepare(struct store *s, bool lazily, struct err *err);
void store_finalize_all(struct store *s);

#endif
