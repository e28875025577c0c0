#include "store/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/event_store.h"
#include "store/migrate.h"
#include "store/view.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct err e, *err = &e;

static void setup(void)
{
	faulty_vfs_install();
	scratch_open(&scratch);
	err_clear(err);
}

static void teardown(void)
{
	faulty_vfs_mend();
	failpoint_configure(NULL);
	scratch_close(&scratch);
}

/* --- units to play with --- */

static int put(struct unit *u, void *ctx, struct err *er)
{
	return event_append(u, "test.put", ctx ? ctx : "", "{}", er);
}

static int put_and_fail(struct unit *u, void *ctx, struct err *er)
{
	ck_assert_int_eq(put(u, ctx, er), 0);
	return ERR(er, ERR_RANGE, "on purpose");
}

static int64_t count_in(struct view v)
{
	int64_t n;

	OK(event_last_seq(v, &n, err));
	return n;
}

static int64_t count(void)
{
	return count_in(store_view(scratch.store));
}

/* What the hooks were told: "a" for a unit that is durable, "a!kind" for one that is not. */
static char told[16384];

static void durable(void *ctx, const struct err *er)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof(told) - n, "%s%s%s ", (const char *)ctx, er ? "!" : "", er ? err_kind(er->code) : "");
}

static void unit(const char *name)
{
	OK(store_unit(scratch.store, put, (void *)name, durable, err));
}

static uint64_t commits(void)
{
	struct store_stats s;

	store_stats(scratch.store, &s);
	return s.commits;
}

static sqlite3 *open_beside(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	return db;
}

