#include "store/mint_store.h"

#include <inttypes.h>
#include <string.h>

#include "base/reader.h"
#include "store/query_sets.h"
#include "store/rows.h"
#include "store/stmt.h"

enum {
	Q_ADD,
	Q_COUNT_ALL,
	Q_UPDATE,
	Q_SET_TROUBLE,
	Q_BY_URL,
	Q_BY_ID,
	Q_LIST,
	Q_LIMIT_SET,
	Q_LIMIT_DROP,
	Q_LIMITS,
	Q_KEYSET_ADD,
	Q_KEYSET_COUNT,
	Q_KEYSET_UPDATE,
	Q_KEYSET_GET,
	Q_KEYSET_ANY,
	Q_KEYSET_LIST,
	Q_KEYSET_SAME_NUMBER,
	Q_KEYSET_ALIKE,
	Q_COUNT
};

#define MINT_COLS_WITH(info)                                                                                           \
	"id, url, name, trusted, dleq, quote_locks, quote_legacy, " info ", added_at_ms, synced_at_ms, trouble,"       \
	" trouble_since_ms"
#define MINT_COLS   MINT_COLS_WITH("info")
#define KEYSET_COLS "id, mint_id, unit, active, input_fee_ppk, final_expiry_s, keys"

static const char *const sql[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO mint (url, name, trusted, dleq, quote_locks, quote_legacy, info, added_at_ms,"
		  " synced_at_ms, trouble, trouble_since_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[Q_COUNT_ALL] = "SELECT count(*) FROM mint",
	[Q_UPDATE] =
		"UPDATE mint SET name = ?2, trusted = ?3, dleq = ?4, quote_locks = ?5, quote_legacy = ?6, info = ?7,"
		" synced_at_ms = ?8, trouble = ?9, trouble_since_ms = ?10 WHERE id = ?1",
	[Q_SET_TROUBLE] = "UPDATE mint SET trouble = ?2, trouble_since_ms = CASE WHEN ?2 IS NULL THEN 0"
			  " WHEN trouble IS NULL THEN ?3 ELSE trouble_since_ms END WHERE id = ?1",
	[Q_BY_URL] = "SELECT " MINT_COLS " FROM mint WHERE url = ?1",
	[Q_BY_ID] = "SELECT " MINT_COLS " FROM mint WHERE id = ?1",
	[Q_LIST] = "SELECT " MINT_COLS_WITH("NULL") " FROM mint WHERE id > ?1 ORDER BY id LIMIT ?2",
	[Q_LIMIT_SET] = "INSERT INTO mint_limit (mint_id, unit, max) VALUES (?1, ?2, ?3)"
			" ON CONFLICT (mint_id, unit) DO UPDATE SET max = excluded.max",
	[Q_LIMIT_DROP] = "DELETE FROM mint_limit WHERE mint_id = ?1 AND unit = ?2",
	[Q_LIMITS] = "SELECT unit, max FROM mint_limit WHERE mint_id = ?1 ORDER BY unit",
	[Q_KEYSET_ADD] = "INSERT INTO keyset (" KEYSET_COLS ", kid_int) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[Q_KEYSET_COUNT] = "SELECT count(*) FROM keyset WHERE mint_id = ?1",
	[Q_KEYSET_UPDATE] = "UPDATE keyset SET active = ?3, input_fee_ppk = ?4, final_expiry_s = ?5"
			    " WHERE mint_id = ?1 AND id = ?2",
	[Q_KEYSET_GET] = "SELECT " KEYSET_COLS " FROM keyset WHERE mint_id = ?2 AND id = ?1",
	[Q_KEYSET_ANY] = "SELECT " KEYSET_COLS " FROM keyset WHERE id = ?1 LIMIT 1",
	[Q_KEYSET_LIST] = "SELECT " KEYSET_COLS " FROM keyset WHERE mint_id = ?1 ORDER BY id",
	[Q_KEYSET_SAME_NUMBER] = "SELECT 1 FROM keyset WHERE kid_int = ?2 AND id <> ?1 LIMIT 1",
	/* A range of ids, so that the index finds it: ids go on in hex, and 'g' is after all of that. */
	[Q_KEYSET_ALIKE] = "SELECT DISTINCT id FROM keyset WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id",
};
const struct query_set mint_queries = { "mint", sql, Q_COUNT };

/* ?2 to ?7: what both an insert and an update of a mint set. */
static void bind_facts(struct stmt *q, const struct mint_row *row)
{
	bind_text(q, 2, row->name);
	bind_bool(q, 3, row->trusted);
	bind_bool(q, 4, row->dleq);
	bind_bool(q, 5, row->quote_locks);
	bind_bool(q, 6, row->quote_legacy);
	bind_text(q, 7, row->info);
}

/* Runs an update of one mint. */
static int update_one(struct stmt *q, int64_t id, struct err *err)
{
	int changed = stmt_run(q, err);

	if (changed == 0)
		return ERR(err, ERR_MINT_UNKNOWN, "no mint has the number %" PRId64, id);
	return changed < 0 ? -1 : 0;
}

/* What a statement that counts says; parameter 1 is bound when it is not 0. */
static int count_of(struct unit *u, unsigned query, int64_t param, int64_t *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, query);

	if (param)
		bind_i64(q, 1, param);
	if (stmt_step(q, err) < 0)
		return -1;
	*ret = col_i64(q, 0);
	return 0;
}

