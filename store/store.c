/* store/store.c - connections, group commit, health.  Statements are in stmt.c, migrations in migrate.c. */
#include "store/store.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metrics.h"
#include "store/internal.h"
#include "store/movement_store.h"
#include "store/outbox_audit.h"

/* Below this size a start reads every page: a damaged file is then found before anything is done with it.  Above, the
 * check would hold up the start, and `backup.verify` does it. */
#define QUICK_CHECK_BYTES (16 * 1024 * 1024)
#define FOLD_PAGES        4000 /* 16 MB of log: pages that many steps share are written once */

/* A unit that waits for its group, or whose group is settled. */
struct waiting {
	void (*on_durable)(void *ctx, const struct err *err);
	void *ctx;
};

/* Groups that ended, whose hooks have not run yet. */
struct settled {
	struct waiting_list units;
	bool failed;
	struct err err;
	struct settled *next;
};

static void waiting_push(struct waiting_list *l, struct waiting w)
{
	if (l->n == l->size) {
		l->size = l->size ? 2 * l->size : 64;
		l->v = realloc(l->v, l->size * sizeof(*l->v));
		if (!l->v)
			abort();
	}
	l->v[l->n++] = w;
}

struct view store_view(struct store *s)
{
	return (struct view){ .store = s };
}
struct view unit_view(struct unit *u)
{
	return (struct view){ .store = u->store, .unit = u };
}

const char *store_health_name(enum store_health h)
{
	switch (h) {
	case STORE_OK:
		return "ok";
	case STORE_FULL:
		return "full";
	case STORE_READ_ONLY:
		return "read_only";
	case STORE_DAMAGED:
		return "damaged";
	}
	return "unknown";
}

enum store_health store_health(const struct store *s)
{
	return s->health;
}
const char *store_path(const struct store *s)
{
	return s->path;
}

/* What SQLite's refusal means to us.  An I/O error ends the process through the fatal hook. */
int store_sqlite_error(struct store *s, sqlite3 *db, const char *what, struct err *err)
{
	int extended = sqlite3_extended_errcode(db);
	/* The index of the log is a mapped file: not being able to grow it is a full disk, too. */
	int code = extended == SQLITE_IOERR_SHMSIZE ? SQLITE_FULL : extended & 0xff;

	switch (code) {
	case SQLITE_FULL:
		s->health = STORE_FULL;
		return ERR(err, ERR_STORAGE_FULL, "%s: the disk is full", what);
	case SQLITE_READONLY:
		s->health = STORE_READ_ONLY;
		return ERR(err, ERR_STORAGE, "%s: the file system is read-only", what);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR(err, ERR_BUSY, "%s: another program holds the database", what);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return ERR(err, ERR_STORAGE, "%s: %s", what, sqlite3_errmsg(db));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		s->health = STORE_DAMAGED;
		return ERR(err, ERR_STORAGE_CORRUPT, "%s: %s", what, sqlite3_errmsg(db));
	case SQLITE_NOMEM:
		abort();
	case SQLITE_IOERR:
		ERR(err, ERR_STORAGE, "%s: disk I/O error %d: %s", what, extended, sqlite3_errmsg(db));
		if (s->opened)
			s->fatal(s->ctx, err);
		return -1;
	default:
		return ERR(err, ERR_INTERNAL, "%s: %s", what, sqlite3_errmsg(db));
	}
}

static void fatal_abort(void *ctx, const struct err *err)
{
	(void)ctx;
	fprintf(stderr, "store: %s\n", err->msg);
	abort();
}

int store_exec(struct store *s, sqlite3 *db, const char *what, const char *sql, struct err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_sqlite_error(s, db, what, err);
	return 0;
}

/* --- groups --- */

static int control(struct store *s, enum control_stmt which, struct err *err)
{
	sqlite3_stmt *q = s->control[which];
	int rc = sqlite3_step(q);

	sqlite3_reset(q);
	if (rc != SQLITE_DONE)
		return store_sqlite_error(s, s->writer.db, sqlite3_sql(q), err);
	return 0;
}