static void run(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

/* --- groups --- */

START_TEST(units_of_a_turn_share_a_commit)
{
	uint64_t before = commits();

	unit("a");
	unit("b");
	unit("c");
	ck_assert_int_eq(count(), 0); /* the reader sees committed state only */
	ck_assert_str_eq(told, "");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a b c ");
	ck_assert_int_eq(count(), 3);
	ck_assert_uint_eq(commits(), before + 1);
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a b c ");
	ck_assert_uint_eq(commits(), before + 1);
}
END_TEST

static int look(struct unit *u, void *ctx, struct err *er)
{
	(void)er;
	*(int64_t *)ctx = count_in(unit_view(u));
	return 0;
}

START_TEST(a_unit_sees_those_before_it)
{
	int64_t seen = -1;

	unit("a");
	OK(store_unit(scratch.store, look, &seen, NULL, err));
	ck_assert_int_eq(seen, 1);
}
END_TEST

START_TEST(a_failing_unit_goes_alone)
{
	unit("a");
	FAILS(store_unit(scratch.store, put_and_fail, "b", durable, err), ERR_RANGE);
	ck_assert_str_eq(err->msg, "on purpose");
	unit("c");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a c ");
	ck_assert_int_eq(count(), 2);
}
END_TEST

START_TEST(a_group_has_a_limit)
{
	uint64_t before = commits();

	for (int i = 0; i < STORE_GROUP_UNITS; i++)
		unit("u");
	unit("v");
	ck_assert_uint_ge(commits(), before + 1);
	ck_assert_int_gt(count(), 0);
	ck_assert_str_eq(told, ""); /* nobody is told in the middle of a turn */
	store_flush(scratch.store);
	ck_assert_uint_eq(strlen(told), 2 * (STORE_GROUP_UNITS + 1));
	ck_assert_str_eq(told + 2 * (STORE_GROUP_UNITS - 1), "u v ");
	ck_assert_int_eq(count(), STORE_GROUP_UNITS + 1);
}
END_TEST

START_TEST(a_group_does_not_grow_old)
{
	uint64_t before = commits();

	unit("a");
	ck_assert_int_eq(usleep(STORE_GROUP_US), 0);
	ck_assert_uint_eq(commits(), before);
	unit("b");
	ck_assert_uint_eq(commits(), before + 1);
	ck_assert_int_eq(count(), 1);
}
END_TEST

static void durable_then_put(void *ctx, const struct err *er)
{
	durable(ctx, er);
	unit("next");
}

static unsigned wanted;

static void count_wanted(void *ctx)
{
	(void)ctx;
	wanted++;
}

static void reopen(bool shared, void (*flush_wanted)(void *), void (*fatal)(void *, const struct err *))
{
	struct store_options opt = {
		.path = scratch.path, .shared = shared, .flush_wanted = flush_wanted, .fatal = fatal
	};

	store_close(scratch.store);
	OK(store_open(&opt, &scratch.store, err));
}

START_TEST(a_flush_is_asked_for_once_a_group)
{
	reopen(false, count_wanted, NULL);
	unit("a");
	unit("b");
	ck_assert_uint_eq(wanted, 1);
	store_flush(scratch.store);
	OK(store_unit(scratch.store, put, "c", durable_then_put, err));
	ck_assert_uint_eq(wanted, 2);
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a b c ");
	ck_assert_uint_eq(wanted, 3); /* for what the hook has put */
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a b c next ");
}
END_TEST

START_TEST(a_failed_commit_fails_all_its_units)
{
	struct store_stats s;

	/* On a busy machine the two are not in one group: a group does not grow old. */
	failpoint_configure("store.commit.before:error:0");
	unit("a");
	unit("b");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a!storage b!storage ");
	ck_assert_int_eq(count(), 0);
	store_stats(scratch.store, &s);
	ck_assert_uint_ge(s.failed_commits, 1);
	ck_assert_uint_le(s.failed_commits, 2);
	failpoint_configure(NULL);
	unit("c");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a!storage b!storage c ");
	ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(unit_now_tells_how_its_group_went)
{
	failpoint_configure("store.commit.before:error:1");
	FAILS(store_unit_now(scratch.store, put, "a", err), ERR_STORAGE);
	OK(store_unit_now(scratch.store, put, "b", err));
	FAILS(store_unit_now(scratch.store, put_and_fail, "c", err), ERR_RANGE);
	ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(a_rehearsal_leaves_nothing)
{
	unit("a");
	OK(store_rehearse(scratch.store, put, "x", err));
	FAILS(store_rehearse(scratch.store, put_and_fail, "y", err), ERR_RANGE);
	unit("b");
	store_flush(scratch.store);
	OK(store_rehearse(scratch.store, put, "z", err));
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a b ");
	ck_assert_int_eq(count(), 2);
}
END_TEST

/* Says before it whether it is durable. */
static int put_with_after(struct unit *u, void *ctx, struct err *er)
{
	unit_after(u, durable, "after");
	return put(u, ctx, er);
}

static int put_with_after_and_fail(struct unit *u, void *ctx, struct err *er)
{
	unit_after(u, durable, "after");
	unit_after(u, durable, "after too");
	return put_and_fail(u, ctx, er);
}

START_TEST(what_follows_a_unit_knows_how_it_went)
{
	OK(store_unit(scratch.store, put_with_after, "a", durable, err));
	OK(store_unit(scratch.store, put_with_after, "b", NULL, err));
	ck_assert_str_eq(told, "");
	FAILS(store_unit(scratch.store, put_with_after_and_fail, "c", durable, err), ERR_RANGE);
	ck_assert_str_eq(told, "after!out_of_range after too!out_of_range ");
	unit("d");
	told[0] = '\0';
	store_flush(scratch.store);
	ck_assert_str_eq(told, "after a after d ");
	told[0] = '\0';
	OK(store_rehearse(scratch.store, put_with_after, "e", err));
	FAILS(store_rehearse(scratch.store, put_with_after_and_fail, "f", err), ERR_RANGE);
	ck_assert_str_eq(told, "after!storage after!out_of_range after too!out_of_range ");
	told[0] = '\0';
	failpoint_configure("store.commit.before:error:0");
	OK(store_unit(scratch.store, put_with_after, "g", durable, err));
	store_flush(scratch.store);
	ck_assert_str_eq(told, "after!storage g!storage ");
	failpoint_configure(NULL);
	ck_assert_int_eq(count(), 3);
}
END_TEST

START_TEST(close_commits)
{
	OK(store_unit(scratch.store, put, "a", durable_then_put, err));
	scratch_reopen(&scratch);
	ck_assert_str_eq(told, "a next ");
	ck_assert_int_eq(count(), 2);
}
END_TEST

static int put_in_a_put(struct unit *u, void *ctx, struct err *er)
{
	(void)u;
	return store_unit(scratch.store, put, ctx, NULL, er);
}

static void nest(void)
{
	OK(store_unit(scratch.store, put_in_a_put, NULL, NULL, err));
}

START_TEST(units_do_not_nest)
{
	ck_assert_int_eq(suite_signal_of(nest), SIGABRT);
}
END_TEST

/* --- a disk that fails --- */

START_TEST(a_full_disk_stops_writing_and_not_reading)
{
	OK(store_unit_now(scratch.store, put, "a", err));
	ck_assert_int_eq(store_health(scratch.store), STORE_OK);
	faulty_vfs_fail(VFS_WRITE, "-wal", 1, SQLITE_FULL);
	unit("b");
	unit("c");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "b!storage_full c!storage_full ");
	ck_assert_int_eq(store_health(scratch.store), STORE_FULL);
	ck_assert_str_eq(store_health_name(STORE_FULL), "full");
	FAILS(store_unit(scratch.store, put, "d", durable, err), ERR_STORAGE_FULL);
	ck_assert_int_eq(count(), 1);
	ck_assert(!store_probe(scratch.store));
	ck_assert_int_eq(store_health(scratch.store), STORE_FULL);
	faulty_vfs_mend();
	failpoint_configure("store.commit.before:error:1");
	ck_assert(!store_probe(scratch.store)); /* for whatever reason */
	ck_assert_int_eq(store_health(scratch.store), STORE_FULL);
	ck_assert(store_probe(scratch.store));
	ck_assert_int_eq(store_health(scratch.store), STORE_OK);
	OK(store_unit_now(scratch.store, put, "e", err));
	ck_assert_int_eq(count(), 2);
}
END_TEST

/* The index of the log is a mapped file: where it cannot grow, the disk is full as well. */
START_TEST(a_disk_full_for_the_index_is_a_full_disk)
{
	faulty_vfs_fail(VFS_WRITE, "-wal", 1, SQLITE_IOERR_SHMSIZE);
	unit("a");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "a!storage_full ");
	faulty_vfs_mend();
	ck_assert(store_probe(scratch.store));
}
END_TEST

START_TEST(a_medium_that_turns_read_only)
{
	OK(store_unit_now(scratch.store, put, "a", err));
	faulty_vfs_fail(VFS_WRITE, "-wal", 1, SQLITE_READONLY);
	FAILS(store_unit_now(scratch.store, put, "b", err), ERR_STORAGE);
	ck_assert_int_eq(store_health(scratch.store), STORE_READ_ONLY);
	FAILS(store_unit(scratch.store, put, "c", durable, err), ERR_STORAGE);
	ck_assert_ptr_nonnull(strstr(err->msg, "read_only"));
	ck_assert_int_eq(count(), 1);
	faulty_vfs_mend();
	ck_assert(store_probe(scratch.store));
}
END_TEST

/* Found while running: nothing is written any more, not even when one write would work. */
START_TEST(damage_stops_writing_and_not_reading)
{
	sqlite3 *db = open_beside();
	int64_t n;

	run(db, "INSERT INTO event VALUES (1, 0, 'k', 's', '{}')"); /* pages that the store does not hold yet */
	sqlite3_close(db);
	faulty_vfs_fail(VFS_READ, "-wal", 1, SQLITE_CORRUPT);
	FAILS(event_last_seq(store_view(scratch.store), &n, err), ERR_STORAGE_CORRUPT);
	ck_assert_int_eq(store_health(scratch.store), STORE_DAMAGED);
	faulty_vfs_mend();
	FAILS(store_unit(scratch.store, put, "a", durable, err), ERR_STORAGE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err->msg, "damaged"));
	ck_assert(!store_probe(scratch.store));
	ck_assert_int_eq(count(), 1);
	scratch_reopen(&scratch); /* looks at every page */
	ck_assert_int_eq(store_health(scratch.store), STORE_OK);
}
END_TEST