int mint_store_add(struct unit *u, const struct mint_row *row, int64_t *ret_id, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_ADD);
	int64_t n;

	if (count_of(u, Q_COUNT_ALL, 0, &n, err) != 0)
		return -1;
	if (n >= MINTS_MAX)
		return ERR(err, ERR_RANGE, "%d mints are known already", MINTS_MAX);
	bind_text(q, 1, row->url);
	bind_facts(q, row);
	bind_i64(q, 8, row->added_at_ms);
	bind_i64(q, 9, row->synced_at_ms);
	bind_text(q, 10, row->trouble);
	bind_i64(q, 11, row->trouble_since_ms);
	if (stmt_insert(q, ERR_EXISTS, "this mint", err) != 0)
		return -1;
	*ret_id = stmt_last_rowid(q);
	return 0;
}

int mint_store_update(struct unit *u, const struct mint_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_UPDATE);

	bind_i64(q, 1, row->id);
	bind_facts(q, row);
	bind_i64(q, 8, row->synced_at_ms);
	bind_text(q, 9, row->trouble);
	bind_i64(q, 10, row->trouble_since_ms);
	return update_one(q, row->id, err);
}

int mint_store_set_trouble(struct unit *u, int64_t id, const char *kind, int64_t now_ms, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_SET_TROUBLE);

	bind_i64(q, 1, id);
	bind_text(q, 2, kind);
	bind_i64(q, 3, now_ms);
	return update_one(q, id, err);
}

static void mint_read(struct arena *a, struct stmt *q, struct mint_row *ret)
{
	*ret = (struct mint_row){
		.id = col_i64(q, 0),
		.url = col_text(a, q, 1),
		.name = col_text(a, q, 2),
		.trusted = col_bool(q, 3),
		.dleq = col_bool(q, 4),
		.quote_locks = col_bool(q, 5),
		.quote_legacy = col_bool(q, 6),
		.info = col_text(a, q, 7),
		.added_at_ms = col_i64(q, 8),
		.synced_at_ms = col_i64(q, 9),
		.trouble = col_text(a, q, 10),
		.trouble_since_ms = col_i64(q, 11),
	};
}

int mint_store_by_url(struct view v, struct arena *a, const char *url, struct mint_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, Q_BY_URL);
	int rc;

	bind_text(q, 1, url);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_MINT_UNKNOWN, "the mint %s is not known here", url);
	mint_read(a, q, ret);
	return 0;
}

int mint_store_by_id(struct view v, struct arena *a, int64_t id, struct mint_row *ret, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, Q_BY_ID);
	int rc;

	bind_i64(q, 1, id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ERR(err, ERR_MINT_UNKNOWN, "no mint has the number %" PRId64, id);
	mint_read(a, q, ret);
	return 0;
}

int mint_store_list(struct view v, struct arena *a, int64_t after, unsigned limit, struct mint_row **ret, size_t *n,
		    struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, Q_LIST);
	struct mint_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, after);
	bind_i64(q, 2, limit);
	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		mint_read(a, q, &rows[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

/* Limits. */

int mint_store_limit_set(struct unit *u, int64_t mint_id, const struct mint_limit_row *row, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_LIMIT_SET);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, row->unit.s);
	if (row->bounded)
		bind_u64(q, 3, row->max);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int mint_store_limit_drop(struct unit *u, int64_t mint_id, struct currency unit, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_LIMIT_DROP);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, unit.s);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int mint_store_limits(struct view v, struct arena *a, int64_t mint_id, struct mint_limit_row **ret, size_t *n,
		      struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, Q_LIMITS);
	struct mint_limit_row *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, mint_id);
	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		rows[got] = (struct mint_limit_row){ .bounded = !col_is_null(q, 1) };
		col_currency(q, 0, &rows[got].unit);
		if (rows[got].bounded)
			rows[got].max = col_u64(q, 1);
		got++;
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