static void settle(struct store *s, const struct err *failure)
{
	struct settled *done = calloc(1, sizeof(*done));

	if (!done)
		abort();
	done->units = s->waiting;
	s->waiting = (struct waiting_list){ 0 };
	if (failure) {
		done->failed = true;
		done->err = *failure;
		s->stats.failed_commits++;
	}
	*s->settled_tail = done;
	s->settled_tail = &done->next;
	s->in_group = false;
}

/* SQLite rolls a whole transaction back by itself on some errors; then the group is gone. */
static bool group_lost(struct store *s)
{
	return s->in_group && sqlite3_get_autocommit(s->writer.db);
}

static void group_rollback(struct store *s, const struct err *why)
{
	struct err ignored;

	if (!sqlite3_get_autocommit(s->writer.db))
		(void)control(s, CONTROL_ROLLBACK, &ignored); /* fails only when there is nothing to roll back */
	settle(s, why);
}

static void group_commit(struct store *s)
{
	struct err err;
	int64_t began;

	if (!s->in_group)
		return;
	if (FAILPOINT("store.commit.before")) {
		ERR(&err, ERR_STORAGE, "failpoint store.commit.before");
		group_rollback(s, &err);
		return;
	}
	began = clock_mono_us();
	if (control(s, CONTROL_COMMIT, &err) != 0) {
		group_rollback(s, &err);
		return;
	}
	s->stats.last_commit_us = clock_mono_us() - began;
	s->stats.last_commit_ms = (uint64_t)clock_now_ms();
	s->stats.commits++;
	metric_inc(s->m_commits);
	metric_observe(s->m_commit_time, (uint64_t)s->stats.last_commit_us);
	metric_observe(s->m_group, s->group_units);
	(void)FAILPOINT("store.commit.after");
	settle(s, NULL);
}

static int group_begin(struct store *s, struct err *err)
{
	if (control(s, CONTROL_BEGIN, err) != 0)
		return -1;
	s->in_group = true;
	s->group_units = 0;
	s->group_began_us = clock_mono_us();
	if (!s->flush_asked && s->flush_wanted) {
		s->flush_asked = true;
		s->flush_wanted(s->ctx);
	}
	return 0;
}

static int refuse(const struct store *s, struct err *err)
{
	enum err_code code = s->health == STORE_FULL      ? ERR_STORAGE_FULL
			     : s->health == STORE_DAMAGED ? ERR_STORAGE_CORRUPT
							  : ERR_STORAGE;

	return ERR(err, code, "the store takes no writes: %s", store_health_name(s->health));
}

static int unit_begin(struct store *s, struct err *err)
{
	assert(!s->open_unit.store);
	if (s->health != STORE_OK)
		return refuse(s, err);
	if (s->in_group &&
	    (s->group_units >= STORE_GROUP_UNITS || clock_mono_us() - s->group_began_us >= STORE_GROUP_US))
		group_commit(s);
	if (!s->in_group && group_begin(s, err) != 0)
		return -1;
	return control(s, CONTROL_SAVEPOINT, err);
}

/* The unit's writes go, the group's others stay, unless SQLite has thrown the transaction away. */
static void unit_rollback(struct store *s, const struct err *why)
{
	struct err lost;

	if (!group_lost(s) && control(s, CONTROL_ROLLBACK_TO, &lost) == 0 && control(s, CONTROL_RELEASE, &lost) == 0)
		return;
	group_rollback(s, why);
}

void unit_after(struct unit *u, void (*fn)(void *, const struct err *), void *ctx)
{
	waiting_push(&u->after, (struct waiting){ fn, ctx });
}

/* What was to be done after the unit waits for the group with it. */
static void after_waits(struct store *s)
{
	struct waiting_list *after = &s->open_unit.after;

	for (size_t i = 0; i < after->n; i++)
		waiting_push(&s->waiting, after->v[i]);
	after->n = 0;
}