/* What only reads is prepared when it is used first. */
START_TEST(a_statement_that_cannot_be_had_is_told)
{
	sqlite3 *db = open_beside();
	int64_t n;

	run(db, "ALTER TABLE event RENAME TO away");
	FAILS(event_last_seq(store_view(scratch.store), &n, err), ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(err->msg, "no such table"));
	run(db, "ALTER TABLE away RENAME TO event");
	OK(event_last_seq(store_view(scratch.store), &n, err));
	ck_assert_int_eq(n, 0);
	sqlite3_close(db);
}
END_TEST

#define FATAL_CODE 42

static void die(void *ctx, const struct err *er)
{
	(void)ctx;
	_exit(er->code == ERR_STORAGE ? FATAL_CODE : 1);
}

static const struct {
	const char *name;
	enum vfs_op op;
	const char *suffix;
	int rc;
	bool maintain; /* the fault is met while the log is folded into the file */
} io_errors[] = {
	{ "write of a commit", VFS_WRITE, "-wal", SQLITE_IOERR_WRITE, false },
	{ "sync of a commit", VFS_SYNC, "-wal", SQLITE_IOERR_FSYNC, false },
	{ "write of a page", VFS_WRITE, ".db", SQLITE_IOERR_WRITE, true },
	{ "sync of the file", VFS_SYNC, ".db", SQLITE_IOERR_FSYNC, true },
	{ "read of the log", VFS_READ, "-wal", SQLITE_IOERR_READ, true },
};

static void die_of_io_error(const void *ctx)
{
	int i = *(const int *)ctx;

	reopen(false, NULL, die);
	OK(store_unit_now(scratch.store, put, "acknowledged", err));
	faulty_vfs_fail(io_errors[i].op, io_errors[i].suffix, 1, io_errors[i].rc);
	OK(io_errors[i].maintain ? store_maintain(scratch.store, err)
				 : store_unit_now(scratch.store, put, "lost", err));
}

/* How fn, run in a process of its own, ends: its exit code, 0 when it returns. */
static int exit_code_of(void (*fn)(const void *ctx), const void *ctx)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fn(ctx);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(an_io_error_is_fatal)
{
	int i = _i;

	ck_assert_msg(exit_code_of(die_of_io_error, &i) == FATAL_CODE, "%s", io_errors[i].name);
	scratch_reopen(&scratch);
	ck_assert_int_eq(count(), 1); /* what was acknowledged, and nothing else */
}
END_TEST

/* The log folds itself into the file now and then, at the end of a commit that went well.  When that fails to sync, the
 * kernel may have forgotten the pages: it is just as fatal. */
static void die_of_folding(const void *ctx)
{
	char subject[4096];

	(void)ctx;
	memset(subject, 'x', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	reopen(false, NULL, die);
	faulty_vfs_fail(VFS_SYNC, ".db", 1, SQLITE_IOERR_FSYNC);
	for (int i = 0; i < 20000; i++) {
		OK(store_unit(scratch.store, put, subject, NULL, err));
		if (i % 500 == 0)
			store_flush(scratch.store);
	}
}

START_TEST(a_sync_that_fails_while_folding_is_fatal)
{
	ck_assert_int_eq(exit_code_of(die_of_folding, NULL), FATAL_CODE);
}
END_TEST

static void put_with_a_broken_disk(void)
{
	faulty_vfs_fail(VFS_SYNC, "-wal", 1, SQLITE_IOERR_FSYNC);
	OK(store_unit_now(scratch.store, put, "x", err));
}

START_TEST(without_a_hook_an_io_error_aborts)
{
	ck_assert_int_eq(suite_signal_of(put_with_a_broken_disk), SIGABRT);
}
END_TEST

/* --- the power goes --- */

static struct {
	char to[256];
	unsigned moments, acknowledged, units;
	uint64_t seed;
} cut;

static int put_twice(struct unit *u, void *ctx, struct err *er)
{
	return put(u, ctx, er) != 0 || put(u, ctx, er) != 0 ? -1 : 0;
}

static void acknowledge(void *ctx, const struct err *er)
{
	(void)ctx;
	ck_assert_ptr_null(er);
	cut.acknowledged++;
}

static void remove_copy(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[300];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", cut.to, ends[i]);
		unlink(path);
	}
}

