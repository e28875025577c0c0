/* store/store.h - one SQLite file is the truth.  Opens it, commits units in groups, and says how it is.
 *
 * WAL, synchronous=FULL, foreign keys, STRICT tables (design.md section 4).  Two connections: one writer, one reader that
 * sees only committed state.  Units that arrive in one turn of the loop share one transaction, each in a SAVEPOINT of its
 * own; store_flush() commits them and then runs every on_durable.  Replies to clients and further network requests are
 * sent from on_durable only.
 *
 * Errors: ERR_STORAGE_FULL and ERR_STORAGE (read-only): nothing was done, health changes, store_probe() finds out when it
 * works again.  ERR_BUSY: somebody outside holds the file; nothing was done, try again.  ERR_STORAGE_CORRUPT: refuses to
 * open; found later, it takes no more writes and still serves what can be read.  An I/O error or a failed fsync while committing calls the fatal hook, which must not return: what the kernel holds can no
 * longer be trusted, and recovery starts from what is on disk. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;
struct unit;

#define STORE_APPLICATION_ID 0x77616c64 /* "wald" */
#define STORE_GROUP_UNITS    512        /* a group commits at this many units … */
/* … or at this age, even before the turn ends.  Nobody is told before the turn ends, so that a commit in the middle of one
 * makes all of them wait longer; what it keeps short is how long others that share the file are locked out. */
#define STORE_GROUP_US 20000

struct store_options {
	const char *path;
	bool shared; /* shared_state=1: another daemon may write the same file */
	bool lazily; /* prepare a statement when it is first used: for tests, which open thousands of stores */
	void (*flush_wanted)(
		void *ctx); /* the first unit of a group: arrange for store_flush() at the end of the turn */
	void (*fatal)(void *ctx, const struct err *err); /* see above; NULL aborts */
	void *ctx;
};

/* Opens or creates, migrates, prepares all statements on the connection that writes: a file which does not fit one is refused here and
 * not in the middle of a payment.  Before a migration of an existing file it is copied to
 * <path>.before-v<N>.  ERR_CONFIG: newer schema, or not a walletd file. */
MUST_CHECK int store_open(const struct store_options *opt, struct store **ret, struct err *err);
void store_close(struct store *s); /* commits what is open first; NULL is fine */

/* Run fn now, in a savepoint.  -1: fn or the savepoint failed, its writes are gone, on_durable will not be called.
 * 0: fn's writes are in the open group; on_durable (may be NULL) is called exactly once, with NULL when they are durable,
 * or with the error when the group's commit failed and nothing was done.  Units do not nest. */
MUST_CHECK int store_unit(struct store *s, int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx,
			  void (*on_durable)(void *ctx, const struct err *err), struct err *err);
/* For what a function keeps in memory about its writes in a unit that is its caller's: fn runs once, with NULL when they
 * are durable and before the unit's own on_durable, or with the error when they are gone (the unit failed, its group did,
 * it was a rehearsal).  fn must not use the store. */
void unit_after(struct unit *u, void (*fn)(void *ctx, const struct err *err), void *ctx);
/* As store_unit, but the writes are rolled back after fn whatever it returns: for dry runs. */
MUST_CHECK int store_rehearse(struct store *s, int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx,
			      struct err *err);
/* Commit the open group, if any, and run the hooks that wait for it. */
void store_flush(struct store *s);
/* For start-up code and tests: unit, flush, and the group's own result. */
MUST_CHECK int store_unit_now(struct store *s, int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx,
			      struct err *err);

enum store_health { STORE_OK = 1, STORE_FULL = 2, STORE_READ_ONLY = 3, STORE_DAMAGED = 4 };
enum store_health store_health(const struct store *s);
const char *store_health_name(enum store_health h);
/* When not healthy: try a small write.  True when the store works (again); a damaged one never does. */
bool store_probe(struct store *s);

struct store_stats {
	uint64_t units, commits, failed_commits, last_commit_ms;
	int64_t last_commit_us; /* how long it took */
	uint64_t file_bytes, wal_bytes;
	int schema_version;
};
void store_stats(const struct store *s, struct store_stats *ret);
/* Grows whenever committed state may have changed (our commits; other daemons' too when shared). For caches. */
uint64_t store_change_counter(struct store *s);
const char *store_path(const struct store *s);

/* Folds the whole write-ahead log into the file and empties it; harmless at any time. */
MUST_CHECK int store_maintain(struct store *s, struct err *err);
/* A consistent copy of the committed state as one file (VACUUM INTO); `to` must not exist. */
MUST_CHECK int store_copy(struct store *s, const char *to, struct err *err);
/* Opens a copy read-only: integrity_check, foreign keys, schema version, ledger against coins, the outbox against itself. */
MUST_CHECK int store_verify_file(const char *path, struct err *err);

#endif