static void after_failed(struct store *s, const struct err *err)
{
	struct waiting_list *after = &s->open_unit.after;

	for (size_t i = 0; i < after->n; i++)
		after->v[i].on_durable(after->v[i].ctx, err);
	after->n = 0;
}

static int unit_run(struct store *s, int (*fn)(struct unit *, void *, struct err *), void *ctx, struct err *err)
{
	int rc;

	s->open_unit.store = s;
	rc = fn(&s->open_unit, ctx, err);
	s->open_unit.store = NULL;
	return rc;
}

int store_unit(struct store *s, int (*fn)(struct unit *, void *, struct err *), void *ctx,
	       void (*on_durable)(void *, const struct err *), struct err *err)
{
	if (unit_begin(s, err) != 0)
		return -1;
	if (unit_run(s, fn, ctx, err) != 0) {
		unit_rollback(s, err);
		after_failed(s, err);
		return -1;
	}
	if (control(s, CONTROL_RELEASE, err) != 0) {
		group_rollback(s, err);
		after_failed(s, err);
		return -1;
	}
	s->group_units++;
	s->stats.units++;
	after_waits(s);
	if (on_durable)
		waiting_push(&s->waiting, (struct waiting){ on_durable, ctx });
	return 0;
}

int store_rehearse(struct store *s, int (*fn)(struct unit *, void *, struct err *), void *ctx, struct err *err)
{
	struct err none;
	int rc;

	if (unit_begin(s, err) != 0)
		return -1;
	rc = unit_run(s, fn, ctx, err);
	ERR(&none, ERR_STORAGE, "the group of a rehearsal was lost");
	unit_rollback(s, rc == 0 ? &none : err);
	after_failed(s, rc == 0 ? &none : err);
	return rc;
}

/* The log goes into the file.  A reader in the way or no room there: the log grows on.  But pages that could not be
 * synced may be lost to the kernel while the log is believed to be folded. */