static void cut_power(void *ctx)
{
	struct store_options opt = { .path = cut.to };
	struct store *s;
	int64_t n;

	(void)ctx;
	faulty_vfs_watch(NULL, NULL);
	cut.moments++;
	remove_copy();
	faulty_vfs_power_cut(scratch.path, cut.to, ++cut.seed);
	if (store_open(&opt, &s, err) != 0)
		ck_abort_msg("moment %u: %s", cut.moments, err->msg);
	n = count_in(store_view(s));
	ck_assert_msg(n >= 2 * (int64_t)cut.acknowledged, "moment %u: %" PRId64 " of %u", cut.moments, n,
		      2 * cut.acknowledged);
	ck_assert_int_eq(n % 2, 0); /* a unit is whole or not at all */
	ck_assert_int_le(n, 2 * (int64_t)cut.units);
	store_close(s);
	OK(store_verify_file(cut.to, err));
	faulty_vfs_watch(cut_power, NULL);
}

START_TEST(the_power_may_go_at_any_moment)
{
	/* What the file system was not asked to keep is lost, so it must have seen all of it. */
	scratch_close(&scratch);
	scratch_open_made(&scratch);
	snprintf(cut.to, sizeof(cut.to), "%s/cut.db", scratch.dir);
	cut.seed = (uint64_t)_i << 32;
	faulty_vfs_watch(cut_power, NULL);
	for (int i = 0; i < 30; i++) {
		cut.units++;
		OK(store_unit(scratch.store, put_twice, NULL, acknowledge, err));
		if (i % 3 == 0)
			store_flush(scratch.store);
		if (i % 7 == 6)
			OK(store_maintain(scratch.store, err));
	}
	store_flush(scratch.store);
	ck_assert_uint_eq(cut.acknowledged, 30);
	ck_assert_uint_gt(cut.moments, 60);
	faulty_vfs_watch(NULL, NULL);
	remove_copy();
}
END_TEST

/* --- others on the same file --- */

START_TEST(somebody_else_holds_the_file)
{
	sqlite3 *db = open_beside();

	run(db, "BEGIN IMMEDIATE");
	FAILS(store_unit(scratch.store, put, "a", durable, err), ERR_BUSY);
	ck_assert_int_eq(store_health(scratch.store), STORE_OK);
	run(db, "COMMIT");
	unit("b");
	store_flush(scratch.store);
	ck_assert_str_eq(told, "b ");
	sqlite3_close(db);
}
END_TEST

START_TEST(the_change_counter_sees_others_when_shared)
{
	sqlite3 *db = open_beside();
	uint64_t was;

	reopen(true, NULL, NULL);
	was = store_change_counter(scratch.store);
	ck_assert_uint_eq(store_change_counter(scratch.store), was);
	run(db, "INSERT INTO meta VALUES ('x', 'y')");
	ck_assert_uint_gt(store_change_counter(scratch.store), was);
	was = store_change_counter(scratch.store);
	OK(store_unit_now(scratch.store, put, "a", err));
	ck_assert_uint_gt(store_change_counter(scratch.store), was);
	sqlite3_close(db);
}
END_TEST

static void open_shared(const void *ctx)
{
	struct store_options opt = { .path = ctx, .shared = true };
	struct store *s;

	if (store_open(&opt, &s, err) != 0) {
		fprintf(stderr, "store_open: %s\n", err->msg);
		_exit(1);
	}
	store_close(s);
}

START_TEST(two_may_make_the_file_at_once)
{
	char path[200], log[210], index[210];
	pid_t pids[4];
	int status;

	snprintf(path, sizeof(path), "%s/new.db", scratch.dir);
	snprintf(log, sizeof(log), "%s-wal", path);
	snprintf(index, sizeof(index), "%s-shm", path);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			open_shared(path);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	unlink(path);
	/* Left behind when the last two close at the same time. */
	unlink(log);
	unlink(index);
}
END_TEST

/* --- opening what is not as it should be --- */

static int try_open(const char *path)
{
	struct store_options opt = { .path = path };
	struct store *s;
	int rc = store_open(&opt, &s, err);

	if (rc == 0)
		store_close(s);
	return rc;
}

static void close_store(void)
{
	store_close(scratch.store);
	scratch.store = NULL;
}

static void overwrite(const char *path, off_t at, const char *with, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, with, n, at), (ssize_t)n);
	close(fd);
}

START_TEST(the_header_is_damaged)
{
	close_store();
	overwrite(scratch.path, 0, "not a database", 14);
	FAILS(try_open(scratch.path), ERR_STORAGE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err->msg, scratch.path));
	ck_assert_ptr_nonnull(strstr(err->hint, "walletctl backup.verify"));
}
END_TEST