/* Keysets. */

#define KEY_SIZE (sizeof(uint64_t) + sizeof(((struct pubkey *)0)->b))

static struct bytes keys_encode(struct buf *b, const struct keyset *ks)
{
	for (size_t i = 0; i < ks->n_keys; i++) {
		buf_be64(b, ks->keys[i].amount);
		buf_add(b, ks->keys[i].key.b, sizeof(ks->keys[i].key.b));
	}
	return buf_bytes(b);
}

static int keyset_read(struct arena *a, struct stmt *q, struct keyset *ret, struct err *err)
{
	struct bytes blob = col_blob(a, q, 6);
	struct reader r = reader_of(blob);
	struct keyset ks = {
		.active = col_bool(q, 3),
		.input_fee_ppk = col_u64(q, 4),
		.final_expiry_s = col_i64(q, 5),
		.n_keys = blob.n / KEY_SIZE,
	};

	col_keyset_id(q, 0, &ks.id);
	col_currency(q, 2, &ks.unit);
	ks.keys = ARENA_ARRAY(a, ks.n_keys, struct keyset_key);
	for (size_t i = 0; i < ks.n_keys; i++) {
		ks.keys[i].amount = read_be64(&r);
		read_copy(&r, ks.keys[i].key.b, sizeof(ks.keys[i].key.b));
	}
	if (!reader_at_end(&r))
		return ERR(err, ERR_STORAGE_CORRUPT, "the keys of keyset %s", ks.id.s);
	*ret = ks;
	return 0;
}

/* That of a mint, or (0) of any: 1 found, 0 not, -1. */
static int keyset_load(struct view v, struct arena *a, int64_t mint_id, const struct keyset_id *id, struct keyset *ret,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, mint_id ? Q_KEYSET_GET : Q_KEYSET_ANY);
	int rc;

	bind_text(q, 1, id->s);
	if (mint_id)
		bind_i64(q, 2, mint_id);
	rc = stmt_step(q, err);
	if (rc != 1)
		return rc;
	return keyset_read(a, q, ret, err) != 0 ? -1 : 1;
}

static bool same_keys(const struct keyset *a, const struct keyset *b)
{
	if (a->n_keys != b->n_keys)
		return false;
	for (size_t i = 0; i < a->n_keys; i++)
		if (a->keys[i].amount != b->keys[i].amount || !pubkey_equal(&a->keys[i].key, &b->keys[i].key))
			return false;
	return true;
}

/* NUT-02: the id of a v2 keyset commits to its fee and expiry as well. */
static bool id_commits_to_terms(const struct keyset_id *id)
{
	return strncmp(id->s, "01", 2) == 0;
}

/* Secrets derived for two ids of one number would be the same. */
static int check_number(struct unit *u, const struct keyset *ks, int64_t kid_int, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_KEYSET_SAME_NUMBER);
	int rc;

	if (kid_int < 0)
		return 0;
	bind_text(q, 1, ks->id.s);
	bind_i64(q, 2, kid_int);
	rc = stmt_step(q, err);
	if (rc == 1)
		return ERR(err, ERR_EXISTS, "keyset %s derives the same secrets as another", ks->id.s);
	return rc;
}

/* May this mint have one more?  An id that is known from another mint must stand for the same keys. */
static int check_new(struct unit *u, int64_t mint_id, const struct keyset *ks, struct arena *a, struct err *err)
{
	struct keyset twin;
	int64_t n;
	int rc;

	if (count_of(u, Q_KEYSET_COUNT, mint_id, &n, err) != 0)
		return -1;
	if (n >= KEYSETS_OF_MINT_MAX)
		return ERR(err, ERR_RANGE, "keyset %s is one more than %d of one mint", ks->id.s, KEYSETS_OF_MINT_MAX);
	rc = keyset_load(unit_view(u), a, 0, &ks->id, &twin, err);
	if (rc <= 0)
		return rc;
	if (currency_equal(twin.unit, ks->unit) && same_keys(&twin, ks))
		return 0;
	return ERR(err, ERR_PEER_INVALID, "keyset %s has other keys at another mint", ks->id.s);
}

