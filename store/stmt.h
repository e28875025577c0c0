/* store/stmt.h - prepared statements.  For the files of store/ only: nobody else sees SQL.
 *
 * Each table family keeps its statements in one table (struct query_set); all are prepared when the store opens, on both
 * connections, so that a typo stops the daemon before money moves.  Binders count from 1, columns from 0. */
#ifndef STORE_STMT_H
#define STORE_STMT_H

#include "base/arena.h"
#include "base/ecash.h"
#include "store/view.h"

enum family {
	FAMILY_META,
	FAMILY_WALLET,
	FAMILY_ACTION,
	FAMILY_EVENT,
	FAMILY_MOVEMENT,
	FAMILY_CALL,
	FAMILY_CREDENTIAL,
	FAMILY_KEY_INDEX,
	FAMILY_MINT,
	FAMILY_QUOTE,
	FAMILY_PROOF,
	FAMILY_OUTPUT,
	FAMILY_COUNT
};

struct query_set {
	const char *name;
	const char *const *sql;
	unsigned n;
};
extern const struct query_set *const query_sets[FAMILY_COUNT]; /* query_sets.c */

struct stmt;
struct stmt *stmt_of(struct view v, enum family f, unsigned query);
void stmt_scope_end(struct stmt **q); /* SCOPED(stmt): reset and unbound on every way out */

void bind_i64(struct stmt *q, int i, int64_t v);
void bind_u64(struct stmt *q, int i, uint64_t v); /* aborts above INT64_MAX: amounts are checked before */
void bind_bool(struct stmt *q, int i, bool v);
void bind_text(struct stmt *q, int i, const char *v); /* NULL binds null; must live until the statement is done */
void bind_blob(struct stmt *q, int i, struct bytes v);
void bind_null(struct stmt *q, int i);
void bind_pubkey(struct stmt *q, int i, const struct pubkey *v);
void bind_action_id(struct stmt *q, int i, const struct action_id *v); /* empty binds null */

MUST_CHECK int stmt_step(struct stmt *q, struct err *err); /* 1 a row, 0 the end, -1 */
MUST_CHECK int stmt_run(struct stmt *q, struct err *err);  /* to the end; number of changed rows, or -1 */
/* stmt_run for an insert that must be new: a uniqueness violation gives code and message. */
MUST_CHECK int stmt_insert(struct stmt *q, enum err_code taken, const char *what, struct err *err);
int64_t stmt_last_rowid(struct stmt *q);

int64_t col_i64(struct stmt *q, int i);
uint64_t col_u64(struct stmt *q, int i);
bool col_bool(struct stmt *q, int i);
bool col_is_null(struct stmt *q, int i);
const char *col_text(struct arena *a, struct stmt *q, int i); /* NULL for null */
struct bytes col_blob(struct arena *a, struct stmt *q, int i);
void col_copy(struct stmt *q, int i, void *to, size_t n); /* a blob of exactly n bytes; leaves no other copy behind */
void col_pubkey(struct stmt *q, int i, struct pubkey *ret);
void col_action_id(struct stmt *q, int i, struct action_id *ret); /* null gives the empty id */
void col_keyset_id(struct stmt *q, int i, struct keyset_id *ret);
void col_currency(struct stmt *q, int i, struct currency *ret);

#endif