START_TEST(a_page_is_damaged)
{
	static const char junk[4096] = { 1, 2, 3 };

	OK(store_unit_now(scratch.store, put, "a", err));
	close_store();
	overwrite(scratch.path, 3 * 4096, junk, sizeof(junk));
	FAILS(try_open(scratch.path), ERR_STORAGE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err->hint, "walletctl backup.verify"));
}
END_TEST

START_TEST(it_is_not_a_database)
{
	char path[200], text[8192];

	memset(text, 'x', sizeof(text));
	snprintf(path, sizeof(path), "%s/notes.txt", scratch.dir);
	overwrite(path, 0, text, sizeof(text));
	FAILS(try_open(path), ERR_STORAGE_CORRUPT);
	unlink(path);
}
END_TEST

START_TEST(it_is_a_database_of_others)
{
	char path[200];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/other.db", scratch.dir);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	run(db, "CREATE TABLE t (x); PRAGMA application_id=7");
	sqlite3_close(db);
	FAILS(try_open(path), ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err->msg, "not one of walletd"));
	ck_assert_ptr_nonnull(strstr(err->hint, "datadir"));
	unlink(path);
}
END_TEST

START_TEST(its_schema_is_newer)
{
	close_store();
	scratch_sql(&scratch, "PRAGMA user_version=4711");
	FAILS(try_open(scratch.path), ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err->msg, "has schema 4711, and this walletd knows"));
	ck_assert_ptr_nonnull(strstr(err->hint, "run the newer walletd"));
}
END_TEST

START_TEST(there_can_be_no_log)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/network.db", scratch.dir);
	faulty_vfs_without_shared_memory();
	FAILS(try_open(path), ERR_STORAGE);
	ck_assert_ptr_nonnull(strstr(err->msg, "write-ahead log"));
	unlink(path);
}
END_TEST

START_TEST(there_is_no_directory)
{
	FAILS(try_open("/nonexistent/wallet.db"), ERR_STORAGE);
	ck_assert_ptr_nonnull(strstr(err->hint, "data directory"));
}
END_TEST

/* Root may write everywhere: be nobody while trying. */
static int try_open_as_nobody(void)
{
	bool root = geteuid() == 0;
	int rc;

	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	rc = try_open(scratch.path);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	return rc;
}

static const struct {
	mode_t dir, file;
} read_only[] = { { 0555, 0444 }, { 0555, 0666 }, { 0777, 0444 } };

START_TEST(it_may_not_be_written)
{
	close_store();
	ck_assert_int_eq(chmod(scratch.path, read_only[_i].file), 0);
	ck_assert_int_eq(chmod(scratch.dir, read_only[_i].dir), 0);
	FAILS(try_open_as_nobody(), ERR_STORAGE);
	ck_assert_ptr_nonnull(strstr(err->msg, scratch.path));
	ck_assert_ptr_nonnull(strstr(err->hint, "writable"));
	ck_assert_int_eq(chmod(scratch.dir, 0700), 0);
}
END_TEST

/* --- migrations --- */

START_TEST(migrations_are_numbered_and_pinned)
{
	ck_assert_uint_gt(n_migrations, 0);
	for (size_t i = 0; i < n_migrations; i++) {
		struct hash32 h;
		char hex[2 * sizeof(h.b) + 1];

		sha256(bytes_of(migrations[i].sql), &h);
		hex_encode(h.b, sizeof(h.b), hex);
		ck_assert_int_eq(migrations[i].number, (int)i + 1);
		ck_assert_str_eq(hex, migrations[i].sha256);
	}
}
END_TEST

static int64_t ask(const char *path, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t v;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
	v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return v;
}

/* A file of walletd from before the first migration that this build knows. */
static void make_old(char path[static 200], char kept[static 240])
{
	char sql[128];
	sqlite3 *db;

	snprintf(path, 200, "%s/old.db", scratch.dir);
	snprintf(kept, 240, "%s.before-v1", path);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; CREATE TABLE old (x); INSERT INTO old VALUES (5)",
		 STORE_APPLICATION_ID);
	run(db, sql);
	sqlite3_close(db);
}

static void remove_old(const char *path, const char *kept)
{
	unlink(path);
	unlink(kept);
}

START_TEST(an_upgrade_keeps_the_old_file)
{
	char path[200], kept[240];

	make_old(path, kept);
	OK(try_open(path));
	ck_assert_int_eq(ask(path, "PRAGMA user_version"), migrations[n_migrations - 1].number);
	ck_assert_int_eq(ask(path, "SELECT x FROM old"), 5);
	ck_assert_int_eq(ask(kept, "PRAGMA user_version"), 0);
	ck_assert_int_eq(ask(kept, "SELECT x FROM old"), 5);
	remove_old(path, kept);
}
END_TEST

/* The process may have ended in the middle of writing the copy. */
START_TEST(half_a_copy_does_not_count)
{
	char path[200], kept[240], half[260];

	make_old(path, kept);
	snprintf(half, sizeof(half), "%s.part", kept);
	overwrite(half, 0, "SQLite fo", 9);
	OK(try_open(path));
	ck_assert_int_eq(ask(kept, "SELECT x FROM old"), 5);
	ck_assert_int_ne(access(half, F_OK), 0);
	remove_old(path, kept);
}
END_TEST