static void fold(struct store *s)
{
	struct err err;
	int rc = sqlite3_wal_checkpoint_v2(s->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if ((rc & 0xff) == SQLITE_IOERR)
		store_sqlite_error(s, s->writer.db, "folding the log", &err);
}

static int log_grew(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct store *s = ctx;

	(void)db;
	(void)name;
	s->log_pages = pages;
	return SQLITE_OK;
}

void store_flush(struct store *s)
{
	struct settled *list;

	s->flush_asked = false;
	group_commit(s);
	list = s->settled;
	s->settled = NULL;
	s->settled_tail = &s->settled;
	while (list) {
		struct settled *g = list;

		list = g->next;
		for (size_t i = 0; i < g->units.n; i++)
			g->units.v[i].on_durable(g->units.v[i].ctx, g->failed ? &g->err : NULL);
		free(g->units.v);
		free(g);
	}
	if (s->log_pages >= FOLD_PAGES && !s->in_group) {
		s->log_pages = 0;
		fold(s);
	}
}

struct now {
	int (*fn)(struct unit *, void *, struct err *);
	void *ctx;
	struct err *err;
	int rc;
};

static int now_run(struct unit *u, void *ctx, struct err *err)
{
	struct now *n = ctx;

	return n->fn(u, n->ctx, err);
}

static void now_durable(void *ctx, const struct err *err)
{
	struct now *n = ctx;

	if (err) {
		*n->err = *err;
		n->rc = -1;
	} else {
		n->rc = 0;
	}
}

int store_unit_now(struct store *s, int (*fn)(struct unit *, void *, struct err *), void *ctx, struct err *err)
{
	struct now n = { fn, ctx, err, -1 };

	if (store_unit(s, now_run, &n, now_durable, err) != 0)
		return -1;
	store_flush(s);
	return n.rc;
}

/* --- open and close --- */

static int64_t pragma_i64(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

/* Waiting holds the loop.  Another daemon writes for milliseconds; alone, nobody should. */
static int busy_limit_ms(const struct store *s)
{
	return s->shared ? 5000 : 250;
}

static int connect(struct store *s, struct conn *c, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

	if (sqlite3_open_v2(s->path, &c->db, flags, NULL) != SQLITE_OK) {
		if (!c->db)
			abort();
		return store_sqlite_error(s, c->db, "open", err);
	}
	/* SQLite opens for reading what it may not write, and would tell at the first write only. */
	if (sqlite3_db_readonly(c->db, "main") == 1)
		return ERR(err, ERR_STORAGE, "the file is read-only");
	sqlite3_busy_timeout(c->db, busy_limit_ms(s));
	return 0;
}

static int check_identity(struct store *s, bool *fresh, struct err *err)
{
	sqlite3 *db = s->writer.db;
	int64_t tables, id;

	/* The first read of the file: a file that is not a database says so here. */
	if (store_exec(s, db, "first read", "SELECT count(*) FROM sqlite_schema", err) != 0)
		return -1;
	tables = pragma_i64(db, "SELECT count(*) FROM sqlite_schema");
	id = pragma_i64(db, "PRAGMA application_id");
	*fresh = tables == 0 && id == 0;
	if (!*fresh && id != STORE_APPLICATION_ID) {
		ERR(err, ERR_CONFIG, "%s is a database, but not one of walletd", s->path);
		return err_hint(err, "set datadir to a directory of walletd's own");
	}
	return 0;
}

static int check_pages(struct store *s, const char *pragma, struct err *err)
{
	sqlite3_stmt *q = NULL;
	int rc;

	if (sqlite3_prepare_v2(s->writer.db, pragma, -1, &q, NULL) != SQLITE_OK)
		return store_sqlite_error(s, s->writer.db, pragma, err);
	rc = sqlite3_step(q);
	if (rc != SQLITE_ROW)
		store_sqlite_error(s, s->writer.db, pragma, err);
	else if (strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
		rc = ERR(err, ERR_STORAGE_CORRUPT, "%s", (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return rc == SQLITE_ROW ? 0 : -1;
}

/* Where there can be no shared memory SQLite stays with the old journal and calls that a success. */
static int write_ahead(struct store *s, struct err *err)
{
	sqlite3_stmt *q = NULL;
	int step, rc = -1, waited_ms = 0;

	if (sqlite3_prepare_v2(s->writer.db, "PRAGMA journal_mode=WAL", -1, &q, NULL) != SQLITE_OK)
		return store_sqlite_error(s, s->writer.db, "write-ahead log", err);
	/* Of several that open a new file at once, SQLite refuses all but one, and does not wait as it does elsewhere. */
	while ((step = sqlite3_step(q)) != SQLITE_ROW && (step & 0xff) == SQLITE_BUSY && waited_ms < busy_limit_ms(s)) {
		sqlite3_reset(q);
		waited_ms += sqlite3_sleep(10);
	}
	if (step != SQLITE_ROW)
		store_sqlite_error(s, s->writer.db, "write-ahead log", err);
	else if (strcmp((const char *)sqlite3_column_text(q, 0), "wal") != 0)
		ERR(err, ERR_STORAGE, "this file system cannot hold a write-ahead log");
	else
		rc = 0;
	sqlite3_finalize(q);
	return rc;
}

static int writer_pragmas(struct store *s, struct err *err)
{
	if (write_ahead(s, err) != 0)
		return -1;
	sqlite3_wal_hook(s->writer.db, log_grew, s); /* in place of SQLite's own folding, which hides its failures */
	/* synchronous=FULL makes every COMMIT wait for the disk; anything less could forget a step that was acted on. */
	return store_exec(s, s->writer.db, "settings",
			  "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
			  "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA cache_size=-8000;"
			  "PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY",
			  err);
}

static int open_steps(struct store *s, bool lazily, struct err *err)
{
	struct stat st;
	bool fresh;

	if (connect(s, &s->writer, err) != 0 || check_identity(s, &fresh, err) != 0)
		return -1;
	if (writer_pragmas(s, err) != 0 || store_migrate(s, fresh, err) != 0)
		return -1;
	if (stat(s->path, &st) == 0 && st.st_size <= QUICK_CHECK_BYTES &&
	    check_pages(s, "PRAGMA quick_check(1)", err) != 0)
		return -1;
	if (connect(s, &s->reader, err) != 0 ||
	    store_exec(s, s->reader.db, "settings",
		       "PRAGMA query_only=ON; PRAGMA cache_size=-2000; PRAGMA trusted_schema=OFF", err) != 0)
		return -1;
	return store_prepare(s, lazily, err);
}

int store_open(const struct store_options *opt, struct store **ret, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	/* Counting the memory in use takes a lock for each piece of it, and nobody asks how much it is.  It is refused when
	 * SQLite is in use already: by an earlier store, which said the same. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->path = strdup(opt->path);
	if (!s->path)
		abort();
	s->shared = opt->shared;
	s->flush_wanted = opt->flush_wanted;
	s->fatal = opt->fatal ? opt->fatal : fatal_abort;
	s->ctx = opt->ctx;
	s->health = STORE_OK;
	s->settled_tail = &s->settled;
	s->m_commits = metric_counter("walletd_store_commits_total", NULL, "Group commits that became durable.");
	s->m_commit_time = metric_duration("walletd_store_commit_seconds", NULL, "How long a group commit took.");
	s->m_group = metric_size("walletd_store_group_units", NULL, "Units in a group commit.");
	if (open_steps(s, opt->lazily, err) != 0) {
		if (err->code == ERR_STORAGE_CORRUPT) {
			err_context(err, "%s is damaged", s->path);
			err_hint(err, "keep the file aside and put a backup in its place; check a backup with: "
				      "walletctl backup.verify path=FILE");
		} else if (err->code == ERR_STORAGE) {
			err_context(err, "%s", s->path);
			err_hint(err, "check that the data directory exists, belongs to this user and is writable");
		}
		store_close(s);
		return -1;
	}
	s->opened = true;
	*ret = s;
	return 0;
}

static void disconnect(struct conn *c)
{
	/* close_v2 frees the connection when the last statement goes, which it has by now. */
	sqlite3_close_v2(c->db);
	c->db = NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	do
		store_flush(s);
	while (s->in_group || s->settled); /* a hook may have started another unit */
	store_finalize_all(s);
	disconnect(&s->reader);
	disconnect(&s->writer);
	free(s->waiting.v);
	free(s->open_unit.after.v);
	free(s->path);
	free(s);
}

/* --- care --- */

static int probe_unit(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return store_exec(u->store, u->store->writer.db, "probe",
			  "INSERT INTO meta (name, value) VALUES ('probe', '1')"
			  " ON CONFLICT (name) DO UPDATE SET value = value + 1",
			  err);
}

bool store_probe(struct store *s)
{
	enum store_health was = s->health;
	struct err err;

	/* One page that can be written says nothing about the others. */
	if (was == STORE_DAMAGED)
		return false;
	s->health = STORE_OK;
	if (store_unit_now(s, probe_unit, NULL, &err) == 0)
		return true;
	if (s->health == STORE_OK)
		s->health = was;
	return s->health == STORE_OK;
}

void store_stats(const struct store *s, struct store_stats *ret)
{
	struct stat st;
	char wal[4096];

	*ret = s->stats;
	ret->schema_version = s->schema_version;
	ret->file_bytes = stat(s->path, &st) == 0 ? (uint64_t)st.st_size : 0;
	snprintf(wal, sizeof(wal), "%s-wal", s->path);
	ret->wal_bytes = stat(wal, &st) == 0 ? (uint64_t)st.st_size : 0;
}

uint64_t store_change_counter(struct store *s)
{
	uint64_t others = 0;

	if (s->shared)
		others = (uint64_t)pragma_i64(s->reader.db, "PRAGMA data_version");
	return s->stats.commits + others;
}

int store_maintain(struct store *s, struct err *err)
{
	group_commit(s);
	return store_exec(s, s->writer.db, "folding the log", "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

static int sync_path(const char *path, struct err *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return ERR(err, ERR_STORAGE, "cannot sync %s", path);
	return 0;
}

int store_copy(struct store *s, const char *to, struct err *err)
{
	sqlite3_stmt *q = NULL;
	int rc;

	group_commit(s);
	if (sqlite3_prepare_v2(s->writer.db, "VACUUM INTO ?1", -1, &q, NULL) != SQLITE_OK)
		return store_sqlite_error(s, s->writer.db, "VACUUM INTO", err);
	sqlite3_bind_text(q, 1, to, -1, SQLITE_STATIC);
	rc = sqlite3_step(q);
	sqlite3_finalize(q);
	if (rc != SQLITE_DONE) {
		/* The copy failed, not the store: its health stays as it was. */
		return ERR(err, rc == SQLITE_FULL ? ERR_STORAGE_FULL : ERR_STORAGE, "cannot write the copy %s: %s", to,
			   sqlite3_errmsg(s->writer.db));
	}
	return sync_path(to, err);
}

static int copy_bytes(const char *from, const char *to, struct err *err)
{
	SCOPED(fd) int in = open(from, O_RDONLY | O_CLOEXEC);
	SCOPED(fd) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char chunk[65536];
	ssize_t n;

	if (in < 0)
		return ERR(err, ERR_NOT_FOUND, "cannot read %s", from);
	if (out < 0)
		return ERR(err, ERR_STORAGE, "cannot write beside %s", from);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		if (write(out, chunk, (size_t)n) != n)
			return ERR(err, ERR_STORAGE, "cannot write beside %s", from);
	if (n < 0)
		return ERR(err, ERR_STORAGE, "cannot read %s", from);
	return 0;
}

static int check_references(struct store *s, struct err *err)
{
	sqlite3_stmt *q = NULL;
	int rc;

	if (sqlite3_prepare_v2(s->writer.db, "PRAGMA foreign_key_check", -1, &q, NULL) != SQLITE_OK)
		return store_sqlite_error(s, s->writer.db, "foreign_key_check", err);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		ERR(err, ERR_STORAGE_CORRUPT, "a row of %s refers to one that is not in %s",
		    (const char *)sqlite3_column_text(q, 0), (const char *)sqlite3_column_text(q, 2));
	else if (rc != SQLITE_DONE)
		store_sqlite_error(s, s->writer.db, "foreign_key_check", err);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int verify_open(const char *path, struct err *err)
{
	struct store_options opt = { .path = path };
	struct store *s;
	int rc;

	if (store_open(&opt, &s, err) != 0)
		return -1;
	rc = check_pages(s, "PRAGMA integrity_check(1)", err);
	if (rc == 0)
		rc = check_references(s, err);
	if (rc == 0)
		rc = movement_audit(store_view(s), err);
	if (rc == 0)
		rc = outbox_audit(store_view(s), err);
	store_close(s);
	return rc;
}

int store_verify_file(const char *path, struct err *err)
{
	char dir[4096], copy[4200], side[4300];
	int rc;

	if (snprintf(dir, sizeof(dir), "%s.verify-XXXXXX", path) >= (int)sizeof(dir))
		return ERR(err, ERR_PARAM, "the path is too long");
	if (access(path, R_OK) != 0)
		return ERR(err, ERR_NOT_FOUND, "cannot read %s", path);
	if (!mkdtemp(dir))
		return ERR(err, ERR_STORAGE, "cannot make a scratch directory beside %s", path);
	snprintf(copy, sizeof(copy), "%s/copy.db", dir);
	rc = copy_bytes(path, copy, err);
	if (rc == 0)
		rc = verify_open(copy, err);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end; end++) {
		snprintf(side, sizeof(side), "%s%s", copy, *end);
		unlink(side);
	}
	rmdir(dir);
	return rc;
}
