/* Whatever the database refuses, every function of VTXOs, their keys and their servers says so: none goes on as if it had been
 * done.  Each call here works; then, one after the other, each table that it needs is gone, and it must fail. */
#include <stdio.h>
#include <string.h>

#include "store/ark_server_store.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"
#include "tests/support/vtxo_rows.h"

static struct scratch scratch;
static struct arena arena;
static const struct action_id alice = { "alice" }, bob = { "bob" };
static int called; /* by what lists */

static void never(void *ctx, const struct vtxo_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

/* VTXOs 1 (free) and 2 (which alice holds); keys 0 to 9. */
static int make_rows(struct unit *u, void *ctx, struct err *err)
{
	struct outpoint second = ark_at(2);

	(void)ctx;
	ark_wallet(u, 10);
	for (unsigned n = 1; n <= 2; n++) {
		struct vtxo_add v = ark_vtxo(n);

		ark_add(u, &v);
	}
	OK(vtxo_store_lock(u, &second, 1, &alice, 1, err));
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	arena = ARENA_LIMIT(1 << 20);
	scratch_unit(&scratch, make_rows, NULL);
}

static void teardown(void)
{
	arena_done(&arena);
	scratch_close(&scratch);
}

struct world {
	struct unit *u;
	struct view v;
	int64_t n;
	uint32_t index;
	size_t size;
	const char *text;
	struct pubkey key;
	struct ark_key_edge edge;
	struct vtxo_row row;
	struct vtxo_sums sums;
	struct bytes bare, genesis;
	struct ark_server_row *servers;
};

static const struct outpoint *at(unsigned n)
{
	static struct outpoint place;

	place = ark_at(n);
	return &place;
}

static const struct pubkey *key(unsigned n)
{
	static struct pubkey k;

	k = ark_key(n);
	return &k;
}

static const struct pubkey *server(void)
{
	static struct pubkey k;

	k = ark_server(1);
	return &k;
}

static const struct vtxo_add *third(void)
{
	static struct vtxo_add v;

	v = ark_vtxo(3);
	return &v;
}

static const struct vtxo_move *gone(void)
{
	static const struct vtxo_move m = { .to = VTXO_SPENT, .kind = "send" };

	return &m;
}

static const struct block_ref *block(void)
{
	static struct block_ref ref;

	ref = (struct block_ref){ 7, onchain_hash(7) };
	return &ref;
}

#define CALL(name, expr)                                                                                               \
	static int do_##name(struct world *w, struct err *err)                                                         \
	{                                                                                                              \
		return expr;                                                                                           \
	}
CALL(account_add, ark_account_add(w->u, "xpub", err))
CALL(account_get, ark_account_get(w->v, &arena, &w->text, err))
CALL(key_add, ark_key_add(w->u, 10, key(10), err))
CALL(key_edge, ark_key_edge(w->v, &w->edge, err))
CALL(key_find, ark_key_find(w->v, key(3), &w->index, err))
CALL(key_take, ark_key_take(w->u, &w->index, &w->key, err))
CALL(key_use, ark_key_use(w->u, 5, err))
CALL(add, vtxo_store_add(w->u, third(), 1, &w->n, err))
CALL(lock, vtxo_store_lock(w->u, at(1), 1, &bob, 1, err))
CALL(release, vtxo_store_release(w->u, &alice, 1, err))
CALL(rehold, vtxo_store_rehold(w->u, &alice, &bob, err))
CALL(move, vtxo_store_move(w->u, at(1), gone(), 1, err))
CALL(anchor, vtxo_store_set_anchor(w->u, 1, block(), 1, err))
CALL(label, vtxo_store_set_label(w->u, 1, "rent", err))
CALL(alarm, vtxo_store_alarm(w->u, 1, err))
CALL(find, vtxo_store_find(w->v, &arena, at(1), &w->row, err))
CALL(get, vtxo_store_get(w->v, &arena, 1, &w->row, err))
CALL(bytes, vtxo_store_bytes(w->v, &arena, 1, &w->bare, &w->genesis, err))
CALL(list, vtxo_store_list(w->v, &arena, &(struct vtxo_query){ .limit = 9 }, never, NULL, err))
CALL(expiring, vtxo_store_expiring(w->v, &arena, 5000, 9, never, NULL, err))
CALL(sums, vtxo_store_sums(w->v, &w->sums, err))
CALL(servers, ark_server_list(w->v, &arena, &w->servers, &w->size, err))
CALL(lose, ark_server_set_lost(w->u, server(), 1, err))

#define LEDGER "movement ledger_entry account_total event "
static const struct {
	const char *name;
	int (*call)(struct world *w, struct err *err);
	const char *needs; /* tables, each followed by a space */
} cases[] = {
	{ "ark_account_add", do_account_add, "ark_wallet " },
	{ "ark_account_get", do_account_get, "ark_wallet " },
	{ "ark_key_add", do_key_add, "ark_key " },
	{ "ark_key_edge", do_key_edge, "ark_key " },
	{ "ark_key_find", do_key_find, "ark_key " },
	{ "ark_key_take", do_key_take, "ark_key " },
	{ "ark_key_use", do_key_use, "ark_key " },
	{ "vtxo_store_add", do_add, "vtxo ark_key ark_server " LEDGER },
	{ "vtxo_store_lock", do_lock, "vtxo " LEDGER },
	{ "vtxo_store_release", do_release, "vtxo " LEDGER },
	{ "vtxo_store_rehold", do_rehold, "vtxo " },
	{ "vtxo_store_move", do_move, "vtxo " LEDGER },
	{ "vtxo_store_set_anchor", do_anchor, "vtxo " },
	{ "vtxo_store_set_label", do_label, "vtxo " },
	{ "vtxo_store_alarm", do_alarm, "vtxo event " },
	{ "vtxo_store_find", do_find, "vtxo ark_server " },
	{ "vtxo_store_get", do_get, "vtxo ark_server " },
	{ "vtxo_store_bytes", do_bytes, "vtxo " },
	{ "vtxo_store_list", do_list, "vtxo ark_server " },
	{ "vtxo_store_expiring", do_expiring, "vtxo ark_server " },
	{ "vtxo_store_sums", do_sums, "vtxo " },
	{ "ark_server_list", do_servers, "vtxo ark_server " },
	{ "ark_server_set_lost", do_lose, "ark_server event " },
};

struct attempt {
	int i;
	const char *gone; /* NULL: nothing */
};

static int attempt(struct unit *u, void *ctx, struct err *err)
{
	const struct attempt *t = ctx;
	struct world w = { .u = u, .v = unit_view(u) };
	int rc;

	called = 0;
	rc = cases[t->i].call(&w, err);
	if (!t->gone && rc < 0)
		ck_abort_msg("%s: %s", cases[t->i].name, err->msg);
	if (!t->gone)
		return 0;
	ck_assert_msg(rc == -1 && err->code == ERR_INTERNAL, "%s without %s: %d", cases[t->i].name, t->gone, rc);
	ck_assert_int_eq(called, 0);
	return 0;
}

static void rename_table(const char *from, const char *to)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "ALTER TABLE %s RENAME TO %s", from, to);
	scratch_sql(&scratch, sql);
}

START_TEST(refused)
{
	struct attempt t = { .i = _i };
	struct err e, *err = &e;
	char table[64];

	OK(store_rehearse(scratch.store, attempt, &t, err));
	store_flush(scratch.store);
	for (const char *p = cases[_i].needs; *p; p += strlen(table) + 1) {
		snprintf(table, sizeof(table), "%.*s", (int)strcspn(p, " "), p);
		rename_table(table, "gone");
		t.gone = table;
		OK(store_rehearse(scratch.store, attempt, &t, err));
		store_flush(scratch.store);
		rename_table("gone", table);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/refused vtxo");
	TCase *c = tcase_create("refused");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, refused, 0, ARRAY_LEN(cases));
	suite_add_tcase(s, c);
	return suite_run(s);
}
