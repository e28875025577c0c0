/* store/stmt.h - prepared statements.  For the files of store/ only: nobody else sees SQL.
 *
 * Each table family keeps its statements in one table (struct query_set); all are prepared when the store opens, on both
 * connections, so that a typo stops the daemon before money moves.  Binders count from 1, columns from 0. */
#ifndef STORE_STMT_H
#define STORE_STMT_H

#include "base/amount.h"
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
	FAMILY_MELT,
	FAMILY_PROOF,
	FAMILY_OUTPUT,
	FAMILY_SPACE,
	FAMILY_DIRECTIVE,
	FAMILY_CLAIM,
	FAMILY_SIGNATURE,
	FAMILY_LANE,
	FAMILY_SLOT,
	FAMILY_ATTEMPT,
	FAMILY_OUTBOX_AUDIT,
	FAMILY_CHAIN,
	FAMILY_SYNC,
	FAMILY_WATCH,
	FAMILY_EXIT,
	FAMILY_EXIT_TX,
	FAMILY_EXIT_CHILD,
	FAMILY_EXIT_CLAIM,
	FAMILY_SCRIPT,
	FAMILY_TX,
	FAMILY_TX_CHANGE,
	FAMILY_TX_BLOCK,
	FAMILY_TX_READ,
	FAMILY_SETTLE,
	FAMILY_UTXO,
	FAMILY_ARK_KEY,
	FAMILY_ARK_SERVER,
	FAMILY_ARK_PREIMAGE,
	FAMILY_VTXO,
	FAMILY_CHANNEL,
	FAMILY_SPLICE,
	FAMILY_SPLICE_COIN,
	FAMILY_SPLICE_PAST,
	FAMILY_FUNDING,
	FAMILY_CANDIDATE,
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
void bind_u64(struct stmt *q, int i, uint64_t v); /* aborts above INT64_MAX: what came from outside is checked before */
void bind_bool(struct stmt *q, int i, bool v);
void bind_text(struct stmt *q, int i, const char *v); /* NULL binds null; must live until the statement is done */
void bind_blob(struct stmt *q, int i, struct bytes v);
void bind_null(struct stmt *q, int i);
void bind_optional(struct stmt *q, int i, int64_t v, int64_t none); /* null when v is none */
void bind_hash32(struct stmt *q, int i, const struct hash32 *v);
void bind_txid(struct stmt *q, int i, const struct txid *v);
void bind_block_hash(struct stmt *q, int i, const struct block_hash *v);
void bind_sat(struct stmt *q, int i, struct sat v);
void bind_msat(struct stmt *q, int i, struct msat v);
void bind_weight(struct stmt *q, int i, struct weight v);
void bind_feerate(struct stmt *q, int i, struct feerate v);
void bind_address(struct stmt *q, int i, const struct evm_address *v);
void bind_gas_price(struct stmt *q, int i, struct gas_price v);
void bind_pubkey(struct stmt *q, int i, const struct pubkey *v);
void bind_action_id(struct stmt *q, int i, const struct action_id *v); /* empty binds null */

MUST_CHECK int stmt_step(struct stmt *q, struct err *err); /* 1 a row, 0 the end, -1 */
MUST_CHECK int stmt_run(struct stmt *q, struct err *err);  /* to the end; number of changed rows, or -1 */
/* stmt_run for an insert that must be new: a uniqueness violation gives code and message. */
MUST_CHECK int stmt_insert(struct stmt *q, enum err_code taken, const char *what, struct err *err);
int64_t stmt_last_rowid(struct stmt *q);
/* Does an SQLite integer hold it?  ERR_RANGE, naming what, when not. */
MUST_CHECK int storable(uint64_t v, const char *what, struct err *err);

int64_t col_i64(struct stmt *q, int i);
uint64_t col_u64(struct stmt *q, int i);
bool col_bool(struct stmt *q, int i);
bool col_is_null(struct stmt *q, int i);
int64_t col_optional(struct stmt *q, int i, int64_t none);    /* none for null */
size_t col_size(struct stmt *q, int i);                       /* bytes of a text or a blob */
const char *col_text(struct arena *a, struct stmt *q, int i); /* NULL for null */
struct bytes col_blob(struct arena *a, struct stmt *q, int i);
void col_copy(struct stmt *q, int i, void *to, size_t n); /* a blob of exactly n bytes; leaves no other copy behind */
void col_hash32(struct stmt *q, int i, struct hash32 *ret);
void col_txid(struct stmt *q, int i, struct txid *ret);
void col_block_hash(struct stmt *q, int i, struct block_hash *ret);
struct sat col_sat(struct stmt *q, int i);
struct msat col_msat(struct stmt *q, int i);
struct weight col_weight(struct stmt *q, int i);
struct feerate col_feerate(struct stmt *q, int i);
void col_address(struct stmt *q, int i, struct evm_address *ret);
void col_gas_price(struct stmt *q, int i, struct gas_price *ret);
void col_pubkey(struct stmt *q, int i, struct pubkey *ret);
void col_action_id(struct stmt *q, int i, struct action_id *ret); /* null gives the empty id */
void col_keyset_id(struct stmt *q, int i, struct keyset_id *ret);
void col_currency(struct stmt *q, int i, struct currency *ret);

#ifdef WALLETD_TEST_HOOKS
/* How much a family's statements have done on both connections since the last call, in steps of SQLite's virtual machine:
 * the same work is the same number, on any machine. */
uint64_t stmt_work_for_test(struct store *s, enum family f);
#endif

#endif