static int keyset_add(struct unit *u, int64_t mint_id, const struct keyset *ks, int64_t kid_int, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_KEYSET_ADD);
	SCOPED(buf) struct buf keys = BUF_CAP(CASHU_KEYS_MAX * KEY_SIZE);
	struct bytes blob = keys_encode(&keys, ks);

	if (!buf_ok(&keys) || blob.n == 0)
		return ERR(err, ERR_PEER_INVALID, "keyset %s has %zu keys", ks->id.s, ks->n_keys);
	bind_text(q, 1, ks->id.s);
	bind_i64(q, 2, mint_id);
	bind_text(q, 3, ks->unit.s);
	bind_bool(q, 4, ks->active);
	bind_u64(q, 5, ks->input_fee_ppk);
	bind_i64(q, 6, ks->final_expiry_s);
	bind_blob(q, 7, blob);
	if (kid_int >= 0)
		bind_i64(q, 8, kid_int);
	return stmt_insert(q, ERR_INTERNAL, "keyset", err);
}

static int keyset_update(struct unit *u, int64_t mint_id, const struct keyset *ks, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(unit_view(u), FAMILY_MINT, Q_KEYSET_UPDATE);

	bind_i64(q, 1, mint_id);
	bind_text(q, 2, ks->id.s);
	bind_bool(q, 3, ks->active);
	bind_u64(q, 4, ks->input_fee_ppk);
	bind_i64(q, 5, ks->final_expiry_s);
	return stmt_run(q, err) < 0 ? -1 : 0;
}

int keyset_store_put(struct unit *u, int64_t mint_id, const struct keyset *ks, int64_t kid_int, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct keyset known;
	int rc;

	if (ks->input_fee_ppk > INT64_MAX)
		return ERR(err, ERR_PEER_INVALID, "keyset %s: fee of %" PRIu64 " ppk", ks->id.s, ks->input_fee_ppk);
	rc = keyset_load(unit_view(u), &a, mint_id, &ks->id, &known, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		if (check_new(u, mint_id, ks, &a, err) != 0 || check_number(u, ks, kid_int, err) != 0)
			return -1;
		return keyset_add(u, mint_id, ks, kid_int, err);
	}
	if (!currency_equal(known.unit, ks->unit) || (ks->keys && !same_keys(&known, ks)))
		return ERR(err, ERR_PEER_INVALID, "keyset %s: the mint changed its keys or unit", ks->id.s);
	if (id_commits_to_terms(&ks->id) &&
	    (known.input_fee_ppk != ks->input_fee_ppk || known.final_expiry_s != ks->final_expiry_s))
		return ERR(err, ERR_PEER_INVALID, "keyset %s: the mint changed a fee or expiry that the id fixes",
			   ks->id.s);
	return keyset_update(u, mint_id, ks, err);
}

int keyset_store_list(struct view v, struct arena *a, int64_t mint_id, struct keyset **ret, size_t *n, struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, Q_KEYSET_LIST);
	struct keyset *rows = NULL;
	size_t got = 0;
	int rc;

	bind_i64(q, 1, mint_id);
	while ((rc = stmt_step(q, err)) == 1) {
		rows = rows_room(a, rows, got, sizeof(*rows));
		if (keyset_read(a, q, &rows[got++], err) != 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	*ret = rows;
	*n = got;
	return 0;
}

int keyset_store_get(struct view v, struct arena *a, int64_t mint_id, const struct keyset_id *id, struct keyset *ret,
		     struct err *err)
{
	int rc = keyset_load(v, a, mint_id, id, ret, err);

	if (rc == 0)
		return ERR(err, ERR_KEYSET_UNKNOWN, "keyset %s is not known here", id->s);
	return rc < 0 ? -1 : 0;
}

int keyset_store_alike(struct view v, struct arena *a, const char *short_id, struct keyset_id **ret, size_t *n,
		       struct err *err)
{
	SCOPED(stmt) struct stmt *q = stmt_of(v, FAMILY_MINT, Q_KEYSET_ALIKE);
	struct keyset_id *ids = NULL;
	size_t got = 0;
	int rc;

	bind_text(q, 1, short_id);
	while ((rc = stmt_step(q, err)) == 1) {
		ids = rows_room(a, ids, got, sizeof(*ids));
		col_keyset_id(q, 0, &ids[got++]);
	}
	if (rc < 0)
		return -1;
	*ret = ids;
	*n = got;
	return 0;
}