/* In the way of the first migration, and of a later one: then the first is not kept either. */
static const struct {
	const char *table, *migration;
} in_the_way[] = { { "proof", "migration: 0001" },
		   { "outbox_lane", "migration: 0002" },
		   { "onchain_coin", "migration: 0003" } };

START_TEST(a_failed_upgrade_changes_nothing)
{
	char path[200], kept[240], sql[64];
	sqlite3 *db;

	make_old(path, kept);
	snprintf(sql, sizeof(sql), "CREATE TABLE %s (x)", in_the_way[_i].table);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	run(db, sql);
	sqlite3_close(db);
	FAILS(try_open(path), ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(err->msg, in_the_way[_i].migration));
	ck_assert_int_eq(ask(path, "PRAGMA user_version"), 0);
	ck_assert_int_eq(ask(path, "SELECT count(*) FROM sqlite_schema"), 2);
	remove_old(path, kept);
}
END_TEST

/* A file as the release with this schema left it, with something in it. */
static void make_version(int version, char path[static 200], char kept[static 240])
{
	char sql[128];
	sqlite3 *db;

	snprintf(path, 200, "%s/old.db", scratch.dir);
	snprintf(kept, 240, "%s.before-v%d", path, version + 1);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < version; i++)
		run(db, migrations[i].sql);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d; PRAGMA application_id=%d", version, STORE_APPLICATION_ID);
	run(db, sql);
	run(db, "INSERT INTO mint VALUES (1, 'https://a', NULL, 1, 0, 0, 0, NULL, 0, 0, NULL, 0);"
		"INSERT INTO event (at_ms, kind, subject, data) VALUES (5, 'k', 's', '{}'), (6, 'k', 's', '{}')");
	sqlite3_close(db);
}

START_TEST(every_version_is_upgraded)
{
	char path[200], kept[240];

	make_version(_i, path, kept);
	OK(try_open(path));
	ck_assert_int_eq(ask(path, "PRAGMA user_version"), migrations[n_migrations - 1].number);
	ck_assert_int_eq(ask(path, "SELECT count(*) FROM event"), 2);
	ck_assert_int_eq(ask(path, "SELECT count(*) FROM mint WHERE url = 'https://a'"), 1);
	ck_assert_int_eq(ask(kept, "PRAGMA user_version"), _i);
	ck_assert_int_eq(ask(kept, "SELECT count(*) FROM event"), 2);
	OK(store_verify_file(path, err));
	OK(try_open(path)); /* once is enough */
	ck_assert_int_eq(ask(path, "SELECT count(*) FROM event"), 2);
	remove_old(path, kept);
}
END_TEST

START_TEST(the_outbox_came_with_version_2)
{
	static const char tables[] = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND"
				     " (name LIKE 'outbox_%' OR name LIKE 'directive_%')";
	char path[200], kept[240];

	make_version(1, path, kept);
	OK(try_open(path));
	ck_assert_int_eq(ask(path, tables), 9);
	ck_assert_int_eq(ask(path, "SELECT count(*) FROM directive_outbox"), 0);
	ck_assert_int_eq(ask(kept, tables), 0);
	remove_old(path, kept);
}
END_TEST

/* Movements of both mints, in a file of version 2: what they say is what they said. */
static const char ledger_of_version_2[] =
	"INSERT INTO mint VALUES (2, 'https://b', NULL, 1, 0, 0, 0, NULL, 0, 0, NULL, 0);"
	"INSERT INTO movement VALUES (7, 100, 'alice', 'ecash', 'issue', 1, 'sat', 'a note', 64, 0, 64);"
	"INSERT INTO movement VALUES (8, 200, NULL, 'ecash', 'issue', 2, 'usd', NULL, 5, 0, 5);"
	"INSERT INTO movement VALUES (11, 300, 'bob', 'ecash', 'swap', 1, 'sat', NULL, -2, 2, 62);"
	"INSERT INTO ledger_entry VALUES (7, 1, 64), (7, 6, -64), (8, 1, 5), (8, 6, -5), (11, 1, -2), (11, 5, 2);"
	"INSERT INTO account_total VALUES ('ecash', 1, 'sat', 1, 62), ('ecash', 1, 'sat', 5, 2),"
	" ('ecash', 1, 'sat', 6, -64), ('ecash', 2, 'usd', 1, 5), ('ecash', 2, 'usd', 6, -5);"
	"INSERT INTO proof VALUES (zeroblob(33), 1, 'k', 'sat', 62, 's', zeroblob(33), NULL, NULL, NULL, NULL, 1, NULL,"
	" NULL, 0, 0, 0);"
	"INSERT INTO proof VALUES (x'020000000000000000000000000000000000000000000000000000000000000000', 2, 'k', 'usd', 5,"
	" 't', zeroblob(33), NULL, NULL, NULL, NULL, 1, NULL, NULL, 0, 0, 0)";

