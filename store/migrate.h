/* store/migrate.h - numbered SQL files, embedded at build time, append-only, their hashes pinned in
 * store/migrations/SHA256SUMS.  All that are missing are applied in one transaction.  migrations[] is generated. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stddef.h>

struct migration {
	int number;       /* becomes user_version */
	const char *name; /* "0001_core.sql" */
	const char *sql;
	const char *sha256; /* hex */
};
extern const struct migration migrations[];
extern const size_t n_migrations;

#endif