static const struct {
	const char *name, *sql;
	int64_t value;
} kept_in_version_3[] = {
	{ "movements", "SELECT count(*) FROM movement", 3 },
	{ "their ids", "SELECT group_concat(id) = '7,8,11' FROM (SELECT id FROM movement ORDER BY id)", 1 },
	{ "their text", "SELECT action_id || kind || note = 'aliceissuea note' FROM movement WHERE id = 7", 1 },
	{ "their mints", "SELECT sum(mint_id) FROM movement", 4 },
	{ "their sums", "SELECT sum(amount * 10000 + fee * 100 + balance) FROM movement", 670331 },
	{ "no transaction", "SELECT count(txid) FROM movement", 0 },
	{ "entries", "SELECT count(*) || ':' || sum(delta * account) = '6:-337' FROM ledger_entry", 1 },
	{ "totals", "SELECT count(*) || ':' || sum(total * account) = '5:-337' FROM account_total", 1 },
	{ "indexes",
	  "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'movement'"
	  " AND name IN ('movement_action', 'movement_external')",
	  2 },
	{ "entries refer to movements",
	  "SELECT count(*) FROM pragma_foreign_key_list('ledger_entry') WHERE \"table\" = 'movement'", 1 },
	{ "movements refer to mints",
	  "SELECT count(*) FROM pragma_foreign_key_list('movement') WHERE \"table\" = 'mint'", 1 },
	{ "no table of the way is left", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%_new'", 0 },
};

START_TEST(the_ledger_of_version_2_is_kept)
{
	char path[200], kept[240];
	sqlite3 *db;

	make_version(2, path, kept);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	run(db, ledger_of_version_2);
	sqlite3_close(db);
	OK(try_open(path));
	for (size_t i = 0; i < ARRAY_LEN(kept_in_version_3); i++)
		ck_assert_msg(ask(path, kept_in_version_3[i].sql) == kept_in_version_3[i].value, "%s",
			      kept_in_version_3[i].name);
	OK(store_verify_file(path, err));
	ck_assert_int_eq(ask(kept, "SELECT count(*) FROM movement WHERE mint_id = 1"), 2);
	remove_old(path, kept);
}
END_TEST

/* What no movement may be, and what it may be now. */
static const struct {
	const char *name, *sql;
	bool refused;
} mintless[] = {
	{ "on-chain",
	  "INSERT INTO movement VALUES (1, 1, NULL, 'onchain', 'k', NULL, 'sat', NULL, 1, 0, 1, zeroblob(32))", false },
	{ "ecash of no mint",
	  "INSERT INTO movement VALUES (1, 1, NULL, 'ecash', 'k', NULL, 'sat', NULL, 1, 0, 1, NULL)", true },
	{ "on-chain of a mint",
	  "INSERT INTO movement VALUES (1, 1, NULL, 'onchain', 'k', 1, 'sat', NULL, 1, 0, 1, NULL)", true },
	{ "half a txid",
	  "INSERT INTO movement VALUES (1, 1, NULL, 'onchain', 'k', NULL, 'sat', NULL, 1, 0, 1, zeroblob(16))", true },
	{ "totals, on-chain", "INSERT INTO account_total VALUES ('onchain', 0, 'sat', 1, 1)", false },
	{ "totals, ecash of no mint", "INSERT INTO account_total VALUES ('ecash', 0, 'sat', 1, 1)", true },
	{ "totals, on-chain of a mint", "INSERT INTO account_total VALUES ('onchain', 1, 'sat', 1, 1)", true },
};

START_TEST(movements_without_a_mint)
{
	ck_assert_msg(scratch_sql_refused(&scratch, mintless[_i].sql) == mintless[_i].refused, "%s", mintless[_i].name);
}
END_TEST

/* --- care --- */

START_TEST(a_copy_is_whole_and_verified)
{
	char to[200];

	snprintf(to, sizeof(to), "%s/copy.db", scratch.dir);
	OK(store_unit_now(scratch.store, put, "a", err));
	unit("b"); /* not flushed yet: part of the copy all the same */
	OK(store_copy(scratch.store, to, err));
	ck_assert_int_eq(ask(to, "SELECT count(*) FROM event"), 2);
	OK(store_verify_file(to, err));
	FAILS(store_copy(scratch.store, to, err), ERR_STORAGE); /* never over another file */
	OK(store_verify_file(to, err));
	unlink(to);
}
END_TEST

static const struct {
	const char *name, *sql;
	enum err_code code;
} damages[] = {
	{ "ledger against coins",
	  "INSERT INTO proof VALUES (zeroblob(33), 1, 'k', 'sat', 5, 's', zeroblob(33), NULL, NULL, NULL, NULL, 1, NULL, NULL, 0, 0, 0)",
	  ERR_INTERNAL },
	{ "foreign keys", "INSERT INTO keyset VALUES (77, '00', 'sat', 1, 0, 0, NULL, x'')", ERR_STORAGE_CORRUPT },
	{ "the outbox against itself",
	  "INSERT INTO outbox_lane VALUES (1, 1, zeroblob(20), 'k', 0, 1, 1, NULL, 0, 0);"
	  "INSERT INTO outbox_tx VALUES (1, 1, 0, 0, 5, 1, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0)",
	  ERR_INTERNAL },
	{ "on-chain coins against where they stand",
	  "INSERT INTO onchain_script VALUES (1, zeroblob(34), 0, 0, 0, 1, NULL, NULL, NULL, 0, 0);"
	  "INSERT INTO onchain_tx VALUES (1, zeroblob(32), x'00', 4, NULL, NULL, NULL, 0, 5, 'receive', 0, 0, 0, NULL, 0,"
	  " NULL, NULL, NULL, 0, NULL);"
	  "INSERT INTO onchain_coin VALUES (1, 1, 0, 0, 1, 3, NULL, NULL)",
	  ERR_INTERNAL },
	{ "newer schema", "PRAGMA user_version=4711", ERR_CONFIG },
	{ "an index",
	  "PRAGMA writable_schema=ON; INSERT INTO event (at_ms, kind, subject, data) VALUES (1, 'a', 'b', 'c');"
	  "UPDATE sqlite_schema SET sql = replace(sql, 'data    TEXT NOT NULL', 'data    INTEGER NOT NULL') WHERE name = 'event'",
	  ERR_STORAGE_CORRUPT },
};

static int add_mint(struct unit *u, void *ctx, struct err *er)
{
	(void)ctx;
	(void)er;
	scratch_mint(u, "https://mint");
	return 0;
}

START_TEST(a_damaged_copy_is_found)
{
	scratch_unit(&scratch, add_mint, NULL);
	close_store();
	scratch_sql(&scratch, damages[_i].sql);
	ck_assert_msg(store_verify_file(scratch.path, err) == -1, "%s", damages[_i].name);
	ck_assert_msg(err->code == damages[_i].code, "%s: %s", damages[_i].name, err->msg);
}
END_TEST

START_TEST(there_is_no_copy)
{
	FAILS(store_verify_file("/nonexistent/copy.db", err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(maintenance_empties_the_log)
{
	struct store_stats s;

	OK(store_unit_now(scratch.store, put, "a", err));
	store_stats(scratch.store, &s);
	ck_assert_uint_gt(s.wal_bytes, 0);
	unit("b");
	OK(store_maintain(scratch.store, err));
	store_stats(scratch.store, &s);
	ck_assert_uint_eq(s.wal_bytes, 0);
	ck_assert_uint_gt(s.file_bytes, 0);
	ck_assert_int_eq(s.schema_version, migrations[n_migrations - 1].number);
	ck_assert_int_eq(count(), 2);
	store_flush(scratch.store);
	ck_assert_str_eq(told, "b ");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, units_of_a_turn_share_a_commit);
	tcase_add_test(tc, a_unit_sees_those_before_it);
	tcase_add_test(tc, a_failing_unit_goes_alone);
	tcase_add_test(tc, a_group_has_a_limit);
	tcase_add_test(tc, a_group_does_not_grow_old);
	tcase_add_test(tc, a_flush_is_asked_for_once_a_group);
	tcase_add_test(tc, a_failed_commit_fails_all_its_units);
	tcase_add_test(tc, unit_now_tells_how_its_group_went);
	tcase_add_test(tc, a_rehearsal_leaves_nothing);
	tcase_add_test(tc, what_follows_a_unit_knows_how_it_went);
	tcase_add_test(tc, close_commits);
	tcase_add_test(tc, units_do_not_nest);
	tcase_add_test(tc, a_full_disk_stops_writing_and_not_reading);
	tcase_add_test(tc, a_disk_full_for_the_index_is_a_full_disk);
	tcase_add_test(tc, a_medium_that_turns_read_only);
	tcase_add_test(tc, damage_stops_writing_and_not_reading);
	tcase_add_test(tc, a_statement_that_cannot_be_had_is_told);
	tcase_add_loop_test(tc, an_io_error_is_fatal, 0, (int)ARRAY_LEN(io_errors));
	tcase_add_test(tc, a_sync_that_fails_while_folding_is_fatal);
	tcase_add_test(tc, without_a_hook_an_io_error_aborts);
	tcase_add_loop_test(tc, the_power_may_go_at_any_moment, 1, 3);
	tcase_add_test(tc, somebody_else_holds_the_file);
	tcase_add_test(tc, the_change_counter_sees_others_when_shared);
	tcase_add_loop_test(tc, two_may_make_the_file_at_once, 0, 5);
	tcase_add_test(tc, the_header_is_damaged);
	tcase_add_test(tc, a_page_is_damaged);
	tcase_add_test(tc, it_is_not_a_database);
	tcase_add_test(tc, it_is_a_database_of_others);
	tcase_add_test(tc, its_schema_is_newer);
	tcase_add_test(tc, there_can_be_no_log);
	tcase_add_test(tc, there_is_no_directory);
	tcase_add_loop_test(tc, it_may_not_be_written, 0, (int)ARRAY_LEN(read_only));
	tcase_add_test(tc, migrations_are_numbered_and_pinned);
	tcase_add_test(tc, an_upgrade_keeps_the_old_file);
	tcase_add_test(tc, half_a_copy_does_not_count);
	tcase_add_loop_test(tc, a_failed_upgrade_changes_nothing, 0, (int)ARRAY_LEN(in_the_way));
	tcase_add_loop_test(tc, every_version_is_upgraded, 1, (int)n_migrations);
	tcase_add_test(tc, the_ledger_of_version_2_is_kept);
	tcase_add_loop_test(tc, movements_without_a_mint, 0, (int)ARRAY_LEN(mintless));
	tcase_add_test(tc, the_outbox_came_with_version_2);
	tcase_add_test(tc, a_copy_is_whole_and_verified);
	tcase_add_loop_test(tc, a_damaged_copy_is_found, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(tc, there_is_no_copy);
	tcase_add_test(tc, maintenance_empties_the_log);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
